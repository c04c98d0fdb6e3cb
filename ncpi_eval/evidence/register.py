"""Entries of the public register of recommendations: what was asked and what became of it.

An entry is a page with the recommendation and, in bracket markup, dated statuses and comments.
Copies can begin with "404 Page not found", lack the word "Recommendation" and leave tags open. The
words of a status are kept as printed: closing words were never seen, so nothing is called closed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ncpi_eval.document_files.model import Document
from ncpi_eval.evidence.calendar import find_dates
from ncpi_eval.evidence.wording import plain


@dataclass(frozen=True)
class Step:
    """One dated event of an entry: ISO day ("" if unreadable), status as printed or "", comment."""

    date: str
    status: str
    comment: str


def history(document: Document) -> list[Step]:
    """The dated statuses and comments of a register entry, in printed order.

    Unbalanced tags are tolerated: an event ends where the next ``[on]`` begins, and a comment that
    is never closed where its paragraph does, so that the page's foot is not taken for part of it.

    Examples
    --------
    ``[on]8th March 2018 [status]awaiting-review[/status][/on]`` gives one step: 2018-03-08,
    awaiting-review, no comment.
    """
    text = "\n".join(" ".join(plain(item.text).split()) for item in document.paragraphs)
    steps = []
    for part in re.split(r"\[on\]", text)[1:]:
        dates = find_dates(part.split("[", 1)[0])
        status = re.search(r"\[status\]\s*([\w -]+?)\s*(?:\[|\n|$)", part)
        _, opened, comment = part.partition("[comment]")
        told = part[dates[0].end :] if dates else part
        steps.append(
            Step(
                dates[0].first if dates else "",
                status.group(1) if status else "",
                _told(comment.lstrip()) if opened else "" if status else _told(told),
            )
        )
    return steps


def _told(text: str) -> str:
    """Words up to the tag that closes them; without one, up to the end of the paragraph."""
    closed = re.search(r"\[/(?:comment|on)\]", text)
    own = text[: closed.start()] if closed else text.partition("\n")[0]
    return " ".join(re.sub(r"\[/?\w+\]", " ", own).split())


def entry_number(document: Document) -> str:
    """The register's number of an entry, from its title or address; "" when neither shows it."""
    for item in document.paragraphs[:6]:
        match = re.search(r"\((\d{3,5})\)\s*$", item.text)
        if match:
            return match.group(1)
    match = re.search(r"/(\d{3,5})/?$", document.address)
    return match.group(1) if match else ""
