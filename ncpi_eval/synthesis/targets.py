"""What the synthetic respondents must give back: the printed percentages and statements.

A printed percentage stands for a few neighbouring counts. This module turns the rows of
`data/published/figures.csv` into those counts, so that everything after it is arithmetic with whole
respondents and never with rounded proportions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from ncpi_eval.errors import InputError, Problem

NEEDED = ["id", "question", "response", "subgroup_variable", "subgroup", "value", "unit"]


@dataclass(frozen=True, order=True)
class Target:
    """One printed percentage of one group.

    Parameters
    ----------
    question : str
        Questionnaire variable, grid item or ``TrainAny``.
    codes : tuple of int
        Option codes that the percentage counts, ascending.
    variable, subgroup : str
        Breakdown and group; ``all`` and ``all`` without a breakdown.
    value : int
        Percentage as printed, 0 to 100.
    ids : tuple of str
        Rows of figures.csv that print it (the same number is often printed more than once).
    """

    question: str
    codes: tuple[int, ...]
    variable: str
    subgroup: str
    value: int
    ids: tuple[str, ...] = ()

    def label(self) -> str:
        """The target in words, for messages."""
        group = "" if self.variable == "all" else f" among {self.variable}={self.subgroup}"
        codes = "|".join(map(str, self.codes))
        return f"{self.question} in {codes}{group} = {self.value}% ({', '.join(self.ids)})"


@dataclass(frozen=True, order=True)
class Claim:
    """A statement that a response set differs between the groups of a breakdown, or does not.

    `codes` is empty when the statement is about the whole distribution; `groups` are the groups
    that it compares, empty for all of the breakdown.
    """

    question: str
    codes: tuple[int, ...]
    variable: str
    groups: tuple[str, ...]
    significant: bool
    ids: tuple[str, ...] = ()


def count_bounds(value: int, base: int) -> tuple[int, int]:
    """Smallest and largest count that print as `value` per cent of `base`, halves rounded up.

    The interval is empty (low above high) when no count of that base prints so.

    Examples
    --------
    >>> count_bounds(29, 76)
    (22, 22)
    """
    low = -(-(2 * value - 1) * base // 200)
    high = -(-(2 * value + 1) * base // 200) - 1
    return max(0, low), min(base, high)


def printed(count: int, base: int) -> int:
    """Whole percentage, halves rounded up, from whole numbers."""
    return (200 * int(count) + int(base)) // (2 * int(base))


def parse_codes(response: object) -> tuple[int, ...]:
    """Codes of a response set such as ``1|2``; empty for ``all``, blank or missing."""
    text = "" if response is None or pd.isna(response) else str(response).strip()
    if text in ("", "all"):
        return ()
    return tuple(sorted(int(float(part)) for part in text.split("|")))


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()


def apply_readings(figures: pd.DataFrame, readings: pd.DataFrame | None) -> pd.DataFrame:
    """The transcription with the chosen reading of each doubtful point put in.

    Parameters
    ----------
    figures : DataFrame
        The transcription.
    readings : DataFrame, optional
        Columns ``id, question, response, subgroup_variable, subgroup, use, chosen``; an empty cell
        leaves the transcription's own, and ``misprint`` in ``use`` leaves the row out.

    Returns
    -------
    DataFrame
        The rows that the respondents must reproduce.
    """
    if readings is None or readings.empty:
        return figures
    read = figures.set_index("id", drop=False)
    for _, row in readings[readings["chosen"].map(_text) == "yes"].iterrows():
        if row["id"] not in read.index:
            continue
        if _text(row.get("use")) == "misprint":
            read = read.drop(index=row["id"])
            continue
        for column in ("question", "response", "subgroup_variable", "subgroup"):
            if _text(row.get(column)):
                read.loc[row["id"], column] = _text(row[column])
    return read.reset_index(drop=True)


def targets(figures: pd.DataFrame, questions: Iterable[str]) -> list[Target]:
    """Every printed percentage of the questions given, each once, in a fixed order.

    Parameters
    ----------
    figures : DataFrame
        The transcription, readings applied; columns `NEEDED`.
    questions : iterable of str
        Names of closed and derived questions.

    Returns
    -------
    list of Target
        Sorted; the order of rows in the file has no influence.

    Raises
    ------
    InputError
        If columns are missing.
    """
    _require(figures)
    known = set(questions)
    grouped: dict[tuple, list[str]] = {}
    for _, row in figures.iterrows():
        usable = row["question"] in known and _text(row["unit"]) == "percent"
        codes = _codes_or_none(row["response"])
        if not usable or not codes or not _text(row["value"]):
            continue
        value = float(row["value"])
        if value != int(value):
            continue
        variable, subgroup = _group(row)
        key = (row["question"], codes, variable, subgroup, int(value))
        grouped.setdefault(key, []).append(str(row["id"]))
    return sorted(Target(*(*key, tuple(sorted(ids)))) for key, ids in grouped.items())


def claims(figures: pd.DataFrame, questions: Iterable[str]) -> list[Claim]:
    """Every statement that a difference is or is not significant, each once, in a fixed order."""
    _require(figures)
    known = set(questions)
    grouped: dict[tuple, list[str]] = {}
    for _, row in figures.iterrows():
        said = _text(row.get("significant"))
        variable = _group(row)[0]
        codes = _codes_or_none(row["response"])
        if said not in ("yes", "no") or row["question"] not in known or variable == "all":
            continue
        if codes is None:
            continue
        groups = tuple(sorted(_text(row["subgroup"]).split("|")))
        groups = groups if len(groups) > 1 else ()
        key = (row["question"], codes, variable, groups, said == "yes")
        grouped.setdefault(key, []).append(str(row["id"]))
    return sorted(Claim(*(*key, tuple(sorted(ids)))) for key, ids in grouped.items())


def bases(figures: pd.DataFrame, questions: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Printed number of respondents who answered, by question, as (least, most).

    Only bases of questions as a whole are read: a base printed with a group of a table is the base
    of the table.
    """
    _require(figures)
    known = set(questions)
    found: dict[str, tuple[int, int]] = {}
    for _, row in figures.iterrows():
        text = _text(row.get("base"))
        if row["question"] not in known or not text:
            continue
        low, _, high = text.replace("–", "-").partition("-")
        least, most = int(float(low)), int(float(high or low))
        before = found.get(row["question"], (least, most))
        found[row["question"]] = (max(least, before[0]), min(most, before[1]))
    return found


def _group(row: pd.Series) -> tuple[str, str]:
    variable = _text(row["subgroup_variable"]) or "all"
    return variable, (_text(row["subgroup"]) or "all") if variable != "all" else "all"


def _codes_or_none(response: object) -> tuple[int, ...] | None:
    try:
        return parse_codes(response)
    except ValueError:
        return None


def _require(figures: pd.DataFrame) -> None:
    missing = [name for name in NEEDED if name not in figures.columns]
    if missing:
        problem = Problem(
            "figures.csv, header",
            f"no column {', '.join(missing)}",
            f"the columns {', '.join(NEEDED)}",
            "add the columns; data/published/README.md describes them",
        )
        raise InputError("The transcription cannot be used.", [problem])
