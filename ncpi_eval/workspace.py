"""The build's own folder: what pages have written so far, and the stamps that make compares.

Nothing here is published before everything is complete. Standard library only.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ncpi_eval import paths
from ncpi_eval.declarations import Page
from ncpi_eval.errors import BuildError

OUTPUTS = paths.ROOT / "outputs"
TREE = OUTPUTS / ".build"
STAMPS = TREE / "stamps"
STAGE = TREE / "stage"
KINDS = ("results", "tables", "figures", "html", "executed")
# Files beside these folders in a published report.
FRONT = (
    *("index.html", "manifest.json", "release.csv", "tables.xlsx"),
    *("changes.html", "quality.html"),
)

PARTIAL = ".partial"  # ends the name of what is being written
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room on the disk"),
    errno.EPIPE: "let what reads the output of make read it to its end",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "make outputs/ a folder that you may write"
    ),
}

CHANGED = " with changes"  # ends the commit's stamp when files differ from the commit

# What would make two builds of the same commit differ, held fixed for every page.
FIXED = {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONPATH": str(paths.ROOT),
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "LANG": "C.UTF-8",
    "COLUMNS": "100",
    "SOURCE_DATE_EPOCH": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MPLCONFIGDIR": str(paths.ROOT / ".venv" / "matplotlib"),
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
}

# Settings of whoever calls that could change a page, or keep Python from storing its bytecode.
FOREIGN = ("NCPI_EVAL_", "PYTHON", "IPYTHON", "JUPYTER_", "MPL", "MATPLOTLIB", "LC_", "LANGUAGE")

# Which numbers may be shown is decided by these (see disclosure.py); pages depend on them.
DISCLOSURE = ("NCPI_EVAL_PROFILE", "NCPI_EVAL_PROTECT_SYNTHETIC")


def stamp(name: str, content: Any) -> None:
    """Write a stamp unless it says this already."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    write_if_changed(STAMPS / name, text.encode())


def is_current(place: Path) -> bool:
    """Whether a link in outputs shows what is published, and not an extraction beside it."""
    return place.is_symlink() and os.readlink(place) == f"current/{place.name}"


def read_stamp(name: str) -> Any:
    """What a stamp says."""
    return json.loads((STAMPS / name).read_text(encoding="utf-8"))


def write_if_changed(path: Path, content: bytes) -> bool:
    """Write a file in one step, only if its content is another; whether it was written."""
    if path.is_file() and path.read_bytes() == content:
        return False
    write(path, content)
    return True


def write(path: Path, content: bytes) -> None:
    """Write a file in one step; when the disk is full, nothing is left of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def passing_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder, gone afterwards; those that killed processes have left go first.

    A folder is locked as long as the process lives that made it, so that one in use is told from
    one that was left. Whoever makes or clears one holds the lock of the parent folder.
    """
    import tempfile  # late: a build with nothing to do needs none

    with _locked_folder(parent, fcntl.LOCK_EX):
        for left in parent.glob(f"{prefix}*"):
            with suppress(OSError), _locked_folder(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        held = ExitStack()
        held.enter_context(_locked_folder(folder, fcntl.LOCK_EX))
    with held:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked_folder(folder: Path, how: int) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def refused(error: OSError) -> BuildError:
    """What the operating system would not do, as a build tells it."""
    file = str(error.filename or "a file").replace(f"{paths.ROOT}/", "")
    remedy = REMEDIES.get(error.errno or 0, "see to that")
    return BuildError(
        f"{file}: {error.strerror or error}. What to do: {remedy}, then run `make report` again; "
        "finished pages are kept, and what is published is untouched."
    )


def has_briefs() -> bool:
    """Whether pages of single forces stand beside the report."""
    return (OUTPUTS / "briefs" / "index.html").is_file()


def owned(stem: str) -> list[str]:
    """Files in the build tree that a page wrote, relative to the tree; none if it never ran."""
    try:
        return list(read_stamp(f"files/{stem}"))
    except (OSError, ValueError):
        return []


def folder_files(folder: Path) -> list[tuple[str, Path]]:
    """Name below a folder and path of each of its files, sorted by name.

    Hidden files are left out and links to folders are not followed, as `find_documents` has it.
    """
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths_here = (Path(place, name) for name in files if not name.startswith("."))
        found += [(path.relative_to(folder).as_posix(), path) for path in paths_here]
    return sorted(found)


def input_files(page: Page) -> list[str]:
    """Data files of a page, folders resolved, relative to the root; no parameters."""
    found: set[str] = set()
    for name in page.inputs:
        if name.startswith("{"):
            continue
        path = paths.ROOT / name
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        found |= {file.relative_to(paths.ROOT).as_posix() for file in files}
    return sorted(name for name in found if "/." not in name and "__pycache__" not in name)
