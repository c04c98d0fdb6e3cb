"""Claims in words, checked like numbers.

The report also says things such as "a majority", "lowest in custody" or "the most common
themes". `figures.csv` names what each of them asserts in its column ``relation``; here is one
function per relation. Each takes the claim and the released rows and returns whether it holds, and
the arithmetic.

A claim is never decided on part of its rows: where one of the rows that it compares is withheld or
has no answers, there is no answer. Shares are compared as exact fractions of the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval import results
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.survey import association

Answer = tuple[bool, str, str]

# The report compares these three; "other" units are not part of its rank claims.
COMPARED = {"area": ("custody", "child_protection", "neighbourhood")}
# "Around a quarter" is taken to be right to the nearest five.
ABOUT = 2.5
# Rows of open answers that are no theme.
NO_THEME = ("nothing", "unthemed")
# Response sets that cover a question of five answers and "don't know", as the report nets them.
NETS = ("1|2", "3", "4|5", "6")
# The evaluation tested at the 95% level (report, chapter 1).
SIGNIFICANCE = 0.05


class Released:
    """Released rows, looked up by question, response set, breakdown and group.

    Parameters
    ----------
    rows : DataFrame
        Rows of survey_estimates.csv and open_text_themes.csv, of one wave: ``id``, ``question``,
        ``response``, ``subgroup_variable``, ``subgroup``, ``count``, ``denominator`` and
        ``suppressed``. Those suppressed are remembered as withheld, and never read. A row that is
        there twice, under one id, counts once.

    Raises
    ------
    InputError
        If two rows are of the same question, answers and group, as with two waves: one of them
        would be taken silently.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        self.questions: dict[str, dict[tuple[str, str, str], Any]] = {}
        self._groups: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._single: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._withheld: dict[tuple[str, str, str], set[str]] = {}
        self._withheld_single: dict[tuple[str, str, str], set[str]] = {}
        rows = rows.drop_duplicates("id")
        _refuse_repeated(rows)
        hidden = rows["suppressed"].fillna(False).astype(bool)
        for row in rows[~hidden].itertuples(index=False):
            self._keep(row)
        for row in rows[hidden].itertuples(index=False):
            self._hold_back(row)

    def _keep(self, row: Any) -> None:
        question, response = row.question, same_set(row.response)
        variable, group = row.subgroup_variable, row.subgroup
        self.questions.setdefault(question, {})[(response, variable, group)] = row
        if not row.denominator > 0:
            return
        self._groups.setdefault((question, response, variable), {})[group] = row
        if "|" not in response:
            self._single.setdefault((question, variable, group), {})[response] = row

    def _hold_back(self, row: Any) -> None:
        question, response = row.question, same_set(row.response)
        variable, group = row.subgroup_variable, row.subgroup
        self._withheld.setdefault((question, response, variable), set()).add(group)
        if "|" not in response:
            self._withheld_single.setdefault((question, variable, group), set()).add(response)

    def row(self, question: str, response: str, variable: str = "all", group: str = "all") -> Any:
        """The row, which may have no base; None where it was not released."""
        return self.questions.get(question, {}).get((same_set(response), variable, group))

    def answered(self, question: str, response: str) -> Any:
        """The row of everybody; None where it was not released or nobody answered."""
        return self._groups.get((question, same_set(response), "all"), {}).get("all")

    def groups(
        self, question: str, response: str, variable: str, names: Collection[str] = ()
    ) -> dict[str, Any] | None:
        """Rows of the groups that are compared, by name.

        Parameters
        ----------
        question, response, variable : str
            Question, response set in any order of its codes, and breakdown.
        names : collection of str
            The groups; if empty, every group of the breakdown in which somebody answered.

        Returns
        -------
        dict of str to row, or None
            None if one of them is withheld, was not tabulated or has no answers, or if there are
            fewer than two: what is left would be another comparison.
        """
        key = (question, same_set(response), variable)
        found = self._groups.get(key, {})
        if not names and self._withheld.get(key):
            return None
        if any(name not in found for name in names):
            return None
        chosen = {name: found[name] for name in names} if names else dict(found)
        return chosen if len(chosen) > 1 else None

    def single(
        self,
        question: str,
        variable: str = "all",
        group: str = "all",
        unless: Collection[str] = (),
    ) -> dict[str, Any]:
        """Rows that count one option each, by code; none where an option is withheld.

        Parameters
        ----------
        question, variable, group : str
            Question, breakdown and group.
        unless : collection of str
            Codes that are left out and may be withheld.
        """
        key = (question, variable, group)
        if self._withheld_single.get(key, set()) - set(unless):
            return {}
        found = self._single.get(key, {})
        return {code: row for code, row in found.items() if code not in unless}

    def items(self, question: str) -> list[str]:
        """The question, or the items of the grid of that name, withheld ones too."""
        known = set(self.questions) | {key[0] for key in self._withheld}
        return sorted(q for q in known if q == question or q.startswith(f"{question}_"))

    def base(self, question: str, response: str, variable: str) -> float:
        """Base over all groups of a breakdown together; not a number where a group is withheld."""
        key = (question, same_set(response), variable)
        if self._withheld.get(key):
            return float("nan")
        return float(sum(row.denominator for row in self._groups.get(key, {}).values()))

    def bases(self, question: str, variable: str) -> list[float]:
        """Bases of the question over a breakdown, for each response set that is not withheld."""
        sets = {key[0] for key in self.questions.get(question, {}) if key[1] == variable}
        found = (self.base(question, response, variable) for response in sorted(sets))
        return [base for base in found if base == base]


