"""Whole respondents in cells: bounds by hand, small puzzles with known answers, named conflicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ncpi_eval.errors import DesignError, InputError
from ncpi_eval.synthesis import calibration, targets
from ncpi_eval.synthesis.calibration import Puzzle
from ncpi_eval.synthesis.targets import Claim, Target


def puzzle(sizes, wanted, claims=(), codes=(1, 2)):
    """Two groups and two answers, everybody as likely to give either."""
    cells = pd.DataFrame({"status": ["in", "out"], "size": sizes})
    expected = np.outer(sizes, np.ones(len(codes)) / len(codes))
    return Puzzle(cells, codes, expected, wanted, claims)


def percent(value, subgroup="all", name="row"):
    variable = "all" if subgroup == "all" else "status"
    return Target("Q", (1,), variable, subgroup, value, (name,))


# --- counts that print as a percentage ----------------------------------------------------------


def test_bounds_of_a_percentage_are_the_counts_that_print_so():
    # 56/250 = 22.4, 57/250 = 22.8, 58/250 = 23.2, 59/250 = 23.6 per cent
    assert targets.count_bounds(23, 250) == (57, 58)


@pytest.mark.parametrize(("count", "prints"), [(124, 12), (125, 13), (126, 13)])
def test_halves_are_rounded_up(count, prints):
    # of 1000: 12.4, 12.5 and 12.6 per cent
    assert targets.printed(count, 1000) == prints
    low, high = targets.count_bounds(prints, 1000)
    assert low <= count <= high


def test_bounds_agree_with_printing_for_every_small_base():
    for base in range(1, 120):
        for value in (0, 1, 29, 50, 65, 100):
            low, high = targets.count_bounds(value, base)
            counts = [c for c in range(base + 1) if targets.printed(c, base) == value]
            assert counts == list(range(low, high + 1))


def test_some_percentages_cannot_come_from_a_small_group():
    # of 7: 0, 14, 29, 43, 57, 71, 86, 100 per cent
    low, high = targets.count_bounds(50, 7)
    assert low > high


def test_inner_bounds_keep_away_from_the_rounding_edges():
    # of 1000 per cent 50 is 495 to 504; 0.3 points inside that 498 to 502
    assert calibration.inner_bounds(50, 1000, 0.3) == (498, 502)
    assert calibration.inner_bounds(50, 1000, 0.0) == (495, 504)


# --- reading the transcription ------------------------------------------------------------------


def rows(*cells):
    columns = ["id", "question", "response", "subgroup_variable", "subgroup", "value", "unit",
               "base", "significant"]  # fmt: skip
    return pd.DataFrame(cells, columns=columns)


def test_targets_ignore_order_repetition_and_other_units():
    figures = rows(
        ("b", "Q", "2|1", "all", "all", "40", "percent", "", ""),
        ("a", "Q", "1|2", "", "", "40", "percent", "", ""),
        ("c", "Q", "1", "all", "all", "300", "respondents", "", ""),
        ("d", "Other", "1", "all", "all", "7", "percent", "", ""),
    )
    assert targets.targets(figures, ["Q"]) == [Target("Q", (1, 2), "all", "all", 40, ("a", "b"))]


def test_claims_keep_the_groups_that_were_compared():
    figures = rows(("a", "Q", "1", "timing", "late|early", "", "statement", "", "yes"))
    assert targets.claims(figures, ["Q"]) == [
        Claim("Q", (1,), "timing", ("early", "late"), True, ("a",))
    ]


def test_a_printed_range_of_bases_is_narrowed_by_a_printed_base():
    figures = rows(
        ("a", "Q", "1", "all", "all", "1", "percent", "845-847", ""),
        ("b", "Q", "2", "all", "all", "1", "percent", "845", ""),
    )
    assert targets.bases(figures, ["Q"]) == {"Q": (845, 845)}


def test_readings_replace_cells_and_leave_misprints_out():
    figures = rows(
        ("a", "Q", "4", "all", "all", "19", "percent", "", ""),
        ("b", "Q", "1", "all", "all", "33", "percent", "", ""),
    )
    readings = pd.DataFrame(
        [("a", "yes", "4|5", ""), ("b", "yes", "", "misprint"), ("a", "no", "3", "")],
        columns=["id", "chosen", "response", "use"],
    )
    read = targets.apply_readings(figures, readings)
    assert read[["id", "response"]].to_numpy().tolist() == [["a", "4|5"]]


def test_a_transcription_without_its_columns_is_refused():
    with pytest.raises(InputError, match="no column unit"):
        targets.targets(rows().drop(columns="unit"), ["Q"])


# --- solving ------------------------------------------------------------------------------------


def test_a_solution_prints_every_percentage_and_keeps_the_cells():
    # 60 x 30% + 40 x 55% = 40 of 100
    problem = puzzle([60, 40], [percent(30, "in"), percent(55, "out"), percent(40)])
    table, comfort = calibration.solve(problem, np.random.default_rng(1))
    assert table.sum(axis=1).tolist() == [60, 40]
    assert table[:, 0].tolist() == [18, 22]
    assert comfort == calibration.COMFORT[0]


def test_raking_puts_every_percentage_at_its_centre():
    problem = puzzle([600, 400], [percent(30, "in"), percent(55, "out")])
    raked = calibration.rake(problem)
    assert raked[:, 0] == pytest.approx([180, 220])
    assert raked.sum(axis=1) == pytest.approx([600, 400])


def test_a_statement_moves_the_solution_as_far_as_rounding_allows():
    wanted = [percent(66, "in"), percent(60, "out"), percent(63)]
    said = Claim("Q", (1,), "status", ("in", "out"), True)
    # At the centres 66% of 488 and 60% of 361 differ by 6 points: p is 0.07.
    plain, _ = calibration.solve(puzzle([488, 361], wanted), np.random.default_rng(1))
    assert calibration.p_value(puzzle([488, 361], wanted), plain, said) > 0.05
    told = puzzle([488, 361], wanted, [said])
    table, _ = calibration.solve(told, np.random.default_rng(1))
    assert calibration.p_value(told, table, said) < 0.05
    assert calibration.conflicts(told) == []


def test_a_statement_that_no_table_bears_out_is_left_aside():
    # 51% and 49% of 50 each are never significantly different.
    said = Claim("Q", (1,), "status", ("in", "out"), True)
    problem = puzzle([51, 49], [percent(51, "in"), percent(49, "out")], [said])
    assert calibration.possible(problem, calibration.rake(problem)) == []


def test_chi_square_is_pearsons_without_correction():
    # 20 of 100 against 35 of 100, chi-square by hand:
    # 200 x (20 x 65 - 35 x 80)^2 / (100 x 100 x 55 x 145) = 5.6426
    said = Claim("Q", (1,), "status", ("in", "out"), True)
    table = np.array([[20, 80], [35, 65]])
    # 1 - pchisq(5.6426, 1) in R is 0.01753
    p = calibration.p_value(puzzle([100, 100], []), table, said)
    assert p == pytest.approx(0.01753, abs=5e-5)


def test_forbidden_answers_stay_empty():
    problem = puzzle([50, 50], [percent(25)])
    problem.expected[0, 0] = 0.0
    table, _ = calibration.solve(problem, np.random.default_rng(1))
    assert table[0, 0] == 0
    assert table[1, 0] == 25


# --- contradictions -----------------------------------------------------------------------------


def test_conflicts_name_the_rows_and_the_respondents_missing():
    # 30% of both groups cannot be 40% of all: 395 of 1000 at least, 304 at most (182 + 122).
    wanted = [percent(30, "in", "A"), percent(30, "out", "B"), percent(40, name="C")]
    bent = calibration.conflicts(puzzle([600, 400], wanted))
    # 600 x 30.5% excludes 183: at most 182; 400 x 30.5% excludes 122: at most 121
    assert sum(abs(slack) for _, slack in bent) == 395 - (182 + 121)


def test_an_irreducible_set_is_a_whole_contradiction():
    wanted = [percent(30, "in", "A"), percent(31, "in", "B"), percent(50, "out", "C")]
    names = [t.ids[0] for t in calibration.irreducible(puzzle([600, 400], wanted))]
    assert names == ["A", "B"]
    assert calibration.irreducible(puzzle([600, 400], wanted[:1])) == []


def test_an_infeasible_question_is_refused_with_row_finding_and_remedy():
    wanted = [percent(30, "in", "A"), percent(31, "in", "B")]
    with pytest.raises(DesignError) as caught:
        calibration.solve(puzzle([600, 400], wanted), np.random.default_rng(1))
    text = str(caught.value)
    assert text.startswith("No 1000 respondents give every printed percentage of Q.")
    assert "published row" in text and "= 3" in text
    assert "another reading of the row in data/published/readings.csv" in text
