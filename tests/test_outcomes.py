"""The outcomes of forces and the plan: read as they stand, refused by cell, put in the calendar."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncpi_eval import paths, sources
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import outcome_series
from ncpi_eval.intake import outcomes, record

PLAN = outcomes.read_plan()


def plan_text() -> str:
    return paths.data("inspections", "analysis_plan.md").read_text(encoding="utf-8")


def refusal(call, *arguments) -> str:
    with pytest.raises(InputError) as refused:
        call(*arguments)
    return str(refused.value)


# The plan


def test_plan_settles_every_setting_and_its_outcomes_exist() -> None:
    assert {table: set(names) for table, names in PLAN.items()} == {
        table: set(names) for table, names in outcomes.SETTINGS.items()
    }
    named = [PLAN["outcome"][k] for k in ("primary", "comparison", "check")]
    known = set(outcomes.read_outcomes()["outcome"])
    assert {*named, *PLAN["outcome"]["secondary"]} <= known


def test_a_misspelt_a_missing_and_an_unknown_setting_are_named(tmp_path: Path) -> None:
    text = plan_text().replace('primary = "', 'primry = "').replace("[decision]", "[verdict]")
    path = tmp_path / "plan.md"
    path.write_text(text, encoding="utf-8")
    said = refusal(outcomes.read_plan, path)
    assert "plan.md [outcome]: found no primary; expected a value" in said
    assert "plan.md [outcome]: found primry; expected one of primary" in said
    assert "plan.md: found [verdict]; expected one of outcome" in said


@pytest.mark.parametrize("text", ["no block", "```toml\na = 1\n```\n```toml\nb = 1\n```\n"])
def test_a_plan_has_one_block(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.md"
    path.write_text(text, encoding="utf-8")
    assert "expected one. What to do: Keep all in one block." in refusal(outcomes.read_plan, path)


# Outcomes


def test_every_outcome_can_be_read_and_no_ratio_is_infinite() -> None:
    for name in outcomes.read_outcomes()["outcome"]:
        frame = outcomes.read_outcome(name)
        assert not frame.duplicated(["force", "period"]).any()
        assert np.isfinite(frame["value"].dropna()).all(), name


def test_eleven_codes_add_up_to_the_publishers_sum() -> None:
    # recorded_offences.csv carries the sum of the 11 codes as it was published beside them.
    raw = pd.read_csv(paths.data("inspections", "recorded_offences.csv"))
    printed = raw.set_index(["force", "quarter_start"])["child_sexual_offences_11_codes"]
    parts = [
        outcomes.read_outcome(name).set_index(["force", "period"])["value"]
        for name in ("child_sexual_offences_without_grooming", "sexual_grooming")
    ]
    assert len(parts[0]) == 43 * 45
    assert (parts[0] + parts[1]).to_numpy() == pytest.approx(printed.to_numpy())


def test_the_children_of_2016_are_as_many_as_the_facts_say() -> None:
    # Sum of the 11 codes over all forces in calendar 2016: 45,990 (Home Office open data as
    # compiled; the Children's Society counted 45,411 from the first publication).
    total = sum(
        frame.loc[frame["period"].dt.year == 2016, "value"].sum()
        for frame in map(
            outcomes.read_outcome, ("child_sexual_offences_without_grooming", "sexual_grooming")
        )
    )
    assert total == 45990


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("outcomes.csv", "recorded_offences.csv", "forces.csv"):
        shutil.copy(paths.data("inspections", name), tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("cruelty_children_young_persons_11a", "x", "column cruelty_children_young_persons_11a: "),
        ("name", "Kent", "row 1, column name: found 'Kent'; expected Avon and Somerset"),
        ("quarter_start", "2012-07-01", "row 2, column quarter_start: found Avon and Somerset"),
    ],
)
def test_a_wrong_cell_is_named(folder: Path, column: str, value: str, said: str) -> None:
    path = folder / "recorded_offences.csv"
    frame = pd.read_csv(path, dtype=str)
    frame.loc[0, column] = value
    frame.to_csv(path, index=False)
    assert said in refusal(outcomes.read_outcome, "cruelty_to_children", folder)


def test_an_unknown_outcome_and_a_missing_column_are_named(folder: Path) -> None:
    assert "found crime; expected child" in refusal(outcomes.read_outcome, "crime", folder)
    path = folder / "recorded_offences.csv"
    frame = pd.read_csv(path, dtype=str).drop(columns="cruelty_children_young_persons_11a")
    frame.to_csv(path, index=False)
    said = refusal(outcomes.read_outcome, "cruelty_to_children", folder)
    assert "header: found no column cruelty_children_young_persons_11a" in said


# The calendar


def forces(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "force": number,
                "name": name,
                "first_inspection": first or pd.NA,
                "inspected_before": before,
                "confidence": "high",
            }
            for number, (name, first, before) in enumerate(rows, 1)
        ]
    )


def test_dates_are_used_only_as_exactly_as_they_are_known() -> None:
    found = outcome_series.first_inspections(
        forces(
            ("day", "2018-03-31", ""),  # the last day of a financial year and of a quarter
            ("next day", "2018-04-01", ""),
            ("month", "2016-07", ""),
            ("year that the programme began", "2014", ""),  # April to December: one year
            ("later year", "2016", ""),  # January to March lie in another financial year
            ("only before", "", "2015-08"),
            ("City of London", "2019-12", ""),
        ),
        PLAN,
    ).set_index("name")
    assert found["year"].tolist()[:4] == [2018, 2019, 2017, 2015]
    assert found.loc["day", "quarter"] == pd.Timestamp("2018-01-01")
    assert found.loc["month", "quarter"] == pd.Timestamp("2016-07-01")
    assert pd.isna(found.loc["year that the programme began", "quarter"])
    assert found["excluded"].tolist() == [
        "",
        "",
        "",
        "",
        "the financial year of its first inspection is not known",
        "the financial year of its first inspection is not known",
        "left out by the plan",
    ]


def test_a_year_needs_four_quarters_and_a_ratio_is_of_sums() -> None:
    quarters = pd.to_datetime(
        ["2018-04-01", "2018-07-01", "2018-10-01", "2019-01-01", "2019-04-01"]
    )
    frame = pd.DataFrame(
        {
            "force": 1,
            "name": "A",
            "period": quarters,
            "numerator": [1.0, 2.0, 3.0, 4.0, 5.0],
            "denominator": [10.0, 10.0, 20.0, 10.0, 10.0],
            "data_kind": "public_record",
        }
    )
    year = outcome_series.by_year(frame.assign(value=frame["numerator"] / frame["denominator"]))
    assert year["period"].tolist() == [2019]
    assert year["value"].tolist() == [10 / 50]


def test_the_panel_has_no_force_that_the_plan_leaves_out() -> None:
    inspections = outcome_series.first_inspections(sources.read_forces(), PLAN)
    outcome = outcomes.read_outcome(PLAN["outcome"]["primary"])
    panel = outcome_series.yearly_panel(outcome, inspections, PLAN)
    assert panel.groupby("name").size().eq(8).all()
    assert not {"City of London", "West Mercia"} & set(panel["name"])
    norfolk = panel[panel["name"] == "Norfolk"]
    assert set(norfolk["first_inspected"]) == {2015}  # fieldwork in April 2014
    # First inspected in July 2022, behind the panel: not yet inspected throughout.
    assert set(panel.loc[panel["name"] == "Suffolk", "first_inspected"]) == {0}


def test_the_force_in_question_follows_from_the_calendar_alone() -> None:
    inspections = outcome_series.first_inspections(sources.read_forces(), PLAN)
    chosen = outcome_series.force_in_question(
        inspections, record.read_calendar(), outcomes.read_sizes(), PLAN
    )
    # April 2012 to March 2023 are 44 quarters; the middle one begins in October 2017.
    assert (chosen["name"], chosen["distance"]) == ("Lancashire", 0)


def counts(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Counts that vary by a twentieth more than chance, as recorded offences do."""
    return rng.poisson(mean * rng.gamma(400, 1 / 400, len(mean))).astype(float)


def test_the_known_step_is_found_where_one_was_put_and_only_there() -> None:
    rng = np.random.default_rng(5)
    quarters = pd.date_range("2012-04-01", "2023-01-01", freq="QS")
    step = np.where(quarters >= "2017-04-01", 3.0, 1.0)
    for factor, expected in ((step, True), (np.ones(len(quarters)), False)):
        frame = pd.DataFrame({"period": quarters, "value": counts(rng, 400 * factor), "force": 1})
        table = outcome_series.known_step(frame, PLAN).table
        level = table[table["term"] == "level"]
        assert len(level) == 6
        assert level["ratio_low"].gt(1.5).all() == expected
        if expected:
            # Three standard errors: six models of one draw, each wrong once in 400 draws.
            gap = np.log(level["ratio"].astype(float)) - np.log(3)
            assert (gap.abs() < 3 * level["std_error"]).all()
