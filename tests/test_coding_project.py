"""A round of coding as a REFI-QDA project, and the commands that send it out and take it back."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from ncpi_eval import coding_sheets, paths
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import coding, coding_project, coding_round, refi_qda

SYNTHETIC = paths.data("synthetic", "coding")
FRAME = coding_round.read_frame()
WEAK = "inspection.initial_contact.area_for_improvement"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SYNTHETIC, tmp_path / "round"))


def emptied(folder: Path) -> Path:
    """The round as it went out: the same sheets without codes."""
    scheme, extracts = coding_round.sent(folder)
    fresh = folder.with_name("fresh")
    coding_round.write(
        fresh, extracts, FRAME, scheme=scheme, coders=["Ann", "Ben"], sent_on="2026-02-02"
    )
    return fresh


def back(folder: Path) -> coding_round.Round:
    about = folder / coding_round.ROUND
    text = about.read_text().replace('taken_over_on = ""', 'taken_over_on = "2026-03-02"')
    about.write_text(text)
    return coding_round.read(folder, FRAME)


def test_a_round_goes_through_a_project_and_comes_back_the_same(folder: Path) -> None:
    before = coding_round.read(folder, FRAME)
    count = coding_project.write(folder, name="Trial")
    fresh = emptied(folder)
    taken, notes = coding_project.take(fresh, folder / coding_project.PROJECT)
    assert (sum(taken.values()), notes) == (count, [])
    assert count == (before.codings["code"] != "").sum()
    pd.testing.assert_frame_equal(back(fresh).codings, before.codings)
    again = coding_project.take(fresh, folder / coding_project.PROJECT)  # nothing new
    assert sum(again[0].values()) == count


def test_the_project_shows_each_extract_below_its_name(folder: Path) -> None:
    coding_project.write(folder, name="Trial")
    project = refi_qda.read_project(folder / coding_project.PROJECT, data_kind="synthetic")
    _, extracts = coding_round.sent(folder)
    texts = dict(zip(extracts["extract"], extracts["text"], strict=True))
    given, _ = coding_project.found(project, extracts)
    assert project.codings["text"].tolist() == [texts[name] for name in given["extract"]]
    assert set(project.codings["data_kind"]) == {"synthetic"}
    codes = refi_qda.read_codebook(folder / coding_project.CODEBOOK)
    expected = set(coding.codes_of(FRAME, "inspection")["code"])
    assert set(codes.loc[codes["codable"].astype(str).str.lower() == "true", "name"]) == expected


def project(text: str, *codings: tuple[int, int, str]) -> refi_qda.Project:
    rows = [("s1", "a.html", start, end, code, "Ann", "") for start, end, code in codings]
    columns = ["source", "document", "start", "end", "code", "coder", "remark"]
    return refi_qda.Project(
        name="x",
        origin="elsewhere",
        codes=pd.DataFrame(),
        sources=pd.DataFrame([("s1", "a.html", text)], columns=["guid", "name", "text"]),
        codings=pd.DataFrame(rows, columns=columns),
        notes=(),
    )


def test_passages_are_found_by_their_heading_whatever_the_line_ends() -> None:
    extracts = pd.DataFrame({"extract": ["e1", "e2"]})
    text = "Title\r\n[e1] Chapter, page 1\r\nCalls wait.\r\n\r\n[e2] Chapter\r\nThey [e1] wait.\r\n"
    calls, they = text.index("Calls"), text.index("They")
    given = project(
        text,
        (calls + 2, calls + 5, WEAK),
        (they, they + 8, "none_applies"),
        (0, 5, WEAK),
        (calls, they + 3, WEAK),
    )
    found, notes = coding_project.found(given, extracts)
    assert found[["extract", "code"]].to_numpy().tolist() == [["e1", WEAK], ["e2", "none_applies"]]
    assert notes == [
        "a.html, 0 to 5: is in no extract.",
        f"a.html, {calls} to {they + 3}: reaches over more than one extract.",
    ]


def test_nothing_is_taken_over_when_anything_is_wrong(folder: Path) -> None:
    coding_project.write(folder, name="Trial")
    fresh = emptied(folder)
    (fresh / "Ben.xlsx").rename(fresh / "Dan.xlsx")
    untouched = (fresh / "Ann.xlsx").read_bytes()
    with pytest.raises(InputError, match="No code was taken over"):
        coding_project.take(fresh, folder / coding_project.PROJECT)
    assert (fresh / "Ann.xlsx").read_bytes() == untouched
    # A sheet that says otherwise is not written over
    (fresh / "Dan.xlsx").rename(fresh / "Ben.xlsx")
    book = openpyxl.load_workbook(fresh / "Ben.xlsx")
    for number in range(2, 20):
        book["Coding"].cell(number, 6).value = "none_applies"
    book.save(fresh / "Ben.xlsx")
    with pytest.raises(InputError, match="says otherwise"):
        coding_project.take(fresh, folder / coding_project.PROJECT)
    assert (fresh / "Ann.xlsx").read_bytes() == untouched


def test_a_project_of_sheets_that_are_out_holds_no_coding(folder: Path) -> None:
    fresh = emptied(folder)
    assert coding_project.write(fresh, name="Out") == 0
    with zipfile.ZipFile(fresh / coding_project.PROJECT) as archive:
        assert len(archive.namelist()) == 1 + coding_round.sent(fresh)[1]["document"].nunique()


# ---------------------------------------------------------------------------------------------
# The commands


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    target = tmp_path / "outputs" / "coding"
    target.parent.mkdir()
    monkeypatch.setattr(coding_sheets, "SENT", target)
    return target


def test_sheets_are_written_once_and_whole(sent: Path, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    corpus = paths.data("synthetic", "documents")
    for name in ("01-ashdale-inspection.html", "forces.csv"):
        shutil.copy(corpus / name, documents / name)
    call = {"DOCUMENTS": str(documents), "CODERS": "Ann Ben"}
    with pytest.raises(InputError, match="Who codes"):
        coding_sheets.send({"DOCUMENTS": str(documents)})
    with pytest.raises(InputError, match="no such coding scheme"):
        coding_sheets.send(call | {"SCHEME": "tarot"})
    assert list(sent.parent.iterdir()) == []  # nothing half-written
    assert "extracts are in outputs/coding" in coding_sheets.send(call)
    assert sorted(path.name for path in sent.iterdir()) == [
        "Ann.xlsx", "Ben.xlsx", "codebook.qdc", "coding.qdpx", "extracts.csv", "round.toml",
    ]  # fmt: skip
    with pytest.raises(InputError, match="Move it to where your coding lives"):
        coding_sheets.send(call)


def test_commands_say_what_they_did_or_why_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert coding_sheets.main(["project", str(folder)]) == 0
    assert "codings are in" in capsys.readouterr().out
    lock = ["lock", str(folder), "--by", "Cat", "--on", "2026-04-01"]
    assert coding_sheets.main(lock) == 1
    assert "This round is locked" in capsys.readouterr().err
    (folder / coding_round.LOCKED).unlink()
    assert coding_sheets.main(lock) == 0
    assert "234 codes are locked" in capsys.readouterr().out
    assert coding_sheets.main(["take", str(folder), str(folder / "coding.qdpx")]) == 0
    assert "Ann: " in capsys.readouterr().out
