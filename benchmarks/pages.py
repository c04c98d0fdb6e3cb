"""Twelve notebooks as people write them, and the data they read, for the benchmark of the report.

Each reads a file of invented answers, tabulates it with intervals, shows tables and a figure with
their prose, and resamples, fits and tests: 19 code cells with 6 tables, a figure, 4 findings and 6
results, about what the median notebook of this report has (17, 6, 1, 5 and 6). Resampling makes
them take as long as the notebooks for which the goals were set, a second of processor time each
with their page. The answers are drawn with a seed and are about nobody.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

SEED = 20221122
ROWS = 3000
DRAWS = 400
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
answers["experienced"] = answers["years"] > 5
answers["career"] = pd.cut(answers["years"], [-1, 5, 15, 30], labels=["new", "middle", "long"])"""

TABULATE = """agreed = answers.groupby("{by}", observed=True)["agrees"]
counts = agreed.agg(count="sum", denominator="size").reset_index()
low, high = intervals.wilson(counts["count"], counts["denominator"])
rows = counts.assign(
    id="{topic}." + counts["{by}"].astype(str),
    item=counts["{by}"].astype(str),
    unit="forces",
    data_kind="synthetic",
    estimate=counts["count"] / counts["denominator"],
    ci_low=low,
    ci_high=high,
)
rows = results.save("{name}_by_{by}", rows.drop(columns="{by}"))"""

FINDING = """best = rows.sort_values("estimate").iloc[-1]
say("Agreement was highest in the {best.item}, at {best} ({best.interval}).", best=best)"""

TABLE = """tables.show(
    rows,
    name="{topic}-by-{by}",
    caption="Agreement by {by}",
    source="Invented answers",
    columns={{"item": "Group", "percent": "Agree", "interval": "95% interval", "base": "Base"}},
)"""

FIGURE = """figures.show(
    figures.bars(rows, category="item", series=None, axis="Percentage who agree"),
    rows,
    name="{topic}-figure",
    caption="Agreement by area, with intervals",
    alt=say("Bars: agreement is highest in the {best.item}, {best}; areas differ.", best=best),
    source="Invented answers",
)"""

CROSSED = """crossed = answers.groupby(["area", "career"], observed=True)["agrees"]
cells = crossed.agg(count="sum", denominator="size").reset_index()
cells = cells.assign(
    id="{topic}." + cells["area"] + "." + cells["career"].astype(str),
    item=cells["area"],
    subgroup=cells["career"].astype(str),
    unit="forces",
    data_kind="synthetic",
    estimate=cells["count"] / cells["denominator"],
)
cells = results.save("{name}_crossed", cells.drop(columns=["area", "career"]))"""

CROSSED_TABLE = """tables.show(
    cells,
    name="{topic}-crossed",
    caption="Agreement by area and length of career",
    source="Invented answers",
    columns={{"item": "Area", "subgroup": "Career", "percent": "Agree", "base": "Base"}},
)"""

RESAMPLED = """drawn = pd.DataFrame(
    answers.sample(frac=1, replace=True, random_state=number).groupby("area")["score"].mean()
    for number in range({draws})
)
scores = answers.groupby("area")["score"].mean().rename("mean").reset_index()
ends = drawn.quantile([0.025, 0.975]).T.set_axis(["ci_low", "ci_high"], axis=1)
scores = scores.join(ends, on="area").rename(columns={{"area": "item"}})
scores = scores.assign(id="{topic}.mean." + scores["item"], unit="tests", data_kind="synthetic")
scores = results.save("{name}_scores", scores.rename(columns={{"mean": "effect_size"}}))"""

SCORES_TABLE = """tables.show(
    scores,
    name="{topic}-scores",
    caption="Mean score by area, with bootstrap intervals",
    source="Invented answers",
    columns={{"item": "Area", "effect_size": "Mean", "ci_low": "From", "ci_high": "To"}},
)"""

