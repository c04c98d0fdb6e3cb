"""The check of finished pages finds each fault planted in a copy of a good page, and nothing else.

The good page is made by the project's own seams; each fault is a change of its text. What a browser
must see is planted in the same way and looked for in Chromium with axe-core. A machine without
either passes over those tests, except in CI, where they must run.
"""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ncpi_eval import (
    errors,
    figures,
    front,
    page_rules,
    pages_check,
    render,
    results,
    tables,
    workspace,
)

SITE = SimpleNamespace(
    title="The report",
    pages=[SimpleNamespace(stem="01-first", title="First", question="What of it?")],
)
ALT = "More know of the programme in inspected forces than in the others."


def _shown(shown):
    data, metadata = shown._repr_mimebundle_()
    return new_code_cell("x = 1", outputs=[new_output("display_data", data, metadata=metadata)])


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A page with a picture, a table and prose, beside its data page and files."""
    tree = tmp_path_factory.mktemp("tree")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NCPI_EVAL_WRITE", str(tree))
        saved = results.save(
            "survey_estimates",
            pd.DataFrame(
                {
                    "id": ["Aware.1.in.2019", "Aware.1.out.2019"],
                    "question": "Aware",
                    "item": "Awareness",
                    "label": "Yes",
                    "subgroup": ["inspected", "uninspected"],
                    "wave": "2019",
                    "unit": "respondents",
                    "count": [60, 40],
                    "denominator": [100, 100],
                    "estimate": [0.6, 0.4],
                    "ci_low": [0.5, 0.31],
                    "ci_high": [0.69, 0.5],
                    "data_kind": "synthetic",
                }
            ),
        )
        picture = figures.bars(saved, category="subgroup", series=None)
        cells = [
            new_markdown_cell("# First\n\nWords.\n\n## Part\n\n### Detail\n\nMore words."),
            _shown(figures.show(picture, saved, name="aware", caption="Awareness", alt=ALT,
                                source="The survey")),
            _shown(tables.show(saved, name="aware-table", caption="Who knows", source="Survey")),
        ]  # fmt: skip
        page = render.render_page(new_notebook(cells=cells), SITE.pages[0], SITE, {"lock": "abc"})
        (tree / "html").mkdir()
        (tree / "html" / "01-first.html").write_text(page, encoding="utf-8")
        (tree / "html" / "data-survey_estimates.html").write_text(
            render.render_data_page(
                "survey_estimates", tree / "results" / "survey_estimates.csv", SITE
            ),
            encoding="utf-8",
        )
        (tree / "executed").mkdir()
        nbformat.write(new_notebook(cells=cells), tree / "executed" / "01-first.ipynb")
        index = front.render_index(SITE, tree, {"commit": "abc"})
        (tree / "index.html").write_text(index, encoding="utf-8")
        for beside in workspace.FRONT:
            (tree / beside).touch()
    return tree / "html" / "01-first.html"


def planted(good: Path, old: str, new: str, name: str = "planted.html") -> Path:
    """A copy of the good page, beside it, with one change."""
    text = good.read_text(encoding="utf-8")
    assert old in text, f"the good page has no {old!r}"
    path = good.with_name(name)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def found(path: Path) -> list[tuple[str, str]]:
    return [(f.rule, f.detail) for f in page_rules.findings(page_rules.read(path))]


def test_the_good_page_and_its_data_page_are_good(good):
    assert found(good) == []
    assert found(good.with_name("data-survey_estimates.html")) == []
    assert found(good.parent.parent / "index.html") == []


FIGURE = '<figure class="figure" id="figure-aware">'
WORDS = "<p>More words.</p>"
ROWSPAN = (
    '<caption>Spans</caption><thead><tr><th scope="col" colspan="2">a</th></tr></thead><tbody><tr>'
    '<th scope="rowgroup" rowspan="2">b</th><td>1</td></tr><tr><td>2</td></tr></tbody>'
)
TABLE = '<table><caption>Other</caption><thead><tr><th scope="col">a</th></tr></thead>'
FAULTS = [
    ("language", 'lang="en-GB"', 'lang="de"', "lang is 'de'"),
    ("language", ' lang="en-GB"', "", "lang is None"),
    ("title", "<title>First – The report</title>", "", "0 titles"),
    ("title", "<title>First – The report", "<title>01-first.ipynb", "a file's name"),
    ("security policy", "Content-Security-Policy", "X-Policy", "0 content security policies"),
    ("security policy", "style-src 'sha256-", "style-src 'unsafe-inline' 'sha256-", "too much"),
    ("security policy", "default-src 'none'", "default-src 'self'", "is not 'none'"),
    ("security policy", "</style>", " </style>", "does not name this style sheet"),
    ("headings", "<h1>First</h1>", "", "0 headings of level 1"),
    ("headings", WORDS, "<h1>Another</h1>", "2 headings of level 1"),
    ("headings", '<h2 id="part">', '<h2 id="other"></h2><h2 id="part">', "has no words"),
    ("headings", '<h2 id="part">Part</h2>', '<p id="part">Part</p>', "from level 1 to 3"),
    ("headings", WORDS, '<h2>Alone</h2><p>x</p>', "does not lead to 'Alone'"),
    ("headings", WORDS, '<h2>Part</h2><p>x</p>', "'Part' is the name of 2 parts"),
    ("headings", WORDS, "<h4>Empty</h4><h4>Next</h4><p>x</p>", "nothing stands under 'Empty'"),
    ("headings", WORDS, "<p><b>Heading</b></p>", "looks like a heading"),
    ("screen", '<meta charset="utf-8">', "", "charset"),
    ("screen", "width=device-width", "width=1200", "the width of its screen"),
    ("screen", "width=device-width", "width=device-width, user-scalable=no", "forbids to enlarge"),
    ("screen", WORDS, '<p bgcolor="#ffffff">x</p>', "that no style knows"),
    ("keys", WORDS, '<p tabindex="3">x</p>', "a place of its own"),
    ("keys", WORDS, '<p tabindex="0">x</p>', "has no role"),
    ("keys", WORDS, '<a accesskey="s" href="#part">The part</a>', "takes the key 's'"),
    ("keys", WORDS, "<input autofocus>", "begins by itself"),
    ("keys", WORDS, "<details><p>x</p></details>", "does not say what it holds"),
    ("keys", WORDS, "<details><summary> </summary>x</details>", "does not say what it holds"),
    ("keys", '<details class="code">', '<details class="code" open>', "is not folded"),
    ("landmarks", '<main id="main" tabindex="-1">', '<div id="main">', "0 main parts"),
    ("landmarks", '<a class="skip" href="#main">', '<a href="#main">', "does not skip"),
    ("landmarks", ' aria-labelledby="contents"', "", "has no name"),
    ("same id twice", WORDS, '<p id="part">x</p>', "'part' stands 2 times"),
    ("something that runs", WORDS, "<script>x()</script>", "<script>"),
    ("something that runs", WORDS, '<p onclick="x()">a</p>', "the handler onclick"),
    ("something that runs", WORDS, '<p style="color:red">a</p>', "an inline style"),
    ("something that runs", WORDS, '<a href="java&#9;script:x()">go on</a>', "href='java"),
    ("something that runs", WORDS, '<a href="data:text/html,x">go on</a>', "data:text/html"),
    ("something that runs", WORDS, '<iframe title="x"></iframe>', "<iframe>"),
    ("something that runs", WORDS, "<audio autoplay></audio>", "<audio>"),
    ("something that runs", WORDS, "<marquee>x</marquee>", "<marquee>"),
    ("something that runs", "<title>", '<meta http-equiv="refresh" content="1"><title>', "refresh"),
    ("outside request", "<title>", '<link rel="icon" href="https://x.test/i"><title>', "x.test/i"),
    ("outside request", FIGURE, f'{FIGURE}<img alt="{ALT}" src="//x.test/i.png">', "src='//x.test"),
    ("outside request", "<svg ", '<svg fill="url(https://x.test/f)" ', "url(https://x.test/f)"),
    ("outside request", "</style>", "p{background:url(a.png)}</style>", "in a style sheet"),
    ("outside request", "</style>", "p{background:URL(https://x.test/a)}</style>", "in a style"),
    ("outside request", "</style>", r"p{background:u\72l(https://x.test/a)}</style>", "in a style"),
    ("outside request", "</style>", 'p{background:image-set("a.png" 1x)}</style>', "in a style"),
    ("outside request", "</style>", '@IMPORT "https://x.test/a.css";</style>', "in a style sheet"),
    ("outside request", "<title>", '<link imagesrcset="https://x.test/i"><title>', "imagesrcset"),
    ("outside request", WORDS, '<img srcset="data:image/png;x 1x, //x.test/i 2x">', "srcset="),
    ("table", "<caption>Who knows</caption>", "", "has no caption"),
    ("table", WORDS, f"{TABLE}<tr><td>1</td><td>2</td></tr></table>", "rows of 1 and 2 cells"),
    ("table", WORDS, f"{TABLE.replace('Other', 'Who knows')}</table>", "2 tables have the caption"),
    ("table", WORDS, f"{TABLE.replace('Other', 'Table 1')}</table>", "'Table 1' says nothing"),
    ("table", WORDS, f"{TABLE.replace('<table', '<table role=none')}</table>", "the role 'none'"),
    ("table", WORDS, f"{TABLE.replace('</tr>', '<td></td></tr>')}</table>", "an empty cell"),
    ("table", "<caption>Who knows</caption>", "<caption> </caption>", "has no caption"),
    ("table", ' scope="col"', "", "has no scope"),
    ("table", WORDS, "<table><caption>x</caption><tr><th scope='col'></th></tr></table>", "empty"),
    ("table", WORDS, "<table><caption>x</caption><tr><td>1</td></tr></table>", "no headers"),
    ("description", ALT, "", "has no description"),
    ("description", ALT, "More of them knew.", "18 characters"),
    ("description", ALT, "Image of bars that show the awareness by group", "a stock phrase"),
    ("description", ALT, f"No description has been provided for this image. {ALT}", "stock"),
    ("description", ALT, ALT * 5, "330 characters"),
    ("description", ALT, "Bar chart of awareness in two groups of forces", "a stock phrase"),
    ("description", ALT, "This figure shows awareness by inspection status", "a stock phrase"),
    ("description", ALT, "awareness_by_inspection_status_2019", "a stock phrase"),
    ("description", "<p class=\"caption\">Awareness", f'<p class="caption">{ALT}', "caption again"),
    ("description", FIGURE, f'{FIGURE}<img alt="{ALT}">', "is described as <"),
    ("description", 'role="img"', "", "has no description"),
    ("description", "aware-desc", "other", "has no description"),
    ("figure without its data", '<a href="../figures/aware.csv">', "<a>", "offers no CSV"),
    ("figure without its data", "<details>\n<summary>The numbers", "<p>", "no folded table"),
    ("figure without its data", "Source: The survey", "The survey", "says no source"),
    ("figure without its data", '<p class="caption">Awareness</p>', "", "has no caption"),
    ("figure without its data", WORDS, f'<img alt="{ALT}" src="data:image/png;x">', "outside"),
    ("markup shown as text", WORDS, "<p>&lt;table border=1&gt;</p>", "a tag as text"),
    ("markup shown as text", WORDS, "<p>Words &amp;lt; words</p>", "a character reference"),
    ("markup shown as text", WORDS, r"<p>\u001b[31mred</p>", "a terminal colour"),
    ("markup shown as text", WORDS, "<p>\x1b[31mred</p>", "a terminal colour"),
    ("markup shown as text", WORDS, "<p>**bold**</p>", "raw markdown"),
    ("markup shown as text", WORDS, "<p>[words](page.html)</p>", "raw markdown"),
    ("markup shown as text", WORDS, "<p>### Heading</p>", "raw markdown"),
    ("markup shown as text", WORDS, "<p>{{ name }}</p>", "a template's mark"),
    ("markup shown as text", WORDS, r"<p>$$\frac{1}{2}$$</p>", "a formula's source"),
    ("markup shown as text", WORDS, "<p>&lt;x.Y object at 0x7f&gt;</p>", "an object of Python"),
    ("markup shown as text", WORDS, "<b>x</b> &lt;b&gt;tail&lt;/b&gt;", "a tag as text"),
    ("markup shown as text", WORDS, "<p>H&lt;sub&gt;2&lt;/sub&gt;O</p>", "a tag as text"),
    *(
        ("markup shown as text", WORDS, f"<p>{text}</p>", words)
        for words, texts in {
            "raw markdown": (
                "![a](b.png)", "[a][b]", "a `b` c", "__a b__", "an *a b* c", "an _a b_ c",
                "- a\n- b", "• a", "&gt; quoted",
            ),
            "a formula's source": (
                r"$\bar{x}$", "$p &lt; 0.05$", r"\(x^2\)", r"\textbf{x}", r"\cite{x}",
            ),
            "an object of Python": (
                "&lt;Figure size 640x480 with 1 Axes&gt;", "&lt;Axes: xlabel='a'&gt;",
                "array([1, 2])", "np.float64(0.5)", "Timestamp('2019-01-01')", "{'a': 1}",
                "5 rows × 3 columns", "&lt;bound method a.b of c&gt;", "&lt;function f at 0x7&gt;",
                "In [1]:", "Out[2]:", "is {share:.0%} of", "is %s of", "x.py:3: UserWarning: x",
                "ValueError: x",
            ),
            "a missing value": (
                "NaN", "nan%", "None", "NaT", "&lt;NA&gt;", "inf", "-inf", "is nan.",
            ),
            "a number that was not made": ("1.2e-05", "0.30000000000000004", "-0.0", "−0%"),
            "words to be written": ("TODO: x", "[TBC]", "Lorem ipsum dolor", "Unnamed: 0"),
            "broken letters": ("donâ€™t", "Â£5", "don\ufffdt"),
        }.items()
        for text in texts
    ),
    ("markup shown as text", WORDS, "<pre>x.py:3: FutureWarning: x</pre>", "a warning or an error"),
    ("markup shown as text", WORDS, "<pre>Traceback (most recent call last):</pre>", "a warning"),
    ("control character", WORDS, "<p>a\u202eb</p>", "U+202E"),
    ("control character", WORDS, "<p>a\x08b</p>", "U+0008"),
    ("link", 'href="../executed/01-first.ipynb"', 'href="../gone.ipynb"', "is not there"),
    ("link", "#Aware.1.in.2019", "#Aware.9", "'data-survey_estimates.html#Aware.9' leads to an ad"),
    ("link", 'href="#part"', 'href="#parts"', "address that is not there"),
    ("link", WORDS, '<a href="/etc/passwd">words</a>', "a place of one machine"),
    ("link", WORDS, '<a href="file:///x">words</a>', "a place of one machine"),
    ("link", WORDS, '<a href="#part">Click here</a>', "says nothing"),
    ("link", WORDS, '<a href="#part">Learn more</a>', "says nothing"),
    ("link", WORDS, '<a href="http://localhost:8888/lab">the lab</a>', "a place of one machine"),
    ("link", WORDS, '<a target="_blank" href="#part">the part</a>', "a window of its own"),
    ("link", WORDS, '<a href="#part"> </a>', "a link without words"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "old", "new", "words"),
    FAULTS,
    ids=[f"{rule}, {words}, {new[-40:]}" for rule, _, new, words in FAULTS],
)
def test_each_planted_fault_is_found_by_its_rule(good, rule, old, new, words):
    details = [detail for name, detail in found(planted(good, old, new)) if name == rule]
    assert any(words in detail for detail in details), details


def test_every_rule_has_a_planted_fault():
    assert {rule for rule, *_ in FAULTS} == set(page_rules.RULES)


def test_words_like_these_are_no_fault(good):
    words = (
        "None of them; none; NA; 5 > 3; a_b_c and x_1; 2*3*4; £5 and $5 to $6; [c] [low] [z]; 0%; "
        "−1; p < 0.05; A* and B*; infant; nanny; to do; an array; Series of (short) talks; e-10; "
        "1e5; 10% deficit; {wave}; Error: none; the Out [of court] rule; image of the force"
    )
    path = planted(good, WORDS, f"<p>{escape(words)}</p><table>{ROWSPAN}</table>")
    assert found(path) == []


def test_code_and_what_is_quoted_in_it_are_not_markup_shown_as_text(good):
    path = planted(good, WORDS, "<pre>&lt;table&gt; **x**</pre><p><code>&lt;b&gt;</code></p>")
    assert found(path) == []


# In the browser


@pytest.fixture(scope="module")
def tools():
    try:
        return pages_check.tools()
    except errors.BuildError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def browser(tools):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = pages_check.launch(playwright, tools[0])
        yield browser
        browser.close()


SEEN = [
    ("axe-core", WORDS, '<p><a href="#part"></a></p>', "link-name"),
    ("axe-core", WORDS, "<p>Name <input></p>", "label"),
    ("axe-core", WORDS, '<p role="buton">x</p>', "aria-roles"),
    ("axe-core", WORDS, '<p aria-checked="yes">x</p>', "aria-allowed-attr"),
    ("axe-core", WORDS, '<ul><p>x</p></ul>', "list"),
    ("axe-core", "<h1>First</h1>", "", "page-has-heading-one"),
    ("axe-core", 'lang="en-GB"', "", "html-has-lang"),
    ("axe-core", WORDS, '<p aria-hidden="true"><a href="#part">x</a></p>', "aria-hidden-focus"),
    ("axe-core", WORDS, '<p><font color="#999999">pale</font></p>', "color-contrast"),
    ("axe-core", WORDS, '<p class="dim">dim in the dark</p>', "dark 1280px"),
    ("axe-core", WORDS, '<p>Words <a class="plain" href="#part">a link</a> words.</p>',
     "link-in-text-block"),
    ("axe-core", WORDS, '<svg role="img" width="9" height="9"></svg>', "svg-img-alt"),
    ("console", WORDS, "<script>window.x = 1</script>", "Content Security Policy"),
    ("console", WORDS, "<script>throw new Error('planted')</script>", "planted, but for its"),
    ("dialog", WORDS, "<script>alert('planted')</script>", "'planted', but for its policy"),
    ("request", WORDS, '<img alt="" src="https://x.test/i.png">', "https://x.test/i.png"),
    ("request", "<title>", '<link rel="stylesheet" href="other.css"><title>', "other.css"),
    ("keyboard", '<a class="skip" href="#main">Skip to the content</a>', "", "the first stop"),
    ("keyboard", '<main id="main" tabindex="-1">', "<main>", "does not take the focus"),
    ("keyboard", WORDS, '<p><a class="plain" href="#part">no ring</a></p>', "no ring around"),
    ("keyboard", WORDS, '<p><a class="away" href="#part">far away</a></p>', "out of sight"),
    ("width", WORDS, '<p class="wide">x</p>', "scrolls sideways at 320px"),
    ("letters", WORDS, '<p class="tiny">small words</p>', "'small words' has 9.0px"),
    ("paper", WORDS, '<p class="wide">wide words</p>', "is wider than a sheet of paper"),
    ("paper", '<main id="main" tabindex="-1">', '<main class="unprinted">', "is not printed"),
]  # fmt: skip
# Faults of style need a style, which the page's policy must name.
STYLE = (
    ".dim{color:#1d1d1d}.plain,.plain:visited{text-decoration:none;color:#33302d}"
    ".plain:focus{outline:none}.away{position:fixed;left:-99rem}.wide{width:60rem;height:2rem}"
    ".tiny{font-size:9px}@media print{.unprinted{display:none}}"
    "@media (prefers-color-scheme:dark){.plain{color:#e2e4e6 !important}}"
)


def _with_style(path: Path) -> Path:
    text = path.read_text(encoding="utf-8")
    css, css_hash = render._css()
    digest = page_rules.sha256(css + STYLE)
    text = text.replace(css_hash, digest, 1).replace(css, css + STYLE, 1)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def seen(good, browser, tools):
    """What the browser finds on a page with all these faults, and on one that lacks the skip link.

    Faults that stand in the same place stand there one after the other.
    """
    text = good.read_text(encoding="utf-8")
    alone = [fault for fault in SEEN if "skip" in fault[1] or "unprinted" in fault[2]]
    together = [fault for fault in SEEN if fault not in alone]
    for place in dict.fromkeys(old for _, old, _, _ in together):
        assert place in text, f"the good page has no {place!r}"
        text = text.replace(place, " ".join(new for _, old, new, _ in together if old == place), 1)
    path = good.with_name("seen.html")
    path.write_text(text, encoding="utf-8")
    pages = [_with_style(path)]
    for n, (_, old, new, _) in enumerate(alone):
        pages.append(_with_style(planted(good, old, new, f"seen-{n}.html")))
    return [found for page in pages for found in pages_check.examine(browser, page, tools[1])]


@pytest.mark.parametrize(
    ("rule", "words"), [(rule, words) for rule, _, _, words in SEEN], ids=lambda text: text
)
def test_each_fault_that_needs_a_browser_is_found(seen, rule, words):
    details = [finding.detail for finding in seen if finding.rule == rule]
    assert any(words in detail for detail in details), details


def test_the_browser_finds_nothing_on_good_pages(good, browser, tools):
    for path in (good, good.with_name("data-survey_estimates.html")):
        assert pages_check.examine(browser, path, tools[1]) == []


def test_a_fault_in_the_last_of_many_rows_is_found(good, browser, tools):
    rows = "".join(f'<tr><th scope="row">{n}</th><td>1</td></tr>' for n in range(50))
    table = (
        '<table><caption>Long</caption><thead><tr><th scope="col">n</th><th scope="col">one</th>'
        f'</tr></thead><tbody>{rows}<tr><th scope="row">last</th>'
        '<td headers="nowhere">1</td></tr></tbody></table>'
    )
    path = planted(good, WORDS, table)
    details = [f.detail for f in pages_check.examine(browser, path, tools[1])]
    assert any("td-headers-attr" in detail for detail in details), details


def test_the_command_names_page_rule_and_fault(good, tools, capsys):
    path = planted(good, "<h1>First</h1>", "")
    assert pages_check.main([str(path)]) == 1
    said = capsys.readouterr().out
    assert "planted.html: headings: 0 headings of level 1, expected one" in said
    assert "planted.html: axe-core: page-has-heading-one" in said
    assert pages_check.main([str(good)]) == 0
    assert "1 pages in chrom" in capsys.readouterr().out


# What it needs


def test_without_a_browser_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pages_check, "AXE", tmp_path / "axe.min.js")
    assert pages_check.main([]) == 1
    said = capsys.readouterr().err
    assert "Chromium: found not on this machine" in said
    assert "sudo apt-get install chromium" in said and "sudo apt-get install npm" in said


def test_pages_are_found_through_links_but_not_in_hidden_folders(tmp_path):
    (tmp_path / ".published" / "a" / "html").mkdir(parents=True)
    (tmp_path / ".published" / "a" / "html" / "x.html").touch()
    (tmp_path / "current").symlink_to(".published/a")
    (tmp_path / "html").symlink_to("current/html")
    assert pages_check.pages_in([tmp_path]) == [tmp_path / "html" / "x.html"]


def test_no_pages_are_a_refusal(tmp_path):
    with pytest.raises(errors.BuildError, match="There are no pages to check."):
        pages_check.pages_in([tmp_path])


def test_the_lock_of_axe_has_a_hash_and_no_address():
    lock = (pages_check.TOOLS / "package-lock.json").read_text(encoding="utf-8")
    assert '"integrity": "sha512-' in lock
    assert "resolved" not in lock and "http" not in lock
