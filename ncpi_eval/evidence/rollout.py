"""What the rolling first inspections could show: every estimator, and the plan's decision.

The estimators are those of `designs`; this module only runs them as the analysis plan says, keeps
what they say side by side, and holds the plan's five conditions against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from ncpi_eval import results
from ncpi_eval.designs import staggered, staggered_checks
from ncpi_eval.designs.estimates import tidy
from ncpi_eval.designs.simulate import NEVER
from ncpi_eval.errors import DesignError
from ncpi_eval.evidence.outcome_series import Plan, yearly_panel
from ncpi_eval.intake.outcomes import read_outcome
from ncpi_eval.results import Result

COLUMNS = ("log_value", "name", "year", "first_inspected")
"""Outcome, unit, time and first treated period of a panel from `outcome_series.yearly_panel`."""

OUTLYING = ("Durham", "North Wales", "Wiltshire")
"""Forces with quarters that the compilers of the recorded offences call outlying."""

COMPARISONS: Mapping[str, str] = {
    "treated_vs_never": "inspected with not inspected within the years",
    "earlier_vs_later": "inspected early with inspected later, before that",
    "later_vs_earlier": "inspected later with inspected before, which are not untouched",
}

CHECKS: Mapping[str, str] = {
    "joint test": "all years before, tested together",
    "detectable trend": "drift that the test would see",
    "randomisation": "reshuffled calendars",
    "overall": "group-time",
}

CONDITIONS: Mapping[str, str] = {
    "interval": "The interval leaves out zero",
    "randomisation": "Reshuffled calendars seldom give as much",
    "trends_before": "Trends before are seen not to differ",
    "departures": "Departures as large as those before would not explain it",
    "comparison": "The comparison outcome does not change alike",
}


def planned_outcomes(plan: Plan) -> list[str]:
    """Primary, comparison and secondary outcomes, in that order."""
    named = plan["outcome"]
    return [named["primary"], named["comparison"], *named["secondary"]]


def cohorts(
    panel: pd.DataFrame, inspections: pd.DataFrame, plan: Plan, *, unit: str, data_kind: str
) -> pd.DataFrame:
    """Forces by the year of their first inspection, and those that are in no comparison.

    Returns
    -------
    DataFrame
        Rows to save: label, names, estimate (forces).
    """
    first = panel.groupby("name")["first_inspected"].first()
    groups = [
        (f"year ending March {year}", first.index[first == year])
        for year in sorted(set(first) - {0})
    ]
    last = panel["year"].max()
    groups.append((f"later than March {last}", first.index[first == 0]))
    for reason, rows in inspections[inspections["excluded"].ne("")].groupby("excluded"):
        groups.append((str(reason), rows["name"]))
    frame = pd.DataFrame(
        [
            {"label": text, "names": ", ".join(names), "estimate": len(names)}
            for text, names in groups
        ]
    )
    return results.identified(
        frame.assign(term=frame["label"]), "cohort", unit=unit, data_kind=data_kind
    )


def calendar_places(panel: pd.DataFrame) -> list[int]:
    """First treated period of each force, counted from 0; `NEVER` for those never treated."""
    years = sorted(panel["year"].unique())
    first = panel.groupby("name")["first_inspected"].first()
    return [years.index(year) if year else NEVER for year in first]


def other_choices(
    inspections: pd.DataFrame, plan: Plan
) -> dict[str, tuple[pd.DataFrame, dict[str, Any]]]:
    """The plan's other choices for the primary outcome, as panels and settings."""
    settings = plan["staggered"]
    outcome = read_outcome(plan["outcome"]["primary"])
    planned = yearly_panel(outcome, inspections, plan)
    longer = yearly_panel(outcome, inspections, plan, settings["last_year_sensitivity"])
    later = planned.assign(
        first_inspected=planned["first_inspected"].map(lambda year: year + 1 if year else 0)
    )
    ahead = {"anticipation": settings["anticipation_sensitivity"]}
    steady = planned[~planned["name"].isin(OUTLYING)]
    return {
        "as planned": (planned, {}),
        f"until March {settings['last_year_sensitivity']}": (longer, {}),
        "felt a year ahead": (planned, ahead),
        "from the year after fieldwork": (later, {}),
        f"without {', '.join(OUTLYING)}": (steady.reset_index(drop=True), {}),
    }


def beside_published(example: Result, published: pd.DataFrame) -> pd.DataFrame:
    """Donor weights beside the published ones, in the order of the publication.

    Returns
    -------
    DataFrame
        term ("donor"), group (the donor), estimate, weight (published, 0 where not named).
    """
    table = example.table
    mine = table[table["term"].eq("donor")].set_index("group")["estimate"].astype(float)
    printed = published.set_index("donor")["weight"]
    named = [
        *printed.index,
        *(d for d in mine.index if d not in printed.index and mine[d] >= 0.005),
    ]
    return pd.DataFrame(
        {
            "term": "donor",
            "group": named,
            "estimate": mine.reindex(named).fillna(0.0).to_numpy(),
            "weight": printed.reindex(named).fillna(0.0).to_numpy(),
        }
    )


