"""Plain text into paragraphs: saved pages, converted PDFs, register entries.

Text files come in three shapes: one paragraph a line, paragraphs between blank lines, and wrapped
lines without any blank line between. The width of the lines tells which.
"""

from __future__ import annotations

import re
import statistics

from ncpi_eval.document_files.guards import MAX_CHARACTERS, refuse
from ncpi_eval.document_files.model import BULLET_MARK, LEADERS, Document, Draft, tidy

WRAP_WIDTH = 140
"""No typewriter, terminal or converter wraps wider; longer lines are whole paragraphs."""


def decode(raw: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """Text of the bytes (UTF-16 by its mark, UTF-8, else Windows-1252) and warnings."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return raw.decode("utf-16"), ()
        except UnicodeDecodeError as error:
            raise refuse(name, "broken UTF-16 text", "save it as UTF-8") from error
    if b"\x00" in raw:
        raise refuse(name, "binary data", "supply the document as HTML, PDF, DOCX or text")
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    unreadable = sum(ch == "\ufffd" or (ord(ch) < 32 and ch not in "\t\n\r\f") for ch in text)
    if unreadable > len(text) / 100:
        raise refuse(name, "binary data", "supply the document as HTML, PDF, DOCX or text")
    return text, ("not UTF-8, read as Windows-1252",)


def read_text(raw: bytes, name: str) -> Document:
    """A plain text file as a document; ``place`` is the line a paragraph starts on."""
    text, warnings = decode(raw, name)
    if len(text) > MAX_CHARACTERS:
        raise refuse(name, "a text of more than 5 million characters", "split it")
    text = re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", text)  # emphasis of Markdown
    draft = Draft()
    for start, paragraph in paragraphs_of(re.split(r"\r\n|\r|\n|\f", text)):
        for part in _slide_parts(paragraph):
            add_line(draft, part, f"line {start}")
    if not draft.paragraphs:
        raise refuse(name, "a file without text", "fetch the document again")
    return Document(name, "text", "", tuple(draft.paragraphs), warnings=warnings)


_SLIDE = re.compile(r"\s*Page \d{1,3}: ")
_STAGES = (
    r"(?:Initial contact|Assessment and help|Investigation|Decision[- ]making|Trusted adult"
    r"|Managing those|Police detention|Leadership, management and governance)"
)
_SEAMS = re.compile(
    rf"\s(?=\d{{1,2}}\.\s+{_STAGES})"
    r"|\s(?=Recommendations? (?:We recommend|HMIC|Within|Immediately))"
    r"|(?<=Recommendation) (?=We |HMIC|Within|Immediately)"
    r"|(?<=Recommendations) (?=We |HMIC|Within|Immediately)"
    r"|(?<=[.;]) (?=We recommend that|HMIC\w* recommends that"
    r"|Within (?:three|six) months,? [A-Z][\w ]+ should)"
    r"|(?<=[.!?]) (?=(?:Foreword|Summary|Next steps|Conclusion)\s[A-Z])"
    r"|\s(?=© HMIC|ISBN:? 97)|(?<=/hmicfrs)\s|(?<=/hmic)\s"
)


def _slide_parts(paragraph: str) -> list[str]:
    """Copies made by document-sharing sites put a page, or the whole report, on a line: cut it at
    headings and openings. Other paragraphs come back whole.
    """
    mark = _SLIDE.match(paragraph)
    if not mark and not (len(paragraph) > 2 * WRAP_WIDTH and "© HMIC" in paragraph[:300]):
        return [paragraph]
    start = mark.end() if mark else 0
    return [part for part in _SEAMS.split(paragraph[start:]) if part and part.strip()]


_GRADE_CELL = re.compile(r"good|requires improvement|inadequate|adequate|total", re.IGNORECASE)
"""What stands before the tab in a table of two columns; else such a line is of a contents list."""


def add_line(draft: Draft, text: str, place: str) -> None:
    """Add a paragraph of unmarked text, told apart as contents entry, table row, bullet, heading or
    text.
    """
    cells = [cell.strip() for cell in text.strip().split("\t")]
    if len(cells) > 2 or (len(cells) == 2 and _GRADE_CELL.fullmatch(cells[0])):
        draft.add(" | ".join(cell for cell in cells if cell), "row", 0, place)
    elif LEADERS.search(text):
        draft.add(LEADERS.sub("", text), "contents", 0, place)
    elif mark := BULLET_MARK.match(text):
        draft.add(text[mark.end() :], "bullet", 1, place)
    elif looks_like_heading(text):
        draft.add(text.lstrip("# "), "heading", 2, place)
    elif not re.fullmatch(r"(?:page\s+)?\d{1,3}(?:\s+of\s+\d+)?", text.strip(), re.IGNORECASE):
        draft.add(text, "text", 0, place)


def looks_like_heading(text: str) -> bool:
    """A short line that starts with a capital or number and does not end like a sentence."""
    text = tidy(text)
    return (
        len(text) <= 120
        and len(text.split()) <= 18
        and re.match(r"(?:#+ )?(?:\d+(?:\.\d+)*\.?\s+)?[A-Z‘“'\"]", text) is not None
        and not re.search(r"[.;:,!?]['\"’”]?\d{0,2}$", text)
        and not re.search(r"\b(?:the|a|an|of|and|to|in|for|with|that|which|is|are|was|by)$", text)
    )


def paragraphs_of(lines: list[str]) -> list[tuple[int, str]]:
    """Join wrapped lines: (line number from 1, paragraph) in order.

    Lines longer than `WRAP_WIDTH` stand for themselves. A shorter line is joined to the one before
    when that one reaches near the right margin and neither a blank line nor a list mark nor a
    known heading stands between.
    """
    filled = [len(line.rstrip()) for line in lines if line.strip() and not LEADERS.search(line)]
    if not filled:
        filled = [len(line.rstrip()) for line in lines if line.strip()]
    if not filled:
        return []
    margin = statistics.quantiles(filled, n=10)[-1] if len(filled) > 1 else filled[0]
    wrapped = margin <= WRAP_WIDTH
    found: list[tuple[int, str]] = []
    previous = last = ""
    for number, line in enumerate(lines, start=1):
        following = lines[number] if number < len(lines) else ""
        if (
            re.fullmatch(r"\s*\d{1,3}\s*", line)
            and wrapped
            and len(previous) > margin / 2
            and following.strip()[:1].islower()
            and _continues(previous, following, margin)
        ):
            continue  # the number of a page in the middle of a sentence
        if (
            line.strip()
            and wrapped
            and (
                (previous.strip() and _continues(previous, line, margin))
                or (found and not previous.strip() and _goes_on(last, line, margin))
            )
        ):
            found[-1] = (found[-1][0], found[-1][1].rstrip() + " " + line.strip())
        elif line.strip():
            found.append((number, line.rstrip()))
        previous = line
        last = line if line.strip() else last
    return found


_STARTS = re.compile(
    r"\s*(?:#+ |\d{1,2}\.\s+\S|\[|(?:We|HMIC\w*) recommends? |Within \w+ (?:weeks?|months?)\b"
    r"|Recommendations?\b[^a-z]*$|Published on\b|Published:|Next steps\s*$)"
)


def _goes_on(last: str, line: str, margin: float) -> bool:
    """A sentence that a blank line divides: a full line without an end, then a small letter; or one
    that ends in a word that ends no sentence.
    """
    last = last.rstrip()
    if BULLET_MARK.match(line) or len(last) <= margin * 0.85:
        return False
    open_ended = re.search(r"\b(?:to|and|or|the|an?|of|in|on|for|by|with|from|between)$", last)
    return open_ended is not None or (
        line.strip()[0].islower() and re.search(r"[a-z\d]$", last) is not None
    )


def _continues(previous: str, line: str, margin: float) -> bool:
    if BULLET_MARK.match(line) or _STARTS.match(line) or LEADERS.search(previous):
        return False
    if _STARTS.match(previous) and re.fullmatch(r"\s*Recommendations?\W*", previous):
        return False
    if line.lstrip()[:1].islower():
        return True
    if re.search(r"[.!?]\s*$", previous) and len(line) < margin / 2 and looks_like_heading(line):
        return False
    first_word = len(line.split()[0])
    return len(previous.rstrip()) + 1 + first_word > margin * 0.92 and not re.search(
        r"[:;]\s*$", previous
    )
