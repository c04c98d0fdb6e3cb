"""One function over many items: briefs, waves, simulation grids, documents.

`each` is a serial loop that may use other processes. What it yields does not depend on how: the
same results in the order of the items, from one process, from several, or from the workers of a
Dask scheduler, and also when one of them is killed half-way. Only a fixed number of items is under
way at any time, so memory does not grow with their number.

    for page in runs.each(brief, forces, label="briefs", scheduler="tcp://127.0.0.1:8786"):
        ...

A Dask scheduler is trusted like this machine: functions, items and results travel as pickles, and
whoever reaches its port can run code on every worker. Use one on a closed network, or ``tls://``.
"""

from __future__ import annotations

import functools
import multiprocessing
import operator
import os
import pickle
import re
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from ncpi_eval import machine
from ncpi_eval.errors import InputError, NcpiError, Problem

TRIES = 3
"""An item that ends its own process so many times, running alone, is given up."""
UNDER_WAY_A_WORKER = 4
"""Items handed out per worker: enough that none waits for the slowest, few enough to remember."""
SECONDS_BETWEEN_LINES = 10
"""Progress in a log; on a terminal one line is written over, a few times a second."""
SECONDS_TO_ANSWER = 10
SECONDS_WITHOUT_WORKERS = 60
"""How long a Dask scheduler may be without any worker before the run is given up."""

Item = TypeVar("Item")
R = TypeVar("R")
Call = Callable[[], Any]


class Failed(NcpiError):
    """One item of a run failed.

    Parameters
    ----------
    label, item : str
        The run, and the name of the item.
    error : BaseException
        What its function raised; its notes hold the traceback of the process it ran in.
    """

    def __init__(self, label: str, item: str, error: BaseException) -> None:
        if isinstance(error, NcpiError):
            super().__init__(f"{label}: {item} failed. {error.message}", error.problems)
        else:
            super().__init__(f"{label}: {item} failed. {type(error).__name__}: {error}")
        self.item = item
        self.error = error


class Lost(Failed):
    """One item of a run ended every process that it ran in."""


class WorkerEnded(Exception):
    """The process that ran an item ended before the item did, as often as it was tried."""


def each(
    function: Callable[[Item], R],
    items: Iterable[Item],
    *,
    label: str,
    name: Callable[[Item], str] = str,
    workers: int | None = None,
    scheduler: str = "",
    start: Callable[[], None] | None = None,
    failures: Literal["raise", "yield"] = "raise",
    progress: bool = True,
) -> Iterator[Any]:
    """Apply a function to each item and yield the results in the order of the items.

    Parameters
    ----------
    function : callable
        A module-level function of one item (or a `functools.partial` of one). Items and results
        must pickle; the result must follow from the item alone. An item whose process was killed
        is run again, so what the function writes must bear being written twice.
    items : iterable
        Taken one by one, never more than `UNDER_WAY_A_WORKER` per worker ahead of the result that
        is waited for.
    label : str
        Names the run in progress and errors.
    name : callable
        Names an item in errors.
    workers : int, optional
        Local processes; as many as there are processors if left out. 1 runs in this process, where
        an item that ends it ends everything. Not used with a scheduler.
    scheduler : str
        Address of a Dask scheduler, ``tcp://host:port`` or ``tls://host:port``; blank for local
        processes. Its workers need this package and the files that the function reads.
    start : callable, optional
        Called once in each local process, before its first item.
    failures : {"raise", "yield"}
        What to do with an item that failed: stop the run, or yield a `Failed` in its place.
    progress : bool
        Say on standard error how many items are done: ``briefs: 12 of 43, 3 s left``.

    Yields
    ------
    object
        A result per item.

    Raises
    ------
    Failed
        The first item, in their order, that raised; `Lost` if it ended its process `TRIES` times
        (with Dask: more often than the scheduler's ``allowed-failures``, twice over).
    InputError
        No scheduler answers at the address, its versions are others, or it lost all its workers.
    """
    told = _Progress(label, operator.length_hint(items), progress)
    pool = _pool(workers or machine.processors(), scheduler, start)
    whole = False
    try:
        for item, take in _in_order(pool, function, items):
            try:
                good, value = take()
            except WorkerEnded as error:
                good, value = False, error
            if not good:
                kind = Lost if isinstance(value, WorkerEnded) else Failed
                failed = kind(label, name(item), value)
                if failures == "raise":
                    raise failed from value
                value = failed
            told.step()
            yield value
        whole = True
    finally:
        told.end()
        pool.close(at_once=not whole)


