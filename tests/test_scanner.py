"""Planted leaks of every kind, each found where it was planted; none in what is clean."""

from __future__ import annotations

import base64
import gzip
import io
import itertools
import json
import shutil
import struct
import zipfile
import zlib

import numpy as np
import openpyxl
import pandas as pd
import pytest
from scipy import stats

from ncpi_eval import disclosure, paths, questionnaire, results, scanner
from ncpi_eval.errors import BuildError, InputError
from ncpi_eval.scanner import __main__ as command
from ncpi_eval.scanner import counts, recovery

# Answers of the small survey that nobody released.
ANSWER = "Handover at shift change loses the notes that the night team wrote about the child"
SHORT = "the broken fax machine"
QUOTED = "Joint visits with social workers make the plan for the child clear to everybody"


def cells(*given, base=200, variable="all", group="all", question="FLis", kind="real"):
    """Rows to be released: pairs of responses and counts on one base."""
    return pd.DataFrame(
        {
            "id": [f"{question}.{r.replace('|', '-')}.{variable}.{group}.2019" for r, _ in given],
            "question": question,
            "item": "Listening",
            "response": [response for response, _ in given],
            "subgroup_variable": variable,
            "subgroup": group,
            "wave": "2019",
            "unit": "respondents",
            "count": [count for _, count in given],
            "denominator": base,
            "estimate": [count / base for _, count in given],
            "ci_low": np.nan,
            "ci_high": np.nan,
            "data_kind": kind,
        }
    )


def estimates():
    """One question by area; small counts in custody."""
    return pd.concat(
        [
            cells(("1", 90), ("2", 70), ("3", 40)),
            cells(("1", 41), ("2", 6), ("3", 3), base=50, variable="area", group="custody"),
            cells(("1", 29), ("2", 40), ("3", 21), base=90, variable="area", group="neighbourhood"),
            cells(("1", 20), ("2", 24), ("3", 16), base=60, variable="area", group="other"),
        ],
        ignore_index=True,
    )


def survey_file(folder):
    """Forty real respondents: synthetic ones without the word that they are invented."""
    frame = pd.read_csv(paths.data("synthetic", "responses.csv"), dtype=str, keep_default_na=False)
    frame = frame.head(40).drop(columns="data_kind").assign(FBPrac="", FImp="", AOB="", InfoAdd="")
    frame.loc[3, "FImp"], frame.loc[5, "FBPrac"], frame.loc[7, "AOB"] = ANSWER, QUOTED, SHORT
    path = folder / "survey.csv"
    frame.to_csv(path, index=False)
    return path


PAGE = """<!DOCTYPE html><html lang="en-GB"><head><title>Listening</title></head><body>
<h1>Listening</h1>
<p>45% of respondents agree <a href="data-estimates.html#FLis.1.all.all.2019">90</a>.</p>
<table><thead><tr><th>Area</th><th>Respondents</th></tr></thead>
<tbody><tr><th>Custody</th><td>[c]</td></tr><tr><th>Other area</th><td>20</td></tr></tbody></table>
<!-- made by the report --><p>Fewer than 10 people are never shown.</p></body></html>"""
SVG = """<svg xmlns="http://www.w3.org/2000/svg"><title>Listening by area</title>
<path d="M 0.020 7946 0018 L 3 4"/><text x="1" y="2">Custody</text></svg>"""


def png(keyword=b"Title", text=b"Listening by area"):
    """The smallest picture, with a text beside its pixels."""

    def chunk(kind, body):
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            chunk(b"tEXt", keyword + b"\0" + text),
            chunk(b"IDAT", zlib.compress(b"\0\0")),
            chunk(b"IEND", b""),
        ]
    )


