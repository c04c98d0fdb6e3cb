"""Builds that are killed, starved or started twice: nothing is lost, nothing is left behind.

The small report of test_build.py is built while processes are killed and disks fill up. Throughout,
a reader looks at what is published; afterwards the build is finished and held against one that was
left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from test_build import ROOT, Outcome, Project, _from_make, finished, lay_out, project

from ncpi_eval import workspace

__all__ = ["finished", "project"]  # fixtures

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")

KILLS = 50
SEED = 20221122
ROLES = ("group", "build", "make", "server", "worker", "kernel", "client")
# Two versions of the data: each build that lives through its kills makes way for the other.
VERSIONS = ("name,value\na,1\nb,2\nc,4\n", "name,value\na,3\nb,5\n")
PATIENCE = 240


# Processes of a build, by the folder they work in


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    command: str


def processes(folder: Path) -> list[Process]:
    """Every process that works in a folder, started by whomever."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(place / "cwd")) != folder:
                continue
            command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if command:
            found.append(Process(int(place.name), parent, command))
    return found


def by_role(folder: Path) -> dict[str, list[int]]:
    """The processes of a running build, by what they do in it."""
    running = processes(folder)
    servers = [one.pid for one in running if "ncpi_eval.server" in one.command]
    first = [one.pid for one in running if one.pid in servers and one.parent not in servers]
    forked = [one.pid for one in running if one.parent in first]
    kernels = [pid for pid in forked if leads_a_session(pid)]
    return {
        "build": [one.pid for one in running if "ncpi_eval.build report" in one.command],
        "make": [one.pid for one in running if "ncpi_eval/pages.mk" in one.command],
        "client": [one.pid for one in running if "ncpi_eval/client.py" in one.command],
        "server": first,
        "worker": [pid for pid in forked if pid not in kernels],
        "kernel": kernels,
    }


def leads_a_session(pid: int) -> bool:
    """Whether a process has a session of its own, as kernels do."""
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


