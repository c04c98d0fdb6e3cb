"""Briefs of single forces: the right world, the same bytes everywhere, nothing half-done."""

from __future__ import annotations

import functools
import os
import signal
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from helpers_dask import scheduler

from ncpi_eval import briefs, declarations, execute, page_rules, paths, runs, sources
from ncpi_eval.briefs import Task
from ncpi_eval.errors import InputError
from ncpi_eval.evidence import brief as rows_of
from ncpi_eval.evidence import record as analysis
from ncpi_eval.intake import record
from ncpi_eval.synthesis import record as invented
from ncpi_eval.synthesis.__main__ import write

DEFAULTS = {"survey": "data/synthetic/responses.csv", "forces": "", "wave": "2019"}


def task(code: str, **values: str) -> Task:
    force = record.read_force(code)
    given = {"force": code, **DEFAULTS, **values}
    return Task(force.name, analysis.slug(force.name), force.data_kind, given)


def placed(folder: Path, *made: dict[str, bytes]) -> Path:
    """Files of briefs on disk, with their list, as they are published."""
    for files in made:
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder


# Which force


def test_a_force_goes_by_code_or_name_in_either_world() -> None:
    assert record.read_force("20") == record.read_force("lancashire")
    assert record.read_force("Avon & Somerset").name == "Avon and Somerset"
    assert record.read_force("101").data_kind == "synthetic"
    assert record.read_force("Alderbrook").code == 101
    assert len(record.all_forces()) == 86


def test_an_unknown_force_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(InputError, match="did you mean Lancashire") as caught:
        record.read_force("Lancashir")
    assert "FORCE: found 'Lancashir'" in str(caught.value)
    with pytest.raises(InputError, match="see the names in both forces.csv"):
        record.read_force("../../etc/passwd")


def test_parameters_are_checked_before_anything_runs() -> None:
    with pytest.raises(InputError, match="make force-brief: found 'SURVY'.*did you mean SURVEY"):
        briefs.settle("force-brief", {"SURVY": "x"})
    with pytest.raises(InputError, match="type FORCE=Lancashire"):
        briefs.settle("force-brief", {})
    with pytest.raises(InputError, match="make force-briefs: found 'FORCE'"):
        briefs.settle("force-briefs", {"FORCE": "20"})
    with pytest.raises(InputError, match="SCHEDULER: found 'http://x'.*tcp://host:port"):
        briefs.settle("force-briefs", {"SCHEDULER": "http://x"})
    settled = briefs.settle("force-brief", {"FORCE": "20", "SCHEDULER": "tcp://127.0.0.1:8786"})
    assert settled["wave"] == "2019" and settled["survey"] == DEFAULTS["survey"]


def test_all_briefs_are_those_of_the_world_of_the_survey() -> None:
    tasks = briefs.wanted("force-briefs", DEFAULTS)
    assert [one.values["force"] for one in tasks] == [str(code) for code in range(101, 144)]
    assert {one.data_kind for one in tasks} == {"synthetic"}


def test_the_parameters_cell_sets_what_a_brief_gives() -> None:
    notebook = nbformat.read(paths.ROOT / "notebooks" / "force-brief.ipynb", as_version=4)
    (cell,) = execute.parameter_cells(notebook)
    found = execute.defaults_of(cell.source)
    assert list(found) == list(task("101").values)
    site = declarations.read()
    assert {name: found[name] for name in briefs.SHARED} == {
        name: site.parameter(name).default for name in briefs.SHARED
    }
    assert briefs.STEM in site.not_pages


# The invented record


def test_the_committed_record_of_invented_forces_is_what_make_data_writes(tmp_path: Path) -> None:
    table = pd.read_csv(paths.data("synthetic", "forces.csv"), dtype=str, keep_default_na=False)
    for name, made in invented.build(table).items():
        write(made, tmp_path / f"{name}.csv")
        committed = paths.data("synthetic", "inspections", f"{name}.csv")
        assert (tmp_path / f"{name}.csv").read_bytes() == committed.read_bytes()
        assert set(made["data_kind"]) == {"synthetic"}


def test_the_two_worlds_share_no_name_and_no_code() -> None:
    real, made_up = (
        record.read_record(kind).calendar for kind in (sources.PUBLIC_RECORD, sources.SYNTHETIC)
    )
    assert len(made_up) > 60
    for column in ("force", "name"):
        assert not set(real[column]) & set(made_up[column])


@pytest.mark.parametrize(
    ("kind", "other"), [("synthetic", "inspections"), ("public_record", "synthetic")]
)
def test_a_brief_rests_on_the_record_of_its_own_world(kind: str, other: str) -> None:
    assert all((paths.ROOT / name).exists() for name in briefs.INPUTS[kind])
    assert not [name for name in briefs.INPUTS[kind] if name.startswith(f"data/{other}/")]


def test_a_force_without_any_visit_has_rows_that_say_so() -> None:
    whole = record.read_record("synthetic")
    rows = rows_of.rows(whole.of("104"), "Barrowfen", "synthetic", "2023-11-22")
    assert list(rows["count"]) == [0] * 5
    assert rows_of.follow_up(rows) == "none"


