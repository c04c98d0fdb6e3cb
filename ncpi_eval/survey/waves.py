"""Two waves of the survey side by side: what changed, and how sure that is.

A second wave is tabulated like the first, and its released estimates are held against the first
wave's, row by row. Nothing here sees respondents. Rows are compared only if they mean the same: a
question that was worded anew, or has other options, is refused and not quietly subtracted.

Respondents of two waves are taken as different people, because they cannot be linked. Forces are
the same in both, so that answers of a force are alike across waves, too; ignoring that makes the
clustered interval of a change too wide rather than too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from ncpi_eval import intervals
from ncpi_eval.errors import DesignError, InputError, Problem
from ncpi_eval.survey.tabulation import SELF_SELECTED

KEYS = ["question", "response", "subgroup_variable", "subgroup"]
NUMBERS = ["count", "denominator", "estimate"]
# Columns that say what a row means; compared where both waves have them.
DEFINITIONS = {
    "item": "wording of the question",
    "label": "meaning of the response set",
    "breakdown": "meaning of the breakdown",
    "group": "meaning of the category",
    "unit": "what is counted",
}
# Breakdowns that are a property of the force at the time of the wave.
MOVING = ("inspection_status", "inspection_timing", "joint_inspection", "any_inspection",
          "status_by_area")  # fmt: skip

METHOD = "Newcombe interval; by force: Student's t from both waves' clustered errors"
CAVEAT = (
    f"{SELF_SELECTED} Both waves chose themselves, so that a change can be one of who answered."
)
MOVED = "A force inspected between the waves has changed group."
WITHHELD = "withheld or without a base in a wave"


def compare(first: pd.DataFrame, second: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Change of every estimate from one wave to the next.

    Parameters
    ----------
    first, second : DataFrame
        Released estimates of one wave each (`survey_estimates`): question, response,
        subgroup_variable, subgroup, wave, count, denominator, estimate, data_kind; if given also
        item, label, breakdown, group, unit, suppressed, and std_error with clusters for the
        clustered interval.
    level : float
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        One row per row of either wave, the first wave's order first: id, question, item, response,
        subgroup_variable, subgroup, wave (both, joined by a hyphen), unit, estimate_first,
        denominator_first, estimate_second, denominator_second, difference (second minus first),
        difference_low, difference_high (Newcombe), p_value (pooled z), p_adjusted
        (Benjamini-Hochberg over all rows compared), difference_low_clustered,
        difference_high_clustered, p_value_clustered (t with the smaller wave's clusters less one
        degrees of freedom; missing without std_error), smallest_cell (fewest respondents counted or
        not counted in a wave), note (why there is no difference: a wave that lacks the row, or
        withheld or without a base; otherwise blank), label, method, caveat, data_kind, suppressed
        (where either wave is).

    Raises
    ------
    InputError
        If columns are missing, a frame holds more than one wave or a row twice.
    DesignError
        Listing all rows whose meaning differs: wording, response set, breakdown or unit; questions
        with other response sets; waves that are the same; invented data against real.
    """
    _refuse_frames(first, second)
    _refuse_definitions(first, second)
    both = _matched(first, second)
    frame = both[KEYS].copy()
    wave = f"{_only(first, 'wave')}-{_only(second, 'wave')}"
    frame["id"] = [
        f"{q}.{r.replace('|', '-')}.{v}.{s}.change.{wave}"
        for q, r, v, s in frame[KEYS].itertuples(index=False)
    ]
    for name in ("item", "label", "breakdown", "group", "unit"):
        frame[name] = _either(both, name)
    frame["wave"] = wave
    for name in ("estimate", "denominator"):
        for which in ("first", "second"):
            frame[f"{name}_{which}"] = both[f"{name}_{which}"]
    frame["suppressed"] = _flag(both, "suppressed_first") | _flag(both, "suppressed_second")
    frame["note"] = _notes(both, first, second, frame["suppressed"])
    frame = frame.join(_changes(both, frame["note"] == "", level))
    moving = frame["subgroup_variable"].isin(MOVING)
    return frame.assign(
        method=METHOD,
        caveat=np.where(moving, f"{CAVEAT} {MOVED}", CAVEAT),
        data_kind=_only(first, "data_kind"),
    )[_ORDER]


