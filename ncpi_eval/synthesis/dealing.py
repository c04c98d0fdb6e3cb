"""From printed percentages to the answers of single respondents, one question at a time.

`calibration` says how many of each cell give each answer; here the cells are formed, and the
answers of a cell are dealt to its respondents: those who lean that way first, as person and as
force, the rest by chance. A larger file consists of blocks of 856 respondents with the same cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ncpi_eval.errors import InputError, Problem
from ncpi_eval.synthesis import forces
from ncpi_eval.synthesis.calibration import Puzzle, solve
from ncpi_eval.synthesis.questions import SPREADS, Spread
from ncpi_eval.synthesis.targets import Claim, Target

# Wider than any score, so that cells never mix when respondents are put in order.
CELL_WIDTH = 1000.0

# Beyond any score: puts a straight-liner first or last in the cell.
STRAIGHT = 50.0


@dataclass
class State:
    """What the stages share.

    Attributes
    ----------
    people : DataFrame
        One row per respondent of a block: background, breakdowns, leanings.
    targets, claims, bases
        What was printed about all questions.
    shared_lean : ndarray
        How far each force leans in all questions.
    blocks : int
        Blocks of respondents.
    icc : float
        Intra-force correlation of the answers.
    seed : int
    answers : dict
        Codes by question, blocks by respondents, 0 where unanswered.
    notes : dict
        How comfortable each solution is (see `calibration.COMFORT`), by question.
    """

    people: pd.DataFrame
    targets: Sequence[Target]
    claims: Sequence[Claim]
    bases: Mapping[str, tuple[int, int]]
    shared_lean: np.ndarray
    blocks: int
    icc: float
    seed: int
    answers: dict[str, np.ndarray] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)

    def rng(self, name: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one change does not move the rest."""
        return np.random.default_rng([self.seed, *name.encode()])


@dataclass(frozen=True)
class Sheet:
    """One question laid out: who answers it, in which cells, with which answers.

    Attributes
    ----------
    name : str
        Names the random numbers, too.
    spread : Spread
    answering : ndarray of bool
        Which respondents of a block answer.
    cell_of : ndarray of int
        Cell of each answering respondent.
    cells : DataFrame
        Breakdowns and ``size`` of each cell.
    targets, claims
        What was printed about it.
    """

    name: str
    spread: Spread
    answering: np.ndarray
    cell_of: np.ndarray
    cells: pd.DataFrame
    targets: Sequence[Target]
    claims: Sequence[Claim]


def one(state: State, name: str, fixed: bool = False) -> None:
    """Calibrate and deal one question of `SPREADS`; `fixed` gives every block the same answers."""
    spread = SPREADS[name]
    page = sheet(state, name, spread, answering(state, name, spread))
    expected = expectation(page.cells, spread.shares, spread.lean)
    state.answers[name] = fill(state, page, list(spread.shares), expected, fixed=fixed)


def answering(state: State, name: str, spread: Spread) -> np.ndarray:
    """Who answers: as many as the printed base, the most reluctant left out."""
    people = state.people
    base = printed_base(state, name, spread.base)
    chance = state.rng((spread.skipped_with or name) + " missing").standard_exponential(len(people))
    score = 0.8 * people["reluctance"].to_numpy() + chance + 100.0 * people["guarded"].to_numpy()
    result = np.ones(len(people), dtype=bool)
    result[np.argsort(-score, kind="stable")[: len(people) - base]] = False
    return result


def printed_base(state: State, name: str, usual: int) -> int:
    """Respondents who answer: `usual`, moved into the printed range where there is one."""
    least, most = state.bases.get(name, (usual, usual))
    return min(max(usual, least), most)