def notebook(**output):
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1,
            "source": ["found = select(kept, question=['FLis', 'DecConf', 'RAge', 'RSex'])"],
            "outputs": [output] if output else []}  # fmt: skip
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def report(tmp_path):
    """A small clean report of real respondents, and their file."""
    root = tmp_path / "outputs"
    for folder in ("results", "tables", "figures", "html", "executed"):
        (root / folder).mkdir(parents=True)
    released = disclosure.release(estimates())
    quotes = pd.DataFrame(
        {"id": ["q.1"], "unit": "respondents", "data_kind": "real", "suppressed": False,
         "question": "FBPrac", "response": "partners", "example": QUOTED, "needs_reading": False}
    )  # fmt: skip
    (root / "results/estimates.csv").write_text(results.csv_text(released))
    (root / "tables/custody.csv").write_text(
        results.csv_text(released[released["subgroup"].eq("custody")])
    )
    (root / "results/open_text_examples.csv").write_text(results.csv_text(quotes))
    (root / "html/page.html").write_text(PAGE.replace("</body>", f"<p>“{QUOTED}”</p></body>"))
    (root / "figures/listening.svg").write_text(SVG)
    (root / "figures/listening.png").write_bytes(png())
    (root / "executed/page.ipynb").write_text(notebook())
    workbook = openpyxl.Workbook()
    workbook.active.append(["Area", "Respondents"])
    workbook.active.append(["Custody", "[c]"])
    workbook.save(root / "tables.xlsx")
    survey_file(tmp_path)
    manifest = {"parameters": {"survey": "data/survey.csv"}, "commit": "0" * 40}
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root


def scan(root, **options):
    """Findings, with the survey beside the report at hand."""
    return scanner.scan(root, [root.parent / "survey.csv"], **options)


def test_a_clean_report_has_no_findings(report):
    assert scan(report) == []


# --- planting ------------------------------------------------------------------------------------


def into(name, old, new):
    """Replace a text in a file."""

    def plant(root):
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new, 1))

    return name, plant


def beside(name, content):
    """Write a file."""

    def plant(root):
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        data = content.encode() if isinstance(content, str) else content
        (root / name).write_bytes(data)

    return name, plant


def body(text):
    return into("html/page.html", "</body>", f"{text}</body>")


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def printed(text, stream="stderr"):
    return beside("executed/page.ipynb", notebook(output_type="stream", name=stream, text=text))


def shown(kind, text):
    return beside(
        "executed/page.ipynb",
        notebook(output_type="display_data", data={kind: text}, metadata={}),
    )


def workbook(change):
    """Change the workbook of tables through openpyxl."""

    def plant(root):
        book = openpyxl.load_workbook(root / "tables.xlsx")
        change(book)
        book.save(root / "tables.xlsx")

    return "tables.xlsx", plant


def rows_in(sheet, *rows):
    for row in rows:
        sheet.append(row)


def hidden_sheet(*rows):
    def change(book):
        sheet = book.create_sheet("notes")
        sheet.sheet_state = "hidden"
        for row in rows:
            sheet.append(row)

    return workbook(change)


def hidden_column(text):
    def change(book):
        book.active["H2"] = text
        book.active.column_dimensions["H"].hidden = True

    return workbook(change)


def comment(text):
    def change(book):
        book.active["A1"].comment = openpyxl.comments.Comment(text, "report")

    return workbook(change)


