"""The arithmetic of printed numbers, on transcriptions small enough to check by hand."""

import pandas as pd
import pytest

from ncpi_eval.survey import consistency

COLUMNS = [
    "id", "key", "location", "question", "response", "subgroup_variable", "subgroup", "value",
    "unit", "base", "significant",
]  # fmt: skip


def figures(*rows):
    """Rows as (id, question, response, variable, subgroup, value), or with base and statement."""
    full = []
    for row in rows:
        identifier, question, response, variable, subgroup, value, *rest = row
        base, significant = (*rest, "", "")[:2]
        full.append(
            [identifier, identifier.split("-")[0], "chapter", question, response, variable,
             subgroup, value, "percent", base, significant]
        )  # fmt: skip
    return pd.DataFrame(full, columns=COLUMNS)


@pytest.mark.parametrize(
    ("printed", "low", "high"), [(0, 0, 0.5), (54, 53.5, 54.5), (100, 99.5, 100)]
)
def test_a_printed_percentage_stands_for_an_interval(printed, low, high):
    assert consistency.bounds(printed) == pytest.approx((low, high), abs=1e-6)


def test_a_claim_repeated_with_another_number_is_found():
    table = figures(
        ("late-1", "NCPIimp", "1", "inspection_timing", "from_2017", 33),
        ("late-2", "NCPIimp", "1", "inspection_timing", "from_2017", 26),
        ("none-1", "NCPIimp", "1", "inspection_status", "uninspected", 12),
        ("none-2", "NCPIimp", "1", "inspection_status", "uninspected", 12),
    )
    found = consistency.repeated(table).set_index("about")["holds"]
    assert found.to_dict() == {
        "NCPIimp 1 inspection_timing from_2017": False,
        "NCPIimp 1 inspection_status uninspected": True,
    }


@pytest.mark.parametrize(
    ("last", "holds"), [(4, True), (5, True), (6, True), (7, False), (1, False)]
)
def test_answers_that_cover_a_question_sum_to_100_within_half_a_point_each(last, holds):
    # 79 + 10 + 7 = 96; four numbers may be off by 2 in all.
    table = figures(
        ("a", "FSyst_1", "1|2", "all", "all", 79),
        ("b", "FSyst_1", "3", "all", "all", 10),
        ("c", "FSyst_1", "4|5", "all", "all", 7),
        ("d", "FSyst_1", "6", "all", "all", last),
    )
    found = consistency.totals(table, {"FSyst_1": ["1", "2", "3", "4", "5", "6"]})
    assert found["holds"].tolist() == [holds]


@pytest.mark.parametrize(("none", "holds"), [(25, True), (26, True), (27, False)])
def test_untrained_in_all_areas_are_untrained_in_each(none, holds):
    # 75 stands for 74.5 or more trained in one area, so 25.5 at most untrained;
    # 26 stands for 25.5 or more.
    table = figures(
        ("none", "TrainAny", "4", "area", "custody", none),
        ("one", "TrainFre_3", "1|2|3", "area", "custody", 75),
    )
    assert consistency.nested_training(table)["holds"].tolist() == [holds]


def test_reading_dont_know_into_the_set_removes_the_contradiction():
    table = figures(
        ("none", "TrainAny", "4|5", "area", "custody", 35),
        ("one", "TrainFre_3", "1|2|3|5", "area", "custody", 75),
    )
    assert consistency.nested_training(table).empty


def test_an_average_outside_its_groups_is_found_with_its_arithmetic():
    # 0.74 x 90 + 0.26 x 65 = 83.5, printed 80.
    table = figures(
        ("s", "DecSupp", "1|2", "all", "all", 74),
        ("all", "DecConf", "1|2", "all", "all", 80),
        ("y", "DecConf", "1|2", "support", "supported", 90),
        ("n", "DecConf", "1|2", "support", "everyone_else", 65),
    )
    found = consistency.averages(table)
    assert not found["holds"].iloc[0]
    assert "74% x 90 + 26% x 65" in found["arithmetic"].iloc[0]


