"""One page in JupyterLab on which an analyst can ask the survey anything, and see only releases.

Question, answer, breakdown and filter are picked from lists; table, picture and tests follow at
once. The page is no part of the report and leaves no file behind.

Rules that are arguable, stated once:

- Without a filter all breakdowns of a question are released together and the chosen one is shown:
  cells that are withheld here are those that the report withholds.
- With a filter, numbers of real people are released and then rounded to five, by OpenSAFELY's
  rules. Otherwise who takes one table from another would have the few people by whom they differ,
  and no rule looks at all the tables that might ever be asked for.
- A filter that leaves fewer than 30 answers is refused, whatever the data.
- No p-value is adjusted for the number of looks, because nobody knows how many looks there were.
"""

from __future__ import annotations

import base64
import itertools
import os
import re
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
from matplotlib.figure import Figure

from ncpi_eval import disclosure, figures, intervals, layouts, prose, sources, tables
from ncpi_eval.errors import InputError, NcpiError, Problem
from ncpi_eval.questionnaire import Questionnaire
from ncpi_eval.sources import Survey
from ncpi_eval.survey import tabulation

EVERYBODY = ("", "")
"""The filter that leaves nobody out."""
PROTECTED = "Real respondents: small numbers are withheld, and filtered ones rounded to five."
NOT_ADJUSTED = (
    "These p-values are not adjusted for the number of looks: who looks at many pairs will find "
    "differences that are chance. Those of the report are adjusted."
)
_SOURCE = "Survey of officers and staff"

# What is left of filtered rows about real people; anything else may be exact to a single person.
_KEYS = ["id", "question", "item", "response", "subgroup_variable", "subgroup", "wave", "unit"]
_KEYS += ["data_kind", "suppressed", "breakdown", "label", "method", "caveat"]
_ROUNDED = [*_KEYS, "group", "flag", "count", "denominator", "estimate", "ci_low", "ci_high"]
_ROUGH = ["p_value", "p_value_clustered", "effect_size"]
# These would speak of a family of tests that was not run here, or of cells that are not shown.
_NOT_HERE = ["p_adjusted", "family_size", "smallest_cell"]

# A set of answers may have the label of one of them.
_ANSWER = {"label": "Answer", "response": "Codes"}
_DIFFERENCE = {
    name: layouts.DIFFERENCES[name]
    for name in ("difference", "difference_interval", "difference_interval_clustered")
}
_TESTED = {
    name: layouts.TESTS[name]
    for name in ("p_value", "p_value_clustered", "effect_size", "denominator")
}

_LINK = re.compile(r'<a href="\.\./((?:tables|figures)/([a-z0-9_-]+\.(csv|svg|png)))">')
_TYPES = {"csv": "text/csv;charset=utf-8", "svg": "image/svg+xml", "png": "image/png"}
_numbers = itertools.count(1)

STYLE = """<style>
.ncpi-explore { max-width: 60rem; color: var(--jp-content-font-color1, #1d1d1d); line-height: 1.5; }
.ncpi-explore .scroll { overflow-x: auto; }
.ncpi-explore table { border-collapse: collapse; margin: 0; }
.ncpi-explore caption, .ncpi-explore .caption { text-align: left; font-weight: bold; }
.ncpi-explore th, .ncpi-explore td { padding: 0.2rem 0.7rem; text-align: left; }
.ncpi-explore tr { border-bottom: 1px solid #8a8a8a; vertical-align: top; }
.ncpi-explore .number { text-align: right; font-variant-numeric: tabular-nums; }
.ncpi-explore figure { margin: 1rem 0 2rem; }
.ncpi-explore figcaption p { margin: 0.3rem 0; }
.ncpi-explore svg, .ncpi-explore img { max-width: 100%; height: auto; background: white; }
.ncpi-explore a { text-decoration: underline; color: var(--jp-content-link-color, #12436d); }
.ncpi-explore .synthetic { font-weight: bold; }
.ncpi-explore .refused { border-left: 0.4rem solid #801650; padding: 0.5rem 1rem; }
.ncpi-explore .refused pre { white-space: pre-wrap; margin: 0; background: none; color: inherit; }
</style>"""


# ---------------------------------------------------------------------------------------------
# What may be seen


