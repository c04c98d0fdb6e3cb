"""What people write to do harm is text, wherever it goes: must-show 3 of the report's issue.

A report of three pages is built by the real build from a survey whose answers, labels, theme names,
force names and file name are hostile, and from documents of four formats. Then everything that a
reader gets is opened: pages in Chromium, CSV files and the workbook by cell, executed notebooks in
JupyterLab with their output trusted.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import nbformat
import openpyxl
import pandas as pd
import pytest
from hostile_strings import STRINGS
from lxml import etree
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_build import ROOT, Project

from ncpi_eval import errors, formats, inert, page_rules, pages_check
from ncpi_eval.evidence import coding_round

SHORT = [text for text in STRINGS if text.strip() and len(text) < 300]
SURVEY = "data/<img src=x onerror=window.__pwned=1> {{ 7 }} $(touch pwned).parquet"
TOML = """
[site]
title = "Hostile <b>report</b>"

[parameters.survey]
type = "file"
default = "data/synthetic/responses.csv"
help = "respondents"

[parameters.forces]
type = "file"
default = ""
help = "forces"

[parameters.codes]
type = "file"
default = "data/synthetic/open_text_themes.csv"
help = "themes"

[parameters.documents]
type = "folder"
default = ""
help = "documents"

[parameters.wave]
type = "text"
default = "2019"
pattern = "20[0-9]{2}"
help = "wave"

[notebooks.05-open-text]
title = "Answers <script>window.__pwned=1</script>"
question = "What of <img src=x onerror=window.__pwned=1>?"
parameters = ["survey", "forces", "codes", "wave"]
inputs = ["{survey}", "{forces}", "{codes}", "data/questionnaire"]
results = ["open_text_themes", "open_text_accuracy", "open_text_examples"]

[notebooks.20-labels]
title = "Labels"
question = "What do labels do?"
parameters = ["survey", "forces", "wave"]
inputs = ["{survey}", "{forces}", "data/questionnaire"]
results = ["survey_estimates"]

[notebooks.30-strings]
title = "Strings"
question = "What do strings and documents do?"
inputs = ["data/hostile"]
results = ["hostile_strings", "hostile_documents"]
"""
LABELS = """
from ncpi_eval import results, sources, tables
from ncpi_eval.survey import tabulation
data = sources.read_survey(survey, forces or None, wave)
part = tabulation.tabulate(
    data.responses, data.groups, data.questionnaire, wave=wave, data_kind=data.data_kind
)
saved = results.save("survey_estimates", part.estimates)
---
tables.show(
    saved[saved["subgroup"] == "all"], name="labels", caption="Every label", source="The survey",
    columns={"item": "Question", "label": "Answer", "group": "Group", "percent": "Per cent"},
)
"""
CELLS = """
import json
import sys
import warnings
from pathlib import Path
import pandas as pd
from IPython.display import display
from ncpi_eval import document_files, figures, formats, results, say, tables
strings = pd.Series(json.loads(Path("data/hostile/strings.json").read_text()))
---
rows = pd.DataFrame({
    "id": [f"string.{n}" for n in range(len(strings))], "question": "Strings", "item": strings,
    "label": strings, "unit": "cases", "count": range(1, len(strings) + 1),
    "denominator": 1000, "data_kind": "synthetic", "wave": "2019",
})
rows["estimate"] = rows["count"] / rows["denominator"]
rows["ci_low"] = rows["ci_high"] = rows["estimate"]
saved = results.save("hostile_strings", rows)
---
tables.show(
    saved, name="strings", caption=strings[0] + strings[1], source=strings[2], note=strings[65],
    columns={"item": strings[70] + "header", "label": "Again", "count": "Count"},
)
---
few = saved[saved["item"].str.len().between(1, 60)]
few = few.iloc[::12].head(14)
figures.show(
    figures.bars(few, category="label", series=None), few, name="picture", caption=strings[7],
    alt="Bars of nothing at all, labelled with " + strings[3], source=strings[90],
)
---
for text in strings:
    if 0 < len(text) < 60 and "%" not in text:
        display(say("{word}", word=text))
---
for text in strings:
    print(text[:3000])
---
print(strings.str.cat(sep=" ")[:20000], file=sys.stderr)
warnings.warn("<script>window.__pwned=1</script>", stacklevel=1)
---
found = []
for path in sorted(Path("data/hostile/documents").iterdir()):
    for part in document_files.read_document(path).paragraphs:
        found.append({"id": f"part.{len(found)}", "item": path.name, "label": part.text})
