"""Text from anywhere, made harmless to show without hiding that it was there.

Answers, labels, file names and documents can hold characters that turn the words around them,
colour a terminal, end a file early or fill a page with one cell. Markup is not the concern here:
whatever writes HTML or a workbook escapes what it writes.
"""

from __future__ import annotations

import re

import pandas as pd

# One cell shows at most this many characters; a longer text says how long it is.
LONGEST = 4000
# More marks than this on one letter run over the lines above and below it; no language needs more.
MARKS_ON_A_LETTER = 4

_COLOUR = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
# Controls except tab and line ends; what turns or isolates text; tags; halves of characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)
_COMBINING = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILED = re.compile(f"({_COMBINING}{{{MARKS_ON_A_LETTER}}}){_COMBINING}+")


def marked(text: str) -> str:
    """The text with a visible mark for each character that cannot be seen or turns others.

    A control character becomes its picture in Unicode, any other its number in square brackets,
    such as ``[U+202E]``. Colours of a terminal go, and of many marks piled on one letter four stay.
    Line ends become ``\\n``; tab and everything else stay. Doing it twice changes nothing.
    """
    if "\r" in text:  # which some readers of CSV take for the end of a row
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    return _PILED.sub(r"\1", _UNSEEN.sub(_mark, text))


def _mark(found: re.Match[str]) -> str:
    number = ord(found.group(0))
    if number < 0x20:
        return chr(0x2400 + number)
    return "\u2421" if number == 0x7F else f"[U+{number:04X}]"


def shortened(text: str) -> str:
    """The text, or its start and its length in words when it has more than `LONGEST` characters."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\u2026 ({len(text):,} characters)"


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose texts are `marked` and `shortened`; a copy if anything had to change."""
    changed = {}
    for place, (column, values) in enumerate(frame.items()):
        if pd.api.types.is_numeric_dtype(frame.dtypes.iloc[place]):
            continue
        texts = [value for value in values.unique() if isinstance(value, str)]
        safe = {text: shortened(marked(text)) for text in texts if not _is_safe(text)}
        if safe:
            changed[column] = values.astype(object).map(lambda value, safe=safe: _of(safe, value))
    return frame.assign(**changed) if changed else frame


def _of(safe: dict[str, str], value: object) -> object:
    return safe.get(value, value) if isinstance(value, str) else value


def _is_safe(text: str) -> bool:
    return (
        len(text) <= LONGEST
        and "\r" not in text
        and not _UNSEEN.search(text)
        and not _PILED.search(text)
    )
