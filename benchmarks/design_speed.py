"""Speed of the simulations, beside loops over established packages at equal answers.

Run ``python -m benchmarks.design_speed``. The first two comparisons set CPU time of a batch kernel
against a loop of `statsmodels` and of `pyfixest`, and hold estimates and standard errors of the
cases that the loop computed to 1e-8. A loop is timed on a part of the cases and scaled up, because
it is linear in their number. The third times a part of a grid of 1,000 settings by 1,000
replications on two processes. `pyfixest` lives in the environment of the benchmarks (README.md).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import shown
from benchmarks.design_coverage import sizes
from ncpi_eval.designs import linear, power, simulate
from ncpi_eval.designs.panel import treatment_of
from ncpi_eval.designs.power import Setting
from ncpi_eval.designs.simulate import Programme

ROOT = Path(__file__).resolve().parent.parent
BENCH_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
MONTHS, LAGS = 96, 4
UNITS, PERIODS = 43, 60
GRID_SETTINGS, GRID_REPLICATIONS, GRID_MINUTES = 1_000, 1_000, 10.0
SERIES_BOUND, PANEL_BOUND, TOLERANCE = 1 / 25, 1 / 100, 1e-8

Measured = tuple[float, float, float]
"""CPU seconds of the loop and of the kernel, and the largest difference of their answers."""


def main(arguments: Sequence[str] | None = None, whatever_is_here: bool = False) -> int:
    """Run all three; with `whatever_is_here`, leave out `pyfixest` where it is not installed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--fast", action="store_true", help="few cases, held to no goal")
    parser.add_argument("--panels-only", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    if chosen.panels_only:
        print(json.dumps(panels(chosen.panels_only)))
        return 0
    many, wide, settings = (1_000, 200, 4) if chosen.fast else (10_000, 1_000, 40)
    rows, failed = [], False

    def told(task: str, other: str, ours: str, ratio: str, goal: str, met: bool) -> None:
        nonlocal failed
        failed |= not (met or chosen.fast)
        rows.append([task, other, ours, ratio, goal, "met" if met else "missed"])
        print(
            f"{task}: loop {other}, ours {ours} CPU seconds; {ratio}, goal {goal}: {rows[-1][-1]}",
            flush=True,
        )

    def compared(task: str, found: Measured, bound: float) -> None:
        loop, kernel, difference = found
        good = kernel / loop <= bound and difference < TOLERANCE
        said = f"1/{loop / kernel:,.0f}, differing by {difference:.0e} at most"
        told(task, f"{loop:.1f}", f"{kernel:.2f}", said, f"at most 1/{1 / bound:.0f}", good)

    compared(f"{many:,} series of {MONTHS} months, Newey-West", series(many), SERIES_BOUND)
    found = _panels_elsewhere(wide)
    if found is not None:
        compared(f"{wide:,} panels of {UNITS} by {PERIODS}, clustered", found, PANEL_BOUND)
    else:
        print("Left out: pyfixest is not here; benchmarks/README.md says how to install it.")
    minutes = grid(settings)
    told(
        f"{GRID_SETTINGS:,} settings by {GRID_REPLICATIONS:,} panels, two processes",
        "not run",
        f"{60 * 2 * minutes:.0f}",
        f"{minutes:.1f} minutes, from {settings} settings",
        f"at most {GRID_MINUTES:.0f} minutes",
        minutes <= GRID_MINUTES,
    )
    headers = ["Task", "Loop, CPU seconds", "Ours", "Ratio", "Goal", "Verdict"]
    caption = "Simulating designs: a statsmodels loop, a pyfixest loop, and a whole grid"
    caption += " (a quick run, which no goal is held to)" if chosen.fast else ""
    shown.keep("simulated_designs", caption, headers, rows)
    return int(failed or (found is None and not whatever_is_here))


def series(many: int) -> Measured:
    """Interrupted series; the loop computes one in ten."""
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    outcomes = rng.standard_normal((many, MONTHS)).cumsum(axis=1) * 0.1
    clock = np.arange(MONTHS)
    after = (clock >= 60).astype(float)
    x = np.column_stack([np.ones(MONTHS), clock, after, after * (clock - 60)])
    looped = many // 10
    begin = time.process_time()
    answers = []
    for y in outcomes[:looped]:
        fit = sm.OLS(y, x).fit(cov_type="HAC", cov_kwds={"maxlags": LAGS, "use_correction": True})
        answers.append((fit.params[2], fit.bse[2]))
    loop = (time.process_time() - begin) * many / looped

    def batch() -> tuple[np.ndarray, np.ndarray]:
        fits = linear.least_squares(x, outcomes)
        errors = linear.newey_west_errors(x, fits, LAGS, np.eye(4)[:, [2]])
        return fits.coefficients[:, 2], errors[:, 0]

    kernel = _median_of_three(batch)
    found = np.column_stack(batch())[:looped]
    return loop, kernel, float(np.abs(found - np.array(answers)).max())


def panels(many: int) -> Measured:
    """Panels of all forces, each starting in a month of its own; the loop does one in twenty."""
    import pyfixest as pf

    calendar = tuple(8 + unit for unit in range(UNITS))
    programme = Programme((1.0,) * UNITS, calendar, PERIODS, outcome="gaussian")
    outcomes = simulate.outcomes(programme, many, np.random.default_rng(1))
    d = treatment_of(programme.cohort(), PERIODS)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(UNITS), PERIODS),
            "time": np.tile(np.arange(PERIODS), UNITS),
            "d": d.ravel(),
            "y": 0.0,
        }
    )

    def one(y: np.ndarray) -> tuple[float, float]:
        frame["y"] = y.ravel()
        fit = pf.feols("y ~ d | unit + time", frame, vcov={"CRV1": "unit"})
        return fit.coef()["d"], fit.se()["d"]

    looped = many // 20
    one(outcomes[0])  # what it compiles or imports at its first call is not held against it
    begin = time.process_time()
    answers = [one(y) for y in outcomes[:looped]]
    loop = (time.process_time() - begin) * many / looped
    kernel = _median_of_three(lambda: linear.two_way(outcomes, d))
    fits = linear.two_way(outcomes, d)
    found = np.column_stack([fits.estimate[:looped], fits.std_error[:looped]])
    return loop, kernel, float(np.abs(found - np.array(answers)).max())


