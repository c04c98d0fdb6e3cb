"""Boxes and arrows in columns of time and lanes, as SVG: a small writer of our own.

A logic model is text, so it is drawn as text: it can be read aloud, searched, and read on a
narrow page by scrolling. Nothing is told by colour alone: lanes have their names, a dashed arrow
is named in the legend, and `prose.outline` gives the same model as a list.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from ncpi_eval import figures
from ncpi_eval.errors import InputError, Problem

BOX, GAP = 166, 46  # pixels: width of a box, and of the space between columns
LINE, PADDING, BETWEEN = 17, 8, 14  # of text, in a box, between boxes of a column
MARGIN = 40  # left of the first column, for arrows between boxes of that column
TEXT, CHARACTERS = 13, 23  # size in pixels, and letters that fit a line of a box
HEAD, LANE_HEAD = 30, 30
NAMES, NAME_CHARACTERS, CELL = 270, 38, 132  # of a matrix: room for row names, width of a cell
FONT = "Arial, Helvetica, sans-serif"
# A direction's word stands in the cell; the colour helps the eye and tells nothing more.
DIRECTION_FILLS = {
    "for": "#D3EBE8",
    "mixed": "#FCE9CF",
    "against": "#F1D9E4",
    "context": "#EFEFEF",
    "silent": "#FFFFFF",
}
FILLS = ("#E6F0F9", "#FFFFFF", "#F4EEF8", "#F2F2F2")


@dataclass
class _Box:
    words: list[str]
    column: int
    lane: int
    x: float
    y: float = 0.0

    @property
    def height(self) -> float:
        return LINE * len(self.words) + 2 * PADDING

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def layered(
    nodes: pd.DataFrame,
    arrows: pd.DataFrame,
    *,
    columns: Mapping[str, str],
    lanes: Mapping[str, str],
    column: str = "level",
    lane: str = "pathway",
) -> figures.Drawing:
    """A picture of nodes in columns from left to right and in lanes from top to bottom.

    Parameters
    ----------
    nodes : DataFrame
        node, code and label, and the two columns named below; boxes stand in the order of the rows.
    arrows : DataFrame
        source, target, basis (``inferred`` is dashed); arrows whose ends are not both among the
        nodes are left out.
    columns, lanes : mapping
        Values of `column` and `lane` and what to call them, in the order of the picture.

    Raises
    ------
    InputError
        If a node has no column or lane in the picture.
    """
    _refuse_homeless(nodes, column, columns)
    _refuse_homeless(nodes, lane, lanes)
    known = arrows[arrows["source"].isin(nodes["node"]) & arrows["target"].isin(nodes["node"])]
    columns_of = dict(zip(nodes["node"], nodes[column], strict=True))
    back = known["source"].map(columns_of) == known["target"].map(columns_of)
    first = next(iter(columns))
    margin = MARGIN if (back & (known["source"].map(columns_of) == first)).any() else 1
    order = {name: place for place, name in enumerate(columns)}
    boxes = {
        str(row["node"]): _Box(
            textwrap.wrap(f"{row['code']} {row['label']}", CHARACTERS),
            order[row[column]],
            list(lanes).index(row[lane]),
            margin + order[row[column]] * (BOX + GAP),
        )
        for _, row in nodes.iterrows()
    }
    present = [name for name in lanes if (nodes[lane] == name).any()]
    tops, bottom = _placed(boxes, [list(lanes).index(name) for name in present])
    width = margin + len(columns) * (BOX + GAP) - GAP + 1
    parts = [_marker()]
    for name, place in order.items():
        parts.append(_text(margin + place * (BOX + GAP), 18, columns[name], bold=True))
    for name, top in zip(present, tops, strict=True):
        parts.append(_line(top, width))
        parts.append(_text(margin, top + 19, lanes[name], bold=True))
    parts += _arrows(known, boxes)
    for box in boxes.values():
        parts.append(_drawn(box))
    if known["basis"].eq("inferred").any():
        legend = "Whole line: the report says that one leads to the other. Dashed: we read it so."
        parts.append(_text(margin, bottom + 26, legend))
        bottom += 34
    return figures.Drawing("\n".join(parts), width, bottom + 4)


def matrix(
    cells: pd.DataFrame,
    *,
    row: str,
    column: str,
    words: Sequence[str],
    fill: str,
    columns: Mapping[str, str],
    fills: Mapping[str, str],
) -> figures.Drawing:
    """A picture of a table of words, in which like cells look alike.

    Parameters
    ----------
    cells : DataFrame
        One row for each cell; rows of the picture stand in their order.
    row, column : str
        Columns that name the rows and columns of the picture.
    words : sequence of str
        Columns whose texts stand in a cell, a line for each, the first in bold.
    fill : str
        Column whose value picks the colour among `fills`; a light one, since the words are dark.
    columns : mapping
        Values of `column` and what to call them, in the order of the picture.

    Raises
    ------
    InputError
        If a cell has no column or colour in the picture.
    """
    _refuse_homeless(cells.assign(node=cells[row]), column, columns)
    _refuse_homeless(cells.assign(node=cells[row]), fill, fills)
    place = {name: NAMES + number * (CELL + 6) for number, name in enumerate(columns)}
    height = LINE * len(words) + 12
    parts = [_text(x, 18, columns[name], bold=True) for name, x in place.items()]
    names = list(dict.fromkeys(cells[row]))
    for number, name in enumerate(names):
        lines = textwrap.wrap(str(name), NAME_CHARACTERS)
        top = HEAD + number * (height + 6)
        start = top + (height - LINE * len(lines)) / 2
        parts += [_text(1, start + LINE * (k + 1) - 4, words) for k, words in enumerate(lines)]
    for _, cell in cells.iterrows():
        x, y = place[cell[column]], HEAD + names.index(cell[row]) * (height + 6)
        parts.append(
            f'<rect x="{x:.0f}" y="{y:.1f}" width="{CELL}" height="{height}" rx="3" '
            f'fill="{fills[cell[fill]]}" stroke="{figures.FAINT}" stroke-width="1"/>'
        )
        said = [str(cell[name]) for name in words if str(cell[name])]
        start = y + (height - LINE * len(said)) / 2
        for line, text in enumerate(said):
            parts.append(_text(x + PADDING, start + LINE * (line + 1) - 4, text, bold=not line))
    width = NAMES + len(place) * (CELL + 6) - 4
    return figures.Drawing("\n".join(parts), width, HEAD + len(names) * (height + 6) + 2)


def _placed(boxes: Mapping[str, _Box], lanes: Sequence[int]) -> tuple[list[float], float]:
    """Give each box its height on the page; tops of the lanes and the bottom of all."""
    top: float = HEAD
    tops = []
    for lane in lanes:
        tops.append(top)
        stacks: dict[int, list[_Box]] = {}
        for box in boxes.values():
            if box.lane == lane:
                stacks.setdefault(box.column, []).append(box)
        heights = {
            column: sum(b.height for b in stack) + BETWEEN * (len(stack) - 1)
            for column, stack in stacks.items()
        }
        tallest = max(heights.values())
        for column, stack in stacks.items():
            y = top + LANE_HEAD + (tallest - heights[column]) / 2
            for box in stack:
                box.y = y
                y += box.height + BETWEEN
        top += LANE_HEAD + tallest + BETWEEN
    return tops, top


def _arrows(arrows: pd.DataFrame, boxes: Mapping[str, _Box]) -> Iterator[str]:
    leaving = _ports(arrows, "source", "target", boxes)
    arriving = _ports(arrows, "target", "source", boxes)
    for place, (source, target, basis) in enumerate(
        zip(arrows["source"], arrows["target"], arrows["basis"], strict=True)
    ):
        path = _path(boxes[source], boxes[target], leaving[place], arriving[place], boxes)
        dashed = ' stroke-dasharray="5 4"' if basis == "inferred" else ""
        yield (
            f'<path d="{path}" fill="none" stroke="{figures.GREY}" stroke-width="1.3"{dashed} '
            'marker-end="url(#head)"/>'
        )


def _ports(arrows: pd.DataFrame, own: str, other: str, boxes: Mapping[str, _Box]) -> list[float]:
    """Height at which each arrow meets its box: spread over the side, in the order of the ends."""
    heights = [0.0] * len(arrows)
    ends = list(zip(arrows[own], arrows[other], strict=True))
    for name in dict.fromkeys(arrows[own]):
        mine = [place for place, (node, _) in enumerate(ends) if node == name]
        mine.sort(key=lambda place: boxes[ends[place][1]].middle)
        box = boxes[name]
        for number, place in enumerate(mine, 1):
            heights[place] = box.y + box.height * number / (len(mine) + 1)
    return heights


def _path(source: _Box, target: _Box, start: float, end: float, boxes: Mapping[str, _Box]) -> str:
    x, to = source.x + BOX, target.x - 2
    if source.column == target.column:
        return _back(source, target)
    points = [(x, start)]
    for column in range(source.column + 1, target.column):  # between the boxes it passes
        share = (column - source.column) / (target.column - source.column)
        level = _free(start + (end - start) * share, column, boxes)
        left = source.x + (column - source.column) * (BOX + GAP)
        points += [(left, level), (left + BOX, level)]
    points.append((to, end))
    parts = [f"M{x:.0f} {start:.1f}"]
    for number, ((x1, y1), (x2, y2)) in enumerate(zip(points, points[1:], strict=False)):
        bend = (x2 - x1) / 2
        if number % 2:
            parts.append(f"L{x2:.0f} {y2:.1f}")
        else:
            parts.append(f"C{x1 + bend:.0f} {y1:.1f} {x2 - bend:.0f} {y2:.1f} {x2:.0f} {y2:.1f}")
    return "".join(parts)


def _back(source: _Box, target: _Box) -> str:
    """Out of the side and back into it: on the left of the first column, where nothing else is."""
    down = 1 if target.y > source.y else -1
    start, end = source.middle + down * source.height / 4, target.middle - down * target.height / 4
    reach = min(10 + abs(end - start) / 6, MARGIN - 4) / 0.75
    side, far = (
        (source.x, source.x - reach)
        if not source.column
        else (source.x + BOX, source.x + BOX + min(reach, GAP * 0.8))
    )
    near = side - 2 if not source.column else side + 2
    return f"M{side:.0f} {start:.1f}C{far:.0f} {start:.1f} {far:.0f} {end:.1f} {near:.0f} {end:.1f}"


def _free(wanted: float, column: int, boxes: Mapping[str, _Box]) -> float:
    """The height nearest to the wanted one at which no box of the column stands."""
    stack = sorted((b for b in boxes.values() if b.column == column), key=lambda b: b.y)
    if not stack:
        return wanted
    free = [b.y - BETWEEN / 2 for b in stack] + [b.y + b.height + BETWEEN / 2 for b in stack]
    return min(free, key=lambda height: abs(height - wanted))


def _marker() -> str:
    return (
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="{figures.GREY}"/>'
        "</marker></defs>"
    )


def _drawn(box: _Box) -> str:
    parts = [
        f'<rect x="{box.x:.0f}" y="{box.y:.1f}" width="{BOX}" height="{box.height:.0f}" rx="4" '
        f'fill="{FILLS[box.lane % len(FILLS)]}" stroke="{figures.DARK_BLUE}" stroke-width="1.2"/>'
    ]
    for number, words in enumerate(box.words, 1):
        parts.append(_text(box.x + PADDING, box.y + PADDING + LINE * number - 4, words))
    return "\n".join(parts)


def _text(x: float, y: float, words: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.0f}" y="{y:.1f}" font-size="{TEXT}" font-family="{FONT}" '
        f'fill="{figures.TEXT_COLOUR}"{weight}>{escape(words)}</text>'
    )


def _line(y: float, width: float) -> str:
    return f'<path d="M0 {y:.1f}H{width:.0f}" stroke="{figures.FAINT}" stroke-width="1"/>'


def _refuse_homeless(nodes: pd.DataFrame, name: str, allowed: Mapping[str, str]) -> None:
    odd = nodes[~nodes[name].isin(list(allowed))]
    if len(odd):
        raise InputError(
            "This diagram cannot be drawn.",
            [
                Problem(
                    f"{name} of {odd['node'].iloc[0]}",
                    repr(odd[name].iloc[0]),
                    "one of " + ", ".join(allowed),
                    "Leave these nodes out, or give them a place.",
                )
            ],
        )
