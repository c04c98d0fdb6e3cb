"""Read and write SPSS, CSV, Excel and Parquet tables without changing what is in the cells.

One reader for four kinds of file, so that the same survey gives the same frame whatever it was
saved as. Nothing is guessed: a file that is not what its suffix says, a damaged encoding, a ragged
row or an Excel formula is refused, and every place is listed. What the cells mean is decided by
validation against the questionnaire, not here.
"""

from __future__ import annotations

import codecs
import csv
import datetime
import io
import re
import tempfile
import unicodedata
import zipfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval.errors import InputError, Problem

SUFFIXES = (".sav", ".csv", ".xlsx", ".parquet")
#: SPSS cuts longer texts without a word (bytes of UTF-8), so the writer refuses or shortens them.
SPSS_TEXT_BYTES = 32767
SPSS_VALUE_LABEL_BYTES = 120
SPSS_VARIABLE_LABEL_BYTES = 256
#: Excel's own limit for the text of one cell (characters).
EXCEL_TEXT_LENGTH = 32767
#: How much of a hostile or endless cell an error message repeats (characters).
SHOWN_LENGTH = 60

_NAMES = {
    ".sav": "an SPSS file",
    ".csv": "text in CSV",
    ".xlsx": "an Excel workbook",
    ".parquet": "a Parquet file",
}
_ROWS_AT_ONCE = 10_000
#: More NUL characters than this share, and a file is no damaged text but another kind of file.
_NUL_IN_TEXT = 0.1
_UNSAFE_IN_EXCEL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Table:
    """A table as it stands in a file.

    Parameters
    ----------
    frame : DataFrame
        Cells as found: text or numbers; missing where a cell is empty. Empty text does not exist.
    labels : dict of str to str
        Labels of columns (SPSS only).
    value_labels : dict
        Column to code to label (SPSS only).
    missing_ranges : dict
        Column to a list of ``{"lo": code, "hi": code}``, both inclusive: SPSS user-missing codes.
        The codes themselves stay in the frame.
    notes : tuple of str
        What a reader should know, such as which sheet was read.
    """

    frame: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    missing_ranges: Mapping[str, list[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Damaged(InputError):
    """A table of which a part can be read.

    Parameters
    ----------
    frame : DataFrame
        The rows and columns that are whole, so that a reader can say at once what else is wrong in
        them; the index counts the rows of the file from 0. Never to be used as data.
    """

    def __init__(self, message: str, problems: Iterable[Problem], frame: pd.DataFrame) -> None:
        super().__init__(message, problems)
        self.frame = frame


class FormulaText(str):
    """Text of an Excel formula; its value is not in the file in a form that can be trusted."""


def shown(value: object) -> str:
    """A cell for an error message: quoted, cut after `SHOWN_LENGTH` characters, and inert.

    Line ends, control characters, undecodable bytes and characters that turn or hide text are
    written as escapes.
    """
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "nothing"
    text = value if isinstance(value, str) else str(value)
    cut = text[:SHOWN_LENGTH]
    safe = "".join(_escaped(character) for character in cut)
    tail = f"… ({len(text)} characters)" if len(text) > SHOWN_LENGTH else ""
    return f"'{safe}'{tail}" if isinstance(value, str) else f"{safe}{tail}"


def _escaped(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:
        return f"<byte {ord(character) - 0xDC00:02x}>"
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def read_table(path: str | Path, sheet: str | None = None) -> Table:
    """Read a .sav, .csv, .xlsx or .parquet file.

    Parameters
    ----------
    path : path
        The suffix says what the file is; the first bytes must agree. CSV is UTF-8, with or without
        a byte order mark, separated by commas.
    sheet : str, optional
        Sheet of an Excel workbook; the default is the first.

    Returns
    -------
    Table
        At least one row; column names unique and not blank.

    Raises
    ------
    InputError
        If the file is missing, empty, not what its name says, damaged, or has no rows; with a
        Problem for every place where cells cannot be read; `Damaged` if the others can be.
    """
    source = Path(path)
    suffix = source.suffix.lower()
    if suffix not in SUFFIXES:
        raise _refusal(
            source, f"the suffix {suffix!r}", ", ".join(SUFFIXES), "save it as one of these"
        )
    _check_content(source, suffix)
    if sheet is not None and suffix != ".xlsx":
        raise _refusal(source, f"a sheet {sheet!r} asked for", "no sheet", "only .xlsx has sheets")
    if suffix == ".csv":
        table = _read_csv(source)
    elif suffix == ".xlsx":
        table = _read_xlsx(source, sheet)
    elif suffix == ".sav":
        table = _read_sav(source)
    else:
        table = _read_parquet(source)
    if table.frame.empty:
        raise _refusal(source, "a header and no rows", "one row per respondent", "give the data")
    return table


def write_table(table: Table | pd.DataFrame, path: str | Path) -> Path:
    """Write a .sav, .csv, .xlsx or .parquet file that reads back as it was.

    Parameters
    ----------
    table : Table or DataFrame
        Labels and missing ranges are written to .sav only.

    Raises
    ------
    InputError
        With every cell and label that the format cannot hold: empty text (it would read back as
        missing), blanks at the end of text and texts of more than 32,767 bytes in .sav, control
        characters in .xlsx. Nothing is then written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise _refusal(target, f"the suffix {suffix!r}", ", ".join(SUFFIXES), "use one of these")
    whole = table if isinstance(table, Table) else Table(table)
    problems = list(_unwritable(whole, suffix))
    if problems:
        raise InputError(f"{target.name} cannot be written without loss.", problems)
    if suffix == ".csv":
        whole.frame.to_csv(target, index=False, encoding="utf-8", lineterminator="\n")
    elif suffix == ".xlsx":
        _write_xlsx(whole.frame, target)
    elif suffix == ".sav":
        _write_sav(whole, target)
    else:
        _write_parquet(whole.frame, target)
    return target


def spss_value_label(text: str) -> str:
    """A value label that SPSS can hold: at most 120 bytes, ending in … where it was cut."""
    if len(text.encode()) <= SPSS_VALUE_LABEL_BYTES:
        return text
    room = SPSS_VALUE_LABEL_BYTES - len("…".encode())
    return text.encode()[:room].decode("utf-8", "ignore").rstrip() + "…"


def _refusal(path: Path, found: str, expected: str, remedy: str) -> InputError:
    problem = Problem(path.name, found, expected, remedy)
    return InputError(f"{path.name} cannot be read as it is.", [problem])


def _check_content(path: Path, suffix: str) -> None:
    if path.is_dir():
        raise _refusal(path, "a folder", "a file", "name the file in it")
    try:
        with path.open("rb") as stream:
            head = stream.read(65536)
    except FileNotFoundError:
        raise _refusal(path, "no such file", "a file", "check the path") from None
    except OSError as error:
        raise _refusal(path, str(error.strerror), "a file", "check that it may be read") from None
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise _refusal(path, "an empty file", _NAMES[suffix], "export the data again")
    found = _content(path, head)
    if found != _NAMES[suffix]:
        remedy = f"export it again as {_NAMES[suffix]}"
        right = [s for s, name in _NAMES.items() if name == found and s != ".csv"]
        if right:
            remedy = f"give it the suffix {right[0]} or {remedy}"
        raise _refusal(path, found, _NAMES[suffix], remedy)


def _content(path: Path, head: bytes) -> str:
    """What a file is, by its first bytes."""
    if head.startswith((b"$FL2", b"$FL3")):
        return _NAMES[".sav"]
    if head.startswith(b"PAR1"):
        return _NAMES[".parquet"]
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "an old Excel workbook (.xls) or one with a password"
    if head.startswith(b"PK"):
        return _zip_content(path)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text in UTF-16"
    if b"\x00" in head and not _is_text_with_nul(head):
        return "a binary file of another kind"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page or XML"
    return _NAMES[".csv"]


def _is_text_with_nul(head: bytes) -> bool:
    """Whether the start of a file is UTF-8, which may be cut within a character, with a few NUL."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return head.count(b"\x00") <= len(head) * _NUL_IN_TEXT


def _zip_content(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile:
        return "a damaged zip file or workbook"
    if "xl/workbook.xml" in names:
        return _NAMES[".xlsx"]
    if "xl/workbook.bin" in names:
        return "a binary Excel workbook (.xlsb)"
    if "content.xml" in names:
        return "an OpenDocument file"
    return "a zip file"


class _Interned(dict[str, int]):
    """Number of each distinct cell, in order of appearance."""

    def __missing__(self, cell: str) -> int:
        self[cell] = number = len(self)
        return number


def _read_csv(path: Path) -> Table:
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    text = data.decode("utf-8", "surrogateescape")
    problems = [] if _is_utf8(data) and "\0" not in text else list(_byte_problems(path, text))
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    portions = _portions(path, rows, problems)
    start = next(portions, [])
    header = start.pop(0) if start else []
    if not header and not problems:
        raise _refusal(path, "a blank first line", "the names of the columns", "add the header")
    if separator := _other_separator(header):
        raise _refusal(path, f"columns separated by {separator}", "commas", "export it with commas")
    problems += _header_problems(path, header)
    columns = [_Interned() for _ in header]
    numbers = [array("i") for _ in header]
    places = array("q")
    first = 0
    for portion in chain([start], portions):
        ragged = _ragged(path, portion, first, len(header))
        problems += ragged
        good = list(range(len(portion)))
        if ragged:
            good = [number for number in good if len(portion[number]) == len(header)]
        places.extend(first + number for number in good)
        rows_of_one_length = (portion[number] for number in good)
        cells_by_column = zip(*rows_of_one_length, strict=True)
        for interned, codes, cells in zip(columns, numbers, cells_by_column, strict=False):
            codes.extend(map(interned.__getitem__, cells))
        first += len(portion)
    cells_of: dict[str, pd.Categorical] = {}
    for name, interned, codes in zip(header, columns, numbers, strict=True):
        if name.strip() and name not in cells_of:  # the others have been told
            cells_of[name] = _categorical(interned, codes)
    if problems:
        frame = pd.DataFrame(cells_of, index=list(places))
        raise Damaged(f"{path.name} cannot be read as it is.", problems, frame)
    return Table(pd.DataFrame(cells_of))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _portions(path: Path, rows: Any, problems: list[Problem]) -> Iterator[list[list[str]]]:
    """Rows of a CSV reader, many at once; an error ends them and is added to the problems."""
    portion: list[list[str]] = []
    try:
        for row in rows:
            portion.append(row)
            if len(portion) == _ROWS_AT_ONCE:
                yield portion
                portion = []
    except csv.Error as error:
        expected = "CSV with every quoted text closed"
        place = f"{path.name}, line {rows.line_num}"
        problems.append(Problem(place, str(error), expected, "export it again or mend the quotes"))
    if portion:
        yield portion


def _categorical(interned: _Interned, codes: array[int]) -> pd.Categorical:
    """Cells of a column; the empty cell is missing."""
    position = np.frombuffer(codes, dtype=np.dtype("i")).copy() if codes else np.array([], "i")
    empty = interned.get("")
    cells = [cell for cell in interned if cell != ""]
    if empty is not None:
        position = np.where(position == empty, -1, position - (position > empty))
    return pd.Categorical.from_codes(position, categories=pd.Index(cells, dtype=object))


def _byte_problems(path: Path, text: str) -> Iterator[Problem]:
    """Every cell that is not UTF-8 or holds NUL, from text decoded with its broken bytes kept."""
    rows = csv.reader(io.StringIO(text, newline=""))
    header: list[str] = []
    for number, row in enumerate(_rows_until_error(rows)):
        header = header or row
        where = f"row {number}" if number else "header"
        for position, cell in enumerate(row):
            column = header[position] if position < len(header) else f"number {position + 1}"
            place = f"{path.name}, {where}, column {shown(column)[1:-1]}"
            if any("\udc80" <= character <= "\udcff" for character in cell):
                yield Problem(
                    place,
                    shown(cell),
                    "text in UTF-8",
                    "export the file again as CSV UTF-8; do not join files of two encodings",
                )
            elif "\0" in cell:
                yield Problem(place, shown(cell), "text without NUL", "export the file again")


def _rows_until_error(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error:
        return


def _ragged(path: Path, chunk: Sequence[Sequence[str]], first: int, width: int) -> list[Problem]:
    """Rows of another length than the header; neighbours of one length are one problem."""
    problems = []
    sizes = groupby(enumerate(map(len, chunk), first + 1), key=lambda pair: pair[1])
    for size, rows in sizes:
        if size != width:
            numbers = [number for number, _ in rows]
            place = f"row {numbers[0]}" if len(numbers) == 1 else f"rows {numbers[0]}-{numbers[-1]}"
            problems.append(
                Problem(
                    f"{path.name}, {place}",
                    _cells(size) if size else "a blank line",
                    f"{_cells(width)}, as in the header",
                    "put text that holds commas or line ends in quotes; the header is the first "
                    "line"
                    if size
                    else "remove the blank line",
                )
            )
    return problems


def _cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


def _other_separator(header: Sequence[str]) -> str:
    """What separates the columns if it is not a comma; blank if it is."""
    names = {";": "semicolons", "\t": "tabs", "|": "bars"}
    found = [name for character, name in names.items() if header and character in header[0]]
    return found[0] if len(header) == 1 and found else ""


def _header_problems(path: Path, header: Sequence[str]) -> Iterator[Problem]:
    place = f"{path.name}, header"
    for position, name in enumerate(header, 1):
        if not name.strip():
            found = f"no name for column {position}"
            yield Problem(place, found, "a name", "name the column or remove it")
        elif list(header).index(name) != position - 1:
            found = f"{shown(name)} for columns {list(header).index(name) + 1} and {position}"
            yield Problem(place, found, "each name once", "remove or rename one of the columns")


def _read_xlsx(path: Path, sheet: str | None) -> Table:
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True)
        names = [page.title for page in book.worksheets]
        if sheet is not None and sheet not in names:
            expected = "one of " + ", ".join(map(shown, names))
            raise _refusal(path, f"no sheet {shown(sheet)}", expected, "name one of these")
        page = book[sheet] if sheet is not None else book.worksheets[0]
        # Some programs write a wrong size into the sheet, which would hide cells.
        page.reset_dimensions()
        rows = [[_excel_cell(cell) for cell in row] for row in page.iter_rows()]
        book.close()
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged workbook raises errors of many kinds
        found = f"a damaged workbook ({shown(str(error))})"
        raise _refusal(path, found, _NAMES[".xlsx"], "save it again") from None
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    if not rows:
        raise _refusal(path, "an empty sheet", "a header and rows", "name the sheet with the data")
    width = max(len(row) for row in rows)
    rows = [row + [None] * (width - len(row)) for row in rows]
    while width and all(row[width - 1] is None for row in rows):
        width -= 1
    header = ["" if cell is None else str(cell) for cell in rows[0][:width]]
    problems = list(_header_problems(path, header))
    cells = {
        name: pd.Series([row[header.index(name)] for row in rows[1:]], dtype=object)
        for name in header
        if name.strip()
    }
    if problems:
        raise Damaged(f"{path.name} cannot be read as it is.", problems, pd.DataFrame(cells))
    others = len(names) - 1
    notes = (f"Sheet {page.title!r} was read; {others} others were not.",) if others else ()
    return Table(pd.DataFrame(cells), notes=notes if sheet is None else ())


def _excel_cell(cell: Any) -> object:
    if cell.data_type == "f":
        return FormulaText(cell.value)
    return None if cell.value == "" else cell.value


def _write_xlsx(frame: pd.DataFrame, path: Path) -> None:
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("Sheet1")

    def cell(value: object) -> object:
        if not isinstance(value, str):
            return value
        text = WriteOnlyCell(page, value)
        text.data_type = "s"  # text that starts with = must stay text
        return text

    page.append([cell(str(name)) for name in frame.columns])
    columns = [_python_cells(frame[name]) for name in frame.columns]
    for row in zip(*columns, strict=True):
        page.append([cell(value) for value in row])
    book.save(path)


def _python_cells(column: pd.Series) -> list[object]:
    return [None if pd.isna(value) else value for value in column.astype(object)]


def _read_sav(path: Path) -> Table:
    import pyreadstat

    try:
        frame, meta = pyreadstat.read_sav(
            str(path), user_missing=True, disable_datetime_conversion=True
        )
    except Exception as error:  # noqa: BLE001 - a damaged file raises errors of many kinds
        raise _refusal(
            path,
            f"a damaged SPSS file ({shown(str(error))})",
            "an SPSS file that SPSS can open",
            "save it again from SPSS, in Unicode mode",
        ) from None
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            cells = frame[name].astype(object)
            frame[name] = cells.where(cells.notna() & (cells != ""), None)
    labels = {name: text for name, text in meta.column_names_to_labels.items() if text}
    return Table(frame, labels, meta.variable_value_labels, meta.missing_ranges)


def _write_sav(table: Table, path: Path) -> None:
    import pyreadstat

    frame = table.frame.copy(deep=False)
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = pd.Series(_python_cells(frame[name]), index=frame.index, dtype=object)
    nominal = {name: "nominal" for name in frame.columns if name in table.value_labels}
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels={name: table.labels.get(name, "") for name in frame.columns},
        variable_value_labels={
            name: dict(values) for name, values in table.value_labels.items() if name in frame
        },
        missing_ranges={
            name: list(ranges) for name, ranges in table.missing_ranges.items() if name in frame
        },
        variable_measure=nominal,
    )


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise InputError(
            "Parquet files need the optional package duckdb: install it with "
            "pip install duckdb, or save the file as .csv, .xlsx or .sav."
        ) from None
    return duckdb


def _read_parquet(path: Path) -> Table:
    duckdb = _duckdb()
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        # DuckDB reads [, * and ? in a path as a pattern, so such a file is read by another name.
        source = path
        if re.search(r"[\[\]*?{}]", str(path)):
            source = Path(folder, "table.parquet")
            source.write_bytes(path.read_bytes())
        try:
            columns = connection.execute(
                "SELECT * FROM read_parquet(?)", [str(source)]
            ).fetchnumpy()
        except duckdb.Error as error:
            raise _refusal(
                path,
                f"a damaged Parquet file ({shown(str(error))})",
                _NAMES[".parquet"],
                "write it again",
            ) from None
    frame = pd.DataFrame({name: _from_numpy(cells) for name, cells in columns.items()})
    return Table(frame)


def _from_numpy(cells: Any) -> pd.Series:
    """A column without the detour over floats that would lose large whole numbers."""
    if isinstance(cells, pd.Categorical):
        return pd.Series(cells.astype(object))
    values = np.ma.getdata(cells)
    column = pd.Series(values)
    mask = np.ma.getmaskarray(cells) if isinstance(cells, np.ma.MaskedArray) else column.isna()
    if pd.api.types.is_integer_dtype(column):
        return column.astype("Int64").mask(mask)
    if pd.api.types.is_float_dtype(column):
        return column.mask(mask)
    cells = column.astype(object)
    return cells.where(~np.asarray(mask) & cells.notna() & (cells != ""), None)


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    duckdb = _duckdb()
    plain = frame.copy(deep=False)
    for name in plain.columns:
        if not pd.api.types.is_numeric_dtype(plain[name]):
            cells = _python_cells(plain[name])
            # A column without a single text would otherwise get a type that is not text.
            plain[name] = pd.Series(cells, index=plain.index, dtype="str")
    with duckdb.connect() as connection:
        connection.register("plain", plain)
        target = str(path).replace("'", "''")
        connection.execute(f"COPY (SELECT * FROM plain) TO '{target}' (FORMAT PARQUET)")


def _unwritable(table: Table, suffix: str) -> Iterator[Problem]:
    if suffix == ".sav":
        yield from _unwritable_labels(table)
    for name in table.frame.columns:
        column = table.frame[name]
        if pd.api.types.is_numeric_dtype(column):
            continue
        for row, cell in enumerate(column.astype(object), 1):
            reason = _why_not(cell, suffix)
            if reason:
                place = f"row {row}, column {name}"
                yield Problem(
                    place, shown(cell), reason, "change the text or choose another format"
                )


def _why_not(cell: object, suffix: str) -> str:
    """What a cell would have to be for a format to hold it; blank if it can."""
    if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, (datetime.date, datetime.time)):
        return "text or a number"
    if not isinstance(cell, str):
        return ""
    if cell == "":
        return "missing instead of empty text"
    if "\x00" in cell:
        return "text without the character NUL"
    if suffix == ".sav" and len(cell.encode("utf-8", "replace")) > SPSS_TEXT_BYTES:
        return f"at most {SPSS_TEXT_BYTES} bytes for SPSS"
    if suffix == ".sav" and cell.endswith(" "):
        return "text without blanks at its end, which SPSS drops"
    if suffix == ".xlsx" and (_UNSAFE_IN_EXCEL.search(cell) or "\r" in cell):
        return "text without control characters for Excel"
    if suffix == ".xlsx" and len(cell) > EXCEL_TEXT_LENGTH:
        return f"at most {EXCEL_TEXT_LENGTH} characters for Excel"
    return ""


def _unwritable_labels(table: Table) -> Iterable[Problem]:
    for name, text in table.labels.items():
        if len(text.encode()) > SPSS_VARIABLE_LABEL_BYTES:
            expected = f"at most {SPSS_VARIABLE_LABEL_BYTES} bytes for SPSS"
            yield Problem(f"label of {name}", shown(text), expected, "shorten the label")
    for name, values in table.value_labels.items():
        for code, text in values.items():
            if len(text.encode()) > SPSS_VALUE_LABEL_BYTES:
                expected = f"at most {SPSS_VALUE_LABEL_BYTES} bytes for SPSS"
                place = f"label of {name} code {code}"
                yield Problem(place, shown(text), expected, "shorten the label")
