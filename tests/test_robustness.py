"""Ranges of p from printed percentages, against every table written out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ncpi_eval import paths, results
from ncpi_eval.errors import DesignError
from ncpi_eval.survey import robustness
from ncpi_eval.survey.printed import PrintedGroup, counts_behind, p_range


def half_up(count, size):
    return (200 * count + size) // (2 * size)


def every_table(groups, base, overall=None, rest=None):
    """All p-values by brute force: every size, every count, scipy's chi-square."""
    found = []
    sizes = [range(max(g.low, 1), g.high + 1) for g in groups]
    for ns in product(*sizes):
        counts = [
            [x for x in range(n + 1) if half_up(x, n) == g.percents[0]]
            for n, g in zip(ns, groups, strict=True)
        ]
        for xs in product(*counts):
            remaining = range(rest[0], rest[1] + 1) if rest else [0]
            fits = any(
                base[0] <= sum(ns) + r <= base[1]
                and (
                    overall is None
                    or any(half_up(sum(xs) + y, sum(ns) + r) == overall for y in range(r + 1))
                )
                for r in remaining
            )
            if fits and 0 < sum(xs) < sum(ns):
                table = np.array([xs, np.array(ns) - xs])
                found.append(stats.chi2_contingency(table, correction=False).pvalue)
    return min(found), max(found)


def test_half_up_at_its_edges():
    # 1 of 8 is 12.5%, printed 13 when rounded half up; 12 can come from 8 respondents in no way.
    assert list(counts_behind(13, 8)) == [1]
    assert list(counts_behind(12, 8)) == []
    # Of 200, 12.5% to 13.49% are 25 and 26; 27 is 13.5% and printed 14.
    assert list(counts_behind(13, 200)) == [25, 26]
    assert list(counts_behind(0, 300)) == [0, 1]
    assert list(counts_behind(100, 300)) == [299, 300]


@pytest.mark.parametrize(
    ("groups", "base", "overall", "rest"),
    [
        ([("a", 54, 20, 30), ("b", 31, 10, 20)], (40, 42), None, None),
        ([("a", 54, 20, 30), ("b", 31, 10, 20)], (40, 42), 46, None),
        ([("a", 54, 10, 20), ("b", 31, 8, 14)], (30, 32), 40, (2, 8)),
        ([("a", 50, 6, 12), ("b", 30, 8, 14), ("c", 71, 6, 14)], (30, 31), None, None),
        ([("a", 50, 6, 12), ("b", 30, 8, 14), ("c", 71, 6, 14)], (34, 34), 50, (1, 6)),
        ([("a", 50, 4, 8), ("b", 33, 5, 9), ("c", 71, 6, 8), ("d", 60, 4, 6)], (24, 26), 54, None),
    ],
)
def test_the_range_is_that_of_every_table(groups, base, overall, rest):
    printed = [PrintedGroup(name, (percent,), low, high) for name, percent, low, high in groups]
    found = p_range(printed, base, [None if overall is None else (overall, overall)], rest)
    assert (found.p_low, found.p_high) == pytest.approx(every_table(printed, base, overall, rest))
    assert found.df == len(groups) - 1


def test_several_response_sets_make_a_larger_table():
    # Groups of exactly 20: 30% and 45% of 20 are 6 and 9; 50% and 45% are 10 and 9. One table.
    groups = [PrintedGroup("a", (30, 50), 20, 20), PrintedGroup("b", (45, 45), 20, 20)]
    found = p_range(groups, (40, 40), [None, None], response_sets=("1", "4"))
    expected = stats.chi2_contingency([[6, 10, 4], [9, 9, 2]])
    assert found.p_low == found.p_high == pytest.approx(expected.pvalue)
    assert found.df == expected.dof == 2


