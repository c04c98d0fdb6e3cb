"""One document in, its row of facts out: what it is, about whom, when, what was found and asked.

Reads nothing and writes nothing. Each value keeps its place and its confidence; what is doubtful
is on the coding sheet, and what is too doubtful is only there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ncpi_eval.document_files.model import CONTENTS, HEADING, Document, Paragraph
from ncpi_eval.evidence import kinds
from ncpi_eval.evidence.audits import counts
from ncpi_eval.evidence.criteria import by_heading
from ncpi_eval.evidence.events import timing
from ncpi_eval.evidence.forces import ForceList, recognise_force
from ncpi_eval.evidence.progress import Progress, read_progress
from ncpi_eval.evidence.recommendations import (
    MADE,
    Recommendation,
    own,
    read_recommendations,
)
from ncpi_eval.evidence.spans import DOUBTFUL, LIKELY, Fact, fact
from ncpi_eval.evidence.wording import NUMBER, number, plain

DOCUMENT_COLUMNS = (
    "document kind force published fieldwork_start fieldwork_end cases good requires_improvement "
    "inadequate recommendations confidence problems data_kind"
).split()
RECOMMENDATION_COLUMNS = (
    "document number text_span time_scale addressee criterion confidence data_kind origin anchor"
).split()
SPAN_COLUMNS = "document field value anchor place start end quote confidence rule data_kind".split()
FINDING_COLUMNS = "document criterion text tone anchor place confidence data_kind".split()
CODING_COLUMNS = (
    "document field value confidence reason quote place anchor decision value_decided coder "
    "data_kind"
).split()
"""The last columns before data_kind are a person's: decision (accept, correct, reject), the value
decided, and who decided."""

Row = dict[str, str]


@dataclass
class Extraction:
    """Everything read from one document, as rows of text ready for the tables."""

    document: Row
    recommendations: list[Row] = field(default_factory=list)
    spans: list[Row] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    coding: list[Row] = field(default_factory=list)
    previous: Row = field(default_factory=dict)
    """force, published: the first report's month as this follow-up states it; may be empty."""
    reissued: bool = False
    """The only publication date printed is that of a re-issue."""
    digest: str = ""
    """Of the document's words: equal for two copies of one document."""

    @property
    def own_recommendations(self) -> list[Row]:
        """Those that ``document`` counts, numbered from 1: see `recommendations.own`."""
        rows = self.recommendations
        made = [row for row in rows if row["origin"] == MADE] or rows
        return [row | {"number": str(number_)} for number_, row in enumerate(made, start=1)]


