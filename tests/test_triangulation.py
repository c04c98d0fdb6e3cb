"""The strands beside each other: rules checked by hand, every cell with its source, and nothing
that is synthetic counted."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from ncpi_eval import workspace
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import counts_of_people, logic_model, triangulation
from ncpi_eval.evidence.triangulation import weigh
from ncpi_eval.intake import judgements

NODES = pd.DataFrame(
    {"node": ["trained", "heard"], "code": ["S1", "M1"], "label": ["Trained", "Heard"]}
)
FIGURES = pd.DataFrame(
    {
        "id": ["T.diff.C3", "T.1.C3", "T.made.up"],
        "unit": ["statement", "percent", "percent"],
        "claim": ["No difference in training", "Trained", "Invented"],
        "location": "Chapter 3",
        "value": [None, 47.0, 90.0],
        "significant": ["no", None, "yes"],
        "data_kind": ["published", "published", "synthetic"],
    }
)


EXTRACTS = pd.DataFrame(
    {
        "id": ["extract.1", "extract.2", "extract.3"],
        "unit": "claims",
        "summary": ["Trained more", "Example: a course", "Not for all"],
        "subgroup": ["inspected_forces", "inspected_forces", "inspection_team"],
        "response": ["positive", "positive", "challenge"],
        "place": ["Chapter 3", "Chapter 5", "Chapter 5"],
        "data_kind": "published",
    }
)


def printed(**given):
    """A row of published_robustness: 61% against 49%, proof against everything."""
    row = {
        "id": "T.1.inspection_status.published.2019",
        "question": "T",
        "response": "1|2",
        "subgroup_variable": "inspection_status",
        "comparison": "Trained (inspected, not yet)",
        "printed": "61|49",
        "verdict": "always significant",
        "icc_cross_low": 0.03,
        "icc_cross_high": 0.08,
        "published_significant": "yes",
        "data_kind": "published",
    }
    return pd.Series({**row, **given})


def files(**given):
    checks = pd.DataFrame({"id": ["x"], "item": ["x"], "arithmetic": ["x"], "claims": [""]})
    kept = {
        "published_figures": FIGURES,
        "published_robustness": pd.DataFrame([printed()]),
        "framework_extracts": EXTRACTS,
        "published_checks": checks.assign(holds="yes", data_kind="published"),
    }
    return {**kept, **given}


def cells(*rows):
    columns = ["outcome", "strand", "direction", "evidence", "data_kind"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(statement="x", place="C3; C5")


COMPUTED = ("trained", "survey", "computed", "", "published")
COMPARISON = ("trained", "survey", "published_robustness#T.1.inspection_status.published.2019")


def judged(**given):
    strands = pd.DataFrame({"strand": judgements.STRANDS, "label": judgements.STRANDS})
    rules = [("survey", "survives_clustering"), ("survey", "sound_selection")]
    rules += [("interviews", "several_places"), ("interviews", "sound_selection")]
    whole = judgements.Judgements(
        cells=cells(COMPUTED),
        comparisons=pd.DataFrame(
            [(*COMPARISON, "first_higher", "training in the last year")],
            columns=["outcome", "strand", "evidence", "wanted", "about"],
        ),
        strands=strands.assign(selected_soundly="no", why="x", place="x"),
        rubric=pd.DataFrame(rules, columns=["strand", "rule"]).assign(
            criterion=[rule for _, rule in rules], met_when="x", why="x"
        ),
        conclusions=pd.DataFrame(
            {"outcome": ["trained", "heard"], "direction": ["for", "silent"]}
        ).assign(statement="x", place="x", note=""),
        recommendations=pd.DataFrame(
            columns=["recommendation", "outcomes", "evidence", "indicators"], dtype=str
        ),
    )
    return dataclasses.replace(whole, **given)


def outcome(found, node="trained"):
    return found.outcomes.set_index("outcome").loc[node]


# --- one comparison ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        ({}, "holds"),
        ({"printed": "49|61"}, "the other way"),
        ({"icc_cross_low": 0.019}, "fragile"),
        ({"icc_cross_low": 0.02}, "holds"),
        ({"verdict": "depends on rounding"}, "fragile"),
        ({"verdict": "never significant", "icc_cross_low": None}, "no difference"),
        ({"published_significant": "no"}, "no difference"),
        ({"published_significant": "yes and no"}, "fragile"),
    ],
)
def test_a_comparison_holds_only_if_rounding_and_clustering_leave_it(given, finding):
    assert weigh(printed(**given), "first_higher", 0.02)[0] == finding


@pytest.mark.parametrize(
    ("wanted", "finding"),
    [
        ("first_higher", "holds"),
        ("first_lower", "the other way"),
        ("second_higher", "the other way"),
    ],
)
def test_which_group_is_wanted_higher_decides(wanted, finding):
    assert weigh(printed(), wanted, 0.02)[0] == finding


def test_the_caution_says_what_speaks_against_leaning_on_it():
    fragile = printed(verdict="depends on rounding", icc_cross_low=0.0, icc_cross_high=0.003)
    assert weigh(fragile, "first_higher", 0.02)[1] == (
        "significant or not, depending on how the printed numbers were rounded; "
        "would be lost where colleagues are alike at 0.02"
    )
    perhaps = printed(icc_cross_low=0.01)
    assert (
        weigh(perhaps, "first_higher", 0.02)[1] == "may be lost where colleagues are alike at 0.02"
    )


def test_a_statement_without_numbers_can_deny_a_difference_and_not_carry_one():
    rows = FIGURES.set_index("id", drop=False)
    assert weigh(rows.loc["T.diff.C3"], "first_higher", 0.02)[0] == "no difference"
    assert weigh(rows.loc["T.made.up"], "first_higher", 0.02)[0] == "numbers not printed"


# --- strands together -------------------------------------------------------------------------

INTERVIEWS = ("trained", "interviews")
TWO_PLACES = "framework_extracts#extract.1 framework_extracts#extract.2"


@pytest.mark.parametrize(
    ("survey", "interviews", "relation", "direction", "confidence"),
    [
        ("for", None, "one strand", "for", "low"),
        ("for", "for", "agree", "for", "moderate"),
        ("for", "mixed", "complementary", "mixed", "moderate"),
        ("mixed", "mixed", "complementary", "mixed", "moderate"),
        ("against", "for", "dissonant", "mixed", "low"),
        ("context", "against", "one strand", "against", "low"),
        ("context", None, "silent", "silent", "none"),
    ],
)
def test_how_strands_relate(survey, interviews, relation, direction, confidence):
    rows = [("trained", "survey", survey, "", "published")]
    rows += [(*INTERVIEWS, interviews, TWO_PLACES, "published")] if interviews else []
    found = triangulation.triangulate(judged(cells=cells(*rows)), NODES, files())
    row = outcome(found)
    assert (row["relation"], row["direction"], row["confidence"]) == (
        relation,
        direction,
        confidence,
    )


def test_strength_counts_criteria_met_and_missed():
    found = triangulation.triangulate(judged(), NODES, files()).cells.set_index("id")
    cell = found.loc["cell.trained.survey"]
    # by hand: survives clustering, was not drawn by chance: one met, one missed
    assert (cell["criteria_met"], cell["criteria_missed"]) == (
        "survives_clustering",
        "sound_selection",
    )
    assert (cell["direction"], cell["strength"]) == ("for", "moderate")
    assert found.loc["cell.heard.survey", "strength"] == "not rated"
    sound = judged(strands=judged().strands.assign(selected_soundly="yes"))
    strong = triangulation.triangulate(sound, NODES, files()).cells.set_index("id")
    assert strong.loc["cell.trained.survey", "strength"] == "strong"


def test_criteria_of_interviews_come_from_the_published_findings_that_are_cited():
    rules = ["several_places", "several_voices", "has_example", "no_contrary"]
    rubric = pd.DataFrame({"strand": "interviews", "rule": rules, "criterion": rules})
    made = judged(rubric=rubric.assign(met_when="x", why="x"))

    def met(evidence):
        rows = cells(COMPUTED, (*INTERVIEWS, "for", evidence, "published"))
        found = triangulation.triangulate(
            dataclasses.replace(made, cells=rows), NODES, files()
        ).cells.set_index("id")
        return found.loc["cell.trained.interviews", "criteria_met"]

    one, two, three = (f"framework_extracts#extract.{n}" for n in (1, 2, 3))
    assert met(one) == "no_contrary"
    assert met(f"{one} {two}") == "several_places, has_example, no_contrary"
    assert met(f"{one} {three}") == "several_places, several_voices"
    assert met("") == ""


def test_a_higher_correlation_takes_a_difference_away():
    lost = triangulation.triangulate(judged(), NODES, files(), plausible=0.05)
    row = outcome(lost)
    assert (row["direction"], row["differs"]) == ("mixed", "yes")
    assert row["why"] == (
        "One strand alone speaks on it: survey. Cautions: training in the last year: may be lost "
        "where colleagues are alike at 0.05."
    )


def test_printed_numbers_that_disagree_are_a_reason():
    broken = files()["published_checks"].assign(
        holds="no", item="repeated claim", arithmetic="33, 26", claims="T.1-2.inspection_status.C3"
    )
    rules = pd.DataFrame(
        {"strand": ["survey"], "rule": ["no_contradiction"], "criterion": ["consistent"]}
    ).assign(met_when="x", why="x")
    found = triangulation.triangulate(
        judged(rubric=rules), NODES, files(published_checks=broken), plausible=0.05
    )
    assert found.cells.set_index("id").loc["cell.trained.survey", "criteria_missed"] == "consistent"
    assert "printed numbers disagree (repeated claim)" in outcome(found)["why"]
    assert "published_checks#x" in set(found.evidence["source_row"])


# --- synthetic rows -----------------------------------------------------------------------------


def test_a_planted_synthetic_row_changes_nothing():
    clean = triangulation.triangulate(judged(), NODES, files())
    planted = judged(
        cells=cells(
            COMPUTED,
            ("trained", "interviews", "for", "", "synthetic"),  # would make strands agree
            ("heard", "survey", "for", "", "synthetic"),  # would break a silence
            ("trained", "survey", "against", "", "synthetic"),  # a second say on one cell
        )
    )
    after = triangulation.triangulate(planted, NODES, files())
    pd.testing.assert_frame_equal(clean.cells, after.cells)
    pd.testing.assert_frame_equal(clean.evidence, after.evidence)
    pd.testing.assert_frame_equal(clean.outcomes, after.outcomes)


def test_a_judgement_that_rests_on_synthetic_rows_alone_is_silent():
    rests = cells(COMPUTED, ("heard", "survey", "for", "published_figures#T.made.up", "published"))
    found = triangulation.triangulate(judged(cells=rests), NODES, files())
    cell = found.cells.set_index("id").loc["cell.heard.survey"]
    assert (cell["direction"], cell["strength"], cell["statement"]) == ("silent", "not rated", "")
    assert outcome(found, "heard")["relation"] == "silent"
    kept = found.evidence.set_index("source_row").loc["published_figures#T.made.up"]
    assert (kept["data_kind"], bool(kept["counted"])) == ("synthetic", False)


def test_a_synthetic_comparison_does_not_move_a_computed_direction():
    clean = triangulation.triangulate(judged(), NODES, files())
    invented = printed(id="T.planted", printed="10|90", data_kind="synthetic")
    kept = pd.DataFrame([printed(), invented])
    rows = pd.concat(
        [
            judged().comparisons,
            judged().comparisons.assign(evidence="published_robustness#T.planted"),
        ],
        ignore_index=True,
    )
    after = triangulation.triangulate(
        judged(comparisons=rows), NODES, files(published_robustness=kept)
    )
    pd.testing.assert_frame_equal(clean.cells, after.cells)
    pd.testing.assert_frame_equal(clean.outcomes, after.outcomes)


# --- recommendations ----------------------------------------------------------------------------


def test_a_recommendation_has_its_evidence_and_a_way_to_tell_and_nothing_invented():
    advice = pd.DataFrame(
        {
            "recommendation": ["train"],
            "statement": ["Train more."],
            "outcomes": ["trained"],
            "evidence": ["published_figures#T.1.C3 published_figures#T.made.up"],
            "indicators": ["recent|later"],
            "how_to_tell": ["Ask again."],
            "known_since": ["Nothing."],
            "place": ["Chapter 5"],
        }
    )
    matrix = pd.DataFrame(
        {"indicator": ["recent", "later"], "item": ["Recent", "Later"], "data_exist": [True, False]}
    )
    found = triangulation.triangulate(judged(), NODES, files())
    row = triangulation.recommendation_rows(
        judged(recommendations=advice), found.outcomes, matrix, files()
    ).iloc[0]
    assert row["rests_on"] == "Trained (47%)"
    assert row["source_rows"] == "published_figures#T.1.C3"
    assert row["evidence_says"] == "S1 Trained: for (confidence: low)"
    assert (row["indicators_with_data"], row["indicators_named"]) == (1, 2)
    with pytest.raises(InputError, match="row 1, column indicators: found 'never'"):
        wrong = judged(recommendations=advice.assign(indicators="never"))
        triangulation.recommendation_rows(wrong, found.outcomes, matrix, files())


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"cells": cells(("herd", "survey", "for", "", "published"))},
            "cells.csv, row 1, column outcome: found 'herd'; expected an outcome of the logic",
        ),
        (
            {"cells": cells(("heard", "survey", "for", "published_figures#T.9", "published"))},
            "cells.csv, row 1, column evidence: found published_figures#T.9; expected a row of the",
        ),
        (
            {"cells": cells(COMPUTED, COMPUTED)},
            "cells.csv, row 2: found trained by survey again; expected one judgement of each cell",
        ),
        (
            {"cells": cells(("heard", "survey", "computed", "", "published"))},
            "row 1, column direction: found computed; expected rows of comparisons.csv",
        ),
        (
            {"rubric": judged().rubric.assign(rule="luck")},
            "rubric.csv, row 1, column rule: found luck; expected one of has_comparison",
        ),
        (
            {"conclusions": judged().conclusions.head(1)},
            "report_conclusions.csv: found nothing on heard; expected a row",
        ),
    ],
)
def test_judgements_that_name_what_is_not_there_are_refused(given, message):
    with pytest.raises(InputError) as refused:
        triangulation.triangulate(judged(**given), NODES, files())
    assert message in str(refused.value)


def test_what_is_no_reference_is_refused():
    wrong = cells(("heard", "survey", "for", "T.1.C3", "published"))
    with pytest.raises(InputError, match="found 'T.1.C3'; expected file#id"):
        triangulation.triangulate(judged(cells=wrong), NODES, files())


# --- the judgements as they are kept ------------------------------------------------------------


def test_every_kept_judgement_is_of_an_outcome_and_every_outcome_has_the_reports_conclusion():
    kept = judgements.read_triangulation()
    nodes = set(logic_model.outcomes(judgements.read_logic_model())["node"])
    assert set(kept.cells["outcome"]) <= nodes
    assert set(kept.conclusions["outcome"]) == nodes
    assert set(kept.rubric["rule"]) <= set(triangulation.RULES)
    # chapter 5 of the report makes six recommendations
    assert len(kept.recommendations) == 6


def test_no_kept_judgement_is_synthetic():
    assert not judgements.read_triangulation().cells["data_kind"].eq("synthetic").any()


def test_no_statement_on_interviews_counts_people():
    kept = judgements.read_triangulation().cells
    told = kept[kept["strand"] == "interviews"]
    counts_of_people.refuse("A statement", zip(told["outcome"], told["statement"], strict=True))


built = pytest.mark.skipif(
    not (workspace.OUTPUTS / "results" / "triangulation.csv").exists(),
    reason="needs the built report",
)


def result(name):
    return pd.read_csv(
        workspace.OUTPUTS / "results" / f"{name}.csv", dtype=str, keep_default_na=False
    )


@built
def test_every_cell_of_the_page_leads_to_its_source():
    cells_of_page = result("triangulation_cells")
    evidence = result("triangulation_evidence")
    speaking = cells_of_page[cells_of_page["direction"] != "silent"]
    assert len(speaking) > 40
    for _, cell in speaking.iterrows():
        own = evidence[
            (evidence["outcome"] == cell["outcome"]) & (evidence["strand"] == cell["strand"])
        ]
        assert len(own), cell["id"]
        for _, row in own.iterrows():
            assert row["place"], row["id"]
            if not row["source_row"]:
                assert row["finding"] == "stated", row["id"]
                continue
            name, _, identity = row["source_row"].partition("#")
            source = result(name).set_index("id").loc[identity]
            assert source["data_kind"] == row["data_kind"] != "synthetic"
            page = (workspace.OUTPUTS / "html" / f"data-{name}.html").read_text(encoding="utf-8")
            assert f'<tr id="{identity}">' in page


@built
def test_nothing_on_the_page_is_synthetic():
    names = ["triangulation", "triangulation_cells", "triangulation_evidence"]
    for name in [*names, "report_recommendations", "strength_rubric", "indicator_matrix"]:
        assert not result(name)["data_kind"].eq("synthetic").any(), name
    page = (workspace.OUTPUTS / "html" / "17-synthesis.html").read_text(encoding="utf-8")
    assert "Synthetic data." not in page


@built
def test_where_ours_differs_the_page_says_why():
    found = result("triangulation")
    differing = found[found["differs"] == "yes"]
    assert len(differing) and differing["why"].ne("").all()
    assert found.loc[found["differs"] == "no", "why"].eq("").all()


@built
def test_the_listening_culture_is_not_carried_by_the_survey():
    # Chapter 3 prints 66 against 60 per cent, calls it significant and, under leadership, alike;
    # published_robustness gives it up at a correlation below 0.003.
    cell = result("triangulation_cells").set_index("id").loc["cell.children_heard.survey"]
    assert cell["direction"] == "mixed"
    assert "the report says both that it differs and that it does not" in cell["cautions"]
