"""Case audits: how many cases inspectors examined and how they graded them.

Reports print the same thing in many shapes: "(11 cases were good, 8 required improvement and 14
were inadequate)", "good in 13, required improvement in 34", a table, a list, words for small
numbers, or percentages only. Beside the whole audit stand subsets (eleven missing children cases),
the force's own grading of the same cases, and in a follow-up the audit of the first inspection.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ncpi_eval.document_files.model import CONTENTS, HEADING, ROW, Document, Paragraph
from ncpi_eval.evidence import kinds
from ncpi_eval.evidence.spans import Fact, fact
from ncpi_eval.evidence.wording import NUMBER, number, plain, sentences

GRADES = ("good", "requires_improvement", "inadequate")
"""The three grades of 2016 on; "adequate", the fourth of 2014 to 2015, is reported as a problem."""

_GRADE = re.compile(
    r"(?P<requires_improvement>requir(?:ed|es|e|ing) (?:some |further )?improvements?"
    r"|need(?:ed|s|ing)? (?:some )?improvements?|in need of improvement"
    r"|improvement (?:was )?(?:required|identified))"
    r"|(?P<inadequate>inadequate)|(?P<adequate>\badequate)"
    r"|(?P<good>\bgood\b)(?:(?<=showed good)|(?<=demonstrated good)"
    r"|(?! (?:practice|work|"
    r"quality|progress|examples?|relationship|understanding|deal|evidence|reason|standards? of)))",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    rf"(?<![\w.,/-])(?P<number>{NUMBER})(?![\w/]|[.,]\d|-(?:year|month|point|week|day|hour)"
    r"|\s?(?:%|per ?cent|years?\b|months?\b|weeks?\b|days?\b|hours?\b|percentage)"
    r"|\s(?:areas?|topics?)\b)",
    re.IGNORECASE,
)
_CASES = r"(?:case files?|cases?|files|case audits?|investigations?|records|incidents)"
_TOTALS = [
    re.compile(words, re.IGNORECASE)
    for words in (
        rf"(?:audit\w*|examin\w*|assess\w*|review\w*|looked at|sampl\w*|evaluat\w*|inspect\w*|"
        rf"graded|"
        rf"considered|analys\w*|dip-sampled|judged)(?: (?:a|the|our|total|further|sample|set|"
        rf"selection|of|in|detail|"
        rf"same|these|random\w*)){{0,5}} (?P<total>{NUMBER})\b(?: \S+){{0,4}}? {_CASES}",
        rf"\b(?:of|in) (?:the|these|those|our|all)?(?: total of)? ?(?P<total>{NUMBER}) (?:\S+ "
        rf"){{0,4}}?{_CASES}",
        rf"(?P<total>{NUMBER}) (?:\S+ ){{0,4}}?{_CASES} (?:were|was|that (?:we|inspectors)|we|"
        rf"inspectors|which)"
        rf"(?: \S+){{0,2}}? (?:audit\w*|examin\w*|assess\w*|review\w*|looked|sampl\w*|graded|"
        rf"inspect\w*|evaluat\w*)",
        rf"(?:cases|files) (?:audited|examined|assessed|reviewed|inspected)\s*[:=|"
        rf"-]?\s*(?P<total>{NUMBER})",
        rf"total (?:number )?(?:of )?(?:cases|files)?(?: \w+)?\s*[:=|-]\s*(?P<total>{NUMBER})",
        rf"(?:a )?(?:total|sample) of (?P<total>{NUMBER})\b",
        rf"(?:audit|review|examination|assessment|analysis) of (?:the |these "
        rf")?(?P<total>{NUMBER})\b",
        rf"\b(?:our|the|these) (?P<total>{NUMBER}) (?:case (?:file )?)?audits\b",
        rf"^(?:in (?:total|all),? )?(?P<total>{NUMBER}) (?:\S+ ){{0,3}}?{_CASES}\b",
    )
]
_OWN_GRADING = re.compile(
    r"self-? ?assess|\b(?:its|their) own (?:\w+ ){0,2}?(?:team|staff|officers|auditors?|reviewers?)"
    r"|the (?:force|constabulary)(?:'s)? (?:own )?(?:itself )?(?:had )?"
    r"(?:assess|grad|judg|rat|audit)\w*|(?:force|constabulary)'s own|its own (?:assessment|grading)"
    r"|(?<!of )(?:Police|Constabulary) (?:itself )?(?:had )?(?:self-)?(?:graded|rated|judged|"
    r"assessed)",
    re.IGNORECASE,
)
_INSPECTORS = re.compile(
    r"\binspectors?\b|\binspectorate\b|\bHMIC\w*|\bwe\b|\bour\b", re.IGNORECASE
)
_SUBSET = re.compile(
    r"missing|exploitation|domestic|section 4[67]|detain|detention|custody|sex offender|online|"
    r"place of safety|police protection|neglect|strategy (?:discussion|meeting)|referrals?\b",
    re.IGNORECASE,
)
_FOLLOW = re.compile(
    r"post-? ?inspection|re-? ?inspect|revisit|follow-?up|this review", re.IGNORECASE
)
_THIRD = re.compile(
    r"assessment of progress|third (?:visit|inspection|time)|20\d\d assessment", re.IGNORECASE
)
_EARLIER = re.compile(
    r"(?:first|previous|initial|original|last|earlier|our 20\d\d|the 20\d\d|20\d\d) (?:report|"
    r"inspection)\b"
    r"|at the time of the inspection",
    re.IGNORECASE,
)


@dataclass
class Audit:
    """One reading of one passage: counts by grade, the total, and the place of each number."""

    paragraph: Paragraph
    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, tuple[Paragraph, int, int]] = field(default_factory=dict)
    total: int | None = None
    confidence: float = 0.9
    rule: str = ""
    lead: str = ""
    """The words before the first count, which say who graded."""
    context: str = ""
    """The heading above and the words of the passage, in which the audit is told apart."""

    @property
    def complete(self) -> bool:
        """All three grades were read."""
        return all(grade in self.counts for grade in GRADES)

    @property
    def size(self) -> int:
        """The cases, counted by grade where they are, else as stated."""
        return max(sum(self.counts.values()), self.total or 0)

    @property
    def sums(self) -> bool:
        """The grades add up to the stated total."""
        return self.total is not None and sum(self.counts.values()) == self.total


def read_audits(document: Document) -> list[Audit]:
    """Every passage that counts graded cases, in reading order; subsets and tables included."""
    found: list[Audit] = []
    heading = ""
    items = [item for item in document.paragraphs if item.kind != CONTENTS]
    for index, paragraph in enumerate(items):
        if paragraph.kind == HEADING:
            heading = plain(paragraph.text)
            continue
        for audit in _in_passage(items, index):
            audit.context = f"{heading} | {audit.context}"
            found.append(audit)
    found += _by_addition(items)
    table = _table(items)
    return found + ([table] if table else [])


def _in_passage(items: list[Paragraph], index: int) -> Iterator[Audit]:
    """Audits of one paragraph; a paragraph ending in ":" is read with the list below it."""
    paragraph = items[index]
    text = plain(paragraph.text)
    pieces = [(paragraph, text)]
    if re.search(r"(?:[:,-]|\b(?:as follows|below|following)\.?)\s*$", text, re.IGNORECASE):
        for below in items[index + 1 : index + 6]:
            if _part_of_header(plain(below.text)):
                continue
            if below.kind not in ("bullet", ROW) and len(below.text) > 60:
                break
            if below.kind == HEADING and not _GRADE.search(below.text):
                break
            pieces.append((below, plain(below.text)))
    if len(pieces) == 1 and paragraph.kind == ROW:
        return
    for part in _split(pieces):
        audit = _read(part)
        if audit is not None:
            yield audit


def _split(pieces: list[tuple[Paragraph, str]]) -> list[list[tuple[Paragraph, str, int]]]:
    """Windows to read: a list as a whole; a paragraph at each new mention of a total.

    Each piece carries the offset of its text in the paragraph.
    """
    if len(pieces) > 1:
        return [[(paragraph, text, 0) for paragraph, text in pieces]]
    paragraph, text = pieces[0]
    if not _GRADE.search(text) and not any(words.search(text) for words in _TOTALS):
        return []
    # a sentence that only counts ("We examined 73 cases.") belongs to the sentence that grades
    cuts = [0]
    graded = False
    for end in re.finditer(r"(?<=[.!?])\s+(?=[A-Z(])|;\s", text):
        sentence = text[cuts[-1] : end.start()]
        graded = bool(_pairs(sentence))
        following = text[end.end() :]
        opens = any(
            (match := words.search(following[:160])) is not None and match.start() < 60
            for words in _TOTALS
        )
        if graded and (
            opens
            or _OWN_GRADING.search(following[:120])
            or re.match(r"(?:The |Our )?inspectors |HMIC|We ", following, re.IGNORECASE)
        ):
            cuts.append(end.end())
    cuts.append(len(text))
    return [
        [(paragraph, text[start:end], start)]
        for start, end in zip(cuts, cuts[1:], strict=False)
        if text[start:end].strip()
    ]


def _read(pieces: list[tuple[Paragraph, str, int]]) -> Audit | None:
    audit = Audit(pieces[0][0], context=" ".join(text for _, text, _ in pieces))
    pieces = [(paragraph, _without_shares(text), offset) for paragraph, text, offset in pieces]
    for paragraph, text, offset in pieces:
        pairs = _pairs(text)
        for grade, (start, end) in pairs.items():
            if grade not in audit.counts:
                audit.counts[grade] = number(text[start:end])
                audit.places[grade] = (paragraph, offset + start, offset + end)
        if pairs and not audit.lead:
            audit.lead = text[: min(start for start, _ in pairs.values())]
    _find_total(audit, pieces)
    _fill_remainder(audit, pieces)
    if not audit.complete and audit.total is not None:
        graded = list(audit.counts.values())
        if audit.total < sum(graded) or audit.total in graded:
            audit.total = None  # a count by grade was taken for the total
            audit.places.pop("cases", None)
    if len([grade for grade in GRADES if grade in audit.counts]) < 2 and audit.total is None:
        return None
    if not audit.counts and not any(
        re.search(r"audit|case file|child protection cases|examin|grad|cases", text, re.IGNORECASE)
        for _, text, _ in pieces
    ):
        return None
    audit.rule = "list" if len(pieces) > 1 else "sentence"
    return audit


_COMBINED = re.compile(
    r"(?:good|adequate|inadequate|requir\w+ improvement)(?: \w+)? (?:or|and/or)(?: \w+){0,2}? "
    r"(?:good|adequate|inadequate|requir\w+ improvement)",
    re.IGNORECASE,
)


def _without_shares(text: str) -> str:
    """The text without what is no count by grade: "15 (19 percent) were good", "191 required
    improvement or were inadequate"; blanked out, so that positions stay.
    """
    text = _COMBINED.sub(lambda match: " " * len(match.group()), text)
    return re.sub(
        r"\((?:or )?\d{1,3}(?:\.\d+)? ?(?:%|per ?cent)\)",
        lambda match: " " * len(match.group()),
        text,
        flags=re.IGNORECASE,
    )


def _find_total(audit: Audit, pieces: list[tuple[Paragraph, str, int]]) -> None:
    """The stated number of cases: the one the grades add up to, else the last before them."""
    used = set(audit.places.values())
    first = min(
        (list(item[0] for item in pieces).index(paragraph), start)
        for paragraph, start, _ in [*audit.places.values(), (pieces[-1][0], 1_000_000, 0)]
    )
    stated: list[tuple[bool, tuple[int, int], int, tuple[Paragraph, int, int]]] = []
    for position, (paragraph, text, offset) in enumerate(pieces):
        for words in _TOTALS:
            for match in words.finditer(text):
                start, end = match.span("total")
                place = (paragraph, offset + start, offset + end)
                if place not in used and _is_count(text, start, end):
                    value = number(match.group("total"))
                    at = (position, offset + start)
                    order = at if at < first else (-1, -at[1])
                    stated.append((value == sum(audit.counts.values()), order, value, place))
    if stated:
        _, _, audit.total, audit.places["cases"] = max(stated, key=lambda item: item[:3])


def _is_own(audit: Audit) -> bool:
    """The force's own grading: the last grader named before the counts is the force."""
    words = audit.lead or _words(audit)
    own = [match.end() for match in _OWN_GRADING.finditer(words)]
    if not own:
        return False
    inspectors = [match.end() for match in _INSPECTORS.finditer(words)]
    return max(own) > max(inspectors, default=-1)


