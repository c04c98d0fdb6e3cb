"""Outcomes as this programme could produce them, with a known effect.

Forces differ in size; a force's months resemble each other; all forces share shocks; counts are
overdispersed; recent months are incomplete when they are read; effects arrive at once, grow or
fade. An evaluation is planned against all of this, not against independent normal errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import signal

from ncpi_eval.designs.panel import NEVER
from ncpi_eval.errors import DesignError, Problem

Shape = Literal["constant", "grows", "fades"]


@dataclass(frozen=True)
class Programme:
    """A programme, its calendar and the behaviour of its outcome.

    Parameters
    ----------
    sizes : tuple of float
        Exposure of each unit (for instance population in thousands), above 0.
    calendar : tuple of int or None
        First treated period of each unit, from 0; None is never.
    periods : int
    effect : float
        Change of the log rate (counts) or of the outcome (gaussian) once fully arrived.
    shape : {"constant", "grows", "fades"}
        grows: linearly over `shape_periods` to the full effect; fades: linearly from the full
        effect to 0 over them.
    shape_periods : int
    outcome : {"counts", "gaussian"}
        counts are analysed as log((count + 0.5) / size).
    rate : float
        Expected count per unit of size and period (counts).
    overdispersion : float
        alpha in variance = mean + alpha mean^2, 0 or more.
    unit_sd, trend_sd : float
        Spread between units of the level, and of the trend over the whole panel.
    noise_sd, autocorrelation : float
        Standard deviation and AR(1) coefficient of a unit's own departures, on the analysed scale.
    common_sd : float
        Standard deviation of AR(1) shocks that all units share (with the same coefficient). The
        correlation between units is common_sd^2 / (common_sd^2 + noise_sd^2).
    early_trend : float
        Added trend, over the whole panel, of the earliest treated unit relative to the latest: a
        violation of parallel trends; 0 for none.
    season : float
        Amplitude of a yearly cycle of `cycle` periods.
    completeness : tuple of float
        Share of counts already recorded in the last periods, the last one last; () is all.
    """

    sizes: tuple[float, ...]
    calendar: tuple[int | None, ...]
    periods: int
    effect: float = 0.0
    shape: Shape = "constant"
    shape_periods: int = 12
    outcome: Literal["counts", "gaussian"] = "counts"
    rate: float = 1.0
    overdispersion: float = 0.0
    unit_sd: float = 0.3
    trend_sd: float = 0.0
    noise_sd: float = 0.1
    autocorrelation: float = 0.0
    common_sd: float = 0.0
    early_trend: float = 0.0
    season: float = 0.0
    cycle: int = 12
    completeness: tuple[float, ...] = ()

    def cohort(self) -> np.ndarray:
        """First treated period of each unit, NEVER for none within the panel."""
        return np.array(
            [NEVER if start is None or start >= self.periods else start for start in self.calendar],
            dtype=np.int64,
        )

    def arrival(self) -> np.ndarray:
        """Share of the full effect in each unit and period, (units, periods)."""
        since = (
            np.arange(self.periods)
            - np.where(self.cohort() == NEVER, self.periods, self.cohort())[:, None]
        )
        if self.shape == "grows":
            share = np.clip((since + 1) / self.shape_periods, 0.0, 1.0)
        elif self.shape == "fades":
            share = np.clip(1 - since / self.shape_periods, 0.0, 1.0)
        else:
            share = np.ones(since.shape)
        return np.where(since >= 0, share, 0.0)


def rolling_calendar(
    units: int, group_size: int, window: int, *, first: int
) -> tuple[int | None, ...]:
    """A calendar in groups: `group_size` units every `window` periods, from period `first` on.

    Rolling inspections of 43 forces, three at a time in windows of four months, after two years of
    months as baseline: ``rolling_calendar(43, 3, 4, first=24)``.

    Raises
    ------
    DesignError
        If a number is below 1, or all units would be treated at once.
    """
    if min(units, group_size, window, first) < 1 or group_size >= units:
        raise DesignError(
            "The calendar leaves nothing to compare.",
            [
                Problem(
                    "settings units, group_size, window, first",
                    f"{units}, {group_size}, {window}, {first}",
                    "1 or more, and fewer in a group than units",
                    "let some wait",
                )
            ],
        )
    return tuple(first + window * (unit // group_size) for unit in range(units))


def check(programme: Programme) -> None:
    """Refuse a programme that cannot be simulated, with every reason.

    Raises
    ------
    DesignError
    """
    p = programme
    found: list[Problem] = []

    def wrong(name: str, value: object, expected: str, remedy: str) -> None:
        found.append(Problem(f"setting {name}", str(value), expected, remedy))

    if len(p.sizes) != len(p.calendar):
        wrong("calendar", f"{len(p.calendar)} for {len(p.sizes)} units", "one per unit", "add")
    if not p.sizes or min(p.sizes) <= 0:
        wrong("sizes", min(p.sizes, default=None), "above 0", "obtain the exposure")
    if any(start is not None and start < 0 for start in p.calendar):
        wrong("calendar", "a period before the first", "0 or later, or None", "count from 0")
    if p.outcome not in ("counts", "gaussian"):
        wrong("outcome", p.outcome, "counts or gaussian", "name one of them")
    if p.shape not in ("constant", "grows", "fades"):
        wrong("shape", p.shape, "constant, grows or fades", "name one of them")
    if p.rate <= 0:
        wrong("rate", p.rate, "above 0", "give the expected count per unit of size")
    spreads = (p.overdispersion, p.unit_sd, p.trend_sd, p.noise_sd, p.common_sd)
    if min(spreads) < 0:
        wrong("spreads", min(spreads), "0 or more", "use 0 for none")
    if not -1 < p.autocorrelation < 1:
        wrong("autocorrelation", p.autocorrelation, "between -1 and 1", "use a stationary one")
    if any(not 0 < share <= 1 for share in p.completeness):
        wrong("completeness", p.completeness, "above 0, up to 1", "use shares, not per cent")
    if p.periods < 3 or len(p.completeness) > p.periods:
        wrong("periods", p.periods, "3 or more, and as many as completeness", "use more periods")
    if found:
        raise DesignError("The programme cannot be simulated.", found)


def outcomes(
    programme: Programme,
    replications: int,
    rng: np.random.Generator,
    *,
    shuffle: bool = False,
) -> np.ndarray:
    """Analysed outcomes of simulated panels, (replications, units, periods).

    Parameters
    ----------
    programme : Programme
        Already through `check`.
    replications : int
    rng : numpy.random.Generator
    shuffle : bool
        Draw, in every replication, which unit gets which place in the calendar. Rows stay in the
        order of the calendar.
    """
    p = programme
    units = len(p.sizes)
    shape = (replications, units, p.periods)
    sizes = np.tile(np.asarray(p.sizes, dtype=float), (replications, 1))
    if shuffle:
        sizes = rng.permuted(sizes, axis=1)
    clock = np.arange(p.periods)
    mean = p.unit_sd * rng.standard_normal((replications, units, 1))
    mean = mean + p.effect * p.arrival() + p.season * np.sin(2 * np.pi * clock / p.cycle)
    across = clock / (p.periods - 1) - 0.5
    if p.trend_sd:
        mean = mean + p.trend_sd * rng.standard_normal((replications, units, 1)) * across
    if p.early_trend:
        mean = mean + p.early_trend * _earliness(p)[:, None] * across
    if p.noise_sd:
        mean = mean + p.noise_sd * _autoregressive(rng, shape, p.autocorrelation)
    if p.common_sd:
        common = _autoregressive(rng, (replications, 1, p.periods), p.autocorrelation)
        mean = mean + p.common_sd * common
    if p.outcome == "gaussian":
        return mean
    expected = sizes[:, :, None] * p.rate * np.exp(mean)
    if p.completeness:
        expected[..., -len(p.completeness) :] *= np.asarray(p.completeness)
    if p.overdispersion:
        expected *= rng.gamma(1 / p.overdispersion, p.overdispersion, shape)
    counts = rng.poisson(expected)
    return np.log((counts + 0.5) / sizes[:, :, None])


def _earliness(p: Programme) -> np.ndarray:
    """1 for the earliest treated unit down to 0 for the latest or never treated."""
    cohort = np.minimum(p.cohort(), p.periods).astype(float)
    spread = np.ptp(cohort)
    return (cohort.max() - cohort) / spread if spread else np.zeros(len(cohort))


def _autoregressive(
    rng: np.random.Generator, shape: tuple[int, ...], coefficient: float
) -> np.ndarray:
    """Stationary AR(1) with unit variance along the last axis."""
    noise = rng.standard_normal(shape)
    if not coefficient:
        return noise
    noise[..., 1:] *= np.sqrt(1 - coefficient**2)
    return signal.lfilter([1.0], [1.0, -coefficient], noise, axis=-1)
