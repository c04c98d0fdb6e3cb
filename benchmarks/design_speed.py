"""Speed of the batch kernels against loops over established packages, at equal answers.

Prints one line per comparison: the times, their ratio, the bound it has to stay under, and the
largest difference of estimates and standard errors over the cases that the loop computed. The loop
is timed on a part and scaled up, because it is linear in the number of cases.

Needs statsmodels and pyfixest:  python benchmarks/design_speed.py
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ncpi_eval.designs import linear, simulate
from ncpi_eval.designs.panel import treatment_of

SERIES, MONTHS, LAGS = 10_000, 96, 4
PANELS, UNITS, PERIODS = 1_000, 43, 60
SERIES_BOUND, PANEL_BOUND = 1 / 25, 1 / 100


def series() -> tuple[float, float, float]:
    """Times of loop and kernel, and the largest difference, for interrupted series."""
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    outcomes = rng.standard_normal((SERIES, MONTHS)).cumsum(axis=1) * 0.1
    clock = np.arange(MONTHS)
    after = (clock >= 60).astype(float)
    x = np.column_stack([np.ones(MONTHS), clock, after, after * (clock - 60)])
    combination = np.eye(4)[:, [2]]
    looped = SERIES // 10
    begin = time.perf_counter()
    answers = []
    for y in outcomes[:looped]:
        fit = sm.OLS(y, x).fit(cov_type="HAC", cov_kwds={"maxlags": LAGS, "use_correction": True})
        answers.append((fit.params[2], fit.bse[2]))
    loop = (time.perf_counter() - begin) * SERIES / looped
    begin = time.perf_counter()
    fits = linear.least_squares(x, outcomes)
    errors = linear.newey_west_errors(x, fits, LAGS, combination)
    kernel = time.perf_counter() - begin
    found = np.column_stack([fits.coefficients[:looped, 2], errors[:looped, 0]])
    return loop, kernel, float(np.abs(found - np.array(answers)).max())


def panels() -> tuple[float, float, float]:
    """Times of loop and kernel, and the largest difference, for panels."""
    import pyfixest as pf

    calendar = tuple(8 + unit for unit in range(UNITS))
    programme = simulate.Programme((1.0,) * UNITS, calendar, PERIODS, outcome="gaussian")
    outcomes = simulate.outcomes(programme, PANELS, np.random.default_rng(1))
    d = treatment_of(programme.cohort(), PERIODS)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(UNITS), PERIODS),
            "time": np.tile(np.arange(PERIODS), UNITS),
            "d": d.ravel(),
            "y": 0.0,
        }
    )
    looped = PANELS // 20
    pf.feols("y ~ d | unit + time", frame.assign(y=outcomes[0].ravel()), vcov={"CRV1": "unit"})
    begin = time.perf_counter()
    answers = []
    for y in outcomes[:looped]:
        frame["y"] = y.ravel()
        fit = pf.feols("y ~ d | unit + time", frame, vcov={"CRV1": "unit"})
        answers.append((fit.coef()["d"], fit.se()["d"]))
    loop = (time.perf_counter() - begin) * PANELS / looped
    begin = time.perf_counter()
    fits = linear.two_way(outcomes, d)
    kernel = time.perf_counter() - begin
    found = np.column_stack([fits.estimate[:looped], fits.std_error[:looped]])
    return loop, kernel, float(np.abs(found - np.array(answers)).max())


def main() -> int:
    warnings.simplefilter("ignore")
    failed = False
    for name, call, bound in (
        (f"{SERIES} series of {MONTHS} months, Newey-West", series, SERIES_BOUND),
        (f"{PANELS} panels of {UNITS} by {PERIODS}, clustered", panels, PANEL_BOUND),
    ):
        loop, kernel, difference = call()
        ratio = kernel / loop
        good = ratio <= bound and difference < 1e-8
        failed |= not good
        print(
            f"{name}: loop {loop:.1f} s, kernel {kernel:.3f} s, ratio 1/{1 / ratio:.0f} "
            f"(bound 1/{1 / bound:.0f}), largest difference {difference:.1e}, "
            f"{'ok' if good else 'FAILED'}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
