"""An independent look at finished outputs, before they are published or at any time.

What `disclosure` withholds while tables are made is one thing; what stands in the files is another.
The scanner reads every file below a folder afresh, also where a reader would not look, and finds
what must not be there: rows of respondents and their serials, their words that nobody released,
names and addresses, places on a machine, small counts, and numbers that were withheld but follow
from others. It calls nothing that withheld them.

`make scan` runs it on the published report, `python -m ncpi_eval.scanner FOLDER` on any other
folder; publishing runs it before a finished report replaces the last one.
"""

from __future__ import annotations

import csv
import fnmatch
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ncpi_eval import disclosure, formats, paths, sources
from ncpi_eval import questionnaire as codebook
from ncpi_eval.errors import BuildError, InputError, Problem
from ncpi_eval.scanner import contents, counts, details, people, recovery
from ncpi_eval.scanner.findings import REMEDIES, Finding

__all__ = ["REMEDIES", "Finding", "refuse", "scan", "surveys_of"]

# What people decide about findings that are right to be there.
EXCEPTIONS = paths.data("release", "exceptions.csv")
EXCEPTION_COLUMNS = ("kind", "text", "place", "reason")
# So many findings are told; the rest is a number.
_TOLD = 40


def scan(
    folder: Path | str,
    surveys: Sequence[Path | str] | None = None,
    names: Iterable[str] = (),
    exceptions: Path | str | None = None,
) -> list[Finding]:
    """Everything in the outputs of a folder that must not be there.

    Parameters
    ----------
    folder : path
        Searched with everything below it, links followed, but for what is hidden right in it.
    surveys : sequence of path, optional
        Files of respondents that the outputs were made from; by default those that
        ``manifest.json`` in the folder names. Rows that say that they are synthetic are looked for
        only when synthetic data is protected.
    names : iterable of str
        Names that must not occur, besides those that patterns find.
    exceptions : path, optional
        Declared exceptions; ``data/release/exceptions.csv`` by default.

    Returns
    -------
    list of Finding
        By file and place, each once.

    Raises
    ------
    InputError
        If a survey file or the exceptions cannot be read.
    """
    root = Path(folder)
    book = codebook.load()
    declared = read_exceptions(EXCEPTIONS if exceptions is None else Path(exceptions))
    looked = details.Details(names)
    read = [contents.read(name, path.read_bytes()) for name, path in output_files(root)]
    facts = counts.Facts()
    for content in read:
        facts.collect(content)
    files = surveys_of(root) if surveys is None else [Path(path) for path in surveys]
    frames = [frame for frame in map(_protected_frame, files) if len(frame)]
    labels = sources.read_themes()["label"] if frames else ()
    respondents = [people.Respondents(frame, book, labels) for frame in frames]
    is_protected = bool(facts.rows or respondents)
    found: set[Finding] = set()
    for content in read:
        if content.unreadable:
            found.add(Finding(content.name, "file", "unreadable file", content.unreadable))
        for kind, what, piece in looked.found(content.pieces):
            found.add(Finding(content.name, content.pieces[piece], kind, what))
        for place, what in people.record_tables(content, book):
            found.add(Finding(content.name, place, "row of a respondent", what))
        if is_protected:
            found |= set(_protected(content, facts, respondents))
    found |= set(_of_respondents(read, respondents))
    found |= {Finding(*finding) for finding in counts.small(facts)}
    for file, place, what in counts.shown_on_pages(read, facts):
        found.add(Finding(file, place, "withheld number", what))
    for file, place, what in [*counts.of_tests(facts), *recovery.recovered(facts, book)]:
        found.add(Finding(file, place, "recovered number", what))
    return sorted(one for one in found if not _is_declared(one, declared))


def refuse(folder: Path | str, surveys: Sequence[Path | str] | None = None) -> None:
    """Raise BuildError with every finding in a folder; nothing if there is none."""
    found = scan(folder, surveys)
    if found:
        more = f" The first {_TOLD}:" if len(found) > _TOLD else ""
        raise BuildError(
            f"The scanner found {len(found)} things that must not be published.{more}",
            [_problem(one) for one in found[:_TOLD]],
        )


def _problem(one: Finding) -> Problem:
    place, what = f"{one.file}, {one.place}", f"{one.kind} {one.masked}"
    return Problem(place, what, "none", REMEDIES[one.kind])


