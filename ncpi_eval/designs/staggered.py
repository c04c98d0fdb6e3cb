"""Staggered adoption: units that are treated at different times, compared with those still waiting.

Where effects grow or differ between cohorts, a two-way fixed effects regression uses treated units
as controls and can even have the wrong sign. The estimators here compare a cohort only with units
not yet (or never) treated. diff-diff does the estimation; this module checks the design first, puts
the answers into one vocabulary, and aggregates by calendar time, which diff-diff does not.

Every function takes a frame with one row per unit and period and returns a `Result`.

    from ncpi_eval.designs import staggered
    result = staggered.group_time(frame, "offences", "force", "quarter", "first_inspected")
    result.table[["event_time", "estimate", "ci_low", "ci_high"]]
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from ncpi_eval.designs import group_time as cells_module
from ncpi_eval.designs import linear
from ncpi_eval.designs.estimates import interval, number, span, tidy
from ncpi_eval.designs.panel import NEVER, Controls, Panel, panel
from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.results import Result

FEW_CLUSTERS = 50
"""Under about 50 clusters, intervals from cluster-robust errors are too narrow (Cameron and Miller
2015, section VI); with 43 forces in eight cohorts, of 95%, 91 to 92% of group-time, imputation and
Sun-Abraham intervals covered (benchmarks/README.md)."""

BAND_DRAWS = 4999
BAND_SEED = 20190201
"""Multiplier draws of a uniform band, and their fixed seed: the same data give the same band."""

Aggregation = Literal["simple", "event_time", "group", "calendar", "cells"]


def caveats(data: Panel) -> str:
    """What any staggered estimate on this panel has to say of itself."""
    found = ["parallel trends are assumed"]
    treated = data.cohort[data.cohort != NEVER]
    single = sum(int(np.sum(treated == value) == 1) for value in np.unique(treated))
    if len(data.cohort) < FEW_CLUSTERS:
        found.append(f"{len(data.cohort)} clusters: intervals tend to be too narrow")
    if single:
        found.append(
            f"{single} cohorts of one unit, whose own variation the standard error cannot see: "
            "use randomisation inference"
        )
    if not (data.cohort == NEVER).any():
        found.append("no unit is never treated: effects end with the last comparison")
    return "; ".join(found)


def naive(frame: pd.DataFrame, outcome: str, unit: str, time: str, first_treated: str) -> Result:
    """The contrasts that look obvious: shown because they mislead.

    "before and after": mean over treated units of their mean after less their mean before (any
    common trend is credited to treatment). "treated and untreated": in each period, treated less
    not yet treated units, averaged over periods with both (any difference between early and late
    units is credited). "two-way fixed effects" repairs both only if effects are constant.

    Parameters
    ----------
    frame, outcome, unit, time, first_treated
        As in `ncpi_eval.designs.panel.panel`.

    Returns
    -------
    Result
        One row per contrast; Student's t over units.

    Examples
    --------
    >>> from ncpi_eval.designs import staggered
    >>> result = staggered.naive(panel, "offences", "force", "quarter", "first_inspected")
    >>> result.table[["term", "estimate"]]
    """
    data = panel(frame, outcome, unit, time, first_treated)
    d, y = data.treatment, data.outcomes
    rows = [
        {"term": "before and after", **_paired(d, y)},
        {"term": "treated and untreated", **_cross_section(d, y)},
        {"term": "two-way fixed effects", **_two_way_row(data)},
    ]
    reasons = [
        "credits every common trend to treatment",
        "credits every difference between early and late units to treatment",
        "uses treated units as controls where effects grow or differ",
    ]
    for row, reason in zip(rows, reasons, strict=True):
        row |= {"method": "naive contrast", "caveat": reason}
    words = "; ".join(f"{row['term']} {number(float(row['estimate']))}" for row in rows)
    return Result(tidy(rows), f"The naive contrasts of {outcome} say: {words}.")


def _paired(d: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    treated = d.any(axis=1)
    d, y = d[treated], y[treated]
    change = (y * d).sum(1) / d.sum(1) - (y * (1 - d)).sum(1) / (1 - d).sum(1)
    n = len(change)
    std_error = float(change.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    return {**interval(float(change.mean()), std_error, n - 1), "n": n}


def _cross_section(d: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    both = (d.sum(0) > 0) & (d.sum(0) < len(d))
    d, y = d[:, both], y[:, both]
    weights = d / d.sum(0) - (1 - d) / (1 - d).sum(0)
    centred = y - np.where(d == 1, (y * d).sum(0) / d.sum(0), (y * (1 - d)).sum(0) / (1 - d).sum(0))
    estimate = float((weights * y).sum() / both.sum())
    by_unit = (weights * centred).sum(1) / both.sum()
    n = len(d)
    return {**interval(estimate, float(np.sqrt((by_unit**2).sum() * n / (n - 1))), n - 1), "n": n}


def _two_way_row(data: Panel) -> dict[str, Any]:
    fit = linear.two_way(data.outcomes, data.treatment)
    row = interval(float(fit.estimate), float(fit.std_error), fit.clusters - 1)
    return {**row, "n": data.outcomes.size}


def two_way(frame: pd.DataFrame, outcome: str, unit: str, time: str, first_treated: str) -> Result:
    """Two-way fixed effects regression on a treatment indicator, errors clustered by unit.

    ``y_it = a_i + b_t + effect * treated_it``; the same kernel that `power` simulates with.

    Parameters
    ----------
    frame, outcome, unit, time, first_treated
        As in `ncpi_eval.designs.panel.panel`.

    Returns
    -------
    Result
        One row; Student's t with units - 1 degrees of freedom.

    References
    ----------
    Checked against pyfixest (``feols("y ~ d | unit + time", vcov={"CRV1": "unit"})``).

    Examples
    --------
    >>> from ncpi_eval.designs import staggered
    >>> result = staggered.two_way(panel, "offences", "force", "quarter", "first_inspected")
    >>> result.table[["term", "estimate"]]
    """
    data = panel(frame, outcome, unit, time, first_treated)
    row = {
        "term": "two-way fixed effects",
        **_two_way_row(data),
        "method": "two-way fixed effects, errors clustered by unit",
        "caveat": "biased where effects grow or differ between cohorts; " + caveats(data),
    }
    return Result(tidy([row]), _effect_words(outcome, row))


def _effect_words(outcome: str, row: dict[str, Any]) -> str:
    return (
        f"Treatment changed {outcome} by {number(row['estimate'])} ({span(row)}), "
        f"by {row['method']}; {row['caveat']}."
    )


def group_time(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    first_treated: str,
    *,
    aggregate: Aggregation = "event_time",
    controls: Controls = "not_yet_treated",
    anticipation: int = 0,
    covariates: Sequence[str] = (),
    method: Literal["dr", "reg", "ipw"] = "dr",
    universal: bool = False,
) -> Result:
    """Group-time average effects of Callaway and Sant'Anna, aggregated.

    ``ATT(g, t) = E[Y_t - Y_{g-1-a} | G = g] - E[Y_t - Y_{g-1-a} | controls]``; with covariates,
    doubly robust. Periods before treatment compare with the period before them, or, `universal`,
    with the last period before treatment.

    Parameters
    ----------
    frame, outcome, unit, time, first_treated, controls, anticipation, covariates
        As in `ncpi_eval.designs.panel.panel`.
    aggregate : {"simple", "event_time", "group", "calendar", "cells"}
        "cells" gives every group-time effect.
    method : {"dr", "reg", "ipw"}
        Doubly robust, outcome regression or inverse probability weighting. diff-diff's doubly
        robust estimate divides by the number of treated where R's did divides by the sum of the
        controls' weights: on its example cells differ by up to 7e-6, overall effects by 1e-6. A
        cohort needs more units than covariates; single units take "reg".
    universal : bool
        Base period of the periods before treatment.

    Returns
    -------
    Result
        A row "overall" first (except for cells), then one per event time, cohort or period;
        `uniform_low`, `uniform_high` cover all rows of an event study at once (multiplier
        bootstrap, fixed seed). Normal intervals, from influence functions that include the
        estimation of the cohorts' shares.

    Raises
    ------
    DesignError
        Before estimating.

    References
    ----------
    Callaway and Sant'Anna (2021), Journal of Econometrics 225:200. Estimated by diff-diff.

    Examples
    --------
    >>> from ncpi_eval.designs import staggered
    >>> result = staggered.group_time(panel, "offences", "force", "quarter", "first_inspected")
    >>> result.table[["term", "estimate"]]
    """
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
    if aggregate not in ("simple", "event_time", "group", "calendar", "cells"):
        raise DesignError(
            "The group-time effects cannot be aggregated like that.",
            [
                Problem(
                    "setting aggregate",
                    str(aggregate),
                    "simple, event_time, group, calendar or cells",
                    "name one of them",
                )
            ],
        )
    cells, att, influence = cells_from_diff_diff(data, method, universal)
    words = f"Callaway-Sant'Anna, {controls.replace('_', ' ')} controls" + (
        f", {method} with {', '.join(covariates)}" if covariates else ""
    )
    if aggregate == "cells":
        rows = [
            {
                "term": "cell",
                "group": data.periods[g],
                "period": data.periods[t],
                "event_time": t - g,
                **interval(att[place], float(np.sqrt((influence[:, place] ** 2).sum()))),
            }
            for place, (g, t) in enumerate(cells)
        ]
    else:
        rows = _aggregated(data, cells, att, influence, aggregate)
    size = len(data.cohort)
    for row in rows:
        row |= {"n": size, "method": words, "caveat": caveats(data)}
    return Result(tidy(rows), _effect_words(outcome, rows[0]))


def cells_from_diff_diff(
    data: Panel, method: str = "dr", universal: bool = False
) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """Cells (cohort, period from 0), effects, and influence functions (units, cells).

    diff-diff keeps influence functions with the fit for its own aggregations and bootstrap; they
    are read from there because its public results give standard errors only.
    """
    import diff_diff

    fit = quietly(
        lambda: diff_diff.CallawaySantAnna(
            control_group=data.controls,
            anticipation=data.anticipation,
            estimation_method=method,
            base_period="universal" if universal else "varying",
        ).fit(**_arguments(data))
    )
    kit = fit._aggregation_kit
    units = len(data.units)  # indices are in the order of the frame, which is sorted by unit
    cells, effects, columns = [], [], []
    for (g, t), cell in sorted(fit.group_time_effects.items()):
        if (g, t) not in kit.influence or not np.isfinite(cell["effect"]):
            continue
        info = kit.influence[(g, t)]
        if universal and t == g - 1 - data.anticipation:
            continue  # the base period itself: 0 by definition
        column = np.zeros(units)
        column[info["treated_idx"]] += info["treated_inf"]
        column[info["control_idx"]] += info["control_inf"]
        cells.append((int(g) - 1, int(t) - 1))
        effects.append(float(cell["effect"]))
        columns.append(column)
    if not any(t >= g for g, t in cells):
        raise DesignError(
            "No group-time effect could be estimated.",
            [
                Problem(
                    "calendar",
                    "no cohort with a period before and a control after",
                    "at least one",
                    "shorten the anticipation, drop covariates, or find controls",
                )
            ],
        )
    return cells, np.array(effects), np.column_stack(columns)


def _aggregated(
    data: Panel,
    cells: list[tuple[int, int]],
    att: np.ndarray,
    influence: np.ndarray,
    aggregate: str,
) -> list[dict[str, Any]]:
    found = cells_module.targets(data.cohort, cells)
    overall = [
        x for x in found if x.kind in (aggregate, f"{aggregate} overall") and x.label is None
    ]
    single = [x for x in found if x.kind == aggregate and x.label is not None]
    rows, columns = [], []
    for target in [*overall, *single]:
        column = influence @ target.weights + target.share_influence @ att
        columns.append(column)
        row: dict[str, Any] = {"term": "overall" if target.label is None else aggregate}
        if target.label is not None:
            key = {"event_time": "event_time", "group": "group", "calendar": "period"}[aggregate]
            label = int(str(target.label))
            row[key] = label if aggregate == "event_time" else data.periods[label]
        rows.append(
            {**row, **interval(float(att @ target.weights), float(np.sqrt((column**2).sum())))}
        )
    if aggregate == "event_time":
        reach = uniform_critical(np.column_stack(columns[1:]))
        for row in rows[1:]:
            row["uniform_low"] = row["estimate"] - reach * row["std_error"]
            row["uniform_high"] = row["estimate"] + reach * row["std_error"]
    return rows


def uniform_critical(influence: np.ndarray, level: float = 0.95) -> float:
    """Critical value that covers all columns at once: quantile of the largest |t| over draws.

    Rademacher multipliers on the units' influence (units, columns); columns without variation are
    left out. Never below the pointwise value.
    """
    spread = np.sqrt((influence**2).sum(axis=0))
    scaled = influence[:, spread > 0] / spread[spread > 0]
    draws = np.random.default_rng(BAND_SEED).choice([-1.0, 1.0], (BAND_DRAWS, len(influence)))
    largest = np.abs(draws @ scaled).max(axis=1)
    pointwise = float(stats.norm.isf((1 - level) / 2))
    return max(float(np.quantile(largest, level)), pointwise)


def imputation(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    first_treated: str,
    *,
    anticipation: int = 0,
    covariates: Sequence[str] = (),
) -> Result:
    """Imputation estimator: the untreated rows predict what the treated would have been.

    Unit and period effects from untreated observations alone; the effect is the mean of treated
    outcomes less their prediction. More precise than `group_time` where errors are independent
    over time, because it uses all periods before.

    Parameters
    ----------
    frame, outcome, unit, time, first_treated, anticipation, covariates
        As in `ncpi_eval.designs.panel.panel`.

    Returns
    -------
    Result
        Row "overall", then one per event time.

    References
    ----------
    Borusyak, Jaravel, Spiess (2024), Review of Economic Studies 91:3253. Estimated by diff-diff.

    Examples
    --------
    >>> from ncpi_eval.designs import staggered
    >>> result = staggered.imputation(panel, "offences", "force", "quarter", "first_inspected")
    >>> result.table[["term", "estimate"]]
    """
    import diff_diff

    data = panel(
        frame, outcome, unit, time, first_treated, anticipation=anticipation, covariates=covariates
    )
    data = _comparable(data)
    fit, events = quietly(
        lambda: _with_events(
            diff_diff.ImputationDiD(anticipation=anticipation).fit(**_arguments(data))
        )
    )
    rows = [{"term": "overall", **interval(fit.overall_att, fit.overall_se)}]
    rows += _event_rows(events)
    return _finish(rows, data, outcome, "imputation (Borusyak, Jaravel, Spiess)")


def _comparable(data: Panel) -> Panel:
    """Without periods in which nobody is untreated: nothing predicts them."""
    if (data.cohort == NEVER).any():
        return data
    last = int(data.cohort.max()) - data.anticipation
    keep = data.frame["time"] <= last
    frame = data.frame[keep].reset_index(drop=True)
    frame["cohort"] = np.where(frame["cohort"] > last, 0, frame["cohort"])
    cohort = np.where(data.cohort >= last, NEVER, data.cohort)
    return Panel(
        frame,
        data.outcomes[:, :last],
        cohort,
        data.units,
        data.periods[:last],
        data.controls,
        data.anticipation,
        data.covariates,
    )


def _arguments(data: Panel) -> dict[str, Any]:
    return {
        "data": data.frame,
        "outcome": "outcome",
        "unit": "unit",
        "time": "time",
        "first_treat": "cohort",
        "covariates": list(data.covariates) or None,
    }


def quietly(call: Callable[[], Any]) -> Any:
    """diff-diff's answer without its warnings (ours are caveats), its refusals as ours."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except (ValueError, np.linalg.LinAlgError) as error:
        raise DesignError(
            "The panel passed the checks, but the estimator refused it.",
            [
                Problem(
                    "panel",
                    str(error).splitlines()[0],
                    "a design that can be estimated",
                    "use fewer covariates, leads or cohorts",
                )
            ],
        ) from error


