"""One call tabulates and tests everything; small frames whose counts can be read off."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ncpi_eval import intervals, questionnaire
from ncpi_eval.errors import InputError
from ncpi_eval.survey import association, clusters, tabulation

CODEBOOK = questionnaire.load()


def frame(**columns: list[int | None]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.array(codes, dtype="Int16") for name, codes in columns.items()})


def in_groups(**columns: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.Categorical(values, categories=list(CODEBOOK.groups[name].categories))
            for name, values in columns.items()
        }
    )


def run(
    responses: pd.DataFrame, groups: pd.DataFrame | None = None, wave: str = "2019"
) -> tabulation.Tabulation:
    groups = pd.DataFrame(index=responses.index) if groups is None else groups
    return tabulation.tabulate(responses, groups, CODEBOOK, wave=wave, data_kind="synthetic")


def row(table: pd.DataFrame, **where: str) -> pd.Series:
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


# 100 respondents in 10 forces: 60 inspected (30 of them see improvement), 40 uninspected (8 do)
STATUS: list[str | None] = ["inspected"] * 60 + ["uninspected"] * 40
IMPACT: list[int | None] = [1] * 30 + [2] * 20 + [4] * 10 + [1] * 8 + [2] * 12 + [3] * 5 + [4] * 15
FORCE: list[int | None] = [1 + n // 4 % 6 for n in range(60)] + [7 + n // 3 % 4 for n in range(40)]


def example() -> tabulation.Tabulation:
    return run(frame(NCPIimp=IMPACT, RForc=FORCE), in_groups(inspection_status=STATUS))


def test_counts_and_wilson_interval_of_a_breakdown() -> None:
    found = row(example().estimates, id="NCPIimp.1.inspection_status.inspected.2019")
    assert (found["count"], found["denominator"], found["estimate"]) == (30, 60, 0.5)
    assert (found["ci_low"], found["ci_high"]) == intervals.wilson(30, 60)
    assert (found["unit"], found["data_kind"], found["wave"]) == (
        "respondents",
        "synthetic",
        "2019",
    )
    everybody = row(example().estimates, id="NCPIimp.1.all.all.2019")
    assert (everybody["count"], everybody["denominator"]) == (38, 100)


def test_dont_know_stays_in_the_base_and_no_answer_leaves_it() -> None:
    # codes 1 and 2 are answers, 4 is don't know, 5 is prefer not to say, None is unanswered
    found = run(frame(NCPIimp=[1, 1, 2, 4, 4, 5, 5, None])).estimates
    assert row(found, response="1")["count"] == 2
    assert row(found, response="1")["denominator"] == 5
    assert row(found, response="4")["count"] == 2
    assert row(found, response="2|3")["count"] == 1
    assert "5" not in set(found["response"])


def test_clustered_columns_are_those_of_the_clusters_module() -> None:
    responses = frame(NCPIimp=IMPACT, RForc=FORCE)
    design = clusters.design(responses, cluster="RForc")
    improved = responses["NCPIimp"] == 1
    inspected = pd.Series([status == "inspected" for status in STATUS])
    found = row(example().estimates, id="NCPIimp.1.inspection_status.inspected.2019")
    small = clusters.proportion(design, improved.where(inspected))
    low, high = clusters.logit_interval(small.estimate, small.std_error, small.df)
    assert found["std_error"] == pytest.approx(small.std_error)
    assert found["ci_low_clustered"] == pytest.approx(float(low))
    assert found["ci_high_clustered"] == pytest.approx(float(high))
    assert found["clusters"] == 6
    # 0.25 / 59 is the variance of 30 in 60 in a simple random sample
    assert found["design_effect"] == pytest.approx(small.std_error**2 / (0.25 / 59))
    assert found["effective_base"] == pytest.approx(60 / found["design_effect"])
    test = row(example().tests, id="NCPIimp.1.inspection_status.test.2019")
    corrected = clusters.rao_scott(design, improved, inspected)
    assert test["p_value_clustered"] == pytest.approx(corrected.p_value)
    assert test["f_clustered"] == pytest.approx(corrected.f)
    assert test["df2"] == pytest.approx(corrected.df2)
    assert test["design_effect"] == pytest.approx(corrected.design_effect)
    difference = clusters.difference(design, improved, inspected)
    low, high = clusters.t_interval(difference.estimate, difference.std_error, difference.df)
    assert test["difference_low_clustered"] == pytest.approx(float(low))
    assert test["difference_high_clustered"] == pytest.approx(float(high))


def test_naive_test_difference_and_effect_size() -> None:
    test = row(example().tests, id="NCPIimp.1.inspection_status.test.2019")
    naive = association.from_counts(np.array([[30, 8], [30, 32]]))
    assert test["statistic"] == pytest.approx(float(naive.statistic))
    assert test["p_value"] == pytest.approx(float(naive.p_value))
    assert test["effect_size"] == pytest.approx(float(naive.effect_size))
    assert test["effect_low"] == pytest.approx(float(naive.effect_low))
    assert test["difference"] == pytest.approx(30 / 60 - 8 / 40)
    low, high = intervals.newcombe(30, 60, 8, 40)
    assert (test["difference_low"], test["difference_high"]) == pytest.approx((low, high))
    assert test["denominator"] == 100
    assert test["smallest_cell"] == 8


def test_whole_distribution_agrees_with_pingouin_on_rows() -> None:
    test = row(example().tests, id="NCPIimp.all.inspection_status.test.2019")
    data = pd.DataFrame({"answer": IMPACT, "status": STATUS})
    naive = association.from_rows(data, "answer", "status")
    assert test["df"] == naive.df == 3
    assert test["statistic"] == pytest.approx(naive.statistic)
    assert test["p_value"] == pytest.approx(naive.p_value)
    assert np.isnan(test["difference"])
    # improved, not changed, worsened are a scale; don't know (4) is not on it
    scale = data[data["answer"] != 4]
    table = pd.crosstab(scale["answer"], scale["status"]).to_numpy()
    expected = association.ranks_from_counts(table)
    assert test["p_value_ordinal"] == pytest.approx(float(expected.p_value))
    assert "Some expected counts are under 5" in test["caveat"]


def test_adjustment_is_over_all_tests_that_were_run() -> None:
    tests = example().tests
    run_ = tests[tests["refusal"] == ""]
    # the whole distribution, four options and the net 2|3 were tested; nothing was refused
    assert len(tests) == len(run_) == 6
    assert set(tests["family_size"]) == {6}
    expected = intervals.benjamini_hochberg(tests["p_value_clustered"].to_numpy())
    assert tests["p_adjusted"].to_numpy() == pytest.approx(expected)


def test_every_row_carries_the_caveat() -> None:
    for table in (example().estimates, example().tests):
        assert table["caveat"].str.startswith(tabulation.SELF_SELECTED).all()
        assert not table["caveat"].str.contains("No force is known").any()


def test_without_forces_the_clustered_columns_are_missing_and_the_caveat_says_so() -> None:
    result = run(frame(NCPIimp=IMPACT), in_groups(inspection_status=STATUS))
    estimates, tests = result.estimates, result.tests
    for name in ("std_error", "ci_low_clustered", "design_effect", "effective_base", "clusters"):
        assert estimates[name].isna().all()
    assert tests["p_value_clustered"].isna().all()
    assert tests["p_value"].notna().all()
    expected = intervals.benjamini_hochberg(tests["p_value"].to_numpy())
    assert tests["p_adjusted"].to_numpy() == pytest.approx(expected)
    for table in (estimates, tests):
        assert table["caveat"].str.contains("No force is known").all()


def test_respondents_who_did_not_name_a_force_are_one_cluster() -> None:
    # RForc 44 is prefer not to say; with the unanswered ones that is one cluster beside 1 and 2
    force: list[int | None] = [1] * 20 + [2] * 20 + [44] * 5 + [None] * 5
    found = run(frame(NCPIimp=[1, 2] * 25, RForc=force)).estimates
    assert row(found, response="1")["clusters"] == 3


@pytest.mark.parametrize(("small", "refused"), [(29, True), (30, False), (31, False)])
def test_a_category_under_30_is_not_compared(small: int, refused: bool) -> None:
    status: list[str | None] = ["inspected"] * 40 + ["uninspected"] * small
    size = 40 + small
    responses = frame(NCPIimp=[1 + n % 2 for n in range(size)], RForc=[n % 9 for n in range(size)])
    result = run(responses.replace({"RForc": {0: 9}}), in_groups(inspection_status=status))
    test = row(result.tests, id="NCPIimp.1.inspection_status.test.2019")
    if refused:
        expected = "fewer than two categories have 30 answers (too few: uninspected)"
        assert test["refusal"] == expected
        assert np.isnan(test["p_value"]) and np.isnan(test["p_adjusted"])
    else:
        assert test["refusal"] == "" and test["p_value"] > 0
    estimate = row(result.estimates, id="NCPIimp.1.inspection_status.uninspected.2019")
    assert estimate["denominator"] == small and 0 < estimate["ci_low"] < 1
    assert ("Base under 30." in estimate["caveat"]) == refused
    assert np.isnan(estimate["ci_low_clustered"]) == refused


def test_a_small_category_is_left_out_and_named() -> None:
    area: list[str | None] = ["custody"] * 40 + ["child_protection"] * 35 + ["other"] * 10
    responses = frame(NCPIimp=[1 + n % 2 for n in range(85)], RForc=[1 + n % 9 for n in range(85)])
    test = row(run(responses, in_groups(area=area)).tests, id="NCPIimp.1.area.test.2019")
    assert test["compared"] == "custody|child_protection"
    assert test["left_out"] == "neighbourhood|other"
    assert (test["denominator"], test["df"]) == (75, 1)


def test_refusals_say_why() -> None:
    status: list[str | None] = ["inspected"] * 40 + ["uninspected"] * 40
    force: list[int | None] = [1 + n % 9 for n in range(80)]
    groups = in_groups(inspection_status=status, support=["supported", "not_supported"] * 40)
    responses = frame(NCPIimp=[1] * 80, DecSupp=[1, 4] * 40, RForc=force)
    tests = run(responses, groups).tests
    reasons = {
        "NCPIimp.1.inspection_status": "everybody gave this answer",
        "NCPIimp.2.inspection_status": "nobody gave this answer",
        "NCPIimp.all.inspection_status": "everybody gave the same answer",
        "DecSupp.all.support": "the breakdown is made from this question",
        "DecSupp.1.inspection_status": "",
    }
    for name, reason in reasons.items():
        assert row(tests, id=f"{name}.test.2019")["refusal"] == reason
    few = run(responses.head(29), groups.head(29)).tests
    reason = row(few, id="DecSupp.1.inspection_status.test.2019")["refusal"]
    assert reason == "the base is under 30"
    nobody = in_groups(inspection_status=[None] * 80)
    assert set(run(responses, nobody).tests["refusal"]) == {"nobody is in any category"}


def test_a_category_from_one_force_has_no_clustered_test() -> None:
    force: list[int | None] = [1 + n % 6 for n in range(60)] + [7] * 40
    responses = frame(NCPIimp=IMPACT, RForc=force)
    result = run(responses, in_groups(inspection_status=STATUS))
    test = row(result.tests, id="NCPIimp.1.inspection_status.test.2019")
    assert np.isnan(test["p_value_clustered"]) and test["p_value"] > 0
    assert tabulation.ONE_FORCE in test["caveat"]


def test_training_in_any_subject_is_worked_out_from_the_grid() -> None:
    # TrainAny 1 if any subject was in the last year, 4 only if every answered subject is 4
    responses = frame(
        TrainFre_1=[1, 4, 4], TrainFre_2=[3, 4, 2], TrainFre_3=[4, None, 4], TrainFre_4=[5, 4, 4]
    )
    found = run(responses).estimates
    counts = {r: row(found, question="TrainAny", response=r)["count"] for r in ("1", "2", "4")}
    assert counts == {"1": 1, "2": 1, "4": 1}


def test_forces_that_answer_exactly_alike_have_no_estimated_variance() -> None:
    # two in four of every force: the variance between forces is 0, which is no evidence of none
    force: list[int | None] = [1 + n // 4 for n in range(80)]
    responses = frame(NCPIimp=[1, 2, 1, 2] * 20, RForc=force)
    status: list[str | None] = ["inspected"] * 40 + ["uninspected"] * 40
    result = run(responses, in_groups(inspection_status=status))
    estimate = row(result.estimates, id="NCPIimp.1.all.all.2019")
    assert estimate[["std_error", "design_effect", "effective_base"]].isna().all()
    test = row(result.tests, id="NCPIimp.1.inspection_status.test.2019")
    assert test["p_value"] == 1 and np.isnan(test["p_value_clustered"])


def test_letters_point_at_lower_categories() -> None:
    found = example().estimates
    inspected = row(found, id="NCPIimp.1.inspection_status.inspected.2019")
    uninspected = row(found, id="NCPIimp.1.inspection_status.uninspected.2019")
    assert (inspected["letter"], inspected["higher_than"]) == ("A", "B")
    assert (uninspected["letter"], uninspected["higher_than"]) == ("B", "")


def test_ids_are_unique_and_safe_also_over_two_waves() -> None:
    responses, groups = frame(NCPIimp=IMPACT, RForc=FORCE), in_groups(inspection_status=STATUS)
    waves = [run(responses, groups, wave) for wave in ("2019", "2021")]
    for tables in ([w.estimates for w in waves], [w.tests for w in waves]):
        ids = pd.concat(tables)["id"]
        assert ids.is_unique
        assert ids.str.fullmatch(r"[A-Za-z0-9._-]+").all()


def test_the_same_input_gives_the_same_bytes() -> None:
    assert example().estimates.to_csv() == example().estimates.to_csv()
    assert example().tests.to_csv() == example().tests.to_csv()


def test_broken_input_is_refused() -> None:
    with pytest.raises(InputError, match="column NCPIimp: found 6, 9; expected one of 1, 2, 3"):
        run(frame(NCPIimp=[1, 9, 6]))
    with pytest.raises(InputError, match="column NCPIimp: found -1; expected one of"):
        run(frame(NCPIimp=[1, -1]))
    with pytest.raises(InputError, match="responses have 2 rows and the groups 3"):
        run(frame(NCPIimp=[1, 2]), in_groups(area=["custody", None, "other"]))
