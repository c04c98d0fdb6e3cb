"""How audited cases were graded, report by report, with what was printed and nothing repaired.

Inspectors choose cases for what they can show and do not sample them, and each report's grades are
judgements by inspectors. So grades are shown by report and set side by side where a force has been
graded twice; nothing is tested, and reports are never added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval.errors import DesignError, InputError, Problem
from ncpi_eval.evidence.kinds import FOLLOW_UPS, INSPECTION
from ncpi_eval.evidence.record import confidence_word, lowest, slug
from ncpi_eval.intake.record import AUDIT_COLUMNS, SCALES
from ncpi_eval.intervals import wilson

CHOSEN = "Cases were chosen by inspectors, not sampled, and the grades are their judgement."
_SCOPES = {
    "all": "",
    "further_cases": "Further cases beside those that the force had graded as well.",
    "child_sexual_exploitation": "Only cases of child sexual exploitation, a part of the audit.",
    "missing_children": "Only cases of missing children, a part of the audit.",
    "investigation": "Only investigations, a part of the audit.",
    "combined_forces": "Several forces together, some of which are shown on their own as well.",
    "outside_programme": "A later format with graded areas instead of graded cases.",
}
_BY_FORCE = "The force graded its own cases."
INTERVAL = (
    "Wilson, 95%, as if cases had been sampled; they were chosen, so it only shows how little so "
    "few cases can say"
)
BELOW_GOOD = "requires_improvement|inadequate"


def grades(audits: pd.DataFrame) -> pd.DataFrame:
    """Every grade of every audit, as published.

    Parameters
    ----------
    audits : DataFrame
        From `intake.record.read_audits` or `audits_of_documents`.

    Returns
    -------
    DataFrame
        One row per audit and grade of its scale (good first), and one for
        ``requires_improvement|inadequate`` where only these two together are published, or one
        ``all`` for a format without graded cases; unit cases: id; question
        ``case_audit``; item (kind of report); response (the grade); subgroup (the force); count and
        denominator (cases) as printed, missing where not published; estimate (share) with ci_low
        and ci_high; audit (shared by the rows of one audit); force, kind, scope, graded_by,
        fieldwork; split (`complete`, `partial`, `contradictory`, `percentage`, `none`); derived
        (True where the count is the rest of the others); known_error; confidence; publisher,
        source; caveat.

        Where only a percentage was printed there is an estimate without count and interval. Where
        printed grades contradict the printed cases, counts and cases are shown and there is no
        estimate: which of them is wrong is not known.

    Raises
    ------
    DesignError
        If invented and real audits are mixed.
    """
    if audits["data_kind"].nunique() > 1:
        raise DesignError("Audits of one kind of data only: keep invented and real ones apart.")
    rows = [row for audit in audits.to_dict("records") for row in _of_audit(audit)]
    columns = pd.DataFrame(rows)
    for column in ("count", "denominator"):
        columns[column] = columns[column].astype("Int64")
    for column in ("estimate", "ci_low", "ci_high"):
        columns[column] = columns[column].astype(float)
    return columns


def labelled(graded: pd.DataFrame) -> pd.DataFrame:
    """Rows of `grades` by force and fieldwork, with ``label``: force, kind of report and year."""
    ordered = graded.sort_values(["subgroup", "fieldwork"], kind="stable")
    kinds = ordered["kind"].mask(ordered["kind"].isin(FOLLOW_UPS), "follow-up")
    words = kinds.str.replace("_", " ")
    return ordered.assign(
        label=ordered["subgroup"] + ", " + words + " " + ordered["fieldwork"].str[:4]
    )


def graded_twice(graded: pd.DataFrame) -> pd.DataFrame:
    """What changed from a force's first inspection to its follow-up, shown and not tested.

    Parameters
    ----------
    graded : DataFrame
        From `grades`.

    Returns
    -------
    DataFrame
        One row per force and grade that inspectors gave a share of all audited cases both times,
        unit cases: id; subgroup (the force); response (the grade); count_first, denominator_first,
        first (share at the inspection); count, denominator, estimate (at the follow-up); difference
        (follow-up minus first, a proportion); split (`complete` when every grade is known both
        times); confidence (the lower of the two); source (addresses of both); caveat. There is
        neither interval nor p-value: two sets of chosen cases are not two samples. Empty if no
        force was graded twice.
    """
    usable = graded[
        (graded["scope"] == "all")
        & (graded["graded_by"] == "inspectors")
        & graded["estimate"].notna()
    ]
    first = usable[usable["kind"] == INSPECTION]
    second = usable[usable["kind"].isin(FOLLOW_UPS)]
    first, second = (
        rows.sort_values("fieldwork", kind="stable").drop_duplicates(["subgroup", "response"])
        for rows in (first, second)
    )
    both = second.merge(first, on=["subgroup", "response"], suffixes=("", "_first"))
    both = both[both["grade_scale"] == both["grade_scale_first"]]
    both = both.sort_values("subgroup", kind="stable")
    complete = (both["split"] == "complete") & (both["split_first"] == "complete")
    pairs = zip(both["confidence"], both["confidence_first"], strict=True)
    return pd.DataFrame(
        {
            "id": [
                f"graded_twice.{slug(force)}.{grade}"
                for force, grade in zip(both["subgroup"], both["response"], strict=True)
            ],
            "question": "graded_twice",
            "item": both["item"],
            "response": both["response"],
            "subgroup_variable": "force",
            "subgroup": both["subgroup"],
            "unit": "cases",
            "count": both["count"],
            "denominator": both["denominator"],
            "estimate": both["estimate"],
            "caveat": [f"{CHOSEN} Two choices of cases are not compared by a test."] * len(both),
            "data_kind": both["data_kind"],
            "count_first": both["count_first"],
            "denominator_first": both["denominator_first"],
            "first": both["estimate_first"],
            "difference": both["estimate"] - both["estimate_first"],
            "split": np.where(complete, "complete", "partial"),
            "confidence": [lowest(*pair) for pair in pairs],
            "fieldwork_first": both["fieldwork_first"],
            "fieldwork": both["fieldwork"],
            "source": [
                " ".join(dict.fromkeys(pair))
                for pair in zip(both["source_first"], both["source"], strict=True)
            ],
        }
    ).reset_index(drop=True)


def self_assessment_totals(graded: pd.DataFrame) -> pd.DataFrame:
    """Totals of inspectors' and of the force's own grades of the same cases.

    Parameters
    ----------
    graded : DataFrame
        From `grades`.

    Returns
    -------
    DataFrame
        One row per force and grade, unit cases: count (inspectors), count_force (the force),
        denominator (cases), most_agreeing (how many cases can have the same grade from both, added
        over grades, given these totals: agreement itself needs the cases one by one), forces (how
        many forces have such totals), known_error, source, caveat. Empty if there are none.
    """
    whole = graded[(graded["scope"] == "all") & graded["count"].notna()]
    inspectors = whole[whole["graded_by"] == "inspectors"]
    force = whole[whole["graded_by"] == "force"]
    keys = ["subgroup", "kind", "fieldwork", "response"]
    both = inspectors.merge(force, on=keys, suffixes=("", "_force"))
    smaller = both[["count", "count_force"]].min(axis=1)
    agreeing = smaller.groupby([both[key] for key in keys[:3]]).transform("sum")
    number = both["subgroup"].nunique()
    published = f"Totals are published for {number} force{'' if number == 1 else 's'} only; whether"
    published += " the two agreed case by case is not."
    return pd.DataFrame(
        {
            "id": [
                f"self_assessment.{slug(name)}.{grade}"
                for name, grade in zip(both["subgroup"], both["response"], strict=True)
            ],
            "question": "self_assessment",
            "item": both["item"],
            "response": both["response"],
            "subgroup_variable": "force",
            "subgroup": both["subgroup"],
            "unit": "cases",
            "count": both["count"],
            "denominator": both["denominator"],
            "caveat": [
                " ".join(filter(None, (published, _printed_error(error))))
                for error in both["known_error"]
            ],
            "data_kind": both["data_kind"],
            "count_force": both["count_force"],
            "most_agreeing": agreeing.astype("Int64"),
            "forces": number,
            "known_error": both["known_error"],
            "confidence": both["confidence"],
            "source": both["source"],
        }
    )


def self_assessment(cases: pd.DataFrame, scale: Sequence[str] = SCALES["3-point"]) -> pd.DataFrame:
    """Inspectors' against the force's own grades, case by case; ready for such data.

    Parameters
    ----------
    cases : DataFrame
        One row per case: force (name), inspectors, self (grades of `scale`, missing where a side
        did not grade it), data_kind.
    scale : sequence of str
        Grades, best first.

    Returns
    -------
    DataFrame
        Three rows per force, unit cases: response same, force_more_generous, force_stricter; count,
        denominator (cases graded by both), estimate, ci_low, ci_high (Wilson), not_graded (cases
        that one side left ungraded). For a coefficient of agreement, and the table of both grades,
        hand the two columns to the project's agreement measures.

    Raises
    ------
    InputError
        With row and column of every grade that the scale does not have.
    """
    order = {grade: place for place, grade in enumerate(scale)}
    problems = [
        Problem(f"cases, row {row + 1}, column {column}", repr(grade), ", ".join(scale), "Correct.")
        for column in ("inspectors", "self")
        for row, grade in enumerate(cases[column])
        if not pd.isna(grade) and grade not in order
    ]
    if problems:
        raise InputError("These grades cannot be compared.", problems)
    rows = []
    for (force, kind), of_force in cases.groupby(["force", "data_kind"]):
        graded = of_force.dropna(subset=["inspectors", "self"])
        step = graded["inspectors"].map(order) - graded["self"].map(order)
        counts = {"same": step == 0, "force_more_generous": step > 0, "force_stricter": step < 0}
        for response, chosen in counts.items():
            count, base = int(chosen.sum()), len(graded)
            low, high = wilson(count, base)
            rows.append(
                {
                    "id": f"self_assessment.{slug(str(force))}.{response}",
                    "question": "self_assessment",
                    "item": "Grade of the force against that of the inspectors, same case",
                    "response": response,
                    "subgroup_variable": "force",
                    "subgroup": force,
                    "unit": "cases",
                    "count": count,
                    "denominator": base,
                    "estimate": count / base if base else np.nan,
                    "ci_low": low,
                    "ci_high": high,
                    "method": INTERVAL,
                    "caveat": CHOSEN,
                    "data_kind": kind,
                    "not_graded": len(of_force) - base,
                }
            )
    return pd.DataFrame(rows)


def audits_of_documents(facts: pd.DataFrame) -> pd.DataFrame:
    """Audits from the facts extracted from documents.

    Parameters
    ----------
    facts : DataFrame
        `facts.DOCUMENT_COLUMNS`, as text: one row per document.

    Returns
    -------
    DataFrame
        `intake.record.AUDIT_COLUMNS`, one row per inspection or follow-up with a number of cases;
        further copies of one are left out. Grades that contradict the cases get a `known_error`.
    """
    kept = facts[facts["kind"].isin((INSPECTION, *FOLLOW_UPS)) & (facts["force"] != "")]
    kept = kept[kept["cases"] != ""].drop_duplicates(["force", "kind", "fieldwork_start"])
    frame = pd.DataFrame("", index=range(len(kept)), columns=list(AUDIT_COLUMNS))
    same = ("kind", "cases", "good", "requires_improvement", "inadequate", "data_kind")
    for column in same:
        frame[column] = kept[column].to_numpy()
    frame["name"], frame["source"] = kept["force"].to_numpy(), kept["document"].to_numpy()
    frame["fieldwork"], frame["note"] = (
        kept["fieldwork_start"].to_numpy(),
        kept["problems"].to_numpy(),
    )
    frame["confidence"] = [confidence_word(text) for text in kept["confidence"]]
    frame = frame.assign(scope="all", graded_by="inspectors", grade_scale="3-point")
    frame["known_error"] = [_contradiction(row) for row in frame.to_dict("records")]
    return frame


# ---------------------------------------------------------------------------------------------


def _of_audit(audit: Mapping[Any, str]) -> list[dict[str, Any]]:
    cases = int(audit["cases"]) if audit["cases"] else None
    scale = SCALES[audit["grade_scale"]]
    split = _split(audit)
    same = (audit["kind"], audit["fieldwork"], audit["scope"], audit["graded_by"])
    name = ".".join([slug(audit["name"]), *(text for text in same if text)])
    below = audit["requires_improvement_or_inadequate"]
    rows = []
    # A format without graded cases is shown as one row, so that it is not missing unseen.
    for grade in [*(scale or ["all"]), *([BELOW_GOOD] if below else [])]:
        printed = below if grade == BELOW_GOOD else audit.get(grade, "")
        count = int(printed) if printed else None
        estimate = low = high = np.nan
        if count is not None and cases and split != "contradictory":
            estimate = count / cases
            low, high = wilson(count, cases)
        elif grade == "good" and audit["good_percent"]:
            estimate = int(audit["good_percent"]) / 100
        rows.append(
            {
                "id": f"case_audit.{name}.{grade.replace('|', '-')}",
                "question": "case_audit",
                "item": audit["kind"].replace("_", " "),
                "response": grade,
                "subgroup_variable": "force",
                "subgroup": audit["name"],
                "unit": "cases",
                "count": count,
                "denominator": cases,
                "estimate": estimate,
                "ci_low": low,
                "ci_high": high,
                "method": INTERVAL if not np.isnan(low) else "",
                "caveat": _caveat(
                    audit, split, published=not np.isnan(estimate) or count is not None
                ),
                "data_kind": audit["data_kind"],
                "audit": name,
                **{c: audit[c] for c in ("force", "kind", "scope", "graded_by", "fieldwork")},
                "grade_scale": audit["grade_scale"],
                "split": split,
                "derived": audit["derived"] == grade,
                **{c: audit[c] for c in ("known_error", "confidence", "publisher", "source")},
            }
        )
    return rows


def _split(audit: Mapping[Any, str]) -> str:
    scale = SCALES[audit["grade_scale"]]
    printed = [grade for grade in scale if audit[grade]]
    if audit["known_error"]:
        return "contradictory"
    if scale and len(printed) == len(scale):
        return "complete"
    if printed:
        return "partial"
    return "percentage" if audit["good_percent"] else "none"


def _caveat(audit: Mapping[Any, str], split: str, published: bool) -> str:
    parts = [
        _BY_FORCE if audit["graded_by"] == "force" else CHOSEN,
        _SCOPES[audit["scope"]],
        "" if published else "Not published.",
        "Only a percentage is published." if split == "percentage" and published else "",
        _printed_error(audit["known_error"]),
        f"Note: {audit['note']}." if audit["note"] else "",
    ]
    return " ".join(filter(None, parts))


def _printed_error(error: str) -> str:
    return f"Error as published: {error}." if error else ""


def _contradiction(audit: Mapping[Any, str]) -> str:
    counts = [int(audit[grade]) for grade in SCALES["3-point"] if audit[grade]]
    cases, total = int(audit["cases"]), sum(counts)
    if total > cases or (len(counts) == len(SCALES["3-point"]) and total != cases):
        return f"the grades sum to {total}, the number of cases is {cases}"
    return ""
