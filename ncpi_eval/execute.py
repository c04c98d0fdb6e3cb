"""Run one notebook and put its page into the build tree, or stop and say where.

Everything goes through papermill, and everything papermill lets pass in silence is refused here: a
parameter that the notebook does not have, a notebook that stopped half-way with `sys.exit`, a shell
command, an output in error. What a page writes is staged, and moved into the tree only when the
whole page is good.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncpi_eval import inert, notebook_prose, paths, provenance
from ncpi_eval.declarations import Page, Site, Value
from ncpi_eval.errors import BuildError
from ncpi_eval.workspace import (
    KINDS,
    STAGE,
    STAMPS,
    TREE,
    owned,
    read_stamp,
    stamp,
    write_if_changed,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from ncpi_eval import kernels

# Names of our refusals, which is all that a kernel tells.
OWN_ERRORS = (
    "NcpiError",
    "InputError",
    "Damaged",
    "SurveyRefused",
    "DesignError",
    "BuildError",
    "Failed",
    "Lost",
)
SHELL = re.compile(
    r"get_ipython\(\)\.(system|getoutput)\(|"
    r"run_(cell|line)_magic\('(bash|sh|script|system|sx|!|!!|perl|ruby|pypy|python2?3?)'"
)
# Without one of these a cell is plain Python.
MAGIC = re.compile(r"[!%?]|get_ipython")
_UNSEEN = "withheld, because it did not pass disclosure control"
START_SECONDS = 120
LONGEST_MESSAGE = 1500


def page(site: Site, stem: str, lent: kernels.Forked | None = None) -> None:
    """Execute, check, render and install one page.

    Parameters
    ----------
    site : Site
        The declared report.
    stem : str
        The page.
    lent : Forked, optional
        A kernel that waits, for this page alone.

    Raises
    ------
    BuildError
        With the notebook, the cell and the error in a few lines. What the page wrote so far is
        discarded, and its stamp is gone, so the next build runs it again.
    """
    declared = site.page(stem)
    started = time.perf_counter()
    (STAMPS / "pages" / stem).unlink(missing_ok=True)
    stage = STAGE / stem
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    marker = stage.with_suffix(".started")
    marker.write_bytes(b"")
    try:
        values = {name: read_stamp(f"parameters/{name}")["value"] for name in declared.parameters}
        notebook = run(declared, values, stage, lent)
        _check_results(declared, stage)
        render_into(stage, site, declared, notebook)
        install(stem, stage, marker.stat().st_mtime_ns)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        marker.unlink(missing_ok=True)
    print(f"{stem}: done in {time.perf_counter() - started:.1f} s", flush=True)


# Before the kernel starts


def read_notebook(declared: Page) -> NotebookNode:
    """Load a notebook and refuse what would fail in silence."""
    import nbformat

    try:
        notebook = nbformat.read(declared.notebook, as_version=4)
    except Exception as error:  # nbformat raises whatever its JSON and schema libraries raise
        raise BuildError(f"notebooks/{declared.stem}.ipynb is not a notebook: {error}") from error
    problems = parameter_problems(notebook, declared) + shell_problems(notebook)
    problems += notebook_prose.problems(notebook.cells, declared.stem)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise BuildError(f"{declared.stem} was not started:\n{lines}")
    return notebook


def parameter_problems(notebook: NotebookNode, declared: Page) -> list[str]:
    """What papermill would let pass: parameters that the notebook does not have, or more."""
    cells = parameter_cells(notebook)
    if not declared.parameters:
        return ["it has a parameters cell, but declares no parameters"] if cells else []
    if len(cells) != 1:
        return [f"it has {len(cells)} cells tagged `parameters`; expected exactly one"]
    found = defaults_of(cells[0].source)
    missing = [name for name in declared.parameters if name not in found]
    extra = [name for name in found if name not in declared.parameters]
    return [
        *(f"its parameters cell does not set {name}" for name in missing),
        *(f"its parameters cell sets {name}, which report.toml does not declare" for name in extra),
    ]


def parameter_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Code cells with papermill's tag."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])
    ]


def defaults_of(source: str) -> dict[str, Value | None]:
    """Names set in a parameters cell with their literal values; None where it is no literal."""
    found: dict[str, Value | None] = {}
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return {}
    for node in body:
        if isinstance(node, ast.Assign):
            targets: list[ast.expr] = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and node.value is not None:
                try:
                    found[target.id] = ast.literal_eval(node.value)
                except ValueError:
                    found[target.id] = None
    return found


def shell_problems(notebook: NotebookNode) -> list[str]:
    """Cells that run a shell command: its failure would not stop the notebook."""
    from IPython.core.inputtransformer2 import TransformerManager

    problems = []
    for number, cell in code_cells(notebook):
        if not MAGIC.search(cell.source):
            continue
        try:
            plain = TransformerManager().transform_cell(cell.source)
        except SyntaxError:
            continue
        if SHELL.search(plain):
            problems.append(f"code cell {number} runs a shell command; use Python instead")
    return problems


def code_cells(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """Code cells that are not blank, numbered from 1 as the reader counts them."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    return list(enumerate(cells, start=1))


