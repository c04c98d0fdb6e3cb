"""Inference that knows how the answers came in: by cluster, stratum and weight.

Respondents of one force share a command, a training programme and an inspection, so that their
answers are alike and a test that takes them as independent is too sure of itself. This module
estimates proportions, ratios and tests of association for any frame whose columns name the sampling
unit, and optionally stratum, weight and population; it knows nothing of this project's survey.

Everything needs only the counts of each cell in each cluster (the *cube*, cluster x row x column),
which one pass over integer codes gives. The functions that begin with ``cube_`` take such counts
with any number of leading axes, so that a thousand tables cost little more than one.

The design is the *ultimate cluster* one: only the first stage of sampling counts, with replacement
unless a population is given for the finite population correction. A stratum that holds a single
sampling unit (a *lonely* one) says nothing about its own variance: by default it is refused;
``lonely="certainty"`` takes it as selected with certainty (no variance), ``lonely="adjust"`` takes
its deviation from the mean over all strata. The same policies, under the same names, are R's.

Checked against R's survey 4.1-1 and clubSandwich 0.5.8 (tests/reference/r_survey).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse, special, stats

from ncpi_eval.errors import DesignError

MINIMUM_BASE = 30
"""Smallest base that is tested: under about 30 the normal and F approximations are not to be
trusted, and single respondents move the result."""

MINIMUM_CLUSTERS = 2
"""One cluster cannot show how clusters differ."""

NO_VARIANCE = 1e-12
"""A standard error or design effect below this is rounding error: the clusters are exactly alike,
which estimates no variance and is no evidence of none."""

Lonely = Literal["refuse", "certainty", "adjust"]


@dataclass(frozen=True)
class Design:
    """How the rows of a frame were sampled; made by `design`.

    Parameters
    ----------
    cluster : numpy.ndarray of int, one per row
        Sampling unit of the row, 0 to ``len(stratum) - 1``.
    weight : numpy.ndarray of float or None
        Weight of the row, 0 or more; None when every row counts once.
    stratum : numpy.ndarray of int, one per sampling unit
        Stratum of the sampling unit, from 0.
    scale : numpy.ndarray of float, one per sampling unit
        (1 - sampled share) n / (n - 1) of its stratum with n sampling units.
    lonely : numpy.ndarray of bool, one per stratum
        True where the stratum's scores are not centred (``lonely="adjust"``).
    """

    cluster: np.ndarray
    weight: np.ndarray | None
    stratum: np.ndarray
    scale: np.ndarray
    lonely: np.ndarray

    @property
    def clusters(self) -> int:
        """Number of sampling units."""
        return len(self.stratum)

    @property
    def strata(self) -> int:
        """Number of strata; 1 when the sample is not stratified."""
        return len(self.lonely)

    def cube(
        self, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], *, weighted: bool
    ) -> np.ndarray:
        """Counts by cluster, row and column: one pass, codes below 0 are left out."""
        weight = self.weight if weighted else None
        return count_cube(self.cluster, rows, columns, (self.clusters, *shape), weight)

    def scores(self, totals: np.ndarray) -> np.ndarray:
        """Centre totals (..., cluster, variable) in their stratum and scale them.

        The cross-product of the result with itself is the linearised covariance.
        """
        if self.strata == 1:
            centred = totals - totals.mean(axis=-2, keepdims=True)
        else:
            first = np.moveaxis(totals, -2, 0)
            sums = self._by_stratum(first.reshape(self.clusters, -1))
            mean = sums / np.bincount(self.stratum, minlength=self.strata)[:, None]
            mean[self.lonely] = 0.0
            centred = np.moveaxis(first - mean[self.stratum].reshape(first.shape), 0, -2)
        return centred * np.sqrt(self.scale)[:, None]

    def degrees_of_freedom(self, present: np.ndarray) -> np.ndarray:
        """Sampling units less strata, of those with an answer (`present`: ..., cluster)."""
        if self.strata == 1:
            return present.sum(axis=-1) - present.any(axis=-1)
        flat = present.reshape(-1, self.clusters).T.astype(float)
        strata = (self._by_stratum(flat) > 0).sum(axis=0).reshape(present.shape[:-1])
        return present.sum(axis=-1) - strata

    def _by_stratum(self, values: np.ndarray) -> np.ndarray:
        """Sums (stratum, variable) of values (cluster, variable)."""
        member = sparse.csr_array(
            (np.ones(self.clusters), (self.stratum, np.arange(self.clusters))),
            shape=(self.strata, self.clusters),
        )
        return member @ values


def design(
    frame: pd.DataFrame,
    *,
    cluster: Hashable | None = None,
    weight: Hashable | None = None,
    stratum: Hashable | None = None,
    fpc: Hashable | None = None,
    lonely: Lonely = "refuse",
) -> Design:
    """Describe how the rows of a frame were sampled.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per respondent.
    cluster : column name, optional
        Sampling unit; numbered within its stratum or over all, both are right. Without it every
        row is its own sampling unit.
    weight : column name, optional
        Sampling weight, 0 or more. Without it every row counts once, also when `fpc` is given.
    stratum : column name, optional
    fpc : column name, optional
        Either the number of sampling units in the stratum's population, or the share of them that
        was sampled (all values at most 1); constant within a stratum.
    lonely : {"refuse", "certainty", "adjust"}
        What to do with a stratum of one sampling unit; see the module's text.

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        If a design column is absent or has missing values, a weight is negative, the population is
        not constant in its stratum or smaller than the sample, there is only one sampling unit, or
        a stratum has only one and `lonely` is "refuse".
    """
    for name in (cluster, weight, stratum, fpc):
        if name is not None:
            _complete_column(frame, name)
    rows = len(frame)
    if stratum is None:
        stratum_of_row, strata = np.zeros(rows, dtype=np.intp), np.array(["all"])
    else:
        stratum_of_row, strata = pd.factorize(frame[stratum], sort=True)
    if cluster is None:
        codes, of_cluster = np.arange(rows, dtype=np.intp), stratum_of_row
    else:
        inside, units = pd.factorize(frame[cluster], sort=True)
        codes, pairs = pd.factorize(stratum_of_row * np.intp(len(units)) + inside, sort=True)
        of_cluster = pairs // len(units) if len(units) else pairs
    if len(of_cluster) < MINIMUM_CLUSTERS:
        raise DesignError(
            f"Clustered inference needs at least {MINIMUM_CLUSTERS} clusters; "
            f"{cluster!r} has {len(of_cluster)}."
        )
    sampled = np.bincount(of_cluster, minlength=len(strata))
    rest = 1.0 - _sampled_share(frame, fpc, stratum_of_row, sampled)
    single = sampled == 1
    unknown = single & (rest > 0)  # a stratum sampled whole has no variance to estimate
    if unknown.any() and lonely == "refuse":
        names = ", ".join(str(name) for name in np.asarray(strata)[unknown])
        raise DesignError(
            f"Only one cluster in stratum {names} of {stratum!r}: its variance cannot be "
            'estimated. Join strata, or choose lonely="certainty" or lonely="adjust".'
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(single, rest, rest * sampled / (sampled - 1))
    return Design(
        cluster=np.asarray(codes, dtype=np.intp),
        weight=None if weight is None else _weights(frame, weight),
        stratum=np.asarray(of_cluster, dtype=np.intp),
        scale=scale[of_cluster],
        lonely=single & (lonely == "adjust"),
    )


def simple_design(clusters: int) -> Design:
    """An unstratified, unweighted design with replacement, for counts that are cubes already."""
    if clusters < MINIMUM_CLUSTERS:
        raise DesignError(
            f"Clustered inference needs at least {MINIMUM_CLUSTERS} clusters; found {clusters}."
        )
    return Design(
        cluster=np.zeros(0, dtype=np.intp),
        weight=None,
        stratum=np.zeros(clusters, dtype=np.intp),
        scale=np.full(clusters, clusters / (clusters - 1)),
        lonely=np.zeros(1, dtype=bool),
    )


def count_cube(
    cluster: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    shape: tuple[int, int, int],
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Count cells by cluster in one pass over integer codes.

    Parameters
    ----------
    cluster, rows, columns : numpy.ndarray of int
        Codes from 0; a row with any code below 0 is left out.
    shape : tuple of int
        Numbers of clusters, rows and columns.
    weight : numpy.ndarray of float, optional
        Summed instead of counting.

    Returns
    -------
    numpy.ndarray of float, shape (clusters, rows, columns)
    """
    cells = shape[0] * shape[1] * shape[2]
    key = (cluster * shape[1] + rows) * shape[2] + columns
    out = (cluster < 0) | (rows < 0) | (columns < 0)
    if out.any():
        # A spare last cell takes what is left out: cheaper than copying what stays.
        key[out] = cells
    counts = np.bincount(key, weight, minlength=cells + 1)[:cells]
    return counts.reshape(shape).astype(float)


