"""Ask ACRO 1.0.2 about the tables of tables.csv and keep its answers in answers.csv.

Needs an environment of its own, because ACRO needs pandas 2:

    python -m venv acro && acro/bin/pip install "pandas<2.4" acro==1.0.2
    acro/bin/python tests/reference/acro/make_answers.py
"""

from __future__ import annotations

import logging
import warnings
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from acro import ACRO

HERE = Path(__file__).resolve().parent


def people(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each person that a table counts."""
    return table.loc[table.index.repeat(table["count"]), ["response", "area"]]


def main() -> None:
    """Cells and margins of every table, as ACRO would release them."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    tables = pd.read_csv(HERE / "tables.csv", dtype={"response": str})
    rows = []
    for name, table in tables.groupby("table", sort=False):
        session = ACRO(suppress=True)
        frame = people(table)
        shown = session.crosstab(frame["response"], frame["area"], margins=True)
        for response, cells in shown.iterrows():
            for area, count in cells.items():
                rows.append((name, response, area, "" if pd.isna(count) else int(count)))
    answers = pd.DataFrame(rows, columns=["table", "response", "area", "count"])
    answers.to_csv(HERE / "answers.csv", index=False, lineterminator="\n")
    threshold = session.config["safe_threshold"]
    print(f"acro {version('acro')}, pandas {pd.__version__}, safe_threshold {threshold}")


if __name__ == "__main__":
    main()
