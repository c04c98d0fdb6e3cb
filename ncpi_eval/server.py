"""Import the stack once, and fork what builds the pages that make asks for.

`ncpi_eval.build` starts it when the first request comes, and it ends with the build. It must stay
a process that can be forked: one thread, no ZMQ socket. Each page has a kernel of its own, forked
here. Workers drive the kernels and write the pages, one request after another, as many at once as
make asks for; one that has failed ends, and who asked is told how. Whoever goes away, the rest
follows: the client's end ends its worker, a worker's end its kernel, the build's end the server,
and on Linux a parent's end its children, however it came.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

from ncpi_eval import build, declarations, dependencies, kernels, provenance
from ncpi_eval.errors import NcpiError

# What every page needs, whatever its notebook imports; the second part is what a kernel would
# import when it starts.
PAGE = (
    "ncpi_eval.execute",
    "ncpi_eval.engine",
    "ncpi_eval.render",
    "papermill",
    "ipykernel.kernelapp",
    "matplotlib_inline.config",
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger"),
    *("IPython.core.oinspect", "IPython.extensions.storemagic", "matplotlib.pyplot", "sqlite3"),
)
# What a library imports if it is there and nobody here uses, with the module that asks for it:
# jsonschema's parser of addresses, whose grammar takes as long as half of all else, and a debugger.
UNUSED = {"rfc3987_syntax": "nbformat", "debugpy": "ipykernel.debugger"}
# They start threads when they are imported, which a fork would lose.
NEVER = ("polars", "pyarrow")


@dataclass
class Worker:
    """A process that does one request after another, or one that was started for a single one."""

    pid: int
    line: socket.socket | None = None  # requests to it, its answers; None if for a single one
    client: socket.socket | None = None  # who waits for its answer; None while it is idle
    kernel: int | None = None  # process id of the kernel that it was lent

    def is_done(self) -> bool:
        """Whether it has said so; it may also have ended, which `Server.reap` sees."""
        assert self.line is not None
        with contextlib.suppress(ConnectionError):
            return bool(self.line.recv(1))
        return False

    def tell(self, code: int) -> None:
        """Tell it how the kernel ended that it was lent."""
        self.kernel = None
        if self.line is not None:
            say(self.line, code)

    def answer(self, code: int) -> None:
        """Tell the client how its request ended."""
        if self.client is not None:
            say(self.client, code)
            self.client.close()
            self.client = None

    def close(self) -> None:
        """Let go of what was shared with a worker that has ended, and end what it was lent."""
        if self.line is not None:
            self.line.close()
        if self.kernel is not None:
            kill(self.kernel)


class Server:
    """The workers, what they are working on, and who asked."""

    def __init__(self, listener: socket.socket, lock: IO[bytes] | None = None) -> None:
        self.listener = listener
        self.lock = lock
        self.workers: list[Worker] = []
        self.callers: list[socket.socket] = []  # clients that have not been heard yet
        self.told = ""
        self.files = files()
        self.wake, self.waker = socket.socketpair()
        for end in (self.wake, self.waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Answer until the build closes our standard input."""
        while True:
            waiting: list[Any] = [0, *self.sockets()]
            ready, _, _ = select.select(waiting, [], [])
            if 0 in ready:
                break
            if self.wake in ready:
                self.wake.recv(4096)
                self.reap()
            for worker in self.workers:
                if worker.client in ready:  # it never says more than its request, so it is gone
                    kill(worker.pid)
                elif worker.line in ready and worker.is_done():
                    worker.answer(0)
            for client in [caller for caller in self.callers if caller in ready]:
                self.begin(client)
                self.callers.remove(client)
            if self.listener in ready:
                self.callers.append(self.listener.accept()[0])
        self.end()

    def sockets(self) -> list[socket.socket]:
        """All that we talk on, which no process forked here may keep."""
        mine = [socket_ for worker in self.workers for socket_ in (worker.line, worker.client)]
        return [self.listener, self.wake, self.waker, *self.callers, *filter(None, mine)]

    def reap(self) -> None:
        """Tell of every child that has ended how it did: the client, or who was lent the kernel."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self.ended(ended[0], os.waitstatus_to_exitcode(ended[1]))

    def ended(self, pid: int, code: int) -> None:
        """One child has ended."""
        for worker in list(self.workers):
            if worker.kernel == pid:
                kill_group(pid)  # what its cells had started
                worker.tell(code)
            elif worker.pid == pid:
                self.workers.remove(worker)
                worker.close()
                worker.answer(code)

    def end(self) -> None:
        """End all workers and kernels, and what they left behind, whose parent we are now."""
        for worker in self.workers:
            kill(worker.pid)
            os.waitpid(worker.pid, 0)
            worker.close()
            if worker.kernel is not None:
                os.waitpid(worker.kernel, 0)
        with contextlib.suppress(ChildProcessError):
            while True:
                if not os.waitpid(-1, os.WNOHANG)[0]:
                    for child in children():
                        kill(child)
                    os.waitpid(-1, 0)

    def begin(self, client: socket.socket) -> None:
        """Let a worker do the request of a client, which has been heard now."""
        request = client.recv(4096).decode().split()
        if not request:
            client.close()
            return
        try:
            self.hand_over(request, client)
        except OSError as error:  # no memory, or too many processes
            print(f"{request[-1]}: was not started: {error.strerror}.", file=sys.stderr, flush=True)
            say(client, 1)
            client.close()

    def hand_over(self, request: list[str], client: socket.socket) -> None:
        """Send a request to a worker, and with that for a page a kernel which waits."""
        if request[0] == "page":
            load(modules(request))
            practise()
        if self.must_start_afresh():
            self.workers.append(Worker(spawn(request), client=client))
            return
        gc.freeze()  # what is there now is never looked at again, and so stays shared
        idle = (worker for worker in self.workers if worker.line and not worker.client)
        worker = next(idle, None) or self.fork()
        pipes = []
        if request[0] == "page" and os.environ.get("NCPI_EVAL_KERNEL") != "plain":
            worker.kernel, pipe = kernels.begin(*self.sockets(), *filter(None, [self.lock]))
            pipes.append(pipe)
        worker.client = client
        assert worker.line is not None
        with contextlib.suppress(OSError):  # it has ended already: see `reap`
            message = json.dumps([request, worker.kernel]).encode()
            socket.send_fds(worker.line, [message], pipes)
        for pipe in pipes:
            os.close(pipe)

    def must_start_afresh(self) -> bool:
        """Whether a fork would lose threads, or run what is no longer written; says so once."""
        why = ""
        if kernels.threads() != 1:
            why = "Pages cannot be forked here, because an import started threads"
        elif not self.files.items() <= files().items():
            why = f"Files of {build.__package__} were changed while the report is built"
        if why not in ("", self.told):
            print(f"{why}; they start afresh.", flush=True)
            self.told = why
        return bool(why)

    def fork(self) -> Worker:
        """Fork one more worker, which has no part in our talk with clients and other workers."""
        parent = os.getpid()
        line, other = socket.socketpair()
        pid = os.fork()
        if pid:
            other.close()
            self.workers.append(Worker(pid, line))
            return self.workers[-1]
        try:
            kernels.settle_in(parent, line, *self.sockets())
            work(other)
        except ConnectionError:
            pass  # the server has ended, and so has the build
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(1)


def children() -> list[int]:
    """Processes whose parent we are, those that came to us as orphans included, on Linux."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # number (command) state parent
            if int(place.read_bytes().rpartition(b")")[2].split()[1]) == os.getpid():
                found.append(int(place.parent.name))
    return found


