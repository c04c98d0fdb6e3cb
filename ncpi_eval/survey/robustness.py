"""How much the published differences can carry: rounding, clustering, multiplicity, one force.

The report prints whole percentages and says which differences are significant. It prints neither
counts nor a test that allows for respondents of one force answering alike. Both questions can be
answered from the published numbers alone: `robustness_table` gives, for every published
difference, the p-values that its rounding allows and the intra-force correlation at which it
would no longer be significant.

Group sizes are not printed either. They are derived: a size is possible if some table of answers
with it agrees with everything printed for that breakdown, over all questions together (a linear
programme, so that the range is never too narrow).

With respondents at hand, `leave_one_force_out` and `multiplicity` ask the other two questions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import optimize, stats

from ncpi_eval.errors import DesignError
from ncpi_eval.survey.printed import PRange, PrintedGroup, p_range
from ncpi_eval.survey.tabulation import SELF_SELECTED

LEVEL = 0.05
CAVEAT = (
    f"{SELF_SELECTED} Counts and group sizes are not printed: the ranges hold for all that the "
    "printed numbers allow."
)
ONE_FORCE_LEFT_OUT = (
    "Respondents taken as independent. Which force moves the result most is not shown, because it "
    "would tell something of that force."
)

# Published facts about the respondents by force (report, appendix D).
RESPONDENTS = 856
FORCES = 34
LARGEST_FORCE = 130
FORCES_WITH_ONE = 9  # 34 forces, of which 25 have more than one respondent
FORCES_OVER_20 = 16

# Assumed, not printed: nobody publishes a percentage of a group smaller than this. Without it
# nothing bounds the areas of work from below, because one of them has no percentages printed.
SMALLEST_GROUP = 30

# Every group as a sum of leaves, so that breakdowns of the same people bound each other: the
# uninspected are the same people by status and by timing.
_INSPECTION = ("before_2017", "from_2017", "uninspected")
_LEAVES: dict[str, dict[str, tuple[str, ...]]] = {
    "inspection_status": {"inspected": _INSPECTION[:2], "uninspected": _INSPECTION[2:]},
    "inspection_timing": {leaf: (leaf,) for leaf in _INSPECTION},
    "area": {x: (x,) for x in ("custody", "child_protection", "neighbourhood", "other")},
    "service": {x: (x,) for x in ("up_to_5_years", "over_5_years")},
    "training_recency": {x: (x,) for x in ("last_year", "over_a_year", "never_or_dont_know")},
    "support": {x: (x,) for x in ("supported", "not_supported")},
}
# Breakdowns whose printed groups leave some respondents over (here: neither, or don't know).
_LEFT_OVER = "neither"
_NOT_EXHAUSTIVE = ("support",)
_FAMILY = {"inspection_timing": "inspection", "inspection_status": "inspection"}

# A group whose size is itself printed, as the answer to the question that defines it.
# (question, response): (breakdown, leaf, exact); not exact: the leaf holds others too.
_SIZES_PRINTED = {
    ("TrainAny", "1"): ("training_recency", "last_year", True),
    ("TrainAny", "4"): ("training_recency", "never_or_dont_know", False),
    ("DecSupp", "1|2"): ("support", "supported", True),
}
# Questions that a group was not asked, by the report's text: its base there can be anything.
_NOT_ASKED = {("TrainHelp", "never_or_dont_know")}

# Breakdowns that are a property of the force, so that a whole force is in one group.
BETWEEN_FORCES = ("inspection_status", "inspection_timing", "joint_inspection", "any_inspection")


# --- what is published ---------------------------------------------------------------------------


def published_differences(figures: pd.DataFrame, respondents: int = RESPONDENTS) -> pd.DataFrame:
    """The comparisons of two or more groups for which the report prints percentages.

    Parameters
    ----------
    figures : DataFrame
        The transcription (columns id, question, item, response, subgroup_variable, subgroup,
        value, unit, base, significant, location). Percentages are rows with unit `percent`, 54
        for 54%; a statement about significance is a row that names its groups, like
        `inspected|uninspected`, with `yes` or `no` in `significant`.
    respondents : int
        Number of respondents, the largest base possible.

    Returns
    -------
    DataFrame
        One row per comparison and group, columns: comparison (stable number from 1), question,
        item, response, subgroup_variable, subgroup, percent, overall_low, overall_high (printed
        overall percentage, missing where none is printed), base_low, base_high (both inclusive),
        base_printed (whether the base is printed for the question), published_significant (yes,
        no, `yes and no` where the report says both, or missing), reading (missing, or the place of
        the report whose number was taken where its numbers contradict each other).
    """
    facts = _facts(figures, respondents)
    rows: list[dict[str, object]] = []
    number = 0
    for comparison in facts.comparisons:
        for reading, percents in comparison.readings:
            number += 1
            for group in comparison.groups:
                rows.append(
                    {
                        "comparison": number,
                        "question": comparison.question,
                        "item": facts.items.get(comparison.question, ""),
                        "response": comparison.response,
                        "subgroup_variable": comparison.variable,
                        "subgroup": group,
                        "percent": percents[group],
                        **facts.surroundings(comparison),
                        "published_significant": comparison.significant,
                        "reading": reading,
                    }
                )
    return pd.DataFrame(rows, columns=_DIFFERENCE_COLUMNS)


_DIFFERENCE_COLUMNS = [
    "comparison", "question", "item", "response", "subgroup_variable", "subgroup", "percent",
    "overall_low", "overall_high", "base_low", "base_high", "base_printed",
    "published_significant", "reading",
]  # fmt: skip


@dataclass(frozen=True)
class _Comparison:
    question: str
    response: str
    variable: str
    groups: tuple[str, ...]
    readings: list[tuple[str | None, dict[str, int]]]
    significant: str | None


@dataclass
class _Facts:
    """Everything printed that bears on a comparison."""

    respondents: int
    smallest_group: int
    base_low: int
    items: dict[str, str] = field(default_factory=dict)
    overall: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    bases: dict[str, tuple[int, int]] = field(default_factory=dict)
    # (question, response, variable) -> group -> printed values with the places that print them
    printed: dict[tuple[str, str, str], dict[str, dict[int, list[str]]]] = field(
        default_factory=dict
    )
    comparisons: list[_Comparison] = field(default_factory=list)

    def base(self, question: str) -> tuple[int, int]:
        return self.bases.get(question, (self.base_low, self.respondents))

    def surroundings(self, comparison: _Comparison) -> dict[str, object]:
        low, high = self.overall.get((comparison.question, comparison.response), (None, None))
        base = self.base(comparison.question)
        return {
            "overall_low": low,
            "overall_high": high,
            "base_low": base[0],
            "base_high": base[1],
            "base_printed": comparison.question in self.bases,
        }


def _facts(figures: pd.DataFrame, respondents: int, smallest_group: int = SMALLEST_GROUP) -> _Facts:
    frame = figures.astype(object).where(figures.notna(), "").astype(str)
    frame = frame[frame["question"] != ""]
    facts = _Facts(respondents, smallest_group, base_low=respondents)
    all_bases = []
    for row in frame.to_dict("records"):
        question, base = row["question"], [int(x) for x in re.findall(r"\d+", _whole(row["base"]))]
        if row["item"]:
            facts.items.setdefault(question, row["item"])
        if base:
            known = facts.bases.get(question, (base[0], base[0]))
            facts.bases[question] = (min(*base, *known), max(*base, *known))
            all_bases += base
        if row["unit"] == "percent" and row["value"]:
            _read_percent(facts, row)
    # A question that everybody was asked lost at most as many as the worst printed one did.
    facts.base_low = min([b for b in all_bases if b >= 0.9 * respondents], default=respondents)
    claims = _significance_claims(frame)
    for (question, response, variable), groups in facts.printed.items():
        sets = [tuple(sorted(groups, key=_order(variable)))]
        sets += [
            named
            for key, named in claims
            if key == (question, response, variable) and set(named) < set(groups)
        ]
        for named in dict.fromkeys(sets):
            if len(named) < 2:
                continue
            said = claims.get(((question, response, variable), named), set())
            significant = "yes and no" if len(said) == 2 else next(iter(said), None)
            readings = _readings({group: groups[group] for group in named})
            facts.comparisons.append(
                _Comparison(question, response, variable, named, readings, significant)
            )
    return facts


def _whole(text: str) -> str:
    """850.0, as pandas writes a whole number in a column with blanks, is 850."""
    return re.sub(r"\.0\b", "", text)


def _read_percent(facts: _Facts, row: Mapping[str, str]) -> None:
    value, group = round(float(row["value"])), row["subgroup"]
    question, response, variable = row["question"], row["response"], row["subgroup_variable"]
    if variable in ("", "all"):
        low, high = facts.overall.get((question, response), (value, value))
        facts.overall[question, response] = (min(low, value), max(high, value))
    elif response and "|" not in group:
        groups = facts.printed.setdefault((question, response, variable), {})
        groups.setdefault(group, {}).setdefault(value, []).append(row["location"])


def _significance_claims(
    frame: pd.DataFrame,
) -> dict[tuple[tuple[str, str, str], tuple[str, ...]], set[str]]:
    claims: dict[tuple[tuple[str, str, str], tuple[str, ...]], set[str]] = {}
    for row in frame[frame["significant"].isin(["yes", "no"])].to_dict("records"):
        key = (row["question"], row["response"], row["subgroup_variable"])
        groups = tuple(sorted(row["subgroup"].split("|"), key=_order(row["subgroup_variable"])))
        if len(groups) > 1:
            claims.setdefault((key, groups), set()).add(row["significant"])
    return claims


def _order(variable: str) -> Callable[[str], tuple[int, str]]:
    """Groups in the order of the breakdown; unknown ones after them, by name."""
    known = list(_LEAVES.get(variable, {}))
    return lambda group: (known.index(group) if group in known else len(known), group)


def _readings(
    groups: Mapping[str, Mapping[int, Sequence[str]]],
) -> list[tuple[str | None, dict[str, int]]]:
    """One set of percentages; or one for each place, where places contradict each other."""
    contested = [group for group, values in groups.items() if len(values) > 1]
    settled = {g: next(iter(values)) for g, values in groups.items() if g not in contested}
    if not contested:
        return [(None, settled)]
    places = dict.fromkeys(
        place for g in contested for found in groups[g].values() for place in found
    )
    found: dict[tuple[int, ...], tuple[str | None, dict[str, int]]] = {}
    for place in places:
        here = {g: value for g in contested for value, where in groups[g].items() if place in where}
        if len(here) == len(contested):
            complete = {g: {**settled, **here}[g] for g in groups}
            found.setdefault(tuple(complete.values()), (place, complete))
    return list(found.values())


# --- group sizes ---------------------------------------------------------------------------------


class _Sizes:
    """Sizes that agree with everything printed for one family of breakdowns, as a linear programme.

    Unknowns: members of each leaf; for each question those of them who answered; for each response
    set with a printed percentage those of them who are counted.
    """

    def __init__(self, facts: _Facts, family: str, only: str | None = None) -> None:
        self.facts = facts
        self.keys = [
            key for key in facts.printed if _family(key[2]) == family and only in (None, key[0])
        ]
        self.variables = list(dict.fromkeys(key[2] for key in self.keys))
        self.questions = list(dict.fromkeys(key[0] for key in self.keys))
        self.leaves = self._all_leaves()
        self.position: dict[tuple[str, ...], int] = {}
        self.rows: list[dict[int, float]] = []
        self.limits: list[float] = []
        self._members()
        for question in self.questions:
            self._answers(question)
        for pair in dict.fromkeys(key[:2] for key in self.keys):
            self._counts(*pair)
        for key in self.keys:
            self._percentages(key)
        width = len(self.position)
        self.matrix = np.array([[row.get(i, 0.0) for i in range(width)] for row in self.rows])

    def _all_leaves(self) -> tuple[str, ...]:
        leaves: dict[str, None] = {}
        for variable in self.variables:
            for group in _LEAVES.get(variable, {}):
                leaves.update(dict.fromkeys(_LEAVES[variable][group]))
            known = _LEAVES.get(variable, {})
            for key in self.keys:
                if key[2] == variable:
                    leaves.update(
                        dict.fromkeys(g for g in self.facts.printed[key] if g not in known)
                    )
            if variable in _NOT_EXHAUSTIVE or variable not in _LEAVES:
                leaves[_LEFT_OVER] = None
        return tuple(leaves)

    def of(self, variable: str, group: str) -> tuple[str, ...]:
        return _LEAVES.get(variable, {}).get(group, (group,))

    def _at(self, *name: str) -> int:
        return self.position.setdefault(name, len(self.position))

    def _at_most(self, terms: Mapping[int, float], limit: float) -> None:
        self.rows.append(dict(terms))
        self.limits.append(limit)

    def _between(self, terms: Mapping[int, float], low: float, high: float) -> None:
        self._at_most(terms, high)
        self._at_most({i: -weight for i, weight in terms.items()}, -low)

    def _members(self) -> None:
        members = {self._at("members", leaf): 1.0 for leaf in self.leaves}
        self._between(members, 0, self.facts.respondents)
        for (question, response), (variable, leaf, exact) in _SIZES_PRINTED.items():
            overall = self.facts.overall.get((question, response))
            if variable not in self.variables or overall is None:
                continue
            base = self.facts.base(question)
            high = (2 * overall[1] + 1) * base[1] / 200 if exact else self.facts.respondents
            low = (2 * overall[0] - 1) * base[0] / 200
            self._between({self._at("members", leaf): 1.0}, low, high)

    def _answers(self, question: str) -> None:
        low, high = self.facts.base(question)
        everyone = {}
        for leaf in self.leaves:
            answered, member = self._at("answered", question, leaf), self._at("members", leaf)
            everyone[answered] = 1.0
            self._at_most({answered: 1.0, member: -1.0}, 0)
            if (question, leaf) not in _NOT_ASKED:
                missing = self.facts.respondents - low
                self._at_most({answered: -1.0, member: 1.0}, missing)
        asked_all = all((question, leaf) not in _NOT_ASKED for leaf in self.leaves)
        if asked_all:
            self._between(everyone, low, high)

    def _counts(self, question: str, response: str) -> None:
        for leaf in self.leaves:
            count = self._at("counted", question, response, leaf)
            self._at_most({count: 1.0, self._at("answered", question, leaf): -1.0}, 0)
        overall = self.facts.overall.get((question, response))
        if overall is not None:
            self._printed(question, response, self.leaves, *overall)

    def _percentages(self, key: tuple[str, str, str]) -> None:
        for group, values in self.facts.printed[key].items():
            # Contradicting values: any of them, so that the sizes do not depend on the reading.
            leaves = self.of(key[2], group)
            self._printed(key[0], key[1], leaves, min(values), max(values))
            answered = {self._at("answered", key[0], leaf): -1.0 for leaf in leaves}
            self._at_most(answered, -self.facts.smallest_group)

    def _printed(
        self, question: str, response: str, leaves: Iterable[str], low: int, high: int
    ) -> None:
        leaves = list(leaves)
        counted = {self._at("counted", question, response, leaf): 200.0 for leaf in leaves}
        answered = [self._at("answered", question, leaf) for leaf in leaves]
        above = {**counted, **{i: -(2.0 * high + 1) for i in answered}}
        below = {**{i: -w for i, w in counted.items()}, **{i: 2.0 * low - 1 for i in answered}}
        self._at_most(above, 0)
        self._at_most(below, 0)

    def range(self, question: str, leaves: Iterable[str]) -> tuple[int, int] | None:
        """Smallest and largest number who answered the question; None if nothing is possible."""
        objective = np.zeros(len(self.position))
        objective[[self.position["answered", question, leaf] for leaf in leaves]] = 1.0
        ends = []
        for sign in (1.0, -1.0):
            solution = optimize.linprog(
                sign * objective, A_ub=self.matrix, b_ub=self.limits, bounds=(0, None)
            )
            if solution.status != 0:
                return None
            ends.append(sign * solution.fun)
        return int(np.ceil(ends[0] - 1e-6)), int(np.floor(ends[1] + 1e-6))


def _family(variable: str) -> str:
    return _FAMILY.get(variable, variable)


def group_sizes(
    figures: pd.DataFrame, respondents: int = RESPONDENTS, smallest_group: int = SMALLEST_GROUP
) -> pd.DataFrame:
    """Sizes of the compared groups that the published numbers allow, question by question.

    Parameters
    ----------
    figures, respondents
        As in `published_differences`.
    smallest_group : int
        Assumed smallest number of respondents in a group whose percentage is printed.

    Returns
    -------
    DataFrame
        Columns question, subgroup_variable, subgroup, low, high (respondents of the group who
        answered the question, both inclusive) and basis: `all questions` where everything printed
        for the breakdown holds together, `this question` where it does not and only the question's
        own numbers are used, `none` where not even these agree (low and high are then missing).
    """
    facts = _facts(figures, respondents, smallest_group)
    found = _SizesByQuestion(facts)
    rows = []
    for question, variable in dict.fromkeys((key[0], key[2]) for key in facts.printed):
        groups = {g for key in facts.printed if key[0] == question and key[2] == variable
                  for g in facts.printed[key]}  # fmt: skip
        sizes, basis = found.of(question, variable)
        for group in sorted(groups, key=_order(variable)):
            ends = sizes.range(question, sizes.of(variable, group)) if basis != "none" else None
            low, high = ends or (None, None)
            rows.append((question, variable, group, low, high, basis))
    columns = ["question", "subgroup_variable", "subgroup", "low", "high", "basis"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"low": "Int64", "high": "Int64"})


class _SizesByQuestion:
    """The programme to use for a question: all of the breakdown's questions if they agree."""

    def __init__(self, facts: _Facts) -> None:
        self.facts = facts
        self.joint: dict[str, _Sizes | None] = {}

    def of(self, question: str, variable: str) -> tuple[_Sizes, str]:
        family = _family(variable)
        if family not in self.joint:
            joint = _Sizes(self.facts, family)
            possible = joint.range(joint.questions[0], joint.leaves) is not None
            self.joint[family] = joint if possible else None
        sizes = self.joint[family]
        if sizes is not None:
            return sizes, "all questions"
        alone = _Sizes(self.facts, family, only=question)
        possible = alone.range(question, alone.leaves) is not None
        return alone, "this question" if possible else "none"


