"""Check a survey file against the questionnaire and list everything at once.

Two levels. *Refused*: what makes the data ambiguous or impossible, such as an unknown code; nothing
is computed then. *Reported*: what respondents were free to do, such as skipping a question; it is
counted and carried on. Nothing is coerced in silence: an accepted cell is a code, exactly the
published text of an option, or text.
"""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ncpi_eval.errors import InputError, Problem
from ncpi_eval.formats import FormulaText, shown
from ncpi_eval.questionnaire import FORCE_VARIABLE, Questionnaire, Variable

#: Values of the optional column that says who made the data; no column means real.
DATA_KINDS = ("synthetic", "real")
DATA_KIND = "data_kind"
#: The same answer throughout says little in a grid of two items, so only longer ones count.
STRAIGHT_LINE_ITEMS = 3
#: Lines and ranges of rows that a refusal prints: all, unless a large file is wrong throughout.
SHOWN_PROBLEMS = 2000
SHOWN_RANGES = 1000
SHOWN_SERIALS = 5
#: An SPSS label cut to fewer characters than this could be the start of another option.
SHORTEST_CUT_LABEL = 30
REPORTED_COLUMNS = [
    "check",
    "question",
    "item",
    "count",
    "denominator",
    "unit",
    "note",
]

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0+)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DAMAGED = "\ufffd"
_NO_CODE = -(2**15)
_REFUSE = -(2**15) + 1


class SurveyRefused(InputError):
    """A survey file that cannot be used; prints the first problems and counts the others."""

    def __str__(self) -> str:
        lines = [self.message, *(f"  - {problem}" for problem in self.problems[:SHOWN_PROBLEMS])]
        more = len(self.problems) - SHOWN_PROBLEMS
        if more > 0:
            lines.append(f"  ... and {more} more problems")
        return "\n".join(lines)


@dataclass(frozen=True)
class Validation:
    """What was found.

    Parameters
    ----------
    refused : tuple of Problem
        Everything that forbids using the data; equal cells of a column are one problem that names
        all their rows.
    reported : DataFrame
        check, question, item, count, denominator, unit, note; empty if anything was refused.
    frame : DataFrame or None
        The survey frame: codes as Int16, text as str, every column of the questionnaire in its
        order (optional ones that the file lacks are empty); None if anything was refused.
    absent : tuple of str
        Optional columns that the file lacks.
    """

    refused: tuple[Problem, ...]
    reported: pd.DataFrame
    frame: pd.DataFrame | None
    absent: tuple[str, ...] = ()

    def checked(self, place: str) -> pd.DataFrame:
        """The survey frame, or SurveyRefused (an InputError) with every problem."""
        if self.frame is None:
            number = len(self.refused)
            kinds = "1 problem" if number == 1 else f"{number} problems"
            raise SurveyRefused(f"{place} was refused with {kinds}.", self.refused)
        return self.frame


def validate(
    frame: pd.DataFrame,
    questionnaire: Questionnaire,
    forces: pd.DataFrame | None = None,
    place: str = "survey file",
    value_labels: Mapping[str, Mapping[Any, str]] | None = None,
    row_numbers: npt.NDArray[np.int64] | None = None,
) -> Validation:
    """Check cells against the questionnaire.

    Parameters
    ----------
    frame : DataFrame
        Cells as read from a file, or a survey frame. A closed question may hold codes (also as
        text or as whole floats, so 3, "3" and 3.0 are the same) or exactly the published text of
        an option, blanks and capitals included. A missing cell is unanswered. Blanks around open
        text are removed and line ends made ``\\n``, which is counted.
    forces : DataFrame, optional
        Force table with ``force`` and ``name``; without one the published forces are allowed.
    place : str
        What problems call the file.
    value_labels : mapping, optional
        Column to code to label, from SPSS. A label that belongs to another code is refused, one
        that differs otherwise is reported.

    row_numbers : array, optional
        What problems call the rows, where some of the file could not be read.

    Returns
    -------
    Validation
        With all problems at once; rows count from 1 for the first respondent.
    """
    numbers = np.arange(1, len(frame) + 1) if row_numbers is None else row_numbers
    return _Check(frame, questionnaire, forces, place, value_labels or {}, numbers).run()


@dataclass(frozen=True)
class _Distinct:
    """Distinct cells of a column and, for each row, which one it has (-1 for none)."""

    cells: list[object]
    position: npt.NDArray[np.int64]


