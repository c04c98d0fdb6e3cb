"""What the strands say together, outcome by outcome, and how strongly.

A person says how a strand's finding bears on an outcome; everything that follows from that is
computed: which comparisons of the survey hold, how strong each strand is by the stated rubric,
whether strands agree, how confident one may be, and where that differs from the report. Synthetic
rows, judged or referred to, are left out before anything is computed, so that they can create no
agreement, no strength and no conclusion.

Sources: Farmer and others (2006), Developing and implementing a triangulation protocol for
qualitative health research; O'Cathain, Murphy and Nicholl (2010), Three techniques for
integrating data in mixed methods studies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from ncpi_eval import results
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.intake.judgements import COMPUTED, STRANDS, Judgements

SYNTHETIC = "synthetic"
PLAUSIBLE_CORRELATION = 0.02
"""How alike colleagues in one force may answer: a common size in surveys of large employers."""

# Directions that say something about change; the others say where things stand, or nothing.
TELLING = ("for", "mixed", "against")
READINGS: Mapping[str, str] = {
    "for": "For",
    "mixed": "Mixed",
    "against": "Against",
    "context": "Context only",
    "silent": "Silent",
}
STRENGTHS = ("strong", "moderate", "weak", "not rated")
RELATIONS: Mapping[str, str] = {
    "agree": "strands point the same way",
    "complementary": "strands tell different parts and do not contradict each other",
    "dissonant": "one strand says that it is coming about, another that it is not",
    "one strand": "only one strand says anything on change",
    "silent": "no strand says anything on change",
}
CONFIDENCES = ("high", "moderate", "low", "none")

HOLDS, NO_DIFFERENCE, FRAGILE = "holds", "no difference", "fragile"
CONTRARY, UNPRINTED, CITED, STATED = "the other way", "numbers not printed", "cited", "stated"
CONTRADICTED = "printed numbers disagree"
_FORWARD, _BACKWARD = (HOLDS,), (NO_DIFFERENCE, CONTRARY)
# Kinds of published findings that speak against what stands beside them.
_CONTRARY = ("challenge", "barrier")
_COMPARED = (HOLDS, NO_DIFFERENCE, FRAGILE, CONTRARY, UNPRINTED)


@dataclass(frozen=True)
class Triangulation:
    """cells: one row per outcome and strand; evidence: one per row it rests on; outcomes."""

    cells: pd.DataFrame
    evidence: pd.DataFrame
    outcomes: pd.DataFrame


def triangulate(
    judged: Judgements,
    outcomes: pd.DataFrame,
    files: Mapping[str, pd.DataFrame],
    plausible: float = PLAUSIBLE_CORRELATION,
) -> Triangulation:
    """Set the strands beside each other for each outcome.

    Parameters
    ----------
    judged : Judgements
        From `intake.judgements.read_triangulation`.
    outcomes : DataFrame
        Rows of logic_model_nodes that are outcomes: node, code, label.
    files : mapping
        Name of a results file to its released rows, for every file that is referred to, and
        published_checks.
    plausible : float
        Correlation of answers within a force, 0 to 1, that a difference must survive to hold.

    Returns
    -------
    Triangulation
        cells, unit judgements, for every outcome and strand: id (``cell.<outcome>.<strand>``),
        outcome, outcome_label, strand, strand_label, direction, reading, direction_by (judged,
        computed or empty), strength, criteria_met and criteria_missed (names, joined by ", "),
        statement, place, source_rows (references), cautions.
        evidence, unit claims: id, outcome, strand, item, value (as printed), finding, caution,
        counted, source_row, rests_on (what the row referred to says it is about), place;
        ``data_kind`` is that of the row referred to.
        outcomes, unit judgements: id (``triangulation.<outcome>``), plausible_correlation,
        relation, direction, reading, confidence, says (each strand that tells of change, and what),
        no_word_from (strands that do not), report_direction, report_reading, report_statement,
        report_place, differs (yes or no), why.

    Raises
    ------
    InputError
        For unknown outcomes, references that lead nowhere, unknown rules, a cell judged twice, an
        outcome without the report's conclusion; with file, row and column.
    """
    refuse_wrong(judged, set(outcomes["node"]), files)
    cells = judged.cells[judged.cells["data_kind"] != SYNTHETIC]
    comparisons = _real_comparisons(judged.comparisons, cells)
    evidence = pd.DataFrame(_evidence(cells, comparisons, files, plausible))
    counted = evidence[evidence["counted"]]
    by_cell = {place: rows for place, rows in counted.groupby(["outcome", "strand"])}
    own = {(row["outcome"], row["strand"]): row for _, row in cells.iterrows()}
    rows = []
    for node in outcomes["node"]:
        for strand in STRANDS:
            cell, rests_on = own.get((node, strand)), by_cell.get((node, strand))
            rows.append(_cell(node, strand, cell, rests_on, judged, files, plausible))
    labels = {
        "outcome_label": dict(
            zip(outcomes["node"], outcomes["code"] + " " + outcomes["label"], strict=True)
        ),
        "strand_label": dict(zip(judged.strands["strand"], judged.strands["label"], strict=True)),
    }
    made = pd.DataFrame(rows)
    for frame in (made, evidence):
        frame["outcome_label"] = frame["outcome"].map(labels["outcome_label"])
        frame["strand_label"] = frame["strand"].map(labels["strand_label"])
    together = _outcomes(made, judged.conclusions, plausible)
    together["outcome_label"] = together["outcome"].map(labels["outcome_label"])
    return Triangulation(made, evidence, together)


def recommendation_rows(
    judged: Judgements,
    triangulated: pd.DataFrame,
    matrix: pd.DataFrame,
    files: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """The report's recommendations, the evidence for each and a way to tell whether it was done.

    Parameters
    ----------
    triangulated : DataFrame
        `Triangulation.outcomes`.
    matrix : DataFrame
        Rows of indicator_matrix.
    files : mapping
        As in `triangulate`.

    Returns
    -------
    DataFrame
        One row per recommendation, unit recommendations: id (``recommendation.<name>``), statement,
        about (labels of the outcomes), rests_on (the rows that speak for it, in their words; none
        that is synthetic), evidence_says (our reading of each outcome and its confidence),
        how_to_tell, told (that, and what is known since), indicators (names), indicators_with_data
        and indicators_named (how many have a published or measured value, and how many there are),
        known_since, place, source_rows.

    Raises
    ------
    InputError
        If an outcome or an indicator is unknown.
    """
    by_outcome = triangulated.set_index("outcome")
    by_indicator = matrix.set_index("indicator")
    _refuse_names(judged.recommendations, "outcomes", set(by_outcome.index))
    _refuse_names(judged.recommendations, "indicators", set(by_indicator.index))
    rows = []
    for _, given in judged.recommendations.iterrows():
        about = by_outcome.loc[given["outcomes"].split("|")]
        named = by_indicator.loc[given["indicators"].split("|")]
        found = [_row(word, files) for word in given["evidence"].split()]
        kept = [(name, row) for name, row in found if row["data_kind"] != SYNTHETIC]
        rows_of = [row for _, row in kept]
        says = about["outcome_label"] + ": " + about["reading"].str.lower()
        says += " (confidence: " + about["confidence"] + ")"
        rows.append(
            {
                "id": f"recommendation.{given['recommendation']}",
                "unit": "recommendations",
                "data_kind": "published",
                "statement": given["statement"],
                "about": "; ".join(about["outcome_label"]),
                "rests_on": "; ".join(map(_in_brief, rows_of)),
                "evidence_says": "; ".join(says),
                "how_to_tell": given["how_to_tell"],
                "told": f"{given['how_to_tell']} Known since: {_lower(given['known_since'])}",
                "indicators": "; ".join(named["item"]),
                "indicators_with_data": int(named["data_exist"].astype(bool).sum()),
                "indicators_named": len(named),
                "known_since": given["known_since"],
                "place": given["place"],
                "source_rows": " ".join(results.reference(n, str(row["id"])) for n, row in kept),
            }
        )
    return pd.DataFrame(rows)


def rubric_rows(judged: Judgements) -> pd.DataFrame:
    """The rubric as results: id (``criterion.<strand>.<name>``), strand_label, met_when, why."""
    labels = dict(zip(judged.strands["strand"], judged.strands["label"], strict=True))
    return judged.rubric.assign(
        id="criterion." + judged.rubric["strand"] + "." + judged.rubric["criterion"],
        unit="judgements",
        data_kind="published",
        strand_label=judged.rubric["strand"].map(labels),
    )


# ---------------------------------------------------------------------------------------------
# What a cell rests on


def _real_comparisons(comparisons: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Comparisons of cells that are judged to be computed from them."""
    computed = cells[cells["direction"] == COMPUTED]
    wanted = set(zip(computed["outcome"], computed["strand"], strict=True))
    keep = [
        pair in wanted for pair in zip(comparisons["outcome"], comparisons["strand"], strict=True)
    ]
    return comparisons[keep]


