"""Say where a page came from: inputs, parameters, seeds, packages, lock.

Two builds of the same thing must give the same bytes, so nothing here knows a clock, a commit or a
path of this machine. The commit stands on the index and in the manifest, see `ncpi_eval.publish`.
"""

from __future__ import annotations

import hashlib
import platform
import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from ncpi_eval import paths
from ncpi_eval.declarations import Page, Site
from ncpi_eval.workspace import TREE, input_files, read_stamp


def of_page(site: Site, page: Page) -> dict[str, Any]:
    """Everything that decided what a page says.

    Parameters
    ----------
    site, page
        The declarations.

    Returns
    -------
    dict
        ``inputs`` and ``reads``: list of {name, sha256}; ``parameters`` and ``seeds``: list of
        {name, value}, where seeds are the parameters called ``seed`` or ``..._seed``;
        ``packages``: list of {name, version} of the direct dependencies; ``python``: version;
        ``lock``: SHA-256 of requirements.lock; ``notebook``: SHA-256 of the notebook.
    """
    states = {name: read_stamp(f"parameters/{name}") for name in page.parameters}
    settings = [{"name": name, "value": state["value"]} for name, state in states.items()]
    for setting in settings:
        if site.parameter(setting["name"]).type == "file":
            setting["value"] = _without_machine(setting["value"])
    return {
        "notebook": sha256(page.notebook),
        "inputs": inputs_of(page),
        "reads": [
            {"name": f"results/{name}.csv", "sha256": sha256(TREE / "results" / f"{name}.csv")}
            for name in page.reads
        ],
        "parameters": [setting for setting in settings if not _is_seed(setting["name"])],
        "seeds": [setting for setting in settings if _is_seed(setting["name"])],
        "packages": packages(),
        "python": platform.python_version(),
        "lock": sha256(paths.ROOT / "requirements.lock"),
    }


def inputs_of(page: Page) -> list[dict[str, str]]:
    """Name and hash of each data file that a page declares, files given by parameters included.

    A file outside the repository goes by its file name alone.
    """
    files = {name: paths.ROOT / name for name in input_files(page)}
    for name in page.inputs:
        if name.startswith("{"):
            value = read_stamp(f"parameters/{name.strip('{}')}")["value"]
            if value:
                files[_without_machine(value)] = paths.ROOT / value
    return [{"name": name, "sha256": sha256(files[name])} for name in sorted(files)]


def packages() -> list[dict[str, str]]:
    """Installed version of each direct dependency that pyproject.toml names, in its order."""
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[^A-Za-z0-9._-]", line)[0] for line in project["dependencies"]]
    return [{"name": name, "version": metadata.version(name)} for name in names]


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _is_seed(name: str) -> bool:
    return name == "seed" or name.endswith("_seed")


def _without_machine(value: str) -> str:
    """Path of a file as readers may see it: the link that stands for a file elsewhere is cut."""
    link = (TREE / "inputs").relative_to(paths.ROOT).as_posix()
    return Path(value).name if value.startswith(link) else value
