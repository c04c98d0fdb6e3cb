"""Codebooks (.qdc) and projects (.qdpx) of the REFI-QDA standard, read and written.

People who code in NVivo, ATLAS.ti, MAXQDA or QualCoder keep their tool: the frame goes there as a
codebook or a project, and what they coded comes back with the place of each passage. Coded passages
of text are read; selections on a page, in a picture or in a recording are counted in the notes, not
dropped in silence.

A file from elsewhere is not trusted: document types (entities), archives that unpack to more than
they should, and encrypted parts are refused before a parser sees them. Nothing is unpacked to disk.

Positions count Unicode characters from 0; the end is the first character after the passage, as in
the examples of the standard (REFI-QDA 1.5, section 10.2 and annex).
"""

from __future__ import annotations

import io
import re
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
from lxml import etree

from ncpi_eval.document_files.guards import (
    MAX_CHARACTERS,
    MAX_RATIO,
    MAX_UNPACKED_BYTES,
    check_file,
    refuse,
)
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.evidence.coding import NONE_APPLIES, check_frame

CODEBOOK, PROJECT = "urn:QDA-XML:codebook:1.0", "urn:QDA-XML:project:1.0"
ORIGIN = "ncpi_eval"
CODE_COLUMNS = ("guid", "name", "parent", "path", "codable", "colour", "description")
SOURCE_COLUMNS = ("guid", "name", "kind", "text")
CODING_COLUMNS = (
    "extract", "source", "document", "start", "end", "text", "code", "code_guid", "coder", "on",
    "remark", "data_kind",
)  # fmt: skip
DOCUMENT_COLUMNS = ("document", "text")
GIVEN_COLUMNS = ("document", "start", "end", "code", "coder", "remark")

_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HERE = uuid.UUID("3d0c1a52-6f0e-5d0b-9c57-0b7d5a1f2e64")
_UNREAD = (
    "PictureSelection",
    "AudioSelection",
    "VideoSelection",
    "PDFSelection",
    "TranscriptSelection",
)
_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, ValueError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
"""What zipfile raises for an archive that was damaged or uses what it cannot read."""


@dataclass(frozen=True)
class Project:
    """What a project holds that can be used here.

    Parameters
    ----------
    name, origin : str
        As the writing program gave them.
    codes : DataFrame
        `CODE_COLUMNS`; parent is the guid of the code above or blank, path joins names by " / ".
    sources : DataFrame
        `SOURCE_COLUMNS`; text is blank where the source has none in the file.
    codings : DataFrame
        `CODING_COLUMNS`, one row per passage, code and coder; start inclusive, end exclusive.
    notes : tuple of str
        What was not read, and why.
    """

    name: str
    origin: str
    codes: pd.DataFrame
    sources: pd.DataFrame
    codings: pd.DataFrame
    notes: tuple[str, ...]


# ---------------------------------------------------------------------------------------------
# Reading


def read_codebook(path: str | Path) -> pd.DataFrame:
    """Codes of a .qdc file, in its order.

    Returns
    -------
    DataFrame
        `CODE_COLUMNS`.

    Raises
    ------
    InputError
        If the file is not a codebook, is damaged, or has a document type.
    """
    source = Path(path)
    check_file(source, source.name)
    root = _xml(source.read_bytes(), source.name)
    if _tag(root) != "CodeBook":
        raise refuse(source.name, f"XML of the kind {_tag(root)!r}", "export a codebook (.qdc)")
    return _codes(root, source.name)


def read_project(path: str | Path, *, data_kind: str) -> Project:
    """A .qdpx file: its codes, texts and coded passages.

    Parameters
    ----------
    path : path
        The archive; nothing of it is written to disk.
    data_kind : str
        published, public_record, real or synthetic: given to every row, as the file cannot say it.

    Raises
    ------
    InputError
        If the file is not a project, is damaged or encrypted, unpacks to too much, or has a
        document type.
    """
    source = Path(path)
    name = source.name
    if not check_file(source, name).startswith(b"PK"):
        raise refuse(name, "no archive", "export the project as .qdpx")
    try:
        with zipfile.ZipFile(source) as archive:
            root = _xml(_part(archive, _project_part(archive, name), name), name)
            if _tag(root) != "Project":
                raise refuse(name, f"XML of the kind {_tag(root)!r}", "export a project (.qdpx)")
            return _project(root, archive, name, data_kind)
    except _BROKEN as error:
        raise refuse(name, "a broken archive", "export the project again") from error


def _project_part(archive: zipfile.ZipFile, name: str) -> str:
    entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise refuse(name, "an encrypted archive", "export it without a password")
    found = [entry.filename for entry in entries if entry.filename.lower().endswith(".qde")]
    if len(found) != 1:
        raise refuse(name, f"{len(found)} project files (.qde) inside", "export the project again")
    return found[0]


