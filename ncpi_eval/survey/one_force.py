"""One force beside all others, where nothing follows from it about anybody else.

A brief names its force, so it must hold against everything else that is published: the report's
totals and groups, and the briefs of all other forces. What a reader can subtract is the forces that
no brief shows. Every group of forces that the report tabulates therefore keeps at least three such
forces with answers of both kinds from ten people or more; where it would not, the brief of its
smallest force shows less. Which numbers a brief shows depends on the survey alone, not on which
briefs were made.

There is no ranking: a force is compared with the respondents of all others together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval import intervals
from ncpi_eval.disclosure import MINIMUM_BASE, MINIMUM_COUNT, MINIMUM_FORCES
from ncpi_eval.evidence.record import slug
from ncpi_eval.questionnaire import FORCE_VARIABLE
from ncpi_eval.sources import SYNTHETIC, Survey
from ncpi_eval.survey import clusters
from ncpi_eval.survey.sensitivity import COMPARED, counted

CAVEAT = (
    "Respondents chose themselves and nobody knows how many were asked. The interval allows for "
    "chance among the force's respondents and for how forces differ, not for who chose to answer."
)
METHOD = (
    "Wilson interval of the force; CR2 by force, Satterthwaite t on the logit scale of all others; "
    "difference by Newcombe's method 10 with these two intervals"
)
OTHERS = "All other forces"
COLUMNS = (
    "id",
    "question",
    "item",
    "response",
    "label",
    "subgroup_variable",
    "subgroup",
    "count",
    "denominator",
    "estimate",
    "ci_low",
    "ci_high",
    "difference",
    "difference_low",
    "difference_high",
    "method",
    "caveat",
    "wave",
    "unit",
    "data_kind",
)
_UNKNOWN = -1


@dataclass(frozen=True)
class Compared:
    """What a brief may show of its respondents.

    Attributes
    ----------
    rows : DataFrame
        As `compare`; none where nothing may be shown.
    why : str
        shown, few (nothing may be shown), or why there is nothing to show: invented (the
        respondents are), no_force (the file does not say where they work), other_world (the force
        is invented, they are not).
    """

    rows: pd.DataFrame
    why: str


def of_brief(survey: Survey, force: int, data_kind: str) -> Compared:
    """The survey section of one force's brief.

    Parameters
    ----------
    survey : Survey
        Any survey, invented or real.
    force : int
        Code of the force.
    data_kind : str
        Of the force: synthetic or public_record.
    """
    nothing = pd.DataFrame(columns=list(COLUMNS))
    if survey.data_kind == SYNTHETIC:
        return Compared(nothing, "invented")
    if data_kind == SYNTHETIC:
        return Compared(nothing, "other_world")
    if not survey.has_force:
        return Compared(nothing, "no_force")
    rows = compare(survey, force)
    return Compared(rows, "shown" if len(rows) else "few")


def compare(survey: Survey, force: int) -> pd.DataFrame:
    """The questions of `sensitivity.COMPARED` that may be shown of one force.

    Parameters
    ----------
    survey : Survey
        Respondents with groups and forces.
    force : int
        Code of the force.

    Returns
    -------
    DataFrame
        Two rows per question that may be shown, the force and all other respondents together, none
        if there is none: ``id``, ``question``, ``item``, ``response``, ``label``,
        ``subgroup_variable`` (force), ``subgroup`` (its name, or `OTHERS`), ``count``,
        ``denominator``, ``estimate``, ``ci_low``, ``ci_high`` (proportions, 95%); in the row of the
        force ``difference``, ``difference_low``, ``difference_high`` (force less others);
        ``method``, ``caveat``, ``wave``, ``unit``, ``data_kind``.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:873, method 10; Zou and Donner (2008), Statistics in
    Medicine 27:1693, for the same with intervals of any kind.
    """
    name = str(survey.forces.set_index("force")["name"][force])
    book = survey.questionnaire
    groups = groups_of_forces(survey)
    rows = []
    for question, response in COMPARED.items():
        table = by_force(survey, counted(survey.responses, book, question, response))
        if force not in shown(table, groups):
            continue
        answer = f"{question}.{response.replace('|', '-')}.{survey.wave}"
        for subgroup, found in zip((name, OTHERS), _estimates(table, force), strict=True):
            rows.append(
                {
                    "id": f"{slug(subgroup)}.{answer}",
                    "question": question,
                    "item": book.variable(question).label,
                    "response": response,
                    "label": book.response_label(question, response),
                    "subgroup_variable": "force",
                    "subgroup": subgroup,
                    **found,
                    "method": METHOD,
                    "caveat": CAVEAT,
                    "wave": survey.wave,
                    "unit": "respondents",
                    "data_kind": survey.data_kind,
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def by_force(survey: Survey, chosen: pd.Series) -> pd.DataFrame:
    """Count and base of each force with any answer; code -1 is those without a known force."""
    force = survey.responses[FORCE_VARIABLE]
    force = force.where(force.isin(survey.forces["force"])).fillna(_UNKNOWN).astype(int)
    inside = chosen.notna()
    return (
        pd.DataFrame({"force": force[inside], "count": chosen[inside].astype(int)})
        .groupby("force")["count"]
        .agg(count="sum", base="size")
    )


def groups_of_forces(survey: Survey) -> list[pd.Series]:
    """The report's groups that are made of whole forces: by group, category of each force."""
    force = survey.responses[FORCE_VARIABLE].fillna(_UNKNOWN).astype(int)
    found = []
    for name in survey.groups:
        category = survey.groups[name].astype("string").fillna("").groupby(force)
        if (category.nunique() == 1).all():
            found.append(category.first())
    return found


