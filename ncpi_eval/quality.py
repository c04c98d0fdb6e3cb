"""How good the work is, as far as code can tell: a scorecard, and what people wrote about quality.

Each check is measured here and now on this repository and can fail; what no code can know, such as
whether somebody reviewed it, is left to a person, who says so in ``data/quality/log.csv``.

Sources of the criteria, which are in our own words: NHS RAP Community of Practice, "Levels of RAP"
(5 checks of baseline, 9 of silver, 4 of gold); Government Analysis Function, "Reproducible
Analytical Pipelines", what a pipeline must do at a minimum (7 points); roles of the quality log:
AQuA Book (2025).
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ncpi_eval import paths
from ncpi_eval.declarations import Site
from ncpi_eval.workspace import owned

MET, NOT_MET, PERSON = "met", "not met", "a person decides"
# Share of public functions, classes and modules that must have a docstring.
DOCUMENTED = 0.95
LONGEST_CELL = 25
ROLES = ("commissioner", "analyst", "assurer", "approver")
SOURCES: Mapping[str, str] = {
    "Baseline": "NHS RAP Community of Practice, Levels of RAP: baseline",
    "Silver": "NHS RAP Community of Practice, Levels of RAP: silver",
    "Gold": "NHS RAP Community of Practice, Levels of RAP: gold",
    "Minimum": "Government Analysis Function, Reproducible Analytical Pipelines: at a minimum",
}
_DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md", "ASSUMPTIONS.md")
# Public functions and classes at the outer level, as ruff formats them: the first line that ends in
# a colon closes the signature, and the docstring stands on the next.
_PUBLIC = re.compile(
    r"^(?P<kind>def|class) (?!_)\w[^\n]*?(?:\n(?!\S)[^\n]*?|\n\)[^\n]*?)*?:\n"
    r'(?P<docstring>    r?""")?',
    re.MULTILINE,
)
_OPENING = re.compile(r'(?P<docstring>r?""")?')
_FOLDERS = ("data", "notebooks", "ncpi_eval", "tests", "benchmarks")


@dataclass(frozen=True)
class Finding:
    """A check with its verdict (`MET`, `NOT_MET` or `PERSON`) and what was measured."""

    level: str
    criterion: str
    verdict: str
    evidence: str


@dataclass(frozen=True)
class Measured:
    """What the checks look at; each property is worked out once.

    Parameters
    ----------
    site : Site
        The declared report.
    tree : Path
        What its pages wrote.
    record : mapping
        The manifest without its list of files.
    root : Path
        Of the repository.
    """

    site: Site
    tree: Path
    record: Mapping[str, Any]
    root: Path = paths.ROOT

    @cached_property
    def modules(self) -> list[str]:
        """Package modules as text: each publication reads them, and to parse them took a second."""
        files = sorted((self.root / "ncpi_eval").rglob("*.py"))
        return [file.read_text(encoding="utf-8") for file in files]

    @cached_property
    def cells(self) -> list[str]:
        """Source of each code cell of the declared notebooks."""
        return [source for page in self.site.pages for source in _code_cells(page.notebook)]

    @cached_property
    def project(self) -> dict[str, Any]:
        """Content of pyproject.toml."""
        return tomllib.loads(self.text("pyproject.toml"))

    @cached_property
    def log(self) -> list[dict[str, str]]:
        """Rows of the quality log."""
        return read_log(self.root / "data" / "quality" / "log.csv")

    def text(self, name: str) -> str:
        """A file of the repository; empty text if it is not there."""
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""


def scorecard(measured: Measured) -> list[Finding]:
    """Every check with its verdict, in the order of the levels."""
    findings = []
    for level, criterion, check in _CHECKS:
        verdict, evidence = check(measured)
        findings.append(Finding(level, criterion, verdict, evidence))
    return findings


def counted(findings: Sequence[Finding]) -> dict[str, dict[str, int]]:
    """Level to verdict to number of checks."""
    table = {level: dict.fromkeys((MET, NOT_MET, PERSON), 0) for level in SOURCES}
    for finding in findings:
        table[finding.level][finding.verdict] += 1
    return table


def read_log(path: Path) -> list[dict[str, str]]:
    """Rows of the quality log: stage, activity, role, name, date, evidence, outcome."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def assumptions(text: str) -> list[list[str]]:
    """Rows of the table in ASSUMPTIONS.md, the header first."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return [row for row in rows if not set("".join(row)) <= set("-: ")]


# The measurements. Each gives a verdict and a sentence of evidence.


def _verdict(good: bool) -> str:
    return MET if good else NOT_MET


def _by_code(m: Measured) -> tuple[str, str]:
    results = [name for page in m.site.pages for name in page.results]
    there = [name for name in results if (m.tree / "results" / f"{name}.csv").is_file()]
    return _verdict(len(there) == len(results) > 0 and bool(m.modules)), (
        f"{len(there)} of {len(results)} declared results files are there, each written by one of "
        f"{len(m.site.pages)} notebooks with {len(m.modules)} Python modules."
    )