def _is_count(text: str, start: int, end: int) -> bool:
    match = _NUMBER.match(text, start)
    word = text[start:end].lower()
    is_year = re.fullmatch(r"20[0-3]\d", word) is not None
    return match is not None and not is_year and word not in ("no", "nil", "none", "one", "section")


_MENTION = re.compile(
    r"(?P<requires_improvement>requir\w+ (?:\w+ )?improvements?|need\w* (?:\w+ )?improvements?"
    r"|in need of improvement|improvement (?:was |is )?(?:required|needed|identified))"
    r"|(?P<inadequate>\binadequate)|(?P<adequate>\badequate)|(?P<good>\bgood\b)",
    re.IGNORECASE,
)
"""Any mention of a grade, whatever stands around it: where counts add up, words need not tell."""
LONGEST_LINK = 160
"""Characters between a grade and its count, in reading by addition."""


@dataclass(frozen=True)
class _Sentence:
    """A sentence, bullet or table row with its place; ``text`` is plain and without shares."""

    paragraph: Paragraph
    offset: int
    text: str
    numbers: tuple[tuple[int, int, int], ...]
    """Start, end and value of each number that may count cases."""
    grades: frozenset[str]


LONGEST_WINDOW = 6
"""Sentences over which one audit is read by addition."""
CONTEXT = 4
"""Sentences before them in which the number of cases may stand."""


