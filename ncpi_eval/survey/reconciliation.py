"""Does every published number follow from the data?

Each row of the transcription is looked up among the released rows by the words both share:
question, response set, breakdown and group. A percentage matches when the recomputed proportion,
rounded half up to a whole per cent, is the printed one; a base matches exactly; a statement of
significance matches when a test of the same comparison falls on the same side of 0.05; a claim in
words matches when it holds.

With real respondents verdicts are all that is shown: an exact difference between two bases could
point to a few people.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

from ncpi_eval.survey.claims import (
    ABOUT,
    Released,
    check_claim,
    pearson,
    same_set,
    whole_per_cent,
)
from ncpi_eval.survey.consistency import MISPRINT, apply_reading, blanks

# The evaluation tested at the 95% level (report, chapter 1).
SIGNIFICANCE = 0.05

MATCHES = "matches"
DIFFERS = "differs"
CONTRADICTED = "contradicted by another published number"
NOT_RECOMPUTABLE = "not recomputable"

ADDED = ["recomputed", "recomputed_base", "difference", "verdict", "reason", "result_id"]


def reconcile(
    figures: pd.DataFrame,
    readings: pd.DataFrame,
    estimates: pd.DataFrame,
    tests: pd.DataFrame,
    counts: pd.DataFrame,
    checks: pd.DataFrame,
) -> pd.DataFrame:
    """Compare every published row with what the data gives.

    Parameters
    ----------
    figures : DataFrame
        The transcription (figures.csv).
    readings : DataFrame
        readings.csv; the chosen reading of each point replaces the cells that it names.
    estimates, tests : DataFrame
        Released rows of survey_estimates.csv and survey_tests.csv.
    counts : DataFrame
        Released rows with ``id`` equal to a ``key`` of the transcription, and ``count``.
    checks : DataFrame
        What `consistency.check` found in the transcription; its arithmetic is the reason why a row
        is called contradicted.
    Returns
    -------
    DataFrame
        The transcription with ``recomputed`` (per cent, count or p-value), ``recomputed_base``,
        ``difference`` (recomputed minus printed), ``verdict``, ``reason`` and ``result_id`` (the
        row of outputs/results it was compared with). With real respondents the first three are
        left out, and so are the reasons that hold numbers: only verdicts are given.
    """
    data_kind = str(estimates["data_kind"].iloc[0])
    figures = blanks(figures)
    chosen = readings[readings["chosen"] == "yes"]
    defined = chosen[chosen["use"] != MISPRINT]
    read = apply_reading(figures, defined)
    misprints = {
        row["id"]: f"{_arithmetic(row['id'], checks)}; read as: {row['definition']}".lstrip("; ")
        for _, row in chosen[chosen["use"] == MISPRINT].iterrows()
    }
    changed = defined[
        (defined[["question", "response", "subgroup_variable", "subgroup", "use"]] != "").any(
            axis=1
        )
    ]
    definitions = dict(zip(changed["id"], changed["definition"], strict=True))
    against = _Against(Released(estimates), _tests(tests), counts.set_index("id"))
    rows = []
    for (_, printed), (_, as_read) in zip(figures.iterrows(), read.iterrows(), strict=True):
        if printed["id"] in misprints:
            rows.append(_verdict(CONTRADICTED, misprints[printed["id"]]))
            continue
        row = against.compare(as_read)
        if printed["id"] in definitions:
            row["reason"] = f"{row['reason']}; read as: {definitions[printed['id']]}".lstrip("; ")
        rows.append(row)
    added = pd.DataFrame(rows, columns=ADDED)
    result = pd.concat([figures.reset_index(drop=True), added], axis="columns")
    result["data_kind"] = data_kind
    if data_kind == "real":
        result[["recomputed", "recomputed_base", "difference"]] = np.nan
        told = result["verdict"].isin([MATCHES, DIFFERS])
        result.loc[told, "reason"] = ""
    return result


def _arithmetic(claim: str, checks: pd.DataFrame) -> str:
    """The arithmetic of the checks that a claim fails."""
    failing = checks[~checks["holds"].astype(bool)]
    found = [
        text
        for text, used in zip(failing["arithmetic"], failing["claims"], strict=True)
        if claim in used.split("|")
    ]
    return "; ".join(found)


def _tests(tests: pd.DataFrame) -> dict[tuple[str, str, str], pd.Series]:
    return {
        (row["question"], same_set(row["response"]), row["subgroup_variable"]): row
        for _, row in tests.iterrows()
    }


def _verdict(verdict: str, reason: str, result_id: str = "", **values: float) -> dict:
    empty: dict = dict.fromkeys(ADDED, np.nan)
    return empty | {"verdict": verdict, "reason": reason, "result_id": result_id} | values


class _Against:
    """The released rows that claims are held against."""

    def __init__(
        self, released: Released, tests: Mapping[tuple, pd.Series], counts: pd.DataFrame
    ) -> None:
        self.released = released
        self.tests = tests
        self.counts = counts

    def compare(self, row: pd.Series) -> dict:
        """Verdict on one row, by the kind of claim it makes."""
        if row["key"] in self.counts.index:
            return self._count(row)
        if row["question"] == "":
            return _verdict(NOT_RECOMPUTABLE, "not a figure of the questionnaire")
        if row["relation"] != "":
            return self._words(row)
        if row["significant"] in ("yes", "no") and pd.isna(row["value"]):
            return self._statement(row)
        if pd.isna(row["value"]):
            return _verdict(NOT_RECOMPUTABLE, "a claim in words that asserts nothing countable")
        return self._base(row) if row["response"] == "" else self._percentage(row)

    def _count(self, row: pd.Series) -> dict:
        found = self.counts.loc[row["key"], "count"]
        if pd.isna(found):
            return _verdict(NOT_RECOMPUTABLE, "withheld to protect respondents", row["key"])
        count = float(found)
        printed = float(row["value"])
        same = count == printed
        reason = "" if same else f"recomputed {count:g}, printed {printed:g}"
        return _verdict(
            MATCHES if same else DIFFERS,
            reason,
            row["key"],
            recomputed=count,
            difference=count - printed,
        )

    def _percentage(self, row: pd.Series) -> dict:
        found = self.released.row(
            row["question"], row["response"], row["subgroup_variable"], row["subgroup"]
        )
        if found is None:
            return _verdict(
                NOT_RECOMPUTABLE, "no released row has this question, answers and group"
            )
        recomputed, printed = whole_per_cent(found.count, found.denominator), float(row["value"])
        base = self.released.base(row["question"], row["response"], row["subgroup_variable"])
        room = ABOUT if row["unit"] == "percent_approximate" else 0.0
        wrong = []
        if abs(recomputed - printed) > room:
            wrong.append(f"recomputed {recomputed:g}, printed {printed:g}")
        if not _within(row["base"], base):
            wrong.append(f"base {base:g}, printed {row['base']}")
        return _verdict(
            DIFFERS if wrong else MATCHES,
            "; ".join(wrong),
            found.id,
            recomputed=recomputed,
            recomputed_base=float(found.denominator),
            difference=recomputed - printed,
        )

    def _base(self, row: pd.Series) -> dict:
        """A base printed for a figure, or the end of a range of bases printed for a grid."""
        name = row["question"]
        items = [q for q in self.released.questions if q == name or q.startswith(f"{name}_")]
        of_items = [self.released.bases(item, row["subgroup_variable"]) for item in items]
        bases = [max(found) for found in of_items if found]
        if not bases:
            return _verdict(NOT_RECOMPUTABLE, "no base of this question and breakdown is released")
        found = max(bases) if row["key"].endswith("highest") else min(bases)
        printed = float(row["value"])
        return _verdict(
            MATCHES if found == printed else DIFFERS,
            "" if found == printed else f"base {found:g}, printed {printed:g}",
            recomputed=found,
            difference=found - printed,
        )

    def _words(self, row: pd.Series) -> dict:
        answer = check_claim(row, self.released)
        if answer is None:
            return _verdict(NOT_RECOMPUTABLE, "the rows that the claim needs were not released")
        holds, arithmetic, result_id = answer
        return _verdict(MATCHES if holds else DIFFERS, arithmetic, result_id)

    def _statement(self, row: pd.Series) -> dict:
        """A difference called significant, or not, against tests of the same comparison.

        The report does not say whether it tested the printed set of answers or the whole
        distribution, so the statement matches when either test agrees; the reason says which.
        """
        tried = []
        for name, p_value, result_id in self._p_values(row):
            tried.append(f"{name}: p = {p_value:.3f}")
            if (p_value < SIGNIFICANCE) == (row["significant"] == "yes"):
                return _verdict(MATCHES, "; ".join(tried), result_id, recomputed=p_value)
        if not tried:
            return _verdict(NOT_RECOMPUTABLE, "no test of this question and breakdown was released")
        return _verdict(DIFFERS, "; ".join(tried), recomputed=p_value)

    def _p_values(self, row: pd.Series) -> list[tuple[str, float, str]]:
        """P-values of the printed answers over the groups compared, then of all answers."""
        question, variable = row["question"], row["subgroup_variable"]
        groups = row["subgroup"].split("|")
        found = []
        if row["response"] not in ("", "all"):
            chosen = self.released.groups(question, row["response"], variable)
            compared = [chosen[name] for name in groups if name in chosen] or list(chosen.values())
            if len(compared) > 1:
                found.append(("printed answers", pearson(compared), compared[0].id))
        whole = self.tests.get((question, "all", variable))
        if whole is not None and not pd.isna(whole["p_value"]) and _covers(groups, whole):
            found.append(("whole distribution", float(whole["p_value"]), str(whole["id"])))
        if not found:
            found += self._whole_distribution(question, variable, groups)
        return found

    def _whole_distribution(
        self, question: str, variable: str, groups: list[str]
    ) -> list[tuple[str, float, str]]:
        """Test of every answer over some groups of a breakdown, from the released counts."""
        answers = [self.released.single(question, variable, group) for group in groups]
        codes = sorted(set().union(*answers)) if all(answers) else []
        table = np.array(
            [[a[c].count if c in a else 0 for c in codes] for a in answers], dtype=float
        )
        table = table[:, table.sum(axis=0) > 0] if table.size else table
        if min(table.shape, default=0) < 2:
            return []
        p_value = float(chi2_contingency(table, correction=False).pvalue)
        return [("whole distribution of these groups", p_value, next(iter(answers[0].values())).id)]


def _covers(groups: list[str], test: pd.Series) -> bool:
    """Whether the test of a whole breakdown compares just the groups that the report compared."""
    return groups == ["all"] or set(str(test["compared"]).split("|")) <= set(groups)


def _within(printed: object, base: float) -> bool:
    """Whether a base is the printed one or within the printed range; true if it is withheld."""
    text = str(printed).strip()
    if not text or np.isnan(base):
        return True
    low, _, high = text.partition("-")
    return int(low) <= base <= int(high or low)
