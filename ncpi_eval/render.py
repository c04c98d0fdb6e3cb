"""Turn an executed notebook into a page that anybody can read, offline and by any means.

nbconvert gives the body through a template of our own (`templates/ncpi`, extended from its stock
structure); one layout (`templates/page.html.j2`) surrounds notebooks, data pages and the index. A
page is one file: nothing in it asks for another, no script runs, and its security policy says so.

What a notebook displays other than through `tables.show`, `figures.show` and `say` has not passed
disclosure control and has neither headers nor description: a page with such output is refused.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any, Protocol

import bleach
import jinja2
import nbformat
import pandas as pd
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import markdown2html

from ncpi_eval import formulas, inert, page_rules, paths, prose, results, tables
from ncpi_eval.errors import BuildError, Problem

TEMPLATES = Path(__file__).resolve().parent / "templates"
# Beyond this a data page shows what identifies a row and what it says; the file has all columns.
ALL_COLUMNS_UP_TO = 3000
# Columns that may hold references to rows of results, as results.reference writes them. Anywhere
# else a text that looks like one is a text.
REFERRING = ("source_row", "source_rows", "cell_row", "rests_on", "evidence", "supports", "against",
             "power_row")  # fmt: skip
ESSENTIAL = ("id", "label", "count", "denominator", "estimate", "ci_low", "ci_high", "p_value")
# More rows than this are put under one heading for each question.
SECTIONS_FROM = 150
# Columns that no other column stands for: the row, and what its numbers count and are from.
_TOLD = ("id", "unit", "data_kind")
# Characters from which a text that many rows repeat stands above them.
LONG = 80

# What a results file holds; a file that is not named here stands with its page alone.
RESULTS: Mapping[str, str] = {
    "survey_estimates": "every question, set of answers and group: counts, shares and intervals",
    "survey_tests": "every comparison of groups: p-values, design effects, strength",
    "survey_changes": "changes between two waves",
    "survey_quality": "responses by force, profile, missing answers, routing",
    "survey_counts": "respondents and forces",
    "survey_released": "how many estimates are shown and withheld",
    "open_text_themes": "themes of the open answers, by group",
    "open_text_accuracy": "how well rules find the themes that people gave",
    "open_text_examples": "redacted examples of answers",
    "published_robustness": "each published difference: range of p and likeness it bears",
    "survey_multiplicity": "how many tests are significant, by breakdown",
    "survey_leave_one_out": "differences with each force left out in turn",
    "survey_adjusted": "differences with the mix of respondents held equal",
    "survey_design_effects": "design effects by breakdown",
    "published_figures": "each figure and statement that the report prints, with its place",
    "published_reconciliation": "each published figure beside its recomputed value",
    "published_readings": "the readings of points where printed numbers disagree",
    "published_checks": "arithmetic laws held against the printed numbers",
    "document_facts": "each document: kind, force, dates, cases and grades, recommendations",
    "recommendations": "each recommendation: words, time scale, addressee, criterion",
    "document_spans": "each extracted fact with the words that it was read from",
    "document_findings": "findings by criterion, and what follow-ups say of progress",
    "document_coding_sheet": "what was too doubtful to extract, for a person to decide",
    "document_flow": "documents found, left out and included, with reasons",
    "document_recommendations_asked": "recommendations by criterion and time scale",
    "document_themes": "criteria by how many forces were praised, criticised, advised",
    "document_evidence_map": "extracts by force, criterion and kind",
    "document_change": "what was asked and what the follow-up says, by force and criterion",
    "document_progress": "how often follow-ups used each word of progress",
    "document_grades": "case audits of first inspections and follow-ups",
    "document_accuracy": "precision and recall of the extraction, by field",
    "document_failures": "each value that was extracted wrongly or missed",
    "coding_progress": "how far the round of coding is",
    "coding_agreement": "agreement of coders: five coefficients, for code, area and kind",
    "coding_differences": "extracts on which coders differed, with what was decided",
    "coding_trail": "who gave which extract which code when, and why",
    "coding_final": "the code of each extract, and what it rests on",
    "coding_proposal_accuracy": "the machine's proposals held against people, by code",
    "coding_proposal_failures": "proposals that people did not share, with their words",
    "coding_proposals": "proposed codes of all extracts, with score and words",
    "record_timeline": "every visit of a force, with the days between which it must lie",
    "record_coverage": "forces whose first inspection had begun, by moment",
    "record_times": "months to publication and to follow-up, by force",
    "record_time_counts": "how many times are known, a range, missing or still running",
    "record_time_summary": "median and range of times under four ways to take doubtful dates",
    "record_waiting": "share still waiting by month (Kaplan-Meier)",
    "record_grades": "grades of audited cases, by report, as printed",
    "record_graded_twice": "grades of forces audited twice, side by side",
    "record_self_assessment": "inspectors' and the force's own grades, in total",
    "record_recommendations": "recommendations seen: date indicated, last status, state",
    "record_recommendation_counts": "recommendations seen, by time scale and state",
    "record_recommendations_made": "recommendations made and seen, by report",
    "record_steps": "status history of recommendations as printed",
    "indicator_matrix": "indicators of each outcome: published value, source, owner, gap",
    "indicator_values": "indicators as the survey measures them, by wave",
    "logic_model_nodes": "inputs, activities, outputs, outcomes and goal, with their places",
    "logic_model_arrows": "what leads to what, with its place",
    "logic_model_assumptions": "what must hold for the arrows to hold",
    "logic_model_checks": "nodes that lead nowhere, outcomes that nothing measures",
    "framework_matrix": "what each group of interviewees says about each theme, as published",
    "framework_extracts": "the published findings behind each cell, with their place",
    "framework_groups": "groups of participants that the report tells apart",
    "framework_sample": "the achieved sample of interviews and focus groups",
    "framework_topic_coverage": "sections of the topic guide by kind of encounter",
    "framework_transcript_matrix": "what each transcript says about each theme",
    "framework_transcript_extracts": "coded passages of transcripts, redacted",
    "framework_transcript_coverage": "sections of the topic guide by transcript",
    "framework_redactions": "what was taken out of transcripts, by kind",
    "triangulation": "each outcome: the strands together, beside the report's conclusion",
    "triangulation_cells": "each outcome and strand: direction, strength, statement, place",
    "triangulation_evidence": "the figures, records and statements behind each cell",
    "report_recommendations": "recommendations of chapter 5, evidence, and a way to tell",
    "strength_rubric": "criteria of strength by strand",
    "its_check": "a jump of known date that each model should see",
    "its_coverage": "how often 95% intervals cover the truth, for one series",
    "its_errors": "change of level by error process",
    "its_force": "one force: recorded offences against what its past would have led to",
    "its_force_line": "one force: offences by quarter, and the lines behind the picture",
    "its_placebos": "change of level at dates without an inspection, and for adults",
    "its_pooled": "change of level at the first inspection, by force and together",
    "its_sensitivity": "change of level when one choice is made otherwise",
    "did_bacon": "what the two-way regression compares, with weights",
    "did_checks": "trends before the inspection, drift, and inference with few forces",
    "did_cohorts": "forces by the year of their first inspection",
    "did_coverage": "how often 95% intervals cover the truth, for this calendar",
    "did_decision": "the plan's conditions and whether each holds",
    "did_events": "recorded offences by years since the first inspection",
    "did_overall": "recorded offences as times the level without an inspection, by estimator",
    "did_secondary": "the same for other outcomes",
    "did_variations": "the same when one choice is made otherwise",
    "scm_example": "a published example of synthetic control, recomputed",
    "scm_force": "synthetic control for one force, and for others as if it were they",
    "power_arrangement": "power by the number of forces at a time and the months between",
    "power_behaviour": "how recorded offences stray from forces' own trends",
    "power_curves": "how often each design finds a change, by its size",
    "power_detectable": "smallest change that each design finds four times in five",
    "power_harder": "power, bias and coverage when one thing is worse",
    "power_survey": "smallest change of a share that a second wave finds",
    "tracing_clues": "clues, whether they were found, and which test each is",
    "tracing_each": "the leading explanation without each clue, and the other way",
    "tracing_example": "an invented example that can be worked by hand",
    "tracing_posterior": "probability of each explanation before and after the clues",
    "tracing_priors": "probability afterwards, by what was believed before",
    "tracing_worth": "what clues that nobody looked for would settle",
    "contribution_claims": "claims along the logic model, what they rest on, their strength",
    "realist_configurations": "contexts, mechanisms and outcomes in the report",
    "options": "options for the next evaluation: what each asks and can show",
    "option_outcomes": "candidate outcomes by how well they can be measured",
    "option_proposals": "recommendations for the next evaluation",
    "option_ranking": "place of each option when weights are drawn anew",
    "option_scores": "score of each option on each criterion",
    "option_weights": "the leading options when one weight is changed",
    "dictionary_variables": "variables, options, routing and bases",
    "dictionary_groups": "groups of respondents and their rules",
}
KINDS: Mapping[str, str] = {
    "synthetic": "invented by this project so that the published numbers come out",
    "real": "collected, and released under the disclosure rules",
    "published": "printed in the evaluation report and its questionnaire",
    "public_record": "taken from public records",
    "simulated": "drawn by the computer under stated assumptions",
}

_FOOTER = "Rebuilt from data and code by make report. This page loads nothing and runs no script."
BANNER = (
    "What is marked as synthetic on this page was invented for this project and collected from "
    "nobody. It shows that definitions and code are right; it is no evidence about anybody."
)
_TAGS = frozenset(
    "a abbr b blockquote br caption code dd del details dl dt em h1 h2 h3 h4 h5 h6 hr i ins li ol "
    "p pre q s small span strong sub summary sup table tbody td th thead tr ul".split()
)
_ATTRIBUTES = {
    "a": ["href", "title"],
    "abbr": ["title"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
    "h1": ["id"],
    "h2": ["id"],
    "h3": ["id"],
    "h4": ["id"],
    "h5": ["id"],
    "h6": ["id"],
}
_DROPPED = re.compile(
    r"<(script|style|iframe|object|embed|svg|math|template|noscript)\b.*?(</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_HEADING = re.compile(r"<h([1-6])([^>]*)>(.*?)</h\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_REFERENCE = re.compile(r"[a-z0-9_-]+#[A-Za-z0-9][A-Za-z0-9._-]*")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Page(Protocol):
    """What render asks of a declared page."""

    @property
    def stem(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def question(self) -> str: ...


class Site(Protocol):
    """What render asks of the declared report."""

    @property
    def title(self) -> str: ...
    @property
    def pages(self) -> Sequence[Any]: ...


def render_page(
    notebook: nbformat.NotebookNode | Path | str,
    page: Page,
    site: Site,
    provenance: Mapping[str, Any],
) -> str:
    """One executed notebook as a page.

    Parameters
    ----------
    notebook : NotebookNode or path
        Executed without error.
    page, site
        The declared page and report: titles, question, reading order.
    provenance : mapping
        Heading to mapping, list or text; shown at the end of the page.

    Returns
    -------
    str
        The HTML; the same for the same arguments.

    Raises
    ------
    BuildError
        If a cell failed, or displays what was not shown through the three seams.
    """
    content = read(notebook)
    prepared = _prepared(content, page)
    body, _ = _exporter().from_notebook_node(prepared)
    body, contents = _with_headings(body)
    end = provenance_section(provenance, f"../executed/{page.stem}.ipynb")
    kinds = sorted({kind for shown in shown_in(content) for kind in shown.get("data_kind", [])})
    stems = [other.stem for other in site.pages]
    place = stems.index(page.stem) if page.stem in stems else -1
    return layout(
        site,
        title=page.title,
        lead=page.question,
        body=body + end,
        contents=[*contents, *contents_of(end)],
        home="../index.html",
        synthetic=BANNER if "synthetic" in kinds else "",
        previous=_neighbour(site, place - 1) if place > 0 else None,
        next=_neighbour(site, place + 1) if 0 <= place < len(stems) - 1 else None,
    )


@cache
def _exporter() -> HTMLExporter:
    """Made once, because it compiles its templates."""
    return HTMLExporter(
        template_name="ncpi",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={
            "page_markdown": page_markdown,
            "plain_text": _plain_text,
            "prose_markdown": prose_markdown,
        },
    )


def render_data_page(name: str, csv_path: Path | str, site: Site) -> str:
    """A results file as a page on which each row has an address.

    Parameters
    ----------
    name : str
        Of the results; the page is ``data-<name>.html``.
    csv_path : path
        The file.
    site
        The declared report.

    Notes
    -----
    Columns that are the same in all rows are stated once. Numbers are shown with four significant
    digits; the file has all of them.
    """
    frame = pd.read_csv(csv_path, dtype=str, keep_default_na=False)
    names = [str(column) for column in frame]
    constant = [c for c in names if len(frame) > 1 and c != "id" and frame[c].nunique() == 1]
    kept = [c for c in names if c not in constant]
    if len(frame) > ALL_COLUMNS_UP_TO:
        kept = [c for c in ESSENTIAL if c in frame]
    body = [
        "<p>Each number of the report that comes from this file links to its row here.</p>\n"
        f'<p>{len(frame):,} rows. <a href="../results/{escape(name)}.csv">Download {escape(name)}'
        ".csv</a>, which has every column and every digit.</p>"
    ]
    same = [(c, frame[c].iloc[0]) for c in constant if frame[c].iloc[0] != ""]
    end = ""
    if same:
        pairs = "".join(
            f"<dt>{escape(c)}</dt><dd>{_with_links(c, value)}</dd>" for c, value in same
        )
        end = f'<h2 id="same">The same in every row</h2>\n<dl>{pairs}</dl>'
    html = "\n".join([*body, _data_tables(frame, kept, name), end])
    synthetic = "data_kind" in frame and "synthetic" in set(frame["data_kind"])
    return layout(
        site,
        title=f"Results: {name}",
        lead=in_words(RESULTS[name]) + "." if name in RESULTS else "",
        body=html,
        contents=contents_of(html),
        home="../index.html",
        synthetic=BANNER if synthetic else "",
    )


# ---------------------------------------------------------------------------------------------
# The layout


@cache
def templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )


@cache
def _css() -> tuple[str, str]:
    """The style sheet and its hash, which the security policy names."""
    css = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode("utf-8")).digest()).decode("ascii")
    return css, f"sha256-{digest}"


def layout(site: Site, *, title: str, body: str, **fields: Any) -> str:
    css, css_hash = _css()
    given = {"previous": None, "next": None, "footer": _FOOTER, **fields}
    html = (
        templates()
        .get_template("page.html.j2")
        .render(
            title=title,
            site_title=site.title,
            body=Markup(body),
            css=Markup(css),
            css_hash=css_hash,
            **given,
        )
    )
    html = re.sub(r"[ \t]+\n", "\n", re.sub(r"\n{3,}", "\n\n", inert.marked(html))) + "\n"
    found = page_rules.active(html)
    if found:
        raise BuildError(
            f"The page {title!r} would run or load something.",
            [
                Problem(
                    "page",
                    what,
                    "no script, no handler, nothing loaded",
                    "Find the cell that shows it and take it out.",
                )
                for what in found
            ],
        )
    return html


def _neighbour(site: Site, place: int) -> dict[str, str]:
    other = site.pages[place]
    return {"href": f"{other.stem}.html", "title": other.title}


def contents_of(html: str) -> list[dict[str, Any]]:
    return [
        {"level": int(level), "id": identity, "text": unescape(_TAG.sub("", text))}
        for level, identity, text in re.findall(r'<h([23]) id="([^"]+)">(.*?)</h\1>', html)
    ]


# ---------------------------------------------------------------------------------------------
# A notebook's cells


def read(notebook: nbformat.NotebookNode | Path | str) -> nbformat.NotebookNode:
    if isinstance(notebook, (str, Path)):
        return nbformat.read(Path(notebook), as_version=4)
    return notebook


def _prepared(notebook: nbformat.NotebookNode, page: Page) -> nbformat.NotebookNode:
    """A copy with labelled cells, one kind of output each, without the title the page has."""
    prepared = copy.deepcopy(notebook)
    prepared.metadata.pop("widgets", None)
    prepared.cells = [cell for cell in prepared.cells if cell.source.strip()]
    problems: list[Problem] = []
    number = 0
    for cell in prepared.cells:
        if cell.cell_type == "markdown":
            problems += _formula_problems(cell.source, page.stem)
        if cell.cell_type != "code":
            continue
        number += 1
        tags = cell.metadata.get("tags", [])
        extra = ": parameters" if {"parameters", "injected-parameters"} & set(tags) else ""
        cell.metadata["ncpi_label"] = f"Code {number}{extra}"
        cell.metadata["ncpi_number"] = number
        problems += _output_problems(cell, f"{page.stem}, code cell {number}")
        cell.outputs = [_one_kind(output) for output in _joined(cell.outputs)]
    if problems:
        raise BuildError(f"The page {page.title!r} cannot be made.", problems)
    prepared.cells = _silent_joined(_without_defaults(prepared.cells))
    first = next((cell for cell in prepared.cells if cell.cell_type == "markdown"), None)
    if first is not None:
        first.source = _without_title(first.source, page.title)
        # The page's lead asks it already.
        first.source = re.sub(r"(?s)\A\s*\*\*Question\.\*\*.*?(\n\s*\n|\Z)", "", first.source)
    return prepared


def _without_defaults(cells: Sequence[Any]) -> list[Any]:
    """Cells without the parameters' defaults, where those of this run stand in another cell."""
    tags = [set(cell.metadata.get("tags", [])) for cell in cells]
    if not any("injected-parameters" in own for own in tags):
        return list(cells)
    return [cell for cell, own in zip(cells, tags, strict=True) if "parameters" not in own]


