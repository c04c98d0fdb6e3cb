"""Synthetic control: a weighted set of untreated donors that moved like the treated unit did.

Donor weights are the nearest point of a convex hull. General optimisers can stop at equal weights
and say nothing, so the weights come from a non-negative least squares problem that has the same
solution, and the optimality conditions are checked on every fit.

    from ncpi_eval.designs import synthetic_control as scm
    result = scm.estimate(frame, "sales", "state", "year", treated="California", start=1989)
    scm.placebo_in_space(frame, "sales", "state", "year", treated="California", start=1989).text
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from ncpi_eval.designs.estimates import interval, number, tidy
from ncpi_eval.designs.series import period_numbers
from ncpi_eval.designs.staggered import quietly
from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.results import Result

MINIMUM_DONORS = 2
MINIMUM_BEFORE = 5
"""Fewest periods before treatment: fewer can be matched by chance (Abadie 2021, section 5)."""

_TOLERANCE = 1e-6

Predictor = tuple[str, Sequence[Any]]
"""A column and the periods over which it is averaged."""


@dataclass(frozen=True)
class Case:
    """A checked case: outcomes (periods, units) with the treated first.

    Parameters
    ----------
    outcomes : DataFrame
        Rows periods ascending, columns the treated then its donors.
    before : numpy.ndarray of bool, (periods,)
    predictors : numpy.ndarray, (predictors, units), or None for all outcomes before treatment
    """

    outcomes: pd.DataFrame
    before: np.ndarray
    predictors: np.ndarray | None


@dataclass(frozen=True)
class Weights:
    """Donor weights of a fit, and the predictors' importance where predictors were given."""

    donors: np.ndarray
    importance: np.ndarray | None


def simplex_weights(target: np.ndarray, donors: np.ndarray) -> np.ndarray:
    """Weights of 0 or more that sum to 1 and bring the donors nearest to the target.

    ``min |target - donors w|^2``. With P = donors - target the problem is the point of a convex
    hull nearest to 0, and ``min |P u|^2 + (sum(u) - 1)^2 over u >= 0`` has the solution u
    proportional to w (Lawson and Hanson 1974, chapter 23): no penalty that would have to be large.

    Parameters
    ----------
    target : numpy.ndarray, (rows,)
    donors : numpy.ndarray, (rows, donors)

    Raises
    ------
    DesignError
        If the optimality conditions do not hold at the solution.
    """
    differences = donors - target[:, None]
    scale = float(np.abs(differences).max())
    if scale == 0:
        return np.full(donors.shape[1], 1 / donors.shape[1])
    differences = differences / scale
    stacked = np.vstack([differences, np.ones(donors.shape[1])])
    raw, _ = optimize.nnls(stacked, np.append(np.zeros(len(target)), 1.0))
    weights = raw / raw.sum()
    _assert_optimal(differences, weights)
    return weights


def _assert_optimal(differences: np.ndarray, weights: np.ndarray) -> None:
    """The gradient is smallest, and equal, over donors with weight (duality gap of 0)."""
    gradient = differences.T @ (differences @ weights)
    gap = float(gradient @ weights - gradient.min())
    size = max(float(np.max(np.einsum("ij,ij->j", differences, differences))), 1e-300)
    if not gap <= _TOLERANCE * size or not np.isclose(weights.sum(), 1) or (weights < 0).any():
        raise DesignError(
            "The donor weights did not converge, so that there is no estimate to show.",
            [Problem("donors", f"a gap of {gap:g} to the optimum", "0", "rescale the outcome")],
        )


