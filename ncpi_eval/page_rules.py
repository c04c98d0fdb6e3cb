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
    r"\.(?:png|svg|jpe?g)\b|matplotlib",
    re.IGNORECASE,
)
EMPTY_WORDS = re.compile(r"^\W*(?:click here|here|link|more|read more|this|details)\W*$", re.I)
# Attributes that load something or send something; an href of a link only leads there.
LOADING = ("src", "srcset", "poster", "data", "background", "action", "formaction", "cite", "ping")
LINKING = ("link", "image", "use", "feimage", "base", "mpath")
ACTIVE = ("script", "iframe", "frame", "object", "embed", "base", "form", "applet", "portal")
# Markup or its remains that a reader would see as text.
SHOWN_MARKUP: Mapping[str, re.Pattern[str]] = {
    "a tag": re.compile(
        r"</?(?:a|b|br|code|div|em|figure|h[1-6]|i|img|li|p|pre|script|span|strong|style|svg|table|"
        r"tbody|td|th|thead|tr|u?l|ol)\b[^<>]*>",
        re.IGNORECASE,
    ),
    "a character reference": re.compile(r"&(?:amp|lt|gt|quot|nbsp|#\d+|#x[0-9a-f]+);", re.I),
    "a terminal colour": re.compile(r"(?:\x1b|\\u001b|\\x1b|\\033|\u241b)\[[0-9;]*[A-Za-z]"),
    "raw markdown": re.compile(
        r"\*\*\S[^*]*\*\*|\]\((?:https?:|#|\.|[\w/-]+\.(?:html|csv|md))|^\s{0,3}#{1,6}\s+\S|```|"
        r"^\s*\|?\s*:?-{3,}:?\s*\|",
        re.MULTILINE,
    ),
    "a template's mark": re.compile(r"\{\{.*?\}\}|\{%.*?%\}"),
    "a formula's source": re.compile(r"\$\$|\\(?:frac|sqrt|hat|beta|alpha|sum|mathrm|begin)\b"),
    "an object of Python": re.compile(
        r"<[\w.]+ object at 0x[0-9a-f]+>|Traceback \(most recent call last\)|"
        r"\bdtype: (?:object|float64|int64)|Name: \w+, Length: \d+"
    ),
}
# Shown as they are: code, and what people wrote themselves.
VERBATIM = ("pre", "code", "style", "script", "title", "desc", "textarea")
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


def _headings(page: Parsed) -> Iterator[str]:
    headings = page.all("h1", "h2", "h3", "h4", "h5", "h6")
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


def _landmarks(page: Parsed) -> Iterator[str]:
    if len(page.all("main")) != 1:
        yield f"{len(page.all('main'))} main parts, expected one"
    links = page.all("a")
    if not links or links[0].get("href") != "#main" or "skip" not in (links[0].get("class") or ""):
        yield "the first link does not skip to the content"
    for element in page.all("nav"):
        if not (element.get("aria-label") or element.get("aria-labelledby")):
            yield f"{_where(element)} has no name"


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
            if loads and value and not value.startswith(("#", "data:image/")):
                yield f"{short}={value[:60]!r} of {_where(element)}"
            if "(" not in value:
                continue
            for target in re.findall(r"url\(\s*['\"]?([^'\")]*)", value):
                if not target.startswith(("#", "data:image/")):
                    yield f"url({target[:60]}) in {name} of {_where(element)}"
    for element in page.all("style"):
        for target in re.findall(r"@import|url\([^)]*\)", element.text or ""):
            if not re.match(r"url\(\s*['\"]?(?:#|data:image/)", target):
                yield f"{target[:60]} in a style sheet"


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


def _descriptions(page: Parsed) -> Iterator[str]:
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
        problem = _target(page, href)
        if problem:
            yield problem


def _target(page: Parsed, href: str) -> str:
    try:
        parts = urlsplit(href)
    except ValueError:
        return f"{href[:60]!r} is no address"
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
    "security policy": _policy,
    "headings": _headings,
    "landmarks": _landmarks,
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
