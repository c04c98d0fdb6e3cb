"""Verdicts on published numbers, on a report of a few rows and a survey of a few counts."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import stats
from test_claims import by, row

from ncpi_eval.errors import InputError
from ncpi_eval.survey import consistency, reconciliation

STATUS = ("inspected", "uninspected")
TIMING = ("before_2017", "from_2017", "uninspected")
BOTH = "inspected|uninspected"
READING = ["point", "reading", "chosen", "definition", "id", "question", "response",
           "subgroup_variable", "subgroup", "use"]  # fmt: skip


def printed(**cells):
    """One row of the transcription; blank where nothing is said."""
    blank = dict.fromkeys(
        ["key", "location", "question", "response", "base", "significant", "relation", "note"], ""
    )
    where = {"subgroup_variable": "all", "subgroup": "all", "value": float("nan")}
    unit = "percent" if "value" in cells else "statement"
    return {"id": "claim", **blank, **where, "unit": unit, **cells}


def reading(**cells):
    full = dict.fromkeys(READING, "") | {"point": "p", "reading": "r", "chosen": "yes"}
    return full | {"definition": "as the text says", "id": "claim"} | cells


def reconcile(
    figures, estimates, *, readings=(), tests=(), counts=(), failing="", kind="synthetic"
):
    """The reconciled frame; `failing` is the arithmetic of a check that the first row fails."""
    figures = pd.DataFrame(figures if isinstance(figures, list) else [figures])
    estimates = pd.DataFrame(estimates).assign(unit="respondents", data_kind=kind)
    columns = ["id", "question", "response", "subgroup_variable", "p_value", "compared", "left_out"]
    checks = [("law", "about", failing, False, figures["id"].iloc[0])] if failing else []
    return reconciliation.reconcile(
        figures,
        pd.DataFrame(list(readings), columns=READING),
        estimates,
        pd.DataFrame(list(tests), columns=columns),
        pd.DataFrame(list(counts), columns=["id", "count"]),
        pd.DataFrame(checks, columns=consistency.COLUMNS),
    )


def told(*args, **options):
    """Verdict and reason of the first row."""
    first = reconcile(*args, **options).iloc[0]
    return first["verdict"], first["reason"]


EVERYBODY = [row("FLis", "1|2", 63, 100)]


# --- percentages and bases -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "base", "shown"),
    # 89 of 200 is 44.5; 454999 of a million is 45.4999; 455 of a thousand is 45.5.
    [(89, 200, 45), (454_999, 1_000_000, 45), (455, 1000, 46), (0, 30, 0), (30, 30, 100)],
)
def test_a_percentage_matches_when_it_is_rounded_half_up_from_counts(count, base, shown):
    estimates = [row("FLis", "1|2", count, base)]
    for value in (shown - 1, shown, shown + 1):
        found = reconcile(printed(question="FLis", response="1|2", value=value), estimates).iloc[0]
        assert found["verdict"] == ("matches" if value == shown else "differs")
        assert (found["recomputed"], found["recomputed_base"]) == (shown, base)
        assert found["difference"] == shown - value
        assert found["result_id"] == "FLis.1|2.all.all"


def test_what_differs_is_told_with_both_numbers():
    claim = printed(question="FLis", response="2|1", value=64, base="101")
    assert told(claim, EVERYBODY) == ("differs", "recomputed 63, printed 64; base 100, printed 101")


@pytest.mark.parametrize(
    ("base", "holds"),
    [("200", True), ("199", False), ("199-200", True), ("200-201", True), ("201-202", False),
     ("", True)],
)  # fmt: skip
def test_the_base_is_that_of_all_groups_together_and_may_be_a_range(base, holds):
    claim = printed(
        question="FLis",
        response="1|2",
        subgroup_variable="inspection_status",
        subgroup="inspected",
        value=66,
        base=base,
    )
    estimates = by("inspection_status", STATUS, "FLis", "1|2", 66, 60)
    verdict, reason = told(claim, estimates)
    assert (verdict, reason) == (
        ("matches", "") if holds else ("differs", f"base 200, printed {base}")
    )


@pytest.mark.parametrize(("value", "verdict"), [(23, "matches"), (20, "differs"), (28, "differs")])
def test_around_a_quarter_is_right_to_the_nearest_five(value, verdict):
    # Printed as about 25: 23 to 27 are.
    claim = printed(question="Q", response="1", value=25, unit="percent_approximate")
    assert told(claim, [row("Q", "1", value, 100)])[0] == verdict


def test_a_group_that_is_withheld_is_not_recomputed():
    claim = printed(question="FLis", response="1|2", value=63)
    cannot = ("not recomputable", "no released row has this question, answers and group")
    assert told(claim, [row("FLis", "1|2", 63, 100, withheld=True)]) == cannot
    assert told(claim, [row("FEff", "1|2", 63, 100)]) == cannot


def test_a_base_with_a_withheld_group_is_not_compared_and_says_so():
    claim = printed(
        question="FLis",
        response="1|2",
        subgroup_variable="inspection_status",
        subgroup="inspected",
        value=66,
        base="850",
    )
    estimates = by("inspection_status", STATUS, "FLis", "1|2", 66, None)
    reason = "base not compared, because a group is withheld"
    assert told(claim, estimates) == ("matches", reason)
    assert told(claim, estimates, kind="real") == ("matches", reason)
    assert told(claim | {"value": 65}, estimates)[1] == f"recomputed 66, printed 65; {reason}"


def test_a_percentage_of_nobody_does_not_match():
    claim = printed(question="FLis", response="1|2", value=63)
    assert told(claim, [row("FLis", "1|2", 0, 0)]) == (
        "not recomputable",
        "nobody of this group answered the question",
    )


def of_grid(*bases):
    """Items of a grid, with the base of each by status; a base of None is withheld."""
    rows = []
    for number, base in enumerate(bases, start=1):
        for name in ("1", "2"):
            cells = (1, 1) if base else (1, None)
            rows += by("inspection_status", STATUS, f"FSyst_{number}", name, *cells, base=base or 9)
    return rows


@pytest.mark.parametrize(
    ("end", "value", "verdict"),
    [("lowest", 80, "matches"), ("lowest", 82, "differs"), ("highest", 84, "matches"),
     ("highest", 80, "differs"), ("base", 80, "differs"), ("base", 84, "differs")],
)  # fmt: skip
def test_a_range_of_bases_over_a_grid(end, value, verdict):
    # Two groups of 40, 41 and 42: the items have bases of 80, 82 and 84.
    claim = printed(
        key=f"FSyst.{end}",
        question="FSyst",
        subgroup_variable="inspection_status",
        subgroup=BOTH,
        value=value,
        unit="respondents",
    )
    assert told(claim, of_grid(40, 41, 42))[0] == verdict
    # One item withheld: it might be the one with the smallest or the largest base.
    assert told(claim, of_grid(40, 41, None)) == (
        "not recomputable",
        "not every base of this question and breakdown is released",
    )


def test_one_base_printed_for_a_grid_must_be_right_for_every_item():
    claim = printed(
        key="base",
        question="FSyst",
        subgroup_variable="inspection_status",
        value=80,
        unit="respondents",
    )
    assert told(claim, of_grid(40, 40, 40)) == ("matches", "")
    assert told(claim, of_grid(40, 40, 42)) == ("differs", "base 84, printed 80")


# --- counts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "verdict", "reason"),
    [
        (34, "matches", ""),
        (33, "differs", "recomputed 33, printed 34"),
        (float("nan"), "not recomputable", "withheld to protect respondents"),
    ],
)
def test_counts_of_forces_are_found_by_their_key(count, verdict, reason):
    claim = printed(key="survey.forces.responded", value=34, unit="forces")
    counts = [("survey.forces.responded", count)]
    assert told(claim, EVERYBODY, counts=counts) == (verdict, reason)


def test_counts_of_two_waves_are_refused():
    with pytest.raises(InputError, match="found survey.forces.responded more than once; expected"):
        reconcile(printed(), EVERYBODY, counts=[("survey.forces.responded", 34)] * 2)


# --- what cannot be recomputed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"value": 37, "unit": "interviews"}, "not a figure of the questionnaire"),
        ({"question": "FLis"}, "a claim in words, which asserts nothing that can be checked"),
        (
            {"question": "FLis", "value": 38},
            "a number without the answers that it counts, which asserts nothing that can be "
            "checked",
        ),
        (
            {"question": "FEff", "response": "1|2", "relation": "majority"},
            "the rows that the claim needs were not released",
        ),
        (
            {"question": "FEff", "response": "1|2", "significant": "no"},
            "no test of this question and breakdown was released",
        ),
    ],
)
def test_what_cannot_be_recomputed_says_why(cells, reason):
    for kind in ("synthetic", "real"):
        assert told(printed(**cells), EVERYBODY, kind=kind) == ("not recomputable", reason)


def test_claims_in_words_hold_or_do_not():
    claim = printed(question="FLis", response="1|2", relation="majority")
    assert told(claim, EVERYBODY) == ("matches", "63 of 100")
    assert told(claim | {"relation": "minority"}, EVERYBODY) == ("differs", "63 of 100")


# --- statements of significance ------------------------------------------------------------------


def said(significant, response="1|2", variable="inspection_status", subgroup=BOTH):
    return printed(
        question="FLis",
        response=response,
        subgroup_variable=variable,
        subgroup=subgroup,
        significant=significant,
    )


def whole(p, compared=BOTH, left_out="", variable="inspection_status"):
    return ("FLis.all", "FLis", "all", variable, p, compared, left_out)


# 60 and 40 of 100: chi-square 8, p 0.005 (scipy below); 50 and 48: p about 0.78.
FAR, NEAR = (60, 40), (50, 48)


def test_the_printed_answers_are_tested_first():
    p = stats.chi2_contingency([[60, 40], [40, 60]], correction=False).pvalue
    estimates = by("inspection_status", STATUS, "FLis", "1|2", *FAR)
    found = reconcile(said("yes"), estimates).iloc[0]
    assert (found["verdict"], found["reason"]) == ("matches", "printed answers: p = 0.005")
    assert found["recomputed"] == pytest.approx(p)
    assert found["result_id"] == "FLis.1|2.inspection_status.inspected"
    assert told(said("no"), estimates) == ("differs", "printed answers: p = 0.005")


@pytest.mark.parametrize(
    ("counts", "p_whole", "significant", "verdict", "reason"),
    [
        (FAR, 0.2, "yes", "matches", "printed answers: p = 0.005"),
        (FAR, 0.2, "no", "matches", "printed answers: p = 0.005; whole distribution: p = 0.20"),
        (NEAR, 0.2, "no", "matches", "printed answers: p = 0.78"),
        (NEAR, 0.01, "yes", "matches", "printed answers: p = 0.78; whole distribution: p = 0.01"),
        (NEAR, 0.2, "yes", "differs", "printed answers: p = 0.78; whole distribution: p = 0.20"),
        (NEAR, 0.05, "yes", "differs", "printed answers: p = 0.78; whole distribution: p = 0.050"),
        (NEAR, 0.0499, "yes", "matches",
         "printed answers: p = 0.78; whole distribution: p = 0.050"),
    ],
)  # fmt: skip
def test_either_test_may_agree_and_the_reason_says_which(
    counts, p_whole, significant, verdict, reason
):
    estimates = by("inspection_status", STATUS, "FLis", "1|2", *counts)
    assert told(said(significant), estimates, tests=[whole(p_whole)]) == (verdict, reason)


def test_a_statement_without_answers_is_held_against_the_whole_distribution():
    assert told(said("no", ""), EVERYBODY, tests=[whole(0.77)]) == (
        "matches",
        "whole distribution: p = 0.77",
    )
    # A test that was refused has no p-value and decides nothing.
    assert told(said("no", ""), EVERYBODY, tests=[whole(float("nan"))])[0] == "not recomputable"


def test_a_test_over_other_groups_is_not_taken():
    # The released test compares two of the three, because the third has too few answers.
    test = whole(0.001, "before_2017|uninspected", "from_2017", "inspection_timing")
    claim = said("yes", "", "inspection_timing", "|".join(TIMING))
    assert told(claim, EVERYBODY, tests=[test])[0] == "not recomputable"
    # Nor does it speak for all groups of the breakdown.
    assert told(claim | {"subgroup": "all"}, EVERYBODY, tests=[test])[0] == "not recomputable"
    named = claim | {"subgroup": "uninspected|before_2017"}
    assert told(named, EVERYBODY, tests=[test])[0] == "matches"
    full = whole(0.001, "|".join(TIMING), float("nan"), "inspection_timing")
    assert told(claim | {"subgroup": "all"}, EVERYBODY, tests=[full])[0] == "matches"


def timing(*counts, response="1"):
    return by("inspection_timing", TIMING, "FLis", response, *counts)


def test_a_subset_of_groups_is_tested_by_itself():
    # 33, 26 and 12 of 100: the three differ (chi-square 12.6), the first two do not (1.2).
    three = said("yes", "1", "inspection_timing", "|".join(TIMING))
    two = said("no", "1", "inspection_timing", "before_2017|from_2017")
    assert told(three, timing(33, 26, 12)) == ("matches", "printed answers: p = 0.002")
    assert told(two, timing(33, 26, 12)) == ("matches", "printed answers: p = 0.28")


def test_a_withheld_group_leaves_nothing_to_test():
    three = said("no", "1", "inspection_timing", "|".join(TIMING))
    assert told(three, timing(33, 26, None))[0] == "not recomputable"
    # All groups of the breakdown: the withheld one is one of them.
    assert told(three | {"subgroup": "all"}, timing(33, 26, None))[0] == "not recomputable"
    assert told(three | {"subgroup": "before_2017|from_2017"}, timing(33, 26, None))[0] == "matches"


def test_the_whole_distribution_of_some_groups_comes_from_released_counts():
    claim = said("yes", "", "inspection_timing", "before_2017|from_2017")
    estimates = [*timing(60, 40, 50), *timing(40, 60, 50, response="2")]
    assert told(claim, estimates) == ("matches", "whole distribution of these groups: p = 0.005")
    # One answer of one of the groups is withheld.
    hidden = [*timing(60, 40, 50), *timing(40, None, 50, response="2")]
    assert told(claim, hidden)[0] == "not recomputable"
    # Everybody gave the same answer.
    alike = [*timing(100, 100, 50), *timing(0, 0, 50, response="2")]
    assert told(claim | {"significant": "no"}, alike)[0] == "matches"


# --- readings ------------------------------------------------------------------------------------


def test_a_reading_defines_a_row_anew_and_is_told():
    claim = printed(question="FLis", response="1", value=63)
    assert told(claim, [*EVERYBODY, row("FLis", "1", 20, 100)])[0] == "differs"
    readings = [reading(response="1|2"), reading(reading="other", chosen="no", response="3")]
    assert told(claim, EVERYBODY, readings=readings) == ("matches", "read as: as the text says")
    found = reconcile(claim, EVERYBODY, readings=readings).iloc[0]
    assert found["response"] == "1"  # The transcription stays as printed.


def test_a_chosen_reading_that_changes_nothing_is_not_told():
    claim = printed(question="FLis", response="1|2", value=63)
    assert told(claim, EVERYBODY, readings=[reading()]) == ("matches", "")


def test_a_misprint_is_contradicted_with_its_arithmetic():
    claim = printed(question="FLis", response="1|2", value=33)
    for kind in ("synthetic", "real"):
        found = told(
            claim,
            EVERYBODY,
            readings=[reading(use="misprint")],
            failing="33 (summary), 63 (chapter)",
            kind=kind,
        )
        assert found == (
            "contradicted by another published number",
            "33 (summary), 63 (chapter); read as: as the text says",
        )


def test_a_misprint_that_no_arithmetic_shows_is_compared_like_any_other_row():
    claim = printed(question="FLis", response="1|2", value=33)
    assert told(claim, EVERYBODY, readings=[reading(use="misprint")]) == (
        "differs",
        "recomputed 63, printed 33; called a misprint, but no check of the printed numbers shows "
        "it; read as: as the text says",
    )


def test_a_check_that_other_rows_fail_does_not_excuse_a_misprint():
    rows = [printed(id="other"), printed(question="FLis", response="1|2", value=33)]
    found = reconcile(rows, EVERYBODY, readings=[reading(use="misprint")], failing="1 > 2")
    assert found["verdict"].tolist() == ["not recomputable", "differs"]


def test_readings_that_would_do_nothing_are_refused():
    readings = [
        reading(id="clame"),
        reading(use="missprint"),
        reading(chosen="maybe"),
        reading(point="another"),
    ]
    with pytest.raises(InputError) as error:
        reconcile(printed(), EVERYBODY, readings=readings)
    assert str(error.value).splitlines() == [
        "The readings cannot be used.",
        "  - readings.csv, row 1, column id: found 'clame'; expected an id of figures.csv. What to "
        "do: Correct the cell.",
        "  - readings.csv, row 2, column use: found 'missprint'; expected misprint, unrouted or "
        "blank. What to do: Correct the cell.",
        "  - readings.csv, row 3, column chosen: found 'maybe'; expected yes or no. What to do: "
        "Correct the cell.",
        "  - readings.csv, row 4, column id: found 'claim'; expected one chosen reading of each "
        "row. What to do: Correct the cell.",
    ]


# --- real data -----------------------------------------------------------------------------------


def all_kinds_of_rows():
    figures = [
        printed(id="percent", question="FLis", response="1|2", value=63),
        printed(id="wrong", question="FLis", response="1|2", value=77, base="999"),
        printed(id="words", question="FLis", response="1|2", relation="minority"),
        said("yes") | {"id": "statement"},
        said("no") | {"id": "against"},
        printed(id="count", key="forces", value=34, unit="forces"),
        printed(id="base", question="FLis", value=99, unit="respondents"),
    ]
    estimates = [*EVERYBODY, *by("inspection_status", STATUS, "FLis", "1|2", *FAR)]
    options = {"counts": [("forces", 33)], "readings": [reading(id="percent", response="1|2")]}
    return figures, estimates, options


@pytest.mark.parametrize("kind", ["real", "something else"])
def test_real_data_shows_verdicts_and_no_numbers(kind):
    figures, estimates, options = all_kinds_of_rows()
    synthetic = reconcile(figures, estimates, **options)
    assert synthetic["recomputed"].notna().sum() == 6 and (synthetic["data_kind"] != "real").all()
    real = reconcile(figures, estimates, **options, kind=kind)
    assert real["verdict"].tolist() == synthetic["verdict"].tolist()
    assert real[["recomputed", "recomputed_base", "difference"]].isna().all(axis=None)
    assert real["reason"].tolist() == [
        "read as: as the text says",
        "",
        "",
        "by the printed answers",
        "by the printed answers",
        "",
        "",
    ]
    assert set(real["data_kind"]) == {kind}


def test_synthetic_data_can_be_held_against_the_rules_for_real_data(monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_PROTECT_SYNTHETIC", "1")
    figures, estimates, options = all_kinds_of_rows()
    assert reconcile(figures, estimates, **options)["recomputed"].isna().all()


def test_invented_and_real_rows_are_not_mixed():
    figures, estimates, _ = all_kinds_of_rows()
    mixed = ["real"] + ["synthetic"] * (len(estimates) - 1)
    with pytest.raises(InputError) as error:
        reconcile(figures, estimates, kind=mixed)
    assert str(error.value) == (
        "Published numbers can only be held against one kind of data.\n"
        "  - released rows, column data_kind: found real and synthetic; expected one kind in every "
        "row. What to do: Take the estimates and the themes from the same survey."
    )
