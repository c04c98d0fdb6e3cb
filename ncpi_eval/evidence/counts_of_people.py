"""Find words that count people where a qualitative finding is told.

Interviewees were chosen for what they can tell and not drawn at random, so how many of them hold a
view says nothing about anybody else. The report tells no number, and neither does this strand: its
prose, its summaries and its tables are read for words that would.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ncpi_eval.errors import InputError, Problem

_PEOPLE = (
    r"(?:people|persons?|participants?|interviewees?|respondents?|informants?|individuals?"
    r"|officers?|staff|leads?|leaders?|managers?|inspectors?|practitioners?|professionals?"
    r"|partners?|colleagues?|members?|detectives?|sergeants?|constables?|supervisors?|workers?"
    r"|those|them|us|interviews?|focus groups?|transcripts?|voices|accounts)"
)
_SAID = (
    r"(?:felt|feel|said|say|saw|see|thought|think|told|tell|agreed|agree|described|describe"
    r"|reported|report|believed|believe|found|find|mentioned|mention|raised|raise|noted|note"
    r"|wanted|want|welcomed|welcome|valued|value|spoke|speak|held|hold|shared|share|preferred"
    r"|interviewed|asked|had|have|were|was|are)"
)
_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty"
).split()
_NUMBER = rf"(?:\d+(?:,\d{{3}})*|(?:{'|'.join(_WORDS)})(?:[- ](?:{'|'.join(_WORDS[:9])}))?)"
_PART = r"(?:half|halves|thirds?|quarters?|fifths?|sixths?|tenths?|dozens?)"
_NEAR = r"(?:[\w'’-]+ ){0,3}?"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:majority|majorities|minority|minorities|several|numerous|handful|plurality)\b",
        r"(?<!how )\b(?:almost |nearly )?(?:all|every|none|many|few|fewer|both|various|most)"
        rf"(?: of)?(?: the| these| those| our)? {_NEAR}{_PEOPLE}\b",
        rf"\bmost(?: of| {_SAID})\b",
        rf"(?<!how )\b(?:almost |nearly )?(?:all|many|few|both|none) {_SAID}\b",
        rf"\b(?:almost |nearly )?(?:everyone|everybody|nobody|no one|no-one)"
        rf"(?: \w+)?(?: {_SAID})\b",
        rf"\b{_NUMBER} (?:out )?of (?:the |these |those |our )?(?:{_NUMBER}|{_NEAR}{_PEOPLE})\b",
        rf"\b{_NUMBER} in (?:every )?{_NUMBER}\b",
        rf"\b{_NUMBER} (?!(?:views?|examples?|reasons?|sides?)\b){_NEAR}{_PEOPLE}\b",
        rf"\b(?:a |one |two[- ]|three[- ])?{_PART} (?:of|the)\b",
        r"\b(?:the )?(?:bulk|rest|remainder) of (?:the )?"
        rf"{_NEAR}{_PEOPLE}\b",
        r"\bno (?:other |single )?(?:interviewees?|participants?|respondents?)\b",
        rf"\b(?:a |the )?(?:large |small |great |good |significant |growing )?"
        rf"(?:number|proportion|share|percentage|couple|pair) of {_NEAR}{_PEOPLE}\b",
        r"\d+(?:\.\d+)? ?(?:%|per ?cent\b)|\b(?:per ?cent|percentage)\b",
        rf"\b{_NUMBER}/{_NUMBER}\b",
    )
)
# "Almost all", "most" and the like stand for a share wherever no superlative follows.
_MOST = re.compile(
    r"(?<!\bat )(?<!\bthe )(?<!\ba )\bmost\b(?! (?:\w+(?:ful|able|ible|ive|ous|ed|ly)|recent|robust"
    r"|important|common|direct|urgent)\b)",
    re.IGNORECASE,
)


def phrases(text: str) -> list[str]:
    """Phrases of a text that count people, as they stand there, in its order.

    Parameters
    ----------
    text : str
        Plain text, such as a summary or the prose of a page.

    Returns
    -------
    list of str
        Empty when nobody is counted. Overlapping finds are told once, the first and longest.

    Notes
    -----
    Words such as "most", "majority", "several" and "many interviewees", shares ("a third of",
    "40 per cent"), counts ("7 of 12", "nine in ten", "two participants"). What is not counted:
    superlatives ("the most useful"), and views without a holder ("one view was"). It cannot tell a
    quotation from a finding; do not ask it about what somebody said.

    Examples
    --------
    >>> phrases("Most of the leads, and 7 of 12 partners, wanted more.")
    ['Most of the leads', '7 of 12 partners']
    """
    plain = " ".join(text.split())
    spans = [m.span() for pattern in (*_PATTERNS, _MOST) for m in pattern.finditer(plain)]
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
    return [plain[start:end].strip() for start, end in kept]


def problems(texts: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[Problem]:
    """One problem for each text that counts people; texts by the place where they stand."""
    pairs = texts.items() if isinstance(texts, Mapping) else texts
    return [
        Problem(
            place,
            ", ".join(repr(phrase) for phrase in found),
            "no count of people for a qualitative finding",
            "Say what the view is and how it varies, not how many hold it.",
        )
        for place, text in pairs
        if (found := phrases(text))
    ]


def refuse(what: str, texts: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
    """Refuse texts that count people.

    Raises
    ------
    InputError
        With each place and the phrases found there.
    """
    found = problems(texts)
    if found:
        raise InputError(f"{what} counts people, which a qualitative finding must not.", found)
