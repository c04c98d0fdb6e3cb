"""Which further cells must be withheld so that nobody can work out the withheld ones.

The unknowns are the people with one answer in one atom (see `populations`). A released number is a
sum of them, and none is below zero. A withheld number is safe exactly when the people could be
spread otherwise without changing anything that is released: then it could be larger or smaller.
Such a change is looked for that disturbs as little as possible; what it disturbs is withheld.

Blocks of breakdowns have only the row for everybody in common. Most changes leave that row alone
and so need one block; the others are the same change of everybody's answers in every block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ncpi_eval.populations import Block, Place, of_unknown

EVERYBODY = ("all", "all")
REST = "*"
"""The option of those whose answer is not tabulated."""

# What withholding a further row costs when there is a choice: the row for everybody is worth ten
# of a group's, a base (with all rows on it) a thousand.
_COST_OF_EVERYBODY = 10.0
_COST_OF_BASE = 1000.0
_ZERO = 1e-7
# A direction is known only to about this much after many others have been taken out of it.
_ROUGHLY = 1e-6


@dataclass(frozen=True)
class Table:
    """Everything that is tabulated of one question.

    Parameters
    ----------
    question : str
        Name, to know which groups an answer puts people in; may be blank.
    responses : sequence of str
        Response set of each row, options joined by ``|``.
    places : sequence of (breakdown, category)
        Group of each row; `EVERYBODY` without a breakdown.
    count, base : array of float
        Missing where not known.
    known_sums : sequence of str
        Response sets whose sum for each group is known from elsewhere.
    """

    question: str
    responses: Sequence[str]
    places: Sequence[Place]
    count: np.ndarray
    base: np.ndarray
    known_sums: Sequence[str] = ()


def protect(
    table: Table, blocks: Iterable[Block], withheld: np.ndarray, hidden: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to withhold, and rows whose base to hide, so that neither follows from the rest.

    Parameters
    ----------
    table : Table
        One question.
    blocks : iterable of Block
        Breakdowns that share people. A breakdown or category that is in none shares nobody.
    withheld : array of bool
        Rows that must not be shown; of those with a count nobody must be able to work it out,
        unless it is zero or the whole base.
    hidden : array of bool
        Rows whose base must not be shown or worked out.

    Returns
    -------
    withheld, hidden : arrays of bool
        At least the given ones.

    Notes
    -----
    Where a number follows from definitions alone (there is nowhere else for these people to be) it
    stays withheld and nothing can be done.
    """
    blocks = tuple(blocks)
    overlapping, has_rest = _options(table)
    if not overlapping:
        return _Question(table, has_rest, blocks).solve(withheld, hidden)
    withheld, hidden = withheld.copy(), hidden.copy()
    for name in sorted(set(table.responses)):
        rows = np.flatnonzero([response == name for response in table.responses])
        alone = _Question(_part(table, rows), True, blocks)
        withheld[rows], hidden[rows] = alone.solve(withheld[rows], hidden[rows])
    return withheld, hidden


def _part(table: Table, rows: np.ndarray) -> Table:
    return Table(
        table.question,
        [table.responses[row] for row in rows],
        [table.places[row] for row in rows],
        table.count[rows],
        table.base[rows],
    )


def _options(table: Table) -> tuple[bool, bool]:
    """Whether one person can have several of the options, and whether some have none of them."""
    seen = {option for response in table.responses for option in response.split("|")}
    singles: dict[Place, dict[str, float]] = {}
    bases: dict[Place, float] = {}
    for response, place, count, base in zip(
        table.responses, table.places, table.count, table.base, strict=True
    ):
        if "|" not in response:
            singles.setdefault(place, {})[response] = count
        bases[place] = np.fmax(base, bases.get(place, np.nan))
    sums = {p: sum(c.values()) for p, c in singles.items() if set(c) == seen}
    full = [(total, bases[p]) for p, total in sums.items() if np.isfinite(total + bases[p])]
    overlapping = any(total > base for total, base in full)
    # Where no sum can be checked a reader would assume that the options are all there are.
    has_rest = not sums or any(total < base for total, base in full)
    return overlapping, has_rest


