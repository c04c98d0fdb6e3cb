"""From a frame to a balanced panel with a calendar of treatment, or to the reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ncpi_eval.designs.series import calendar_unit, period_numbers, read_dates
from ncpi_eval.errors import DesignError, Problem

NEVER = np.iinfo(np.int64).max
"""Cohort of a unit that is not treated within the panel."""

MINIMUM_UNITS = 4
"""Fewest units: errors are clustered by unit, and two or three cannot show their spread."""

Controls = Literal["not_yet_treated", "never_treated"]


@dataclass(frozen=True)
class Panel:
    """A checked panel; units in sorted order, periods ascending.

    Parameters
    ----------
    frame : DataFrame
        Columns unit, time (0, 1, 2, ...), cohort (in the same count, 0 for never treated as
        diff-diff has it, counted from 1), outcome and the covariates.
    outcomes : numpy.ndarray, (units, periods)
    cohort : numpy.ndarray of int, (units,)
        Period (from 0) of first treatment; NEVER for none within the panel.
    units, periods : list
        Names as given.
    controls : {"not_yet_treated", "never_treated"}
    anticipation : int
    covariates : tuple of str
    """

    frame: pd.DataFrame
    outcomes: np.ndarray
    cohort: np.ndarray
    units: list[Any]
    periods: list[Any]
    controls: Controls
    anticipation: int
    covariates: tuple[str, ...]

    @property
    def treatment(self) -> np.ndarray:
        """1 from each unit's first treated period on, (units, periods)."""
        return treatment_of(self.cohort, len(self.periods))


def treatment_of(cohort: np.ndarray, periods: int) -> np.ndarray:
    """0 before and 1 from the first treated period on; any leading axes of cohorts."""
    return (np.arange(periods) >= np.asarray(cohort)[..., None]).astype(float)


def panel(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    time: str,
    first_treated: str,
    *,
    controls: Controls = "not_yet_treated",
    anticipation: int = 0,
    covariates: Sequence[str] = (),
) -> Panel:
    """Check a panel and its calendar.

    Parameters
    ----------
    frame : DataFrame
        One row per unit and period, in any order; balanced.
    outcome, unit, time, first_treated : str
        Columns. `first_treated` is in the units of `time`, constant within a unit; 0 or a period
        after the last means not treated within the panel; missing is refused, because an unknown
        date would make a treated unit a control. The period that contains the
        date is the first that belongs to the time after.
    controls : {"not_yet_treated", "never_treated"}
    anticipation : int
        Periods before treatment in which an effect may already show, 0 or more.
    covariates : sequence of str
        Numeric columns, without missing values.

    Raises
    ------
    DesignError
        With every reason at once.
    """
    columns = [outcome, unit, time, first_treated, *covariates]
    _refuse("The panel lacks what the design names.", _columns(frame, columns, first_treated))
    numbers, cohorts = _calendar(frame, time, first_treated)
    problems = _shape(frame, unit, time, first_treated, numbers)
    problems += _settings(controls, anticipation)
    _refuse("The panel is not one row per unit and period.", problems)
    distinct = np.unique(numbers)
    place = np.searchsorted(distinct, numbers)
    cohort_place = np.searchsorted(distinct, cohorts)  # a date between periods: the period after
    cohort_place = np.where(cohorts > distinct[-1], NEVER, cohort_place)
    data = pd.DataFrame(
        {
            "unit": frame[unit].to_numpy(),
            "time": place,
            "cohort": cohort_place,
            "outcome": frame[outcome].to_numpy(dtype=float),
            **{name: frame[name].to_numpy(dtype=float) for name in covariates},
        }
    ).sort_values(["unit", "time"], ignore_index=True)
    by_unit = data.groupby("unit", sort=True)["cohort"].first()
    cohort = by_unit.to_numpy()
    _refuse(
        "The calendar leaves nothing to compare.",
        _comparisons(by_unit, len(distinct), controls, anticipation),
    )
    labels = frame.iloc[np.unique(place, return_index=True)[1]][time].tolist()
    data["cohort"] = np.where(data["cohort"] == NEVER, 0, data["cohort"] + 1)
    data["time"] = data["time"] + 1
    return Panel(
        frame=data,
        outcomes=data["outcome"].to_numpy().reshape(len(cohort), len(distinct)),
        cohort=cohort,
        units=by_unit.index.tolist(),
        periods=labels,
        controls=controls,
        anticipation=anticipation,
        covariates=tuple(covariates),
    )