def sheet(
    state: State,
    name: str,
    spread: Spread,
    who: np.ndarray,
    more: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Sheet:
    """Lay out a question by all breakdowns that were printed, and by `more`."""
    mine = [t for t in state.targets if t.question == name]
    mine += [Target(name, codes, "all", "all", value) for codes, value in spread.also.items()]
    said = [c for c in state.claims if c.question == name and c.variable in state.people]
    _check_groups(state, [t for t in mine if t.variable not in without])
    # A difference between most groups of a breakdown is one of the breakdown as a whole.
    said += [replace(c, groups=()) for c in said if c.significant and len(c.groups) > 2]
    used = {t.variable for t in mine} | {c.variable for c in said} | set(more)
    used |= {variable for variable, _ in spread.lean}
    cell_of, cells = _cells(state.people[who], sorted(used - {"all", *without}))
    return Sheet(name, spread, who, cell_of, cells, mine, sorted(set(said)))


def _check_groups(state: State, mine: Sequence[Target]) -> None:
    """Refuse a percentage of a group that no respondent is in: it could never be met."""
    unknown = [
        Problem(
            f"published row {', '.join(target.ids)}",
            f"{target.variable}={target.subgroup}",
            "a breakdown and group of data/questionnaire/groups.csv that the synthesis makes",
            "correct the row or its reading in data/published",
        )
        for target in mine
        if target.variable != "all"
        and target.subgroup not in set(state.people.get(target.variable, ()))
    ]
    if unknown:
        raise InputError("A percentage is printed of a group that is not made.", unknown)


def _cells(people: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Cell number of each respondent, and the cells with their sizes."""
    if not columns:
        return np.zeros(len(people), dtype=int), pd.DataFrame({"size": [len(people)]})
    grouped = people.groupby(list(columns), sort=True)
    cells = grouped.size().rename("size").reset_index()
    return grouped.ngroup().to_numpy(), cells


def expectation(
    cells: pd.DataFrame,
    shares: Mapping[int, float],
    lean: Mapping[tuple[str, str], Mapping[int, float]],
) -> np.ndarray:
    """Expected respondents by cell and answer before anything printed is used."""
    table = np.tile(np.array(list(shares.values()), dtype=float), (len(cells), 1))
    place = {code: column for column, code in enumerate(shares)}
    for (variable, group), factors in lean.items():
        rows = (cells[variable] == group).to_numpy()
        for code, factor in factors.items():
            if code in place:
                table[rows, place[code]] *= factor
    return table / table.sum(axis=1, keepdims=True) * cells["size"].to_numpy(dtype=float)[:, None]


def fill(
    state: State,
    page: Sheet,
    codes: Sequence[int],
    expected: np.ndarray,
    *,
    fixed: bool,
    counted_as: Sequence[int] = (),
) -> np.ndarray:
    """Answers, blocks by respondents, 0 where unanswered.

    Parameters
    ----------
    state : State
    page : Sheet
    codes : sequence of int
        Answers to deal, in the order of the columns of `expected`.
    expected : ndarray
        Expected respondents, cells by answers.
    fixed : bool
        Whether every block gets the same answers.
    counted_as : sequence of int
        Codes as printed percentages count them, if they differ from those dealt.
    """
    puzzle = Puzzle(
        page.cells, counted_as or codes, expected, page.targets, page.claims, page.spread.exact
    )
    table, state.notes[page.name] = solve(puzzle, state.rng(page.name + " cells"))
    return _deal(state, page, table, list(codes), 1 if fixed else state.blocks)


def _deal(
    state: State, page: Sheet, table: np.ndarray, codes: list[int], blocks: int
) -> np.ndarray:
    """Give each cell's answers to its respondents in order of their score."""
    score = _score(state, page, blocks)
    order = np.argsort(page.cell_of * CELL_WIDTH - score, axis=1, kind="stable")
    columns = [codes.index(code) for code in page.spread.order if code in codes]
    ranked = np.array(codes, dtype=np.int16)[columns]
    template = np.concatenate([np.repeat(ranked, cell[columns]) for cell in table])
    given = np.empty(score.shape, dtype=np.int16)
    np.put_along_axis(given, order, np.broadcast_to(template, given.shape), axis=1)
    result = np.zeros((state.blocks, len(page.answering)), dtype=np.int16)
    result[:, page.answering] = given
    return result


def _score(state: State, page: Sheet, blocks: int) -> np.ndarray:
    """Latent answer: leaning of the person, lean of the force, chance; high is favourable."""
    people, spread = state.people[page.answering], page.spread
    rng = state.rng(page.name)
    lean = forces.effects(
        people["force"].to_numpy(), people["force_group"].to_numpy(), state.shared_lean, rng
    )
    alike = min(state.icc * forces.LATENT_PER_ICC, 1 - spread.loading**2)
    steady = spread.loading * people[spread.factor].to_numpy() + np.sqrt(alike) * lean
    chance = np.sqrt(1 - spread.loading**2 - alike)
    score = steady + chance * rng.standard_normal((blocks, len(people)))
    if spread.factor == "view":
        score += STRAIGHT * people["straight"].to_numpy()
    return score
