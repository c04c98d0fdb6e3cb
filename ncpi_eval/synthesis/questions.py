"""What is invented about each question, in one place.

The printed percentages decide the cells that the report speaks of. Everything else that a file of
respondents needs is here, made up to be plausible: how the answers that nobody printed are spread,
how strongly answers hang together within a person, and who left a question out. None of it is
evidence of anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Leanings that a person carries from question to question.
FACTORS = ("view", "knowledge", "training")


@dataclass(frozen=True)
class Spread:
    """A question's invented side.

    Parameters
    ----------
    shares : mapping of int to float
        Rough spread of all answers, any scale; printed percentages then pull it into place.
    order : tuple of int
        Answers from the most to the least favourable; a person's leaning runs along it.
    factor : str
        Which of `FACTORS` moves the answer.
    loading : float
        Correlation of the (latent) answer with that factor, 0 to below 1.
    base : int
        Respondents who answered, where the report prints no base.
    lean : mapping
        ``(breakdown, group) -> {code: factor}``: invented differences between groups.
    skip : int
        Code of "prefer not to say".
    also : mapping
        Response set to whole percentage, not printed but needed for a statement in words.
    exact : mapping
        Response set to a number of respondents, where a later percentage needs a group of a certain
        size.
    skipped_with : str
        Question whose non-respondents leave this one out, too.
    """

    shares: Mapping[int, float]
    order: tuple[int, ...]
    factor: str
    loading: float
    base: int
    skip: int
    lean: Mapping[tuple[str, str], Mapping[int, float]] = field(default_factory=dict)
    also: Mapping[tuple[int, ...], int] = field(default_factory=dict)
    exact: Mapping[tuple[int, ...], int] = field(default_factory=dict)
    skipped_with: str = ""


_AGREE_ORDER = (1, 2, 3, 6, 4, 5)
_TRAINING_ORDER = (1, 2, 3, 5, 4)


def _agreement(
    shares: tuple[float, ...],
    base: int,
    lean: Mapping[tuple[str, str], Mapping[int, float]],
    also: Mapping[tuple[int, ...], int] | None = None,
) -> Spread:
    spread = dict(enumerate(shares, start=1))
    return Spread(spread, _AGREE_ORDER, "view", 0.6, base, 7, lean, also or {})


_SPECIALISTS_SURER = {
    ("area", "child_protection"): {1: 1.7, 2: 1.2, 5: 0.6, 6: 0.5},
    ("area", "custody"): {1: 0.6, 4: 1.4, 5: 1.4, 6: 1.6},
}

# In the order in which they are made; training comes first because later questions hang on it.
SPREADS: Mapping[str, Spread] = {
    "TrainFre_1": Spread({}, _TRAINING_ORDER, "training", 0.5, 846, 6),
    "TrainFre_2": Spread({}, _TRAINING_ORDER, "training", 0.5, 845, 6),
    "TrainFre_3": Spread({}, _TRAINING_ORDER, "training", 0.5, 845, 6),
    "TrainFre_4": Spread({}, _TRAINING_ORDER, "training", 0.5, 846, 6),
    "DecSupp": Spread(
        {1: 30, 2: 44, 3: 12.7, 4: 6.3, 5: 3, 6: 4},
        (1, 2, 3, 6, 4, 5),
        "view",
        0.6,
        845,
        7,
        # 65% and 29% of the unsupported are printed: both exist for 79 respondents, with room.
        exact={(4, 5): 79},
        skipped_with="DecConf",
    ),
    "DecConf": Spread(
        {1: 32, 2: 48, 3: 10.5, 4: 7, 5: 1.5, 6: 1}, (1, 2, 3, 6, 4, 5), "view", 0.4, 846, 7
    ),
    "NCPIInsp": Spread(
        {1: 14, 2: 23, 3: 3, 4: 60},
        (1, 2, 3, 4),
        "knowledge",
        0.6,
        850,
        5,
        {
            ("inspection_status", "uninspected"): {1: 0.35, 2: 0.8, 3: 4.0},
            ("area", "child_protection"): {1: 1.8, 4: 0.7},
            ("rank", "inspector_or_above"): {1: 3.0, 4: 0.5},
            ("awareness", "unaware"): {1: 0.4, 2: 0.7, 4: 1.6},
        },
    ),
    "NCPIAware": Spread(
        {1: 20.3, 2: 6.2, 3: 10.8, 4: 2.4, 5: 2.9, 6: 55, 7: 2.05, 8: 0.35},
        (5, 1, 4, 2, 3, 7, 8, 6),
        "knowledge",
        0.7,
        849,
        9,
        {
            ("inspection_status", "uninspected"): {6: 1.5},
            ("area", "child_protection"): {6: 0.5},
            ("rank", "inspector_or_above"): {6: 0.3, 5: 2.0},
        },
    ),
    "NCPIAims": Spread(
        {1: 7, 2: 31, 3: 12, 4: 20, 5: 26, 6: 4},
        (1, 2, 3, 4, 6, 5),
        "knowledge",
        0.8,
        846,
        7,
        {
            ("area", "child_protection"): {1: 1.8, 2: 1.3, 5: 0.6},
            ("area", "custody"): {1: 0.5, 2: 0.8, 5: 1.4},
            ("rank", "inspector_or_above"): {1: 2.5, 2: 1.5, 5: 0.4},
            ("awareness", "unaware"): {1: 0.1, 2: 0.3, 4: 1.6, 5: 2.2},
        },
    ),
    "TrainHelp": Spread(
        {1: 26, 2: 44, 3: 12, 4: 10, 5: 5, 6: 3},
        (1, 2, 3, 6, 4, 5),
        "view",
        0.5,
        846,
        7,
        {("trained", "not_trained"): {1: 0.1, 2: 0.2, 3: 1.5, 4: 1.5, 5: 2.5, 6: 14.0}},
    ),
    "Info": Spread({1: 29, 2: 56, 3: 10, 4: 5}, (1, 2, 4, 3), "training", 0.4, 848, 5),
    "FEff": Spread({1: 25, 2: 44, 3: 18, 4: 3, 5: 10}, (1, 2, 3, 5, 4), "view", 0.6, 848, 6),
    "TrainEqu_1": _agreement((17, 49, 17, 9, 3, 5), 845, lean=_SPECIALISTS_SURER),
    "TrainEqu_2": _agreement((16, 48, 18, 10, 3, 5), 844, lean=_SPECIALISTS_SURER),
    "FSyst_1": _agreement((24, 55, 10, 5, 2, 4), 847, lean=_SPECIALISTS_SURER),
    "FSyst_2": _agreement((14, 42, 18, 16, 6, 4), 846, lean=_SPECIALISTS_SURER),
    "FSyst_3": _agreement((8, 30, 33, 15, 5, 9), 845, lean=_SPECIALISTS_SURER),
    "FSyst_4": _agreement((14, 44, 19, 7, 3, 13), 846, lean=_SPECIALISTS_SURER),
    "FLis": _agreement(
        (17, 46, 23, 5, 2, 6.7),
        849,
        lean={("inspection_status", "uninspected"): {1: 0.75, 3: 1.2, 6: 1.5}},
        # Footnote 15: the percentages of figure C.1 add to less than 100.
        also={(3,): 23, (4, 5): 7, (6,): 6},
    ),
    "LeEv": Spread(
        {1: 1.5, 2: 3.5, 3: 81, 4: 14},
        (1, 2, 4, 3),
        "knowledge",
        0.7,
        849,
        5,
        {("rank", "inspector_or_above"): {1: 4.0, 2: 4.0}},
    ),
    "LeEvInt": Spread({1: 68, 2: 11, 3: 21}, (1, 3, 2), "view", 0.2, 848, 4),
    "NCPIimp": Spread(
        {1: 23, 2: 6, 3: 2, 4: 69},
        (1, 2, 3, 4),
        "knowledge",
        0.6,
        834,
        5,
        {("awareness", "unaware"): {1: 0.35, 4: 2.0}},
    ),
}

# Training: the most recent of the four subjects, spread of recency classes 1 to 5 of TrainAny, and
# which subject was the one that puts a person into the class.
RECENCY = {1: 47.0, 2: 22.0, 3: 12.0, 4: 9.5, 5: 9.5}
SUBJECT = {1: 0.2, 2: 0.08, 3: 0.5, 4: 0.22}

# Answers on the other subjects, given the class; codes above the class cannot occur.
OTHER_SUBJECTS = {
    1: {1: 58.0, 2: 14.0, 3: 8.0, 4: 14.0, 5: 6.0},
    2: {2: 56.0, 3: 14.0, 4: 20.0, 5: 10.0},
    3: {3: 62.0, 4: 24.0, 5: 14.0},
    4: {4: 1.0},
    5: {4: 45.0, 5: 55.0},
}

# Training in the year before the survey was likelier with an inspection of any kind (printed as a
# statement only); sizes of the difference are invented.
RECENCY_LEAN = {("any_inspection", "neither"): {1: 0.6}}
