"""One house style for pictures, and one way to show them.

A picture comes with a caption, a written description of 30 to 250 characters that says what it
shows, the numbers behind it in a folded table, and both as files. It is drawn from released rows
only, and says inside itself when its data is synthetic, because pictures are copied without
their captions.
"""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import matplotlib as mpl
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ncpi_eval import disclosure, paths, prose, results, tables
from ncpi_eval.errors import InputError, Problem

# Government Analysis Function, "Data visualisation: colours in charts", categorical palette (2023).
DARK_BLUE = "#12436D"
TURQUOISE = "#28A197"
DARK_PINK = "#801650"
ORANGE = "#F46A25"
GREY = "#3D3D3D"
LIGHT_PURPLE = "#A285D1"
PALETTE = (DARK_BLUE, TURQUOISE, DARK_PINK, ORANGE, GREY, LIGHT_PURPLE)
# The same source's sequential palette, for scales with an order; light grey for "don't know".
SEQUENTIAL = ("#12436D", "#2073BC", "#6BACE6", "#BFD9F0")
NEUTRAL = "#D6D6D6"
TEXT_COLOUR = "#1D1D1D"
FAINT = "#8A8A8A"

# The same guidance: at most four lines or groups of bars can be told apart.
MAXIMUM_SERIES = 4
# Inches: a line of a row's name, and a bar of parts.
_LINE, _PART = 0.175, 0.33
WIDTH = 7.2  # inches; 691 CSS pixels, the width of the text
# Of pictures whose rows have their names above them: at this width a telephone shows them whole, in
# letters that can be read.
NARROW = 4.4
_NARROW_PIXELS = 500
# Characters in a line of a row's name, and in all names of one line of the legend.
_NAME_LINE = 46
_LEGEND_LINE = 54
# Longest name that stands beside its row, in a picture of many rows of one line.
_BESIDE = 24
ALT_SHORTEST, ALT_LONGEST = 30, 250
# A picture of many marks is smaller as pixels.
LARGEST_SVG = 250_000
PIXELS_PER_INCH = 160

_STOCK = re.compile(
    r"no description has been provided|alt[- ]?text|lorem ipsum|\bto ?do\b|\btbc\b|\bplaceholder\b"
    r"|^\s*((an?|the|this) )?((stacked|grouped|horizontal|bar|line|dot|box|scatter|forest) )*"
    r"(image|picture|figure|graph|plot|chart|photo)\b",
    re.IGNORECASE,
)

# Text is measured with the font that matplotlib carries, so that a picture is the same everywhere,
# and shown with the reader's; DejaVu Sans is wider than those, so that labels keep clear.
HOUSE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.5,
    "text.color": TEXT_COLOUR,
    "axes.labelcolor": TEXT_COLOUR,
    "xtick.color": TEXT_COLOUR,
    "ytick.color": TEXT_COLOUR,
    "axes.edgecolor": FAINT,
    "axes.prop_cycle": cycler(color=list(PALETTE)),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.axisbelow": True,
    "grid.color": "#E2E2E2",
    "grid.linewidth": 0.8,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    # A dollar sign in a label is a dollar sign.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "ncpi_eval",
    "svg.image_inline": True,
}
_READERS_FONTS = "Arial, Helvetica, sans-serif"


@dataclass(frozen=True)
class Drawing:
    """A picture of boxes and arrows, which is text and no plot, as SVG written by hand.

    Parameters
    ----------
    elements : str
        The elements inside the ``svg``; ids are those of this picture alone.
    width, height : float
        Of their space, in CSS pixels; the picture keeps this size, and a narrow page scrolls.
    """

    elements: str
    width: float
    height: float


@contextmanager
def house_style() -> Iterator[None]:
    """House style for a picture drawn by hand, with seaborn's own theme set first.

    Seaborn's theme would reset the style if it came later, so leave `seaborn.set_theme` alone.
    """
    import seaborn  # late: it costs every kernel a second, and the helpers here do not need it

    with mpl.rc_context():
        seaborn.set_theme(style="white")
        mpl.rcParams.update(HOUSE)
        yield


