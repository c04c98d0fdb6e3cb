"""Set formulas that are written in TeX as MathML, which browsers draw and screen readers speak.

Nothing is loaded for it. JupyterLab shows the same TeX in the notebook.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count

import bleach
from lxml import etree

from ncpi_eval import tables

# As MathJax would take it: $...$ in a line, $$...$$ or an environment by itself.
TEX = re.compile(
    r"\$\$(?P<block>.+?)\$\$"
    r"|(?<![\\$\w])\$(?=\S)(?P<line>[^$\n]*?)(?<=[^\s\\])\$(?![\d$])"
    r"|\\\\\((?P<bracket>.+?)\\\\\)|\\\\\[(?P<square>.+?)\\\\\]"
    r"|(?P<environment>\\begin\{(?P<name>\w+\*?)\}.*?\\end\{(?P=name)\})",
    re.DOTALL,
)
_IN_LINE = ("line", "bracket")
# Between backticks or fences a dollar is code.
_CODE = re.compile(r"(?ms)^ {0,3}(```|~~~).*?^ {0,3}\1|(`+)(?!`).+?(?<!`)\2(?!`)")
_LONGEST = 2000
# What MathML Core knows; neither links nor styles, which TeX can ask for.
_TAGS = frozenset(
    "math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot "
    "mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover".split()
)
_ATTRIBUTES = {
    "*": ["accent", "accentunder", "columnalign", "columnspacing", "displaystyle", "fence", "form"]
    + ["height", "largeop", "linethickness", "lspace", "mathvariant", "maxsize", "minsize"]
    + ["movablelimits", "rowspacing", "rspace", "scriptlevel", "separator", "stretchy", "width"],
    "math": ["display"],
}
# Elements whose parts have a place each: a fraction without a denominator is none.
_PARTS = dict.fromkeys(("mfrac", "mover", "mroot", "msub", "msup", "munder"), 2)
_PARTS |= {"msubsup": 3, "munderover": 3}


class NoFormula(ValueError):
    """TeX that cannot be set; the message says why."""


def found(source: str) -> Iterator[re.Match[str]]:
    """Formulas in Markdown, code left out.

    Parameters
    ----------
    source : str
        Markdown.

    Yields
    ------
    re.Match
        Of `TEX`, with its place in the source.
    """
    code = [match.span() for match in _CODE.finditer(source)]
    for match in TEX.finditer(source):
        if not any(start < match.end() and match.start() < end for start, end in code):
            yield match


@cache  # a page is checked before it is written
def mathml(tex: str, block: bool = False) -> str:
    """A formula as MathML.

    Parameters
    ----------
    tex : str
        TeX of a formula, without the dollars; at most 2,000 characters.
    block : bool
        Whether it stands by itself.

    Returns
    -------
    str
        One ``math`` element, with what MathML Core knows and nothing that links, loads or styles.

    Raises
    ------
    NoFormula
        The TeX is incomplete, nested too deeply, or names a command that is not known.
    """
    from latex2mathml import converter  # late: few pages have a formula

    if len(tex) > _LONGEST:
        raise NoFormula(f"it has {len(tex):,} characters, more than {_LONGEST:,}")
    try:
        made = converter.convert(tex.strip(), display="block" if block else "inline")
        elements = list(etree.fromstring(made).iter("{*}*"))
    except etree.XMLSyntaxError as error:
        raise NoFormula("a text in it holds <, > or &, or it is nested too deeply") from error
    except Exception as error:  # the library's own, and whatever its parser meets
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).casefold()
        raise NoFormula(str(error) or name) from error
    unknown = re.search(r"\\[a-zA-Z]+", made)
    if unknown:
        raise NoFormula(f"the command {unknown.group()} is not known")
    if any(len(one) != _PARTS.get(etree.QName(one).localname, len(one)) for one in elements):
        raise NoFormula("a part is missing")
    return bleach.clean(made, tags=_TAGS, attributes=_ATTRIBUTES, strip=True)


def of_match(match: re.Match[str]) -> str:
    """A match of `TEX` as MathML; raises `NoFormula` as `mathml` does."""
    parts = ("block", "line", "bracket", "square", "environment")
    name = next(part for part in parts if match[part] is not None)
    return mathml(match[name], name not in _IN_LINE)


def around(source: str, html_of: Callable[[str], str]) -> str:
    """Markdown as HTML, its formulas as MathML.

    Parameters
    ----------
    source : str
        Markdown, in which every formula can be set.
    html_of : callable
        Makes HTML of Markdown; sees a word of letters in place of each formula.
    """
    kept: list[str] = []
    text, end = "", 0
    mark = "formula"
    while mark in source:
        mark += "x"
    for match in found(source):
        kept.append(of_match(match))
        text += f"{source[end : match.start()]}{mark}{len(kept) - 1}end"
        end = match.end()
    html = html_of(text + source[end:])
    # One that has a line to itself is scrolled if it is long, so that the page is not.
    alone = count(1)
    html = re.sub(
        rf"<p>{mark}(\d+)end</p>",
        lambda one: tables.scrolling(kept[int(one[1])], f"Formula {next(alone)}"),
        html,
    )
    return re.sub(rf"{mark}(\d+)end", lambda one: kept[int(one[1])], html)
