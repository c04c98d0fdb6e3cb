"""Time the report's build on twelve typical notebooks against what people would otherwise use.

Ours is ``make -j2 report``. Plain make is ``make -j2`` with papermill and nbconvert's lab template,
two processes and a kernel for each notebook. The bound is one process that imports once and runs
the same cells one after the other, with our pages: nothing that keeps notebooks apart can be
faster. All three use the same environment with compiled bytecode, and are run one after the other
in each round, so that what else the machine does touches them alike; goals are ratios within a
round. CPU time is that of the whole tree of processes, counted by the system when they are reaped;
whatever loses its parent is reaped here.

Linux only: it asks the system for the memory and the orphans of a tree of processes.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import pages, shown
from ncpi_eval import declarations

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
QUICK_PAGES = 3
SAMPLE_SECONDS = 0.05
SLOWEST = 5
SAID = "said.txt"  # what the last command printed

PLAIN_MAKE = """PYTHON := .venv/bin/python
export NCPI_EVAL_WRITE := $(CURDIR)/plain
export NCPI_EVAL_READ := $(CURDIR)/plain
all: $(STEMS:%=plain/%.html)
.SECONDARY:
plain/%.ipynb: notebooks/%.ipynb ; @$(PYTHON) -m papermill --no-progress-bar $< $@
plain/%.html: plain/%.ipynb
\t@$(PYTHON) -m nbconvert --log-level=ERROR --to html --template lab $<
"""


@dataclass(frozen=True)
class Goal:
    """A bound on a ratio, which the median of the rounds must keep."""

    name: str
    at_most: float
    meaning: str


GOALS = (
    Goal("cold / plain", 0.30, "CPU time of a whole build, ours by plain make's"),
    Goal("cold / bound", 1.40, "CPU time of a whole build, ours by the bound's"),
    Goal(
        "one changed / plain", 0.60, "CPU time after a change in one notebook, ours by plain make's"
    ),
    Goal("no-op, seconds", 0.30, "Time of make report when nothing is stale; median of the rounds"),
    Goal("peak memory / plain", 1.00, "Most memory at once, shared parts counted once"),
    Goal("page size / lab", 0.50, "Size of the pages, ours by the lab template's"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 notebooks and one round")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args(arguments)
    rounds, count = (1, QUICK_PAGES) if chosen.quick else (chosen.rounds, len(pages.TOPICS))
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="ncpi-bench-") as folder:
        found = compare(lay_out(Path(folder) / "report", count), rounds)
        missed = report(found, rounds, count, quick=chosen.quick)
        if not chosen.quick:
            real(Path(folder) / "real")
    return 1 if missed and not chosen.quick else 0


def lay_out(folder: Path, count: int) -> Path:
    """A report of so many notebooks with this package and environment."""
    shutil.copytree(ROOT / "data" / "questionnaire", folder / "data" / "questionnaire")
    pages.write(folder, count)
    return with_package(folder)


def with_package(folder: Path) -> Path:
    """Give a folder of notebooks and data the package, the environment and a plain Makefile."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, folder / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "ncpi_eval", folder / "ncpi_eval", ignore=ignored)
    (folder / "benchmarks").mkdir()
    shutil.copy2(ROOT / "benchmarks" / "bound.py", folder / "benchmarks" / "bound.py")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    site = declarations.read(folder / "notebooks" / "report.toml")
    stems = "STEMS := " + " ".join(page.stem for page in site.pages)
    order = [
        f"plain/{page.stem}.ipynb: "
        + " ".join(f"plain/{one.stem}.ipynb" for one in site.pages if set(one.results) & reads)
        for page in site.pages
        if (reads := set(page.reads))
    ]
    (folder / "plain.mk").write_text("\n".join([stems, PLAIN_MAKE, *order, ""]))
    compiled = [".venv/bin/python", "-m", "compileall", "-q", "ncpi_eval", "benchmarks"]
    subprocess.run(compiled, cwd=folder, check=True, env=environment(folder))
    return folder


