"""All questions by all breakdowns: our time and memory against R survey, svy and a pingouin loop.

Run ``python -m benchmarks.survey_tables --rows 856 100000 1000000``. Equal answers (1e-6) are
demanded in the same run; an unequal answer or a missing tool ends it with a sentence and exit 1.
These figures belong to a machine and a day, which is why none of them is a test.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import data, shown

ROOT = Path(__file__).resolve().parent.parent
BENCH_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
TOLERANCE = 1e-6
RAO_SCOTT_TESTS = 60
NAIVE_TABLES = 120
REPEATS = 3
GOAL_R, GOAL_LOOP, GOAL_MB = 200.0, 50.0, 1024.0
SHOWN: list[list[str]] = []  # the lines of the page, filled as they are printed
GOAL_ROWS = 1_000_000
"""Size at which the goals were set."""


@dataclass(frozen=True)
class Figures:
    """What one contender took."""

    cpu: float
    wall: float
    peak_mb: float
    runs: int
    answers: list[dict[str, float]]
    more: dict[str, int]


def main(arguments: Sequence[str] | None = None, whatever_is_here: bool = False) -> int:
    """Run the benchmark; with `whatever_is_here`, leave out tools that are not installed."""
    chosen = _arguments(arguments)
    if whatever_is_here:
        for tool in ("r_survey", "svy"):
            others = [name for name in ("r_survey", "svy") if name != tool]
            for line in _missing_tools(others, chosen.bench_python):
                _say(f"Left out: {line}")
                chosen.without = [*chosen.without, tool]
    missing = _missing_tools(chosen.without, chosen.bench_python)
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 1
    problems: list[str] = []
    for rows in chosen.rows:
        problems += _one_size(rows, chosen)
    shown.keep(
        "survey_tables",
        "Tabulating a survey, beside other tools at equal answers",
        ["Rows and task", "Tool", "CPU seconds", "Peak MB", "CPU time by ours"],
        SHOWN,
    )
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, nargs="+", default=[856, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--tests", type=int, default=RAO_SCOTT_TESTS, help="Rao-Scott tests")
    parser.add_argument("--tables", type=int, default=NAIVE_TABLES, help="unclustered tables")
    parser.add_argument("--without", nargs="*", default=[], choices=["r_survey", "svy"])
    parser.add_argument("--bench-python", type=Path, default=BENCH_PYTHON)
    parser.add_argument("--fast", action="store_true", help="small sizes and few tests")
    chosen = parser.parse_args(arguments)
    if chosen.fast:
        chosen.rows, chosen.repeats, chosen.tests, chosen.tables = [856, 5000], 3, 12, 12
    return chosen


def _missing_tools(without: list[str], bench_python: Path) -> list[str]:
    missing = []
    if "r_survey" not in without:
        found = shutil.which("Rscript")
        asked = [found, "-e", "library(survey)"] if found else []
        if not asked or subprocess.run(asked, capture_output=True).returncode:
            missing.append(
                "R's survey package is not here. Install it (on Debian: apt-get install "
                "r-base-core r-cran-survey) or leave it out with --without r_survey."
            )
    if "svy" not in without:
        asked = [str(bench_python), "-c", "import svy"]
        if not bench_python.exists() or subprocess.run(asked, capture_output=True).returncode:
            missing.append(
                "svy is not here. Install it in an environment of its own (benchmarks/README.md) "
                "or leave it out with --without svy."
            )
    return missing


def _one_size(rows: int, chosen: argparse.Namespace) -> list[str]:
    """Run all contenders at one size, print the table, return what is wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = data.make(rows)
        data.write(made, folder)
        _say(
            f"\n{rows:,} rows, {data.CLUSTERS} clusters; median CPU seconds of up to "
            f"{chosen.repeats} runs"
        )
        clustered = data.spread_out(made.pairs, chosen.tests)
        data.write_pairs(made, clustered, folder)
        _heading(f"{len(clustered)} Rao-Scott tests", rows)
        ours = _python("ours_rao_scott", folder, chosen.repeats)
        _line("ours", ours, ours)
        problems = _too_big(ours, "ours", rows)
        if "r_survey" not in chosen.without:
            other = _r(folder, chosen.repeats)
            _line("R survey", other, ours)
            problems += _unequal(ours, other, "R survey", rows)
            problems += _too_slow(ours, other, GOAL_R, "R survey", rows)
        if "svy" not in chosen.without:
            other = _python("svy", folder, chosen.repeats, str(chosen.bench_python))
            _line("svy", other, ours)
            problems += _unequal(ours, other, "svy", rows)
        data.write_pairs(made, data.spread_out(made.pairs, chosen.tables), folder)
        _heading(f"{min(chosen.tables, len(made.pairs))} unclustered tables", rows)
        ours = _python("ours_naive", folder, chosen.repeats)
        _line("ours", ours, ours)
        problems += _too_big(ours, "ours", rows)
        other = _python("pandas_and_pingouin", folder, chosen.repeats)
        _line("pandas and pingouin", other, ours)
        problems += _unequal(ours, other, "pandas and pingouin", rows)
        problems += _too_slow(ours, other, GOAL_LOOP, "pandas and pingouin", rows)
        other = _python("pandas_and_pingouin_plain", folder, chosen.repeats)
        _line("the same, columns made plain beforehand", other, ours)
        problems += _unequal(ours, other, "plain pandas and pingouin", rows)
        data.write_pairs(made, made.pairs, folder)
        whole = _python("ours_tabulate", folder, chosen.repeats)
        counted = _python("ours_rao_scott", folder, 1)
        _heading(
            f"tabulate(): {whole.more['estimates']} estimates, {whole.more['tests']} tests", rows
        )
        _line("ours", whole, whole)
        problems += _too_big(whole, "tabulate()", rows)
        problems += _unequal(whole, counted, "its own kernel", rows, may_lack=True)
        return problems