def _with_events(fit: Any) -> tuple[Any, pd.DataFrame]:
    return fit, fit.aggregate("event_study").to_dataframe()


def _event_rows(events: pd.DataFrame) -> list[dict[str, Any]]:
    known = events[~events["is_reference"].astype(bool)]
    return [
        {
            "term": "event_time",
            "event_time": int(row["event_time"]),
            **interval(float(row["att"]), float(row["se"])),
        }
        for _, row in known.iterrows()
    ]


def _finish(rows: list[dict[str, Any]], data: Panel, outcome: str, method: str) -> Result:
    for row in rows:
        row |= {"n": len(data.cohort), "method": method, "caveat": caveats(data)}
    return Result(tidy(rows), _effect_words(outcome, rows[0]))


def sun_abraham(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    first_treated: str,
    *,
    covariates: Sequence[str] = (),
) -> Result:
    """Event study with cohort interactions, weighted by cohort shares.

    Never treated controls; if there are none, the last cohort serves and the panel ends before it
    is treated.

    Parameters
    ----------
    frame, outcome, unit, time, first_treated, covariates
        As in `ncpi_eval.designs.panel.panel`.

    Returns
    -------
    Result
        Row "overall" (treated observations weigh alike), then one per event time; -1 is the
        reference.

    References
    ----------
    Sun and Abraham (2021), Journal of Econometrics 225:175. Estimated by diff-diff; checked
    against the published output of fixest's ``sunab``.

    Examples
    --------
    >>> from ncpi_eval.designs import staggered
    >>> result = staggered.sun_abraham(panel, "offences", "force", "quarter", "first_inspected")
    >>> result.table[["term", "estimate"]]
    """
    import diff_diff

    data = _comparable(panel(frame, outcome, unit, time, first_treated, covariates=covariates))
    fit = quietly(
        lambda: diff_diff.SunAbraham(control_group="never_treated").fit(**_arguments(data))
    )
    rows = [{"term": "overall", **interval(fit.overall_att, fit.overall_se)}]
    for event in sorted(fit.event_study_effects):
        cell = fit.event_study_effects[event]
        rows.append(
            {
                "term": "event_time",
                "event_time": int(event),
                **interval(float(cell["effect"]), float(cell["se"])),
            }
        )
    return _finish(rows, data, outcome, "Sun-Abraham, errors clustered by unit")


