"""Pictures of time: what is drawn where, and what is refused."""

from __future__ import annotations

import pandas as pd
import pytest

from ncpi_eval import paths, results, timelines
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import due, grades, record, waiting
from ncpi_eval.intake.record import (
    read_audits,
    read_calendar,
    read_history,
    read_recommendations,
)

NAMES = {"first": "First inspection", "follow_up": "Follow-up"}


def visit(force, kind, first, last, published="", confidence="high"):
    return {
        "id": f"{force}.{kind}",
        "subgroup": force,
        "visit": kind,
        "fieldwork_from": first,
        "fieldwork_to": last,
        "published_to": published,
        "confidence": confidence,
        "unit": "inspections",
        "data_kind": "public_record",
    }


def axes_of(figure):
    return figure.axes[0]


def test_a_mark_stands_in_the_middle_of_the_days_that_bound_it():
    events = pd.DataFrame([visit("A", "first", "2018-01-01", "2018-12-31", confidence="medium")])
    line, mark = axes_of(timelines.visits(events, names=NAMES)).lines
    # 1 January and 31 December: half a day into and half a day before the end of 365.
    assert list(line.get_xdata()) == pytest.approx([2018 + 0.5 / 365, 2019 - 0.5 / 365])
    assert mark.get_xdata()[0] == pytest.approx(2018.5)
    assert mark.get_fillstyle() == "left"


def test_a_visit_of_which_only_the_publication_is_known_is_an_arrow_and_no_mark():
    events = pd.DataFrame(
        [
            visit("A", "first", "2018-01-01", "2018-01-31"),
            visit("A", "follow_up", None, None, published="2019-12-31"),
            visit("B", "follow_up", None, None),
        ]
    )
    axes = axes_of(timelines.visits(events, names=NAMES))
    assert len(axes.lines) == 2  # line and mark of the one visit that has days
    (arrow,) = axes.texts
    assert arrow.xyann[0] == pytest.approx(2020 - 0.5 / 365)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A", "B"]


def test_a_kind_without_name_and_a_fifth_series_are_refused():
    events = pd.DataFrame([visit("A", "other", "2018-01-01", "2018-01-31")])
    with pytest.raises(InputError, match="no name for other; expected a name for each series"):
        timelines.visits(events, names=NAMES)
    with pytest.raises(InputError, match="found 5 series"):
        timelines.visits(events, names={"other": "o", **dict.fromkeys("abcd", "x")})


def test_the_band_is_that_of_the_first_series_and_holds_to_its_end():
    rows = [(0, 1.0, 1.0, 1.0), (2, 0.5, 0.2, 0.8), (4, 0.0, None, None)]
    frame = pd.DataFrame(rows, columns=["months", "estimate", "ci_low", "ci_high"])
    frame = frame.assign(subgroup="as_printed", unit="inspections", data_kind="public_record")
    axes = axes_of(timelines.steps(frame, names={"as_printed": "x"}, axis="m", label="w"))
    (band,) = axes.collections
    ends = band.get_paths()[0].get_extents()
    assert (ends.x0, ends.x1, ends.y0, ends.y1) == (0, 4, 0.2, 1.0)
    assert list(axes.lines[0].get_ydata()) == [1.0, 0.5, 0.0]


# What the page of the record takes from the record's own functions


def test_forces_stand_in_the_order_of_their_first_inspections():
    events = record.timeline(read_calendar())
    order = record.by_first_inspection(events)
    names = list(dict.fromkeys(order["subgroup"]))
    # calendar.csv: Greater Manchester in 2014 without month, Norfolk April 2014; last Avon 2023-07.
    assert names[:2] == ["Greater Manchester", "Norfolk"]
    assert names[-1] == "Avon and Somerset"
    assert len(order) == len(events)
    first = order[order["visit"] == "first"]
    assert list(first["subgroup"]) == names
    pilot = order[order["kind"] == "pilot_inspection"]
    assert pilot["visit"].tolist() == ["other"]


def test_curves_are_made_of_every_time_that_ended_twice():
    times = waiting.durations(read_calendar())
    curves = waiting.waiting_curves(times, ["as_printed", "latest"])
    assert set(curves["question"]) == set(waiting.MEASURES)
    assert curves["id"].is_unique
    alone = waiting.waiting_curve(times, "time_to_follow_up", "latest")
    own = curves[(curves["question"] == "time_to_follow_up") & (curves["subgroup"] == "latest")]
    assert own["estimate"].tolist() == alone["estimate"].tolist()


def test_audits_are_named_by_force_kind_and_year():
    labelled = grades.labelled(grades.grades(read_audits()))
    dorset = labelled[labelled["subgroup"] == "Dorset"]["label"].drop_duplicates()
    assert dorset.tolist() == ["Dorset, inspection 2021", "Dorset, follow-up 2022"]


def test_the_history_is_printed_step_by_step_with_its_source():
    entries = read_recommendations()
    steps = due.steps_as_printed(entries, read_history(None, entries))
    results.check("record_steps", steps)
    own = steps[steps["recommendation"] == "8775"]
    # The register's own page of entry 8775: 2018-03-08, 2018-05-17, last seen 2018-12-14.
    assert own["date"].tolist() == ["2018-03-08", "2018-05-17", "2018-12-14"]
    assert own["status"].tolist() == ["awaiting-review", "being-progressed", "awaiting-review"]
    assert steps["source"].str.startswith("https://").all()
    assert set(steps["closes"]) == {""}


def test_an_indicated_date_is_one_day_or_a_range():
    entries = read_recommendations()
    listed = due.states(entries, read_history(None, entries), "2023-11-24")
    one = listed.set_index("recommendation")["indicated"]
    assert one["8775"] == "2018-06-08"  # three months after 2018-03-08
    assert one["warwickshire-2022-1"] == ""  # immediately
    month = entries[entries["recommendation"] == "8775"].assign(published="2018-03")
    ranged = due.states(month, read_history(None, entries), "2023-11-24")
    assert ranged["indicated"].tolist() == ["2018-06-01 to 2018-06-30"]


@pytest.mark.parametrize(
    "name",
    ["calendar", "case_audits", "forces", "recommendations", "recommendations_history"],
)
def test_no_synthetic_row_is_in_the_files_of_the_record(name):
    kinds = set(pd.read_csv(paths.data("inspections", f"{name}.csv"), dtype=str)["data_kind"])
    assert kinds == {"public_record"}