documents = results.save("hostile_documents", pd.DataFrame(found).assign(
    question="Documents", unit="documents", count=1, denominator=1, estimate=1.0,
    data_kind="synthetic", wave="2019"))
---
tables.show(documents, name="documents", caption="Documents", source="Documents",
            columns={"item": "File", "label": "Words", "count": "Count"})
"""


def _notebook(text: str, parameters: str = "") -> nbformat.NotebookNode:
    cells = [new_markdown_cell("# Title\n\n**Question.** What?")]
    if parameters:
        cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    cells += [new_code_cell(part.strip()) for part in text.split("---\n")]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3",
        "display_name": "Python 3", "language": "python"}})  # fmt: skip


def _relabel(path: Path, column: str, start: int = 0) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    labels = [text for text in SHORT if "\x00" not in text]
    for number, row in enumerate(rows, start):
        # Who an example is from is told by area and status, which the scanner knows by their words.
        if row[column] and row.get("group") not in ("area", "inspection_status"):
            row[column] = labels[number % len(labels)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _documents(folder: Path) -> None:
    from docx import Document
    from fpdf import FPDF

    folder.mkdir(parents=True)
    words = [text for text in SHORT if text.isprintable()]
    page = "".join(f"<p>A line: {escape(text)}</p>" for text in words)
    # Raw markup, but for what makes the rest of a page a comment or a text of another kind.
    swallow = re.compile(
        "<(?:!|main|p id=main|plaintext|xmp|noscript|template|base|iframe|title|textarea|style)"
    )
    whole = [text for text in words if not swallow.search(text)]
    raw = f"<p>{'The force has a plan. ' * 200}</p>" + "".join(
        f"<p>A line: {text}</p>" for text in whole
    )
    head = "<!DOCTYPE html><html><head><title>x</title></head><body><h1>Inspection</h1>"
    (folder / "escaped.html").write_text(f"{head}{page}</body></html>", encoding="utf-8")
    (folder / "raw.html").write_text(f"{head}{raw}</body></html>", encoding="utf-8")
    lines = "\n\n".join(f"A line: {text}" for text in words)
    opening = "The force has a plan. " * 4000  # so that its first bytes are no page's
    (folder / "plain.txt").write_text(f"{opening}\n\n{lines}", encoding="utf-8")
    word = Document()
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=9)
    for text in words:
        word.add_paragraph(f"A line: {text}")
        pdf.multi_cell(0, 5, f"A line: {text}".encode("latin-1", "replace").decode("latin-1"),
                       new_x="LMARGIN", new_y="NEXT")  # fmt: skip
    name = "<img src=x onerror=window.__pwned=1>.docx"
    word.save(folder / name)
    pdf.output(str(folder / "on \u202efdp.pdf"))


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Project:
    """The hostile report, built by make."""
    folder = tmp_path_factory.mktemp("hostile") / "report"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, folder / name)
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "ncpi_eval", folder / "ncpi_eval", ignore=leave)
    for name in ("questionnaire", "coding", "inspections", "published", "release"):
        shutil.copytree(ROOT / "data" / name, folder / "data" / name)
    (folder / "data" / "synthetic").mkdir()
    for path in (ROOT / "data" / "synthetic").glob("*.csv"):
        shutil.copy2(path, folder / "data" / "synthetic" / path.name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    for name, column in (
        ("questionnaire/options.csv", "label"),
        ("questionnaire/variables.csv", "label"),
        ("questionnaire/response_sets.csv", "label"),
        ("questionnaire/groups.csv", "category_label"),
        ("coding/open_text_themes.csv", "label"),
        ("synthetic/forces.csv", "name"),
    ):
        _relabel(folder / "data" / name, column, start=len(name))
    answers = pd.read_csv(folder / "data/synthetic/responses.csv", dtype=str)
    for place, column in enumerate(("FBPrac", "FImp", "AOB", "REth_other", "RRank_other")):
        for number, text in enumerate(STRINGS):
            if text.strip() and "\x00" not in text:  # which every reader refuses, see below
                answers.loc[(number * 3 + place) % len(answers), column] = text
    formats.write_table(answers, folder / SURVEY)
    (folder / "data/hostile").mkdir()
    (folder / "data/hostile/strings.json").write_text(json.dumps(STRINGS), encoding="utf-8")
    _documents(folder / "data/hostile/documents")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    # The scanner takes words of no known group below "Respondent" for rows of respondents.
    page = (ROOT / "notebooks/05-open-text.ipynb").read_text(encoding="utf-8")
    page = page.replace('\\"group\\": \\"Respondent\\"', '\\"group\\": \\"Who\\"')
    (notebooks / "05-open-text.ipynb").write_text(page, encoding="utf-8")
    parameters = 'survey = "data/synthetic/responses.csv"\nforces = ""\nwave = "2019"'
    nbformat.write(_notebook(LABELS, parameters), notebooks / "20-labels.ipynb")
    nbformat.write(_notebook(CELLS), notebooks / "30-strings.ipynb")
    (notebooks / "report.toml").write_text(TOML, encoding="utf-8")
    project = Project(folder)
    outcome = project.make("-j2", "report", f"SURVEY={SURVEY}")
    assert outcome.code == 0, outcome.text[-3000:]
    assert "\x1b" not in outcome.text and "\u202e" not in outcome.text
    return project


def test_there_are_two_hundred_strings():
    assert len(STRINGS) == len(set(STRINGS)) >= 200


def test_nothing_was_run_by_the_build(report):
    assert not list(report.folder.rglob("pwned"))


# Pages, in a browser


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    try:
        executable, _ = pages_check.tools()
    except errors.BuildError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    with sync_playwright() as playwright:
        browser = pages_check.launch(playwright, executable)
        yield browser
        browser.close()


# What the project's own pages are made of.
OURS = frozenset(
    "html head meta title style body a header p strong div nav h2 ul li main h1 h3 h4 details "
    "summary pre span table caption thead tbody tr th td figure figcaption dl dt dd svg g path "
    "text defs clippath rect use desc footer code em blockquote ol br hr b i u".split()
)
_LOOK = """
() => ({
  pwned: window.__pwned === undefined ? null : window.__pwned,
  names: [...new Set([...document.querySelectorAll("*")].map(e => e.localName.toLowerCase()))],
  handlers: [...document.querySelectorAll("*")].filter(e =>
    [...e.attributes].some(a => a.name.startsWith("on") || a.name === "style")).length,
  mains: document.querySelectorAll("#main").length, titles: document.title,
  skips: document.querySelectorAll(".skip").length,
  links: [...document.querySelectorAll("a[href]")].map(a => a.protocol),
})
"""


def _in_words(text: str) -> str:
    """A text as a browser gives it back: with marks, and without the spaces that HTML drops."""
    return " ".join(inert.shortened(inert.marked(text)).split())


def test_every_page_is_inert_with_and_without_its_policy(report, browser):
    pages = pages_check.pages_in([report.path("outputs")])
    assert len(pages) >= 9
    for path in pages:
        for policy in (True, False):
            with pages_check.opened(browser, path, policy=policy) as (page, noticed):
                page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
                page.keyboard.press("Tab")
                page.mouse.move(300, 300)
                seen = page.evaluate(_LOOK)
                page.wait_for_timeout(50)
                assert noticed == [], path.name
            assert seen["pwned"] is None, path.name
            assert set(seen["names"]) <= OURS, path.name
            assert (seen["handlers"], seen["mains"], seen["skips"]) == (0, 1, 1), path.name
            # A web address in a text is a link to what it says; one that is wrong leads nowhere.
            assert set(seen["links"]) <= {"file:", "https:", ":"}, path.name


def test_our_own_rules_for_what_runs_and_asks_find_nothing(report):
    for path in pages_check.pages_in([report.path("outputs")]):
        page = page_rules.read(path)
        kinds = ("security policy", "something that runs", "outside request", "control character")
        found = [f for f in page_rules.findings(page) if f.rule in (*kinds, "same id twice")]
        assert found == [], path.name


def test_every_string_is_shown_as_the_text_it_is(report, browser):
    path = report.path("outputs/html/data-hostile_strings.html")
    with pages_check.opened(browser, path) as (page, _):
        rows = page.evaluate(
            """() => [...document.querySelectorAll("tr[id^='string.']")].map(row => [
              row.id, [...row.cells].map(cell => cell.textContent),
              [...row.cells].map(cell => cell.querySelectorAll(":not(a)").length)])"""
        )
    assert len(rows) == len(STRINGS)
    for number, ((identity, cells, inside), text) in enumerate(zip(rows, STRINGS, strict=True)):
        assert identity == f"string.{number}"
        expected = _in_words(text)
        shown = {" ".join(cell.split()) for cell in cells}
        # A formula keeps the apostrophe that its file has; a reference to a row is a link.
        assert shown & {expected, _in_words(f"'{text}")}, (number, text[:80], cells[:3])
        assert sum(inside) == 0, (number, text[:80])


def test_words_of_documents_are_shown_and_their_scripts_are_not(report):
    with report.path("outputs/results/hostile_documents.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    files = {row["item"] for row in rows}
    assert files == {
        "<img src=x onerror=window.__pwned=1>.docx",
        "escaped.html",
        "on [U+202E]fdp.pdf",
        "plain.txt",
        "raw.html",
    }
    words = {row["label"] for row in rows}
    assert any("<script>window.__pwned=1;alert(1)</script>" in text for text in words)


# Files


def _is_formula(cell: str) -> bool:
    """Whether a spreadsheet would take a cell of a CSV file for a formula."""
    number = re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?%?", cell)
    return cell[:1] in tuple("=+-@\t\r\n＝＋－＠") and not number


def test_no_cell_of_a_csv_is_a_formula_or_holds_what_cannot_be_seen(report):
    checked = 0
    for path in sorted(report.path("outputs/current").rglob("*.csv")):
        text = path.read_text(encoding="utf-8")
        assert not page_rules.CONTROL.search(text), path.name
        for row in csv.reader(io.StringIO(text, newline="")):
            for cell in row:
                checked += 1
                assert not _is_formula(cell), (path.name, cell[:80])
    assert checked > 10_000


def test_no_cell_of_the_workbook_is_a_formula_or_leads_outside(report):
    book = openpyxl.load_workbook(report.path("outputs/tables.xlsx"))
    texts = set()
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate)
                link = cell.hyperlink
                assert link is None or not link.target, (sheet.title, cell.coordinate)
                texts.add(str(cell.value))
    assert any("<script>window.__pwned=1" in text for text in texts)


def test_outputs_of_executed_notebooks_are_ours_and_hold_nothing_that_runs(report):
    for path in sorted(report.path("outputs/executed").glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                html = output.get("data", {}).get("text/html")
                if html is None:
                    continue
                assert "ncpi_eval" in output.metadata, path.name
                assert page_rules.active(html) == [], path.name
                assert not page_rules.CONTROL.search(html), path.name


def test_a_trusted_notebook_is_inert_in_jupyterlab(report, browser, tmp_path):
    folder = tmp_path / "lab"
    folder.mkdir()
    shutil.copy2(report.path("outputs/executed/30-strings.ipynb"), folder / "strings.ipynb")
    settings = {
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "share"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
    }
    environment = os.environ | settings
    subprocess.run(
        [sys.executable, "-m", "jupyter", "trust", str(folder / "strings.ipynb")],
        env=environment, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    with _lab(folder, environment) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 4000})
        page = context.new_page()
        asked, dialogs = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(f"{address}/lab/tree/strings.ipynb?reset", timeout=120_000)
        page.wait_for_selector(".jp-OutputArea figure table", timeout=120_000)
        for _ in range(12):
            page.mouse.wheel(0, 3000)
            page.wait_for_timeout(250)
        shown = page.evaluate(
            """() => ({pwned: window.__pwned === undefined ? null : window.__pwned,
              text: [...document.querySelectorAll(".jp-OutputArea-output")].map(
                e => e.textContent).join(" "),
              active: document.querySelectorAll(
                ".jp-OutputArea-output :is(script, iframe, object, embed, form, base)").length})"""
        )
        context.close()
    # A picture that markdown links to is asked for by JupyterLab itself; nothing else goes out.
    outside = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert shown["pwned"] is None and dialogs == [] and shown["active"] == 0
    assert "<script>window.__pwned=1;alert(1)</script>" in shown["text"]
    assert [url for url in outside if not url.startswith("https://pwned.test/x.")] == []


@contextmanager
def _lab(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """JupyterLab on a folder, on a free port of this machine alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=", "--ServerApp.password=",
    ]  # fmt: skip
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{address}/api", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < until, (
                    "JupyterLab did not start"
                )
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


