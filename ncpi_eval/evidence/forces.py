"""Which force a document is about.

Names come from a list with aliases. A document about a force that is not on the list is still
recognised by the shape of its title, with less confidence: a misspelt or new name must show up on
the coding sheet and not vanish.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ncpi_eval.document_files.model import BULLET, CONTENTS, HEADING, Document, Paragraph
from ncpi_eval.evidence.spans import LIKELY, Fact, fact
from ncpi_eval.evidence.wording import plain

SUFFIX = r"(?:Police Service|Police Force|Police|Constabulary)"
_SEPARATOR = r"\s*(?:-|:|\||,)\s*"


@dataclass(frozen=True)
class ForceList:
    """Names of forces: alias in lower case -> name, name -> data_kind."""

    aliases: Mapping[str, str]
    kinds: Mapping[str, str]

    @property
    def pattern(self) -> re.Pattern[str]:
        """Any alias, the longest first, as whole words not inside a longer place name."""
        names = sorted(self.aliases, key=lambda alias: (-len(alias), alias))
        return re.compile(
            rf"(?<![A-Za-z-])({'|'.join(map(re.escape, names))})(?![A-Za-z-])", re.IGNORECASE
        )


def force_list(rows: list[dict[str, str]]) -> ForceList:
    """The list from rows with name, alias (several separated by ``|``, may be empty), data_kind."""
    aliases: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for row in rows:
        kinds[row["name"]] = row["data_kind"]
        for alias in (row["name"], *(row.get("alias") or "").split("|")):
            for form in (alias, alias.replace(" and ", " & "), alias.replace("-", " ")):
                if form.strip():
                    aliases[form.strip().lower()] = row["name"]
    return ForceList(aliases, kinds)


def front(document: Document) -> list[Paragraph]:
    """Where a document says what it is: its first headings and lines, best first.

    The main heading (or, where a file has none, the first lines of the first page), then the
    other early paragraphs, then the file's title property.
    """
    early = [
        paragraph
        for paragraph in document.paragraphs[:40]
        if paragraph.kind != CONTENTS
        and (paragraph.page or 1) == 1
        and not (paragraph.kind == BULLET and len(paragraph.text.split()) <= 3)  # a menu
    ][:15]
    tops = [item for item in document.paragraphs if item.kind == HEADING and item.level == 1]
    main = [paragraph for paragraph in early if paragraph in tops] if len(tops) == 1 else []
    rest = [paragraph for paragraph in early if paragraph not in main]
    title = [Paragraph("title", document.title, HEADING, 1, "file property")]
    return main + rest + (title if document.title else [])


def recognise_force(document: Document, forces: ForceList) -> Fact | None:
    """The force a document is about, from its title, a label, its recommendations or its text."""
    pattern = forces.pattern
    found = (
        _labelled(document, forces, pattern)
        or _in_title(document, forces, pattern)
        or _most_named(document, forces, pattern)
    )
    if found is None or (found.confidence < LIKELY and found.value not in forces.kinds):
        return _in_address(document, forces, pattern) or found
    return found


def _labelled(document: Document, forces: ForceList, pattern: re.Pattern[str]) -> Fact | None:
    for paragraph in document.paragraphs[:60]:
        text = plain(paragraph.text)
        label = re.match(r"(?:Police )?Forces?\s*:\s*", text, re.IGNORECASE)
        if label and len(text) < 100:
            match = pattern.search(text, label.end())
            if match:
                return _hit(paragraph, match, forces, 0.97, "label")
    return None


_UNLISTED = [
    re.compile(
        rf"^(?P<force>[A-Z][\w'&. -]{{2,50}}?)(?: {SUFFIX})?{_SEPARATOR}"
        r"(?=(?:national |integrated )?(?:child protection|vulnerability))",
        re.IGNORECASE,
    ),
    re.compile(rf"^(?P<force>[A-Z][\w'&. -]{{2,40}}?) {SUFFIX}$"),
    re.compile(rf"(?::| of| at| into| on) (?P<force>[A-Z][\w'&. -]{{2,40}}?) {SUFFIX}\b"),
    re.compile(r"Commissioner for (?P<force>[A-Z][\w'& -]{2,40})$"),
    re.compile(
        rf"National child protection (?:post-)?(?:re-)?inspections?(?: post-inspection review)?"
        rf"(?: of|{_SEPARATOR}|\s+)(?P<force>(?:the )?[A-Z][\w'&. -]{{2,40}}?) {SUFFIX}",
    ),
]


def _unlisted(paragraph: Paragraph, text: str) -> Fact | None:
    for shape in _UNLISTED:
        match = shape.search(text)
        if match and not re.search(
            r"\b(?:HMIC\w*|Inspectorate|Response|Report|National|Commissioner|Chief|Publication|"
            r"Types?)\b",
            match.group("force"),
            re.IGNORECASE,
        ):
            start, end = match.span("force")
            return fact(
                "force",
                paragraph.text[start:end].strip(),
                paragraph,
                start,
                end,
                0.75,
                "title, force not on the list",
            )
    return None


def _in_title(document: Document, forces: ForceList, pattern: re.Pattern[str]) -> Fact | None:
    for rank, paragraph in enumerate(front(document)):
        text = plain(paragraph.text)
        if len(text) > 160 or re.match(r"(?:Appendix|Published|Get the|Read )", text):
            continue
        if paragraph.kind == BULLET:
            continue  # one of a list of forces
        matches = list(pattern.finditer(text))
        if len({forces.aliases[match.group(1).lower()] for match in matches}) == 1:
            return _hit(paragraph, matches[0], forces, 0.98 if rank < 3 else 0.92, "title")
        unlisted = _unlisted(paragraph, text)
        if unlisted is not None and not matches:
            return unlisted
    return None


def _in_address(document: Document, forces: ForceList, pattern: re.Pattern[str]) -> Fact | None:
    """The one listed force in the page's address or the file's name, where the words name none."""
    for source in (document.address, document.name):
        words = re.sub(r"[^A-Za-z]+", " ", source)
        matches = list(pattern.finditer(words))
        if len({forces.aliases[match.group(1).lower()] for match in matches}) == 1:
            where = Paragraph("title", words, HEADING, 0, "address or file name")
            return _hit(where, matches[0], forces, 0.7, "address or file name")
    return None


def _most_named(document: Document, forces: ForceList, pattern: re.Pattern[str]) -> Fact | None:
    """The force named most often with "Police" or "Constabulary", if it is named clearly most."""
    counts: Counter[str] = Counter()
    first: dict[str, tuple[Paragraph, re.Match[str]]] = {}
    for paragraph in document.paragraphs:
        if paragraph.kind == CONTENTS:
            continue
        text = plain(paragraph.text)
        for match in pattern.finditer(text):
            full = re.search(rf"{SUFFIX}$", match.group(1), re.IGNORECASE)
            if full or re.match(rf"\s+{SUFFIX}", text[match.end() :], re.IGNORECASE):
                name = forces.aliases[match.group(1).lower()]
                counts[name] += 1
                first.setdefault(name, (paragraph, match))
    if counts:
        ranked = counts.most_common(2)
        clear = len(ranked) == 1 or ranked[0][1] >= 2 * ranked[1][1]
        paragraph, match = first[ranked[0][0]]
        return _hit(paragraph, match, forces, 0.85 if clear else 0.5, "named most often")
    return _unlisted_most_named(document)


def _unlisted_most_named(document: Document) -> Fact | None:
    shape = re.compile(rf"\b((?:[A-Z][a-z]+(?:-[A-Z][a-z]+)?(?: and | )?){{1,3}}) {SUFFIX}\b")
    counts: Counter[str] = Counter()
    first: dict[str, tuple[Paragraph, re.Match[str]]] = {}
    for paragraph in document.paragraphs:
        for match in shape.finditer(plain(paragraph.text)):
            name = re.sub(r"^(?:The|In|At|For|When|While|Within|Although) ", "", match.group(1))
            counts[name] += 1
            first.setdefault(name, (paragraph, match))
    if not counts:
        return None
    name, times = counts.most_common(1)[0]
    paragraph, match = first[name]
    confidence = 0.65 if times >= 3 and times >= 0.7 * counts.total() else 0.4
    return fact(
        "force",
        name,
        paragraph,
        match.start(1),
        match.end(1),
        confidence,
        "named most often, force not on the list",
    )


def _hit(
    paragraph: Paragraph, match: re.Match[str], forces: ForceList, confidence: float, rule: str
) -> Fact:
    name = forces.aliases[match.group(1).lower()]
    return fact("force", name, paragraph, match.start(1), match.end(1), confidence, rule)