def _distinct(column: pd.Series) -> _Distinct:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _Distinct(list(column.cat.categories), np.asarray(column.cat.codes, dtype=np.int64))
    if column.dtype == object:
        # True, 1 and 1.0 are equal in Python, so that the type has to be part of the key.
        seen: dict[tuple[type, object], int] = {}
        position = np.full(len(column), -1, dtype=np.int64)
        for row, cell in enumerate(column):
            if not _is_missing(cell):
                position[row] = seen.setdefault((type(cell), cell), len(seen))
        return _Distinct([cell for _, cell in seen], position)
    codes, cells = pd.factorize(column)
    return _Distinct(list(cells), np.asarray(codes, dtype=np.int64))


def _is_missing(cell: object) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


class _Check:
    """One run over one file; collects problems and counts as it goes."""

    def __init__(
        self,
        frame: pd.DataFrame,
        questionnaire: Questionnaire,
        forces: pd.DataFrame | None,
        place: str,
        value_labels: Mapping[str, Mapping[Any, str]],
        numbers: npt.NDArray[np.int64],
    ) -> None:
        self.numbers = numbers
        self.raw = frame.reset_index(drop=True)
        self.book = questionnaire
        self.forces = forces
        self.place = place
        self.value_labels = value_labels
        self.problems: list[Problem] = []
        self.counts: list[dict[str, object]] = []
        self.serial = next(v.name for v in questionnaire.variables.values() if v.kind == "serial")

    def run(self) -> Validation:
        known = [name for name in self.book.file_columns() if name in self.raw]
        absent = tuple(name for name in self.book.file_columns() if name not in self.raw)
        if self.raw.empty:
            self._wrong("", "no rows", "one row per respondent", "give the data")
        self._columns()
        self._serials()
        self._data_kinds()  # first, since it decides which forces there may be
        columns: dict[str, pd.Series] = {}
        for name in known:
            columns[name] = self._column(self.book.variables[name])
        self._labels()
        if self.problems:
            return Validation(tuple(self.problems), _reported([]), None, absent)
        frame = self._complete(columns)
        counts = [*self._answers(frame), *_straight_lines(frame, self.book), *self.counts]
        return Validation((), _reported(counts), frame, absent)

    def _wrong(self, where: str, found: str, expected: str, remedy: str) -> None:
        self.problems.append(Problem(f"{self.place}{where}", found, expected, remedy))

    def _columns(self) -> None:
        expected = self.book.file_columns()
        derived = [v.name for v in self.book.variables.values() if v.kind == "derived"]
        names = [str(name) for name in self.raw.columns]
        missing = [n for n in expected if self.book.variables[n].required and n not in names]
        for name in dict.fromkeys(n for n in names if names.count(n) > 1):
            self._wrong(
                ", header", f"{shown(name)} more than once", "each column once", "remove one"
            )
        for name in missing:
            near = [n for n in names if n not in expected and n.lower() == name.lower()]
            remedy = f"rename {shown(near[0])} to {name}" if near else f"add the column {name}"
            self._wrong(", header", f"no column {name}", f"a column {name}", remedy)
        for name in names:
            if name in expected or name in derived:
                continue
            near = difflib.get_close_matches(name.strip().lower(), [e.lower() for e in expected], 1)
            match = [e for e in expected if e.lower() in near]
            remedy = (
                f"rename it to {match[0]} if that is what it is, or remove it"
                if match
                else "remove it, or add it to data/questionnaire/variables.csv"
            )
            self._wrong(
                f", column {shown(name)[1:-1]}",
                "a column that the questionnaire does not have",
                "only columns of the questionnaire",
                remedy,
            )

    def _serials(self) -> None:
        self.serials: list[str] = [""] * len(self.raw)
        if self.serial not in self.raw:
            return
        column = _first(self.raw, self.serial)
        found = _distinct(column)
        text = [_serial(cell) for cell in found.cells]
        self.serials = [text[p] or "" if p >= 0 else "" for p in found.position]
        for number, cell in enumerate(found.cells):
            if text[number] is None:
                rows = np.flatnonzero(found.position == number)
                self._cells(
                    rows, self.serial, cell, "a serial without blanks or fractions", "mend it"
                )
        empty = np.flatnonzero(found.position < 0)
        if len(empty):
            remedy = "give every respondent a serial; remove rows without a respondent"
            self._cells(empty, self.serial, None, "a serial", remedy)
        rows_of: dict[str, list[int]] = {}
        for row, serial in enumerate(self.serials):
            if serial:
                rows_of.setdefault(serial, []).append(row)
        for serial, used in rows_of.items():
            if len(used) > 1:
                self._cells(
                    np.array(used),
                    self.serial,
                    serial,
                    "a serial that is used once",
                    "keep one row",
                )

    def _cells(
        self,
        rows: npt.NDArray[np.int64],
        column: str,
        found: object,
        expected: str,
        remedy: str,
    ) -> None:
        serials = [self.serials[row] for row in rows[:SHOWN_SERIALS] if self.serials[row]]
        more = len(rows) - SHOWN_SERIALS
        listed = ", ".join(shown(serial)[1:-1] for serial in serials)
        listed += f" and {more} more" if more > 0 and serials else ""
        who = f" (serial{'s' if len(rows) > 1 else ''} {listed})" if serials else ""
        word = "rows" if len(rows) > 1 else "row"
        where = f", {word} {_ranges(self.numbers[rows])}{who}, column {column}"
        self._wrong(where, shown(found), expected, remedy)

    def _column(self, variable: Variable) -> pd.Series:
        column = _first(self.raw, variable.name)
        if variable.kind == "serial":
            return pd.Series(self.serials, dtype="str")
        if variable.is_text:
            return self._text(variable, column)
        return self._closed(variable, column)

    def _options(self, variable: Variable) -> dict[int, str]:
        if variable.name != FORCE_VARIABLE or self.forces is None:
            return dict(variable.options)
        pairs = zip(self.forces["force"], self.forces["name"], strict=True)
        names = {int(code): str(name) for code, name in pairs}
        return names | {c: variable.options[c] for c in variable.missing_codes}

    def _closed(self, variable: Variable, column: pd.Series) -> pd.Series:
        options = self._options(variable)
        by_label = {label: code for code, label in options.items()}
        found = _distinct(column)
        codes = [_code(cell, options, by_label) for cell in found.cells]
        lookup = np.array([*codes, _NO_CODE], dtype=np.int16)
        values = lookup[found.position]
        for number, rows in _rows_by_cell(found.position, values == _REFUSE):
            cell = found.cells[number]
            expected = _allowed(variable, options)
            self._cells(rows, variable.name, cell, expected, _remedy(cell, options))
        return pd.Series(pd.array(values, dtype="Int16")).mask(values < _REFUSE + 1)

    def _text(self, variable: Variable, column: pd.Series) -> pd.Series:
        found = _distinct(column)
        texts = [_clean(cell) for cell in found.cells]
        refused = np.array(
            [
                isinstance(c, FormulaText) or t is not None and _DAMAGED in t
                for c, t in zip(found.cells, texts, strict=True)
            ]
            + [False]
        )
        for number, rows in _rows_by_cell(found.position, refused[found.position]):
            cell = found.cells[number]
            if isinstance(cell, FormulaText):
                self._cells(rows, variable.name, cell, "text, not a formula", _FORMULA_REMEDY)
            else:
                remedy = "go back to the file before it was saved in another encoding"
                self._cells(rows, variable.name, cell, "undamaged text (no \\ufffd)", remedy)
        lookup = np.array([*texts, None], dtype=object)
        result = lookup[found.position]
        self._count_texts(variable, found, texts)
        return pd.Series(result, dtype="str")

    def _count_texts(self, variable: Variable, found: _Distinct, texts: list[str | None]) -> None:
        checks = {
            "text_tidied": ("blanks around the text or line ends changed", _tidied),
            "text_typed_as_number": ("a number or date in a column of text", _not_text),
            "control_characters": ("characters that cannot be printed, kept", _has_control),
        }
        total = int((found.position >= 0).sum())
        for check, (note, test) in checks.items():
            hits = [test(c, t) for c, t in zip(found.cells, texts, strict=True)]
            count = int(np.array([*hits, False])[found.position].sum())
            if count:
                self.counts.append(_count(check, variable, count, total, note))

    def _data_kinds(self) -> None:
        if DATA_KIND not in self.raw or self.raw.empty:
            return
        found = _distinct(_first(self.raw, DATA_KIND))
        expected = " or ".join(DATA_KINDS) + ", in every row"
        remedy = "fill in the column throughout; without the column the data counts as real"
        for number, cell in enumerate(found.cells):
            rows = np.flatnonzero(found.position == number)
            if cell not in DATA_KINDS and len(rows):
                self._cells(rows, DATA_KIND, cell, expected, remedy)
        empty = np.flatnonzero(found.position < 0)
        if len(empty):
            self._cells(empty, DATA_KIND, None, expected, remedy)
        kinds = sorted(str(cell) for cell in found.cells if cell in DATA_KINDS)
        if len(kinds) > 1:
            where = f", column {DATA_KIND}"
            self._wrong(where, " and ".join(kinds), "one kind of data", "keep the two in two files")

    def _labels(self) -> None:
        for name, labels in self.value_labels.items():
            if name not in self.book.variables or self.book.variables[name].is_text:
                continue
            options = self._options(self.book.variables[name])
            by_label = {label: code for code, label in options.items()}
            for value, label in labels.items():
                code = _code(value, options, by_label)
                if code == _REFUSE or _same_label(label, options[code]):
                    continue
                if label in by_label:
                    self._wrong(
                        f", value labels of {name}",
                        f"{code} = {shown(label)}",
                        f"{code} = {shown(options[code])}",
                        "check the codes: this label belongs to another code",
                    )
                else:
                    note = f"{code} = {shown(label)} instead of {shown(options[code])}"
                    variable = self.book.variables[name]
                    self.counts.append(_count("label_differs", variable, 1, len(options), note))

    def _complete(self, columns: Mapping[str, pd.Series]) -> pd.DataFrame:
        complete: dict[str, pd.Series] = {}
        for name in self.book.file_columns():
            if name in columns:
                complete[name] = columns[name]
            elif self.book.variables[name].kind != "declared":
                kind = "str" if self.book.variables[name].is_text else "Int16"
                complete[name] = pd.Series(pd.NA, index=self.raw.index, dtype=kind)
        return pd.DataFrame(complete)

    def _answers(self, frame: pd.DataFrame) -> Iterator[dict[str, object]]:
        for variable in self.book.variables.values():
            if variable.name not in frame or variable.kind in ("serial", "declared"):
                continue
            if variable.parent and variable.kind == "single":
                continue  # counted with the open question that it completes
            if variable.name not in self.raw:
                continue
            answered = is_answered(variable, frame, self.book)
            asked = self.book.asked(variable.name, frame)
            yield _count(
                "not_answered_when_asked",
                variable,
                int((asked & ~answered).sum()),
                int(asked.sum()),
                f"asked of {self.book.asked_of(variable.name)}",
            )
            if variable.routing is not None:
                yield _count(
                    "answered_against_routing",
                    variable,
                    int((~asked & answered).sum()),
                    int((~asked).sum()),
                    f"asked of {self.book.asked_of(variable.name)}",
                )
            if variable.kind == "open" and f"{variable.name}_code" in frame:
                both = frame[variable.name].notna() & frame[f"{variable.name}_code"].notna()
                note = "text and a code that says there is none"
                texts = int(frame[variable.name].notna().sum())
                yield _count("text_and_code", variable, int(both.sum()), texts, note)