def if_it_fits(found: Result, plan: Plan, *, unit: str, data_kind: str) -> pd.DataFrame:
    """Placebos in space, without effects where the fit before is worse than the plan allows.

    Parameters
    ----------
    found : Result
        Of `synthetic_control.placebo_in_space`.

    Returns
    -------
    DataFrame
        Rows to save: term ("true", "placebo", "limit"), group, fit, ratio, p_value, estimate
        (missing for the true force where its fit is too bad), caveat.
    """
    limit = plan["synthetic_control"]["worst_fit"]
    table = found.table.copy()
    good = float(table.loc[table["term"].eq("true"), "fit"].iloc[0]) <= limit
    table["caveat"] = "close enough to be shown" if good else "too far for an effect to be shown"
    if not good:
        table[["estimate", "ratio", "p_value"]] = np.nan
    rows = pd.concat(
        [table, pd.DataFrame([{"term": "limit", "estimate": limit}])], ignore_index=True
    )
    return results.identified(rows, "force", unit=unit, data_kind=data_kind)


def estimates(panel: pd.DataFrame) -> dict[str, Result]:
    """The overall effect by every estimator, the naive ones first.

    Parameters
    ----------
    panel : DataFrame
        From `outcome_series.yearly_panel`.

    Returns
    -------
    dict
        Name of the estimator to its `Result`.
    """
    return {
        "naive": staggered.naive(panel, *COLUMNS),
        "group-time": staggered.group_time(panel, *COLUMNS),
        "imputation": staggered.imputation(panel, *COLUMNS),
        "Sun-Abraham": staggered.sun_abraham(panel, *COLUMNS),
    }


def overall(parts: Mapping[str, Result]) -> pd.DataFrame:
    """One row for each estimator's overall effect, in the order of `estimates`.

    Returns
    -------
    DataFrame
        term (name of the estimator), estimate, std_error, ci_low, ci_high, p_value, n, caveat.
    """
    rows = []
    for name, part in parts.items():
        table = part.table
        if name == "naive":
            rows += table.to_dict("records")
        else:
            first = table[table["term"].eq("overall")].iloc[0].to_dict()
            rows.append({**first, "term": name})
    return tidy(rows)


def events(parts: Mapping[str, Result], plan: Plan) -> pd.DataFrame:
    """Effects by years since the first inspection, side by side, within the plan's window.

    Returns
    -------
    DataFrame
        analysis (name of the estimator), event_time, estimate, ci_low, ci_high; low and high, the
        band that covers all event times at once where the estimator has one, else the interval.
    """
    first, last = plan["staggered"]["event_window"]
    tables = []
    for name, part in parts.items():
        if name == "naive":
            continue
        table = part.table
        at = pd.to_numeric(table["event_time"])
        tables.append(table[table["term"].eq("event_time") & at.between(first, last)].copy())
        tables[-1]["analysis"] = name
    joined = pd.concat(tables, ignore_index=True)
    for end in ("low", "high"):
        uniform = joined.get(f"uniform_{end}", pd.Series(np.nan, joined.index))
        joined[end] = uniform.fillna(joined[f"ci_{end}"])
    return joined


def checks(panel: pd.DataFrame, plan: Plan) -> dict[str, Result]:
    """Trends before, departures from parallel trends, and inference with few forces.

    Returns
    -------
    dict
        pretrends, departures, randomisation, wild bootstrap: each a `Result`.
    """
    settings = plan["staggered"]
    seed, draws = settings["seed"], settings["permutations"]
    return {
        "pretrends": staggered_checks.pretrends(panel, *COLUMNS, leads=3),
        "departures": staggered_checks.honest_bounds(panel, *COLUMNS, leads=3, horizons=4),
        "randomisation": staggered_checks.randomisation(panel, *COLUMNS, draws=draws, seed=seed),
        "wild bootstrap": staggered_checks.wild_bootstrap(panel, *COLUMNS, draws=draws, seed=seed),
    }


