"""Turn a planned document into a file: HTML, PDF, Word or text, the same bytes every time."""

from __future__ import annotations

import html
import io
import zipfile
from datetime import UTC, datetime

from ncpi_eval.synthesis_documents.model import Block, Paper

_STAMP = datetime(2024, 1, 1, tzinfo=UTC)


def to_bytes(paper: Paper, style: int) -> bytes:
    """The file; ``style`` chooses among the looks of its format."""
    writers = {"html": to_html, "pdf": to_pdf, "docx": to_word, "txt": to_text}
    return writers[paper.format](paper, style)


def to_html(paper: Paper, style: int) -> bytes:
    """A web page: with or without nested lists of contents, boxes as divisions or tables."""
    body: list[str] = []
    open_list = open_table = False
    for position, block in enumerate(paper.blocks):
        text = html.escape(block.text, quote=False)
        if open_list and block.kind not in ("li", "contents"):
            body.append("</ul>")
            open_list = False
        if open_table and block.kind != "row":
            body.append("</table>")
            open_table = False
        if block.kind in ("li", "contents"):
            if not open_list:
                body.append("<ul>")
                open_list = True
            slug = "".join(ch for ch in block.text.lower() if ch.isalnum())[:20]
            linked = (
                f'<a href="#{slug}">{text}</a>' if block.kind == "contents" and style % 2 else text
            )
            body.append(f"<li>{linked}</li>")
        elif block.kind == "row":
            if not open_table:
                body.append("<table>")
                open_table = True
            body.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in text.split("|")) + "</tr>")
        elif block.kind == "box":
            body.append(f'<div class="box"><h4>{text}</h4></div>')
        elif block.kind in ("h1", "h2", "h3"):
            body.append(f'<{block.kind} id="s{position}">{_footnotes(text, style)}</{block.kind}>')
        else:
            body.append(f"<p>{_footnotes(text, style)}</p>")
    body += ["</ul>"] * open_list + ["</table>"] * open_table
    link = f'<link rel="canonical" href="{paper.address}">' if paper.address else ""
    page = (
        f'<!DOCTYPE html>\n<html lang="en-GB"><head><meta '
        f'charset="utf-8"><title>{html.escape(paper.title)}</title>'
        f'<meta name="data_kind" content="synthetic">{link}<script>var recommend = "within '
        f'three months";</script></head>\n'
        '<body><nav><ul><li><a href="/">Home</a></li><li>Durham – National child protection '
        "inspection</li></ul></nav>\n"
        "<main>\n" + "\n".join(body) + f"\n</main>\n<p>{paper.footer}</p>\n"
        "<footer>Print this document. Back to publication.</footer></body></html>\n"
    )
    return page.encode("utf-8")


def _footnotes(text: str, style: int) -> str:
    """Some pages raise their footnote digits, others let them stick to the word."""
    if style % 2:
        for digit in "123":
            text = text.replace(f"inspection{digit} of", f"inspection<sup>{digit}</sup> of")
    return text


_WINDOWS = str.maketrans(
    {"•": "\x95", "–": "\x96", "‘": "\x91", "’": "\x92", "“": "\x93", "”": "\x94", "\u2011": "-"}
)


def to_pdf(paper: Paper, style: int) -> bytes:
    """A PDF with cover, contents with dot leaders, running header, page numbers."""
    from fpdf import FPDF

    header = paper.cover[0] if paper.cover else paper.title

    class Report(FPDF):
        def header(self) -> None:
            if self.page_no() > 1 and style % 2:
                self.set_font("Helvetica", size=8)
                self.set_y(10)
                self.cell(0, 5, header.translate(_WINDOWS), new_x="LMARGIN", new_y="NEXT")
                self.set_y(22)

        def footer(self) -> None:
            if self.page_no() > 1:
                self.set_y(-15)
                self.set_font("Helvetica", size=9)
                self.cell(0, 6, str(self.page_no()), align="C" if style % 3 else "R")

    pdf = Report()
    pdf.set_creation_date(_STAMP)
    pdf.set_keywords("data_kind=synthetic")
    pdf.set_title(paper.title)
    pdf.set_margin(25)
    pdf.set_auto_page_break(True, 25)
    pdf.add_page()
    pdf.set_y(70)
    for position, line in enumerate(paper.cover):
        size = 24 if position == 0 else 18 if position == 1 else 12
        pdf.set_font("Helvetica", "B" if position == 0 else "", size)
        pdf.multi_cell(0, size * 0.5, line.translate(_WINDOWS), new_x="LMARGIN", new_y="NEXT")
        pdf.ln(4)
    pdf.add_page()
    for block in [*paper.blocks, Block("p", paper.footer)]:
        _pdf_block(pdf, block, style)
    return bytes(pdf.output())