LOGIT = """agreed = answers.astype({{"agrees": int}})
model = smf.logit("agrees ~ C(area) + years", data=agreed).fit(disp=0)
odds = pd.DataFrame({{"item": model.params.index, "effect_size": model.params.to_numpy()}})
odds = odds.assign(id=[f"{topic}.{{n}}" for n in odds.index], unit="tests", data_kind="synthetic")
shown = results.save("{name}_{model}", odds.assign(p_value=model.pvalues.to_numpy()))"""

CHI2 = """crossed = pd.crosstab(answers["area"], answers["agrees"])
chi2, p, _, _ = scipy.stats.chi2_contingency(crossed)
test = {{"id": ["{topic}.chi2"], "item": ["areas differ"], "unit": ["tests"]}}
test |= {{"data_kind": ["synthetic"], "effect_size": [chi2], "p_value": [p]}}
shown = results.save("{name}_{model}", pd.DataFrame(test))"""

LINEAR = """fit = smf.ols("score ~ C(area) * experienced", data=answers).fit(cov_type="HC1")
slopes = pd.DataFrame({{"item": fit.params.index, "effect_size": fit.params.to_numpy()}})
slopes = slopes.assign(id=[f"{topic}.{{n}}" for n in slopes.index], unit="tests")
slopes["data_kind"] = "synthetic"
shown = results.save("{name}_{model}", slopes.assign(p_value=fit.pvalues.to_numpy()))"""

MODELS = {"logit": LOGIT, "chi2": CHI2, "linear": LINEAR}

MODEL_FINDING = """first = shown.sort_values("p_value").iloc[0]
say("The clearest sign of a difference was for {first.item}.", first=first)"""

MODEL_TABLE = """tables.show(
    shown,
    name="{topic}-{model}",
    caption="What the {model} model says",
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
            f'inputs = ["data/{topic}.csv"]\nresults = {json.dumps(_results(number, name))}\n'
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


def _results(number: int, name: str) -> list[str]:
    kept = ("by_area", "by_career", "crossed", "scores", *_two_models(number))
    return [f"{name}_{what}" for what in kept]


def _two_models(number: int) -> list[str]:
    """All of the three but one, in turn."""
    return [model for place, model in enumerate(MODELS) if place != number % len(MODELS)]


def _notebook(number: int, topic: str, name: str) -> Mapping[str, object]:
    title = topic.capitalize()
    parts = [
        ("markdown", f"# {title}\n\n**Question.** Who agrees?\n\n**Data.** Invented answers."),
        ("code", IMPORTS),
        ("code", READ),
        ("markdown", "## Agreement\n\nIntervals are Wilson's. The base is everybody who answered."),
        ("code", TABULATE.replace("{by}", "area")),
        ("code", FINDING),
        ("code", TABLE.replace("{by}", "area")),
        ("markdown", "The same numbers as a picture; lines on the bars are 95% intervals."),
        ("code", FIGURE),
        ("markdown", "## Careers\n\nWhether those who have served longer see it in another way."),
        ("code", TABULATE.replace("{by}", "career")),
        ("code", FINDING),
        ("code", TABLE.replace("{by}", "career")),
        ("markdown", "Both together, because areas differ in how long people stay."),
        ("code", CROSSED),
        ("code", CROSSED_TABLE),
        ("markdown", "## Scores\n\nScores are skewed, so their intervals are resampled."),
        ("code", RESAMPLED.replace("{draws}", str(DRAWS))),
        ("code", SCORES_TABLE),
    ]
    for model in _two_models(number):
        parts += [
            ("markdown", "## Model\n\nWhether the differences are more than chance would bring."),
            ("code", MODELS[model].replace("{model}", model)),
            ("code", MODEL_FINDING),
            ("code", MODEL_TABLE.replace("{model}", model)),
        ]
    parts.append(("markdown", "Answers were drawn with a seed, so these numbers describe nobody."))
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
