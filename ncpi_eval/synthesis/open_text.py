"""Answers in words, written from building blocks whose themes are known.

The report says which themes were commonest (partnership working, then systems and processes, in
both best practice and improvement, much alike by inspection status and somewhat different by area)
and that 38% of those who lack information named partner agencies. Who writes how much about what is
otherwise invented. The true themes go into a file of their own, so that a coding scheme can be
tested against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ncpi_eval.synthesis import phrases
from ncpi_eval.synthesis.dealing import State
from ncpi_eval.synthesis.profile import OTHER_AREAS, OTHER_ETHNIC, OTHER_RANKS
from ncpi_eval.synthesis.questions import SPREADS
from ncpi_eval.synthesis.respondents import kept_rows, serials

# Share of those without all the information who named partner agencies (report, chapter 3).
PARTNER_AGENCIES = 38

# Companion codes: no text, but "don't know" or "prefer not to say".
DONT_KNOW, PREFER_NOT = 1, 2

# Respondents with all the information who were asked (or answered) all the same.
STRAY_INFORMATION = 5

OTHER_SOURCES = (
    "Took part in the inspection", "A conference", "University course", "Through a partner agency",
    "In the press", "Previous force",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """An open question: its statements, how common themes are, and how many answer.

    Parameters
    ----------
    bank : mapping
        Theme to templates.
    weights : mapping
        Theme to how often it is mentioned, any scale.
    by_area : mapping
        Area to factors on `weights`.
    answered, dont_know, refused : float
        Shares with a text, and with each of the companion codes; the rest left it empty.
    most : int
        Most statements in one answer.
    """

    bank: Mapping[str, Sequence[str]]
    weights: Mapping[str, float]
    by_area: Mapping[str, Mapping[str, float]]
    answered: float
    dont_know: float
    refused: float
    most: int


QUESTIONS: Mapping[str, Question] = {
    "FBPrac": Question(
        phrases.BEST_PRACTICE,
        {"partnership_working": 32, "systems_and_processes": 25, "specialist_teams": 14,
         "training": 8, "leadership": 7, "voice_of_the_child": 7, "identifying_risk": 7},
        {"custody": {"systems_and_processes": 1.5, "specialist_teams": 0.5, "leadership": 0.6},
         "child_protection": {"specialist_teams": 1.8, "voice_of_the_child": 1.4},
         "neighbourhood": {"partnership_working": 1.2, "identifying_risk": 1.3}},
        0.53, 0.25, 0.04, 3,
    ),
    "FImp": Question(
        phrases.IMPROVEMENT,
        {"partnership_working": 27, "systems_and_processes": 25, "specialist_teams": 12,
         "training": 13, "resources": 11, "leadership": 4, "voice_of_the_child": 4,
         "identifying_risk": 4},
        {"custody": {"training": 1.6, "specialist_teams": 0.5},
         "child_protection": {"resources": 1.7, "training": 0.7, "specialist_teams": 1.3},
         "neighbourhood": {"training": 1.3}},
        0.56, 0.22, 0.04, 3,
    ),
    "AOB": Question(
        phrases.COMMENTS,
        {"programme_awareness": 45, "inspection_experience": 35, "resources": 10,
         "partnership_working": 10},
        {}, 0.14, 0.18, 0.05, 1,
    ),
}  # fmt: skip

INFORMATION = Question(
    phrases.INFORMATION,
    {"internal_procedures": 40, "identifying_risk": 34, "powers_and_legislation": 17,
     "training": 9},
    {"neighbourhood": {"identifying_risk": 1.3}, "custody": {"powers_and_legislation": 1.4}},
    0.36, 0.15, 0.05, 2,
)  # fmt: skip


class Writer:
    """Writes answers without repeating one.

    Parameters
    ----------
    rng : Generator
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.written: set[str] = set()

    def statement(self, bank: Mapping[str, Sequence[str]], theme: str) -> str:
        """One statement on a theme."""
        return self._fill(self.one_of(bank[theme]))

    def answer(self, bank: Mapping[str, Sequence[str]], themes: Sequence[str]) -> str:
        """An answer that mentions the themes, different from all before it."""
        text = ""
        for _ in range(60):
            text = self._answer(bank, themes)
            if text not in self.written:
                break
        self.written.add(text)
        return text

    def _answer(self, bank: Mapping[str, Sequence[str]], themes: Sequence[str]) -> str:
        parts = [self.statement(bank, theme) for theme in themes]
        if len(parts) == 1:
            praise = bank is phrases.BEST_PRACTICE
            closer = self.one_of(phrases.PRAISE_CLOSERS if praise else phrases.CLOSERS)
            text = self.one_of(phrases.OPENERS) + parts[0] + self._fill(closer)
        elif self.rng.random() < 0.4:
            text = " ".join(f"{n}. {_capital(part)}" for n, part in enumerate(parts, start=1))
        else:
            text = self.one_of(("; ", ". Also ", ", ", " / ")).join(parts)
        return _capital(text) if self.rng.random() < 0.7 else text

    def one_of(self, choices: Sequence[str]) -> str:
        """Any of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def _fill(self, template: str) -> str:
        for slot, choices in phrases.SLOTS.items():
            while "{" + slot + "}" in template:
                template = template.replace("{" + slot + "}", self.one_of(choices), 1)
        return template


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def add(responses: pd.DataFrame, state: State, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Responses with all columns of words, and the true themes.

    Parameters
    ----------
    responses : DataFrame
        As `respondents.build` returns them.
    state : State
        The state it returns.
    rows : int
        Respondents wanted, as given to `respondents.build`.

    Returns
    -------
    (DataFrame, DataFrame)
        The columns of the questionnaire in its order, and ``serial, question, theme, trap`` with
        one row per theme mentioned by the first block's respondents.
    """
    writer = Writer(state.rng("words"))
    parts = [_information(state, writer)]
    parts += [_written(state, name, question, writer) for name, question in QUESTIONS.items()]
    _set_traps(state, parts)
    keep = kept_rows(state, rows)
    for part in parts:
        responses[part.name] = part.texts.ravel()[keep]
        codes = part.codes.ravel()[keep]
        responses[f"{part.name}_code"] = pd.arrays.IntegerArray(codes, codes == 0)
    for name, code, choices in (
        ("REth", 8, OTHER_ETHNIC), ("RRank", 10, OTHER_RANKS), ("RArea", 4, OTHER_AREAS),
        ("NCPIAware", 7, OTHER_SOURCES),
    ):  # fmt: skip
        responses[f"{name}_other"] = _specified(
            responses[name], code, choices, state.rng(name + " words")
        )
    return _ordered(responses), _themes(state, parts, keep, rows)


