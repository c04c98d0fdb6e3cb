"""Rounds of coding, the machine's proposals, and the invented coders that exercise them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from ncpi_eval import paths
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import coding, coding_round, proposals
from ncpi_eval.synthesis_documents import coders

SYNTHETIC = paths.data("synthetic", "coding")
FRAME = coding_round.read_frame()
WEAK = "inspection.police_detention.area_for_improvement"
GOOD = "inspection.police_detention.good_practice"
ADVICE = "inspection.initial_contact.recommendation"


def sent(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    made = [
        (name, "a.html", f"{chapter}, page 1", text, "synthetic", chapter, reading)
        for name, text, chapter, reading in rows
    ]
    return pd.DataFrame(made, columns=list(coding_round.SENT_COLUMNS))


EXTRACTS = sent(
    ("e1", "Children wait too long for an appropriate adult", "police_detention", "critical"),
    ("e2", "=A nurse sees each detained child", "police_detention", "positive"),
    ("e3", "We recommend that the force changes its first calls", "initial_contact", "positive"),
)


@pytest.fixture(scope="module")
def given() -> coding_round.Round:
    return coding_round.read(SYNTHETIC, FRAME)


def answer(path: Path, *codes: str) -> None:
    book = openpyxl.load_workbook(path)
    for number, code in enumerate(codes, 2):
        book["Coding"].cell(number, 6).value = code or None
    book.save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A round of three extracts that two people coded, taken over."""
    coding_round.write(
        tmp_path, EXTRACTS, FRAME, scheme="inspection", coders=["Ann", "Ben"], sent_on="2026-01-02"
    )
    answer(tmp_path / "Ann.xlsx", WEAK, GOOD, ADVICE)
    answer(tmp_path / "Ben.xlsx", WEAK, WEAK, "")
    about = tmp_path / coding_round.ROUND
    text = about.read_text().replace('taken_over_on = ""', 'taken_over_on = "2026-02-03"')
    about.write_text(text)
    return tmp_path


# ---------------------------------------------------------------------------------------------
# A round


def test_a_round_is_read_decided_locked_and_held(folder: Path) -> None:
    one = coding_round.read(folder, FRAME)
    assert one.extracts["text"].tolist() == EXTRACTS["text"].tolist()  # "=" is text, out and in
    steps = coding_round.progress(one, FRAME).set_index("step")["count"]
    assert steps.to_dict() == {
        "sent out": 3,
        "coded by two coders or more": 2,
        "coded by one coder only": 1,
        "coded by nobody": 0,
        "coders agree": 1,
        "coders differ, decided": 0,
        "coders differ, open": 1,
        "locked": 0,
    }
    with pytest.raises(InputError, match="a conflict that is open"):
        coding_round.lock(folder, FRAME, by="Cat", on="2026-03-01")
    assert not (folder / coding_round.LOCKED).exists()
    decision = pd.DataFrame(
        [("e2", GOOD, "Cat", "2026-02-10", "praise")], columns=list(coding.DECISION_COLUMNS)
    )
    coding_round.write_table(folder / coding_round.DECISIONS, decision)
    assert coding_round.lock(folder, FRAME, by="Cat", on="2026-03-01") == 3
    one = coding_round.read(folder, FRAME)
    final = coding_round.final(one).set_index("extract")
    assert final["code"].to_dict() == {"e1": WEAK, "e2": GOOD, "e3": ADVICE}
    assert final["basis"].to_dict() == {
        "e1": "agreed by 2 coders",
        "e2": "reconciled",
        "e3": "one coder only",
    }
    assert set(final["locked"]) == {"yes"}
    with pytest.raises(InputError, match="This round is locked"):
        coding_round.lock(folder, FRAME, by="Cat", on="2026-03-01")
    # A sheet that is changed after the lock is found
    answer(folder / "Ann.xlsx", GOOD, GOOD, ADVICE)
    answer(folder / "Ben.xlsx", GOOD, WEAK, "")
    with pytest.raises(InputError, match="Locked codes were changed outside the trail"):
        coding_round.read(folder, FRAME)


def test_a_round_without_day_sheet_or_coder_is_refused(folder: Path) -> None:
    about = folder / coding_round.ROUND
    about.write_text(about.read_text().replace("2026-02-03", ""))
    (folder / "Ben.xlsx").rename(folder / "Dan.xlsx")
    with pytest.raises(InputError) as caught:
        coding_round.read(folder, FRAME)
    assert [(problem.place, problem.found) for problem in caught.value.problems] == [
        ("round.toml, taken_over_on", "nothing"),
        ("Ben.xlsx", "no such file"),
        ("Dan.xlsx", "a sheet of nobody"),
    ]
    with pytest.raises(InputError, match="no round of coding"):
        coding_round.read(folder / "elsewhere", FRAME)
    with pytest.raises(InputError, match="Name each coder once"):
        coding_round.write(
            folder, EXTRACTS, FRAME, scheme="inspection", coders=["../x"], sent_on="2026-01-01"
        )


