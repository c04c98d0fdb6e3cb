"""Word documents into paragraphs, tables in reading order."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import docx
from docx.document import Document as WordDocument
from docx.table import Table
from docx.text.paragraph import Paragraph as WordParagraph
from lxml import etree

from ncpi_eval.document_files.guards import check_archive, refuse
from ncpi_eval.document_files.model import BULLET_MARK, LEADERS, Document, Draft, tidy
from ncpi_eval.document_files.plain import looks_like_heading

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def read_word(path: Path, name: str) -> Document:
    """A Word file as a document; ``place`` counts the file's paragraphs from 1.

    Text of tracked deletions and of hidden runs is left out, inserted text is kept.

    Raises
    ------
    InputError
        For a broken archive or XML, an archive bomb, an encrypted file, a file without text.
    """
    check_archive(path, name)
    _refuse_doctype(path, name)
    try:
        word = docx.Document(str(path))
        draft = Draft()
        for number, block in enumerate(word.iter_inner_content(), start=1):
            place = f"paragraph {number}"
            if isinstance(block, Table):
                _add_table(draft, block, place)
            else:
                _add_paragraph(draft, block, place)
    except (
        etree.XMLSyntaxError,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        EOFError,
        OSError,
        AttributeError,
        NotImplementedError,
    ) as error:
        raise refuse(
            name,
            f"a broken Word file ({type(error).__name__})",
            "open it in Word and save it again",
        ) from error
    except Exception as error:  # python-docx raises its own and zlib's kinds for damaged parts
        raise refuse(
            name,
            f"a damaged Word file ({type(error).__name__})",
            "open it in Word and save it again",
        ) from error
    if not draft.paragraphs:
        raise refuse(name, "a Word file without text", "fetch the document again")
    return Document(
        name, "docx", tidy(_property(word, "title")), tuple(draft.paragraphs), marks=_marks(word)
    )


def _refuse_doctype(path: Path, name: str) -> None:
    # Word never writes a document type; one is there only to define entities
    with zipfile.ZipFile(path) as archive, archive.open("word/document.xml") as part:
        try:
            start = part.read(4096)
        except Exception as error:
            raise refuse(name, "a damaged archive", "fetch the document again") from error
    if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
        raise refuse(
            name, "XML with a document type (entity bomb)", "do not open it; ask where it came from"
        )


def _property(word: WordDocument, what: str) -> str:
    try:
        return str(getattr(word.core_properties, what) or "")
    except Exception:  # a damaged property part must not cost the text
        return ""


def _marks(word: WordDocument) -> tuple[str, ...]:
    words = re.split(r"[;,\s]+", _property(word, "keywords"))
    return tuple(item.removeprefix("data_kind=") for item in words if "data_kind=" in item)


def _add_paragraph(draft: Draft, paragraph: WordParagraph, place: str) -> None:
    text, boxes = _texts(paragraph)
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    level = re.fullmatch(r"(?:Heading|heading) (\d)", style)
    for part in text.split("\n"):
        if style.lower().startswith("toc") or LEADERS.search(part):
            draft.add(re.sub(r"\s*\d+$", "", LEADERS.sub("", part)), "contents", 0, place)
        elif style in ("Title", "Subtitle"):
            draft.add(part, "heading", 1, place)
        elif level:
            draft.add(part, "heading", int(level.group(1)), place)
        elif _is_list(paragraph, style):
            draft.add(part, "bullet", 1 + _indent(paragraph), place)
        elif mark := BULLET_MARK.match(part):
            draft.add(part[mark.end() :], "bullet", 1, place)
        elif _is_bold(paragraph) and looks_like_heading(part):
            draft.add(part, "heading", 3, place)
        else:
            draft.add(part, "text", 0, place)
    for box in boxes:
        draft.add(box, "text", 0, place)


def _texts(paragraph: WordParagraph) -> tuple[str, list[str]]:
    """The words (footnote marks, deletions and hidden text left out) and those of text boxes."""
    pieces: list[str] = []
    boxes: list[str] = []
    for node in paragraph._p.iter():
        if node.tag == f"{_W}t":
            run = node.getparent()
            if _within(node, f"{_W}del") or _is_hidden(run) or _is_mark(run):
                continue
            if _within(node, f"{_W}txbxContent"):
                boxes.append(node.text or "")
            else:
                pieces.append(node.text or "")
        elif node.tag == f"{_W}tab":
            # a w:tab below w:tabs is a tab stop, not a tab
            if node.getparent().tag != f"{_W}tabs":
                pieces.append("\t")
        elif node.tag in (f"{_W}br", f"{_W}cr"):
            pieces.append("\n")
        elif node.tag == f"{_W}noBreakHyphen":
            pieces.append("\u2011")
    return "".join(pieces), boxes


def _within(node: etree._Element, tag: str) -> bool:
    return next(node.iterancestors(tag), None) is not None


def _is_hidden(run: etree._Element) -> bool:
    return run.find(f"{_W}rPr/{_W}vanish") is not None


def _is_mark(run: etree._Element) -> bool:
    raised = run.find(f"{_W}rPr/{_W}vertAlign")
    text = "".join(run.itertext()).strip()
    return (
        raised is not None
        and raised.get(f"{_W}val") == "superscript"
        and re.fullmatch(r"\d{1,3}", text) is not None
    )


def _is_list(paragraph: WordParagraph, style: str) -> bool:
    if style.startswith("List") or "ullet" in style:
        return True
    properties = paragraph._p.pPr
    return properties is not None and properties.numPr is not None


def _indent(paragraph: WordParagraph) -> int:
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    numbered = re.search(r" (\d)$", style)
    if numbered:
        return int(numbered.group(1)) - 1
    properties = paragraph._p.pPr
    level = properties.find(f"{_W}numPr/{_W}ilvl") if properties is not None else None
    return int(level.get(f"{_W}val", "0")) if level is not None else 0


def _is_bold(paragraph: WordParagraph) -> bool:
    runs = [run for run in paragraph.runs if run.text.strip()]
    return bool(runs) and all(run.bold for run in runs)


def _add_table(draft: Draft, table: Table, place: str) -> None:
    for row in table.rows:
        cells = []
        seen: set[int] = set()
        for cell in row.cells:
            if id(cell._tc) not in seen:
                seen.add(id(cell._tc))
                cells.append(cell)
        if len(cells) == 1:  # a box drawn around text
            for block in cells[0].iter_inner_content():
                if isinstance(block, Table):
                    _add_table(draft, block, place)
                else:
                    _add_paragraph(draft, block, place)
        else:
            draft.add(" | ".join(tidy(cell.text) for cell in cells), "row", 0, place)
