"""Who was inspected when, and how long publication and follow-up took.

The calendar was put together from public pages. Some dates are known to the day, some to the year,
some not at all, and each row says how far it can be trusted. So everything here is said three ways:
from the dates as printed, and with every doubtful date at its earliest and at its latest. A date
that nobody found is missing; only a force whose follow-up is not in the record is waiting.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ncpi_eval.errors import DesignError
from ncpi_eval.evidence.kinds import FOLLOW_UPS, INSPECTION
from ncpi_eval.evidence.periods import Period, iso, months_between, period, precision
from ncpi_eval.evidence.spans import DOUBTFUL, LIKELY
from ncpi_eval.evidence.survival import METHOD, kaplan_meier, median_time

CONFIDENCES = ("low", "medium", "high")
MEASURES = {
    "time_to_publication": "End of fieldwork to publication, first inspection",
    "time_to_follow_up": "End of fieldwork of the first inspection to fieldwork of its follow-up",
}
#: How doubtful dates are taken.
READINGS = {
    "as_printed": "dates printed at least to the month; others are left out",
    "high_confidence": "as printed, both dates of high confidence",
    "earliest": "every doubtful date where it makes the time shortest",
    "latest": "every doubtful date where it makes the time longest",
}
KNOWN, UNCERTAIN, MISSING, WAITING = "known", "uncertain", "missing", "waiting"
_STATUSES = {
    KNOWN: "",
    UNCERTAIN: "A date is known only roughly, so the time is a range.",
    MISSING: "A date was not found; that is not the same as waiting.",
    WAITING: "Not in the record at the date of the data; counted as waiting until then.",
}
_CAVEATS = {
    "time_to_publication": "An inspection is known only once it is published, so none can be seen "
    "to wait; times are in calendar months.",
    "time_to_follow_up": "A follow-up is seen only once it is published, so one that had begun "
    "shortly before the date of the data counts as waiting; most forces caught by the suspension "
    "of March 2020 have no month for their follow-up, so long times are missing unless doubtful "
    "dates are taken in; times are in calendar months.",
}
_FEW = 2  # fewer times have neither median nor curve


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
        first_inspection (True for the one that others are counted from); fieldwork_start,
        fieldwork_end, published as printed; fieldwork_from, fieldwork_to, published_from,
        published_to (ISO days, inclusive, blank where not bounded); fieldwork_precision,
        published_precision (day, month, year, unknown); recommendations; confidence; publisher,
        source; caveat (the row's note).
    """
    kind_of_data = _one_kind(calendar)
    numbers = (calendar.groupby(["name", "kind"]).cumcount() + 1).tolist()
    first = {_first_inspection(rows) for _, rows in calendar.groupby("name")}
    rows = []
    for number, (index, row) in zip(numbers, calendar.iterrows(), strict=True):
        start, end = _fieldwork(row, "fieldwork_start"), _fieldwork(row, "fieldwork_end")
        published = _published(row)
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


def last_seen(calendar: pd.DataFrame) -> str:
    """ISO day of the last publication that the calendar has: up to then it is known to reach.

    Raises
    ------
    DesignError
        If no publication has a date.
    """
    seen = [_published(row).first for _, row in calendar.iterrows() if row["published"]]
    days = [day for day in seen if day is not None]
    if not days:
        raise DesignError("No event of the calendar has a date of publication.")
    return iso(max(days))


