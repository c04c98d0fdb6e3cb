"""The bound of `benchmarks.report`: every notebook's cells in one process, and their pages.

One import of everything, then cell after cell as plain Python, with what they show collected and
rendered by our own renderer. Nothing is kept apart, staged, checked or published.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ncpi_eval import declarations, server

server.load_without("rfc3987_syntax")

import nbformat  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from IPython.utils.capture import capture_output  # noqa: E402
from nbformat.v4 import new_output  # noqa: E402

from ncpi_eval import render  # noqa: E402


def main() -> None:
    """Run and render every page of the report here."""
    folder = Path("bound").absolute()
    folder.mkdir(exist_ok=True)
    os.environ |= {"NCPI_EVAL_WRITE": str(folder), "NCPI_EVAL_READ": str(folder)}
    shell = InteractiveShell.instance()
    site = declarations.read()
    for page in site.pages:
        notebook = nbformat.read(page.notebook, as_version=4)
        for number, cell in enumerate(notebook.cells, start=1):
            if cell.cell_type == "code":
                run(shell, cell, number)
        html = render.render_page(notebook, page, site, {})
        (folder / f"{page.stem}.html").write_text(html, encoding="utf-8")
        for name in page.results:
            html = render.render_data_page(name, folder / "results" / f"{name}.csv", site)
            (folder / f"data-{name}.html").write_text(html, encoding="utf-8")


def run(shell: InteractiveShell, cell: nbformat.NotebookNode, number: int) -> None:
    """Run one cell and keep what it shows."""
    cell.execution_count = number
    with capture_output() as captured:
        result = shell.run_cell(cell.source, store_history=False)
    if not result.success:
        sys.exit(f"{cell.source}\n{captured.stdout}{captured.stderr}")
    for shown in captured.outputs:
        cell.outputs.append(new_output("display_data", data=shown.data, metadata=shown.metadata))
    if result.result is not None:
        data, metadata = shell.display_formatter.format(result.result)
        output = new_output("execute_result", data=data, metadata=metadata, execution_count=number)
        cell.outputs.append(output)


if __name__ == "__main__":
    main()
