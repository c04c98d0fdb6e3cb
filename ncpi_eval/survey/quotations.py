"""Command for readers: ``python -m ncpi_eval.survey.quotations FILE --survey SURVEY``.

Writes the redacted examples that need a reader into a file of the reader's choice, each with the
hash by which data/release/quotations.csv names it. The file holds answers: it belongs where the
survey is kept, never among the outputs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from ncpi_eval import paths, sources
from ncpi_eval.errors import InputError, NcpiError, Problem
from ncpi_eval.survey import open_text, themes

# More to choose from than a page shows.
EACH = 6
COLUMNS = [
    "sha256",
    "decision",
    "by",
    "date",
    "reason",
    "question",
    "theme",
    "described",
    "example",
]


def to_read(survey: sources.Survey, decisions: dict[str, str]) -> pd.DataFrame:
    """Redacted examples on which nobody has decided, with empty columns for the decision.

    Only those whose description fits three forces or more: the others cannot be shown anyway.
    """
    dictionary = open_text.themes(sources.read_themes())
    found = themes.candidates(survey, dictionary, decisions, EACH)
    found = found[found["needs_reading"] & ~found["suppressed"]]
    frame = pd.DataFrame(
        {
            "sha256": found["example"].map(open_text.digest),
            "question": found["question"],
            "theme": found["response"],
            "described": found["subgroup"],
            "example": found["example"],
        }
    )
    return frame.drop_duplicates("sha256").reindex(columns=COLUMNS).reset_index(drop=True)


def main(arguments: list[str] | None = None) -> int:
    """Write the file; 1 if it cannot be written."""
    parser = argparse.ArgumentParser(prog="ncpi_eval.survey.quotations", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--survey", required=True)
    parser.add_argument("--forces")
    parser.add_argument("--wave", default="2019")
    given = parser.parse_args(arguments)
    try:
        if given.file.resolve().is_relative_to(paths.ROOT):
            remedy = "Write it where the survey is kept."
            problem = Problem(str(given.file), "a file of the repository", "one outside", remedy)
            raise InputError("Answers that nobody has read stay out of the repository.", [problem])
        survey = sources.read_survey(given.survey, given.forces, given.wave)
        frame = to_read(survey, sources.read_quotations())
        frame.to_csv(given.file, index=False, lineterminator="\n")
    except (NcpiError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(frame)} examples to read.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