class _Question:
    """One question: its options, its blocks, and what is withheld by response set and group."""

    def __init__(self, table: Table, has_rest: bool, blocks: Iterable[Block]) -> None:
        self.table = table
        self.sets = sorted({*table.responses, *table.known_sums})
        seen = sorted({option for response in self.sets for option in response.split("|")})
        self.options = [*seen, REST] if has_rest else seen
        sets = [response.split("|") for response in self.sets]
        rows = [[option in options for option in self.options] for options in sets]
        # What can be shown of a group: each response set and, last, the base: all its people.
        self.kinds = np.array([*rows, [True] * len(self.options)], dtype=float)
        rank = {name: number for number, name in enumerate(self.sets)}
        self.kind = np.array([rank[response] for response in table.responses], dtype=int)
        self.known = np.array([rank[name] for name in table.known_sums], dtype=int)
        self.withheld = self.hidden = np.zeros(len(table.count), dtype=bool)
        self.all = _Cells(self, [EVERYBODY])
        self.everybody = len(self.all.rows) > 0
        self.blocks = self._blocks(blocks)
        self.parts: list[_Part] = []
        self.lifted: list[np.ndarray] = []

    def _blocks(self, blocks: Iterable[Block]) -> list[Block]:
        """Blocks that are tabulated, and one for each breakdown that nobody defined."""
        left = {place for place in self.table.places if place != EVERYBODY}
        found = []
        for block in blocks:
            here = {place for place in left if place[0] in block.variables}
            if here and here <= set(block.groups):
                found.append(block)
                left -= here
        for variable in sorted({variable for variable, _ in left}):
            found.append(of_unknown(variable, {c for v, c in left if v == variable}))
        return found

    def solve(self, withheld: np.ndarray, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Withhold until every target could be another number; then show what is not needed."""
        self.withheld, self.hidden = withheld.copy(), hidden.copy()
        self.all.value(self)
        targets = self._targets(withheld, hidden)
        if not targets:
            return self.withheld, self.hidden
        self.parts = [_Part(self, block) for block in self.blocks]
        for kind, place in targets:
            if place == EVERYBODY and not self._is_lifted(kind):
                self._lift(kind, None, None)
        for part in self.parts:
            own = [(kind, part.column[place]) for kind, place in targets if place in part.column]
            for kind, column in own:
                if not part.is_safe(kind, column):
                    self._hide(part, kind, column)
            self._give_back(part, own, ~withheld)
        return self.withheld, self.hidden

    def _targets(self, withheld: np.ndarray, hidden: np.ndarray) -> list[tuple[int, Place]]:
        """What must not be worked out: (response set, or last the base; group).

        The largest sets come first: what hides them often hides their parts, too.
        """
        count, base = self.table.count, self.table.base
        idle = np.isnan(count) | (count == 0) | (count == base)
        rows = np.flatnonzero(withheld & ~idle)
        found = {(int(self.kind[row]), self.table.places[int(row)]): None for row in rows}
        for row in np.flatnonzero(hidden & (base > 0)):
            found[len(self.sets), self.table.places[int(row)]] = None
        return sorted(found, key=lambda target: -self.kinds[target[0]].sum())

    def _withhold(self, effect: np.ndarray, cells: _Cells) -> None:
        """Withhold the rows that a change disturbs; with a base goes everything on it."""
        disturbed = np.abs(effect) > _ZERO
        base = disturbed[-1, cells.columns]
        self.hidden[cells.rows] |= base
        self.withheld[cells.rows] |= base | disturbed[self.kind[cells.rows], cells.columns]
        cells.value(self)

    def _hide(self, part: _Part, kind: int, column: int) -> None:
        """Find the change that costs least and withhold what it disturbs."""
        change = part.change(kind, column, self.lifted)
        if change is None:
            self._lift(kind, part, column)
            return
        part.safe.append(part.effect(change))
        self._withhold(part.safe[-1], part.cells)

    def _is_lifted(self, kind: int) -> bool:
        return any(abs(self.kinds[kind] @ move) > _ZERO for move in self.lifted)

    def _lift(self, kind: int, where: _Part | None, column: int | None) -> bool:
        """Change everybody's answers in the cheapest way, in one atom of each block.

        Needed where a number about everybody is withheld, or a number about a group has nowhere
        else to be. Swapping answers is tried first, then changing how many people there are.
        """
        swaps, growth = self._swaps(kind), np.eye(len(self.options))[self.kinds[kind] > 0]
        return any(self._lifts(moves, where, column) for moves in (swaps, growth) if len(moves))

    def _swaps(self, kind: int) -> np.ndarray:
        """One more with an option that is counted, one fewer with one that is not; both ways."""
        inside, outside = np.flatnonzero(self.kinds[kind]), np.flatnonzero(self.kinds[kind] == 0)
        one = np.eye(len(self.options))
        there = (one[inside][:, None] - one[outside][None]).reshape(-1, len(self.options))
        return np.concatenate([there, -there])

    def _lifts(self, moves: np.ndarray, where: _Part | None, column: int | None) -> bool:
        disturbed = np.abs(moves @ self.kinds.T) > _ZERO
        cost = _times(disturbed, self.all.worth).sum(axis=1)
        atoms = []
        for part in self.parts:
            by_atom = part.cost_of(moves, disturbed)
            if part is where:
                by_atom = np.where(part.member[column] > 0, by_atom, np.inf)
            atoms.append(by_atom.argmin(axis=1))
            cost = cost + by_atom.min(axis=1)
        best = int(cost.argmin())
        if not np.isfinite(cost[best]):
            return False
        self.lifted.append(moves[best])
        self._withhold((self.kinds @ moves[best])[:, None], self.all)
        for part, chosen in zip(self.parts, atoms, strict=True):
            change = np.zeros(part.people.shape)
            change[:, chosen[best]] = moves[best]
            part.safe.append(part.effect(change))
            part.lifts.append(part.safe[-1])
            self._withhold(part.safe[-1], part.cells)
        return True

    def _give_back(
        self, part: _Part, targets: list[tuple[int, int]], may_be_shown: np.ndarray
    ) -> None:
        """Show rows again, the largest first, without which every target stays as safe.

        Changes that leave alone what is shown, and atoms where nobody is, are a space; showing a
        row again takes one direction out of it. A target that no such change moves keeps the
        rows of the change that was found for it.
        """
        rows = part.cells.rows
        rows = rows[self.withheld[rows] & may_be_shown[rows] & ~self.hidden[rows]]
        if not len(rows):
            return
        count = np.nan_to_num(self.table.count[rows])
        rows = rows[np.argsort(-count, kind="stable")]
        cells = [part.at(self.kind[row], part.column[self.table.places[row]]) for row in rows]
        moved, moving = part.space([part.at(*target) for target in targets], cells)
        safe = _moves(moved)
        kept = [*part.lifts]
        for target in [targets[number] for number in np.flatnonzero(~safe)]:
            kept += [effect for effect in part.safe if abs(effect[target]) > _ZERO][:1]
        moved, needed = moved[safe], np.zeros(part.cells.worth.size, dtype=bool)
        for effect in kept:
            needed |= np.abs(effect).reshape(-1) > _ZERO
        for number, row in enumerate(rows):
            length = np.linalg.norm(moving[number])
            if needed[cells[number]]:
                continue
            if length > _ROUGHLY:
                along = moving[number] / length
                left = moved - np.outer(moved @ along, along)
                if not _moves(left).all():
                    continue
                moved, moving = left, moving - np.outer(moving @ along, along)
            self.withheld[row] = False
        part.cells.value(self)


class _Cells:
    """Rows of the table by what they show: (response set or base, group)."""

    def __init__(self, question: _Question, places: Sequence[Place]) -> None:
        at = {place: number for number, place in enumerate(places)}
        self.rows = np.array(
            [row for row, place in enumerate(question.table.places) if place in at], dtype=int
        )
        self.columns = np.array([at[question.table.places[row]] for row in self.rows], dtype=int)
        self.shape = (len(question.kinds), len(places))
        self.scale = _COST_OF_EVERYBODY if EVERYBODY in at else 1.0
        self.value(question)

    def value(self, question: _Question) -> None:
        """Note what each is worth to a reader: nothing where it is not shown.

        What is known from elsewhere cannot be withheld: it is worth infinitely much.
        """
        rows, table = self.rows, question.table
        self.worth = np.zeros(self.shape)
        count = np.nan_to_num(table.count[rows])
        worth = np.where(question.withheld[rows], 0.0, self.scale * (1.0 + np.log1p(count)))
        np.maximum.at(self.worth, (question.kind[rows], self.columns), worth)
        is_base = np.isfinite(table.base[rows]) & ~question.hidden[rows]
        base = np.where(is_base, self.scale * _COST_OF_BASE, 0.0)
        np.maximum.at(self.worth[-1], self.columns, base)
        self.worth[question.known] = np.inf


class _Part:
    """One block of breakdowns of a question: people by option and atom."""

    def __init__(self, question: _Question, block: Block) -> None:
        self.question = question
        tabulated = set(question.table.places)
        rows = [number for number, place in enumerate(block.groups) if place in tabulated]
        places = [block.groups[number] for number in rows]
        self.column = {place: number for number, place in enumerate(places)}
        self.cells = _Cells(question, places)
        # Atoms that none of the tabulated groups tells apart count as one.
        member, atom = np.unique(block.member[rows], axis=1, return_inverse=True)
        self.member = member.astype(float)
        can_be = [block.can_be(question.table.question, option) for option in question.options]
        self.possible = np.zeros((len(can_be), member.shape[1]), dtype=bool)
        for number, place in enumerate(np.asarray(atom).reshape(-1)):
            self.possible[:, place] |= np.array(can_be)[:, number]
        # Which unknowns are in each sum: (response sets and base by group), everybody's by option.
        inside = self.possible.reshape(-1)
        everyone = np.ones((1, member.shape[1]))
        self.rows = np.kron(question.kinds, self.member)[:, inside]
        self.margins = np.kron(np.eye(len(can_be)), everyone)[:, inside]
        self.people = self._people(np.kron(question.kinds, everyone)[:, inside])
        self.safe: list[np.ndarray] = []
        self.lifts: list[np.ndarray] = []

    def at(self, kind: int, column: int) -> int:
        """Row of `rows` of a response set (or the base) and group."""
        return kind * len(self.member) + column

    def effect(self, change: np.ndarray) -> np.ndarray:
        """What a change of the people does to each (response set or base, group)."""
        return self.question.kinds @ change @ self.member.T

    def is_safe(self, kind: int, column: int) -> bool:
        """Whether a change found before moves this number."""
        return any(abs(effect[kind, column]) > _ZERO for effect in self.safe)

    def cost_of(self, moves: np.ndarray, disturbed: np.ndarray) -> np.ndarray:
        """Cost of each move of answers in each atom; infinite where nobody is there to move."""
        by_atom = _times(disturbed, _times(self.cells.worth, self.member))
        blocked = ((moves < 0).astype(float) @ (self.people < _ZERO)) > 0
        blocked |= ((moves != 0).astype(float) @ ~self.possible) > 0
        return np.where(blocked, np.inf, by_atom)

    def _people(self, everybody: np.ndarray) -> np.ndarray:
        """People by option and atom that agree with every count: none where none can be."""
        question, table = self.question, self.question.table
        base = len(question.sets)
        sums: dict[tuple[int, int], float] = {}
        rows = np.concatenate([question.all.rows, self.cells.rows])
        # A group's sums come after those of everybody.
        columns = np.concatenate([-np.ones(len(question.all.rows), dtype=int), self.cells.columns])
        for row, column in zip(rows, columns, strict=True):
            for kind, value in ((question.kind[row], table.count[row]), (base, table.base[row])):
                if np.isfinite(value):
                    sums.setdefault((kind, column), value)
        vectors = [everybody[k] if c < 0 else self.rows[self.at(k, c)] for k, c in sums]
        people = np.zeros(self.possible.shape)
        people[self.possible] = _most_spread(vectors, list(sums.values()), self.rows.shape[1])
        return people

    def space(self, targets: list[int], cells: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """How the changes that leave alone what is shown move targets and cells.

        Everybody's answers and atoms in which nobody is stay as they are. One column for each of
        the changes that all others are made of.
        """
        from scipy import linalg

        there = self.people[self.possible] > _ZERO
        shown = self.rows[self.cells.worth.reshape(-1) > 0]
        fixed = np.concatenate([shown, self.margins]) if self.question.everybody else shown
        if not len(fixed):
            return self.rows[targets][:, there], self.rows[cells][:, there]
        turned, upper, _ = linalg.qr(fixed[:, there].T, pivoting=True)
        rank = int((np.abs(np.diag(upper)) > _ZERO).sum())
        free = turned[:, rank:]
        return self.rows[targets][:, there] @ free, self.rows[cells][:, there] @ free

    def change(self, kind: int, column: int, lifted: Sequence[np.ndarray]) -> np.ndarray | None:
        """Change of the people by one in the target that costs least among what is released.

        A linear programme: the sum of what it disturbs, weighted. Everybody's answers change at
        most in the ways that every other block has been found able to follow. None if there is
        no such change.
        """
        from scipy import optimize, sparse  # late: only protected data needs it

        worth = self.cells.worth.reshape(-1)
        fixed = self.rows[np.isinf(worth)]
        priced = np.isfinite(worth) & (worth > 0)
        free, cost = self.rows[priced], worth[priced]
        margins = self.margins if self.question.everybody else self.margins[:0]
        moves = np.array(lifted if len(margins) else []).reshape(-1, len(margins) or 1).T
        people, n_free, n_moves = free.shape[1], len(free), moves.shape[1]
        left = np.zeros((len(margins) + len(fixed) + 1 + n_free, people + 2 * n_free + n_moves))
        left[:, :people] = [*margins, *fixed, self.rows[self.at(kind, column)], *free]
        left[: len(margins), people + 2 * n_free :] = -moves[: len(margins)]
        # What is disturbed, upwards and downwards.
        step = np.arange(n_free)
        left[len(left) - n_free + step, people + step] = -1
        left[len(left) - n_free + step, people + n_free + step] = 1
        bounds = np.array([[0.0, np.inf]] * left.shape[1])
        bounds[:people, 0] = np.where(self.people[self.possible] > _ZERO, -np.inf, 0)
        weights = np.concatenate([np.zeros(people), cost, cost, np.zeros(n_moves)])
        right = np.zeros(len(left))
        for direction in (1.0, -1.0):
            right[len(left) - n_free - 1] = direction
            found = optimize.linprog(
                weights, A_eq=sparse.csr_array(left), b_eq=right, bounds=bounds, method="highs-ds"
            )
            if found.x is not None:
                change = np.zeros(self.possible.shape)
                change[self.possible] = found.x[:people]
                return change
        return None


def _moves(effects: np.ndarray) -> np.ndarray:
    """Which of the rows are moved by any of the changes."""
    return np.abs(effects).max(axis=1, initial=0) > _ROUGHLY


def _times(left: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Matrix product of worths from zero to infinity, in which zero times infinity is zero."""
    ends = [np.where(np.isinf(one), 0.0, one) for one in (left, worth)]
    endless = np.isinf(left).astype(float) @ (worth > 0)
    endless = endless + (left > 0).astype(float) @ np.isinf(worth)
    return np.where(endless > 0, np.inf, ends[0] @ ends[1])


def _most_spread(rows: list[np.ndarray], sums: list[float], size: int) -> np.ndarray:
    """Unknowns that satisfy the sums, as many of them above zero as can be."""
    from scipy import optimize, sparse

    if not sums:
        return np.ones(size)
    vectors, values = np.array(rows), np.array(sums)
    # Every unknown is a part of at most one and the rest; the parts are made large. All numbers may
    # be multiplied by the same factor, so that an unknown above zero can have a whole part.
    found = optimize.linprog(
        np.concatenate([-np.ones(size), np.zeros(size + 1)]),
        A_eq=sparse.csr_array(np.hstack([vectors, vectors, -values[:, None]])),
        b_eq=np.zeros(len(sums)),
        bounds=[(0, 1)] * size + [(0, None)] * size + [(1, None)],
        method="highs",
    )
    # Rounded counts need not agree with each other; then nobody can rely on what must be zero.
    if found.x is None:
        return np.ones(size)
    return (found.x[:size] + found.x[size:-1]) / found.x[-1]