def test_nested_response_sets_are_taken_apart():
    # "1|2" holds "1": 12 of 20 confident, of whom 5 very; 9 of 20, of whom 4 very.
    groups = [PrintedGroup("a", (60, 25), 20, 20), PrintedGroup("b", (45, 20), 20, 20)]
    found = p_range(groups, (40, 40), [None, None], response_sets=("1|2", "1"))
    expected = stats.chi2_contingency([[5, 7, 8], [4, 5, 11]]).pvalue
    assert found.p_low == found.p_high == pytest.approx(expected)


def test_overlapping_response_sets_are_refused():
    groups = [PrintedGroup("a", (60, 25), 20, 20), PrintedGroup("b", (45, 20), 20, 20)]
    with pytest.raises(DesignError, match=r"The response sets 1\|2 and 2\|3 overlap."):
        p_range(groups, (40, 40), [None, None], response_sets=("1|2", "2|3"))


def test_numbers_that_no_table_gives_are_refused():
    # 12% of 8 respondents cannot be printed: 0 of 8 is 0%, 1 of 8 is 13%.
    groups = [PrintedGroup("a", (12,), 8, 8), PrintedGroup("b", (50,), 8, 8)]
    with pytest.raises(DesignError) as error:
        p_range(groups, (16, 16))
    assert str(error.value) == (
        "No table of whole numbers gives a 12%, b 50% with a base of 16 to 16."
    )


def test_sizes_of_forces_by_hand():
    # 4 forces, 40 respondents: one of 25, two with one respondent, one with 2 to 20: it has 13.
    expected = (25**2 + 13**2 + 1 + 1) / 40
    found = robustness.mean_cluster_size_range(40, forces=4, largest=25, with_one=2, over_20=1)
    assert found == pytest.approx((expected, expected))


def test_sizes_of_forces_hold_every_allowed_list_of_sizes():
    # 5 forces, 90 respondents, largest 40, none with one, two over 20: every list written out.
    means = [
        (40**2 + big**2 + a**2 + b**2 + c**2) / 90
        for big in range(21, 41)
        for a, b, c in product(range(2, 21), repeat=3)
        if 40 + big + a + b + c == 90
    ]
    found = robustness.mean_cluster_size_range(90, forces=5, largest=40, with_one=0, over_20=2)
    assert found == pytest.approx((min(means), max(means)))


def test_impossible_sizes_of_forces_are_refused():
    with pytest.raises(DesignError, match="No sizes of forces agree with the published limits."):
        robustness.mean_cluster_size_range(100, forces=34)


def test_critical_icc_by_hand():
    # chi2 = 2 x 3.841459, clusters of 51: 1 + 50 rho = 2, rho = 0.02.
    assert robustness.critical_icc(2 * stats.chi2.isf(0.05, 1), 1, 51) == pytest.approx(0.02)
    assert np.isnan(robustness.critical_icc(3.8, 1, 51))
    assert robustness.critical_icc(1e6, 1, 51) == 1.0


