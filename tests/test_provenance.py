"""The record of where a page comes from holds hashes and versions, and nothing of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from ncpi_eval import declarations, paths, provenance, workspace
from ncpi_eval.declarations import Page, Parameter, Site

# `printf abc | sha256sum`; also the first example of FIPS 180-2, appendix B.1
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A page of one data file, one file from elsewhere, one seed and one setting."""
    for module in (paths, declarations.paths):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    tree = tmp_path / "outputs" / ".build"
    for module in (workspace, provenance):
        monkeypatch.setattr(module, "TREE", tree)
    monkeypatch.setattr(workspace, "STAMPS", tree / "stamps")
    for name in ("data/a/x.csv", "notebooks/p.ipynb", "requirements.lock", "outputs/secret name"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("abc")
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["pandas>=3"]\n')
    (tree / "results").mkdir(parents=True)
    (tree / "results" / "one.csv").write_text("abc")
    link = tree / "inputs" / "survey" / "secret name"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "outputs" / "secret name")
    workspace.stamp("parameters/survey", {"value": "outputs/.build/inputs/survey/secret name"})
    workspace.stamp("parameters/draw_seed", {"value": 7})
    workspace.stamp("parameters/level", {"value": 0.9})
    page = Page(
        "p",
        "P",
        "Why?",
        parameters=("survey", "draw_seed", "level"),
        inputs=("{survey}", "data/a"),
        reads=("one",),
    )
    parameters = (
        Parameter("survey", "file", ""),
        Parameter("draw_seed", "integer", 1),
        Parameter("level", "number", 0.95),
    )
    return Site("T", (page,), parameters)


def test_everything_that_decides_a_page_is_recorded(site: Site) -> None:
    found = provenance.of_page(site, site.pages[0])
    assert found["inputs"] == {"data/a/x.csv": ABC, "secret name": ABC}
    assert found["reads"] == {"results/one.csv": ABC}
    assert found["parameters"] == {"survey": "secret name", "level": 0.9}
    assert found["seeds"] == {"draw_seed": 7}
    assert found["packages"] == {"pandas": pd.__version__}
    assert (found["notebook"], found["lock"]) == (ABC, ABC)


def test_nothing_of_this_machine_is_recorded(site: Site, tmp_path: Path) -> None:
    text = json.dumps(provenance.of_page(site, site.pages[0]))
    assert str(tmp_path) not in text
    assert "commit" not in text


@pytest.mark.parametrize(
    ("kind", "forces", "used"),
    [
        ("synthetic", "", ["data/synthetic/forces.csv"]),
        ("real", "", ["data/inspections/forces.csv"]),
        ("real", "data/a/x.csv", ["data/a/x.csv"]),
        ("synthetic", "data/a/x.csv", ["data/a/x.csv"]),
    ],
)
def test_only_the_force_table_that_was_used_is_recorded(
    site: Site, tmp_path: Path, kind: str, forces: str, used: list[str]
) -> None:
    tables = ("data/synthetic/forces.csv", "data/inspections/forces.csv")
    for name in tables:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("abc")
    folder = tmp_path / "stage"
    folder.mkdir()
    (folder / "people.csv").write_text(f"id,data_kind\n1,published\n2,{kind}\n")
    workspace.stamp("parameters/forces", {"value": forces})
    page = Page(
        "q", "Q", "Who?", parameters=("forces",), inputs=("{forces}", *tables), results=("people",)
    )
    assert list(provenance.inputs_of(page, folder)) == used
