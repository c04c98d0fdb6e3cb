"""From a frame to a regular series and its regressors, or to the reason why not.

A segmented regression of a series with a hidden gap, a repeated month or a rate among counts gives
a number all the same. Everything that can be wrong with a series is looked for here, all at once,
before anything is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ncpi_eval.errors import DesignError, Problem

MINIMUM_BEFORE = 8
"""Fewest periods before an interruption: below about eight a trend is a guess (Penfold and Zhang
2013, Academic Pediatrics 13:S38)."""

MINIMUM_AFTER = 3
"""Fewest periods after: with two, a change of level and one of slope fit any two values."""

ROWS_PER_TERM = 2
"""Fewest periods per coefficient; a model with more has nothing left to judge its error by."""

UNIT_JUMP = 10
"""Exposure of one series never changes by this factor from one period to the next, unless some
rows are in thousands."""

FAMILIES = ("gaussian", "poisson", "quasipoisson", "negative_binomial", "binomial")
LOG_LINK = ("poisson", "quasipoisson", "negative_binomial")
ERRORS = ("newey_west", "iid", "prais_winsten", "gls_ar", "arima")
EFFECTS = ("level_and_slope", "level", "slope")

Family = Literal["gaussian", "poisson", "quasipoisson", "negative_binomial", "binomial"]
Errors = Literal["newey_west", "iid", "prais_winsten", "gls_ar", "arima"]
Effect = Literal["level_and_slope", "level", "slope"]


@dataclass(frozen=True)
class Model:
    """How a series is modelled: the settings that every function of `interrupted_series` takes.

    Parameters
    ----------
    outcome, time : str
        Columns of the frame. `time` holds whole numbers, dates, pandas periods or ISO date texts,
        one per row, regularly spaced and ascending. A missing outcome is refused.
    interruptions : period or sequence of periods
        In the units of `time`, ascending. **The interruption belongs to the period after**: a
        period p counts as after iff p >= interruption.
    family : {"gaussian", "poisson", "quasipoisson", "negative_binomial", "binomial"}
        Identity link for gaussian, log for the counts, logit for binomial.
    effect : {"level_and_slope", "level", "slope"}
        What may change. The slope's clock is 0 in the first period after, so that `level` is the
        gap in that period.
    exposure : str or None
        Column of person-time or population, above 0; its log is the offset (log-link families).
    trials : str or None
        Column of trials for binomial; the outcome counts successes, 0 to trials inclusive.
    season : {None, "month", "harmonics"}
        "month": one effect per place in the cycle; "harmonics": `harmonics` pairs of sine, cosine.
    cycle : int
        Periods per cycle (12 for months, 4 for quarters).
    harmonics : int
        Pairs of sine and cosine, at least 1 and fewer than cycle / 2 (or half of it).
    washout : int
        Periods from each interruption that are left out; the period after begins behind them.
    phase : int
        Periods over which the level change arrives linearly (1 / (phase + 1) in the first); 0 is
        at once. Not together with `washout`.
    errors : {"newey_west", "iid", "prais_winsten", "gls_ar", "arima"}
        "newey_west" and "iid" for every family, the others for gaussian. "iid" takes the family's
        own variance. "gls_ar" is restricted maximum likelihood.
    lags : int or None
        Newey-West lags; None is floor(4 (n / 100)^(2/9)).
    order : (p, d, q)
        For "arima"; p alone is used by "gls_ar".
    small_sample : bool
        Newey-West and gaussian: n / (n - k) and Student's t.
    group, treated : str or None, value
        Column that tells the treated series from its controls, and the treated's value there.
        Controls share the model; the effect is the treated's change beyond theirs.
    """

    outcome: str
    time: str
    interruptions: Any
    family: Family = "gaussian"
    effect: Effect = "level_and_slope"
    exposure: str | None = None
    trials: str | None = None
    season: Literal["month", "harmonics"] | None = None
    cycle: int = 12
    harmonics: int = 2
    washout: int = 0
    phase: int = 0
    errors: Errors = "newey_west"
    lags: int | None = None
    order: tuple[int, int, int] = (1, 0, 0)
    small_sample: bool = True
    group: str | None = None
    treated: Any = None

    def dates(self) -> tuple[Any, ...]:
        """The interruptions as a tuple, also when one was given alone."""
        given = self.interruptions
        if isinstance(given, (list, tuple, np.ndarray, pd.Index)):
            return tuple(given)
        return (given,)


@dataclass(frozen=True)
class Design:
    """Regressors of a checked series; rows are series by series, periods ascending.

    Parameters
    ----------
    model : Model
    x : numpy.ndarray, (rows, terms)
    names : tuple of str
        Term of each column.
    effects : numpy.ndarray of bool, (terms,)
        Columns that are 0 in the counterfactual.
    y, offset, trials : numpy.ndarray, (rows,)
    used : numpy.ndarray of bool, (rows,)
        False in a washout.
    clock : numpy.ndarray of int, (rows,)
        Periods since the first of the series.
    series : numpy.ndarray of int, (rows,)
        0 for the treated (or only) series, then its controls.
    labels : list
        What `time` says, for each period of the clock.
    starts : tuple of int
        Clock of each interruption.
    """

    model: Model
    x: np.ndarray
    names: tuple[str, ...]
    effects: np.ndarray
    y: np.ndarray
    offset: np.ndarray
    trials: np.ndarray
    used: np.ndarray
    clock: np.ndarray
    series: np.ndarray
    labels: list[Any]
    starts: tuple[int, ...]


def design(frame: pd.DataFrame, model: Model) -> Design:
    """Check a frame against a model and build its regressors.

    Raises
    ------
    DesignError
        With every reason at once: settings, columns, periods, values, and what is left to fit.
    """
    _refuse("The model's settings contradict each other.", _settings(model))
    _refuse("The series lacks what the model names.", _columns(frame, model))
    groups = _groups(frame, model)
    ordinals, step = _ordinals(frame, model, groups)
    _refuse("The values cannot belong to this model.", _values(frame, model, groups))
    clock = (ordinals - ordinals[0]) // step
    starts = _starts(frame, model, step, int(ordinals[0]))
    _refuse("The series is too short for this model.", _lengths(model, starts, len(clock)))
    built = _assemble(frame, model, groups, clock, starts)
    _refuse("The series is too short for this model.", _room(built))
    return built


def _refuse(message: str, problems: list[Problem]) -> None:
    if problems:
        raise DesignError(message, problems)


def _settings(model: Model) -> list[Problem]:
    found: list[Problem] = []

    def wrong(place: str, value: Any, expected: str, remedy: str) -> None:
        found.append(Problem(f"setting {place}", str(value), expected, remedy))

    if model.family not in FAMILIES:
        wrong("family", model.family, "one of " + ", ".join(FAMILIES), "name one of them")
    if model.errors not in ERRORS:
        wrong("errors", model.errors, "one of " + ", ".join(ERRORS), "name one of them")
    if model.effect not in EFFECTS:
        wrong("effect", model.effect, "one of " + ", ".join(EFFECTS), "name one of them")
    if model.family != "gaussian" and model.errors not in ("newey_west", "iid"):
        wrong(
            "errors",
            f"{model.errors} with family {model.family}",
            "newey_west or iid",
            "use newey_west, or a gaussian model of the logged rate",
        )
    if model.exposure is not None and model.family not in LOG_LINK:
        wrong(
            "exposure",
            f"{model.exposure} with family {model.family}",
            "a log-link family",
            "divide the outcome by the exposure, or take poisson or negative_binomial",
        )
    if (model.trials is not None) != (model.family == "binomial"):
        wrong(
            "trials",
            f"{model.trials} with family {model.family}",
            "trials with binomial and only there",
            "name the column of trials, or change the family",
        )
    if model.season not in (None, "month", "harmonics"):
        wrong("season", model.season, "month, harmonics or None", "name one of them")
    if model.season and model.cycle < 2:
        wrong("cycle", model.cycle, "2 or more periods", "give the periods per cycle")
    if model.season == "harmonics" and not 1 <= model.harmonics <= model.cycle / 2:
        wrong("harmonics", model.harmonics, "1 to half the cycle", "use fewer pairs")
    if model.washout < 0 or model.phase < 0:
        wrong("washout", min(model.washout, model.phase), "0 or more periods", "use 0 for none")
    if model.washout and model.phase:
        wrong(
            "phase",
            f"{model.phase} with washout {model.washout}",
            "one of the two",
            "leave the implementation window out, or let the change arrive over it",
        )
    if model.lags is not None and model.lags < 0:
        wrong("lags", model.lags, "0 or more", "use None for the rule of thumb")
    counted = (model.lags or 0, model.washout, model.phase, model.cycle, model.harmonics)
    if any(value != int(value) for value in counted):
        wrong("lags, washout, phase, cycle, harmonics", counted, "whole periods", "round them")
    if len(model.order) != 3 or min(model.order) < 0:
        wrong("order", model.order, "three numbers (p, d, q), 0 or more", "name all three")
    if (model.group is None) != (model.treated is None):
        wrong(
            "group",
            f"group {model.group}, treated {model.treated}",
            "both or neither",
            "name the column and its value for the treated series",
        )
    if model.group is not None and model.errors not in ("newey_west", "iid"):
        wrong(
            "errors",
            f"{model.errors} with a control series",
            "newey_west or iid",
            "use newey_west, or model the difference of the two series",
        )
    if not model.dates():
        wrong("interruptions", "none", "one or more periods", "say when the change came")
    if sum(model.order) == 0 and model.errors in ("arima", "gls_ar"):
        wrong("order", model.order, "an order above 0", "use iid errors instead")
    return found


def _columns(frame: pd.DataFrame, model: Model) -> list[Problem]:
    wanted = [model.outcome, model.time, model.exposure, model.trials, model.group]
    found = [
        Problem(
            f"column {name}",
            "no such column",
            f"one of {', '.join(map(str, frame.columns))}",
            "name a column of the frame",
        )
        for name in wanted
        if name is not None and name not in frame.columns
    ]
    if frame.empty:
        found.append(Problem("frame", "no rows", "one row per period", "check the selection"))
    if found:
        return found
    for name in (model.outcome, model.exposure, model.trials):
        if name is None:
            continue
        if not pd.api.types.is_numeric_dtype(frame[name]):
            found.append(
                Problem(f"column {name}", "text", "numbers", "convert it; blanks are missing")
            )
            continue
        values = frame[name].to_numpy(dtype=float, na_value=np.nan)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            found.append(
                Problem(
                    f"column {name}, row {bad[0] + 1}",
                    f"{bad.size} missing or infinite",
                    "a number in every period",
                    "obtain the values, or shorten the series; do not fill with 0",
                )
            )
    if frame[model.time].isna().any():
        found.append(
            Problem(f"column {model.time}", "missing periods", "a period in every row", "fill it")
        )
    return found


def _groups(frame: pd.DataFrame, model: Model) -> list[np.ndarray]:
    """Row positions of the treated series, then of each control in order of appearance."""
    if model.group is None:
        return [np.arange(len(frame))]
    values = frame[model.group]
    names = list(pd.unique(values.dropna()))
    if values.isna().any() or model.treated not in names or len(names) < 2:
        raise DesignError(
            "The controlled series lacks its treated or its control.",
            [
                Problem(
                    f"column {model.group}",
                    ", ".join(map(str, names)) + (" and blanks" if values.isna().any() else ""),
                    f"{model.treated} and at least one other",
                    "keep a control series, or drop `group` for a single series",
                )
            ],
        )
    names.remove(model.treated)
    return [np.flatnonzero((values == name).to_numpy()) for name in [model.treated, *names]]


def _ordinals(
    frame: pd.DataFrame, model: Model, groups: list[np.ndarray]
) -> tuple[np.ndarray, int]:
    """Whole-number periods that all series share, and their step, refusing disorder and gaps."""
    column = frame[model.time]
    values = period_numbers(column, model.time)
    found: list[Problem] = []
    step = 0
    by_group: list[np.ndarray] = []
    for rows in groups:
        ordinals = values[rows]
        by_group.append(ordinals)
        steps = np.diff(ordinals)
        labels = column.iloc[rows].tolist()
        if (steps < 0).any():
            place = int(np.flatnonzero(steps < 0)[0])
            found.append(
                _at(model, labels, place, "an earlier period", "ascending", "sort the series")
            )
            continue
        if (steps == 0).any():
            place = int(np.flatnonzero(steps == 0)[0])
            found.append(
                _at(model, labels, place, "the same period again", "each once", "keep one row")
            )
            continue
        if steps.size == 0:
            continue
        step = step or int(steps.min())
        if (steps != step).any():
            sizes = sorted(set(steps.tolist()))
            mixed = len(sizes) == 2 and min(np.sum(steps == size) for size in sizes) > 2
            place = int(np.flatnonzero(steps != step)[0])
            what = (
                f"steps of {sizes[0]} and {sizes[1]} mixed"
                if mixed
                else f"a gap of {int(steps[place])} periods where {step} is usual"
            )
            remedy = "bring all to one unit of time" if mixed else "obtain the missing periods"
            found.append(_at(model, labels, place, what, "equal steps", remedy))
    _refuse("The periods are not a regular series.", found)
    if step == 0:
        raise DesignError(
            "The series is too short for this model.",
            [Problem(f"column {model.time}", "one period", "a series", "use more periods")],
        )
    if any(not np.array_equal(by_group[0], other) for other in by_group[1:]):
        raise DesignError(
            "The control series does not cover the treated one's periods.",
            [
                Problem(
                    f"column {model.time}",
                    "different periods in treated and control",
                    "the same periods in every series",
                    "cut all series to their common periods",
                )
            ],
        )
    return by_group[0], step


def _at(
    model: Model, labels: list[Any], place: int, found: str, expected: str, remedy: str
) -> Problem:
    return Problem(
        f"column {model.time}, after {labels[place]}", found, f"periods {expected}", remedy
    )


def period_numbers(column: pd.Series, name: str = "time") -> np.ndarray:
    """Whole numbers that count periods: integers as they are, dates by their own spacing.

    Dates are counted in years, quarters, months, weeks or days, whichever is the largest that
    tells them all apart.

    Raises
    ------
    DesignError
        If the column mixes kinds, or holds fractions.
    """
    kinds = {
        "number" if isinstance(value, (int, float, np.number)) else "date"
        for value in column.tolist()
    }
    if len(kinds) > 1:
        raise DesignError(
            "The periods mix numbers and dates.",
            [Problem(f"column {name}", "numbers and dates", "one kind", "use one unit of time")],
        )
    if kinds == {"number"}:
        values = column.to_numpy(dtype=float)
        if not np.array_equal(values, np.round(values)):
            raise DesignError(
                "The periods are not whole numbers.",
                [Problem(f"column {name}", "fractions", "whole periods", "number the periods")],
            )
        return values.astype(np.int64)
    dates = read_dates(column, name)
    return _ordinal(dates.dt.to_period(calendar_unit(dates)))


def read_dates(column: pd.Series, name: str) -> pd.Series:
    """Dates, starts of periods, or ISO texts of any precision (2017, 2017-04, 2017-04-01).

    Raises
    ------
    DesignError
        If a value is no date.
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.start_time
    try:
        return pd.to_datetime(column, format="ISO8601")
    except (ValueError, TypeError) as error:
        raise DesignError(
            "The periods cannot be read as dates.",
            [Problem(f"column {name}", str(column.iloc[0]), "ISO dates", "write 2012-04-01")],
        ) from error


