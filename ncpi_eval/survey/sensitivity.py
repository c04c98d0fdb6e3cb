"""How far the respondents' own differences bear: a force left out, the mix held equal, many tests.

Frames for 06-robustness in the project's columns. With synthetic respondents they show how the
checks work; with real ones they are the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from ncpi_eval.errors import DesignError, InputError, Problem
from ncpi_eval.questionnaire import FORCE_VARIABLE, Questionnaire
from ncpi_eval.sources import Survey
from ncpi_eval.survey import adjusted as adjusted_models
from ncpi_eval.survey import robustness

STATUS = "inspection_status"

# With all its digits a difference without a force could be solved for that force's answers; with
# three, many forces fit.
LEFT_OUT_DIGITS = 3

# The comparisons by inspection status that the report prints with numbers.
COMPARED: Mapping[str, str] = {
    "NCPIInsp": "4",
    "NCPIAims": "4|5",
    "NCPIimp": "1",
    "LeEvInt": "1",
    "TrainFre_2": "1",
    "TrainFre_3": "1",
    "FSyst_2": "1|2",
    "FSyst_3": "1|2",
    "FLis": "1|2",
    "DecConf": "1",
}


def in_words(published: pd.DataFrame, questionnaire: Questionnaire) -> pd.DataFrame:
    """The published differences with ``comparison`` as a reader would name it.

    Parameters
    ----------
    published : DataFrame
        As `robustness.robustness_table` gives it.
    questionnaire : Questionnaire
        Labels of questions, answers and groups.
    """

    def name(row: pd.Series) -> str:
        question = questionnaire.variable(row["question"]).label
        sets = row["response"].split(" + ")
        answers = " and ".join(questionnaire.response_label(row["question"], s) for s in sets)
        groups = questionnaire.groups[row["subgroup_variable"]].categories
        compared = ", ".join(groups[group] for group in row["groups"].split("|"))
        return f"{question}: {answers} ({compared})"

    return published.assign(comparison=[name(row) for _, row in published.iterrows()])


def counted(
    responses: pd.DataFrame, questionnaire: Questionnaire, question: str, response: str
) -> pd.Series:
    """Whether each respondent's answer is one of the response set; missing outside the base.

    Parameters
    ----------
    responses : DataFrame
        Survey frame.
    questionnaire : Questionnaire
        Says which options stay in the base: "don't know" does, "prefer not to say" and no answer
        do not.
    question, response : str
        Question and its option codes joined by ``|``.

    Returns
    -------
    Series of nullable boolean
    """
    codes = [int(code) for code in response.split("|")]
    answers = responses[question]
    in_base = answers.isin(questionnaire.variable(question).base_codes)
    return answers.isin(codes).astype("boolean").where(in_base)


def leave_one_out(survey: Survey) -> pd.DataFrame:
    """Each published comparison by inspection status with each force left out in turn.

    Parameters
    ----------
    survey : Survey
        Respondents with groups and forces.

    Returns
    -------
    DataFrame
        One row per comparison of `COMPARED`: ``id``, ``question``, ``item``, ``response``,
        ``label``, ``subgroup_variable``, ``denominator`` (answers with a known force and status),
        ``difference`` of proportions (inspected less uninspected) and its smallest and largest
        value (``difference_low``, ``difference_high``), ``p_value``, ``p_low``, ``p_high``,
        ``flips`` (yes, no: whether leaving out one force crosses 0.05), ``smallest_cell`` (for
        `disclosure.release`), ``refusal`` (why there are no numbers, or blank), ``wave``, ``unit``,
        ``data_kind``. Which force is not kept, and numbers without it have `LEFT_OUT_DIGITS`
        significant digits.
    """

    def one(chosen: pd.Series) -> pd.Series:
        table = robustness.leave_one_force_out(chosen, survey.groups[STATUS], _forces(survey))
        rounded = {
            name: table[name].map(lambda value: float(f"{value:.{LEFT_OUT_DIGITS}g}"))
            for name in ("estimate_low", "estimate_high", "p_low", "p_high")
        }
        flips = table["flips"].map({True: "yes", False: "no"})
        return table.assign(flips=flips, **rounded).iloc[0]

    columns = {
        "denominator": "denominator",
        "difference": "estimate",
        "difference_low": "estimate_low",
        "difference_high": "estimate_high",
        "p_value": "p_value",
        "p_low": "p_low",
        "p_high": "p_high",
        "flips": "flips",
        "smallest_cell": "smallest_cell",
    }
    return _compare(survey, one, columns, "leave-one-force-out")


def adjusted(survey: Survey) -> pd.DataFrame:
    """Each published comparison by inspection status with area, service and rank held equal.

    Parameters
    ----------
    survey : Survey
        Respondents with groups and forces.

    Returns
    -------
    DataFrame
        One row per comparison of `COMPARED`, with the columns of `leave_one_out` that describe it
        and: ``denominator`` (complete answers of both groups), ``unadjusted`` and ``difference``
        (inspected less uninspected, average marginal effects of the same respondents),
        ``difference_low``, ``difference_high`` (95%, by force), ``p_value``, ``smallest_cell``;
        ``refusal`` where the model must not be fitted.
    """

    def one(chosen: pd.Series) -> pd.Series:
        return adjusted_models.adjusted_difference(chosen, survey.groups, _forces(survey)).iloc[0]

    columns = {
        "denominator": "denominator",
        "unadjusted": "unadjusted",
        "difference": "estimate",
        "difference_low": "ci_low",
        "difference_high": "ci_high",
        "p_value": "p_value",
        "smallest_cell": "smallest_cell",
    }
    return _compare(survey, one, columns, "adjusted")


def multiplicity(tests: pd.DataFrame, wave: str) -> pd.DataFrame:
    """Tests that are significant by breakdown, and how many would be by chance.

    Parameters
    ----------
    tests : DataFrame
        Released rows of survey_tests.csv.
    wave : str
        The wave that is counted.

    Returns
    -------
    DataFrame
        As `robustness.multiplicity`, with ``id``, ``breakdown`` in words, ``wave``, unit ``tests``
        and ``data_kind``.

    Raises
    ------
    InputError
        If no test is of this wave.
    """
    of_wave = _of_wave(tests, wave)
    found = robustness.multiplicity(of_wave)
    names = dict(zip(of_wave["subgroup_variable"], of_wave["breakdown"], strict=True))
    found["breakdown"] = found["subgroup_variable"].map(names).fillna("All tests")
    return _describe(found, "multiplicity", of_wave, "tests")


def design_effects(estimates: pd.DataFrame, wave: str) -> pd.DataFrame:
    """Median and largest design effect of the estimates of each breakdown.

    Parameters
    ----------
    estimates : DataFrame
        Released rows of survey_estimates.csv. Rows without a design effect are left out.
    wave : str
        The wave that is described.

    Returns
    -------
    DataFrame
        ``id``, ``subgroup_variable``, ``breakdown`` in words, ``estimates`` (how many have a design
        effect), ``median``, ``largest``, ``wave``, unit ``estimates`` and ``data_kind``; no rows
        where no force is known.

    Raises
    ------
    InputError
        If no estimate is of this wave.
    """
    of_wave = _of_wave(estimates, wave)
    found = (
        of_wave[of_wave["design_effect"].notna()]
        .groupby(["subgroup_variable", "breakdown"], sort=False)["design_effect"]
        .agg(estimates="size", median="median", largest="max")
        .reset_index()
    )
    return _describe(found, "design_effect", of_wave, "estimates")


def _of_wave(frame: pd.DataFrame, wave: str) -> pd.DataFrame:
    found = frame[frame["wave"] == wave]
    if found.empty:
        waves = ", ".join(sorted(frame["wave"].unique())) or "nothing"
        problem = Problem("wave", repr(wave), waves, "Use a wave that was tabulated.")
        raise InputError("There are no results of this wave.", [problem])
    return found


def _describe(frame: pd.DataFrame, what: str, of_wave: pd.DataFrame, unit: str) -> pd.DataFrame:
    wave, data_kind = of_wave[["wave", "data_kind"]].iloc[0]
    ids = what + "." + frame["subgroup_variable"] + "." + wave
    return frame.assign(id=ids, wave=wave, unit=unit, data_kind=data_kind)


def _forces(survey: Survey) -> pd.Series:
    """Force of each respondent; missing where it is not in the force table."""
    known = survey.responses[FORCE_VARIABLE].isin(survey.forces["force"])
    return survey.responses[FORCE_VARIABLE].where(known)


def _compare(
    survey: Survey,
    one: Callable[[pd.Series], pd.Series],
    columns: Mapping[str, str],
    what: str,
) -> pd.DataFrame:
    """One row per comparison, with `columns` from what `one` finds; a refusal keeps its reason."""
    book = survey.questionnaire
    rows = []
    for question, response in COMPARED.items():
        found, refusal = _found_or_refused(survey, one, question, response)
        rows.append(
            {
                "id": f"{what}.{question}.{response.replace('|', '-')}.{survey.wave}",
                "question": question,
                "item": book.variable(question).label,
                "response": response,
                "label": book.response_label(question, response),
                "subgroup_variable": STATUS,
                **{name: found.get(source, np.nan) for name, source in columns.items()},
                "refusal": refusal,
            }
        )
    frame = pd.DataFrame(rows).astype({"denominator": "Int64", "smallest_cell": "Int64"})
    return frame.assign(wave=survey.wave, unit="respondents", data_kind=survey.data_kind)


def _found_or_refused(
    survey: Survey, one: Callable[[pd.Series], pd.Series], question: str, response: str
) -> tuple[Mapping | pd.Series, str]:
    """What was found for one comparison, or nothing and the reason."""
    try:
        if not survey.has_force:
            raise DesignError("The file does not say in which force a respondent works.")
        return one(counted(survey.responses, survey.questionnaire, question, response)), ""
    except DesignError as refused:
        return {}, " ".join(str(refused).split())
