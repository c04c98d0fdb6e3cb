"""Do the published numbers agree with each other?

A printed percentage stands for an interval, and every arithmetic law that links two numbers (a
total, a part of a whole, an average of groups) becomes a question whether intervals can meet. The
checks below need nothing but the transcription; each shows its arithmetic, so that the authors of
the report can confirm or correct it.

All checks return the same columns: ``check`` (which law), ``about`` (what it was applied to),
``arithmetic`` (the sum as a reader would write it), ``holds`` (whether the printed numbers can all
be right) and ``claims`` (ids of the rows of figures.csv, joined by ``|``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from ncpi_eval.errors import InputError, Problem
from ncpi_eval.questionnaire import Questionnaire

COLUMNS = ["check", "about", "arithmetic", "holds", "claims"]

# Half of the last printed digit: percentages are printed whole.
HALF = 0.5
# Halves are rounded up, so the upper end of an interval is not part of it.
EDGE = 1e-9

# Which breakdowns put everybody who answered the question into exactly one group.
EXHAUSTIVE = ("inspection_status", "inspection_timing", "area", "service")

# Groups whose sizes are themselves printed, as the share of the answers to another question.
GROUP_SHARES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "training_recency": {
        "last_year": ("TrainAny", "1"),
        "never_or_dont_know": ("TrainAny", "4|5"),
    },
    "support": {"supported": ("DecSupp", "1|2")},
}

# Groups that together hold everybody, where the group's printed name leaves that open.
WHOLE: Mapping[str, frozenset[str]] = {
    "training_recency": frozenset({"last_year", "over_a_year", "never_or_dont_know"}),
    "support": frozenset({"supported", "everyone_else"}),
}

# What a reading may do with a row besides giving it another definition.
MISPRINT = "misprint"
UNROUTED = "unrouted"
# The cells of a row that a reading may define anew.
DEFINED = ("question", "response", "subgroup_variable", "subgroup")
READ_COLUMNS = (*DEFINED, "use")


def codes(response: str) -> frozenset[str]:
    """Option codes counted by a response set such as ``1|2``."""
    return frozenset(part for part in str(response).split("|") if part)


def bounds(value: float) -> tuple[float, float]:
    """Interval that a printed whole percentage stands for: low inclusive, high exclusive."""
    return max(0.0, value - HALF), min(100.0, value + HALF - EDGE)


def _row(check: str, about: str, arithmetic: str, holds: bool, claims: Iterable[str]) -> dict:
    return {
        "check": check,
        "about": about,
        "arithmetic": arithmetic,
        "holds": bool(holds),
        "claims": "|".join(claims),
    }


def _frame(rows: Sequence[dict]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS)


def blanks(figures: pd.DataFrame) -> pd.DataFrame:
    """The transcription with empty text where a text column says nothing."""
    text = {column: "" for column in figures.columns.drop("value", errors="ignore")}
    return figures.fillna(text)


def percentages(figures: pd.DataFrame) -> pd.DataFrame:
    """Rows of figures.csv that print a percentage of respondents for a question.

    Parameters
    ----------
    figures : DataFrame
        The transcription; ``value`` in per cent.

    Returns
    -------
    DataFrame
        Its rows with a question, a value and the unit ``percent``; ``value`` numeric.
    """
    kept = figures[(figures["unit"] == "percent") & (figures["question"].fillna("") != "")].copy()
    kept["value"] = pd.to_numeric(kept["value"])
    return kept[kept["value"].notna()]


def repeated(figures: pd.DataFrame) -> pd.DataFrame:
    """A claim that is made twice is made with the same number."""
    rows = []
    numbers = figures[figures["value"].notna() & (figures["value"].astype(str) != "")]
    for claim, group in numbers.groupby(_claim(numbers), sort=True):
        if len(group) < 2:
            continue
        said = ", ".join(
            f"{_plain(v)} ({where})"
            for v, where in zip(group["value"], group["location"], strict=True)
        )
        same = pd.to_numeric(group["value"], errors="coerce").nunique() == 1
        rows.append(_row("repeated claim", str(claim), said, same, group["id"]))
    return _frame(rows)


def _claim(figures: pd.DataFrame) -> pd.Series:
    """What a row claims: the percentage it gives, or its key where no percentage is asked for."""
    described = figures[["question", "response", "subgroup_variable", "subgroup"]].agg(
        " ".join, axis=1
    )
    is_percentage = (figures["unit"] == "percent") & (figures["response"] != "")
    return described.where(is_percentage, figures["key"])


def _plain(value: object) -> str:
    """A number as a reader writes it: 54, not 54.0."""
    number = float(str(value))
    return f"{number:g}"


def totals(figures: pd.DataFrame, options: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Answers that cover a whole question add up to 100 within their rounding.

    Parameters
    ----------
    figures : DataFrame
        The transcription.
    options : mapping
        For each question the option codes that stay in the base.
    """
    rows = []
    for about, part in _whole_questions(figures, options):
        least, most = np.sum([bounds(value) for value in part["value"]], axis=0)
        holds = least <= 100 <= most
        rows.append(_row("total of 100", about, _sum(part["value"]), holds, part["id"]))
    return _frame(rows)


