"""The matrix of themes and groups, its findings, and what the report says of the sample."""

from __future__ import annotations

import pandas as pd
import pytest

from ncpi_eval import paths, results, sources
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import coding, framework
from ncpi_eval.intake import framework as tables

THEMES, GROUPS, GUIDE = tables.read_themes(), tables.read_groups(), tables.read_guide()
CODES = tables.read_frame()


@pytest.fixture(scope="module")
def extracts():
    return framework.published_extracts(
        tables.read_findings(THEMES, GROUPS, CODES), THEMES, GROUPS, CODES
    )


@pytest.fixture(scope="module")
def cells(extracts):
    return framework.matrix(extracts)


def small(*rows):
    """Findings: name, theme, group, kind, summary."""
    frame = pd.DataFrame(rows, columns=["finding", "theme", "who", "valence", "summary"])
    return frame.assign(
        subtheme="", place="Chapter 3, x", code="none_applies", data_kind="published"
    )


# The findings that stand in data/coding


def test_every_chapter_theme_and_group_has_findings(extracts):
    assert set(extracts["chapter"].astype(str)) == {"2", "3", "4", "5"}
    assert set(extracts["question"]) == set(THEMES["theme"])
    assert set(extracts["subgroup"]) == set(GROUPS["who"])
    assert len(extracts) > 120


def test_every_finding_has_a_place_of_its_chapter_and_is_published(extracts):
    places = extracts["place"].str.extract(r"^Chapter (\d), (.+)$")
    assert (places[0] == extracts["chapter"].astype(str)).all() and places[1].notna().all()
    assert set(extracts["data_kind"]) == {"published"}


def test_every_code_of_a_finding_belongs_to_its_theme_or_another_one(extracts):
    coding.check_frame(CODES)
    beginnings = tuple(f"{code}." for cell in THEMES["codes"] for code in cell.split("|"))
    assert extracts["code"].str.startswith(beginnings).all()
    assert extracts["code_label"].notna().all()


def test_every_section_of_the_guide_and_every_code_of_a_theme_exists():
    sections = {part for cell in THEMES["guide_sections"] for part in cell.split("|")}
    assert sections <= set(GUIDE["section"])
    known = {f"{r['scheme']}.{r['area']}" for r in CODES.to_dict("records")}
    assert {code for cell in THEMES["codes"] for code in cell.split("|")} <= known


# Cells


def test_a_cell_holds_the_findings_of_a_theme_and_a_group_in_their_order():
    findings = small(
        ("b.1", "barriers", "custody_leads", "barrier", "Late."),
        ("a.1", "awareness", "inspection_team", "challenge", "Unknown."),
        ("b.2", "barriers", "custody_leads", "context", "Far."),
    )
    told = framework.published_extracts(findings, THEMES, GROUPS, CODES)
    cells = framework.matrix(told)
    assert cells["id"].tolist() == ["cell.awareness.inspection_team", "cell.barriers.custody_leads"]
    barrier = cells.iloc[1]
    assert barrier["summary"] == "Late. Far."
    assert barrier["response"] == "context, barrier"  # in the order of VALENCES
    assert results.references(barrier["source_rows"]) == [
        ("framework_extracts", "extract.b.1"),
        ("framework_extracts", "extract.b.2"),
    ]
    assert (barrier["role"], barrier["force_type"]) == ("custody_lead", "inspected")


def test_every_cell_leads_to_its_findings_and_each_of_them_back(extracts, cells):
    back = extracts.set_index("id")["cell_row"]
    led = [
        (identity, results.reference(framework.MATRIX, cell["id"]))
        for cell in cells.to_dict("records")
        for _, identity in results.references(cell["source_rows"])
    ]
    assert all(back[identity] == cell for identity, cell in led)
    assert sorted(identity for identity, _ in led) == sorted(extracts["id"])


def test_what_is_saved_speaks_the_vocabulary_and_counts_nobody(extracts, cells):
    for name, frame in (
        ("framework_extracts", extracts),
        ("framework_matrix", cells),
        ("framework_groups", framework.described(GROUPS)),
    ):
        results.check(name, frame)
        assert not {"count", "denominator", "estimate"} & set(frame)


