"""Group-time effects as weights on outcomes, so that aggregating and simulating is one product.

Without covariates a group-time average effect (Callaway and Sant'Anna 2021) is a difference of
mean changes, its influence function is linear in the outcomes too, and so is every aggregation.
The weights depend on the calendar alone. A thousand simulated panels, or a thousand reshuffled
calendars, are then two matrix products.

`staggered.group_time` takes the cells themselves from diff-diff, which also handles covariates;
the tests hold the two routes together to 1e-8.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from ncpi_eval.designs.panel import NEVER


@dataclass(frozen=True)
class Target:
    """One aggregated effect: weights over cells and how they depend on estimated cohort shares.

    Parameters
    ----------
    kind : str
        "simple", "event_time", "group", "calendar" or their "overall".
    label : hashable
        Event time, cohort or period; None for an overall.
    weights : numpy.ndarray, (cells,)
    share_influence : numpy.ndarray, (units, cells)
        Influence of every unit on the weights, through the cohorts' shares.
    """

    kind: str
    label: Hashable
    weights: np.ndarray
    share_influence: np.ndarray


def cells_of(
    cohort: np.ndarray, periods: int, controls: str = "not_yet_treated", anticipation: int = 0
) -> list[tuple[int, int]]:
    """Post-treatment cells (cohort, period) that have controls."""
    found = []
    for g in np.unique(cohort[cohort != NEVER]):
        for t in range(int(g) - anticipation, periods):
            if t >= g and control_units(cohort, int(g), t, controls, anticipation).any():
                found.append((int(g), t))
    return found


def control_units(
    cohort: np.ndarray, g: int, t: int, controls: str, anticipation: int
) -> np.ndarray:
    """Units that serve cohort g in period t as controls (bool, units)."""
    if controls == "never_treated":
        return cohort == NEVER
    # Untreated (and not anticipating) in the period and in the base period.
    last = max(t, g - 1 - anticipation) + anticipation
    return (cohort > last) & (cohort != g)


def targets(cohort: np.ndarray, cells: list[tuple[int, int]]) -> list[Target]:
    """Every aggregation of Callaway and Sant'Anna over post-treatment cells.

    simple: all cells by cohort share. event_time: cells of one event time by share; overall their
    plain mean from 0. group: plain mean of a cohort's cells; overall by share. calendar: cells of
    one period by share; overall their plain mean.
    """
    shapes = np.array(cells)
    g, t = shapes[:, 0], shapes[:, 1]
    every = np.ones(len(cells), dtype=bool)
    post = t >= g
    found = [_by_share("simple", None, cohort, g, post)]
    events = [_by_share("event_time", int(e), cohort, g, (t - g == e)) for e in np.unique(t - g)]
    found += events
    found.append(_mean("event_time overall", [x for x in events if int(str(x.label)) >= 0]))
    groups = [_plain("group", int(c), cohort, (g == c) & post) for c in np.unique(g[post])]
    found += groups
    found.append(_group_overall(cohort, groups))
    calendar = [
        _by_share("calendar", int(p), cohort, g, (t == p) & post) for p in np.unique(t[post])
    ]
    found += calendar
    found.append(_mean("calendar overall", calendar))
    assert every.size == len(cells)
    return found


def _by_share(
    kind: str, label: Hashable, cohort: np.ndarray, g: np.ndarray, chosen: np.ndarray
) -> Target:
    units = len(cohort)
    share = np.array([np.mean(cohort == value) for value in g]) * chosen
    total = share.sum()
    member = (cohort[:, None] == g[None, :]) * chosen - share
    influence = member / total - member.sum(axis=1, keepdims=True) * share / total**2
    return Target(kind, label, share / total, influence / units)


def _plain(kind: str, label: Hashable, cohort: np.ndarray, chosen: np.ndarray) -> Target:
    weights = chosen / chosen.sum()
    return Target(kind, label, weights, np.zeros((len(cohort), len(chosen))))


def _mean(kind: str, parts: list[Target]) -> Target:
    return Target(
        kind,
        None,
        np.mean([part.weights for part in parts], axis=0),
        np.mean([part.share_influence for part in parts], axis=0),
    )


def _group_overall(cohort: np.ndarray, groups: list[Target]) -> Target:
    values = np.array([part.label for part in groups])
    shares = _by_share("", None, cohort, values, np.ones(len(values), dtype=bool))
    each = np.array([part.weights for part in groups])
    return Target("group overall", None, shares.weights @ each, shares.share_influence @ each)


@dataclass(frozen=True)
class Linear:
    """An estimator that is linear in outcomes, with a linear influence function.

    Parameters
    ----------
    weights : numpy.ndarray, (units, periods)
        estimate = sum(weights * outcomes).
    influence : numpy.ndarray, (units, units, periods)
        influence_i = sum(influence[i] * outcomes); the variance is the sum of their squares.
    """

    weights: np.ndarray
    influence: np.ndarray

    def apply(self, outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Estimate and standard error of panels (..., units, periods)."""
        flat = outcomes.reshape(*outcomes.shape[:-2], -1)
        influence = flat @ self.influence.reshape(self.influence.shape[0], -1).T
        return flat @ self.weights.ravel(), np.sqrt(
            np.einsum("...i,...i->...", influence, influence)
        )

    def estimates(self, outcomes: np.ndarray) -> np.ndarray:
        """Estimates alone."""
        return outcomes.reshape(*outcomes.shape[:-2], -1) @ self.weights.ravel()


def linear_estimator(
    cohort: np.ndarray,
    periods: int,
    kind: str = "simple",
    label: Hashable = None,
    *,
    controls: str = "not_yet_treated",
    anticipation: int = 0,
) -> Linear:
    """The weights of one aggregated group-time effect without covariates.

    Parameters
    ----------
    cohort : numpy.ndarray of int, (units,)
        First treated period from 0; NEVER for none.
    periods : int
    kind, label
        As in `targets`.
    """
    cells = cells_of(cohort, periods, controls, anticipation)
    target = next(x for x in targets(cohort, cells) if x.kind == kind and x.label == label)
    units = len(cohort)
    weights = np.zeros((units, periods))
    influence = np.zeros((units, units, periods))
    for place, (g, t) in enumerate(cells):
        w, shares = target.weights[place], target.share_influence[:, place]
        if w == 0 and not shares.any():
            continue
        base = g - 1 - anticipation
        treated = np.flatnonzero(cohort == g)
        control = np.flatnonzero(control_units(cohort, g, t, controls, anticipation))
        for rows, sign in ((treated, 1.0), (control, -1.0)):
            size = len(rows)
            centre = sign * w / size * (np.eye(size) - 1 / size)
            for period, direction in ((t, 1.0), (base, -1.0)):
                weights[rows, period] += direction * sign * w / size
                influence[rows[:, None], rows[None, :], period] += direction * centre
                influence[:, rows, period] += direction * sign / size * shares[:, None]
    return Linear(weights, influence)
