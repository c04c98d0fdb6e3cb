"""What can be worked out of what was withheld, by arithmetic over everything that was released.

Written apart from `hiding` and `populations`, which withhold: how the groups are made of the same
people is found by dividing invented people, one of every kind that the rules can tell apart, with
the code that divides respondents. Each question is one system over all its breakdowns and all
files: the unknowns are people of one kind with one answer, whole and not below zero. A withheld
number is recovered where the least and the greatest number of people that agree with every
released number leave one whole number between them.

Released are counts and bases and whatever gives them: an unrounded proportion times its base, an
interval that can be inverted, a base and its design effect, a difference and one of its two
proportions, a breakdown of the same people, another file that shows the row.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval import disclosure, paths
from ncpi_eval import questionnaire as codebook
from ncpi_eval.errors import InputError
from ncpi_eval.intake import groups as grouping
from ncpi_eval.questionnaire import OPENING, Questionnaire, Term
from ncpi_eval.scanner.counts import Facts, number

Place = tuple[str, str]
EVERYBODY = ("all", "all")
REST = "*"

# z of a 95% interval.
_Z = 1.959963984540054
# A number that follows from others is whole to about this much, or it does not follow.
_WHOLE = 0.02
_SLACK = 1e-6
# Ends of the interval of an OpenSAFELY count: rounded to five, half up.
_UP = disclosure.OPENSAFELY_ROUNDING // 2
# Tries with many targets at once before each is looked at on its own.
_TRIES = 6
# Categories that a breakdown without rules may have.
_MOST = 40


@dataclass
class Question:
    """Everything that was released of one question, in one wave.

    Parameters
    ----------
    counts, bases : dict
        (options, place) and place to the least and greatest number that was released.
    withheld : dict
        (options, place) to the file and row that withholds it, and place for a base.
    """

    name: str
    wave: str
    counts: dict[tuple[frozenset[str], Place], tuple[float, float]] = field(default_factory=dict)
    bases: dict[Place, tuple[float, float]] = field(default_factory=dict)
    withheld: dict[tuple[frozenset[str], Place], tuple[str, str]] = field(default_factory=dict)
    hidden: dict[Place, tuple[str, str]] = field(default_factory=dict)


def recovered(facts: Facts, book: Questionnaire | None = None) -> Iterator[tuple[str, str, str]]:
    """File, place and what, of every withheld number that follows from released ones.

    Parameters
    ----------
    facts : Facts
        Protected rows of all files.
    book : Questionnaire, optional
        How groups are made; the project's own by default.

    Notes
    -----
    Zeros and whole groups are no secret and are not looked for.
    """
    if not any(row.get("suppressed") == "True" for _, _, row in facts.rows):
        return
    book = book or codebook.load()
    questions = _questions(facts, book)
    for question in questions.values():
        yield from _direct(question, facts)
    from threadpoolctl import threadpool_limits  # late, like scipy

    with threadpool_limits(limits=1):
        for question in questions.values():
            if question.withheld or question.hidden:
                yield from _of_question(question, book)


# ---------------------------------------------------------------------------------------------
# What was released


def _questions(facts: Facts, book: Questionnaire) -> dict[tuple[str, str], Question]:
    found: dict[tuple[str, str], Question] = {}
    for file, line, row in facts.rows:
        if row.get("response", "") in ("", "all") or not row.get("question"):
            continue
        for wave, count, base in _numbers(row):
            question = found.setdefault((row["question"], wave), Question(row["question"], wave))
            _note(question, row, count, base, (file, f"row {line} ({row.get('id', '')})"), book)
    for question in found.values():
        for known in question.counts:
            question.withheld.pop(known, None)
        for place in question.bases:
            question.hidden.pop(place, None)
    _from_differences(found, facts)
    return found


def _numbers(row: Mapping[str, str]) -> Iterator[tuple[str, float | None, float | None]]:
    """Wave, count and base that a row gives, however it gives them."""
    for ending in ("_first", "_second"):
        share, base = number(row.get(f"estimate{ending}")), number(row.get(f"denominator{ending}"))
        if share is not None and base is not None:
            wave = row.get("wave", "").split("-")[0 if ending == "_first" else -1]
            yield wave, _whole(share * base), base
    if "count" not in row and "estimate" not in row:
        return
    count, base = number(row.get("count")), number(row.get("denominator"))
    share = number(row.get("estimate"))
    if base is None and share is not None and count and 0 < share <= 1:
        base = _whole(count / share)
    effect, effective = number(row.get("design_effect")), number(row.get("effective_base"))
    if base is None and effect and effective:
        base = _whole(effect * effective)
    inverted = _inverted(number(row.get("ci_low")), number(row.get("ci_high")))
    if inverted and base is None:
        count, base = inverted[0] if count is None else count, inverted[1]
    if count is None and share is not None and base is not None:
        count = _whole(share * base)
    if count is None and inverted and inverted[1] == base:
        count = inverted[0]
    yield row.get("wave", ""), count, base


def _whole(value: float) -> float | None:
    return float(round(value)) if abs(value - round(value)) < _WHOLE else None


def _inverted(low: float | None, high: float | None) -> tuple[float, float] | None:
    """Count and base of a Wilson interval (Wilson 1927), where only one pair of them fits.

    With k = z^2 / n, the middle c and half the length h of the interval satisfy
    q k^2 + (h^2 + q - 1/4) k + h^2 = 0, where q = (c - 1/2)^2; and p = c + k (c - 1/2).
    """
    if low is None or high is None or not 0 <= low < high <= 1:
        return None
    middle, half = (low + high) / 2, (high - low) / 2
    square = (middle - 0.5) ** 2
    roots = (
        np.roots([square, half**2 + square - 0.25, half**2])
        if square > 1e-12
        else np.array([half**2 / (0.25 - half**2)] if half < 0.5 else [])
    )
    found = set()
    for k in roots[np.isreal(roots)].real if len(roots) else ():
        if k <= 0:
            continue
        base = _whole(_Z**2 / k)
        count = _whole((middle + k * (middle - 0.5)) * (base or 0))
        if base and count is not None and 0 <= count <= base:
            found.add((count, base))
    return found.pop() if len(found) == 1 else None


def _note(
    question: Question,
    row: Mapping[str, str],
    count: float | None,
    base: float | None,
    where: tuple[str, str],
    book: Questionnaire,
) -> None:
    response = row["response"]
    variable = book.variables.get(question.name)
    if response == "dont_know" and variable:
        # Counted among those asked, so that only the count is the same.
        codes = [str(code) for code, role in variable.roles.items() if role == "dont_know"]
        response, base = "|".join(codes) if len(codes) == 1 else response, None
    options = frozenset(response.split("|"))
    place = (row.get("subgroup_variable") or "all", row.get("subgroup") or "all")
    is_code = variable is not None and options <= {str(code) for code in variable.options}
    if not is_code and response in ("unanswered", "prefer_not_to_say", "answered_against_routing"):
        return
    if base is not None:
        question.bases.setdefault(place, _ends(base))
    elif row.get("response") != "dont_know" and "denominator" in row:
        question.hidden.setdefault(place, where)
    if count is not None:
        question.counts.setdefault((options, place), _ends(count))
    elif row.get("suppressed") == "True":
        question.withheld.setdefault((options, place), where)


def _ends(value: float) -> tuple[float, float]:
    if disclosure.profile_in_use() == "opensafely":
        return max(value - _UP, 0.0), value + _UP
    return value, value


def _from_differences(questions: Mapping[tuple[str, str], Question], facts: Facts) -> None:
    """Counts from a released difference of two groups and one of their proportions."""
    for _, _, row in facts.rows:
        question = questions.get((row.get("question", ""), row.get("wave", "")))
        groups = row.get("compared", "").split("|")
        if not row.get("compared"):
            groups = ["inspected", "uninspected"]
        for name in ("difference", "unadjusted"):
            difference = number(row.get(name))
            if question is None or difference is None or len(groups) != 2:
                continue
            options = frozenset(row["response"].split("|"))
            places = [(row.get("subgroup_variable", ""), group) for group in groups]
            for sign in (1, -1):
                place, other = places[::sign]
                known, base = question.counts.get((options, other)), question.bases.get(place)
                of = question.bases.get(other)
                if (options, place) in question.withheld and known and base and of and of[0]:
                    count = _whole((sign * difference + known[0] / of[0]) * base[0])
                    if count is not None and 0 <= count <= base[0]:
                        question.counts[options, place] = (count, count)
                        question.withheld.pop((options, place))


def _direct(question: Question, facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Rows that one file withholds and another file, or another column, gives."""
    for file, line, row in facts.rows:
        if row.get("suppressed") != "True" or row.get("question") != question.name:
            continue
        if row.get("wave", "") != question.wave or "count" not in row and "estimate" not in row:
            continue
        place = (row.get("subgroup_variable") or "all", row.get("subgroup") or "all")
        known = question.counts.get((frozenset(row.get("response", "").split("|")), place))
        base = question.bases.get(place, (math.inf, math.inf))
        if known and known[0] == known[1] and 0 < known[0] < base[1]:
            where = f"row {line} ({row.get('id', '')})"
            yield file, where, f"{known[0]:g} is shown elsewhere or follows from its proportion"


