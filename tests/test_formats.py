"""Four kinds of file give the same cells back, and what cannot be read or written is refused."""

from __future__ import annotations

import builtins
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from ncpi_eval import formats
from ncpi_eval.errors import InputError
from ncpi_eval.formats import Table, read_table, write_table

TEXT = "line one\nline two, “quoted” – naïve 漢字 😀"


def small() -> Table:
    frame = pd.DataFrame(
        {
            "serial": ["a1", "a2", "a3"],
            "Code": pd.array([1, pd.NA, 7], dtype="Int16"),
            "Text": pd.Series([TEXT, None, '=1+1;"x"'], dtype=object),
            "Nothing": pd.Series([None, None, None], dtype=object),
        }
    )
    return Table(
        frame,
        labels={"Code": "What was answered", "Text": "In own words"},
        value_labels={"Code": {1: "Yes – definitely", 7: "Prefer not to say"}},
        missing_ranges={"Code": [{"lo": 7, "hi": 7}]},
    )


def cells(frame: pd.DataFrame) -> list[list[object]]:
    """Cells as text, with whole numbers written alike, so that formats can be compared."""

    def one(value: object) -> object:
        if pd.isna(value):  # type: ignore[call-overload]
            return None
        return f"{value:g}" if isinstance(value, float) else str(value)

    return [[one(value) for value in row] for row in frame.astype(object).to_numpy()]


EXPECTED = [["a1", "1", TEXT, None], ["a2", None, None, None], ["a3", "7", '=1+1;"x"', None]]


@pytest.mark.parametrize("suffix", formats.SUFFIXES)
def test_cells_come_back_as_they_were_written(tmp_path, suffix):
    path = write_table(small(), tmp_path / f"small{suffix}")
    table = read_table(path)
    assert list(table.frame.columns) == ["serial", "Code", "Text", "Nothing"]
    assert cells(table.frame) == EXPECTED


def test_a_round_trip_through_sav_keeps_labels_missing_ranges_and_codes(tmp_path):
    table = read_table(write_table(small(), tmp_path / "small.sav"))
    assert table.labels == {"Code": "What was answered", "Text": "In own words"}
    assert table.value_labels == {"Code": {1.0: "Yes – definitely", 7.0: "Prefer not to say"}}
    assert table.missing_ranges == {"Code": [{"lo": 7.0, "hi": 7.0}]}
    # A user-missing code stays a code; only the unanswered cell is missing.
    assert table.frame["Code"].isna().tolist() == [False, True, False]
    again = read_table(write_table(table, tmp_path / "again.sav"))
    pd.testing.assert_frame_equal(again.frame, table.frame)
    assert (again.labels, again.value_labels, again.missing_ranges) == (
        table.labels,
        table.value_labels,
        table.missing_ranges,
    )


def test_missing_ranges_with_two_ends_survive(tmp_path):
    table = Table(
        pd.DataFrame({"x": [1.0, 95.0, 99.0]}), missing_ranges={"x": [{"lo": 90, "hi": 99}]}
    )
    back = read_table(write_table(table, tmp_path / "x.sav"))
    assert back.frame["x"].tolist() == [1, 95, 99]
    assert back.missing_ranges == {"x": [{"lo": 90.0, "hi": 99.0}]}


# SPSS holds at most 32,767 bytes in a string: IBM SPSS Statistics, "String Variable Formats".
def test_text_up_to_the_limit_of_spss_survives_and_longer_text_is_refused(tmp_path):
    longest = "é" * 16383 + "x"
    assert len(longest.encode()) == 32767
    frame = pd.DataFrame({"Text": ["short", longest]})
    assert read_table(write_table(frame, tmp_path / "x.sav")).frame["Text"].tolist() == [
        "short",
        longest,
    ]
    frame.loc[1, "Text"] += "x"
    with pytest.raises(InputError, match=r"row 2, column Text: .* at most 32767 bytes for SPSS"):
        write_table(frame, tmp_path / "y.sav")
    assert not (tmp_path / "y.sav").exists()


