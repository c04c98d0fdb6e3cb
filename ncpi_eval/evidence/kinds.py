"""What kind of document this is, by its title first and by its build where the title is silent."""

from __future__ import annotations

import itertools
import re

from ncpi_eval.document_files.model import BULLET, CONTENTS, HEADING, Document, Paragraph
from ncpi_eval.evidence.forces import SUFFIX, front
from ncpi_eval.evidence.spans import Fact, fact
from ncpi_eval.evidence.wording import plain

INSPECTION, REVIEW = "inspection", "post_inspection_review"
REINSPECTION, PROGRESS = "re_inspection", "assessment_of_progress"
REGISTER, RESPONSE = "register_entry", "commissioner_response"
PRESS, OTHER = "press_release", "other"
KINDS = (INSPECTION, REVIEW, REINSPECTION, PROGRESS, REGISTER, RESPONSE, PRESS, OTHER)
NOTHING = "nothing recognised"
"""The rule by which a document of no known kind is ``other``."""
PROGRAMME = "a programme document"
"""The rule by which a document about all forces is ``other``: it has no fieldwork of its own."""
FOLLOW_UPS = (REVIEW, REINSPECTION, PROGRESS)

_TITLES: list[tuple[str, str, str]] = [
    # looked for in this order within a title that speaks of child protection
    (
        OTHER,
        r"thematic|methodology|assessment criteria|inspection aims|evaluation|framework",
        PROGRAMME,
    ),
    (OTHER, r"joint targeted|multi-agency|JTAI|PEEL", "another inspection"),
    (OTHER, r"quarter(?:ly)? ?\w* update", "a quarterly update"),
    (OTHER, r"integrated (?:vulnerability|PEEL)", "an integrated review"),
    (PROGRESS, r"assessment of progress|progress assessment", "title"),
    (REVIEW, r"post-? ?inspection (?:review|revisit)|follow-?up review|\brevisit\b", "title"),
    (REINSPECTION, r"\bre-? ?inspection", "title"),
    (INSPECTION, r"\binspections?\b", "title"),
]
_SUBJECT = re.compile(
    r"child protection|vulnerability inspection|keeping children safe|protecti(?:on|ng) (?:of )?"
    r"children",
    re.IGNORECASE,
)


def recognise_kind(document: Document) -> Fact:
    """The kind of a document, one of `KINDS`; never missing, ``other`` when nothing fits."""
    readers = (_register, _publication_page, _minutes, _response, _press, _news, _title, _build)
    for find in readers:
        found = find(document)
        if found is not None:
            return found
    return fact("kind", OTHER, document.paragraphs[0], 0, 0, 0.7, NOTHING)


def _lines(document: Document) -> list[tuple[Paragraph, str]]:
    return [(item, plain(item.text)) for item in document.paragraphs if item.kind != CONTENTS]


def _register(document: Document) -> Fact | None:
    for paragraph, text in _lines(document):
        match = re.search(r"\[/?(?:on|status|comment)\]", text)
        if match:
            return fact("kind", REGISTER, paragraph, *match.span(), 0.98, "status markup")
    if re.search(r"/recommendations?/[\w-]+/\d+", document.address):
        return fact("kind", REGISTER, document.paragraphs[0], 0, 0, 0.9, "address")
    status = [
        (paragraph, text)
        for paragraph, text in _lines(document)
        if re.search(r"\b(?:awaiting-review|will-be-progressed|being-progressed)\b", text)
    ]
    if status and len(document.paragraphs) < 60:
        return fact("kind", REGISTER, status[0][0], 0, 0, 0.9, "status words")
    return None


def _publication_page(document: Document) -> Fact | None:
    links = (
        r"(?:Download the report|Read the report online|Get the press release)\b"
        r"|Publication types?:"
    )
    marks = [item for item, text in _lines(document) if re.match(links, text) and len(text) < 60]
    if marks and len(document.paragraphs) < 80 and _stage_headings(document) < 3:
        return fact(
            "kind",
            OTHER,
            marks[0],
            0,
            len(marks[0].text),
            0.9,
            "a publication page, not the report",
        )
    return None


_COMMISSIONER = (
    r"(?:police,? (?:fire )?(?:and|&) (?:fire (?:and|&) )?crime commissioner|\bO?PF?CC\b"
    r"|mayor's office)"
)


def _minutes(document: Document) -> Fact | None:
    for paragraph, text in _lines(document)[:3]:
        match = re.search(
            r"\bminutes of (?:the |a )?meeting\b|\bagenda item\b", text, re.IGNORECASE
        )
        if match:
            return fact("kind", OTHER, paragraph, *match.span(), 0.85, "minutes of a meeting")
    return None


