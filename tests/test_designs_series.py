"""Interrupted series against the published tutorial and against R (tests/reference/designs)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from ncpi_eval.designs import interrupted_series as its
from ncpi_eval.designs import linear
from ncpi_eval.errors import DesignError

HERE = Path(__file__).parent / "reference" / "designs"
LAW = "1983-02"


@pytest.fixture(scope="module")
def sicily() -> pd.DataFrame:
    return pd.read_csv(HERE / "sicily.csv")


@pytest.fixture(scope="module")
def seatbelts() -> pd.DataFrame:
    return pd.read_csv(HERE / "seatbelts.csv")


def ban(sicily: pd.DataFrame, **settings: object) -> pd.Series:
    result = its.estimate(sicily, "aces", "time", 37, effect="level", exposure="stdpop", **settings)
    return result.table.iloc[0]


def law(seatbelts: pd.DataFrame, **settings: object) -> pd.DataFrame:
    result = its.estimate(seatbelts, "drivers", "month", LAW, season="month", **settings)
    return result.table.set_index("term")


def test_sicily_unadjusted(sicily: pd.DataFrame) -> None:
    row = ban(sicily, family="poisson", errors="iid")
    # Lopez Bernal et al. 2017, step 3: rate ratio 0.894 (0.864 to 0.925).
    assert_allclose(
        [row["ratio"], row["ratio_low"], row["ratio_high"]], [0.894, 0.864, 0.925], atol=0.001
    )
    # R: sicily poisson.
    assert_allclose(
        [row["estimate"], row["std_error"]], [-0.1116284425631, 0.0172247816322], atol=1e-9
    )


def test_sicily_adjusted_for_season_and_dispersion(sicily: pd.DataFrame) -> None:
    row = ban(sicily, family="quasipoisson", errors="iid", season="harmonics")
    # Lopez Bernal et al. 2017, step 4: rate ratio 0.885 (0.839 to 0.933).
    assert_allclose(
        [row["ratio"], row["ratio_low"], row["ratio_high"]], [0.885, 0.839, 0.933], atol=0.0005
    )
    # R: sicily quasi-Poisson, harmonics.
    assert_allclose(
        [row["estimate"], row["std_error"]], [-0.1220867928986, 0.0270310987657], atol=1e-9
    )


def test_sicily_newey_west(sicily: pd.DataFrame) -> None:
    row = ban(sicily, family="poisson", season="harmonics", lags=3)
    # R: sicily Newey-West 3.
    assert_allclose(row["std_error"], 0.0231869271306, atol=1e-9)


def test_sicily_negative_binomial(sicily: pd.DataFrame) -> None:
    row = ban(sicily, family="negative_binomial", errors="iid", season="harmonics")
    # R: sicily negative binomial (MASS::glm.nb).
    assert_allclose([row["estimate"], row["std_error"]], [-0.1230861254, 0.0254292615], atol=1e-6)
    assert_allclose(row["alpha"], 0.00119045660707, rtol=1e-3)


def test_seatbelts_newey_west(seatbelts: pd.DataFrame) -> None:
    table = law(seatbelts, lags=4)
    # R: seatbelts level, slope; Newey-West 4, adjusted.
    assert_allclose(
        table.loc[["level", "slope"], "estimate"], [-300.66617099954, 6.87112843605], rtol=1e-9
    )
    assert_allclose(
        table.loc[["level", "slope"], "std_error"], [42.62795283636, 2.23215612983], rtol=1e-9
    )
    plain = law(seatbelts, lags=4, small_sample=False)
    # R: the same, not adjusted.
    assert_allclose(
        plain.loc[["level", "slope"], "std_error"], [40.92893983367, 2.14318957065], rtol=1e-9
    )


def test_seatbelts_prais_winsten(seatbelts: pd.DataFrame) -> None:
    table = law(seatbelts, errors="prais_winsten")
    # R: seatbelts Prais-Winsten.
    assert_allclose(
        table.loc[["level", "slope"], "estimate"], [-285.745094826986, 5.484237075301], rtol=1e-7
    )
    assert_allclose(
        table.loc[["level", "slope"], "std_error"], [98.22649171632, 7.322210122849], rtol=1e-7
    )
    assert_allclose(table.loc["level", "rho"], 0.532368656526, rtol=1e-7)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # R: seatbelts gls AR 1; gls AR 2; gls AR 1, three months left out.
        ({"order": (1, 0, 0)}, [-284.36952070119, 100.81460450261, 5.36666866669, 7.55422091975]),
        ({"order": (2, 0, 0)}, [-281.92950335978, 105.70387369336, 5.07249789018, 8.22921789746]),
        ({"washout": 3}, [-285.95575582382, 117.63945890574, 6.72687618703, 9.55485290039]),
    ],
)
def test_seatbelts_gls(seatbelts: pd.DataFrame, settings: dict, expected: list[float]) -> None:
    table = law(seatbelts, errors="gls_ar", **settings)
    found = table.loc[["level", "slope"], ["estimate", "std_error"]].to_numpy().ravel()
    assert_allclose(found, expected, rtol=1e-6)


def test_seatbelts_arima(seatbelts: pd.DataFrame) -> None:
    table = law(seatbelts, errors="arima")
    # R: seatbelts arima; standard errors from two numerical Hessians.
    assert_allclose(table.loc[["level", "slope"], "estimate"], [-285.639199, 5.474441], rtol=2e-4)
    assert_allclose(table.loc[["level", "slope"], "std_error"], [94.5425901, 7.0514765], rtol=2e-3)
    assert_allclose(table.loc["level", "ar_1"], 0.533871, atol=1e-4)


def test_controlled_series_is_the_series_of_differences(seatbelts: pd.DataFrame) -> None:
    stacked = pd.concat(
        [
            seatbelts.assign(y=seatbelts["front"], seat="front"),
            seatbelts.assign(y=seatbelts["rear"], seat="rear"),
        ]
    )
    table = its.estimate(
        stacked, "y", "month", LAW, season="month", group="seat", treated="front",
        lags=4, small_sample=False,
    ).table  # fmt: skip
    # R: seatbelts front less rear.
    assert_allclose(table["estimate"][:2], [-189.018152085667, 0.225455859117], rtol=1e-8)
    assert_allclose(table["std_error"][:2], [18.736721198685, 1.03008259223], rtol=1e-8)


def test_diagnostics_and_choice(seatbelts: pd.DataFrame) -> None:
    table = its.diagnostics(seatbelts, "drivers", "month", LAW, season="month").table
    # R: seatbelts Ljung-Box 12.
    assert_allclose(table.set_index("term").loc["Ljung-Box", "estimate"], 220.012472609, rtol=1e-9)
    chosen = its.choose_errors(seatbelts, "drivers", "month", LAW, season="month")
    assert chosen.table["chosen"].sum() == 1
    assert chosen.text.startswith("The residuals ask for AR(2) errors")


def test_the_interruption_belongs_to_the_period_after() -> None:
    # 10 periods of 5, then 10 of 8: with the boundary one off, no exact fit is possible.
    frame = pd.DataFrame({"t": range(20), "y": [5.0] * 10 + [8.0] * 10})
    frame["y"] += np.tile([0.1, -0.1], 10)
    settings = {"effect": "level", "season": "month", "cycle": 2}
    right = its.estimate(frame, "y", "t", 10, **settings).table["estimate"][0]
    early = its.estimate(frame, "y", "t", 9, **settings).table["estimate"][0]
    assert_allclose(right, 3.0, atol=1e-9)
    assert abs(early - 3.0) > 0.1


def test_phase_in_and_two_interruptions() -> None:
    t = np.arange(40)
    noise = np.where(t % 2, 0.01, -0.01)
    y = 1 + 0.1 * t + 4 * np.clip((t - 19) / 4, 0, 1) + noise
    phased = its.estimate(pd.DataFrame({"t": t, "y": y}), "y", "t", 20, effect="level", phase=3)
    assert_allclose(phased.table["estimate"][0], 4.0, atol=0.02)
    y = 1 + 0.1 * t + 2.0 * (t >= 15) - 3.0 * (t >= 30) + noise
    two = its.estimate(pd.DataFrame({"t": t, "y": y}), "y", "t", (15, 30), effect="level").table
    assert list(two["term"][:2]) == ["level 15", "level 30"]
    assert_allclose(two["estimate"][:2], [2.0, -3.0], atol=0.02)


def test_effects_and_counterfactual_agree(seatbelts: pd.DataFrame) -> None:
    effect = its.effects(seatbelts, "drivers", "month", LAW, season="month", horizons=[0, 12]).table
    line = its.counterfactual(seatbelts, "drivers", "month", LAW, season="month").table
    after = line[line["event_time"].between(0, 12)]
    gap = after["fitted"] - after["estimate"]
    assert_allclose(effect["estimate"].iloc[2], gap.iloc[-1], rtol=1e-10)
    assert_allclose(effect["estimate"].iloc[3], gap.sum(), rtol=1e-10)


def test_rate_effect_is_the_ratio_of_fitted_and_counterfactual(sicily: pd.DataFrame) -> None:
    settings = {"family": "poisson", "exposure": "stdpop"}
    effect = its.effects(sicily, "aces", "time", 37, horizons=[6], **settings).table.iloc[0]
    line = its.counterfactual(sicily, "aces", "time", 37, **settings).table.iloc[42]
    assert_allclose(effect["ratio"], line["fitted"] / line["estimate"], rtol=1e-10)
    assert effect["ratio_low"] < effect["ratio"] < effect["ratio_high"]


def test_binomial_series_finds_a_known_odds_ratio() -> None:
    t = np.arange(40)
    trials = np.full(40, 10_000)
    odds = 0.5 * np.exp(0.7 * (t >= 20))
    frame = pd.DataFrame({"t": t, "yes": np.round(trials * odds / (1 + odds)) + t % 2, "n": trials})
    row = its.estimate(
        frame, "yes", "t", 20, family="binomial", trials="n", effect="level"
    ).table.iloc[0]
    assert_allclose(row["ratio"], np.exp(0.7), rtol=2e-3)


def test_placebos_and_sensitivity(seatbelts: pd.DataFrame) -> None:
    common = {"season": "month", "errors": "gls_ar"}
    placebo = its.placebo_dates(
        seatbelts, "drivers", "month", LAW, dates=["1975-01", "1979-01"], **common
    )
    assert list(placebo.table["group"]) == ["true", "placebo", "placebo"]
    other = its.placebo_outcome(seatbelts, "front", "month", LAW, placebos=["rear"], **common)
    # The law required front seat belts; rear passengers are the outcome that should not change.
    assert other.table["p_value"].iloc[0] < 0.05 < other.table["p_value"].iloc[1]
    varied = its.sensitivity(
        seatbelts, "drivers", "month", LAW, season="month", windows=[(60, 20)], lags=[0, 12],
        variants=[{"effect": "level"}],
    )  # fmt: skip
    assert len(varied.table) == 5


def test_random_effects() -> None:
    row = its.random_effects([-0.10, 0.25, 0.30, 0.05, 0.60], [0.10, 0.15, 0.20, 0.08, 0.25])
    # R: meta-analysis.
    assert_allclose(
        [row["estimate"], row["std_error"], row["tau"]],
        [0.145045272902, 0.107557209837, 0.163210456506],
        rtol=1e-10,
    )


def test_pooled_series_with_dates_of_their_own() -> None:
    rng = np.random.default_rng(3)
    rows = []
    for unit in range(12):
        t = np.arange(45)
        start = 15 + unit
        y = 10 + unit + 0.05 * t - 2.0 * (t >= start) + rng.normal(0, 0.5, 45)
        rows.append(pd.DataFrame({"force": f"f{unit:02}", "t": t, "y": y, "start": start}))
    frame = pd.concat(rows)
    result = its.pooled(frame, "y", "t", "start", unit="force", effect="level")
    row = result.table.iloc[0]
    assert row["group"] == "pooled" and row["n"] == 12
    assert abs(row["estimate"] + 2.0) < 3 * row["std_error"]


def test_batch_and_single_are_one_computation(seatbelts: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(96), np.arange(96), np.arange(96) >= 60])
    many = rng.standard_normal((7, 96))
    together = linear.newey_west_errors(x, linear.least_squares(x, many), 4, np.eye(3))
    for row, y in enumerate(many):
        frame = pd.DataFrame({"t": range(96), "y": y})
        table = its.estimate(frame, "y", "t", 60, effect="level", lags=4).table.set_index("term")
        assert_allclose(together[row, 2], table.loc["level", "std_error"], atol=1e-12)


def test_dates_of_every_kind_mean_the_same(seatbelts: pd.DataFrame) -> None:
    expected = law(seatbelts).loc["level", "estimate"]
    kinds = {
        "dates": (pd.to_datetime(seatbelts["month"]), pd.Timestamp("1983-02-01")),
        "periods": (pd.PeriodIndex(seatbelts["month"], freq="M"), pd.Period("1983-02", "M")),
        "numbers": (np.arange(192), 169),
    }
    for values, date in kinds.values():
        frame = seatbelts.assign(when=values)
        table = its.estimate(frame, "drivers", "when", date, season="month").table
        assert_allclose(table["estimate"][0], expected, rtol=1e-9)


def test_sentence_says_what_was_done(sicily: pd.DataFrame) -> None:
    result = its.estimate(
        sicily, "aces", "time", 37, family="quasipoisson", errors="iid",
        exposure="stdpop", effect="level", season="harmonics",
    )  # fmt: skip
    assert result.text == (
        "At 37 the level of aces changed by rate ratio 0.885 (0.839 to 0.933), by quasi-Poisson "
        "regression over 59 periods; a rival event at the same time would be credited to the "
        "interruption."
    )


def test_collinear_regressors_are_refused() -> None:
    with pytest.raises(DesignError, match="collinear"):
        linear.least_squares(np.ones((10, 2)), np.arange(10.0))


def test_quarters_as_periods() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"q": pd.period_range("2012Q2", periods=40, freq="Q")})
    frame["y"] = rng.normal(size=40)
    text = its.estimate(frame, "y", "q", "2017Q2").table["estimate"]
    period = its.estimate(frame, "y", "q", pd.Period("2017Q2")).table["estimate"]
    number = its.estimate(frame.assign(q=range(40)), "y", "q", 20).table["estimate"]
    assert_allclose(text, period)
    assert_allclose(text, number)
