"""The document review as tables of results: flow, evidence map, change, grades, themes, accuracy.

Takes the tables that `extract.tables` makes and gives rows of the results vocabulary. Nothing is
decided here about what a document says; only who is counted with whom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from ncpi_eval.errors import InputError, Problem
from ncpi_eval.evidence import kinds, measure
from ncpi_eval.evidence.progress import LEVELS
from ncpi_eval.evidence.recommendations import IMMEDIATELY, MADE, SIX, THREE

COUNTS = ("cases", "good", "requires_improvement", "inadequate", "recommendations")
REPORTS = (kinds.INSPECTION, *kinds.FOLLOW_UPS)
LONGEST_QUOTE = 300
"""Characters of a document's words on a page; the tables of `make extract` keep them whole."""


def as_results(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The extracted tables with an id and a unit on each row, for `results.save`.

    Columns keep their order, so that those of `make extract` come first; numbers are numbers that
    may be missing, and long quotations are cut after `LONGEST_QUOTE` characters.
    """
    units = {
        "document_facts": "documents",
        "recommendations": "recommendations",
        "document_spans": "extracts",
        "document_findings": "extracts",
        "document_coding_sheet": "extracts",
    }
    found = {}
    for name, unit in units.items():
        frame = tables[name].copy()
        for column in (*COUNTS, "confidence", "number", "start", "end"):
            if column in frame and not (name == "document_spans" and column in COUNTS):
                numbers = pd.to_numeric(frame[column].replace("", None))
                frame[column] = numbers if column == "confidence" else numbers.astype("Int64")
        for column in ("text_span", "quote", "text"):
            if column in frame:
                frame[column] = frame[column].map(_short)
        prefix = name.removesuffix("s")
        frame["id"] = [f"{prefix}.{number:05d}" for number in range(1, len(frame) + 1)]
        frame["unit"] = unit
        found[name] = frame
    return found


def flow(documents: pd.DataFrame) -> pd.DataFrame:
    """Documents found, left out with the reason, and included by kind.

    Parameters
    ----------
    documents : DataFrame
        ``document_facts`` of `as_results`.

    Returns
    -------
    DataFrame
        id, step (found, left out, included), reason, count, denominator (all found), unit,
        data_kind. Every document is either left out for one reason or included once. Kinds other
        than inspections and follow-ups are read, but no grades or recommendations are counted
        from them: the reports themselves are the source.
    """
    why = documents.apply(_left_out, axis=1) if len(documents) else pd.Series(dtype=str)
    rows = [("found", "", len(documents))]
    rows += [("left out", reason, count) for reason, count in _tally(why[why.ne("")])]
    rows += [("included", kind, count) for kind, count in _tally(documents["kind"][why.eq("")])]
    frame = pd.DataFrame(rows, columns=["step", "reason", "count"])
    frame["id"] = [f"flow.{_slug(f'{step}.{reason}')}" for step, reason, _ in rows]
    frame["denominator"] = len(documents)
    frame["unit"] = "documents"
    return frame.assign(data_kind=_kind_of(documents))


def included(documents: pd.DataFrame) -> pd.DataFrame:
    """The rows of inspections and follow-ups that count: readable, no copies, force known."""
    if documents.empty:
        return documents
    return documents[documents.apply(_left_out, axis=1).eq("")]


def _left_out(row: pd.Series) -> str:
    problems = str(row["problems"]) if pd.notna(row["problems"]) else ""
    if match := re.search(r"refused: (?:a file of \d+ MB|[^;(]+)", problems):
        return match.group().strip()
    if "same text as" in problems:
        return "copy of another document"
    if row["kind"] not in REPORTS:
        return f"read, no report of its own: {str(row['kind']).replace('_', ' ')}"
    if not row["force"] or pd.isna(row["force"]):
        return "force not recognised"
    return ""


def answered(documents: pd.DataFrame, recommendations: pd.DataFrame) -> pd.DataFrame:
    """Each recommendation once: those of first inspections, else as a follow-up restates them.

    Returns
    -------
    DataFrame
        The rows of ``recommendations`` that count, with the column force; at least one.

    Raises
    ------
    InputError
        When no report in the folder makes or repeats a recommendation: there is nothing to review.
    """
    known = included(documents)[["document", "kind", "force"]]
    rows = recommendations.merge(known, on="document")
    made = rows[rows["kind"].eq(kinds.INSPECTION) & rows["origin"].eq(MADE)]
    restated = rows[rows["kind"].ne(kinds.INSPECTION) & ~rows["force"].isin(made["force"])]
    first = restated.groupby("force")["document"].transform("min")
    restated = restated[restated["document"].eq(first)] if len(restated) else restated
    counted = pd.concat([made, restated]).drop(columns="kind")
    if counted.empty:
        raise InputError(
            "There is nothing to review in this folder.",
            [
                Problem(
                    "DOCUMENTS",
                    f"{len(known)} reports without recommendations, of {len(documents)} documents",
                    "inspection or follow-up reports with recommendations",
                    "See what was read with `make extract`, and add the reports.",
                )
            ],
        )
    return counted


def by_time_scale(asked: pd.DataFrame, criteria: Mapping[str, str]) -> pd.DataFrame:
    """Recommendations counted by criterion and time scale.

    Returns
    -------
    DataFrame
        id, criterion (as named), time_scale, count, denominator (all of that criterion), estimate
        (their ratio, 0 to 1), forces (how many forces were asked), unit, data_kind.
    """
    rows = []
    for criterion, part in _each(asked, "criterion", criteria):
        scales = part["time_scale"].fillna("")
        others = sorted(set(scales) - {IMMEDIATELY, THREE, SIX, ""})
        for scale in (IMMEDIATELY, THREE, SIX, *others, ""):
            group = part[scales.eq(scale)]
            if group.empty:
                continue
            name = scale or "none stated"
            rows.append(
                {
                    "id": f"asked.{_slug(criterion)}.{_slug(name)}",
                    "criterion": criteria.get(criterion, "Not assigned"),
                    "time_scale": name,
                    "count": len(group),
                    "denominator": len(part),
                    "estimate": len(group) / len(part),
                    "forces": group["force"].nunique(),
                    "unit": "recommendations",
                    "data_kind": _kind_of(group),
                }
            )
    return pd.DataFrame(rows)


def themes(
    asked: pd.DataFrame,
    findings: pd.DataFrame,
    documents: pd.DataFrame,
    criteria: Mapping[str, str],
) -> pd.DataFrame:
    """How common each criterion is across forces: recommended on, criticised, praised.

    Returns
    -------
    DataFrame
        id, criterion, theme (recommendation, critical finding, positive finding), count (forces
        with at least one), denominator (forces reviewed), extracts, unit (forces), data_kind.
    """
    known = included(documents)
    forces = known["force"].nunique()
    rows = []
    for theme, frame in _evidence(asked, findings, known).items():
        for criterion, title in criteria.items():
            part = frame[frame["criterion"].eq(criterion)]
            rows.append(
                {
                    "id": f"theme.{_slug(criterion)}.{_slug(theme)}",
                    "criterion": title,
                    "theme": theme,
                    "count": part["force"].nunique(),
                    "denominator": forces,
                    "extracts": len(part),
                    "unit": "forces",
                    "data_kind": _kind_of(known),
                }
            )
    return pd.DataFrame(rows)


def evidence_map(
    asked: pd.DataFrame,
    findings: pd.DataFrame,
    documents: pd.DataFrame,
    criteria: Mapping[str, str],
) -> pd.DataFrame:
    """Extracts by force, criterion and kind of evidence; one row for each cell, empty ones too.

    Returns
    -------
    DataFrame
        id, force, criterion, count (all extracts), recommendations, critical, positive, progress
        (the follow-up's words, "" where there are none), documents (their names, separated by
        "; "), unit (extracts), data_kind.
    """
    known = included(documents)
    parts = _evidence(asked, findings, known)
    spoken = _spoken(findings, known)
    rows = []
    for force in sorted(known["force"].unique()):
        for criterion, title in criteria.items():
            cell = {name: _cell(frame, force, criterion) for name, frame in parts.items()}
            said = _cell(spoken, force, criterion)
            sources = sorted({name for part in (*cell.values(), said) for name in part["document"]})
            rows.append(
                {
                    "id": f"map.{_slug(force)}.{_slug(criterion)}",
                    "force": force,
                    "criterion": title,
                    "count": sum(len(part) for part in cell.values()) + len(said),
                    "recommendations": len(cell["recommendation"]),
                    "critical": len(cell["critical finding"]),
                    "positive": len(cell["positive finding"]),
                    "progress": said["tone"].iloc[-1] if len(said) else "",
                    "documents": "; ".join(sources),
                    "unit": "extracts",
                    "data_kind": _kind_of(known[known["force"].eq(force)]),
                }
            )
    return pd.DataFrame(rows)


def change(
    asked: pd.DataFrame,
    findings: pd.DataFrame,
    documents: pd.DataFrame,
    criteria: Mapping[str, str],
) -> pd.DataFrame:
    """What was asked and what the latest follow-up says of it, by force and criterion.

    Returns
    -------
    DataFrame
        id, force, criterion, count (recommendations), asked (their words, shortened, with time
        scale), recommendation_ids, follow_up (document), progress (one of `progress.LEVELS` or
        "not stated"), words (the follow-up's), place, unit (recommendations), data_kind. Only
        forces with a follow-up among the documents; what a follow-up says of a criterion with no
        recommendation is not listed.
    """
    known = included(documents)
    followed = known[known["kind"].isin(kinds.FOLLOW_UPS)]
    spoken = _spoken(findings, known)
    rows = []
    for force in sorted(followed["force"].unique()):
        for criterion, title in criteria.items():
            wanted = _cell(asked, force, criterion)
            if wanted.empty:
                continue
            said = _cell(spoken, force, criterion)
            last = said.iloc[-1] if len(said) else None
            rows.append(
                {
                    "id": f"change.{_slug(force)}.{_slug(criterion)}",
                    "force": force,
                    "criterion": title,
                    "count": len(wanted),
                    "asked": " / ".join(_asked(row) for row in wanted.to_dict("records")),
                    "recommendation_ids": "; ".join(wanted["id"]),
                    "follow_up": _latest(followed, force) if last is None else last["document"],
                    "progress": "not stated" if last is None else last["tone"],
                    "words": "" if last is None else last["text"],
                    "place": "" if last is None else last["place"],
                    "unit": "recommendations",
                    "data_kind": _kind_of(wanted),
                }
            )
    return pd.DataFrame(rows, columns=_CHANGE)


_CHANGE = (
    "id force criterion count asked recommendation_ids follow_up progress words place unit "
    "data_kind"
).split()


def levels(changes: pd.DataFrame, documents: pd.DataFrame) -> pd.DataFrame:
    """How often follow-ups used each word of progress: rows of `change` counted, all levels."""
    counted = []
    for level in (*LEVELS, "not stated"):
        part = changes[changes["progress"].eq(level)]
        counted.append(
            {
                "id": f"progress.{_slug(level)}",
                "progress": level,
                "count": len(part),
                "denominator": len(changes),
                "unit": "extracts",
                "data_kind": _kind_of(documents),
            }
        )
    return pd.DataFrame(counted)


def grades(documents: pd.DataFrame) -> pd.DataFrame:
    """Case audits of first inspection and follow-ups of the same force, one row a document.

    Returns
    -------
    DataFrame
        id, force, kind, visited (month or day in which fieldwork began), cases, good,
        requires_improvement, inadequate, remark (where grades and cases disagree, or are given in
        another form), document, unit (cases), data_kind; only forces with two audits or more. The
        cases of a visit were chosen and not sampled, so shares of two visits are not tested.
    """
    known = included(documents)
    audits = known[known["cases"].notna()]
    twice = audits.groupby("force")["document"].transform("count").ge(2)
    chosen = audits[twice].sort_values(["force", "fieldwork_start", "document"])
    rows = chosen[["force", "kind", "cases", "good", "requires_improvement", "inadequate"]].copy()
    rows["visited"] = chosen["fieldwork_start"].fillna("")
    rows["remark"] = chosen["problems"].fillna("").map(_about_grades)
    rows["document"] = chosen["document"]
    rows["id"] = [f"grades.{number:04d}" for number in range(1, len(rows) + 1)]
    return rows.assign(unit="cases", data_kind=chosen["data_kind"])


def labelled(folder: Path, otherwise: Path) -> Path:
    """The folder itself where it has its truth beside it, else a labelled corpus."""
    return folder if (folder / "truth" / "documents.csv").is_file() else otherwise


def accuracy(
    tables: Mapping[str, pd.DataFrame], truth: Path, data_kind: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Precision and recall by field against a folder's truth, and every failure.

    Parameters
    ----------
    tables : mapping
        Of `extract.tables`, text cells.
    truth : Path
        Folder with documents.csv and recommendations.csv.
    data_kind : str
        Of the labelled documents.

    Returns
    -------
    (DataFrame, DataFrame)
        `measure.as_results` for both tables; then id, document, field, expected, found, failure,
        unit, data_kind.
    """
    read = {
        name: pd.read_csv(truth / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in ("documents", "recommendations")
    }
    first, wrong = measure.by_field(tables["document_facts"], read["documents"])
    first["field"] = first["field"].replace("recommendations", "number of recommendations")
    second, missed = measure.recommendations(tables["recommendations"], read["recommendations"])
    scored = measure.as_results(pd.concat([first, second]), data_kind)
    failures = pd.concat([wrong, missed], ignore_index=True)
    for column in ("expected", "found"):
        failures[column] = failures[column].map(_short)
    failures["id"] = [f"failure.{number:04d}" for number in range(1, len(failures) + 1)]
    return scored, failures.assign(unit="documents", data_kind=data_kind)


def _evidence(
    asked: pd.DataFrame, findings: pd.DataFrame, known: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    placed = findings.merge(known[["document", "force"]], on="document")
    return {
        "recommendation": asked,
        "critical finding": placed[placed["tone"].eq("critical")],
        "positive finding": placed[placed["tone"].eq("positive")],
    }


def _spoken(findings: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """What follow-ups say of progress, the earlier visit first; tone is the level alone."""
    order = known.sort_values(["force", "fieldwork_start", "document"])[["document", "force"]]
    placed = order.merge(findings[findings["tone"].str.startswith("progress: ")], on="document")
    return placed.assign(tone=placed["tone"].str.removeprefix("progress: "))


def _latest(followed: pd.DataFrame, force: str) -> str:
    visits = followed[followed["force"].eq(force)].sort_values(["fieldwork_start", "document"])
    return str(visits["document"].iloc[-1])


def _cell(frame: pd.DataFrame, force: str, criterion: str) -> pd.DataFrame:
    return frame[frame["force"].eq(force) & frame["criterion"].eq(criterion)]


def _asked(row: Mapping[str, object]) -> str:
    scale = row["time_scale"] or "no time scale"
    return f"{scale}: {_short(str(row['text_span']), 160)}"


def _about_grades(problems: str) -> str:
    about = ("sum", "grade", "adequate", "percent", "counted", "further cases", "self-assess")
    return "; ".join(part for part in problems.split("; ") if any(word in part for word in about))


def _each(
    frame: pd.DataFrame, column: str, order: Mapping[str, str]
) -> Iterable[tuple[str, pd.DataFrame]]:
    for value in (*order, ""):
        part = frame[frame[column].fillna("").eq(value)]
        if len(part):
            yield value, part


def _tally(values: pd.Series) -> list[tuple[str, int]]:
    counts = values.value_counts()
    order = sorted(counts.index, key=lambda value: (-int(counts[value]), str(value)))
    return [(str(value), int(counts[value])) for value in order]


def _kind_of(frame: pd.DataFrame) -> str:
    """One kind for rows counted together: synthetic as soon as one of them is."""
    values = set(frame["data_kind"]) or {"public_record"}
    return "synthetic" if "synthetic" in values else sorted(values)[0]


def _short(text: object, longest: int = LONGEST_QUOTE) -> str:
    """Words of a document on one line, cut at a word, nothing that moves a terminal or a page."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    if len(line) <= longest:
        return line
    return line[:longest].rsplit(" ", 1)[0] + " …"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "none"
