"""Synthetic stand-ins for data that was never published.

`synthesise` makes respondents that give back every printed percentage of the report. A match
between them and the report shows that definitions and code are right; it confirms nothing about the
police.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Synthetic:
    """What `synthesise` makes.

    Attributes
    ----------
    responses : DataFrame
        Columns of the questionnaire in its order; codes as nullable integers, words as text.
    forces : DataFrame
        ``force, name, first_inspection, joint_inspection, data_kind``.
    themes : DataFrame
        ``serial, question, theme, trap``: what the answers in words are truly about.
    notes : dict
        By question, how far inside the rounding edges the printed percentages were met.
    """

    responses: pd.DataFrame
    forces: pd.DataFrame
    themes: pd.DataFrame
    notes: dict[str, object]


def synthesise(
    figures: pd.DataFrame, readings: pd.DataFrame | None = None, **options: float
) -> Synthetic:
    """Respondents, forces and true themes.

    Parameters
    ----------
    figures, readings : DataFrame
        The transcription and the readings chosen for it.
    **options
        ``rows`` (default 856), ``icc`` (0.02) and ``seed``, as in `respondents.build`.

    Raises
    ------
    DesignError
        If printed percentages cannot hold together; names them.
    """
    # Imported here so that reading a survey file does not load the optimiser.
    from ncpi_eval.synthesis import open_text, respondents

    responses, forces, state = respondents.build(figures, readings, **options)  # type: ignore[arg-type]
    responses, themes = open_text.add(responses, state, len(responses))
    return Synthetic(responses, forces, themes, state.notes)