def case(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    *,
    treated: Any,
    start: Any,
    donors: Sequence[Any] | None = None,
    predictors: Sequence[Predictor] = (),
) -> Case:
    """Check the data of a synthetic control.

    Parameters
    ----------
    frame : DataFrame
        One row per unit and period.
    outcome, unit, time : str
        Columns.
    treated : value or list of values of `unit`
        A list is averaged to one treated group.
    start : value of `time`
        First treated period; it belongs to the time after.
    donors : sequence or None
        Units never treated; None is all others.
    predictors : sequence of (column, periods)
        Averages to match, such as ``("income", range(1980, 1989))``; all before `start`. None:
        every outcome before treatment.

    Raises
    ------
    DesignError
        With every reason at once.
    """
    group = list(treated) if isinstance(treated, (list, tuple)) else [treated]
    problems = _names(frame, [outcome, unit, time, *(name for name, _ in predictors)])
    _refuse("The data lack what the synthetic control names.", problems)
    pool = [x for x in pd.unique(frame[unit]) if x not in group] if donors is None else list(donors)
    _refuse("The treated unit and its donors do not fit together.", _pool(frame, unit, group, pool))
    chosen = frame[frame[unit].isin([*group, *pool])]
    if chosen.duplicated([unit, time]).any():
        row = chosen[chosen.duplicated([unit, time])].iloc[0]
        raise DesignError(
            "The panel is not one row per unit and period.",
            [Problem(f"{row[unit]}, {row[time]}", "two rows", "one row", "keep one, or add up")],
        )
    wide = chosen.pivot(index=time, columns=unit, values=outcome)
    numbers = period_numbers(pd.Series(wide.index), time)
    wide = wide.iloc[np.argsort(numbers, kind="stable")]
    before = _before(wide.index, start, time)
    _refuse("The series cannot carry a synthetic control.", _series(wide, before, start, numbers))
    outcomes = pd.concat([wide[group].mean(axis=1).rename(_group_name(group)), wide[pool]], axis=1)
    return Case(outcomes, before, _predictors(chosen, unit, time, group, pool, predictors, start))


def _before(periods: pd.Index, start: Any, time: str) -> np.ndarray:
    try:
        return np.asarray(periods < start)
    except TypeError:
        first = f"a period like {periods[0]}"
        problem = Problem(f"start {start}", "another kind of value", first, f"write it as {time}")
        raise DesignError("The start is not in the units of the panel.", [problem]) from None


def _group_name(group: list[Any]) -> Any:
    return group[0] if len(group) == 1 else "treated group"


def _refuse(message: str, problems: list[Problem]) -> None:
    if problems:
        raise DesignError(message, problems)


def _names(frame: pd.DataFrame, names: list[str]) -> list[Problem]:
    known = ", ".join(map(str, frame.columns))
    found = [
        Problem(f"column {name}", "no such column", f"one of {known}", "name a column of the frame")
        for name in dict.fromkeys(names)
        if name not in frame
    ]
    if found:
        return found
    # The outcome and the predictors; units and periods may be text.
    return [
        Problem(f"column {name}", "text", "numbers", "convert it")
        for name in dict.fromkeys([names[0], *names[3:]])
        if not pd.api.types.is_numeric_dtype(frame[name])
    ]


def _pool(frame: pd.DataFrame, unit: str, group: list[Any], pool: list[Any]) -> list[Problem]:
    known = set(frame[unit])
    found = [
        Problem(f"unit {name}", "no rows", f"a value of {unit}", "check its spelling")
        for name in [*group, *pool]
        if name not in known
    ]
    both = [name for name in pool if name in group]
    if both:
        found.append(Problem(f"unit {both[0]}", "treated and donor", "one of the two", "drop it"))
    if not group:
        found.append(Problem("treated", "none", "one unit or more", "name the treated unit"))
    if len(pool) < MINIMUM_DONORS:
        found.append(
            Problem(
                "donors",
                f"{len(pool)}",
                f"{MINIMUM_DONORS} or more",
                "find donors, or use a series",
            )
        )
    return found


def _series(
    wide: pd.DataFrame, before: np.ndarray, start: Any, numbers: np.ndarray
) -> list[Problem]:
    found: list[Problem] = []
    gaps = ~np.isfinite(wide.astype(float))
    if gaps.any(axis=None):
        unit = gaps.any().idxmax()
        found.append(
            Problem(
                f"unit {unit}, {gaps[unit].idxmax()}",
                f"{int(gaps.sum().sum())} missing or infinite outcomes",
                "an outcome in every period",
                "leave out the donor, or the periods that lack it",
            )
        )
    steps = np.unique(np.diff(np.sort(numbers)))
    if len(steps) > 1:
        found.append(
            Problem("periods", f"steps of {steps.tolist()}", "equal steps", "obtain the missing")
        )
    if before.sum() < MINIMUM_BEFORE:
        found.append(
            Problem(
                f"start {start}",
                f"{int(before.sum())} periods before",
                f"{MINIMUM_BEFORE} or more",
                "use a longer series",
            )
        )
    if before.all():
        found.append(Problem(f"start {start}", "no period after", "1 or more", "wait for data"))
    if not found and (np.ptp(wide.to_numpy()[before], axis=0) == 0).all():
        found.append(Problem("outcome", "constant before treatment", "variation", "check it"))
    return found


