"""The tables of the document review, on a handful of rows whose answers can be counted by eye."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ncpi_eval import build, results
from ncpi_eval.document_files.model import Document, Paragraph
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import review
from ncpi_eval.evidence.facts import (
    CODING_COLUMNS,
    DOCUMENT_COLUMNS,
    FINDING_COLUMNS,
    RECOMMENDATION_COLUMNS,
    SPAN_COLUMNS,
)
from ncpi_eval.evidence.progress import read_progress

CRITERIA = {"initial_contact": "Initial contact", "investigation": "Investigation"}


def rows(columns: list[str], *lines: str) -> pd.DataFrame:
    """A table of text from lines "column=value; column=value"; the rest of a row is blank."""
    made = []
    for line in lines:
        given = dict(part.split("=", 1) for part in line.split("; "))
        made.append(dict.fromkeys(columns, "") | {"data_kind": "public_record"} | given)
    return pd.DataFrame(made, columns=columns)


@pytest.fixture
def made() -> dict[str, pd.DataFrame]:
    """Two forces: North with report, copy and follow-up, South with a follow-up only."""
    tables = {
        "document_facts": rows(
            DOCUMENT_COLUMNS,
            "document=a.html; kind=inspection; force=North; fieldwork_start=2019-01; cases=60; "
            "good=10; requires_improvement=20; inadequate=30",
            "document=b.html; kind=inspection; force=North; problems=same text as a.html",
            "document=c.html; kind=post_inspection_review; force=North; fieldwork_start=2020-01; "
            "cases=30; good=20; requires_improvement=5; inadequate=4; problems=grades sum to 29, "
            "cases are 30",
            "document=d.html; kind=post_inspection_review; force=South",
            "document=e.pdf; problems=refused: an encrypted PDF",
            "document=f.html; kind=press_release; force=North",
            "document=g.html; kind=inspection; force=",
        ),
        "recommendations": rows(
            RECOMMENDATION_COLUMNS,
            "document=a.html; number=1; text_span=Review calls.; time_scale=immediately; "
            "criterion=initial_contact; origin=made",
            "document=a.html; number=2; text_span=Train staff.; time_scale=within six months; "
            "criterion=initial_contact; origin=made",
            "document=b.html; number=1; text_span=Review calls.; time_scale=immediately; "
            "criterion=initial_contact; origin=made",
            "document=c.html; number=1; text_span=Review calls.; time_scale=immediately; "
            "criterion=initial_contact; origin=restated",
            "document=d.html; number=1; text_span=Supervise.; criterion=investigation; "
            "origin=restated",
        ),
        "document_spans": rows(
            SPAN_COLUMNS, "document=a.html; field=cases; value=60; start=1; end=3"
        ),
        "document_findings": rows(
            FINDING_COLUMNS,
            "document=a.html; criterion=initial_contact; text=Calls wait too long; tone=critical",
            "document=c.html; criterion=initial_contact; text=Good progress.; tone=progress: good; "
            "place=#s3",
        ),
        "document_coding_sheet": rows(CODING_COLUMNS),
    }
    return review.as_results(tables)


def test_every_table_speaks_the_vocabulary_of_results(made: dict[str, pd.DataFrame]) -> None:
    for name, frame in made.items():
        results.check(name, frame)
    listed = ",".join(made["document_facts"].columns)
    assert listed.startswith("document,kind,force,published,fieldwork_start,fieldwork_end,cases")


def test_every_document_is_left_out_once_or_included_once(made: dict[str, pd.DataFrame]) -> None:
    flow = review.flow(made["document_facts"])
    counted = {(row["step"], row["reason"]): row["count"] for row in flow.to_dict("records")}
    assert counted == {
        ("found", ""): 7,
        ("left out", "copy of another document"): 1,
        ("left out", "force not recognised"): 1,
        ("left out", "read, no report of its own: press release"): 1,
        ("left out", "refused: an encrypted PDF"): 1,
        ("included", "post_inspection_review"): 2,
        ("included", "inspection"): 1,
    }


def test_a_recommendation_counts_once_and_restated_only_without_its_report(
    made: dict[str, pd.DataFrame],
) -> None:
    asked = review.answered(made["document_facts"], made["recommendations"])
    assert list(zip(asked["document"], asked["number"], strict=True)) == [
        ("a.html", 1),
        ("a.html", 2),
        ("d.html", 1),
    ]
    scales = review.by_time_scale(asked, CRITERIA)
    assert list(scales["time_scale"]) == ["immediately", "within six months", "none stated"]
    assert (scales["estimate"] * scales["denominator"]).round(9).eq(scales["count"]).all()
    assert scales.groupby("criterion")["estimate"].sum().round(9).eq(1).all()


def test_change_answers_the_recommendation_of_force_and_criterion(
    made: dict[str, pd.DataFrame],
) -> None:
    asked = review.answered(made["document_facts"], made["recommendations"])
    changes = review.change(asked, made["document_findings"], made["document_facts"], CRITERIA)
    found = changes.set_index("id")[["count", "progress", "words", "follow_up"]].to_dict("index")
    assert found == {
        "change.north.initial-contact": {
            "count": 2,
            "progress": "good",
            "words": "Good progress.",
            "follow_up": "c.html",
        },
        "change.south.investigation": {
            "count": 1,
            "progress": "not stated",
            "words": "",
            "follow_up": "d.html",
        },
    }


def test_the_evidence_map_has_a_cell_for_each_force_and_criterion_with_its_documents(
    made: dict[str, pd.DataFrame],
) -> None:
    facts, findings = made["document_facts"], made["document_findings"]
    asked = review.answered(facts, made["recommendations"])
    cells = review.evidence_map(asked, findings, facts, CRITERIA).set_index("id")
    assert len(cells) == 4
    assert cells.loc["map.north.initial-contact", "count"] == 4
    assert cells.loc["map.north.initial-contact", "documents"] == "a.html; c.html"
    assert cells.loc["map.south.initial-contact", "count"] == 0
    themes = review.themes(asked, findings, facts, CRITERIA).set_index("id")
    assert themes.loc[
        "theme.initial-contact.recommendation", ["count", "denominator"]
    ].tolist() == [
        1,
        2,
    ]


def test_grades_of_two_visits_stand_together_with_what_does_not_add_up(
    made: dict[str, pd.DataFrame],
) -> None:
    graded = review.grades(made["document_facts"])
    assert list(graded["document"]) == ["a.html", "c.html"]
    assert list(graded["remark"]) == ["", "grades sum to 29, cases are 30"]


def test_one_synthetic_row_makes_what_is_counted_with_it_synthetic(
    made: dict[str, pd.DataFrame],
) -> None:
    facts = made["document_facts"]
    facts.loc[0, "data_kind"] = "synthetic"
    assert set(review.flow(facts)["data_kind"]) == {"synthetic"}


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("The force has made good progress.", "good"),
        ("There is some progress.", "some"),
        ("We saw limited progress in this area.", "slow"),
        ("It hasn't yet acted on this.", "not yet"),
        ("There has been good progress, but this remains a cause of concern.", "continued concern"),
        ("Officers wear cameras.", ""),
    ],
)
def test_progress_is_read_from_the_summary_below_a_chapter(words: str, level: str) -> None:
    paper = Document(
        "a.html",
        "html",
        "",
        (
            Paragraph("p1", "Recommendation from the 2019 report: investigation", "heading", 3),
            Paragraph("p2", "We made no progress with this line."),
            Paragraph("p3", "Summary of review findings: investigation", "heading", 3),
            Paragraph("p4", words),
        ),
    )
    (found,) = read_progress(paper, "post_inspection_review")
    assert (found.criterion, found.level, found.paragraph.anchor) == ("investigation", level, "p4")
    assert read_progress(paper, "inspection") == []


def test_a_folder_is_stale_when_a_file_is_added_changed_or_taken_away(tmp_path: Path) -> None:
    first = tmp_path / "a.txt"
    first.write_text("one")
    states = [build._folder_state(tmp_path)]
    (tmp_path / "b.txt").write_text("two")
    states.append(build._folder_state(tmp_path))
    first.write_text("longer")
    states.append(build._folder_state(tmp_path))
    first.unlink()
    states.append(build._folder_state(tmp_path))
    assert len(set(states)) == 4
    assert build._folder_state(tmp_path) == states[-1]


def test_a_folder_without_reports_is_refused_and_one_without_follow_ups_is_not(
    made: dict[str, pd.DataFrame],
) -> None:
    facts, asked = made["document_facts"], made["recommendations"]
    with pytest.raises(InputError, match="nothing to review"):
        review.answered(facts[facts["document"].eq("f.html")], asked)
    alone = facts[facts["document"].eq("a.html")]
    changes = review.change(
        review.answered(alone, asked), made["document_findings"], alone, CRITERIA
    )
    assert changes.empty
    results.check("document_change", changes)
    counted = review.levels(changes, alone)
    results.check("document_progress", counted)
    assert set(counted["data_kind"]) == {"public_record"}
