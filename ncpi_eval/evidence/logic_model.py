"""The logic model as rows: is it sound, and what measures its outcomes?

A model that cannot be walked through in time is refused: unknown names, arrows that go round in a
circle, arrows that point back. What a sound model may still lack is reported: nodes that lead
nowhere, outcomes that nothing measures. Baselines and later values are looked up by the id of
their row, so that a new wave of the survey fills the matrix again and no value is typed.

Source for the parts of the model: Kellogg Foundation (2004), Logic model development guide.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import pandas as pd

from ncpi_eval import results
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.intake.judgements import LEVELS, OUTCOME_LEVELS, LogicModel

LEVEL_NAMES: Mapping[str, str] = {
    "input": "Inputs",
    "activity": "Activities",
    "output": "Outputs",
    "short": "Short-term outcomes",
    "medium": "Medium-term outcomes",
    "long": "Long-term outcomes",
    "goal": "Goal",
}
PATHWAY_NAMES: Mapping[str, str] = {
    "police_force": "Police force",
    "shared": "Both pathways",
    "inspection_team": "Inspection team",
}
STATES: Mapping[str, str] = {
    "repeatable": "can be repeated",
    "measure_only": "measured, not published",
    "could_be": "measurable, no data yet",
    "baseline_only": "published once",
    "none": "not measured",
}
"""Published and asked by this project's questionnaire; has a value here that was not published;
has invented values only; published and measured by nothing here; neither."""
WAVE = "{wave}"
# Columns of a measured row that its indicator takes over.
_TAKEN = ("count", "denominator", "estimate", "ci_low", "ci_high", "caveat", "suppressed", "flag")


def refuse_unsound(model: LogicModel) -> None:
    """Refuse a model with unknown names, repeated arrows, circles or arrows back in time.

    Raises
    ------
    InputError
        With everything that is wrong, file and row.
    """
    known = set(model.nodes["node"])
    problems = [
        *_unknown("arrows.csv", model.arrows, "source", known),
        *_unknown("arrows.csv", model.arrows, "target", known),
        *_unknown("assumptions.csv", model.assumptions, "about", known),
        *_unknown("indicators.csv", model.indicators, "outcome", set(outcomes(model)["node"])),
    ]
    if not problems:
        problems = [*_repeated(model.arrows), *_backward(model), *_circles(model.arrows)]
    if problems:
        raise InputError("This logic model cannot be read as a course of events.", problems)


def outcomes(model: LogicModel) -> pd.DataFrame:
    """Nodes that are outcomes, the goal among them, in the order of the file."""
    return model.nodes[model.nodes["level"].isin(OUTCOME_LEVELS)].reset_index(drop=True)


def node_rows(model: LogicModel) -> pd.DataFrame:
    """The nodes as results.

    Returns
    -------
    DataFrame
        One row per node, unit nodes, in the order of the levels: id (``logic.<node>``), node, code,
        level and pathway with their names in level_name and pathway_name, label, statement, place,
        basis, leads_to (labels of what its arrows reach, joined by "; ").
    """
    refuse_unsound(model)
    nodes = model.nodes.assign(at=model.nodes["level"].map(LEVELS.index))
    nodes = nodes.sort_values("at", kind="stable").drop(columns="at").reset_index(drop=True)
    labels = dict(zip(nodes["node"], nodes["code"] + " " + nodes["label"], strict=True))
    reached = model.arrows.groupby("source")["target"].agg(lambda t: "; ".join(t.map(labels)))
    return nodes.assign(
        id="logic." + nodes["node"],
        unit="nodes",
        data_kind="published",
        level_name=nodes["level"].map(LEVEL_NAMES),
        pathway_name=nodes["pathway"].map(PATHWAY_NAMES),
        leads_to=nodes["node"].map(reached).fillna(""),
    )


def arrow_rows(model: LogicModel) -> pd.DataFrame:
    """The arrows as results.

    Returns
    -------
    DataFrame
        One row per arrow, unit arrows: id (``arrow.<source>.<target>``), source, target, their
        labels in source_label and target_label, statement, place, basis, assumptions (labels of
        those that concern both ends, joined by "; ").
    """
    refuse_unsound(model)
    labels = dict(zip(model.nodes["node"], model.nodes["label"], strict=True))
    rests_on = [
        "; ".join(
            statement
            for about, statement in zip(
                model.assumptions["about"], model.assumptions["statement"], strict=True
            )
            if {source, target} <= set(about.split("|"))
        )
        for source, target in zip(model.arrows["source"], model.arrows["target"], strict=True)
    ]
    return model.arrows.assign(
        id="arrow." + model.arrows["source"] + "." + model.arrows["target"],
        unit="arrows",
        data_kind="published",
        source_label=model.arrows["source"].map(labels),
        target_label=model.arrows["target"].map(labels),
        assumptions=rests_on,
    )


def assumption_rows(model: LogicModel) -> pd.DataFrame:
    """The assumptions as results: id (``assumption.<name>``), about_label, statement, place."""
    labels = dict(zip(model.nodes["node"], model.nodes["label"], strict=True))
    about = ["; ".join(labels[n] for n in text.split("|")) for text in model.assumptions["about"]]
    return model.assumptions.assign(
        id="assumption." + model.assumptions["assumption"],
        unit="assumptions",
        data_kind="published",
        about_label=about,
    )


def check_rows(model: LogicModel, matrix: pd.DataFrame) -> pd.DataFrame:
    """What was checked in the model, and what was found.

    Parameters
    ----------
    matrix : DataFrame
        From `indicator_matrix`.

    Returns
    -------
    DataFrame
        One row per check, unit nodes: id (``model_check.<name>``), item (what must not be), count
        (how many were found), denominator (of how many looked at), found (their labels).
    """
    refuse_unsound(model)
    nodes, arrows = model.nodes, model.arrows
    ends = set(arrows["source"]) | set(arrows["target"])
    unmeasured = set(matrix["outcome"]) - set(matrix.loc[matrix["data_exist"], "outcome"])
    unmeasured |= set(outcomes(model)["node"]) - set(matrix["outcome"])
    later, earlier = nodes["level"] != "goal", nodes["level"] != "input"
    looks = {
        "orphan": ("Node without any arrow", nodes, ~nodes["node"].isin(ends)),
        "leads_nowhere": (
            "Node before the goal from which nothing follows",
            nodes[later],
            ~nodes["node"].isin(arrows["source"]),
        ),
        "from_nowhere": (
            "Node after the inputs to which nothing leads",
            nodes[earlier],
            ~nodes["node"].isin(arrows["target"]),
        ),
        "unmeasured": (
            "Outcome that no indicator with a value measures",
            outcomes(model),
            outcomes(model)["node"].isin(unmeasured),
        ),
    }
    rows = []
    for name, (item, looked_at, wrong) in looks.items():
        found = looked_at[wrong.reindex(looked_at.index)]
        rows.append(
            {
                "id": f"model_check.{name}",
                "item": item,
                "unit": "nodes",
                "data_kind": "published",
                "count": len(found),
                "denominator": len(looked_at),
                "found": "; ".join(found["label"]),
            }
        )
    return pd.DataFrame(rows)


def indicator_values(model: LogicModel, measured: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What each indicator's measure is in each wave, taken from the row that its id names.

    Parameters
    ----------
    measured : mapping
        Name of a results file to its released rows; files that no indicator names are not needed.

    Returns
    -------
    DataFrame
        One row per indicator and wave in which its row exists, or row that its ``*`` matches: id
        (``value.<indicator>.<wave or row>``), indicator, outcome, item, subgroup, wave, unit,
        count, denominator, estimate, interval and data_kind of that row, and source_row
        (``file#id``). A wave in which the row does not exist, as where forces are not known, gives
        no row.

    Raises
    ------
    InputError
        If an indicator names a results file that was not given.
    """
    rows = []
    for place, indicator in model.indicators.iterrows():
        name = indicator["measure_results"]
        if not name:
            continue
        if name not in measured:
            raise InputError(
                "An indicator cannot be filled.",
                [
                    Problem(
                        f"indicators.csv, row {int(str(place)) + 1}, column measure_results",
                        name,
                        "one of " + ", ".join(measured),
                        "Name a results file that the notebook loads.",
                    )
                ],
            )
        rows += [_value(indicator, name, row) for row in _measured(indicator, measured[name])]
    return pd.DataFrame(rows)


