"""Synthetic control against the published example (data/examples)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from ncpi_eval import paths
from ncpi_eval.designs import synthetic_control as scm
from ncpi_eval.errors import DesignError

COLUMNS = ("packs", "state", "year")
CASE = {"treated": "California", "start": 1989}
PREDICTORS = [
    *((name, range(1980, 1989)) for name in ("lnincome", "retprice", "age15to24", "beer")),
    *(("packs", [year]) for year in (1975, 1980, 1988)),
]


@pytest.fixture(scope="module")
def smoking() -> pd.DataFrame:
    wide = pd.read_csv(paths.data("examples", "proposition_99.csv"))
    names = ["state", "lnincome", "retprice", "age15to24", "beer"]
    frame = wide.melt(names, var_name="year", value_name="packs")
    return frame.assign(year=frame["year"].astype(int))


def test_published_donors_and_weights(smoking: pd.DataFrame) -> None:
    table = scm.estimate(smoking, *COLUMNS, **CASE, predictors=PREDICTORS).table
    donors = table[table["term"] == "donor"].set_index("group")["estimate"]
    # Abadie, Diamond, Hainmueller (2010), table 2.
    published = {
        "Utah": 0.334,
        "Nevada": 0.234,
        "Montana": 0.199,
        "Colorado": 0.164,
        "Connecticut": 0.069,
    }
    assert_allclose(donors[list(published)], list(published.values()), atol=0.01)
    assert donors.drop(list(published)).max() < 0.01
    # The same, section 3.3: about 20 packs on average, 26 packs in 2000.
    gap = table[(table["term"] == "gap") & (table["period"] == 2000)]["estimate"].iloc[0]
    assert -27 < gap < -24
    assert_allclose(table["estimate"][0], -19, atol=1)


def test_outcomes_only(smoking: pd.DataFrame) -> None:
    table = scm.estimate(smoking, *COLUMNS, **CASE).table
    # diff-diff 3.13 and non-negative least squares by hand both give -19.514 (November 2026).
    assert_allclose(table["estimate"][0], -19.514, atol=0.001)


def test_placebos_in_space(smoking: pd.DataFrame) -> None:
    result = scm.placebo_in_space(smoking, *COLUMNS, **CASE)
    assert len(result.table) == 39
    assert result.table["p_value"].iloc[0] <= 3 / 39
    kept = scm.placebo_in_space(smoking, *COLUMNS, **CASE, worst_fit=2.0).table
    assert len(kept) < 39


def test_placebo_in_time_and_leave_one_out(smoking: pd.DataFrame) -> None:
    times = scm.placebo_in_time(smoking, *COLUMNS, **CASE, dates=[1980, 1984]).table
    assert (times["estimate"].iloc[1:].abs() < 5).all()
    left = scm.leave_one_out(smoking, *COLUMNS, **CASE).table
    assert left["estimate"].between(-22, -16).all()


def test_synthetic_difference(smoking: pd.DataFrame) -> None:
    row = scm.synthetic_difference(smoking, *COLUMNS, **CASE, draws=50).table.iloc[0]
    # Arkhangelsky et al. (2021), table 1: -15.6 (8.4); R package synthdid -15.604.
    assert_allclose(row["estimate"], -15.604, atol=0.001)
    assert_allclose(row["std_error"], 8.4, atol=2.5)


def test_weights_are_exact_where_the_answer_is_known() -> None:
    rng = np.random.default_rng(4)
    donors = rng.standard_normal((30, 6)) + 100
    truth = np.array([0.5, 0.3, 0.2, 0, 0, 0])
    assert_allclose(scm.simplex_weights(donors @ truth, donors), truth, atol=1e-8)
    # Outside the hull the nearest corner: all weight on the largest donor.
    line = np.outer(np.ones(4), [1.0, 2.0, 3.0])
    assert_allclose(scm.simplex_weights(np.full(4, 9.0), line), [0, 0, 1], atol=1e-12)


def test_a_wrong_optimum_is_noticed() -> None:
    differences = np.array([[1.0, -1.0, 3.0], [0.5, 2.0, 1.0]])
    with pytest.raises(DesignError, match="did not converge"):
        scm._assert_optimal(differences, np.full(3, 1 / 3))


def test_effect_of_a_known_size_and_a_group() -> None:
    rng = np.random.default_rng(8)
    factors = rng.standard_normal((40, 2)).cumsum(axis=0)
    loads = rng.uniform(0, 1, (12, 2))
    y = factors @ loads.T + rng.normal(0, 0.05, (40, 12))
    y[:, 0] = y[:, 3:6].mean(axis=1) + rng.normal(0, 0.05, 40)
    y[:, 1] = y[:, 6:9].mean(axis=1) + rng.normal(0, 0.05, 40)
    y[30:, :2] += 2.0
    frame = (
        pd.DataFrame(y)
        .melt(ignore_index=False, var_name="u", value_name="y")
        .reset_index(names="t")
    )
    one = scm.estimate(frame, "y", "u", "t", treated=0, start=30, donors=range(2, 12)).table
    both = scm.estimate(frame, "y", "u", "t", treated=[0, 1], start=30).table
    assert_allclose([one["estimate"][0], both["estimate"][0]], [2.0, 2.0], atol=0.15)
    assert both["group"][0] == "treated group"
