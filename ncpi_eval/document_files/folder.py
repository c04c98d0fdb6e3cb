"""Read a folder of documents in parallel, in order, in bounded memory.

`runs.each` does the work; only what the caller's function returns crosses between processes. A file
that kills or hangs its reader costs that file, never the others.
"""

from __future__ import annotations

import functools
import operator
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import TypeVar

from ncpi_eval import runs
from ncpi_eval.document_files.guards import FORMATS, refuse
from ncpi_eval.errors import InputError, Problem

SECONDS_A_DOCUMENT = 60
"""A long report takes a few seconds; a file that needs a minute is broken or built to hang."""
BYTES_A_WORKER = 3_000_000_000
"""Address space of a reading process; reached only by a file built to fill memory."""

_NO_DOCUMENTS = (".", "README", "LICENSE", "~$")

R = TypeVar("R")


def find_documents(folder: Path) -> list[tuple[str, Path]]:
    """(name, path) of every document below a folder, sorted by name.

    Names are relative to the folder; a character that cannot be printed is escaped. Whatever its
    extension, a file is taken for a document, so that nothing is passed over in silence; only
    hidden files, README and LICENSE files, tables (.csv) and the folders that browsers save beside
    a page ("..._files") are not. Links to folders are not followed.

    Raises
    ------
    InputError
        When the folder does not exist or holds no document.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder of documents",
            [
                Problem(
                    str(folder),
                    "no such folder",
                    "a folder with HTML, PDF, DOCX or text files",
                    "correct the parameter DOCUMENTS",
                )
            ],
        )
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not name.endswith("_files")
        )
        for file in files:
            path = Path(place, file)
            if path.suffix.lower() != ".csv" and not file.startswith(_NO_DOCUMENTS):
                found.append((_shown(path.relative_to(folder).as_posix()), path))
    if not found:
        raise InputError(
            f"{folder} holds no document",
            [
                Problem(
                    str(folder),
                    "no file",
                    ", ".join(FORMATS),
                    "supply documents or correct the parameter DOCUMENTS",
                )
            ],
        )
    return sorted(found)


def _shown(name: str) -> str:
    """A file's name as tables and terminals can hold it: what is not printable, escaped."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def map_folder(
    documents: Iterable[tuple[str, Path]],
    function: Callable[[str, Path], R],
    workers: int | None = None,
    seconds: int = SECONDS_A_DOCUMENT,
) -> Iterator[tuple[str, R | InputError]]:
    """Apply a function to each document, in parallel, and yield in the documents' order.

    Parameters
    ----------
    documents : iterable of (name, path)
        As `find_documents` gives them.
    function : callable
        A module-level function of name and path; an `InputError` that it raises is yielded as
        that document's result.
    workers : int, optional
        Processes; the number of processors if left out, 1 reads in this process.
    seconds : int
        Time for one document before it is refused.
    """
    results = runs.each(
        functools.partial(_guarded, function, seconds),
        documents,
        label="documents",
        name=operator.itemgetter(0),
        workers=workers,
        start=_limit_memory,
        failures="yield",
        progress=False,
    )
    for result in results:
        if isinstance(result, runs.Failed):
            what, remedy = "a file that stops its reader", "leave it out and report it"
            yield result.item, refuse(result.item, what, remedy)
        else:
            yield result


def _limit_memory() -> None:
    if sys.platform.startswith("linux"):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (BYTES_A_WORKER, BYTES_A_WORKER))


def _guarded(
    function: Callable[[str, Path], R], seconds: int, document: tuple[str, Path]
) -> tuple[str, R | InputError]:
    """Name and result, or the refusal of this one file, whatever went wrong with it."""
    name, path = document
    try:
        with _Alarm(seconds):
            return name, function(name, path)
    except InputError as refusal:
        return name, refusal
    except TimeoutError:
        return name, refuse(
            name,
            f"a file that takes more than {seconds} seconds to read",
            "leave it out and report it",
        )
    except MemoryError:
        what = "a file that needs too much memory"
        return name, refuse(name, what, "leave it out and report it")
    except RecursionError:
        return name, refuse(name, "a file nested too deep", "leave it out and report it")
    except Exception as error:  # an unforeseen fault of one file must not stop the others
        return name, refuse(
            name,
            f"a file that could not be read ({type(error).__name__}: {error})",
            "report it with the file",
        )


class _Alarm:
    """Raise TimeoutError in this thread after some seconds, where the system can (not Windows)."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        self.usable = hasattr(signal, "SIGALRM")
        if self.usable:
            try:
                self.before = signal.signal(signal.SIGALRM, self._ring)
                signal.alarm(self.seconds)
            except ValueError:  # not in the main thread
                self.usable = False

    def __exit__(self, *_: object) -> None:
        if self.usable:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, self.before)

    @staticmethod
    def _ring(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError
