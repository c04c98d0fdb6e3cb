"""One way to show a table.

Every table has a caption, a source, headers that a screen reader can follow, the meaning of its
marks, a CSV to download, and a link from each number to its row. What is shown has passed
`disclosure.release`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from ncpi_eval import disclosure, paths, prose, results
from ncpi_eval.errors import InputError, Problem

SYNTHETIC = "Synthetic data: invented, not collected from anybody."

# Shown when `columns` names none: what identifies a row and what it says.
_USUAL = ("item", "label", "response", "subgroup", "percent", "interval", "base")
_HEADERS: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "response": "Response codes",
    "subgroup": "Group",
    "percent": "Per cent",
    "interval": "95% interval",
    "base": "Base",
    "denominator": "Base",
    "count": "Count",
}
_COMPUTED = frozenset(
    {
        "percent",
        "interval",
        "base",
        "difference_interval",
        "interval_clustered",
        "difference_interval_clustered",
    }
)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_used: dict[str, set[str]] = {}


def show(
    frame: pd.DataFrame,
    *,
    name: str,
    caption: str | prose.Shown,
    source: str,
    columns: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    note: str | prose.Shown | None = None,
    across: str | None = None,
    cell: Sequence[str] = ("percent",),
    empty: str | None = None,
) -> prose.Shown:
    """An accessible table of released rows, and ``outputs/tables/<name>.csv`` with the same rows.

    Parameters
    ----------
    frame : DataFrame
        Has ``unit`` and ``data_kind``; with ``id`` each row can be linked to.
    name : str
        Of the file and the anchor; lower-case letters, digits, ``_`` and ``-``; once in a build.
    caption : str or Shown
        What the table shows, in a sentence or less.
    source : str
        Where its data is from.
    columns : mapping, optional
        Column to header, in the order of the table; the first is the row's header. Besides columns
        of the frame: ``percent``, ``interval``, ``base``, ``difference_interval`` (see
        `results.shown`). A proportion in ``estimate`` is shown as a percentage.
    names : mapping, optional
        Value to what it is called, for text cells and for the headers that `across` makes; its
        order is the order of those columns. The file keeps the values.
    note : str or Shown, optional
        A sentence below the table.
    across : str, optional
        A column whose values become columns; `columns` then names what tells the rows apart, and
        may name these values too. The file keeps one row per number.
    cell : sequence of str
        With `across`: the fields of each cell; the second and later ones are in brackets.
    empty : str, optional
        The sentence to show instead where there are no rows; without it, that is refused.

    Raises
    ------
    InputError
        Without caption or source, for an unknown column, for a name that was used in this build,
        or for a table that cannot be released.

    Examples
    --------
    >>> tables.show(rows, name="aims", caption="Who knows the aims", source="Survey of 2019",
    ...             columns={"item": "Aim"}, across="subgroup", cell=("percent", "base"),
    ...             names={"inspected": "Inspected", "uninspected": "Not yet"})  # doctest: +SKIP
    """
    refuse_name("tables", name)
    caption_text = said("caption", caption)
    said("source", source)
    if frame.empty:
        return _nothing(empty, caption_text)
    released = disclosure.release(frame)
    released.attrs = dict(frame.attrs)
    content = results.csv_text(results.ordered(released))
    results.write_if_changed(paths.outputs_write("tables", f"{name}.csv"), content.encode("utf-8"))
    kinds = list(results.data_kinds(released))
    table = html_table(released, columns, caption_text, across, cell, names)
    html = "\n".join(
        [
            f'<figure class="table" id="table-{name}">',
            scrolling(table, caption_text),
            footnotes(
                kinds,
                source,
                notes_for(released, [*(columns or ()), *(cell if across else ())], note),
                [(f"../tables/{name}.csv", f"Download {name}.csv")],
            ),
            "</figure>",
        ]
    )
    metadata = {"kind": "table", "name": name, "caption": caption_text, "data_kind": kinds}
    return prose.Shown(html, f"Table: {caption_text}", metadata)


def _nothing(sentence: str | None, caption: str) -> prose.Shown:
    if not sentence:
        raise InputError(
            "This table has no rows.",
            [Problem(caption, "no rows", "rows", "Select others, or say what it means: empty=…")],
        )
    return prose.Shown(f"<p>{escape(sentence)}</p>", sentence, {"kind": "prose", "data_kind": []})


def html_table(
    released: pd.DataFrame,
    columns: Mapping[str, str] | None,
    caption: str,
    across: str | None = None,
    cell: Sequence[str] = ("percent",),
    names: Mapping[str, str] | None = None,
) -> str:
    """The table element of released rows; parameters as in `show`."""
    if across is None:
        header, body = _long(released, columns, names or {})
    else:
        header, body = _wide(released, columns, across, cell, names or {})
    return f"<table>\n<caption>{escape(caption)}</caption>\n{header}\n{body}\n</table>"


def scrolling(table: str, label: str) -> str:
    """A table in a region of its own that scrolls sideways, also by keyboard."""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">\n'
        f"{table}\n</div>"
    )


def plain_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], caption: str
) -> str:
    """A table from cells that are HTML already; the first column is the row's header."""
    head = "".join(
        f'<th scope="col"{_aligned(is_number)}>{escape(text)}</th>'
        for text, is_number in zip(headers, numeric, strict=True)
    )
    lines = [f"<tr>{head}</tr>"]
    body = [
        "<tr>"
        + "".join(
            f'<th scope="row">{value}</th>'
            if not place
            else f"<td{_aligned(is_number)}>{value}</td>"
            for place, (value, is_number) in enumerate(zip(row, numeric, strict=True))
        )
        + "</tr>"
        for row in rows
    ]
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead>{''.join(lines)}</thead>\n<tbody>\n"
        + "\n".join(body)
        + "\n</tbody>\n</table>"
    )


