"""PDF into paragraphs with page and position.

A PDF knows glyphs on a page, no paragraphs. pdfium opens the file and tells quickly whether it is
encrypted, damaged or a scan; pdfplumber gives every word its box, from which lines, headings,
bullets and paragraphs are rebuilt in the order a person reads them.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pdfplumber
import pypdfium2

from ncpi_eval.document_files.guards import MAX_CHARACTERS, MAX_PAGES, refuse
from ncpi_eval.document_files.model import BULLET_MARK, LEADERS, Document, Draft, tidy
from ncpi_eval.document_files.plain import looks_like_heading

MIN_CHARACTERS_A_PAGE = 15
"""A page of a report has hundreds of characters; a scan has none or a stamp."""


@dataclass(frozen=True)
class Line:
    """Words on one base line: sizes and positions in points, top counted from the page's top."""

    text: str
    page: int
    x0: float
    top: float
    x1: float
    bottom: float
    size: float
    bold: bool
    height: float
    """Height of the page, for telling headers and footers."""
    cells: tuple[str, ...] = ()
    """The cells of a table row, told by wide gaps; empty for running text."""
    right: float = 0.0
    """Where the lines of this one's column end; 0 on a page of one column."""


def read_pdf(path: Path, name: str) -> Document:
    """A PDF as a document; every paragraph carries its page and box.

    Raises
    ------
    InputError
        For an encrypted or damaged file, a scan without text, more pages than any report has.
    """
    title, marks, warnings = _open_check(path, name)
    draft = Draft()
    try:
        lines = _lines(path)
    except Exception as error:  # pdfminer raises many kinds of its own for damaged files
        raise refuse(
            name, f"a damaged PDF ({type(error).__name__})", "fetch the document again"
        ) from error
    _add_paragraphs(draft, _without_furniture(lines))
    if not draft.paragraphs:
        raise refuse(name, "a PDF without text", "run character recognition first")
    return Document(
        name, "pdf", title, tuple(draft.paragraphs), marks=marks, warnings=tuple(warnings)
    )


def _open_check(path: Path, name: str) -> tuple[str, tuple[str, ...], list[str]]:
    try:
        pdf = pypdfium2.PdfDocument(str(path))
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise refuse(name, "an encrypted PDF", "supply it without a password") from error
        raise refuse(name, "a damaged PDF", "fetch the document again") from error
    try:
        pages = len(pdf)
        if pages == 0:
            raise refuse(name, "a PDF without pages", "fetch the document again")
        if pages > MAX_PAGES:
            raise refuse(name, f"a PDF of {pages} pages (limit {MAX_PAGES})", "leave it out")
        counts = []
        for number in range(pages):
            try:
                page = pdf[number]
                text = page.get_textpage()
                counts.append(text.count_chars())
                text.close()
                page.close()
            except pypdfium2.PdfiumError:
                counts.append(0)
        if sum(counts) > MAX_CHARACTERS:
            raise refuse(name, "a PDF of more than 5 million characters", "leave it out")
        empty = sum(count < MIN_CHARACTERS_A_PAGE for count in counts)
        if sum(counts) < MIN_CHARACTERS_A_PAGE * pages:
            raise refuse(name, "a scanned PDF without text", "run character recognition first")
        information = pdf.get_metadata_dict()
    finally:
        pdf.close()
    warnings = [f"{empty} of {pages} pages without text"] if empty > pages / 3 else []
    keywords = re.split(r"[;,\s]+", str(information.get("Keywords", "")))
    marks = tuple(word.removeprefix("data_kind=") for word in keywords if "data_kind=" in word)
    return tidy(str(information.get("Title", ""))), marks, warnings


def _lines(path: Path) -> list[Line]:
    lines: list[Line] = []
    with pdfplumber.open(path) as pdf:
        for number, page in enumerate(pdf.pages, start=1):
            words = page.extract_words(
                extra_attrs=["size", "fontname"], keep_blank_chars=False, x_tolerance_ratio=0.2
            )
            height = float(page.height)
            gutter = _gutter(words, float(page.width))
            if gutter is None:
                lines += _lines_of_page(words, number, height)
            else:
                lines += _in_columns(words, gutter, number, height)
            page.close()  # drops the page's objects; memory stays that of one page
    return lines


