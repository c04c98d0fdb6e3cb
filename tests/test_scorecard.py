"""The scorecard measures: what code can check fails on a repository without its subject."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ncpi_eval import declarations, paths, quality, side_pages, workspace
from ncpi_eval.quality import MET, NOT_MET, PERSON, Measured

RECORD = {"commit": "abc", "inputs": {"a": "b"}, "packages": {"a": "1"}, "lock": "c"} | {
    "parameters": {"wave": "2019"}
}
CHECKS = dict.fromkeys((criterion, check) for _, criterion, check in quality._CHECKS)


@pytest.fixture
def measured() -> Measured:
    return Measured(declarations.read(), workspace.OUTPUTS, RECORD)


@pytest.fixture
def empty(tmp_path: Path) -> Measured:
    site = declarations.Site("Nothing", (), ())
    return Measured(site, tmp_path, {"commit": "unknown"}, tmp_path)


def test_the_levels_have_the_number_of_checks_of_their_sources() -> None:
    levels = [level for level, _, _ in quality._CHECKS]
    # NHS RAP Community of Practice, "Levels of RAP"; Analysis Function, "at a minimum a RAP must"
    assert [levels.count(name) for name in quality.SOURCES] == [5, 9, 4, 7]


def test_an_empty_repository_meets_nothing(empty: Measured) -> None:
    for finding in quality.scorecard(empty):
        expected = PERSON if "review" in finding.criterion else NOT_MET
        assert finding.verdict == expected, finding
        assert finding.evidence.endswith(".")


def test_this_repository_meets_what_code_can_tell(measured: Measured) -> None:
    found = {f.criterion: f.verdict for f in quality.scorecard(measured)}
    for criterion in (
        "The code is under version control",
        "A README tells how to repeat the work, step by step",
        "Guidance, structure, methods and functions are documented",
        "The packages that it needs are listed",
        "Follows good practice of quality assurance",
    ):
        assert found[criterion] == MET, criterion


@pytest.mark.parametrize(
    ("outcome", "verdict"), [("open", PERSON), ("passed", MET), ("failed", NOT_MET)]
)
def test_a_review_is_what_a_person_wrote(outcome: str, verdict: str, empty: Measured) -> None:
    log = empty.root / "data" / "quality" / "log.csv"
    log.parent.mkdir(parents=True)
    log.write_text(
        "stage,activity,role,name,date,evidence,outcome\n"
        f"assurance,Peer review of the code,assurer,,,,{outcome}\n"
    )
    assert quality._reviewed(empty)[0] == verdict


def test_a_package_without_hash_is_seen(tmp_path: Path, empty: Measured) -> None:
    shutil.copy2(paths.ROOT / "requirements.lock", tmp_path / "requirements.lock")
    assert quality._dependencies(empty)[0] == MET
    with (tmp_path / "requirements.lock").open("a") as lock:
        lock.write("unpinned==1.0\n")
    assert quality._dependencies(empty)[0] == NOT_MET


def test_rows_that_share_an_id_are_not_tidy(tmp_path: Path, empty: Measured) -> None:
    (tmp_path / "results").mkdir()
    file = tmp_path / "results" / "one.csv"
    file.write_text("id,unit,data_kind\na,forces,public_record\nb,forces,public_record\n")
    assert quality._tidy(empty)[0] == MET
    file.write_text("id,unit,data_kind\na,forces,public_record\na,forces,public_record\n")
    assert quality._tidy(empty)[0] == NOT_MET


def test_the_log_speaks_of_the_four_roles_and_of_files_that_exist() -> None:
    rows = quality.read_log(paths.ROOT / "data" / "quality" / "log.csv")
    assert {row["role"] for row in rows} == set(quality.ROLES)
    assert {row["outcome"] for row in rows} <= {"open", "done", "passed", "failed"}
    assert all((paths.ROOT / row["evidence"]).exists() for row in rows)


def test_the_page_has_all_its_parts(measured: Measured) -> None:
    html = side_pages.render_quality(measured.site, measured)
    for part in ("baseline", "silver", "gold", "minimum", "assumptions", "quality-log"):
        assert f'<h2 id="{part}">' in html
    assert html.count("<caption>") == html.count("<table>") == 7
    assert "Self-selected" in html or "Respondents chose themselves" in html
    assert "lawful basis" in html and "<h3" in html
    assert "a person decides" in html
