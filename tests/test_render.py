"""Pages: one file, nothing loaded, nothing run, readable by any means."""

from __future__ import annotations

import re
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ncpi_eval import formulas, front, paths, render, results
from ncpi_eval.errors import BuildError
from ncpi_eval.prose import Shown

PROVENANCE = {
    "inputs": {"data/a.csv": "a" * 64},
    "parameters": {"wave": "2019"},
    "seeds": {},
    "lock": "b" * 64,
}


def page(stem, title):
    return SimpleNamespace(stem=stem, title=title, question=f"What of {title}?")


SITE = SimpleNamespace(
    title="The report",
    pages=[page("01-first", "First"), page("02-second", "Second"), page("03-third", "Third")],
)


def shown(html="<p>Said.</p>", **metadata):
    given = {"kind": "prose", "data_kind": ["published"], **metadata}
    data, extra = Shown(html, "Said.", given)._repr_mimebundle_()
    return new_output("display_data", data=data, metadata=extra)


def code(*outputs, source="x = 1", tags=()):
    cell = new_code_cell(source, outputs=list(outputs))
    cell.metadata["tags"] = list(tags)
    return cell


def rendered(*cells, stem="02-second", provenance=PROVENANCE):
    chosen = next(p for p in SITE.pages if p.stem == stem)
    return render.render_page(new_notebook(cells=list(cells)), chosen, SITE, provenance)


def test_the_frame_of_a_page():
    html = rendered(new_markdown_cell("# Second\n\nWords."))
    assert html.startswith('<!DOCTYPE html>\n<html lang="en-GB">')
    assert "<title>Second – The report</title>" in html
    assert html.count("<h1>") == 1 and "<h1>Second</h1>" in html
    assert '<p class="lead">What of Second?</p>' in html
    for landmark in ("<header", "<nav", "<main", "<footer"):
        assert landmark in html
    assert html.index('href="#main"') < html.index("<header")
    assert '<a rel="prev" href="01-first.html"><span>Previous</span> First</a>' in html
    assert '<a rel="next" href="03-third.html"><span>Next</span> Third</a>' in html
    assert '<a href="../index.html">The report</a>' in html
    assert '<a href="../executed/02-second.ipynb">' in html


def test_first_and_last_page_have_one_neighbour():
    assert "Previous</span>" not in rendered(stem="01-first")
    assert "Next</span>" not in rendered(stem="03-third")


def test_headings_skip_no_level_and_are_listed():
    html = rendered(
        new_markdown_cell("# Second\n## One & two\n"),
        new_markdown_cell("#### Deep\n\n## One & two\n\n[there](#Deep)\n\n# Another"),
    )
    assert re.findall(r'<h(\d)(?: id="([^"]+)")?>', html)[1:] == [
        ("1", ""),
        ("2", "one-two"),
        ("3", "deep"),
        ("2", "one-two-2"),
        ("2", "another"),
        ("2", "provenance"),
    ]
    assert '<li class="inner"><a href="#deep">Deep</a></li>' in html
    assert '<a href="#one-two">One &amp; two</a>' in html
    assert '<a href="#deep">there</a>' in html


def test_code_is_folded_without_prompts():
    html = rendered(
        code(shown(), source="y = 2"),
        code(source="wave = '2019'", tags=["parameters"]),
        new_markdown_cell("Words."),
        code(source="a = 1"),
        code(shown(), source="b = 1"),
    )
    assert "<summary>Code 1</summary>" in html
    assert "<summary>Code 2: parameters</summary>" in html
    # Code that shows nothing stands with the code that follows it.
    assert "<summary>Code 3 to 4</summary>" in html and html.count("<summary>Code") == 3


def test_the_parameters_of_the_run_stand_without_their_defaults():
    injected = code(source="wave = '2021'", tags=["injected-parameters"])
    html = rendered(code(source="wave = '2019'", tags=["parameters"]), injected, code(shown()))
    assert "2021" in html and "2019" not in html.split("<main")[1].split('id="provenance"')[0]


def test_code_is_closed():
    html = rendered(code(shown(), source="y = 2"))
    assert '<details class="code">' in html and "open" not in html.split("<main")[1]
    assert "In [" not in html and "In&nbsp;" not in html


