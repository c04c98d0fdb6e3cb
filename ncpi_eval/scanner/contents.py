"""What is in an output file, also where a reader would not look.

Every file becomes pieces of text and tables. Pieces are taken from comments, attributes,
alternative texts, metadata, hidden sheets and columns, and from what is encoded in base64, besides
what is shown. Only the standard library is used: nothing that wrote a file also reads it back.
"""

from __future__ import annotations

import base64
import binascii
import csv
import html
import io
import json
import re
import struct
import unicodedata
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# A file in a file in a file; anything deeper is not of this project.
DEEPEST = 4
LARGEST_PART = 50_000_000


@dataclass
class Table:
    """Rows of cells below a header.

    Parameters
    ----------
    place : str
        Where in the file.
    shows : str
        The file of rows that it says it shows, such as ``tables/areas.csv``; blank if none.
    notes : list of str
        What stands above the header.
    """

    place: str
    header: list[str]
    rows: list[list[str]]
    shows: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass
class Content:
    """What a file holds.

    Parameters
    ----------
    name : str
        Path below the folder that is scanned.
    pieces : dict of str to str
        Text and the place where it stands first.
    tables : list of Table
        Everything that has rows and columns.
    links : list of (target, text)
        Links of pages, for numbers that point at their row.
    unreadable : str
        Why the file could not be read; blank if it could.
    """

    name: str
    pieces: dict[str, str] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    unreadable: str = ""

    def add(self, piece: str, place: str) -> None:
        """Keep a piece of text with its first place, as it stands and as it reads."""
        if piece and piece not in self.pieces:
            self.pieces[piece] = place
            self.add(as_read(piece), place)


_CODED = re.compile(r"[&%\\]")
_LETTER = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|0*([0-9A-Fa-f]{2,6}) ?)")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[2-7][0-9A-Fa-f]){20,}(?![0-9A-Fa-f])")


def as_read(piece: str) -> str:
    """A piece in plain letters, without codes of any kind and what takes no room.

    Entities, percent codes, escapes of JSON and of style sheets, and bytes written as hexadecimal
    digits are undone, once; whoever keeps what comes of it asks again.
    """
    text = piece
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    if _CODED.search(text) or (len(text) >= 40 and _HEX.search(text)):
        text = urllib.parse.unquote(html.unescape(text))
        text = _LETTER.sub(lambda m: _letter(next(filter(None, m.groups())), m[0]), text)
        text = _HEX.sub(lambda m: _unhexed(m[0]), text)
    return " ".join(text.split()) if text != piece else text


def _letter(code: str, otherwise: str) -> str:
    number = int(code, 16)
    return chr(number) if 32 <= number < 0xD800 else otherwise


def _unhexed(digits: str) -> str:
    data = bytes.fromhex(digits)
    return data.decode("ascii") if all(32 <= byte < 127 for byte in data) else digits


def read(name: str, data: bytes) -> Content:
    """Content of a file, by what its name says and its first bytes."""
    content = Content(name)
    try:
        _into(content, name, data, "", 0)
    except (ValueError, KeyError, zipfile.BadZipFile, zlib.error, struct.error, csv.Error) as error:
        content.unreadable = f"{type(error).__name__}: {error}"
    return content


def _into(content: Content, name: str, data: bytes, place: str, depth: int) -> None:
    if depth > DEEPEST or len(data) > LARGEST_PART:
        raise ValueError("nested too deep or too large to be gone through")
    suffix = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    if data.startswith(b"PK\x03\x04"):
        _archive(content, data, place, depth)
    elif data.startswith(b"\x1f\x8b"):
        unpacked = zlib.decompressobj(31).decompress(data, LARGEST_PART + 1)
        _into(content, name.removesuffix(".gz"), unpacked, _joined(place, "unpacked"), depth + 1)
    elif data.startswith(b"\x89PNG"):
        _png(content, data, place)
    elif suffix == "csv":
        _csv(content, data.decode("utf-8-sig"), place)
    elif suffix in ("html", "htm", "svg", "xml", "rels", "xhtml"):
        markup(content, data.decode("utf-8-sig"), place, depth)
    elif suffix in ("ipynb", "json", "jsonld"):
        _json(content, json.loads(data.decode("utf-8-sig")), place, depth)
    elif _is_text(data):
        plain(content, data.decode("utf-8-sig"), place)
    else:
        _strings(content, data, place)


