"""What report.toml may say, and what one call of make may set."""

from __future__ import annotations

from pathlib import Path

import pytest

from ncpi_eval import declarations, paths
from ncpi_eval.declarations import Parameter, Site
from ncpi_eval.errors import BuildError, InputError

GOOD = """
[site]
title = "T"
[parameters.survey]
type = "file"
default = ""
help = "a survey"
[parameters.level]
type = "number"
default = 0.95
min = 0.5
max = 0.99
[parameters.wave]
type = "text"
default = "2019"
allowed = ["2019", "2021"]
[parameters.month]
type = "text"
default = ""
pattern = "20[0-9]{2}-(0[1-9]|1[0-2])"
together_with = "survey"
help = "A month."
[notebooks.01-a]
title = "A"
question = "Why?"
parameters = ["survey"]
inputs = ["{survey}", "data/README.md"]
results = ["one.csv"]
[notebooks.02-b]
title = "B"
question = "What then?"
reads = ["one"]
seconds_per_cell = 5
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return read(tmp_path, GOOD)


def read(folder: Path, text: str) -> Site:
    (folder / "report.toml").write_text(text, encoding="utf-8")
    return declarations.read(folder / "report.toml")


def test_pages_come_in_the_order_of_the_file(site: Site) -> None:
    assert [page.stem for page in site.pages] == ["01-a", "02-b"]
    assert site.page("01-a").results == ("one",)
    assert site.page("01-a").seconds_per_cell == 600
    assert site.page("02-b").seconds_per_cell == 5
    assert site.writer("one") == site.page("01-a")
    assert site.parameter("survey").variable == "SURVEY"


def test_the_report_that_is_committed_can_be_read() -> None:
    assert declarations.read().title


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "T"', 'titel = "T"', "[site]: found 'titel'; expected one of title, not_pages. "),
        ('type = "number"', 'type = "real"', "[parameters.level] type: found 'real'; expected one"),
        (
            "default = 0.95",
            'default = "much"',
            "[parameters.level] default: found 'much'; expected",
        ),
        ('default = "2019"', 'default = "2020"', "default: found '2020'; expected one of allowed"),
        ("[parameters.level]", "[parameters.Level]", "found 'Level'; expected lower-case letters"),
        (
            "[parameters.level]",
            "[parameters.python]",
            "found 'python'; expected lower-case letters",
        ),
        ('pattern = "20', 'pattern = "(20', "[parameters.month] pattern: found '(20[0-9]"),
        ('_with = "survey"', '_with = "servey"', "together_with: found 'servey'; expected a decl"),
        ('["survey"]', '["servey"]', "parameters: found 'servey'; expected a declared parameter"),
        ('"{survey}"', '"{wave}"', "inputs: found '{wave}'; expected a parameter of the page"),
        ('"data/README.md"', '"../up"', "inputs: found '../up'; expected a plain path below the"),
        ('"data/README.md"', '"a; rm b"', "inputs: found 'a; rm b'; expected a plain path below"),
        ('reads = ["one"]', 'reads = ["two"]', "reads: found 'two'; expected a result that a page"),
        ('reads = ["one"]', 'results = ["one"]', "results: found 'one'; expected one page that"),
        (
            'results = ["one.csv"]',
            'reads = ["one"]',
            "reads: found 'one'; expected a result that a",
        ),
        ('question = "Why?"', "", "[notebooks.01-a] question: found 'nothing'"),
        ("[notebooks.02-b]", '[notebooks."02 b"]', "found '02 b'; expected letters, digits and"),
        ("seconds_per_cell = 5", 'seconds_per_cell = "5"', "found '5'; expected a whole number"),
    ],
)
def test_a_contradiction_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(BuildError) as raised:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert message in str(raised.value)


def test_a_result_is_read_only_further_down(tmp_path: Path) -> None:
    text = GOOD.replace('results = ["one.csv"]', 'results = ["one"]\nreads = ["one"]')
    with pytest.raises(BuildError, match="expected a result of an earlier page"):
        read(tmp_path, text)


def test_what_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="report.toml cannot be read"):
        read(tmp_path, "[site")


# What make passes on


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("", {}),
        ("A=1 B=2", {"A": "1", "B": "2"}),
        ("A=two\\ words B=", {"A": "two words", "B": ""}),
        ("A=$$(shell\\ x) B=a\\\\b", {"A": "$(shell x)", "B": "a\\b"}),
        ("A:=1 B=x=y", {"A": "1", "B": "x=y"}),
    ],
)
def test_makes_record_of_the_command_line(text: str, call: dict[str, str]) -> None:
    assert declarations.read_call(text) == call


def test_defaults_are_filled_in(site: Site, tmp_path: Path) -> None:
    assert declarations.settle(site, {}, tmp_path) == {
        "survey": "",
        "level": 0.95,
        "wave": "2019",
        "month": "",
    }


def test_values_get_their_type(site: Site, tmp_path: Path) -> None:
    call = {"LEVEL": "0.5", "WAVE": "2021", "PYTHON": "anything"}
    assert declarations.settle(site, call, tmp_path) == {
        "survey": "",
        "level": 0.5,
        "wave": "2021",
        "month": "",
    }


def test_files_start_from_where_the_call_was_made(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a b.csv").write_text("x")
    found = declarations.settle(site, {"SURVEY": "a b.csv", "MONTH": "2021-03"}, tmp_path)["survey"]
    assert found == str(tmp_path / "a b.csv")
    inside = {"SURVEY": str(paths.ROOT / "data" / ".." / "README.md"), "MONTH": "2021-03"}
    (paths.ROOT / "README.md").exists() or pytest.skip("no README yet")
    assert declarations.settle(site, inside, tmp_path)["survey"] == "README.md"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            {"SURVAY": "x"},
            "make report: found 'SURVAY'; expected one of SURVEY, LEVEL, WAVE, MONTH. ",
        ),
        ({"SURVAY": "x"}, "What to do: did you mean SURVEY?"),
        ({"Q": "x"}, "What to do: leave it out"),
        ({"LEVEL": "0.49"}, "LEVEL: found '0.49'; expected a value from 0.5 to 0.99"),
        ({"LEVEL": "0.991"}, "LEVEL: found '0.991'; expected a value from 0.5 to 0.99"),
        ({"LEVEL": "nan"}, "LEVEL: found 'nan'; expected a number"),
        ({"LEVEL": "half"}, "LEVEL: found 'half'; expected a number"),
        ({"WAVE": "2020"}, "WAVE: found '2020'; expected one of 2019, 2021"),
        ({"WAVE": "20\n19"}, "WAVE: found '20\\n19'; expected at most 200 printable characters"),
        ({"SURVEY": "none.sav"}, "SURVEY: found 'none.sav'; expected an existing file (looked in "),
        ({"SURVEY": "."}, "SURVEY: found '.'; expected an existing file"),
        ({"SURVEY": "a\x00b"}, "SURVEY: found 'a\\x00b'; expected an existing file"),
        ({"MONTH": "2021-13"}, "MONTH: found '2021-13'; expected a text that matches 20[0-9]{2}-"),
        ({"MONTH": "2021-03"}, "SURVEY: found nothing; expected a value, as MONTH has one"),
        (
            {"SURVEY": __file__},
            "MONTH: found nothing; expected a value, as SURVEY has one. What to do: A month.",
        ),
        ({"KERNEL": "odd"}, "KERNEL: found 'odd'; expected one of plain"),
    ],
)
def test_what_is_refused_and_why(
    site: Site, tmp_path: Path, call: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError) as raised:
        declarations.settle(site, call, tmp_path)
    assert message in str(raised.value)


def test_all_problems_of_a_call_come_at_once(site: Site, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        declarations.settle(site, {"LEVEL": "2", "WAVE": "x", "OTHER": ""}, tmp_path)
    assert len(raised.value.problems) == 3


def test_whole_numbers_are_whole(tmp_path: Path) -> None:
    site = Site("T", (), (Parameter("rows", "integer", 1, min=1, max=3),))
    for text, good in [("0", False), ("1", True), ("3", True), ("4", False), ("1.0", False)]:
        if good:
            assert declarations.settle(site, {"ROWS": text}, tmp_path) == {"rows": int(text)}
        else:
            with pytest.raises(InputError):
                declarations.settle(site, {"ROWS": text}, tmp_path)