def _evidence(
    cells: pd.DataFrame,
    comparisons: pd.DataFrame,
    files: Mapping[str, pd.DataFrame],
    plausible: float,
) -> Iterator[dict[str, object]]:
    for _, cell in cells.iterrows():
        own = comparisons[
            (comparisons["outcome"] == cell["outcome"]) & (comparisons["strand"] == cell["strand"])
        ]
        number = 0
        for _, comparison in own.iterrows():
            number += 1
            name, row = _row(comparison["evidence"], files)
            finding, caution = weigh(row, comparison["wanted"], plausible)
            words = {"item": _sentence(comparison["about"]), "finding": finding, "caution": caution}
            yield _evidence_row(cell, number, name, row, **words)
        for reference in cell["evidence"].split():
            number += 1
            name, row = _row(reference, files)
            words = {"item": _what(row), "finding": CITED, "caution": ""}
            yield _evidence_row(cell, number, name, row, **words)
        for row in _contradictions(cell, own, files["published_checks"], files):
            number += 1
            words = {
                "item": f"{CONTRADICTED}: {row['arithmetic']}".capitalize(),
                "finding": CONTRADICTED,
                "caution": f"{CONTRADICTED} ({row['item']})",
            }
            yield _evidence_row(cell, number, "published_checks", row, **words)
        if not number:
            yield {
                "id": f"evidence.{cell['outcome']}.{cell['strand']}.1",
                "unit": "claims",
                "data_kind": cell["data_kind"],
                "outcome": cell["outcome"],
                "strand": cell["strand"],
                "item": cell["statement"],
                "value": "",
                "finding": STATED,
                "caution": "",
                "counted": True,
                "source_row": "",
                "rests_on": "",
                "place": cell["place"],
                "force": "",
            }


