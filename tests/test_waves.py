"""Changes between two waves, by hand, and what must not be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ncpi_eval import results
from ncpi_eval.errors import DesignError, InputError
from ncpi_eval.survey import waves


def wave(name, *rows, **more):
    """Estimates (question, response, subgroup_variable, subgroup, count, denominator)."""
    columns = ["question", "response", "subgroup_variable", "subgroup", "count", "denominator"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        item="Impact",
        label="Improved",
        unit="respondents",
        wave=name,
        estimate=frame["count"] / frame["denominator"],
        data_kind="synthetic",
        suppressed=False,
    ).assign(**more)


def first(**more):
    return wave("2019", ("Q", "1", "all", "all", 48, 80), **more)


def second(**more):
    return wave("2021", ("Q", "1", "all", "all", 56, 70), **more)


def test_a_change_has_the_published_interval():
    row = waves.compare(first(), second()).iloc[0]
    # Newcombe (1998), Statistics in Medicine 17:873, table II (a), method 10: 56/70 less 48/80.
    assert row["difference"] == pytest.approx(0.2)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(
        (0.0524, 0.3339), abs=5e-5
    )
    p = stats.chi2_contingency([[56, 14], [48, 32]], correction=False).pvalue
    assert row["p_value"] == pytest.approx(p) and row["p_adjusted"] == pytest.approx(p)
    assert row["id"] == "Q.1.all.all.change.2019-2021" and row["wave"] == "2019-2021"
    assert row["smallest_cell"] == 14  # not counted in the second wave
    assert "chose themselves" in row["caveat"] and row["note"] == ""


def test_the_result_keeps_to_the_vocabulary():
    results.check("survey_change", waves.compare(first(), second()))


def test_the_clustered_interval_by_hand():
    row = waves.compare(
        first(std_error=0.06, clusters=34), second(std_error=0.08, clusters=21)
    ).iloc[0]
    # sqrt(0.06^2 + 0.08^2) = 0.1, with 21 - 1 degrees of freedom.
    reach = 0.1 * stats.t.isf(0.025, 20)
    assert row["difference_low_clustered"] == pytest.approx(0.2 - reach)
    assert row["difference_high_clustered"] == pytest.approx(0.2 + reach)
    assert row["p_value_clustered"] == pytest.approx(2 * stats.t.sf(2.0, 20))
    row = waves.compare(first(), second()).iloc[0]
    assert np.isnan(row["difference_low_clustered"]) and np.isnan(row["p_value_clustered"])


def test_rows_of_one_wave_are_kept_and_named():
    before = wave("2019", ("Q", "1", "all", "all", 4, 8), ("OLD", "1", "all", "all", 1, 8))
    after = wave("2021", ("NEW", "1", "all", "all", 1, 8), ("Q", "1", "all", "all", 4, 8))
    table = waves.compare(before, after).set_index("question")
    assert list(table.index) == ["Q", "OLD", "NEW"]
    assert list(table["note"]) == ["", "not in 2021", "not in 2019"]
    assert table["difference"].notna().tolist() == [True, False, False]
    assert table.loc["NEW", "item"] == "Impact"


def test_what_one_wave_withheld_stays_withheld():
    hidden = first(suppressed=True, count=np.nan, estimate=np.nan)
    row = waves.compare(hidden, second()).iloc[0]
    assert row["suppressed"] and row["note"] == waves.WITHHELD
    assert np.isnan(row["difference"]) and np.isnan(row["smallest_cell"])


def test_a_base_of_nobody_gives_no_change():
    empty = wave("2021", ("Q", "1", "all", "all", 0, 0))
    row = waves.compare(first(), empty).iloc[0]
    assert np.isnan(row["difference"]) and row["note"] == waves.WITHHELD


def test_groups_that_forces_move_between_say_so():
    rows = ("Q", "1", "inspection_status", "inspected", 4, 8), ("Q", "1", "area", "other", 4, 8)
    table = waves.compare(wave("2019", *rows), wave("2021", *rows))
    assert table["caveat"].str.contains("changed group").tolist() == [True, False]


def refused(one, two):
    with pytest.raises(DesignError) as error:
        waves.compare(one, two)
    lines = str(error.value).splitlines()
    assert lines[0] == "The waves do not ask the same, so that no change can be given."
    return lines[1:]


def test_a_question_worded_anew_is_refused_once_for_all_its_rows():
    rows = [("Q", "1", "area", name, 4, 8) for name in ("custody", "other")]
    lines = refused(wave("2019", *rows), wave("2021", *rows, item="Effect"))
    assert lines == [
        "  - Q, wording of the question: found 'Effect'; expected 'Impact'. What to do: leave it "
        "out, or give both the same definition if they mean the same"
    ]


def test_another_meaning_of_a_response_set_is_refused():
    lines = refused(first(), second(label="Improved a little"))
    assert lines == [
        "  - Q 1 all all, meaning of the response set: found 'Improved a little'; expected "
        "'Improved'. What to do: leave it out, or give both the same definition if they mean the "
        "same"
    ]


def test_other_options_are_refused():
    more = wave("2021", ("Q", "1", "all", "all", 4, 8), ("Q", "5", "all", "all", 1, 8))
    assert refused(first(), more) == [
        "  - Q: found response sets 5; expected response sets of the first wave. What to do: "
        "recode the second wave to the first wave's options or leave the question out"
    ]


def test_the_same_wave_and_invented_against_real_are_refused_together():
    lines = refused(first(), first(data_kind="real"))
    assert lines == [
        "  - wave: found 2019 twice; expected two different waves. What to do: name the second "
        "wave's file and wave",
        "  - data_kind: found synthetic against real; expected the same kind in both waves. What "
        "to do: compare invented data with invented data and real data with real data",
    ]


def test_frames_that_are_not_one_wave_are_refused_with_all_that_is_wrong():
    mixed = pd.concat([first(), first(), second()])
    with pytest.raises(InputError) as error:
        waves.compare(mixed, second())
    assert str(error.value).splitlines() == [
        "The waves cannot be compared.",
        "  - first wave, wave: found 2019, 2021; expected one value. What to do: give one wave in "
        "each frame",
        "  - first wave, Q 1 all all: found twice; expected once. What to do: leave one of the "
        "rows out",
        "  - first wave, Q 1 all all: found twice; expected once. What to do: leave one of the "
        "rows out",
    ]
    with pytest.raises(InputError, match="header: found no such column; expected denominator"):
        waves.compare(first().drop(columns="denominator"), second())
