"""Claims in words, each relation true, false and without an answer, on rows a reader can count."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import stats

from ncpi_eval.errors import InputError
from ncpi_eval.survey import claims

UNITS = ("custody", "child_protection", "neighbourhood")
STATUS = ("inspected", "uninspected")


def row(question, response, count, base, variable="all", group="all", withheld=False):
    """One released row: `count` of `base`, or nothing where it is withheld."""
    return {
        "id": f"{question}.{response}.{variable}.{group}",
        "question": question,
        "response": response,
        "subgroup_variable": variable,
        "subgroup": group,
        "count": pd.NA if withheld else count,
        "denominator": pd.NA if withheld else base,
        "suppressed": withheld,
    }


def by(variable, groups, question, response, *counts, base=100):
    """Rows of a breakdown; a count of None is withheld."""
    return [
        row(question, response, count, base, variable, group, withheld=count is None)
        for group, count in zip(groups, counts, strict=True)
    ]


def units(*counts, question="FLis", response="1|2", base=100):
    return by("area", UNITS, question, response, *counts, base=base)


def released(*parts):
    rows = [one for part in parts for one in (part if isinstance(part, list) else [part])]
    return claims.Released(pd.DataFrame(rows))


def check(relation, rows, question="FLis", response="1|2", variable="all", group="all"):
    claim = pd.Series(
        {
            "id": "claim",
            "question": question,
            "response": response,
            "subgroup_variable": variable,
            "subgroup": group,
            "relation": relation,
        }
    )
    return claims.check_claim(claim, released(*rows) if isinstance(rows, list) else rows)


def verdict(*args, **where):
    """True, False, or None where there is no answer."""
    answer = check(*args, **where)
    return None if answer is None else answer[0]


# --- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "base", "shown"),
    # 89 of 200 is 44.5 and goes up; 454999 of a million is 45.4999 and does not; one more does.
    [(89, 200, 45), (88, 200, 44), (454_999, 1_000_000, 45), (455_000, 1_000_000, 46), (0, 7, 0)],
)
def test_percentages_are_whole_half_up_from_integer_counts(count, base, shown):
    one = released(row("Q", "1", count, base)).row("Q", "1")
    assert claims.whole_per_cent(one) == shown


def test_an_empty_base_has_no_percentage_and_is_no_group():
    rows = released(row("Q", "1", 0, 0), *by("area", ("custody", "other"), "Q", "1", 0, 0, base=0))
    assert claims.whole_per_cent(rows.row("Q", "1")) != claims.whole_per_cent(rows.row("Q", "1"))
    assert rows.answered("Q", "1") is None
    assert rows.groups("Q", "1", "area") is None


def test_response_sets_are_the_same_in_any_order():
    rows = released(row("Q", "2|1", 5, 10))
    assert rows.row("Q", "1|2").count == 5


def test_groups_are_all_there_or_there_is_no_comparison():
    rows = released(units(1, 2, 3, question="A"), units(1, None, 3, question="B"))
    assert list(rows.groups("A", "1|2", "area")) == list(UNITS)
    assert list(rows.groups("A", "1|2", "area", ["neighbourhood", "custody"])) == [
        "neighbourhood",
        "custody",
    ]
    assert rows.groups("A", "1|2", "area", ["custody", "other"]) is None
    # Child protection is withheld: the other two can be compared, all three cannot.
    assert rows.groups("B", "1|2", "area") is None
    assert list(rows.groups("B", "1|2", "area", ["custody", "neighbourhood"])) == [
        "custody",
        "neighbourhood",
    ]
    assert rows.base("A", "1|2", "area") == 300
    assert rows.base("B", "1|2", "area") != rows.base("B", "1|2", "area")
    assert rows.bases("B", "area") == []


def test_two_waves_at_once_are_refused():
    with pytest.raises(InputError) as error:
        released(row("Q", "1|2", 5, 10), row("Q", "2|1", 6, 10))
    assert str(error.value) == (
        "Published numbers can only be held against one wave.\n"
        "  - released rows: found 1 rows that repeat a question, answers and group, such as "
        "Q.2|1.all.all; expected one row of each. What to do: Select one wave."
    )


def test_a_row_that_is_there_twice_counts_once():
    rows = released(units(10, 20, 30), units(10, 20, 30))
    assert rows.base("FLis", "1|2", "area") == 300


def test_the_p_value_is_pearsons_without_correction():
    rows = released(*by("s", STATUS, "Q", "1", 30, 20, base=60))
    groups = rows.groups("Q", "1", "s").values()
    # scipy on the same table of 30 and 30 against 20 and 40.
    expected = stats.chi2_contingency([[30, 30], [20, 40]], correction=False).pvalue
    assert claims.pearson(groups) == pytest.approx(expected)


@pytest.mark.parametrize("count", [0, 60])
def test_groups_that_all_answer_alike_do_not_differ(count):
    rows = released(*by("s", STATUS, "Q", "1", count, count, base=60))
    assert claims.pearson(rows.groups("Q", "1", "s").values()) == 1


# --- groups --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("relation", "counts", "holds"),
    [
        ("lowest", (10, 20, 30), True),
        ("lowest", (20, 20, 30), False),
        ("lowest", (21, 20, 30), False),
        ("lowest", (10, None, 30), None),
        ("lowest", (None, 20, 30), None),
        ("highest", (30, 20, 10), True),
        ("highest", (30, 30, 10), False),
        ("highest", (30, 20, None), None),
        ("more than double", (41, 20, 10), True),
        ("more than double", (40, 20, 10), False),
        ("more than double", (41, 20, None), None),
    ],
)
def test_custody_against_the_two_other_units(relation, counts, holds):
    assert verdict(relation, units(*counts), variable="area", group="custody") is holds


def test_the_arithmetic_of_a_rank_is_told():
    answer = check("lowest", units(10, 20, 30), variable="area", group="custody")
    assert answer == (
        True,
        "10 of 100 against 20 of 100, 30 of 100",
        "FLis.1|2.area.custody",
    )


def test_other_units_do_not_enter_the_ranks_of_the_report():
    rows = [*units(10, 20, 30), row("FLis", "1|2", 1, 100, "area", "other")]
    assert verdict("lowest", rows, variable="area", group="custody") is True
    # Nor does a withheld one stand in the way.
    rows[-1] = row("FLis", "1|2", 1, 100, "area", "other", withheld=True)
    assert verdict("lowest", rows, variable="area", group="custody") is True


def test_shares_are_compared_exactly():
    # 1/3 and 333333333333/999999999999 are the same share.
    rows = [
        row("Q", "1", 1, 3, "service", "short"),
        row("Q", "1", 333333333333, 999999999999, "service", "long"),
    ]
    assert verdict("highest", rows, "Q", "1", "service", "short") is False
    assert verdict("lowest", rows, "Q", "1", "service", "short") is False


def test_a_breakdown_without_the_group_has_no_answer():
    rows = by("inspection_timing", ("before_2017", "from_2017"), "Q", "1", 10, 20)
    where = {"question": "Q", "response": "1", "variable": "inspection_timing"}
    assert verdict("highest", rows, **where, group="from_2017") is True
    assert verdict("highest", rows, **where, group="uninspected") is None
    assert verdict("highest", rows[:1], **where, group="before_2017") is None


@pytest.mark.parametrize(
    ("counts", "holds"),
    [((49, 49), True), ((49, 50), False), ((49, 51), False), ((49, None), None)],
)
def test_a_minority_in_each_group(counts, holds):
    rows = by("inspection_status", STATUS, "LeEv", "1|2", *counts)
    where = {"variable": "inspection_status", "group": "inspected|uninspected"}
    assert verdict("minority in each group", rows, "LeEv", "1|2", **where) is holds


@pytest.mark.parametrize(
    ("counts", "holds"), [((30, 20), True), ((20, 20), False), ((10, 20), False), ((9, None), None)]
)
def test_higher_in_the_first_group(counts, holds):
    rows = by("rank", ("frontline", "inspector_or_above"), "NCPIAware", "6", *counts)
    where = {"variable": "rank", "group": "frontline|inspector_or_above"}
    assert verdict("higher in the first group", rows, "NCPIAware", "6", **where) is holds
    swapped = where | {"group": "inspector_or_above|frontline"}
    expected = None if holds is None else counts[1] > counts[0]
    assert verdict("higher in the first group", rows, "NCPIAware", "6", **swapped) is expected


# --- everybody -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "majority", "minority"),
    [(51, True, False), (50, False, False), (49, False, True)],
)
def test_half_is_neither_majority_nor_minority(count, majority, minority):
    rows = [row("FLis", "1|2", count, 100)]
    assert verdict("majority", rows) is majority
    assert verdict("minority", rows) is minority


@pytest.mark.parametrize("relation", ["majority", "minority"])
def test_what_is_withheld_or_empty_is_neither(relation):
    assert verdict(relation, [row("FLis", "1|2", 51, 100, withheld=True)]) is None
    assert verdict(relation, [row("FLis", "1|2", 0, 0)]) is None
    assert verdict(relation, [row("FEff", "1|2", 51, 100)]) is None


def grid(*counts):
    return [
        row(f"TrainFre_{number}", "4", count, 100, withheld=count is None)
        for number, count in enumerate(counts, start=1)
    ]


@pytest.mark.parametrize(
    ("relation", "counts", "holds"),
    [
        ("highest of grid", (29, 16, 25, 21), True),
        ("highest of grid", (29, 29, 25, 21), False),
        ("highest of grid", (16, 29, 25, 21), False),
        ("highest of grid", (29, 16, None, 21), None),
        ("highest of grid", (None, 16, 25, 21), None),
        ("lowest of grid", (16, 29, 25, 21), True),
        ("lowest of grid", (16, 16, 25, 21), False),
        ("lowest of grid", (29, 16, 25, 21), False),
        ("lowest of grid", (16, 29, 25, None), None),
    ],
)
def test_an_item_against_the_others_of_its_grid(relation, counts, holds):
    assert verdict(relation, grid(*counts), "TrainFre_1", "4") is holds


def test_another_grid_with_a_longer_name_is_not_looked_at():
    rows = [*grid(29, 16), row("TrainFreMore_1", "4", 90, 100)]
    assert verdict("highest of grid", rows, "TrainFre_1", "4") is True


@pytest.mark.parametrize(
    ("counts", "holds"),
    [((40, 30, 20, 10), True), ((40, 20, 20, 10), False), ((40, 30, 20, None), None)],
)
def test_the_most_common_answers(counts, holds):
    # Options 1 and 2 are named: the less common of them must be above every other one.
    rows = [
        row("NCPIAware", str(code), count, 100, withheld=count is None)
        for code, count in enumerate(counts, start=1)
    ]
    assert verdict("most common answers", rows, "NCPIAware", "1|2") is holds


def test_the_most_common_answers_are_single_options():
    rows = [row("Q", "1", 40, 100), row("Q", "2", 30, 100), row("Q", "1|2", 70, 100)]
    assert verdict("most common answers", rows, "Q", "1") is True
    assert verdict("most common answers", rows, "Q", "3") is None


@pytest.mark.parametrize(
    ("counts", "holds"),
    # A third three times is 33 + 33 + 33 = 99; a quarter, a quarter and a half is 100.
    [((1, 1, 1), True), ((1, 1, 2), False), ((1, 1, None), None)],
)
def test_rounded_answers_that_add_to_less_than_100(counts, holds):
    base = sum(count or 0 for count in counts)
    rows = [
        row("FLis", str(code), count, base, withheld=count is None)
        for code, count in enumerate(counts, start=1)
    ]
    assert verdict("rounded answers add to less than 100", rows, response="") is holds


def test_netted_answers_may_be_what_adds_to_less_than_100():
    counts = {"1": 105, "2": 269, "3": 374, "4": 60, "5": 66, "6": 126}
    nets = {"1|2": 374, "4|5": 126}
    rows = [row("FLis", r, count, 1000) for r, count in (counts | nets).items()]
    # 11 + 27 + 37 + 6 + 7 + 13 = 101; netted 37 + 37 + 13 + 13 = 100.
    answer = check("rounded answers add to less than 100", rows, response="")
    assert answer[:2] == (False, "101 or 100")
    rows = [one | {"count": 374} if one["response"] == "3" else one for one in rows]
    rows = [one | {"count": 124} if one["response"] in ("6", "4|5") else one for one in rows]
    # 11 + 27 + 37 + 6 + 7 + 12 = 100; netted 37 + 37 + 12 + 12 = 98.
    assert check("rounded answers add to less than 100", rows, response="")[:2] == (
        True,
        "100 or 98",
    )


# --- themes --------------------------------------------------------------------------------------


def themes(base=100, **counts):
    return [
        row("FImp", theme, count, base, withheld=count is None) for theme, count in counts.items()
    ]


@pytest.mark.parametrize(
    ("counts", "holds"),
    [
        ({"forms": 9, "training": 20, "staff": 5}, True),
        ({"forms": 9, "training": 20, "staff": 9}, True),
        ({"forms": 9, "training": 20, "staff": 10}, False),
        ({"forms": 9, "training": 20, "unthemed": 50, "nothing": 30}, True),
        ({"forms": 9, "training": 20, "staff": None}, None),
        ({"forms": 9, "training": 20, "nothing": None}, True),
        ({"training": 20, "staff": 9}, None),
    ],
)
def test_one_of_the_two_most_common_themes(counts, holds):
    assert verdict("most common themes", themes(**counts), "FImp", "forms") is holds


def test_a_theme_is_named_by_somebody():
    rows = themes(forms=1, training=0, staff=None)
    assert verdict("theme named", rows, "FImp", "forms") is True
    assert verdict("theme named", rows, "FImp", "training") is False
    assert verdict("theme named", rows, "FImp", "staff") is None
    assert verdict("theme named", rows, "FImp", "cars") is None


def themes_by_status(forms, training):
    return [
        *themes(base=200, forms=60, training=50, staff=1),
        *by("inspection_status", STATUS, "FImp", "forms", *forms),
        *by("inspection_status", STATUS, "FImp", "training", *training),
        *by("inspection_status", STATUS, "FImp", "staff", 1, 0),
    ]


@pytest.mark.parametrize(
    ("forms", "training", "alike", "differ"),
    [
        ((30, 30), (25, 25), True, False),
        ((31, 29), (25, 25), True, True),
        # 40 and 20 of 100 differ by a test at 0.05 (chi-square 9.5), whatever the other theme does.
        ((40, 20), (25, 25), False, True),
        ((30, 30), (35, 15), False, False),
        ((30, 30), (25, None), None, False),
        ((30, None), (25, 25), None, None),
    ],
)
def test_themes_alike_or_different_by_group(forms, training, alike, differ):
    rows = themes_by_status(forms, training)
    where = {"variable": "inspection_status", "group": "inspected|uninspected"}
    assert verdict("themes alike by group", rows, "FImp", "", **where) is alike
    # Of the most common theme, forms, the whole percentages are compared.
    assert verdict("themes differ by group", rows, "FImp", "", **where) is differ


@pytest.mark.parametrize("relation", ["themes alike by group", "themes differ by group"])
def test_themes_of_one_group_alone_cannot_be_compared(relation):
    rows = [*themes(forms=9), *by("inspection_status", STATUS[:1], "FImp", "forms", 9)]
    where = {"variable": "inspection_status", "group": "inspected|uninspected"}
    assert verdict(relation, rows, "FImp", "", **where) is None
    assert verdict(relation, [row("FLis", "1", 1, 2)], "FImp", "", **where) is None


def test_only_the_groups_that_the_report_names_are_compared():
    # The named units are alike; only "other" stands out.
    four = (*UNITS, "other")
    rows = [*themes(base=400, forms=90), *by("area", four, "FImp", "forms", 20, 20, 20, 90)]
    named = {"variable": "area", "group": "|".join(UNITS)}
    assert verdict("themes differ by group", rows, "FImp", "", **named) is False
    assert verdict("themes alike by group", rows, "FImp", "", **named) is True
    everybody = {"variable": "area", "group": "all"}
    assert verdict("themes differ by group", rows, "FImp", "", **everybody) is True


# --- the list of relations -----------------------------------------------------------------------


@pytest.mark.parametrize("relation", claims.RELATIONS)
def test_no_relation_has_an_answer_where_nothing_is_released(relation):
    rows = [row("FLis_1", "1|2", 1, 2, withheld=True)]
    assert check(relation, rows, "FLis_1", variable="area", group="custody") is None


def test_an_unknown_relation_is_refused():
    with pytest.raises(InputError) as error:
        check("lower", [row("FLis", "1|2", 1, 2)])
    first, second = str(error.value).splitlines()
    assert first == "A claim in words cannot be checked."
    assert second.startswith("  - claim, column relation: found 'lower'; expected lowest, highest,")
    assert second.endswith("What to do: Use one of these words, or leave the cell blank.")
