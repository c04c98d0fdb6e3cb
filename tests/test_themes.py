"""Open answers by theme: people before rules, the right base, and nothing of theirs lost."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from helpers_survey import BOOK

from ncpi_eval import paths, results, sources
from ncpi_eval.errors import InputError
from ncpi_eval.survey import open_text, quotations, themes

DICTIONARY = open_text.themes(
    pd.DataFrame(
        [
            ("partners", "Partner agencies", "InfoAdd", "partner*"),
            ("training", "Training", "FImp|InfoAdd", "training"),
            ("forms", "Forms", "FImp|FBPrac", "form*"),
        ],
        columns=["theme", "label", "questions", "terms"],
    ).assign(unless="", include="", exclude="")
)
NOBODY = pd.DataFrame(columns=["serial", "question", "theme"])

# Six respondents: a to d lack information (Info 2, 3, 4, 2), e has it all, f did not say.
INFO = [2, 3, 4, 2, 1, pd.NA]
WANTED = ["partners", "training", None, " ", "our partners", None]
IMPROVE = ["forms", "more training", None, None, "something else", "forms and training"]


def survey(data_kind="synthetic"):
    responses = pd.DataFrame(
        {
            "serial": list("abcdef"),
            "InfoAdd": WANTED,
            "FImp": IMPROVE,
            "RForc": pd.array([101, 102, 103, 101, 102, 103], dtype="Int16"),
        }
    )
    lacking = [{1: "has_all", 2: "not_all", 3: "not_all", 4: "not_all"}.get(code) for code in INFO]
    groups = pd.DataFrame(
        {
            "information": pd.Categorical(lacking, ["has_all", "not_all"]),
            "inspection_status": pd.Categorical(["inspected"] * 3 + ["uninspected"] * 3),
            "area": pd.Categorical(["custody"] * 6),
        }
    )
    return SimpleNamespace(
        responses=responses,
        groups=groups,
        questionnaire=BOOK,
        wave="2019",
        data_kind=data_kind,
        forces=pd.DataFrame({"name": ["Alder", "Birch", "Cedar"]}),
    )


def coding(*rows):
    return pd.DataFrame(rows, columns=["serial", "question", "theme"])


def cell(frame, question, theme, group="all"):
    row = frame[
        (frame["question"] == question)
        & (frame["response"] == theme)
        & (frame["subgroup"] == group)
    ].iloc[0]
    return row["count"], row["denominator"]


# --- who gave the themes -------------------------------------------------------------------------


def test_rules_propose_themes_where_nobody_has_coded():
    frame = themes.estimates(survey(), DICTIONARY, NOBODY)
    # Four wrote what to improve: two name forms, two training, one something else.
    assert cell(frame, "FImp", "forms") == (2, 4)
    assert cell(frame, "FImp", "unthemed") == (1, 4)
    assert cell(frame, "FImp", "forms", "uninspected") == (1, 2)
    assert set(frame["method"]) == {open_text.METHOD}
    assert themes.coded_by(NOBODY) == themes.BY_RULES
    assert set(frame["unit"]) == {"respondents"} and not frame["suppressed"].any()
    assert frame["id"].is_unique
    results.check("open_text_themes", frame)


def test_what_people_gave_goes_before_what_rules_find():
    # A person says that a's answer is about training, and e's, where no rule fits, about forms.
    given = coding(("a", "FImp", "training"), ("b", "FImp", "training"), ("e", "FImp", "forms"),
                   ("a", "InfoAdd", "partners"))  # fmt: skip
    frame = themes.estimates(survey(), DICTIONARY, given)
    assert cell(frame, "FImp", "training") == (2, 4)
    assert cell(frame, "FImp", "forms") == (1, 4)
    # f wrote, was read, and was given no theme.
    assert cell(frame, "FImp", "unthemed") == (1, 4)
    assert set(frame["method"]) == {open_text.METHOD_OF_PEOPLE}


def test_a_question_that_nobody_coded_is_left_to_the_rules_and_said_so():
    given = coding(("a", "FImp", "training"))
    frame = themes.estimates(survey(), DICTIONARY, given)
    assert cell(frame, "InfoAdd", "partners") == (2, 3)
    by_question = frame.groupby("question")["method"].unique().map(list).to_dict()
    assert by_question == {
        "FImp": [open_text.METHOD_OF_PEOPLE],
        "InfoAdd": [open_text.METHOD],
    }
    assert themes.coded_by(given) == (
        "Themes of FImp were given by people who read the answers. Nobody has coded FBPrac, "
        "InfoAdd, AOB yet: their themes are proposed by rules, and a person should check them "
        "before they are used."
    )
    every = coding(*(("a", question, "training") for question in themes.QUESTIONS))
    assert themes.coded_by(every) == themes.BY_PEOPLE


def test_themes_that_no_count_would_hold_are_refused_all_at_once():
    given = coding(
        ("a", "FImp", "cars"),
        ("b", "FImp", "cars"),
        ("a", "FImp", "partners"),
        ("a", "FImprove", "forms"),
        ("c", "FImp", "forms"),
        ("d", "InfoAdd", "partners"),
    )
    for made in (themes.estimates, themes.rule_accuracy):
        with pytest.raises(InputError) as error:
            made(survey(), DICTIONARY, given)
        assert str(error.value).splitlines() == [
            "Themes that people gave would not be counted.",
            "  - FImp, theme cars: found 2 rows; expected a theme that the dictionary has for this "
            "question. What to do: Add the theme to the dictionary, or correct its name.",
            "  - FImp, theme partners: found 1 rows; expected a theme that the dictionary has for "
            "this question. What to do: Add the theme to the dictionary, or correct its name.",
            "  - question FImprove: found 1 rows; expected FImp or InfoAdd. What to do: Correct "
            "the name.",
            "  - FImp: found 1 respondents who wrote nothing, such as c; expected respondents who "
            "wrote something. What to do: Correct the serial or the question.",
            "  - InfoAdd: found 1 respondents who wrote nothing, such as d; expected respondents "
            "who wrote something. What to do: Correct the serial or the question.",
        ]


# --- the base of those lacking information -------------------------------------------------------


def test_information_wanted_is_counted_among_those_who_lack_some():
    frame = themes.estimates(survey(), DICTIONARY, NOBODY)
    # Info 2, 3 or 4: a, b, c and d, of whom only a names partners. e does too, but has it all.
    assert cell(frame, "InfoAdd", "partners", "not_all") == (1, 4)
    assert cell(frame, "InfoAdd", "training", "not_all") == (1, 4)
    # Among those who wrote something, e counts.
    assert cell(frame, "InfoAdd", "partners") == (2, 3)
    row = frame[frame["id"] == "InfoAdd.partners.information.not_all.2019"].iloc[0]
    assert row["estimate"] == 0.25
    # Wilson for 1 of 4: 0.0456 to 0.6994 (Newcombe's method 3; statsmodels gives the same).
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.0456, 0.6994), abs=5e-5)
    assert row["subgroup_variable"] == "information"
    assert row["group"] == BOOK.groups["information"].categories["not_all"]
    assert "were asked" in row["caveat"]
    everybody = frame[frame["id"] == "InfoAdd.partners.all.all.2019"].iloc[0]
    assert "who wrote something" in everybody["caveat"]
    assert everybody["group"] == "All who wrote something"


def test_the_group_of_those_lacking_is_info_2_3_or_4(committed):
    made, _, _ = committed
    lacking = made.groups["information"] == "not_all"
    assert lacking.equals(made.responses["Info"].isin([2, 3, 4]).fillna(False).astype(bool))


def test_without_the_question_there_is_no_base():
    made = survey()
    made.responses = made.responses.drop(columns="InfoAdd")
    frame = themes.estimates(made, DICTIONARY, NOBODY)
    assert set(frame["question"]) == {"FImp"}


# --- rules against people ------------------------------------------------------------------------


def test_rules_are_held_against_people_in_the_questions_they_coded():
    given = coding(("a", "FImp", "forms"), ("b", "FImp", "forms"), ("f", "FImp", "training"))
    frame = themes.rule_accuracy(survey(), DICTIONARY, given).set_index("id")
    # Forms: people a and b, rules a and f. The answers on information were not coded and stay out.
    row = frame.loc["rules.forms.2019"]
    assert (row["true"], row["found"], row["both"]) == (2, 2, 1)
    assert (row["precision"], row["recall"]) == (0.5, 0.5)
    assert "rules.partners.2019" not in frame.index
    assert frame.loc["rules.all.2019", "item"] == "All themes"
    assert tuple(frame.loc["rules.all.2019", ["true", "found", "both"]]) == (3, 4, 2)
    assert set(frame["unit"]) == {"answers"} and row["item"] == "Forms"


def test_where_nobody_coded_there_is_nothing_to_hold_the_rules_against():
    frame = themes.rule_accuracy(survey(), DICTIONARY, NOBODY)
    assert frame.empty and {"id", "item", "unit", "data_kind"} <= set(frame.columns)


# --- examples ------------------------------------------------------------------------------------


def talkative(data_kind):
    """Three forces describe the same kind of officer, so that examples may be shown."""
    made = survey(data_kind)
    made.responses["FImp"] = [f"The forms take {word} too long to fill in." for word in
                              ("far", "much", "quite", "often", "always", "just")]  # fmt: skip
    made.groups["inspection_status"] = pd.Categorical(["inspected"] * 6)
    return made


def test_invented_examples_are_shown_with_who_wrote_them():
    frame = themes.released_examples(talkative("synthetic"), DICTIONARY)
    assert len(frame) == 2 and frame["example"].str.startswith("The forms take").all()
    assert set(frame["group"]) == {"Custody, inspected"}
    assert not frame["needs_reading"].any() and not frame["suppressed"].any()


@pytest.mark.parametrize("data_kind", ["real", "unknown"])
def test_real_examples_are_never_shown_before_somebody_has_read_them(data_kind):
    frame = themes.released_examples(talkative(data_kind), DICTIONARY)
    assert frame.empty and "example" in frame


def decided(frame, word, number=0):
    return {open_text.digest(frame["example"].iloc[number]): word}


def test_real_examples_are_shown_when_a_reader_released_these_words():
    real = talkative("real")
    asked_for = themes.candidates(real, DICTIONARY)
    assert len(asked_for) == 2 and asked_for["needs_reading"].all()
    frame = themes.released_examples(real, DICTIONARY, decided(asked_for, "release", 1))
    assert frame["example"].tolist() == [asked_for["example"].iloc[1]]
    assert not frame["needs_reading"].any()
    # A decision is of these words: other words need another reader.
    other = {open_text.digest(asked_for["example"].iloc[0] + " "): "release"}
    assert themes.released_examples(real, DICTIONARY, other).empty


def test_what_a_reader_refused_is_not_chosen_again():
    real = talkative("real")
    first = themes.candidates(real, DICTIONARY)
    again = themes.candidates(real, DICTIONARY, decided(first, "refuse"))
    assert first["example"].iloc[0] not in set(again["example"])
    assert len(again) == 2


def test_invented_examples_need_a_reader_when_they_are_protected(monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_PROTECT_SYNTHETIC", "1")
    assert themes.released_examples(talkative("synthetic"), DICTIONARY).empty


@pytest.mark.parametrize("forces, withheld", [(2, True), (3, False), (4, False)])
def test_a_released_example_needs_three_forces_of_its_kind(forces, withheld):
    real = talkative("real")
    real.responses["RForc"] = pd.array([101 + n % forces for n in range(6)], dtype="Int16")
    everything = {
        open_text.digest(text): "release" for text in real.responses["FImp"].str.rstrip(".")
    } | {open_text.digest(text): "release" for text in real.responses["FImp"]}
    assert themes.released_examples(real, DICTIONARY, everything).empty == withheld


def test_readers_get_what_needs_reading_with_its_hash(tmp_path, capsys):
    frame = pd.read_csv("data/synthetic/responses.csv", dtype=str, keep_default_na=False)
    file, survey_file = tmp_path / "read.csv", tmp_path / "survey.csv"
    # Codes of invented forces are those of real ones and 100.
    frame["RForc"] = frame["RForc"].map(lambda code: str(int(code) % 100) if code else "")
    frame.drop(columns="data_kind").to_csv(survey_file, index=False)
    given = [str(file), "--survey", str(survey_file)]
    assert quotations.main(given) == 0
    read = pd.read_csv(file, dtype=str, keep_default_na=False)
    assert len(read) > 20 and capsys.readouterr().out == f"{len(read)} examples to read.\n"
    assert read["sha256"].tolist() == [open_text.digest(text) for text in read["example"]]
    assert read["decision"].eq("").all()
    inside = str(paths.ROOT / "outputs" / "read.csv")
    assert quotations.main([inside, *given[1:]]) == 1
    assert "stay out of the repository" in capsys.readouterr().err


def test_decisions_on_quotations_are_refused_with_all_that_is_wrong(tmp_path):
    path = tmp_path / "quotations.csv"
    path.write_text("sha256,decision,by,date,reason\nabc,maybe,,soon,\n")
    with pytest.raises(InputError) as refused:
        sources.read_quotations(path)
    said = str(refused.value)
    assert "row 2, sha256: found 'abc'; expected 64 hexadecimal digits" in said
    assert "row 2, decision: found 'maybe'; expected release or refuse" in said
    assert "row 2, by: found nothing" in said and "row 2, date: found 'soon'" in said
    path.write_text("sha256,decision,by,date,reason,example\n")
    with pytest.raises(InputError, match="the column example; expected hashes and no answers"):
        sources.read_quotations(path)
    assert sources.read_quotations(tmp_path / "none.csv") == {}


def test_an_example_that_describes_one_force_is_withheld():
    made = talkative("synthetic")
    made.responses["RForc"] = pd.array([101] * 6, dtype="Int16")
    assert themes.released_examples(made, DICTIONARY).empty


# --- the committed survey ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def committed():
    made = sources.read_survey("data/synthetic/responses.csv")
    given = sources.read_coding("data/synthetic/open_text_themes.csv", made)
    return made, open_text.themes(sources.read_themes()), given


def test_the_committed_coding_is_counted_to_the_last_row(committed):
    made, dictionary, given = committed
    frame = themes.estimates(made, dictionary, given)
    total = frame[(frame["subgroup_variable"] == "all") & (frame["response"] != "unthemed")]
    counted = total.groupby("question")["count"].sum().to_dict()
    pairs = given.drop_duplicates(["serial", "question", "theme"])
    assert counted == pairs["question"].value_counts().to_dict()


def test_no_committed_count_is_of_somebody_outside_its_base(committed):
    frame = themes.estimates(*committed)
    assert (frame["count"] <= frame["denominator"]).all()
    # Published: 38% of those without all the information name partner agencies.
    row = frame[frame["id"] == "InfoAdd.partner_agencies.information.not_all.2019"].iloc[0]
    assert results.shown(row) == "38%"


def test_the_committed_survey_called_real_shows_no_example(committed):
    made, dictionary, _ = committed
    assert len(themes.released_examples(made, dictionary)) > 0
    assert themes.released_examples(replace(made, data_kind="real"), dictionary).empty
