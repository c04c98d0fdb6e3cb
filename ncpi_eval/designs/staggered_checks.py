"""How far a staggered estimate can be trusted: pre-trends, departures from them, few clusters.

A pre-trend test that finds nothing may only be too weak to find anything, so its power stands
beside it. With some forty units, most of them alone in their cohort, standard errors are themselves
estimates from very little; reshuffling the calendar needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from ncpi_eval.designs import group_time as cells_module
from ncpi_eval.designs import linear
from ncpi_eval.designs.estimates import critical, interval, number, span, tidy
from ncpi_eval.designs.panel import Controls, Panel, panel, treatment_of
from ncpi_eval.designs.staggered import caveats, cells_from_diff_diff, quietly
from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.results import Result

Estimator = Literal["group_time", "two_way"]

_SHUFFLED_AT_ONCE = 250


def pretrends(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    first_treated: str,
    *,
    leads: int = 4,
    controls: Controls = "not_yet_treated",
    anticipation: int = 0,
    covariates: Sequence[str] = (),
) -> Result:
    """Test of the periods before treatment, and the trend that the test could have seen.

    Joint Wald test that the last `leads` effects before the base period are 0 (long differences to
    one base period). Its power: the linear difference in trend, per period, that the test would
    detect with 50% and 80% probability; and how much of the estimated effect such a trend, going
    on, would explain.

    Parameters
    ----------
    frame, outcome, unit, time, first_treated, controls, anticipation, covariates
        As in `staggered.group_time`.
    leads : int
        Number of periods before the base period, at least 1; fewer where the panel has fewer.

    Returns
    -------
    Result
        Rows "joint test" (estimate is the Wald statistic, `df` its degrees of freedom),
        "detectable trend" for power .5 and .8 (estimate is the trend per period, `bias` what it
        would add to the mean effect after treatment), and the leads themselves.

    Raises
    ------
    DesignError
        If there is no period before the base period, or the leads have no full-rank covariance
        (more leads than units can tell apart).

    References
    ----------
    Roth (2022), American Economic Review: Insights 4:305.

    Examples
    --------
    >>> from ncpi_eval.designs import staggered_checks
    >>> result = staggered_checks.pretrends(
    ...     panel, "offences", "force", "quarter", "first_inspected"
    ... )
    >>> result.table[["term", "estimate"]]
    """
    data, events, att, influence = _event_study(
        frame, outcome, unit, time, first_treated, controls, anticipation, covariates
    )
    before = [place for place, e in enumerate(events) if e < -1 - anticipation][-leads:]
    if not before or leads < 1:
        raise DesignError(
            "There is no period before treatment to test.",
            [
                Problem(
                    "panel", "no lead", "two periods before treatment", "start the panel earlier"
                )
            ],
        )
    covariance = influence[:, before].T @ influence[:, before]
    if np.linalg.matrix_rank(covariance) < len(before):
        raise DesignError(
            "The periods before treatment cannot be tested together.",
            [
                Problem(
                    "setting leads",
                    f"{len(before)} leads for {len(data.cohort)} units",
                    "fewer leads",
                    "test the last few only",
                )
            ],
        )
    effect = att[before]
    wald = float(effect @ np.linalg.solve(covariance, effect))
    df = len(before)
    distance = np.array([events[place] + 1 + anticipation for place in before], dtype=float)
    after = [place for place, e in enumerate(events) if e >= 0]
    reach = float(np.mean([events[place] + 1 + anticipation for place in after]))
    rows: list[dict[str, Any]] = [
        {
            "term": "joint test",
            "estimate": wald,
            "p_value": float(stats.chi2.sf(wald, df)),
            "df": df,
        }
    ]
    information = float(distance @ np.linalg.solve(covariance, distance))
    for power in (0.5, 0.8):
        slope = float(np.sqrt(_noncentrality(df, power) / information))
        rows.append(
            {"term": "detectable trend", "power": power, "estimate": slope, "bias": slope * reach}
        )
    for place in before:
        se = float(np.sqrt((influence[:, place] ** 2).sum()))
        rows.append({"term": "lead", "event_time": events[place], **interval(att[place], se)})
    for row in rows:
        row |= {
            "n": len(data.cohort),
            "method": "Wald test of long differences",
            "caveat": "passing is not evidence of parallel trends; " + caveats(data),
        }
    overall = float(np.mean(att[after]))
    return Result(
        tidy(rows),
        f"The {df} leads give p = {number(rows[0]['p_value'], 2)}. The test would miss, one time "
        f"in five, a difference in trend of {number(rows[2]['estimate'])} per period, which would "
        f"add {number(rows[2]['bias'])} to a mean effect estimated at {number(overall)}.",
    )


def _noncentrality(df: int, power: float, level: float = 0.95) -> float:
    """Noncentrality at which a chi-square test with `df` has the given power."""
    from scipy.optimize import brentq

    bar = stats.chi2.isf(1 - level, df)
    return float(brentq(lambda value: stats.ncx2.sf(bar, df, value) - power, 1e-9, 1e4))


def _event_study(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    first_treated: str,
    controls: Controls,
    anticipation: int,
    covariates: Sequence[str],
) -> tuple[Panel, list[int], np.ndarray, np.ndarray]:
    """Event times, effects and influence (units, event times) with one base period."""
    data = panel(
        frame,
        outcome,
        unit,
        time,
        first_treated,
        controls=controls,
        anticipation=anticipation,
        covariates=covariates,
    )
    cells, att, influence = cells_from_diff_diff(data, universal=True)
    found = [x for x in cells_module.targets(data.cohort, cells) if x.kind == "event_time"]
    weights = np.column_stack([x.weights for x in found])
    shares = np.column_stack([x.share_influence @ att for x in found])
    events = [int(str(x.label)) for x in found]
    return data, events, att @ weights, influence @ weights + shares


def honest_bounds(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    first_treated: str,
    *,
    departure: Literal["relative_magnitude", "smoothness"] = "relative_magnitude",
    sizes: Sequence[float] = (0.0, 0.5, 1.0, 1.5, 2.0),
    leads: int = 4,
    horizons: int = 4,
    controls: Controls = "not_yet_treated",
    anticipation: int = 0,
    covariates: Sequence[str] = (),
) -> Result:
    """The effect if trends were not parallel, by how much they were not.

    "relative_magnitude": after treatment the trends part, from one period to the next, by at most
    `size` times the largest parting seen before. "smoothness": the difference in slope changes by
    at most `size` from one period to the next (0 is a straight line).

    Parameters
    ----------
    frame, outcome, unit, time, first_treated, controls, anticipation, covariates
        As in `staggered.group_time`.
    sizes : sequence of float
        0 or more.
    leads, horizons : int
        Periods before (the base period apart) and from treatment that enter: long event studies
        rest their ends on few units.

    Returns
    -------
    Result
        One row per size: the mean effect over the horizons, `ci_low` and `ci_high` its robust
        interval, `size`. The sentence gives the largest size at which 0 is excluded.

    References
    ----------
    Rambachan and Roth (2023), Review of Economic Studies 90:2555. Computed by diff-diff.

    Examples
    --------
    >>> from ncpi_eval.designs import staggered_checks
    >>> result = staggered_checks.honest_bounds(
    ...     panel, "offences", "force", "quarter", "first_inspected", leads=2, horizons=2
    ... )
    >>> result.table[["term", "estimate"]]
    """
    import diff_diff

    if any(size < 0 for size in sizes) or not sizes:
        raise DesignError(
            "A departure from parallel trends has a size of 0 or more.",
            [Problem("setting sizes", str(list(sizes)), "0 or more", "list some sizes")],
        )
    data, events, att, influence = _event_study(
        frame, outcome, unit, time, first_treated, controls, anticipation, covariates
    )
    base = -1 - anticipation
    kept = [p for p, e in enumerate(events) if base - leads <= e < base or 0 <= e < horizons]
    if not any(events[p] < base for p in kept):
        raise DesignError(
            "There is no period before treatment to measure departures by.",
            [
                Problem(
                    "panel", "no lead", "two periods before treatment", "start the panel earlier"
                )
            ],
        )
    covariance = influence[:, kept].T @ influence[:, kept]
    if np.linalg.matrix_rank(covariance) < len(kept):
        raise DesignError(
            "The event study is too long for the units that it rests on.",
            [
                Problem(
                    "settings leads, horizons",
                    f"{len(kept)} effects for {len(data.cohort)} units",
                    "fewer effects",
                    "use fewer leads and horizons",
                )
            ],
        )
    study = _multi_period([events[p] for p in kept], att[kept], covariance, base, data)
    rows: list[dict[str, Any]] = []
    for size in sizes:
        found = quietly(
            partial(diff_diff.compute_honest_did, study, method=departure, M=float(size))
        )
        rows.append(
            {
                "term": "mean effect",
                "estimate": float(found.original_estimate),
                "ci_low": float(found.ci_lb),
                "ci_high": float(found.ci_ub),
                "n": len(data.cohort),
                "method": f"Rambachan-Roth, {departure.replace('_', ' ')}",
                "caveat": caveats(data),
                "size": float(size),
            }
        )
    robust = [row["size"] for row in rows if row["ci_low"] > 0 or row["ci_high"] < 0]
    words = (
        f"The interval excludes no effect up to a departure of {number(max(robust))}"
        if robust
        else "At no size of departure does the interval exclude no effect"
    )
    return Result(tidy(rows), f"{words} ({rows[0]['method']}).")


def _multi_period(
    events: list[int], att: np.ndarray, covariance: np.ndarray, base: int, data: Panel
) -> Any:
    """An event study as diff-diff's sensitivity analysis takes it."""
    from diff_diff import EventStudyResults

    order = sorted([*events, base])
    place = {event: position for position, event in enumerate(events)}
    value = lambda source, event: (  # noqa: E731
        float(source[place[event]]) if event in place else np.nan
    )
    se = np.sqrt(np.diag(covariance))
    effects = np.array([0.0 if e == base else value(att, e) for e in order])
    errors = np.array([value(se, e) for e in order])
    with np.errstate(invalid="ignore"):
        z = effects / errors
    reach = critical()
    return EventStudyResults(
        event_time=np.array(order),
        att=effects,
        se=errors,
        t_stat=z,
        p_value=2 * stats.norm.sf(np.abs(z)),
        conf_int_lower=effects - reach * errors,
        conf_int_upper=effects + reach * errors,
        is_reference=np.array([e == base for e in order]),
        n=np.full(len(order), float(len(data.cohort))),
        n_kind="groups",
        reference_period=base,
        time_scale="relative",
        event_time_convention="e0_first_treated",
        vcov=covariance,
        vcov_index=np.array(events),
        alpha=0.05,
        source="CallawaySantAnnaResults",
        df=np.full(len(order), np.nan),
        base_period="universal",
        anticipation=data.anticipation,
    )