def _silent_joined(cells: Sequence[Any]) -> list[Any]:
    """Cells with code that shows nothing put to the code that follows it at once."""
    joined: list[Any] = []
    for cell in cells:
        last: Any = joined[-1] if joined else {}
        if cell.cell_type == "code" and last and last.cell_type == "code" and not last.outputs:
            cell.source = f"{last.source}\n\n{cell.source}"
            first = last.metadata.get("ncpi_first", last.metadata["ncpi_number"])
            cell.metadata["ncpi_first"] = first
            cell.metadata["ncpi_label"] = f"Code {first} to {cell.metadata['ncpi_number']}"
            joined[-1] = cell
        else:
            joined.append(cell)
    return joined


def _joined(outputs: Sequence[Any]) -> list[Any]:
    """Outputs with neighbouring pieces of one stream put together."""
    joined: list[Any] = []
    for output in outputs:
        last: Any = joined[-1] if joined else {}
        is_stream = output.output_type == "stream"
        if is_stream and last and last.output_type == "stream" and last.name == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _without_title(source: str, title: str) -> str:
    found = re.match(r"\s*#\s+(.+?)\s*#*\s*(?:\n|\Z)", source)
    if found and _letters(found.group(1)) == _letters(title):
        return source[found.end() :]
    return source


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _formula_problems(source: str, place: str) -> Iterator[Problem]:
    """Formulas that cannot be set, which would reach readers as their source."""
    for match in formulas.found(source):
        try:
            formulas.of_match(match)
        except formulas.NoFormula as error:
            yield Problem(
                f"{place}, words of a cell",
                f"the formula {match.group()[:60]!r}: {error}",
                "TeX that can be set without MathJax",
                "Mend it, or say it in words; write a dollar as \\$.",
            )


