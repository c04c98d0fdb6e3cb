"""Power without simulation, where a formula exists: stepped wedge, cluster trial, repeated survey.

Each function answers both questions that a planner has: with what probability would this effect be
found, and what is the smallest effect that would be found four times out of five?

    from ncpi_eval.designs import closed_forms
    wedge = closed_forms.wedge(clusters=43, group_size=3, window=4)
    closed_forms.stepped_wedge(wedge, effect=0.05, total_sd=0.5, icc=0.02, size=50).text
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import optimize, stats

from ncpi_eval.designs.estimates import critical, number, tidy
from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.results import Result


def _refuse(message: str, checks: list[tuple[bool, str, Any, str, str]]) -> None:
    problems = [
        Problem(f"setting {name}", str(found), expected, remedy)
        for wrong, name, found, expected, remedy in checks
        if wrong
    ]
    if problems:
        raise DesignError(message, problems)


def wedge(
    clusters: int, group_size: int, window: int = 1, *, before: int = 1, after: int = 1
) -> np.ndarray:
    """Exposure of a stepped wedge: groups of clusters cross over one after another.

    Parameters
    ----------
    clusters, group_size : int
        The last group is smaller if `clusters` is not a multiple. The order within the rows is to
        be randomised by whoever runs the trial.
    window : int
        Periods between crossings.
    before : int
        Periods before the first crossing, at least 1.
    after : int
        Periods from the last crossing, at least 1.

    Returns
    -------
    numpy.ndarray of float, (clusters, periods)
        0 before, 1 from the crossing on.

    Examples
    --------
    >>> wedge(3, 1).astype(int).tolist()
    [[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]]
    """
    _refuse(
        "The stepped wedge cannot be laid out.",
        [
            (clusters < 2, "clusters", clusters, "2 or more", "use an interrupted series"),
            (group_size < 1, "group_size", group_size, "1 or more", "use 1"),
            (group_size >= clusters, "group_size", group_size, "fewer than clusters",
             "let some wait, or all are treated at once"),
            (window < 1, "window", window, "1 or more periods", "use 1"),
            (before < 1, "before", before, "1 or more periods", "start before the first crossing"),
            (after < 1, "after", after, "1 or more periods", "go on after the last crossing"),
        ],
    )  # fmt: skip
    groups = -(-clusters // group_size)
    starts = before + window * (np.arange(clusters) // group_size)
    periods = before + window * (groups - 1) + after
    return (np.arange(periods) >= starts[:, None]).astype(float)


def hussey_hughes_variance(
    exposure: np.ndarray, cell_variance: float, between_variance: float
) -> float:
    """Variance of the effect in a stepped wedge with a random intercept per cluster.

    ``I s2 (s2 + T t2) / ((I U - W) s2 + (U^2 + I T U - T W - I V) t2)`` with I clusters, T periods,
    s2 the variance of a cluster-period mean given the cluster, t2 the variance between clusters,
    ``U = sum X``, ``W = sum_j (sum_i X_ij)^2``, ``V = sum_i (sum_j X_ij)^2``.

    Parameters
    ----------
    exposure : numpy.ndarray, (clusters, periods)
        0 or 1.
    cell_variance : float
        s2, above 0: individual variance over the number per cell.
    between_variance : float
        t2, 0 or more.

    References
    ----------
    Hussey and Hughes (2007), Contemporary Clinical Trials 28:182, equation 8.
    """
    x = _exposure(exposure)
    _refuse(
        "The variances of the stepped wedge cannot be.",
        [
            (not cell_variance > 0, "cell_variance", cell_variance, "above 0", "check the size"),
            (not between_variance >= 0, "between_variance", between_variance, "0 or more",
             "use 0 for alike clusters"),
        ],
    )  # fmt: skip
    clusters, periods = x.shape
    u, w, v = x.sum(), (x.sum(axis=0) ** 2).sum(), (x.sum(axis=1) ** 2).sum()
    top = clusters * cell_variance * (cell_variance + periods * between_variance)
    bottom = (clusters * u - w) * cell_variance + (
        u**2 + clusters * periods * u - periods * w - clusters * v
    ) * between_variance
    return float(top / bottom)


def gls_variance(
    exposure: np.ndarray,
    cell_variance: np.ndarray | float,
    between_variance: float,
    *,
    autocorrelation: float = 1.0,
    decay: bool = False,
    observed: np.ndarray | None = None,
) -> float:
    """Variance of the effect with clusters of unequal size, cells left out, and decay over time.

    Generalised least squares with period effects: ``1 / [(X' V^-1 X)^-1]^-1`` of the effect, V
    block-diagonal by cluster. Equals `hussey_hughes_variance` where both apply.

    Parameters
    ----------
    exposure : numpy.ndarray, (clusters, periods)
    cell_variance : float or numpy.ndarray, (clusters, periods)
        Variance of each cell's mean given cluster and period.
    between_variance : float
    autocorrelation : float
        Correlation of a cluster's own level between two periods (cluster autocorrelation), 0 to 1.
    decay : bool
        True: it is `autocorrelation` to the power of the distance in periods.
    observed : numpy.ndarray of bool or None
        False for cells that are left out, such as months of notice.

    References
    ----------
    Hooper et al. (2016), Statistics in Medicine 35:4718; Kasza et al. (2019), Statistical Methods
    in Medical Research 28:703.
    """
    x = _exposure(exposure)
    clusters, periods = x.shape
    seen = np.ones(x.shape, dtype=bool) if observed is None else np.asarray(observed, dtype=bool)
    _refuse(
        "The correlation of the stepped wedge cannot be.",
        [
            (not 0 <= autocorrelation <= 1, "autocorrelation", autocorrelation, "0 to 1", "use 1"),
            (not seen.any(axis=0).all(), "observed", "a period without cells", "some in each",
             "drop the period"),
        ],
    )  # fmt: skip
    cells = np.broadcast_to(np.asarray(cell_variance, dtype=float), x.shape)
    distance = np.abs(np.subtract.outer(np.arange(periods), np.arange(periods)))
    shared = autocorrelation**distance if decay else np.where(distance, autocorrelation, 1.0)
    information = np.zeros((periods + 1, periods + 1))
    for cluster in range(clusters):
        keep = seen[cluster]
        v = between_variance * shared[np.ix_(keep, keep)] + np.diag(cells[cluster, keep])
        terms = np.column_stack([x[cluster], np.eye(periods)])[keep]
        information += terms.T @ np.linalg.solve(v, terms)
    return float(np.linalg.inv(information)[0, 0])


def _exposure(exposure: np.ndarray) -> np.ndarray:
    x = np.asarray(exposure, dtype=float)
    _refuse(
        "The exposure leaves nothing to compare.",
        [
            (x.ndim != 2 or min(x.shape) < 2, "exposure", x.shape, "clusters by periods", "use 2"),
            (not np.isin(x, (0.0, 1.0)).all(), "exposure", "other values", "0 or 1", "use 0 or 1"),
            (x.ndim == 2 and (x == x[0]).all(), "exposure", "all clusters alike",
             "clusters that cross at different times", "stagger the crossings"),
        ],
    )  # fmt: skip
    return x


def stepped_wedge(
    exposure: np.ndarray,
    *,
    effect: float,
    total_sd: float,
    icc: float,
    size: float,
    autocorrelation: float = 1.0,
    level: float = 0.95,
    power: float = 0.8,
) -> Result:
    """Power and smallest detectable effect of a stepped wedge with equal clusters.

    Parameters
    ----------
    exposure : numpy.ndarray, (clusters, periods)
        From `wedge`.
    effect : float
        In units of the outcome, not 0.
    total_sd : float
        Standard deviation of an individual's outcome; for a proportion p sqrt(p (1 - p)).
    icc : float
        Share of variance between clusters within a period, 0 up to below 1.
    size : float
        Individuals per cluster and period.
    autocorrelation : float
        Of a cluster's level between periods, 0 to 1 (1 is Hussey and Hughes).

    Returns
    -------
    Result
        Rows "power" and "minimum detectable effect"; normal approximation.

    Examples
    --------
    >>> from ncpi_eval.designs import closed_forms
    >>> result = closed_forms.stepped_wedge(wedge, effect=0.1, total_sd=0.5, icc=0.02, size=30)
    >>> result.table[["term", "estimate"]]
    """
    _refuse(
        "The stepped wedge's power cannot be computed.",
        _common(effect, total_sd, icc, size, power)
        + [(not 0 <= autocorrelation <= 1, "autocorrelation", autocorrelation, "0 to 1", "use 1")],
    )
    between = icc * total_sd**2
    cell = (1 - icc) * total_sd**2 / size + between * (1 - autocorrelation)
    std_error = float(np.sqrt(hussey_hughes_variance(exposure, cell, between * autocorrelation)))
    clusters, periods = np.asarray(exposure).shape
    caveat = "assumes equal clusters and a lasting, constant effect"
    if clusters < 40:
        caveat += f"; normal approximation with {clusters} clusters overstates power"
    return _answers(
        effect,
        std_error,
        level,
        power,
        None,
        f"Hussey-Hughes, {clusters} clusters by {periods} periods",
        caveat,
        clusters,
    )


def _common(
    effect: float, total_sd: float, icc: float, size: float, power: float
) -> list[tuple[bool, str, Any, str, str]]:
    return [
        (effect == 0, "effect", effect, "an effect other than 0", "say what size matters"),
        (not total_sd > 0, "total_sd", total_sd, "above 0", "check it"),
        (not 0 <= icc < 1, "icc", icc, "0 up to below 1", "check it"),
        (not size > 0, "size", size, "above 0", "check it"),
        (not 0 < power < 1, "power", power, "between 0 and 1", "use 0.8"),
    ]


def _answers(
    effect: float,
    std_error: float,
    level: float,
    power: float,
    df: float | None,
    method: str,
    caveat: str,
    n: int,
) -> Result:
    reached = power_of(effect, std_error, level, df)
    smallest = detectable(std_error, level, power, df)
    shared = {"std_error": std_error, "n": n, "method": method, "caveat": caveat}
    rows = [
        {"term": "power", "estimate": reached, "effect": effect, **shared},
        {"term": "minimum detectable effect", "estimate": smallest, "power": power, **shared},
    ]
    return Result(
        tidy(rows),
        f"An effect of {number(effect)} would be found with probability {number(reached, 2)}; "
        f"the smallest found with probability {number(power, 2)} is {number(smallest)} "
        f"({method}; {caveat}).",
    )


def power_of(
    effect: float, std_error: float, level: float = 0.95, df: float | None = None
) -> float:
    """Two-sided power; noncentral t when `df` is given, both tails counted."""
    shift, bar = abs(effect) / std_error, critical(level, df)
    if df is None:
        return float(stats.norm.sf(bar - shift) + stats.norm.cdf(-bar - shift))
    # SciPy's noncentral t is NaN where a far tail underflows: there the upper is 1, the lower 0.
    upper, lower = stats.nct.sf(bar, df, shift), stats.nct.cdf(-bar, df, shift)
    return float((1.0 if np.isnan(upper) else upper) + (0.0 if np.isnan(lower) else lower))


def detectable(
    std_error: float, level: float = 0.95, power: float = 0.8, df: float | None = None
) -> float:
    """Smallest effect (above 0) that reaches the power."""
    high = std_error
    while power_of(high, std_error, level, df) < power:
        high *= 2
    return float(
        optimize.brentq(
            lambda effect: power_of(effect, std_error, level, df) - power,
            1e-9 * std_error,
            high,
            xtol=1e-12 * std_error,
        )
    )


def cluster_trial(
    *,
    clusters: int,
    size: float,
    effect: float,
    total_sd: float,
    icc: float,
    size_cv: float = 0.0,
    baseline_correlation: float = 0.0,
    level: float = 0.95,
    power: float = 0.8,
) -> Result:
    """Power of a parallel cluster trial, such as of an added component like learning events.

    A t test of cluster means with 2 (k - 1) degrees of freedom:
    ``se^2 = 2 sd^2 (1 + ((1 + cv^2) m - 1) icc) / (k m)``, times 1 - r^2 with a baseline.

    Parameters
    ----------
    clusters : int
        Per arm (k), 2 or more.
    size : float
        Mean individuals per cluster (m).
    effect, total_sd, icc
        As in `stepped_wedge`.
    size_cv : float
        Coefficient of variation of cluster sizes, 0 or more.
    baseline_correlation : float
        Correlation r of cluster means with their baseline, 0 up to below 1; costs one degree of
        freedom if above 0.

    References
    ----------
    Donner and Klar (2000), Design and Analysis of Cluster Randomization Trials; Eldridge, Ashby,
    Kerry (2006), International Journal of Epidemiology 35:1292.

    Examples
    --------
    >>> from ncpi_eval.designs import closed_forms
    >>> result = closed_forms.cluster_trial(
    ...     clusters=20, size=30, effect=0.1, total_sd=0.5, icc=0.05
    ... )
    >>> result.table[["term", "estimate"]]
    """
    _refuse(
        "The cluster trial's power cannot be computed.",
        _common(effect, total_sd, icc, size, power)
        + [
            (clusters < 2, "clusters", clusters, "2 or more per arm", "one cannot show its spread"),
            (not size_cv >= 0, "size_cv", size_cv, "0 or more", "use 0 for equal sizes"),
            (not 0 <= baseline_correlation < 1, "baseline_correlation", baseline_correlation,
             "0 up to below 1", "use 0"),
        ],
    )  # fmt: skip
    inflation = 1 + ((1 + size_cv**2) * size - 1) * icc
    variance = 2 * total_sd**2 * inflation / (clusters * size) * (1 - baseline_correlation**2)
    df = 2 * (clusters - 1) - (1 if baseline_correlation else 0)
    return _answers(
        effect,
        float(np.sqrt(variance)),
        level,
        power,
        df,
        f"t test of {2 * clusters} cluster means, design effect {number(inflation)}",
        "assumes randomisation by cluster and the same spread in both arms",
        2 * clusters,
    )


def repeated_survey(
    *,
    clusters: int,
    respondents: float,
    share: float,
    change: float,
    icc: float,
    autocorrelation: float = 0.8,
    waves_before: int = 1,
    waves_after: int = 1,
    comparison_clusters: int | None = None,
    level: float = 0.95,
    power: float = 0.8,
) -> Result:
    """Power of repeating the survey: different people, the same forces, in each wave.

    ``var = s2 (1/b + 1/a) ((1 + (m - 1) icc) - m icc r) / (k m)`` with m respondents per force and
    wave, k forces, r the correlation of a force's level between waves, b and a waves before and
    after. With comparison forces the variance of their change is added.

    Parameters
    ----------
    clusters : int
        Forces (that were inspected between the waves), 2 or more.
    respondents : float
        Per force and wave.
    share, change : float
        Proportion before, and the change to find; both proportions stay within 0 to 1.
    icc : float
        Intra-force correlation of the answers.
    autocorrelation : float
        0 to 1; the lower, the more forces drift by themselves.
    comparison_clusters : int or None
        Forces not inspected meanwhile; None compares waves alone, and credits every other change
        over time to the programme.

    References
    ----------
    Feldman and McKinlay (1994), Statistics in Medicine 13:61.

    Examples
    --------
    >>> from ncpi_eval.designs import closed_forms
    >>> result = closed_forms.repeated_survey(
    ...     clusters=43, respondents=20, share=0.5, change=0.1, icc=0.02
    ... )
    >>> result.table[["term", "estimate"]]
    """
    _refuse(
        "The repeated survey's power cannot be computed.",
        _common(change, 1.0, icc, respondents, power)
        + [
            (clusters < 2, "clusters", clusters, "2 or more forces", "use more forces"),
            (not (0 < share < 1 and 0 <= share + change <= 1), "share",
             f"{share} and {share + change}", "proportions from 0 to 1, not per cent",
             "divide by 100"),
            (not 0 <= autocorrelation <= 1, "autocorrelation", autocorrelation, "0 to 1", "use .8"),
            (min(waves_before, waves_after) < 1, "waves", min(waves_before, waves_after),
             "1 or more before and after", "a change needs both"),
            (comparison_clusters is not None and comparison_clusters < 2, "comparison_clusters",
             comparison_clusters, "2 or more, or None", "use None"),
        ],
    )  # fmt: skip
    after = share + change
    spread = (share * (1 - share) + after * (1 - after)) / 2
    waves = 1 / waves_before + 1 / waves_after
    inflation = 1 + (respondents - 1) * icc - respondents * icc * autocorrelation
    own = spread * waves * inflation / (clusters * respondents)
    variance = own
    df: float = clusters - 1
    if comparison_clusters is not None:
        alike = share * (1 - share) * waves * inflation / (comparison_clusters * respondents)
        variance, df = own + alike, clusters + comparison_clusters - 2
    caveat = (
        "any other change between the waves counts as effect"
        if comparison_clusters is None
        else "assumes that both groups of forces would have changed alike"
    )
    return _answers(
        change,
        float(np.sqrt(variance)),
        level,
        power,
        df,
        f"repeated cross-sections, {waves_before} + {waves_after} waves, "
        f"design effect {number(inflation)}",
        caveat,
        int(clusters + (comparison_clusters or 0)),
    )