def wild_bootstrap(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    first_treated: str,
    *,
    draws: int = 999,
    seed: int = 1,
    weights: Literal["rademacher", "webb"] = "rademacher",
) -> Result:
    """Two-way fixed effects with p-value and interval from the wild cluster bootstrap.

    Restricted residuals, one sign per unit, interval by inverting the test. Take "webb" weights
    with fewer than 12 units.

    Parameters
    ----------
    frame, outcome, unit, time, first_treated
        As in `staggered.two_way`.
    draws, seed : int

    Returns
    -------
    Result
        One row; the standard error is the cluster-robust one.

    References
    ----------
    Cameron, Gelbach, Miller (2008), Review of Economics and Statistics 90:414. By diff-diff.

    Examples
    --------
    >>> from ncpi_eval.designs import staggered_checks
    >>> result = staggered_checks.wild_bootstrap(
    ...     panel, "offences", "force", "quarter", "first_inspected"
    ... )
    >>> result.table[["term", "estimate"]]
    """
    import diff_diff

    if weights not in ("rademacher", "webb") or draws < 19:
        raise DesignError(
            "The wild bootstrap cannot be drawn like that.",
            [
                Problem(
                    "settings weights, draws",
                    f"{weights}, {draws}",
                    "rademacher or webb, and 19 draws or more",
                    "use 999 draws",
                )
            ],
        )
    data = panel(frame, outcome, unit, time, first_treated)
    units, periods = data.outcomes.shape
    # Unit effects are removed beforehand, which commutes with a sign per unit; periods are not.
    within = lambda values: (values - values.mean(axis=1, keepdims=True)).ravel()  # noqa: E731
    dummies = [
        within(np.tile(np.arange(periods) == period, (units, 1)).astype(float))
        for period in range(1, periods)
    ]
    x = np.column_stack([within(data.treatment), *dummies])
    y = within(data.outcomes)
    residuals = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    found = quietly(
        lambda: diff_diff.wild_bootstrap_se(
            x,
            y,
            residuals,
            np.repeat(np.arange(units), periods),
            0,
            n_bootstrap=draws,
            weight_type=weights,
            seed=seed,
        )
    )
    fit = linear.two_way(data.outcomes, data.treatment)
    row = {
        "term": "two-way fixed effects",
        "estimate": float(fit.estimate),
        "std_error": float(fit.std_error),
        "ci_low": float(found.ci_lower),
        "ci_high": float(found.ci_upper),
        "p_value": float(found.p_value),
        "n": data.outcomes.size,
        "method": f"wild cluster bootstrap, {found.n_bootstrap} draws",
        "caveat": caveats(data),
    }
    return Result(tidy([row]), _words(outcome, row))