def _evidence_row(
    cell: pd.Series, number: int, name: str, row: pd.Series, **words: str
) -> dict[str, object]:
    return {
        "id": f"evidence.{cell['outcome']}.{cell['strand']}.{number}",
        "unit": "claims",
        "data_kind": row["data_kind"],
        "outcome": cell["outcome"],
        "strand": cell["strand"],
        **words,
        "value": _printed(row),
        "counted": row["data_kind"] != SYNTHETIC,
        "source_row": results.reference(name, str(row["id"])),
        "rests_on": _what(row),
        "place": _text(row, "location") or cell["place"],
        "force": _text(row, "subgroup") if row["data_kind"] == "public_record" else "",
    }


def _contradictions(
    cell: pd.Series,
    comparisons: pd.DataFrame,
    checks: pd.DataFrame,
    files: Mapping[str, pd.DataFrame],
) -> Iterator[pd.Series]:
    """Laws of arithmetic that the printed numbers behind a cell break."""
    ids, stems = set(cell["evidence"].split()), []
    for reference in comparisons["evidence"]:
        ids.add(reference)
        row = _row(reference, files)[1]
        if "verdict" in row:
            response = _text(row, "response").replace("|", "-")
            stems.append(f"{_text(row, 'question')}.{response}.{_text(row, 'subgroup_variable')}.")
    for _, check in checks[checks["holds"] == "no"].iterrows():
        claims = _text(check, "claims").split("|")
        if any(
            f"published_figures#{claim}" in ids or claim.startswith(tuple(stems))
            for claim in claims
        ):
            yield check