def _is_text(data: bytes) -> bool:
    if b"\0" in data[:4096]:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


_PAIR = re.compile(r"(\S.*?)\s{2,}(\d+)\s*")


def plain(content: Content, text: str, place: str) -> None:
    """Text as its lines, and as tables where a line looks like the header of one."""
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        content.add(" ".join(line.split()), _joined(place, f"line {number}"))
    if re.search(r"(?m)^(?:Name: .*, )?dtype: int\d", text):
        # A series that was printed: a label and its number in each line.
        pairs = [list(m.groups()) for m in map(_PAIR.fullmatch, lines) if m]
        content.tables.append(Table(_joined(place, "series"), ["", "count"], pairs))
    if lines:
        # A frame that was printed: cells with two spaces or a separator between them.
        rows = [re.split(r"\s{1,}|[,;|\t]", line.strip()) for line in lines]
        for number, row in enumerate(rows):
            if len(row) > 3:
                content.tables.append(
                    Table(_joined(place, f"line {number + 1}"), row, rows[number + 1 :])
                )
                break


def _joined(*places: str) -> str:
    return ", ".join(place for place in places if place)


def _csv(content: Content, text: str, place: str) -> None:
    rows = list(csv.reader(io.StringIO(text)))
    if not rows:
        return
    content.tables.append(Table(place, rows[0], rows[1:]))
    for number, row in enumerate(rows, start=1):
        for cell in row:
            if cell and cell not in content.pieces:
                content.add(cell, _joined(place, f"row {number}"))


# ---------------------------------------------------------------------------------------------
# Pages and pictures