# ---------------------------------------------------------------------------------------------
# One question as a system


def _of_question(question: Question, book: Questionnaire) -> Iterator[tuple[str, str, str]]:
    variable = book.variables.get(question.name)
    every = {option for options, _ in [*question.counts, *question.withheld] for option in options}
    codes = {str(code) for code in variable.base_codes} if variable else set()
    if every <= codes:
        yield from _solve(question, sorted(codes), book)
        return
    # Someone may have several of these: each is a system of its own, with those who have not.
    for options in sorted({options for options, _ in question.withheld}, key=sorted):
        part = Question(question.name, question.wave)
        part.counts = {key: value for key, value in question.counts.items() if key[0] == options}
        part.bases, part.hidden = question.bases, question.hidden
        part.withheld = {k: v for k, v in question.withheld.items() if k[0] == options}
        yield from _solve(part, [*sorted(options), REST], book)


def _solve(
    question: Question, options: list[str], book: Questionnaire
) -> Iterator[tuple[str, str, str]]:
    system = _System(question, options, book)
    targets = {
        **{(known, place): where for (known, place), where in question.withheld.items()},
        **{(frozenset(options), place): where for place, where in question.hidden.items()},
    }
    for (chosen, place), value in system.pinned(list(targets)).items():
        base = question.bases.get(place, (math.inf, math.inf))
        if 0 < value < base[1]:
            file, where = targets[chosen, place]
            yield file, where, f"{value:g} follows from other released numbers of the question"


