"""Hold the repository to its own rules: ``make check``.

Everything is run and everything that is wrong is said, before the exit code: lint, format and types
by their tools; notebooks committed without outputs and without typed numbers; parameters cells that
agree with report.toml; imports that follow the map of ARCHITECTURE.md; no count of people in the
qualitative strand.
"""

from __future__ import annotations

import ast
import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from ncpi_eval import declarations, dependencies, execute, notebook_prose, paths
from ncpi_eval.declarations import Site
from ncpi_eval.errors import NcpiError
from ncpi_eval.evidence import counts_of_people

BRIEF = ("--quiet", "--output-format=concise")
FOLDERS = ("ncpi_eval", "tests", "notebooks", "benchmarks")


def main() -> int:
    """Run every check; the exit code is 0 only if nothing was found."""
    checks: dict[str, Callable[[], list[str]]] = {
        "lint": lambda: tool("ruff", "check", *BRIEF, *_folders()),
        "format": lambda: tool("ruff", "format", "--check", *BRIEF, *_folders()),
        "types": lambda: tool("mypy", "--no-error-summary"),
        "notebooks": lambda: notebook_problems(declarations.read()),
        "typed numbers": lambda: notebook_prose.unused(paths.ROOT / "notebooks"),
        "import map": import_problems,
        "counts of people": people_problems,
    }
    failed = False
    for name, check in checks.items():
        try:
            found = check()
        except NcpiError as error:
            found = str(error).splitlines()
        failed = failed or bool(found)
        print(f"{name}: {'found' if found else 'good'}", flush=True)
        for line in found:
            print(f"  {line}", flush=True)
    return int(failed)


def _folders() -> list[str]:
    return [name for name in FOLDERS if (paths.ROOT / name).is_dir()]


def tool(*command: str) -> list[str]:
    """What a tool of this environment complains about, line by line; nothing if it is content."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=paths.ROOT, capture_output=True, text=True
    )
    lines = (done.stdout + done.stderr).splitlines()
    return (lines or [f"{command[0]} ended with {done.returncode}"]) if done.returncode else []


# Notebooks


def notebook_problems(site: Site, folder: Path | None = None) -> list[str]:
    """What is wrong with the notebooks as they are committed.

    Parameters
    ----------
    site : Site
        The declarations.
    folder : Path, optional
        Where the notebooks are; ``notebooks/`` if not given.

    Returns
    -------
    list of str
        One line per problem, with the notebook and the cell.
    """
    folder = folder or paths.ROOT / "notebooks"
    problems = []
    declared = {page.stem: page for page in site.pages}
    for path in sorted(folder.glob("*.ipynb")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            problems.append(f"{path.name}: not a notebook ({error})")
            continue
        found = output_problems(content) + notebook_prose.problems(content["cells"], path.stem)
        if path.stem in declared:
            notebook = nbformat.read(path, as_version=4)
            found += execute.parameter_problems(notebook, declared[path.stem])
            found += execute.shell_problems(notebook)
            found += default_problems(site, notebook)
        elif path.stem not in site.not_pages:
            found.append("report.toml neither declares it nor lists it in not_pages")
        problems += [f"{path.name}: {line}" for line in found]
    return problems


def output_problems(notebook: dict[str, Any]) -> list[str]:
    """Outputs, counts and traces of runs, which do not belong into a commit."""
    problems = []
    for number, cell in enumerate(notebook.get("cells", []), start=1):
        if cell.get("outputs") or cell.get("execution_count") is not None:
            problems.append(f"cell {number} has outputs; clear them before committing")
        if {"papermill", "execution"} & set(cell.get("metadata", {})):
            problems.append(f"cell {number} has traces of a run in its metadata; clear them")
    if {"papermill", "widgets"} & set(notebook.get("metadata", {})):
        problems.append("its metadata has traces of a run; clear them")
    return problems


def default_problems(site: Site, notebook: nbformat.NotebookNode) -> list[str]:
    """Defaults in the parameters cell that differ from report.toml."""
    problems = []
    for cell in execute.parameter_cells(notebook):
        for name, value in execute.defaults_of(cell.source).items():
            expected = {parameter.name: parameter.default for parameter in site.parameters}
            if name in expected and value != expected[name]:
                problems.append(
                    f"its parameters cell sets {name} = {value!r}, report.toml {expected[name]!r}"
                )
    return problems


# Counts of people in the qualitative strand


QUALITATIVE = "10-framework"
#: The one cell that says how many were spoken to.
SAMPLE = "achieved-sample"


def people_problems() -> list[str]:
    """Words that count people in the notebook, findings and summaries of the qualitative strand.

    The tables that people write, and what the notebook says in markdown and in the strings of its
    code; the cell tagged ``achieved-sample`` is the declared exception. What somebody said in a
    transcript is no finding and is left alone.
    """
    path = paths.ROOT / "notebooks" / f"{QUALITATIVE}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    found = [f"{path.name}: {line}" for line in people_counted(notebook)]
    tables = {
        "coding/framework_published.csv": ("subtheme", "summary"),
        "coding/framework_themes.csv": ("label",),
        "coding/framework_groups.csv": ("label",),
        "coding/topic_guide.csv": ("label", "covers"),
        "synthetic/transcripts/summaries.csv": ("summary",),
    }
    for name, columns in tables.items():
        with paths.data(*name.split("/")).open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=1):
                text = ". ".join(row[column] for column in columns)
                found += _told(f"data/{name}, row {number}", text)
    return found


def people_counted(notebook: dict[str, Any]) -> list[str]:
    """Cells of a notebook that count people, with the phrases; not the achieved sample's."""
    found = []
    for number, cell in enumerate(notebook["cells"], start=1):
        if SAMPLE in cell["metadata"].get("tags", []):
            continue
        source = "".join(cell["source"])
        texts = [source] if cell["cell_type"] == "markdown" else _strings(source)
        found += _told(f"cell {number}", "\n".join(texts))
    return found


