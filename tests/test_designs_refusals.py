"""Over seventy bad designs, each refused with its reason before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from ncpi_eval.designs import (
    closed_forms,
    interrupted_series,
    linear,
    power,
    process_tracing,
    staggered,
    staggered_checks,
    synthetic_control,
)
from ncpi_eval.designs.simulate import Programme
from ncpi_eval.errors import DesignError


@pytest.fixture(autouse=True)
def nothing_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fitted(*_: Any, **__: Any) -> None:
        raise AssertionError("something was fitted")

    import diff_diff
    import statsmodels.api as sm

    monkeypatch.setattr(linear, "least_squares", fitted)
    monkeypatch.setattr(linear, "two_way", fitted)
    monkeypatch.setattr(optimize, "nnls", fitted)
    monkeypatch.setattr(sm, "GLM", fitted)
    monkeypatch.setattr(power.simulate, "outcomes", fitted)
    for name in ("CallawaySantAnna", "ImputationDiD", "SunAbraham", "SyntheticDiD"):
        monkeypatch.setattr(diff_diff, name, fitted)


def series(**changes: Any) -> pd.DataFrame:
    """30 months of counts; each test spoils one thing."""
    t = np.arange(30)
    frame = {"t": t, "y": 50.0 + t % 7, "people": 1000.0, "n": 200.0}
    return pd.DataFrame({**frame, **changes})


def without(frame: pd.DataFrame, *rows: int) -> pd.DataFrame:
    return frame.drop(index=list(rows))


def its(frame: pd.DataFrame, date: Any = 15, **settings: Any) -> Callable[[], Any]:
    return lambda: interrupted_series.estimate(frame, "y", "t", date, **settings)


def at(frame: pd.DataFrame, row: int, column: str, value: Any) -> pd.DataFrame:
    changed = frame.copy()
    if isinstance(value, str):
        changed[column] = changed[column].astype(object)
    changed.loc[row, column] = value
    return changed


def panel(first: list[int] | None = None, periods: int = 8) -> pd.DataFrame:
    first = [3, 3, 5, 5, 0, 0] if first is None else first
    return pd.DataFrame(
        [
            {"u": u, "t": t, "g": g, "y": 1.0 * ((u * 7 + t * 3) % 5), "x": 1.0 * u}
            for u, g in enumerate(first)
            for t in range(1, periods + 1)
        ]
    )


def did(frame: pd.DataFrame, **settings: Any) -> Callable[[], Any]:
    return lambda: staggered.group_time(frame, "y", "u", "t", "g", **settings)


def scm(frame: pd.DataFrame, **changes: Any) -> Callable[[], Any]:
    settings: dict[str, Any] = {"treated": 0, "start": 7, **changes}
    return lambda: synthetic_control.estimate(frame, "y", "u", "t", **settings)


def programme(**changes: Any) -> Programme:
    settings: dict[str, Any] = {"sizes": (1.0,) * 6, "calendar": (5, 6, 7, 8, 9, None)}
    return Programme(**{**settings, "periods": 24, **changes})


def sim(design: str = "staggered", estimator: str = "two_way", **changes: Any) -> Callable[[], Any]:
    setting = power.Setting(programme(**changes), design, estimator)  # type: ignore[arg-type]
    return lambda: power.run([setting], replications=10, seed=1)


def traced(
    likely: float = 0.9, found: str = "yes", prior: dict[str, float] | None = None, pairs: int = 2
) -> Callable[[], Any]:
    """One clue under two explanations; each test spoils one thing."""
    pair = {"clue": "memo", "hypothesis": ["worked", "did not"]}
    likelihoods = pd.DataFrame({**pair, "low": 0.1, "likely": likely, "high": 0.95})[:pairs]
    clues = pd.DataFrame({"clue": ["memo"], "found": [found], "group": [""]})
    belief = {"worked": 0.5, "did not": 0.5} if prior is None else prior
    return lambda: process_tracing.posterior(likelihoods, clues, belief)


TWO_SERIES = pd.concat([series(g="a"), series(g="b")])
MONTHLY_THEN_QUARTERLY = series(t=[*range(15), *range(15, 60, 3)])

BAD: dict[str, tuple[Callable[[], Any], str]] = {
    # Interrupted series
    "no period before": (its(series(), 0), "no period before it"),
    "too few before": (its(series(), 5), "5 periods before it"),
    "no period after": (its(series(), 30), "no period after it"),
    "window swallows the time after": (its(series(), 26, washout=3), "1 periods after it"),
    "gap": (its(without(series(), 9)), "a gap of 2 periods where 1 is usual"),
    "unsorted": (its(series().iloc[::-1]), "sort the series"),
    "duplicated period": (its(series(t=[*range(29), 28])), "the same period again"),
    "units of time mixed": (its(MONTHLY_THEN_QUARTERLY), "steps of 1 and 3 mixed"),
    "date for numbered periods": (its(series(), "2019-02"), "not in the units of the series"),
    "negative counts": (its(at(series(), 3, "y", -1.0), family="poisson"), "counts of 0 or more"),
    "rates as counts": (its(at(series(), 3, "y", 1.5), family="poisson"), "whole counts"),
    "exposure zero": (
        its(at(series(), 4, "people", 0.0), family="poisson", exposure="people"),
        "exposure above 0",
    ),
    "exposure in thousands for some": (
        its(at(series(), 4, "people", 1.0), family="poisson", exposure="people"),
        "one unit throughout",
    ),
    "more successes than trials": (
        its(at(series(), 4, "n", 10.0), family="binomial", trials="n"),
        "at least the outcome",
    ),
    "missing outcome": (its(at(series(), 4, "y", np.nan)), "do not fill with 0"),
    "text for numbers": (its(at(series(), 4, "y", "[c]")), "column y: found text"),
    "constant outcome": (its(series(y=5.0)), "the same value throughout"),
    "lags that are no whole number": (its(series(), lags=2.5), "whole periods"),
    "ARIMA order cut short": (its(series(), errors="arima", order=(1,)), "(p, d, q)"),
    "month that does not exist": (
        its(series(t=pd.date_range("2019-01-01", periods=30, freq="MS")), "2019-13"),
        "dates",
    ),
    "more placebo than past": (
        lambda: interrupted_series.placebo_dates(series(), "y", "t", 20, dates=[25]),
        "no period after it",
    ),
    "two series pooled": (
        lambda: interrupted_series.pooled(TWO_SERIES, "y", "t", 15, unit="g"),
        "3 or more",
    ),
    "negative counts of one unit pooled": (
        lambda: interrupted_series.pooled(
            at(TWO_SERIES.reset_index(), 3, "y", -1.0), "y", "t", 15, unit="g", family="poisson"
        ),
        "g a, column y",
    ),
    "interruptions in wrong order": (its(series(), (20, 12)), "out of order"),
    "more terms than periods carry": (
        its(series(), season="month", cycle=14),
        "coefficients for 30 periods",
    ),
    "season longer than the series": (its(series(), season="month", cycle=20), "two whole cycles"),
    "too many lags": (its(series(), lags=15), "fewer than half the periods"),
    "counts with ARIMA errors": (
        its(series(), family="poisson", errors="arima"),
        "newey_west or iid",
    ),
    "no control series": (its(series(g="a"), group="g", treated="a"), "a and at least one other"),
    "control of other periods": (
        its(TWO_SERIES.iloc[:-1], group="g", treated="a"),
        "the same periods in every series",
    ),
    "horizon beyond the series": (
        lambda: interrupted_series.effects(series(), "y", "t", 15, horizons=[15]),
        "0 to 14",
    ),
    "counterfactual of a differenced model": (
        lambda: interrupted_series.counterfactual(
            series(), "y", "t", 15, errors="arima", order=(0, 1, 1)
        ),
        "no counterfactual line",
    ),
    # Staggered adoption
    "all treated at once": (did(panel([4] * 6)), "all units are treated at once"),
    "nobody treated, calendar in years": (did(panel([2014] * 6)), "same unit of time"),
    "treated from the start": (did(panel([1, 3, 5, 5, 0, 0])), "no untreated period before"),
    "no never treated control": (
        did(panel([3, 3, 5, 5, 6, 6]), controls="never_treated"),
        "no unit is never treated",
    ),
    "no control left": (did(panel([4, 4, 4, 5, 5, 5]), anticipation=1), "no control is left"),
    "one cluster": (did(panel([3])), "1 units"),
    "panel with a hole": (did(without(panel(), 5)), "7 of 8 periods"),
    "two rows for a unit and period": (did(pd.concat([panel(), panel().iloc[:1]])), "two rows"),
    "treated twice": (did(at(panel(), 6, "g", 7)), "one first treatment per unit"),
    "unknown date as a control": (did(panel().replace({"g": {0: np.nan}})), "at an unknown time"),
    "year where a quarter is needed": (
        did(panel().assign(t=lambda f: "2014-0" + f["t"].astype(str), g="2014")),
        "less precise than the panel",
    ),
    "too few reshuffled calendars": (
        lambda: staggered_checks.randomisation(panel(), "y", "u", "t", "g", draws=5),
        "19 draws or more",
    ),
    "wild bootstrap without draws": (
        lambda: staggered_checks.wild_bootstrap(panel(), "y", "u", "t", "g", draws=0),
        "19 draws or more",
    ),
    "text in the panel": (did(at(panel(), 3, "y", "[c]")), "text"),
    "covariate with blanks": (did(at(panel(), 3, "x", np.nan), covariates=["x"]), "column x"),
    # Synthetic control
    "one donor": (scm(panel(), donors=[1]), "2 or more"),
    "donor is treated": (scm(panel(), donors=[0, 1, 2]), "treated and donor"),
    "too few periods to fit": (scm(panel(), start=3), "2 periods before"),
    "donor with a gap": (scm(without(panel(), 20)), "missing or infinite outcomes"),
    "no period after a synthetic control's start": (scm(panel(), start=9), "no period after"),
    "start written otherwise": (scm(panel(), start="7"), "a period like 1"),
    "nobody treated": (scm(panel(), treated=[]), "name the treated unit"),
    "text for a predictor": (scm(panel().assign(x="b"), predictors=[("x", [3])]), "column x"),
    "no date for placebos in time": (
        lambda: synthetic_control.placebo_in_time(
            panel(), "y", "u", "t", treated=0, start=7, dates=[]
        ),
        "name false dates",
    ),
    "predictor after treatment": (scm(panel(), predictors=[("x", [8])]), "before 7"),
    # Power
    "wedge without waiting clusters": (lambda: closed_forms.wedge(6, 6), "let some wait"),
    "exposure without contrast": (
        lambda: closed_forms.hussey_hughes_variance(np.ones((3, 3)), 1, 1),
        "cross at different times",
    ),
    "per cent for proportions": (
        lambda: closed_forms.repeated_survey(
            clusters=43, respondents=20, share=52, change=8, icc=0.02
        ),
        "divide by 100",
    ),
    "trial with one cluster per arm": (
        lambda: closed_forms.cluster_trial(clusters=1, size=9, effect=1, total_sd=1, icc=0.1),
        "one cannot show its spread",
    ),
    "simulation treated at once": (sim(calendar=(5,) * 6), "all units are treated at once"),
    "simulation of explosive errors": (sim(autocorrelation=1.0), "between -1 and 1"),
    "simulation with the wrong estimator": (sim(estimator="newey_west"), "two_way or group_time"),
    "simulation of a series too short": (sim("series", "newey_west"), "5 periods before it"),
    "simulated unit of size zero": (sim(sizes=(0.0, *(1.0,) * 5)), "obtain the exposure"),
    "power in per cent": (
        lambda: power.minimum_detectable(power.Setting(programme()), power=80, seed=1),
        "0 to 1",
    ),
    "reporting in per cent": (sim(completeness=(90.0,)), "use shares, not per cent"),
    "simulation of a handful": (
        lambda: power.run([power.Setting(programme())], replications=1, seed=1),
        "10 or more",
    ),
    "grid over a misspelt setting": (
        lambda: power.grid(power.Setting(programme()), efect=[0.1]),
        "a field of Setting or Programme",
    ),
    # Process tracing
    "one explanation": (traced(prior={"worked": 1.0}), "name a rival"),
    "beliefs that do not add up": (traced(prior={"worked": 0.5, "did not": 0.4}), "a sum of 0.9"),
    "likelihood in per cent": (traced(likely=90), "0 < low <= likely <= high < 1"),
    "pair that nobody judged": (traced(pairs=1), "judge each pair once"),
    "clue that is perhaps there": (traced(found="maybe"), "yes or no or not_looked"),
}


def test_there_are_many() -> None:
    assert len(BAD) >= 75


@pytest.mark.parametrize("name", list(BAD))
def test_refused_with_the_reason(name: str) -> None:
    call, reason = BAD[name]
    with pytest.raises(DesignError) as refused:
        call()
    assert reason in str(refused.value)


def test_all_reasons_at_once_with_remedies() -> None:
    frame = at(at(series(), 3, "y", -1.0), 5, "people", 0.0)
    with pytest.raises(DesignError) as refused:
        its(frame, family="poisson", exposure="people")()
    assert str(refused.value) == (
        "The values cannot belong to this model.\n"
        "  - column y, row 4: found -1; expected counts of 0 or more. What to do: correct\n"
        "  - column people, row 6: found 0 or less; expected exposure above 0. "
        "What to do: obtain it"
    )
