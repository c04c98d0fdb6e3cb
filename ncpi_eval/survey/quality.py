"""Describe who answered and how completely, so that a reader can judge what the rest rests on.

Frames for the page on data quality, in the project's columns. Forces are counted in bands and never
named; there is no response rate, because nobody knows how many officers and staff could have taken
part: forces passed the link on in their own ways.
"""

from __future__ import annotations

import pandas as pd

from ncpi_eval.intake.validation import is_answered
from ncpi_eval.questionnaire import FORCE_VARIABLE, Questionnaire, Variable
from ncpi_eval.sources import Survey

#: Bands of responses per force (first and last, both inclusive). The report says how many forces
#: had more than one response and more than 20; finer bands could point at a force.
BANDS: tuple[tuple[str, str, int, int | None], ...] = (
    ("1", "1 response", 1, 1),
    ("2_to_20", "2 to 20 responses", 2, 20),
    ("21_or_more", "21 or more responses", 21, None),
)
STATUS = "inspection_status"
COLUMNS = [
    "id",
    "question",
    "item",
    "response",
    "label",
    "subgroup_variable",
    "subgroup",
    "wave",
    "unit",
    "count",
    "denominator",
    "estimate",
    "data_kind",
]
#: Checks of `intake.validation` that are about respondents, with the words a table shows.
ROUTING_CHECKS = {"answered_against_routing": "answered although not asked"}
STRAIGHT_LINES = {"straight_lining": "the same answer to every item"}
OTHER_CHECKS = {
    "text_and_code": "text and a code that says there is none",
    "text_tidied": "blanks or line ends of the text tidied",
    "text_typed_as_number": "a number or date as text",
    "control_characters": "characters that cannot be printed",
}


def response_by_force(
    responses: pd.DataFrame,
    groups: pd.DataFrame,
    questionnaire: Questionnaire,
    *,
    wave: str,
    data_kind: str,
) -> pd.DataFrame:
    """How many forces fall into each band of responses per force.

    Respondents are not counted by band: forces with one response have as many respondents as there
    are forces, so that a small count would be given away.

    Parameters
    ----------
    responses, groups : DataFrame
        As `sources.Survey` has them. Respondents without a known force are left out.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, unit ``forces``, for all forces and by inspection status; the
        denominator is the forces with a response. Empty without the force variable.
    """
    missing = questionnaire.variable(FORCE_VARIABLE).missing_codes
    if FORCE_VARIABLE not in responses:
        return _frame([], wave, data_kind)
    force = responses[FORCE_VARIABLE]
    known = force[force.notna() & ~force.isin(missing).fillna(False).astype(bool)]
    parts = [("all", "all", known)]
    if STATUS in groups:
        for status in questionnaire.groups[STATUS].categories:
            of_status = (groups.loc[known.index, STATUS] == status).to_numpy()
            parts.append((STATUS, status, known[of_status]))
    rows = []
    for variable, subgroup, members in parts:
        sizes = members.value_counts()
        for band, label, first, last in BANDS:
            inside = sizes[(sizes >= first) & (sizes <= (last or sizes.max()))]
            rows.append(
                {
                    "id": f"response_by_force.{band}.{variable}.{subgroup}.{wave}",
                    "question": FORCE_VARIABLE,
                    "item": "Responses per force",
                    "response": band,
                    "label": label,
                    "subgroup_variable": variable,
                    "subgroup": subgroup,
                    "unit": "forces",
                    "count": len(inside),
                    "denominator": len(sizes),
                }
            )
    return _frame(rows, wave, data_kind)


def sample_profile(
    responses: pd.DataFrame, questionnaire: Questionnaire, *, wave: str, data_kind: str
) -> pd.DataFrame:
    """Who answered: area of work, service, rank, sex, age and ethnic group.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; one row per background question and option that stays in the base, in
        questionnaire order; the denominator is the base (prefer not to say and unanswered leave
        it). Questions without a column in `responses` are left out.
    """
    rows = []
    for variable in questionnaire.questions(background=True):
        if variable.name not in responses:
            continue
        counts = responses[variable.name].value_counts()
        base = sum(int(counts.get(code, 0)) for code in variable.base_codes)
        for code in variable.base_codes:
            label, count = variable.options[code], int(counts.get(code, 0))
            rows.append(_row("profile", variable, str(code), label, wave, count, base))
    return _frame(rows, wave, data_kind)


