"""Read the judgements of the theory-based evaluation and refuse what they may not rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ncpi_eval import paths
from ncpi_eval.errors import InputError, Problem

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "hypotheses": ("hypothesis", "label", "statement", "prior", "reason"),
    "clues": ("clue", "label", "found", "group", "evidence", "place", "data_kind"),
    "likelihoods": ("clue", "hypothesis", "low", "likely", "high", "reason"),
    "claims": (
        "claim",
        "source",
        "target",
        "statement",
        "supports",
        "against",
        "rivals",
        "rival_answered",
        "place",
    ),
    "configurations": (
        "configuration",
        "context",
        "mechanism",
        "outcome",
        "direction",
        "evidence",
        "place",
        "data_kind",
    ),
}
CONCLUSIVE = ("published", "public_record", "real")
"""Kinds of data that a conclusion may rest on."""


@dataclass(frozen=True)
class Theory:
    """The tables of data/theory, checked; see its README for what a row is."""

    hypotheses: pd.DataFrame
    clues: pd.DataFrame
    likelihoods: pd.DataFrame
    claims: pd.DataFrame
    configurations: pd.DataFrame

    def prior(self) -> dict[str, float]:
        """Hypothesis to its probability before any clue."""
        return dict(zip(self.hypotheses["hypothesis"], self.hypotheses["prior"], strict=True))


def read_theory() -> Theory:
    """Everything that the conclusions rest on.

    Raises
    ------
    InputError
        For a missing column, a number that is none, or a clue or configuration that was found in
        data on which no conclusion may rest (synthetic, or of no kind).
    """
    tables = {name: _read(name, columns) for name, columns in COLUMNS.items()}
    problems = []
    for name, key in (("clues", "clue"), ("configurations", "configuration")):
        table = tables[name]
        seen = table["found"].ne("not_looked") if "found" in table else table[key].ne("")
        for row in table.index[seen & ~table["data_kind"].isin(CONCLUSIVE)]:
            place = f"{name}.csv, row {int(str(row)) + 1}, {table.at[row, key]}"
            found = table.at[row, "data_kind"] or "no kind of data"
            problems.append(
                Problem(place, found, " or ".join(CONCLUSIVE), "Take it out of the conclusions.")
            )
    if problems:
        raise InputError("A conclusion would rest on what cannot carry one.", problems)
    return Theory(**tables)


def read_example() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clues and likelihoods of the invented example; no conclusion is drawn from it."""
    clues = _read("example_clues", COLUMNS["clues"])
    return clues, _read("example_likelihoods", COLUMNS["likelihoods"])


def _read(name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    source = paths.data("theory", f"{name}.csv")
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    problems = [
        Problem(f"{source.name}, header", f"no column {c}", f"a column {c}", "Add the column.")
        for c in columns
        if c not in frame
    ]
    for column in ("prior", "low", "likely", "high"):
        if column in frame and not problems:
            numbers = pd.to_numeric(frame[column], errors="coerce")
            for row in frame.index[numbers.isna()]:
                place = f"{source.name}, row {int(str(row)) + 1}, column {column}"
                problems.append(Problem(place, frame.at[row, column], "a number", "Correct it."))
            frame[column] = numbers
    if problems:
        raise InputError(f"{source.name} cannot be used.", problems)
    return frame[list(columns)]
