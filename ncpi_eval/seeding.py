"""Give each page its own random numbers, whatever was built before it or beside it.

Pages have generators with declared seeds; this is for what a library draws of its own accord.
Imported by every kernel, so standard library only.
"""

from __future__ import annotations

import random
import sys
import zlib
from typing import Any


def exec_line(page: str) -> str:
    """The line of Python with which a kernel begins a page."""
    return f"__import__('ncpi_eval.seeding').seeding.before_first_cell(get_ipython(), {page!r})"


def before_first_cell(shell: Any, page: str) -> None:
    """Seed when the first cell runs: until then the kernel itself draws, how often depends."""
    seed = zlib.crc32(page.encode())

    def reseed(_info: object) -> None:
        shell.events.unregister("pre_run_cell", reseed)
        random.seed(seed)
        __import__("numpy")
        sys.modules["numpy"].random.seed(seed)

    shell.events.register("pre_run_cell", reseed)
