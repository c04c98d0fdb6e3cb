"""Words and numbers as documents write them: dashes, quotes, spelled-out counts, stuck footnotes.

Every function here keeps positions: character 17 of the plain form is character 17 of the source,
so that a fact can always be shown in the words it was read from.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

_SAME_LENGTH = str.maketrans(
    {
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2018": "'",
        "\u02bc": "'",
        "\u2032": "'",
        "\u00b4": "'",
        "\u0060": "'",
        "\u2019": "'",
        "\u201b": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "\t": " ",
        "\n": " ",
    }
)

_STUCK_TO_WORD = re.compile(
    r"(?<=[a-z]{3})\d{1,2}(?=[\s.,;:)'\"]|$)(?! (?:Jan|Feb|Mar|Apr|May|Ju[nl]|Aug|Sep|Oct|Nov|Dec))"
    r"|(?<=[a-z]{3}[.,;:)])\d{1,2}(?=\s|$)"
)
_STUCK_TO_YEAR = re.compile(r"(?<=\b20[0-3]\d)\d{1,2}(?=[\s.,;:)]|$)")
_STUCK_TO_YEAR_STOP = re.compile(r"(?<=\b20[0-3]\d[.,;:)])\d{1,2}(?=\s|$)")
_BRACKETED = re.compile(r"\[\d{1,3}\]")


@functools.lru_cache(maxsize=4096)  # every reader of a document asks for the same paragraphs
def plain(text: str) -> str:
    """The text with one kind of dash, quote and space, footnote marks blanked out, same length.

    Examples
    --------
    >>> plain("our re\u2011inspection1 of Northumbria Police.2 Then")
    'our re-inspection  of Northumbria Police.  Then'
    """
    text = text.translate(_SAME_LENGTH)
    for mark in (_STUCK_TO_WORD, _STUCK_TO_YEAR, _STUCK_TO_YEAR_STOP, _BRACKETED):
        text = mark.sub(lambda match: " " * len(match.group()), text)
    return text


_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_VALUES = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * (index + 2) for index, word in enumerate(_TENS)
}
_WORD = "|".join(sorted(_VALUES, key=len, reverse=True))
_BELOW_100 = rf"(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_UNITS[1:10])}))?|{_WORD}"
NUMBER = (
    rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,4}}|(?:(?:a|one|two|three) hundred(?: and "
    rf"(?:{_BELOW_100}))?)"
    rf"|{_BELOW_100}|none|no|nil)"
)
"""A count in digits or words; ``no`` and ``none`` count as zero."""


def number(text: str) -> int:
    """The value of what `NUMBER` matched.

    Examples
    --------
    >>> number("seventy-three"), number("one hundred and one"), number("none"), number("1,024")
    (73, 101, 0, 1024)
    """
    text = text.lower().replace(",", "").strip()
    if text.isdigit():
        return int(text)
    if text in ("none", "no", "nil"):
        return 0
    total = 0
    hundreds = re.match(r"(a|one|two|three) hundred(?: and )?", text)
    if hundreds:
        total = 100 * {"a": 1, "one": 1, "two": 2, "three": 3}[hundreds.group(1)]
        text = text[hundreds.end() :]
    return total + sum(_VALUES[word] for word in re.split(r"[- ]+", text) if word)


_SENTENCE_END = re.compile(r"(?<=[.!?])['\"]?\s+(?=[A-Z'\"(])")
_ABBREVIATION = re.compile(r"(?:\b(?:No|Mr|Mrs|Ms|Dr|St|Supt|Insp|e\.g|i\.e|para|s)\.)$")


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each sentence of a plain text."""
    start = 0
    for end in _SENTENCE_END.finditer(text):
        if not _ABBREVIATION.search(text[start : end.start()]):
            yield start, end.start()
            start = end.end()
    if start < len(text):
        yield start, len(text)
