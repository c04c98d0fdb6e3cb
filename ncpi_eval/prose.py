"""Prose whose numbers are rows.

A markdown cell cannot compute, so a sentence with a number in it goes stale unseen. `say` takes the
sentence and the rows: each number is formatted by the one rule of `results` and linked to its row.
A number typed by hand is refused.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from ncpi_eval import disclosure, inert, literals, results
from ncpi_eval.errors import InputError, Problem

_ADDRESS = re.compile(r"(https?://[^\s<>\"']*[^\s<>\"'.,;)])")


@dataclass(frozen=True)
class Shown:
    """Something that a notebook displays: HTML, the same as text, and where it is from.

    ``metadata`` travels with the output: ``kind`` (prose, table or figure), ``data_kind`` and,
    for tables and figures, ``name`` and ``caption``.
    """

    html: str
    text: str
    metadata: dict[str, Any]

    def __post_init__(self) -> None:
        # Captions, notes and words of a reader's choice come from anywhere.
        object.__setattr__(self, "html", inert.marked(self.html))
        object.__setattr__(self, "text", inert.marked(self.text))
        said = {k: inert.marked(v) if isinstance(v, str) else v for k, v in self.metadata.items()}
        object.__setattr__(self, "metadata", said)

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        return {"text/html": self.html, "text/plain": self.text}, {"ncpi_eval": self.metadata}


def say(template: str, /, *, published: Sequence[str] = (), **rows: Any) -> Shown:
    """A paragraph, or several with an empty line between them, with computed numbers.

    Parameters
    ----------
    template : str
        Plain text with ``{name}`` for the estimate of a row (a share as a whole percentage) and
        ``{name.field}`` for another: ``count``, ``denominator``, ``interval``, ``p_value``,
        ``difference``, ``difference_interval`` or any column. Markup in it is shown as text.
    published : sequence of str
        Numbers that are quotations of the published report and so may be typed, each as it stands
        in the template, for example ``("54%",)``.
    **rows
        Rows of `results.load` or `results.save`, taken by `results.pick`; a number made from a
        whole file by `results.derived`; or a text without digits (the name of a group).

    Returns
    -------
    Shown
        HTML for the page; ``str()`` gives the text, for captions and alt text.

    Raises
    ------
    InputError
        For a number that was typed, a field that does not exist, a row that is not kept in any
        results file, or a number that is not a row.
    """
    refuse_literals(template, published)
    as_html, as_text, used = _fill(template, rows)
    unused = sorted(set(rows) - used)
    if unused:
        raise _refusal("values", ", ".join(unused), "in the template", "Use them or drop them.")
    paragraphs = re.split(r"\n\s*\n", as_html.strip())
    html = "\n".join(f"<p>{' '.join(paragraph.split())}</p>" for paragraph in paragraphs)
    text = "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", as_text.strip()))
    return Shown(html, text, {"kind": "prose", "data_kind": _kinds(rows)})


def refuse_literals(text: str, published: Sequence[str] = ()) -> None:
    """Refuse a template in which a number was typed, unless it is harmless or declared.

    What is harmless, such as years, thresholds and numbers of tables, is said in `literals`.
    """
    _refuse(text, literals.typed_numbers(text, published))


def refuse_percentages(text: str) -> None:
    """Refuse a caption, source or description with a percentage in it, unless `say` made it.

    Other numbers in it may have been computed; `notebook_prose` finds those that were typed.
    """
    typed = literals.typed_numbers(text)
    _refuse(text, [found for found in typed if found.endswith(("%", "cent"))])


def _refuse(text: str, found: Sequence[str]) -> None:
    if found:
        raise _refusal(
            f"{text.strip()[:60]!r}",
            f"the typed number {found[0]!r}",
            "a computed number",
            "Take it from a row with say('… {x} …', x=row), or declare it with published=(…,) "
            "if it quotes the report.",
        )


def link(row: pd.Series | dict[str, Any], text: str) -> str:
    """Text as a link to the row's place on its data page; escaped text if it has none."""
    series = row if isinstance(row, pd.Series) else pd.Series(row)
    home = results.home(series)
    if home is None or text in ("", disclosure.NOT_APPLICABLE):
        return escape(text)
    return link_to(home, str(series["id"]), text)


def link_to(name: str, identity: str, text: str) -> str:
    """Text as a link to a row of a results file."""
    return (
        f'<a href="data-{escape(name)}.html#{escape(identity)}">{escape(text)}</a>' if text else ""
    )


def outline(
    rows: pd.DataFrame,
    *,
    groups: Sequence[str],
    text: Sequence[str],
    after: Mapping[str, str] | None = None,
) -> Shown:
    """Rows as a list within lists, which a screen reader can walk through.

    Parameters
    ----------
    rows : DataFrame
        Of `results.load` or `results.save`, in the order of the list.
    groups : sequence of str
        Columns whose values head the outer lists, from the outermost.
    text : sequence of str
        Columns that are the words of an item, which link to its row.
    after : mapping, optional
        Column to the words before its text, behind the item; left out where blank.
    """
    html = _nested(rows, list(groups), list(text), dict(after or {}))
    plain = "\n".join(
        "  " * len(groups) + " ".join(str(row[column]) for column in text)
        for _, row in rows.iterrows()
    )
    kinds = sorted(set(rows["data_kind"]))
    return Shown(html, plain, {"kind": "prose", "data_kind": kinds})