class _Pool(Protocol):
    """Where items run."""

    def room(self) -> int:
        """How many items may be under way."""

    def submit(self, call: Call) -> Callable[[], Any]:
        """Hand out a call; what is returned gives its result, or raises `WorkerEnded`."""

    def close(self, at_once: bool) -> None:
        """Let the workers go; ``at_once`` ends also those that are at work."""


def _in_order(
    pool: _Pool, function: Callable[[Item], R], items: Iterable[Item]
) -> Iterator[tuple[Item, Callable[[], Any]]]:
    waiting: deque[tuple[Item, Callable[[], Any]]] = deque()
    for item in items:
        waiting.append((item, pool.submit(functools.partial(_settled, function, item))))
        while len(waiting) >= pool.room():
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


def _settled(function: Callable[[Item], R], item: Item) -> tuple[bool, R | BaseException]:
    """In the worker: whether it went well, and the result or the exception."""
    try:
        return True, function(item)
    except (Exception, SystemExit) as error:
        error.add_note(traceback.format_exc())
        return False, _portable(error)


def _portable(error: BaseException) -> BaseException:
    """The exception itself where it survives the way to another process, else its words."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made on this line
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _pool(workers: int, scheduler: str, start: Callable[[], None] | None) -> _Pool:
    if scheduler:
        return _Dask(scheduler)
    if workers > 1:
        processes = _Processes(workers, start)
        if processes.usable():
            return processes
        processes.close(at_once=True)
    return _Here()


class _Here:
    """This process: an item runs when its result is asked for."""

    def room(self) -> int:
        return 1

    def submit(self, call: Call) -> Callable[[], Any]:
        return call

    def close(self, at_once: bool) -> None:
        pass


class _Processes:
    """Processes of this machine, spawned so that no thread or open file of ours gets into them."""

    def __init__(self, workers: int, start: Callable[[], None] | None) -> None:
        self.workers = workers
        self.start = start
        self.pool = self._new(workers)
        self.single: ProcessPoolExecutor | None = None

    def _new(self, workers: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(
            workers, mp_context=context, initializer=_begin, initargs=(self.start,)
        )

    def usable(self) -> bool:
        """False where no process can be started, as in a script read from standard input.

        Asked before the first item, which would be blamed for it.
        """
        main = getattr(sys.modules.get("__main__"), "__file__", None)
        if main is not None and not Path(main).is_file():
            return False
        try:
            return self.pool.submit(abs, -1).result() == 1
        except (BrokenProcessPool, OSError):
            return False

    def room(self) -> int:
        return self.workers * UNDER_WAY_A_WORKER

    def submit(self, call: Call) -> Callable[[], Any]:
        try:
            future = self.pool.submit(call)
        except BrokenProcessPool:  # an item killed its process; those it took along run alone
            self.pool.shutdown(wait=False)
            self.pool = self._new(self.workers)
            future = self.pool.submit(call)
        return functools.partial(self._take, future, call)

    def _take(self, future: Future[Any], call: Call) -> Any:
        try:
            return future.result()
        except BrokenProcessPool:
            return self._alone(call)
        except Exception as error:  # a result that cannot be sent back
            return False, error

    def _alone(self, call: Call) -> Any:
        """One process for one item, so that it is known which item ends its process."""
        for _ in range(TRIES):
            self.single = self.single or self._new(1)
            try:
                return self.single.submit(call).result()
            except BrokenProcessPool:
                self.single.shutdown(wait=False)
                self.single = None
            except Exception as error:
                return False, error
        raise WorkerEnded(f"It ended its process {TRIES} times (out of memory, or killed).")

    def close(self, at_once: bool) -> None:
        for pool in (self.pool, self.single):
            if pool is None:
                continue
            # Python 3.14 has terminate_workers(); before, the processes are in this attribute
            processes = list((getattr(pool, "_processes", None) or {}).values())
            for process in processes if at_once else ():
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(start: Callable[[], None] | None) -> None:
    """In a new process: end quietly with Ctrl-C, and never outlive the process that started us."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if start is not None:
        start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


