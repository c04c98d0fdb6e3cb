"""Appraise options for a next evaluation: scores that can be computed are, weights can be argued.

The ranking is shown with how it holds when weights are drawn anew: a ranking that turns on the
weights is not a recommendation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ncpi_eval import paths, results
from ncpi_eval.errors import InputError, Problem

OPTION_COLUMNS = (
    "option",
    "label",
    "asks",
    "counterfactual",
    "maryland",
    "maryland_reason",
    "needs",
    "power_row",
    "months",
    "cost_band",
    "reason",
)
CRITERION_COLUMNS = ("criterion", "label", "weight", "how", "meaning")
HOW = ("maryland", "power", "indicators", "judged")
BEST = 5
# Smallest effect found four times in five, as a logarithm or as a share: up to each, the score.
# A tenth is a size that programmes of this kind have been found to have; one and a half times is
# not expected of any.
DETECTABLE = ((0.05, 5), (0.10, 4), (0.15, 3), (0.25, 2))
MEASURED = ("valid", "unambiguous", "timely", "stable")


def read_criteria(path: str = "") -> pd.DataFrame:
    """Criteria and their weights.

    Parameters
    ----------
    path : str
        A file with the columns `CRITERION_COLUMNS`; blank for data/options/criteria.csv.

    Returns
    -------
    DataFrame
        `CRITERION_COLUMNS`; weight is a number of 0 or more.

    Raises
    ------
    InputError
        For missing columns, weights that are no numbers or below 0 or all 0, or an unknown way to
        a score.
    """
    source = paths.ROOT / path if path else paths.data("options", "criteria.csv")
    frame = _table(source, CRITERION_COLUMNS)
    weights = pd.to_numeric(frame["weight"], errors="coerce")
    problems = [
        Problem(
            f"{source.name}, row {row + 1}, weight", text, "a number of 0 or more", "Correct it."
        )
        for row, (text, number) in enumerate(zip(frame["weight"], weights, strict=True))
        if not number >= 0
    ]
    problems += [
        Problem(f"{source.name}, row {row + 1}, how", text, " or ".join(HOW), "Correct it.")
        for row, text in enumerate(frame["how"])
        if text not in HOW
    ]
    if not problems and not weights.sum() > 0:
        problems.append(Problem(source.name, "all weights 0", "one above 0", "Weigh something."))
    if problems:
        raise InputError(f"{source.name} cannot be used as weights.", problems)
    return frame.assign(weight=weights)


def read_options(criteria: pd.DataFrame) -> pd.DataFrame:
    """Options with their judged scores.

    Raises
    ------
    InputError
        For missing columns, a Maryland level outside 1 to 5, or a judged score outside 1 to 5.
    """
    judged = list(criteria.loc[criteria["how"].eq("judged"), "criterion"])
    source = paths.data("options", "options.csv")
    frame = _table(source, (*OPTION_COLUMNS, *judged))
    problems = []
    for column in ("maryland", *judged):
        numbers = pd.to_numeric(frame[column], errors="coerce")
        problems += [
            Problem(
                f"{source.name}, row {int(str(row)) + 1}, column {column}",
                frame.at[row, column],
                f"1 to {BEST}",
                "Correct it.",
            )
            for row in frame.index[~numbers.between(1, BEST)]
        ]
        frame[column] = numbers
    if problems:
        raise InputError(f"{source.name} cannot be used as options.", problems)
    return frame


def scores(
    options: pd.DataFrame,
    criteria: pd.DataFrame,
    indicators: pd.DataFrame,
    detectable: Mapping[str, float],
) -> pd.DataFrame:
    """The score of every option on every criterion, 1 to 5.

    Parameters
    ----------
    options, criteria : DataFrame
        From `read_options`, `read_criteria`.
    indicators : DataFrame
        Rows of the results `indicator_matrix`: indicator, data_exist.
    detectable : mapping
        Reference of a row of the power page to its smallest effect (logarithm or share).

    Returns
    -------
    DataFrame
        option, criterion, estimate (the score), rests_on (reference or reason).

    Raises
    ------
    InputError
        For an indicator or a power row that does not exist.
    """
    exist = dict(zip(indicators["indicator"], indicators["data_exist"].astype(bool), strict=True))
    _refuse_unknown(options, exist, detectable)
    rows = []
    for option in options.to_dict("records"):
        for criterion in criteria.to_dict("records"):
            how = criterion["how"]
            if how == "maryland":
                score, rests = float(option["maryland"]), option["maryland_reason"]
            elif how == "power":
                effect = detectable.get(option["power_row"])
                score, rests = _power_score(effect), option["power_row"]
            elif how == "indicators":
                needs = option["needs"].split()
                share = float(np.mean([exist[name] for name in needs]))
                score, rests = 1 + (BEST - 1) * share, _indicator_rows(needs)
            else:
                score, rests = float(option[criterion["criterion"]]), option["reason"]
            rows.append(
                {
                    "option": option["option"],
                    "criterion": criterion["criterion"],
                    "estimate": score,
                    "rests_on": rests,
                }
            )
    return pd.DataFrame(rows)


def ranking(scored: pd.DataFrame, criteria: pd.DataFrame) -> pd.DataFrame:
    """Options by their weighted mean score.

    Returns
    -------
    DataFrame
        option, estimate (1 to 5), rank (1 is best; ties share the better rank).
    """
    wide = scored.pivot(index="option", columns="criterion", values="estimate")
    weights = criteria.set_index("criterion")["weight"][wide.columns]
    mean = (wide @ weights / weights.sum()).sort_values(ascending=False, kind="stable")
    frame = mean.rename("estimate").reset_index()
    return frame.assign(rank=frame["estimate"].rank(ascending=False, method="min").astype(int))


def under_other_weights(
    scored: pd.DataFrame, criteria: pd.DataFrame, *, draws: int, seed: int
) -> pd.DataFrame:
    """How the ranking holds when the weights are drawn anew.

    Weights are drawn evenly from all that sum to 1 (a flat Dirichlet distribution), so that no
    weighing is thought likelier than another; a criterion of weight 0 stays out.

    Returns
    -------
    DataFrame
        option, first (share of draws in which it is best), top_three (in which it is among the
        best three), best_rank and worst_rank over the middle 90 of 100 draws.
    """
    wide = scored.pivot(index="option", columns="criterion", values="estimate")
    used = [c for c in criteria.loc[criteria["weight"].gt(0), "criterion"] if c in wide]
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(used)), draws)
    values = weights @ wide[used].to_numpy().T
    ranks = (values[:, :, None] < values[:, None, :]).sum(axis=2) + 1
    return pd.DataFrame(
        {
            "option": wide.index,
            "first": (ranks == 1).mean(axis=0),
            "top_three": (ranks <= 3).mean(axis=0),
            "best_rank": np.quantile(ranks, 0.05, axis=0, method="nearest").astype(int),
            "worst_rank": np.quantile(ranks, 0.95, axis=0, method="nearest").astype(int),
        }
    )


def doubled(scored: pd.DataFrame, criteria: pd.DataFrame) -> pd.DataFrame:
    """The leading options when one criterion counts twice as much, and when all count alike.

    Returns
    -------
    DataFrame
        change (what was changed), first, second (options).
    """
    variants = {"as weighed": criteria, "all weights alike": criteria.assign(weight=1.0)}
    for name, label in zip(criteria["criterion"], criteria["label"], strict=True):
        twice = criteria["weight"].where(criteria["criterion"].ne(name), 2 * criteria["weight"])
        variants[f"twice the weight: {label[:1].lower()}{label[1:]}"] = criteria.assign(
            weight=twice
        )
    rows = []
    for change, weighed in variants.items():
        order = ranking(scored, weighed)["option"].tolist()
        rows.append({"change": change, "first": order[0], "second": order[1]})
    return pd.DataFrame(rows)


def measurability(candidates: pd.DataFrame, covered: Mapping[str, float]) -> pd.DataFrame:
    """Candidate outcomes by how well they can be measured, best first.

    Parameters
    ----------
    candidates : DataFrame
        Rows of data/options/outcomes.csv.
    covered : mapping
        Outcome to the share of force periods for which there is a number, 0 to 1.

    Returns
    -------
    DataFrame
        candidate, label, the four judged scores, covered (missing without a series), estimate
        (their mean, 1 to 5, where coverage counts as one more score), reason.
    """
    frame = candidates.copy()
    for column in MEASURED:
        frame[column] = pd.to_numeric(frame[column])
    frame["covered"] = frame["outcome"].map(dict(covered)).astype(float)
    # Without a series there is nothing yet: the lowest score.
    coverage = 1 + (BEST - 1) * frame["covered"].fillna(0.0)
    frame["estimate"] = (frame[list(MEASURED)].sum(axis=1) + coverage) / (len(MEASURED) + 1)
    return frame.sort_values("estimate", ascending=False, kind="stable").reset_index(drop=True)


def smallest_effects(tables: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Smallest effects of released rows of the power page, by their reference."""
    return {
        results.reference(str(frame.attrs["results_name"]), str(identity)): abs(float(estimate))
        for frame in tables
        for identity, estimate in zip(frame["id"], frame["estimate"], strict=True)
    }


