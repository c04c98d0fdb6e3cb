"""The papermill engine: one kernel of this very Python, and a line of progress per cell."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager
from traitlets import CaselessStrEnum, default

from ncpi_eval import kernels, seeding


class KernelManager(AsyncKernelManager):
    """Starts this Python's ipykernel, whatever kernels the user has installed elsewhere.

    It talks through files in the page's own scratch folder, not through ports that other users of
    the machine could listen to and that two kernels could take at once. The files are named from
    the working directory: the name of a socket may be hundred characters long, a folder's more.
    """

    transport = CaselessStrEnum(["tcp", "ipc"], default_value="ipc")
    forked: kernels.Forked | None = None

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        kind = kernels.Provisioner if self.forked else LocalProvisioner
        # Given at once: jupyter_client would look through the metadata of every package for it.
        self.provisioner = kind(kernel_id="page", kernel_spec=self.kernel_spec, parent=self)
        if isinstance(self.provisioner, kernels.Provisioner):
            self.provisioner.forked = self.forked

    @default("ip")
    def _in_scratch(self) -> str:
        folder = Path(os.environ["JUPYTER_RUNTIME_DIR"])
        folder.mkdir(exist_ok=True)
        return os.path.relpath(folder / "k")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The command that starts a kernel."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        line = seeding.exec_line(os.environ.get("NCPI_EVAL_PAGE", ""))
        command.append(f"--IPKernelApp.exec_lines={line}")
        command.append("--HistoryManager.enabled=False")  # nobody asks for it
        return KernelSpec(argv=command, display_name="Python 3", language="python")


class Progress:
    """Where a run is: the cell, its number among those with code, and the time it took."""

    def __init__(self, stem: str) -> None:
        self.stem = stem
        self.total = 0
        self.number = 0
        self.source = ""
        self._began = 0.0

    def count(self, notebook: NotebookNode) -> None:
        """Learn how many cells there are, injected ones included."""
        self.total = sum(_runs(cell) for cell in notebook.cells)

    def start(self, cell: NotebookNode) -> None:
        """A cell starts."""
        if _runs(cell):
            self.number += 1
            self.source = cell.source
            self._began = time.perf_counter()

    def complete(self, cell: NotebookNode) -> None:
        """A cell has ended, well or not."""
        if _runs(cell):
            seconds = time.perf_counter() - self._began
            print(f"{self.stem}: cell {self.number} of {self.total}, {seconds:.1f} s", flush=True)


def _runs(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())


class Manager(NotebookExecutionManager):
    """papermill's record of a run, which tells the progress."""

    def __init__(self, nb: NotebookNode, progress: Progress) -> None:
        super().__init__(nb, output_path=None, progress_bar=False, autosave_cell_every=0)
        self.progress = progress
        progress.count(nb)

    def cell_start(self, cell: NotebookNode, cell_index: int | None = None, **kwargs: Any) -> None:
        super().cell_start(cell, cell_index, **kwargs)
        self.progress.start(cell)

    def cell_complete(
        self, cell: NotebookNode, cell_index: int | None = None, **kwargs: Any
    ) -> None:
        super().cell_complete(cell, cell_index, **kwargs)
        self.progress.complete(cell)


class Engine(NBClientEngine):
    """Executes with our kernel, without a save per cell, and lets the kernel go at once."""

    @classmethod
    def execute_notebook(  # type: ignore[override]
        cls,
        nb: NotebookNode,
        kernel_name: str,
        progress: Progress,
        forked: kernels.Forked | None = None,
        output_path: str | None = None,
        progress_bar: bool = False,
        **kwargs: Any,
    ) -> NotebookNode:
        """Run a notebook; papermill calls this."""
        manager = Manager(nb, progress)
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(
                manager,
                kernel_name,
                kernel_manager_class=type("Manager", (KernelManager,), {"forked": forked}),
                shutdown_kernel="immediate",
                **kwargs,
            )
        finally:
            manager.notebook_complete()
        return manager.nb
