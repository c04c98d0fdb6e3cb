"""One round of coding as a folder: what went out, what came back, what was decided and locked.

``make coding-sheets`` writes the folder, people fill it, page 08b reads it:

| file | written by | a row is |
|---|---|---|
| ``extracts.csv`` | the command | a passage that was sent out (`SENT_COLUMNS`) |
| ``round.toml`` | the command; a person adds the day | scheme, coders, sent_on, taken_over_on |
| ``<coder>.xlsx`` | one coder each | see `coding.write_sheet` |
| ``decisions.csv`` | who decides | `coding.DECISION_COLUMNS`; may be missing |
| ``locked.csv`` | ``python -m ncpi_eval.coding_sheets lock`` | a locked code; may be missing |

Sheets are held against the passages that went out and not against what is read from the documents
today, so that coding outlives a better reader of documents.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ncpi_eval import formats, inert, paths, results
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.evidence import agreement, coding, review

SENT_COLUMNS = (*coding.EXTRACT_COLUMNS, "chapter", "reading")
"""chapter: the criterion that the heading above names, or blank; reading: what the extraction took
the passage for (recommendation, positive, critical, or progress and its level)."""
RECOMMENDATION = "recommendation"
EXTRACTS, ROUND, DECISIONS, LOCKED = "extracts.csv", "round.toml", "decisions.csv", "locked.csv"
# How a text begins that a spreadsheet takes for a formula, behind apostrophes or none.
_FORMULA = r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
LEVELS = ("code", "area", "kind")
COEFFICIENTS = {
    "krippendorff": "Krippendorff's alpha",
    "gwet": "Gwet's AC1",
    "fleiss": "Fleiss' kappa",
    "cohen": "Cohen's kappa",
    "percent": "Percent agreement",
}


@dataclass(frozen=True)
class Round:
    """What a folder holds.

    Parameters
    ----------
    scheme : str
        Of the coding frame.
    extracts : DataFrame
        `SENT_COLUMNS`.
    codings : DataFrame
        `coding.CODING_COLUMNS` of all coders, blank codes too.
    decisions : DataFrame
        `coding.DECISION_COLUMNS`.
    trail : DataFrame
        `coding.TRAIL_COLUMNS` up to the lock, if there is one.
    """

    scheme: str
    extracts: pd.DataFrame
    codings: pd.DataFrame
    decisions: pd.DataFrame
    trail: pd.DataFrame

    @property
    def data_kind(self) -> str:
        """That of the extracts; codes given to invented passages are invented."""
        return str(self.extracts["data_kind"].iloc[0])


def extracts_of(
    documents: pd.DataFrame,
    recommendations: pd.DataFrame,
    findings: pd.DataFrame,
    criteria: Mapping[str, str],
) -> pd.DataFrame:
    """The passages of inspection and follow-up reports that are to be coded, in reading order.

    Parameters
    ----------
    documents, recommendations, findings : DataFrame
        As `extract.tables` or `review.as_results` gives them. A recommendation that a follow-up
        repeats is coded once, where it was made.
    criteria : mapping
        Criterion to its name.

    Returns
    -------
    DataFrame
        `SENT_COLUMNS`; extract is document and anchor, and unique.
    """
    known = set(review.included(documents)["document"])
    asked = review.answered(documents, recommendations)
    made = pd.concat(
        [
            asked.assign(text=asked["text_span"], reading=RECOMMENDATION, place=""),
            findings[findings["document"].isin(known)].assign(reading=lambda f: f["tone"]),
        ],
        ignore_index=True,
    ).fillna("")
    made["first"] = made["anchor"].astype(str).str.split("..", regex=False).str[0]
    made["number"] = made["first"].str.extract(r"(\d+)", expand=False).fillna("0").astype(int)
    made = made.sort_values(["document", "number"], kind="stable", ignore_index=True)
    name = (made["document"] + "." + made["first"]).map(lambda n: re.sub(r"[^\w.-]+", "-", n))
    again = name.groupby(name).cumcount()
    made["extract"] = name + again.map(lambda n: f".{n + 1}" if n else "")
    chapter = made["criterion"].map(criteria).fillna("No chapter")
    where = made["place"].where(made["place"].ne(""), "paragraph " + made["first"].str[1:])
    made["place"] = chapter + ", " + where
    made["chapter"] = made["criterion"]
    return made[list(SENT_COLUMNS)].astype(str)


# ---------------------------------------------------------------------------------------------
# Reading


def read(folder: str | Path, frame: pd.DataFrame) -> Round:
    """A round of coding, held against what went out.

    Parameters
    ----------
    folder : path
        See the module; relative to the root of the repository.
    frame : DataFrame
        The coding frame.

    Raises
    ------
    InputError
        With everything that `coding.read_sheet`, `coding.reconcile` or `coding.check_final` finds;
        for a missing file, day or sheet, and for a sheet whose coder is not in ``round.toml``.
    """
    source = paths.ROOT / folder
    about = _about(source)
    scheme, extracts = sent(source)
    codings = [
        coding.read_sheet(source / f"{coder}.xlsx", extracts, frame, scheme=scheme, coder=coder)
        for coder in about["coders"]
    ]
    decisions = pd.DataFrame(columns=list(coding.DECISION_COLUMNS))
    if (source / DECISIONS).exists():
        decisions = _table(source / DECISIONS, coding.DECISION_COLUMNS)
    trail = coding.begin(codings, on=str(about["taken_over_on"]))
    if len(decisions):
        trail = coding.reconcile(trail, decisions, frame)
    if (source / LOCKED).exists():
        locked = _table(source / LOCKED, coding.TRAIL_COLUMNS)
        by, on = locked["by"].iloc[0], locked["on"].iloc[0]
        trail = coding.lock(trail, frame, by=by, on=on)
        coding.check_final(locked, trail)
    return Round(scheme, extracts, pd.concat(codings, ignore_index=True), decisions, trail)


def sent(folder: Path) -> tuple[str, pd.DataFrame]:
    """Scheme and extracts (`SENT_COLUMNS`) of a round, whether or not it has come back."""
    return str(_toml(folder).get("scheme", "")), _table(folder / EXTRACTS, SENT_COLUMNS)


def is_back(folder: Path) -> bool:
    """Whether somebody has written down the day on which the sheets came back."""
    return bool(_toml(folder).get("taken_over_on"))


def read_frame() -> pd.DataFrame:
    """The coding frame, checked (data/coding/coding_frame.csv)."""
    return coding.check_frame(_text(paths.data("coding", "coding_frame.csv")))


def _toml(source: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((source / ROUND).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problem = Problem(ROUND, str(error), "the file that make coding-sheets wrote", "Restore it")
        raise InputError("This folder holds no round of coding.", [problem]) from error


def _about(source: Path) -> dict[str, Any]:
    about = _toml(source)
    problems = [
        Problem(f"{ROUND}, {key}", "nothing", "a value", remedy)
        for key, remedy in (
            ("scheme", "Name the scheme."),
            ("coders", "List the coders."),
            ("taken_over_on", "Write the day on which the sheets came back, like 2026-03-31."),
        )
        if not about.get(key)
    ]
    coders = [str(one) for one in about.get("coders", [])]
    known = {f"{coder}.xlsx" for coder in coders}
    found = {path.name for path in source.glob("*.xlsx")}
    problems += [
        Problem(name, "no such file", "the sheet of that coder", "Add it, or take the coder out.")
        for name in sorted(known - found)
    ]
    problems += [
        Problem(name, "a sheet of nobody", f"one of {sorted(known)}", f"Name the coder in {ROUND}.")
        for name in sorted(found - known)
    ]
    if problems:
        raise InputError("This round of coding cannot be read.", problems)
    return about | {"coders": coders}


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    frame = _text(path)
    absent = [name for name in columns if name not in frame]
    if absent or frame.empty:
        found = f"no column {absent[0]}" if absent else "no row"
        problem = Problem(path.name, found, ", ".join(columns), "Restore the file.")
        raise InputError("This round of coding cannot be read.", [problem])
    return frame[list(columns)]


def _text(path: Path) -> pd.DataFrame:
    """A table as text, as it was before `write_table` made formulas inert."""
    frame = formats.read_table(path).frame.astype(object).fillna("").astype(str)
    return frame.replace(rf"^'(?={_FORMULA})", "", regex=True)


# ---------------------------------------------------------------------------------------------
# Writing


def write(
    folder: Path,
    extracts: pd.DataFrame,
    frame: pd.DataFrame,
    *,
    scheme: str,
    coders: Sequence[str],
    sent_on: str,
) -> None:
    """Send a round out: a sheet for each coder, and what was sent.

    Parameters
    ----------
    folder : Path
        Made if missing; existing files of these names are written anew.
    extracts : DataFrame
        `SENT_COLUMNS`; characters that cannot be seen or turn others are sent as `inert.marked`.
    coders : sequence of str
        Names of files: letters, digits, hyphens and spaces, each once.
    sent_on : str
        ISO day.
    """
    problems = [
        Problem(f"coder {name!r}", "a name that is no file name", "letters and digits", "Rename.")
        for name in coders
        if not re.fullmatch(r"\w[\w -]*", name)
    ]
    if problems or len(set(coders)) < len(coders) or not coders:
        raise InputError("Name each coder once, in letters and digits.", problems)
    folder.mkdir(parents=True, exist_ok=True)
    extracts = extracts[list(SENT_COLUMNS)].map(inert.marked)
    for coder in coders:
        path = folder / f"{coder}.xlsx"
        coding.write_sheet(path, extracts, frame, scheme=scheme, coder=coder)
    write_table(folder / EXTRACTS, extracts)
    listed = ", ".join(f'"{name}"' for name in coders)
    about = (
        f'scheme = "{scheme}"\ncoders = [{listed}]\nsent_on = "{sent_on}"\n'
        "# The day on which the sheets came back, like 2026-03-31:\n"
        'taken_over_on = ""\n'
    )
    (folder / ROUND).write_text(about, encoding="utf-8", newline="\n")


def lock(folder: Path, frame: pd.DataFrame, *, by: str, on: str) -> int:
    """Lock every code of a round in ``locked.csv``; returns how many.

    Raises
    ------
    InputError
        While a conflict is open (`coding.lock`), and where the round is locked already.
    """
    if (folder / LOCKED).exists():
        problem = Problem(LOCKED, "a lock", "none", "Take the file away to decide again.")
        raise InputError("This round is locked.", [problem])
    trail = coding.lock(read(folder, frame).trail, frame, by=by, on=on)
    locked = trail[trail["action"] == coding.LOCKED]
    write_table(folder / LOCKED, locked)
    return len(locked)


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """A frame as CSV that no spreadsheet takes for formulas.

    An apostrophe in front says so; a text that has one there gets another, which reading takes off.
    """
    safe = frame.replace(rf"^(?='{_FORMULA})", "'", regex=True)
    path.write_bytes(results.csv_text(safe).encode("utf-8"))


# ---------------------------------------------------------------------------------------------
# As results


def settled(one: Round) -> pd.DataFrame:
    """What people say of each extract: the code on which coders agree or that was decided.

    Returns
    -------
    DataFrame
        extract, code, basis (``agreed by 2 coders``, ``one coder only``, ``reconciled``). Open
        conflicts and extracts that nobody coded are left out.
    """
    rows = []
    for extract, given in one.trail.groupby("extract", sort=True):
        coded = given[given["action"] == coding.CODED]
        after = given[given["action"].isin([coding.RECONCILED, coding.REOPENED])]
        if len(after) and after["action"].iloc[-1] == coding.RECONCILED:
            rows.append((extract, after["code"].iloc[-1], coding.RECONCILED))
        elif after.empty and coded["code"].nunique() == 1:
            basis = "one coder only" if len(coded) == 1 else f"agreed by {len(coded)} coders"
            rows.append((extract, coded["code"].iloc[0], basis))
    return pd.DataFrame(rows, columns=["extract", "code", "basis"])


def final(one: Round) -> pd.DataFrame:
    """`settled` with the text, as rows of the results vocabulary.

    Returns
    -------
    DataFrame
        id, extract, document, place, text, code, basis, locked (yes or no), unit, data_kind.
    """
    locked = set(one.trail.loc[one.trail["action"] == coding.LOCKED, "extract"])
    columns = ["extract", "document", "place", "text", "data_kind"]
    found = settled(one).merge(one.extracts[columns], on="extract")
    found["locked"] = found["extract"].isin(locked).map({True: "yes", False: "no"})
    found["id"] = "coded." + found["extract"]
    return found.assign(unit="extracts")


def progress(one: Round, frame: pd.DataFrame) -> pd.DataFrame:
    """How far the round is.

    Returns
    -------
    DataFrame
        id, step, count, denominator (sent out), unit, data_kind.
    """
    given = one.codings[one.codings["code"] != ""]
    coders = given.groupby("extract").size()
    bases = settled(one)["basis"]
    steps = {
        "sent out": len(one.extracts),
        "coded by two coders or more": int((coders > 1).sum()),
        "coded by one coder only": int((coders == 1).sum()),
        "coded by nobody": len(one.extracts) - len(coders),
        "coders agree": int(bases.str.startswith("agreed").sum()),
        "coders differ, decided": int((bases == coding.RECONCILED).sum()),
        "coders differ, open": len(coding.conflicts(one.trail, frame)),
        "locked": int((one.trail["action"] == coding.LOCKED).sum()),
    }
    rows = pd.DataFrame(steps.items(), columns=["step", "count"])
    rows["id"] = "coding." + rows["step"].str.replace(r"\W+", "_", regex=True)
    return rows.assign(denominator=len(one.extracts), unit="extracts", data_kind=one.data_kind)


def differences(one: Round, frame: pd.DataFrame) -> pd.DataFrame:
    """Each extract on which coders differed, with what was decided.

    Returns
    -------
    DataFrame
        id, extract, text, codings (with the labels of codes), differ_in, decided (a code, or blank
        while open), by, reason, unit, data_kind.
    """
    first = one.trail[one.trail["action"] == coding.CODED]
    found = coding.conflicts(first, frame)
    decided = one.decisions.rename(columns={"code": "decided"})
    found = found.merge(decided, on="extract", how="left").fillna("")
    found = found.merge(one.extracts[["extract", "text"]], on="extract")
    labels = frame.set_index("code")["label"].to_dict()
    found["codings"] = found["codings"].str.replace(
        r"[^\s;:]+", lambda word: labels.get(word[0], word[0]), regex=True
    )
    found["id"] = "difference." + found["extract"]
    return found.assign(unit="extracts")


def trail(one: Round) -> pd.DataFrame:
    """The audit trail as rows of the results vocabulary: who gave which code when, and why."""
    return one.trail.assign(id=[f"trail.{step:05d}" for step in one.trail["step"]], unit="extracts")


def agreements(one: Round, frame: pd.DataFrame) -> pd.DataFrame:
    """All coefficients for the whole code, for its area and for its kind.

    Returns
    -------
    DataFrame
        As `agreement.table`, with the column level (code, area, kind).
    """
    parts = []
    for level in LEVELS:
        codings = one.codings
        if level != "code":
            codings = coding.at_level(codings, frame, level)
        wide = agreement.ratings(codings)
        found = agreement.table(
            wide, stem=f"coding_agreement.{level}", data_kind=one.data_kind, unit="extracts"
        )
        parts.append(found.assign(level=level, item=found["coefficient"].map(COEFFICIENTS)))
    return pd.concat(parts, ignore_index=True)