def footnotes(
    kinds: Sequence[str],
    source: str,
    notes: Sequence[str],
    downloads: Sequence[tuple[str, str]],
) -> str:
    """What stands below a table or figure: where its data is from, notes and files."""
    lines = []
    if "synthetic" in kinds:
        lines.append(f'<p class="synthetic">{escape(SYNTHETIC)}</p>')
    lines += [f"<p>{escape(text)}</p>" for text in notes]
    links = ", ".join(f'<a href="{escape(href)}">{escape(text)}</a>' for href, text in downloads)
    lines.append(f"<p>Source: {escape(_full_stop(source))} {links}</p>")
    return "<figcaption>\n" + "\n".join(lines) + "\n</figcaption>"


def refuse_name(folder: str, name: str) -> None:
    """Refuse a name that is no file name, or that this build already gave to another output."""
    problem = None
    if not _NAME.fullmatch(name):
        problem = Problem(
            "name", repr(name), "lower-case letters, digits, _ and -", "Choose a simpler name."
        )
    elif "NCPI_EVAL_WRITE" in os.environ and name in _used.setdefault(folder, set()):
        problem = Problem(
            "name", f"{name!r} twice", "each name once in a report", "Give one another name."
        )
    if problem:
        raise InputError(f"This output of {folder} cannot have this name.", [problem])
    _used.setdefault(folder, set()).add(name)


def said(what: str, text: str | prose.Shown) -> str:
    """A caption or source as text; refused when empty or with a percentage typed into it."""
    plain = str(text).strip()
    if not plain:
        raise InputError(
            f"Nothing is shown without a {what}.",
            [Problem(what, "nothing", "a sentence", f"Write the {what}.")],
        )
    if not isinstance(text, prose.Shown):
        prose.refuse_literals(plain, published=("95%", "95 per cent"))
    return plain


def headers_for(frame: pd.DataFrame, columns: Mapping[str, str] | None) -> dict[str, str]:
    """Columns to show and their headers; the usual ones when none are named."""
    if columns is None:
        present = set(frame.columns)
        if {"count", "denominator"} <= present:
            present |= {"percent", "base"} | ({"interval"} if "ci_low" in present else set())
        chosen = [column for column in _USUAL if column in present and _varies(frame, column)]
        return {column: _HEADERS[column] for column in chosen}
    unknown = [c for c in columns if c not in frame and c not in _COMPUTED]
    empty = [c for c, header in columns.items() if not str(header).strip()]
    if unknown or empty or not columns:
        raise InputError(
            "These columns cannot be shown.",
            [
                *(
                    Problem("columns", c, "a column of the frame", "Correct the name.")
                    for c in unknown
                ),
                *(Problem("columns", f"no header for {c}", "a header", "Name it.") for c in empty),
            ],
        )
    return dict(columns)


def cell_text(row: Mapping[str, Any] | pd.Series, column: str) -> str:
    """A value as a cell shows it; what does not apply is ``[z]``, an empty text stays empty."""
    text = results.shown(row, column)
    if text or column in results.TEXT:
        return text
    return "" if isinstance(row.get(column), str) else disclosure.NOT_APPLICABLE