def calendar_unit(dates: pd.Series) -> str:
    """The largest unit that tells all dates apart; weeks only if they start on one weekday."""
    distinct = dates.nunique()
    for unit in ("Y", "Q", "M"):
        if dates.dt.to_period(unit).nunique() == distinct:
            return unit
    weeks = dates.dt.to_period("W")
    one_weekday = (dates - weeks.dt.start_time).dt.days.nunique() == 1
    return "W" if weeks.nunique() == distinct and one_weekday else "D"


def _ordinal(periods: pd.Series) -> np.ndarray:
    return np.array([value.ordinal for value in periods], dtype=np.int64)


def _values(frame: pd.DataFrame, model: Model, groups: list[np.ndarray]) -> list[Problem]:
    y = frame[model.outcome].to_numpy(dtype=float)
    found: list[Problem] = []

    def wrong(name: str | None, rows: np.ndarray, what: str, expected: str, remedy: str) -> None:
        found.append(Problem(f"column {name}, row {rows[0] + 1}", what, expected, remedy))

    if model.family != "gaussian":
        negative = np.flatnonzero(y < 0)
        if negative.size:
            wrong(model.outcome, negative, f"{y[negative[0]]:g}", "counts of 0 or more", "correct")
        broken = np.flatnonzero(y != np.round(y))
        if broken.size:
            wrong(
                model.outcome,
                broken,
                f"{y[broken[0]]:g}",
                "whole counts",
                "use the counts with an exposure, or the gaussian family for a rate",
            )
    for rows in groups:
        if np.ptp(y[rows]) == 0:
            wrong(model.outcome, rows, "the same value throughout", "a varying outcome", "check it")
        if model.exposure is not None:
            exposure = frame[model.exposure].to_numpy(dtype=float)[rows]
            if (exposure <= 0).any():
                bad = rows[np.flatnonzero(exposure <= 0)]
                wrong(model.exposure, bad, "0 or less", "exposure above 0", "obtain it")
            else:
                jump = np.abs(np.diff(np.log(exposure))) > np.log(UNIT_JUMP)
                if jump.any():
                    bad = rows[np.flatnonzero(jump) + 1]
                    wrong(
                        model.exposure,
                        bad,
                        f"a change by more than {UNIT_JUMP} times",
                        "one unit throughout",
                        "look for thousands among single persons",
                    )
    if model.trials is not None:
        trials = frame[model.trials].to_numpy(dtype=float)
        bad = np.flatnonzero((trials <= 0) | (y > trials))
        if bad.size:
            wrong(
                model.trials, bad, f"{trials[bad[0]]:g}", "at least the outcome, above 0", "check"
            )
    return found