def _output_problems(cell: Any, place: str) -> list[Problem]:
    problems = []
    for output in cell.outputs:
        if output.output_type == "error":
            problems.append(
                Problem(
                    place,
                    f"{output.ename}: {output.evalue}"[:200],
                    "a cell that ran",
                    "Mend the cell and build again.",
                )
            )
        elif output.output_type in ("display_data", "execute_result") and not is_ours(output):
            # JupyterLab runs what stands in the markdown of a notebook that somebody trusts.
            kinds = sorted(kind for kind in output.data if kind != "text/plain")
            if kinds:
                problems.append(
                    Problem(
                        place,
                        f"output of the kind {', '.join(kinds)}",
                        "tables.show, figures.show or say",
                        "Show a frame with tables.show and a picture with figures.show.",
                    )
                )
    return problems


def is_ours(output: Any) -> bool:
    return "ncpi_eval" in output.get("metadata", {})


def _one_kind(output: Any) -> Any:
    """The output with its best kind of content only, so that nothing hides in another."""
    if output.output_type not in ("display_data", "execute_result"):
        return output
    for kind in ("text/html", "text/markdown", "text/plain"):
        if kind in output.data:
            output.data = nbformat.from_dict({kind: output.data[kind]})
            break
    output.output_type = "display_data"
    output.pop("execution_count", None)
    return output


