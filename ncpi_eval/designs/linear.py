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
