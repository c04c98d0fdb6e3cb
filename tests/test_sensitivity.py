"""Frames for the page on robustness: what they carry, what they refuse and what they keep quiet."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from helpers_survey import BOOK
from scipy import stats

from ncpi_eval import disclosure, results
from ncpi_eval.errors import InputError
from ncpi_eval.survey import sensitivity

FORCES = [101, 102, 103, 104, 105, 106]
DESCRIBED = ["id", "question", "item", "response", "label", "subgroup_variable"]


def survey(answers, per_force=10, statuses="aaabbb", data_kind="synthetic"):
    """Six forces of `per_force`; in each, that many of the answers to every question are counted.

    Forces a are inspected, forces b not; area, service and rank alternate within each force.
    """
    size = per_force * len(FORCES)
    within = np.tile(np.arange(per_force), len(FORCES))
    force = pd.Series(np.repeat(FORCES, per_force), dtype="Int16")
    yes = within < np.repeat(answers, per_force)
    responses = pd.DataFrame({"RForc": force})
    for question, response in sensitivity.COMPARED.items():
        counted = int(response.split("|")[0])
        responses[question] = pd.Series(np.where(yes, counted, 3), dtype="Int16")
    status = np.repeat(list(statuses), per_force)
    names = np.where(status == "a", "inspected", "uninspected")
    halves = np.where(within % 2 == 0, "first", "second")
    groups = pd.DataFrame({"inspection_status": pd.Categorical(names)})
    for covariate in ("area", "service", "rank"):
        groups[covariate] = pd.Categorical(halves if covariate == "area" else ["one"] * size)
    return SimpleNamespace(
        responses=responses,
        groups=groups,
        forces=pd.DataFrame({"force": pd.array(FORCES, dtype="Int16")}),
        questionnaire=BOOK,
        wave="2019",
        data_kind=data_kind,
        has_force=True,
    )


def of(frame, question="NCPIimp"):
    return frame.set_index("question").loc[question]


# --- who is counted ------------------------------------------------------------------------------


def test_dont_know_stays_in_the_base_and_the_rest_leaves_it():
    # FLis: 1 and 2 agree, 3 to 5 do not, 6 does not know, 7 prefers not to say.
    responses = pd.DataFrame({"FLis": pd.array([1, 2, 3, 6, 7, pd.NA], dtype="Int16")})
    counted = sensitivity.counted(responses, BOOK, "FLis", "1|2")
    assert counted.tolist() == [True, True, False, False, pd.NA, pd.NA]


# --- a force left out ----------------------------------------------------------------------------


def test_leaving_out_a_force_by_hand():
    frame = sensitivity.leave_one_out(survey([8, 5, 5, 2, 5, 2]))
    row = of(frame)
    # 18 of 30 against 9 of 30. Without the 8: 10/20 - 9/30; without the other 5: 18/30 - 4/20.
    assert (row["difference"], row["denominator"]) == (pytest.approx(0.3), 60)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((0.2, 0.4))
    p = stats.chi2_contingency([[18, 12], [9, 21]], correction=False).pvalue
    most = stats.chi2_contingency([[10, 10], [9, 21]], correction=False).pvalue
    assert (row["p_value"], row["p_high"]) == (pytest.approx(p), float(f"{most:.3g}"))
    assert p < 0.05 < most and row["flips"] == "yes"
    assert row["smallest_cell"] == 9 and row["refusal"] == ""


def test_a_force_left_out_cannot_be_solved_for():
    # 264 of 490 against 248 of 360, as in the report; the force left out has 3 of 7.
    exact = 261 / 483 - 248 / 360
    shown = float(f"{exact:.{sensitivity.LEFT_OUT_DIGITS}g}")

    def fitting(difference, room):
        return [
            (yes, size)
            for size in range(1, 131)
            for yes in range(size + 1)
            if abs((264 - yes) / (490 - size) - 248 / 360 - difference) <= room
        ]

    assert fitting(exact, 1e-9) == [(3, 7)]
    # 56 answers of a force fit, from one respondent up.
    assert len({size for _, size in fitting(shown, 0.0005)}) > 50


def test_a_conclusion_that_holds_without_any_force():
    assert of(sensitivity.leave_one_out(survey([9, 9, 9, 1, 1, 1])))["flips"] == "no"


def test_there_is_a_row_for_every_comparison_and_none_names_a_force():
    frame = sensitivity.leave_one_out(survey([8, 5, 5, 2, 5, 2]))
    assert frame["question"].tolist() == list(sensitivity.COMPARED)
    assert frame["response"].tolist() == list(sensitivity.COMPARED.values())
    assert list(frame.columns[:6]) == DESCRIBED
    assert frame["id"].is_unique and frame["id"][0] == "leave-one-force-out.NCPIInsp.4.2019"
    assert set(frame["unit"]) == {"respondents"} and set(frame["data_kind"]) == {"synthetic"}
    assert not any(str(code) in frame.to_csv() for code in FORCES)
    assert not {"force", "which", "without"} & set(frame.columns)
    results.check("survey_leave_one_out", frame)


def test_a_refusal_keeps_its_reason_and_has_no_numbers():
    frame = sensitivity.leave_one_out(survey([8, 5, 5, 2, 5, 2], statuses="aaaabb"))
    reason = "Leaving out one force needs three forces or more in every group; found 2."
    assert set(frame["refusal"]) == {reason}
    assert frame[["denominator", "difference", "p_value", "flips"]].isna().all(axis=None)
    assert len(frame) == len(sensitivity.COMPARED)
    results.check("survey_leave_one_out", frame)


def test_one_comparison_may_be_refused_and_the_others_made():
    made = survey([8, 5, 5, 2, 5, 2])
    made.responses.loc[:9, "FLis"] = pd.NA  # Nobody of the first inspected force answered.
    frame = sensitivity.leave_one_out(made)
    assert of(frame, "FLis")["refusal"].endswith("found 2.")
    assert of(frame)["refusal"] == "" and of(frame)["difference"] == pytest.approx(0.3)


@pytest.mark.parametrize("frame", [sensitivity.leave_one_out, sensitivity.adjusted])
def test_without_forces_every_comparison_is_refused(frame):
    made = survey([8, 5, 5, 2, 5, 2])
    made.has_force = False
    found = frame(made)
    assert set(found["refusal"]) == {"The file does not say in which force a respondent works."}
    assert len(found) == len(sensitivity.COMPARED)


def test_respondents_of_an_unknown_force_are_left_out():
    made = survey([8, 5, 5, 2, 5, 2])
    made.responses["RForc"] = made.responses["RForc"].mask(made.responses.index == 0, 44)
    assert of(sensitivity.leave_one_out(made))["denominator"] == 59


# --- the mix held equal --------------------------------------------------------------------------


def test_the_adjusted_frame_carries_both_differences():
    # Sixty a force: 54, 30, 30 of 60 against 12, 30, 12; area is halved in every force.
    made = survey([54, 30, 30, 12, 30, 12], per_force=60)
    row = of(sensitivity.adjusted(made))
    assert row["refusal"] == "" and row["denominator"] == 360
    # 114/180 - 54/180 = 1/3; area goes with nothing, so that holding it equal moves little.
    assert row["unadjusted"] == pytest.approx(1 / 3)
    assert row["difference"] == pytest.approx(1 / 3, abs=0.01)
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["smallest_cell"] == 90
    assert row["id"] == "adjusted.NCPIimp.1.2019"


def test_a_model_that_must_not_be_fitted_says_why_in_one_line():
    row = of(sensitivity.adjusted(survey([8, 5, 5, 2, 5, 2], per_force=10, statuses="aaaaaa")))
    assert row["refusal"].startswith("The adjusted model of inspection_status is refused;")
    assert "found 1 group; expected 2 or more." in row["refusal"]
    assert "\n" not in row["refusal"] and pd.isna(row["difference"])


# --- disclosure ----------------------------------------------------------------------------------


def test_a_small_cell_behind_a_comparison_withholds_it_from_real_data():
    # 9 of 30 in one cell: below ten. With 12 it may be shown.
    for counts, hidden in (([8, 5, 5, 2, 5, 2], True), ([8, 5, 5, 4, 4, 4], False)):
        frame = sensitivity.leave_one_out(survey(counts, data_kind="real"))
        assert frame["smallest_cell"].eq(9 if hidden else 12).all()
        shown = disclosure.release(frame)
        assert shown["suppressed"].eq(hidden).all()
        assert shown["difference"].isna().eq(hidden).all()
        # It did its work, and would itself be a small count.
        assert "smallest_cell" not in shown or shown["smallest_cell"].isna().all()


# --- many tests and design effects ---------------------------------------------------------------


def made_tests(wave="2019", kind="synthetic"):
    return pd.DataFrame(
        {
            "subgroup_variable": ["area", "area", "service"],
            "breakdown": ["Area of work", "Area of work", "Length of service"],
            "p_value": [0.01, 0.2, 0.04],
            "p_value_clustered": [0.02, 0.3, 0.06],
            "p_adjusted": [0.03, 0.3, 0.06],
            "wave": wave,
            "data_kind": kind,
        }
    )


def test_tests_of_one_wave_are_counted_by_breakdown():
    both = pd.concat([made_tests(), made_tests("2022")])
    frame = sensitivity.multiplicity(both, "2019")
    assert frame["breakdown"].tolist() == ["Area of work", "Length of service", "All tests"]
    assert frame["tests"].tolist() == [2, 1, 3]
    assert frame["significant"].tolist() == [1, 1, 2]
    assert frame["significant_clustered"].tolist() == [1, 0, 1]
    assert frame["id"].tolist()[-1] == "multiplicity.all.2019"
    assert set(frame["unit"]) == {"tests"} and set(frame["data_kind"]) == {"synthetic"}


def estimates_of(*effects):
    return pd.DataFrame(
        {
            "subgroup_variable": "area",
            "breakdown": "Area of work",
            "design_effect": effects,
            "wave": "2019",
            "data_kind": "real",
        }
    )


def test_design_effects_are_of_estimates_that_have_one():
    row = sensitivity.design_effects(estimates_of(1.0, 1.5, np.nan, 4.0), "2019").iloc[0]
    assert (row["estimates"], row["median"], row["largest"]) == (3, 1.5, 4.0)
    assert (row["id"], row["unit"]) == ("design_effect.area.2019", "estimates")
    assert (row["data_kind"], row["breakdown"]) == ("real", "Area of work")


def test_without_forces_there_is_no_design_effect():
    frame = sensitivity.design_effects(estimates_of(np.nan, np.nan), "2019")
    assert frame.empty
    results.check("survey_design_effects", frame)


@pytest.mark.parametrize(
    ("frame", "rows"),
    [(sensitivity.multiplicity, made_tests()), (sensitivity.design_effects, estimates_of(1.0))],
)
def test_a_wave_that_was_not_tabulated_is_refused(frame, rows):
    with pytest.raises(InputError) as error:
        frame(rows, "2022")
    assert str(error.value) == (
        "There are no results of this wave.\n"
        "  - wave: found '2022'; expected 2019. What to do: Use a wave that was tabulated."
    )
