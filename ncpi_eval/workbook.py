"""All tables of the report and the data of its figures as one accessible workbook.

Made with gptables after the Government Analysis Function's guidance "Releasing statistics in
spreadsheets": a cover, a list of contents, one sheet of notes, and one table a sheet that starts in
column A, with headers, without merged or empty cells, and with words for each mark. Every text is
written as text, so that nothing in it can run.
"""

from __future__ import annotations

import copy
import csv
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ncpi_eval import disclosure, render, results, tables

# Excel's limits; longer texts are cut and say so.
LONGEST_SHEET_NAME = 31
LONGEST_TEXT = 32_000
WIDEST = 60
# What a column of the files is called where the table on the page has no header for it.
HEADERS: Mapping[str, str] = {
    "id": "Row",
    "item": "Question",
    "question": "Variable",
    "response": "Response codes",
    "label": "Answer",
    "subgroup_variable": "Grouped by",
    "subgroup": "Group",
    "denominator": "Base",
    "estimate": "Estimate (a share is from 0 to 1)",
    "ci_low": "95% interval, lower end",
    "ci_high": "95% interval, upper end",
    "ci_low_clustered": "95% interval allowing for forces, lower end",
    "ci_high_clustered": "95% interval allowing for forces, upper end",
    "difference_low": "95% interval of the difference, lower end",
    "difference_high": "95% interval of the difference, upper end",
    "difference_low_clustered": "95% interval of the difference allowing for forces, lower end",
    "difference_high_clustered": "95% interval of the difference allowing for forces, upper end",
    "p_value": "p-value",
    "p_value_clustered": "p-value allowing for forces",
    "p_value_ordinal": "p-value of the ordinal test",
    "p_value_cr2": "p-value of the regression (CR2)",
    "p_adjusted": "p-value adjusted for many tests",
    "p_low": "Smallest p-value that rounding allows",
    "p_high": "Largest p-value that rounding allows",
    "std_error": "Standard error",
    "df": "Degrees of freedom",
    "df1": "Degrees of freedom, first",
    "df2": "Degrees of freedom, second",
    "data_kind": "Kind of data",
    "suppressed": "Withheld",
}
NOTES_SHEET = "Notes"
FLAGS = ("suppressed", "flag")
_TAKEN = frozenset({"cover", "contents", NOTES_SHEET.casefold(), "history"})
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def write(path: Path, title: str, shown: Sequence[Mapping[str, Any]], tree: Path) -> None:
    """Write the workbook.

    Parameters
    ----------
    path : Path
        Of the file, replaced if there.
    title : str
        Of the report.
    shown : sequence of mapping
        What `render.shown_in` gives of each page, with ``title`` for the page's title; entries that
        are neither table nor figure are passed over.
    tree : Path
        Folder with ``tables`` and ``figures``, whose files the sheets hold row by row.

    Notes
    -----
    The same arguments give the same bytes: its time of creation is ``SOURCE_DATE_EPOCH``, or 1970.
    A number that was withheld shows its mark, ``[c]`` or ``[low]``; any other empty cell ``[z]``.
    """
    import gptables  # late: only this needs it, and it takes a fifth of a second

    entries = [entry for entry in shown if entry.get("kind") in ("table", "figure")]
    sheets = {NOTES_SHEET: _notes_sheet()}
    for entry in entries:
        sheets[sheet_name(entry, sheets)] = _sheet(entry, tree, len(sheets))
    cover = gptables.Cover(
        title=_inert(title), intro=_intro(entries), about=_about(entries), width=100
    )
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no sheet of numbered notes
        book = gptables.produce_workbook(
            str(path),
            sheets,
            theme=_theme(),
            cover=cover,
            contentsheet_options={"title": "Contents", "additional_elements": ["scope"]},
            auto_width=False,
            workbook_options=options,
        )
    book.set_properties({"title": _inert(title), "created": _created()})
    for sheet in book.worksheets():
        for place, width in enumerate(_widths(sheets.get(sheet.name), sheet.name)):
            sheet.set_column(place, place, width)
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    book.close()


def _theme() -> Any:
    """The Analysis Function's own, but with long texts wrapped in their cells."""
    import gptables

    theme = copy.deepcopy(gptables.gptheme)
    theme.update_data_format({"text_wrap": True})
    return theme


def sheet_name(entry: Mapping[str, Any], taken: Mapping[str, Any]) -> str:
    """A name that Excel allows and that no other sheet has: the output's own, cut if need be."""
    start = "figure " if entry["kind"] == "figure" else ""
    base = re.sub(r"[\[\]:*?/\\']", "-", f"{start}{entry['name']}")[:LONGEST_SHEET_NAME]
    used = {name.casefold() for name in taken} | _TAKEN
    name, number = base, 2
    while name.casefold() in used:
        end = f" {number}"
        name, number = f"{base[: LONGEST_SHEET_NAME - len(end)]}{end}", number + 1
    return name


def _widths(sheet: Any, name: str) -> list[float]:
    """Widths in characters: a column's longest text, within bounds; longer ones are wrapped."""
    if sheet is None:
        return [30, WIDEST] if name == "Contents" else []
    return [
        min(
            max([WIDEST / 4, *(len(str(text)) + 2 for text in [header, *sheet.table[header]])]),
            WIDEST,
        )
        for header in sheet.table
    ]


def _created() -> datetime:
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


# What the sheets hold


