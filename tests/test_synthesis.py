"""The committed synthetic files against the transcription, counted again without the package.

The published values are rows of data/published/figures.csv, each with its place in the report; the
readings that make them hold together are those of data/published/readings.csv.
"""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from ncpi_eval import paths, sources
from ncpi_eval.errors import NcpiError
from ncpi_eval.synthesis import __main__ as command
from ncpi_eval.synthesis import forces, profile, questions, respondents, synthesise, targets

FOLDER = paths.data("synthetic")


def read(name, folder=FOLDER):
    """A file of the folder; only an empty field is missing."""
    kinds = {"serial": str, "first_inspection": str}
    return pd.read_csv(folder / name, dtype=kinds, keep_default_na=False, na_values=[""])


def test_no_answer_is_a_word_that_pandas_takes_for_a_missing_cell():
    loose = pd.read_csv(FOLDER / "responses.csv", dtype=str)
    strict = pd.read_csv(FOLDER / "responses.csv", dtype=str, keep_default_na=False)
    assert (loose.isna() == (strict == "")).all(axis=None)


def published(name):
    return pd.read_csv(paths.data("published", name), dtype=str, keep_default_na=False)


FIGURES = targets.apply_readings(published("figures.csv"), published("readings.csv"))

# "Prefer not to say" leaves the base (questionnaire, appendix D).
LEAVES_BASE = {
    "NCPIInsp": 5, "NCPIAware": 9, "NCPIAims": 7, "TrainHelp": 7, "Info": 5, "DecConf": 7,
    "DecSupp": 7, "FEff": 6, "FLis": 7, "LeEv": 5, "LeEvInt": 4, "NCPIimp": 5, "TrainAny": 0,
    **{f"TrainFre_{n}": 6 for n in (1, 2, 3, 4)}, **{f"FSyst_{n}": 7 for n in (1, 2, 3, 4)},
}  # fmt: skip


@pytest.fixture(scope="module")
def survey():
    """Answers with the groups of the report, derived here from the files alone."""
    people, force = read("responses.csv"), read("forces.csv").set_index("force")
    first = people["RForc"].map(force["first_inspection"]).fillna("9")
    joint = people["RForc"].map(force["joint_inspection"]).fillna("9")
    known = people["RForc"] > 100
    inspected, early, had_joint = first < "2019-02", first < "2017-01", joint < "2019-02"
    people["inspection_status"] = pick(known, inspected, "inspected", "uninspected")
    people["inspection_timing"] = np.where(
        people["inspection_status"] == "inspected",
        np.where(early, "before_2017", "from_2017"),
        people["inspection_status"],
    )
    people["any_inspection"] = pick(known, inspected | had_joint, "inspected_or_joint", "neither")
    people["joint_inspection"] = np.select(
        [~known, inspected & had_joint, inspected, had_joint],
        ["", "inspected_and_joint", "inspected_only", "joint_only"],
        "neither",
    )
    people["area"] = people["RArea"].map(profile.AREA_NAMES).fillna("")
    people["status_by_area"] = people["area"] + "_" + people["inspection_status"]
    people["service"] = pick(
        people["RServ"] < 6, people["RServ"] < 4, "up_to_5_years", "over_5_years"
    )
    people["TrainAny"] = most_recent(people)
    people["training_recency"] = (
        people["TrainAny"]
        .map({1: "last_year", 2: "over_a_year", 3: "over_a_year"})
        .fillna(pick(people["TrainAny"] > 3, True, "never_or_dont_know", ""))
    )
    people["trained"] = pick(
        people["TrainAny"] > 0, people["TrainAny"] < 4, "trained", "not_trained"
    )
    people["support"] = people["DecSupp"].map(
        {1: "supported", 2: "supported", 4: "not_supported", 5: "not_supported"}
    )
    people["awareness"] = pick(
        people["NCPIAware"] < 9, people["NCPIAware"] != 6, "aware", "unaware"
    )
    return people


def pick(known, condition, yes, no):
    return pd.Series(np.where(known, np.where(condition, yes, no), ""), index=known.index)


def most_recent(people):
    """1 to 3 as the most recent training in any subject, 4 if all answers are 4, else 5."""
    found = []
    for answers in people[[f"TrainFre_{n}" for n in (1, 2, 3, 4)]].to_numpy():
        given = {int(a) for a in answers if a == a and a != 6}
        dated = given & {1, 2, 3}
        found.append(min(dated) if dated else 4 if given == {4} else 5 if given else 0)
    return found


def answers(survey, question):
    """Answers that count: neither missing nor "prefer not to say"."""
    column = survey[question]
    return column[column.notna() & (column != LEAVES_BASE[question])].astype(int)