def _refuse_repeated(rows: pd.DataFrame) -> None:
    keys = rows[["question", "response", "subgroup_variable", "subgroup"]].astype(str)
    keys["response"] = keys["response"].map(same_set)
    repeated = rows[keys.duplicated()]
    if len(repeated):
        raise InputError(
            "Published numbers can only be held against one wave.",
            [
                Problem(
                    "released rows",
                    f"{len(repeated)} rows that repeat a question, answers and group, such as "
                    f"{repeated['id'].iloc[0]}",
                    "one row of each",
                    "Select one wave.",
                )
            ],
        )


def same_set(response: object) -> str:
    """A response set with its codes in one order."""
    return "|".join(sorted(str(response).split("|")))


def share(row: Any) -> Fraction:
    """Share that a row with a base counts, exactly."""
    return Fraction(int(row.count), int(row.denominator))


def whole_per_cent(row: Any) -> float:
    """Percentage of a row as every page shows it, half up; not a number without a base."""
    if not row.denominator > 0:
        return float("nan")
    return float(results.whole_percent({"count": row.count, "denominator": row.denominator}))


def p_of_table(table: np.ndarray) -> float:
    """P-value of Pearson's chi-square without correction, of counts by group and answer.

    Answers that nobody gave are left out. If there is only one answer left the groups do not
    differ, and the p-value is 1.
    """
    table = np.asarray(table, dtype=float)
    table = table[:, table.sum(axis=0) > 0]
    return float(association.pearson(table).p_value) if table.shape[1] > 1 else 1.0


def pearson(rows: Iterable[Any]) -> float:
    """P-value of Pearson's chi-square, without correction, of one set of answers over groups."""
    return p_of_table(np.array([[row.count, row.denominator - row.count] for row in rows]))


def _said(row: Any) -> str:
    return f"{int(row.count)} of {int(row.denominator)}"


def _all_said(rows: Iterable[Any]) -> str:
    return ", ".join(map(_said, rows))


def _names(claim: pd.Series) -> list[str]:
    """Groups that a claim names; none where it is about all of a breakdown."""
    named = str(claim["subgroup"])
    return [] if named in ("", "all") else named.split("|")


def _extreme(claim: pd.Series, released: Released, better: Callable) -> Answer | None:
    variable, name = claim["subgroup_variable"], claim["subgroup"]
    names = dict.fromkeys([name, *COMPARED[variable]]) if variable in COMPARED else ()
    groups = released.groups(claim["question"], claim["response"], variable, list(names))
    if groups is None or name not in groups:
        return None
    mine, others = groups[name], [row for other, row in groups.items() if other != name]
    holds = all(better(share(mine), share(other)) for other in others)
    return holds, f"{_said(mine)} against {_all_said(others)}", mine.id


def _lowest(claim: pd.Series, released: Released) -> Answer | None:
    return _extreme(claim, released, lambda mine, other: mine < other)


def _highest(claim: pd.Series, released: Released) -> Answer | None:
    return _extreme(claim, released, lambda mine, other: mine > other)


def _more_than_double(claim: pd.Series, released: Released) -> Answer | None:
    return _extreme(claim, released, lambda mine, other: mine > 2 * other)


def _of_grid(claim: pd.Series, released: Released, better: Callable) -> Answer | None:
    grid = claim["question"].rsplit("_", 1)[0]
    items = {q: released.answered(q, claim["response"]) for q in released.items(grid) if q != grid}
    mine = items.pop(claim["question"], None)
    others = list(items.values())
    if mine is None or not others or any(other is None for other in others):
        return None
    holds = all(better(share(mine), share(other)) for other in others)
    return holds, f"{_said(mine)} against {_all_said(others)}", mine.id


def _majority(claim: pd.Series, released: Released) -> Answer | None:
    row = released.answered(claim["question"], claim["response"])
    return None if row is None else (share(row) > Fraction(1, 2), _said(row), row.id)


def _minority(claim: pd.Series, released: Released) -> Answer | None:
    row = released.answered(claim["question"], claim["response"])
    return None if row is None else (share(row) < Fraction(1, 2), _said(row), row.id)


def _minority_in_each(claim: pd.Series, released: Released) -> Answer | None:
    groups = _compared(claim, released, claim["response"])
    if groups is None:
        return None
    holds = all(share(row) < Fraction(1, 2) for row in groups)
    return holds, _all_said(groups), groups[0].id


