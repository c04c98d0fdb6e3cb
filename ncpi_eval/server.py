"""Import the stack once, and fork a worker for each page that make asks for.

`ncpi_eval.build` starts it when the first request comes, and it ends with the build. It must stay
a process that can be forked: one thread, no ZMQ socket. A worker does one request and ends; who
asked is told how. Whoever goes away, the rest follows: the client's end ends its worker, the
build's end the server, and on Linux a parent's end its children, however it came.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import select
import signal
import socket
import sys
from functools import cache
from typing import Any

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
PUBLISH = ("ncpi_eval.publish", "ncpi_eval.front", "ncpi_eval.release", "ncpi_eval.scanner")
# What a library imports if it is there and nobody here uses, with the module that asks for it:
# jsonschema's parser of addresses, whose grammar takes as long as half of all else, and a debugger.
UNUSED = {"rfc3987_syntax": "nbformat", "debugpy": "ipykernel.debugger"}
# They start threads when they are imported, which a fork would lose.
NEVER = ("polars", "pyarrow")


class Server:
    """The requests that are being worked on, by the worker's process id."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.clients: dict[int, socket.socket] = {}
        self.wake, wake = os.pipe()
        for end in (self.wake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Answer until the build closes our standard input."""
        while True:
            waiting: list[Any] = [0, self.wake, self.listener, *self.clients.values()]
            ready, _, _ = select.select(waiting, [], [])
            if 0 in ready:
                break
            if self.wake in ready:
                os.read(self.wake, 4096)
                self.answer()
            for pid, client in self.clients.items():
                if client in ready:  # it never says more than its request, so it is gone
                    os.kill(pid, signal.SIGKILL)
            if self.listener in ready:
                self.begin(self.listener.accept()[0])
        for pid in self.clients:
            os.kill(pid, signal.SIGKILL)
        while self.clients:
            signal.pause() if not self.answer() else None

    def answer(self) -> bool:
        """Tell the clients of all workers that have ended how they did; whether there were any."""
        found = False
        for pid, client in list(self.clients.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                found = True
                del self.clients[pid]
                with contextlib.suppress(OSError):
                    client.sendall(b"%d" % os.waitstatus_to_exitcode(status))
                client.close()
        return found

    def begin(self, client: socket.socket) -> None:
        """Start a worker for the request of a new client."""
        request = client.recv(4096).decode().split()
        if not request:
            client.close()
            return
        load(modules(request))
        practise(request[0])
        gc.freeze()  # what is there now is never looked at again, and so stays shared
        parent = os.getpid()
        if kernels.threads() != 1:
            self.clients[spawn(request)] = client
            return
        pid = os.fork()
        if pid:
            self.clients[pid] = client
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            kernels.die_with(parent)
            for other in (self.listener, client, *self.clients.values()):
                other.close()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            gc.enable()
            gc.set_threshold(100_000, 20, 20)  # one page leaves little, and its process ends
            code = build.main(request)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def modules(request: list[str]) -> list[str]:
    """What to import before a request is worked on."""
    if request[0] != "page":
        return list(PUBLISH)
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
def practise(what: str) -> None:
    """Do once what every page does, so that what is compiled and looked up then is there for all.

    Patterns, templates and fonts: only caches change, so that a page's bytes are the same without.
    """
    with contextlib.suppress(Exception):
        if what == "page":
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


def spawn(request: list[str]) -> int:
    """Start a worker of its own, with a plain kernel, where a fork would lose threads."""
    print("Pages cannot be forked here, because an import started threads; they start afresh.")
    command = [sys.executable, "-m", "ncpi_eval.build", *request]
    return os.posix_spawn(sys.executable, command, os.environ | {"NCPI_EVAL_KERNEL": "plain"})


def main(parent: int, descriptor: int) -> None:
    """Serve on a listening socket that was inherited, as a child of the build."""
    kernels.die_with(parent)
    gc.disable()  # imports leave no garbage, but looking for it takes a tenth of their time
    for unused in UNUSED:
        load_without(unused)
    if sys.path[0] == os.getcwd():
        del sys.path[0]  # as in a kernel: PYTHONPATH names it
    Server(socket.socket(fileno=descriptor)).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