def test_extracts_are_made_once_of_reports_only() -> None:
    criteria = {"initial_contact": "Initial contact"}
    documents = pd.DataFrame(
        [("a b.html", "inspection", "X", ""), ("n.html", "press_release", "X", "")],
        columns=["document", "kind", "force", "problems"],
    )
    advice = pd.DataFrame(
        [("a b.html", "Do it.", "initial_contact", "made", "p9..p10", "synthetic")],
        columns=["document", "text_span", "criterion", "origin", "anchor", "data_kind"],
    )
    findings = pd.DataFrame(
        [
            ("a b.html", "Calls wait", "critical", "initial_contact", "p10", "page 2", "synthetic"),
            ("a b.html", "Calls wait", "critical", "", "p2", "page 1", "synthetic"),
            ("a b.html", "Again", "positive", "", "p2", "page 1", "synthetic"),
            ("n.html", "News", "positive", "initial_contact", "p1", "page 1", "synthetic"),
        ],
        columns=["document", "text", "tone", "criterion", "anchor", "place", "data_kind"],
    )
    found = coding_round.extracts_of(documents, advice, findings, criteria)
    assert found[["extract", "place", "reading"]].to_numpy().tolist() == [
        ["a-b.html.p2", "No chapter, page 1", "critical"],
        ["a-b.html.p2.2", "No chapter, page 1", "positive"],
        ["a-b.html.p9", "Initial contact, paragraph 9", "recommendation"],
        ["a-b.html.p10", "Initial contact, page 2", "critical"],
    ]


# ---------------------------------------------------------------------------------------------
# Proposals


def test_rules_say_which_words_gave_a_code() -> None:
    found = proposals.by_rules(EXTRACTS, FRAME, "inspection").set_index("extract")
    assert found["proposed"].to_dict() == {"e1": WEAK, "e2": GOOD, "e3": ADVICE}
    assert "heading police detention" in found.loc["e1", "words"]
    assert "appropriate" in found.loc["e1", "words"]
    assert "We recommend that" in found.loc["e3", "words"]
    assert found["score"].between(0, 1).all()
    nothing = sent(("e9", "Nothing of it fits", "", "unknown"))
    found = proposals.by_rules(nothing, FRAME, "inspection")
    assert found[["proposed", "score", "words"]].to_numpy().tolist() == [["none_applies", 0.0, ""]]


def test_similarity_learns_an_area_and_a_kind_from_different_extracts() -> None:
    empty = pd.DataFrame(columns=["text", "place", "code"])
    asked = sent(("e1", "The quokka is glum", "", "positive"))
    before = proposals.by_similarity(asked, empty, FRAME, "inspection")
    assert before["proposed"].tolist() == ["none_applies"]
    weak = "area_for_improvement"
    coded = {
        "decision_making.good_practice": "Quokka",
        f"decision_making.{weak}": "Quokka",
        f"investigation.{weak}": "Glum tides",
        f"initial_contact.{weak}": "Glum moons",
        f"trusted_adult.{weak}": "Glum roofs",
    }
    people = pd.DataFrame(
        [(text, ", 1", f"inspection.{code}") for code, text in coded.items()],
        columns=["text", "place", "code"],
    )
    after = proposals.by_similarity(asked, people, FRAME, "inspection")
    # "quokka" is of one area, "glum" of one kind
    assert after["proposed"].tolist() == [f"inspection.decision_making.{weak}"]
    assert {"quokka", "glum"} <= set(after["words"].iloc[0].split("; "))


def test_near_repetitions_are_one_wording() -> None:
    texts = pd.Series(
        ["Ashdale should record each visit", "Marlshire should record each visit", "Other words"]
    )
    one, two, three = proposals.wordings(texts)
    assert one == two != three


def test_nothing_is_learned_from_the_wording_that_is_tried(given, monkeypatch) -> None:
    learn = proposals.by_similarity
    pairs: list[set[int]] = []
    people = coding_round.settled(given)
    groups = dict(
        zip(given.extracts["extract"], proposals.wordings(given.extracts["text"]), strict=True)
    )

    def watched(extracts, learned, frame, scheme):
        tried, seen = (set(part["extract"].map(groups)) for part in (extracts, learned))
        pairs.append(tried & seen)
        return learn(extracts, learned, frame, scheme)

    monkeypatch.setattr(proposals, "by_similarity", watched)
    found = proposals.cross_validated(given.extracts, people, FRAME, given.scheme)
    assert pairs == [set()] * proposals.FOLDS
    assert sorted(found["extract"]) == sorted(people["extract"])


