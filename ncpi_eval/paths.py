"""Where things are: people write `data/`, code writes `outputs/`.

A build redirects reading and writing of outputs to its own tree through two environment
variables, so that a notebook that fails half-way leaves nothing among the published files.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def data(*parts: str) -> Path:
    """Path below the folder that people write."""
    return ROOT.joinpath("data", *parts)


def outputs_read(*parts: str) -> Path:
    """Path below the outputs that are complete; set by ``NCPI_EVAL_READ`` during a build."""
    return Path(os.environ.get("NCPI_EVAL_READ", ROOT / "outputs" / "current")).joinpath(*parts)


def outputs_write(*parts: str) -> Path:
    """Path below the folder that may be written; set by ``NCPI_EVAL_WRITE`` during a build."""
    return Path(os.environ.get("NCPI_EVAL_WRITE", ROOT / "outputs")).joinpath(*parts)