def _by_addition(items: list[Paragraph]) -> Iterator[Audit]:
    """Audits read by addition: the one way of giving each grade a number beside it, in order, that
    makes a number of cases named nearby.

    Wording varies without end, but three numbers next to three grades that sum to the stated
    total are hardly chance. Where two different ways add up, nothing is read.
    """
    heading = ""
    run: list[_Sentence] = []
    for item in [*items, None]:
        if item is None or item.kind == HEADING:
            for audit in _windows(run):
                audit.context = f"{heading} | {audit.context}"
                yield audit
            run, heading = [], plain(item.text) if item else ""
        else:
            run += _sentences(item)


def _sentences(item: Paragraph) -> Iterator[_Sentence]:
    whole = _without_shares(plain(item.text))
    for start, end in sentences(whole):
        text = whole[start:end]
        yield _Sentence(
            item,
            start,
            text,
            tuple(
                (match.start(), match.end(), number(match.group("number")))
                for match in _NUMBER.finditer(text)
                if _may_count(text, match)
            ),
            frozenset(match.lastgroup or "" for match in _MENTION.finditer(text)),
        )


def _windows(run: list[_Sentence]) -> Iterator[Audit]:
    first = 0
    while first < len(run):
        for last in range(first, min(first + LONGEST_WINDOW, len(run))):
            window = run[first : last + 1]
            if not set(GRADES) <= frozenset().union(*(one.grades for one in window)):
                continue
            audit = _added(window, run[max(0, first - CONTEXT) : first])
            if audit is not None:
                yield audit
                first = last
                break
        first += 1


