"""Read what the framework is made of: themes, groups of participants, topic guide, findings.

People write these tables. What is wrong with a cell is said with its file, row and column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from ncpi_eval import formats, paths
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.intake.record import text_of
from ncpi_eval.sources import read_forces

THEME_COLUMNS = ("theme", "label", "chapter", "guide_sections", "codes")
GROUP_COLUMNS = ("who", "label", "role", "force_type", "inspection_timing")
GUIDE_COLUMNS = ("section", "label", "covers", "asked_of")
FINDING_COLUMNS = (
    "finding",
    "theme",
    "subtheme",
    "who",
    "valence",
    "place",
    "summary",
    "code",
    "data_kind",
)
ROLES = (
    "child_protection_lead",
    "business_improvement_lead",
    "custody_lead",
    "front_door",
    "childrens_services",
    "external_partner",
    "inspector",
    "not_told_apart",
    "documents",
)
FORCE_TYPES = ("inspected", "uninspected", "inspectorate", "not_told_apart")
TIMINGS = ("before_2017", "from_2017", "uninspected", "not_told_apart", "not_applicable")
#: What a finding says of its theme, in the order in which a cell names them.
VALENCES = (
    "positive",
    "facilitator",
    "unintended",
    "context",
    "challenge",
    "barrier",
    "suggestion",
)

Check = tuple[str, Callable[[str], bool], str]


def read_themes(path: str | Path | None = None) -> pd.DataFrame:
    """Themes of the framework, in their order: `THEME_COLUMNS` as text.

    ``guide_sections`` and ``codes`` are joined by ``|``: sections of the topic guide that ask about
    the theme, and beginnings (``scheme.area``) of the codes that belong to it.
    """
    source = _source(path, "framework_themes.csv")
    frame = _read(source, THEME_COLUMNS)
    checks: list[Check] = [(c, bool, "something") for c in THEME_COLUMNS]
    return _accepted(source, frame, checks, "theme")


def read_groups(path: str | Path | None = None) -> pd.DataFrame:
    """Groups of participants that the report tells apart, in their order: `GROUP_COLUMNS`."""
    source = _source(path, "framework_groups.csv")
    frame = _read(source, GROUP_COLUMNS)
    checks: list[Check] = [("who", bool, "a short name"), ("label", bool, "what to call it")]
    return _accepted(source, frame, [*checks, *ATTRIBUTE_CHECKS], "who")


def read_guide(path: str | Path | None = None) -> pd.DataFrame:
    """Sections of the published topic guide, in our words: `GUIDE_COLUMNS` as text."""
    source = _source(path, "topic_guide.csv")
    frame = _read(source, GUIDE_COLUMNS)
    checks: list[Check] = [
        ("label", bool, "a heading"),
        ("asked_of", ("all", "inspected").__contains__, "all or inspected"),
    ]
    return _accepted(source, frame, checks, "section")


def read_findings(
    themes: pd.DataFrame, groups: pd.DataFrame, codes: pd.DataFrame, path: str | Path | None = None
) -> pd.DataFrame:
    """Qualitative findings that the report publishes, as summaries in our words.

    Parameters
    ----------
    themes, groups : DataFrame
        From `read_themes` and `read_groups`.
    codes : DataFrame
        The coding frame.
    path : path, optional
        The default is data/coding/framework_published.csv.

    Returns
    -------
    DataFrame
        `FINDING_COLUMNS` as text, one row per finding; ``place`` is chapter and section.

    Raises
    ------
    InputError
        With file, row and column of every unknown theme, group, code or kind, blank summary and
        repeated name.
    """
    source = _source(path, "framework_published.csv")
    frame = _read(source, FINDING_COLUMNS)
    checks: list[Check] = [
        ("theme", set(themes["theme"]).__contains__, "a theme of framework_themes.csv"),
        ("who", set(groups["who"]).__contains__, "a group of framework_groups.csv"),
        ("valence", VALENCES.__contains__, "one of " + ", ".join(VALENCES)),
        ("code", set(codes["code"]).__contains__, "a code of the coding frame"),
        ("place", bool, "chapter and section"),
        ("summary", bool, "a summary"),
        ("data_kind", "published".__eq__, "published"),
    ]
    return _accepted(source, frame, checks, "finding")


def read_frame(path: str | Path | None = None) -> pd.DataFrame:
    """The coding frame as text, unchecked: `evidence.coding.check_frame` says what is wrong."""
    source = _source(path, "coding_frame.csv")
    frame = formats.read_table(source).frame
    return pd.DataFrame({name: [text_of(cell) for cell in frame[name]] for name in frame})


def read_places(path: str | Path | None = None) -> list[str]:
    """Names of places that are taken out of transcripts."""
    return list(_read(_source(path, "places.csv"), ("place",))["place"])


def read_force_names() -> list[str]:
    """Names of real and of invented forces, and their other names, to take out of transcripts."""
    aliases = _read(_source(None, "force_aliases.csv"), ("name", "alias"))
    synthetic = read_forces(paths.data("synthetic", "forces.csv"))
    names = [*read_forces()["name"], *synthetic["name"], *aliases["name"], *aliases["alias"]]
    return [name for name in dict.fromkeys(map(str, names)) if name]


ATTRIBUTE_CHECKS: list[Check] = [
    ("role", ROLES.__contains__, "one of " + ", ".join(ROLES)),
    ("force_type", FORCE_TYPES.__contains__, "one of " + ", ".join(FORCE_TYPES)),
    ("inspection_timing", TIMINGS.__contains__, "one of " + ", ".join(TIMINGS)),
]


def read_checked(
    source: Path, columns: tuple[str, ...], checks: list[Check], key: str
) -> pd.DataFrame:
    """A table of these columns as text, refused with every cell that fails its check.

    Parameters
    ----------
    source : Path
        A table of any format that `formats` reads.
    columns : tuple of str
        All must be there; others are left out.
    checks : list of (column, accepts, expected)
        What each cell of a column must pass, and what to say where it does not.
    key : str
        Column whose values are given once each; blank for none.
    """
    return _accepted(source, _read(source, columns), checks, key)


def _source(path: str | Path | None, name: str) -> Path:
    return Path(path) if path else paths.data("coding", name)


def _read(source: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    frame = formats.read_table(source).frame
    absent = [
        Problem(f"{source.name}, header", f"no column {c}", f"a column {c}", "Add the column.")
        for c in columns
        if c not in frame
    ]
    if absent:
        raise InputError(f"{source.name} lacks columns.", absent)
    return pd.DataFrame({name: [text_of(cell) for cell in frame[name]] for name in columns})


def _accepted(source: Path, frame: pd.DataFrame, checks: list[Check], key: str) -> pd.DataFrame:
    problems = [*_cell_problems(source.name, frame, checks), *_repeated(source.name, frame, key)]
    if problems:
        raise InputError(f"{source.name} cannot be used for the framework.", problems)
    return frame


def _cell_problems(file: str, frame: pd.DataFrame, checks: list[Check]) -> Iterator[Problem]:
    for row, cells in enumerate(frame.to_dict("records"), start=1):
        for column, accepts, expected in checks:
            if not accepts(cells[column]):
                place = f"{file}, row {row}, column {column}"
                found = formats.shown(cells[column]) if cells[column] else "nothing"
                yield Problem(place, found, expected, "Correct the cell.")


def _repeated(file: str, frame: pd.DataFrame, key: str) -> Iterator[Problem]:
    if not key:
        return
    for row in frame.index[frame.duplicated(key)]:
        found = f"{frame.at[row, key]} a second time"
        place = f"{file}, row {row + 1}, column {key}"
        yield Problem(place, found, "each once", "Rename one of them.")
