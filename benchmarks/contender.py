"""Runs one Python contender in a process of its own: ``python -m benchmarks.contender NAME ...``.

Only the work is timed, not the imports or the reading of the data, and CPU time counts the threads
that a library starts. Peak memory is that of the whole process, data and libraries included.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answers = list[dict[str, Any]]
STOP_REPEATING_AFTER = 60.0
"""A contender whose first run took more CPU seconds than this is not run again."""


def prepare_frame(folder: Path) -> dict[str, Any]:
    """The survey as the package has it: nullable codes, categorical breakdowns."""
    import numpy as np
    import pandas as pd
    import pingouin  # noqa: F401  (imported before the clock starts, as all libraries are)

    from benchmarks import data
    from ncpi_eval import questionnaire
    from ncpi_eval.survey import tabulation  # noqa: F401

    columns, pairs = data.read(folder)
    book = questionnaire.load()
    answers, groups = {}, {}
    for name, codes in columns.items():
        if name in book.groups:
            names = list(book.groups[name].categories)
            groups[name] = pd.Categorical.from_codes(codes - 1, names)
        elif name == "cluster":
            answers["RForc"] = pd.array(codes, dtype="Int16")
        else:
            # the codes that stay in the base, in published order, so that 1 is the first of them
            base = np.array([0, *book.variable(name).base_codes], dtype=np.int16)[codes]
            answers[name] = pd.arrays.IntegerArray(base, base == 0)
    return {
        "responses": pd.DataFrame(answers),
        "groups": pd.DataFrame(groups),
        "pairs": pairs,
        "book": book,
    }


def _cubes(given: dict[str, Any], clustered: bool) -> list[Any]:
    import numpy as np

    from ncpi_eval.survey import clusters

    responses, groups, pairs = given["responses"], given["groups"], given["pairs"]
    cluster = np.zeros(len(responses), dtype=np.intp)
    size = 1
    if clustered:
        cluster = responses["RForc"].to_numpy(dtype=np.intp) - 1
        used = np.bincount(cluster) > 0  # a small sample may miss a cluster
        cluster, size = (np.cumsum(used) - 1)[cluster], int(used.sum())
    breakdowns = {
        name: (groups[name].cat.codes.to_numpy(), len(groups[name].cat.categories))
        for name in dict.fromkeys(breakdown for _, breakdown, _ in pairs)
    }
    profiles = clusters.Profiles(cluster, size, breakdowns)
    wanted: dict[str, list[int]] = {}
    for index, (question, _, _) in enumerate(pairs):
        wanted.setdefault(question, []).append(index)
    result: list[Any] = [None] * len(pairs)
    for question, indices in wanted.items():
        codes = responses[question].to_numpy(dtype=np.int16, na_value=0)
        counted = profiles.cubes(codes, int(codes.max()) + 1)
        for index in indices:
            cube = counted[pairs[index][1]][:, 1:, :]
            table = cube.sum(axis=0)
            result[index] = cube[:, table.sum(axis=1) > 0, :][:, :, table.sum(axis=0) > 0]
    return result


def ours_rao_scott(given: dict[str, Any]) -> Answers:
    from ncpi_eval.survey import clusters

    cubes = _cubes(given, clustered=True)
    found = clusters.rao_scott_many(clusters.simple_design(cubes[0].shape[0]), cubes)
    return [
        {"f": f, "df1": df1, "df2": df2, "p": p}
        for f, df1, df2, p in zip(found.f, found.df1, found.df2, found.p_value, strict=True)
    ]


def ours_naive(given: dict[str, Any]) -> Answers:
    from ncpi_eval.survey import association

    found = (association.pearson(cube[0]) for cube in _cubes(given, clustered=False))
    return [{"chi2": one.statistic, "p": one.p_value, "v": one.effect_size} for one in found]


def ours_tabulate(given: dict[str, Any]) -> Answers:
    from ncpi_eval.survey import tabulation

    made = tabulation.tabulate(
        given["responses"], given["groups"], given["book"], wave="2019", data_kind="synthetic"
    )
    given["made"] = {"estimates": len(made.estimates), "tests": len(made.tests)}
    whole = made.tests[(made.tests["response"] == "all") & (made.tests["refusal"] == "")]
    whole = whole[whole["left_out"] == ""].set_index(["question", "subgroup_variable"])
    columns = {"f_clustered": "f", "df1": "df1", "df2": "df2", "p_value_clustered": "p"}
    found = whole[list(columns)].rename(columns=columns).to_dict("index")
    missing = dict.fromkeys(columns.values(), float("nan"))
    return [found.get((question, breakdown), missing) for question, breakdown, _ in given["pairs"]]


def _loop(frame: Any, pairs: list[tuple[str, str, bool]]) -> Answers:
    import warnings

    import numpy as np
    import pingouin

    answers = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for question, breakdown, _ in pairs:
            complete = frame[[question, breakdown]].dropna()
            table = pingouin.chi2_independence(complete, question, breakdown, correction=False)[2]
            row = table.set_index("test").loc["pearson"]
            answers.append({"chi2": row["chi2"], "p": row["pval"], "v": row["cramer"]})
    return answers


def pandas_and_pingouin(given: dict[str, Any]) -> Answers:
    """From the same survey frame as ours: nullable codes and categories."""
    return _loop(given["responses"].join(given["groups"]), given["pairs"])


def pandas_and_pingouin_plain(given: dict[str, Any]) -> Answers:
    """The libraries at their best: plain numbers, and making them is not timed."""
    return _loop(given["plain"], given["pairs"])


def prepare_plain(folder: Path) -> dict[str, Any]:
    """The survey as floating-point columns, missing as NaN."""
    import numpy as np
    import pandas as pd
    import pingouin  # noqa: F401

    from benchmarks import data

    columns, pairs = data.read(folder)
    plain = {name: np.where(codes > 0, codes, np.nan) for name, codes in columns.items()}
    return {"plain": pd.DataFrame(plain), "pairs": pairs}


def prepare_svy(folder: Path) -> dict[str, Any]:
    """The survey as a polars frame, missing as null."""
    import numpy as np
    import polars as pl
    import svy

    from benchmarks import data

    columns, pairs = data.read(folder)
    frame = pl.DataFrame(
        {
            name: pl.Series(codes.astype(np.int16)).replace(0, None)
            for name, codes in columns.items()
        }
    ).with_columns(pl.lit(1.0).alias("one"))
    sample = svy.Sample(frame, svy.Design(psu="cluster", wgt="one"))
    return {"sample": sample, "pairs": pairs, "svy": svy}


def svy_rao_scott(given: dict[str, Any]) -> Answers:
    col, answers = given["svy"].col, []
    for question, breakdown, whole in given["pairs"]:
        if whole:
            how: dict[str, Any] = {"drop_nulls": True}
        else:
            how = {"where": col(question).is_not_null() & col(breakdown).is_not_null()}
        f = given["sample"].categorical.tabulate(question, breakdown, **how).stats.f
        answers.append({"f": f.value, "df1": f.df_num, "df2": f.df_den, "p": f.p_value})
    return answers


CONTENDERS: dict[str, tuple[Callable[[Path], dict[str, Any]], Callable[[dict[str, Any]], Answers]]]
CONTENDERS = {
    "ours_rao_scott": (prepare_frame, ours_rao_scott),
    "ours_naive": (prepare_frame, ours_naive),
    "ours_tabulate": (prepare_frame, ours_tabulate),
    "pandas_and_pingouin": (prepare_frame, pandas_and_pingouin),
    "pandas_and_pingouin_plain": (prepare_plain, pandas_and_pingouin_plain),
    "svy": (prepare_svy, svy_rao_scott),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("repeats", type=int)
    chosen = parser.parse_args()
    prepare, work = CONTENDERS[chosen.name]
    given = prepare(chosen.folder)
    cpu, wall, answers = [], [], []
    for _ in range(chosen.repeats):
        start, start_wall = time.process_time(), time.perf_counter()
        answers = work(given)
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - start_wall)
        if cpu[0] > STOP_REPEATING_AFTER:
            break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with (chosen.folder / f"{chosen.name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(answers[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: repr(float(v)) for k, v in answer.items()} for answer in answers)
    figures = {"cpu": cpu, "wall": wall, "peak_mb": peak, **given.get("made", {})}
    (chosen.folder / f"{chosen.name}.json").write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