def _versioned(m: Measured) -> tuple[str, str]:
    known = str(m.record.get("commit", "unknown")) not in ("", "unknown")
    said = "the index names the commit" if known else "no commit was found"
    return _verdict(known), f"git: {said}."


def _readme(m: Measured) -> tuple[str, str]:
    text = m.text("README.md")
    sections = re.findall(r"(?m)^## (.+)$", text)
    steps = [step for step in ("make report", "make test", "make check") if step in text]
    return _verdict(len(sections) >= 3 and len(steps) == 3), (
        f"README.md has {len(sections)} sections and names {', '.join(steps) or 'no commands'}."
    )


def _reviewed(m: Measured) -> tuple[str, str]:
    rows = [row for row in m.log if "peer review" in row["activity"].casefold()]
    if any(row["outcome"] == "failed" for row in rows):
        return NOT_MET, "The quality log has a peer review that failed."
    if any(row["outcome"] == "passed" for row in rows):
        return MET, "The quality log has a peer review that passed."
    return PERSON, f"No code can tell; peer reviews open in the quality log: {len(rows)}."


def _open(m: Measured) -> tuple[str, str]:
    licence = m.text("LICENSE").strip().splitlines()[:1]
    named = "repository-code" in m.text("CITATION.cff")
    if not licence:
        return NOT_MET, "There is no LICENSE."
    where = (
        "CITATION.cff says where" if named else "CITATION.cff does not say where it is published"
    )
    return (MET if named else PERSON), f"Licence: {licence[0]}; {where}."


def _one_command(m: Measured) -> tuple[str, str]:
    files = [name for page in m.site.pages for name in owned(page.stem)]
    there = sum((m.tree / name).is_file() for name in files)
    target = bool(re.search(r"(?m)^report:", m.text("Makefile")))
    return _verdict(target and there == len(files) > 0), (
        f"One command, make report, wrote all {there} published files; none is made by hand."
    )


def _documented(m: Measured) -> tuple[str, str]:
    nodes = [_OPENING.match(text) for text in m.modules]
    nodes += [found for text in m.modules for found in _PUBLIC.finditer(text)]
    having = sum(bool(found and found["docstring"]) for found in nodes)
    papers = [name for name in _DOCUMENTS if m.text(name).strip()]
    share = having / max(len(nodes), 1)
    return _verdict(share >= DOCUMENTED and len(papers) == len(_DOCUMENTS)), (
        f"{having:,} of {len(nodes):,} public modules, functions and classes have a docstring "
        f"(wanted: {DOCUMENTED:.0%}); there: {', '.join(papers)}."
    )


def _organised(m: Measured) -> tuple[str, str]:
    there = [name for name in _FOLDERS if (m.root / name).is_dir()]
    mapped = "| layer | modules |" in m.text("ARCHITECTURE.md")
    return _verdict(there == list(_FOLDERS) and mapped), (
        f"Folders {', '.join(there)}; the map of modules in ARCHITECTURE.md is held by make check."
    )


def _reusable(m: Measured) -> tuple[str, str]:
    functions = sum(found["kind"] == "def" for t in m.modules for found in _PUBLIC.finditer(t))
    defining = sum(bool(re.search(r"(?m)^\s*(def|class) ", source)) for source in m.cells)
    longest = max((len(source.splitlines()) for source in m.cells), default=0)
    return _verdict(functions > 0 and not defining and longest <= LONGEST_CELL), (
        f"{functions:,} public functions in the package; {defining} of {len(m.cells)} notebook "
        f"cells define one, and the longest cell has {longest} lines (at most {LONGEST_CELL})."
    )


def _standards(m: Measured) -> tuple[str, str]:
    tools = [name for name in ("ruff", "mypy") if name in m.project.get("tool", {})]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--quiet", "--no-cache", "ncpi_eval"],
        cwd=m.root,
        capture_output=True,
    )
    return _verdict(len(tools) == 2 and done.returncode == 0), (
        f"Set up in pyproject.toml: {', '.join(tools) or 'nothing'}; ruff finds "
        f"{'nothing' if done.returncode == 0 else 'something'} in the package."
    )


def _tested(m: Measured) -> tuple[str, str]:
    files = sorted((m.root / "tests").glob("test_*.py"))
    tests = sum(
        len(re.findall(r"(?m)^def test_", file.read_text(encoding="utf-8"))) for file in files
    )
    kept = len(list((m.root / "tests" / "expected").glob("*.csv")))
    back = f"{kept} accepted results files for back tests" if kept else "no results accepted yet"
    return _verdict(tests > 0 and kept > 0), f"{tests:,} tests in {len(files)} files; {back}."


def _dependencies(m: Measured) -> tuple[str, str]:
    lock = m.text("requirements.lock")
    pinned = len(re.findall(r"(?m)^[A-Za-z0-9._-]+(?:\[[^]]*\])?==", lock))
    hashed = len(re.findall(r"(?m)^[A-Za-z0-9._-]+(?:\[[^]]*\])?==[^\n]*\\\n\s+--hash=", lock))
    return _verdict(0 < pinned == hashed), (
        f"requirements.lock pins {pinned} packages, {hashed} of them by hash."
    )