def _strings(code: str) -> list[str]:
    nodes = ast.walk(ast.parse(code))
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def _told(place: str, text: str) -> list[str]:
    phrases = counts_of_people.phrases(text)
    return [f"{place} counts people: {', '.join(map(repr, phrases))}"] if phrases else []


# The import map


def import_map(text: str) -> list[tuple[str, list[str]]]:
    """Layers from the top and their modules, from the table in ARCHITECTURE.md.

    Parameters
    ----------
    text : str
        Content of ARCHITECTURE.md; the table is the one whose first column is called ``layer``,
        and its second column has the modules in backticks.
    """
    layers: list[tuple[str, list[str]]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == "layer":
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            layers.append((cells[0], re.findall(r"`([a-z_]+)`", cells[1])))
    return layers


def import_problems(text: str | None = None) -> list[str]:
    """Modules that the map lacks or has in vain, and imports that point up.

    Parameters
    ----------
    text : str, optional
        The map; ARCHITECTURE.md's if not given.
    """
    if text is None:
        text = (paths.ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    layers = import_map(text)
    height = {
        module: len(layers) - place
        for place, (_, modules) in enumerate(layers)
        for module in modules
    }
    present = {_top(name) for name in dependencies.modules()} - {""}
    problems = [f"ARCHITECTURE.md does not list {name}" for name in sorted(present - set(height))]
    problems += [f"ARCHITECTURE.md lists {name}, gone" for name in sorted(set(height) - present)]
    for name in sorted(dependencies.modules()):
        for other in sorted(dependencies.direct(name)):
            low, high = height.get(_top(name), 0), height.get(_top(other), 0)
            if _top(name) and low and high > low:
                problems.append(f"{name} imports {other}, which is in a layer above it")
    return problems


def _top(module: str) -> str:
    """First part of a module's name below the package; blank for the package itself."""
    return (module.split(".") + [""])[1]


if __name__ == "__main__":
    sys.exit(main())
