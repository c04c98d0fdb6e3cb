"""What designs could detect: outcomes that behave as told, and the programme as it is planned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ncpi_eval import sources
from ncpi_eval.designs import closed_forms, power, simulate
from ncpi_eval.designs.simulate import Programme
from ncpi_eval.evidence import detectable, outcome_series
from ncpi_eval.intake import outcomes

PLAN = outcomes.read_plan()


def as_series(values: np.ndarray) -> pd.DataFrame:
    """Panels (units, periods) of logarithms as the quarterly series of forces."""
    units, periods = values.shape
    frame = pd.DataFrame(
        {
            "name": np.repeat([f"force {n}" for n in range(units)], periods),
            "force": np.repeat(np.arange(units), periods),
            "quarter": np.tile(np.arange(periods), units),
            "log_value": values.ravel(),
        }
    )
    return frame.assign(value=np.exp(frame["log_value"]))


def test_behaviour_gives_back_what_a_series_was_made_with() -> None:
    made = Programme(
        (100.0,) * 40,
        (None,) * 40,
        200,
        outcome="gaussian",
        noise_sd=0.15,
        autocorrelation=0.4,
        common_sd=0.1,
    )
    values = simulate.outcomes(made, 1, np.random.default_rng(3))[0] + 12  # no chance in counts
    found = detectable.behaviour(as_series(values))
    assert found["noise_sd"] == pytest.approx(0.15, abs=0.005)
    assert found["autocorrelation"] == pytest.approx(0.4, abs=0.03)
    # One shared series of 200 quarters: its standard error is about 0.008.
    assert found["common_sd"] == pytest.approx(0.1, abs=0.025)
    assert found["trend_sd"] == pytest.approx(0, abs=0.15)


@pytest.fixture(scope="module")
def known() -> dict[str, Programme]:
    inspections = outcome_series.first_inspections(sources.read_forces(), PLAN)
    series = outcome_series.quarterly_series(
        outcomes.read_outcome(PLAN["outcome"]["primary"]), inspections, PLAN, "2019-10-01"
    )
    return detectable.programmes(
        series,
        outcomes.read_sizes(),
        inspections,
        waiting_since="2019-02-28",
        group_size=3,
        window_months=4,
    )


def test_the_programmes_are_those_of_the_calendar(known: dict[str, Programme]) -> None:
    was, left, coming = (known[k] for k in ("as it was", "forces left", "next round"))
    # 43 forces less City of London and West Mercia; 31 quarters from April 2012.
    assert (len(was.sizes), was.periods) == (41, 31)
    # 17 forces were not inspected when the survey ended; City of London is one of them.
    assert len(left.sizes) == 16
    assert coming.calendar[:4] == (24, 24, 24, 28)
    # 41 forces by threes are 14 groups: the last begins 13 windows after the first.
    assert coming.calendar[-1] == 24 + 13 * 4
    assert coming.periods == 24 + 14 * 4 + 12
    assert coming.rate == pytest.approx(was.rate / 3, rel=1e-3)


def test_more_of_everything_bad_needs_a_larger_effect(known: dict[str, Programme]) -> None:
    designs = detectable.settings(known, 0)
    twice = [d for d in detectable.harder(designs[-1]) if d.label == "departures twice as large"]
    table = detectable.detectable([designs[-1], *twice], replications=60, seed=2)
    assert table["ratio"].iloc[1] > table["ratio"].iloc[0] > 1


def test_simulated_power_of_a_wedge_agrees_with_the_closed_form() -> None:
    # Hussey and Hughes (2007), independent errors: the variance in closed form.
    units, noise = 12, 0.2
    calendar = simulate.rolling_calendar(units, 3, 2, first=2)
    programme = Programme(
        (1.0,) * units, calendar, 10, effect=0.15, outcome="gaussian", noise_sd=noise, unit_sd=0.5
    )
    setting = power.Setting(programme, "stepped_wedge", "two_way")
    row = power.simulate_setting(setting, 4000, 11)
    exposure = np.array([[t >= start for t in range(10)] for start in calendar], dtype=float)
    # Two-way fixed effects are the limit of a very large variance between clusters.
    variance = closed_forms.hussey_hughes_variance(exposure, noise**2, 1e6)
    assert row["sd"] == pytest.approx(np.sqrt(variance), rel=0.04)
    assert abs(row["bias"]) < 3 * row["bias_mc_error"]


def test_an_arrangement_lasts_as_long_as_its_groups_take(known: dict[str, Programme]) -> None:
    setting = detectable.settings(known, 0)[-1]
    table = detectable.arrangements(setting, (10,), (2, 6), ratio=1.3, replications=50, seed=1)
    # 41 forces by tens are 5 groups: 24 months before, 5 windows, 12 months after.
    assert table["periods"].tolist() == [24 + 5 * 2 + 12, 24 + 5 * 6 + 12]


def test_survey_designs_need_more_where_colleagues_are_alike() -> None:
    table = detectable.survey_designs(forces=34, respondents=25, share=0.8, iccs=(0.0, 0.05))
    wide = table.pivot(index="term", columns="size", values="estimate")
    assert (wide[0.05] > wide[0.0]).all()
