"""Outcomes of forces beside the calendar of inspections, as the analysis plan wants them.

Turns the public record into frames that the estimators of `designs` take: one row per force and
period, the outcome on the plan's scale, and the period in which the force was first inspected. A
force whose first inspection is not known well enough is left out and named, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval import results
from ncpi_eval.designs import interrupted_series
from ncpi_eval.designs.estimates import tidy
from ncpi_eval.errors import DesignError
from ncpi_eval.intake.outcomes import read_outcome
from ncpi_eval.results import Result

Plan = dict[str, dict[str, Any]]

_CONFIDENT = "high"
FORCES = 43


def financial_year(date: pd.Timestamp) -> int:
    """The year of the 31 March that ends the financial year of a date."""
    return date.year + (date.month > 3)


def first_quarter_day(date: pd.Timestamp) -> pd.Timestamp:
    """First day of the calendar quarter of a date; financial years begin with one."""
    return pd.Timestamp(date.year, 3 * ((date.month - 1) // 3) + 1, 1)


def first_inspections(forces: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """When each force was first inspected, as quarter and financial year, where that is known.

    Parameters
    ----------
    forces : DataFrame
        From `sources.read_forces`: force, name, first_inspection (day, month or year),
        inspected_before (month by which an inspection of unknown date had begun), confidence.
    plan : dict
        From `intake.outcomes.read_plan`.

    Returns
    -------
    DataFrame
        force (int), name, earliest, latest (Timestamps, both inclusive, between which fieldwork
        began; the programme's beginning bounds them), quarter (first day) and year (int) where
        both bounds lie in the same, else missing; excluded: why the force is left out, "" if not.
    """
    began = pd.Timestamp(plan["forces"]["programme_began"])
    rows = []
    for row in forces.to_dict("records"):
        earliest, latest = _bounds(row, began)
        quarters = {first_quarter_day(earliest), first_quarter_day(latest)}
        years = {financial_year(earliest), financial_year(latest)}
        excluded = ""
        if row["name"] in plan["forces"]["excluded"]:
            excluded = "left out by the plan"
        elif len(years) > 1:
            excluded = "the financial year of its first inspection is not known"
        rows.append(
            {
                "force": int(row["force"]),
                "name": row["name"],
                "earliest": earliest,
                "latest": latest,
                "quarter": quarters.pop() if len(quarters) == 1 else pd.NaT,
                "year": years.pop() if len(years) == 1 else pd.NA,
                "confidence": row.get("confidence", ""),
                "excluded": excluded,
            }
        )
    frame = pd.DataFrame(rows)
    return frame.assign(year=frame["year"].astype("Int64"))


def _bounds(row: dict[str, Any], began: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
    text = row["first_inspection"] if isinstance(row["first_inspection"], str) else ""
    if not text:
        before = pd.Period(row["inspected_before"], freq="M")
        return began, before.end_time.normalize()
    freq = {4: "Y", 7: "M", 10: "D"}[len(text)]
    period = pd.Period(text, freq=freq)
    return max(period.start_time, began), period.end_time.normalize()


def by_year(outcome: pd.DataFrame) -> pd.DataFrame:
    """A quarterly outcome by financial year; years without four quarters are left out.

    Parameters
    ----------
    outcome : DataFrame
        From `intake.outcomes.read_outcome`; one that is yearly already is given back.

    Returns
    -------
    DataFrame
        The same columns, period the financial year (int). Numerator and denominator are sums over
        the year, missing where a quarter is; value is their ratio or the numerator.
    """
    if not pd.api.types.is_datetime64_any_dtype(outcome["period"]):
        return outcome
    dated = outcome.assign(period=outcome["period"].map(financial_year))
    keys = ["force", "name", "data_kind", "period"]
    grouped = dated.groupby(keys, as_index=False)
    sums = grouped[["numerator", "denominator"]].sum(min_count=4)
    sums = sums[grouped.size()["size"].eq(4).to_numpy()]
    ratio = sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)
    has_base = outcome["denominator"].notna().any()
    return sums.assign(value=ratio if has_base else sums["numerator"]).reset_index(drop=True)


def coverage(names: Iterable[str]) -> dict[str, float]:
    """Share of forces and periods with a number, for each outcome; forces without rows count.

    The periods are those of the outcome's file, the forces all 43.
    """
    shares = {}
    for name in names:
        frame = read_outcome(name)
        cells = FORCES * frame["period"].nunique()
        shares[name] = float(frame["value"].notna().sum() / cells)
    return shares


def yearly_panel(
    outcome: pd.DataFrame, inspections: pd.DataFrame, plan: Plan, last_year: int | None = None
) -> pd.DataFrame:
    """Forces by financial year, for the estimators of staggered adoption.

    Parameters
    ----------
    outcome : DataFrame
        From `intake.outcomes.read_outcome`.
    inspections : DataFrame
        From `first_inspections`.
    plan : dict
    last_year : int, optional
        Last financial year, inclusive; the plan's if not given.

    Returns
    -------
    DataFrame
        name, force, year, first_inspected (financial year of the first inspection, 0 where it
        lies behind the last year: not yet inspected throughout), value and log_value. Forces that
        the plan leaves out, and forces with a year that is missing or not above zero, are not in
        it; the second kind are named in ``attrs["incomplete"]``.
    """
    first, last = plan["staggered"]["first_year"], last_year or plan["staggered"]["last_year"]
    kept = inspections[inspections["excluded"] == ""].set_index("force")
    frame = by_year(outcome)
    frame = frame[frame["force"].isin(kept.index) & frame["period"].between(first, last)].copy()
    frame["year"] = frame["period"].astype(int)
    year = kept["year"].reindex(frame["force"]).astype(int).to_numpy()
    frame["first_inspected"] = np.where(year <= last, year, 0)
    return _complete(frame, "year", last - first + 1)


def quarterly_series(
    outcome: pd.DataFrame, inspections: pd.DataFrame, plan: Plan, last_quarter: str | None = None
) -> pd.DataFrame:
    """Forces by quarter, for the estimators of interrupted series.

    Returns
    -------
    DataFrame
        name, force, quarter (ISO date of its first day), first_inspected (likewise; missing where
        the quarter is not known), value, log_value; forces as in `yearly_panel`.
    """
    settings = plan["series"]
    first, last = (
        pd.Timestamp(settings["first_quarter"]),
        pd.Timestamp(last_quarter or settings["last_quarter"]),
    )
    kept = inspections[inspections["excluded"] == ""].set_index("force")
    chosen = outcome["force"].isin(kept.index) & outcome["period"].between(first, last)
    frame = outcome[chosen].copy()
    frame["quarter"] = frame["period"].dt.strftime("%Y-%m-%d")
    began = kept["quarter"].reindex(frame["force"])
    frame["first_inspected"] = began.dt.strftime("%Y-%m-%d").to_numpy()
    return _complete(frame, "quarter", frame["quarter"].nunique())


def _complete(frame: pd.DataFrame, time: str, periods: int) -> pd.DataFrame:
    good = frame["value"].gt(0).groupby(frame["name"]).sum()
    whole = good.index[good == periods]
    kept = frame[frame["name"].isin(whole)]
    kept = kept.assign(log_value=np.log(kept["value"]))
    columns = ["force", "name", time, "first_inspected", "value", "log_value", "data_kind"]
    kept = kept[columns].sort_values(["force", time], ignore_index=True)
    kept.attrs["incomplete"] = sorted(set(frame["name"]) - set(whole))
    return kept


def with_room(series: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Forces with enough quarters before and after their first inspection, as the plan wants."""
    settings = plan["series"]
    quarters = sorted(series["quarter"].unique())
    place = {quarter: number for number, quarter in enumerate(quarters)}
    start = series["first_inspected"].map(place)
    after = len(quarters) - start - settings["implementation_quarters"]
    enough = start.ge(settings["minimum_before"]) & after.ge(settings["minimum_after"])
    return series[enough].reset_index(drop=True)


def force_in_question(
    inspections: pd.DataFrame, calendar: pd.DataFrame, sizes: pd.DataFrame, plan: Plan
) -> pd.Series:
    """The one force that the plan's rule names, without a look at any outcome.

    First inspection known to the quarter with high confidence and published, nearest to the
    middle quarter of the series; of several, the one with more people (census of 2011).

    Parameters
    ----------
    inspections : DataFrame
        From `first_inspections`.
    calendar : DataFrame
        From `intake.record.read_calendar`: whether the first inspection's report is dated.
    sizes : DataFrame
        force, population_2011_census.
    plan : dict

    Returns
    -------
    Series
        The row of `inspections`, with `distance` in quarters from the middle.
    """
    settings = plan["series"]
    quarters = pd.period_range(settings["first_quarter"], settings["last_quarter"], freq="Q")
    middle = quarters[len(quarters) // 2]
    published = calendar[calendar["kind"].eq("inspection") & calendar["published"].ne("")]
    chosen = inspections[
        inspections["excluded"].eq("")
        & inspections["quarter"].notna()
        & inspections["confidence"].eq(_CONFIDENT)
        & inspections["force"].isin(published["force"].astype(int))
        & ~inspections["name"].isin(settings["force_not"])
    ].copy()
    chosen["distance"] = [abs((pd.Period(q, freq="Q") - middle).n) for q in chosen["quarter"]]
    people = sizes.set_index("force")["population_2011_census"].astype(float)
    chosen["people"] = people.reindex(chosen["force"]).to_numpy()
    return chosen.sort_values(["distance", "people"], ascending=[True, False]).iloc[0]


def series_settings(plan: Plan) -> dict[str, Any]:
    """Settings of `designs.interrupted_series` as the plan fixes them."""
    settings = plan["series"]
    return {
        "washout": settings["implementation_quarters"],
        "season": "harmonics",
        "harmonics": settings["harmonics"],
        "cycle": 4,
        "errors": settings["errors"],
    }


CHOICES = {
    "window 12, 12": "12 quarters before and 12 after",
    "window 16, 16": "16 quarters before and 16 after",
    "2 lags": "Newey-West errors, 2 lags",
    "4 lags": "Newey-West errors, 4 lags",
    "washout 0": "no quarter left out for fieldwork",
    "washout 4": "four quarters left out for fieldwork",
    "effect level": "change of level only",
    "order (2, 0, 0)": "errors carry over from two quarters",
}
"""What the choices of a sensitivity are called on a page."""


def variants(plan: Plan) -> list[dict[str, Any]]:
    """The plan's other choices for one series, as settings of `interrupted_series`."""
    other = [{"washout": quarters} for quarters in plan["series"]["implementation_sensitivity"]]
    return [*other, {"effect": "level"}, {"order": (2, 0, 0)}]


def pooled(series: pd.DataFrame, plan: Plan) -> tuple[Result, list[str]]:
    """All forces' changes of level and slope put together, as the plan wants.

    Parameters
    ----------
    series : DataFrame
        From `with_room`.

    Returns
    -------
    Result, list of str
        Of `interrupted_series.pooled`, and the forces that are not in it because their model does
        not converge (see the plan's amendments).
    """
    settings = series_settings(plan)
    failed = []
    for name, own in series.groupby("name"):
        began = own["first_inspected"].iloc[0]
        try:
            interrupted_series.estimate(
                own.reset_index(drop=True), "log_value", "quarter", began, **settings
            )
        except DesignError:
            failed.append(str(name))
    kept = series[~series["name"].isin(failed)].reset_index(drop=True)
    found = interrupted_series.pooled(
        kept, "log_value", "quarter", "first_inspected", unit="name", **settings
    )
    return found, failed


def known_step(outcome: pd.DataFrame, plan: Plan) -> Result:
    """The step that the plan names as a check, by every kind of model.

    Parameters
    ----------
    outcome : DataFrame
        The check's outcome by force and quarter; all forces are added up, those that the plan
        leaves out too, because the law changed for all.
    plan : dict

    Returns
    -------
    Result
        Rows of `interrupted_series.estimate`, `group` the model; ratio, ratio_low, ratio_high on
        one scale for models of logarithms and of counts.
    """
    settings = plan["series"]
    inside = outcome["period"].between(settings["first_quarter"], settings["last_quarter"])
    total = outcome[inside].groupby("period", as_index=False)["value"].sum()
    total["quarter"] = total["period"].dt.strftime("%Y-%m-%d")
    total["log_value"] = np.log(total["value"])
    shared: dict[str, Any] = {"season": "harmonics", "harmonics": settings["harmonics"], "cycle": 4}
    models: dict[str, tuple[str, dict[str, Any]]] = {
        "logarithm, Newey-West errors": ("log_value", {"errors": "newey_west"}),
        "logarithm, autoregressive errors": ("log_value", {"errors": "gls_ar"}),
        "logarithm, Prais-Winsten errors": ("log_value", {"errors": "prais_winsten"}),
        "logarithm, ARIMA errors": ("log_value", {"errors": "arima"}),
        "counts, quasi-Poisson": ("value", {"family": "quasipoisson"}),
        "counts, negative binomial": ("value", {"family": "negative_binomial"}),
    }
    tables = []
    for name, (column, chosen) in models.items():
        date = plan["outcome"]["check_date"]
        fit = interrupted_series.estimate(total, column, "quarter", date, **shared, **chosen)
        table = fit.table.assign(group=name)
        if "ratio" not in table:
            table = results.with_ratio(table)
        tables.append(table)
    joined = pd.concat(tables, ignore_index=True)
    return Result(tidy(joined.to_dict("records")), "The step of the check by every model.")


def stacked(parts: Mapping[str, Result], stem: str, *, unit: str, data_kind: str) -> pd.DataFrame:
    """Estimates on the logarithm of several analyses as rows of one results file.

    Returns
    -------
    DataFrame
        Rows of `results.identified` with `analysis` (the key) and the ratios.
    """
    frames = [
        results.identified(
            part.table,
            stem,
            unit=unit,
            data_kind=data_kind,
            by=("analysis", "term", "group", "period", "event_time", "power", "size"),
            analysis=name,
            ratio=True,
        )
        for name, part in parts.items()
    ]
    return pd.concat(frames, ignore_index=True)


def quarter_labels(quarters: Sequence[str] | pd.Series) -> dict[str, str]:
    """Quarter to its short name for an axis, such as ``Apr 2012``."""
    return {str(day): pd.Timestamp(day).strftime("%b %Y") for day in quarters}