def figures(*rows):
    """A small transcription; item, id and unit are filled in."""
    columns = [
        "question", "response", "subgroup_variable", "subgroup", "value", "base", "significant",
        "location",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    unit = np.where(frame["value"].isna(), "statement", "percent")
    return frame.assign(id=[f"r{i}" for i in range(len(frame))], item="Belief", unit=unit)


BELIEF = [
    ("NCPIInsp", "4", "all", "all", 60, 850, None, "text"),
    ("NCPIInsp", "4", "inspection_status", "inspected", 54, None, None, "text"),
    ("NCPIInsp", "4", "inspection_status", "uninspected", 69, 850, None, "text"),
    ("NCPIInsp", "4", "inspection_status", "inspected|uninspected", None, None, "yes", "text"),
]


def test_published_differences_are_picked_out():
    found = robustness.published_differences(figures(*BELIEF))
    assert list(found["subgroup"]) == ["inspected", "uninspected"]
    assert list(found["percent"]) == [54, 69]
    assert set(found["overall_low"]) == {60} and set(found["base_low"]) == {850}
    assert set(found["published_significant"]) == {"yes"}


def test_group_sizes_follow_from_the_printed_numbers():
    # With shares w and 1 - w: 54 w + 69 (1 - w) = 60 gives w = 0.6; at the edges of the rounding
    # (53.5, 69.5 and 60.5; 54.5, 68.5 and 59.5) w is 9/16 and 9/14, and 850 w is 478.1 and 546.4.
    # The lowest and highest w take each percentage at its other edge: 8/15 to 10/15... of 850.
    sizes = robustness.group_sizes(figures(*BELIEF)).set_index("subgroup")
    low, high = sizes.loc["inspected", ["low", "high"]]
    extremes = [
        850 * (u - o) / (u - i) for i, u, o in product((53.5, 54.5), (68.5, 69.5), (59.5, 60.5))
    ]
    assert low == np.ceil(min(extremes)) and high == np.floor(max(extremes))
    assert sizes.loc["uninspected", "low"] == 850 - high


def test_the_table_says_what_rounding_allows():
    table = robustness.robustness_table(figures(*BELIEF))
    row = table.iloc[0]
    assert len(table) == 1
    assert row["id"] == "NCPIInsp.4.inspection_status.inspected-uninspected.published.2019"
    assert (row["verdict"], row["agrees"]) == ("always significant", "yes")
    assert row["printed"] == "54|69" and row["groups"] == "inspected|uninspected"
    assert 0 < row["icc_cross_low"] < row["icc_cross_high"] < 1
    # Scale: 459/850 x 0.54 against 340 x 0.69 with sizes 510 and 340: chi2 about 19.
    assert row["chi2_low"] < 19.2 < row["chi2_high"]
    assert row["data_kind"] == "published" and "Self-selected" in row["caveat"]


def test_a_small_difference_depends_on_rounding():
    # The published 66% against 60% (63% overall, base 849), said to be significant.
    rows = [
        ("FLis", "1|2", "all", "all", 63, 849, None, "text"),
        ("FLis", "1|2", "inspection_status", "inspected", 66, 849, None, "text"),
        ("FLis", "1|2", "inspection_status", "uninspected", 60, 849, None, "text"),
        ("FLis", "1|2", "inspection_status", "inspected|uninspected", None, None, "yes", "text"),
    ]
    row = robustness.robustness_table(figures(*BELIEF, *rows)).iloc[0]
    assert row["question"] == "FLis"
    assert (row["verdict"], row["agrees"]) == ("depends on rounding", "possible")
    assert row["p_low"] < 0.05 < row["p_high"] and row["icc_cross_low"] == 0


def test_contradicting_numbers_give_one_reading_each():
    rows = [
        ("NCPIimp", "1", "inspection_timing", "before_2017", 33, 834, None, "summary"),
        ("NCPIimp", "1", "inspection_timing", "from_2017", 26, 834, None, "summary"),
        ("NCPIimp", "1", "inspection_timing", "before_2017", 26, 834, None, "chapter"),
        ("NCPIimp", "1", "inspection_timing", "from_2017", 33, 834, None, "chapter"),
        ("NCPIimp", "1", "inspection_timing", "uninspected", 12, 834, None, "summary"),
    ]
    table = robustness.robustness_table(figures(*rows))
    assert list(table["printed"]) == ["33|26|12", "26|33|12"]
    assert list(table["reading"]) == ["summary", "chapter"]
    assert table["id"].is_unique


def test_a_report_that_says_both_is_reported_as_such():
    both = (*BELIEF, ("NCPIInsp", "4", "inspection_status", "inspected|uninspected", None, None,
                      "no", "appendix"))  # fmt: skip
    row = robustness.robustness_table(figures(*both)).iloc[0]
    assert row["published_significant"] == "yes and no" and row["agrees"] == "report says both"


def test_numbers_that_cannot_be_are_named_and_do_not_stop_the_others():
    # 10% and 20% cannot average 60%.
    rows = [
        ("LeEvInt", "1", "all", "all", 60, 850, None, "text"),
        ("LeEvInt", "1", "inspection_status", "inspected", 10, None, None, "text"),
        ("LeEvInt", "1", "inspection_status", "uninspected", 20, None, None, "text"),
    ]
    table = robustness.robustness_table(figures(*BELIEF, *rows)).set_index("question")
    assert table.loc["LeEvInt", "verdict"] == "cannot be as printed"
    assert table.loc["NCPIInsp", "verdict"] == "always significant"
    assert table.loc["NCPIInsp", "sizes_basis"] == "this question"


def test_every_published_difference_has_a_row_and_none_is_impossible():
    published = pd.read_csv(paths.data("published", "figures.csv"))
    table = robustness.robustness_table(published)
    assert table["id"].is_unique and len(table) > 30
    assert not (table["verdict"] == "cannot be as printed").any()
    # No claim of significance is refuted by the numbers printed with it.
    assert not (table["agrees"] == "no").any()
    assert (table["p_low"] <= table["p_high"]).all()
    cross = table[["icc_cross_low", "icc_cross_high"]].dropna()
    assert (cross["icc_cross_low"] <= cross["icc_cross_high"]).all()
    results.check("published_robustness", table)
    # By hand, the clearest: 30% against 12% of 834 is never near 0.05.
    row = table.set_index("id").loc[
        "NCPIimp.1.inspection_status.inspected-uninspected.published.2019"
    ]
    assert row["p_high"] < 1e-6


def respondents():
    """Six forces of ten: three inspected (8, 5, 5 counted), three uninspected (2, 5, 2)."""
    counted, group, force = [], [], []
    for number, (status, yes) in enumerate(
        [("a", 8), ("a", 5), ("a", 5), ("b", 2), ("b", 5), ("b", 2)], start=101
    ):
        counted += [True] * yes + [False] * (10 - yes)
        group += [status] * 10
        force += [number] * 10
    return pd.Series(counted, dtype="boolean"), pd.Series(group), pd.Series(force, dtype="Int16")


def test_leaving_out_one_force_by_hand():
    row = robustness.leave_one_force_out(*respondents()).iloc[0]
    # All: 18/30 - 9/30 = 0.3, p of that table. Least: without the 8, 10/20 - 9/30 = 0.2.
    # Most: without the 5 among the uninspected, 18/30 - 4/20 = 0.4.
    assert row["estimate"] == pytest.approx(0.3)
    assert (row["estimate_low"], row["estimate_high"]) == pytest.approx((0.2, 0.4))
    p = stats.chi2_contingency([[18, 12], [9, 21]], correction=False).pvalue
    least = stats.chi2_contingency([[10, 10], [9, 21]], correction=False).pvalue
    assert (row["p_value"], row["p_high"]) == pytest.approx((p, least))
    assert p < 0.05 < least and row["flips"]
    assert row["smallest_cell"] == 9
    assert not any("force" in name and name != "forces" for name in row.index)


def test_leaving_out_one_force_needs_three_in_every_group():
    counted, group, force = respondents()
    with pytest.raises(DesignError) as error:
        robustness.leave_one_force_out(counted[:50], group[:50], force[:50])
    assert str(error.value) == (
        "Leaving out one force needs three forces or more in every group; found 2."
    )


def test_leaving_out_one_force_keeps_to_the_base():
    counted, group, force = respondents()
    counted[0] = pd.NA
    row = robustness.leave_one_force_out(counted, group, force).iloc[0]
    assert row["denominator"] == 59


def test_multiplicity_counts_every_test_that_was_run():
    tests = pd.DataFrame(
        {
            "subgroup_variable": ["area", "area", "service", "service"],
            "p_value": [0.01, 0.04, 0.2, np.nan],
            "p_value_clustered": [0.02, 0.08, 0.3, np.nan],
            "p_adjusted": [0.03, 0.06, 0.2, np.nan],
        }
    )
    last = robustness.multiplicity(tests).iloc[-1]
    assert last["subgroup_variable"] == "all"
    assert (last["tests"], last["refused"], last["significant"]) == (3, 1, 2)
    assert (last["significant_clustered"], last["significant_adjusted"]) == (1, 1)
    assert last["expected_by_chance"] == pytest.approx(0.15)
