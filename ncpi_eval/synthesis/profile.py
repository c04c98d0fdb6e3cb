"""Who the synthetic respondents are: force, area, service, rank, age, sex and ethnic group.

The sizes of the groups are not printed, but a total and its parts bound them: 60% of all, 54% of
the inspected and 69% of the uninspected cannot hold unless 33 to 47% work in uninspected forces.
The sizes below lie inside all such bounds (tests recompute them) and are otherwise invented.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ncpi_eval.synthesis import forces as force_module
from ncpi_eval.synthesis.forces import Forces

RESPONDENTS = 856

# Three respondents kept everything to themselves; the other 853 have every background answer that
# the report breaks down by, so that printed bases are bases of the breakdowns too.
GUARDED = 3

AREA = {1: 128, 2: 216, 3: 297, 4: 212}
AREA_NAMES = {1: "custody", 2: "child_protection", 3: "neighbourhood", 4: "other"}
SERVICE = {1: 24, 2: 37, 3: 62, 4: 148, 5: 582}
RANK = {1: 168, 2: 96, 3: 356, 4: 121, 5: 52, 6: 22, 7: 12, 8: 4, 9: 3, 10: 19}
AGE = {1: 27, 2: 168, 3: 282, 4: 281, 5: 74, 6: 4, 7: 17}
SEX = {1: 388, 2: 446, 3: 3, 4: 16}
ETHNIC = {1: 768, 2: 22, 3: 14, 4: 3, 5: 7, 6: 2, 7: 12, 8: 4, 9: 21}

# Codes of "prefer not to say".
SKIP = {"RAge": 7, "RSex": 4, "REth": 9, "RForc": 44, "RServ": 6, "RRank": 11, "RArea": 5}

OTHER_AREAS = (
    "Response", "Force control room", "Missing persons team", "Intelligence", "Domestic abuse unit",
    "Investigation (CID)", "Safeguarding hub", "Offender management", "Schools and youth team",
    "Public protection",
)  # fmt: skip
OTHER_RANKS = ("Analyst", "Detective constable", "Investigator (civilian)", "Contractor")
OTHER_ETHNIC = ("Cornish", "Chinese", "Arab", "Latin American")


def build(forces: Forces, rng: np.random.Generator) -> pd.DataFrame:
    """One row per respondent: background answers, breakdowns and leanings.

    Returns
    -------
    DataFrame
        Questionnaire columns of the background section, the breakdowns by name (``none`` where a
        respondent is in no group), ``force_group``, ``force`` (0 if not known), ``guarded`` and one
        standard normal column per factor.
    """
    groups = [
        (code, name)
        for name in force_module.RESPONDENTS
        for code in force_module.members(forces, name)
    ]
    people = pd.DataFrame(groups, columns=["force", "force_group"])
    people = people.iloc[rng.permutation(len(people))].reset_index(drop=True)
    for factor in ("view", "knowledge", "training", "seniority"):
        people[factor] = rng.standard_normal(len(people))
    people["RArea"] = _deal(AREA, rng.standard_normal(len(people)))
    junior = np.where(people["RArea"] == 2, -0.6, 0.0) - 0.9 * people["seniority"]
    people["RServ"] = _deal(SERVICE, -junior + 0.4 * rng.standard_normal(len(people)))
    people["RRank"] = _ranks(people, rng)
    people["RAge"] = _ages(people, rng)
    people["RSex"] = _deal(
        SEX, np.where(people["RArea"] == 2, -0.5, 0.0) + rng.standard_normal(len(people))
    )
    people["REth"] = _deal(ETHNIC, rng.standard_normal(len(people)))
    people["knowledge"] += 0.5 * people["RRank"].between(5, 9)
    people["guarded"] = False
    return _breakdowns(_add_guarded(people, rng), forces)


def _deal(counts: dict[int, int], score: np.ndarray) -> np.ndarray:
    """Answers in exact numbers, lower codes to lower scores."""
    answers = np.repeat(list(counts), list(counts.values()))
    result = np.empty(len(score), dtype=int)
    result[np.argsort(np.asarray(score), kind="stable")] = answers
    return result


def _ranks(people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Ranks: inspectors and above only after five years; support officers in neighbourhoods."""
    score = people["seniority"] + 0.5 * rng.standard_normal(len(people))
    score += np.where(people["RServ"] <= 3, -8.0, 0.0)
    officers = {code: n for code, n in RANK.items() if 3 <= code <= 9}
    staff = {code: n for code, n in RANK.items() if code in (1, 2, 10)}
    patrol = (people["RArea"] == 3).to_numpy()
    lean = rng.standard_normal(len(people)) - np.where(patrol, 2.5, 0.0)
    result = np.zeros(len(people), dtype=int)
    order = np.argsort(lean, kind="stable")
    result[order[: staff[2]]] = 2
    rest = rng.permutation(order[staff[2] :])
    result[rest[: staff[1]]] = 1
    result[rest[staff[1] : staff[1] + staff[10]]] = 10
    free = np.flatnonzero(result == 0)
    result[free] = _deal(officers, score.to_numpy()[free])
    return result