# The run


def run(
    declared: Page, values: dict[str, Value], stage: Path, lent: kernels.Forked | None = None
) -> NotebookNode:
    """Execute a notebook with its parameters; give it back complete and normalised."""
    source = read_notebook(declared)
    known = {cell.get("id") for cell in source.cells}
    with scratch(declared, stage), kernel(lent) as forked:
        notebook = _run_through_papermill(declared, values, forked)
    _check_complete(declared, notebook)
    return normalise(without_prints(notebook, declared), known)


@contextmanager
def scratch(declared: Page, stage: Path) -> Iterator[None]:
    """Give the kernel its folders: what it reads, what it may write, and a place to talk.

    Nobody's own IPython or Jupyter settings reach a page. The scratch folder is in the stage, so
    that the next build finds it when this one was killed.
    """
    folder = stage / "scratch"
    folder.mkdir()
    before = dict(os.environ)
    os.environ |= {
        "NCPI_EVAL_READ": str(TREE),
        "NCPI_EVAL_WRITE": str(stage),
        "NCPI_EVAL_PAGE": declared.stem,
        "IPYTHONDIR": f"{folder}/ipython",
        "JUPYTER_CONFIG_DIR": f"{folder}/config",
        "JUPYTER_RUNTIME_DIR": f"{folder}/run",
        "TMPDIR": str(folder),
    }
    tempfile.tempdir = None  # it is looked up once, from TMPDIR
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        tempfile.tempdir = None
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kernel(lent: kernels.Forked | None) -> Iterator[kernels.Forked | None]:
    """The kernel lent or one forked here, gone in the end; None with ``KERNEL=plain``."""
    if os.environ.get("NCPI_EVAL_KERNEL") == "plain":
        yield None
        return
    from ncpi_eval import kernels

    forked = lent or kernels.fork()
    try:
        yield forked
    finally:
        forked.discard()


def _run_through_papermill(
    declared: Page, values: dict[str, Value], forked: kernels.Forked | None
) -> NotebookNode:
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook
    from papermill.engines import papermill_engines

    from ncpi_eval import engine

    papermill_engines.register("ncpi_eval", engine.Engine)
    progress = engine.Progress(declared.stem)
    try:
        return execute_notebook(
            declared.notebook,
            None,  # saved once, with the page, when everything is good
            parameters=values,
            engine_name="ncpi_eval",
            kernel_name="python3",
            progress_bar=False,
            cwd=paths.ROOT,
            start_timeout=START_SECONDS,
            execution_timeout=declared.seconds_per_cell,
            progress=progress,
            forked=forked,
        )
    except PapermillExecutionError as error:
        raise stopped(progress, _said(error.ename, error.evalue, error.traceback)) from error
    except CellTimeoutError as error:
        limit = f"the cell ran longer than {declared.seconds_per_cell} seconds"
        raise stopped(progress, f"{limit} (seconds_per_cell in report.toml)") from error
    except (DeadKernelError, NoSuchKernel, RuntimeError) as error:
        raise stopped(progress, _death(forked)) from error