def test_group_sizes_that_serve_one_question_but_not_another():
    # DecSupp needs few from custody (74 between 52 and 75), FLis nearly all (53 close to 52).
    def pair(question, overall, custody, neighbourhood):
        return [
            (f"{question}-all", question, "1", "all", "all", overall),
            (f"{question}-c", question, "1", "area", "custody", custody),
            (f"{question}-n", question, "1", "area", "neighbourhood", neighbourhood),
        ]

    options = {"DecSupp": ["1", "2"], "FLis": ["1", "2"]}
    together = figures(*pair("DecSupp", 74, 52, 75), *pair("FLis", 74, 52, 75))
    apart = figures(*pair("DecSupp", 74, 52, 75), *pair("FLis", 53, 52, 75))
    assert consistency.group_sizes(together, options)["holds"].tolist() == [True]
    found = consistency.group_sizes(apart, options)
    assert found["holds"].tolist() == [False]
    assert "DecSupp" in found["arithmetic"].iloc[0]


@pytest.mark.parametrize(("base", "holds"), [("389", True), ("390", False), ("846", False)])
def test_a_base_is_no_larger_than_the_number_asked(base, holds):
    # At least 54.5% of 856 are unaware and skip: at most 389.48 are asked.
    table = figures(
        ("aims", "NCPIAims", "1|2", "all", "all", 40, base),
        ("aware", "NCPIAware", "6", "all", "all", 55),
    )
    found = consistency.routed_bases(table, {"NCPIAims": ("NCPIAware", "6")}, 856)
    assert found["holds"].tolist() == [holds]


def test_a_comparison_called_both_alike_and_different_is_found():
    table = figures(
        ("x", "FLis", "", "inspection_status", "all", float("nan"), "", "yes"),
        ("y", "FLis", "", "inspection_status", "all", float("nan"), "", "no"),
        ("z", "DecSupp", "", "inspection_status", "all", float("nan"), "", "no"),
    )
    found = consistency.statements(table)
    assert found["about"].tolist() == ["FLis by inspection_status"]
    assert not found["holds"].iloc[0]


def test_readings_are_compared_by_the_checks_that_fail_under_them():
    table = figures(
        ("none", "TrainAny", "4", "all", "all", 19),
        ("one", "TrainFre_3", "4", "all", "all", 16),
    )
    readings = pd.DataFrame(
        {
            "point": ["untrained", "untrained"],
            "reading": ["literal", "with don't know"],
            "definition": ["no training", "no training or does not know"],
            "chosen": ["no", "yes"],
            "id": ["none", "none"],
            "question": ["", ""],
            "response": ["4", "4|5"],
            "subgroup_variable": ["", ""],
            "subgroup": ["", ""],
            "use": ["", ""],
        }
    )
    settings = {"options": {}, "routing": {}, "respondents": 856}
    found = consistency.compare_readings(table, readings, **settings)
    assert found["fail"].tolist() == [1, 0]


def test_single_answers_that_add_to_more_than_100_are_found():
    table = figures(
        ("a", "NCPIAware", "1", "all", "all", 45),
        ("b", "NCPIAware", "3", "all", "all", 24),
        ("c", "NCPIAware", "6", "all", "all", 55),
    )
    found = consistency.exclusive(table)
    assert found["arithmetic"].tolist() == ["45 + 24 + 55 = 124"]
    assert not found["holds"].iloc[0]


def test_a_misprint_is_left_out_and_an_unrouted_question_is_marked():
    table = figures(
        ("a", "NCPIAims", "1", "all", "all", 45),
        ("b", "NCPIAims", "2", "all", "all", 24),
    )
    blank = {c: ["", ""] for c in ("question", "response", "subgroup_variable", "subgroup")}
    reading = pd.DataFrame({"id": ["a", "b"], "use": ["misprint", "unrouted"]} | blank)
    read = consistency.apply_reading(table, reading)
    assert read["id"].tolist() == ["b"]
    assert read["unrouted"].tolist() == [True]
