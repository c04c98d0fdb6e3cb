"""Two invented coders of the invented reports, to try coding sheets, agreement and proposals.

The truth of a sentence is known, because the corpus was written from `wording`; each coder departs
from it at a stated rate. Agreement between them is therefore what the rates make it: it shows that
the machinery works, and nothing about how well people agree.
"""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import openpyxl
import pandas as pd

from ncpi_eval.evidence import coding, coding_round, criteria, extract
from ncpi_eval.synthesis_documents.wording import FINDINGS, PROGRESS, RECOMMENDATIONS

SEED = 20260302
FORCES = ("01-", "02-", "03-", "04-", "05-", "08-")
"""Beginnings of the documents that were coded; the others wait, as in a real round."""
SCHEME = "inspection"
RATES = {"Ann": (0.08, 0.07, 0.02, 0.03), "Ben": (0.12, 0.10, 0.03, 0.04)}
"""Coder -> how often another area, another kind, none of the frame, and not coded at all."""
DECIDES, SENT, BACK, DECIDED, LOCKED = "Cat", "2026-02-02", "2026-03-02", "2026-03-09", "2026-03-10"

_NEAR = {
    "leadership_management_governance": "investigation",
    "initial_contact": "assessment_and_help",
    "assessment_and_help": "initial_contact",
    "investigation": "leadership_management_governance",
    "decision_making": "assessment_and_help",
    "trusted_adult": "police_detention",
    "managing_those_who_pose_a_risk": "investigation",
    "police_detention": "decision_making",
    "missing_children": "assessment_and_help",
}
_KINDS = {
    "good_practice": "evidence_of_change",
    "evidence_of_change": "area_for_improvement",
    "area_for_improvement": "recommendation",
    "recommendation": "area_for_improvement",
}


def true_code(text: str, chapter: str, reading: str) -> str:
    """The code that the frame's rules give a sentence of the corpus.

    Findings are looked up in `wording`; text about children who go missing belongs to that area,
    wherever it stands, as the frame says.
    """
    plain = re.sub(r"\s+", " ", text.replace("\u2019", "'"))
    known = {sentence: (area, good) for area, rows in FINDINGS.items() for sentence, good in rows}
    area = chapter
    if plain in known:
        area, good = known[plain]
        kind = "good_practice" if good else "area_for_improvement"
    elif plain in PROGRESS or reading.startswith("progress"):
        kind = "evidence_of_change"
    else:
        kind = "recommendation"
        area = _asked_of(plain)
    if "go missing" in plain:
        area = "missing_children"
    return f"{SCHEME}.{area}.{kind}"


def _asked_of(text: str) -> str:
    for area, rows in RECOMMENDATIONS.items():
        if any(words in text for first, after_should, _ in rows for words in (first, after_should)):
            return area
    raise ValueError(f"This is no sentence of the corpus: {text}")


def coded(extracts: pd.DataFrame, coder: str, seed: int = SEED) -> list[str]:
    """One coder's codes, in the order of the extracts; blank where nothing was coded."""
    random_numbers = random.Random(f"{seed}/{coder}")
    return [_one(row, coder, random_numbers) for row in extracts.to_dict("records")]


def _one(row: dict, coder: str, random_numbers: random.Random) -> str:
    other_area, other_kind, none, blank = RATES[coder]
    _, area, kind = true_code(row["text"], row["chapter"], row["reading"]).split(".")
    draw = random_numbers.random()
    if draw < blank:
        return ""
    if draw < blank + none:
        return coding.NONE_APPLIES
    if random_numbers.random() < other_area:
        area = _NEAR[area]
    if random_numbers.random() < other_kind:
        kind = _KINDS[kind]
    return f"{SCHEME}.{area}.{kind}"


def write_round(documents: Path, folder: Path) -> int:
    """Send out, code, decide and lock; returns the number of extracts.

    Parameters
    ----------
    documents : Path
        The synthetic corpus.
    folder : Path
        Emptied first; see `coding_round` for its files. The same bytes every time.
    """
    shutil.rmtree(folder, ignore_errors=True)
    frame = coding_round.read_frame()
    read = extract.tables(documents, workers=1)
    names = {one: one.replace("_", " ").capitalize() for one in criteria.CRITERIA}
    extracts = coding_round.extracts_of(
        read["document_facts"], read["recommendations"], read["document_findings"], names
    )
    extracts = extracts[extracts["document"].str.startswith(FORCES)].reset_index(drop=True)
    coding_round.write(folder, extracts, frame, scheme=SCHEME, coders=list(RATES), sent_on=SENT)
    about = (folder / coding_round.ROUND).read_text(encoding="utf-8")
    about = about.replace('taken_over_on = ""', f'taken_over_on = "{BACK}"')
    (folder / coding_round.ROUND).write_text(about, encoding="utf-8", newline="\n")
    for coder in RATES:
        _fill(folder / f"{coder}.xlsx", coded(extracts, coder))
    _decide(folder, frame)
    coding_round.lock(folder, frame, by=DECIDES, on=LOCKED)
    return len(extracts)


def _fill(path: Path, codes: list[str]) -> None:
    book = openpyxl.load_workbook(path)
    page = book["Coding"]
    column = [cell.value for cell in page[1]].index("code") + 1
    for number, code in enumerate(codes, 2):
        page.cell(number, column).value = code or None
    path.write_bytes(coding.steady(book))


def _decide(folder: Path, frame: pd.DataFrame) -> None:
    one = coding_round.read(folder, frame)
    texts = one.extracts.set_index("extract")
    rows = []
    for row in coding.conflicts(one.trail, frame).to_dict("records"):
        sent = texts.loc[row["extract"]]
        code = true_code(sent["text"], sent["chapter"], sent["reading"])
        reason = f"Read together; they differed in {row['differ_in']}."
        rows.append((row["extract"], code, DECIDES, DECIDED, reason))
    decisions = pd.DataFrame(rows, columns=list(coding.DECISION_COLUMNS))
    coding_round.write_table(folder / coding_round.DECISIONS, decisions)
