"""Claims in words, checked like numbers.

The report also says things such as "a majority", "lowest in custody" or "the most common
themes". `figures.csv` names what each of them asserts in its column ``relation``; here is one
function per relation. Each takes the claim and the released rows and returns whether it holds, and
the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

Answer = tuple[bool, str, str]

# The report compares these three; "other" units are not part of its rank claims.
COMPARED = {"area": ("custody", "child_protection", "neighbourhood")}
# "Around a quarter" is taken to be right to the nearest five.
ABOUT = 2.5
# Rows of open answers that are no theme.
NO_THEME = ("nothing", "unthemed")


class Released:
    """Released rows, looked up by question, response set, breakdown and group.

    Parameters
    ----------
    rows : DataFrame
        Rows of survey_estimates.csv; those suppressed are left out.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        withheld = rows["suppressed"].fillna(False).astype(bool)
        self.questions: dict[str, dict[tuple[str, str, str], Any]] = {}
        self._groups: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._single: dict[tuple[str, str, str], dict[str, Any]] = {}
        for row in rows[~withheld].itertuples(index=False):
            question, response = row.question, same_set(row.response)
            variable, group = row.subgroup_variable, row.subgroup
            self.questions.setdefault(question, {})[(response, variable, group)] = row
            self._groups.setdefault((question, response, variable), {})[group] = row
            if "|" not in response:
                self._single.setdefault((question, variable, group), {})[response] = row
        self._incomplete = {
            (row.question, same_set(row.response), row.subgroup_variable)
            for row in rows[withheld].itertuples(index=False)
        }

    def row(self, question: str, response: str, variable: str = "all", group: str = "all"):
        """The row, or None where it was not released."""
        return self.questions.get(question, {}).get((same_set(response), variable, group))

    def groups(self, question: str, response: str, variable: str) -> dict[str, Any]:
        """All released groups of a breakdown, by name."""
        return self._groups.get((question, same_set(response), variable), {})

    def single(self, question: str, variable: str = "all", group: str = "all") -> dict[str, Any]:
        """Rows that count one option each, by option code."""
        return self._single.get((question, variable, group), {})

    def base(self, question: str, response: str, variable: str) -> float:
        """Base over all groups of a breakdown together; not a number where a group is withheld."""
        if (question, same_set(response), variable) in self._incomplete:
            return float("nan")
        rows = self.groups(question, response, variable).values()
        return float(sum(row.denominator for row in rows))

    def bases(self, question: str, variable: str) -> list[float]:
        """Bases of the question over a breakdown, for each response set that is not withheld."""
        sets = {key[0] for key in self.questions.get(question, {}) if key[1] == variable}
        found = (self.base(question, response, variable) for response in sorted(sets))
        return [base for base in found if base == base]


def same_set(response: object) -> str:
    """A response set with its codes in one order."""
    return "|".join(sorted(str(response).split("|")))


