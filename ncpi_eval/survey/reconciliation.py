"""Does every published number follow from the data?

Each row of the transcription is looked up among the released rows by the words both share:
question, response set, breakdown and group. A percentage matches when the recomputed proportion,
rounded half up to a whole per cent, is the printed one; a base matches exactly; a statement of
significance matches when a test of the same comparison falls on the same side of 0.05; a claim in
words matches when it holds. Nothing is compared on part of its rows: where one of them is withheld
the verdict is that the claim cannot be recomputed.

With real respondents verdicts are all that is shown: an exact difference between two bases could
point to a few people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval import disclosure, results
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.survey.claims import (
    ABOUT,
    SIGNIFICANCE,
    Released,
    check_claim,
    p_of_table,
    pearson,
    same_set,
    whole_per_cent,
)
from ncpi_eval.survey.consistency import (
    MISPRINT,
    READ_COLUMNS,
    apply_reading,
    blanks,
    refuse_readings,
)

MATCHES = "matches"
DIFFERS = "differs"
CONTRADICTED = "contradicted by another published number"
NOT_RECOMPUTABLE = "not recomputable"

NUMBERS = ["recomputed", "recomputed_base", "difference"]
ADDED = [*NUMBERS, "verdict", "reason", "result_id"]
# A misprint must be shown, or any row that differs could be called one.
NOT_SHOWN = "called a misprint, but no check of the printed numbers shows it"


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
        Released rows of survey_estimates.csv and survey_tests.csv, of one wave.
    counts : DataFrame
        Released rows with ``id`` equal to a ``key`` of the transcription, and ``count``; missing
        where withheld.
    checks : DataFrame
        What `consistency.check` found in the transcription; its arithmetic is the reason why a row
        is called contradicted.

    Returns
    -------
    DataFrame
        The transcription with ``recomputed`` (per cent, count or p-value), ``recomputed_base``,
        ``difference`` (recomputed minus printed), ``verdict``, ``reason``, ``result_id`` (the
        row of outputs/results it was compared with) and ``data_kind``. With real respondents the
        first three are missing, and reasons say what was compared without numbers of the data.

    Raises
    ------
    InputError
        If the estimates are not all of one kind of data and one wave, if a reading is of a row that
        is not there, or if a claim in words uses an unknown relation.
    """
    refuse_readings(figures, readings)
    kind = _data_kind(estimates)
    figures = blanks(figures)
    chosen = readings[readings["chosen"] == "yes"]
    defined = chosen[chosen["use"] != MISPRINT]
    misprints = chosen.loc[chosen["use"] == MISPRINT, ["id", "definition"]]
    changed = defined[(defined[list(READ_COLUMNS)] != "").any(axis=1)]
    read_as = dict(pd.concat([misprints, changed[["id", "definition"]]]).to_numpy())
    against = _Against(Released(estimates), _tests(tests), _counts(counts))
    rows = [
        _compare(row, against, set(misprints["id"]), checks)
        for _, row in apply_reading(figures, defined).iterrows()
    ]
    protected = bool(disclosure.is_protected(estimates).any())
    for row, identifier in zip(rows, figures["id"], strict=True):
        _tell(row, read_as.get(identifier), protected)
    added = pd.DataFrame(rows, columns=ADDED)
    return pd.concat([figures.reset_index(drop=True), added], axis="columns").assign(data_kind=kind)


def _data_kind(estimates: pd.DataFrame) -> str:
    kinds = results.data_kinds(estimates)
    if len(kinds) != 1:
        raise InputError(
            "Published numbers can only be held against one kind of data.",
            [
                Problem(
                    "released rows, column data_kind",
                    " and ".join(kinds) or "no rows",
                    "one kind in every row",
                    "Take the estimates and the themes from the same survey.",
                )
            ],
        )
    return kinds[0]


def _compare(row: pd.Series, against: _Against, misprints: set, checks: pd.DataFrame) -> dict:
    """Verdict on one row as it is read; a misprint is one only where arithmetic shows it."""
    if row["id"] not in misprints:
        return against.compare(row)
    arithmetic = _arithmetic(row["id"], checks)
    if arithmetic:
        return _verdict(CONTRADICTED, arithmetic, without_numbers=arithmetic)
    found = against.compare(row)
    return found | {
        name: "; ".join(filter(None, [found[name], NOT_SHOWN]))
        for name in ("reason", "without_numbers")
    }


