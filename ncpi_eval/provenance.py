"""Say where a page came from: inputs, parameters, seeds, packages, lock.

Two builds of the same thing must give the same bytes, so nothing here knows a clock, a commit or a
path of this machine. The commit stands on the index and in the manifest, see `ncpi_eval.publish`.
"""

from __future__ import annotations

import csv
import hashlib
import os
import platform
import re
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ncpi_eval import paths
from ncpi_eval.declarations import PLACES, Page, Site, Value
from ncpi_eval.workspace import TREE, folder_files, input_files, read_stamp

# What a page reads where a parameter is blank: one of them, by the world of its people. A page that
# takes either kind of people declares all.
INVENTED = "data/synthetic/"
OF_REAL_FORCES = "data/inspections/forces.csv"
DEFAULTS = {
    "forces": (f"{INVENTED}forces.csv", OF_REAL_FORCES),
    "codes": (f"{INVENTED}open_text_themes.csv",),
}


def of_page(site: Site, page: Page, results: Path | None = None) -> dict[str, Any]:
    """Everything that decided what a page says.

    Parameters
    ----------
    site, page
        The declarations.
    results : Path, optional
        Where the page's results are, if they are not in the build tree yet.

    Returns
    -------
    dict
        ``inputs`` and ``reads``: file name to SHA-256; ``parameters`` and ``seeds``: name to value,
        where seeds are the parameters called ``seed`` or ``..._seed``; ``packages``: name to
        version of the direct dependencies; ``notebook`` and ``lock``: SHA-256; ``python``: version.
    """
    settings = settings_of(site, page)
    return {
        "notebook": sha256(page.notebook),
        "python": platform.python_version(),
        "lock": sha256(paths.ROOT / "requirements.lock"),
        "inputs": inputs_of(page, results),
        "reads": {
            f"results/{name}.csv": sha256(TREE / "results" / f"{name}.csv") for name in page.reads
        },
        "parameters": {name: settings[name] for name in settings if not _is_seed(name)},
        "seeds": {name: settings[name] for name in settings if _is_seed(name)},
        "packages": packages(),
    }


def settings_of(site: Site, page: Page) -> dict[str, Value]:
    """Values of a page's parameters, a file or folder elsewhere on this machine by its name."""
    settings: dict[str, Value] = {}
    for name in page.parameters:
        value: Value = read_stamp(f"parameters/{name}")["value"]
        is_place = site.parameter(name).type in PLACES
        settings[name] = without_machine(str(value)) if is_place else value
    return settings


def inputs_of(page: Page, results: Path | None = None) -> dict[str, str]:
    """Name and SHA-256 of each data file that a page used, files given by parameters included.

    A file outside the repository goes by its file name alone; a folder given by a parameter has
    one SHA-256, of the names and contents of all its files.
    """
    files = {name: paths.ROOT / name for name in input_files(page)}
    unused = _unused(page, list(files), results or TREE / "results")
    files = {name: path for name, path in files.items() if name not in unused}
    for name in page.inputs:
        if name.startswith("{"):
            value = read_stamp(f"parameters/{name.strip('{}')}")["value"]
            if value:
                files[without_machine(value)] = paths.ROOT / value
    return {
        name: _folder_sha256(files[name]) if files[name].is_dir() else sha256(files[name])
        for name in sorted(files)
    }


def _unused(page: Page, names: list[str], results: Path) -> list[str]:
    """Tables that the page declares and this run did without."""
    given = [
        name
        for parameter in set(page.parameters) & set(DEFAULTS)
        if read_stamp(f"parameters/{parameter}")["value"]
        for name in DEFAULTS[parameter]
    ]
    invented = [name for name in names if name.startswith(INVENTED)]
    if not invented or OF_REAL_FORCES not in names:
        return given
    is_invented = any(map(_has_synthetic_rows, (results / f"{name}.csv" for name in page.results)))
    return [*given, *([OF_REAL_FORCES] if is_invented else invented)]


def _has_synthetic_rows(path: Path) -> bool:
    with path.open(encoding="utf-8", newline="") as handle:
        return any(row.get("data_kind") == "synthetic" for row in csv.DictReader(handle))


def _folder_sha256(folder: Path) -> str:
    """SHA-256 of the names and contents of a folder's files; one that cannot be read says so."""
    whole = hashlib.sha256()
    for name, path in folder_files(folder):
        try:
            content = sha256(path) if path.is_file() else "not a file"
        except OSError:
            content = "unreadable"
        whole.update(os.fsencode(name) + b"\0" + content.encode() + b"\n")
    return whole.hexdigest()


def packages() -> dict[str, str]:
    """Installed version of each direct dependency that pyproject.toml names, in its order."""
    return _installed((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def _installed(pyproject: str) -> dict[str, str]:
    project = tomllib.loads(pyproject)["project"]
    names = [re.split(r"[^A-Za-z0-9._-]", line)[0] for line in project["dependencies"]]
    return {name: metadata.version(name) for name in names}


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _is_seed(name: str) -> bool:
    return name == "seed" or name.endswith("_seed")


def without_machine(value: str) -> str:
    """Path of a file as readers may see it: the link that stands for a file elsewhere is cut."""
    link = (TREE / "inputs").relative_to(paths.ROOT).as_posix()
    return Path(value).name if value.startswith(link) else value