def _death(forked: kernels.Forked | None) -> str:
    """How a kernel ended, as far as can be said."""
    code = forked.poll() if forked else None
    if code is None:
        return "the kernel died (out of memory, or the cell ended it)"
    if code < 0:
        name = signal.Signals(-code).name
        return f"the kernel died of {name} (no memory, another process or a crash)"
    return f"the kernel died (the cell ended it with exit code {code})"


def stopped(progress: Any, what: str) -> BuildError:
    """The few lines that a failing notebook is told in."""
    first = progress.source.strip().splitlines() or [""]
    return BuildError(
        f"{progress.stem} stopped at code cell {progress.number} of {progress.total}"
        f" ({first[0][:70]}):\n" + "\n".join(f"  {line}" for line in what.splitlines())
    )


def _said(name: str, message: str, traceback: list[str]) -> str:
    """An error in a few lines: our own refusals as they are, others with the place."""
    message = message.strip()
    if name in OWN_ERRORS:
        return message
    message = message[:LONGEST_MESSAGE]
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
    in_cell = re.findall(r"^Cell In\[\d+\], line (\d+)", plain, flags=re.M)
    in_package = re.findall(r"^File \S*?/(ncpi_eval/\S+?):(\d+)", plain, flags=re.M)
    lines = [f"{name}: {message}"]
    lines += [f"in line {number} of the cell" for number in in_cell[-1:]]
    lines += [f"in {file}:{number}" for file, number in in_package[-1:]]
    return "\n".join(lines)


def _check_complete(declared: Page, notebook: NotebookNode) -> None:
    """Every cell ran and none ended in error, whatever papermill's verdict was."""
    cells = code_cells(notebook)
    for number, cell in cells:
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if cell.execution_count is None or errors:
            what = f"{errors[0].ename}: {errors[0].evalue}" if errors else "the cell was not run"
            if errors and errors[0].ename == "SystemExit":
                what = "the notebook ended itself (SystemExit) before its last cell"
            where = f"code cell {number} of {len(cells)}"
            first = cell.source.strip().splitlines()[0][:70]
            raise BuildError(f"{declared.stem} stopped at {where} ({first}):\n  {what}")


# After the run


def without_prints(notebook: NotebookNode, declared: Page) -> NotebookNode:
    """Take out what a page on protected people shows other than through the three seams.

    A warning or a printed frame may hold answers, and nothing has looked at them: what was printed
    is replaced by how many lines there were. Pages on invented or published data keep theirs.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; changed in place and returned.
    declared : Page
        A page that takes a survey and says of no number what kind of data it is from counts as one
        on protected people.
    """
    from ncpi_eval import disclosure  # late: with pandas, which this process needs anyway

    outputs = [output for _, cell in code_cells(notebook) for output in cell.outputs]
    shown = [output.get("metadata", {}).get("ncpi_eval", {}) for output in outputs]
    kinds = {kind for metadata in shown for kind in metadata.get("data_kind", [])}
    takes_survey = any(name.startswith("survey") for name in declared.parameters)
    if not (any(map(disclosure.protects, kinds)) or (takes_survey and not kinds)):
        return notebook
    for output, metadata in zip(outputs, shown, strict=True):
        if output.output_type == "stream":
            lines = len(str(output.text).splitlines())
            output["text"] = f"[{lines} lines on {output.name}: {_UNSEEN}]\n"
        elif output.output_type != "error" and not metadata:
            output["data"] = type(output.data)({"text/plain": f"[output: {_UNSEEN}]"})
    return notebook