# --- clusters ------------------------------------------------------------------------------------


def mean_cluster_size_range(
    respondents: int = RESPONDENTS,
    forces: int = FORCES,
    largest: int = LARGEST_FORCE,
    with_one: int = FORCES_WITH_ONE,
    over_20: int = FORCES_OVER_20,
) -> tuple[float, float]:
    """Range of the mean force size as a respondent sees it, over all published-consistent sizes.

    The mean is sum(m^2) / sum(m), the size that enters the design effect. Sums of squares are
    smallest when sizes are as equal as the published limits allow and largest when as many forces
    as possible lie at a limit, so that both ends are found exactly.

    Parameters
    ----------
    respondents, forces : int
        Totals.
    largest : int
        Size of the largest force, attained by at least one.
    with_one : int
        Forces with exactly one respondent; all others have 2 or more.
    over_20 : int
        Forces with 21 or more, the largest among them.

    Returns
    -------
    tuple of (low, high)

    Raises
    ------
    DesignError
        If no sizes agree with the limits.
    """
    middle = forces - with_one - over_20
    low = np.array([1] * with_one + [2] * middle + [21] * (over_20 - 1) + [largest])
    high = np.array([1] * with_one + [20] * middle + [largest] * over_20)
    spare = respondents - int(low.sum())
    if spare < 0 or respondents > int(high.sum()):
        raise DesignError("No sizes of forces agree with the published limits.")
    equal, unequal = low.copy(), low.copy()
    for _ in range(spare):
        # Smallest sum of squares: always raise the smallest force that may still grow.
        growing = np.flatnonzero(equal < high)
        equal[growing[np.argmin(equal[growing])]] += 1
    for position in np.argsort(-low, kind="stable"):
        # Largest: fill the largest force that may still grow first.
        step = min(spare, int(high[position] - unequal[position]))
        unequal[position] += step
        spare -= step
    return float((equal**2).sum() / respondents), float((unequal**2).sum() / respondents)


