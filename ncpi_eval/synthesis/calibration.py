"""Whole respondents in cells so that every printed percentage comes out.

One question at a time: respondents are grouped into cells by everything that the report breaks the
question down by. A plausible expectation of each cell's answers is pulled to the printed
percentages (raking), shaken as a sample would be, and rounded to whole respondents by integer
programming that keeps every printed percentage. Where no whole numbers exist, the elastic form of
the same programme names the printed rows that cannot hold together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack, vstack
from scipy.stats import chi2_contingency

from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.synthesis.targets import Claim, Target, count_bounds

# Share of a printed percentage's counts left free at each end, and the distance from 1.96 that a
# statement about significance keeps; tried in this order, the most comfortable first.
COMFORT = ((0.3, 0.25), (0.2, 0.2), (0.1, 0.1), (0.05, 0.1), (0.0, 0.1), (0.0, 0.02), (0.0, None))

# How far the expectation is moved towards a random sample of itself: 0 is suspiciously smooth.
SHAKE = 0.6

# Normal quantile of a two-sided test at the 95% level, which the report used.
Z = 1.959964

# Samples of the expectation that are tried at each step before a less comfortable one is taken.
ATTEMPTS = 8


@dataclass(frozen=True)
class Puzzle:
    """A question's cells, its answers and what must hold.

    Parameters
    ----------
    cells : DataFrame
        One row per cell: the breakdowns (``all`` is added) and ``size``, respondents in the cell.
    codes : sequence of int
        Answers, in the order of the columns of `expected`. A code may stand in several columns,
        which then count together.
    expected : ndarray
        Expected respondents, cells by answers; 0 forbids an answer in a cell.
    targets : sequence of Target
    claims : sequence of Claim
    exact : mapping
        Response set to the number of respondents that must give it.
    """

    cells: pd.DataFrame
    codes: Sequence[int]
    expected: np.ndarray
    targets: Sequence[Target] = ()
    claims: Sequence[Claim] = ()
    exact: Mapping[tuple[int, ...], int] = field(default_factory=dict)

    def inside(self, variable: str, subgroup: str) -> np.ndarray:
        """Which cells belong to a group."""
        if variable == "all":
            return np.ones(len(self.cells), dtype=bool)
        return (self.cells[variable] == subgroup).to_numpy()

    def picked(self, codes: Sequence[int]) -> np.ndarray:
        """Which answers a response set counts; codes that nobody may give are ignored."""
        return np.isin(np.array(self.codes), np.array(codes, dtype=int))

    def base(self, variable: str, subgroup: str) -> int:
        """Respondents in a group."""
        return int(self.cells["size"].to_numpy()[self.inside(variable, subgroup)].sum())


def rake(problem: Puzzle, sweeps: int = 200) -> np.ndarray:
    """Expectation with every printed percentage at its centre, cell sizes kept.

    Each sweep shifts the odds of the counted answers in the group of each target (iterative
    proportional fitting with the cell sizes restored after each shift).
    """
    table = _to_sizes(problem.expected.astype(float), problem)
    shapes = [
        (problem.inside(t.variable, t.subgroup), problem.picked(t.codes), t.value / 100)
        for t in problem.targets
    ]
    for _ in range(sweeps):
        for rows, columns, share in shapes:
            part = table[rows]
            now = part[:, columns].sum() / max(part.sum(), 1e-9)
            if 0 < now < 1 and 0 < share < 1:
                part[:, columns] *= share / (1 - share) * (1 - now) / now
                table[rows] = part
                table = _to_sizes(table, problem)
    return table


def shake(table: np.ndarray, rng: np.random.Generator, amount: float = SHAKE) -> np.ndarray:
    """Expectation moved part of the way to a multinomial sample of each cell."""
    sizes = np.rint(table.sum(axis=1)).astype(int)
    shares = np.round(table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12), 9)
    drawn = np.array(
        [
            rng.multinomial(n, p / p.sum()) if n else np.zeros(len(p))
            for n, p in zip(sizes, shares, strict=True)
        ]
    )
    # Rounded, so that the last bits of another machine's arithmetic cannot move a respondent.
    return np.round((1 - amount) * table + amount * drawn, 6)


def solve(problem: Puzzle, rng: np.random.Generator) -> tuple[np.ndarray, tuple[float, object]]:
    """Whole respondents, cells by answers, close to the expectation and true to every target.

    Parameters
    ----------
    problem : Puzzle
    rng : Generator
        Shakes the expectation and breaks ties, so that the solution is unique and reproducible.

    Returns
    -------
    (ndarray of int, (float, float or None))
        The table and the step of `COMFORT` that was possible.

    Raises
    ------
    DesignError
        If no whole numbers exist; names the rows that cannot hold together.
    """
    smooth = rake(problem)
    problem = replace(problem, claims=possible(problem, smooth))
    for comfort in COMFORT:
        for _ in range(ATTEMPTS):
            wished = shake(smooth, rng)
            found = _programme(problem, wished, 1 + 1e-3 * rng.random(wished.shape), *comfort)
            if found is None:
                break
            if comfort[1] is None or not unmet(problem, found):
                return found, comfort
    raise DesignError(
        f"No {int(problem.cells['size'].sum())} respondents give every printed percentage of "
        f"{', '.join(sorted({t.question for t in problem.targets}))}.",
        [_complaint(target, slack) for target, slack in conflicts(problem)],
    )


def possible(problem: Puzzle, smooth: np.ndarray) -> list[Claim]:
    """Statements on two groups that some whole numbers bear out beside the printed percentages.

    Statements on more groups, or on whole distributions, are kept and tried.
    """
    return [claim for claim in problem.claims if _holds(replace(problem, claims=[claim]), smooth)]


def _holds(problem: Puzzle, smooth: np.ndarray) -> bool:
    """Whether fractions of respondents could meet all targets and the statements."""
    fixed, low, high = _targets(problem, 0.0)
    rows, least, most = _differences(problem, smooth, 0.0)
    if not rows:
        return True
    sizes = problem.cells["size"].to_numpy(dtype=float)
    matrix = vstack([_sums(problem), fixed, csr_array(np.array(rows))])
    result = milp(
        np.zeros(smooth.size),
        bounds=Bounds(0, _ceiling(problem)),
        constraints=LinearConstraint(
            matrix.tocsr(), np.r_[sizes, low, least], np.r_[sizes, high, most]
        ),
    )
    return result.x is not None


def unmet(problem: Puzzle, table: np.ndarray) -> list[tuple[Claim, float]]:
    """Statements that Pearson's chi-square on the table does not bear out, with its p-value."""
    tested = [(claim, p_value(problem, table, claim)) for claim in problem.claims]
    return [(claim, p) for claim, p in tested if (p < 0.05) != claim.significant]


