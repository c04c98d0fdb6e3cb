"""The build on a report of four pages (tests/fixtures/report): what is rebuilt, refused, kept."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from ncpi_eval import errors, execute, machine

ROOT = Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "tests" / "fixtures" / "report"
ALL = {"01-numbers", "02-ratio", "03-picture", "04-alone"}


@dataclass(frozen=True)
class Outcome:
    """What one call of make did."""

    code: int
    text: str

    @property
    def built(self) -> set[str]:
        """Pages that were finished."""
        return {line.split(":")[0] for line in self.text.splitlines() if ": done in" in line}


@dataclass(frozen=True)
class Project:
    """A copy of the fixture report with this package's build."""

    folder: Path

    def make(self, *arguments: str, cwd: Path | None = None, **environment: str) -> Outcome:
        plain = {name: value for name, value in os.environ.items() if not _from_make(name)}
        folder = str(cwd or self.folder)
        done = subprocess.run(
            ["make", *arguments],
            cwd=folder,
            env=plain | {"PWD": folder} | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return Outcome(done.returncode, done.stdout + done.stderr)

    def path(self, name: str) -> Path:
        return self.folder / name

    def change(self, name: str, old: str, new: str) -> None:
        text = self.path(name).read_text(encoding="utf-8")
        assert old in text
        self.path(name).write_text(text.replace(old, new), encoding="utf-8")

    def published(self) -> dict[str, bytes]:
        """Every file that a reader gets, by its name."""
        current = self.path("outputs/current").resolve()
        files = sorted(path for path in current.rglob("*") if path.is_file())
        return {path.relative_to(current).as_posix(): path.read_bytes() for path in files}


def _from_make(name: str) -> bool:
    return name.startswith(("MAKE", "MFLAGS", "NCPI_EVAL")) or name == "GNUMAKEFLAGS"


def lay_out(folder: Path) -> Project:
    """The package and the fixture's pages in a new folder, on this environment."""
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(FIXTURE / "notebooks", folder / "notebooks")
    shutil.copytree(FIXTURE / "data", folder / "data")
    (folder / "ncpi_eval").mkdir()
    for pattern in ("*.py", "*.mk"):
        for path in (ROOT / "ncpi_eval").glob(pattern):
            shutil.copy2(path, folder / "ncpi_eval" / path.name)
    for path in (FIXTURE / "package").glob("*.py"):
        shutil.copy2(path, folder / "ncpi_eval" / path.name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Project(folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The report, built once, in parallel."""
    project = lay_out(tmp_path_factory.mktemp("build") / "report")
    outcome = project.make("-j2", "report")
    assert outcome.code == 0, outcome.text
    assert outcome.built == ALL
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished report, with its times, free to be changed."""
    folder = tmp_path / "report"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Project(folder)


# How many at once

MEET = (
    "import pathlib, time\\n",
    "pathlib.Path('data', '{here}').touch()\\n",
    "until = time.monotonic() + 30\\n",
    "while not pathlib.Path('data', '{there}').exists():\\n",
    "    assert time.monotonic() < until\\n",
    "    time.sleep(0.01)\\n",
)


@pytest.mark.skipif(machine.processors() < 2, reason="needs two processors")
def test_without_a_number_pages_are_built_on_all_processors(project: Project) -> None:
    for stem, line, other in (
        ("01-numbers", 'print(\\"total\\", total)', "04-alone"),
        ("04-alone", "print(2 + 2)", "01-numbers"),
    ):
        meet = "".join(MEET).format(here=stem, there=other)
        project.change(f"notebooks/{stem}.ipynb", line, meet + line)
    outcome = project.make("report")
    assert outcome.code == 0, outcome.text


# What is rebuilt


def test_nothing_changed_does_nothing(finished: Project) -> None:
    before = finished.published()
    outcome = finished.make("report")
    assert (outcome.code, outcome.built) == (0, set())
    assert outcome.text == "The report is up to date: open outputs/index.html\n"
    assert finished.published() == before


def test_a_changed_module_rebuilds_the_page_that_imports_it(project: Project) -> None:
    project.change("ncpi_eval/arithmetic.py", "part / whole", "1 - part / whole")
    assert project.make("report").built == {"02-ratio"}
    # (4 + 2) of 1 + 2 + 4
    assert project.published()["results/ratio.csv"] == b"ratio\n0.8571428571428572\n"
    assert project.make("report").built == set()


def test_a_changed_notebook_whose_result_is_the_same_rebuilds_itself_alone(
    project: Project,
) -> None:
    project.change("notebooks/01-numbers.ipynb", "How much is there?", "How much is there now?")
    assert project.make("report").built == {"01-numbers"}


def test_changed_data_rebuild_what_reads_the_result(project: Project) -> None:
    project.path("data/numbers.csv").write_text("name,value\na,1\nb,9\n")
    assert project.make("-j2", "report").built == {"01-numbers", "02-ratio", "03-picture"}
    assert project.published()["results/ratio.csv"] == b"ratio\n0.1\n"


def test_a_file_that_was_removed_from_the_outputs_comes_back(project: Project) -> None:
    before = project.published()
    project.path("outputs/html/04-alone.html").unlink()
    project.path("outputs/results").unlink()
    assert project.make("report").built == set()
    assert project.published() == before
    assert project.path("outputs/results/ratio.csv").is_file()


def test_a_page_that_is_no_longer_declared_goes(project: Project) -> None:
    text = project.path("notebooks/report.toml").read_text(encoding="utf-8")
    project.path("notebooks/report.toml").write_text(text.split("[notebooks.04-alone]")[0])
    # its neighbour loses a link
    assert project.make("report").built == {"03-picture"}
    assert "html/04-alone.html" not in project.published()


def test_two_folders_give_the_same_bytes(finished: Project, tmp_path: Path) -> None:
    other = lay_out(tmp_path / "another folder")
    assert other.make("-j2", "report", TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7").code == 0
    assert other.published() == finished.published()


def test_plain_kernels_one_at_a_time_give_the_same_bytes(finished: Project, tmp_path: Path) -> None:
    other = lay_out(tmp_path / "plain")
    outcome = other.make("report", "KERNEL=plain")
    assert (outcome.code, outcome.built) == (0, ALL), outcome.text
    assert other.published() == finished.published()


def test_no_text_is_too_long_to_look_for_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute.paths, "ROOT", Path("/home/a person/the report"))
    endless = "x" * 1_000_000
    assert execute._same_everywhere(endless) == endless
    said = "/home/a person/the report/outputs/ipykernel_12/3.py:1: UserWarning: at 0x7f00"
    assert execute._same_everywhere(said) == "<cell>:1: UserWarning: at 0x…"


# Failures


def test_a_failing_notebook_stops_and_fails_again_until_mended(project: Project) -> None:
    before = project.published()
    project.change("notebooks/02-ratio.ipynb", "print(", "print(1 / 0, ")
    for _ in range(2):
        outcome = project.make("report")
        assert outcome.code != 0
        assert "02-ratio stopped at code cell 2 of 2 (folder = paths" in outcome.text
        assert "  ZeroDivisionError: division by zero\n  in line 4 of the cell" in outcome.text
        assert "the report published before is unchanged" in outcome.text
        assert len(outcome.text.splitlines()) <= 9, outcome.text
        assert project.published() == before
    project.change("notebooks/02-ratio.ipynb", "print(1 / 0, ", "print(")
    assert "02-ratio" in project.make("report").built
    assert project.published() == before


FAILURES = {
    "raises our error": (
        "from ncpi_eval.errors import InputError; raise InputError('Refused, as it should be.')",
        "raise InputError('Refused, as):\n  Refused, as it should be.\nThe report was not",
    ),
    "ends itself": (
        "import sys; sys.exit(0)",
        "  the notebook ended itself (SystemExit) before its last cell",
    ),
    "kernel dies": ("import os; os._exit(1)", "  the kernel died"),
    "shell command": ("!false", "code cell 1 runs a shell command; use Python instead"),
    "hidden shell command": ("%%bash\\nfalse", "code cell 1 runs a shell command"),
    "hangs": ("import time; time.sleep(60)", "  the cell ran longer than 1 seconds"),
    "undeclared result": (
        "from ncpi_eval import paths; f = paths.outputs_write('results'); f.mkdir(parents=True); "
        "_ = (f / 'more.csv').write_text('a')",
        "04-alone ran, but:\n  it saved results more, which report.toml does not declare",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_papermill_would_let_pass_is_refused(project: Project, case: str) -> None:
    source, message = FAILURES[case]
    before = project.published()
    if case == "hangs":
        limit = 'title = "Alone"\nseconds_per_cell = 1'
        project.change("notebooks/report.toml", 'title = "Alone"', limit)
    project.change("notebooks/04-alone.ipynb", "print(2 + 2)", source.replace('"', '\\"'))
    outcome = project.make("report")
    assert outcome.code != 0
    assert message in outcome.text, outcome.text
    assert "Traceback" not in outcome.text
    assert project.published() == before
    assert not list(project.path("outputs/.build/stage").glob("*"))


# Parameters


NAMES = "expected one of NUMBERS, SCALE, WORD. What to do: did you mean SCALE?"
REFUSED = {
    "SCALES=2": f"make report: found 'SCALES'; {NAMES}",
    "scale=2": f"make report: found 'scale'; {NAMES}",
    "SCALE=two": "SCALE: found 'two'; expected a whole number. What to do: how much to multiply by",
    "SCALE=11": "SCALE: found '11'; expected a value from 1 to 10.",
    "SCALE=": "SCALE: found ''; expected a whole number.",
    "NUMBERS=nowhere.csv": "NUMBERS: found 'nowhere.csv'; expected an existing file",
    "NUMBERS=data": "NUMBERS: found 'data'; expected an existing file",
    "KERNEL=fast": "KERNEL: found 'fast'; expected one of plain",
}


@pytest.mark.parametrize("argument", REFUSED)
def test_a_wrong_parameter_is_refused_before_anything_runs(
    finished: Project, argument: str
) -> None:
    before = sorted(finished.path("outputs/.build/stamps").rglob("*"))
    outcome = finished.make("report", argument)
    assert outcome.code != 0
    assert REFUSED[argument] in outcome.text, outcome.text
    assert ": cell" not in outcome.text
    assert sorted(finished.path("outputs/.build/stamps").rglob("*")) == before
    assert finished.make("report").built == set()


def test_other_targets_take_no_parameters(finished: Project) -> None:
    outcome = finished.make("test", "SCALE=2")
    assert outcome.code != 0
    assert (
        "only report, extract, coding-sheets, force-brief and force-briefs take parameters"
        in outcome.text
    )


def test_a_call_cannot_change_how_make_works(finished: Project) -> None:
    outcome = finished.make("report", "RUN=echo", "VENV=elsewhere")
    assert outcome.code != 0
    assert "make report: found 'RUN'" in outcome.text
    assert "make report: found 'VENV'" in outcome.text
    outcome = finished.make("SCALE=3")
    assert outcome.code != 0
    assert (
        "only report, extract, coding-sheets, force-brief and force-briefs take parameters"
        in outcome.text
    )


def test_parameters_hold_for_one_call(project: Project) -> None:
    before = project.published()
    assert project.make("report", "SCALE=3").built == {"03-picture"}
    assert b"### &#x27;plain&#x27;" in project.published()["html/03-picture.html"]
    assert project.make("report", "SCALE=3").built == set()
    assert project.make("report").built == {"03-picture"}
    assert project.published() == before


def test_a_file_given_from_elsewhere(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "my files"
    elsewhere.mkdir()
    file = elsewhere / "$(shell touch pwned); numbers's <b>.csv"
    file.write_text("name,value\na,1\nb,1\n")
    call = ("-j2", "-C", str(project.folder), "report", f"NUMBERS={file.name}")
    outcome = project.make(*call, cwd=elsewhere)
    assert outcome.code == 0, outcome.text
    assert outcome.built == {"01-numbers", "02-ratio", "03-picture"}
    published = project.published()
    assert published["results/ratio.csv"] == b"ratio\n0.5\n"
    for name, content in published.items():
        assert str(elsewhere).encode() not in content, name
    assert file.name in json.loads(published["manifest.json"])["inputs"]
    # its content counts, even when the new file is older than the last build
    file.write_text("name,value\na,1\nb,3\n")
    os.utime(file, (1, 1))
    assert project.make(*call, cwd=elsewhere).code == 0
    assert project.published()["results/ratio.csv"] == b"ratio\n0.25\n"
    file.unlink()
    assert "expected an existing file" in project.make(*call, cwd=elsewhere).text
    assert not list(project.folder.rglob("pwned")) and not list(elsewhere.rglob("pwned"))


HOSTILE = "$(shell touch pwned)`touch pwned`; touch pwned | \"'\\ ${WORD} $$ %s \N{BULLET}"


def test_hostile_values_are_inert(project: Project) -> None:
    outcome = project.make("report", f"WORD={HOSTILE}")
    assert outcome.code == 0, outcome.text
    assert outcome.built == {"03-picture"}
    executed = json.loads(project.published()["executed/03-picture.ipynb"])
    printed = "".join(executed["cells"][-1]["outputs"][0]["text"])
    assert repr(HOSTILE) in printed
    assert not list(project.folder.rglob("pwned"))


def test_a_parameter_in_the_environment_is_named_as_unused(finished: Project) -> None:
    outcome = finished.make("report", SCALE="3")
    assert "SCALE in the environment is not used; type `make report SCALE=...`" in outcome.text
    assert outcome.built == set()


def test_a_refusal_is_shown_whole_and_every_kind_of_refusal_is_known() -> None:
    for path in sorted((ROOT / "ncpi_eval").rglob("*.py")):
        if path.name != "__main__.py":
            parts = path.relative_to(ROOT).with_suffix("").parts
            importlib.import_module(".".join(parts).removesuffix(".__init__"))
    kinds: list[type[errors.NcpiError]] = [errors.NcpiError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert {kind.__name__ for kind in kinds} == set(execute.OWN_ERRORS)
    long = "\n".join(f"  - row {number}: found 99" for number in range(2000))
    for name in execute.OWN_ERRORS:
        assert execute._said(name, f"refused.\n{long}", []) == f"refused.\n{long}"


def test_a_notebook_without_the_declared_parameter_is_not_started(project: Project) -> None:
    project.change("notebooks/03-picture.ipynb", "scale = 1", "size = 1")
    text = project.make("report").text
    assert "03-picture was not started:\n  - its parameters cell does not set scale" in text
    assert "its parameters cell sets size, which report.toml does not declare" in text


# The whole


def test_accept_stores_the_published_results(project: Project) -> None:
    assert "Accepted into tests/expected: ratio.csv, totals.csv" in project.make("accept").text
    assert project.path("tests/expected/totals.csv").read_text() == "first,total\n1,7\n"
    assert "nothing new" in project.make("accept").text


def test_clean_removes_what_make_built_and_nothing_else(project: Project) -> None:
    project.path("outputs/mine.txt").write_text("keep me")
    kept = [project.path(name) for name in ("notebooks/report.toml", "data/numbers.csv")]
    outcome = project.make("clean")
    assert outcome.code == 0, outcome.text
    assert sorted(path.name for path in project.path("outputs").iterdir()) == ["mine.txt"]
    assert "Kept in outputs/, not made by make: mine.txt" in outcome.text
    assert all(path.is_file() for path in kept)
    assert not project.path(".venv").is_symlink()
    assert (ROOT / ".venv" / "ready").is_file()


def test_something_in_the_place_of_a_link_is_not_touched(project: Project) -> None:
    project.path("outputs/results").unlink()
    project.path("outputs/results").mkdir()
    outcome = project.make("report")
    assert outcome.code != 0
    assert "outputs/results: found something else; expected make's link" in outcome.text


def test_the_manifest_has_a_hash_of_every_other_file(finished: Project) -> None:
    published = finished.published()
    listed = json.loads(published.pop("manifest.json"))["files"]
    assert {"release.csv", "index.html", "tables.xlsx", "html/01-numbers.html"} <= set(listed)
    assert listed == {n: hashlib.sha256(data).hexdigest() for n, data in published.items()}


def test_help_lists_the_targets(finished: Project) -> None:
    text = finished.make().text
    for target in ("setup", "lab", "report", "test", "check", "data", "bench", "accept", "clean"):
        assert f"  make {target} " in text


# What only the first page and the manifest say


def test_a_new_commit_is_told_without_building_a_page(project: Project) -> None:
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]

    def commit(message: str) -> str:
        for step in (["add", "Makefile"], ["commit", "-q", "--allow-empty", "-m", message]):
            subprocess.run([*git, *step], cwd=project.folder, check=True)
        head = ["git", "rev-parse", "HEAD"]
        return subprocess.run(head, cwd=project.folder, capture_output=True, text=True).stdout

    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    first = commit("one").strip()
    assert project.make("report").built == set()
    before = project.published()
    second = commit("two").strip()
    outcome = project.make("report")
    after = project.published()
    assert (outcome.code, outcome.built) == (0, set())
    assert first.encode() in before["index.html"] and second.encode() in after["index.html"]
    assert json.loads(after["manifest.json"])["commit"] == second
    assert {name for name in after if after[name] != before[name]} == {
        "index.html",
        "manifest.json",
    }
    told = [name for name, content in after.items() if second.encode() in content]
    assert sorted(told) == ["index.html", "manifest.json"]
    assert "up to date" in project.make("report").text


def test_results_of_other_parameters_are_not_accepted(project: Project) -> None:
    assert project.make("report", "SCALE=3").code == 0
    outcome = project.make("accept")
    assert outcome.code != 0 and "was made with SCALE=3" in outcome.text
    assert not project.path("tests/expected").exists()
