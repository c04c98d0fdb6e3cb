"""What extraction reads from sentences, headings, covers and whole documents.

The documents in tests/fixtures/documents were written apart from the generator, in the structure
that real reports have, about invented forces; some of those are on their list and some are not.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from ncpi_eval import paths, results
from ncpi_eval.document_files.model import Document, Paragraph
from ncpi_eval.evidence import measure
from ncpi_eval.evidence.audits import counts, read_audits
from ncpi_eval.evidence.calendar import find_dates
from ncpi_eval.evidence.criteria import by_heading, by_words
from ncpi_eval.evidence.events import timing
from ncpi_eval.evidence.extract import extract_folder, main, read_forces, tables
from ncpi_eval.evidence.facts import DOCUMENT_COLUMNS, RECOMMENDATION_COLUMNS, extract
from ncpi_eval.evidence.forces import force_list, recognise_force
from ncpi_eval.evidence.kinds import recognise_kind
from ncpi_eval.evidence.progress import read_progress
from ncpi_eval.evidence.recommendations import read_recommendations
from ncpi_eval.evidence.register import entry_number, history
from ncpi_eval.evidence.spans import DOUBTFUL, LIKELY
from ncpi_eval.evidence.wording import NUMBER, number, plain
from ncpi_eval.synthesis_documents import write_corpus

VARIANTS = Path(__file__).parent / "fixtures" / "documents"


def document(*lines: str, address: str = "") -> Document:
    """A document of headings ("# Initial contact"), bullets ("- item") and text."""
    marks = {"# ": ("heading", 2), "= ": ("heading", 1), "- ": ("bullet", 1)}
    items = []
    for position, line in enumerate(lines, start=1):
        kind, level = marks.get(line[:2], ("text", 0))
        text = line[2:] if line[:2] in marks else line
        items.append(Paragraph(f"p{position}", text, kind, level))
    return Document("a.html", "html", "", tuple(items), address)


def read_table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


# Words


def test_plain_keeps_positions_and_blanks_stuck_footnotes() -> None:
    source = "our re\u2011inspection1 of Ashdale Police.2 In March 20203 we"
    assert plain(source) == "our re-inspection  of Ashdale Police.  In March 2020  we"
    assert len(plain(source)) == len(source)


@pytest.mark.parametrize(
    ("text", "value"),
    [("nine", 9), ("Twelve", 12), ("twenty-six", 26), ("one hundred and one", 101), ("none", 0)],
)
def test_numbers_in_words(text: str, value: int) -> None:
    assert number(text) == value
    assert NUMBER


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("4–15 February 2019", "2019-02-04", "2019-02-15"),
        ("23 April – 4 May 2018", "2018-04-23", "2018-05-04"),
        ("12 December – 6 January 2017", "2016-12-12", "2017-01-06"),
        ("between 5 and 16 July 2021", "2021-07-05", "2021-07-16"),
        ("from 8 July 2019 to 19 July 2019", "2019-07-08", "2019-07-19"),
        ("in November and December 2021", "2021-11", "2021-12"),
        ("8th March 2018", "2018-03-08", "2018-03-08"),
        ("March 2020", "2020-03", "2020-03"),
    ],
)
def test_dates_and_ranges(text: str, first: str, last: str) -> None:
    (dates,) = find_dates(plain(text))
    assert (dates.first, dates.last) == (first, last)


def test_two_months_that_happen_to_be_joined_by_and_are_no_range() -> None:
    found = find_dates("published in May 2021 and June 2022")
    assert [dates.first for dates in found] == ["2021-05", "2022-06"]


# Kind and force

TITLES = [
    ("Ashdale – National child protection inspection", "inspection"),
    ("Ashdale Police – national child protection inspection", "inspection"),
    ("Ashdale – National child protection post-inspection review", "post_inspection_review"),
    ("National child protection inspection: post-inspection review", "post_inspection_review"),
    ("Ashdale – National child protection re\u2011inspection", "re_inspection"),
    ("Ashdale – National child protection inspection assessment of progress",
     "assessment_of_progress"),
    ("Ashdale – National child protection inspection post-inspection quarter 3 update", "other"),
    ("Integrated vulnerability inspection post-inspection review", "other"),
    ("National Child Protection Inspections: 2019 thematic report", "other"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "kind"), TITLES)
def test_kind_by_title(title: str, kind: str) -> None:
    assert recognise_kind(document(f"= {title}", "Published on: 4 May 2021")).value == kind


@pytest.mark.parametrize(
    ("title", "force"),
    [
        ("Durham – National child protection inspection", "Durham"),
        ("Metropolitan Police Service – National child protection inspection", "Metropolitan"),
        ("Devon & Cornwall Police - National child protection inspection", "Devon and Cornwall"),
        ("West Yorkshire: National child protection inspection", "West Yorkshire"),
        ("City of London Police – national child protection inspection", "City of London"),
        ("Dyfed Powys – National child protection inspection", "Dyfed-Powys"),
    ],
)
def test_force_by_title_with_real_names(tmp_path: Path, title: str, force: str) -> None:
    found = recognise_force(document(f"= {title}"), read_forces(tmp_path))
    assert found is not None and found.value == force and found.confidence > 0.9


def test_a_force_that_is_on_no_list_is_read_with_less_confidence(tmp_path: Path) -> None:
    found = recognise_force(
        document("= Nowhereshire Police – National child protection inspection"),
        read_forces(tmp_path),
    )
    assert found is not None
    assert (found.value, found.confidence) == ("Nowhereshire", 0.75)
    assert found.quote == "Nowhereshire"


# Case audits

AUDITS = [
    ("audited 33 child protection cases (11 cases were good, eight required improvement and 14 "
     "were inadequate).", ("33", "11", "8", "14")),
    ("We examined 73 cases and found practice was good in 13, required improvement in 34, and "
     "inadequate in 26.", ("73", "13", "34", "26")),
    ("We looked at 30 cases. Twelve of these were good, 12 required improvement and the rest were "
     "inadequate.", ("30", "12", "12", "6")),
    ("Inspectors assessed 22 cases. None was inadequate, 12 required improvement and 10 were good.",
     ("22", "10", "12", "0")),
    # a printed error: 9 + 8 + 17 = 34, the report says 33; both are kept and the row says so
    ("We audited 33 cases: 9 were good, 8 required improvement and 17 were inadequate.",
     ("33", "9", "8", "17")),
    ("Of the cases, 26 percent were good and 40 per cent inadequate.", ("", "", "", "")),
    ("We audited 214 cases; 191 required improvement or were inadequate.", ("214", "", "", "")),
    ("More than half of the 31 cases were inadequate.", ("31", "", "", "")),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "expected"), AUDITS)
def test_audit_sentences(sentence: str, expected: tuple[str, ...]) -> None:
    facts = counts(document("# Summary", sentence), "inspection").facts
    fields = ("cases", "good", "requires_improvement", "inadequate")
    assert tuple(facts[name].value if name in facts else "" for name in fields) == expected


def test_counts_that_do_not_sum_are_kept_and_said() -> None:
    sentence = "We audited 33 cases: 9 were good, 8 required improvement and 17 were inadequate."
    assert counts(document(sentence), "inspection").problems == ["grades sum to 34, cases are 33"]


def test_the_forces_own_grades_are_not_the_inspectors() -> None:
    facts = counts(
        document("The force itself graded 20 as good, 9 as requires improvement and 4 as "
                 "inadequate. Inspectors examined the same 33 cases and graded 8 as good, "
                 "10 as requires improvement and 15 as inadequate."), "inspection",
    ).facts  # fmt: skip
    assert [facts[name].value for name in ("good", "requires_improvement")] == ["8", "10"]


def test_a_follow_up_reports_its_own_audit_and_not_that_of_the_first_inspection() -> None:
    facts = counts(
        document(
            "# Our 2021 inspection",
            "We examined 80 cases: 20 were good, 30 required improvement and 30 were inadequate.",
            "# The 2022 post-inspection review",
            "- audited 24 cases (nine were good, five required improvement, ten were inadequate).",
        ),
        "post_inspection_review",
    ).facts
    assert (facts["cases"].value, facts["good"].value) == ("24", "9")


# Recommendations


def recommended(*lines: str, kind: str = "inspection") -> list[tuple[str, str, int]]:
    kept, _ = read_recommendations(document(*lines), kind, "Ashdale")
    return [(item.time_scale, item.criterion, len(item.points)) for item in kept]


def test_openings_time_scales_and_sub_points() -> None:
    assert recommended(
        "# 5.  Initial contact",
        "# Recommendations ",
        "We recommend that Ashdale Police immediately reviews call grading, including:",
        "- repeat calls; and",
        "- calls by children.",
        "Within three months, Ashdale Police should train its officers.",
        "# 6. Assessment and help",
        "# Recommendation",
        "HMIC recommends that, within six months, Ashdale Police reviews its referrals.",
    ) == [
        ("immediately", "initial_contact", 2),
        ("within three months", "initial_contact", 0),
        ("within six months", "assessment_and_help", 0),
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "HMIC recommends that, within six weeks, Ashdale Police provides an action plan.",
        "We will revisit the force within six months to see what has changed.",
        "Within six months, HMICFRS will assess how the force is managing this work.",
        "Within three months of the change, late reports had fallen by 12 percent.",
        "Staff immediately told us how the form helped them.",
        "In 2019, we recommended that, within three months, the force should act.",
        "Ashdale Police should immediately tell us what it has done.",
    ],
)
def test_what_looks_like_a_recommendation_and_is_none(sentence: str) -> None:
    assert recommended("# Next steps", sentence) == []


def test_a_press_release_only_reports_recommendations() -> None:
    line = "We recommend that Ashdale Police immediately reviews call grading."
    assert recommended(line, kind="press_release") == []


def test_a_review_quotes_earlier_recommendations_and_may_add_its_own() -> None:
    kept, _ = read_recommendations(
        document(
            "# Recommendation from the 2019 inspection report: trusted adult",
            "Within three months, Ashdale Police should ask children whom they trust.",
            "# Recommendation",
            "# Summary of post-inspection review findings: trusted adult",
            "# Recommendations",
            "We recommend that Ashdale Police immediately tries again.",
        ),
        "post_inspection_review",
        "Ashdale",
    )
    assert [(item.origin, item.criterion) for item in kept] == [
        ("restated", "trusted_adult"),
        ("made", "trusted_adult"),
    ]


@pytest.mark.parametrize(
    ("heading", "criterion"),
    [
        ("Decision making", "decision_making"),
        ("10. Managing those posing a risk to children", "managing_those_who_pose_a_risk"),
        ("Post\u2011inspection review findings: initial contact", "initial_contact"),
        ("Initial contact: Re-inspection findings", "initial_contact"),
        ("Investigations are often too slow", ""),
    ],
)
def test_criterion_by_chapter_heading(heading: str, criterion: str) -> None:
    assert by_heading(plain(heading)) == criterion


# Whole documents


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    rows: dict[str, list[dict[str, str]]] = {"documents": [], "recommendations": [], "coding": []}
    for made in extract_folder(VARIANTS, workers=1):
        rows["documents"].append(made.document)
        rows["recommendations"] += made.recommendations
        rows["coding"] += made.coding
    return rows


def test_documents_written_apart_from_the_generator(
    variants: dict[str, list[dict[str, str]]],
) -> None:
    truth = read_table(VARIANTS / "truth" / "documents.csv")
    found = {row["document"]: row for row in variants["documents"]}
    fields = list(truth.columns)
    for row in truth.to_dict("records"):
        got = found[row["document"]] | {"published": found[row["document"]]["published"]}
        expected = {field: row[field] for field in fields}
        if row["document"] == "a13.html":
            expected["published"] = ""  # its follow-up's word is brought in when tables are written
        assert {field: got[field] for field in fields} == expected


def test_their_time_scales(variants: dict[str, list[dict[str, str]]]) -> None:
    scales: dict[str, str] = {}
    for row in variants["recommendations"]:
        short = row["time_scale"].removeprefix("within ").removesuffix(" months")
        scales[row["document"]] = f"{scales.get(row['document'], '')} {short}".strip()
    assert scales == {
        "a1.html": "six immediately three",
        "a11.txt": "three immediately six",
        "a12.txt": "three immediately",
        "a2.txt": "immediately three six",
        "a3.txt": "immediately",
        "a4.html": "immediately three",
        "a7.html": "six immediately",
        "b1.html": "three immediately three",
        "b13.txt": "three",
        "b2.txt": "immediately six",
        "b3.html": "immediately",
        "b4.txt": "immediately three",
        "b9.txt": "three immediately six",
        "c1.pdf": "three immediately six",
        "c2.pdf": "three immediately",
        "c3.docx": "six",
        "c4.docx": "six",
        "c5.txt": "immediately three",  # one sentence whose two parts have a time scale each
        "c6.html": "immediately six",
        "c7.txt": "six",
        "d1.html": "immediately six three",
        "d2.txt": "three immediately",
        "d3.html": "immediately six",
        "d8.txt": "immediately three",
        "d9.html": "immediately three",
        "e1.md": "three",
        "e2.html": "immediately six",
        "e4.txt": "three immediately six",
        "f1.html": "six immediately",
        "f3.txt": "immediately three",
        "f4.html": "three",
        "f5.html": "immediately three three six",
        "g1.pdf": "three immediately six",
        "g2.pdf": "immediately",
        "h1.html": "immediately three three",
        "h2.txt": "immediately three",
        "h4.txt": "six",
        "h5.html": "three",
        "h6.txt": "three immediately six",
    }


def test_doubtful_things_are_on_the_coding_sheet_with_reason_and_place(
    variants: dict[str, list[dict[str, str]]],
) -> None:
    reasons = {(row["document"], row["field"]): row["reason"] for row in variants["coding"]}
    assert reasons["a13.html", "published"] == (
        "date of a re-issue on the web, not of the publication"
    )
    assert reasons["a2.txt", "no recommendation?"].startswith("within six weeks")
    assert reasons["b5.html", "good"] == "percentages only; counts cannot be read"


def test_the_command_writes_the_tables_and_fills_a_re_issued_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "results"
    assert main([str(VARIANTS), "--to", str(target), "--workers", "1", "--quiet"]) == 0
    assert "document_facts.csv: 63 rows" in capsys.readouterr().out
    facts = read_table(tmp_path / "results" / "document_facts.csv")
    assert list(facts.columns) == DOCUMENT_COLUMNS
    assert (
        list(facts.columns)[:13]
        == (
            "document kind force published fieldwork_start fieldwork_end cases good "
            "requires_improvement inadequate recommendations confidence problems"
        ).split()
    )
    made = read_table(tmp_path / "results" / "recommendations.csv")
    assert list(made.columns) == RECOMMENDATION_COLUMNS
    assert (
        list(made.columns)[:7]
        == ("document number text_span time_scale addressee criterion confidence").split()
    )
    # the page says September 2022; the follow-up says that the report came out in February 2020
    reissued = facts.set_index("document").loc["a13.html"]
    assert reissued["published"] == "2020-02"
    assert "as the follow-up states it" in reissued["problems"]


def test_every_fact_can_be_found_again_in_its_source(tmp_path: Path) -> None:
    from ncpi_eval.document_files import read_document

    for made in extract_folder(VARIANTS, workers=1):
        texts = {
            item.anchor: item.text
            for item in read_document(VARIANTS / made.document["document"]).paragraphs
        }
        for span in made.spans:
            if span["anchor"] in texts:
                quoted = texts[span["anchor"]][int(span["start"]) : int(span["end"])]
                assert quoted == span["quote"]


def test_the_same_text_twice_is_marked(tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        (tmp_path / name).write_bytes((VARIANTS / "a4.html").read_bytes())
    first, second = extract_folder(tmp_path, workers=1)
    assert "same text as" not in first.document["problems"]
    assert second.document["problems"].endswith("same text as one.html")


def test_synthetic_files_are_never_taken_for_the_public_record(tmp_path: Path) -> None:
    write_corpus(tmp_path, number=1)
    assert {made.document["data_kind"] for made in extract_folder(tmp_path, workers=1)} == {
        "synthetic"
    }


# The corpus


def test_the_corpus_is_the_same_every_time(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", number=3)
    write_corpus(tmp_path / "b", number=3)
    for path in sorted((tmp_path / "a").rglob("*.*")):
        other = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == other.read_bytes(), path.name


def test_precision_and_recall_on_the_committed_corpus() -> None:
    folder = paths.data("synthetic", "documents")
    made = list(extract_folder(folder, workers=2))
    found = pd.DataFrame([item.document for item in made])
    fields, _ = measure.by_field(found, read_table(folder / "truth" / "documents.csv"))
    fields = fields.set_index("field")
    for name in ("kind", "force", "published", "fieldwork_start", "fieldwork_end"):
        # a re-issued first report gets its month only when the tables are written
        assert fields.loc[name, "precision"] == 1.0 and fields.loc[name, "recall"] >= 0.9, name
    for name in ("cases", "good", "requires_improvement", "inadequate"):
        assert fields.loc[name, "recall"] >= 0.95, name
    rows = pd.DataFrame([row for item in made for row in item.recommendations])
    scores, _ = measure.recommendations(rows, read_table(folder / "truth" / "recommendations.csv"))
    scores = scores.set_index("field")
    assert scores.loc["recommendation with time scale", "recall"] >= 0.95
    assert scores.loc["recommendation", "invented"] == 0


def test_measures_by_hand() -> None:
    columns = ["document", *measure.FIELDS]
    truth = pd.DataFrame([["a", "inspection"], ["b", "other"], ["c", "other"]])
    truth = truth.reindex(columns=range(len(columns))).set_axis(columns, axis=1).fillna("")
    found = truth.copy()
    truth["force"] = ["Ashdale", "Selwick", ""]
    found["force"] = ["Ashdale", "", "Oxmarsh"]
    table, failures = measure.by_field(found, truth)
    force = table.set_index("field").loc["force"]
    # given: Ashdale (right) and Oxmarsh (invented): 1 of 2; present: Ashdale and Selwick: 1 of 2
    assert (force["precision"], force["recall"]) == (0.5, 0.5)
    assert failures[["document", "failure"]].to_numpy().tolist() == [
        ["b", "missed"],
        ["c", "invented"],
    ]


def test_measures_are_rows_that_results_accepts() -> None:
    truth = pd.DataFrame([{"document": "a", **dict.fromkeys(measure.FIELDS, "x")}])
    table, _ = measure.by_field(truth, truth)
    rows = measure.as_results(table, "synthetic")
    results.check("extraction_accuracy", rows)
    assert rows["id"].iloc[0] == "extraction.kind.precision"
    assert rows[["count", "denominator", "estimate"]].iloc[0].tolist() == [1, 1, 1.0]


def test_a_document_cannot_plant_a_formula_in_the_tables(tmp_path: Path) -> None:
    (tmp_path / "=1+1.txt").write_text(
        "Ashdale Police – National child protection inspection\n\nRecommendation\n\n"
        "We recommend that Ashdale Police immediately reviews:\n\n- @SUM(A1)\n",
        encoding="utf-8",
    )
    frames = tables(tmp_path, workers=1)
    assert frames["document_facts"]["document"].tolist() == ["'=1+1.txt"]
    assert frames["recommendations"]["text_span"].str.startswith("We recommend").all()


def test_truth_lists_are_complete() -> None:
    folder = paths.data("synthetic", "documents")
    truth = read_table(folder / "truth" / "documents.csv")
    assert (truth["kind"] == "inspection").sum() == 24
    assert truth["force"].nunique() == 24
    assert set(truth["document"].str.rsplit(".", n=1).str[1]) == {"html", "pdf", "docx", "txt"}
    size = sum(path.stat().st_size for path in folder.rglob("*.*"))
    assert size < 4_000_000
    with (folder / "forces.csv").open(encoding="utf-8") as file:
        assert {row["data_kind"] for row in csv.DictReader(file)} == {"synthetic"}


# The register


def test_an_entrys_history_with_tags_left_open() -> None:
    entry = document(
        "404 Page not found",
        "Within three months, Ashdale Police should see every child at a call.",
        "[on]8th March 2018 [status]awaiting-review[/status][/on]"
        "[on]17th May 2018 [status]being-progressed[/status][/on][on]17th May 2018 [comment]",
        "There is a plan.",
        "[/comment][/on][on]14th December 2018 Back for review[/comment]",
        address="https://www.example.org/recommendation/ashdale/8777/",
    )
    assert [(step.date, step.status, step.comment) for step in history(entry)] == [
        ("2018-03-08", "awaiting-review", ""),
        ("2018-05-17", "being-progressed", ""),
        ("2018-05-17", "", "There is a plan."),
        ("2018-12-14", "", "Back for review"),
    ]
    assert entry_number(entry) == "8777"


def test_a_comment_that_is_never_closed_ends_with_its_paragraph() -> None:
    entry = document(
        "[on]8th March 2018 [status]awaiting-review[/status][/on]"
        "[on]17th May 2018 [comment] A plan exists.",
        "Open Government Licence v3.0",
    )
    assert history(entry)[-1].comment == "A plan exists."


def test_a_step_that_is_never_closed_ends_with_its_paragraph() -> None:
    entry = document("[on]14th December 2018 Back for review", "Open Government Licence v3.0")
    assert history(entry)[-1].comment == "Back for review"
    bare = document("[on]14th December 2018", "Open Government Licence v3.0")
    assert history(bare)[-1].comment == ""


# Read by addition: wording that no rule names, in sentences of this project's own


def audited(*lines: str) -> dict[str, str]:
    found = counts(
        document("= Ashdale – National child protection inspection", *lines), "inspection"
    )
    return {field: item.value for field, item in found.facts.items()}


WHOLE = {"cases": "73", "good": "13", "requires_improvement": "34", "inadequate": "26"}


@pytest.mark.parametrize(
    "lines",
    [
        [
            "Of the 73 cases that the team went through, only 13 reached what we call good. Nearly "
            "half (34) required improvement. There were 26 that we judged to be inadequate."
        ],
        ["Good, requires improvement and inadequate were given to 13, 34 and 26 of the 73 cases."],
        ["Practice was good on 13 occasions, needed improvement on 34, was inadequate on 26: 73."],
        [
            "Our audit took in 73 case files.",
            "- 13 were good",
            "- 34 required improvement",
            "- 26 were inadequate",
        ],
        [
            "The force was sent the same 73 cases. By its self-assessment, 30 were good, 33 "
            "required improvement and 10 were inadequate. In the view of inspectors, thirteen "
            "were good, 34 required improvement and 26 were inadequate."
        ],
        ["Good work was seen in 13 of the 73 cases, 34 required improvement, 26 were inadequate."],
    ],
)
def test_counts_are_read_by_addition(lines: list[str]) -> None:
    assert audited(*lines) == WHOLE


def test_two_ways_of_adding_up_are_not_read_by_addition() -> None:
    line = "Of 60 cases 10 (or 30) were good, 20 required improvement and 30 (or 10) inadequate."
    audits = read_audits(document(line))
    assert "addition" not in {audit.rule for audit in audits}


def test_a_breakdown_of_some_cases_is_not_taken_for_the_whole() -> None:
    found = counts(
        document(
            "= Ashdale – National child protection inspection",
            "We examined 73 child protection cases.",
            "# Breakdown of case file audit results by area of child protection",
            "Cases assessed involving missing children",
            "- good: 5",
            "- requires improvement: 4",
            "- inadequate: 1",
        ),
        "inspection",
    )
    assert {name: item.value for name, item in found.facts.items()} == {"cases": "73"}
    assert "a breakdown covers 10 of 73 cases" in found.problems
    assert [doubt.value for doubt, _ in found.doubts] == ["5", "4", "1"]


def test_a_force_whose_name_begins_with_west_is_recommended_to() -> None:
    made, _ = read_recommendations(
        document("# Recommendation", "We recommend that West Rothbury Police immediately acts."),
        "inspection",
        "West Rothbury",
    )
    assert [(item.time_scale, item.addressee) for item in made] == [
        ("immediately", "West Rothbury")
    ]


def test_a_sentence_that_introduces_recommendations_is_none() -> None:
    made, aside = read_recommendations(
        document(
            "# Recommendations",
            "HMIC recommends that Ashdale Police takes the following steps.",
            "HMIC recommends that, within three months, Ashdale Police reviews its referrals.",
        ),
        "inspection",
        "Ashdale",
    )
    assert [item.time_scale for item in made] == ["within three months"]
    assert [item.doubt for item in aside] == ["introduces the recommendations that follow"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Ashdale Office of the Police and Crime Commissioner", "commissioner_response"),
        ("Mayor's Office for Policing and Crime: a statement", "commissioner_response"),
    ],
)
def test_a_commissioners_letterhead_tells_the_kind(line: str, kind: str) -> None:
    paper = document(
        line, "National child protection inspection of Ashdale Police", "We welcome it."
    )
    assert recognise_kind(paper).value == kind


def test_each_bullet_below_a_time_scale_is_a_recommendation() -> None:
    made, _ = read_recommendations(
        document(
            "# Recommendations",
            "Immediately",
            "- review its open investigations;",
            "- make sure that call handlers know who is at risk.",
            "Within three months",
            "- improve its records of:",
            "- meetings; and",
            "- decisions.",
        ),
        "inspection",
        "Ashdale",
    )
    assert [(item.time_scale, len(item.points)) for item in made] == [
        ("immediately", 0),
        ("immediately", 0),
        ("within three months", 2),
    ]


def test_a_visit_too_long_before_publication_waits_for_a_person() -> None:
    paper = document(
        "= Ashdale – National child protection inspection assessment of progress",
        "Published on: 11 February 2021",
        "We carried out the review of Ashdale Police in March 2019.",
    )
    found = timing(paper, "assessment_of_progress")
    assert "published 23 months after the fieldwork" in found.problems
    assert found.facts["fieldwork_start"].confidence < DOUBTFUL


# Sentences of two more sets of documents that were written without a look at the rules


@pytest.mark.parametrize(
    ("text", "first", "last", "reckoned"),
    [
        # 12 October 2020, 6 November 2017 and 5 September 2022 were Mondays
        ("in the two weeks beginning 12 October 2020", "2020-10-12", "2020-10-23", True),
        ("over a two-week period starting 10 January 2022", "2022-01-10", "2022-01-21", True),
        ("w/c 6 and 13 November 2017", "2017-11-06", "2017-11-17", True),
        ("in the week commencing 5 September 2022", "2022-09-05", "2022-09-09", True),
        ("for two weeks from 8 July 2019", "2019-07-08", "2019-07-19", True),
        ("the fortnight from Tuesday 9 July 2019", "2019-07-09", "2019-07-19", True),
        ("the fortnight from Wednesday 10 July 2019", "2019-07-10", "2019-07-10", False),
        ("over five days from Monday 9 March 2020", "2020-03-09", "2020-03-13", True),
        ("for ten working days starting 10 March 2020", "2020-03-10", "2020-03-23", True),
        ("on 14-18 and 21-25 January 2019", "2019-01-14", "2019-01-25", False),
        ("in January 2019 (14 to 25 January)", "2019-01-14", "2019-01-25", False),
        ("on 7, 8 and 9 September 2015", "2015-09-07", "2015-09-09", False),
        ("began on 14 May 2018 and ended on 25 May 2018", "2018-05-14", "2018-05-25", False),
        ("over December 2016 and January 2017", "2016-12", "2017-01", False),
    ],
)
def test_weeks_and_other_ways_of_naming_a_fortnight(
    text: str, first: str, last: str, reckoned: bool
) -> None:
    (dates,) = find_dates(plain(text))
    assert (dates.first, dates.last, dates.reckoned) == (first, last, reckoned)


def test_months_a_year_apart_are_no_period() -> None:
    found = find_dates("in March 2018 and April 2019")
    assert [(d.first, d.last) for d in found] == [("2018-03", "2018-03"), ("2019-04", "2019-04")]


def test_each_verb_has_its_own_date() -> None:
    lines = (
        "= Ashdale - National child protection inspection post-inspection review",
        "# Introduction",
        "We inspected Ashdale Police in October 2017 and published our findings in March 2018.",
        "In October 2018 we reviewed the progress the force had made.",
    )
    found = timing(document(*lines), "post_inspection_review").facts
    assert found["previous_published"].value == "2018-03"
    assert found["previous_fieldwork"].value == "2017-10"
    assert found["fieldwork_start"].value == "2018-10"


def test_this_report_was_published_is_its_publication() -> None:
    lines = (
        "= Ashdale - National child protection inspection",
        "The inspection was completed between 26 February and 9 March 2018. This report was "
        "published in July 2018.",
    )
    found = timing(document(*lines), "inspection").facts
    assert found["published"].value == "2018-07"
    assert found["fieldwork_end"].value == "2018-03-09"


def test_an_older_review_quotes_recommendations_in_its_text() -> None:
    quoted = "HMIC recommended that within three months Ashdale Police improves its recording."
    found = recommended("# Initial contact", quoted, kind="post_inspection_review")
    assert found == [("within three months", "initial_contact", 0)]
    assert recommended("# Initial contact", quoted) == []  # a first report has none before it


def test_grades_of_documents_of_no_known_kind_are_not_audits(tmp_path: Path) -> None:
    (tmp_path / "homes.txt").write_text(
        "Homes for older people: annual report\n\n"
        "We visited between 4 and 15 March 2019. Inspectors looked at 90 case files; 40 were good, "
        "30 required improvement and 20 were inadequate.\n"
    )
    (row,) = tables(tmp_path, workers=1)["document_facts"].to_dict("records")
    assert row["kind"] == "other"
    assert [row[name] for name in ("cases", "good", "fieldwork_start")] == ["", "", ""]


# Papers about reports: news, responses, copies


@pytest.mark.parametrize(
    ("kind", "address", "lines"),
    [
        (
            "other",
            "https://ashdale.police.uk/news/better-at-keeping-children-safe",
            (
                "= Better at keeping children safe after child protection inspection",
                "Inspectors came back to see us in spring.",
                "Assistant Chief Constable Jo Bell said: we are glad of what they found.",
            ),
        ),
        (
            "press_release",
            "",
            (
                "Ashdale Police protects children better, according to a new report.",
                "Her Majesty's Inspector of Constabulary Jo Bell said: I was glad to see it.",
                "- officers listen to children.",
            ),
        ),
        (
            "other",
            "",
            (
                "= Answer of the force to the child protection inspection",
                "Asked about the inspection, Commander Jo Bell said: we have begun to act.",
            ),
        ),
        (
            "commissioner_response",
            "https://www.ashdale-pcc.gov.uk/news/child-protection",
            (
                "= Children must come first",
                "3 May 2023",
                "Ashdale's Police and Crime Commissioner Jo Bell welcomes what inspectors report.",
                "Jo Bell said: there is more to do.",
            ),
        ),
        (
            "other",
            "",
            (
                "= Ashdale Police better at protecting children",
                "Jo Bell, Ashdale Police and Crime Commissioner, welcomes the news. Photo: agency",
                "She said: this is child protection as it should be.",
            ),
        ),
        (
            "other",
            "",
            (
                "Minutes of the meeting of the Ashdale Police and Crime Panel",
                "4.1 National child protection inspection of Ashdale Police",
                "Members asked what had been done.",
            ),
        ),
    ],
)
def test_who_speaks_tells_news_from_press_releases(
    kind: str, address: str, lines: tuple[str, ...]
) -> None:
    assert recognise_kind(document(*lines, address=address)).value == kind


def test_a_sentence_that_names_an_inspection_is_no_title() -> None:
    lines = (
        "Ten changes were asked for in the Ashdale - National child protection inspection report.",
        "The chief constable answered: they are under way. He added: children come first.",
    )
    assert recognise_kind(document(*lines)).value == "other"


def test_a_force_that_only_the_address_names_is_doubtful_but_found() -> None:
    lines = ("= How we protect children", "The force has been inspected again.")
    address = "https://www.staffordshire.police.uk/news/how-we-protect-children"
    forces = read_forces(VARIANTS)
    found = recognise_force(document(*lines, address=address), forces)
    assert found is not None and found.value == "Staffordshire"
    assert DOUBTFUL <= found.confidence < LIKELY
    assert recognise_force(document(*lines), forces) is None


def test_a_line_of_the_cover_may_hold_force_and_days() -> None:
    lines = (
        "National Child Protection Inspections",
        "Ashdale Police 9–20 September 2019",
        "January 2020",
    )
    found = timing(document(*lines), "inspection").facts
    assert found["fieldwork_start"].value == "2019-09-09"
    assert found["fieldwork_end"].value == "2019-09-20"
    assert found["published"].value == "2020-01"


def test_a_report_copied_onto_one_line_keeps_its_cover(tmp_path: Path) -> None:
    words = "The police work with others so that children are safe from harm. " * 8
    (tmp_path / "copy.txt").write_text(
        "National Child Protection Inspections Kent Police 8–19 April 2019 September 2019 "
        f"© HMICFRS 2019 ISBN: 978-1-78655-000-0 www.example.org/hmicfrs Foreword {words}\n"
    )
    (row,) = tables(tmp_path, workers=1)["document_facts"].to_dict("records")
    assert [row[name] for name in DOCUMENT_COLUMNS[1:6]] == (
        "inspection,Kent,2019-09,2019-04-08,2019-04-19".split(",")
    )


@pytest.mark.parametrize("kind", ["press_release", "commissioner_response", "other"])
def test_a_paper_about_a_follow_up_is_dated_by_the_follow_up(kind: str) -> None:
    lines = (
        "= Ashdale Police has improved, post-inspection review finds",
        "The re-inspection was carried out in May 2020; before it, an inspection in June 2018 was.",
    )
    assert timing(document(*lines), kind).facts["fieldwork_start"].value == "2020-05"
    lines = (
        "= Ashdale Police has improved, post-inspection review finds",
        "An earlier inspection, that of March 2018, had found fewer good cases.",
    )
    assert "fieldwork_start" not in timing(document(*lines), kind).facts


def test_the_month_of_an_earlier_report_is_no_fieldwork() -> None:
    lines = (
        "= Ashdale Police has improved",
        "Inspectors went back to see what had changed since the first report of August 2014.",
        "They first reported in August 2014.",
    )
    assert "fieldwork_start" not in timing(document(*lines), "press_release").facts


@pytest.mark.parametrize(
    ("contents", "published"),
    [("2022 re-inspection", "2022-10-12"), ("2019 inspection", None)],
)
def test_years_in_a_contents_list_tell_a_re_issue(contents: str, published: str | None) -> None:
    made = document(
        "= Ashdale - National child protection re-inspection",
        "Published on: 12 October 2022",
        f"# {contents}",
    )
    found = timing(made, "re_inspection").facts.get("published")
    assert (found.value if found else None) == published


def test_time_and_author_beside_a_date_do_not_hide_it() -> None:
    for line in (
        "6 Feb 2020 9:15 AM",
        "By Jo Bell - 6 February 2020",
        "Published: 09:01, 6 February 2020",
    ):
        found = timing(document("= News of Ashdale", line), "other").facts
        assert found["published"].value == "2020-02-06"


def test_a_day_is_not_taken_for_a_footnote_before_a_month() -> None:
    assert plain("Published25 September 2018") == "Published25 September 2018"
    assert plain("of the force25 in September") == "of the force   in September"


def test_the_inspectorate_of_constabulary_is_not_the_force() -> None:
    line = "Later the Inspectorate of Constabulary judged that 12 of the 61 cases were inadequate."
    found = counts(document("# Findings", line), "other").facts
    assert (found["cases"].value, found["inadequate"].value) == ("61", "12")


# Whose recommendations, whose cases


def test_a_press_release_that_speaks_of_a_response_stays_one() -> None:
    lines = (
        "= Ashdale Police must protect children better",
        "The force must improve its response when children go missing, a new report has found.",
        "Get the report: Ashdale - National child protection inspection",
        "There are plans which fit those of the police and crime commissioner.",
        "Her Majesty's Inspector of Constabulary Jo Bell said: I am grateful.",
        "Notes",
    )
    assert recognise_kind(document(*lines)).value == "press_release"


ASHDALE = force_list([{"name": "Ashdale", "data_kind": "synthetic"}])
FOLLOW_UP = (
    "# Initial contact: Recommendation from the 2021 inspection report",
    "We recommend that Ashdale Police immediately reviews its control room.",
    "# Initial contact: Re-inspection findings",
    "Calls are answered sooner.",
)
ANEW = (
    "# New recommendation",
    "We recommend that, within six months, Ashdale Police trains staff.",
)


@pytest.mark.parametrize(
    ("lines", "counted", "listed"), [(FOLLOW_UP, "1", 1), ((*FOLLOW_UP, *ANEW), "1", 2)]
)
def test_a_follow_up_counts_what_it_recommends_itself(
    lines: tuple[str, ...], counted: str, listed: int
) -> None:
    title = "= Ashdale - National child protection re-inspection"
    stated = "Our first report contained eight recommendations."
    made = extract(document(title, stated, *lines), ASHDALE)
    assert made.document["recommendations"] == counted
    assert len(made.recommendations) == listed
    (row,) = made.own_recommendations
    assert (row["number"], row["origin"]) == ("1", "made" if listed == 2 else "restated")


def test_a_time_scale_may_open_what_inspectors_recommend() -> None:
    line = "Within three months, we recommend that Ashdale Police puts a plan in place."
    assert recommended("# Investigation", "# Recommendation", line) == [
        ("within three months", "investigation", 0)
    ]
    told = "Within three months, we had seen what the force reviewed."
    assert recommended("# Investigation", "# Recommendation", told) == []


def test_what_a_commissioner_tells_in_brief_is_no_recommendation() -> None:
    lines = (
        "The report makes ten recommendations. In brief, they ask that:",
        "- Ashdale Police should immediately look at its control room; and",
        "- within six months, Ashdale Police should train its staff.",
    )
    assert recommended(*lines, kind="commissioner_response") == []


def test_an_audit_at_that_earlier_review_is_not_the_one_of_this_visit() -> None:
    lines = (
        "= Ashdale - National child protection inspection assessment of progress",
        "We went back in November 2019. At that review we audited 32 cases: 8 were good, 12 "
        "required improvement and 12 were inadequate.",
        "In May 2021 we assessed progress. We graded no cases.",
    )
    assert counts(document(*lines), "assessment_of_progress").facts == {}


def test_only_reports_were_put_on_the_web_again() -> None:
    lines = ("= Response to the HMICFRS inspection of 2019", "13 October 2022")
    found = timing(document(*lines), "commissioner_response").facts
    assert found["published"].value == "2022-10-13"


def test_first_published_as_a_file() -> None:
    lines = (
        "= Ashdale - National child protection inspection",
        "Published on: 8 September 2022",
        "This report was first published as a PDF in July 2019.",
    )
    assert timing(document(*lines), "inspection").facts["published"].value == "2019-07"


def test_an_entry_of_the_register_may_tell_when_inspectors_were_there() -> None:
    lines = (
        "At the time of our inspection in April 2018, no list existed.",
        "[on]30th August 2018 [status]awaiting-review[/status][/on]",
    )
    found = timing(document(*lines), "register_entry").facts
    assert found["fieldwork_start"].value == "2018-04"
    assert found["published"].value == "2018-08-30"


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("The force doesnʼt record what children say", "critical"),
        ("Letters to parents are often sent late", "critical"),
        ("Training for new supervisors is patchy", "critical"),
        ("Officers listen to what children say well", "positive"),
        ("Notes are kept in three different places", "unclear"),
        ("Page 7: Ashdale - National child protection", None),
    ],
)
def test_the_tone_of_a_finding(text: str, tone: str | None) -> None:
    lines = ("= Ashdale - National child protection inspection", "# Investigation", f"# {text}")
    made = extract(document(*lines), ASHDALE)
    assert [row["tone"] for row in made.findings] == ([tone] if tone else [])
    doubtful = [row for row in made.coding if row["field"] == "tone"]
    assert len(doubtful) == (tone == "unclear")


def test_progress_is_read_below_headings_of_the_same_level_as_the_chapter() -> None:
    lines = (
        "= Ashdale - National child protection inspection post-inspection review",
        "# Initial contact",
        "# Recommendation from the 2019 inspection report",
        "We recommend that Ashdale Police immediately reviews its control room.",
        "# Summary of post-inspection review findings",
        "There has been some progress.",
    )
    (found,) = read_progress(document(*lines), "post_inspection_review")
    assert (found.criterion, found.level) == ("initial_contact", "some")


@pytest.mark.parametrize(
    ("text", "criterion"),
    [
        ("attends every strategy meeting", "assessment_and_help"),
        ("speaks to children at incidents", "initial_contact"),
        ("supervises investigations of missing children", "investigation"),
        ("trains its staff", "leadership_management_governance"),
        ("does more", ""),
    ],
)
def test_the_criterion_of_a_recommendation_by_its_words(text: str, criterion: str) -> None:
    assert by_words(f"We recommend that the force {text}.") == criterion


# What pages of commissioners, copies and broken tables showed


def test_a_page_of_a_commissioners_own_site() -> None:
    lines = ("= Force praised", "Jo Bell is glad of what HMICFRS inspectors saw in February.")
    address = "https://www.ashdale.pcc.police.uk/news/force-praised"
    assert recognise_kind(document(*lines, address=address)).value == "commissioner_response"
    assert recognise_kind(document(*lines)).value == "other"
    minutes = ("Agenda item", "= National child protection inspection", "The commissioner spoke.")
    assert recognise_kind(document(*minutes, address=address)).value == "other"


def test_an_item_of_a_list_is_no_title() -> None:
    lines = (
        "= Outcome of external inspections",
        "- Child protection inspection in March 2015",
        "- Custody inspection in May 2015",
    )
    assert recognise_kind(document(*lines)).value == "other"


def test_of_several_visits_that_follow_up_the_last_is_meant() -> None:
    lines = (
        "= Ashdale Police has made progress, follow-up inspection finds",
        "Inspectors were with the force in May 2016 and came back in August 2016.",
        "A further inspection of theirs was carried out in January 2017.",
    )
    assert timing(document(*lines), "press_release").facts["fieldwork_start"].value == "2017-01"


def test_a_third_inspection_is_a_follow_up() -> None:
    lines = (
        "= Ashdale - National child protection inspection assessment of progress",
        "For a third inspection we were in the force between May and June 2021.",
    )
    found = timing(document(*lines), "other").facts
    assert found["fieldwork_start"].value == "2021-05"
    assert found["fieldwork_end"].value == "2021-06"


def test_grades_of_areas_are_no_grades_of_cases() -> None:
    line = (
        "Three areas of the service were good, two areas were found to require improvement, and "
        "one area was inadequate."
    )
    assert counts(document("# Findings", line), "press_release").facts == {}


def test_improvement_identified_is_a_grade() -> None:
    line = (
        "They looked at 60 cases: practice was good in 15 cases, improvement was identified in 28 "
        "cases and 17 were inadequate."
    )
    found = counts(document("# Findings", line), "commissioner_response").facts
    assert [found[name].value for name in ("cases", "good", "requires_improvement")] == [
        "60",
        "15",
        "28",
    ]


def test_table_rows_whose_labels_broke_around_their_counts_are_summed() -> None:
    items = [
        Paragraph("p1", "Breakdown of case file audit results", "heading", 2),
        Paragraph("p2", "Requires Area Good Inadequate", "heading", 3),
        Paragraph("p3", "improvement", "text", 0),
        Paragraph("p4", "Enquiries under section 47 of the", "text", 0),
        Paragraph("p5", "4 | 9 | 4", "row", 0),
        Paragraph("p6", "Children Act 1989", "text", 0),
        Paragraph("p7", "Missing children", "text", 0),
        Paragraph("p8", "1 | 2 | 6", "row", 0),
        Paragraph("p9", "Online abuse | 3 | 5 | 4", "row", 0),
    ]
    found = counts(Document("a.pdf", "pdf", "", tuple(items)), "inspection").facts
    assert [found[name].value for name in ("good", "requires_improvement", "inadequate")] == [
        "8",
        "16",
        "14",
    ]


def test_the_second_of_three_visits_is_not_the_third() -> None:
    lines = (
        "= Ashdale - National child protection inspection assessment of progress",
        "# Introduction",
        "A post-inspection review followed in March 2019: of the 21 cases we audited then, 2 were "
        "good, 8 required improvement and 11 were inadequate.",
        "# The 2020 assessment",
        "In October 2020 we visited the force for the third time. We audited 30 cases: 9 were "
        "good, 13 required improvement and 8 were inadequate.",
    )
    found = counts(document(*lines), "assessment_of_progress").facts
    assert (found["cases"].value, found["good"].value) == ("30", "9")
    dates = timing(document(*lines), "assessment_of_progress").facts
    assert dates["fieldwork_start"].value == "2020-10"


@pytest.mark.parametrize(
    "line",
    [
        "Posted on 24th November 2023 in News",
        "Date of response: 24 November 2023",
        "Embargoed until 00.01 on Friday 24 November 2023",
        "2. This paper is under embargo until 00:01 on 24 November 2023.",
    ],
)
def test_how_offices_date_their_papers(line: str) -> None:
    lines = ("= The commissioner's response to the inspection of Ashdale Police", line)
    found = timing(document(*lines), "commissioner_response").facts
    assert found["published"].value == "2023-11-24"


def test_a_visit_and_its_report_in_one_sentence() -> None:
    lines = (
        "= Response to the inspection of Ashdale Police",
        "Inspectors inspected Ashdale Police in November 2021 and its report was published on 29 "
        "March 2022.",
    )
    found = timing(document(*lines), "commissioner_response").facts
    assert found["fieldwork_start"].value == "2021-11"
    lines = (
        "= Response to the review of Ashdale Police",
        "Inspectors visited the force in September 2022 to follow up the inspection of July 2021.",
    )
    found = timing(document(*lines), "commissioner_response").facts
    assert found["fieldwork_start"].value == "2022-09"


def test_a_page_about_all_forces_is_no_report_and_has_no_fieldwork() -> None:
    made = extract(
        document(
            "= National child protection inspections",
            "Joint visits were carried out from May 2009 to June 2010.",
            "- Ashdale (August 2014)",
        ),
        ASHDALE,
    )
    facts = [made.document[name] for name in ("kind", "force", "fieldwork_start")]
    assert facts == ["other", "", ""]


# Copies as plain text: from a browser, from a PDF, from a table


def read_as_text(tmp_path: Path, text: str) -> dict[str, str]:
    """The row of facts of one text file."""
    (tmp_path / "copy.txt").write_text(text, encoding="utf-8")
    (row,) = tables(tmp_path, workers=1)["document_facts"].to_dict("records")
    return row


def test_a_date_may_stand_on_the_line_below_its_label(tmp_path: Path) -> None:
    row = read_as_text(
        tmp_path,
        "Home\n\nKent - National child protection inspection\n\nPublished on:\n 12 October 2021\n",
    )
    assert (row["kind"], row["published"]) == ("inspection", "2021-10-12")


def test_a_menu_above_a_long_title_does_not_hide_what_it_says(tmp_path: Path) -> None:
    row = read_as_text(
        tmp_path,
        "Home About us\n\nKent - National child protection inspection post-inspection review\n\n"
        "Published on: 11 November 2020\n",
    )
    assert row["kind"] == "post_inspection_review"


def test_links_to_other_reports_with_their_dates_are_no_fieldwork() -> None:
    lines = (
        "= Kent - National child protection inspection",
        "Inspectors were in the force in April 2019.",
        "- Essex - National child protection inspection 14 March 2016",
    )
    assert timing(document(*lines), "inspection").facts["fieldwork_start"].value == "2019-04"


TABLE = "Area\tGood\tRequires improvement\tInadequate\nMissing\t2\t8\t9\nOnline\t6\t8\t9\n"
LINES = "Grade Number of cases\n\nGood 8\n\nRequires improvement 16\n\nInadequate 18\n"
BROKEN = (
    "Type of case Good\nRequires\nimprovement\nInadequate\nEnquiries under section 47 of the\n"
    "Act 1989\n0 1 1\nMissing children 5 6 8\nChildren taken to a place of safety under\n"
    "section 46\n3 9 9\nTotal 8 16 18\n"
)


@pytest.mark.parametrize("table", [f"{TABLE}Total\t8\t16\t18\n", LINES, BROKEN])
def test_tables_in_plain_text(tmp_path: Path, table: str) -> None:
    row = read_as_text(
        tmp_path,
        "Kent - National child protection inspection\n\n4. Case file analysis\n\n"
        f"Results of case file reviews\n\n{table}\n5. Initial contact\n\n"
        "Officers arrive soon, and they listen to children and to those who care for them.\n",
    )
    assert [row[name] for name in ("good", "requires_improvement", "inadequate")] == [
        "8",
        "16",
        "18",
    ]


def test_grades_listed_below_a_sentence_that_ends_as_follows() -> None:
    lines = (
        "# Case file analysis",
        "Altogether 42 cases were reviewed, and the grades were as follows.",
        "# Good 8",
        "# Requires improvement 16",
        "# Inadequate 18",
    )
    found = counts(document(*lines), "inspection").facts
    assert [found[name].value for name in ("cases", "good", "inadequate")] == ["42", "8", "18"]


def test_a_page_number_within_a_sentence_is_dropped(tmp_path: Path) -> None:
    width = "Within three months, Kent Police should carry out, together with all its own partners,"
    (tmp_path / "copy.txt").write_text(
        f"Kent - National child protection inspection\n\nRecommendation\n{width}\n3\n"
        "a review of how strategy discussions are attended.\n"
    )
    (row,) = tables(tmp_path, workers=1)["recommendations"].to_dict("records")
    assert row["text_span"].endswith("partners, a review of how strategy discussions are attended.")


def test_a_letterhead_may_be_broken_over_lines() -> None:
    lines = (
        "Office of the Police and Crime",
        "Commissioner",
        "National Child Protection Inspection - Ashdale Police",
        "The report is welcome.",
    )
    assert recognise_kind(document(*lines)).value == "commissioner_response"


def test_a_thematic_report_says_so_below_its_title() -> None:
    made = extract(
        document(
            "= Keeping children safe: lessons of inspections",
            "A thematic report",
            "Ashdale Police and others were visited.",
        ),
        ASHDALE,
    )
    assert (made.document["kind"], made.document["force"]) == ("other", "")


def test_what_stands_below_related_publications_is_of_other_papers() -> None:
    lines = (
        "= Kent - National child protection inspection",
        "Inspectors were in the force in April 2019.",
        "# Related publications",
        "Essex - National child protection inspection 14 March 2016 Sussex - follow-up Published "
        "on: 10 March 2022",
    )
    found = timing(document(*lines), "inspection").facts
    assert found["fieldwork_start"].value == "2019-04"
    assert "published" not in found


def test_the_mark_that_pdf_programs_leave_for_a_hyphen_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "copy.txt").write_text(
        "Kent - National child protection inspection\n\nRecommendation\n\n"
        "We recommend that Kent Police imme\ufffediately reviews its control room.\n",
        encoding="utf-8",
    )
    (row,) = tables(tmp_path, workers=1)["recommendations"].to_dict("records")
    assert row["time_scale"] == "immediately"


def test_lines_laid_out_as_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "copy.txt").write_text(
        "Contents\n"
        "Initial contact" + "." * 130 + "4\n\n"
        "     Kent - National child protection inspection\n\n"
        "     Recommendation\n\n"
        "     We recommend that, within three months, Kent Police reduces delays in\n\n"
        "     examining digital devices in all cases of suspected abuse of children.\n\n"
        "     Summary\n\n"
        "     We examined how the force protects children from Monday 23 September to\n\n"
        "     Friday 4 October 2019.\n\n"
        "     The 72 cases were graded: good, 23; requires improvement, 27; inadequate,\n"
        "     22.\n"
    )
    made = tables(tmp_path, workers=1)
    (row,) = made["recommendations"].to_dict("records")
    assert "delays in examining digital devices" in row["text_span"]
    (facts,) = made["document_facts"].to_dict("records")
    assert [facts[name] for name in ("cases", "good", "inadequate")] == ["72", "23", "22"]
    assert (facts["fieldwork_start"], facts["fieldwork_end"]) == ("2019-09-23", "2019-10-04")


def test_of_two_follow_ups_told_of_the_third_visit_is_meant() -> None:
    lines = (
        "= Ashdale - National child protection inspection assessment of progress",
        "# The 2018 post-inspection review",
        "Little had changed: of 20 cases that we audited, 1 was good, 9 required improvement and "
        "10 were inadequate.",
        "# The 2021 assessment of progress",
        "We audited 27 cases. We found 8 were good, 12 required improvement and 7 were inadequate.",
    )
    found = counts(document(*lines), "assessment_of_progress").facts
    assert (found["cases"].value, found["good"].value) == ("27", "8")
