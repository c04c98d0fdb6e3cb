"""What names people, places and forces is taken out of texts. All texts here are invented."""

from __future__ import annotations

import pytest

from ncpi_eval import redaction
from ncpi_eval.redaction import Redactor

FORCES = ["Avon and Somerset", "Kent", "Greater Manchester", "Northbrook", "Devon & Cornwall"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ask jane_doe.7@kent.police.uk now", "Ask [e-mail] now"),
        ("jane.doe (at) example (dot) org", "[e-mail]"),
        ("See https://intranet/x?id=5 or www.example.org/a", "See [link] or [link]"),
        ("see example.co.uk for more", "see [link] for more"),
        ("@officer9 said", "[handle] said"),
        ("Ring 020 7946 0999 or 07700 900123.", "Ring [telephone] or [telephone]."),
        ("+44 (0)7700 900123", "[telephone]"),
        ("at SW1A 1AA today", "at [postcode] today"),
        ("born 01/02/2005, 1st of March 2006 or 2005-02-01", "born [date], [date] or [date]"),
        ("PC 1234 and collar number A77", "[number] and [number]"),
        ("crime ref 06CC/12345/19", "[number]"),
        ("log 5 of 24/7 staff", "log 5 of 24/7 staff"),
        ("In 2017 and 2018/19 the 16/17 year olds", "In 2017 and 2018/19 the 16/17 year olds"),
        ("DS Jane Smith and Mrs O'Neill", "[name] and [name]"),
        ("PC SMITH was kind", "[name] was kind"),
        ("mr smith was kind", "[name] was kind"),
        ("Sarah and Peter Jones-Brown helped", "[name] and [name] helped"),
        ("I hope the marks may rise, Grace period", "I hope the marks may rise, Grace period"),
        ("My name is Xanthe", "[name]"),
        ("Avon & Somerset Police, Kent's MASH and GMP", "[force], [force] MASH and [force]"),
        ("Kentish Town and the Kent Police force", "Kentish Town and the [force]"),
    ],
)  # fmt: skip
def test_what_names_people_and_forces_is_taken_out(text, expected):
    assert redaction.redact(text, FORCES) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>alert('x')</script>Better forms", "Better forms"),
        ("&lt;img src=x onerror=alert(1)&gt; forms", "forms"),
        ("&amp;lt;b&amp;gt;forms", "forms"),
        ("a < b > c", "a c"),
        ("**bold** `code` _it_ # head | cell $x$", "bold code it head cell x"),
        ("[click](javascript:alert(1))", "(click)( alert(1))"),
        ("=HYPERLINK(1)", "HYPERLINK(1)"),
        ("-- +cmd", "cmd"),
        ("line one\r\nline\ttwo\x00", "line one line two"),
        ("safe\u202etxet\u2066 zero\u200bwidth", "safetxet zerowidth"),
        ("0\u200b7700 900\u2060123", "[telephone]"),
        ("\uff10\uff17\uff17\uff10\uff10 900123", "[telephone]"),
        ("077**00 900*123", "[telephone]"),
    ],
)
def test_what_is_left_is_harmless(text, expected):
    assert redaction.redact(text, FORCES) == expected


def test_redacting_twice_changes_nothing():
    texts = [
        "PC 1234 Jane Smith, jane@kent.police.uk, 07700 900123 [name] [nonsense]",
        "[link](http://x.org) <b>Kent</b> &amp;amp;lt;i&gt; 1/2/2003",
        "a[b](c) ](d) **07**700 900123",
    ]
    for text in texts:
        once = redaction.redact(text, FORCES)
        assert redaction.redact(once, FORCES) == once


# Places and words, which only transcripts ask for


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He went to St Mary's Primary in Hove.", "He went to [place] in [place]."),
        ("The custody suite on Long Mill Road was full.", "The custody suite on [place] was full."),
        ("Bury the plan, go to Bury", "[place] the plan, go to [place]"),
        ("schools and hospitals were told", "schools and hospitals were told"),
        ("Operation LANTERN and Xanthe agreed", "[word] and [word] agreed"),
        ("xanthe's team", "[word]'s team"),
    ],
)
def test_places_and_words_go_where_they_are_given(text, expected):
    given = Redactor.of(FORCES, places=["Hove", "Bury"], words=["operation lantern", "Xanthe"])
    assert given.redact(text) == expected


def test_places_stay_where_none_are_asked_for():
    assert Redactor.of(FORCES).redact("Long Mill Road in Hove") == "Long Mill Road in Hove"


def test_a_passage_shows_nothing_that_its_line_hides():
    given = Redactor.of(FORCES)
    text = "I: And then?\nP: I rang DS Smithson, who agreed at once.\nI: Thanks."
    start = text.index("Smithson")
    # Cut inside the name: alone it would not be known as one.
    assert given.redact("Smithson, who agreed") == "Smithson, who agreed"
    assert given.passage(text, start, text.index(" at once")) == "[word], who agreed"
    assert given.passage(text, text.index("I rang"), len(text)) == (
        "I rang [name], who agreed at once. I: Thanks."
    )


def test_what_was_taken_out_is_counted_by_kind_and_line():
    text = "DS Smithson rang 07700 900123.\nSo did DS Brown in Kent."
    assert Redactor.of(FORCES).counts(text) == {"name": 2, "telephone": 1, "force": 1}