_ORDER = [
    "id", "question", "item", "response", "subgroup_variable", "subgroup", "wave", "unit",
    "estimate_first", "denominator_first", "estimate_second", "denominator_second",
    "difference", "difference_low", "difference_high", "p_value", "p_adjusted",
    "difference_low_clustered", "difference_high_clustered", "p_value_clustered",
    "smallest_cell", "note", "breakdown", "group", "label", "method", "caveat", "data_kind",
    "suppressed",
]  # fmt: skip


# --- refusals ------------------------------------------------------------------------------------


def _refuse_frames(first: pd.DataFrame, second: pd.DataFrame) -> None:
    problems = []
    for name, frame in (("first wave", first), ("second wave", second)):
        for column in (*KEYS, *NUMBERS, "wave", "data_kind"):
            if column not in frame:
                problems.append(
                    Problem(
                        f"{name}, header", "no such column", column, "give the released estimates"
                    )
                )
        if problems:
            continue
        for column in ("wave", "data_kind"):
            values = sorted(map(str, frame[column].unique()))
            if len(values) != 1:
                problems.append(
                    Problem(
                        f"{name}, {column}",
                        ", ".join(values) or "no rows",
                        "one value",
                        "give one wave in each frame",
                    )
                )
        for key in frame.loc[frame.duplicated(KEYS), KEYS].itertuples(index=False):
            problems.append(
                Problem(f"{name}, {_place(key)}", "twice", "once", "leave one of the rows out")
            )
    if problems:
        raise InputError("The waves cannot be compared.", problems)


def _refuse_definitions(first: pd.DataFrame, second: pd.DataFrame) -> None:
    problems = []
    if _only(first, "wave") == _only(second, "wave"):
        problems.append(
            Problem(
                "wave",
                f"{_only(first, 'wave')} twice",
                "two different waves",
                "name the second wave's file and wave",
            )
        )
    kinds = (_only(first, "data_kind"), _only(second, "data_kind"))
    if kinds[0] != kinds[1]:
        problems.append(
            Problem(
                "data_kind",
                f"{kinds[0]} against {kinds[1]}",
                "the same kind in both waves",
                "compare invented data with invented data and real data with real data",
            )
        )
    problems += _different_options(first, second)
    problems += _different_meanings(first, second)
    if problems:
        raise DesignError(
            "The waves do not ask the same, so that no change can be given.", problems
        )


def _different_options(first: pd.DataFrame, second: pd.DataFrame) -> list[Problem]:
    """Other response sets mean that options were added, dropped or joined."""
    sets = [frame.groupby("question", sort=False)["response"].unique() for frame in (first, second)]
    problems = []
    for question in sets[0].index.intersection(sets[1].index, sort=False):
        before, after = (set(part[question]) for part in sets)
        if before != after:
            problems.append(
                Problem(
                    question,
                    "response sets " + (", ".join(sorted(after - before)) or "missing"),
                    "response sets " + (", ".join(sorted(before - after)) or "of the first wave"),
                    "recode the second wave to the first wave's options or leave the question out",
                )
            )
    return problems


def _different_meanings(first: pd.DataFrame, second: pd.DataFrame) -> list[Problem]:
    columns = [name for name in DEFINITIONS if name in first and name in second]
    pairs = first[[*KEYS, *columns]].merge(
        second[[*KEYS, *columns]], on=KEYS, suffixes=("_first", "_second")
    )
    problems: dict[tuple[str, str, str, str], Problem] = {}
    for row in pairs.fillna("").to_dict("records"):
        for name in columns:
            before, after = str(row[f"{name}_first"]), str(row[f"{name}_second"])
            if before != after:
                place = row["question"] if name == "item" else _place([row[k] for k in KEYS])
                # One question worded anew is one problem, however many rows it has.
                problems.setdefault(
                    (place, name, before, after),
                    Problem(
                        f"{place}, {DEFINITIONS[name]}",
                        repr(after),
                        repr(before),
                        "leave it out, or give both the same definition if they mean the same",
                    ),
                )
    return list(problems.values())


def _place(key: Sequence[str]) -> str:
    question, response, variable, subgroup = key
    return f"{question} {response} {variable} {subgroup}"


def _only(frame: pd.DataFrame, column: str) -> str:
    return str(frame[column].iloc[0])


# --- differences ---------------------------------------------------------------------------------


