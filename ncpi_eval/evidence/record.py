"""Who was inspected when, from a calendar that is exact in some places and vague in others.

The calendar was put together from public pages. Some dates are known to the day, some to the year,
some not at all, and each row says how far it can be trusted; nothing here is more exact than that.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

import pandas as pd

from ncpi_eval.errors import DesignError
from ncpi_eval.evidence.kinds import FOLLOW_UPS, INSPECTION
from ncpi_eval.evidence.periods import Period, iso, period, precision
from ncpi_eval.evidence.spans import DOUBTFUL, LIKELY
from ncpi_eval.intake.record import CALENDAR_COLUMNS

CONFIDENCES = ("low", "medium", "high")
_NEVER = Period(datetime.date.max, None)


def timeline(calendar: pd.DataFrame) -> pd.DataFrame:
    """Every event of the calendar with the days between which it must lie.

    Parameters
    ----------
    calendar : DataFrame
        From `intake.record.read_calendar` or `calendar_of_documents`.

    Returns
    -------
    DataFrame
        One row per event, by force and date, unit inspections: id; subgroup (the force); kind;
        first_inspection (True for the one that others are counted from); visit (``first``,
        ``follow_up`` or ``other``, such as a pilot or a quarterly update); fieldwork_start,
        fieldwork_end, published as printed; fieldwork_from, fieldwork_to, published_from,
        published_to (ISO days, inclusive, blank where not bounded); fieldwork_precision,
        published_precision (day, month, year, unknown); recommendations; confidence; publisher,
        source; caveat (the row's note).
    """
    kind_of_data = one_kind(calendar)
    numbers = (calendar.groupby(["name", "kind"]).cumcount() + 1).tolist()
    first = {first_inspection(rows) for _, rows in calendar.groupby("name")}
    rows = []
    for number, (index, row) in zip(numbers, calendar.iterrows(), strict=True):
        start, end = fieldwork(row, "fieldwork_start"), fieldwork(row, "fieldwork_end")
        published = publication(row)
        rows.append(
            {
                "id": f"calendar.{slug(row['name'])}.{row['kind']}.{number}",
                "question": "calendar",
                "item": str(row["kind"]).replace("_", " "),
                "subgroup_variable": "force",
                "subgroup": row["name"],
                "unit": "inspections",
                "caveat": row["note"],
                "data_kind": kind_of_data,
                "force": row["force"],
                "kind": row["kind"],
                "first_inspection": index in first,
                "visit": _visit(row["kind"], index in first),
                **{c: row[c] for c in ("fieldwork_start", "fieldwork_end", "published")},
                "fieldwork_from": iso(start.first),
                "fieldwork_to": iso(end.last),
                "published_from": iso(published.first),
                "published_to": iso(published.last),
                "fieldwork_precision": precision(row["fieldwork_start"]),
                "published_precision": precision(row["published"]),
                "recommendations": int(row["recommendations"]) if row["recommendations"] else None,
                **{c: row[c] for c in ("confidence", "publisher", "source")},
            }
        )
    frame = pd.DataFrame(rows)
    frame["recommendations"] = frame["recommendations"].astype("Int64")
    when = frame["fieldwork_from"].where(frame["fieldwork_from"] != "", frame["published_from"])
    frame = frame.assign(when=when.replace("", "9999"))
    ordered = frame.sort_values(["subgroup", "when"], kind="stable", ignore_index=True)
    return ordered.drop(columns="when")


def by_first_inspection(events: pd.DataFrame) -> pd.DataFrame:
    """The same events, forces in the order in which their first inspections began.

    Parameters
    ----------
    events : DataFrame
        From `timeline`, possibly saved and loaded. A first inspection of which only a latest day is
        known stands where that day does.
    """
    first = events[events["first_inspection"]].drop_duplicates("subgroup")
    began = (
        first["fieldwork_from"]
        .fillna("")
        .where(first["fieldwork_from"].fillna("") != "", first["fieldwork_to"])
    )
    place = dict(zip(first["subgroup"], began, strict=True))
    keys = events.assign(began=events["subgroup"].map(place))
    return events.loc[keys.sort_values(["began", "subgroup"], kind="stable").index]


def last_seen(calendar: pd.DataFrame) -> str:
    """ISO day of the last publication that the calendar has: up to then it is known to reach.

    Raises
    ------
    DesignError
        If no publication has a date.
    """
    seen = [publication(row).first for _, row in calendar.iterrows() if row["published"]]
    days = [day for day in seen if day is not None]
    if not days:
        raise DesignError("No event of the calendar has a date of publication.")
    return iso(max(days))


def coverage(calendar: pd.DataFrame, moments: Iterable[str]) -> pd.DataFrame:
    """How many forces' first inspection had begun before given moments.

    Parameters
    ----------
    calendar : DataFrame
        As in `timeline`.
    moments : iterable of str
        ISO days, months or years; begun means before the first day of it.

    Returns
    -------
    DataFrame
        One row per moment, unit forces: wave (the moment), count (certainly begun), count_possible
        (begun if every doubtful date were early), denominator (forces of the calendar), estimate,
        uncertain (names of those that make the difference), confidence (the lowest of those
        counted), caveat.
    """
    starts: dict[str, Period] = {}
    trust: dict[str, str] = {}
    for name, events in calendar.groupby("name"):
        index = first_inspection(events)
        if index is None:
            starts[str(name)] = _NEVER
            continue
        first = event_at(events, index)
        starts[str(name)] = fieldwork(first, "fieldwork_start")
        trust[str(name)] = first["confidence"]
    rows = []
    for moment in moments:
        day = period(moment).first
        assert day is not None
        sure = [n for n, p in starts.items() if p.last is not None and p.last < day]
        open_start = [n for n, p in starts.items() if n not in sure and _may_precede(p, day)]
        rows.append(
            {
                "id": f"coverage.{moment}",
                "question": "coverage",
                "item": "Forces whose first inspection had begun",
                "wave": moment,
                "subgroup_variable": "all",
                "subgroup": "all",
                "unit": "forces",
                "count": len(sure),
                "denominator": len(starts),
                "estimate": len(sure) / len(starts),
                "caveat": f"Not certain: {', '.join(open_start)}." if open_start else "",
                "data_kind": one_kind(calendar),
                "count_possible": len(sure) + len(open_start),
                "uncertain": ", ".join(open_start),
                "confidence": lowest(*(trust[n] for n in sure)) if sure else "",
            }
        )
    return pd.DataFrame(rows)


def calendar_of_documents(facts: pd.DataFrame) -> pd.DataFrame:
    """A calendar from the facts extracted from documents.

    Parameters
    ----------
    facts : DataFrame
        `facts.DOCUMENT_COLUMNS`, as text: one row per document.

    Returns
    -------
    DataFrame
        The columns of `intake.record.CALENDAR_COLUMNS`, one row per inspection or follow-up of a
        force; further copies of one, and documents of other kinds or without a force, are left
        out. `source` is the document; confidence is high, medium or low where the extraction's is
        at least `spans.LIKELY`, at least `spans.DOUBTFUL`, or below.
    """
    kept = facts[facts["kind"].isin((INSPECTION, *FOLLOW_UPS)) & (facts["force"] != "")]
    kept = kept.drop_duplicates(["force", "kind", "fieldwork_start"])
    frame = pd.DataFrame("", index=range(len(kept)), columns=list(CALENDAR_COLUMNS))
    frame["name"] = kept["force"].to_numpy()
    frame["source"] = kept["document"].to_numpy()
    frame["note"] = kept["problems"].to_numpy()
    frame["confidence"] = [confidence_word(text) for text in kept["confidence"]]
    same = ("kind", "fieldwork_start", "fieldwork_end", "published", "recommendations", "data_kind")
    for column in same:
        frame[column] = kept[column].to_numpy()
    return frame


def confidence_word(text: str) -> str:
    """An extraction's confidence (a number as text) as high, medium or low; blank is low."""
    value = float(text or 0)
    return "high" if value >= LIKELY else "medium" if value >= DOUBTFUL else "low"


def lowest(*confidences: str) -> str:
    """The least of several confidences."""
    return min(confidences, key=CONFIDENCES.index)


def slug(name: str) -> str:
    """A force's name as part of an id."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unknown"


def one_kind(frame: pd.DataFrame) -> str:
    """The one kind of data that all rows have; refused where there are several or none."""
    kinds = sorted(set(frame["data_kind"]))
    if len(kinds) != 1:
        found = ", ".join(kinds) or "no rows"
        raise DesignError(f"A record has one kind of data; found {found}. Keep them apart.")
    return str(kinds[0])


def fieldwork(row: pd.Series, which: str) -> Period:
    """When fieldwork started or ended: `which` is fieldwork_start or fieldwork_end."""
    return period(row[which], row["fieldwork_not_before"], row["fieldwork_not_after"])


def publication(row: pd.Series) -> Period:
    """When an event was published."""
    return period(row["published"], row["published_not_before"], row["published_not_after"])


def first_inspection(events: pd.DataFrame) -> int | None:
    """Label of a force's first inspection; None if it has none."""
    inspections = events[events["kind"] == INSPECTION]
    return earliest(inspections) if len(inspections) else None


def earliest(events: pd.DataFrame) -> int:
    """Label of the first event, by fieldwork, else publication; ties in the file's order."""

    def key(index: int) -> datetime.date:
        row = event_at(events, index)
        start = fieldwork(row, "fieldwork_start")
        known = start.first or start.last or publication(row).first
        return known or datetime.date.max

    return min(events.index, key=key)


def event_at(events: pd.DataFrame, index: int) -> pd.Series:
    """The row with this label."""
    row = events.loc[index]
    assert isinstance(row, pd.Series)
    return row


def _visit(kind: str, is_first: bool) -> str:
    return "first" if is_first else "follow_up" if kind in FOLLOW_UPS else "other"


def _may_precede(start: Period, day: datetime.date) -> bool:
    return start.first is None or start.first < day
