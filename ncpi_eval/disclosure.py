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
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval.errors import InputError, Problem

# The report's own practice for survey cells, and the threshold of the Government Analysis
# Function's guidance on small numbers in survey tables: a count of people below ten is withheld.
MINIMUM_COUNT = 10
# A percentage on a base below thirty moves by more than three points with each respondent
# (100 / 30); the evaluation report itself leaves such percentages out.
MINIMUM_BASE = 30
# OpenSAFELY's output rules: counts of seven or fewer are redacted, the rest are rounded to five
# (docs.opensafely.org, "Releasing files"; also ehrql, measures/disclosure_control.py).
OPENSAFELY_REDACTED = 7
OPENSAFELY_ROUNDING = 5

PROFILES = ("default", "opensafely")

# Whom a count is about decides whether it is protected.
PROTECTED_UNITS = frozenset({"respondents", "interviewees"})

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

# Breakdowns of the same people: the group on the left is the sum of the groups on the right
# (data/questionnaire/groups.csv). Without this a cell withheld in one breakdown could be had
# from another.
_AREAS = ("custody", "child_protection", "neighbourhood", "other")
SAME_PEOPLE: tuple[tuple[tuple[str, str], tuple[tuple[str, str], ...]], ...] = (
    (
        ("inspection_status", "inspected"),
        (("inspection_timing", "before_2017"), ("inspection_timing", "from_2017")),
    ),
    (("inspection_status", "uninspected"), (("inspection_timing", "uninspected"),)),
    (
        ("inspection_status", "inspected"),
        (("joint_inspection", "inspected_and_joint"), ("joint_inspection", "inspected_only")),
    ),
    (
        ("inspection_status", "uninspected"),
        (("joint_inspection", "joint_only"), ("joint_inspection", "neither")),
    ),
    (("any_inspection", "neither"), (("joint_inspection", "neither"),)),
    *(
        (
            ("area", area),
            (
                ("status_by_area", f"{area}_inspected"),
                ("status_by_area", f"{area}_uninspected"),
            ),
        )
        for area in _AREAS
    ),
)

# Columns that are numbers but say nothing about answers.
_HARMLESS = frozenset({"wave", "family_size", "level", "df", "df1", "df2"})
# What withholding a further row costs when there is a choice: the row for everybody is worth ten
# of a group's, a base (with all rows on it) a thousand.
_COST_OF_EVERYBODY = 10.0
_COST_OF_BASE = 1000.0


def profile_in_use() -> str:
    """Profile named by ``NCPI_EVAL_PROFILE``; ``default`` when it is not set."""
    return os.environ.get("NCPI_EVAL_PROFILE", "default")


