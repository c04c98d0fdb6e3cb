"""Open answers as the page on them shows them: themes by group, rules against people, examples.

A theme is given by a person who read the answer; rules only propose one where nobody has. People
code a question as a whole: an answer to a coded question that has no row in their file has no
theme, and the rules propose the themes of a question that has no row at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from ncpi_eval.errors import InputError, Problem
from ncpi_eval.sources import Survey
from ncpi_eval.survey import open_text

PRACTICE, IMPROVE, WANTED = "FBPrac", "FImp", "InfoAdd"
QUESTIONS = (PRACTICE, IMPROVE, WANTED, "AOB")
BY_PEOPLE = "Themes were given by people who read the answers."
BY_RULES = (
    "Nobody has coded these answers yet: the themes are proposed by rules, and a person should "
    "check them before they are used."
)
BY_BOTH = (
    "Themes of {coded} were given by people who read the answers. Nobody has coded {others} yet: "
    "their themes are proposed by rules, and a person should check them before they are used."
)
#: Themes of `WANTED` are also counted over everybody who lacks information, who wrote or not.
LACKING = ("information", "not_all")


def coded_by(coding: pd.DataFrame) -> str:
    """Who gave the themes, in a sentence; names the questions where it was both people and rules.

    Parameters
    ----------
    coding : DataFrame
        Themes that people gave: serial, question, theme; empty to use the rules.
    """
    by_people = [question for question in QUESTIONS if question in set(coding["question"])]
    by_rules = [question for question in QUESTIONS if question not in by_people]
    if not by_people:
        return BY_RULES
    if not by_rules:
        return BY_PEOPLE
    return BY_BOTH.format(coded=", ".join(by_people), others=", ".join(by_rules))


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
        Themes that people gave: serial, question, theme; empty to use the rules. A question
        without a row is left to the rules.

    Returns
    -------
    DataFrame
        As `open_text.theme_counts` (base: those who wrote something), with ``group`` in words; and
        the themes of `WANTED` among everybody without all the information, who wrote or not,
        subgroup ``not_all``. ``method`` says whether people or rules gave the themes.

    Raises
    ------
    InputError
        Listing what people gave that would not be counted; see `refuse_coding`.
    """
    refuse_coding(survey, dictionary, coding)
    labels = _labels(survey)
    parts = []
    for question, label in labels.items():
        given = coding[coding["question"] == question]
        parts.append(_counts(survey, dictionary, given, {question: label}))
        if question == WANTED:
            parts.append(_of_those_lacking(survey, dictionary, given, label))
    frame = pd.concat(parts, ignore_index=True)
    groups = survey.questionnaire.groups
    places = zip(frame["subgroup_variable"], frame["subgroup"], strict=True)
    frame["group"] = [
        groups[variable].categories[group] if variable in groups else "All who wrote something"
        for variable, group in places
    ]
    return frame.assign(suppressed=False)


def _counts(
    survey: Survey,
    dictionary: Sequence[open_text.Theme],
    given: pd.DataFrame,
    questions: dict[str, str],
    breakdowns: Sequence[str] = ("inspection_status", "area"),
    of_asked: dict[str, pd.Series] | None = None,
) -> pd.DataFrame:
    return open_text.theme_counts(
        survey.responses,
        survey.groups,
        dictionary,
        wave=survey.wave,
        data_kind=survey.data_kind,
        questions=questions,
        breakdowns=breakdowns,
        of_asked=of_asked,
        coding=given,
    )


def refuse_coding(
    survey: Survey, dictionary: Sequence[open_text.Theme], coding: pd.DataFrame
) -> None:
    """Refuse themes that people gave and that no count would hold.

    Parameters
    ----------
    survey, dictionary, coding
        As for `estimates`.

    Raises
    ------
    InputError
        Listing every question that is no open question of the survey, every theme that the
        dictionary does not have for its question, and every answer that was coded without having
        been written, each with the number of rows.
    """
    labels = _labels(survey)
    known = {(q, theme.name) for q in labels for theme in open_text.asked(dictionary, q)}
    problems = []
    for (question, theme), rows in coding.groupby(["question", "theme"], sort=True):
        if question not in labels:
            found, expected = f"{len(rows)} rows", " or ".join(labels)
            problems.append(Problem(f"question {question}", found, expected, "Correct the name."))
        elif (question, theme) not in known:
            remedy = "Add the theme to the dictionary, or correct its name."
            expected = "a theme that the dictionary has for this question"
            problems.append(
                Problem(f"{question}, theme {theme}", f"{len(rows)} rows", expected, remedy)
            )
    problems += _without_answer(survey, coding)
    if problems:
        raise InputError("Themes that people gave would not be counted.", problems)