def item_nonresponse(
    responses: pd.DataFrame, questionnaire: Questionnaire, *, wave: str, data_kind: str
) -> pd.DataFrame:
    """What is missing of each question: unanswered, prefer not to say, don't know.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; for every closed and open question the rows ``unanswered``,
        ``prefer_not_to_say`` and ``dont_know``, where the question has such an option. The
        denominator is everybody whom the routing lets through. Questions without a column in
        `responses` are left out.
    """
    rows = []
    for variable in questionnaire.variables.values():
        if variable.name not in responses or not _is_asked_in_itself(variable):
            continue
        asked = questionnaire.asked(variable.name, responses)
        coded = _coded(variable, questionnaire)
        base = int(asked.sum())
        unanswered = asked & ~is_answered(variable, responses, questionnaire)
        kinds = [("unanswered", "No answer", unanswered)]
        for kind, role in (("prefer_not_to_say", "missing"), ("dont_know", "dont_know")):
            codes = [code for code, found in coded.roles.items() if found == role]
            if codes and coded.name in responses:
                chosen = responses[coded.name].isin(codes).fillna(False).astype(bool) & asked
                label = {"missing": "Prefer not to say", "dont_know": "Don’t know"}[role]
                kinds.append((kind, label, chosen))
        for kind, label, chosen in kinds:
            count = int(chosen.sum())
            rows.append(_row("item_nonresponse", variable, kind, label, wave, count, base))
    return _frame(rows, wave, data_kind)


def routing_breaches(reported: pd.DataFrame, *, wave: str, data_kind: str) -> pd.DataFrame:
    """Answers where the published routing asked for none, by question.

    Parameters
    ----------
    reported : DataFrame
        What validation counted, `sources.Survey.reported`.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; the denominator is those who should not have been asked.
    """
    return _checks(reported, ROUTING_CHECKS, wave, data_kind)


def straight_lining(reported: pd.DataFrame, *, wave: str, data_kind: str) -> pd.DataFrame:
    """Respondents who gave the same answer to every item of a grid of three items or more.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; the denominator is those who answered every item of the grid.
    """
    return _checks(reported, STRAIGHT_LINES, wave, data_kind)


def other_checks(reported: pd.DataFrame, *, wave: str, data_kind: str) -> pd.DataFrame:
    """What was noticed about texts; the denominator is those who wrote one."""
    return _checks(reported, OTHER_CHECKS, wave, data_kind)


def _checks(
    reported: pd.DataFrame, checks: dict[str, str], wave: str, data_kind: str
) -> pd.DataFrame:
    rows = []
    for found in reported[reported["check"].isin(list(checks))].to_dict("records"):
        rows.append(
            {
                "id": f"{found['check']}.{found['question']}.all.all.{wave}",
                "question": found["question"],
                "item": found["item"],
                "response": found["check"],
                "label": checks[str(found["check"])],
                "subgroup_variable": "all",
                "subgroup": "all",
                "unit": found["unit"],
                "count": found["count"],
                "denominator": found["denominator"],
            }
        )
    return _frame(rows, wave, data_kind)


def _is_asked_in_itself(variable: Variable) -> bool:
    """Questions, and not what completes, identifies or is worked out from them."""
    return variable.kind in ("single", "open") and not variable.parent


def _coded(variable: Variable, questionnaire: Questionnaire) -> Variable:
    """The variable that holds the codes: for an open question the one that completes it."""
    if variable.kind != "open":
        return variable
    companions = [v for v in questionnaire.variables.values() if v.parent == variable.name]
    return companions[0] if companions else variable


def _row(
    prefix: str, variable: Variable, response: str, label: str, wave: str, count: int, base: int
) -> dict[str, object]:
    return {
        "id": f"{prefix}.{variable.name}.{response}.all.all.{wave}",
        "question": variable.name,
        "item": variable.label,
        "response": response,
        "label": label,
        "subgroup_variable": "all",
        "subgroup": "all",
        "unit": "respondents",
        "count": count,
        "denominator": base,
    }