def critical_icc(chi2: float, df: int, mean_cluster_size: float, level: float = LEVEL) -> float:
    """Intra-force correlation at which a significant difference stops being so.

    The statistic is divided by the design effect 1 + (m - 1) rho (Kish; first-order Rao-Scott) and
    held against the chi-square distribution. The design effect is that of a group made of whole
    forces; for groups that cut across forces the loss is smaller, so that the answer is then the
    least correlation that could matter.

    Parameters
    ----------
    chi2 : float
        Pearson's statistic without continuity correction.
    df : int
        Its degrees of freedom, 1 or more.
    mean_cluster_size : float
        sum(m^2) / sum(m) over forces, above 1.
    level : float
        Level of the test.

    Returns
    -------
    float
        From 0 (exclusive) to 1 (inclusive: significant even if all of a force answer alike); NaN
        where the statistic is not significant to begin with.
    """
    critical = float(stats.chi2.isf(level, df))
    if not chi2 > critical:
        return float("nan")
    return min((chi2 / critical - 1) / (mean_cluster_size - 1), 1.0)


# --- the table -----------------------------------------------------------------------------------


def robustness_table(
    figures: pd.DataFrame,
    respondents: int = RESPONDENTS,
    smallest_group: int = SMALLEST_GROUP,
    wave: str = "2019",
) -> pd.DataFrame:
    """For every published difference: what its rounding allows and what clustering would take.

    Parameters
    ----------
    figures, respondents, smallest_group
        As in `group_sizes`.
    wave : str
        Wave of the survey, written into every row.

    Returns
    -------
    DataFrame
        One row per comparison and response set, and one more, with the sets joined by ` + `, where
        several are printed for the same two groups. Columns: id, question, item, response,
        subgroup_variable, groups (joined by `|`), printed (their percentages), overall,
        base_low, base_high, sizes (range of each group's size), sizes_basis (see `group_sizes`),
        chi2_low, chi2_high, df, p_low, p_high, verdict (`always significant`, `depends on
        rounding`, that is on the counts and group sizes that rounding leaves open, `never
        significant`, `cannot be as printed`), icc_cross_low, icc_cross_high
        (NaN where the difference is never significant; low is 0 where it depends on rounding),
        clusters (`between forces` or `within forces`), published_significant, agrees (`yes`, `no`,
        `possible`, `report says both`, missing where nothing is said), reading, wave, unit,
        method, caveat, data_kind, comparison (a name for the row, to be shown).
    """
    facts = _facts(figures, respondents, smallest_group)
    found = _SizesByQuestion(facts)
    sizes_of_forces = mean_cluster_size_range(respondents)
    rows = []
    for comparison in [*facts.comparisons, *_joined(facts.comparisons)]:
        for number, (reading, _) in enumerate(comparison.readings, start=1):
            row = _table_row(facts, found, comparison, number - 1, sizes_of_forces)
            contested = f".reading-{number}" if reading is not None else ""
            codes = comparison.response.replace("|", "-").replace(" + ", "_")
            groups = "-".join(comparison.groups)
            rows.append(
                {
                    "id": f"{comparison.question}.{codes}.{comparison.variable}.{groups}"
                    f".published{contested}.{wave}",
                    **row,
                    "reading": reading,
                    "wave": wave,
                    "unit": "respondents",
                    "method": "Pearson chi-square over all tables that the printed roundings allow",
                    "caveat": CAVEAT,
                    "data_kind": "published",
                }
            )
    frame = pd.DataFrame(rows)
    groups_in_words = frame["groups"].str.replace("|", ", ").str.replace("_", " ")
    frame["comparison"] = frame["item"] + " (" + frame["response"] + "): " + groups_in_words
    return frame.sort_values(
        ["subgroup_variable", "question", "id"], kind="stable", ignore_index=True
    )