def new(height: float, width: float = WIDTH, **subplots: Any) -> tuple[Figure, Any]:
    """An empty figure in house style and its axes, outside pyplot so that it shows only once.

    Parameters
    ----------
    height, width : float
        Inches.
    **subplots
        As for `matplotlib.figure.Figure.subplots`.
    """
    with mpl.rc_context(HOUSE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(**subplots)


# ---------------------------------------------------------------------------------------------
# The pictures that the notebooks need


def bars(
    estimates: pd.DataFrame,
    *,
    category: str = "item",
    series: str | None = "subgroup",
    names: Mapping[str, str] | None = None,
    interval: tuple[str, str] = ("ci_low", "ci_high"),
    axis: str = "Percentage of respondents",
    highest: float | None = None,
) -> Figure:
    """Horizontal bars of proportions with their intervals, side by side for each group.

    Parameters
    ----------
    estimates : DataFrame
        Released rows, one for each category and group; in the order of the picture, from the top.
    category : str
        Column that names the bars.
    series : str, optional
        Column that tells bars of one category apart, at most four; None for single bars.
    names : mapping, optional
        Values of these columns and what to call them; its order is the order of the groups.
    interval : pair of str
        Columns of the whiskers; left out where missing.
    axis : str
        What the lengths are.
    highest : float, optional
        Right end of the axis, a proportion; by default room for the longest whisker.

    Raises
    ------
    InputError
        For more than four groups or two rows for one bar.
    """
    frame = disclosure.release(estimates)
    categories = list(dict.fromkeys(frame[category].astype(str)))
    groups = _order(frame, series, names)
    _few(groups)
    labels = [_named(text, names) for text in categories]
    starts, bottom = _rows_of(labels, 0.27 * len(groups))
    with mpl.rc_context(HOUSE):
        told = [_wrapped(_named(group, names), 36) for group in groups]
        columns = _columns_of(told)
        figure, axes = new(0.75 + max(bottom, 0.6) + _height_of_legend(told, columns), NARROW)
        longest = _longest(frame, interval[1])
        end = highest or min(1.0, math.ceil(10 * longest + 0.6) / 10)
        for number, group in enumerate(groups):
            chosen = frame if series is None else frame[frame[series].astype(str) == group]
            _once(chosen, category)
            places = [
                starts[categories.index(str(value))] + 0.27 * (number + 0.5)
                for value in chosen[category]
            ]
            _bars_of(axes, chosen, places, PALETTE[number], interval, end)
            axes.barh([math.nan], [math.nan], color=PALETTE[number], label=told[number])
        _names_above(axes, starts, labels)
        axes.set_ylim(bottom, 0)
        _percent_axis(axes, end, axis)
        if len(groups) > 1:
            legend(figure, columns)
    return figure


def stacked(
    estimates: pd.DataFrame,
    *,
    category: str = "subgroup",
    series: str = "label",
    names: Mapping[str, str] | None = None,
    neutral: Sequence[str] = ("Don't know", "Don’t know"),
    axis: str = "Percentage of respondents",
) -> Figure:
    """A whole distribution for each group, as bars of equal length with labelled parts.

    Parameters
    ----------
    estimates : DataFrame
        Released rows, one for each group and answer; answers in the order of the scale.
    category, series : str
        Columns that name the bars and their parts, at most six parts.
    names : mapping, optional
        Values of these columns and what to call them.
    neutral : sequence of str
        Parts outside the scale, in grey.
    axis : str
        What the lengths are.

    Notes
    -----
    A part that was withheld leaves its space empty and is marked; parts under 6% are not labelled,
    their number is in the table.
    """
    frame = disclosure.release(estimates)
    groups = list(dict.fromkeys(frame[category].astype(str)))
    parts = _order(frame, series, None)
    colours = _scale(parts, neutral)
    with mpl.rc_context(HOUSE):
        told = [_wrapped(_named(part, names), 36) for part in parts]
        columns = _columns_of(told)
        labels = [_named(group, names) for group in groups]
        starts, bottom = _rows_of(labels, _PART)
        figure, axes = new(0.75 + bottom + _height_of_legend(told, columns), NARROW)
        for start, group in zip(starts, groups, strict=True):
            left = 0.0
            for part in parts:
                at = frame[(frame[category].astype(str) == group) & (frame[series] == part)]
                if at.empty:
                    continue
                _once(at, series)
                left = _part(axes, at.iloc[0], start + _PART / 2, left, colours[part])
        for part, text in zip(parts, told, strict=True):
            axes.barh([math.nan], [math.nan], color=colours[part], label=text)
        _names_above(axes, starts, labels)
        axes.set_ylim(bottom, 0)
        axes.grid(False)
        _percent_axis(axes, 1.0, axis)
        legend(figure, columns)
    return figure


def dots(
    frame: pd.DataFrame,
    *,
    category: str = "item",
    value: str | None = "estimate",
    low: str = "ci_low",
    high: str = "ci_high",
    axis: str,
    reference: float | None = None,
    reference_name: str = "",
    logarithmic: bool = False,
    colours: Callable[[pd.Series], str] | None = None,
) -> Figure:
    """A line from low to high for each row, with a dot at the value: intervals, ranges of p.

    Parameters
    ----------
    frame : DataFrame
        Released rows, from the top; one line each, with ``low`` and ``high`` in one unit.
    category : str
        Column that names the rows.
    value : str, optional
        Column of the dot; None draws the range alone.
    axis : str
        What the axis measures.
    reference : float, optional
        A vertical line, such as 0.05 or 0, with its name above.
    logarithmic : bool
        For p-values; values below 0.0001 are drawn there.
    colours : callable, optional
        Row to colour; by default dark pink where the range holds the reference, else dark blue.
    """
    rows = disclosure.release(frame)
    floor = 1e-4
    with mpl.rc_context(HOUSE):
        labels = [str(text) for text in rows[category]]
        above = max(map(len, labels), default=0) > _BESIDE
        starts, bottom = _rows_of(labels if above else [""] * len(labels), 0.2 if above else 0.1)
        places = [start + (0.1 if above else 0.05) for start in starts]
        figure, axes = new(0.8 + bottom, NARROW)
        for place, (_, row) in zip(places, rows.iterrows(), strict=True):
            ends = [row[low], row[high]]
            if any(pd.isna(end) for end in ends):
                axes.text(
                    0.01,
                    place,
                    disclosure.mark(row) or "not computed",
                    transform=axes.get_yaxis_transform(),
                    va="center",
                )
                continue
            left, right = (max(float(e), floor) if logarithmic else float(e) for e in ends)
            within = reference is not None and left <= reference <= right
            colour = colours(row) if colours else (DARK_PINK if within else DARK_BLUE)
            axes.plot([left, right], [place, place], color=colour, linewidth=3.5, alpha=0.55)
            axes.plot([left, right], [place, place], "|", color=colour, markersize=9)
            if value is not None and value in row and not pd.isna(row[value]):
                dot = max(float(row[value]), floor) if logarithmic else float(row[value])
                axes.plot([dot], [place], "o", color=colour, markersize=6.5)
        if above:
            _names_above(axes, starts, labels)
        else:
            _row_names(axes, places, labels)
        axes.set_ylim(bottom, 0)
        if logarithmic:
            axes.set_xscale("log")
            axes.set_xlim(floor * 0.8, 1.2)
            axes.minorticks_off()
            ticks = [0.0001, 0.001, 0.01, 0.05, 0.1, 1]
            axes.set_xticks(ticks, ["≤ 0.0001", "0.001", "0.01", "0.05", "0.1", "1"])
            axes.tick_params(axis="x", labelsize=9)
        axes.set_xlabel(_wrapped(axis))
        if reference is not None:
            axes.axvline(reference, color=GREY, linewidth=1.2, linestyle=(0, (4, 3)), zorder=0.5)
            axes.annotate(
                reference_name,
                (reference, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=9.5,
            )
    return figure


def grid(
    frame: pd.DataFrame, *, row: str, column: str, value: str = "count", axis: str = ""
) -> Figure:
    """A field of cells, darker for larger counts, each with its number: where there is evidence.

    Parameters
    ----------
    frame : DataFrame
        Released rows, one for each cell; rows and columns stand in the order of the frame.
    row, column : str
        Columns that name the cells' rows and columns.
    value : str
        Counts; a cell of 0 or without a row stays white and says so with a dash.
    axis : str
        What the numbers count, below the picture.

    Raises
    ------
    InputError
        For two rows in one cell.
    """
    frame = disclosure.release(frame)
    across = list(dict.fromkeys(frame[column].astype(str)))
    down = list(dict.fromkeys(frame[row].astype(str)))
    cells = {}
    for name, part in frame.groupby([row, column], sort=False):
        _once(part, column)
        cells[name] = part[value].iloc[0]
    most = max((int(count) for count in cells.values() if pd.notna(count)), default=0)
    with mpl.rc_context(HOUSE):
        figure, axes = new(1.9 + 0.27 * len(down))
        for y, first in enumerate(down):
            for x, second in enumerate(across):
                count = cells.get((first, second), 0)
                shade = _shade(count, most)
                axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, color=shade))
                text = str(count) if pd.notna(count) and count else "–"
                dark = readable_on(shade)
                axes.text(x, y, text, ha="center", va="center", color=dark, fontsize=9)
        axes.set_xlim(-0.5, len(across) - 0.5)
        axes.set_ylim(len(down) - 0.5, -0.5)
        names = [_wrapped(name, 20) for name in across]
        axes.set_xticks(range(len(across)), names, rotation=55, ha="left", fontsize=9)
        axes.set_yticks(range(len(down)), down)
        axes.xaxis.tick_top()
        axes.grid(False)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel(axis)
    return figure


