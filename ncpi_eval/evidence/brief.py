"""Everything that the record holds of one force, as rows of one table.

There is always something to show: a force without any visit has rows that say so.
"""

from __future__ import annotations

import pandas as pd

from ncpi_eval.evidence import due, grades, record, waiting
from ncpi_eval.intake.record import Record

NOT_INSPECTED = "none"


def rows(own: Record, name: str, data_kind: str, until: str) -> pd.DataFrame:
    """Counts, visits, times, grades and recommendations of one force.

    Parameters
    ----------
    own : Record
        What is recorded of the force, as `Record.of` gives it; any part may be empty.
    name, data_kind : str
        Of the force.
    until : str
        ISO day that the whole record reaches, from `record.last_seen`.

    Returns
    -------
    DataFrame
        Rows by ``question``: ``record`` (counts: ``response`` visits, audits, recommendations,
        past_date, closed), then those of `record.timeline`, `waiting.durations`, `grades.grades`
        and `due.states`, with their columns.
    """
    parts = []
    listed = pd.DataFrame({"state": []})
    if len(own.calendar):
        parts += [record.timeline(own.calendar), waiting.durations(own.calendar, until)]
    if len(own.audits):
        parts.append(grades.grades(own.audits))
    if len(own.recommendations):
        listed = due.states(own.recommendations, own.history, until)
        parts.append(listed)
    counts = {
        "visits": ("inspections", "Visits in the record", len(own.calendar)),
        "audits": ("documents", "Audits of cases in the record", len(own.audits)),
        "recommendations": ("recommendations", "Recommendations seen one by one", len(listed)),
        **{
            state: ("recommendations", due.STATES[state], int(listed["state"].eq(state).sum()))
            for state in ("past_date", "closed")
        },
    }
    summary = [
        {
            "id": f"record.{response}",
            "question": "record",
            "item": item,
            "response": response,
            "subgroup_variable": "force",
            "subgroup": name,
            "unit": unit,
            "count": count,
            "data_kind": data_kind,
            "as_of": until,
        }
        for response, (unit, item, count) in counts.items()
    ]
    return pd.concat([pd.DataFrame(summary), *parts], ignore_index=True)


def follow_up(found: pd.DataFrame) -> str:
    """What is known of the follow-up of the first inspection.

    Returns
    -------
    str
        known, uncertain, missing or waiting, as in `waiting.durations`; `NOT_INSPECTED` where the
        record holds no first inspection.
    """
    own = found[found["question"].eq("time_to_follow_up")]
    return NOT_INSPECTED if own.empty else str(own["status"].iloc[0])