def weigh(row: pd.Series, wanted: str, plausible: float) -> tuple[str, str]:
    """What one comparison shows of an outcome, and what speaks against leaning on it.

    Parameters
    ----------
    row : Series
        Of published_robustness, of published_figures (a statement of significance), or one with a
        ``difference``, as record_graded_twice.
    wanted : str
        first_higher, first_lower or second_higher: how the groups of the row would differ.
    plausible : float
        As in `triangulate`.

    Returns
    -------
    tuple of str
        `HOLDS`: there whatever the rounding and at the plausible correlation. `NO_DIFFERENCE`: the
        report says so, or the numbers allow no other. `CONTRARY`: holds the other way round.
        `FRAGILE`: called significant, but not proof against rounding or likeness within forces.
        `UNPRINTED`: called significant without numbers. And the caution in words, or "".
    """
    if "verdict" in row and "icc_cross_low" in row:
        return _weigh_printed(row, wanted, plausible)
    if "significant" in row:
        if row["significant"] == "no":
            return NO_DIFFERENCE, "the report prints no numbers"
        return UNPRINTED, "called significant, but the report prints no numbers"
    ahead = float(row["difference"]) * (-1 if wanted == "first_lower" else 1)
    caution = "" if _text(row, "split") in ("", "complete") else "not all grades are published"
    return (HOLDS if ahead > 0 else CONTRARY), caution


def _weigh_printed(row: pd.Series, wanted: str, plausible: float) -> tuple[str, str]:
    called = _text(row, "published_significant")
    both = "the report says both that it differs and that it does not" if " and " in called else ""
    if row["verdict"] == "never significant" or called == "no":
        return NO_DIFFERENCE, both
    low, high = float(row["icc_cross_low"]), float(row["icc_cross_high"])
    cautions = [both]
    if row["verdict"] == "depends on rounding":
        cautions.append("significant or not, depending on how the printed numbers were rounded")
    if low < plausible:
        surely = "would be lost" if high < plausible else "may be lost"
        cautions.append(f"{surely} where colleagues are alike at {results.plain(plausible)}")
    if row["verdict"] == "always significant" and low >= plausible and not both:
        return (HOLDS if _as_wanted(row, wanted) else CONTRARY), ""
    return FRAGILE, "; ".join(filter(None, cautions))


def _as_wanted(row: pd.Series, wanted: str) -> bool:
    first, second, *_ = (float(number) for number in str(row["printed"]).split("|"))
    if wanted == "first_lower":
        return first < second
    return second > first if wanted == "second_higher" else first > second


def _direction(findings: pd.Series) -> str:
    """What the comparisons of a cell say together."""
    compared = findings[findings.isin(_COMPARED)]
    if compared.empty:
        return "context"
    forward, backward = compared.isin(_FORWARD), compared.isin(_BACKWARD)
    weak = ~forward & ~backward
    if forward.any() and not backward.any():
        return "for"
    if backward.any() and not forward.any() and not weak.any():
        return "against"
    return "mixed"


# ---------------------------------------------------------------------------------------------
# A cell


def _cell(
    node: str,
    strand: str,
    cell: pd.Series | None,
    rests_on: pd.DataFrame | None,
    judged: Judgements,
    files: Mapping[str, pd.DataFrame],
    plausible: float,
) -> dict[str, object]:
    empty: dict[str, object] = {
        "id": f"cell.{node}.{strand}",
        "unit": "judgements",
        "data_kind": "published",
        "outcome": node,
        "strand": strand,
        "direction": "silent",
        "reading": READINGS["silent"],
        "direction_by": "",
        "strength": "not rated",
        "criteria_met": "",
        "criteria_missed": "",
        "statement": "",
        "place": "",
        "source_rows": "",
        "cautions": "",
    }
    if cell is None or rests_on is None:  # nothing said, or nothing but synthetic rows
        return empty
    computed = cell["direction"] == COMPUTED
    direction = _direction(rests_on["finding"]) if computed else cell["direction"]
    met, missed = _criteria(cell, rests_on, judged, files, plausible)
    rated = direction in TELLING
    return {
        **empty,
        "data_kind": cell["data_kind"],
        "direction": direction,
        "reading": READINGS[direction],
        "direction_by": COMPUTED if computed else "judged",
        "strength": _strength(len(met), len(missed)) if rated else "not rated",
        "criteria_met": ", ".join(met) if rated else "",
        "criteria_missed": ", ".join(missed) if rated else "",
        "statement": cell["statement"],
        "place": cell["place"],
        "source_rows": " ".join(filter(None, rests_on["source_row"])),
        "cautions": _cautions(rests_on),
    }