class _Dask:
    """The workers of a Dask scheduler; the scheduler itself repeats what a lost worker had."""

    def __init__(self, address: str) -> None:
        if not re.fullmatch(r"(tcp|tls)://[^\s/?#]+:[0-9]{1,5}", address):
            raise _no_scheduler(address, "tcp://host:port or tls://host:port", "correct it")
        from distributed import Client  # slow to import, and needed for a scheduler only

        try:
            self.client = Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            remedy = "start `dask scheduler`, or correct the address"
            raise _no_scheduler(address, "a Dask scheduler that answers", remedy) from error
        self.address = address
        self.futures: deque[Any] = deque()
        try:
            self.client.wait_for_workers(1, timeout=SECONDS_WITHOUT_WORKERS)
            self.client.get_versions(check=True)
        except TimeoutError as error:
            self.client.close()
            raise self._no_workers() from error
        except ValueError as error:  # other versions could give other bytes
            self.client.close()
            remedy = "install requirements.lock on every machine"
            raise _no_scheduler(address, f"the versions of this machine ({error})", remedy) from (
                error
            )

    def room(self) -> int:
        threads = sum(self.client.nthreads().values())
        return max(threads, 1) * UNDER_WAY_A_WORKER

    def submit(self, call: Call) -> Callable[[], Any]:
        try:
            future = self.client.submit(_run, call, pure=False)
        except Exception as error:  # an item that cannot be sent
            unsent = (False, error)
            return lambda: unsent
        self.futures.append(future)
        return functools.partial(self._take, future, call)

    def _take(self, future: Any, call: Call) -> Any:
        from distributed import KilledWorker

        self.futures.remove(future)
        try:
            return self._result(future)
        except KilledWorker:
            pass
        for other in self.futures:  # one of them, on the same worker, may be to blame: be alone
            with suppress(CancelledError):
                other.exception()
        try:
            return self._result(self.client.submit(_run, call, pure=False))
        except KilledWorker as error:
            raise WorkerEnded(f"It ended its worker again and again ({error}).") from error

    def _result(self, future: Any) -> Any:
        from distributed import KilledWorker

        last_seen = time.monotonic()
        while True:
            try:
                return future.result(timeout=2)
            except TimeoutError:
                if self.client.nthreads():
                    last_seen = time.monotonic()
                elif time.monotonic() - last_seen > SECONDS_WITHOUT_WORKERS:
                    raise self._no_workers() from None
            except KilledWorker:
                raise
            except (OSError, CancelledError) as error:
                remedy = "look at its log, start it, and run this again"
                raise _no_scheduler(self.address, "a scheduler until the end", remedy) from error
            except Exception as error:  # an item or a result that cannot be sent
                return False, error

    def _no_workers(self) -> InputError:
        expected = f"a worker within {SECONDS_WITHOUT_WORKERS} seconds"
        return _no_scheduler(self.address, expected, f"start `dask worker {self.address}`")

    def close(self, at_once: bool) -> None:
        if self.futures:
            self.client.cancel(list(self.futures))
        self.client.close()


def _run(call: Call) -> Any:
    return call()


def _no_scheduler(address: str, expected: str, remedy: str) -> InputError:
    problem = Problem("SCHEDULER", repr(address[:100]), expected, remedy)
    return InputError("The Dask scheduler cannot be used.", [problem])


class _Progress:
    """How many items are done and how long the rest will take; a line now and then."""

    def __init__(self, label: str, total: int, wanted: bool) -> None:
        self.label, self.total = label, total
        self.out = sys.stderr if wanted else None
        self.terminal = self.out is not None and self.out.isatty()
        self.every = 0.2 if self.terminal else SECONDS_BETWEEN_LINES
        self.done = 0
        self.began = self.said = time.monotonic()

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        now = time.monotonic()
        if now - self.said >= self.every:
            self.said = now
            left = (now - self.began) / self.done * (self.total - self.done)
            self._write(f", {left:.0f} s left" if self.total else "")

    def end(self) -> None:
        """The last line stays."""
        if self.done:
            self._write(f" in {time.monotonic() - self.began:.1f} s", "\n")

    def _write(self, more: str, after: str = "") -> None:
        if self.out is not None:
            of = f" of {self.total}" if self.total else ""
            text = f"{self.label}: {self.done}{of}{more}"
            text = f"\r\x1b[K{text}{after}" if self.terminal else f"{text}\n"
            self.out.write(text)
            self.out.flush()
