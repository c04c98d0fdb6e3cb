"""What a change rebuilds in the real report: the pages that declare it and what follows, no others.

The pages that should follow are worked out here from report.toml alone; make is then asked what it
would run, on a copy of the tree in which every page is finished.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DECLARED = tomllib.loads((ROOT / "notebooks" / "report.toml").read_text(encoding="utf-8"))
SYNTHESIS = "17-synthesis"
APPRAISAL = "16-options-appraisal"
# As `make report` prepares a build before it calls make; the call's parameters come as an argument.
PREPARE = (
    "import json, sys; from ncpi_eval import build, declarations, paths; "
    "site = declarations.read(); "
    "build.prepare(site, declarations.settle(site, json.loads(sys.argv[1]), paths.ROOT))"
)


def inputs_of(page: str) -> list[str]:
    """Files and folders that a page declares, parameters in their defaults."""
    entry = DECLARED["notebooks"][page]
    parameters = DECLARED["parameters"]
    named = [parameters[name]["default"] for name in entry.get("parameters", ())]
    return [
        *(name for name in entry.get("inputs", ()) if not name.startswith("{")),
        *(str(value) for value in named if "/" in str(value)),
    ]


def downstream(changed: str) -> set[str]:
    """Pages that declare a file, and pages that read what those write, and so on."""
    return followed(
        {
            page
            for page in DECLARED["notebooks"]
            if any(changed == name or changed.startswith(name + "/") for name in inputs_of(page))
        }
    )


def taking(parameter: str) -> set[str]:
    """Pages that take a parameter, and pages that read what those write, and so on."""
    pages = DECLARED["notebooks"]
    return followed({page for page in pages if parameter in pages[page].get("parameters", ())})


def followed(stale: set[str]) -> set[str]:
    pages = DECLARED["notebooks"]
    while True:
        written = {name for page in stale for name in pages[page].get("results", ())}
        more = {page for page in pages if written & set(pages[page].get("reads", ()))}
        if more <= stale:
            return stale
        stale |= more


@dataclass(frozen=True)
class Tree:
    """A copy of the repository in which make believes every page to be finished."""

    folder: Path

    def run(self, *command: str) -> str:
        plain = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MAKE", "MFLAGS", "NCPI_EVAL")) and name != "GNUMAKEFLAGS"
        }
        done = subprocess.run(
            command, cwd=self.folder, env=plain, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stale(self, **call: str) -> set[str]:
        """Pages that make would run now, called with these parameters."""
        self.run(sys.executable, "-c", PREPARE, json.dumps(call))
        would_run = self.run("make", "-n", "--no-print-directory", "-f", "ncpi_eval/pages.mk")
        return set(re.findall(r" ncpi_eval/client\.py page (\S+)", would_run))

    def finish(self) -> None:
        """Stamps and results of all pages, newer than what they come from, and all of one age."""
        self.stale()  # writes the stamps of the declarations, rules.mk and imports.mk
        build = self.folder / "outputs" / ".build"
        made = [build / "stamps" / "published"]
        for page, entry in DECLARED["notebooks"].items():
            made += [build / "results" / f"{name}.csv" for name in entry.get("results", ())]
            made.append(build / "stamps" / "pages" / page)
        now = time.time()
        for path in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.utime(path, (now, now))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    folder = tmp_path_factory.mktemp("downstream") / "report"
    skip = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("ncpi_eval", "notebooks", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy2(ROOT / "requirements.lock", folder / "requirements.lock")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    tree = Tree(folder)
    assert tree.stale() == set(DECLARED["notebooks"])
    tree.finish()
    assert tree.stale() == set()
    return tree


def changed_after(path: Path, tree: Tree) -> set[str]:
    """Pages that would run if a file were written now; the file is put back."""
    content, before = path.read_bytes(), path.stat()
    try:
        path.write_bytes(content + b"\n")
        return tree.stale()
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        tree.finish()  # a stamp that was written again is older than the pages once more


CHANGES = {
    "a survey answer": "data/synthetic/responses.csv",
    "a code of an answer in words": "data/synthetic/open_text_themes.csv",
    "a document": "data/synthetic/documents/01-ashdale-inspection.html",
    "the code of a published finding": "data/coding/framework_published.csv",
    "a question of the questionnaire": "data/questionnaire/variables.csv",
    "a published figure": "data/published/figures.csv",
    "a date of the public record": "data/inspections/calendar.csv",
    "a node of the logic model": "data/logic_model/nodes.csv",
    "a judgement": "data/triangulation/cells.csv",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_makes_stale_what_declares_it_and_what_follows(finished: Tree, what: str) -> None:
    name = CHANGES[what]
    stale = changed_after(finished.folder / name, finished)
    assert stale == downstream(name)
    assert SYNTHESIS in stale


def test_a_changed_rule_of_the_synthesis_makes_only_the_synthesis_stale(finished: Tree) -> None:
    module = finished.folder / "ncpi_eval" / "evidence" / "triangulation.py"
    assert changed_after(module, finished) == {SYNTHESIS}


def test_a_change_that_nothing_declares_makes_nothing_stale(finished: Tree) -> None:
    unread = finished.folder / "data" / "README.md"
    assert downstream("data/README.md") == set()
    assert changed_after(unread, finished) == set()


# What the designs of a future evaluation rest on: calendar, outcomes, sizes, plan, theory, weights.
DESIGNS = {
    "first inspections": ("data/inspections/forces.csv", {APPRAISAL, "14-design-power"}),
    "recorded offences": ("data/inspections/recorded_offences.csv", {APPRAISAL, "14-design-power"}),
    "social care": ("data/inspections/children_in_need.csv", {APPRAISAL, "13-staggered-adoption"}),
    "the list of outcomes": ("data/inspections/outcomes.csv", {APPRAISAL, "14-design-power"}),
    "the analysis plan": ("data/inspections/analysis_plan.md", {APPRAISAL, "14-design-power"}),
    "a likelihood": ("data/theory/likelihoods.csv", {"15-theory-based"}),
    "a weight": ("data/options/criteria.csv", {APPRAISAL}),
}


@pytest.mark.parametrize("what", DESIGNS)
def test_a_change_makes_stale_the_designs_that_rest_on_it(finished: Tree, what: str) -> None:
    name, among_them = DESIGNS[what]
    stale = changed_after(finished.folder / name, finished)
    assert stale == downstream(name)
    assert among_them <= stale


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"WEIGHTS": "data/options/other.csv"}, {APPRAISAL}),
        ({"GROUP_SIZE": "4"}, {"14-design-power", APPRAISAL}),
        ({"SEED": "7"}, {"14-design-power", APPRAISAL}),
        ({"DEPENDENCE": "0.2"}, {"15-theory-based", APPRAISAL}),
    ],
)
def test_a_parameter_makes_stale_the_pages_that_take_it(
    finished: Tree, call: dict[str, str], expected: set[str]
) -> None:
    criteria = finished.folder / "data" / "options" / "criteria.csv"
    other = criteria.with_name("other.csv")
    other.write_bytes(criteria.read_bytes())
    finished.finish()  # the folder itself has one more file
    try:
        stale = finished.stale(**call)
        assert stale == taking(next(iter(call)).lower()) == expected
    finally:
        other.unlink()
        finished.finish()
