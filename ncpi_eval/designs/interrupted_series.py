"""Interrupted time series: did a series leave its own path when something changed?

The counterfactual is the series' own past, continued. That is an assumption, not a comparison: a
rival event in the same month is credited to the interruption. Each function takes the frame, the
settings of a `Model` (columns first) and returns a `Result`; the settings are documented there.

    from ncpi_eval.designs import interrupted_series as its
    result = its.estimate(frame, "admissions", "month", 37, family="quasipoisson")
    result.table[["term", "ratio", "ratio_low", "ratio_high"]]
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg, optimize, stats

from ncpi_eval.designs import linear
from ncpi_eval.designs.estimates import critical, interval, number, span, tidy
from ncpi_eval.designs.series import LOG_LINK, Design, Model, design
from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.results import Result

SHORT_SERIES = 150
"""Under about 150 periods Newey-West intervals cover less than they say: of 95%, 88% at 45
independent periods and 81% at an autocorrelation of 0.6 (benchmarks/design_coverage.py). Restricted
maximum likelihood ("gls_ar") comes nearer."""
# Relative to the deviance, whose last digits never settle where counts are large.
# Relative to the deviance, because its last digits never settle where counts are large.
_SCORING: dict[str, Any] = {"maxiter": 200, "tol": 1e-12, "rtol": 1e-13}

_SHORT = {
    "newey_west": "Newey-West intervals are too narrow, compare gls_ar",
    "prais_winsten": "intervals are too narrow, compare gls_ar",
    "arima": "intervals are too narrow, compare gls_ar",
    "gls_ar": "intervals cover somewhat less than 95%",
}


@dataclass(frozen=True)
class _Fit:
    """Coefficients of a checked design and what inference needs."""

    design: Design
    beta: np.ndarray
    covariance: np.ndarray
    mean: np.ndarray
    residuals: np.ndarray
    df: float | None
    method: str
    extra: dict[str, float]


def estimate(
    frame: pd.DataFrame, outcome: str, time: str, interruptions: Any, **settings: Any
) -> Result:
    """Change of level and slope at each interruption.

    ``g(E y_t) = a + b t + season_t + sum_j (level_j [t >= T_j] + slope_j (t - T_j) [t >= T_j])``,
    plus the log of the exposure as offset. With a control series (`group`, `treated`) the terms
    named ``level`` and ``slope`` are the treated's change beyond the control's.

    Parameters
    ----------
    frame : DataFrame
        One row per period (and series), ascending.
    outcome, time, interruptions, **settings
        See `ncpi_eval.designs.series.Model`.

    Returns
    -------
    Result
        One row per interruption term, then the other terms. `estimate` is on the link scale (the
        outcome's units for gaussian, log rate, log odds); `ratio`, `ratio_low`, `ratio_high` are
        its exponential where the link is log or logit. `period` is the interruption.

    Raises
    ------
    DesignError
        Before fitting, with all reasons; or if a maximum likelihood fit did not converge.

    References
    ----------
    Lopez Bernal, Cummins, Gasparrini (2017), International Journal of Epidemiology 46:348;
    Wagner et al. (2002), Journal of Clinical Pharmacy and Therapeutics 27:299.

    Examples
    --------
    >>> from ncpi_eval.designs import interrupted_series as its
    >>> result = its.estimate(frame, "offences", "quarter", 17, season="month", cycle=4)
    >>> result.table[["term", "estimate", "ci_low", "ci_high"]]
    """
    fit = _fit(design(frame, Model(outcome, time, interruptions, **settings)))
    order = [*np.flatnonzero(fit.design.effects), *np.flatnonzero(~fit.design.effects)]
    table = tidy(_term_row(fit, int(column)) for column in order)
    return Result(table, _sentence(fit, table))


def _term_row(fit: _Fit, column: int) -> dict[str, Any]:
    name = fit.design.names[column]
    row = {
        "term": name,
        "period": _period_of(fit.design, name) if fit.design.effects[column] else None,
        **interval(fit.beta[column], float(np.sqrt(fit.covariance[column, column])), fit.df),
        "n": int(fit.design.used.sum()),
        "method": fit.method,
        "caveat": _caveat(fit.design),
    }
    return {**row, **_ratio(fit, row), **fit.extra}


def _ratio(fit: _Fit, row: dict[str, Any]) -> dict[str, float]:
    if fit.design.model.family == "gaussian":
        return {}
    return {
        "ratio": float(np.exp(row["estimate"])),
        "ratio_low": float(np.exp(row["ci_low"])),
        "ratio_high": float(np.exp(row["ci_high"])),
    }


def _period_of(built: Design, name: str) -> Any:
    for date in built.model.dates():
        if name.endswith(f" {date}"):
            return date
    return built.model.dates()[0]


def _caveat(built: Design) -> str:
    model = built.model
    found = ["a rival event at the same time would be credited to the interruption"]
    periods = int(built.used.sum() / (built.series.max() + 1))
    if periods < SHORT_SERIES and model.errors in _SHORT:
        found.append(f"{periods} periods: {_SHORT[model.errors]}")
    if model.errors == "iid" and model.family in ("gaussian", "poisson"):
        found.append("periods taken as independent")
    if model.group is not None:
        found.append("assumes that the control would have moved as the treated series")
    return "; ".join(found)


def _sentence(fit: _Fit, table: pd.DataFrame) -> str:
    row = table.iloc[0]
    model = fit.design.model
    if model.family == "gaussian":
        what = f"{number(row['estimate'])} ({span(row)})"
    else:
        kind = "rate ratio" if model.family in LOG_LINK else "odds ratio"
        what = (
            f"{kind} {number(row['ratio'])} "
            f"({number(row['ratio_low'])} to {number(row['ratio_high'])})"
        )
    beyond = " beyond its control's" if model.group is not None else ""
    return (
        f"At {row['period']} the {row['term']} of {model.outcome} changed{beyond} by {what}, "
        f"by {fit.method} over {row['n']} periods; {row['caveat']}."
    )


# ---------------------------------------------------------------------------------------------
# Fitting


def _fit(built: Design) -> _Fit:
    if built.model.family != "gaussian":
        return _fit_glm(built)
    return {
        "newey_west": _fit_least_squares,
        "iid": _fit_least_squares,
        "prais_winsten": _fit_prais_winsten,
        "gls_ar": _fit_gls,
        "arima": _fit_arima,
    }[built.model.errors](built)


def _lags(built: Design) -> int:
    if built.model.lags is not None:
        return built.model.lags
    return linear.bartlett_lags(int(built.used.sum() / (built.series.max() + 1)))


def _sandwich(built: Design, bread: np.ndarray, working: np.ndarray) -> np.ndarray:
    """Newey-West over calendar time; several series are summed within a period first.

    A left-out period has a score of 0, so that lags are counted in real time. Summing keeps the
    correlation of series within and across periods (Driscoll and Kraay 1998).
    """
    scores = built.x * np.where(built.used, working, 0.0)[:, None]
    by_period = np.zeros((built.clock.max() + 1, built.x.shape[1]))
    np.add.at(by_period, built.clock, scores)
    rows, terms = int(built.used.sum()), built.x.shape[1]
    factor = rows / (rows - terms) if built.model.small_sample else 1.0
    return factor * bread @ linear.long_run(by_period, _lags(built)) @ bread


def _fit_least_squares(built: Design) -> _Fit:
    fit = linear.least_squares(built.x[built.used], built.y[built.used])
    rows, terms = int(built.used.sum()), built.x.shape[1]
    mean = built.x @ fit.coefficients
    if built.model.errors == "iid":
        sigma2 = float(fit.residuals @ fit.residuals) / (rows - terms)
        covariance, method = sigma2 * fit.bread, "least squares"
    else:
        covariance = _sandwich(built, fit.bread, built.y - mean)
        method = f"least squares with Newey-West errors ({_lags(built)} lags)"
    df = rows - terms if built.model.small_sample else None
    return _Fit(built, fit.coefficients, covariance, mean, built.y - mean, df, method, {})


def _fit_prais_winsten(built: Design) -> _Fit:
    """Iterated to convergence; a washout becomes one indicator per left-out period."""
    x, y = _with_gaps(built), built.y
    rho, residuals = 0.0, y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    for _ in range(500):
        new = float(residuals[1:] @ residuals[:-1] / (residuals[:-1] @ residuals[:-1]))
        if abs(new) >= 1:
            raise _not_converged("Prais-Winsten", "the autocorrelation reached 1")
        settled = abs(new - rho) < 1e-10
        rho = new
        fit = linear.least_squares(*_split(_whiten_ar(np.column_stack([x, y]), np.array([rho]))[0]))
        residuals = y - x @ fit.coefficients
        if settled:
            break
    else:
        raise _not_converged("Prais-Winsten", "no settled autocorrelation in 500 rounds")
    df = x.shape[0] - x.shape[1]
    terms = built.x.shape[1]
    covariance = float(fit.residuals @ fit.residuals) / df * fit.bread
    beta = fit.coefficients[:terms]
    mean = built.x @ beta
    return _Fit(
        built,
        beta,
        covariance[:terms, :terms],
        mean,
        built.y - mean,
        df if built.model.small_sample else None,
        "Prais-Winsten",
        {"rho": rho},
    )


def _with_gaps(built: Design) -> np.ndarray:
    return np.column_stack([built.x, np.eye(len(built.y))[:, ~built.used]])


def _split(joined: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return joined[:, :-1], joined[:, -1]


def _not_converged(method: str, found: str) -> DesignError:
    return DesignError(
        f"The {method} fit did not converge, so that there is no estimate to show.",
        [Problem("model", found, "a converged fit", "use newey_west, or a simpler model")],
    )


def _fit_gls(built: Design) -> _Fit:
    """Restricted maximum likelihood with AR(p) errors.

    The partial autocorrelations are searched within (-1, 1), so that every candidate is
    stationary. Equal to R's ``nlme::gls(correlation = corARMA(p = p), method = "REML")``.
    """
    p = max(built.model.order[0], 1)
    # An indicator for each left-out period: restricted likelihood then ignores it exactly.
    x, y = _with_gaps(built), built.y

    phi = _first_order(x, y) if p == 1 else _higher_order(x, y, p)
    terms = built.x.shape[1]
    beta, covariance, _ = _gls_solve(x, y, phi)
    mean = built.x @ beta[:terms]
    return _Fit(
        built,
        beta[:terms],
        covariance[:terms, :terms],
        mean,
        built.y - mean,
        len(y) - x.shape[1] if built.model.small_sample else None,
        f"GLS with AR({p}) errors by restricted maximum likelihood",
        {f"ar_{lag + 1}": float(value) for lag, value in enumerate(phi)},
    )


def _first_order(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The kernel that `power` simulates with."""
    rho = float(linear.autoregressive(x, y).rho)
    if abs(np.arctanh(rho)) > linear.EDGE - 1e-3:
        raise _not_converged("GLS", f"an autocorrelation of {rho:.3f}")
    return np.array([rho])


def _higher_order(x: np.ndarray, y: np.ndarray, p: int) -> np.ndarray:
    def criterion(partial: np.ndarray) -> float:
        return _gls_solve(x, y, _from_partial(np.tanh(partial)))[2]

    # A long first step can end at the edge, hence two starts.
    found = min(
        (
            optimize.minimize(
                criterion,
                start,
                method="L-BFGS-B",
                bounds=[(-linear.EDGE, linear.EDGE)] * p,
                options={"ftol": 1e-14, "gtol": 1e-7},
            )
            for start in (np.full(p, 0.2), np.append(1.0, np.zeros(p - 1)))
        ),
        key=lambda answer: answer.fun,
    )
    partial = np.tanh(found.x)
    if not _flat(criterion, found.x) or np.max(np.abs(partial)) > 0.998:
        raise _not_converged("GLS", f"partial autocorrelations {np.round(partial, 3).tolist()}")
    return _from_partial(partial)


def _flat(criterion: Callable[[np.ndarray], float], at: np.ndarray) -> bool:
    """No step of 0.001 in any direction lowers the criterion by more than its own curve can."""
    here = criterion(at)
    steps = 1e-3 * np.vstack([np.eye(len(at)), -np.eye(len(at))])
    return all(criterion(at + step) > here - 1e-6 for step in steps)


def _gls_solve(
    x: np.ndarray, y: np.ndarray, phi: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients, covariance, and minus twice the profiled restricted log-likelihood."""
    white, log_determinant = _whiten_ar(np.column_stack([x, y]), phi)
    fit = linear.least_squares(white[:, :-1], white[:, -1])
    df = len(y) - x.shape[1]
    sigma2 = float(fit.residuals @ fit.residuals) / df
    log_information = -np.linalg.slogdet(fit.bread)[1]
    criterion = df * np.log(sigma2) + log_determinant + log_information
    return fit.coefficients, sigma2 * fit.bread, criterion


def _whiten_ar(values: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, float]:
    """Rows with AR(p) errors as rows with independent errors of the innovations' variance.

    The first p rows through the stationary covariance, the others by their own past. Also the log
    determinant of the errors' covariance over the innovations' variance.
    """
    p = len(phi)
    correlations = _ar_correlations(phi, p + 1)
    scale = 1 / (1 - phi @ correlations[1:])
    root = np.linalg.cholesky(scale * linalg.toeplitz(correlations[:p]))
    white = values.copy()
    white[:p] = linalg.solve_triangular(root, values[:p], lower=True)
    for lag in range(1, p + 1):
        white[p:] -= phi[lag - 1] * values[p - lag : len(values) - lag]
    return white, float(2 * np.sum(np.log(np.diag(root))))


def _from_partial(partial: np.ndarray) -> np.ndarray:
    """AR coefficients from partial autocorrelations (Durbin-Levinson)."""
    phi = np.zeros(0)
    for value in partial:
        phi = np.append(phi - value * phi[::-1], value)
    return phi


def _ar_correlations(phi: np.ndarray, length: int) -> np.ndarray:
    """Autocorrelations 0 to length - 1 of a stationary AR process (Yule-Walker)."""
    p = len(phi)
    system = np.eye(p)
    for row in range(p):
        for lag in range(p):
            distance = abs(row - lag)
            if distance:
                system[row, distance - 1] -= phi[lag]
    known = np.concatenate([[1.0], np.linalg.solve(system, phi)]) if p else np.ones(1)
    acf = np.empty(max(length, p + 1))
    acf[: p + 1] = known
    for lag in range(p + 1, len(acf)):
        acf[lag] = phi @ acf[lag - 1 : lag - p - 1 : -1]
    return acf[:length]


def _fit_arima(built: Design) -> _Fit:
    """Maximum likelihood of a regression with ARIMA errors; a washout is missing data."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    p, d, q = built.model.order
    y = np.where(built.used, built.y, np.nan)
    x = built.x
    if d:  # differencing removes the constant, and the trend when d is 2
        x = x[:, d:]
    # Scaled, because the optimiser's steps are not; put back below.
    scale = float(np.nanstd(y)) or 1.0
    widths = np.maximum(np.abs(x).max(axis=0), 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SARIMAX(y / scale, exog=x / widths, order=(p, d, q), trend="n")
        found = model.fit(disp=False, maxiter=1000, cov_type="oim")
    if not found.mle_retvals["converged"]:
        raise _not_converged("ARIMA", "the likelihood was still rising")
    terms = x.shape[1]
    back = scale / widths
    beta = np.zeros(built.x.shape[1])
    covariance = np.full((built.x.shape[1],) * 2, np.nan)
    beta[d:] = np.asarray(found.params)[:terms] * back
    covariance[d:, d:] = np.asarray(found.cov_params())[:terms, :terms] * np.outer(back, back)
    mean = built.x @ beta
    names = found.model.param_names[terms:-1]
    extra = dict(zip(names, map(float, found.params[terms:-1]), strict=True))
    return _Fit(
        built,
        beta,
        covariance,
        mean,
        np.asarray(found.resid) * scale,
        None,
        f"regression with ARIMA({p},{d},{q}) errors",
        {name.replace(".L", "_"): value for name, value in extra.items()},
    )


def _fit_glm(built: Design) -> _Fit:
    import statsmodels.api as sm

    family_name = built.model.family
    used = built.used
    x, offset = built.x[used], built.offset[used]
    linear.least_squares(x, built.y[used])  # refuses collinear regressors
    extra: dict[str, float] = {}
    y: np.ndarray = built.y[used]
    weights = np.ones(len(y))
    if family_name == "binomial":
        family, weights = sm.families.Binomial(), built.trials[used]
        y = y / weights
    elif family_name == "negative_binomial":
        alpha = _dispersion(x, y, offset)
        extra["alpha"] = alpha
        family = sm.families.NegativeBinomial(alpha=alpha)
    else:
        family = sm.families.Poisson()
    found = sm.GLM(y, x, family=family, offset=offset, freq_weights=weights).fit(**_SCORING)
    if not found.converged:
        raise _not_converged(family_name, "the scoring steps were still moving")
    rows, terms = x.shape
    pearson = float(np.sum(np.asarray(found.resid_pearson) ** 2) / (rows - terms))
    extra["dispersion"] = pearson
    eta = built.x @ found.params + built.offset
    mean = family.link.inverse(eta) * (built.trials if family_name == "binomial" else 1.0)
    bread = np.asarray(found.normalized_cov_params)
    if built.model.errors == "newey_west":
        slope = family.link.inverse_deriv(eta)
        variance = family.variance(family.link.inverse(eta))
        working = (built.y - mean) * slope / variance
        covariance = _sandwich(built, bread, working)
        method = f"{_family_word(family_name)} with Newey-West errors ({_lags(built)} lags)"
    else:
        covariance = bread * (pearson if family_name == "quasipoisson" else 1.0)
        method = _family_word(family_name)
    beta = np.asarray(found.params)
    return _Fit(built, beta, covariance, mean, built.y - mean, None, method, extra)


def _family_word(family: str) -> str:
    return {
        "poisson": "Poisson regression",
        "quasipoisson": "quasi-Poisson regression",
        "negative_binomial": "negative binomial regression",
        "binomial": "binomial regression",
    }[family]


def _dispersion(x: np.ndarray, y: np.ndarray, offset: np.ndarray) -> float:
    """Maximum likelihood of the dispersion alpha in var = mean + alpha mean^2."""
    import statsmodels.api as sm

    def negative_log_likelihood(log_alpha: float) -> float:
        family = sm.families.NegativeBinomial(alpha=float(np.exp(log_alpha)))
        found = sm.GLM(y, x, family=family, offset=offset).fit(**_SCORING)
        size = np.exp(-log_alpha)
        mean = np.asarray(found.mu)
        return -float(np.sum(stats.nbinom.logpmf(y, size, size / (size + mean))))

    found = optimize.minimize_scalar(
        negative_log_likelihood, bounds=(-15.0, 5.0), method="bounded", options={"xatol": 1e-9}
    )
    if not found.success:
        raise _not_converged("negative binomial", "no settled dispersion")
    return float(np.exp(found.x))


# ---------------------------------------------------------------------------------------------
# What the fit says: counterfactual, effects, diagnostics


def counterfactual(
    frame: pd.DataFrame, outcome: str, time: str, interruptions: Any, **settings: Any
) -> Result:
    """Observed, fitted and counterfactual value of the (treated) series in every period.

    The counterfactual is the fitted mean with every interruption term at 0; its interval is that
    of the mean, by the delta method on the link scale, and not of single observations.

    Parameters
    ----------
    frame, outcome, time, interruptions, **settings
        As in `estimate`.

    Returns
    -------
    Result
        Columns term ("counterfactual"), period, event_time (periods since the first
        interruption), observed, fitted, estimate (counterfactual), ci_low, ci_high, used.

    Examples
    --------
    >>> from ncpi_eval.designs import interrupted_series as its
    >>> result = its.counterfactual(frame, "offences", "quarter", 17, season="month", cycle=4)
    >>> result.table[["period", "observed", "estimate"]]
    """
    built = design(frame, Model(outcome, time, interruptions, **settings))
    if built.model.errors == "arima" and built.model.order[1]:
        raise DesignError(
            "A differenced model has no level, and so no counterfactual line.",
            [
                Problem(
                    "setting order",
                    str(built.model.order),
                    "no differences",
                    "use `effects`, or an order without differences",
                )
            ],
        )
    fit = _fit(built)
    mine = built.series == 0
    x = np.where(built.effects, 0.0, built.x)[mine]
    eta = x @ fit.beta + built.offset[mine]
    known = np.nan_to_num(fit.covariance)
    reach = critical(0.95, fit.df) * np.sqrt(np.einsum("ij,jk,ik->i", x, known, x))
    to_mean = lambda value: _inverse(built, value, mine)  # noqa: E731
    table = pd.DataFrame(
        {
            "term": "counterfactual",
            "period": built.labels,
            "event_time": built.clock[mine] - built.starts[0],
            "estimate": to_mean(eta),
            "ci_low": to_mean(eta - reach),
            "ci_high": to_mean(eta + reach),
            "observed": built.y[mine],
            "fitted": fit.mean[mine],
            "used": built.used[mine],
            "method": fit.method,
            "caveat": "the series' own past continued" + _control_words(built),
        }
    )
    last = table.iloc[-1]
    return Result(
        table,
        f"In {last['period']} {outcome} was {number(last['observed'])}, where its past alone "
        f"would have led to {number(last['estimate'])} ({span(last)}).",
    )


def _control_words(built: Design) -> str:
    return ", moved by its control's change" if built.model.group is not None else ""


def _inverse(built: Design, eta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    family = built.model.family
    if family == "gaussian":
        return eta
    if family == "binomial":
        return built.trials[rows] / (1 + np.exp(-eta))
    return np.exp(eta)


def effects(
    frame: pd.DataFrame,
    outcome: str,
    time: str,
    interruptions: Any,
    *,
    horizons: Sequence[int] = (0,),
    **settings: Any,
) -> Result:
    """Fitted less counterfactual at chosen horizons, and summed up to each.

    Parameters
    ----------
    frame, outcome, time, interruptions, **settings
        As in `estimate`. With several interruptions the effect is that of all so far.
    horizons : sequence of int
        Periods since the last interruption: 0 is the first period after. Must lie in the series
        and outside a washout.

    Returns
    -------
    Result
        Rows term "effect" and "cumulative effect" by event_time; `estimate` is in units of the
        outcome (delta method); for log and logit links also `ratio` with its interval.

    Raises
    ------
    DesignError
        As `estimate`, or for a horizon without a fitted period.

    Examples
    --------
    >>> from ncpi_eval.designs import interrupted_series as its
    >>> result = its.effects(frame, "offences", "quarter", 17, horizons=[0, 4])
    >>> result.table[["term", "event_time", "estimate", "ci_low", "ci_high"]]
    """
    built = design(frame, Model(outcome, time, interruptions, **settings))
    start, periods = built.starts[-1], int(built.clock.max()) + 1
    bad = [h for h in horizons if not 0 <= h < periods - start or not built.used[start + h]]
    if bad or not horizons:
        raise DesignError(
            "An effect was asked for where the series has no fitted period.",
            [
                Problem(
                    "setting horizons",
                    ", ".join(map(str, bad)) or "none",
                    f"{built.model.washout} to {periods - start - 1}",
                    "choose horizons within the series and behind the washout",
                )
            ],
        )
    fit = _fit(built)
    rows = []
    for horizon in horizons:
        at = [start + horizon]
        through = [t for t in range(start, start + horizon + 1) if built.used[t]]
        for term, places in (("effect", at), ("cumulative effect", through)):
            rows.append(_effect_row(fit, term, horizon, places))
    table = tidy(rows)
    return Result(table, _effect_sentence(fit, table))


def _effect_row(fit: _Fit, term: str, horizon: int, places: list[int]) -> dict[str, Any]:
    built = fit.design
    rows = np.array(places)
    with_, without = built.x[rows], np.where(built.effects, 0.0, built.x)[rows]
    offset = built.offset[rows]
    mean_1 = _inverse(built, with_ @ fit.beta + offset, rows)
    mean_0 = _inverse(built, without @ fit.beta + offset, rows)
    slope_1, slope_0 = _mean_slope(built, mean_1, rows), _mean_slope(built, mean_0, rows)
    gradient = slope_1 @ with_ - slope_0 @ without
    known = np.nan_to_num(fit.covariance)
    row: dict[str, Any] = {
        "term": term,
        "period": built.labels[places[-1]],
        "event_time": horizon,
        **interval(
            float(np.sum(mean_1 - mean_0)), float(np.sqrt(gradient @ known @ gradient)), fit.df
        ),
        "n": int(built.used.sum()),
        "method": fit.method,
        "caveat": _caveat(built),
    }
    if built.model.family != "gaussian" and term == "effect":
        change = (with_ - without)[0]
        log_row = interval(
            float(change @ fit.beta), float(np.sqrt(change @ known @ change)), fit.df
        )
        row |= _ratio(fit, log_row)
    return row


def _mean_slope(built: Design, mean: np.ndarray, rows: np.ndarray) -> np.ndarray:
    family = built.model.family
    if family == "gaussian":
        return np.ones_like(mean)
    if family == "binomial":
        return mean * (1 - mean / built.trials[rows])
    return mean


def _effect_sentence(fit: _Fit, table: pd.DataFrame) -> str:
    row = table[table["term"] == "effect"].iloc[-1]
    return (
        f"{row['event_time']} periods after the interruption {fit.design.model.outcome} differed "
        f"from its continued past by {number(row['estimate'])} ({span(row)}), "
        f"by {fit.method}; {row['caveat']}."
    )


def diagnostics(
    frame: pd.DataFrame, outcome: str, time: str, interruptions: Any, **settings: Any
) -> Result:
    """What the residuals say of the model: autocorrelation, dispersion, normality.

    Returns
    -------
    Result
        Rows term: "Durbin-Watson"; "Ljung-Box" at one cycle (or 10 lags if shorter is
        impossible), with its p-value; "autocorrelation 1" to "autocorrelation 4"; "dispersion"
        (Pearson chi-square over its degrees of freedom) for counts; "Jarque-Bera" for gaussian.

    Examples
    --------
    >>> from ncpi_eval.designs import interrupted_series as its
    >>> result = its.diagnostics(frame, "offences", "quarter", 17)
    >>> result.table[["term", "estimate", "p_value"]]
    """
    fit = _fit(design(frame, Model(outcome, time, interruptions, **settings)))
    built = fit.design
    rows = built.used & (built.series == 0)
    residuals = _pearson(fit)[rows]
    lags = min(max(built.model.cycle, 4), len(residuals) // 3)
    box, p = _ljung_box(residuals, lags)
    found: list[dict[str, Any]] = [
        {"term": "Durbin-Watson", "estimate": _durbin_watson(residuals)},
        {"term": "Ljung-Box", "estimate": box, "p_value": p, "lags": lags},
    ]
    acf = _autocorrelation(residuals, 4)
    found += [{"term": f"autocorrelation {k + 1}", "estimate": acf[k]} for k in range(len(acf))]
    if "dispersion" in fit.extra:
        found.append({"term": "dispersion", "estimate": fit.extra["dispersion"]})
    else:
        jb = stats.jarque_bera(residuals)
        found.append(
            {"term": "Jarque-Bera", "estimate": float(jb.statistic), "p_value": float(jb.pvalue)}
        )
    for row in found:
        row |= {"n": len(residuals), "method": fit.method}
    verdict = "are autocorrelated" if p < 0.05 else "show no clear autocorrelation"
    return Result(
        tidy(found),
        f"The residuals of {outcome} {verdict} up to lag {lags} (Ljung-Box p = {number(p, 2)}; "
        f"Durbin-Watson {number(found[0]['estimate'])}).",
    )


def _pearson(fit: _Fit) -> np.ndarray:
    built, family = fit.design, fit.design.model.family
    if family == "gaussian":
        return fit.residuals
    variance = fit.mean
    if family == "binomial":
        variance = fit.mean * (1 - fit.mean / built.trials)
    if family == "negative_binomial":
        variance = fit.mean + fit.extra["alpha"] * fit.mean**2
    return fit.residuals / np.sqrt(variance)


def _autocorrelation(residuals: np.ndarray, lags: int) -> list[float]:
    centred = residuals - residuals.mean()
    total = float(centred @ centred)
    return [float(centred[lag:] @ centred[:-lag]) / total for lag in range(1, lags + 1)]


def _durbin_watson(residuals: np.ndarray) -> float:
    return float(np.sum(np.diff(residuals) ** 2) / np.sum(residuals**2))


def _ljung_box(residuals: np.ndarray, lags: int, fitted: int = 0) -> tuple[float, float]:
    """Statistic and p-value; `fitted` ARMA coefficients are taken off the degrees of freedom."""
    n = len(residuals)
    acf = np.array(_autocorrelation(residuals, lags))
    statistic = float(n * (n + 2) * np.sum(acf**2 / (n - np.arange(1, lags + 1))))
    return statistic, float(stats.chi2.sf(statistic, max(lags - fitted, 1)))


def choose_errors(
    frame: pd.DataFrame,
    outcome: str,
    time: str,
    interruptions: Any,
    *,
    highest_order: int = 3,
    **settings: Any,
) -> Result:
    """Which error process the residuals ask for, with every candidate and its diagnostics shown.

    Least squares, then AR(1) up to AR(`highest_order`) by restricted maximum likelihood. Chosen is
    the first candidate whose innovations pass Ljung-Box at 5%; if none does, least squares with
    Newey-West errors, which does not need the order. The choice looks at residuals, not at effects.

    Returns
    -------
    Result
        One row per candidate: term (its name), the first interruption's estimate with interval,
        ljung_box_p, chosen (exactly one True).

    Raises
    ------
    DesignError
        As `estimate`, or for a family other than gaussian.

    Examples
    --------
    >>> from ncpi_eval.designs import interrupted_series as its
    >>> result = its.choose_errors(frame, "offences", "quarter", 17, cycle=4)
    >>> result.table[["term", "ljung_box_p", "chosen"]]
    """
    given = Model(outcome, time, interruptions, **settings)
    if given.family != "gaussian":
        raise DesignError(
            "Error processes can be chosen for gaussian models only.",
            [Problem("setting family", given.family, "gaussian", "use newey_west with counts")],
        )
    rows: list[dict[str, Any]] = []
    candidates = [replace(given, errors="iid")] + [
        replace(given, errors="gls_ar", order=(p, 0, 0)) for p in range(1, highest_order + 1)
    ]
    for model in candidates:
        built = design(frame, model)
        order = model.order[0] if model.errors == "gls_ar" else 0
        try:
            fit = _fit(built)
        except DesignError as refused:
            if not order:
                raise
            method = f"AR({order}) did not converge: {refused.problems[0].found}"
            rows.append({"term": f"AR({order}) errors", "method": method, "chosen": False})
            continue
        innovations = _innovations(fit, order)
        lags = min(max(model.cycle, 4), len(innovations) // 3)
        _, p_value = _ljung_box(innovations, lags, order)
        row = _term_row(fit, int(np.flatnonzero(built.effects)[0]))
        rows.append(
            {
                **{key: row[key] for key in ("estimate", "std_error", "ci_low", "ci_high")},
                "term": f"AR({order}) errors" if order else "independent errors",
                "p_value": row["p_value"],
                "n": row["n"],
                "method": fit.method,
                "ljung_box_p": p_value,
                "chosen": False,
            }
        )
    passing = [row for row in rows if row.get("ljung_box_p", 0.0) >= 0.05]
    if passing:
        passing[0]["chosen"] = True
    else:
        fit = _fit(design(frame, replace(given, errors="newey_west")))
        row = _term_row(fit, int(np.flatnonzero(fit.design.effects)[0]))
        rows.append({**row, "term": "unspecified errors", "ljung_box_p": np.nan, "chosen": True})
    chosen = next(row for row in rows if row["chosen"])
    return Result(
        tidy(rows).drop(columns=["period", "caveat"], errors="ignore"),
        f"The residuals ask for {chosen['term']}: {chosen['method']} was chosen.",
    )


def _innovations(fit: _Fit, order: int) -> np.ndarray:
    rows = fit.design.used & (fit.design.series == 0)
    residuals = fit.residuals[rows]
    if not order:
        return residuals
    phi = np.array([fit.extra[f"ar_{lag + 1}"] for lag in range(order)])
    predicted = sum(
        phi[lag] * residuals[order - lag - 1 : len(residuals) - lag - 1] for lag in range(order)
    )
    return residuals[order:] - predicted


# ---------------------------------------------------------------------------------------------
# Is it the interruption? Placebos, windows, many series


def placebo_dates(
    frame: pd.DataFrame,
    outcome: str,
    time: str,
    interruptions: Any,
    *,
    dates: Iterable[Any],
    **settings: Any,
) -> Result:
    """The same model at dates when nothing happened, on the periods before the interruption.

    Parameters
    ----------
    frame, outcome, time, interruptions, **settings
        As in `estimate`; one interruption.
    dates : iterable of periods
        False interruptions, all before the true one.

    Returns
    -------
    Result
        Row "true" (whole series) and one row "placebo" per date; `period` is the date. The
        sentence says how many of the placebo intervals exclude no change: more than 1 in 20
        means that intervals are too narrow or that the trend is wrong.

    Raises
    ------
    DesignError
        As `estimate` for each date, and if a date is not before the interruption.

    Examples
    --------
    >>> from ncpi_eval.designs import interrupted_series as its
    >>> result = its.placebo_dates(frame, "offences", "quarter", 22, dates=[10, 12])
    >>> result.table[["group", "period", "estimate", "p_value"]]
    """
    model = Model(outcome, time, interruptions, **settings)
    true = design(frame, model)
    if len(true.starts) != 1:
        raise DesignError(
            "Placebo dates need one interruption.",
            [Problem("setting interruptions", "several", "one", "test one at a time")],
        )
    before = _first_periods(frame, true)
    # All are checked before one is fitted.
    false_designs = [design(before, replace(model, interruptions=date)) for date in dates]
    if not false_designs:
        raise DesignError(
            "Placebo dates were asked for but none was given.",
            [Problem("setting dates", "none", "one or more", "name false dates")],
        )
    rows = [{**_first_effect(_fit(true)), "group": "true"}]
    rows += [{**_first_effect(_fit(built)), "group": "placebo"} for built in false_designs]
    false = [row for row in rows if row["group"] == "placebo"]
    hits = sum(row["p_value"] < 0.05 for row in false)
    larger = sum(abs(row["estimate"]) >= abs(rows[0]["estimate"]) for row in false)
    return Result(
        tidy(rows),
        f"Of {len(false)} dates when nothing happened {hits} show a change at the 5% level and "
        f"{larger} one at least as large as at {rows[0]['period']}.",
    )


def _first_periods(frame: pd.DataFrame, built: Design) -> pd.DataFrame:
    """Rows of all series before the first interruption."""
    early = set(built.labels[: built.starts[0]])
    return frame[frame[built.model.time].isin(early)].reset_index(drop=True)


def _first_effect(fit: _Fit) -> dict[str, Any]:
    return _term_row(fit, int(np.flatnonzero(fit.design.effects)[0]))


def placebo_outcome(
    frame: pd.DataFrame,
    outcome: str,
    time: str,
    interruptions: Any,
    *,
    placebos: Sequence[str],
    **settings: Any,
) -> Result:
    """The same model on outcomes that the interruption cannot have changed.

    Parameters
    ----------
    placebos : sequence of str
        Columns of outcomes, in the same frame.

    Returns
    -------
    Result
        One row per outcome; `group` is "true" or "placebo", `outcome` its column.

    Examples
    --------
    >>> from ncpi_eval.designs import interrupted_series as its
    >>> result = its.placebo_outcome(frame, "offences", "quarter", 17, placebos=["burglary"])
    >>> result.table[["outcome", "estimate", "p_value"]]
    """
    model = Model(outcome, time, interruptions, **settings)
    fits = [
        (name, _fit(design(frame, replace(model, outcome=name)))) for name in (outcome, *placebos)
    ]
    rows = [
        {
            **_first_effect(fit),
            "group": "true" if name == outcome else "placebo",
            "outcome": name,
        }
        for name, fit in fits
    ]
    hits = [row["outcome"] for row in rows[1:] if row["p_value"] < 0.05]
    found = f"changed too: {', '.join(hits)}" if hits else "show no change at the 5% level"
    return Result(tidy(rows), f"Outcomes that should not change {found}.")


def sensitivity(
    frame: pd.DataFrame,
    outcome: str,
    time: str,
    interruptions: Any,
    *,
    windows: Sequence[tuple[int, int]] = (),
    lags: Sequence[int] = (),
    variants: Sequence[dict[str, Any]] = (),
    **settings: Any,
) -> Result:
    """The first effect under other windows, lags and settings.

    Parameters
    ----------
    windows : sequence of (before, after)
        Periods kept before and from the first interruption.
    lags : sequence of int
        Newey-West lags.
    variants : sequence of dict
        Any settings of `Model` to change, such as ``{"season": "month"}``.

    Returns
    -------
    Result
        Row "as planned", then one per variation; `group` says what was varied. A variation whose
        model does not converge has no numbers, and says so in `method`.

    Examples
    --------
    >>> from ncpi_eval.designs import interrupted_series as its
    >>> result = its.sensitivity(frame, "offences", "quarter", 17, lags=[1, 4])
    >>> result.table[["group", "estimate", "ci_low", "ci_high"]]
    """
    model = Model(outcome, time, interruptions, **settings)
    planned = _fit(design(frame, model))
    rows = [{**_first_effect(planned), "group": "as planned"}]
    start = planned.design.starts[0]
    for before, after in windows:
        kept = set(planned.design.labels[max(start - before, 0) : start + after])
        part = frame[frame[time].isin(kept)].reset_index(drop=True)
        rows.append({**_varied(design(part, model)), "group": f"window {before}, {after}"})
    changes = [({"lags": lag, "errors": "newey_west"}, f"{lag} lags") for lag in lags] + [
        (variant, ", ".join(f"{k} {v}" for k, v in variant.items())) for variant in variants
    ]
    for change, words in changes:
        rows.append({**_varied(design(frame, replace(model, **change))), "group": words})
    estimates = [row["estimate"] for row in rows if "estimate" in row]
    return Result(
        tidy(rows),
        f"Over {len(rows) - 1} variations the {rows[0]['term']} lies between "
        f"{number(min(estimates))} and {number(max(estimates))} "
        f"(as planned {number(estimates[0])}).",
    )


def _varied(built: Design) -> dict[str, Any]:
    """First effect of a variation; without numbers where its model does not converge."""
    try:
        return _first_effect(_fit(built))
    except DesignError as refused:
        term = built.names[int(np.flatnonzero(built.effects)[0])]
        return {"term": term, "method": f"did not converge: {refused.problems[0].found}"}


def pooled(
    frame: pd.DataFrame,
    outcome: str,
    time: str,
    interruptions: Any,
    *,
    unit: str,
    **settings: Any,
) -> Result:
    """One series per unit, then the units' effects together: random effects meta-analysis.

    Each unit has its own level, trend, season and errors; only the effect is pooled. DerSimonian
    and Laird's between-unit variance, Hartung and Knapp's standard error with units - 1 degrees of
    freedom.

    Parameters
    ----------
    frame, outcome, time, **settings
        As in `estimate`.
    interruptions : period, or name of a column
        A column holds each unit's own interruption (constant within the unit; missing: the unit
        has none and is left out).
    unit : str
        Column of units, at least 3 with an interruption.

    Returns
    -------
    Result
        Row "pooled" per effect term, with `tau` (between-unit standard deviation), `q_p`
        (heterogeneity) and the number of units as `n`; then every unit's rows, `group` its name.

    Raises
    ------
    DesignError
        As `estimate` for any unit (all named), or for fewer than 3 units.

    References
    ----------
    DerSimonian and Laird (1986), Controlled Clinical Trials 7:177; Hartung and Knapp (2001),
    Statistics in Medicine 20:3875.

    Examples
    --------
    >>> from ncpi_eval.designs import interrupted_series as its
    >>> result = its.pooled(panel, "offences", "quarter", 12, unit="force", effect="level")
    >>> result.table[["group", "estimate", "ci_low", "ci_high"]]
    """
    fits = _unit_fits(frame, outcome, time, interruptions, unit, settings)
    names = [fits[0][1].design.names[c] for c in np.flatnonzero(fits[0][1].design.effects)]
    rows: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        own = [
            (group, _term_row(fit, int(np.flatnonzero(fit.design.effects)[place])))
            for group, fit in fits
        ]
        pooled_row = random_effects(
            [row["estimate"] for _, row in own], [row["std_error"] for _, row in own]
        )
        caveat = (
            "units are taken as independent: a shock common to all is not averaged away; "
            "add controls or use a staggered design"
        )
        rows.append(
            {"term": name, "group": "pooled", **pooled_row, "n": len(own), "caveat": caveat}
        )
        rows += [{**row, "term": name, "group": group} for group, row in own]
    method = f"{fits[0][1].method} by {unit}, pooled with random effects (Hartung-Knapp)"
    for row in rows:
        if row["group"] == "pooled":
            row["method"] = method
    first = rows[0]
    return Result(
        tidy(rows),
        f"Over {first['n']} units the {first['term']} of {outcome} changed by "
        f"{number(first['estimate'])} ({span(first)}), with a standard deviation between units "
        f"of {number(first['tau'])}; {first['caveat']}.",
    )


def _unit_fits(
    frame: pd.DataFrame,
    outcome: str,
    time: str,
    interruptions: Any,
    unit: str,
    settings: dict[str, Any],
) -> list[tuple[Hashable, _Fit]]:
    if unit not in frame:
        raise DesignError(
            "The pooled series lack their units.",
            [Problem(f"column {unit}", "no such column", "a column of units", "name it")],
        )
    by_column = isinstance(interruptions, str) and interruptions in frame
    designs, problems = [], []
    for name, part in frame.groupby(unit, sort=True, observed=True):
        date = part[interruptions].iloc[0] if by_column else interruptions
        if by_column and part[interruptions].nunique(dropna=False) > 1:
            problems.append(
                Problem(f"{unit} {name}", "several interruptions", "one per unit", "correct it")
            )
            continue
        if by_column and pd.isna(date):
            continue
        try:
            designs.append((name, design(part, Model(outcome, time, date, **settings))))
        except DesignError as error:
            problems += [
                Problem(f"{unit} {name}, {p.place}", p.found, p.expected, p.remedy)
                for p in error.problems
            ]
    if not problems and len(designs) < 3:
        problems.append(
            Problem(f"column {unit}", f"{len(designs)} units", "3 or more", "show units singly")
        )
    if problems:
        raise DesignError("The units cannot be pooled.", problems)
    return [(name, _fit(built)) for name, built in designs]


def random_effects(estimates: Sequence[float], std_errors: Sequence[float]) -> dict[str, float]:
    """DerSimonian-Laird mean with Hartung-Knapp interval; also tau and heterogeneity's p-value.

    Parameters
    ----------
    estimates, std_errors : sequences of float
        One per study, at least 2; standard errors above 0.
    """
    y, v = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float) ** 2
    if len(y) < 2 or not (v > 0).all():
        raise DesignError("Pooling needs two or more estimates, each with a standard error.")
    w = 1 / v
    fixed = np.sum(w * y) / np.sum(w)
    q = float(np.sum(w * (y - fixed) ** 2))
    k = len(y)
    tau2 = max(0.0, (q - (k - 1)) / (np.sum(w) - np.sum(w**2) / np.sum(w)))
    w = 1 / (v + tau2)
    mean = float(np.sum(w * y) / np.sum(w))
    std_error = float(np.sqrt(np.sum(w * (y - mean) ** 2) / ((k - 1) * np.sum(w))))
    return {
        **interval(mean, std_error, k - 1),
        "tau": float(np.sqrt(tau2)),
        "q_p": float(stats.chi2.sf(q, k - 1)),
    }


__all__ = [
    "choose_errors",
    "counterfactual",
    "diagnostics",
    "effects",
    "estimate",
    "placebo_dates",
    "placebo_outcome",
    "pooled",
    "random_effects",
    "sensitivity",
]
