"""Send coding out and take it back: ``make coding-sheets`` and what a person calls afterwards.

    make coding-sheets CODERS="Ann Ben" DOCUMENTS=folder      writes outputs/coding
    python -m ncpi_eval.coding_sheets project FOLDER           the round as .qdpx and .qdc
    python -m ncpi_eval.coding_sheets take FOLDER FILE.qdpx    codes of a project into the sheets
    python -m ncpi_eval.coding_sheets lock FOLDER --by NAME --on DAY

`data/coding/README.md` tells a round from beginning to end. Nothing here enters the report: page
08b reads a folder that is named in ``make report CODING=folder``.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ncpi_eval import build, declarations, layouts, paths
from ncpi_eval.declarations import Parameter
from ncpi_eval.errors import InputError, NcpiError, Problem
from ncpi_eval.evidence import coding_project, coding_round

SENT = paths.ROOT / "outputs" / "coding"
OWN = (
    Parameter("coders", "text", "", help='Names of the coders, as CODERS="Ann Ben".'),
    Parameter("scheme", "text", "inspection", help="Scheme of data/coding/coding_frame.csv."),
)


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "sheets":
            print(send(declarations.read_call(os.environ.get("NCPI_EVAL_CALL", ""))))
        elif asked.command == "project":
            print(project(asked.folder))
        elif asked.command == "take":
            print(take(asked.folder, asked.file))
        else:
            frame = coding_round.read_frame()
            count = coding_round.lock(asked.folder.resolve(), frame, by=asked.by, on=asked.on)
            print(f"{count} codes are locked in {asked.folder / coding_round.LOCKED}")
    except NcpiError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ncpi_eval.coding_sheets")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sheets", help="called by make coding-sheets")
    for name, words in (
        ("project", "write the round as coding.qdpx, and the frame as codebook.qdc"),
        ("take", "write the codes of a .qdpx project into the sheets of their coders"),
        ("lock", "lock every code of a round without open conflict"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("folder", type=Path, help="folder of the round")
        if name == "take":
            command.add_argument("file", type=Path, help="a .qdpx project")
        if name == "lock":
            command.add_argument("--by", required=True, help="who locks")
            command.add_argument("--on", required=True, help="day, like 2026-03-31")
    return parser


def send(call: Mapping[str, str]) -> str:
    """Read the documents and write the folder of a new round; returns what to say.

    Raises
    ------
    InputError
        Without coders, for an unknown scheme, without extracts, and where outputs/coding exists:
        somebody may have coded in it.
    """
    site = declarations.read()
    mine = replace(site, parameters=(*OWN, site.parameter("documents")))
    values = declarations.settle(mine, dict(call), build.called_from(), "make coding-sheets")
    if SENT.exists():
        remedy = "Move it to where your coding lives, or delete it."
        problem = Problem("outputs/coding", "a round of coding", "nothing", remedy)
        raise InputError("No sheets were written.", [problem])
    if not str(values["coders"]).split():
        problem = Problem("CODERS", "nothing", "a name or more", 'type CODERS="Ann Ben"')
        raise InputError("Who codes?", [problem])

    from ncpi_eval.evidence import extract

    read = extract.tables(paths.ROOT / str(values["documents"]))
    extracts = coding_round.extracts_of(
        read["document_facts"],
        read["recommendations"],
        read["document_findings"],
        layouts.CRITERIA,
    )
    stage = SENT.with_name(f".coding.{os.getpid()}")
    try:
        coding_round.write(
            stage,
            extracts,
            coding_round.read_frame(),
            scheme=str(values["scheme"]),
            coders=str(values["coders"]).split(),
            sent_on=datetime.date.today().isoformat(),
        )
        coding_project.write(stage, name="Coding")
        stage.rename(SENT)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return (
        f"{len(extracts)} extracts are in outputs/coding: a sheet for each coder, and coding.qdpx "
        "for those who use other programs. Move the folder; data/coding/README.md says how it "
        "comes back."
    )


def project(folder: Path) -> str:
    """Write ``coding.qdpx`` and ``codebook.qdc`` into the folder of a round."""
    count = coding_project.write(folder.resolve(), name=folder.resolve().name)
    return f"{count} codings are in {folder / coding_project.PROJECT}"


def take(folder: Path, file: Path) -> str:
    """Fill the sheets of a round from a project; see `coding_project.take`."""
    counts, notes = coding_project.take(folder.resolve(), file)
    lines = [f"{coder}: {count} codes taken over" for coder, count in counts.items()]
    return "\n".join([*lines, *(f"Not taken over: {note}" for note in notes)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
