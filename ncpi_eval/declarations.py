"""Read `notebooks/report.toml`, the one place that says what each page takes, reads and writes.

The build, the checks and the pages all ask here, so a page cannot run with a parameter that nobody
declared. Standard library only: `make report` answers from here before anything heavy is imported.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ncpi_eval import paths
from ncpi_eval.errors import BuildError, InputError, Problem

TYPES = ("file", "folder", "text", "integer", "number")
PLACES = ("file", "folder")  # types whose value is a path
# Variables that make itself uses; they are typed like parameters but no page sees them.
SETTINGS: dict[str, tuple[str, ...]] = {"PYTHON": (), "KERNEL": ("plain",)}
# Names that end up in file names, make targets and addresses of pages.
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]*")
SAFE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*")
LONGEST_TEXT = 200
SECONDS_PER_CELL = 600

Value = str | int | float


@dataclass(frozen=True)
class Parameter:
    """One thing a caller of ``make report`` may set.

    Parameters
    ----------
    name : str
        Lower case, as the notebooks have it; make's variable is the same in upper case.
    type : str
        One of `TYPES`. A file's or folder's value is a path relative to the repository's root.
    default : str, int or float
        Used when the call does not name the parameter; a blank file means none.
    allowed : tuple
        The only values accepted; empty for any.
    min, max : float or None
        Inclusive bounds of a number; None for unbounded.
    pattern : str
        Regular expression that the whole of a text must match; blank for any.
    together_with : str
        Name of the parameter without which this one means nothing and which means nothing without
        this one; both are blank or neither is.
    help : str
        One sentence for the person who calls.
    """

    name: str
    type: str
    default: Value
    allowed: tuple[Value, ...] = ()
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    together_with: str = ""
    help: str = ""

    @property
    def variable(self) -> str:
        """Name on make's command line."""
        return self.name.upper()


@dataclass(frozen=True)
class Page:
    """One notebook and the page it becomes.

    Parameters
    ----------
    stem : str
        File name without ``.ipynb``; the page is ``html/<stem>.html``.
    title, question : str
        Heading of the page and the question it answers.
    parameters : tuple of str
        Names of the declared parameters it takes.
    inputs : tuple of str
        Data files and folders it reads, relative to the root; ``{survey}`` stands for the value of
        a parameter that is a file or folder.
    results : tuple of str
        Names of the results it writes, without ``.csv``; each exactly once in the whole report.
    reads : tuple of str
        Names of results of other pages that it loads.
    seconds_per_cell : int
        Longest time one cell may run, in seconds.
    """

    stem: str
    title: str
    question: str
    parameters: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    seconds_per_cell: int = SECONDS_PER_CELL

    @property
    def notebook(self) -> Path:
        """The notebook's file."""
        return paths.ROOT / "notebooks" / f"{self.stem}.ipynb"


