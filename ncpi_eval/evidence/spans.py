"""A fact, the words it was read from, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ncpi_eval.document_files.model import Paragraph

CERTAIN, LIKELY, DOUBTFUL = 0.95, 0.8, 0.6
"""At or above `LIKELY` a fact stands in the tables as it is. Below it also goes to the coding
sheet; below `DOUBTFUL` it goes to the coding sheet only and the table's cell stays empty."""


@dataclass(frozen=True)
class Fact:
    """One extracted value.

    Parameters
    ----------
    field : str
        Column that the value belongs to, such as ``fieldwork_start``.
    value : str
        Dates ISO, months YYYY-MM, counts in digits.
    anchor, place : str
        Anchor of the paragraph, and where a person finds it.
    start, end : int
        Characters of the paragraph's text, end exclusive; the words there are ``quote``.
    confidence : float
        0 to 1: how often such a rule is right, as judged when it was written; no probability.
    rule : str
        What was recognised, for the coder.
    """

    field: str
    value: str
    anchor: str
    place: str
    start: int
    end: int
    quote: str
    confidence: float
    rule: str

    def but(self, confidence: float) -> Fact:
        """The same fact with another confidence."""
        return replace(self, confidence=round(confidence, 2))


def fact(
    field: str,
    value: object,
    paragraph: Paragraph,
    start: int,
    end: int,
    confidence: float,
    rule: str,
) -> Fact:
    """A fact read from characters start to end (exclusive) of a paragraph."""
    return Fact(
        field,
        str(value),
        paragraph.anchor,
        paragraph.place,
        start,
        end,
        paragraph.text[start:end],
        round(confidence, 2),
        rule,
    )