def _tell(row: dict, definition: str | None, protected: bool) -> None:
    """Complete the reason with the reading; take out what real data must not show."""
    without_numbers = row.pop("without_numbers")
    if protected:
        row |= dict.fromkeys(NUMBERS, np.nan) | {"reason": without_numbers}
    said = [row["reason"], f"read as: {definition}" if definition else ""]
    row["reason"] = "; ".join(filter(None, said))


def _arithmetic(claim: str, checks: pd.DataFrame) -> str:
    """The arithmetic of the checks that a claim fails."""
    failing = checks[~checks["holds"].astype(bool)]
    found = [
        text
        for text, used in zip(failing["arithmetic"], failing["claims"], strict=True)
        if claim in used.split("|")
    ]
    return "; ".join(found)


def _counts(counts: pd.DataFrame) -> pd.Series:
    repeated = counts.loc[counts["id"].duplicated(), "id"]
    if len(repeated):
        place, found = "released counts", f"{repeated.iloc[0]} more than once"
        problem = Problem(place, found, "one row of each", "Select one wave.")
        raise InputError("Published numbers can only be held against one wave.", [problem])
    return counts.set_index("id")["count"]


def _tests(tests: pd.DataFrame) -> dict[tuple[str, str, str], pd.Series]:
    return {
        (row["question"], same_set(row["response"]), row["subgroup_variable"]): row
        for _, row in tests.iterrows()
    }


def _verdict(
    verdict: str, reason: str, result_id: str = "", without_numbers: str = "", **values: float
) -> dict[str, Any]:
    """A verdict; ``without_numbers`` is the reason as real data may give it."""
    empty: dict[str, Any] = dict.fromkeys(ADDED, np.nan)
    return empty | {
        "verdict": verdict,
        "reason": reason,
        "result_id": result_id,
        "without_numbers": without_numbers,
        **values,
    }


def _cannot(reason: str, result_id: str = "") -> dict[str, Any]:
    return _verdict(NOT_RECOMPUTABLE, reason, result_id, without_numbers=reason)