def say(to: socket.socket, code: int) -> None:
    """Say how a process has ended, to whoever may be gone."""
    with contextlib.suppress(OSError):
        to.sendall(b"%d" % code)


def kill(pid: int) -> None:
    """End a child of ours at once, with what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    kill_group(pid)


def kill_group(leader: int) -> None:
    """End a kernel's session; a worker leads none."""
    with contextlib.suppress(OSError):
        os.killpg(leader, signal.SIGKILL)


def work(line: socket.socket) -> NoReturn:
    """Do one request after another, as long as the server sends them and all goes well."""
    while True:
        message, pipes, _, _ = socket.recv_fds(line, 4096, 1)
        if not message:
            os._exit(0)
        request, kernel = json.loads(message)
        lent = kernels.Lent(kernel, pipes[0], line) if pipes else None
        code = build.main(request, lent)
        if lent is not None:
            lent.discard()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):  # a full disk, of which the page has told
                stream.flush()
        if code:
            os._exit(code)
        line.sendall(b"0")


def modules(request: list[str]) -> list[str]:
    """What to import before a page is worked on."""
    try:
        notebook = declarations.read().page(request[1]).notebook
    except NcpiError:
        return list(PAGE)  # the worker says what is wrong
    return [*PAGE, *dependencies.all_imports(notebook)]