def p_value(problem: Puzzle, table: np.ndarray, claim: Claim) -> float:
    """Pearson's chi-square of the comparison that a statement is about; 1 if nothing varies."""
    groups = claim.groups or tuple(sorted(set(problem.cells[claim.variable]) - {"none"}))
    answers = sorted(set(problem.codes))
    by_group = [table[problem.inside(claim.variable, group)].sum(axis=0) for group in groups]
    counts = np.array([[row[problem.picked([a])].sum() for a in answers] for row in by_group])
    if claim.codes:
        counted = np.isin(answers, claim.codes)
        counts = np.c_[counts[:, counted].sum(axis=1), counts[:, ~counted].sum(axis=1)]
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return 1.0
    return float(chi2_contingency(counts, correction=False).pvalue)


def conflicts(problem: Puzzle) -> list[tuple[Target, int]]:
    """Printed rows that cannot hold together, with the fewest respondents that would reconcile
    them.

    Returns
    -------
    list of (Target, int)
        Rows that the elastic programme had to bend and by how many respondents (positive: the
        printed percentage is too low for the rest); empty when all rows hold together.
    """
    size = problem.expected.size
    fixed, low, high = _targets(problem, 0.0)
    k = fixed.shape[0]
    matrix = vstack(
        [
            hstack([_sums(problem), csr_array((len(problem.cells), 2 * k))]),
            hstack([fixed, eye_array(k), -eye_array(k)]),
        ]
    )
    sizes = problem.cells["size"].to_numpy(dtype=float)
    result = milp(
        np.r_[np.zeros(size), np.ones(2 * k)],
        integrality=np.ones(size + 2 * k),
        bounds=Bounds(0, np.r_[_ceiling(problem), np.full(2 * k, np.inf)]),
        constraints=LinearConstraint(
            matrix.tocsr(), np.r_[sizes, low], np.r_[sizes, np.maximum(low, high)]
        ),
    )
    bent = np.rint(result.x[size + k :] - result.x[size : size + k]).astype(int)
    # A group may be too small for any count to print as the percentage does.
    bent = np.where((bent == 0) & (high < low), 1, bent)
    return [
        (target, int(slack)) for target, slack in zip(problem.targets, bent, strict=True) if slack
    ]


def irreducible(problem: Puzzle) -> list[Target]:
    """A smallest set of printed rows that contradict each other: any one fewer would hold.

    Empty when all rows hold together.
    """
    kept = list(problem.targets)
    if not conflicts(problem):
        return []
    for target in list(kept):
        without = [other for other in kept if other != target]
        if conflicts(_with(problem, without)):
            kept = without
    return kept


def _with(problem: Puzzle, targets: Sequence[Target]) -> Puzzle:
    return Puzzle(problem.cells, problem.codes, problem.expected, targets, ())


def _complaint(target: Target, slack: int) -> Problem:
    way = "more" if slack > 0 else "fewer"
    return Problem(
        f"published row {', '.join(target.ids)}",
        target.label(),
        f"at least {abs(slack)} respondents {way}, with the other rows as printed",
        "choose another reading of the row in data/published/readings.csv",
    )


def _to_sizes(table: np.ndarray, problem: Puzzle) -> np.ndarray:
    sizes = problem.cells["size"].to_numpy(dtype=float)
    return table * (sizes / np.maximum(table.sum(axis=1), 1e-12))[:, None]