_Found = tuple[int, int, int]


def _added(window: list[_Sentence], before: list[_Sentence]) -> Audit | None:
    text, starts = "", []
    numbers: list[_Found] = []
    for one in window:
        starts.append(len(text))
        numbers += [
            (len(text) + start, len(text) + end, value) for start, end, value in one.numbers
        ]
        text += one.text + "\n"
    if not 3 <= len(numbers) <= 16:
        return None
    mentions: dict[str, list[re.Match[str]]] = {}
    for match in _MENTION.finditer(text):
        mentions.setdefault(match.lastgroup or "", []).append(match)
    totals = {value for one in before for _, _, value in one.numbers}
    ways: dict[tuple[int, ...], dict[str, _Found]] = {}
    for chosen in (*_assignments(text, numbers, mentions), *_lists(text, numbers, mentions)):
        values = [value for _, _, value in chosen.values()]
        rest = totals | {found[2] for found in numbers if found not in chosen.values()}
        if sum(values) in rest and sum(values) >= 5:
            key = tuple(chosen[grade][2] for grade in sorted(chosen))
            ways.setdefault(key, chosen)
    if len(ways) != 1:
        return None
    return _as_audit(next(iter(ways.values())), window, before, text, starts, numbers)


def _assignments(
    text: str, numbers: list[_Found], mentions: dict[str, list[re.Match[str]]]
) -> Iterator[dict[str, _Found]]:
    """Each grade with a number beside one of its mentions, both in the same order."""
    beside = {
        grade: [
            (mention.start(), found)
            for mention in places[:3]
            for found in numbers
            if not _OF_ALL.search(text[: found[0]]) and _beside(found, mention, text)
        ]
        for grade, places in mentions.items()
    }
    for pairs in itertools.islice(itertools.product(*beside.values()), 5000):
        places = [found[0] for _, found in sorted(pairs)]
        if all(early < late for early, late in itertools.pairwise(places)):
            yield {grade: found for grade, (_, found) in zip(beside, pairs, strict=True)}


def _lists(
    text: str, numbers: list[_Found], mentions: dict[str, list[re.Match[str]]]
) -> Iterator[dict[str, _Found]]:
    """Grades in a row and as many numbers in a row: "good, requires improvement and inadequate
    were the grades of 17, 30 and 22 cases".
    """
    if any(len(places) > 1 for places in mentions.values()):
        return
    order = sorted(mentions, key=lambda grade: mentions[grade][0].start())
    places = [mentions[grade][0].span() for grade in order]
    if any(not _IN_A_ROW.fullmatch(text[a[1] : b[0]]) for a, b in itertools.pairwise(places)):
        return
    for index in range(len(numbers) - len(order) + 1):
        part = numbers[index : index + len(order)]
        if all(_IN_A_ROW.fullmatch(text[a[1] : b[0]]) for a, b in itertools.pairwise(part)):
            yield dict(zip(order, part, strict=True))


_IN_A_ROW = re.compile(r"[\s,/]*(?:and|or)?(?: cases)?[\s,/]*", re.IGNORECASE)


def _as_audit(
    chosen: dict[str, _Found],
    window: list[_Sentence],
    before: list[_Sentence],
    text: str,
    starts: list[int],
    numbers: list[_Found],
) -> Audit:
    total = sum(value for _, _, value in chosen.values())
    audit = Audit(window[0].paragraph, confidence=0.88, rule="addition", total=total)
    for grade, found in chosen.items():
        audit.counts[grade] = found[2]
        audit.places[grade] = _place(found, window, starts)
    inside = [found for found in numbers if found[2] == total and found not in chosen.values()]
    if inside:
        audit.places["cases"] = _place(inside[0], window, starts)
    else:
        one, start, end = next(
            (one, start, end)
            for one in reversed(before)
            for start, end, value in one.numbers
            if value == total
        )
        audit.places["cases"] = (one.paragraph, one.offset + start, one.offset + end)
    first = min(found[0] for found in chosen.values())
    audit.lead = text[:first]
    audit.context = (" ".join(one.text for one in before[-1:]) if not inside else "") + " " + text
    return audit


