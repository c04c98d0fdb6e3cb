"""Rules for a finished page that axe-core lacks: what it holds, read from its file.

Each rule is a function of a parsed page that yields what it finds, and `RULES` names them all. They
see a page alone, without a browser; `pages_check` opens the same pages in Chromium.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html
from lxml.html import HtmlElement

LANGUAGE = "en-GB"
# A picture's description, as the project's charter asks: the finding in one or two sentences.
DESCRIPTION = (30, 250)
STOCK = re.compile(
    r"no description|^\W*(?:an?\s+|the\s+)?(?:image|picture|figure|graph|chart|plot|photo|graphic)"
    r"(?:\s+\d+)?\W*$|^\W*(?:an?\s+)?(?:image|picture|photo|graphic|screenshot)\s+of\b|"
    r"alt(?:ernative)? text|image may contain|untitled|placeholder|lorem ipsum|"
    r"\.(?:png|svg|jpe?g)\b|matplotlib|^\S+$|"
    # It says that there is a picture, where a reader who cannot see it needs what it says.
    r"^\W*(?:(?:an?|the|this|these)\s+)?(?:(?:stacked|grouped|horizontal|vertical|simple|bar|line|"
    r"dot|box|scatter|forest|pie|flow)\s+)*(?:image|picture|photo|figure|graph|plot|chart|diagram|"
    r"graphic|screenshot|illustration)s?\s+(?:of|for|with|that|to|showing|shows?|"
    r"illustrat\w+|depict\w*|display\w*|compar\w+|present\w*)\b",
    re.IGNORECASE,
)
EMPTY_WORDS = re.compile(
    r"^\W*(?:(?:click|see|go)? ?here|link|link text|(?:read|see|show|view|learn|find out) more|"
    r"more(?: information| details)?|this|this (?:page|link|table|report)|page|details|download|"
    r"view|open|go|continue|see|website|source)\W*$",
    re.IGNORECASE,
)
# Attributes that load something or send something; an href of a link only leads there.
LOADING = (
    *("src", "srcset", "imagesrcset", "poster", "data", "background"),
    *("action", "formaction", "cite", "ping"),
)
LINKING = ("link", "image", "use", "feimage", "base", "mpath")
ACTIVE = (
    *("script", "iframe", "frame", "object", "embed", "base", "form", "applet", "portal"),
    # What moves or sounds by itself.
    *("audio", "video", "marquee", "blink", "bgsound", "animate", "animatetransform", "set"),
)
# Markup or its remains that a reader would see as text.
SHOWN_MARKUP: Mapping[str, re.Pattern[str]] = {
    "a tag": re.compile(
        r"</?(?:a|b|big|blockquote|br|caption|code|col|details|div|em|figcaption|figure|font|"
        r"h[1-6]|hr|i|iframe|img|input|li|main|math|nav|p|pre|q|script|section|small|span|strong|style|"
        r"su[bp]|"
        r"summary|svg|table|tbody|td|text|tfoot|th|thead|tr|u?l|ol)\b[^<>]*>",
        re.IGNORECASE,
    ),
    "a character reference": re.compile(r"&(?:amp|lt|gt|quot|nbsp|#\d+|#x[0-9a-f]+);", re.I),
    "a terminal colour": re.compile(r"(?:\x1b|\\u001b|\\x1b|\\033|\u241b)\[[0-9;]*[A-Za-z]"),
    "raw markdown": re.compile(
        r"\*\*\S[^*]*\*\*|\]\((?:https?:|#|\.|[\w/-]+\.(?:html|csv|md))|^\s{0,3}#{1,6}\s+\S|```|"
        r"^\s*\|?\s*:?-{3,}:?\s*\||!\[[^\]\n]*\]\(|\w\]\[\w|`[^`\n]+`|"
        r"(?<![\w_])__[^\W_][^_\n]*__(?!\w)|(?<![\w*])\*[^\W\d][^*\n]*\*(?![\w*])|"
        r"(?<![\w_])_[^\W\d_][^_\n]*_(?![\w_])|^[ \t]*([-*•]) \S[^\n]*\n[ \t]*\1 |"
        r"^[ \t]*[•>] \S",
        re.MULTILINE,
    ),
    "a template's mark": re.compile(r"\{\{.*?\}\}|\{%.*?%\}"),
    "a formula's source": re.compile(
        r"\$\$|\\(?:frac|sqrt|hat|bar|beta|alpha|sum|begin|times|leq?|geq?|pm)\b|\\[a-zA-Z]+\{|"
        r"\\[(\[]\S|(?<![\w$])\$[A-Za-z\\][^$\n]{0,80}\$(?!\w)"
    ),
    "an object of Python": re.compile(
        r"<[\w.]+ object at 0x[0-9a-f]+>|Traceback \(most recent call last\)|"
        r"\bdtype: (?:object|float64|int64)|Name: \w+, Length: \d+|"
        r"<(?:Figure size|Axes|AxesSubplot|Figure|bound method|function|class|module|NA)\b"
        r"[^<]{0,80}>|"
        r"\b(?:np|numpy|pd|pandas|datetime)\.\w+\(|\b(?:array|Timestamp|Timedelta|DataFrame|Series|"
        r"Decimal|PosixPath)\(|\d+ rows [x×] \d+ columns|[{,] ?'[^'\n]*': |"
        r"^[ \t]*(?:In|Out) ?\[\d*\]:|"
        r"\{[a-z_]\w*(?:![rsa])?:[^{}\s]*\}|(?<!\w)%\(?[sd]\b|\b[A-Z]\w+(?:Warning|Error): ",
        re.MULTILINE,
    ),
    "a number that was not made for readers": re.compile(
        r"\d\.\d{13,}|(?<![\w.])\d+(?:\.\d+)?e[-+]\d{2,3}\b|^\s*[-−]0(?:\.0+)?%?\s*$"
    ),
    "a missing value": re.compile(
        r"^\s*(?:None|<NA>|nan|NA|null|undefined|[-−+]?inf(?:inity)?)%?\s*$|"
        r"(?<![\w.-])(?:nan|NaN|NaT|[-−]inf)(?!\w|\.\w)%?"
    ),
    "words to be written": re.compile(
        r"\b(?:TODO|TBC|TBD|FIXME|XXX)\b|lorem ipsum|\bUnnamed: \d", re.IGNORECASE
    ),
    "broken letters": re.compile("â€|Ã[\x80-\xbf©¨¤¶¼]|Â[£ ·°±]|ï¿½|\ufffd"),
}
# Of code and what it wrote, which are shown as they are, a reader sees only that it went wrong.
WENT_WRONG = re.compile(r"Traceback \(most recent call last\)|\b[A-Z]\w+Warning: ")
# Shown as they are: code, and what people wrote themselves.
VERBATIM = ("pre", "code", "style", "script", "title", "desc", "textarea")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# What the Tab key may stop at without being told what it is.
STOPS = ("a", "button", "input", "select", "summary", "textarea")
CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong on one page.

    ``page`` is the file, ``rule`` the name of the rule, ``detail`` what was found and where.
    """

    page: str
    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.page}: {self.rule}: {self.detail}"