def described(
    options: pd.DataFrame, power: Sequence[pd.DataFrame], *, unit: str, data_kind: str
) -> pd.DataFrame:
    """Options as rows to save, with what they ask and how far they can show a cause.

    `found` is the smallest change that the option would find four times in five, in the words of
    the released row of the power page that the option names.
    """
    chosen = options[["label", "asks", "counterfactual", "maryland", "maryland_reason", "needs"]]
    more = options[["power_row", "cost_band", "reason"]]
    return chosen.join(more).assign(
        id="option." + options["option"],
        months=pd.to_numeric(options["months"]),
        maryland=options["maryland"].astype(int),
        found=options["power_row"].map(_in_words(power)).fillna(""),
        unit=unit,
        data_kind=data_kind,
    )


def _in_words(power: Sequence[pd.DataFrame]) -> dict[str, str]:
    """Reference of a row to its smallest change: a ratio of levels, or points of a share."""
    return {
        results.reference(str(frame.attrs["results_name"]), str(row["id"])): results.shown(
            row, "ratio" if "ratio" in frame else "difference"
        )
        for frame in power
        for _, row in frame.iterrows()
    }


def read_candidates() -> pd.DataFrame:
    """Candidate outcomes (data/options/outcomes.csv)."""
    columns = ("candidate", "label", "outcome", "indicator", *MEASURED, "reason")
    return _table(paths.data("options", "outcomes.csv"), columns)