def _may_count(text: str, match: re.Match[str]) -> bool:
    """Whether a number may be one of cases: no year, no section, no "no" of running text."""
    word = match.group("number").lower()
    if re.fullmatch(r"20[0-3]\d", word):
        return False
    if re.search(
        r"(?:section|annex|chapter|page|figure|table|phase|grade|under|over|aged|\bs\.)\s*$",
        text[: match.start()],
        re.IGNORECASE,
    ):
        return False
    if word == "no":
        return re.match(rf" (?:{_CASES})\b", text[match.end() :], re.IGNORECASE) is not None
    return True


def _beside(found: tuple[int, int, int], mention: re.Match[str], text: str) -> bool:
    """A number near a grade, in its sentence and with no other grade between the two."""
    between = (
        text[found[1] : mention.start()]
        if found[1] <= mention.start()
        else text[mention.end() : found[0]]
    )
    return len(between) <= LONGEST_LINK and "\n" not in between and not _MENTION.search(between)


def _place(found: _Found, window: list[_Sentence], starts: list[int]) -> tuple[Paragraph, int, int]:
    position = max(index for index, start in enumerate(starts) if start <= found[0])
    one = window[position]
    shift = one.offset - starts[position]
    return one.paragraph, found[0] + shift, found[1] + shift


_OF_ALL = re.compile(rf"\bof (?:the|these|those|all|our)(?: the)? $|\b{NUMBER} of $", re.IGNORECASE)
"""What stands before a total ("most of the 31 cases") and never before a count by grade."""


def _pairs(text: str) -> dict[str, tuple[int, int]]:
    """Grade -> place of its count, reading "11 were good" or "good in 11", whichever fits."""
    grades = [
        (match.lastgroup or "", match.start(), match.end()) for match in _GRADE.finditer(text)
    ]
    numbers = [
        match.span("number")
        for match in _NUMBER.finditer(text)
        if not _OF_ALL.search(text[: match.start()])
        and not re.fullmatch(r"20[0-3]\d", match.group("number"))
        and not re.search(
            r"(?:section|annex|chapter|page|figure|table|phase|grade|under|over|aged|\bs\.)\s*$",
            text[: match.start()],
            re.IGNORECASE,
        )
        and (
            match.group("number").lower() not in ("no", "one")
            or re.match(
                rf" (?:{_CASES}|of (?:them|these|those)|was|were|as|graded|good|inadequate|requir)",
                text[match.end() :],
                re.IGNORECASE,
            )
            or (
                match.group("number").lower() == "one"
                and re.search(r"(?:in|for|:|was|as) $", text[: match.start()])
            )
        )
    ]
    if not grades or not numbers:
        return {}
    before = _link(text, grades, numbers, backwards=True)
    after = _link(text, grades, numbers, backwards=False)
    if len(before) != len(after):
        return _spans(before if len(before) > len(after) else after)
    near_before = sum(gap for *_, gap in before.values())
    near_after = sum(gap for *_, gap in after.values())
    chosen = before if near_before <= near_after else after
    return _spans(chosen)


_Link = tuple[int, int, int]
"""Start and end of a number linked to a grade, and the characters between the two."""


def _spans(links: dict[str, _Link]) -> dict[str, tuple[int, int]]:
    return {grade: (link[0], link[1]) for grade, link in links.items()}


def _link(
    text: str,
    grades: list[tuple[str, int, int]],
    numbers: list[tuple[int, int]],
    backwards: bool,
) -> dict[str, _Link]:
    links: dict[str, _Link] = {}
    used: set[tuple[int, int]] = set()
    for index, (grade, start, end) in enumerate(grades):
        if grade in links:
            continue
        if backwards:
            floor = grades[index - 1][2] if index else 0
            near = [span for span in numbers if floor <= span[0] and span[1] <= start]
            span = near[-1] if near else None
            between = text[span[1] : start] if span else ""
        else:
            roof = grades[index + 1][1] if index + 1 < len(grades) else len(text)
            near = [span for span in numbers if end <= span[0] and span[1] <= roof]
            span = near[0] if near else None
            between = text[end : span[0]] if span else ""
        if span is None or span in used or not _may_link(between, backwards):
            continue
        used.add(span)
        links[grade] = (span[0], span[1], len(between))
    return links


_AFTER_WORDS = re.compile(
    r"\W*(?:in|for|was|were|cases?|to|at|:|standard|just|only|and|the|remaining|other|practice|"
    r"grade[ds]?|\W)*\W*",
    re.IGNORECASE,
)
_BEFORE_WORDS = re.compile(
    r"(?:\W|of (?:(?:the|these|those|all|our) )?\d+|of|these|those|them|which|"
    r"the|cases?|files?|case|"
    r"audits?|investigations?|were|was|"
    r"as|to|be|being|"
    r"graded|judged|rated|assessed|found|considered|deemed|that|a|an|only|just|had|been|have|or|"
    r"we|inspectors|it|practice|at|standard|child|protection|remaining|others?|fell|below|into|"
    r"reached|met|"
    r"grade|category|classed|described|showed|demonstrated|more|further|handled|dealt|with|well|enough|"
    r"police|service|"
    r"reviewed|examined|audited|sampled|inspected|looked at|\w+(?= (?:police|constabulary)\b)|"
    r"received|given|found|force's|constabulary's|force|constabulary|overall|response|quality|"
    r"level)*",
    re.IGNORECASE,
)