def test_nothing_is_loaded_and_nothing_runs():
    html = rendered(new_markdown_cell("Words."), code(shown()))
    assert "<script" not in html and "<link" not in html and "@import" not in html
    assert not re.search(r'src="(?!data:)', html)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html).group(1)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_markup_in_markdown_is_inert():
    html = rendered(
        new_markdown_cell(
            "<script>alert(1)</script><iframe src='https://x.test'></iframe>"
            "<img src=x onerror=alert(1)><a href='javascript:alert(1)' onclick='x()'>a</a>"
            "<style>p{}</style><b>bold</b>"
        )
    )
    main = html.split("<main")[1]
    for bad in ("script", "alert", "iframe", "onerror", "onclick", "<img", "<style"):
        assert bad not in main.split("Where this comes from")[0]
    assert "<b>bold</b>" in main


def test_markdown_tables_have_scopes_and_no_empty_header():
    html = rendered(new_markdown_cell("| | A |\n|---|---|\n| b | 1 |"))
    assert '<th scope="col">A</th>' in html
    assert "<td></td>" in html
    assert not re.search(r"<th[^>]*>\s*</th>", html)


def test_the_banner_follows_the_data():
    assert "Synthetic data." in rendered(code(shown(data_kind=["real", "synthetic"])))
    assert "Synthetic data." not in rendered(code(shown(data_kind=["real"])))


def test_a_failed_cell_makes_no_page():
    failed = new_output("error", ename="ValueError", evalue="bad", traceback=["..."])
    with pytest.raises(BuildError) as refused:
        rendered(code(), code(failed))
    assert "02-second, code cell 2: found ValueError: bad" in str(refused.value)


@pytest.mark.parametrize("kind", ["text/html", "text/markdown", "image/png", "image/svg+xml"])
def test_what_did_not_pass_the_seams_makes_no_page(kind):
    bare = new_output("execute_result", data={kind: "x", "text/plain": "x"}, execution_count=1)
    with pytest.raises(BuildError) as refused:
        rendered(code(bare))
    assert f"found output of the kind {kind}" in str(refused.value)
    assert "Show a frame with tables.show and a picture with figures.show." in str(refused.value)


def test_a_handler_in_shown_output_makes_no_page():
    with pytest.raises(BuildError, match="would run or load something"):
        rendered(code(shown(html='<p onclick="x()">a</p>')))


def test_text_and_messages_lose_colours_and_places():
    message = (
        f"{paths.ROOT}/lib/python3.11/site-packages/x/y.py:3: UserWarning: \x1b[31mno\x1b[0m\n"
        "/tmp/ipykernel_123/456.py:1: UserWarning: <b>\n"
    )
    html = rendered(
        code(
            new_output("stream", name="stderr", text=message),
            new_output("stream", name="stdout", text=f"read {paths.ROOT}/data/a.csv"),
        )
    )
    assert "site-packages/x/y.py:3: UserWarning: no" in html
    assert "cell:1: UserWarning: &lt;b&gt;" in html
    assert "read data/a.csv" in html
    assert "<summary>Messages from code 1</summary>" in html
    assert str(paths.ROOT) not in html and "ipykernel" not in html


def test_provenance_is_at_the_end():
    end = rendered().split('id="provenance"')[-1]
    assert "data/a.csv" in end and "a" * 64 in end
    assert "<dt>Lock</dt>" in end and "b" * 64 in end
    assert "<dt>Seeds</dt><dd>none</dd>" in end


def test_the_same_notebook_gives_the_same_page():
    cells = [new_markdown_cell("# Second\n\n## A"), code(shown())]
    first = rendered(*cells)
    for number, cell in enumerate(cells):
        cell.id = f"other{number}"
        cell.metadata["papermill"] = {"start_time": "2020"}
    assert rendered(*cells) == first


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path))
    results.save(
        "survey_estimates",
        pd.DataFrame(
            {
                "id": ["Q.1.all.all.2019", "R.1.all.all.2019"],
                "question": ["Q", "R"],
                "item": ["First <b>", "Second"],
                "wave": "2019",
                "unit": "respondents",
                "count": [1, 2],
                "denominator": [3, 3],
                "estimate": [1 / 3, 2 / 3],
                "data_kind": "synthetic",
            }
        ),
    )
    pd.DataFrame(
        {"id": ["a", "b", "c"], "verdict": ["matches", "matches", "differs"], "data_kind": "real"}
    ).to_csv(tmp_path / "results/published_reconciliation.csv", index=False)
    cells = [
        code(shown('<p>A finding, <a href="data-x.html#a">1</a>.</p>'), tags=["headline"]),
        code(shown("<p>Unsolved.</p>"), tags=["open-problem"]),
        code(shown(kind="table", name="aims", caption="The aims", data_kind=["synthetic"])),
        code(shown(kind="figure", name="impact", caption="The impact")),
    ]
    (tmp_path / "executed").mkdir()
    nbformat.write(new_notebook(cells=cells), tmp_path / "executed/01-first.ipynb")
    return tmp_path