def _starts(frame: pd.DataFrame, model: Model, step: int, first: int) -> tuple[int, ...]:
    """Clock of each interruption, read with the same eyes as the time column."""
    column = frame[model.time]
    starts = []
    for date in model.dates():
        if isinstance(column.dtype, pd.PeriodDtype) and not isinstance(date, pd.Period):
            date = pd.Series([str(date)]).astype(column.dtype).iloc[0]
        number = _number_like(date, column, model.time)
        starts.append(int(-(-(number - first) // step)))
    return tuple(starts)


def _number_like(last: Any, column: pd.Series, name: str) -> int:
    """Number of a period, counted as the column counts."""
    if isinstance(last, pd.Period):
        last = last.start_time
    is_number = isinstance(last, (int, float, np.number))
    if is_number != isinstance(column.iloc[0], (int, float, np.number)):
        raise DesignError(
            "The interruption is not in the units of the series.",
            [
                Problem(
                    "setting interruptions",
                    str(last),
                    f"a period like {column.iloc[0]}",
                    f"write it as column {name} does",
                )
            ],
        )
    if is_number:
        return int(last)
    unit = calendar_unit(read_dates(column, name))
    moment = read_dates(pd.Series([last]), "interruptions").iloc[0]
    return int(pd.Timestamp(moment).to_period(unit).ordinal)


def _lengths(model: Model, starts: tuple[int, ...], periods: int) -> list[Problem]:
    found: list[Problem] = []
    dates = model.dates()

    def wrong(date: Any, what: str, expected: str, remedy: str) -> None:
        found.append(Problem(f"interruption {date}", what, expected, remedy))

    if list(starts) != sorted(set(starts)):
        wrong(dates[0], "interruptions out of order or repeated", "ascending ones", "sort them")
        return found
    bounds = [*starts, periods]
    for number, (date, start) in enumerate(zip(dates, starts, strict=True)):
        before = start - (starts[number - 1] if number else 0)
        after = bounds[number + 1] - start - max(model.washout, model.phase)
        if start <= 0:
            wrong(date, "no period before it", f"{MINIMUM_BEFORE} or more", "use a longer series")
        elif start >= periods:
            wrong(date, "no period after it", f"{MINIMUM_AFTER} or more", "wait for data")
        else:
            need = MINIMUM_BEFORE if number == 0 else MINIMUM_AFTER
            if before < need:
                wrong(date, f"{before} periods before it", f"{need} or more", "start earlier")
            if after < MINIMUM_AFTER:
                wrong(
                    date,
                    f"{max(after, 0)} periods after it (and its window)",
                    f"{MINIMUM_AFTER} or more",
                    "wait for data, or shorten the window",
                )
    if model.season and periods < 2 * model.cycle:
        wrong(
            dates[0],
            f"{periods} periods with a cycle of {model.cycle}",
            "two whole cycles",
            "leave the season out, or use a longer series",
        )
    if model.lags is not None and model.lags >= periods / 2:
        wrong(dates[0], f"{model.lags} lags", "fewer than half the periods", "use fewer lags")
    return found


def _room(built: Design) -> list[Problem]:
    rows, terms = int(built.used.sum()), built.x.shape[1]
    if rows >= ROWS_PER_TERM * terms:
        return []
    return [
        Problem(
            "model",
            f"{terms} coefficients for {rows} periods",
            f"at least {ROWS_PER_TERM} periods per coefficient",
            "use harmonics rather than months, or fewer interruptions",
        )
    ]


def _assemble(
    frame: pd.DataFrame,
    model: Model,
    groups: list[np.ndarray],
    clock: np.ndarray,
    starts: tuple[int, ...],
) -> Design:
    base, base_names = _trend(model, clock)
    change, change_names = _changes(model, clock, starts)
    periods, series = len(clock), len(groups)
    block = np.column_stack([base, change])
    names = [*base_names, *(f"control {name}" if series > 1 else name for name in change_names)]
    x = np.tile(block, (series, 1))
    effects = np.zeros(len(names), dtype=bool)
    if series == 1:
        effects[len(base_names) :] = True
    else:
        # Every series has its own level and trend; the controls share one season and one change,
        # the treated has its own season and its change beyond theirs.
        own = np.zeros((periods * series, 2 * (series - 1)))
        for number in range(1, series):
            rows = slice(number * periods, (number + 1) * periods)
            own[rows, 2 * number - 2] = 1.0
            own[rows, 2 * number - 1] = clock
            names += [f"series {number} intercept", f"series {number} trend"]
        seasonal = base[:, 2:]
        if seasonal.shape[1]:
            extra = np.zeros((periods * series, seasonal.shape[1]))
            extra[:periods] = seasonal
            own = np.column_stack([own, extra])
            names += [f"treated {name}" for name in base_names[2:]]
        mine = np.zeros((periods * series, change.shape[1]))
        mine[:periods] = change
        x = np.column_stack([x, own, mine])
        names += change_names
        effects = np.zeros(len(names), dtype=bool)
        effects[-change.shape[1] :] = True
    order = np.concatenate(groups)
    used = np.ones(periods, dtype=bool)
    for start in starts:
        used[start : start + model.washout] = False
    column = lambda name: frame[name].to_numpy(dtype=float)[order]  # noqa: E731
    nothing = np.zeros(len(order))
    return Design(
        model=model,
        x=x,
        names=tuple(names),
        effects=effects,
        y=column(model.outcome),
        offset=np.log(column(model.exposure)) if model.exposure else nothing,
        trials=column(model.trials) if model.trials else nothing + 1,
        used=np.tile(used, series),
        clock=np.tile(clock, series),
        series=np.repeat(np.arange(series), periods),
        labels=frame[model.time].iloc[groups[0]].tolist(),
        starts=starts,
    )


def _trend(model: Model, clock: np.ndarray) -> tuple[np.ndarray, list[str]]:
    columns = [np.ones(len(clock)), clock.astype(float)]
    names = ["intercept", "trend"]
    if model.season == "month":
        for place in range(1, model.cycle):
            columns.append((clock % model.cycle == place).astype(float))
            names.append(f"season {place + 1}")
    if model.season == "harmonics":
        for pair in range(1, model.harmonics + 1):
            angle = 2 * np.pi * pair * clock / model.cycle
            columns.append(np.sin(angle))
            names.append(f"sine {pair}")
            if 2 * pair < model.cycle:
                columns.append(np.cos(angle))
                names.append(f"cosine {pair}")
            else:
                # At half the cycle the sine of whole periods is 0 everywhere.
                columns[-1] = np.cos(angle)
                names[-1] = f"cosine {pair}"
    return np.column_stack(columns), names


def _changes(
    model: Model, clock: np.ndarray, starts: tuple[int, ...]
) -> tuple[np.ndarray, list[str]]:
    columns, names = [], []
    for date, start in zip(model.dates(), starts, strict=True):
        suffix = f" {date}" if len(starts) > 1 else ""
        begin = start + model.washout
        since = clock - begin
        if model.effect != "slope":
            arrived = np.clip((since + 1) / (model.phase + 1), 0.0, 1.0)
            columns.append(arrived)
            names.append(f"level{suffix}")
        if model.effect != "level":
            columns.append(np.maximum(since, 0).astype(float))
            names.append(f"slope{suffix}")
    return np.column_stack(columns), names
