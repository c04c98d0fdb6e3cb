"""Which recommendations are due, as far as the public record tells.

A report says by when: immediately, within three or within six months. The register then says, for
some, what the force did. No page that was seen says that a recommendation was closed, so nothing is
called closed, met or late here unless a source does: after the indicated date the outcome is
unknown.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval.document_files.model import Document
from ncpi_eval.errors import DesignError
from ncpi_eval.evidence.kinds import INSPECTION, REGISTER
from ncpi_eval.evidence.periods import Period, add_months, iso, period
from ncpi_eval.evidence.record import confidence_word, lowest, slug
from ncpi_eval.evidence.register import entry_number, history
from ncpi_eval.intake.record import HISTORY_COLUMNS, REGISTER_COLUMNS, TIME_SCALES

MONTHS = {"within three months": 3, "within six months": 6}
STATES = {
    "closed": "closed: a source says so",
    "no_date": "immediately: no date is indicated, outcome unknown",
    "unknown": "time scale or date of publication not known",
    "not_due": "before the indicated date",
    "around_date": "the indicated date is near; known only to the month or year",
    "past_date": "past the indicated date, outcome unknown",
}
_FROM_PUBLICATION = "The time scale is counted from the publication of the report."
_AWAITING = (
    "When not the first step, awaiting-review can mean that the force reports completion and waits "
    "for the inspectorate."
)


def indicated(published: str, time_scale: str) -> Period:
    """The days on which a recommendation falls due, counted from its report's publication.

    Parameters
    ----------
    published : str
        ISO day, month or year; "" is unknown.
    time_scale : str
        One of `intake.record.TIME_SCALES` or "".

    Returns
    -------
    Period
        Both days inclusive; unbounded for ``immediately``, which has no date, and where the date
        of publication or the time scale is unknown.
    """
    made = period(published)
    months = MONTHS.get(time_scale)
    if months is None or made.first is None or made.last is None:
        return Period(None, None)
    return Period(add_months(made.first, months), add_months(made.last, months))


def states(recommendations: pd.DataFrame, steps: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Each recommendation with its indicated date, last seen status and state at a day.

    Parameters
    ----------
    recommendations, steps : DataFrame
        From `intake.record.read_recommendations` and `read_history`, or `register_of_documents`.
    as_of : str
        ISO day; later steps are left out. Usually the last day that the record reaches.

    Returns
    -------
    DataFrame
        One row per recommendation, unit recommendations: id; recommendation; subgroup (the force);
        time_scale; published; indicated_from, indicated_to (ISO days, blank where none; indicated
        is both in words); status and status_date (as printed in the last step seen, blank without
        any); steps (how many); state (a key of `STATES`); response (the same); open_after_date
        (``yes`` where a step after the indicated date does not close it: the register still
        carried it; else blank); confidence (the lowest of entry and steps); publisher, source;
        caveat; as_of.
    """
    kinds = sorted(set(recommendations["data_kind"]) | set(steps["data_kind"]))
    if len(kinds) > 1:
        raise DesignError(f"A register has one kind of data; found {', '.join(kinds)}.")
    day = datetime.date.fromisoformat(as_of)
    rows = []
    for entry in recommendations.to_dict("records"):
        own = steps[steps["recommendation"] == entry["recommendation"]]
        seen = [step for step in own.to_dict("records") if _by(step["date"], day)]
        told = [step for step in seen if step["status"]]
        due = indicated(entry["published"], entry["time_scale"])
        state = _state(entry, seen, due, day)
        rows.append(
            {
                "id": f"recommendation.{slug(entry['recommendation'])}",
                "question": "recommendation",
                "item": STATES[state],
                "response": state,
                "subgroup_variable": "force",
                "subgroup": entry["name"],
                "unit": "recommendations",
                "caveat": _caveat(entry, due, told),
                "data_kind": entry["data_kind"],
                **{c: entry[c] for c in ("recommendation", "time_scale", "published")},
                "indicated": _span(due),
                "indicated_from": iso(due.first),
                "indicated_to": iso(due.last),
                "status": told[-1]["status"] if told else "",
                "status_date": told[-1]["date"] if told else "",
                "steps": len(seen),
                "state": state,
                "open_after_date": "yes" if _open_after(seen, due) else "",
                "confidence": lowest(entry["confidence"], *(s["confidence"] for s in seen)),
                "publisher": entry["publisher"],
                "source": entry["source"],
                "as_of": as_of,
            }
        )
    return pd.DataFrame(rows)


