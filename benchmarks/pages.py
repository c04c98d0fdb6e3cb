"""Twelve notebooks as people write them, and the data they read, for the benchmark of the report.

Each reads a file of invented answers, tabulates it with intervals, shows a table and a figure with
their prose, and fits or tests something. The answers are drawn with a seed and are about nobody.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

SEED = 20221122
ROWS = 3000
GROUPS = ("north", "east", "south", "west", "centre", "coast")
TOPICS = (
    "training",
    "leadership",
    "recording",
    "referral",
    "response",
    "custody",
    "missing-people",
    "partnership",
    "supervision",
    "workload",
    "awareness",
    "confidence",
)

IMPORTS = """import pandas as pd
import scipy.stats
import statsmodels.formula.api as smf

from ncpi_eval import figures, intervals, results, say, tables"""

READ = """answers = pd.read_csv("data/{topic}.csv")
answers["experienced"] = answers["years"] > 5"""

TABULATE = """agreed = answers.groupby("area")["agrees"]
counts = agreed.agg(count="sum", denominator="size").reset_index()
low, high = intervals.wilson(counts["count"], counts["denominator"])
rows = counts.assign(
    id="{topic}." + counts["area"],
    item=counts["area"],
    unit="forces",
    data_kind="synthetic",
    estimate=counts["count"] / counts["denominator"],
    ci_low=low,
    ci_high=high,
)
rows = results.save("{name}", rows.drop(columns="area"))"""

FINDING = """best = rows.sort_values("estimate").iloc[-1]
say("Agreement was highest in the {best.item}, at {best} ({best.interval}).", best=best)"""

TABLE = """tables.show(
    rows,
    name="{topic}-by-area",
    caption="Agreement by area",
    source="Invented answers",
    columns={{"item": "Area", "percent": "Agree", "interval": "95% interval", "base": "Base"}},
)"""

FIGURE = """figures.show(
    figures.bars(rows, category="item", series=None, axis="Percentage who agree"),
    rows,
    name="{topic}-figure",
    caption="Agreement by area, with intervals",
    alt=say("Bars: agreement is highest in the {best.item}, {best}; areas differ.", best=best),
    source="Invented answers",
)"""

MODELS = (
    """agreed = answers.astype({{"agrees": int}})
model = smf.logit("agrees ~ C(area) + years", data=agreed).fit(disp=0)
odds = pd.DataFrame({{"item": model.params.index, "effect_size": model.params.to_numpy()}})
odds = odds.assign(id=[f"{topic}.{{n}}" for n in odds.index], unit="tests", data_kind="synthetic")
shown = results.save("{name}_model", odds.assign(p_value=model.pvalues.to_numpy()))""",
    """crossed = pd.crosstab(answers["area"], answers["agrees"])
chi2, p, _, _ = scipy.stats.chi2_contingency(crossed)
test = {{"id": ["{topic}.chi2"], "item": ["areas differ"], "unit": ["tests"]}}
test |= {{"data_kind": ["synthetic"], "effect_size": [chi2], "p_value": [p]}}
shown = results.save("{name}_model", pd.DataFrame(test))""",
    """fit = smf.ols("score ~ C(area) * experienced", data=answers).fit(cov_type="HC1")
slopes = pd.DataFrame({{"item": fit.params.index, "effect_size": fit.params.to_numpy()}})
slopes = slopes.assign(id=[f"{topic}.{{n}}" for n in slopes.index], unit="tests")
slopes["data_kind"] = "synthetic"
shown = results.save("{name}_model", slopes.assign(p_value=fit.pvalues.to_numpy()))""",
)

MODEL_TABLE = """tables.show(
    shown,
    name="{topic}-model",
    caption="What the model says",
    source="Invented answers",
    columns={{"item": "Term", "effect_size": "Size", "p_value": "p-value"}},
)"""


def write(folder: Path, pages: int = len(TOPICS)) -> None:
    """Write ``notebooks/`` and ``data/`` of a report of so many pages into a folder."""
    (folder / "notebooks").mkdir(parents=True)
    (folder / "data").mkdir(exist_ok=True)
    declared = ['[site]\ntitle = "Twelve typical notebooks"\n']
    for number, topic in enumerate(TOPICS[:pages], start=1):
        stem, name = f"{number:02}-{topic}", topic.replace("-", "_")
        (folder / "data" / f"{topic}.csv").write_text(_answers(number))
        text = json.dumps(_notebook(number, topic, name), indent=1) + "\n"
        (folder / "notebooks" / f"{stem}.ipynb").write_text(text)
        declared.append(
            f'[notebooks.{stem}]\ntitle = "{topic.capitalize()}"\nquestion = "Who agrees?"\n'
            f'inputs = ["data/{topic}.csv"]\nresults = ["{name}", "{name}_model"]\n'
        )
    (folder / "notebooks" / "report.toml").write_text("\n".join(declared))


def _answers(number: int) -> str:
    draws = random.Random(SEED + number)
    lines = ["area,years,agrees,score"]
    for _ in range(ROWS):
        area, years = draws.randrange(len(GROUPS)), draws.randrange(31)
        agrees = draws.random() < 0.4 + 0.04 * area + 0.003 * years
        lines.append(f"{GROUPS[area]},{years},{agrees},{draws.gauss(area, 3):.3f}")
    return "\n".join(lines) + "\n"


def _notebook(number: int, topic: str, name: str) -> Mapping[str, object]:
    title = topic.capitalize()
    parts = [
        ("markdown", f"# {title}\n\n**Question.** Who agrees?\n\n**Data.** Invented answers."),
        ("code", IMPORTS),
        ("code", READ),
        ("markdown", "## Agreement\n\nIntervals are Wilson's. The base is everybody who answered."),
        ("code", TABULATE),
        ("code", FINDING),
        ("code", TABLE),
        ("markdown", "The same numbers as a picture; lines on the bars are 95% intervals."),
        ("code", FIGURE),
        ("markdown", "## Model\n\nWhether the differences are more than chance would bring."),
        ("code", MODELS[number % len(MODELS)]),
        ("code", MODEL_TABLE),
        ("markdown", "Answers were drawn with a seed, so these numbers describe nobody."),
    ]
    cells = []
    for place, (kind, text) in enumerate(parts):
        source = text if "{" not in text else _filled(text, topic, name)
        cell = {"cell_type": kind, "id": f"c{place}", "metadata": {}, "source": source}
        cells.append(
            cell if kind == "markdown" else cell | {"execution_count": None, "outputs": []}
        )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _filled(text: str, topic: str, name: str) -> str:
    filled = text.replace("{topic}", topic).replace("{name}", name)
    return filled.replace("{{", "{").replace("}}", "}")
