"""Coding as people's work: sheets out and in, conflicts, decisions, lock, and who did what when.

Two people code the same extracts apart from each other, each in a workbook of their own with a
drop-down of codes. What comes back is checked against what went out, so that a changed sentence or
a lost row is found here and not in the findings. Where coders differ somebody decides and says why;
then the codes are locked. Nothing is overwritten on the way: the state is what the rows of the
trail add up to, and a later reader can follow each code back to the people who gave it.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

from ncpi_eval import formats
from ncpi_eval.document_files.guards import MAX_UNPACKED_BYTES
from ncpi_eval.errors import InputError, Problem

FRAME_COLUMNS = (
    "code", "version", "scheme", "area", "kind", "label", "definition", "include", "exclude",
    "place",
)  # fmt: skip
EXTRACT_COLUMNS = ("extract", "document", "place", "text", "data_kind")
CODING_COLUMNS = ("extract", "coder", "code", "version", "remark", "data_kind")
DECISION_COLUMNS = ("extract", "code", "by", "on", "reason")
TRAIL_COLUMNS = ("step", "extract", "action", "code", "version", "by", "on", "reason", "data_kind")
NONE_APPLIES = "none_applies"

CODED, RECONCILED, LOCKED, REOPENED = "coded", "reconciled", "locked", "reopened"
"""What a row of the trail tells. Nothing is ever taken out of a trail."""

_UNSAFE_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_WIDTHS = {"extract": 12, "coder": 12, "document": 24, "place": 20, "text": 80, "code": 44}
_SHEET_COLUMNS = ("extract", "coder", "document", "place", "text", "code", "remark")
_FOR_CODER = ("code", "remark")
_CODE_COLUMNS = ("code", "version", "label", "definition", "include", "exclude")


# ---------------------------------------------------------------------------------------------
# The frame


def check_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The coding frame as text, if every code can be used by somebody who reads it.

    Parameters
    ----------
    frame : DataFrame
        `FRAME_COLUMNS`; area and kind are blank for `none_applies` only.

    Raises
    ------
    InputError
        For a missing column, a code that stands twice or is not ``scheme.area.kind``, a blank
        definition, rule or version.
    """
    absent = [column for column in FRAME_COLUMNS if column not in frame]
    problems = [
        Problem("coding frame", f"no column {column}", "it", "Add the column.") for column in absent
    ]
    if not absent:
        frame = frame[list(FRAME_COLUMNS)].fillna("").astype(str)
        problems = [problem for row in frame.to_dict("records") for problem in _code_problems(row)]
        for code in frame.loc[frame["code"].duplicated(), "code"]:
            problems.append(
                Problem(f"code {code}", "a second row", "one", "Keep one, raise its version.")
            )
    if problems:
        raise InputError("The coding frame cannot be used.", problems)
    return frame


def _code_problems(row: dict[Hashable, Any]) -> Iterable[Problem]:
    place = f"code {row['code'] or '(blank)'}"
    parts = ".".join(row[column] for column in ("scheme", "area", "kind"))
    if row["code"] != NONE_APPLIES and row["code"] != parts:
        yield Problem(place, f"the parts {parts}", "scheme.area.kind", "Write the code from them.")
    for column in ("version", "label", "definition", "include", "exclude"):
        if not row[column].strip():
            yield Problem(place, f"no {column}", "one", "Write it before anybody codes with it.")