def _joined(comparisons: Sequence[_Comparison]) -> list[_Comparison]:
    """Comparisons of the same two groups with several response sets, as one larger table."""
    together: dict[tuple[str, str, tuple[str, ...]], list[_Comparison]] = {}
    for one in comparisons:
        if len(one.groups) == 2 and len(one.readings) == 1:
            together.setdefault((one.question, one.variable, one.groups), []).append(one)
    joined = []
    for (question, variable, groups), several in together.items():
        if len(several) < 2:
            continue
        # The percentages stay with their comparisons; `_printed_groups` picks them up again.
        response = " + ".join(one.response for one in several)
        joined.append(_Comparison(question, response, variable, groups, [(None, {})], None))
    return joined


def _table_row(
    facts: _Facts,
    found: _SizesByQuestion,
    comparison: _Comparison,
    reading: int,
    sizes_of_forces: tuple[float, float],
) -> dict[str, object]:
    question, variable = comparison.question, comparison.variable
    responses = comparison.response.split(" + ")
    percents = _percents(facts, comparison, responses, reading)
    base = facts.base(question)
    overall = [facts.overall.get((question, response)) for response in responses]
    sizes, basis = found.of(question, variable)
    ranges = (
        [sizes.range(question, sizes.of(variable, group)) for group in comparison.groups]
        if basis != "none"
        else []
    )
    answer = None
    if ranges and None not in ranges:
        groups = [
            PrintedGroup(group, percents[group], *ends)
            for group, ends in zip(comparison.groups, ranges, strict=True)
            if ends is not None
        ]
        answer = _p_range_or_none(sizes, comparison, groups, base, overall, responses)
    return {
        "question": question,
        "item": facts.items.get(question, ""),
        "response": comparison.response,
        "subgroup_variable": variable,
        "groups": "|".join(comparison.groups),
        "printed": "|".join("/".join(map(str, percents[g])) for g in comparison.groups),
        "overall": "/".join("" if o is None else _span(o) for o in overall),
        "base_low": base[0],
        "base_high": base[1],
        "sizes": "|".join("" if ends is None else _span(ends) for ends in ranges),
        "sizes_basis": basis,
        **_answer_columns(answer, comparison.significant, sizes_of_forces),
        "clusters": "between forces" if variable in BETWEEN_FORCES else "within forces",
    }


