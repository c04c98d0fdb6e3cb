"""`make extract`: any folder, read alone; the published report stays as it is."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ncpi_eval.synthesis_documents.hostile import HOSTILE, write_hostile

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = (
    "document,kind,force,published,fieldwork_start,fieldwork_end,cases,good,requires_improvement,"
    "inadequate,recommendations,confidence,problems"
)
RECOMMENDATION = "document,number,text_span,time_scale,addressee,criterion,confidence"
LETTER = """<h1>Durham – National child protection inspection</h1>
<p>Published on: 3 March 2020</p>
<h2>Summary</h2>
<p>The fieldwork took place in October 2019. We examined 80 cases: 24 were good, 29 required
improvement and 27 were inadequate.</p>
<h2>Initial contact</h2>
<h3>Recommendation</h3>
<p>We recommend that, within three months, Durham Constabulary reviews its control room.</p>"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which no report was built."""
    folder = tmp_path_factory.mktemp("extract") / "clone"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, folder / name)
    hidden = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "ncpi_eval", folder / "ncpi_eval", ignore=hidden)
    for name in ("notebooks/report.toml", "data/coding/force_aliases.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / "data/synthetic/documents").mkdir(parents=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def make(clone: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "NCPI_EVAL", "GNUMAKEFLAGS"))
    }
    command = ["make", "-C", str(clone), "extract", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=plain | {"PWD": str(cwd)}, capture_output=True, text=True, timeout=300
    )


def header(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0]


def test_a_folder_elsewhere_with_spaces_is_read_before_any_report(
    clone: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "my own documents"
    folder.mkdir()
    (folder / "a page.html").write_text(LETTER, encoding="utf-8")
    done = make(clone, "DOCUMENTS=my own documents", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    results = clone / "outputs" / "results"
    assert header(results / "document_facts.csv") == DOCUMENT
    assert header(results / "recommendations.csv") == RECOMMENDATION
    with (results / "document_facts.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert [row[name] for name in DOCUMENT.split(",")[:11]] == (
        "a page.html,inspection,Durham,2020-03-03,2019-10,2019-10,80,24,29,27,1".split(",")
    )


def test_the_published_report_stays_and_comes_back(clone: Path, tmp_path: Path) -> None:
    outputs = clone / "outputs"
    shutil.rmtree(outputs, ignore_errors=True)
    published = outputs / ".published" / "1" / "results"
    published.mkdir(parents=True)
    (published / "document_facts.csv").write_text("published\n")
    (published / "survey.csv").write_text("survey\n")
    (outputs / "current").symlink_to(".published/1")
    (outputs / "results").symlink_to("current/results")
    (tmp_path / "a.html").write_text(LETTER, encoding="utf-8")
    for _ in range(2):
        assert make(clone, f"DOCUMENTS={tmp_path}", cwd=tmp_path).returncode == 0
    assert header(outputs / "results" / "document_facts.csv") == DOCUMENT
    assert (outputs / "results" / "survey.csv").read_text() == "survey\n"
    assert (published / "document_facts.csv").read_text() == "published\n"
    assert sorted(path.name for path in published.iterdir()) == ["document_facts.csv", "survey.csv"]
    assert len(list((outputs / ".extracted").iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["DOCUMENTS=nowhere"], "an existing folder"),
        (["DOCUMENTS="], "the path of a folder"),
        (["SURVEY=a.csv"], "make extract: found 'SURVEY'"),
        (["DOCUMENTS=$(shell touch danger)"], "an existing folder"),
    ],
)
def test_what_is_no_folder_is_refused_and_nothing_changes(
    clone: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    before = sorted((clone / "outputs").rglob("*")) if (clone / "outputs").is_dir() else []
    done = make(clone, *arguments, cwd=tmp_path)
    assert done.returncode != 0
    assert message in done.stderr
    assert not (clone / "danger").exists()
    after = sorted((clone / "outputs").rglob("*")) if (clone / "outputs").is_dir() else []
    assert after == before


def test_hostile_files_are_refused_by_name_and_the_others_go_on(
    clone: Path, tmp_path: Path
) -> None:
    shutil.rmtree(clone / "outputs", ignore_errors=True)
    folder = tmp_path / "hostile"
    folder.mkdir()
    write_hostile(folder)
    (folder / "loop").symlink_to(folder)
    with (folder / "zeros.txt").open("wb") as file:
        file.truncate(200_000_000)
    (folder / "new\nline.html").write_text(LETTER, encoding="utf-8")
    (folder / "zz-utf16.txt").write_bytes("Gwent Police – re-inspection".encode("utf-16"))
    (folder / "zz-sound.html").write_text(LETTER.replace("Durham", "Kent"), encoding="utf-8")
    done = make(clone, f"DOCUMENTS={folder}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (clone / "outputs/results/document_facts.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["document"]: row for row in csv.DictReader(file)}
    expected = HOSTILE | {"zeros.txt": "a file of 200 MB"}
    assert set(rows) == {*expected, r"new\nline.html", "zz-utf16.txt", "zz-sound.html"}
    for name, reason in expected.items():
        assert reason in rows[name]["problems"], name
        if rows[name]["problems"].startswith("refused"):
            assert f"{name}: refused" in done.stderr
    assert rows["zz-sound.html"]["force"] == "Kent"
    assert rows[r"new\nline.html"]["good"] == "24"
    assert "root:" not in (clone / "outputs/results/document_spans.csv").read_text("utf-8")


def test_a_real_folder_of_results_is_not_overwritten(clone: Path, tmp_path: Path) -> None:
    shutil.rmtree(clone / "outputs", ignore_errors=True)
    (clone / "outputs" / "results").mkdir(parents=True)
    (tmp_path / "a.html").write_text(LETTER, encoding="utf-8")
    done = make(clone, f"DOCUMENTS={tmp_path}", cwd=tmp_path)
    assert done.returncode != 0
    assert "move it away" in done.stderr
