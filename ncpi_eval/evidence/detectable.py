"""What size of effect each design could detect for this programme.

The forces have their real sizes and calendar, and outcomes that behave like those recorded: their
rate, how far a force strays from its own trend, how that carries over, and what all forces share.
These are taken from the series without looking at any effect of inspection. Everything else is an
assumption and stands in the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval import results
from ncpi_eval.designs import closed_forms, power, simulate
from ncpi_eval.designs.power import Setting
from ncpi_eval.designs.simulate import Programme

MONTHS_PER_QUARTER = 3
# A quarter of a year's months belong to one in the record; the next round is planned in months.
BASELINE_MONTHS, FOLLOW_UP_MONTHS = 24, 12
# The smallest change worth finding, by convention of this page: a tenth more recorded.
WORTH_FINDING = float(np.log(1.1))

ESTIMATORS = {
    "newey_west by simulation": "Newey-West errors",
    "gls_ar by simulation": "autoregressive errors",
    "two_way by simulation": "two-way fixed effects",
    "group_time by simulation": "group-time effects",
}
"""What the estimators are called on a page."""


def behaviour(series: pd.DataFrame) -> dict[str, float]:
    """How an outcome strays from forces' own trends, by quarter.

    Parameters
    ----------
    series : DataFrame
        From `outcome_series.quarterly_series`: name, quarter, value, log_value.

    Returns
    -------
    dict
        noise_sd (of a force's own departures on the logarithm, chance in counts taken off),
        autocorrelation (of these from quarter to quarter), common_sd (of what all forces share in
        a quarter beyond a straight trend), trend_sd (of the forces' trends over the series).

    Notes
    -----
    Logarithms less a straight line for each force; the mean over forces of what is left is shared,
    the rest is the force's own. Poisson variance on the logarithm is about 1 / mean.
    """
    wide = series.pivot(index="quarter", columns="name", values="log_value")
    counts = series.pivot(index="quarter", columns="name", values="value")
    clock = np.arange(len(wide)) - (len(wide) - 1) / 2
    slopes = clock @ (wide - wide.mean()).to_numpy() / (clock @ clock)
    left = wide.to_numpy() - wide.mean().to_numpy() - np.outer(clock, slopes)
    shared = left.mean(axis=1)
    own = left - shared[:, None]
    chance = float((1 / counts.mean()).mean())
    variance = float((own**2).sum() / (own.size - 2 * own.shape[1]))
    lagged = float((own[1:] * own[:-1]).sum() / (own[:-1] ** 2).sum())
    noise = max(variance - chance, 0.0)
    # Chance does not carry over, so that what does is a larger share of the noise.
    carried = min(lagged * variance / noise, 0.95) if noise else 0.0
    return {
        "noise_sd": float(np.sqrt(noise)),
        "autocorrelation": float(max(carried, 0.0)),
        "common_sd": float(shared.std(ddof=2)),
        "trend_sd": float((slopes * len(wide)).std(ddof=1)),
    }


def behaviour_rows(series: pd.DataFrame) -> pd.DataFrame:
    """`behaviour` as rows to save, with what each number means."""
    meaning = {
        "noise_sd": "Straying of a force from its trend, standard deviation of the logarithm",
        "autocorrelation": "Share of it that carries over to the next quarter",
        "common_sd": "What all forces share in a quarter, standard deviation of the logarithm",
        "trend_sd": "Spread of forces' trends over the series, standard deviation",
    }
    known = behaviour(series)
    frame = pd.DataFrame(
        [
            {"term": name, "label": text, "estimate": known[name], "n": series["name"].nunique()}
            for name, text in meaning.items()
        ]
    )
    return results.identified(frame, "behaviour", unit="forces", data_kind="public_record")


def programmes(
    series: pd.DataFrame,
    sizes: pd.DataFrame,
    inspections: pd.DataFrame,
    *,
    waiting_since: str,
    group_size: int,
    window_months: int,
) -> dict[str, Programme]:
    """The programme as it was, as it could have been, and as the next round could be.

    Parameters
    ----------
    series, inspections
        From `outcome_series`.
    sizes : DataFrame
        force, population_2011_census.
    waiting_since : str
        Date; forces first inspected later could have been put in random order.
    group_size, window_months : int
        Forces notified at a time, and months between one group and the next.

    Returns
    -------
    dict
        "as it was" (forces and quarters of the series), "forces left" and "next round" (months).
    """
    people = sizes.set_index("force")["population_2011_census"].astype(float) / 1000
    forces = series.drop_duplicates("force").set_index("force")
    names = list(forces.index)
    quarters = sorted(series["quarter"].unique())
    shape = behaviour(series)
    rate = float(series["value"].sum() / people[names].sum() / len(quarters))
    began = forces["first_inspected"].map({quarter: n for n, quarter in enumerate(quarters)})
    as_it_was = Programme(
        tuple(people[names].round(1)),
        tuple(None if pd.isna(place) or place < 1 else int(place) for place in began),
        len(quarters),
        rate=round(rate, 5),
        cycle=4,
        noise_sd=round(shape["noise_sd"], 4),
        autocorrelation=round(shape["autocorrelation"], 4),
        common_sd=round(shape["common_sd"], 4),
        trend_sd=round(shape["trend_sd"], 4),
    )
    waiting = inspections.loc[inspections["earliest"].gt(pd.Timestamp(waiting_since)), "force"]
    by_month = {**_by_month(shape), "rate": round(rate / MONTHS_PER_QUARTER, 6), "cycle": 12}
    later = [force for force in names if force in set(waiting)]
    return {
        "as it was": as_it_was,
        "forces left": _rolling(people[later], group_size, window_months, by_month),
        "next round": _rolling(people[names], group_size, window_months, by_month),
    }


def _rolling(people: pd.Series, group_size: int, window: int, shape: dict[str, Any]) -> Programme:
    calendar = simulate.rolling_calendar(len(people), group_size, window, first=BASELINE_MONTHS)
    last = max(start for start in calendar if start is not None)
    sizes = tuple(people.round(1))
    return Programme(sizes, calendar, last + window + FOLLOW_UP_MONTHS, **shape)


def _by_month(shape: dict[str, float]) -> dict[str, Any]:
    """Quarterly behaviour by month: what carries over a quarter does so in three steps."""
    return {
        "noise_sd": round(shape["noise_sd"], 4),
        "common_sd": round(shape["common_sd"], 4),
        "autocorrelation": round(shape["autocorrelation"] ** (1 / MONTHS_PER_QUARTER), 4),
        "trend_sd": round(shape["trend_sd"], 4),
    }


def settings(known: dict[str, Programme], force: int) -> list[Setting]:
    """The designs that are simulated, each with the estimator it would be read with.

    Parameters
    ----------
    known : dict
        From `programmes`.
    force : int
        Place, in the programme as it was, of the force that stands for one series.
    """
    was = known["as it was"]
    sizes = (was.sizes[force], *was.sizes)
    start = was.calendar[force]
    alone = replace(was, sizes=sizes[:1], calendar=(start,))
    beside = replace(was, sizes=sizes, calendar=(start, *[None] * len(was.sizes)))
    return [
        Setting(alone, "series", "gls_ar", label="one force's series"),
        Setting(beside, "controlled_series", "gls_ar", label="one force beside the others"),
        Setting(was, "staggered", "group_time", label="rolling inspections as they were"),
        Setting(
            known["forces left"],
            "stepped_wedge",
            "group_time",
            label="random order of the forces left in 2019",
        ),
        Setting(
            known["next round"],
            "stepped_wedge",
            "group_time",
            label="random order of the next round",
        ),
    ]


def detectable(
    designs: Iterable[Setting], *, replications: int, seed: int, wanted: float = 0.8
) -> pd.DataFrame:
    """The smallest effect that each design finds with the wanted power, as times the level.

    Returns
    -------
    DataFrame
        Rows to save: term (the design), estimate (logarithm), ratio, n (forces), periods, power,
        method, caveat.
    """
    rows = []
    for setting in designs:
        table = power.minimum_detectable(
            setting, power=wanted, replications=replications, seed=seed
        ).table
        rows.append({**table.iloc[0].to_dict(), "term": setting.label})
    return pd.DataFrame(rows)


def curves(
    designs: Iterable[Setting], ratios: Sequence[float], *, replications: int, seed: int
) -> pd.DataFrame:
    """Power, bias and coverage of each design over effects given as times the level.

    Returns
    -------
    DataFrame
        Rows to save: term (the design), ratio, power, bias, coverage and their Monte Carlo errors.
    """
    grid = [
        replace(setting, programme=replace(setting.programme, effect=float(np.log(ratio))))
        for setting in designs
        for ratio in ratios
    ]
    table = power.run(grid, replications=replications, seed=seed).table
    return table.assign(ratio=np.exp(table["effect"].astype(float)).round(6))


def harder(setting: Setting) -> list[Setting]:
    """The same design where something is worse, one thing at a time."""
    base = setting.programme
    months = 12 if base.cycle == 12 else 4
    changed = {
        "as recorded": base,
        "effect arrives over a year": replace(base, shape="grows", shape_periods=months),
        "effect fades over two years": replace(base, shape="fades", shape_periods=2 * months),
        "departures carry over more": replace(base, autocorrelation=0.9),
        "departures twice as large": replace(base, noise_sd=2 * base.noise_sd),
        "last year reported late": replace(base, completeness=(0.95, 0.9, 0.8, 0.6)),
        "early forces on another trend": replace(base, early_trend=0.1),
    }
    return [replace(setting, programme=p, label=name) for name, p in changed.items()]


def arrangements(
    setting: Setting,
    group_sizes: Sequence[int],
    windows: Sequence[int],
    *,
    ratio: float,
    replications: int,
    seed: int,
) -> pd.DataFrame:
    """Power of a round in random order for other groups and windows.

    Returns
    -------
    DataFrame
        Rows to save: term, group_size, window_months, periods (months in all), power, coverage.
    """
    base = replace(setting.programme, effect=float(np.log(ratio)))
    found = []
    for group_size in group_sizes:
        for window in windows:
            people = pd.Series(base.sizes)
            calendar = simulate.rolling_calendar(
                len(people), group_size, window, first=BASELINE_MONTHS
            )
            last = max(start for start in calendar if start is not None)
            periods = last + window + FOLLOW_UP_MONTHS
            programme = replace(base, calendar=calendar, periods=periods)
            label = f"{group_size} forces every {window} months"
            found.append((group_size, window, replace(setting, programme=programme, label=label)))
    table = power.run([s for *_, s in found], replications=replications, seed=seed).table
    return table.assign(
        group_size=[size for size, *_ in found], window_months=[window for _, window, _ in found]
    )


def survey_designs(
    *, forces: int, respondents: float, share: float, iccs: Sequence[float]
) -> pd.DataFrame:
    """Smallest change of a survey's share that waves or a trial of forces would find.

    Parameters
    ----------
    forces : int
        In all; the trial has half of them in each arm.
    respondents : float
        Per force and wave.
    share : float
        Before, 0 to 1.
    iccs : sequence of float
        Intra-force correlations.

    Returns
    -------
    DataFrame
        Rows to save: term (the design), size (the correlation), estimate and difference (the
        smallest change, a proportion), method, caveat.
    """
    rows = []
    for icc in iccs:
        spread = float(np.sqrt(share * (1 - share)))
        answers = {
            "two waves of the survey, all forces": closed_forms.repeated_survey(
                clusters=forces, respondents=respondents, share=share, change=0.05, icc=icc
            ),
            "two waves, inspected against not inspected": closed_forms.repeated_survey(
                clusters=forces // 2,
                respondents=respondents,
                share=share,
                change=0.05,
                icc=icc,
                comparison_clusters=forces - forces // 2,
            ),
            "trial of learning events by force": closed_forms.cluster_trial(
                clusters=forces // 2, size=respondents, effect=0.05, total_sd=spread, icc=icc
            ),
        }
        for name, answer in answers.items():
            table = answer.table
            row = table[table["term"].eq("minimum detectable effect")].iloc[0].to_dict()
            rows.append({**row, "term": name, "size": icc, "difference": row["estimate"]})
    return pd.DataFrame(rows)


def kept(frame: pd.DataFrame, stem: str) -> pd.DataFrame:
    """Rows of this module as `results.save` wants them; curves are told apart by the true level."""
    by = ("term", "ratio", "size") if "effect" in frame else ("term", "size")
    return results.identified(frame, stem, unit="simulations", data_kind="synthetic", by=by)
