"""What a kernel prints on a page about protected people stays out of page and notebook."""

from __future__ import annotations

from types import SimpleNamespace

import nbformat
import pytest

from ncpi_eval import execute

ANSWER = "the night team loses every note"


def notebook(*kinds):
    """A cell that warns, prints, ends in a value and shows a table of these kinds of data."""
    v4 = nbformat.v4
    outputs = [
        v4.new_output("stream", name="stderr", text=f"UserWarning: {ANSWER}\n  warn()\n"),
        v4.new_output("stream", name="stdout", text=f"{ANSWER}\n"),
        v4.new_output("execute_result", data={"text/plain": repr(ANSWER)}, execution_count=1),
    ]
    for kind in kinds:
        shown = {"ncpi_eval": {"kind": "table", "data_kind": [kind]}}
        outputs.append(
            v4.new_output("display_data", data={"text/html": "<b>54%</b>"}, metadata=shown)
        )
    return v4.new_notebook(cells=[v4.new_code_cell("show()", outputs=outputs)])


def page(*parameters):
    return SimpleNamespace(stem="page", parameters=parameters)


@pytest.mark.parametrize("kinds", [("real",), ("published", "real"), ("unheard_of",), ()])
def test_prints_of_a_page_on_people_are_withheld(kinds):
    made = execute.without_prints(notebook(*kinds), page("survey"))
    assert ANSWER not in nbformat.writes(made)
    texts = [output.text for output in made.cells[0].outputs[:2]]
    assert texts == [
        "[2 lines on stderr: withheld, because it did not pass disclosure control]\n",
        "[1 lines on stdout: withheld, because it did not pass disclosure control]\n",
    ]
    # What passed through the seams stays as it is.
    assert [o.data["text/html"] for o in made.cells[0].outputs[3:]] == ["<b>54%</b>"] * len(kinds)


@pytest.mark.parametrize("kinds", [("synthetic",), ("published", "public_record")])
def test_invented_and_published_data_keep_theirs(kinds):
    made = execute.without_prints(notebook(*kinds), page("survey"))
    assert nbformat.writes(made).count(ANSWER) == 3


def test_a_page_that_takes_no_survey_keeps_its_own():
    assert nbformat.writes(execute.without_prints(notebook(), page())).count(ANSWER) == 3


def test_invented_data_does_not_when_it_is_protected(monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_PROTECT_SYNTHETIC", "1")
    assert ANSWER not in nbformat.writes(
        execute.without_prints(notebook("synthetic"), page("wave"))
    )