# Sheets that people code in, sent out by make coding-sheets


@pytest.fixture(scope="module")
def sheets(report, tmp_path_factory) -> Path:
    """The sheets of a report that recommends every string, and one that names each by it."""
    folder = tmp_path_factory.mktemp("recommended") / "=1+1 $(touch pwned)"
    folder.mkdir()
    words = [text for text in SHORT if text.isprintable()]
    asked = "".join(
        f"<p>We recommend that, within three months, the force reviews {escape(text)}.</p>"
        for text in words
    )
    title = "Ashdale Police \u2013 National child protection inspection"
    head = f"<!DOCTYPE html><html lang=en><head><title>{title}</title></head><body><h1>{title}</h1>"
    head += "<p>Fieldwork: 4 to 15 May 2015. Published 2 December 2015.</p>"
    page = f"{head}<h2>Recommendations</h2>{asked}</body></html>"
    (folder / "=cmd|' '!A0.html").write_text(page, encoding="utf-8")
    outcome = report.make("coding-sheets", "CODERS=Ann Ben", f"DOCUMENTS={folder}")
    assert outcome.code == 0, outcome.text[-2000:]
    return report.path("outputs/coding")


def _coded(path: Path) -> list[dict[str, openpyxl.cell.Cell]]:
    header, *rows = openpyxl.load_workbook(path)["Coding"].iter_rows()
    return [dict(zip((cell.value for cell in header), row, strict=True)) for row in rows]