def _cautions(rests_on: pd.DataFrame) -> str:
    """Each caution once, with what it is about."""
    texts = []
    for caution, rows in rests_on[rests_on["caution"] != ""].groupby("caution", sort=False):
        about = [_lower(words) for words in rows["item"]]
        start = "" if rows["finding"].eq(CONTRADICTED).all() else " and ".join(about) + ": "
        texts.append(f"{start}{caution}")
    return "; ".join(texts)


def _strength(met: int, missed: int) -> str:
    if not missed:
        return "strong"
    return "moderate" if met >= missed else "weak"


def _criteria(
    cell: pd.Series,
    rests_on: pd.DataFrame,
    judged: Judgements,
    files: Mapping[str, pd.DataFrame],
    plausible: float,
) -> tuple[list[str], list[str]]:
    strand = judged.strands.set_index("strand").loc[cell["strand"]]
    own = judged.rubric[judged.rubric["strand"] == cell["strand"]]
    case = _Case(cell, rests_on, strand, files, plausible)
    met: list[str] = []
    missed: list[str] = []
    for name, rule in zip(own["criterion"], own["rule"], strict=True):
        (met if RULES[rule](case) else missed).append(name)
    return met, missed


@dataclass(frozen=True)
class _Case:
    """What a rule may look at."""

    cell: pd.Series
    rests_on: pd.DataFrame
    strand: pd.Series
    files: Mapping[str, pd.DataFrame]
    plausible: float

    @property
    def compared(self) -> pd.DataFrame:
        return self.rests_on[self.rests_on["finding"].isin(_COMPARED)]

    @property
    def extracts(self) -> list[pd.Series]:
        """Published findings of interviews and documents: group, place, kind of finding."""
        return [row for row in self.rows(self.rests_on) if _text(row, "summary")]

    def rows(self, evidence: pd.DataFrame) -> list[pd.Series]:
        return [_row(word, self.files)[1] for word in evidence["source_row"] if word]


def _numbers_printed(case: _Case) -> bool:
    rows = case.rows(case.compared)
    return bool(rows) and all("verdict" in row for row in rows)


def _survives_rounding(case: _Case) -> bool:
    rows = case.rows(case.compared)
    settled = ("always significant", "never significant")
    return bool(rows) and all(row.get("verdict") in settled for row in rows)


def _survives_clustering(case: _Case) -> bool:
    rows = case.rows(case.compared)
    return bool(rows) and all(
        row.get("verdict") == "never significant"
        or float(row.get("icc_cross_low", -1)) >= case.plausible
        for row in rows
    )


def _no_contradiction(case: _Case) -> bool:
    if case.rests_on["finding"].eq(CONTRADICTED).any():
        return False
    return not any(
        " and " in _text(row, "published_significant") for row in case.rows(case.rests_on)
    )


def _complete_rows(case: _Case) -> bool:
    rows = case.rows(case.rests_on)
    return all(
        _text(row, "split") in ("", "complete") and not _text(row, "known_error") for row in rows
    )


RULES: Mapping[str, Callable[[_Case], bool]] = {
    "has_comparison": lambda case: not case.compared.empty,
    "numbers_printed": _numbers_printed,
    "survives_rounding": _survives_rounding,
    "survives_clustering": _survives_clustering,
    "no_contradiction": _no_contradiction,
    "sound_selection": lambda case: case.strand["selected_soundly"] == "yes",
    "several_places": lambda case: len({row["place"] for row in case.extracts}) > 1,
    "several_voices": lambda case: len({row["subgroup"] for row in case.extracts}) > 1,
    "has_example": lambda case: any("xample" in row["summary"] for row in case.extracts),
    "no_contrary": lambda case: (
        bool(case.extracts) and not any(row["response"] in _CONTRARY for row in case.extracts)
    ),
    "public_rows": lambda case: case.rests_on["data_kind"].eq("public_record").any(),
    "several_forces": lambda case: case.rests_on["force"].replace("", None).nunique() > 1,
    "complete_rows": _complete_rows,
    "one_way": lambda case: case.compared["finding"].nunique() == 1,
}
"""Rules that rubric.csv may name; each says whether a cell meets its criterion."""


