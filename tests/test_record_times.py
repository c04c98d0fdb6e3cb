"""Periods, waiting times and the calendar, each by hand or against a published answer."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from ncpi_eval import paths, results
from ncpi_eval.errors import DesignError
from ncpi_eval.evidence import record, waiting
from ncpi_eval.evidence.periods import add_months, months_between, period
from ncpi_eval.evidence.survival import kaplan_meier, median_time
from ncpi_eval.intake.record import CALENDAR_COLUMNS, read_calendar

REFERENCE = paths.ROOT / "tests" / "reference" / "record" / "answers.csv"
# Weeks of remission on 6-MP, + for censored: 6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+
# 32+ 32+ 34+ 35+. Freireich and others (1963), Blood 21:699.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
# Kaplan and Meier (1958), JASA 53:457, their example: losses at 1.0, 2.7, 7.0 and 12.1.
TIMES_1958 = [0.8, 1.0, 2.7, 3.1, 5.4, 7.0, 9.2, 12.1]
DIED_1958 = [1, 0, 0, 1, 1, 0, 1, 0]


def events(*rows):
    """A calendar of force, kind, fieldwork, published, and confidence (one row each)."""
    columns = ["name", "kind", "fieldwork_start", "published", "confidence"]
    frame = pd.DataFrame(rows, columns=columns)
    return (
        frame.assign(fieldwork_end=frame["fieldwork_start"], data_kind="public_record")
        .reindex(columns=list(CALENDAR_COLUMNS))
        .fillna("")
    )


@pytest.fixture(scope="module")
def calendar():
    return read_calendar()


@pytest.fixture(scope="module")
def times(calendar):
    return waiting.durations(calendar)


# Periods


def test_a_date_is_the_days_between_which_it_lies():
    day = datetime.date
    assert period("2018") == period("2018-01-01", not_after="2018-12-31")
    assert (period("2020-02").first, period("2020-02").last) == (day(2020, 2, 1), day(2020, 2, 29))
    assert period("2017", not_after="2017-05").last == day(2017, 5, 31)
    assert period("", not_after="2015-08").first is None
    assert not period("").known


def test_months_between_is_a_range():
    assert months_between(period("2018-01-31"), period("2018-02-01")) == (1, 1)
    # From December 2018 to January 2019, or from January 2018 to December 2019.
    assert months_between(period("2018"), period("2019")) == (1, 23)
    assert months_between(period("2018-06"), period("2018")) == (0, 6)
    assert months_between(period(""), period("2018")) is None


def test_a_shorter_month_ends_earlier():
    assert add_months(datetime.date(2019, 11, 30), 3) == datetime.date(2020, 2, 29)
    assert add_months(datetime.date(2018, 9, 8), 6) == datetime.date(2019, 3, 8)


# Kaplan and Meier


def test_kaplan_meier_agrees_with_a_published_example():
    curve = kaplan_meier(WEEKS, RELAPSED)
    assert curve["time"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    # NAG Library, example results of g12aac (nag_surviv_kaplanmeier): survival, standard deviation.
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    deviation = [0.076, 0.087, 0.096, 0.107, 0.114, 0.128, 0.135]
    assert curve["estimate"].round(3).tolist() == published
    assert curve["std_error"].round(3).tolist() == deviation


def test_kaplan_meier_agrees_with_kaplan_and_meier():
    curve = kaplan_meier(TIMES_1958, DIED_1958)
    # Kaplan and Meier (1958): of 8, 5, 4 and 2 at risk one dies each time.
    by_hand = [7 / 8, 7 / 8 * 4 / 5, 7 / 8 * 4 / 5 * 3 / 4, 7 / 8 * 4 / 5 * 3 / 4 * 1 / 2]
    assert curve["estimate"].tolist() == pytest.approx(by_hand)
    assert by_hand == pytest.approx([7 / 8, 7 / 10, 21 / 40, 21 / 80])


@pytest.mark.parametrize(
    ("name", "given", "happened"),
    [("remission", WEEKS, RELAPSED), ("kaplan_meier_1958", TIMES_1958, DIED_1958)],
)
def test_intervals_and_median_are_those_of_r(name, given, happened):
    # R 4.2.2, survival 3.5-3, survfit(conf.type = "log-log"): tests/reference/record.
    _agrees_with_r(name, kaplan_meier(given, happened))


def test_the_calendars_curve_is_that_of_r(times):
    curve = waiting.waiting_curve(times).iloc[1:].rename(columns={"months": "time"})
    # R 4.2.2, survival 3.5-3, on 23 times and two still waiting: tests/reference/record.
    _agrees_with_r("follow_up", curve)


def _agrees_with_r(name, curve):
    answers = pd.read_csv(REFERENCE, dtype={"time": str})
    answers = answers[answers["set"] == name]
    median = answers[answers["time"] == "median"].iloc[0]
    answers = answers[answers["time"] != "median"]
    assert curve["time"].tolist() == answers["time"].astype(float).tolist()
    for column in ("at_risk", "happened", "estimate", "std_error", "ci_low", "ci_high"):
        np.testing.assert_allclose(curve[column], answers[column], rtol=0, atol=1e-9)
    expected = [median["estimate"], median["ci_low"], median["ci_high"]]
    np.testing.assert_array_equal(median_time(curve), expected)


def test_nothing_that_happened_gives_no_curve_and_no_median():
    curve = kaplan_meier([3, 5], [False, False])
    assert curve.empty
    assert np.isnan(median_time(curve)).all()


def test_a_missing_time_is_not_waiting():
    with pytest.raises(DesignError, match="missing or negative cannot count as still waiting"):
        kaplan_meier([3, np.nan], [True, False])
    with pytest.raises(DesignError, match="0 times and 0 outcomes"):
        kaplan_meier([], [])


# The calendar


def test_five_forces_by_hand():
    calendar = events(
        ("A", "inspection", "2018-01", "2018-05-11", "high"),
        ("A", "post_inspection_review", "2019-01-07", "2019-04", "medium"),
        ("B", "inspection", "2018-03", "2018", "medium"),  # published some time in 2018
        ("B", "re_inspection", "2019", "2019", "low"),
        ("C", "inspection", "2018-06", "2018-10", "high"),  # nothing since: waiting
        ("D", "inspection", "2018-02", "2018-06", "high"),
        ("D", "post_inspection_review", "", "2020", "low"),  # visited, nobody knows when
        ("E", "pilot_inspection", "2014-01", "2014-05", "high"),  # no inspection
    )
    got = waiting.durations(calendar, as_of="2019-06-30").set_index("id")
    columns = ["estimate", "months_low", "months_high", "status", "confidence"]
    expected = {
        "time_to_publication.a": [4, 4, 4, "known", "high"],
        "time_to_publication.b": [None, 0, 9, "uncertain", "medium"],
        "time_to_follow_up.a": [12, 12, 12, "known", "medium"],
        "time_to_follow_up.b": [None, 10, 21, "uncertain", "low"],
        "time_to_follow_up.c": [12, 12, 12, "waiting", "high"],
        "time_to_follow_up.d": [None, None, None, "missing", "low"],
    }
    for identity, values in expected.items():
        row = [None if pd.isna(v) else v for v in got.loc[identity, columns]]
        assert row == values, identity
    assert not any(identity.endswith(".e") for identity in got.index)


def test_what_comes_after_the_date_of_the_data_is_still_awaited():
    calendar = events(
        ("A", "inspection", "2018-01", "2018-05", "high"),
        ("A", "post_inspection_review", "2019-01", "2019-04", "high"),
        ("B", "inspection", "2019-02", "2019-06", "high"),
    )
    got = waiting.durations(calendar, as_of="2018-04-30").set_index("id")
    assert got["status"].tolist() == ["waiting", "waiting"]
    assert got["estimate"].tolist() == [3, 3]


def test_a_follow_up_before_its_inspection_is_refused():
    calendar = events(
        ("A", "inspection", "2018-03", "2018-05", "high"),
        ("A", "post_inspection_review", "2018-02", "2018-04", "high"),
    )
    with pytest.raises(DesignError, match=r"A: what follows \(2018-02\) comes before fieldwork"):
        waiting.durations(calendar)


def test_the_timings_are_those_that_were_compiled(times):
    summary = waiting.duration_summary(times).set_index("id")["estimate"]
    # Compilation from the same pages: end of fieldwork to publication, n = 37.
    assert _five(summary, "time_to_publication") == [5, 2, 7, 4, 5]
    # Same place: fieldwork to fieldwork of the follow-up, n = 23.
    assert _five(summary, "time_to_follow_up") == [12, 10, 29, 11, 12.5]
    counts = waiting.status_counts(times).set_index("id")["count"]
    assert counts["time_to_publication.status.known"] == 37
    assert counts["time_to_follow_up.status.known"] == 23
    # Only Avon and Somerset and Thames Valley, inspected in 2023, have no follow-up in the record.
    still = times.loc[times["status"] == "waiting", "subgroup"].tolist()
    assert still == ["Avon and Somerset", "Thames Valley"]


def _five(summary, measure):
    statistics = ("median", "minimum", "maximum", "quartile_1", "quartile_3")
    return [summary[f"{measure}.{statistic}.as_printed"] for statistic in statistics]


def test_doubtful_dates_make_a_range(times):
    rows = times.set_index("id")
    # Published October 2014 plus two months as one page says, plus four as another does.
    dyfed_powys = rows.loc["time_to_publication.dyfed-powys"]
    assert dyfed_powys[["estimate", "months_low", "months_high"]].tolist() == [2, 2, 4]
    # Inspected in April 2019, followed up in 2021: 21 months to January, 32 to December.
    kent = rows.loc["time_to_follow_up.kent"]
    assert np.isnan(kent["estimate"])
    assert kent[["months_low", "months_high"]].tolist() == [21, 32]
    summary = waiting.duration_summary(times).set_index("id")
    assert summary.loc["time_to_follow_up.waiting_median.as_printed", "left_out"] == 18
    assert summary.loc["time_to_follow_up.waiting_median.latest", "denominator"] == 38


def test_forces_inspected_before_the_survey(calendar):
    got = record.coverage(calendar, ["2015", "2017-01", "2019-02", "2024"]).set_index("wave")
    # Evaluation facts: 15 forces before 2017, 25 before the survey opened in February 2019.
    assert got["count"].tolist() == [7, 15, 25, 43]
    assert got["count_possible"].tolist() == [8, 15, 25, 43]
    assert got.loc["2015", "caveat"] == "Not certain: West Mercia."


def test_the_timeline_shows_every_event_with_its_bounds_and_confidence(calendar):
    shown = record.timeline(calendar)
    assert len(shown) == len(calendar) == 92
    assert shown["first_inspection"].sum() == 43
    row = results.pick(shown, id="calendar.cumbria.inspection.1")
    assert (row["published_from"], row["published_to"]) == ("2017-01-01", "2017-05-31")
    assert (row["published_precision"], row["confidence"]) == ("year", "medium")
    assert (shown["confidence"] != "").all()
    assert record.last_seen(calendar) == "2023-11-24"


def test_every_frame_speaks_the_vocabulary(calendar, times):
    for frame in (
        record.timeline(calendar),
        times,
        waiting.status_counts(times),
        waiting.duration_summary(times),
        waiting.waiting_curve(times, "time_to_publication", "latest"),
        record.coverage(calendar, ["2019-02"]),
    ):
        results.check("record", frame)
        assert set(frame["data_kind"]) == {"public_record"}
        assert "confidence" in frame


def test_an_unknown_curve_is_refused(times):
    with pytest.raises(DesignError, match="no waiting time 'time_to_tea' by reading 'latest'"):
        waiting.waiting_curve(times, "time_to_tea", "latest")


def test_too_few_times_are_refused():
    calendar = events(("A", "inspection", "2018-01", "2018-05", "high"))
    with pytest.raises(DesignError, match="1 times of time_to_publication ended"):
        waiting.waiting_curve(waiting.durations(calendar), "time_to_publication")


def test_invented_and_real_events_do_not_mix(calendar):
    mixed = calendar.copy()
    mixed.loc[0, "data_kind"] = "synthetic"
    with pytest.raises(DesignError, match="one kind of data; found public_record, synthetic"):
        waiting.durations(mixed)


def test_it_runs_on_the_documents():
    facts = pd.read_csv(
        paths.data("synthetic", "documents", "truth", "documents.csv"),
        dtype=str,
        keep_default_na=False,
    ).assign(confidence="0.70", problems="")
    calendar = record.calendar_of_documents(facts)
    # 24 invented forces, each with one inspection and one follow-up.
    assert (len(calendar), calendar["name"].nunique()) == (48, 24)
    assert set(calendar["confidence"]) == {"medium"}
    times = waiting.durations(calendar)
    assert set(waiting.duration_summary(times)["data_kind"]) == {"synthetic"}