def test_a_data_page_gives_each_row_an_address(tree):
    html = render.render_data_page("survey_estimates", tree / "results/survey_estimates.csv", SITE)
    assert '<tr id="Q.1.all.all.2019"><th scope="row">Q.1.all.all.2019</th>' in html
    assert "First &lt;b&gt;" in html
    assert "<td>0.3333</td>" in html
    assert "<dt>wave</dt><dd>2019</dd>" in html
    assert '<a href="../results/survey_estimates.csv">' in html
    assert "Synthetic data." in html


def test_a_long_data_page_has_a_heading_for_each_question(tree, monkeypatch):
    monkeypatch.setattr(render, "SECTIONS_FROM", 2)
    monkeypatch.setattr(render, "ALL_COLUMNS_UP_TO", 1)
    html = render.render_data_page("survey_estimates", tree / "results/survey_estimates.csv", SITE)
    assert '<h2 id="q-Q">Q: First &lt;b&gt;</h2>' in html
    assert '<a href="#q-R">R: Second</a>' in html
    assert '<th scope="col">item</th>' not in html


def test_a_long_data_page_says_once_what_its_rows_repeat(tmp_path, monkeypatch):
    monkeypatch.setattr(render, "SECTIONS_FROM", 2)
    long = "A sentence that many rows repeat " + "and that is long " * 4
    rows = [
        {
            "id": f"{question}.{number}",
            "question": question,
            "count": number,
            "code": f"c{number % 2}",
            "words": f"Words {number % 2}",
            "caveat": f"{long}{number % 2}",
            "method": "exact",
        }
        for question in "QR"
        for number in range(6)
    ]
    rows[-1]["method"] = "rough"
    pd.DataFrame(rows).to_csv(tmp_path / "x.csv", index=False)
    html = render.render_data_page("x", tmp_path / "x.csv", SITE)
    assert "<p>The same in these 6 rows: method exact.</p>" in html
    assert f"<p>Caveat 1: {long}0</p>\n<p>Caveat 2: {long}1</p>" in html
    assert html.count(long) == 4  # two sentences in two sections
    assert ">words</th>" in html and ">code</th>" not in html
    assert '<tr id="Q.3"><th scope="row">Q.3</th><td>Words 1</td><td>3</td><td>2</td></tr>' in html
    assert re.search(r"<td>Words 1</td><td>rough</td><td>5</td><td>2</td>", html)


def test_numbers_of_a_data_page_stand_last_and_the_style_sheet_aligns_them(tree):
    html = render.render_data_page("survey_estimates", tree / "results/survey_estimates.csv", SITE)
    first = int(re.search(r'<table class="data n(\d+)">', html).group(1))
    head = re.findall(r'<th scope="col">(.*?)</th>', html)
    assert head == ["id", "question", "item", "count", "estimate"] and first == 4
    for column in range(2, 29):
        assert f".n{column} tr > :nth-child(n+{column})" in html


@pytest.mark.parametrize(
    ("words", "display"),
    [
        ("The share $p$ is small.", "inline"),
        ("$$\nx = 1\n$$", "block"),
        (r"Or \\(p\\) of", "inline"),
        (r"\\[p_1 < p_2\\]", "block"),
        (r"\begin{align} x &= 1 \end{align}", "block"),
        ("So $\\hat{p} = 1$.", "inline"),
    ],
)
def test_a_formula_is_set_as_mathml_without_its_source(words, display):
    html = rendered(new_markdown_cell(f"Words.\n\n{words}"))
    assert html.count("<math ") == 1 and f'display="{display}"' in html
    assert "$" not in html.partition("<main")[2] and "\\" not in html.partition("<main")[2]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (r"$\frac{1}$", "a part is missing"),
        (r"$x}{$", "no available tokens"),
        (r"$\unknowncommand{x}$", r"the command \\unknowncommand is not known"),
        ("$" + "{" * 900 + "x" + "}" * 900 + "$", "nested too deeply"),
        ("$" + "x" * 3000 + "$", "3,000 characters"),
    ],
)
def test_a_formula_that_cannot_be_set_stops_the_page_and_says_why(words, why):
    with pytest.raises(BuildError, match=why) as refused:
        rendered(new_markdown_cell(words))
    assert "Mend it, or say it in words" in str(refused.value)


