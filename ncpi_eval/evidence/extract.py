"""Read a folder of documents and write what they say, as `make extract DOCUMENTS=folder` does.

Rows are written as they come, so memory does not grow with the number of documents; the tables
appear together when everything has been read.

    python -m ncpi_eval.evidence.extract FOLDER --to FOLDER [--workers N] [--quiet]

writes document_facts.csv, recommendations.csv, document_spans.csv, document_findings.csv and
document_coding_sheet.csv.
"""

from __future__ import annotations

import argparse
import csv
import filecmp
import functools
import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import pandas as pd

from ncpi_eval import paths
from ncpi_eval.document_files import find_documents, map_folder, read_document
from ncpi_eval.document_files.plain import decode
from ncpi_eval.errors import InputError, NcpiError, Problem
from ncpi_eval.evidence import kinds
from ncpi_eval.evidence.calendar import months_between
from ncpi_eval.evidence.facts import (
    CODING_COLUMNS,
    DOCUMENT_COLUMNS,
    FINDING_COLUMNS,
    RECOMMENDATION_COLUMNS,
    SPAN_COLUMNS,
    Extraction,
    Row,
    extract,
)
from ncpi_eval.evidence.forces import ForceList, force_list

TABLES = {
    "document_facts": DOCUMENT_COLUMNS,
    "recommendations": RECOMMENDATION_COLUMNS,
    "document_spans": SPAN_COLUMNS,
    "document_findings": FINDING_COLUMNS,
    "document_coding_sheet": CODING_COLUMNS,
}

LISTED = {
    "document_facts": DOCUMENT_COLUMNS[:-1],
    "recommendations": RECOMMENDATION_COLUMNS[:7],
}
"""The columns of the two tables that other programs read, exactly: those of `TABLES` without what
follows them. A synthetic document says so among its problems there."""


def read_forces(folder: Path) -> ForceList:
    """The real forces, and the folder's own list where it has one (``forces.csv``).

    Raises
    ------
    InputError
        When the folder's list lacks the columns name, alias, data_kind.
    """
    rows = _table(paths.data("coding", "force_aliases.csv"))
    own = folder / "forces.csv"
    if own.is_file():
        listed = _table(own)
        missing = [
            name for name in ("name", "alias", "data_kind") if listed and name not in listed[0]
        ]
        if missing:
            raise InputError(
                "the folder's list of forces cannot be used",
                [
                    Problem(
                        own.name,
                        f"no column {', '.join(missing)}",
                        "columns name, alias, data_kind",
                        "add the column; separate several aliases by |",
                    )
                ],
            )
        rows += listed
    return force_list(rows)


def _table(path: Path) -> list[dict[str, str]]:
    text, _ = decode(path.read_bytes(), path.name)
    return list(csv.DictReader(text.splitlines()))


def read_one(forces: ForceList, name: str, path: Path) -> Extraction:
    """Facts of one file (module-level, so that reading processes can call it)."""
    document = read_document(path, name)
    made = extract(document, forces)
    words = "\n".join(item.text for item in document.paragraphs)
    made.digest = hashlib.sha256(words.encode()).hexdigest()[:16]
    return made


def extract_folder(
    folder: Path, workers: int | None = None, report: TextIO | None = None
) -> Iterator[Extraction]:
    """Facts of every document in a folder, in the order of their names.

    A file that cannot be read gives a row with its name and ``refused: ...`` as its problem. A
    copy of an earlier document is marked ``same text as ...``. Progress goes to ``report``.
    """
    documents = find_documents(folder)
    function = functools.partial(read_one, read_forces(folder))
    seen: dict[str, str] = {}
    progress = _Progress(len(documents), report)
    for name, result in map_folder(documents, function, workers):
        if isinstance(result, InputError):
            result = _refused(name, result)
            progress.say(result.document["problems"], name)
        elif result.digest in seen:
            _add_problem(result.document, f"same text as {seen[result.digest]}")
        else:
            seen[result.digest] = name
        progress.step()
        yield result


def _refused(name: str, error: InputError) -> Extraction:
    found = error.problems[0].found if error.problems else error.message
    row = dict.fromkeys(DOCUMENT_COLUMNS, "")
    row |= {"document": name, "confidence": "0.00", "problems": f"refused: {found}"}
    row["data_kind"] = "public_record"
    coding = dict.fromkeys(CODING_COLUMNS, "")
    coding |= {
        "document": name,
        "field": "document",
        "confidence": "0.00",
        "reason": row["problems"],
    }
    coding["data_kind"] = row["data_kind"]
    return Extraction(row, coding=[coding])


def _add_problem(row: Row, problem: str) -> None:
    row["problems"] = "; ".join(filter(None, [row["problems"], problem]))


class _Progress:
    """A line a few times a minute: documents done, of how many, refused so far."""

    def __init__(self, total: int, report: TextIO | None) -> None:
        self.total, self.report = total, report
        self.done = self.refused = 0
        self.last = time.monotonic()

    def say(self, problem: str, name: str) -> None:
        self.refused += 1
        if self.report:
            print(f"{name}: {problem}", file=self.report)

    def step(self) -> None:
        self.done += 1
        now = time.monotonic()
        if self.report and (now - self.last > 5 or self.done == self.total):
            self.last = now
            print(
                f"{self.done} of {self.total} documents, {self.refused} refused", file=self.report
            )


