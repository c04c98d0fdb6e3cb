"""Read the outcomes of forces and the analysis plan that says what may be done with them.

The plan is a text for people; its settings stand in one TOML block, so that what decides a result
is fixed where everybody can read it and not in a notebook.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ncpi_eval import formats, paths
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.sources import located, read_forces

OUTCOME_COLUMNS = (
    "outcome",
    "label",
    "file",
    "numerator",
    "denominator",
    "period",
    "unit",
    "data_kind",
    "publisher",
    "licence",
    "source",
    "care",
)
SIZE_COLUMNS = (
    "force",
    "name",
    "region",
    "country",
    "population_2011_census",
    "population_mid_2018",
    "population_0_17_mid_2018",
    "officers_fte_mar_2019",
)
#: Column that says when a row of each kind of file is from.
TIMES = {"quarter": "quarter_start", "year": "year_ending_31_march"}
# What the plan must settle, table by table.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "outcome": ("primary", "comparison", "secondary", "check", "check_date", "expected_direction"),
    "forces": ("excluded", "first_inspection_known_to", "programme_began"),
    "staggered": (
        "period",
        "treated_from",
        "first_year",
        "last_year",
        "last_year_sensitivity",
        "controls",
        "anticipation",
        "anticipation_sensitivity",
        "event_window",
        "transformation",
        "level",
        "permutations",
        "seed",
    ),
    "series": (
        "period",
        "first_quarter",
        "last_quarter",
        "last_quarter_sensitivity",
        "implementation_quarters",
        "implementation_sensitivity",
        "transformation",
        "harmonics",
        "errors",
        "horizon_quarters",
        "minimum_before",
        "minimum_after",
        "force_rule",
        "force_not",
    ),
    "synthetic_control": ("last_quarter", "worst_fit"),
    "decision": ("significance", "pretrend_power", "robust_to_m"),
}

_SIDES = ("numerator", "denominator")
_BLOCK = re.compile(r"^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def read_plan(path: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """The settings of the analysis plan.

    Parameters
    ----------
    path : path, optional
        The default is data/inspections/analysis_plan.md. The settings are its one block of TOML.

    Returns
    -------
    dict of dict
        Table to setting to value, exactly those of `SETTINGS`.

    Raises
    ------
    InputError
        Without exactly one block, for TOML that does not parse, and for every setting that is
        missing or that no analysis knows (a misspelt one would otherwise be ignored in silence).
    """
    source = located(path) if path else paths.data("inspections", "analysis_plan.md")
    blocks = _BLOCK.findall(source.read_text(encoding="utf-8"))
    if len(blocks) != 1:
        raise _unusable(source, f"{len(blocks)} blocks of TOML", "one", "Keep all in one block.")
    try:
        plan = tomllib.loads(blocks[0])
    except tomllib.TOMLDecodeError as error:
        raise _unusable(source, str(error), "TOML", "Correct the block.") from error
    problems = list(_setting_problems(source.name, plan))
    if problems:
        raise InputError("The analysis plan does not settle what it must.", problems)
    return plan


def read_outcomes(path: str | Path | None = None) -> pd.DataFrame:
    """The outcomes that can be analysed, and what each is made of.

    Returns
    -------
    DataFrame
        `OUTCOME_COLUMNS` as text, "" where blank; `numerator` and `denominator` are columns of
        `file` joined by ``|``, which are added up; `period` is quarter or year.

    Raises
    ------
    InputError
        For missing columns, an outcome named twice, or an unknown period.
    """
    source = located(path) if path else paths.data("inspections", "outcomes.csv")
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    problems = [
        Problem(f"{source.name}, header", f"no column {c}", f"a column {c}", "Add the column.")
        for c in OUTCOME_COLUMNS
        if c not in frame
    ]
    if not problems:
        for row, (name, period) in enumerate(zip(frame["outcome"], frame["period"], strict=True)):
            place = f"{source.name}, row {row + 1}"
            if not name or (frame["outcome"] == name).sum() > 1:
                problems.append(Problem(f"{place}, outcome", name, "a name of its own", "Name it."))
            if period not in TIMES:
                known = " or ".join(TIMES)
                problems.append(Problem(f"{place}, period", period, known, "Correct it."))
    if problems:
        raise InputError("The list of outcomes cannot be used.", problems)
    return frame[list(OUTCOME_COLUMNS)]


def read_outcome(name: str, folder: str | Path | None = None) -> pd.DataFrame:
    """One outcome by force and period.

    Parameters
    ----------
    name : str
        As `outcomes.csv` names it.
    folder : path, optional
        Folder of outcomes.csv, of the file that it names and of forces.csv; the default is
        data/inspections.

    Returns
    -------
    DataFrame
        force (int), name, period (Timestamp of the first day of a quarter, or int: the year of
        the 31 March that ends the year), numerator, denominator (missing where the outcome has
        none), value (their ratio, or the numerator), data_kind. A blank is "not published" and
        stays missing, also in a sum; zeros stay zeros, and a number below zero stays too: a force
        can cancel more records in a quarter than it makes. Sorted by force and period.

    Raises
    ------
    InputError
        For an outcome or column that does not exist, a force that the force table does not know,
        a force and period given twice, a negative number or text.
    """
    where = Path(folder) if folder else paths.data("inspections")
    outcomes = read_outcomes(where / "outcomes.csv")
    if name not in set(outcomes["outcome"]):
        raise InputError(
            "This outcome does not exist.",
            [Problem("outcome", name, ", ".join(outcomes["outcome"]), "Use one of these names.")],
        )
    made_of = outcomes.set_index("outcome").loc[name]
    source = where / made_of["file"]
    frame = formats.read_table(source).frame
    time = TIMES[made_of["period"]]
    parts = {side: [c for c in made_of[side].split("|") if c] for side in _SIDES}
    problems = list(
        _file_problems(source.name, frame, time, [c for p in parts.values() for c in p])
    )
    if not problems:
        forces = read_forces(where / "forces.csv")
        names = dict(zip(forces["force"].astype(str), forces["name"], strict=True))
        problems = list(_row_problems(source.name, frame, names, time))
    if problems:
        raise InputError(f"{source.name} cannot be used as an outcome.", problems)
    made = pd.DataFrame(
        {
            "force": frame["force"].astype(int),
            "name": frame["name"].astype(str),
            "period": pd.to_datetime(frame[time])
            if made_of["period"] == "quarter"
            else frame[time].astype(int),
            **{side: _sum(frame, columns) for side, columns in parts.items()},
        }
    )
    has_base = bool(parts["denominator"])
    base = made["denominator"].where(made["denominator"] > 0)  # a ratio to nobody is unknown
    made["value"] = made["numerator"] / base if has_base else made["numerator"]
    made["data_kind"] = made_of["data_kind"]
    return made.sort_values(["force", "period"], ignore_index=True)


def read_sizes(path: str | Path | None = None) -> pd.DataFrame:
    """How large the forces are.

    Returns
    -------
    DataFrame
        force (int), name, region, country, population_2011_census, population_mid_2018,
        population_0_17_mid_2018, officers_fte_mar_2019 (float, missing where not published).

    Raises
    ------
    InputError
        For a missing column.
    """
    source = located(path) if path else paths.data("inspections", "force_sizes.csv")
    frame = pd.read_csv(source)
    missing = [c for c in SIZE_COLUMNS if c not in frame]
    if missing:
        raise InputError(
            f"{source.name} cannot be used.",
            [Problem(f"{source.name}, header", f"no {c}", c, "Add the column.") for c in missing],
        )
    return frame[list(SIZE_COLUMNS)]


def read_example(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A published example of synthetic control and its published answer.

    Parameters
    ----------
    name : str
        Of a file in data/examples: one row per unit, columns with a year as name are the outcome.

    Returns
    -------
    frame : DataFrame
        One row per unit and year: the unit's column and its other columns, year (int), value.
    published : DataFrame
        donor, weight, source.
    """
    wide = pd.read_csv(paths.data("examples", f"{name}.csv"))
    fixed = [column for column in wide if not str(column).isdecimal()]
    frame = wide.melt(fixed, var_name="year", value_name="value")
    published = pd.read_csv(paths.data("examples", "published.csv"))
    kept = published[published["example"].eq(name)].drop(columns="example")
    return frame.assign(year=frame["year"].astype(int)), kept.reset_index(drop=True)


