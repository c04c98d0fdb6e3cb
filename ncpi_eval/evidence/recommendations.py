"""Recommendations with their time scale, addressee, sub-points and criterion.

A recommendation is told by its opening words ("We recommend that, within three months, ...") and
by standing under a heading "Recommendation". Two sentences look alike and are none: the action
plan due within six weeks, and the inspectors' own visit within six months.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ncpi_eval.document_files.model import BULLET, CONTENTS, HEADING, ROW, Document, Paragraph
from ncpi_eval.evidence import kinds
from ncpi_eval.evidence.criteria import by_heading, by_words
from ncpi_eval.evidence.wording import plain

IMMEDIATELY, THREE, SIX = "immediately", "within three months", "within six months"
MADE, RESTATED = "made", "restated"
"""A recommendation of this document, or one of an earlier report that this document answers."""

_INSPECTORS = r"(?:we|HMIC\w*|HMI\b|(?:her|his) majesty's inspector\w*|the inspectorate|inspectors)"
_HEADING = re.compile(
    r"(?:\W|\d|[a-z]\))*(?:(?:(?P<stage>[A-Za-z ,'-]+)\s*[:-]\s*)?(?:our |the |key |summary of "
    r")?recommendations?"
    r"(?P<after>\s*(?:\d+|\(\d+\)|[ivx]+))?(?:\s+(?:from|of|in|made in) (?:the|our) "
    r"(?P<earlier>.{0,40}?)(?:report|inspection)?)?"
    r"(?:\s*[:-]\s*(?P<about>.{0,80}))?)\W*",
    re.IGNORECASE,
)
_SCALE = re.compile(
    r"(?P<now>\bimmediate(?:ly)?\b|\bwith immediate effect\b|\bstraight ?away\b)"
    r"|\bwithin (?:the next |a period of |a maximum of )?(?P<count>\w+)[- ](?P<unit>month|week|"
    r"day|year)s?\b",
    re.IGNORECASE,
)
_FORCE = (
    r"(?:[Tt]he )?(?:(?P<force>[A-Z][\w&'-]*(?: (?:and |& |of (?:the )?)?[A-Z][\w&'-]*){0,4}? "
    r"(?:[Pp]olice(?: [Ss]ervice| [Ff]orce)?|[Cc]onstabulary))|"
    r"(?P<self>[Ff]orce|[Cc]onstabulary|MPS|GMP|Met\b)"
    r"|(?P<body>[Cc]hief [Cc]onstable|[Pp]olice and [Cc]rime [Cc]ommissioner|[Hh]ome [Oo]ffice|"
    r"[Cc]ollege of [Pp]olicing|[Nn]ational [Pp]olice [Cc]hiefs' [Cc]ouncil|[Ll]ocal "
    r"[Aa]uthorit(?:y|ies)|"
    r"[Dd]epartment for [Ee]ducation|[Mm]inistry of [Jj]ustice|[Cc]rown [Pp]rosecution [Ss]ervice))"
)
_OPENINGS = [
    # (name, pattern at the start of a paragraph, enough by itself without a heading above)
    (
        "we recommend",
        re.compile(
            rf"(?:within (?:the next )?\w+ (?:months?|weeks?),? )?"
            rf"{_INSPECTORS} (?:therefore |also |further )*recommends?\b(?! that we\b)",
            re.IGNORECASE,
        ),
        True,
    ),
    (
        "our recommendation is",
        re.compile(r"(?:our|the|it is our) recommendation (?:is )?that\b", re.IGNORECASE),
        True,
    ),
    (
        "within, force",
        re.compile(
            rf"(?i:within (?:the next )?\w+ (?:months?|weeks?)(?: of (?:this|the) report(?:'s "
            rf"publication)?)?),? {_FORCE}\b"
        ),
        True,
    ),
    (
        "immediately, force",
        re.compile(rf"(?i:immediately|with immediate effect),? {_FORCE} should\b"),
        True,
    ),
    (
        "force should",
        re.compile(
            rf"{_FORCE} (?:should|must|needs? to)(?:,? (?:now |also |therefore ))?", re.UNICODE
        ),
        False,
    ),
    (
        "force verb",
        re.compile(
            rf"{_FORCE} (?:immediately|(?:to )?(?:review|improve|ensure|take|act|undertake|make|"
            rf"put|carr(?:y|ies)|develop)\w*)\b"
        ),
        False,
    ),
    (
        "should be",
        re.compile(
            r"(?:there should be|steps should be taken|action should be taken)", re.IGNORECASE
        ),
        False,
    ),
]
_CONTINUES = re.compile(
    r"(?:this|these|such|the) (?:review|guidance|work|should|plan|assessment|training|"
    r"arrangements?|process|action|steps?|will)\b|guidance to staff|"
    r"it should|they should|in particular|as a minimum|at a minimum|and |paying particular|to "
    r"achieve this|in doing so",
    re.IGNORECASE,
)


@dataclass
class Recommendation:
    """One recommendation as found.

    ``time_scale`` is "immediately", "within three months", "within six months", another "within
    ..." as printed, or "" when none is stated; ``addressee`` is the force or body as resolved;
    ``points`` are the sub-points; ``origin`` is made or restated.
    """

    paragraph: Paragraph
    start: int
    end: int
    text: str
    time_scale: str = ""
    addressee: str = ""
    criterion: str = ""
    confidence: float = 0.9
    rule: str = ""
    origin: str = MADE
    points: list[str] = field(default_factory=list)
    doubt: str = ""
    anchors: list[str] = field(default_factory=list)

    @property
    def span_text(self) -> str:
        """The recommendation in the document's words, sub-points after " • "."""
        return " • ".join([self.text, *self.points])