def _assert_inert_workbook(path: Path) -> None:
    """No formula, also after an edit; no link; nothing that cannot be seen or turns words."""
    for sheet in openpyxl.load_workbook(path).worksheets:
        for cell in (cell for row in sheet.iter_rows() for cell in row if cell.value is not None):
            place = (sheet.title, cell.coordinate, str(cell.value)[:60])
            assert (cell.data_type, cell.quotePrefix, cell.hyperlink) == ("s", True, None), place
            assert inert.marked(cell.value) == cell.value, place


def test_every_string_reaches_the_coding_sheet_as_text(report, sheets):
    words = [text for text in SHORT if text.isprintable() and "\n" not in text]
    for coder in ("Ann", "Ben"):
        _assert_inert_workbook(sheets / f"{coder}.xlsx")
        shown = " ".join(row["text"].value for row in _coded(sheets / f"{coder}.xlsx"))
        there = [text for text in words if " ".join(text.split()) in " ".join(shown.split())]
        assert len(there) > 180  # the others end a sentence, or are no recommendation
    assert not list(report.folder.rglob("pwned"))


def test_the_project_for_other_programs_is_inert(sheets):
    with zipfile.ZipFile(sheets / "coding.qdpx") as archive:
        names = archive.namelist()
        assert all(re.fullmatch(r"project\.qde|sources/[0-9A-Fa-f-]+\.txt", name) for name in names)
        project = etree.fromstring(archive.read("project.qde"))
    assert project.getroottree().docinfo.doctype == ""
    tags = {etree.QName(element).localname for element in project.iter()}
    assert tags == {"Project", "CodeBook", "Codes", "Code", "Description", "Sources", "TextSource"}


