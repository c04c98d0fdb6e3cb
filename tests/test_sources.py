"""One survey in four formats is one frame, and real and synthetic never join."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from helpers_survey import BOOK, FORCES, respondents

from ncpi_eval import formats, paths, sources
from ncpi_eval.errors import InputError


@pytest.fixture
def forces_path(tmp_path: Path) -> Path:
    return formats.write_table(FORCES, tmp_path / "forces.csv")


def written(folder: Path, name: str, frame: pd.DataFrame, **options: bool) -> Path:
    return sources.write_survey(frame, folder / name, BOOK, FORCES, **options)


WAYS = [
    ("x.sav", {}),
    ("x.csv", {}),
    ("x.csv", {"option_texts": True}),
    ("x.xlsx", {}),
    ("x.xlsx", {"option_texts": True}),
    ("x.parquet", {}),
]


@pytest.mark.parametrize(("name", "options"), WAYS)
def test_the_same_frame_whatever_the_format(tmp_path, forces_path, name, options):
    frame = respondents(40)
    survey = sources.read_survey(written(tmp_path, name, frame, **options), forces_path)
    got = survey.responses[list(frame.columns)]
    pd.testing.assert_frame_equal(got, frame)
    assert survey.responses["RAge"].dtype == "Int16"
    assert survey.responses.columns.get_loc("TrainAny") == frame.columns.get_loc("TrainHelp")


def test_a_round_trip_through_sav_loses_nothing(tmp_path, forces_path):
    frame = respondents(40)
    frame.loc[0, "AOB"] = "Über 😀\n" + "é" * 16000
    path = written(tmp_path, "x.sav", frame)
    table = formats.read_table(path)
    again = formats.read_table(formats.write_table(table, tmp_path / "again.sav"))
    pd.testing.assert_frame_equal(again.frame, table.frame)
    assert again.labels == table.labels
    assert table.labels["RAge"] == BOOK.variables["RAge"].label
    assert again.value_labels == table.value_labels
    assert table.value_labels["RForc"] == {
        101: "Alder",
        102: "Birch",
        103: "Cedar",
        104: "Dogwood",
        44: "Prefer not to say",
    }
    assert again.missing_ranges == table.missing_ranges
    assert table.missing_ranges["DecConf"] == [{"lo": 7, "hi": 7}]
    survey = sources.read_survey(tmp_path / "again.sav", forces_path)
    pd.testing.assert_frame_equal(survey.responses[list(frame.columns)], frame)


def test_columns_may_come_in_any_order_and_optional_ones_may_be_absent(tmp_path, forces_path):
    frame = respondents(12)
    shuffled = frame[sorted(c for c in frame.columns if c not in ("AOB", "REth_other"))]
    survey = sources.read_survey(formats.write_table(shuffled, tmp_path / "x.csv"), forces_path)
    assert list(survey.responses.columns)[:4] == ["serial", "RAge", "RSex", "REth"]
    assert survey.responses["AOB"].isna().all()
    assert "The file lacks optional columns: REth_other, AOB." in survey.notes


def test_a_file_without_forces_runs_and_says_so(tmp_path, forces_path):
    frame = respondents(12).drop(columns="RForc")
    survey = sources.read_survey(formats.write_table(frame, tmp_path / "x.csv"), forces_path)
    assert survey.has_force is False
    assert survey.groups["inspection_status"].isna().all()
    assert survey.groups["area"].notna().any()
    assert survey.notes[0] == (
        "The file has no column RForc: inspection status and the clustering of respondents by "
        "force cannot be shown."
    )


def test_a_file_in_which_nobody_names_a_force_says_so(tmp_path, forces_path):
    frame = respondents(12, force_codes=(44,))
    survey = sources.read_survey(formats.write_table(frame, tmp_path / "x.csv"), forces_path)
    assert survey.has_force is False
    assert survey.notes[0].startswith("No respondent names a force")


def test_data_is_synthetic_only_if_every_row_says_so(tmp_path, forces_path):
    path = formats.write_table(respondents(12), tmp_path / "x.csv")
    survey = sources.read_survey(path, forces_path)
    assert survey.data_kind == "synthetic"
    assert len(survey) == 12
    real = respondents(12, force_codes=(1, 15, 44), data_kind="")
    survey = sources.read_survey(formats.write_table(real, tmp_path / "real.csv"))
    assert survey.data_kind == "real"
    assert survey.has_force
    assert "The force table gives no joint inspections" in survey.notes[0]


def test_a_real_survey_is_refused_with_synthetic_forces_and_the_reverse(tmp_path, forces_path):
    real = respondents(12, force_codes=(1, 15, 44), data_kind="")
    path = formats.write_table(real, tmp_path / "real.csv")
    with pytest.raises(InputError, match="A real survey cannot be read with the synthetic force"):
        sources.read_survey(path, forces_path)
    path = formats.write_table(respondents(12), tmp_path / "synthetic.csv")
    with pytest.raises(
        InputError, match="A synthetic survey cannot be read with the table of real"
    ):
        sources.read_survey(path, sources.default_forces_path("real"))


def test_real_forces_in_a_synthetic_file_are_unknown(tmp_path, forces_path):
    frame = respondents(12, force_codes=(1, 15, 44))
    with pytest.raises(
        InputError, match=r"column RForc: found 1; expected a code of the force table"
    ):
        sources.read_survey(formats.write_table(frame, tmp_path / "x.parquet"), forces_path)


def test_the_default_force_table_goes_with_the_kind_of_data():
    assert sources.default_forces_path("synthetic").parts[-2:] == ("synthetic", "forces.csv")
    assert sources.default_forces_path("real").parts[-2:] == ("inspections", "forces.csv")


def test_the_wave_decides_what_counts_as_inspected(tmp_path, forces_path):
    path = formats.write_table(respondents(12, force_codes=(104,)), tmp_path / "x.csv")
    first = sources.read_survey(path, forces_path)
    later = sources.read_survey(path, forces_path, wave="2021-03")
    assert set(first.groups["inspection_status"].dropna()) == {"uninspected"}
    assert set(later.groups["inspection_status"].dropna()) == {"inspected"}
    with pytest.raises(InputError, match="opening month of wave 'two' is not known"):
        sources.read_survey(path, forces_path, wave="two")


def test_damage_wrong_cells_a_wrong_force_table_and_a_second_wave_are_told_at_once(tmp_path):
    frame = respondents(12).astype(object)
    frame.loc[2, "RAge"] = 99
    first = formats.write_table(frame, tmp_path / "first.csv")
    lines = first.read_bytes().split(b"\n")
    lines[1] = b"s001,1"
    lines[2] = lines[2].replace(b"s002", b"s\xe9")
    first.write_bytes(b"\n".join(lines))
    second = formats.write_table(respondents(12).drop(columns="RSex"), tmp_path / "second.csv")
    twice = pd.concat([FORCES, FORCES.iloc[:1]])
    forces = formats.write_table(twice, tmp_path / "forces.csv")
    with pytest.raises(InputError) as caught:
        sources.read_waves([("2019", first), ("2021-03", second)], forces)
    told = str(caught.value)
    for part in (
        "first.csv, row 2, column serial: found 's<byte e9>'; expected text in UTF-8",
        "first.csv, row 1: found 2 cells",
        "first.csv, row 3 (serial s003), column RAge: found '99'",
        "forces.csv, row 5, column force: found '101'; expected a force that is listed once",
        "second.csv, header: found no column RSex",
    ):
        assert told.count(part) == 1, (part, told)


def test_a_repeated_column_does_not_hide_wrong_codes(tmp_path, forces_path):
    path = formats.write_table(respondents(12).assign(RAge=99), tmp_path / "x.csv")
    path.write_text(path.read_text().replace("RSex,", "RAge,", 1))
    with pytest.raises(InputError) as caught:
        sources.read_survey(path, forces_path)
    told = str(caught.value)
    assert "found 'RAge' for columns 2 and 3" in told
    assert "no column RSex" in told
    assert "rows 1-12" in told


def test_a_date_that_does_not_exist_is_refused(tmp_path):
    forces = FORCES.assign(first_inspection=["2017-02-31", "2016", None, "2018-04-30"])
    with pytest.raises(InputError, match=r"row 1, column first_inspection: found '2017-02-31'"):
        sources.read_forces(formats.write_table(forces, tmp_path / "forces.csv"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "found an empty file"),
        (b"serial,question\ns001,AOB\n", "codes.csv, header: found no column theme"),
        (b"serial,question,theme\ns001,AOB,\xff\n", "expected text in UTF-8"),
        (
            b"serial,question,theme\ns001,AOB,x\ns01,AOB,x\n",
            "codes.csv, row 2, column serial: found 's01'; expected a respondent of this survey",
        ),
    ],
)
def test_a_broken_coding_is_refused(tmp_path, forces_path, content, told):
    survey = sources.read_survey(
        formats.write_table(respondents(12), tmp_path / "x.csv"), forces_path
    )
    path = tmp_path / "codes.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        sources.read_coding(path, survey)


def test_a_coding_may_come_in_any_format_and_leaves_blank_themes_out(tmp_path, forces_path):
    survey = sources.read_survey(
        formats.write_table(respondents(12), tmp_path / "x.csv"), forces_path
    )
    coded = pd.DataFrame(
        {"serial": ["s001", "s002"], "question": ["AOB", "AOB"], "theme": ["training", None]}
    )
    for suffix in formats.SUFFIXES:
        path = formats.write_table(coded, tmp_path / f"codes{suffix}")
        assert sources.read_coding(path, survey).to_dict("list") == {
            "serial": ["s001"],
            "question": ["AOB"],
            "theme": ["training"],
        }


def test_without_a_coding_the_synthetic_answers_have_theirs_and_real_ones_none(tmp_path):
    survey = sources.read_survey(paths.data("synthetic", "responses.csv"))
    named = sources.read_coding(paths.data("synthetic", "open_text_themes.csv"), survey)
    assert len(named) > 100
    pd.testing.assert_frame_equal(sources.read_coding(None, survey), named)
    assert sources.read_coding(None, dataclasses.replace(survey, data_kind="real")).empty


def test_waves_are_read_in_order_and_a_blank_second_wave_is_none(tmp_path, forces_path):
    path = formats.write_table(respondents(12), tmp_path / "x.csv")
    assert [s.wave for s in sources.read_waves([("2019", path), ("", "")], forces_path)] == ["2019"]
    both = sources.read_waves([("2019", path), ("2021-03", path)], forces_path)
    assert [s.wave for s in both] == ["2019", "2021-03"]
    with pytest.raises(InputError, match="a label of its own"):
        sources.read_waves([("2019", path), ("2019", path)], forces_path)


def test_real_and_synthetic_waves_are_not_compared(tmp_path):
    real = formats.write_table(
        respondents(12, force_codes=(1,), data_kind="").drop(columns="RForc"), tmp_path / "r.csv"
    )
    made = formats.write_table(respondents(12).drop(columns="RForc"), tmp_path / "s.csv")
    with pytest.raises(InputError, match="Real and synthetic waves cannot be compared"):
        sources.read_waves([("2019", real), ("2021-03", made)])


def test_the_real_force_table_is_complete_and_sourced():
    forces = sources.read_forces()
    assert forces["force"].tolist() == list(range(1, 44))
    options = BOOK.variables["RForc"].options
    assert forces["name"].tolist() == [options[code] for code in range(1, 44)]
    assert set(forces["data_kind"]) == {"public_record"}
    for column in ("publisher", "licence", "source", "confidence"):
        assert forces[column].notna().all()
    # Nothing was published about joint inspections in the sources at hand.
    assert forces["joint_inspection"].isna().all()


@pytest.mark.parametrize(
    ("row", "column", "value", "told"),
    [
        (1, "force", 101, "a force that is listed once"),
        (1, "force", None, "row 2, column force: found nothing"),
        (1, "force", 7, "expected a code from 101 to 143 for synthetic"),
        (1, "force", "1e2", "expected a code from 101 to 143"),
        (1, "name", "Alder", "a name that is listed once"),
        (1, "first_inspection", "March 2018", "found 'March 2018'; expected YYYY-MM-DD"),
        (1, "first_inspection", "2018-13", "found '2018-13'"),
        (1, "joint_inspection", "18-03", "column joint_inspection"),
        (1, "data_kind", "public_record", "found 'public_record' and 'synthetic'"),
        (1, "data_kind", None, "the same in every row"),
    ],
)
def test_a_broken_force_table_is_refused(tmp_path, row, column, value, told):
    forces = FORCES.astype(object)
    forces.loc[row, column] = value
    path = formats.write_table(forces, tmp_path / "forces.csv")
    with pytest.raises(InputError) as caught:
        sources.read_forces(path)
    assert told in str(caught.value)


def test_a_force_table_without_its_columns_names_them_all(tmp_path):
    path = formats.write_table(FORCES[["force", "first_inspection"]], tmp_path / "forces.csv")
    with pytest.raises(InputError) as caught:
        sources.read_forces(path)
    assert [problem.found for problem in caught.value.problems] == [
        "no column name",
        "no column joint_inspection",
        "no column data_kind",
    ]


def test_force_tables_may_be_workbooks_with_number_codes(tmp_path):
    forces = sources.read_forces(formats.write_table(FORCES, tmp_path / "forces.xlsx"))
    assert forces["force"].tolist() == [101, 102, 103, 104]
    assert forces["first_inspection"].tolist()[:2] == ["2015-06", "2018-03-12"]
    assert forces["first_inspection"].isna().tolist() == [False, False, True, False]


def figures(**changes: object) -> pd.DataFrame:
    row = dict.fromkeys(sources.PUBLISHED_COLUMNS, None) | {"id": "a", "value": "23", "base": "834"}
    return pd.DataFrame(
        [row, row | {"id": "b", "value": None, "base": None} | changes], dtype=object
    )


def test_published_figures_have_numbers_where_they_are_given(tmp_path):
    path = formats.write_table(figures(), tmp_path / "figures.csv")
    frame = sources.read_published_figures(path)
    assert list(frame.columns) == list(sources.PUBLISHED_COLUMNS)
    assert frame["value"].dtype == "float64"
    assert (frame["value"][0], frame["base"][0]) == (23, "834")
    assert frame["value"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"value": "a third"}, "row 2, column value: found 'a third'; expected a number"),
        ({"base": "84.5"}, "row 2, column base: found '84.5'; expected a whole number or a range"),
        ({"id": "a"}, "a id that is listed once"),
        ({"id": None}, "row 2, column id: found nothing"),
    ],
)
def test_published_figures_that_cannot_be_read_are_refused(tmp_path, changes, told):
    path = formats.write_table(figures(**changes), tmp_path / "figures.csv")
    with pytest.raises(InputError) as caught:
        sources.read_published_figures(path)
    assert told in str(caught.value)


def test_the_transcription_itself_can_be_read():
    frame = sources.read_published_figures()
    assert frame["id"].is_unique
    # Base of table C.2, appendix C of the evaluation report.
    assert "845-846" in set(frame["base"])
    known = frame["question"].dropna()
    grids = [*BOOK.grids(), "NCPI4"]  # whole grids and a display page, spoken of in words only
    assert [name for name in known.unique() if name not in [*BOOK.variables, *grids]] == []


# Of the 34 forces that answered, 25 had more than one response, 16 of them inspected and 9 not
# (evaluation report, appendix D, online survey).
def test_the_committed_synthetic_survey_has_the_published_size():
    survey = sources.read_survey(paths.data("synthetic", "responses.csv"))
    assert (len(survey), survey.data_kind, survey.has_force) == (856, "synthetic", True)
    known = survey.responses["RForc"].where(survey.responses["RForc"] != 44).dropna()
    sizes = known.value_counts()
    assert (len(sizes), int((sizes > 1).sum())) == (34, 25)


def test_option_texts_are_not_written_to_sav(tmp_path):
    with pytest.raises(InputError, match="write it with codes"):
        written(tmp_path, "x.sav", respondents(3), option_texts=True)