def _percents(
    facts: _Facts, comparison: _Comparison, responses: Sequence[str], reading: int
) -> dict[str, tuple[int, ...]]:
    if len(responses) == 1:
        chosen = comparison.readings[reading][1]
        return {group: (chosen[group],) for group in comparison.groups}
    tables = [facts.printed[comparison.question, r, comparison.variable] for r in responses]
    return {g: tuple(next(iter(table[g])) for table in tables) for g in comparison.groups}


def _p_range_or_none(
    sizes: _Sizes,
    comparison: _Comparison,
    groups: Sequence[PrintedGroup],
    base: tuple[int, int],
    overall: Sequence[tuple[int, int] | None],
    responses: Sequence[str],
) -> PRange | None:
    compared = {leaf for g in comparison.groups for leaf in sizes.of(comparison.variable, g)}
    others = [leaf for leaf in sizes.leaves if leaf not in compared]
    rest = sizes.range(comparison.question, others) if others else None
    if any((comparison.question, leaf) in _NOT_ASKED for leaf in sizes.leaves):
        total = sizes.range(comparison.question, sizes.leaves)
        base = total if total is not None else base
    try:
        return p_range(groups, base, overall, rest, responses)
    except DesignError:
        return None


def _answer_columns(
    answer: PRange | None, significant: str | None, sizes_of_forces: tuple[float, float]
) -> dict[str, object]:
    if answer is None:
        nothing = dict.fromkeys(["chi2_low", "chi2_high", "df", "p_low", "p_high"], np.nan)
        return {
            **nothing,
            "verdict": "cannot be as printed",
            "icc_cross_low": np.nan,
            "icc_cross_high": np.nan,
            "published_significant": significant,
            "agrees": None,
        }
    if answer.p_high < LEVEL:
        verdict = "always significant"
    elif answer.p_low < LEVEL:
        verdict = "depends on rounding"
    else:
        verdict = "never significant"
    icc_low = critical_icc(answer.chi2_low, answer.df, sizes_of_forces[1])
    if verdict == "depends on rounding":
        icc_low = 0.0
    return {
        "chi2_low": answer.chi2_low,
        "chi2_high": answer.chi2_high,
        "df": answer.df,
        "p_low": answer.p_low,
        "p_high": answer.p_high,
        "verdict": verdict,
        "icc_cross_low": icc_low,
        "icc_cross_high": critical_icc(answer.chi2_high, answer.df, sizes_of_forces[0]),
        "published_significant": significant,
        "agrees": _agreement(verdict, significant),
    }


