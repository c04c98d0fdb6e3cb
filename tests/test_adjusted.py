"""Adjusted differences against R's glm and clubSandwich, and everything that is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncpi_eval.errors import DesignError
from ncpi_eval.survey import adjusted

REFERENCE = Path(__file__).parent / "reference" / "adjusted"
AREAS = ["custody", "child_protection", "neighbourhood", "other"]


@pytest.fixture(scope="module")
def answers():
    # R 4.2.2, glm with clubSandwich 0.5.8 (CR2, Satterthwaite): tests/reference/adjusted.
    return pd.read_csv(REFERENCE / "answers.csv").set_index(["model", "quantity"])["value"]


@pytest.fixture
def respondents():
    frame = pd.read_csv(REFERENCE / "respondents.csv")
    groups = pd.DataFrame(
        {
            "inspection_status": pd.Categorical(frame["status"], ["inspected", "uninspected"]),
            "area": pd.Categorical(frame["area"], AREAS),
            "service": pd.Categorical(frame["service"]),
        }
    )
    return frame["counted"].astype("boolean"), groups, frame["force"]


def run(respondents, covariates=("area", "service"), **options):
    counted, groups, force = respondents
    return adjusted.adjusted_difference(counted, groups, force, covariates=covariates, **options)


def test_the_adjusted_difference_is_that_of_r(respondents, answers):
    row = run(respondents).iloc[0]
    for column in ("estimate", "std_error", "df"):
        assert row[column] == pytest.approx(answers["respondents", column], rel=1e-6)
    assert np.log(row["odds_ratio"]) == pytest.approx(answers["respondents", "log_odds"], rel=1e-6)


def test_without_covariates_it_is_that_of_r_and_of_two_proportions(respondents, answers):
    row = run(respondents, covariates=()).iloc[0]
    for column in ("estimate", "std_error", "df"):
        assert row[column] == pytest.approx(answers["respondents_alone", column], rel=1e-6)
    counted, groups, _ = respondents
    share = counted.astype(float).groupby(groups["inspection_status"], observed=True).mean()
    assert row["estimate"] == pytest.approx(share["inspected"] - share["uninspected"])
    assert run(respondents).iloc[0]["unadjusted"] == pytest.approx(row["estimate"])


def test_the_interval_is_symmetric_with_r_degrees_of_freedom(respondents, answers):
    from scipy import stats

    row = run(respondents).iloc[0]
    reach = stats.t.isf(0.025, answers["respondents", "df"]) * answers["respondents", "std_error"]
    assert row["ci_high"] - row["estimate"] == pytest.approx(reach, rel=1e-6)
    reach = stats.t.isf(0.025, answers["respondents", "log_odds_df"])
    reach *= answers["respondents", "log_odds_error"]
    assert np.log(row["odds_ratio_high"] / row["odds_ratio"]) == pytest.approx(reach, rel=1e-6)


def test_groups_within_clusters_are_that_of_r(answers):
    frame = pd.read_csv(REFERENCE / "retinopathy.csv")
    # The untreated eye is the reference, so it comes last.
    groups = pd.DataFrame(
        {
            "trt": pd.Categorical(frame["trt"], [1, 0]),
            "type": pd.Categorical(frame["type"]),
            "laser": pd.Categorical(frame["laser"]),
        }
    )
    row = adjusted.adjusted_difference(
        frame["status"].astype("boolean"), groups, frame["id"], "trt", ("type", "laser")
    ).iloc[0]
    for column in ("estimate", "std_error", "df"):
        assert row[column] == pytest.approx(answers["retinopathy", column], rel=1e-6)


def test_the_row_says_whom_and_how(respondents):
    counted, groups, force = respondents
    counted = counted.copy()
    counted[0] = pd.NA
    groups.loc[1, "area"] = np.nan
    row = run((counted, groups, force)).iloc[0]
    assert (row["subgroup"], row["reference"]) == ("inspected", "uninspected")
    assert row["denominator"] == 411 and row["left_out"] == 1 and row["clusters"] == 20
    assert row["covariates"] == "area|service"
    assert "Self-selected" in row["caveat"] and "Satterthwaite" in row["method"]
    assert "not for what forces differ by otherwise" in row["caveat"]


@pytest.fixture
def nothing_fitted(monkeypatch):
    def fitted(*_):
        raise AssertionError("a model was fitted")

    monkeypatch.setattr(adjusted, "_fit", fitted)


def refused(respondents, **options):
    with pytest.raises(DesignError) as error:
        run(respondents, **options)
    lines = str(error.value).splitlines()
    assert lines[0] == "The adjusted model of inspection_status is refused; nothing was fitted."
    return lines[1:]


@pytest.mark.usefixtures("nothing_fitted")
class TestRefusals:
    def test_a_base_under_30_and_one_force_are_listed_together(self, respondents):
        counted, groups, force = respondents
        keep = (force == 101) | (force == 120)
        keep &= force.groupby(force).cumcount() < 28
        lines = refused((counted[keep], groups[keep], force[keep]))
        assert lines == [
            "  - complete answers: found fewer than 30; expected 30 or more. What to do: take a "
            "question or a breakdown with more answers",
            "  - inspection_status inspected: found 1 force; expected 2 or more. What to do: "
            "report the difference without an interval by force",
            "  - inspection_status uninspected: found 1 force; expected 2 or more. What to do: "
            "report the difference without an interval by force",
        ]

    def test_30_answers_pass_and_29_do_not(self, respondents):
        counted, groups, force = respondents
        few = force.groupby(force).cumcount() < 2
        for size, found in ((29, True), (30, False), (31, False)):
            chosen = few[few].index[:size]
            lines = refused((counted[chosen], groups.loc[chosen], force[chosen]))
            assert any("complete answers" in line for line in lines) is found

    def test_one_group(self, respondents):
        counted, groups, force = respondents
        keep = groups["inspection_status"] == "inspected"
        assert refused((counted[keep], groups[keep], force[keep])) == [
            "  - inspection_status: found 1 group; expected 2 or more. What to do: take another "
            "breakdown"
        ]

    def test_a_category_with_nobody_in_a_group(self, respondents):
        counted, groups, force = respondents
        keep = ~((groups["area"] == "custody") & (groups["inspection_status"] == "uninspected"))
        assert refused((counted[keep], groups[keep], force[keep])) == [
            "  - area custody, inspection_status uninspected: found nobody; expected 1 or more. "
            "What to do: join the category with another or leave the covariate out"
        ]

    def test_a_category_in_which_everybody_is_counted(self, respondents):
        counted, groups, force = respondents
        counted = counted.mask(groups["area"] == "custody", True)
        assert refused((counted, groups, force)) == [
            "  - area custody: found everybody or nobody counted; expected some counted and "
            "some not. What to do: join the category with another or leave the covariate out"
        ]

    def test_too_few_events_for_the_parameters(self, respondents):
        counted, groups, force = respondents
        # Six parameters: intercept, status, three areas, one service; 59 events are one too few.
        events = counted[counted].index
        enough = counted.copy()
        enough[events[60:]] = False
        with pytest.raises(AssertionError, match="a model was fitted"):
            run((enough, groups, force))
        enough[events[59]] = False
        assert refused((enough, groups, force)) == [
            "  - events: found fewer than 60 for 6 parameters; expected 10 for each "
            "parameter. What to do: leave covariates out or join categories"
        ]

    def test_covariates_that_determine_each_other(self, respondents):
        counted, groups, force = respondents
        groups["again"] = groups["service"].cat.rename_categories(["long", "short"])
        lines = refused((counted, groups, force), covariates=("service", "again"))
        assert "categories that determine each other" in lines[0] and len(lines) == 1

    def test_combinations_that_decide_the_answer(self, respondents):
        counted, groups, force = respondents
        # Counted: all child protection in inspected forces, and nobody without either; every
        # category on its own still has both answers.
        score = (groups["area"] == "child_protection").astype(int) + (
            groups["inspection_status"] == "inspected"
        ).astype(int)
        counted = counted.mask(score == 2, True).mask(score == 0, False)
        groups["one_area"] = pd.Categorical(groups["area"] == "child_protection")
        lines = refused((counted, groups, force), covariates=("one_area",))
        assert "combinations that decide the answer completely" in lines[0] and len(lines) == 1
