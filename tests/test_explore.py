"""The explore page: what is picked is shown, what may not be shown is not, errors are said."""

from __future__ import annotations

import csv
import io
import re
from base64 import b64decode
from dataclasses import replace
from html import unescape

import papermill
import pytest

from ncpi_eval import disclosure, explore, paths, sources
from ncpi_eval.errors import InputError
from ncpi_eval.survey import tabulation

SURVEY = "data/synthetic/responses.csv"
CUSTODY = ("area", "custody")


@pytest.fixture(scope="module")
def survey():
    return sources.read_survey(SURVEY)


@pytest.fixture
def page():
    return explore.Page(SURVEY)


@pytest.fixture
def protected(monkeypatch):
    """Invented respondents under the rules of real ones."""
    monkeypatch.setenv("NCPI_EVAL_PROTECT_SYNTHETIC", "1")


def text(html: str) -> str:
    """What a reader sees, without pictures and links' content."""
    plain = re.sub(r"<svg.*?</svg>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(plain).split())


def files(html: str) -> dict[str, str]:
    """Name and content of the files that the page offers."""
    links = re.findall(r'<a download="([^"]+)" href="data:[^"]*;base64,([^"]*)">', html)
    return {name: b64decode(content).decode() for name, content in links}


def numbers(frame):
    columns = ["id", "count", "denominator", "estimate", "ci_low", "ci_high_clustered", "clusters"]
    return frame[columns].sort_values("id", ignore_index=True)


def comparisons(frame):
    columns = ["id", "denominator", "p_value", "p_value_clustered", "difference", "refusal"]
    return frame[columns].sort_values("id", ignore_index=True)


# What is seen


@pytest.mark.parametrize("question", ["FLis", "TrainFre_2", "TrainAny", "NCPIimp"])
def test_a_view_has_the_numbers_of_the_whole_tabulation(survey, question):
    seen = explore.view(survey, question, "support")
    whole = tabulation.tabulate(
        survey.responses, survey.groups, survey.questionnaire, wave="2019", data_kind="synthetic"
    )
    rows = whole.estimates[whole.estimates["question"].eq(question)]
    rows = rows[rows["subgroup_variable"].isin(["support", "all"])]
    assert numbers(seen.estimates).equals(numbers(rows))
    rows = whole.tests[whole.tests["question"].eq(question)]
    assert comparisons(seen.tests).equals(
        comparisons(rows[rows["subgroup_variable"].eq("support")])
    )


def test_a_filter_counts_only_its_people(survey):
    seen = explore.view(survey, "FLis", "inspection_status", CUSTODY)
    kept = survey.responses[survey.groups["area"].eq("custody")]
    agree = seen.estimates[seen.estimates["id"].eq("FLis.1-2.all.all.2019")].iloc[0]
    assert agree["count"] == kept["FLis"].isin([1, 2]).sum()
    assert agree["denominator"] == kept["FLis"].isin([1, 2, 3, 4, 5, 6]).sum()


def test_no_p_value_claims_to_be_adjusted(survey):
    seen = explore.view(survey, "FLis", "inspection_status")
    assert not {"p_adjusted", "family_size"} & set(seen.tests)


def test_a_filter_with_too_few_answers_is_refused_without_their_number(survey):
    few = survey.responses.copy()
    few["FLis"] = few["FLis"].where(survey.groups["area"].ne("other"))
    with pytest.raises(InputError) as refused:
        explore.view(replace(survey, responses=few), "FLis", "area", ("area", "other"))
    assert str(refused.value) == (
        "This filter leaves too few people to show anything.\n"
        "  - The force has a culture of listening to children, by area of work; only area of work: "
        "other area: found fewer than 30 answers; expected 30 or more. What to do: Count others."
    )


@pytest.mark.parametrize("answers, refused", [(30, False), (29, True)])
def test_thirty_answers_are_enough_and_twenty_nine_are_not(survey, answers, refused):
    custody = survey.groups["area"].eq("custody") & survey.responses["FLis"].between(1, 6)
    few = survey.responses.copy()
    few.loc[few.index[custody.fillna(False).astype(bool)][answers:], "FLis"] = None
    fewer = replace(survey, responses=few)
    if refused:
        with pytest.raises(InputError, match="too few people"):
            explore.view(fewer, "FLis", "all", CUSTODY)
    else:
        assert len(explore.view(fewer, "FLis", "all", CUSTODY).estimates)


# What may be seen


def test_without_a_filter_the_same_cells_are_withheld_as_in_the_report(survey, protected):
    whole = tabulation.tabulate(
        survey.responses, survey.groups, survey.questionnaire, wave="2019", data_kind="synthetic"
    )
    rows = whole.estimates[whole.estimates["question"].eq("FLis")]
    report = disclosure.release(rows)
    seen = explore.view(survey, "FLis", "area").estimates
    report = report[report["id"].isin(seen["id"])]
    assert seen["suppressed"].any()
    assert numbers(seen).equals(numbers(report))


def test_filtered_numbers_of_people_are_rounded_and_small_ones_withheld(survey, protected):
    kept = survey.responses[survey.groups["area"].eq("custody")]
    seen = explore.view(survey, "FLis", "inspection_status", CUSTODY)
    shown = seen.estimates[seen.estimates["count"].notna()]
    assert len(shown) and (shown["count"] % 5 == 0).all()
    assert (seen.estimates["denominator"].dropna() % 5 == 0).all()
    assert (seen.tests["denominator"].dropna() % 5 == 0).all()
    everybody = seen.estimates[seen.estimates["subgroup"].eq("all")].set_index("response")
    for code in map(str, range(1, 7)):
        count = kept["FLis"].eq(int(code)).sum()
        if 0 < count < 10:
            assert everybody.loc[code, "suppressed"]
    exact_columns = {"std_error", "clusters", "effective_base", "higher_than", "difference"}
    assert not exact_columns & (set(seen.estimates) | set(seen.tests))
    p = seen.tests["p_value"].dropna()
    assert len(p) and all(f"{value:.2g}" == f"{value:g}" for value in p)


def test_all_respondents_less_a_filter_is_no_exact_number(survey, protected):
    """Those outside the filter are 16 people, of whom a few gave an answer: it stays unknown."""
    index = survey.groups.index[survey.groups["area"].notna()]
    groups = survey.groups.copy()
    groups.loc[index[:16], "area"] = None
    groups.loc[index[16:], "area"] = "custody"
    changed = replace(survey, groups=groups)
    outside = changed.groups["area"].isna() & survey.responses["FLis"].eq(2).fillna(False)
    everybody = explore.view(changed, "FLis").estimates.set_index("response")
    filtered = explore.view(changed, "FLis", "all", CUSTODY).estimates.set_index("response")
    assert 0 < outside.sum()
    total = int(everybody.loc["2", "count"])
    inside = total - int(outside.sum())
    shown = int(filtered.loc["2", "count"])
    # Half up to five: what is shown stands for five counts, and so the difference for five.
    assert shown == (inside + 2) // 5 * 5


def test_the_files_hold_no_more_than_the_page(survey, protected):
    html = explore.html(explore.view(survey, "FLis", "inspection_status", CUSTODY))
    offered = files(html)
    table = next(content for name, content in offered.items() if re.fullmatch(r".*-\d+.csv", name))
    rows = list(csv.DictReader(io.StringIO(table)))
    withheld = [row for row in rows if row["suppressed"] == "True"]
    assert withheld and not any(row["count"] or row["estimate"] for row in withheld)
    assert "[c]" in text(html)


# The page


def test_the_page_starts_with_a_question_and_says_that_its_data_is_invented(page):
    assert page.question.value == "NCPIInsp"
    assert "Synthetic data: invented, not collected from anybody." in page.notice.value
    shown = text(page.result.value)
    assert "Answers: Belief about whether the force has had an NCPI inspection" in shown
    assert "There is no test without a breakdown." in shown
    assert shown.count("Synthetic data") >= 2
    assert ">Synthetic data</text>" in page.result.value  # inside the picture too


def test_every_widget_has_a_label(page):
    asked = [page.file, page.forces, page.wave, page.read]
    asked += [page.question, page.answer, page.breakdown, page.only]
    assert all(widget.description for widget in asked)
    assert set(asked) <= set(page.children)
    assert all(widget.tabbable is not False for widget in asked)


def test_choices_change_table_picture_and_test(page):
    page.question.value = "FLis"
    page.breakdown.value = "inspection_status"
    html = page.result.value
    # Published: table C.3, 66% and 60% agree.
    assert re.search(r'>Agree</th>\s*<td>1\|2</td><td class="number">66% <span', html)
    assert "Inspected" in html and "Not yet inspected" in html
    assert "p, allowing for forces" in text(html)
    assert "95% interval" in text(html)
    page.answer.value = "1|2"
    assert "<desc" in page.result.value
    assert "Highest: Inspected; lowest: Not yet inspected." in page.result.value
    page.only.value = CUSTODY
    assert "only area of work: custody" in text(page.result.value)
    assert page.result.value != html


def test_answers_follow_the_question(page):
    page.question.value = "FLis"
    page.answer.value = "4|5"
    page.question.value = "LeEvInt"
    assert page.answer.value == ""
    assert ("All answers", "") in page.answer.options
    assert 'role="alert"' not in page.result.value


def test_too_many_parts_for_a_picture_are_said(page):
    page.question.value = "NCPIAware"
    page.breakdown.value = "status_by_area"
    assert "choose one answer" in text(page.result.value)
    page.answer.value = "6"
    assert "choose one answer" not in text(page.result.value)
    assert "<svg" in page.result.value


def test_a_refusal_replaces_what_was_shown_and_goes_away(page):
    page.question.value = "LeEvHelp"
    page.only.value = ("information", "not_all")
    assert 'role="alert"' in page.result.value
    assert "fewer than 30 answers" in page.result.value
    assert "<table" not in page.result.value
    page.question.value = "FLis"
    assert "<table" in page.result.value


def test_a_broken_file_is_said_and_nothing_else_stays(page, tmp_path):
    broken = tmp_path / "broken.csv"
    broken.write_text("serial,FLis\n1,<script>alert(1)</script>\n", encoding="utf-8")
    page.file.value = str(broken)
    page.read.click()
    assert 'role="alert"' in page.notice.value
    assert "broken.csv" in page.notice.value
    assert "<script" not in page.notice.value
    assert page.result.value == ""
    assert page.question.disabled
    page.file.value = SURVEY
    page.read.click()
    assert "<table" in page.result.value
    assert not page.question.disabled


@pytest.mark.parametrize(
    "path, said", [("nowhere.csv", "nowhere.csv"), ("", "role="), ("notebooks", "role=")]
)
def test_a_file_that_is_none_is_said(page, path, said):
    page.file.value = path
    page.read.click()
    assert 'role="alert"' in page.notice.value and said in page.notice.value
    assert page.result.value == ""


def test_an_unknown_wave_is_said(page):
    page.wave.value = "last spring"
    page.read.click()
    assert "not known" in page.notice.value


def test_an_error_that_nobody_foresaw_is_said_with_its_kind(page, monkeypatch):
    def fails(*_):
        raise KeyError("<b>why</b>")

    monkeypatch.setattr(explore, "view", fails)
    page.breakdown.value = "area"
    assert "KeyError: &#x27;&lt;b&gt;why&lt;/b&gt;&#x27;" in page.result.value


def test_hostile_labels_are_inert(survey):
    bad = '"><img src=x onerror=alert(1)> 50% <a href="../tables/x.csv">'
    book = survey.questionnaire
    question = replace(book.variables["FLis"], label=bad, options={1: bad, **{
        code: label for code, label in book.variables["FLis"].options.items() if code > 1
    }})  # fmt: skip
    area = replace(book.groups["area"], label=bad, categories={
        name: f"{label} {bad}" for name, label in book.groups["area"].categories.items()
    })  # fmt: skip
    hostile = replace(
        book,
        variables={**book.variables, "FLis": question},
        groups={**book.groups, "area": area},
    )
    seen = explore.view(replace(survey, questionnaire=hostile), "FLis", "area", CUSTODY)
    for answer in ("", "1"):
        html = explore.html(seen, answer)
        assert "<img" not in html
        assert '<a href="../' not in html
        assert "&lt;img src=x" in html


def test_nothing_is_written_where_the_report_is(page, tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path))
    before = sorted(paths.ROOT.joinpath("outputs").rglob("*explore*"))
    page.question.value = "FLis"
    page.breakdown.value = "area"
    page.breakdown.value = "all"
    page.breakdown.value = "area"  # seen before: no complaint about a name that was used
    assert "<table" in page.result.value
    assert list(tmp_path.iterdir()) == []
    assert sorted(paths.ROOT.joinpath("outputs").rglob("*explore*")) == before
    assert paths.outputs_write() == tmp_path