def _nested(rows: pd.DataFrame, groups: list[str], text: list[str], after: dict[str, str]) -> str:
    items = []
    if groups:
        for value, inner in rows.groupby(groups[0], sort=False):
            inner.attrs = dict(rows.attrs)
            items.append(
                f"<li>{escape(str(value))}\n{_nested(inner, groups[1:], text, after)}</li>"
            )
    else:
        for _, row in rows.iterrows():
            row.attrs = dict(rows.attrs)
            words = link(row, " ".join(str(row[column]) for column in text))
            more = [
                f" {escape(start)} {escape(str(row[column]))}"
                for column, start in after.items()
                if str(row[column] or "") not in ("", "nan")
            ]
            items.append(f"<li>{words}{''.join(more)}</li>")
    return "<ul>\n" + "\n".join(items) + "\n</ul>"


def stacked(links: Sequence[str]) -> str:
    """Links below each other, far enough apart for a finger; one stays as it is."""
    if len(links) < 2:
        return "".join(links)
    return f'<span class="stack">{" ".join(links)}</span>'


def with_addresses(text: str) -> str:
    """Escaped text in which each web address is a link to itself; several alone stand stacked."""
    parts = _ADDRESS.split(text)
    linked = [f'<a href="{escape(part)}">{escape(part)}</a>' for part in parts[1::2]]
    if len(linked) > 1 and not "".join(parts[::2]).strip():
        return stacked(linked)
    plain = [escape(part) for part in parts[::2]]
    return "".join(a + b for a, b in zip(plain, [*linked, ""], strict=True))


def _fill(template: str, rows: dict[str, Any]) -> tuple[str, str, set[str]]:
    as_html, as_text, used = [], [], set()
    for literal, field, format_spec, conversion in string.Formatter().parse(template):
        as_html.append(escape(literal))
        as_text.append(literal)
        if field is None:
            continue
        name, _, attribute = field.partition(".")
        if format_spec or conversion:
            raise _refusal(
                f"{{{field}}}", "a format of its own", "a field", "One rule formats every number."
            )
        if name not in rows:
            raise _refusal(
                f"{{{field}}}", "no such value", _names(rows), "Pass the row by this name."
            )
        used.add(name)
        html, text = _value(field, rows[name], attribute)
        as_html.append(html)
        as_text.append(text)
    return "".join(as_html), "".join(as_text), used


def _value(field: str, value: Any, attribute: str) -> tuple[str, str]:
    if isinstance(value, pd.Series):
        text = day_in_words(_of_row(field, value, attribute or "estimate"))
        return link(value, text), text
    if attribute:
        raise _refusal(f"{{{field}}}", "a value without fields", "a row", "Pass a row.")
    if isinstance(value, results.Derived):
        found = value.value
        text = day_in_words(found) if isinstance(found, str) else results.plain(found)
        return f'<a href="data-{value.name}.html">{escape(text)}</a>', text
    if isinstance(value, str) and not re.search(r"\d\s*%", value):
        return escape(value), value
    raise _refusal(
        f"{{{field}}}",
        f"{type(value).__name__} {value!r}"[:60],
        "a row of results",
        "Pick the row with results.pick, or make the number with results.derived.",
    )


def day_in_words(text: str) -> str:
    """A day or a month as a sentence has it, 24 November 2023, where the data has 2023-11-24."""
    dated = re.fullmatch(r"((?:19|20)\d\d)-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?", text)
    if dated is None:
        return text
    year, month, day = dated.groups()
    said = f"{literals.MONTHS[int(month) - 1]} {year}"
    return f"{int(day)} {said}" if day else said


def _of_row(field: str, row: pd.Series, name: str) -> str:
    fields = {"percent", "base", "interval", "interval_clustered"}
    fields |= {"difference_interval", "difference_interval_clustered", "ratio_interval"}
    if name not in row.index and name not in fields:
        raise _refusal(
            f"{{{field}}}", f"no field {name!r}", _names([*row.index, *sorted(fields)]), "Use one."
        )
    if results.home(row) is None:
        raise _refusal(
            f"{{{field}}}",
            "a row that is in no results file",
            "a row of results.load or results.save",
            "Save the frame and pick from what save returns.",
        )
    if disclosure.unsafe(row):
        raise _refusal(
            f"{{{field}}}",
            "a row that was not released",
            "a released row",
            "Pick from what results.save or results.load gives.",
        )
    text = results.shown(row, name)
    if not text and _nobody(row):
        return disclosure.NOT_APPLICABLE
    if not text and disclosure.takes_out_exact(row):
        return disclosure.CONFIDENTIAL
    if not text:
        raise _refusal(
            f"{{{field}}}",
            f"nothing in {name!r} of {row.get('id')}",
            "a number",
            "This row does not have it; see the row on its data page.",
        )
    return text


def _nobody(row: pd.Series) -> bool:
    """Whether the row has no base, as a group of forces has where no force is known."""
    size = row.get("denominator", row.get("count"))
    return size is None or pd.isna(size) or size == 0


def _kinds(rows: dict[str, Any]) -> list[str]:
    kinds: set[str] = set()
    for value in rows.values():
        if isinstance(value, pd.Series):
            kinds.update(results.data_kinds(value.to_frame().T))
        elif isinstance(value, results.Derived):
            kinds.update(value.data_kinds)
    return sorted(kinds)


def _names(names: Any) -> str:
    return "one of " + ", ".join(str(name) for name in names) if names else "a value"


def _refusal(place: str, found: str, expected: str, remedy: str) -> InputError:
    return InputError("This sentence cannot be said.", [Problem(place, found, expected, remedy)])