def codes_of(frame: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Codes of one scheme and `none_applies`, in the order of the frame.

    Raises
    ------
    InputError
        If the frame has no such scheme.
    """
    chosen = frame[(frame["scheme"] == scheme) | (frame["code"] == NONE_APPLIES)]
    if scheme not in set(frame["scheme"]) - {""}:
        known = ", ".join(dict.fromkeys(name for name in frame["scheme"] if name))
        raise InputError(
            "There is no such coding scheme.",
            [Problem("scheme", repr(scheme), known, "Name one of these.")],
        )
    return chosen.reset_index(drop=True)


def at_level(codings: pd.DataFrame, frame: pd.DataFrame, level: str) -> pd.DataFrame:
    """Codings with the area or the kind of each code in place of the code.

    Coders can agree about what a passage is about and differ about whether it is praise, so that
    agreement is looked at for both. `none_applies` and blanks stay as they are.

    Parameters
    ----------
    level : {"area", "kind"}
    """
    part = frame.set_index("code")[level].to_dict() | {NONE_APPLIES: NONE_APPLIES}
    return codings.assign(code=codings["code"].map(part).fillna(""))


# ---------------------------------------------------------------------------------------------
# Sheets out


def write_sheet(
    path: str | Path, extracts: pd.DataFrame, frame: pd.DataFrame, *, scheme: str, coder: str
) -> Path:
    """The workbook in which one person codes: instructions, extracts, codes.

    Parameters
    ----------
    path : path
        An .xlsx file; the same input gives the same bytes.
    extracts : DataFrame
        `EXTRACT_COLUMNS`: extract (unique name), document, place in it, text, data_kind.
    frame : DataFrame
        See `check_frame`.
    scheme, coder : str
        Codes to choose from, and the name that stands in every row.

    Notes
    -----
    For people who use a keyboard or a screen reader: no merged cells, one header row that stays in
    view, a named table, nothing said by colour alone, no protection that hides a cell. Text that
    begins like a formula is written as text and stays text when it is edited.

    Raises
    ------
    InputError
        If an extract stands twice, is blank, or is longer than a cell can hold.
    """
    extracts = _checked_extracts(extracts)
    codes = codes_of(check_frame(frame), scheme)
    book = openpyxl.Workbook()
    book.properties.title = f"Coding sheet of {coder}, scheme {scheme}"
    book.properties.creator = "ncpi_eval"
    book.properties.language = "en-GB"
    about = book.active
    assert isinstance(about, Worksheet)
    about.title = "Read me"
    _fill(about, [[line] for line in _instructions(len(extracts), coder, scheme)])
    about.column_dimensions["A"].width = 100
    page = book.create_sheet("Coding")
    rows = [
        [row["extract"], coder, row["document"], row["place"], row["text"], "", ""]
        for row in extracts.to_dict("records")
    ]
    _table(page, list(_SHEET_COLUMNS), rows, "coding")
    listed = book.create_sheet("Codes")
    _table(listed, list(_CODE_COLUMNS), codes[list(_CODE_COLUMNS)].to_numpy().tolist(), "codes")
    page.add_data_validation(_drop_down(len(codes), len(rows)))
    page.freeze_panes = "A2"
    listed.freeze_panes = "A2"
    book.active = 1
    for sheet in book.worksheets:
        sheet.sheet_view.tabSelected = sheet is page
    target = Path(path)
    target.write_bytes(steady(book))
    return target


def _instructions(number: int, coder: str, scheme: str) -> list[str]:
    return [
        f"Coding sheet of {coder}",
        f"{number} extracts are on the sheet Coding, one in each row; scheme {scheme}.",
        "Read the sheet Codes first: what each code means, what belongs to it and what does not.",
        "In the column code choose from the list (Alt and down arrow). One code for each extract.",
        f"Choose {NONE_APPLIES} when you have read the extract and nothing fits. Leave the code "
        "empty when you have not read it.",
        "In the column remark write what made you doubt. Change nothing else; if an extract should "
        "be cut in two, say so in the remark.",
        "Code alone. Differences are wanted: they are talked about afterwards.",
    ]


def _checked_extracts(extracts: pd.DataFrame) -> pd.DataFrame:
    absent = [column for column in EXTRACT_COLUMNS if column not in extracts]
    problems = [
        Problem("extracts", f"no column {column}", "it", "Add the column.") for column in absent
    ]
    if not absent:
        extracts = extracts[list(EXTRACT_COLUMNS)].fillna("").astype(str)
        if extracts.empty:
            problems.append(Problem("extracts", "no row", "one or more", "Choose what to code."))
        for row in extracts.to_dict("records"):
            place = f"extract {row['extract'] or '(blank)'}"
            if not row["extract"].strip() or not row["text"].strip():
                problems.append(Problem(place, "no name or no text", "both", "Give them."))
            if len(row["text"]) > formats.EXCEL_TEXT_LENGTH:
                found = f"{len(row['text'])} characters"
                problems.append(
                    Problem(place, found, f"{formats.EXCEL_TEXT_LENGTH} at most", "Cut it in two.")
                )
        for name in extracts.loc[extracts["extract"].duplicated(), "extract"]:
            problems.append(Problem(f"extract {name}", "a second row", "one", "Rename one."))
    if problems:
        raise InputError("These extracts cannot be coded.", problems)
    return extracts.assign(text=extracts["text"].map(_readable))


def _readable(text: str) -> str:
    """Without characters that a workbook cannot hold, so that what comes back is what went out."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSAFE_IN_XML.sub("\ufffd", plain).strip()


def _table(page: Worksheet, header: list[str], rows: list[list[str]], name: str) -> None:
    _fill(page, [header, *rows])
    for cell, column in zip(page[1], header, strict=True):
        cell.font = Font(bold=True)
        cell.border = Border(bottom=Side(style="medium"))
        page.column_dimensions[cell.column_letter].width = _WIDTHS.get(column, 50)
    last = page.cell(len(rows) + 1, len(header)).coordinate
    listed = Table(displayName=name, ref=f"A1:{last}")
    listed.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=False)
    page.add_table(listed)
    page.print_title_rows = "1:1"