def test_the_downloads_hold_their_files(page):
    page.question.value = "FLis"
    page.breakdown.value = "area"
    offered = files(page.result.value)
    assert sorted(name.partition(".")[2] for name in offered) == ["csv", "csv", "csv", "svg"]
    assert all(content.startswith(("id,", "<svg")) for content in offered.values())
    assert "../tables" not in page.result.value and "../figures" not in page.result.value


def test_a_real_file_is_protected_and_says_so(tmp_path):
    rows = sources.read_survey(SURVEY).responses.drop(columns=["data_kind", "TrainAny"])
    rows["RForc"] = rows["RForc"].where(rows["RForc"].lt(101), rows["RForc"] - 100)
    real = sources.write_survey(rows, tmp_path / "real.csv")
    page = explore.Page(str(real))
    assert explore.PROTECTED in page.notice.value
    assert "Synthetic" not in page.notice.value + text(page.result.value)
    page.question.value, page.breakdown.value = "FLis", "area"
    page.only.value = ("service", "up_to_5_years")
    assert "[c]" in text(page.result.value)


def test_the_notebook_runs_and_holds_the_page(tmp_path):
    done = papermill.execute_notebook(
        paths.ROOT / "notebooks/explore-survey.ipynb",
        tmp_path / "done.ipynb",
        cwd=paths.ROOT,
        progress_bar=False,
    )
    shown = done.cells[-1]["outputs"][0]["data"]
    assert "application/vnd.jupyter.widget-view+json" in shown
    states = done.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    values = [state["state"].get("value") for state in states.values()]
    assert any(isinstance(value, str) and "<table" in value for value in values)