def write_tables(
    extractions: Iterable[Extraction],
    folder: Path,
    listed: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, int]:
    """Write all tables to a folder; returns rows by table.

    ``listed`` gives the columns of tables that are to have others than in `TABLES`.

    First publication dates that only a follow-up states (see `resolve`) are filled in at the end,
    in a second pass over the file, so that nothing but one line a force is kept in memory.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns = TABLES | {name: list(names) for name, names in (listed or {}).items()}
    rows = dict.fromkeys(TABLES, 0)
    stated: dict[str, list[str]] = {}
    reissued: set[str] = set()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".extract-") as place:
        files = {
            name: Path(place, f"{name}.csv").open("w", encoding="utf-8", newline="")
            for name in TABLES
        }
        try:
            writers = {
                name: csv.DictWriter(
                    file, columns[name], extrasaction="ignore", lineterminator="\n"
                )
                for name, file in files.items()
            }
            for writer in writers.values():
                writer.writeheader()
            for made in extractions:
                if made.previous:
                    known = stated.setdefault(made.previous["force"], [])
                    if made.previous["published"] not in known:
                        known.append(made.previous["published"])
                if made.document["data_kind"] == "synthetic" and listed:
                    _add_problem(made.document, "synthetic")
                if made.reissued:
                    reissued.add(made.document["document"])
                for name, batch in (
                    ("document_facts", [made.document]),
                    # a table without their origin lists one kind only
                    (
                        "recommendations",
                        made.own_recommendations if listed else made.recommendations,
                    ),
                    ("document_spans", made.spans),
                    ("document_findings", made.findings),
                    ("document_coding_sheet", made.coding),
                ):
                    writers[name].writerows(
                        {column: _inert(value) for column, value in row.items()} for row in batch
                    )
                    rows[name] += len(batch)
        finally:
            for file in files.values():
                file.close()
        resolve(Path(place, "document_facts.csv"), stated, reissued)
        for name in TABLES:
            fresh, standing = Path(place, f"{name}.csv"), folder / f"{name}.csv"
            if not (standing.is_file() and filecmp.cmp(fresh, standing, shallow=False)):
                os.replace(fresh, standing)  # an unchanged table keeps its time, for make
    return rows


def _inert(value: str) -> str:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{value}" if re.match(r"[=+@\t\r]|-(?!\d+(?:\.\d+)?$)", value) else value


def tables(folder: Path, workers: int | None = None) -> dict[str, pd.DataFrame]:
    """The tables of a folder as frames of text, for a notebook; nothing is written to outputs.

    Parameters
    ----------
    folder : Path
        Documents, with ``forces.csv`` where their forces are not the real ones.
    workers : int, optional
        Reading processes; 1 reads in this process.

    Returns
    -------
    dict of DataFrame
        document_facts, recommendations, document_spans, document_findings and
        document_coding_sheet; cells are text, "" where unknown.
    """
    with tempfile.TemporaryDirectory() as place:
        write_tables(extract_folder(Path(folder), workers), Path(place))
        return {
            name: pd.read_csv(Path(place, f"{name}.csv"), dtype=str, keep_default_na=False)
            for name in TABLES
        }


def resolve(path: Path, stated: dict[str, list[str]], reissued: set[str]) -> None:
    """Give a re-issued first report the month in which its follow-up says it was published."""
    if not reissued:
        return
    fresh = path.with_suffix(".new")
    with (
        path.open(encoding="utf-8", newline="") as source,
        fresh.open("w", encoding="utf-8", newline="") as target,
    ):
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames or [], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            if row["document"] in reissued and not row["published"]:
                row = _resolved(row, stated.get(row["force"], []))
            writer.writerow(row)
    os.replace(fresh, path)


def _resolved(row: Row, months: list[str]) -> Row:
    fitting = [
        month
        for month in sorted(months)
        if (work := row["fieldwork_end"] or row["fieldwork_start"])
        and 1 <= months_between(work, month) <= 12
    ]
    if row["kind"] == kinds.INSPECTION and fitting:
        row["published"] = fitting[0]
        _add_problem(row, "published as the follow-up states it, the page shows a re-issue")
        row["confidence"] = f"{min(float(row['confidence']), 0.85):.2f}"
    else:
        _add_problem(row, "published unknown, the page shows a re-issue")
    return row


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 when every document was read, 0 with a list when some were refused."""
    parser = argparse.ArgumentParser(
        prog="python -m ncpi_eval.evidence.extract", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="folder of HTML, PDF, DOCX or text documents")
    parser.add_argument("--to", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--workers", type=int, default=None, help="reading processes")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    chosen = parser.parse_args(arguments)
    try:
        report = None if chosen.quiet else sys.stderr
        rows = write_tables(extract_folder(chosen.folder, chosen.workers, report), chosen.to)
    except NcpiError as error:
        print(error, file=sys.stderr)
        return 1
    for name, count in rows.items():
        print(f"{name}.csv: {count} rows")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
