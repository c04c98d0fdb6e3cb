"""The options appraisal: scores by hand, weights that can be argued, rankings that hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncpi_eval import paths
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import appraisal

CRITERIA = pd.DataFrame(
    {
        "criterion": ["validity", "detectable", "data", "cost"],
        "label": ["Cause", "Size", "Data", "Cheap"],
        "weight": [2.0, 1.0, 1.0, 0.0],
        "how": ["maryland", "power", "indicators", "judged"],
        "meaning": "",
    }
)
OPTIONS = pd.DataFrame(
    {
        "option": ["trial", "series"],
        "maryland": [5, 2],
        "maryland_reason": ["by lot", "before and after"],
        "needs": ["a b", "b"],
        "power_row": ["power#trial", ""],
        "cost": [1, 5],
        "reason": ["", ""],
    }
)
INDICATORS = pd.DataFrame({"indicator": ["a", "b"], "data_exist": [False, True]})


def scored() -> pd.DataFrame:
    return appraisal.scores(OPTIONS, CRITERIA, INDICATORS, {"power#trial": 0.08})


def test_scores_follow_from_level_power_and_data() -> None:
    wide = scored().pivot(index="option", columns="criterion", values="estimate")
    # One of two indicators exists: half way from 1 to 5. A smallest effect of 0.08 is up to 0.10.
    assert wide.loc["trial"].to_dict() == {"validity": 5, "detectable": 4, "data": 3, "cost": 1}
    assert wide.loc["series"].to_dict() == {"validity": 2, "detectable": 1, "data": 5, "cost": 5}


@pytest.mark.parametrize(
    ("effect", "score"), [(0.05, 5), (0.0501, 4), (0.25, 2), (0.2501, 1), (np.nan, 1)]
)
def test_the_bounds_of_detectable_effects_belong_to_the_better_score(
    effect: float, score: int
) -> None:
    table = appraisal.scores(OPTIONS, CRITERIA, INDICATORS, {"power#trial": effect})
    row = table[table["option"].eq("trial") & table["criterion"].eq("detectable")]
    assert row["estimate"].iloc[0] == score


def test_the_ranking_is_the_weighted_mean() -> None:
    ranks = appraisal.ranking(scored(), CRITERIA).set_index("option")
    # (2*5 + 4 + 3) / 4 and (2*2 + 1 + 5) / 4; cost has no weight.
    assert ranks["estimate"].to_dict() == {"trial": 4.25, "series": 2.5}
    assert ranks["rank"].to_dict() == {"trial": 1, "series": 2}


def test_weights_decide_where_options_differ() -> None:
    cheap = CRITERIA.assign(weight=[0.0, 0.0, 0.0, 1.0])
    assert appraisal.ranking(scored(), cheap)["option"].iloc[0] == "series"
    turned = appraisal.doubled(scored(), CRITERIA.assign(weight=[1.0, 1.0, 1.0, 3.0]))
    # 5 + 4 + 3 + 3*1 = 15 against 2 + 1 + 5 + 3*5 = 23; with twice the cost 18 against 38.
    assert set(turned.loc[turned["change"].str.contains("cheap"), "first"]) == {"series"}
    # All alike: 13 each; the first by name stays first among equals.
    assert turned.loc[turned["change"].eq("all weights alike"), "first"].iloc[0] == "series"


def test_draws_of_weights_leave_out_what_has_none() -> None:
    drawn = appraisal.under_other_weights(scored(), CRITERIA, draws=2000, seed=1)
    by = drawn.set_index("option")
    assert by["first"].sum() == pytest.approx(1)
    # trial leads unless data weighs much: 3 w1 + 3 w2 < 2 w3, that is w3 > 3/5 of a flat Dirichlet
    # in three parts, which has probability (1 - 3/5)^2.
    assert by.loc["series", "first"] == pytest.approx(0.16, abs=0.03)


def test_unknown_indicators_and_power_rows_are_named() -> None:
    options = OPTIONS.assign(needs=["a c", "b"], power_row=["power#gone", ""])
    with pytest.raises(InputError) as refused:
        appraisal.scores(options, CRITERIA, INDICATORS, {})
    assert "row 1, needs: found c" in str(refused.value)
    assert "row 1, power_row: found power#gone" in str(refused.value)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.csv"
    shutil.copy(paths.data("options", "criteria.csv"), path)
    return path


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("weight", "much", "row 1, weight: found much; expected a number of 0 or more"),
        ("weight", "-1", "row 1, weight: found -1"),
        ("how", "guess", "row 1, how: found guess; expected maryland or power"),
    ],
)
def test_bad_weights_are_refused(weights: Path, column: str, value: str, said: str) -> None:
    frame = pd.read_csv(weights, dtype=str)
    frame.loc[0, column] = value
    frame.to_csv(weights, index=False)
    with pytest.raises(InputError) as refused:
        appraisal.read_criteria(str(weights))
    assert said in str(refused.value)


def test_weights_that_are_all_nothing_are_refused(weights: Path) -> None:
    frame = pd.read_csv(weights, dtype=str).assign(weight="0")
    frame.to_csv(weights, index=False)
    with pytest.raises(InputError, match="all weights 0"):
        appraisal.read_criteria(str(weights))


def test_committed_options_can_be_read_and_scored_from_one_to_five() -> None:
    criteria = appraisal.read_criteria()
    options = appraisal.read_options(criteria)
    assert options["maryland"].between(1, 5).all()
    assert options["maryland_reason"].ne("").all()


def test_an_outcome_without_numbers_scores_lowest_on_coverage() -> None:
    candidates = pd.DataFrame(
        {
            "candidate": ["x", "y"],
            "label": ["X", "Y"],
            "outcome": ["x", ""],
            "indicator": "",
            **dict.fromkeys(appraisal.MEASURED, "3"),
            "reason": "",
        }
    )
    table = appraisal.measurability(candidates, {"x": 1.0}).set_index("candidate")
    # (4 * 3 + 5) / 5 and (4 * 3 + 1) / 5
    assert table["estimate"].to_dict() == pytest.approx({"x": 3.4, "y": 2.6})
