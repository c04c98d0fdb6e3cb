"""Re-build, check and carry forward the evaluation of the National Child Protection Inspections.

A notebook needs six names: ``sources`` to read, ``results`` to keep and pick rows, ``say``,
``tables`` and ``figures`` to show them, and the modules of ``survey`` to ask.
"""

from typing import Any

__all__ = ["say"]


def __getattr__(name: str) -> Any:
    # Late, so that the build and the command line can import the package without pandas.
    if name == "say":
        from ncpi_eval.prose import say

        return say
    raise AttributeError(f"module 'ncpi_eval' has no attribute {name!r}")
