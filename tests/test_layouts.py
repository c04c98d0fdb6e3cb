"""Every shared layout names columns that the released frames have.

A page whose layout names a column that is gone fails only when it is built; here it fails at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from ncpi_eval import layouts, paths, results, sources, tables
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import framework, grades, waiting
from ncpi_eval.intake import record
from ncpi_eval.intake.framework import read_groups
from ncpi_eval.survey import (
    consistency,
    quality,
    reconciliation,
    robustness,
    sensitivity,
    tabulation,
    waves,
)

WAVE = "2019"
#: By kind of data and not by column.
SENTENCES = {"RESPONDENTS", "VERDICT", "MATCH", "TRANSCRIPTS"}
#: What values are called, and not columns.
VALUES = {
    *("VISITS", "GRADES", "STATES", "READINGS", "SCOPES", "STATISTICS"),
    *("PARTICIPANTS", "ATTRIBUTES", "RECORDS", "KNOWN_HOW", "REPORT_KINDS"),
    *("CRITERIA", "DOCUMENT_KINDS", "TIME_SCALES", "THEMES"),
    *("DOCUMENT_WORDS", "SURVEY_OF_FORCE", "FOLLOW_UP"),
    *("CODER_WORDS", "CODING_LEVELS", "RESTS_ON"),
}
#: The results file that each layout is for.
FRAMES = {
    "BY_GROUP": "survey_estimates",
    "TESTS": "survey_tests",
    "DIFFERENCES": "survey_tests",
    "CHANGES": "survey_changes",
    "RANGES": "published_robustness",
    "CORRELATIONS": "published_robustness",
    "MULTIPLICITY": "survey_multiplicity",
    "LEAVE_ONE_OUT": "survey_leave_one_out",
    "ADJUSTED": "survey_adjusted",
    "DESIGN_EFFECTS": "survey_design_effects",
    "RECONCILED": "published_reconciliation",
    "WAITING": "record_waiting",
    "AUDITS": "record_grades",
    "CELLS": "framework_matrix",
    "GROUPS": "framework_groups",
}
#: Likewise, of files that are only there once the report has been built, as CI does first.
BUILT = {
    "DOCUMENT_FACTS": "document_facts",
    "SPANS": "document_spans",
    "ASKED": "recommendations",
    "SCALES": "document_recommendations_asked",
    "EVIDENCE_MAP": "document_evidence_map",
    "CHANGE": "document_change",
    "GRADED": "document_grades",
    "EXTRACTION": "document_accuracy",
    "EXTRACTION_FAILURES": "document_failures",
    "CODING_SHEET": "document_coding_sheet",
    "CODING_DIFFERENCES": "coding_differences",
    "CODING_TRAIL": "coding_trail",
    "PROPOSALS": "coding_proposals",
    "PROPOSAL_FAILURES": "coding_proposal_failures",
    "PROPOSED_BY_CODE": "coding_proposal_accuracy",
    "TIMELINE": "record_timeline",
    "SEEN": "record_recommendations",
    "FORCE_LINE": "its_force_line",
    "EFFECTS": "did_overall",
    "COVERAGE": "did_coverage",
    "POWER": "power_harder",
    "EVENTS": "did_events",
    "ARRANGEMENTS": "power_arrangement",
    "RANKS": "option_ranking",
}
#: What is made from columns when a table is shown, and from which.
MADE_FROM = {
    "percent": ["estimate"],
    "interval": ["ci_low", "ci_high"],
    "interval_clustered": ["ci_low_clustered", "ci_high_clustered"],
    "ratio_interval": ["ratio_low", "ratio_high"],
    "base": ["denominator"],
    "difference_interval": ["difference_low", "difference_high"],
    "difference_interval_clustered": ["difference_low_clustered", "difference_high_clustered"],
}


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """What the notebooks save of the committed survey, as they save it; changes as of two waves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NCPI_EVAL_WRITE", str(tmp_path_factory.mktemp("outputs")))
        # One comparison has the columns of all, and the models are slow.
        patch.setattr(sensitivity, "COMPARED", {"FLis": sensitivity.COMPARED["FLis"]})
        return _saved()