def _words(outcome: str, row: dict[str, Any]) -> str:
    return (
        f"Treatment changed {outcome} by {number(row['estimate'])} ({span(row)}), "
        f"p = {number(row['p_value'], 2)} by {row['method']}."
    )


def randomisation(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    first_treated: str,
    *,
    estimator: Estimator = "group_time",
    draws: int = 1999,
    seed: int = 1,
    strata: str | None = None,
    controls: Controls = "not_yet_treated",
    anticipation: int = 0,
) -> Result:
    """Inference by reshuffling the calendar: which unit got which date, all else as it was.

    Exact for the sharp null hypothesis if dates were as good as random (within strata); needs no
    standard error, so that cohorts of one unit are no trouble. The interval holds the constant
    effects that a 5% test does not reject.

    Parameters
    ----------
    frame, outcome, unit, time, first_treated, controls, anticipation
        As in `staggered.group_time`.
    estimator : {"group_time", "two_way"}
        Overall effect by cohort share, or the two-way coefficient.
    draws, seed : int
        Reshuffled calendars, and the seed of `numpy.random.default_rng`.
    strata : str or None
        Column, constant within a unit; dates are exchanged within its values only.

    Returns
    -------
    Result
        One row. p = (1 + draws at least as extreme) / (1 + draws), two-sided.

    References
    ----------
    Fisher (1935); MacKinnon and Webb (2020), Journal of Econometrics 218:435; Rambachan and Roth
    (2024) on calendars that are not quite random.

    Examples
    --------
    >>> from ncpi_eval.designs import staggered_checks
    >>> result = staggered_checks.randomisation(
    ...     panel, "offences", "force", "quarter", "first_inspected"
    ... )
    >>> result.table[["term", "estimate"]]
    """
    if estimator not in ("group_time", "two_way") or draws < 19:
        raise DesignError(
            "The calendar cannot be reshuffled like that.",
            [
                Problem(
                    "settings estimator, draws",
                    f"{estimator}, {draws}",
                    "group_time or two_way, and 19 draws or more",
                    "use 1999 draws",
                )
            ],
        )
    data = panel(
        frame,
        outcome,
        unit,
        time,
        first_treated,
        controls=controls,
        anticipation=anticipation,
    )
    blocks = _blocks(frame, unit, strata, data)
    weights = _estimator_weights(data, estimator)
    observed = float((weights * data.outcomes).sum())
    shuffled, shifted = _shuffled(data, weights, blocks, draws, seed)
    scale = float((weights * data.treatment).sum())

    def p_value(effect: float) -> float:
        reference = np.abs(shuffled - effect * shifted)
        here = abs(observed - effect * scale)
        return float((1 + np.sum(reference >= here - 1e-12)) / (1 + draws))

    low, high = _inverted(p_value, observed / scale, float(np.std(shuffled)))
    row = {
        "term": "overall",
        "estimate": observed,
        "std_error": np.nan,
        "ci_low": low,
        "ci_high": high,
        "p_value": p_value(0.0),
        "n": len(data.cohort),
        "method": f"{estimator.replace('_', '-')} with {draws} reshuffled calendars",
        "caveat": "holds if dates were as good as random"
        + (f" within {strata}" if strata else "")
        + "; the interval assumes one constant effect",
    }
    return Result(tidy([row]), _words(outcome, row))


