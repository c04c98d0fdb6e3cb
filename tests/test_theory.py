"""Judgements of the theory-based page: what they rest on, and a strength that nobody can type."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from ncpi_eval import paths, results
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import theory as weighed
from ncpi_eval.intake import theory


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "theory"
    shutil.copytree(paths.data("theory"), copy)
    monkeypatch.setattr(theory.paths, "data", lambda *parts: tmp_path.joinpath(*parts))
    return copy


def test_the_committed_judgements_can_be_weighed() -> None:
    given = theory.read_theory()
    assert sum(given.prior().values()) == pytest.approx(1)
    assert set(given.clues["data_kind"]) <= {"published", "public_record", ""}
    assert not (given.clues["found"].ne("not_looked") & given.clues["evidence"].eq("")).any()


@pytest.mark.parametrize(("name", "row"), [("clues", 0), ("configurations", 2)])
def test_a_synthetic_row_carries_no_conclusion(folder: Path, name: str, row: int) -> None:
    frame = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
    frame.loc[row, "data_kind"] = "synthetic"
    frame.to_csv(folder / f"{name}.csv", index=False)
    with pytest.raises(InputError) as refused:
        theory.read_theory()
    assert f"{name}.csv, row {row + 1}" in str(refused.value)
    assert "found synthetic; expected published" in str(refused.value)


def test_a_number_that_is_none_and_a_missing_column_are_named(folder: Path) -> None:
    path = folder / "likelihoods.csv"
    frame = pd.read_csv(path, dtype=str)
    frame.loc[3, "likely"] = "often"
    frame.to_csv(path, index=False)
    with pytest.raises(InputError, match="row 4, column likely"):
        theory.read_theory()
    frame.drop(columns="high").to_csv(path, index=False)
    with pytest.raises(InputError, match="no column high"):
        theory.read_theory()


@pytest.mark.parametrize(
    ("supports", "against", "answered", "expected"),
    [
        ("published_figures#a framework_extracts#b", "", True, "strong"),
        ("published_figures#a framework_extracts#b", "", False, "moderate"),
        ("published_figures#a", "", True, "moderate"),
        ("published_figures#a published_figures#b", "", False, "weak"),  # one kind of evidence
        ("published_figures#a framework_extracts#b", "did_decision#c", True, "weak"),
        ("", "did_decision#c", True, "none"),
    ],
)
def test_strength_follows_from_evidence(
    supports: str, against: str, answered: bool, expected: str
) -> None:
    assert weighed.strength(supports, against, answered) == expected


def test_claims_stand_on_nodes_of_the_logic_model() -> None:
    nodes = pd.read_csv(paths.data("logic_model", "nodes.csv"))
    claims = weighed.contribution(theory.read_theory().claims, nodes)
    assert claims["link"].str.contains(", then: ").all()
    assert set(claims["strength"]) <= set(weighed.STRENGTHS)
    lowest = weighed.weakest(claims)
    assert lowest["strength"].nunique() == 1
    with pytest.raises(InputError, match="claim.known"):
        weighed.contribution(theory.read_theory().claims, nodes.iloc[:0])


def test_every_reference_is_well_formed() -> None:
    given = theory.read_theory()
    texts = [*given.clues["evidence"], *given.configurations["evidence"]]
    texts += [*given.claims["supports"], *given.claims["against"]]
    assert sum(len(results.references(text)) for text in texts) > 40