class Profiles:
    """Counts of many variables by many breakdowns, with one pass over the rows for each variable.

    Rows with the same cluster and the same category in every breakdown form one profile. A variable
    is counted once by profile; the cube of every breakdown is then a sum over profiles, of which
    there are far fewer than rows.

    Parameters
    ----------
    cluster : numpy.ndarray of int, one per row
        Codes from 0 to ``clusters - 1``.
    clusters : int
        Number of clusters.
    breakdowns : mapping of name to (codes, categories)
        Codes from 0, below 0 where the row is in no category, and the number of categories.
    """

    def __init__(
        self,
        cluster: np.ndarray,
        clusters: int,
        breakdowns: Mapping[str, tuple[np.ndarray, int]],
    ) -> None:
        self.clusters = clusters
        self._sizes = {name: size for name, (_, size) in breakdowns.items()}
        self._profile, example = _profiles(cluster, clusters, list(breakdowns.values()))
        self._key = np.empty_like(self._profile)
        of_profile = np.asarray(cluster)[example].astype(np.intp)
        self.profiles = len(example)
        first = 0
        rows: list[np.ndarray] = [np.zeros(0, dtype=np.intp)]
        columns: list[np.ndarray] = [np.zeros(0, dtype=np.intp)]
        for codes, size in breakdowns.values():
            category = np.asarray(codes)[example].astype(np.intp)
            member = np.flatnonzero(category >= 0)
            rows.append(first + of_profile[member] * size + category[member])
            columns.append(member)
            first += clusters * size
        cells, members = np.concatenate(rows), np.concatenate(columns)
        self._gather = sparse.csr_array(
            (np.ones(len(cells)), (cells, members)), shape=(first, self.profiles)
        )

    def cubes(self, codes: np.ndarray, size: int) -> dict[str, np.ndarray]:
        """Counts of one variable by every breakdown.

        Parameters
        ----------
        codes : numpy.ndarray of int, one per row
            Codes from 0 to ``size - 1``, none below 0: give missing values a code of their own.
        size : int
            Number of codes.

        Returns
        -------
        dict of name to numpy.ndarray of float, shape (clusters, size, categories)
        """
        # One buffer for all passes: fresh memory for each would cost as much as the counting.
        key = np.multiply(self._profile, size, out=self._key)
        key += codes
        counts = np.bincount(key, minlength=self.profiles * size)
        gathered = self._gather @ counts.reshape(self.profiles, size).astype(float)
        result, first = {}, 0
        for name, categories in self._sizes.items():
            last = first + self.clusters * categories
            cube = gathered[first:last].reshape(self.clusters, categories, size)
            result[name] = cube.swapaxes(1, 2)
            first = last
        return result


