"""What the scanner says: file, place, what was found there, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_DETAIL = "Take it out where it comes from, or declare it in data/release/exceptions.csv."

#: Kinds of findings, and what to do about each.
REMEDIES: Mapping[str, str] = {
    "row of a respondent": "Show a table of counts in place of rows; see results.save.",
    "serial": "Leave the serial out of what is shown.",
    "small count": "Pass the table through results.save, tables.show or figures.show.",
    "percentage on a small base": "Show count and base without a percentage.",
    "withheld number": "Show the released row, not the one before release.",
    "recovered number": "Withhold further cells; see disclosure.release.",
    "free text": "Show released examples only, or add a decision to data/release/quotations.csv.",
    "name": _DETAIL,
    "telephone number": _DETAIL,
    "e-mail address": _DETAIL,
    "collar number": _DETAIL,
    "postcode": _DETAIL,
    "national insurance number": _DETAIL,
    "local path": "Name files from the root of the repository.",
    "unreadable file": "Take it out, or save it in a format that can be read.",
}

_SHOWN = 4


@dataclass(frozen=True, order=True)
class Finding:
    """Something in an output that should not be there.

    Parameters
    ----------
    file : str
        Path below the folder that was scanned.
    place : str
        Line, cell, attribute or part of the file.
    kind : str
        One of `REMEDIES`.
    what : str
        As it stands in the file.
    """

    file: str
    place: str
    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}, {self.place}: {self.kind} {self.masked}. {REMEDIES[self.kind]}"

    @property
    def masked(self) -> str:
        """What was found as a log may show it: personal details shortened."""
        if self.kind in ("small count", "percentage on a small base", "withheld number"):
            return f"({self.what})"
        if self.kind in ("recovered number", "row of a respondent", "unreadable file"):
            return f"({self.what})"
        return f"'{self.what[:_SHOWN]}…' ({len(self.what)} characters)"