def _may_link(between: str, backwards: bool) -> bool:
    if ";" in between or re.search(r"[.!?]\s", between) or len(between) > 75:
        return False
    return (_BEFORE_WORDS if backwards else _AFTER_WORDS).fullmatch(between) is not None


def _fill_remainder(audit: Audit, pieces: list[tuple[Paragraph, str, int]]) -> None:
    """ "The rest were inadequate": the count that the stated total leaves."""
    if audit.total is None or len(audit.counts) != 2:
        return
    for paragraph, text, offset in pieces:
        match = re.search(
            r"\b(?:the )?(?:rest|remainder|others|remaining cases)\b(?: \w+){0,4}? "
            r"(?P<grade>inadequate"
            r"|good|requir\w+ improvement)",
            text,
            re.IGNORECASE,
        )
        if match:
            grade = (_GRADE.fullmatch(match.group("grade")) or match).lastgroup or ""
            left = audit.total - sum(audit.counts.values())
            if grade in GRADES and grade not in audit.counts and left >= 0:
                audit.counts[grade] = left
                audit.places[grade] = (paragraph, offset + match.start(), offset + match.end())
                audit.confidence = 0.8


def _table(items: list[Paragraph]) -> Audit | None:
    """The table or blocks by area of child protection, summed; a row "Total" is read instead."""
    columns = list(GRADES)
    total_row: tuple[Paragraph, list[int]] | None = None
    rows: list[tuple[Paragraph, list[int]]] = []
    bare: list[tuple[Paragraph, list[int]]] = []
    blocks: list[tuple[str, int]] = []
    where: Paragraph | None = None
    inside = False
    above = ""
    for item, below in zip(items, [*items[1:], None], strict=True):
        last, above = above, plain(item.text)
        text = above
        is_row = inside and bool(_cells(text, len(columns)))
        if (
            item.kind == HEADING and not _block_line(text) and not is_row
        ):  # short lines look like one
            beside = (last, plain(below.text) if below is not None else "")
            label = any(re.fullmatch(r"[\d |]+", line) for line in beside)
            inside = inside and (label or _in_breakdown(text) or _part_of_header(text))
            inside = (
                inside
                or re.search(
                    r"breakdown of case|case (?:file )?audit results|results of (?:the )?case",
                    text,
                    re.IGNORECASE,
                )
                is not None
            )
            continue
        if _header(text):
            columns = [match.lastgroup or "" for match in _GRADE.finditer(text)]
            inside = True
            continue
        cells = _cells(text, len(columns))
        if inside and re.fullmatch(r"[\d |]+", text):
            numbers = [int(value) for value in re.findall(r"\d+", text)]
            if len(numbers) == len(columns):
                bare.append((item, numbers))
                continue
        if cells and (item.kind == ROW or inside):
            if re.match(r"\W*(?:total|all (?:cases|areas)|overall)\b", text, re.IGNORECASE):
                total_row = (item, cells)
            else:
                rows.append((item, cells))
        elif (inside or item.kind == ROW) and (grade := _block_line(text.replace(" | ", ": "))):
            blocks.append(grade)
            where = where or item
    summed = [sum(column) for column in zip(*(counts for _, counts in rows), strict=True)]
    alone = len(bare) == 1 and not total_row
    if alone and (bare[0][1] == summed if rows else sum(bare[0][1]) >= 10):
        total_row = bare[0]  # one row of counts without a label: the whole audit
    else:
        rows += bare  # rows whose labels broke over lines around their counts
    if total_row or rows:
        chosen = total_row or (
            rows[0][0],
            [sum(col) for col in zip(*(r for _, r in rows), strict=True)],
        )
        if total_row is None and len(rows) < 3:
            return None
        paragraph, values = chosen
        counts = dict(zip(columns, values, strict=False))
    elif where is not None and len({grade for grade, _ in blocks}) >= 2:
        paragraph, counts = where, _sum_blocks(blocks)
    else:
        return None
    audit = Audit(paragraph, counts, confidence=0.85 if total_row else 0.8, rule="table")
    audit.places = {grade: (paragraph, 0, len(paragraph.text)) for grade in (*counts, "cases")}
    audit.total = sum(counts.values())
    audit.context = "case file audit results, whole table"
    return audit


def _sum_blocks(blocks: list[tuple[str, int]]) -> dict[str, int]:
    """Counts summed over blocks; a first block that is the sum of the others counts alone."""
    sums = dict.fromkeys(GRADES, 0)
    for grade, count in blocks:
        sums[grade] = sums.get(grade, 0) + count
    whole = dict(blocks[: len(sums)])
    if len(blocks) > len(whole) == len(sums) and all(
        2 * whole[grade] == total for grade, total in sums.items()
    ):
        return whole
    return sums


