"""What an invented document consists of, before it becomes a file, and its ground truth."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Block:
    """One block: kind h1, h2, h3, p, li, li2, row, contents, box (a heading inside a box)."""

    kind: str
    text: str


@dataclass
class Paper:
    """A document to be written and what is true of it.

    ``truth`` has the columns of the table of documents, ``recommendations`` one dictionary a
    recommendation (text, time_scale, addressee, criterion); both say what a careful reader of the
    document alone could know.
    """

    name: str
    blocks: list[Block]
    truth: dict[str, str]
    recommendations: list[dict[str, str]] = field(default_factory=list)
    quirks: list[str] = field(default_factory=list)
    address: str = ""
    title: str = ""
    cover: list[str] = field(default_factory=list)
    """Lines of a PDF's or Word file's first page."""
    footer: str = ""

    @property
    def format(self) -> str:
        """The extension of the file's name."""
        return self.name.rsplit(".", 1)[-1]