def steps_as_printed(recommendations: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    """The status history of each recommendation, in the words and the order of the register.

    Parameters
    ----------
    recommendations, steps : DataFrame
        As in `states`.

    Returns
    -------
    DataFrame
        One row per step, unit recommendations: id; recommendation; subgroup (the force); step (its
        place in the history, from 1); date; status as printed; closes (``yes`` only where the
        source says so); caveat (the step's note); confidence, publisher, source.
    """
    names = dict(zip(recommendations["recommendation"], recommendations["name"], strict=True))
    place = steps.groupby("recommendation").cumcount() + 1
    kept = steps[["recommendation", "date", "status", "closes", "confidence"]].reset_index(
        drop=True
    )
    return kept.assign(
        id=[
            f"step.{slug(number)}.{step}"
            for number, step in zip(steps["recommendation"], place, strict=True)
        ],
        question="step",
        item="Step in the history of a recommendation",
        subgroup_variable="force",
        subgroup=steps["recommendation"].map(names).to_numpy(),
        unit="recommendations",
        caveat=steps["note"].to_numpy(),
        data_kind=steps["data_kind"].to_numpy(),
        step=place.to_numpy(),
        publisher=steps["publisher"].to_numpy(),
        source=steps["source"].to_numpy(),
    )


def state_counts(listed: pd.DataFrame) -> pd.DataFrame:
    """How many of the listed recommendations are in which state, by time scale.

    Parameters
    ----------
    listed : DataFrame
        From `states`.

    Returns
    -------
    DataFrame
        One row per time scale (``unknown`` where not known, and ``all``) and state that occurs
        there, unit recommendations: subgroup (time scale), response (state), count, denominator
        (listed with that time scale), estimate; confidence (the lowest of those counted); caveat.
    """
    scales = listed["time_scale"].replace("", "unknown")
    rows = []
    for scale in ("all", *TIME_SCALES, "unknown"):
        of_scale = listed if scale == "all" else listed[scales == scale]
        for state, meaning in STATES.items():
            own = of_scale[of_scale["state"] == state]
            count = len(own)
            if not count:
                continue
            rows.append(
                {
                    "id": f"recommendations.{slug(scale)}.{state}",
                    "question": "recommendations",
                    "item": meaning,
                    "response": state,
                    "subgroup_variable": "time_scale",
                    "subgroup": scale,
                    "unit": "recommendations",
                    "count": count,
                    "denominator": len(of_scale),
                    "estimate": count / len(of_scale),
                    "caveat": "Only recommendations that were seen one by one, no sample of all.",
                    "data_kind": of_scale["data_kind"].iloc[0],
                    "confidence": lowest(*own["confidence"]),
                    "as_of": of_scale["as_of"].iloc[0],
                }
            )
    return pd.DataFrame(rows)


def per_report(calendar: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """How many recommendations each report made, and how many of them were seen, by time scale.

    Parameters
    ----------
    calendar : DataFrame
        From `intake.record.read_calendar`.
    listed : DataFrame
        From `states`, of the same kind of data.

    Returns
    -------
    DataFrame
        One row per first-hand report of which the number is known or a recommendation was seen,
        unit recommendations: subgroup (the force), count (seen one by one), denominator (made;
        missing where not known), estimate (share seen), immediately, within_three_months,
        within_six_months, time_scale_unknown (of those seen), confidence, publisher, source.
    """
    reports = calendar[calendar["kind"] == INSPECTION]
    rows = []
    for report in reports.to_dict("records"):
        dated = [_same_date(date, report["published"]) for date in listed["published"]]
        own = listed[(listed["subgroup"] == report["name"]) & np.array(dated, dtype=bool)]
        made = int(report["recommendations"]) if report["recommendations"] else None
        if made is None and not len(own):
            continue
        by_scale = own["time_scale"].value_counts()
        rows.append(
            {
                "id": f"recommendations_made.{slug(report['name'])}.{report['published']}",
                "question": "recommendations_made",
                "item": "Recommendations of the report that were seen one by one",
                "subgroup_variable": "force",
                "subgroup": report["name"],
                "unit": "recommendations",
                "count": len(own),
                "denominator": made,
                "estimate": len(own) / made if made else np.nan,
                "caveat": "" if made else "How many the report made is not known.",
                "data_kind": report["data_kind"],
                **{s.replace(" ", "_"): int(by_scale.get(s, 0)) for s in TIME_SCALES},
                "time_scale_unknown": int(by_scale.get("", 0)),
                "confidence": report["confidence"],
                "publisher": report["publisher"],
                "source": report["source"],
            }
        )
    frame = pd.DataFrame(rows)
    if len(frame):
        frame["denominator"] = frame["denominator"].astype("Int64")
    return frame


def number_per_report(calendar: pd.DataFrame) -> pd.DataFrame:
    """Median and range of the number of recommendations that a first inspection made.

    Returns
    -------
    DataFrame
        Three rows, unit recommendations: response median, minimum, maximum; estimate (a number of
        recommendations); denominator (reports of which it is known); left_out (reports of which it
        is not); confidence (the lowest of those used). Empty if none is known.
    """
    reports = calendar[calendar["kind"] == INSPECTION]
    counted = reports[reports["recommendations"] != ""]
    if not len(counted):
        return pd.DataFrame()
    made = counted["recommendations"].astype(int)
    years = sorted(counted["published"].str[:4])
    values = {"median": made.median(), "minimum": made.min(), "maximum": made.max()}
    return pd.DataFrame(
        {
            "id": [f"recommendations_per_report.{name}" for name in values],
            "question": "recommendations_per_report",
            "item": "Recommendations made by a first inspection",
            "response": list(values),
            "subgroup_variable": "all",
            "subgroup": "all",
            "unit": "recommendations",
            "denominator": len(made),
            "estimate": [float(value) for value in values.values()],
            "caveat": f"Known for reports published {years[0]} to {years[-1]} only.",
            "data_kind": reports["data_kind"].iloc[0],
            "left_out": len(reports) - len(made),
            "confidence": lowest(*counted["confidence"]),
        }
    )


def register_of_documents(
    documents: Iterable[Document], facts: pd.DataFrame, recommendations: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recommendations and their history from register entries that were read as documents.

    Parameters
    ----------
    documents : iterable of Document
        Those that `facts` calls register entries are used.
    facts, recommendations : DataFrame
        `facts.DOCUMENT_COLUMNS` and `facts.RECOMMENDATION_COLUMNS`, as text.

    Returns
    -------
    (DataFrame, DataFrame)
        `intake.record.REGISTER_COLUMNS`: one row per recommendation of an entry; `published` is the
        entry's, else the day of its first step, on which entries are set up. Then
        `intake.record.HISTORY_COLUMNS`: its steps; `closes` is blank, as no closing words are
        known. A step without a readable date is left out of no count but has a blank date.
    """
    entries = {row["document"]: row for row in facts.to_dict("records") if row["kind"] == REGISTER}
    register, steps = [], []
    for document in documents:
        fact = entries.get(document.name)
        if fact is None:
            continue
        told = history(document)
        asked = recommendations[recommendations["document"] == document.name].to_dict("records")
        first_day = next((step.date for step in told if step.date), "")
        number = entry_number(document) or slug(document.name)
        shared = {
            "data_kind": fact["data_kind"],
            "source": document.name,
            "confidence": confidence_word(fact["confidence"]),
        }
        for place, item in enumerate(asked or [{"time_scale": ""}], start=1):
            name = number if len(asked) < 2 else f"{number}-{place}"
            register.append(
                {
                    "recommendation": name,
                    "name": fact["force"],
                    "kind": INSPECTION,
                    "published": fact["published"] or first_day,
                    "time_scale": item["time_scale"],
                    **shared,
                }
            )
            steps += [
                {
                    "recommendation": name,
                    "date": step.date,
                    "status": step.status,
                    "note": step.comment,
                    **shared,
                }
                for step in told
            ]
    return (
        pd.DataFrame(register, columns=list(REGISTER_COLUMNS)).fillna(""),
        pd.DataFrame(steps, columns=list(HISTORY_COLUMNS)).fillna(""),
    )


# ---------------------------------------------------------------------------------------------


def _state(
    entry: Mapping[Any, str],
    seen: list[dict[Any, Any]],
    due: Period,
    day: datetime.date,
) -> str:
    if any(step["closes"] == "yes" for step in seen):
        return "closed"
    if entry["time_scale"] == "immediately":
        return "no_date"
    if due.first is None or due.last is None:
        return "unknown"
    if day < due.first:
        return "not_due"
    return "past_date" if day > due.last else "around_date"


def _span(due: Period) -> str:
    first, last = iso(due.first), iso(due.last)
    return first if first == last else f"{first} to {last}"


def _open_after(seen: list[dict[Any, Any]], due: Period) -> bool:
    """Whether the register still carried it, unclosed, after the indicated date."""
    if due.last is None or any(step["closes"] == "yes" for step in seen):
        return False
    firsts = [period(step["date"]).first for step in seen]
    return any(first is not None and first > due.last for first in firsts)


def _by(date: str, day: datetime.date) -> bool:
    first = period(date).first
    return first is None or first <= day


def _same_date(one: str, other: str) -> bool:
    """Whether two dates can be the same, as far as both are known."""
    known = min(len(one), len(other))
    return bool(known) and one[:known] == other[:known]


def _caveat(entry: Mapping[Any, str], due: Period, told: list[dict[Any, Any]]) -> str:
    again = len(told) > 1 and told[-1]["status"] == "awaiting-review"
    parts = (
        _FROM_PUBLICATION if due.known else "",
        _AWAITING if again else "",
        f"Note: {entry['note']}." if entry["note"] else "",
    )
    return " ".join(filter(None, parts))
