"""How long publication and follow-up took, and who is still waiting.

Everything is said from the dates as printed, and with every doubtful date at its earliest and at
its latest. A date that nobody found is missing; only a force whose follow-up is not in the record
is waiting.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ncpi_eval.errors import DesignError
from ncpi_eval.evidence.kinds import FOLLOW_UPS
from ncpi_eval.evidence.periods import Period, months_between, period, precision
from ncpi_eval.evidence.record import (
    earliest,
    event_at,
    fieldwork,
    first_inspection,
    last_seen,
    lowest,
    one_kind,
    publication,
    slug,
)
from ncpi_eval.evidence.survival import METHOD, kaplan_meier, median_time

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


def durations(calendar: pd.DataFrame, as_of: str | None = None) -> pd.DataFrame:
    """Months to publication and to follow-up, for each force's first inspection.

    Pilots, quarterly updates and integrated reviews are neither inspections nor follow-ups. Later
    inspections of the same force are left out.

    Parameters
    ----------
    calendar : DataFrame
        From `intake.record.read_calendar` or `record.calendar_of_documents`.
    as_of : str, optional
        ISO day until which waiting is counted; inspections that began later are left out. The
        default is `record.last_seen`.

    Returns
    -------
    DataFrame
        One row per measure (`MEASURES`) and force, unit inspections: id, question (the measure),
        subgroup (the force), estimate (months between the dates as printed; for those waiting,
        months waited; missing unless both are printed to the month), months_low and months_high
        (fewest and most, from the bounds of both dates; missing where a date is not bounded),
        status (`known`, `uncertain`, `missing`, `waiting`), from_date and to_date as printed,
        confidence (the lower of the two events), source, caveat, as_of.

    Raises
    ------
    DesignError
        If a follow-up comes before its inspection, or invented and real events are mixed.
    """
    kind_of_data = one_kind(calendar)
    until = as_of or last_seen(calendar)
    rows = []
    for name, events in calendar.groupby("name"):
        index = first_inspection(events)
        if index is None:
            continue
        first = event_at(events, index)
        began = fieldwork(first, "fieldwork_start").first
        if began is not None and began > datetime.date.fromisoformat(until):
            continue
        later = events[events["kind"].isin(FOLLOW_UPS)]
        follow_up = event_at(later, earliest(later)) if len(later) else None
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
                    "data_kind": one_kind(times),
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
                        "data_kind": one_kind(times),
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
            "data_kind": one_kind(times),
            "months": curve["time"].astype(int),
            "at_risk": curve["at_risk"],
            "happened": curve["happened"],
            "std_error": curve["std_error"],
            "confidence": taken.confidence,
        }
    )
    return frame


def waiting_curves(times: pd.DataFrame, readings: Iterable[str]) -> pd.DataFrame:
    """`waiting_curve` of every measure by each reading of which at least two times ended."""
    parts = [
        waiting_curve(times, measure, reading)
        for measure in MEASURES
        for reading in readings
        if _taken(times, measure, reading).happened.sum() >= _FEW
    ]
    return pd.concat(parts, ignore_index=True)


def _duration(
    measure: str, first: pd.Series, second: pd.Series | None, until: str
) -> dict[str, object]:
    """What is known about one time: estimate, range, status and what it rests on."""
    to_column = "published" if measure == "time_to_publication" else "fieldwork_start"
    begin = fieldwork(first, "fieldwork_end")
    end, printed = Period(None, None), ""
    rows = [first] if second is None or second is first else [first, second]
    if second is not None:
        printed = str(second[to_column])
        end = publication(second) if to_column == "published" else fieldwork(second, to_column)
    waits = second is None or (
        end.first is not None and end.first > datetime.date.fromisoformat(until)
    )
    if waits:
        end, printed, rows = period(until), "", [first]
    if not waits and begin.first and end.last and end.last < begin.first:
        raise DesignError(
            f"{first['name']}: what follows ({printed}) comes before fieldwork ended "
            f"({first['fieldwork_end']}); correct the calendar."
        )
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