class _System:
    """People by block of breakdowns, option and kind; what was released as sums of them."""

    def __init__(self, question: Question, options: list[str], book: Questionnaire) -> None:
        places = [
            place
            for place in {p for _, p in [*question.counts, *question.withheld]}
            | set(question.bases)
            if place != EVERYBODY
        ]
        self.options = options
        self.index: dict[tuple[int, str, int], int] = {}
        self.within: dict[Place, tuple[int, np.ndarray]] = {}
        self.sizes: list[int] = []
        if not places:
            self.sizes.append(1)
            for option in options:
                self.index[0, option, 0] = len(self.index)
        for names, kinds in _blocks(tuple(sorted({v for v, _ in places})), question.wave, book):
            block = len(self.sizes)
            self.sizes.append(len(kinds.member))
            for place in places:
                if place[0] in names:
                    self.within[place] = (block, kinds.of(place))
            for option, kind in itertools.product(options, range(len(kinds.member))):
                if kinds.possible(question.name, option, kind):
                    self.index[block, option, kind] = len(self.index)
        self.width = len(self.index)
        self.left: list[np.ndarray] = []
        self.ends: list[tuple[float, float]] = []
        self._link()
        for (chosen, place), ends in question.counts.items():
            self._know(chosen, place, ends)
        for place, ends in question.bases.items():
            self._know(frozenset(options), place, ends)

    def _row(self, chosen: Iterable[str], place: Place, block: int | None = None) -> np.ndarray:
        row = np.zeros(self.width)
        if place == EVERYBODY:
            block, kinds = block or 0, np.ones(self.sizes[block or 0], dtype=bool)
        else:
            block, kinds = self.within[place]
        for option, kind in itertools.product(chosen, np.flatnonzero(kinds)):
            at = self.index.get((block, option, int(kind)))
            if at is not None:
                row[at] = 1.0
        return row

    def _link(self) -> None:
        """Every block is about the same people."""
        for option, block in itertools.product(self.options, range(1, len(self.sizes))):
            first, other = (self._row([option], EVERYBODY, b) for b in (0, block))
            self.left.append(first - other)
            self.ends.append((0.0, 0.0))

    def _know(self, chosen: Iterable[str], place: Place, ends: tuple[float, float]) -> None:
        if place != EVERYBODY and place not in self.within:
            return
        self.left.append(self._row(chosen, place))
        self.ends.append(ends)

    def pinned(self, targets: list[tuple[frozenset[str], Place]]) -> dict[Any, float]:
        """Targets for which one whole number is left, and that number."""
        targets = [t for t in targets if t[1] == EVERYBODY or t[1] in self.within]
        if not targets:
            return {}
        rows = np.array([self._row(chosen, place) for chosen, place in targets])
        low, high = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
        rng = np.random.default_rng(0)

        def look(objective: np.ndarray) -> bool:
            people = self._feasible(objective)
            if people is None:
                return False
            values = rows @ people
            np.minimum(low, values, out=low)
            np.maximum(high, values, out=high)
            return True

        for attempt in range(_TRIES):
            open_ = ~_two_wholes(low, high)
            if not open_.any():
                return {}
            weight = open_ * (1.0 if attempt < 2 else rng.choice([-1.0, 1.0], len(rows)))
            if not look((-1) ** attempt * (weight @ rows)):
                # What was released contradicts itself: rounded numbers of overlapping groups.
                return {}
        for number_ in np.flatnonzero(~_two_wholes(low, high)):
            for sign in (1, -1):
                if not _two_wholes(low[number_], high[number_]):
                    look(sign * rows[number_])
        left = np.flatnonzero(~_two_wholes(low, high))
        return {targets[n]: float(math.ceil(low[n] - _SLACK)) for n in left}

    def _feasible(self, objective: np.ndarray) -> np.ndarray | None:
        """People that agree with everything and for whom the objective is least."""
        from scipy import optimize, sparse

        left, ends = np.array(self.left), np.array(self.ends)
        exact = ends[:, 0] == ends[:, 1]
        among = left[~exact]
        found = optimize.linprog(
            objective,
            A_eq=sparse.csr_array(left[exact]) if exact.any() else None,
            b_eq=ends[exact, 0] if exact.any() else None,
            A_ub=sparse.csr_array(np.vstack([among, -among])) if len(among) else None,
            b_ub=np.concatenate([ends[~exact, 1], -ends[~exact, 0]]) if len(among) else None,
            bounds=(0, 1e6),
            method="highs",
        )
        return found.x


