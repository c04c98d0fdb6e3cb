"""One page for one force, or a page for each: ``make force-brief FORCE=…``, ``make force-briefs``.

A brief is the notebook `force-brief` run with the code of a force, through the same execution and
rendering as every page. `runs.each` runs many, on this machine or on the workers of a Dask
scheduler; what they make travels back as bytes, so the same files come out wherever they ran.
Finished briefs go to ``outputs/briefs`` in one step, like the report.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from ncpi_eval import build, declarations, machine, paths, workspace
from ncpi_eval.declarations import Page, Parameter, Site, Value
from ncpi_eval.errors import InputError, NcpiError, Problem
from ncpi_eval.workspace import DISCLOSURE, FIXED, KINDS, OUTPUTS

STEM = "force-brief"
TITLE = "Force briefs"
BRIEFS = OUTPUTS / "briefs"
PUBLISHED = OUTPUTS / ".briefs"
MANIFEST = "manifest.json"
# What `make force-brief` takes besides its own: parameters of the report, with its meanings.
SHARED = ("survey", "forces", "wave")
OWN = (
    Parameter("force", "text", "", help="Code or name of a force, real or invented."),
    Parameter(
        "scheduler",
        "text",
        "",
        pattern="(tcp|tls)://[A-Za-z0-9.:_-]+",
        help="Address of a Dask scheduler, tcp://host:port; blank for processes of this machine.",
    ),
    Parameter("workers", "integer", 0, min=0, help="Processes; 0 is one for each processor."),
)
_RECORD = ("calendar", "case_audits", "recommendations", "recommendations_history")
# The record of each world.
INPUTS = {
    "public_record": (
        "data/questionnaire",
        "data/inspections/forces.csv",
        *(f"data/inspections/{name}.csv" for name in _RECORD),
    ),
    "synthetic": ("data/questionnaire", "data/synthetic/forces.csv", "data/synthetic/inspections"),
}
# A worker has threads, which a fork would lose: the kernel is a process of its own.
PLAIN = {"NCPI_EVAL_KERNEL": "plain"}
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Brief(Page):
    """A page that shares its notebook with others."""

    @property
    def notebook(self) -> Path:
        """The notebook's file."""
        return paths.ROOT / "notebooks" / f"{STEM}.ipynb"


@dataclass(frozen=True)
class Task:
    """What one brief is made of: small enough to send to another machine."""

    name: str
    slug: str
    data_kind: str
    values: Mapping[str, Value]


def main(arguments: Sequence[str]) -> int:
    """Run ``force-brief`` or ``force-briefs``; return the exit code."""
    command = arguments[0] if arguments else ""
    if os.environ.get("PYTHONHASHSEED") != FIXED["PYTHONHASHSEED"]:
        # As for the report's pages: nothing of the caller's locale, time zone or hash seed.
        again = [sys.executable, "-m", "ncpi_eval.briefs", *arguments]
        os.execve(sys.executable, again, os.environ | FIXED)
    try:
        if command not in ("force-brief", "force-briefs"):
            raise InputError(f"ncpi_eval.briefs has no command {command!r}.")
        call = declarations.read_call(os.environ.get("NCPI_EVAL_CALL", ""))
        run(command, call)
    except NcpiError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the briefs published before are unchanged.", file=sys.stderr)
        return 130
    return 0


def run(command: str, call: Mapping[str, str]) -> None:
    """Make the briefs of one call and publish them."""
    values = settle(command, call)
    with build.locked():
        tasks = wanted(command, values)
        stage = PUBLISHED / "partial"
        shutil.rmtree(stage, ignore_errors=True)
        made = _kept(stage, tasks) if command == "force-brief" else {}
        results = made_of(tasks, str(values["scheduler"]), int(values["workers"]))
        for task, files in zip(tasks, results, strict=True):
            made[task.slug] = {
                "name": task.name,
                "data_kind": task.data_kind,
                "settings": _settings(task),
                "files": sorted(files),
            }
            for name, content in files.items():
                (stage / name).parent.mkdir(parents=True, exist_ok=True)
                (stage / name).write_bytes(content)
        publish(stage, made, {name: values[name] for name in SHARED})
    first = f"briefs/html/{tasks[0].slug}.html" if len(tasks) == 1 else "briefs/index.html"
    print(f"{len(tasks)} published: open outputs/{first}", flush=True)