def _python(name: str, folder: Path, repeats: int, python: str = sys.executable) -> Figures:
    asked = [python, "-m", "benchmarks.contender", name, str(folder), str(repeats)]
    _run(asked, {**os.environ, "PYTHONPATH": str(ROOT)})
    return _figures(name, folder)


def _r(folder: Path, repeats: int) -> Figures:
    script = Path(__file__).with_name("survey_tables.R")
    _run(["Rscript", str(script), str(folder), str(repeats)], dict(os.environ))
    return _figures("r_survey", folder)


def _run(asked: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(asked[:4])} failed:\n{done.stderr.strip()[-2000:]}")


def _figures(name: str, folder: Path) -> Figures:
    found = json.loads((folder / f"{name}.json").read_text())
    with (folder / f"{name}.csv").open(newline="") as file:
        answers = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return Figures(
        cpu=statistics.median(found["cpu"]),
        wall=statistics.median(found["wall"]),
        peak_mb=found["peak_mb"],
        runs=len(found["cpu"]),
        answers=answers,
        more={key: found[key] for key in ("estimates", "tests") if key in found},
    )


def _unequal(
    ours: Figures, other: Figures, name: str, rows: int, may_lack: bool = False
) -> list[str]:
    """Answers that differ by more than 1e-6; `may_lack`: ours may have refused some."""
    compared = 0
    for index, (mine, theirs) in enumerate(zip(ours.answers, other.answers, strict=True)):
        if may_lack and math.isnan(mine["p"]):
            continue
        compared += 1
        for key, value in theirs.items():
            if not math.isclose(mine[key], value, rel_tol=TOLERANCE, abs_tol=1e-12):
                return [
                    f"{rows:,} rows: test {index} differs from {name}: {key} is {mine[key]!r}, "
                    f"not {value!r}."
                ]
    if not compared:
        # a small sample may leave no table whole
        return [] if may_lack else [f"{rows:,} rows: nothing was compared with {name}."]
    _say(f"    {compared} answers equal those of {name} to {TOLERANCE:g}")
    return []


def _too_slow(ours: Figures, other: Figures, goal: float, name: str, rows: int) -> list[str]:
    ratio = other.cpu / ours.cpu
    if rows < GOAL_ROWS or ratio >= goal:
        return []
    return [f"{rows:,} rows: {ratio:.0f} times as fast as {name}; the goal is {goal:.0f}."]


def _too_big(ours: Figures, name: str, rows: int) -> list[str]:
    if ours.peak_mb <= GOAL_MB:
        return []
    return [f"{rows:,} rows: {name} took {ours.peak_mb:.0f} MB; the goal is {GOAL_MB:.0f}."]


def _heading(text: str, rows: int) -> None:
    SHOWN.append([f"{rows:,} rows: {text}"])
    _say(f"  {text:<42}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}{'runs':>6}{'ratio':>9}")


def _line(name: str, figures: Figures, ours: Figures) -> None:
    ratio = f"{figures.cpu / ours.cpu:.1f}"
    task = SHOWN.pop()[0] if len(SHOWN[-1]) == 1 else SHOWN[-1][0]
    SHOWN.append([task, name, f"{figures.cpu:.4f}", f"{figures.peak_mb:.0f}", ratio])
    _say(
        f"    {name:<40}{figures.cpu:>10.4f}{figures.wall:>10.4f}{figures.peak_mb:>10.0f}"
        f"{figures.runs:>6}{figures.cpu / ours.cpu:>9.1f}"
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