def read_proposals() -> pd.DataFrame:
    """What to do, with the rows that it rests on (data/options/proposals.csv)."""
    columns = ("order", "when", "proposal", "reason", "rests_on")
    return _table(paths.data("options", "proposals.csv"), columns)


def _table(source: Path, columns: Sequence[str]) -> pd.DataFrame:
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    missing = [
        Problem(f"{source.name}, header", f"no column {c}", f"a column {c}", "Add the column.")
        for c in columns
        if c not in frame
    ]
    if missing:
        raise InputError(f"{source.name} cannot be used.", missing)
    return frame[list(columns)]


def _refuse_unknown(
    options: pd.DataFrame, exist: Mapping[str, bool], detectable: Mapping[str, float]
) -> None:
    problems = []
    for row, option in enumerate(options.to_dict("records")):
        place = f"options.csv, row {row + 1}"
        problems += [
            Problem(f"{place}, needs", name, "an id of the indicator matrix", "Correct it.")
            for name in option["needs"].split()
            if name not in exist
        ]
        if option["power_row"] and option["power_row"] not in detectable:
            expected = "a row of the power page"
            problems.append(
                Problem(f"{place}, power_row", option["power_row"], expected, "Correct")
            )
    if problems:
        raise InputError("Options refer to what does not exist.", problems)


def _power_score(effect: float | None) -> float:
    if effect is None or not np.isfinite(effect):
        return 1.0
    return float(next((score for limit, score in DETECTABLE if effect <= limit), 1))


def _indicator_rows(names: list[str]) -> str:
    return " ".join(results.reference("indicator_matrix", f"indicator.{name}") for name in names)