def _logged(m: Measured) -> tuple[str, str]:
    wanted = ("inputs", "packages", "parameters", "lock")
    there = [name for name in wanted if m.record.get(name)]
    return _verdict(len(there) == len(wanted)), (
        f"Each build writes manifest.json: {', '.join(there)} and a hash of every file; each page "
        "ends with the same for itself."
    )


def _tidy(m: Measured) -> tuple[str, str]:
    files = sorted((m.tree / "results").glob("*.csv"))
    wrong = [file.name for file in files if not _is_tidy(file)]
    return _verdict(bool(files) and not wrong), (
        f"{len(files) - len(wrong)} of {len(files)} results files have one row for each "
        "observation, named by a unique id, with its unit and kind of data."
    )


def _is_tidy(path: Path) -> bool:
    with path.open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    if not {"id", "unit", "data_kind"} <= set(header):
        return False
    place = header.index("id")
    return len({row[place] for row in rows}) == len(rows)


def _packaged(m: Measured) -> tuple[str, str]:
    project = m.project.get("project", {})
    there = [
        key for key in ("name", "version", "requires-python", "dependencies") if project.get(key)
    ]
    built = "build-system" in m.project
    return _verdict(len(there) == 4 and built), (
        f"pyproject.toml gives {', '.join(there)} and {'a' if built else 'no'} build system."
    )


def _continuous(m: Measured) -> tuple[str, str]:
    script = m.text(".ci/run")
    steps = re.findall(r"(?m)^step ", script)
    if not script or "make test" not in script:
        return NOT_MET, "There is no script that runs the tests from a fresh clone."
    return PERSON, (
        f".ci/run builds, checks and tests a fresh clone in {len(steps)} steps; whether a service "
        "runs it at each change is not recorded here."
    )


def _triggered(m: Measured) -> tuple[str, str]:
    return (
        NOT_MET,
        "make rebuilds what is stale when somebody calls it; nothing calls it by itself.",
    )


def _signposted(m: Measured) -> tuple[str, str]:
    entries = re.findall(r"(?m)^- ", m.text("CHANGELOG.md"))
    version = m.project.get("project", {}).get("version", "")
    return _verdict(bool(entries) and bool(version)), (
        f"CHANGELOG.md has {len(entries)} entries, the package the version {version or 'none'}; "
        "changed numbers stand side by side on the page of changes."
    )


def _assured(m: Measured) -> tuple[str, str]:
    rated = max(len(assumptions(m.text("ASSUMPTIONS.md"))) - 1, 0)
    roles = sorted({row["role"] for row in m.log} & set(ROLES))
    unfinished = sum(row["outcome"] == "open" for row in m.log)
    return _verdict(rated > 0 and len(roles) == len(ROLES)), (
        f"{rated} rated assumptions; the quality log has {len(m.log)} activities of "
        f"{', '.join(roles) or 'nobody'}, {unfinished} of them open."
    )


def _code_cells(path: Path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


_Check = Callable[[Measured], tuple[str, str]]
_CHECKS: tuple[tuple[str, str, _Check], ...] = (
    ("Baseline", "Code in an open language makes the data", _by_code),
    ("Baseline", "The code is under version control", _versioned),
    ("Baseline", "A README tells how to repeat the work, step by step", _readme),
    ("Baseline", "Somebody else has reviewed the code", _reviewed),
    ("Baseline", "The code is public, and code and publication name each other", _open),
    ("Silver", "Code makes the outputs with next to no work by hand", _one_command),
    ("Silver", "Guidance, structure, methods and functions are documented", _documented),
    ("Silver", "Files are where such projects have them", _organised),
    ("Silver", "What is used again is a function", _reusable),
    ("Silver", "The code keeps to an agreed style", _standards),
    ("Silver", "Units are tested, and results held against earlier ones", _tested),
    ("Silver", "The packages that it needs are listed", _dependencies),
    ("Silver", "Each run records what it did", _logged),
    ("Silver", "Data is tidy: one observation a row, one variable a column", _tidy),
    ("Gold", "The code is a package", _packaged),
    ("Gold", "Tests run by themselves at each change", _continuous),
    ("Gold", "New data or a schedule starts the process", _triggered),
    ("Gold", "Changes are announced where users see them", _signposted),
    ("Minimum", "Steps by hand are few, and documented", _one_command),
    ("Minimum", "Built with open-source software that anybody can have", _dependencies),
    ("Minimum", "Peer review makes sure that the process can be repeated", _reviewed),
    ("Minimum", "Version control keeps an audit trail", _versioned),
    ("Minimum", "Open to anybody", _open),
    ("Minimum", "Follows good practice of quality assurance", _assured),
    ("Minimum", "Comments and documentation are in the product itself", _documented),
)
