"""Write `data/synthetic/`: ``python -m ncpi_eval.synthesis``.

Without options the committed files come out byte for byte. With ``--rows`` a larger or smaller file
of respondents goes to another folder, for benchmarks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ncpi_eval import paths
from ncpi_eval.errors import NcpiError
from ncpi_eval.synthesis import profile, record, synthesise
from ncpi_eval.synthesis.respondents import INTRA_FORCE_CORRELATION, SEED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    asked = _parser().parse_args(arguments)
    if asked.rows != profile.RESPONDENTS and asked.to == paths.data("synthetic"):
        print("--rows needs --to FOLDER: data/synthetic holds 856 respondents.", file=sys.stderr)
        return 2
    try:
        made = synthesise(
            _read("figures.csv"),
            _read("readings.csv"),
            rows=asked.rows,
            icc=asked.icc,
            seed=asked.seed,
        )
    except NcpiError as error:
        print(error, file=sys.stderr)
        return 1
    asked.to.mkdir(parents=True, exist_ok=True)
    write(made.responses, asked.to / "responses.csv")
    write(made.forces, asked.to / "forces.csv")
    write(made.themes, asked.to / "open_text_themes.csv")
    (asked.to / "inspections").mkdir(exist_ok=True)
    for name, table in record.build(made.forces).items():
        write(table, asked.to / "inspections" / f"{name}.csv")
    print(f"{len(made.responses)} respondents and {len(made.forces)} forces in {asked.to}")
    return 0


def write(frame: pd.DataFrame, path: Path) -> None:
    """A CSV file that is the same on every machine; a missing answer is an empty field."""
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(paths.data("published", name), dtype=str, keep_default_na=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ncpi_eval.synthesis", description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=profile.RESPONDENTS, help="respondents, default 856"
    )
    parser.add_argument(
        "--icc", type=float, default=INTRA_FORCE_CORRELATION, help="intra-force correlation"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--to", type=Path, default=paths.data("synthetic"), help="folder to write to"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