_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)|<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_CODE = re.compile(r"<(script|style)\b[^>]*>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)
_TABLE = re.compile(r"<table\b.*?</table\s*>", re.DOTALL | re.IGNORECASE)
_SHOWN = re.compile(
    r"""<figure\b[^>]*\bid=["'](table|figure)-([\w-]+)["'].*?</figure\s*>""", re.DOTALL
)
_CAPTION = re.compile(r"<caption\b.*?</caption\s*>", re.DOTALL | re.IGNORECASE)
_ROW = re.compile(r"<tr\b([^>]*)>(.*?)(?=<tr\b|</tr\s*>|</table)", re.DOTALL | re.IGNORECASE)
_CELL = re.compile(r"<t[dh]\b[^>]*>(.*?)(?=<t[dh]\b|</t[dh]\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_LINK = re.compile(
    r"""<a\s[^>]*?href\s*=\s*["'](?:html/)?(data-[\w-]+\.html#[^"']+)["'][^>]*>(.*?)</a>""",
    re.DOTALL | re.IGNORECASE,
)
_INLINE = re.compile(
    r"</?(?:a|abbr|b|bdi|code|em|font|i|mark|q|s|small|span|strong|sub|sup|tspan|u|var|wbr)\b[^>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^>]*>")
_OPENING = re.compile(r"<[A-Za-z][^>]*>")
_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
# Attributes of shapes and style, and addresses within the report.
_SHAPE = frozenset(
    "d points transform style viewbox x y x1 x2 y1 y2 cx cy r rx ry width height class scope role "
    "fill stroke xmlns charset colspan rowspan tabindex clip-path preserveaspectratio".split()
)
_ADDRESS = re.compile(r"(?:data-[\w-]+\.html)?#[A-Za-z][\w.|-]*|(?:\.\./)?[\w/-]+\.\w+")
_ENCODED = re.compile(r"data:([\w/+.-]*)(?:;[\w=.-]+)*;base64,([A-Za-z0-9+/=\s%]+)")
_BARE = re.compile(
    r"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{4}){7,}"
    r"(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?(?![A-Za-z0-9+/=])"
)
_ENDINGS = {"image/svg+xml": "x.svg", "text/html": "x.html", "text/csv": "x.csv"}


def markup(content: Content, text: str, place: str, depth: int = 0) -> None:
    """Pieces of HTML, SVG or XML: comments, attributes, code and text, and its tables."""
    for match in _COMMENT.finditer(text):
        _lines(content, match[1] or match[2] or "", _joined(place, "comment"))
    for name, code in _CODE.findall(text):
        _lines(content, code, _joined(place, name.lower()))
    text = _CODE.sub(" ", re.sub(r"<!--.*?(?:-->|\Z)", " ", text, flags=re.DOTALL))
    text = text.replace("<![CDATA[", "").replace("]]>", "")
    for tag in set(_OPENING.findall(text)):
        _attributes(content, tag, place, depth)
    content.links += [(target, words(inner)) for target, inner in _LINK.findall(text)]
    shown = list(_SHOWN.finditer(text))
    for number, table in enumerate(_TABLE.finditer(text), start=1):
        above = [match for match in shown if match.start() < table.start() < match.end()]
        shows = f"{above[-1][1]}s/{above[-1][2]}.csv" if above else ""
        _html_table(content, table.group(), _joined(place, f"table {number}"), shows)
    for node in set(_TAG.split(_INLINE.sub("", text))):
        piece = " ".join(html.unescape(node).split())
        content.add(piece, place or "text")
        _encoded(content, piece, place, depth)


def words(text: str) -> str:
    """Markup as the text that it shows."""
    return " ".join(html.unescape(_TAG.sub(" ", _INLINE.sub("", text))).split())


def _lines(content: Content, text: str, place: str) -> None:
    for line in html.unescape(text).splitlines():
        piece = " ".join(line.split())
        content.add(piece, place)
        _encoded(content, piece, place, DEEPEST - 1)


def _attributes(content: Content, tag: str, place: str, depth: int) -> None:
    for name, *values in _ATTRIBUTE.findall(tag):
        if name.lower() in _SHAPE:
            continue
        value = "".join(values)
        if name in ("href", "id", "xlink:href") and _ADDRESS.fullmatch(value):
            content.add(value, _joined(place, f"attribute {name}"))
            continue
        value = " ".join(html.unescape(value).split())
        content.add(value if len(value) < 100_000 else "", _joined(place, f"attribute {name}"))
        _encoded(content, value, _joined(place, f"attribute {name}"), depth)


def _encoded(content: Content, text: str, place: str, depth: int) -> None:
    """What is encoded in base64, as a data address or bare."""
    if len(text) < 28:
        return
    for kind, body in _ENCODED.findall(text):
        _decoded(content, body, _ENDINGS.get(kind, "x"), place, depth)
    if "base64," not in text:
        for body in _BARE.findall(text):
            _decoded(content, body, "", place, depth)


def _decoded(content: Content, body: str, name: str, place: str, depth: int) -> None:
    try:
        data = base64.b64decode(re.sub(r"\s|%3D", "", body), validate=True)
    except binascii.Error:
        return
    # Bare text that happens to have the letters of base64 becomes noise and not text.
    if not name and not _is_readable(data):
        return
    _into(content, name or "x", data, _joined(place, "base64"), depth + 1)


def _is_readable(data: bytes) -> bool:
    return data.startswith((b"\x89PNG", b"PK\x03\x04")) or (
        _is_text(data) and all(byte >= 32 or byte in (9, 10, 13) for byte in data)
    )


def _html_table(content: Content, table: str, place: str, shows: str) -> None:
    rows = []
    for _, inner in _ROW.findall(_CAPTION.sub("", table)):
        rows.append([words(cell) for cell in _CELL.findall(inner)])
    rows = [row for row in rows if row]
    if rows:
        data_page = re.fullmatch(r"(?:.*/)?data-([\w-]+)\.html", content.name)
        shows = f"results/{data_page[1]}.csv" if data_page else shows
        content.tables.append(Table(place, rows[0], rows[1:], shows))


# ---------------------------------------------------------------------------------------------
# Notebooks and other JSON


def _json(content: Content, value: Any, place: str, depth: int) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("cells"), list) and "nbformat" in value:
            _notebook(content, value, place, depth)
            return
        for key, inner in value.items():
            content.add(str(key), _joined(place, "key"))
            _json(content, inner, _joined(place, str(key)[:40]), depth)
    elif isinstance(value, list):
        if value and all(isinstance(inner, dict) for inner in value):
            header = list(dict.fromkeys(str(key) for inner in value for key in inner))
            rows = [[_cell(inner.get(key)) for key in header] for inner in value]
            content.tables.append(Table(place, header, rows))
        for number, inner in enumerate(value, start=1):
            _json(content, inner, _joined(place, str(number)), depth)
    elif isinstance(value, str):
        _string(content, value, place, depth)
    elif value is not None and not isinstance(value, bool):
        content.add(str(value), place)