def _pdf_block(pdf: object, block: Block, style: int) -> None:
    text = block.text.replace("|", "    ").translate(_WINDOWS)
    looks = {
        "h1": ("B", 22),
        "h2": ("B", 16),
        "h3": ("B", 12 if style % 2 else 11),
        "box": ("B", 11),
    }
    weight, size = looks.get(block.kind, ("", 11))
    pdf.set_font("Helvetica", weight, size)  # type: ignore[attr-defined]
    if block.kind in ("h2", "h3", "box"):
        pdf.ln(3)  # type: ignore[attr-defined]
    if block.kind == "contents":
        text = text + " " + "." * max(4, 90 - len(text)) + " 7"
    if block.kind == "li":
        pdf.set_x(32)  # type: ignore[attr-defined]
        text = "\x95 " + text if style % 4 else "\x96 " + text
    pdf.multi_cell(0, size * 0.5, text, new_x="LMARGIN", new_y="NEXT", align="L")  # type: ignore[attr-defined]
    pdf.ln(1 if block.kind == "li" else 2.5)  # type: ignore[attr-defined]


def to_word(paper: Paper, style: int) -> bytes:
    """A Word file with heading styles, or with bold paragraphs that only look like headings."""
    import docx

    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.keywords, properties.author = (
        paper.title,
        "data_kind=synthetic",
        "",
    )
    properties.created = properties.modified = _STAMP.replace(tzinfo=None)
    properties.last_modified_by, properties.revision = "", 1
    for position, line in enumerate(paper.cover):
        document.add_paragraph(line, style="Title" if position == 0 else "Normal")
    table = None
    for block in [*paper.blocks, Block("p", paper.footer)]:
        if block.kind != "row":
            table = None
        if block.kind == "row":
            cells = block.text.split("|")
            if table is None:
                table = document.add_table(rows=0, cols=len(cells))
            for cell, text in zip(table.add_row().cells, cells, strict=False):
                cell.text = text
        elif block.kind in ("h1", "h2", "h3"):
            if style % 3 == 2 and block.kind == "h3":
                document.add_paragraph().add_run(block.text).bold = True
            else:
                document.add_heading(block.text, level=int(block.kind[1]))
        elif block.kind == "box":
            box = document.add_table(rows=1, cols=1)
            box.rows[0].cells[0].paragraphs[0].add_run(block.text).bold = True
        elif block.kind == "li":
            document.add_paragraph(block.text, style="List Bullet")
        elif block.kind == "contents":
            document.add_paragraph(f"{block.text}\t7")
        else:
            document.add_paragraph(block.text)
    buffer = io.BytesIO()
    document.save(buffer)
    return _same_every_time(buffer.getvalue())


def _same_every_time(raw: bytes) -> bytes:
    """The archive with fixed times and the strongest packing."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for entry in sorted(source.namelist()):
            if entry.endswith("thumbnail.jpeg"):
                continue
            content = source.read(entry)
            if entry == "_rels/.rels":
                content = _without_thumbnail(content)
            target.writestr(
                zipfile.ZipInfo(entry, (2024, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED
            )
    return buffer.getvalue()


def _without_thumbnail(relations: bytes) -> bytes:
    import re

    return re.sub(rb"<Relationship [^>]*thumbnail[^>]*/>", b"", relations)


def to_text(paper: Paper, style: int) -> bytes:
    """Plain text: a paragraph a line with blank lines between."""
    lines = []
    for block in [*paper.blocks, Block("p", paper.footer)]:
        mark = "- " if block.kind == "li" else ""
        lines.append(mark + block.text.replace("|", "\t"))
    return ("\n\n".join(lines) + "\n").encode("utf-8")