def _agreement(verdict: str, significant: str | None) -> str | None:
    if significant is None:
        return None
    if significant == "yes and no":
        return "report says both"
    if verdict == "depends on rounding":
        return "possible"
    return "yes" if (verdict == "always significant") == (significant == "yes") else "no"


def _span(ends: tuple[int, int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}-{ends[1]}"


# --- with respondents ----------------------------------------------------------------------------


def leave_one_force_out(
    counted: pd.Series, group: pd.Series, force: pd.Series, level: float = LEVEL
) -> pd.DataFrame:
    """Range of a difference and of its p-value when each force in turn is left out.

    Which force moves the answer most is not said, because that would tell something of a force.

    Parameters
    ----------
    counted : Series of bool or nullable boolean
        Whether the respondent's answer is counted; missing for respondents outside the base.
    group : Series
        Group of the respondent; missing where outside all groups. The order of the categories (or
        of the sorted values) is the order of the comparison.
    force : Series
        Force of the respondent; missing where not given, which leaves the respondent out.
    level : float
        Level of the test.

    Returns
    -------
    DataFrame
        One row: groups, forces, denominator, estimate (first minus second group for two groups,
        Cramér's V for more), estimate_low, estimate_high, p_value (Pearson, respondents as if
        independent), p_low, p_high, flips (whether leaving out one force moves the p-value across
        `level`), smallest_cell (fewest respondents counted or not counted in a group, all forces
        in), unit, method, caveat.

    Raises
    ------
    DesignError
        Fewer than two groups, or a group with fewer than three forces: leaving out one would then
        leave one force or none to speak for the group.
    """
    table = _counts_by_force(counted, group, force)
    forces_per_group = (table.sum(axis=2) > 0).sum(axis=0)
    if table.shape[1] < 2:
        raise DesignError("Leaving out one force needs two groups or more to compare.")
    if (forces_per_group < 3).any():
        raise DesignError(
            "Leaving out one force needs three forces or more in every group; "
            f"found {int(forces_per_group.min())}."
        )
    everyone = table.sum(axis=0)
    estimate, p = _difference_and_p(everyone[None])
    without, p_without = _difference_and_p(everyone[None] - table)
    return pd.DataFrame(
        {
            "groups": [table.shape[1]],
            "forces": [table.shape[0]],
            "denominator": [int(everyone.sum())],
            "estimate": estimate,
            "estimate_low": [without.min()],
            "estimate_high": [without.max()],
            "p_value": p,
            "p_low": [p_without.min()],
            "p_high": [p_without.max()],
            "flips": [bool(((p_without < level) != (p[0] < level)).any())],
            "smallest_cell": [int(everyone.min())],
            "unit": ["respondents"],
            "method": ["Pearson chi-square, each force left out in turn"],
            "caveat": [f"{SELF_SELECTED} {ONE_FORCE_LEFT_OUT}"],
        }
    )


def _counts_by_force(counted: pd.Series, group: pd.Series, force: pd.Series) -> np.ndarray:
    """Respondents by force, group and (not counted, counted)."""
    frame = pd.DataFrame({"counted": counted, "group": group, "force": force}).dropna()
    codes, forces = pd.factorize(frame["force"], sort=True)
    if isinstance(frame["group"].dtype, pd.CategoricalDtype):
        frame["group"] = frame["group"].cat.remove_unused_categories()
    labels = pd.Categorical(frame["group"])
    table = np.zeros((len(forces), len(labels.categories), 2), dtype=np.int64)
    np.add.at(table, (codes, labels.codes, frame["counted"].astype(bool).astype(int)), 1)
    return table


def _difference_and_p(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimate and Pearson's p for each table of (table, group, not counted / counted)."""
    size = tables.sum(axis=2).astype(float)
    share = tables[:, :, 1] / size
    total = size.sum(axis=1)
    pooled = tables[:, :, 1].sum(axis=1) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (size * (share - pooled[:, None]) ** 2).sum(axis=1)
        chi2 = between / (pooled * (1 - pooled))
    df = size.shape[1] - 1
    p = stats.chi2.sf(np.nan_to_num(chi2, nan=0.0), df)
    estimate = share[:, 0] - share[:, 1] if df == 1 else np.sqrt(chi2 / total)
    return estimate, p


def multiplicity(tests: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """How many of the tests that were run stay significant, by breakdown and in all.

    Parameters
    ----------
    tests : DataFrame
        Released tests, one row each: subgroup_variable, p_value, p_value_clustered, p_adjusted
        (adjusted over the whole family). A missing p-value is a refused test.
    level : float
        Level of the tests and false discovery rate.

    Returns
    -------
    DataFrame
        Columns subgroup_variable (`all` in the last row), tests, refused, significant,
        significant_clustered, significant_adjusted, expected_by_chance (tests times `level`).
    """
    flags = pd.DataFrame(
        {
            "subgroup_variable": tests["subgroup_variable"],
            "tests": tests["p_value"].notna(),
            "refused": tests["p_value"].isna(),
            "significant": (tests["p_value"] < level).fillna(False),
            "significant_clustered": (tests["p_value_clustered"] < level).fillna(False),
            "significant_adjusted": (tests["p_adjusted"] <= level).fillna(False),
        }
    )
    by_breakdown = flags.groupby("subgroup_variable", sort=False).sum()
    by_breakdown.loc["all"] = by_breakdown.sum()
    summary = by_breakdown.astype(int).reset_index()
    return summary.assign(expected_by_chance=summary["tests"] * level)
