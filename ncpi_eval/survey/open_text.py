"""Open answers: their themes by rules that can be read, and examples that can be shown.

The survey asked for best practice, improvements, gaps in knowledge and comments in the respondents'
own words. Each answer is given themes by a dictionary of terms (data/coding/open_text_themes.csv),
which a reader can check and change; nothing is learned from the data, so that the same answer has
the same themes in every wave. How well the rules do is measured against themes given by people.

Free text about children and colleagues holds names, numbers and places. `redaction` takes out what
patterns can find and makes the rest harmless to show; it cannot find everything, so that examples
of real answers need a reader before they leave the project (`needs_reading`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ncpi_eval import disclosure, intervals, redaction
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.survey.tabulation import SELF_SELECTED

QUESTIONS = ("FBPrac", "FImp", "InfoAdd", "AOB")
BREAKDOWNS = ("inspection_status", "area")
ALL = "all"

# The invented answers are made of a few hundred phrases, and the rules were adjusted to them.
IN_SAMPLE = (
    "The rules were adjusted after reading the invented answers, so that this shows that they do "
    "what they should, not how well they will do: before, precision was 66% and recall 62%."
)

# An answer that no rule knows, so that the shares say how much the dictionary leaves out.
UNTHEMED = "unthemed"
# Only given when the whole answer says so: "nothing" inside a longer answer means something else.
NOTHING = "nothing"

SHORTEST_EXAMPLE = 25
LONGEST_EXAMPLE = 200
LONGEST_ANSWER = 10_000  # beyond it somebody pasted a file
TYPICAL_EXAMPLE = 90  # long enough to say something, short enough to be read in a table

METHOD = "Wilson interval; themes by rules (data/coding/open_text_themes.csv)"
METHOD_OF_PEOPLE = "Wilson interval; themes given by people"
WROTE = f"{SELF_SELECTED} Base: respondents who wrote something; an answer can have several themes."
ASKED = (
    f"{SELF_SELECTED} Base: respondents who were asked, whether or not they wrote something; an "
    "answer can have several themes."
)

THEME_COLUMNS = ("theme", "label", "questions", "terms", "unless", "include", "exclude")


@dataclass(frozen=True)
class Theme:
    """A theme and the rule that gives it.

    Parameters
    ----------
    name, label : str
        Short name and what is shown.
    questions : tuple of str
        Open questions in which the theme is looked for; empty for all.
    terms : tuple of tuple of re.Pattern
        Alternatives; each is one or more patterns that must all occur in one sentence.
    unless : tuple of re.Pattern
        Phrases that are taken out of the answer before the terms are looked for.
    """

    name: str
    label: str
    questions: tuple[str, ...]
    terms: tuple[tuple[re.Pattern[str], ...], ...]
    unless: tuple[re.Pattern[str], ...]

    def fits(self, answer: str) -> bool:
        """Whether the rule gives this theme to the answer."""
        text = _plain(answer)
        if self.name == NOTHING:
            return any(pattern.fullmatch(text.strip(" .,!-/")) for (pattern,) in self.terms)
        for phrase in self.unless:
            text = phrase.sub(" ", text)
        return any(
            all(pattern.search(sentence) for pattern in together)
            for sentence in _sentences(text)
            for together in self.terms
        )


def themes(dictionary: pd.DataFrame) -> list[Theme]:
    """Themes from the dictionary's table.

    Parameters
    ----------
    dictionary : DataFrame of str
        One row per theme: theme, label, questions (joined by `|`, blank for all), terms, unless,
        include, exclude. Terms are separated by `;`, are whole words or phrases in any case, may
        end a word with `*` for any ending, and join parts that must stand in one sentence with `&`.
        Spaces in a phrase also match hyphens.
        include and exclude are notes for people.

    Returns
    -------
    list of Theme
        In the order of the table.

    Raises
    ------
    InputError
        Listing missing columns, repeated or blank themes, themes without terms.
    """
    missing = [name for name in THEME_COLUMNS if name not in dictionary]
    if missing:
        raise InputError(
            "The theme dictionary is not complete.",
            [Problem("header", "no such column", name, "add the column") for name in missing],
        )
    table = dictionary.fillna("").astype(str)
    problems = []
    for number, row in enumerate(table.to_dict("records"), start=1):
        if not row["theme"] or (table["theme"].iloc[: number - 1] == row["theme"]).any():
            found = repr(row["theme"]) if row["theme"] else "nothing"
            problems.append(
                Problem(f"row {number}, theme", found, "a name of its own", "rename the theme")
            )
        if not row["terms"].strip(" ;"):
            problems.append(
                Problem(f"row {number}, terms", "nothing", "one term or more", "add terms")
            )
    if problems:
        raise InputError("The theme dictionary cannot be used.", problems)
    return [
        Theme(
            row["theme"],
            row["label"],
            tuple(name for name in row["questions"].split("|") if name),
            tuple(
                tuple(_pattern(part) for part in term.split("&")) for term in _split(row["terms"])
            ),
            tuple(_pattern(term) for term in _split(row["unless"])),
        )
        for row in table.to_dict("records")
    ]


def _split(cell: str) -> list[str]:
    return [term.strip() for term in cell.split(";") if term.strip()]


def _pattern(term: str) -> re.Pattern[str]:
    words = [re.escape(word).replace(r"\*", r"\w*") for word in term.strip().lower().split()]
    return re.compile(r"\b" + r"[\s/-]+".join(words) + r"(?!\w)")


def _plain(answer: str) -> str:
    text = unicodedata.normalize("NFKC", answer).lower()
    return text.replace("\u2019", "'").replace("\u2018", "'").replace("n/a", "n a")


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"[.!?;\n]+", text) if part.strip()]


# --- coding --------------------------------------------------------------------------------------


def asked(dictionary: Sequence[Theme], question: str) -> list[Theme]:
    """Themes that are looked for in the answers to one question."""
    return [theme for theme in dictionary if not theme.questions or question in theme.questions]


def code(answers: pd.Series, dictionary: Sequence[Theme]) -> pd.DataFrame:
    """Themes of each answer, of all in the dictionary (see `asked` for those of one question).

    Parameters
    ----------
    answers : Series of str
        Missing or blank where nothing was written; the first `LONGEST_ANSWER` characters count.
    dictionary : sequence of Theme
        From `themes`.

    Returns
    -------
    DataFrame of bool
        Index of the answers that were written; one column per theme and, last, `unthemed`, which
        is True where no rule fits.
    """
    written = answers.dropna().astype(str)
    written = written[written.str.strip() != ""]
    # People repeat each other ("training"): each wording is looked at once.
    wordings = {
        text: [theme.fits(text[:LONGEST_ANSWER]) for theme in dictionary]
        for text in written.unique()
    }
    table = np.array([wordings[text] for text in written], dtype=bool)
    columns = [theme.name for theme in dictionary]
    coded = pd.DataFrame(
        table.reshape(len(written), len(columns)), index=written.index, columns=columns
    )
    coded[UNTHEMED] = ~coded.any(axis=1)
    return coded


def theme_counts(
    responses: pd.DataFrame,
    groups: pd.DataFrame,
    dictionary: Sequence[Theme],
    *,
    wave: str,
    data_kind: str,
    questions: Mapping[str, str] | Sequence[str] = QUESTIONS,
    breakdowns: Sequence[str] = BREAKDOWNS,
    of_asked: Mapping[str, pd.Series] | None = None,
    coding: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How many respondents raise each theme, in all and by breakdown.

    Parameters
    ----------
    responses, groups : DataFrame
        Survey frame and groups with the same rows. A question or breakdown that is not there is
        left out.
    dictionary : sequence of Theme
        From `themes`.
    wave, data_kind : str
        Written into every row.
    questions : mapping of str to str, or sequence of str
        Open questions, with their labels if given.
    breakdowns : sequence of str
        Columns of `groups`.
    of_asked : mapping of str to Series of bool, optional
        For these questions the base is not who wrote something but who was asked (True), as in the
        report's 38% of those without all the information.
    coding : DataFrame, optional
        Themes that people gave: serial, question, theme. Without rows, rules propose them.

    Returns
    -------
    DataFrame
        One row per question, theme and category (subgroup `all` first): id, question, item,
        response (the theme's name), label, subgroup_variable, subgroup, wave, unit, count,
        denominator (respondents of the category in the base), estimate, ci_low, ci_high,
        method, caveat, data_kind. A respondent counts once in each theme of the answer.
    """
    labels = dict(questions) if isinstance(questions, Mapping) else dict.fromkeys(questions, "")
    rows = []
    for question, item in labels.items():
        if question not in responses:
            continue
        looked_for = asked(dictionary, question)
        shown = [(theme.name, theme.label) for theme in looked_for] + [(UNTHEMED, "No theme found")]
        coded = code(responses[question], looked_for)
        if coding is not None and len(coding):
            given = coding[coding["question"] == question]
            coded = _as_given(coded, responses.loc[coded.index, "serial"], given)
        if of_asked is not None and question in of_asked:
            base = of_asked[question].index[of_asked[question].fillna(False).astype(bool)]
            coded = coded.reindex(base, fill_value=False)
        for variable, subgroup, members in _categories(groups, coded.index, breakdowns):
            for name, label in shown:
                rows.append(
                    {
                        "id": f"{question}.{name}.{variable}.{subgroup}.{wave}",
                        "question": question,
                        "item": item,
                        "response": name,
                        "label": label,
                        "subgroup_variable": variable,
                        "subgroup": subgroup,
                        "wave": wave,
                        "unit": "respondents",
                        "count": int(coded.loc[members, name].sum()),
                        "denominator": int(members.sum()),
                        "caveat": ASKED if of_asked and question in of_asked else WROTE,
                    }
                )
    frame = pd.DataFrame(rows, columns=_COUNT_COLUMNS)
    low, high = intervals.wilson(frame["count"], frame["denominator"])
    share = frame["count"] / frame["denominator"].where(frame["denominator"] > 0)
    return frame.assign(
        estimate=share.astype(float),
        ci_low=low,
        ci_high=high,
        method=METHOD if coding is None or coding.empty else METHOD_OF_PEOPLE,
        data_kind=data_kind,
    )


