"""An attacker on released survey estimates, written apart from what protects them.

Knows every released number, how the groups are made (written down here by hand, not read from the
codebook), and that nobody is counted below zero; looks for withheld numbers that can only have one
value. Each question is one linear system over all its breakdowns at once.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from scipy import linalg, optimize, sparse

TIMING = ("before_2017", "from_2017", "uninspected", None)
JOINT = (True, False, None)
AREA = ("custody", "child_protection", "neighbourhood", "other", None)
TRAINED = {"last_year": "trained", "over_a_year": "trained", "never_or_dont_know": "not_trained"}
SIMPLE = {
    "service": ("up_to_5_years", "over_5_years"),
    "support": ("supported", "not_supported"),
    "rank": ("frontline", "inspector_or_above", "other"),
    "awareness": ("aware", "unaware"),
    "information": ("has_all", "not_all"),
}


def _inspection(timing, joint, area):
    """Groups of one kind of people, by when their force was inspected and where they work."""
    status = None if timing is None else "uninspected" if timing == "uninspected" else "inspected"
    both = None
    if status and joint is not None:
        both = {
            ("inspected", True): "inspected_and_joint",
            ("inspected", False): "inspected_only",
            ("uninspected", True): "joint_only",
            ("uninspected", False): "neither",
        }[status, joint]
    found = {"inspection_timing": timing, "inspection_status": status, "area": area}
    found["joint_inspection"] = both
    if both:
        found["any_inspection"] = "neither" if both == "neither" else "inspected_or_joint"
    if status and area:
        found["status_by_area"] = f"{area}_{status}"
    return {(k, v) for k, v in found.items() if v}


def blocks():
    """Kinds of people of each block of breakdowns: a list of sets of groups."""
    yield [_inspection(*kind) for kind in itertools.product(TIMING, JOINT, AREA)]
    yield [set(), *({("training_recency", r), ("trained", t)} for r, t in TRAINED.items())]
    for variable, categories in SIMPLE.items():
        yield [set(), *({(variable, category)} for category in categories)]


def _impossible(question, option, groups):
    """Whether an answer puts a person elsewhere by definition."""
    of = dict(groups)
    if question == "DecSupp":
        return of.get("support") != {"1": "supported", "2": "supported", "4": "not_supported",
                                     "5": "not_supported"}.get(option)  # fmt: skip
    if question == "Info":
        return of.get("information") != ("has_all" if option == "1" else "not_all")
    if question == "NCPIAware":
        return of.get("awareness") != ("unaware" if option == "6" else "aware")
    if question == "TrainAny":
        recency = {"1": "last_year", "2": "over_a_year", "3": "over_a_year"}
        return of.get("training_recency") != recency.get(option, "never_or_dont_know")
    if question.startswith("TrainFre"):
        possible = {
            "1": {"last_year"},
            "2": {"last_year", "over_a_year"},
            "3": {"last_year", "over_a_year"},
        }
        return of.get("training_recency") not in possible.get(
            option, {"last_year", "over_a_year", "never_or_dont_know"}
        )
    return False


_OF_BLOCK = {
    "DecSupp": "support",
    "Info": "information",
    "NCPIAware": "awareness",
    "TrainAny": "training_recency",
    **{f"TrainFre_{n}": "training_recency" for n in range(1, 5)},
}


def recovered(released: pd.DataFrame, exact: pd.DataFrame) -> list[str]:
    """Ids of withheld rows, and of hidden bases, whose number follows from what was released.

    Numbers that are no secret (zero, or the whole base) are not looked for.
    """
    found = []
    for question, rows in released.groupby("question", sort=True):
        if rows["suppressed"].any():
            found += _of_question(str(question), rows, exact.loc[rows.index])
    return found


def _of_question(question, rows, exact):
    options = sorted({o for r in rows["response"] for o in r.split("|")})
    names = []
    for block, kinds in enumerate(blocks()):
        here = {variable for kind in kinds for variable, _ in kind}
        fixed = _OF_BLOCK.get(question) in here
        kinds = list(map(set, dict.fromkeys(map(frozenset, kinds))))
        names += [
            (block, option, kind)
            for option in options
            for kind in kinds
            if not (fixed and _impossible(question, option, kind))
        ]
    many = max(block for block, _, _ in names) + 1

    def total(counted, place, block):
        return np.array(
            [
                float(b == block and o in counted and (place == ("all", "all") or place in kind))
                for b, o, kind in names
            ]
        )

    def vectors(counted, place):
        if place == ("all", "all"):
            return [total(counted, place, block) for block in range(many)]
        return [sum(total(counted, place, block) for block in range(many))]

    left, right, hidden = [], [], []
    # Every block is about the same people.
    for option, block in itertools.product(options, range(1, many)):
        left.append(total({option}, ("all", "all"), 0) - total({option}, ("all", "all"), block))
        right.append(0.0)
    bases = {}
    columns = ["response", "subgroup_variable", "subgroup", "count", "denominator", "id"]
    for row, truth in zip(
        rows[columns].itertuples(index=False), exact[columns].itertuples(index=False), strict=True
    ):
        place = (row.subgroup_variable, row.subgroup)
        counted = set(row.response.split("|"))
        if pd.notna(row.count):
            left += (made := vectors(counted, place))
            right += [row.count] * len(made)
        elif 0 < truth.count < truth.denominator:
            hidden.append((row.id, vectors(counted, place)[0]))
        bases[place] = (row.denominator, truth.denominator)
    for place, (base, truth) in bases.items():
        if pd.notna(base):
            left += (made := vectors(set(options), place))
            right += [base] * len(made)
        elif truth:
            hidden.append((f"base of {place}", vectors(set(options), place)[0]))
    return _pinned(np.array(left), np.array(right), hidden)


def _pinned(left, right, hidden):
    """Which sums have one value only: those in the span of what is known and what must be zero."""
    size = left.shape[1]
    # As many unknowns above zero as can be, once all numbers may be multiplied by one factor.
    most = optimize.linprog(
        np.concatenate([-np.ones(size), np.zeros(size + 1)]),
        A_eq=sparse.csr_array(np.hstack([left, left, -right[:, None]])),
        b_eq=np.zeros(len(right)),
        bounds=[(0, 1)] * size + [(0, None)] * size + [(1, None)],
    )
    if most.x is None:
        raise AssertionError("What was released contradicts itself.")
    free = most.x[:size] + most.x[size:-1] > 1e-6
    space = linalg.null_space(left[:, free], rcond=1e-10)
    return [
        name for name, vector in hidden if not np.abs(vector[free] @ space).max(initial=0) > 1e-7
    ]