def _without_answer(survey: Survey, coding: pd.DataFrame) -> Iterator[Problem]:
    serials = survey.responses["serial"].astype(str)
    for question in _labels(survey):
        answers = survey.responses[question].astype("string").str.strip()
        wrote = set(serials[answers.fillna("") != ""])
        coded = coding.loc[coding["question"] == question, "serial"].astype(str)
        strangers = sorted(set(coded) - wrote)
        if strangers:
            found = f"{len(strangers)} respondents who wrote nothing, such as {strangers[0]}"
            remedy = "Correct the serial or the question."
            yield Problem(question, found, "respondents who wrote something", remedy)


def _labels(survey: Survey) -> dict[str, str]:
    variables = survey.questionnaire.variables
    return {name: variables[name].label for name in QUESTIONS if name in survey.responses}


def _of_those_lacking(
    survey: Survey, dictionary: Sequence[open_text.Theme], given: pd.DataFrame, label: str
) -> pd.DataFrame:
    """Themes of `WANTED` over everybody who lacks information; what others wrote is not counted."""
    variable, group = LACKING
    lacking = {WANTED: survey.groups[variable] == group}
    counts = _counts(survey, dictionary, given, {WANTED: label}, (), lacking)
    ids = f"{WANTED}." + counts["response"] + f".{variable}.{group}.{survey.wave}"
    return counts.assign(subgroup_variable=variable, subgroup=group, id=ids)


def rule_accuracy(
    survey: Survey, dictionary: Sequence[open_text.Theme], coding: pd.DataFrame
) -> pd.DataFrame:
    """How often the rules give the themes that people gave; no rows where nobody coded.

    Parameters
    ----------
    survey, dictionary, coding
        As for `estimates`. Questions that nobody coded are left out.

    Returns
    -------
    DataFrame
        id, item (the theme), true (answers that people gave it), found (that the rules gave it),
        both, precision, recall (shares, 0 to 1; missing without a base), smallest_cell (of both,
        missed and wrong, for `disclosure.release`), wave, unit ``answers``, data_kind.

    Raises
    ------
    InputError
        As `refuse_coding`.
    """
    refuse_coding(survey, dictionary, coding)
    coded = [question for question in QUESTIONS if question in set(coding["question"])]
    found = open_text.long(survey.responses, dictionary, coded)
    accuracy = open_text.accuracy(found, coding).iloc[: None if len(coding) else 0]
    labels = {theme.name: theme.label for theme in dictionary} | {"all": "All themes"}
    missed, wrong = (accuracy[name] - accuracy["both"] for name in ("true", "found"))
    cells = pd.concat([accuracy["both"], missed, wrong], axis="columns")
    return accuracy.assign(
        smallest_cell=cells.where(cells > 0).min(axis="columns"),
        id="rules." + accuracy["theme"] + f".{survey.wave}",
        item=accuracy["theme"].map(labels),
        wave=survey.wave,
        unit="answers",
        data_kind=survey.data_kind,
    ).drop(columns="theme")


def released_examples(
    survey: Survey,
    dictionary: Sequence[open_text.Theme],
    decisions: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Short redacted examples that may be shown; of real answers those that a reader released.

    Parameters
    ----------
    survey : Survey
        Respondents.
    dictionary : sequence of Theme
        Themes whose rules choose the examples.
    decisions : mapping of str to str, optional
        From `sources.read_quotations`.

    Returns
    -------
    DataFrame
        As `open_text.examples` without what is withheld or needs a reader, with ``group`` in words.
        Comments at the end (`AOB`) are not quoted.
    """
    found = candidates(survey, dictionary, decisions)
    shown = found[~found["suppressed"] & ~found["needs_reading"]]
    names = survey.questionnaire.groups["status_by_area"].categories
    return shown.assign(group=shown["subgroup"].map(names))


def candidates(
    survey: Survey,
    dictionary: Sequence[open_text.Theme],
    decisions: Mapping[str, str] | None = None,
    each: int = 2,
) -> pd.DataFrame:
    """Redacted examples whether or not they may be shown, as `open_text.examples` gives them.

    Not for a page: what needs a reader is for the reader (`survey.quotations`).
    """
    return open_text.examples(
        survey.responses,
        survey.groups,
        dictionary,
        forces=survey.forces["name"],
        wave=survey.wave,
        data_kind=survey.data_kind,
        questions={name: label for name, label in _labels(survey).items() if name != "AOB"},
        decisions=decisions,
        each=each,
    )
