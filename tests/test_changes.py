"""Accepted numbers are kept small, and what differs from them is shown side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from ncpi_eval import changes, declarations, side_pages
from ncpi_eval.changes import Change

BEFORE = """id,label,count,estimate,method
a,Yes,12,0.25,Wilson
b,No,36,0.75,Wilson
gone,?,1,0.5,Wilson
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    results, expected = tmp_path / "results", tmp_path / "expected"
    results.mkdir()
    (results / "one.csv").write_text(BEFORE)
    (results / "same.csv").write_text("id,count\nx,1\n")
    changes.accept(results, expected)
    return results, expected


def test_what_is_accepted_leaves_out_words(folders: tuple[Path, Path]) -> None:
    _, expected = folders
    assert (expected / "one.csv").read_text() == (
        "id,count,estimate\na,12,0.25\nb,36,0.75\ngone,1,0.5\n"
    )


def test_nothing_changed_says_so(folders: tuple[Path, Path]) -> None:
    found = changes.compare(*folders)
    assert found is not None and changes.number_of(found) == 0
    assert changes.in_short(found) == "No reported number changed since the results were accepted"


def test_changed_new_and_removed_are_found(folders: tuple[Path, Path]) -> None:
    results, expected = folders
    after = BEFORE.replace("a,Yes,12,0.25", "a,Indeed,13,0.250000000000001")
    (results / "one.csv").write_text(after.replace("gone,?,", "new,?,") + "more,?,2,,Wilson\n")
    found = changes.compare(results, expected)
    assert found is not None
    # A changed label is no changed number, nor is a last digit; 13 is not 12.
    assert found.changed == (Change("one.csv", "a", "count", "12", "13"),)
    assert (found.added, found.removed) == ({"one.csv": 2}, {"one.csv": 1})
    assert changes.in_short(found) == (
        "1 reported number changed, 2 rows new, 1 row removed since they were accepted"
    )


def test_a_number_withheld_or_a_file_gone_is_a_change(folders: tuple[Path, Path]) -> None:
    results, expected = folders
    (results / "one.csv").write_text(BEFORE.replace("36,0.75", ",0.75"))
    (results / "same.csv").unlink()
    found = changes.compare(results, expected)
    assert found is not None
    assert found.changed == (Change("one.csv", "b", "count", "36", ""),)
    assert found.removed == {"same.csv": 1}


def test_the_page_shows_old_and_new_side_by_side(folders: tuple[Path, Path]) -> None:
    results, expected = folders
    (results / "one.csv").write_text(BEFORE.replace("12,0.25", "<b>,0.26"))
    found = changes.compare(results, expected)
    site = declarations.read()
    html = side_pages.render_changes(site, found, [], "Invented.")
    assert "2 reported numbers changed since they were accepted" in html
    assert '<a href="html/data-one.html#a">a</a>' in html
    assert '<td class="number">0.25</td><td class="number">0.26</td>' in html
    assert "&lt;b&gt;" in html and "<td><b>" not in html
    assert html == side_pages.render_changes(site, found, [], "Invented.")


def test_nothing_accepted_and_other_parameters_are_said(tmp_path: Path) -> None:
    assert changes.compare(tmp_path, tmp_path / "none") is None
    site = declarations.read()
    assert "make accept" in side_pages.render_changes(site, None, [], "")
    html = side_pages.render_changes(site, None, ["SURVEY=mine.csv"], "")
    assert "made with SURVEY=mine.csv" in html and "nothing is compared" in html


def test_parameters_other_than_the_defaults_are_named() -> None:
    site = declarations.read()
    defaults = {parameter.name: parameter.default for parameter in site.parameters}
    assert not [x for x in changes.not_default(site, defaults) if "=" in x]
    assert "SURVEY=mine.csv" in changes.not_default(site, defaults | {"survey": "mine.csv"})
