"""Recommendations: when they fall due, and what may be said after that."""

from __future__ import annotations

import pandas as pd
import pytest

from ncpi_eval import paths, results
from ncpi_eval.document_files import read_document
from ncpi_eval.errors import DesignError
from ncpi_eval.evidence import due
from ncpi_eval.evidence.facts import DOCUMENT_COLUMNS
from ncpi_eval.evidence.periods import iso
from ncpi_eval.intake.record import (
    HISTORY_COLUMNS,
    REGISTER_COLUMNS,
    read_calendar,
    read_history,
    read_recommendations,
)


def register(*rows, kind="public_record"):
    """Recommendations: number, date of the report, time scale."""
    frame = pd.DataFrame(rows, columns=["recommendation", "published", "time_scale"])
    frame = frame.assign(name="A", confidence="high", data_kind=kind)
    return frame.reindex(columns=list(REGISTER_COLUMNS)).fillna("")


def steps(*rows, kind="public_record"):
    """Steps: number, date, status, closes."""
    frame = pd.DataFrame(rows, columns=["recommendation", "date", "status", "closes"])
    frame = frame.assign(confidence="medium", data_kind=kind)
    return frame.reindex(columns=list(HISTORY_COLUMNS)).fillna("")


@pytest.mark.parametrize(
    ("published", "time_scale", "first", "last"),
    [
        ("2018-03-08", "within three months", "2018-06-08", "2018-06-08"),
        ("2018-03", "within six months", "2018-09-01", "2018-09-30"),
        ("2018", "within three months", "2018-04-01", "2019-03-31"),
        ("2019-11-30", "within three months", "2020-02-29", "2020-02-29"),
        ("2018-03-08", "immediately", "", ""),
        ("2018-03-08", "", "", ""),
        ("", "within three months", "", ""),
    ],
)
def test_the_indicated_date_is_an_interval(published, time_scale, first, last):
    got = due.indicated(published, time_scale)
    assert (iso(got.first), iso(got.last)) == (first, last)


@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        ("2018-05-31", "not_due"),
        ("2018-06-01", "around_date"),  # published in March: due from 1 to 30 June
        ("2018-06-30", "around_date"),
        ("2018-07-01", "past_date"),
    ],
)
def test_the_state_turns_at_the_ends_of_the_interval(as_of, state):
    got = due.states(register(("1", "2018-03", "within three months")), steps(), as_of)
    assert got["state"].tolist() == [state]


def test_immediately_has_no_date_and_no_delay():
    got = due.states(register(("1", "2018-03", "immediately")), steps(), "2030-01-01").iloc[0]
    assert (got["state"], got["indicated_to"]) == ("no_date", "")


def test_nothing_is_closed_unless_a_source_says_so():
    asked = register(("1", "2018-03-08", "within three months"))
    told = steps(
        ("1", "2018-03-08", "awaiting-review", ""), ("1", "2018-12-14", "awaiting-review", "")
    )
    got = due.states(asked, told, "2019-01-01").iloc[0]
    assert (got["state"], got["status"], got["status_date"]) == (
        "past_date",
        "awaiting-review",
        "2018-12-14",
    )
    assert got["item"] == "past the indicated date, outcome unknown"
    # The register still carried it in December, after 8 June.
    assert (got["open_after_date"], got["confidence"]) == ("yes", "medium")
    closed = due.states(asked, told.assign(closes=["", "yes"]), "2019-01-01").iloc[0]
    assert (closed["state"], closed["open_after_date"]) == ("closed", "")


def test_steps_after_the_day_are_not_known_yet():
    asked = register(("1", "2018-03-08", "within three months"))
    told = steps(("1", "2018-03-08", "awaiting-review", ""), ("1", "2018-05-17", "done", "yes"))
    got = due.states(asked, told, "2018-05-16").iloc[0]
    assert (got["state"], got["status"], got["steps"]) == ("not_due", "awaiting-review", 1)


def test_the_known_entries():
    asked = read_recommendations()
    listed = due.states(asked, read_history(None, asked), "2023-11-24")
    # Register entries 8775, 8777, 8783, 8784 (8 March 2018, three months) as last seen.
    lancashire = listed[listed["subgroup"] == "Lancashire"]
    assert set(lancashire["indicated_to"]) == {"2018-06-08"}
    assert set(lancashire["status"] + lancashire["status_date"]) == {"awaiting-review2018-12-14"}
    assert set(lancashire["open_after_date"]) == {"yes"}
    merseyside = results.pick(listed, id="recommendation.9212")
    assert (merseyside["state"], merseyside["status"]) == ("unknown", "will-be-progressed")
    counts = due.state_counts(listed).set_index("id")["count"]
    # 4 of Lancashire and 2 of Warwickshire; 3 immediate and 1 within six months of Warwickshire.
    assert counts["recommendations.within-three-months.past_date"] == 6
    assert counts["recommendations.immediately.no_date"] == 3
    assert counts["recommendations.within-six-months.past_date"] == 1
    assert "closed" not in set(listed["state"])


def test_recommendations_by_report():
    calendar, asked = read_calendar(), read_recommendations()
    listed = due.states(asked, read_history(None, asked), "2023-11-24")
    reports = due.per_report(calendar, listed).set_index("subgroup")
    row = reports.loc["Warwickshire"]
    assert row[["count", "denominator", "immediately"]].tolist() == [6, 8, 3]
    assert pd.isna(reports.loc["Lancashire", "denominator"])
    number = due.number_per_report(calendar)
    # Compilation: 6, 8, 8, 9, 9, 10, 10, 12, 13, 15.
    assert number["estimate"].tolist() == [9.5, 6, 15]
    assert number["denominator"].tolist() == [10] * 3
    for frame in (listed, due.state_counts(listed), reports.reset_index(), number):
        results.check("due", frame)
        assert set(frame["data_kind"]) == {"public_record"}
        assert set(frame["confidence"]) <= {"high", "medium", "low"}


def test_invented_and_real_entries_do_not_mix():
    asked = register(("1", "2018-03", "immediately"))
    told = steps(("1", "2018-03-08", "awaiting-review", ""), kind="synthetic")
    with pytest.raises(DesignError, match="one kind of data; found public_record, synthetic"):
        due.states(asked, told, "2020-01-01")


def test_it_runs_on_an_entry_read_as_a_document():
    name = "02-brackenshire-register.txt"
    document = read_document(paths.data("synthetic", "documents", name), name)
    fact = dict.fromkeys(DOCUMENT_COLUMNS, "") | {
        "document": name,
        "kind": "register_entry",
        "force": "Brackenshire",
        "confidence": "0.95",
        "data_kind": "synthetic",
    }
    asked = pd.DataFrame([{"document": name, "time_scale": "within three months"}])
    entries, told = due.register_of_documents([document], pd.DataFrame([fact]), asked)
    got = due.states(entries, told, "2023-11-24").iloc[0]
    # The entry: number 9001, set up on 17 March 2016 as awaiting-review.
    assert (got["recommendation"], got["published"]) == ("9001", "2016-03-17")
    assert (got["status"], got["indicated_from"]) == ("awaiting-review", "2016-06-17")
    assert (got["state"], got["data_kind"]) == ("past_date", "synthetic")
