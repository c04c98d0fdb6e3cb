"""The logic model: sound or refused, and a matrix that is looked up and never typed."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from ncpi_eval import paths, sources
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import logic_model
from ncpi_eval.intake import judgements


def model(**tables):
    """Three nodes in a row: trained -> heard -> better, one indicator for the first."""
    nodes = pd.DataFrame(
        {
            "node": ["trained", "heard", "better"],
            "code": ["S1", "M1", "G1"],
            "level": ["short", "medium", "goal"],
            "pathway": ["police_force", "police_force", "shared"],
            "label": ["Trained", "Heard", "Better"],
            "statement": "x",
            "place": "Chapter 3",
            "basis": "stated",
        }
    )
    arrows = pd.DataFrame(
        [("trained", "heard"), ("heard", "better")], columns=["source", "target"]
    ).assign(statement="x", place="Chapter 3", basis="stated")
    assumptions = pd.DataFrame(
        [("a", "trained|heard", "Training is heard.", "Chapter 3", "x")],
        columns=["assumption", "about", "statement", "place", "what_would_show_it_wrong"],
    )
    indicators = pd.DataFrame(
        [
            ("recent", "trained", "survey", "survey_estimates", "Q.1.all.all.{wave}", "Q.1.C3"),
            ("voice", "heard", "survey", "", "", ""),
        ],
        columns=["indicator", "outcome", "strand", "measure_results", "measure", "baseline"],
    )
    words = ("label", "source", "frequency", "owner", "quality", "gap")
    whole = judgements.LogicModel(
        nodes, arrows, assumptions, indicators.assign(**dict.fromkeys(words, "x"))
    )
    return dataclasses.replace(whole, **tables)


def arrows_of(*pairs):
    return pd.DataFrame(pairs, columns=["source", "target"]).assign(
        statement="x", place="Chapter 3", basis="stated"
    )


def estimates(**shares):
    """Released rows of one question, a share for each wave."""
    return pd.DataFrame(
        {
            "id": [f"Q.1.all.all.{wave.removeprefix('w')}" for wave in shares],
            "wave": [wave.removeprefix("w") for wave in shares],
            "unit": "respondents",
            "count": [round(100 * share) for share in shares.values()],
            "denominator": 100,
            "estimate": list(shares.values()),
            "data_kind": "synthetic",
        }
    )


PUBLISHED = pd.DataFrame(
    {
        "id": ["Q.1.C3", "Q.words"],
        "value": [47.0, None],
        "unit": ["percent", "statement"],
        "location": ["Chapter 3, Overall", "Chapter 3"],
    }
)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"arrows": arrows_of(("trained", "herd"))},
            "arrows.csv, row 1, column target: found 'herd'; expected a node of nodes.csv",
        ),
        (
            {"arrows": arrows_of(("trained", "heard"), ("better", "trained"))},
            "arrows.csv, row 2: found better (goal) to trained (short); expected arrows that stay",
        ),
        (
            {"arrows": arrows_of(("trained", "heard"), ("trained", "heard"))},
            "arrows.csv, row 2: found trained to heard again; expected each arrow once",
        ),
    ],
)
def test_a_model_that_cannot_be_walked_through_is_refused(tables, message):
    with pytest.raises(InputError) as refused:
        logic_model.refuse_unsound(model(**tables))
    assert message in str(refused.value)


def test_a_circle_within_one_level_is_refused():
    nodes = model().nodes.assign(level="short")
    circle = arrows_of(("trained", "heard"), ("heard", "better"), ("better", "trained"))
    with pytest.raises(InputError, match="a circle: .*trained"):
        logic_model.refuse_unsound(model(nodes=nodes, arrows=circle))


def test_an_indicator_of_something_that_is_no_outcome_is_refused():
    indicators = model().indicators.assign(outcome=["trained", "nothing"])
    with pytest.raises(InputError, match="indicators.csv, row 2, column outcome: found 'nothing'"):
        logic_model.refuse_unsound(model(indicators=indicators))


def test_orphans_dead_ends_and_unmeasured_outcomes_are_reported():
    broken = model(arrows=arrows_of(("trained", "heard")))
    values = logic_model.indicator_values(broken, {"survey_estimates": estimates(w2019=0.4)})
    matrix = logic_model.indicator_matrix(broken, PUBLISHED, values)
    found = logic_model.check_rows(broken, matrix).set_index("id")["found"].to_dict()
    # by hand: better has no arrow; heard leads nowhere; heard and better have no value
    assert found == {
        "model_check.orphan": "Better",
        "model_check.leads_nowhere": "Heard",
        "model_check.from_nowhere": "Trained; Better",
        "model_check.unmeasured": "Heard; Better",
    }


def test_the_baseline_is_the_printed_figure_and_links_to_it():
    matrix = logic_model.indicator_matrix(
        model(),
        PUBLISHED,
        logic_model.indicator_values(model(), {"survey_estimates": estimates(w2019=0.4)}),
    ).set_index("indicator")
    recent = matrix.loc["recent"]
    assert (recent["baseline"], recent["baseline_value"]) == ("47%", 47.0)
    assert recent["source_row"] == "published_figures#Q.1.C3"
    assert (recent["state"], recent["data_exist"]) == ("repeatable", True)
    assert (matrix.loc["voice", "state"], matrix.loc["voice", "data_exist"]) == ("none", False)
    assert set(matrix["data_kind"]) == {"published"}


def test_another_wave_changes_the_value_and_not_the_baseline():
    def both(frame):
        values = logic_model.indicator_values(model(), {"survey_estimates": frame})
        matrix = logic_model.indicator_matrix(model(), PUBLISHED, values)
        return values.set_index("id")["estimate"].to_dict(), matrix["baseline"].tolist()

    one, before = both(estimates(w2019=0.4))
    two, after = both(estimates(w2019=0.4, w2024=0.7))
    assert one == {"value.recent.2019": 0.4}
    assert two == {"value.recent.2019": 0.4, "value.recent.2024": 0.7}
    assert before == after == ["47%", ""]


def test_what_was_invented_shows_a_way_to_measure_and_no_data():
    def state(kind):
        bare = model(indicators=model().indicators.assign(baseline=""))
        frame = estimates(w2019=0.4).assign(data_kind=kind)
        values = logic_model.indicator_values(bare, {"survey_estimates": frame})
        row = logic_model.indicator_matrix(bare, PUBLISHED, values).set_index("indicator")
        return row.loc["recent", "state"], bool(row.loc["recent", "data_exist"])

    assert state("synthetic") == ("could_be", False)
    assert state("real") == ("measure_only", True)


def test_one_measure_may_be_a_row_for_each_force():
    twice = pd.DataFrame(
        {
            "id": ["twice.a.good", "twice.b.good", "twice.a.bad"],
            "subgroup": ["A", "B", "A"],
            "unit": "cases",
            "estimate": [0.2, 0.3, 0.8],
            "data_kind": "public_record",
        }
    )
    indicators = model().indicators.assign(measure_results="twice", measure=["twice.*.good", ""])
    values = logic_model.indicator_values(model(indicators=indicators), {"twice": twice})
    assert values["id"].tolist() == ["value.recent.twice.a.good", "value.recent.twice.b.good"]
    assert values["subgroup"].tolist() == ["A", "B"]


def test_a_value_keeps_the_kind_of_its_row():
    values = logic_model.indicator_values(model(), {"survey_estimates": estimates(w2019=0.4)})
    assert values["data_kind"].tolist() == ["synthetic"]
    assert values["source_row"].tolist() == ["survey_estimates#Q.1.all.all.2019"]


def test_without_a_measured_row_there_is_a_baseline_only():
    values = logic_model.indicator_values(model(), {"survey_estimates": estimates()})
    matrix = logic_model.indicator_matrix(model(), PUBLISHED, values)
    assert matrix.set_index("indicator").loc["recent", "state"] == "baseline_only"


@pytest.mark.parametrize("identity", ["Q.9.C3", "Q.words"])
def test_a_baseline_that_is_no_printed_number_is_refused(identity):
    indicators = model().indicators.assign(baseline=[identity, ""])
    with pytest.raises(InputError, match=f"indicators.csv, row 1, column baseline: .*{identity}"):
        logic_model.indicator_matrix(model(indicators=indicators), PUBLISHED, pd.DataFrame())


def test_a_results_file_that_was_not_given_is_refused():
    with pytest.raises(InputError, match="row 1, column measure_results: found survey_estimates"):
        logic_model.indicator_values(model(), {"other": pd.DataFrame()})


# --- the model as it is kept -----------------------------------------------------------------


def test_the_kept_model_is_sound_and_every_outcome_has_a_row_in_the_matrix():
    kept = judgements.read_logic_model()
    logic_model.refuse_unsound(kept)
    assert set(logic_model.outcomes(kept)["node"]) == set(kept.indicators["outcome"])
    ends = set(kept.arrows["source"]) | set(kept.arrows["target"])
    assert set(kept.nodes["node"]) == ends
    # Appendix B: the model has a police force and an inspection team pathway and one goal.
    assert set(kept.nodes["pathway"]) == {"police_force", "inspection_team", "shared"}
    assert kept.nodes.loc[kept.nodes["level"] == "goal", "node"].tolist() == [
        "outcomes_for_children"
    ]


def test_every_node_reaches_the_goal():
    kept = judgements.read_logic_model()
    before = kept.arrows.groupby("target")["source"].agg(set).to_dict()
    reached, waiting = set(), ["outcomes_for_children"]
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += before.get(node, ())
    assert set(kept.nodes["node"]) == reached


def test_every_baseline_is_a_printed_number_of_what_is_measured():
    kept = judgements.read_logic_model()
    figures = sources.read_published_figures().set_index("id")
    both = kept.indicators["baseline"].ne("") & kept.indicators["measure"].ne("")
    for _, row in kept.indicators[both].iterrows():
        printed = figures.loc[row["baseline"]]
        keys = ("question", "response", "subgroup_variable", "subgroup")
        named = ".".join(str(printed[key]).replace("|", "-") for key in keys)
        assert row["measure"].removesuffix(".{wave}") == named
    assert not set(kept.indicators["baseline"]) - {""} - set(figures.index)


def test_a_wrong_cell_is_named_with_file_row_and_column(tmp_path):
    for path in paths.data("logic_model").glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    nodes = pd.read_csv(tmp_path / "nodes.csv", dtype=str)
    nodes.loc[2, "level"] = "soon"
    nodes.loc[3, "code"] = nodes.loc[2, "code"]
    nodes.to_csv(tmp_path / "nodes.csv", index=False)
    with pytest.raises(InputError) as refused:
        judgements.read_logic_model(tmp_path)
    assert "nodes.csv, row 3, column level: found 'soon'; expected one of input, activity" in str(
        refused.value
    )
    assert "nodes.csv, row 4, column code: found 'I3'; expected each once" in str(refused.value)
