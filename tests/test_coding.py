"""The coding frame, coding sheets out and in, and the trail from codings to locked codes."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from ncpi_eval import paths
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import agreement, coding
from ncpi_eval.evidence.criteria import CRITERIA

FRAME = pd.read_csv(paths.data("coding", "coding_frame.csv"), dtype=str, keep_default_na=False)
ADVICE = "inspection.initial_contact.recommendation"
WEAK = "inspection.initial_contact.area_for_improvement"
HELP = "inspection.assessment_and_help.area_for_improvement"
NOTHING = "none_applies"

EXTRACTS = pd.DataFrame(
    [
        ("e1", "ashdale.html", "p 12", "Control room staff do not see earlier calls.", "synthetic"),
        ("e2", "ashdale.html", "p 13", '=HYPERLINK("http://x.test","press")', "synthetic"),
        ("e3", "ashdale.html", "p 14", "Line one\r\nline two\x07 _x0041_ end", "synthetic"),
        ("e4", "ashdale.html", "p 15", "-12 of the cases; +44 20; @home", "synthetic"),
    ],
    columns=["extract", "document", "place", "text", "data_kind"],
)


def sheet(folder: Path, coder: str = "Ann", extracts: pd.DataFrame = EXTRACTS) -> Path:
    return coding.write_sheet(
        folder / f"{coder}.xlsx", extracts, FRAME, scheme="inspection", coder=coder
    )


def fill(path: Path, changes: dict[str, object]) -> Path:
    book = openpyxl.load_workbook(path)
    for place, value in changes.items():
        book["Coding"][place] = value
    book.save(path)
    return path


def read(path: Path, coder: str = "Ann", frame: pd.DataFrame = FRAME) -> pd.DataFrame:
    return coding.read_sheet(path, EXTRACTS, frame, scheme="inspection", coder=coder)


# ---------------------------------------------------------------------------------------------
# The frame


def test_the_frame_crosses_criteria_and_groupings_with_kinds() -> None:
    frame = coding.check_frame(FRAME)
    kinds = ["good_practice", "area_for_improvement", "recommendation", "evidence_of_change"]
    inspection = frame[frame["scheme"] == "inspection"]
    assert list(inspection["area"].unique()) == list(CRITERIA)
    assert len(inspection) == 9 * 4
    evaluation = frame[frame["scheme"] == "evaluation"]
    assert evaluation["area"].nunique() == 6
    assert len(evaluation) == 6 * 4
    for area, of in frame[frame["scheme"].isin(["inspection", "evaluation"])].groupby(
        ["scheme", "area"]
    ):
        assert list(of["kind"]) == kinds, area
    # Chapter 3 names three facilitators, four barriers and five unintended consequences
    change = frame[frame["scheme"] == "change"].groupby("kind")["area"].nunique()
    assert change.to_dict() == {
        "barrier": 4,
        "facilitator": 3,
        "unintended_harmful": 5,
        "unintended_helpful": 5,
    }


def test_a_frame_with_holes_is_refused() -> None:
    broken = FRAME.head(3).copy()
    broken.loc[0, "definition"] = " "
    broken.loc[1, "area"] = "custody"
    broken.loc[2, "code"] = broken.loc[0, "code"]
    with pytest.raises(InputError) as caught:
        coding.check_frame(broken)
    text = str(caught.value)
    assert "leadership_management_governance.good_practice: found no definition" in text
    assert "found the parts inspection.custody.area_for_improvement" in text
    assert "found a second row" in text
    with pytest.raises(InputError, match="found no column version"):
        coding.check_frame(FRAME.drop(columns="version"))
    with pytest.raises(InputError, match="'police'; expected inspection, evaluation, change"):
        coding.codes_of(FRAME, "police")


def test_codings_can_be_compared_by_area_and_by_kind() -> None:
    given = pd.DataFrame({"extract": ["e1", "e2", "e3"], "code": [ADVICE, NOTHING, ""]})
    assert list(coding.at_level(given, FRAME, "kind")["code"]) == ["recommendation", NOTHING, ""]
    assert list(coding.at_level(given, FRAME, "area")["code"]) == ["initial_contact", NOTHING, ""]


# ---------------------------------------------------------------------------------------------
# Sheets


def test_a_sheet_can_be_used_by_keyboard_and_screen_reader(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(sheet(tmp_path))
    page = book["Coding"]
    assert book.sheetnames == ["Read me", "Coding", "Codes"]
    assert book.properties.title == "Coding sheet of Ann, scheme inspection"
    header = ["extract", "coder", "document", "place", "text", "code", "remark"]
    assert [cell.value for cell in page[1]] == header
    assert page.freeze_panes == "A2"
    assert not page.merged_cells.ranges
    assert page.tables["coding"].ref == "A1:G5"
    (rule,) = page.data_validations.dataValidation
    assert (str(rule.sqref), rule.type, rule.allow_blank) == ("F2:F5", "list", True)
    # 36 codes of the scheme and none_applies
    assert rule.formula1 == "=Codes!$A$2:$A$38"
    assert book["Codes"]["A38"].value == NOTHING
    assert rule.error == "Choose a code from the list, or leave the cell empty."


def test_text_like_a_formula_stays_text(tmp_path: Path) -> None:
    page = openpyxl.load_workbook(sheet(tmp_path))["Coding"]
    assert page["E3"].value == '=HYPERLINK("http://x.test","press")'
    assert page["E3"].data_type == "s"
    assert page["E3"].quotePrefix  # also after somebody has edited the cell
    assert page["E5"].data_type == "s"


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert sheet(tmp_path).read_bytes() == sheet(tmp_path / "other").read_bytes()


def test_a_sheet_comes_back_as_codings(tmp_path: Path) -> None:
    path = fill(
        sheet(tmp_path), {"F2": WEAK, "G2": "=or is it help?", "F3": f" {NOTHING} ", "F5": ADVICE}
    )
    book = openpyxl.load_workbook(path)
    book["Coding"]["G2"].data_type = "s"
    book.save(path)
    found = read(path)
    assert list(found.columns) == list(coding.CODING_COLUMNS)
    assert list(found["extract"]) == ["e1", "e2", "e3", "e4"]
    assert list(found["code"]) == [WEAK, NOTHING, "", ADVICE]
    assert list(found["version"]) == ["1.0", "1.0", "", "1.0"]
    assert found.loc[0, "remark"] == "=or is it help?"
    assert set(found["data_kind"]) == {"synthetic"}


def test_everything_that_changed_on_the_way_is_named(tmp_path: Path) -> None:
    path = sheet(tmp_path)
    book = openpyxl.load_workbook(path)
    page = book["Coding"]
    page["F2"] = "inspection.initial_contact.praise"
    page["B2"] = "Ben"
    page["E3"] = "Shortened."
    page["A4"] = "e9"
    page["G5"] = "=1+1"
    page.append([cell.value for cell in page[5]][:6])
    book["Codes"]["B2"] = "0.9"
    book.save(path)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).splitlines() == [
        "Ann.xlsx was not taken over.",
        "  - Ann.xlsx, Coding, row 2: found coder 'Ben'; expected Ann. What to do: Read the sheet "
        "of that coder, or put it right.",
        "  - Ann.xlsx, Coding, row 2: found code 'inspection.initial_contact.praise'; expected a "
        "code of the scheme. What to do: Choose one from the list.",
        "  - Ann.xlsx, Coding, row 3: found another text of e2; expected the text that was sent "
        "out. What to do: Put the text back; propose another cut in the remark.",
        "  - Ann.xlsx, Coding, row 4: found extract 'e9'; expected one that was sent out. What to "
        "do: Remove it.",
        "  - Ann.xlsx, Coding, row 5: found a formula in remark; expected text. What to do: Write "
        "it as text.",
        "  - Ann.xlsx, Coding, row 6: found extract e4 again; expected each once. What to do: Keep "
        "one row.",
        "  - Ann.xlsx, Coding: found no row for e3; expected every extract. What to do: Put the "
        "row back, with an empty code if it was not coded.",
        "  - Ann.xlsx, Codes: found version 0.9 of inspection.leadership_management_governance."
        "good_practice; expected 1.0. What to do: Let the coder look again at these extracts with "
        "the new definition.",
    ]


def test_what_is_no_coding_sheet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.xlsx").write_text("extract,code\n", encoding="utf-8")
    with pytest.raises(InputError, match="text in CSV"):
        read(tmp_path / "text.xlsx")
    path = sheet(tmp_path)
    book = openpyxl.load_workbook(path)
    book["Coding"].delete_cols(1)
    book["Codes"].delete_cols(2)
    book.save(path)
    with pytest.raises(InputError, match="Coding, header: found no column extract") as caught:
        read(path)
    assert "Codes: found no codes and versions" in str(caught.value)


def test_extracts_that_cannot_be_coded_are_refused(tmp_path: Path) -> None:
    long = EXTRACTS.copy()
    long.loc[0, "text"] = "x" * 32_768
    long.loc[1, "text"] = ""
    long.loc[3, "extract"] = "e3"
    with pytest.raises(InputError) as caught:
        sheet(tmp_path, extracts=long)
    text = str(caught.value)
    assert "extract e1: found 32768 characters; expected 32767 at most" in text
    assert "extract e2: found no name or no text" in text
    assert "extract e3: found a second row" in text
    with pytest.raises(InputError, match="extracts: found no row"):
        sheet(tmp_path, extracts=EXTRACTS.head(0))


# ---------------------------------------------------------------------------------------------
# The trail


def codings(coder: str, *codes: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (f"e{number}", coder, code, "1.0" if code else "", "", "synthetic")
            for number, code in enumerate(codes, 1)
        ],
        columns=list(coding.CODING_COLUMNS),
    )


# e1 agreed; e2 differs in kind; e3 in area; e4 Ben found nothing; e5 Ann alone; e6 nobody
ANN = codings("Ann", WEAK, WEAK, WEAK, WEAK, ADVICE, "")
BEN = codings("Ben", WEAK, ADVICE, HELP, NOTHING, "", "")


def begun() -> pd.DataFrame:
    return coding.begin([ANN, BEN], on="2026-03-02")


def decisions(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [(extract, code, "Cat", "2026-03-09", "read together") for extract, code in rows],
        columns=list(coding.DECISION_COLUMNS),
    )


def reconciled() -> pd.DataFrame:
    return coding.reconcile(
        begun(), decisions(("e2", ADVICE), ("e3", HELP), ("e4", NOTHING)), FRAME
    )


def locked() -> pd.DataFrame:
    return coding.lock(reconciled(), FRAME, by="Cat", on="2026-03-10")


def test_conflicts_say_who_differs_and_in_what() -> None:
    found = coding.conflicts(begun(), FRAME).set_index("extract")
    assert found["differ_in"].to_dict() == {
        "e2": "kind",
        "e3": "area",
        "e4": "whether anything applies",
    }
    assert found.loc["e3", "codings"] == f"Ann: {WEAK}; Ben: {HELP}"


def test_codings_feed_agreement_with_what_was_coded_only() -> None:
    wide = agreement.ratings(pd.concat([ANN, BEN]))
    # e6 was coded by nobody, e5 by one coder: 1 of the 4 others agrees
    found = agreement.percent_agreement(wide)
    assert (found.units, found.left_out, found.estimate) == (4, 1, 0.25)


def test_nothing_is_locked_while_a_conflict_is_open() -> None:
    trail = coding.reconcile(begun(), decisions(("e2", ADVICE)), FRAME)
    with pytest.raises(InputError) as caught:
        coding.lock(trail, FRAME, by="Cat", on="2026-03-10")
    assert [problem.place for problem in caught.value.problems] == ["extract e3", "extract e4"]
    with pytest.raises(InputError, match="Codes are used when all are locked"):
        coding.final(trail)


def test_locked_codes_say_what_they_rest_on() -> None:
    found = coding.final(locked()).set_index("extract")
    assert found["code"].to_dict() == {
        "e1": WEAK,
        "e2": ADVICE,
        "e3": HELP,
        "e4": NOTHING,
        "e5": ADVICE,
    }
    assert found["basis"].to_dict() == {
        "e1": "agreed by 2 coders",
        "e2": "reconciled",
        "e3": "reconciled",
        "e4": "reconciled",
        "e5": "one coder only",
    }
    assert set(found["data_kind"]) == {"synthetic"}


def test_the_trail_keeps_every_step() -> None:
    trail = locked()
    assert list(trail["step"]) == list(range(1, 18))  # 9 codings, 3 decisions, 5 locks
    about = trail[trail["extract"] == "e2"]
    assert about[["action", "by", "on", "reason"]].to_numpy().tolist() == [
        ["coded", "Ann", "2026-03-02", ""],
        ["coded", "Ben", "2026-03-02", ""],
        ["reconciled", "Cat", "2026-03-09", "read together"],
        ["locked", "Cat", "2026-03-10", "reconciled"],
    ]
    # Locking again adds nothing
    pd.testing.assert_frame_equal(coding.lock(trail, FRAME, by="Cat", on="2026-03-11"), trail)


def test_a_locked_code_is_opened_decided_and_locked_again() -> None:
    trail = locked()
    with pytest.raises(InputError, match="found no open conflict"):
        coding.reconcile(trail, decisions(("e1", ADVICE)), FRAME)
    trail = coding.reopen(trail, "e1", by="Cat", on="2026-04-01", reason="new report")
    with pytest.raises(InputError, match="extract e1: found a conflict that is open"):
        coding.lock(trail, FRAME, by="Cat", on="2026-04-02")
    trail = coding.reconcile(trail, decisions(("e1", ADVICE)), FRAME)
    trail = coding.lock(trail, FRAME, by="Cat", on="2026-04-02")
    found = coding.final(trail).set_index("extract")
    assert found.loc["e1", "code"] == ADVICE
    assert found.loc["e1", "basis"] == "reconciled"
    with pytest.raises(InputError, match="Only a locked code is reopened"):
        coding.reopen(trail, "e7", by="Cat", on="2026-04-01", reason="x")
    with pytest.raises(InputError, match="needs a name and a reason"):
        coding.reopen(trail, "e2", by="Cat", on="2026-04-01", reason=" ")


def test_locked_codes_edited_by_hand_are_found() -> None:
    trail = locked()
    codes = coding.final(trail)
    coding.check_final(codes, trail)
    codes.loc[0, "code"] = HELP
    with pytest.raises(InputError) as caught:
        coding.check_final(codes.drop(index=4), trail)
    assert [str(problem) for problem in caught.value.problems] == [
        f"extract e1: found {HELP}; expected {WEAK}. What to do: Reopen, decide and lock it in "
        "the trail; do not edit locked codes.",
        f"extract e5: found no row; expected {ADVICE}. What to do: Reopen, decide and lock it in "
        "the trail; do not edit locked codes.",
    ]


def test_a_decision_needs_a_conflict_a_code_a_name_a_day_and_a_reason() -> None:
    given = pd.DataFrame(
        [
            ("e2", "praise", "", "9 March", ""),
            ("e1", WEAK, "Cat", "2026-03-09", "why not"),
            ("e3", HELP, "Cat", "2026-03-09", "x"),
            ("e3", WEAK, "Cat", "2026-03-09", "y"),
        ],
        columns=list(coding.DECISION_COLUMNS),
    )
    with pytest.raises(InputError) as caught:
        coding.reconcile(begun(), given, FRAME)
    assert [(problem.place, problem.found) for problem in caught.value.problems] == [
        ("decision about e2", "code 'praise'"),
        ("decision about e2", "no by"),
        ("decision about e2", "no reason"),
        ("decision about e2", "the day '9 March'"),
        ("decision about e1", "no open conflict"),
        ("decision about e3", "a second one"),
    ]


def test_a_code_with_a_new_version_is_not_locked_as_it_was() -> None:
    newer = FRAME.copy()
    newer.loc[newer["code"] == HELP, "version"] = "1.1"
    with pytest.raises(InputError, match=f"version 1.0 of {HELP}; expected version 1.1"):
        coding.lock(reconciled(), newer, by="Cat", on="2026-03-10")


def test_a_trail_begins_with_a_day_and_one_coding_per_coder() -> None:
    with pytest.raises(InputError, match="found the day '2 March'; expected a day like"):
        coding.begin([ANN], on="2 March")
    with pytest.raises(InputError, match="extract e1: found Ann twice"):
        coding.begin([ANN, ANN], on="2026-03-02")
