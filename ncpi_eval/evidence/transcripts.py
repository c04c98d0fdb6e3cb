"""Transcripts of interviews and focus groups: read, redacted, and shown only as far as they may be.

A folder holds the texts and what people made of them. Names, places, numbers and addresses are
taken out on the way in; what is left may still tell a story that only one person fits, so a real
passage is shown only when somebody has read it and released it, and nobody is described by a role
and a kind of force that fewer than three forces share.

Files of a folder, beside the texts (.txt, .docx) and REFI-QDA projects (.qdpx):

| file | one row is | columns |
|---|---|---|
| cases.csv | an encounter | case, document, role, force_type, inspection_timing, force, data_kind |
| codings.csv (optional) | a coded passage | document, start, end, code, coder, remark |
| summaries.csv (optional) | what a case says about a theme | case, theme, summary |
| released.csv (optional) | a passage that somebody has read and released | extract |
| redact.csv (optional) | a word or name to take out, beside what patterns find | word |

A released passage is named ``<case>.<start>-<end>``, so that it must be read again when its place
in the text changes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from ncpi_eval import disclosure
from ncpi_eval.document_files import read_document
from ncpi_eval.document_files.plain import decode
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.evidence.refi_qda import GIVEN_COLUMNS, read_project
from ncpi_eval.intake.framework import ATTRIBUTE_CHECKS, Check, read_checked
from ncpi_eval.redaction import KINDS, Redactor

CASE_COLUMNS = (
    "case",
    "document",
    "role",
    "force_type",
    "inspection_timing",
    "force",
    "data_kind",
)
_ATTRIBUTES = ("role", "force_type", "inspection_timing")
UNREAD = "Withheld until somebody has read it and released it."
FEW_FORCES = (
    f"Withheld: fewer than {disclosure.MINIMUM_FORCES} forces share this role and kind of force."
)
#: What each kind of redaction takes out.
KINDS_IN_WORDS = {
    "e-mail": "e-mail addresses",
    "link": "web addresses",
    "handle": "names in social media",
    "date": "dates with a year",
    "telephone": "telephone numbers",
    "postcode": "postcodes",
    "number": "collar, reference and other long numbers",
    "name": "names of people",
    "force": "names of forces",
    "place": "names of places",
    "word": "words that the folder lists",
}


@dataclass(frozen=True)
class Transcripts:
    """What a folder holds.

    Parameters
    ----------
    cases : DataFrame
        `CASE_COLUMNS` as text, one row per encounter.
    texts : mapping of str to str
        Text of each document as read, not redacted; never shown.
    codings : DataFrame
        `GIVEN_COLUMNS`: positions in the text, code and coder.
    summaries : DataFrame
        case, theme, summary.
    released : frozenset of str
        Names of extracts that somebody has read.
    codes : DataFrame
        The coding frame.
    redactor : Redactor
        For these texts.
    notes : tuple of str
        What was not read, and why.
    """

    cases: pd.DataFrame
    texts: dict[str, str]
    codings: pd.DataFrame
    summaries: pd.DataFrame
    released: frozenset[str]
    codes: pd.DataFrame
    redactor: Redactor
    notes: tuple[str, ...]

    @property
    def data_kind(self) -> str:
        """real or synthetic; a folder has one."""
        return str(self.cases["data_kind"].iloc[0])

    @property
    def protected(self) -> bool:
        """Whether these are people about whom no more may be shown than the rules allow."""
        people = pd.DataFrame({"unit": ["interviewees"], "data_kind": [self.data_kind]})
        return bool(disclosure.is_protected(people).iloc[0])

    def redacted(self, text: str) -> str:
        """A text of the folder without names, places and numbers."""
        return self.redactor.redact(text)

    def code_label(self, code: str) -> str:
        """What a code is called."""
        return self._labels.get(code, code)

    @cached_property
    def _labels(self) -> dict[str, str]:
        return dict(zip(self.codes["code"], self.codes["label"], strict=True))

    def shown_cases(self) -> pd.DataFrame:
        """The cases as they may be described: suppressed and caveat say what is withheld."""
        return withheld(self.cases, self.protected)

    def passages(self) -> pd.DataFrame:
        """Coded passages, redacted, in the order of cases and texts.

        Returns
        -------
        DataFrame
            extract (``<case>.<start>-<end>``, with a number where a passage has a further code),
            case, code, text (missing where withheld), place, the attributes, suppressed, caveat. A
            passage that two people gave the same code is there once.
        """
        cases = self.shown_cases()
        rows = []
        for case in cases.to_dict("records"):
            own = self.codings[self.codings["document"] == case["document"]]
            own = own.drop_duplicates(["start", "end", "code"])
            own = own.sort_values(["start", "end", "code"], kind="stable")
            text = self.texts[case["document"]]
            seen: Counter[str] = Counter()
            for coding in own.to_dict("records"):
                start, end = int(coding["start"]), int(coding["end"])
                passage = f"{case['case']}.{start}-{end}"
                seen[passage] += 1
                extract = passage + (f".{seen[passage]}" if seen[passage] > 1 else "")
                unread = self.protected and passage not in self.released
                hidden = bool(case["suppressed"]) or unread
                rows.append(
                    {
                        "extract": extract,
                        "case": case["case"],
                        "code": coding["code"],
                        "text": None if hidden else self.redactor.passage(text, start, end),
                        "place": f"characters {start} to {end}",
                        **{name: case[name] for name in _ATTRIBUTES},
                        "suppressed": hidden,
                        "caveat": case["caveat"] or (UNREAD if unread else ""),
                    }
                )
        columns = ["extract", "case", "code", "text", "place", *_ATTRIBUTES, "suppressed", "caveat"]
        return pd.DataFrame(rows, columns=columns)

    def redactions(self) -> pd.DataFrame:
        """What was taken out of all texts, by kind and number; the words themselves are nowhere.

        Returns
        -------
        DataFrame
            One row per kind, unit redactions: id, item, response (the kind), count, data_kind.
        """
        found: Counter[str] = Counter()
        for text in self.texts.values():
            found += self.redactor.counts(text)
        return pd.DataFrame(
            {
                "id": [f"redacted.{kind}" for kind in KINDS],
                "question": "redactions",
                "item": [KINDS_IN_WORDS[kind] for kind in KINDS],
                "response": list(KINDS),
                "unit": "redactions",
                "count": [found[kind] for kind in KINDS],
                "data_kind": self.data_kind,
            }
        )


def withheld(cases: pd.DataFrame, protected: bool) -> pd.DataFrame:
    """Cases without what would describe people of fewer than three forces.

    Parameters
    ----------
    cases : DataFrame
        `CASE_COLUMNS`.
    protected : bool
        Whether the rule holds; invented people need none.

    Returns
    -------
    DataFrame
        The same without ``force``, with suppressed (True where role and kind of force together are
        found in fewer than `disclosure.MINIMUM_FORCES` forces: then no attribute is given) and
        caveat. Where only the timing narrows it below that, the timing alone is withheld.
    """
    shown = cases.drop(columns="force").assign(suppressed=False, caveat="")
    if not protected:
        return shown
    few = _forces_sharing(cases, ["role", "force_type"]) < disclosure.MINIMUM_FORCES
    narrow = _forces_sharing(cases, list(_ATTRIBUTES)) < disclosure.MINIMUM_FORCES
    shown.loc[narrow, "inspection_timing"] = ""
    shown.loc[few, list(_ATTRIBUTES)] = ""
    shown.loc[few, "caveat"] = FEW_FORCES
    return shown.assign(suppressed=few)


def read(
    folder: str | Path,
    codes: pd.DataFrame,
    *,
    forces: Iterable[str],
    places: Iterable[str],
    themes: Iterable[str],
) -> Transcripts:
    """A folder of transcripts; see the module for its files.

    Parameters
    ----------
    folder : path
        Texts as .txt or .docx, or inside .qdpx projects.
    codes : DataFrame
        The coding frame: its codes alone are accepted in codings.csv. Codes of a project that it
        does not have are left out and noted.
    forces, places : iterable of str
        Names to take out.
    themes : iterable of str
        Themes that summaries.csv may name.

    Raises
    ------
    InputError
        With every file, row and column that is wrong: cases.csv missing, a case without text, a
        passage outside its text, an unknown code, theme, role or kind of data, both real and
        synthetic cases in one folder.
    """
    root = Path(folder)
    if not (root / "cases.csv").is_file():
        raise _refusal(root, "no cases.csv", "cases.csv, one row per encounter", "Add it.")
    cases = read_checked(root / "cases.csv", CASE_COLUMNS, _CASE_CHECKS, "case")
    if cases["data_kind"].nunique() != 1:
        raise _refusal(root / "cases.csv", "several kinds of data", "one", "Keep them apart.")
    texts, projects, notes = _texts(root, str(cases["data_kind"].iloc[0]), set(codes["code"]))
    lost = sorted(set(cases["document"]) - set(texts))
    if lost:
        raise _refusal(root, f"no text of {', '.join(lost)}", "a text for each case", "Add it.")
    known = set(codes["code"])
    given = _optional(
        root / "codings.csv",
        GIVEN_COLUMNS,
        [
            ("document", set(texts).__contains__, "a document of this folder"),
            ("code", known.__contains__, "a code of the coding frame"),
            ("start", str.isdigit, "a position"),
            ("end", str.isdigit, "a position"),
        ],
    )
    codings = pd.concat([given, projects], ignore_index=True)
    codings = codings.assign(start=codings["start"].astype(int), end=codings["end"].astype(int))
    _refuse_outside(root, codings, texts)
    summaries = _optional(
        root / "summaries.csv",
        ("case", "theme", "summary"),
        [
            ("case", set(cases["case"]).__contains__, "a case of cases.csv"),
            ("theme", set(themes).__contains__, "a theme of the framework"),
            ("summary", bool, "a summary"),
        ],
    )
    released = _optional(root / "released.csv", ("extract",), [])
    words = _optional(root / "redact.csv", ("word",), [])
    redactor = Redactor.of([*forces, *cases["force"]], places, words["word"])
    used = {name: texts[name] for name in cases["document"]}
    return Transcripts(
        cases, used, codings, summaries, frozenset(released["extract"]), codes, redactor, notes
    )


_CASE = re.compile(r"[a-z][a-z0-9-]*")
_CASE_CHECKS: list[Check] = [
    ("case", lambda text: bool(_CASE.fullmatch(text)), "a name of a-z, 0-9 and -"),
    ("document", bool, "the name of its text"),
    *ATTRIBUTE_CHECKS,
    ("force", bool, "the force's name, which is never shown"),
    ("data_kind", ("real", "synthetic").__contains__, "real or synthetic"),
]
_TABLES = (".csv", ".md")


def _texts(
    root: Path, data_kind: str, known: set[str]
) -> tuple[dict[str, str], pd.DataFrame, tuple[str, ...]]:
    """Texts by name, what projects say is coded, and what was left out."""
    texts: dict[str, str] = {}
    codings: list[pd.DataFrame] = [pd.DataFrame(columns=list(GIVEN_COLUMNS))]
    notes: list[str] = []
    for path in sorted(p for p in root.iterdir() if p.is_file() and p.name[0] not in ".~"):
        suffix = path.suffix.lower()
        if suffix == ".qdpx":
            project = read_project(path, data_kind=data_kind)
            texts |= dict(zip(project.sources["name"], project.sources["text"], strict=True))
            taken = project.codings["code"].isin(known)
            left = sorted(set(project.codings.loc[~taken, "code"]))
            notes += [*project.notes, *(f"{path.name}: code {code!r} is unknown." for code in left)]
            codings.append(project.codings.loc[taken, list(GIVEN_COLUMNS)])
        elif suffix == ".txt":
            text, warnings = decode(path.read_bytes(), path.name)
            texts[path.name] = text
            notes += [f"{path.name}: {warning}." for warning in warnings]
        elif suffix not in _TABLES:
            document = read_document(path)
            texts[path.name] = "\n".join(item.text for item in document.paragraphs)
    return texts, pd.concat(codings, ignore_index=True), tuple(notes)


def _optional(source: Path, columns: tuple[str, ...], checks: list[Check]) -> pd.DataFrame:
    if not source.is_file():
        return pd.DataFrame(columns=list(columns), dtype=str)
    return read_checked(source, columns, checks, "")


def _refuse_outside(root: Path, codings: pd.DataFrame, texts: dict[str, str]) -> None:
    problems = [
        Problem(
            f"codings.csv, row {number}",
            f"{row['start']} to {row['end']}",
            f"a passage of {row['document']}, 0 to {len(texts[row['document']])}",
            "Correct the positions.",
        )
        for number, row in enumerate(codings.to_dict("records"), start=1)
        if not 0 <= row["start"] < row["end"] <= len(texts[row["document"]])
    ]
    if problems:
        raise InputError(f"{root.name} has codings that cannot be used.", problems)


def _forces_sharing(cases: pd.DataFrame, columns: list[str]) -> pd.Series:
    return cases.groupby(columns)["force"].transform("nunique")


def _refusal(place: Path, found: str, expected: str, remedy: str) -> InputError:
    return InputError(
        "These transcripts cannot be used.", [Problem(place.name, found, expected, remedy)]
    )