@dataclass(frozen=True)
class Site:
    """The whole report: its pages in reading order and what may be set."""

    title: str
    pages: tuple[Page, ...]
    parameters: tuple[Parameter, ...] = ()
    not_pages: tuple[str, ...] = ()

    def page(self, stem: str) -> Page:
        """The page of that stem; `BuildError` if none is declared."""
        for page in self.pages:
            if page.stem == stem:
                return page
        raise BuildError(f"notebooks/report.toml declares no notebook {stem!r}.")

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name; it must be declared."""
        return next(parameter for parameter in self.parameters if parameter.name == name)

    def writer(self, result: str) -> Page | None:
        """The page that writes a result, or None."""
        return next((page for page in self.pages if result in page.results), None)


# Reading the declarations


def read(path: Path | None = None) -> Site:
    """Read and check the declarations.

    Parameters
    ----------
    path : Path, optional
        The file; ``notebooks/report.toml`` if not given.

    Returns
    -------
    Site
        Pages in the order of the file, which is the reading order.

    Raises
    ------
    BuildError
        With everything that is wrong in the file, each with its place.
    """
    path = path or paths.ROOT / "notebooks" / "report.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BuildError(f"notebooks/report.toml cannot be read: {error}") from error
    problems = _Problems()
    problems.keys("report.toml", content, {"site": dict, "parameters": dict, "notebooks": dict})
    site = _table(content, "site")
    problems.keys("[site]", site, {"title": str, "not_pages": list})
    parameters = tuple(
        _parameter(name, table, problems) for name, table in _table(content, "parameters").items()
    )
    pages = tuple(
        _page(stem, table, problems) for stem, table in _table(content, "notebooks").items()
    )
    whole = Site(
        title=str(site.get("title", "Report")),
        pages=pages,
        parameters=parameters,
        not_pages=_names(site.get("not_pages")),
    )
    _check_links(whole, problems)
    if problems.found:
        raise BuildError("notebooks/report.toml contradicts itself.", problems.found)
    return whole


@dataclass
class _Problems:
    """Collects what is wrong, so that all of it is shown at once."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: str, found: object, expected: str, remedy: str) -> None:
        self.found.append(Problem(place, shown(found), expected, remedy))

    def keys(self, place: str, table: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        for key, value in table.items():
            if key not in known:
                remedy = f"write {nearest(key, known)}" if nearest(key, known) else "remove it"
                self.add(place, key, f"one of {', '.join(known)}", remedy)
            elif not isinstance(value, known[key]):
                kind = {dict: "a table", list: "a list", str: "a text", int: "a whole number"}
                self.add(
                    f"{place} {key}", value, kind.get(known[key], "another type"), "correct it"
                )


def _parameter(name: str, table: Any, problems: _Problems) -> Parameter:
    place = f"[parameters.{name}]"
    table = table if isinstance(table, dict) else {}
    anything = object
    problems.keys(
        place,
        table,
        {"type": str, "default": anything, "allowed": list, "min": anything, "max": anything}
        | {"pattern": str, "together_with": str, "help": str},
    )
    if not PARAMETER_NAME.fullmatch(name) or name.upper() in SETTINGS:
        problems.add(place, name, "lower-case letters, digits and _", "rename it")
    if table.get("type") not in TYPES:
        problems.add(f"{place} type", table.get("type"), f"one of {', '.join(TYPES)}", "set it")
    if "default" not in table:
        problems.add(f"{place} default", "nothing", "a value", "give the default")
    parameter = Parameter(
        name=name,
        type=str(table.get("type", "text")),
        default=table.get("default", ""),
        allowed=tuple(_list(table.get("allowed"))),
        min=table.get("min"),
        max=table.get("max"),
        pattern=str(table.get("pattern", "")),
        together_with=str(table.get("together_with", "")),
        help=str(table.get("help", "")),
    )
    kind: tuple[type, ...] = {"integer": (int,), "number": (int, float)}.get(parameter.type, (str,))
    for value in (parameter.default, *parameter.allowed):
        if not isinstance(value, kind) or isinstance(value, bool):
            problems.add(f"{place} default", value, f"type {parameter.type}", "correct it")
    if parameter.allowed and parameter.default not in parameter.allowed:
        problems.add(f"{place} default", parameter.default, "one of allowed", "correct it")
    return parameter


def _page(stem: str, table: Any, problems: _Problems) -> Page:
    place = f"[notebooks.{stem}]"
    table = table if isinstance(table, dict) else {}
    texts = {"title": str, "question": str}
    lists = {"parameters": list, "inputs": list, "results": list, "reads": list}
    problems.keys(place, table, texts | lists | {"seconds_per_cell": int})
    if not SAFE_NAME.fullmatch(stem):
        problems.add(place, stem, "letters, digits and . _ -", "rename the notebook")
    for key in texts:
        if not table.get(key):
            problems.add(f"{place} {key}", "nothing", "a text", "write it")
    return Page(
        stem=stem,
        title=str(table.get("title", "")),
        question=str(table.get("question", "")),
        parameters=_names(table.get("parameters")),
        inputs=_names(table.get("inputs")),
        results=tuple(name.removesuffix(".csv") for name in _names(table.get("results"))),
        reads=tuple(name.removesuffix(".csv") for name in _names(table.get("reads"))),
        seconds_per_cell=int(table.get("seconds_per_cell", SECONDS_PER_CELL)),
    )


def _check_links(site: Site, problems: _Problems) -> None:
    """Everything a page names must be declared, and no page may wait for itself."""
    known = {parameter.name: parameter for parameter in site.parameters}
    for parameter in site.parameters:
        if parameter.together_with and parameter.together_with not in known:
            place, name = f"[parameters.{parameter.name}]", parameter.together_with
            problems.add(f"{place} together_with", name, "a declared parameter", "declare it")
        if not _is_pattern(parameter.pattern):
            place = f"[parameters.{parameter.name}] pattern"
            problems.add(place, parameter.pattern, "a regular expression", "correct it")
    for page in site.pages:
        place = f"[notebooks.{page.stem}]"
        for name in page.parameters:
            if name not in known:
                problems.add(f"{place} parameters", name, "a declared parameter", "declare it")
        for name in page.inputs:
            inner = name.strip("{}")
            if name.startswith("{"):
                if inner not in page.parameters or known[inner].type not in PLACES:
                    remedy = "add it to the page's parameters"
                    expected = "a parameter of the page that is a file or folder"
                    problems.add(f"{place} inputs", name, expected, remedy)
            elif not SAFE_PATH.fullmatch(name) or ".." in name.split("/"):
                problems.add(f"{place} inputs", name, "a plain path below the root", "rename it")
        for name in (*page.results, *page.reads):
            if not SAFE_NAME.fullmatch(name):
                problems.add(place, name, "a name of letters, digits and . _ -", "rename it")
        for name in page.results:
            if site.writer(name) != page:
                problems.add(f"{place} results", name, "one page that writes it", "rename it")
        for name in page.reads:
            writer = site.writer(name)
            if writer is None:
                problems.add(f"{place} reads", name, "a result that a page writes", "declare it")
            elif site.pages.index(writer) >= site.pages.index(page):
                remedy = f"place {writer.stem} before {page.stem}"
                problems.add(f"{place} reads", name, "a result of an earlier page", remedy)


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _table(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key, {})
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(value: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in _list(value))


# What one call of make sets


def read_call(text: str) -> dict[str, str]:
    """Names and values typed after ``make``, from make's own record of them.

    Parameters
    ----------
    text : str
        Content of make's ``MAKEOVERRIDES``: ``NAME=value`` separated by spaces, where make has put
        a backslash before spaces and backslashes and doubled each dollar sign.

    Returns
    -------
    dict
        The values as typed. Nothing in them has been expanded.
    """
    call: dict[str, str] = {}
    for word in re.findall(r"(?:\\.|[^ \\])+", text, flags=re.DOTALL):
        plain = re.sub(r"\\(.)|\$\$", lambda found: found[1] or "$", word, flags=re.DOTALL)
        found = re.match(r"([^=]*?):{0,3}=(.*)", plain, flags=re.DOTALL)
        if found:
            call[found[1]] = found[2]
    return call


def settle(
    site: Site, call: Mapping[str, str], called_from: Path, command: str = "make report"
) -> dict[str, Value]:
    """Check one call against the declarations; fill in the defaults.

    Parameters
    ----------
    site : Site
        The declarations.
    call : mapping
        Make variables as typed, see `read_call`.
    called_from : Path
        The folder that relative paths of the call start from; defaults start from the root.
    command : str
        What was typed, for messages.

    Returns
    -------
    dict
        One value per declared parameter. The value of a file or folder is its path, relative to
        the root (with ``/``) where it lies below it, else absolute; blank for none.

    Raises
    ------
    InputError
        With every name that is not declared (and the nearest that is), and every value of the
        wrong type, out of range, not allowed, or without its file.
    """
    problems = _Problems()
    variables = {parameter.variable: parameter for parameter in site.parameters}
    for name, text in call.items():
        if name in SETTINGS:
            if SETTINGS[name] and text not in SETTINGS[name]:
                problems.add(name, text, f"one of {', '.join(SETTINGS[name])}", "correct it")
        elif name not in variables:
            near = nearest(name, variables)
            remedy = f"did you mean {near}?" if near else "leave it out"
            problems.add(command, name, f"one of {', '.join(variables) or 'none'}", remedy)
    values: dict[str, Value] = {}
    for variable, parameter in variables.items():
        start = called_from if variable in call else paths.ROOT
        given = call.get(variable, str(parameter.default))
        try:
            values[parameter.name] = _value(parameter, given, start)
        except ValueError as error:
            where = variable if variable in call else f"{variable} (default)"
            problems.add(where, given, str(error), parameter.help or "correct the value")
    problems.found += _halves(site, values)
    if problems.found:
        raise InputError("The parameters of this call cannot be used.", problems.found)
    return values


def _halves(site: Site, values: Mapping[str, Value]) -> Iterator[Problem]:
    """Parameters that were given without the one they go with."""
    for parameter in site.parameters:
        pair = [parameter, *(p for p in site.parameters if p.name == parameter.together_with)]
        blank = [one for one in pair if values.get(one.name) == ""]
        if len(pair) == 2 and len(blank) == 1:
            other = next(one.variable for one in pair if one is not blank[0])
            expected = f"a value, as {other} has one"
            yield Problem(blank[0].variable, "nothing", expected, blank[0].help or "give both")


def _value(parameter: Parameter, text: str, start: Path) -> Value:
    """The typed value of a text; `ValueError` says what was expected."""
    value: Value = text
    if parameter.type in PLACES:
        return _path(parameter, text, start)
    if parameter.type == "integer":
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise ValueError("a whole number")
        value = int(text)
    elif parameter.type == "number":
        value = _number(text)
    elif len(text) > LONGEST_TEXT or not text.isprintable():
        raise ValueError(f"at most {LONGEST_TEXT} printable characters")
    elif text != parameter.default and not re.fullmatch(parameter.pattern or ".*", text):
        raise ValueError(f"a text that matches {parameter.pattern}")
    if parameter.allowed and value not in parameter.allowed:
        raise ValueError(f"one of {', '.join(str(allowed) for allowed in parameter.allowed)}")
    if isinstance(value, int | float):
        low = -math.inf if parameter.min is None else parameter.min
        high = math.inf if parameter.max is None else parameter.max
        if not low <= value <= high:
            raise ValueError(f"a value from {low:g} to {high:g}")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError("a number") from error
    if not math.isfinite(value):
        raise ValueError("a number")
    return value


def _path(parameter: Parameter, text: str, start: Path) -> str:
    kind = parameter.type
    if not text:
        if parameter.default == "":
            return ""
        raise ValueError(f"the path of a {kind}")
    path = (
        Path(os.path.abspath(os.path.join(start, os.path.expanduser(text))))
        if _plain(text)
        else None
    )
    if path is None or not (path.is_file() if kind == "file" else path.is_dir()):
        raise ValueError(f"an existing {kind} (looked in {start})")
    if not os.access(path, os.R_OK if kind == "file" else os.R_OK | os.X_OK):
        raise ValueError(f"a {kind} that may be read")
    root = paths.ROOT
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _plain(text: str) -> bool:
    return text.isprintable()


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like a misspelt one, ignoring case; blank if none is near."""
    from difflib import get_close_matches  # costs a hundredth of a second, needed on refusal only

    by_case = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.lower(), by_case, n=1, cutoff=0.5)
    return by_case[found[0]] if found else ""


def shown(value: object) -> str:
    """A value as a message may show it: on one line, shortened, nothing that moves a terminal."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