def _cell(value: Any) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _string(content: Content, text: str, place: str, depth: int) -> None:
    if "<" in text and ">" in text and _TAG.search(text):
        markup(content, text, place, depth)
    else:
        _lines(content, text, place)
        _encoded(content, text, place, depth)


def _notebook(content: Content, notebook: dict[str, Any], place: str, depth: int) -> None:
    _json(content, notebook.get("metadata", {}), _joined(place, "metadata"), depth)
    for number, cell in enumerate(notebook["cells"], start=1):
        here = _joined(place, f"cell {number}")
        _lines(content, _text(cell.get("source", "")), _joined(here, "source"))
        _json(content, cell.get("metadata", {}), _joined(here, "metadata"), depth)
        _json(content, cell.get("attachments", {}), _joined(here, "attachment"), depth)
        for output in cell.get("outputs", []):
            _output(content, output, here, depth)


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _output(content: Content, output: dict[str, Any], place: str, depth: int) -> None:
    if "text" in output:
        plain(content, _text(output["text"]), _joined(place, str(output.get("name", "stream"))))
    if output.get("output_type") == "error":
        said = [output.get("ename", ""), output.get("evalue", ""), *output.get("traceback", [])]
        text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(map(str, said)))
        plain(content, text, _joined(place, "error"))
    for kind, body in output.get("data", {}).items():
        here = _joined(place, kind)
        if kind in ("text/html", "image/svg+xml", "text/markdown", "text/latex"):
            markup(content, _text(body), here, depth)
        elif kind.startswith("text/"):
            plain(content, _text(body), here)
        elif isinstance(body, str) and kind.startswith(("image/", "application/pdf")):
            _decoded(content, body, "x.bin", here, depth)
        else:
            _json(content, body, here, depth)
    _json(content, output.get("metadata", {}), _joined(place, "output metadata"), depth)


# ---------------------------------------------------------------------------------------------
# Workbooks, documents, pictures and whatever else


def _archive(content: Content, data: bytes, place: str, depth: int) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.namelist()
        if sum(info.file_size for info in archive.infolist()) > LARGEST_PART:
            raise ValueError("an archive that is too large when unpacked")
        if "xl/workbook.xml" in parts:
            _workbook(content, archive, place)
        for part in parts:
            is_cells = re.fullmatch(r"xl/(worksheets/sheet\d+|styles|theme/\w+)\.xml", part)
            if not part.endswith("/") and not is_cells:
                _into(content, part, archive.read(part), _joined(place, part), depth + 1)