def normalise(notebook: NotebookNode, known: set[str | None]) -> NotebookNode:
    """Take out what differs from run to run: times, durations, ids, paths, order of streams.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; changed in place and returned.
    known : set
        Cell ids of the source notebook; cells that were added get an id from their place.
    """
    notebook.metadata.pop("papermill", None)
    for place, cell in enumerate(notebook.cells):
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.get("id") not in known:
            cell["id"] = f"cell-{place}"
        if cell.cell_type == "code":
            cell.outputs = [_same_everywhere(output) for output in _joined(cell.outputs)]
    return notebook


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Neighbouring streams as one per name, standard output first: their chunks vary."""
    joined: list[NotebookNode] = []
    for output in outputs:
        tail = joined[-2:] if output.output_type == "stream" else []
        streams = [
            other
            for number, other in enumerate(tail)
            if all(later.output_type == "stream" for later in tail[number:])
        ]
        same = [other for other in streams if other.name == output.get("name")]
        if same:
            same[0]["text"] += output["text"]
        elif streams and output.name == "stdout":
            joined.insert(len(joined) - len(streams), output)
        else:
            joined.append(output)
    return joined


def _same_everywhere(value: Any) -> Any:
    """Replace paths of this machine, addresses in memory and what cannot be seen, in all texts."""
    if isinstance(value, dict):
        for key in value:
            if key not in ("image/png", "image/jpeg", "application/pdf"):
                value[key] = _same_everywhere(value[key])
        return value
    if isinstance(value, list):
        return [_same_everywhere(part) for part in value]
    if not isinstance(value, str):
        return value
    text = value.replace(f"{paths.ROOT}/", "").replace(str(paths.ROOT), ".")
    # from the start of a word only: a megabyte without a blank would be looked at for ever
    text = re.sub(r"(?<!\S)\S*/ipykernel_\d+/\d+\.py", "<cell>", inert.marked(text))
    return re.sub(r"\bat 0x[0-9a-fA-F]+", "at 0x…", text)


def _check_results(declared: Page, stage: Path) -> None:
    """A page writes the results it declares, all of them and no others."""
    written = {path.stem for path in (stage / "results").glob("*.csv")}
    missing = sorted(set(declared.results) - written)
    extra = sorted(written - set(declared.results))
    if missing or extra:
        lines = [f"  it declares results.{name} but did not save it" for name in missing]
        lines += [
            f"  it saved results {name}, which report.toml does not declare" for name in extra
        ]
        raise BuildError("\n".join([f"{declared.stem} ran, but:", *lines]))


def render_into(stage: Path, site: Site, declared: Page, notebook: NotebookNode) -> None:
    """Write the executed notebook, its page, and one page per result, into the stage."""
    import nbformat

    from ncpi_eval import render

    for kind in KINDS:
        (stage / kind).mkdir(exist_ok=True)
    executed = nbformat.writes(notebook) + "\n"
    (stage / "executed" / f"{declared.stem}.ipynb").write_text(executed, encoding="utf-8")
    record = provenance.of_page(site, declared, stage / "results")
    html = render.render_page(notebook, declared, site, record)
    (stage / "html" / f"{declared.stem}.html").write_text(html, encoding="utf-8", newline="\n")
    for name in declared.results:
        html = render.render_data_page(name, stage / "results" / f"{name}.csv", site)
        (stage / "html" / f"data-{name}.html").write_text(html, encoding="utf-8", newline="\n")


def install(stem: str, stage: Path, started: int) -> None:
    """Move a finished page into the build tree and stamp it.

    Parameters
    ----------
    stem : str
        The page.
    stage : Path
        Where it was written.
    started : int
        Time in nanoseconds that the stamp gets: that of the start, so that what was changed while
        the page was running makes it stale.

    Raises
    ------
    BuildError
        Another page has already written a file of the same name.
    """
    names = sorted(
        path.relative_to(stage).as_posix()
        for kind in KINDS
        for path in (stage / kind).rglob("*")
        if path.is_file()
    )
    for other in sorted((STAMPS / "pages").glob("*")):
        shared = sorted(set(names) & set(owned(other.name)))
        if other.name != stem and shared:
            raise BuildError(f"{stem} wrote {shared[0]}, but so did {other.name}: rename one.")
    earlier = owned(stem)
    stamp(f"files/{stem}", sorted({*earlier, *names}))
    for name in names:
        write_if_changed(TREE / name, (stage / name).read_bytes())
    for name in sorted(set(earlier) - set(names)):
        (TREE / name).unlink(missing_ok=True)
    stamp(f"files/{stem}", names)
    done = STAMPS / "pages" / stem
    done.parent.mkdir(exist_ok=True)
    partial = STAMPS / f"{stem}.partial"
    partial.write_bytes(b"")
    os.utime(partial, ns=(started, started))
    partial.replace(done)