def goodman_bacon(
    frame: pd.DataFrame, outcome: str, unit: str, time: str, first_treated: str
) -> Result:
    """What a two-way fixed effects estimate is made of: every comparison with its weight.

    Parameters
    ----------
    frame, outcome, unit, time, first_treated
        As in `ncpi_eval.designs.panel.panel`.

    Returns
    -------
    Result
        Rows by kind of comparison ("treated_vs_never", "earlier_vs_later", "later_vs_earlier"; the
        last uses treated units as controls), then every comparison; columns weight, group
        (treated cohort), control. The weighted sum is the two-way estimate.

    References
    ----------
    Goodman-Bacon (2021), Journal of Econometrics 225:254. Computed by diff-diff.

    Examples
    --------
    >>> from ncpi_eval.designs import staggered
    >>> result = staggered.goodman_bacon(panel, "offences", "force", "quarter", "first_inspected")
    >>> result.table[["term", "estimate"]]
    """
    import diff_diff

    data = panel(frame, outcome, unit, time, first_treated)
    arguments = _arguments(data)
    del arguments["covariates"]
    found = quietly(lambda: diff_diff.bacon_decompose(**arguments)).to_dataframe()
    name = lambda cohort: (  # noqa: E731
        "never treated" if cohort == "never_treated" else data.periods[int(cohort) - 1]
    )
    rows: list[dict[str, Any]] = []
    for kind, part in found.groupby("comparison_type", sort=True):
        weight = float(part["weight"].sum())
        mean = float((part["estimate"] * part["weight"]).sum() / weight) if weight else np.nan
        rows.append({"term": kind, "estimate": mean, "weight": weight})
    forbidden = sum(row["weight"] for row in rows if row["term"] == "later_vs_earlier")
    rows += [
        {
            "term": f"comparison {row['comparison_type']}",
            "group": name(row["treated_group"]),
            "estimate": float(row["estimate"]),
            "weight": float(row["weight"]),
            "control": name(row["control_group"]),
        }
        for _, row in found.iterrows()
    ]
    total = float((found["estimate"] * found["weight"]).sum())
    for row in rows:
        row |= {"n": len(data.cohort), "method": "Goodman-Bacon decomposition"}
    return Result(
        tidy(rows),
        f"The two-way estimate of {number(total)} takes {100 * forbidden:.0f}% of its weight from "
        "comparisons in which units already treated serve as controls.",
    )
