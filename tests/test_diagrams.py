"""Boxes and arrows as SVG: every box and arrow there, readable, nothing off the paper."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from ncpi_eval import diagrams, figures, results, tables
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import logic_model
from ncpi_eval.intake import judgements

COLUMNS = {"short": "Short-term", "medium": "Medium-term", "long": "Long-term"}
LANES = {"police_force": "Police force", "shared": "Both"}


def nodes():
    # a (short) -> b (medium) -> d (long); a -> d passes b; a -> c stays in its column
    return pd.DataFrame(
        {
            "node": ["a", "b", "c", "d"],
            "code": ["S1", "M1", "S2", "L1"],
            "label": ["Known & <liked>", "Trained", "Engaged", "A label that needs two lines"],
            "level": ["short", "medium", "short", "long"],
            "pathway": ["shared", "police_force", "police_force", "police_force"],
        }
    )


def arrows():
    pairs = [("a", "b", "stated"), ("b", "d", "inferred"), ("a", "d", "stated")]
    pairs += [("a", "c", "stated"), ("a", "elsewhere", "stated")]
    return pd.DataFrame(pairs, columns=["source", "target", "basis"])


def parsed(drawing):
    wrapped = f'<svg xmlns="http://www.w3.org/2000/svg">{drawing.elements}</svg>'
    return ElementTree.fromstring(wrapped)


def drawn(**given):
    return diagrams.layered(nodes(), arrows(), columns=COLUMNS, lanes=LANES, **given)


def named(tree, name):
    return tree.findall(f".//{{http://www.w3.org/2000/svg}}{name}")


def test_every_box_is_there_and_none_is_off_the_paper():
    drawing = drawn()
    boxes = named(parsed(drawing), "rect")
    assert len(boxes) == 4
    for box in boxes:
        assert float(box.get("x")) >= 0
        assert float(box.get("x")) + float(box.get("width")) <= drawing.width
        assert float(box.get("y")) + float(box.get("height")) <= drawing.height
    words = " ".join(text.text for text in named(parsed(drawing), "text"))
    assert "S1 Known & <liked>" in words
    assert "Police force" in words and "Long-term" in words


def test_an_arrow_for_each_pair_that_is_there_and_a_dash_for_what_was_inferred():
    paths = [p for p in named(parsed(drawn()), "path") if p.get("marker-end")]
    assert len(paths) == 4  # the arrow to a node that is not in the picture is left out
    assert [bool(p.get("stroke-dasharray")) for p in paths] == [False, True, False, False]
    assert "Dashed: we read it so." in drawn().elements


def test_an_arrow_that_passes_a_column_goes_between_its_boxes():
    tree = parsed(drawn())
    trained = named(tree, "rect")[1]
    top = float(trained.get("y"))
    bottom = top + float(trained.get("height"))
    long_way = [p.get("d") for p in named(tree, "path") if p.get("marker-end")][2]
    level = float(re.search(r"L[\d.]+ ([\d.]+)", long_way).group(1))
    assert not top <= level <= bottom


def test_text_can_be_read_at_its_size_and_is_dark_on_light():
    for text in named(parsed(drawn()), "text"):
        assert float(text.get("font-size")) >= 12
        assert text.get("fill") == figures.TEXT_COLOUR
    dark = figures.TEXT_COLOUR
    assert all(_contrast(dark, fill) > 7 for fill in diagrams.FILLS)  # WCAG 2.2, level AAA


def test_a_node_without_a_place_is_refused():
    with pytest.raises(InputError, match="level of d: found 'long'; expected one of short"):
        diagrams.layered(nodes(), arrows(), columns={"short": "S", "medium": "M"}, lanes=LANES)


def test_it_is_shown_with_title_description_and_own_ids(tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path))
    monkeypatch.setattr(tables, "_used", {})
    rows = nodes().assign(id=nodes()["node"], unit="nodes", data_kind="synthetic")
    shown = figures.show(
        drawn(),
        results.save("model", rows),
        name="model",
        caption="How it works",
        alt="Knowing leads to training, and training leads to the last box.",
        source="Report",
        columns={"code": "Code", "label": "Node"},
    )
    assert 'role="img" aria-labelledby="model-title model-desc"' in shown.html
    assert '<title id="model-title">How it works</title>' in shown.html
    assert 'id="model-head"' in shown.html and "url(#model-head)" in shown.html
    assert ">Synthetic data</text>" in shown.html
    assert "The rows behind “How it works”" in shown.html
    assert 'class="drawn"' in shown.html
    assert (tmp_path / "figures" / "model.svg").read_text(encoding="utf-8").startswith("<svg")


def test_boxes_of_the_real_model_hold_their_words_and_do_not_overlap():
    model = judgements.read_logic_model()
    rows = logic_model.node_rows(model)
    outcomes = rows[rows["level"].isin(judgements.OUTCOME_LEVELS)]
    drawing = diagrams.layered(
        outcomes,
        logic_model.arrow_rows(model),
        columns=logic_model.LEVEL_NAMES,
        lanes=logic_model.PATHWAY_NAMES,
    )
    boxes = [
        tuple(float(b.get(k)) for k in ("x", "y", "width", "height"))
        for b in named(parsed(drawing), "rect")
    ]
    assert len(boxes) == len(outcomes)
    for number, (x, y, _, height) in enumerate(boxes):
        for left, top, _, tall in boxes[number + 1 :]:
            assert x != left or y + height <= top or top + tall <= y


def _contrast(first, second):
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
