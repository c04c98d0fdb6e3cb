"""Rows of respondents, their serials and their own words, found in outputs.

Two ways: by shape (a table with a column for serials, or with the questionnaire's variables as
columns), which needs no data, and by value, where the survey file is at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import pandas as pd

from ncpi_eval.questionnaire import Questionnaire
from ncpi_eval.scanner.contents import Content, Table

# Names of columns in which a table identifies people.
_IDENTITY = re.compile(
    r"(?i)(serial|respondent|interviewee|participant)([ _]?(id|no|number|code))?"
)
# Names of columns that describe a person, and of those that describe a group.
_PERSONAL = re.compile(
    r"age( band| group)?|sex|gender|ethnic(ity| group|ity group)?|(police )?force|rank|"
    r"role( or rank)?|area( of work)?|(length of )?(police )?service"
)
_COUNTED = re.compile(
    r"count|respondents|base|denominator|per ?cent|%|^n$|number|share|estimate|unit"
)
# So many variables as columns make a table of records.
VARIABLES = 3
# Answers in a row that repeat a respondent's, and how many of them must be given.
WINDOW = 8
GIVEN = 6
# Answers below each other, with the names of their questions beside them.
RUN = 10
# Labels of different background questions in one row.
LABELS = 4
# Consecutive words of an answer that nobody else would write.
WORDS = 6
# A whole answer that is shorter counts when it stands alone.
SHORTEST_WORDS = 3

_WORD = re.compile(r"[a-z0-9]+(?:['’][a-z]+)*")
_DIGIT = re.compile(r"-?\d(?:\.0)?")
_NO_LETTER = re.compile(r"[\W_]+")
_CODE = re.compile(r"-?\d{0,3}(?:\.0)?")
_RUN = re.compile(
    rf"(?<![\w.])\d{{1,3}}(?:(?:\s*[,;|]\s*|\s+)\d{{1,3}}){{{GIVEN - 1},}}(?![\w.]\d)"
)


def in_words(text: str) -> list[str]:
    """Words of a text, without case and punctuation."""
    return _WORD.findall(text.casefold().replace("’", "'"))


def record_tables(content: Content, book: Questionnaire) -> Iterator[tuple[str, str]]:
    """Place and description of tables that have one row for a person, by their header."""
    known = {name.casefold() for name in book.variables}
    for table in content.tables:
        header = [cell.strip().casefold() for cell in table.header]
        named = [cell for cell in header if cell in known and cell != "serial"]
        identity = [cell for cell in header if _IDENTITY.fullmatch(cell)]
        has_values = any(
            header.index(cell) < len(row) and re.search(r"\d", row[header.index(cell)])
            for cell in identity[:1]
            for row in table.rows[:50]
        )
        personal = {cell for cell in header if _PERSONAL.fullmatch(cell)}
        if len(personal) >= VARIABLES and not any(map(_COUNTED.search, header)):
            yield table.place or "table", f"columns {', '.join(sorted(personal))} and no count"
        elif len(set(named)) >= VARIABLES:
            yield table.place or "table", f"columns {', '.join(named[:4])} and others"
        elif has_values and len(header) > 1:
            yield table.place or "table", f"a column {identity[0]!r} of values"


class Respondents:
    """What is known of the respondents of one survey file.

    Parameters
    ----------
    frame : DataFrame
        Rows of the file as text or codes, columns named as in the questionnaire.
    book : Questionnaire
        Which columns are closed questions and which hold text.
    labels : iterable of str
        Words of the report itself that an answer may happen to repeat, such as names of themes.
    """

    def __init__(
        self, frame: pd.DataFrame, book: Questionnaire, labels: Iterable[str] = ()
    ) -> None:
        self.book = book
        self.own_labels = tuple(labels)
        variables = book.variables
        text = frame.astype("string").fillna("").map(lambda value: value.strip())
        closed = [name for name in text if name in variables and variables[name].options]
        self.closed = closed
        words = [name for name in text if name in variables and variables[name].is_text]
        self.serials = self._serials(text.get("serial"))
        self.codes = [[_code(value) for value in row] for row in text[closed].to_numpy()]
        self.answers = [
            value
            for name in words
            if name not in ("serial", "data_kind")
            for value in text[name]
            if value and not value.isdigit()
        ]

    @staticmethod
    def _serials(column: pd.Series | None) -> frozenset[str]:
        """Serials that cannot be taken for a number."""
        values = set() if column is None else {str(value) for value in column if value}
        return frozenset(v for v in values if len(v) > 3 and not v.replace(".", "").isdigit())

    @cached_property
    def windows(self) -> frozenset[tuple[str, ...]]:
        """Runs of neighbouring answers, of which enough were given, and those given alone."""
        found = set()
        for row in self.codes:
            for start in range(len(row) - WINDOW + 1):
                part = row[start : start + WINDOW]
                if sum(map(bool, part)) >= GIVEN and len(set(part)) > 2:
                    found.add(tuple(part))
            given = [value for value in row if value]
            for start in range(len(given) - WINDOW + 1):
                part = given[start : start + WINDOW]
                if len(set(part)) > 2:
                    found.add(tuple(part))
        return frozenset(found)

    @cached_property
    def shingles(self) -> frozenset[tuple[str, ...]]:
        """Runs of words of the answers."""
        return frozenset(run for answer in self.answers for run in runs(in_words(answer)))

    @cached_property
    def short(self) -> frozenset[str]:
        """Whole answers that are too short for a run, without the questionnaire's own words."""
        labels = {v.label for v in self.book.variables.values()}
        labels |= {text for v in self.book.variables.values() for text in v.options.values()}
        labels |= {text for g in self.book.groups.values() for text in g.categories.values()}
        known = {" ".join(in_words(label)) for label in [*labels, *self.own_labels]}
        found = {tuple(in_words(answer)) for answer in self.answers}
        return frozenset(
            " ".join(words) for words in found if SHORTEST_WORDS <= len(words) < WORDS
        ) - frozenset(known)

    def rows(self, table: Table, is_public: bool = False) -> Iterator[tuple[str, str]]:
        """Place and description of rows that repeat a respondent's answers."""
        labels = self.labels
        for number, row in enumerate(table.rows, start=1):
            place = f"{table.place}, row {number}" if table.place else f"row {number}"
            cells = [_code(cell) for cell in row]
            if len(cells) >= WINDOW:
                for start in range(len(cells) - WINDOW + 1):
                    if tuple(cells[start : start + WINDOW]) in self.windows:
                        yield place, f"{WINDOW} neighbouring answers of a respondent"
                        break
            digits = sum(bool(_DIGIT.fullmatch(cell.strip())) for cell in row)
            if digits >= WINDOW and digits > len(row) / 2 and not is_public:
                yield place, f"{digits} single digits in a row"
            named = {labels[cell.casefold()] for cell in row if cell.casefold() in labels}
            if len(named) >= LABELS:
                yield place, f"one answer each to {', '.join(sorted(named)[:4])}"

    def lists(self, pieces: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Place and description of codes that are written one after the other in a text."""
        for piece, place in pieces.items():
            if len(piece) < 2 * WINDOW - 1:
                continue
            for match in _RUN.finditer(piece):
                numbers = re.findall(r"\d+", match.group())
                starts = range(len(numbers) - WINDOW + 1)
                if any(tuple(numbers[s : s + WINDOW]) in self.windows for s in starts):
                    yield place, f"{WINDOW} neighbouring answers of a respondent"
                    break

    @cached_property
    def _said(self) -> re.Pattern[str]:
        found = sorted(self.labels, key=len, reverse=True)
        return re.compile(rf"(?i)(?<!\w)(?:{'|'.join(map(re.escape, found))})(?!\w)")

    def sentences(self, pieces: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Place and description of sentences that describe somebody by several answers."""
        for piece, place in pieces.items():
            if len(piece) < 20:
                continue
            for sentence in re.split(r"[.!?] ", piece):
                said = [self.labels[text.casefold()] for text in self._said.findall(sentence)]
                if len(set(said)) >= LABELS and len(said) == len(set(said)):
                    yield place, f"one answer each to {', '.join(sorted(said)[:4])}"

    @cached_property
    def gave(self) -> dict[tuple[str, str], set[int]]:
        """Which respondents gave an answer, by question and code."""
        found: dict[tuple[str, str], set[int]] = {}
        for number, row in enumerate(self.codes):
            for name, code in zip(self.closed, row, strict=True):
                if code:
                    found.setdefault((name, code), set()).add(number)
        return found

    @cached_property
    def asked(self) -> dict[str, str]:
        """Names and labels of closed questions to their variable."""
        variables = {name: self.book.variables[name] for name in self.closed}
        return {v.label.casefold(): n for n, v in variables.items()} | {
            name.casefold(): name for name in variables
        }

    def records(self, table: Table) -> Iterator[tuple[str, str]]:
        """Place and description of runs of questions with one respondent's answers beside them."""
        for column in range(len(table.header)):
            asked = [
                self.asked.get(row[column].strip().casefold(), "") if column < len(row) else ""
                for row in [table.header, *table.rows]
            ]
            if len(set(asked)) <= RUN:
                continue
            for beside in range(len(table.header)):
                who: set[int] = set()
                seen: dict[str, str] = {}
                for number, (name, row) in enumerate(
                    zip(asked, [table.header, *table.rows], strict=True)
                ):
                    code = self._answer(name, row[beside] if beside < len(row) else "")
                    same = who & self.gave.get((name, code), set()) if seen else None
                    fits = name and name not in seen and (not seen or same)
                    seen = {**(seen if fits else {}), name: code} if name else {}
                    who = same if fits and same else self.gave.get((name, code), set())
                    if len(seen) >= RUN and len(set(seen.values())) > 2 and who:
                        place = f"{table.place}, row {number}" if table.place else f"row {number}"
                        yield place, f"{RUN} answers of a respondent, one below the other"
                        break

    def _answer(self, name: str, cell: str) -> str:
        """A cell as a code of a question, which may be written as its label."""
        if not name:
            return ""
        text = _code(cell)
        codes = {v.casefold(): str(k) for k, v in self.book.variables[name].options.items()}
        return codes.get(text.casefold(), text)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Labels that name the answer to one background question only."""
        asked: dict[str, set[str]] = {}
        for variable in self.book.variables.values():
            if variable.section == "identity" or variable.name.startswith("R"):
                for text in variable.options.values():
                    asked.setdefault(text.casefold(), set()).add(variable.name)
        return {text: next(iter(names)) for text, names in asked.items() if len(names) == 1}


def runs(words: list[str]) -> Iterator[tuple[str, ...]]:
    """Neighbouring words, as many as `WORDS` at a time."""
    for start in range(len(words) - WORDS + 1):
        yield tuple(words[start : start + WORDS])


def free_text(
    pieces: Iterable[str], everybody: Iterable[Respondents], released: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Words of respondents that were not released, with the piece that holds them."""
    people = list(everybody)
    quoted = [in_words(text) for text in released]
    allowed = {run for words in quoted for run in runs(words)}
    whole = {" ".join(words) for words in quoted}
    known = {run for one in people for run in one.shingles} - allowed
    short = {answer for one in people for answer in one.short} - whole
    if not known and not short:
        return
    firsts = {run[0] for run in known}
    for piece in pieces:
        words = in_words(piece)
        if len(words) < WORDS:
            if " ".join(words) in short:
                yield piece, piece
            continue
        for start in range(len(words) - WORDS + 1):
            if words[start] in firsts and tuple(words[start : start + WORDS]) in known:
                yield piece, " ".join(words[start : start + WORDS])
                break


def serials(pieces: Iterable[str], everybody: Iterable[Respondents]) -> Iterator[tuple[str, str]]:
    """Serials of respondents that stand in a text as words of their own."""
    known = frozenset().union(*(one.serials for one in everybody))
    if not known:
        return
    # Serials of a file are alike: letters and digits in the same places, however they are set.
    plain = {_NO_LETTER.sub("", serial).casefold() for serial in known}
    shapes = {re.sub(r"\d+", lambda m: f"[\\s_-]?\\d{{{len(m[0])}}}", s) for s in plain}
    if len(shapes) > 50:
        shapes = {re.escape(serial) for serial in plain}
    pattern = re.compile(rf"(?i)(?<![^\W_])(?:{'|'.join(sorted(shapes))})(?![^\W_])")
    for piece in pieces:
        for match in pattern.finditer(piece):
            if _NO_LETTER.sub("", match.group()).casefold() in plain:
                yield piece, match.group()


def _code(cell: str) -> str:
    """A code as whole digits; any other cell as it is."""
    text = cell.strip()
    if _CODE.fullmatch(text):
        return text.removesuffix(".0")
    return text