def notes_for(
    frame: pd.DataFrame, shown: Sequence[str], note: str | prose.Shown | None
) -> list[str]:
    """Sentences below a table or figure: the author's, the base unless it is shown, the marks."""
    lines = [_full_stop(str(note).strip())] if note else []
    if "denominator" in frame and shown and not {"base", "denominator"} & set(shown):
        bases = frame["denominator"].dropna().astype(float)
        units = sorted(frame["unit"].astype(str).unique())
        if len(bases):
            low, high = results.plain(bases.min()), results.plain(bases.max())
            lines.append(f"Base: {low if low == high else f'{low} to {high}'} {', '.join(units)}.")
    return [*lines, *disclosure.notes(frame)]


def is_number(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column is aligned to the right."""
    if column in _COMPUTED:
        return True
    values = frame[column]
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _varies(frame: pd.DataFrame, column: str) -> bool:
    return column not in frame or frame[column].nunique(dropna=False) > 1


def _aligned(right: bool) -> str:
    return ' class="number"' if right else ""


def _full_stop(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."


def _long(
    frame: pd.DataFrame, columns: Mapping[str, str] | None, names: Mapping[str, str]
) -> tuple[str, str]:
    headers = headers_for(frame, columns)
    right = {column: is_number(frame, column) for column in headers}
    first_number = next((column for column in list(headers)[1:] if right[column]), None)
    head = "".join(
        f'<th scope="col"{_aligned(right[column])}>{escape(header)}</th>'
        for column, header in headers.items()
    )
    lines = []
    for record in frame.to_dict("records"):
        row = pd.Series(record, dtype=object)
        row.attrs = dict(frame.attrs)
        cells = []
        for place, column in enumerate(headers):
            text = cell_text(row, column)
            text = text if right[column] else names.get(text, text)
            value = prose.link(row, text) if column == first_number else escape(text)
            if not place:
                cells.append(f'<th scope="row"{_aligned(right[column])}>{value or "[z]"}</th>')
            else:
                cells.append(f"<td{_aligned(right[column])}>{value}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<thead><tr>{head}</tr></thead>", "<tbody>\n" + "\n".join(lines) + "\n</tbody>"


def _wide(
    frame: pd.DataFrame,
    columns: Mapping[str, str] | None,
    across: str,
    cell: Sequence[str],
    names: Mapping[str, str],
) -> tuple[str, str]:
    given = {**(columns or {"item": _HEADERS["item"]})}
    if across not in frame:
        raise InputError(
            "This table cannot be spread out.",
            [Problem("across", across, "a column of the frame", "Correct the name.")],
        )
    values = [str(v) for v in frame[across].drop_duplicates()]
    keys = [c for c in given if c not in values]
    headers_for(frame, {c: given[c] for c in keys})
    given |= {value: text for value, text in names.items() if value not in given}
    values = [v for v in given if v in values] + [v for v in values if v not in given]
    head = "".join(f'<th scope="col">{escape(given[key])}</th>' for key in keys) + "".join(
        f'<th scope="col" class="number">{escape(str(given.get(value, value)))}</th>'
        for value in values
    )
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for record in frame.to_dict("records"):
        row = pd.Series(record, dtype=object)
        row.attrs = dict(frame.attrs)
        texts = [cell_text(row, key) for key in keys]
        place = lines.setdefault(tuple(names.get(text, text) for text in texts), {})
        value = str(record[across])
        if value in place:
            raise InputError(
                "This table cannot be spread out.",
                [
                    Problem(
                        f"{across} {value!r}",
                        f"two rows for {' / '.join(cell_text(row, key) for key in keys)}",
                        "one row per cell",
                        "Name the column that tells them apart, or leave one of them out.",
                    )
                ],
            )
        place[value] = _cell(row, cell)
    body = []
    for key, place in lines.items():
        cells = [
            f'<th scope="row">{escape(text)}</th>' if not number else f"<td>{escape(text)}</td>"
            for number, text in enumerate(key)
        ]
        cells += [
            f'<td class="number">{place.get(value, disclosure.NOT_APPLICABLE)}</td>'
            for value in values
        ]
        body.append(f"<tr>{''.join(cells)}</tr>")
    return f"<thead><tr>{head}</tr></thead>", "<tbody>\n" + "\n".join(body) + "\n</tbody>"


def _cell(row: pd.Series, fields: Sequence[str]) -> str:
    first, *others = (cell_text(row, field) for field in fields)
    shown = prose.link(row, first)
    rest = [text for text in others if text != first]
    return shown + (f" ({escape(', '.join(rest))})" if rest else "")
