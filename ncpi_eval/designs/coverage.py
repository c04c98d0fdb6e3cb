"""How often a 95% interval covers the truth, for series and panels like those at hand.

An interval is only as good as its coverage in the size and correlation of the data that it is used
on, so each page that shows estimates shows this beside them. By simulation with no effect, where
one less coverage is the rate of false alarms.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ncpi_eval.designs import power
from ncpi_eval.designs.power import Setting
from ncpi_eval.designs.simulate import NEVER, Programme
from ncpi_eval.results import Result

AUTOCORRELATIONS = (0.0, 0.3, 0.6)
_NAMES = {
    "newey_west": "Newey-West errors",
    "gls_ar": "autoregressive errors",
    "two_way": "two-way fixed effects",
    "group_time": "group-time effects",
}


def of_series(
    periods: int,
    start: int,
    *,
    seed: int,
    autocorrelations: Sequence[float] = AUTOCORRELATIONS,
    replications: int = 2000,
) -> Result:
    """Coverage of Newey-West and of AR(1) errors for one series with a change of level.

    Parameters
    ----------
    periods, start : int
        Length of the series, and its first period after (0 is the first of all).
    seed, replications : int
    autocorrelations : sequence of float
        Of the errors from one period to the next, 0 inclusive to 1 exclusive.

    Returns
    -------
    Result
        One row per estimator and autocorrelation: term, autocorrelation, coverage,
        coverage_mc_error, std_error (mean) and sd (true).

    Examples
    --------
    >>> from ncpi_eval.designs import coverage
    >>> result = coverage.of_series(45, 22, seed=1, replications=200)
    >>> result.table[["term", "autocorrelation", "coverage"]]
    """
    settings = [
        Setting(
            Programme(
                (1.0,),
                (start,),
                periods,
                outcome="gaussian",
                noise_sd=1.0,
                autocorrelation=correlation,
            ),
            "series",
            estimator,
            label=f"{_NAMES[estimator]}, autocorrelation {correlation:g}",
        )
        for estimator in ("newey_west", "gls_ar")
        for correlation in autocorrelations
    ]
    table = power.run(settings, replications=replications, seed=seed).table
    return Result(table, _sentence(table))


def of_panel(
    calendar: Sequence[int],
    periods: int,
    *,
    seed: int,
    sizes: Sequence[float] = (),
    autocorrelations: Sequence[float] = AUTOCORRELATIONS,
    noise_sd: float = 0.1,
    replications: int = 1000,
) -> Result:
    """Coverage of two-way fixed effects and of group-time effects for a panel's own calendar.

    Parameters
    ----------
    calendar : sequence of int
        First treated period of each unit, 0 the first of the panel; `NEVER` for none.
    periods : int
    seed, replications : int
    sizes : sequence of float
        Of the units, in any unit; equal if not given.
    autocorrelations : sequence of float
    noise_sd : float
        Standard deviation of a unit's errors, on the scale of the outcome.

    Returns
    -------
    Result
        As `of_series`.

    Examples
    --------
    >>> from ncpi_eval.designs import coverage
    >>> result = coverage.of_panel([3, 3, 5, 5, 7, 7], 8, seed=1, replications=200)
    >>> result.table[["term", "autocorrelation", "coverage"]]
    """
    settings = [
        Setting(
            Programme(
                tuple(sizes) or (1.0,) * len(calendar),
                tuple(None if start == NEVER else int(start) for start in calendar),
                periods,
                outcome="gaussian",
                noise_sd=noise_sd,
                autocorrelation=correlation,
            ),
            "staggered",
            estimator,
            label=f"{_NAMES[estimator]}, autocorrelation {correlation:g}",
        )
        for estimator in ("two_way", "group_time")
        for correlation in autocorrelations
    ]
    table = power.run(settings, replications=replications, seed=seed).table
    return Result(table, _sentence(table))


def _sentence(table: pd.DataFrame) -> str:
    worst = table.loc[table["coverage"].idxmin()]
    return (
        f"Intervals meant to cover in 95 of 100 cases did so in {100 * worst['coverage']:.0f} "
        f"to {100 * table['coverage'].max():.0f} of 100; least with {worst['term']}."
    )
