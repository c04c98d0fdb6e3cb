"""Hold the prose of notebooks to one rule: a number that is no finding is declared, or computed.

Read are Markdown cells, templates of `say`, and captions, notes, sources, descriptions and
sentences for empty tables that are written in the notebook. What may stand although it was typed is
listed in ``data/quality/typed_numbers.csv``, phrase by phrase, with its place or reason.
"""

from __future__ import annotations

import ast
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ncpi_eval import formulas, literals, paths

DECLARED = paths.ROOT / "data" / "quality" / "typed_numbers.csv"
PUBLISHED = paths.ROOT / "data" / "published" / "figures.csv"
_WRITTEN = frozenset({"caption", "note", "alt", "source", "empty"})


def problems(cells: Sequence[Mapping[str, Any]], stem: str) -> list[str]:
    """Typed numbers of a notebook, one line for each text that has some.

    Parameters
    ----------
    cells : sequence of mapping
        Cells with ``cell_type`` and ``source``.
    stem : str
        The notebook's name, by which its exceptions are declared.
    """
    declared = [row["phrase"] for row in _rows(DECLARED) if row["notebook"] == stem]
    found = []
    for number, cell in enumerate(cells, start=1):
        for text in _texts(cell):
            typed = literals.typed_numbers(text, declared)
            if typed:
                found.append(
                    f"cell {number} types {', '.join(map(repr, typed))} in "
                    f"{' '.join(text.split())[:60]!r}: compute it with say, or declare the phrase "
                    "in data/quality/typed_numbers.csv"
                )
        for quoted in _quoted(cell):
            if quoted not in declared and not _is_published(quoted):
                found.append(
                    f"cell {number} declares {quoted!r} as published, but it is no value of "
                    "data/published/figures.csv"
                )
    return found


def unused(folder: Path) -> list[str]:
    """Declared phrases that stand in no notebook of a folder, or lack a place or reason."""
    found = []
    for row in _rows(DECLARED):
        phrase = " ".join(row["phrase"].split())
        path = folder / f"{row['notebook']}.ipynb"
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.is_file() else []
        if not any(phrase in " ".join(_source(cell).split()) for cell in cells):
            found.append(f"data/quality/typed_numbers.csv: {phrase!r} is not in {row['notebook']}")
        if not row["place"].strip():
            found.append(f"data/quality/typed_numbers.csv: {phrase!r} has no place or reason")
    return found


def _texts(cell: Mapping[str, Any]) -> Iterator[str]:
    if cell["cell_type"] == "markdown":
        yield formulas.TEX.sub(" ", _source(cell))  # a formula's numbers are no findings
        return
    for call in _calls(cell):
        if _name(call) == "say":
            yield from _strings(call.args[0] if call.args else None)
        for keyword in call.keywords:
            if keyword.arg in _WRITTEN and not isinstance(keyword.value, ast.Call):
                yield from _strings(keyword.value)


def _quoted(cell: Mapping[str, Any]) -> Iterator[str]:
    for call in _calls(cell) if cell["cell_type"] == "code" else ():
        for keyword in call.keywords:
            if _name(call) == "say" and keyword.arg == "published":
                yield from _strings(keyword.value)


def _calls(cell: Mapping[str, Any]) -> tuple[ast.Call, ...]:
    return _calls_in(_source(cell))


@lru_cache(maxsize=1)  # a cell is asked twice in a row
def _calls_in(source: str) -> tuple[ast.Call, ...]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()  # IPython's own; shell commands are refused elsewhere
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _strings(node: ast.AST | None) -> Iterator[str]:
    for inner in ast.walk(node) if node is not None else ():
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _source(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"])


def _is_published(quoted: str) -> bool:
    value = quoted.strip().removesuffix("%").removesuffix(" per cent").replace(",", "")
    return any(row["value"] == value for row in _rows(PUBLISHED))


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
