"""The first page of the report: what was found, on which data, and where everything is.

It says nothing of its own: findings and open problems are cells with the tags ``headline`` and
``open-problem``, counts are made from the results files that the build tree holds.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup
from nbformat import NotebookNode

from ncpi_eval import (
    changes,
    disclosure,
    prose,
    provenance,
    quality,
    render,
    results,
    side_pages,
    tables,
    workbook,
    workspace,
)
from ncpi_eval.declarations import Site


def write(site: Site, tree: Path, folder: Path, record: Mapping[str, Any]) -> None:
    """Write what belongs to the report as a whole and to no page: index, workbook and the like.

    Parameters
    ----------
    site
        The declared report.
    tree : Path
        What the pages wrote.
    folder : Path
        Where the files go.
    record : mapping
        The manifest without its list of files.
    """
    notebooks = executed(site, tree)
    shown = _shown(site, notebooks)
    shutil.copyfile(_workbook(site, tree, shown), folder / "tables.xlsx")
    others = changes.not_default(site, record["parameters"])
    found = None if others else changes.compare(tree / "results", changes.EXPECTED)
    briefs = workspace.has_briefs()
    pages = {
        "changes.html": side_pages.render_changes(site, found, others, _synthetic(shown)),
        "quality.html": side_pages.render_quality(site, quality.Measured(site, tree, record)),
        "index.html": render_index(site, tree, record, found, briefs=briefs, notebooks=notebooks),
    }
    for name, html in pages.items():
        (folder / name).write_text(html, encoding="utf-8", newline="\n")
    if found and changes.number_of(found):
        print(f"{changes.in_short(found)}: outputs/changes.html", flush=True)


def _workbook(site: Site, tree: Path, shown: list[dict[str, Any]]) -> Path:
    """The workbook in the tree, written only when something in it would be another."""
    files = sorted([*(tree / "tables").glob("*.csv"), *(tree / "figures").glob("*.csv")])
    modules = (disclosure, render, results, tables, workbook)
    files += [Path(str(module.__file__)) for module in modules]
    digest = hashlib.sha256(json.dumps([site.title, shown], sort_keys=True).encode())
    for file in files:
        digest.update(f"\n{file.name} {provenance.sha256(file)}".encode())
    path, key = tree / "tables.xlsx", tree / "tables.xlsx.key"
    known = key.read_text() if key.is_file() and path.is_file() else ""
    if known != digest.hexdigest():
        key.unlink(missing_ok=True)
        workbook.write(path, site.title, shown, tree)
        key.write_text(digest.hexdigest())
    return path


def _synthetic(shown: list[dict[str, Any]]) -> str:
    """The banner of pages that repeat numbers of the whole report; blank without synthetic data."""
    kinds = {kind for entry in shown for kind in entry.get("data_kind", [])}
    return render.BANNER if "synthetic" in kinds else ""


def executed(site: Site, tree: Path) -> dict[str, NotebookNode]:
    """The executed notebooks that a tree holds, by the page's stem."""
    return {
        page.stem: render.read(path)
        for page in site.pages
        if (path := tree / "executed" / f"{page.stem}.ipynb").is_file()
    }


def shown_by(site: Site, tree: Path) -> list[dict[str, Any]]:
    """What the pages show, in reading order, each with its page's ``stem`` and ``title``."""
    return _shown(site, executed(site, tree))


def _shown(site: Site, notebooks: Mapping[str, NotebookNode]) -> list[dict[str, Any]]:
    return [
        {**entry, "stem": page.stem, "title": page.title}
        for page in site.pages
        for entry in render.shown_in(notebooks.get(page.stem))
    ]


