"""themes by rules and which examples may be shown. All answers here are invented."""

from __future__ import annotations

import pandas as pd
import pytest

from ncpi_eval import paths, redaction
from ncpi_eval.errors import InputError
from ncpi_eval.survey import open_text

FORCES = ["Avon and Somerset", "Kent", "Greater Manchester", "Northbrook", "Devon & Cornwall"]


@pytest.fixture(scope="module")
def dictionary():
    table = pd.read_csv(paths.data("coding", "open_text_themes.csv"), dtype=str)
    return open_text.themes(table)


def small(*rows):
    columns = ["theme", "label", "questions", "terms", "unless", "include", "exclude"]
    filled = [(name, label, "", terms, unless, "", "") for name, label, terms, unless in rows]
    return pd.DataFrame(filled, columns=columns)


def given(dictionary, answer):
    coded = open_text.code(pd.Series([answer]), dictionary)
    return set(coded.columns[coded.iloc[0].to_numpy()])


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ("The form is long.", True),
        ("The FORM is long.", True),
        ("We were informed.", False),  # not inside a word
        ("The forms are long.", False),  # no asterisk, no other ending
        ("Recording takes long.", True),
        ("Multi-agency working", True),  # a hyphen is a space
        ("Information is shared with agencies", True),
        ("Information is poor. Agencies are slow.", False),  # two sentences
        ("A form of words", False),  # taken out by `unless`
        ("A form of words on a form", True),
    ],
)
def test_terms_are_words_endings_phrases_and_pairs(answer, fits):
    rules = small(
        ("t", "T", "form; record*; multi agency; information & agenc*", "form of words"),
    )
    assert ("t" in given(open_text.themes(rules), answer)) is fits


def test_nothing_is_only_the_whole_answer(dictionary):
    assert given(dictionary, " N/A. ") == {"nothing"}
    assert given(dictionary, "None") == {"nothing"}
    assert "nothing" not in given(dictionary, "Nothing is done about training")


def test_an_answer_that_no_rule_knows_is_unthemed(dictionary):
    assert given(dictionary, "Purple elephants") == {"unthemed"}


def test_blank_answers_are_nobodys():
    coded = open_text.code(pd.Series(["", None, "  ", "form"]), open_text.themes(small(
        ("t", "T", "form", ""))))  # fmt: skip
    assert list(coded.index) == [3]


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        (
            "FBPrac",
            "The MASH works well with social workers in one office",
            {"partnership_working"},
        ),
        ("FImp", "Refresher courses for response officers", {"training"}),
        ("FImp", "Niche hides family links so nobody sees siblings", {"systems_and_processes"}),
        ("FImp", "More staff needed, everyone is stretched", {"resources"}),
        ("FBPrac", "Officers speak to the child alone", {"voice_of_the_child"}),
        ("FBPrac", "A dedicated team for children", {"specialist_teams"}),
        (
            "FImp",
            "Training. Early signs of neglect are not seen.",
            {"training", "identifying_risk"},
        ),
        ("FImp", "Chief officers should set the priority", {"leadership"}),
        ("InfoAdd", "Knowing when I can use section 46", {"powers_and_legislation"}),
        ("InfoAdd", "Which agency does what", {"partner_agencies"}),
        ("InfoAdd", "The steps of a joint investigation with social care", {"internal_procedures"}),
        ("AOB", "The inspections were fair", {"inspection_experience"}),
        ("AOB", "Never heard of it", {"programme_awareness"}),
        ("AOB", "My inspector likes children", {"unthemed"}),
        ("FImp", "Staff need help with their mental health", {"unthemed"}),
    ],
)
def test_the_dictionary_on_plain_cases(dictionary, question, answer, expected):
    assert given(open_text.asked(dictionary, question), answer) == expected


def test_every_theme_can_be_given_and_explains_itself(dictionary):
    table = pd.read_csv(paths.data("coding", "open_text_themes.csv"), dtype=str)
    assert table["include"].notna().all() and table["exclude"].notna().all()
    assert set(table["questions"].dropna().str.split("|").sum()) <= set(open_text.QUESTIONS)
    for theme, terms in zip(dictionary, table["terms"], strict=True):
        words = terms.split(";")[0].replace("*", "").replace("&", "").strip()
        assert theme.fits(words), theme.name