def shown_in(notebook: nbformat.NotebookNode | None) -> list[dict[str, Any]]:
    """What the notebook showed through the three seams, in order."""
    if notebook is None:
        return []
    return [
        dict(output.metadata["ncpi_eval"])
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type in ("display_data", "execute_result") and is_ours(output)
    ]


def prose_markdown(source: str) -> str:
    """What people wrote in a notebook as HTML: `page_markdown`, with formulas."""
    return formulas.around(source, page_markdown)


def page_markdown(source: str) -> str:
    """Markdown as HTML in which nothing runs and every table header has its scope."""
    html = markdown2html(_DROPPED.sub("", source))
    html = re.sub(r'<a class="anchor-link".*?</a>', "", html, flags=re.DOTALL)
    clean = bleach.clean(
        _DROPPED.sub("", html),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        protocols={"http", "https", "mailto"},
        strip=True,
    )
    clean = re.sub(r"<th(?=[\s>])(?![^>]*\sscope=)", '<th scope="col"', clean)
    clean = re.sub(r"<th[^>]*>\s*</th>", "<td></td>", clean)
    return re.sub(
        r"<table>.*?</table>",
        lambda m: tables.scrolling(m.group(0), "Table"),
        clean,
        flags=re.DOTALL,
    )


def _plain_text(text: str) -> str:
    """Text of a stream or value, without colours and without places on this machine."""
    plain = _ANSI.sub("", text)
    plain = re.sub(r"(?<!\S)\S*[/\\]ipykernel_\d+[/\\]\d+\.py", "cell", plain)
    plain = re.sub(r"[^\s'\"(]*[/\\](site-packages|dist-packages)[/\\]", r"\1/", plain)
    plain = plain.replace(f"{paths.ROOT}/", "").replace(str(paths.ROOT), ".")
    return escape(plain, quote=False)


