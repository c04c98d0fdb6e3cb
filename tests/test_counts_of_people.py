"""No count of people in a qualitative finding: planted phrases are found, plain views are not."""

from __future__ import annotations

import lxml.html
import pytest

from ncpi_eval import checks, workspace
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import counts_of_people, framework


@pytest.mark.parametrize(
    "planted",
    [
        "Most participants agreed that it helped.",
        "The majority felt informed.",
        "It was a minority view.",
        "Several officers asked for more.",
        "This was said by 7 of 12.",
        "Seven out of twelve said so.",
        "A third of interviewees had heard of it.",
        "Two-thirds of the sample agreed.",
        "Half the leads agreed.",
        "Two of the leads disagreed.",
        "We heard it from 12 interviewees.",
        "Nine in ten wanted more.",
        "It was 40% of them.",
        "It was 40 per cent.",
        "Nearly everyone felt the same.",
        "All participants welcomed it.",
        "None of the leads knew.",
        "Many felt the same.",
        "Few partners knew.",
        "A few said so.",
        "One participant described a visit.",
        "A small number of leads agreed.",
        "A couple of custody leads agreed.",
        "Most child protection leads wanted it.",
        "Most were pleased.",
        "The bulk of interviewees agreed.",
        "No interviewee had heard of it.",
        "A score of 7/12 was told.",
        "Twenty-five people were pleased.",
    ],
)
def test_planted_counts_are_found(planted):
    assert counts_of_people.phrases(planted)


@pytest.mark.parametrize(
    "plain",
    [
        "One view was that interviews were fair.",
        "The most useful part was the debrief.",
        "The follow-up came within six months at most.",
        "An inspection in two stages helped.",
        "Since 2017 the method is more collaborative.",
        "How many of the cases were read was not told.",
        "How many of them hold a view says nothing.",
        "There was a view that reports are late; by contrast they were felt to be timely.",
        "Awareness was higher among senior leaders.",
    ],
)
def test_views_without_a_count_are_left_alone(plain):
    assert counts_of_people.phrases(plain) == []


def test_overlapping_finds_are_told_once_and_in_order():
    text = "Most of the leads, and 7 of 12 partners, wanted more."
    assert counts_of_people.phrases(text) == ["Most of the leads", "7 of 12 partners"]


def test_a_refusal_names_the_place_and_the_phrase():
    with pytest.raises(InputError) as error:
        counts_of_people.refuse("A summary", {"case-1, awareness": "Most leads knew."})
    assert str(error.value) == (
        "A summary counts people, which a qualitative finding must not.\n"
        "  - case-1, awareness: found 'Most leads'; expected no count of people for a qualitative "
        "finding. What to do: Say what the view is and how it varies, not how many hold it."
    )


def test_the_matrix_refuses_a_planted_count():
    from ncpi_eval.intake import framework as tables

    themes, groups, codes = tables.read_themes(), tables.read_groups(), tables.read_frame()
    findings = tables.read_findings(themes, groups, codes)
    findings.loc[3, "summary"] = "Seven of the custody leads knew nothing of it."
    with pytest.raises(InputError, match="awareness.04: found 'Seven of the custody leads'"):
        framework.published_extracts(findings, themes, groups, codes)


# The check of the repository


def notebook(*cells):
    return {
        "cells": [
            {"cell_type": kind, "metadata": {"tags": tags}, "source": source}
            for kind, source, tags in cells
        ]
    }


def test_make_check_reads_prose_captions_and_sentences_of_the_notebook():
    found = checks.people_counted(
        notebook(
            ("markdown", ["Most interviewees ", "agreed."], []),
            ("code", 'tables.show(x, caption="What several leads said")', []),
            ("code", "first = rows.head(3)  # most rows", []),
        )
    )
    assert found == [
        "cell 1 counts people: 'Most interviewees'",
        "cell 2 counts people: 'several'",
    ]


def test_the_achieved_sample_is_the_one_exception():
    sample = notebook(("code", 'say("There were 37 interviews.")', ["achieved-sample"]))
    assert checks.people_counted(sample) == []
    sample["cells"][0]["metadata"]["tags"] = []
    assert checks.people_counted(sample) == ["cell 1 counts people: '37 interviews'"]


def test_the_strand_as_it_stands_counts_nobody():
    assert checks.people_problems() == []


@pytest.mark.skipif(
    not (workspace.OUTPUTS / "html" / "10-framework.html").exists(), reason="needs the built report"
)
def test_the_built_page_counts_nobody_but_the_sample():
    page = lxml.html.parse(str(workspace.OUTPUTS / "html" / "10-framework.html")).getroot()
    # The sample is the declared exception; a passage is what somebody said; the rest is machinery.
    gone = "//*[@id='table-framework-sample' or @id='table-framework-passages']"
    for part in page.xpath(f"{gone} | //details[contains(@class, 'code')] | //style | //footer"):
        part.drop_tree()
    main = page.xpath("//main")[0]
    texts = [" ".join(node.text_content().split()) for node in main.xpath(".//p|.//li|.//td|.//th")]
    assert len(texts) > 300
    assert [found for text in texts if (found := counts_of_people.phrases(text))] == []