def _predictors(
    frame: pd.DataFrame,
    unit: str,
    time: str,
    group: list[Any],
    pool: list[Any],
    predictors: Sequence[Predictor],
    start: Any,
) -> np.ndarray | None:
    if not predictors:
        return None
    rows, problems = [], []
    for name, periods in predictors:
        wanted = frame[frame[time].isin(list(periods))]
        means = wanted.groupby(unit)[name].mean().reindex([*group, *pool])
        if any(period >= start for period in periods):
            problems.append(
                Problem(f"predictor {name}", "a treated period", f"before {start}", "leave it out")
            )
        elif means.isna().any():
            problems.append(
                Problem(
                    f"predictor {name}",
                    f"nothing for {means.index[means.isna()][0]}",
                    "a value for every unit",
                    "choose other periods",
                )
            )
        values = means.to_numpy()
        row = np.append(values[: len(group)].mean(), values[len(group) :])
        if not problems and np.ptp(row) == 0:
            problems.append(Problem(f"predictor {name}", "constant", "variation", "leave it out"))
        rows.append(row)
    _refuse("The predictors cannot be matched.", problems)
    values = np.array(rows)
    return values / values.std(axis=1, ddof=1, keepdims=True)


def fit(data: Case) -> Weights:
    """Donor weights: from outcomes before treatment, or from predictors of searched importance.

    The importance of predictors minimises the error before treatment. It is poorly determined:
    very different importances give nearly the same donors, and the search has local optima. It
    starts from equal importance and from regression coefficients, as R's Synth does, and keeps
    the best of two methods; the same data give the same weights.
    """
    before = data.outcomes.to_numpy()[data.before]
    target, donors = before[:, 0], before[:, 1:]
    if data.predictors is None:
        return Weights(simplex_weights(target, donors), None)
    x = data.predictors

    def weights(importance: np.ndarray) -> np.ndarray:
        root = np.sqrt(np.abs(importance) / np.abs(importance).sum())[:, None]
        scaled = root * x
        return simplex_weights(scaled[:, 0], scaled[:, 1:])

    def error(importance: np.ndarray) -> float:
        if not np.abs(importance).sum() > 0:
            return np.inf
        return float(np.mean((target - donors @ weights(importance)) ** 2))

    found = []
    for first in (np.full(len(x), 1 / len(x)), _regression_importance(x, before)):
        for method, limit in (("Nelder-Mead", "maxfev"), ("Powell", "maxfev")):
            found.append(
                optimize.minimize(
                    error, first, method=method, options={limit: 5000, "maxiter": 3000}
                )
            )
    best = min(found, key=lambda answer: answer.fun)
    if not np.isfinite(best.fun):
        raise DesignError("The importance of predictors could not be searched: no finite error.")
    importance = np.abs(best.x) / np.abs(best.x).sum()
    return Weights(weights(importance), importance)


