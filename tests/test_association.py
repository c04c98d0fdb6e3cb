"""Tests that take respondents as independent agree with pingouin, scipy and textbook numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ncpi_eval.errors import DesignError
from ncpi_eval.survey import association

# Agresti (2007), An Introduction to Categorical Data Analysis, table 2.5: gender by party
PARTY = np.array([[762, 327, 468], [484, 239, 477]])


def rows(table: np.ndarray) -> pd.DataFrame:
    x, y = np.indices(table.shape)
    return pd.DataFrame(
        {"x": np.repeat(x.ravel(), table.ravel()), "y": np.repeat(y.ravel(), table.ravel())}
    )


def test_chi_square_of_a_published_table() -> None:
    # Agresti (2007), section 2.4.4: X2 = 30.1, df = 2, P < 0.0001
    result = association.from_counts(PARTY)
    assert round(float(result.statistic), 1) == 30.1
    assert result.df == 2
    assert result.p_value < 0.0001


def test_counts_and_pingouin_give_the_same_numbers() -> None:
    for table in (PARTY, np.array([[12, 5], [9, 14]])):
        counts, frame = association.from_counts(table), association.from_rows(rows(table), "x", "y")
        for name in ("statistic", "p_value", "effect_size", "effect_low", "effect_high"):
            assert getattr(frame, name) == pytest.approx(float(getattr(counts, name)), rel=1e-12)
        assert frame.smallest_expected == pytest.approx(float(counts.smallest_expected))


def test_no_continuity_correction_by_hand() -> None:
    # (12*14 - 5*9)^2 * 40 / (17 * 23 * 21 * 19), the short form for a 2 by 2 table
    result = association.from_counts(np.array([[12, 5], [9, 14]]))
    assert result.statistic == pytest.approx(123**2 * 40 / (17 * 23 * 21 * 19))


def test_rank_test_of_counts_is_kruskal_wallis_of_rows() -> None:
    # scipy.stats.kruskal on the same answers, one row each; the third scale point is empty
    table = np.array([[10, 4, 6], [7, 9, 3], [0, 0, 0], [2, 8, 11]])
    frame = rows(table)
    expected = stats.kruskal(*(part["x"] for _, part in frame.groupby("y")))
    result = association.ranks_from_counts(table)
    assert result.statistic == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue)
    by_pingouin = association.ranks_from_rows(frame, "x", "y")
    assert by_pingouin.method == "Kruskal-Wallis"
    # pingouin prints p-values to about 6 digits of precision or more
    assert by_pingouin.p_value == pytest.approx(expected.pvalue, rel=1e-4)


def test_two_groups_are_mann_whitney() -> None:
    # scipy.stats.mannwhitneyu, normal approximation without continuity correction
    table = np.array([[10, 4], [7, 9], [2, 8]])
    frame = rows(table)
    first, second = (part["x"] for _, part in frame.groupby("y"))
    expected = stats.mannwhitneyu(first, second, use_continuity=False, method="asymptotic")
    assert association.ranks_from_counts(table).p_value == pytest.approx(expected.pvalue)
    assert association.ranks_from_rows(frame, "x", "y").method == "Mann-Whitney"


def test_linear_trend_of_a_published_table() -> None:
    # Agresti (2007), section 2.5.2: alcohol and infant malformation, scores 0, 0.5, 1.5, 4, 7:
    # M2 = 6.6, P = 0.01
    table = np.array([[17066, 14464, 788, 126, 37], [48, 38, 5, 1, 1]])
    result = association.linear_trend(table, [0, 1], [0, 0.5, 1.5, 4, 7])
    assert round(float(result.statistic), 1) == 6.6
    assert round(float(result.p_value), 2) == 0.01


def test_holm_and_bonferroni_by_hand() -> None:
    # Three pairs: Bonferroni multiplies each p by 3; Holm the smallest by 3, the next by 2, the
    # last by 1, none below the one before
    counts, bases = np.array([50, 70, 72]), np.array([100, 100, 100])
    raw = association.pairwise_p(counts[:2], bases[:2])[0, 1]
    bonferroni = association.pairwise_p(counts, bases, "bonferroni")
    holm = association.pairwise_p(counts, bases, "holm")
    assert bonferroni[0, 1] == pytest.approx(3 * raw)
    assert holm[0, 1] == pytest.approx(2 * raw)
    assert holm[0, 2] == bonferroni[0, 2]
    assert bonferroni[1, 2] == 1.0
    assert np.isnan(np.diag(holm)).all()


def test_letters_name_the_columns_that_are_lower() -> None:
    # 70% and 72% of 100 are each higher than 50% of 100, and do not differ from each other
    letters = association.column_letters(np.array([50, 70, 72]), np.array([100, 100, 100]))
    assert letters.tolist() == ["", "A", "A"]
    # an empty column takes no part and costs no power
    letters = association.column_letters(np.array([50, 0, 70]), np.array([100, 0, 100]))
    assert letters.tolist() == ["", "", "A"]


def test_refusals() -> None:
    frame = pd.DataFrame({"x": [1, 2, 1, 2], "y": [1, 1, 1, 1]})
    with pytest.raises(DesignError, match="'y' has fewer than two categories with answers"):
        association.from_rows(frame, "x", "y")
    with pytest.raises(DesignError, match="'y' has fewer than two groups with answers"):
        association.ranks_from_rows(frame, "x", "y")
    with pytest.raises(DesignError, match="at most 26 columns; found 27"):
        association.column_letters(np.ones(27), np.full(27, 50))
