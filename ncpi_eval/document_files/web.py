"""Web pages into paragraphs: reports, publication pages, press releases, register entries."""

from __future__ import annotations

import re
import warnings as python_warnings
from collections.abc import Iterator

from bs4 import BeautifulSoup, NavigableString, Tag
from bs4.element import PreformattedString

from ncpi_eval.document_files.guards import MAX_CHARACTERS, refuse
from ncpi_eval.document_files.model import BULLET_MARK, Document, Draft, tidy
from ncpi_eval.document_files.plain import looks_like_heading

SKIPPED = frozenset(
    "script style noscript template svg nav footer aside form button iframe select head".split()
)
"""Elements whose text is not the document's: code, navigation, forms."""
BLOCKS = frozenset(
    "p h1 h2 h3 h4 h5 h6 li ul ol dl dt dd table tr td th div section article main header figure "
    "figcaption blockquote pre address hr body html caption thead tbody tfoot details "
    "summary".split()
)
MAX_DEPTH = 400
"""Real pages nest a few dozen deep."""


def read_web(raw: bytes, name: str) -> Document:
    """An HTML page as a document; ``place`` is the nearest ``#id`` above the paragraph.

    Raises
    ------
    InputError
        For a page without text (one that a script would have filled) or nested beyond reason.
    """
    if len(raw) > MAX_CHARACTERS * 4:
        raise refuse(name, "a page of more than 20 MB", "leave it out")
    if _depth(raw) > MAX_DEPTH:
        raise refuse(name, f"elements nested more than {MAX_DEPTH} deep", "fetch the page again")
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        soup = BeautifulSoup(raw, "lxml")
    title = tidy(soup.title.get_text(" ")) if soup.title else ""
    draft = Draft()
    try:
        if soup.body is not None:
            _Walk(draft).block(soup.body, 0)
    except RecursionError as error:
        raise refuse(name, "elements nested too deep", "fetch the page again") from error
    if sum(len(paragraph.text) for paragraph in draft.paragraphs) < 40:
        raise refuse(name, "a page without text", "save the page after its scripts have run")
    return Document(
        name, "html", title, tuple(draft.paragraphs), address=_address(soup), marks=_marks(soup)
    )


def _depth(raw: bytes) -> int:
    """Deepest nesting by counting tags of the kinds that must be closed, cheaply."""
    depth = deepest = 0
    for closing in re.finditer(
        rb"<(/?)(?:div|span|section|ul|ol|table|b|i|font|blockquote)\b", raw
    ):
        depth += -1 if closing.group(1) else 1
        deepest = max(deepest, depth)
    return deepest


def _address(soup: BeautifulSoup) -> str:
    for tag, attribute in (
        (soup.find("link", rel="canonical"), "href"),
        (soup.find("meta", property="og:url"), "content"),
    ):
        if isinstance(tag, Tag) and tag.get(attribute):
            return str(tag[attribute])
    return ""


def _marks(soup: BeautifulSoup) -> tuple[str, ...]:
    tag = soup.find("meta", attrs={"name": "data_kind"})
    return (str(tag.get("content", "")),) if isinstance(tag, Tag) else ()


