"""Words for the rows that other rows rest on.

A reference is one word, ``file#id``, for programs. A reader sees what the row says it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from ncpi_eval import paths, prose, results
from ncpi_eval.errors import InputError, Problem

# Says what a row is about by itself.
_WHOLE = ("claim", "comparison")
# Stand for everybody and tell no row from another.
_NOBODY = ("", "all")


def links(text: str, beside: pd.Series, names: Mapping[str, str]) -> str:
    """References as links, each in the words of its row, below each other.

    Parameters
    ----------
    text : str
        Words of `results.reference`.
    beside : Series
        The row that refers; what it says itself is not said again.
    names : mapping
        Results file to what its rows are called, in front of the words; for those that it has.

    Raises
    ------
    InputError
        For a row that does not exist, or whose file the page does not read.
    """
    found = [(name, _row(name, identity)) for name, identity in results.references(text)]
    words = [_words(name, row, beside, names) for name, row in found]
    same: dict[str, list[int]] = {}
    for place, text in enumerate(words):
        same.setdefault(text, []).append(place)
    for places in same.values():
        told = _told_apart([found[place][1] for place in places])
        for place, more in zip(places, told, strict=True):
            words[place] += more
    return prose.stacked(
        [
            prose.link_to(name, str(row["id"]), text)
            for (name, row), text in zip(found, words, strict=True)
        ]
    )


def _words(name: str, row: Mapping[str, Any], beside: pd.Series, names: Mapping[str, str]) -> str:
    parts = _parts(row)
    new = [part for part in parts if part not in {_text(beside, c) for c in beside.index}]
    text = ": ".join(new or parts[-1:])
    text = f"{names[name]}: {text[:1].lower()}{text[1:]}" if name in names else text
    return text[:1].upper() + text[1:]


def _parts(row: Mapping[str, Any]) -> list[str]:
    """What the row is about, from what it shares with others to what is its own."""
    for column in _WHOLE:
        if _text(row, column):
            return [_text(row, column)]
    label, item, term = (_text(row, column) for column in ("label", "item", "term"))
    own = label or _first(row, ("group", "subgroup"))
    shared = item or ("" if label else term.replace("_", " "))
    if own.startswith(shared):
        shared = ""
    return [part for part in (shared, own) if part] or [str(row["id"])]


def _told_apart(rows: list[Mapping[str, Any]]) -> list[str]:
    """What to add to words that rows share: the rows' kind, their place, or numbers."""
    if len(rows) == 1:
        return [""]
    for column in ("response", "place", "location", "period"):
        texts = [_text(row, column).replace("_", " ") for row in rows]
        if all(texts) and len(set(texts)) == len(texts):
            return [f" ({text})" for text in texts]
    return [f" ({number})" for number in range(1, len(rows) + 1)]


def _first(row: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    found = (_text(row, column) for column in columns)
    return next((text for text in found if text not in _NOBODY), "")


def _text(row: Mapping[str, Any] | pd.Series, column: str) -> str:
    value = row.get(column)
    return value if isinstance(value, str) else ""


def _row(name: str, identity: str) -> Mapping[str, Any]:
    written = paths.outputs_write("results", f"{name}.csv")
    path = written if written.is_file() else paths.outputs_read("results", f"{name}.csv")
    rows = _rows(path, path.stat().st_mtime_ns) if path.is_file() else {}
    if identity not in rows:
        raise InputError(
            "A row rests on one that is not there.",
            [
                Problem(
                    f"outputs/results/{name}.csv",
                    f"no row {identity!r}",
                    "the row that is referred to",
                    f"Correct the reference, and list {name!r} under reads of this page in "
                    "notebooks/report.toml unless the page makes it.",
                )
            ],
        )
    return rows[identity]


@cache
def _rows(path: Path, changed: int) -> dict[str, Mapping[str, Any]]:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return {str(row["id"]): row for row in frame.to_dict("records")}
