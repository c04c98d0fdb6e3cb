"""Small surveys for tests: a handful of respondents that a reader can follow."""

from __future__ import annotations

import pandas as pd

from ncpi_eval import questionnaire
from ncpi_eval.questionnaire import Questionnaire

BOOK = questionnaire.load()

#: Force 101 was inspected before 2017, 102 from 2017, 103 never; 104 was in fieldwork when the
#: survey opened, like Gwent.
FORCES = pd.DataFrame(
    {
        "force": pd.array([101, 102, 103, 104], dtype="Int16"),
        "name": ["Alder", "Birch", "Cedar", "Dogwood"],
        "first_inspection": ["2015-06", "2018-03-12", None, "2019-02-04"],
        "joint_inspection": ["2016-05", None, "2017-11", None],
        "data_kind": ["synthetic"] * 4,
    }
)


def respondents(
    number: int = 20,
    book: Questionnaire = BOOK,
    force_codes: tuple[int, ...] = (101, 102, 103, 104, 44),
    data_kind: str = "synthetic",
) -> pd.DataFrame:
    """A survey frame in which options follow one another down the rows and routing is kept.

    Every seventh cell of a closed question is unanswered, with a start that moves by question.
    """
    frame = pd.DataFrame({"serial": [f"s{row:03d}" for row in range(1, number + 1)]})
    frame["serial"] = frame["serial"].astype("str")
    for order, variable in enumerate(book.variables.values()):
        name = variable.name
        if variable.kind == "single":
            codes = list(force_codes) if name == "RForc" else list(variable.options)
            cells = [
                pd.NA if (row + order) % 7 == 6 else codes[(row + order) % len(codes)]
                for row in range(number)
            ]
            frame[name] = pd.array(cells, dtype="Int16")
        elif variable.kind in ("open", "other_text"):
            texts = [f"{name}, “text”\nof row {row}" if row % 3 else None for row in range(number)]
            frame[name] = pd.Series(texts, dtype="str")
        elif name == "data_kind" and data_kind:
            frame[name] = pd.Series([data_kind] * number, dtype="str")
    for variable in book.variables.values():
        if variable.routing is not None:
            frame[variable.name] = frame[variable.name].mask(~book.asked(variable.name, frame))
        if variable.parent and variable.kind == "single":
            # The code says why there is no text, so it stands only where there is none.
            frame[variable.name] = frame[variable.name].mask(frame[variable.parent].notna())
    return frame[[name for name in book.file_columns() if name in frame]]