@dataclass
class Written:
    """Answers to one open question: texts and companion codes, blocks by respondents.

    `themes` holds the themes of the first block's respondents by position, `traps` their traps.
    """

    name: str
    texts: np.ndarray
    codes: np.ndarray
    themes: dict[int, list[str]]
    traps: dict[int, str]


def _written(state: State, name: str, question: Question, writer: Writer) -> Written:
    """Answers to a question that everybody was asked; the same in every block."""
    people = state.people
    who = _who_writes(state, name, np.flatnonzero(~people["guarded"]), question)
    texts, codes, themes = _empty(people)
    for position in who["text"]:
        mentioned = _draw_themes(question, people["area"].iat[position], writer.rng)
        if writer.rng.random() < 0.03:
            themes[position] = ["nothing"]
            texts[position] = writer.one_of(phrases.EMPTY_WORDS)
            continue
        themes[position] = mentioned
        texts[position] = writer.answer(question.bank, mentioned)
    codes[who["dont_know"]], codes[who["refused"]] = DONT_KNOW, PREFER_NOT
    codes[people["guarded"].to_numpy()] = PREFER_NOT
    shape = (state.blocks, 1)
    return Written(name, np.tile(texts, shape), np.tile(codes, shape), themes, {})


def _who_writes(
    state: State, name: str, asked: np.ndarray, question: Question
) -> dict[str, np.ndarray]:
    """Positions of those who write, do not know, and refuse."""
    order = state.rng(name + " who").permutation(asked)
    ends = np.cumsum([question.answered, question.dont_know, question.refused]) * len(asked)
    text, dont_know, refused, _ = np.split(order, np.rint(ends).astype(int))
    return {"text": np.sort(text), "dont_know": dont_know, "refused": refused}


def _empty(people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, dict[int, list[str]]]:
    return np.full(len(people), None, dtype=object), np.zeros(len(people), dtype=np.int16), {}


def _draw_themes(question: Question, area: str, rng: np.random.Generator) -> list[str]:
    """Different themes of one answer; one theme is commonest."""
    names = list(question.weights)
    factors = question.by_area.get(area, {})
    weights = np.array([question.weights[name] * factors.get(name, 1.0) for name in names])
    number = 1 + int((rng.random(question.most - 1) < 0.35).sum())
    drawn = rng.choice(len(names), size=number, replace=False, p=weights / weights.sum())
    return [names[i] for i in drawn]