def _response(document: Document) -> Fact | None:
    top = [(item, plain(item.text)) for item in front(document)]
    top += [(item, text) for item, text in _lines(document)[:12] if (item, text) not in top]
    for paragraph, text in top:
        match = re.search(
            r"\brespon(?:se|ds|ded|ding)(?: by .{0,40}?| from .{0,40}?)?(?: to\b|\s*[-:|])"
            r".{0,60}(?:HMIC|inspect|report|review)"
            rf"|{_COMMISSIONER}(?:'s)? (?:statutory )?(?:respon(?:se|ds)|comments?)|"
            rf"{_COMMISSIONER},? (?:\w+[ ,]+){{1,4}}(?:responds|comments|welcomes|reacts)\b"
            r"(?! .{0,40}\bphoto)|"
            r"section 55 of the Police Act|"
            r"section 55 ?\(\d\)",
            text,
            re.IGNORECASE,
        )
        if match and len(text) < 700:
            spoken = re.search(r"[./-](?:o?pf?cc|commissioner)[./-]", document.address) or any(
                re.search(_COMMISSIONER + r"|local policing body", line, re.IGNORECASE)
                for _, line in _lines(document)
            )
            chapters = _stage_headings(document)
            if spoken and chapters < 4:
                return fact("kind", RESPONSE, paragraph, *match.span(), 0.95, "a response")
    head = _lines(document)[:5]
    for (paragraph, text), (_, below) in itertools.pairwise([*head, (head[-1][0], "")][:5]):
        # a commissioner's letterhead; a report of the inspectorate never opens with one
        if len(text) < 60 and re.search(r"\bcrime$", text, re.IGNORECASE):
            text += f" {below[:20]}"  # broken over two lines
        match = re.search(_COMMISSIONER, text, re.IGNORECASE)
        if match and re.search(
            r"\b(?:said|says|welcom\w+|photo|image|caption)\b|\w{3}\.$", text, re.IGNORECASE
        ):
            continue  # a sentence about a commissioner, or the caption of a picture
        if match and len(text) < 120 and _stage_headings(document) < 4:
            return fact("kind", RESPONSE, paragraph, *match.span(), 0.85, "a commissioner's paper")
    return _on_their_site(document, top)


_INSPECTOR = r"\b(?:HM|Her Majesty's|His Majesty's) (?:Chief )?Inspector of Constabulary\b"
_OUT_NOW = (
    r"\baccording to (?:a|an|the|its) .{0,60}?reports?\b|\btoday's report\b"
    r"|\breports? (?:out|published|released|issued) today\b|\bpublished today\b"
)


def _on_their_site(document: Document, top: list[tuple[Paragraph, str]]) -> Fact | None:
    """A page of a commissioner's own site that speaks of an inspection, and is no report."""
    if not re.match(r"\w+://[^/]*\bo?pf?cc\b", document.address) or _stage_headings(document):
        return None
    for paragraph, text in top:
        match = re.search(r"\bHMIC\w*|\binspect(?:ion|ors)", text)
        if match:
            return fact("kind", RESPONSE, paragraph, *match.span(), 0.8, "a commissioner's page")
    return None


def _press(document: Document) -> Fact | None:
    lines = _lines(document)
    get = next((item for item, text in lines if re.match(r"Get the report\W*(?:$|: )", text)), None)
    quoted = next(
        (
            (item, match)
            for item, text in lines
            if (match := re.search(r"\b(?:said|added|commented)\s*:", text))
        ),
        None,
    )
    notes = any(re.match(r"Notes(?: (?:to|for) editors)?\s*:?$", text, re.I) for _, text in lines)
    news = re.search(r"/(?:news|press)[/-]", document.address) is not None
    inspectorate = news and re.match(r"\w+://[^/]*inspectorate", document.address) is not None
    labelled = any(
        re.match(r"(?:Press|News|Media) release\b", text, re.I) for _, text in lines[:12]
    )
    # copies without the page around them: the first to speak is an inspector, of a report just out
    by_inspector = quoted is not None and re.search(_INSPECTOR, quoted[1].string, re.I) is not None
    out_now = any(re.search(_OUT_NOW, text, re.IGNORECASE) for _, text in lines[:6])
    score = (
        2 * (get is not None)
        + (quoted is not None)
        + notes
        + (2 if inspectorate or labelled else int(news))
        + (by_inspector and out_now) * 2
    )
    if score >= 3 and _stage_headings(document) < 4:
        paragraph = get or (quoted[0] if quoted else lines[0][0])
        return fact("kind", PRESS, paragraph, 0, len(paragraph.text), 0.95, "a press release")
    return None


_FORMAL = re.compile(
    r"(?:^|national |police |constabulary |service |[-:|,] ?)child protection (?:inspections?|"
    r"(?:post|re)-? ?inspection)"
    r"|inspections? of (?:the )?(?:child protection|police child)|joint|thematic|programme",
    re.IGNORECASE,
)


