"""Do two answers go together, as if respondents were independent?

The conventional tests that most reports print: Pearson's chi-square, Cramér's V, rank tests for
ordered scales, and letters that show which columns of a table differ. They ignore that respondents
of one force are alike; `clusters` holds the tests that do not. Both are reported side by side.

Rows go through pingouin, which the project uses for these tests; counts of many tables at once go
through the same formulas written for counts, and the tests hold the two against each other.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special

from ncpi_eval import intervals
from ncpi_eval.errors import DesignError

LETTER_LEVEL = 0.05
"""Two columns are said to differ at this family-wise level, the one the published report used."""


@dataclass(frozen=True)
class Association:
    """Pearson's chi-square of a table and Cramér's V; arrays when many tables were tested at once.

    ``effect_low`` and ``effect_high`` bound Cramér's V with 95% coverage (noncentral chi-square);
    ``smallest_expected`` is the smallest expected count, under 5 the p-value is rough.
    """

    statistic: Any
    df: Any
    p_value: Any
    base: Any
    effect_size: Any
    effect_low: Any
    effect_high: Any
    smallest_expected: Any


@dataclass(frozen=True)
class RankTest:
    """A test of ordered answers; arrays when many tables were tested at once."""

    statistic: Any
    df: Any
    p_value: Any
    method: str


def from_counts(table: np.ndarray) -> Association:
    """Pearson's chi-square without continuity correction, with Cramér's V and its interval.

    Parameters
    ----------
    table : numpy.ndarray, shape (..., rows, columns)
        Counts. A table with an empty row or column gives NaN: leave the empty one out first.

    Returns
    -------
    Association
        Values with the leading shape.
    """
    found = pearson(table)
    rows, columns = np.shape(table)[-2:]
    low, high = intervals.cramers_v_interval(found.statistic, found.base, rows, columns)
    return replace(found, effect_low=low, effect_high=high)


def pearson(table: np.ndarray) -> Association:
    """`from_counts` without the interval, which costs more than everything else together."""
    table = np.asarray(table, dtype=float)
    rows, columns = table.shape[-2:]
    base = table.sum(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = (
            table.sum(-1, keepdims=True) * table.sum(-2, keepdims=True) / base[..., None, None]
        )
        statistic = ((table - expected) ** 2 / expected).sum(axis=(-2, -1))
    df = np.full(base.shape, (rows - 1) * (columns - 1))
    return Association(
        statistic=statistic,
        df=df,
        p_value=special.chdtrc(df, statistic),
        base=base,
        effect_size=intervals.cramers_v(statistic, base, rows, columns),
        effect_low=None,
        effect_high=None,
        smallest_expected=expected.min(axis=(-2, -1)),
    )


def from_rows(frame: pd.DataFrame, x: str, y: str) -> Association:
    """The same for two columns of a frame, by ``pingouin.chi2_independence``.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per respondent; a row with a missing value in either column is left out.
    x, y : str
        Categorical columns.

    Returns
    -------
    Association

    Raises
    ------
    DesignError
        If a column has fewer than two categories among complete rows.
    """
    import pingouin  # imported late: it takes seconds and the bulk path does not need it

    complete = frame[[x, y]].dropna()
    for name in (x, y):
        if complete[name].nunique() < 2:
            raise DesignError(f"{name!r} has fewer than two categories with answers.")
    codes = pd.DataFrame(
        {"x": pd.factorize(complete[x], sort=True)[0], "y": pd.factorize(complete[y], sort=True)[0]}
    )
    # pingouin computes five more statistics, some of which divide by empty cells, and warns of low
    # counts; the caller sees `smallest_expected` instead.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Low count")
        expected, observed, table = pingouin.chi2_independence(codes, "x", "y", correction=False)
    pearson = table.set_index("test").loc["pearson"]
    statistic, base = float(pearson["chi2"]), len(codes)
    rows, columns = observed.shape
    low, high = intervals.cramers_v_interval(statistic, base, rows, columns)
    return Association(
        statistic=statistic,
        df=int(pearson["dof"]),
        p_value=float(pearson["pval"]),
        base=base,
        effect_size=float(intervals.cramers_v(statistic, base, rows, columns)),
        effect_low=low,
        effect_high=high,
        smallest_expected=float(expected.to_numpy().min()),
    )


def ranks_from_counts(table: np.ndarray) -> RankTest:
    """Kruskal and Wallis's test of an ordered scale by group, from counts, corrected for ties.

    With two groups it is the Mann-Whitney test by its normal approximation without continuity
    correction.

    Parameters
    ----------
    table : numpy.ndarray, shape (..., scale points in order, groups)
        Counts; an empty scale point does no harm, an empty group gives NaN.

    Returns
    -------
    RankTest
        Values with the leading shape.

    References
    ----------
    Kruskal and Wallis (1952), JASA 47:583.
    """
    table = np.asarray(table, dtype=float)
    point = table.sum(-1)
    base = point.sum(-1)
    rank = np.cumsum(point, axis=-1) - (point - 1) / 2
    deviation = np.where(point > 0, rank - (base[..., None] + 1) / 2, 0.0)
    groups = table.sum(-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = ((table * deviation[..., None]).sum(-2) ** 2 / groups).sum(-1)
        statistic = (base - 1) * between / (point * deviation**2).sum(-1)
    df = np.full(base.shape, table.shape[-1] - 1)
    return RankTest(statistic, df, special.chdtrc(df, statistic), "Kruskal-Wallis")


def ranks_from_rows(frame: pd.DataFrame, value: str, group: str) -> RankTest:
    """Test an ordered scale by group with pingouin.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows with a missing value in either column are left out.
    value : str
        Numeric codes in the order of the scale ("don't know" must have been taken out).
    group : str
        Two groups give ``pingouin.mwu`` (two-sided, with continuity correction where it uses the
        normal approximation), more give ``pingouin.kruskal``.

    Returns
    -------
    RankTest

    Raises
    ------
    DesignError
        If there are fewer than two groups.
    """
    import pingouin

    complete = frame[[value, group]].dropna()
    values = complete[value].astype(float)
    names = sorted(complete[group].unique())
    if len(names) < 2:
        raise DesignError(f"{group!r} has fewer than two groups with answers.")
    if len(names) == 2:
        first, second = (values[complete[group] == name].to_numpy() for name in names)
        row = pingouin.mwu(first, second, alternative="two-sided").iloc[0]
        return RankTest(float(row["U_val"]), None, float(row["p_val"]), "Mann-Whitney")
    data = pd.DataFrame({"value": values, "group": complete[group].astype(str)})
    row = pingouin.kruskal(data, dv="value", between="group").iloc[0]
    return RankTest(float(row["H"]), int(row["ddof1"]), float(row["p_unc"]), "Kruskal-Wallis")


def linear_trend(
    table: np.ndarray, row_scores: Sequence[float], column_scores: Sequence[float]
) -> RankTest:
    """Linear-by-linear association of two ordered variables.

    Parameters
    ----------
    table : numpy.ndarray, shape (..., rows, columns)
        Counts.
    row_scores, column_scores : sequence of float
        Score of each category, such as 1, 2, 3.

    Returns
    -------
    RankTest
        (base - 1) r^2 with one degree of freedom, r being the correlation of the scores.

    References
    ----------
    Agresti (2013), Categorical Data Analysis, section 3.4.1.
    """
    table = np.asarray(table, dtype=float)
    base = table.sum(axis=(-2, -1))
    u = np.asarray(row_scores, dtype=float)
    v = np.asarray(column_scores, dtype=float)
    rows, columns = table.sum(-1) / base[..., None], table.sum(-2) / base[..., None]
    u = u - (rows * u).sum(-1)[..., None]
    v = v - (columns * v).sum(-1)[..., None]
    covariance = (table * u[..., :, None] * v[..., None, :]).sum(axis=(-2, -1)) / base
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = covariance**2 / ((rows * u**2).sum(-1) * (columns * v**2).sum(-1))
    statistic = (base - 1) * squared
    p_value = special.chdtrc(1, statistic)
    return RankTest(statistic, np.ones(base.shape), p_value, "linear-by-linear trend")


def pairwise_p(
    counts: np.ndarray, bases: np.ndarray, adjust: Literal["holm", "bonferroni"] = "holm"
) -> np.ndarray:
    """Adjusted p-values of all pairs of proportions in a row, by the pooled z test.

    Parameters
    ----------
    counts, bases : numpy.ndarray, shape (..., columns)
        Counted and asked in each column; a base of 0 leaves its pairs out of the family.
    adjust : {"holm", "bonferroni"}
        Over the pairs of the same row. Holm's step-down never has less power.

    Returns
    -------
    numpy.ndarray, shape (..., columns, columns)
        Symmetric; NaN on the diagonal and where a pair cannot be tested.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6:65.
    """
    counts, bases = np.asarray(counts, dtype=float), np.asarray(bases, dtype=float)
    pairs = list(combinations(range(counts.shape[-1]), 2))
    result = np.full((*counts.shape, counts.shape[-1]), np.nan)
    if not pairs:
        return result
    first, second = [i for i, _ in pairs], [j for _, j in pairs]
    raw = np.asarray(
        intervals.difference_p(
            counts[..., first], bases[..., first], counts[..., second], bases[..., second]
        )
    )
    family = (~np.isnan(raw)).sum(-1, keepdims=True)
    if adjust == "bonferroni":
        adjusted = np.minimum(raw * family, 1.0)
    else:
        order = np.argsort(raw, axis=-1, kind="stable")  # NaN last
        ordered = np.take_along_axis(raw, order, -1) * (family - np.arange(len(pairs)))
        ordered = np.minimum(np.maximum.accumulate(ordered, axis=-1), 1.0)
        adjusted = np.empty_like(raw)
        np.put_along_axis(adjusted, order, ordered, -1)
    result[..., first, second] = adjusted
    result[..., second, first] = adjusted
    return result


def column_letters(
    counts: np.ndarray,
    bases: np.ndarray,
    adjust: Literal["holm", "bonferroni"] = "holm",
    level: float = LETTER_LEVEL,
) -> np.ndarray:
    """Letters of the columns that a proportion is significantly higher than.

    Parameters
    ----------
    counts, bases, adjust
        As in `pairwise_p`; columns are lettered A, B, C in order (at most 26).
    level : float
        A pair differs if its adjusted p is under this.

    Returns
    -------
    numpy.ndarray of str, shape (..., columns)
        Such as "AC"; blank where the proportion is higher than none.
    """
    counts, bases = np.asarray(counts, dtype=float), np.asarray(bases, dtype=float)
    if counts.shape[-1] > 26:
        raise DesignError(f"Letters serve at most 26 columns; found {counts.shape[-1]}.")
    with np.errstate(divide="ignore", invalid="ignore"):
        share = counts / bases
        higher = (share[..., :, None] > share[..., None, :]) & (
            pairwise_p(counts, bases, adjust) < level
        )
    letters = np.full(counts.shape, "", dtype=object)
    for column in range(counts.shape[-1]):
        letters = letters + np.where(higher[..., column], chr(ord("A") + column), "").astype(object)
    return letters
