"""Does every published number follow from the data?

Each row of the transcription is looked up among the released rows by the words both share: question,
response set, breakdown and group. A percentage matches when the recomputed proportion, rounded half up
to a whole per cent, is the printed one; a base matches exactly; a statement matches when the test of the
same comparison falls on the same side of 0.05.

With real respondents a verdict is all that is shown: an exact difference between two bases could point
to a few people.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ncpi_eval.survey.consistency import apply_reading

# The evaluation tested at the 95% level (report, chapter 1).
SIGNIFICANCE = 0.05

MATCHES = "matches"
DIFFERS = "differs"
CONTRADICTED = "contradicted by another published number"
NOT_RECOMPUTABLE = "not recomputable"

KEYS = ["question", "response", "subgroup_variable", "subgroup"]
ADDED = ["recomputed", "recomputed_base", "difference", "verdict", "reason", "result_id"]


def whole_per_cent(count: float, base: float) -> float:
    """Percentage rounded half up from integer counts; not a number for an empty base."""
    if not base or np.isnan(base):
        return float("nan")
    return float((200 * int(count) + int(base)) // (2 * int(base)))


def reconcile(
    figures: pd.DataFrame,
    readings: pd.DataFrame,
    estimates: pd.DataFrame,
    tests: pd.DataFrame,
    contradicted: Mapping[str, str],
    *,
    data_kind: str,
) -> pd.DataFrame:
    """Compare every published row with what the data gives.

    Parameters
    ----------
    figures : DataFrame
        The transcription (figures.csv).
    readings : DataFrame
        readings.csv; the chosen reading of each point replaces the cells that it names.
    estimates, tests : DataFrame
        Released rows of survey_estimates.csv (and of survey_counts.csv, appended) and
        survey_tests.csv.
    contradicted : mapping
        Ids of rows that another published number contradicts, with the arithmetic.
    data_kind : {"synthetic", "real"}
        With ``real`` the recomputed values are left out and only verdicts are given.

    Returns
    -------
    DataFrame
        The transcription with ``recomputed`` (per cent or count), ``recomputed_base``,
        ``difference`` (recomputed minus printed), ``verdict``, ``reason`` and ``result_id`` (the row
        of outputs/results it was compared with).
    """
    chosen = readings[readings["chosen"] == "yes"]
    read = apply_reading(figures, chosen)
    estimate_at = _lookup(estimates)
    test_at = _lookup(tests)
    why = dict(zip(chosen["id"], chosen["definition"]))
    rows = []
    for (_, printed), (_, as_read) in zip(figures.iterrows(), read.iterrows()):
        row = _compare(as_read, estimate_at, test_at)
        if row["verdict"] != MATCHES and printed["id"] in contradicted:
            row |= {"verdict": CONTRADICTED, "reason": contradicted[printed["id"]]}
        elif printed["id"] in why:
            row["reason"] = f"{row['reason']}; read as: {why[printed['id']]}".lstrip("; ")
        rows.append(row)
    result = pd.concat(
        [figures.reset_index(drop=True), pd.DataFrame(rows, columns=ADDED)], axis="columns"
    )
    result["data_kind"] = data_kind
    if data_kind == "real":
        result[["recomputed", "recomputed_base", "difference"]] = np.nan
    return result


def _lookup(frame: pd.DataFrame) -> dict[tuple[str, ...], pd.Series]:
    """Rows by question, response set, breakdown and group; the response's codes in any order."""
    return {
        (row["question"], _codes(row["response"]), row["subgroup_variable"], row["subgroup"]): row
        for _, row in frame.iterrows()
    }


def _codes(response: object) -> str:
    return "|".join(sorted(str(response).split("|")))


def _key(row: pd.Series) -> tuple[str, ...]:
    return (row["question"], _codes(row["response"]), row["subgroup_variable"], row["subgroup"])


def _compare(row: pd.Series, estimate_at: Mapping, test_at: Mapping) -> dict:
    """Verdict on one row, by the kind of claim it makes."""
    if row["significant"] in ("yes", "no"):
        return _compare_statement(row, test_at)
    if pd.isna(row["value"]):
        return _verdict(NOT_RECOMPUTABLE, "a statement in words without a number or a test")
    if not row["question"]:
        return _verdict(NOT_RECOMPUTABLE, "counts something that the questionnaire does not ask")
    found = estimate_at.get(_key(row))
    if found is None:
        return _verdict(NOT_RECOMPUTABLE, "no released row has this question, answers and group")
    if bool(found.get("suppressed", False)):
        return _verdict(NOT_RECOMPUTABLE, "suppressed to protect respondents", found["id"])
    return _compare_number(row, found)


def _verdict(verdict: str, reason: str, result_id: str = "", **values: float) -> dict:
    empty: dict = dict.fromkeys(ADDED, np.nan)
    return empty | {"verdict": verdict, "reason": reason, "result_id": result_id} | values


def _compare_number(row: pd.Series, found: pd.Series) -> dict:
    printed, base = float(row["value"]), float(found["denominator"])
    if row["unit"] == "percent":
        recomputed = whole_per_cent(found["count"], base)
    else:
        recomputed = float(found["count"])
    same = recomputed == printed and _base_matches(row["base"], base)
    reason = "" if same else _what_differs(row, recomputed, printed, base)
    return _verdict(
        MATCHES if same else DIFFERS,
        reason,
        found["id"],
        recomputed=recomputed,
        recomputed_base=base,
        difference=recomputed - printed,
    )


def _base_matches(printed: object, base: float) -> bool:
    """Whether a base is the printed one, or within the printed range of a table's bases."""
    text = "" if pd.isna(printed) else str(printed).strip()
    if not text:
        return True
    low, _, high = text.partition("-")
    return int(low) <= base <= int(high or low)


def _what_differs(row: pd.Series, recomputed: float, printed: float, base: float) -> str:
    parts = []
    if recomputed != printed:
        parts.append(f"recomputed {recomputed:g}, printed {printed:g}")
    if not _base_matches(row["base"], base):
        parts.append(f"base {base:g}, printed {row['base']}")
    return "; ".join(parts)


def _compare_statement(row: pd.Series, test_at: Mapping) -> dict:
    """A difference called significant, or not, against the test of the same comparison."""
    key = (row["question"], _codes(row["response"] or "all"), row["subgroup_variable"], "test")
    found = test_at.get(key)
    if found is None:
        return _verdict(NOT_RECOMPUTABLE, "no test has this question, answers and breakdown")
    if pd.isna(found["p_value"]):
        return _verdict(NOT_RECOMPUTABLE, f"test refused: {found.get('refusal', '')}", found["id"])
    significant = "yes" if found["p_value"] < SIGNIFICANCE else "no"
    same = significant == row["significant"]
    reason = f"p {'below' if significant == 'yes' else 'not below'} {SIGNIFICANCE}"
    return _verdict(
        MATCHES if same else DIFFERS, reason, found["id"], recomputed=float(found["p_value"])
    )
