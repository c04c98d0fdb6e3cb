"""Intervals, effect sizes and multiplicity for proportions, each in one place and vectorised.

Every percentage in the report has an interval, and the same few formulas serve the survey, the
document review and the comparison of waves. They are short and are needed for thousands of rows at
once, so they are written out here and tested against the papers that define them.

A value that cannot be computed (a base of 0, a missing count) is NaN and stays NaN; a value that
cannot exist (a count above its base) is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from ncpi_eval.errors import DesignError

_BISECTIONS = 80  # halves the bracket until it is narrower than double precision resolves


def wilson(count: Any, base: Any, level: float = 0.95) -> tuple[Any, Any]:
    """Wilson's score interval for a proportion, without continuity correction.

    Parameters
    ----------
    count : array-like or float
        How many are counted, 0 to `base` inclusive. Not rounded: an effective count may have
        decimals.
    base : array-like or float
        How many were asked; 0 or missing gives NaN.
    level : float
        Coverage, strictly between 0 and 1.

    Returns
    -------
    tuple of (low, high)
        Proportions from 0 to 1; floats when both inputs are scalars, otherwise arrays.

    Raises
    ------
    DesignError
        If a count is negative or above its base, or `level` is not between 0 and 1.

    References
    ----------
    Newcombe (1998), Two-sided confidence intervals for the single proportion, Statistics in
    Medicine 17:857, method 3.
    """
    x, n = _counts(count, base)
    z = _z(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = x / n
        middle = 2 * x + z**2
        reach = z * np.sqrt(z**2 + 4 * x * (1 - p))
        low = (middle - reach) / (2 * (n + z**2))
        high = (middle + reach) / (2 * (n + z**2))
    # Rounding error leaves 1e-17 where the limit is exactly 0 or 1.
    low = np.where(x == 0, 0.0, low)
    high = np.where(x == n, 1.0, high)
    unknown = ~(n > 0) | np.isnan(x)
    return (
        _scalar(np.where(unknown, np.nan, low), count, base),
        _scalar(np.where(unknown, np.nan, high), count, base),
    )


def newcombe(
    count_1: Any, base_1: Any, count_2: Any, base_2: Any, level: float = 0.95
) -> tuple[Any, Any]:
    """Interval for the difference of two independent proportions, first minus second.

    Newcombe's method 10: the two Wilson intervals combined, without continuity correction.

    Parameters
    ----------
    count_1, base_1, count_2, base_2 : array-like or float
        Counts and bases of the two groups, as in `wilson`.
    level : float
        Coverage, strictly between 0 and 1.

    Returns
    -------
    tuple of (low, high)
        Differences from -1 to 1; NaN where either base is 0 or missing.

    Raises
    ------
    DesignError
        As in `wilson`.

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions,
    Statistics in Medicine 17:873, method 10.
    """
    x1, n1 = _counts(count_1, base_1)
    x2, n2 = _counts(count_2, base_2)
    low_1, high_1 = wilson(x1, n1, level)
    low_2, high_2 = wilson(x2, n2, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p2 = x1 / n1, x2 / n2
        difference = p1 - p2
        low = difference - np.hypot(p1 - low_1, high_2 - p2)
        high = difference + np.hypot(high_1 - p1, p2 - low_2)
    given = (count_1, base_1, count_2, base_2)
    return _scalar(np.maximum(low, -1.0), *given), _scalar(np.minimum(high, 1.0), *given)


def difference_p(count_1: Any, base_1: Any, count_2: Any, base_2: Any) -> Any:
    """Two-sided p-value of the difference of two proportions, pooled variance.

    The same number as Pearson's chi-square of the 2 by 2 table without continuity correction.

    Parameters
    ----------
    count_1, base_1, count_2, base_2 : array-like or float
        Counts and bases of the two groups, as in `wilson`.

    Returns
    -------
    float or array
        NaN where a base is 0 or missing, or where everybody or nobody is counted in both groups.
    """
    x1, n1 = _counts(count_1, base_1)
    x2, n2 = _counts(count_2, base_2)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (x1 + x2) / (n1 + n2)
        z = (x1 / n1 - x2 / n2) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return _scalar(2 * stats.norm.sf(np.abs(z)), count_1, base_1, count_2, base_2)


def benjamini_hochberg(p: Any) -> np.ndarray:
    """Benjamini and Hochberg's adjusted p-values (false discovery rate).

    Parameters
    ----------
    p : array-like
        The p-values of the whole family of tests that was run, from 0 to 1. NaN (a test that was
        refused) stays NaN and does not count in the family's size.

    Returns
    -------
    numpy.ndarray
        Adjusted values in the order and shape given. A test is rejected at rate q if its adjusted
        value is at most q.

    Raises
    ------
    DesignError
        If a value lies outside 0 to 1.

    References
    ----------
    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57:289.
    """
    values = np.asarray(p, dtype=float)
    flat = values.ravel()
    known = np.flatnonzero(~np.isnan(flat))
    found = flat[known]
    if ((found < 0) | (found > 1)).any():
        raise DesignError("A p-value lies outside 0 to 1, so that the family cannot be adjusted.")
    order = np.argsort(found, kind="stable")
    size = found.size
    scaled = found[order] * size / np.arange(1, size + 1)
    adjusted = np.minimum.accumulate(scaled[::-1])[::-1]
    result = np.full(flat.shape, np.nan)
    result[known[order]] = np.minimum(adjusted, 1.0)
    return result.reshape(values.shape)


def cramers_v(chi2: Any, n: Any, rows: Any, columns: Any) -> Any:
    """Cramér's V of a table, from Pearson's chi-square.

    Parameters
    ----------
    chi2 : array-like or float
        Pearson's statistic without continuity correction, 0 or more.
    n : array-like or float
        Number of respondents in the table; 0 gives NaN.
    rows, columns : array-like or int
        Rows and columns that hold anybody; a table with fewer than 2 of either gives NaN.

    Returns
    -------
    float or array
        0 (no association) to 1.

    References
    ----------
    Cramér (1946), Mathematical Methods of Statistics, section 21.9.
    """
    return _v_from(chi2, n, rows, columns)


def cramers_v_interval(
    chi2: Any, n: Any, rows: Any, columns: Any, level: float = 0.95
) -> tuple[Any, Any]:
    """Interval for Cramér's V, by inverting the noncentral chi-square distribution.

    The limits are the noncentralities under which the observed statistic lies at the upper and at
    the lower tail point, each turned into V = sqrt(noncentrality / (n (min(rows, columns) - 1))).
    The lower limit is 0 exactly where the one-sided test at `level` finds nothing. Because V of a
    small table is biased upwards, the interval can lie below V; both limits are 0 where the
    statistic is so small that even no association would rarely give it.
    (Smithson's variant adds the degrees of freedom to the noncentrality and never reaches 0.)

    Parameters
    ----------
    chi2, n, rows, columns
        As in `cramers_v`.
    level : float
        Coverage, strictly between 0 and 1.

    Returns
    -------
    tuple of (low, high)
        Each from 0 to 1, NaN where V is NaN.

    References
    ----------
    Steiger (2004), Beyond the F test, Psychological Methods 9:164 (the inversion); Smithson
    (2003), Confidence Intervals, chapter 4.
    """
    x, size, r, c = np.broadcast_arrays(*(_float(value) for value in (chi2, n, rows, columns)))
    tail = (1 - _checked(level)) / 2
    df = np.where((r > 1) & (c > 1), (r - 1) * (c - 1), np.nan)
    low = _noncentrality(x, df, 1 - tail)
    high = _noncentrality(x, df, tail)
    given = (chi2, n, rows, columns)
    return (
        _scalar(np.minimum(_v_from(low, size, r, c), 1.0), *given),
        _scalar(np.minimum(_v_from(high, size, r, c), 1.0), *given),
    )


def _v_from(chi2: Any, n: Any, rows: Any, columns: Any) -> Any:
    x, size = _float(chi2), _float(n)
    dimension = np.minimum(_float(rows), _float(columns)) - 1
    if (x < 0).any():
        raise DesignError("A chi-square statistic below 0 cannot exist.")
    with np.errstate(divide="ignore", invalid="ignore"):
        v = np.sqrt(x / (size * dimension))
    # chi2 / (n (k - 1)) is at most 1; floating point can overshoot by 1e-16.
    v = np.where((size > 0) & (dimension > 0), np.minimum(v, 1.0), np.nan)
    return _scalar(v, chi2, n, rows, columns)


def _noncentrality(chi2: np.ndarray, df: np.ndarray, probability: float) -> np.ndarray:
    """Noncentrality at which P(X <= chi2) = probability; 0 where none is that small."""
    low = np.zeros(chi2.shape)
    # Far above the statistic: its distance from the mean is then at least 12 standard deviations.
    high = chi2 + 12 * np.sqrt(2 * chi2 + 2 * df + 1) + 150
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = stats.ncx2.cdf(chi2, df, middle) > probability
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    reachable = stats.chi2.cdf(chi2, df) > probability
    answer = np.where(reachable, (low + high) / 2, 0.0)
    return np.where(np.isnan(chi2) | np.isnan(df), np.nan, answer)


def _counts(count: Any, base: Any) -> tuple[np.ndarray, np.ndarray]:
    x, n = np.broadcast_arrays(_float(count), _float(base))
    impossible = (x < 0) | (n < 0) | (x > n)
    if impossible.any():
        where = np.argwhere(np.atleast_1d(impossible))[0]
        bad_x, bad_n = np.atleast_1d(x)[tuple(where)], np.atleast_1d(n)[tuple(where)]
        raise DesignError(
            f"A count must lie between 0 and its base; found count {bad_x:g} with base {bad_n:g}."
        )
    return x, n


def _float(value: Any) -> np.ndarray:
    """As a float array; pandas' missing values become NaN."""
    to_numpy = getattr(value, "to_numpy", None)
    if to_numpy is not None:
        return to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(value, dtype=float)


def _z(level: float) -> float:
    return float(stats.norm.isf((1 - _checked(level)) / 2))


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise DesignError(f"A level of confidence lies between 0 and 1; found {level!r}.")
    return level


def _scalar(values: np.ndarray, *given: Any) -> Any:
    """A float when everything given was scalar, so that a notebook shows a number, not array()."""
    if all(np.ndim(value) == 0 for value in given):
        return float(values)
    return values
