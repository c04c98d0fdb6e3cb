"""Build the report: check the call, stamp what make compares, let make run the pages, publish.

make decides what is stale (ncpi_eval/pages.mk). This module does what make cannot: refuse a wrong
parameter before anything starts, hold the lock, and hide make's own noise when a page fails. It
uses the standard library only, so that a call with nothing to do costs next to nothing; papermill
and the renderer are imported by the server (server.py), which is started for the first page.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncpi_eval import client, declarations, machine, paths
from ncpi_eval.declarations import Page, Parameter, Site, Value
from ncpi_eval.errors import BuildError, NcpiError, Problem
from ncpi_eval.workspace import (
    CHANGED,
    DISCLOSURE,
    FIXED,
    FOREIGN,
    FRONT,
    KINDS,
    OUTPUTS,
    PARTIAL,
    STAGE,
    STAMPS,
    TREE,
    folder_files,
    has_briefs,
    input_files,
    is_current,
    owned,
    refused,
    stamp,
    write_if_changed,
)

if TYPE_CHECKING:
    from ncpi_eval import kernels

# make's own words about a failed rule; the page has said what is wrong, unless it was killed.
NOISE = re.compile(
    rb"make(\[\d+\])?: (\*\*\* \[.*\] (Error \d+|(?!Killed)\w+)|\*\*\* Waiting for unfinished)"
)
LOOK_SECONDS = 0.5  # how long make's end may go unnoticed, when its rules outlive it
LOCKS: list[int] = []  # the lock's descriptor, which the processes of a build inherit


def main(arguments: list[str], lent: kernels.Forked | None = None) -> int:
    """Run ``report``, ``extract``, ``page STEM``, ``publish``, ``accept``; return the code.

    A page may be lent a kernel that waits for it.
    """
    command, *rest = arguments
    try:
        if command == "report":
            return report()
        if command == "extract":
            return extract()
        if command == "page":
            from ncpi_eval import execute

            execute.page(declarations.read(), rest[0], lent)
        elif command == "publish":
            from ncpi_eval import publish

            publish.publish(declarations.read())
        elif command == "accept":
            return accept()
        else:
            raise BuildError(f"ncpi_eval.build has no command {command!r}.")
    except NcpiError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        print(refused(error), file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        if command == "report":
            print("Interrupted; finished pages are kept, nothing was published.", file=sys.stderr)
        return 130
    return 0


def report() -> int:
    """Build what is stale and publish it as a whole; the exit code is make's."""
    site = declarations.read()
    call = declarations.read_call(os.environ.get("NCPI_EVAL_CALL", ""))
    _mention_environment(site, call)
    values = declarations.settle(site, call, called_from())
    with locked():
        prepare(site, values)
        before = published()
        code = run_make(call.get("KERNEL", ""))
        if code:
            kept = "; the report published before is unchanged" if before else ""
            print(f"The report was not finished{kept}.", file=sys.stderr, flush=True)
            return code
        news = "published" if published() != before else "up to date"
    print(f"The report is {news}: open outputs/index.html", flush=True)
    return 0


def extract() -> int:
    """Read a folder of documents, without the report, and show the tables in outputs/results."""
    site = declarations.read()
    call = declarations.read_call(os.environ.get("NCPI_EVAL_CALL", ""))
    documents = replace(site, parameters=(site.parameter("documents"),))
    values = declarations.settle(documents, call, called_from(), "make extract")
    in_the_way = _in_the_way("results")
    if in_the_way:
        raise BuildError("The tables cannot be shown as it stands.", in_the_way)

    from ncpi_eval import publish
    from ncpi_eval.evidence import extract as evidence

    with publish.fresh_extraction() as folder:
        rows = evidence.write_tables(
            evidence.extract_folder(paths.ROOT / str(values["documents"]), report=sys.stderr),
            folder,
            evidence.LISTED,
        )
        with locked():
            publish.show_extraction(folder)
    for name, count in rows.items():
        print(f"outputs/results/{name}.csv: {count} rows")
    if published():
        print("The published report is unchanged; `make report` shows its own tables there again.")
    return 0


def called_from() -> Path:
    """The folder in which make was typed: with ``make -C`` the shell's, not make's."""
    shell = Path(os.environ.get("PWD", ""))
    return shell if shell.is_absolute() and shell.is_dir() else Path.cwd()