def _fill(page: Worksheet, rows: list[list[str]]) -> None:
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            cell = page.cell(number, column)
            assert isinstance(cell, Cell)
            if value != "":
                cell.value = _UNSAFE_IN_XML.sub("\ufffd", value)
                cell.data_type = "s"  # text that starts with = must stay text
                cell.quotePrefix = True  # type: ignore[attr-defined]
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def _drop_down(codes: int, rows: int) -> DataValidation:
    rule = DataValidation(type="list", formula1=f"=Codes!$A$2:$A${codes + 1}", allow_blank=True)
    rule.showErrorMessage = True
    rule.errorTitle = "Not a code of this scheme"
    rule.error = "Choose a code from the list, or leave the cell empty."
    rule.showInputMessage = True
    rule.promptTitle = "Code"
    rule.prompt = "Alt and down arrow opens the list. The sheet Codes says what each means."
    letter = "ABCDEFG"[_SHEET_COLUMNS.index("code")]
    rule.add(f"{letter}2:{letter}{rows + 1}")
    return rule


def steady(book: openpyxl.Workbook) -> bytes:
    """The workbook without the moment at which it was written."""
    written = io.BytesIO()
    book.save(written)
    steady = io.BytesIO()
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(steady, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                moment = rb"(<dcterms:(created|modified)[^>]*>)[^<]*"
                content = re.sub(moment, rb"\g<1>2000-01-01T00:00:00Z", content)
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            new.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return steady.getvalue()


# ---------------------------------------------------------------------------------------------
# Sheets in


def read_sheet(
    path: str | Path, extracts: pd.DataFrame, frame: pd.DataFrame, *, scheme: str, coder: str
) -> pd.DataFrame:
    """What one person coded, if the sheet is the one that went out.

    Parameters
    ----------
    path, extracts, frame, scheme, coder
        As given to `write_sheet`.

    Returns
    -------
    DataFrame
        `CODING_COLUMNS`, one row per extract, in the order of `extracts`; code and version are
        blank where nothing was coded.

    Raises
    ------
    InputError
        With a Problem for each row that is lost, new, repeated, of another coder, of changed text
        or with an unknown code, and for each code whose version is not the frame's.
    """
    source = Path(path)
    _refuse_bomb(source)
    extracts = _checked_extracts(extracts)
    codes = codes_of(check_frame(frame), scheme)
    versions = dict(zip(codes["code"], codes["version"], strict=True))
    found = formats.read_table(source, "Coding").frame.fillna("")
    used = formats.read_table(source, "Codes").frame.fillna("")
    absent = [name for name in _SHEET_COLUMNS if name not in found and name not in _FOR_CODER]
    problems = [
        Problem(f"{source.name}, Coding, header", f"no column {name}", "it", "Put it back.")
        for name in absent
    ]
    rows: list[dict[str, str]] = []
    if not absent:
        rows = [
            {column: str(row.get(column, "")).strip() for column in _SHEET_COLUMNS}
            | {"formula": _formula(row)}
            for row in found.to_dict("records")
        ]
        problems += _row_problems(source.name, rows, extracts, versions, coder)
    problems += _version_problems(source.name, used, versions)
    if problems:
        raise InputError(f"{source.name} was not taken over.", problems)
    given = {row["extract"]: row for row in rows}
    return pd.DataFrame(
        [
            {
                "extract": name,
                "coder": coder,
                "code": given[name]["code"],
                "version": versions.get(given[name]["code"], ""),
                "remark": given[name]["remark"],
                "data_kind": kind,
            }
            for name, kind in zip(extracts["extract"], extracts["data_kind"], strict=True)
        ],
        columns=list(CODING_COLUMNS),
    )


def _formula(row: dict[Hashable, Any]) -> str:
    found = [str(name) for name, cell in row.items() if isinstance(cell, formats.FormulaText)]
    return ", ".join(found)


def _row_problems(
    name: str,
    rows: list[dict[str, str]],
    extracts: pd.DataFrame,
    versions: dict[str, str],
    coder: str,
) -> Iterable[Problem]:
    texts = dict(zip(extracts["extract"], extracts["text"], strict=True))
    seen: set[str] = set()
    for number, row in enumerate(rows, 2):
        place, extract = f"{name}, Coding, row {number}", row["extract"]
        if row["formula"]:
            yield Problem(place, f"a formula in {row['formula']}", "text", "Write it as text.")
        if extract not in texts:
            yield Problem(
                place, f"extract {formats.shown(extract)}", "one that was sent out", "Remove it."
            )
            continue
        if extract in seen:
            yield Problem(place, f"extract {extract} again", "each once", "Keep one row.")
        seen.add(extract)
        if row["coder"] != coder:
            found = f"coder {formats.shown(row['coder'])}"
            yield Problem(place, found, coder, "Read the sheet of that coder, or put it right.")
        if _readable(row["text"]) != texts[extract] and not row["formula"]:
            yield Problem(
                place, f"another text of {extract}", "the text that was sent out",
                "Put the text back; propose another cut in the remark.",
            )  # fmt: skip
        if row["code"] and row["code"] not in versions:
            found = f"code {formats.shown(row['code'])}"
            yield Problem(place, found, "a code of the scheme", "Choose one from the list.")
    for extract in texts:
        if extract not in seen:
            yield Problem(
                f"{name}, Coding", f"no row for {extract}", "every extract",
                "Put the row back, with an empty code if it was not coded.",
            )  # fmt: skip


def _version_problems(name: str, used: pd.DataFrame, versions: dict[str, str]) -> Iterable[Problem]:
    if not {"code", "version"} <= set(used):
        yield Problem(f"{name}, Codes", "no codes and versions", "both", "Put the sheet back.")
        return
    sent = dict(zip(used["code"].astype(str), used["version"].astype(str), strict=True))
    for code, version in versions.items():
        if sent.get(code, "") != version:
            yield Problem(
                f"{name}, Codes", f"version {sent.get(code) or 'none'} of {code}", version,
                "Let the coder look again at these extracts with the new definition.",
            )  # fmt: skip


def _refuse_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return  # `formats.read_table` says what the file is
    if unpacked > MAX_UNPACKED_BYTES:
        found = f"a workbook that unpacks to {unpacked // 1_000_000} MB"
        raise InputError(
            f"{path.name} was not opened.",
            [Problem(path.name, found, "a coding sheet", "Ask where it came from.")],
        )


# ---------------------------------------------------------------------------------------------
# Conflicts, reconciliation, lock


def begin(codings: Sequence[pd.DataFrame], *, on: str) -> pd.DataFrame:
    """The trail, from the codings of all coders.

    Parameters
    ----------
    codings : sequence of DataFrame
        From `read_sheet`. Empty codes leave no row.
    on : str
        ISO day on which they were taken over.

    Returns
    -------
    DataFrame
        `TRAIL_COLUMNS`: step (1, 2, ...), extract, action, code, version, by, on, reason,
        data_kind. The reason of a coding is the coder's remark.
    """
    _day(on, "begin")
    every = pd.concat(codings, ignore_index=True)
    every = every[every["code"] != ""]
    twice = every[every.duplicated(["extract", "coder"])]
    if len(twice):
        raise InputError(
            "A coder codes an extract once.",
            [
                Problem(f"extract {row['extract']}", f"{row['coder']} twice", "once", "Keep one.")
                for row in twice.to_dict("records")
            ],
        )
    every = every.sort_values(["extract", "coder"], kind="stable")
    rows = [
        _row(row["extract"], CODED, row["code"], row["version"], row["coder"], on, row["remark"],
             row["data_kind"])
        for row in every.to_dict("records")
    ]  # fmt: skip
    return _numbered(rows)


def conflicts(trail: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Extracts whose coders differ and that nobody has decided since.

    Returns
    -------
    DataFrame
        One row per extract: extract, codings ("Ann: code; Ben: code"), differ_in ("area", "kind",
        "area and kind", "whether anything applies", "scheme"), remarks, data_kind.
    """
    parts = frame.set_index("code")[["scheme", "area", "kind"]]
    rows = []
    for extract, given in trail.groupby("extract", sort=True):
        coded = given[given["action"] == CODED]
        if coded["code"].nunique() < 2 or _decided(given) is not None:
            continue
        rows.append(
            {
                "extract": extract,
                "codings": "; ".join(f"{r['by']}: {r['code']}" for r in coded.to_dict("records")),
                "differ_in": _difference(parts, coded["code"].tolist()),
                "remarks": "; ".join(
                    f"{r['by']}: {r['reason']}" for r in coded.to_dict("records") if r["reason"]
                ),
                "data_kind": coded["data_kind"].iloc[0],
            }
        )
    return pd.DataFrame(rows, columns=["extract", "codings", "differ_in", "remarks", "data_kind"])


def _difference(parts: pd.DataFrame, codes: list[str]) -> str:
    if NONE_APPLIES in codes:
        return "whether anything applies"
    of = parts.loc[codes]
    if of["scheme"].nunique() > 1:
        return "scheme"
    return " and ".join(part for part in ("area", "kind") if of[part].nunique() > 1)


def reconcile(trail: pd.DataFrame, decisions: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """The trail with decisions about conflicts.

    Parameters
    ----------
    decisions : DataFrame
        `DECISION_COLUMNS`: extract, code (any of the frame, also one that no coder gave), by, on
        (ISO day), reason.

    Raises
    ------
    InputError
        For an extract that is not in conflict (locked ones are opened with `reopen` first), an
        unknown code, a missing name, day or reason, two decisions about one extract.
    """
    versions = frame.set_index("code")["version"].to_dict()
    open_now = set(conflicts(trail, frame)["extract"]) | _reopened(trail)
    kinds = trail.drop_duplicates("extract").set_index("extract")["data_kind"].to_dict()
    problems: list[Problem] = []
    rows = []
    seen: set[str] = set()
    for row in decisions.fillna("").astype(str).to_dict("records"):
        extract, place = row["extract"], f"decision about {row['extract']}"
        if extract in seen:
            problems.append(Problem(place, "a second one", "one", "Keep the last."))
        elif extract not in open_now:
            problems.append(
                Problem(place, "no open conflict", "an extract in conflict", "Reopen it first.")
            )
        seen.add(extract)
        if row["code"] not in versions:
            found = f"code {formats.shown(row['code'])}"
            problems.append(Problem(place, found, "a code of the frame", "Choose one."))
        for column in ("by", "reason"):
            if not row[column].strip():
                problems.append(Problem(place, f"no {column}", "one", "Say it."))
        problems += _day_problems(row["on"], place)
        rows.append(
            _row(extract, RECONCILED, row["code"], versions.get(row["code"], ""), row["by"],
                 row["on"], row["reason"], kinds.get(extract, ""))
        )  # fmt: skip
    if problems:
        raise InputError("These decisions were not taken over.", problems)
    return _numbered([*trail.to_dict("records"), *rows])


def lock(trail: pd.DataFrame, frame: pd.DataFrame, *, by: str, on: str) -> pd.DataFrame:
    """The trail with the final code of every extract that is not locked yet.

    The reason of a locked row says what it rests on: ``agreed by 2 coders``, ``one coder only`` or
    ``reconciled``.

    Raises
    ------
    InputError
        While a conflict is open, or if the version of a code has changed since it was given.
    """
    _day(on, "lock")
    waiting = sorted(set(conflicts(trail, frame)["extract"]) | _reopened(trail))
    problems = [
        Problem(f"extract {name}", "a conflict that is open", "a decision", "Reconcile it.")
        for name in waiting
    ]
    versions = frame.set_index("code")["version"].to_dict()
    rows = []
    for extract, given in trail.groupby("extract", sort=True):
        if extract in waiting or given["action"].iloc[-1] == LOCKED:
            continue
        decided = _decided(given)
        last = given.iloc[-1] if decided is None else decided
        number = int((given["action"] == CODED).sum())
        basis = "one coder only" if number == 1 else f"agreed by {number} coders"
        if versions.get(last["code"]) != last["version"]:
            problems.append(
                Problem(
                    f"extract {extract}", f"version {last['version']} of {last['code']}",
                    f"version {versions.get(last['code'], 'none')}", "Code it again.",
                )
            )  # fmt: skip
        rows.append(
            _row(str(extract), LOCKED, last["code"], last["version"], by, on,
                 basis if decided is None else RECONCILED, last["data_kind"])
        )  # fmt: skip
    if problems:
        raise InputError("The codes cannot be locked.", problems)
    return _numbered([*trail.to_dict("records"), *rows])


def reopen(trail: pd.DataFrame, extract: str, *, by: str, on: str, reason: str) -> pd.DataFrame:
    """The trail with one locked extract opened again; it needs a decision and another lock.

    Raises
    ------
    InputError
        If the extract is not locked, or name, day or reason are missing.
    """
    _day(on, "reopen")
    given = trail[trail["extract"] == extract]
    if given.empty or given["action"].iloc[-1] != LOCKED:
        raise InputError(
            "Only a locked code is reopened.",
            [Problem(f"extract {extract}", "no lock", "a locked extract", "Reconcile it.")],
        )
    if not by.strip() or not reason.strip():
        raise InputError(
            "Reopening needs a name and a reason.",
            [Problem(f"extract {extract}", "none", "who and why", "Say it.")],
        )
    last = given.iloc[-1]
    row = _row(extract, REOPENED, last["code"], last["version"], by, on, reason, last["data_kind"])
    return _numbered([*trail.to_dict("records"), row])


def final(trail: pd.DataFrame) -> pd.DataFrame:
    """The locked codes, for the evidence map and whatever counts them.

    Returns
    -------
    DataFrame
        One row per extract: extract, code, version, basis, data_kind. `none_applies` stays in, so
        that a reader sees what was read and left.

    Raises
    ------
    InputError
        While an extract of the trail is not locked.
    """
    last = trail.groupby("extract", sort=True).tail(1).sort_values("extract", kind="stable")
    loose = last[last["action"] != LOCKED]
    if len(loose):
        raise InputError(
            "Codes are used when all are locked.",
            [
                Problem(f"extract {row['extract']}", row["action"], LOCKED, "Lock the codes.")
                for row in loose.to_dict("records")
            ],
        )
    columns = ["extract", "code", "version", "reason", "data_kind"]
    return last[columns].rename(columns={"reason": "basis"}).reset_index(drop=True)


def check_final(codes: pd.DataFrame, trail: pd.DataFrame) -> None:
    """Refuse locked codes that are not what the trail says, naming each.

    Raises
    ------
    InputError
    """
    columns = ["extract", "code", "version"]
    expected = {row["extract"]: row for row in final(trail)[columns].to_dict("records")}
    found = {row["extract"]: row for row in codes[columns].to_dict("records")}
    problems = [
        Problem(
            f"extract {name}",
            str(found.get(name, {}).get("code", "no row")),
            str(expected.get(name, {}).get("code", "no row")),
            "Reopen, decide and lock it in the trail; do not edit locked codes.",
        )
        for name in sorted(set(expected) | set(found))
        if expected.get(name) != found.get(name)
    ]
    if problems:
        raise InputError("Locked codes were changed outside the trail.", problems)


def _decided(given: pd.DataFrame) -> pd.Series | None:
    """The last decision about one extract; None where there is none since it was reopened."""
    after = given[given["action"].isin([RECONCILED, REOPENED])]
    if after.empty or after["action"].iloc[-1] == REOPENED:
        return None
    return after.iloc[-1]


def _reopened(trail: pd.DataFrame) -> set[str]:
    last = trail.groupby("extract", sort=True).tail(1)
    return set(last.loc[last["action"] == REOPENED, "extract"])


def _row(
    extract: str, action: str, code: str, version: str, by: str, on: str, reason: str, kind: str
) -> dict[Hashable, Any]:
    values = (0, extract, action, code, version, by, on, reason, kind)
    return dict(zip(TRAIL_COLUMNS, values, strict=True))


def _numbered(rows: list[dict[Hashable, Any]]) -> pd.DataFrame:
    trail = pd.DataFrame(rows, columns=list(TRAIL_COLUMNS))
    return trail.assign(step=range(1, len(trail) + 1))


def _day_problems(on: str, place: str) -> list[Problem]:
    try:
        datetime.date.fromisoformat(on)
    except (TypeError, ValueError):
        return [Problem(place, f"the day {on!r}", "a day like 2026-03-31", "Write the day.")]
    return []


def _day(on: str, place: str) -> None:
    problems = _day_problems(on, place)
    if problems:
        raise InputError("A step of the trail needs its day.", problems)
