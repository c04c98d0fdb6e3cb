"""The synthetic respondents, question by question.

Printed percentages fix how many respondents of each cell give each answer (`calibration`). Who of a
cell gives which answer is drawn: answers follow a person's leanings, the lean of the force, and
chance, in proportions that are invented. A larger file is made of blocks of 856: every block has the
same cells and leans of forces, and its own chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ncpi_eval.synthesis import forces as force_module
from ncpi_eval.synthesis import profile, targets
from ncpi_eval.synthesis.calibration import Puzzle, solve
from ncpi_eval.synthesis.questions import (
    OTHER_SUBJECTS,
    RECENCY,
    RECENCY_LEAN,
    SPREADS,
    SUBJECT,
    Spread,
)

SEED = 20190225
INTRA_FORCE_CORRELATION = 0.02

SUBJECTS = ("TrainFre_1", "TrainFre_2", "TrainFre_3", "TrainFre_4")
UNAWARE = 6

# Respondents who give the first or the last answer of every list they can.
STRAIGHT_LINERS = 8

# Answers where the routing forbids one, as freely skippable web surveys produce.
STRAY_EVENT_ANSWERS = 3


@dataclass
class State:
    """What the stages share.

    Attributes
    ----------
    people : DataFrame
        One row per respondent of a block: background, breakdowns, leanings.
    answers : dict
        Codes by question, blocks by respondents, 0 where unanswered.
    notes : dict
        How comfortable each solution is (see `calibration.COMFORT`), by question.
    """

    people: pd.DataFrame
    targets: Sequence[targets.Target]
    claims: Sequence[targets.Claim]
    bases: Mapping[str, tuple[int, int]]
    blocks: int
    icc: float
    seed: int
    answers: dict[str, np.ndarray] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)

    def rng(self, name: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one change does not move the rest."""
        return np.random.default_rng([self.seed, *name.encode()])