def extract(document: Document, forces: ForceList) -> Extraction:
    """All facts of one document.

    Parameters
    ----------
    document : Document
    forces : ForceList
        Known names; a force that is not among them is read from the title with less confidence.

    Returns
    -------
    Extraction
        Rows whose keys are the column lists of this module. Cells are empty where the document
        says nothing or only something doubtful (below `spans.DOUBTFUL`).
    """
    kind = kinds.recognise_kind(document)
    force = recognise_force(document, forces)
    if force is not None and kind.rule == kinds.PROGRAMME and force.rule != "label":
        force = None  # one of the many that it names
    facts: dict[str, Fact] = {"kind": kind}
    problems = list(document.warnings)
    doubts: list[tuple[Fact, str]] = []
    if force is not None:
        facts["force"] = force
    name = force.value if force is not None and force.confidence >= DOUBTFUL else ""
    times = timing(document, kind.value)
    foreign = kind.rule == kinds.NOTHING and not any(
        "child protection" in plain(item.text).lower() for item in document.paragraphs
    )  # another subject: its visits and cases are not of this programme
    audit = None if foreign or kind.value == kinds.REGISTER else counts(document, kind.value)
    published = times.facts.get("published")
    if foreign and published and published.rule.startswith("cover"):
        times.facts["published"] = published.but(0.5)  # a date alone on some unknown paper
    if foreign or kind.rule == kinds.PROGRAMME:
        for end in ("fieldwork_start", "fieldwork_end"):
            if end in times.facts:
                times.facts[end] = times.facts[end].but(0.5)
    for part in (times, audit):
        if part is not None:
            facts.update(part.facts)
            problems += part.problems
            doubts += part.doubts
    kept, aside = read_recommendations(document, kind.value, name)
    made_here = own(kept)
    stated = _stated_recommendations(document, len(made_here))
    _count_recommendations(facts, made_here, stated, problems)
    data_kind = _data_kind(document, name, forces)
    made = Extraction(_document_row(document, facts, problems, data_kind), reissued=times.reissued)
    made.spans = [_span_row(document, item, data_kind) for item in facts.values()]
    made.recommendations = [
        _recommendation_row(document, number_, item, data_kind)
        for number_, item in enumerate(kept, start=1)
    ]
    progress = read_progress(document, kind.value)
    made.findings = [
        {**row, "data_kind": data_kind}
        for row in (*_findings(document, kind.value), *_progress(document, progress))
    ]
    doubts += [
        (fact("progress", "", item.paragraph, 0, len(item.paragraph.text), 0.5, "summary"), _SILENT)
        for item in progress
        if not item.level
    ]
    doubts += [
        (fact("tone", "", item, 0, len(item.text), 0.5, "finding"), _NO_TONE)
        for row in made.findings
        if row["tone"] == UNCLEAR
        for item in document.paragraphs
        if item.anchor == row["anchor"]
    ]
    made.coding = _coding_rows(document, facts, doubts, kept, aside, data_kind)
    if name and "previous_published" in facts:
        made.previous = {"force": name, "published": facts["previous_published"].value}
    return made


def _data_kind(document: Document, force: str, forces: ForceList) -> str:
    """Synthetic when the file or its force says so; what others published is public record."""
    if "synthetic" in document.marks or forces.kinds.get(force) == "synthetic":
        return "synthetic"
    start = " ".join(item.text for item in document.paragraphs[:3] + document.paragraphs[-3:])
    return "synthetic" if "synthetic document" in start.lower() else "public_record"


def _document_row(
    document: Document, facts: dict[str, Fact], problems: list[str], data_kind: str
) -> Row:
    row = dict.fromkeys(DOCUMENT_COLUMNS, "")
    row |= {"document": document.name, "data_kind": data_kind}
    shown = []
    for column in DOCUMENT_COLUMNS[1:11]:
        item = facts.get(column)
        if item is not None and item.confidence >= DOUBTFUL:
            row[column] = item.value
            shown.append(item)
        elif item is not None:
            problems.append(f"{column} doubtful")
    row["confidence"] = f"{min((item.confidence for item in shown), default=0.0):.2f}"
    if not row["force"] and row["kind"] != kinds.OTHER:
        problems.append("force not found")
    row["problems"] = "; ".join(dict.fromkeys(problems))
    return row


def _span_row(document: Document, item: Fact, data_kind: str) -> Row:
    return {
        "document": document.name,
        "field": item.field,
        "value": item.value,
        "anchor": item.anchor,
        "place": item.place,
        "start": str(item.start),
        "end": str(item.end),
        "quote": item.quote,
        "confidence": f"{item.confidence:.2f}",
        "rule": item.rule,
        "data_kind": data_kind,
    }


def _recommendation_row(
    document: Document, position: int, item: Recommendation, data_kind: str
) -> Row:
    return {
        "document": document.name,
        "number": str(position),
        "text_span": item.span_text,
        "time_scale": item.time_scale,
        "addressee": item.addressee,
        "criterion": item.criterion,
        "confidence": f"{item.confidence:.2f}",
        "data_kind": data_kind,
        "origin": item.origin,
        "anchor": f"{item.anchors[0]}..{item.anchors[-1]}" if item.points else item.anchors[0],
    }


