"""Show whatever benchmarks have been run, on one page: ``outputs/benchmarks.html``.

Each benchmark keeps its table; the page is made again from all that are there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "outputs" / ".benchmarks"
LEAD = (
    "How fast this project is beside what people would otherwise use. Measured on one machine: "
    "the ratios carry over to others, the seconds do not. `make bench` measures again."
)


def keep(name: str, caption: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Keep the table of one benchmark, and make the page again."""
    KEPT.mkdir(parents=True, exist_ok=True)
    table = {"caption": caption, "headers": list(headers), "rows": [list(row) for row in rows]}
    (KEPT / f"{name}.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    page()


def page() -> Path:
    """Write the page from every table that is kept."""
    from ncpi_eval import declarations, render, tables

    body = []
    for path in sorted(KEPT.glob("*.json")):
        kept = json.loads(path.read_text(encoding="utf-8"))
        rows = [[escape(cell) for cell in row] for row in kept["rows"]]
        numeric = [all(_is_number(row[place]) for row in rows) for place in range(len(rows[0]))]
        table = tables.plain_table(kept["headers"], rows, numeric, kept["caption"])
        title = path.stem.replace("_", " ").capitalize()
        body.append(f'<h2 id="{path.stem}">{title}</h2>\n{tables.scrolling(table, title)}')
    html = "\n".join(body)
    text = render.layout(
        declarations.read(),
        title="How fast is it?",
        lead=LEAD.replace("`", ""),
        body=html,
        contents=render.contents_of(html),
        home="index.html",
        synthetic="",
    )
    target = ROOT / "outputs" / "benchmarks.html"
    target.write_text(text, encoding="utf-8", newline="\n")
    return target


def _is_number(text: str) -> bool:
    return bool(text) and text.replace(".", "", 1).replace(",", "").isdigit()