def _two_wholes(low: Any, high: Any) -> Any:
    """Whether at least two whole numbers lie between."""
    return np.floor(high + _SLACK) - np.ceil(low - _SLACK) >= 1


# ---------------------------------------------------------------------------------------------
# Which groups are made of the same people


@dataclass(frozen=True)
class _Kinds:
    """Kinds of people that a block of breakdowns tells apart.

    Parameters
    ----------
    names : tuple of str
        The breakdowns.
    member : array of str, (kinds, breakdowns)
        Category, blank for none.
    answers : dict of (question, code) to array of bool
        Kinds to which people with this answer can belong, for questions that the rules read.
    """

    names: tuple[str, ...]
    member: np.ndarray
    answers: Mapping[tuple[str, str], np.ndarray]

    def of(self, place: Place) -> np.ndarray:
        """Which kinds are in a group."""
        found: np.ndarray = self.member[:, self.names.index(place[0])] == place[1]
        return found

    def possible(self, question: str, option: str, kind: int) -> bool:
        """Whether people with this answer can be of a kind."""
        known = self.answers.get((question, option))
        return True if known is None else bool(known[kind])


def _blocks(
    names: tuple[str, ...], wave: str, book: Questionnaire
) -> Iterator[tuple[tuple[str, ...], _Kinds]]:
    for block in _connected(names, book):
        kinds = _kinds(block, wave, str(paths.data("questionnaire")), _Hashed(book))
        yield block, kinds


class _Hashed:
    """A codebook that can be a key of a cache: by which object it is."""

    def __init__(self, book: Questionnaire) -> None:
        self.book = book

    def __hash__(self) -> int:
        return hash(tuple(self.book.groups))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and other.book.groups == self.book.groups


