"""The vocabulary of results, and the one rule by which numbers are shown."""

from __future__ import annotations

import pandas as pd
import pytest

from ncpi_eval import results
from ncpi_eval.errors import InputError


@pytest.fixture(autouse=True)
def outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path / "stage"))
    monkeypatch.setenv("NCPI_EVAL_READ", str(tmp_path / "tree"))
    return tmp_path


def frame(**columns):
    given = {
        "id": ["Q.1.all.all.2019", "Q.2.all.all.2019"],
        "response": ["1", "1|2"],
        "wave": ["2019", "2019"],
        "unit": "respondents",
        "count": [54, 46],
        "denominator": [100, 100],
        "estimate": [0.54, 0.46],
        "data_kind": "synthetic",
    }
    return pd.DataFrame({**given, **columns})


def test_what_is_saved_can_be_loaded_with_texts_as_texts():
    saved = results.save("survey_estimates", frame())
    loaded = results.load("survey_estimates")
    pd.testing.assert_frame_equal(saved, loaded)
    assert loaded["wave"].tolist() == ["2019", "2019"]
    assert loaded["suppressed"].tolist() == [False, False]


def test_the_file_has_the_vocabulary_first_and_twelve_digits(outputs):
    results.save("a", frame(zeta=[1 / 3, 2.0], item=["x", "y"]))
    text = (outputs / "stage/results/a.csv").read_bytes()
    assert text == (
        b"id,item,response,wave,unit,count,denominator,estimate,data_kind,suppressed,zeta\n"
        b"Q.1.all.all.2019,x,1,2019,respondents,54,100,0.54,synthetic,False,0.333333333333\n"
        b"Q.2.all.all.2019,y,1|2,2019,respondents,46,100,0.46,synthetic,False,2\n"
    )


def test_the_file_is_touched_only_if_its_bytes_change(outputs):
    results.save("a", frame())
    path = outputs / "stage/results/a.csv"
    before = path.stat().st_mtime_ns, path.stat().st_ino
    results.save("a", frame())
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    results.save("a", frame(count=[55, 45], estimate=[0.55, 0.45]))
    assert path.stat().st_ino != before[1]


def test_a_page_reads_its_own_results_before_those_of_others(outputs):
    results.save("a", frame())
    other = outputs / "tree/results/a.csv"
    other.parent.mkdir(parents=True)
    other.write_text((outputs / "stage/results/a.csv").read_text().replace("0.54", "0.50"))
    assert results.load("a")["estimate"].iloc[0] == 0.54
    (outputs / "stage/results/a.csv").unlink()
    assert results.load("a")["estimate"].iloc[0] == 0.50


def test_results_that_do_not_exist_are_named():
    with pytest.raises(InputError) as refused:
        results.load("survey_tests")
    assert "outputs/results/survey_tests.csv: found no such file" in str(refused.value)
    assert "lists 'survey_tests' under results in notebooks/report.toml" in str(refused.value)


def test_everything_that_is_wrong_is_listed_at_once():
    bad = frame(
        id=["Q 1", "Q 1"],
        unit=["people", "respondents"],
        data_kind=["synthetic", "fake"],
        estimate=[54.0, 0.46],
        count=[101, 46],
        p_value=[0.5, 1.5],
    )
    with pytest.raises(InputError) as refused:
        results.save("a", bad)
    text = str(refused.value)
    assert "id, 2 rows: found Q 1, Q 1; expected letters, digits, '.', '_' and '-' only" in text
    assert "id, 1 rows: found Q 1; expected each id once" in text
    assert "unit, 1 rows: found people" in text
    assert "data_kind, 1 rows: found fake" in text
    assert "count, 1 rows: found 101 at Q 1" in text
    assert "estimate, 1 rows: found 54.0 at Q 1; expected a proportion from 0 to 1" in text
    assert "p_value, 1 rows: found 1.5 at Q 1" in text


@pytest.mark.parametrize("column", ["id", "unit", "data_kind"])
def test_required_columns(column):
    with pytest.raises(InputError, match=f"columns: found absent; expected {column}"):
        results.save("a", frame().drop(columns=column))


@pytest.mark.parametrize("name", ["../a", "A b", "", "a.csv"])
def test_a_name_is_no_path(name):
    with pytest.raises(InputError, match="Results cannot have this name"):
        results.save(name, frame())