def whole_per_cent(count: float, base: float) -> float:
    """Percentage rounded half up from integer counts; not a number for an empty base."""
    if not base or pd.isna(base):
        return float("nan")
    return float((200 * int(count) + int(base)) // (2 * int(base)))


def _said(row) -> str:
    return f"{int(row.count)} of {int(row.denominator)}"


def _extreme(claim: pd.Series, released: Released, better: Callable) -> Answer | None:
    groups = released.groups(claim["question"], claim["response"], claim["subgroup_variable"])
    compared = COMPARED.get(claim["subgroup_variable"], tuple(groups))
    mine = groups.get(claim["subgroup"])
    others = [groups[name] for name in compared if name in groups and name != claim["subgroup"]]
    if mine is None or not others:
        return None
    holds = all(better(mine.estimate, other.estimate) for other in others)
    return holds, f"{_said(mine)} against " + ", ".join(_said(o) for o in others), mine.id


def _lowest(claim: pd.Series, released: Released) -> Answer | None:
    return _extreme(claim, released, lambda mine, other: mine < other)


def _highest(claim: pd.Series, released: Released) -> Answer | None:
    return _extreme(claim, released, lambda mine, other: mine > other)


def _more_than_double(claim: pd.Series, released: Released) -> Answer | None:
    return _extreme(claim, released, lambda mine, other: mine > 2 * other)


def _of_grid(claim: pd.Series, released: Released, better: Callable) -> Answer | None:
    grid = claim["question"].rsplit("_", 1)[0] + "_"
    items = {
        question: row
        for question in released.questions
        if question.startswith(grid) and (row := released.row(question, claim["response"]))
    }
    mine = items.pop(claim["question"], None)
    if mine is None or not items:
        return None
    holds = all(better(mine.estimate, other.estimate) for other in items.values())
    return holds, f"{_said(mine)} against " + ", ".join(map(_said, items.values())), mine.id


def _share(claim: pd.Series, released: Released):
    return released.row(claim["question"], claim["response"])


def _majority(claim: pd.Series, released: Released) -> Answer | None:
    row = _share(claim, released)
    return None if row is None else (row.estimate > 0.5, _said(row), row.id)


def _minority(claim: pd.Series, released: Released) -> Answer | None:
    row = _share(claim, released)
    return None if row is None else (row.estimate < 0.5, _said(row), row.id)


def _minority_in_each(claim: pd.Series, released: Released) -> Answer | None:
    groups = released.groups(claim["question"], claim["response"], claim["subgroup_variable"])
    if not groups:
        return None
    rows = list(groups.values())
    return all(r.estimate < 0.5 for r in rows), ", ".join(map(_said, rows)), rows[0].id


def _first_higher(claim: pd.Series, released: Released) -> Answer | None:
    first, second = claim["subgroup"].split("|")[:2]
    groups = released.groups(claim["question"], claim["response"], claim["subgroup_variable"])
    if first not in groups or second not in groups:
        return None
    one, two = groups[first], groups[second]
    return one.estimate > two.estimate, f"{_said(one)} against {_said(two)}", one.id


def _themes_alike(claim: pd.Series, released: Released) -> Answer | None:
    """None of the two most common themes differs between the groups by a test at 0.05."""
    themes = _ranked(released.single(claim["question"]))[:2]
    if not themes:
        return None
    p_values = []
    for theme in themes:
        groups = released.groups(claim["question"], theme.response, claim["subgroup_variable"])
        p_values.append(pearson(list(groups.values())))
    return min(p_values) >= 0.05, f"smallest p = {min(p_values):.3f}", themes[0].id


def _ranked(themes: dict) -> list:
    """Themes from the most common; what is no theme is left out."""
    named = [row for code, row in themes.items() if code not in NO_THEME]
    return sorted(named, key=lambda row: -row.count)


def pearson(rows: list) -> float:
    """P-value of Pearson's chi-square, without correction, of one set of answers over groups."""
    table = np.array([[r.count, r.denominator - r.count] for r in rows], dtype=float)
    if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
        return 1.0
    return float(chi2_contingency(table, correction=False).pvalue)


def _most_common(claim: pd.Series, released: Released) -> Answer | None:
    """The named answers are the most common of those that can be given."""
    where = (claim["subgroup_variable"], claim["subgroup"])
    answers = released.single(claim["question"], *where)
    named = str(claim["response"]).split("|")
    if not answers or any(code not in answers for code in named):
        return None
    rest = [row.count for code, row in answers.items() if code not in named]
    least = min(answers[code].count for code in named)
    holds = least > max(rest, default=0)
    arithmetic = f"{int(least)} at least, against {int(max(rest, default=0))} at most"
    return holds, arithmetic, answers[named[0]].id


def _common_theme(claim: pd.Series, released: Released) -> Answer | None:
    """A theme is one of the two that are named most often."""
    themes = released.single(claim["question"])
    mine = themes.get(claim["response"])
    if mine is None:
        return None
    more = [row for row in _ranked(themes) if row.count > mine.count]
    return len(more) < 2, f"{_said(mine)}; {len(more)} themes are named more often", mine.id


def _theme_named(claim: pd.Series, released: Released) -> Answer | None:
    row = _share(claim, released)
    return None if row is None else (row.count > 0, _said(row), row.id)


def _themes_differ(claim: pd.Series, released: Released) -> Answer | None:
    """The most common theme's share is not the same in every group."""
    themes = _ranked(released.single(claim["question"]))
    if not themes:
        return None
    groups = released.groups(claim["question"], themes[0].response, claim["subgroup_variable"])
    shares = {whole_per_cent(row.count, row.denominator) for row in groups.values()}
    return len(shares) > 1, ", ".join(_said(r) for r in groups.values()), themes[0].id


def _below_100(claim: pd.Series, released: Released) -> Answer | None:
    """Rounded answers of the question add to less than 100, singly or as they are netted."""
    single = released.single(claim["question"])
    nets = [released.row(claim["question"], r) for r in ("1|2", "3", "4|5", "6")]
    sums = [sum(whole_per_cent(r.count, r.denominator) for r in single.values())]
    if all(row is not None for row in nets):
        sums.append(sum(whole_per_cent(r.count, r.denominator) for r in nets))
    if not single:
        return None
    return min(sums) < 100, " or ".join(f"{s:g}" for s in sums), next(iter(single.values())).id


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
        Whether it holds, the arithmetic, and the id of the row it rests on; None where the rows it
        needs were not released.

    Raises
    ------
    KeyError
        If the relation is not one of `RELATIONS`.
    """
    return RELATIONS[claim["relation"]](claim, released)