def _with_headings(body: str) -> tuple[str, list[dict[str, Any]]]:
    """Body whose headings start at level 2, skip none and have addresses; and their list."""
    renamed: dict[str, str] = {}
    used: set[str] = {"main", "contents", "provenance"}
    entries: list[dict[str, Any]] = []
    above = 1

    def mend(found: re.Match[str]) -> str:
        nonlocal above
        level = min(max(int(found.group(1)), 2), above + 1)
        above = level
        text = unescape(_TAG.sub("", found.group(3))).strip()
        stem = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-") or "part"
        identity, number = stem, 2
        while identity in used:
            identity, number = f"{stem}-{number}", number + 1
        used.add(identity)
        given = re.search(r'id="([^"]*)"', found.group(2))
        if given:
            renamed.setdefault(given.group(1), identity)
        if level <= 3:
            entries.append({"level": level, "id": identity, "text": text})
        return f'<h{level} id="{identity}">{found.group(3).strip()}</h{level}>'

    mended = _HEADING.sub(mend, body)
    for old, identity in renamed.items():
        mended = mended.replace(f'href="#{old}"', f'href="#{identity}"')
    return mended, entries


# ---------------------------------------------------------------------------------------------
# Where a page comes from


def provenance_section(provenance: Mapping[str, Any], notebook: str | None) -> str:
    parts = ['<h2 id="provenance">Where this comes from</h2>']
    if notebook:
        parts.append(f'<p><a href="{escape(notebook)}">The executed notebook</a></p>')
    simple = [(key, value) for key, value in provenance.items() if not _is_table(value)]
    if simple:
        pairs = "".join(
            f"<dt>{escape(in_words(key))}</dt><dd>{escape(_text(value))}</dd>"
            for key, value in simple
        )
        parts.append(f"<dl>{pairs}</dl>")
    for key, value in provenance.items():
        if _is_table(value):
            parts.append(_provenance_table(in_words(key), value))
    return "\n".join(parts) if len(parts) > 1 else ""