_COUNT_COLUMNS = [
    "id",
    "question",
    "item",
    "response",
    "label",
    "subgroup_variable",
    "subgroup",
    "wave",
    "unit",
    "count",
    "denominator",
    "caveat",
]


def _as_given(coded: pd.DataFrame, serials: pd.Series, given: pd.DataFrame) -> pd.DataFrame:
    """The same table with the themes that people gave; a theme of theirs alone is left out."""
    pairs = set(zip(given["serial"].astype(str), given["theme"].astype(str), strict=True))
    table = pd.DataFrame(
        {
            theme: [(serial, theme) in pairs for serial in serials.astype(str)]
            for theme in coded.columns.drop(UNTHEMED)
        },
        index=coded.index,
    )
    table[UNTHEMED] = ~table.any(axis=1)
    return table


def _categories(
    groups: pd.DataFrame, index: pd.Index, breakdowns: Sequence[str]
) -> Iterable[tuple[str, str, pd.Series]]:
    """Breakdown, category and who of `index` is in it; everybody first."""
    yield ALL, ALL, pd.Series(True, index=index)
    for variable in breakdowns:
        if variable not in groups:
            continue
        column = pd.Series(pd.Categorical(groups[variable]), index=groups.index)
        for category in column.cat.categories:
            yield variable, str(category), (column.loc[index] == category).fillna(False)


