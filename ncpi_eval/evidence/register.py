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

_MONTHS_OF = {"within three months": 3, "within six months": 6}


@dataclass(frozen=True)
class Step:
    """One dated event of an entry: ISO day ("" if unreadable), status as printed or "", comment."""

    date: str
    status: str
    comment: str


def history(document: Document) -> list[Step]:
    """The dated statuses and comments of a register entry, in printed order.

    Unbalanced tags are tolerated: an event ends where the next ``[on]`` begins.

    Examples
    --------
    ``[on]8th March 2018 [status]awaiting-review[/status][/on]`` gives one step: 2018-03-08,
    awaiting-review, no comment.
    """
    text = " ".join(plain(item.text) for item in document.paragraphs)
    steps = []
    for part in re.split(r"\[on\]", text)[1:]:
        dates = find_dates(part.split("[", 1)[0])
        status = re.search(r"\[status\]\s*([\w -]+?)\s*(?:\[|$)", part)
        comment = re.search(r"\[comment\]\s*(.*?)\s*(?:\[/comment\]|\[/on\]|$)", part)
        told = part[dates[0].end :] if dates else part
        steps.append(
            Step(
                dates[0].first if dates else "",
                status.group(1) if status else "",
                comment.group(1) if comment else "" if status else _untagged(told),
            )
        )
    return steps


def _untagged(text: str) -> str:
    return re.sub(r"\[/?\w+\]", " ", text).strip()


def entry_number(document: Document) -> str:
    """The register's number of an entry, from its title or address; "" when neither shows it."""
    for item in document.paragraphs[:6]:
        match = re.search(r"\((\d{3,5})\)\s*$", item.text)
        if match:
            return match.group(1)
    match = re.search(r"/(\d{3,5})/?$", document.address)
    return match.group(1) if match else ""


def indicated_by(published: str, time_scale: str) -> tuple[str, str]:
    """The interval of days on which a recommendation falls due by its time scale.

    Parameters
    ----------
    published : str
        ISO day, or month YYYY-MM: then the interval covers every day of that month.
    time_scale : str
        "within three months" or "within six months"; ``immediately`` has no date.

    Returns
    -------
    (str, str)
        First and last possible ISO month (day, where published is a day); ("", "") when the time
        scale indicates none.
    """
    months = _MONTHS_OF.get(time_scale)
    if months is None or not published:
        return "", ""
    total = int(published[:4]) * 12 + int(published[5:7]) - 1 + months
    month = f"{total // 12:04d}-{total % 12 + 1:02d}"
    if len(published) == 7:
        return month, month
    last = 28 if month[5:] == "02" else 30 if month[5:] in ("04", "06", "09", "11") else 31
    day = f"{month}-{min(int(published[8:]), last):02d}"
    return day, day