def _saved() -> dict[str, pd.DataFrame]:
    survey = sources.read_survey("data/synthetic/responses.csv")
    book = survey.questionnaire
    made = tabulation.tabulate(
        survey.responses, survey.groups, book, wave=WAVE, data_kind=survey.data_kind
    )
    estimates = results.save("survey_estimates", made.estimates)
    tests = results.save("survey_tests", made.tests, beside=estimates)
    later = estimates.assign(wave="2021-03", id=estimates["id"].str.replace(WAVE, "2021-03"))
    printed = sources.read_published_figures()
    few = printed[printed["question"].isin(["FLis", "NCPIAims"])]
    ranges = sensitivity.in_words(robustness.robustness_table(few), book)
    reconciled = reconciliation.reconcile(
        printed,
        sources.read_readings(),
        estimates,
        tests,
        results.save("survey_counts", quality.response_counts(survey)),
        consistency.check_report(printed, book),
    )
    others = {
        "survey_changes": waves.changes(pd.concat([estimates, later])),
        "published_robustness": ranges,
        "survey_multiplicity": sensitivity.multiplicity(tests, WAVE),
        "survey_leave_one_out": sensitivity.leave_one_out(survey),
        "survey_adjusted": sensitivity.adjusted(survey),
        "survey_design_effects": sensitivity.design_effects(estimates, WAVE),
        "published_reconciliation": reconciled,
        "record_waiting": waiting.waiting_curve(waiting.durations(record.read_calendar())),
        "framework_groups": framework.described(read_groups()),
        "framework_matrix": framework.published_matrix(),
        "record_grades": grades.labelled(grades.grades(record.read_audits())),
    }
    saved = {name: results.save(name, frame) for name, frame in others.items()}
    return {"survey_estimates": estimates, "survey_tests": tests, **saved}


def layout(name: str) -> Mapping[str, str]:
    return getattr(layouts, name)


def test_every_layout_has_its_frame_here():
    named = {name for name in vars(layouts) if name.isupper() and name[0] != "_"}
    assert named == SENTENCES | VALUES | set(FRAMES) | set(BUILT)


@pytest.mark.parametrize("name", BUILT)
def test_a_layout_names_columns_of_the_file_that_was_built(name):
    path = paths.ROOT / "outputs" / "results" / f"{BUILT[name]}.csv"
    if not path.is_file():
        pytest.skip("the report has not been built")
    frame = pd.read_csv(path)
    assert tables.headers_for(frame, layout(name)) == dict(layout(name))
    for column in layout(name):
        assert set(MADE_FROM.get(column, [column])) <= set(frame.columns), column


@pytest.mark.parametrize("name", FRAMES)
def test_a_layout_names_columns_that_its_frame_has(name, released):
    frame = released[FRAMES[name]]
    assert tables.headers_for(frame, layout(name)) == dict(layout(name))
    for column in layout(name):
        assert set(MADE_FROM.get(column, [column])) <= set(frame.columns), column


@pytest.mark.parametrize("name", FRAMES)
def test_no_column_of_a_layout_is_always_empty(name, released):
    rows = released[FRAMES[name]]
    for column in layout(name):
        made_from = MADE_FROM.get(column, [column])
        assert rows[made_from].notna().any().all() or column == "refusal", column


@pytest.mark.parametrize("name", [*FRAMES, *BUILT])
def test_headers_tell_columns_apart(name):
    headers = list(layout(name).values())
    assert all(headers) and len(set(headers)) == len(headers)


def test_a_column_that_is_gone_is_refused(released):
    with pytest.raises(InputError, match="These columns cannot be shown."):
        tables.headers_for(released["survey_tests"], {**layouts.TESTS, "gone": "Gone"})


@pytest.mark.parametrize("name", sorted(SENTENCES))
def test_sentences_are_there_for_both_kinds_of_respondents(name):
    assert list(layout(name)) == ["synthetic", "real"]
