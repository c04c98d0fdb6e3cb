"""Pictures of time: who was visited when, and how many are still waiting.

A date that is known only to the year must not look like one that is known to the day, and a date
that nobody found must not look like none: both are drawn as what they are.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ncpi_eval import disclosure
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.figures import (
    DARK_BLUE,
    DARK_PINK,
    GREY,
    HOUSE,
    MAXIMUM_SERIES,
    NARROW,
    TURQUOISE,
    Figure,
    new,
)

# Shape and colour say the same, so that neither has to be seen.
_SHAPES = ("o", "s", "D", "^")
_COLOURS = (DARK_BLUE, TURQUOISE, GREY, DARK_PINK)
_LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
_FILLS: Mapping[str, str] = {"high": "full", "medium": "left", "low": "none"}
_ROW = 0.225  # inches
_BEFORE = "Only a latest day is known"


def visits(
    events: pd.DataFrame,
    *,
    names: Mapping[str, str],
    row: str = "subgroup",
    kind: str = "visit",
    first: str = "fieldwork_from",
    last: str = "fieldwork_to",
    latest: str = "published_to",
    confidence: str = "confidence",
    axis: str = "Fieldwork",
) -> Figure:
    """Events by year, one line for each force, from the top in the order of the frame.

    Parameters
    ----------
    events : DataFrame
        Released rows. ``first`` and ``last`` are ISO days, both inclusive, between which the event
        lies: the mark stands in the middle of a line as long as that. Without ``first`` an arrow
        points to the past from ``last``, or from ``latest``, the last day at which it can have been
        published; without any of them the event is not drawn.
    names : mapping
        Kinds of event and what to call them, at most four; events of other kinds are refused.
    row, kind, confidence : str
        Columns; confidence is high, medium or low and fills the mark, half of it, or none of it.
    axis : str
        What the horizontal axis shows.
    """
    rows = disclosure.release(events)
    rows = rows.assign(**{column: rows[column].fillna("") for column in (first, last, latest)})
    rows[last] = rows[last].where(rows[last] != "", rows[latest])
    _refuse_series(names, rows[kind])
    lines = list(dict.fromkeys(rows[row].astype(str)))
    ends = [_year(text) for column in (first, last) for text in rows[column] if text]
    with mpl.rc_context(HOUSE):
        figure, axes = new(1.35 + _ROW * len(lines))
        for event in rows.to_dict("records"):
            place = lines.index(str(event[row]))
            number = list(names).index(event[kind])
            style: dict[str, Any] = {"color": _COLOURS[number], "zorder": 3}
            early, late = (_year(event[c]) if event[c] else math.nan for c in (first, last))
            if math.isnan(early) and math.isnan(late):
                continue
            if math.isnan(early):
                axes.annotate(
                    "",
                    (late - 0.55, place),
                    xytext=(late, place),
                    arrowprops={"arrowstyle": "->", "color": _COLOURS[number], "linewidth": 1.4},
                )
                continue
            axes.plot([early, late], [place, place], linewidth=2.6, alpha=0.4, **style)
            axes.plot(
                [(early + late) / 2],
                [place],
                marker=_SHAPES[number],
                fillstyle=_FILLS[event[confidence]],
                markersize=6,
                markerfacecoloralt="white",
                **style,
            )
        axes.set_yticks(range(len(lines)), lines)
        axes.set_ylim(len(lines) - 0.4, -0.6)
        years = range(math.floor(min(ends)), math.ceil(max(ends)) + 1)
        axes.set_xlim(years[0], years[-1])
        axes.set_xticks(list(years), [str(year) for year in years])
        axes.tick_params(axis="both", labelsize=9.5)
        axes.tick_params(axis="x", top=True, labeltop=True)
        axes.set_xlabel(axis)
        _keys(figure, names, first_only=bool((rows[first] == "").any()))
    return figure


def steps(
    curves: pd.DataFrame,
    *,
    names: Mapping[str, str],
    time: str = "months",
    series: str = "subgroup",
    axis: str,
    label: str,
) -> Figure:
    """Shares that fall step by step; the band is the interval of the first series alone.

    Parameters
    ----------
    curves : DataFrame
        Released rows, one for each step: ``estimate`` with ``ci_low`` and ``ci_high``, shares from
        0 to 1 that hold from ``time`` on, up to the next step.
    names : mapping
        Series and what to call them, in order, at most four; the first one has the band.
    time, series : str
        Columns.
    axis, label : str
        What runs along, and what is shared.
    """
    rows = disclosure.release(curves)
    _refuse_series(names, rows[series])
    with mpl.rc_context(HOUSE):
        figure, axes = new(3.8, NARROW)
        for number, (value, text) in enumerate(names.items()):
            own = rows[rows[series] == value]
            style: dict[str, Any] = {
                "color": _COLOURS[number],
                "linestyle": _LINES[number],
                "label": text,
            }
            axes.plot(own[time], own["estimate"], drawstyle="steps-post", linewidth=2, **style)
            if not number:
                _band(axes, own, time)
        axes.set_ylim(0, 1.02)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
        axes.set_xlim(0, rows[time].max() + 1)
        axes.grid(visible=True, axis="y")
        axes.set_xlabel(axis)
        axes.set_ylabel(label)
        figure.legend(loc="outside upper left", ncols=1, borderpad=0)
    return figure


def _band(axes: Axes, own: pd.DataFrame, time: str) -> None:
    known = own.dropna(subset=["ci_low", "ci_high"])
    at = [*known[time], own[time].max()]
    low, high = ([*known[c], known[c].iloc[-1]] for c in ("ci_low", "ci_high"))
    band: dict[str, Any] = {"step": "post", "color": DARK_BLUE, "alpha": 0.16, "linewidth": 0}
    axes.fill_between(at, low, high, label="95% interval of the line above", **band)


def _keys(figure: Figure, names: Mapping[str, str], first_only: bool) -> None:
    """The legend: kinds of event, then how sure their dates are."""

    def mark(shape: str, colour: str, fill: str, text: str) -> Line2D:
        style: dict[str, Any] = {
            "marker": shape,
            "color": colour,
            "fillstyle": fill,
            "markersize": 6.5,
        }
        return Line2D([], [], linestyle="", markerfacecoloralt="white", label=text, **style)

    kinds = [
        mark(_SHAPES[place], _COLOURS[place], "full", text)
        for place, text in enumerate(names.values())
    ]
    sure = [
        mark("o", GREY, fill, f"{word.capitalize()} confidence") for word, fill in _FILLS.items()
    ]
    line = Line2D([], [], color=GREY, linewidth=2.6, alpha=0.4, label="Between these days")
    arrow = Line2D([], [], color=GREY, linestyle="", marker=r"$\leftarrow$", markersize=12)
    arrow.set_label(_BEFORE)
    handles = [*kinds, *sure, line, *([arrow] if first_only else [])]
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=3,
        handlelength=1.2,
        columnspacing=1.2,
        borderpad=0,
        fontsize=9.5,
    )


def _year(day: str) -> float:
    """A day as year and part of it."""
    date = datetime.date.fromisoformat(day)
    length = 366 if date.year % 4 == 0 else 365
    return date.year + (date.timetuple().tm_yday - 0.5) / length


def _refuse_series(names: Mapping[str, str], found: Sequence[str] | pd.Series) -> None:
    unnamed = sorted({str(value) for value in found} - set(names))
    if len(names) > MAXIMUM_SERIES or unnamed:
        raise InputError(
            "This picture cannot be drawn.",
            [
                Problem(
                    "names",
                    f"{len(names)} series" if not unnamed else f"no name for {', '.join(unnamed)}",
                    f"a name for each series, at most {MAXIMUM_SERIES}",
                    "Put some together, or leave some out.",
                )
            ],
        )