def _mention_environment(site: Site, call: dict[str, str]) -> None:
    """A parameter set in front of make instead of behind it would be ignored in silence."""
    for parameter in site.parameters:
        name = parameter.variable
        if name in os.environ and name not in call:
            print(f"Note: {name} in the environment is not used; type `make report {name}=...`.")


@contextmanager
def locked() -> Iterator[None]:
    """Hold the build lock; wait for another build, saying so.

    The processes that make starts inherit the lock, so it outlives this process if that is killed
    while pages are still being built.
    """
    OUTPUTS.mkdir(exist_ok=True)
    handle = os.open(OUTPUTS / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    os.set_inheritable(handle, True)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another build is running here; waiting for it to finish.", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        LOCKS.append(handle)
        yield
    finally:
        LOCKS.clear()
        os.close(handle)


# Stamps: small files that change only when what they say changes


def prepare(site: Site, values: dict[str, Value]) -> None:
    """Write the stamps and the rules that make compares.

    Raises
    ------
    BuildError
        A declared notebook or data file is missing, or something stands where a link must go.
    """
    _check_files(site)
    tidy()
    for parameter in site.parameters:
        state = parameter_state(parameter, values[parameter.name])
        stamp(f"parameters/{parameter.name}", state)
    for page in site.pages:
        stamp(f"declared/{page.stem}", _declared_state(site, page))
    listed = [[page.stem, page.title, page.question] for page in site.pages]
    stamp("site", [site.title, listed, has_briefs()])
    stamp("lock", hashlib.sha256((paths.ROOT / "requirements.lock").read_bytes()).hexdigest())
    stamp("commit", commit())
    _forget_gone(site)
    write_if_changed(TREE / "rules.mk", rules(site).encode())


def tidy() -> None:
    """Remove what a build that was killed has left half-written.

    The stage is there while a build runs, so only after a kill does it meet the next one.
    """
    if STAGE.exists():
        shutil.rmtree(STAGE, ignore_errors=True)
        for place in (*TREE.rglob(f"*{PARTIAL}"), *OUTPUTS.glob(f"*{PARTIAL}")):
            place.unlink(missing_ok=True)
        shutil.rmtree(OUTPUTS / ".published" / "partial", ignore_errors=True)
    STAGE.mkdir(parents=True)


def _check_files(site: Site) -> None:
    problems = []
    for page in site.pages:
        if not page.notebook.is_file():
            place, name = f"[notebooks.{page.stem}]", f"notebooks/{page.stem}.ipynb"
            problems.append(Problem(place, "no such notebook", name, "restore or remove it"))
        for name in page.inputs:
            if not name.startswith("{") and not (paths.ROOT / name).exists():
                place = f"[notebooks.{page.stem}] inputs"
                problems.append(Problem(place, "nothing there", name, "restore it or `make data`"))
    problems += _in_the_way(*KINDS, *FRONT, "current")
    if problems:
        raise BuildError("The report cannot be built as it stands.", problems)


def _in_the_way(*names: str) -> list[Problem]:
    """What stands in outputs where make puts a link."""
    remedy = "move it away; make puts a link there"
    return [
        Problem(f"outputs/{name}", "something else", "make's link", remedy)
        for name in names
        if (OUTPUTS / name).exists() and not (OUTPUTS / name).is_symlink()
    ]


def parameter_state(parameter: Parameter, value: Value) -> dict[str, Any]:
    """What a page that takes the parameter depends on.

    For a file also its size and time, because make cannot be given the names that people give
    their files; for a folder those of all its files. What is outside the repository is reached
    through a link inside, so that no path of this machine gets into a page.
    """
    if parameter.type not in declarations.PLACES or not value:
        return {"value": value}
    value = str(value)
    path = paths.ROOT / value
    state: dict[str, Any] = {"value": value, parameter.type: value}
    if parameter.type == "file":
        found = path.stat()
        state |= {"size": found.st_size, "time": found.st_mtime_ns}
    else:
        state["files"] = _folder_state(path)
    if Path(value).is_absolute():
        link = TREE / "inputs" / parameter.name / (path.name or "root")
        state["value"] = link.relative_to(paths.ROOT).as_posix()
        if not link.is_symlink() or os.readlink(link) != str(path):
            shutil.rmtree(link.parent, ignore_errors=True)
            link.parent.mkdir(parents=True)
            link.symlink_to(path)
    return state


def _folder_state(folder: Path) -> str:
    """Digest of the names, sizes and times of a folder's files, whatever their names hold."""
    whole = hashlib.sha256()
    for name, path in folder_files(folder):
        found = path.lstat()
        whole.update(os.fsencode(f"{name}\0{found.st_size} {found.st_mtime_ns}\n"))
    return whole.hexdigest()


def _declared_state(site: Site, page: Page) -> dict[str, Any]:
    """What a page shows of the declarations, and the data files that they now stand for."""
    place = site.pages.index(page)
    near = site.pages[max(place - 1, 0) : place + 2]
    return {
        "site": site.title,
        "page": [page.title, page.question, page.parameters, page.results, page.reads],
        "neighbours": [[other.stem, other.title] for other in near],
        "inputs": input_files(page),
        "disclosure": [os.environ.get(name, "") for name in DISCLOSURE],
    }


def commit() -> str:
    """The commit, and whether files differ from it; for the index and the manifest only."""
    git = ["git", "-C", str(paths.ROOT)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
        changes = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True)
    except OSError:
        return "unknown"
    if head.returncode or changes.returncode:
        return "unknown"
    return head.stdout.strip() + (CHANGED if changes.stdout.strip() else "")


def _forget_gone(site: Site) -> None:
    """Drop what pages that are no longer declared have left, and stamps whose files are missing."""
    stems = {page.stem for page in site.pages}
    for path in sorted((STAMPS / "files").glob("*")):
        files = [TREE / name for name in owned(path.name)]
        if path.name not in stems:
            for file in files:
                file.unlink(missing_ok=True)
            path.unlink()
        if path.name not in stems or not all(file.is_file() for file in files):
            (STAMPS / "pages" / path.name).unlink(missing_ok=True)
    links = [OUTPUTS / name for name in (*KINDS, *FRONT)]
    pages = [OUTPUTS / "html" / f"{stem}.html" for stem in stems]
    results = [OUTPUTS / "results" / f"{name}.csv" for page in site.pages for name in page.results]
    # make would let a missing stamp of a page pass, if everything else is older than this one
    stamps = [STAMPS / "pages" / stem for stem in stems]
    covered = any(path.is_symlink() and not is_current(path) for path in links)
    if covered or not all(path.exists() for path in (*links, *pages, *results, *stamps)):
        (STAMPS / "published").unlink(missing_ok=True)


def rules(site: Site) -> str:
    """What report.toml declares, as make reads it. Names were checked to be plain."""
    results = [name for page in site.pages for name in page.results]
    lines = [
        "# Written by ncpi_eval/build.py from notebooks/report.toml.",
        "PAGES := " + " ".join(page.stem for page in site.pages),
        "NOTEBOOKS := " + " ".join(f"notebooks/{page.stem}.ipynb" for page in site.pages),
        "RESULTS := " + " ".join(f"$(B)/results/{name}.csv" for name in results),
    ]
    for page in site.pages:
        needs = [f"$(B)/stamps/parameters/{name}" for name in page.parameters]
        needs += [f"$(B)/results/{name}.csv" for name in page.reads]
        needs += [name for name in input_files(page) if declarations.SAFE_PATH.fullmatch(name)]
        lines.append(f"$(B)/stamps/pages/{page.stem}: {' '.join(needs)}")
        lines += [
            f"$(B)/results/{name}.csv: $(B)/stamps/pages/{page.stem}" for name in page.results
        ]
    return "\n".join(lines) + "\n"


# Running make


def run_make(kernel: str) -> int:
    """Run the pages under make, with its job server, and pass on all but its own complaints.

    Parameters
    ----------
    kernel : str
        ``plain`` for kernels that start afresh; blank for forked ones.
    """
    quiet = ["--silent", "--no-print-directory"]
    command = [os.environ.get("NCPI_EVAL_MAKE", "make"), *quiet, "-f", "ncpi_eval/pages.mk"]
    if "-j" not in os.environ.get("MAKEFLAGS", ""):  # nobody said how many pages at once
        command.append(f"-j{machine.processors()}")
    server: subprocess.Popen[bytes] | None = None
    listener = listen()
    make = subprocess.Popen(
        command,
        cwd=paths.ROOT,
        env=environment(),
        stderr=subprocess.PIPE,
        close_fds=False,  # make's job server and the lock are inherited
    )
    assert make.stderr is not None
    try:
        with Complaints(make.stderr.fileno()) as complaints:
            while not complaints.ended and make.poll() is None:
                waiting: list[Any] = [complaints, *([] if server else [listener])]
                ready, _, _ = select.select(waiting, [], [], LOOK_SECONDS)
                if complaints in ready:
                    complaints.pass_on()
                if listener in ready:
                    server = start_server(listener, kernel)
                    listener.close()
            while complaints.ready():
                complaints.pass_on()
    finally:
        # Without its server every page ends, and then make does, if it has not.
        listener.close()
        if server is not None and server.stdin is not None:
            server.stdin.close()
            if server.wait() < 0:
                what = "was killed, by a cell, by another process or for want of memory"
                print(f"The process that builds the pages {what}.", file=sys.stderr, flush=True)
        code = make.wait()
        Path(client.ADDRESS).unlink(missing_ok=True)
        shutil.rmtree(STAGE, ignore_errors=True)
    return code


class Complaints:
    """What make and its rules write to standard error."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self.ended = False

    def __enter__(self) -> Complaints:
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr.buffer.write(self._rest)
        sys.stderr.flush()

    def fileno(self) -> int:
        """For `select`."""
        return self._descriptor

    def ready(self) -> bool:
        """Whether there is something to pass on now."""
        return not self.ended and bool(select.select([self], [], [], 0)[0])

    def pass_on(self) -> None:
        """Write what is there, but for make's own words about a failed rule."""
        read = os.read(self._descriptor, 65536)
        self.ended = not read
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in lines:
            if not NOISE.match(line):
                sys.stderr.buffer.write(line + b"\n")
        sys.stderr.flush()


def listen() -> socket.socket:
    """The socket that pages are asked for on; nobody serves it yet."""
    listener = socket.socket(socket.AF_UNIX)
    os.chdir(paths.ROOT)
    Path(client.ADDRESS).unlink(missing_ok=True)
    before = os.umask(0o077)
    try:
        listener.bind(client.ADDRESS)
    finally:
        os.umask(before)
    listener.listen(64)
    return listener


def start_server(listener: socket.socket, kernel: str) -> subprocess.Popen[bytes]:
    """Start what serves the pages; it ends when its standard input is closed, or with us.

    It leads a session of its own, so that what is typed at the terminal reaches us alone.
    """
    handed = (listener.fileno(), *LOCKS)
    command = [sys.executable, "-m", "ncpi_eval.server", str(os.getpid()), "serve"]
    return subprocess.Popen(
        [*command, *map(str, handed)],
        cwd=paths.ROOT,
        env=environment() | {"NCPI_EVAL_KERNEL": kernel},
        stdin=subprocess.PIPE,
        pass_fds=handed,
        start_new_session=True,
    )


def environment() -> dict[str, str]:
    """What the processes of a build see: nothing that could change a page or slow it down."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN) or name in DISCLOSURE
    }
    return kept | FIXED


def published() -> str:
    """Name of the folder that `outputs/current` points to; blank if nothing was published."""
    try:
        return os.readlink(OUTPUTS / "current")
    except OSError:
        return ""


def accept() -> int:
    """Store the published results in ``tests/expected``, as reviewed."""
    from ncpi_eval import changes

    if not published():
        raise BuildError("Nothing is published yet: run `make report`, review it, then accept.")
    record = json.loads((OUTPUTS / "current" / "manifest.json").read_text(encoding="utf-8"))
    others = changes.not_default(declarations.read(), record["parameters"])
    if others:
        raise BuildError(
            f"The published report was made with {', '.join(others)}. Only results of the default "
            "parameters are accepted: run `make report`, review it, then accept."
        )
    news = changes.accept(OUTPUTS / "current" / "results", changes.EXPECTED)
    print(f"Accepted into tests/expected: {', '.join(news) or 'nothing new'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
