"""How often a 95% interval covers the truth, over the sizes and correlations of this programme.

Prints a table in Markdown: the designs and estimators of `ncpi_eval.designs` with no effect, so
that 1 - coverage is the false positive rate. `--grid 1000` instead times a grid of that many
settings of 43 forces by 60 months by 1,000 replications on two workers.

    python benchmarks/design_coverage.py
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from ncpi_eval.designs import power, simulate
from ncpi_eval.designs.power import Setting
from ncpi_eval.designs.simulate import Programme

SEED = 20190201
REPLICATIONS = 2000


def sizes(units: int) -> tuple[float, ...]:
    """Unequal like the forces: the largest has about twenty times the smallest."""
    return tuple(np.round(30 * np.exp(np.linspace(0, 3, units)), 1).tolist())


def settings() -> list[Setting]:
    found = []
    for periods in (24, 45, 60, 96, 144):
        for rho in (0.0, 0.3, 0.6):
            series = Programme(
                (1.0,), (periods // 2,), periods, outcome="gaussian", noise_sd=1.0,
                autocorrelation=rho,
            )  # fmt: skip
            for estimator in ("newey_west", "gls_ar"):
                label = f"one series, {periods} periods, {estimator}, autocorrelation {rho}"
                found.append(Setting(series, "series", estimator, label=label))
    for units, group in ((12, 2), (17, 3), (43, 1), (43, 3)):
        for rho in (0.0, 0.6):
            panel = Programme(
                sizes(units), simulate.rolling_calendar(units, group, 2, first=8), 60 + units // 2,
                rate=0.2, overdispersion=0.02, noise_sd=0.1, common_sd=0.1, autocorrelation=rho,
            )  # fmt: skip
            for estimator in ("two_way", "group_time"):
                label = f"{units} units in groups of {group}, {estimator}, autocorrelation {rho}"
                found.append(Setting(panel, "staggered", estimator, label=label))
    return found


def table() -> None:
    rows = power.run(settings(), replications=REPLICATIONS, seed=SEED).table
    print("| setting | coverage | mean standard error / true |")
    print("|---|---|---|")
    for _, row in rows.iterrows():
        ratio = row["std_error"] / row["sd"]
        print(f"| {row['term']} | {100 * row['coverage']:.1f}% | {ratio:.2f} |")


def grid(count: int) -> None:
    base = Programme(
        sizes(43), simulate.rolling_calendar(43, 3, 4, first=1), 60, rate=0.2, overdispersion=0.02,
        noise_sd=0.1, common_sd=0.1, autocorrelation=0.4,
    )  # fmt: skip
    effects = np.round(np.linspace(0.0, 0.3, count), 6).tolist()
    found = power.grid(Setting(base, "staggered", "two_way"), effect=effects)
    begin = time.perf_counter()
    step = max(count // 10, 1)

    def progress(done: int, total: int) -> None:
        if done % step == 0:
            print(f"{done} of {total} after {time.perf_counter() - begin:.0f} s", flush=True)

    power.run(found, replications=1000, seed=SEED, workers=2, progress=progress)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grid", type=int, default=0, help="time a grid of this many settings")
    chosen = parser.parse_args()
    if chosen.grid:
        grid(chosen.grid)
    else:
        table()
