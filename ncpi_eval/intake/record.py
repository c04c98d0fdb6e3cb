"""Read the public inspection record and refuse what cannot be meant, cell by cell.

The record was put together by hand from many pages, so a slip is likelier than anywhere else.
Blanks are kept as blanks: "not published" is neither zero nor "no". An error that a publisher
printed stays as printed, but only where the column `known_error` says that it is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from ncpi_eval import formats, paths
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.sources import (
    PUBLIC_RECORD,
    SYNTHETIC,
    default_forces_path,
    located,
    read_forces,
)

PROVENANCE = ("data_kind", "publisher", "licence", "source", "confidence")
CALENDAR_COLUMNS = (
    "force",
    "name",
    "kind",
    "fieldwork_start",
    "fieldwork_end",
    "published",
    "fieldwork_not_before",
    "fieldwork_not_after",
    "published_not_before",
    "published_not_after",
    "recommendations",
    *PROVENANCE,
    "note",
)
GRADES = ("good", "adequate", "requires_improvement", "inadequate")
AUDIT_COLUMNS = (
    "force",
    "name",
    "kind",
    "scope",
    "graded_by",
    "fieldwork",
    "cases",
    *GRADES,
    "requires_improvement_or_inadequate",
    "good_percent",
    "grade_scale",
    "derived",
    "known_error",
    *PROVENANCE,
    "note",
)
REGISTER_COLUMNS = (
    "recommendation",
    "force",
    "name",
    "kind",
    "published",
    "time_scale",
    *PROVENANCE,
    "note",
)
HISTORY_COLUMNS = ("recommendation", "date", "status", "closes", "note", *PROVENANCE)

INSPECTION_KINDS = (
    "inspection",
    "post_inspection_review",
    "re_inspection",
    "assessment_of_progress",
    "pilot_inspection",
    "integrated_vulnerability_review",
    "quarterly_update_1",
    "quarterly_update_2",
    "quarterly_update_3",
    "quarterly_update_4",
)
CONFIDENCES = ("low", "medium", "high")
TIME_SCALES = ("immediately", "within three months", "within six months")
#: Grades of each scale, best first; the middle grade of 2014-15 was called adequate.
SCALES = {
    "3-point": ("good", "requires_improvement", "inadequate"),
    "3-point early": ("good", "adequate", "inadequate"),
    "4-point": GRADES,
    "graded areas": (),
}
#: Which cases a row is about. Only `all` is a report's whole audit; the others are parts of one,
#: lie beside it, or put reports together, and must never be added to it.
SCOPES = (
    "all",
    "further_cases",
    "child_sexual_exploitation",
    "missing_children",
    "investigation",
    "combined_forces",
    "outside_programme",
)

_DATE = re.compile(r"20\d\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_WHOLE = re.compile(r"\d{1,5}")
_Check = tuple[str, Callable[[str], bool], str]


@dataclass(frozen=True)
class Record:
    """All that is recorded of the forces of one world, the real one or the invented one.

    Attributes
    ----------
    calendar, audits, recommendations, history : DataFrame
        As the functions below read them.
    """

    calendar: pd.DataFrame
    audits: pd.DataFrame
    recommendations: pd.DataFrame
    history: pd.DataFrame

    def of(self, force: str) -> Record:
        """What is recorded of one force, by its code."""
        calendar, audits, recommendations = (
            table[table["force"].eq(force)]
            for table in (self.calendar, self.audits, self.recommendations)
        )
        steps = self.history["recommendation"].isin(recommendations["recommendation"])
        return Record(calendar, audits, recommendations, self.history[steps])


@dataclass(frozen=True)
class Force:
    """A force of the real or of the invented world: its code, name and kind of data."""

    code: int
    name: str
    data_kind: str


def all_forces() -> list[Force]:
    """Every force, the real ones first, each world in the order of its codes."""
    return [
        Force(int(code), str(name), kind)
        for kind in (PUBLIC_RECORD, SYNTHETIC)
        for code, name in read_forces(default_forces_path(kind))[["force", "name"]].itertuples(
            index=False
        )
    ]


def read_force(text: str) -> Force:
    """The force of that code or name, whatever its case.

    Raises
    ------
    InputError
        If there is none; with the names nearest to it.
    """
    asked = " ".join(text.casefold().replace(" and ", " & ").split())
    known = {
        key: force
        for force in all_forces()
        for key in (str(force.code), force.name.casefold().replace(" and ", " & "))
    }
    if asked in known:
        return known[asked]
    names = {force.name.casefold(): force.name for force in known.values()}
    near = [names[name] for name in get_close_matches(text.casefold(), names, n=3, cutoff=0.5)]
    remedy = f"did you mean {' or '.join(near)}?" if near else "see the names in both forces.csv"
    expected = "code or name of a force in data/inspections or data/synthetic"
    raise InputError(
        "There is no such force.", [Problem("FORCE", formats.shown(text), expected, remedy)]
    )


def read_record(data_kind: str = PUBLIC_RECORD) -> Record:
    """The whole record of the real forces, or of the invented ones for ``synthetic``.

    Raises
    ------
    InputError
        As the functions below, for the first file with anything wrong.
    """
    synthetic = data_kind == SYNTHETIC
    folder = paths.data(*(("synthetic", "inspections") if synthetic else ("inspections",)))
    forces = default_forces_path(data_kind)
    recommendations = read_recommendations(folder / "recommendations.csv", forces)
    return Record(
        read_calendar(folder / "calendar.csv", forces),
        read_audits(folder / "case_audits.csv", forces),
        recommendations,
        read_history(folder / "recommendations_history.csv", recommendations),
    )


def read_calendar(
    path: str | Path | None = None, forces_path: str | Path | None = None
) -> pd.DataFrame:
    """The calendar of inspections and follow-ups: one row per event of a force.

    Parameters
    ----------
    path : path, optional
        The default is data/inspections/calendar.csv.
    forces_path : path, optional
        Force table whose codes and names must be used; the default is the public record.

    Returns
    -------
    DataFrame
        `CALENDAR_COLUMNS` as text, "" where blank. Dates are days, months or years; a date that
        sources only bound, or about which they disagree, has its earliest and latest in the
        columns `*_not_before` and `*_not_after`, both inclusive.

    Raises
    ------
    InputError
        With file, row (1 is the first below the header) and column of everything that is wrong:
        unknown forces, kinds or confidences, impossible or unordered dates, missing sources, an
        event given twice.
    """
    source = _source(path, "calendar.csv")
    frame = _read(source, CALENDAR_COLUMNS)
    dates = [c for c in CALENDAR_COLUMNS if c.startswith(("fieldwork", "published"))]
    checks = [
        ("kind", INSPECTION_KINDS.__contains__, "one of " + ", ".join(INSPECTION_KINDS)),
        *((c, _date_or_blank, "YYYY-MM-DD, YYYY-MM, YYYY or blank") for c in dates),
        ("recommendations", _whole_or_blank, "a whole number or blank"),
    ]
    problems = [
        *_cell_problems(source.name, frame, [*checks, *_PROVENANCE_CHECKS]),
        *_force_problems(source.name, frame, forces_path),
        *_repeated(source.name, frame, ["name", "kind", "fieldwork_start"], "kind"),
    ]
    for first, last in (
        ("fieldwork_start", "fieldwork_end"),
        ("fieldwork_end", "published"),
        ("fieldwork_not_before", "fieldwork_not_after"),
        ("published_not_before", "published_not_after"),
    ):
        problems += _unordered(source.name, frame, first, last)
    return _accepted(source, frame, problems)


def read_audits(
    path: str | Path | None = None, forces_path: str | Path | None = None
) -> pd.DataFrame:
    """Grades of audited cases, one row per report, set of cases and grader.

    Returns
    -------
    DataFrame
        `AUDIT_COLUMNS` as text, "" where not published. `scope` says which cases (see `SCOPES`),
        `graded_by` is inspectors or force (its self-assessment), `derived` names a grade that was
        worked out as the rest of the published numbers, `known_error` what is wrong as printed.

    Raises
    ------
    InputError
        As `read_calendar`; also for a grade that its scale does not have, and for a complete set
        of grades that does not sum to the cases without a `known_error`.
    """
    source = _source(path, "case_audits.csv")
    frame = _read(source, AUDIT_COLUMNS)
    numbers = ["cases", *GRADES, "requires_improvement_or_inadequate"]
    checks = [
        ("kind", (*INSPECTION_KINDS, "thematic").__contains__, "a kind of report"),
        ("scope", SCOPES.__contains__, "one of " + ", ".join(SCOPES)),
        ("graded_by", ("inspectors", "force").__contains__, "inspectors or force"),
        ("grade_scale", SCALES.__contains__, "one of " + ", ".join(SCALES)),
        ("derived", ("", *GRADES).__contains__, "the grade that was derived, or blank"),
        ("fieldwork", _date_or_blank, "YYYY-MM-DD, YYYY-MM, YYYY or blank"),
        *((c, _whole_or_blank, "a whole number or blank") for c in numbers),
        ("good_percent", _percent_or_blank, "a whole number from 0 to 100, or blank"),
    ]
    problems = [
        *_cell_problems(source.name, frame, [*checks, *_PROVENANCE_CHECKS]),
        *_force_problems(source.name, frame, forces_path, frame["scope"] == "combined_forces"),
        *_repeated(
            source.name, frame, ["name", "kind", "fieldwork", "scope", "graded_by"], "scope"
        ),
    ]
    if not problems:
        problems = list(_split_problems(source.name, frame))
    return _accepted(source, frame, problems)


def read_recommendations(
    path: str | Path | None = None, forces_path: str | Path | None = None
) -> pd.DataFrame:
    """Recommendations that were seen one by one: register entries, or an export of them.

    Returns
    -------
    DataFrame
        `REGISTER_COLUMNS` as text, "" where blank: `recommendation` (the register's number, or an
        id), `published` (date of the report), `time_scale` (one of `TIME_SCALES` or blank).

    Raises
    ------
    InputError
        As `read_calendar`.
    """
    source = _source(path, "recommendations.csv")
    frame = _read(source, REGISTER_COLUMNS)
    checks = [
        ("recommendation", bool, "a number or id"),
        ("kind", INSPECTION_KINDS.__contains__, "one of " + ", ".join(INSPECTION_KINDS)),
        ("published", _date_or_blank, "YYYY-MM-DD, YYYY-MM, YYYY or blank"),
        ("time_scale", ("", *TIME_SCALES).__contains__, ", ".join(TIME_SCALES) + " or blank"),
    ]
    problems = [
        *_cell_problems(source.name, frame, [*checks, *_PROVENANCE_CHECKS]),
        *_force_problems(source.name, frame, forces_path),
        *_repeated(source.name, frame, ["recommendation"], "recommendation"),
    ]
    return _accepted(source, frame, problems)


def read_history(path: str | Path | None, recommendations: pd.DataFrame) -> pd.DataFrame:
    """Status history of recommendations, in the order in which it is printed.

    Parameters
    ----------
    path : path or None
        None reads data/inspections/recommendations_history.csv.
    recommendations : DataFrame
        From `read_recommendations`: a step must belong to one of them.

    Returns
    -------
    DataFrame
        `HISTORY_COLUMNS` as text: `date`, `status` as printed (any words), `closes` = ``yes`` only
        where the source itself says that this step closes the recommendation.

    Raises
    ------
    InputError
        As `read_calendar`.
    """
    source = _source(path, "recommendations_history.csv")
    frame = _read(source, HISTORY_COLUMNS)
    known = set(recommendations["recommendation"])
    checks = [
        ("recommendation", known.__contains__, "a recommendation of the register"),
        ("date", lambda text: text != "" and _date_or_blank(text), "YYYY-MM-DD, YYYY-MM or YYYY"),
        ("closes", ("", "yes").__contains__, "yes or blank"),
    ]
    problems = _cell_problems(source.name, frame, [*checks, *_PROVENANCE_CHECKS])
    return _accepted(source, frame, list(problems))


# ---------------------------------------------------------------------------------------------
# Checks


def _date_or_blank(text: str) -> bool:
    if not text:
        return True
    if not _DATE.fullmatch(text):
        return False
    return len(text) < 10 or not pd.isna(pd.to_datetime(text, errors="coerce"))


def _whole_or_blank(text: str) -> bool:
    return not text or bool(_WHOLE.fullmatch(text))


def _percent_or_blank(text: str) -> bool:
    return _whole_or_blank(text) and int(text or 0) <= 100


_PROVENANCE_CHECKS: list[_Check] = [
    ("data_kind", (PUBLIC_RECORD, SYNTHETIC).__contains__, "public_record or synthetic"),
    ("publisher", bool, "who published it"),
    ("licence", bool, "the licence, or that it is a fact in our own words"),
    ("source", re.compile(r"https?://\S+").fullmatch, "the address of the page"),  # type: ignore[list-item]
    ("confidence", CONFIDENCES.__contains__, "high, medium or low"),
]


def _source(path: str | Path | None, name: str) -> Path:
    return located(path) if path else paths.data("inspections", name)


def _read(source: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    frame = formats.read_table(source).frame
    missing = [
        Problem(f"{source.name}, header", f"no column {c}", f"a column {c}", "Add the column.")
        for c in columns
        if c not in frame
    ]
    if missing:
        raise InputError(f"{source.name} lacks columns of the inspection record.", missing)
    return pd.DataFrame({name: [text_of(cell) for cell in frame[name]] for name in columns})


def text_of(cell: object) -> str:
    """A cell of a table as text, trimmed; blank for a missing one, whole numbers without ``.0``."""
    if cell is None or pd.isna(cell):  # type: ignore[call-overload]
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _problem(file: str, row: object, column: str, found: str, expected: str) -> Problem:
    place = f"{file}, row {int(str(row)) + 1}, column {column}"
    return Problem(place, found or "nothing", expected, "Correct the cell from its source.")


def _cell_problems(file: str, frame: pd.DataFrame, checks: list[_Check]) -> Iterator[Problem]:
    for row in frame.index:
        for column, accepts, expected in checks:
            cell = str(frame.at[row, column])
            if not accepts(cell):
                yield _problem(file, row, column, formats.shown(cell) if cell else "", expected)
    kinds = sorted(set(frame["data_kind"]))
    if len(kinds) > 1:
        yield Problem(
            f"{file}, column data_kind",
            ", ".join(kinds),
            "one kind of data in a file",
            "Keep invented records apart from real ones.",
        )


def _force_problems(
    file: str,
    frame: pd.DataFrame,
    forces_path: str | Path | None,
    no_force: pd.Series | None = None,
) -> Iterator[Problem]:
    forces = read_forces(forces_path)
    names = dict(zip(forces["force"].astype(str), forces["name"], strict=True))
    free = pd.Series(False, frame.index) if no_force is None else no_force & (frame["force"] == "")
    for row, code, name in zip(frame.index, frame["force"], frame["name"], strict=True):
        if free[row]:
            continue
        if code not in names:
            yield _problem(file, row, "force", code, "a code of the force table")
        elif name != names[code]:
            yield _problem(file, row, "name", name, f"{names[code]}, the name of force {code}")


def _repeated(file: str, frame: pd.DataFrame, key: list[str], column: str) -> Iterator[Problem]:
    for row in frame.index[frame.duplicated(key)]:
        found = ", ".join(text for text in frame.loc[row, key] if text)
        yield _problem(file, row, column, f"{found} a second time", "each once")


def _unordered(file: str, frame: pd.DataFrame, first: str, last: str) -> Iterator[Problem]:
    """Dates that end before they begin, as far as both are known."""
    for row, (start, end) in enumerate(zip(frame[first], frame[last], strict=True)):
        known = min(len(start), len(end))
        if known and start[:known] > end[:known]:
            yield _problem(file, row, last, end, f"no date before {first}, {start}")


def _split_problems(file: str, frame: pd.DataFrame) -> Iterator[Problem]:
    for row, cells in enumerate(frame.to_dict("records")):
        scale = SCALES[cells["grade_scale"]]
        for grade in GRADES:
            if cells[grade] and grade not in scale:
                expected = f"blank: the scale is {cells['grade_scale']}"
                yield _problem(file, row, grade, cells[grade], expected)
        printed = [int(cells[grade]) for grade in scale if cells[grade]]
        cases = int(cells["cases"]) if cells["cases"] else None
        if printed and cases is None:
            yield _problem(file, row, "cases", "", "how many cases the grades are of")
        elif cases is not None and not cells["known_error"]:
            whole = bool(scale) and len(printed) == len(scale)
            if sum(printed) > cases or (whole and sum(printed) != cases):
                expected = f"{sum(printed)}, the sum of the grades, or a known_error that says why"
                yield _problem(file, row, "cases", str(cases), expected)


def _accepted(source: Path, frame: pd.DataFrame, problems: list[Problem]) -> pd.DataFrame:
    if problems:
        raise InputError(f"{source.name} cannot be used as inspection record.", problems)
    return frame