def _connected(names: Iterable[str], book: Questionnaire) -> list[tuple[str, ...]]:
    """Breakdowns that read something in common, together."""
    parts: list[tuple[set[str], tuple[str, ...]]] = []
    for name in names:
        reads = _reads(name, book)
        block: tuple[str, ...] = (name,)
        for part in [part for part in parts if part[0] & reads]:
            parts.remove(part)
            reads, block = reads | part[0], (*part[1], *block)
        parts.append((reads, block))
    return [block for _, block in parts]


def _terms(name: str, book: Questionnaire) -> list[Term]:
    if name in book.groups:
        rules: Mapping[Any, tuple[Term, ...]] = book.groups[name].rules
    else:
        rules = book.derived.get(name, {})
    return [term for terms in rules.values() for term in terms]


def _reads(name: str, book: Questionnaire) -> set[str]:
    """Variables and dates that decide who is in the groups of a breakdown."""
    if name not in book.groups and name not in book.derived:
        return {name}
    found: set[str] = set()
    for term in _terms(name, book):
        if term.name.startswith("force."):
            found.add("force")
        elif term.quantifier:
            found |= set(book.grids()[term.name])
        else:
            found |= _reads(term.name, book)
    return found


@lru_cache(maxsize=64)
def _kinds(names: tuple[str, ...], wave: str, folder: str, hashed: _Hashed) -> _Kinds:
    """Divide one invented person of every kind with the code that divides respondents."""
    book = hashed.book
    known = [name for name in names if name in book.groups]
    if not known:
        # A breakdown that the codebook does not have; its categories are told as they come.
        return _Unknown(names)
    reads = sorted(set().union(*(_reads(name, book) for name in known)))
    forces, opening = _forces(known, wave, book)
    axes: dict[str, list[Any]] = {
        name: [*book.variables[name].options, pd.NA] for name in reads if name != "force"
    }
    if "force" in reads:
        axes[grouping.FORCE_VARIABLE] = [*forces["force"], pd.NA]
    frame = pd.DataFrame(itertools.product(*axes.values()), columns=list(axes)).astype("Int16")
    groups = grouping.derive(frame, book, forces, opening)[known].astype("string").fillna("")
    answers = grouping.with_derived(frame, book)
    member, kind = np.unique(groups.to_numpy().astype(str), axis=0, return_inverse=True)
    kind = np.asarray(kind).reshape(-1)
    possible = {}
    for name in [n for n in answers if n in book.variables and n != grouping.FORCE_VARIABLE]:
        codes = answers[name].astype("string").fillna("")
        for code in book.variables[name].options:
            here = np.zeros(len(member), dtype=bool)
            here[np.unique(kind[(codes == str(code)).to_numpy()])] = True
            possible[name, str(code)] = here
    return _Kinds(tuple(known), member, possible)


class _Unknown(_Kinds):
    """Categories of a breakdown that nobody defined: they share nobody."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(names, np.empty((_MOST, 1), dtype=str), {})
        object.__setattr__(self, "places", {})

    def of(self, place: Place) -> np.ndarray:
        places: dict[Place, int] = self.places  # type: ignore[attr-defined]
        found = np.zeros(_MOST, dtype=bool)
        found[places.setdefault(place, len(places))] = True
        return found


def _forces(
    names: Iterable[str], wave: str, book: Questionnaire
) -> tuple[pd.DataFrame, str | None]:
    """A force of every kind of dates that the rules tell apart, and the opening month."""
    try:
        opening: str | None = book.opening(wave)
    except InputError:  # a wave that the codebook does not know
        opening = book.opening(grouping.DEFAULT_WAVE)
    months = {str(opening)}
    todo, seen = list(names), set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for term in _terms(name, book):
            if term.name.startswith("force."):
                months |= {value for value in term.values if value != OPENING}
            elif term.name in book.groups:
                todo.append(term.name)
    # A month before the first, and one from each on; none at all falls after the last.
    dates: list[Any] = ["1990-01", *sorted(months), pd.NA]
    rows = itertools.product(dates, dates)
    frame = pd.DataFrame(rows, columns=["first_inspection", "joint_inspection"])
    return frame.assign(force=range(1, len(frame) + 1)), opening