@dataclass
class _State:
    """What the reader of a document remembers from paragraph to paragraph."""

    criterion: str = ""
    inside: bool = False
    heading: str = ""
    scale: str = ""
    origin: str = MADE
    current: Recommendation | None = None
    paraphrased: bool = False
    """A commissioner tells the recommendations below in words of the office's own."""
    gathered: bool = False
    """All recommendations stand under one heading after the chapters, not in them."""
    found: list[Recommendation] = field(default_factory=list)
    set_aside: list[Recommendation] = field(default_factory=list)


_PAST = re.compile(rf"{_INSPECTORS} (?:had )?recommended that\b", re.IGNORECASE)
"""How an older review quotes a recommendation that it does not set apart."""
_QUOTED = "quoted by a review"
_EARLIER = "tells of an earlier recommendation"


def read_recommendations(
    document: Document, kind: str, force: str
) -> tuple[list[Recommendation], list[Recommendation]]:
    """Recommendations of a document in order, and what looked like one but is doubtful or none.

    Parameters
    ----------
    document : Document
    kind : str
        The document's kind; press releases and other kinds only report recommendations, so none
        are taken from them.
    force : str
        Name of the document's force, the addressee where the text says "the force".
    """
    if kind in (kinds.PRESS, kinds.OTHER):
        return [], []
    items = [item for item in document.paragraphs if item.kind != CONTENTS]
    state = _State(gathered=_is_gathered(items))
    for item in items:
        _step(state, item, kind)
    _end(state)
    if kind in kinds.FOLLOW_UPS and not state.found:
        _quoted(state, items)
    for found in (*state.found, *state.set_aside):
        _complete(found, force, kind)
    return _judge(state)


def own(found: list[Recommendation]) -> list[Recommendation]:
    """Those that a document makes itself; of a follow-up that makes none, those it answers."""
    return [item for item in found if item.origin == MADE] or found


def _quoted(state: _State, items: list[Paragraph]) -> None:
    """ "HMIC recommended that, within three months, ...", in a review that lists nothing."""
    for item in items:
        text = plain(item.text)
        if item.kind == HEADING:
            state.criterion = by_heading(text) or state.criterion
        elif _PAST.match(text) and _time_scale(text)[0]:
            state.origin = RESTATED
            _end(state)
            _start(state, item, text, (_QUOTED, 0, True), "")
        elif state.current is not None and (
            item.kind == BULLET or _continues(state.current, text, item)
        ):
            _add_point(state.current, item)
        else:
            _end(state)
    _end(state)


def _is_gathered(items: list[Paragraph]) -> bool:
    """One heading "Recommendations" after most chapters: the older habit."""
    chapters: set[str] = set()
    before: list[int] = []
    for item in items:
        text = plain(item.text)
        if _is_heading_line(item, text):
            if re.fullmatch(r"(?:\W|\d)*recommendations?\W*", text, re.IGNORECASE):
                before.append(len(chapters))
            elif chapter := by_heading(text):
                chapters.add(chapter)
    return len(before) == 1 and before[0] >= 5


