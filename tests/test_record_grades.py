"""Grades of audited cases: as printed, with their errors, and never tested."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ncpi_eval import paths, results
from ncpi_eval.errors import DesignError, InputError
from ncpi_eval.evidence import grades
from ncpi_eval.intake.record import read_audits


@pytest.fixture(scope="module")
def audits():
    return read_audits()


@pytest.fixture(scope="module")
def graded(audits):
    return grades.grades(audits)


def of(graded, start):
    """Rows whose id starts like this, by grade."""
    rows = graded[graded["id"].str.startswith(f"case_audit.{start}.")]
    return rows.set_index("response")


def test_a_complete_audit_has_shares_and_intervals(graded):
    rows = of(graded, "avon-and-somerset.inspection.2023-07.all.inspectors")
    assert rows["count"].tolist() == [17, 30, 22]
    assert rows["denominator"].tolist() == [69, 69, 69]
    assert rows.loc["good", "estimate"] == pytest.approx(17 / 69)
    # Wilson by hand: (2 * 17 + z2 -+ z sqrt(z2 + 4 * 17 * 52 / 69)) / (2 (69 + z2)), z = 1.959964.
    z = 1.959964
    reach = z * np.sqrt(z**2 + 4 * 17 * 52 / 69)
    limits = [(34 + z**2 + sign * reach) / (2 * (69 + z**2)) for sign in (-1, 1)]
    assert rows.loc["good", ["ci_low", "ci_high"]].tolist() == pytest.approx(limits, abs=1e-6)
    assert rows.loc["good", "caveat"].startswith("Cases were chosen by inspectors, not sampled")


def test_complete_audits_are_those_that_were_compiled(graded):
    rows = graded[
        (graded["split"] == "complete")
        & (graded["scope"] == "all")
        & (graded["grade_scale"] == "3-point")
    ]
    # Compilation from the same pages: 17 audits of 13 forces have a full split that sums.
    assert (rows["audit"].nunique(), rows["subgroup"].nunique()) == (17, 13)
    sums = rows.groupby("audit")["count"].sum()
    assert (sums == rows.groupby("audit")["denominator"].first()).all()


def test_a_printed_error_is_shown_and_not_repaired(graded):
    rows = of(graded, "west-yorkshire.inspection.2014-08.all.inspectors")
    # As printed by the source of January 2015: 9 + 8 + 7 + 10 = 34, of 33 cases.
    assert rows["count"].tolist() == [9, 8, 7, 10]
    assert rows["denominator"].tolist() == [33] * 4
    assert rows["estimate"].isna().all() and rows["ci_low"].isna().all()
    assert set(rows["split"]) == {"contradictory"}
    assert "Error as published: the printed grades sum to 34" in rows.loc["good", "caveat"]


def test_what_is_not_published_stays_blank(graded):
    rows = of(graded, "lancashire.inspection.2017-10.all.inspectors")
    assert rows["count"].isna().tolist() == [True, True, False]
    assert "Not published." in rows.loc["good", "caveat"]
    assert rows.loc["inadequate", "estimate"] == pytest.approx(30 / 79)
    only_percent = of(graded, "humberside.post_inspection_review.2017.all.inspectors").loc["good"]
    assert only_percent["estimate"] == 0.26
    assert pd.isna(only_percent["count"]) and pd.isna(only_percent["ci_low"])
    assert "Only a percentage is published." in only_percent["caveat"]


def test_two_grades_published_together_stay_together(graded):
    rows = of(graded, "mps.quarterly_update_4.2017.all.inspectors")
    assert rows.loc["requires_improvement|inadequate", "count"] == 191
    assert pd.isna(rows.loc["inadequate", "count"])
    # 214 - 191 = 23 is the compilation's, not the publisher's.
    assert rows.loc["good", ["count", "derived"]].tolist() == [23, True]


def test_parts_of_an_audit_say_so(graded):
    row = of(graded, "nottinghamshire.post_inspection_review.2015-08").loc["inadequate"]
    assert "Only cases of child sexual exploitation, a part of the audit." in row["caveat"]
    later = of(graded, "greater-manchester.inspection.2024").loc["all"]
    assert "A later format with graded areas" in later["caveat"]
    assert pd.isna(later["count"]) and later["denominator"] == 48


def test_only_a_handful_of_forces_was_graded_twice(graded):
    twice = grades.graded_twice(graded)
    complete = twice[twice["split"] == "complete"]
    forces = ["Dorset", "North Yorkshire", "Suffolk", "Warwickshire"]
    assert complete["subgroup"].unique().tolist() == forces
    # Leicestershire's two percentages, 29 and 53, are of good only.
    other = twice[twice["split"] == "partial"]
    assert other[["subgroup", "response"]].to_numpy().tolist() == [["Leicestershire", "good"]]
    row = results.pick(twice, id="graded_twice.suffolk.good")
    assert row["difference"] == pytest.approx(17 / 30 - 27 / 72)
    assert not {"p_value", "ci_low", "ci_high", "difference_low"} & set(twice)


def test_self_assessment_is_known_for_one_force_in_total(graded):
    totals = grades.self_assessment_totals(graded).set_index("response")
    assert totals["subgroup"].unique().tolist() == ["West Yorkshire"]
    assert totals["count_force"].tolist() == [17, 8, 5, 3]
    assert totals["count"].tolist() == [9, 8, 7, 10]
    # min(9, 17) + min(8, 8) + min(7, 5) + min(10, 3) = 25.
    assert set(totals["most_agreeing"]) == {25}
    assert totals["caveat"].iloc[0].startswith("Totals are published for 1 force only")


def test_self_assessment_case_by_case():
    # | case | inspectors           | force      |              |
    # | 1    | good                 | good       | same         |
    # | 2    | requires_improvement | good       | more generous|
    # | 3    | inadequate           | good       | more generous|
    # | 4    | good                 | inadequate | stricter     |
    # | 5    | good                 |            | not graded   |
    cases = pd.DataFrame(
        {
            "force": "A",
            "inspectors": ["good", "requires_improvement", "inadequate", "good", "good"],
            "self": ["good", "good", "good", "inadequate", None],
            "data_kind": "synthetic",
        }
    )
    got = grades.self_assessment(cases).set_index("response")
    assert got["count"].to_dict() == {"same": 1, "force_more_generous": 2, "force_stricter": 1}
    assert set(got["denominator"]) == {4} and set(got["not_graded"]) == {1}
    # Wilson by hand for 2 of 4: (4 + 3.8415 - 1.96 sqrt(3.8415 + 4)) / (2 (4 + 3.8415)) = 0.1500.
    assert got.loc["force_more_generous", "ci_low"] == pytest.approx(0.1500, abs=5e-5)
    results.check("self", got.reset_index())


def test_an_unknown_grade_is_refused():
    cases = pd.DataFrame(
        {"force": ["A"], "inspectors": ["adequate"], "self": ["good"], "data_kind": ["synthetic"]}
    )
    with pytest.raises(InputError, match="cases, row 1, column inspectors: found 'adequate'"):
        grades.self_assessment(cases)


def test_every_frame_speaks_the_vocabulary(graded):
    for frame in (graded, grades.graded_twice(graded), grades.self_assessment_totals(graded)):
        results.check("grades", frame)
        assert set(frame["data_kind"]) == {"public_record"}
        assert set(frame["confidence"]) <= {"high", "medium", "low"}


def test_invented_and_real_audits_do_not_mix(audits):
    mixed = audits.copy()
    mixed.loc[0, "data_kind"] = "synthetic"
    with pytest.raises(DesignError, match="keep invented and real ones apart"):
        grades.grades(mixed)


def test_it_runs_on_the_documents():
    path = paths.data("synthetic", "documents", "truth", "documents.csv")
    facts = pd.read_csv(path, dtype=str, keep_default_na=False)
    audits = grades.audits_of_documents(facts.assign(confidence="0.9", problems=""))
    graded = grades.grades(audits)
    results.check("grades", graded)
    assert set(graded["data_kind"]) == {"synthetic"}
    # Quirk of the invented documents: some print grades that do not sum, as real ones do.
    sums = graded.groupby("audit")["count"].sum() == graded.groupby("audit")["denominator"].first()
    assert (graded.groupby("audit")["split"].first()[~sums] == "contradictory").all()
