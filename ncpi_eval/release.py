"""What is released, held against which rules, and what a reviewer decided: `outputs/release.csv`.

One row for each output. Units, kinds of data and withheld cells are read from the outputs
themselves; decisions are people's and stand in `data/release/decisions.csv`. Nothing here differs
between two builds of the same files.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ncpi_eval import disclosure, paths
from ncpi_eval.errors import InputError, Problem

DECISIONS = "data/release/decisions.csv"
DECISION_COLUMNS = ("output", "sha256", "decision", "by", "date", "reason")
WORDS = ("release", "hold", "refuse")
COLUMNS = (
    "output",
    "kind",
    "units",
    "data_kinds",
    "profile",
    "rules",
    "rows",
    "withheld",
    "exceptions",
    "sha256",
    "decision",
    "decided_by",
    "decided_on",
    "decision_reason",
    "decision_state",
)
NAME = "release.csv"
# They say which commit was built, so that their bytes differ between commits.
_UNHASHED = ("index.html", "manifest.json")
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_HASH = re.compile(r"[0-9a-f]{64}")

# What is held against which rules, by profile.
RULES: Mapping[str, str] = {
    "default": (
        f"counts under {disclosure.MINIMUM_COUNT} withheld, with what gives them away; no "
        f"percentage on a base under {disclosure.MINIMUM_BASE}; zeros and whole groups flagged"
    ),
    "opensafely": (
        f"counts of {disclosure.OPENSAFELY_REDACTED} or fewer withheld, with what gives them away; "
        f"counts rounded to {disclosure.OPENSAFELY_ROUNDING}; percentages from rounded counts"
    ),
}


class _About:
    """Units, kinds of data, rows and withheld rows of one or several tables."""

    def __init__(self) -> None:
        self.pairs: set[tuple[str, str]] = set()
        self.kinds: set[str] = set()
        self.rows = self.withheld = 0

    def add(self, other: _About) -> None:
        self.pairs |= other.pairs
        self.kinds |= other.kinds
        self.rows += other.rows
        self.withheld += other.withheld


def write(folder: Path) -> Path:
    """Write ``release.csv`` about every file below a folder, into it.

    Raises
    ------
    InputError
        If the decisions cannot be read.
    """
    path = folder / NAME
    path.write_text(table(folder, read_decisions()), encoding="utf-8", newline="\n")
    return path


def table(folder: Path, decisions: Sequence[Mapping[str, str]] = ()) -> str:
    """The table as CSV: a row for each output, and for each decision on an output that is gone.

    Parameters
    ----------
    folder : Path
        A report, finished but for this file.
    decisions : sequence of mapping
        As `read_decisions` gives them.
    """
    files = sorted(
        file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
    )
    files = sorted({*files, *_UNHASHED} - {NAME})
    about = {name: _of_csv(folder / name) for name in files if name.endswith(".csv")}
    pages = {name: _of_notebook(folder / name, about) for name in files if _is_notebook(name)}
    everything = _About()
    for name in about:
        everything.add(about[name])
    decided = {row["output"]: row for row in decisions}
    lines = [
        _line(folder, name, _about(name, about, pages, everything), decided.pop(name, None))
        for name in files
    ]
    lines += [_gone(name, row) for name, row in sorted(decided.items())]
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def read_decisions(path: Path | None = None) -> list[dict[str, str]]:
    """Decisions of reviewers, in the order of the file; none without a file.

    Raises
    ------
    InputError
        Listing missing columns and every cell that is not what data/release/README.md says.
    """
    source = paths.ROOT / DECISIONS if path is None else path
    if not source.is_file():
        return []
    with source.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        rows = [{key: (value or "").strip() for key, value in row.items()} for row in reader]
        header = reader.fieldnames or ()
    problems = [
        Problem(f"{source.name}, header", "no such column", name, "Add the column.")
        for name in DECISION_COLUMNS
        if name not in header
    ]
    for number, row in enumerate(rows, start=2) if not problems else ():
        problems += _wrong(f"{source.name}, row {number}", row)
    if problems:
        raise InputError("The decisions on releases cannot be used.", problems)
    return rows


def _wrong(place: str, row: Mapping[str, str]) -> Iterator[Problem]:
    if not row["output"]:
        yield Problem(f"{place}, output", "nothing", "a path below outputs/", "Name the output.")
    if row["sha256"] and not _HASH.fullmatch(row["sha256"]):
        expected = "64 hexadecimal digits, or blank"
        yield Problem(f"{place}, sha256", repr(row["sha256"]), expected, "Copy it whole.")
    if row["decision"] not in WORDS:
        yield Problem(
            f"{place}, decision", repr(row["decision"]), ", ".join(WORDS), "Use one of these."
        )
    if not row["by"]:
        yield Problem(f"{place}, by", "nothing", "a role, no name", "Say in which role.")
    if not _DATE.fullmatch(row["date"]):
        yield Problem(f"{place}, date", repr(row["date"]), "YYYY-MM-DD", "Give the day.")
    if row["decision"] in ("hold", "refuse") and not row["reason"]:
        yield Problem(f"{place}, reason", "nothing", "a sentence", "Say why.")


# ---------------------------------------------------------------------------------------------


def _of_csv(path: Path) -> _About:
    found = _About()
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            found.rows += 1
            found.withheld += row.get("suppressed") == "True"
            if row.get("unit") and row.get("data_kind"):
                found.pairs.add((row["unit"], row["data_kind"]))
                found.kinds.add(row["data_kind"])
    return found


def _is_notebook(name: str) -> bool:
    return name.startswith("executed/") and name.endswith(".ipynb")


def _of_notebook(path: Path, about: Mapping[str, _About]) -> _About:
    """What a page shows: its tables and figures, and kinds of data in its prose."""
    found = _About()
    for cell in json.loads(path.read_text(encoding="utf-8")).get("cells", []):
        for output in cell.get("outputs", []):
            shown = output.get("metadata", {}).get("ncpi_eval", {})
            found.kinds |= set(shown.get("data_kind", []))
            folder = {"table": "tables", "figure": "figures"}.get(shown.get("kind", ""))
            if folder:
                found.add(about.get(f"{folder}/{shown.get('name')}.csv", _About()))
    return found


def _about(
    name: str,
    about: Mapping[str, _About],
    pages: Mapping[str, _About],
    everything: _About,
) -> _About:
    """What is behind a file: its own rows, or those of the tables that it shows."""
    folder, _, file = name.rpartition("/")
    stem = file.rsplit(".", 1)[0]
    if name in about:
        return about[name]
    if name in pages:
        return pages[name]
    if folder == "html" and stem.startswith("data-"):
        return about.get(f"results/{stem.removeprefix('data-')}.csv", _About())
    if folder == "html":
        return pages.get(f"executed/{stem}.ipynb", _About())
    if folder == "figures":
        return about.get(f"figures/{stem}.csv", _About())
    return everything if not folder else _About()


def _kind(name: str) -> str:
    folder, _, file = name.rpartition("/")
    if folder == "html":
        return "page of results" if file.startswith("data-") else "page"
    if folder == "figures":
        return "data of a figure" if file.endswith(".csv") else "figure"
    known = {"results": "results", "tables": "table", "executed": "executed notebook"}
    front = {"index.html": "first page", "manifest.json": "manifest", "tables.xlsx": "workbook"}
    return known.get(folder) or front.get(name, "other")


def _line(
    folder: Path, name: str, about: _About, decision: Mapping[str, str] | None
) -> dict[str, str]:
    profile = disclosure.profile_in_use()
    exempt = set(disclosure.EXCEPTIONS)
    if disclosure.protects_synthetic():
        exempt.discard("synthetic")
    people = {kind for unit, kind in about.pairs if unit in disclosure.PROTECTED_UNITS}
    held = people - exempt
    used = sorted((people | about.kinds) & exempt)
    path = folder / name
    digest = ""
    if name not in _UNHASHED:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "output": name,
        "kind": _kind(name),
        "units": " ".join(sorted({unit for unit, _ in about.pairs})),
        "data_kinds": " ".join(sorted(about.kinds)),
        "profile": profile if held else "none",
        "rules": RULES[profile] if held else "",
        "rows": str(about.rows),
        "withheld": str(about.withheld),
        "exceptions": " ".join(f"{kind}: {disclosure.EXCEPTIONS[kind]}" for kind in used),
        "sha256": digest,
        **_decision(digest, decision),
    }


def _decision(digest: str, decision: Mapping[str, str] | None) -> dict[str, str]:
    if decision is None:
        return {"decision_state": "none"}
    if decision["sha256"] and decision["sha256"] != digest:
        return {"decision_state": f"out of date: {decision['decision']} was of another content"}
    return {
        "decision": decision["decision"],
        "decided_by": decision["by"],
        "decided_on": decision["date"],
        "decision_reason": decision["reason"],
        "decision_state": "holds" if decision["sha256"] else "holds for any content",
    }


def _gone(name: str, decision: Mapping[str, str]) -> dict[str, str]:
    return {
        "output": name,
        "kind": "gone",
        "decision_state": f"out of date: {decision['decision']} was of an output that is gone",
    }
