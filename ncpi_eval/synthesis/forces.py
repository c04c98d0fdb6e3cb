"""Forty-three invented police forces, and how alike the answers within a force are.

Names, codes (101 to 143), dates and numbers of respondents resemble no real force. The report
prints how many forces answered (34), how many with more than one response (25, of which 16
inspected and 9 not) and with more than twenty (16), and the smallest and largest number (1 and
130); everything else here is invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

FIRST_CODE = 101

NAMES = (
    "Alderbrook", "Ambervale", "Ashmarsh", "Barrowfen", "Birchmoor", "Blackmere", "Bramblecombe",
    "Brindleshire", "Calderwick", "Chalkdown", "Coldharbour", "Cragthorpe", "Dunmarsh", "Eastmarch",
    "Elmsgate", "Fallowdale", "Fernlow", "Foxhollow", "Glenmarch", "Greywater", "Harthollow",
    "Heatherbank", "Highmere", "Ivelmouth", "Kestrelshire", "Lambridge", "Larkhope", "Marlwood",
    "Mistlebury", "Netherfold", "Oakhanger Vale", "Pennymoor", "Quarrydown", "Ravensholt",
    "Rookhurst", "Saltmarch", "Silverbeck", "Stonereach", "Tarnfield", "Thornwater", "Underhill",
    "Wexcombe", "Yarrowdale",
)  # fmt: skip

# Number of respondents by force within each group of forces; 0 is a force that did not take part.
# The groups' totals follow from the printed percentages (see `profile`); the rest is invented.
RESPONDENTS = {
    "before_2017": (58, 43, 35, 27, 22, 13, 7, 3, 1, 1, 1, 0, 0, 0, 0),
    "from_2017": (130, 57, 36, 24, 16, 9, 4, 2, 1, 1),
    "joint_only": (54, 37, 23, 12, 1, 1, 0, 0),
    "neither": (102, 64, 37, 23, 6, 1, 1, 0, 0, 0),
}

# The last force had its first inspection under way while the survey was open, which makes it
# uninspected by the rule; its date must never be read as an inspection before the survey.
DURING_SURVEY = "2019-02-18"

# Correlation of a latent answer that gives, after cutting into answers, the wished correlation of
# yes-or-no items. Found by measuring: the answers of 856 respondents, averaged over all items.
LATENT_PER_ICC = 1.6


@dataclass(frozen=True)
class Forces:
    """The force table and who works where.

    Attributes
    ----------
    table : DataFrame
        ``force, name, first_inspection, joint_inspection, data_kind``: 43 rows in order of code.
    groups : Series
        Group of forces (keys of `RESPONDENTS`) by code.
    respondents : Series
        Number of respondents by code.
    """

    table: pd.DataFrame
    groups: pd.Series
    respondents: pd.Series


def build(rng: np.random.Generator) -> Forces:
    """Draw the forces: names to groups, dates of inspections, numbers of respondents."""
    slots = [(group, size) for group, sizes in RESPONDENTS.items() for size in sizes]
    order = rng.permutation(len(slots))
    drawn = [slots[slot] for slot in order]
    rows = [_force(place, group, size, rng) for place, (group, size) in enumerate(drawn)]
    frame = pd.DataFrame(rows)
    quiet = frame.index[(frame["group"] == "neither") & (frame["respondents"] == 6)][0]
    frame.loc[quiet, "first_inspection"] = DURING_SURVEY
    frame["data_kind"] = "synthetic"
    codes = frame["force"]
    return Forces(
        frame[["force", "name", "first_inspection", "joint_inspection", "data_kind"]],
        pd.Series(frame["group"].to_numpy(), index=codes),
        pd.Series(frame["respondents"].to_numpy(), index=codes),
    )


def _force(position: int, group: str, respondents: int, rng: np.random.Generator) -> dict:
    """One force with dates that put it into its group."""
    first = {
        "before_2017": lambda: _month(rng, 2014, 4, 33),
        "from_2017": lambda: _month(rng, 2017, 1, 25),
        "joint_only": lambda: _later(rng),
        "neither": lambda: _later(rng),
    }[group]()
    joint = {
        "joint_only": 1.0, "neither": 0.0, "before_2017": 0.4, "from_2017": 0.4,
    }[group]  # fmt: skip
    had_joint = rng.random() < joint
    month = _month(rng, 2016, 2, 30)
    return {
        "force": FIRST_CODE + position,
        "name": NAMES[position],
        "first_inspection": first,
        "joint_inspection": month if had_joint else "",
        "group": group,
        "respondents": respondents,
    }


def _month(rng: np.random.Generator, year: int, month: int, span: int) -> str:
    """A month, at most `span` - 1 months after the given one."""
    ordinal = year * 12 + month - 1 + int(rng.integers(span))
    return f"{ordinal // 12}-{ordinal % 12 + 1:02d}"


def _later(rng: np.random.Generator) -> str:
    """A first inspection after the survey, or none known yet."""
    month = _month(rng, 2019, 5, 48)
    return "" if rng.random() < 0.3 else month


def members(forces: Forces, group: str) -> np.ndarray:
    """Force code of every respondent of a group of forces, in order of code."""
    sizes = forces.respondents[forces.groups == group]
    return np.repeat(sizes.index.to_numpy(), sizes.to_numpy())


def effects(
    force: np.ndarray, group: np.ndarray, common: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """How far answers lean in each respondent's force: mean 0 and variance 1 in each force group.

    Parameters
    ----------
    force : ndarray of int
        Force of each respondent; 0 where not known, which has no effect.
    group : ndarray of str
        Group of forces of each respondent; what differs between groups is published and so left
        to the cells.
    common : ndarray of float
        A lean that the questions share, one value per code from `FIRST_CODE`.
    """
    own = rng.standard_normal(len(NAMES))
    lean = np.sqrt(0.3) * common + np.sqrt(0.7) * own
    result = np.where(force > 0, lean[np.maximum(force - FIRST_CODE, 0)], 0.0)
    for name in sorted(set(group) - {"none"}):
        inside = group == name
        part = result[inside]
        result[inside] = (part - part.mean()) / max(part.std(), 1e-9)
    result[group == "none"] = 0.0
    return result


def intraclass_correlation(values: np.ndarray, force: np.ndarray, group: np.ndarray) -> float:
    """Correlation of two respondents of one force, within groups of forces (analysis of variance).

    Parameters
    ----------
    values : ndarray of float
        A yes-or-no item as 0 and 1, or a score.
    force, group : ndarray
        Force and group of forces of the same respondents.

    Returns
    -------
    float
        The usual one-way estimator with the mean squares between forces (within groups) and within
        forces; can be slightly negative by chance.
    """
    frame = pd.DataFrame({"y": values.astype(float), "force": force, "group": group})
    by_force = frame.groupby(["group", "force"])["y"].agg(["mean", "size"]).reset_index()
    grand = frame.groupby("group")["y"].mean()
    n, k = len(frame), len(by_force)
    size = by_force["size"].to_numpy(dtype=float)
    away = by_force["mean"].to_numpy() - by_force["group"].map(grand).to_numpy()
    between = (size * away**2).sum() / (k - len(grand))
    inner = frame["y"] - frame.groupby("force")["y"].transform("mean")
    within = (inner**2).sum() / (n - k)
    squares = by_force.groupby("group")["size"].agg(lambda s: (s**2).sum() / s.sum()).sum()
    typical = (n - squares) / (k - len(grand))
    return float((between - within) / (between + (typical - 1) * within))
