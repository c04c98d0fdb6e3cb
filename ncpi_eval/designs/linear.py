"""Least squares for one outcome or ten thousand at once, with the standard errors that fit.

A simulation fits the same regressors to many outcomes. Looping over a regression package spends
its time on everything but the arithmetic, so the two estimators that are simulated are written out
here as array operations with any number of leading axes. The estimators for real data call the
same functions with one outcome: there is no second implementation that could drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncpi_eval.errors import DesignError


@dataclass(frozen=True)
class Fit:
    """Coefficients and residuals of a least squares fit; leading axes are those of the outcomes.

    Parameters
    ----------
    coefficients : numpy.ndarray, (..., regressors)
    residuals : numpy.ndarray, (..., periods)
    bread : numpy.ndarray, (regressors, regressors)
        Inverse of the cross-product of the regressors.
    """

    coefficients: np.ndarray
    residuals: np.ndarray
    bread: np.ndarray


def least_squares(regressors: np.ndarray, outcomes: np.ndarray) -> Fit:
    """Ordinary least squares of every row of `outcomes` (..., periods) on the same regressors.

    Raises
    ------
    DesignError
        If the regressors are collinear.
    """
    x = np.asarray(regressors, dtype=float)
    # Through QR rather than the normal equations, which would square the condition number. A
    # column's part that the earlier ones do not explain is on the diagonal of R.
    q, r = np.linalg.qr(x)
    own, full = np.abs(np.diag(r)), np.sqrt(np.einsum("ij,ij->j", x, x))
    if len(own) < x.shape[1] or (own <= 1e-9 * full).any():
        raise DesignError(
            "The regressors are collinear, so that their effects cannot be told apart: "
            "leave out a term (season, slope or interruption)."
        )
    inverse = np.linalg.inv(r)
    coefficients = outcomes @ (q @ inverse.T)
    return Fit(coefficients, outcomes - coefficients @ x.T, inverse @ inverse.T)


def bartlett_lags(periods: int) -> int:
    """Newey and West's rule of thumb: floor(4 (periods / 100)^(2/9))."""
    return int(np.floor(4 * (periods / 100) ** (2 / 9)))


def long_run(scores: np.ndarray, lags: int) -> np.ndarray:
    """Bartlett-weighted long-run cross-product of scores (periods, terms), not divided by n."""
    total = scores.T @ scores
    for lag in range(1, lags + 1):
        cross = scores[lag:].T @ scores[:-lag]
        total += (1 - lag / (lags + 1)) * (cross + cross.T)
    return total


def newey_west_errors(
    regressors: np.ndarray,
    fit: Fit,
    lags: int,
    combinations: np.ndarray,
    small_sample: bool = True,
) -> np.ndarray:
    """Newey-West standard errors of linear combinations of coefficients, for any number of fits.

    ``var(c'b) = sum_l w_l sum_t u_t u_{t-l}`` with ``u_t = c'(X'X)^-1 x_t e_t`` and Bartlett's
    weights ``w_l = 1 - l / (lags + 1)``: only a scalar series per combination is needed, never a
    covariance matrix.

    Parameters
    ----------
    regressors : numpy.ndarray, (periods, regressors)
    fit : Fit
        From `least_squares` with the same regressors.
    lags : int
        Number of autocovariances, 0 or more (0 is White's estimator).
    combinations : numpy.ndarray, (regressors, combinations)
    small_sample : bool
        Multiply the variance by n / (n - k).

    Returns
    -------
    numpy.ndarray, (..., combinations)

    References
    ----------
    Newey and West (1987), Econometrica 55:703. Equal to R's sandwich::NeweyWest with
    ``prewhite = FALSE, adjust = small_sample``.
    """
    influence = regressors @ (fit.bread @ combinations)
    periods, terms = regressors.shape
    variance = np.empty((*fit.residuals.shape[:-1], combinations.shape[1]))
    for column in range(combinations.shape[1]):
        u = fit.residuals * influence[:, column]
        total = np.einsum("...t,...t->...", u, u)
        for lag in range(1, lags + 1):
            cross = np.einsum("...t,...t->...", u[..., lag:], u[..., :-lag])
            total = total + 2 * (1 - lag / (lags + 1)) * cross
        variance[..., column] = total
    if small_sample:
        variance *= periods / (periods - terms)
    # Bartlett's weights make the sum positive up to rounding.
    return np.sqrt(np.maximum(variance, 0.0))


