"""Every question by every breakdown: what was answered, how sure that is, and what differs.

One call counts and tests everything, so that the family of tests over which p-values are adjusted
is the family that was run and not the one that was worth printing. Each row carries the caveat that
belongs to it; nobody has to remember to add it.

Rules that are arguable, stated once:

- "Don't know" stays in the base; "prefer not to say" and no answer leave it.
- A category with fewer than 30 answers is left out of a test and named in ``left_out``; a test with
  fewer than two categories left is refused. Estimates are given for any base.
- Respondents who did not name their force form one cluster of their own.
- A breakdown that is made from a question is not tested against that question.
- ``p_adjusted`` adjusts the clustered p-value, or the naive one where no clustering is possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval import intervals
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.intake import groups as survey_groups
from ncpi_eval.questionnaire import Questionnaire, Variable
from ncpi_eval.survey import association, clusters

SELF_SELECTED = (
    "Self-selected sample: intervals and p-values describe these respondents' answers, "
    "not all officers and staff."
)
NO_CLUSTERS = (
    "No force is known: likeness within forces is not allowed for, so intervals are too narrow "
    "and p-values too small."
)
SMALL_BASE = f"Base under {clusters.MINIMUM_BASE}."
FEW_EXPECTED = "Some expected counts are under 5: the naive p-value is rough."
SPARSE = "Too many empty cells for the clustered test."
ONE_FORCE = "All answers of a compared category come from one force: no clustered test."

ALL = "all"
WHOLE = "all"
"""``response`` of the test of a question's whole distribution."""

ESTIMATE_METHOD = "Wilson interval"
CLUSTERED_METHOD = "Wilson interval; by force: CR2, Satterthwaite t on the logit scale"
TEST_METHOD = "Pearson chi-square"
CLUSTERED_TEST_METHOD = "Pearson chi-square; by force: Rao-Scott second-order F"

_EXPECTED_COUNT = 5


@dataclass(frozen=True)
class Tabulation:
    """Estimates and tests of one wave; the columns are described in `tabulate`."""

    estimates: pd.DataFrame
    tests: pd.DataFrame