def build(
    figures: pd.DataFrame,
    readings: pd.DataFrame | None = None,
    *,
    rows: int = profile.RESPONDENTS,
    icc: float = INTRA_FORCE_CORRELATION,
    seed: int = SEED,
) -> tuple[pd.DataFrame, pd.DataFrame, State]:
    """Closed answers of synthetic respondents and the table of their forces.

    Parameters
    ----------
    figures : DataFrame
        The transcription of the published figures.
    readings : DataFrame, optional
        Chosen readings of doubtful points, put in first.
    rows : int
        Respondents, at least 1. Exactly 856, and every multiple, give every printed percentage.
    icc : float
        Intra-force correlation of the answers, 0 to below 0.2.
    seed : int

    Returns
    -------
    (DataFrame, DataFrame, State)
        Respondents (``serial``, closed questions as nullable integers, ``data_kind``), the force
        table, and the state that open-text answers are written from.

    Raises
    ------
    DesignError
        If the printed percentages of a question cannot hold together; names them.
    """
    state = start(figures, readings, blocks=-(-rows // profile.RESPONDENTS), icc=icc, seed=seed)
    forces = force_module.build(state.rng("forces"))
    state.people = _ready(profile.build(forces, state.rng("profile")), state)
    _training(state)
    _one(state, "DecSupp", fixed=True)
    _support(state)
    _awareness(state)
    for name in SPREADS:
        if name not in state.answers:
            _one(state, name)
    _learning_event(state)
    return _frame(state, rows), forces.table, state


def start(
    figures: pd.DataFrame,
    readings: pd.DataFrame | None = None,
    *,
    blocks: int = 1,
    icc: float = INTRA_FORCE_CORRELATION,
    seed: int = SEED,
) -> State:
    """State before the first stage: what was printed about the questions that are synthesised."""
    read = targets.apply_readings(figures, readings)
    questions = [*SPREADS, "TrainAny"]
    return State(
        pd.DataFrame(),
        targets.targets(read, questions),
        targets.claims(read, questions),
        targets.bases(read, questions),
        blocks,
        icc,
        seed,
    )


def _ready(people: pd.DataFrame, state: State) -> pd.DataFrame:
    """Add reluctance to answer, straight-lining and the leans that forces share over questions."""
    rng = state.rng("people")
    people["reluctance"] = rng.standard_exponential(len(people))
    people["straight"] = 0
    open_minded = np.flatnonzero(~people["guarded"])
    chosen = rng.permutation(open_minded)[:STRAIGHT_LINERS]
    people.loc[chosen, "straight"] = np.where(np.arange(STRAIGHT_LINERS) < 5, 1, -1)
    people.attrs["common"] = rng.standard_normal(len(force_module.NAMES))
    for name in ("training_recency", "trained", "support", "awareness"):
        people[name] = "none"
    return people


def _answering(state: State, name: str, spread: Spread) -> np.ndarray:
    """Who answers: as many as the printed base, the most reluctant left out."""
    people = state.people
    least, most = state.bases.get(name, (spread.base, spread.base))
    base = min(max(spread.base, least), most)
    score = people["reluctance"] * 0.8 + state.rng(
        (spread.skipped_with or name) + " missing"
    ).standard_exponential(len(people))
    score = score + np.where(people["guarded"], 100.0, 0.0)
    out = np.argsort(-score.to_numpy(), kind="stable")[: len(people) - base]
    answering = np.ones(len(people), dtype=bool)
    answering[out] = False
    return answering


def _cells(people: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Cell number of each respondent, and the cells with their sizes."""
    if not columns:
        return np.zeros(len(people), dtype=int), pd.DataFrame({"size": [len(people)]})
    grouped = people.groupby(list(columns), sort=True)
    cells = grouped.size().rename("size").reset_index()
    return grouped.ngroup().to_numpy(), cells


def _columns(
    state: State, name: str, spread_columns: Sequence[str] = ()
) -> tuple[list[targets.Target], list[targets.Claim], list[str]]:
    """What was printed about a question and the breakdowns that this needs."""
    mine = [t for t in state.targets if t.question == name]
    also = SPREADS[name].also if name in SPREADS else {}
    mine += [targets.Target(name, codes, "all", "all", value) for codes, value in also.items()]
    said = [c for c in state.claims if c.question == name and c.variable in state.people]
    # A difference between most groups of a breakdown is one of the breakdown as a whole.
    wide = {replace(c, groups=()) for c in said if c.significant and len(c.groups) > 2}
    said = sorted({*said, *wide})
    used = {t.variable for t in mine} | {c.variable for c in said} | set(spread_columns)
    return mine, said, sorted(used - {"all"})


def _one(state: State, name: str, fixed: bool = False) -> None:
    """Calibrate and deal one question."""
    spread = SPREADS[name]
    answering = _answering(state, name, spread)
    mine, said, columns = _columns(state, name, [variable for variable, _ in spread.lean])
    expected_of = {code: share for code, share in spread.shares.items()}
    inside = state.people[answering]
    number, cells = _cells(inside, columns)
    expected = _expected(cells, expected_of, spread.lean)
    if name == "NCPIAware":
        expected = _route_awareness(cells, expected, list(expected_of))
    puzzle = Puzzle(cells, list(expected_of), expected, mine, said, spread.exact)
    table, state.notes[name] = solve(puzzle, state.rng(name + " cells"))
    state.answers[name] = _deal(
        state, name, answering, number, table, list(expected_of), spread, fixed
    )


def _expected(
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


def _deal(
    state: State,
    name: str,
    answering: np.ndarray,
    number: np.ndarray,
    table: np.ndarray,
    codes: Sequence[int],
    spread: Spread,
    fixed: bool,
) -> np.ndarray:
    """Give each cell's answers to its respondents in order of their leaning, blocks by respondents."""
    people = state.people[answering]
    blocks = 1 if fixed else state.blocks
    score = _score(state, name, people, spread, blocks)
    order = np.argsort(number * 1000.0 - score, axis=1, kind="stable")
    columns = [list(codes).index(code) for code in spread.order if code in codes]
    template = np.concatenate(
        [np.repeat([codes[c] for c in columns], cell[columns]) for cell in table]
    )
    given = np.empty((blocks, len(people)), dtype=np.int16)
    np.put_along_axis(given, order, np.broadcast_to(template.astype(np.int16), given.shape), axis=1)
    result = np.zeros((state.blocks, len(answering)), dtype=np.int16)
    result[:, answering] = given
    return result


def _score(
    state: State, name: str, people: pd.DataFrame, spread: Spread, blocks: int
) -> np.ndarray:
    """Latent answer: leaning of the person, lean of the force, chance; high is favourable."""
    rng = state.rng(name)
    lean = force_module.effects(
        people["force"].to_numpy(),
        people["force_group"].to_numpy(),
        state.people.attrs["common"],
        rng,
    )
    alike = min(state.icc * force_module.LATENT_PER_ICC, 1 - spread.loading**2)
    fixed_part = spread.loading * people[spread.factor].to_numpy() + np.sqrt(alike) * lean
    chance = np.sqrt(max(0.0, 1 - spread.loading**2 - alike))
    score = fixed_part + chance * rng.standard_normal((blocks, len(people)))
    straight = people["straight"].to_numpy() if spread.factor == "view" else 0
    return score + 50.0 * straight


def _training(state: State) -> None:
    """Recency of training in four subjects: the class of the most recent, then each subject."""
    people = state.people
    spread = Spread({}, (), "training", 0.5, SPREADS["TrainFre_1"].base, 6)
    answering = _answering(state, "TrainAny", spread)
    codes = [10 * k + s for k in (1, 2, 3) for s in SUBJECT] + [40] + [50 + s for s in SUBJECT]
    shares = {code: RECENCY[code // 10] * SUBJECT.get(code % 10, 1.0) for code in codes}
    lean = {
        group: {code: factors[code // 10] for code in codes if code // 10 in factors}
        for group, factors in RECENCY_LEAN.items()
    }
    mine, said, columns = _columns(
        state, "TrainAny", ["any_inspection", "inspection_status", "area"]
    )
    number, cells = _cells(people[answering], columns)
    classes = [code // 10 for code in codes]
    puzzle = Puzzle(cells, classes, _expected(cells, shares, lean), mine, said)
    table, state.notes["TrainAny"] = solve(puzzle, state.rng("TrainAny cells"))
    order = tuple(codes)
    kind = _deal(
        state,
        "TrainAny",
        answering,
        number,
        table,
        codes,
        Spread({}, order, "training", 0.5, 0, 6),
        True,
    )[0]
    people["class"], people["anchor"] = kind // 10, kind % 10
    recency = {
        1: "last_year",
        2: "over_a_year",
        3: "over_a_year",
        4: "never_or_dont_know",
        5: "never_or_dont_know",
    }
    people["training_recency"] = people["class"].map(recency).fillna("none")
    trained = {
        "last_year": "trained",
        "over_a_year": "trained",
        "never_or_dont_know": "not_trained",
    }
    people["trained"] = people["training_recency"].map(trained).fillna("none")
    for number_of_subject, name in enumerate(SUBJECTS, start=1):
        _subject(state, name, number_of_subject)


def _subject(state: State, name: str, subject: int) -> None:
    """Recency of training in one subject, within the classes of the most recent."""
    people = state.people
    spread = SPREADS[name]
    answering = (people["class"] > 0).to_numpy(copy=True)
    people["is_anchor"] = people["anchor"] == subject
    answering[_unanswered_subject(state, name, answering, spread.base)] = False
    mine, said, columns = _columns(state, name, ["area", "inspection_status"])
    number, cells = _cells(people[answering], ["class", "is_anchor", *columns])
    codes = [1, 2, 3, 4, 5]
    expected = np.array(
        [
            [float(code == k) if anchored else OTHER_SUBJECTS[k].get(code, 0.0) for code in codes]
            for k, anchored in zip(cells["class"], cells["is_anchor"])
        ]
    )
    expected *= (cells["size"].to_numpy() / expected.sum(axis=1))[:, None]
    puzzle = Puzzle(cells, codes, expected, mine, said)
    table, state.notes[name] = solve(puzzle, state.rng(name + " cells"))
    state.answers[name] = _deal(state, name, answering, number, table, codes, spread, True)


def _unanswered_subject(state: State, name: str, answering: np.ndarray, base: int) -> np.ndarray:
    """Respondents who answered on other subjects only; never on the one that sets their class."""
    least, most = state.bases.get(name, (base, base))
    excess = int(answering.sum()) - min(max(base, least), most)
    free = np.flatnonzero(answering & ~state.people["is_anchor"] & (state.people["class"] < 4))
    return state.rng(name + " missing").permutation(free)[:excess]


def _support(state: State) -> None:
    """Groups by support, fixed over blocks because confidence is broken down by them."""
    supported = {1: "supported", 2: "supported", 4: "not_supported", 5: "not_supported"}
    state.people["support"] = [supported.get(int(c), "none") for c in state.answers["DecSupp"][0]]


def _awareness(state: State) -> None:
    """Who was unaware of the programme: decided first, since shares are printed of those aware."""
    spread = SPREADS["NCPIAware"]
    answering = _answering(state, "NCPIAware", spread)
    aware = sum(share for code, share in spread.shares.items() if code != UNAWARE)
    shares = {1: aware, UNAWARE: spread.shares[UNAWARE]}
    mine, _, columns = _columns(state, "NCPIAware", [variable for variable, _ in spread.lean])
    columns = [column for column in columns if column != "awareness"]
    overall = [
        t
        for t in mine
        if t.variable == "all" and (t.codes == (UNAWARE,) or len(t.codes) == len(spread.shares) - 1)
    ]
    number, cells = _cells(state.people[answering], columns)
    puzzle = Puzzle(cells, list(shares), _expected(cells, shares, spread.lean), overall)
    table, _ = solve(puzzle, state.rng("awareness cells"))
    dealt = _deal(
        state,
        "awareness",
        answering,
        number,
        table,
        list(shares),
        Spread({}, (1, UNAWARE), "knowledge", 0.7, 0, 9),
        True,
    )[0]
    state.people["awareness"] = np.select(
        [dealt == 1, dealt == UNAWARE], ["aware", "unaware"], "none"
    )


def _route_awareness(cells: pd.DataFrame, expected: np.ndarray, codes: list[int]) -> np.ndarray:
    """Sources of awareness for the aware only, and "unaware" for the others only."""
    unaware = (cells["awareness"] == "unaware").to_numpy()[:, None]
    column = np.array(codes)[None, :] == UNAWARE
    kept = np.where(unaware == column, expected, 0.0)
    return kept * (cells["size"].to_numpy() / kept.sum(axis=1))[:, None]


def _learning_event(state: State) -> None:
    """Helpfulness of the learning event for those who attended, and a few who say so anyway."""
    rng = state.rng("LeEvHelp")
    event = state.answers["LeEv"]
    result = np.zeros_like(event)
    chance = rng.random(event.shape)
    helpful = np.searchsorted([0.45, 0.85, 0.95, 1.0], chance).astype(np.int16) + 1
    result[event == 1] = helpful[event == 1]
    strays = np.argsort(np.where(event == 2, chance, 2.0), axis=1)[:, :STRAY_EVENT_ANSWERS]
    np.put_along_axis(result, strays, np.take_along_axis(helpful, strays, axis=1), axis=1)
    state.answers["LeEvHelp"] = result


def _frame(state: State, rows: int) -> pd.DataFrame:
    """Respondents in one table: all blocks, cut to the rows wanted."""
    people, blocks = state.people, state.blocks
    keep = kept_rows(state, rows)
    columns: dict[str, object] = {"serial": serials(rows)}
    for name in profile.SKIP:
        columns[name] = _integers(np.tile(people[name].to_numpy(), blocks)[keep])
    for name in [*SPREADS, "LeEvHelp"]:
        columns[name] = _integers(_refusals(state, name).ravel()[keep])
    return pd.DataFrame(columns).assign(data_kind="synthetic")


def kept_rows(state: State, rows: int) -> np.ndarray:
    """Positions kept of all blocks laid end to end: everybody, or the last block thinned out."""
    total = state.blocks * len(state.people)
    surplus = total - rows
    last = np.arange(total - len(state.people), total)
    dropped = state.rng("rows").permutation(last)[:surplus]
    keep = np.ones(total, dtype=bool)
    keep[dropped] = False
    return np.flatnonzero(keep)


def serials(rows: int) -> np.ndarray:
    """Serial numbers ``S0001`` and so on, wide enough for the last one."""
    width = max(4, len(str(rows)))
    return np.char.add("S", np.char.zfill(np.arange(1, rows + 1).astype(str), width)).astype(object)


def _refusals(state: State, name: str) -> np.ndarray:
    """Answers with about half of the unanswered as "prefer not to say", always for the guarded."""
    answers = state.answers[name]
    if name == "LeEvHelp":
        return answers
    says_so = state.rng(name + " refusal").random(len(state.people)) < 0.5
    says_so |= state.people["guarded"].to_numpy()
    return np.where((answers == 0) & says_so[None, :], SPREADS[name].skip, answers).astype(np.int16)


def _integers(values: np.ndarray) -> pd.arrays.IntegerArray:
    """Codes as nullable 16-bit integers; 0 is unanswered."""
    return pd.arrays.IntegerArray(values.astype(np.int16), values == 0)
