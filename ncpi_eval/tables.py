"""One way to show a table.

Every table has a caption, a source, headers that a screen reader can follow, the meaning of its
marks, a CSV to download, and a link from each number to its row. What is shown has passed
`disclosure.release`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from ncpi_eval import disclosure, paths, prose, references, results
from ncpi_eval.errors import InputError, Problem

SYNTHETIC = "Synthetic data: invented, not collected from anybody."
SIMULATED = "Simulated: drawn by the computer under the assumptions that are stated; nobody's data."

# Shown when `columns` names none: what identifies a row and what it says.
_USUAL = ("item", "label", "response", "group", "subgroup", "percent", "interval", "base")
# A column of codes that gives way to the words for the same thing.
_IN_WORDS = {"response": "label", "subgroup": "group"}
_HEADERS: Mapping[str, str] = {
    "item": "Question",
    "label": "Answer",
    "response": "Response codes",
    "subgroup": "Group",
    "group": "Group",
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
        "ratio_interval",
    }
)
# What is compared down a column has the same decimals in each row, and not the same digits.
_DECIMALS = {
    **dict.fromkeys(
        ("effect_size", "design_effect", "median", "largest", "precision", "recall"), 2
    ),
    **dict.fromkeys(("icc_cross_low", "icc_cross_high"), 3),
}
# What a reader may not know, said below each table that has such a column.
_FORCES = "colleagues in one force tend to answer alike"
MEANINGS: Mapping[str, str] = {
    "interval": "the shares that the data does not rule out, if the respondents had been drawn at "
    "random and one by one; they chose themselves, so it is the least uncertainty there is",
    "interval_clustered": f"the same interval when {_FORCES}; [z] where too few forces are in it",
    "difference_interval": "the differences that the data does not rule out, in percentage points",
    "difference_interval_clustered": f"the same interval when {_FORCES}",
    "p_value": "how often a difference at least as large would come about by chance, if there were "
    "none and respondents answered independently",
    "p_value_clustered": f"the same when {_FORCES} (Rao-Scott test)",
    "p_adjusted": "the p-value allowing for forces, raised so that among all tests of the survey "
    "called significant at most one in twenty is expected to be a false alarm (Benjamini-Hochberg)",
    "design_effect": "how many times the variance is that of independent respondents",
    "effect_size": "the strength of the association, from 0 for none to 1 for complete",
    "precision": "of the answers that the rules give the theme, the share that people gave it too",
    "recall": "of the answers that people gave the theme, the share that the rules find",
    "icc_cross_low": "the likeness of answers within a force, from 0 for none to 1 for complete, "
    "at which the difference would stop being significant; the range is what rounding allows",
    "published_significant": "whether the report calls the difference significant",
    "expected_by_chance": "tests that would be significant at the 0.05 level if nothing differed",
    "flips": "whether the result of the test would be another at the 0.05 level",
    "unadjusted": "before the mix of respondents is held equal",
}
# A text cell longer than this is read as sentences, not scanned.
WORDS = 80
# The name of a row longer than this gets more width.
NAME = 70
# A cell with links to rows gets more width if the words of one are longer.
ROWS = 45
# Of a text cell longer than this a part is a link.
LINKED = 30
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
    folded: bool = False,
    links: Mapping[str, str | None] | None = None,
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
    folded : bool
        Whether the reader opens the table, as for one of hundreds of rows.
    links : mapping, optional
        Column, not the first, to the column with the `results.reference` to which its text leads;
        None for the row's own place. A column of references that is given itself shows each of
        them as a link in the words of its row, behind what `names` calls rows of its file.
        Without `across`.

    Notes
    -----
    Neighbouring rows with the same first cell stand under one header. A column ``wave`` with a
    single value is left out of the page and kept in the file.

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
    columns = _without_single_wave(released, columns)
    table = html_table(released, columns, caption_text, across, cell, names, links)
    if folded:
        summary = f"Show {len(released)} rows: {caption_text}"
        table = scrolling(table, caption_text)
        table = f"<details>\n<summary>{escape(summary)}</summary>\n{table}\n</details>"
    else:
        table = scrolling(table, caption_text)
    fields = cell if across else ()
    notes = [*_brackets(fields), *notes_for(released, [*(columns or ()), *fields], note)]
    html = "\n".join(
        [
            f'<figure class="table" id="table-{name}">',
            table,
            footnotes(
                kinds,
                source,
                notes,
                [(f"../tables/{name}.csv", f"Download {name}.csv")],
                meanings_of({**{f: _HEADERS.get(f, f) for f in fields}, **(columns or {})}),
            ),
            "</figure>",
        ]
    )
    metadata = {
        "kind": "table",
        "name": name,
        "caption": caption_text,
        "source": source,
        "notes": notes,
        "columns": {c: h for c, h in (columns or {}).items() if c in released},
        "data_kind": kinds,
    }
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
    links: Mapping[str, str | None] | None = None,
) -> str:
    """The table element of released rows; parameters as in `show`."""
    if across is None:
        header, body = _long(released, columns, names or {}, links or {})
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
    meanings: Sequence[tuple[str, str]] = (),
) -> str:
    """What stands below a table or figure: where its data is from, notes and files."""
    lines = []
    if "synthetic" in kinds:
        lines.append(f'<p class="synthetic">{escape(SYNTHETIC)}</p>')
    if results.SIMULATED in kinds:
        lines.append(f"<p>{escape(SIMULATED)}</p>")
    lines += [f"<p>{escape(text)}</p>" for text in notes]
    links = ", ".join(f'<a href="{escape(href)}">{escape(text)}</a>' for href, text in downloads)
    lines.append(f"<p>Source: {escape(_full_stop(source))} {links}</p>")
    if meanings:
        pairs = "".join(f"<dt>{escape(h)}</dt><dd>{escape(t)}</dd>" for h, t in meanings)
        lines.append(
            f"<details><summary>What the columns mean</summary>\n<dl>{pairs}</dl>\n</details>"
        )
    return "<figcaption>\n" + "\n".join(lines) + "\n</figcaption>"


def meanings_of(columns: Mapping[str, str]) -> list[tuple[str, str]]:
    """Header and meaning of the columns that not every reader knows."""
    return [(header, MEANINGS[column]) for column, header in columns.items() if column in MEANINGS]


def _brackets(fields: Sequence[str]) -> list[str]:
    named = [_HEADERS.get(field, field) for field in fields[1:]]
    named = [text if text[:1].isdigit() else text[:1].lower() + text[1:] for text in named]
    return [f"In brackets: {', '.join(named)}."] if named else []


def _without_single_wave(
    frame: pd.DataFrame, columns: Mapping[str, str] | None
) -> Mapping[str, str] | None:
    if columns is None or "wave" not in columns or frame["wave"].nunique() > 1:
        return columns
    return {column: header for column, header in columns.items() if column != "wave"}


def refuse_name(folder: str, name: str) -> None:
    """Refuse a name that is no file name, or that this build already gave to another output."""
    problem = None
    if not _NAME.fullmatch(name):
        problem = Problem(
            "name", repr(name), "lower-case letters, digits, _ and -", "Choose a simpler name."
        )
    elif "NCPI_EVAL_PAGE" in os.environ and name in _used.setdefault(folder, set()):
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
        prose.refuse_percentages(plain)
    return plain


def headers_for(frame: pd.DataFrame, columns: Mapping[str, str] | None) -> dict[str, str]:
    """Columns to show and their headers; the usual ones when none are named."""
    if columns is None:
        present = set(frame.columns)
        if {"count", "denominator"} <= present:
            present |= {"percent", "base"} | ({"interval"} if "ci_low" in present else set())
        chosen = [column for column in _USUAL if column in present and _varies(frame, column)]
        chosen = [column for column in chosen if _IN_WORDS.get(column) not in chosen]
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
    value = row.get(column)
    if isinstance(value, float) and text == results.plain(value):
        if column == "unadjusted":
            return results.points(value)
        if column in _DECIMALS:
            return f"{value:.{_DECIMALS[column]}f}".replace("-", results.MINUS)
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


def _classed(is_number: bool, text: str) -> str:
    """Numbers to the right, and sentences wide enough to be read."""
    return ' class="words"' if not is_number and len(text) > WORDS else _aligned(is_number)


def _aligned(right: bool) -> str:
    return ' class="number"' if right else ""


def _full_stop(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text.rstrip()}."


def _long(
    frame: pd.DataFrame,
    columns: Mapping[str, str] | None,
    names: Mapping[str, str],
    links: Mapping[str, str | None],
) -> tuple[str, str]:
    headers = headers_for(frame, columns)
    right = {column: is_number(frame, column) for column in headers}
    head = "".join(
        f'<th scope="col"{_aligned(right[column])}>{escape(header)}</th>'
        for column, header in headers.items()
    )
    second_leads = list(headers)[1:2] in [[column] for column in links]
    keys = 2 if len(headers) > 2 and not any(list(right.values())[:2]) and not second_leads else 1
    lines: list[tuple[list[str], str]] = []
    for record in frame.to_dict("records"):
        row = pd.Series(record, dtype=object)
        row.attrs = dict(frame.attrs)
        texts = {column: _long_text(row, column, right[column], names) for column in headers}
        cells = []
        inner = list(headers)[keys:]
        values = {c: _inner(row, c, _without_unit(texts[c], headers[c])) for c in inner}
        free = [c for c in inner if c not in links and "<a " not in values[c]]
        own = None in links.values()  # the row's own place is led to already
        linked = None if own else _leading(list(headers)[:keys], free, texts, right)
        for column, value in values.items():
            text = _without_unit(texts[column], headers[column])
            if column in links:
                value = _linked(row, column, text, links[column], names)
            elif column == linked:
                value = _leading_link(row, text)
            if links.get(column) == column:
                names_of_rows = re.findall(r">([^<]+)</a>", value)
                wide = ' class="rows"' if max(map(len, names_of_rows), default=0) > ROWS else ""
            else:
                wide = _classed(right[column], text)
            cells.append(f"<td{wide}>{value}</td>")
        lines.append(([texts[column] for column in list(headers)[:keys]], "".join(cells)))
    first = _aligned(right[next(iter(headers))])
    return f"<thead><tr>{head}</tr></thead>", _body(lines, first)


def _leading(
    keys: Sequence[str],
    columns: Sequence[str],
    texts: Mapping[str, str],
    right: Mapping[str, bool],
) -> str | None:
    """The column whose cell leads to the row: its first number or mark, else its first figure.

    Where only the row's header has a figure, its first text does.
    """
    given = [c for c in columns if texts[c] not in ("", disclosure.NOT_APPLICABLE)]
    numbers = [c for c in given if right[c]]
    figures = [c for c in given if re.search(r"\d", texts[c])]
    rest = given if any(re.search(r"\d", texts[c]) for c in keys) else []
    return next(iter([*numbers, *figures, *rest]), None)


def _leading_link(row: pd.Series, text: str) -> str:
    """The cell that leads to its row; of a long text only the words about its first figure do."""
    clause = re.search(r"[^;,:()\s][^;,:()]*\d[^;,:()]*|\d[^;,:()]*", text)
    if len(text) <= LINKED or clause is None:
        return prose.link(row, text)
    start, end = clause.start(), clause.start() + len(clause[0].rstrip())
    return escape(text[:start]) + prose.link(row, text[start:end]) + escape(text[end:])


def _long_text(row: pd.Series, column: str, number: bool, names: Mapping[str, str]) -> str:
    if number:
        return cell_text(row, column)
    text = results.shown(row, column)  # a text that is missing leaves its cell empty
    return names.get(text, text)


def _inner(row: pd.Series, column: str, text: str) -> str:
    """A cell inside the table; a publisher leads to the page that it published."""
    source = str(row.get("source") or "")
    if column == "publisher" and re.fullmatch(r"https?://\S+", source):
        return f'<a href="{escape(source)}">{escape(text)}</a>'
    return prose.with_addresses(text)


def _linked(
    row: pd.Series, column: str, text: str, by: str | None, names: Mapping[str, str]
) -> str:
    """Text as a link to the row itself, or to the first row that a column refers to."""
    if by is None:
        return prose.link(row, text)
    if by == column:
        return references.links(results.shown(row, by), row, names)
    found = results.references(results.shown(row, by))
    return prose.link_to(*found[0], text) if found else escape(text)


def _without_unit(text: str, header: str) -> str:
    """The cell without the unit that its header gives."""
    return re.sub(r" percentage points?$", "", text) if "points" in header else text


def _body(lines: Sequence[tuple[Sequence[str], str]], first: str = "") -> str:
    """Rows whose first one or two cells are headers; neighbours with one first cell share it."""
    parts = []
    at = 0
    while at < len(lines):
        group = lines[at][0][0]
        last = at
        while last < len(lines) and lines[last][0][0] == group and len(lines[at][0]) > 1:
            last += 1
        rows = lines[at : max(last, at + 1)]
        parts.append("<tbody>\n" + "\n".join(_rows(rows, first)) + "\n</tbody>")
        at += len(rows)
    if all(part.count("<tr>") == 1 for part in parts):
        return "\n".join(parts).replace("\n</tbody>\n<tbody>", "")
    return "\n".join(parts)


def _rows(rows: Sequence[tuple[Sequence[str], str]], first: str) -> Iterator[str]:
    (group, *_), _ = rows[0]
    group = escape(group) or disclosure.NOT_APPLICABLE
    for number, ((_, *inner), cells) in enumerate(rows):
        if len(rows) == 1:
            rest = "".join(
                f"<td{_classed(is_number=False, text=text)}>{escape(text)}</td>" for text in inner
            )
            if inner and escape(inner[0]) == group:
                yield f'<tr><th scope="row" colspan="2">{group}</th>{cells}</tr>'
            else:
                wide = first or (' class="words"' if len(group) > NAME else "")
                yield f'<tr><th scope="row"{wide}>{group}</th>{rest}{cells}</tr>'
            continue
        text = escape(inner[0])
        start = f'<th scope="row">{text}</th>' if text else "<td></td>"
        shared = f'<th scope="rowgroup" rowspan="{len(rows)}">{group}</th>'
        yield f"<tr>{shared if not number else ''}{start}{cells}</tr>"


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
    aligned = _aligned(is_number(frame, cell[0]))
    head = "".join(f'<th scope="col">{escape(given[key])}</th>' for key in keys) + "".join(
        f'<th scope="col"{aligned}>{escape(str(given.get(value, value)))}</th>' for value in values
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
        cells = [f"<td>{escape(text)}</td>" for text in key[2:]]
        cells += [
            f"<td{aligned}>{place.get(value, disclosure.NOT_APPLICABLE)}</td>" for value in values
        ]
        body.append((key[:2], "".join(cells)))
    return f"<thead><tr>{head}</tr></thead>", _body(body)


def _cell(row: pd.Series, fields: Sequence[str]) -> str:
    first, *others = (cell_text(row, field) for field in fields)
    shown = prose.link(row, first)
    rest = [text for text in others if text and text != first]
    inner = f"({escape(', '.join(rest))})"
    if len(rest) > 1:  # on a line of their own, so that four groups fit side by side
        return f'{shown} <span class="rest">{inner}</span>'
    return shown + (f" {inner}" if rest else "")
