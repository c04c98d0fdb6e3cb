"""The questionnaire, read from `data/questionnaire`, so that no label or code lives in the code.

Labels, the order of options, bases by routing, the schema that validation uses, the breakdowns and
the data dictionary all come from here. A question, an option set, a net of codes or a group is
added by adding rows to the CSV files; their README describes the columns and the rules. The
codebook is itself checked when it is loaded, and everything wrong with it is listed at once.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ncpi_eval import paths
from ncpi_eval.errors import InputError, Problem

KINDS = ("serial", "single", "open", "other_text", "derived", "declared")
TEXT_KINDS = ("serial", "open", "other_text", "declared")
ROLES = ("answer", "other", "dont_know", "missing")
CODE_OPERATORS = ("in", "not_in")
DATE_OPERATORS = ("before", "not_before")
OPENING = "opening"
#: Date columns of the force table that a group's rule may name after ``force.``.
FORCE_DATES = ("first_inspection", "joint_inspection")
#: Forces are a cluster and an identifier, never a question to tabulate.
FORCE_VARIABLE = "RForc"
BACKGROUND = "background"
#: Codes must fit the Int16 columns of the survey frame, with room for marks of validation.
LARGEST_CODE = 32000

_COLUMNS = {
    "variables.csv": [
        "variable",
        "label",
        "kind",
        "section",
        "options",
        "ordinal",
        "required",
        "grid",
        "grid_label",
        "parent",
        "routing_variable",
        "routing_operator",
        "routing_codes",
    ],
    "options.csv": ["options", "code", "label", "role"],
    "response_sets.csv": ["options", "response", "label"],
    "derived.csv": ["variable", "code", "rule"],
    "groups.csv": ["group", "label", "use", "category", "category_label", "rule"],
    "waves.csv": ["wave", "opening", "label"],
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CODE = re.compile(r"0|-?[1-9][0-9]*")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_TERM = re.compile(r"(?:(any|all) )?([A-Za-z][A-Za-z0-9_.]*) (\w+) ([^\s&]+)")


@dataclass(frozen=True)
class Term:
    """One condition of a rule: ``[any|all] name operator values``.

    Parameters
    ----------
    name : str
        A question, a grid (with a quantifier), an earlier group, or ``force.`` and a date column.
    operator : str
        ``in`` or ``not_in`` (codes or categories); ``before`` or ``not_before`` (dates, the
        month named is itself not before).
    values : tuple of str
        Codes or categories; for dates one month ``YYYY-MM`` or ``opening``.
    quantifier : str
        ``any`` or ``all`` over the answered items of a grid, otherwise blank.
    """

    name: str
    operator: str
    values: tuple[str, ...]
    quantifier: str = ""

    @property
    def codes(self) -> tuple[int, ...]:
        """Values as option codes."""
        return tuple(int(value) for value in self.values)

    def __str__(self) -> str:
        head = f"{self.quantifier} " if self.quantifier else ""
        return f"{head}{self.name} {self.operator} {'|'.join(self.values)}"


@dataclass(frozen=True)
class Variable:
    """A column of the survey file.

    Parameters
    ----------
    name, label : str
        Column name as published; label in our own words.
    kind : str
        One of `KINDS`.
    options : dict of int to str
        Codes and option text as published, in published order; empty for text.
    roles : dict of int to str
        ``answer``, ``other`` (asks for text), ``dont_know`` or ``missing``, by code.
    routing : Term or None
        Who is asked; None means everybody.
    grid, grid_label : str
        Name shared by the items of a grid, and its label; blank outside grids.
    ordinal : bool
        Whether the ``answer`` codes are an ordered scale.
    required : bool
        Whether a file without the column is refused.
    parent : str
        Question whose text or code the column completes; blank otherwise.
    order : int
        Position in the questionnaire, from 0.
    """

    name: str
    label: str
    kind: str
    section: str
    options: Mapping[int, str]
    roles: Mapping[int, str]
    routing: Term | None
    grid: str
    grid_label: str
    ordinal: bool
    required: bool
    parent: str
    order: int
    option_set: str = ""

    @property
    def missing_codes(self) -> tuple[int, ...]:
        """Codes that leave the base (prefer not to say)."""
        return tuple(code for code, role in self.roles.items() if role == "missing")

    @property
    def base_codes(self) -> tuple[int, ...]:
        """Codes that count in the base, "don't know" included, in published order."""
        return tuple(code for code, role in self.roles.items() if role != "missing")

    @property
    def scale_codes(self) -> tuple[int, ...]:
        """Substantive codes in published order (neither "don't know" nor "prefer not to say")."""
        return tuple(c for c, role in self.roles.items() if role in ("answer", "other"))

    @property
    def is_text(self) -> bool:
        """Whether cells hold text and not codes."""
        return self.kind in TEXT_KINDS


@dataclass(frozen=True)
class Group:
    """A way to divide respondents; a respondent in no category has no value.

    Parameters
    ----------
    categories : dict of str to str
        Category and its label, in display order.
    rules : dict of str to tuple of Term
        All terms must hold.
    use : str
        ``breakdown`` (compared and tested) or ``base`` (only restricts who is counted).
    """

    name: str
    label: str
    use: str
    categories: Mapping[str, str]
    rules: Mapping[str, tuple[Term, ...]]

    @property
    def rule(self) -> str:
        """The whole rule as text, one category after the other."""
        return "; ".join(
            f"{category}: {' & '.join(map(str, terms))}" for category, terms in self.rules.items()
        )


@dataclass(frozen=True)
class Questionnaire:
    """The codebook; see `load`."""

    variables: Mapping[str, Variable]
    groups: Mapping[str, Group]
    derived: Mapping[str, Mapping[int, tuple[Term, ...]]]
    nets: tuple[tuple[str, str, str], ...]
    waves: Mapping[str, str]
    wave_labels: Mapping[str, str] = field(default_factory=dict)

    def questions(self, background: bool = False) -> list[Variable]:
        """Closed questions to tabulate, in questionnaire order.

        Grid items and derived questions are included; the force and the closed companions of
        open questions are not. Background questions (age, sex, ...) describe the sample and are
        returned instead of the others when `background` is true.
        """
        return [
            variable
            for variable in self.variables.values()
            if variable.kind in ("single", "derived")
            and not variable.parent
            and variable.name != FORCE_VARIABLE
            and (variable.section == BACKGROUND) == background
        ]

    def response_sets(self, question: str) -> list[tuple[str, str]]:
        """Response sets of a question: every code that stays in the base, then the nets.

        Returns
        -------
        list of (codes, label)
            Codes joined by ``|``, as in ``1|2``; the label of one code is its published text.
        """
        variable = self.variable(question)
        singles = [(str(code), variable.options[code]) for code in variable.base_codes]
        nets = [(r, text) for who, r, text in self.nets if who in (variable.option_set, question)]
        return singles + nets

    def response_label(self, question: str, response: str) -> str:
        """Label of a response set; for a set nobody declared, its options joined by "or"."""
        declared = dict(self.response_sets(question))
        if response in declared:
            return declared[response]
        options = self.variable(question).options
        codes = [int(code) for code in response.split("|") if code.isdigit()]
        if not codes or any(code not in options for code in codes) or "" in response.split("|"):
            raise InputError(f"{response!r} is not a set of codes of {question}.")
        return " or ".join(options[code] for code in codes)

    def variable(self, name: str) -> Variable:
        """A variable by name; an unknown name raises InputError and lists what exists."""
        if name not in self.variables:
            raise InputError(
                f"There is no variable {name!r} in the questionnaire; there are "
                + ", ".join(self.variables)
                + "."
            )
        return self.variables[name]

    def grids(self) -> dict[str, list[str]]:
        """Items of each grid, in order."""
        items: dict[str, list[str]] = {}
        for variable in self.variables.values():
            if variable.grid:
                items.setdefault(variable.grid, []).append(variable.name)
        return items

    def file_columns(self) -> list[str]:
        """Columns that a survey file may have, in questionnaire order."""
        return [v.name for v in self.variables.values() if v.kind != "derived"]

    def asked(self, name: str, frame: pd.DataFrame) -> pd.Series:
        """Who should have been asked, by the published routing.

        Parameters
        ----------
        frame : DataFrame
            Survey frame (codes). No answer to the routing question counts as none of the codes:
            with ``not_in`` such a respondent is asked, with ``in`` not.

        Returns
        -------
        Series of bool
            True where the question is asked.
        """
        routing = self.variable(name).routing
        if routing is None:
            return pd.Series(True, index=frame.index)
        chosen = frame[routing.name].isin(routing.codes).fillna(False).astype(bool)
        return chosen if routing.operator == "in" else ~chosen

    def asked_of(self, name: str) -> str:
        """Who is asked, in words."""
        routing = self.variable(name).routing
        if routing is None:
            return "everybody"
        options = self.variables[routing.name].options
        answers = " or ".join(f"{code} ({options[code]})" for code in routing.codes)
        verb = "is" if routing.operator == "in" else "is not"
        return f"those whose {routing.name} {verb} {answers}"

    def missing_rule(self, name: str) -> str:
        """What leaves the base of a variable, in words."""
        variable = self.variable(name)
        if variable.is_text:
            return "no text"
        codes = ", ".join(map(str, variable.missing_codes))
        return (
            f"unanswered and code {codes} leave the base" if codes else "unanswered leaves the base"
        )

    def opening(self, wave: str) -> str:
        """Month (``YYYY-MM``) in which a wave opened.

        A wave that is not in waves.csv may be named by its opening month; anything else raises
        InputError.
        """
        if wave in self.waves:
            return self.waves[wave]
        if _MONTH.fullmatch(wave):
            return wave
        raise InputError(
            f"The opening month of wave {wave!r} is not known: add a row to "
            "data/questionnaire/waves.csv or name the wave by its opening month, like 2021-03."
        )

    def dictionary(self) -> pd.DataFrame:
        """Data dictionary, one row per variable in questionnaire order.

        Returns
        -------
        DataFrame
            variable, label, kind, section, options (``1 = text; 2 = text``), scale (ordered,
            unordered or blank), asked_of, missing_rule, required (yes or no), groups (those whose
            rule reads the variable, directly or through a derived question); and, as results have
            them, id, unit and data_kind.
        """
        rows = []
        for variable in self.variables.values():
            scale = "ordered" if variable.ordinal else "unordered"
            rows.append(
                {
                    "variable": variable.name,
                    "label": variable.label,
                    "kind": variable.kind,
                    "section": variable.section,
                    "options": "; ".join(f"{c} = {text}" for c, text in variable.options.items()),
                    "scale": scale if variable.options else "",
                    "asked_of": self.asked_of(variable.name),
                    "missing_rule": self.missing_rule(variable.name),
                    "required": "yes" if variable.required else "no",
                    "groups": ", ".join(self._groups_of(variable)),
                }
            )
        frame = pd.DataFrame(rows)
        return frame.assign(
            id="variable." + frame["variable"], unit="variables", data_kind="published"
        )

    def group_dictionary(self) -> pd.DataFrame:
        """One row per category of each group: group, label, use, category, category_label, rule."""
        frame = pd.DataFrame(
            [
                {
                    "group": group.name,
                    "label": group.label,
                    "use": group.use,
                    "category": category,
                    "category_label": label,
                    "rule": " & ".join(map(str, group.rules[category])),
                }
                for group in self.groups.values()
                for category, label in group.categories.items()
            ]
        )
        return frame.assign(
            id="group." + frame["group"] + "." + frame["category"],
            unit="variables",
            data_kind="published",
        )

    def _groups_of(self, variable: Variable) -> list[str]:
        reached = {variable.name, variable.grid} - {""}
        if variable.name == FORCE_VARIABLE:
            reached |= {f"force.{column}" for column in FORCE_DATES}
        for name, rules in self.derived.items():
            if any(term.name in reached for terms in rules.values() for term in terms):
                reached.add(name)
        found = []
        for group in self.groups.values():
            if any(term.name in reached for terms in group.rules.values() for term in terms):
                reached.add(group.name)
                found.append(group.name)
        return found


def parse_rule(text: str) -> tuple[Term, ...]:
    """Terms of a rule such as ``area in custody & inspection_status in inspected``.

    Raises
    ------
    ValueError
        If a term does not have the form ``[any|all] name operator values``.
    """
    return tuple(_term(part) for part in text.split(" & "))


def _term(text: str) -> Term:
    match = _TERM.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    quantifier, name, operator, values = match.groups()
    return Term(name, operator, tuple(values.split("|")), quantifier or "")


def load(folder: str | Path | None = None) -> Questionnaire:
    """Read and check the codebook.

    Parameters
    ----------
    folder : path, optional
        Folder with the CSV files; the default is `data/questionnaire`.

    Returns
    -------
    Questionnaire

    Raises
    ------
    InputError
        With every problem of the codebook: a missing file or column, a duplicate, an unknown
        reference, a rule that cannot be read.
    """
    source = Path(folder) if folder is not None else paths.data("questionnaire")
    problems: list[Problem] = []
    tables = {name: _rows(source / name, problems) for name in _COLUMNS}
    if not problems:
        questionnaire = _Builder(tables, problems).build()
    if problems:
        raise InputError("The questionnaire cannot be used as it is.", problems)
    return questionnaire


def _rows(path: Path, problems: list[Problem]) -> list[dict[str, str]]:
    wanted = _COLUMNS[path.name]
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            rows = list(reader)
            header = list(reader.fieldnames or [])
    except FileNotFoundError:
        problems.append(Problem(path.name, "no such file", "the file", "restore it"))
        return []
    except (UnicodeDecodeError, csv.Error) as error:
        problems.append(Problem(path.name, str(error), "UTF-8 text in CSV", "save it as UTF-8 CSV"))
        return []
    if sorted(header) != sorted(wanted):
        problems.append(
            Problem(path.name, ", ".join(header), ", ".join(wanted), "give exactly these columns")
        )
        return []
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            problems.append(
                Problem(
                    f"{path.name}, row {number}",
                    "too few or too many cells",
                    f"{len(wanted)} cells",
                    "put text that holds commas in quotes",
                )
            )
    return rows


class _Builder:
    """Turns the rows of the CSV files into a Questionnaire and collects what is wrong."""

    def __init__(self, tables: dict[str, list[dict[str, str]]], problems: list[Problem]) -> None:
        self.tables = tables
        self.problems = problems

    def build(self) -> Questionnaire:
        self.options, self.roles = self._options()
        self.variables = self._variables()
        self.grids = {v.grid for v in self.variables.values() if v.grid}
        self._references()
        derived = self._derived()
        groups = self._groups()
        nets = self._nets()
        waves = self._waves()
        labels = {row["wave"]: row["label"] for row in self.tables["waves.csv"]}
        return Questionnaire(self.variables, groups, derived, nets, waves, labels)

    def _wrong(self, file: str, row: int, column: str, found: str, expected: str) -> None:
        self.problems.append(
            Problem(f"{file}, row {row}, column {column}", repr(found), expected, "correct the row")
        )

    def _one_of(self, file: str, row: int, column: str, found: str, allowed: Iterable[str]) -> bool:
        choices = list(allowed)
        if found in choices:
            return True
        self._wrong(file, row, column, found, "one of " + ", ".join(choices))
        return False

    def _options(self) -> tuple[dict[str, dict[int, str]], dict[str, dict[int, str]]]:
        file = "options.csv"
        options: dict[str, dict[int, str]] = {}
        roles: dict[str, dict[int, str]] = {}
        for number, row in enumerate(self.tables[file], 1):
            name, code, label = row["options"], row["code"], row["label"]
            self._one_of(file, number, "role", row["role"], ROLES)
            if not _CODE.fullmatch(code) or abs(int(code)) > LARGEST_CODE:
                self._wrong(file, number, "code", code, f"a whole number up to {LARGEST_CODE}")
                continue
            if int(code) < 1 and row["role"] != "missing":
                self._wrong(file, number, "role", row["role"], "missing, for a code below 1")
            known = options.setdefault(name, {})
            if int(code) in known:
                self._wrong(file, number, "code", code, f"a code used once in {name}")
            if not label or label in known.values():
                self._wrong(file, number, "label", label, f"a label used once in {name}")
            known[int(code)] = label
            roles.setdefault(name, {})[int(code)] = row["role"]
        return options, roles

    def _variables(self) -> dict[str, Variable]:
        file = "variables.csv"
        variables: dict[str, Variable] = {}
        for number, row in enumerate(self.tables[file], 1):
            name = row["variable"]
            if not _NAME.fullmatch(name):
                self._wrong(file, number, "variable", name, "letters, digits and _ after a letter")
            if name in variables:
                self._wrong(file, number, "variable", name, "a variable that is listed once")
            if not row["label"]:
                self._wrong(file, number, "label", row["label"], "a label")
            self._one_of(file, number, "kind", row["kind"], KINDS)
            for column in ("ordinal", "required"):
                self._one_of(file, number, column, row[column], ("yes", "no"))
            if row["kind"] in ("single", "derived"):
                self._one_of(file, number, "options", row["options"], self.options)
            elif row["options"]:
                self._wrong(file, number, "options", row["options"], "blank for a text column")
            variables[name] = self._variable(number, row)
        return variables

    def _variable(self, number: int, row: dict[str, str]) -> Variable:
        routing = None
        if row["routing_variable"]:
            codes = tuple(row["routing_codes"].split("|"))
            routing = Term(row["routing_variable"], row["routing_operator"], codes)
        return Variable(
            name=row["variable"],
            label=row["label"],
            kind=row["kind"],
            section=row["section"],
            options=self.options.get(row["options"], {}),
            roles=self.roles.get(row["options"], {}),
            routing=routing,
            grid=row["grid"],
            grid_label=row["grid_label"],
            ordinal=row["ordinal"] == "yes",
            required=row["required"] == "yes",
            parent=row["parent"],
            order=number - 1,
            option_set=row["options"],
        )

    def _references(self) -> None:
        file = "variables.csv"
        serials = [v.name for v in self.variables.values() if v.kind == "serial"]
        if len(serials) != 1:
            self.problems.append(
                Problem(file, f"{len(serials)} variables of kind serial", "one", "keep one")
            )
        for variable in self.variables.values():
            number = variable.order + 1
            if variable.parent and variable.parent not in self.variables:
                self._wrong(file, number, "parent", variable.parent, "a variable of this file")
            if variable.grid and variable.grid in self.variables:
                self._wrong(file, number, "grid", variable.grid, "a name that no variable has")
            if variable.routing is not None:
                self._check(file, number, "routing_codes", variable.routing, {})
        for grid in sorted({v.grid for v in self.variables.values() if v.grid}):
            sets = {v.option_set for v in self.variables.values() if v.grid == grid}
            if len(sets) > 1:
                found = ", ".join(sorted(sets))
                self.problems.append(
                    Problem(f"{file}, grid {grid}", found, "one option set", "correct the rows")
                )

    def _check(
        self, file: str, row: int, column: str, term: Term, groups: Mapping[str, dict[str, str]]
    ) -> None:
        """Whether a term names something that exists and values that it can have."""
        if term.name.startswith("force."):
            dates = [f"force.{name}" for name in FORCE_DATES]
            self._one_of(file, row, column, term.name, dates)
            self._one_of(file, row, column, term.operator, DATE_OPERATORS)
            if len(term.values) > 1 or not (
                term.values[0] == OPENING or _MONTH.fullmatch(term.values[0])
            ):
                self._wrong(file, row, column, "|".join(term.values), "a month YYYY-MM or opening")
            return
        self._one_of(file, row, column, term.operator, CODE_OPERATORS)
        if term.name in groups:
            allowed = list(groups[term.name])
        elif term.quantifier and term.name in self.grids:
            item = next(v for v in self.variables.values() if v.grid == term.name)
            allowed = list(map(str, item.options))
        elif not term.quantifier and term.name in self.variables:
            allowed = list(map(str, self.variables[term.name].options))
        else:
            expected = "a question, an earlier group, or any or all and a grid"
            self._wrong(file, row, column, str(term), expected)
            return
        for value in term.values:
            self._one_of(file, row, column, value, allowed)

    def _rule(
        self, file: str, row: int, text: str, groups: Mapping[str, dict[str, str]]
    ) -> tuple[Term, ...]:
        try:
            terms = parse_rule(text)
        except ValueError:
            self._wrong(
                file, row, "rule", text, "conditions joined by ' & ', each name operator values"
            )
            return ()
        for term in terms:
            self._check(file, row, "rule", term, groups)
        return terms

    def _derived(self) -> dict[str, dict[int, tuple[Term, ...]]]:
        file = "derived.csv"
        derived: dict[str, dict[int, tuple[Term, ...]]] = {
            v.name: {} for v in self.variables.values() if v.kind == "derived"
        }
        for number, row in enumerate(self.tables[file], 1):
            if not self._one_of(file, number, "variable", row["variable"], derived):
                continue
            options = self.variables[row["variable"]].options
            if not self._one_of(file, number, "code", row["code"], map(str, options)):
                continue
            if int(row["code"]) in derived[row["variable"]]:
                self._wrong(file, number, "code", row["code"], "one rule for each code")
            rule = self._rule(file, number, row["rule"], {})
            derived[row["variable"]][int(row["code"])] = rule
        for name, rules in derived.items():
            if not rules:
                self.problems.append(
                    Problem(file, f"no rule for {name}", "a rule for each code", "add the rows")
                )
        return derived

    def _groups(self) -> dict[str, Group]:
        file = "groups.csv"
        categories: dict[str, dict[str, str]] = {}
        groups: dict[str, Group] = {}
        rules: dict[str, dict[str, tuple[Term, ...]]] = {}
        for number, row in enumerate(self.tables[file], 1):
            name, category = row["group"], row["category"]
            for column in ("group", "category"):
                if not _NAME.fullmatch(row[column]):
                    expected = "letters, digits and _ after a letter"
                    self._wrong(file, number, column, row[column], expected)
            if name in self.variables:
                self._wrong(file, number, "group", name, "a name that no variable has")
            self._one_of(file, number, "use", row["use"], ("breakdown", "base"))
            known = {other: found for other, found in categories.items() if other != name}
            own = categories.setdefault(name, {})
            if category in own:
                self._wrong(file, number, "category", category, f"a category used once in {name}")
            if name in groups and groups[name].label != row["label"]:
                self._wrong(file, number, "label", row["label"], groups[name].label)
            own[category] = row["category_label"]
            rules.setdefault(name, {})[category] = self._rule(file, number, row["rule"], known)
            groups[name] = Group(name, row["label"], row["use"], own, rules[name])
        return groups

    def _nets(self) -> tuple[tuple[str, str, str], ...]:
        file = "response_sets.csv"
        nets: list[tuple[str, str, str]] = []
        for number, row in enumerate(self.tables[file], 1):
            who, response = row["options"], row["response"]
            options = self.options.get(who)
            if options is None and who in self.variables:
                options = dict(self.variables[who].options)
            if not options:
                self._wrong(file, number, "options", who, "an option set or a closed question")
                continue
            codes = response.split("|")
            for code in codes:
                self._one_of(file, number, "response", code, map(str, options))
            if len(codes) < 2 or codes != sorted(set(codes), key=_as_number):
                self._wrong(
                    file, number, "response", response, "two or more codes in ascending order"
                )
            if any((who, response) == net[:2] for net in nets):
                self._wrong(file, number, "response", response, f"a set used once in {who}")
            nets.append((who, response, row["label"]))
        return tuple(nets)

    def _waves(self) -> dict[str, str]:
        file = "waves.csv"
        waves: dict[str, str] = {}
        for number, row in enumerate(self.tables[file], 1):
            if row["wave"] in waves:
                self._wrong(file, number, "wave", row["wave"], "a wave that is listed once")
            if not re.fullmatch(r"[A-Za-z0-9-]+", row["wave"]):
                self._wrong(file, number, "wave", row["wave"], "letters, digits and -")
            if not _MONTH.fullmatch(row["opening"]):
                self._wrong(file, number, "opening", row["opening"], "a month YYYY-MM")
            waves[row["wave"]] = row["opening"]
        return waves


def _as_number(code: str) -> int:
    return int(code) if code.isdecimal() else 0