def output_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of every file of the outputs, in order; each once, though links lead to it."""
    if root.is_file():
        yield root.name, root
        return
    for path in sorted(root.iterdir()):
        # outputs/current is the folder that the other links lead into.
        if path.name.startswith(".") or (path.is_symlink() and path.name == "current"):
            continue
        if path.is_dir():
            inner = sorted(file for file in path.rglob("*") if file.is_file())
            for file in inner:
                name = file.relative_to(root).as_posix()
                yield name, file
        elif path.is_file():
            yield path.name, path


def surveys_of(root: Path) -> list[Path]:
    """Files of respondents that the manifest of a report names; those that are there."""
    try:
        manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    parameters = manifest.get("parameters", {})
    given = [
        str(value)
        for name, value in sorted(parameters.items())
        if value and name.rsplit(".", 1)[-1].lower() in ("survey", "survey_wave_2")
    ]
    found = [paths.ROOT / value for value in dict.fromkeys(given)]
    return [path for path in found if path.is_file()]


def _protected_frame(path: Path):  # type: ignore[no-untyped-def]
    """Rows of a survey file that are about people to be protected."""
    if path.suffix == ".csv" and not disclosure.protects_synthetic() and _says_synthetic(path):
        return ()
    frame = formats.read_table(path).frame
    if "data_kind" in frame and not disclosure.protects_synthetic():
        frame = frame[frame["data_kind"].astype("string").fillna("") != "synthetic"]
    return frame


def _says_synthetic(path: Path) -> bool:
    """Whether every row of a CSV file says that it is invented, at the cost of reading it once."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        try:
            return all(row.get("data_kind") == "synthetic" for row in csv.DictReader(handle))
        except (csv.Error, UnicodeDecodeError):
            return False


def _protected(
    content: contents.Content, facts: counts.Facts, respondents: Sequence[people.Respondents]
) -> Iterator[Finding]:
    """What matters only in outputs about people to be protected."""
    for place, what in counts.in_tables(content, facts):
        yield Finding(content.name, place, "small count", what)
    for piece, place in content.pieces.items():
        for what in counts.in_prose(piece):
            yield Finding(content.name, place, "small count", what)
    for one in respondents:
        for table in content.tables:
            is_public = table.shows in facts.harmless
            for place, what in [*one.rows(table, is_public), *one.records(table)]:
                yield Finding(content.name, place, "row of a respondent", what)
        for place, what in [*one.lists(content.pieces), *one.sentences(content.pieces)]:
            yield Finding(content.name, place, "row of a respondent", what)


def _of_respondents(
    read: Sequence[contents.Content], respondents: Sequence[people.Respondents]
) -> Iterator[Finding]:
    """Serials, and words that were not released."""
    if not respondents:
        return
    released = [
        row[table.header.index("example")]
        for content in read
        if content.name == "results/open_text_examples.csv"
        for table in content.tables
        if "example" in table.header
        for row in table.rows
        if _is_released(table, row)
    ]
    seen: set[str] = set()
    for content in read:
        for piece, what in people.serials(content.pieces, respondents):
            yield Finding(content.name, content.pieces[piece], "serial", what)
        joined = {
            text: table.place or "table"
            for table in content.tables
            if "data_kind" not in table.header
            for text in _joined(table)
        }
        fresh = [piece for piece in {**content.pieces, **joined} if piece not in seen]
        found = list(people.free_text(fresh, respondents, released))
        seen |= set(fresh) - {piece for piece, _ in found}
        for piece, what in found:
            place = content.pieces.get(piece) or joined[piece]
            yield Finding(content.name, place, "free text", what)


def _joined(table: contents.Table) -> Iterator[str]:
    """Cells one after the other, by row and by column, as a text split over them would be read."""
    rows = [row for row in table.rows if any(map(str.isalpha, "".join(row)))]
    yield " ".join(cell for row in rows for cell in row)
    for column in range(max(map(len, rows), default=0)):
        yield " ".join(row[column] for row in rows if column < len(row))


def _is_released(table: contents.Table, row: Sequence[str]) -> bool:
    cells = dict(zip(table.header, row, strict=False))
    return cells.get("suppressed") == "False" and cells.get("needs_reading") == "False"


# ---------------------------------------------------------------------------------------------


def read_exceptions(path: Path) -> list[dict[str, str]]:
    """Declared exceptions: kind of finding, its text, files it may stand in (a pattern), reason.

    Raises
    ------
    InputError
        Listing missing columns, kinds that the scanner does not have, and rows without a text or a
        reason.
    """
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        rows = list(reader)
        missing = [name for name in EXCEPTION_COLUMNS if name not in (reader.fieldnames or ())]
    problems = [
        Problem(f"{path.name}, header", "no such column", name, "Add it.") for name in missing
    ]
    for number, row in enumerate(rows, start=2) if not missing else ():
        place = f"{path.name}, row {number}"
        if row["kind"] not in REMEDIES:
            expected = ", ".join(REMEDIES)
            problems.append(Problem(f"{place}, kind", repr(row["kind"]), expected, "Correct it."))
        for name in ("text", "reason"):
            if not (row[name] or "").strip():
                problems.append(Problem(f"{place}, {name}", "nothing", f"a {name}", "Give one."))
    if problems:
        raise InputError("The declared exceptions of the scanner cannot be used.", problems)
    return rows


def _is_declared(found: Finding, declared: Sequence[dict[str, str]]) -> bool:
    return any(
        row["kind"] == found.kind
        and row["text"].casefold() == found.what.casefold()
        and fnmatch.fnmatch(found.file, row["place"] or "*")
        for row in declared
    )
