"""The one vocabulary in which results are kept, and the one rule by which they are shown.

Every reported number is a row of a CSV file below `outputs/results`. A row names itself (`id`),
says what it counts (`unit`) and where it comes from (`data_kind`), so that prose, tables and
figures can point at it and nobody has to ask which data a number is from.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval import disclosure, paths
from ncpi_eval.errors import InputError, Problem

# Written first, in this order; other columns follow in the order of the frame.
COLUMNS = (
    "id",
    "question",
    "item",
    "response",
    "subgroup_variable",
    "subgroup",
    "wave",
    "unit",
    "count",
    "denominator",
    "estimate",
    "ci_low",
    "ci_high",
    "p_value",
    "effect_size",
    "method",
    "caveat",
    "data_kind",
    "suppressed",
)
REQUIRED = ("id", "unit", "data_kind")
TEXT = frozenset(
    {
        "id",
        "question",
        "item",
        "response",
        "subgroup_variable",
        "subgroup",
        "wave",
        "unit",
        "method",
        "caveat",
        "data_kind",
        "flag",
        "label",
        "recommendation",
        "analysis",
        "group",
        "outcome",
        "period",
        "term",
    }
)
DATA_KINDS = ("published", "public_record", "real", "synthetic")
SIMULATED = "simulated"

# What a row can count or measure. The first two are people and protected (see disclosure).
UNITS = (
    "respondents",
    "interviewees",
    "cases",
    "forces",
    "documents",
    "inspections",
    "recommendations",
    "extracts",
    "indicators",
    "tests",
    "simulations",
    "options",
    "claims",
    "redactions",
    "answers",
    "estimates",
    "variables",
    "nodes",
    "arrows",
    "assumptions",
    "judgements",
    # Units of the transcription of the published report.
    "percent",
    "percent_approximate",
    "statement",
    "interviews",
    "focus_groups",
    "workshops",
    "facilitators",
    "strands",
    "areas",
    "aims",
    "levels",
    "ways",
    "characteristics",
    "year",
    "months",
    "weeks",
    "days",
    "minutes",
)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_COLUMN = re.compile(r"[a-z][a-z0-9_]*")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# A spreadsheet runs a cell that begins like this.
_FORMULA = re.compile(r"^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_PLAIN_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?%?$")
# What tells estimates of one table apart, in the order of their ids.
_TELLING_APART = ("analysis", "outcome", "term", "group", "period", "event_time", "size")
SIGNIFICANT_DIGITS = 12
MINUS = "\N{MINUS SIGN}"

# Where the row of an id was last saved to or loaded from, for frames that lost their name.
_homes: dict[str, str] = {}


@dataclass(frozen=True)
class Result:
    """A tidy table and the sentence that says what it shows.

    The table is not printed with the object: only `tables.show` shows tables.
    """

    table: pd.DataFrame = field(repr=False)
    text: str


@dataclass(frozen=True)
class Derived:
    """A number made from a whole results file, such as how many of its rows match."""

    value: int | float | str
    name: str
    data_kinds: tuple[str, ...]


# ---------------------------------------------------------------------------------------------
# Saving and loading


def save(
    name: str,
    frame: pd.DataFrame,
    *,
    beside: pd.DataFrame | None = None,
    first: Sequence[str] = (),
) -> pd.DataFrame:
    """Write results to ``outputs/results/<name>.csv``, after disclosure control.

    Parameters
    ----------
    name : str
        Lower-case letters, digits, ``_`` and ``-``.
    frame : DataFrame
        Rows in the vocabulary of this module; ``id``, ``unit`` and ``data_kind`` are required.
    beside : DataFrame, optional
        Released estimates that the rows compare; a test is withheld with any of them.
    first : sequence of str
        Columns to write before those of the vocabulary, for a file whose layout others rely on.

    Returns
    -------
    DataFrame
        The released rows, as `load` would give them.

    Raises
    ------
    InputError
        With everything that the vocabulary does not allow.

    Notes
    -----
    The file is touched only if its bytes change. Numbers have 12 significant digits, missing
    values are empty, line ends are ``\\n``. A text that a spreadsheet would run as a formula is
    written with an apostrophe in front.
    """
    check(name, frame)
    held = frame if beside is None else disclosure.withhold_beside(frame, beside)
    released = ordered(disclosure.release(held), first)
    path = paths.outputs_write("results", f"{name}.csv")
    write_if_changed(path, csv_text(released).encode("utf-8"))
    return _read(path, name)


def load(name: str) -> pd.DataFrame:
    """Read results that this or an earlier notebook saved.

    Within a build a notebook's own results come first, then those of the pages it depends on.
    Text columns are text (a wave is ``"2019"``), ``count`` and ``denominator`` integers that may
    be missing, ``suppressed`` True or False.

    Raises
    ------
    InputError
        If there is no such file.
    """
    _check_name(name)
    for folder in (paths.outputs_write("results"), paths.outputs_read("results")):
        path = folder / f"{name}.csv"
        if path.is_file():
            return _read(path, name)
    raise InputError(
        "These results do not exist yet.",
        [
            Problem(
                f"outputs/results/{name}.csv",
                "no such file",
                "a file that an earlier notebook saved",
                f"Run the notebook that lists {name!r} under results in notebooks/report.toml.",
            )
        ],
    )


def identified(
    table: pd.DataFrame,
    stem: str,
    *,
    unit: str,
    data_kind: str,
    by: Sequence[str] = _TELLING_APART,
    **columns: Any,
) -> pd.DataFrame:
    """A tidy table of estimates as rows that can be saved: each with an id, a unit and a kind.

    Parameters
    ----------
    table : DataFrame
        Of a `Result`: `term` or `group`, `period`, `event_time` where they apply, `estimate` …
    stem : str
        Beginning of every id; what tells the rows apart follows it.
    unit, data_kind : str
        What is counted and where it is from, as `save` wants them.
    by : sequence of str
        Columns that tell the rows apart, in the order of the id; those that are absent are passed
        over. Settings, never numbers that were found: an id outlives them.
    **columns
        Further columns with one value, such as ``outcome="referrals"``.

    Returns
    -------
    DataFrame
        A copy with `id` first; where the estimate is a difference of logarithms (``ratio=True``)
        also `ratio`, `ratio_low`, `ratio_high`, its exponentials.
    """
    as_ratio = columns.pop("ratio", False)
    rows = table.assign(unit=unit, data_kind=data_kind, **columns)
    parts = [c for c in by if c in rows]
    texts = rows[parts].map(_part_of_id)
    ids = ["-".join(filter(None, (stem, *row))) for row in texts.itertuples(index=False)]
    rows.insert(0, "id", ids)
    return with_ratio(rows) if as_ratio else rows


def with_ratio(table: pd.DataFrame) -> pd.DataFrame:
    """A copy with `ratio`, `ratio_low` and `ratio_high`: the exponentials of a difference of
    logarithms in `estimate` and of its interval, missing where they are."""
    ends = {"ratio": "estimate", "ratio_low": "ci_low", "ratio_high": "ci_high"}
    return table.assign(**{n: np.exp(table[c].astype(float)) for n, c in ends.items()})


def _part_of_id(value: Any) -> str:
    """A value as part of an id; blank where it is missing."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    text = str(value.date()) if isinstance(value, pd.Timestamp) else str(value)
    text = re.sub(r"^-(?=\d)", "minus", text.removesuffix(".0"))
    return re.sub(r"[^A-Za-z0-9.]+", "_", text).strip("_")


