"""Known truth for the estimators that are fitted one by one: no bias beyond Monte Carlo error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ncpi_eval.designs import (
    interrupted_series,
    simulate,
    staggered,
    staggered_checks,
    synthetic_control,
)
from ncpi_eval.designs.simulate import Programme
from ncpi_eval.results import Result

LEVEL = 0.4


def gaussian(rng: np.random.Generator) -> pd.DataFrame:
    noise = simulate._autoregressive(rng, (60,), 0.4)
    t = np.arange(60)
    return pd.DataFrame({"t": t, "y": 3 + 0.01 * t + LEVEL * (t >= 35) + 0.2 * noise})


def counts(rng: np.random.Generator) -> pd.DataFrame:
    frame = gaussian(rng)
    people = 500.0 + 2 * frame["t"]
    mean = people * np.exp(frame["y"] - 4) * rng.gamma(20, 1 / 20, 60)
    return frame.assign(y=rng.poisson(mean).astype(float), people=people)


def shares(rng: np.random.Generator) -> pd.DataFrame:
    frame = gaussian(rng)
    chance = 1 / (1 + np.exp(3 - frame["y"]))
    return frame.assign(y=rng.binomial(400, chance).astype(float), n=400)


def series(frame: pd.DataFrame, **settings: object) -> Result:
    return interrupted_series.estimate(frame, "y", "t", 35, effect="level", **settings)


SERIES: dict[str, tuple[Callable[[np.random.Generator], pd.DataFrame], dict[str, object], int]] = {
    "newey_west": (gaussian, {}, 100),
    "prais_winsten": (gaussian, {"errors": "prais_winsten"}, 100),
    "gls_ar": (gaussian, {"errors": "gls_ar"}, 100),
    "arima": (gaussian, {"errors": "arima"}, 20),
    "washout": (gaussian, {"washout": 4, "errors": "gls_ar"}, 100),
    "poisson": (counts, {"family": "poisson", "exposure": "people"}, 100),
    "quasipoisson": (counts, {"family": "quasipoisson", "exposure": "people"}, 100),
    "negative_binomial": (counts, {"family": "negative_binomial", "exposure": "people"}, 40),
    "binomial": (shares, {"family": "binomial", "trials": "n"}, 100),
}


@pytest.mark.parametrize("name", list(SERIES))
def test_series_are_unbiased(name: str) -> None:
    make, settings, replications = SERIES[name]
    rng = np.random.default_rng(17)
    found = np.array(
        [series(make(rng), **settings).table["estimate"][0] for _ in range(replications)]
    )
    error = found.std(ddof=1) / np.sqrt(replications)
    # Ratios of a few per cent bias on the log scale are the families' own at these counts.
    assert abs(found.mean() - LEVEL) < 3.5 * error + 0.005


PANEL = Programme(
    (1.0,) * 12, (6, 6, 8, 8, 10, 10, 12, 12, None, None, None, None), 18,
    effect=LEVEL, outcome="gaussian", noise_sd=0.3, common_sd=0.3,
)  # fmt: skip


@pytest.mark.parametrize("name", ["group_time", "imputation", "sun_abraham"])
@pytest.mark.parametrize("shape", ["constant", "grows"])
def test_staggered_estimators_are_unbiased(name: str, shape: str) -> None:
    programme = Programme(**{**PANEL.__dict__, "shape": shape, "shape_periods": 6})
    rng = np.random.default_rng(23)
    panels = simulate.outcomes(programme, 25, rng)
    event = np.mean([programme.arrival()[k, k // 2 * 2 + 6 + 2] * LEVEL for k in range(8)])
    found = []
    for panel in panels:
        frame = pd.DataFrame(
            {
                "u": np.repeat(np.arange(12), 18),
                "t": np.tile(np.arange(1, 19), 12),
                "g": np.repeat([0 if c is None else c + 1 for c in PANEL.calendar], 18),
                "y": panel.ravel(),
            }
        )
        table = getattr(staggered, name)(frame, "y", "u", "t", "g").table
        found.append(table.loc[table["event_time"] == 2, "estimate"].iloc[0])
    error = np.std(found, ddof=1) / 5
    # At event time 2 the effect is full when constant, and half of it (3 of 6) when it grows.
    assert event == pytest.approx(LEVEL if shape == "constant" else LEVEL / 2)
    assert abs(np.mean(found) - event) < 3.5 * error


def test_synthetic_control_is_unbiased_where_donors_span_the_treated() -> None:
    rng = np.random.default_rng(31)
    found = []
    for _ in range(60):
        factors = rng.standard_normal((30, 2)).cumsum(axis=0)
        loads = rng.uniform(0, 1, (10, 2))
        loads[0] = loads[1:5].mean(axis=0)
        y = factors @ loads.T + rng.normal(0, 0.1, (30, 10))
        y[22:, 0] += LEVEL
        frame = pd.DataFrame(y).melt(ignore_index=False, var_name="u", value_name="y")
        frame = frame.reset_index(names="t")
        case = {"treated": 0, "start": 22}
        found.append(synthetic_control.estimate(frame, "y", "u", "t", **case).table["estimate"][0])
    assert abs(np.mean(found) - LEVEL) < 3.5 * np.std(found, ddof=1) / np.sqrt(60)


# --- the estimators for groups, mixtures and few clusters


def test_pooled_series_are_unbiased_and_cover() -> None:
    rng = np.random.default_rng(41)
    rows = []
    for _ in range(30):
        frame = pd.concat([gaussian(rng).assign(force=k) for k in range(5)])
        result = interrupted_series.pooled(
            frame, "y", "t", 35, unit="force", effect="level", errors="iid"
        )
        rows.append(result.table.iloc[0])
    table = pd.DataFrame(rows)
    assert abs(table["estimate"].mean() - LEVEL) < 3.5 * table["estimate"].std() / np.sqrt(30)
    # The spread between units carries the errors that the single fits leave out.
    assert table["ci_low"].le(LEVEL).mul(table["ci_high"].ge(LEVEL)).mean() > 0.8


def test_two_interruptions_a_phase_and_a_season_are_unbiased() -> None:
    rng = np.random.default_rng(43)
    t = np.arange(60)
    arrival = np.clip((t - 34) / 4, 0, 1)  # a quarter of it in the first period after
    found = []
    for _ in range(60):
        season = 0.5 * np.sin(2 * np.pi * t / 12)
        y = gaussian(rng)["y"] - LEVEL * (t >= 35) + season
        frame = pd.DataFrame({"t": t, "phased": y + LEVEL * arrival})
        frame["twice"] = y + LEVEL * (t >= 20) - LEVEL * (t >= 40)
        how = {"effect": "level", "season": "harmonics", "harmonics": 1}
        phased = interrupted_series.estimate(frame, "phased", "t", 35, phase=3, **how).table
        twice = interrupted_series.estimate(frame, "twice", "t", (20, 40), **how).table
        found.append([phased["estimate"][0], *twice["estimate"][:2]])
    bias = np.mean(found, axis=0) - [LEVEL, LEVEL, -LEVEL]
    assert (np.abs(bias) < 3.5 * np.std(found, axis=0, ddof=1) / np.sqrt(60)).all()


def units(rng: np.random.Generator, calendar: list[int], periods: int = 8) -> pd.DataFrame:
    """A panel with an effect of LEVEL from the date on (0 for never)."""
    t = np.arange(1, periods + 1)
    return pd.concat(
        pd.DataFrame(
            {
                "u": u,
                "t": t,
                "g": g,
                "y": LEVEL * ((g > 0) & (t >= g)) + rng.normal(0, 0.5, periods),
            }
        )
        for u, g in enumerate(calendar)
    )


@pytest.mark.parametrize("name", ["wild_bootstrap", "randomisation"])
def test_few_clusters_keep_their_promise(name: str) -> None:
    rng = np.random.default_rng(47)
    estimator = getattr(staggered_checks, name)
    rows = [
        estimator(units(rng, [3, 3, 5, 5, 7, 0, 0, 0]), "y", "u", "t", "g", draws=199).table.iloc[0]
        for _ in range(60)
    ]
    table = pd.DataFrame(rows)
    assert abs(table["estimate"].mean() - LEVEL) < 3.5 * table["estimate"].std() / np.sqrt(60)
    covered = (table["ci_low"].le(LEVEL) & table["ci_high"].ge(LEVEL)).mean()
    # 60 draws of a coverage of 95%: 0.95 less 3.5 times its Monte Carlo error.
    assert covered > 0.95 - 3.5 * np.sqrt(0.95 * 0.05 / 60)


def test_synthetic_difference_is_unbiased() -> None:
    rng = np.random.default_rng(53)
    found = []
    for _ in range(30):
        frame = units(rng, [9, *[0] * 9], periods=14)
        row = synthetic_control.synthetic_difference(
            frame, "y", "u", "t", treated=0, start=9, draws=2
        ).table.iloc[0]
        found.append(row["estimate"])
    assert abs(np.mean(found) - LEVEL) < 3.5 * np.std(found, ddof=1) / np.sqrt(30)


# --- where assumptions fail


@pytest.mark.parametrize("name", ["group_time", "imputation", "sun_abraham"])
def test_unequal_trends_bias_every_staggered_estimator(name: str) -> None:
    rng = np.random.default_rng(59)
    frame = units(rng, [4, 4, 5, 5, 6, 6, 0, 0, 0, 0], periods=9)
    parallel = getattr(staggered, name)(frame, "y", "u", "t", "g").table["estimate"].iloc[0]
    frame["y"] += 0.2 * frame["t"] * (frame["g"] > 0)  # the treated rise anyway
    parted = getattr(staggered, name)(frame, "y", "u", "t", "g").table["estimate"].iloc[0]
    # All compare with the time before; two treated periods on the drift is 0.4 at the least.
    assert parted - parallel > 0.35


def test_a_mixture_cannot_follow_what_lies_outside_its_donors() -> None:
    rng = np.random.default_rng(61)
    frame = units(rng, [0] * 8, periods=20)
    frame["y"] += 0.5 * frame["t"] * (frame["u"] == 0)
    row = synthetic_control.estimate(frame, "y", "u", "t", treated=0, start=15).table.iloc[0]
    assert row["estimate"] > 3 and "poor fit before treatment" in row["caveat"]


def test_poisson_errors_promise_too_much_for_counts_that_vary_more() -> None:
    rng = np.random.default_rng(67)
    covered = {"poisson": 0, "quasipoisson": 0}
    for _ in range(100):
        frame = counts(rng)
        for family in covered:
            row = series(frame, family=family, exposure="people", errors="iid").table.iloc[0]
            covered[family] += bool(row["ci_low"] <= LEVEL <= row["ci_high"])
    assert covered["poisson"] < 60
    assert covered["quasipoisson"] > covered["poisson"] + 20


def test_caveats_name_short_series_and_few_clusters() -> None:
    rng = np.random.default_rng(71)
    short = series(gaussian(rng)).table["caveat"].iloc[0]
    assert "60 periods: Newey-West intervals are too narrow" in short
    settled = series(gaussian(rng), errors="prais_winsten").table["caveat"].iloc[0]
    assert "60 periods: intervals are too narrow, compare gls_ar" in settled
    few = staggered.group_time(units(rng, [3, 3, 5, 5, 0, 0]), "y", "u", "t", "g").table
    assert "6 clusters: intervals tend to be too narrow" in few["caveat"].iloc[0]


def test_large_counts_converge() -> None:
    rng = np.random.default_rng(73)
    t = np.arange(60)
    for size in (1e3, 1e6):
        for _ in range(40):
            frame = pd.DataFrame({"t": t, "n": 10 * size})
            frame["y"] = rng.poisson(size * np.exp(0.2 * rng.standard_normal(60))).astype(float)
            for how in ({"family": "binomial", "trials": "n"}, {"family": "quasipoisson"}):
                assert np.isfinite(series(frame, **how).table["std_error"][0])