def test_a_broken_dictionary_is_refused_with_all_that_is_wrong():
    rules = small(("a", "A", "form", ""), ("a", "B", " ; ", ""), ("", "C", "x", ""))
    with pytest.raises(InputError) as error:
        open_text.themes(rules)
    assert str(error.value).splitlines() == [
        "The theme dictionary cannot be used.",
        "  - row 2, theme: found 'a'; expected a name of its own. What to do: rename the theme",
        "  - row 2, terms: found nothing; expected one term or more. What to do: add terms",
        "  - row 3, theme: found nothing; expected a name of its own. What to do: rename the theme",
    ]
    with pytest.raises(InputError, match="row|header: found no such column; expected unless"):
        open_text.themes(rules.drop(columns="unless"))


# --- counts --------------------------------------------------------------------------------------


def survey():
    """Five wrote something: two on training, one of them on forms too, one on nothing known."""
    answers = ["Training", "training and the form", "form", "nothing known", "form", None, " "]
    responses = pd.DataFrame({"serial": list("abcdefg"), "FImp": answers})
    groups = pd.DataFrame(
        {
            "inspection_status": pd.Categorical(
                ["inspected"] * 3 + ["uninspected"] * 4, ["inspected", "uninspected"]
            ),
            "area": pd.Categorical(["custody"] * 7),
        }
    )
    rules = small(("training", "Training", "training", ""), ("recording", "Forms", "form", ""))
    return responses, groups, open_text.themes(rules)


def test_respondents_are_counted_once_in_each_theme():
    responses, groups, rules = survey()
    counts = open_text.theme_counts(
        responses, groups, rules, wave="2019", data_kind="synthetic", questions={"FImp": "Improve"}
    ).set_index("id")
    row = counts.loc["FImp.recording.all.all.2019"]
    assert (row["count"], row["denominator"], row["estimate"]) == (3, 5, 0.6)
    # Wilson for 3 of 5, Newcombe (1998) formula: 0.2307 to 0.8824.
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.2307, 0.8824), abs=5e-5)
    row = counts.loc["FImp.recording.inspection_status.inspected.2019"]
    assert (row["count"], row["denominator"]) == (2, 3)
    row = counts.loc["FImp.unthemed.inspection_status.uninspected.2019"]
    assert (row["count"], row["denominator"], row["label"]) == (1, 2, "No theme found")
    assert set(counts["unit"]) == {"respondents"} and set(counts["item"]) == {"Improve"}
    assert counts["caveat"].str.contains("Self-selected").all()
    assert counts.index.is_unique


def test_the_base_can_be_who_was_asked():
    responses, groups, rules = survey()
    was_asked = pd.Series([True] * 4 + [False, True, True])
    counts = open_text.theme_counts(
        responses,
        groups,
        rules,
        wave="2019",
        data_kind="synthetic",
        questions=["FImp"],
        of_asked={"FImp": was_asked},
    ).set_index("id")
    # Of the six asked, b and c name the form; e does, too, but was not asked.
    row = counts.loc["FImp.recording.all.all.2019"]
    assert (row["count"], row["denominator"]) == (2, 6)
    assert "were asked" in row["caveat"]


def test_a_missing_question_or_breakdown_is_left_out():
    responses, groups, rules = survey()
    counts = open_text.theme_counts(
        responses, groups[["area"]], rules, wave="2019", data_kind="synthetic"
    )
    assert set(counts["question"]) == {"FImp"}
    assert set(counts["subgroup_variable"]) == {"all", "area"}


def test_accuracy_by_hand():
    responses, _, rules = survey()
    coded = open_text.long(responses, rules, ["FImp", "AOB"])
    assert (
        coded.to_dict("list")["theme"] == ["training", "training", "recording"] + ["recording"] * 2
    )
    truth = pd.DataFrame(
        [("a", "FImp", "training"), ("b", "FImp", "training"), ("c", "FImp", "training"),
         ("d", "FImp", "powers"), ("e", "FImp", "recording")],
        columns=["serial", "question", "theme"],
    )  # fmt: skip
    found = open_text.accuracy(coded, truth).set_index("theme")
    # Training: 3 true, 2 found, both right. Forms: 1 true, 3 found, 1 right. Powers: never found.
    assert tuple(found.loc["training", ["true", "found", "both"]]) == (3, 2, 2)
    assert found.loc["training", "precision"] == 1 and found.loc["training", "recall"] == 2 / 3
    assert found.loc["recording", "precision"] == 1 / 3 and found.loc["recording", "recall"] == 1
    assert pd.isna(found.loc["powers", "precision"]) and found.loc["powers", "recall"] == 0
    assert tuple(found.loc["all", ["true", "found", "both"]]) == (5, 5, 3)