def durations(calendar: pd.DataFrame, as_of: str | None = None) -> pd.DataFrame:
    """Months to publication and to follow-up, for each force's first inspection.

    Pilots, quarterly updates and integrated reviews are neither inspections nor follow-ups. Later
    inspections of the same force are left out.

    Parameters
    ----------
    calendar : DataFrame
        As in `timeline`.
    as_of : str, optional
        ISO day until which waiting is counted; inspections that began later are left out. The
        default is `last_seen`.

    Returns
    -------
    DataFrame
        One row per measure (`MEASURES`) and force, unit inspections: id, question (the measure),
        subgroup (the force), estimate (months between the dates as printed; for those waiting,
        months waited; missing unless both are printed to the month), months_low and months_high
        (fewest and most, from the bounds of both dates; missing where a date is not bounded),
        status (`known`, `uncertain`, `missing`, `waiting`), from_date and to_date as printed,
        confidence (the lower of the two events), source, caveat, as_of.
    """
    kind_of_data = _one_kind(calendar)
    until = as_of or last_seen(calendar)
    rows = []
    for name, events in calendar.groupby("name"):
        index = _first_inspection(events)
        if index is None:
            continue
        first = _event(events, index)
        began = _fieldwork(first, "fieldwork_start").first
        if began is not None and began > _day(until):
            continue
        later = events[events["kind"].isin(FOLLOW_UPS)]
        follow_up = _event(later, _earliest(later)) if len(later) else None
        for measure in MEASURES:
            second = first if measure == "time_to_publication" else follow_up
            rows.append(
                {
                    "id": f"{measure}.{slug(str(name))}",
                    "question": measure,
                    "item": MEASURES[measure],
                    "subgroup_variable": "force",
                    "subgroup": name,
                    "unit": "inspections",
                    **_duration(measure, first, second, until),
                    "data_kind": kind_of_data,
                    "force": first["force"],
                    "value_unit": "months",
                    "as_of": until,
                }
            )
    frame = pd.DataFrame(rows)
    order = frame["question"].map(list(MEASURES).index)
    return frame.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)


def status_counts(times: pd.DataFrame) -> pd.DataFrame:
    """How many first inspections have a known, uncertain, missing or still running time.

    Parameters
    ----------
    times : DataFrame
        From `durations`.

    Returns
    -------
    DataFrame
        One row per measure and status, unit inspections: response (the status), count,
        denominator, estimate (share), confidence (the lowest of those counted), caveat.
    """
    rows = []
    for measure, of_measure in times.groupby("question", sort=False):
        for status, caveat in _STATUSES.items():
            own = of_measure[of_measure["status"] == status]
            count = len(own)
            rows.append(
                {
                    "id": f"{measure}.status.{status}",
                    "question": measure,
                    "item": MEASURES[str(measure)],
                    "response": status,
                    "subgroup_variable": "all",
                    "subgroup": "all",
                    "unit": "inspections",
                    "count": count,
                    "denominator": len(of_measure),
                    "estimate": count / len(of_measure),
                    "caveat": caveat,
                    "data_kind": _one_kind(times),
                    "confidence": lowest(*own["confidence"]) if count else "",
                    "as_of": of_measure["as_of"].iloc[0],
                }
            )
    return pd.DataFrame(rows)


def duration_summary(times: pd.DataFrame) -> pd.DataFrame:
    """Median, quartiles and range in months, and the median with those waiting counted.

    Parameters
    ----------
    times : DataFrame
        From `durations`.

    Returns
    -------
    DataFrame
        One row per measure, reading (`READINGS`, in `subgroup`) and statistic (in `response`:
        median, minimum, maximum, quartile_1, quartile_3 over the times that ended, with linear
        quartiles; waiting_median over all, by Kaplan and Meier). estimate in months; ci_low and
        ci_high for waiting_median only, since these forces are all there are and no sample;
        denominator (times used); waiting (those of them still waiting); left_out (no usable date);
        confidence (the lowest of the times used).
    """
    rows = []
    for measure in times["question"].unique():
        for reading in READINGS:
            taken = _taken(times, measure, reading)
            months, happened = taken.months, taken.happened
            shared = {
                "question": measure,
                "item": MEASURES[measure],
                "subgroup_variable": "reading",
                "subgroup": reading,
                "unit": "inspections",
            }
            ended = months[happened]
            if len(ended) < _FEW:
                continue
            curve = kaplan_meier(list(months), list(happened))
            median, low, high = median_time(curve)
            statistics = [
                ("median", float(np.median(ended)), "median of the times that ended"),
                ("minimum", ended.min(), "shortest"),
                ("maximum", ended.max(), "longest"),
                ("quartile_1", float(np.quantile(ended, 0.25)), "linear quartile"),
                ("quartile_3", float(np.quantile(ended, 0.75)), "linear quartile"),
                ("waiting_median", median, METHOD),
            ]
            for statistic, value, method in statistics:
                by_curve = statistic == "waiting_median"
                rows.append(
                    {
                        "id": f"{measure}.{statistic}.{reading}",
                        **shared,
                        "response": statistic,
                        "denominator": len(months) if by_curve else len(ended),
                        "estimate": value,
                        "ci_low": low if by_curve else np.nan,
                        "ci_high": high if by_curve else np.nan,
                        "method": f"{method}; {READINGS[reading]}",
                        "caveat": _CAVEATS[measure],
                        "data_kind": _one_kind(times),
                        "value_unit": "months",
                        "waiting": int((~happened).sum()) if by_curve else 0,
                        "left_out": taken.left_out,
                        "confidence": taken.confidence,
                        "as_of": times["as_of"].iloc[0],
                    }
                )
    return pd.DataFrame(rows)


