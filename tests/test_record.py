"""The inspection record as it is read: what is in it, and what is refused and how."""

from __future__ import annotations

import pandas as pd
import pytest

from ncpi_eval import paths
from ncpi_eval.errors import InputError
from ncpi_eval.intake import record


@pytest.fixture
def changed(tmp_path):
    """A copy of a file of the record with one cell changed; rows count from 1."""

    def change(name, row, column, value):
        frame = pd.read_csv(paths.data("inspections", name), dtype=str, keep_default_na=False)
        frame.loc[row - 1, column] = value
        path = tmp_path / name
        frame.to_csv(path, index=False, lineterminator="\n")
        return path

    return change


def test_the_record_has_what_was_found():
    calendar = record.read_calendar()
    kinds = calendar["kind"].value_counts()
    # Counts by kind and confidence of the sources' compilation.
    assert (kinds["inspection"], kinds["post_inspection_review"], kinds["re_inspection"]) == (
        43,
        37,
        4,
    )
    assert calendar["confidence"].value_counts().to_dict() == {"high": 63, "medium": 25, "low": 4}
    assert calendar.loc[calendar["kind"] == "inspection", "force"].nunique() == 43
    assert set(calendar["data_kind"]) == {"public_record"}


def test_blanks_stay_blank():
    calendar = record.read_calendar()
    west_mercia = calendar[(calendar["name"] == "West Mercia") & (calendar["kind"] == "inspection")]
    row = west_mercia.iloc[0]
    assert (row["fieldwork_start"], row["published"], row["recommendations"]) == ("", "", "")
    audits = record.read_audits()
    assert audits.loc[audits["name"] == "Lancashire", "good"].tolist() == [""]


def test_first_inspections_are_those_of_the_force_table():
    forces = pd.read_csv(paths.data("inspections", "forces.csv"), dtype=str, keep_default_na=False)
    calendar = record.read_calendar()
    first = calendar[calendar["kind"] == "inspection"].set_index("force")["fieldwork_start"]
    assert first.reindex(forces["force"]).tolist() == forces["first_inspection"].tolist()


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("kind", "visit", "found 'visit'; expected one of inspection, "),
        (
            "fieldwork_start",
            "2017-13",
            "found '2017-13'; expected YYYY-MM-DD, YYYY-MM, YYYY or blank",
        ),
        ("published", "2023-02-30", "found '2023-02-30'; expected YYYY-MM-DD"),
        ("recommendations", "nine", "found 'nine'; expected a whole number or blank"),
        ("confidence", "", "found nothing; expected high, medium or low"),
        ("source", "a book", "found 'a book'; expected the address of the page"),
        ("publisher", "", "found nothing; expected who published it"),
        ("force", "99", "found 99; expected a code of the force table"),
        ("name", "Kent", "found Kent; expected Avon and Somerset, the name of force 1"),
    ],
)
def test_a_wrong_cell_is_named_with_file_row_and_column(changed, column, value, expected):
    with pytest.raises(InputError) as refused:
        record.read_calendar(changed("calendar.csv", 2, column, value))
    assert f"calendar.csv, row 2, column {column}: {expected}" in str(refused.value)


def test_dates_out_of_order_are_refused(changed):
    with pytest.raises(InputError) as refused:
        record.read_calendar(changed("calendar.csv", 2, "published", "2023-07"))
    assert (
        "calendar.csv, row 2, column published: found 2023-07; "
        "expected no date before fieldwork_end, 2023-08-04" in str(refused.value)
    )


def test_an_event_given_twice_is_refused(tmp_path):
    frame = pd.read_csv(paths.data("inspections", "calendar.csv"), dtype=str)
    pd.concat([frame, frame.iloc[[1]]]).to_csv(tmp_path / "calendar.csv", index=False)
    with pytest.raises(InputError) as refused:
        record.read_calendar(tmp_path / "calendar.csv")
    assert "row 93, column kind: found Avon and Somerset, inspection, 2023-07-24 a second time" in (
        str(refused.value)
    )


def test_invented_and_real_rows_do_not_share_a_file(changed):
    with pytest.raises(InputError) as refused:
        record.read_calendar(changed("calendar.csv", 2, "data_kind", "synthetic"))
    assert "calendar.csv, column data_kind: found public_record, synthetic" in str(refused.value)


def test_a_missing_column_is_named(tmp_path):
    pd.DataFrame({"force": ["1"]}).to_csv(tmp_path / "calendar.csv", index=False)
    with pytest.raises(InputError, match="calendar.csv, header: found no column confidence"):
        record.read_calendar(tmp_path / "calendar.csv")


def test_grades_that_do_not_sum_need_a_known_error(changed):
    # Avon and Somerset: 17 + 30 + 22 = 69.
    with pytest.raises(InputError) as refused:
        record.read_audits(changed("case_audits.csv", 1, "cases", "70"))
    assert (
        "case_audits.csv, row 1, column cases: found 70; expected 69, the sum of the grades, "
        "or a known_error that says why" in str(refused.value)
    )


def test_a_grade_that_the_scale_lacks_is_refused(changed):
    with pytest.raises(InputError) as refused:
        record.read_audits(changed("case_audits.csv", 1, "adequate", "1"))
    assert "row 1, column adequate: found 1; expected blank: the scale is 3-point" in (
        str(refused.value)
    )


def test_a_step_belongs_to_a_recommendation(changed):
    register = record.read_recommendations()
    path = changed("recommendations_history.csv", 1, "recommendation", "1")
    with pytest.raises(InputError) as refused:
        record.read_history(path, register)
    assert "row 1, column recommendation: found '1'; expected a recommendation of the register" in (
        str(refused.value)
    )
    assert len(record.read_history(None, register)) == 14
