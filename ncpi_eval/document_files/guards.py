"""Refuse what is not a readable document, by name and with a reason, before a parser sees it.

A folder of documents comes from many hands. A parser that is handed an archive of ten gigabytes or
an encrypted file must not take the other documents down with it.
"""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

from ncpi_eval.errors import InputError, Problem

MAX_BYTES = 50_000_000
"""The largest real report is a few megabytes; beyond this it is not a report."""
MAX_UNPACKED_BYTES = 100_000_000
"""Word files unpack; what a parser would hold in memory is bounded here."""
MAX_RATIO = 200
"""Text rarely packs better than 20 to 1; 200 leaves room and stops an archive bomb."""
MAX_PAGES = 400
MAX_CHARACTERS = 5_000_000

FORMATS = {
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
}
"""The extensions that are taken for documents and the format each promises."""


def refuse(name: str, found: str, remedy: str, expected: str = "a readable document") -> InputError:
    """The error for one file that is left out."""
    return InputError(f"{name} was left out: {found}", [Problem(name, found, expected, remedy)])


def check_file(path: Path, name: str) -> bytes:
    """The first bytes of an ordinary, non-empty file of bearable size.

    Raises
    ------
    InputError
        For a link that leads nowhere, a device or folder, an empty or an over-large file.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise refuse(
            name,
            f"a file that cannot be opened ({error.strerror})",
            "restore the file or take the link away",
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise refuse(name, "not an ordinary file", "take it out of the folder")
    if status.st_size == 0:
        raise refuse(name, "an empty file", "fetch the document again")
    if status.st_size > MAX_BYTES:
        raise refuse(
            name,
            f"a file of {status.st_size // 1_000_000} MB (limit 50 MB)",
            "split it or leave it out",
        )
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise refuse(
            name, f"a file that cannot be read ({error.strerror})", "correct its permissions"
        ) from error


def format_of(head: bytes, name: str) -> str:
    """What the file is by its first bytes: html, pdf, docx, text or a refusal.

    The extension is compared by the caller; content wins.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return "docx"
    if head.startswith(b"PK"):
        raise refuse(name, "an empty or split archive", "fetch the document again")
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise refuse(
            name, "an old or password-protected Office file", "save it as .docx without a password"
        )
    for magic, what in _OTHER.items():
        if head.startswith(magic):
            raise refuse(name, what, "supply the document as HTML, PDF, DOCX or text")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    if b"\x00" in head:
        raise refuse(name, "binary data", "supply the document as HTML, PDF, DOCX or text")
    lowered = start[:2048].lower()
    if any(mark in lowered for mark in (b"<!doctype html", b"<html", b"<body", b"<head", b"<h1")):
        return "html"
    return "text"


_OTHER = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"II*\x00": "a picture",
    b"{\\rtf": "a rich-text file",
    b"\x1f\x8b": "a compressed file",
    b"7z\xbc\xaf": "a compressed file",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"Rar!": "a compressed file",
}


def check_archive(path: Path, name: str) -> None:
    """Let only a Word document of bearable unpacked size through.

    Sizes are those the archive declares; Python's zipfile stops reading at the declared size, so
    an archive that lies about it fails to unpack and is refused by the reader.

    Raises
    ------
    InputError
        For a broken or encrypted archive, one that is no Word document, or an archive bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise refuse(name, "a broken archive", "fetch the document again") from error
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    if unpacked > MAX_UNPACKED_BYTES or (unpacked > 10_000_000 and unpacked / packed > MAX_RATIO):
        raise refuse(
            name,
            f"an archive that unpacks to {unpacked // 1_000_000} MB (archive bomb)",
            "do not open it; ask where it came from",
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise refuse(name, "an encrypted archive", "supply it without a password")
    names = {entry.filename for entry in entries}
    if any(entry.endswith("vbaProject.bin") for entry in names):
        raise refuse(name, "a document with macros", "save it as .docx without macros")
    if "word/document.xml" not in names:
        what = "a spreadsheet" if "xl/workbook.xml" in names else "an archive without a document"
        raise refuse(name, what, "supply the document as HTML, PDF, DOCX or text")