def _ages(people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Ages in line with service; those who keep their age to themselves are anybody."""
    known = {code: n for code, n in AGE.items() if code != 7}
    result = np.full(len(people), 7)
    telling = np.sort(rng.permutation(len(people))[: sum(known.values())])
    score = 0.7 * people["RServ"] + people["seniority"] + 0.8 * rng.standard_normal(len(people))
    result[telling] = _deal(known, score.to_numpy()[telling])
    return result


def _add_guarded(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Put the respondents who say nothing about themselves at random places."""
    silent = pd.DataFrame({"force": [0] * GUARDED, "force_group": "none", "guarded": True})
    for column, code in SKIP.items():
        if column != "RForc":
            silent[column] = code
    for factor in ("view", "knowledge", "training", "seniority"):
        silent[factor] = 0.0
    everybody = pd.concat([people, silent], ignore_index=True)
    return everybody.iloc[rng.permutation(len(everybody))].reset_index(drop=True)


def _breakdowns(people: pd.DataFrame, forces: Forces) -> pd.DataFrame:
    """Groups by name, as `data/questionnaire/groups.csv` defines them."""
    group = people["force_group"]
    status = {"before_2017": "inspected", "from_2017": "inspected"}
    people["RForc"] = np.where(people["force"] > 0, people["force"], SKIP["RForc"])
    people["inspection_status"] = group.map(
        lambda g: "none" if g == "none" else status.get(g, "uninspected")
    )
    people["inspection_timing"] = group.map(
        lambda g: g if g in (*status, "none") else "uninspected"
    )
    people["any_inspection"] = group.map(
        lambda g: g if g in ("neither", "none") else "inspected_or_joint"
    )
    joint = forces.table.set_index("force")["joint_inspection"].ne("")
    people["joint_inspection"] = [
        _joint(group, bool(joint.get(force, False)))
        for group, force in zip(people["inspection_status"], people["force"], strict=True)
    ]
    people["area"] = people["RArea"].map(AREA_NAMES).fillna("none")
    people["service"] = people["RServ"].map(
        lambda s: "none" if s == 6 else "up_to_5_years" if s <= 3 else "over_5_years"
    )
    people["rank"] = people["RRank"].map(
        lambda r: (
            "none"
            if r == 11
            else "frontline"
            if r <= 4
            else "other"
            if r == 10
            else "inspector_or_above"
        )
    )
    people["status_by_area"] = np.where(
        people["area"] == "none", "none", people["area"] + "_" + people["inspection_status"]
    )
    return people


def _joint(status: str, joint: bool) -> str:
    """NCPI and joint inspection of the force in one word."""
    if status == "inspected":
        return "inspected_and_joint" if joint else "inspected_only"
    return "none" if status == "none" else "joint_only" if joint else "neither"
