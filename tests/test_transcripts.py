"""Transcripts: what is read, what is taken out, what may be shown. Every text here is invented."""

from __future__ import annotations

import csv

import docx
import pandas as pd
import pytest

from ncpi_eval import paths, results
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import framework, refi_qda, transcripts
from ncpi_eval.intake import framework as tables

THEMES, CODES = tables.read_themes(), tables.read_frame()
FORCES = ["Alderbrook", "Ambervale", "Ashmarsh"]
CUSTODY = "evaluation.police_detention.evidence_of_change"
HINDERED = "change.partner_practices.barrier"
TEXT = "I: And then?\nP: I rang DS Hannah Marsh at Mossgate Road. The council waited.\n"
SAID = "The council waited."


def write(folder, name, header, *rows):
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def case(
    name, document, role="custody_lead", force="Alderbrook", timing="before_2017", kind="real"
):
    return (name, document, role, "inspected", timing, force, kind)


@pytest.fixture
def folder(tmp_path):
    """Three custody leads of three forces, one text, coded once each."""
    rows = []
    for number, force in enumerate(FORCES, start=1):
        name = f"talk-{number}.txt"
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
        rows.append(case(f"case-{number}", name, force=force))
    write(tmp_path, "cases.csv", transcripts.CASE_COLUMNS, *rows)
    start = TEXT.index(SAID)
    codings = [(f"talk-{n}.txt", start, start + len(SAID), HINDERED, "Ann", "") for n in (1, 2, 3)]
    write(tmp_path, "codings.csv", refi_qda.GIVEN_COLUMNS, *codings)
    return tmp_path


def read(folder, **options):
    given = {"forces": FORCES, "places": ["Bury"], "themes": THEMES["theme"], **options}
    return transcripts.read(folder, CODES, **given)


def passage(number=1):
    start = TEXT.index(SAID)
    return f"case-{number}.{start}-{start + len(SAID)}"


# What may be shown


def test_a_real_passage_waits_for_a_reader(folder):
    rows = read(folder).passages()
    assert rows["suppressed"].all() and rows["text"].isna().all()
    assert set(rows["caveat"]) == {transcripts.UNREAD}
    write(folder, "released.csv", ["extract"], [passage(2)])
    shown = read(folder).passages().set_index("case")
    assert shown.loc["case-2", "text"] == SAID
    assert shown.loc[["case-1", "case-3"], "text"].isna().all()


@pytest.mark.parametrize(("forces", "withheld"), [(2, True), (3, False)])
def test_role_and_kind_of_force_must_fit_three_forces(folder, forces, withheld):
    rows = [case(f"case-{n}", f"talk-{n}.txt", force=FORCES[min(n, forces) - 1]) for n in (1, 2, 3)]
    write(folder, "cases.csv", transcripts.CASE_COLUMNS, *rows)
    write(folder, "released.csv", ["extract"], *[[passage(n)] for n in (1, 2, 3)])
    write(folder, "summaries.csv", ["case", "theme", "summary"], ["case-1", "barriers", "Late."])
    given = read(folder)
    assert (given.shown_cases()["role"] == "").all() == withheld
    extracts = framework.transcript_extracts(given, THEMES)
    cells = framework.transcript_matrix(given, extracts, THEMES)
    for frame, text in ((extracts, "text"), (cells, "summary")):
        saved = results.ordered(frame)
        assert saved["suppressed"].all() == withheld
        assert saved[text].isna().all() == withheld
        assert (saved["role"] == "").all() == withheld


def test_a_timing_that_narrows_below_three_forces_is_withheld_alone(folder):
    rows = [case(f"case-{n}", f"talk-{n}.txt", force=FORCES[n - 1]) for n in (1, 2)]
    late = case("case-3", "talk-3.txt", force=FORCES[2], timing="from_2017")
    write(folder, "cases.csv", transcripts.CASE_COLUMNS, *rows, late)
    shown = read(folder).shown_cases()
    assert set(shown["role"]) == {"custody_lead"} and set(shown["inspection_timing"]) == {""}
    assert "force" not in shown


