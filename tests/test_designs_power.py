"""Closed forms against R and published formulas; simulation against known truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers_dask import scheduler
from numpy.testing import assert_allclose

from ncpi_eval.designs import closed_forms, interrupted_series, power, simulate, staggered
from ncpi_eval.designs.power import Setting
from ncpi_eval.designs.simulate import Programme

FORCES = Programme(
    sizes=tuple(100.0 + 20 * unit for unit in range(16)),
    calendar=tuple(10 + 2 * unit for unit in range(16)),
    periods=48,
    rate=0.3,
    overdispersion=0.02,
    noise_sd=0.1,
    autocorrelation=0.3,
    common_sd=0.1,
    season=0.1,
)
SERIES = Programme((400.0,), (30,), 60, rate=1.0, noise_sd=0.05)


# --- closed forms


def test_hussey_hughes_against_least_squares_in_r() -> None:
    four = np.repeat(closed_forms.wedge(4, 1), 6, axis=0)
    # R: wedge 24 clusters, 4 steps; prevalence 5%, 100 per cell, coefficient of variation 0.3.
    assert_allclose(
        closed_forms.hussey_hughes_variance(four, 0.05 * 0.95 / 100, 0.015**2),
        4.40579710145e-05,
        rtol=1e-11,
    )
    five = closed_forms.wedge(10, 2)
    # R: wedge 10 clusters, 5 steps.
    assert_allclose(closed_forms.hussey_hughes_variance(five, 4, 4), 0.777777777778, rtol=1e-11)
    assert_allclose(closed_forms.gls_variance(five, 4, 4), 0.777777777778, rtol=1e-11)


@pytest.mark.parametrize(("steps", "size", "icc"), [(3, 10, 0.05), (5, 40, 0.01), (8, 5, 0.3)])
def test_design_effect_of_woertman(steps: int, size: int, icc: float) -> None:
    # Woertman et al. (2013), Journal of Clinical Epidemiology 66:752, with b = t = 1: the design
    # effect by which the participants of a trial without clusters are multiplied, per measurement.
    k, n = steps, size
    published = (1 + icc * (k * n + n - 1)) / (1 + icc * (k * n / 2 + n - 1))
    published *= 3 * (1 - icc) / (2 * (k - 1 / k))
    exposure = closed_forms.wedge(steps, 1)
    variance = closed_forms.hussey_hughes_variance(exposure, (1 - icc) / size, icc)
    assert_allclose(variance, published * 4 / (steps * size), rtol=1e-10)


def test_stepped_wedge_reports_power_and_detectable() -> None:
    exposure = closed_forms.wedge(43, 3, 4)
    # 15 groups, the last of one force: 1 + 14 x 4 + 1 months.
    assert exposure.shape == (43, 58)
    table = closed_forms.stepped_wedge(exposure, effect=0.02, total_sd=0.5, icc=0.02, size=30).table
    smallest = table["estimate"][1]
    again = closed_forms.stepped_wedge(exposure, effect=smallest, total_sd=0.5, icc=0.02, size=30)
    assert_allclose(again.table["estimate"][0], 0.8, atol=1e-9)


def test_notice_and_decay_cost_precision() -> None:
    exposure = closed_forms.wedge(17, 3, 4, before=4, after=4)
    start = exposure.argmax(axis=1)
    months = np.arange(exposure.shape[1])
    notice = (months >= start[:, None] - 2) & (months < start[:, None])
    plain = closed_forms.gls_variance(exposure, 0.1, 0.05)
    assert closed_forms.gls_variance(exposure, 0.1, 0.05, observed=~notice) > plain
    assert closed_forms.gls_variance(exposure, 0.1, 0.05, autocorrelation=0.9, decay=True) > plain


def test_cluster_trial_against_r() -> None:
    table = closed_forms.cluster_trial(
        clusters=20, size=30, effect=0.1, total_sd=0.5, icc=0.05
    ).table
    # R: cluster trial; cluster trial, detectable.
    assert_allclose(table["estimate"], [0.578114751066, 0.129902630691], atol=1e-9)


def test_repeated_survey_by_brute_force() -> None:
    # Two forces, two waves, three people each: the covariance of all twelve answers, and the
    # contrast of the two waves' means.
    share, icc, r = 0.4, 0.1, 0.6
    force, wave = np.repeat([0, 1], 6), np.tile(np.repeat([0, 1], 3), 2)
    same_force, same_wave = force[:, None] == force, wave[:, None] == wave
    correlation = same_force * np.where(same_wave, icc, icc * r) + (1 - icc) * np.eye(12)
    after = 0.4 + 0.1
    spread = (share * (1 - share) + after * (1 - after)) / 2
    contrast = np.where(wave, 1 / 6, -1 / 6)
    expected = np.sqrt(spread * contrast @ correlation @ contrast)
    table = closed_forms.repeated_survey(
        clusters=2, respondents=3, share=share, change=0.1, icc=icc, autocorrelation=r
    ).table
    assert_allclose(table["std_error"][0], expected, rtol=1e-12)


# --- the simulation calls the very estimators


def long_frame(panel: np.ndarray, programme: Programme) -> pd.DataFrame:
    units, periods = panel.shape
    return pd.DataFrame(
        {
            "u": np.repeat(np.arange(units), periods),
            "t": np.tile(np.arange(periods), units),
            "g": np.repeat([0 if c is None else c for c in programme.calendar], periods),
            "y": panel.ravel(),
        }
    )


@pytest.mark.parametrize("estimator", ["two_way", "group_time"])
def test_panel_kernels_are_the_estimators(estimator: str) -> None:
    setting = Setting(FORCES, "staggered", estimator)  # type: ignore[arg-type]
    panels = simulate.outcomes(FORCES, 2, np.random.default_rng(1))
    estimate, error, _ = power.estimates(setting, panels)
    frame = long_frame(panels[1], FORCES)
    columns = ("y", "u", "t", "g")
    alone = (
        staggered.two_way(frame, *columns)
        if estimator == "two_way"
        else staggered.group_time(frame, *columns, aggregate="simple")
    ).table.iloc[0]
    assert_allclose([estimate[1], error[1]], [alone["estimate"], alone["std_error"]], atol=1e-8)


@pytest.mark.parametrize("estimator", ["newey_west", "gls_ar"])
def test_series_kernel_is_the_estimator(estimator: str) -> None:
    setting = Setting(SERIES, "series", estimator, effect_model="level_and_slope", seasonal=True)
    panels = simulate.outcomes(SERIES, 3, np.random.default_rng(2))
    estimate, error, _ = power.estimates(setting, panels)
    frame = pd.DataFrame({"t": np.arange(60), "y": panels[2, 0]})
    table = interrupted_series.effects(
        frame, "y", "t", 30, season="harmonics", horizons=[29], errors=estimator
    ).table.iloc[1]
    # The cumulative effect over the 30 periods after is 30 times their mean effect.
    assert_allclose(
        [estimate[2], error[2]], [table["estimate"] / 30, table["std_error"] / 30], atol=1e-8
    )


# --- known truth; 400 replications, so that coverage is known to about 1 in 100

TRUTH = {
    "series, independent": Setting(SERIES, "series", "newey_west"),
    "series, autoregressive": Setting(
        Programme((400.0,), (40,), 80, rate=1.0, noise_sd=0.1, autocorrelation=0.4),
        "series",
        "gls_ar",
    ),
    "controlled series": Setting(
        Programme((400.0,) * 4, (30, None, None, None), 60, noise_sd=0.05, common_sd=0.2),
        "controlled_series",
        "newey_west",
    ),
    "staggered, two-way": Setting(FORCES, "staggered", "two_way"),
    "staggered, group-time": Setting(FORCES, "staggered", "group_time"),
    "stepped wedge": Setting(FORCES, "stepped_wedge", "two_way"),
}


@pytest.mark.parametrize("name", list(TRUTH))
@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_unbiased_where_the_design_holds(name: str, effect: float) -> None:
    (setting,) = power.grid(TRUTH[name], effect=[effect])
    row = power.simulate_setting(setting, 400, seed=11)
    # log((count + 0.5) / size) has a bias of its own of about 1 / (24 count^2): under 0.001 here.
    assert abs(row["bias"]) < 3.5 * row["bias_mc_error"] + 0.001
    assert row["coverage"] > 0.88


def test_it_fails_where_assumptions_fail() -> None:
    # Autocorrelated errors, 40 periods: Newey-West with the rule of thumb covers far under 95%.
    short = Programme((1.0,), (20,), 40, outcome="gaussian", noise_sd=1.0, autocorrelation=0.7)
    row = power.simulate_setting(Setting(short, "series", "newey_west"), 600, seed=3)
    assert row["coverage"] < 0.85
    better = power.simulate_setting(Setting(short, "series", "gls_ar"), 600, seed=3)
    assert better["coverage"] > row["coverage"] + 0.05
    # Early units on a trend of their own: biased, and covered rarely.
    (trend,) = power.grid(TRUTH["staggered, group-time"], early_trend=[0.6])
    row = power.simulate_setting(trend, 200, seed=3)
    assert row["bias"] > 5 * row["bias_mc_error"]
    # Growing effects: two-way fixed effects understates the mean effect, group-time does not.
    grown = power.grid(
        Setting(FORCES), effect=[0.4], shape=["grows"], estimator=["two_way", "group_time"]
    )
    two_way, group_time = (power.simulate_setting(s, 200, seed=3) for s in grown)
    assert two_way["bias"] < -10 * two_way["bias_mc_error"]
    assert abs(group_time["bias"]) < 3.5 * group_time["bias_mc_error"] + 0.001
    # Incomplete recent months look like a fall.
    late = Programme((400.0,), (40,), 48, completeness=(0.9, 0.8, 0.6))
    row = power.simulate_setting(Setting(late, "series", "newey_west"), 200, seed=3)
    assert row["bias"] < -10 * row["bias_mc_error"]


def test_simulated_moments_are_those_asked_for() -> None:
    asked = Programme(
        (1.0,) * 40, (None,) * 40, 50, outcome="gaussian", unit_sd=0.0, noise_sd=0.6,
        common_sd=0.8, autocorrelation=0.5,
    )  # fmt: skip
    panels = simulate.outcomes(asked, 200, np.random.default_rng(7))
    assert_allclose(panels.var(), 0.6**2 + 0.8**2, rtol=0.03)
    assert_allclose(np.mean(panels[..., 1:] * panels[..., :-1]), 0.5, rtol=0.05)
    between = np.mean(panels.mean(axis=1) ** 2)  # common shocks, and 1 in 40 of the noise
    assert_allclose(between, 0.8**2 + 0.6**2 / 40, rtol=0.04)


# --- grids


def test_the_same_from_the_same_seed_in_any_order() -> None:
    settings = power.grid(Setting(SERIES, "series", "newey_west"), effect=[0.0, 0.1, 0.2])
    forward = power.run(settings, replications=50, seed=5).table
    backward = power.run(settings[::-1], replications=50, seed=5).table
    pd.testing.assert_frame_equal(forward, backward.iloc[::-1].reset_index(drop=True))
    other = power.run(settings, replications=50, seed=6).table
    assert not forward["estimate"].equals(other["estimate"])


def test_the_same_on_one_and_two_workers() -> None:
    settings = power.grid(Setting(FORCES), effect=[0.0, 0.1], autocorrelation=[0.0, 0.5])
    one = power.run(settings, replications=40, seed=5, workers=1)
    two = power.run(settings, replications=40, seed=5, workers=2)
    pd.testing.assert_frame_equal(one.table, two.table)


def test_the_same_on_a_dask_cluster_which_goes_on_from_a_store(tmp_path: Path) -> None:
    settings = power.grid(Setting(FORCES), effect=[0.0, 0.1], autocorrelation=[0.0, 0.5])
    how = {"replications": 40, "seed": 5}
    store = tmp_path / "grid.jsonl"
    power.run(settings[:1], **how, store=store)  # type: ignore[arg-type]
    with scheduler(tmp_path, 2) as (address, _):
        found = power.run(settings, **how, store=store, scheduler=address)  # type: ignore[arg-type]
    assert len(store.read_text(encoding="utf-8").splitlines()) == 4
    pd.testing.assert_frame_equal(found.table, power.run(settings, **how).table)  # type: ignore[arg-type]


def test_a_stopped_grid_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = power.grid(Setting(SERIES, "series", "newey_west"), effect=[0.0, 0.1, 0.2])
    store = tmp_path / "grid.jsonl"
    whole = power.run(settings, replications=50, seed=5).table
    power.run(settings[:2], replications=50, seed=5, store=store)
    # Cut the second line short, as a power cut would.
    store.write_text(store.read_text(encoding="utf-8")[:-30], encoding="utf-8")
    simulated: list[Setting] = []
    true = power.simulate_setting
    monkeypatch.setattr(
        power, "simulate_setting", lambda s, r, k: (simulated.append(s), true(s, r, k))[1]
    )
    resumed = power.run(settings, replications=50, seed=5, store=store, progress=True).table
    pd.testing.assert_frame_equal(resumed, whole)
    assert [s.programme.effect for s in simulated] == [0.1, 0.2]
    assert capsys.readouterr().err.startswith("settings: 2 of 2 in ")
    simulated.clear()
    power.run(settings, replications=50, seed=5, store=store)
    assert simulated == []


def test_smallest_detectable_effect_is_detected() -> None:
    setting = Setting(SERIES, "series", "newey_west")
    result = power.minimum_detectable(setting, replications=300, seed=4).table.iloc[0]
    (at_it,) = power.grid(setting, effect=[result["estimate"]])
    row = power.simulate_setting(at_it, 400, seed=9)
    assert abs(row["power"] - 0.8) < 0.08
    down = power.grid(setting, effect=[-0.1])[0]
    fall = power.minimum_detectable(down, replications=300, seed=4).table.iloc[0]
    assert fall["estimate"] < 0


def test_the_programme_as_a_stepped_wedge() -> None:
    calendar = simulate.rolling_calendar(43, 3, 4, first=24)
    # Fifteen groups, the last of one force, start in months 24, 28, ... 80.
    assert calendar[:4] == (24, 24, 24, 28) and calendar[-1] == 24 + 14 * 4
    wedge = Programme((30.0,) * 43, calendar, 84, rate=1.0, noise_sd=0.1, autocorrelation=0.4)
    row = power.simulate_setting(Setting(wedge, "stepped_wedge", "two_way"), 100, seed=2)
    assert 0.85 < row["coverage"] <= 1.0