def _step(state: _State, item: Paragraph, kind: str) -> None:
    text = plain(item.text)
    if _is_heading_line(item, text):
        _at_heading(state, text, kind)
        return
    if item.kind == ROW:
        text = text.replace(" | ", " ")
    if state.inside and _scale_heading(text):
        _end(state)
        state.scale = _time_scale(text)[0]
        return
    if item.kind != BULLET and re.search(r":[\s-]*$", text):
        state.paraphrased = kind == kinds.RESPONSE and _IN_BRIEF.search(text) is not None
    opening = _opening(text, state.inside)
    bullet = item.kind == BULLET
    listed_below = (
        state.current is not None
        and bullet
        and re.search(
            r":\s*$",
            plain(state.current.points[-1] if state.current.points else state.current.text),
        )
    )
    if opening and not (listed_below and not opening[2]):
        _end(state)
        _start(state, item, text, opening, kind)
    elif state.inside and bullet and _is_next_of_list(state, item):
        _end(state)
        _start(state, item, text, (_LISTED, 0, False), kind)
    elif state.current is not None and (bullet or _continues(state.current, text, item)):
        _add_point(state.current, item)
    elif state.inside and bullet and state.scale:
        _end(state)
        _start(state, item, text, (_LISTED, 0, False), kind)
    elif state.current is not None:
        _end(state)
        if item.kind == HEADING:
            state.inside = False


_LISTED = "list under a time scale"
_IN_BRIEF = re.compile(
    r"\bin (?:brief|short|summary|essence)\b|\bsummaris|\bparaphras|\bbroadly\b|\bput simply\b",
    re.IGNORECASE,
)


def _is_next_of_list(state: _State, item: Paragraph) -> bool:
    """Another bullet below "Immediately", after a bullet that ended and opened no list itself."""
    current = state.current
    return (
        current is not None
        and current.rule == _LISTED
        and item.level <= current.paragraph.level
        and re.search(r":\s*$", current.text) is None
        and not current.points
    )


def _is_heading_line(item: Paragraph, text: str) -> bool:
    match = _HEADING.fullmatch(text) if len(text) < 140 else None
    if match and not re.search(r"[.;]\s*$", text):
        return True
    return item.kind == HEADING and not _opening(text, False)


def _at_heading(state: _State, text: str, kind: str) -> None:
    match = _HEADING.fullmatch(text)
    if state.inside and _scale_heading(text):
        _end(state)
        state.scale = _time_scale(text)[0]
        return
    _end(state)
    criterion = by_heading(text)
    if not criterion and match:
        criterion = by_heading(match.group("about") or match.group("stage") or "")
    if criterion:
        state.criterion = criterion
    elif re.match(
        r"(?:\d+\.?\s*)?(?:conclusion|next steps|annex|introduction|summary$|findings)",
        text,
        re.IGNORECASE,
    ):
        state.criterion = ""
    elif state.gathered and match:
        state.criterion = ""
    bare = match is not None and match.group("earlier") is None and not re.search(r"20\d\d", text)
    was_restated = state.inside and state.origin == RESTATED
    state.inside = match is not None
    state.heading = text
    state.scale = ""
    earlier = match is not None and (
        match.group("earlier") is not None
        or re.search(r"20\d\d|previous|earlier", text) is not None
    )
    if bare and was_restated:
        return  # "Recommendation" on a line of its own below "Recommendations from the 2019 report"
    state.origin = RESTATED if earlier and kind != kinds.INSPECTION else MADE


def _scale_heading(text: str) -> bool:
    return (
        len(text.split()) <= 6
        and _SCALE.search(text) is not None
        and not re.search(r"\bshould\b|recommend", text, re.IGNORECASE)
        and re.fullmatch(
            r"\W*(?:(?:to be )?(?:actioned |completed )?(?:immediate(?:ly)?|within (?:the next "
            r")?\w+ \w+))(?: recommendations?| actions?)?\W*",
            text,
            re.IGNORECASE,
        )
        is not None
    )


def _opening(text: str, inside: bool) -> tuple[str, int, bool] | None:
    """(rule, where the recommendation starts, enough by itself) or None."""
    lead = re.match(
        r"(?:\W|\(?\d{1,2}[.):]\s|recommendation \d+[.:]?\s|[a-z]\)\s)*", text, re.IGNORECASE
    )
    start = lead.end() if lead else 0
    rest = text[start:]
    for name, pattern, enough in _OPENINGS:
        if pattern.match(rest) and (enough or inside):
            return name, start, enough
    if not inside:
        match = re.match(rf"{_FORCE} should,? (?:immediately|within \w+ (?:months?|weeks?))", rest)
        if match:
            return "force should, time scale", start, True
    return None