def _is_table(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple)) and len(value) > 0


def _provenance_table(title: str, value: Any) -> str:
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value, 1)
    rows = [
        [escape(str(key)), f'<span class="hash">{escape(_text(content))}</span>']
        for key, content in pairs
    ]
    table = tables.plain_table(["Name", "Value"], rows, [False, False], title)
    summary = f"<summary>{escape(title)} ({len(rows)})</summary>"
    return f"<details>{summary}\n{tables.scrolling(table, title)}\n</details>"


def _text(value: Any) -> str:
    if value is None or value == "" or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(content)}" for key, content in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(content) for content in value) or "none"
    return str(value)


def in_words(key: Any) -> str:
    text = str(key).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


# ---------------------------------------------------------------------------------------------
# Data pages


def _data_tables(frame: pd.DataFrame, columns: Sequence[str], name: str) -> str:
    if len(frame) < SECTIONS_FROM or "question" not in frame or frame["question"].nunique() < 2:
        return _data_table(frame, columns, f"All rows of {name}")
    parts = []
    inner = [column for column in columns if column not in ("question", "item")]
    for question, rows in frame.groupby("question", sort=False):
        label = next((text for text in rows.get("item", []) if text), "")
        heading = f"{question}: {label}" if label else str(question or "Other")
        identity = "q-" + re.sub(r"[^A-Za-z0-9]+", "-", str(question)).strip("-")
        parts.append(f'<h2 id="{escape(identity)}">{escape(heading)}</h2>')
        once, rows, kept = _said_once(rows, inner)
        parts += once
        parts.append(_data_table(rows, kept, f"Rows on {question}"))
    return "\n".join(parts)