@pytest.mark.parametrize("column", ["text", "document", "place"])
def test_a_string_alone_in_a_cell_goes_out_and_comes_back(tmp_path, column):
    texts = [text for text in STRINGS if inert.marked(text).strip() and len(text) < 30_000]
    sent = pd.DataFrame({"extract": [f"e{n}" for n in range(len(texts))]}).assign(
        document="d", place="p", text="t", data_kind="synthetic", chapter="", reading="positive"
    )
    sent[column] = texts
    frame = coding_round.read_frame()
    folder = tmp_path / "round"
    coding_round.write(
        folder, sent, frame, scheme="inspection", coders=["Ann"], sent_on="2026-01-05"
    )
    _assert_inert_workbook(folder / "Ann.xlsx")
    with (folder / "extracts.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(texts)
    assert [cell for row in rows for cell in row.values() if _is_formula(cell)] == []
    about = folder / "round.toml"
    about.write_text(
        about.read_text().replace('taken_over_on = ""', 'taken_over_on = "2026-02-02"')
    )
    back = coding_round.read(folder, frame)
    assert len(back.codings) == len(texts)


# What is refused


@pytest.mark.parametrize("text", ["a\x00b", "=1+1"])
def test_readers_say_what_they_refuse(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_bytes(f"serial,FBPrac\r\n1,{text}\r\n".encode())
    if "\x00" in text:
        with pytest.raises(errors.InputError, match="NUL"):
            formats.read_table(path)
    else:
        assert formats.read_table(path).frame["FBPrac"].tolist() == [text]


@pytest.mark.parametrize("name", ["wave", "no_such"])
@pytest.mark.parametrize("value", ["<script>", "2019; touch pwned", "$(touch pwned)", "\x1b[31m"])
def test_hostile_parameters_are_refused_and_run_nothing(report, name, value):
    outcome = report.make("report", f"{name.upper()}={value}")
    assert outcome.code != 0
    assert "\x1b" not in outcome.text
    assert not list(report.folder.rglob("pwned"))
