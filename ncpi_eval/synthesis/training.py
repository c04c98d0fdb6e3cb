"""Recency of training in four subjects.

A respondent's class is the most recent of the four subjects, which the report prints numbers for.
One subject is the one that sets the class; the others may be no more recent. So classes and
subjects are decided together first, and each subject then keeps within the classes.
"""

from __future__ import annotations

import numpy as np

from ncpi_eval.synthesis.dealing import (
    Sheet,
    State,
    answering,
    expectation,
    fill,
    printed_base,
    sheet,
)
from ncpi_eval.synthesis.questions import (
    OTHER_SUBJECTS,
    RECENCY,
    RECENCY_LEAN,
    SPREADS,
    SUBJECT,
    Spread,
)

SUBJECTS = ("TrainFre_1", "TrainFre_2", "TrainFre_3", "TrainFre_4")

# Class of `TrainAny` to the group that the report breaks questions down by.
RECENCY_GROUP = {
    1: "last_year",
    2: "over_a_year",
    3: "over_a_year",
    4: "never_or_dont_know",
    5: "never_or_dont_know",
}
TRAINED = {group: "trained" for group in ("last_year", "over_a_year")}
TRAINED["never_or_dont_know"] = "not_trained"

# Class and subject in one number: 10 x class + subject; nobody without any training has a subject.
UNTRAINED = 40
TYPES = tuple(
    [10 * k + s for k in (1, 2, 3) for s in SUBJECT] + [UNTRAINED] + [50 + s for s in SUBJECT]
)


def add(state: State) -> None:
    """Decide class and subject, then the four subjects."""
    _classes(state)
    for subject, name in enumerate(SUBJECTS, start=1):
        _subject(state, name, subject)


def _classes(state: State) -> None:
    """Class and subject of each respondent, and the groups that follow."""
    shares = {kind: RECENCY[kind // 10] * SUBJECT.get(kind % 10, 1.0) for kind in TYPES}
    lean = {
        group: {kind: factors[kind // 10] for kind in TYPES if kind // 10 in factors}
        for group, factors in RECENCY_LEAN.items()
    }
    spread = Spread(shares, TYPES, "training", 0.5, SPREADS["TrainFre_1"].base, 0, lean)
    page = sheet(
        state,
        "TrainAny",
        spread,
        answering(state, "TrainAny", spread),
        ["inspection_status", "area"],
    )
    expected = expectation(page.cells, shares, lean)
    classes = [kind // 10 for kind in TYPES]
    kind = fill(state, page, TYPES, expected, fixed=True, counted_as=classes)[0]
    people = state.people
    people["class"], people["anchor"] = kind // 10, kind % 10
    people["training_recency"] = people["class"].map(RECENCY_GROUP).fillna("none")
    people["trained"] = people["training_recency"].map(TRAINED).fillna("none")


def _subject(state: State, name: str, subject: int) -> None:
    """Recency of training in one subject, within the classes of the most recent."""
    people, spread = state.people, SPREADS[name]
    people["is_anchor"] = people["anchor"] == subject
    who = (people["class"] > 0).to_numpy(copy=True)
    who[_left_out(state, name, who, spread.base)] = False
    page = sheet(state, name, spread, who, ["class", "is_anchor", "area", "inspection_status"])
    state.answers[name] = fill(state, page, (1, 2, 3, 4, 5), _expected(page), fixed=True)


def _expected(page: Sheet) -> np.ndarray:
    """Expected respondents by cell and recency; no more recent than the class."""
    codes = (1, 2, 3, 4, 5)
    table = np.array(
        [
            [float(code == k) if anchor else OTHER_SUBJECTS[k].get(code, 0.0) for code in codes]
            for k, anchor in zip(page.cells["class"], page.cells["is_anchor"], strict=True)
        ]
    )
    return table * (page.cells["size"].to_numpy() / table.sum(axis=1))[:, None]


def _left_out(state: State, name: str, who: np.ndarray, base: int) -> np.ndarray:
    """Respondents who answered on other subjects only; never on the one that sets their class."""
    excess = int(who.sum()) - printed_base(state, name, base)
    free = np.flatnonzero(who & ~state.people["is_anchor"] & (state.people["class"] < 4))
    return state.rng(name + " missing").permutation(free)[:excess]
