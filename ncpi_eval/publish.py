"""Publish a finished build tree in one step.

Everything is copied into a new folder first; then one link is swapped. A reader sees the report
before or the report after, never a mixture, whatever happens in between.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ncpi_eval import paths, provenance, workspace
from ncpi_eval.declarations import Site, Value
from ncpi_eval.workspace import (
    FRONT,
    KINDS,
    OUTPUTS,
    PARTIAL,
    STAMPS,
    TREE,
    owned,
    read_stamp,
    stamp,
)

PUBLISHED = OUTPUTS / ".published"
EXTRACTED = OUTPUTS / ".extracted"
CURRENT = OUTPUTS / "current"


def publish(site: Site) -> None:
    """Copy the tree, write what goes with it, swap the link.

    The folder before stays until the next time, for whoever is reading it.
    """
    before = PUBLISHED / Path(os.readlink(CURRENT)).name if CURRENT.is_symlink() else None
    folder = PUBLISHED / str(1 + max((_number(path) for path in PUBLISHED.glob("*")), default=0))
    partial = PUBLISHED / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _fill(partial, site)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    link(CURRENT, f".published/{folder.name}")
    for name in (*KINDS, *FRONT):
        link(OUTPUTS / name, f"current/{name}")
    shutil.rmtree(EXTRACTED, ignore_errors=True)
    for path in PUBLISHED.glob("*"):
        if path not in (folder, before):
            shutil.rmtree(path, ignore_errors=True)
    stamp("published", folder.name)
    os.utime(STAMPS / "published")


def _fill(folder: Path, site: Site) -> None:
    """Copy what the pages wrote, write index, manifest and workbook, and refuse what may leak.

    The manifest comes last, because it has a hash of every other file.
    """
    from ncpi_eval import front, release, scanner

    record = manifest(site)
    for page in site.pages:
        for name in owned(page.stem):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TREE / name, folder / name)
    for kind in KINDS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
    front.write(site, TREE, folder, record)
    release.write(folder)
    text = json.dumps({**record, "files": _hashes(folder)}, indent=1, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8", newline="\n")
    scanner.refuse(folder)


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its name there."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: provenance.sha256(files[name]) for name in sorted(files) if files[name].is_file()}


def manifest(site: Site) -> dict[str, Any]:
    """The whole report's provenance, with what only the manifest and the index say: the commit."""
    commit = str(read_stamp("commit"))
    inputs: dict[str, str] = {}
    settings: dict[str, Value] = {}
    for page in site.pages:
        inputs |= provenance.inputs_of(page)
        settings |= provenance.settings_of(site, page)
    return {
        "commit": commit.removesuffix(workspace.CHANGED),
        "uncommitted_changes": commit.endswith(workspace.CHANGED),
        "python": platform.python_version(),
        "lock": provenance.sha256(paths.ROOT / "requirements.lock"),
        "parameters": dict(sorted(settings.items())),
        "inputs": dict(sorted(inputs.items())),
        "packages": provenance.packages(),
    }


@contextmanager
def fresh_extraction() -> Iterator[Path]:
    """A new folder for the tables of `make extract`; gone again unless they were shown."""
    OUTPUTS.mkdir(exist_ok=True)
    with workspace.passing_folder(OUTPUTS, ".extracting-") as partial:
        yield partial


def show_extraction(partial: Path) -> None:
    """Let outputs/results show these tables, and what else is published beside them.

    The published folder and its manifest stay as they are: outputs/results becomes a link to a
    folder of its own, until the report is published again.
    """
    folder = EXTRACTED / str(1 + max((_number(path) for path in EXTRACTED.glob("*")), default=0))
    folder.mkdir(parents=True)
    for path in (OUTPUTS / "current" / "results").glob("*"):
        (folder / path.name).symlink_to(f"../../current/results/{path.name}")
    for path in partial.glob("*"):
        path.replace(folder / path.name)
    link(OUTPUTS / "results", f".extracted/{folder.name}")
    for path in EXTRACTED.glob("*"):
        if path != folder:
            shutil.rmtree(path, ignore_errors=True)


def link(place: Path, target: str) -> None:
    """Make a link, or point it elsewhere, in one step."""
    if place.is_symlink() and os.readlink(place) == target:
        return
    partial = place.with_name(place.name + PARTIAL)
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(place)


def _number(path: Path) -> int:
    return int(path.name) if path.name.isdigit() else 0
