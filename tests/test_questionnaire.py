"""The codebook agrees with the published specification, and a broken one is refused in full."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from ncpi_eval import paths, questionnaire
from ncpi_eval.errors import InputError


@pytest.fixture(scope="module")
def book() -> questionnaire.Questionnaire:
    return questionnaire.load()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(paths.data("questionnaire"), tmp_path / "questionnaire"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def add(path: Path, row: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as stream:
        stream.write(row + "\n")


# Counted by hand in the questionnaire specification, appendix D of the evaluation report.
PUBLISHED_NUMBER_OF_OPTIONS = {
    "RAge": 7,
    "RSex": 4,
    "REth": 9,
    "RForc": 44,
    "RServ": 6,
    "RRank": 11,
    "RArea": 5,
    "NCPIInsp": 5,
    "NCPIAware": 9,
    "NCPIAims": 7,
    "TrainFre_1": 6,
    "TrainFre_4": 6,
    "TrainHelp": 7,
    "Info": 5,
    "InfoAdd_code": 2,
    "DecConf": 7,
    "DecSupp": 7,
    "FEff": 6,
    "TrainEqu_2": 7,
    "FSyst_4": 7,
    "FLis": 7,
    "LeEv": 5,
    "LeEvHelp": 7,
    "LeEvInt": 4,
    "NCPIimp": 5,
    "AOB_code": 2,
}


@pytest.mark.parametrize(("name", "number"), PUBLISHED_NUMBER_OF_OPTIONS.items())
def test_options_are_numbered_as_published_and_end_with_prefer_not_to_say(book, name, number):
    options = book.variables[name].options
    assert list(options) == list(range(1, number + 1))
    assert options[number] == "Prefer not to say"
    assert book.variables[name].missing_codes == (number,)


def test_codes_that_a_reader_can_check_in_appendix_d(book):
    forces = book.variables["RForc"].options
    assert (forces[1], forces[15], forces[25], forces[43]) == (
        "Avon and Somerset",
        "Gwent",
        "MPS",
        "Wiltshire",
    )
    assert book.variables["NCPIAware"].options[6] == "I was unaware of the NCPI before this survey"
    assert book.variables["TrainFre_1"].options[4] == "I have not received training in this area"


def test_questions_to_tabulate_leave_out_background_force_and_text(book):
    names = [variable.name for variable in book.questions()]
    assert names[:4] == ["NCPIInsp", "NCPIAware", "NCPIAims", "TrainFre_1"]
    assert "TrainAny" in names
    assert not {"RForc", "RAge", "AOB", "AOB_code", "serial"} & set(names)
    assert len(names) == 24
    background = [variable.name for variable in book.questions(background=True)]
    assert background == ["RAge", "RSex", "REth", "RServ", "RRank", "RArea"]


def test_response_sets_are_every_code_in_the_base_then_the_nets(book):
    sets = book.response_sets("DecConf")
    assert [codes for codes, _ in sets] == ["1", "2", "3", "4", "5", "6", "1|2", "4|5", "3|6"]
    assert dict(sets)["1|2"] == "Confident"
    assert dict(book.response_sets("NCPIAware"))["1|2|3|4|5|7|8"].startswith("Aware")
    assert dict(book.response_sets("TrainFre_2"))["1|2|3|5"] == "Anything but never trained"
    assert (
        book.response_label("DecConf", "1|3")
        == "Very confident or Neither confident nor unconfident"
    )


@pytest.mark.parametrize("response", ["", "0", "1|", "1|9", "a", "-1"])
def test_a_response_that_is_no_set_of_codes_is_refused(book, response):
    with pytest.raises(InputError, match="is not a set of codes of DecConf"):
        book.response_label("DecConf", response)


def test_routing_as_specified(book):
    frame = pd.DataFrame(
        {
            "NCPIAware": pd.array([1, 6, 8, 9, pd.NA], dtype="Int16"),
            "LeEv": pd.array([1, 2, 4, 5, pd.NA], dtype="Int16"),
            "Info": pd.array([1, 2, 4, 5, pd.NA], dtype="Int16"),
        }
    )
    assert book.asked("NCPIAims", frame).tolist() == [True, False, True, True, True]
    assert book.asked("LeEvHelp", frame).tolist() == [True, False, False, False, False]
    assert book.asked("InfoAdd", frame).tolist() == [False, True, True, True, True]
    assert book.asked("TrainHelp", frame).all()
    assert book.asked_of("NCPIAims") == (
        "those whose NCPIAware is not 6 (I was unaware of the NCPI before this survey)"
    )


def test_groups_and_their_rules(book):
    assert list(book.groups["inspection_timing"].categories) == [
        "before_2017",
        "from_2017",
        "uninspected",
    ]
    assert book.groups["service"].rule == (
        "up_to_5_years: RServ in 1|2|3; over_5_years: RServ in 4|5"
    )
    assert list(book.groups["status_by_area"].categories)[:2] == [
        "custody_inspected",
        "custody_uninspected",
    ]


def test_dictionary_has_a_row_for_every_variable(book):
    dictionary = book.dictionary().set_index("variable")
    assert list(dictionary.index) == list(book.variables)
    assert dictionary.loc["TrainFre_1", "groups"] == "training_recency, trained"
    assert "inspection_status" in dictionary.loc["RForc", "groups"]
    assert dictionary.loc["FLis", "missing_rule"] == "unanswered and code 7 leave the base"
    assert len(book.group_dictionary()) == sum(len(g.categories) for g in book.groups.values())


def test_opening_of_a_wave(book):
    assert book.opening("2019") == "2019-02"
    assert book.opening("2021-03") == "2021-03"
    with pytest.raises(InputError, match="add a row to data/questionnaire/waves.csv"):
        book.opening("second")


def test_a_question_a_net_and_a_group_are_added_by_adding_rows(folder):
    add(folder / "variables.csv", "Shift,Shift worked,single,background,shift,no,no,,,,,,")
    for row in ("shift,1,Day,answer", "shift,2,Night,answer", "shift,3,Prefer not to say,missing"):
        add(folder / "options.csv", row)
    add(folder / "response_sets.csv", "Shift,1|2,Any shift")
    add(folder / "groups.csv", "shift,Shift,breakdown,night,Night,Shift in 2")
    book = questionnaire.load(folder)
    assert book.response_sets("Shift") == [("1", "Day"), ("2", "Night"), ("1|2", "Any shift")]
    assert book.groups["shift"].categories == {"night": "Night"}


def test_a_user_missing_code_of_spss_is_added_as_a_row_and_leaves_the_base(folder):
    add(folder / "options.csv", "age,-9,Not answered,missing")
    book = questionnaire.load(folder)
    assert book.variables["RAge"].missing_codes == (7, -9)
    assert "-9" not in dict(book.response_sets("RAge"))
    add(folder / "options.csv", "age,-8,Old,answer")
    with pytest.raises(InputError, match="missing, for a code below 1"):
        questionnaire.load(folder)


BROKEN = {
    "duplicate variable": (
        "variables.csv",
        "Shift,x,open,a,,no,no,,,,,,\nShift,x,open,a,,no,no,,,,,,",
        "listed once",
    ),
    "unknown kind": ("variables.csv", "Shift,x,shut,a,,no,no,,,,,,", "one of serial, single"),
    "unknown option set": ("variables.csv", "Shift,x,single,a,none,no,no,,,,,,", "'none'"),
    "unknown parent": ("variables.csv", "Shift,x,open,a,,no,no,,,None,,,", "column parent"),
    "unknown routing": ("variables.csv", "Shift,x,open,a,,no,no,,,,RAgeX,in,1", "RAgeX in 1"),
    "unknown routing code": ("variables.csv", "Shift,x,open,a,,no,no,,,,RAge,in,88", "'88'"),
    "unknown operator": (
        "variables.csv",
        "Shift,x,open,a,,no,no,,,,RAge,is,1",
        "one of in, not_in",
    ),
    "second serial": (
        "variables.csv",
        "Shift,x,serial,a,,no,no,,,,,,",
        "2 variables of kind serial",
    ),
    "bad name": ("variables.csv", "1a,x,open,a,,no,no,,,,,,", "letters, digits and _"),
    "duplicate code": ("options.csv", "age,1,Old,answer", "a code used once in age"),
    "duplicate label": ("options.csv", "age,8,18-24,answer", "a label used once in age"),
    "bad code": ("options.csv", "age,x,Old,answer", "a whole number"),
    "bad role": ("options.csv", "age,8,Old,thing", "one of answer, other"),
    "unknown net": ("response_sets.csv", "ageing,1|2,Young", "an option set or a closed question"),
    "unknown net code": ("response_sets.csv", "age,1|20,Young", "'20'"),
    "net of one code": ("response_sets.csv", "age,1,Young", "two or more codes"),
    "rule that cannot be read": (
        "groups.csv",
        "g,G,breakdown,a,A,RAge = 1",
        "conditions joined by",
    ),
    "rule with an unknown name": ("groups.csv", "g,G,breakdown,a,A,Nobody in 1", "Nobody in 1"),
    "rule with a later group": (
        "groups.csv",
        "g,G,breakdown,a,A,h in b\nh,H,breakdown,b,B,RAge in 1",
        "h in b",
    ),
    "rule with an unknown date": (
        "groups.csv",
        "g,G,breakdown,a,A,force.x before opening",
        "force.x",
    ),
    "rule with a bad month": (
        "groups.csv",
        "g,G,breakdown,a,A,force.first_inspection before 2019",
        "'2019'",
    ),
    "unknown use": ("groups.csv", "g,G,somehow,a,A,RAge in 1", "one of breakdown, base"),
    "duplicate category": (
        "groups.csv",
        "service,Length of police service,breakdown,over_5_years,x,RServ in 1",
        "used once in service",
    ),
    "derived without question": ("derived.csv", "RAge,1,any TrainFre in 1", "one of TrainAny"),
    "duplicate derived code": (
        "derived.csv",
        "TrainAny,1,any TrainFre in 1",
        "one rule for each code",
    ),
    "bad wave": ("waves.csv", "2020,February,x", "a month YYYY-MM"),
    "missing cell": ("waves.csv", "2020,2020-02", "too few or too many cells"),
}


@pytest.mark.parametrize(("file", "row", "told"), BROKEN.values(), ids=BROKEN)
def test_a_broken_codebook_is_refused(folder, file, row, told):
    add(folder / file, row)
    with pytest.raises(InputError) as caught:
        questionnaire.load(folder)
    assert told in str(caught.value)
    assert file in str(caught.value)


def test_everything_wrong_with_a_codebook_is_listed_at_once(folder):
    replace(folder / "options.csv", "age,1,18-24,answer", "age,one,18-24,answer")
    replace(folder / "groups.csv", "RServ in 4|5", "RServ in 4|50")
    replace(folder / "variables.csv", "RSex,Sex,single", "RSex,Sex,double")
    with pytest.raises(InputError) as caught:
        questionnaire.load(folder)
    assert [problem.place for problem in caught.value.problems] == [
        "options.csv, row 1, column code",
        "variables.csv, row 3, column kind",
        "variables.csv, row 3, column options",
        "groups.csv, row 11, column rule",
    ]


def test_a_missing_file_and_a_missing_column_are_named(folder):
    (folder / "options.csv").unlink()
    replace(folder / "waves.csv", "opening", "open")
    with pytest.raises(
        InputError, match=r"options.csv: found no such file(.|\n)*wave, open, label"
    ):
        questionnaire.load(folder)
