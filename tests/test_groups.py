"""Groups follow the rules of the codebook and the force table, Gwent included."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers_survey import BOOK, FORCES

from ncpi_eval import sources
from ncpi_eval.errors import InputError
from ncpi_eval.intake import groups


def frame(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.array(cells, dtype="Int16") for name, cells in columns.items()})


def values(column: pd.Series) -> list[object]:
    return [None if pd.isna(value) else value for value in column]


#              Alder  Birch  Cedar  Dogwood  prefer not to say  unanswered
FORCE_CELLS = [101, 102, 103, 104, 44, pd.NA]


def test_inspection_status_and_timing_come_from_the_force_table():
    derived = groups.derive(frame(RForc=FORCE_CELLS), BOOK, FORCES)
    assert values(derived["inspection_status"]) == [
        "inspected",
        "inspected",
        "uninspected",
        "uninspected",  # fieldwork began in the month in which the survey opened
        None,
        None,
    ]
    assert values(derived["inspection_timing"]) == [
        "before_2017",
        "from_2017",
        "uninspected",
        "uninspected",
        None,
        None,
    ]


def test_a_later_wave_counts_later_inspections():
    derived = groups.derive(frame(RForc=FORCE_CELLS), BOOK, FORCES, opening="2019-03")
    assert values(derived["inspection_status"])[2:4] == ["uninspected", "inspected"]
    assert values(derived["inspection_timing"])[3] == "from_2017"


# Fieldwork starts around the two months that decide: 2017-01 and 2019-02, both exclusive.
@pytest.mark.parametrize(
    ("start", "status", "timing"),
    [
        ("2016-12", "inspected", "before_2017"),
        ("2016", "inspected", "before_2017"),
        ("2017-01-01", "inspected", "from_2017"),
        ("2017-01", "inspected", "from_2017"),
        ("2019-01-31", "inspected", "from_2017"),
        ("2019-02-01", "uninspected", "uninspected"),
        ("2019-03", "uninspected", "uninspected"),
        ("2020", "uninspected", "uninspected"),
        (None, "uninspected", "uninspected"),
    ],
)
def test_the_months_that_decide(start, status, timing):
    forces = FORCES.head(1).assign(first_inspection=pd.Series([start], dtype="str"))
    derived = groups.derive(frame(RForc=[101]), BOOK, forces)
    assert values(derived["inspection_status"]) == [status]
    assert values(derived["inspection_timing"]) == [timing]


def test_a_date_that_is_too_rough_is_refused():
    forces = FORCES.head(1).assign(first_inspection=["2019"])
    with pytest.raises(
        InputError, match="force 101, column first_inspection: found a date between"
    ):
        groups.derive(frame(RForc=[101]), BOOK, forces)


# Inspected by January 2019: 25 forces, 15 of them before 2017; Gwent in fieldwork from
# 4 February 2019 (HMICFRS, report of 28 June 2019). 16 forces inspected and 9 not is another
# count: those that had more than one response.
def test_the_real_calendar_gives_25_inspected_forces_and_gwent_is_not_one():
    forces = sources.read_forces()
    everyone = frame(RForc=list(range(1, 44)))
    derived = groups.derive(everyone, BOOK, forces)
    assert derived["inspection_status"].value_counts().to_dict() == {
        "inspected": 25,
        "uninspected": 18,
    }
    assert derived["inspection_timing"].value_counts().to_dict() == {
        "uninspected": 18,
        "before_2017": 15,
        "from_2017": 10,
    }
    names = forces["name"]
    of_force = dict(zip(names, derived["inspection_status"], strict=True))
    assert of_force["Gwent"] == "uninspected"
    # The pilot of 2014 is no inspection; a review in 2015 shows that West Mercia had one before.
    assert of_force["Avon and Somerset"] == "uninspected"
    assert of_force["West Mercia"] == "inspected"
    timing = dict(zip(names, derived["inspection_timing"], strict=True))
    assert [name for name, when in timing.items() if when == "from_2017"] == [
        "Bedfordshire",
        "Cleveland",
        "Gloucestershire",
        "Lancashire",
        "Leicestershire",
        "Lincolnshire",
        "Merseyside",
        "Northamptonshire",
        "Northumbria",
        "Sussex",
    ]


def test_joint_inspection_of_the_force():
    derived = groups.derive(frame(RForc=FORCE_CELLS), BOOK, FORCES)
    assert values(derived["joint_inspection"]) == [
        "inspected_and_joint",
        "inspected_only",
        "joint_only",
        "neither",
        None,
        None,
    ]
    assert values(derived["any_inspection"]) == [
        "inspected_or_joint",
        "inspected_or_joint",
        "inspected_or_joint",
        "neither",
        None,
        None,
    ]


def test_without_any_joint_inspection_on_record_those_groups_are_empty():
    forces = FORCES.assign(joint_inspection=pd.Series([None] * 4, dtype="str"))
    derived = groups.derive(frame(RForc=FORCE_CELLS), BOOK, forces)
    assert derived["joint_inspection"].isna().all()
    assert derived["any_inspection"].isna().all()
    assert derived["inspection_status"].notna().sum() == 4


def test_without_forces_the_other_groups_remain():
    derived = groups.derive(frame(RArea=[1, 2, 3, 4, 5, pd.NA]), BOOK)
    assert values(derived["area"]) == [
        "custody",
        "child_protection",
        "neighbourhood",
        "other",
        None,
        None,
    ]
    assert derived["inspection_status"].isna().all()


def test_bands_of_service_rank_and_support():
    cells = frame(
        RServ=[1, 3, 4, 5, 6, pd.NA],
        RRank=[1, 4, 5, 9, 10, 11],
        DecSupp=[1, 2, 3, 4, 5, 6],
        NCPIAware=[1, 6, 7, 8, 9, pd.NA],
    )
    derived = groups.derive(cells, BOOK)
    young, old = "up_to_5_years", "over_5_years"
    assert values(derived["service"]) == [young, young, old, old, None, None]
    assert values(derived["rank"]) == [
        "frontline",
        "frontline",
        "inspector_or_above",
        "inspector_or_above",
        "other",
        None,
    ]
    yes, no = "supported", "not_supported"
    assert values(derived["support"]) == [yes, yes, None, no, no, None]
    assert values(derived["awareness"]) == ["aware", "unaware", "aware", "aware", None, None]


@pytest.mark.parametrize(
    ("items", "code", "recency"),
    [
        ([4, 1, 2, 3], 1, "last_year"),
        ([4, 4, 2, 3], 2, "over_a_year"),
        ([4, 5, 3, 6], 3, "over_a_year"),
        ([4, 4, 4, 4], 4, "never_or_dont_know"),
        ([4, 4, 4, pd.NA], 4, "never_or_dont_know"),
        ([4, 4, 6, 4], 4, "never_or_dont_know"),
        ([4, 4, 5, 4], 5, "never_or_dont_know"),
        ([5, 5, 5, 5], 5, "never_or_dont_know"),
        ([6, 6, 6, 6], None, None),
        ([pd.NA, pd.NA, pd.NA, 6], None, None),
    ],
)
def test_most_recent_training_in_any_subject(items, code, recency):
    cells = frame(**{f"TrainFre_{n}": [item] for n, item in enumerate(items, 1)})
    assert values(groups.with_derived(cells, BOOK)["TrainAny"]) == [code]
    assert values(groups.derive(cells, BOOK)["training_recency"]) == [recency]


def test_status_by_area():
    cells = frame(RForc=[101, 103, 103, 44], RArea=[1, 1, 3, 1])
    derived = groups.derive(cells, BOOK, FORCES)
    assert values(derived["status_by_area"]) == [
        "custody_inspected",
        "custody_uninspected",
        "neighbourhood_uninspected",
        None,
    ]


def test_groups_are_categories_in_codebook_order_and_the_frame_is_left_alone():
    cells = frame(RArea=[4, 1])
    before = cells.copy()
    derived = groups.derive(cells, BOOK)
    assert list(derived.columns) == list(BOOK.groups)
    assert list(derived["area"].cat.categories) == list(BOOK.groups["area"].categories)
    pd.testing.assert_frame_equal(cells, before)
