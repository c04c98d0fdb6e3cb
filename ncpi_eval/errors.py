"""Errors that tell the reader where, what was expected, what was found and what to do.

Every refusal in the package is an `NcpiError`, so that the build, the command line and a notebook
can show the same few lines and nothing of the machinery behind them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input.

    Parameters
    ----------
    place : str
        File, row and column, as the reader would look for it; rows are counted from 1 for the
        first line after the header.
    found, expected, remedy : str
        What stands there, what may stand there, and what to do about it.
    """

    place: str
    found: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        return (
            f"{self.place}: found {self.found}; expected {self.expected}. What to do: {self.remedy}"
        )


class NcpiError(Exception):
    """Base of every refusal; carries all problems at once.

    Parameters
    ----------
    message : str
        One sentence that says what was refused.
    problems : iterable of Problem
        Everything that was found wrong, in reading order; may be empty.
    """

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        self.message = message
        self.problems = tuple(problems)
        super().__init__(message)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  - {problem}" for problem in self.problems)])


class InputError(NcpiError):
    """A file, parameter or table that people supplied cannot be used as it is."""


class DesignError(NcpiError):
    """An analysis that must not be run on this data, refused before anything is fitted."""


class BuildError(NcpiError):
    """The report cannot be built; nothing that was published has been changed."""