@dataclass
class Parsed:
    """A page's file and its elements; ``others`` keeps the addresses of pages it links to."""

    path: Path
    source: str
    others: dict[Path, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def root(self) -> HtmlElement:
        parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
        return html.document_fromstring(self.source.encode("utf-8") or b"<p>", parser=parser)

    @cached_property
    def elements(self) -> list[HtmlElement]:
        return [element for element in self.root.iter() if isinstance(element.tag, str)]

    def all(self, *names: str) -> list[HtmlElement]:
        return [element for element in self.elements if element.tag in names]


Rule = Callable[[Parsed], Iterator[str]]


def read(path: Path, others: dict[Path, frozenset[str]] | None = None) -> Parsed:
    """The page in a file, in UTF-8; ``others`` is shared among pages that link to each other."""
    source = path.read_bytes().decode("utf-8", errors="replace")
    return Parsed(path, source, others if others is not None else {})


def findings(page: Parsed, name: str = "") -> list[Finding]:
    """What the rules find on a page, in the order of `RULES`; nothing on a good page."""
    name = name or page.path.name
    return [Finding(name, rule, detail) for rule, check in RULES.items() for detail in check(page)]


def active(source: str) -> list[str]:
    """What runs, asks or sends on a page that is about to be written; nothing on a good one."""
    page = Parsed(Path("page.html"), source)
    return [*_script(page), *_requests(page)]


def text_of(element: HtmlElement) -> str:
    """Words of an element and all in it, with single spaces."""
    return " ".join("".join(element.itertext()).split())


def _where(element: HtmlElement) -> str:
    near = element
    while near is not None and not near.get("id"):
        near = near.getparent()
    place = f" in #{near.get('id')}" if near is not None and near is not element else ""
    own = f"#{element.get('id')}" if element.get("id") else ""
    return f"<{element.tag}{own}>{place}"


# The page as a whole


def _language(page: Parsed) -> Iterator[str]:
    given = page.root.get("lang")
    if given != LANGUAGE:
        yield f"lang is {given!r}, expected {LANGUAGE!r}"


def _title(page: Parsed) -> Iterator[str]:
    titles = [text_of(element) for element in page.root.iterfind("head/title")]
    if len(titles) != 1 or not titles[0]:
        yield f"{len(titles)} titles in the head, expected one with words"
    elif re.fullmatch(r"[\w.-]+\.(?:ipynb|html)|notebook|untitled.*", titles[0], re.IGNORECASE):
        yield f"the title is a file's name: {titles[0]!r}"


def _policy(page: Parsed) -> Iterator[str]:
    policies = [
        element
        for element in page.all("meta")
        if (element.get("http-equiv") or "").lower() == "content-security-policy"
    ]
    if len(policies) != 1:
        yield f"{len(policies)} content security policies, expected one"
        return
    policy = policies[0].get("content") or ""
    if "default-src 'none'" not in policy:
        yield f"default-src is not 'none': {policy[:80]!r}"
    if re.search(r"unsafe|https?:|\*|script-src", policy):
        yield f"the policy allows too much: {policy[:120]!r}"
    before = [e for e in page.elements[: page.elements.index(policies[0])] if e.tag == "style"]
    if before:
        yield "a style stands before the policy"
    for element in page.all("style"):
        if sha256(element.text or "") not in policy:
            yield "the policy does not name this style sheet"


def sha256(style: str) -> str:
    """A style sheet's hash as a security policy names it."""
    digest = hashlib.sha256(style.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _screen(page: Parsed) -> Iterator[str]:
    """Letters and width are declared, and nobody is kept from enlarging the page."""
    named = {(e.get("name") or "").lower(): e.get("content") or "" for e in page.all("meta")}
    if not any(e.get("charset") for e in page.all("meta")):
        yield "the page does not declare its letters (charset)"
    if "width=device-width" not in named.get("viewport", ""):
        yield "the page does not take the width of its screen (viewport)"
    elif re.search(r"user-scalable|maximum-scale|minimum-scale", named["viewport"]):
        yield f"the page forbids to enlarge it: {named['viewport']!r}"
    for element in page.elements:
        if element.tag in ("font", "center") or element.get("bgcolor"):
            yield f"{_where(element)} has colours or places that no style knows"


def _headings(page: Parsed) -> Iterator[str]:
    headings = page.all(*HEADINGS)
    first = [element for element in headings if element.tag == "h1"]
    if len(first) != 1:
        yield f"{len(first)} headings of level 1, expected one"
    # The contents list stands before the page's own heading and has one of its own.
    above = 0
    for element in headings:
        level = int(element.tag[1])
        if not text_of(element):
            yield f"{_where(element)} has no words"
        if any(parent.tag == "nav" for parent in element.iterancestors()):
            continue
        if level > above + 1:
            yield f"{text_of(element)[:60]!r} skips from level {above} to {level}"
        above = level
    yield from _sections(page, headings)
    for element in page.all("p"):
        bold = element.find("strong") if element.find("b") is None else element.find("b")
        if bold is not None and len(element) == 1 and text_of(bold) == text_of(element):
            yield f"{text_of(bold)[:60]!r} looks like a heading and is none"


def _sections(page: Parsed, headings: list[HtmlElement]) -> Iterator[str]:
    """A part has content, a name that no other has, and a place in the list of contents."""
    parts = [e for e in headings if e.tag == "h2" and e.getparent().tag != "nav"]
    listed = {link.get("href") for nav in page.all("nav") for link in nav.iter("a")}
    for words, times in Counter(text_of(element) for element in parts).items():
        if times > 1:
            yield f"{words[:60]!r} is the name of {times} parts"
    for element in parts:
        # The list holds the parts of a page; one alone needs none.
        if len(parts) > 1 and f"#{element.get('id')}" not in listed:
            yield f"the list of contents does not lead to {text_of(element)[:60]!r}"
    for element in headings:
        after = element.getnext()
        if element.tail and element.tail.strip():
            continue
        if after is not None and after.tag in HEADINGS[: HEADINGS.index(element.tag) + 1]:
            yield f"nothing stands under {text_of(element)[:60]!r}"


def _landmarks(page: Parsed) -> Iterator[str]:
    if len(page.all("main")) != 1:
        yield f"{len(page.all('main'))} main parts, expected one"
    links = page.all("a")
    if not links or links[0].get("href") != "#main" or "skip" not in (links[0].get("class") or ""):
        yield "the first link does not skip to the content"
    for element in page.all("nav"):
        if not (element.get("aria-label") or element.get("aria-labelledby")):
            yield f"{_where(element)} has no name"


def _keys(page: Parsed) -> Iterator[str]:
    """The Tab key goes through the page in its order and stops only where something can be done."""
    for element in page.elements:
        stop = element.get("tabindex")
        if stop is not None and not re.fullmatch(r"0|-1", stop):
            yield f"{_where(element)} has a place of its own in the order of the Tab key: {stop!r}"
        if stop == "0" and element.tag not in STOPS and not element.get("role"):
            yield f"the Tab key stops at {_where(element)}, which has no role"
        if element.get("accesskey") is not None:
            yield f"{_where(element)} takes the key {element.get('accesskey')!r} from its reader"
        if element.get("autofocus") is not None or element.get("autoplay") is not None:
            yield f"{_where(element)} begins by itself"
        if element.tag == "details":
            summary = element.find("summary")
            if summary is None or not text_of(summary):
                yield f"{_where(element)} does not say what it holds"
            if element.get("open") is not None and "code" in (element.get("class") or ""):
                yield f"the code in {_where(element)} is not folded"


def _identities(page: Parsed) -> Iterator[str]:
    counted = Counter(element.get("id") for element in page.elements if element.get("id"))
    for identity, times in counted.items():
        if times > 1:
            yield f"id {identity!r} stands {times} times"


# What runs or asks


def _script(page: Parsed) -> Iterator[str]:
    for element in page.elements:
        if element.tag in ACTIVE:
            yield f"{_where(element)} may not be on a page"
        if element.tag == "meta" and (element.get("http-equiv") or "").lower() == "refresh":
            yield "a refresh of the page"
        for name, value in element.attrib.items():
            plain = re.sub(r"[\x00-\x20]", "", value).lower() if ":" in value else ""
            if name.startswith("on"):
                yield f"the handler {name} of {_where(element)}"
            elif name == "style":
                yield f"an inline style of {_where(element)}, which the policy refuses"
            elif re.match(r"(?:java|vb|live)script:|data:(?!image/(?:png|gif|jpeg);)", plain):
                yield f"{name}={value[:40]!r} of {_where(element)}"


def _requests(page: Parsed) -> Iterator[str]:
    for element in page.elements:
        for name, value in element.attrib.items():
            short = name.rsplit("}", 1)[-1].removeprefix("xlink:")
            loads = short in LOADING or (short == "href" and element.tag in LINKING)
            outside = not value.startswith(("#", "data:image/")) or (
                "srcset" in short and re.search(r"//|, *[^\s,]+\.\w+", value)
            )
            if loads and value and outside:
                yield f"{short}={value[:60]!r} of {_where(element)}"
            if "(" not in value:
                continue
            for target in re.findall(r"url\(\s*['\"]?([^'\")]*)", value):
                if not target.startswith(("#", "data:image/")):
                    yield f"url({target[:60]}) in {name} of {_where(element)}"
    for element in page.all("style"):
        # Letters may be written as numbers, so that a name is looked for as it is read.
        style = re.sub(r"\\([0-9a-fA-F]{1,6}) ?", _letter, element.text or "")
        for target in re.findall(r"(?i)@import|(?:url|image-set|src)\([^)]*\)", style):
            if not re.match(r"(?i)url\(\s*['\"]?(?:#|data:image/)", target):
                yield f"{target[:60]} in a style sheet"


def _letter(found: re.Match[str]) -> str:
    number = int(found.group(1), 16)
    return chr(number) if 0 < number < 0x110000 else ""


# Tables and figures


def _tables(page: Parsed) -> Iterator[str]:
    for table in page.all("table"):
        name = _where(table)
        caption = table.find("caption")
        if caption is None or not text_of(caption):
            yield f"{name} has no caption"
        headers = list(table.iter("th"))
        if not headers:
            yield f"{name} has no headers"
        for cell in headers:
            if cell.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
                yield f"{name}: the header {text_of(cell)[:40]!r} has no scope"
            if not text_of(cell):
                yield f"{name} has an empty header cell"
        if any(table.iterdescendants("table")):
            yield f"{name} holds another table"
        if table.get("role"):
            yield f"{name} has the role {table.get('role')!r}, as if it were none"
        if any(not text_of(cell) for cell in table.iterfind("thead//td")):
            yield f"{name} has an empty cell among its headers"
        yield from _ragged(table, name)
    # Folded numbers have the name of their figure.
    captions = [
        text_of(caption)
        for caption in page.all("caption")
        if not any(parent.tag == "details" for parent in caption.iterancestors())
    ]
    for caption, times in Counter(captions).items():
        if caption and times > 1:
            yield f"{times} tables have the caption {caption[:60]!r}"
        if re.fullmatch(r"(?i)(?:table|figure|data|output)?\s*[\d.]*", caption) and caption:
            yield f"the caption {caption!r} says nothing"


def _ragged(table: HtmlElement, name: str) -> Iterator[str]:
    """Rows of one table have equally many cells, counted with those that reach over others."""
    below: Counter[int] = Counter()
    widths = set()
    for at, row in enumerate(table.iter("tr")):
        width = below.pop(at, 0)
        for cell in row.iterchildren("td", "th"):
            across, down = (int(cell.get(side) or 1) for side in ("colspan", "rowspan"))
            width += across
            below.update({at + further: across for further in range(1, down)})
        widths.add(width)
    if len(widths) > 1:
        yield f"{name} has rows of {' and '.join(map(str, sorted(widths)))} cells"


def _descriptions(page: Parsed) -> Iterator[str]:
    known: dict[str, str] = {}
    captions = {
        text_of(element).rstrip(".").casefold()
        for element in page.elements
        if element.get("class") == "caption" or element.tag in ("caption", "figcaption")
    }
    for picture in page.all("img", "svg"):
        if picture.tag == "svg" and "formula" in (picture.get("class") or ""):
            continue
        text = _description(page, picture)
        if not text:
            yield f"{_where(picture)} has no description"
        elif STOCK.search(text):
            yield f"{_where(picture)} has a stock phrase: {text[:60]!r}"
        elif not DESCRIPTION[0] <= len(text) <= DESCRIPTION[1]:
            yield f"{_where(picture)}: {len(text)} characters, expected {DESCRIPTION}"
        elif text.rstrip(".").casefold() in captions:
            yield f"{_where(picture)} is described by a caption again: {text[:60]!r}"
        elif text in known:
            yield f"{_where(picture)} is described as {known[text]}: {text[:60]!r}"
        known.setdefault(text, _where(picture))


def _description(page: Parsed, picture: HtmlElement) -> str:
    if picture.tag == "img":
        return " ".join((picture.get("alt") or "").split())
    named = (picture.get("aria-labelledby") or "").split()
    held = {e.get("id"): e for e in picture.iter() if isinstance(e.tag, str) and e.get("id")}
    if picture.get("role") != "img" or not named or any(name not in held for name in named):
        return ""
    return " ".join(text_of(e) for e in picture.iter("desc") if e.get("id") in named)


def _figures(page: Parsed) -> Iterator[str]:
    for figure in page.all("figure"):
        name = _where(figure)
        pictures = [e for e in figure.iter("img", "svg")]
        if pictures and not any(d.find(".//table") is not None for d in figure.iter("details")):
            yield f"{name} has no folded table of its data"
        if figure.find(".//figcaption") is None or "Source:" not in text_of(figure):
            yield f"{name} says no source"
        files = [a.get("href") or "" for a in figure.iter("a")]
        if not any(href.endswith(".csv") for href in files):
            yield f"{name} offers no CSV"
        captions = [e for e in figure.iter() if e.get("class") == "caption" or e.tag == "caption"]
        folded = {e for details in figure.iter("details") for e in details.iter()}
        if pictures and not any(text_of(e) for e in captions if e not in folded):
            yield f"{name} has no caption"
    for picture in page.all("img", "svg"):
        above = {parent.tag for parent in picture.iterancestors()}
        if "figure" not in above and "formula" not in (picture.get("class") or ""):
            yield f"{_where(picture)} stands outside a figure"


# Words and links


def _shown_markup(page: Parsed) -> Iterator[str]:
    for element, text in _visible(page):
        for what, pattern in SHOWN_MARKUP.items():
            found = pattern.search(text)
            if found:
                yield f"{what} as text in {_where(element)}: {found.group(0)[:50]!r}"
    for element in page.all("pre"):
        found = WENT_WRONG.search("".join(element.itertext()))
        if found:
            yield f"a warning or an error in {_where(element)}: {found.group(0)[:50]!r}"


def _control(page: Parsed) -> Iterator[str]:
    for found in sorted(set(CONTROL.findall(page.source))):
        yield f"the control character U+{ord(found):04X}"


def _visible(page: Parsed) -> Iterator[tuple[HtmlElement, str]]:
    for element in page.elements:
        if element.tag not in VERBATIM and element.text and element.text.strip():
            if not _verbatim(element):
                yield element, element.text
        parent = element.getparent()
        if element.tail and element.tail.strip() and parent is not None and not _verbatim(parent):
            yield parent, element.tail


def _verbatim(element: HtmlElement) -> bool:
    return element.tag in VERBATIM or any(e.tag in VERBATIM for e in element.iterancestors())


def _links(page: Parsed) -> Iterator[str]:
    for link in page.all("a"):
        href, words = link.get("href"), text_of(link)
        if href is None:
            continue
        if not words and not link.get("aria-label"):
            yield f"a link without words to {href[:60]!r}"
        elif EMPTY_WORDS.match(words):
            yield f"the link {words!r} to {href[:60]!r} says nothing"
        if link.get("target"):
            yield f"the link {words[:40]!r} opens a window of its own"
        problem = _target(page, href)
        if problem:
            yield problem


def _target(page: Parsed, href: str) -> str:
    try:
        parts = urlsplit(href)
    except ValueError:
        return f"{href[:60]!r} is no address"
    if re.match(r"(?:localhost|127\.|0\.0\.0\.0|\[::1\])", parts.hostname or ""):
        return f"{href[:60]!r} leads to a place of one machine"
    if parts.scheme in ("http", "https", "mailto"):
        return ""
    if parts.scheme or parts.netloc or href.startswith("/"):
        return f"{href[:60]!r} leads to a place of one machine"
    target = page.path if not parts.path else page.path.parent / unquote(parts.path)
    if not target.is_file():
        return f"{href[:80]!r} leads to a file that is not there"
    if parts.fragment and unquote(parts.fragment) not in _addresses(page, target):
        return f"{href[:80]!r} leads to an address that is not there"
    return ""


def _addresses(page: Parsed, target: Path) -> frozenset[str]:
    target = target.resolve()
    if target not in page.others:
        other = page if target == page.path.resolve() else read(target)
        page.others[target] = frozenset(e.get("id") for e in other.elements if e.get("id"))
    return page.others[target]


RULES: Mapping[str, Rule] = {
    "language": _language,
    "title": _title,
    "screen": _screen,
    "security policy": _policy,
    "headings": _headings,
    "landmarks": _landmarks,
    "keys": _keys,
    "same id twice": _identities,
    "something that runs": _script,
    "outside request": _requests,
    "table": _tables,
    "description": _descriptions,
    "figure without its data": _figures,
    "markup shown as text": _shown_markup,
    "control character": _control,
    "link": _links,
}
