"""What may be shown of data about people, in one place.

Respondents and interviewees are protected: small counts are withheld, and with them enough other
cells that nobody can work the withheld ones out from a margin, from the complement within a
question or from a breakdown that adds up to the same people. Public records and figures that are
already published are exceptions, declared below by name with the reason; so is invented data,
which says on every page that it is invented.

`release` is called by `results.save`, `tables.show` and `figures.show`; nothing else writes to
`outputs/`. Releasing what was released before changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval import hiding, inert, populations, questionnaire
from ncpi_eval.errors import InputError, Problem

# The report's own practice for survey cells, and the threshold of the Government Analysis
# Function's guidance on small numbers in survey tables: a count of people below ten is withheld.
MINIMUM_COUNT = 10
# A percentage on a base below thirty moves by more than three points with each respondent
# (100 / 30); the evaluation report itself leaves such percentages out.
MINIMUM_BASE = 30
# What describes a respondent or an interviewee must fit people of three forces or more.
MINIMUM_FORCES = 3
# OpenSAFELY's output rules: counts of seven or fewer are redacted, the rest are rounded to five
# (docs.opensafely.org, "Releasing files"; also ehrql, measures/disclosure_control.py).
OPENSAFELY_REDACTED = 7
OPENSAFELY_ROUNDING = 5

PROFILES = ("default", "opensafely")

# Whom a count is about decides whether it is protected.
PROTECTED_UNITS = frozenset({"answers", "respondents", "interviewees"})

# data_kind that passes in full, and why. Anything not named here is protected.
EXCEPTIONS: Mapping[str, str] = {
    "synthetic": "Invented people: nobody can be identified; every page that shows it says so.",
    "published": "Printed in the evaluation report, which its authors released.",
    "public_record": "Published by HM Inspectorate or the Home Office about organisations.",
}

# Marks of the Government Analysis Function, "Symbols in tables" (2023).
CONFIDENTIAL = "[c]"
LOW_BASE = "[low]"
NOT_APPLICABLE = "[z]"
MEANING: Mapping[str, str] = {
    CONFIDENTIAL: (
        f"withheld so that nobody can be identified: fewer than {MINIMUM_COUNT} people, "
        "or a cell from which such a number could be worked out"
    ),
    LOW_BASE: f"no percentage, because fewer than {MINIMUM_BASE} people answered",
    NOT_APPLICABLE: "not applicable or not computed",
}

# Responses that are sets of option codes.
_CODES = r"-?\d+(\|-?\d+)*"
# Answers that leave the base: the published bases tell how many they are together.
_OUTSIDE_BASES = ("unanswered", "prefer_not_to_say")

# Columns that are no numbers but say which of them are larger.
_TELLING = ("higher_than",)
# Columns that count people.
_COUNTS = ("count", "denominator", "true", "found", "both")
# Beginnings of columns from whose digits an exact count could be solved for: a base is its
# effective base times the design effect.
_EXACT = (
    *("ci_", "std_error", "p_", "f_", "statistic", "difference", "unadjusted", "effect", "design_"),
    *("precision", "recall"),
)
# Columns that are numbers but say nothing about answers.
_HARMLESS = frozenset({"wave", "family_size", "level", "df", "df1", "df2"})


def profile_in_use() -> str:
    """Profile named by ``NCPI_EVAL_PROFILE``; ``default`` when it is not set."""
    return os.environ.get("NCPI_EVAL_PROFILE", "default")


def protects_synthetic() -> bool:
    """Whether invented data is treated as real (``NCPI_EVAL_PROTECT_SYNTHETIC=1``), for tests."""
    return os.environ.get("NCPI_EVAL_PROTECT_SYNTHETIC", "") == "1"


def protects(data_kind: str) -> bool:
    """Whether people are protected in data of this kind."""
    return data_kind not in EXCEPTIONS or (data_kind == "synthetic" and protects_synthetic())


def is_protected(frame: pd.DataFrame) -> pd.Series:
    """True for each row that is about people whose answers are not public.

    Parameters
    ----------
    frame : DataFrame
        Has the columns ``unit`` and ``data_kind``.

    Returns
    -------
    Series of bool, with the index of the frame.
    """
    kinds = set(EXCEPTIONS) - ({"synthetic"} if protects_synthetic() else set())
    about_people = frame["unit"].astype("string").isin(PROTECTED_UNITS)
    return (about_people & ~frame["data_kind"].astype("string").isin(kinds)).fillna(True)


def release(frame: pd.DataFrame, profile: str | None = None) -> pd.DataFrame:
    """Frame as it may leave the project.

    Parameters
    ----------
    frame : DataFrame
        Rows in the vocabulary of `results`; ``unit`` and ``data_kind`` must be there. A row's
        ``count`` and ``denominator`` are people. The optional column ``smallest_cell`` (smallest
        count behind a statistic, of a row without a count of its own) withholds the row when it is
        below the threshold; it is taken out where rows are protected.
    profile : {"default", "opensafely"}, optional
        Rules to hold the rows against; by default the profile in use.

    Returns
    -------
    DataFrame
        A copy, its texts harmless to show (`inert.cells`). ``suppressed`` is True where every
        number of the row was withheld (they are missing then, never 0). Protected rows carry
        ``flag``: ``confidential``, ``low_base`` (count and base shown, no percentage), ``zero`` or
        ``whole_group`` (shown, to be looked at before release), or empty.

    Raises
    ------
    InputError
        Without ``unit`` or ``data_kind``, or with an unknown profile.

    Notes
    -----
    Protection against exact arithmetic, by question: a withheld number could be another one
    without any released number changing, for somebody who knows how the groups are made (see
    `populations`) and that no count is below zero. Zeros and whole groups that are withheld with a
    small base are not secret. How many gave no answer and how many preferred not to say is told by
    the bases when added up; only the two parts are protected. Groups that nobody tabulated (such
    as those who did not state their area) are not protected cells.
    """
    chosen = profile_in_use() if profile is None else profile
    _refuse(frame, chosen)
    # Frames put together from several may number their rows twice.
    released = inert.cells(frame.reset_index(drop=True))
    released.attrs = dict(frame.attrs)
    given = released["suppressed"] if "suppressed" in released else pd.Series(False, released.index)
    released["suppressed"] = given.fillna(False).astype(bool)
    protected = is_protected(released)
    if not protected.any():
        return released.set_axis(frame.index)
    rows = released[protected]
    hidden_base = _small_bases(rows, chosen)
    withheld = _primary(rows, chosen) | rows["suppressed"] | hidden_base
    # Also before rounding: rounded numbers of groups of the same people pin down a few of them.
    withheld, hidden_base = _complementary(rows, withheld, hidden_base)
    return _apply(released, rows.index, withheld, hidden_base, chosen).set_axis(frame.index)


def withhold_beside(rows: pd.DataFrame, estimates: pd.DataFrame) -> pd.DataFrame:
    """Other rows about the same answers without what would give away a withheld estimate.

    A difference and one of its two proportions give the other, so a test of one set of answers is
    withheld as soon as one estimate that it compares is. A test of a whole distribution is
    withheld as soon as a part of it is: two digits of a p-value are enough to tell which of the
    tables that agree with everything else is the right one. A row that counts the people of one
    withheld estimate is withheld with it; the bases of a test go with a hidden base.

    Parameters
    ----------
    rows : DataFrame
        Tests or counts: ``question``, ``response`` (``all`` for whole distributions, ``dont_know``
        for the codes that mean it), ``subgroup_variable`` and ``wave``; a row that counts people
        has ``count`` and ``subgroup``.
    estimates : DataFrame
        Released rows, with ``suppressed``.

    Returns
    -------
    DataFrame
        A copy of the rows with ``suppressed`` set where `release` shall take the numbers out.
    """
    keys = ["question", "subgroup_variable", "wave"]
    hidden = estimates[_suppressed(estimates)]
    alike = [*keys, "response", "subgroup"] if "count" in rows else [*keys, "response"]
    found = set(_rows_as_keys(hidden, alike)) | set(_rows_as_keys(_without_codes(hidden), alike))
    withheld = rows.copy()
    withheld["suppressed"] = _suppressed(rows) | _rows_as_keys(rows, alike).isin(found)
    if "count" in rows:
        return withheld
    if "denominator" in rows:
        unbased = hidden[_numbers(hidden, "denominator").isna()]
        gone = _rows_as_keys(rows, keys).isin(set(_rows_as_keys(unbased, keys)))
        withheld["denominator"] = _blank(rows["denominator"], rows.index[gone])
    whole = (rows["response"].astype("string") == "all").fillna(False).astype(bool)
    in_part = _rows_as_keys(rows, keys).isin(set(_rows_as_keys(hidden, keys)))
    withheld["suppressed"] |= whole & in_part
    return withheld


def _without_codes(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose code means "don't know", under the name that tables of what is missing use."""
    known = questionnaire.load().variables
    pairs = zip(rows["question"].astype(str), rows["response"].astype(str), strict=True)
    means = [
        response.isdecimal()
        and question in known
        and known[question].roles.get(int(response)) == "dont_know"
        for question, response in pairs
    ]
    return rows[np.array(means, dtype=bool)].assign(response="dont_know")