class _Walk:
    """Walks the page in reading order and closes a paragraph at every block element."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.place = ""
        self.contents = False
        """True between the word "Contents" and the next heading."""

    def block(self, tag: Tag, depth: int) -> None:
        if tag.get("id"):
            self.place = f"#{tag['id']}"
        pieces: list[str] = []
        for child in tag.children:
            if isinstance(child, NavigableString):
                if not isinstance(child, PreformattedString):
                    pieces.append(str(child))
            elif isinstance(child, Tag) and not _skipped(child):
                if child.name == "br":
                    self._break(tag, pieces)
                elif child.name in BLOCKS or _holds_block(child):
                    self.close(tag, pieces, depth)
                    if child.name == "tr":
                        self.row(child)
                    else:
                        self.block(child, depth + (child.name in ("ul", "ol")))
                else:
                    if child.get("id"):
                        self.place = f"#{child['id']}"
                    text = _inline(child)
                    bold = child.name in ("b", "strong") and text.strip()
                    pieces.append(f"\x01{text.strip()}\x02 " if bold else text)
        self.close(tag, pieces, depth)

    @staticmethod
    def _break(tag: Tag, pieces: list[str]) -> None:
        # two breaks in a row, or a break inside a plain block, separate paragraphs in old pages
        pieces.append("\x0b" if tag.name not in ("h1", "h2", "h3", "li") else " ")

    def close(self, tag: Tag, pieces: list[str], depth: int) -> None:
        text = "".join(pieces)
        pieces.clear()
        for part in text.split("\x0b"):
            part = tidy(part)
            words = part.replace("\x01", "").replace("\x02", "")
            whole = part.startswith("\x01") and part.find("\x02") == len(part) - 1
            if whole and tag.name != "li" and depth == 0 and looks_like_heading(words):
                self.contents = False
                self.draft.add(words, "heading", 3, self.place)
            else:
                self._add(tag, tidy(words), depth)

    def _add(self, tag: Tag, text: str, depth: int) -> None:
        if not text:
            return
        heading = re.fullmatch(r"h([1-6])", tag.name or "")
        if re.fullmatch(r"(?:table of )?contents", text, re.IGNORECASE):
            self.contents = True
            self.draft.add(text, "contents", 0, self.place)
        elif heading:
            self.contents = False
            self.draft.add(text, "heading", int(heading.group(1)), self.place)
        elif self.contents and (tag.name in ("li", "a") or depth > 0):
            self.draft.add(text, "contents", 0, self.place)
        elif tag.name == "li" or (depth > 0 and tag.find_parent("li") is not None):
            if _only_link_within_page(tag, text):
                self.draft.add(text, "contents", 0, self.place)
            else:
                self.draft.add(text, "bullet", max(1, depth), self.place)
        else:
            if tag.name == "p" and len(text) > 60:
                self.contents = False
            mark = BULLET_MARK.match(text)
            kind = "bullet" if mark else "text"
            self.draft.add(text[mark.end() :] if mark else text, kind, 1 if mark else 0, self.place)

    def row(self, tag: Tag) -> None:
        cells = [
            tidy(_inline(cell)) for cell in tag.find_all(["td", "th"]) if isinstance(cell, Tag)
        ]
        # a table with one cell a row is a box drawn around text
        if len(cells) == 1:
            for cell in tag.find_all(["td", "th"]):
                self.block(cell, 0)
        else:
            self.draft.add(" | ".join(cells), "row", 0, self.place)


def _skipped(tag: Tag) -> bool:
    return (
        tag.name in SKIPPED
        or tag.has_attr("hidden")
        or tag.get("aria-hidden") == "true"
        or tag.get("role") == "navigation"
        or "display:none" in str(tag.get("style", "")).replace(" ", "").lower()
    )


def _holds_block(tag: Tag) -> bool:
    return any(isinstance(child, Tag) and child.name in BLOCKS for child in tag.descendants)


def _inline(tag: Tag) -> str:
    """Text of an element without footnote marks and hidden parts."""
    if tag.name == "sup" and _is_footnote(tag):
        return ""
    if (
        tag.name == "a"
        and tag.find("sup") is not None
        and re.fullmatch(r"\W*\d{1,2}\W*", tag.get_text())
    ):
        return ""
    return "".join(_texts(tag))


def _texts(tag: Tag) -> Iterator[str]:
    for child in tag.children:
        if isinstance(child, NavigableString):
            if not isinstance(child, PreformattedString):
                yield str(child)
        elif isinstance(child, Tag):
            if child.name == "br":
                yield " "
            elif not _skipped(child):
                yield _inline(child)
                if child.name in BLOCKS:
                    yield " "


def _is_footnote(tag: Tag) -> bool:
    # ordinals such as 8<sup>th</sup> stay
    return re.fullmatch(r"\s*[\[(]?\d{1,3}[\])]?\s*", tag.get_text()) is not None


def _only_link_within_page(tag: Tag, text: str) -> bool:
    link = tag.find("a", href=re.compile("^#"))
    return isinstance(link, Tag) and tidy(link.get_text()) == text