def protects_synthetic() -> bool:
    """Whether invented data is treated as real (``NCPI_EVAL_PROTECT_SYNTHETIC=1``), for tests."""
    return os.environ.get("NCPI_EVAL_PROTECT_SYNTHETIC", "") == "1"


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
        A copy. ``suppressed`` is True where every number of the row was withheld (they are
        missing then, never 0). Protected rows carry ``flag``: ``confidential``, ``low_base``
        (count and base shown, no percentage), ``zero`` or ``whole_group`` (shown, to be looked at
        before release), or empty.

    Raises
    ------
    InputError
        Without ``unit`` or ``data_kind``, or with an unknown profile.

    Notes
    -----
    Protection against exact arithmetic: withheld rows, and the counts that complement them, are
    not in the span of what is released, given the bases, the totals and `SAME_PEOPLE`. Groups
    that nobody tabulated (such as those who did not state their area) are not protected cells.
    """
    chosen = profile_in_use() if profile is None else profile
    _refuse(frame, chosen)
    released = frame.copy()
    released.attrs = dict(frame.attrs)
    given = released["suppressed"] if "suppressed" in released else pd.Series(False, frame.index)
    released["suppressed"] = given.fillna(False).astype(bool)
    protected = is_protected(released)
    if not protected.any():
        return released
    rows = released[protected]
    hidden_base = _small_bases(rows, chosen)
    withheld = _primary(rows, chosen) | rows["suppressed"] | hidden_base
    if chosen == "default":
        withheld, hidden_base = _complementary(rows, withheld, hidden_base)
    return _apply(released, rows.index, withheld, hidden_base, chosen)


def withhold_beside(tests: pd.DataFrame, estimates: pd.DataFrame) -> pd.DataFrame:
    """Tests without what would give away a withheld estimate.

    A difference and one of its two proportions give the other, so a test of one set of answers is
    withheld as soon as one estimate that it compares is. A test of a whole distribution with a
    withheld part loses its exact statistics and keeps its p-values and effect sizes with two
    digits, from which no count can be solved for.

    Parameters
    ----------
    tests : DataFrame
        Rows with ``question``, ``response`` (``all`` for whole distributions),
        ``subgroup_variable`` and ``wave``.
    estimates : DataFrame
        Released rows, with ``suppressed``.

    Returns
    -------
    DataFrame
        A copy of the tests with ``suppressed`` set where `release` shall take the numbers out.
    """
    keys = ["question", "subgroup_variable", "wave"]
    hidden = estimates[_suppressed(estimates)]
    by_set = _rows_as_keys(tests, [*keys, "response"]).isin(
        set(_rows_as_keys(hidden, [*keys, "response"]))
    )
    whole = tests["response"].astype("string") == "all"
    in_part = _rows_as_keys(tests, keys).isin(set(_rows_as_keys(hidden, keys)))
    withheld = tests.copy()
    withheld["suppressed"] = _suppressed(tests) | by_set
    rough = whole.fillna(False).astype(bool) & in_part
    for name in tests.columns:
        if not pd.api.types.is_float_dtype(tests[name]) or name in _HARMLESS or not rough.any():
            continue
        is_kept = name.startswith(("p_", "effect_"))
        withheld[name] = tests[name].where(
            ~rough, tests[name].map(_two_digits) if is_kept else np.nan
        )
    return withheld


def _rows_as_keys(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    return frame[columns].astype(str).agg("\x1f".join, axis=1)


def _two_digits(value: float) -> float:
    return value if pd.isna(value) else float(f"{value:.2g}")


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
    keys = rows.reindex(columns=["question", "wave", "unit"]).astype("string").fillna("")
    counted = _numbers(rows, "count").notna() | (rows["suppressed"] & _responses(rows).notna())
    for _, index in rows[counted].groupby([keys[name] for name in keys], sort=True).groups.items():
        if withheld[index].any():
            system = _System(rows.loc[index], withheld[index], hidden_base[index])
            system.protect()
            withheld[index] = system.withheld
            hidden_base[index] = system.hidden_base
    return withheld, hidden_base


def _responses(rows: pd.DataFrame) -> pd.Series:
    """Response sets that name option codes; missing for whole distributions."""
    if "response" not in rows:
        return pd.Series("", rows.index, dtype="string")
    text = rows["response"].astype("string")
    return text.where(text != "all")


class _System:
    """The cells of one question as unknowns, and what a reader of the release knows of them.

    An unknown is the number of people with one option in one group. A row is a sum of unknowns;
    so is a base. A withheld row can be worked out exactly when its sum is a combination of known
    sums, that is when it lies in the span of the released ones.
    """

    def __init__(self, rows: pd.DataFrame, withheld: pd.Series, hidden_base: pd.Series) -> None:
        self.withheld = withheld.copy()
        self.hidden_base = hidden_base.copy()
        self.count = _numbers(rows, "count")
        self.base = _numbers(rows, "denominator")
        group = rows.reindex(columns=["subgroup_variable", "subgroup"]).astype("string")
        self.group = list(group.fillna("all").itertuples(index=False, name=None))
        self.options = [tuple(str(r).split("|")) for r in _responses(rows).fillna("")]
        self.index = list(rows.index)
        self._number_unknowns()
        self.vectors = np.array(
            [self._sum(o, g) for o, g in zip(self.options, self.group, strict=True)]
        )
        self.links = self._same_people()

    def _number_unknowns(self) -> None:
        """Unknowns of each group: its options and, unless they make up the base, all others."""
        seen = sorted({option for options in self.options for option in options})
        self.groups = sorted(set(self.group))
        self.complete = {group: self._is_complete(group, seen) for group in self.groups}
        names = [(o, g) for g in self.groups for o in (*seen, "*")]
        leftovers = sorted({v for v, _ in self.groups if v != "all"})
        names += [(o, (v, "*")) for v in leftovers for o in (*seen, "*")]
        self.number = {name: place for place, name in enumerate(names)}
        self.seen = seen

    def _is_complete(self, group: tuple[str, str], seen: Iterable[str]) -> bool:
        """Whether single options are there and add up to the base, as a reader would assume."""
        singles = {
            options[0]: place
            for place, (options, where) in enumerate(zip(self.options, self.group, strict=True))
            if where == group and len(options) == 1
        }
        if set(singles) != set(seen):
            return False
        values = self.count.iloc[list(singles.values())]
        base = self.base.iloc[list(singles.values())].max()
        # A count withheld before is unknown here too: assume the worse, that it completes the base.
        return bool(values.isna().any()) or bool(values.sum() == base)

    def _sum(self, options: Iterable[str], group: tuple[str, str]) -> np.ndarray:
        vector = np.zeros(len(self.number))
        for option in options:
            vector[self.number[option, group]] = 1
        return vector

    def _everyone(self, group: tuple[str, str]) -> np.ndarray:
        vector = self._sum(self.seen, group)
        if not self.complete[group]:
            vector[self.number["*", group]] = 1
        return vector

    def _same_people(self) -> list[np.ndarray]:
        """What is known without any released number: groups that add up, unknowns that are 0."""
        known = []
        for group in self.groups:
            if self.complete[group]:
                known.append(self._sum(["*"], group))
        everybody = ("all", "all")
        for variable in sorted({v for v, _ in self.groups if v != "all"}):
            if everybody not in self.groups:
                break
            parts = [g for g in self.groups if g[0] == variable]
            bases = [self._base_of(g) for g in [*parts, everybody]]
            exhaustive = not np.isnan(bases).any() and sum(bases[:-1]) == bases[-1]
            for option in (*self.seen, "*"):
                vector = self._sum([option], everybody)
                for part in parts:
                    vector[self.number[option, part]] -= 1
                left_over = self._sum([option], (variable, "*"))
                known.append(vector - left_over)
                if exhaustive:
                    known.append(left_over)
        for whole, pieces in SAME_PEOPLE:
            if whole in self.groups and all(piece in self.groups for piece in pieces):
                bases = [self._base_of(g) for g in pieces]
                if sum(bases) != self._base_of(whole):
                    continue
                for option in (*self.seen, "*"):
                    vector = self._sum([option], whole)
                    for piece in pieces:
                        vector[self.number[option, piece]] -= 1
                    known.append(vector)
        return known

    def _base_of(self, group: tuple[str, str]) -> float:
        places = [place for place, where in enumerate(self.group) if where == group]
        return float(self.base.iloc[places].max())

    def protect(self) -> None:
        """Withhold, for each row in question, the fewest and smallest others that hide it.

        A number cannot be worked out when the cells could be different without changing anything
        that is released. For each number such a change is looked for that disturbs as few released
        rows as possible (a linear programme: the sum of disturbances, weighted); the rows it does
        disturb are withheld.
        """
        hidden = {g for g, hide in zip(self.group, self.hidden_base, strict=True) if hide}
        targets = [v for v, hide in zip(self.vectors, self.withheld, strict=True) if hide]
        targets += [self._everyone(group) for group in sorted(hidden)]
        changes: list[np.ndarray] = []
        for target in targets:
            if any(abs(target @ change) > 1e-6 for change in changes):
                continue
            change = self._change(target)
            changes.append(change)
            self._withhold_what(change)

    def _change(self, target: np.ndarray) -> np.ndarray:
        """Change of the cells by one in the target that costs least among what is released."""
        from scipy import optimize, sparse  # late: only protected data needs it

        kept, groups = self._released()
        shown = np.array(
            [self.vectors[place] for place in kept] + [self._everyone(group) for group in groups]
        ).reshape(-1, len(target))
        cost = [self._cost(place) for place in kept] + [_COST_OF_BASE] * len(groups)
        identity = sparse.eye(len(shown))
        fixed = np.array([*self.links, target])
        empty = sparse.csr_matrix((len(fixed), len(shown)))
        found = optimize.linprog(
            np.concatenate([np.zeros(len(target)), cost]),
            A_ub=sparse.bmat([[shown, -identity], [-shown, -identity]]) if len(shown) else None,
            b_ub=np.zeros(2 * len(shown)) if len(shown) else None,
            A_eq=sparse.hstack([sparse.csr_matrix(fixed), empty]),
            b_eq=np.append(np.zeros(len(self.links)), 1.0),
            bounds=[(None, None)] * len(target) + [(0, None)] * len(shown),
        )
        if found.x is None:
            raise InputError("A withheld number follows from definitions alone; drop this table.")
        return found.x[: len(target)]

    def _released(self) -> tuple[list[int], list[tuple[str, str]]]:
        """Places of the rows and groups of the bases that a reader would see."""
        hidden = {g for g, hide in zip(self.group, self.hidden_base, strict=True) if hide}
        rows = [place for place, hide in enumerate(self.withheld) if not hide]
        bases = [g for g in self.groups if g not in hidden and not np.isnan(self._base_of(g))]
        return rows, bases

    def _cost(self, place: int) -> float:
        """What a reader loses with a row: more with a large count, most with everybody's."""
        count = self.count.iloc[place]
        lost = 1.0 + (0.0 if np.isnan(count) else np.log1p(count))
        return lost * (_COST_OF_EVERYBODY if self.group[place][0] == "all" else 1.0)

    def _withhold_what(self, change: np.ndarray) -> None:
        kept, groups = self._released()
        for place in kept:
            if abs(self.vectors[place] @ change) > 1e-6:
                self.withheld.iloc[place] = True
        disturbed = {group for group in groups if abs(self._everyone(group) @ change) > 1e-6}
        for place, where in enumerate(self.group):
            if where in disturbed:
                self.withheld.iloc[place] = True
                self.hidden_base.iloc[place] = True


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
    if profile == "opensafely":
        _round(released, index[(~withheld).to_numpy()])
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
    for name in ("count", "denominator"):
        if name in released:
            exact = _numbers(released, name)
            rounded = OPENSAFELY_ROUNDING * np.floor(exact / OPENSAFELY_ROUNDING + 0.5)
            released[name] = exact.where(~exact.index.isin(index), rounded).astype("Int64")
    if "estimate" in released and {"count", "denominator"} <= set(released):
        share = _numbers(released, "count") / _numbers(released, "denominator")
        kept = released["estimate"].isna() | ~released.index.isin(index) | share.isna()
        released["estimate"] = released["estimate"].where(kept, share)
    for name in released.columns:
        exact_to_unit = name.startswith(("ci_", "std_error", "p_value", "statistic", "difference"))
        if exact_to_unit and pd.api.types.is_numeric_dtype(released[name]):
            released[name] = _blank(released[name], index)
