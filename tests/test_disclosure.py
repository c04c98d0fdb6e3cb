"""What leaves the project: thresholds at their edges, and nothing to be had by arithmetic."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
import recovery

from ncpi_eval import disclosure, paths, populations, results, scanner, sources
from ncpi_eval.errors import InputError
from ncpi_eval.survey import quality, tabulation


def rows(*cells, base=100, kind="real", question="Q", variable="all", group="all"):
    """Released-to-be rows of one question: (response, count) pairs on one base."""
    return pd.DataFrame(
        {
            "id": [f"{question}.{r.replace('|', '-')}.{variable}.{group}.2019" for r, _ in cells],
            "question": question,
            "response": [response for response, _ in cells],
            "subgroup_variable": variable,
            "subgroup": group,
            "wave": "2019",
            "unit": "respondents",
            "count": [count for _, count in cells],
            "denominator": base,
            "estimate": [count / base for _, count in cells],
            "ci_low": 0.0,
            "ci_high": 1.0,
            "data_kind": kind,
        }
    )


def together(*frames):
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("count, withheld", [(9, True), (10, False), (11, False)])
def test_a_count_under_ten_is_withheld(count, withheld):
    released = disclosure.release(rows(("1", count), base=200))
    assert released["suppressed"].tolist() == [withheld]
    assert released["count"].isna().tolist() == [withheld]
    assert released["estimate"].isna().tolist() == [withheld]
    assert released["ci_low"].isna().tolist() == [withheld]
    assert released["denominator"].tolist() == [200]


@pytest.mark.parametrize("count, withheld", [(191, True), (190, False), (189, False)])
def test_so_is_a_count_whose_complement_is_under_ten(count, withheld):
    assert disclosure.release(rows(("1", count), base=200))["suppressed"].tolist() == [withheld]


@pytest.mark.parametrize("base, mark", [(29, "[low]"), (30, ""), (31, "")])
def test_no_percentage_on_a_base_under_thirty(base, mark):
    released = disclosure.release(rows(("1", 12), base=base)).iloc[0]
    assert disclosure.mark(released) == mark
    assert np.isnan(released["estimate"]) == bool(mark)
    assert released["count"] == 12
    assert not released["suppressed"]


def test_a_base_under_ten_is_withheld_with_all_that_stands_on_it():
    released = disclosure.release(rows(("1", 0), ("2", 9), base=9))
    assert released["denominator"].isna().all()
    assert released["suppressed"].all()


def test_nobody_and_everybody_are_shown_and_flagged():
    released = disclosure.release(rows(("1", 0), ("2", 100), base=100))
    assert released["flag"].tolist() == ["zero", "whole_group"]
    assert released["estimate"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("kind", sorted(disclosure.EXCEPTIONS))
def test_declared_exceptions_pass_in_full(kind):
    released = disclosure.release(rows(("1", 3), base=20, kind=kind))
    assert released["count"].tolist() == [3]
    assert not released["suppressed"].any()


def test_an_unknown_kind_is_protected():
    assert disclosure.release(rows(("1", 3), kind="other"))["suppressed"].all()


def test_cases_are_not_people():
    frame = rows(("1", 3)).assign(unit="cases")
    assert not disclosure.release(frame)["suppressed"].any()


def test_synthetic_data_can_be_held_against_the_same_rules(monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_PROTECT_SYNTHETIC", "1")
    assert disclosure.release(rows(("1", 3), kind="synthetic"))["suppressed"].all()


def test_a_second_cell_goes_so_that_the_rest_of_the_base_does_not_give_it_away():
    # 5 = 100 - 60 - 35: the smaller of the other two goes too.
    released = disclosure.release(rows(("1", 60), ("2", 5), ("3", 35)))
    assert released["suppressed"].tolist() == [False, True, True]


def test_so_does_a_set_of_responses_that_holds_it():
    # 5 = (1 or 2) 65 - (1) 60, and 5 = 100 - 60 - 35.
    released = disclosure.release(rows(("1", 60), ("2", 5), ("3", 35), ("1|2", 65)))
    kept = released[~released["suppressed"]]
    assert released["suppressed"].iloc[1]
    assert not {"1", "1|2"} <= set(kept["response"])
    assert not {"1", "3"} <= set(kept["response"])


def test_the_row_for_everybody_does_not_give_a_subgroup_away():
    # inspected 5 = all 45 - uninspected 40.
    frame = together(
        rows(("1", 45), base=200),
        rows(("1", 5), base=80, variable="inspection_status", group="inspected"),
        rows(("1", 40), base=120, variable="inspection_status", group="uninspected"),
    )
    released = disclosure.release(frame)
    assert released["suppressed"].tolist() == [False, True, True]


def test_a_breakdown_of_the_same_people_does_not_either():
    # before 2017: 5 = inspected 30 - from 2017 25.
    frame = together(
        rows(("1", 30), base=200, variable="inspection_status", group="inspected"),
        rows(("1", 5), base=90, variable="inspection_timing", group="before_2017"),
        rows(("1", 25), base=110, variable="inspection_timing", group="from_2017"),
    )
    released = disclosure.release(frame)
    assert released["suppressed"].iloc[1]
    assert released["suppressed"].sum() == 2


def test_a_small_base_does_not_follow_from_the_other_bases():
    # other 6 = 200 - 194: the second base goes too.
    frame = together(
        rows(("1", 90), ("2", 110), base=200),
        rows(("1", 3), ("2", 3), base=6, variable="area", group="other"),
        rows(("1", 87), ("2", 107), base=194, variable="area", group="custody"),
    )
    released = disclosure.release(frame)
    assert released["denominator"].isna().tolist() == [False, False, True, True, True, True]


def test_nothing_withheld_is_in_the_span_of_what_is_left():
    """An independent look: solve for every withheld cell with the numbers that were released."""
    rng = np.random.default_rng(20)
    for _ in range(25):
        counts = rng.integers(1, 45, size=(4, 3))
        frames = [
            rows(
                *((str(o + 1), int(counts[o, g])) for o in range(4)),
                ("1|2", int(counts[:2, g].sum())),
                base=int(counts[:, g].sum()),
                variable="area",
                group=f"g{g}",
            )
            for g in range(3)
        ]
        total = counts.sum(axis=1)
        frames.append(
            rows(*((str(o + 1), int(total[o])) for o in range(4)), base=int(counts.sum()))
        )
        released = disclosure.release(together(*frames))
        known = [np.kron(np.ones(4), np.eye(3)[g]) for g in range(3)]
        hidden = []
        for _, row in released.iterrows():
            group = np.ones(3) if row["subgroup"] == "all" else np.eye(3)[int(row["subgroup"][1])]
            options = np.zeros(4)
            options[[int(o) - 1 for o in row["response"].split("|")]] = 1
            (hidden if row["suppressed"] else known).append(np.kron(options, group))
        exact = together(*frames)
        small = [
            vector
            for vector, count in zip(
                hidden, exact.loc[released["suppressed"], "count"], strict=True
            )
            if count < disclosure.MINIMUM_COUNT
        ]
        rank = np.linalg.matrix_rank(np.array(known))
        for vector in small:
            assert np.linalg.matrix_rank(np.array([*known, vector])) == rank + 1


def test_releasing_twice_changes_nothing():
    frame = together(
        rows(("1", 60), ("2", 5), ("3", 35)),
        rows(("1", 12), ("2", 4), ("3", 10), base=26, variable="area", group="custody"),
    )
    for profile in disclosure.PROFILES:
        once = disclosure.release(frame, profile)
        pd.testing.assert_frame_equal(disclosure.release(once, profile), once)


@pytest.mark.parametrize("count, shown", [(7, None), (8, 10), (12, 10), (13, 15)])
def test_opensafely_redacts_seven_and_rounds_to_five(count, shown):
    released = disclosure.release(rows(("1", count), base=102), "opensafely").iloc[0]
    if shown is None:
        assert released["suppressed"]
    else:
        assert released["count"] == shown
        # 102 rounds to 100.
        assert released["estimate"] == shown / 100
        assert np.isnan(released["ci_low"])


def test_opensafely_leaves_no_digits_from_which_a_count_could_be_solved_for():
    # 102 = 68 x 1.5, the effective base times the design effect.
    frame = rows(("1", 43), base=102).assign(
        design_effect=1.5, effective_base=68.0, p_adjusted=0.04, effect_size=0.3, unadjusted=0.1
    )
    released = disclosure.release(frame, "opensafely").iloc[0]
    assert (released["count"], released["denominator"]) == (45, 100)
    assert released["estimate"] == 0.45
    gone = ["design_effect", "p_adjusted", "effect_size", "unadjusted", "ci_low", "effective_base"]
    assert released[gone].isna().all()
    answers = pd.DataFrame(
        {"id": ["a"], "unit": "answers", "data_kind": "real", "true": [51], "found": [63],
         "both": [48], "precision": [48 / 63]}
    )  # fmt: skip
    released = disclosure.release(answers, "opensafely").iloc[0]
    assert released[["true", "found", "both"]].tolist() == [50, 65, 50]
    assert np.isnan(released["precision"])


def test_a_test_goes_with_a_withheld_estimate_that_it_compares():
    estimates = disclosure.release(
        rows(("1", 5), ("2", 40), ("3", 35), base=80, variable="status", group="inspected")
    )
    assert estimates["suppressed"].tolist() == [True, False, True]
    tests = pd.DataFrame(
        {
            "id": ["Q.1.test", "Q.2.test", "Q.all.test", "R.1.test"],
            "question": ["Q", "Q", "Q", "R"],
            "response": ["1", "2", "all", "1"],
            "subgroup_variable": "status",
            "wave": "2019",
            "unit": "respondents",
            "statistic": [1.2345, 2.3456, 3.4567, 4.5678],
            "p_value": [0.1234, 0.2345, 0.3456, 0.4567],
            "difference": [0.2, 0.1, np.nan, 0.3],
            "data_kind": "real",
        }
    )
    released = disclosure.release(disclosure.withhold_beside(tests, estimates))
    assert released["suppressed"].tolist() == [True, False, True, False]
    assert released["difference"].dropna().tolist() == [0.1, 0.3]
    # Nothing is left of the whole distribution: two digits of its p-value tell the table.
    assert released["p_value"].dropna().tolist() == [0.2345, 0.4567]
    assert released["statistic"].dropna().tolist() == [2.3456, 4.5678]


def test_a_statistic_goes_with_the_small_cell_behind_it():
    frame = rows(("1", 50)).drop(columns=["count", "estimate"]).assign(smallest_cell=9, p_value=0.1)
    released = disclosure.release(frame)
    assert released["p_value"].isna().all()
    assert "smallest_cell" not in released


def test_a_table_that_does_not_say_what_it_counts_is_refused():
    with pytest.raises(InputError) as refused:
        disclosure.release(pd.DataFrame({"count": [1]}))
    assert "A table without a unit and a data_kind cannot be released." in str(refused.value)
    assert "frame.assign(unit='documents', data_kind='public_record')" in str(refused.value)


def test_an_unknown_profile_is_refused():
    with pytest.raises(InputError, match="expected default or opensafely"):
        disclosure.release(rows(("1", 5)), "none")


def test_one_row_on_its_own_can_be_asked_about():
    assert disclosure.unsafe(rows(("1", 9), base=100).iloc[0])
    assert not disclosure.unsafe(rows(("1", 10), base=100).iloc[0])
    assert not disclosure.unsafe(disclosure.release(rows(("1", 9), base=100)).iloc[0])


# --- the whole survey, attacked -------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole():
    """Every estimate of the committed synthetic survey, as if the respondents were real."""
    survey = sources.read_survey(paths.data("synthetic", "responses.csv"), None, "2019")
    made = tabulation.tabulate(
        survey.responses, survey.groups, survey.questionnaire, wave="2019", data_kind="real"
    )
    return made, disclosure.release(made.estimates)


def test_nothing_withheld_from_the_whole_survey_can_be_worked_out(whole):
    made, released = whole
    assert recovery.recovered(released, made.estimates) == []


def test_nothing_withheld_under_the_opensafely_rules_can_be_worked_out_either(whole, monkeypatch):
    """With rounding alone, four of 1,399 redacted counts could be."""
    made, _ = whole
    monkeypatch.setenv("NCPI_EVAL_PROFILE", "opensafely")
    released = disclosure.release(made.estimates)
    facts = scanner.counts.Facts()
    text = results.csv_text(released).encode()
    facts.collect(scanner.contents.read("results/survey_estimates.csv", text))
    assert list(scanner.counts.small(facts)) == []
    assert list(scanner.recovery.recovered(facts)) == []
    again = disclosure.release(released)
    assert (again["suppressed"] == released["suppressed"]).all()
    bases = released["denominator"].dropna()
    assert (bases % disclosure.OPENSAFELY_ROUNDING == 0).all()


def test_the_attacker_finds_what_is_shown_by_mistake(whole):
    """Each row that was withheld only to hide others is there for a reason, or nearly."""
    made, released = whole
    exact, question = made.estimates, released["question"].eq("FLis")
    small = exact["count"].lt(10) | (exact["denominator"] - exact["count"]).lt(10)
    further = released.index[question & released["suppressed"] & ~small]
    assert len(further) > 20
    found = 0
    for row in further[:: len(further) // 10]:
        leaky = released[question].copy()
        leaky.loc[row, "count"] = exact.loc[row, "count"]
        leaky.loc[row, "suppressed"] = False
        found += bool(recovery.recovered(leaky, exact))
    assert found >= 8


def test_what_is_withheld_from_the_whole_survey_stays_within_bounds(whole):
    """Of 7,956 rows 1,462 are small themselves; before, 2,694 went and 160 could be recovered."""
    _, released = whole
    assert 1462 < released["suppressed"].sum() <= 2800
    assert released["denominator"].isna().sum() <= 300
    assert released.loc[released["suppressed"], "higher_than"].eq("").all()


def test_two_waves_with_rows_numbered_alike_are_released_each_on_its_own(whole):
    made, released = whole
    one = made.estimates[made.estimates["question"].eq("FLis")]
    both = disclosure.release(pd.concat([one, one.assign(wave="2021")]))
    once = released.loc[one.index, "suppressed"].tolist()
    assert both["suppressed"].tolist() == once + once
    assert both.index.tolist() == one.index.tolist() * 2


def test_tests_of_the_whole_survey_go_with_their_small_cells(whole):
    made, released = whole
    tests = disclosure.release(disclosure.withhold_beside(made.tests, released))
    small = made.tests["smallest_cell"].between(1, 9).fillna(False).astype(bool)
    assert small.any() and tests.loc[small.to_numpy(), "suppressed"].all()
    assert tests.loc[tests["suppressed"], ["statistic", "p_value", "difference"]].isna().all(None)


# --- people who are counted twice -----------------------------------------------------------------


def test_a_group_that_is_added_to_the_codebook_is_protected_without_code(tmp_path, monkeypatch):
    # night 5 = custody 30 - day 25, as soon as groups.csv says that shifts divide custody.
    frame = together(
        rows(("1", 30), base=90, variable="area", group="custody"),
        rows(("1", 5), base=40, variable="shift", group="night"),
        rows(("1", 25), base=50, variable="shift", group="day"),
    )
    assert disclosure.release(frame)["suppressed"].tolist() == [False, True, False]
    folder = tmp_path / "data" / "questionnaire"
    shutil.copytree(paths.data("questionnaire"), folder)
    with (folder / "groups.csv").open("a", encoding="utf-8") as groups:
        groups.write("shift,Shift,breakdown,night,Night,area in custody & RServ in 1|2\n")
        groups.write("shift,Shift,breakdown,day,Day,area in custody & RServ not_in 1|2\n")
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    # Those in custody who did not state their service are in neither: nobody tabulated them, and
    # where the bases add up (90 = 40 + 50) there are none.
    assert disclosure.release(frame)["suppressed"].sum() == 2


def test_groups_of_the_codebook_are_made_of_the_same_atoms():
    blocks = populations.of_default_codebook("2019")
    of = {place: (block, row) for block in blocks for row, place in enumerate(block.groups)}

    def atoms(*places):
        return sum(of[place][0].member[of[place][1]].astype(int) for place in places).tolist()

    timing = [("inspection_timing", name) for name in ("before_2017", "from_2017")]
    assert atoms(*timing) == atoms(("inspection_status", "inspected"))
    assert atoms(("training_recency", "last_year"), ("training_recency", "over_a_year")) == atoms(
        ("trained", "trained")
    )
    # Whoever was trained in one subject last year was trained last year; "don't know" of one
    # subject says nothing but that something was answered.
    block = of["trained", "trained"][0]
    last_year = block.member[block.groups.index(("training_recency", "last_year"))]
    assert block.can_be("TrainFre_2", "1").tolist() == last_year.tolist()
    assert block.can_be("TrainFre_2", "5").sum() == 3


def test_an_answer_that_makes_the_group_does_not_give_it_away():
    # Everybody who answered 1 or 2 feels supported: the row for everybody is the group's own.
    frame = together(
        rows(("1", 60), ("2", 5), ("3", 35), question="DecSupp"),
        rows(("1", 60), ("2", 5), base=65, question="DecSupp", variable="support",
             group="supported"),
    )  # fmt: skip
    released = disclosure.release(frame)
    shown = released[~released["suppressed"]].groupby("subgroup")["response"].agg(set)
    assert not shown.get("all", set()) >= {"1", "3"}
    assert "1" not in shown.get("supported", set()) | shown.get("all", set())


# --- what is missing, and other counts ------------------------------------------------------------


def missing(*cells, base=856):
    return rows(*cells, base=base).drop(columns=["ci_low", "ci_high"])


def test_small_numbers_of_missing_answers_are_withheld_together():
    # The base of the question tells that 7 + 40 did not answer: both go, or 7 is had.
    released = disclosure.release(missing(("unanswered", 7), ("prefer_not_to_say", 40)))
    assert released["suppressed"].all()
    assert disclosure.release(missing(("unanswered", 10)))["suppressed"].tolist() == [False]


def test_so_are_small_numbers_of_answers_against_the_routing():
    frame = missing(("answered_against_routing", 9), ("unanswered", 30), base=400)
    assert disclosure.release(frame)["suppressed"].tolist() == [True, False]


def test_the_fewest_responses_of_a_force_are_withheld():
    survey = sources.read_survey(paths.data("synthetic", "responses.csv"), None, "2019")
    counts = quality.response_counts(dataclasses.replace(survey, data_kind="real"))
    released = disclosure.release(counts).set_index("id")
    assert pd.isna(released.loc["survey.responses_per_force.min", "count"])
    assert released.loc["survey.respondents", "count"] == len(survey)
    assert released["suppressed"].sum() == 1


def test_the_same_people_counted_elsewhere_are_withheld_with_an_estimate():
    # Code 4 of NCPIimp is "don't know", which the table of missing answers counts as well.
    estimates = disclosure.release(rows(("1", 60), ("4", 5), ("2", 35), question="NCPIimp"))
    assert estimates["suppressed"].tolist() == [False, True, True]
    table = together(
        rows(("dont_know", 35), ("unanswered", 30), base=130, question="NCPIimp"),
        rows(("2", 35), question="NCPIimp"),
        rows(("1", 60), question="NCPIimp"),
    )
    beside = disclosure.withhold_beside(table, estimates)
    assert beside["suppressed"].tolist() == [True, False, True, False]


def test_the_bases_of_a_test_go_with_a_hidden_base():
    estimates = disclosure.release(
        together(
            rows(("1", 90), ("2", 110), base=200),
            rows(("1", 3), ("2", 3), base=6, variable="area", group="other"),
            rows(("1", 87), ("2", 107), base=194, variable="area", group="custody"),
        )
    )
    tests = pd.DataFrame(
        {"question": ["Q"], "response": "all", "subgroup_variable": "area", "wave": "2019",
         "denominator": [194]}
    )  # fmt: skip
    assert disclosure.withhold_beside(tests, estimates)["denominator"].isna().all()