def _matched(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Rows of both waves side by side, in the first wave's order, then the second's own."""
    both = first.merge(
        second, on=KEYS, how="outer", suffixes=("_first", "_second"), indicator=True, sort=False
    )
    order = pd.concat([first[KEYS], second[KEYS]]).drop_duplicates()
    return order.merge(both, on=KEYS, how="left").reset_index(drop=True)


def _either(both: pd.DataFrame, name: str) -> pd.Series:
    """The value of whichever wave has it; blank where neither does."""
    given = [both[column] for column in (f"{name}_first", f"{name}_second", name) if column in both]
    value = given[0] if given else pd.Series("", index=both.index)
    for other in given[1:]:
        value = value.where(value.notna(), other)
    return value.fillna("")


def _flag(both: pd.DataFrame, name: str) -> pd.Series:
    if name not in both:
        return pd.Series(False, index=both.index)
    return both[name].astype("boolean").fillna(False).astype(bool)


def _notes(
    both: pd.DataFrame, first: pd.DataFrame, second: pd.DataFrame, suppressed: pd.Series
) -> pd.Series:
    merged = both["_merge"].astype(str)
    missing = both[[f"{n}_{w}" for n in NUMBERS for w in ("first", "second")]].isna().any(axis=1)
    note = pd.Series("", index=both.index).mask(missing | suppressed, WITHHELD)
    note = note.mask(merged == "left_only", f"not in {_only(second, 'wave')}")
    return note.mask(merged == "right_only", f"not in {_only(first, 'wave')}")


def _changes(both: pd.DataFrame, compared: pd.Series, level: float) -> pd.DataFrame:
    x1, n1, p1 = (_number(both, f"{name}_first", compared) for name in NUMBERS)
    x2, n2, p2 = (_number(both, f"{name}_second", compared) for name in NUMBERS)
    low, high = intervals.newcombe(x2, n2, x1, n1, level)
    p = intervals.difference_p(x2, n2, x1, n1)
    columns = {
        "difference": p2 - p1,
        "difference_low": low,
        "difference_high": high,
        "p_value": p,
        "p_adjusted": intervals.benjamini_hochberg(p),
        "smallest_cell": np.minimum.reduce([x1, n1 - x1, x2, n2 - x2]),
    }
    columns |= _clustered(both, p2 - p1, compared, level)
    return pd.DataFrame(columns, index=both.index)


def _clustered(
    both: pd.DataFrame, difference: np.ndarray, compared: pd.Series, level: float
) -> dict[str, np.ndarray]:
    """Student's t interval from both waves' cluster-robust errors, waves taken as independent."""
    error = np.hypot(
        _number(both, "std_error_first", compared), _number(both, "std_error_second", compared)
    )
    df = (
        np.minimum(
            _number(both, "clusters_first", compared), _number(both, "clusters_second", compared)
        )
        - 1
    )
    known = (error > 0) & (df > 0)
    error, df = np.where(known, error, np.nan), np.where(known, df, np.nan)
    reach = stats.t.isf((1 - level) / 2, df) * error
    return {
        "difference_low_clustered": np.maximum(difference - reach, -1.0),
        "difference_high_clustered": np.minimum(difference + reach, 1.0),
        "p_value_clustered": 2 * stats.t.sf(np.abs(difference) / error, df),
    }


def _number(both: pd.DataFrame, name: str, compared: pd.Series) -> np.ndarray:
    """A column as floats, NaN where the row is not compared or there is no such column."""
    if name not in both:
        return np.full(len(both), np.nan)
    values = pd.to_numeric(both[name], errors="coerce").astype("Float64")
    return values.where(compared).to_numpy(dtype=float, na_value=np.nan)


def changes(estimates: pd.DataFrame) -> pd.DataFrame:
    """Change from the first wave to the second, for a file that may hold only one.

    Parameters
    ----------
    estimates : DataFrame
        Released estimates of one or two waves, the first wave's rows first.

    Returns
    -------
    DataFrame
        As `compare`; without rows, but with the columns that a page asks for, if there is one wave.

    Raises
    ------
    InputError
        For more than two waves.
    """
    names = list(estimates["wave"].drop_duplicates())
    if len(names) == 1:
        return pd.DataFrame(columns=[*COLUMNS_OF_NO_CHANGE])
    if len(names) > 2:
        raise InputError(f"Two waves can be compared; found {', '.join(names)}.")
    first, second = (estimates[estimates["wave"] == name] for name in names)
    return compare(first, second)


COLUMNS_OF_NO_CHANGE = ("id", "question", "item", "response", "wave", "unit", "data_kind")