def test_what_is_known_of_the_follow_up() -> None:
    whole = record.read_record()
    until = analysis.last_seen(whole.calendar)
    found = {
        code: rows_of.follow_up(rows_of.rows(whole.of(code), code, "public_record", until))
        for code in ("1", "3", "20")
    }
    # Avon and Somerset was inspected in July 2023, and the record ends in November 2023; of
    # Lancashire's follow-up only the year of publication was found.
    assert found == {"1": "waiting", "3": "known", "20": "missing"}


# The page, and the same bytes wherever it was made


def dies_at_first(folder: Path, settings: dict[str, str], one: Task) -> dict[str, bytes]:
    """A brief; the first process that makes one is killed before it can hand it over."""
    made = briefs.brief(settings, one)
    try:
        (folder / "killed").touch(exist_ok=False)
    except FileExistsError:
        return made
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def test_serial_briefs_and_those_of_dask_workers_of_which_one_dies_are_the_same(
    tmp_path: Path,
) -> None:
    tasks = [task("102"), task("20")]
    serial = list(briefs.made_of(tasks, workers=1))
    function = functools.partial(dies_at_first, tmp_path, {})
    with scheduler(tmp_path, workers=2) as (address, _):
        spread = list(runs.each(function, tasks, label="briefs", scheduler=address, progress=False))
    assert (tmp_path / "killed").exists()
    assert spread == serial
    made_up, real = serial
    page = made_up["html/ambervale.html"].decode()
    assert "invented" in page and "<h1>Ambervale: record and respondents</h1>" in page
    assert "Lancashire" not in page and str(paths.ROOT) not in page
    page = real["html/lancashire.html"].decode()
    assert "The file of respondents is invented" in page and "8775" in page
    assert "html/data-lancashire-survey.html" not in real
    folder = placed(tmp_path / "briefs", *serial)
    listed = {
        one.slug: {"name": one.name, "data_kind": one.data_kind, "settings": "", "files": []}
        for one in tasks
    }
    (folder / "index.html").write_text(briefs.index(listed), encoding="utf-8")
    for path in sorted(folder.rglob("*.html")):
        assert page_rules.findings(page_rules.read(path)) == []


def test_a_real_survey_adds_the_force_beside_all_others_and_names_no_other_force(
    tmp_path: Path,
) -> None:
    """The invented respondents on real codes, without the column that says so, count as real."""
    survey = pd.read_csv(paths.ROOT / DEFAULTS["survey"], dtype=str, keep_default_na=False)
    codes = sources.read_forces()["force"].astype(str)
    survey["RForc"] = survey["RForc"].map(dict(zip(map(str, range(101, 144)), codes, strict=True)))
    path = tmp_path / "answers.csv"
    survey.fillna("").drop(columns="data_kind").to_csv(path, index=False)
    largest = survey["RForc"].mode()[0]
    (made,) = briefs.made_of([task(largest, survey=str(path))], workers=1)
    name = record.read_force(largest).name
    slug = analysis.slug(name)
    page = made[f"html/{slug}.html"].decode()
    assert "All other forces" in page and f"{name} less all other forces" in page
    others = [one.name for one in record.all_forces() if one.name != name]
    assert not [other for other in others if f">{other}<" in page]
    rows = pd.read_csv(placed(tmp_path / "out", made) / "results" / f"{slug}-survey.csv")
    assert (rows["data_kind"] == "real").all() and (rows["count"] >= 10).all()
    assert (rows["denominator"] - rows["count"] >= 10).all()


# Publishing


def entry(name: str, settings: str = "a") -> dict[str, object]:
    files = [f"html/{analysis.slug(name)}.html"]
    return {"name": name, "data_kind": "synthetic", "settings": settings, "files": files}


def test_briefs_of_the_same_world_are_kept_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(briefs, "PUBLISHED", tmp_path / ".briefs")
    monkeypatch.setattr(briefs, "BRIEFS", tmp_path / "briefs")
    settings = briefs._settings(task("101"))
    made = {"ambervale": entry("Ambervale", settings), "essex": entry("Essex", "another")}
    stage = tmp_path / ".briefs" / "partial"
    for slug in made:
        placed(stage, {f"html/{slug}.html": slug.encode()})
    briefs.publish(stage, made, {})
    assert (tmp_path / "briefs" / "html" / "essex.html").read_bytes() == b"essex"
    kept = briefs._kept(stage, [task("101")])
    assert list(kept) == ["ambervale"]
    briefs.publish(stage, kept, {})
    assert [p.name for p in (tmp_path / "briefs" / "html").iterdir()] == ["ambervale.html"]
    assert [p.name for p in (tmp_path / ".briefs").iterdir()] == ["2"]
    listed = pd.read_csv(tmp_path / "briefs" / "release.csv")["output"]
    assert list(listed) == ["html/ambervale.html", "index.html", "manifest.json"]
    index = (tmp_path / "briefs" / "index.html").read_text(encoding="utf-8")
    assert 'href="html/ambervale.html"' in index and "essex" not in index
