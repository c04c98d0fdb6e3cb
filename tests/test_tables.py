"""Tables: headers for everybody, notes, links and files."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from ncpi_eval import layouts, questionnaire, results, tables
from ncpi_eval.errors import InputError


@pytest.fixture(autouse=True)
def outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path))
    monkeypatch.setattr(tables, "_used", {})
    return tmp_path


def frame(kind="synthetic", counts=(30, 40)):
    return pd.DataFrame(
        {
            "id": ["Q.1.s.inspected.2019", "Q.1.s.uninspected.2019"],
            "item": "Aims <i>",
            "subgroup": ["inspected", "uninspected"],
            "unit": "respondents",
            "count": list(counts),
            "denominator": [60, 160],
            "estimate": [counts[0] / 60, counts[1] / 160],
            "ci_low": [0.38, 0.19],
            "ci_high": [0.62, 0.32],
            "data_kind": kind,
        }
    )


def show(data, **given):
    fixed = {"name": "aims", "caption": "Who knows the aims", "source": "Survey, 2019"}
    return tables.show(data, **{**fixed, **given})


def test_headers_caption_source_and_links():
    html = show(results.save("survey_estimates", frame())).html
    assert "<caption>Who knows the aims</caption>" in html
    assert "Source: Survey, 2019. " in html
    assert '<a href="../tables/aims.csv">Download aims.csv</a>' in html
    assert all('scope="' in tag for tag in re.findall(r"<th\b[^>]*>", html))
    assert not re.search(r"<th[^>]*>\s*</th>", html)
    assert '<th scope="row">inspected</th>' in html
    link = '<a href="data-survey_estimates.html#Q.1.s.inspected.2019">50%</a>'
    assert f'<td class="number">{link}</td><td class="number">38% to 62%</td>' in html
    assert 'role="region" tabindex="0" aria-label="Who knows the aims"' in html


def test_the_file_holds_the_same_rows(outputs):
    show(frame(), columns={"subgroup": "Group", "percent": "Per cent"})
    lines = (outputs / "tables/aims.csv").read_text().splitlines()
    assert lines[0].startswith("id,item,subgroup,unit,count")
    assert len(lines) == 3


def test_synthetic_data_says_so_and_real_data_does_not():
    shown = show(frame())
    assert "Synthetic data: invented" in shown.html
    assert shown.metadata["data_kind"] == ["synthetic"]
    tables._used.clear()
    assert "Synthetic" not in show(frame(kind="real")).html


def test_what_is_withheld_is_marked_and_explained():
    html = show(frame(kind="real", counts=(5, 40))).html
    assert "[c]" in html
    assert "[c] withheld so that nobody can be identified: fewer than 10 people" in html
    assert ">5<" not in html


def test_the_base_stands_below_unless_it_is_a_column():
    columns = {"subgroup": "Group", "percent": "Per cent"}
    assert "Base: 60 to 160 respondents." in show(frame(), columns=columns).html
    columns["base"] = "Base"
    assert "60 to 160" not in show(frame(), columns=columns, name="other").html


def test_groups_side_by_side():
    html = show(
        results.save("survey_estimates", frame()),
        columns={"item": "Aim"},
        across="subgroup",
        cell=("percent", "base"),
        names={"uninspected": "Not yet", "inspected": "Inspected"},
    ).html
    assert (
        '<th scope="col">Aim</th><th scope="col" class="number">Not yet</th>'
        '<th scope="col" class="number">Inspected</th>'
    ) in html
    assert '<th scope="row">Aims &lt;i&gt;</th>' in html
    assert '#Q.1.s.uninspected.2019">25%</a> (160)</td>' in html


def test_two_rows_for_one_cell_are_refused():
    doubled = pd.concat([frame(), frame().assign(id=["a", "b"])])
    with pytest.raises(InputError, match="found two rows for Aims <i>; expected one row per cell"):
        show(doubled, columns={"item": "Aim"}, across="subgroup")


def test_names_for_values():
    html = show(
        frame(), columns={"subgroup": "Group", "percent": "%"}, names={"inspected": "Inspected"}
    ).html
    assert '<th scope="row">Inspected</th>' in html


def test_unknown_columns_and_empty_headers_are_refused():
    with pytest.raises(InputError) as refused:
        show(frame(), columns={"subgroup": "Group", "percents": "%", "count": " "})
    assert "columns: found percents; expected a column of the frame" in str(refused.value)
    assert "columns: found no header for count" in str(refused.value)


@pytest.mark.parametrize("what", ["caption", "source"])
def test_caption_and_source_are_required(what):
    with pytest.raises(InputError, match=f"Nothing is shown without a {what}"):
        show(frame(), **{what: " "})


def test_a_percentage_typed_into_a_caption_is_refused():
    with pytest.raises(InputError, match="typed number"):
        show(frame(), caption="Aims: 50% know them")


def test_a_name_is_used_once_in_a_build(monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_PAGE", "02-awareness")
    show(frame())
    with pytest.raises(InputError, match="found 'aims' twice; expected each name once"):
        show(frame())


def test_a_cell_can_be_run_again_in_jupyterlab():
    show(frame())
    show(frame())


def test_a_name_is_no_path():
    with pytest.raises(InputError, match="cannot have this name"):
        show(frame(), name="../../x")


def test_a_missing_number_is_marked_as_not_applicable():
    data = frame().assign(p_value=[0.01, None])
    html = show(data, columns={"subgroup": "Group", "p_value": "p"}).html
    assert '<td class="number">[z]</td>' in html


def test_neighbours_with_one_first_cell_share_a_header():
    columns = {"item": "Aim", "subgroup": "Group", "percent": "Per cent"}
    html = show(frame(), columns=columns).html
    assert html.count('<th scope="rowgroup" rowspan="2">Aims &lt;i&gt;</th>') == 1
    assert '<th scope="row">inspected</th>' in html and '<th scope="row">uninspected</th>' in html


def test_a_row_whose_two_headers_say_the_same_has_one():
    columns = {"item": "Breakdown", "subgroup": "Group", "percent": "Per cent"}
    html = show(frame()[:1].assign(subgroup="Aims <i>"), columns=columns).html
    assert '<th scope="row" colspan="2">Aims &lt;i&gt;</th>' in html


def test_a_missing_text_leaves_its_cell_empty():
    data = frame().assign(reason=[None, "withdrawn"])
    columns = {"subgroup": "Group", "percent": "Per cent", "reason": "Remark"}
    html = show(data, columns=columns).html
    assert "<td></td></tr>" in html and "[z]" not in html


def test_a_single_wave_is_no_column_and_two_are():
    columns = {"subgroup": "Group", "wave": "Wave", "percent": "Per cent"}
    assert ">Wave<" not in show(frame().assign(wave="2019"), columns=columns).html
    two = frame().assign(wave=["2019", "2021"])
    assert ">Wave<" in show(two, columns=columns, name="two").html


def test_decimals_units_and_the_meaning_of_columns():
    data = frame().assign(effect_size=[0.1, 0.0738], difference=[0.05, -0.01])
    columns = {
        "subgroup": "Group",
        "difference": "Difference, in points",
        "effect_size": "Cramér's V",
    }
    html = show(data, columns=columns).html
    assert ">0.10</td>" in html and ">0.07</td>" in html
    assert [">5<" in html, f">{results.MINUS}1<" in html] == [True, True], html
    assert "<dt>Cramér&#x27;s V</dt><dd>the strength of the association" in html


def test_a_long_table_can_be_folded():
    html = show(frame(), folded=True).html
    assert "<summary>Show 2 rows: Who knows the aims</summary>" in html


def test_several_numbers_in_brackets_have_a_line_of_their_own_and_are_named():
    cell = ("percent", "interval", "base")
    html = show(frame(), columns={"item": "Aim"}, across="subgroup", cell=cell).html
    assert '<span class="rest">(38% to 62%, 60)</span>' in html
    assert "In brackets: 95% interval, base." in html


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ("RServ in 4|5", "Length of police service: Over five, up to 10 years or Over 10 years"),
        ("FLis, all: all", "The force has a culture of listening to children, all respondents"),
        ("FLis by area", "The force has a culture of listening to children by Area of work"),
        ("area in other", "Area of work: Other area"),
        ("table C.4", "table C.4"),
    ],
)
def test_codes_in_words(codes, words):
    assert layouts.in_words(codes, questionnaire.load()) == words


def test_addresses_and_publishers_lead_to_their_pages():
    data = frame("public_record").assign(
        unit="cases", publisher="A <body>", source="https://example.org/a?b=1&c", note="see x"
    )
    html = show(data, columns={"item": "Q", "count": "N", "publisher": "By", "source": "At"}).html
    assert '<a href="https://example.org/a?b=1&amp;c">A &lt;body&gt;</a>' in html
    assert '<a href="https://example.org/a?b=1&amp;c">https://example.org/a?b=1&amp;c</a>' in html
    unlinked = show(
        data.assign(source="javascript:alert(1)"), columns={"item": "Q", "publisher": "By"}
    )
    assert '<a href="javascript' not in unlinked.html
    assert "A &lt;body&gt;" in unlinked.html


def test_a_text_leads_to_the_row_that_a_column_refers_to():
    rows = frame(kind="published").assign(
        text=["As <printed>", "No source"],
        source_row=[results.reference("published_figures", "Q.1.all.C3"), ""],
    )
    columns = {"subgroup": "Group", "percent": "Per cent", "text": "Text"}
    html = show(rows, columns=columns, links={"text": "source_row"}).html
    assert '<a href="data-published_figures.html#Q.1.all.C3">As &lt;printed&gt;</a>' in html
    assert "<td>No source</td>" in html


def test_a_text_leads_to_its_own_row():
    kept = results.save("judged", frame(kind="published").assign(text="Agree"))
    html = show(kept, columns={"subgroup": "Group", "text": "Text"}, links={"text": None}).html
    assert '<a href="data-judged.html#Q.1.s.inspected.2019">Agree</a>' in html


def test_of_a_long_text_the_words_about_its_first_figure_lead_to_the_row():
    text = "of everybody; those whose answer is 8 (any <other>); 9 more"
    kept = results.save("judged", frame(kind="published").assign(text=[text, "Chapter 2, here"]))
    html = show(kept.drop(columns="count"), columns={"subgroup": "Group", "text": "Text"}).html
    start = 'of everybody; <a href="data-judged.html#Q.1.s.inspected.2019">'
    assert f"{start}those whose answer is 8</a> (any &lt;other&gt;); 9 more</td>" in html
    assert ">Chapter 2, here</a></td>" in html


def test_what_is_no_reference_is_refused():
    rows = frame(kind="published").assign(text="x", source_row="somewhere else")
    with pytest.raises(InputError, match="found 'somewhere'; expected file#id"):
        show(rows, columns={"subgroup": "Group", "text": "T"}, links={"text": "source_row"})


def test_a_column_of_references_leads_to_each_of_them_and_sentences_are_wide():
    data = pd.DataFrame(
        {
            "id": ["cell.a"],
            "item": "Theme",
            "summary": "A view that is told in a sentence long enough to be read. " * 2,
            "kind": "praise",
            "source_rows": "extracts#extract.a.1 extracts#extract.a.2",
            "unit": "claims",
            "data_kind": "published",
        }
    )
    extracts = {"id": ["extract.a.1", "extract.a.2"], "item": "Theme", "label": ["role", "rank"]}
    results.save("extracts", pd.DataFrame(extracts).assign(unit="claims", data_kind="published"))
    columns = {"item": "Theme", "summary": "Said", "kind": "Kind", "source_rows": "Rests on"}
    html = show(data, columns=columns, links={"kind": None, "source_rows": "source_rows"}).html
    assert '<td class="words">A view' in html and "<td>praise" in html
    assert 'class="rows"' not in html
    later = data.assign(source_rows="extracts#extract.a.1", item="Else")
    wide = show(
        later, columns=columns, links={"source_rows": "source_rows"}, names={"extracts": "x" * 40}
    )
    assert '<td class="rows"><a href="data-extracts.html#extract.a.1">' in wide.html
    for number, words in ((1, "Role"), (2, "Rank")):
        place = f"data-extracts.html#extract.a.{number}"
        assert f'<a href="{place}">{words}</a>' in html