def indicator_matrix(
    model: LogicModel, published: pd.DataFrame, values: pd.DataFrame
) -> pd.DataFrame:
    """Outcome by outcome: what would show it, the published value, and what is missing.

    Parameters
    ----------
    published : DataFrame
        Released rows of published_figures: the transcription, data_kind published.
    values : DataFrame
        From `indicator_values`.

    Returns
    -------
    DataFrame
        One row per indicator, unit indicators, in the order of the outcomes: id
        (``indicator.<indicator>``), indicator, outcome, outcome_label, level, pathway, item (what
        is counted), strand, measure (the id that is looked up), baseline (as printed, such as
        ``45%``), baseline_value (the printed number), baseline_place, source_row (``file#id`` of
        the baseline), source, frequency, owner, quality, gap, state (a key of `STATES`) and
        state_name, data_exist (True or False: whether there is a published value, or one that was
        measured and not invented).

    Raises
    ------
    InputError
        If a baseline is no row of the published figures, or that row has no number.
    """
    refuse_unsound(model)
    numbers = published[published["value"].notna()].set_index("id")
    _refuse_baselines(model.indicators, numbers)
    nodes = outcomes(model).set_index("node")
    filled = set(values["indicator"]) if len(values) else set()
    collected = values["data_kind"] != "synthetic" if len(values) else []
    real = set(values.loc[collected, "indicator"]) if len(values) else set()
    rows = []
    for _, indicator in model.indicators.iterrows():
        node = nodes.loc[indicator["outcome"]]
        row = {
            "id": f"indicator.{indicator['indicator']}",
            "item": indicator["label"],
            "unit": "indicators",
            "data_kind": "published",
            "indicator": indicator["indicator"],
            "outcome": indicator["outcome"],
            "outcome_label": f"{node['code']} {node['label']}",
            "level": node["level"],
            "pathway": node["pathway"],
            **_baseline(indicator["baseline"], numbers),
        }
        for column in ("strand", "measure", "source", "frequency", "owner", "quality", "gap"):
            row[column] = indicator[column]
        name = indicator["indicator"]
        row["state"] = _state(bool(indicator["baseline"]), name in filled, name in real)
        row["state_name"] = STATES[row["state"]]
        row["data_exist"] = row["state"] not in ("could_be", "none")
        rows.append(row)
    order = {node: place for place, node in enumerate(nodes.index)}
    return pd.DataFrame(sorted(rows, key=lambda row: order[str(row["outcome"])]))