def _shade(count: float, most: int) -> str:
    """White for none, then the sequential palette from light to dark in equal steps."""
    if pd.isna(count) or not count:
        return "#FFFFFF"
    steps = len(SEQUENTIAL)
    return SEQUENTIAL[steps - 1 - min(steps - 1, int(steps * (count - 1) / max(most, 1)))]


def _bars_of(
    axes: Axes,
    rows: pd.DataFrame,
    places: Sequence[float],
    colour: str,
    interval: tuple[str, str],
    end: float,
) -> None:
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        mark = disclosure.mark(row)
        if mark or pd.isna(row["estimate"]):
            axes.text(0.005 * end, place, mark or "[z]", va="center", fontsize=9.5)
            continue
        value = float(row["estimate"])
        axes.barh(place, value, height=0.23, color=colour)
        reach = value
        low, high = (row.get(name) for name in interval)
        if low is not None and high is not None and not (pd.isna(low) or pd.isna(high)):
            reach = max(float(high), value)
            _whisker(axes, float(low), float(high), place)
        axes.annotate(
            results.shown(row, "percent"),
            (reach, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9.5,
        )


def _whisker(axes: Axes, low: float, high: float, place: float) -> None:
    """An interval, with a light edge so that it can be seen on its own bar."""
    ends = ([low, high], [place, place])
    axes.plot(*ends, color="white", linewidth=3.2, solid_capstyle="butt", zorder=2.4)
    axes.plot(*ends, color=TEXT_COLOUR, linewidth=1.2, solid_capstyle="butt", zorder=2.5)


def _part(axes: Axes, row: pd.Series, place: float, left: float, colour: str) -> float:
    mark = disclosure.mark(row)
    if mark or pd.isna(row["estimate"]):
        axes.text(left + 0.005, place, mark or "[z]", va="center", fontsize=9.5)
        return left + 0.06
    width = float(row["estimate"])
    axes.barh(place, width, left=left, height=_PART, color=colour, edgecolor="white", linewidth=1)
    if width >= 0.055:
        axes.text(
            left + width / 2,
            place,
            results.shown(row, "percent"),
            ha="center",
            va="center",
            fontsize=9.5,
            color=readable_on(colour),
        )
    return left + width


def _scale(parts: Sequence[str], neutral: Sequence[str]) -> dict[str, str]:
    scale = [part for part in parts if part not in neutral]
    if len(scale) <= len(SEQUENTIAL):
        palette: Sequence[str] = SEQUENTIAL
    elif len(scale) == 5:
        palette = (*SEQUENTIAL, "#E6F0F9")
    else:
        palette = PALETTE
    if len(scale) > len(palette):
        raise _refusal(
            "series", f"{len(scale)} parts", f"at most {len(palette)}", "Put some together."
        )
    colours = dict(zip(scale, palette, strict=False))
    return {part: colours.get(part, NEUTRAL) for part in parts}


def readable_on(colour: str) -> str:
    """Black or white, whichever has the higher contrast (WCAG 2.2 relative luminance)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else TEXT_COLOUR


def _order(frame: pd.DataFrame, column: str | None, names: Mapping[str, str] | None) -> list[str]:
    if column is None:
        return [""]
    values = list(dict.fromkeys(frame[column].astype(str)))
    known = [value for value in names or () if value in values]
    return known + [value for value in values if value not in known]


def _named(value: str, names: Mapping[str, str] | None) -> str:
    return (names or {}).get(value, value)


def _few(groups: Sequence[str]) -> None:
    if len(groups) > MAXIMUM_SERIES:
        raise _refusal(
            "series",
            f"{len(groups)} groups: {', '.join(groups)}",
            f"at most {MAXIMUM_SERIES}",
            "Leave some out, or make two pictures.",
        )


def _once(rows: pd.DataFrame, column: str) -> None:
    repeated = rows[column].astype(str)[rows[column].astype(str).duplicated()]
    if len(repeated):
        raise _refusal(
            column,
            f"two rows for {repeated.iloc[0]!r}",
            "one row for each bar",
            "Pick one of them.",
        )


def _longest(frame: pd.DataFrame, high: str) -> float:
    candidates = [frame["estimate"]] + ([frame[high]] if high in frame else [])
    values = pd.concat(candidates).dropna().astype(float)
    return float(values.max()) if len(values) else 1.0


def _rows_of(names: Sequence[str], height: float) -> tuple[list[float], float]:
    """Inches from the top at which each row's marks begin, below its name, and where all end."""
    starts, at = [], 0.0
    for name in names:
        at += 0.1 + _LINE * len(_wrapped(name).splitlines())
        starts.append(at)
        at += height + 0.14
    return starts, at


def _names_above(axes: Axes, starts: Sequence[float], names: Sequence[str]) -> None:
    """Names of the rows above them, so that a narrow screen is left to what they show."""
    axes.set_yticks([])
    across = axes.get_yaxis_transform()
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    for start, name in zip(starts, names, strict=True):
        at = (0, start - 0.03)
        axes.text(*at, _wrapped(name), transform=across, va="bottom", ha="left", bbox=behind)


def _height_of_legend(names: Sequence[str], columns: int) -> float:
    if len(names) < 2:
        return 0.0
    tall = [name.count("\n") + 1 for name in names]
    lines = sum(max(tall[at : at + columns]) for at in range(0, len(names), columns))
    return 0.15 + 0.2 * lines


def _wrapped(text: str, width: int = _NAME_LINE) -> str:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _row_names(axes: Axes, places: Sequence[float], names: Sequence[str]) -> None:
    """Names beside the rows, their beginnings in one line, as a list reads."""
    axes.set_yticks(list(places), list(names))
    labels = axes.get_yticklabels()
    widest = max((label.get_window_extent().width for label in labels), default=0.0)
    axes.tick_params(axis="y", pad=widest * 72 / axes.figure.dpi + 6)
    for label in labels:
        label.set_horizontalalignment("left")


def _percent_axis(axes: Axes, end: float, label: str) -> None:
    step = 0.1 if end <= 0.5 else 0.2
    ticks = [step * n for n in range(int(end / step + 1e-9) + 1)]
    axes.set_xlim(0, end)
    axes.set_xticks(ticks, [f"{results.half_up(100 * tick)}%" for tick in ticks])
    axes.set_xlabel(label)


def _columns_of(names: Sequence[str]) -> int:
    """Columns of the legend in the fewest rows in which its widest names fit side by side."""
    widths = [max(len(line) for line in name.split("\n")) + 6 for name in names]
    for rows in range(1, len(names)):
        columns = math.ceil(len(names) / rows)
        if sum(max(widths[place::columns]) for place in range(columns)) <= _LEGEND_LINE:
            return columns
    return 1


def legend(figure: Figure, columns: int, **options: Any) -> None:
    """A legend above, whose names follow each other along its rows, as they are read."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    columns = min(columns, len(labels), _columns_of(labels))
    order = [at for place in range(columns) for at in range(place, len(labels), columns)]
    figure.legend(
        [handles[at] for at in order],
        [labels[at] for at in order],
        loc="outside upper left",
        ncols=columns,
        borderpad=0,
        **{"handlelength": 1, "handleheight": 1, "columnspacing": 1.4, **options},
    )


# ---------------------------------------------------------------------------------------------
# Showing


def show(
    figure: Figure | Drawing,
    data: pd.DataFrame,
    *,
    name: str,
    caption: str | prose.Shown,
    alt: str | prose.Shown,
    source: str,
    columns: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    note: str | prose.Shown | None = None,
) -> prose.Shown:
    """A picture with its caption, description and numbers, and the files of both.

    Parameters
    ----------
    figure : matplotlib Figure or Drawing
        Drawn from ``data`` and nothing else.
    data : DataFrame
        The released rows behind it.
    name : str
        Of the files and the anchor; once in a build.
    caption : str or Shown
        What the picture shows.
    alt : str or Shown
        What it says: the finding, in 30 to 250 characters; with numbers by `say`.
    source : str
        Where its data is from.
    columns, names : mapping, optional
        Column to header, and value to what it is called, for the folded table, as in `tables.show`.
    note : str or Shown, optional
        A sentence below.

    Raises
    ------
    InputError
        Without a good description, or when the rows had not been released before drawing.

    Notes
    -----
    Writes ``outputs/figures/<name>.csv`` and ``<name>.svg``, or ``.png`` where that is smaller.
    The same figure gives the same bytes.
    """
    tables.refuse_name("figures", name)
    caption_text = tables.said("caption", caption)
    tables.said("source", source)
    described = describe(alt, caption_text)
    released = disclosure.release(data)
    released.attrs = dict(data.attrs)
    _refuse_unreleased(data, released)
    kinds = list(results.data_kinds(released))
    if "synthetic" in kinds:
        figure = _say_synthetic(figure)
    picture, suffix, content = _picture(figure, name, caption_text, described)
    results.write_if_changed(paths.outputs_write("figures", f"{name}{suffix}"), content)
    notes = tables.notes_for(released, [*(columns or ())], note)
    text = results.csv_text(results.ordered(released))
    results.write_if_changed(paths.outputs_write("figures", f"{name}.csv"), text.encode("utf-8"))
    behind = "rows" if isinstance(figure, Drawing) else "numbers"
    html = "\n".join(
        [
            f'<figure class="figure" id="figure-{name}">',
            f'<p class="caption">{escape(caption_text)}</p>',
            f'<div class="scroll picture" role="region" tabindex="0" '
            f'aria-label="{escape(caption_text)}, picture">\n{picture}\n</div>',
            "<details>",
            f"<summary>The {behind} behind “{escape(caption_text)}”</summary>",
            tables.scrolling(
                tables.html_table(released, columns, caption_text, names=names),
                f"{caption_text}, numbers",
            ),
            "</details>",
            tables.footnotes(
                kinds,
                source,
                notes,
                [
                    (f"../figures/{name}.csv", f"Download {name}.csv"),
                    (f"../figures/{name}{suffix}", f"Download {name}{suffix}"),
                ],
                tables.meanings_of(tables.headers_for(released, columns)),
            ),
            "</figure>",
        ]
    )
    metadata = {
        "kind": "figure",
        "name": name,
        "caption": caption_text,
        "alt": described,
        "source": source,
        "notes": notes,
        "columns": {c: h for c, h in (columns or {}).items() if c in released},
        "data_kind": kinds,
    }
    return prose.Shown(html, f"Figure: {caption_text}. {described}", metadata)


def describe(alt: str | prose.Shown, caption: str = "") -> str:
    """A picture's description as text; refused when too short, too long or stock."""
    if not isinstance(alt, prose.Shown):
        prose.refuse_percentages(str(alt or ""))
    text = " ".join(str(alt or "").split())
    found = None
    if not ALT_SHORTEST <= len(text) <= ALT_LONGEST:
        found = f"{len(text)} characters"
    elif _STOCK.search(text):
        found = f"a stock phrase in {text[:60]!r}"
    elif text.rstrip(".").casefold() == caption.rstrip(".").casefold():
        found = "the caption again"
    if found:
        raise InputError(
            "This picture has no description that a reader could use.",
            [
                Problem(
                    "alt",
                    found,
                    f"the finding in {ALT_SHORTEST} to {ALT_LONGEST} characters",
                    "Write what the picture says, not that it is a picture.",
                )
            ],
        )
    return text


def _refuse_unreleased(data: pd.DataFrame, released: pd.DataFrame) -> None:
    numbers = [c for c in ("count", "estimate") if c in data]
    hidden = (released[numbers].isna() & data[numbers].notna()).any(axis=None) if numbers else False
    if hidden:
        raise InputError(
            "This picture was drawn from rows that had not been released.",
            [
                Problem(
                    "data",
                    "numbers that are withheld on release",
                    "what results.save or results.load gives",
                    "Save the rows, and draw from what save returns.",
                )
            ],
        )


def _say_synthetic(figure: Figure | Drawing) -> Figure | Drawing:
    if isinstance(figure, Drawing):
        mark = f'<text x="4" y="{figure.height + 14:.0f}" font-size="13" fill="{DARK_PINK}"'
        mark += f' font-family="{_READERS_FONTS}">Synthetic data</text>'
        return replace(figure, elements=figure.elements + mark, height=figure.height + 20)
    figure.text(0.0, -0.005, "Synthetic data", ha="left", va="top", fontsize=9.5, color=DARK_PINK)
    return figure


def _picture(figure: Figure | Drawing, name: str, caption: str, alt: str) -> tuple[str, str, bytes]:
    if isinstance(figure, Drawing):
        drawn = _opening(name, f"0 0 {figure.width:.0f} {figure.height:.0f}", figure, "drawn")
        drawn += _named_parts(figure.elements, name, caption, alt)
        return drawn, ".svg", (drawn + "\n").encode("utf-8")
    svg = _svg(figure, name, caption, alt)
    if len(svg) <= LARGEST_SVG:
        return svg, ".svg", (svg + "\n").encode("utf-8")
    buffer = io.BytesIO()
    with mpl.rc_context(HOUSE):
        figure.savefig(
            buffer,
            format="png",
            dpi=PIXELS_PER_INCH,
            bbox_inches="tight",
            metadata={"Software": None},
        )
    content = buffer.getvalue()
    encoded = base64.b64encode(content).decode("ascii")
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{encoded}">', ".png", content


def _svg(figure: Figure, name: str, caption: str, alt: str) -> str:
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context(HOUSE):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata=nothing)
    drawn = buffer.getvalue()
    opening = re.search(r"<svg[^>]*>", drawn)
    assert opening is not None
    size = {key: value for key, value in re.findall(r'(\w+)="([^"]*)"', opening.group(0))}
    inner = drawn[opening.end() : drawn.rindex("</svg>")]
    inner = re.sub(r"<metadata>.*?</metadata>", "", inner, flags=re.DOTALL)
    inner = re.sub(r"<style[^>]*>.*?</style>", "", inner, flags=re.DOTALL)
    inner = re.sub(r"<!--.*?-->", "", inner, flags=re.DOTALL)
    inner = _in_tags(r'\bstyle="([^"]*)"', _as_attributes, inner)
    inner = re.sub(r"\n\s*", "\n", inner).strip()
    width, height = (float(size[side].removesuffix("pt")) * 4 / 3 for side in ("width", "height"))
    space = Drawing("", width, height)
    kind = "narrow" if width < _NARROW_PIXELS else ""
    return _opening(name, size["viewBox"], space, kind) + _named_parts(inner, name, caption, alt)