def _start(
    state: _State, item: Paragraph, text: str, opening: tuple[str, int, bool], kind: str
) -> None:
    name, start, _ = opening
    quoted = re.search(r"['\"]", text[:start]) is not None
    end = len(text.rstrip().rstrip("'\"")) if quoted else len(text)
    new = Recommendation(
        item,
        start,
        end,
        item.text[start:end],
        rule=name,
        criterion=state.criterion,
        origin=state.origin,
        anchors=[item.anchor],
    )
    new.time_scale, another = _time_scale(plain(new.text))
    if not new.time_scale and state.scale:
        new.time_scale = state.scale
    if another:
        new.doubt = "two time scales"
    if not state.inside:
        sure = name in ("we recommend", "within, force")
        new.confidence = (0.9 if sure else 0.75) if new.time_scale else 0.5
    else:
        new.confidence = 0.97 if new.time_scale else 0.7
    if not new.time_scale and not new.doubt:
        new.doubt = "no time scale stated"
    if state.paraphrased:
        new.confidence, new.rule = 0.4, "paraphrased by a commissioner"
    state.current = new


def _continues(current: Recommendation, text: str, item: Paragraph) -> bool:
    if item.kind == HEADING:
        return False
    last = plain(current.points[-1] if current.points else current.text)
    if re.search(r":\s*$|;(?: and| or)?\s*$|,(?: and)?\s*$", last):
        return len(text) < 600
    if text[:1].islower() and not re.search(r"[.!?]\s*$", last):
        return True
    return _CONTINUES.match(text) is not None and len(text) < 400


def _add_point(current: Recommendation, item: Paragraph) -> None:
    current.points.append(item.text)
    current.anchors.append(item.anchor)


def _end(state: _State) -> None:
    if state.current is None:
        return
    current, state.current = state.current, None
    why = _no_recommendation(plain(current.text))
    if current.rule == _QUOTED and why == _EARLIER:
        why = ""
    if re.fullmatch(r"within (?:six|6) weeks", current.time_scale):
        why = "within six weeks: the action plan, no recommendation"
    if (
        not why
        and not current.time_scale
        and not current.points
        and _INTRODUCES.search(plain(current.text))
    ):
        why = "introduces the recommendations that follow"
    if (
        not why
        and not state.inside
        and re.match(r"(?:\W|\d)*next steps", state.heading, re.IGNORECASE)
    ):
        why = "among the next steps, outside a recommendation"
    if why:
        current.doubt = why
        state.set_aside.append(current)
    else:
        state.found += _parts(current)


_INTRODUCES = re.compile(
    r"\b(?:the )?following (?:actions?|steps|recommendations?|improvements?|changes)\W*$"
    r"|\bas follows\W*$",
    re.IGNORECASE,
)
_VISIT = re.compile(
    rf"{_INSPECTORS} (?:will|intends? to|plans? to|would|shall|expects? to|'ll|aims? to)\b",
    re.IGNORECASE,
)


def _parts(whole: Recommendation) -> list[Recommendation]:
    """One recommendation, or its parts where each sub-point has a time scale of its own.

    A list below "We recommend that, within three months, X Police:" stays one recommendation: it
    has one time scale, and is counted as one where reports say how many they make.
    """
    scales = [_leading_scale(plain(point)) for point in whole.points]
    if whole.time_scale or len(scales) < 2 or not all(scales):
        return [whole]
    return [
        replace(
            whole,
            text=f"{whole.text} {point}",
            points=[],
            time_scale=scale,
            confidence=0.75,
            doubt="one sentence with a time scale for each of its parts",
        )
        for point, scale in zip(whole.points, scales, strict=True)
    ]


def _leading_scale(text: str) -> str:
    match = re.match(r"(?:\(?[a-z\d]{1,3}[.)]\s*)?(?=immediately|within )", text, re.IGNORECASE)
    return _time_scale(text[match.end() : match.end() + 60])[0] if match else ""


_TELL = re.compile(
    r"\b(?:tell|inform|updates?|send|write to|submits?|reports? (?:back )?to|provides?) (?:\w+ "
    r"){0,2}?"
    r"(?:us\b|HMIC\w*|the inspectorate|(?:with )?an? (?:update|action plan))",
    re.IGNORECASE,
)
_PLAN = re.compile(
    r"within (?:six|6) weeks|action plan (?:within|in) (?:six|6) weeks", re.IGNORECASE
)