def strays(folder: Path, seconds: float = 20) -> list[Process]:
    """Processes that are still there some time after a build has ended."""
    until = time.monotonic() + seconds
    while (left := processes(folder)) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """Start a build as the leader of a process group."""
    return subprocess.Popen(
        ["make", *arguments],
        cwd=project.folder,
        env={name: value for name, value in os.environ.items() if not _from_make(name)}
        | {"PWD": str(project.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(build: subprocess.Popen[str]) -> Outcome:
    text, _ = build.communicate(timeout=PATIENCE)
    return Outcome(build.returncode, text)


def kill(project: Project, build: subprocess.Popen[str], role: str, sure: bool = False) -> bool:
    """Kill one process of a build, or its whole group; whether one was there."""
    if role == "group":
        if build.poll() is None:
            os.killpg(build.pid, signal.SIGKILL)
            return True
        return False
    found = by_role(project.folder)[role]
    for pid in found[:1]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
    return bool(found)


# The reader


@dataclass
class Reader:
    """Somebody who reads the published report over and over."""

    project: Project
    problems: list[str] = field(default_factory=list)
    looks: int = 0

    def look(self) -> None:
        """Read the whole report once, as it is published at this moment."""
        outputs = self.project.path("outputs")
        folder = outputs / os.readlink(outputs / "current")
        manifest = json.loads((folder / "manifest.json").read_text())
        for name, digest in manifest["files"].items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                self.problems.append(f"{name} is not what the manifest says")
        for name in ("index.html", "html/01-numbers.html", "results/ratio.csv"):
            if not (outputs / name).read_bytes():
                self.problems.append(f"{name} is empty")
        self.looks += 1


@contextmanager
def reading(project: Project) -> Iterator[Reader]:
    """Read in the background; afterwards nothing may have been found missing or torn."""
    reader = Reader(project)
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.01):
            try:
                reader.look()
            except (OSError, ValueError) as error:
                reader.problems.append(repr(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield reader
    finally:
        over.set()
        thread.join()
    assert reader.looks > 0
    assert reader.problems == []


def assert_nothing_left(project: Project) -> None:
    """No process, no half-written file, no folder of a build that did not end."""
    assert strays(project.folder) == []
    outputs = project.path("outputs")
    assert not list(outputs.rglob("*.partial"))
    assert not (outputs / ".build" / "stage").exists()
    assert not (outputs / ".build" / "server").exists()
    assert not (outputs / ".published" / "partial").exists()
    assert len(list((outputs / ".published").iterdir())) <= 2


def published_of(version: str, folder: Path) -> dict[str, bytes]:
    """What a build gives that is left alone."""
    other = lay_out(folder)
    other.path("data/numbers.csv").write_text(version)
    outcome = other.make("-j2", "report")
    assert outcome.code == 0, outcome.text
    return other.published()


# Kills


def test_fifty_kills_lose_nothing(tmp_path: Path) -> None:
    random_ = random.Random(SEED)
    expected = [published_of(text, tmp_path / f"alone-{n}") for n, text in enumerate(VERSIONS)]
    project = lay_out(tmp_path / "report")
    began = time.monotonic()
    assert project.make("-j2", "report").code == 0
    longest = time.monotonic() - began
    kills, version = 0, 0
    with reading(project):
        while kills < KILLS:
            version = 1 - version
            project.path("data/numbers.csv").write_text(VERSIONS[version])
            project.change("ncpi_eval/arithmetic.py", '"""', '"""')  # newer: 02-ratio is stale
            done: set[str] = set()
            while True:
                build = start(project, random_.choice(("-j1", "-j2")), "report")
                role = random_.choice(ROLES)
                time.sleep(random_.uniform(0, 0.8 * longest))
                killed = kills < KILLS and kill(project, build, role)
                outcome = finish(build)
                assert strays(project.folder) == [], role
                # what was finished before is not done again
                assert not outcome.built & done, outcome.text
                assert "Traceback" not in outcome.text, outcome.text
                done |= outcome.built
                if outcome.code == 0:
                    break
                assert killed, outcome.text
                kills += 1
            assert project.published() == expected[version]
            assert_nothing_left(project)


@pytest.mark.skipif(
    "NCPI_TEST_REAL_REPORT" not in os.environ or not (ROOT / "outputs" / "current").exists(),
    reason="takes minutes; .ci/run asks for it after make report",
)
def test_three_kills_on_the_real_report(tmp_path: Path) -> None:
    random_ = random.Random(SEED)
    project = Project(tmp_path / "report")
    project.folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, project.folder / name)
    for name in ("ncpi_eval", "notebooks", "data", "outputs"):
        shutil.copytree(ROOT / name, project.folder / name, symlinks=True)
    project.path(".venv").symlink_to(ROOT / ".venv")
    assert project.make("-j2", "report").code == 0  # it is in no repository: a new index
    before = project.published()
    stale = random_.sample(sorted(project.path("notebooks").glob("[0-9]*.ipynb")), 4)
    for notebook in stale:
        notebook.touch()
    done: set[str] = set()
    for _ in range(3):
        build = start(project, "-j2", "report")
        time.sleep(random_.uniform(2, 12))
        kill(project, build, random_.choice(("group", "server", "worker")))
        outcome = finish(build)
        assert strays(project.folder) == []
        assert project.published() == before
        assert not outcome.built & done
        done |= outcome.built
    outcome = project.make("-j2", "report")
    assert outcome.code == 0, outcome.text
    assert done | outcome.built == {notebook.stem for notebook in stale}
    assert not outcome.built & done
    assert project.published() == before
    assert_nothing_left(project)


@pytest.mark.parametrize("role", ["make", "server", "worker", "kernel", "client"])
def test_a_killed_process_is_told_in_a_line(project: Project, role: str) -> None:
    before = project.published()
    project.change("notebooks/04-alone.ipynb", "print(2 + 2)", "import time; time.sleep(60)")
    build = start(project, "report")
    until = time.monotonic() + PATIENCE
    while not by_role(project.folder)["kernel"] and time.monotonic() < until:
        time.sleep(0.05)
    assert kill(project, build, role)
    outcome = finish(build)
    assert outcome.code != 0
    assert "the report published before is unchanged" in outcome.text
    assert "Traceback" not in outcome.text and len(outcome.text.splitlines()) < 8, outcome.text
    if role == "kernel":
        assert "the kernel died of SIGKILL" in outcome.text
    elif role == "client":
        assert "stamps/pages/04-alone] Killed" in outcome.text
    elif role != "make":
        assert "04-alone: was ended" in outcome.text
    assert ("The process that builds the pages was killed" in outcome.text) == (role == "server")
    assert_nothing_left(project)
    assert project.published() == before


def test_ctrl_c_ends_everything_in_a_line(project: Project) -> None:
    before = project.published()
    project.change("notebooks/04-alone.ipynb", "print(2 + 2)", "import time; time.sleep(60)")
    build = start(project, "report")
    until = time.monotonic() + PATIENCE
    while not by_role(project.folder)["kernel"] and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(build.pid, signal.SIGINT)
    outcome = finish(build)
    assert outcome.code != 0
    assert "Interrupted; finished pages are kept, nothing was published." in outcome.text
    assert "Traceback" not in outcome.text, outcome.text
    assert_nothing_left(project)
    assert project.published() == before


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_cell_that_ends_its_parent_is_told_in_a_line(project: Project, number: str) -> None:
    before = project.published()
    source = f"import os, signal, time; os.kill(os.getppid(), signal.{number}); time.sleep(60)"
    project.change("notebooks/04-alone.ipynb", "print(2 + 2)", source)
    outcome = project.make("report")
    assert outcome.code != 0
    assert "The process that builds the pages was killed, by a cell" in outcome.text
    assert "Traceback" not in outcome.text and len(outcome.text.splitlines()) < 8, outcome.text
    assert_nothing_left(project)
    assert project.published() == before


# What cells leave behind, and what processes hold


LEFT = {
    "a child": "import os, time\nif not os.fork():\n    os.setsid(); time.sleep(90)",
    "a child of a dead cell": "import os, time\nos.fork() and os._exit(4)\ntime.sleep(90)",
    "a program of a dead cell": (
        "import os, subprocess; subprocess.Popen(['sleep', '90']); os._exit(4)"
    ),
}


@pytest.mark.parametrize("kernel", ["forked", "plain"])
@pytest.mark.parametrize("case", LEFT)
def test_what_a_cell_has_started_ends_with_the_build(
    project: Project, case: str, kernel: str
) -> None:
    source = LEFT[case].replace("\n", "\\n")
    project.change("notebooks/04-alone.ipynb", "print(2 + 2)", source)
    began = time.monotonic()
    # it would hold standard output, and so keep whoever reads that
    outcome = project.make("report", *(["KERNEL=plain"] if kernel == "plain" else []))
    assert time.monotonic() - began < 60
    assert (outcome.code == 0) == (case == "a child"), outcome.text
    assert_nothing_left(project)


def test_no_process_holds_the_sockets_of_another_and_no_kernel_the_lock(project: Project) -> None:
    for name, first in (("01-numbers", "import csv"), ("04-alone", "print(2 + 2)")):
        project.change(f"notebooks/{name}.ipynb", first, f"import time; time.sleep(20); {first}")
    build = start(project, "-j2", "report")
    until = time.monotonic() + PATIENCE
    while len(by_role(project.folder)["kernel"]) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)  # each has let go of what it was born with
    roles = by_role(project.folder)
    held = {
        pid: {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
        for pid in (*roles["server"], *roles["worker"], *roles["kernel"])
    }
    kill(project, build, "group")
    finish(build)
    assert len(held) == 5
    for pid, mine in held.items():
        for other, theirs in held.items():
            shared = {name for name in mine & theirs if name.startswith("socket:")}
            assert pid == other or not shared
    locked = {pid for pid, names in held.items() if str(project.path("outputs/.lock")) in names}
    assert locked == {*roles["server"], *roles["worker"]}


def test_a_client_that_says_nothing_keeps_nobody(project: Project) -> None:
    project.change("notebooks/04-alone.ipynb", "print(2 + 2)", "import time; time.sleep(3)")
    build = start(project, "report")
    address = project.path("outputs/.build/server")
    until = time.monotonic() + PATIENCE
    while not by_role(project.folder)["kernel"] and time.monotonic() < until:
        time.sleep(0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(os.path.relpath(address))
        outcome = finish(build)
    assert outcome.code == 0, outcome.text
    assert_nothing_left(project)


def test_a_page_never_runs_a_module_as_it_was_before_it_started(project: Project) -> None:
    """Imported for an earlier page, and changed before a later one of the same build."""
    project.change("notebooks/01-numbers.ipynb", "import csv", "import time, ncpi_eval.arithmetic")
    project.change(
        "notebooks/01-numbers.ipynb", "with open", "import csv; time.sleep(3)\\nwith open"
    )
    project.path("data/numbers.csv").write_text(VERSIONS[1])
    build = start(project, "report")
    until = time.monotonic() + PATIENCE
    while not by_role(project.folder)["kernel"] and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)
    project.change("ncpi_eval/arithmetic.py", "part / whole", "1 - part / whole")
    outcome = finish(build)
    assert outcome.code == 0, outcome.text
    assert "were changed while the report is built; they start afresh" in outcome.text
    # 5 of 3 + 5
    assert project.published()["results/ratio.csv"] == b"ratio\n0.625\n"
    assert project.make("report").built == {"01-numbers"}
    assert project.published()["results/ratio.csv"] == b"ratio\n0.625\n"


KILLED = """
import os, pathlib, sys
from ncpi_eval import workspace
with workspace.passing_folder(pathlib.Path(sys.argv[1]), ".made-") as folder:
    (folder / "half").write_text("a")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_goes_and_what_others_use_stays(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, timeout=60)
    (left,) = tmp_path.iterdir()
    with workspace.passing_folder(tmp_path, ".made-") as one:
        assert list(tmp_path.iterdir()) == [one] != [left]
        with workspace.passing_folder(tmp_path, ".made-") as two:
            assert {one, two} == set(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


# Other ways to fail


def test_two_builds_at_once(project: Project) -> None:
    project.path("data/numbers.csv").write_text(VERSIONS[1])
    with reading(project):
        builds = [start(project, "report"), start(project, "-j2", "report")]
        outcomes = [finish(build) for build in builds]
    assert [outcome.code for outcome in outcomes] == [0, 0]
    built = [outcome.built for outcome in outcomes]
    assert built[0] | built[1] == {"01-numbers", "02-ratio", "03-picture"}
    assert not built[0] & built[1]
    assert any("Another build is running here" in outcome.text for outcome in outcomes)
    # 3 of 3 + 5
    assert project.published()["results/ratio.csv"] == b"ratio\n0.375\n"
    assert_nothing_left(project)


OUT_OF_MEMORY = (
    "import resource; resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9)); x = bytearray(10**10)"
)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (OUT_OF_MEMORY, "  MemoryError"),
        ("import os; os.kill(os.getpid(), 9)", "  the kernel died of SIGKILL (no memory"),
        ("import os; os._exit(3)", "  the kernel died (the cell ended it with exit code 3)"),
        ("while True: pass", "  the cell ran longer than 1 seconds"),
    ],
)
def test_a_cell_that_takes_the_kernel_along(project: Project, source: str, message: str) -> None:
    before = project.published()
    limit = 'title = "Alone"\nseconds_per_cell = 1'
    project.change("notebooks/report.toml", 'title = "Alone"', limit)
    project.change("notebooks/04-alone.ipynb", "print(2 + 2)", source)
    outcome = project.make("report")
    assert outcome.code != 0
    assert "04-alone stopped at code cell 1 of 2" in outcome.text
    assert message in outcome.text, outcome.text
    assert "Traceback" not in outcome.text
    assert project.published() == before
    assert_nothing_left(project)


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="needs a mount namespace of its own",
)
@pytest.mark.parametrize("kilobytes", [60, 100, 140, 180])
def test_a_full_disk(finished: Project, tmp_path: Path, kilobytes: int) -> None:
    """The whole of outputs/ on a disk that is too small: first it says so, then it gets room."""
    project = lay_out(tmp_path / "report")
    project.path("outputs").mkdir()
    script = (
        f"mount -t tmpfs -o size={kilobytes}k none outputs && make -j2 report; echo code $?;"
        "find outputs -name '*.partial' -o -name stage -o -name partial;"
        "mount -o remount,size=64m outputs && make report && cp -rL outputs/current copy"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=project.folder,
        env={name: value for name, value in os.environ.items() if not _from_make(name)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    if "code 0" not in text:
        assert "make room on the disk" in text or "No space left on device" in text, text
    assert "Traceback" not in text, text
    assert ".partial" not in text and "outputs/.build/stage" not in text, text
    files = [path for path in project.path("copy").rglob("*") if path.is_file()]
    copied = {path.relative_to(project.path("copy")).as_posix(): path for path in files}
    assert {name: path.read_bytes() for name, path in copied.items()} == finished.published()


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        ("make report > /dev/full", "make room on the disk"),
        ("make report | true", "let what reads the output of make read it to its end"),
    ],
)
def test_an_output_that_takes_nothing_is_told(project: Project, call: str, remedy: str) -> None:
    before = project.published()
    project.change("notebooks/04-alone.ipynb", "print(2 + 2)", "import time; time.sleep(1)")
    plain = {name: value for name, value in os.environ.items() if not _from_make(name)}
    where = {"cwd": project.folder, "env": plain | {"PWD": str(project.folder)}}
    done = subprocess.run(["sh", "-c", call], capture_output=True, text=True, timeout=60, **where)
    assert remedy in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert_nothing_left(project)
    assert project.published() == before


def test_a_folder_that_cannot_be_written(project: Project) -> None:
    """Root may write anywhere but to a place that is no folder."""
    before = project.published()
    stamps = project.path("outputs/.build/stamps/parameters")
    for path in stamps.iterdir():
        path.unlink()
    stamps.rmdir()
    stamps.write_text("in the way")
    outcome = project.make("report")
    assert outcome.code != 0
    assert "outputs/.build/stamps/parameters" in outcome.text
    assert "finished pages are kept, and what is published is untouched" in outcome.text
    assert "Traceback" not in outcome.text and len(outcome.text.splitlines()) < 5, outcome.text
    assert project.published() == before
    stamps.unlink()
    assert project.make("report").code == 0
    assert project.published() == before