def _rows(words: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Words that share a base line, from the top, each row from the left."""
    rows: list[list[dict[str, Any]]] = []
    for word in sorted(words, key=lambda item: (round(item["bottom"], 1), item["x0"])):
        if rows and abs(rows[-1][0]["bottom"] - word["bottom"]) <= 0.35 * word["size"]:
            rows[-1].append(word)
        else:
            rows.append([word])
    return [sorted(row, key=lambda item: item["x0"]) for row in rows]


def _gutter(words: list[dict[str, Any]], width: float) -> float | None:
    """Where a page of two columns is divided; None for one column.

    Two columns of text have several words on both sides of a strip that hardly any row crosses,
    and those on the right begin one below the other; the cells of a table are shorter.
    """
    rows = [row for row in _rows(words) if len(row) > 1]
    if len(rows) < 6:
        return None
    best: tuple[int, float] | None = None
    for step in range(-8, 9):
        middle = width * (0.5 + 0.01 * step)
        crossed = lefts = 0
        starts: list[float] = []
        for row in rows:
            left = [word for word in row if word["x1"] <= middle]
            right = [word for word in row if word["x0"] >= middle]
            gap = right[0]["x0"] - left[-1]["x1"] if left and right else 99.0
            if len(left) + len(right) < len(row) or gap < 0.9 * row[0]["size"]:
                crossed += 1
                continue
            lefts += _spoken(left) >= 3
            if _spoken(right) >= 3:
                starts.append(right[0]["x0"])
        aligned = sum(abs(start - min(starts)) < 12 for start in starts) if starts else 0
        enough = min(aligned, lefts) >= 3 and aligned >= 0.7 * len(starts)
        if enough and crossed <= 0.25 * len(rows) and (best is None or crossed < best[0]):
            best = (crossed, middle)
    return best[1] if best else None


def _spoken(words: list[dict[str, Any]]) -> int:
    """How many words have letters: a table's cells are mostly numbers."""
    return sum(re.search("[A-Za-z]", word["text"]) is not None for word in words)


def _in_columns(words: list[dict[str, Any]], gutter: float, page: int, height: float) -> list[Line]:
    """The lines of a page of two columns as read: each column down to what spans both."""
    parts: list[list[list[dict[str, Any]]]] = [[[], []]]  # between rows that span: left, right
    spanning: list[list[dict[str, Any]]] = []
    for row in _rows(words):
        left = [word for word in row if word["x1"] <= gutter]
        right = [word for word in row if word["x0"] >= gutter]
        gap = right[0]["x0"] - left[-1]["x1"] if left and right else 99.0
        if len(left) + len(right) < len(row) or gap < 0.9 * row[0]["size"]:
            spanning.append(row)
            parts.append([[], []])
        else:
            parts[-1][0] += left
            parts[-1][1] += right
    ends = [
        max((word["x1"] for part in parts for word in part[side]), default=0) for side in (0, 1)
    ]
    lines: list[Line] = []
    for index, part in enumerate(parts):
        if index:
            lines += _lines_of_page(spanning[index - 1], page, height)
        for side, column in enumerate(part):
            made = _lines_of_page(column, page, height)
            lines += [replace(line, right=ends[side]) for line in made]
    return lines


def _lines_of_page(words: list[dict[str, Any]], page: int, height: float) -> list[Line]:
    """Words on the same base line, raised footnote digits left out."""
    words = [word for word in words if word["text"].strip()]
    if not words:
        return []
    common = statistics.median(word["size"] for word in words)
    rows: list[list[dict[str, Any]]] = []
    small: list[dict[str, Any]] = []
    for word in sorted(words, key=lambda item: (round(item["bottom"], 1), item["x0"])):
        if word["size"] < 0.75 * common and re.fullmatch(r"\d{1,2}", word["text"]):
            small.append(word)
        elif rows and abs(rows[-1][0]["bottom"] - word["bottom"]) <= 0.35 * word["size"]:
            rows[-1].append(word)
        else:
            rows.append([word])
    made = []
    for row in rows:
        row.sort(key=lambda item: item["x0"])
        size = statistics.median(word["size"] for word in row)
        made.append(
            Line(
                _glyphs(" ".join(word["text"] for word in row)),
                page,
                row[0]["x0"],
                min(word["top"] for word in row),
                row[-1]["x1"],
                max(word["bottom"] for word in row),
                round(size, 1),
                all(
                    re.search("bold|black|heavy|semibold", word["fontname"], re.IGNORECASE)
                    is not None
                    for word in row
                ),
                height,
                _cells(row, size),
            )
        )
    # a small digit on a line of its own is a page number or a footnote's number, not a mark
    return sorted(made, key=lambda line: (line.top, line.x0))


def _glyphs(text: str) -> str:
    """Characters without a Unicode value: at the start of a line a bullet, elsewhere nothing."""
    text = re.sub(r"^(?:\(cid:\d+\)\s*)+", "• ", text)
    return re.sub(r"\(cid:\d+\)", "", text)


def _cells(row: list[dict[str, Any]], size: float) -> tuple[str, ...]:
    """The parts of a line between gaps wider than justified text ever has."""
    cells = [[row[0]["text"]]]
    for left, right in zip(row, row[1:], strict=False):
        if right["x0"] - left["x1"] > 1.5 * size:
            cells.append([])
        cells[-1].append(right["text"])
    texts = tuple(" ".join(cell) for cell in cells)
    numeric = sum(re.fullmatch(r"[\d,]+|-", text) is not None for text in texts)
    return texts if numeric >= 1 and len(texts) >= 2 or len(texts) >= 4 else ()


def _without_furniture(lines: list[Line]) -> list[Line]:
    """Leave out page numbers and what repeats at the top or bottom of pages."""
    pages = {line.page for line in lines}

    def zone(line: Line) -> bool:
        return line.top < 0.09 * line.height or line.bottom > 0.91 * line.height

    masked = {(re.sub(r"\d+", "#", line.text), line.page) for line in lines if zone(line)}
    pages_with = Counter(text for text, _ in masked)
    repeated = {text for text, count in pages_with.items() if count >= max(2, len(pages) // 3)}
    return [
        line
        for line in lines
        if not (zone(line) and re.sub(r"\d+", "#", line.text) in repeated)
        and not re.fullmatch(r"(?:Page )?\d{1,3}(?: of \d+)?", line.text.strip())
    ]


def _add_paragraphs(draft: Draft, lines: list[Line]) -> None:
    if not lines:
        return
    weights: Counter[float] = Counter()
    for line in lines:
        weights[line.size] += len(line.text)
    body = weights.most_common(1)[0][0]
    in_body = [line for line in lines if line.size == body]
    margin = max(line.x1 for line in in_body)
    gaps = [
        below.top - above.bottom
        for above, below in zip(in_body, in_body[1:], strict=False)
        if above.page == below.page and 0 <= below.top - above.bottom < body
    ]
    leading = statistics.median(gaps) if gaps else 0.3 * body
    vocabulary = _vocabulary(lines)
    block: list[Line] = []
    for line in lines:
        if block and not _joins(block, line, body, leading, margin):
            _close(draft, block, body, vocabulary)
            block = []
        block.append(line)
    _close(draft, block, body, vocabulary)


def _vocabulary(lines: list[Line]) -> set[str]:
    """The document's words, without the parts of words that a line's end has split."""
    words: set[str] = set()
    split = False
    for line in lines:
        found = re.findall(r"[A-Za-z]{3,}|-$", line.text)
        words.update(word.lower() for word in found[split : -2 if found[-1:] == ["-"] else None])
        split = found[-1:] == ["-"]
    return words


def _is_larger(line: Line, body: float) -> bool:
    """Whether a line is set larger than the text of the document."""
    return line.size > body + 0.8


def _style(line: Line, body: float) -> str:
    if LEADERS.search(line.text):
        return "contents"
    if _is_larger(line, body) or (line.bold and looks_like_heading(line.text)):
        return "heading"
    return "body"


def _joins(block: list[Line], line: Line, body: float, leading: float, margin: float) -> bool:
    above = block[-1]
    margin = above.right or margin
    if not _bold_goes_on(above, line) and (
        _style(above, body) != _style(line, body) or _style(line, body) == "contents"
    ):
        return False
    if above.cells or line.cells:
        return False
    if BULLET_MARK.match(line.text) or re.match(r"\d{1,2}[.)]\s", line.text):
        return False
    if re.fullmatch(r"Recommendations?\W*", above.text) or re.fullmatch(
        r"Recommendations?\W*", line.text
    ):
        return False
    if abs(line.size - above.size) > 0.6:
        return False
    if line.page != above.page or line.top < above.top:
        ended = re.search(r"[.:;!?]['”’]?\d{0,2}$", above.text)
        full = above.x1 + _first_word(line) >= 0.85 * margin or line.text[:1].islower()
        return full and not ended and _style(line, body) == "body" and line.page <= above.page + 1
    if line.bold != above.bold and looks_like_heading(above.text):
        return False
    near = line.top - above.bottom <= leading + 0.35 * line.size
    open_ended = not re.search(r"[.:;!?]['”’]?\d{0,2}$", above.text)
    # lines of a cover end early and have no full stop either; those of a paragraph are long
    goes_on = open_ended and (line.text[:1].islower() or above.x1 >= 0.6 * margin)
    if (
        not goes_on
        and _style(line, body) == "body"
        and (above.x1 + _first_word(line) < 0.85 * margin)
    ):
        return False  # the next word would have fitted: a paragraph ends here
    short = above.x1 + _first_word(line) < margin - 0.02 * margin
    if _style(line, body) == "heading":
        return near
    return near and not (short and re.search(r"[.:;!?]['”’]?$", above.text) is not None)


def _bold_goes_on(above: Line, line: Line) -> bool:
    """Whether a bold line is the rest of a bold sentence, whose first line looks like a heading."""
    return (
        above.bold
        and line.bold
        and line.text[:1].islower()
        and re.search(r"[.:;!?]$", above.text) is None
        and not BULLET_MARK.match(line.text)
    )


def _first_word(line: Line) -> float:
    return (line.x1 - line.x0) * len(line.text.split()[0]) / max(1, len(line.text))


def _close(draft: Draft, block: list[Line], body: float, vocabulary: set[str]) -> None:
    if not block:
        return
    text = block[0].text
    for line in block[1:]:
        text = _joined(text, line.text, vocabulary)
    box = (
        round(min(line.x0 for line in block), 1),
        round(block[0].top, 1),
        round(max(line.x1 for line in block), 1),
        round(block[-1].bottom, 1),
    )
    first = block[0]
    place = f"page {first.page}"
    style = _style(first, body)
    # A recommendation may be set in bold throughout; it ends like a sentence, a heading does not.
    if style == "heading" and not _is_larger(first, body) and re.search(r"[.:;]$", text):
        style = "body"
    if first.cells and not LEADERS.search(text) and not BULLET_MARK.match(text):
        draft.add(" | ".join(first.cells), "row", 0, place, first.page, box)
    elif style == "contents":
        draft.add(LEADERS.sub("", text), "contents", 0, place, first.page, box)
    elif mark := BULLET_MARK.match(text):
        draft.add(text[mark.end() :], "bullet", 1, place, first.page, box)
    elif style == "heading":
        level = 1 if first.size >= 1.6 * body else 2 if first.size >= 1.25 * body else 3
        draft.add(text, "heading", level, place, first.page, box)
    else:
        draft.add(text, "text", 0, place, first.page, box)


_COMPOUNDS = frozenset(
    "re post pre multi non co self follow well high low long short cross inter sub mid ex anti "
    "one two three four five six seven eight nine ten full half child case decision risk front "
    "high-tech on off under over".split()
)


def _joined(text: str, following: str, vocabulary: set[str]) -> str:
    """Two lines in one; a word split at the line's end loses its hyphen.

    A soft hyphen always goes. A hyphen stays after a word that forms compounds ("re-inspection"),
    and between two words that the document uses by themselves ("child-centred"), unless it also
    uses the whole.
    """
    if text.endswith("\u00ad"):
        return text[:-1] + following
    split = re.search(r"([A-Za-z]+)-$", text)
    start = re.match(r"[a-z]+", following)
    if split and start:
        first, second = split.group(1).lower(), start.group()
        whole = first + second
        compound = first in _COMPOUNDS or (first in vocabulary and second in vocabulary)
        return (text[:-1] if whole in vocabulary or not compound else text) + following
    return f"{text} {following}"