def test_real_respondents_pass_disclosure_control_on_the_way(outputs):
    small = frame(count=[5, 95], estimate=[0.05, 0.95], data_kind="real")
    saved = results.save("a", small)
    assert saved["count"].isna().all()
    assert ",5,100," not in (outputs / "stage/results/a.csv").read_text()


def test_a_spreadsheet_runs_nothing(outputs):
    results.save("a", frame(item=["=1+1", "-5"]))
    text = (outputs / "stage/results/a.csv").read_text()
    assert "'=1+1" in text
    assert ",-5," in text


def test_pick_gives_the_one_row():
    saved = results.save("a", frame())
    row = results.pick(saved, response=1, wave=2019)
    assert row["id"] == "Q.1.all.all.2019"
    assert results.home(row) == "a"


def test_pick_says_how_many_and_which():
    saved = results.save("a", frame())
    with pytest.raises(InputError, match="More than one row was picked") as refused:
        results.pick(saved, wave="2019")
    assert "wave='2019': found 2 rows (Q.1.all.all.2019, Q.2.all.all.2019)" in str(refused.value)
    with pytest.raises(InputError, match="response='9': found 0 rows; expected exactly one row"):
        results.pick(saved, response="9")
    with pytest.raises(InputError, match="column: found group"):
        results.pick(saved, group="x")


# Half up from integers: 1/8 = 12.5 -> 13, 29/200 = 14.5 -> 15; floats of 0.145 would say 14.
@pytest.mark.parametrize(
    "count, base, shown",
    [
        (1, 8, "13%"),
        (29, 200, "15%"),
        (54, 100, "54%"),
        (0, 40, "0%"),
        (40, 40, "100%"),
        (1, 837, "<1%"),
        (836, 837, ">99%"),
    ],
)
def test_percentages_are_whole_half_up_from_counts(count, base, shown):
    row = {"count": count, "denominator": base, "estimate": count / base}
    assert results.shown(row) == shown


def test_a_weighted_estimate_is_not_made_from_the_counts():
    assert results.shown({"count": 1, "denominator": 8, "estimate": 0.2}) == "20%"


@pytest.mark.parametrize(
    "value, shown",
    [
        (0.0, "<0.001"),
        (0.00099, "<0.001"),
        (0.001, "0.001"),
        (0.0304, "0.03"),
        (0.049, "0.049"),
        (0.0504, "0.050"),
        (0.25, "0.25"),
        (1.0, "1.00"),
    ],
)
def test_p_values(value, shown):
    assert results.p_value(value) == shown


def test_other_fields():
    row = {
        "count": 1234,
        "denominator": 5000,
        "estimate": 0.2468,
        "ci_low": 0.2349,
        "ci_high": 0.2590,
        "difference": -0.175,
        "difference_low": -0.25,
        "difference_high": -0.10,
        "p_value": 0.2,
        "effect_size": 0.123456,
        "label": "Yes",
    }
    assert results.shown(row, "count") == "1,234"
    assert results.shown(row, "base") == "5,000"
    assert results.shown(row, "interval") == "23% to 26%"
    assert results.shown(row, "difference") == "−18 percentage points"
    assert results.shown(row, "difference_interval") == "−25 to −10 percentage points"
    assert results.shown(row, "effect_size") == "0.123"
    assert results.shown(row, "label") == "Yes"


def test_withheld_numbers_are_marked():
    assert results.shown({"estimate": None, "suppressed": True}) == "[c]"
    assert results.shown({"estimate": float("nan"), "flag": "low_base"}) == "[low]"


def test_a_result_does_not_print_its_table():
    assert repr(results.Result(frame(), "One sentence.")) == "Result(text='One sentence.')"


def test_select_sorts_by_the_values_asked_for_and_keeps_rows_of_a_repeated_index_apart():
    frame = pd.DataFrame({"id": list("abcd"), "response": ["2", "1", "1", "2"]}, index=[0, 1, 0, 1])
    assert results.select(frame, response=["1", "2"])["id"].tolist() == ["b", "c", "a", "d"]
    assert results.select(frame, response="2")["id"].tolist() == ["a", "d"]


def test_select_refuses_a_value_that_no_row_has():
    frame = pd.DataFrame({"id": ["a"], "response": ["1"]})
    with pytest.raises(InputError, match="no 9") as refused:
        results.select(frame, response=["1", "9"])
    assert refused.value.problems[0].place == "response"