def _part(archive: zipfile.ZipFile, part: str, name: str) -> bytes:
    """One part of the archive, if it is of bearable size; zipfile stops at the declared size."""
    entry = archive.getinfo(part)
    ratio = entry.file_size / max(1, entry.compress_size)
    if entry.file_size > MAX_UNPACKED_BYTES or (entry.file_size > 10_000_000 and ratio > MAX_RATIO):
        raise refuse(
            name,
            f"a part that unpacks to {entry.file_size // 1_000_000} MB (archive bomb)",
            "do not open it; ask where it came from",
        )
    return archive.read(entry)


def _xml(raw: bytes, name: str) -> etree._Element:
    # The standard has no document type: one is there only to define entities
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        if "<!DOCTYPE".encode(encoding) in raw or "<!ENTITY".encode(encoding) in raw:
            raise refuse(
                name,
                "XML with a document type (entity bomb)",
                "do not open it; ask where it came from",
            )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True, huge_tree=False,
    )  # fmt: skip
    try:
        return etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refuse(name, f"broken XML ({error})", "export it again") from error


def _tag(element: etree._Element) -> str:
    return etree.QName(element).localname


def _children(element: etree._Element | None, *path: str) -> list[etree._Element]:
    """Elements below by their names, whatever version of the name space they are in."""
    found = [] if element is None else [element]
    for step in path:
        found = [child for parent in found for child in parent if _tag(child) == step]
    return found


def _said(element: etree._Element) -> str:
    return "\n".join(
        child.text.strip() for child in _children(element, "Description") if child.text
    )


def _guid(text: str | None) -> str:
    return (text or "").strip().strip("{}").upper()


def _codes(book: etree._Element, name: str) -> pd.DataFrame:
    rows: list[dict[str, object]] = []

    def add(element: etree._Element, parent: str, above: tuple[str, ...]) -> None:
        guid, label = _guid(element.get("guid")), element.get("name", "")
        path = (*above, label)
        rows.append(
            {
                "guid": guid,
                "name": label,
                "parent": parent,
                "path": " / ".join(path),
                "codable": element.get("isCodable", "true").strip() in ("true", "1"),
                "colour": element.get("color", ""),
                "description": _said(element),
            }
        )
        for child in _children(element, "Code"):
            add(child, guid, path)

    for top in _children(book, "Codes", "Code"):
        add(top, "", ())
    codes = pd.DataFrame(rows, columns=list(CODE_COLUMNS))
    problems = [
        Problem(f"{name}, code {row['path']}", "no guid or name", "both", "Export it again.")
        for row in codes.to_dict("records")
        if not row["guid"] or not row["name"]
    ]
    for guid in codes.loc[codes["guid"].duplicated() & (codes["guid"] != ""), "guid"]:
        problems.append(Problem(f"{name}, code {guid}", "twice", "once", "Export it again."))
    if problems:
        raise InputError(f"{name} has codes that cannot be told apart.", problems)
    return codes


def _project(root: etree._Element, archive: zipfile.ZipFile, name: str, data_kind: str) -> Project:
    books = _children(root, "CodeBook")
    codes = _codes(books[0] if books else root, name)
    people = {
        _guid(user.get("guid")): user.get("name") or user.get("id") or ""
        for user in _children(root, "Users", "User")
    }
    remarks = {
        _guid(note.get("guid")): _text(note, archive, name)[0].strip()
        for note in _children(root, "Notes", "Note")
    }
    names = dict(zip(codes["guid"], codes["name"], strict=True))
    sources: list[dict[str, str]] = []
    codings: list[dict[str, object]] = []
    notes: list[str] = []
    for source in [child for group in _children(root, "Sources") for child in group]:
        title = source.get("name") or _guid(source.get("guid"))
        texts = _texts(source)
        text, trouble = "", ""
        for holder in texts:
            text, trouble = _text(holder, archive, name)
            for row in _passages(holder, text, notes, title):
                row |= {
                    "source": _guid(source.get("guid")),
                    "document": title,
                    "code": names.get(str(row["code_guid"]), ""),
                    "coder": people.get(str(row["coder"]), str(row["coder"])),
                    "remark": row["remark"] or remarks.get(str(row.pop("note")), ""),
                    "data_kind": data_kind,
                }
                if row["code"]:
                    codings.append(row)
                else:
                    notes.append(f"{title}: a passage has the code {row['code_guid']}, unknown.")
        if trouble:
            notes.append(f"{title}: {trouble}")
        unread = sum(_tag(child) in _UNREAD for child in source.iter("*"))
        if unread:
            notes.append(
                f"{title}: {unread} selections of a page, picture or recording were not read."
            )
        sources.append(
            {"guid": _guid(source.get("guid")), "name": title, "kind": _tag(source), "text": text}
        )
    return Project(
        name=root.get("name", ""),
        origin=root.get("origin", ""),
        codes=codes,
        sources=pd.DataFrame(sources, columns=list(SOURCE_COLUMNS)),
        codings=pd.DataFrame(codings, columns=list(CODING_COLUMNS)),
        notes=tuple(notes),
    )


