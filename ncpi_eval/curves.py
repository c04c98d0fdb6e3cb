"""Pictures with time, or the size of an effect, along the bottom: series, event studies, power.

Same house style and the same way to show them as `figures`; drawn from released rows only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ncpi_eval import disclosure, results
from ncpi_eval.errors import InputError, Problem
from ncpi_eval.figures import (
    DARK_BLUE,
    DARK_PINK,
    GREY,
    HOUSE,
    MAXIMUM_SERIES,
    NARROW,
    PALETTE,
    SEQUENTIAL,
    TEXT_COLOUR,
    legend,
    new,
    readable_on,
)

_MARKERS = ("o", "s", "D", "^")
_DASHES: Sequence[Any] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
# Labels of periods along the bottom, at most; more would run into each other.
_LABELS = 5


def series(
    frame: pd.DataFrame,
    *,
    axis: str,
    interruption: str,
    interruption_name: str,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """One series over time: observed, fitted, and what the past alone would have led to.

    Parameters
    ----------
    frame : DataFrame
        Rows of `designs.interrupted_series.counterfactual`, in one unit: period (text), observed,
        fitted, estimate (the counterfactual) with ci_low and ci_high; in the order of time.
    axis : str
        What is measured, with its unit.
    interruption : str
        The period that belongs to the period after first; a line stands before it.
    interruption_name : str
        What happened then.
    labels : mapping, optional
        Period to what it is called along the bottom.

    Notes
    -----
    The counterfactual is drawn from the interruption on; before it, it is the fitted line. The
    axis begins at zero only if the data comes near it.
    """
    rows = disclosure.release(frame)
    periods = rows["period"].astype(str).tolist()
    start = periods.index(interruption)
    places = range(len(rows))
    with mpl.rc_context(HOUSE):
        figure, axes = new(3.6, NARROW)
        axes.grid(True, axis="y")
        axes.plot(places, rows["observed"], "o", color=GREY, markersize=3.6, label="Observed")
        axes.plot(places, rows["fitted"], color=DARK_BLUE, linewidth=2, label="Fitted")
        after = rows.iloc[start:]
        axes.plot(
            list(places)[start:],
            after["estimate"],
            color=DARK_PINK,
            linewidth=2,
            linestyle=_DASHES[1],
            label="Had the past gone on",
        )
        axes.fill_between(
            list(places)[start:],
            after["ci_low"].astype(float),
            after["ci_high"].astype(float),
            color=DARK_PINK,
            alpha=0.16,
            linewidth=0,
            label="95% interval of that line",
        )
        _mark(axes, start - 0.5, interruption_name)
        _periods(axes, [(labels or {}).get(p, p) for p in periods])
        axes.set_ylabel(axis)
        legend(figure, 2, handlelength=1.8, handleheight=0.7)
    return figure


def event_study(
    frame: pd.DataFrame,
    *,
    axis: str,
    event_axis: str,
    series: str | None = None,
    names: Mapping[str, str] | None = None,
    low: str = "ci_low",
    high: str = "ci_high",
) -> Figure:
    """Effects by time from the event, with their intervals; zero is no effect.

    Parameters
    ----------
    frame : DataFrame
        Rows with event_time (0 is the first treated period), estimate, and ``low`` and ``high``.
    axis, event_axis : str
        What is measured, and what event time counts.
    series : str, optional
        Column that tells estimators or outcomes apart, at most four.
    names : mapping, optional
        Values of that column and what to call them, in the order of the legend.
    """
    rows = disclosure.release(frame)
    groups = [""] if series is None else _groups(rows[series], names)
    with mpl.rc_context(HOUSE):
        figure, axes = new(3.6, NARROW)
        axes.grid(True, axis="y")
        axes.axhline(0, color=TEXT_COLOUR, linewidth=1)
        axes.axvline(-0.5, color=GREY, linewidth=1.2, linestyle=_DASHES[1])
        width = 0.16
        for number, group in enumerate(groups):
            chosen = rows if series is None else rows[rows[series].astype(str).eq(group)]
            shift = width * (number - (len(groups) - 1) / 2)
            at = chosen["event_time"].astype(float) + shift
            axes.vlines(at, chosen[low], chosen[high], color=PALETTE[number], linewidth=2)
            axes.plot(
                at,
                chosen["estimate"],
                _MARKERS[number],
                color=PALETTE[number],
                markersize=5.5,
                label=(names or {}).get(group, group),
            )
        axes.set_xlabel(event_axis)
        axes.set_ylabel(axis)
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        if len(groups) > 1:
            legend(figure, 2, handlelength=2, handleheight=0.7)
    return figure


def lines(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    axis: str,
    x_axis: str,
    series: str | None = None,
    names: Mapping[str, str] | None = None,
    reference: float | None = None,
    reference_name: str = "",
    percent: bool = False,
) -> Figure:
    """Lines of one number over another, such as power over the size of an effect.

    Parameters
    ----------
    frame : DataFrame
        Rows with the columns ``x`` and ``y`` (numbers); drawn in the order of ``x``.
    axis, x_axis : str
        What the two axes measure.
    series : str, optional
        Column that tells the lines apart, at most four; told apart by dashes and marks as well.
    names : mapping, optional
        Values of that column and what to call them, in the order of the legend.
    reference : float, optional
        A horizontal line, with its name above.
    percent : bool
        Whether ``y`` is a proportion, shown as a percentage from 0 to 100.
    """
    rows = disclosure.release(frame)
    groups = [""] if series is None else _groups(rows[series], names)
    with mpl.rc_context(HOUSE):
        figure, axes = new(3.8, NARROW)
        axes.grid(True, axis="y")
        for number, group in enumerate(groups):
            chosen = rows if series is None else rows[rows[series].astype(str).eq(group)]
            chosen = chosen.sort_values(x)
            axes.plot(
                chosen[x].astype(float),
                chosen[y].astype(float),
                marker=_MARKERS[number],
                linestyle=_DASHES[number],
                color=PALETTE[number],
                linewidth=2,
                markersize=5,
                label=(names or {}).get(group, group),
            )
        if percent:
            axes.set_ylim(0, 1.03)
            axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0%", "20%", "40%", "60%", "80%", "100%"])
        if reference is not None:
            axes.axhline(reference, color=GREY, linewidth=1.2, linestyle=_DASHES[1], zorder=0.5)
            axes.annotate(
                reference_name,
                (0, reference),
                xycoords=("axes fraction", "data"),
                xytext=(3, 3),
                textcoords="offset points",
                fontsize=9.5,
            )
        axes.set_xlabel(x_axis)
        axes.set_ylabel(axis)
        if len(groups) > 1:
            legend(figure, 2, handlelength=3, handleheight=0.7)
    return figure


def heat(
    frame: pd.DataFrame, *, x: str, y: str, value: str, x_axis: str, y_axis: str, axis: str
) -> Figure:
    """A proportion for every pair of two settings, as shaded cells with their numbers in them.

    Parameters
    ----------
    frame : DataFrame
        One row for each pair; ``x`` and ``y`` numbers, ``value`` a proportion from 0 to 1.
    x_axis, y_axis, axis : str
        What the sides and the shades measure.
    """
    rows = disclosure.release(frame)
    wide = rows.pivot(index=y, columns=x, values=value).astype(float)
    shades = mpl.colors.LinearSegmentedColormap.from_list("shades", ["#FFFFFF", SEQUENTIAL[0]])
    with mpl.rc_context(HOUSE):
        figure, axes = new(0.9 + 0.5 * len(wide), NARROW)
        axes.imshow(wide, vmin=0, vmax=1, cmap=shades, aspect="auto")
        for row, values in enumerate(wide.to_numpy()):
            for column, number in enumerate(values):
                colour = readable_on(mpl.colors.to_hex(shades(number)))
                text = f"{results.half_up(100 * number)}%"
                axes.text(column, row, text, ha="center", va="center", color=colour)
        axes.set_xticks(range(wide.shape[1]), [f"{v:g}" for v in wide.columns])
        axes.set_yticks(range(wide.shape[0]), [f"{v:g}" for v in wide.index])
        axes.grid(False)
        axes.set_xlabel(x_axis)
        axes.set_ylabel(y_axis)
        axes.set_title(axis, loc="left", fontsize=10.5)
    return figure


def _groups(column: pd.Series, names: Mapping[str, str] | None) -> list[str]:
    present = list(dict.fromkeys(column.astype(str)))
    groups = [name for name in names or () if name in present]
    groups += [value for value in present if value not in groups]
    if len(groups) > MAXIMUM_SERIES:
        raise InputError(
            "This picture cannot be drawn.",
            [
                Problem(
                    "series",
                    f"{len(groups)}: {', '.join(groups)}",
                    f"at most {MAXIMUM_SERIES}",
                    "Leave some out, or make two pictures.",
                )
            ],
        )
    return groups


def _mark(axes: Axes, place: float, name: str) -> None:
    axes.axvline(place, color=TEXT_COLOUR, linewidth=1.2)
    axes.annotate(
        name,
        (place, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-4, -4),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=9.5,
    )


def _periods(axes: Axes, labels: Sequence[str]) -> None:
    step = -(-len(labels) // _LABELS)
    axes.set_xticks(range(0, len(labels), step), list(labels)[::step])