def decision(
    effect: Mapping[str, Any], found: Mapping[str, Result], compared: Mapping[str, Any], plan: Plan
) -> pd.DataFrame:
    """The plan's five conditions, each with what was found and whether it holds.

    Parameters
    ----------
    effect : mapping
        The overall row of the primary outcome: estimate, ci_low, ci_high.
    found : mapping
        From `checks`.
    compared : mapping
        The overall row of the comparison outcome.
    plan : dict

    Returns
    -------
    DataFrame
        term (short name), label (the condition), estimate (the number it turns on), threshold,
        holds ("yes" or "no"). The finding is compatible with an effect only if all five hold.
    """
    settings = plan["decision"]
    alpha = settings["significance"]
    shuffled = float(found["randomisation"].table["p_value"].iloc[0])
    trends = found["pretrends"].table
    joint = float(trends.loc[trends["term"].eq("joint test"), "p_value"].iloc[0])
    drift = _bias_of_detectable(trends, settings["pretrend_power"])
    bounds = found["departures"].table
    robust = bounds.loc[np.isclose(bounds["size"].astype(float), settings["robust_to_m"])].iloc[0]
    alike = _leaves_out_zero(compared) and np.sign(compared["estimate"]) == np.sign(
        effect["estimate"]
    )
    rows = [
        ("interval", effect["estimate"], 0.0, _leaves_out_zero(effect)),
        ("randomisation", shuffled, alpha, shuffled < alpha),
        (
            "trends_before",
            drift,
            abs(effect["estimate"]),
            joint >= alpha and drift <= abs(effect["estimate"]),
        ),
        ("departures", settings["robust_to_m"], 0.0, _leaves_out_zero(robust)),
        ("comparison", compared["estimate"], 0.0, not alike),
    ]
    return pd.DataFrame(
        [
            {
                "term": name,
                "label": CONDITIONS[name],
                "estimate": float(number),
                "threshold": float(threshold),
                "holds": "yes" if holds else "no",
            }
            for name, number, threshold, holds in rows
        ]
    )


def secondary(panels: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The overall effect on each secondary outcome, with p-values adjusted together (Holm).

    Parameters
    ----------
    panels : mapping
        Outcome to its panel.

    Returns
    -------
    DataFrame
        outcome, estimate, std_error, ci_low, ci_high, p_value, p_adjusted, n (forces), caveat. An
        outcome that no design can carry has no numbers, and `caveat` says why.
    """
    rows: list[dict[str, Any]] = []
    for outcome, panel in panels.items():
        try:
            table = staggered.group_time(panel, *COLUMNS).table
        except DesignError as refused:
            rows.append({"outcome": outcome, "caveat": str(refused)})
            continue
        row = table[table["term"].eq("overall")].iloc[0].to_dict()
        rows.append({**row, "outcome": outcome, "n": panel["name"].nunique()})
    frame = pd.DataFrame(rows).drop(
        columns=["term", "event_time", "period", "group"], errors="ignore"
    )
    tested = frame["p_value"].notna()
    adjusted = multipletests(frame.loc[tested, "p_value"], method="holm")[1]
    frame.loc[tested, "p_adjusted"] = adjusted
    return frame


def variations(panels: Mapping[str, tuple[pd.DataFrame, dict[str, Any]]]) -> pd.DataFrame:
    """The overall group-time effect under other choices.

    Parameters
    ----------
    panels : mapping
        Name of the choice to a panel and settings of `staggered.group_time`.

    Returns
    -------
    DataFrame
        term (the choice), estimate, std_error, ci_low, ci_high, p_value, n (forces).
    """
    rows = []
    for name, (panel, settings) in panels.items():
        table = staggered.group_time(panel, *COLUMNS, **settings).table
        row = table[table["term"].eq("overall")].iloc[0].to_dict()
        rows.append({**row, "term": name, "n": panel["name"].nunique()})
    return tidy(rows)


def _leaves_out_zero(row: Mapping[str, Any]) -> bool:
    return bool(row["ci_low"] > 0 or row["ci_high"] < 0)


def _bias_of_detectable(trends: pd.DataFrame, power: float) -> float:
    """What a trend that the test would see with this power would add to the effect."""
    rows = trends[trends["term"].eq("detectable trend")]
    at = rows[np.isclose(rows["power"].astype(float), power)]
    return abs(float(at["bias"].iloc[0]))


def donors_beside(
    series: pd.DataFrame, inspections: pd.DataFrame, name: str, plan: Plan
) -> pd.DataFrame:
    """The force in question and forces first inspected later than the plan's last quarter.

    Parameters
    ----------
    series : DataFrame
        From `outcome_series.quarterly_series`.
    inspections : DataFrame
        From `outcome_series.first_inspections`.
    name : str
        The force in question.

    Returns
    -------
    DataFrame
        Rows of ``series`` up to the last quarter, of these forces.
    """
    last = plan["synthetic_control"]["last_quarter"]
    later = inspections[inspections["earliest"].gt(pd.Timestamp(last) + pd.offsets.QuarterEnd())]
    kept = series["name"].isin([name, *later["name"]]) & series["quarter"].le(last)
    return series[kept].reset_index(drop=True)
