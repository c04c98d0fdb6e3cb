"""Which reported numbers changed since somebody reviewed them.

`make accept` keeps the numbers of the published results under ``tests/expected``, one file for each
results file: the row's ``id`` and what the row says, without labels, methods and caveats, which are
in the code and the codebook. A build with the default parameters is held against them. A change
never fails the build: it is for a person to judge. Standard library only, as ``make accept`` is.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ncpi_eval import paths
from ncpi_eval.declarations import Site
from ncpi_eval.workspace import read_stamp, write_if_changed

EXPECTED = paths.ROOT / "tests" / "expected"
# Words about a row rather than what it says.
DESCRIBING = frozenset(
    {
        *("question", "item", "response", "subgroup_variable", "subgroup", "wave", "unit"),
        *("method", "caveat", "data_kind", "label", "group", "breakdown"),
    }
)
# Numbers differ in their last digits between processors; a change is larger than this.
RELATIVE, ABSOLUTE = 1e-9, 1e-12

Rows = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Change:
    """One cell that was accepted as ``accepted`` and is ``now`` something else."""

    file: str
    id: str
    column: str
    accepted: str
    now: str


@dataclass(frozen=True)
class Comparison:
    """The changed cells, and how many rows each file gained and lost; nothing where all agree."""

    changed: tuple[Change, ...]
    added: Mapping[str, int]
    removed: Mapping[str, int]


def compare(results: Path, expected: Path) -> Comparison | None:
    """Hold a folder of results against the accepted ones; None if nothing was ever accepted."""
    names = {path.name for folder in (results, expected) for path in folder.glob("*.csv")}
    if not any(expected.glob("*.csv")):
        return None
    changed: list[Change] = []
    added: dict[str, int] = {}
    removed: dict[str, int] = {}
    for name in sorted(names):
        before, after = _rows(expected / name), _rows(results / name)
        for counts, rows in ((added, after.keys() - before), (removed, before.keys() - after)):
            if rows:
                counts[name] = len(rows)
        for identity in before:
            if identity in after:
                changed += _cells(name, identity, before[identity], after[identity])
    return Comparison(tuple(changed), added, removed)


def number_of(found: Comparison) -> int:
    """How many cells changed, and rows came or went."""
    return len(found.changed) + sum(found.added.values()) + sum(found.removed.values())


def in_short(found: Comparison) -> str:
    """The comparison in one sentence."""
    if not number_of(found):
        return "No reported number changed since the results were accepted"
    number = len(found.changed)
    text = f"{number:,} reported number{'s' if number != 1 else ''} changed"
    for counts, word in ((found.added, "new"), (found.removed, "removed")):
        rows = sum(counts.values())
        text += f", {rows:,} row{'s' if rows != 1 else ''} {word}" if rows else ""
    return f"{text} since they were accepted"


def accept(results: Path, expected: Path) -> list[str]:
    """Keep the numbers of a folder of results; the names of the files that are new or other."""
    sources = {path.name: path for path in sorted(results.glob("*.csv"))}
    news = [
        name for name, path in sources.items() if write_if_changed(expected / name, _kept(path))
    ]
    for path in sorted(expected.glob("*.csv")):
        if path.name not in sources:
            path.unlink()
            news.append(f"{path.name} (removed)")
    return news


def not_default(site: Site, parameters: Mapping[str, Any]) -> list[str]:
    """Parameters whose value is not the default, as ``NAME=value``, and disclosure settings."""
    others = [
        f"{site.parameter(name).variable}={value}"
        for name, value in sorted(parameters.items())
        if value != site.parameter(name).default
    ]
    settings = {text for page in site.pages for text in _disclosure(page.stem) if text}
    return [*others, *(f"disclosure setting {text}" for text in sorted(settings))]


def _disclosure(stem: str) -> list[str]:
    try:
        return list(read_stamp(f"declared/{stem}")["disclosure"])
    except (OSError, ValueError, KeyError):
        return []


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Columns that say something, ``id`` first, and the rows."""
    with path.open(encoding="utf-8", newline="") as handle:
        header, *rows = list(csv.reader(handle)) or [[]]
    kept = [place for place, name in enumerate(header) if name not in DESCRIBING]
    return [header[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _kept(path: Path) -> bytes:
    header, rows = _table(path)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode("utf-8")


def _rows(path: Path) -> Rows:
    if not path.is_file():
        return {}
    header, rows = _table(path)
    key = header.index("id") if "id" in header else 0
    return {row[key]: dict(zip(header, row, strict=True)) for row in rows}


def _cells(name: str, identity: str, before: Mapping[str, str], after: Mapping[str, str]) -> Any:
    columns = dict.fromkeys([*before, *after])
    for column in columns:
        old, new = before.get(column, ""), after.get(column, "")
        if not _same(old, new):
            yield Change(name, identity, column, old, new)


def _same(old: str, new: str) -> bool:
    if old == new:
        return True
    try:
        return math.isclose(float(old), float(new), rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    except ValueError:
        return False