def _median_of_three(call: Callable[[], object]) -> float:
    """CPU seconds of a kernel, which is over too soon to be timed once."""
    times = []
    for _ in range(3):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return sorted(times)[1]


def _panels_elsewhere(many: int) -> Measured | None:
    """`panels` in a Python that has `pyfixest`, loop and kernel alike; None without one."""
    for python in (sys.executable, str(BENCH_PYTHON)):
        if not Path(python).exists():
            continue
        if subprocess.run([python, "-c", "import pyfixest"], capture_output=True).returncode:
            continue
        command = [python, "-m", "benchmarks.design_speed", "--panels-only", str(many)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        loop, kernel, difference = json.loads(done.stdout.splitlines()[-1])
        return loop, kernel, difference
    return None


def grid(settings: int) -> float:
    """Minutes of two busy processors that the whole grid would take, from some of its settings."""
    base = Programme(
        sizes(UNITS), simulate.rolling_calendar(UNITS, 3, 4, first=1), PERIODS, rate=0.2,
        overdispersion=0.02, noise_sd=0.1, common_sd=0.1, autocorrelation=0.4,
    )  # fmt: skip
    effects = np.round(np.linspace(0.0, 0.3, settings), 6).tolist()
    tried = power.grid(Setting(base, "staggered", "two_way"), effect=effects)
    begin = _cpu()
    power.run(tried, replications=GRID_REPLICATIONS, seed=1, workers=2)
    return (_cpu() - begin) / settings * GRID_SETTINGS / 2 / 60


def _cpu() -> float:
    """CPU seconds so far of this process and of those that it has started and seen end."""
    for child in multiprocessing.active_children():
        child.join()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    sys.exit(main())
