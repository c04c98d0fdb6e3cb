"""Invented inspection documents with their ground truth, for trying and measuring extraction.

`python -m ncpi_eval.synthesis_documents` rewrites `data/synthetic/documents`. Nothing in them is
taken from a real report except the structure, and every file says that it is synthetic.
"""

from __future__ import annotations

import csv
from pathlib import Path

from ncpi_eval.synthesis_documents.files import to_bytes
from ncpi_eval.synthesis_documents.papers import papers
from ncpi_eval.synthesis_documents.wording import FORCES

SEED = 2019
TRUTH_COLUMNS = (
    "document kind force published fieldwork_start fieldwork_end cases good requires_improvement "
    "inadequate recommendations quirks data_kind"
).split()
RECOMMENDATION_TRUTH_COLUMNS = (
    "document number text time_scale addressee criterion data_kind".split()
)


def write_corpus(folder: Path, seed: int = SEED, number: int = 24) -> int:
    """Write documents, list of forces and ground truth; returns the number of documents.

    Parameters
    ----------
    folder : Path
        Created if missing: the documents, ``forces.csv``, and ``truth/documents.csv`` and
        ``truth/recommendations.csv``.
    seed, number : int
        The same seed gives the same bytes; ``number`` forces, each with two reports or more.
    """
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    made = papers(seed, number)
    for index, paper in enumerate(made):
        (folder / paper.name).write_bytes(to_bytes(paper, index))
    forces = {paper.truth["force"] for paper in made}
    aliases = {name: alias for name, _, alias in FORCES}
    _write(
        folder / "forces.csv",
        ["name", "alias", "data_kind"],
        [
            {"name": name, "alias": aliases.get(name, ""), "data_kind": "synthetic"}
            for name in sorted(forces)
        ],
    )
    made.sort(key=lambda paper: paper.name)
    _write(
        folder / "truth" / "documents.csv",
        TRUTH_COLUMNS,
        [
            paper.truth | {"quirks": "; ".join(paper.quirks), "data_kind": "synthetic"}
            for paper in made
        ],
    )
    _write(
        folder / "truth" / "recommendations.csv",
        RECOMMENDATION_TRUTH_COLUMNS,
        [
            item | {"document": paper.name, "number": str(number), "data_kind": "synthetic"}
            for paper in made
            for number, item in enumerate(paper.recommendations, start=1)
        ],
    )
    return len(made)


def _write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
