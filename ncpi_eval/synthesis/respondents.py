"""The synthetic respondents, stage by stage.

Groups first (`profile`), then training and support, which other questions are broken down by, then
awareness, then the remaining questions one by one (`dealing`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ncpi_eval.synthesis import dealing, forces, profile, targets, training
from ncpi_eval.synthesis.dealing import State
from ncpi_eval.synthesis.questions import SPREADS, Spread

SEED = 20190226
INTRA_FORCE_CORRELATION = 0.02

UNAWARE = 6

# Respondents who give the first (most of them) or the last answer of every list they can.
STRAIGHT_LINERS = 8
FIRST_ANSWER = 5

# Answers where the routing forbids one, as freely skippable web surveys produce.
STRAY_EVENT_ANSWERS = 3


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
    InputError
        If a percentage is printed of a group that is not made.
    """
    state = start(figures, readings, blocks=-(-rows // profile.RESPONDENTS), icc=icc, seed=seed)
    police = forces.build(state.rng("forces"))
    state.people = _ready(profile.build(police, state.rng("profile")), state.rng("people"))
    training.add(state)
    dealing.one(state, "DecSupp", fixed=True)
    _support(state)
    _awareness(state)
    for name in SPREADS:
        if name not in state.answers:
            dealing.one(state, name)
    _learning_event(state)
    return _frame(state, rows), police.table, state


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
        np.random.default_rng([seed, 1]).standard_normal(len(forces.NAMES)),
        blocks,
        icc,
        seed,
    )


def _ready(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add reluctance to answer, straight-lining, and breakdowns that later stages decide."""
    people["reluctance"] = rng.standard_exponential(len(people))
    people["straight"] = 0
    chosen = rng.permutation(np.flatnonzero(~people["guarded"]))[:STRAIGHT_LINERS]
    people.loc[chosen, "straight"] = np.where(np.arange(STRAIGHT_LINERS) < FIRST_ANSWER, 1, -1)
    for name in ("training_recency", "trained", "support", "awareness"):
        people[name] = "none"
    return people


def _support(state: State) -> None:
    """Groups by support, fixed over blocks because confidence is broken down by them."""
    supported = {1: "supported", 2: "supported", 4: "not_supported", 5: "not_supported"}
    state.people["support"] = [supported.get(int(c), "none") for c in state.answers["DecSupp"][0]]


def _awareness(state: State) -> None:
    """Source of awareness: first who is aware at all, since shares are printed of the aware."""
    source = SPREADS["NCPIAware"]
    who = dealing.answering(state, "NCPIAware", source)
    aware = sum(share for code, share in source.shares.items() if code != UNAWARE)
    shares = {1: aware, UNAWARE: source.shares[UNAWARE]}
    page = dealing.sheet(state, "NCPIAware", source, who, without=["awareness"])
    either = Spread(shares, (1, UNAWARE), "knowledge", source.loading, 0, 0)
    overall = [t for t in page.targets if t.variable == "all" and UNAWARE in t.codes]
    split = replace(page, name="awareness", spread=either, targets=overall, claims=())
    expected = dealing.expectation(page.cells, shares, source.lean)
    dealt = dealing.fill(state, split, list(shares), expected, fixed=True)[0]
    state.people["awareness"] = np.select(
        [dealt == 1, dealt == UNAWARE], ["aware", "unaware"], "none"
    )
    _sources(state, who)


def _sources(state: State, who: np.ndarray) -> None:
    """Which source, for the aware."""
    source = SPREADS["NCPIAware"]
    page = dealing.sheet(state, "NCPIAware", source, who, more=["awareness"])
    expected = dealing.expectation(page.cells, source.shares, source.lean)
    routed = _route_awareness(page.cells, expected, list(source.shares))
    state.answers["NCPIAware"] = dealing.fill(state, page, list(source.shares), routed, fixed=False)


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