def _texts(source: etree._Element) -> list[etree._Element]:
    """Elements that hold a source's words: itself, or the plain form of a PDF or picture."""
    if _tag(source) == "TextSource":
        return [source]
    return _children(source, "Representation") + _children(source, "TextDescription")


def _text(holder: etree._Element, archive: zipfile.ZipFile, name: str) -> tuple[str, str]:
    """(text, what is wrong with it or blank)"""
    inline = _children(holder, "PlainTextContent")
    if inline:
        return inline[0].text or "", ""
    path = holder.get("plainTextPath", "")
    if not path.startswith("internal://"):
        return "", f"its text is not in the file ({path or 'no path'})."
    wanted = unquote(path.removeprefix("internal://")).lstrip("/").lower()
    for entry in archive.namelist():
        folder, _, last = entry.rpartition("/")
        if folder.lower() == "sources" and last.lower() == wanted:
            raw = _part(archive, entry, name)
            try:
                text = raw.decode("utf-8-sig")
            except UnicodeDecodeError:
                return "", f"its text {wanted} is not UTF-8."
            if len(text) > MAX_CHARACTERS:
                return "", f"its text {wanted} has {len(text)} characters."
            return text, ""
    return "", f"its text {wanted} is missing in the archive."


def _passages(
    holder: etree._Element, text: str, notes: list[str], title: str
) -> Iterator[dict[str, object]]:
    for selection in _children(holder, "PlainTextSelection"):
        try:
            start, end = (
                int(selection.get("startPosition", "")),
                int(selection.get("endPosition", "")),
            )
        except ValueError:
            notes.append(f"{title}: a passage without position was not read.")
            continue
        if not 0 <= start < end <= len(text):
            notes.append(f"{title}: a passage from {start} to {end} is outside the text.")
            continue
        yield from _codings(selection, start, end, text[start:end], title)
    if text:
        yield from _codings(holder, 0, len(text), text, title)


def _codings(
    element: etree._Element, start: int, end: int, text: str, title: str
) -> Iterator[dict[str, object]]:
    for coding in _children(element, "Coding"):
        references = _children(coding, "CodeRef")
        about = _children(coding, "NoteRef") + _children(element, "NoteRef")
        yield {
            "extract": f"{title}:{start}-{end}",
            "start": start,
            "end": end,
            "text": text,
            "code_guid": _guid(references[0].get("targetGUID")) if references else "",
            "coder": _guid(coding.get("creatingUser") or element.get("creatingUser")),
            "on": (coding.get("creationDateTime") or "")[:10],
            "remark": _said(element) if _tag(element) == "PlainTextSelection" else "",
            "note": _guid(about[0].get("targetGUID")) if about else "",
        }


# ---------------------------------------------------------------------------------------------
# Writing


def write_codebook(path: str | Path, frame: pd.DataFrame) -> Path:
    """The coding frame as a .qdc file: scheme, area, code.

    Parameters
    ----------
    path : path
        The same frame gives the same bytes; a code keeps its guid as long as it keeps its name.
    frame : DataFrame
        See `coding.check_frame`. The name of a code there is its code here, so that codings can
        come back; label, definition, rules and version are its description.
    """
    root = etree.Element(f"{{{CODEBOOK}}}CodeBook", nsmap={None: CODEBOOK}, origin=ORIGIN)  # type: ignore[dict-item]
    _add_codes(root, check_frame(frame), CODEBOOK)
    target = Path(path)
    target.write_bytes(_bytes(root))
    return target