def is_answered(variable: Variable, frame: pd.DataFrame, questionnaire: Questionnaire) -> pd.Series:
    """Who gave any answer, "don't know" and "prefer not to say" included.

    An open question is answered by text or by the code that completes it.
    """
    answered = frame[variable.name].notna()
    if variable.kind == "open":
        for other in questionnaire.variables.values():
            if other.parent == variable.name and other.name in frame:
                answered = answered | frame[other.name].notna()
    return answered


def _straight_lines(
    frame: pd.DataFrame, questionnaire: Questionnaire
) -> Iterator[dict[str, object]]:
    for grid, items in questionnaire.grids().items():
        if len(items) < STRAIGHT_LINE_ITEMS:
            continue
        complete = pd.Series(True, index=frame.index)
        same = pd.Series(True, index=frame.index)
        for item in items:
            in_base = frame[item].isin(questionnaire.variables[item].base_codes)
            complete &= in_base.fillna(False).astype(bool)
            same &= (frame[item] == frame[items[0]]).fillna(False).astype(bool)
        yield {
            "check": "straight_lining",
            "question": grid,
            "item": questionnaire.variables[items[0]].grid_label,
            "count": int((complete & same).sum()),
            "denominator": int(complete.sum()),
            "unit": "respondents",
            "note": f"the same answer to all {len(items)} items, of those who answered them all",
        }


