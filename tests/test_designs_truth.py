"""Known truth for the estimators that are fitted one by one: no bias beyond Monte Carlo error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ncpi_eval.designs import interrupted_series, simulate, staggered, synthetic_control
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