def _opening(name: str, space: str, size: Drawing, kind: str = "") -> str:
    given = f' class="{kind}"' if kind else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" viewBox="{space}" '
        f'width="{size.width:.0f}" height="{size.height:.0f}" stroke-linejoin="round" '
        f'stroke-linecap="butt"{given}>\n'
    )


def _named_parts(inner: str, name: str, caption: str, alt: str) -> str:
    """Title, description and elements, whose ids begin with the picture's name."""
    inner = _in_tags(r'\bid="([^"]*)"', rf'id="{name}-\1"', inner)
    inner = _in_tags(r"url\(#([^)]*)\)", rf"url(#{name}-\1)", inner)
    inner = _in_tags(r'(?:xlink:)?href="#([^"]*)"', rf'href="#{name}-\1"', inner)
    return (
        f'<title id="{name}-title">{escape(caption)}</title>\n'
        f'<desc id="{name}-desc">{escape(alt)}</desc>\n{inner}\n</svg>'
    )


def _in_tags(pattern: str, by: str | Callable[[re.Match[str]], str], svg: str) -> str:
    """Replace within tags alone, so that the words of labels stay as they are."""
    return re.sub(r"<[^>]*>", lambda tag: re.sub(pattern, by, tag.group(0)), svg)


def _as_attributes(style: re.Match[str]) -> str:
    """Inline styles as attributes, which a strict content security policy allows."""
    given = []
    for declaration in style.group(1).replace("&quot;", "'").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            size = re.search(r"([\d.]+)px", value)
            bold = ' font-weight="bold"' if re.search(r"\bbold\b|\b700\b", value) else ""
            given.append(f'font-size="{size.group(1) if size else 10}"{bold}')
            given.append(f'font-family="{_READERS_FONTS}"')
        elif key == "font-family":
            given.append(f'font-family="{_READERS_FONTS}"')
        elif key:
            given.append(f'{key}="{value}"')
    return " ".join(given)


def _refusal(place: str, found: str, expected: str, remedy: str) -> InputError:
    return InputError("This picture cannot be drawn.", [Problem(place, found, expected, remedy)])