def _refuse(message: str, problems: list[Problem]) -> None:
    if problems:
        raise DesignError(message, problems)


def _columns(frame: pd.DataFrame, names: list[str], first_treated: str) -> list[Problem]:
    known = ", ".join(map(str, frame.columns))
    found = [
        Problem(f"column {name}", "no such column", f"one of {known}", "name a column of the frame")
        for name in names
        if name not in frame
    ]
    if frame.empty:
        found.append(Problem("frame", "no rows", "units by periods", "check the selection"))
    if found:
        return found
    outcome, unit, time = names[:3]
    for name in [outcome, *names[4:]]:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            found.append(Problem(f"column {name}", "text", "numbers", "convert it"))
        elif not np.isfinite(frame[name].to_numpy(dtype=float, na_value=np.nan)).all():
            found.append(
                Problem(
                    f"column {name}",
                    "missing or infinite values",
                    "a number in every row",
                    "leave out the units or the periods that lack it; do not fill with 0",
                )
            )
    for name in (unit, time):
        if frame[name].isna().any():
            found.append(Problem(f"column {name}", "missing", "a value in every row", "fill it"))
    unknown = frame[first_treated].isna()
    if unknown.any():
        found.append(
            Problem(
                f"column {first_treated}",
                f"no date for {frame.loc[unknown, unit].iloc[0]}",
                "a date, or 0 for a unit that is not treated within the panel",
                "leave the unit out if it was treated at an unknown time",
            )
        )
    if frame[unit].nunique() < MINIMUM_UNITS:
        found.append(
            Problem(
                f"column {unit}",
                f"{frame[unit].nunique()} units",
                f"{MINIMUM_UNITS} or more",
                "use an interrupted or a controlled series",
            )
        )
    return found


def _calendar(frame: pd.DataFrame, time: str, first_treated: str) -> tuple[np.ndarray, np.ndarray]:
    """Periods as whole numbers, and each row's cohort in the same count (NEVER for none)."""
    treated = ~frame[first_treated].isin([0, np.inf])
    if pd.api.types.is_numeric_dtype(frame[time]) != pd.api.types.is_numeric_dtype(
        frame.loc[treated, first_treated].infer_objects()
    ):
        raise DesignError(
            "The calendar and the panel count time in different units.",
            [
                Problem(
                    f"column {first_treated}",
                    "another kind than the periods",
                    f"periods as in column {time}",
                    "write both as whole periods or both as dates",
                )
            ],
        )
    numbers = period_numbers(frame[time], time)
    cohorts = np.full(len(frame), NEVER, dtype=np.int64)
    if treated.any():
        if pd.api.types.is_numeric_dtype(frame[time]):
            cohorts[treated.to_numpy()] = np.ceil(
                frame.loc[treated, first_treated].astype(float)
            ).astype(np.int64)
        else:
            cohorts[treated.to_numpy()] = _dates_like(
                frame[time], frame.loc[treated, first_treated], first_treated
            )
    return numbers, cohorts


def _dates_like(time: pd.Series, dates: pd.Series, name: str) -> np.ndarray:
    """The panel's own count of the period that contains each date."""
    unit = calendar_unit(read_dates(time, str(time.name)))
    coarse = dates.map(lambda value: isinstance(value, str) and len(value) == 4)
    if coarse.any() and not unit.startswith("Y"):
        raise DesignError(
            "The calendar is less precise than the panel.",
            [
                Problem(
                    f"column {name}",
                    f"the year {dates[coarse].iloc[0]} alone",
                    "dates at least as precise as the periods",
                    "find the month, or leave the unit out",
                )
            ],
        )
    periods = read_dates(dates, name).dt.to_period(unit)
    return np.array([value.ordinal for value in periods], dtype=np.int64)


