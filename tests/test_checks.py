"""`make check` finds what it says it finds: planted faults, one of each kind."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ncpi_eval import checks, dependencies
from ncpi_eval.declarations import Page, Parameter, Site

SITE = Site(
    "T", (Page("01-a", "A", "Why?", parameters=("size",)),), (Parameter("size", "integer", 1),)
)


def cell(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"c{abs(len(source))}",
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


NOTEBOOK = {
    "cells": [cell("size = 1", "parameters"), cell("print(size)")],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def found(folder: Path, notebook: dict[str, Any], name: str = "01-a") -> list[str]:
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return checks.notebook_problems(SITE, folder)


def test_a_clean_notebook_passes(tmp_path: Path) -> None:
    assert found(tmp_path, NOTEBOOK) == []


@pytest.mark.parametrize(
    ("number", "change", "message"),
    [
        (1, {"execution_count": 3}, "01-a.ipynb: cell 2 has outputs; clear them before committing"),
        (
            1,
            {"outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}]},
            "01-a.ipynb: cell 2 has outputs; clear them before committing",
        ),
        (
            1,
            {"metadata": {"papermill": {"duration": 1}}},
            "01-a.ipynb: cell 2 has traces of a run in its metadata; clear them",
        ),
        (1, {"source": "!ls"}, "01-a.ipynb: code cell 2 runs a shell command; use Python instead"),
        (
            0,
            {"source": "size = 2"},
            "01-a.ipynb: its parameters cell sets size = 2, report.toml 1",
        ),
        (0, {"source": "pass"}, "01-a.ipynb: its parameters cell does not set size"),
        (
            0,
            {"source": "size = 1\nother = 2"},
            "01-a.ipynb: its parameters cell sets other, which report.toml does not declare",
        ),
        (
            0,
            {"metadata": {}},
            "01-a.ipynb: it has 0 cells tagged `parameters`; expected exactly one",
        ),
    ],
)
def test_each_fault_is_named(
    tmp_path: Path, number: int, change: dict[str, Any], message: str
) -> None:
    notebook = copy.deepcopy(NOTEBOOK)
    notebook["cells"][number] |= change  # type: ignore[index]
    assert found(tmp_path, notebook) == [message]


def test_every_notebook_is_declared_or_set_apart(tmp_path: Path) -> None:
    notebook = {**NOTEBOOK, "cells": []}
    expected = ["02-b.ipynb: report.toml neither declares it nor lists it in not_pages"]
    assert found(tmp_path, notebook, "02-b") == expected


# The import map

MAP = """
| layer | modules | responsibility |
|---|---|---|
| top | {top} | all the rest |
| base | {base} | what they lean on |

| layer of something else | x |
"""


def the_map(base: set[str], missing: str = "") -> str:
    every = {name.split(".")[1] for name in dependencies.modules() if "." in name} - {missing}
    names = {"top": every - base, "base": base}
    return MAP.format(**{key: ", ".join(f"`{n}`" for n in sorted(names[key])) for key in names})


def test_the_map_of_the_layers_is_read_from_the_table() -> None:
    assert checks.import_map(MAP.format(top="`a`, `b_c`", base="`d`")) == [
        ("top", ["a", "b_c"]),
        ("base", ["d"]),
    ]


def test_imports_that_point_down_are_good() -> None:
    assert checks.import_problems(the_map({"errors", "paths"})) == []


def test_an_import_that_points_up_is_named() -> None:
    problems = checks.import_problems(the_map({"declarations"}))
    message = "imports ncpi_eval.errors, which is in a layer above it"
    assert f"ncpi_eval.declarations {message}" in problems


def test_a_module_that_the_map_lacks_is_named() -> None:
    text = the_map({"paths"}, missing="errors") + ""
    assert checks.import_problems(text) == ["ARCHITECTURE.md does not list errors"]
    gone = the_map({"errors", "nothing"})
    assert checks.import_problems(gone) == ["ARCHITECTURE.md lists nothing, gone"]


# What the imports are read from


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import pandas", set()),
        ("from ncpi_eval.errors import InputError", {"ncpi_eval.errors"}),
        ("from ncpi_eval import errors, paths", {"ncpi_eval.errors", "ncpi_eval.paths"}),
        ("import ncpi_eval.paths as p", {"ncpi_eval.paths"}),
        ("def f():\n    from ncpi_eval import paths", {"ncpi_eval.paths"}),
        ("importlib.import_module('ncpi_eval.paths')", {"ncpi_eval.paths"}),
        ("not python at all", set()),
    ],
)
def test_imports_of_a_cell(source: str, modules: set[str]) -> None:
    assert dependencies.imports_of(source) == modules


def test_relative_imports_and_lazy_names() -> None:
    assert dependencies.imports_of("from .. import errors", "ncpi_eval.survey.x") == {
        "ncpi_eval.errors"
    }
    assert dependencies.imports_of("import ncpi_eval") == set(dependencies.modules())
    # `say` is no module: __init__ hands it out of prose
    assert "ncpi_eval.prose" in dependencies.imports_of("from ncpi_eval import say")


def test_a_closure_follows_imports_and_packages() -> None:
    names = [path.name for path in dependencies.closure(["ncpi_eval.declarations"])]
    assert names == ["__init__.py", "declarations.py", "errors.py", "paths.py"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("pickle.load(open('x', 'rb'))", "S301"),
        ("pandas.read_pickle('x')", "S301"),
        ("marshal.loads(b'')", "S302"),
        ("eval(text)", "S307"),
        ("exec(text)", "S102"),
        ("subprocess.run(text, shell=True)", "S602"),
        ("os.system(text)", "S605"),
        ("os.popen(text)", "S605"),
        ("yaml.load(text)", "S506"),
        ("jinja2.Environment()", "S701"),
        ("xml.etree.ElementTree.parse('x')", "S314"),
    ],
)
def test_lint_refuses_what_runs_or_unpickles_text(tmp_path, line, rule):
    path = tmp_path / "planted.py"
    module = line.partition("(")[0].rpartition(".")[0]
    path.write_text(f"import {module}\n{line}\n" if module else f"text = ''\n{line}\n")
    config = f"--config={checks.paths.ROOT / 'pyproject.toml'}"
    found = checks.tool("ruff", "check", *checks.BRIEF, config, str(path))
    assert any(f" {rule} " in problem for problem in found), found