def settle(command: str, call: Mapping[str, str]) -> dict[str, Value]:
    """Values of a call, or the refusal of everything that is wrong with it."""
    site = declarations.read()
    shared = [site.parameter(name) for name in SHARED]
    own = [one for one in OWN if one.name != "force" or command == "force-brief"]
    mine = replace(site, parameters=(*own, *shared))
    values = declarations.settle(mine, call, build.called_from(), f"make {command}")
    if command == "force-brief" and not values["force"]:
        problem = Problem("FORCE", "nothing", "code or name of a force", "type FORCE=Lancashire")
        raise InputError("The brief of which force?", [problem])
    for parameter in shared:  # a file elsewhere is reached through a link, which names no machine
        state = build.parameter_state(parameter, values[parameter.name])
        values[parameter.name] = state["value"]
    return values


def wanted(command: str, values: Mapping[str, Value]) -> list[Task]:
    """The briefs to make: the one asked for, or all of the world of the survey."""
    from ncpi_eval import sources
    from ncpi_eval.evidence.record import slug
    from ncpi_eval.intake import record

    if command == "force-brief":
        forces = [record.read_force(str(values["force"]))]
    else:
        survey = sources.read_survey(
            str(values["survey"]), str(values["forces"]) or None, str(values["wave"])
        )
        synthetic = survey.data_kind == sources.SYNTHETIC
        kind = sources.SYNTHETIC if synthetic else sources.PUBLIC_RECORD
        forces = [one for one in record.all_forces() if one.data_kind == kind]
    given = {name: values[name] for name in SHARED}
    return [
        Task(one.name, slug(one.name), one.data_kind, {"force": str(one.code), **given})
        for one in forces
    ]


def made_of(tasks: Sequence[Task], scheduler: str = "", workers: int = 0) -> Any:
    """Files of each brief, in the order of the tasks; see `runs.each`."""
    from ncpi_eval import runs

    settings = {name: os.environ[name] for name in DISCLOSURE if name in os.environ}
    return runs.each(
        functools.partial(brief, settings),
        tasks,
        label="briefs",
        name=lambda task: task.name,
        workers=min(workers or machine.processors(), len(tasks)),
        scheduler=scheduler,
    )


def brief(settings: Mapping[str, str], task: Task) -> dict[str, bytes]:
    """Run, check and render one brief.

    Parameters
    ----------
    settings : mapping
        Environment variables that decide what may be shown, as the caller has them.
    task : Task

    Returns
    -------
    dict
        Path below ``outputs/briefs`` to content: the page, the executed notebook, the page of its
        numbers, and the files of its tables.

    Raises
    ------
    BuildError
        As for any page.
    """
    page = Brief(
        stem=task.slug,
        title=f"{task.name}: record and respondents",
        question="What does the record hold about this force, and how do its respondents compare?",
        parameters=tuple(task.values),
        results=(task.slug, f"{task.slug}-survey"),
    )
    # The environment is the process's own, and a Dask worker may have several threads.
    place = Path(tempfile.gettempdir())
    with _ONE_AT_A_TIME, workspace.passing_folder(place, "ncpi-eval-brief-") as folder:
        before = dict(os.environ)
        for name in DISCLOSURE:
            os.environ.pop(name, None)
        os.environ |= FIXED | PLAIN | dict(settings)
        try:
            return _made(page, task, folder)
        finally:
            os.environ.clear()
            os.environ.update(before)


