"""Forked kernels: what one process imported serves all, and each is a process like any other."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from test_build import Project, finished, lay_out, project

from ncpi_eval import dependencies, errors, kernels, server

__all__ = ["finished", "project"]  # fixtures

ROOT = Path(__file__).resolve().parent.parent


def in_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, from the root of the repository."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_an_exit_code_reaches_whoever_waits() -> None:
    pid = os.fork()
    if not pid:
        os._exit(3)
    assert kernels.Forked(pid, os.open(os.devnull, os.O_WRONLY)).wait() == 3


def test_a_signal_is_a_negative_exit_code() -> None:
    pid = os.fork()
    if not pid:
        signal.pause()
    forked = kernels.Forked(pid, os.open(os.devnull, os.O_WRONLY))
    assert forked.poll() is None
    forked.kill()
    assert forked.wait() == -signal.SIGKILL
    forked.send_signal(signal.SIGTERM)  # nobody is there: nothing happens
    assert forked.poll() == -signal.SIGKILL


def test_a_lent_kernel_may_be_gone_before_its_lender_says_so() -> None:
    lender, line = socket.socketpair()
    pid = os.fork()
    if not pid:
        os._exit(0)
    lent = kernels.Lent(pid, os.open(os.devnull, os.O_WRONLY), line)
    os.waitpid(pid, 0)
    lent.kill()  # nobody is there
    assert lent.poll() is None
    lender.sendall(b"7")
    assert (lent.wait(), lent.poll()) == (7, 7)


def test_a_kernel_that_ended_before_it_was_started_is_told_by_its_exit_code() -> None:
    ends, starts = os.pipe()
    pid = os.fork()
    if not pid:
        os._exit(9)
    os.close(ends)
    forked = kernels.Forked(pid, starts)
    forked.start(["-f", "connection.json"], {"A": "b" * 100_000})
    assert forked.wait() == 9


NO_MEMORY = """
    import os, socket
    from ncpi_eval import server

    def fork():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    os.fork = fork
    listener, mine, client = socket.socket(socket.AF_UNIX), *socket.socketpair()
    client.sendall(b"publish")
    server.Server(listener).begin(mine)
    print(client.recv(64))
"""


def test_a_page_for_which_no_process_can_be_had_fails_alone() -> None:
    done = in_python(NO_MEMORY)
    assert done.stderr == "publish: was not started: Resource temporarily unavailable.\n"
    assert done.stdout == "b'1'\n"


SESSION = """
    import asyncio, os, sys, tempfile
    from jupyter_client.asynchronous import AsyncKernelClient
    from ncpi_eval import engine, kernels

    os.environ["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp()
    forked = kernels.fork()

    async def main():
        manager = type("M", (engine.KernelManager,), {"forked": forked})(kernel_name="python3")
        await manager.start_kernel(extra_arguments=[])
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        asked = asyncio.create_task(client.execute_interactive("import time; time.sleep(60)"))
        await asyncio.sleep(0.5)
        await manager.interrupt_kernel()
        reply = await asked
        print(reply["content"]["ename"])
        reply = await client.execute_interactive("print('still there')")
        print(reply["content"]["status"])
        await manager.shutdown_kernel(now=True)
        client.stop_channels()
        print(forked.returncode, await manager.is_alive())

    asyncio.run(main())
"""


def test_a_forked_kernel_is_interrupted_goes_on_and_is_shut_down() -> None:
    done = in_python(SESSION)
    lines = [line for line in done.stdout.splitlines() if line in ("KeyboardInterrupt", "ok")]
    assert lines == ["KeyboardInterrupt", "ok"], done.stdout + done.stderr
    assert "still there" in done.stdout
    assert "-9 False" in done.stdout


def test_a_process_with_threads_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "threads", lambda: 2)
    with pytest.raises(errors.BuildError, match="has started threads"):
        kernels.fork()


def test_what_starts_threads_or_cannot_be_imported_is_left_to_the_page() -> None:
    before = set(sys.modules)
    server.load(["polars", "pyarrow.parquet", "no_such_module_anywhere", "wave"])
    assert not {name.partition(".")[0] for name in set(sys.modules) - before} & set(server.NEVER)
    assert "wave" in sys.modules


def test_every_import_of_a_notebook_is_found(tmp_path: Path) -> None:
    source = (
        "import pandas as pd, numpy\nfrom ncpi_eval import say, tables\n%time\nfrom a.b import c"
    )
    cells = [{"cell_type": "code", "source": source}, {"cell_type": "code", "source": "if ("}]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    found = dependencies.all_imports(path)
    assert found[:2] == ["pandas", "numpy"]
    assert {"ncpi_eval", "ncpi_eval.tables", "a.b"} < set(found)


# What a page draws and shows, however its kernel is started

DRAWS = (
    "import random\\n",
    "import numpy as np\\n",
    "import matplotlib.pyplot as plt\\n",
    "print(random.random(), np.random.rand())\\n",
    "plt.plot([1, 2], [2, 1])\\n",
    "None",
)


def test_unseeded_numbers_and_pictures_are_the_same_however_the_page_is_built(
    project: Project, tmp_path: Path
) -> None:
    other = lay_out(tmp_path / "other")
    shown = []
    for where, call in ((project, ("-j2", "report")), (other, ("report", "KERNEL=plain"))):
        where.change("notebooks/04-alone.ipynb", "print(2 + 2)", "".join(DRAWS))
        outcome = where.make(*call)
        assert outcome.code == 0, outcome.text
        shown.append(where.published())
    assert shown[0] == shown[1]
    executed = json.loads(shown[0]["executed/04-alone.ipynb"])
    drawn = [output for cell in executed["cells"] for output in cell.get("outputs", [])]
    # a figure that nobody returned: the backend shows it when the cell ends
    assert any("image/png" in output.get("data", {}) for output in drawn)


def test_an_import_that_starts_a_thread_is_told_and_does_no_harm(project: Project) -> None:
    before = project.published()
    project.path("ncpi_eval/threaded.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    project.change(
        "notebooks/04-alone.ipynb", "print(2 + 2)", "from ncpi_eval import threaded\\nprint(2 + 2)"
    )
    outcome = project.make("report")
    assert outcome.code == 0, outcome.text
    assert "Pages cannot be forked here, because an import started threads" in outcome.text
    assert outcome.built == {"04-alone"}
    assert project.published()["results/totals.csv"] == before["results/totals.csv"]