def _ceiling(problem: Puzzle) -> np.ndarray:
    """Most respondents a cell may have with an answer; 0 where the answer is forbidden."""
    sizes = problem.cells["size"].to_numpy(dtype=float)[:, None]
    return np.where(problem.expected > 0, sizes, 0.0).ravel()


def _sums(problem: Puzzle) -> csr_array:
    """Rows that add up each cell."""
    cells, answers = problem.expected.shape
    place = np.arange(cells * answers)
    return csr_array(
        (np.ones(cells * answers), (place // answers, place)), shape=(cells, cells * answers)
    )


def _counted(problem: Puzzle, variable: str, subgroup: str, codes: Sequence[int]) -> np.ndarray:
    """One row that counts the answers `codes` in a group."""
    return np.outer(problem.inside(variable, subgroup), problem.picked(codes)).ravel().astype(float)


def inner_bounds(value: int, base: int, shrink: float) -> tuple[int, int]:
    """Counts that print as `value`, at least `shrink` percentage points inside the rounding edges.

    Where a small base leaves no such count, the one nearest to the centre.

    Examples
    --------
    >>> inner_bounds(50, 1000, 0.3)
    (498, 502)
    >>> inner_bounds(20, 122, 0.3)
    (24, 24)
    """
    least, most = count_bounds(value, base)
    if shrink == 0 or least > most:
        return least, most
    low = int(np.ceil((value - 0.5 + shrink) * base / 100))
    high = int(np.floor((value + 0.5 - shrink) * base / 100))
    if max(low, least) <= min(high, most):
        return max(low, least), min(high, most)
    centre = min(max(round(value * base / 100), least), most)
    return centre, centre


def _targets(problem: Puzzle, shrink: float) -> tuple[csr_array, np.ndarray, np.ndarray]:
    rows, low, high = [], [], []
    for target in problem.targets:
        rows.append(_counted(problem, target.variable, target.subgroup, target.codes))
        base = problem.base(target.variable, target.subgroup)
        least, most = inner_bounds(target.value, base, shrink)
        low.append(least)
        high.append(most)
    return (
        csr_array(np.array(rows).reshape(len(rows), problem.expected.size)),
        np.array(low, dtype=float),
        np.array(high, dtype=float),
    )


def _differences(problem: Puzzle, wished: np.ndarray, keep: float):
    """Statements on two groups as bounds on the difference of their shares."""
    rows, low, high = [], [], []
    for claim in problem.claims:
        groups = claim.groups or sorted(set(problem.cells[claim.variable]) - {"none"})
        if len(groups) != 2 or not claim.codes:
            continue
        parts = [_counted(problem, claim.variable, g, claim.codes) for g in groups]
        first, second = (problem.base(claim.variable, g) for g in groups)
        both = (parts[0] + parts[1]) @ wished.ravel() / (first + second)
        error = np.sqrt(both * (1 - both) * (1 / first + 1 / second))
        row = parts[0] / first - parts[1] / second
        rows.append(row)
        sign = 1 if row @ wished.ravel() >= 0 else -1
        if claim.significant:
            least = (Z + keep) * error
            low.append(least if sign > 0 else -1.0)
            high.append(1.0 if sign > 0 else -least)
        else:
            low.append(-(Z - keep) * error)
            high.append((Z - keep) * error)
    return rows, low, high


def _programme(
    problem: Puzzle, wished: np.ndarray, noise: np.ndarray, shrink: float, keep: float | None
) -> np.ndarray | None:
    """Least weighted distance from `wished`, or None where no whole numbers exist."""
    size = wished.size
    fixed, low, high = _targets(problem, shrink)
    for codes, count in problem.exact.items():
        fixed = vstack([fixed, csr_array(_counted(problem, "all", "all", codes)[None, :])])
        low, high = np.r_[low, count], np.r_[high, count]
    if keep is not None:
        rows, least, most = _differences(problem, wished, keep)
        if rows:
            fixed = vstack([fixed, csr_array(np.array(rows))])
            low, high = np.r_[low, least], np.r_[high, most]
    sizes = problem.cells["size"].to_numpy(dtype=float)
    matrix = vstack(
        [
            hstack([_sums(problem), csr_array((len(sizes), 2 * size))]),
            hstack([fixed, csr_array((fixed.shape[0], 2 * size))]),
            hstack([eye_array(size), -eye_array(size), eye_array(size)]),
        ]
    )
    weight = (noise / np.sqrt(wished + 0.5)).ravel()
    ceiling = _ceiling(problem)
    result = milp(
        np.r_[np.zeros(size), weight, weight],
        integrality=np.r_[np.ones(size), np.zeros(2 * size)],
        bounds=Bounds(0, np.r_[ceiling, np.full(2 * size, np.inf)]),
        constraints=LinearConstraint(
            matrix.tocsr(), np.r_[sizes, low, wished.ravel()], np.r_[sizes, high, wished.ravel()]
        ),
        options={"mip_rel_gap": 0.0},
    )
    if result.x is None:
        return None
    return np.rint(result.x[:size]).astype(int).reshape(wished.shape)