def waiting_curve(
    times: pd.DataFrame, measure: str = "time_to_follow_up", reading: str = "as_printed"
) -> pd.DataFrame:
    """The share still waiting after each month, by Kaplan and Meier.

    Parameters
    ----------
    times : DataFrame
        From `durations`.
    measure, reading : str
        One of `MEASURES`, one of `READINGS`.

    Returns
    -------
    DataFrame
        One row per month at which something happened and one for month 0, unit inspections:
        months, at_risk, happened, estimate (share still waiting after that month), ci_low,
        ci_high; confidence (the lowest of the times used).

    Raises
    ------
    DesignError
        If the measure or reading is unknown, or fewer than two times ended.
    """
    if measure not in MEASURES or reading not in READINGS:
        raise DesignError(
            f"There is no waiting time {measure!r} by reading {reading!r}; measures are "
            f"{', '.join(MEASURES)}, readings {', '.join(READINGS)}."
        )
    taken = _taken(times, measure, reading)
    months, happened = taken.months, taken.happened
    if happened.sum() < _FEW:
        raise DesignError(
            f"{int(happened.sum())} times of {measure} ended; a curve needs at least {_FEW}."
        )
    curve = kaplan_meier(list(months), list(happened))
    start = pd.DataFrame({"time": [0.0], "at_risk": [len(months)], "happened": [0]})
    start = start.assign(estimate=1.0, std_error=0.0, ci_low=1.0, ci_high=1.0)
    curve = pd.concat([start, curve[curve["time"] > 0]], ignore_index=True)
    frame = pd.DataFrame(
        {
            "id": [f"{measure}.waiting.{reading}.{time:g}" for time in curve["time"]],
            "question": measure,
            "item": MEASURES[measure],
            "response": "waiting",
            "subgroup_variable": "reading",
            "subgroup": reading,
            "unit": "inspections",
            "estimate": curve["estimate"],
            "ci_low": curve["ci_low"],
            "ci_high": curve["ci_high"],
            "method": f"{METHOD}; {READINGS[reading]}",
            "caveat": _CAVEATS[measure],
            "data_kind": _one_kind(times),
            "months": curve["time"].astype(int),
            "at_risk": curve["at_risk"],
            "happened": curve["happened"],
            "std_error": curve["std_error"],
            "confidence": taken.confidence,
        }
    )
    return frame


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
        index = _first_inspection(events)
        if index is None:
            starts[str(name)] = _NEVER
            continue
        first = _event(events, index)
        starts[str(name)] = _fieldwork(first, "fieldwork_start")
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
                "data_kind": _one_kind(calendar),
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
    frame = pd.DataFrame("", index=range(len(kept)), columns=list(_CALENDAR_COLUMNS))
    frame["name"] = kept["force"].to_numpy()
    frame["source"] = kept["document"].to_numpy()
    frame["note"] = kept["problems"].to_numpy()
    frame["confidence"] = [confidence_word(text) for text in kept["confidence"]]
    same = ("kind", "fieldwork_start", "fieldwork_end", "published", "recommendations", "data_kind")
    for column in same:
        frame[column] = kept[column].to_numpy()
    return frame


_CALENDAR_COLUMNS = (
    "force name kind fieldwork_start fieldwork_end published fieldwork_not_before "
    "fieldwork_not_after published_not_before published_not_after recommendations data_kind "
    "publisher licence source confidence note"
).split()


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