def _made(page: Brief, task: Task, stage: Path) -> dict[str, bytes]:
    import nbformat

    from ncpi_eval import execute, render

    site = Site(title=TITLE, pages=())
    with redirect_stdout(io.StringIO()):  # a line for each cell is too much for many briefs
        notebook = execute.run(page, dict(task.values), stage)
    opening = notebook.cells[0]
    opening.source = f"# {page.title}\n" + opening.source.partition("\n")[2]
    html = {page.stem: render.render_page(notebook, page, site, provenance_of(page, task))}
    for name in page.results:
        file = stage / "results" / f"{name}.csv"
        if file.read_bytes().count(b"\n") < 2:  # nothing but its header
            file.unlink()
            continue
        html[f"data-{name}"] = render.render_data_page(name, file, site)
    for name, text in html.items():
        _write(stage / "html" / f"{name}.html", text)
    _write(stage / "executed" / f"{page.stem}.ipynb", nbformat.writes(notebook) + "\n")
    return {
        path.relative_to(stage).as_posix(): path.read_bytes()
        for kind in KINDS
        for path in sorted((stage / kind).rglob("*"))
        if path.is_file()
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def provenance_of(page: Brief, task: Task) -> dict[str, Any]:
    """Everything that decided what a brief says."""
    import platform

    from ncpi_eval import provenance

    page = replace(page, inputs=INPUTS[task.data_kind])
    given = [str(task.values[name]) for name in ("survey", "forces") if task.values[name]]
    return {
        "notebook": provenance.sha256(page.notebook),
        "python": platform.python_version(),
        "lock": provenance.sha256(paths.ROOT / "requirements.lock"),
        "inputs": {
            provenance.without_machine(name): provenance.sha256(paths.ROOT / name)
            for name in sorted({*given, *build.input_files(page)})
        },
        "parameters": {
            name: provenance.without_machine(str(value)) for name, value in task.values.items()
        },
        "packages": provenance.packages(),
    }


# Publishing


def _settings(task: Task) -> str:
    """What two briefs must share to stand side by side: the world and the respondents."""
    files = [str(task.values[name]) for name in ("survey", "forces")]
    content = [Path(paths.ROOT / name).read_bytes() if name else b"" for name in files]
    words = [task.data_kind, str(task.values["wave"])]
    words += [hashlib.sha256(one).hexdigest() for one in content]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _kept(stage: Path, tasks: Sequence[Task]) -> dict[str, Any]:
    """Copy the published briefs of the same world and respondents into a new tree."""
    try:
        listed = json.loads((BRIEFS / MANIFEST).read_text(encoding="utf-8"))["briefs"]
    except (OSError, ValueError, KeyError):
        return {}
    kept = {
        slug: one
        for slug, one in listed.items()
        if one["settings"] == _settings(tasks[0]) and slug != tasks[0].slug
    }
    for one in kept.values():
        for name in one["files"]:
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(BRIEFS / name, stage / name)
    return kept


def publish(stage: Path, made: Mapping[str, Any], parameters: Mapping[str, Value]) -> None:
    """Add the list of briefs, look at everything afresh, swap the link to what was there before.

    Raises
    ------
    BuildError
        The scanner found what must not be published; what was there before stays.
    """
    from ncpi_eval import publish as report
    from ncpi_eval import release, scanner

    _write(stage / "index.html", index(made))
    record = {"parameters": dict(parameters), "briefs": made}
    text = json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    _write(stage / MANIFEST, text)
    _write(stage / release.NAME, release.table(stage))
    scanner.refuse(stage)  # which finds the respondents through the manifest
    number = 1 + max((int(p.name) for p in PUBLISHED.glob("*") if p.name.isdigit()), default=0)
    folder = PUBLISHED / str(number)
    stage.rename(folder)
    report.link(BRIEFS, f".briefs/{folder.name}")
    for path in PUBLISHED.glob("*"):
        if path != folder:
            shutil.rmtree(path, ignore_errors=True)


def index(made: Mapping[str, Any]) -> str:
    """The page that lists the briefs by name; it ranks nothing."""
    from ncpi_eval import render

    lines = [
        f'<li><a href="html/{escape(slug)}.html">{escape(one["name"])}</a></li>'
        for slug, one in sorted(made.items(), key=lambda item: item[1]["name"].casefold())
    ]
    synthetic = any(one["data_kind"] == "synthetic" for one in made.values())
    body = (
        "<p>Each page holds what the record says about one force. Forces are listed by name; "
        "nothing here ranks them.</p>\n"
        f'<h2 id="forces">Forces</h2>\n<ul>\n{chr(10).join(lines)}\n</ul>'
    )
    return render.layout(
        Site(title=TITLE, pages=()),
        title=TITLE,
        lead="What does the record hold about each force?",
        body=body,
        contents=render.contents_of(body),
        home="",
        synthetic=render.BANNER if synthetic else "",
    )


if __name__ == "__main__":
    # Under its own name, so that workers elsewhere can import what is sent to them.
    from ncpi_eval import briefs

    sys.exit(briefs.main(sys.argv[1:]))
