"""The pages beside the index: what changed since the results were accepted, and quality."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from ncpi_eval import changes, quality, render, tables
from ncpi_eval.declarations import Site

# Changed numbers of one results file that are listed; the rest is counted.
CHANGES_SHOWN = 500


def render_changes(
    site: Site, found: changes.Comparison | None, others: Sequence[str], synthetic: str
) -> str:
    """The page that shows accepted and present values side by side.

    Parameters
    ----------
    site
        The declared report.
    found : Comparison, optional
        None if nothing was accepted, or if the run is not comparable.
    others : sequence of str
        The parameters that are not the defaults, in words.
    synthetic : str
        What the banner says; blank for none.
    """
    if others:
        body = (
            f"<p>This report was made with {escape(', '.join(others))}. Only results of the "
            "default parameters are accepted, so nothing is compared here.</p>"
        )
    elif found is None:
        body = (
            "<p>No results have been accepted yet. After a review, <code>make accept</code> "
            "keeps them.</p>"
        )
    else:
        body = _changes_body(found)
    return render.layout(
        site,
        title="What changed since it was accepted",
        lead="Which reported numbers differ from those that were last reviewed?",
        body=body,
        contents=render.contents_of(body),
        home="index.html",
        synthetic=synthetic if found else "",
    )


def _changes_body(found: changes.Comparison) -> str:
    parts = [f"<p>{changes.in_short(found)}.</p>"]
    names = sorted({*found.added, *found.removed, *(change.file for change in found.changed)})
    if names:
        cells = {name: [c for c in found.changed if c.file == name] for name in names}
        rows = [
            [
                escape(name),
                f"{len(cells[name]):,}",
                f"{found.added.get(name, 0):,}",
                f"{found.removed.get(name, 0):,}",
            ]
            for name in names
        ]
        headers = ["Results file", "Numbers changed", "Rows new", "Rows removed"]
        table = tables.plain_table(headers, rows, [False, True, True, True], "Changes by file")
        parts += ['<h2 id="by-file">By file</h2>', tables.scrolling(table, "Changes by file")]
        parts += [_changed_cells(name, cells[name]) for name in names if cells[name]]
    return "\n".join(parts)


def _changed_cells(name: str, changed: Sequence[changes.Change]) -> str:
    stem = name.removesuffix(".csv")
    rows = [
        [
            f'<a href="html/data-{escape(stem)}.html#{escape(change.id)}">{escape(change.id)}</a>',
            escape(change.column),
            escape(change.accepted) or "nothing",
            escape(change.now) or "nothing",
        ]
        for change in changed[:CHANGES_SHOWN]
    ]
    caption = f"Accepted and present values in {name}"
    table = tables.plain_table(
        ["Row", "Column", "Accepted", "Now"], rows, [False, False, True, True], caption
    )
    more = len(changed) - len(rows)
    rest = f"<p>{more:,} more changed numbers of this file are not listed.</p>" if more else ""
    heading = f'<h2 id="file-{escape(stem)}">{escape(name)}</h2>'
    return f"{heading}\n{tables.scrolling(table, caption)}{rest}"


def render_quality(site: Site, measured: quality.Measured) -> str:
    """The page of the scorecard, the assumptions, data protection and the quality log.

    Parameters
    ----------
    site
        The declared report.
    measured : Measured
        What the checks look at.
    """
    findings = quality.scorecard(measured)
    parts = [_quality_summary(findings)]
    for level in quality.SOURCES:
        parts.append(_level(level, [finding for finding in findings if finding.level == level]))
    parts += [
        '<h2 id="assumptions">Assumptions</h2>',
        "<p>Quality says how well an assumption is supported, impact how much the results would "
        "move if it were wrong.</p>",
        _written_table(quality.assumptions(measured.text("ASSUMPTIONS.md")), "Assumptions"),
        '<h2 id="data-protection">Data protection and ethics</h2>',
        render.page_markdown(measured.text("data/quality/data_protection.md")),
        '<h2 id="quality-log">Quality log</h2>',
        "<p>Who did what to assure the analysis, by the roles of the AQuA Book (2025). People "
        "write it in <code>data/quality/log.csv</code>.</p>",
        _quality_log(measured.log),
    ]
    body = "\n".join(part for part in parts if part)
    return render.layout(
        site,
        title="Quality",
        lead="How was this analysis assured, as far as code can tell, and what do people say?",
        body=body,
        contents=render.contents_of(body),
        home="index.html",
        synthetic="",
    )


def _quality_summary(findings: Sequence[quality.Finding]) -> str:
    rows = [
        [escape(level), *(str(counts[v]) for v in (quality.MET, quality.NOT_MET, quality.PERSON))]
        for level, counts in quality.counted(findings).items()
    ]
    caption = "Checks by level and verdict"
    headers = ["Level", "Met", "Not met", "A person decides"]
    table = tables.plain_table(headers, rows, [False, True, True, True], caption)
    return (
        "<p>Each check was computed when this page was published and can fail. What no code can "
        f"know is left to a person.</p>\n{tables.scrolling(table, caption)}"
    )


def _level(level: str, findings: Sequence[quality.Finding]) -> str:
    source = quality.SOURCES[level]
    rows = [
        [escape(f.criterion), f"<strong>{escape(f.verdict)}</strong>", escape(f.evidence)]
        for f in findings
    ]
    table = tables.plain_table(["Check", "Verdict", "What was measured"], rows, [False] * 3, source)
    title = "Minimum of the Analysis Function" if level == "Minimum" else level
    return f'<h2 id="{level.casefold()}">{escape(title)}</h2>\n{tables.scrolling(table, source)}'


def _quality_log(log: Sequence[dict[str, str]]) -> str:
    columns = ("activity", "role", "name", "date", "evidence", "outcome")
    rows = [[row[column] or "not named" for column in columns] for row in log]
    headers = [render.in_words(column) for column in columns]
    return _written_table([headers, *rows] if rows else [], "Quality log")


def _written_table(rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table that people wrote, with `code` in backticks."""
    if not rows:
        return "<p>Nothing is written here yet.</p>"
    header, *body = rows
    header = ["Number" if text == "#" else render.in_words(text) for text in header]
    cells = [[re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(c)) for c in row] for row in body]
    return tables.scrolling(
        tables.plain_table(header, cells, [False] * len(header), caption), caption
    )