def _said_once(
    frame: pd.DataFrame, columns: Sequence[str]
) -> tuple[list[str], pd.DataFrame, list[str]]:
    """Paragraphs with what many rows say, the rows without it, and the columns that are left.

    What all rows say is said once; of a few sentences that many rows repeat, rows keep the number;
    of two columns that tell rows apart alike (a code and its words) the later one stays.
    """
    same, sentences, kept = [], [], []
    frame = frame.copy()
    groups = {}
    for column in columns:
        values = frame[column].drop_duplicates()
        told = column in _TOLD or len(frame) < 2
        if told or frame[column].map(_is_numeric).all():
            groups[column] = (column,)
        else:
            groups[column] = tuple(pd.factorize(frame[column])[0])
        if column != "id" and len(frame) > 1 and len(values) == 1:
            same.append((column, values.iloc[0].rstrip(".")))
            continue
        few = [value for value in values if value]
        long = few and max(map(len, few)) > LONG and column not in REFERRING
        if long and len(few) <= 5 < len(frame):
            numbers = {value: str(number) for number, value in enumerate(few, 1)}
            sentences += [f"{in_words(column)} {numbers[value]}: {value}" for value in few]
            frame[column] = frame[column].map(lambda value, to=numbers: to.get(value, ""))
            groups[column] = (column,)
        kept.append(column)
    later = {groups[column]: column for column in kept}
    kept = [column for column in kept if later[groups[column]] == column]
    parts = []
    given = "; ".join(f"{column} {value}" for column, value in same if value)
    if given:
        parts.append(f"<p>The same in these {len(frame):,} rows: {escape(given)}.</p>")
    return parts + [f"<p>{escape(text)}</p>" for text in sentences], frame, kept


def _data_table(frame: pd.DataFrame, columns: Sequence[str], caption: str) -> str:
    """Rows with the columns of words first and those of numbers after them.

    So the table says once from which column on cells are aligned to the right, and pages of
    thousands of rows have bare cells.
    """
    present = [column for column in columns if column in frame and column != "id"]
    numbers = [c for c in present if frame[c].map(_is_numeric).all() and (frame[c] != "").any()]
    words = [column for column in present if column not in numbers]
    if "id" in frame:
        words.insert(0, "id")
    ordered = [*words, *numbers]
    lines = []
    for record in frame[ordered].itertuples(index=False, name=None):
        cells = [f'<th scope="row">{escape(record[0])}</th>']
        for column, value in zip(ordered[1:], record[1:], strict=True):
            cells.append(f"<td>{_data_cell(column, value, column in numbers)}</td>")
        anchor = f' id="{escape(record[0])}"' if ordered[0] == "id" else ""
        lines.append(f"<tr{anchor}>{''.join(cells)}</tr>")
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in ordered)
    table = (
        f'<table class="data n{len(words) + 1}">\n<caption>{escape(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody>\n</table>"
    )
    return tables.scrolling(table, caption)


def _data_cell(column: str, value: str, is_number: bool) -> str:
    if is_number:
        return escape(_four_digits(value))
    return _with_links(column, value)


def _with_links(column: str, text: str) -> str:
    """References to rows, each as a link to that row; other text with its addresses linked."""
    words = text.split()
    if column not in REFERRING or not words or not all(map(_REFERENCE.fullmatch, words)):
        return prose.with_addresses(text)
    return prose.stacked([prose.link_to(name, row, row) for name, row in results.references(text)])


def _is_numeric(text: str) -> bool:
    return bool(re.fullmatch(r"|[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text))


def _four_digits(text: str) -> str:
    if not text or re.fullmatch(r"[+-]?\d+", text):
        return text
    return f"{float(text):.4g}".replace("-", results.MINUS)