def _compared(claim: pd.Series, released: Released, response: str) -> list[Any] | None:
    """Rows of the groups that a claim names, or of all groups, in that order."""
    found = released.groups(claim["question"], response, claim["subgroup_variable"], _names(claim))
    return None if found is None else list(found.values())


def _first_higher(claim: pd.Series, released: Released) -> Answer | None:
    groups = _compared(claim, released, claim["response"])
    if groups is None:
        return None
    first, *others = groups
    holds = all(share(first) > share(other) for other in others)
    return holds, f"{_said(first)} against {_all_said(others)}", first.id


def _ranked(claim: pd.Series, released: Released) -> list[Any]:
    """Themes of everybody from the most common; none where one is withheld."""
    themes = released.single(claim["question"], unless=NO_THEME)
    return sorted(themes.values(), key=lambda row: -row.count)


def _themes_alike(claim: pd.Series, released: Released) -> Answer | None:
    """None of the two most common themes differs between the groups by a test at 0.05."""
    themes = _ranked(claim, released)[:2]
    compared = [_compared(claim, released, theme.response) for theme in themes]
    tested = [pearson(groups) for groups in compared if groups is not None]
    if not themes or len(tested) < len(themes):
        return None
    least = min(tested)
    return least >= SIGNIFICANCE, f"smallest p = {results.p_value(least)}", themes[0].id


def _themes_differ(claim: pd.Series, released: Released) -> Answer | None:
    """The most common theme's whole percentage is not the same in every group."""
    themes = _ranked(claim, released)
    groups = _compared(claim, released, themes[0].response) if themes else None
    if groups is None:
        return None
    percentages = {whole_per_cent(row) for row in groups}
    return len(percentages) > 1, _all_said(groups), themes[0].id


def _most_common(claim: pd.Series, released: Released) -> Answer | None:
    """The named answers are the most common of those that can be given."""
    answers = released.single(claim["question"], claim["subgroup_variable"], claim["subgroup"])
    named = str(claim["response"]).split("|")
    if any(code not in answers for code in named):
        return None
    most = max((row.count for code, row in answers.items() if code not in named), default=0)
    least = min(answers[code].count for code in named)
    arithmetic = f"{int(least)} at least, against {int(most)} at most"
    return least > most, arithmetic, answers[named[0]].id


def _common_theme(claim: pd.Series, released: Released) -> Answer | None:
    """A theme is one of the two that are named most often."""
    themes = _ranked(claim, released)
    mine = next((row for row in themes if row.response == claim["response"]), None)
    if mine is None:
        return None
    more = [row for row in themes if row.count > mine.count]
    return len(more) < 2, f"{_said(mine)}; {len(more)} themes are named more often", mine.id


def _theme_named(claim: pd.Series, released: Released) -> Answer | None:
    row = released.answered(claim["question"], claim["response"])
    return None if row is None else (row.count > 0, _said(row), row.id)


def _below_100(claim: pd.Series, released: Released) -> Answer | None:
    """Rounded answers of the question add to less than 100, singly or as they are netted."""
    single = list(released.single(claim["question"]).values())
    if not single:
        return None
    nets = [released.answered(claim["question"], response) for response in NETS]
    sums = [_sum(single)] + ([_sum(nets)] if None not in nets else [])
    return min(sums) < 100, " or ".join(f"{s:g}" for s in sums), single[0].id


def _sum(rows: Sequence[Any]) -> float:
    return sum(whole_per_cent(row) for row in rows)


RELATIONS: dict[str, Callable[[pd.Series, Released], Answer | None]] = {
    "lowest": _lowest,
    "highest": _highest,
    "more than double": _more_than_double,
    "lowest of grid": lambda c, r: _of_grid(c, r, lambda mine, other: mine < other),
    "highest of grid": lambda c, r: _of_grid(c, r, lambda mine, other: mine > other),
    "majority": _majority,
    "minority": _minority,
    "minority in each group": _minority_in_each,
    "higher in the first group": _first_higher,
    "most common answers": _most_common,
    "most common themes": _common_theme,
    "theme named": _theme_named,
    "themes differ by group": _themes_differ,
    "themes alike by group": _themes_alike,
    "rounded answers add to less than 100": _below_100,
}


def check_claim(claim: pd.Series, released: Released) -> Answer | None:
    """Whether a claim in words holds in the released rows.

    Parameters
    ----------
    claim : Series
        A row of figures.csv with ``question``, ``response``, ``subgroup_variable``, ``subgroup``
        and ``relation``.
    released : Released
        Rows to check it against.

    Returns
    -------
    tuple of (bool, str, str) or None
        Whether it holds, the arithmetic, and the id of the row it rests on; None where one of the
        rows it needs was not released or has no answers.

    Raises
    ------
    InputError
        If the relation is not one of `RELATIONS`.
    """
    relation = RELATIONS.get(claim["relation"])
    if relation is None:
        raise InputError(
            "A claim in words cannot be checked.",
            [
                Problem(
                    f"{claim['id']}, column relation",
                    repr(claim["relation"]),
                    ", ".join(RELATIONS),
                    "Use one of these words, or leave the cell blank.",
                )
            ],
        )
    return relation(claim, released)