def render_index(
    site: Site,
    build_tree: Path | str,
    record: Mapping[str, Any],
    found: changes.Comparison | None = None,
    *,
    briefs: bool = False,
    notebooks: Mapping[str, NotebookNode] | None = None,
) -> str:
    """First page of the report, from what the build tree holds.

    Parameters
    ----------
    site
        The declared report.
    build_tree : path
        Folder with ``html``, ``results``, ``tables``, ``figures`` and ``executed``.
    record : mapping
        Commit, state of the tree and the like; shown at the end.
    found : Comparison, optional
        What changed since the results were accepted.
    briefs : bool
        Whether pages of single forces stand beside the report, so that the index links to them.
    notebooks : mapping, optional
        The tree's executed notebooks, by stem, if they have been read.

    Notes
    -----
    What cells with the tag ``headline`` say stands under Findings, what cells with the tag
    ``open-problem`` say under Open problems, each with its page.
    """
    tree = Path(build_tree)
    if notebooks is None:
        notebooks = executed(site, tree)
    shown = _shown(site, notebooks)
    kinds = sorted({kind for entry in shown for kind in entry.get("data_kind", [])})
    data = {path: _data_of(path) for path in sorted((tree / "results").glob("*.csv"))}
    body = (
        render.templates()
        .get_template("index.html.j2")
        .render(
            matched=_matched(tree),
            headlines=_by_page(_tagged(site, notebooks, "headline")),
            problems=_by_page(_tagged(site, notebooks, "open-problem") + _unmatched(tree, site)),
            explore=sorted(set(getattr(site, "not_pages", ())) - {"force-brief"}),
            briefs=briefs,
            pages=[_page_entry(page, notebooks, tree) for page in site.pages],
            figures=_by_page([entry for entry in shown if entry.get("kind") == "figure"]),
            tables=_by_page([entry for entry in shown if entry.get("kind") == "table"]),
            beside=_beside(found),
            data=Markup(_data_kinds(data)),
            results=_results_list(data, site),
            provenance=Markup(render.provenance_section(record, None)),
        )
    )
    return render.layout(
        site,
        title=site.title,
        lead="",
        body=body,
        contents=[entry for entry in render.contents_of(body) if entry["level"] == 2],
        home="",
        synthetic=render.BANNER.replace("on this page", "in this report")
        if "synthetic" in kinds
        else "",
    )


def _page_entry(page: Any, notebooks: Mapping[str, Any], tree: Path) -> dict[str, Any]:
    kinds = {
        kind for shown in render.shown_in(notebooks.get(page.stem)) for kind in shown["data_kind"]
    }
    return {
        "stem": page.stem,
        "title": page.title,
        "question": page.question,
        "kinds": ", ".join(sorted(kind.replace("_", " ") for kind in kinds)),
        "there": (tree / "html" / f"{page.stem}.html").is_file() or page.stem in notebooks,
    }


def _tagged(site: Site, notebooks: Mapping[str, Any], tag: str) -> list[dict[str, Any]]:
    """What cells with this tag say, with links that hold from the index."""
    found = []
    for page in site.pages:
        for cell in notebooks[page.stem].cells if page.stem in notebooks else ():
            if cell.cell_type != "code" or tag not in cell.metadata.get("tags", []):
                continue
            for output in cell.outputs:
                if output.output_type in ("display_data", "execute_result") and render.is_ours(
                    output
                ):
                    html = re.sub(
                        r'href="(data-[^"]*)"', r'href="html/\1"', output.data["text/html"]
                    )
                    html = html.replace('href="../', 'href="')
                    found.append({"html": Markup(html), "stem": page.stem, "title": page.title})
    return found


def _verdicts(tree: Path) -> pd.Series:
    path = tree / "results" / "published_reconciliation.csv"
    if not path.is_file():
        return pd.Series(dtype=int)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    if "verdict" not in frame:
        return pd.Series(dtype=int)
    return frame["verdict"].value_counts().sort_index()


def _matched(tree: Path) -> Markup | str:
    verdicts = _verdicts(tree)
    if verdicts.empty:
        return ""
    link = '<a href="html/data-published_reconciliation.html">'
    return Markup(
        f"{link}{int(verdicts.get('matches', 0)):,}</a> of {link}{int(verdicts.sum()):,}</a> "
        "published figures and statements are matched by what is recomputed here."
    )


