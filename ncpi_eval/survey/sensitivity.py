"""How far the respondents' own differences bear: a force left out, the mix held equal, many tests.

Frames for 06-robustness in the project's columns. With synthetic respondents they show how the
checks work; with real ones they are the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from ncpi_eval.errors import DesignError
from ncpi_eval.questionnaire import FORCE_VARIABLE, Questionnaire
from ncpi_eval.sources import Survey
from ncpi_eval.survey import adjusted as adjusted_models
from ncpi_eval.survey import robustness

STATUS = "inspection_status"

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
    """Whether each respondent's answer is one of the response set; missing outside the base."""
    codes = [int(code) for code in response.split("|")]
    answers = responses[question]
    in_base = answers.isin(questionnaire.variable(question).base_codes)
    return answers.isin(codes).astype("boolean").where(in_base)


def leave_one_out(survey: Survey) -> pd.DataFrame:
    """Each published comparison by inspection status with each force left out in turn.

    Returns
    -------
    DataFrame
        One row per comparison: ``difference`` and its smallest and largest value
        (``difference_low``, ``difference_high``), ``p_value``, ``p_low``, ``p_high``, ``flips``
        (yes, no), ``refusal`` where the comparison cannot be made. Which force is not kept.
    """

    def one(chosen: pd.Series) -> dict:
        found = robustness.leave_one_force_out(chosen, survey.groups[STATUS], _forces(survey)).iloc[
            0
        ]
        return {
            "denominator": found["denominator"],
            "difference": found["estimate"],
            "difference_low": found["estimate_low"],
            "difference_high": found["estimate_high"],
            "p_value": found["p_value"],
            "p_low": found["p_low"],
            "p_high": found["p_high"],
            "flips": "yes" if found["flips"] else "no",
        }

    columns = ["denominator", "difference", "difference_low", "difference_high", "p_value"]
    return _compare(survey, one, [*columns, "p_low", "p_high", "flips"], "leave-one-force-out")


def adjusted(survey: Survey) -> pd.DataFrame:
    """Each published comparison by inspection status with area, service and rank held equal.

    Returns
    -------
    DataFrame
        One row per comparison: ``unadjusted`` and ``difference`` (inspected less uninspected,
        average marginal effects of the same respondents), ``difference_low``,
        ``difference_high``, ``p_value``, ``denominator``; ``refusal`` where the model must not be
        fitted.
    """

    def one(chosen: pd.Series) -> dict:
        found = adjusted_models.adjusted_difference(chosen, survey.groups, _forces(survey)).iloc[0]
        return {
            "denominator": found["denominator"],
            "unadjusted": found["unadjusted"],
            "difference": found["estimate"],
            "difference_low": found["ci_low"],
            "difference_high": found["ci_high"],
            "p_value": found["p_value"],
        }

    columns = ["denominator", "unadjusted", "difference", "difference_low", "difference_high"]
    return _compare(survey, one, [*columns, "p_value"], "adjusted")


def multiplicity(tests: pd.DataFrame, wave: str) -> pd.DataFrame:
    """Tests that are significant by breakdown, and how many would be by chance (one wave)."""
    of_wave = tests[tests["wave"] == wave]
    found = robustness.multiplicity(of_wave)
    names = dict(zip(of_wave["subgroup_variable"], of_wave["breakdown"], strict=True))
    found["breakdown"] = found["subgroup_variable"].map(names).fillna("All tests")
    return _describe(found, "multiplicity", wave, _kind(of_wave))


def design_effects(estimates: pd.DataFrame, wave: str) -> pd.DataFrame:
    """Median and largest design effect of the estimates of each breakdown (one wave)."""
    shown = estimates[(estimates["wave"] == wave) & estimates["design_effect"].notna()]
    found = (
        shown.groupby(["subgroup_variable", "breakdown"], sort=False)["design_effect"]
        .agg(estimates="size", median="median", largest="max")
        .reset_index()
    )
    return _describe(found, "design_effect", wave, _kind(estimates))


def _kind(frame: pd.DataFrame) -> str:
    return str(frame["data_kind"].iloc[0])


def _describe(frame: pd.DataFrame, what: str, wave: str, data_kind: str) -> pd.DataFrame:
    ids = what + "." + frame["subgroup_variable"] + "." + wave
    return frame.assign(id=ids, wave=wave, unit="tests", data_kind=data_kind)


def _forces(survey: Survey) -> pd.Series:
    known = survey.responses[FORCE_VARIABLE].isin(survey.forces["force"])
    return survey.responses[FORCE_VARIABLE].where(known)


def _compare(
    survey: Survey, one: Callable[[pd.Series], dict], columns: list[str], what: str
) -> pd.DataFrame:
    """One row per comparison; a comparison that is refused keeps its reason."""
    book = survey.questionnaire
    rows = []
    for question, response in COMPARED.items():
        row: dict = {
            "id": f"{what}.{question}.{response.replace('|', '-')}.{survey.wave}",
            "question": question,
            "item": book.variable(question).label,
            "response": response,
            "label": book.response_label(question, response),
            "subgroup_variable": STATUS,
        }
        try:
            if not survey.has_force:
                raise DesignError("The file does not say in which force a respondent works.")
            row |= one(counted(survey.responses, book, question, response)) | {"refusal": ""}
        except DesignError as refused:
            row |= {"refusal": " ".join(str(refused).split())}
        rows.append(row)
    frame = pd.DataFrame(rows).reindex(columns=[*rows[0], *columns, "refusal"])
    frame = frame.loc[:, ~frame.columns.duplicated()]
    return frame.assign(wave=survey.wave, unit="respondents", data_kind=survey.data_kind)
