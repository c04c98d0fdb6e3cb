"""Many runs: the same results in the same order, whatever happens to the workers."""

from __future__ import annotations

import functools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers_dask import IMPORTS, scheduler, soon

from ncpi_eval import paths, runs
from ncpi_eval.errors import InputError, Problem

SQUARES = [number * number for number in range(12)]


def square(number: int) -> int:
    return number * number


def last_comes_first(number: int) -> int:
    time.sleep((5 - number) / 20)
    return number


def killed_once(folder: Path, number: int) -> int:
    """Item 3 kills its process the first time."""
    mark = folder / "killed"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def always_kills(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def refuses_two(number: int) -> int:
    if number == 2:
        raise InputError("Two is refused.", [Problem("here", "2", "another", "leave it")])
    if number == 4:
        raise SystemExit(3)
    return number * number


class Unsendable(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


def raises_unsendable(number: int) -> object:
    if number == 1:
        raise Unsendable("a", "b")
    return (lambda: None) if number == 2 else number


def takes_long(folder: Path, number: int) -> int:
    (folder / f"{os.getpid()}").touch()
    time.sleep(60)
    return number


def process(_: int) -> int:
    return os.getpid()


def each(function, items, **given):
    return list(runs.each(function, items, **{"label": "squares", "progress": False, **given}))


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert each(square, range(12), workers=workers) == SQUARES
    assert each(last_comes_first, range(6), workers=workers) == list(range(6))


def test_nothing_to_do_is_no_result() -> None:
    assert each(square, [], workers=2) == []


def test_two_workers_are_two_other_processes() -> None:
    assert each(process, range(3), workers=1) == [os.getpid()] * 3
    assert os.getpid() not in each(process, range(3), workers=2)


def test_a_killed_worker_costs_no_result(tmp_path: Path) -> None:
    assert each(functools.partial(killed_once, tmp_path), range(12), workers=2) == SQUARES
    assert (tmp_path / "killed").exists()


def test_an_item_that_kills_three_times_is_refused_by_name() -> None:
    with pytest.raises(runs.Lost) as caught:
        each(always_kills, range(12), workers=2, name=lambda item: f"number {item}")
    assert str(caught.value) == (
        "squares: number 3 failed. WorkerEnded: It ended its process 3 times "
        "(out of memory, or killed)."
    )
    found = each(always_kills, range(12), workers=2, failures="yield")
    assert found[:3] + found[4:] == SQUARES[:3] + SQUARES[4:]
    assert isinstance(found[3], runs.Lost) and found[3].item == "3"


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_has_the_name_of_its_item(workers: int) -> None:
    with pytest.raises(runs.Failed) as caught:
        each(refuses_two, range(6), workers=workers)
    assert str(caught.value) == (
        "squares: 2 failed. Two is refused.\n"
        "  - here: found 2; expected another. What to do: leave it"
    )
    assert isinstance(caught.value.error, InputError)
    assert "in refuses_two" in caught.value.error.__notes__[0]
    found = each(refuses_two, range(6), workers=workers, failures="yield")
    assert [str(one) for one in found[4:]] == ["squares: 4 failed. SystemExit: 3", "25"]
    assert found[:2] == [0, 1] and isinstance(found[2], runs.Failed)


def test_what_cannot_be_sent_is_an_error_of_its_item_alone() -> None:
    found = each(raises_unsendable, range(4), workers=2, failures="yield")
    assert found[0] == 0 and found[3] == 3
    assert "Unsendable: a" in str(found[1])
    assert "2 failed" in str(found[2]) and "pickle" in str(found[2])


def test_items_are_taken_as_they_are_needed() -> None:
    taken = 0

    def source() -> Iterator[int]:
        nonlocal taken
        for number in range(200):
            taken += 1
            yield number

    ahead = []
    results = runs.each(square, source(), label="squares", workers=2, progress=False)
    for done, _ in enumerate(results, start=1):
        ahead.append(taken - done)
    assert len(ahead) == 200
    assert max(ahead) <= 2 * runs.UNDER_WAY_A_WORKER


def test_progress_is_said_at_the_end_and_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    each(square, range(12), workers=1, progress=True)
    assert re.fullmatch(r"squares: 12 of 12 in \d+\.\d s\n", capsys.readouterr().err)
    monkeypatch.setattr(runs, "SECONDS_BETWEEN_LINES", 0)
    each(square, iter([1, 2]), workers=1, progress=True)
    assert re.fullmatch(
        r"squares: 1 of 2, 0 s left\nsquares: 2 of 2, 0 s left\nsquares: 2 of 2 in 0\.\d s\n",
        capsys.readouterr().err,
    )
    each(square, (number for number in [1]), workers=1, progress=True)
    assert re.fullmatch(r"squares: 1\nsquares: 1 in 0\.\d s\n", capsys.readouterr().err)


def alive(number: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{number}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopping_the_run_stops_its_workers(tmp_path: Path, number: int) -> None:
    code = (
        "import functools, pathlib, sys; from ncpi_eval import runs; import test_runs\n"
        "function = functools.partial(test_runs.takes_long, pathlib.Path(sys.argv[1]))\n"
        "list(runs.each(function, range(8), label='long', workers=2))\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=paths.ROOT,
        env=os.environ | IMPORTS,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert soon(lambda: len(list(tmp_path.iterdir())) == 2)
    began = time.monotonic()
    run.send_signal(number)
    said = run.communicate(timeout=30)[1]
    assert time.monotonic() - began < 20
    workers = [int(path.name) for path in tmp_path.iterdir()]
    assert soon(lambda: not any(alive(worker) for worker in workers))
    if number == signal.SIGINT:
        assert run.returncode != 0 and said.count("KeyboardInterrupt") == 1


def test_a_script_from_standard_input_runs_in_one_process() -> None:
    code = "from ncpi_eval import runs\nprint(list(runs.each(abs, [-1, -2], label='a', workers=2)))"
    done = subprocess.run(
        [sys.executable, "-"], input=code, cwd=paths.ROOT, capture_output=True, text=True
    )
    assert done.stdout == "[1, 2]\n"


# On a real scheduler


def killed_half_way(worker: int, number: int) -> int:
    """Item 3 kills one of the workers, whoever runs it; the others take a moment."""
    if number == 3:
        try:
            os.kill(worker, signal.SIGKILL)
        except ProcessLookupError:
            pass
    time.sleep(0.05)
    return number * number


def test_dask_workers_give_the_serial_results_also_when_one_is_killed(tmp_path: Path) -> None:
    with scheduler(tmp_path, workers=2) as (address, workers):
        assert each(square, range(12), scheduler=address) == SQUARES
        found = each(refuses_two, range(6), scheduler=address, failures="yield")
        assert str(found[2]).startswith("squares: 2 failed. Two is refused.")
        assert found[5] == 25
        lock = each(square, [2, threading.Lock()], scheduler=address, failures="yield")
        assert lock[0] == 4 and "TypeError" in str(lock[1])
        function = functools.partial(killed_half_way, workers[0].pid)
        assert each(function, range(12), scheduler=address) == SQUARES
        assert workers[0].wait(timeout=20) == -signal.SIGKILL
        assert each(square, range(12), scheduler=address) == SQUARES


def test_an_item_that_kills_dask_workers_is_refused_and_its_neighbours_are_not(
    tmp_path: Path,
) -> None:
    with scheduler(tmp_path, workers=2, nanny=True) as (address, _):
        found = each(always_kills, range(12), scheduler=address, failures="yield")
    assert found[:3] + found[4:] == SQUARES[:3] + SQUARES[4:]
    assert isinstance(found[3], runs.Lost) and found[3].item == "3"


def test_a_wrong_scheduler_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="expected tcp://host:port or tls://host:port"):
        each(square, [1], scheduler="http://127.0.0.1:8786")
    monkeypatch.setattr(runs, "SECONDS_TO_ANSWER", 1)
    with pytest.raises(InputError, match="start `dask scheduler`"):
        each(square, [1], scheduler="tcp://127.0.0.1:1")


def test_a_scheduler_without_workers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "SECONDS_WITHOUT_WORKERS", 1)
    with scheduler(tmp_path, workers=0) as (address, _):
        with pytest.raises(InputError, match="start `dask worker tcp://127.0.0.1"):
            each(square, [1], scheduler=address)


def test_no_process_is_left_when_a_run_is_over_or_given_up() -> None:
    each(square, range(12), workers=2)
    assert not multiprocessing.active_children()
    running = runs.each(square, range(12), label="squares", workers=2, progress=False)
    assert next(running) == 0
    running.close()
    assert not multiprocessing.active_children()