def test_the_rules_know_the_invented_answers(dictionary):
    responses = pd.read_csv(paths.data("synthetic", "responses.csv"), dtype=str)
    truth = pd.read_csv(paths.data("synthetic", "open_text_themes.csv"))
    found = open_text.accuracy(open_text.long(responses, dictionary), truth).set_index("theme")
    known = found.drop(index=["nothing"])
    # Far above chance, and loose enough for other phrases: see open_text.IN_SAMPLE.
    assert known["precision"].min() > 0.6 and known["recall"].min() > 0.7


def test_every_hidden_detail_in_the_invented_answers_is_redacted():
    responses = pd.read_csv(paths.data("synthetic", "responses.csv"), dtype=str)
    truth = pd.read_csv(paths.data("synthetic", "open_text_themes.csv"))
    forces = pd.read_csv(paths.data("synthetic", "forces.csv"))["name"]
    mark = {"telephone": "telephone", "email": "e-mail", "collar_number": "number",
            "force_name": "force"}  # fmt: skip
    hidden = truth.dropna(subset=["trap"])
    assert len(hidden) > 0
    answers = responses.set_index("serial")
    for serial, question, trap in hidden[["serial", "question", "trap"]].to_numpy():
        assert f"[{mark[trap]}]" in redaction.redact(answers.loc[serial, question], forces)


# --- examples ------------------------------------------------------------------------------------


def answered(forces, area="custody", status="inspected", text=None):
    """One respondent per force, each with a sentence of their own."""
    texts = text or [
        f"More training on children in custody, point {n}." for n in range(len(forces))
    ]
    responses = pd.DataFrame(
        {"RForc": pd.array(forces, dtype="Int16"), "FImp": pd.array(texts, dtype="string")}
    )
    groups = pd.DataFrame(
        {
            "area": pd.Categorical([area] * len(forces)),
            "inspection_status": pd.Categorical([status] * len(forces)),
        }
    )
    return responses, groups


def shown(responses, groups, dictionary, data_kind="synthetic", **options):
    table = open_text.examples(
        responses, groups, dictionary, forces=FORCES, wave="2019", data_kind=data_kind, **options
    )
    return table[table["response"] == "training"]


@pytest.mark.parametrize(("forces", "withheld"), [([1, 1, 2], True), ([1, 2, 3], False)])
def test_an_example_needs_three_forces_behind_its_description(dictionary, forces, withheld):
    rows = shown(*answered(forces), dictionary)
    assert rows["suppressed"].all() == withheld and rows["example"].isna().all() == withheld
    assert rows["subgroup"].isna().all() == withheld
    if not withheld:
        assert set(rows["subgroup"]) == {"custody_inspected"} and len(rows) == 2


def test_without_forces_nothing_is_shown(dictionary):
    responses, groups = answered([1, 2, 3])
    assert shown(responses.drop(columns="RForc"), groups, dictionary)["suppressed"].all()
    responses["RForc"] = pd.array([pd.NA] * 3, dtype="Int16")
    assert shown(responses, groups, dictionary)["suppressed"].all()


def test_examples_are_redacted_first_and_then_cut_into_sentences(dictionary):
    text = [
        "Training by Mrs Smith of Kent is good. Call her on 07700 900123 for more.",
        "More refresher training for new officers\nand longer forms",
        "Short training.",
    ]
    rows = shown(*answered([1, 2, 3], text=text), dictionary, each=5)
    assert list(rows["example"]) == [
        "More refresher training for new officers.",
        "Training by [name] of [force] is good.",
    ]


def test_the_same_sentence_is_shown_once_and_the_order_does_not_matter(dictionary):
    text = ["More training for everybody please."] * 3 + ["Training should be yearly for all."]
    responses, groups = answered([1, 2, 3, 4], text=text)
    rows = shown(responses, groups, dictionary, each=5)
    back = shown(responses.iloc[::-1], groups.iloc[::-1], dictionary, each=5)
    assert len(rows) == 2 and list(rows["example"]) == list(back["example"])


def test_real_answers_ask_for_a_reader(dictionary):
    assert shown(*answered([1, 2, 3]), dictionary, data_kind="real")["needs_reading"].all()
    assert not shown(*answered([1, 2, 3]), dictionary)["needs_reading"].any()