@dataclass(frozen=True)
class View:
    """Released rows of one question by one breakdown.

    Parameters
    ----------
    estimates : DataFrame
        Rows of `tabulation.tabulate`: the categories of the breakdown that have a base, then all
        respondents; released.
    tests : DataFrame
        Its tests, that of the whole distribution first; released, without ``p_adjusted``. Empty
        without a breakdown.
    about : str
        Question, breakdown and filter in words.
    """

    estimates: pd.DataFrame
    tests: pd.DataFrame
    about: str


def view(
    survey: Survey, question: str, breakdown: str = "all", only: tuple[str, str] = EVERYBODY
) -> View:
    """Tabulate one question by one breakdown among some of the respondents, and release it.

    Parameters
    ----------
    survey : Survey
        From `sources.read_survey`.
    question : str
        A closed question that is in the file.
    breakdown : str
        A group of the questionnaire, or ``all``.
    only : pair of str
        Group and category of those who are counted; `EVERYBODY` counts all.

    Raises
    ------
    InputError
        If the filter leaves fewer than 30 answers, or nobody is in any category.
    """
    counted = _counted(survey, only)
    wanted = [question, *(c for c in (sources.FORCE_VARIABLE,) if c in survey.responses)]
    made = tabulation.tabulate(
        survey.responses.loc[counted, wanted],
        survey.groups.loc[counted],
        survey.questionnaire,
        wave=survey.wave,
        data_kind=survey.data_kind,
    )
    # Items of a grid bring the question with them that is derived from the grid.
    estimates = made.estimates[made.estimates["question"].eq(question)]
    tests = made.tests[made.tests["question"].eq(question)]
    estimates = estimates[estimates["denominator"] > 0]
    about = _about(survey.questionnaire, question, breakdown, only)
    if only == EVERYBODY:
        released = disclosure.release(estimates)
        shown, tested = _chosen(released, tests, breakdown)
        tested = _released_beside(tested, shown)
    else:
        _refuse_few(estimates, about)
        chosen, tested = _chosen(estimates, tests, breakdown)
        shown, tested = _released_among(chosen, tested)
        everybody = shown["subgroup_variable"].eq(tabulation.ALL)
        shown.loc[everybody, ["breakdown", "group"]] = "All who are counted"
    _refuse_nobody(shown, breakdown, about)
    return View(shown, tested.drop(columns=_NOT_HERE, errors="ignore"), about)


def _counted(survey: Survey, only: tuple[str, str]) -> pd.Series:
    if only == EVERYBODY:
        return pd.Series(True, survey.groups.index)
    group, category = only
    return survey.groups[group].astype("string").eq(category).fillna(False).astype(bool)


