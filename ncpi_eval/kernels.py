"""Fork a page's kernel from a process that has already imported what notebooks import.

That process must be bare: once it has opened ZMQ, a fork would lose its threads. The kernel then
waits, without work, for the arguments, environment and folder that an ordinary kernel would have
been started with. To jupyter_client it is a process like any other: it can be interrupted, killed
and waited for, and it has an exit code.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from ncpi_eval.errors import BuildError

POLL_SECONDS = 0.005
# Linux's numbers for them.
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class Forked:
    """A forked kernel that waits to be told how to start; has the methods of a `Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pipe: int | None = pipe

    def start(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        """Let it become a kernel with these arguments of ``ipykernel_launcher``."""
        assert self._pipe is not None
        pipe, self._pipe = os.fdopen(self._pipe, "w", encoding="utf-8"), None
        with contextlib.suppress(BrokenPipeError), pipe:  # if it has ended, `poll` tells how
            json.dump([arguments, dict(environment)], pipe)

    def close(self) -> None:
        """Let it end, if it was never started."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def poll(self, options: int = os.WNOHANG) -> int | None:
        """Exit code, minus the signal that ended it, or None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended."""
        return self.poll(0)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended; one that is lent may end before we are told."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def discard(self) -> None:
        """See that it is gone, whether it was started or not."""
        self.close()
        self.kill()
        self.wait()


class Lent(Forked):
    """A kernel that is not our child but its lender's, who tells on a socket how it ended."""

    def __init__(self, pid: int, pipe: int, lender: socket.socket) -> None:
        super().__init__(pid, pipe)
        self._lender = lender

    def poll(self, options: int = os.WNOHANG) -> int | None:
        """Exit code, minus the signal that ended it, or None while it runs."""
        if self.returncode is None:
            try:
                told = self._lender.recv(64, socket.MSG_DONTWAIT if options else 0)
            except BlockingIOError:
                return None
            except ConnectionError:
                told = b""
            if not told:
                os._exit(1)  # the lender has ended, and so has the build
            self.returncode = int(told)
        return self.returncode


class Provisioner(LocalProvisioner):
    """jupyter_client's way to a kernel of this machine, which here is forked already."""

    forked: Forked | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the waiting kernel with the arguments of the command."""
        assert self.forked is not None
        self.forked.start(cmd[cmd.index("ipykernel_launcher") + 1 :], kwargs["env"])
        self.process = self.forked  # type: ignore[assignment]  # has its methods
        self.pid = self.pgid = self.forked.pid  # it leads a session of its own
        return self.connection_info

    async def wait(self) -> int | None:
        """Wait until it has ended, looking more often than the tenth of a second of the parent."""
        while self.process and await self.poll() is None:
            await asyncio.sleep(POLL_SECONDS)
        code = self.process.wait() if self.process else 0
        self.process = None
        return code


def fork() -> Forked:
    """Fork a kernel that waits; `BuildError` if a thread of this process would be lost."""
    return Forked(*begin())


def begin(*unwanted: socket.socket | IO[bytes]) -> tuple[int, int]:
    """Fork a kernel that waits, without these sockets and files of ours.

    Returns
    -------
    tuple of int
        Its process id, and the pipe on which it is told how to start.

    Raises
    ------
    BuildError
        A thread of this process would be lost.
    """
    if threads() != 1:
        raise BuildError("A kernel cannot be forked here: this process has started threads.")
    parent = os.getpid()
    ends, starts = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(ends)
        return pid, starts
    try:
        os.close(starts)
        os.setsid()
        settle_in(parent, *unwanted)
        _wait_and_run(ends, parent)
    finally:
        os._exit(1)


def settle_in(parent: int, *unwanted: socket.socket | IO[bytes]) -> None:
    """Begin as a forked process: without the parent's sockets and signals, to end when it does."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    die_with(parent)
    for other in unwanted:
        other.close()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    gc.enable()
    gc.set_threshold(100_000, 20, 20)  # a page leaves little that only this would find


def _wait_and_run(pipe: int, parent: int) -> None:
    from ipykernel.kernelapp import IPKernelApp

    with os.fdopen(pipe, encoding="utf-8") as handle:
        told = handle.read()
    if not told:
        os._exit(0)
    arguments, environment = json.loads(told)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # looked up once, from the environment
    sys.argv = ["ipykernel_launcher.py", *arguments]
    app = IPKernelApp.instance(parent_handle=parent)
    with _no_debugger():
        app.initialize(arguments)
    _show_figures()
    app.start()


@contextlib.contextmanager
def _no_debugger() -> Iterator[None]:
    """Let a kernel start without a list of all modules for its debugger, which pages do not have.

    To look at each module would copy 13 MB of the memory that is shared with the parent.
    """
    from ipykernel import ipkernel

    ipkernel.sys = SimpleNamespace(modules={})  # type: ignore[assignment]
    try:
        yield
    finally:
        ipkernel.sys = sys


def _show_figures() -> None:
    """What the inline backend does when a kernel imports it, if it was imported before the fork.

    Without it, figures would be drawn and never shown.
    """
    backend = sys.modules.get("matplotlib_inline.backend_inline")
    if backend is not None:
        backend._enable_matplotlib_integration()


def threads() -> int:
    """Threads of this process, those that libraries started without Python's knowledge included."""
    with contextlib.suppress(OSError):
        return len(list(Path("/proc/self/task").iterdir()))
    return threading.active_count()


def die_with(parent: int) -> None:
    """Let this process be killed when its parent ends, whatever ends it.

    Linux does it at once. Elsewhere a kernel looks once a second whether its parent is there.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def adopt_orphans() -> None:
    """Let this process be the parent of what its descendants leave behind, where Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
