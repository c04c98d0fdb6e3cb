"""When inspectors were there and when the report came out.

A report is full of dates: of this inspection, of the one before, of other inspectorates, of laws
and strategies. A date counts as fieldwork or publication only by the words next to it, by the
heading it stands under, or by standing alone on the cover.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ncpi_eval.document_files.model import CONTENTS, HEADING, Document, Paragraph
from ncpi_eval.evidence import kinds
from ncpi_eval.evidence.calendar import Dates, find_dates, months_between
from ncpi_eval.evidence.forces import front
from ncpi_eval.evidence.spans import Fact, fact
from ncpi_eval.evidence.wording import plain, sentences

FIRST, FOLLOW, NEUTRAL, PUBLISHED, ELSE = "first", "follow", "neutral", "published", "else"
"""What a date in a sentence is about: the first inspection, the follow-up, an inspection that the
words do not tell apart, a publication, or something else."""

REISSUED_FROM, REISSUED_TO = "2022-08-15", "2022-10-31"
"""Reports first issued as PDF were put on the web again in these weeks, under the new date."""
LONGEST_TO_PUBLICATION = 14
"""Months; the longest known is 7. Later is a re-issue or a misreading."""
USUAL_TO_PUBLICATION = 8
"""Months; longer in the weeks of the re-issues is doubtful, more than a year is a re-issue."""

_CUES: list[tuple[str, re.Pattern[str]]] = [
    (kind, re.compile(words, re.IGNORECASE))
    for kind, words in (
        (
            ELSE,
            r"\bPEEL\b|joint (?:targeted|inspections?)"
            r"|\bJTAI|Ofsted|Care Quality Commission|crime data integrity"
            r"|custody inspection|Working Together|Children Act|\bAct 20\d\d|strategy|census"
            r"|commissioned|restructur\w+|introduced|launched|guidance|\bplan(?:ned|s)?\b"
            r"|year (?:ending|to)|between the ages|serious case review|effectiveness report"
            r"|set up|implemented|appointed|created|domestic abuse inspection|thematic|rape"
            r"|national report|action plan|training|audit in|wrote|recorded|offences",
        ),
        (
            FOLLOW,
            r"post-? ?inspection (?:review|visit|revisit)|re-? ?inspect\w*|\brevisit\w*"
            r"|returned|(?:went|came) back|follow[- ]?up|for (?:the |a )?(?:second|third) time"
            r"|assess(?:ment|ed) (?:of )?(?:the |its )?progress"
            r"|(?:second|third|further) (?:visit|inspection)"
            r"|review(?:ed)? (?:of )?(?:the )?progress"
            r"|(?:this|our|the) (?:latest )?review\b",
        ),
        (
            PUBLISHED,
            r"publish\w*|issued (?:our|the|its|a) (?:report|findings)|\breport(?:ed)? (?:of|on) our"
            r"|report was issued|our report of|(?:initial|first|previous|original|earlier) report\b"
            r"|(?:we|HMIC\w*) (?:first |last |previously )?reported\b",
        ),
        (FIRST, r"inspected|inspections?\b|inspecting"),
        (
            NEUTRAL,
            r"fieldwork|field work|carried (?:\w+ ){0,3}out|conducted|took place|undertook"
            r"|undertaken|\bvisit(?:ed)?\b|examined|audited|on site|spent (?:two|2) weeks|happened"
            r"|what (?:we|inspectors|HMIC\w*) (?:found|saw)"
            r"|(?:\bwe|inspectors|HMIC\w*) (?:\w+ )?(?:went|spent|were (?:in|with|at)|spoke"
            r"|(?!recommend|announc|suspend|ask|start|expect|report|launch|chang|consult|receiv"
            r"|updat|pledg|decid)\w{3,}ed\b)"
            r"|\bour work\b|\btwo[- ]weeks?\b|\bfortnight\b|\b(?:was|were) in (?:the )?force\b",
        ),
    )
]


@dataclass(frozen=True)
class Event:
    """A date with what it is about."""

    about: str
    dates: Dates
    paragraph: Paragraph
    confidence: float
    rule: str


def events(document: Document) -> list[Event]:
    """Every date of a document that words, heading or place tie to an inspection or publication."""
    own = replace(document, paragraphs=tuple(_without_links(document)))
    return [*_cover(own), *_labelled(own), *_in_sentences(own)]


_RELATED = re.compile(
    r"related (?:publications?|contents?|news|links|reports|articles|documents|pages)\W*"
    r"|see also\W*"
    r"|(?:more|latest|recent|other) (?:news|publications|reports)\W*|you may also .{0,40}",
    re.IGNORECASE,
)


def _without_links(document: Document) -> Iterator[Paragraph]:
    """The paragraphs without those below "Related publications", whose dates are of others."""
    related = False
    for paragraph in document.paragraphs:
        if paragraph.kind == HEADING:
            related = _RELATED.fullmatch(plain(paragraph.text)) is not None
        if not related:
            yield paragraph


_TIME_OF_DAY = re.compile(
    r"\b\d{1,2}[:.]\d\d(?: ?[APap]\.?[Mm]\.?)?|\bBy [A-Z]\w+ [A-Z]\w+\s*[-|,]"
)
"""What news pages print beside their date: the time, or who wrote it."""


def _title_words(rest: str) -> bool:
    """Only words of a title: names, and those that titles of inspections are made of."""
    small = (
        "and of the on from to between for an child protection inspection inspections post re "
        "review findings national police follow up"
    ).split()
    words = rest.split()
    return 0 < len(words) <= 16 and all(
        word in small or word[0].isupper() or word.isdigit() for word in words
    )


def _cover(document: Document) -> Iterator[Event]:
    """Dates that stand alone among the first lines: a range is fieldwork, a month publication."""
    alone: list[Event] = []
    for paragraph in front(document):
        text = plain(paragraph.text)
        found = find_dates(text)
        for dates in found:
            rest = text
            for other in found:
                rest = rest.replace(text[other.start : other.end], " ")
            rest = re.sub(_TIME_OF_DAY, " ", rest)
            rest = re.sub(r"[\W_]+", " ", rest).strip()
            if _title_words(rest) and any(other.is_range and other.by_day for other in found):
                rest = ""  # "National child protection inspection, Kent Police, 8-19 April 2019"
            if rest and not re.fullmatch(
                r"(?:an? )?(?:inspection|fieldwork|review|visit|inspected)?"
                r"(?: dates?| conducted| carried out| undertaken)?(?: from| between)?",
                rest,
                re.IGNORECASE,
            ):
                continue
            if dates.is_range:
                yield Event(NEUTRAL, dates, paragraph, 0.97, "cover, day range")
            elif rest:
                yield Event(NEUTRAL, dates, paragraph, 0.95, "cover, labelled")
            else:
                alone.append(Event(PUBLISHED, dates, paragraph, 0.9, "cover, date alone"))
    months = {event.dates.first[:7] for event in alone}
    for event in alone:
        # two months on a cover: inspectors were there in the first, the report came in the second
        earlier = len(months) == 2 and event.dates.first[:7] == min(months)
        yield replace(event, about=NEUTRAL, rule="cover, first of two") if earlier else event


_LABEL_ALONE = re.compile(
    r"(?:date )?(?:published|posted)(?: on)?\W*|publication date\W*|date of publication\W*",
    re.IGNORECASE,
)
"""A label whose date stands on the line below, as in pages copied from a browser."""


def _labelled(document: Document) -> Iterator[Event]:
    above = ""
    for index, paragraph in enumerate(document.paragraphs):
        if _LABEL_ALONE.fullmatch(above):
            dates = find_dates(text := plain(paragraph.text))
            if dates and dates[0].start <= 3 and len(text) < 60:
                yield Event(PUBLISHED, dates[0], paragraph, 0.95, "published line")
        above = plain(paragraph.text)
        if paragraph.kind == CONTENTS:
            continue
        text = plain(paragraph.text)
        label = re.match(
            r"(?:(?P<work>(?:inspection|fieldwork|field work|review|visit) (?:was |were )?"
            r"(?:dates?|period|carried out|conducted|undertaken|completed|took place)"
            r"|(?:inspection |review )?field ?work|inspected|dates? of (?:inspection|fieldwork|"
            r"review|visit))"
            r"|(?P<out>(?:date )?published(?: on)?|publication date|posted(?: on)?|embargoed until|"
            r"date of (?:publication|response|letter|issue)|date))\s*[:|-]?\s*"
            r"(?:\d\d[:.]\d\d(?:,| on| hours on)?\s*)?",
            text,
            re.IGNORECASE,
        )
        if not label:
            continue
        dates = [found for found in find_dates(text) if found.start - label.end() <= 3]
        if not dates:
            continue
        if label.group("work"):
            yield Event(NEUTRAL, dates[0], paragraph, 0.95, "label")
        elif index < 60 and (len(text) < 80 or re.match(r"date:? 20\d\d-\d\d-\d\d\b", text)):
            sure = re.search(r"publi|posted|embargo", label.group("out"), re.IGNORECASE) is not None
            yield Event(PUBLISHED, dates[0], paragraph, 0.97 if sure else 0.8, "published line")


def _in_sentences(document: Document) -> Iterator[Event]:
    heading = ""
    for paragraph in document.paragraphs:
        if paragraph.kind == HEADING:
            heading = plain(paragraph.text)
        if paragraph.kind in (CONTENTS, HEADING):
            continue
        text = plain(paragraph.text)
        found = find_dates(text)
        if not found:
            continue
        for start, end in sentences(text):
            for dates in found:
                if start <= dates.start < end:
                    yield from _in_sentence(paragraph, text, start, end, dates, heading)


def _in_sentence(
    paragraph: Paragraph, text: str, start: int, end: int, dates: Dates, heading: str
) -> Iterator[Event]:
    if re.search(
        r"(?:(?:first|originally)|\bthis report (?:was|is)) (?:published|issued|released)"
        r"(?: as (?:an? )?\w+(?: document| file)?)? (?:on|in) (?:the )?$",
        text[: dates.start],
        re.IGNORECASE,
    ):
        yield Event(PUBLISHED, dates, paragraph, 0.95, "first published")
        return
    if re.search(
        r"child protection [\w\s-]{0,40}?(?:inspection|review)s?\W*$",
        text[start : dates.start],
        re.I,
    ) and not re.search(r"\w", text[dates.end :]):
        return  # the title of another report and its date, in a list of them
    if re.search(
        r"\bembargo(?:ed)? (?:until|to) (?:\d\d[:.]\d\d,? )?(?:hours )?(?:on )?(?:the )?$",
        text[: dates.start],
        re.IGNORECASE,
    ):
        yield Event(PUBLISHED, dates, paragraph, 0.85, "published line")
        return
    about, distance = _nearest_cue(text, start, end, dates)
    if not about:
        return
    by_heading = _heading_about(heading)
    confidence = 0.9 if distance <= 45 else 0.75
    if re.search(r"recent inspections|context", heading, re.IGNORECASE):
        confidence -= 0.3
    if about == NEUTRAL and by_heading:
        about = by_heading
    elif about == NEUTRAL:
        confidence -= 0.1
    yield Event(about, dates, paragraph, confidence, f"sentence about {about}")


def _nearest_cue(text: str, start: int, end: int, dates: Dates) -> tuple[str, int]:
    """The cue next to a date; a clause boundary between them counts as forty characters."""
    best = ("", 10_000)
    masked = text[start:end]
    for about, words in _CUES:
        for match in words.finditer(masked):
            cue_start, cue_end = start + match.start(), start + match.end()
            between = (
                text[dates.end : cue_start]
                if cue_start >= dates.end
                else text[cue_end : dates.start]
            )
            distance = len(between) + 40 * len(
                re.findall(
                    # "... in October 2017 and published": the second verb has a date of its own
                    r";|, (?:and|but|which|when|after)\b"
                    r"| and (?:we|it|its|their|our|the|this|in|on)\b|\bsince\b"
                    r"|^ and $",
                    between,
                )
            )
            # "In May 2021, we inspected": a date that opens the clause belongs to what follows
            opens = re.search(
                r"(?:^|[,;:(])\s*(?:and )?(?:in|on|from|between|during|by)?\s*$",
                text[start : dates.start],
                re.IGNORECASE,
            )
            if (
                opens
                and cue_start >= dates.end
                and re.match(
                    r",? ?(?:we|HMIC\w*|Her|His|inspectors|our)\b",
                    text[dates.end :].lstrip(),
                    re.IGNORECASE,
                )
            ):
                distance -= 30
            if distance < best[1]:
                best = (about, distance)
        # a word of one list must not be seen again by a later, more general one
        masked = words.sub(lambda match: "\0" * len(match.group()), masked)
    if best[0] == NEUTRAL:
        named = _cue_kinds(text[start:end])
        if {FIRST, FOLLOW} <= named:
            return _subject(text[start : dates.start]) or NEUTRAL, best[1]
        return (FOLLOW if FOLLOW in named else FIRST if FIRST in named else NEUTRAL), best[1]
    return best


def _subject(before: str) -> str:
    """Which of two visits of a sentence the words before a date spoke of last: "We inspected in
    June 2018, and the review was carried out in May 2020".
    """
    spoken: list[tuple[int, str]] = []
    for about in (FOLLOW, FIRST):
        words = dict(_CUES)[about]
        spoken += [(match.end(), about) for match in words.finditer(before)]
        before = words.sub(lambda match: "\0" * len(match.group()), before)
    return max(spoken)[1] if spoken else ""


def _cue_kinds(sentence: str) -> set[str]:
    kinds_found = set()
    for about, words in _CUES:
        if words.search(sentence):
            kinds_found.add(about)
            sentence = words.sub(" ", sentence)
    return kinds_found


def _heading_about(heading: str) -> str:
    if re.search(
        r"post-? ?inspection|re-? ?inspection|revisit|progress|20\d\d assessment",
        heading,
        re.IGNORECASE,
    ):
        return FOLLOW
    if re.search(
        r"\b(?:the|our)? ?(?:20\d\d |first |initial )inspection\b", heading, re.IGNORECASE
    ):
        return FIRST
    return ""


@dataclass(frozen=True)
class Timing:
    """The dates of one document; doubts are (fact, why) pairs for the coding sheet."""

    facts: dict[str, Fact]
    problems: list[str]
    doubts: list[tuple[Fact, str]]
    reissued: bool = False
    """True when the only publication date printed is that of a re-issue."""


def timing(document: Document, kind: str) -> Timing:
    """Fieldwork and publication of this document, and of the first inspection it follows up.

    Fields: fieldwork_start, fieldwork_end, published, and for follow-ups previous_fieldwork and
    previous_published.
    """
    found = [event for event in events(document) if event.about != ELSE]
    result = Timing({}, [], [])
    if kind == kinds.REGISTER:
        _register(document, result)
        visits = [item for item in found if item.about == FIRST and item.confidence >= 0.75]
        if len({item.dates for item in visits}) == 1:
            _fieldwork(visits, kind, False, result)
        return result
    work = _fieldwork(found, kind, _tells_of_follow_up(document), result)
    out = _publication(document, found, kind, work, result)
    if kind in kinds.FOLLOW_UPS:
        _previous(found, work, result)
    _check_order(work, out, result)
    return Timing(result.facts, result.problems, result.doubts, reissued=_is_reissue_only(result))


def _tells_of_follow_up(document: Document) -> bool:
    """A paper about a report says early on whether that report is a follow-up."""
    return any(
        re.search(
            r"post-? ?inspection (?:review|quarter)|\bre-? ?inspection|assessment of progress"
            r"|follow-?up (?:inspection|review)",
            plain(paragraph.text),
            re.IGNORECASE,
        )
        for paragraph in document.paragraphs[:8]
    )


def _fieldwork(
    found: list[Event], kind: str, about_follow_up: bool, result: Timing
) -> Dates | None:
    candidates = [event for event in found if event.about in _own(kind)]
    if not candidates:
        return None
    if kind in (kinds.PRESS, kinds.RESPONSE, kinds.OTHER):
        later = [event for event in candidates if event.about == FOLLOW]
        if any(event.confidence >= 0.75 for event in later):
            candidates = later
        elif about_follow_up:
            candidates = [event for event in candidates if event.about != FIRST]
    if not candidates:
        return None
    scores: dict[tuple[str, str], float] = {}
    for event in candidates:
        key = (event.dates.first[:7], event.dates.last[:7])
        weight = event.confidence * (
            1.0 if event.about != NEUTRAL or event.confidence > 0.9 else 0.9
        )
        scores[key] = max(scores.get(key, 0.0), weight)
    best = max(scores.values())
    month = min(key for key, score in scores.items() if score == best)
    if kind in kinds.FOLLOW_UPS or about_follow_up:  # the visit under report is the later one
        month = max(key for key, score in scores.items() if score >= best - 0.05)
    chosen = [
        event
        for event in candidates
        if event.dates.first[:7] >= month[0]
        and event.dates.last[:7] <= month[1]
        and event.confidence >= 0.6
    ] or [event for event in candidates if (event.dates.first[:7], event.dates.last[:7]) == month]
    event = max(
        chosen,
        key=lambda item: (
            item.dates.is_range and item.dates.by_day,
            item.dates.by_day,
            item.dates.is_range,
            item.confidence,
        ),
    )
    confidence = max(item.confidence for item in chosen)
    rivals = sorted(
        key
        for key, score in scores.items()
        if score >= 0.85 and (key[1] < month[0] or key[0] > month[1])
    )
    if rivals and kind not in kinds.FOLLOW_UPS and confidence < 0.95:
        confidence -= 0.15
        result.problems.append(
            f"other months are named as fieldwork: {', '.join(first for first, _ in rivals)}"
        )
    if event.dates.reckoned:
        confidence = min(confidence, 0.8)
        result.problems.append("the last day of fieldwork is counted from its weeks")
    for field, value in _ends(event):
        result.facts[field] = fact(
            field,
            value,
            event.paragraph,
            event.dates.start,
            event.dates.end,
            confidence,
            event.rule,
        )
    return event.dates


def _ends(event: Event) -> list[tuple[str, str]]:
    text = plain(event.paragraph.text)
    before = text[max(0, event.dates.start - 40) : event.dates.start].lower()
    after = text[event.dates.end : event.dates.end + 40].lower()
    begins = re.search(r"(?:beg[ai]n\w*|start\w*|commenc\w*)(?: on| in)? ?$", before) or re.match(
        r",? (?:we|inspectors|hmic\w*) (?:began|started)", after
    )
    if re.search(r"(?:fortnight|weeks?)\b.{0,40}$", before) and not event.dates.is_range:
        begins = begins or re.search(r"(?:from|on) $", before)
    if event.dates.by_day and not event.dates.is_range and begins:
        return [("fieldwork_start", event.dates.first)]
    return [("fieldwork_start", event.dates.first), ("fieldwork_end", event.dates.last)]


def _own(kind: str) -> tuple[str, ...]:
    if kind in kinds.FOLLOW_UPS:
        return (FOLLOW, NEUTRAL)
    if kind == kinds.INSPECTION:
        return (FIRST, NEUTRAL)
    return (FIRST, NEUTRAL, FOLLOW)


def _publication(
    document: Document, found: list[Event], kind: str, work: Dates | None, result: Timing
) -> Fact | None:
    printed = [
        event
        for event in found
        if event.about == PUBLISHED
        and event.rule in ("published line", "cover, date alone", "first published")
    ]
    printed += _from_address(document)
    printed.sort(
        key=lambda event: (
            event.rule != "first published",
            -event.confidence,
            not event.dates.by_day,
        )
    )
    year = None if work is not None else _year_named(document, found)
    report = kind in (kinds.INSPECTION, *kinds.FOLLOW_UPS)  # nothing else was put on the web again
    kept: list[Event] = []
    for event in printed:
        if report and _is_reissue(event.dates.first, work, year):
            result.doubts.append(
                (
                    _as_published(event, 0.3),
                    "date of a re-issue on the web, not of the publication",
                )
            )
        else:
            kept.append(event)
    if not kept:
        return None
    event = kept[0]
    same = [
        other
        for other in kept
        if other.dates.by_day and other.dates.first.startswith(event.dates.first[:7])
    ]
    if not event.dates.by_day and same:
        event = same[0]
    confidence = event.confidence
    if (
        report
        and work is not None
        and _in_reissue_weeks(event.dates.first)
        and (months_between(work.last, event.dates.first) > USUAL_TO_PUBLICATION)
    ):
        confidence = 0.65
        result.problems.append("published in the weeks of the re-issues, long after the fieldwork")
    if report and _in_reissue_weeks(event.dates.first) and work is None and year is None:
        confidence = 0.55
        result.problems.append("published in the weeks of the re-issues and fieldwork unknown")
    made = _as_published(event, confidence)
    result.facts["published"] = made
    return made


def _as_published(event: Event, confidence: float) -> Fact:
    return fact(
        "published",
        event.dates.last,
        event.paragraph,
        event.dates.start,
        event.dates.end,
        confidence,
        event.rule,
    )


def _from_address(document: Document) -> list[Event]:
    """Newer addresses and file names end with the month of publication."""
    for source in (document.address, document.name):
        match = re.search(r"[-_]([a-z]{3,9})[-_](20\d\d)(?:[/.]|$)", source.lower())
        dates = find_dates(f"{match.group(1)} {match.group(2)}") if match else []
        if dates:
            here = Dates(dates[0].first, dates[0].last, 0, 0)
            where = Paragraph("title", source, HEADING, 0, "address")
            return [Event(PUBLISHED, here, where, 0.8, "address")]
    return []


def _in_reissue_weeks(day: str) -> bool:
    return REISSUED_FROM <= day <= REISSUED_TO if len(day) == 10 else False


def _is_reissue(day: str, work: Dates | None, year: int | None) -> bool:
    if not _in_reissue_weeks(day):
        return False
    if work is not None:
        return months_between(work.last, day) > 12
    return year is not None and int(day[:4]) - year > 1


def _year_named(document: Document, found: list[Event]) -> int | None:
    """The latest year of any inspection spoken of, in contents lists and headings too."""
    years = [
        int(event.dates.last[:4]) for event in found if event.about in (FIRST, FOLLOW, NEUTRAL)
    ]
    for paragraph in document.paragraphs:
        years += [
            int(match.group(1))
            for match in re.finditer(
                r"\b(20[0-3]\d) (?:post-? ?inspection|(?:re-? ?)?inspection|review|assessment)\b",
                plain(paragraph.text),
                re.IGNORECASE,
            )
        ]
    return max(years) if years else None


def _is_reissue_only(result: Timing) -> bool:
    return "published" not in result.facts and any(
        why.startswith("date of a re-issue") for _, why in result.doubts
    )


def _previous(found: list[Event], work: Dates | None, result: Timing) -> None:
    for field, about in (("previous_fieldwork", FIRST), ("previous_published", PUBLISHED)):
        candidates = [
            event
            for event in found
            if event.about == about
            and event.rule.startswith("sentence")
            and (work is None or event.dates.last < work.first)
            and event.confidence >= 0.75
        ]
        if candidates:
            event = candidates[0]
            result.facts[field] = fact(
                field,
                event.dates.last,
                event.paragraph,
                event.dates.start,
                event.dates.end,
                event.confidence,
                event.rule,
            )


def _check_order(work: Dates | None, out: Fact | None, result: Timing) -> None:
    if work is None or out is None:
        return
    months = months_between(work.last, out.value)
    if months < 0:
        result.problems.append("published before the fieldwork ended")
    elif months > LONGEST_TO_PUBLICATION:
        result.problems.append(f"published {months} months after the fieldwork")
    else:
        return
    result.facts["published"] = out.but(min(out.confidence, 0.65))
    for field in ("fieldwork_start", "fieldwork_end"):
        found = result.facts[field]
        if found.rule.startswith("sentence"):
            # rather another visit, of which the text speaks too, than so long a wait
            result.facts[field] = found.but(0.55)


def _register(document: Document, result: Timing) -> None:
    """An entry's first status is set on the day the report is published."""
    for paragraph in document.paragraphs:
        text = plain(paragraph.text)
        match = re.search(r"\[on\]", text)
        dates = find_dates(text[match.end() :]) if match else []
        if match and dates:
            start, end = match.end() + dates[0].start, match.end() + dates[0].end
            result.facts["published"] = fact(
                "published", dates[0].first, paragraph, start, end, 0.85, "first status"
            )
            return
