"""Intervals against the papers that define them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ncpi_eval import intervals
from ncpi_eval.errors import DesignError

# Newcombe (1998), Statistics in Medicine 17:857, table I, method 3 (score).
WILSON = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]

# Newcombe (1998), Statistics in Medicine 17:873, table II, method 10 (score).
NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0000),
    (10, 10, 0, 10, 0.6075, 1.0000),
]


@pytest.mark.parametrize(("count", "base", "low", "high"), WILSON)
def test_wilson_gives_the_published_intervals(count, base, low, high):
    assert intervals.wilson(count, base) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("x1", "n1", "x2", "n2", "low", "high"), NEWCOMBE)
def test_newcombe_gives_the_published_intervals(x1, n1, x2, n2, low, high):
    assert intervals.newcombe(x1, n1, x2, n2) == pytest.approx((low, high), abs=5e-5)


def test_vectors_give_what_scalars_give():
    table = np.array([row[:4] for row in NEWCOMBE])
    low, high = intervals.newcombe(*table.T)
    singly = [intervals.newcombe(*row) for row in table]
    assert np.array_equal(np.column_stack([low, high]), np.array(singly))


def test_wilson_touches_0_and_1_exactly_and_has_no_interval_without_a_base():
    low, high = intervals.wilson([0, 10, 0], [10, 10, 0])
    assert low[0] == 0.0 and high[1] == 1.0
    assert np.isnan(low[2]) and np.isnan(high[2])


def test_missing_counts_stay_missing():
    low, high = intervals.wilson(pd.Series([5, pd.NA], dtype="Int64"), pd.Series([10, 10]))
    assert not np.isnan(low[0]) and np.isnan(low[1]) and np.isnan(high[1])


def test_a_count_above_its_base_is_refused():
    with pytest.raises(DesignError) as error:
        intervals.wilson([1, 11], [10, 10])
    assert str(error.value) == (
        "A count must lie between 0 and its base; found count 11 with base 10."
    )


def test_a_level_outside_0_to_1_is_refused():
    with pytest.raises(DesignError, match="A level of confidence lies between 0 and 1; found 95."):
        intervals.wilson(1, 10, level=95)


# Benjamini and Hochberg (1995), section 3.3: fifteen ordered p-values, of which the first four
# are rejected at 0.05 (Bonferroni rejects three).
BH_1995 = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
    0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
]  # fmt: skip


def test_benjamini_hochberg_rejects_four_as_published():
    adjusted = intervals.benjamini_hochberg(BH_1995)
    assert (adjusted <= 0.05).sum() == 4
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)  # by hand: 0.035625


def test_benjamini_hochberg_agrees_with_statsmodels_in_any_order():
    shuffled = np.random.default_rng(1).permutation(BH_1995)
    expected = multipletests(shuffled, method="fdr_bh")[1]
    assert intervals.benjamini_hochberg(shuffled) == pytest.approx(expected)


def test_a_refused_test_does_not_count_in_the_family():
    adjusted = intervals.benjamini_hochberg([0.01, np.nan, 0.04])
    # By hand, family of 2: 0.01 * 2 / 1 and 0.04 * 2 / 2.
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.04]) and np.isnan(adjusted[1])
    assert intervals.benjamini_hochberg([]).size == 0


def test_benjamini_hochberg_refuses_what_is_no_p_value():
    with pytest.raises(DesignError, match="outside 0 to 1"):
        intervals.benjamini_hochberg([0.5, 1.2])


def test_difference_p_is_pearson_without_correction():
    # 56/70 against 48/80: scipy's chi-square of the same table.
    expected = stats.chi2_contingency([[56, 14], [48, 32]], correction=False).pvalue
    assert intervals.difference_p(56, 70, 48, 80) == pytest.approx(expected)
    assert np.isnan(intervals.difference_p(0, 10, 0, 10))


def test_cramers_v_by_hand():
    assert intervals.cramers_v(12.0, 100, 3, 4) == pytest.approx((12 / 200) ** 0.5)
    assert np.isnan(intervals.cramers_v(12.0, 100, 1, 4))
    assert np.isnan(intervals.cramers_v(0.0, 0, 2, 2))


def test_cramers_v_interval_gives_a_published_example():
    # R package statpsych 2.0.0, help page of ci.cramer: ci.cramer(.05, 19.21, 2, 3, 200) returns
    # estimate 0.3099, limits 0.1601 and 0.4417.
    assert intervals.cramers_v(19.21, 200, 2, 3) == pytest.approx(0.3099, abs=5e-5)
    interval = intervals.cramers_v_interval(19.21, 200, 2, 3)
    assert interval == pytest.approx((0.1601, 0.4417), abs=5e-5)


def test_cramers_v_interval_with_one_degree_of_freedom_in_closed_form():
    # With 1 df the statistic is (Z + d)^2; at sqrt(chi2) = 10 the far tail vanishes, so that the
    # limits are d = 10 -+ 1.959964 and V = d / sqrt(1000).
    low, high = intervals.cramers_v_interval(100.0, 1000, 2, 2)
    assert (low, high) == pytest.approx(((10 - 1.959964) / 1000**0.5, (10 + 1.959964) / 1000**0.5))


def test_cramers_v_interval_starts_at_0_exactly_where_the_one_sided_test_is_not_significant():
    just_below, just_above = stats.chi2.isf(0.025, 6) + np.array([-0.01, 0.01])
    low, _ = intervals.cramers_v_interval([just_below, just_above], 500, 3, 4)
    assert low[0] == 0.0 and low[1] > 0.0


def test_cramers_v_interval_recovers_the_tail_probabilities():
    low, high = intervals.cramers_v_interval(40.0, 500, 3, 4)
    noncentral = np.array([low, high]) ** 2 * 500 * 2
    assert stats.ncx2.cdf(40.0, 6, noncentral) == pytest.approx([0.975, 0.025], abs=1e-9)


def test_cramers_v_interval_holds_at_a_million_respondents():
    # Normal approximation of the noncentral chi-square at chi2 = 5e4: relative width +-0.9%.
    low, high = intervals.cramers_v_interval(50_000.0, 1_000_000, 3, 4)
    assert low < (50_000 / 2_000_000) ** 0.5 < high and high / low < 1.02