def percent_rows():
    shown = FIGURES[(FIGURES["unit"] == "percent") & FIGURES["question"].isin(LEAVES_BASE)]
    return [row for row in shown.itertuples() if row.response]


def test_there_are_as_many_percentages_as_the_report_prints():
    assert len(percent_rows()) > 150


@pytest.mark.parametrize("row", percent_rows(), ids=lambda row: row.id)
def test_every_printed_percentage_and_base_comes_out(survey, row):
    given = answers(survey, row.question)
    low, _, high = row.base.partition("-")
    if low:
        assert int(low) <= len(given) <= int(high or low)
    if row.subgroup_variable != "all":
        given = given[survey.loc[given.index, row.subgroup_variable] == row.subgroup]
    count, base = int(given.isin([int(c) for c in row.response.split("|")]).sum()), len(given)
    # halves rounded up: floor(100 count / base + 1/2)
    assert (200 * count + base) // (2 * base) == int(row.value), f"{count} of {base}"


def statement_rows():
    said = FIGURES[FIGURES["significant"].isin(["yes", "no"])]
    return list(said[said["question"].isin(LEAVES_BASE)].itertuples())


@pytest.mark.parametrize("row", statement_rows(), ids=lambda row: row.id)
def test_every_statement_about_significance_comes_out(survey, row):
    given = answers(survey, row.question)
    group = survey.loc[given.index, row.subgroup_variable]
    kept = group.isin(row.subgroup.split("|"))
    counted = given[kept]
    if row.response and row.response != "all":
        counted = counted.isin([int(c) for c in row.response.split("|")])
    p = chi2_contingency(pd.crosstab(group[kept], counted), correction=False).pvalue
    assert ("yes" if p < 0.05 else "no") == row.significant, f"p = {p:.4f}"


def test_table_bases_reach_both_printed_ends(survey):
    # Table C.2: from 845 to 846; table C.4: from 845 to 847 (appendix C)
    assert {len(answers(survey, f"TrainFre_{n}")) for n in (1, 2, 3, 4)} == {845, 846}
    bases = {len(answers(survey, f"FSyst_{n}")) for n in (1, 2, 3, 4)}
    assert (min(bases), max(bases)) == (845, 847)


def test_figure_c1_adds_to_less_than_100(survey):
    # Footnote 15
    given = answers(survey, "FLis")
    parts = [
        targets.printed(given.isin(codes).sum(), len(given)) for codes in ([1, 2], [3], [4, 5], [6])
    ]
    assert sum(parts) == 99


def test_forces_are_as_many_and_as_large_as_printed(survey):
    # Appendix D, online survey: 34 forces; 25 with more than one response, 16 inspected and 9 not;
    # 1 to 130 responses; 16 forces with more than 20
    sizes = survey.loc[survey["RForc"] > 100, "RForc"].value_counts()
    several = survey[survey["RForc"].isin(sizes.index[sizes > 1])].drop_duplicates("RForc")
    assert len(survey) == 856
    assert (len(sizes), (sizes > 1).sum(), (sizes > 20).sum()) == (34, 25, 16)
    assert (sizes.min(), sizes.max()) == (1, 130)
    assert several["inspection_status"].value_counts().to_dict() == {
        "inspected": 16,
        "uninspected": 9,
    }


