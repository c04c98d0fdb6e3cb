"""The workbook holds what the files hold, explains its marks, and runs nothing."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from ncpi_eval import declarations, front, tables, workbook, workspace

TREE = workspace.OUTPUTS
HOSTILE = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "{=1+1}",
    "[link](https://example.org)",
    "$$note$$",
    "a\x00\x07b\u202ec",
    "—",
    "https://example.org",
    "<script>alert(1)</script>",
    "x" * 40_000,
    "  ",
]


def entry(name: str, kind: str = "table", **fields: object) -> dict[str, object]:
    given = {"caption": f"Caption of {name}", "source": "Survey", "notes": ["A note."]}
    return {"kind": kind, "name": name, "title": "A page", "data_kind": ["synthetic"], **given} | (
        fields
    )


def written(tmp_path: Path, frames: dict[str, pd.DataFrame], **fields: object) -> Path:
    for folder in ("tables", "figures"):
        (tmp_path / folder).mkdir(exist_ok=True)
    for name, frame in frames.items():
        frame.to_csv(tmp_path / "tables" / f"{name}.csv", index=False)
    path = tmp_path / "tables.xlsx"
    workbook.write(path, "The report", [entry(name, **fields) for name in frames], tmp_path)
    return path


def cells(sheet: openpyxl.worksheet.worksheet.Worksheet) -> tuple[list[str], list[list[object]]]:
    """Headers and rows of the sheet's one Excel table."""
    (table,) = sheet.tables.values()
    header, *rows = sheet[table.ref]
    return [cell.value for cell in header], [[cell.value for cell in row] for row in rows]


def test_a_sheet_says_what_it_holds_and_marks_what_it_lacks(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "count": [12, None, 40],
            "estimate": [0.25, None, None],
            "ci_low": [0.1, None, None],
            "label": ["Yes", "No", None],
            "suppressed": [False, True, False],
            "flag": ["", "", "low_base"],
            "wave": "2019",
        }
    )
    book = openpyxl.load_workbook(written(tmp_path, {"aims": frame}, columns={"label": "Answer!"}))
    assert book.sheetnames == ["Cover", "Contents", "Notes", "aims"]
    sheet = book["aims"]
    above = [row[0] for row in sheet.iter_rows(max_col=1, values_only=True) if row[0]]
    assert above[:2] == ["Caption of aims", tables.SYNTHETIC]
    assert "Source: Survey" in above and "A note." in above and "In every row: Wave: 2019" in above
    header, rows = cells(sheet)
    assert header == [
        "Row",
        "Count",
        "Estimate (a share is from 0 to 1)",
        "95% interval, lower end",
        "Answer!",
        "Withheld",
        "Flag",
    ]
    assert rows == [
        ["a", 12, 0.25, 0.1, "Yes", "False", "[z]"],
        ["b", "[c]", "[c]", "[c]", "No", "True", "[z]"],
        ["c", 40, "[low]", "[low]", "[z]", "False", "low_base"],
    ]
    explained = [row[0] for row in cells(book["Notes"])[1]]
    assert explained[:3] == ["[c]", "[low]", "[z]"]
    cover = " ".join(str(row[0]) for row in book["Cover"].iter_rows(max_col=1, values_only=True))
    assert tables.SYNTHETIC in cover


def test_nothing_in_a_text_runs_links_or_is_lost(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [f"r{n}" for n in range(len(HOSTILE))], "label": HOSTILE})
    path = written(tmp_path, {"hostile": frame}, caption="=2+2 $$x$$", source="[a](b)")
    with zipfile.ZipFile(path) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        text = b"".join(archive.read(name) for name in sheets)
        relations = b"".join(archive.read(n) for n in archive.namelist() if n.endswith(".rels"))
    assert b"<f>" not in text and b"<f " not in text
    assert b"http://example" not in relations and b"https://example" not in relations
    book = openpyxl.load_workbook(path)
    header, rows = cells(book["hostile"])
    found = dict(rows)
    assert found["r0"] == "=1+1" and found["r7"] == "text: —" and found["r11"] == "[z]"
    assert found["r6"] == "a\ufffd\ufffdb\ufffdc"
    assert found["r10"].startswith("xxx") and found["r10"].endswith("(cut; the file has all of it)")
    assert all(cell.data_type != "f" for sheet in book for row in sheet.rows for cell in row)


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a"], "count": [1]})
    first = written(tmp_path, {"one": frame}).read_bytes()
    assert written(tmp_path, {"one": frame}).read_bytes() == first
    book = openpyxl.load_workbook(tmp_path / "tables.xlsx")
    assert str(book.properties.created) == "1970-01-01 00:00:00"


def test_sheet_names_are_valid_and_unique() -> None:
    long = "a-name-of-more-than-thirty-one-letters"
    taken: dict[str, object] = {}
    for given in (entry(long), entry(long + "x"), entry(long, "figure"), entry("notes")):
        name = workbook.sheet_name(given, taken)
        assert 0 < len(name) <= 31 and name.casefold() not in {n.casefold() for n in taken}
        assert not re.search(r"[\[\]:*?/\\']", name)
        taken[name] = given
    assert list(taken)[3] == "notes 2"  # "Notes" is the sheet of notes


@pytest.mark.skipif(not (TREE / "tables.xlsx").is_file(), reason="needs `make report`")
def test_the_published_workbook_has_every_table_as_its_file_has_it() -> None:
    book = openpyxl.load_workbook(TREE / "tables.xlsx")
    shown = [s for s in front.shown_by(declarations.read(), TREE) if s["kind"] != "prose"]
    assert len(book.sheetnames) == 3 + len(shown)
    assert len(shown) == sum(len(list((TREE / f).glob("*.csv"))) for f in ("tables", "figures"))
    names: dict[str, object] = {}
    for given in shown:
        name = workbook.sheet_name(given, names | {"Notes": None})
        names[name] = None
        sheet = book[name]
        _, rows = cells(sheet)
        file = TREE / f"{given['kind']}s" / f"{given['name']}.csv"
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        assert sheet["A1"].value == given["caption"] and not sheet.merged_cells.ranges
        assert ("synthetic" in given["data_kind"]) == (sheet["A2"].value == tables.SYNTHETIC)
        assert [row[0] for row in rows] == list(frame["id"])
        assert all(value not in (None, "") for row in rows for value in row)
        in_file = sorted(
            float(text)
            for column in frame
            if column == "id" or len(frame) < 2 or frame[column].nunique() > 1
            if column in ("count", "denominator", "estimate", "ci_low", "p_value")
            for text in frame[column]
            if text
        )
        in_sheet = [v for row in rows for v in row if isinstance(v, int | float)]
        assert set(in_file) <= set(in_sheet), name