def docx(text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document><w:t>{text}</w:t></w:document>")
    return beside("tables/brief.docx", buffer.getvalue())


def survey_rows(columns, number=12, serial=False):
    frame = pd.read_csv(paths.data("synthetic", "responses.csv"), dtype=str, keep_default_na=False)
    chosen = frame.head(40).iloc[number : number + 1]
    names = [*(["serial"] if serial else []), *columns]
    return chosen[names]


# Neighbouring columns of the file, all answered by respondent 13.
ANSWERED = ["RAge", "RSex", "REth", "RForc", "RServ", "RRank", "RArea", "NCPIInsp", "NCPIAware",
            "NCPIAims", "TrainFre_1", "TrainFre_2", "TrainFre_3", "TrainFre_4"]  # fmt: skip
CODES = survey_rows(ANSWERED[10:] + ["TrainHelp", "Info", "DecConf", "DecSupp", "FEff"]).iloc[0]
PLAIN = ",".join(CODES)
BOOK = questionnaire.load().variables
NO_NAMES = [f"c{number}" for number in range(len(CODES))]

ROW, SERIAL, SMALL = "row of a respondent", "serial", "small count"
TEXT, NAME, TELEPHONE = "free text", "name", "telephone number"
EMAIL, COLLAR, LOCAL = "e-mail address", "collar number", "local path"
POSTCODE, NI, WITHHELD = "postcode", "national insurance number", "withheld number"
RECOVERED, LOW = "recovered number", "percentage on a small base"

LEAKS = {
    "a CSV of records": (ROW, beside("tables/raw.csv", survey_rows(ANSWERED).to_csv(index=False))),
    "answers below columns without their names": (
        ROW,
        beside("tables/raw.csv", ",".join(NO_NAMES) + f"\n{PLAIN}\n"),
    ),
    "records printed in a notebook": (
        ROW,
        printed(survey_rows(ANSWERED[:6]).to_string(), "stdout"),
    ),
    "answers in a comment of a page": (ROW, body(f"<!-- debug: {PLAIN} -->")),
    "labels of one person in a table": (
        ROW,
        body(
            "<table><tr><th>a</th><th>b</th><th>c</th><th>d</th></tr><tr><td>18-24</td>"
            "<td>Female</td><td>Sergeant</td><td>Custody</td></tr></table>"
        ),
    ),
    "records as JSON": (
        ROW,
        beside("figures/data.json", json.dumps(survey_rows(ANSWERED[:5]).to_dict("records"))),
    ),
    "a serial in a data attribute": (SERIAL, body('<span data-key="S0013"></span>')),
    "a serial in a hidden sheet": (SERIAL, hidden_sheet(["key"], ["S0021"])),
    "a serial of another shape in alternative text": (
        SERIAL,
        body('<img alt="Bars of respondent 1001-12345 by area">'),
    ),
    "a count of four in a page": (
        SMALL,
        into("html/page.html", "<td>[c]</td>", "<td>4</td>"),
    ),
    "a count of three in a CSV": (
        SMALL,
        beside("figures/odd.csv", results.csv_text(cells(("1", 3)).assign(suppressed=False))),
    ),
    "a complement of six in a CSV": (
        SMALL,
        beside("figures/odd.csv", results.csv_text(cells(("1", 194)).assign(suppressed=False))),
    ),
    "a few people in a sentence": (SMALL, body("<p>Only <b>five</b> officers said so.</p>")),
    "a few people in an SVG": (
        SMALL,
        into("figures/listening.svg", "Custody</text>", "Custody, n = 6</text>"),
    ),
    "a small count in the workbook": (SMALL, workbook(lambda b: b.active.append(["Night", 7]))),
    "a percentage on twenty people": (
        LOW,
        beside("tables/low.csv", results.csv_text(cells(("1", 10), base=20))),
    ),
    "a withheld number behind a link": (
        WITHHELD,
        body('<p><a href="data-estimates.html#FLis.2.area.custody.2019">12%</a></p>'),
    ),
    "a withheld number on its data page": (
        WITHHELD,
        beside(
            "html/data-estimates.html",
            "<table><tr><th>id</th><th>estimate</th></tr><tr id='x'>"
            "<th>FLis.2.area.custody.2019</th><td>0.12</td></tr></table>",
        ),
    ),
    "an answer in a warning": (TEXT, printed(f"UserWarning: could not code {ANSWER!r}\n")),
    "part of an answer in the description of a picture": (
        TEXT,
        into(
            "figures/listening.svg",
            "</title>",
            "</title><desc>notes that the NIGHT team wrote about the</desc>",
        ),
    ),
    "a short answer in a table": (TEXT, beside("tables/words.csv", f"word\n{SHORT}\n")),
    "an answer in a document": (TEXT, docx(ANSWER)),
    "an answer encoded in a page": (
        TEXT,
        body(f'<img src="data:text/plain;base64,{encoded(ANSWER)}">'),
    ),
    "a name after a title": (NAME, body("<p>as Mrs Tillbrook told us</p>")),
    "a name in a picture's metadata": (
        NAME,
        beside("figures/listening.png", png(b"Author", b"Gemma Oakfield")),
    ),
    "a name in notebook metadata": (
        NAME,
        into(
            "executed/page.ipynb",
            '"metadata": {}, "nbformat"',
            '"metadata": {"author": "DI Marrow"}, "nbformat"',
        ),
    ),  # fmt: skip
    "a telephone number across tags": (TELEPHONE, body("<p>01632 <b>960</b> 417</p>")),
    "a telephone number in a traceback": (
        TELEPHONE,
        beside(
            "executed/page.ipynb",
            notebook(
                output_type="error",
                ename="ValueError",
                evalue="bad",
                traceback=["\x1b[31mValueError\x1b[0m: +44 7700 900263"],
            ),
        ),
    ),  # fmt: skip
    "a telephone number broken by what cannot be seen": (
        TELEPHONE,
        body("<p>07700\u200b 900\u2060 417</p>"),
    ),
    "an e-mail address in wide letters": (EMAIL, body("<p>ｊ.marrow＠example.org</p>")),
    "an e-mail address in a compressed file": (
        EMAIL,
        beside("tables/notes.csv.gz", gzip.compress(b"note\nj.marrow@example.org\n")),
    ),
    "a path of a server in a traceback": (LOCAL, body('<p>File "/srv/survey/read.py"</p>')),
    "an e-mail address in a comment of the workbook": (EMAIL, comment("ask j.marrow@example.org")),
    "an e-mail address written with entities": (EMAIL, body("<p>j.marrow&#64;example.org</p>")),
    "a collar number in a tooltip": (COLLAR, body('<abbr title="PC 4417">officer</abbr>')),
    "a collar number in JSON": (
        COLLAR,
        beside("figures/notes.json", '{"note": "shoulder number 7719"}'),
    ),
    "a path in a warning": (LOCAL, printed("/home/analyst/survey.py:3: FutureWarning\n")),
    "a Windows path in a hidden column": (LOCAL, hidden_column(r"C:\Users\analyst\survey.sav")),
    "a file address in a style sheet": (
        LOCAL,
        into("html/page.html", "</head>", "<style>@import 'file:///srv/x.css';</style></head>"),
    ),
    "answers one below the other": (
        ROW,
        beside(
            "tables/long.csv",
            "key,question,value\n"
            + "\n".join(f"1,{name},{code}" for name, code in survey_rows(ANSWERED).iloc[0].items())
            + "\n",
        ),
    ),
    "labels of one person, one below the other": (
        ROW,
        body(
            "<table><tr><th>Question</th><th>Answer</th></tr>"
            + "".join(
                f"<tr><td>{BOOK[name].label}</td>"
                f"<td>{BOOK[name].options.get(int(code), code)}</td></tr>"
                for name, code in survey_rows(ANSWERED).iloc[0].items()
            )
            + "</table>"
        ),
    ),
    "answers in another order without names": (
        ROW,
        beside("tables/mixed.csv", ",".join(NO_NAMES) + "\n" + ",".join(sorted(CODES)) + "\n"),
    ),
    "who somebody is in four columns": (
        ROW,
        beside("tables/few.csv", "force,rank,age,sex\nNorth,Sergeant,25-34,Female\n"),
    ),
    "somebody in a sentence": (
        ROW,
        body("<p>A woman (Female, 18-24), a Sergeant in Custody, did not agree.</p>"),
    ),
    "a hidden file": (
        ROW,
        beside("results/.cache.json", json.dumps(survey_rows(ANSWERED[:5]).to_dict("records"))),
    ),
    "a serial in small letters": (SERIAL, body('<g id="point-s0013"></g>')),
    "a serial in two parts": (SERIAL, body("<p>S-0013 and others</p>")),
    "a serial with a character that cannot be seen": (SERIAL, body("<p>S&#8203;0013</p>")),
    "a percentage of a base in a sentence": (
        SMALL,
        body("<p>10% of the 40 respondents in custody did not agree.</p>"),
    ),
    "a percentage of everybody but a few": (
        SMALL,
        body("<p>Of these officers (n = 60), 95% agreed.</p>"),
    ),
    "a part of a whole in a sentence": (SMALL, body("<p>Few respondents agreed (3/41).</p>")),
    "one person in a sentence": (SMALL, body("<p>A single respondent did not.</p>")),
    "a few people in wide digits": (SMALL, body("<p>Only &#xFF13; respondents agreed.</p>")),
    "counts that were printed": (SMALL, printed("Contractor    3\nName: count, dtype: int64\n")),
    "an exact share beside its base": (
        SMALL,
        beside("tables/shares.csv", "Area,Share,Base\nCustody,0.0588235294117647,51\n"),
    ),
    "an answer coded twice": (TEXT, body("<p>" + "".join(f"&amp;#{ord(c)};" for c in ANSWER))),
    "an answer in hexadecimal digits": (TEXT, body(f'<p data-x="{ANSWER.encode().hex()}"></p>')),
    "an answer encoded in a script": (TEXT, body(f'<script>x = "{encoded(ANSWER)}"</script>')),
    "an answer split over cells": (
        TEXT,
        beside("tables/split.csv", "a\n" + "\n".join(ANSWER.split()) + "\n"),
    ),
    "a name in capitals": (NAME, body("<p>PS SARAH TILLBROOK</p>")),
    "a telephone number in odd groups": (TELEPHONE, body("<p>07700 – 900 – 417</p>")),
    "an e-mail address in words": (EMAIL, body("<p>j.marrow [at] example (dot) org</p>")),
    "an e-mail address in a style sheet": (
        EMAIL,
        body(r"<style>p::after{content:'j.marrow\0040 example.org'}</style>"),
    ),
    "a collar number with a dash": (COLLAR, body("<p>PC-4417</p>")),
    "a collar number after a rank": (COLLAR, body("<p>constable no. 4417</p>")),
    "a path with percent codes": (LOCAL, body("<p>%2Fhome%2Fanalyst%2Fx</p>")),
    "a path of a home folder": (LOCAL, body("<p>~/data/survey.sav</p>")),
    "a Windows path with slashes": (LOCAL, body("<p>C:/Users/analyst/x.csv</p>")),
    "a postcode in Markdown": (POSTCODE, shown("text/markdown", "Station at M1 1AE")),
    "a postcode in a text": (POSTCODE, beside("tables/readme.txt", "12 High Street, SW1A 2AA\n")),
    "a national insurance number in HTML": (NI, shown("text/html", "<i>QQ</i> AB 12 34 56 C")),
    "a national insurance number in a CSV": (NI, beside("tables/x.csv", "a\nAB123456C\n")),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found_where_it_is(report, leak):
    kind, (name, plant) = LEAKS[leak]
    plant(report)
    found = {(one.file, one.kind) for one in scan(report)}
    assert (name, kind) in found, scan(report)
    assert {file for file, _ in found} == {name}


def test_every_kind_is_planted_twice_or_where_numbers_are_recovered():
    planted = [kind for kind, _ in LEAKS.values()]
    once = {kind for kind in scanner.REMEDIES if planted.count(kind) < 2}
    assert once == {RECOVERED, LOW, "unreadable file"}
    assert len(LEAKS) >= 25


def test_a_file_that_cannot_be_read_is_a_finding(report):
    (report / "tables.xlsx").write_bytes((report / "tables.xlsx").read_bytes()[:300])
    assert [one.kind for one in scan(report)] == ["unreadable file"]


# --- recovered numbers ---------------------------------------------------------------------------


def withheld(*frames, **which):
    """Facts of files whose rows are shown as they are, but for the ones that are named."""
    found = counts.Facts()
    for file, frame in enumerate(frames):
        for number, row in frame.astype(object).where(frame.notna(), "").iterrows():
            text = {key: str(value) for key, value in row.items()}
            text.setdefault("suppressed", "False")
            if text["id"] in which.get("ids", ()):
                text |= {"count": "", "estimate": "", "suppressed": "True"}
            found.rows.append((f"results/{file}.csv", number + 2, text))
    return found


def values(facts):
    return [what.split()[0] for _, _, what in recovery.recovered(facts)]


CUSTODY_2 = "FLis.2.area.custody.2019"


def test_nothing_follows_from_what_was_released(report):
    path = report / "results/estimates.csv"
    facts = counts.Facts()
    facts.collect(scanner.contents.read("results/estimates.csv", path.read_bytes()))
    assert any(row["suppressed"] == "True" for _, _, row in facts.rows)
    assert list(recovery.recovered(facts)) == []


def test_a_margin_gives_a_cell():
    # 6 = 70 - 40 - 24: custody is everybody less the other areas, where all bases add up.
    frame = estimates()
    frame = frame[frame["response"].isin(["2"])]
    assert values(withheld(frame, ids=[CUSTODY_2])) == ["6"]


def test_the_complement_within_a_question_gives_a_cell():
    # 6 = 50 - 41 - 3, where nobody gave any of the other answers.
    rest = [str(c) for c in questionnaire.load().variables["FLis"].base_codes if c not in (1, 2, 3)]
    frame = cells(("1", 41), ("2", 6), ("3", 3), *((code, 0) for code in rest), base=50,
                  variable="area", group="custody")  # fmt: skip
    assert values(withheld(frame, ids=[CUSTODY_2])) == ["6"]


def test_a_set_of_answers_gives_a_part():
    # 6 = (1 or 2) 47 - 41.
    frame = cells(("1", 41), ("2", 6), ("1|2", 47), base=90, variable="area", group="custody")
    assert values(withheld(frame, ids=[CUSTODY_2])) == ["6"]


def test_an_unrounded_proportion_times_its_base_gives_a_count():
    # 0.12 x 50 = 6.
    frame = cells(("2", 6), base=50, variable="area", group="custody")
    again = frame.assign(count=np.nan)
    assert values(withheld(frame, again, ids=[])) == []
    facts = withheld(frame, ids=[CUSTODY_2])
    facts.rows += withheld(again).rows
    assert values(facts) == ["6"]


def test_an_interval_gives_a_count_and_its_base():
    # Wilson (1927), 6 of 50 at 95%: 0.0562 to 0.2380, worked out by hand from the formula.
    z, n, p = 1.959963984540054, 50, 0.12
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert (round(middle - half, 4), round(middle + half, 4)) == (0.0562, 0.2380)
    frame = cells(("2", 6), base=50, variable="area", group="custody")
    facts = withheld(frame, ids=[CUSTODY_2])
    facts.rows[0][2].update(denominator="")
    shown_ = dict(facts.rows[0][2], suppressed="False", ci_low=f"{middle - half:.12g}",
                  ci_high=f"{middle + half:.12g}")  # fmt: skip
    facts.rows.append(("figures/interval.csv", 2, shown_))
    assert values(facts) == ["6"]


def test_two_tables_of_the_same_question_give_a_cell():
    # One table withholds it, a figure's data shows it.
    frame = cells(("2", 6), base=50, variable="area", group="custody")
    facts = withheld(frame, ids=[CUSTODY_2])
    facts.rows.append(("figures/custody.csv", 2, withheld(frame).rows[0][2]))
    assert values(facts) == ["6"]


def test_a_breakdown_of_the_same_people_gives_a_cell():
    # before 2017: 6 = inspected 30 - from 2017 24.
    frame = pd.concat(
        [
            cells(("2", 30), base=100, variable="inspection_status", group="inspected"),
            cells(("2", 6), base=40, variable="inspection_timing", group="before_2017"),
            cells(("2", 24), base=60, variable="inspection_timing", group="from_2017"),
        ],
        ignore_index=True,
    )
    found = values(withheld(frame, ids=["FLis.2.inspection_timing.before_2017.2019"]))
    assert found == ["6"]


def test_a_difference_and_one_proportion_give_the_other():
    # 0.12 = 0.40 - 0.28, and 0.12 x 50 = 6.
    frame = pd.concat(
        [
            cells(("2", 6), base=50, variable="inspection_status", group="inspected"),
            cells(("2", 40), base=100, variable="inspection_status", group="uninspected"),
        ],
        ignore_index=True,
    )
    facts = withheld(frame, ids=["FLis.2.inspection_status.inspected.2019"])
    assert values(facts) == []
    test = {"id": "FLis.2.test", "question": "FLis", "response": "2", "wave": "2019",
            "subgroup_variable": "inspection_status", "difference": "-0.28",
            "compared": "inspected|uninspected"}  # fmt: skip
    facts.rows.append(("results/tests.csv", 2, test))
    assert values(facts) == ["6"]


def test_a_test_of_a_distribution_with_a_withheld_part_gives_it():
    # With these margins two digits of a p-value tell the table: scipy's Pearson chi-square takes
    # another value for more than half of the first two cells that are possible.
    told = []
    for a, b in itertools.product(range(25, 33), range(2, 8)):
        table = [[a, b, 40 - a - b], [60 - a, 30 - b, 170 + a + b]]
        told.append(f"{stats.chi2_contingency(table, correction=False).pvalue:.2g}")
    assert sum(told.count(value) == 1 for value in told) > len(told) / 2
    facts = withheld(estimates())
    row = {"id": "FLis.all.test", "question": "FLis", "response": "all", "wave": "2019",
           "subgroup_variable": "area", "p_value": "0.042"}  # fmt: skip
    facts.rows.append(("results/tests.csv", 2, row))
    assert list(counts.of_tests(facts)) == []
    facts = withheld(estimates(), ids=[CUSTODY_2])
    facts.rows.append(("results/tests.csv", 2, row))
    assert [file for file, _, _ in counts.of_tests(facts)] == ["results/tests.csv"]


def test_the_name_of_a_withheld_group_is_no_number():
    row = {"id": "c.case-1", "suppressed": "True", "subgroup": "case-1", "response": "6",
           "place": "characters 1 to 9", "item": "Awareness"}  # fmt: skip
    facts = counts.Facts([("results/cases.csv", 2, row)])
    texts = ["Case-1", "Awareness (characters 1 to 9)", "6%", "12 of Case-1"]
    links = [("data-cases.html#c.case-1", text) for text in texts]
    page = scanner.contents.Content("html/page.html", links=links)
    found = [what.split("'")[1] for _, _, what in counts.shown_on_pages([page], facts)]
    assert found == ["6%", "12 of Case-1"]


def test_nobody_below_zero_and_nobody_in_parts_gives_a_cell():
    # Two cells of 1 together can only be 1 and 0 or 0 and 1; three of 0 are no secret.
    frame = cells(("1", 44), ("2", 6), base=50, variable="area", group="custody")
    frame = pd.concat([frame, cells(("1", 44), ("2", 6), base=200)], ignore_index=True)
    # Everybody who gave answer 2 is 6; in custody at least 50 - 44 = 6 gave another answer.
    other = [c for c in questionnaire.load().variables["FLis"].base_codes if c not in (1, 2)]
    zeros = cells(*((str(code), 0) for code in other), base=50, variable="area", group="custody")
    facts = withheld(pd.concat([frame, zeros], ignore_index=True), ids=[CUSTODY_2])
    assert values(facts) == ["6"]


def test_counts_rounded_to_five_do_not_give_a_redacted_one(monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_PROFILE", "opensafely")
    released = disclosure.release(estimates())
    facts = withheld(released.drop(columns="flag"))
    for _, _, row in facts.rows:
        row["suppressed"] = str(row["suppressed"])
        row |= {key: "" for key, value in row.items() if value in ("<NA>", "nan")}
    assert {"FLis.2.area.custody.2019", "FLis.3.area.custody.2019"} <= set(
        released.loc[released["suppressed"], "id"]
    )
    assert values(facts) == []
    assert list(counts.small(facts)) == []


def test_an_exact_count_is_no_opensafely_count(monkeypatch):
    monkeypatch.setenv("NCPI_EVAL_PROFILE", "opensafely")
    facts = withheld(cells(("1", 43)))
    assert [kind for _, _, kind, _ in counts.small(facts)] == [SMALL]


# --- what may be there ---------------------------------------------------------------------------


def test_invented_people_are_looked_for_only_when_they_are_protected(report, monkeypatch):
    frame = cells(("1", 3), kind="synthetic").assign(suppressed=False)
    (report / "results/estimates.csv").write_text(results.csv_text(frame))
    (report / "tables/custody.csv").unlink()
    manifest = {"parameters": {"survey": "data/synthetic/responses.csv"}}
    (report / "manifest.json").write_text(json.dumps(manifest))
    assert scanner.surveys_of(report) == [paths.data("synthetic", "responses.csv")]
    assert scanner.scan(report) == []
    monkeypatch.setenv("NCPI_EVAL_PROTECT_SYNTHETIC", "1")
    assert ("results/estimates.csv", SMALL) in {(f.file, f.kind) for f in scanner.scan(report)}


@pytest.mark.parametrize("unit", ["cases", "forces", "documents", "recommendations"])
def test_cases_forces_and_documents_are_not_people(report, unit):
    frame = cells(("1", 3)).assign(unit=unit, suppressed=False)
    (report / "tables/others.csv").write_text(results.csv_text(frame))
    assert scan(report) == []


def test_a_table_of_something_else_is_no_finding_on_a_page_or_a_sheet(report):
    frame = cells(("1", 3)).assign(unit="cases", suppressed=False)
    (report / "tables/cases.csv").write_text(results.csv_text(frame))
    table = "<table><tr><th>Grade</th><th>Count</th></tr><tr><td>Good</td><td>3</td></tr></table>"
    page = f'<figure class="table" id="table-cases">{"<p>-</p>" * 900}{table}</figure>'
    (report / "html/cases.html").write_text(page)
    workbook(lambda book: rows_in(book.create_sheet("cases"), 
        ["In every row: Unit: cases"], ["Grade", "Count"], ["Good", 3]))[1](report)  # fmt: skip
    assert scan(report) == []
    (report / "html/people.html").write_text(page.replace("table-cases", "table-custody"))
    assert [one.file for one in scan(report)] == ["html/people.html"]


def test_interviewees_are(report):
    frame = cells(("1", 3)).assign(unit="interviewees", suppressed=False)
    (report / "tables/others.csv").write_text(results.csv_text(frame))
    assert {one.kind for one in scan(report)} == {SMALL}


def test_a_declared_exception_is_no_finding(report, tmp_path):
    (report / "html/about.html").write_text("<p>Write to report@example.gov.uk</p>")
    declared = tmp_path / "exceptions.csv"
    declared.write_text(
        "kind,text,place,reason\ne-mail address,report@example.gov.uk,html/*,the public address\n"
    )
    assert [one.kind for one in scan(report)] == [EMAIL]
    assert scan(report, exceptions=declared) == []
    (report / "tables/about.csv").write_text("a\nreport@example.gov.uk\n")
    assert [one.file for one in scan(report, exceptions=declared)] == ["tables/about.csv"]


def test_an_exception_without_a_reason_is_refused(tmp_path):
    declared = tmp_path / "exceptions.csv"
    declared.write_text("kind,text,place,reason\nemail,x@example.org,,\n")
    with pytest.raises(InputError) as refused:
        scanner.read_exceptions(declared)
    assert "exceptions.csv, row 2, kind: found 'email'; expected row of a respondent" in str(
        refused.value
    )
    assert "exceptions.csv, row 2, reason: found nothing; expected a reason" in str(refused.value)


HARMLESS = [
    "Detective Constable, Sergeant or Inspector; Chief Inspector of Constabulary",
    "Benjamini-Hochberg, Rao-Scott, Mann-Whitney, Newcombe (1998), Wilson (1927)",
    "between 2018-2019 and 2014-04 to 2019-03; pages 112-1145; DOI 10.1002/sim.4780",
    "https://www.justiceinspectorates.gov.uk/hmicfrs/work/home/news",
    "A B1 2C, x = 0.01632960417, 0163296041763 rows, 3 of 12 forces, 5 documents",
    "fewer than 5 respondents, at least 3 forces, about 30 people",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_words_of_the_report_are_no_finding(report, text):
    (report / "html/about.html").write_text(f"<p>{text}</p>")
    assert scan(report) == []


@pytest.mark.parametrize("folder", ["data/published", "data/questionnaire", "data/inspections"])
def test_what_is_published_about_the_programme_is_no_finding(folder):
    assert scanner.scan(paths.ROOT / folder, surveys=[]) == [
        one
        for one in scanner.scan(paths.ROOT / folder, surveys=[])
        if one.kind == "row of a respondent" and folder == "data/questionnaire"
    ]


# --- the command, and the report that was built ---------------------------------------------------


def test_the_command_says_file_place_what_and_what_to_do(report, capsys):
    assert command.main([str(report)]) == 0
    assert "no findings" in capsys.readouterr().out
    (report / "html/about.html").write_text("<!-- 01632 960417 -->")
    assert command.main([str(report)]) == 1
    said = capsys.readouterr().out
    assert "html/about.html, comment: telephone number '0163…' (12 characters). Take it out" in said
    assert "960417" not in said


def test_there_must_be_something_to_scan(tmp_path, capsys):
    assert command.main([str(tmp_path)]) == 2
    assert "nothing to scan" in capsys.readouterr().err


def test_publishing_is_refused_with_every_finding(report):
    scanner.refuse(report)
    (report / "html/about.html").write_text("<p>ask PC 4417 or j.marrow@example.org</p>")
    with pytest.raises(BuildError) as refused:
        scanner.refuse(report)
    assert "found 2 things that must not be published" in str(refused.value)
    assert "html/about.html, text: found collar number" in str(refused.value)


def test_names_that_are_listed_are_found(report):
    (report / "html/about.html").write_text("<p>as oakfield put it</p>")
    assert scan(report) == []
    assert [one.kind for one in scan(report, names=["Oakfield"])] == [NAME]


def test_the_built_report_has_no_findings():
    built = paths.ROOT / "outputs" / "current"
    if not (built / "manifest.json").is_file():
        pytest.skip("no report has been built here")
    assert scanner.scan(built) == []


def test_links_of_the_published_folder_are_followed_once(report, tmp_path):
    shutil.move(report, tmp_path / "1")
    report.mkdir()
    (report / "current").symlink_to(tmp_path / "1")
    for name in ("html", "results", "manifest.json"):
        (report / name).symlink_to(f"current/{name}")
    names = [name for name, _ in scanner.output_files(report)]
    assert names == ["html/page.html", "manifest.json", "results/estimates.csv",
                     "results/open_text_examples.csv"]  # fmt: skip