def _in_breakdown(text: str) -> bool:
    return (
        re.search(
            r"cases?\b|assessed involving|referrals|enquiries|offender|detained|missing|online|"
            r"total|section 4|abuse|exploitation|neglect|custody|place of safety",
            text,
            re.IGNORECASE,
        )
        is not None
    )


def _part_of_header(text: str) -> bool:
    """A line of the column heads that broke over lines: "Requires Area Good Inadequate"."""
    if re.fullmatch(
        r"(?:(?:good|requires|improvement|inadequate|grade|total|number|of|cases)\W*)+",
        text,
        re.IGNORECASE,
    ):
        return True
    named = re.findall(r"\b(?:good|inadequate|requir\w+)\b", text, re.IGNORECASE)
    return len(named) >= 2 and len(text.split()) <= 8 and not re.search(r"\d", text)


def _header(text: str) -> bool:
    grades = [match.lastgroup for match in _GRADE.finditer(text)]
    return len(grades) >= 3 and not re.search(r"\d", text) and len(text) < 120


def _cells(text: str, wanted: int) -> list[int]:
    """The counts of a table row: as many numbers at its end as there are grades."""
    match = re.search(r"((?:[\s|]+(?:\d{1,3}|-|nil|none))+)[\s|]*$", text)
    if not match or len(text) > 160 or not re.search(r"[A-Za-z]{3}", text[: match.start()]):
        return []
    values = [
        0 if value in ("-", "nil", "none") else int(value)
        for value in re.split(r"[\s|]+", match.group(1).strip(" |"))
    ]
    if len(values) > wanted and values[-1] == sum(values[-wanted - 1 : -1]):
        return values[-wanted - 1 : -1]  # the last column is the row's sum
    return values[-wanted:] if len(values) >= wanted else []


def _block_line(text: str) -> tuple[str, int] | None:
    match = re.fullmatch(
        rf"\W*(?P<grade>good|requires? improvement|requiring improvement|inadequate|adequate)\W+"
        rf"(?P<count>{NUMBER})(?: cases?)?\W*",
        text,
        re.IGNORECASE,
    ) or re.fullmatch(
        rf"\W*(?P<count>{NUMBER})(?: cases?)?(?: (?:was|were|as))? (?P<grade>good|requires? "
        rf"improvement"
        rf"|requiring improvement|required improvement|inadequate|adequate)\W*",
        text,
        re.IGNORECASE,
    )
    if not match:
        return None
    found = _GRADE.search(match.group("grade"))
    return (found.lastgroup or "", number(match.group("count"))) if found else None


@dataclass(frozen=True)
class Counts:
    """The audit of one document: facts for cases and grades, problems, doubts."""

    facts: dict[str, Fact]
    problems: list[str]
    doubts: list[tuple[Fact, str]]


def counts(document: Document, kind: str) -> Counts:
    """The audit that the document's table row is about, chosen among all passages.

    Preferred in this order: of this visit rather than an earlier one, the inspectors' rather than
    the force's grading, the whole rather than a subset, complete, adding up, larger, earlier.
    """
    result = Counts({}, [], [])
    audits = read_audits(document)
    usable = [audit for audit in audits if not _is_own(audit)]
    graded = [audit for audit in usable if audit.counts]
    if kind in kinds.FOLLOW_UPS:
        graded = [audit for audit in graded if not _is_earlier(audit, kind)]
        usable = [audit for audit in usable if not _is_earlier(audit, kind)]
    whole = [audit for audit in graded if not _is_subset(audit, graded)]
    whole = _without_partial(whole, usable, result)
    if not whole:
        _only_total(usable, result)
        _percentages(document, result)
        return result
    best = max(whole, key=lambda audit: _rank(audit, kind))
    if best.total is None:
        stated = [audit for audit in usable if audit.total == sum(best.counts.values())]
        if stated:
            best.total = stated[0].total
            best.places["cases"] = stated[0].places["cases"]
    _record(best, result)
    _compare(best, whole, result)
    return result


def _without_partial(whole: list[Audit], usable: list[Audit], result: Counts) -> list[Audit]:
    """Leave out a breakdown whose sum is less than the number of cases that the text states."""
    kept = []
    stated = [
        audit.total
        for audit in usable
        if audit.rule != "table" and audit.total and not _is_subset(audit, usable)
    ]
    for audit in whole:
        size = audit.size
        if audit.rule != "table" or not stated or size in stated or size > max(stated):
            kept.append(audit)
            continue
        result.problems.append(f"a breakdown covers {size} of {max(stated)} cases")
        for grade, count in audit.counts.items():
            paragraph, start, end = audit.places[grade]
            doubt = fact(grade, count, paragraph, start, end, 0.4, "breakdown in part")
            result.doubts.append((doubt, "the breakdown does not cover all cases"))
    return kept


