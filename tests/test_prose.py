"""Sentences whose numbers are rows."""

from __future__ import annotations

import pandas as pd
import pytest

from ncpi_eval import prose, results
from ncpi_eval.errors import InputError


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path))
    frame = pd.DataFrame(
        {
            "id": ["Q.1.all.all.2019", "Q.2.all.all.2019"],
            "item": ["<b>x</b>", "y"],
            "response": ["1", "2"],
            "unit": "respondents",
            "count": [1540, 5],
            "denominator": [2000, 2000],
            "estimate": [0.77, 0.0025],
            "ci_low": [0.75, 0.0],
            "ci_high": [0.79, 0.01],
            "p_value": [0.0001, 0.2],
            "data_kind": "synthetic",
        }
    )
    return results.save("survey_estimates", frame)


def test_numbers_are_formatted_and_linked(saved):
    said = prose.say("So say {x} of {x.base}.", x=results.pick(saved, response="1"))
    link = '<a href="data-survey_estimates.html#Q.1.all.all.2019">'
    assert said._repr_html_() == f"<p>So say {link}77%</a> of {link}2,000</a>.</p>"
    assert str(said) == "So say 77% of 2,000."


def test_the_output_carries_its_kind_of_data(saved):
    said = prose.say("{x}", x=results.pick(saved, response="1"))
    data, metadata = said._repr_mimebundle_()
    assert data == {"text/html": said.html, "text/plain": "77%"}
    assert metadata == {"ncpi_eval": {"kind": "prose", "data_kind": ["synthetic"]}}


def test_fields(saved):
    row = results.pick(saved, response="1")
    said = prose.say("{x.count}; {x.interval}; p {x.p_value}; {x.item}", x=row)
    assert str(said) == "1,540; 75% to 79%; p <0.001; <b>x</b>"
    assert "&lt;b&gt;x&lt;/b&gt;" in said.html


def test_an_interval_that_the_profile_takes_out_is_marked(saved, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_PROTECT_SYNTHETIC", "1")
    monkeypatch.setenv("NCPI_EVAL_PROFILE", "opensafely")
    row = results.pick(results.save("survey_estimates", saved), response="1")
    assert str(prose.say("{x} ({x.interval})", x=row)) == "77% ([c])"


def test_template_text_is_escaped_and_paragraphs_kept(saved):
    said = prose.say("One <script> & {x}.\n\nTwo\nlines.", x=results.pick(saved, response="1"))
    assert said.html.startswith("<p>One &lt;script&gt; &amp; <a ")
    assert said.html.endswith("</p>\n<p>Two lines.</p>")


def test_a_number_made_from_a_whole_file_links_to_the_file(saved):
    said = prose.say("{n} rows in {where}", n=results.derived(len(saved), saved), where="all")
    assert said.html == '<p><a href="data-survey_estimates.html">2</a> rows in all</p>'


@pytest.mark.parametrize("text", ["Some 54% say so.", "some 54 per cent", "54 % {x}"])
def test_a_typed_percentage_is_refused(saved, text):
    with pytest.raises(InputError, match="found the typed number '54"):
        prose.say(text, x=results.pick(saved, response="1"))


def test_unless_it_quotes_the_report(saved):
    said = prose.say(
        "The report says 54%, we {x}.", published=("54%",), x=results.pick(saved, response="1")
    )
    assert str(said) == "The report says 54%, we 77%."


def test_an_unknown_field_is_named(saved):
    with pytest.raises(InputError, match=r"\{x.sd\}: found no field 'sd'; expected one of id, "):
        prose.say("{x.sd}", x=results.pick(saved, response="1"))


def test_an_unknown_name_is_named(saved):
    with pytest.raises(InputError, match=r"\{y\}: found no such value; expected one of x"):
        prose.say("{y}", x=results.pick(saved, response="1"))


def test_a_value_that_is_not_used_is_refused(saved):
    with pytest.raises(InputError, match="values: found x"):
        prose.say("Nothing.", x=results.pick(saved, response="1"))


@pytest.mark.parametrize("value", [54, 0.54, "54%"])
def test_a_bare_number_is_refused(value):
    with pytest.raises(InputError, match="expected a row of results"):
        prose.say("{x}", x=value)


def test_a_row_that_is_kept_nowhere_is_refused():
    row = pd.Series({"id": "nowhere.1", "estimate": 0.5, "data_kind": "synthetic", "unit": "cases"})
    with pytest.raises(InputError, match="a row that is in no results file"):
        prose.say("{x}", x=row)


def test_a_format_of_ones_own_is_refused(saved):
    with pytest.raises(InputError, match="One rule formats every number"):
        prose.say("{x:.1f}", x=results.pick(saved, response="1"))


def test_a_withheld_number_is_marked(tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path))
    frame = pd.DataFrame(
        {
            "id": ["R.1"],
            "unit": "respondents",
            "count": [5],
            "denominator": [100],
            "estimate": [0.05],
            "data_kind": "real",
        }
    )
    row = results.pick(results.save("real_results", frame), id="R.1")
    assert str(prose.say("{x}, {x.count}", x=row)) == "[c], [c]"
    exact = frame.iloc[0]
    with pytest.raises(InputError, match="a row that was not released"):
        prose.say("{x}", x=exact)