@pytest.mark.parametrize(
    "tex",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(http://a.b)}{x}",
        r"\text{<b>x</b>}",
        r"\class{evil}{x}",
    ],
)
def test_a_formula_neither_links_nor_styles_nor_runs(tex):
    html = formulas.mathml(tex)
    assert "x" in html and not re.search(r"href|style=|class=|onclick|id=|<b\b|http", html)


def test_a_formula_is_mathml_as_the_standard_has_it():
    # MathML Core, section 3.3.2: a fraction is its numerator and its denominator.
    html = formulas.mathml(r"\hat{p} = \frac{x}{n}")
    assert "<mfrac><mrow><mi>x</mi></mrow><mrow><mi>n</mi></mrow></mfrac>" in html
    assert html.startswith("<math ") and html.endswith("</math>")


@pytest.mark.parametrize(
    "words",
    ["It cost $5, then $6.", r"\$5 and 6\$", "`$x$`", "```\n$x$\n```", r"\[c\] is a mark"],
)
def test_a_dollar_or_code_is_no_formula(words):
    assert "<p>" in rendered(new_markdown_cell(f"Words.\n\n{words}"))


def test_the_index_links_everything(tree):
    html = front.render_index(SITE, tree, {"commit": "abc", "dirty": False})
    assert "<title>The report</title>" in html
    assert '<a href="html/01-first.html">First</a>' in html
    assert "Second (not built)" in html
    assert '<a href="html/01-first.html#table-aims">The aims</a>' in html
    assert '<a href="html/01-first.html#figure-impact">The impact</a>' in html
    assert '<a href="tables/aims.csv">' in html
    assert '<a href="html/data-survey_estimates.html">' in html
    assert '<a href="html/data-x.html#a">1</a>' in html
    assert "Unsolved." in html
    assert ">2</a> of " in html and ">3</a> published figures" in html
    assert "1</a> differs" in html
    assert "<dt>Commit</dt><dd>abc</dd>" in html and "<dt>Dirty</dt><dd>no</dd>" in html
    assert "Synthetic data." in html


def test_an_empty_tree_has_an_index_too(tmp_path):
    html = front.render_index(SITE, tmp_path, {})
    assert "First (not built)" in html
    assert "No results have been made yet." in html


def test_the_question_is_the_lead_and_not_repeated():
    html = rendered(new_markdown_cell("# Second\n\n**Question.** What of\nit?\n\n**Data.** Some."))
    assert "Question." not in html and "<strong>Data.</strong> Some." in html


def test_the_index_puts_findings_together_by_page(tree):
    html = front.render_index(SITE, tree, {})
    assert '<h3 id="findings-01-first"><a href="html/01-first.html">First</a></h3>' in html
    assert html.index("A finding,") < html.index("Unsolved.") < html.index('id="pages"')


def test_a_data_page_says_what_its_rows_count_where_another_column_tells_them_apart(tmp_path):
    rows = pd.DataFrame({"id": [f"r{n}" for n in range(200)], "question": ["Q", "R"] * 100})
    people = rows.index % 4 < 2
    rows["unit"] = ["respondents" if one else "forces" for one in people]
    rows["flag"] = ["confidential" if one else "" for one in people]
    rows.to_csv(tmp_path / "mixed.csv", index=False)
    html = render.render_data_page("mixed", tmp_path / "mixed.csv", SITE)
    assert html.count('<th scope="col">unit</th>') == 2
    assert "<td>forces</td>" in html and "<td>respondents</td>" in html


def test_a_data_page_links_the_rows_that_its_rows_refer_to(tmp_path):
    path = tmp_path / "judged.csv"
    rows = {
        "id": ["a", "b"],
        "rests_on": ["published_figures#Q.1.C3 survey_tests#T", ""],
        "evidence": ["a reason", "see survey_tests#T"],
        "words": ["survey_tests#T", ""],
    }
    pd.DataFrame(rows).to_csv(path, index=False)
    html = render.render_data_page("judged", path, SITE)
    assert (
        '<td><span class="stack"><a href="data-published_figures.html#Q.1.C3">Q.1.C3</a> '
        '<a href="data-survey_tests.html#T">T</a></span></td>'
    ) in html
    assert "<td></td>" in html
    assert "<td>a reason</td>" in html and "<td>see survey_tests#T</td>" in html
    assert "<td>survey_tests#T</td>" in html  # in no column of references, so no link
