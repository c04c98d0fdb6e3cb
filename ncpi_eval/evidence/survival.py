"""Kaplan and Meier's estimate of how long something takes when some are still waiting.

Leaving out those that wait would make waiting look shorter than it is; Kaplan and Meier's estimate
counts each of them for as long as it has been watched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from ncpi_eval.errors import DesignError

METHOD = "Kaplan-Meier; Greenwood's standard error; interval on the log(-log) scale"


def kaplan_meier(
    times: Sequence[float], happened: Sequence[bool], level: float = 0.95
) -> pd.DataFrame:
    """The share still waiting after each time at which something happened.

    Parameters
    ----------
    times : sequence of float
        Time watched, 0 or more, in any unit; missing is refused, as it is not "still waiting".
    happened : sequence of bool
        True where it happened at that time, False where watching ended before it had (censored).
        Those censored at a time are still at risk at that time.
    level : float
        Coverage of the pointwise intervals.

    Returns
    -------
    DataFrame
        One row per time at which it happened, ascending: time, at_risk, happened, estimate (share
        still waiting just after that time), std_error, ci_low, ci_high (missing where nobody is
        left waiting). Empty if it happened to nobody.

    Raises
    ------
    DesignError
        If a time is missing or negative, or there are none.

    References
    ----------
    Kaplan and Meier (1958), Journal of the American Statistical Association 53:457; Greenwood
    (1926); Kalbfleisch and Prentice (1980) for the interval. Agrees with R's `survfit` with
    ``conf.type = "log-log"``.
    """
    time = np.asarray(times, dtype=float)
    event = np.asarray(happened, dtype=bool)
    if not len(time) or len(time) != len(event):
        raise DesignError(
            f"There are {len(time)} times and {len(event)} outcomes to estimate from."
        )
    if np.isnan(time).any() or (time < 0).any():
        raise DesignError("A time that is missing or negative cannot count as still waiting.")
    at = np.unique(time[event])
    at_risk = np.array([(time >= t).sum() for t in at], dtype=int)
    number = np.array([(event & (time == t)).sum() for t in at], dtype=int)
    waiting = np.cumprod(1 - number / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(number / (at_risk * (at_risk - number))))
        reach = stats.norm.isf((1 - level) / 2) * spread / np.log(waiting)
        low, high = waiting ** np.exp(-reach), waiting ** np.exp(reach)
        error = waiting * spread
    nobody = waiting <= 0
    return pd.DataFrame(
        {
            "time": at,
            "at_risk": at_risk,
            "happened": number,
            "estimate": waiting,
            "std_error": np.where(nobody, np.nan, error),
            "ci_low": np.where(nobody, np.nan, low),
            "ci_high": np.where(nobody, np.nan, high),
        }
    )


def median_time(curve: pd.DataFrame) -> tuple[float, float, float]:
    """Median time and its interval, from a curve of `kaplan_meier`.

    The median is the first time at which at most half are still waiting; the limits are where the
    curve's own limits first reach a half (Brookmeyer and Crowley 1982, as R's `survfit`).

    Returns
    -------
    (median, low, high)
        NaN for each that the curve does not reach.
    """
    return tuple(_reached(curve, name) for name in ("estimate", "ci_low", "ci_high"))  # type: ignore[return-value]


def _reached(curve: pd.DataFrame, name: str) -> float:
    # A limit that is missing because nobody is left waiting has been passed as well.
    below = curve[name].fillna(0.0) <= 0.5 + 1e-12
    return float(curve.loc[below, "time"].iloc[0]) if below.any() else float("nan")
