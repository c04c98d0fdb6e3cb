"""Typed numbers are found in digits and in words, and what cannot go stale may be typed."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ncpi_eval import literals, notebook_prose

TYPED = {
    "We found 54% of them.": "54%",
    "There are 856 respondents.": "856",
    "It rose from {x} to 1,234.5 in all.": "1,234.5",
    "Three in five know the aims.": "Three in five",
    "two of the four subjects differ": "two of the four",
    "A quarter of respondents left.": "A quarter of",
    "half of them agree": "half of",
    "Seven forces were inspected.": "Seven forces",
    "Twelve small forces answered.": "Twelve small forces",
    "ten per cent": "ten per cent",
    "twice as many": "twice as",
    "a share of 0.3": "0.3",
}
HARMLESS = (
    "The survey ran in February and March 2019, from 2019-02 on; the act of 1996.",
    "On 12 March 2020, and again in 2021/22.",
    "Figure 2.2 and tables C.2, C.3 and C.4, chapters 1 to 5, appendix E.",
    "Lines on the bars are 95% intervals; a 95 per cent confidence interval; 95 in 100.",
    "significant at the 0.05 level; a line that crosses 0.05",
    "A count of fewer than ten people or a base of fewer than 30 is withheld.",
    "at least two forces, at most 25 lines, up to five years, over 5 years, 20 or more",
    "in fewer than half of the cases, rounded to five",
    "immediately, within three or within six months",
    "one of the two lowest answers, three views of leadership, a two-sided test",
    "The difference between two groups of forces; the first and the second.",
    "Open Government Licence v3.0, WCAG 2.2, COVID-19, Proposition 99, `FSyst_1` and TrainFre_3",
    "See [the third page](03-perceived-impact.html) and https://example.org/2/3",
    "1. first\n2. second",
    "{a} of {b.count} respondents",
)


@pytest.mark.parametrize(("text", "found"), TYPED.items())
def test_a_typed_number_is_found(text: str, found: str) -> None:
    assert literals.typed_numbers(text) == [found]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_cannot_go_stale_may_be_typed(text: str) -> None:
    assert literals.typed_numbers(text) == []


def test_a_declared_phrase_may_stand_and_nothing_else() -> None:
    text = "The report prints 54% and\n37% there."
    assert literals.typed_numbers(text, ["prints 54%"]) == ["37%"]


def test_every_kind_of_prose_in_a_notebook_is_read() -> None:
    cells = [
        new_markdown_cell("There are 11 of them."),
        new_code_cell('say("We count 12 and {x}.", x=pick(rows, response="13"))'),
        new_code_cell('tables.show(rows, caption="All 14", note="Of 15", source="Survey of 2019")'),
        new_code_cell('figures.show(f, rows, alt=say("They are 16", x=y), empty="None of 17")'),
        new_code_cell("rows.head(18)"),
    ]
    found = notebook_prose.problems(cells, "no-such-notebook")
    numbers = [line.split("types ")[1].split(" in ")[0] for line in found]
    assert numbers == ["'11'", "'12'", "'14'", "'15'", "'17'", "'16'"]
    assert found[0].startswith("cell 1 types '11' in 'There are 11 of them.': compute it with say")


def test_a_published_number_is_looked_up() -> None:
    # Executive summary, evaluation methodology: 37 depth interviews (data/published/figures.csv)
    good = new_code_cell('say("The report had 37.", published=("37",))')
    assert notebook_prose._is_published("37") and not notebook_prose._is_published("123456")
    assert [p for p in notebook_prose.problems([good], "x") if "declares" in p] == []
    bad = new_code_cell('say("The report had 123456.", published=("123456",))')
    assert "declares '123456' as published" in notebook_prose.problems([bad], "x")[-1]


def test_an_exception_that_is_not_needed_is_named(monkeypatch, tmp_path) -> None:
    file = tmp_path / "typed.csv"
    file.write_text("notebook,phrase,place\na,two of  three,chapter 2\na,gone 5,\n")
    monkeypatch.setattr(notebook_prose, "DECLARED", file)
    nbformat.write(
        new_notebook(cells=[new_markdown_cell("it is two\nof three")]), tmp_path / "a.ipynb"
    )
    found = notebook_prose.unused(tmp_path)
    assert found == [
        "data/quality/typed_numbers.csv: 'gone 5' is not in a",
        "data/quality/typed_numbers.csv: 'gone 5' has no place or reason",
    ]