def _chosen(
    estimates: pd.DataFrame, tests: pd.DataFrame, breakdown: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of one breakdown, then those of all respondents; and the breakdown's tests."""
    names = list(dict.fromkeys([breakdown, tabulation.ALL]))
    parts = [estimates[estimates["subgroup_variable"].eq(name)] for name in names]
    return pd.concat(parts), tests[tests["subgroup_variable"].eq(breakdown)]


def _released_beside(tests: pd.DataFrame, released: pd.DataFrame) -> pd.DataFrame:
    if tests.empty:
        return tests
    return disclosure.release(disclosure.withhold_beside(tests, released))


def _released_among(
    estimates: pd.DataFrame, tests: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of a filtered table: if they are protected, released, rounded, and released again."""
    first = disclosure.release(estimates)
    tested = _released_beside(tests, first)
    if not disclosure.is_protected(estimates).all():
        return first, tested
    rounded = disclosure.release(first, "opensafely")[_ROUNDED]
    # Also the bases of withheld rows, which their neighbours would give away.
    rounded = rounded.assign(denominator=_to_five(rounded["denominator"]))
    shares = rounded[["count", "denominator"]].astype(float).where(rounded["estimate"].notna())
    low, high = intervals.wilson(shares["count"].to_numpy(), shares["denominator"].to_numpy())
    # Once more, so that table and picture, which release what they are given, find nothing to add.
    rounded = disclosure.release(rounded.assign(ci_low=low, ci_high=high), "default")
    tested = tested[[*_KEYS, "denominator", *_ROUGH, "refusal"]].copy()
    tested["denominator"] = _to_five(tested["denominator"])
    for name in _ROUGH:
        tested[name] = tested[name].map(lambda value: float(f"{value:.2g}"))
    return rounded, tested


def _to_five(counts: pd.Series) -> pd.Series:
    step = disclosure.OPENSAFELY_ROUNDING
    return ((counts.astype("Float64") / step + 0.5) // 1 * step).astype("Int64")


def _refuse_few(estimates: pd.DataFrame, about: str) -> None:
    """Refuse a filter by the answers that it leaves; the number stays unsaid."""
    everybody = estimates.loc[estimates["subgroup_variable"].eq(tabulation.ALL), "denominator"]
    if everybody.empty or everybody.max() < disclosure.MINIMUM_BASE:
        least = disclosure.MINIMUM_BASE
        raise InputError(
            "This filter leaves too few people to show anything.",
            [Problem(about, f"fewer than {least} answers", f"{least} or more", "Count others.")],
        )


def _refuse_nobody(shown: pd.DataFrame, breakdown: str, about: str) -> None:
    if not shown["subgroup_variable"].eq(breakdown).any():
        raise InputError(
            "There is nothing to show.",
            [Problem(about, "no answers", "at least one", "Choose another breakdown.")],
        )


def _about(book: Questionnaire, question: str, breakdown: str, only: tuple[str, str]) -> str:
    text = book.variable(question).label
    if breakdown != tabulation.ALL:
        text += f", by {_small(book.groups[breakdown].label)}"
    if only != EVERYBODY:
        group = book.groups[only[0]]
        text += f"; only {_small(group.label)}: {_small(group.categories[only[1]])}"
    return text


def _small(text: str) -> str:
    """A label inside a sentence; abbreviations stay as they are."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


# ---------------------------------------------------------------------------------------------
# How it looks


def html(seen: View, answer: str = "") -> str:
    """Table, picture and tests of a view, each with caption, notes and its data to download.

    Parameters
    ----------
    seen : View
        From `view`.
    answer : str
        Response set that the picture compares, with intervals; blank for the whole distribution.

    Notes
    -----
    `tables.show` and `figures.show` write files; here they go to a folder that is gone when the
    page is made, and the links hold their content.
    """
    name = f"explore-{next(_numbers)}"
    with _elsewhere() as folder:
        parts = [_table(seen, name), _picture(seen, answer, name), _tests(seen, name)]
        body = _LINK.sub(lambda link: _held(folder, link), "\n".join(parts))
    return f'<div class="ncpi-explore">\n{body}\n</div>'


@contextmanager
def _elsewhere() -> Iterator[Path]:
    """A temporary folder for whatever is written, in place of the outputs."""
    before = os.environ.get("NCPI_EVAL_WRITE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NCPI_EVAL_WRITE"] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ["NCPI_EVAL_WRITE"]
            if before is not None:
                os.environ["NCPI_EVAL_WRITE"] = before


def _held(folder: Path, link: re.Match[str]) -> str:
    """A link to a file as a link that holds the file."""
    content = base64.b64encode((folder / link[1]).read_bytes()).decode("ascii")
    return f'<a download="{link[2]}" href="data:{_TYPES[link[3]]};base64,{content}">'


def _table(seen: View, name: str) -> str:
    caveat = seen.estimates["caveat"].iloc[-1]
    return tables.show(
        seen.estimates,
        name=name,
        caption=_labels(f"Answers: {seen.about}"),
        source=_SOURCE,
        columns=_ANSWER,
        across="group",
        cell=("percent", "interval", "base"),
        note=_labels(f"In brackets: 95% interval, base. {caveat}"),
    ).html


def _picture(seen: View, answer: str, name: str) -> str:
    rows = seen.estimates
    rows = rows[rows["response"].eq(answer) if answer else ~rows["response"].str.contains(r"\|")]
    figure = _drawn(rows, bool(answer))
    if figure is None:
        return "<p>Too many groups and answers for one picture: choose one answer.</p>"
    about = f"{rows['label'].iloc[0]}. {seen.about}" if answer else seen.about
    return figures.show(
        figure,
        rows,
        name=f"{name}-picture",
        caption=_labels(f"Shares: {about}"),
        alt=_labels(_description(rows, bool(answer))),
        source=_SOURCE,
        columns={**_ANSWER, "group": "Group", "percent": "Per cent", "base": "Base"},
    ).html


def _drawn(rows: pd.DataFrame, one_answer: bool) -> Figure | None:
    """Bars for one answer; else a whole distribution, as parts or side by side as they fit."""
    if one_answer:
        return figures.bars(rows, category="group", series=None)
    for draw in (
        lambda: figures.stacked(rows, category="group"),
        lambda: figures.bars(rows, category="label", series="group"),
    ):
        try:
            return draw()
        except InputError:
            continue
    return None


def _description(rows: pd.DataFrame, one_answer: bool) -> str:
    """What the picture says, from what was released, in 30 to 250 characters."""
    known = rows[rows["estimate"].notna()]
    if known.empty:
        return "No share can be shown: all of them are withheld or on too few answers."
    if one_answer:
        groups = known[known["subgroup_variable"].ne(tabulation.ALL)]
        known = known if groups.empty else groups
        ranked = known.sort_values("estimate", kind="stable")["group"]
        text = f"Shares by group, with intervals. Highest: {ranked.iloc[-1]}"
        text += f"; lowest: {ranked.iloc[0]}." if len(ranked) > 1 else "."
    else:
        first = known.loc[known.groupby("group", sort=False)["estimate"].idxmax()]
        most = zip(first["group"], first["label"], strict=True)
        text = "Most frequent answer by group: " + "; ".join(f"{g}, {a}" for g, a in most) + "."
    return textwrap.shorten(text, figures.ALT_LONGEST, placeholder=" …")


def _tests(seen: View, name: str) -> str:
    tested = seen.tests
    columns = {**_ANSWER, **_TESTED}
    if "difference" in tested and tested["difference"].notna().any():
        columns = {**_ANSWER, **_DIFFERENCE, **_TESTED}
    if tested["refusal"].ne("").any():
        columns |= {"refusal": "Why not"}
    caveat = f" {tested['caveat'].iloc[0]}" if len(tested) else ""
    return tables.show(
        tested,
        name=f"{name}-tests",
        caption=_labels(f"Tests: {seen.about}"),
        source=_SOURCE,
        columns=columns,
        note=NOT_ADJUSTED + caveat,
        empty="There is no test without a breakdown.",
    ).html


def _labels(text: str) -> prose.Shown:
    """A text made of labels, in which a percentage is a name and not a typed result."""
    return prose.Shown(escape(text), text, {"kind": "prose", "data_kind": []})


# ---------------------------------------------------------------------------------------------
# The page


class Page(widgets.VBox):
    """The page: a file to read, four lists to pick from, and what follows from them.

    Every list has a label and works by keyboard. What goes wrong is said in the page, because
    JupyterLab hides the errors of widgets in its log; what was shown before goes away.

    Parameters
    ----------
    survey, forces, wave : str
        As for `sources.read_survey`; blank forces take those that go with the respondents.

    Examples
    --------
    >>> explore.Page("data/synthetic/responses.csv")                           # doctest: +SKIP
    """

    def __init__(self, survey: str, forces: str = "", wave: str = "2019") -> None:
        self.survey: Survey | None = None
        self._seen: dict[tuple[Any, ...], View] = {}
        self.file = _text("Survey file", survey)
        self.forces = _text("Force table", forces, "blank: the one that goes with the file")
        self.wave = _text("Wave", wave)
        self.read = widgets.Button(description="Read the file", button_style="primary")
        self.question, self.answer = _list("Question"), _list("Answer in picture")
        self.breakdown, self.only = _list("Breakdown"), _list("Count only")
        self.notice, self.result = widgets.HTML(), widgets.HTML()
        self.read.on_click(lambda _: self.load())
        for chooser in self._choosers:
            chooser.observe(self._picked, names="value")
        file = [self.file, self.forces, self.wave, self.read, self.notice]
        super().__init__([widgets.HTML(STYLE), *file, *self._choosers, self.result])
        self.load()

    @property
    def _choosers(self) -> tuple[widgets.Dropdown, ...]:
        return self.question, self.answer, self.breakdown, self.only

    def load(self) -> None:
        """Read the file that is named, keep the choices that it allows, and show."""
        self.survey = None
        self._seen = {}
        self.notice.value = _said("Reading …")
        try:
            self.survey = sources.read_survey(
                self.file.value.strip(), self.forces.value.strip() or None, self.wave.value.strip()
            )
            self._offer(self.survey)
            self.notice.value = _notice(self.survey)
        except Exception as error:  # a widget's error would be seen by nobody
            self.survey = None
            self.notice.value = _refused(error)
        for chooser in self._choosers:
            chooser.disabled = self.survey is None
        self.show()

    def show(self) -> None:
        """Show what is chosen, or why it cannot be shown."""
        try:
            self.result.value = html(self._view(), self.answer.value) if self.survey else ""
        except Exception as error:  # as above
            self.result.value = _refused(error)

    def _view(self) -> View:
        assert self.survey is not None
        asked = (self.question.value, self.breakdown.value, self.only.value)
        if asked not in self._seen:
            self._seen[asked] = view(self.survey, *asked)
        return self._seen[asked]

    def _picked(self, change: Mapping[str, Any]) -> None:
        if self.survey is None or self._is_offering:
            return
        if change["owner"] is self.question:
            with self._offering():
                _offer(self.answer, _answers(self.survey.questionnaire, self.question.value))
        self.show()

    def _offer(self, survey: Survey) -> None:
        book = survey.questionnaire
        with self._offering():
            asked = [q for q in book.questions() if q.name in survey.responses]
            _offer(self.question, [(f"{q.label} ({q.name})", q.name) for q in asked])
            _offer(self.answer, _answers(book, self.question.value))
            known = [g for g in book.groups.values() if survey.groups[g.name].notna().any()]
            by = [(g.label, g.name) for g in known if g.use == "breakdown"]
            _offer(self.breakdown, [("None: all respondents", tabulation.ALL), *by])
            filters = [
                (f"{group.label}: {label}", (group.name, category))
                for group in known
                for category, label in group.categories.items()
            ]
            _offer(self.only, [("Everybody", EVERYBODY), *filters])

    _is_offering = False

    @contextmanager
    def _offering(self) -> Iterator[None]:
        """While lists are filled, each change of a value is not yet a choice."""
        self._is_offering = True
        try:
            yield
        finally:
            self._is_offering = False


def _answers(book: Questionnaire, question: str) -> list[tuple[str, str]]:
    sets = [(f"{label} ({response})", response) for response, label in book.response_sets(question)]
    return [("All answers", ""), *sets]


def _offer(chooser: widgets.Dropdown, options: list[tuple[str, Any]]) -> None:
    """Fill a list; what was chosen stays chosen where it is still there."""
    before = chooser.value
    chooser.options = options
    chooser.value = before if before in [value for _, value in options] else options[0][1]


def _text(label: str, value: str, placeholder: str = "") -> widgets.Text:
    return widgets.Text(
        value=value, description=label, placeholder=placeholder, layout=_WIDE, style=_LABEL
    )


def _list(label: str) -> widgets.Dropdown:
    return widgets.Dropdown(description=label, layout=_WIDE, style=_LABEL)


_WIDE = {"width": "48rem", "max_width": "98%"}
_LABEL = {"description_width": "9rem"}


def _notice(survey: Survey) -> str:
    kind = tables.SYNTHETIC if survey.data_kind == sources.SYNTHETIC else PROTECTED
    lines = [f'<p class="synthetic">{escape(kind)}</p>']
    lines += [f"<p>{escape(note)}</p>" for note in survey.notes]
    return _framed("status", "".join(lines))


def _said(text: str) -> str:
    return _framed("status", f"<p>{escape(text)}</p>")


def _refused(error: Exception) -> str:
    """An error as text; one that nobody foresaw with its kind."""
    text = str(error) if isinstance(error, NcpiError) else f"{type(error).__name__}: {error}"
    return _framed("alert", f'<div class="refused"><pre>{escape(text)}</pre></div>')


def _framed(role: str, body: str) -> str:
    return f'<div class="ncpi-explore" role="{role}">{body}</div>'