# ---------------------------------------------------------------------------------------------
# An outcome


def _outcomes(cells: pd.DataFrame, conclusions: pd.DataFrame, plausible: float) -> pd.DataFrame:
    report = conclusions.set_index("outcome")
    rows = []
    for node, own in cells.groupby("outcome", sort=False):
        telling = own[own["direction"].isin(TELLING)]
        relation = _relation(telling)
        direction = _together(telling)
        said = report.loc[str(node)]
        differs = direction != said["direction"]
        rows.append(
            {
                "id": f"triangulation.{node}",
                "unit": "judgements",
                "data_kind": "published",
                "outcome": node,
                "plausible_correlation": plausible,
                "relation": relation,
                "relation_means": RELATIONS[relation],
                "direction": direction,
                "reading": READINGS[direction],
                "confidence": _confidence(telling, relation),
                "strands": len(telling),
                "says": _says(telling),
                "no_word_from": ", ".join(own.loc[~own["direction"].isin(TELLING), "strand_label"]),
                "report_direction": said["direction"],
                "report_reading": READINGS[said["direction"]],
                "report_statement": said["statement"],
                "report_place": said["place"],
                "differs": "yes" if differs else "no",
                "why": _why(telling, relation, said["note"]) if differs else "",
            }
        )
    return pd.DataFrame(rows)


def _relation(telling: pd.DataFrame) -> str:
    directions = set(telling["direction"])
    if len(telling) < 2:
        return "one strand" if len(telling) else "silent"
    if {"for", "against"} <= directions:
        return "dissonant"
    return "agree" if len(directions) == 1 and directions != {"mixed"} else "complementary"


def _together(telling: pd.DataFrame) -> str:
    directions = set(telling["direction"])
    if not directions:
        return "silent"
    return directions.pop() if len(directions) == 1 else "mixed"


def _confidence(telling: pd.DataFrame, relation: str) -> str:
    """High needs two strong strands that agree; one strand, or strands at odds, is low."""
    strengths = list(telling["strength"])
    if not strengths:
        return "none"
    if relation in ("one strand", "dissonant") or set(strengths) == {"weak"}:
        return "low"
    return "high" if relation == "agree" and strengths.count("strong") > 1 else "moderate"


def _says(telling: pd.DataFrame) -> str:
    return "; ".join(
        f"{strand}: {direction}, {strength}"
        for strand, direction, strength in zip(
            telling["strand"], telling["direction"], telling["strength"], strict=True
        )
    )


def _why(telling: pd.DataFrame, relation: str, note: str) -> str:
    reasons = []
    if relation == "dissonant":
        sides = {
            side: " and ".join(telling.loc[telling["direction"] == side, "strand"])
            for side in ("for", "against")
        }
        reasons.append(f"Strands are at odds: {sides['for']} for, {sides['against']} against.")
    if relation == "one strand":
        reasons.append(f"One strand alone speaks on it: {telling['strand'].iloc[0]}.")
    cautions = [text for text in telling["cautions"] if text]
    if cautions:
        reasons.append("Cautions: " + "; ".join(cautions) + ".")
    return " ".join(filter(None, [note, *reasons]))


# ---------------------------------------------------------------------------------------------
# References and refusals