def test_the_files_are_reproduced_byte_for_byte(tmp_path):
    assert command.main(["--to", str(tmp_path)]) == 0
    for name in ("responses.csv", "forces.csv", "open_text_themes.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_the_reader_takes_the_files_as_synthetic_and_refuses_nothing():
    survey = sources.read_survey(FOLDER / "responses.csv")
    assert survey.data_kind == "synthetic"
    assert len(survey.responses) == 856
    assert survey.has_force


# --- invented forces ----------------------------------------------------------------------------


def test_synthetic_forces_cannot_be_taken_for_real_ones():
    table = read("forces.csv")
    assert table["force"].tolist() == list(range(101, 144))
    assert table["name"].is_unique
    real = pd.read_csv(paths.data("questionnaire", "options.csv"), dtype=str)
    words = set(re.findall(r"[a-z]{4,}", " ".join(real["label"]).lower()))
    for name in table["name"]:
        assert not words & set(name.lower().split()), name


def test_one_force_is_inspected_while_the_survey_is_open(survey):
    table = read("forces.csv").set_index("force")
    during = table.index[table["first_inspection"].fillna("").str.startswith("2019-02")]
    assert len(during) == 1
    there = survey["RForc"] == during[0]
    assert set(survey.loc[there, "inspection_status"]) == {"uninspected"}


def test_intraclass_correlation_by_hand():
    # Two forces of two: means 1 and 0, no variation inside; complete agreement is 1
    values, force = np.array([1, 1, 0, 0]), np.array([1, 1, 2, 2])
    assert forces.intraclass_correlation(values, force, np.array(["g"] * 4)) == pytest.approx(1.0)
    # Means 1/2 and 1/2: between 0, within 1/2 each: (0 - 0.5) / (0 + (2 - 1) x 0.5) = -1
    values = np.array([1, 0, 1, 0])
    assert forces.intraclass_correlation(values, force, np.array(["g"] * 4)) == pytest.approx(-1.0)


def mean_correlation(people):
    """Average over questions, favourable answers against others, within groups by timing."""
    known = people[people["RForc"] > 100]
    found = []
    for name, spread in questions.SPREADS.items():
        given = known[known[name].notna() & (known[name] != spread.skip)]
        best = spread.order[:2] if len(spread.order) > 4 else spread.order[:1]
        values = given[name].isin(best).to_numpy(dtype=float)
        found.append(
            forces.intraclass_correlation(values, given["RForc"], given["inspection_timing"])
        )
    return float(np.mean(found))


def test_answers_within_a_force_are_as_alike_as_asked(survey):
    # 0.02 by design; the average of 22 questions in 34 forces varies by about 0.006 with the seed
    assert mean_correlation(survey) == pytest.approx(0.02, abs=0.006)


# --- plausible and declared ---------------------------------------------------------------------


def test_group_sizes_lie_inside_what_totals_and_parts_allow():
    # w x part + (1 - w) x other part = total, over the intervals of the three printed percentages
    for variable, inside, outside, share in (
        ("inspection_status", "uninspected", "inspected", 362 / 853),
        ("service", "up_to_5_years", "over_5_years", 123 / 853),
    ):
        found = targets.targets(FIGURES, list(LEAVES_BASE))
        value = {
            (t.question, t.codes, t.subgroup): t.value
            for t in found
            if t.variable in ("all", variable)
        }
        for question, codes in {(t.question, t.codes) for t in found if t.variable == variable}:
            ends = [value.get((question, codes, g)) for g in ("all", inside, outside)]
            if None in ends:
                continue
            total, part, other = ends
            low = share * (part - 0.5) + (1 - share) * (other - 0.5)
            high = share * (part + 0.5) + (1 - share) * (other + 0.5)
            assert low < total + 0.5 and high > total - 0.5, (question, codes)


def test_three_respondents_say_nothing_and_nobody_else_hides_a_group(survey):
    silent = survey["RForc"] == 44
    assert silent.sum() == profile.GUARDED
    assert (survey.loc[silent, ["RArea", "RServ", "RRank"]] == [5, 6, 11]).all(axis=None)
    assert (survey.loc[~silent, "RArea"] < 5).all() and (survey.loc[~silent, "RServ"] < 6).all()


def test_a_few_answers_stand_where_the_routing_forbids_them(survey):
    assert (survey["LeEvHelp"].notna() & (survey["LeEv"] != 1)).sum() == 3
    assert (survey["InfoAdd"].notna() & (survey["Info"] == 1)).sum() == 5
    assert (survey["NCPIAims"].notna() & (survey["NCPIAware"] == 6)).sum() > 400


def test_awareness_holds_with_and_without_those_who_do_not_know_how(survey):
    # Chapter 2: 45% and 24% of those aware; 45% aware
    given = answers(survey, "NCPIAware")
    for aware in (given[given != 6], given[~given.isin([6, 8])]):
        assert targets.printed(len(aware), len(given)) == 45
        assert targets.printed((aware == 1).sum(), len(aware)) == 45
        assert targets.printed((aware == 3).sum(), len(aware)) == 24


# --- answers in words ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def themes():
    return read("open_text_themes.csv").fillna("")


def test_partner_agencies_are_named_as_often_as_printed(survey, themes):
    # Chapter 3, working practices of partner agencies: 38% of those who lack information
    lacking = survey.loc[survey["Info"].isin([2, 3, 4]), "serial"]
    named = themes[(themes["question"] == "InfoAdd") & (themes["theme"] == "partner_agencies")]
    count = named["serial"].isin(lacking).sum()
    assert targets.printed(count, len(lacking)) == 38


def test_partnership_and_systems_are_the_commonest_themes(themes):
    # Appendix C, areas of best practice and areas for improvement
    for question in ("FBPrac", "FImp"):
        common = themes.loc[themes["question"] == question, "theme"].value_counts().index[:2]
        assert set(common) == {"partnership_working", "systems_and_processes"}


def test_themes_do_not_differ_by_inspection_status(survey, themes):
    # Appendix C: very similar in inspected and uninspected forces
    for question in ("FBPrac", "FImp", "InfoAdd"):
        wrote = survey[survey[question].notna() & (survey["inspection_status"] != "")]
        mine = themes[themes["question"] == question]
        for theme in mine["theme"].unique():
            has = wrote["serial"].isin(mine.loc[mine["theme"] == theme, "serial"])
            p = chi2_contingency(
                pd.crosstab(has, wrote["inspection_status"]), correction=False
            ).pvalue
            assert p > 0.05, (question, theme)


def test_answers_are_varied_and_never_beside_a_code(survey):
    for question in ("FBPrac", "FImp", "InfoAdd", "AOB"):
        texts = survey[question].dropna()
        assert texts.nunique() > 0.95 * len(texts)
        assert survey.loc[texts.index, f"{question}_code"].isna().all()


def test_traps_are_flagged_and_reserved_for_fiction(survey, themes):
    flagged = themes[themes["trap"] != ""].drop_duplicates(["serial", "question"])
    assert flagged["trap"].value_counts().to_dict() == {
        "telephone": 3, "email": 3, "collar_number": 3, "force_name": 2,
    }  # fmt: skip
    pattern = {
        "telephone": r"01632 ?960 ?\d{3}|07700 ?900 ?\d{3}",
        "email": r"@example\.invalid",
        "collar_number": r"(?:PC|DS|PCSO) \d{4,5}",
        "force_name": "Kestrelshire|Silverbeck",
    }
    text = survey.set_index("serial")
    for row in flagged.itertuples():
        assert re.search(pattern[row.trap], text.loc[row.serial, row.question])
    clean = text.stack().drop([(r.serial, r.question) for r in flagged.itertuples()])
    assert not clean.astype(str).str.contains("|".join(pattern.values())).any()


# --- other sizes --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def larger():
    return synthesise(published("figures.csv"), published("readings.csv"), rows=3 * 856).responses


def test_every_block_gives_the_printed_percentages(larger):
    # Chapter 3: 23% improved, 6% not changed, 2% worsened, 69% do not know, of 834
    for start in (0, 856, 1712):
        given = larger["NCPIimp"].iloc[start : start + 856]
        given = given[given.notna() & (given != 5)]
        assert len(given) == 834
        shares = [targets.printed((given == code).sum(), 834) for code in (1, 2, 3, 4)]
        assert shares == [23, 6, 2, 69]


def test_blocks_are_not_copies_of_each_other(larger):
    blocks = [larger["FSyst_1"].iloc[s : s + 856].fillna(0).to_numpy() for s in (0, 856, 1712)]
    for one, other in combinations(blocks, 2):
        assert (one != other).mean() > 0.2


def test_the_first_block_is_the_committed_file(larger):
    small = read("responses.csv")
    for name in ("RForc", "TrainFre_2", "FLis", "NCPIAware", "FBPrac"):
        same = small[name].reset_index(drop=True).astype(object)
        made = larger[name].iloc[:856].astype(object)
        assert same.where(same.notna(), None).tolist() == made.where(made.notna(), None).tolist()


@pytest.mark.parametrize("rows", [1, 100, 857])
def test_any_number_of_rows(rows):
    made = synthesise(published("figures.csv"), published("readings.csv"), rows=rows)
    assert len(made.responses) == rows
    assert made.responses["serial"].is_unique
    assert set(made.themes["serial"]) <= set(made.responses["serial"])


def test_another_size_never_overwrites_the_committed_files(capsys):
    assert command.main(["--rows", "100"]) == 2
    assert "--rows needs --to FOLDER" in capsys.readouterr().err


# --- numbers that cannot hold ---------------------------------------------------------------------


def refusal(*added):
    """What is said when rows are added to the figures as they are read."""
    rows = pd.DataFrame(added, columns=["id", "question", "response", "subgroup_variable",
                                        "subgroup", "value", "unit"])  # fmt: skip
    with pytest.raises(NcpiError) as caught:
        respondents.build(pd.concat([FIGURES, rows], ignore_index=True))
    return str(caught.value)


def test_a_misprint_taken_at_its_word_is_refused_by_name():
    # The summary of chapter 3 prints 33% before 2017, the body of the chapter 26%.
    text = refusal(
        ("C3-sum", "NCPIimp", "1", "inspection_timing", "before_2017", "33", "percent"),
    )
    assert text.startswith("No 834 respondents give every printed percentage of NCPIimp.")
    assert "inspection_timing=before_2017" in text


def test_a_group_that_is_not_made_is_refused_by_name():
    text = refusal(("new", "DecConf", "1", "support", "everyone_else", "29", "percent"))
    assert text == (
        "A percentage is printed of a group that is not made.\n"
        "  - published row new: found support=everyone_else; expected a breakdown and group of "
        "data/questionnaire/groups.csv that the synthesis makes. What to do: correct the row or "
        "its reading in data/published"
    )
