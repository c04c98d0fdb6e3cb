"""Dates and date ranges in running text, as ISO days or months."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

_MONTHS = (
    "january february march april may june july august september october november december"
).split()
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?"
    r"(?P<{0}>[0-3]?\d)(?:st|nd|rd|th)?(?:\s+of)?"
)
_YEAR = r"(?P<{0}>20[0-3]\d)(?!\d)"
_TO = r"\s*(?:-|to|until|through)\s*"
_AND = r"\s*(?:-|to|and|until)\s*"
_PART = r"(?:(?:early|mid|late)[- ])?"
_WEEK = r"(?:w/c|weeks? (?:commencing|beginning|starting|of))(?: on)?(?: the)?\s+"
_TWO_WEEKS = r"(?:(?:two|2)[- ]weeks?|fortnight)"
_FROM = (
    r"(?: period)?,?(?: (?:from|beginning|commencing|starting|which (?:began|started)"
    r"|that (?:began|started)))(?: on)?(?: the)?\s+"
)


@dataclass(frozen=True)
class Dates:
    """A day, a month or a range: ISO ``first`` and ``last`` (equal for one), and its place."""

    first: str
    last: str
    start: int
    end: int
    reckoned: bool = False
    """The last day is not printed but counted: the Friday of the last week that is named."""

    @property
    def is_range(self) -> bool:
        """More than one day or month."""
        return self.first != self.last

    @property
    def by_day(self) -> bool:
        """True when days are known, False for months."""
        return len(self.first) == 10


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(r"(?<![\d/-])" + text, re.IGNORECASE)


def _d(name: str) -> str:
    return _DAY.format(name)


def _m(name: str) -> str:
    return _MONTH.format(name)


def _y(name: str) -> str:
    return _YEAR.format(name)


_PATTERNS = [
    # weeks named by their first days; the Friday of the last one is reckoned
    _pattern(
        rf"{_WEEK}{_d('d1')}(?:\s+{_m('m1')})?(?:,?\s+{_y('y1')})?\s+and\s+(?:{_WEEK})?"
        rf"{_d('d2')}\s+{_m('m2')},?\s+{_y('y2')}(?P<week>)"
    ),
    _pattern(
        rf"{_TWO_WEEKS}{_FROM}{_d('d1')}\s+{_m('m1')},?\s+{_y('y1')}(?P<fortnight>)(?!{_TO}\d)"
    ),
    _pattern(
        rf"{_d('d1')}\s+{_m('m1')},?\s+{_y('y1')},?\s+(?:for|over)\s+"
        rf"(?:a )?{_TWO_WEEKS}(?P<fortnight>)"
    ),
    _pattern(rf"{_WEEK}{_d('d1')}\s+{_m('m1')},?\s+{_y('y1')}(?P<week>)"),
    _pattern(
        rf"(?P<days>four|five|ten|4|5|10) (?:working )?days{_FROM}{_d('d1')}\s+{_m('m1')},?\s+"
        rf"{_y('y1')}(?!{_TO}\d)"
    ),
    # two weeks printed apart: "26-30 November and 3-7 December 2018"
    _pattern(
        rf"{_d('d1')}{_TO}\d{{1,2}}(?:\s+{_m('m1')})?(?:\s+20\d\d)?,?\s+and\s+(?:from\s+)?"
        rf"\d{{1,2}}{_TO}{_d('d2')}\s+{_m('m2')},?\s+{_y('y2')}"
    ),
    _pattern(
        rf"{_d('d1')}\s+{_m('m1')}(?:,?\s+{_y('y1')})?,? and (?:was )?"
        rf"(?:end|finish|conclud|clos|complet)\w+(?: on)? {_d('d2')}\s+{_m('m2')},?\s+{_y('y2')}"
    ),
    _pattern(rf"{_d('d1')}\s+{_m('m1')},?\s+{_y('y1')}{_TO}{_d('d2')}\s+{_m('m2')},?\s+{_y('y2')}"),
    _pattern(
        rf"(?<=between\s){_d('d1')}\s+{_m('m1')},?\s+{_y('y1')}\s+and\s+"
        rf"{_d('d2')}\s+{_m('m2')},?\s+{_y('y2')}"
    ),
    _pattern(rf"{_d('d1')}\s+{_m('m1')}{_AND}{_d('d2')}\s+{_m('m2')},?\s+{_y('y2')}"),
    _pattern(
        rf"{_d('d1')}(?:,\s+\d{{1,2}}(?:st|nd|rd|th)?)+,?\s+and\s+"
        rf"{_d('d2')}\s+{_m('m2')},?\s+{_y('y2')}"
    ),
    _pattern(rf"{_d('d1')}{_AND}{_d('d2')}\s+{_m('m2')},?\s+{_y('y2')}"),
    _pattern(
        rf"\b{_m('m2')},?\s+{_y('y2')}\s*\((?:from |between )?{_d('d1')}{_AND}{_d('d2')}"
        rf"(?:\s+(?P=m2))?\)"
    ),
    _pattern(rf"(?<=between\s){_m('m1')}\s+{_y('y1')}\s+and\s+{_m('m2')},?\s+{_y('y2')}"),
    _pattern(rf"\b{_m('m1')},?\s+{_y('y1')}{_TO}{_m('m2')},?\s+{_y('y2')}"),
    # two months joined by "and" are one period only when one follows the other
    _pattern(
        rf"(?:(?<=over\s)|(?<=during\s)|(?<=in\s)){_m('m1')},?\s+{_y('y1')}\s+(?P<next>and)\s+"
        rf"{_m('m2')},?\s+{_y('y2')}"
    ),
    _pattern(rf"\b{_m('m1')}(?:{_AND}|/){_PART}{_m('m2')},?\s+{_y('y2')}"),
    _pattern(rf"{_d('d1')}\s+{_m('m1')},?\s+{_y('y1')}"),
    _pattern(rf"\b{_m('m1')}\s+{_d('d1')},\s+{_y('y1')}"),
    _pattern(rf"\b{_m('m1')},?\s+(?:of\s+)?{_y('y1')}"),
    _pattern(rf"{_y('y1')}-(?P<m1>[01]\d)-(?P<d1>[0-3]\d)(?!\d)"),
    _pattern(rf"(?P<d1>[0-3]?\d)/(?P<m1>[01]?\d)/{_y('y1')}"),
]


def _month_number(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(index for index, name in enumerate(_MONTHS, 1) if name.startswith(text.lower()[:3]))


def _iso(year: int, month: int, day: str | None) -> str | None:
    if not 1 <= month <= 12:
        return None
    if day is None:
        return f"{year:04d}-{month:02d}"
    longest = 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    return f"{year:04d}-{month:02d}-{int(day):02d}" if 1 <= int(day) <= longest else None


def find_dates(text: str) -> list[Dates]:
    """Every day, month and range in a plain text (see `wording.plain`), in reading order.

    A range whose first part lacks month or year takes them from the second: "4-15 February 2019",
    "30 November - 11 December 2015", "12 December - 6 January 2017" (starts in 2016). Two dates
    with years joined by "and" are a range only after "between".

    Examples
    --------
    >>> [(d.first, d.last) for d in find_dates("from 23 April - 4 May 2018")]
    [('2018-04-23', '2018-05-04')]
    """
    found: list[Dates] = []
    taken = [False] * len(text)
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if any(taken[match.start() : match.end()]):
                continue
            dates = _dates_of(match)
            if dates is not None:
                found.append(dates)
                taken[match.start() : match.end()] = [True] * (match.end() - match.start())
    return sorted(found, key=lambda dates: dates.start)


def _dates_of(match: re.Match[str]) -> Dates | None:
    part = match.groupdict()
    last_month = _month_number(part.get("m2") or part["m1"] or "")
    last_year = int(part.get("y2") or part["y1"] or 0)
    last = _iso(last_year, last_month, part.get("d2") or part.get("d1"))
    is_range = "m2" in part
    if not is_range:
        if last and ("week" in part or "fortnight" in part):
            return _weeks(last, last, 2 if "fortnight" in part else 1, match)
        if last and part.get("days"):
            return _working_days(last, _DAYS[part["days"].lower()], match)
        return Dates(last, last, match.start(), match.end()) if last else None
    first_month = _month_number(part["m1"]) if part.get("m1") else last_month
    first_year = int(part["y1"]) if part.get("y1") else last_year - (first_month > last_month)
    first = _iso(first_year, first_month, part.get("d1"))
    if first is None or last is None or first > last:
        return None
    if part.get("next") and months_between(first, last) != 1:
        return None
    if "week" in part:
        return _weeks(first, last, 1, match)
    return Dates(first, last, match.start(), match.end())


_DAYS = {"four": 4, "4": 4, "five": 5, "5": 5, "ten": 10, "10": 10}


def _working_days(first: str, count: int, match: re.Match[str]) -> Dates:
    """From a first day over so many days without Saturdays and Sundays."""
    day = _day(first)
    if day is None:
        return Dates(first, first, match.start(), match.end())
    while count > 1:
        day += datetime.timedelta(days=1)
        count -= day.weekday() < 5
    return Dates(first, day.isoformat(), match.start(), match.end(), reckoned=True)


def _weeks(first: str, last: str, weeks: int, match: re.Match[str]) -> Dates:
    """From a first day to the Friday of so many weeks, the last of which begins as named."""
    day = _day(last)
    if day is None or day.weekday() > 1:
        return Dates(first, last, match.start(), match.end())
    # a Tuesday begins a week whose Monday was a holiday or went to travelling
    end = day + datetime.timedelta(days=7 * weeks - 3 - day.weekday())
    return Dates(first, end.isoformat(), match.start(), match.end(), reckoned=True)


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None  # 29 February of a common year


def months_between(earlier: str, later: str) -> int:
    """Whole calendar months from one ISO day or month to another; negative when out of order."""
    return (int(later[:4]) - int(earlier[:4])) * 12 + int(later[5:7]) - int(earlier[5:7])