def test_only_web_addresses_become_links_and_two_stay_two():
    text = "https://a.org/x, <b> and (http://b.org/y). javascript:alert(1)"
    assert prose.with_addresses(text) == (
        '<a href="https://a.org/x">https://a.org/x</a>, &lt;b&gt; and '
        '(<a href="http://b.org/y">http://b.org/y</a>). javascript:alert(1)'
    )


def test_rows_as_a_list_within_lists(tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path))
    rows = results.save(
        "parts",
        pd.DataFrame(
            {
                "id": ["part.a", "part.b", "part.c"],
                "unit": "nodes",
                "data_kind": "published",
                "level": ["First", "First", "Then & <last>"],
                "label": ["A", "B", "C"],
                "next": ["B", "C", ""],
            }
        ),
    )
    shown = prose.outline(rows, groups=["level"], text=["label"], after={"next": "leads to:"})
    assert shown.html == (
        '<ul>\n<li>First\n<ul>\n<li><a href="data-parts.html#part.a">A</a> leads to: B</li>\n'
        '<li><a href="data-parts.html#part.b">B</a> leads to: C</li>\n</ul></li>\n'
        "<li>Then &amp; &lt;last&gt;\n<ul>\n"
        '<li><a href="data-parts.html#part.c">C</a></li>\n</ul></li>\n</ul>'
    )
    assert shown.metadata == {"kind": "prose", "data_kind": ["published"]}


@pytest.mark.parametrize("text", ["There are 856.", "Seven forces were inspected.", "half of them"])
def test_a_typed_number_in_a_sentence_is_refused(text):
    with pytest.raises(InputError, match="found the typed number"):
        prose.say(text)


def test_a_caption_may_have_a_computed_number_but_no_percentage():
    prose.refuse_percentages("All 14 forces; lines are 95% intervals")
    with pytest.raises(InputError, match="found the typed number '14%'"):
        prose.refuse_percentages("In 14% of forces")


def test_several_addresses_alone_stand_stacked_and_one_does_not():
    assert prose.with_addresses("https://a.org/x https://b.org/y") == (
        '<span class="stack"><a href="https://a.org/x">https://a.org/x</a> '
        '<a href="https://b.org/y">https://b.org/y</a></span>'
    )
    assert "stack" not in prose.with_addresses("https://a.org/x")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("2023-11-24", "24 November 2023"),
        ("2014-08-01", "1 August 2014"),
        ("2014-08", "August 2014"),
        ("2019", "2019"),
        ("2019-13", "2019-13"),
    ],
)
def test_days_and_months_are_written_as_a_sentence_has_them(saved, data, said):
    day = results.derived(data, saved)
    assert str(prose.say("Since {day}.", day=day)) == f"Since {said}."