# ---------------------------------------------------------------------------------------------
# Soundness


def _unknown(file: str, frame: pd.DataFrame, column: str, known: set[str]) -> Iterator[Problem]:
    for row, cell in enumerate(frame[column], 1):
        for name in cell.split("|"):
            if name not in known:
                yield Problem(
                    f"{file}, row {row}, column {column}",
                    repr(name),
                    "an outcome of nodes.csv" if column == "outcome" else "a node of nodes.csv",
                    "Correct the name, or add the node.",
                )


def _repeated(arrows: pd.DataFrame) -> Iterator[Problem]:
    for row in arrows.index[arrows.duplicated(["source", "target"])]:
        yield Problem(
            f"arrows.csv, row {row + 1}",
            f"{arrows['source'][row]} to {arrows['target'][row]} again",
            "each arrow once",
            "Remove one.",
        )


def _backward(model: LogicModel) -> Iterator[Problem]:
    at = dict(zip(model.nodes["node"], model.nodes["level"].map(LEVELS.index), strict=True))
    for row, (source, target) in enumerate(
        zip(model.arrows["source"], model.arrows["target"], strict=True), 1
    ):
        if at[source] > at[target]:
            yield Problem(
                f"arrows.csv, row {row}",
                f"{source} ({LEVELS[at[source]]}) to {target} ({LEVELS[at[target]]})",
                "arrows that stay at their level or lead to a later one",
                "Turn the arrow round, or move a node.",
            )


