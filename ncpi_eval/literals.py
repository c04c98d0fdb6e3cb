"""Find numbers that were typed into prose instead of computed.

A typed number goes stale unseen when data or code change. What is no finding may be typed: years
and dates, numbers of chapters, tables and figures, the level of an interval or a test, thresholds
that say they are one ("fewer than ten"), and names with figures in them. A number that quotes the
report is declared, see `ncpi_eval.notebook_prose`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: In English, whatever the machine's language.
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_MONTH = f"(?:{'|'.join(MONTHS)})"
_WORD = "(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred)"
_NUMBER = rf"(?:\d[\d.,]*|{_WORD})"
_PLACE = r"(?:[A-Z]\.?)?\d[\d.]*\b"
_PART = "(?:hal(?:f|ves)|thirds?|quarters?|fifths?|sixths?|eighths?|tenths?)"
# Things that the report counts; a number in words before one of them is a finding.
_COUNTED = (
    r"(?:respondents?|people|officers|staff|interviewees?|forces?|inspections?|recommendations?|"
    r"cases?|documents?|reports?|extracts?|simulations?|"
    r"figures|percentages?|claims?|indicators?|outcomes?)"
)
# Not read as numbers at all: what is filled in, code, and where a link leads.
_APART = re.compile(r"\{[^{}]*\}|`[^`]*`|\]\([^)]*\)|https?://\S+|<[^>]*>")
_HARMLESS = re.compile(
    "|".join(
        (
            # dates: 2019, 2021-03, 12 March, February and March 2019, 2014/15
            rf"\b\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}\b(?: (?:19|20)\d\d)?",
            r"\b(?:19|20)\d\d(?:[-/]\d{1,4}){0,2}s?\b",
            # places: figure 2.2, tables C.2 and C.3, chapters 1 to 5, appendix B
            r"\b(?:figures?|tables?|chapters?|appendi(?:x|ces)|sections?|pages?|paragraphs?|"
            r"annex(?:es)?|articles?|waves?|steps?|rows?|columns?|footnotes?|equations?|codes?|"
            r"questions?|recommendations?) "
            rf"{_PLACE}(?:,? (?:to|and|or) {_PLACE}|, {_PLACE})*",
            # levels: 95% interval, 0.05 level, at 0.05, 95 in 100 confidence, p below 0.05
            r"\b(?:80|90|95|99)(?:%| per cent| in 100)?[ -](?:\w+[ -])?"
            r"(?:interval|confidence|limit|region|band|set|level)",
            r"\b(?:80|90|95|99) in 100\b",
            r"\b0\.(?:01|05|1|10)[ -](?:level|line)\b",
            r"\b(?:level|line|power) (?:of|at) (?:0\.\d+|\d+%)",
            r"\b(?:at|cross(?:es)?|of|below|above|under) (?:the )?0\.05\b",
            # thresholds that say so
            rf"\b(?:fewer|less|more|greater|larger|smaller|higher|lower|older|longer|later) than "
            rf"(?:a |one )?(?:{_NUMBER}|{_PART})(?: per cent\b|%)?",
            rf"\b(?:at least|at most|up to|over|under|above|below|within|rounded to|every|up from|"
            rf"or more than|threshold of|minimum of|maximum of|limit of) (?:the )?{_NUMBER}"
            rf"(?: per cent\b|%)?(?:,? (?:to|or|and) (?:within |up to )?{_NUMBER})*",
            rf"\b{_NUMBER} or (?:more|fewer|less)\b",
            # names with figures in them: C.2, FSyst_1, v3.0, WCAG 2.2, COVID-19, R 4.5
            r"\b[A-Za-z]+[._]?\d[\w.]*\b|\bversion \d[\d.]*",
            r"\b(?:Proposition|WCAG|COVID|R|Python|ACRO)[ -]\d[\d.]*",
        )
    ),
    re.IGNORECASE,
)
_TYPED = re.compile(
    "|".join(
        (
            rf"\b{_NUMBER}(?: (?:in|of|out of)(?: the| all| every| those)?(?: other)?) {_NUMBER}\b",
            rf"\b(?:an? |one |{_WORD} |\d+ ){_PART} (?:of|the)\b|\bhalf (?:of|the)\b",
            rf"\b{_WORD}[- ](?:(?!of )[a-z]+ ){{0,2}}{_COUNTED}\b",
            rf"\b{_WORD} per cent\b|\b(?:twice|{_WORD} times) as\b",
            r"\d[\d.,]*(?:\s*%|\s*per\s*cent\b)?",
        )
    ),
    re.IGNORECASE,
)


def typed_numbers(text: str, declared: Sequence[str] = ()) -> list[str]:
    """Numbers in a text that are neither filled in, nor harmless, nor declared.

    Parameters
    ----------
    text : str
        Prose, as Markdown or as the template of `say`.
    declared : sequence of str
        Phrases of the text that may stand, each as it is written there.

    Returns
    -------
    list of str
        What was found, in order; empty when all is well.

    Notes
    -----
    Numbers in words are found from two to twelve where they count what the report counts ("three
    forces"), in shares ("two of the four", "a quarter of") and as factors ("twice as"). Other uses
    ("the two lowest answers") describe how a question was built and do not go stale.
    """
    rest = " ".join(_APART.sub(" ", _lists(text)).split())
    for phrase in sorted(declared, key=len, reverse=True):
        rest = rest.replace(" ".join(phrase.split()), " ")
    return [found.strip(" .,") for found in _TYPED.findall(_HARMLESS.sub(" ", rest))]


def _lists(text: str) -> str:
    return re.sub(r"(?m)^\s*\d+\. ", "", text)
