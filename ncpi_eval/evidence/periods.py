"""Dates that are known to a day, a month or a year, as the days between which they must lie.

The record gives some dates exactly, some only roughly and some not at all. Treating a year as its
first of January would make up an answer; here every date is a period, and what is computed from
two periods is a range.
"""

from __future__ import annotations

import calendar
import datetime
from dataclasses import dataclass


@dataclass(frozen=True)
class Period:
    """Days between which a date lies, both inclusive; None where that side is not bounded."""

    first: datetime.date | None
    last: datetime.date | None

    @property
    def known(self) -> bool:
        """Bounded on both sides."""
        return self.first is not None and self.last is not None


def precision(text: str) -> str:
    """How exactly a date is printed: day, month, year, or unknown for a blank."""
    return {10: "day", 7: "month", 4: "year"}.get(len(text), "unknown")


def period(text: str, not_before: str = "", not_after: str = "") -> Period:
    """The period of a date of the record.

    Parameters
    ----------
    text : str
        ISO day, month YYYY-MM or year; "" is unknown.
    not_before, not_after : str
        What else bounds it, both inclusive, in the same forms; each replaces that end of the
        printed date, since it is there where sources disagree or know more.

    Examples
    --------
    >>> period("2017", not_after="2017-05").last
    datetime.date(2017, 5, 31)
    """
    early, late = not_before or text, not_after or text
    return Period(_first(early) if early else None, _last(late) if late else None)


def months_between(earlier: Period, later: Period) -> tuple[int, int] | None:
    """Fewest and most calendar months from one date to a later one; None unless both are known.

    Calendar months are counted by month, not by day, since most dates have no day: January to
    March is 2, whichever days. A range cannot begin below 0, as the order is known.
    """
    if None in (earlier.first, earlier.last, later.first, later.last):
        return None
    fewest = _month(later.first) - _month(earlier.last)
    most = _month(later.last) - _month(earlier.first)
    return max(fewest, 0), max(most, 0)


def add_months(when: datetime.date, months: int) -> datetime.date:
    """The same day so many months later, or the last day of that month if it is shorter."""
    year, month = divmod(_month(when) + months, 12)
    longest = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(when.day, longest))


def iso(when: datetime.date | None) -> str:
    """ISO day; "" for None."""
    return when.isoformat() if when else ""


def _month(when: datetime.date | None) -> int:
    assert when is not None
    return when.year * 12 + when.month - 1


def _first(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text + "-01-01"[len(text) - 4 :])


def _last(text: str) -> datetime.date:
    if len(text) == 10:
        return datetime.date.fromisoformat(text)
    year, month = int(text[:4]), int(text[5:7] or 12)
    return datetime.date(year, month, calendar.monthrange(year, month)[1])
