"""A Dask scheduler with workers, as processes of their own on this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ncpi_eval import paths

# Where a process of its own finds the package and the functions of the tests.
IMPORTS = {"PYTHONPATH": os.pathsep.join([str(paths.ROOT), str(paths.ROOT / "tests")])}


def soon(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(condition())


@contextmanager
def scheduler(
    folder: Path, workers: int, *, nanny: bool = False
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and workers as processes of their own; its address and the workers.

    A nanny starts its worker again; without one a killed worker is gone.
    """
    file = folder / "scheduler.json"
    environment = (
        os.environ
        | IMPORTS
        | {
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",  # the hardest: blamed at once
        }
    )
    quiet = {
        "cwd": paths.ROOT,
        "env": environment,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "start_new_session": True,
    }
    dask = [sys.executable, "-m", "distributed.cli.dask_"]
    processes = []

    def begin(what: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [*dask[:2], dask[2] + what, "--no-dashboard", *arguments]
        processes.append(subprocess.Popen(command, **quiet))
        return processes[-1]

    try:
        begin("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        assert soon(file.exists)
        address = soon(lambda: address_in(file)) and address_in(file)
        given = ["--nthreads", "1", "--nanny" if nanny else "--no-nanny", "--host", "127.0.0.1"]
        given += ["--local-directory", str(folder)]
        made = [begin("worker", address, *given) for _ in range(workers)]
        yield address, made
    finally:
        for one in reversed(processes):
            with suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)  # with the worker of a nanny
            one.wait()


def address_in(file: Path) -> str:
    found = re.search(r'"address": "(.*?)"', file.read_text())
    return found[1] if found else ""
