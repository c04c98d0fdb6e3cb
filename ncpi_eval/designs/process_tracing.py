"""Process tracing: how far clues move belief between rival explanations, and which would move it.

Each clue has a probability of being seen under each explanation, as a person judged it, with a
range. Everything else is arithmetic: which of the four tests a clue is, what all of them together
leave of each explanation, over which judgements that holds, and which clue is worth looking for.

The explanations exclude each other and are taken to be all there are; a posterior speaks of them
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.results import Result

# Van Evera (1997), Guide to Methods for Students of Political Science, and Bennett (2015) speak of
# certainty and uniqueness without numbers; these bounds make the words exact. A clue is certain if
# the explanation nearly always leaves it, and unique if its rivals seldom do.
CERTAIN_FROM = 0.85
UNIQUE_UP_TO = 0.20
BOUNDS = ("low", "likely", "high")
COLUMNS = ("clue", "hypothesis", *BOUNDS)
FOUND = ("yes", "no", "not_looked")


def check(likelihoods: pd.DataFrame, clues: pd.DataFrame, prior: Mapping[str, float]) -> None:
    """Refuse judgements from which nothing can be worked out.

    Parameters
    ----------
    likelihoods : DataFrame
        clue, hypothesis, low, likely, high: probability of seeing the clue if the hypothesis holds,
        above 0 and below 1 and ascending; one row for every pair.
    clues : DataFrame
        clue, found ("yes", "no" or "not_looked"), group (clues that may depend on each other; ""
        for none).
    prior : mapping
        Hypothesis to its probability before, above 0, summing to 1; at least two.

    Raises
    ------
    DesignError
        With every reason.
    """
    problems = [
        Problem("likelihoods", f"no column {c}", f"a column {c}", "add it")
        for c in COLUMNS
        if c not in likelihoods
    ]
    problems += [
        Problem("clues", f"no column {c}", f"a column {c}", "add it")
        for c in ("clue", "found", "group")
        if c not in clues
    ]
    if not problems:
        problems = [*_prior_problems(prior), *_pair_problems(likelihoods, clues, prior)]
        problems += _number_problems(likelihoods)
        for name, found in zip(clues["clue"], clues["found"], strict=True):
            if found not in FOUND:
                problems.append(Problem(f"clue {name}", str(found), " or ".join(FOUND), "correct"))
    if problems:
        raise DesignError("The clues cannot be weighed.", problems)


def posterior(
    likelihoods: pd.DataFrame,
    clues: pd.DataFrame,
    prior: Mapping[str, float],
    *,
    dependence: float = 0.0,
) -> Result:
    """Belief in each explanation after all clues that were looked for.

    ``P(h | clues) = P(h) L(h) / sum_k P(k) L(k)``, where within a group of clues that depend on
    each other ``log L = strongest + (1 - dependence) * the others``: 0 multiplies them as if
    independent, 1 lets only the strongest of a group count. A clue looked for and not found counts
    with one less its probability.

    Parameters
    ----------
    likelihoods, clues, prior
        As in `check`.
    dependence : float
        0 to 1, of clues in one group.

    Returns
    -------
    Result
        One row per hypothesis: term (its name), prior, estimate (posterior with the likely
        judgements), ci_low and ci_high (smallest and largest posterior over the ranges of all
        judgements: bounds, not a sampling interval), n (clues looked for).

    Raises
    ------
    DesignError

    References
    ----------
    Bennett (2015) in Bennett and Checkel, Process Tracing, appendix; Humphreys and Jacobs (2015),
    American Political Science Review 109:653.

    Examples
    --------
    >>> from ncpi_eval.designs import process_tracing
    >>> result = process_tracing.posterior(likelihoods, clues, prior)
    >>> result.table[["term", "prior", "estimate"]]
    """
    check(likelihoods, clues, prior)
    if not 0 <= dependence <= 1:
        raise DesignError(
            "The clues cannot be weighed.",
            [Problem("setting dependence", str(dependence), "0 to 1", "use 0 for independent")],
        )
    looked = clues[clues["found"].ne("not_looked")]
    likely = _belief(likelihoods, looked, prior, dependence, {h: "likely" for h in prior})
    rows = []
    for name in prior:
        against = {h: "against" for h in prior} | {name: "for"}
        favoured = {h: "for" for h in prior} | {name: "against"}
        rows.append(
            {
                "term": name,
                "prior": prior[name],
                "estimate": likely[name],
                "ci_low": _belief(likelihoods, looked, prior, dependence, favoured)[name],
                "ci_high": _belief(likelihoods, looked, prior, dependence, against)[name],
                "n": len(looked),
                "method": f"Bayes' rule, dependence within groups {dependence:g}",
                "caveat": "probabilities are judgements; the explanations are taken to be all",
            }
        )
    table = pd.DataFrame(rows)
    best = table.loc[table["estimate"].idxmax()]
    return Result(
        table,
        f"After {len(looked)} clues {best['term']} has a probability of {best['estimate']:.2f} "
        f"({best['ci_low']:.2f} to {best['ci_high']:.2f} over the ranges of the judgements).",
    )


def tests(
    likelihoods: pd.DataFrame, clues: pd.DataFrame, prior: Mapping[str, float], hypothesis: str
) -> Result:
    """Which of the four tests each clue is for one explanation, from its likelihoods.

    Certain (the explanation leaves it with at least `CERTAIN_FROM`) and unique (the rivals together
    with at most `UNIQUE_UP_TO`): doubly decisive. Certain only: hoop, whose failure eliminates.
    Unique only: smoking gun, which confirms. Neither: straw in the wind.

    Returns
    -------
    Result
        One row per clue: term (clue), test, found, certainty (probability under the explanation),
        rivals (under its rivals, weighed by their prior), ratio (likelihood ratio of what was
        seen; of seeing it, where nobody looked).

    Examples
    --------
    >>> from ncpi_eval.designs import process_tracing
    >>> result = process_tracing.tests(likelihoods, clues, prior, "programme")
    >>> result.table[["term", "test", "ratio"]]
    """
    check(likelihoods, clues, prior)
    if hypothesis not in prior:
        raise DesignError(
            "The clues cannot be weighed.",
            [Problem("hypothesis", hypothesis, ", ".join(prior), "use one of these names")],
        )
    wide = likelihoods.pivot(index="clue", columns="hypothesis", values="likely")
    others = [h for h in prior if h != hypothesis]
    weights = np.array([prior[h] for h in others]) / sum(prior[h] for h in others)
    rows = []
    for clue in clues.to_dict("records"):
        certainty = float(wide.loc[clue["clue"], hypothesis])
        rivals = float(wide.loc[clue["clue"], others].to_numpy() @ weights)
        seen = clue["found"] != "no"
        ratio = certainty / rivals if seen else (1 - certainty) / (1 - rivals)
        rows.append(
            {
                "term": clue["clue"],
                "test": _test(certainty, rivals),
                "found": clue["found"],
                "certainty": certainty,
                "rivals": rivals,
                "ratio": ratio,
            }
        )
    table = pd.DataFrame(rows)
    kinds = table["test"].value_counts()
    words = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    return Result(table, f"The clues on {hypothesis} are {words}.")


def without_each(
    likelihoods: pd.DataFrame,
    clues: pd.DataFrame,
    prior: Mapping[str, float],
    *,
    dependence: float = 0.0,
) -> Result:
    """The leading explanation's posterior without each clue in turn, and with it the other way.

    Returns
    -------
    Result
        Row "all clues", then for each clue that was looked for: term (clue), estimate (posterior of
        the leading explanation without it), reversed (had it been found where it was not, or not
        where it was), leads ("yes" while the same explanation leads in both).

    Examples
    --------
    >>> from ncpi_eval.designs import process_tracing
    >>> result = process_tracing.without_each(likelihoods, clues, prior)
    >>> result.table[["term", "estimate", "reversed"]]
    """
    table = posterior(likelihoods, clues, prior, dependence=dependence).table
    leading = str(table.loc[table["estimate"].idxmax(), "term"])
    rows: list[dict[str, Any]] = [
        {"term": "all clues", "estimate": float(table["estimate"].max()), "leads": "yes"}
    ]
    likely = {h: "likely" for h in prior}
    looked = clues[clues["found"].ne("not_looked")]
    for name in looked["clue"]:
        rest = looked[looked["clue"].ne(name)]
        turned = looked.assign(
            found=[
                ("no" if found == "yes" else "yes") if clue == name else found
                for clue, found in zip(looked["clue"], looked["found"], strict=True)
            ]
        )
        beliefs = [_belief(likelihoods, part, prior, dependence, likely) for part in (rest, turned)]
        leads = all(max(belief, key=belief.__getitem__) == leading for belief in beliefs)
        rows.append(
            {
                "term": name,
                "estimate": beliefs[0][leading],
                "reversed": beliefs[1][leading],
                "leads": "yes" if leads else "no",
            }
        )
    frame = pd.DataFrame(rows)
    deciding = frame.loc[frame["leads"].eq("no"), "term"].tolist()
    words = f"would be another without or against {', '.join(deciding)}" if deciding else "stands"
    return Result(frame, f"The leading explanation, {leading}, {words}.")


def worth_looking(
    likelihoods: pd.DataFrame,
    clues: pd.DataFrame,
    prior: Mapping[str, float],
    *,
    dependence: float = 0.0,
) -> Result:
    """What each clue that nobody has looked for would be expected to settle.

    Returns
    -------
    Result
        One row per clue not looked for: term, probability (of finding it, as believed now),
        if_found and if_not_found (posterior of the explanation that leads now), estimate (expected
        loss of uncertainty in bits: entropy now less expected entropy after; 0 or more). Most worth
        first.

    References
    ----------
    Expected information of an experiment: Lindley (1956), Annals of Mathematical Statistics 27:986.

    Examples
    --------
    >>> from ncpi_eval.designs import process_tracing
    >>> result = process_tracing.worth_looking(likelihoods, clues, prior)
    >>> result.table[["term", "probability", "estimate"]]
    """
    table = posterior(likelihoods, clues, prior, dependence=dependence).table
    now = dict(zip(table["term"], table["estimate"], strict=True))
    leading = max(now, key=now.__getitem__)
    wide = likelihoods.pivot(index="clue", columns="hypothesis", values="likely")
    rows = []
    for name in clues.loc[clues["found"].eq("not_looked"), "clue"]:
        seen = {h: now[h] * float(wide.loc[name, h]) for h in now}
        unseen = {h: now[h] - seen[h] for h in now}
        chance = sum(seen.values())
        after_seen = {h: value / chance for h, value in seen.items()}
        after_unseen = {h: value / (1 - chance) for h, value in unseen.items()}
        left = chance * _entropy(after_seen) + (1 - chance) * _entropy(after_unseen)
        rows.append(
            {
                "term": name,
                "probability": chance,
                "if_found": after_seen[leading],
                "if_not_found": after_unseen[leading],
                "estimate": _entropy(now) - left,
            }
        )
    columns = ["term", "probability", "if_found", "if_not_found", "estimate"]
    frame = pd.DataFrame(rows, columns=columns).sort_values("estimate", ascending=False)
    words = (
        f"{frame['term'].iloc[0]} would settle most"
        if len(frame)
        else "Nothing is left to look for"
    )
    return Result(frame.reset_index(drop=True), f"{words}.")


def over_priors(
    likelihoods: pd.DataFrame,
    clues: pd.DataFrame,
    hypothesis: str,
    rivals: Mapping[str, float],
    *,
    priors: tuple[float, ...] = (0.1, 0.25, 0.5, 0.75, 0.9),
    dependences: tuple[float, ...] = (0.0, 0.5, 1.0),
) -> Result:
    """The posterior of one explanation over prior beliefs and over dependence of the clues.

    Parameters
    ----------
    hypothesis : str
    rivals : mapping
        Rival to its share of what the prior leaves; summing to 1.
    priors, dependences : tuple of float

    Returns
    -------
    Result
        One row per pair: prior, dependence, estimate, ci_low, ci_high as in `posterior`.

    Examples
    --------
    >>> from ncpi_eval.designs import process_tracing
    >>> result = process_tracing.over_priors(likelihoods, clues, "programme", {"trend": 1.0})
    >>> result.table[["prior", "dependence", "estimate"]]
    """
    rows = []
    for before in priors:
        prior = {hypothesis: before} | {h: (1 - before) * share for h, share in rivals.items()}
        for dependence in dependences:
            table = posterior(likelihoods, clues, prior, dependence=dependence).table
            row = table[table["term"].eq(hypothesis)].iloc[0].to_dict()
            rows.append({**row, "prior": before, "dependence": dependence})
    frame = pd.DataFrame(rows)
    low, high = frame["estimate"].min(), frame["estimate"].max()
    return Result(frame, f"The probability of {hypothesis} lies between {low:.2f} and {high:.2f}.")


def _belief(
    likelihoods: pd.DataFrame,
    looked: pd.DataFrame,
    prior: Mapping[str, float],
    dependence: float,
    side: Mapping[str, str],
) -> dict[str, float]:
    """Posterior where each hypothesis takes the likely value, or the end for or against it."""
    table = likelihoods.set_index(["clue", "hypothesis"])
    logs = {}
    for name in prior:
        values = []
        for clue, found in zip(looked["clue"], looked["found"], strict=True):
            seen = found == "yes"
            end = {"likely": "likely", "for": "high" if seen else "low"}.get(
                side[name], "low" if seen else "high"
            )
            chance = float(table.loc[(clue, name), end])
            values.append(np.log(chance if seen else 1 - chance))
        logs[name] = np.array(values)
    weights = _weights(logs, looked, dependence)
    total = {name: np.log(prior[name]) + float(values @ weights) for name, values in logs.items()}
    top = max(total.values())
    raw = {name: np.exp(value - top) for name, value in total.items()}
    return {name: float(value / sum(raw.values())) for name, value in raw.items()}


def _weights(logs: Mapping[str, np.ndarray], looked: pd.DataFrame, dependence: float) -> np.ndarray:
    """1 for clues alone and for the strongest of each group, 1 - dependence for its others.

    Strongest is the clue that tells the explanations apart most: the widest spread of logarithms.
    """
    weights = np.ones(len(looked))
    if not len(looked):
        return weights
    spread = np.ptp(np.array(list(logs.values())), axis=0)
    groups = looked["group"].to_numpy()
    for group in set(groups) - {""}:
        places = np.flatnonzero(groups == group)
        weights[places] = 1 - dependence
        weights[places[np.argmax(spread[places])]] = 1.0
    return weights


def _entropy(belief: Mapping[str, float]) -> float:
    values = np.array([value for value in belief.values() if value > 0])
    return float(-(values * np.log2(values)).sum())


def _test(certainty: float, rivals: float) -> str:
    certain, unique = certainty >= CERTAIN_FROM, rivals <= UNIQUE_UP_TO
    if certain and unique:
        return "doubly decisive"
    if certain:
        return "hoop"
    return "smoking gun" if unique else "straw in the wind"


def _prior_problems(prior: Mapping[str, float]) -> list[Problem]:
    problems = []
    if len(prior) < 2:
        problems.append(Problem("prior", f"{len(prior)} hypotheses", "two or more", "name a rival"))
    if any(not value > 0 for value in prior.values()):
        problems.append(Problem("prior", str(dict(prior)), "above 0", "drop what cannot be"))
    if abs(sum(prior.values()) - 1) > 1e-9:
        problems.append(Problem("prior", f"a sum of {sum(prior.values()):g}", "1", "scale them"))
    return problems


def _pair_problems(
    likelihoods: pd.DataFrame, clues: pd.DataFrame, prior: Mapping[str, float]
) -> list[Problem]:
    given = list(zip(likelihoods["clue"], likelihoods["hypothesis"], strict=True))
    problems = []
    for clue in clues["clue"]:
        for name in prior:
            number = given.count((clue, name))
            if number != 1:
                place = f"likelihoods, clue {clue}, hypothesis {name}"
                problems.append(Problem(place, f"{number} rows", "one row", "judge each pair once"))
    return problems


def _number_problems(likelihoods: pd.DataFrame) -> list[Problem]:
    problems = []
    for row in likelihoods.to_dict("records"):
        low, likely, high = (row[bound] for bound in BOUNDS)
        if not 0 < low <= likely <= high < 1:
            place = f"likelihoods, clue {row['clue']}, hypothesis {row['hypothesis']}"
            expected = "0 < low <= likely <= high < 1"
            problems.append(Problem(place, f"{low}, {likely}, {high}", expected, "correct it"))
    return problems
