"""Which groups are made of the same people, worked out from the codebook's own rules.

Whoever knows how groups are defined can add and subtract them: those inspected before 2017 and
from 2017 are together those inspected. Nothing is listed by hand here. Every rule of
`data/questionnaire/groups.csv` is taken back to what it reads (option codes, grids, dates of a
force), and people who cannot be told apart by any group become one *atom*. Groups are sums of
atoms; a group that is added to the codebook is understood like the others.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ncpi_eval import paths
from ncpi_eval import questionnaire as codebook
from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.questionnaire import OPENING, Questionnaire, Term

Place = tuple[str, str]
"""A group: breakdown and category."""

# An opening month that nobody knows lies after every month that a rule names.
_LATER = "9999-12"
# Combinations of answers and dates that one block of groups may have before it is refused.
_LARGEST = 4_000_000


@dataclass(frozen=True)
class Block:
    """Breakdowns that read something in common, and the atoms that they are made of.

    Parameters
    ----------
    variables : tuple of str
        Breakdowns.
    groups : tuple of (breakdown, category)
        Every category of them.
    member : array of bool, (groups, atoms)
        Which atoms a group is made of. Atoms that are in no group are there, too.
    possible : dict of (question, code) to array of bool
        Atoms in which people with this answer can be, for answers that the rules read; all atoms
        for any other answer.
    """

    variables: tuple[str, ...]
    groups: tuple[Place, ...]
    member: np.ndarray
    possible: Mapping[tuple[str, str], np.ndarray]

    def can_be(self, question: str, response: str) -> np.ndarray:
        """Atoms in which people with this answer to the question can be."""
        return self.possible.get((question, response), np.ones(self.member.shape[1], dtype=bool))


def blocks(questionnaire: Questionnaire, wave: str = "") -> tuple[Block, ...]:
    """The codebook's breakdowns, those that read something in common together.

    Parameters
    ----------
    questionnaire : Questionnaire
        Groups and their rules.
    wave : str
        Says when the survey opened, where rules compare a date with that.

    Raises
    ------
    DesignError
        If breakdowns read so much in common that its combinations cannot be enumerated.
    """
    return tuple(_Block(questionnaire, names, wave).build() for names in _connected(questionnaire))


def of_default_codebook(wave: str) -> tuple[Block, ...]:
    """As `blocks` for the project's own codebook; worked out once."""
    return _cached(str(paths.data("questionnaire")), wave)


@functools.lru_cache(maxsize=32)
def _cached(folder: str, wave: str) -> tuple[Block, ...]:
    return blocks(codebook.load(folder), wave)


def of_unknown(variable: str, categories: Iterable[str]) -> Block:
    """A breakdown that the codebook does not have: its categories share nobody."""
    groups = tuple((variable, category) for category in sorted(categories))
    return Block((variable,), groups, np.eye(len(groups), len(groups) + 1, dtype=bool), {})


def _connected(book: Questionnaire) -> list[list[str]]:
    """Names of groups, put together where they read something in common."""
    parts: list[tuple[set[str], list[str]]] = []
    for name in book.groups:
        reads = _reads(book, name)
        together = [part for part in parts if part[0] & reads]
        names = [other for part in together for other in part[1]] + [name]
        parts = [part for part in parts if part not in together]
        parts.append((reads.union(*(part[0] for part in together)), names))
    order = list(book.groups)
    return [sorted(names, key=order.index) for _, names in parts]


def _reads(book: Questionnaire, name: str) -> set[str]:
    """What the rules of a group or derived question read in the end; a grid is one thing."""
    found = set()
    for term in _terms(book, name):
        if term.name in book.groups or term.name in book.derived:
            found |= _reads(book, term.name)
        else:
            found.add("force" if term.name.startswith("force.") else _grid(book, term.name))
    return found


def _terms(book: Questionnaire, name: str) -> list[Term]:
    """Every condition in the rules of a group or derived question."""
    rules: Mapping = book.groups[name].rules if name in book.groups else book.derived[name]
    return [term for terms in rules.values() for term in terms]


def _grid(book: Questionnaire, name: str) -> str:
    return name if name not in book.variables else book.variables[name].grid or name