def accuracy(coded: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """How often the rules give the themes that people gave.

    Parameters
    ----------
    coded, truth : DataFrame
        One row per answer and theme: serial, question, theme (see `long`). Answers that are only in
        one of the two are themeless in the other.

    Returns
    -------
    DataFrame
        One row per theme in alphabetical order and `all` last (answers and themes pooled): theme,
        true (answers that people gave it), found (that the rules gave it), both, precision (share
        of found that is true) and recall (share of true that is found), each missing without a
        base. `IN_SAMPLE` says what this is worth for the invented answers.
    """
    keys = ["serial", "question", "theme"]
    given = set(map(tuple, truth[keys].astype(str).to_numpy()))
    found = set(map(tuple, coded[keys].astype(str).to_numpy()))
    names = sorted({key[2] for key in given | found})
    rows = []
    for name in [*names, ALL]:
        of_truth = {key for key in given if name in (ALL, key[2])}
        of_rules = {key for key in found if name in (ALL, key[2])}
        rows.append((name, len(of_truth), len(of_rules), len(of_truth & of_rules)))
    frame = pd.DataFrame(rows, columns=["theme", "true", "found", "both"])
    frame["precision"] = frame["both"] / frame["found"].where(frame["found"] > 0)
    frame["recall"] = frame["both"] / frame["true"].where(frame["true"] > 0)
    return frame


def long(
    responses: pd.DataFrame, dictionary: Sequence[Theme], questions: Sequence[str] = QUESTIONS
) -> pd.DataFrame:
    """Themes of all open answers as a table, for `accuracy` and for coders.

    Parameters
    ----------
    responses : DataFrame
        Survey frame with `serial` and the open questions.
    dictionary : sequence of Theme
        From `themes`.
    questions : sequence of str
        Open questions; one that is not there is left out.

    Returns
    -------
    DataFrame
        serial, question, theme; one row per answer and theme. Unthemed answers have no row.
    """
    parts = []
    for question in questions:
        if question not in responses:
            continue
        coded = code(responses[question], asked(dictionary, question)).drop(columns=UNTHEMED)
        rows, columns = np.nonzero(coded.to_numpy())
        parts.append(
            pd.DataFrame(
                {
                    "serial": responses.loc[coded.index[rows], "serial"].to_numpy(),
                    "question": question,
                    "theme": coded.columns.to_numpy()[columns],
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=["serial", "question", "theme"])
    return pd.concat(parts, ignore_index=True)


# --- examples ------------------------------------------------------------------------------------


def examples(
    responses: pd.DataFrame,
    groups: pd.DataFrame,
    dictionary: Sequence[Theme],
    *,
    forces: Iterable[str],
    wave: str,
    data_kind: str,
    questions: Mapping[str, str] | Sequence[str] = QUESTIONS,
    each: int = 2,
    force: str = "RForc",
    decisions: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Short examples of each theme, redacted, described by unit and inspection status.

    Parameters
    ----------
    responses, groups : DataFrame
        Survey frame and groups (`area`, `inspection_status`) with the same rows.
    dictionary : sequence of Theme
        From `themes`.
    forces : iterable of str
        Names of all forces, to be taken out.
    wave, data_kind : str
        Written into every row.
    questions : mapping of str to str, or sequence of str
        Open questions, with their labels if given.
    each : int
        Most examples for a question and theme, 1 or more.
    force : str
        Column of `responses` with the force.
    decisions : mapping of str to str, optional
        ``release`` or ``refuse`` by the `digest` of the redacted words. What was refused is not
        chosen, what may be shown is chosen first.

    Returns
    -------
    DataFrame
        id, question, item, response (theme), label, subgroup_variable (`status_by_area`), subgroup,
        wave, unit, example (missing where withheld), suppressed, needs_reading (True unless the
        data may be shown in full or a reader released these words), data_kind. An example is one
        sentence of 25 to 200 characters that has the theme. Withheld where fewer than three forces
        of that inspection status have a respondent of that unit, or where unit, status or force is
        not known. Chosen: fewest redactions first, no description twice if it can be, then by
        closeness to 90 characters and alphabet; the same sentence once.
    """
    labels = dict(questions) if isinstance(questions, Mapping) else dict.fromkeys(questions, "")
    redactor = redaction.Redactor.of(forces)
    described = _described(responses, groups, force)
    rows = []
    for question, item in labels.items():
        if question not in responses:
            continue
        sentences = _redacted_sentences(responses[question], redactor)
        decided = sentences["example"].map(digest).map(decisions or {})
        sentences = sentences.assign(approved=decided.eq("release"))[decided.ne("refuse")]
        looked_for = asked(dictionary, question)
        coded = code(sentences["example"], looked_for)
        for theme in looked_for:
            if theme.name == NOTHING:
                continue
            candidates = sentences[coded[theme.name].reindex(sentences.index, fill_value=False)]
            chosen = _choose(candidates.join(described, on="respondent"), each)
            for number, (_, row) in enumerate(chosen.iterrows(), start=1):
                rows.append(
                    {
                        "id": f"{question}.{theme.name}.example-{number}.{wave}",
                        "question": question,
                        "item": item,
                        "response": theme.name,
                        "label": theme.label,
                        "subgroup_variable": "status_by_area",
                        "subgroup": row["subgroup"] if row["released"] else pd.NA,
                        "wave": wave,
                        "unit": "respondents",
                        "example": row["example"] if row["released"] else pd.NA,
                        "suppressed": not row["released"],
                        "needs_reading": disclosure.protects(data_kind) and not row["approved"],
                        "data_kind": data_kind,
                    }
                )
    return pd.DataFrame(rows, columns=_EXAMPLE_COLUMNS)


_EXAMPLE_COLUMNS = [
    "id",
    "question",
    "item",
    "response",
    "label",
    "subgroup_variable",
    "subgroup",
    "wave",
    "unit",
    "example",
    "suppressed",
    "needs_reading",
    "data_kind",
]


def digest(text: str) -> str:
    """SHA-256 of words, by which a reader's decision names them."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _described(responses: pd.DataFrame, groups: pd.DataFrame, force: str) -> pd.DataFrame:
    """Description of each respondent, and whether three forces or more share it."""
    area, status = groups["area"].astype("string"), groups["inspection_status"].astype("string")
    subgroup = (area + "_" + status).rename("subgroup")
    if force not in responses:
        return subgroup.to_frame().assign(released=False)
    known = pd.DataFrame({"subgroup": subgroup, "force": responses[force]}).dropna()
    forces = known.groupby("subgroup")["force"].nunique()
    released = subgroup.map(forces).fillna(0) >= disclosure.MINIMUM_FORCES
    return subgroup.to_frame().assign(released=(released & responses[force].notna()).astype(bool))


def _redacted_sentences(answers: pd.Series, redactor: redaction.Redactor) -> pd.DataFrame:
    rows = []
    for respondent, answer in answers.dropna().items():
        if len(str(answer)) > LONGEST_ANSWER:
            continue
        # A line is a sentence; the whole answer is redacted before it is taken apart.
        lines = re.sub(r"\s*[\r\n]+\s*", ". ", str(answer).strip())
        for part in re.split(r"(?<=[.!?])\s+|\s+(?=\d{1,2}[.)]\s)", redactor.redact(lines)):
            text = re.sub(r"^\d{1,2}[.)]\s*", "", part)
            if SHORTEST_EXAMPLE <= len(text) <= LONGEST_EXAMPLE:
                rows.append((respondent, text, len(redaction.marks(text))))
    return pd.DataFrame(rows, columns=["respondent", "example", "redactions"])


def _choose(candidates: pd.DataFrame, each: int) -> pd.DataFrame:
    """The examples to show: what may be released first, and varied in whom it is from."""
    text = candidates["example"]
    ordered = candidates.assign(
        distance=(text.str.len() - TYPICAL_EXAMPLE).abs(), words=text.str.lower().str.rstrip(".! ")
    ).sort_values(
        ["released", "approved", "redactions", "distance", "example", "respondent"],
        ascending=[False, False, True, True, True, True],
        kind="stable",
    )
    ordered = ordered.drop_duplicates("words").drop_duplicates("respondent")
    released = ordered[ordered["released"]]
    if released.empty:
        return ordered.head(1)
    first = ~released.duplicated("subgroup")
    varied = pd.concat([released[first], released[~first]])
    return varied.sort_values("approved", ascending=False, kind="stable").head(each)
