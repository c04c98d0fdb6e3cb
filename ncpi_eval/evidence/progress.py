"""What a follow-up says of progress against a recommendation, in the inspectors' words.

There is no formal grade: inspectors write "good progress", "some progress", "has not yet". These
words are read from the summary that stands below each chapter's recommendations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ncpi_eval.document_files.model import CONTENTS, HEADING, Document, Paragraph
from ncpi_eval.evidence import kinds
from ncpi_eval.evidence.criteria import by_heading
from ncpi_eval.evidence.wording import plain

GOOD, SOME, SLOW, NOT_YET, CONCERN = "good", "some", "slow", "not yet", "continued concern"
LEVELS = (GOOD, SOME, SLOW, NOT_YET, CONCERN)
"""From the most to the least progress. They are judgements by inspectors, no measurements."""

# Tried in this order: a sentence that praises a part and ends in concern is a concern.
_WORDS = {
    CONCERN: r"continued concern|(?:remain\w*|still|continu\w+)(?: \w+){0,3} (?:a |of )?concern"
    r"|(?:still|remain\w*) (?:\w+ )?(?:concerned|a cause of concern)",
    NOT_YET: r"(?:not|n't) yet|(?:no|little|insufficient) progress|ha(?:s|ve)(?:n't| not) made "
    r"(?:enough|sufficient|the)",
    SLOW: r"(?:slow|limited) progress|progress (?:has been|is|was) (?:\w+ )?(?:slow|limited)",
    SOME: r"some progress|progress in (?:some|part)|partly|in part\b",
    GOOD: r"(?:good|significant|substantial|strong|considerable|clear|real) progress"
    r"|ha(?:s|ve) (?:\w+ )?improved",
}
_SUMMARY = re.compile(
    r"(?:summary of |overall )?(?:the )?(?:post-? ?inspection review |re-? ?inspection "
    r"|assessment of progress )?findings\b|summary\b|progress\W*$",
    re.IGNORECASE,
)
_PART = re.compile(
    r"(?:(?:summary of|detailed|overall|the) )?(?:post-? ?inspection|re-? ?inspection|assessment|"
    r"findings|recommendations?|summary|progress)\b",
    re.IGNORECASE,
)
"""Headings within a chapter, whatever their level: the chapter goes on below them."""


@dataclass(frozen=True)
class Progress:
    """The level of one chapter of a follow-up; ``level`` is "" where no known words stand there."""

    criterion: str
    level: str
    paragraph: Paragraph
    confidence: float


def read_progress(document: Document, kind: str) -> list[Progress]:
    """One entry for each criterion under whose summary a follow-up speaks; else none."""
    if kind not in kinds.FOLLOW_UPS:
        return []
    found: dict[str, Progress] = {}
    criterion, waiting = "", False
    for item in document.paragraphs:
        text = plain(item.text)
        if item.kind == CONTENTS:
            continue
        if item.kind == HEADING:
            part = _PART.match(text) is not None
            criterion = by_heading(text) or ("" if item.level <= 2 and not part else criterion)
            waiting = _is_summary(text)
        elif waiting and criterion and criterion not in found and len(text.split()) >= 3:
            found[criterion] = _judged(criterion, item, text)
            waiting = False
    return list(found.values())


def _is_summary(heading: str) -> bool:
    parts = [part.strip() for part in heading.split(":")]
    return any(_SUMMARY.match(part) for part in parts) and not re.search(
        r"\bdetailed\b|\brecommendation", heading, re.IGNORECASE
    )


def _judged(criterion: str, item: Paragraph, text: str) -> Progress:
    levels = [level for level, words in _WORDS.items() if re.search(words, text, re.IGNORECASE)]
    if not levels:
        return Progress(criterion, "", item, 0.5)
    return Progress(criterion, levels[0], item, 0.9 if len(levels) == 1 else 0.7)
