"""The page on data quality counts what it says it counts."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers_survey import BOOK, FORCES, respondents

from ncpi_eval.intake import groups
from ncpi_eval.intake.validation import validate
from ncpi_eval.survey import quality

KEYS = {"wave": "2019", "data_kind": "synthetic"}


def cells(frame: pd.DataFrame, **where: str) -> list[tuple[int, int]]:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return list(zip(frame["count"], frame["denominator"], strict=True))


def by_force(*sizes: int, unknown: int = 0) -> pd.DataFrame:
    codes = [
        code for code, size in zip((101, 102, 103, 104), sizes, strict=False) for _ in range(size)
    ]
    frame = pd.DataFrame({"RForc": pd.array([*codes, *[44, pd.NA][:unknown]], dtype="Int16")})
    return quality.response_by_force(frame, groups.derive(frame, BOOK, FORCES), BOOK, **KEYS)


@pytest.mark.parametrize(
    ("size", "band"),
    [(1, "1"), (2, "2_to_20"), (20, "2_to_20"), (21, "21_or_more"), (130, "21_or_more")],
)
def test_bands_of_responses_per_force(size, band):
    table = by_force(size)
    forces = table[table["subgroup"] == "all"]
    assert dict(zip(forces["response"], forces["count"], strict=True)) == {
        "1": 0,
        "2_to_20": 0,
        "21_or_more": 0,
    } | {band: 1}


def test_forces_by_band_and_status():
    # Alder and Birch are inspected, Cedar and Dogwood not; two respondents have no known force.
    table = by_force(1, 21, 5, 1, unknown=2)
    assert cells(table, subgroup="all") == [(2, 4), (1, 4), (1, 4)]
    assert cells(table, subgroup="inspected") == [(1, 2), (0, 2), (1, 2)]
    assert cells(table, subgroup="uninspected") == [(1, 2), (1, 2), (0, 2)]
    assert set(table["unit"]) == {"forces"}
    assert table["id"].is_unique


def test_no_force_is_named_and_there_is_no_rate():
    text = by_force(1, 21, 5, 1).to_csv()
    for name in [*FORCES["name"], "101", "104"]:
        assert name not in text


def test_without_forces_the_table_is_empty():
    frame = respondents(5).drop(columns="RForc")
    table = quality.response_by_force(frame, groups.derive(frame, BOOK), BOOK, **KEYS)
    assert table.empty
    assert list(table.columns) == quality.COLUMNS


def test_sample_profile_counts_options_over_the_base():
    frame = pd.DataFrame({"RSex": pd.array([1, 1, 2, 4, pd.NA], dtype="Int16")})
    table = quality.sample_profile(frame, BOOK, **KEYS)
    # Female, male, other; "prefer not to say" and unanswered leave the base of 3.
    assert cells(table, question="RSex") == [(2, 3), (1, 3), (0, 3)]
    assert table["estimate"].tolist() == [2 / 3, 1 / 3, 0]
    assert table["id"].tolist()[0] == "profile.RSex.1.all.all.2019"


def test_item_nonresponse_is_counted_among_those_asked():
    frame = respondents(6)
    frame["NCPIAware"] = pd.array([6, 1, 1, 1, 1, pd.NA], dtype="Int16")
    frame["NCPIAims"] = pd.array([pd.NA, pd.NA, 7, 6, 1, 2], dtype="Int16")
    table = quality.item_nonresponse(frame, BOOK, **KEYS)
    # Unanswered, prefer not to say, don't know: one of each among the five who were asked.
    assert cells(table, question="NCPIAims") == [(1, 5), (1, 5), (1, 5)]
    assert table[table["question"] == "NCPIAims"]["response"].tolist() == [
        "unanswered",
        "prefer_not_to_say",
        "dont_know",
    ]
    assert not {"serial", "TrainAny", "AOB_code", "REth_other"} & set(table["question"])


def test_open_questions_take_their_codes_from_the_column_that_completes_them():
    frame = respondents(4)
    frame["AOB"] = pd.Series(["x", None, None, None], dtype="str")
    frame["AOB_code"] = pd.array([pd.NA, 1, 2, pd.NA], dtype="Int16")
    table = quality.item_nonresponse(frame, BOOK, **KEYS)
    assert cells(table, question="AOB") == [(1, 4), (1, 4), (1, 4)]


def test_checks_of_validation_become_rows_of_the_project():
    frame = respondents(6).astype(object)
    frame["NCPIAware"], frame["NCPIAims"] = [6, 6, 6, 1, 1, 1], [1, 1, None, 1, 1, 1]
    for item in range(1, 5):
        frame[f"FSyst_{item}"] = [1, 2, 3, 4, item, 7]
    frame.loc[0, "AOB"] = " text "
    reported = validate(frame, BOOK, FORCES).reported
    routing = quality.routing_breaches(reported, **KEYS)
    assert cells(routing, question="NCPIAims") == [(2, 3)]
    lines = quality.straight_lining(reported, **KEYS)
    assert cells(lines, question="FSyst") == [(4, 5)]
    assert cells(quality.other_checks(reported, **KEYS), response="text_tidied")[0][0] == 1
    for table in (routing, lines):
        assert list(table.columns) == quality.COLUMNS
        assert set(table["data_kind"]) == {"synthetic"}
        assert table["id"].is_unique


def test_an_empty_base_has_no_estimate():
    frame = respondents(3)
    frame["LeEv"] = pd.array([2, 2, 2], dtype="Int16")
    table = quality.item_nonresponse(frame, BOOK, **KEYS)
    row = table[table["question"] == "LeEvHelp"].iloc[0]
    assert (row["count"], row["denominator"]) == (0, 0)
    assert pd.isna(row["estimate"])