def _rows_as_keys(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    return frame[columns].astype(str).agg("\x1f".join, axis=1)


def unsafe(row: Mapping[str, Any] | pd.Series) -> bool:
    """Whether this one row, as it stands, shows a protected count that should be withheld."""
    frame = pd.DataFrame([dict(row)])
    if not {"unit", "data_kind"} <= set(frame):
        return True
    if not is_protected(frame).iloc[0]:
        return False
    return bool((_primary(frame, profile_in_use()) & ~_suppressed(frame)).iloc[0])


def mark(row: Mapping[str, Any] | pd.Series) -> str:
    """What to show where a number was withheld: ``[c]``, ``[low]``, or nothing."""
    suppressed = row.get("suppressed", False)
    if suppressed is not None and not pd.isna(suppressed) and bool(suppressed):
        return CONFIDENTIAL
    return LOW_BASE if row.get("flag", "") == "low_base" else ""


def takes_out_exact(row: Mapping[str, Any] | pd.Series) -> bool:
    """Whether the profile takes intervals and tests out of this row, although it is shown."""
    frame = pd.DataFrame([dict(row)])
    is_known = {"unit", "data_kind"} <= set(frame)
    return profile_in_use() == "opensafely" and is_known and bool(is_protected(frame).iloc[0])


def notes(frame: pd.DataFrame) -> list[str]:
    """Sentences that explain the marks in a released frame, in a fixed order."""
    used = []
    if "suppressed" in frame and frame["suppressed"].fillna(False).astype(bool).any():
        used.append(CONFIDENTIAL)
    if "flag" in frame and (frame["flag"] == "low_base").any():
        used.append(LOW_BASE)
    return [f"{symbol} {MEANING[symbol]}." for symbol in used]


def _refuse(frame: pd.DataFrame, profile: str) -> None:
    if profile not in PROFILES:
        raise InputError(
            "This disclosure profile does not exist.",
            [Problem("profile", profile, " or ".join(PROFILES), "Use one of these names.")],
        )
    missing = [name for name in ("unit", "data_kind") if name not in frame]
    if missing:
        raise InputError(
            "A table without a unit and a data_kind cannot be released.",
            [
                Problem(
                    "columns",
                    ", ".join(map(str, frame.columns)) or "none",
                    " and ".join(missing),
                    "Say what is counted and where it is from, for example "
                    "frame.assign(unit='documents', data_kind='public_record').",
                )
            ],
        )


def _suppressed(rows: pd.DataFrame) -> pd.Series:
    if "suppressed" not in rows:
        return pd.Series(False, rows.index)
    return rows["suppressed"].fillna(False).astype(bool)


def _numbers(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in rows:
        return pd.Series(np.nan, rows.index)
    return pd.to_numeric(rows[name], errors="coerce").astype(float)


def _is_small(values: pd.Series, profile: str) -> pd.Series:
    if profile == "opensafely":
        return values <= OPENSAFELY_REDACTED
    return (values > 0) & (values < MINIMUM_COUNT)


def _primary(rows: pd.DataFrame, profile: str) -> pd.Series:
    """Rows whose own count, or the rest of their base, is too small to show."""
    count, base = _numbers(rows, "count"), _numbers(rows, "denominator")
    rest = base - count
    small_rest = (rest > 0) & _is_small(rest, profile)
    if profile == "opensafely" and "flag" in rows:
        small_rest &= False  # Rounded before: the difference of two rounded numbers is no count.
    behind = _numbers(rows, "smallest_cell")
    return _is_small(count, profile) | small_rest | _is_small(behind, profile)


def _small_bases(rows: pd.DataFrame, profile: str) -> pd.Series:
    return _is_small(_numbers(rows, "denominator"), profile)


# ---------------------------------------------------------------------------------------------
# Complementary suppression: exact linear arithmetic over one question at a time


def _complementary(
    rows: pd.DataFrame, withheld: pd.Series, hidden_base: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Withhold further rows until no withheld one follows from what is left."""
    withheld, hidden_base = withheld.copy(), hidden_base.copy()
    responses = _responses(rows)
    keys = rows.reindex(columns=["question", "wave", "unit"]).astype("string").fillna("")
    # Answers that are no option codes count other people than the codes do, each its own.
    family = responses.mask(responses.isin(_OUTSIDE_BASES), "outside")
    keys["family"] = family.mask(responses.str.fullmatch(_CODES).fillna(False), "codes").fillna("")
    count, base = _numbers(rows, "count"), _numbers(rows, "denominator")
    counted = (count.notna() | rows["suppressed"]) & responses.notna() & (keys["question"] != "")
    places = rows.reindex(columns=["subgroup_variable", "subgroup"]).astype("string").fillna("all")
    groups = keys[counted].groupby(list(keys), sort=True).groups
    known = _was_released(rows) & count.isna()
    # Rows that were released before were protected then.
    due = {key: index for key, index in groups.items() if (withheld[index] & ~known[index]).any()}
    if not due:
        return withheld, hidden_base
    from threadpoolctl import threadpool_limits  # late, like scipy; scikit-learn brings it

    # Many small systems: threads would only wait for each other.
    with threadpool_limits(limits=1):
        for key, index in sorted(due.items(), key=str):
            question, wave, _, kind = (str(part) for part in key)  # type: ignore[attr-defined]
            options = list(responses[index].astype(str))
            table = hiding.Table(
                question,
                options,
                list(places.loc[index].itertuples(index=False, name=None)),
                count[index].to_numpy(),
                base[index].to_numpy(),
                ["|".join(sorted(set(options)))] if kind == "outside" else [],
            )
            withheld[index], hidden_base[index] = hiding.protect(
                table,
                populations.of_default_codebook(wave),
                withheld[index].to_numpy(),
                hidden_base[index].to_numpy(),
            )
    return withheld, hidden_base


def _was_released(rows: pd.DataFrame) -> pd.Series:
    if "flag" not in rows:
        return pd.Series(False, rows.index)
    return rows["flag"].astype("string").eq("confidential").fillna(False).astype(bool)


def _responses(rows: pd.DataFrame) -> pd.Series:
    """Response sets that name option codes; missing for whole distributions."""
    if "response" not in rows:
        return pd.Series(pd.NA, rows.index, dtype="string")
    text = rows["response"].astype("string")
    return text.where(text != "all")


# ---------------------------------------------------------------------------------------------


def _apply(
    released: pd.DataFrame,
    index: pd.Index,
    withheld: pd.Series,
    hidden_base: pd.Series,
    profile: str,
) -> pd.DataFrame:
    rows = released.loc[index]
    count, base = _numbers(rows, "count"), _numbers(rows, "denominator")
    low = (base < MINIMUM_BASE) & ~withheld
    if "flag" not in released:
        released["flag"] = ""
    released["flag"] = released["flag"].astype("string").fillna("").astype(object)
    flag = released.loc[index, "flag"].copy()
    flag[(count == 0) & ~withheld] = "zero"
    flag[(count == base) & (base > 0) & ~withheld] = "whole_group"
    flag[low] = "low_base"
    flag[withheld] = "confidential"
    released.loc[index, "flag"] = flag
    released.loc[index, "suppressed"] = withheld
    numeric = [
        name
        for name in released.columns
        if pd.api.types.is_numeric_dtype(released[name])
        and not pd.api.types.is_bool_dtype(released[name])
        and name not in _HARMLESS
    ]
    for name in numeric:
        if name == "denominator":
            hide = hidden_base
        elif name == "count":
            hide = withheld
        else:
            hide = withheld | low
        released[name] = _blank(released[name], hide[hide].index)
    for name in _TELLING:
        if name in released:
            released.loc[withheld[withheld].index, name] = ""
    if profile == "opensafely":
        # The base of a withheld row is shown, and rounded like all others.
        _round(released, index)
    return released.drop(columns="smallest_cell", errors="ignore")


def _blank(column: pd.Series, index: pd.Index) -> pd.Series:
    if not len(index):
        return column
    if pd.api.types.is_integer_dtype(column):
        column = column.astype("Int64")
    column = column.copy()
    column.loc[index] = pd.NA if column.dtype == "Int64" else np.nan
    return column


def _round(released: pd.DataFrame, index: pd.Index) -> None:
    """Counts to the nearest five (half up), proportions from rounded counts, nothing exact left."""
    for name in _COUNTS:
        if name in released:
            exact = _numbers(released, name)
            rounded = OPENSAFELY_ROUNDING * np.floor(exact / OPENSAFELY_ROUNDING + 0.5)
            released[name] = exact.where(~exact.index.isin(index), rounded).astype("Int64")
    if "estimate" in released and {"count", "denominator"} <= set(released):
        share = _numbers(released, "count") / _numbers(released, "denominator")
        kept = released["estimate"].isna() | ~released.index.isin(index) | share.isna()
        released["estimate"] = released["estimate"].where(kept, share)
    for name in released.columns:
        if name.startswith(_EXACT) and pd.api.types.is_numeric_dtype(released[name]):
            released[name] = _blank(released[name], index)
