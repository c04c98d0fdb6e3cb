"""The rollout of inspections: estimators as planned, and a decision that can go both ways."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ncpi_eval import sources
from ncpi_eval.designs import staggered
from ncpi_eval.designs.simulate import NEVER
from ncpi_eval.evidence import outcome_series, rollout
from ncpi_eval.intake import outcomes
from ncpi_eval.results import Result

PLAN = outcomes.read_plan()


@pytest.fixture(scope="module")
def inspections() -> pd.DataFrame:
    return outcome_series.first_inspections(sources.read_forces(), PLAN)


def filled(inspections: pd.DataFrame, effect: float, drift: float, seed: int) -> pd.DataFrame:
    """The real calendar filled with numbers of our own, so that the truth is known."""
    outcome = outcomes.read_outcome(PLAN["outcome"]["primary"])
    panel = outcome_series.yearly_panel(outcome, inspections, PLAN)
    rng = np.random.default_rng(seed)
    treated = panel["first_inspected"].gt(0) & panel["year"].ge(panel["first_inspected"])
    early = panel["first_inspected"].gt(0) * (panel["year"] - 2013)
    noise = rng.normal(0, 0.03, len(panel))
    value = 5 + 0.1 * (panel["year"] - 2013) + effect * treated + drift * early + noise
    return panel.assign(log_value=value)


def verdict(inspections: pd.DataFrame, effect: float, drift: float = 0.0) -> pd.Series:
    panel = filled(inspections, effect, drift, 1)
    compared = staggered.group_time(filled(inspections, 0, 0, 2), *rollout.COLUMNS).table.iloc[0]
    overall = rollout.overall(rollout.estimates(panel)).set_index("term")
    plan = {**PLAN, "staggered": {**PLAN["staggered"], "permutations": 199}}
    found = rollout.checks(panel, plan)
    table = rollout.decision(overall.loc["group-time"], found, compared, plan)
    return table.set_index("term")["holds"]


def test_a_large_known_effect_is_found_and_called_compatible(inspections: pd.DataFrame) -> None:
    assert verdict(inspections, 0.5).eq("yes").all()


def test_no_effect_is_not_called_one(inspections: pd.DataFrame) -> None:
    held = verdict(inspections, 0.0)
    assert held["interval"] == "no"
    assert held["departures"] == "no"


def test_a_difference_in_trend_is_seen_and_stops_the_finding(inspections: pd.DataFrame) -> None:
    held = verdict(inspections, 0.0, drift=0.06)
    assert held["interval"] == "yes"  # the drift looks like an effect
    assert held["trends_before"] == "no"


def test_estimators_agree_on_a_constant_effect(inspections: pd.DataFrame) -> None:
    overall = rollout.overall(rollout.estimates(filled(inspections, 0.2, 0, 3))).set_index("term")
    designs = overall.loc[["group-time", "imputation", "Sun-Abraham"], "estimate"]
    # The effect put in is 0.2; three of the largest standard errors.
    room = 3 * overall.loc[["group-time", "imputation", "Sun-Abraham"], "std_error"].max()
    assert (designs - 0.2).abs().max() < room
    # The common trend is credited to inspection by the contrast before and after.
    assert overall.loc["before and after", "estimate"] > 0.5


def test_a_comparison_that_moves_alike_stops_the_finding(inspections: pd.DataFrame) -> None:
    panel = filled(inspections, 0.5, 0, 1)
    row = staggered.group_time(panel, *rollout.COLUMNS).table.iloc[0]
    plan = {**PLAN, "staggered": {**PLAN["staggered"], "permutations": 199}}
    table = rollout.decision(row, rollout.checks(panel, plan), row, plan).set_index("term")
    assert table.loc["comparison", "holds"] == "no"


def test_an_outcome_that_no_design_can_carry_is_named_with_the_reason(
    inspections: pd.DataFrame,
) -> None:
    good = filled(inspections, 0.0, 0, 4)
    bad = good[good["name"].isin(sorted(good["name"].unique())[:2])].reset_index(drop=True)
    table = rollout.secondary({"good": good, "bad": bad}).set_index("outcome")
    assert np.isnan(table.loc["bad", "estimate"]) and table.loc["bad", "caveat"]
    # One test left: Holm changes nothing.
    assert table.loc["good", "p_adjusted"] == pytest.approx(table.loc["good", "p_value"])


def test_calendar_places_count_from_the_first_year(inspections: pd.DataFrame) -> None:
    panel = filled(inspections, 0, 0, 5)
    first = panel.groupby("name")["first_inspected"].first()
    places = dict(zip(first.index, rollout.calendar_places(panel), strict=True))
    assert (places["Norfolk"], places["Lancashire"], places["Suffolk"]) == (2, 5, NEVER)


def test_a_bad_fit_shows_no_effect() -> None:
    table = pd.DataFrame(
        {
            "term": ["true", "placebo"],
            "group": ["A", "B"],
            "estimate": [0.3, 0.1],
            "fit": [0.2, 0.05],
            "ratio": [2.0, 1.0],
            "p_value": [0.5, np.nan],
        }
    )
    limit = PLAN["synthetic_control"]["worst_fit"]
    public = {"unit": "forces", "data_kind": "public_record"}
    bad = rollout.if_it_fits(Result(table, ""), PLAN, **public).set_index("term")
    assert np.isnan(bad.loc["true", "estimate"])
    assert bad.loc["limit", "estimate"] == limit
    good = table.assign(fit=[limit, 0.05])
    shown = rollout.if_it_fits(Result(good, ""), PLAN, **public).set_index("term")
    assert shown.loc["true", "estimate"] == 0.3