def _profiles(
    cluster: np.ndarray, clusters: int, breakdowns: list[tuple[np.ndarray, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Profile of every row, numbered without gaps, and one row of each profile."""
    key, space = np.array(cluster, dtype=np.intp), clusters
    roomy = max(2 * len(key), 1 << 16)
    for codes, size in breakdowns:
        if size == 1 and (np.asarray(codes) == 0).all():
            continue
        if space * (size + 1) > roomy:
            key, space = _without_gaps(key, space)
        key *= size + 1
        key += codes
        key += 1
        space *= size + 1
    key, space = _without_gaps(key, space)
    example = np.empty(space, dtype=np.intp)
    example[key] = np.arange(len(key))
    return key, example


def _without_gaps(key: np.ndarray, space: int) -> tuple[np.ndarray, int]:
    used = np.zeros(space, dtype=bool)
    used[key] = True
    number = np.cumsum(used) - 1
    return number[key], int(used.sum())


def proportions(design: Design, values: Any, level: float = 0.95) -> pd.DataFrame:
    """Design-based proportion of every category, with linearised variance.

    Parameters
    ----------
    design : Design
    values : pandas.Series or array, one per row of the design's frame
        Categories; missing values leave the base, and their clusters stay in the design.
    level : float
        Coverage of the interval.

    Returns
    -------
    pandas.DataFrame, one row per category in sorted order
        category; count and denominator (unweighted); estimate; std_error; df (clusters less strata,
        of those with an answer); ci_low and ci_high (Student's t on the logit scale; missing at 0
        and 1); design_effect (variance over that of a simple random sample drawn with replacement,
        R's ``deff="replace"``); effective_base (denominator / design_effect).

    Raises
    ------
    DesignError
        If the base is under 30 or lies in one cluster.
    """
    codes, names = _codes(values, len(design.cluster))
    zero = np.zeros(len(codes), dtype=np.intp)
    counts = design.cube(codes, zero, (len(names), 1), weighted=False)[..., 0]
    _refuse_base(int(counts.sum()), counts.sum(axis=-1))
    sums = counts
    if design.weight is not None:
        sums = design.cube(codes, zero, (len(names), 1), weighted=True)[..., 0]
    base = _weighted_base(design, codes)
    estimate = sums.sum(axis=0) / sums.sum()
    scores = (sums - estimate * sums.sum(axis=-1, keepdims=True)) / sums.sum()
    variance = (design.scores(scores) ** 2).sum(axis=0)
    df = int(design.degrees_of_freedom(counts.sum(axis=-1) > 0))
    low, high = logit_interval(estimate, np.sqrt(variance), df, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = variance / (estimate * (1 - estimate) / (base - 1))
    return pd.DataFrame(
        {
            "category": names,
            "count": counts.sum(axis=0).astype(int),
            "denominator": int(counts.sum()),
            "estimate": estimate,
            "std_error": np.sqrt(variance),
            "df": df,
            "ci_low": low,
            "ci_high": high,
            "design_effect": effect,
            "effective_base": counts.sum() / effect,
        }
    )


@dataclass(frozen=True)
class Ratio:
    """A design-based ratio or mean.

    ``design_effect`` compares with a simple random sample drawn with replacement (R's
    ``deff="replace"``), ``design_effect_finite`` with one drawn without replacement from a
    population as large as the sum of the weights (R's ``deff=TRUE``; NaN if that is not larger than
    the sample); ``effective_base`` is ``denominator / design_effect``.
    """

    estimate: float
    std_error: float
    df: int
    ci_low: float
    ci_high: float
    denominator: int
    clusters: int
    design_effect: float
    design_effect_finite: float
    effective_base: float


def ratio(design: Design, numerator: Any, denominator: Any = None, level: float = 0.95) -> Ratio:
    """Design-based ratio of two totals, or a mean, with linearised variance.

    Parameters
    ----------
    design : Design
    numerator, denominator : array-like of float, one per row of the design's frame
        A row with a missing value in either leaves the base; its cluster stays in the design.
        Without a denominator the result is the mean of the numerator.
    level : float
        Coverage of the interval, by Student's t.

    Returns
    -------
    Ratio

    Raises
    ------
    DesignError
        If the base is under 30, lies in one cluster, or the denominator adds up to 0.
    """
    y = _numbers(numerator)
    x = np.ones(len(y)) if denominator is None else _numbers(denominator)
    keep = ~(np.isnan(y) | np.isnan(x))
    cluster, y, x = design.cluster[keep], y[keep], x[keep]
    weight = np.ones(len(y)) if design.weight is None else design.weight[keep]
    present = np.bincount(cluster, minlength=design.clusters) > 0
    _refuse_base(len(y), present)
    total = float(weight @ x)
    if total == 0:
        raise DesignError("The denominator of the ratio adds up to 0.")
    estimate = float(weight @ y) / total
    residual = (y - estimate * x) / total
    sums = np.bincount(cluster, weight * residual, minlength=design.clusters)
    variance = float((design.scores(sums[:, None]) ** 2).sum())
    df = int(design.degrees_of_freedom(present))
    reach = float(stats.t.ppf((1 + level) / 2, df)) * variance**0.5
    n, population = int((weight != 0).sum()), float(weight.sum())
    spread = float(weight @ residual**2) / population - (float(weight @ residual) / population) ** 2
    simple = spread * n / (n - 1) * population**2 / n
    effect = variance / simple if simple > 0 else float("nan")
    finite = effect * population / (population - n) if population > n else float("nan")
    return Ratio(
        estimate=estimate,
        std_error=variance**0.5,
        df=df,
        ci_low=estimate - reach,
        ci_high=estimate + reach,
        denominator=len(y),
        clusters=int(present.sum()),
        design_effect=effect,
        design_effect_finite=finite,
        effective_base=len(y) / effect if effect else float("nan"),
    )


@dataclass(frozen=True)
class RaoScott:
    """Rao and Scott's corrected chi-square; arrays when many tables were tested at once.

    ``chi2`` is Pearson's statistic of the table (weighted shares times the number of respondents),
    ``df`` its degrees of freedom; ``f`` with ``df1`` and ``df2`` the second-order corrected
    statistic and ``p_value`` its p; ``p_chi2`` the first-order corrected p (R's "Chisq").
    ``design_effect`` is the mean generalised design effect of the table.
    """

    chi2: Any
    df: Any
    f: Any
    df1: Any
    df2: Any
    p_value: Any
    p_chi2: Any
    design_effect: Any


def rao_scott(design: Design, rows: Any, columns: Any) -> RaoScott:
    """Test the association of two categorical columns, allowing for the design.

    Parameters
    ----------
    design : Design
    rows, columns : pandas.Series or array, one per row of the design's frame
        Categories; a row with a missing value in either leaves the table. A declared category
        (pandas categorical) that holds nobody is an empty margin.

    Returns
    -------
    RaoScott
        The same numbers as R's ``svychisq`` with statistics "F" and "Chisq".

    Raises
    ------
    DesignError
        Before anything is computed: the base is under 30, all answers come from one cluster, a
        margin is empty, a variable has one category, or too many cells are empty.
    """
    row_codes, row_names = _codes(rows, len(design.cluster))
    column_codes, column_names = _codes(columns, len(design.cluster))
    shape = (len(row_names), len(column_names))
    counts = design.cube(row_codes, column_codes, shape, weighted=False)
    table = counts.sum(axis=0)
    _refuse_base(int(table.sum()), counts.sum(axis=(-2, -1)))
    reason = table_refusal(table, row_names, column_names)
    if reason:
        raise DesignError(f"The table is not tested: {reason}.")
    sums = counts
    if design.weight is not None:
        sums = design.cube(row_codes, column_codes, shape, weighted=True)
    result = cube_rao_scott(design, counts, sums)
    return RaoScott(**{name: float(value) for name, value in vars(result).items()})


def table_refusal(table: np.ndarray, row_names: Sequence[Any], column_names: Sequence[Any]) -> str:
    """Why a table of counts cannot be tested, or "" if it can."""
    for axis, names in ((1, row_names), (0, column_names)):
        if len(names) < 2:
            return "a variable has only one category"
        empty = [
            str(name) for name, sum_ in zip(names, table.sum(axis=axis), strict=True) if not sum_
        ]
        if empty:
            return f"nobody is in {', '.join(empty)}"
    if _too_many_empty_cells(table):
        return "too many cells are empty"
    return ""


def cube_rao_scott(design: Design, counts: np.ndarray, sums: np.ndarray | None = None) -> RaoScott:
    """Rao and Scott's second-order corrected test of many tables.

    Parameters
    ----------
    design : Design
    counts : numpy.ndarray, shape (..., clusters, rows, columns)
        Unweighted counts. No margin of a table may be 0 (not checked here; see `table_refusal`).
    sums : numpy.ndarray, same shape, optional
        Weighted counts, where there are weights.

    Returns
    -------
    RaoScott
        Arrays with the leading shape. NaN where too many cells are empty or there is no variance.

    Notes
    -----
    With p the cell shares, V their linearised covariance, D = diag(p) and C a basis of the
    interaction contrasts, the generalised design effects are the eigenvalues of
    (C' D^-1 C / n)^-1 (C' D^-1 V D^-1 C); only their sum and sum of squares are needed. As in R,
    1/p is taken as 0 for an empty cell.

    References
    ----------
    Rao and Scott (1984), Annals of Statistics 12:46; Thomas and Rao (1987), JASA 82:630.
    """
    sums = counts if sums is None else sums
    rows, columns = counts.shape[-2:]
    n = counts.sum(axis=(-3, -2, -1))
    table = sums.sum(axis=-3)
    size = table.sum(axis=(-2, -1))[..., None, None]
    share = table / size
    chi2 = n * _pearson(share)
    with np.errstate(divide="ignore"):
        inverse = np.where(share > 0, 1 / share, 0.0)
    contrasts = _interaction_contrasts(rows, columns)
    cells = share.shape[:-2] + (rows * columns,)
    flat = inverse.reshape(cells)
    simple = contrasts.T @ (flat[..., None] * contrasts) / n[..., None, None]
    # Scores of the cell shares, (count - share * cluster's size) / all, then onto the contrasts.
    of_cluster = sums.sum(axis=(-2, -1))[..., None, None]
    scores = (sums - share[..., None, :, :] * of_cluster) / size[..., None, :, :]
    scores = scores.reshape(scores.shape[:-2] + (rows * columns,)) * flat[..., None, :]
    scores = design.scores(scores @ contrasts)
    delta = _solve(simple, np.swapaxes(scores, -1, -2) @ scores)
    trace = np.trace(delta, axis1=-2, axis2=-1)
    trace = np.where(trace > NO_VARIANCE, trace, np.nan)
    square = (delta * np.swapaxes(delta, -1, -2)).sum(axis=(-2, -1))
    df = (rows - 1) * (columns - 1)
    nu = design.degrees_of_freedom(counts.sum(axis=(-2, -1)) > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        df1 = trace**2 / square
        f = chi2 / trace
    return RaoScott(
        chi2=chi2,
        df=np.full(chi2.shape, df),
        f=f,
        df1=df1,
        df2=df1 * nu,
        p_value=special.fdtrc(df1, df1 * nu, f),
        p_chi2=special.chdtrc(df, f * df),
        design_effect=trace / df,
    )


def rao_scott_many(design: Design, cubes: Sequence[np.ndarray]) -> RaoScott:
    """`cube_rao_scott` of tables of different shapes, in the order given.

    Parameters
    ----------
    cubes : sequence of numpy.ndarray, each (clusters, rows, columns)
        Unweighted counts without empty margins.

    Returns
    -------
    RaoScott
        Arrays with one value per table.
    """
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for index, cube in enumerate(cubes):
        by_shape.setdefault(cube.shape, []).append(index)
    together: dict[str, np.ndarray] = {
        name: np.full(len(cubes), np.nan) for name in RaoScott.__dataclass_fields__
    }
    for indices in by_shape.values():
        for name, values in vars(
            cube_rao_scott(design, np.stack([cubes[i] for i in indices]))
        ).items():
            together[name][indices] = values
    return RaoScott(**together)


@dataclass(frozen=True)
class SmallSample:
    """An estimate with the bias-reduced variance CR2 and Satterthwaite's degrees of freedom."""

    estimate: Any
    std_error: Any
    df: Any


def cube_proportion(counts: np.ndarray, bases: np.ndarray) -> SmallSample:
    """Unweighted proportion with CR2 variance, from counts by cluster.

    The ordinary sandwich is too small when clusters are few or unequal. Bell and McCaffrey's CR2
    removes the bias under independence, and Satterthwaite's degrees of freedom say how little is
    known about the variance: 43 clusters of which one holds a third of the answers are worth few.
    For a mean both have a closed form: with q the cluster's share of the base and e its total
    residual, the variance is sum e^2 / (1 - q) / n^2.

    Parameters
    ----------
    counts : numpy.ndarray, shape (..., clusters)
        How many of each cluster are counted.
    bases : numpy.ndarray, same shape
        How many of each cluster have an answer; may be 0.

    Returns
    -------
    SmallSample
        Arrays with the leading shape. NaN standard error and df where all answers lie in one
        cluster, NaN estimate where there is none.

    References
    ----------
    Bell and McCaffrey (2002), Survey Methodology 28:169; Pustejovsky and Tipton (2018), Journal of
    Business and Economic Statistics 36:672.
    """
    estimate, score, q, _ = _group_scores(counts, bases)
    pull = q**2 / (1 - q)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = 1 / ((q**2).sum(-1) + pull.sum(-1) ** 2 - (pull**2).sum(-1))
    return SmallSample(estimate, np.sqrt((score**2).sum(-1)), df)


def cube_difference(
    counts_1: np.ndarray, bases_1: np.ndarray, counts_2: np.ndarray, bases_2: np.ndarray
) -> SmallSample:
    """Unweighted difference of two proportions with CR2 variance, from counts by cluster.

    A cluster may hold respondents of both groups (area, rank) or of one (inspection status).

    Parameters
    ----------
    counts_1, bases_1, counts_2, bases_2 : numpy.ndarray, shape (..., clusters)
        As in `cube_proportion`, for the two groups.

    Returns
    -------
    SmallSample
        First minus second; NaN standard error and df where all answers of a group lie in one
        cluster.
    """
    first, score_1, q1, n1 = _group_scores(counts_1, bases_1)
    second, score_2, q2, n2 = _group_scores(counts_2, bases_2)
    variance = ((score_1 - score_2) ** 2).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        b1, b2 = q1 / np.sqrt(1 - q1), q2 / np.sqrt(1 - q2)
        own = ((q1 / n1[..., None] + q2 / n2[..., None]) ** 2).sum(-1)
        cross = (
            _off_diagonal(b1, b1) / n1**2
            + _off_diagonal(b2, b2) / n2**2
            + 2 * _off_diagonal(b1, b2) / (n1 * n2)
        )
        df = (1 / n1 + 1 / n2) ** 2 / (own + cross)
    return SmallSample(first - second, np.sqrt(variance), df)


def proportion(design: Design, counted: Any) -> SmallSample:
    """Proportion of one group with CR2 variance and Satterthwaite's degrees of freedom.

    Parameters
    ----------
    design : Design
        Clusters without weights, strata or finite population correction: for those the small-sample
        correction has no closed form, use `ratio`.
    counted : array-like, one per row
        1 or True if the respondent is counted, 0 or False if not; missing leaves the base.

    Returns
    -------
    SmallSample

    Raises
    ------
    DesignError
        If the design is not a plain cluster sample, the base is under 30 or lies in one cluster.
    """
    counts, bases = _indicator_counts(design, counted, np.zeros(len(design.cluster)), 1)
    return _floats(cube_proportion(counts[..., 0], bases[..., 0]))


def difference(design: Design, counted: Any, first: Any) -> SmallSample:
    """Difference of two groups' proportions with CR2 variance and Satterthwaite's df.

    Parameters
    ----------
    design : Design
        As in `proportion`.
    counted : array-like, one per row
        As in `proportion`.
    first : array-like, one per row
        1 or True for the first group, 0 or False for the second; missing leaves both.

    Returns
    -------
    SmallSample
        First minus second group.

    Raises
    ------
    DesignError
        As in `proportion`, for each group.
    """
    group = _numbers(first)
    counts, bases = _indicator_counts(
        design, counted, np.where(np.isnan(group), -1, group == 0).astype(np.intp), 2
    )
    return _floats(cube_difference(counts[..., 0], bases[..., 0], counts[..., 1], bases[..., 1]))


def t_interval(
    estimate: Any, std_error: Any, df: Any, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Student's t interval, e.g. for a difference; NaN where the standard error is."""
    reach = stats.t.ppf((1 + level) / 2, df) * np.asarray(std_error)
    return np.asarray(estimate) - reach, np.asarray(estimate) + reach


def t_p_value(estimate: Any, std_error: Any, df: Any) -> np.ndarray:
    """Two-sided p-value of an estimate against 0; NaN where the standard error is 0 or missing."""
    error = np.asarray(std_error, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, np.abs(np.asarray(estimate)) / error, np.nan)
    return 2 * stats.t.sf(t, df)


def logit_interval(
    estimate: Any, std_error: Any, df: Any, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Student's t interval for a proportion on the logit scale, which stays between 0 and 1.

    R's ``svyciprop(method = "xlogit")``. NaN for a proportion of 0 or 1, whose variance cannot be
    estimated from the clusters.
    """
    p, error = np.asarray(estimate, dtype=float), np.asarray(std_error, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.log(p / (1 - p))
        reach = stats.t.ppf((1 + level) / 2, df) * error / (p * (1 - p))
        low, high = 1 / (1 + np.exp(reach - centre)), 1 / (1 + np.exp(-reach - centre))
    inside = (p > 0) & (p < 1)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def _group_scores(
    counts: np.ndarray, bases: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Estimate, CR2-adjusted score and share of the base of each cluster, and the base."""
    n = bases.sum(-1).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = counts.sum(-1) / n
        q = bases / n[..., None]
        q = np.where(q < 1, q, np.nan)  # one cluster has it all: nothing to compare it with
        score = (counts - estimate[..., None] * bases) / np.sqrt(1 - q) / n[..., None]
    return estimate, score, q, n


def _off_diagonal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sum of (a_g b_g a_h b_h) over pairs of different clusters g, h."""
    product = a * b
    return product.sum(-1) ** 2 - (product**2).sum(-1)


def _pearson(share: np.ndarray) -> np.ndarray:
    """Pearson's chi-square per respondent, of tables of shares (..., rows, columns)."""
    expected = share.sum(-1, keepdims=True) * share.sum(-2, keepdims=True)
    return ((share - expected) ** 2 / expected).sum(axis=(-2, -1))


@lru_cache(maxsize=256)
def _interaction_contrasts(rows: int, columns: int) -> np.ndarray:
    """Orthonormal basis of the tables whose rows and columns add up to 0."""
    return np.kron(_contrasts(rows), _contrasts(columns))


def _contrasts(levels: int) -> np.ndarray:
    """Helmert's orthonormal contrasts, levels x (levels - 1)."""
    result = np.zeros((levels, levels - 1))
    for column in range(levels - 1):
        result[: column + 1, column] = 1.0
        result[column + 1, column] = -(column + 1.0)
    return result / np.sqrt((result**2).sum(axis=0))


def _solve(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve many small symmetric systems; NaN where one has no solution."""
    try:
        return np.linalg.solve(left, right)
    except np.linalg.LinAlgError:
        flat_left = left.reshape(-1, *left.shape[-2:])
        flat_right = right.reshape(-1, *right.shape[-2:])
        result = np.full(flat_right.shape, np.nan)
        for index in range(len(flat_left)):
            if np.linalg.matrix_rank(flat_left[index]) == flat_left.shape[-1]:
                result[index] = np.linalg.solve(flat_left[index], flat_right[index])
        return result.reshape(right.shape)


def _too_many_empty_cells(table: np.ndarray) -> bool:
    """True if the filled cells do not identify every interaction contrast."""
    filled = (table > 0).ravel()
    if filled.all():
        return False
    contrasts = _interaction_contrasts(*table.shape)
    return int(np.linalg.matrix_rank(contrasts[filled])) < contrasts.shape[1]


def _codes(values: Any, rows: int) -> tuple[np.ndarray, list[Any]]:
    """Integer codes (missing below 0) and categories; declared categories keep their order."""
    series = values if isinstance(values, pd.Series) else pd.Series(values)
    if len(series) != rows:
        raise DesignError(f"The design has {rows} rows, the variable {len(series)}.")
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.cat.codes.to_numpy().astype(np.intp), list(series.cat.categories)
    codes, names = pd.factorize(series, sort=True)
    return np.asarray(codes, dtype=np.intp), list(names)


def _numbers(values: Any) -> np.ndarray:
    """As floats with NaN for missing, also from pandas' nullable and boolean columns."""
    series = values if isinstance(values, pd.Series) else pd.Series(values)
    return series.astype("Float64").to_numpy(dtype=float, na_value=np.nan)


def _indicator_counts(
    design: Design, counted: Any, group: np.ndarray, groups: int
) -> tuple[np.ndarray, np.ndarray]:
    plain = np.ptp(design.scale) == 0 and design.strata == 1 and design.weight is None
    if not plain or design.scale[0] != design.clusters / (design.clusters - 1):
        raise DesignError(
            "The small-sample correction is for plain clusters, without weights, strata or finite "
            "population correction. Use ratio() for this design."
        )
    value = _numbers(counted)
    if not np.isin(value[~np.isnan(value)], (0, 1)).all():
        raise DesignError("A proportion counts 0 and 1 (False and True) only.")
    rows = np.where(np.isnan(value), -1, value).astype(np.intp)
    cube = design.cube(rows, group.astype(np.intp), (2, groups), weighted=False)
    bases = cube.sum(axis=-2)
    for index in range(groups):
        _refuse_base(int(bases[:, index].sum()), bases[:, index])
    return cube[:, 1, :], bases


def _refuse_base(base: int, by_cluster: np.ndarray) -> None:
    reason = base_refusal(base, int((np.asarray(by_cluster) > 0).sum()))
    if reason:
        raise DesignError(f"Nothing is estimated: {reason}.")


def base_refusal(base: int, clusters: int) -> str:
    """Why a base cannot carry clustered inference, or "" if it can."""
    if base < MINIMUM_BASE:
        return f"the base is {base}, under {MINIMUM_BASE}"
    if clusters < MINIMUM_CLUSTERS:
        return "all answers come from one cluster"
    return ""


def _floats(result: SmallSample) -> SmallSample:
    return SmallSample(float(result.estimate), float(result.std_error), float(result.df))


def _weighted_base(design: Design, codes: np.ndarray) -> int:
    """Rows with an answer and a weight above 0, which R takes as the sample's size."""
    answered = codes >= 0
    if design.weight is not None:
        answered &= design.weight != 0
    return int(answered.sum())


def _complete_column(frame: pd.DataFrame, name: Hashable) -> None:
    if name not in frame.columns:
        raise DesignError(f"The frame has no column {name!r}; it has {list(frame.columns)}.")
    missing = int(frame[name].isna().sum())
    if missing:
        raise DesignError(
            f"The design column {name!r} has {missing} missing values. "
            "Leave those rows out, or give them a unit of their own."
        )


def _weights(frame: pd.DataFrame, name: Hashable) -> np.ndarray:
    weight = frame[name].to_numpy(dtype=float)
    if (weight < 0).any():
        raise DesignError(f"The weights in {name!r} must be 0 or more.")
    return weight


def _sampled_share(
    frame: pd.DataFrame, name: Hashable | None, stratum: np.ndarray, sampled: np.ndarray
) -> np.ndarray:
    """Share of each stratum's sampling units that was sampled; 0 with replacement."""
    if name is None:
        return np.zeros(len(sampled))
    values = frame[name].to_numpy(dtype=float)
    grouped = pd.Series(values).groupby(stratum).agg(["min", "max"]).to_numpy()
    if not np.array_equal(grouped[:, 0], grouped[:, 1]):
        raise DesignError(f"The population in {name!r} must be constant within a stratum.")
    population = grouped[:, 0]
    share = population if (values <= 1).all() else sampled / population
    if (share > 1).any() or (share < 0).any():
        raise DesignError(f"The population in {name!r} is smaller than the sample of clusters.")
    return share
