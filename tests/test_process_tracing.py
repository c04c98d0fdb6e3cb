"""Process tracing against Bayes' rule worked out by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from ncpi_eval.designs import process_tracing as tracing
from ncpi_eval.errors import DesignError

PRIOR = {"programme": 0.5, "trend": 0.5}


def judged(**clues: tuple[float, float]) -> pd.DataFrame:
    """Likelihoods under programme and trend, with ranges of 0.05 on either side."""
    return pd.DataFrame(
        [
            {"clue": c, "hypothesis": h, "low": p - 0.05, "likely": p, "high": p + 0.05}
            for c, pair in clues.items()
            for h, p in zip(PRIOR, pair, strict=True)
        ]
    )


def looked(**found: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"clue": clue, "found": word.split("/")[0], "group": (word + "/").split("/")[1]}
            for clue, word in found.items()
        ]
    )


def belief(likelihoods: pd.DataFrame, clues: pd.DataFrame, **settings: float) -> pd.Series:
    table = tracing.posterior(likelihoods, clues, PRIOR, **settings).table
    return table.set_index("term").loc["programme"]


def test_one_clue_is_bayes_rule() -> None:
    # 0.5 * 0.8 / (0.5 * 0.8 + 0.5 * 0.2)
    assert belief(judged(a=(0.8, 0.2)), looked(a="yes"))["estimate"] == pytest.approx(0.8)
    # Not found: 0.2 / (0.2 + 0.8)
    assert belief(judged(a=(0.8, 0.2)), looked(a="no"))["estimate"] == pytest.approx(0.2)
    # Not looked for: the prior.
    assert belief(judged(a=(0.8, 0.2)), looked(a="not_looked"))["estimate"] == 0.5


def test_two_independent_clues_multiply_and_two_alike_count_once() -> None:
    likelihoods = judged(a=(0.8, 0.2), b=(0.8, 0.2))
    clues = looked(a="yes/survey", b="yes/survey")
    assert belief(likelihoods, clues)["estimate"] == pytest.approx(16 / 17)
    assert belief(likelihoods, clues, dependence=1.0)["estimate"] == pytest.approx(4 / 5)
    # Half way: a likelihood ratio of 4 * sqrt(4) = 8.
    assert belief(likelihoods, clues, dependence=0.5)["estimate"] == pytest.approx(8 / 9)


def test_bounds_are_the_corners_of_the_judgements() -> None:
    row = belief(judged(a=(0.8, 0.2)), looked(a="yes"))
    assert row["ci_low"] == pytest.approx(0.75 / (0.75 + 0.25))
    assert row["ci_high"] == pytest.approx(0.85 / (0.85 + 0.15))


def test_three_explanations() -> None:
    prior = {"a": 0.5, "b": 0.3, "c": 0.2}
    likelihoods = pd.DataFrame(
        [
            {"clue": "x", "hypothesis": h, "low": p, "likely": p, "high": p}
            for h, p in (("a", 0.9), ("b", 0.3), ("c", 0.6))
        ]
    )
    table = tracing.posterior(likelihoods, looked(x="yes"), prior).table.set_index("term")
    # 0.45, 0.09 and 0.12 of 0.66
    assert table["estimate"].to_dict() == pytest.approx(
        {"a": 0.45 / 0.66, "b": 0.09 / 0.66, "c": 0.12 / 0.66}
    )


@pytest.mark.parametrize(
    ("pair", "name"),
    [
        ((0.90, 0.10), "doubly decisive"),
        ((0.90, 0.60), "hoop"),
        ((0.40, 0.10), "smoking gun"),
        ((0.60, 0.40), "straw in the wind"),
        ((0.85, 0.20), "doubly decisive"),  # both bounds belong to the test
        ((0.84, 0.21), "straw in the wind"),
    ],
)
def test_four_tests_follow_from_likelihoods(pair: tuple[float, float], name: str) -> None:
    table = tracing.tests(judged(a=pair), looked(a="yes"), PRIOR, "programme").table
    assert table["test"].iloc[0] == name


def test_rivals_are_weighed_by_their_prior_and_absence_turns_the_ratio() -> None:
    prior = {"a": 0.5, "b": 0.4, "c": 0.1}
    likelihoods = pd.DataFrame(
        [
            {"clue": "x", "hypothesis": h, "low": p, "likely": p, "high": p}
            for h, p in (("a", 0.8), ("b", 0.5), ("c", 0.1))
        ]
    )
    row = tracing.tests(likelihoods, looked(x="no"), prior, "a").table.iloc[0]
    assert row["rivals"] == pytest.approx(0.8 * 0.5 + 0.2 * 0.1)
    assert row["ratio"] == pytest.approx(0.2 / (1 - 0.42))


def test_a_deciding_clue_is_named() -> None:
    likelihoods = judged(strong=(0.9, 0.1), weak=(0.45, 0.55))
    table = tracing.without_each(likelihoods, looked(strong="yes", weak="yes"), PRIOR).table
    by = table.set_index("term")
    # Without the strong clue: 0.45 / (0.45 + 0.55)
    assert by.loc["strong", "estimate"] == pytest.approx(0.45)
    assert by.loc["strong", "leads"] == "no"
    assert by.loc["weak", "leads"] == "yes"


def test_the_worth_of_looking_is_the_expected_loss_of_entropy() -> None:
    likelihoods = judged(sharp=(0.9, 0.1), dull=(0.5, 0.5))
    table = tracing.worth_looking(
        likelihoods, looked(sharp="not_looked", dull="not_looked"), PRIOR
    ).table.set_index("term")
    # A symmetric channel with error 0.1: 1 - H(0.1) bits (Shannon 1948).
    entropy = -(0.1 * math.log2(0.1) + 0.9 * math.log2(0.9))
    assert table.loc["sharp", "estimate"] == pytest.approx(1 - entropy)
    assert table.loc["dull", "estimate"] == pytest.approx(0)
    assert table.index[0] == "sharp"


def test_priors_and_dependence_are_gone_through() -> None:
    table = tracing.over_priors(
        judged(a=(0.8, 0.2)), looked(a="yes"), "programme", {"trend": 1.0}, priors=(0.2, 0.5)
    ).table
    assert len(table) == 2 * 3
    # 0.2 * 0.8 / (0.2 * 0.8 + 0.8 * 0.2)
    assert table["estimate"].iloc[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prior": {"programme": 0.7, "trend": 0.5}}, "a sum of 1.2; expected 1"),
        ({"prior": {"programme": 1.0}}, "1 hypotheses; expected two or more"),
        ({"prior": {"programme": 1.0, "trend": 0.0}}, "expected above 0"),
        ({"found": "maybe"}, "found maybe; expected yes or no or not_looked"),
        ({"high": 1.2}, "expected 0 < low <= likely <= high < 1"),
        ({"drop": "trend"}, "hypothesis trend: found 0 rows; expected one row"),
    ],
)
def test_bad_judgements_are_refused(change: dict, said: str) -> None:
    likelihoods, clues = judged(a=(0.8, 0.2)), looked(a=change.get("found", "yes"))
    if "high" in change:
        likelihoods["high"] = change["high"]
    if "drop" in change:
        likelihoods = likelihoods[likelihoods["hypothesis"].ne(change["drop"])]
    with pytest.raises(DesignError) as refused:
        tracing.posterior(likelihoods, clues, change.get("prior", PRIOR))
    assert said in str(refused.value)


def test_dependence_outside_its_range_is_refused() -> None:
    with pytest.raises(DesignError, match="0 to 1"):
        tracing.posterior(judged(a=(0.8, 0.2)), looked(a="yes"), PRIOR, dependence=1.5)