def _frame(rows: list[dict[str, object]], wave: str, data_kind: str) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=COLUMNS).assign(wave=wave, data_kind=data_kind)
    frame[["count", "denominator"]] = frame[["count", "denominator"]].astype("Int64")
    denominator = frame["denominator"].astype("float64")
    frame["estimate"] = frame["count"].astype("float64") / denominator.where(denominator > 0)
    return frame


def response_counts(survey: Survey) -> pd.DataFrame:
    """How many answered, and from how many forces, as the report counts them.

    Returns
    -------
    DataFrame
        Columns ``id`` (the ``key`` of the claim in figures.csv), ``item``, ``unit``, ``count``,
        ``denominator`` (of forces: those with a response), ``wave``, ``data_kind``. Counts of
        forces are missing where no force is known.
    """
    counts = [("survey.respondents", "Respondents", "respondents", len(survey))]
    counts += _force_counts(survey)
    frame = pd.DataFrame(counts, columns=["id", "item", "unit", "count"])
    frame["count"] = frame["count"].astype("Int64")
    forces = frame["unit"].eq("forces")
    if not survey.has_force:
        frame.loc[1:, "count"] = pd.NA
    responded = int(frame.loc[frame["id"].eq("survey.forces.responded"), "count"].sum())
    frame["denominator"] = pd.Series(responded, index=frame.index, dtype="Int64").where(forces)
    return frame.assign(wave=survey.wave, data_kind=survey.data_kind)


def _force_counts(survey: Survey) -> list[tuple[str, str, str, int]]:
    nobody = pd.Series(pd.NA, index=survey.responses.index, dtype="Int16")
    force = survey.responses.get(FORCE_VARIABLE, nobody)
    force = force.where(force.isin(survey.forces["force"]))
    sizes = force.value_counts()
    several = sizes.index[sizes > 1]
    rows = [
        ("responded", "Forces with a response", len(sizes)),
        ("more_than_one", "Forces with several responses", len(several)),
        ("more_than_20", "Forces with more than 20 responses", int((sizes > 20).sum())),
    ]
    status = survey.groups[STATUS].groupby(force, observed=True).first().reindex(several)
    for name in survey.questionnaire.groups[STATUS].categories:
        item = f"Forces with several responses, {name}"
        rows.append((f"more_than_one.{name}", item, int((status == name).sum())))
    counted = [(f"survey.forces.{name}", item, "forces", count) for name, item, count in rows]
    per_force = "survey.responses_per_force"
    return [
        *counted,
        (
            f"{per_force}.min",
            "Fewest responses of a force",
            "respondents",
            int(sizes.min() if len(sizes) else 0),
        ),
        (
            f"{per_force}.max",
            "Most responses of a force",
            "respondents",
            int(sizes.max() if len(sizes) else 0),
        ),
    ]


def describe(survey: Survey) -> pd.DataFrame:
    """Everything that this module says of one wave, one below the other, with groups in words."""
    known = {"wave": survey.wave, "data_kind": survey.data_kind}
    book = survey.questionnaire
    frame = pd.concat(
        [
            response_by_force(survey.responses, survey.groups, book, **known),
            sample_profile(survey.responses, book, **known),
            item_nonresponse(survey.responses, book, **known),
            routing_breaches(survey.reported, **known),
            straight_lining(survey.reported, **known),
            other_checks(survey.reported, **known),
        ],
        ignore_index=True,
    )
    return frame.assign(suppressed=False)


def released_by_breakdown(estimates: pd.DataFrame) -> pd.DataFrame:
    """How many of the estimates are withheld to protect respondents, by breakdown.

    Parameters
    ----------
    estimates : DataFrame
        Released estimates, `suppressed` where withheld.

    Returns
    -------
    DataFrame
        id, item (the breakdown in words), subgroup_variable, wave, unit ``estimates``, count
        (withheld), denominator (made), data_kind.
    """
    keys = ["subgroup_variable", "breakdown", "wave", "data_kind"]
    found = (
        estimates.groupby(keys, sort=False)["suppressed"]
        .agg(count="sum", denominator="size")
        .reset_index()
        .rename(columns={"breakdown": "item"})
    )
    ids = "released." + found["subgroup_variable"] + "." + found["wave"]
    return found.assign(id=ids, unit="estimates")