def test_collapsing_puts_rows_together_and_leaves_documents_out(cells):
    by_force = framework.collapsed(cells, "force_type")
    interviews = cells[cells["role"] != "documents"]
    assert by_force["id"].is_unique
    assert set(by_force["subgroup"]) == set(interviews["force_type"])
    one = by_force[(by_force["question"] == "awareness") & (by_force["subgroup"] == "inspected")]
    parts = interviews[
        (interviews["question"] == "awareness") & (interviews["force_type"] == "inspected")
    ]
    assert one["source_rows"].tolist() == [" ".join(parts["source_rows"])]
    assert one["group"].tolist() == ["; ".join(parts["group"])]
    chapters = framework.collapsed(cells, "chapter")
    assert len(chapters) == len(interviews[["chapter", "subgroup"]].drop_duplicates())


def test_filtering_takes_attributes_and_refuses_what_is_not_there(cells):
    custody = framework.filtered(cells, role="custody_lead")
    assert set(custody["subgroup"]) == {"custody_leads"}
    with pytest.raises(InputError, match="no constable"):
        framework.filtered(cells, role="constable")


def test_sorting_follows_the_order_in_which_values_first_appear(cells):
    by_group = framework.ordered(cells, "subgroup", "question")
    first = list(dict.fromkeys(cells["subgroup"]))
    assert list(dict.fromkeys(by_group["subgroup"])) == first
    assert sorted(by_group["id"]) == sorted(cells["id"])


def test_a_finding_of_an_unknown_theme_group_or_code_is_refused(tmp_path):
    text = paths.data("coding", "framework_published.csv").read_text(encoding="utf-8")
    wrong = tmp_path / "findings.csv"
    wrong.write_text(text.replace(",senior_leaders,", ",seniors,", 1), encoding="utf-8")
    with pytest.raises(InputError) as error:
        tables.read_findings(THEMES, GROUPS, CODES, wrong)
    assert "findings.csv, row 1, column who: found 'seniors'; expected a group" in str(error.value)


# Sample and topic guide


def test_the_achieved_sample_is_that_of_the_report():
    sample = framework.sample(sources.read_published_figures())
    results.check("framework_sample", sample)
    roles = sample[sample["unit"] == "interviews"].set_index("response")["count"]
    # Evaluation report, appendix D, table of the achieved sample: 8, 7, 8, 6, 8 and 37.
    assert roles.iloc[:5].tolist() == [8, 7, 8, 6, 8]
    assert roles["total"] == roles.iloc[:5].sum() == 37
    # The same place: a focus group and two interviews with uninspected forces, one with inspectors.
    assert roles["interviews.uninspected"] == 2
    assert sample.loc[sample["unit"] == "focus_groups", "count"].tolist() == [1, 1]


def test_uninspected_forces_were_not_asked_about_being_inspected(cells):
    kinds = ["inspected", "uninspected", "inspectorate"]
    covered = framework.topic_coverage(GUIDE, THEMES, cells, kinds)
    results.check("framework_topic_coverage", covered)
    assert len(covered) == len(GUIDE) * len(kinds)
    asked = covered.set_index("id")["asked"]
    # Appendix D: experiences of the programme were explored with inspected forces only.
    assert asked["topic.inspection.uninspected"] == "no"
    assert asked["topic.inspection.inspected"] == "yes"
    assert asked["topic.knowledge.inspectorate"] == "not published"
    assert covered.set_index("id").loc["topic.inspection.uninspected", "themes"] == ""


# Nothing invented in the findings


def test_a_planted_synthetic_finding_is_refused(tmp_path):
    text = paths.data("coding", "framework_published.csv").read_text(encoding="utf-8")
    planted = tmp_path / "findings.csv"
    planted.write_text(text.replace(",published\n", ",synthetic\n", 1), encoding="utf-8")
    with pytest.raises(InputError) as error:
        tables.read_findings(THEMES, GROUPS, CODES, planted)
    assert "column data_kind: found 'synthetic'; expected published" in str(error.value)