class _Against:
    """The released rows that claims are held against."""

    def __init__(
        self, released: Released, tests: Mapping[tuple, pd.Series], counts: pd.Series
    ) -> None:
        self.released = released
        self.tests = tests
        self.counts = counts

    def compare(self, row: pd.Series) -> dict:
        """Verdict on one row, by the kind of claim it makes."""
        is_number = not pd.isna(row["value"])
        if is_number and row["key"] in self.counts.index:
            return self._count(row)
        if row["question"] == "":
            return _cannot("not a figure of the questionnaire")
        if row["relation"] != "":
            return self._words(row)
        if is_number and row["response"] != "":
            return self._percentage(row)
        if is_number and row["unit"] == "respondents":
            return self._base(row)
        if not is_number and row["significant"] in ("yes", "no"):
            return self._statement(row)
        what = "a number without the answers that it counts" if is_number else "a claim in words"
        return _cannot(f"{what}, which asserts nothing that can be checked")

    def _count(self, row: pd.Series) -> dict:
        found, printed = self.counts[row["key"]], float(row["value"])
        if pd.isna(found):
            return _cannot("withheld to protect respondents", row["key"])
        return _verdict(
            MATCHES if found == printed else DIFFERS,
            "" if found == printed else f"recomputed {found:g}, printed {printed:g}",
            row["key"],
            recomputed=float(found),
            difference=float(found) - printed,
        )

    def _percentage(self, row: pd.Series) -> dict:
        question, response, variable = row["question"], row["response"], row["subgroup_variable"]
        found = self.released.row(question, response, variable, row["subgroup"])
        if found is None:
            return _cannot("no released row has this question, answers and group")
        if not found.denominator > 0:
            return _cannot("nobody of this group answered the question", found.id)
        recomputed, printed = whole_per_cent(found), float(row["value"])
        base = self.released.base(question, response, variable)
        room = ABOUT if row["unit"] == "percent_approximate" else 0.0
        wrong = []
        if abs(recomputed - printed) > room:
            wrong.append(f"recomputed {recomputed:g}, printed {printed:g}")
        if not _within(row["base"], base):
            wrong.append(f"base {base:g}, printed {row['base']}")
        unseen = "base not compared, because a group is withheld"
        unseen = unseen if row["base"] != "" and np.isnan(base) else ""
        return _verdict(
            DIFFERS if wrong else MATCHES,
            "; ".join(filter(None, [*wrong, unseen])),
            found.id,
            unseen,
            recomputed=recomputed,
            recomputed_base=float(found.denominator),
            difference=recomputed - printed,
        )

    def _base(self, row: pd.Series) -> dict:
        """A base printed for a figure, or the end of a range of bases printed for a grid."""
        items = self.released.items(row["question"])
        of_items = [self.released.bases(item, row["subgroup_variable"]) for item in items]
        if not items or not all(of_items):
            return _cannot("not every base of this question and breakdown is released")
        bases, printed = [max(found) for found in of_items], float(row["value"])
        ends = {"lowest": min(bases), "highest": max(bases)}
        # One number for several items must be right for each: the one that is farthest off tells.
        farthest = max(bases, key=lambda base: abs(base - printed))
        found = ends.get(row["key"].rsplit(".", 1)[-1], farthest)
        return _verdict(
            MATCHES if found == printed else DIFFERS,
            "" if found == printed else f"base {found:g}, printed {printed:g}",
            recomputed=found,
            difference=found - printed,
        )

    def _words(self, row: pd.Series) -> dict:
        answer = check_claim(row, self.released)
        if answer is None:
            return _cannot("the rows that the claim needs were not released")
        holds, arithmetic, result_id = answer
        return _verdict(MATCHES if holds else DIFFERS, arithmetic, result_id)

    def _statement(self, row: pd.Series) -> dict:
        """A difference called significant, or not, against tests of the same comparison.

        The report does not say whether it tested the printed set of answers or the whole
        distribution, so the statement matches when either test agrees; the reason says which.
        """
        tried: list[tuple[str, float, str]] = []
        for test in self._p_values(row):
            tried.append(test)
            if (test[1] < SIGNIFICANCE) == (row["significant"] == "yes"):
                return _stated(MATCHES, tried)
        if not tried:
            return _cannot("no test of this question and breakdown was released")
        return _stated(DIFFERS, tried)

    def _p_values(self, row: pd.Series) -> list[tuple[str, float, str]]:
        """Tests of the groups compared, by name: of the printed answers, then of all answers."""
        question, variable = row["question"], row["subgroup_variable"]
        groups = [] if row["subgroup"] in ("", "all") else row["subgroup"].split("|")
        found = []
        if row["response"] not in ("", "all"):
            chosen = self.released.groups(question, row["response"], variable, groups)
            if chosen is not None:
                first = next(iter(chosen.values()))
                found.append(("printed answers", pearson(chosen.values()), first.id))
        whole = self.tests.get((question, "all", variable))
        if whole is not None and not pd.isna(whole["p_value"]) and _covers(groups, whole):
            found.append(("whole distribution", float(whole["p_value"]), str(whole["id"])))
        elif groups:
            found += self._whole_distribution(question, variable, groups)
        return found

    def _whole_distribution(
        self, question: str, variable: str, groups: Sequence[str]
    ) -> list[tuple[str, float, str]]:
        """Test of every answer over some groups of a breakdown, from the released counts."""
        answers = [self.released.single(question, variable, group) for group in groups]
        if len(answers) < 2 or not all(answers):
            return []
        codes = sorted(set().union(*answers))
        table = np.array([[a[c].count if c in a else 0 for c in codes] for a in answers])
        first = next(iter(answers[0].values()))
        return [("whole distribution of these groups", p_of_table(table), first.id)]


def _stated(verdict: str, tried: Sequence[tuple[str, float, str]]) -> dict:
    """Verdict on a statement from the tests that were tried; the last one decides."""
    shown = [(name, results.p_value(p)) for name, p, _ in tried]
    reason = "; ".join(f"{name}: p {p if p[0] == '<' else f'= {p}'}" for name, p in shown)
    names = [name for name, _ in (shown[-1:] if verdict == MATCHES else shown)]
    _, p_value, result_id = tried[-1]
    without_numbers = f"by the {' and the '.join(names)}"
    return _verdict(verdict, reason, result_id, without_numbers, recomputed=p_value)


def _covers(groups: Sequence[str], test: pd.Series) -> bool:
    """Whether the test of a whole breakdown compares just the groups that the report compared."""
    if groups:
        return set(str(test["compared"]).split("|")) == set(groups)
    left_out = test["left_out"]
    return pd.isna(left_out) or left_out == ""


def _within(printed: object, base: float) -> bool:
    """Whether a base is the printed one or within the printed range; true if it is withheld."""
    text = str(printed).strip()
    if not text or np.isnan(base):
        return True
    low, _, high = text.partition("-")
    return int(low) <= base <= int(high or low)
