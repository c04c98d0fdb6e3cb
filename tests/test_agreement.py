"""Agreement between coders: published examples, hand arithmetic, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from ncpi_eval.errors import DesignError, InputError
from ncpi_eval.evidence import agreement
from ncpi_eval.evidence.agreement import Resampling

REFERENCE = Path(__file__).parent / "reference" / "agreement"
NO_DRAWS = Resampling(draws=0)


def example(name: str) -> pd.DataFrame:
    if name == "gwet_abstractors":
        counts = pd.read_csv(REFERENCE / "gwet_abstractors.csv")
        rows = counts.loc[counts.index.repeat(counts["count"])]
        return rows[["first", "second"]].reset_index(drop=True)
    if name == "fleiss_1971_first_15":
        return example("fleiss_1971").head(15)
    return pd.read_csv(REFERENCE / f"{name}.csv", index_col=0)


def answers() -> list[pd.Series]:
    table = pd.read_csv(REFERENCE / "answers.csv")
    return [row for _, row in table.iterrows()]


def coefficient(name: str, wide: pd.DataFrame, scale: str = "nominal") -> agreement.Agreement:
    if name == "krippendorff":
        return agreement.krippendorff_alpha(wide, scale=scale, resampling=NO_DRAWS)
    function = {
        "fleiss": agreement.fleiss_kappa,
        "gwet": agreement.gwet_ac1,
        "cohen": agreement.cohen_kappa,
        "percent": agreement.percent_agreement,
    }[name]
    return function(wide, resampling=NO_DRAWS)


@pytest.mark.parametrize(
    "row", answers(), ids=lambda row: f"{row.example}-{row.coefficient}-{row.scale}"
)
def test_published_examples(row: pd.Series) -> None:
    found = coefficient(row.coefficient, example(row.example), row.scale)
    # The sources stand in the column `by` of tests/reference/agreement/answers.csv
    if not math.isnan(row.printed):
        digits = len(str(row.printed).split(".")[1])
        assert found.estimate == pytest.approx(row.printed, abs=0.5000001 * 10**-digits)
    if not math.isnan(row.independent):
        assert found.estimate == pytest.approx(row.independent, abs=1e-9)


def test_gwets_published_standard_errors() -> None:
    # irrCAC 1.0 (R), overview vignette, six raters of 15 patients: se 0.08418757, 0.264 to 0.625
    found = agreement.gwet_ac1(example("fleiss_1971_first_15"), resampling=NO_DRAWS)
    reach = found.analytic_high - found.estimate
    assert reach / stats.t.ppf(0.975, 14) == pytest.approx(0.08418757, abs=1e-8)
    assert (round(found.analytic_low, 3), round(found.analytic_high, 3)) == (0.264, 0.625)
    # The same with missing codings (cac.raw4raters): se 0.14295, 0.461 to 1, cut at 1
    found = agreement.gwet_ac1(example("krippendorff_2011"), resampling=NO_DRAWS)
    reach = found.estimate - found.analytic_low
    assert reach / stats.t.ppf(0.975, 11) == pytest.approx(0.14295, abs=5e-6)
    assert found.analytic_high == 1
    # For a table of two raters irrCAC divides by n where it otherwise divides by n - 1
    found = agreement.gwet_ac1(example("gwet_abstractors"), resampling=NO_DRAWS)
    reach = (found.analytic_high - found.estimate) / stats.t.ppf(0.975, 99)
    assert reach * math.sqrt(99 / 100) == pytest.approx(0.04321747, abs=1e-8)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_weighted_kappa_is_that_of_another_library(weights: str | None) -> None:
    wide = example("fleiss_1971")[["rater_1", "rater_4"]]
    found = agreement.cohen_kappa(
        wide, weights=weights, categories=[1, 2, 3, 4, 5], resampling=NO_DRAWS
    )
    # scikit-learn computes it from the codings, statsmodels (wrapped here) from the table
    expected = cohen_kappa_score(
        wide["rater_1"], wide["rater_4"], weights=weights, labels=[1, 2, 3, 4, 5]
    )
    assert found.estimate == pytest.approx(expected, abs=1e-12)


# Two coders, ten extracts: both yes 4, both no 3, yes/no 2, no/yes 1
TEN = pd.DataFrame(
    [("yes", "yes")] * 4 + [("no", "no")] * 3 + [("yes", "no")] * 2 + [("no", "yes")],
    columns=["Ann", "Ben"],
)


def test_every_coefficient_by_hand() -> None:
    observed = 7 / 10
    assert agreement.percent_agreement(TEN).estimate == pytest.approx(observed)
    # Ann says yes 6 of 10 times, Ben 5: luck agrees in 0.6 * 0.5 + 0.4 * 0.5
    luck = 0.6 * 0.5 + 0.4 * 0.5
    assert agreement.cohen_kappa(TEN).estimate == pytest.approx((observed - luck) / (1 - luck))
    # Together 11 of 20 codings say yes
    luck = 0.55**2 + 0.45**2
    assert agreement.fleiss_kappa(TEN).estimate == pytest.approx((observed - luck) / (1 - luck))
    # Alpha draws the second coding without putting the first back: 11 * 9 * 2 / (20 * 19)
    assert agreement.krippendorff_alpha(TEN).estimate == pytest.approx(
        1 - 0.3 / (2 * 11 * 9 / (20 * 19))
    )
    # AC1 with two codes: luck is 2 * 0.55 * 0.45
    luck = 2 * 0.55 * 0.45
    assert agreement.gwet_ac1(TEN).estimate == pytest.approx((observed - luck) / (1 - luck))


def test_what_it_rests_on_is_said() -> None:
    found = agreement.krippendorff_alpha(example("krippendorff_2011"), unit="documents")
    # Unit 12 was coded by B alone; 41 codings were given, 40 can be compared
    assert (found.unit, found.units, found.left_out) == ("documents", 11, 1)
    assert (found.coders, found.codings) == (4, 40)
    assert found.method == (
        "Krippendorff's alpha, nominal; percentile interval, 1000 resamples of documents"
    )
    assert found.caveat == "Fewer than 20 documents: the interval is too narrow."


def test_intervals_hold_the_estimate_and_repeat() -> None:
    wide = example("fleiss_1971")
    one = agreement.krippendorff_alpha(wide)
    assert one == agreement.krippendorff_alpha(wide)
    assert one.ci_low < one.estimate < one.ci_high
    other = agreement.krippendorff_alpha(wide, resampling=Resampling(seed=1))
    assert one.ci_low != other.ci_low
    assert one.ci_low == pytest.approx(other.ci_low, abs=0.03)
    assert math.isnan(one.analytic_low)


def test_resampling_and_analytic_intervals_are_close() -> None:
    # For 100 units the two approximations of the same thing must nearly agree
    for function in (agreement.cohen_kappa, agreement.gwet_ac1, agreement.percent_agreement):
        found = function(example("gwet_abstractors"))
        assert found.ci_low == pytest.approx(found.analytic_low, abs=0.03)
        assert found.ci_high == pytest.approx(found.analytic_high, abs=0.03)


def test_intervals_cover_as_often_as_they_say() -> None:
    # Two coders who each see the truth (two codes, even) with probability 0.9, else the other
    # code: they agree in 0.9^2 + 0.1^2 = 0.82 of units, luck is 0.5, so that kappa is 0.64
    random = np.random.default_rng(4)
    covered = 0
    for _ in range(60):
        truth = random.integers(0, 2, 80)
        wide = pd.DataFrame({name: truth ^ (random.random(80) < 0.1) for name in ("Ann", "Ben")})
        found = agreement.krippendorff_alpha(wide, resampling=Resampling(draws=200))
        covered += found.ci_low <= 0.64 <= found.ci_high
    assert 52 <= covered <= 60  # 57 expected; fewer than 52 has probability 0.01


# ---------------------------------------------------------------------------------------------
# Uncoded text


def codings(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["extract", "coder", "code"])


def test_text_that_nobody_coded_is_left_out() -> None:
    given = codings(
        ("e1", "Ann", "barrier"),
        ("e1", "Ben", "barrier"),
        ("e2", "Ann", "none_applies"),  # both found nothing: uncoded text
        ("e2", "Ben", "none_applies"),
        ("e3", "Ann", "barrier"),  # one found something: a disagreement
        ("e3", "Ben", "none_applies"),
        ("e4", "Ann", ""),  # not yet coded by Ann
        ("e4", "Ben", "facilitator"),
        ("e5", "Ann", None),  # by nobody
        ("e5", "Ben", ""),
    )
    wide = agreement.ratings(given)
    assert list(wide.index) == ["e1", "e3", "e4"]
    found = agreement.percent_agreement(wide)
    assert (found.units, found.left_out) == (2, 1)
    assert found.estimate == 1 / 2


def test_one_code_alone_is_present_or_absent_where_the_coder_coded() -> None:
    wide = agreement.ratings(
        codings(
            ("e1", "Ann", "barrier.partners"),
            ("e1", "Ben", "barrier.systems"),
            ("e2", "Ann", "facilitator.buy_in"),
            ("e3", "Ben", "barrier.partners"),
        )
    )
    shown = agreement.presence(wide, ["barrier.partners", "barrier.systems"])
    assert shown.loc["e1"].tolist() == [1, 1]
    assert shown.loc["e2", "Ann"] == 0
    assert pd.isna(shown.loc["e2", "Ben"])


def test_a_coder_codes_a_unit_once() -> None:
    given = codings(("e1", "Ann", "barrier"), ("e1", "Ann", "facilitator"))
    with pytest.raises(InputError) as caught:
        agreement.ratings(given)
    assert str(caught.value) == (
        "A coder gives each unit one code.\n"
        "  - extract e1, coder Ann: found a second coding; expected one. What to do: Keep the "
        "coding that was meant, or split the extract in two."
    )


# ---------------------------------------------------------------------------------------------
# Refusals


Function = Callable[..., agreement.Agreement]
ALL = list(agreement._COEFFICIENTS.values())


@pytest.mark.parametrize("function", ALL)
def test_one_coder_is_refused(function: Function) -> None:
    with pytest.raises(DesignError, match="needs two coders or more; found one"):
        function(TEN[["Ann"]])
    # A column without a single code is no coder
    with pytest.raises(DesignError, match="needs two coders or more; found one"):
        function(TEN.assign(Ben=None))


@pytest.mark.parametrize("function", ALL)
def test_one_unit_is_refused(function: Function) -> None:
    with pytest.raises(DesignError) as caught:
        function(TEN.head(1), unit="extracts")
    assert caught.value.message == (
        "Agreement needs two extracts or more that two coders coded; found one among 1. Code more "
        "of the same text twice."
    )
    # Ten units, but no two coders met
    apart = pd.DataFrame({"Ann": ["x"] * 5 + [None] * 5, "Ben": [None] * 5 + ["y"] * 5})
    with pytest.raises(DesignError, match="found none among 10"):
        function(apart)


@pytest.mark.parametrize(
    "function", [agreement.cohen_kappa, agreement.fleiss_kappa, agreement.krippendorff_alpha]
)
def test_no_variation_is_refused_and_not_nan(function: Function) -> None:
    same = pd.DataFrame({"Ann": ["barrier"] * 5, "Ben": ["barrier"] * 5})
    with pytest.raises(DesignError) as caught:
        function(same)
    assert str(caught.value).endswith(
        "does not exist without variation: all 5 extracts have the code 'barrier' from every "
        "coder, so that agreement cannot be told from luck. Percent agreement (100%) is all that "
        "can be said."
    )


def test_ac1_without_variation_needs_to_know_the_codes_that_could_be_given() -> None:
    same = pd.DataFrame({"Ann": ["barrier"] * 5, "Ben": ["barrier"] * 5})
    with pytest.raises(DesignError, match="Gwet's AC1 does not exist without variation"):
        agreement.gwet_ac1(same)
    found = agreement.gwet_ac1(same, categories=["barrier", "facilitator"])
    assert found.estimate == 1
    assert found.caveat == "Every unit agrees, so that resampling units shows no uncertainty."


def test_resamples_without_variation_are_counted_and_too_many_give_no_interval() -> None:
    # One of ten units differs: it is absent from a resample with probability 0.9^10 = 35%
    nearly = pd.DataFrame({"Ann": ["a"] * 9 + ["b"], "Ben": ["a"] * 9 + ["b"]})
    found = agreement.krippendorff_alpha(nearly)
    assert found.estimate == 1
    assert math.isnan(found.ci_low)
    assert found.caveat.startswith("No interval: in 3")


def test_what_a_coefficient_cannot_take_is_refused() -> None:
    with pytest.raises(DesignError, match="compares two coders; found 6"):
        agreement.cohen_kappa(example("fleiss_1971"))
    with pytest.raises(DesignError, match="3 of 11 extracts lack one"):
        agreement.fleiss_kappa(example("krippendorff_2011"))
    with pytest.raises(DesignError, match="need their order"):
        agreement.cohen_kappa(TEN, weights="linear")
    with pytest.raises(DesignError, match="need their order"):
        agreement.krippendorff_alpha(TEN, scale="ordinal")
    with pytest.raises(DesignError, match="are numbers; found 'no'"):
        agreement.krippendorff_alpha(TEN, scale="interval")
    with pytest.raises(DesignError, match="A scale is one of nominal, ordinal"):
        agreement.krippendorff_alpha(TEN, scale="polar")
    with pytest.raises(DesignError, match="Ratio codes are not below 0"):
        agreement.krippendorff_alpha(example("fleiss_1971") - 2, scale="ratio")
    with pytest.raises(DesignError, match="Weights are 'linear', 'quadratic' or None; found 'x'"):
        agreement.cohen_kappa(TEN, weights="x")
    with pytest.raises(DesignError, match="between 0 and 1; found 95"):
        Resampling(level=95)
    with pytest.raises(InputError, match="found 'no'; expected a code of the frame"):
        agreement.gwet_ac1(TEN, categories=["yes"])


# ---------------------------------------------------------------------------------------------
# Together


def test_the_table_has_each_coefficient_or_the_reason_why_not() -> None:
    shown = agreement.table(
        example("krippendorff_2011"), stem="agreement.pilot", data_kind="published", scale="ordinal"
    ).set_index("id")
    assert list(shown.index) == [
        f"agreement.pilot.{name}" for name in ("krippendorff", "gwet", "fleiss", "cohen", "percent")
    ]
    assert shown.loc["agreement.pilot.krippendorff", "estimate"] == pytest.approx(0.8153875)
    assert shown.loc["agreement.pilot.cohen", "refusal"].startswith("Cohen's kappa compares two")
    assert shown["refusal"].eq("").tolist() == [True, True, False, False, True]
    assert list(shown["data_kind"]) == ["published"] * 5
    assert list(shown["unit"]) == ["extracts"] * 5
