"""Twenty-one files that a folder of documents should survive: damaged, disguised or built to harm.

They are made when a test needs them and never committed.
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

_TEXT = "Northmoor Police – National child protection inspection"
_CONTENT_TYPES = (
    '<?xml version="1.0"?><Types '
    'xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0"?><Relationships '
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

HOSTILE: dict[str, str] = {
    # file name -> what its refusal or warning must name
    "a-folder-link.txt": "cannot be opened",
    "archive-bomb.docx": "archive bomb",
    "billion-laughs.docx": "entity bomb",
    "binary.txt": "binary data",
    "broken-xml.docx": "broken Word file",
    "bundle.zip": "archive bomb",
    "cut-off.pdf": "damaged PDF",
    "deep.html": "nested",
    "devices.txt": "binary data",
    "empty.html": "an empty file",
    "empty.pdf": "an empty file",
    "encrypted.docx": "password-protected",
    "encrypted.pdf": "encrypted PDF",
    "external-entity.docx": "entity bomb",
    "locked.zip": "an encrypted archive",
    "macros.docm": "a document with macros",
    "many-pages.pdf": "pages (limit",
    "no-document.docx": "an archive without a document",
    "picture.pdf": "a picture",
    "scan.pdf": "scanned PDF without text",
    "script-only.html": "a page without text",
    "spaces.txt": "without text",
    "spreadsheet.docx": "a spreadsheet",
    "truncated.docx": "a broken archive",
    "wrong-extension.pdf": "the content is html",
}


def write_hostile(folder: Path) -> None:
    """Write the files of `HOSTILE` into an existing folder."""
    for name, content in _contents().items():
        (folder / name).write_bytes(content)
    os.symlink(folder / "nowhere", folder / "a-folder-link.txt")


def _contents() -> dict[str, bytes]:
    pdf = _pdf()
    word = _docx(
        f'<w:document xmlns:w="{_WORD}"><w:body><w:p><w:r><w:t>{_TEXT}</w:t></w:r></w:p>'
        "</w:body></w:document>"
    )
    laughs = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha"}">' for i in range(10))
    return {
        "archive-bomb.docx": _docx("<a/>", bomb=True),
        "billion-laughs.docx": _docx(
            f"<!DOCTYPE d [{laughs}]><w:document "
            f'xmlns:w="{_WORD}"><w:body><w:p><w:r><w:t>&a9;</w:t>'
            "</w:r></w:p></w:body></w:document>"
        ),
        "binary.txt": bytes(range(256)) * 40,
        "broken-xml.docx": _docx(f'<w:document xmlns:w="{_WORD}"><w:body><w:p>'),
        "bundle.zip": _zip({"report.html": b" " * 150_000_000}),
        "cut-off.pdf": pdf[: len(pdf) // 3].replace(b"endobj", b"endxxx"),
        "deep.html": b"<html><body>" + b"<div>" * 5000 + _TEXT.encode() + b"</body></html>",
        "devices.txt": b"Some words." + b"\x00" * 40,
        "empty.html": b"",
        "empty.pdf": b"",
        "encrypted.docx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 4096,
        "encrypted.pdf": _pdf(password="secret"),
        "external-entity.docx": _docx(
            f'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document xmlns:w="{_WORD}">'
            "<w:body><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:body></w:document>"
        ),
        "locked.zip": _locked(_zip({"report.html": b"<h1>Report</h1>"})),
        "macros.docm": _zip({"word/document.xml": b"<a/>", "word/vbaProject.bin": b"a"}),
        "many-pages.pdf": _pdf(pages=450),
        "no-document.docx": _zip({"readme.txt": b"nothing here"}),
        "picture.pdf": b"\x89PNG\r\n\x1a\n" + b"\x00" * 500,
        "scan.pdf": _pdf(scan=True),
        "script-only.html": b"<!DOCTYPE html><html><head><title>Report</title></head><body>"
        b"<div id='app'></div><script>render('We recommend')</script></body></html>",
        "spaces.txt": b" \n\t\n   \n",
        "spreadsheet.docx": _zip(
            {"xl/workbook.xml": b"<workbook/>", "[Content_Types].xml": b"<a/>"}
        ),
        "truncated.docx": word[: len(word) // 2],
        "wrong-extension.pdf": (
            f"<!DOCTYPE html><html><body><h1>{_TEXT}</h1><p>Published on: 4 May 2021</p>"
            "</body></html>"
        ).encode(),
    }


def _zip(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(
                zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED
            )
    return buffer.getvalue()


def _locked(archive: bytes) -> bytes:
    """An archive whose entry says that it is encrypted, in both of its records."""
    content = bytearray(archive)
    content[6] |= 1
    content[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _docx(document: str, bomb: bool = False) -> bytes:
    parts = {
        "[Content_Types].xml": _CONTENT_TYPES.encode(),
        "_rels/.rels": _RELATIONS.encode(),
        "word/document.xml": document.encode(),
    }
    if bomb:
        parts["word/media/image1.png"] = b"\x00" * 150_000_000
    return _zip(parts)


def _pdf(password: str = "", pages: int = 1, scan: bool = False) -> bytes:
    from datetime import UTC, datetime

    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_creation_date(datetime(2024, 1, 1, tzinfo=UTC))
    if password:
        pdf.set_encryption(owner_password=password, user_password=password)
    pdf.set_font("Helvetica", size=11)
    for _ in range(pages):
        pdf.add_page()
        if scan:  # a scan is a picture of a page: drawn areas, no characters
            pdf.rect(20, 20, 160, 240, style="F")
        else:
            pdf.cell(0, 8, "Northmoor Police - National child protection inspection")
    return bytes(pdf.output())