def _whole_questions(
    figures: pd.DataFrame, options: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Printed answers that cover a question for one group: what it is about, and their rows."""
    shown = percentages(figures).drop_duplicates([*DEFINED, "value"])
    for (question, variable, subgroup), group in shown.groupby(
        ["question", "subgroup_variable", "subgroup"], sort=True
    ):
        for part in _partitions(group, frozenset(options.get(str(question), ()))):
            yield f"{question}, {variable}: {subgroup}", part


def _sum(values: Iterable[float]) -> str:
    """A sum as a reader would write it: 45 + 24 = 69."""
    numbers = list(values)
    return " + ".join(f"{v:g}" for v in numbers) + f" = {sum(numbers):g}"


def _partitions(group: pd.DataFrame, whole: frozenset[str]) -> list[pd.DataFrame]:
    """The ways in which printed response sets cover a question without overlap (few rows each)."""
    found = []
    sets = [codes(response) for response in group["response"]]
    for size in range(2, min(len(sets), 7) + 1):
        for chosen in combinations(range(len(sets)), size):
            union = frozenset().union(*(sets[i] for i in chosen))
            if union == whole and sum(len(sets[i]) for i in chosen) == len(whole):
                found.append(group.iloc[list(chosen)])
    return found


def exclusive(figures: pd.DataFrame) -> pd.DataFrame:
    """Answers of which only one can be given do not add to more than 100.

    Only option codes are looked at: an open answer can have several themes.
    """
    rows = []
    shown = percentages(figures).drop_duplicates(list(DEFINED))
    for (question, variable, subgroup), group in shown.groupby(
        ["question", "subgroup_variable", "subgroup"], sort=True
    ):
        single = group[group["response"].str.fullmatch(r"\d+")]
        if len(single) < 2:
            continue
        about = f"{question}, {variable}: {subgroup}"
        holds = sum(bounds(value)[0] for value in single["value"]) <= 100
        rows.append(_row("one answer each", about, _sum(single["value"]), holds, single["id"]))
    return _frame(rows)


def nested_training(figures: pd.DataFrame) -> pd.DataFrame:
    """Nobody can be untrained in all four areas and trained in one of them.

    Whoever gave only answers in a set to all four areas gave such an answer to each, so the share
    of the first can at most be the smallest share of the second, in every group.
    """
    rows = []
    shown = percentages(figures)
    everywhere = shown[shown["question"] == "TrainAny"]
    for _, none in everywhere.iterrows():
        implied = codes(none["response"])
        if not implied <= {"4", "5"}:
            continue
        same_group = shown[
            shown["question"].str.startswith("TrainFre_")
            & (shown["subgroup_variable"] == none["subgroup_variable"])
            & (shown["subgroup"] == none["subgroup"])
        ]
        for _, one in same_group.iterrows():
            most = _most_in(implied, codes(one["response"]), one["value"])
            if most is None:
                continue
            low, _ = bounds(none["value"])
            sign = "<=" if low <= most else ">"
            arithmetic = (
                f"{none['value']:g} without any of the four {sign} {most:g} at most without"
            )
            arithmetic += " this one"
            about = f"{one['question']}, {none['subgroup_variable']}: {none['subgroup']}"
            rows.append(
                _row("part of a part", about, arithmetic, low <= most, [none["id"], one["id"]])
            )
    return _frame(rows)


def _most_in(implied: frozenset[str], counted: frozenset[str], value: float) -> float | None:
    """Largest share that can have answered within `implied`, given the share of `counted`."""
    low, high = bounds(value)
    if implied <= counted:
        return high
    if not implied & counted:
        return 100 - low
    return None


def averages(figures: pd.DataFrame) -> pd.DataFrame:
    """A total is the average of its groups, where the groups' sizes are printed too."""
    rows = []
    shown = percentages(figures)
    for variable, known in GROUP_SHARES.items():
        by_group = shown[shown["subgroup_variable"] == variable]
        for (question, response), group in by_group.groupby(["question", "response"], sort=True):
            overall = _one(shown, str(question), str(response), "all")
            if overall is None:
                continue
            group = group.drop_duplicates("subgroup")
            if set(group["subgroup"]) == WHOLE[variable]:
                rows.append(_average(shown, overall, group, known))
    return _frame([row for row in rows if row])


def _one(shown: pd.DataFrame, question: str, response: str, subgroup: str) -> pd.Series | None:
    found = shown[
        (shown["question"] == question)
        & (shown["response"].map(codes) == codes(response))
        & (shown["subgroup"] == subgroup)
    ]
    return None if found.empty else found.iloc[0]


def _average(
    shown: pd.DataFrame,
    overall: pd.Series,
    group: pd.DataFrame,
    known: Mapping[str, tuple[str, str]],
) -> dict:
    shares = {name: _one(shown, *where, "all") for name, where in known.items()}
    given = {name: row["value"] for name, row in shares.items() if row is not None}
    rest = [name for name in group["subgroup"] if name not in given]
    if len(rest) > 1 or not given:
        return {}
    weights = dict(given) | {name: 100 - sum(given.values()) for name in rest}
    limits = np.array([bounds(value) for value in group["value"]])
    sizes = [
        (0.0, 1.0) if name in rest else (bounds(given[name])[0] / 100, bounds(given[name])[1] / 100)
        for name in group["subgroup"]
    ]
    low, high = _average_range(limits, sizes)
    least, most = bounds(overall["value"])
    holds = low <= most and least <= high
    terms = " + ".join(
        f"{weights[name]:g}% x {value:g}"
        for name, value in zip(group["subgroup"], group["value"], strict=True)
    )
    arithmetic = f"{terms} = {low:.1f} to {high:.1f}; printed {overall['value']:g}"
    claims = [
        overall["id"],
        *group["id"],
        *(row["id"] for row in shares.values() if row is not None),
    ]
    about = f"{overall['question']} {overall['response']}, {group['subgroup_variable'].iloc[0]}"
    return _row("total is the average of its groups", about, arithmetic, holds, claims)


def _average_range(limits: np.ndarray, sizes: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Smallest and largest average, over all sizes of the groups that add to 1; else impossible."""
    whole = {"A_eq": np.ones((1, len(limits))), "b_eq": [1.0], "bounds": list(sizes)}
    smallest, largest = linprog(limits[:, 0], **whole), linprog(-limits[:, 1], **whole)
    if smallest.status != 0:
        return float("inf"), float("-inf")
    return float(smallest.fun), float(-largest.fun)


def group_sizes(
    figures: pd.DataFrame, options: Mapping[str, Sequence[str]], respondents: int | None = None
) -> pd.DataFrame:
    """One set of group sizes must serve every question.

    For each breakdown, the shares of the groups are unknown, yet every printed total must be the
    average of its groups under the same shares. A group whose percentage is not printed may take
    any value. The check is a linear feasibility problem; when it fails, the questions without
    which it would hold are named.

    Parameters
    ----------
    figures : DataFrame
        The transcription.
    options : mapping
        For each question the option codes that stay in the base.
    respondents : int, optional
        Number of respondents in all: those beyond the largest base that is printed for a breakdown
        may be in none of its groups and have answered anything. Without it everybody is taken to
        be in a group.
    """
    rows = []
    shown = percentages(figures)
    for variable in EXHAUSTIVE:
        groups = sorted(shown.loc[shown["subgroup_variable"] == variable, "subgroup"].unique())
        groups = [group for group in groups if "|" not in group and group != "all"]
        equations = _equations(shown, variable, groups, options)
        if len(equations) < 2 or len(groups) < 2:
            continue
        outside = _outside(figures, variable, respondents)
        holds = _feasible([e[1] for e in equations], outside)
        without = "" if holds else _culprits(equations, outside)
        arithmetic = f"{len(equations)} totals over {', '.join(groups)}: " + (
            "shares of the groups exist that give them all"
            if holds
            else f"no shares give them all{without}"
        )
        claims = [claim for e in equations for claim in e[2]]
        rows.append(_row("one set of group sizes", variable, arithmetic, holds, claims))
    return _frame(rows)


def _outside(figures: pd.DataFrame, variable: str, respondents: int | None) -> float:
    """Largest share of respondents who can be in no group of a breakdown, from its bases."""
    printed = figures.loc[figures["subgroup_variable"] == variable, "base"].fillna("").astype(str)
    bases = [int(base.split("-")[-1]) for base in printed if base]
    return 1 - max(bases) / respondents if respondents and bases else 0.0


def _equations(
    shown: pd.DataFrame, variable: str, groups: list[str], options: Mapping[str, Sequence[str]]
) -> list[tuple[str, np.ndarray, list[str]]]:
    """For each printed total: limits of (total, each group), with the claims it uses."""
    found = []
    for (question, response), part in shown[shown["subgroup_variable"] == variable].groupby(
        ["question", "response"], sort=True
    ):
        whole = frozenset(options.get(str(question), ()))
        overall, used = _overall_limits(shown, str(question), codes(str(response)), whole)
        if overall is None:
            continue
        limits = [overall]
        for group in groups:
            value = part.loc[part["subgroup"] == group, "value"]
            limits.append(bounds(value.iloc[0]) if len(value) else (0.0, 100.0))
        found.append((f"{question} {response}", np.array(limits), [*used, *part["id"]]))
    return found


def _overall_limits(
    shown: pd.DataFrame, question: str, wanted: frozenset[str], whole: frozenset[str]
) -> tuple[tuple[float, float] | None, list[str]]:
    """Limits of a response set among all respondents, from any printed total that bounds it."""
    low, high, used = 0.0, 100.0, []
    totals_of = shown[(shown["question"] == question) & (shown["subgroup"] == "all")]
    for _, row in totals_of.iterrows():
        counted, (least, most) = codes(row["response"]), bounds(row["value"])
        rest = whole - counted
        before = (low, high)
        if counted <= wanted:
            low = max(low, least)
        if wanted <= counted:
            high = min(high, most)
        if rest and wanted <= rest:
            high = min(high, 100 - least)
        if rest and rest <= wanted:
            low = max(low, 100 - most)
        if (low, high) != before:
            used.append(str(row["id"]))
    return (None, []) if (low, high) == (0.0, 100.0) else ((low, high), used)


def _feasible(equations: Sequence[np.ndarray], outside: float) -> bool:
    """Whether shares exist: sum(share x low) <= total high and sum(share x high) >= total low.

    The last share is of those in no group, at most `outside`, who may have answered anything.
    """
    limits = np.array([np.vstack([one, (0.0, 100.0)]) for one in equations])
    total, parts = limits[:, 0], limits[:, 1:]
    groups = parts.shape[1]
    result = linprog(
        np.zeros(groups),
        A_ub=np.vstack([parts[:, :, 0], -parts[:, :, 1]]),
        b_ub=np.concatenate([total[:, 1], -total[:, 0]]),
        A_eq=np.ones((1, groups)),
        b_eq=[1.0],
        bounds=[*[(0.0, 1.0)] * (groups - 1), (0.0, outside)],
    )
    return bool(result.status == 0)


def _culprits(equations: list[tuple[str, np.ndarray, list[str]]], outside: float) -> str:
    """The questions without which the rest would hold together."""
    alone = [
        name
        for position, (name, _, _) in enumerate(equations)
        if _feasible([e[1] for i, e in enumerate(equations) if i != position], outside)
    ]
    return f"; without {' or '.join(alone)} the rest would hold" if alone else ""


def routed_bases(
    figures: pd.DataFrame, routing: Mapping[str, tuple[str, str]], respondents: int
) -> pd.DataFrame:
    """A base is no larger than the number of respondents whom the routing lets through.

    Parameters
    ----------
    figures : DataFrame
        The transcription.
    routing : mapping
        Question to the question and the response codes that skip it, as ``("NCPIAware", "6")``.
    respondents : int
        Number of respondents in all.
    """
    rows = []
    shown = percentages(figures)
    for question, (filter_question, skipping) in routing.items():
        printed = shown[(shown["question"] == question) & (shown["base"].fillna("") != "")]
        if UNROUTED in printed:
            printed = printed[~printed[UNROUTED].fillna(False).astype(bool)]
        skipped = _one(shown, filter_question, skipping, "all")
        if skipped is None:
            continue
        least, _ = bounds(skipped["value"])
        asked = int(respondents * (100 - least) / 100)
        share = f"(100 - {skipped['value']:g})%"
        for _, row in printed.drop_duplicates("base").iterrows():
            base = int(str(row["base"]).split("-")[0])
            sign = "<=" if base <= asked else ">"
            arithmetic = f"base {base} {sign} {asked} = {respondents} x {share} at most asked"
            claims = [row["id"], skipped["id"]]
            rows.append(_row("base and routing", question, arithmetic, base <= asked, claims))
    return _frame(rows)


def statements(figures: pd.DataFrame) -> pd.DataFrame:
    """The same comparison of the same answers is not called both different and not different."""
    rows = []
    said = figures[
        figures["significant"].isin(["yes", "no"]) & (figures["question"].fillna("") != "")
    ]
    for (question, _, variable, _), group in said.groupby(list(DEFINED), sort=True):
        if len(group) < 2:
            continue
        holds = group["significant"].nunique() == 1
        verdict = {"yes": "differs", "no": "does not differ"}
        text = "; ".join(
            f"{verdict[s]} ({where})"
            for s, where in zip(group["significant"], group["location"], strict=True)
        )
        rows.append(
            _row("statement repeated", f"{question} by {variable}", text, holds, group["id"])
        )
    return _frame(rows)


# Footnote 17 of the report says of these questions that some totals exceed 100.
NOTED_ABOVE_100 = ("rounding-c4", ("FSyst_1", "FSyst_2", "FSyst_3", "FSyst_4"))


def rounding_notes(figures: pd.DataFrame, options: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """A footnote about totals above 100 has a total above 100 to explain."""
    name, questions = NOTED_ABOVE_100
    note = figures[figures["id"].str.contains(name, regex=False)]
    noted = figures[figures["question"].isin(questions)]
    parts = [part for _, part in _whole_questions(noted, options)]
    if note.empty or not parts:
        return _frame([])
    above = any(part["value"].sum() > 100 for part in parts)
    arithmetic = "; ".join(_sum(part["value"]) for part in parts)
    claims = [note["id"].iloc[0], *pd.concat(parts)["id"]]
    return _frame([_row("footnote on totals", "table C.4", arithmetic, above, claims)])


def majorities(figures: pd.DataFrame) -> pd.DataFrame:
    """What is called a majority is printed as more than half, and the reverse.

    A printed 50 can be either.
    """
    rows = []
    shown = percentages(figures)
    if "relation" not in figures:
        return _frame([])
    for _, said in figures[figures["relation"].isin(["majority", "minority"])].iterrows():
        printed = _one(shown, said["question"], said["response"], said["subgroup"])
        if printed is None:
            continue
        low, high = bounds(printed["value"])
        more = printed["value"] > 50
        sign = "more than 50" if more else "no more than 50"
        holds = high > 50 if said["relation"] == "majority" else low < 50
        about = f"{said['question']} {said['response']} called a {said['relation']}"
        arithmetic = f"{printed['value']:g} is {sign}"
        rows.append(_row("majority", about, arithmetic, holds, [said["id"], printed["id"]]))
    return _frame(rows)


def check(
    figures: pd.DataFrame,
    *,
    options: Mapping[str, Sequence[str]],
    routing: Mapping[str, tuple[str, str]],
    respondents: int,
) -> pd.DataFrame:
    """Every check on the transcription.

    Parameters
    ----------
    figures : DataFrame
        The transcription, as printed or as `apply_reading` gives it.
    options : mapping
        For each question the option codes that stay in the base.
    routing : mapping
        As for `routed_bases`.
    respondents : int
        Number of respondents in all.

    Returns
    -------
    DataFrame
        Columns ``check, about, arithmetic, holds, claims``; rows that do not hold first.
    """
    figures = blanks(figures)
    parts = [
        repeated(figures),
        totals(figures, options),
        exclusive(figures),
        rounding_notes(figures, options),
        majorities(figures),
        nested_training(figures),
        averages(figures),
        group_sizes(figures, options, respondents),
        routed_bases(figures, routing, respondents),
        statements(figures),
    ]
    found = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return found.sort_values("holds", kind="stable").reset_index(drop=True)


# Respondents of the published survey (report, appendix D).
RESPONDENTS = 856
# The question with a printed base that the routing lets some respondents past, with the answer that
# skips it. No base is printed for the other routed questions (LeEvHelp, InfoAdd).
ROUTED = {"NCPIAims": ("NCPIAware", "6")}


def settings(questionnaire: Questionnaire) -> dict[str, Any]:
    """What `check` needs to know of the questionnaire: options in the base, and routing."""
    options = {
        name: [str(code) for code in variable.base_codes]
        for name, variable in questionnaire.variables.items()
        if variable.options
    }
    return {"options": options, "routing": ROUTED, "respondents": RESPONDENTS}


def check_report(figures: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """Every check on the transcription of the published report; see `check`."""
    return check(figures, **settings(questionnaire))


def checks_table(checks: pd.DataFrame) -> pd.DataFrame:
    """The checks as rows of results: ``item`` is the law, ``holds`` yes or no."""
    number = checks.groupby("check").cumcount() + 1
    return pd.DataFrame(
        {
            "id": checks["check"].str.replace(" ", "-") + "." + number.astype(str),
            "item": checks["check"],
            "about": checks["about"],
            "arithmetic": checks["arithmetic"],
            "holds": checks["holds"].map({True: "yes", False: "no"}),
            "claims": checks["claims"],
            "unit": "claims",
            "data_kind": "published",
        }
    )


def readings_table(
    figures: pd.DataFrame, readings: pd.DataFrame, questionnaire: Questionnaire
) -> pd.DataFrame:
    """`compare_readings` on the published report, as rows of results."""
    compared = compare_readings(figures, readings, **settings(questionnaire))
    names = compared["point"] + "." + (compared.groupby("point").cumcount() + 1).astype(str)
    return compared.assign(
        id="reading." + names.str.replace(r"[^A-Za-z0-9.]+", "-", regex=True),
        unit="claims",
        data_kind="published",
    )


def refuse_readings(figures: pd.DataFrame, readings: pd.DataFrame) -> None:
    """Refuse readings that would do nothing, or something else than they say.

    Parameters
    ----------
    figures, readings : DataFrame
        The transcription, and readings.csv with ``point``, ``reading``, ``chosen``, ``id`` and
        ``use``.

    Raises
    ------
    InputError
        Listing readings of rows that the transcription lacks, unknown words in ``use`` and
        ``chosen``, and rows that two chosen readings define.
    """
    chosen = readings["chosen"] == "yes"
    twice = chosen & readings["id"].where(chosen).duplicated()
    checks = (
        ("id", ~readings["id"].isin(figures["id"]), "an id of figures.csv"),
        (
            "use",
            ~readings["use"].isin(["", MISPRINT, UNROUTED]),
            f"{MISPRINT}, {UNROUTED} or blank",
        ),
        ("chosen", ~readings["chosen"].isin(["yes", "no"]), "yes or no"),
        ("id", twice, "one chosen reading of each row"),
    )
    problems = [
        Problem(
            f"readings.csv, row {row + 1}, column {column}",
            repr(readings[column].iloc[row]),
            expected,
            "Correct the cell.",
        )
        for column, wrong, expected in checks
        for row in np.flatnonzero(wrong)
    ]
    if problems:
        raise InputError("The readings cannot be used.", problems)


def apply_reading(figures: pd.DataFrame, reading: pd.DataFrame) -> pd.DataFrame:
    """The transcription as one reading defines it.

    Parameters
    ----------
    figures : DataFrame
        The transcription.
    reading : DataFrame
        Columns ``id`` (of figures.csv), ``question``, ``response``, ``subgroup_variable``,
        ``subgroup``, where an empty cell leaves the transcription's own, and ``use``: ``misprint``
        leaves the row out, ``unrouted`` says that its question was asked of everybody.

    Returns
    -------
    DataFrame
        A copy with those cells replaced, without misprints, and with the column ``unrouted``.
    """
    read = figures.copy()
    for column in DEFINED:
        new = reading.set_index("id")[column].fillna("").astype(str)
        new = new[new != ""]
        places = read["id"].isin(new.index)
        read.loc[places, column] = read.loc[places, "id"].map(new)
    read[UNROUTED] = read["id"].isin(reading.loc[reading["use"] == UNROUTED, "id"])
    misprints = reading.loc[reading["use"] == MISPRINT, "id"]
    return read[~read["id"].isin(misprints)]


def compare_readings(figures: pd.DataFrame, readings: pd.DataFrame, **known: Any) -> pd.DataFrame:
    """How many of the printed numbers hold together under each reading.

    Parameters
    ----------
    figures, readings : DataFrame
        The transcription, and readings.csv with columns ``point``, ``reading``, ``definition``,
        ``chosen`` (yes or no) and those of `apply_reading`.
    **known
        As for `check`.

    Returns
    -------
    DataFrame
        One row per point and reading: ``point, reading, definition, chosen, checks, fail`` where
        `checks` counts the laws that touch the point's rows and `fail` those that break. All other
        points stay as printed.

    Raises
    ------
    InputError
        As `refuse_readings`.
    """
    refuse_readings(figures, readings)
    rows = []
    for point, group in readings.groupby("point", sort=False):
        touched = set(group["id"])
        for reading, part in group.groupby("reading", sort=False):
            result = check(apply_reading(figures, part), **known)
            about = result[_touching(result["claims"], touched)]
            rows.append(
                {
                    "point": point,
                    "reading": reading,
                    "definition": part["definition"].iloc[0],
                    "chosen": part["chosen"].iloc[0],
                    "checks": len(about),
                    "fail": int((~about["holds"]).sum()),
                }
            )
    return pd.DataFrame(rows)


def _touching(claims: pd.Series, ids: set) -> pd.Series:
    """Which checks use at least one of the rows."""
    return claims.map(lambda used: bool(ids & set(used.split("|")))).astype(bool)