def _intro(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [tables.SYNTHETIC] if _is_synthetic(entries) else []
    number = sum(entry["kind"] == "table" for entry in entries)
    return [
        *lines,
        f"{number} tables and the data of {len(entries) - number} figures, as the report shows "
        "them. Each sheet after the notes has one table, with every row and column of its file.",
    ]


def _about(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    kinds = sorted({kind for entry in entries for kind in entry.get("data_kind", [])})
    words = [f"{render.in_words(kind)}: {render.KINDS[kind]}" for kind in kinds]
    return [
        "Kinds of data in this workbook: " + ("; ".join(words) or "none") + ".",
        "Shares are numbers from 0 to 1, with every digit that the results have; the pages round.",
        f"Marks such as {disclosure.CONFIDENTIAL} are explained in the sheet {NOTES_SHEET}.",
        "The first column of a table names the row of the results that a number is from.",
    ]


def _is_synthetic(entries: Sequence[Mapping[str, Any]]) -> bool:
    return any("synthetic" in entry.get("data_kind", []) for entry in entries)


def _notes_sheet() -> Any:
    from gptables import GPTable

    meanings = {mark: f"{text}." for mark, text in disclosure.MEANING.items()}
    for column, text in tables.MEANINGS.items():
        if column in HEADERS:
            meanings[HEADERS[column]] = f"{text}."
    rows = [(key, text[:1].upper() + text[1:]) for key, text in meanings.items()]
    return GPTable(
        table=pd.DataFrame(rows, columns=["Mark or column", "Meaning"]),
        table_name="notes_table",
        title="Notes: marks and columns",
        instructions="This sheet contains one table.",
        scope="Holds for all sheets",
        index_columns={},
    )


def _sheet(entry: Mapping[str, Any], tree: Path, number: int) -> Any:
    from gptables import GPTable

    file = f"{entry['kind']}s/{entry['name']}.csv"
    filled = _filled(tree / file)
    same = {column: cells[0] for column, cells in filled.items() if _repeats(column, cells)}
    headers = _headers(list(filled), entry.get("columns", {}))
    words = [f"In every row: {headers[c]}: {value}" for c, value in same.items() if value != "[z]"]
    instructions = "This sheet contains one table."
    if words:
        instructions += " What is the same in every row stands above it."
    kept = {headers[column]: cells for column, cells in filled.items() if column not in same}
    table = pd.DataFrame(kept, dtype=object)
    synthetic = "synthetic" in entry.get("data_kind", [])
    return GPTable(
        table=table,
        table_name=f"{entry['kind']}_{number}",
        title=_inert(entry["caption"]),
        subtitles=[tables.SYNTHETIC] if synthetic else [],
        instructions=instructions,
        legend=[_inert(text) for text in [*words, *entry.get("notes", []), *_marks(filled)]],
        source=_inert(f"Source: {entry.get('source', 'not given')}"),
        scope=_inert(f"{entry['kind'].capitalize()} of the page “{entry['title']}”, file {file}"),
        index_columns={},
    )


def _repeats(column: str, cells: Sequence[Any]) -> bool:
    return column != "id" and len(cells) > 1 and len(set(cells)) == 1


def _marks(filled: Mapping[str, Sequence[Any]]) -> list[str]:
    mark = disclosure.NOT_APPLICABLE
    found = any(mark in cells for cells in filled.values())
    return [f"{mark} {disclosure.MEANING[mark]}."] if found else []


def _headers(columns: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Header of each column; a column whose header another has keeps its name beside it."""
    headers: dict[str, str] = {}
    used: set[str] = set()
    for column in columns:
        text = _inert(given.get(column) or HEADERS.get(column) or render.in_words(column))
        if text.casefold() in used:
            text = f"{text} ({column})"
        used.add(text.casefold())
        headers[column] = text
    return headers


def _filled(path: Path) -> dict[str, list[Any]]:
    """A file's columns, their cells as numbers and inert texts, and a mark where one is empty.

    Read as plain texts: pandas takes as long for a small file as for a large one, many times over.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        columns, *rows = csv.reader(handle)
    places = {name: place for place, name in enumerate(columns)}
    blanks = [_blank({name: row[places[name]] for name in FLAGS if name in places}) for row in rows]
    return {
        name: _cells(name, [row[place] for row in rows], blanks) for name, place in places.items()
    }


def _blank(flags: Mapping[str, str]) -> str:
    """What stands in an empty cell of numbers."""
    suppressed = flags.get("suppressed") == "True"
    found = disclosure.mark({"suppressed": suppressed, "flag": flags.get("flag", "")})
    return found or disclosure.NOT_APPLICABLE


def _cells(name: str, texts: Sequence[str], blanks: Sequence[str]) -> list[Any]:
    if name in results.TEXT or not all(map(_NUMBER.fullmatch, filter(str.strip, texts))):
        return [_inert(text) if text.strip() else disclosure.NOT_APPLICABLE for text in texts]
    return [
        (float(text) if re.search(r"[.eE]", text) else int(text)) if text.strip() else blank
        for text, blank in zip(texts, blanks, strict=True)
    ]


def _inert(text: Any) -> str:
    """A text that neither Excel nor gptables takes for more: no note, no link, no control."""
    plain = _CONTROL.sub("\ufffd", str(text)).replace("](", "] (")
    plain = re.sub(r"\$(?=\$)", "$ ", plain).strip()
    if not re.search(r"[a-zA-Z0-9]", plain):
        plain = f"text: {plain}"  # gptables refuses a cell of symbols alone
    if len(plain) > LONGEST_TEXT:
        plain = f"{plain[:LONGEST_TEXT]} … (cut; the file has all of it)"
    return plain