@dataclass(frozen=True)
class AutoregressiveFit:
    """Regressions with AR(1) errors; leading axes are those of the outcomes.

    Parameters
    ----------
    coefficients : numpy.ndarray, (..., regressors)
    covariance : numpy.ndarray, (..., regressors, regressors)
    rho : numpy.ndarray, (...)
        Autocorrelation, within EDGE of -1 and 1; a value at that edge has not converged.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    rho: np.ndarray


EDGE = 3.8
"""Search limit on the scale of atanh(rho): the autocorrelation stays within 0.999."""

_GRID, _GOLDEN = 39, 50


def autoregressive(regressors: np.ndarray, outcomes: np.ndarray) -> AutoregressiveFit:
    """Least squares with AR(1) errors by restricted maximum likelihood, for any number of series.

    The inverse of an AR(1) covariance is quadratic in rho, hence so are all cross-products: they
    are formed once, and every value of rho then costs one small system per series. The likelihood
    is searched on a grid, then by golden section around the best point.

    Parameters
    ----------
    regressors : numpy.ndarray, (periods, regressors)
    outcomes : numpy.ndarray, (..., periods)

    References
    ----------
    Cheang and Reinsel (2000), Journal of the American Statistical Association 95:1173. Equal to
    R's ``nlme::gls(correlation = corAR1(), method = "REML")``.
    """
    x = np.asarray(regressors, dtype=float)
    first = least_squares(x, outcomes)  # residuals in place of outcomes: no cancellation below
    q, r = np.linalg.qr(x)
    periods, terms = x.shape
    y = first.residuals
    df = periods - terms
    xx = [q.T @ q, q[1:].T @ q[:-1] + q[:-1].T @ q[1:], q[1:-1].T @ q[1:-1]]
    xy = [y @ q, y[..., 1:] @ q[:-1] + y[..., :-1] @ q[1:], y[..., 1:-1] @ q[1:-1]]
    dot = lambda a, b: np.einsum("...t,...t->...", a, b)  # noqa: E731
    yy = [dot(y, y), 2 * dot(y[..., 1:], y[..., :-1]), dot(y[..., 1:-1], y[..., 1:-1])]

    def solved(scale: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        rho = np.tanh(scale)
        a = xx[0] - rho[..., None, None] * xx[1] + rho[..., None, None] ** 2 * xx[2]
        b = xy[0] - rho[..., None] * xy[1] + rho[..., None] ** 2 * xy[2]
        beta = np.linalg.solve(a, b[..., None])[..., 0]
        squares = yy[0] - rho * yy[1] + rho**2 * yy[2] - dot(b, beta)
        sigma2 = np.maximum(squares, 1e-300) / df
        value = df * np.log(sigma2) - np.log1p(-(rho**2)) + np.linalg.slogdet(a)[1]
        return value, beta, a, sigma2

    shape = y.shape[:-1]
    grid = np.linspace(-EDGE, EDGE, _GRID)
    values = np.stack([solved(np.full(shape, point))[0] for point in grid])
    best = grid[values.argmin(axis=0)]
    low, high = best - (grid[1] - grid[0]), best + (grid[1] - grid[0])
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(_GOLDEN):
        left, right = high - golden * (high - low), low + golden * (high - low)
        down = solved(left)[0] < solved(right)[0]
        low, high = np.where(down, low, left), np.where(down, right, high)
    found = np.clip((low + high) / 2, -EDGE, EDGE)
    _, beta, a, sigma2 = solved(found)
    inverse = np.linalg.inv(r)
    covariance = sigma2[..., None, None] * (inverse @ np.linalg.inv(a) @ inverse.T)
    return AutoregressiveFit(first.coefficients + beta @ inverse.T, covariance, np.tanh(found))


@dataclass(frozen=True)
class PanelFit:
    """Two-way fixed effects of many panels: one number each per panel.

    Parameters
    ----------
    estimate, std_error : numpy.ndarray
        One per panel. NaN where treatment does not vary within units and periods.
    clusters : int
        Number of units, which are the clusters.
    """

    estimate: np.ndarray
    std_error: np.ndarray
    clusters: int


def two_way(outcomes: np.ndarray, treatment: np.ndarray) -> PanelFit:
    """Two-way fixed effects with errors clustered by unit, for any number of balanced panels.

    ``b = sum(d y) / sum(d d)`` with d the treatment after removing unit and period means; the
    cluster scores are ``sum_t d_it e_it``. The small-sample factor is G / (G - 1) times
    (N - 1) / (N - K), K counting the coefficient and the period effects but not the unit effects,
    which are nested in the clusters.

    Parameters
    ----------
    outcomes : numpy.ndarray, (..., units, periods)
    treatment : numpy.ndarray, (units, periods) or (..., units, periods)
        0 or 1 (or a dose); one for all panels, or one for each.

    References
    ----------
    Cameron and Miller (2015), Journal of Human Resources 50:317, section IV. The factor is
    pyfixest's and fixest's default (``k_fixef = "nonnested"``).
    """
    d = _two_way_residual(treatment)
    y = _two_way_residual(outcomes)
    units, periods = outcomes.shape[-2:]
    square = np.einsum("...it,...it->...", d, d)
    square = np.where(square > 1e-12 * max(1.0, float(np.max(np.abs(treatment)))), square, np.nan)
    estimate = np.einsum("...it,...it->...", d, y) / square
    # sum_t d (y - b d), unit by unit, without forming the residuals.
    scores = np.einsum("...it,...it->...i", d, y) - estimate[..., None] * np.einsum(
        "...it,...it->...i", d, d
    )
    count = units * periods
    factor = units / (units - 1) * (count - 1) / (count - 1 - periods)
    std_error = np.sqrt(factor * np.einsum("...i,...i->...", scores, scores)) / square
    return PanelFit(estimate, std_error, units)


def _two_way_residual(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    centred = values - values.mean(axis=-1, keepdims=True)
    centred -= centred.mean(axis=-2, keepdims=True)
    return centred
