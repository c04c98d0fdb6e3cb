"""The list of what is released: rules, withheld cells, exceptions, decisions of people."""

from __future__ import annotations

import csv
import hashlib
import io
import json

import pytest

from ncpi_eval import disclosure, release
from ncpi_eval.errors import InputError

CSV = "id,unit,data_kind,count,suppressed\n"


@pytest.fixture
def report(tmp_path):
    """Two tables of which one is about people, a page that shows it, a first page."""
    for folder in ("results", "tables", "html", "executed", "figures"):
        (tmp_path / folder).mkdir()
    (tmp_path / "results/people.csv").write_text(
        CSV + "a,respondents,real,20,False\nb,respondents,real,,True\n"
    )
    (tmp_path / "tables/people.csv").write_text(CSV + "b,respondents,real,,True\n")
    (tmp_path / "results/record.csv").write_text(CSV + "c,forces,public_record,3,False\n")
    shown = {"kind": "table", "name": "people", "data_kind": ["real"]}
    output = {"output_type": "display_data", "data": {}, "metadata": {"ncpi_eval": shown}}
    cell = {"cell_type": "code", "outputs": [output], "source": ""}
    (tmp_path / "executed/page.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "html/page.html").write_text("<p>")
    (tmp_path / "html/data-record.html").write_text("<p>")
    (tmp_path / "index.html").write_text("<p>")
    return tmp_path


def rows(folder, *decisions):
    return {row["output"]: row for row in csv.DictReader(io.StringIO(
        release.table(folder, decisions)))}  # fmt: skip


def decision(output="tables/people.csv", sha256="", word="release"):
    return {"output": output, "sha256": sha256, "decision": word, "by": "output checker",
            "date": "2026-11-02", "reason": "looked at"}  # fmt: skip


def test_every_output_is_listed_with_what_is_behind_it(report):
    found = rows(report)
    assert sorted(found) == [
        "executed/page.ipynb", "html/data-record.html", "html/page.html", "index.html",
        "manifest.json", "results/people.csv", "results/record.csv", "tables/people.csv",
    ]  # fmt: skip
    people = found["results/people.csv"]
    assert (people["rows"], people["withheld"], people["units"]) == ("2", "1", "respondents")
    assert people["profile"] == "default"
    assert "counts under 10 withheld" in people["rules"]
    assert people["exceptions"] == ""
    page = found["html/page.html"]
    assert (page["data_kinds"], page["withheld"], page["profile"]) == ("real", "1", "default")


def test_exceptions_give_their_reason(report):
    for name in ("results/record.csv", "html/data-record.html"):
        record = rows(report)[name]
        assert (record["profile"], record["rules"]) == ("none", "")
        reason = disclosure.EXCEPTIONS["public_record"]
        assert record["exceptions"] == f"public_record: {reason}"


def test_synthetic_data_is_an_exception_unless_it_is_protected(report, monkeypatch):
    (report / "results/people.csv").write_text(CSV + "a,respondents,synthetic,3,False\n")
    assert rows(report)["results/people.csv"]["exceptions"].startswith("synthetic: Invented")
    monkeypatch.setenv("NCPI_EVAL_PROTECT_SYNTHETIC", "1")
    row = rows(report)["results/people.csv"]
    assert (row["profile"], row["exceptions"]) == ("default", "")


def test_the_opensafely_profile_is_named_with_its_thresholds(report, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_PROFILE", "opensafely")
    row = rows(report)["results/people.csv"]
    assert row["profile"] == "opensafely"
    assert "7 or fewer withheld, with what gives them away; counts rounded to 5" in row["rules"]


def test_a_decision_holds_for_the_file_that_was_looked_at(report):
    digest = hashlib.sha256((report / "tables/people.csv").read_bytes()).hexdigest()
    row = rows(report, decision(sha256=digest))["tables/people.csv"]
    assert (row["decision"], row["decided_by"], row["decided_on"]) == (
        "release", "output checker", "2026-11-02",
    )  # fmt: skip
    assert row["decision_state"] == "holds"
    assert row["sha256"] == digest
    assert rows(report, decision())["tables/people.csv"]["decision_state"] == (
        "holds for any content"
    )
    assert rows(report)["tables/people.csv"]["decision_state"] == "none"


def test_a_decision_on_another_content_is_out_of_date_and_does_not_count(report):
    row = rows(report, decision(sha256="0" * 64))["tables/people.csv"]
    assert row["decision"] == ""
    assert row["decision_state"] == "out of date: release was of another content"
    gone = rows(report, decision("tables/old.csv"))["tables/old.csv"]
    assert gone["decision_state"] == "out of date: release was of an output that is gone"


def test_the_last_decision_on_an_output_counts(report):
    row = rows(report, decision(word="refuse"), decision(word="hold"))["tables/people.csv"]
    assert row["decision"] == "hold"


def test_what_differs_between_commits_has_no_hash_and_the_bytes_are_the_same(report):
    assert rows(report)["index.html"]["sha256"] == ""
    first = release.write(report).read_bytes()
    (report / "index.html").write_text("<p>another commit")
    assert release.write(report).read_bytes() == first


def test_decisions_are_refused_with_all_that_is_wrong(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text(
        "output,sha256,decision,by,date,reason\n"
        "tables/people.csv,abc,yes,,2 November,\n"
        ",,refuse,output checker,2026-11-02,\n"
    )
    with pytest.raises(InputError) as refused:
        release.read_decisions(path)
    said = str(refused.value)
    assert "decisions.csv, row 2, sha256: found 'abc'; expected 64 hexadecimal digits" in said
    assert "row 2, decision: found 'yes'; expected release, hold, refuse" in said
    assert "row 2, by: found nothing; expected a role, no name" in said
    assert "row 2, date: found '2 November'; expected YYYY-MM-DD" in said
    assert "row 3, output: found nothing" in said
    assert "row 3, reason: found nothing; expected a sentence" in said


def test_missing_columns_of_decisions_are_named(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text("output,decision\n")
    with pytest.raises(InputError, match="no such column; expected sha256"):
        release.read_decisions(path)


def test_the_committed_decisions_can_be_read():
    assert isinstance(release.read_decisions(), list)