def shown(table: pd.DataFrame, groups: list[pd.Series]) -> set[int]:
    """Forces of which one question may be shown, when all of them have briefs.

    Parameters
    ----------
    table : DataFrame
        As `by_force`.
    groups : list of Series
        As `groups_of_forces`; all forces together count as one more group.

    Notes
    -----
    A force needs a base of `MINIMUM_BASE` and `MINIMUM_COUNT` people with and without the answer,
    and so do all others together. In each group the forces that are not shown must be
    `MINIMUM_FORCES` or more, with `MINIMUM_COUNT` people with and without the answer: else the
    smallest shown force of the group (the lower code first) is not shown either.
    """
    rest = table["base"] - table["count"]
    large = (table["base"] >= MINIMUM_BASE) & (table["count"] >= MINIMUM_COUNT)
    large &= rest >= MINIMUM_COUNT
    kept = {int(str(force)) for force in table.index[large] if force != _UNKNOWN}
    while True:
        gone = next(_too_many(table, groups, kept), None)
        if gone is None:
            return kept
        kept.remove(gone)


def _too_many(table: pd.DataFrame, groups: list[pd.Series], kept: set[int]) -> Iterator[int]:
    everyone = pd.Series("all", index=table.index)
    for group in [everyone, *groups]:
        category = group.reindex(table.index).fillna("")
        for _, part in table.groupby(category):
            inside = part.index.isin(kept)
            hidden, own = part[~inside], part[inside]
            forces = (hidden.index != _UNKNOWN).sum()
            count, base = hidden["count"].sum(), hidden["base"].sum()
            enough = min(count, base - count) >= MINIMUM_COUNT and forces >= MINIMUM_FORCES
            if len(own) and not enough:
                yield int(own["base"].sort_index().idxmin())


def _estimates(table: pd.DataFrame, force: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Numbers of the force and of all others."""
    count, base = (int(table.loc[force, name]) for name in ("count", "base"))  # type: ignore[arg-type]
    others = table.drop(index=force)
    counts, bases = others["count"].to_numpy(float), others["base"].to_numpy(float)
    sample = clusters.cube_proportion(counts, bases)
    ends = clusters.logit_interval(sample.estimate, sample.std_error, sample.df)
    p, (low, high) = count / base, intervals.wilson(count, base)
    q, (q_low, q_high) = float(sample.estimate), (float(end) for end in ends)
    own = {
        "count": count,
        "denominator": base,
        "estimate": p,
        "ci_low": low,
        "ci_high": high,
        "difference": p - q,
        "difference_low": max(-1.0, p - q - float(np.hypot(p - low, q_high - q))),
        "difference_high": min(1.0, p - q + float(np.hypot(high - p, q - q_low))),
    }
    other = {
        "count": int(counts.sum()),
        "denominator": int(bases.sum()),
        "estimate": q,
        "ci_low": q_low,
        "ci_high": q_high,
    }
    return own, other