def _unusable(source: Path, found: str, expected: str, remedy: str) -> InputError:
    return InputError(
        "The analysis plan cannot be read.", [Problem(source.name, found, expected, remedy)]
    )


def _setting_problems(file: str, plan: dict[str, Any]) -> Iterator[Problem]:
    for table, names in SETTINGS.items():
        given = plan.get(table, {})
        for name in names:
            if name not in given:
                yield Problem(f"{file} [{table}]", f"no {name}", "a value", "Settle it.")
        for name in given:
            if name not in names:
                expected = f"one of {', '.join(names)}"
                yield Problem(f"{file} [{table}]", name, expected, "Correct or remove it.")
    for table in plan:
        if table not in SETTINGS:
            yield Problem(file, f"[{table}]", f"one of {', '.join(SETTINGS)}", "Remove it.")


def _file_problems(
    file: str, frame: pd.DataFrame, time: str, columns: list[str]
) -> Iterator[Problem]:
    for column in ("force", "name", time, *columns):
        if column not in frame:
            yield Problem(f"{file}, header", f"no column {column}", f"a column {column}", "Add it.")
    for column in columns:
        if column not in frame:
            continue
        numbers = pd.to_numeric(frame[column], errors="coerce")
        for row in frame.index[numbers.isna() & frame[column].notna()]:
            place = f"{file}, row {int(str(row)) + 1}, column {column}"
            found = formats.shown(frame.at[row, column])
            yield Problem(place, found, "a number, or blank", "Correct the cell.")


def _row_problems(
    file: str, frame: pd.DataFrame, names: dict[str, str], time: str
) -> Iterator[Problem]:
    for row, (code, name) in enumerate(zip(frame["force"], frame["name"], strict=True)):
        if names.get(str(code)) != name:
            place = f"{file}, row {row + 1}, column name"
            expected = names.get(str(code), "a force of the force table")
            yield Problem(place, formats.shown(name), expected, "Correct the code or the name.")
    for row in frame.index[frame.duplicated(["force", time])]:
        place = f"{file}, row {int(str(row)) + 1}, column {time}"
        found = f"{frame.at[row, 'name']}, {frame.at[row, time]} a second time"
        yield Problem(place, found, "each force and period once", "Remove one.")


def _sum(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Sum of columns, missing where a part is missing or where there are none."""
    if not columns:
        return pd.Series(float("nan"), frame.index)
    return frame[columns].apply(pd.to_numeric).sum(axis=1, skipna=False).astype(float)