def _blocks(frame: pd.DataFrame, unit: str, strata: str | None, data: Panel) -> list[np.ndarray]:
    if strata is None:
        return [np.arange(len(data.units))]
    if strata not in frame or (frame.groupby(unit)[strata].nunique(dropna=False) > 1).any():
        raise DesignError(
            "The strata of the calendar are not usable.",
            [Problem(f"column {strata}", "missing or changing", "one per unit", "correct it")],
        )
    values = frame.groupby(unit, sort=True)[strata].first().to_numpy()
    return [np.flatnonzero(values == value) for value in pd.unique(values)]


def _estimator_weights(data: Panel, estimator: str) -> np.ndarray:
    if estimator == "group_time":
        return cells_module.linear_estimator(
            data.cohort,
            len(data.periods),
            controls=data.controls,
            anticipation=data.anticipation,
        ).weights
    d = data.treatment
    centred = d - d.mean(axis=1, keepdims=True)
    centred = centred - centred.mean(axis=0, keepdims=True)
    return centred / (centred * d).sum()


def _shuffled(
    data: Panel, weights: np.ndarray, blocks: list[np.ndarray], draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Estimates under reshuffled calendars, of the outcomes and of the treatment itself.

    Giving the calendar to other units is giving the units' outcomes to the calendar, so that the
    weights, which depend on the calendar alone, are computed once.
    """
    rng = np.random.default_rng(seed)
    d = treatment_of(data.cohort, len(data.periods))
    outcomes, shifts = np.empty(draws), np.empty(draws)
    for start in range(0, draws, _SHUFFLED_AT_ONCE):
        count = min(_SHUFFLED_AT_ONCE, draws - start)
        order = np.tile(np.arange(len(data.units)), (count, 1))
        for block in blocks:
            order[:, block] = rng.permuted(order[:, block], axis=1)
        rows = slice(start, start + count)
        outcomes[rows] = np.einsum("rit,it->r", data.outcomes[order], weights)
        shifts[rows] = np.einsum("rit,it->r", d[order], weights)
    return outcomes, shifts


def _inverted(p_value: Any, centre: float, spread: float) -> tuple[float, float]:
    """Both ends of the effects with p above 5%, by doubling and halving from the estimate."""
    ends = []
    for direction in (-1.0, 1.0):
        reach = max(spread, 1e-12)
        for _ in range(60):
            if p_value(centre + direction * reach) <= 0.05:
                break
            reach *= 2
        else:
            ends.append(direction * np.inf)
            continue
        inside, outside = 0.0, reach
        for _ in range(60):
            middle = (inside + outside) / 2
            if p_value(centre + direction * middle) > 0.05:
                inside = middle
            else:
                outside = middle
        ends.append(centre + direction * outside)
    return float(ends[0]), float(ends[1])
