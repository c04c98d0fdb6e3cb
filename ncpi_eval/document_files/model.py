"""One form for every document, whatever file it came in.

Extraction must not care whether a sentence stood in a web page, a PDF or a Word file, and a coder
must be able to walk back from a fact to the place it was read. So every reader returns the same
thing: paragraphs in reading order, each with an anchor that names its place in the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

HEADING, TEXT, BULLET, ROW, CONTENTS = "heading", "text", "bullet", "row", "contents"
"""Kinds of paragraph: a heading, running text, a list item, a table row (cells joined by " | "),
and an entry of a contents list, which repeats headings and must never be read as one."""


@dataclass(frozen=True)
class Paragraph:
    """One paragraph and the way back to it.

    Parameters
    ----------
    anchor : str
        ``p<n>`` counted from 1 in reading order; stable for an unchanged file.
    text : str
        The words as read: one line, single spaces, no soft hyphens, ligatures spelled out.
    kind : str
        heading, text, bullet, row or contents.
    level : int
        1 (title) to 6 for headings, nesting depth from 1 for bullets, else 0.
    place : str
        Where a person finds it: ``page 3``, ``#initial-contact``, ``line 41``, ``paragraph 17``.
    page : int or None
        Page counted from 1, PDF only.
    box : tuple of float or None
        x0, top, x1, bottom in points from the page's upper left corner, PDF only.
    """

    anchor: str
    text: str
    kind: str = TEXT
    level: int = 0
    place: str = ""
    page: int | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Section:
    """A heading with the paragraphs below it, up to the next heading of any level."""

    anchor: str
    heading: str
    level: int
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True)
class Document:
    """A document as read.

    Parameters
    ----------
    name : str
        Path relative to the folder that was read, with ``/`` between its parts.
    format : str
        html, pdf, docx or text: what the file *is*, not what its name says.
    title : str
        The file's own title (HTML title, PDF or Word property); may be empty or wrong.
    paragraphs : tuple of Paragraph
        In reading order; never empty.
    address : str
        The page's own address where the file states one (canonical link), else empty.
    marks : tuple of str
        Property values that say something about the data, such as ``synthetic``.
    warnings : tuple of str
        What was wrong with the file although it could be read.
    """

    name: str
    format: str
    title: str
    paragraphs: tuple[Paragraph, ...]
    address: str = ""
    marks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def sections(self) -> tuple[Section, ...]:
        """The paragraphs grouped under their headings; text before the first has heading ""."""
        sections: list[Section] = []
        heading: Paragraph | None = None
        below: list[Paragraph] = []
        for paragraph in (*self.paragraphs, None):
            if paragraph is None or paragraph.kind == HEADING:
                if heading is not None:
                    sections.append(
                        Section(heading.anchor, heading.text, heading.level, tuple(below))
                    )
                elif below:
                    sections.append(Section(below[0].anchor, "", 0, tuple(below)))
                heading, below = paragraph, []
            else:
                below.append(paragraph)
        return tuple(sections)


@dataclass
class Draft:
    """Paragraphs being collected by a reader; gives them their anchors."""

    paragraphs: list[Paragraph] = field(default_factory=list)

    def add(
        self,
        text: str,
        kind: str = TEXT,
        level: int = 0,
        place: str = "",
        page: int | None = None,
        box: tuple[float, float, float, float] | None = None,
    ) -> None:
        """Add one paragraph; empty text is dropped."""
        text = tidy(text)
        if text:
            anchor = f"p{len(self.paragraphs) + 1}"
            self.paragraphs.append(Paragraph(anchor, text, kind, level, place, page, box))


_DROPPED = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\ufffe\x02"))
_SPELLED = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "\u00a0": " ", "\u202f": " "}
)


def tidy(text: str) -> str:
    """One line without soft hyphens and zero-width characters, ligatures spelled out."""
    return re.sub(r"\s+", " ", text.translate(_DROPPED).translate(_SPELLED)).strip()


BULLET_MARK = re.compile(
    r"^\s*(?:[•●▪◦○■‣∙·\uf0b7\uf0a7]|[-–—*](?=\s?[A-Za-z])|o(?=\s{1,3}[a-z]))\s*"
)
"""A list mark at the start of a line: dots, dashes, private-use dots of symbol fonts."""

LEADERS = re.compile(r"(?:\.\s?){4,}\s*\d*\s*$|…{2,}\s*\d*\s*$|\t\s*\d{1,3}\s*$")
"""The dots (or tab) and the page number that end an entry of a contents list."""