def tabulate(
    responses: pd.DataFrame,
    groups: pd.DataFrame,
    questionnaire: Questionnaire,
    *,
    wave: str,
    data_kind: str,
    cluster: str = "RForc",
) -> Tabulation:
    """Tabulate and test every closed question by every breakdown.

    Parameters
    ----------
    responses : pandas.DataFrame
        Survey frame of codes, one row per respondent; missing = unanswered. A derived question that
        is not there is worked out; a question whose column is absent is left out.
    groups : pandas.DataFrame
        One categorical column per breakdown, rows as in `responses`; missing = in no category.
    questionnaire : Questionnaire
        Labels, options, response sets and breakdowns.
    wave : str
        Goes into ``wave`` and into the ids, so that two waves can be put together.
    data_kind : str
        "synthetic" or "real"; goes into every row.
    cluster : str
        Column of `responses` that says who is alike. Absent, or with fewer than two values: the
        clustered columns are missing and the caveat says so.

    Returns
    -------
    Tabulation
        ``estimates``: one row per question, response set and category, and for the whole sample
        (subgroup ``all``); background questions for the whole sample only. ``count`` and
        ``denominator`` (unweighted), ``estimate`` (0 to 1, missing without a base), ``ci_low`` and
        ``ci_high`` (Wilson, 95%), ``std_error``, ``ci_low_clustered`` and ``ci_high_clustered``
        (CR2; missing if everybody or nobody is counted, if the base is under 30 or of one cluster,
        or if all clusters have the very same share), ``design_effect`` (that variance over a simple
        random sample's drawn with replacement), ``effective_base``, ``clusters`` (with an answer),
        ``label`` (of the response set), ``letter`` of the category and ``higher_than`` (letters of
        the categories whose proportion is significantly lower: pooled z tests, Holm over the pairs
        of the row, 5%).

        ``tests``: per question and breakdown one row for the whole distribution (response ``all``,
        options nobody chose left out) and one for each response set counted or not.
        ``denominator`` (answers of the categories compared), ``statistic``, ``df`` and ``p_value``
        (naive), ``f_clustered``, ``df1``, ``df2`` and ``p_value_clustered`` (Rao-Scott),
        ``design_effect`` (mean generalised), ``p_adjusted`` (Benjamini-Hochberg over all tests of
        the table that were not refused, ``family_size`` of them), ``effect_size`` (Cramér's V) with
        ``effect_low`` and ``effect_high``, and where two categories are compared ``difference``
        (first less second) with ``difference_low`` and ``difference_high`` (Newcombe),
        ``difference_low_clustered``, ``difference_high_clustered`` and ``p_value_cr2`` (CR2,
        Satterthwaite t). ``p_value_ordinal``: Kruskal-Wallis over the scale's codes without "don't
        know", naive, for whole distributions of ordered questions. ``clusters``, ``compared`` and
        ``left_out`` (categories), ``refusal`` (why nothing was computed, or blank),
        ``smallest_cell`` (smallest count of the table, for disclosure control), ``label``.

    Raises
    ------
    InputError
        If a question holds a code that the questionnaire does not have, or the rows of the two
        frames do not match.

    Examples
    --------
    >>> survey = sources.read_survey(path)                                     # doctest: +SKIP
    >>> made = tabulate(survey.responses, survey.groups, questionnaire.load(),
    ...                 wave=survey.wave, data_kind=survey.data_kind)          # doctest: +SKIP
    >>> results.save("survey_estimates", made.estimates)                       # doctest: +SKIP
    """
    if len(responses) != len(groups):
        raise InputError(
            f"The responses have {len(responses)} rows and the groups {len(groups)}; "
            "make the groups from the same responses."
        )
    answers = _with_derived(responses, questionnaire)
    known = [name for name in questionnaire.groups if name in groups]
    breakdowns = {ALL: (np.zeros(len(answers), dtype=np.intp), 1)}
    for name in known:
        breakdowns[name] = _category_codes(
            groups[name], list(questionnaire.groups[name].categories)
        )
    codes, size = _cluster_codes(answers, questionnaire, cluster)
    profiles = clusters.Profiles(codes, size, breakdowns)
    work = _Work(questionnaire, wave, data_kind, size)
    own = _made_from(questionnaire)
    tested = [q for q in questionnaire.questions() if q.name in answers]
    background = [q for q in questionnaire.questions(background=True) if q.name in answers]
    asked = tested + background
    for number, question in enumerate(asked):
        cubes = profiles.cubes(*_question_codes(answers[question.name], question))
        work.count(question, ALL, cubes[ALL])
        for name in known if number < len(tested) else []:
            work.count(question, name, cubes[name])
            if questionnaire.groups[name].use == "breakdown":
                work.plan(question, name, cubes[name], name in own[question.name])
    return Tabulation(work.estimates(), work.tests())


@dataclass
class _Block:
    """Counts of one question by one breakdown: (sets, clusters, categories) over their bases."""

    question: Variable
    breakdown: str
    counts: np.ndarray
    bases: np.ndarray


@dataclass
class _Test:
    """One test that is planned: its row and, unless refused, its counts by cluster."""

    row: dict[str, Any]
    cube: np.ndarray | None = None
    ordinal: np.ndarray | None = None