def pick(frame: pd.DataFrame, **where: Any) -> pd.Series:
    """The one row whose columns have these values.

    Parameters
    ----------
    frame : DataFrame
        Released results.
    **where
        Column and value, for example ``question="NCPIimp", response="1"``. Text columns are
        compared as text.

    Raises
    ------
    InputError
        Unless exactly one row has them; says how many do and which.
    """
    chosen = frame
    for column, value in where.items():
        if column not in frame:
            raise InputError(
                "No row was picked.",
                [
                    Problem(
                        "column", column, _listed(frame.columns), "Pick by one of these columns."
                    )
                ],
            )
        is_text = column in TEXT
        values = chosen[column].astype(str) if is_text else chosen[column]
        chosen = chosen[(values == (str(value) if is_text else value)).fillna(False)]
    if len(chosen) != 1:
        asked = ", ".join(f"{column}={value!r}" for column, value in where.items())
        which = f" ({_listed(chosen['id'])})" if len(chosen) and "id" in chosen else ""
        raise InputError(
            "No row was picked." if not len(chosen) else "More than one row was picked.",
            [
                Problem(
                    asked or "no condition",
                    f"{len(chosen)} rows{which}",
                    "exactly one row",
                    "Correct the values." if not len(chosen) else "Add conditions.",
                )
            ],
        )
    row = chosen.iloc[0].copy()
    row.attrs = dict(frame.attrs)
    return row