# ---------------------------------------------------------------------------------------------

_NEVER = Period(datetime.date.max, None)


def _one_kind(frame: pd.DataFrame) -> str:
    kinds = sorted(set(frame["data_kind"]))
    if len(kinds) != 1:
        found = ", ".join(kinds) or "no rows"
        raise DesignError(f"A record has one kind of data; found {found}. Keep them apart.")
    return str(kinds[0])


def _day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _fieldwork(row: pd.Series, which: str) -> Period:
    return period(row[which], row["fieldwork_not_before"], row["fieldwork_not_after"])


def _published(row: pd.Series) -> Period:
    return period(row["published"], row["published_not_before"], row["published_not_after"])


def _first_inspection(events: pd.DataFrame) -> int | None:
    inspections = events[events["kind"] == INSPECTION]
    return _earliest(inspections) if len(inspections) else None


def _earliest(events: pd.DataFrame) -> int:
    """Label of the first event, by fieldwork, else publication; ties in the file's order."""

    def key(index: int) -> datetime.date:
        row = _event(events, index)
        start = _fieldwork(row, "fieldwork_start")
        known = start.first or start.last or _published(row).first
        return known or datetime.date.max

    return min(events.index, key=key)


def _event(events: pd.DataFrame, index: int) -> pd.Series:
    row = events.loc[index]
    assert isinstance(row, pd.Series)
    return row


def _may_precede(start: Period, day: datetime.date) -> bool:
    return start.first is None or start.first < day


def _duration(
    measure: str, first: pd.Series, second: pd.Series | None, until: str
) -> dict[str, object]:
    """What is known about one time: estimate, range, status and what it rests on."""
    to_column = "published" if measure == "time_to_publication" else "fieldwork_start"
    begin = _fieldwork(first, "fieldwork_end")
    end, printed = Period(None, None), ""
    rows = [first] if second is None or second is first else [first, second]
    if second is not None:
        printed = str(second[to_column])
        end = _published(second) if to_column == "published" else _fieldwork(second, to_column)
    waits = second is None or (end.first is not None and end.first > _day(until))
    if waits:
        end, printed, rows = period(until), "", [first]
    span = months_between(begin, end)
    dates = (first["fieldwork_end"], until if waits else printed)
    exact = all(precision(text) in ("day", "month") for text in dates)
    between = months_between(*(period(text) for text in dates)) if exact else None
    if waits:
        status = WAITING if exact else MISSING
    else:
        status = KNOWN if exact else UNCERTAIN if span else MISSING
    notes = [str(row["note"]) for row in rows if row["note"]]
    return {
        "estimate": between[0] if between else np.nan,
        "caveat": " ".join([_STATUSES[status], *(f"Note: {note}." for note in notes)]).strip(),
        "status": status,
        "months_low": span[0] if span else np.nan,
        "months_high": span[1] if span else np.nan,
        "from_date": dates[0],
        "to_date": printed,
        "confidence": lowest(*(row["confidence"] for row in rows)),
        "source": " ".join(dict.fromkeys(row["source"] for row in rows)),
    }


@dataclass(frozen=True)
class _Taken:
    """Months, whether they ended, how many times cannot be used, and the lowest confidence."""

    months: np.ndarray
    happened: np.ndarray
    left_out: int
    confidence: str


def _taken(times: pd.DataFrame, measure: str, reading: str) -> _Taken:
    rows = times[times["question"] == measure]
    column = {"earliest": "months_low", "latest": "months_high"}.get(reading, "estimate")
    statuses = [KNOWN, WAITING] + ([UNCERTAIN] if column != "estimate" else [])
    used = rows["status"].isin(statuses) & rows[column].notna()
    if reading == "high_confidence":
        used &= rows["confidence"] == "high"
    used_rows = rows[used]
    return _Taken(
        used_rows[column].to_numpy(dtype=float),
        (used_rows["status"] != WAITING).to_numpy(dtype=bool),
        int((~used).sum()),
        lowest(*used_rows["confidence"]) if len(used_rows) else "",
    )
