"""A survey of any size with the shape of the real one, shared by all contenders.

Every contender reads the same binary file of codes (0 = no answer), so that equal answers can be
asked for. The answers mean nothing: only their number and their likeness within clusters matter.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLUSTERS = 43
INTRACLUSTER_CORRELATION = 0.02
UNANSWERED = 0.02
IN_NO_CATEGORY = 0.05
OF_CLUSTER = ("inspection_status", "inspection_timing", "joint_inspection", "any_inspection")
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
    """Draw a survey: beta-distributed shares by cluster, cluster sizes as unequal as the real.

    As in the real survey, the inspection breakdowns are the same for everybody in a cluster, and
    status by area follows from the two.
    """
    from ncpi_eval import questionnaire  # only here: svy's environment has none of the package

    rng = np.random.default_rng(SEED)
    book = questionnaire.load()
    questions = {q.name: len(q.base_codes) for q in book.questions()}
    breakdowns = {g.name: len(g.categories) for g in book.groups.values() if g.use == "breakdown"}
    shares = rng.gamma(1.0, 1.0, CLUSTERS) + 0.02
    cluster = rng.choice(CLUSTERS, rows, p=shares / shares.sum())
    columns = {"cluster": cluster + 1}
    for name, size in questions.items():
        columns[name] = _answers(rng, cluster, size, UNANSWERED)
    for name, size in breakdowns.items():
        if name in OF_CLUSTER:
            columns[name] = (np.arange(CLUSTERS) % size + 1)[cluster]
        elif name != "status_by_area":
            columns[name] = _answers(rng, cluster, size, IN_NO_CATEGORY)
    area, status = columns["area"], columns["inspection_status"]
    columns["status_by_area"] = np.where(area > 0, (area - 1) * 2 + status, 0)
    pairs = [(question, breakdown) for question in questions for breakdown in breakdowns]
    return Data(list(columns), np.array(list(columns.values()), dtype=np.int32), pairs)


def _answers(
    rng: np.random.Generator, cluster: np.ndarray, size: int, missing: float
) -> np.ndarray:
    """Codes 1 to `size`, whose shares differ by cluster, and 0 for the missing."""
    spread = 1 / INTRACLUSTER_CORRELATION - 1
    share = rng.dirichlet(rng.dirichlet(np.full(size, 5.0)) * spread, CLUSTERS)
    code = (rng.random(len(cluster))[:, None] > share.cumsum(axis=1)[cluster]).sum(axis=1) + 1
    code = np.minimum(code, size)
    code[rng.random(len(cluster)) < missing] = 0
    return code


def spread_out(pairs: list[tuple[str, str]], wanted: int) -> list[tuple[str, str]]:
    """So many pairs, with every question and every breakdown about equally often."""
    if wanted >= len(pairs):
        return pairs
    step = next(n for n in range(len(pairs) * 5 // 13, len(pairs)) if math.gcd(n, len(pairs)) == 1)
    return [pairs[index * step % len(pairs)] for index in range(wanted)]


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
