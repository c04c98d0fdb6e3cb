"""Read the tables in which people set down what they judged: logic model, triangulation.

They are small, written by hand and full of references, so a slip is likely and a silent one
would be worst. Whether references lead anywhere is asked where the other side is known
(`evidence.logic_model`, `evidence.triangulation`); here every cell has what its column allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ncpi_eval import formats, paths
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.sources import located

LEVELS = ("input", "activity", "output", "short", "medium", "long", "goal")
"""Places in time, from first to last."""
OUTCOME_LEVELS = ("short", "medium", "long", "goal")
PATHWAYS = ("police_force", "inspection_team", "shared")
STRANDS_MEASURING = ("survey", "document", "record", "statistics")
STRANDS = ("survey", "documents", "interviews", "record")
COMPUTED = "computed"
DIRECTIONS = ("for", "mixed", "against", "context", "silent")
"""The outcome is coming about; both; it is not, or no more than elsewhere; no word on change."""
WANTED = ("first_higher", "first_lower", "second_higher")
DATA_KINDS = ("published", "public_record", "real", "synthetic")

_BASIS = {"basis": ("stated", "inferred")}


@dataclass(frozen=True)
class LogicModel:
    """The four tables of data/logic_model, all text, "" where blank."""

    nodes: pd.DataFrame
    arrows: pd.DataFrame
    assumptions: pd.DataFrame
    indicators: pd.DataFrame


def read_logic_model(folder: str | Path | None = None) -> LogicModel:
    """The logic model and its indicators.

    Parameters
    ----------
    folder : path, optional
        The default is data/logic_model.

    Returns
    -------
    LogicModel
        nodes: node (unique), code, level (`LEVELS`), pathway (`PATHWAYS`), label, statement, place,
        basis. arrows: source, target (nodes), statement, place, basis. assumptions: assumption
        (unique), about (nodes, joined by ``|``), statement, place, what_would_show_it_wrong.
        indicators: indicator (unique), outcome (a node), label, strand, measure_results, measure,
        baseline, source, frequency, owner, quality, gap.

    Raises
    ------
    InputError
        With file, row (1 is the first below the header) and column of everything that is wrong.
    """
    place = located(folder) if folder is not None else paths.data("logic_model")
    problems: list[Problem] = []
    nodes = _table(
        place / "nodes.csv",
        "node code level pathway label statement place basis",
        problems,
        unique=("node", "code"),
        allowed={"level": LEVELS, "pathway": PATHWAYS, **_BASIS},
    )
    arrows = _table(
        place / "arrows.csv", "source target statement place basis", problems, allowed=_BASIS
    )
    assumptions = _table(
        place / "assumptions.csv",
        "assumption about statement place what_would_show_it_wrong",
        problems,
        unique=("assumption",),
    )
    indicators = _table(
        place / "indicators.csv",
        "indicator outcome label strand measure_results measure baseline source frequency owner "
        "quality gap",
        problems,
        unique=("indicator",),
        blank=("measure_results", "measure", "baseline", "gap"),
        allowed={"strand": STRANDS_MEASURING},
    )
    _refuse(place.name, problems)
    return LogicModel(nodes, arrows, assumptions, indicators)


@dataclass(frozen=True)
class Judgements:
    """The six tables of data/triangulation, all text, "" where blank."""

    cells: pd.DataFrame
    comparisons: pd.DataFrame
    strands: pd.DataFrame
    rubric: pd.DataFrame
    conclusions: pd.DataFrame
    recommendations: pd.DataFrame


def read_triangulation(folder: str | Path | None = None) -> Judgements:
    """What a person judged about the evidence of each outcome.

    Parameters
    ----------
    folder : path, optional
        The default is data/triangulation.

    Returns
    -------
    Judgements
        cells: outcome, strand (`STRANDS`), direction (`DIRECTIONS` or computed), statement,
        evidence (references ``file#id``), place, data_kind. comparisons: outcome, strand, evidence
        (one reference), wanted (`WANTED`), about. strands: strand, label, selected_soundly, why,
        place. rubric: criterion, strand, rule, met_when, why. conclusions: outcome (unique),
        direction, statement, place, note. recommendations: recommendation (unique), statement,
        outcomes, evidence, indicators, how_to_tell, known_since, place.

    Raises
    ------
    InputError
        With file, row (1 is the first below the header) and column of everything that is wrong.
    """
    place = located(folder) if folder is not None else paths.data("triangulation")
    problems: list[Problem] = []
    strand = {"strand": STRANDS}
    cells = _table(
        place / "cells.csv",
        "outcome strand direction statement evidence place data_kind",
        problems,
        blank=("evidence",),
        allowed={
            **strand,
            "direction": (*DIRECTIONS[:-1], COMPUTED),
            "data_kind": DATA_KINDS,
        },
    )
    tables = (
        cells,
        _table(
            place / "comparisons.csv",
            "outcome strand evidence wanted about",
            problems,
            allowed={**strand, "wanted": WANTED},
        ),
        _table(
            place / "strands.csv",
            "strand label selected_soundly why place",
            problems,
            unique=("strand",),
            allowed={**strand, "selected_soundly": ("yes", "no")},
        ),
        _table(
            place / "rubric.csv", "criterion strand rule met_when why", problems, allowed=strand
        ),
        _table(
            place / "report_conclusions.csv",
            "outcome direction statement place note",
            problems,
            unique=("outcome",),
            blank=("note",),
            allowed={"direction": DIRECTIONS},
        ),
        _table(
            place / "report_recommendations.csv",
            "recommendation statement outcomes evidence indicators how_to_tell known_since place",
            problems,
            unique=("recommendation",),
            blank=("evidence",),
        ),
    )
    _refuse(place.name, problems)
    return Judgements(*tables)


def _table(
    path: Path,
    columns: str,
    problems: list[Problem],
    *,
    unique: Sequence[str] = (),
    blank: Sequence[str] = (),
    allowed: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """A table as text; what is wrong with it is added to the problems."""
    names = columns.split()
    frame = formats.read_table(path).frame
    for name in names:
        if name not in frame:
            problems.append(
                Problem(f"{path.name}, header", f"no column {name}", f"a column {name}", "Add it.")
            )
    if not set(names) <= set(frame):
        return pd.DataFrame(columns=names, dtype=str)
    text = frame[names].astype(object).where(frame[names].notna(), "").astype(str)
    for name in names:
        cells = text[name]
        if name not in blank:
            problems += _wrong(path, name, cells, cells.eq(""), "a text", "Fill in the cell.")
        if name in unique:
            twice = cells.ne("") & cells.duplicated()
            problems += _wrong(path, name, cells, twice, "each once", "Rename or remove one.")
        if allowed and name in allowed:
            odd = cells.ne("") & ~cells.isin(allowed[name])
            expected = "one of " + ", ".join(allowed[name])
            problems += _wrong(path, name, cells, odd, expected, "Use one of these words.")
    return text.reset_index(drop=True)


def _wrong(
    path: Path, column: str, cells: pd.Series, wrong: pd.Series, expected: str, remedy: str
) -> list[Problem]:
    return [
        Problem(
            f"{path.name}, row {row + 1}, column {column}",
            formats.shown(cells.iloc[row]) if cells.iloc[row] else "nothing",
            expected,
            remedy,
        )
        for row in range(len(cells))
        if wrong.iloc[row]
    ]


def _refuse(name: str, problems: Sequence[Problem]) -> None:
    if problems:
        raise InputError(f"The tables of {name} cannot be used as they are.", problems)