def _regression_importance(predictors: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Squared coefficients of outcomes before treatment on the predictors, over units."""
    design = np.column_stack([np.ones(predictors.shape[1]), predictors.T])
    coefficients = np.linalg.lstsq(design, before.T, rcond=None)[0][1:]
    squares = (coefficients**2).sum(axis=1)
    return squares / squares.sum()


@dataclass(frozen=True)
class _Gap:
    """Treated less synthetic by period, with the errors before and after."""

    gap: np.ndarray
    rmse_before: float
    rmse_after: float

    @property
    def ratio(self) -> float:
        return self.rmse_after / self.rmse_before if self.rmse_before > 0 else np.inf


def _gap(data: Case, weights: Weights) -> _Gap:
    values = data.outcomes.to_numpy()
    gap = values[:, 0] - values[:, 1:] @ weights.donors
    rmse = lambda part: float(np.sqrt(np.mean(part**2)))  # noqa: E731
    return _Gap(gap, rmse(gap[data.before]), rmse(gap[~data.before]))


def _caveat(data: Case, gap: _Gap) -> str:
    spread = float(np.std(data.outcomes.to_numpy()[data.before, 0]))
    found = ["no sampling interval: judge by placebos"]
    if gap.rmse_before > 0.25 * spread:
        found.append("poor fit before treatment: the gap after it is not an effect")
    return "; ".join(found)


def estimate(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    *,
    treated: Any,
    start: Any,
    donors: Sequence[Any] | None = None,
    predictors: Sequence[Predictor] = (),
) -> Result:
    """The gap between a treated unit and its synthetic control, with the donors' weights.

    Parameters
    ----------
    frame, outcome, unit, time, treated, start, donors, predictors
        As in `case`.

    Returns
    -------
    Result
        Row "mean effect" (average gap from `start`); rows "fit" (root mean squared error before)
        and "ratio" (error after over before); "gap" by period with `observed` and `synthetic`;
        "donor" by unit (`group`) and, with predictors, "predictor" by importance.

    References
    ----------
    Abadie, Diamond, Hainmueller (2010), Journal of the American Statistical Association 105:493.

    Examples
    --------
    >>> from ncpi_eval.designs import synthetic_control as scm
    >>> result = scm.estimate(panel, "offences", "force", "quarter", treated="Norfolk", start=17)
    >>> result.table[["term", "group", "estimate"]]
    """
    data = case(
        frame,
        outcome,
        unit,
        time,
        treated=treated,
        start=start,
        donors=donors,
        predictors=predictors,
    )
    weights = fit(data)
    found = _gap(data, weights)
    names = data.outcomes.columns
    effect = float(found.gap[~data.before].mean())
    rows: list[dict[str, Any]] = [
        {"term": "mean effect", "group": names[0], "estimate": effect},
        {"term": "fit", "group": names[0], "estimate": found.rmse_before},
        {"term": "ratio", "group": names[0], "estimate": found.ratio},
    ]
    observed = data.outcomes.to_numpy()[:, 0]
    first = int(data.before.sum())
    for place, period in enumerate(data.outcomes.index):
        rows.append(
            {
                "term": "gap",
                "group": names[0],
                "period": period,
                "event_time": place - first,
                "estimate": float(found.gap[place]),
                "observed": float(observed[place]),
                "synthetic": float(observed[place] - found.gap[place]),
            }
        )
    for place in np.argsort(-weights.donors, kind="stable"):
        rows.append(
            {
                "term": "donor",
                "group": names[int(place) + 1],
                "estimate": float(weights.donors[place]),
            }
        )
    if weights.importance is not None:
        rows += [
            {"term": "predictor", "group": name, "estimate": float(value)}
            for (name, _), value in zip(predictors, weights.importance, strict=True)
        ]
    for row in rows:
        row |= {
            "n": len(names) - 1,
            "method": "synthetic control" + (" with predictors" if predictors else ""),
            "caveat": _caveat(data, found),
        }
    main = ", ".join(
        f"{row['group']} {number(row['estimate'])}"
        for row in rows
        if row["term"] == "donor" and row["estimate"] > 0.01
    )
    return Result(
        tidy(rows),
        f"{names[0]} differed from its synthetic control ({main}) by {number(effect)} on average "
        f"from {start}; the fit before was within {number(found.rmse_before)}; "
        f"{rows[0]['caveat']}.",
    )


def placebo_in_space(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    *,
    treated: Any,
    start: Any,
    donors: Sequence[Any] | None = None,
    predictors: Sequence[Predictor] = (),
    worst_fit: float | None = None,
) -> Result:
    """The same estimate for every donor as if it had been treated.

    Parameters
    ----------
    frame, outcome, unit, time, treated, start, donors, predictors
        As in `case`.
    worst_fit : float or None
        Leave out placebos whose squared error before is more than this many times the treated's.

    Returns
    -------
    Result
        Row "true", then "placebo" by donor: `estimate` is the mean gap after, `fit` the error
        before, `ratio` of errors after to before. `p_value` of the true row is the rank of its
        ratio among all, (1 + larger or equal placebos) / (1 + placebos).

    Examples
    --------
    >>> from ncpi_eval.designs import synthetic_control as scm
    >>> result = scm.placebo_in_space(
    ...     panel, "offences", "force", "quarter", treated="Norfolk", start=17
    ... )
    >>> result.table[["term", "group", "estimate"]]
    """
    data = case(
        frame,
        outcome,
        unit,
        time,
        treated=treated,
        start=start,
        donors=donors,
        predictors=predictors,
    )
    if worst_fit is not None and not worst_fit > 0:
        raise DesignError(
            "The placebos cannot be chosen like that.",
            [Problem("setting worst_fit", str(worst_fit), "above 0", "use None for all")],
        )
    names = data.outcomes.columns
    true = _gap(data, fit(data))
    rows = [_placebo_row("true", names[0], data, true)]
    for place in range(1, len(names)):
        others = [place, *(k for k in range(1, len(names)) if k != place)]
        moved = Case(
            data.outcomes.iloc[:, others],
            data.before,
            None if data.predictors is None else data.predictors[:, others],
        )
        found = _gap(moved, fit(moved))
        if worst_fit is None or found.rmse_before**2 <= worst_fit * true.rmse_before**2:
            rows.append(_placebo_row("placebo", names[place], data, found))
    placebos = rows[1:]
    rank = 1 + sum(row["ratio"] >= true.ratio for row in placebos)
    rows[0]["p_value"] = rank / (1 + len(placebos))
    for row in rows:
        row |= {"n": len(placebos), "method": "placebo in space"}
    return Result(
        tidy(rows),
        f"{names[0]}'s ratio of errors after to before ranks {rank} of {1 + len(placebos)} "
        f"(p = {number(rows[0]['p_value'], 2)}).",
    )


def _placebo_row(term: str, name: Any, data: Case, found: _Gap) -> dict[str, Any]:
    return {
        "term": term,
        "group": name,
        "estimate": float(found.gap[~data.before].mean()),
        "fit": found.rmse_before,
        "ratio": found.ratio,
    }


def placebo_in_time(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    *,
    treated: Any,
    start: Any,
    dates: Sequence[Any],
    donors: Sequence[Any] | None = None,
) -> Result:
    """The same estimate at false dates, on the periods before treatment only.

    Parameters
    ----------
    frame, outcome, unit, time, treated, start, donors
        As in `case`; donors are matched on outcomes.
    dates : sequence of periods
        Before `start`, each with enough periods before it.

    Returns
    -------
    Result
        Row "true", then "placebo" by date (`period`).

    Examples
    --------
    >>> from ncpi_eval.designs import synthetic_control as scm
    >>> result = scm.placebo_in_time(
    ...     panel, "offences", "force", "quarter", treated="Norfolk", start=17, dates=[10]
    ... )
    >>> result.table[["term", "period", "estimate"]]
    """
    arguments: dict[str, Any] = {"treated": treated, "donors": donors}
    if not len(dates):
        raise DesignError(
            "Placebo dates were asked for but none was given.",
            [Problem("setting dates", "none", "one or more", "name false dates")],
        )
    data = case(frame, outcome, unit, time, start=start, **arguments)
    rows = [{**_placebo_row("true", data.outcomes.columns[0], data, _gap(data, fit(data))),
             "period": start}]  # fmt: skip
    early = frame[frame[time] < start]
    for date in dates:
        moved = case(early, outcome, unit, time, start=date, **arguments)
        found = _gap(moved, fit(moved))
        rows.append({**_placebo_row("placebo", rows[0]["group"], moved, found), "period": date})
    for row in rows:
        row |= {"n": data.outcomes.shape[1] - 1, "method": "placebo in time"}
    largest = max(abs(row["estimate"]) for row in rows[1:])
    return Result(
        tidy(rows),
        f"Before anything happened the largest placebo gap is {number(largest)}, against "
        f"{number(rows[0]['estimate'])} from {start}.",
    )


def leave_one_out(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    *,
    treated: Any,
    start: Any,
    donors: Sequence[Any] | None = None,
    predictors: Sequence[Predictor] = (),
) -> Result:
    """The estimate without each donor that has weight, in turn.

    Parameters
    ----------
    frame, outcome, unit, time, treated, start, donors, predictors
        As in `case`; at least 3 donors.

    Returns
    -------
    Result
        Row "all donors", then "without" by donor (`group`), with the `fit` before.

    Examples
    --------
    >>> from ncpi_eval.designs import synthetic_control as scm
    >>> result = scm.leave_one_out(
    ...     panel, "offences", "force", "quarter", treated="Norfolk", start=17
    ... )
    >>> result.table[["term", "group", "estimate"]]
    """
    data = case(
        frame,
        outcome,
        unit,
        time,
        treated=treated,
        start=start,
        donors=donors,
        predictors=predictors,
    )
    names = data.outcomes.columns
    if len(names) - 1 <= MINIMUM_DONORS:
        raise DesignError(
            "Leaving a donor out would leave too few.",
            [Problem("donors", f"{len(names) - 1}", f"{MINIMUM_DONORS + 1} or more", "find more")],
        )
    weights = fit(data)
    rows = [_placebo_row("all donors", "all", data, _gap(data, weights))]
    for place in (np.flatnonzero(weights.donors > 1e-6) + 1).tolist():
        kept = [k for k in range(len(names)) if k != place]
        part = Case(
            data.outcomes.iloc[:, kept],
            data.before,
            None if data.predictors is None else data.predictors[:, kept],
        )
        rows.append(_placebo_row("without", names[place], part, _gap(part, fit(part))))
    for row in rows:
        row |= {"n": len(names) - 1, "method": "leave one donor out"}
    estimates = [row["estimate"] for row in rows]
    return Result(
        tidy(rows),
        f"Leaving out one donor at a time moves the mean effect between "
        f"{number(min(estimates))} and {number(max(estimates))}.",
    )


def synthetic_difference(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    *,
    treated: Any,
    start: Any,
    donors: Sequence[Any] | None = None,
    draws: int = 200,
    seed: int = 1,
) -> Result:
    """Synthetic difference-in-differences: weights for donors and for periods before.

    Parameters
    ----------
    frame, outcome, unit, time, treated, start, donors
        As in `case`; a list of treated units stays several units.
    draws, seed : int
        Placebo draws of the standard error.

    Returns
    -------
    Result
        One row.

    References
    ----------
    Arkhangelsky et al. (2021), American Economic Review 111:4088. Estimated by diff-diff.

    Examples
    --------
    >>> from ncpi_eval.designs import synthetic_control as scm
    >>> result = scm.synthetic_difference(
    ...     panel, "offences", "force", "quarter", treated="Norfolk", start=17
    ... )
    >>> result.table[["term", "group", "estimate"]]
    """
    import diff_diff

    data = case(frame, outcome, unit, time, treated=treated, start=start, donors=donors)
    group = list(treated) if isinstance(treated, (list, tuple)) else [treated]
    pool = list(data.outcomes.columns[1:])
    chosen = frame[frame[unit].isin([*group, *pool])].copy()
    chosen["_treated"] = chosen[unit].isin(group).astype(int)
    found = quietly(
        lambda: diff_diff.SyntheticDiD(n_bootstrap=draws, seed=seed).fit(
            chosen,
            outcome=outcome,
            treatment="_treated",
            unit=unit,
            time=time,
            post_periods=list(data.outcomes.index[~data.before]),
        )
    )
    row = {
        "term": "mean effect",
        "group": _group_name(group),
        **interval(float(found.att), float(found.se)),
        "n": len(pool),
        "method": "synthetic difference-in-differences, placebo errors",
        "caveat": "the placebo error assumes that donors vary as the treated does; "
        "with few donors its interval is too narrow",
    }
    return Result(
        tidy([row]),
        f"{row['group']} changed by {number(row['estimate'])} ({number(row['ci_low'])} to "
        f"{number(row['ci_high'])}) from {start}, by {row['method']}.",
    )
