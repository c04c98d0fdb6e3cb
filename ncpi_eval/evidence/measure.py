"""How often extraction is right: precision and recall by field against a labelled corpus.

Precision asks of the values given how many are right; recall asks of the values that are there
how many were found. A value given where the truth has none is invented and costs precision.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Any

import pandas as pd

from ncpi_eval.intervals import wilson

FIELDS = (
    "kind force published fieldwork_start fieldwork_end cases good requires_improvement inadequate "
    "recommendations"
).split()
SAME_TEXT = 0.9
"""Two texts are one recommendation when this share of their characters agrees, in order."""


def by_field(found: pd.DataFrame, truth: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Precision and recall of the table of documents.

    Parameters
    ----------
    found, truth : DataFrame
        Columns document and `FIELDS` (all text, "" where unknown); one row a document, no
        document twice. A document missing from ``found`` counts as nothing found.

    Returns
    -------
    (DataFrame, DataFrame)
        One row a field: field, unit, given, correct, wrong, missed, invented, present,
        precision, precision_low, precision_high, recall, recall_low, recall_high (Wilson, 95 %;
        missing where nothing was given or present). Then the failures: document, field, expected,
        found, failure (wrong, missed or invented).
    """
    paired = (
        truth[["document", *FIELDS]]
        .merge(
            found[["document", *FIELDS]], on="document", how="left", suffixes=("_true", "_found")
        )
        .fillna("")
    )
    rows, failures = [], []
    for field in FIELDS:
        marks = [
            _mark(expected, given)
            for expected, given in zip(
                paired[f"{field}_true"], paired[f"{field}_found"], strict=True
            )
        ]
        rows.append(_row(field, "documents", marks))
        failures += [
            {
                "document": paired["document"].iloc[i],
                "field": field,
                "expected": paired[f"{field}_true"].iloc[i],
                "found": paired[f"{field}_found"].iloc[i],
                "failure": mark,
            }
            for i, mark in enumerate(marks)
            if mark in ("wrong", "missed", "invented")
        ]
    return pd.DataFrame(rows), _failures(failures)


def recommendations(found: pd.DataFrame, truth: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Precision and recall of recommendations and of what was read from them.

    Parameters
    ----------
    found : DataFrame
        Columns document, text_span, time_scale, addressee, criterion.
    truth : DataFrame
        Columns document, text, time_scale, addressee, criterion.

    Returns
    -------
    (DataFrame, DataFrame)
        As `by_field`. Row ``recommendation`` counts texts; ``recommendation with time scale``
        counts texts whose time scale is right too; time_scale, addressee and criterion count
        within the recommendations that were found.
    """
    marks: dict[str, list[str]] = {
        name: []
        for name in (
            "recommendation",
            "recommendation with time scale",
            "time_scale",
            "addressee",
            "criterion",
        )
    }
    failures: list[dict[str, str]] = []
    groups = {name: part.to_dict("records") for name, part in found.groupby("document", sort=True)}
    documents = sorted({*truth["document"], *groups})
    for document in documents:
        expected = truth[truth["document"] == document].to_dict("records")
        given: list[dict[Any, Any]] = list(groups.get(document, []))
        for item in expected:
            match = _best(item["text"], given)
            if match is None:
                _fail(marks, failures, document, str(item["text"]), "", "missed")
                continue
            given.remove(match)
            marks["recommendation"].append("correct")
            right = match["time_scale"] == item["time_scale"]
            marks["recommendation with time scale"].append("correct" if right else "wrong")
            for name in ("time_scale", "addressee", "criterion"):
                mark = _mark(str(item[name]), str(match[name]))
                marks[name].append(mark)
                if mark not in ("correct", "absent"):
                    failures.append(
                        {
                            "document": document,
                            "field": name,
                            "failure": mark,
                            "expected": str(item[name]),
                            "found": str(match[name]),
                        }
                    )
        for extra in given:
            _fail(marks, failures, document, "", str(extra["text_span"]), "invented")
    rows = [_row(name, "recommendations", values) for name, values in marks.items()]
    return pd.DataFrame(rows), _failures(failures)


def as_results(table: pd.DataFrame, data_kind: str) -> pd.DataFrame:
    """Precision and recall as rows of the results vocabulary, so that prose can point at them.

    Parameters
    ----------
    table : DataFrame
        The first frame that `by_field` or `recommendations` returns.
    data_kind : str
        Of the labelled corpus; a synthetic one says how the machinery works and no more.

    Returns
    -------
    DataFrame
        Two rows a field, where something was given and present: id
        (``extraction.<field>.<precision or recall>``),
        question, item, response, unit, count, denominator, estimate, ci_low, ci_high, method,
        data_kind.
    """
    rows = []
    for row in table.to_dict("records"):
        for name, base in (("precision", "given"), ("recall", "present")):
            if row[base]:
                field = str(row["field"]).replace(" ", "_")
                rows.append(
                    {
                        "id": f"extraction.{field}.{name}",
                        "question": "extraction",
                        "item": str(row["field"]),
                        "response": name,
                        "unit": row["unit"],
                        "count": int(row["correct"]),
                        "denominator": int(row[base]),
                        "estimate": row[name],
                        "ci_low": row[f"{name}_low"],
                        "ci_high": row[f"{name}_high"],
                        "method": "share of values, Wilson interval",
                        "data_kind": data_kind,
                    }
                )
    return pd.DataFrame(rows)


def _fail(
    marks: dict[str, list[str]],
    failures: list[dict[str, str]],
    document: str,
    expected: str,
    found: str,
    failure: str,
) -> None:
    marks["recommendation"].append(failure)
    marks["recommendation with time scale"].append(failure)
    failures.append(
        {
            "document": document,
            "field": "recommendation",
            "expected": expected,
            "found": found,
            "failure": failure,
        }
    )


def _best(text: object, given: list[dict[Any, Any]]) -> dict[Any, Any] | None:
    scored = [(_alike(str(text), str(item["text_span"])), -i, item) for i, item in enumerate(given)]
    if not scored:
        return None
    score, _, item = max(scored, key=lambda entry: entry[:2])
    return item if score >= SAME_TEXT else None


def _alike(one: str, other: str) -> float:
    one, other = (
        re.sub(r"\W+", " ", text.replace("\u00ad", "")).lower().strip() for text in (one, other)
    )
    return 1.0 if one == other else SequenceMatcher(None, one, other, autojunk=False).ratio()


def _mark(expected: str, given: str) -> str:
    if not expected and not given:
        return "absent"
    if not given:
        return "missed"
    if not expected:
        return "invented"
    return "correct" if expected == given else "wrong"


def _row(field: str, unit: str, marks: list[str]) -> dict[str, object]:
    count = {mark: marks.count(mark) for mark in ("correct", "wrong", "missed", "invented")}
    given = count["correct"] + count["wrong"] + count["invented"]
    present = count["correct"] + count["wrong"] + count["missed"]
    row: dict[str, object] = {
        "field": field,
        "unit": unit,
        "given": given,
        **count,
        "present": present,
    }
    for name, base in (("precision", given), ("recall", present)):
        low, high = wilson(count["correct"], base) if base else (None, None)
        row[name] = count["correct"] / base if base else None
        row[f"{name}_low"], row[f"{name}_high"] = low, high
    return row


def _failures(rows: list[dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["document", "field", "expected", "found", "failure"])
