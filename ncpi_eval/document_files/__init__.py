"""Read documents of four formats into one form; the only place that opens document files.

`read_document` reads one file or refuses it by name; `read_folder` reads many in parallel, in a
fixed order, in memory that does not grow with their number.
"""

from __future__ import annotations

from pathlib import Path

from ncpi_eval.document_files.folder import find_documents, map_folder
from ncpi_eval.document_files.guards import FORMATS, check_file, format_of, refuse
from ncpi_eval.document_files.model import Document, Paragraph, Section

__all__ = [
    "Document",
    "Paragraph",
    "Section",
    "find_documents",
    "map_folder",
    "read_document",
]


def read_document(path: Path, name: str | None = None) -> Document:
    """One file as a `Document`.

    Parameters
    ----------
    path : Path
        An HTML, PDF, Word (.docx) or text file. What it is, is told by its content; an extension
        that says otherwise becomes a warning of the document.
    name : str, optional
        The name that errors and facts carry; the file's own name if left out.

    Raises
    ------
    InputError
        When the file is empty, damaged, encrypted, too large, a scan, or no document at all; the
        message names the file, what was found and what to do.
    """
    path = Path(path)
    name = name or path.name
    head = check_file(path, name)
    found = format_of(head, name)
    promised = FORMATS.get(path.suffix.lower(), "")
    document = _reader(found)(path, name)
    if promised and promised != found:
        from dataclasses import replace

        said = f"the name says {promised}, the content is {found}"
        document = replace(document, warnings=(*document.warnings, said))
    return document


def _reader(found: str):  # type: ignore[no-untyped-def]
    # imported when needed: a folder of web pages should not load the PDF libraries
    if found == "pdf":
        from ncpi_eval.document_files.pdf import read_pdf

        return read_pdf
    if found == "docx":
        from ncpi_eval.document_files.word import read_word

        return read_word
    if found == "html":
        from ncpi_eval.document_files.web import read_web

        return lambda path, name: read_web(path.read_bytes(), name)
    if found == "text":
        from ncpi_eval.document_files.plain import read_text

        return lambda path, name: read_text(path.read_bytes(), name)
    raise refuse(found, "an unknown format", "supply HTML, PDF, DOCX or text")