def select(frame: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """Rows whose columns have one of these values, in the order in which the values are given.

    Parameters
    ----------
    frame : DataFrame
        Released results.
    **where
        Column and value, or column and list of values, for example ``question="FLis",
        subgroup=["inspected", "uninspected"]``. The first list sorts first.

    Raises
    ------
    InputError
        If no row has them, or one of the values is in no row: a picture would then lack it unseen.
    """
    chosen = frame
    for column, value in where.items():
        values = value if isinstance(value, list) else [value]
        chosen = chosen[chosen[column].isin(values)]
        missing = [str(v) for v in values if not chosen[column].eq(v).any()]
        if missing:
            raise InputError(
                "These rows were not found.",
                [
                    Problem(
                        column,
                        "no " + ", ".join(missing),
                        _listed(frame[column].unique()),
                        "Correct the values.",
                    )
                ],
            )
    lists = {c: v for c, v in where.items() if isinstance(v, list)}
    ordered_rows = chosen.reset_index(drop=True)
    if lists:
        places = {column: ordered_rows[column].map(given.index) for column, given in lists.items()}
        order = pd.DataFrame(places).sort_values(list(lists), kind="stable").index
        ordered_rows = ordered_rows.loc[order]
    ordered_rows.attrs = dict(frame.attrs)
    return ordered_rows


def derived(value: int | float | str, frame: pd.DataFrame) -> Derived:
    """A number that is made from all rows of a results file; in prose it links to that file.

    Raises
    ------
    InputError
        If the frame was not loaded or saved.
    """
    name = frame.attrs.get("results_name")
    if name is None:
        raise InputError(
            "A number can only be made from results that are kept.",
            [
                Problem(
                    "frame",
                    "no name",
                    "what results.load or results.save gave",
                    "Save the frame first, and use what save returns.",
                )
            ],
        )
    return Derived(value, name, data_kinds(frame))


def home(row: pd.Series) -> str | None:
    """Name of the results file that holds this row; None if it was never saved or loaded."""
    identity = row.get("id")
    if identity is None or pd.isna(identity) or str(identity) not in _homes:
        return None
    return row.attrs.get("results_name") or _homes[str(identity)]


def reference(name: str, identity: str) -> str:
    """A row of a results file as one word, ``file#id``; pages show it as a link to that row."""
    return f"{name}#{identity}"


def references(text: str) -> list[tuple[str, str]]:
    """Results file and id of each row that a text of `reference` words names, in their order.

    Raises
    ------
    InputError
        If a word is no such reference.
    """
    found = []
    for word in text.split():
        name, separator, identity = word.partition("#")
        if not (separator and _NAME.fullmatch(name) and _ID.fullmatch(identity)):
            raise InputError(
                "This is no reference to a row.",
                [Problem("reference", repr(word), "file#id", "Write it with results.reference.")],
            )
        found.append((name, identity))
    return found


def data_kinds(frame: pd.DataFrame) -> tuple[str, ...]:
    """Kinds of data in a frame, sorted; ``simulated`` for rows that count simulations.

    Simulations are drawn under stated assumptions and stand for nobody, so that a page which shows
    them beside public records is not called one of invented respondents.
    """
    kinds = frame["data_kind"].mask(frame["unit"].astype("string").eq("simulations"), SIMULATED)
    return tuple(sorted(kinds.dropna().astype(str).unique()))


def check(name: str, frame: pd.DataFrame) -> None:
    """Refuse a frame that does not speak the vocabulary; lists everything that is wrong."""
    _check_name(name)
    problems = _column_problems(frame)
    if not problems:
        problems = [*_id_problems(frame), *_word_problems(frame), *_number_problems(frame)]
    if problems:
        raise InputError(f"The results {name!r} cannot be saved.", problems)


def ordered(frame: pd.DataFrame, first: Sequence[str] = ()) -> pd.DataFrame:
    """Frame with the columns of the vocabulary first, behind those that are to come before."""
    first = [*first, *(column for column in COLUMNS if column in frame and column not in first)]
    return frame[[*first, *(column for column in frame.columns if column not in first)]]


def csv_text(frame: pd.DataFrame) -> str:
    """Frame as CSV, the same text on every machine."""
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(_inert, na_action="ignore")
    return safe.to_csv(
        index=False, lineterminator="\n", float_format=f"%.{SIGNIFICANT_DIGITS}g", na_rep=""
    )


def write_if_changed(path: Path, content: bytes) -> bool:
    """Write a file in one step unless it already holds these bytes; says whether it wrote."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    os.replace(beside, path)
    return True


def _inert(value: Any) -> Any:
    text = value if isinstance(value, str) else None
    if text is None or not _FORMULA.match(text) or _PLAIN_NUMBER.match(text):
        return value
    return f"'{text}"


def _read(path: Path, name: str) -> pd.DataFrame:
    header = pd.read_csv(path, nrows=0).columns
    types = {column: "str" for column in header if column in TEXT}
    types |= {column: "Int64" for column in ("count", "denominator") if column in header}
    if "suppressed" in header:
        types["suppressed"] = "boolean"
    frame = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    if "suppressed" in frame:
        frame["suppressed"] = frame["suppressed"].fillna(False).astype(bool)
    if "flag" in frame:
        frame["flag"] = frame["flag"].fillna("")
    frame.attrs["results_name"] = name
    _homes.update(dict.fromkeys(frame["id"].astype(str), name))
    return frame


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            "Results cannot have this name.",
            [
                Problem(
                    "name",
                    repr(name),
                    "lower-case letters, digits, _ and -",
                    "Choose a name like 'survey_estimates'.",
                )
            ],
        )


def _column_problems(frame: pd.DataFrame) -> list[Problem]:
    problems = []
    for column in REQUIRED:
        if column not in frame:
            problems.append(
                Problem("columns", "absent", column, "Every row needs id, unit and data_kind.")
            )
    for column in frame.columns:
        if not isinstance(column, str) or not _COLUMN.fullmatch(column):
            problems.append(
                Problem(
                    "columns",
                    repr(column),
                    "lower-case letters, digits and _",
                    "Rename the column.",
                )
            )
    repeated = frame.columns[frame.columns.duplicated()]
    for column in repeated:
        problems.append(Problem("columns", f"{column} twice", "each column once", "Drop one."))
    return problems


def _id_problems(frame: pd.DataFrame) -> list[Problem]:
    problems = []
    ids = frame["id"].astype("string").fillna("")
    unsafe = ids[~ids.map(lambda text: bool(_ID.fullmatch(text))).astype(bool)]
    if len(unsafe):
        problems.append(
            Problem(
                f"id, {len(unsafe)} rows",
                _listed(unsafe),
                "letters, digits, '.', '_' and '-' only, so that a link can name it",
                "Write '|' in a response as '-'.",
            )
        )
    repeated = ids[ids.duplicated()]
    if len(repeated):
        problems.append(
            Problem(
                f"id, {len(repeated)} rows",
                _listed(repeated),
                "each id once",
                "Add what tells the rows apart to the id.",
            )
        )
    return problems


def _word_problems(frame: pd.DataFrame) -> list[Problem]:
    problems = []
    for column, allowed in (("unit", UNITS), ("data_kind", DATA_KINDS)):
        values = frame[column].astype("string").fillna("")
        unknown = values[~values.isin(allowed)]
        if len(unknown):
            problems.append(
                Problem(
                    f"{column}, {len(unknown)} rows",
                    _listed(unknown.drop_duplicates()),
                    ", ".join(allowed),
                    "Use one of these words, or add a new one to results.py.",
                )
            )
    return problems


def _number_problems(frame: pd.DataFrame) -> list[Problem]:
    problems = []
    proportion = pd.Series(True, frame.index)
    if {"count", "denominator"} <= set(frame):
        count, base = (pd.to_numeric(frame[c], errors="coerce") for c in ("count", "denominator"))
        wrong = (count < 0) | (count > base) | (count % 1 != 0) & count.notna()
        problems += _outside(frame, "count", wrong.fillna(False), "a whole number up to the base")
        proportion = (count.notna() & base.notna()).fillna(False)
        shares = [c for c in ("estimate", "ci_low", "ci_high") if c in frame]
    else:
        shares = []
    always = [c for c in frame if c.startswith("p_value") or c == "p_adjusted"]
    for column in (*shares, *always):
        values = pd.to_numeric(frame[column], errors="coerce").astype(float)
        wrong = (values < 0) | (values > 1)
        if column in shares:
            wrong &= proportion
        problems += _outside(frame, column, wrong, "a proportion from 0 to 1")
    return problems


def _outside(frame: pd.DataFrame, column: str, wrong: pd.Series, expected: str) -> list[Problem]:
    if not wrong.any():
        return []
    bad = frame[wrong.astype(bool)]
    found = [
        f"{value} at {identity}" for value, identity in zip(bad[column], bad["id"], strict=True)
    ]
    return [
        Problem(
            f"{column}, {len(bad)} rows",
            _listed(found),
            expected,
            "Proportions are stored from 0 to 1 and shown as percentages.",
        )
    ]


def _listed(values: Any, limit: int = 5) -> str:
    texts = [str(value) for value in values]
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


# ---------------------------------------------------------------------------------------------
# Showing numbers, by one rule


def shown(row: Mapping[str, Any] | pd.Series, name: str = "estimate") -> str:
    """A field of a row as every page shows it; empty text if it is missing without a mark.

    Parameters
    ----------
    row : mapping or Series
        A released row.
    name : str
        A column, or one of ``percent`` (the estimate as a percentage), ``base``, ``interval``,
        ``difference`` (percentage points), ``difference_interval``; ``interval_clustered`` and
        ``difference_interval_clustered`` likewise; ``ratio_interval``.

    Returns
    -------
    str
        Percentages are whole, half up, from the integer counts where they are there, and ``<1%``
        and ``>99%`` where 0% or 100% would say none or all; counts have thousands separators;
        p-values are ``<0.001``, three decimals below 0.01 and where two would hide on which side
        of 0.05 they lie, else two; other numbers have three significant
        digits. A withheld number is ``[c]`` or ``[low]``.
    """
    if name.startswith(("interval", "difference_interval", "ratio_interval")):
        return _interval(row, name)
    column = {"percent": "estimate", "base": "denominator"}.get(name, name)
    value = row.get(column)
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return disclosure.mark(row) if column not in TEXT else ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    number = float(value)
    if name == "percent" or (column == "estimate" and is_proportion(row)):
        whole = whole_percent(row)
        # Some are not none, and not all are not everybody.
        if whole in (0, 100) and 0 < number < 1:
            return "<1%" if whole == 0 else ">99%"
        return f"{whole}%"
    if column.startswith(("ci_low", "ci_high")) and is_proportion(row):
        return f"{half_up(100 * number)}%"
    if column.startswith("difference"):
        return points(number)
    if column.startswith("p_value") or column in ("p_adjusted", "p_low", "p_high"):
        return p_value(number)
    return plain(number)


def is_proportion(row: Mapping[str, Any] | pd.Series) -> bool:
    """Whether the estimate of this row is a share of its base."""
    return _has(row, "denominator") and (_has(row, "count") or bool(disclosure.mark(row)))


def whole_percent(row: Mapping[str, Any] | pd.Series) -> int:
    """Whole percentage of a row, half up; from the integer counts if they make the estimate."""
    if _has(row, "count") and _has(row, "denominator") and float(row["denominator"]) > 0:
        count, base = int(row["count"]), int(row["denominator"])
        estimate = row.get("estimate")
        if estimate is None or pd.isna(estimate) or abs(float(estimate) - count / base) < 1e-9:
            return (200 * count + base) // (2 * base)
    return half_up(100 * float(row["estimate"]))


def half_up(value: float) -> int:
    """Nearest whole number, halves away from zero; noise of the last digits is taken off first."""
    steady = round(abs(value), 9)
    return int(math.copysign(math.floor(steady + 0.5), value))


def points(value: float) -> str:
    """A difference of proportions as whole percentage points."""
    whole = half_up(100 * value)
    sign = MINUS if whole < 0 else ""
    return f"{sign}{abs(whole)} percentage point{'' if abs(whole) == 1 else 's'}"


def p_value(value: float) -> str:
    """A p-value as shown: ``<0.001``, ``0.004``, ``0.03``, ``0.049``."""
    if value < 0.001:
        return "<0.001"
    if value < 0.01 or 0.045 <= value < 0.055:
        return f"{value:.3f}"
    return f"{value:.2f}"


def plain(value: float) -> str:
    """A count with thousands separators, or another number with three digits (or ``<0.001``)."""
    if float(value).is_integer():
        text = f"{int(value):,}"
    elif abs(value) >= 1000:
        text = f"{half_up(value):,}"
    elif abs(value) < 0.001:
        text = "<0.001" if value > 0 else ">-0.001"
    else:
        text = f"{value:.3g}"
    return text.replace("-", MINUS)


def _has(row: Mapping[str, Any] | pd.Series, column: str) -> bool:
    value = row.get(column)
    return value is not None and not pd.isna(value)


def _interval(row: Mapping[str, Any] | pd.Series, name: str) -> str:
    stem, _, kind = name.partition("interval")
    low, high = (f"{stem or 'ci_'}{end}{kind}" for end in ("low", "high"))
    if not (_has(row, low) and _has(row, high)):
        return disclosure.mark(row)
    bounds = float(row[low]), float(row[high])
    if stem == "ratio_":
        return " to ".join(plain(bound) for bound in bounds)
    if stem:
        first, second = (half_up(100 * bound) for bound in bounds)
        return f"{first} to {second} percentage points".replace("-", MINUS)
    if is_proportion(row):
        return " to ".join(f"{half_up(100 * bound)}%" for bound in bounds)
    return " to ".join(plain(bound) for bound in bounds)
