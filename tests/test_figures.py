"""Pictures: described, the same every time, never drawn from what was not released."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from ncpi_eval import figures, results, tables
from ncpi_eval.errors import InputError

ALT = "More respondents in inspected forces know the aims than elsewhere."


@pytest.fixture(autouse=True)
def outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_WRITE", str(tmp_path))
    monkeypatch.setattr(tables, "_used", {})
    return tmp_path


def frame(kind="synthetic", counts=(30, 40)):
    return pd.DataFrame(
        {
            "id": ["Q.1.s.inspected.2019", "Q.1.s.uninspected.2019"],
            "item": "Aims & <i>",
            "label": ["Yes", "No"],
            "subgroup": ["inspected", "uninspected"],
            "unit": "respondents",
            "count": list(counts),
            "denominator": [60, 160],
            "estimate": [counts[0] / 60, counts[1] / 160],
            "ci_low": [0.38, 0.19],
            "ci_high": [0.62, 0.32],
            "data_kind": kind,
        }
    )


def show(data, **given):
    fixed = {"name": "aims", "caption": "Who knows the aims", "source": "Survey", "alt": ALT}
    return figures.show(figures.bars(data), data, **{**fixed, **given})


def test_a_picture_has_description_numbers_and_files(outputs):
    html = show(results.save("survey_estimates", frame())).html
    assert 'role="img" aria-labelledby="aims-title aims-desc"' in html
    assert f'<desc id="aims-desc">{ALT}</desc>' in html
    assert '<p class="caption">Who knows the aims</p>' in html
    assert "<summary>The numbers behind “Who knows the aims”</summary>" in html
    assert '<a href="data-survey_estimates.html#Q.1.s.inspected.2019">50%</a>' in html
    assert '<a href="../figures/aims.csv">' in html
    assert '<a href="../figures/aims.svg">' in html
    assert sorted(p.name for p in (outputs / "figures").iterdir()) == ["aims.csv", "aims.svg"]


def test_it_is_the_same_every_time(outputs):
    first = show(frame()).html
    file = (outputs / "figures/aims.svg").read_bytes()
    tables._used.clear()
    assert show(frame()).html == first
    assert (outputs / "figures/aims.svg").read_bytes() == file
    assert b"<metadata" not in file and b"20" + b"26" not in file


def test_it_needs_no_inline_style_and_its_ids_are_its_own():
    html = show(frame()).html
    assert "style=" not in html and "<style" not in html
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert all(identity.startswith(("aims-", "figure-aims")) for identity in ids)


def test_synthetic_data_says_so_inside_the_picture_and_below():
    html = show(frame()).html
    assert ">Synthetic data</text>" in html
    assert "Synthetic data: invented" in html
    tables._used.clear()
    assert "Synthetic" not in show(frame(kind="real")).html


def test_labels_are_text_and_escaped():
    html = show(frame()).html
    assert "Aims &amp; &lt;i&gt;" in html
    assert "<i>" not in html


@pytest.mark.parametrize(
    "alt, found",
    [
        ("", "0 characters"),
        ("x" * 29, "29 characters"),
        ("x" * 251, "251 characters"),
        ("No description has been provided for this image", "a stock phrase"),
        ("Bar chart showing the percentages of respondents", "a stock phrase"),
        ("Chart of awareness of the aims by inspection status", "a stock phrase"),
    ],
)
def test_a_picture_without_a_description_is_refused(alt, found):
    with pytest.raises(InputError, match=f"alt: found {found}"):
        show(frame(), alt=alt)


@pytest.mark.parametrize("length", [30, 250])
def test_the_limits_of_a_description_are_allowed(length):
    assert figures.describe("x" * length) == "x" * length


def test_a_description_is_not_the_caption():
    with pytest.raises(InputError, match="found the caption again"):
        figures.describe(
            "The caption of this one, long enough.", "The caption of this one, long enough"
        )


def test_a_percentage_typed_into_a_description_is_refused():
    with pytest.raises(InputError, match="typed number"):
        show(frame(), alt="In inspected forces 50% of the respondents know the aims.")


def test_rows_that_were_not_released_are_refused():
    small = frame(kind="real", counts=(5, 40))
    with pytest.raises(InputError, match="drawn from rows that had not been released"):
        show(small)


def test_a_withheld_bar_is_marked():
    released = results.save("real_results", frame(kind="real", counts=(5, 40)))
    assert ">[c]</text>" in show(released).html


def test_more_than_four_groups_are_refused():
    many = pd.concat([frame().assign(subgroup=name).head(1) for name in "abcde"])
    with pytest.raises(InputError, match="found 5 groups: a, b, c, d, e; expected at most 4"):
        figures.bars(many)


def test_two_rows_for_one_bar_are_refused():
    with pytest.raises(InputError, match="two rows for 'Aims & <i>'"):
        figures.bars(pd.concat([frame(), frame()]))


def test_bars_are_as_long_as_the_proportions():
    drawn = figures.bars(frame()).axes[0].patches
    widths = [patch.get_width() for patch in drawn if patch.get_width() == patch.get_width()]
    assert widths == [0.5, 0.25]


def test_a_whole_distribution_fills_its_bar():
    data = frame().assign(subgroup="all", estimate=[0.25, 0.75], denominator=160, count=[40, 120])
    drawn = figures.stacked(data).axes[0].patches
    ends = [(p.get_x(), p.get_width()) for p in drawn if p.get_width() == p.get_width()]
    assert ends == [(0.0, 0.25), (0.25, 0.75)]


def test_ranges_show_what_holds_the_reference():
    data = pd.DataFrame(
        {
            "id": ["a", "b"],
            "item": ["Aims", "Impact"],
            "p_low": [0.001, 0.02],
            "p_high": [0.01, 0.2],
            "unit": "tests",
            "data_kind": "published",
        }
    )
    drawn = figures.dots(
        data, value=None, low="p_low", high="p_high", axis="p", reference=0.05, logarithmic=True
    )
    colours = [line.get_color() for line in drawn.axes[0].lines]
    assert colours[:4] == [figures.DARK_BLUE, figures.DARK_BLUE] + [figures.DARK_PINK] * 2


def test_a_crowded_picture_becomes_pixels(monkeypatch, outputs):
    monkeypatch.setattr(figures, "LARGEST_SVG", 100)
    html = show(frame()).html
    assert f'<img alt="{ALT}" src="data:image/png;base64,' in html
    assert (outputs / "figures/aims.png").is_file()


# WCAG 2.2, 1.4.3: white on dark blue 10.6:1, dark text on orange.
@pytest.mark.parametrize("colour, text", [("#12436D", "white"), ("#F46A25", figures.TEXT_COLOUR)])
def test_labels_contrast_with_their_bar(colour, text):
    assert figures.readable_on(colour) == text
