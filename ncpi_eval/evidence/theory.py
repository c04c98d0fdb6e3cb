"""Contribution analysis and realist configurations, as rows that lead to what they rest on.

How strong a claim is follows from its evidence by a rubric, so that nobody can type a strength; the
weakest claims along the way are the ones that the contribution story stands or falls with.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ncpi_eval import results
from ncpi_eval.errors import InputError, Problem

# From the strongest. A kind of evidence is the results file that a reference names.
STRENGTHS: Mapping[str, str] = {
    "strong": "two kinds of evidence for it, none against, and its rival answered",
    "moderate": "two kinds of evidence for it and none against, or one and its rival answered",
    "weak": "evidence for it, but also against it, or of one kind with its rival unanswered",
    "none": "no evidence for it",
}


def strength(supports: str, against: str, rival_answered: bool) -> str:
    """How strong a claim is, by `STRENGTHS`.

    Parameters
    ----------
    supports, against : str
        References ``file#id``, separated by spaces; "" for none.
    rival_answered : bool
    """
    kinds = {name for name, _ in results.references(supports)}
    opposed = bool(against.strip())
    if not kinds:
        return "none"
    if len(kinds) > 1 and not opposed:
        return "strong" if rival_answered else "moderate"
    return "moderate" if rival_answered and not opposed else "weak"


def contribution(claims: pd.DataFrame, nodes: pd.DataFrame) -> pd.DataFrame:
    """Claims along the logic model with their strength, in the order of the logic model.

    Parameters
    ----------
    claims : DataFrame
        From `intake.theory.read_theory`.
    nodes : DataFrame
        Rows of the results `logic_model_nodes`: `node`, `label`.

    Returns
    -------
    DataFrame
        Rows to save: id, label (the claim), link (what leads to what), supports, against, rivals,
        rival_answered, strength, place, unit, data_kind.

    Raises
    ------
    InputError
        For a claim between nodes that the logic model does not have.
    """
    labels = dict(zip(nodes["node"], nodes["label"], strict=True))

    def _named(column: pd.Series) -> pd.Series:
        return column.map(labels).astype("string")

    frame = pd.DataFrame(
        {
            "id": "claim." + claims["claim"],
            "label": claims["statement"],
            "link": _named(claims["source"]) + ", then: " + _named(claims["target"]),
            "supports": claims["supports"],
            "against": claims["against"],
            "rivals": claims["rivals"],
            "rival_answered": claims["rival_answered"],
            "strength": [
                strength(s, a, r == "yes")
                for s, a, r in zip(
                    claims["supports"], claims["against"], claims["rival_answered"], strict=True
                )
            ],
            "place": claims["place"],
            "unit": "claims",
            "data_kind": "published",
        }
    )
    unknown = frame.loc[frame["link"].isna(), "id"].tolist()
    if unknown:
        raise InputError(
            "A claim stands on no arrow of the logic model.",
            [
                Problem("claims.csv", name, "nodes of logic_model", "Correct it.")
                for name in unknown
            ],
        )
    return frame


def weakest(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims whose strength is the lowest that occurs."""
    order = [name for name in [*STRENGTHS][::-1] if claims["strength"].eq(name).any()]
    return claims[claims["strength"].eq(order[0])]


def configurations(frame: pd.DataFrame) -> pd.DataFrame:
    """Context, mechanism and outcome as rows to save."""
    return pd.DataFrame(
        {
            "id": "configuration." + frame["configuration"],
            **{c: frame[c] for c in ("context", "mechanism", "direction", "evidence", "place")},
            "label": frame["outcome"],
            "unit": "claims",
            "data_kind": frame["data_kind"],
        }
    )


def clue_rows(clues: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """Clues with the test that each is, what was found and where it rests, as rows to save.

    Parameters
    ----------
    clues : DataFrame
        From `intake.theory.read_theory`.
    tests : DataFrame
        Of `designs.process_tracing.tests`.

    Returns
    -------
    DataFrame
        Clues that nobody looked for are of kind published: that they are missing is what the
        report tells.
    """
    joined = clues.merge(tests.drop(columns="found"), left_on="clue", right_on="term")
    return pd.DataFrame(
        {
            "id": "clue." + joined["clue"],
            **{c: joined[c] for c in ("label", "found", "test", "certainty", "rivals", "ratio")},
            **{c: joined[c] for c in ("group", "evidence", "place")},
            "unit": "claims",
            "data_kind": joined["data_kind"].replace("", "published"),
        }
    )