def environment(folder: Path) -> dict[str, str]:
    """What every contender sees: as many threads, the same folders, bytecode kept."""
    dropped = ("PYTHON", "MAKE", "MFLAGS", "NCPI_EVAL", "JUPYTER", "IPYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return kept | threads | {"PYTHONPATH": str(folder), "PWD": str(folder)}


# The contenders


def ours(folder: Path) -> list[str]:
    """The command of our build."""
    return ["make", "-j2", "report"]


def plain(folder: Path) -> list[str]:
    """The command of plain make."""
    (folder / "plain").mkdir(exist_ok=True)
    return ["make", "-j2", "--silent", "-f", "plain.mk"]


def bound(folder: Path) -> list[str]:
    """The command of the bound."""
    return [".venv/bin/python", "-m", "benchmarks.bound"]


def clear(folder: Path) -> None:
    """Remove everything that was built, so that the next build is cold."""
    for name in ("outputs", "plain", "bound"):
        shutil.rmtree(folder / name, ignore_errors=True)


def change_one(folder: Path, number: int) -> None:
    """Change the code of one notebook, in a way that changes none of its results."""
    path = sorted((folder / "notebooks").glob("*.ipynb"))[0]
    text = path.read_text()
    changed = re.sub(r"> 5( +# \d+)?", f"> 5  # {number}", text, count=1)
    assert changed != text
    path.write_text(changed)


def compare(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Run every contender in every round; ratios by name, one per round."""
    found: dict[str, list[float]] = {goal.name: [] for goal in GOALS}
    raw: dict[str, list[float]] = {"ours": [], "plain": [], "bound": []}
    for number in range(rounds):
        clear(folder)
        contenders = [("ours", ours), ("plain", plain), ("bound", bound)]
        for name, command in contenders[number % 3 :] + contenders[: number % 3]:
            raw[name].append(cpu(command(folder), folder))
        found["cold / plain"].append(raw["ours"][-1] / raw["plain"][-1])
        found["cold / bound"].append(raw["ours"][-1] / raw["bound"][-1])
        began = time.perf_counter()
        cpu(ours(folder), folder)
        found["no-op, seconds"].append(time.perf_counter() - began)
        change_one(folder, number)
        changed = cpu(ours(folder), folder)
        found["one changed / plain"].append(changed / cpu(plain(folder), folder))
        print(f"round {number + 1}: " + described(raw, found), flush=True)
    size = {name: html_size(folder, name) for name in ("outputs/html", "plain")}
    found["page size / lab"].append(size["outputs/html"] / size["plain"])
    memory = {}
    for name, command in (("ours", ours), ("plain", plain)):
        clear(folder)
        with peak_memory() as peak:
            cpu(command(folder), folder)
        memory[name] = peak[0]
    found["peak memory / plain"].append(memory["ours"] / memory["plain"])
    return found


def real(folder: Path) -> None:
    """Build the project's own report cold, once, ours and plain, and say what it spends time on."""
    for name in ("notebooks", "data"):
        shutil.copytree(ROOT / name, folder / name)
    with_package(folder)
    times, said = {}, ""
    for name, command in (("ours", ours), ("plain", plain)):
        clear(folder)
        times[name] = cpu(command(folder), folder)
        said = said or (folder / SAID).read_text()
    cells = re.findall(r"^(\S+): cell (\d+) of \d+, ([\d.]+) s$", said, flags=re.M)
    whole = sum(float(seconds) for _, _, seconds in cells)
    slowest = sorted(cells, key=lambda cell: -float(cell[2]))[:SLOWEST]
    rows = [["Whole report, CPU time by plain make's", f"{times['ours'] / times['plain']:.2f}"]]
    rows += [
        [f"{stem}, code cell {number}: share of the time of all cells", f"{float(s) / whole:.2f}"]
        for stem, number, s in slowest
    ]
    for what, value in rows:
        print(f"{what}: {value}")
    shown.keep("report_itself", "This report, built once", ["Measure", "Ratio"], rows)


def described(raw: dict[str, list[float]], found: dict[str, list[float]]) -> str:
    """The last round in a line."""
    times = ", ".join(f"{name} {values[-1]:.1f} CPU s" for name, values in raw.items())
    ratios = ", ".join(f"{name} {values[-1]:.2f}" for name, values in found.items() if values)
    return f"{times}; {ratios}"


def html_size(folder: Path, place: str) -> int:
    """Bytes of the notebooks' pages, without the pages of their results."""
    stems = [path.stem for path in (folder / "notebooks").glob("*.ipynb")]
    return sum((folder / place / f"{stem}.html").stat().st_size for stem in stems)


# Measuring


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, so that its time is counted."""
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def cpu(command: list[str], folder: Path) -> float:
    """CPU seconds, in user and system mode, of a command and all that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, cwd=folder, env=environment(folder), text=True, **quiet)  # type: ignore[call-overload]
    (folder / SAID).write_text(done.stdout)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")
    reap()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def reap() -> None:
    """Wait for what the command left to us."""
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        return


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """The most memory, in kB, that our descendants use at once while the block runs.

    Proportional: a page of memory that several processes share is counted once altogether.
    """
    peak = [0]
    over = threading.Event()

    def look() -> None:
        while not over.wait(SAMPLE_SECONDS):
            peak[0] = max(peak[0], sum(map(proportional, descendants(os.getpid()))))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def descendants(pid: int) -> list[int]:
    """Processes below one, by their ids."""
    parents: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(place.name))
    found, waiting = [], [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def proportional(pid: int) -> int:
    """Memory of a process in kB, its share of what it shares included; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


# The report


def report(found: dict[str, list[float]], rounds: int, count: int, quick: bool) -> list[str]:
    """Print and store the medians beside their goals; names of the goals that were missed."""
    rows, missed = [], []
    for goal in GOALS:
        values = found[goal.name]
        median = statistics.median(values)
        if median > goal.at_most:
            missed.append(goal.name)
        kept = "met" if median <= goal.at_most else "missed"
        spread = f"{min(values):.2f} to {max(values):.2f}" if len(values) > 1 else "one run"
        rows.append([goal.meaning, f"{median:.2f}", spread, f"{goal.at_most:.2f}", kept])
        print(f"{goal.name:<22}{median:>6.2f}  ({spread}), at most {goal.at_most:.2f}: {kept}")
    times = "time" if rounds == 1 else "times"
    caption = f"Building {count} typical notebooks on {os.cpu_count()} processors, {rounds} {times}"
    caption += " (a quick run, which no goal is held to)" if quick else ""
    shown.keep("report", caption, ["Measure", "Median", "Range", "At most", "Verdict"], rows)
    return missed


if __name__ == "__main__":
    sys.exit(main())
