"""How often a 95% interval covers the truth, over the sizes and correlations of this programme.

Prints a table in Markdown: the designs and estimators of `ncpi_eval.designs` with no effect, so
that 1 - coverage is the false positive rate. `--each 200` does it, with so many replications, for
the estimators that are fitted one by one. `--grid 1000` instead times a grid of that many settings
of 43 forces by 60 months by 1,000 replications on two workers.

    python -m benchmarks.design_coverage
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from ncpi_eval.designs import (
    interrupted_series,
    power,
    simulate,
    staggered,
    staggered_checks,
    synthetic_control,
)
from ncpi_eval.designs.power import Setting
from ncpi_eval.designs.simulate import Programme

SEED = 20190201
REPLICATIONS = 2000


def sizes(units: int) -> tuple[float, ...]:
    """Unequal like the forces: the largest has about twenty times the smallest."""
    return tuple(np.round(30 * np.exp(np.linspace(0, 3, units)), 1).tolist())


def settings() -> list[Setting]:
    found = []
    for periods in (24, 45, 60, 96, 144):
        for rho in (0.0, 0.3, 0.6):
            series = Programme(
                (1.0,), (periods // 2,), periods, outcome="gaussian", noise_sd=1.0,
                autocorrelation=rho,
            )  # fmt: skip
            for estimator in ("newey_west", "gls_ar"):
                label = f"one series, {periods} periods, {estimator}, autocorrelation {rho}"
                found.append(Setting(series, "series", estimator, label=label))
    for units, group in ((12, 2), (17, 3), (43, 1), (43, 3)):
        for rho in (0.0, 0.6):
            panel = Programme(
                sizes(units), simulate.rolling_calendar(units, group, 2, first=8), 60 + units // 2,
                rate=0.2, overdispersion=0.02, noise_sd=0.1, common_sd=0.1, autocorrelation=rho,
            )  # fmt: skip
            for estimator in ("two_way", "group_time"):
                label = f"{units} units in groups of {group}, {estimator}, autocorrelation {rho}"
                found.append(Setting(panel, "staggered", estimator, label=label))
    return found


def table() -> None:
    rows = power.run(settings(), replications=REPLICATIONS, seed=SEED).table
    print("| setting | coverage | mean standard error / true |")
    print("|---|---|---|")
    for _, row in rows.iterrows():
        ratio = row["std_error"] / row["sd"]
        print(f"| {row['term']} | {100 * row['coverage']:.1f}% | {ratio:.2f} |")


QUARTERS, CHANGE = 44, 22
COUNTS = {"family": "poisson", "exposure": "people"}
SERIES: dict[str, dict[str, object]] = {
    "Newey-West": {},
    "Prais-Winsten": {"errors": "prais_winsten"},
    "GLS, AR(1)": {"errors": "gls_ar"},
    "ARIMA(1, 0, 0)": {"errors": "arima"},
    "Poisson, independent": {**COUNTS, "errors": "iid"},
    "Poisson, Newey-West": COUNTS,
    "quasi-Poisson, independent": {**COUNTS, "family": "quasipoisson", "errors": "iid"},
    "negative binomial, independent": {**COUNTS, "family": "negative_binomial", "errors": "iid"},
    "binomial, Newey-West": {"family": "binomial", "trials": "people"},
    "controlled, Newey-West": {"group": "series", "treated": 0},
}
PANELS: dict[str, Callable[..., object]] = {
    "two-way": staggered.two_way,
    "group-time": partial(staggered.group_time, aggregate="simple"),
    "imputation": staggered.imputation,
    "Sun-Abraham": staggered.sun_abraham,
    "two-way, wild bootstrap": partial(staggered_checks.wild_bootstrap, draws=199),
    "group-time, reshuffled calendars": partial(staggered_checks.randomisation, draws=399),
}


def each(replications: int) -> None:
    """One by one: 44 quarters of counts, and 43 forces of one's own date over 12 years."""
    warnings.simplefilter("ignore")
    print("| estimator | autocorrelation | coverage |")
    print("|---|---|---|")
    for rho in (0.0, 0.4):
        for name, settings in SERIES.items():
            told(name, rho, replications, partial(_series, settings, rho))
        for name, estimator in PANELS.items():
            told(name, rho, replications, partial(_panel, estimator, rho))
        told("synthetic difference", rho, replications, partial(_mixture, rho))


