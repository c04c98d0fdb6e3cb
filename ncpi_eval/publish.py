"""Publish a finished build tree in one step.

Everything is copied into a new folder first; then one link is swapped. A reader sees the report
before or the report after, never a mixture, whatever happens in between.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from ncpi_eval import paths, provenance
from ncpi_eval.declarations import Site
from ncpi_eval.workspace import KINDS, OUTPUTS, STAMPS, TREE, owned, read_stamp, stamp

PUBLISHED = OUTPUTS / ".published"


def publish(site: Site) -> None:
    """Copy the tree, write index and manifest, swap the link, remove the folder before."""
    from ncpi_eval import render

    record = manifest(site)
    folder = PUBLISHED / str(1 + max((_number(path) for path in PUBLISHED.glob("*")), default=0))
    partial = PUBLISHED / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    for page in site.pages:
        for name in owned(page.stem):
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TREE / name, partial / name)
    for kind in KINDS:
        (partial / kind).mkdir(parents=True, exist_ok=True)
    index = render.render_index(site, TREE, record)
    (partial / "index.html").write_text(index, encoding="utf-8", newline="\n")
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (partial / "manifest.json").write_text(text, encoding="utf-8", newline="\n")
    partial.rename(folder)
    link(OUTPUTS / "current", f".published/{folder.name}")
    for name in (*KINDS, "index.html", "manifest.json"):
        link(OUTPUTS / name, f"current/{name}")
    for path in PUBLISHED.glob("*"):
        if path != folder:
            shutil.rmtree(path, ignore_errors=True)
    stamp("published", folder.name)
    os.utime(STAMPS / "published")


def manifest(site: Site) -> dict[str, Any]:
    """The whole report's provenance, with what only this file and the index say: the commit."""
    commit = str(read_stamp("commit"))
    inputs = {
        entry["name"]: entry["sha256"]
        for page in site.pages
        for entry in provenance.inputs_of(page)
    }
    pages = {page.stem: provenance.of_page(site, page) for page in site.pages}
    parameters = {
        setting["name"]: setting["value"]
        for record in pages.values()
        for setting in (*record["parameters"], *record["seeds"])
    }
    files = sorted(name for page in site.pages for name in owned(page.stem))
    return {
        "title": site.title,
        "commit": commit.split(" ")[0],
        "dirty": commit.endswith("with changes"),
        "parameters": dict(sorted(parameters.items())),
        "inputs": dict(sorted(inputs.items())),
        "python": provenance.platform.python_version(),
        "packages": {entry["name"]: entry["version"] for entry in provenance.packages()},
        "lock": provenance.sha256(paths.ROOT / "requirements.lock"),
        "files": {name: provenance.sha256(TREE / name) for name in files},
    }


def link(place: Path, target: str) -> None:
    """Make a link, or point it elsewhere, in one step."""
    if place.is_symlink() and os.readlink(place) == target:
        return
    partial = place.with_name(place.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(place)


def _number(path: Path) -> int:
    return int(path.name) if path.name.isdigit() else 0