def _count(
    check: str, variable: Variable, count: int, denominator: int, note: str
) -> dict[str, object]:
    unit = "options" if check == "label_differs" else "respondents"
    return {
        "check": check,
        "question": variable.name,
        "item": variable.label,
        "count": count,
        "denominator": denominator,
        "unit": unit,
        "note": note,
    }


def _reported(counts: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(counts, columns=REPORTED_COLUMNS)


def _first(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column, the first of them if its name is there twice (which is refused elsewhere)."""
    column = frame[name]
    return column.iloc[:, 0] if isinstance(column, pd.DataFrame) else column


def _serial(cell: object) -> str | None:
    """A serial as text; None if it cannot be one."""
    if isinstance(cell, (bool, np.bool_, FormulaText)):
        return None
    if isinstance(cell, (float, np.floating)):
        return str(int(cell)) if float(cell).is_integer() else None
    if isinstance(cell, (int, np.integer)):
        return str(int(cell))
    text = str(cell)
    good = isinstance(cell, str) and text and text.isprintable() and " " not in text
    return text if good and _DAMAGED not in text else None


def _code(cell: object, options: Mapping[int, str], by_label: Mapping[str, int]) -> int:
    """Code of a cell, or `_REFUSE`."""
    if isinstance(cell, (bool, np.bool_, FormulaText)):
        return _REFUSE
    code: int | None = None
    if isinstance(cell, (int, np.integer)):
        code = int(cell)
    elif isinstance(cell, (float, np.floating)):
        code = int(cell) if float(cell).is_integer() else None
    elif isinstance(cell, str):
        whole = _WHOLE.fullmatch(cell)
        code = int(whole[1]) if whole and len(cell) < 20 else by_label.get(cell)
    return code if code is not None and code in options else _REFUSE


def _clean(cell: object) -> str | None:
    """Text without blanks around it and with one kind of line end; None if nothing is left."""
    if isinstance(cell, str):
        return cell.replace("\r\n", "\n").replace("\r", "\n").strip() or None
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    return str(cell)


def _tidied(cell: object, text: str | None) -> bool:
    return isinstance(cell, str) and cell != text


def _not_text(cell: object, text: str | None) -> bool:
    return not isinstance(cell, str)


def _has_control(cell: object, text: str | None) -> bool:
    return text is not None and _CONTROL.search(text) is not None


def _same_label(found: str, label: str) -> bool:
    """Whether an SPSS label, which may have been cut, is that of an option."""
    start = found.rstrip("…").rstrip()
    return found == label or (len(start) >= SHORTEST_CUT_LABEL and label.startswith(start))


def _rows_by_cell(
    position: npt.NDArray[np.int64], wanted: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """For each distinct cell among the wanted rows, its number and rows, by first row."""
    rows = np.flatnonzero(wanted)
    if not len(rows):
        return
    order = np.argsort(position[rows], kind="stable")
    ordered = rows[order]
    cells = position[ordered]
    parts = np.split(ordered, np.flatnonzero(np.diff(cells)) + 1)
    for part in sorted(parts, key=lambda part: int(part[0])):
        yield int(position[part[0]]), part


def _ranges(rows: npt.NDArray[np.int64]) -> str:
    """Rows as ``1-3, 7``; after `SHOWN_RANGES` ranges the rest is counted."""
    parts = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    texts = [str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts[:SHOWN_RANGES]]
    rest = sum(len(part) for part in parts[SHOWN_RANGES:])
    return ", ".join(texts) + (f" and {rest} more" if rest else "")


def _allowed(variable: Variable, options: Mapping[int, str]) -> str:
    codes = _ranges(np.array(sorted(options), dtype=np.int64))
    first = next(iter(options.values()))
    table = " of the force table" if variable.name == FORCE_VARIABLE else ""
    return f"a code{table} ({codes}) or exactly the text of an option, like {shown(first)}"


_FORMULA_REMEDY = "replace the formulas by their values"


def _remedy(cell: object, options: Mapping[int, str]) -> str:
    if isinstance(cell, FormulaText):
        return _FORMULA_REMEDY
    if isinstance(cell, (datetime.date, datetime.time)):
        return "Excel made a date of it; restore the code"
    if isinstance(cell, (float, np.floating)):
        return "codes are whole numbers; correct the cell"
    if isinstance(cell, str):
        tidy = " ".join(cell.split())
        for label in options.values():
            if tidy.casefold() == label.casefold():
                return f"write it exactly as {shown(label)}"
        if tidy != cell and _WHOLE.fullmatch(tidy):
            return "remove the blanks around the code"
    return "correct the cell, or leave it empty if the question was not answered"
