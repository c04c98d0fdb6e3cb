"""REFI-QDA codebooks and projects: files of other programs, our own, and hostile ones."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from lxml import etree

from ncpi_eval import paths
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import refi_qda
from ncpi_eval.evidence.refi_qda import read_codebook, read_project, write_codebook, write_project

REFERENCE = Path(__file__).parent / "reference" / "refi_qda"
FRAME = pd.read_csv(paths.data("coding", "coding_frame.csv"), dtype=str, keep_default_na=False)
HELPED = "change.investment.facilitator"
HINDERED = "change.partner_practices.barrier"
SPACE = 'xmlns="urn:QDA-XML:project:1.0"'

TEXT = "Röntgen 👮 waited.\r\nThe council answered late."
DOCUMENTS = pd.DataFrame({"document": ["talk.txt", "other.txt"], "text": [TEXT, "Nothing here."]})
LATE = TEXT.index("The")
GIVEN = pd.DataFrame(
    [
        ("talk.txt", LATE, len(TEXT), HINDERED, "Ann", "is it <partners> & us?"),
        ("talk.txt", LATE, len(TEXT), HELPED, "Ben", ""),
        ("talk.txt", 0, 7, "none_applies", "Ben", ""),
    ],
    columns=list(refi_qda.GIVEN_COLUMNS),
)


def written(folder: Path) -> Path:
    return write_project(
        folder / "ours.qdpx", name="Trial", frame=FRAME, documents=DOCUMENTS, codings=GIVEN
    )


def archive(folder: Path, parts: dict[str, bytes]) -> Path:
    path = folder / "theirs.qdpx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


def project(folder: Path, body: str, **texts: str) -> refi_qda.Project:
    parts = {f"Sources/{name}.TXT": text.encode() for name, text in texts.items()}
    xml = f'<Project {SPACE} name="x" origin="test">{body}</Project>'
    return read_project(archive(folder, {"project.qde": xml.encode()} | parts), data_kind="real")


# ---------------------------------------------------------------------------------------------
# What other programs wrote


def test_a_codebook_of_taguette_is_read() -> None:
    codes = read_codebook(REFERENCE / "taguette.qdc")
    assert list(codes["name"]) == ["barrier", "barrier.partners", 'helps & "hinders"']
    assert codes.loc[0, "guid"] == "4CD8280D-4638-5857-AB59-E98D728A3566"
    assert codes["codable"].all()


def test_a_project_of_another_program_is_read() -> None:
    found = read_project(REFERENCE / "pyrefiqda.qdpx", data_kind="synthetic")
    assert (found.name, found.origin) == ("Made elsewhere", "pyrefiqda 0.3.1")
    assert list(found.codes["path"]) == ["barrier", "barrier / partners"]
    assert list(found.codes["codable"]) == [False, True]
    assert found.codes.loc[1, "description"] == "Waiting for others"
    assert found.codes.loc[0, "colour"] == "#336699"
    rows = found.codings[["extract", "text", "code", "coder", "on", "remark"]].to_numpy().tolist()
    passage = ["Interview 1:19-45", "The council answered late.", "partners"]
    assert rows == [
        [*passage, "Ann", "2026-03-02", "ask Ben"],
        [*passage, "Ben", "2026-03-02", "ask Ben"],
        ["Report:0-10", "Plain form", "partners", "Ben", "2026-03-02", ""],
    ]
    assert list(found.sources["kind"]) == ["TextSource", "PDFSource"]
    assert set(found.codings["data_kind"]) == {"synthetic"}
    assert found.notes == ("Report: 1 selections of a page, picture or recording were not read.",)


def test_braces_and_small_letters_in_guids_and_other_folders_are_the_same(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        '<CodeBook><Codes><Code guid="{aa}" name="late" isCodable="true"/></Codes></CodeBook>'
        '<Sources><TextSource guid="s" name="t" plainTextPath="internal://a%20b.txt">'
        '<PlainTextSelection guid="p" startPosition="0" endPosition="3"><Coding guid="c">'
        '<CodeRef targetGUID="AA"/></Coding></PlainTextSelection></TextSource></Sources>',
        **{"a b": "Two words"},
    )
    assert found.codings[["text", "code", "coder"]].to_numpy().tolist() == [["Two", "late", ""]]


def test_what_cannot_be_read_is_noted(tmp_path: Path) -> None:
    def passage(start: str, end: str, code: str = "AA") -> str:
        return (
            f'<PlainTextSelection guid="p" startPosition="{start}" endPosition="{end}">'
            f'<Coding guid="c"><CodeRef targetGUID="{code}"/></Coding></PlainTextSelection>'
        )

    found = project(
        tmp_path,
        '<CodeBook><Codes><Code guid="AA" name="late" isCodable="true"/></Codes></CodeBook>'
        '<Sources><TextSource guid="s" name="t"><PlainTextContent>Four</PlainTextContent>'
        + passage("0", "5")
        + passage("x", "2")
        + passage("0", "4", "BB")
        + "</TextSource>"
        '<TextSource guid="u" name="v" plainTextPath="internal://../../etc/passwd"/>'
        '<TextSource guid="w" name="y" plainTextPath="absolute:///C:/y.txt"/>'
        '<AudioSource guid="a" name="z"><AudioSelection guid="b" begin="0" end="9"/></AudioSource>'
        "</Sources>",
    )
    assert found.codings.empty
    assert found.notes == (
        "t: a passage from 0 to 5 is outside the text.",
        "t: a passage without position was not read.",
        "t: a passage has the code BB, unknown.",
        "v: its text ../../etc/passwd is missing in the archive.",
        "y: its text is not in the file (absolute:///C:/y.txt).",
        "z: 1 selections of a page, picture or recording were not read.",
    )


# ---------------------------------------------------------------------------------------------
# What we write


def test_the_frame_goes_out_as_a_codebook(tmp_path: Path) -> None:
    codes = read_codebook(write_codebook(tmp_path / "frame.qdc", FRAME))
    leaves = codes[codes["codable"]]
    assert list(leaves["name"]) == list(FRAME["code"])
    path = codes.set_index("name")["path"]
    assert path[HELPED] == f"change / investment / {HELPED}"
    said = codes.set_index("name").loc[HELPED, "description"]
    assert said.startswith("Resources are found or moved (facilitator)\n\nMoney, people,")
    assert said.endswith("Version 1.0")


def test_a_project_comes_back_as_it_went(tmp_path: Path) -> None:
    found = read_project(written(tmp_path), data_kind="real")
    assert found.notes == ()
    assert list(found.sources["text"]) == list(DOCUMENTS["text"])
    rows = found.codings[["document", "start", "end", "code", "coder", "remark"]]
    expected = GIVEN.sort_values(["start", "remark"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, expected, check_dtype=False)
    # Positions count characters: the policeman is one, the line end two
    assert list(found.codings["text"].unique()) == ["Röntgen", "The council answered late."]


def test_characters_that_xml_cannot_hold_are_replaced(tmp_path: Path) -> None:
    given = GIVEN.assign(remark="bell\x07", coder="Ann\x00")
    path = write_project(
        tmp_path / "x.qdpx", name="x\x01", frame=FRAME, documents=DOCUMENTS, codings=given
    )
    found = read_project(path, data_kind="real")
    assert found.name == "x\ufffd"
    assert set(found.codings["remark"]) == {"bell\ufffd"}
    assert set(found.codings["coder"]) == {"Ann\ufffd"}


def test_the_same_project_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert written(tmp_path).read_bytes() == written(tmp_path / "b").read_bytes()


def test_elements_stand_in_the_order_of_the_schema(tmp_path: Path) -> None:
    with zipfile.ZipFile(written(tmp_path)) as file:
        assert file.namelist()[0] == "project.qde"
        assert all(name.startswith("sources/") for name in file.namelist()[1:])
        root = etree.fromstring(file.read("project.qde"))
    # REFI-QDA 1.5, section 5.3: the sequences of ProjectType, CodeType and PlainTextSelectionType
    order = {
        "Project": ["Users", "CodeBook", "Variables", "Cases", "Sources", "Notes"],
        "Code": ["Description", "NoteRef", "Code"],
        "TextSource": ["Description", "PlainTextContent", "PlainTextSelection", "Coding"],
        "PlainTextSelection": ["Description", "Coding", "NoteRef"],
    }
    needed = {
        "Code": {"guid", "name", "isCodable"},
        "PlainTextSelection": {"guid", "startPosition", "endPosition"},
        "Coding": {"guid"},
        "CodeRef": {"targetGUID"},
    }
    for element in root.iter():
        tag = etree.QName(element).localname
        children = [etree.QName(child).localname for child in element]
        if tag in order:
            assert children == sorted(children, key=order[tag].index)
        assert needed.get(tag, set()) <= set(element.attrib)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    wrong = GIVEN.copy()
    wrong.loc[0, "end"] = 999
    wrong.loc[1, ["document", "code"]] = ["lost.txt", "praise"]
    wrong.loc[2, "coder"] = ""
    with pytest.raises(InputError) as caught:
        write_project(
            tmp_path / "x.qdpx", name="x", frame=FRAME, documents=DOCUMENTS, codings=wrong
        )
    assert [(problem.place, problem.found) for problem in caught.value.problems] == [
        ("coding 1", "19 to 999"),
        ("coding 2", "document 'lost.txt'"),
        ("coding 2", "code 'praise'"),
        ("coding 3", "no coder"),
    ]
    assert not (tmp_path / "x.qdpx").exists()


# ---------------------------------------------------------------------------------------------
# Hostile and broken files

LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Project>&b;</Project>'


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        if path.suffix == ".qdc":
            read_codebook(path)
        else:
            read_project(path, data_kind="real")
    return caught.value.message


def test_entities_are_refused_in_every_encoding(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    outside = f'<!DOCTYPE x [<!ENTITY s SYSTEM "{secret.as_uri()}">]><CodeBook>&s;</CodeBook>'
    for number, raw in enumerate([LAUGHS, outside.encode(), outside.encode("utf-16")]):
        path = tmp_path / f"{number}.qdc"
        path.write_bytes(raw)
        assert refusal(path) == (
            f"{path.name} was left out: XML with a document type (entity bomb)"
        )
    path = archive(tmp_path, {"project.qde": LAUGHS})
    assert refusal(path) == "theirs.qdpx was left out: XML with a document type (entity bomb)"


def test_archive_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path, {"project.qde": b" " * 20_000_000})
    assert refusal(path) == (
        "theirs.qdpx was left out: a part that unpacks to 20 MB (archive bomb)"
    )
    body = (
        f'<Project {SPACE} name="x"><Sources><TextSource guid="s" name="t" '
        'plainTextPath="internal://t.txt"/></Sources></Project>'
    )
    path = archive(tmp_path, {"project.qde": body.encode(), "sources/t.txt": b"a" * 20_000_000})
    assert "a part that unpacks to 20 MB" in refusal(path)


def test_broken_and_foreign_files_are_named(tmp_path: Path) -> None:
    def file(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    whole = written(tmp_path).read_bytes()
    assert "an empty file" in refusal(file("a.qdpx", b""))
    assert "no archive" in refusal(file("b.qdpx", b"<Project/>"))
    assert "a broken archive" in refusal(file("c.qdpx", whole[: len(whole) // 2]))
    damaged = bytearray(whole)
    damaged[200:260] = bytes(60)
    assert "a broken archive" in refusal(file("d.qdpx", bytes(damaged)))
    assert "broken XML" in refusal(file("e.qdc", b"<CodeBook><Codes>"))
    assert "XML of the kind 'html'" in refusal(file("f.qdc", b"<html/>"))
    assert "XML of the kind 'CodeBook'" in refusal(
        archive(tmp_path, {"project.qde": b"<CodeBook/>"})
    )
    assert "0 project files (.qde) inside" in refusal(archive(tmp_path, {"x.txt": b"x"}))
    assert "2 project files (.qde) inside" in refusal(
        archive(tmp_path, {"a.qde": b"<Project/>", "b.qde": b"<Project/>"})
    )
    twice = b'<CodeBook><Codes><Code guid="A" name="x"/><Code guid="a" name=""/></Codes></CodeBook>'
    with pytest.raises(InputError, match="no guid or name") as caught:
        read_codebook(file("g.qdc", twice))
    assert "code A: found twice" in str(caught.value)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    raw = bytearray(archive(tmp_path, {"project.qde": b"<Project/>"}).read_bytes())
    # Bit 0 of the flags, in the local and in the central header, says that a part is encrypted
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "theirs.qdpx").write_bytes(bytes(raw))
    assert zipfile.ZipFile(io.BytesIO(bytes(raw))).infolist()[0].flag_bits & 1
    assert refusal(tmp_path / "theirs.qdpx") == ("theirs.qdpx was left out: an encrypted archive")
