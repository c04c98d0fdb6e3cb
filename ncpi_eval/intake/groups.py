"""Divide respondents as the codebook says, so that a breakdown is data and never code.

The rules stand in `data/questionnaire/groups.csv` and `derived.csv`. Inspection status comes from
the force table at the month in which the survey opened, never from what a respondent believes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ncpi_eval.errors import InputError, Problem
from ncpi_eval.questionnaire import FORCE_VARIABLE, OPENING, Questionnaire, Term

#: Wave whose opening month counts when none is given.
DEFAULT_WAVE = "2019"
_NEVER = "9999-12"
_UNKNOWN_START = "0000-01"


@dataclass(frozen=True)
class _Span:
    """Months, both inclusive, in which a date that is known only roughly must lie."""

    earliest: str
    latest: str


def derive(
    frame: pd.DataFrame,
    questionnaire: Questionnaire,
    forces: pd.DataFrame | None = None,
    opening: str | None = None,
) -> pd.DataFrame:
    """Groups of every respondent.

    Parameters
    ----------
    frame : DataFrame
        Survey frame (codes). Derived questions are worked out if they are not there yet; without
        the force variable the groups that need a force are empty.
    forces : DataFrame, optional
        Force table: ``force`` (code), ``first_inspection`` (start of fieldwork, ``YYYY``,
        ``YYYY-MM`` or ``YYYY-MM-DD``; missing means none), optionally ``inspected_before`` (month,
        exclusive, by which a first inspection of unknown date had begun) and ``joint_inspection``.
        If no force has a joint inspection, they were not recorded, and groups on them are empty.
    opening : str, optional
        Month ``YYYY-MM`` in which the survey opened; the default is that of the 2019 wave. A force
        is inspected if its fieldwork started before that month (exclusive).

    Returns
    -------
    DataFrame
        Index of `frame`; one categorical column per group, categories in codebook order; missing
        where no category's rule holds. The first category whose rule holds is taken.

    Raises
    ------
    InputError
        If a date is too rough to say on which side of a month it lies.
    """
    month = opening or questionnaire.opening(DEFAULT_WAVE)
    answers = with_derived(frame, questionnaire)
    dates = _ForceDates(forces, month)
    groups = pd.DataFrame(index=frame.index)
    for group in questionnaire.groups.values():
        position = np.full(len(frame), -1)
        for number, terms in enumerate(group.rules.values()):
            holds = _all_hold(terms, answers, groups, questionnaire, dates).to_numpy()
            position[holds & (position < 0)] = number
        groups[group.name] = pd.Categorical.from_codes(position, categories=list(group.categories))
    return groups


def with_derived(frame: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """The survey frame with its derived questions, in questionnaire order.

    A derived question takes the code of the first rule in derived.csv that holds and is missing
    where none does; a derived column that is already there is kept.

    Returns
    -------
    DataFrame
        A new frame; columns that the questionnaire does not know come last.
    """
    result = frame.copy(deep=False)
    for name, rules in questionnaire.derived.items():
        if name in result:
            continue
        value = pd.Series(pd.NA, index=frame.index, dtype="Int16")
        for code, terms in rules.items():
            holds = _all_hold(terms, result, pd.DataFrame(index=frame.index), questionnaire, None)
            value = value.mask(holds & value.isna(), code)
        result[name] = value
    known = [name for name in questionnaire.variables if name in result]
    return result[known + [name for name in result if name not in known]]


def _all_hold(
    terms: tuple[Term, ...],
    answers: pd.DataFrame,
    groups: pd.DataFrame,
    questionnaire: Questionnaire,
    dates: _ForceDates | None,
) -> pd.Series:
    holds = pd.Series(True, index=answers.index)
    for term in terms:
        holds &= _holds(term, answers, groups, questionnaire, dates)
    return holds


def _holds(
    term: Term,
    answers: pd.DataFrame,
    groups: pd.DataFrame,
    questionnaire: Questionnaire,
    dates: _ForceDates | None,
) -> pd.Series:
    if term.quantifier:
        return _grid_holds(term, answers, questionnaire)
    if term.name in groups:
        return _among(groups[term.name], term, list(term.values))
    if term.name.startswith("force."):
        codes = dates.codes(term) if dates is not None else []
        if FORCE_VARIABLE not in answers:
            return pd.Series(False, index=answers.index)
        return _plain(answers[FORCE_VARIABLE].isin(codes))
    if term.name not in answers:
        return pd.Series(False, index=answers.index)
    return _among(answers[term.name], term, list(term.codes))


def _among(values: pd.Series, term: Term, wanted: list[int] | list[str]) -> pd.Series:
    among = _plain(values.isin(wanted))
    return among if term.operator == "in" else ~among & values.notna()


def _plain(series: pd.Series) -> pd.Series:
    return series.fillna(False).astype(bool)


def _grid_holds(term: Term, answers: pd.DataFrame, questionnaire: Questionnaire) -> pd.Series:
    some = pd.Series(False, index=answers.index)
    every = pd.Series(True, index=answers.index)
    answered_any = pd.Series(False, index=answers.index)
    for item in questionnaire.grids()[term.name]:
        if item not in answers:
            continue
        answered = _plain(answers[item].isin(questionnaire.variables[item].base_codes))
        hit = answered & _among(answers[item], term, list(term.codes))
        some |= hit
        every &= hit | ~answered
        answered_any |= answered
    return some if term.quantifier == "any" else every & answered_any


class _ForceDates:
    """Which forces' dates lie before a month, worked out once from the force table."""

    def __init__(self, forces: pd.DataFrame | None, opening: str) -> None:
        self.forces = forces
        self.opening = opening

    def codes(self, term: Term) -> list[int]:
        """Codes of the forces for which a date term holds."""
        column = term.name.removeprefix("force.")
        if self.forces is None or column not in self.forces:
            return []
        if column == "joint_inspection" and self.forces[column].isna().all():
            return []
        month = self.opening if term.values[0] == OPENING else term.values[0]
        spans = {int(row["force"]): _span(row, column) for _, row in self.forces.iterrows()}
        self._refuse_rough(spans, column, month)
        before = [code for code, span in spans.items() if span.latest < month]
        if term.operator == "before":
            return before
        return [code for code in spans if code not in before]

    def _refuse_rough(self, spans: dict[int, _Span], column: str, month: str) -> None:
        rough = [
            Problem(
                f"force table, force {code}, column {column}",
                f"a date between {span.earliest} and {span.latest}",
                f"a date that is known to be before {month} or not",
                "give the month as YYYY-MM",
            )
            for code, span in spans.items()
            if span.earliest < month <= span.latest
        ]
        if rough:
            raise InputError("Some dates in the force table are too rough.", rough)


def _span(row: pd.Series, column: str) -> _Span:
    value = row[column]
    if pd.isna(value):
        limit = row.get("inspected_before") if column == "first_inspection" else None
        if limit is None or pd.isna(limit):
            return _Span(_NEVER, _NEVER)
        return _Span(_UNKNOWN_START, _month_before(str(limit)))
    text = str(value)
    if re.fullmatch(r"\d{4}", text):
        return _Span(f"{text}-01", f"{text}-12")
    return _Span(text[:7], text[:7])


def _month_before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{year - 1:04d}-12" if number == 1 else f"{year:04d}-{number - 1:02d}"