def write_project(
    path: str | Path,
    *,
    name: str,
    frame: pd.DataFrame,
    documents: pd.DataFrame,
    codings: pd.DataFrame,
) -> Path:
    """A .qdpx project with the frame, the texts and what was coded so far.

    Parameters
    ----------
    path, name : path and str
        Where, and what the project is called.
    frame : DataFrame
        See `coding.check_frame`.
    documents : DataFrame
        `DOCUMENT_COLUMNS`: name of a document (unique) and its text.
    codings : DataFrame
        `GIVEN_COLUMNS`; may be empty. start inclusive, end exclusive, in characters of the text.

    Raises
    ------
    InputError
        For a coding outside its text, of an unknown document or code, or without coder.
    """
    frame = check_frame(frame)
    texts = dict(zip(documents["document"].astype(str), documents["text"], strict=True))
    rows = codings[list(GIVEN_COLUMNS)].to_dict("records")
    problems = [
        problem
        for number, row in enumerate(rows, 1)
        for problem in _unwritable(number, row, texts, set(frame["code"]))
    ]
    if len(texts) < len(documents):
        problems.append(Problem("documents", "a name twice", "each once", "Rename one."))
    if problems:
        raise InputError("This project cannot be written.", problems)
    root = etree.Element(
        f"{{{PROJECT}}}Project", nsmap={None: PROJECT}, name=_clean(name), origin=ORIGIN
    )  # type: ignore[dict-item]
    coders = sorted({str(row["coder"]) for row in rows})
    if coders:
        users = _add(root, "Users")
        for coder in coders:
            _add(users, "User", guid=_made("user", coder), name=coder)
    _add_codes(_add(root, "CodeBook"), frame, PROJECT)
    parts: dict[str, bytes] = {}
    if texts:
        sources = _add(root, "Sources")
        for document, text in texts.items():
            guid = _made("document", document)
            parts[f"sources/{guid}.txt"] = text.encode("utf-8")
            source = _add(
                sources,
                "TextSource",
                guid=guid,
                name=document,
                plainTextPath=f"internal://{guid}.txt",
            )
            _add_passages(source, document, [row for row in rows if row["document"] == document])
    target = Path(path)
    target.write_bytes(_archive({"project.qde": _bytes(root)} | parts))
    return target


def _unwritable(
    number: int, row: dict[object, object], texts: dict[str, str], known: set[str]
) -> Iterator[Problem]:
    place = f"coding {number}"
    if row["document"] not in texts:
        yield Problem(place, f"document {row['document']!r}", "one that is given", "Add it.")
    elif not 0 <= int(str(row["start"])) < int(str(row["end"])) <= len(texts[str(row["document"])]):
        found = f"{row['start']} to {row['end']}"
        yield Problem(place, found, "a passage of the text", "Correct the position.")
    if row["code"] not in known:
        yield Problem(place, f"code {row['code']!r}", "a code of the frame", "Choose one.")
    if not str(row["coder"]).strip():
        yield Problem(place, "no coder", "who coded it", "Say it.")


def _add_codes(book: etree._Element, frame: pd.DataFrame, space: str) -> None:
    codes = etree.SubElement(book, f"{{{space}}}Codes")
    above: dict[str, etree._Element] = {"": codes}
    for row in frame.to_dict("records"):
        parent = codes
        if row["code"] != NONE_APPLIES:
            for key, label in (
                (row["scheme"], row["scheme"]),
                (f"{row['scheme']}.{row['area']}", row["area"]),
            ):
                if key not in above:
                    above[key] = _add(
                        parent, "Code", guid=_made("code", key), name=label, isCodable="false"
                    )
                parent = above[key]
        code = _add(
            parent, "Code", guid=_made("code", row["code"]), name=row["code"], isCodable="true"
        )
        _add(code, "Description").text = _clean(
            f"{row['label']}\n\n{row['definition']}\n\nInclude: {row['include']}\n\n"
            f"Exclude: {row['exclude']}\n\nVersion {row['version']}"
        )


def _add_passages(source: etree._Element, document: str, rows: list[dict]) -> None:
    """Codings of one document, those of the same passage and remark in one selection."""
    together: dict[tuple[int, int, str], list[dict]] = {}
    for row in rows:
        remark = "" if pd.isna(row["remark"]) else str(row["remark"])
        together.setdefault((int(row["start"]), int(row["end"]), remark), []).append(row)
    for (start, end, remark), given in sorted(together.items(), key=lambda item: item[0]):
        key = f"{document}:{start}-{end}:{remark}"
        selection = _add(
            source,
            "PlainTextSelection",
            guid=_made("selection", key),
            startPosition=str(start),
            endPosition=str(end),
        )
        if remark:
            _add(selection, "Description").text = _clean(remark)
        for row in given:
            coding = _add(
                selection,
                "Coding",
                guid=_made("coding", f"{key}:{row['coder']}:{row['code']}"),
                creatingUser=_made("user", str(row["coder"])),
            )
            _add(coding, "CodeRef", targetGUID=_made("code", row["code"]))


def _add(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    clean = {name: _clean(value) for name, value in attributes.items()}
    return etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{tag}", clean)


def _clean(text: str) -> str:
    return _UNSAFE.sub("\ufffd", text)


def _made(kind: str, key: str) -> str:
    return str(uuid.uuid5(_HERE, f"{kind}:{key}")).upper()


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _archive(parts: dict[str, bytes]) -> bytes:
    steady = io.BytesIO()
    with zipfile.ZipFile(steady, "w") as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return steady.getvalue()