def _no_recommendation(text: str) -> str:
    """Why a sentence that opens like a recommendation is none; "" when it is one."""
    if _PLAN.search(text[:260]):
        return "within six weeks: the action plan, no recommendation"
    if _TELL.search(text[:200]):
        return "asks for a report to the inspectors, no recommendation"
    if _VISIT.search(text[:160]):
        return "the inspectors' own visit, no recommendation"
    if (
        re.match(r"(?:within|in) ", text, re.IGNORECASE)
        and re.search(
            r"^within \w+ months?,? (?:of )?[^.]{0,60}?\b(?:had|has|have|was|were|reviewed|"
            r"introduced|completed|we|saw)\b",
            text,
            re.IGNORECASE,
        )
        and not re.search(r"\bshould\b|\brecommends?\b", text[:140])
    ):
        return "tells what happened, no recommendation"
    if re.search(r"\brecommended\b", text[:60]):
        return _EARLIER
    return ""


_WORDS = {"three": THREE, "3": THREE, "six": SIX, "6": SIX}


def _time_scale(text: str) -> tuple[str, bool]:
    """The first time scale of a text and whether a different one follows."""
    scales: list[tuple[str, int]] = []
    for match in _SCALE.finditer(text):
        if match.group("now"):
            # "reports immediately" in a sub-clause is no time scale; near the opening it is
            if match.start() > 140 and scales:
                continue
            if match.group().lower() == "immediate" and not re.match(
                r" (?:action|steps|and)\b", text[match.end() :]
            ):
                continue
            scales.append((IMMEDIATELY, match.start()))
        elif match.group("unit").lower() == "month" and match.group("count").lower() in _WORDS:
            scales.append((_WORDS[match.group("count").lower()], match.start()))
        else:
            scales.append((match.group().lower(), match.start()))
    if not scales:
        return (
            ("immediately", False)
            if re.match(r"\W*immediate\b", text, re.IGNORECASE)
            else ("", False)
        )
    first = scales[0]
    if first[1] > 260:
        return "", False
    others = {scale for scale, at in scales[1:] if at < 260 and scale != first[0]}
    if others and first[0] == IMMEDIATELY and first[1] > 90:
        return scales[1][0], True
    return first[0], any(scale in (THREE, SIX) for scale in others)


def _complete(found: Recommendation, force: str, kind: str) -> None:
    match = re.search(_FORCE, plain(found.text)[:220])
    if match and match.group("body"):
        found.addressee = found.text[match.start("body") : match.end("body")]
    elif match and match.group("force"):
        named = plain(match.group("force"))
        named = re.sub(r"^(?:That|The|Within|We|HMIC\w*) ", "", named)
        bare = re.sub(
            r" (?:police(?: service| force)?|constabulary)$", "", named, flags=re.IGNORECASE
        )
        same = force and (
            bare.lower().replace("&", "and") in force.lower()
            or force.lower() in bare.lower()
            or force == "Metropolitan"
        )
        found.addressee = force if same else named
    elif match or force:
        found.addressee = force
    if kind in (kinds.REVIEW, kinds.PROGRESS) and found.origin == MADE:
        pass  # a follow-up may add recommendations of its own
    if kind in (kinds.RESPONSE, kinds.REGISTER):
        found.origin = RESTATED
        if kind == kinds.RESPONSE:
            found.confidence = min(found.confidence, 0.7)
            found.doubt = found.doubt or "quoted by a commissioner"
    if not found.criterion:
        found.criterion = by_words(plain(found.span_text))
        if found.criterion:
            found.confidence -= 0.05


def _judge(state: _State) -> tuple[list[Recommendation], list[Recommendation]]:
    """Drop repeats (a summary that lists again what chapters recommend) and weak finds."""
    kept: list[Recommendation] = []
    seen: set[str] = set()
    for found in state.found:
        key = re.sub(r"\W+", " ", plain(found.span_text).lower()).strip()[:300]
        weak = found.confidence < 0.6 or (
            not found.time_scale and found.rule in ("force verb", "should be")
        )
        if key in seen:
            found.doubt = "repeated word for word"
            continue
        if weak:
            state.set_aside.append(found)
            continue
        seen.add(key)
        kept.append(found)
    return kept, state.set_aside
