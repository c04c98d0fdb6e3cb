"""An invented inspection record of the invented forces, with the columns of the public one.

It shows what a record can hold, and what it can lack: months without a day, follow-ups that are
still awaited, audits in part, recommendations with and without a time scale. Dates of first
inspections are those of the force table; everything else is drawn. Addresses end in ``.invalid``,
which no page can have (RFC 2606).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval.intake.record import (
    AUDIT_COLUMNS,
    CALENDAR_COLUMNS,
    HISTORY_COLUMNS,
    REGISTER_COLUMNS,
    TIME_SCALES,
)

SEED = 1203
LAST_MONTH = "2023-11"
_STATUSES = ("being progressed", "awaiting review", "closed")


def build(forces: pd.DataFrame, seed: int = SEED) -> dict[str, pd.DataFrame]:
    """The four tables of a record by file name, without ``.csv``.

    Parameters
    ----------
    forces : DataFrame
        The invented force table: ``force, name, first_inspection``; text, blank is no inspection.
    seed : int
        The same seed gives the same record.
    """
    rng = np.random.default_rng(seed)
    rows: dict[str, list[dict[str, Any]]] = {
        "calendar": [],
        "case_audits": [],
        "recommendations": [],
        "recommendations_history": [],
    }
    for force in forces.to_dict("records"):
        if force["first_inspection"] and force["first_inspection"][:7] <= LAST_MONTH:
            _of_force(force, rng, rows)
    columns = (CALENDAR_COLUMNS, AUDIT_COLUMNS, REGISTER_COLUMNS, HISTORY_COLUMNS)
    return {
        name: pd.DataFrame(found, columns=list(wanted)).fillna("")
        for (name, found), wanted in zip(rows.items(), columns, strict=True)
    }


def _of_force(
    force: dict[str, Any], rng: np.random.Generator, rows: dict[str, list[dict[str, Any]]]
) -> None:
    month = force["first_inspection"][:7]
    first = _visit(force, "inspection", force["first_inspection"], rng)
    if not first:
        return
    rows["calendar"].append(first)
    rows["case_audits"] += _audit(force, "inspection", month, rng)
    _recommendations(force, first, rng, rows)
    later = _later(month, int(rng.integers(10, 24)))
    follow_up = _visit(force, "post_inspection_review", later, rng)
    if follow_up and rng.random() < 0.9:
        if rng.random() < 0.15:  # a date that nobody published
            follow_up |= {"fieldwork_start": "", "fieldwork_end": "", "confidence": "low"}
        rows["calendar"].append(follow_up)
        rows["case_audits"] += _audit(force, "post_inspection_review", later, rng)


def _visit(
    force: dict[str, Any], kind: str, start: str, rng: np.random.Generator
) -> dict[str, Any]:
    """A visit and its publication; nothing if it would be published after the record ends."""
    published = _later(start[:7], int(rng.integers(3, 8)))
    day = int(rng.integers(1, 29))
    if published > LAST_MONTH:
        return {}
    made = 0 if kind != "inspection" or rng.random() < 0.4 else int(rng.integers(4, 13))
    return {
        **_named(force, kind),
        "fieldwork_start": start,
        "fieldwork_end": start,
        "published": published if rng.random() < 0.3 else f"{published}-{day:02d}",
        "recommendations": made or "",
        **_provenance(force, rng),
    }


def _audit(
    force: dict[str, Any], kind: str, month: str, rng: np.random.Generator
) -> list[dict[str, Any]]:
    if rng.random() < 0.35:
        return []
    cases = int(rng.integers(24, 80))
    better = 0.15 if kind == "post_inspection_review" else 0.0
    good, middle, bad = rng.multinomial(cases, [0.25 + better, 0.35, 0.4 - better])
    whole = rng.random() < 0.8
    return [
        {
            **_named(force, kind),
            "scope": "all",
            "graded_by": "inspectors",
            "fieldwork": month,
            "cases": cases,
            "good": good if whole else "",
            "requires_improvement": middle if whole else "",
            "inadequate": bad,
            "grade_scale": "3-point",
            **_provenance(force, rng),
        }
    ]


def _recommendations(
    force: dict[str, Any],
    first: dict[str, Any],
    rng: np.random.Generator,
    rows: dict[str, list[dict[str, Any]]],
) -> None:
    """What was recommended, seen one by one, for some forces only."""
    if rng.random() < 0.6:
        return
    for number in range(1, int(rng.integers(2, 6))):
        identity = f"synthetic-{force['force']}-{number}"
        rows["recommendations"].append(
            {
                "recommendation": identity,
                **_named(force, "inspection"),
                "published": first["published"],
                "time_scale": str(rng.choice((*TIME_SCALES, ""))),
                **_provenance(force, rng),
            }
        )
        for step in range(int(rng.integers(0, 3))):
            date = _later(first["published"][:7], 2 + 5 * step)
            status = str(rng.choice(_STATUSES))
            if date <= LAST_MONTH:
                rows["recommendations_history"].append(
                    {
                        "recommendation": identity,
                        "date": date,
                        "status": status,
                        "closes": "yes" if status == "closed" else "",
                        **_provenance(force, rng),
                    }
                )


def _named(force: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"force": force["force"], "name": force["name"], "kind": kind}


def _provenance(force: dict[str, Any], rng: np.random.Generator) -> dict[str, str]:
    return {
        "data_kind": "synthetic",
        "publisher": "invented",
        "licence": "invented by this project",
        "source": f"https://record.invalid/{force['force']}",
        "confidence": str(rng.choice(("high", "high", "medium", "low"))),
        "note": "",
    }


def _later(month: str, months: int) -> str:
    number = int(month[:4]) * 12 + int(month[5:7]) - 1 + months
    return f"{number // 12}-{number % 12 + 1:02d}"