def test_invented_people_need_no_protection_unless_a_test_asks_for_it(folder, monkeypatch):
    rows = [case(f"case-{n}", f"talk-{n}.txt", kind="synthetic") for n in (1, 2, 3)]
    write(folder, "cases.csv", transcripts.CASE_COLUMNS, *rows)
    assert read(folder).passages()["text"].tolist() == [SAID] * 3
    monkeypatch.setenv("NCPI_EVAL_PROTECT_SYNTHETIC", "1")
    assert read(folder).passages()["text"].isna().all()


# What is taken out


def test_names_places_and_numbers_are_taken_out_and_counted_by_kind(folder):
    start, end = TEXT.index("rang"), TEXT.index(" The council")
    write(
        folder, "codings.csv", refi_qda.GIVEN_COLUMNS, ("talk-1.txt", start, end, CUSTODY, "A", "")
    )
    write(folder, "released.csv", ["extract"], [f"case-1.{start}-{end}"])
    given = read(folder)
    assert given.passages()["text"].tolist() == ["rang [name] at [place]."]
    found = given.redactions().set_index("response")["count"]
    # One name and one road in each of three texts.
    assert (found["name"], found["place"], found["telephone"]) == (3, 3, 0)
    assert "Marsh" not in given.redactions().to_string()


def test_words_of_the_folder_go_too_and_summaries_are_redacted(folder):
    write(folder, "redact.csv", ["word"], ["council"])
    write(
        folder, "summaries.csv", ["case", "theme", "summary"],
        ["case-1", "barriers", "The council at Bury and DS Marsh wait."],
    )  # fmt: skip
    given = read(folder)
    cells = framework.transcript_matrix(
        given, framework.transcript_extracts(given, THEMES), THEMES
    ).set_index("id")
    assert cells.loc["cell.barriers.case-1", "summary"] == "The [word] at [place] and [name] wait."


def test_a_summary_that_counts_people_is_refused(folder):
    write(
        folder, "summaries.csv", ["case", "theme", "summary"],
        ["case-1", "barriers", "Most of the staff wait."],
    )  # fmt: skip
    given = read(folder)
    extracts = framework.transcript_extracts(given, THEMES)
    with pytest.raises(InputError, match="case-1, barriers: found 'Most of the staff'"):
        framework.transcript_matrix(given, extracts, THEMES)


# What is read


def test_word_files_and_projects_are_read_as_texts_are(folder):
    word = docx.Document()
    for line in ("I: And then?", "P: The council waited."):
        word.add_paragraph(line)
    word.save(str(folder / "talk.docx"))
    text = "Interview.\nThe council waited."
    start = text.index(SAID)
    refi_qda.write_project(
        folder / "theirs.qdpx",
        name="x",
        frame=CODES,
        documents=pd.DataFrame({"document": ["Partner"], "text": [text]}),
        codings=pd.DataFrame(
            [("Partner", start, len(text), HINDERED, "Ben", "")], columns=refi_qda.GIVEN_COLUMNS
        ),
    )
    rows = [
        case("case-1", "talk.docx", kind="synthetic"),
        case("case-2", "Partner", kind="synthetic"),
    ]
    write(folder, "cases.csv", transcripts.CASE_COLUMNS, *rows)
    at = len("I: And then?\nP: ")
    write(
        folder, "codings.csv", refi_qda.GIVEN_COLUMNS,
        ("talk.docx", at, at + len(SAID), HINDERED, "Ann", ""),
    )  # fmt: skip
    assert read(folder).passages()["text"].tolist() == [SAID, SAID]


def test_a_project_that_another_program_wrote_is_read_and_its_unknown_codes_noted(folder):
    theirs = paths.ROOT / "tests" / "reference" / "refi_qda" / "pyrefiqda.qdpx"
    (folder / "theirs.qdpx").write_bytes(theirs.read_bytes())
    rows = [case("case-1", "Interview 1", kind="synthetic")]
    write(folder, "cases.csv", transcripts.CASE_COLUMNS, *rows)
    (folder / "codings.csv").unlink()
    given = read(folder)
    assert given.passages().empty
    assert "theirs.qdpx: code 'partners' is unknown." in given.notes
    assert list(given.texts) == ["Interview 1"]


def test_two_people_with_one_code_are_one_passage_and_two_codes_are_two(folder):
    start = TEXT.index(SAID)
    where = ("talk-1.txt", start, start + len(SAID))
    rows = [
        (*where, HINDERED, "Ann", ""), (*where, HINDERED, "Ben", ""), (*where, CUSTODY, "Ben", ""),
    ]  # fmt: skip
    write(folder, "codings.csv", refi_qda.GIVEN_COLUMNS, *rows)
    found = read(folder).passages()
    assert found["extract"].tolist() == [passage(), f"{passage()}.2"]
    assert found["code"].tolist() == [HINDERED, CUSTODY]