def refuse_wrong(judged: Judgements, outcomes: set[str], files: Mapping[str, pd.DataFrame]) -> None:
    """Refuse judgements that name what is not there; every problem at once."""
    cells = judged.cells[judged.cells["data_kind"] != SYNTHETIC]
    problems = [
        *_unknown_outcomes("cells.csv", judged.cells, outcomes),
        *_unknown_outcomes("comparisons.csv", judged.comparisons, outcomes),
        *_unknown_outcomes("report_conclusions.csv", judged.conclusions, outcomes),
        *_dead_references("cells.csv", judged.cells, files),
        *_dead_references("comparisons.csv", judged.comparisons, files),
        *_dead_references("report_recommendations.csv", judged.recommendations, files),
    ]
    for row in cells.index[cells.duplicated(["outcome", "strand"])]:
        problems.append(
            Problem(
                f"cells.csv, row {row + 1}",
                f"{cells['outcome'][row]} by {cells['strand'][row]} again",
                "one judgement of each cell",
                "Put the two together.",
            )
        )
    compared = set(zip(judged.comparisons["outcome"], judged.comparisons["strand"], strict=True))
    for row, cell in cells[cells["direction"] == COMPUTED].iterrows():
        if (cell["outcome"], cell["strand"]) not in compared:
            problems.append(
                Problem(
                    f"cells.csv, row {int(str(row)) + 1}, column direction",
                    "computed",
                    "rows of comparisons.csv to compute it from",
                    "Add them, or judge the direction.",
                )
            )
    for row, rule in enumerate(judged.rubric["rule"], 1):
        if rule not in RULES:
            place = f"rubric.csv, row {row}, column rule"
            problems.append(Problem(place, rule, "one of " + ", ".join(RULES), "Use one."))
    for node in sorted(outcomes - set(judged.conclusions["outcome"])):
        problems.append(
            Problem(
                "report_conclusions.csv", f"nothing on {node}", "a row", "Add what it concludes."
            )
        )
    if problems:
        raise InputError("The judgements cannot be set beside each other.", problems)


def _unknown_outcomes(file: str, frame: pd.DataFrame, outcomes: set[str]) -> Iterator[Problem]:
    for row, name in enumerate(frame["outcome"], 1):
        if name not in outcomes:
            place = f"{file}, row {row}, column outcome"
            yield Problem(place, repr(name), "an outcome of the logic model", "Correct the name.")


def _dead_references(
    file: str, frame: pd.DataFrame, files: Mapping[str, pd.DataFrame]
) -> Iterator[Problem]:
    for row, text in enumerate(frame["evidence"], 1):
        for name, identity in results.references(text):
            if name not in files or not files[name]["id"].eq(identity).any():
                yield Problem(
                    f"{file}, row {row}, column evidence",
                    f"{name}#{identity}",
                    "a row of the results that the page reads",
                    "Correct the reference, or add the file to reads in notebooks/report.toml.",
                )


def _refuse_names(frame: pd.DataFrame, column: str, known: set[str]) -> None:
    problems = [
        Problem(
            f"report_recommendations.csv, row {row}, column {column}",
            repr(name),
            "a name that exists",
            "Correct the name.",
        )
        for row, text in enumerate(frame[column], 1)
        for name in text.split("|")
        if name not in known
    ]
    if problems:
        raise InputError("The recommendations cannot be linked.", problems)


def _row(reference: str, files: Mapping[str, pd.DataFrame]) -> tuple[str, pd.Series]:
    ((name, identity),) = results.references(reference)
    frame = files[name]
    return name, frame[frame["id"] == identity].iloc[0]


def _what(row: pd.Series) -> str:
    """What a row is about, in its own words."""
    for column in ("claim", "comparison", "arithmetic", "summary", "item", "progress"):
        if _text(row, column):
            return _text(row, column)
    return str(row["id"])


def _printed(row: pd.Series) -> str:
    """The number of a row as its source prints it."""
    if _text(row, "printed"):
        return _text(row, "printed").replace("|", "%, ") + "%"
    if _text(row, "value"):
        sign = "%" if row["unit"] == "percent" else f" {row['unit']}"
        return results.plain(float(row["value"])) + sign
    if "first" in row:
        return " to ".join(
            f"{results.half_up(100 * float(row[c]))}%" for c in ("first", "estimate")
        )
    if _text(row, "count") and _text(row, "denominator"):
        return f"{results.plain(float(row['count']))} of {results.plain(float(row['denominator']))}"
    return ""


def _in_brief(row: pd.Series) -> str:
    number = _printed(row)
    return _sentence(_what(row).rstrip(".") + (f" ({number})" if number else ""))


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _text(row: pd.Series, column: str) -> str:
    value = row.get(column)
    return "" if value is None or pd.isna(value) else str(value)
