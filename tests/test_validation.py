"""Broken surveys are refused with every fault listed; what respondents may do is counted."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from helpers_survey import BOOK, FORCES, respondents

from ncpi_eval import formats, sources
from ncpi_eval.errors import InputError
from ncpi_eval.intake import validation
from ncpi_eval.intake.validation import validate


def raw(number: int = 12) -> pd.DataFrame:
    """A survey frame as loose cells, in which anything can be put."""
    return respondents(number).astype(object)


def put(frame: pd.DataFrame, *cells: tuple[int, str, object]) -> pd.DataFrame:
    """Cells changed, rows counted from 1."""
    for row, column, value in cells:
        frame.loc[row - 1, column] = value
    return frame


def refused(frame: pd.DataFrame) -> list[str]:
    found = validate(frame, BOOK, FORCES, "x")
    assert found.frame is None
    assert found.reported.empty
    return [str(problem) for problem in found.refused]


def test_a_good_survey_is_accepted_and_comes_back_as_it_was():
    frame = respondents(30)
    found = validate(frame, BOOK, FORCES)
    assert found.refused == ()
    pd.testing.assert_frame_equal(found.checked("x"), frame)


# Each kind of broken input has two faults or more, and all of them must be listed.
BROKEN: dict[str, tuple[Callable[[], pd.DataFrame], list[str]]] = {
    "unknown codes": (
        lambda: put(raw(), (1, "RAge", 8), (2, "RAge", 8), (3, "RSex", 0), (4, "FLis", -1)),
        [
            "x, rows 1-2 (serials s001, s002), column RAge: found 8; expected a code (1-7)",
            "x, row 3 (serial s003), column RSex: found 0",
            "x, row 4 (serial s004), column FLis: found -1",
        ],
    ),
    "codes that are not whole": (
        lambda: put(raw(), (1, "RAge", 3.5), (2, "RSex", "1.5")),
        ["found 3.5; ", "codes are whole numbers", "column RSex: found '1.5'"],
    ),
    "text that is no option": (
        lambda: put(raw(), (1, "RAge", "abc"), (2, "LeEvInt", "N/A"), (3, "Info", "NA")),
        ["found 'abc'", "found 'N/A'", "column Info: found 'NA'"],
    ),
    "blanks around a code or option": (
        lambda: put(raw(), (1, "RAge", " 3"), (2, "RSex", "Female ")),
        ["found ' 3'", "remove the blanks around the code", "write it exactly as 'Female'"],
    ),
    "another spelling of an option": (
        lambda: put(raw(), (1, "RSex", "female"), (2, "LeEvInt", "YES")),
        ["write it exactly as 'Female'", "write it exactly as 'Yes'"],
    ),
    "numbers too large": (
        lambda: put(raw(), (1, "RAge", 10**30), (2, "RSex", "9" * 40), (3, "FLis", float("inf"))),
        ["column RAge: found 1000", "column RSex: found '999", "column FLis: found inf"],
    ),
    "true and false": (
        lambda: put(raw(), (1, "LeEvInt", True), (2, "RSex", False)),
        ["column LeEvInt: found True", "column RSex: found False"],
    ),
    "dates that Excel made": (
        lambda: put(raw(), (1, "RServ", datetime.datetime(2019, 2, 1)), (2, "RAge", "x")),
        ["Excel made a date of it", "column RAge: found 'x'"],
    ),
    "formulas": (
        lambda: put(
            raw(),
            (1, "RAge", formats.FormulaText("=1+1")),
            (2, "AOB", formats.FormulaText("=A1")),
            (3, "serial", formats.FormulaText("=B1")),
        ),
        [
            "column RAge: found '=1+1'",
            "column AOB: found '=A1'; expected text, not a formula",
            "column serial: found '=B1'",
        ],
    ),
    "missing serials": (
        lambda: put(raw(), (2, "serial", None), (5, "serial", None)),
        ["x, rows 2, 5, column serial: found nothing; expected a serial"],
    ),
    "duplicate serials": (
        lambda: put(raw(), (2, "serial", "s001"), (7, "serial", "s009")),
        [
            "x, rows 1-2 (serials s001, s001), column serial: found 's001'; expected a serial that "
            "is used once",
            "x, rows 7, 9 (serials s009, s009)",
        ],
    ),
    "serials that are none": (
        lambda: put(raw(), (1, "serial", "s 1"), (2, "serial", 1.5), (3, "serial", "a\x07")),
        ["found 's 1'", "found 1.5", "found 'a\\x07'"],
    ),
    "missing columns": (
        lambda: raw().drop(columns=["RAge", "TrainFre_3"]),
        ["no column RAge", "no column TrainFre_3"],
    ),
    "unexpected columns": (
        lambda: raw().assign(Email="x", Postcode="y"),
        ["x, column Email: found a column that the questionnaire does not have", "column Postcode"],
    ),
    "columns in another spelling": (
        lambda: raw().rename(columns={"RAge": "rage", "FLis": "FLis "}),
        ["rename 'rage' to RAge", "rename it to FLis if that is what it is"],
    ),
    "columns twice": (
        lambda: pd.concat([raw(), raw()[["RAge", "serial"]]], axis=1),
        ["'RAge' more than once", "'serial' more than once"],
    ),
    "forces that the table does not have": (
        lambda: put(raw(), (1, "RForc", 1), (2, "RForc", 143), (3, "RForc", "Gwent")),
        [
            "column RForc: found 1; expected a code of the force table (44, 101-104)",
            "found 143",
            "found 'Gwent'",
        ],
    ),
    "no rows": (lambda: raw().iloc[:0], ["x: found no rows; expected one row per respondent"]),
    "mixed kinds of data": (
        lambda: put(raw(), (1, "data_kind", "real")),
        ["found real and synthetic; expected one kind of data"],
    ),
    "unknown kinds of data": (
        lambda: put(raw(), (1, "data_kind", "Synthetic"), (2, "data_kind", None)),
        ["found 'Synthetic'; expected synthetic or real", "row 2 (serial s002), column data_kind"],
    ),
    "damaged text": (
        lambda: put(raw(), (1, "AOB", "na\ufffdve"), (2, "FImp", "\ufffd")),
        ["column AOB: found 'na\ufffdve'; expected undamaged text", "column FImp"],
    ),
    "hostile cells": (
        lambda: put(raw(), (1, "RAge", "\x1b[2J\u202e" + "x" * 500), (2, "RSex", "a\nb")),
        ["found '\\x1b[2J\\u202exxxx", "(505 characters)", "found 'a\\nb'"],
    ),
    "hostile serials": (
        lambda: put(raw(), (1, "serial", "\u202ex"), (1, "RAge", 99), (2, "serial", "a\nb")),
        ["found '\\u202ex'", "found 'a\\nb'", "column RAge: found 99"],
    ),
    "faults of every kind at once": (
        lambda: put(
            raw().drop(columns="RSex").assign(Shoe=1),
            (1, "RAge", 99),
            (2, "serial", "s001"),
            (3, "RForc", 7),
            (4, "data_kind", "real"),
        ),
        ["no column RSex", "column Shoe", "found 99", "used once", "found 7", "one kind of data"],
    ),
}


@pytest.mark.parametrize(("build", "told"), BROKEN.values(), ids=BROKEN)
def test_a_broken_survey_is_refused_with_all_its_faults(build, told):
    text = "\n".join(refused(build()))
    assert [part for part in told if part not in text] == []
    assert text.isprintable() or "\n" in text
    assert not [line for line in text.split("\n") if not line.isprintable()]


def broken_csv(text: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = formats.write_table(respondents(12), folder / "x.csv")
        lines = path.read_bytes().split(b"\n")
        path.write_bytes(text if text.startswith(b"!") else b"\n".join([lines[0], text]) + b"\n")
        return path

    return write


def with_formula(folder: Path) -> Path:
    path = formats.write_table(respondents(12), folder / "x.xlsx")
    book = openpyxl.load_workbook(path)
    book.active["B2"], book.active["C3"] = "=1+1", "=2"
    book.save(path)
    return path


def saved_as(name: str, content: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = formats.write_table(respondents(12), folder / f"x{content}")
        return path.rename(folder / name)

    return write


def emptied(folder: Path) -> Path:
    (folder / "x.csv").write_bytes(b"")
    return folder / "x.csv"


def header_only(folder: Path) -> Path:
    return formats.write_table(respondents(12).iloc[:0], folder / "x.csv")


def in_two_encodings(folder: Path) -> Path:
    frame = respondents(12)
    frame.loc[[1, 4], "AOB"] = "naïve"
    path = formats.write_table(frame, folder / "x.csv")
    first, second = path.read_bytes().split("naïve".encode(), 1)
    path.write_bytes(first + b"na\xefve" + second.replace("naïve".encode(), b"na\xefve"))
    return path


def swapped_labels(folder: Path) -> Path:
    table = sources.survey_table(respondents(12), BOOK, FORCES)
    labels = dict(table.value_labels)
    labels["LeEvInt"] = {1: "No", 2: "Yes"}
    return formats.write_table(
        formats.Table(table.frame, table.labels, labels, table.missing_ranges), folder / "x.sav"
    )


FILES: dict[str, tuple[Callable[[Path], Path], list[str]]] = {
    "an empty file": (emptied, ["found an empty file"]),
    "a header without rows": (header_only, ["found a header and no rows"]),
    "ragged rows": (broken_csv(b"s1,1\ns2,2"), ["rows 1-2: found 2 cells"]),
    "two encodings": (in_two_encodings, ["row 2, column AOB: found 'na<byte ef>ve'", "row 5"]),
    "SPSS called CSV": (saved_as("x.csv", ".sav"), ["found an SPSS file; expected text in CSV"]),
    "CSV called Excel": (saved_as("x.xlsx", ".csv"), ["found text in CSV; expected an Excel"]),
    "Excel called Parquet": (saved_as("x.parquet", ".xlsx"), ["found an Excel workbook"]),
    "Parquet called SPSS": (saved_as("x.sav", ".parquet"), ["found a Parquet file"]),
    "formulas in a workbook": (with_formula, ["found '=1+1'", "found '=2'"]),
    "labels of other codes": (swapped_labels, ["found 1 = 'No'; expected 1 = 'Yes'", "2 = 'Yes'"]),
}


@pytest.mark.parametrize(("build", "told"), FILES.values(), ids=FILES)
def test_a_broken_file_is_refused_with_all_its_faults(tmp_path, build, told):
    forces = formats.write_table(FORCES, tmp_path / "forces.csv")
    with pytest.raises(InputError) as caught:
        sources.read_survey(build(tmp_path), forces)
    assert [part for part in told if part not in str(caught.value)] == []
    assert caught.value.problems


def test_there_are_thirty_kinds_of_broken_input():
    assert len(BROKEN) + len(FILES) >= 30


def test_equal_cells_are_one_problem_that_names_all_rows():
    frame = raw(20)
    frame["RAge"] = 99
    frame.loc[[3, 4], "RAge"] = 1
    (problem,) = refused(frame)
    assert problem.startswith(
        "x, rows 1-3, 6-20 (serials s001, s002, s003, s006, s007 and 13 more), "
        "column RAge: found 99"
    )


def test_thousands_of_problems_are_all_kept_and_two_thousand_printed():
    frame = raw(3000)
    frame["RAge"] = [f"bad {row}" for row in range(3000)]
    found = validate(frame, BOOK, FORCES, "x.csv")
    assert len(found.refused) == 3000
    with pytest.raises(InputError) as caught:
        found.checked("x.csv")
    assert len(caught.value.problems) == 3000
    lines = str(caught.value).split("\n")
    assert lines[0] == "x.csv was refused with 3000 problems."
    assert len(lines) == 2002
    assert lines[-1] == "  ... and 1000 more problems"


def test_whole_numbers_are_codes_however_they_are_stored():
    frame = raw(6)
    frame["RAge"] = pd.Series([3, 3.0, "3", "3.0", "35-44", None], dtype=object)
    got = validate(frame, BOOK, FORCES).checked("x")["RAge"]
    assert got.tolist()[:5] == [3, 3, 3, 3, 3]
    assert got.isna().tolist() == [False] * 5 + [True]


def test_text_is_tidied_and_counted():
    frame = put(
        raw(5), (1, "AOB", " a\r\nb "), (2, "AOB", "   "), (3, "AOB", 12.0), (4, "AOB", "c")
    )
    frame.loc[4, "AOB"] = "bell\x07"
    found = validate(frame, BOOK, FORCES)
    assert found.checked("x")["AOB"].tolist()[0] == "a\nb"
    assert found.checked("x")["AOB"].isna().tolist() == [False, True, False, False, False]
    counts = found.reported[found.reported["question"] == "AOB"].set_index("check")["count"]
    assert counts["text_tidied"] == 2
    assert counts["text_typed_as_number"] == 1
    assert counts["control_characters"] == 1


def reported(frame: pd.DataFrame, check: str, question: str) -> tuple[int, int]:
    table = validate(frame, BOOK, FORCES).reported
    (row,) = table[(table["check"] == check) & (table["question"] == question)].itertuples()
    return row.count, row.denominator


def test_answers_where_routing_forbids_them_are_counted_and_kept():
    frame = raw(5)
    frame["NCPIAware"] = [6, 6, 6, 1, None]
    frame["NCPIAims"] = [1, 7, None, 2, None]
    # Three should not have been asked; two of them answered, one by "prefer not to say".
    assert reported(frame, "answered_against_routing", "NCPIAims") == (2, 3)
    # Two should have been asked; one of them did not answer.
    assert reported(frame, "not_answered_when_asked", "NCPIAims") == (1, 2)
    assert validate(frame, BOOK, FORCES).checked("x")["NCPIAims"].tolist()[:2] == [1, 7]


def test_an_open_question_is_answered_by_text_or_by_its_code():
    frame = raw(4)
    frame["FImp"] = ["text", None, None, "text"]
    frame["FImp_code"] = [None, 1, None, 2]
    assert reported(frame, "not_answered_when_asked", "FImp") == (1, 4)
    assert reported(frame, "text_and_code", "FImp") == (1, 2)


def test_other_without_text_and_text_without_other_are_counted():
    frame = raw(4)
    frame["RArea"] = [4, 4, 1, 2]
    frame["RArea_other"] = ["training", None, "x", None]
    assert reported(frame, "not_answered_when_asked", "RArea_other") == (1, 2)
    assert reported(frame, "answered_against_routing", "RArea_other") == (1, 2)


def test_straight_lines_are_counted_among_complete_grids_of_three_items_or_more():
    frame = raw(5)
    for item, cells in enumerate(
        ([2, 2, 7, 2, 6], [2, 2, 7, 2, 6], [2, 1, 7, None, 6], [2, 2, 7, 2, 6])
    ):
        frame[f"FSyst_{item + 1}"] = pd.Series(cells, dtype=object)
    # Rows 1, 2 and 5 answered all items ("prefer not to say" is no answer here); 1 and 5 alike.
    assert reported(frame, "straight_lining", "FSyst") == (2, 3)
    table = validate(frame, BOOK, FORCES).reported
    grids = table[table["check"] == "straight_lining"]["question"].tolist()
    assert grids == ["TrainFre", "FSyst"]


def test_a_label_that_differs_otherwise_is_reported():
    labels = {"LeEvInt": {1.0: "Yes, I would", 2.0: "No"}}
    found = validate(respondents(5), BOOK, FORCES, "x", labels)
    row = found.reported[found.reported["check"] == "label_differs"].iloc[0]
    assert row["note"] == "1 = 'Yes, I would' instead of 'Yes'"


def test_reported_has_the_columns_of_the_project():
    table = validate(respondents(5), BOOK, FORCES).reported
    assert list(table.columns) == validation.REPORTED_COLUMNS
    assert set(table["unit"]) == {"respondents"}
