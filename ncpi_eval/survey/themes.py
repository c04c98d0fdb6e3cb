"""Open answers as the page on them shows them: themes by group, rules against people, examples.

A theme is given by a person who read the answer; rules only propose one where nobody has.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ncpi_eval import intervals
from ncpi_eval.sources import Survey
from ncpi_eval.survey import open_text

PRACTICE, IMPROVE, WANTED = "FBPrac", "FImp", "InfoAdd"
QUESTIONS = (PRACTICE, IMPROVE, WANTED, "AOB")
BY_PEOPLE = "Themes were given by people who read the answers."
BY_RULES = (
    "Nobody has coded these answers yet: the themes are proposed by rules, and a person should "
    "check them before they are used."
)
#: Themes of `WANTED` are also counted over everybody who lacks information, who wrote or not.
LACKING = ("information", "not_all")


def coded_by(coding: pd.DataFrame) -> str:
    """Who gave the themes, in a sentence."""
    return BY_PEOPLE if len(coding) else BY_RULES


def estimates(
    survey: Survey, dictionary: Sequence[open_text.Theme], coding: pd.DataFrame
) -> pd.DataFrame:
    """Share of respondents who raise each theme, by inspection status and area of work.

    Parameters
    ----------
    survey : Survey
        Respondents.
    dictionary : sequence of Theme
        Which themes there are, and the rules that propose them.
    coding : DataFrame
        Themes that people gave: serial, question, theme; empty to use the rules.

    Returns
    -------
    DataFrame
        As `open_text.theme_counts` (base: those who wrote something), with ``group`` in words; and
        the themes of `WANTED` over everybody without all the information, group ``not_all``.
    """
    counts = open_text.theme_counts(
        survey.responses,
        survey.groups,
        dictionary,
        wave=survey.wave,
        data_kind=survey.data_kind,
        questions=_labels(survey),
        breakdowns=("inspection_status", "area"),
        coding=coding,
    )
    frame = pd.concat([counts, _of_those_lacking(counts, survey)], ignore_index=True)
    groups = survey.questionnaire.groups
    places = zip(frame["subgroup_variable"], frame["subgroup"], strict=True)
    frame["group"] = [
        groups[variable].categories[group] if variable in groups else "All who wrote something"
        for variable, group in places
    ]
    return frame.assign(suppressed=False)


def _labels(survey: Survey) -> dict[str, str]:
    variables = survey.questionnaire.variables
    return {name: variables[name].label for name in QUESTIONS if name in survey.responses}


def _of_those_lacking(counts: pd.DataFrame, survey: Survey) -> pd.DataFrame:
    """Only those who lack information were asked, so that all who raise a theme are among them."""
    variable, group = LACKING
    asked = counts[(counts["question"] == WANTED) & (counts["subgroup"] == "all")].copy()
    asked["subgroup_variable"], asked["subgroup"] = LACKING
    asked["id"] = [
        f"{WANTED}.{theme}.{variable}.{group}.{survey.wave}" for theme in asked["response"]
    ]
    asked["denominator"] = int((survey.groups[variable] == group).sum())
    asked["estimate"] = asked["count"] / asked["denominator"]
    low, high = intervals.wilson(asked["count"], asked["denominator"])
    return asked.assign(ci_low=low, ci_high=high)


def rule_accuracy(
    survey: Survey, dictionary: Sequence[open_text.Theme], coding: pd.DataFrame
) -> pd.DataFrame:
    """How often the rules give the themes that people gave; no rows where nobody coded.

    Returns
    -------
    DataFrame
        id, item (the theme), true (answers that people gave it), found (that the rules gave it),
        both, precision, recall, wave, unit ``answers``, data_kind.
    """
    found = open_text.long(survey.responses, dictionary, QUESTIONS)
    accuracy = open_text.accuracy(found, coding).iloc[: None if len(coding) else 0]
    labels = {theme.name: theme.label for theme in dictionary} | {"all": "All themes"}
    return accuracy.assign(
        id="rules." + accuracy["theme"] + f".{survey.wave}",
        item=accuracy["theme"].map(labels),
        wave=survey.wave,
        unit="answers",
        data_kind=survey.data_kind,
    ).drop(columns="theme")


def released_examples(survey: Survey, dictionary: Sequence[open_text.Theme]) -> pd.DataFrame:
    """Short redacted examples that may be shown; none of real answers until somebody has read them.

    Returns
    -------
    DataFrame
        As `open_text.examples` without what is withheld, with ``group`` in words.
    """
    found = open_text.examples(
        survey.responses,
        survey.groups,
        dictionary,
        forces=survey.forces["name"],
        wave=survey.wave,
        data_kind=survey.data_kind,
        questions={name: label for name, label in _labels(survey).items() if name != "AOB"},
    )
    shown = found[~found["suppressed"] & ~found["needs_reading"]]
    names = survey.questionnaire.groups["status_by_area"].categories
    return shown.assign(group=shown["subgroup"].map(names))