_STATED = re.compile(
    rf"\b(?:act(?:ed)? on|respond(?:ed)? to|implement\w*|address\w*|accept\w*|"
    rf"made|make|makes|making|contain\w*|includ\w*|with|set out|were|are|has|have|had|"
    rf"list\w*|identified|giv\w+|of|"
    rf"total of|our|the)\s+(?:a total of )?"
    rf"(?P<count>{NUMBER}) (?:\w+ ){{0,2}}?recommendations?\b|\b(?P<count2>{NUMBER}) (?:\w+ "
    rf")?recommendations? (?:were|was|"
    r"(?:that )?we made|for improvement|to the force)",
    re.IGNORECASE,
)


def _stated_recommendations(document: Document, found: int) -> Fact | None:
    """How many recommendations the document says were made ("we made nine recommendations").

    A follow-up may state two numbers, of the first report's and of its own: the one that agrees
    with what was ``found`` is meant, else the first.
    """
    stated: list[Fact] = []
    for paragraph in document.paragraphs:
        if paragraph.kind == CONTENTS:
            continue
        text = plain(paragraph.text)
        for match in _STATED.finditer(text):
            group = "count" if match.group("count") else "count2"
            value = number(match.group(group))
            if 2 <= value <= 40:
                start, end = match.span(group)
                stated.append(fact("recommendations", value, paragraph, start, end, 0.85, "stated"))
    agreeing = [item for item in stated if item.value == str(found)]
    return next(iter(agreeing or stated), None)


def _count_recommendations(
    facts: dict[str, Fact], kept: list[Recommendation], stated: Fact | None, problems: list[str]
) -> None:
    if stated is not None and facts["kind"].value == kinds.RESPONSE:
        # a commissioner often quotes some of the recommendations and gives the number of all
        facts["recommendations"] = stated
    elif kept:
        first = kept[0]
        confidence = min(item.confidence for item in kept)
        if stated is not None and stated.value != str(len(kept)):
            problems.append(f"{len(kept)} recommendations found, {stated.value} stated")
            confidence = min(confidence, 0.7)
        elif stated is not None:
            confidence = max(confidence, 0.95)
        facts["recommendations"] = fact(
            "recommendations",
            len(kept),
            first.paragraph,
            first.start,
            first.end,
            max(confidence, DOUBTFUL),
            "counted",
        )
    elif stated is not None:
        facts["recommendations"] = stated


_CRITICAL = re.compile(
    r"n't\b|\bnot\b|\bno\b|\bnobody|\bnever\b|\btoo\b|\bpoor|\binconsisten|\black|\bdelay|\bfail"
    r"|\binadequate|\bneeds? to|\bmust\b|\bshould\b|\bweak|\blimited|\brarely|\bseldom|\bbacklog"
    r"|\bqueue|\boverdue|\blate\b|\bmissed|\bunaware|\bunclear|\bconfus|\bslow|\bstruggl|\bconcern"
    r"|\bimprovements? (?:is|are) (?:needed|required)|\bwithout\b|\bless\b|\bmore work"
    r"|\bfew(?:er)?\b|\blittle\b|\bpatchy|\bgaps?\b|\bvar(?:y|ies|iable|ied)\b|\bdowngrad"
    r"|\bunder pressure|\bearly stage|\bunnecessar|\bignor|\boverwhelm|\bundermin"
    r"|\bstay in (?:police )?(?:cells|cust)",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\bgood\b|\bwell\b|\beffective|\bimprov(?:ed|ing|es)\b|\bstrong|\bclear|\bcommit|\bpriorit"
    r"|\bconsistent|\bprompt|\btimely|\bappropriate|\bproper|\bunderst|\binvest(?:ed|s|ing|ment)"
    r"|\bdedicat|\bsupport|\bquick|\brobust|\bbetter\b|\bthorough|\bskilled|\btrained\b|\bregular"
    r"|\bcare\b|\bcareful|\bwork(?:s|ed|ing)? (?:closely|together|with|at pace)|\brecogni[sz]e"
    r"|\brespond|\benough\b|\balways\b|\bfocus|\bhelp|\btrust|\bvalue|\breliable|\bopen\b"
    r"|\bevery child\b|\bknows?\b|\bfirst\b",
    re.IGNORECASE,
)
CRITICAL, POSITIVE, UNCLEAR = "critical", "positive", "unclear"
"""Tones of a finding; one word of criticism outweighs praise, and without either it is unclear."""