@pytest.mark.parametrize(
    ("suffix", "text", "told"),
    [
        (".sav", "ends with blank ", "blanks at its end"),
        (".csv", "", "missing instead of empty text"),
        (".xlsx", "bell\x07", "control characters"),
        (".xlsx", "x" * 32768, "at most 32767 characters"),
        (".parquet", "nul\x00", "NUL"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before_anything_is_written(
    tmp_path, suffix, text, told
):
    with pytest.raises(InputError, match=told):
        write_table(pd.DataFrame({"Text": ["fine", text]}), tmp_path / f"x{suffix}")
    assert not (tmp_path / f"x{suffix}").exists()


def test_value_labels_are_shortened_visibly_for_spss():
    long = "Maybe – " + "x" * 200
    short = formats.spss_value_label(long)
    assert short.endswith("…")
    assert len(short.encode()) <= 120
    assert formats.spss_value_label("Yes") == "Yes"
    with pytest.raises(InputError, match="label of x code 1"):
        write_table(Table(pd.DataFrame({"x": [1]}), value_labels={"x": {1: long}}), "never.sav")


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def zipped(path: Path, name: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "x")
    return path


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", b"", "an empty file"),
        ("x.csv", b"\xef\xbb\xbf\r\n", "an empty file"),
        ("x.csv", b"a,b\n", "a header and no rows"),
        ("x.csv", b"a,a\n1,2\n", "'a' for columns 1 and 2"),
        ("x.csv", b"a,\n1,2\n", "no name for column 2"),
        ("x.csv", b"a;b\n1;2\n", "separated by semicolons"),
        ("x.csv", b"a\tb\n1\t2\n", "separated by tabs"),
        ("x.csv", b"$FL2@(#) SPSS", "give it the suffix .sav"),
        ("x.csv", b"PAR1....", "give it the suffix .parquet"),
        ("x.csv", b"a,b\n1,\x00\n", "a binary file of another kind"),
        ("x.csv", "a,b\n1,2\n".encode("utf-16"), "text in UTF-16"),
        ("x.csv", b"<!DOCTYPE html><p>", "a web page"),
        ("x.csv", b'a,b\n1,"2\n', "line"),
        ("x.sav", b"a,b\n1,2\n", "found text in CSV"),
        ("x.sav", b"$FL2@(#) SPSS", "a damaged SPSS file"),
        ("x.xlsx", b"a,b\n1,2\n", "found text in CSV"),
        ("x.xlsx", b"PK\x03\x04broken", "a damaged zip file"),
        ("x.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        ("x.parquet", b"PAR1broken", "a damaged Parquet file"),
        ("x.parquet", b"a,b\n1,2\n", "found text in CSV"),
        ("x.doc", b"a,b\n1,2\n", ".sav, .csv, .xlsx, .parquet"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, name, content, told):
    with pytest.raises(InputError) as caught:
        read_table(put(tmp_path / name, content))
    assert told in str(caught.value)
    assert name in str(caught.value)


def test_other_zip_files_are_named(tmp_path):
    for inside, told in (
        ("content.xml", "OpenDocument"),
        ("xl/workbook.bin", "xlsb"),
        ("a", "zip"),
    ):
        with pytest.raises(InputError, match=told):
            read_table(zipped(tmp_path / "x.xlsx", inside))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="found a folder"):
        read_table(tmp_path / "folder.csv")


def test_every_ragged_row_is_listed(tmp_path):
    path = put(tmp_path / "x.csv", b"a,b\n1,2\n1\n1,2,3\n\n1,2\n")
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert [(p.place, p.found) for p in caught.value.problems] == [
        ("x.csv, row 2", "1 cell"),
        ("x.csv, row 3", "3 cells"),
        ("x.csv, row 4", "a blank line"),
    ]


def test_neighbouring_rows_of_one_length_are_one_problem(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a title\na,b\n1,2\n3,4\n")
    with pytest.raises(
        InputError, match="rows 1-3: found 2 cells; expected 1 cell, as in the header"
    ) as caught:
        read_table(path)
    assert len(caught.value.problems) == 1


def test_a_header_that_is_blank_or_never_ends_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("\na,b\n1,2\n")
    with pytest.raises(InputError, match="found a blank first line"):
        read_table(path)
    path.write_text('a,"b\n1,2\n')
    with pytest.raises(
        InputError,
        match="line 2: found unexpected end of data; expected CSV with every quoted text closed",
    ):
        read_table(path)


@pytest.mark.parametrize("rows", [1, 20_000])
def test_nul_is_told_with_its_place_however_far_down(tmp_path, rows):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,some text\n" * rows * 5 + "2,no\0\n")
    with pytest.raises(InputError, match=rf"row {rows * 5 + 1}, column b: found 'no\\x00'"):
        read_table(path)


def test_what_is_whole_of_a_damaged_table_can_still_be_checked(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'a,b,a,\n1,2,3,4\n5\n6,\xff,7,8\n9,"')
    with pytest.raises(formats.Damaged) as caught:
        read_table(path)
    assert [problem.place for problem in caught.value.problems] == [
        "x.csv, row 3, column b",
        "x.csv, line 5",
        "x.csv, header",
        "x.csv, header",
        "x.csv, row 2",
    ]
    assert caught.value.frame["a"].to_dict() == {0: "1", 2: "6"}
    assert list(caught.value.frame.columns) == ["a", "b"]


def test_every_cell_that_is_not_utf8_is_listed_with_its_row_and_column(tmp_path):
    content = "serial,AOB\n1,naïve\n".encode() + "2,naïve\n3,plain\n4,façade\n".encode("latin-1")
    with pytest.raises(InputError) as caught:
        read_table(put(tmp_path / "x.csv", content))
    assert [(p.place, p.found) for p in caught.value.problems] == [
        ("x.csv, row 2, column AOB", "'na<byte ef>ve'"),
        ("x.csv, row 4, column AOB", "'fa<byte e7>ade'"),
    ]


def test_a_byte_order_mark_line_ends_of_windows_and_quoted_line_ends_are_read(tmp_path):
    path = put(tmp_path / "x.csv", b'\xef\xbb\xbfa,b\r\n1,"two\nlines, ""quoted"""\r\nNA,\r\n')
    assert cells(read_table(path).frame) == [["1", 'two\nlines, "quoted"'], ["NA", None]]


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        page = book.active if number == 0 else book.create_sheet(f"Other{number}")
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def test_the_first_sheet_or_the_one_named_is_read(tmp_path):
    path = workbook(tmp_path / "x.xlsx", [["a"], [1]], [["b"], [2]])
    table = read_table(path)
    assert list(table.frame) == ["a"]
    assert table.notes == ("Sheet 'Sheet' was read; 1 others were not.",)
    assert list(read_table(path, sheet="Other1").frame) == ["b"]
    with pytest.raises(InputError, match="no sheet 'c'; expected one of 'Sheet', 'Other1'"):
        read_table(path, sheet="c")
    with pytest.raises(InputError, match="only .xlsx has sheets"):
        read_table(put(tmp_path / "x.csv", b"a\n1\n"), sheet="a")


def test_excel_cells_keep_their_kind_and_formulas_are_marked(tmp_path):
    path = workbook(tmp_path / "x.xlsx", [["a", "b"], [1.5, "=1+1"], [True, None], [None, None]])
    frame = read_table(path).frame
    assert len(frame) == 2
    assert frame["a"].tolist() == [1.5, True]
    assert isinstance(frame.loc[0, "b"], formats.FormulaText)


def test_an_empty_sheet_is_refused(tmp_path):
    with pytest.raises(InputError, match="an empty sheet"):
        read_table(workbook(tmp_path / "x.xlsx", []))


def test_a_parquet_file_whose_name_looks_like_a_pattern_is_read(tmp_path):
    path = write_table(pd.DataFrame({"a": [1, 2]}), tmp_path / "x.parquet")
    strange = path.rename(tmp_path / "x[1].parquet")
    assert read_table(strange).frame["a"].tolist() == [1, 2]


def test_parquet_without_duckdb_says_what_to_install(tmp_path, monkeypatch):
    path = write_table(pd.DataFrame({"a": [1, 2]}), tmp_path / "x.parquet")
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "duckdb":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"need the optional package duckdb"):
        read_table(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "'plain'"),
        (None, "nothing"),
        (np.nan, "nothing"),
        (3.5, "3.5"),
        ("\x1b[31mred\n", "'\\x1b[31mred\\n'"),
        ("\u202eabc", "'\\u202eabc'"),
        ("x" * 100, "'" + "x" * 60 + "'… (100 characters)"),
    ],
)
def test_cells_are_shown_inert(value, text):
    assert formats.shown(value) == text
