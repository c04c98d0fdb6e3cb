"""The shape of every estimate: a row with its interval, so that designs can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ncpi_eval.errors import DesignError

COLUMNS = (
    "term",
    "group",
    "period",
    "event_time",
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "p_value",
    "n",
    "method",
    "caveat",
)


def critical(level: float = 0.95, df: float | None = None) -> float:
    """Two-sided critical value: normal, or Student's t when `df` is given.

    Raises
    ------
    DesignError
        If `level` is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise DesignError(f"A level of confidence lies between 0 and 1; found {level!r}.")
    tail = (1 - level) / 2
    return float(stats.norm.isf(tail) if df is None else stats.t.isf(tail, df))


def two_sided_p(statistic: Any, df: float | None = None) -> Any:
    """Two-sided p-value of a z, or of a t when `df` is given; NaN stays NaN."""
    reach = np.abs(np.asarray(statistic, dtype=float))
    tail = stats.norm.sf(reach) if df is None else stats.t.sf(reach, df)
    return float(2 * tail) if np.ndim(statistic) == 0 else 2 * tail


def interval(
    estimate: float, std_error: float, df: float | None = None, level: float = 0.95
) -> dict[str, float]:
    """Estimate, standard error, limits and p-value of one row.

    A standard error of 0 or NaN gives NaN limits: an estimate without uncertainty is a fault.
    """
    if not std_error > 0:
        nan = float("nan")
        return {
            "estimate": float(estimate),
            "std_error": nan,
            "ci_low": nan,
            "ci_high": nan,
            "p_value": nan,
        }
    reach = critical(level, df) * std_error
    return {
        "estimate": float(estimate),
        "std_error": float(std_error),
        "ci_low": float(estimate - reach),
        "ci_high": float(estimate + reach),
        "p_value": two_sided_p(estimate / std_error, df),
    }


def tidy(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a frame: the shared columns that occur first and in order, then the others."""
    rows = list(records)
    frame = pd.DataFrame(rows)
    for column in ("group", "period", "event_time"):
        # Whole periods stay whole where other rows have none.
        if column in frame and frame[column].isna().any():
            values = [record.get(column) for record in rows]
            frame[column] = pd.Series(values, dtype=object)
    first = [column for column in COLUMNS if column in frame]
    return frame[first + [column for column in frame if column not in first]]


def number(value: float, digits: int = 3) -> str:
    """A number for a sentence: `digits` significant digits, no exponent for ordinary sizes."""
    if not np.isfinite(value):
        return "not available"
    text = f"{value:.{digits}g}"
    return f"{value:,.0f}" if "e" in text and abs(value) >= 1 else text


def span(row: Mapping[str, Any] | pd.Series, low: str = "ci_low", high: str = "ci_high") -> str:
    """The interval of a row for a sentence, as ``low to high``."""
    return f"{number(row[low])} to {number(row[high])}"