def _words(audit: Audit) -> str:
    return audit.context.split(" | ", 1)[-1]


def _is_earlier(audit: Audit, kind: str) -> bool:
    """The passage speaks of the first inspection's cases, in its words or in its heading."""
    heading, _, words = audit.context.partition(" | ")
    if re.search(
        r"\b(?:at|in|during|for) that (?:review|inspection|visit|time)\b"
        r"|\b(?:audited|examined|assessed|graded|reviewed|looked at)(?: \w+){0,2}? then\b",
        words,
        re.IGNORECASE,
    ):
        return True
    if kind == kinds.PROGRESS and re.search(r"post-? ?inspection review", audit.context, re.I):
        return True  # the second of three visits
    if _FOLLOW.search(words):
        return False
    if _EARLIER.search(words) or re.search(
        r"\bIn (?:\w+ )?20\d\d, (?:we|HMIC\w*) inspected", words
    ):
        return True
    return (
        _FOLLOW.search(heading) is None
        and re.search(r"(?:20\d\d|first|initial|previous) inspection", heading, re.IGNORECASE)
        is not None
    )


def _is_subset(audit: Audit, audits: list[Audit]) -> bool:
    if audit.rule == "table":
        return False
    larger = [other for other in audits if other is not audit and other.size > audit.size]
    words = _words(audit)
    about_a_type = _SUBSET.search(words) is not None and not re.search(
        r"child protection cases|cases? (?:file )?audit|in total|cases in all", words, re.IGNORECASE
    )
    return about_a_type and (bool(larger) or audit.size < 20)


def _rank(audit: Audit, kind: str) -> tuple[object, ...]:
    own = _THIRD if kind == kinds.PROGRESS else _FOLLOW
    follow = kind in kinds.FOLLOW_UPS and own.search(audit.context) is not None
    further = re.search(r"\b(?:further|additional|other|another) ", _words(audit)) is None
    return (
        follow,
        further,
        audit.complete,
        audit.sums or audit.rule == "table",
        audit.rule != "table",
        min(audit.size, 300),
        -int(audit.paragraph.anchor[1:]),
    )


def _record(audit: Audit, result: Counts) -> None:
    confidence = audit.confidence
    graded = sum(audit.counts.values())
    if audit.sums:
        confidence += 0.07
    elif audit.total is not None and audit.complete:
        result.problems.append(f"grades sum to {graded}, cases are {audit.total}")
        confidence -= 0.12
    elif not audit.complete:
        confidence -= 0.1
        result.problems.append("not every grade is counted")
    if "adequate" in audit.counts:
        result.problems.append(f"four grades: {audit.counts['adequate']} adequate")
    for grade in GRADES:
        if grade in audit.counts:
            paragraph, start, end = audit.places[grade]
            result.facts[grade] = fact(
                grade, audit.counts[grade], paragraph, start, end, confidence, audit.rule
            )
    total = audit.total if audit.total is not None else graded if audit.complete else None
    if total is not None:
        paragraph, start, end = audit.places.get("cases", (audit.paragraph, 0, 0))
        said = confidence if audit.total is not None else confidence - 0.1
        result.facts["cases"] = fact("cases", total, paragraph, start, end, said, audit.rule)


def _compare(best: Audit, audits: list[Audit], result: Counts) -> None:
    for other in audits:
        if other is best or not other.complete or not best.complete:
            continue
        if other.counts != best.counts and other.total == best.total:
            result.problems.append(f"the {other.rule} counts the grades otherwise")
            for grade in GRADES:
                paragraph, start, end = other.places[grade]
                result.doubts.append(
                    (
                        fact(grade, other.counts[grade], paragraph, start, end, 0.5, other.rule),
                        "counted otherwise elsewhere in the document",
                    )
                )
        elif re.search(r"\b(?:further|additional) ", _words(other)):
            result.problems.append(f"{other.size} further cases were graded")


def _only_total(usable: list[Audit], result: Counts) -> None:
    stated = [
        audit
        for audit in usable
        if audit.total is not None
        and audit.total >= 15
        and not _is_subset(audit, usable)
        and re.search(r"audit|case file|child protection cases|cases", _words(audit), re.IGNORECASE)
    ]
    if stated:
        audit = stated[0]
        paragraph, start, end = audit.places["cases"]
        result.facts["cases"] = fact("cases", audit.total, paragraph, start, end, 0.8, "total only")


def _percentages(document: Document, result: Counts) -> None:
    for paragraph in document.paragraphs:
        text = plain(paragraph.text)
        match = re.search(
            r"\d{1,2}(?:\.\d)? ?(?:%|per ?cent).{0,60}\b(?:good|inadequate|requir\w+ improvement)",
            text,
            re.IGNORECASE,
        )
        if match:
            result.problems.append("grades in percentages only")
            result.doubts.append(
                (
                    fact("good", "", paragraph, match.start(), match.end(), 0.3, "percentage"),
                    "percentages only; counts cannot be read",
                )
            )
            return