def load_without(unused: str) -> None:
    """Import a module without what it does not need; see `UNUSED`."""
    sys.modules[unused] = None  # type: ignore[assignment]  # an import then fails
    importlib.import_module(UNUSED[unused])
    del sys.modules[unused]


def load(names: list[str]) -> None:
    """Import modules that are not here yet; what cannot be imported fails in its page, not here."""
    for name in names:
        if name not in sys.modules and name.partition(".")[0] not in NEVER:
            with contextlib.suppress(Exception, SystemExit):
                importlib.import_module(name)


@cache
def practise() -> None:
    """Do once what every page does, so that what is compiled and looked up then is there for all.

    Patterns, templates and fonts: only caches change, so that a page's bytes are the same without.
    """
    with contextlib.suppress(Exception):
        provenance.packages()
        _render_a_little()
        _draw_a_little()


def _render_a_little() -> None:
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    from ncpi_eval import render

    page = declarations.Page("page", "Title", "Question?")
    site = declarations.Site("Report", (page,))
    text = "# Title\n\n**Words** &amp; a [link](other.html), `code` and\n\n## A heading\n\n- item"
    cells = [new_markdown_cell(text), new_code_cell("a = f(1, 'b')", execution_count=1)]
    render.render_page(new_notebook(cells=cells), page, site, {"inputs": {"a": "b"}})


def _draw_a_little() -> None:
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.barh([0, 1], [1, 2], label="Words")
    axes.set_yticks([0, 1], ["one", "two"])
    figure.savefig(io.BytesIO(), format="svg", bbox_inches="tight")


def files() -> dict[str, int]:
    """When each file of the package was changed last; no page may run what was there before."""
    found = {}
    for folder, folders, names in os.walk(os.path.dirname(__file__)):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found[f"{folder}/{name}"] = os.stat(f"{folder}/{name}").st_mtime_ns
    return found


def spawn(request: list[str]) -> int:
    """Start a worker of its own, with a plain kernel, where a fork would not do."""
    command = [sys.executable, "-m", "ncpi_eval.server", str(os.getpid()), *request]
    return os.posix_spawn(sys.executable, command, os.environ | {"NCPI_EVAL_KERNEL": "plain"})


def serve(descriptor: str, *lock: str) -> None:
    """Serve on a listening socket that was inherited, with the lock, as a child of the build."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is typed reaches the build alone
    kernels.adopt_orphans()
    gc.disable()  # imports leave no garbage, but looking for it takes a tenth of their time
    for unused in UNUSED:
        load_without(unused)
    if sys.path[0] == os.getcwd():
        del sys.path[0]  # as in a kernel: PYTHONPATH names it
    held = open(int(lock[0]), "rb") if lock else None
    Server(socket.socket(fileno=int(descriptor)), held).serve()


def main(arguments: list[str]) -> int:
    """Serve, or do a single request of the server, as a child of the process named first."""
    parent, *request = arguments
    kernels.die_with(int(parent))
    if request[0] != "serve":
        return build.main(request)
    serve(*request[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
