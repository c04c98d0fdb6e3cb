"""Every format gives the same paragraphs back; what is damaged is refused by name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import fpdf
import pytest

from ncpi_eval.document_files import find_documents, map_folder, read_document
from ncpi_eval.document_files.plain import paragraphs_of
from ncpi_eval.errors import InputError
from ncpi_eval.synthesis_documents.files import to_bytes
from ncpi_eval.synthesis_documents.hostile import HOSTILE, write_hostile
from ncpi_eval.synthesis_documents.model import Block, Paper

BLOCKS = [
    Block("h2", "Initial contact"),
    Block("p", "Officers wrote down what they saw. " * 6 + "They did so at once."),
    Block("box", "Recommendations"),
    Block("p", "We recommend that Ashdale Police immediately reviews:"),
    Block("li", "calls made by a child;"),
    Block("li", "repeat calls."),
    Block("row", "Missing children|3|4|5"),
]


def paper(extension: str) -> Paper:
    return Paper(f"a.{extension}", [Block(b.kind, b.text) for b in BLOCKS], {}, footer="The end.")


@pytest.mark.parametrize("extension", ["html", "pdf", "docx"])
def test_three_formats_give_the_same_words_in_the_same_order(
    tmp_path: Path, extension: str
) -> None:
    path = tmp_path / f"a.{extension}"
    path.write_bytes(to_bytes(paper(extension), 1))
    words = " ".join(item.text for item in read_document(path).paragraphs)
    expected = " ".join(block.text.replace("|", " ") for block in BLOCKS)
    plain = words.replace(" | ", " ").replace("  ", " ")
    assert expected in plain


@pytest.mark.parametrize("extension", ["html", "pdf", "docx"])
def test_headings_and_bullets_are_told_from_text(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    path.write_bytes(to_bytes(paper(extension), 1))
    kinds = {item.text: item.kind for item in read_document(path).paragraphs}
    assert kinds["Initial contact"] == "heading"
    assert kinds["Recommendations"] == "heading"
    assert kinds["calls made by a child;"] == "bullet"
    assert kinds["We recommend that Ashdale Police immediately reviews:"] == "text"


def test_a_pdf_paragraph_knows_its_page_and_box(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(to_bytes(paper("pdf"), 1))
    bullet = next(p for p in read_document(path).paragraphs if p.text == "repeat calls.")
    assert bullet.page == 2 and bullet.place == "page 2"
    x0, top, x1, bottom = bullet.box or (0, 0, 0, 0)
    # an indent of 32 mm is 91 points; A4 is 595 by 842 points
    assert 90 < x0 < 95 and x0 < x1 < 595 and 0 < top < bottom < 842


def test_sections_hold_what_stands_below_a_heading(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(to_bytes(paper("html"), 1))
    section = read_document(path).sections[1]
    assert section.heading == "Recommendations"
    assert [item.text for item in section.paragraphs][:2] == [
        "We recommend that Ashdale Police immediately reviews:",
        "calls made by a child;",
    ]


def test_html_leaves_out_navigation_scripts_and_raised_footnote_digits(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text(
        "<html><body><nav>Kent inspection</nav><script>x='We recommend'</script>"
        "<p>Our recom\u00admendations<sup>12</sup> of the 8<sup>th</sup> of March are below.</p>"
        "<p>Efﬁcient&nbsp;work is done here.</p><footer>Print</footer></body></html>",
        encoding="utf-8",
    )
    assert [item.text for item in read_document(path).paragraphs] == [
        "Our recommendations of the 8th of March are below.",
        "Efficient work is done here.",
    ]


def test_a_list_of_contents_is_never_read_as_headings(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "Recommendations ........... 25\n\nRecommendations\n\nWe act.\n", encoding="utf-8"
    )
    assert [(p.kind, p.text) for p in read_document(path).paragraphs] == [
        ("contents", "Recommendations"),
        ("heading", "Recommendations"),
        ("text", "We act."),
    ]


def test_wrapped_lines_are_joined_and_long_lines_stand_alone() -> None:
    wrapped = ["The force reviews the way in which its", "officers record calls.", "", "Next steps"]
    assert paragraphs_of(wrapped) == [
        (1, "The force reviews the way in which its officers record calls."),
        (4, "Next steps"),
    ]
    long = ["One paragraph. " * 20, "Another one. " * 20]
    assert [number for number, _ in paragraphs_of(long)] == [1, 2]


def test_old_encodings_are_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("The force’s plan – a start".encode("cp1252"))
    document = read_document(path)
    assert document.paragraphs[0].text == "The force’s plan – a start"
    assert document.warnings == ("not UTF-8, read as Windows-1252",)


def test_every_hostile_file_is_named_with_a_reason_and_the_rest_go_on(tmp_path: Path) -> None:
    write_hostile(tmp_path)
    (tmp_path / "zz-sound.html").write_bytes(to_bytes(paper("html"), 1))
    results = dict(map_folder(find_documents(tmp_path), warnings_of, workers=2))
    assert list(results) == [*sorted(HOSTILE), "zz-sound.html"]
    for name, reason in HOSTILE.items():
        result = results[name]
        if isinstance(result, InputError):
            assert result.problems[0].place == name
            assert reason in result.problems[0].found, name
            assert result.problems[0].remedy
        else:
            assert reason in result, name
    assert results["zz-sound.html"] == ""


def warnings_of(name: str, path: Path) -> str:
    return "; ".join(read_document(path, name).warnings)


def test_a_refusal_says_place_finding_expectation_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    with pytest.raises(InputError) as caught:
        read_document(tmp_path / "empty.pdf")
    assert str(caught.value) == (
        "empty.pdf was left out: an empty file\n"
        "  - empty.pdf: found an empty file; expected a readable document. "
        "What to do: fetch the document again"
    )


def kills_its_reader(name: str, path: Path) -> str:
    if name == "b.txt":
        os._exit(9)
    return name


def hangs(name: str, path: Path) -> str:
    if name == "b.txt":
        time.sleep(30)
    return name


def three_files(folder: Path) -> list[tuple[str, Path]]:
    for name in ("a.txt", "b.txt", "c.txt"):
        (folder / name).write_text("Some words.", encoding="utf-8")
    return find_documents(folder)


def test_a_file_that_kills_its_reader_costs_only_itself(tmp_path: Path) -> None:
    results = dict(map_folder(three_files(tmp_path), kills_its_reader, workers=2))
    assert results["a.txt"] == "a.txt" and results["c.txt"] == "c.txt"
    assert "stops its reader" in str(results["b.txt"])


def test_a_file_that_hangs_is_given_up(tmp_path: Path) -> None:
    results = dict(map_folder(three_files(tmp_path), hangs, workers=1, seconds=1))
    assert results["c.txt"] == "c.txt"
    assert "takes more than 1 seconds" in str(results["b.txt"])


def test_a_missing_or_empty_folder_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="correct the parameter DOCUMENTS"):
        find_documents(tmp_path / "none")
    with pytest.raises(InputError, match="holds no document"):
        find_documents(tmp_path)


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    pdf = fpdf.FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=10)
    left = "In the left column a sentence runs on over several lines before it ends. " * 4
    right = "To the right another one begins, and no line of it may be mixed in. " * 2
    for x, text in ((15, left), (110, right)):
        pdf.set_xy(x, 30)
        pdf.multi_cell(80, 5, text, align="L")
    path = tmp_path / "columns.pdf"
    pdf.output(str(path))
    words = " ".join(item.text for item in read_document(path).paragraphs)
    assert words == f"{left.strip()} {right.strip()}"


def test_a_table_with_a_wide_gap_is_not_taken_for_two_columns(tmp_path: Path) -> None:
    pdf = fpdf.FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=10)
    for row in range(8):
        pdf.text(15, 30 + 6 * row, f"Children missing from home, area {row}")
        for column in range(3):
            pdf.text(120 + 20 * column, 30 + 6 * row, str(row + column))
    path = tmp_path / "table.pdf"
    pdf.output(str(path))
    first = read_document(path).paragraphs[0]
    assert (first.kind, first.text) == ("row", "Children missing from home, area 0 | 0 | 1 | 2")


def test_names_that_a_table_cannot_hold_are_shown_and_read(tmp_path: Path) -> None:
    odd = tmp_path / "new\nline\x1b[31m.txt"
    odd.write_text("Some words.", encoding="utf-8")
    broken = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.txt"))
    try:
        broken.write_text("Some words.", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes no such name")
    names = [name for name, _ in find_documents(tmp_path)]
    assert names == [r"bad\xff.txt", r"new\nline\x1b[31m.txt"]
    assert all(path.is_file() for _, path in find_documents(tmp_path))


def test_a_recommendation_in_bold_is_one_sentence_and_a_bold_heading_stays_one(
    tmp_path: Path,
) -> None:
    asked = (
        "Ashdale Constabulary should, within three months, carry out a training needs\n"
        "analysis for all who meet children in their work."
    )
    finding = "The force does not always record the views of children when its officers\nattend"
    pdf = fpdf.FPDF()
    pdf.add_page()
    for style, text in (("", "Officers wrote down what they saw. " * 9), ("B", finding)):
        pdf.set_font("Helvetica", style, 11)
        pdf.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(4)
    pdf.multi_cell(0, 6, asked, new_x="LMARGIN", new_y="NEXT")
    path = tmp_path / "bold.pdf"
    pdf.output(str(path))
    kinds = {item.text: item.kind for item in read_document(path).paragraphs}
    assert kinds[asked.replace("\n", " ")] == "text"
    assert kinds[finding.replace("\n", " ")] == "heading"
