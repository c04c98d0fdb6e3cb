"""What cannot be seen becomes visible, what turns other words stops turning them."""

from __future__ import annotations

import pandas as pd
import pytest

from ncpi_eval import disclosure, inert
from ncpi_eval.prose import Shown


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain – “text” é 5\u202f% \n\t", "plain – “text” é 5\u202f% \n\t"),
        ("a\x00b", "a\u2400b"),
        ("a\x08\x7fb", "a\u2408\u2421b"),
        ("a\x1b[31mred\x1b[0mb", "aredb"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x1bb", "a\u241bb"),
        ("abc\u202egpj.exe", "abc[U+202E]gpj.exe"),
        ("\u2066x\u2069\u200f\ufeff", "[U+2066]x[U+2069][U+200F][U+FEFF]"),
        ("a\u0085b\u2028c", "a[U+0085]b[U+2028]c"),
        ("half \ud83d a character", "half [U+D83D] a character"),
        ("Z" + "\u0301" * 30 + "a", "Z" + "\u0301" * 4 + "a"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    ],
)
def test_marks(given, expected):
    assert inert.marked(given) == expected
    assert inert.marked(expected) == expected


def test_a_long_cell_says_how_long_it_is():
    whole = "x" * inert.LONGEST
    assert inert.shortened(whole) == whole
    assert inert.shortened(whole + "y") == whole + "… (4,001 characters)"


def test_a_frame_keeps_all_that_is_harmless():
    frame = pd.DataFrame({"a": ["x", "y\x00"], "n": [1, 2], "o": ["x", None]}, index=[5, 9])
    safe = inert.cells(frame)
    assert safe["a"].tolist() == ["x", "y\u2400"]
    assert safe["n"].equals(frame["n"]) and safe["o"].equals(frame["o"])
    assert list(safe.index) == [5, 9] and frame["a"].iloc[1] == "y\x00"
    assert inert.cells(safe) is safe


def test_what_is_released_and_what_is_shown_is_harmless():
    row = pd.DataFrame({"label": ["a\u202eb"], "unit": "cases", "data_kind": "synthetic"})
    assert disclosure.release(row)["label"].tolist() == ["a[U+202E]b"]
    shown = Shown("<p>\u202e</p>", "\u202e", {"caption": "\x00", "data_kind": ["real"]})
    assert (shown.html, shown.text) == ("<p>[U+202E]</p>", "[U+202E]")
    assert shown.metadata == {"caption": "\u2400", "data_kind": ["real"]}
