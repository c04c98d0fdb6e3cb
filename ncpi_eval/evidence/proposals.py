"""The machine proposes codes; people decide, and the machine is held against them.

Two proposals stand beside each other, each with a score and the words that gave it:

- rules: the heading above an extract and the words that the frame's include rules use give the
  area; the formula of a recommendation, or what the extraction took the passage for, the kind;
- similarity: TF-IDF (scikit-learn) finds the area and the kind whose definitions in the frame, and
  whose extracts coded by people, use the most similar words.

Area and kind are proposed apart, because a passage about custody is like others about custody
whether it praises or advises. A score orders proposals of one machine; it is no probability.

Similarity learns from people, so it is measured only on wordings that it has not seen: extracts
that say nearly the same are left out together. Reports repeat themselves, and a machine that has
seen a sentence once would otherwise be praised for recognising it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.model_selection import GroupKFold

from ncpi_eval.evidence.coding import NONE_APPLIES, codes_of
from ncpi_eval.evidence.coding_round import RECOMMENDATION, Round
from ncpi_eval.intervals import wilson

RULES, SIMILARITY = "rules", "similarity"
SAME_WORDING = 0.5
"""Extracts of at least this cosine, directly or through others, count as one wording."""
FOLDS = 5
ABOUT_INTERVALS = (
    "Intervals are Wilson's and take each extract for one of its own; reports repeat their "
    "wordings, so that they are too narrow."
)
COLUMNS = ("extract", "machine", "proposed", "score", "words")

_FORMULA = re.compile(
    r"\b(?:we|HMICFRS?) recommends? that\b|\bshould (?:immediately|within)\b|"
    r"\bwithin (?:three|six|3|6) months\b[^.]*\bshould\b",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"\b(?:good|some|slow|no|little) progress\b|\bprogress (?:has|is)\b|\bcontinued concern\b|"
    r"\bnot yet\b|\bsince (?:our|the) (?:last|first|previous|\d{4})\b|\bhas(?: now)? improved\b",
    re.IGNORECASE,
)
_KINDS = {"positive": "good_practice", "critical": "area_for_improvement"}


# ---------------------------------------------------------------------------------------------
# Rules


def by_rules(extracts: pd.DataFrame, frame: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """What the rules propose; nothing is learned.

    Parameters
    ----------
    extracts : DataFrame
        `coding_round.SENT_COLUMNS`.
    frame, scheme : DataFrame and str
        The coding frame and the scheme to choose from.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per extract. score is the area's share (0 to 1) of all evidence for
        areas: 1 for the heading, and for each word of an include rule 1 divided by the number of
        areas that use it. proposed is `coding.NONE_APPLIES` where area or kind is not found.
    """
    codes = codes_of(frame, scheme)
    terms = _terms(codes)
    known = set(codes["code"])
    rows = []
    for row in extracts.to_dict("records"):
        area, score, words = _area(str(row["text"]), str(row["chapter"]), terms)
        kind, reason = _kind(str(row["text"]), str(row["reading"]))
        code = f"{scheme}.{area}.{kind}"
        found = code in known
        rows.append(
            (
                row["extract"],
                RULES,
                code if found else NONE_APPLIES,
                score if found else 0.0,
                "; ".join([*words, reason]) if found else "",
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _terms(codes: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Area -> stem of a word that all its include rules use -> 1 / areas that use it."""
    own: dict[str, set[str]] = {}
    for area, rows in codes[codes["area"] != ""].groupby("area"):
        own[str(area)] = set.intersection(*(set(_stems(text)) for text in rows["include"]))
    used = Counter(word for words in own.values() for word in words)
    common = {word for word, number in used.items() if number > max(2, len(own) // 2)}
    return {area: {word: 1 / used[word] for word in words - common} for area, words in own.items()}


def _stems(text: str) -> dict[str, str]:
    """Stem -> word as it stands, without words that say nothing."""
    found = {}
    for word in re.findall(r"[a-z]{4,}", text.lower().replace("\u2019", "'")):
        if word not in ENGLISH_STOP_WORDS:
            found[re.sub(r"(?:ing|ies|ed|es|s|y)$", "", word) if len(word) > 4 else word] = word
    return found


def _area(
    text: str, chapter: str, terms: Mapping[str, Mapping[str, float]]
) -> tuple[str, float, list[str]]:
    stems = _stems(text)
    votes = {
        area: sum(weight for word, weight in words.items() if word in stems)
        + (1.0 if area == chapter else 0.0)
        for area, words in terms.items()
    }
    best = max(votes, key=lambda area: (votes[area], area == chapter))
    if not votes[best]:
        return "", 0.0, []
    words = [f"heading {chapter.replace('_', ' ')}"] if best == chapter else []
    words += [stems[word] for word in sorted(terms[best]) if word in stems]
    return best, votes[best] / sum(votes.values()), words


def _kind(text: str, reading: str) -> tuple[str, str]:
    """(kind, the words that gave it)"""
    if match := _FORMULA.search(text):
        return "recommendation", match.group()
    if reading == RECOMMENDATION:
        return "recommendation", "extracted as a recommendation"
    if match := _CHANGE.search(text):
        return "evidence_of_change", match.group()
    if reading.startswith("progress"):
        return "evidence_of_change", f"extracted as {reading}"
    return _KINDS.get(reading, ""), f"extracted as {reading}"


# ---------------------------------------------------------------------------------------------
# Similarity


def by_similarity(
    extracts: pd.DataFrame, people: pd.DataFrame, frame: pd.DataFrame, scheme: str
) -> pd.DataFrame:
    """What similar words propose, from the frame and from what people coded.

    Parameters
    ----------
    extracts : DataFrame
        `coding_round.SENT_COLUMNS`.
    people : DataFrame
        text, place, code of extracts that people coded; may be empty. They should not be among
        `extracts` where the proposals are measured (`cross_validated`).
    frame, scheme
        As for `by_rules`.

    Returns
    -------
    DataFrame
        `COLUMNS`; score is the smaller of the two cosines (0 to 1), of area and of kind; words are
        those that add most to them.
    """
    if extracts.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    codes = codes_of(frame, scheme)
    codes = codes[codes["code"] != NONE_APPLIES]
    people = people.merge(codes[["code", "area", "kind"]], on="code")
    learned = [*_described(codes), *_said(people)]
    words = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, stop_words="english", token_pattern=r"[a-z]{3,}"
    ).fit(learned)
    names = words.get_feature_names_out()
    asked = words.transform(_said(extracts)).toarray()
    best: dict[str, tuple[list[str], np.ndarray, np.ndarray]] = {}
    for part in ("area", "kind"):
        labels = list(dict.fromkeys(codes[part]))
        centres = np.array([_centre(words, codes, people, part, one) for one in labels])
        cosines = asked @ centres.T
        chosen = cosines.argmax(axis=1)
        best[part] = ([labels[i] for i in chosen], cosines.max(axis=1), asked * centres[chosen])
    known = set(codes["code"])
    rows = []
    for i, extract in enumerate(extracts["extract"]):
        code = f"{scheme}.{best['area'][0][i]}.{best['kind'][0][i]}"
        score = float(min(best["area"][1][i], best["kind"][1][i]))
        found = code in known and score > 0
        why = dict.fromkeys(
            names[j]
            for part in ("area", "kind")
            for j in np.argsort(-best[part][2][i], kind="stable")[:3]
            if best[part][2][i][j] > 0
        )
        rows.append(
            (
                extract,
                SIMILARITY,
                code if found else NONE_APPLIES,
                score if found else 0.0,
                "; ".join(why) if found else "",
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _centre(
    words: TfidfVectorizer, codes: pd.DataFrame, people: pd.DataFrame, part: str, label: str
) -> np.ndarray:
    """The mean direction of a label: half its definitions, half what people gave it, if anything"""
    sides = [_described(codes[codes[part] == label]), _said(people[people[part] == label])]
    means = [words.transform(texts).toarray().mean(axis=0) for texts in sides if texts]
    total = sum(mean / (np.linalg.norm(mean) or 1.0) for mean in means)
    return np.asarray(total / (np.linalg.norm(total) or 1.0))


def _described(codes: pd.DataFrame) -> list[str]:
    return (codes["label"] + ". " + codes["definition"] + " " + codes["include"]).tolist()


def _said(extracts: pd.DataFrame) -> list[str]:
    """An extract with the heading that a coder sees beside it."""
    heading = extracts["place"].astype(str).str.split(",").str[:-1].str.join(",")
    return (heading + ". " + extracts["text"].astype(str)).tolist()


def wordings(texts: pd.Series) -> np.ndarray:
    """A number for each text; texts that say nearly the same have the same number.

    Two texts belong together when their TF-IDF cosine is `SAME_WORDING` or more, and through
    others of which each is like the next.
    """
    vectors = TfidfVectorizer(stop_words="english", sublinear_tf=True).fit_transform(texts)
    alike = (vectors @ vectors.T) >= SAME_WORDING
    return np.asarray(connected_components(alike, directed=False)[1])


def cross_validated(
    extracts: pd.DataFrame,
    people: pd.DataFrame,
    frame: pd.DataFrame,
    scheme: str,
    folds: int = FOLDS,
) -> pd.DataFrame:
    """Similarity's proposals for coded extracts, each learned without any like it.

    Parameters
    ----------
    extracts : DataFrame
        `coding_round.SENT_COLUMNS`.
    people : DataFrame
        extract, code; extracts without a code are left out.
    folds : int
        At most; never more than there are wordings.

    Returns
    -------
    DataFrame
        `COLUMNS` and wording; empty where there are fewer than two wordings.
    """
    coded = extracts.merge(people[["extract", "code"]], on="extract").reset_index(drop=True)
    groups = wordings(coded["text"]) if len(coded) else np.array([], dtype=int)
    folds = min(folds, len(set(groups)))
    if folds < 2:
        return pd.DataFrame(columns=[*COLUMNS, "wording"])
    parts = []
    for train, test in GroupKFold(n_splits=folds).split(coded, groups=groups):
        found = by_similarity(coded.iloc[test], coded.iloc[train], frame, scheme)
        parts.append(found.assign(wording=groups[test]))
    order = {name: place for place, name in enumerate(coded["extract"])}
    return pd.concat(parts).sort_values("extract", key=lambda names: names.map(order))


# ---------------------------------------------------------------------------------------------
# Held against people


def accuracy(
    proposed: pd.DataFrame, people: pd.DataFrame, frame: pd.DataFrame, data_kind: str
) -> pd.DataFrame:
    """Precision, recall and F1 of each machine, by code and for all together.

    Parameters
    ----------
    proposed : DataFrame
        `COLUMNS`, of one machine or several.
    people : DataFrame
        extract, code.
    data_kind : str
        Of the extracts; codes that nobody gave say nothing about people.

    Returns
    -------
    DataFrame
        id, item (label of the code), response (machine), count (right), true (given by people),
        found (proposed), precision, recall, f1 (0 to 1; missing without a base), unit, data_kind.
        The rows ``all`` and ``area`` and ``kind`` have instead denominator and estimate, the share
        of extracts with the right code, area or kind, with a Wilson interval; missing where
        nothing was tried.
    """
    labels = frame.set_index("code")["label"].to_dict()
    both = proposed.merge(people[["extract", "code"]], on="extract")
    rows: list[dict[str, Any]] = []
    for machine in (RULES, SIMILARITY):
        given = both[both["machine"] == machine]
        rows += [_overall(machine, part, given, frame) for part in ("all", "area", "kind")]
        for code in sorted(set(given["code"]) | set(given["proposed"])):
            true, found = given["code"] == code, given["proposed"] == code
            right = int((true & found).sum())
            rows.append(
                {
                    "id": f"proposals.{machine}.{code}",
                    "item": labels.get(code, code),
                    "response": machine,
                    "count": right,
                    "true": int(true.sum()),
                    "found": int(found.sum()),
                    "precision": right / found.sum() if found.any() else None,
                    "recall": right / true.sum() if true.any() else None,
                    "f1": 2 * right / (true.sum() + found.sum()),
                }
            )
    columns = (
        "id item response count denominator estimate ci_low ci_high true found precision recall f1"
    ).split()
    return pd.DataFrame(rows, columns=columns).assign(unit="extracts", data_kind=data_kind)


def _overall(machine: str, part: str, given: pd.DataFrame, frame: pd.DataFrame) -> dict[str, Any]:
    names = {"all": "Whole code", "area": "Area", "kind": "Kind"}
    true, found = given["code"], given["proposed"]
    if part != "all":
        parts = frame.set_index("code")[part].to_dict() | {NONE_APPLIES: NONE_APPLIES}
        true, found = true.map(parts), found.map(parts)
    right = int((true == found).sum())
    low, high = wilson(right, len(given)) if len(given) else (None, None)
    return {
        "id": f"proposals.{machine}.{part}",
        "item": names[part],
        "response": machine,
        "count": right,
        "denominator": len(given),
        "estimate": right / len(given) if len(given) else None,
        "ci_low": low,
        "ci_high": high,
    }


def failures(proposed: pd.DataFrame, people: pd.DataFrame, extracts: pd.DataFrame) -> pd.DataFrame:
    """Every proposal that people did not share, with the words that gave it.

    Returns
    -------
    DataFrame
        id, extract, response (machine), text, by_people, proposed, words, unit, data_kind.
    """
    both = proposed.merge(people[["extract", "code"]], on="extract")
    wrong = both[both["code"] != both["proposed"]].merge(
        extracts[["extract", "text", "data_kind"]], on="extract"
    )
    wrong = wrong.rename(columns={"code": "by_people", "machine": "response"})
    wrong["id"] = "proposal_failure." + wrong["response"] + "." + wrong["extract"]
    columns = "id extract response text by_people proposed words data_kind".split()
    return wrong[columns].assign(unit="extracts")


def tried(one: Round, people: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Proposals of both machines for the extracts of a round, none of them in-sample.

    Parameters
    ----------
    one : Round
    people : DataFrame
        `coding_round.settled` of it.

    Returns
    -------
    DataFrame
        `COLUMNS`.
    """
    rules = by_rules(one.extracts, frame, one.scheme)
    return pd.concat([rules, cross_validated(one.extracts, people, frame, one.scheme)])


def waiting(
    extracts: pd.DataFrame, one: Round, people: pd.DataFrame, frame: pd.DataFrame
) -> pd.DataFrame:
    """Both proposals for extracts that a person has yet to code, doubtful ones first.

    Parameters
    ----------
    extracts : DataFrame
        `coding_round.SENT_COLUMNS`; those that people have coded are left out.
    one : Round
        What similarity learns from, if its extracts are of the same kind of data: codes of
        invented coders have no say about real documents.
    people : DataFrame
        `coding_round.settled` of it.

    Returns
    -------
    DataFrame
        id, extract, document, place, text, rules, rules_score, rules_words, similarity,
        similarity_score, similarity_words, doubt (``machines differ``, ``nothing found`` or
        blank), unit, data_kind.
    """
    coded = one.extracts.merge(people, on="extract")
    alike = coded[coded["data_kind"].isin(set(extracts["data_kind"]))]
    extracts = extracts[~extracts["extract"].isin(set(alike["extract"]))]
    found = extracts.drop(columns=["chapter", "reading"])
    made_by = {
        RULES: by_rules(extracts, frame, one.scheme),
        SIMILARITY: by_similarity(extracts, alike, frame, one.scheme),
    }
    for machine, made in made_by.items():
        names = {"proposed": machine, "score": f"{machine}_score", "words": f"{machine}_words"}
        found = found.merge(made.drop(columns="machine").rename(columns=names), on="extract")
    none = (found[[RULES, SIMILARITY]] == NONE_APPLIES).any(axis="columns")
    doubt = np.where(found[RULES] != found[SIMILARITY], "machines differ", "")
    found["doubt"] = np.where(none, "nothing found", doubt)
    found["id"] = "proposal." + found["extract"]
    return found.sort_values("doubt", ascending=False, kind="stable").assign(unit="extracts")