def _news(document: Document) -> Fact | None:
    """People are quoted, there are no chapters, and no line is the title of a report: news."""
    if _stage_headings(document) or any(
        _FORMAL.search(plain(item.text)) and _by_words(item, plain(item.text))
        for item in front(document)
    ):
        return None
    for paragraph, text in _lines(document):
        match = re.search(r"\b(?:said|added|commented)\s*:", text)
        if match and _SUBJECT.search(" ".join(line for _, line in _lines(document)[:12])):
            return fact("kind", OTHER, paragraph, *match.span(), 0.8, "news")
    return None


def _title(document: Document) -> Fact | None:
    places = front(document)
    following = [*places[1:], None]
    for paragraph, below in zip(places, following, strict=True):
        text = plain(paragraph.text)
        if below is not None and len(text) < 60 and document.format != "html":
            text += " " + plain(below.text)[:110]  # covers break their titles over lines
        found = _by_words(paragraph, text)
        if found is not None:
            if found.value == INSPECTION and _about_all(document, paragraph):
                return fact("kind", OTHER, paragraph, 0, len(text), 0.85, PROGRAMME)
            if found.value == INSPECTION:
                found = _cover_goes_on(document, paragraph) or found
                found = _new_format(document) or found
            return found
    return None


def _by_words(paragraph: Paragraph, text: str) -> Fact | None:
    if len(text) > 170 or not _SUBJECT.search(text) or re.match(r"(?:Get|Read) (?:the )?", text):
        return None
    if paragraph.kind == BULLET or (
        paragraph.kind != HEADING and re.search(r"\w{3}['\")]*\.$", text)
    ):
        return None  # a sentence or an item that names an inspection, no title
    for kind, words, rule in _TITLES:
        match = re.search(words, text, re.IGNORECASE)
        if match:
            sure = paragraph.kind == HEADING or len(text) < 100
            return fact("kind", kind, paragraph, *match.span(), 0.97 if sure else 0.8, rule)
    return None


def _cover_goes_on(document: Document, title: Paragraph) -> Fact | None:
    """A cover that breaks its title over lines: "National child protection" / "re-inspection"."""
    for paragraph in front(document)[:8]:
        text = plain(paragraph.text)
        match = re.fullmatch(
            r"(?:(post-? ?inspection review)|(re-? ?inspection)|(assessment of progress))\W*"
            r"(?:findings)?",
            text,
            re.IGNORECASE,
        )
        if match and paragraph.anchor != title.anchor:
            kind = REVIEW if match.group(1) else REINSPECTION if match.group(2) else PROGRESS
            return fact("kind", kind, paragraph, 0, len(text), 0.93, "cover")
    return None


def _new_format(document: Document) -> Fact | None:
    """Inspections from 2024 on grade five areas; they are another kind of report."""
    for paragraph, text in _lines(document):
        match = re.search(
            r"graded judge?ments?|(?:we graded|force is) .{0,80}\b(?:outstanding|adequate)\b.{0,80}"
            r"\bat\b",
            text,
            re.IGNORECASE,
        )
        if match:
            return fact("kind", OTHER, paragraph, *match.span(), 0.85, "graded format of 2024 on")
    return None


def _about_all(document: Document, title: Paragraph) -> bool:
    """A page of the programme, whose title names no force as a cover's next line does, or a report
    on several forces whose subtitle says so.
    """
    below = [plain(item.text) for item in front(document) if item.anchor != title.anchor][:8]
    if any(
        re.search(r"\bthematic (?:report|review)\b", line, re.I) and len(line) < 60
        for line in below
    ):
        return True
    bare = re.sub(r"\s*[-|]\s*HMIC\w*$", "", plain(title.text))
    named = any(re.search(rf"\b{SUFFIX}\b", line) and len(line) < 100 for line in below)
    return _PROGRAMME.fullmatch(bare) is not None and (document.format == "html" or not named)


_PROGRAMME = re.compile(r"(?:national )?child protection inspections(?: programme)?", re.IGNORECASE)
"""The title of a page about all forces; covers of files have the force below the same words."""
_STAGE = re.compile(
    r"(?:\d+\.?\s+)?(?:initial contact|assessment and help|investigation|decision[- ]making"
    r"|trusted adult|managing those|police detention|leadership, management)",
    re.IGNORECASE,
)


def _stage_headings(document: Document) -> int:
    return sum(
        _STAGE.match(text) is not None and len(text) < 120
        for item, text in _lines(document)
        if item.kind == HEADING
    )


def _build(document: Document) -> Fact | None:
    """A document without a telling title, by its chapters."""
    cues = [
        (REINSPECTION, r"re-inspection findings"),
        (REVIEW, r"post-inspection review findings|(?:the|our) 20\d\d post-inspection review"),
        (PROGRESS, r"assessment of progress findings"),
    ]
    for kind, words in cues:
        for paragraph, text in _lines(document):
            match = re.search(words, text, re.IGNORECASE)
            if match and paragraph.kind == HEADING:
                return fact("kind", kind, paragraph, *match.span(), 0.85, "chapter headings")
    if _stage_headings(document) >= 4:
        return fact("kind", INSPECTION, document.paragraphs[0], 0, 0, 0.7, "chapter headings")
    return None
