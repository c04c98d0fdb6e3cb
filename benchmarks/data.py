"""A survey of any size with the shape of the real one, shared by all contenders.

Every contender reads the same binary file of codes (0 = no answer), so that equal answers can be
asked for. The answers mean nothing: only their number and their likeness within clusters matter.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLUSTERS = 43
INTRACLUSTER_CORRELATION = 0.02
UNANSWERED = 0.02
IN_NO_CATEGORY = 0.05
SEED = 20190204


@dataclass(frozen=True)
class Data:
    """Codes of all questions and breakdowns, one column each, and the pairs to test."""

    names: list[str]
    codes: np.ndarray  # (column, row), int32, 0 = missing
    pairs: list[tuple[str, str]]

    def column(self, name: str) -> np.ndarray:
        return self.codes[self.names.index(name)]


def make(rows: int) -> Data:
    """Draw a survey: beta-distributed shares by cluster, cluster sizes as unequal as the real."""
    from ncpi_eval import questionnaire  # only here: svy's environment has none of the package

    rng = np.random.default_rng(SEED)
    book = questionnaire.load()
    sizes = {q.name: len(q.base_codes) for q in book.questions()}
    breakdowns = {g.name: len(g.categories) for g in book.groups.values() if g.use == "breakdown"}
    shares = rng.gamma(1.0, 1.0, CLUSTERS) + 0.02
    cluster = rng.choice(CLUSTERS, rows, p=shares / shares.sum())
    names, columns = ["cluster"], [cluster + 1]
    for counted, missing in ((sizes, UNANSWERED), (breakdowns, IN_NO_CATEGORY)):
        for name, size in counted.items():
            spread = 1 / INTRACLUSTER_CORRELATION - 1
            share = rng.dirichlet(rng.dirichlet(np.full(size, 5.0)) * spread, CLUSTERS)
            code = (rng.random(rows)[:, None] > share.cumsum(axis=1)[cluster]).sum(axis=1) + 1
            code = np.minimum(code, size)
            code[rng.random(rows) < missing] = 0
            names.append(name)
            columns.append(code)
    pairs = [(question, breakdown) for question in sizes for breakdown in breakdowns]
    return Data(names, np.array(columns, dtype=np.int32), pairs)


def spread_out(pairs: list[tuple[str, str]], wanted: int) -> list[tuple[str, str]]:
    """So many pairs, evenly over all of them."""
    if wanted >= len(pairs):
        return pairs
    return [pairs[index * len(pairs) // wanted] for index in range(wanted)]


def write(data: Data, folder: Path) -> None:
    """``codes.bin`` (int32, column after column), ``columns.csv`` and ``pairs.csv``."""
    data.codes.tofile(folder / "codes.bin")
    with (folder / "columns.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "rows"])
        writer.writerows([name, data.codes.shape[1]] for name in data.names)


def write_pairs(data: Data, pairs: list[tuple[str, str]], folder: Path) -> None:
    """Pairs to test; ``whole`` is 1 when every cluster has a complete answer.

    Then rows with a missing value may simply be dropped, which is the fastest way for R and svy;
    otherwise the design must keep the clusters that the pair leaves empty.
    """
    cluster = data.column("cluster")
    present = len(np.unique(cluster))
    with (folder / "pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["question", "breakdown", "whole"])
        for question, breakdown in pairs:
            complete = (data.column(question) > 0) & (data.column(breakdown) > 0)
            whole = len(np.unique(cluster[complete])) == present
            writer.writerow([question, breakdown, int(whole)])


def read(folder: Path) -> tuple[dict[str, np.ndarray], list[tuple[str, str, bool]]]:
    """Columns and pairs as `write` and `write_pairs` left them."""
    with (folder / "columns.csv").open(newline="") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    codes = np.fromfile(folder / "codes.bin", dtype=np.int32).reshape(len(names), -1)
    with (folder / "pairs.csv").open(newline="") as file:
        pairs = [
            (row["question"], row["breakdown"], row["whole"] == "1") for row in csv.DictReader(file)
        ]
    return dict(zip(names, codes, strict=True)), pairs