def test_accuracy_is_counted_as_by_hand() -> None:
    proposed = pd.DataFrame(
        [
            ("e1", "rules", WEAK, 1.0, "a"),
            ("e2", "rules", WEAK, 1.0, "b"),
            ("e3", "rules", ADVICE, 1.0, "c"),
            ("e4", "rules", "none_applies", 0.0, ""),
        ],
        columns=list(proposals.COLUMNS),
    )
    people = pd.DataFrame({"extract": ["e1", "e2", "e3", "e4"], "code": [WEAK, GOOD, ADVICE, WEAK]})
    found = proposals.accuracy(proposed, people, FRAME, "synthetic").set_index("id")
    # WEAK: proposed twice, given twice, right once: 1/2, 1/2, F1 1/2 (by hand)
    weak = found.loc[f"proposals.rules.{WEAK}"]
    assert (weak["precision"], weak["recall"], weak["f1"]) == (0.5, 0.5, 0.5)
    assert pd.isna(found.loc[f"proposals.rules.{GOOD}", "precision"])
    assert found.loc[f"proposals.rules.{GOOD}", "recall"] == 0
    shares = found.loc[[f"proposals.rules.{part}" for part in ("all", "area", "kind")], "estimate"]
    assert shares.tolist() == [0.5, 0.75, 0.5]
    untried = found.loc["proposals.similarity.all"]
    assert untried["denominator"] == 0
    assert pd.isna(untried["estimate"])
    extracts = sent(*[(name, "text", "", "") for name in people["extract"]])
    wrong = proposals.failures(proposed, people, extracts)
    assert wrong["extract"].tolist() == ["e2", "e4"]


def test_invented_coders_teach_nothing_about_real_documents(given) -> None:
    people = coding_round.settled(given)
    real = EXTRACTS.assign(data_kind="public_record")
    found = proposals.waiting(real, given, people, FRAME).set_index("extract")
    alone = proposals.by_similarity(
        real, pd.DataFrame(columns=["text", "place", "code"]), FRAME, "inspection"
    ).set_index("extract")
    assert found["similarity"].to_dict() == alone["proposed"].to_dict()
    assert set(found["data_kind"]) == {"public_record"}
    left = proposals.waiting(given.extracts, given, people, FRAME)
    assert left.empty  # all of them are coded


# ---------------------------------------------------------------------------------------------
# The invented coders


def test_the_committed_sheets_are_what_the_coders_give(given) -> None:
    for coder in coders.RATES:
        mine = given.codings[given.codings["coder"] == coder]
        assert mine["code"].tolist() == coders.coded(given.extracts, coder)
    assert given.data_kind == "synthetic"
    assert set(given.trail["data_kind"]) == {"synthetic"}


def test_coders_agree_as_often_as_their_stated_rates_make_them(given) -> None:
    (area, kind, none, blank), (area_2, kind_2, none_2, blank_2) = coders.RATES.values()
    # Both right or both wrong in the same way, by the product of independent rates
    given_codes = (1 - none / (1 - blank)) * (1 - none_2 / (1 - blank_2))
    expected = given_codes * ((1 - area) * (1 - area_2) + area * area_2)
    expected *= (1 - kind) * (1 - kind_2) + kind * kind_2
    rows = coding_round.agreements(given, FRAME).set_index("id")
    found = rows.loc["coding_agreement.code.percent"]
    error = np.sqrt(expected * (1 - expected) / found["units"])
    assert abs(found["estimate"] - expected) < 3 * error
    assert set(rows["data_kind"]) == {"synthetic"}
    assert (rows["unit"] == "extracts").all()


def test_differences_name_codes_as_people_read_them(folder: Path) -> None:
    one = coding_round.read(folder, FRAME)
    (row,) = coding_round.differences(one, FRAME).to_dict("records")
    assert row["codings"] == (
        "Ann: Police detention: good practice; Ben: Police detention: area for improvement"
    )
    assert (row["differ_in"], row["decided"]) == ("kind", "")


def test_decisions_of_the_round_are_the_truth_of_the_sentences(given) -> None:
    texts = given.extracts.set_index("extract")
    for row in given.decisions.to_dict("records"):
        about = texts.loc[row["extract"]]
        assert row["code"] == coders.true_code(about["text"], about["chapter"], about["reading"])
    assert coders.true_code(
        "The force doesn\u2019t respond well to children who go missing repeatedly", "", "positive"
    ) == ("inspection.missing_children.area_for_improvement")


def test_a_sheet_can_be_used_without_a_mouse_and_runs_no_formula(folder: Path) -> None:
    shutil.copy(folder / "Ann.xlsx", folder / "copy.xlsx")
    page = openpyxl.load_workbook(folder / "copy.xlsx")["Coding"]
    assert page.freeze_panes == "A2"
    assert not page.merged_cells.ranges
    (rule,) = page.data_validations.dataValidation
    assert (str(rule.sqref), rule.type) == ("F2:F4", "list")
    assert page["E3"].value.startswith("=")
    assert page["E3"].data_type == "s" or page["E3"].quotePrefix