_SHEET = re.compile(r"<sheet\b[^>]*>")
_SHARED = re.compile(r"<si\b[^>]*>(.*?)</si>|<si\s*/>", re.DOTALL)
_XLSX_ROW = re.compile(r"<row\b([^>]*)>(.*?)</row>", re.DOTALL)
_XLSX_CELL = re.compile(r"<c\b([^>]*?)(?:/>|>(.*?)</c>)", re.DOTALL)
_VALUE = re.compile(r"<(?:v|t)\b[^>]*>(.*?)</(?:v|t)>", re.DOTALL)


def _workbook(content: Content, archive: zipfile.ZipFile, place: str) -> None:
    """Cells of every sheet, hidden ones too."""
    parts = archive.namelist()
    shared: list[str] = []
    if "xl/sharedStrings.xml" in parts:
        text = archive.read("xl/sharedStrings.xml").decode("utf-8")
        shared = [words(inner) for inner in _SHARED.findall(text)]
    names = _SHEET.findall(archive.read("xl/workbook.xml").decode("utf-8"))
    sheets = sorted(
        (part for part in parts if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", part)),
        key=lambda part: int(re.sub(r"\D", "", part)),
    )
    for number, part in enumerate(sheets):
        found = dict(_named(names[number])) if number < len(names) else {}
        hidden = " (hidden)" if found.get("state", "visible") != "visible" else ""
        here = _joined(place, f"sheet {found.get('name', number + 1)}{hidden}")
        _sheet(content, archive.read(part).decode("utf-8"), shared, here)


def _named(tag: str) -> Iterator[tuple[str, str]]:
    for name, *values in _ATTRIBUTE.findall(tag):
        yield name, html.unescape("".join(values))


def _sheet(content: Content, text: str, shared: list[str], place: str) -> None:
    rows: list[list[str]] = []
    for attributes, inner in _XLSX_ROW.findall(text):
        number = dict(_named(f"<row {attributes}>")).get("r", str(len(rows) + 1))
        row = []
        for given, body in _XLSX_CELL.findall(inner):
            value = "".join(_VALUE.findall(body))
            is_shared = 't="s"' in given and value.isdigit()
            cell = shared[int(value)] if is_shared else words(value)
            row.append(cell)
            content.add(cell, _joined(place, f"row {number}"))
            if "<f" in body:
                content.add(words(body), _joined(place, f"row {number}, formula"))
        if row:
            rows.append(row)
    # A sheet may begin with a title and notes: the header is the first row with several cells.
    at = next((n for n, row in enumerate(rows) if sum(map(bool, row)) > 1), 0)
    if rows:
        notes = [" ".join(row) for row in rows[:at]]
        content.tables.append(Table(place, rows[at], rows[at + 1 :], notes=notes))
    markup(content, re.sub(r"<sheetData\b.*?</sheetData>", "", text, flags=re.DOTALL), place)


def _png(content: Content, data: bytes, place: str) -> None:
    """Words that a picture carries beside its pixels."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        at += length + 12
        if kind == b"tEXt":
            text = body.replace(b"\0", b" ").decode("latin-1")
        elif kind == b"zTXt":
            keyword, _, packed = body.partition(b"\0")
            text = (keyword + b" " + zlib.decompress(packed[1:])).decode("latin-1")
        elif kind == b"iTXt":
            keyword, _, rest = body.partition(b"\0")
            *_, packed = rest[2:].split(b"\0", 2)
            text = (zlib.decompress(packed) if rest[:1] == b"\1" else packed).decode("utf-8")
        elif kind == b"eXIf":
            _strings(content, body, _joined(place, "eXIf"))
            continue
        else:
            continue
        _string(content, text, _joined(place, f"metadata {kind.decode()}"), DEEPEST - 1)


def _strings(content: Content, data: bytes, place: str) -> None:
    """Printable text in bytes of an unknown form."""
    for found in re.findall(rb"[\x20-\x7e]{6,}", data):
        content.add(found.decode("ascii"), _joined(place, "bytes"))