def _information(state: State, writer: Writer) -> Written:
    """Information wanted, asked of those who lack some; the printed share names partners."""
    people, info = state.people, state.answers["Info"]
    lacking = np.flatnonzero(np.isin(info[0], (2, 3, 4)))
    texts, codes, themes = _empty(people)
    rng = state.rng("InfoAdd who")
    order = rng.permutation(lacking)
    naming = round(PARTNER_AGENCIES / 100 * len(lacking))
    who = _who_writes(state, "InfoAdd", order[naming:], INFORMATION)
    for position in np.sort(order[:naming]):
        also = ["partner_agencies"]
        if rng.random() < 0.25:
            also += _draw_themes(INFORMATION, people["area"].iat[position], rng)[:1]
        themes[position] = also
    for position in who["text"]:
        themes[position] = _draw_themes(INFORMATION, people["area"].iat[position], rng)
    strays = rng.permutation(np.flatnonzero(info[0] == 1))[:STRAY_INFORMATION]
    for position in np.sort(strays):
        themes[position] = ["internal_procedures"]
    for position in sorted(themes):
        texts[position] = writer.answer(INFORMATION.bank, themes[position])
    codes[who["dont_know"]], codes[who["refused"]] = DONT_KNOW, PREFER_NOT
    codes[people["guarded"].to_numpy()] = PREFER_NOT
    return Written("InfoAdd", *_by_block(info, texts, codes), themes, {})


def _by_block(
    info: np.ndarray, texts: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The first block's answers, handed in the other blocks to those who lack information."""
    all_texts = np.full(info.shape, None, dtype=object)
    all_codes = np.zeros(info.shape, dtype=np.int16)
    kinds = np.where(info == 1, 1, np.where(info == 0, 0, 2))
    source = np.argsort(kinds[0], kind="stable")
    order = np.argsort(kinds, axis=1, kind="stable")
    np.put_along_axis(all_texts, order, np.broadcast_to(texts[source], info.shape), axis=1)
    np.put_along_axis(all_codes, order, np.broadcast_to(codes[source], info.shape), axis=1)
    return all_texts, all_codes


def _set_traps(state: State, parts: Sequence[Written]) -> None:
    """Hide a detail that redaction must find in a few answers of the first block."""
    rng = state.rng("traps")
    for kind, sentences in phrases.TRAPS.items():
        for number, sentence in enumerate(sentences):
            part = parts[number % len(parts)]
            talking = {place for place, themes in part.themes.items() if themes != ["nothing"]}
            free = sorted(talking - set(part.traps))
            position = free[int(rng.integers(len(free)))]
            first = part.texts[0, position].rstrip(".!")
            part.texts[0, position] = f"{first}. {_capital(sentence)}"
            part.traps[position] = kind


def _specified(
    codes: pd.Series, other: int, choices: Sequence[str], rng: np.random.Generator
) -> np.ndarray:
    """What "other" was, for nine in ten of those who chose it."""
    chosen = (codes == other).fillna(False).to_numpy(dtype=bool)
    drawn = rng.integers(len(choices), size=len(codes))
    told = rng.random(len(codes)) < 0.9
    words = np.array(choices, dtype=object)[drawn]
    words[~(chosen & told)] = None
    return words


def _ordered(responses: pd.DataFrame) -> pd.DataFrame:
    """Columns in the order of the questionnaire."""
    background = ["RAge", "RSex", "REth", "REth_other", "RForc", "RServ", "RRank", "RRank_other",
                  "RArea", "RArea_other", "NCPIInsp", "NCPIAware", "NCPIAware_other",
                  "NCPIAims"]  # fmt: skip
    middle = [f"TrainFre_{n}" for n in (1, 2, 3, 4)] + ["TrainHelp", "Info", "InfoAdd",
              "InfoAdd_code", "DecConf", "DecSupp", "FEff", "TrainEqu_1", "TrainEqu_2"]  # fmt: skip
    end = [f"FSyst_{n}" for n in (1, 2, 3, 4)] + ["FLis", "LeEv", "LeEvHelp", "LeEvInt", "NCPIimp"]
    words = [f"{name}{suffix}" for name in QUESTIONS for suffix in ("", "_code")]
    columns = ["serial", *background, *middle, *end, *words, "data_kind"]
    missing = set(SPREADS) - set(columns)
    assert not missing, f"no place in the order of columns for {sorted(missing)}"
    return responses[columns]


def _themes(state: State, parts: Sequence[Written], keep: np.ndarray, rows: int) -> pd.DataFrame:
    """True themes of the first block, by serial."""
    first = keep[keep < len(state.people)]
    serial_of = dict(zip(first.tolist(), serials(rows)[: len(first)], strict=True))
    found = [
        (serial_of[position], part.name, theme, part.traps.get(position, ""))
        for part in parts
        for position, themes in part.themes.items()
        if position in serial_of
        for theme in themes
    ]
    frame = pd.DataFrame(found, columns=["serial", "question", "theme", "trap"])
    return frame.sort_values(["serial", "question", "theme"]).reset_index(drop=True)
