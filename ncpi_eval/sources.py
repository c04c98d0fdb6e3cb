"""The only place that knows which files people supply and turns them into frames.

A survey file and a force table go together: synthetic forces have their own codes and names, and
are refused beside real respondents, so that invented and real records can never join.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ncpi_eval import formats, paths
from ncpi_eval import questionnaire as codebook
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.intake import groups as grouping
from ncpi_eval.intake.validation import DATA_KIND, SurveyRefused, validate
from ncpi_eval.questionnaire import FORCE_DATES, FORCE_VARIABLE, Questionnaire

#: Codes of synthetic forces, first and last inclusive; real forces have the published codes.
SYNTHETIC_CODES = (101, 143)
PUBLIC_RECORD = "public_record"
SYNTHETIC = "synthetic"
REAL = "real"
FORCE_COLUMNS = ("force", "name", "first_inspection", "joint_inspection", DATA_KIND)
PUBLISHED_COLUMNS = (
    "id",
    "key",
    "claim",
    "location",
    "question",
    "item",
    "response",
    "subgroup_variable",
    "subgroup",
    "value",
    "unit",
    "base",
    "significant",
    "note",
)

_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_BASE = r"\d+(-\d+)?"
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Survey:
    """A survey file, checked.

    Parameters
    ----------
    responses : DataFrame
        Survey frame: RangeIndex, one row per respondent; `serial` str, closed questions Int16
        codes (missing = unanswered), text str; derived questions included; `data_kind` only if
        the file has it.
    groups : DataFrame
        Same index; one categorical column per group, missing = in no category.
    data_kind : str
        ``synthetic`` if the column `data_kind` says so in every row, else ``real``.
    wave : str
        Label of the wave.
    has_force : bool
        Whether any respondent has a known force; without one there is neither inspection status
        nor clustering.
    notes : tuple of str
        Sentences that a page must show.
    path : Path
        File that was read.
    reported : DataFrame
        What was counted and carried on; see `intake.validation`.
    forces : DataFrame
        Force table that was used.
    questionnaire : Questionnaire
        Codebook that was used.
    """

    responses: pd.DataFrame
    groups: pd.DataFrame
    data_kind: str
    wave: str
    has_force: bool
    notes: tuple[str, ...]
    path: Path
    reported: pd.DataFrame = field(repr=False)
    forces: pd.DataFrame = field(repr=False)
    questionnaire: Questionnaire = field(repr=False)

    def __len__(self) -> int:
        return len(self.responses)


def located(path: str | Path) -> Path:
    """A path as given, or else from the root of the repository, as notebooks name their files."""
    given = Path(path)
    return given if given.is_absolute() or given.exists() else paths.ROOT / given


def read_survey(
    path: str | Path,
    forces_path: str | Path | None = None,
    wave: str = grouping.DEFAULT_WAVE,
    sheet: str | None = None,
    questionnaire: Questionnaire | None = None,
) -> Survey:
    """Read, check and group a survey file.

    Parameters
    ----------
    path : path
        .sav, .csv, .xlsx or .parquet with the questionnaire's columns.
    forces_path : path, optional
        Force table; the default is that of the synthetic forces for a synthetic survey and the
        public record of inspections for a real one.
    wave : str
        A wave of waves.csv, or the month ``YYYY-MM`` in which the survey opened, which decides
        inspection status.
    sheet : str, optional
        Sheet of an Excel workbook.

    Raises
    ------
    InputError
        With everything that is wrong with the survey file, or if a real survey is given with
        synthetic forces or the reverse.
    """
    source = located(path)
    book = questionnaire or codebook.load()
    opening = book.opening(wave)
    try:
        table = formats.read_table(source, sheet)
        data_kind = _data_kind(table.frame)
        forces = read_forces(forces_path or default_forces_path(data_kind))
        _refuse_mixture(data_kind, forces)
    except InputError:
        raise _everything_wrong(source, sheet, forces_path, book) from None
    checked = validate(table.frame, book, forces, source.name, table.value_labels)
    responses = grouping.with_derived(checked.checked(source.name), book)
    known = responses[FORCE_VARIABLE].isin(forces["force"]).fillna(False)
    return Survey(
        responses=responses,
        groups=grouping.derive(responses, book, forces, opening),
        data_kind=data_kind,
        wave=wave,
        has_force=bool(known.any()),
        notes=table.notes + _notes(checked.absent, bool(known.any()), forces),
        path=source,
        reported=checked.reported,
        forces=forces,
        questionnaire=book,
    )


def _everything_wrong(
    source: Path, sheet: str | None, forces_path: str | Path | None, book: Questionnaire
) -> InputError:
    """All that is wrong with a survey file and its force table, once something was found."""
    errors: list[InputError] = []
    problems: list[Problem] = []
    frame = pd.DataFrame()
    labels: Mapping[str, Mapping[Any, str]] = {}
    forces = None
    try:
        table = formats.read_table(source, sheet)
        frame, labels = table.frame, table.value_labels
    except InputError as error:
        errors.append(error)
        frame = error.frame if isinstance(error, formats.Damaged) else frame
    if len(frame) or forces_path:
        kind = _data_kind(frame)
        try:
            forces = read_forces(forces_path or default_forces_path(kind))
            if len(frame):
                _refuse_mixture(kind, forces)
        except InputError as error:
            errors.append(error)
            # Without its force table there is nothing that the forces could be held against.
            frame = frame.drop(columns=FORCE_VARIABLE, errors="ignore")
    for refusal in errors:
        problems += refusal.problems
    if len(frame):
        rows = frame.index.to_numpy() + 1
        problems += validate(frame, book, forces, source.name, labels, rows).refused
    return SurveyRefused(" ".join(error.message for error in errors), problems)


def read_waves(
    waves: Sequence[tuple[str, str | Path]],
    forces_path: str | Path | None = None,
    questionnaire: Questionnaire | None = None,
) -> list[Survey]:
    """Several waves of the survey, in the order given.

    Parameters
    ----------
    waves : sequence of (wave, path)
        A pair whose path is blank is left out, so that an optional second wave may be empty.

    Raises
    ------
    InputError
        As `read_survey`; also if two waves have the same label, or a real and a synthetic wave
        would be compared.
    """
    given = [(wave, path) for wave, path in waves if str(path)]
    labels = [wave for wave, _ in given]
    if len(set(labels)) < len(labels):
        raise InputError(f"Each wave needs a label of its own; given were {', '.join(labels)}.")
    surveys: list[Survey] = []
    refused: list[InputError] = []
    for wave, path in given:
        try:
            surveys.append(read_survey(path, forces_path, wave, None, questionnaire))
        except InputError as error:
            refused.append(error)
    if refused:
        problems = dict.fromkeys(problem for error in refused for problem in error.problems)
        raise SurveyRefused(" ".join(dict.fromkeys(e.message for e in refused)), problems)
    kinds = [survey.data_kind for survey in surveys]
    if len(set(kinds)) > 1:
        listed = ", ".join(f"{s.path.name} is {s.data_kind}" for s in surveys)
        raise InputError(f"Real and synthetic waves cannot be compared: {listed}.")
    return surveys


def default_forces_path(data_kind: str) -> Path:
    """Force table that goes with a kind of survey data."""
    folder = SYNTHETIC if data_kind == SYNTHETIC else "inspections"
    return paths.data(folder, "forces.csv")


def read_forces(path: str | Path | None = None) -> pd.DataFrame:
    """Read and check a force table.

    Parameters
    ----------
    path : path, optional
        The default is the public record, data/inspections/forces.csv. Dates of a CSV are
        ``YYYY-MM-DD``, ``YYYY-MM``, or ``YYYY`` where only the year is known; blank means no
        inspection is known. An optional column `inspected_before` gives the month by which a
        first inspection of unknown date had begun.

    Returns
    -------
    DataFrame
        force (Int16), name, first_inspection, joint_inspection, data_kind (str) first, then any
        other columns as str; missing where blank. Sorted by force.

    Raises
    ------
    InputError
        With every problem: missing columns, duplicate codes or names, codes out of range for the
        data kind, dates that are none, more than one data kind.
    """
    source = located(path) if path is not None else default_forces_path(REAL)
    frame = formats.read_table(source).frame
    missing = [column for column in FORCE_COLUMNS if column not in frame]
    if missing:
        problems = [
            Problem(f"{source.name}, header", f"no column {c}", f"a column {c}", "add the column")
            for c in missing
        ]
        raise InputError(f"{source.name} is not a force table.", problems)
    text = pd.DataFrame({str(name): _as_text(frame[name]) for name in frame.columns})
    problems = list(_force_problems(source.name, text))
    if problems:
        raise InputError(f"{source.name} cannot be used as a force table.", problems)
    text["force"] = text["force"].astype(int).astype("Int16")
    others = [name for name in text if name not in FORCE_COLUMNS]
    return text[[*FORCE_COLUMNS, *others]].sort_values("force", ignore_index=True)


def read_published_figures(path: str | Path | None = None) -> pd.DataFrame:
    """The transcription of every published figure.

    Parameters
    ----------
    path : path, optional
        The default is data/published/figures.csv.

    Returns
    -------
    DataFrame
        Columns `PUBLISHED_COLUMNS` and any others, as str with missing where blank; `value` is
        float (percentages as published, 0 to 100; NaN where the claim is in words); `base` stays
        text, since a table's bases are published as a range such as ``845-846``.

    Raises
    ------
    InputError
        If columns are missing, an id is missing or used twice, or a number cannot be read.
    """
    source = located(path) if path is not None else paths.data("published", "figures.csv")
    frame = formats.read_table(source).frame
    header = [c for c in PUBLISHED_COLUMNS if c not in frame]
    if header:
        raise InputError(
            f"{source.name} lacks columns.",
            [
                Problem(f"{source.name}, header", f"no column {c}", f"a column {c}", "add it")
                for c in header
            ],
        )
    figures = pd.DataFrame({str(name): _as_text(frame[name]) for name in frame.columns})
    problems = list(_identifier_problems(source.name, figures["id"], "id"))
    value = pd.to_numeric(figures["value"], errors="coerce").astype("float64")
    checks = (
        ("value", value.isna(), "a number"),
        ("base", ~figures["base"].fillna("").str.fullmatch(_BASE), "a whole number or a range"),
    )
    for column, wrong, expected in checks:
        for row in figures.index[wrong & figures[column].notna()]:
            found = formats.shown(figures.loc[row, column])
            place = f"{source.name}, row {row + 1}, column {column}"
            problems.append(Problem(place, found, expected, "correct the cell or leave it blank"))
    if problems:
        raise InputError(f"{source.name} cannot be used as it is.", problems)
    return figures.assign(value=value)


def read_readings(path: str | Path | None = None) -> pd.DataFrame:
    """The readings of published numbers that do not agree as printed (readings.csv).

    Returns
    -------
    DataFrame
        Text columns point, reading, chosen (yes or no), definition, id (of figures.csv), question,
        response, subgroup_variable, subgroup, use; empty text where a reading changes nothing.

    Raises
    ------
    InputError
        If a column is missing, or a point does not have exactly one chosen reading.
    """
    source = located(path) if path else paths.data("published", "readings.csv")
    readings = pd.read_csv(source, dtype=str, keep_default_na=False)
    columns = ["point", "reading", "chosen", "definition", "id", "question", "response"]
    columns += ["subgroup_variable", "subgroup", "use"]
    missing = [column for column in columns if column not in readings]
    if missing:
        raise InputError(
            f"{source.name} cannot be used.",
            [Problem(source.name, f"no column {c}", "all columns", "Add it.") for c in missing],
        )
    yes = readings[readings["chosen"] == "yes"].groupby("point")["reading"].nunique()
    wrong = [point for point in readings["point"].unique() if yes.get(point, 0) != 1]
    if wrong:
        raise InputError(
            f"{source.name} cannot be used.",
            [
                Problem(point, f"{yes.get(point, 0)} chosen readings", "one", "Choose one.")
                for point in wrong
            ],
        )
    return readings


def read_themes(path: str | Path | None = None) -> pd.DataFrame:
    """The dictionary of themes of open answers (data/coding/open_text_themes.csv), as text."""
    source = located(path) if path else paths.data("coding", "open_text_themes.csv")
    return pd.read_csv(source, dtype=str, keep_default_na=False)


def read_quotations(path: str | Path | None = None) -> dict[str, str]:
    """A reader's decisions on examples of answers (data/release/quotations.csv).

    Returns
    -------
    dict of str to str
        ``release`` or ``refuse`` by the SHA-256 of the redacted words; the last row on the same
        words counts. Empty without a file.

    Raises
    ------
    InputError
        Listing missing columns, columns that the file must not have (the words themselves), and
        every cell that is not what data/release/README.md says.
    """
    source = located(path) if path else paths.data("release", "quotations.csv")
    if not source.is_file():
        return {}
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    header = f"{source.name}, header"
    problems = [
        Problem(header, "no such column", name, "Add the column.")
        for name in _QUOTATIONS
        if name not in frame
    ]
    problems += [
        Problem(header, f"the column {name}", "hashes and no answers", "Take it out.")
        for name in frame
        if name not in _QUOTATIONS
    ]
    for number, row in enumerate(frame.to_dict("records"), start=2) if not problems else ():
        problems += _quotation_problems(f"{source.name}, row {number}", row)
    if problems:
        raise InputError("The decisions on quotations cannot be used.", problems)
    return dict(zip(frame["sha256"], frame["decision"], strict=True))


_QUOTATIONS = ("sha256", "decision", "by", "date", "reason")


def _quotation_problems(place: str, row: Mapping[Any, str]) -> Iterator[Problem]:
    expected = {
        "sha256": (r"[0-9a-f]{64}", "64 hexadecimal digits"),
        "decision": (r"release|refuse", "release or refuse"),
        "by": (r".*\S.*", "a role, no name"),
        "date": (r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "YYYY-MM-DD"),
    }
    for name, (pattern, words) in expected.items():
        if not re.fullmatch(pattern, row[name]):
            found = repr(row[name]) if row[name] else "nothing"
            yield Problem(f"{place}, {name}", found, words, "Correct the cell.")
    if row["decision"] == "refuse" and not row["reason"].strip():
        yield Problem(f"{place}, reason", "nothing", "a sentence", "Say why.")


def read_coding(path: str | Path | None, survey: Survey) -> pd.DataFrame:
    """Themes that people gave to the open answers of a survey.

    Parameters
    ----------
    path : path, optional
        Table with columns serial, question, theme; by default that of the synthetic answers for a
        synthetic survey, and none for a real one.
    survey : Survey
        Respondents whose answers were coded.

    Returns
    -------
    DataFrame
        serial, question, theme, as text; rows with a blank theme are left out. Empty where the
        file codes none of these respondents.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column, or if some serials are respondents of this
        survey and others are not.
    """
    columns = ["serial", "question", "theme"]
    if path is None and survey.data_kind == SYNTHETIC:
        path = paths.data(SYNTHETIC, "open_text_themes.csv")
    if path is None:
        return pd.DataFrame(columns=columns)
    source = located(path)
    frame = formats.read_table(source).frame
    coding = pd.DataFrame({str(name): _as_text(frame[name]) for name in frame.columns}).fillna("")
    place = source.name
    missing = [column for column in columns if column not in coding]
    problems = [
        Problem(f"{place}, header", f"no column {c}", f"a column {c}", "Add it.") for c in missing
    ]
    if not missing:
        known = coding["serial"].isin(set(survey.responses["serial"].astype(str)))
        if not known.any():
            return coding.iloc[:0][columns]
        problems = [
            Problem(
                f"{place}, row {row + 1}, column serial",
                formats.shown(coding.loc[row, "serial"]),
                "a respondent of this survey",
                "Correct it.",
            )
            for row in coding.index[~known]
        ]
    if problems:
        raise InputError("The coding of the open answers cannot be used.", problems)
    return coding.loc[coding["theme"] != "", columns].reset_index(drop=True)


def survey_table(
    responses: pd.DataFrame,
    questionnaire: Questionnaire,
    forces: pd.DataFrame | None = None,
) -> formats.Table:
    """A survey frame with everything that SPSS can say about it.

    Derived questions are left out, since they are worked out again when the file is read. Options
    of more than 120 bytes are shortened with "…"; "prefer not to say" is user-missing.
    """
    columns = [name for name in questionnaire.file_columns() if name in responses]
    value_labels: dict[str, dict[int, str]] = {}
    missing: dict[str, list[dict[str, int]]] = {}
    for name in columns:
        variable = questionnaire.variables[name]
        if variable.is_text:
            continue
        options = _option_texts(questionnaire, name, forces)
        value_labels[name] = {c: formats.spss_value_label(text) for c, text in options.items()}
        missing[name] = [{"lo": code, "hi": code} for code in variable.missing_codes]
    labels = {name: questionnaire.variables[name].label for name in columns}
    return formats.Table(responses[columns], labels, value_labels, missing)


def write_survey(
    responses: pd.DataFrame,
    path: str | Path,
    questionnaire: Questionnaire | None = None,
    forces: pd.DataFrame | None = None,
    option_texts: bool = False,
) -> Path:
    """Write a survey frame so that `read_survey` gives it back.

    Parameters
    ----------
    path : path
        .sav (with labels and user-missing codes), .csv, .xlsx or .parquet.
    forces : DataFrame, optional
        Force table, for the names of forces that are not in the questionnaire.
    option_texts : bool
        Write the text of the options instead of codes; not for .sav, which holds both.

    Raises
    ------
    InputError
        If the format cannot hold a text; see `formats.write_table`.
    """
    book = questionnaire or codebook.load()
    table = survey_table(responses, book, forces)
    if option_texts:
        if Path(path).suffix.lower() == ".sav":
            raise InputError("A .sav file holds codes and option texts; write it with codes.")
        frame = table.frame.copy(deep=False)
        for name in table.value_labels:
            texts = _option_texts(book, name, forces)
            frame[name] = frame[name].astype(object).map(texts, na_action="ignore")
        table = formats.Table(frame)
    return formats.write_table(table, path)


def _option_texts(
    questionnaire: Questionnaire, name: str, forces: pd.DataFrame | None
) -> dict[int, str]:
    options = dict(questionnaire.variables[name].options)
    if name != FORCE_VARIABLE or forces is None:
        return options
    kept = {code: options[code] for code in questionnaire.variables[name].missing_codes}
    return {int(c): str(n) for c, n in zip(forces["force"], forces["name"], strict=True)} | kept


def _data_kind(frame: pd.DataFrame) -> str:
    if DATA_KIND not in frame:
        return REAL
    return SYNTHETIC if (frame[DATA_KIND].astype(object) == SYNTHETIC).all() else REAL


def _refuse_mixture(data_kind: str, forces: pd.DataFrame) -> None:
    table = forces[DATA_KIND].iloc[0]
    if data_kind == REAL and table == SYNTHETIC:
        raise InputError(
            "A real survey cannot be read with the synthetic force table: give the real forces, "
            "data/inspections/forces.csv. (Data counts as real unless its column data_kind says "
            "synthetic in every row.)"
        )
    if data_kind == SYNTHETIC and table != SYNTHETIC:
        raise InputError(
            "A synthetic survey cannot be read with the table of real forces: give the synthetic "
            "forces, data/synthetic/forces.csv."
        )


def _notes(absent: tuple[str, ...], has_force: bool, forces: pd.DataFrame) -> tuple[str, ...]:
    notes = []
    if FORCE_VARIABLE in absent:
        notes.append(
            f"The file has no column {FORCE_VARIABLE}: inspection status and the clustering of "
            "respondents by force cannot be shown."
        )
    elif not has_force:
        notes.append(
            "No respondent names a force: inspection status and the clustering of respondents by "
            "force cannot be shown."
        )
    if has_force and forces["joint_inspection"].isna().all():
        notes.append(
            "The force table gives no joint inspections: breakdowns by joint inspection are empty."
        )
    other = [name for name in absent if name not in (FORCE_VARIABLE, DATA_KIND)]
    if other:
        notes.append(f"The file lacks optional columns: {', '.join(other)}.")
    return tuple(notes)


def _as_text(column: pd.Series) -> pd.Series:
    """Cells as text, whole numbers without a fraction, missing where blank."""

    def one(cell: object) -> object:
        if cell is None or pd.isna(cell):  # type: ignore[call-overload]
            return None
        if isinstance(cell, float) and cell.is_integer():
            return str(int(cell))
        return str(cell)

    return pd.Series([one(cell) for cell in column.astype(object)], dtype="str")


def _force_problems(place: str, forces: pd.DataFrame) -> Iterator[Problem]:
    yield from _identifier_problems(place, forces["force"], "force")
    yield from _identifier_problems(place, forces["name"], "name")
    kinds = sorted(set(forces[DATA_KIND].dropna()))
    if kinds not in ([PUBLIC_RECORD], [SYNTHETIC]) or forces[DATA_KIND].isna().any():
        found = " and ".join(map(formats.shown, kinds)) or "nothing"
        expected = f"{PUBLIC_RECORD} or {SYNTHETIC}, the same in every row"
        yield Problem(f"{place}, column {DATA_KIND}", found, expected, "keep the two apart")
    first, last = {(SYNTHETIC,): SYNTHETIC_CODES, (PUBLIC_RECORD,): (1, 43)}.get(
        tuple(kinds), (1, SYNTHETIC_CODES[1])
    )
    for row, code in enumerate(forces["force"]):
        good = isinstance(code, str) and re.fullmatch(r"[1-9]\d{0,4}", code, re.ASCII)
        if pd.notna(code) and not (good and first <= int(code) <= last):
            expected = f"a code from {first} to {last} for {' and '.join(kinds) or 'forces'}"
            where = f"{place}, row {row + 1}, column force"
            yield Problem(
                where, formats.shown(code), expected, "use the codes of the questionnaire"
            )
    for column in [*FORCE_DATES, "inspected_before"]:
        if column not in forces:
            continue
        pattern = _MONTH if column == "inspected_before" else _DATE
        for row, date in enumerate(forces[column]):
            if pd.notna(date) and not (pattern.fullmatch(date) and _is_date(date)):
                where = f"{place}, row {row + 1}, column {column}"
                expected = "a month YYYY-MM" if pattern is _MONTH else "YYYY-MM-DD, YYYY-MM or YYYY"
                yield Problem(where, formats.shown(date), expected, "write the date like 2019-02")


def _is_date(text: str) -> bool:
    """Whether a date of a year, month or day exists, which the 31st of February does not."""
    try:
        datetime.date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        return False
    return True


def _identifier_problems(place: str, column: pd.Series, name: str) -> Iterator[Problem]:
    for row in column.index[column.isna()]:
        where = f"{place}, row {row + 1}, column {name}"
        yield Problem(where, "nothing", f"a {name}", "fill in the cell")
    for row in column.index[column.notna() & column.duplicated()]:
        where = f"{place}, row {row + 1}, column {name}"
        found = formats.shown(column[row])
        yield Problem(where, found, f"a {name} that is listed once", "remove the repeated row")