def _findings(document: Document, kind: str) -> list[Row]:
    """Sentence headings below a chapter: the findings, with the chapter's criterion."""
    if kind not in (kinds.INSPECTION, *kinds.FOLLOW_UPS):
        return []
    rows: list[Row] = []
    criterion = ""
    for item in document.paragraphs:
        if item.kind != HEADING:
            continue
        text = plain(item.text)
        chapter = by_heading(text)
        if chapter:
            criterion = chapter
        elif item.level <= 2 and len(text.split()) <= 5:
            criterion = ""
        elif criterion and len(text.split()) >= 5 and not _NO_FINDING.match(text):
            rows.append(_finding(document, item, criterion, text))
    return rows


_NO_FINDING = re.compile(
    r"(?:\d+\.?\s*)?(?:Recommendation|Summary|Detailed|Post-inspection|Re-inspection|Annex"
    r"|Findings?\b|Page \d|What we found (?:in|at|during)"
    r"|(?:[\w' ]+ - )?National child protection)",
    re.IGNORECASE,
)
_NO_TONE = "a finding without known words of praise or criticism"
_SILENT = "the summary of a follow-up without known words of progress"


def _progress(document: Document, found: list[Progress]) -> list[Row]:
    """What a follow-up says of progress, as findings whose tone names the level."""
    return [
        {
            **_finding(document, item.paragraph, item.criterion, ""),
            "tone": f"progress: {item.level}",
            "confidence": f"{item.confidence:.2f}",
        }
        for item in found
        if item.level
    ]


def _finding(document: Document, item: Paragraph, criterion: str, text: str) -> Row:
    critical, praise = _CRITICAL.search(text), _PRAISE.search(text)
    return {
        "document": document.name,
        "criterion": criterion,
        "text": item.text,
        "tone": CRITICAL if critical else POSITIVE if praise else UNCLEAR,
        "anchor": item.anchor,
        "place": item.place,
        "confidence": "0.80" if critical or praise else "0.50",
    }


def _coding_rows(
    document: Document,
    facts: dict[str, Fact],
    doubts: list[tuple[Fact, str]],
    kept: list[Recommendation],
    aside: list[Recommendation],
    data_kind: str,
) -> list[Row]:
    rows = [
        _coding_row(document, item, reason, data_kind)
        for item, reason in (
            *(
                (item, f"confidence below {LIKELY}: {item.rule}")
                for item in facts.values()
                if item.confidence < LIKELY
            ),
            *doubts,
        )
    ]
    for found, fields in ((kept, "recommendation"), (aside, "no recommendation?")):
        for item in found:
            if fields == "recommendation" and item.confidence >= LIKELY and not item.doubt:
                continue
            rows.append(
                _coding_row(
                    document,
                    fact(
                        fields,
                        item.time_scale,
                        item.paragraph,
                        item.start,
                        item.end,
                        item.confidence,
                        item.rule,
                    ),
                    item.doubt or f"confidence below {LIKELY}: {item.rule}",
                    data_kind,
                )
            )
    return rows


def _coding_row(document: Document, item: Fact, reason: str, data_kind: str) -> Row:
    return {
        "document": document.name,
        "field": item.field,
        "value": item.value,
        "confidence": f"{item.confidence:.2f}",
        "reason": reason,
        "quote": item.quote,
        "place": item.place,
        "anchor": item.anchor,
        "decision": "",
        "value_decided": "",
        "coder": "",
        "data_kind": data_kind,
    }