@dataclass
class _Work:
    """Collects counts of every question and breakdown, then estimates and tests all at once."""

    questionnaire: Questionnaire
    wave: str
    data_kind: str
    clusters: int
    blocks: list[_Block] = field(default_factory=list)
    planned: list[_Test] = field(default_factory=list)

    @property
    def clustered(self) -> bool:
        return self.clusters >= clusters.MINIMUM_CLUSTERS

    def count(self, question: Variable, breakdown: str, cube: np.ndarray) -> None:
        """Note the counts of every response set."""
        bases = cube[:, list(question.base_codes), :].sum(axis=1)
        member = _membership(self.questionnaire, question, cube.shape[1])
        self.blocks.append(
            _Block(question, breakdown, np.tensordot(member, cube, axes=(1, 1)), bases)
        )

    def plan(self, question: Variable, breakdown: str, cube: np.ndarray, made_from: bool) -> None:
        """Plan the tests of one question by one breakdown, or note why they are refused."""
        block = self.blocks[-1]
        names = self._categories(breakdown)
        base = block.bases.sum(axis=0)
        kept = np.flatnonzero(base >= clusters.MINIMUM_BASE)
        refusal = (
            "the breakdown is made from this question"
            if made_from
            else _category_refusal(names, base, kept)
        )
        shared: dict[str, Any] = {
            "question": question.name,
            "item": question.label,
            "subgroup_variable": breakdown,
            "denominator": int(base[kept].sum()),
            "compared": "|".join(names[k] for k in kept),
            "left_out": "|".join(n for k, n in enumerate(names) if k not in kept),
            "clusters": int((block.bases[:, kept].sum(axis=1) > 0).sum()),
            "one_force": bool(((block.bases[:, kept] > 0).sum(axis=0) < 2).any()),
        }
        compared = cube[:, :, kept]
        whole = compared[:, list(question.base_codes), :]
        used = whole.sum(axis=(0, 2)) > 0
        test = _Test({**shared, "response": WHOLE, "label": "All answers"})
        test.row["refusal"] = refusal or (
            "everybody gave the same answer" if used.sum() < 2 else ""
        )
        if not test.row["refusal"]:
            test.cube = whole[:, used, :]
            if question.ordinal:
                scale = [code for code in question.scale_codes if question.roles[code] == "answer"]
                test.ordinal = compared[:, scale, :].sum(axis=0)
        self.planned.append(test)
        counted = block.counts[:, :, kept]
        rest = block.bases[None, :, kept] - counted
        sets = self.questionnaire.response_sets(question.name)
        total, remaining = counted.sum(axis=(1, 2)), rest.sum(axis=(1, 2))
        for index, (response, label) in enumerate(sets):
            test = _Test({**shared, "response": response, "label": label})
            test.row["refusal"] = refusal or _indicator_refusal(total[index], remaining[index])
            if not test.row["refusal"]:
                test.cube = np.stack([counted[index], rest[index]], axis=1)
            self.planned.append(test)

    def estimates(self) -> pd.DataFrame:
        """One row per question, breakdown, response set and category, in that order."""
        parts: dict[str, list[Any]] = {}
        for block in self.blocks:
            _extend(parts, self._estimate_keys(block))
        frame = pd.DataFrame(parts)
        counts = np.concatenate([_by_row(block.counts) for block in self.blocks])
        bases = np.concatenate(
            [_by_row(np.broadcast_to(block.bases, block.counts.shape)) for block in self.blocks]
        )
        frame["count"] = counts.sum(axis=1).astype(np.int64)
        frame["denominator"] = bases.sum(axis=1).astype(np.int64)
        with np.errstate(invalid="ignore"):
            frame["estimate"] = counts.sum(axis=1) / bases.sum(axis=1)
        low, high = intervals.wilson(frame["count"].to_numpy(), frame["denominator"].to_numpy())
        frame["ci_low"], frame["ci_high"] = low, high
        _add_clustered(frame, counts, bases, self.clustered)
        small = frame["denominator"] < clusters.MINIMUM_BASE
        caveat = self._caveat()
        frame["caveat"] = np.where(small, f"{caveat} {SMALL_BASE}", caveat)
        frame["method"] = CLUSTERED_METHOD if self.clustered else ESTIMATE_METHOD
        letters = [_letters(block) for block in self.blocks]
        frame["letter"] = np.concatenate([letter for letter, _ in letters])
        frame["higher_than"] = np.concatenate([higher for _, higher in letters])
        return self._finish(frame, _ESTIMATE_COLUMNS)

    def tests(self) -> pd.DataFrame:
        """One row per planned test, in the order planned."""
        frame = pd.DataFrame([test.row for test in self.planned], columns=_PLANNED_COLUMNS)
        numbers = {name: np.full(len(frame), np.nan) for name in _NUMBERS}
        one_force = frame["one_force"].to_numpy(dtype=bool)
        run = [index for index, test in enumerate(self.planned) if test.cube is not None]
        cubes = [test.cube for test in self.planned if test.cube is not None]
        caveats = np.full(len(frame), self._caveat(), dtype=object)
        for rows, stacked in _stacks(run, cubes):
            found = self._run(caveats, rows, stacked, one_force[rows])
            indicator = frame["response"].to_numpy()[rows] != WHOLE
            if stacked.shape[-1] == 2 and indicator.any():
                found |= _differences(stacked, indicator, self.clustered)
            for name, values in found.items():
                numbers[name][rows] = values
        for rows, stacked in _stacks(*self._ordinal()):
            numbers["p_value_ordinal"][rows] = association.ranks_from_counts(stacked).p_value
        numbers["effect_low"][run], numbers["effect_high"][run] = intervals.cramers_v_interval(
            numbers["statistic"][run],
            frame["denominator"].to_numpy()[run],
            np.array([cube.shape[1] for cube in cubes]),
            np.array([cube.shape[2] for cube in cubes]),
        )
        decisive = numbers["p_value_clustered" if self.clustered else "p_value"]
        adjusted = intervals.benjamini_hochberg(decisive)
        frame = frame.assign(**numbers, p_adjusted=adjusted)
        frame["df"] = frame["df"].astype("Int64")
        smallest = pd.array([pd.NA] * len(frame), dtype="Int64")
        smallest[run] = [int(cube.sum(axis=0).min()) for cube in cubes]
        frame["smallest_cell"] = smallest
        frame["family_size"] = int((~np.isnan(adjusted)).sum())
        frame["caveat"] = caveats
        frame["subgroup"] = "test"
        frame["method"] = CLUSTERED_TEST_METHOD if self.clustered else TEST_METHOD
        return self._finish(frame, _TEST_COLUMNS)

    def _run(
        self, caveats: np.ndarray, rows: np.ndarray, cubes: np.ndarray, one_force: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Test tables (test, cluster, row, category) of one shape; adds to the caveats."""
        table = cubes.sum(axis=1)
        naive = association.pearson(table)
        found = {name: getattr(naive, name) for name in _NAIVE}
        caveats[rows[naive.smallest_expected < _EXPECTED_COUNT]] += " " + FEW_EXPECTED
        if self.clustered:
            sound = np.array([not clusters.table_refusal(one, *_numbered(one)) for one in table])
            caveats[rows[one_force]] += " " + ONE_FORCE
            caveats[rows[~sound]] += " " + SPARSE
            can = sound & ~one_force
            design = clusters.simple_design(self.clusters)
            corrected = clusters.cube_rao_scott(design, cubes[can])
            for name, of in _RAO_SCOTT.items():
                found[name] = _spread(getattr(corrected, of), can)
        return found

    def _ordinal(self) -> tuple[list[int], list[np.ndarray]]:
        indices = [i for i, test in enumerate(self.planned) if test.ordinal is not None]
        tables = [test.ordinal for test in self.planned if test.ordinal is not None]
        usable = [
            bool((table.sum(axis=0) > 0).all() and (table.sum(axis=1) > 0).sum() > 1)
            for table in tables
        ]
        return (
            [i for i, good in zip(indices, usable, strict=True) if good],
            [t for t, good in zip(tables, usable, strict=True) if good],
        )

    def _categories(self, breakdown: str) -> list[str]:
        if breakdown == ALL:
            return [ALL]
        return list(self.questionnaire.groups[breakdown].categories)

    def _estimate_keys(self, block: _Block) -> dict[str, list[Any]]:
        names = self._categories(block.breakdown)
        sets = self.questionnaire.response_sets(block.question.name)
        rows = len(sets) * len(names)
        return {
            "question": [block.question.name] * rows,
            "item": [block.question.label] * rows,
            "response": [response for response, _ in sets for _ in names],
            "label": [label for _, label in sets for _ in names],
            "subgroup_variable": [block.breakdown] * rows,
            "subgroup": names * len(sets),
        }

    def _caveat(self) -> str:
        return SELF_SELECTED if self.clustered else f"{SELF_SELECTED} {NO_CLUSTERS}"

    def _finish(self, frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        frame["wave"] = self.wave
        frame["unit"] = "respondents"
        frame["data_kind"] = self.data_kind
        frame["suppressed"] = False
        frame["id"] = (
            frame["question"]
            + "."
            + frame["response"].str.replace("|", "-", regex=False)
            + "."
            + frame["subgroup_variable"]
            + "."
            + frame["subgroup"]
            + "."
            + frame["wave"]
        )
        return self._named(frame)[list(columns)]

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """With the breakdown and the group in words, as tables and pictures show them."""
        known = self.questionnaire.groups
        breakdowns = {name: group.label for name, group in known.items()} | {ALL: "All respondents"}
        groups = {
            (name, category): label
            for name, group in known.items()
            for category, label in group.categories.items()
        }
        frame["breakdown"] = frame["subgroup_variable"].map(breakdowns)
        places = zip(frame["subgroup_variable"], frame["subgroup"], strict=True)
        frame["group"] = [groups.get(place, "All respondents") for place in places]
        return frame


_NAIVE = ("statistic", "df", "p_value", "effect_size")
_RAO_SCOTT = {
    "f_clustered": "f",
    "df1": "df1",
    "df2": "df2",
    "p_value_clustered": "p_value",
    "design_effect": "design_effect",
}
_NUMBERS = [
    *_NAIVE,
    "effect_low",
    "effect_high",
    *_RAO_SCOTT,
    "difference",
    "difference_low",
    "difference_high",
    "difference_low_clustered",
    "difference_high_clustered",
    "p_value_cr2",
    "p_value_ordinal",
]
_PLANNED_COLUMNS = [
    "question",
    "item",
    "response",
    "label",
    "subgroup_variable",
    "denominator",
    "compared",
    "left_out",
    "clusters",
    "one_force",
    "refusal",
]
_COMMON_COLUMNS = [
    "id",
    "question",
    "item",
    "response",
    "subgroup_variable",
    "subgroup",
    "wave",
    "unit",
]
_ESTIMATE_COLUMNS = [
    *_COMMON_COLUMNS,
    "count",
    "denominator",
    "estimate",
    "ci_low",
    "ci_high",
    "method",
    "caveat",
    "data_kind",
    "suppressed",
    "std_error",
    "ci_low_clustered",
    "ci_high_clustered",
    "design_effect",
    "effective_base",
    "clusters",
    "breakdown",
    "group",
    "label",
    "letter",
    "higher_than",
]
_TEST_COLUMNS = [
    *_COMMON_COLUMNS,
    "denominator",
    "p_value",
    "effect_size",
    "method",
    "caveat",
    "data_kind",
    "suppressed",
    "statistic",
    "df",
    "p_value_clustered",
    "f_clustered",
    "df1",
    "df2",
    "design_effect",
    "p_adjusted",
    "family_size",
    "effect_low",
    "effect_high",
    "difference",
    "difference_low",
    "difference_high",
    "difference_low_clustered",
    "difference_high_clustered",
    "p_value_cr2",
    "p_value_ordinal",
    "clusters",
    "compared",
    "left_out",
    "refusal",
    "smallest_cell",
    "breakdown",
    "label",
]


def _add_clustered(
    frame: pd.DataFrame, counts: np.ndarray, bases: np.ndarray, clustered: bool
) -> None:
    """Columns that allow for clusters, from counts (row, cluster); missing where they cannot."""
    names = ["std_error", "ci_low_clustered", "ci_high_clustered", "design_effect"]
    if not clustered:
        for name in [*names, "effective_base"]:
            frame[name] = np.nan
        frame["clusters"] = pd.array([pd.NA] * len(frame), dtype="Int64")
        return
    present = (bases > 0).sum(axis=1)
    base = bases.sum(axis=1)
    usable = (base >= clusters.MINIMUM_BASE) & (present >= clusters.MINIMUM_CLUSTERS)
    p = frame["estimate"].to_numpy()[usable]
    small = clusters.cube_proportion(counts[usable], bases[usable])
    low, high = clusters.logit_interval(p, small.std_error, small.df)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = small.std_error**2 / (p * (1 - p) / (base[usable] - 1))
    undefined = (p == 0) | (p == 1) | (small.std_error < clusters.NO_VARIANCE)
    low, high = np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)
    error = np.where(undefined, np.nan, small.std_error)
    effect = np.where(undefined, np.nan, effect)
    for name, values in zip(names, (error, low, high, effect), strict=True):
        column = np.full(len(frame), np.nan)
        column[usable] = values
        frame[name] = column
    with np.errstate(divide="ignore", invalid="ignore"):
        frame["effective_base"] = base / frame["design_effect"].to_numpy()
    frame["clusters"] = pd.array(present, dtype="Int64")


def _differences(
    cubes: np.ndarray, responses: np.ndarray, clustered: bool
) -> dict[str, np.ndarray]:
    """Difference of the counted shares of two categories, first less second, with intervals."""
    counted, bases = cubes[responses, :, 0, :], cubes[responses].sum(axis=2)
    x, n = counted.sum(axis=1), bases.sum(axis=1)
    low, high = intervals.newcombe(x[:, 0], n[:, 0], x[:, 1], n[:, 1])
    found = {
        "difference": x[:, 0] / n[:, 0] - x[:, 1] / n[:, 1],
        "difference_low": low,
        "difference_high": high,
    }
    if clustered:
        small = clusters.cube_difference(
            counted[..., 0], bases[..., 0], counted[..., 1], bases[..., 1]
        )
        found["difference_low_clustered"], found["difference_high_clustered"] = clusters.t_interval(
            small.estimate, small.std_error, small.df
        )
        found["p_value_cr2"] = clusters.t_p_value(small.estimate, small.std_error, small.df)
    return {name: _spread(values, responses) for name, values in found.items()}


def _spread(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Values at the places where `where` holds, NaN elsewhere."""
    result = np.full(len(where), np.nan)
    result[where] = values
    return result


def _stacks(
    indices: Sequence[int], arrays: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Arrays of one shape stacked, with their indices."""
    by_shape: dict[tuple[int, ...], tuple[list[int], list[np.ndarray]]] = {}
    for index, array in zip(indices, arrays, strict=True):
        at, together = by_shape.setdefault(array.shape, ([], []))
        at.append(index)
        together.append(array)
    return [(np.array(at), np.stack(together)) for at, together in by_shape.values()]


def _letters(block: _Block) -> tuple[np.ndarray, np.ndarray]:
    """Letter of each category and the letters it is higher than, in the order of the rows."""
    sets, _, categories = block.counts.shape
    if categories < 2:
        blank = np.full(sets * categories, "", dtype=object)
        return blank, blank
    letters = np.array([chr(ord("A") + k) for k in range(categories)], dtype=object)
    counts = block.counts.sum(axis=1)
    bases = np.broadcast_to(block.bases.sum(axis=0), counts.shape)
    tested = np.where(bases >= clusters.MINIMUM_BASE, bases, 0)
    higher = association.column_letters(np.where(tested > 0, counts, 0), tested)
    return np.tile(letters, sets), higher.ravel()


def _by_row(counts: np.ndarray) -> np.ndarray:
    """(sets, clusters, categories) as one row of clusters per set and category."""
    return counts.swapaxes(1, 2).reshape(-1, counts.shape[1])


def _extend(parts: dict[str, list[Any]], more: dict[str, list[Any]]) -> None:
    for name, values in more.items():
        parts.setdefault(name, []).extend(values)


def _numbered(table: np.ndarray) -> tuple[range, range]:
    return range(table.shape[0]), range(table.shape[1])


def _category_refusal(names: Sequence[str], base: np.ndarray, kept: np.ndarray) -> str:
    if len(kept) >= 2:
        return ""
    if not base.any():
        return "nobody is in any category"
    if base.sum() < clusters.MINIMUM_BASE:
        return f"the base is under {clusters.MINIMUM_BASE}"
    # Named without their counts, which may be too small to be shown.
    small = ", ".join(name for k, name in enumerate(names) if k not in kept)
    return f"fewer than two categories have {clusters.MINIMUM_BASE} answers (too few: {small})"


def _indicator_refusal(counted: float, rest: float) -> str:
    if counted == 0:
        return "nobody gave this answer"
    return "everybody gave this answer" if rest == 0 else ""


def _membership(questionnaire: Questionnaire, question: Variable, size: int) -> np.ndarray:
    """0 and 1: which codes each response set counts."""
    sets = questionnaire.response_sets(question.name)
    member = np.zeros((len(sets), size))
    for index, (response, _) in enumerate(sets):
        member[index, [int(code) for code in response.split("|")]] = 1.0
    return member


def _made_from(questionnaire: Questionnaire) -> dict[str, set[str]]:
    """Breakdowns whose rule reads a question, by question."""
    dictionary = questionnaire.dictionary()
    return {
        name: set(text.split(", ")) - {""}
        for name, text in zip(dictionary["variable"], dictionary["groups"], strict=True)
    }


def _with_derived(responses: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """Answers with derived questions; one that nothing in the file speaks to is left out."""
    missing = [name for name in questionnaire.derived if name not in responses]
    if not missing:
        return responses
    answers = survey_groups.with_derived(responses, questionnaire)
    return answers.drop(columns=[name for name in missing if answers[name].isna().all()])


def _category_codes(values: pd.Series, categories: list[str]) -> tuple[np.ndarray, int]:
    declared = (
        isinstance(values.dtype, pd.CategoricalDtype) and list(values.cat.categories) == categories
    )
    coded = values if declared else values.astype(pd.CategoricalDtype(categories))
    return coded.cat.codes.to_numpy(), len(categories)


def _cluster_codes(
    answers: pd.DataFrame, questionnaire: Questionnaire, cluster: str
) -> tuple[np.ndarray, int]:
    """Cluster of each row from 0; those without one share the last. One cluster if unknown."""
    if cluster not in answers:
        return np.zeros(len(answers), dtype=np.intp), 1
    values = answers[cluster]
    if cluster in questionnaire.variables:
        missing = questionnaire.variables[cluster].missing_codes
        values = values.mask(values.isin(missing)) if missing else values
    codes, names = pd.factorize(values, sort=True)
    if len(names) == 0:
        return np.zeros(len(answers), dtype=np.intp), 1
    unnamed = codes < 0
    return np.where(unnamed, len(names), codes), len(names) + bool(unnamed.any())


def _question_codes(values: pd.Series, question: Variable) -> tuple[np.ndarray, int]:
    """Codes with 0 for no answer, and one more than the largest code of the questionnaire."""
    size = max(question.options) + 1
    if str(values.dtype) != "Int16":
        values = values.astype("Int16")
    codes = values.to_numpy(dtype=np.int16, na_value=0)
    counted = np.bincount(codes, minlength=size) if len(codes) and codes.min() >= 0 else None
    known = {0, *question.options}
    if counted is None or set(np.flatnonzero(counted)) - known:
        unknown = sorted({int(code) for code in np.unique(codes)} - known)
        raise InputError(
            "A question holds codes that the questionnaire does not have.",
            [
                Problem(
                    f"column {question.name}",
                    ", ".join(map(str, unknown)),
                    f"one of {', '.join(map(str, sorted(question.options)))}",
                    "correct the codes, or validate the file to see the rows",
                )
            ],
        )
    return codes, size
