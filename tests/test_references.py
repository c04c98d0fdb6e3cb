"""References between rows are shown in words that tell the rows apart."""

import pandas as pd
import pytest

from ncpi_eval import references, results
from ncpi_eval.errors import InputError


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path))
    monkeypatch.setenv("NCPI_EVAL_READ", str(tmp_path))


def saved(name, *rows):
    frame = pd.DataFrame(rows).assign(unit="claims", data_kind="published")
    results.save(name, frame)
    return lambda text, **beside: references.links(text, pd.Series(beside, dtype=object), {})


def link(name, identity, words):
    return f'<a href="data-{name}.html#{identity}">{words}</a>'


def test_a_row_is_called_by_what_it_is_about():
    linked = saved(
        "extracts", {"id": "a.1", "item": "Awareness", "label": "role <b>", "response": "x"}
    )
    assert linked("extracts#a.1") == link("extracts", "a.1", "Awareness: role &lt;b&gt;")


def test_what_the_row_beside_says_is_not_said_again():
    linked = saved("extracts", {"id": "a.1", "item": "Awareness", "label": "role"})
    assert linked("extracts#a.1", item="Awareness") == link("extracts", "a.1", "Role")
    whole = linked("extracts#a.1", item="Awareness", label="role")
    assert whole == link("extracts", "a.1", "Role")


def test_rows_with_the_same_words_are_told_apart_by_kind_or_place_or_number():
    same = {"item": "Theme", "label": "partners"}
    linked = saved(
        "extracts",
        {"id": "a.1", **same, "response": "works_well", "place": "Chapter 3"},
        {"id": "a.2", **same, "response": "challenge", "place": "Chapter 3"},
        {"id": "a.3", **same, "response": "challenge", "place": "Chapter 3"},
        {"id": "a.4", **same, "response": "challenge", "place": "Chapter 4"},
    )
    by_kind = linked("extracts#a.1 extracts#a.2")
    assert ">Theme: partners (works well)</a>" in by_kind and "(challenge)</a>" in by_kind
    assert ">Theme: partners (Chapter 4)</a>" in linked("extracts#a.3 extracts#a.4")
    assert ">Theme: partners (2)</a>" in linked("extracts#a.2 extracts#a.3")


def test_a_claim_speaks_for_itself_and_files_may_have_a_name():
    saved("figures", {"id": "F.1", "item": "Training", "claim": "Trained last year"})
    html = references.links("figures#F.1", pd.Series(dtype=object), {"figures": "Printed"})
    assert html == link("figures", "F.1", "Printed: trained last year")


def test_a_row_that_is_not_there_is_refused():
    linked = saved("figures", {"id": "F.1", "item": "Training"})
    for reference in ("figures#F.2", "nothing#F.1"):
        with pytest.raises(InputError, match="list .* under reads of this page"):
            linked(reference)
    assert linked("") == ""