def _unmatched(tree: Path, site: Site) -> list[dict[str, Any]]:
    verdicts = _verdicts(tree)
    rest = verdicts[verdicts.index != "matches"]
    if rest.empty:
        return []
    link = '<a href="html/data-published_reconciliation.html">'
    listed = "".join(
        f"<li>{link}{int(number):,}</a> {escape(str(verdict))}</li>"
        for verdict, number in rest.items()
    )
    html = f"<p>Published figures and statements that are not matched:</p>\n<ul>{listed}</ul>"
    name = "published_reconciliation"
    page = next((p for p in site.pages if name in getattr(p, "results", ())), None)
    entry = {"html": Markup(html), "stem": page.stem if page else ""}
    return [{**entry, "title": page.title if page else ""}]


def _by_page(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Entries in their order, put together by page."""
    pages: dict[str, dict[str, Any]] = {}
    for entry in entries:
        new = {"stem": entry["stem"], "title": entry["title"], "entries": []}
        pages.setdefault(entry["stem"], new)["entries"].append(entry)
    return [{**page, "number": len(page["entries"])} for page in pages.values()]


def _beside(found: changes.Comparison | None) -> list[dict[str, str]]:
    """Files for the whole report and what they hold."""
    changed = changes.in_short(found) if found else "accepted and present numbers side by side"
    listed = {
        "tables.xlsx": ("Workbook", "every table and the data of every figure, one a sheet"),
        "changes.html": ("Changes", changed[:1].lower() + changed[1:]),
        "quality.html": ("Quality", "scorecard, assumptions, data protection, quality log"),
        "release.csv": ("Release", "what is released under which rules, exceptions and decisions"),
        "manifest.json": ("Manifest", "inputs, settings and a hash of every file"),
    }
    return [
        {"href": name, "name": title, "what": f"{what}."} for name, (title, what) in listed.items()
    ]


def _data_of(path: Path) -> tuple[str, str]:
    """Kinds of data and waves of a results file, each as a list in words; blank without rows."""
    wanted = ("data_kind", "wave")
    frame = pd.read_csv(path, usecols=wanted.__contains__, dtype=str, keep_default_na=False)
    kind, wave = (
        ", ".join(sorted({v for v in frame[c] if v})) if c in frame else "" for c in wanted
    )
    return kind, wave


def _data_kinds(data: Mapping[Path, tuple[str, str]]) -> str:
    """Table of the kinds of data, their waves, and how many results come from them."""
    files: dict[str, list[str]] = {}
    waves: dict[str, set[str]] = {}
    for path, (kinds, of_waves) in data.items():
        for kind in filter(None, kinds.split(", ")):
            files.setdefault(kind, []).append(path.stem)
            waves.setdefault(kind, set()).update(filter(None, of_waves.split(", ")))
    if not files:
        return "<p>No results have been made yet.</p>"
    rows = [
        [
            escape(render.in_words(kind)),
            escape(render.KINDS.get(kind, "")),
            escape(_range(", ".join(sorted(waves[kind])))) or "no wave",
            str(len(files[kind])),
        ]
        for kind in sorted(files)
    ]
    caption = "Kinds of data behind the results"
    headers = ["Kind of data", "What it is", "Wave or dates", "Results files"]
    return tables.scrolling(
        tables.plain_table(headers, rows, [False, False, False, True], caption), caption
    )


def _range(waves: str) -> str:
    """The first and the last of many waves or dates."""
    given = sorted(waves.split(", "))
    ends = [prose.day_in_words(wave) for wave in given]
    return ", ".join(ends) if len(ends) < 3 else f"{ends[0]} to {ends[-1]}"


def _results_list(data: Mapping[Path, tuple[str, str]], site: Site) -> list[dict[str, Any]]:
    """Results files by the page that writes them, with what each holds."""
    writers = {name: page for page in site.pages for name in getattr(page, "results", ())}
    entries = []
    for path, (kinds, waves) in data.items():
        page = writers.get(path.stem)
        kinds = ", ".join(kind.replace("_", " ") for kind in kinds.split(", "))
        entries.append(
            {
                "stem": page.stem if page else "",
                "title": page.title if page else "",
                "name": path.stem,
                "what": render.RESULTS.get(path.stem, ""),
                "data": ", ".join(filter(None, (kinds, _range(waves)))) or "no rows",
            }
        )
    order = {page.stem: place for place, page in enumerate(site.pages)}
    entries.sort(key=lambda entry: (order.get(entry["stem"], len(order)), entry["name"]))
    return _by_page(entries)
