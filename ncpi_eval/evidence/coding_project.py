"""A round of coding as a REFI-QDA project, out and back.

The text of a document in the project is its extracts, each below a line with its name and place, so
that a coder in another program sees what a coder with a sheet sees. What comes back is found by
these lines and not by position alone: programs change line ends.
"""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pandas as pd

from ncpi_eval.errors import InputError, Problem
from ncpi_eval.evidence import coding, coding_round, refi_qda

PROJECT, CODEBOOK = "coding.qdpx", "codebook.qdc"


def texts(extracts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Documents made of extracts, and where each extract stands in them.

    Returns
    -------
    (DataFrame, DataFrame)
        document, text; then extract, document, start (inclusive), end (exclusive), in characters.
    """
    documents, places = [], []
    for document, rows in extracts.groupby("document", sort=False):
        text = ""
        for row in rows.to_dict("records"):
            text += f"[{row['extract']}] {row['place']}\n"
            places.append((row["extract"], document, len(text), len(text) + len(row["text"])))
            text += row["text"] + "\n\n"
        documents.append((document, text))
    return (
        pd.DataFrame(documents, columns=list(refi_qda.DOCUMENT_COLUMNS)),
        pd.DataFrame(places, columns=["extract", "document", "start", "end"]),
    )


def write(folder: Path, *, name: str) -> int:
    """Write `PROJECT` and `CODEBOOK` into the folder of a round; returns the number of codings.

    Sheets that have not come back (no day in ``round.toml``) give a project without codings.
    """
    frame = coding_round.read_frame()
    scheme, extracts = coding_round.sent(folder)
    codings = pd.DataFrame(columns=["extract", "coder", "code", "remark"])
    if coding_round.is_back(folder):
        codings = coding_round.read(folder, frame).codings
        codings = codings[codings["code"] != ""]
    documents, places = texts(extracts)
    codes = coding.codes_of(frame, scheme)
    refi_qda.write_project(
        folder / PROJECT,
        name=name,
        frame=codes,
        documents=documents,
        codings=codings.merge(places, on="extract"),
    )
    refi_qda.write_codebook(folder / CODEBOOK, codes)
    return len(codings)


def found(project: refi_qda.Project, extracts: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Which extract each coded passage of a project belongs to.

    Parameters
    ----------
    project : Project
        From `refi_qda.read_project`.
    extracts : DataFrame
        What was sent out.

    Returns
    -------
    (DataFrame, list of str)
        extract, coder, code, remark; then a note for each passage that belongs to no extract or
        reaches over more than one.
    """
    names = "|".join(re.escape(name) for name in extracts["extract"])
    marks = re.compile(rf"^\[({names})\][^\n]*$", re.MULTILINE)
    starts = {
        row["guid"]: [(match.end(), match.start(), match[1]) for match in marks.finditer(text)]
        for row in project.sources.to_dict("records")
        if (text := str(row["text"]).replace("\r\n", " \n").replace("\r", "\n"))
    }
    rows, notes = [], []
    for row in project.codings.to_dict("records"):
        listed = starts.get(row["source"], [])
        before = [name for end, _, name in listed if end <= int(row["start"])]
        crossed = [name for _, start, name in listed if int(row["start"]) <= start < row["end"]]
        if not before or crossed:
            what = "reaches over more than one extract" if before else "is in no extract"
            notes.append(f"{row['document']}, {row['start']} to {row['end']}: {what}.")
            continue
        rows.append((before[-1], row["coder"], row["code"], row["remark"]))
    return pd.DataFrame(rows, columns=["extract", "coder", "code", "remark"]), notes


def take(folder: Path, file: Path) -> tuple[dict[str, int], list[str]]:
    """Write the codes of a project into the sheets of a round.

    Returns
    -------
    (dict, list of str)
        Coder to number of codes taken over; notes on what was not.

    Raises
    ------
    InputError
        For a coder without sheet, a code that is not in the scheme, two codes of one coder for one
        extract, or a sheet that says otherwise already. Then no sheet is touched.
    """
    scheme, extracts = coding_round.sent(folder)
    project = refi_qda.read_project(file, data_kind=str(extracts["data_kind"].iloc[0]))
    given, notes = found(project, extracts)
    known = set(coding.codes_of(coding_round.read_frame(), scheme)["code"])
    problems = []
    for row in given.to_dict("records"):
        place = f"{file.name}, {row['extract']}"
        if row["code"] not in known:
            problems.append(
                Problem(place, f"code {row['code']!r}", f"a code of {scheme}", "Choose one.")
            )
        if not (folder / f"{row['coder']}.xlsx").exists():
            problems.append(
                Problem(place, f"coder {row['coder']!r}", "one with a sheet", "Rename the user.")
            )
    twice = given[given.duplicated(["extract", "coder"])]
    problems += [
        Problem(f"{file.name}, {row['extract']}", f"two codes of {row['coder']}", "one", "Choose.")
        for row in twice.to_dict("records")
    ]
    if problems:
        raise InputError("No code was taken over.", problems)
    filled = {
        str(coder): _filled(folder / f"{coder}.xlsx", rows)
        for coder, rows in given.groupby("coder", sort=True)
    }
    for coder, (content, _) in filled.items():
        (folder / f"{coder}.xlsx").write_bytes(content)
    return {coder: count for coder, (_, count) in filled.items()}, [*project.notes, *notes]


def _filled(path: Path, given: pd.DataFrame) -> tuple[bytes, int]:
    book = openpyxl.load_workbook(path)
    page = book["Coding"]
    header = {str(cell.value): number for number, cell in enumerate(page[1], 1)}
    rows = given.set_index("extract")
    problems = []
    for number in range(2, page.max_row + 1):
        name = str(page.cell(number, header["extract"]).value)
        if name not in rows.index:
            continue
        code, remark = rows.loc[name, ["code", "remark"]]
        cell = page.cell(number, header["code"])
        if cell.value not in (None, "", code):
            place = f"{path.name}, row {number}"
            problems.append(Problem(place, str(cell.value), code, "Empty the cell, or keep it."))
        cell.value = code
        if remark:
            note = page.cell(number, header["remark"])
            note.value, note.data_type = str(remark), "s"
    if problems:
        raise InputError("The sheet says otherwise than the project.", problems)
    return coding.steady(book), len(rows)
