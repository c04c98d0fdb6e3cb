"""Staggered estimators against published output and against R (tests/reference/designs)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from ncpi_eval.designs import group_time as cells
from ncpi_eval.designs import linear, staggered
from ncpi_eval.designs import staggered_checks as checks
from ncpi_eval.designs.panel import NEVER, panel, treatment_of

HERE = Path(__file__).parent / "reference" / "designs"
COLUMNS = ("lemp", "county", "year", "first_treated")


@pytest.fixture(scope="module")
def mpdta() -> pd.DataFrame:
    wide = pd.read_csv(HERE / "mpdta.csv")
    frame = wide.melt(["county", "first_treated", "lpop"], var_name="year", value_name="lemp")
    return frame.assign(year=frame["year"].astype(int))


# R: mpdta never / not yet (effects and standard errors, by infinitesimal jackknife of means).
AGGREGATED = {
    "never_treated": {
        "simple": (-0.0399512751071, 0.0120340127730),
        "event_time": (-0.0772398214146, 0.0199649890644),
        "group": (-0.0310182821762, 0.0124460593222),
        "calendar": (-0.0417004320984, 0.0159718518995),
    },
    "not_yet_treated": {
        "simple": (-0.0397636255720, 0.0120524247913),
        "event_time": (-0.0773993139229, 0.0195601769501),
        "group": (-0.0304622280586, 0.0125751201329),
        "calendar": (-0.0442670834369, 0.0155709044368),
    },
}


@pytest.mark.parametrize("controls", list(AGGREGATED))
@pytest.mark.parametrize("aggregate", ["simple", "event_time", "group", "calendar"])
def test_four_aggregations(mpdta: pd.DataFrame, controls: str, aggregate: str) -> None:
    row = staggered.group_time(
        mpdta, *COLUMNS, aggregate=aggregate, controls=controls
    ).table.iloc[0]  # fmt: skip
    assert_allclose([row["estimate"], row["std_error"]], AGGREGATED[controls][aggregate], atol=1e-9)


def test_published_figures_of_did(mpdta: pd.DataFrame) -> None:
    def at(aggregate: str) -> pd.DataFrame:
        return staggered.group_time(
            mpdta,
            *COLUMNS,
            aggregate=aggregate,  # type: ignore[arg-type]
            controls="never_treated",
        ).table

    # R package did, introduction (Callaway and Sant'Anna): overall dynamic -0.0772, event times.
    events = at("event_time")
    assert_allclose(events["estimate"][0], -0.0772, atol=5e-5)
    assert_allclose(
        events["estimate"][1:],
        [0.0305, -0.0006, -0.0245, -0.0199, -0.0510, -0.1373, -0.1008],
        atol=5e-5,
    )
    # The same: by group -0.0310, -0.0797, -0.0229, -0.0261; by year -0.0417; simple -0.0400.
    assert_allclose(at("group")["estimate"], [-0.0310, -0.0797, -0.0229, -0.0261], atol=5e-5)
    assert_allclose(at("calendar")["estimate"][0], -0.0417, atol=5e-5)
    assert_allclose(at("simple")["estimate"][0], -0.0400, atol=5e-5)


# Stata's csdid (F. Rios-Avila), published walk-through of the same data: csdid lemp lpop,
# method(dripw), then estat simple, calendar, group and event. Effects and standard errors.
CSDID = {
    "simple": [(-0.0417518, 0.0115028)],
    "calendar": [
        (-0.0145297, 0.0221292),
        (-0.0764219, 0.0286713),
        (-0.0461757, 0.0212107),
        (-0.0395822, 0.0129299),
    ],
    "group": [(-0.0845759, 0.0245649), (-0.0201666, 0.0174696), (-0.0287814, 0.0162390)],
    "event_time": [
        (0.0267278, 0.0140657),
        (-0.0036165, 0.0129283),
        (-0.0232440, 0.0144851),
        (-0.0210604, 0.0114942),
        (-0.0530032, 0.0163465),
        (-0.1404483, 0.0353782),
        (-0.1069039, 0.0328865),
    ],
}


@pytest.mark.parametrize("aggregate", list(CSDID))
def test_published_aggregations_with_a_covariate(mpdta: pd.DataFrame, aggregate: str) -> None:
    table = staggered.group_time(
        mpdta,
        *COLUMNS,
        aggregate=aggregate,  # type: ignore[arg-type]
        controls="never_treated",
        covariates=["lpop"],
    ).table
    rows = table if aggregate == "simple" else table.iloc[1:]
    # Leads to 2e-6 only: diff-diff divides the controls' part by the number of treated, csdid and
    # R's did by the sum of the controls' weights, which is nearly the same number.
    tolerance = np.where(rows.get("event_time", pd.Series(0, rows.index)) < 0, 2e-6, 1e-6)
    difference = np.abs(rows[["estimate", "std_error"]].to_numpy() - np.array(CSDID[aggregate]))
    assert (difference <= tolerance[:, None]).all()


def test_uniform_band_is_wider_than_the_pointwise(mpdta: pd.DataFrame) -> None:
    events = staggered.group_time(mpdta, *COLUMNS).table.iloc[1:]
    assert (events["uniform_low"] < events["ci_low"]).all()
    assert (events["uniform_high"] > events["ci_high"]).all()


def test_two_way_and_its_decomposition(mpdta: pd.DataFrame) -> None:
    row = staggered.two_way(mpdta, *COLUMNS).table.iloc[0]
    # pyfixest 0.60, feols("lemp ~ d | county + year", vcov={"CRV1": "county"}).
    assert_allclose([row["estimate"], row["std_error"]], [-0.0365489, 0.0132652], atol=1e-6)
    table = staggered.goodman_bacon(mpdta, *COLUMNS).table
    parts = table[table["term"].str.startswith("comparison")]
    assert_allclose((parts["estimate"] * parts["weight"]).sum(), row["estimate"], atol=1e-12)
    assert_allclose(parts["weight"].sum(), 1.0, atol=1e-12)


def test_sun_abraham_published_example() -> None:
    frame = pd.read_csv(HERE / "base_stagg.csv")
    row = staggered.sun_abraham(
        frame, "y", "id", "year", "year_treated", covariates=["x1"]
    ).table.iloc[0]
    # fixest, help of aggregate.fixest: ATT -1.133749 (0.205070).
    assert_allclose([row["estimate"], row["std_error"]], [-1.133749, 0.205070], atol=1e-6)


def test_imputation_by_hand() -> None:
    # Three units, three periods. Unit c is never treated and rises by 1 a period, so unit a
    # (treated in 2) should have 10, 11, 12 and b (treated in 3) 20, 21, 22 (and d as c).
    frame = pd.DataFrame(
        {
            "unit": list("aaabbbcccddd"),
            "t": [1, 2, 3] * 4,
            "first": [2] * 3 + [3] * 3 + [0] * 6,
            "y": [10.0, 14, 16, 20, 21, 25, 5, 6, 7, 1, 2, 3],
        }
    )
    table = staggered.imputation(frame, "y", "unit", "t", "first").table
    # a: 14 - 11 = 3 and 16 - 12 = 4; b: 25 - 22 = 3; mean 10 / 3.
    assert_allclose(table["estimate"][0], 10 / 3, atol=1e-9)


@pytest.mark.parametrize("controls", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize("anticipation", [0, 1])
def test_kernel_is_the_estimator(mpdta: pd.DataFrame, controls: str, anticipation: int) -> None:
    frame = mpdta[mpdta["first_treated"] != 2004] if anticipation else mpdta
    data = panel(frame, *COLUMNS, controls=controls, anticipation=anticipation)
    names = {"simple": "simple", "group": "group overall", "calendar": "calendar overall"}
    for aggregate, kind in names.items():
        row = staggered.group_time(
            frame, *COLUMNS, aggregate=aggregate, controls=controls, anticipation=anticipation
        ).table.iloc[0]
        kernel = cells.linear_estimator(
            data.cohort, 5, kind, controls=controls, anticipation=anticipation
        )
        assert_allclose(
            np.array(kernel.apply(data.outcomes)), [row["estimate"], row["std_error"]], atol=1e-8
        )


def test_panels_together_are_panels_alone() -> None:
    rng = np.random.default_rng(2)
    d = treatment_of(np.array([3, 5, 7, NEVER, NEVER, 4]), 10)
    many = rng.standard_normal((5, 6, 10))
    together = linear.two_way(many, d)
    for row in range(5):
        alone = linear.two_way(many[row], d)
        assert_allclose(together.estimate[row], alone.estimate, atol=1e-14)
        assert_allclose(together.std_error[row], alone.std_error, atol=1e-14)


def test_pretrends_and_their_power(mpdta: pd.DataFrame) -> None:
    table = checks.pretrends(mpdta, *COLUMNS).table
    wald = table.iloc[0]
    assert wald["df"] == 3 and 0.05 < wald["p_value"] < 0.5
    trend = table[table["term"] == "detectable trend"]
    assert trend["estimate"].is_monotonic_increasing
    # A trend of e per period lasts, on average over event times 0 to 3, (1 + 2 + 3 + 4) / 4 = 2.5.
    assert_allclose(trend["bias"] / trend["estimate"], 2.5)


def test_honest_bounds_widen(mpdta: pd.DataFrame) -> None:
    table = checks.honest_bounds(mpdta, *COLUMNS, controls="never_treated").table
    width = table["ci_high"] - table["ci_low"]
    assert width.is_monotonic_increasing
    # With no departure the interval is the ordinary one of the mean of event times 0 to 3.
    assert_allclose(table["ci_low"][0], -0.0772398 - 1.959964 * 0.0199650, atol=1e-5)


def small_panel() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        [
            {"u": u, "t": t, "g": g, "y": rng.normal() + (1.0 if g and t >= g else 0.0)}
            for u, g in enumerate([4, 4, 6, 8, 0, 0, 0])
            for t in range(1, 9)
        ]
    )


def test_wild_bootstrap_by_enumeration() -> None:
    # Seven clusters have 128 sign patterns: all of them, by ordinary least squares in full.
    frame = small_panel()
    units, periods = 7, 8
    y = frame["y"].to_numpy()
    d = ((frame["g"] > 0) & (frame["t"] >= frame["g"])).to_numpy(dtype=float)
    unit, time = frame["u"].to_numpy(), frame["t"].to_numpy()
    effects = np.column_stack(
        [*(unit == k for k in range(units)), *(time == k for k in range(2, periods + 1))]
    ).astype(float)
    full = np.column_stack([d, effects])

    def t_statistic(outcome: np.ndarray) -> float:
        beta = np.linalg.lstsq(full, outcome, rcond=None)[0]
        scores = full * (outcome - full @ beta)[:, None]
        meat = sum(np.outer(s, s) for s in (scores[unit == k].sum(axis=0) for k in range(units)))
        bread = np.linalg.inv(full.T @ full)
        return float(beta[0] / np.sqrt((bread @ meat @ bread)[0, 0]))

    restricted = effects @ np.linalg.lstsq(effects, y, rcond=None)[0]
    signs = np.array([[1 if k >> bit & 1 else -1 for bit in range(units)] for k in range(2**units)])
    drawn = [abs(t_statistic(restricted + s[unit] * (y - restricted))) for s in signs]
    # As boottest, diff-diff counts strictly larger draws: not the sample itself and its mirror.
    expected = np.mean(np.array(drawn) > abs(t_statistic(y)) + 1e-9)
    found = checks.wild_bootstrap(frame, "y", "u", "t", "g", draws=2**units).table.iloc[0]
    assert_allclose(found["p_value"], expected, atol=1e-12)


def test_inference_by_reshuffling_is_repeatable_and_holds_the_effect() -> None:
    frame = small_panel()
    row = checks.randomisation(frame, "y", "u", "t", "g", draws=399).table.iloc[0]
    again = checks.randomisation(frame, "y", "u", "t", "g", draws=399).table.iloc[0]
    assert again.equals(row)
    assert row["ci_low"] < row["estimate"] < row["ci_high"]


def test_randomisation_within_strata_by_enumeration() -> None:
    # Four units in two strata, one treated in each: 2 x 2 = 4 calendars, p is 1/4 at the smallest.
    frame = pd.DataFrame(
        {
            "u": np.repeat(list("abcd"), 3),
            "t": [1, 2, 3] * 4,
            "s": np.repeat([0, 0, 1, 1], 3),
            "g": np.repeat([2, 0, 3, 0], 3),
            "y": [0, 9, 9, 0, 0, 1, 0, 0, 9, 0, 1, 0.0],
        }
    )
    p = checks.randomisation(frame, "y", "u", "t", "g", draws=1999, strata="s").table["p_value"][0]
    assert abs(p - 0.25) < 0.04


def test_naive_contrasts_fail_where_the_estimator_does_not() -> None:
    # Every unit rises by 1 a period and early units start higher; the effect is 2 at once.
    rows = [
        {"u": u, "t": t, "g": g, "y": 3.0 * (12 - g) + t + 2.0 * (t >= g) + 0.01 * ((u * t) % 3)}
        for u, g in enumerate([4, 4, 6, 6, 8, 8, 10, 10, 12, 12])
        for t in range(1, 13)
    ]
    frame = pd.DataFrame(rows)
    naive = staggered.naive(frame, "y", "u", "t", "g").table.set_index("term")["estimate"]
    assert naive["before and after"] > 6 and naive["treated and untreated"] > 10
    fair = staggered.group_time(frame, "y", "u", "t", "g", aggregate="simple").table
    assert_allclose(fair["estimate"][0], 2.0, atol=0.05)


def test_two_way_has_the_wrong_sign_where_effects_grow() -> None:
    # Effects grow by 1 a period; all are treated in the end (Goodman-Bacon 2021, section 3).
    rows = [
        {"u": u, "t": t, "g": g, "y": max(t - g + 1, 0) * 1.0}
        for u, g in enumerate([2, 2, 2, 6, 6, 6])
        for t in range(1, 13)
    ]
    frame = pd.DataFrame(rows)
    assert staggered.two_way(frame, "y", "u", "t", "g").table["estimate"][0] < 0
    fair = staggered.group_time(frame, "y", "u", "t", "g", aggregate="simple").table
    assert_allclose(fair["estimate"][0], (1 + 2 + 3 + 4) / 4, atol=1e-9)


def test_caveat_names_cohorts_of_one_unit() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        [{"u": u, "t": t, "g": u + 3, "y": rng.normal()} for u in range(8) for t in range(1, 12)]
    )
    caveat = staggered.group_time(frame, "y", "u", "t", "g", aggregate="simple").table["caveat"][0]
    assert caveat == (
        "parallel trends are assumed; 8 clusters: intervals tend to be too narrow; 8 cohorts of "
        "one unit, whose own variation the standard error cannot see: use randomisation inference; "
        "no unit is never treated: effects end with the last comparison"
    )


def test_calendar_of_every_kind_means_the_same() -> None:
    numbers = small_panel().assign(g=lambda f: f["g"].replace(0, 99))
    quarter = lambda column: pd.PeriodIndex(  # noqa: E731
        [pd.Period("2012Q1") + int(value) for value in column], freq="Q"
    )
    periods = numbers.assign(t=quarter(numbers["t"]), g=quarter(numbers["g"]))
    starts = {name: periods[name].dt.start_time for name in ("t", "g")}
    # A date in mid-quarter belongs to the quarter that contains it.
    dates = numbers.assign(t=starts["t"], g=starts["g"] + pd.Timedelta(days=40))
    texts = numbers.assign(
        t=starts["t"].dt.strftime("%Y-%m-%d"), g=starts["g"].dt.strftime("%Y-%m")
    )
    for frame in (periods, dates, texts):
        found = panel(frame, "y", "u", "t", "g")
        assert found.cohort.tolist() == panel(numbers, "y", "u", "t", "g").cohort.tolist()
