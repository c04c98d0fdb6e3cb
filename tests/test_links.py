"""Every number of the built report leads to its row, and the row says what the page shows.

The pages are read as a browser would read them; nothing of the code that wrote the links is used.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache

import lxml.html
import pandas as pd
import pytest

from ncpi_eval import declarations, layouts, questionnaire, results, tables, workspace

OUTPUTS = workspace.OUTPUTS
CODEBOOK = questionnaire.load()
PAGES = [f"html/{page.stem}.html" for page in declarations.read().pages]
# Fields that `say` and tables can show besides columns, see `results.shown`.
FIELDS = (
    *("percent", "base", "interval", "interval_clustered", "difference"),
    *("difference_interval", "difference_interval_clustered", "ratio_interval"),
)
TO_DATA = re.compile(r"(?:^|/)data-(?P<name>[a-z0-9_-]+)\.html(?:#(?P<id>.+))?$")

pytestmark = pytest.mark.skipif(
    not (OUTPUTS / "index.html").exists(), reason="needs the built report"
)


@cache
def rows(name: str) -> pd.DataFrame:
    types = dict.fromkeys(results.TEXT, "str")
    frame = pd.read_csv(
        OUTPUTS / "results" / f"{name}.csv", dtype=types, keep_default_na=False, na_values=[""]
    )
    return frame.set_index("id", drop=False)


@cache
def anchors(name: str) -> frozenset[str]:
    page = lxml.html.parse(str(OUTPUTS / "html" / f"data-{name}.html"))
    return frozenset(page.xpath("//*/@id"))


def parsed(file: str) -> lxml.html.HtmlElement:
    text = (OUTPUTS / file).read_text(encoding="utf-8")
    return lxml.html.document_fromstring(text)


def shown_of(row: pd.Series) -> set[str]:
    """Every way in which a page may show a field of this row."""
    texts = {
        show(row, f) for f in (*row.index, *FIELDS) for show in (results.shown, tables.cell_text)
    }
    if str(row.get("unit", "")).startswith("percent"):  # printed in the report, without its sign
        texts.add(f"{results.shown(row, 'value')}%")
    days = {text for text in texts if re.fullmatch(r"\d{4}-\d\d-\d\d", text)}  # said in words
    texts |= {f"{date.fromisoformat(day):%d %B %Y}".lstrip("0") for day in days}
    return texts | {re.sub(r" percentage points?$", "", text) for text in texts}


def says(row: pd.Series, text: str) -> bool:
    """Whether the row says this, as it stands or with codes in the words of the codebook."""
    shown = shown_of(row)
    first, _, rest = text.partition(" ")  # a code and its name, as in a diagram
    in_words = {layouts.in_words(value, CODEBOOK) for value in shown}
    whole = text in shown | in_words or {first, rest} <= shown
    return whole or holds(shown | in_words, text) or is_about(shown, text)


def holds(shown: set[str], text: str) -> bool:
    """Whether it is a part of a long text of the row, from word to word."""
    part = re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")
    return any(len(value) > tables.LINKED and part.search(value) for value in shown)


def is_about(shown: set[str], text: str) -> bool:
    """Whether it names the row that another one rests on, after what rows of its kind share."""
    plain = {value.replace("_", " ").casefold() for value in shown}
    for words in (text, re.sub(r" \([^()]+\)$", "", text)):  # what tells two of one name apart
        parts = words.casefold().split(": ")
        if any(": ".join(parts[place:]) in plain for place in range(len(parts))):
            return True
    return False


def declared_results() -> set[str]:
    return {name for page in declarations.read().pages for name in page.results}


@pytest.mark.parametrize("file", [*PAGES, "index.html"])
def test_each_link_to_a_row_shows_what_the_row_says(file: str) -> None:
    wrong = []
    for link in parsed(file).xpath("//a[@href]"):
        found = TO_DATA.search(link.get("href"))
        if not found or found["name"] not in declared_results():
            continue
        name, identity, text = found["name"], found["id"], link.text_content()
        assert (OUTPUTS / file).parent.joinpath(link.get("href").split("#")[0]).is_file()
        if identity is None:
            continue
        if identity not in anchors(name) or identity not in rows(name).index:
            wrong.append(f"{text}: no row {identity} on the page of {name}")
        elif not says(rows(name).loc[identity], text):
            wrong.append(f"{text} is not what {name} says of {identity}")
    assert wrong == []


@pytest.mark.parametrize("file", PAGES)
def test_each_row_of_a_table_with_a_number_in_it_leads_to_its_row(file: str) -> None:
    page = parsed(file)
    linked = 0
    without = []
    for figure in page.xpath("//figure[@id]"):
        for row in figure.xpath(".//tbody/tr"):
            numbers = [c for c in row.xpath("./td") if re.search(r"\d", c.text_content())]
            links = row.xpath(".//td//a[contains(@href, 'data-')]")
            linked += len(links)
            if numbers and not links:
                without.append(f"{figure.get('id')}: {row.text_content()[:80]}")
    assert without == []
    assert linked or not page.xpath("//figure[@id]")


@pytest.mark.parametrize("file", PAGES)
def test_a_table_spread_out_leads_from_each_of_its_numbers_to_a_row_of_its_own(file: str) -> None:
    """With one link in each of several cells, all cells with numbers have one, each its own."""
    for row in parsed(file).xpath("//figure[@id]//tbody/tr"):
        cells = [
            c for c in row.xpath("./td[@class='number']") if re.search(r"\d", c.text_content())
        ]
        links = [c.xpath(".//a/@href") for c in cells]
        if sum(bool(found) for found in links) > 1:
            assert all(len(found) == 1 for found in links), row.text_content()
            targets = [found[0] for found in links]
            assert len(set(targets)) == len(targets), row.text_content()


def test_the_check_sees_a_wrong_number_and_a_lost_row() -> None:
    name = next(iter(sorted(declared_results())))
    row = rows(name).iloc[0]
    assert says(row, results.shown(row, "id"))
    assert not says(row, "123456789%") and not says(row, "a sentence of words and 123456789")
    assert "no-such-id" not in anchors(name)