def told(
    name: str, rho: float, replications: int, once: Callable[[np.random.Generator], bool]
) -> None:
    """Print the share of replications whose interval covers no effect."""
    rng = np.random.default_rng(SEED)
    covered = np.mean([once(rng) for _ in range(replications)])
    print(f"| {name} | {rho:g} | {100 * covered:.0f}% |", flush=True)


def _covers(result: object) -> bool:
    row = result.table.iloc[0]  # type: ignore[attr-defined]
    return bool(row["ci_low"] <= 0 <= row["ci_high"])


def _series(settings: dict[str, object], rho: float, rng: np.random.Generator) -> bool:
    """Counts of about 100 with departures of a tenth, or their logarithm for gaussian models."""
    frames = []
    for place in range(2 if "group" in settings else 1):
        departures = 0.1 * simulate._autoregressive(rng, (QUARTERS,), rho)
        counts = rng.poisson(100 * np.exp(0.005 * np.arange(QUARTERS) + departures))
        y = counts if "family" in settings else np.log(counts)
        frame = {"t": np.arange(QUARTERS), "y": y, "people": 1000.0, "series": place}
        frames.append(pd.DataFrame(frame))
    frame = pd.concat(frames, ignore_index=True)
    found = interrupted_series.estimate(frame, "y", "t", CHANGE, effect="level", **settings)
    return _covers(found)


def _outcomes(
    calendar: tuple[int | None, ...], rho: float, rng: np.random.Generator
) -> pd.DataFrame:
    programme = Programme(
        sizes(len(calendar)), calendar, 12, rate=2.0, noise_sd=0.1, common_sd=0.1,
        autocorrelation=rho,
    )  # fmt: skip
    y = simulate.outcomes(programme, 1, rng)[0]
    units, years = y.shape
    return pd.DataFrame(
        {
            "u": np.repeat(np.arange(units), years),
            "t": np.tile(np.arange(1, years + 1), units),
            "g": np.repeat([0 if start is None else start + 1 for start in calendar], years),
            "y": y.ravel(),
        }
    )


def _panel(estimator: Callable[..., object], rho: float, rng: np.random.Generator) -> bool:
    """43 forces from the third year on, five a year; the last three never."""
    calendar = tuple(2 + k // 5 if k < 40 else None for k in range(43))
    return _covers(estimator(_outcomes(calendar, rho, rng), "y", "u", "t", "g"))


def _mixture(rho: float, rng: np.random.Generator) -> bool:
    frame = _outcomes((8, *[None] * 14), rho, rng)
    case = {"treated": 0, "start": 9, "draws": 50}
    return _covers(synthetic_control.synthetic_difference(frame, "y", "u", "t", **case))


def grid(count: int) -> None:
    base = Programme(
        sizes(43), simulate.rolling_calendar(43, 3, 4, first=1), 60, rate=0.2, overdispersion=0.02,
        noise_sd=0.1, common_sd=0.1, autocorrelation=0.4,
    )  # fmt: skip
    effects = np.round(np.linspace(0.0, 0.3, count), 6).tolist()
    found = power.grid(Setting(base, "staggered", "two_way"), effect=effects)
    power.run(found, replications=1000, seed=SEED, workers=2, progress=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grid", type=int, default=0, help="time a grid of this many settings")
    parser.add_argument("--each", type=int, default=0, help="replications, one by one")
    chosen = parser.parse_args()
    if chosen.grid:
        grid(chosen.grid)
    elif chosen.each:
        each(chosen.each)
    else:
        table()
