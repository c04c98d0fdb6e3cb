"""Take out of free text what could name a person, a place or a force.

Answers in words and transcripts hold names, numbers and places. Patterns and lists take out what
they can find and make the rest harmless to show on a page. They cannot find everything: uncommon
names, and stories that only one case fits, need a reader before a text leaves the project.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_RANK = (
    r"PC|WPC|DC|DS|DI|DCI|DCC|ACC|CC|PS|PCSO|SGT|SERGEANT|INSP|INSPECTOR|CH(?:IEF)? INSP(?:ECTOR)?"
    r"|SUPT|SUPERINTENDENT|CONSTABLE|DETECTIVE"
)
_TITLE = rf"(?:MR|MRS|MS|MISS|MX|DR|PROF|CLLR|SIR|DAME|{_RANK})"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_NUMBER_WORD = r"(?: ?(?:no|num(?:ber)?|ref(?:erence)?)\b\.?)"
# First names common in Britain that are hardly ever anything else in a sentence.
_FIRST_NAMES = (
    "Aaron Adam Adrian Ahmed Alan Alex Alexander Alice Alison Amanda Amy Andrea Andrew Andy Angela "
    "Ann Anna Anne Anthony Ben Benjamin Beth Brian Caroline Catherine Charlotte Chloe Chris "
    "Christine Christopher Claire Clare Colin Craig Daniel Danielle Darren Dave David Deborah "
    "Diane Donna Edward Elaine Elizabeth Ellie Emily Emma Fiona Gareth Gary Gemma Geoff George "
    "Graham Hannah Heather Helen Ian Jacqueline James Jamie Jane Janet Jason Jennifer Jenny Jess "
    "Jessica Joanna Joanne John Jonathan Joseph Julie Karen Kate Katherine Katie Keith Kelly "
    "Kenneth Kerry Kevin Kieran Kim Laura Lauren Leanne Lee Lewis Liam Linda Lisa Louise Lucy Luke "
    "Margaret Maria Martin Mary Matthew Megan Michael Michelle Mike Mohammed Muhammad Natalie Neil "
    "Nicholas Nicola Nigel Oliver Olivia Patricia Paul Paula Peter Philip Rachel Rebecca Richard "
    "Robert Ryan Sally Sam Samantha Samuel Sandra Sara Sarah Scott Sean Sharon Sheila Shaun Simon "
    "Sophie Stacey Stephanie Stephen Steve Steven Stuart Susan Suzanne Thomas Tim Tina Tom Tony "
    "Tracey Tracy Trevor Vicky Victoria Wayne Wendy William Yvonne Zoe"
).split()
# First names that are also words: only with a capitalised surname after them.
_FIRST_NAME_WORDS = "Bill Dean Faith Frank Grace Grant Guy Hope Jack Joy Mark May Pat Ray Rob Rose"
# Characters without a space, taken for anything but a word.
_ENDLESS = re.compile(r"\S{200,}")
_SURNAME = r"[A-Z][a-z]+(?:['\u2019-][A-Z]?[a-z]+)*"

# Short forms that name a force as surely as the full name does.
FORCE_SHORT_FORMS = (
    "GMP",
    "MPS",
    "the Met",
    "Met Police",
    "Metropolitan Police",
    "Metropolitan",
    "WMP",
    "WYP",
    "SYP",
    "NYP",
    "TVP",
    "BTP",
    "City of London Police",
    "D&C",
)

# Before the forces, whose names stand in addresses.
_ADDRESSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "e-mail",
        re.compile(
            r"[\w.+'-]+\s*(?:@|\(at\)|\[at\])\s*[\w-]+(?:\s*(?:\.|\(dot\)|\[dot\])\s*[\w-]+)+", re.I
        ),
    ),
    ("link", re.compile(r"\b(?:[a-z][a-z0-9+]*://|www\.)[^\s<>()\[\]]+", re.I)),
    (
        "link",
        re.compile(
            r"\b(?:[a-z0-9-]+\.)+(?:uk|com|org|net|gov|police|info|eu)\b(?:/[^\s<>()\[\]]*)?", re.I
        ),
    ),
    ("handle", re.compile(r"(?<!\w)@\w+")),
)
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "date",
        re.compile(
            r"\b\d{1,2}\s?[/.-]\s?\d{1,2}\s?[/.-]\s?\d{2,4}\b|\b\d{4}-\d{1,2}-\d{1,2}\b"
            rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? (?:19|20)\d\d\b"
            rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d\b",
            re.I,
        ),
    ),
    ("telephone", re.compile(r"(?<!\w)(?:\+\s?44|0044|0)(?:[\s().-]*\d){8,11}(?!\w)")),
    ("postcode", re.compile(r"\b(?:GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})\b", re.I)),
    # Collar and reference numbers, by what stands before them.
    (
        "number",
        re.compile(
            rf"\b(?:{_RANK})\.?\s?#?[A-Z]{{0,2}}\d{{2,6}}[A-Z]{{0,2}}\b"
            r"|\b(?:collar|shoulder|warrant|badge|epaulette)"
            rf"{_NUMBER_WORD}?[ :#.]*[A-Z]{{0,3}}\d+\w*"
            r"|\b(?:staff|payroll|crime|incident|log|case)"
            rf"{_NUMBER_WORD}[ :#.]*[A-Z]{{0,3}}[/-]?\d[\w/-]*"
            r"|\b[A-Z]{1,3}[-/]?\d{3,}[A-Z]?\b",
            re.I,
        ),
    ),
    # Anything long enough to be a reference; years and school years are left alone.
    (
        "number",
        re.compile(
            r"\b(?!(?:19|20)\d\d(?:[/-]\d\d)?(?![\w/-]))"
            r"(?:\w*\d{4,}\w*(?:[/-]\w+)*|\w*\d(?:[ /-]?\d){5,}\w*)"
        ),
    ),
    (
        "name",
        re.compile(
            rf"\b(?i:{_TITLE})\.?(?: [A-Z]\.?)? (?:{_SURNAME}|[A-Z]{{3,}}\b)(?: {_SURNAME})?"
        ),
    ),
    ("name", re.compile(r"(?i:\b(?:mr|mrs)\.? [a-z'-]+)")),
    ("name", re.compile(rf"\b(?i:{'|'.join(_FIRST_NAMES)})\b(?: {_SURNAME})?")),
    ("name", re.compile(rf"\b(?:{_FIRST_NAME_WORDS.replace(' ', '|')}) {_SURNAME}")),
    ("name", re.compile(r"(?i:\bmy name is|\bI am called) +\w+(?: [A-Z]\w+)?")),
)
KINDS = (*dict.fromkeys(kind for kind, _ in _ADDRESSES + _PATTERNS), "force", "place", "word")
"""What can be taken out, as the mark in square brackets says it."""
_MARK = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")


# What a capitalised name before it makes a place.
_PLACE_WORDS = (
    "Road|Street|Avenue|Lane|Close|Crescent|Drive|Terrace|Square|Estate|Hospital|Infirmary|Surgery"
    "|School|Primary|Academy|College|Nursery|Church|Mosque|Children's Home|Police Station|Nick"
    "|Custody Suite|Town Hall|Civic Centre|Council"
)


@dataclass(frozen=True)
class Redactor:
    """Takes out names, numbers, addresses, forces and, where they are given, places and words.

    Made by `Redactor.of`, once for many texts.

    Parameters
    ----------
    patterns : tuple of (str, re.Pattern)
        Kind and pattern, in the order in which they are looked for.
    """

    patterns: tuple[tuple[str, re.Pattern[str]], ...]

    @classmethod
    def of(
        cls,
        forces: Iterable[str] = (),
        places: Iterable[str] | None = None,
        words: Iterable[str] = (),
    ) -> Redactor:
        """A redactor for these names.

        Parameters
        ----------
        forces : iterable of str
            Names of forces; ``Police`` after a name and ``&`` for ``and`` are understood.
        places : iterable of str, optional
            Names of places, in this spelling; with it, also whatever is called a road, school,
            hospital and so on. None leaves places alone.
        words : iterable of str
            Whatever else must go, in any case: names of people and operations, for example.
        """
        patterns = [*_ADDRESSES]
        listed = _any_of(words)
        if listed:
            patterns.append(("word", re.compile(listed, re.IGNORECASE)))
        patterns.append(("force", _force_pattern(forces)))
        if places is not None:
            # Before the names of people, which streets and schools are called after.
            named = rf"{_SURNAME}(?: (?:of |the |upon )?{_SURNAME}){{0,2}}"
            suffix = re.compile(rf"\b(?:St\.? )?{named} (?:{_PLACE_WORDS})\b")
            patterns.append(("place", suffix))
            known = _any_of(places)
            if known:
                patterns.append(("place", re.compile(known)))
        patterns += _PATTERNS
        return cls(tuple(patterns))

    def redact(self, text: str) -> str:
        """The text on one line, with a word in square brackets for all that was taken out.

        Markup, control, zero-width and bidirectional characters and leading formula signs are
        taken out too. Doing it twice changes nothing.
        """
        # No word is that long, and patterns would try to begin at each of its letters.
        text = _ENDLESS.sub("[word]", text)
        # What one pass takes out can put together what the next one finds.
        for _ in range(6):
            before = text
            text = _without_markup(text)
            for kind, pattern in self.patterns:
                text = pattern.sub(f"[{kind}]", text)
            text = _without_signs(text)
            if text == before:
                break
        return text

    def passage(self, text: str, start: int, end: int) -> str:
        """A part of a text, redacted as the lines around it are.

        A name can be known as one only by what stands before it, so that a passage that begins in
        its middle must not show what is taken out of the whole: a word that does not survive there
        becomes ``[word]``.

        Parameters
        ----------
        text : str
            The whole text; its lines are redacted one by one.
        start, end : int
            Characters, from 0, end exclusive.
        """
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end)
        around = text[first : len(text) if last < 0 else last]
        whole = " ".join(self.redact(line) for line in around.split("\n"))
        survivors = set(re.findall(r"\w+", _MARK.sub(" ", whole)))
        part = " ".join(filter(None, map(self.redact, text[start:end].split("\n"))))
        marks = [*_MARK.findall(part), ""]
        plain = [
            re.sub(r"\w+", lambda m: m.group() if m.group() in survivors else "[word]", piece)
            for piece in _MARK.split(part)
        ]
        return "".join(piece + mark for piece, mark in zip(plain, marks, strict=True))

    def counts(self, text: str) -> Counter[str]:
        """How often each kind is taken out of a text, line by line; marks already there count."""
        return Counter(
            mark.strip("[]")
            for line in text.split("\n")
            for mark in _MARK.findall(self.redact(line))
        )


def redact(text: str, forces: Iterable[str] = ()) -> str:
    """Text without what could name a person or a force, and harmless to show on a page.

    Replaced by a word in square brackets: e-mail addresses, links, handles, dates with a year,
    telephone numbers, postcodes, collar and reference numbers (any of four digits or more that is
    no year), names (after a title or rank, and common first names with a surname), and the forces
    given. See `Redactor` for places and for other words.

    Parameters
    ----------
    text : str
        Free text of any origin.
    forces : iterable of str
        Names of forces; `Police` after a name and `&` for `and` are understood.

    Returns
    -------
    str
        One line, spaces single.

    Notes
    -----
    Names of places, uncommon names without a title and stories that only one case fits are not
    found. Real answers need a reader.
    """
    return Redactor.of(forces).redact(text)


def marks(text: str) -> list[str]:
    """The marks in a redacted text, in its order, with their brackets."""
    return _MARK.findall(text)


def _any_of(names: Iterable[str]) -> str:
    """A pattern of whole names, the longest first; blank without any."""
    known = sorted({name.strip() for name in names if name.strip()}, key=lambda n: (-len(n), n))
    return rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)" if known else ""


def _without_markup(text: str) -> str:
    for _ in range(3):
        text = html.unescape(unicodedata.normalize("NFKC", text))
    # Breaks become spaces; other control, format (zero-width, bidi), private characters vanish.
    text = re.sub(r"[\s\x85\u2028\u2029]+", " ", text)
    text = "".join(c for c in text if unicodedata.category(c)[0] != "C")
    text = re.sub(r"(?is)<(script|style)\b.*?(?:</\1\s*>|$)", " ", text)
    text = re.sub(r"<[^<>]*>", " ", text)
    return re.sub(r"(?i)\b(?:javascript|vbscript|data)\s*:", " ", text)


_SIGNS = str.maketrans({**dict.fromkeys("<>`*_#|~$\\{}^", " "), "[": "(", "]": ")"})


def _without_signs(text: str) -> str:
    """Without what HTML, Markdown, mathematics or a spreadsheet would act on; marks stay."""
    marks = _MARK.findall(text)
    plain = [part.translate(_SIGNS) for part in _MARK.split(text)]
    text = "".join(part + mark for part, mark in zip(plain, [*marks, ""], strict=True))
    # "[link](...)" would be a link again.
    text = text.replace("](", "] (")
    return re.sub(r"\s+", " ", text).strip().lstrip("=+-@ ")


def _force_pattern(forces: Iterable[str]) -> re.Pattern[str]:
    names = {name.strip() for name in forces if name.strip()} | set(FORCE_SHORT_FORMS)
    variants = {re.escape(n) for n in names}
    variants |= {
        re.escape(re.sub(r" and | & ", "\0", n)).replace("\0", "(?: and | & |&)") for n in names
    }
    alternatives = "|".join(sorted(variants, key=lambda v: (-len(v), v)))
    return re.compile(
        rf"(?i)(?<!\w)(?:{alternatives})(?!\w)(?:['\u2019]s)?(?: (?:police|constabulary|force)\b)*"
    )