def _shape(
    frame: pd.DataFrame, unit: str, time: str, first_treated: str, numbers: np.ndarray
) -> list[Problem]:
    found: list[Problem] = []
    twice = frame.duplicated([unit, time])
    if twice.any():
        row = frame[twice].iloc[0]
        found.append(
            Problem(
                f"{unit} {row[unit]}, {time} {row[time]}",
                "two rows",
                "one row per unit and period",
                "keep one, or add them up",
            )
        )
        return found
    counts = frame.groupby(unit, sort=True)[time].count()
    periods = len(np.unique(numbers))
    short = counts[counts < periods]
    if len(short):
        found.append(
            Problem(
                f"{unit} {short.index[0]}"
                + (f" and {len(short) - 1} more" if len(short) > 1 else ""),
                f"{short.iloc[0]} of {periods} periods",
                "every period for every unit",
                "leave out the unit, or cut to the periods that all have",
            )
        )
    steps = np.unique(np.diff(np.unique(numbers)))
    if len(steps) > 1:
        found.append(
            Problem(
                f"column {time}",
                f"steps of {', '.join(map(str, steps))} periods",
                "equal steps",
                "obtain the missing periods, or bring all to one unit of time",
            )
        )
    changing = frame.groupby(unit, sort=True)[first_treated].nunique(dropna=False)
    if (changing > 1).any():
        found.append(
            Problem(
                f"{unit} {changing.index[changing > 1][0]}",
                f"several values of {first_treated}",
                "one first treatment per unit",
                "take the earliest",
            )
        )
    return found


def _settings(controls: str, anticipation: int) -> list[Problem]:
    found: list[Problem] = []
    if controls not in ("not_yet_treated", "never_treated"):
        found.append(
            Problem(
                "setting controls",
                str(controls),
                "not_yet_treated or never_treated",
                "name one of them",
            )
        )
    if anticipation < 0:
        found.append(
            Problem("setting anticipation", str(anticipation), "0 or more periods", "use 0")
        )
    return found


def _comparisons(
    cohort: pd.Series, periods: int, controls: str, anticipation: int
) -> list[Problem]:
    found: list[Problem] = []
    treated = cohort[cohort != NEVER]
    never = int((cohort == NEVER).sum())
    if treated.empty:
        return [
            Problem(
                "calendar",
                "no unit is treated within the panel",
                "some first treatments among its periods",
                "check that calendar and periods are in the same unit of time",
            )
        ]
    early = treated[treated <= anticipation]
    if len(early):
        found.append(
            Problem(
                f"unit {early.index[0]}"
                + (f" and {len(early) - 1} more" if len(early) > 1 else ""),
                "no untreated period before treatment",
                f"{anticipation + 1} or more",
                "leave the unit out, or start the panel earlier",
            )
        )
    if controls == "never_treated" and never == 0:
        found.append(
            Problem(
                "calendar",
                "no unit is never treated",
                "never treated controls",
                "use controls='not_yet_treated'",
            )
        )
    elif never == 0 and treated.nunique() == 1:
        found.append(
            Problem(
                "calendar",
                "all units are treated at once",
                "units that are treated later or never",
                "use an interrupted time series, or find controls",
            )
        )
    elif never == 0 and treated.min() + 1 > treated.max() - anticipation:
        found.append(
            Problem(
                "calendar",
                "no control is left in any treated period",
                "untreated units while others are treated",
                "shorten the anticipation, or find controls",
            )
        )
    if periods < 3:
        found.append(
            Problem("panel", f"{periods} periods", "3 or more", "use more periods to see trends")
        )
    return found