def _circles(arrows: pd.DataFrame) -> Iterator[Problem]:
    before: dict[str, set[str]] = {}
    for source, target in zip(arrows["source"], arrows["target"], strict=True):
        before.setdefault(target, set()).add(source)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        yield Problem(
            "arrows.csv",
            "a circle: " + " from ".join(error.args[1]),
            "arrows that never come back",
            "Remove one of them.",
        )


# ---------------------------------------------------------------------------------------------
# Indicators


def _measured(indicator: pd.Series, frame: pd.DataFrame) -> list[pd.Series]:
    """The rows that an indicator's measure names: one for each wave, or one for each ``*``."""
    measure = indicator["measure"]
    if WAVE not in measure:
        ids = fnmatch.filter(frame["id"], measure)
    else:
        ids = [measure.replace(WAVE, str(wave)) for wave in frame["wave"].dropna().unique()]
    return [row for _, row in frame[frame["id"].isin(ids)].iterrows()]


def _value(indicator: pd.Series, name: str, row: pd.Series) -> dict[str, object]:
    wave, group = (
        "" if pd.isna(row.get(column)) else str(row.get(column)) for column in ("wave", "subgroup")
    )
    named = str(row["id"]) if "*" in indicator["measure"] else wave
    return {
        "id": ".".join(filter(None, ("value", indicator["indicator"], named))),
        "item": indicator["label"],
        "subgroup": group,
        "wave": wave,
        "unit": row["unit"],
        "data_kind": row["data_kind"],
        "indicator": indicator["indicator"],
        "outcome": indicator["outcome"],
        **{column: row[column] for column in _TAKEN if column in row},
        "source_row": results.reference(name, row["id"]),
    }


def _baseline(identity: str, numbers: pd.DataFrame) -> dict[str, object]:
    if not identity:
        return {"baseline": "", "baseline_value": None, "baseline_place": "", "source_row": ""}
    row = numbers.loc[identity]
    sign = "%" if row["unit"] == "percent" else f" {row['unit']}"
    return {
        "baseline": f"{results.plain(float(row['value']))}{sign}",
        "baseline_value": float(row["value"]),
        "baseline_place": row["location"],
        "source_row": results.reference("published_figures", identity),
    }


def _refuse_baselines(indicators: pd.DataFrame, numbers: pd.DataFrame) -> None:
    wrong = indicators["baseline"].ne("") & ~indicators["baseline"].isin(numbers.index)
    problems = [
        Problem(
            f"indicators.csv, row {row + 1}, column baseline",
            indicators["baseline"][row],
            "the id of a published figure that has a number",
            "Look it up in data/published/figures.csv, or leave the cell blank.",
        )
        for row in indicators.index[wrong]
    ]
    if problems:
        raise InputError("The baselines cannot be looked up.", problems)


def _state(baseline: bool, measured: bool, real: bool) -> str:
    """A key of `STATES`; what is invented shows that there is a way to measure, and no more."""
    if baseline:
        return "repeatable" if measured else "baseline_only"
    if real:
        return "measure_only"
    return "could_be" if measured else "none"