@pytest.mark.parametrize(
    ("file", "header", "row", "expected"),
    [
        (
            "cases.csv",
            transcripts.CASE_COLUMNS,
            ("case 1", "talk-1.txt", "custody_lead", "inspected", "before_2017", "A", "real"),
            "cases.csv, row 1, column case: found 'case 1'; expected a name of a-z, 0-9 and -",
        ),
        (
            "cases.csv",
            transcripts.CASE_COLUMNS,
            ("case-1", "talk-1.txt", "chief", "inspected", "before_2017", "A", "real"),
            "cases.csv, row 1, column role: found 'chief'; expected one of child_protection_lead",
        ),
        (
            "cases.csv",
            transcripts.CASE_COLUMNS,
            ("case-1", "lost.txt", "custody_lead", "inspected", "before_2017", "A", "real"),
            "no text of lost.txt",
        ),
        (
            "codings.csv",
            refi_qda.GIVEN_COLUMNS,
            ("talk-1.txt", 0, 9999, HINDERED, "Ann", ""),
            "codings.csv, row 1: found 0 to 9999; expected a passage of talk-1.txt",
        ),
        (
            "codings.csv",
            refi_qda.GIVEN_COLUMNS,
            ("talk-1.txt", 0, 5, "no.such.code", "Ann", ""),
            "codings.csv, row 1, column code: found 'no.such.code'",
        ),
        (
            "summaries.csv",
            ("case", "theme", "summary"),
            ("case-1", "weather", "Late."),
            "summaries.csv, row 1, column theme: found 'weather'; expected a theme",
        ),
    ],
)
def test_a_wrong_cell_is_named_with_file_row_and_column(folder, file, header, row, expected):
    write(folder, file, header, row)
    with pytest.raises(InputError) as error:
        read(folder)
    assert expected in str(error.value)


def test_real_and_invented_encounters_do_not_share_a_folder(folder):
    rows = [case("case-1", "talk-1.txt"), case("case-2", "talk-2.txt", kind="synthetic")]
    write(folder, "cases.csv", transcripts.CASE_COLUMNS, *rows)
    with pytest.raises(InputError, match="several kinds of data"):
        read(folder)


def test_a_folder_without_cases_is_refused(tmp_path):
    with pytest.raises(InputError, match="no cases.csv"):
        read(tmp_path)


# The folder of this project


@pytest.fixture(scope="module")
def ours():
    return transcripts.read(
        paths.data("synthetic", "transcripts"),
        CODES,
        forces=tables.read_force_names(),
        places=tables.read_places(),
        themes=THEMES["theme"],
    )


def test_the_invented_folder_hides_every_planted_detail(ours):
    shown = " ".join(ours.passages()["text"])
    planted = ["Marsh", "07700", "Mossgate", "Eastmere", "alderbrook", "A4471", "Larkspur"]
    texts = " ".join(ours.texts.values())
    for word in [*planted, "Osgood", "Tannery"]:
        assert word in texts and word not in shown
    kinds = ours.redactions().set_index("response")["count"]
    for kind in ("e-mail", "telephone", "number", "name", "force", "place", "word"):
        assert kinds[kind] > 0, kind


def test_no_invented_place_or_force_is_a_real_one(ours):
    real = {name.casefold() for name in [*tables.read_places(), "Kent", "Essex"]}
    for text in ours.texts.values():
        assert not {word.casefold() for word in text.replace(",", " ").split()} & real


def test_every_invented_passage_has_a_theme_and_a_cell_that_leads_back(ours):
    extracts = framework.transcript_extracts(ours, THEMES)
    cells = framework.transcript_matrix(ours, extracts, THEMES)
    assert len(extracts) == len(ours.passages())
    assert set(extracts["cell_row"]) == {
        results.reference(framework.TRANSCRIPT_MATRIX, i) for i in cells["id"]
    }
    for frame in (extracts, cells, ours.redactions()):
        results.check("x", frame)
        assert set(frame["data_kind"]) == {"synthetic"}