class _Block:
    """Enumerates the combinations of everything that the rules of some groups read."""

    def __init__(self, book: Questionnaire, names: list[str], wave: str) -> None:
        self.book = book
        self.names = names
        try:
            self.opening = book.opening(wave)
        except codebook.InputError:
            self.opening = _LATER
        self.codes: dict[str, list[set[int]]] = {}
        self.grids: dict[Term, None] = {}
        self.dates: dict[str, set[str]] = {}
        for name in names:
            self._collect(name)

    def _collect(self, name: str) -> None:
        for term in _terms(self.book, name):
            if term.quantifier:
                self.grids[term] = None
            elif term.name.startswith("force."):
                self.dates.setdefault(term.name, set()).add(self._month(term))
            elif term.name in self.book.groups or term.name in self.book.derived:
                self._collect(term.name)
            else:
                self.codes.setdefault(term.name, []).append(set(term.codes))

    def _month(self, term: Term) -> str:
        return self.opening if term.values[0] == OPENING else term.values[0]

    def build(self) -> Block:
        """Atoms: combinations that no group tells apart."""
        self._axes()
        groups = [(name, c) for name in self.names for c in self.book.groups[name].categories]
        member = np.array([self._category(name) == c for name, c in groups])
        packed = np.packbits(member, axis=0)
        _, first, atom = np.unique(packed, axis=1, return_index=True, return_inverse=True)
        atom = np.asarray(atom).reshape(-1)
        possible = {}
        for question, code in self._answers():
            reached = np.zeros(len(first), dtype=bool)
            reached[np.unique(atom[self._given(question, code)])] = True
            possible[question, str(code)] = reached
        return Block(tuple(self.names), tuple(groups), member[:, first], possible)

    def _axes(self) -> None:
        """One axis for each thing that is read; its places are what rules can tell apart."""
        self.classes = {name: self._classes(name, sets) for name, sets in self.codes.items()}
        sizes = {name: len(classes) for name, classes in self.classes.items()}
        sizes |= {str(term): 2 for term in self.grids}
        # After the last month also those without a date; then those of whom nothing is recorded.
        sizes |= {name: len(months) + 2 for name, months in self.dates.items()}
        if self.dates:
            sizes["force"] = 2
        total = int(np.prod(list(sizes.values()), dtype=float))
        if total > _LARGEST:
            raise DesignError(
                "These groups read too much in common to be protected.",
                [
                    Problem(
                        "groups.csv, " + ", ".join(self.names),
                        f"{total} combinations of what their rules read",
                        f"at most {_LARGEST}",
                        "make fewer breakdowns of breakdowns",
                    )
                ],
            )
        places = np.indices(tuple(sizes.values()), dtype=np.int16).reshape(len(sizes), -1)
        self.at = dict(zip(sizes, places, strict=True))
        self.size = places.shape[1]
        self.known: dict[str, np.ndarray] = {}

    def _classes(self, name: str, sets: list[set[int]]) -> list[set[int]]:
        """Codes of a question that no rule tells apart; the empty class is no answer."""
        by_rule: dict[tuple[bool, ...], set[int]] = {}
        for code in self.book.variables[name].options:
            by_rule.setdefault(tuple(code in one for one in sets), set()).add(code)
        return [*by_rule.values(), set()]

    def _category(self, name: str) -> np.ndarray:
        """Category (of a group) or code (of a derived question): the first whose rule holds."""
        if name not in self.known:
            rules: Mapping = (
                self.book.groups[name].rules
                if name in self.book.groups
                else self.book.derived[name]
            )
            found = np.full(self.size, None, dtype=object)
            for category, terms in rules.items():
                holds = np.logical_and.reduce([self._holds(term) for term in terms])
                found[holds & np.array([value is None for value in found])] = category
            self.known[name] = found
        return self.known[name]

    def _holds(self, term: Term) -> np.ndarray:
        if term.quantifier:
            return self.at[str(term)] == 1
        if term.name.startswith("force."):
            months = sorted(self.dates[term.name])
            position = self.at[term.name]
            recorded = (position <= len(months)) & (self.at["force"] == 1)
            before = position <= months.index(self._month(term))
            return recorded & (before if term.operator == "before" else ~before)
        wanted: set = set(term.values if term.name in self.book.groups else term.codes)
        if term.name in self.classes:
            classes = self.classes[term.name]
            among = np.array([bool(one & wanted) for one in classes])[self.at[term.name]]
            answered = np.array([bool(one) for one in classes])[self.at[term.name]]
        else:
            values = self._category(term.name)
            among = np.isin(values.astype(str), [str(value) for value in wanted])
            answered = np.array([value is not None for value in values])
        return among if term.operator == "in" else answered & ~among

    def _answers(self) -> list[tuple[str, int]]:
        """Questions that the rules read, or that are worked out from them, with their codes."""
        grids = {term.name for term in self.grids}
        read = [
            name
            for name, variable in self.book.variables.items()
            if name in self.classes
            or variable.grid in grids
            or (name in self.book.derived and _reads(self.book, name) & grids)
        ]
        return [(name, code) for name in read for code in self.book.variables[name].options]

    def _given(self, question: str, code: int) -> np.ndarray:
        """Combinations that are possible for people with this answer."""
        possible = np.ones(self.size, dtype=bool)
        if question in self.classes:
            classes = self.classes[question]
            possible &= np.array([code in one for one in classes])[self.at[question]]
        if question in self.book.derived and self._is_readable(question):
            possible &= np.isin(self._category(question).astype(str), [str(code)])
        variable = self.book.variables[question]
        for term in self.grids:
            # A code that leaves the base counts as no answer to the item.
            if term.name != variable.grid or code not in variable.base_codes:
                continue
            hit = (code in term.codes) == (term.operator == "in")
            if hit and term.quantifier == "any":
                possible &= self.at[str(term)] == 1
            if not hit and term.quantifier == "all":
                possible &= self.at[str(term)] == 0
        return possible

    def _is_readable(self, question: str) -> bool:
        terms = _terms(self.book, question)
        return all(term in self.grids or term.name in self.classes for term in terms)
