"""Which tables of whole numbers can stand behind printed percentages, and what they imply.

A report prints 54% and 69% and says that the difference is significant. The counts are not
printed, but they are not free: each percentage is a count over a base, rounded half up to a whole
per cent; the bases add up to a known total; the overall percentage is printed too. This module
goes through every table of counts that these facts allow and gives the smallest and the largest
p-value among them, exactly, without the data.

For one response set in any number of groups, Pearson's statistic depends on the totals and on one
sum over the groups, so that groups can be added one by one and only the smallest and the largest
sum per pair of totals is kept. Several response sets in two groups are enumerated outright.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from ncpi_eval.errors import DesignError

# Beyond this many pairs of group tables an outright enumeration would not end in seconds.
MAXIMUM_TABLES = 40_000_000
_CHUNK = 400_000


@dataclass(frozen=True)
class PrintedGroup:
    """What is known of one group.

    Parameters
    ----------
    name : str
        Category of the breakdown.
    percents : tuple of int
        Printed whole percentages, 0 to 100, one for each response set in the order of the call.
    low, high : int
        Smallest and largest number of respondents in the group, both inclusive.
    """

    name: str
    percents: tuple[int, ...]
    low: int
    high: int


@dataclass(frozen=True)
class PRange:
    """Smallest and largest p-value of Pearson's test over all tables that the printing allows.

    `chi2_low` belongs to `p_high` and the reverse; `df` are the degrees of freedom.
    """

    p_low: float
    p_high: float
    chi2_low: float
    chi2_high: float
    df: int


def p_range(
    groups: Sequence[PrintedGroup],
    base: tuple[int, int],
    overall: Sequence[tuple[int, int] | None] = (None,),
    rest: tuple[int, int] | None = None,
    response_sets: Sequence[str] = ("1",),
) -> PRange:
    """Range of Pearson's p-value over all whole-number tables behind printed percentages.

    Parameters
    ----------
    groups : sequence of PrintedGroup
        The groups that are compared, two or more.
    base : (int, int)
        Smallest and largest number of respondents in all groups and `rest`, inclusive.
    overall : sequence of (int, int) or None
        Smallest and largest printed overall percentage for each response set (the same number
        twice when one is printed); None where none is printed.
    rest : (int, int) or None
        Smallest and largest size of a further group for which nothing is printed. It takes part
        in the base and the overall percentage, not in the test. None if there is no such group.
    response_sets : sequence of str
        Option codes counted by each percentage, like `1` or `1|2`; sets may be disjoint or nested.
        Answers outside all sets form the last row of the table.

    Returns
    -------
    PRange

    Raises
    ------
    DesignError
        Fewer than two groups; no table agrees with the printed numbers; sets that overlap without
        one holding the other; several response sets with more than two groups, or too many tables.
    """
    if len(groups) < 2:
        raise DesignError("A comparison needs two groups or more.")
    if len(response_sets) == 1:
        found = _range_one_set(groups, base, overall[0], rest)
        df = len(groups) - 1
    else:
        found, df = _range_several_sets(groups, base, overall, rest, response_sets)
    if found is None:
        printed = ", ".join(f"{g.name} {'/'.join(map(str, g.percents))}%" for g in groups)
        raise DesignError(
            f"No table of whole numbers gives {printed} with a base of {base[0]} to {base[1]}."
        )
    low, high = found
    return PRange(float(stats.chi2.sf(high, df)), float(stats.chi2.sf(low, df)), low, high, df)


def counts_behind(percent: int, size: int) -> range:
    """Counts out of `size` that are printed as `percent` when rounded half up.

    Parameters
    ----------
    percent : int
        Printed whole percentage, 0 to 100.
    size : int
        Number of respondents, 1 or more.

    Returns
    -------
    range
        Empty when no count out of `size` is printed so.
    """
    low, high = _count_limits(np.array([size]), percent, percent)
    return range(max(int(low[0]), 0), min(int(high[0]), size) + 1)


def _count_limits(
    size: np.ndarray, percent_low: int, percent_high: int
) -> tuple[np.ndarray, np.ndarray]:
    """Half up: (2p - 1) n <= 200 x < (2p + 1) n, in whole numbers so that nothing is lost."""
    low = -(-(2 * percent_low - 1) * size // 200)
    high = ((2 * percent_high + 1) * size - 1) // 200
    return low, high


# --- one response set, any number of groups ------------------------------------------------------


@dataclass
class _Sums:
    """Smallest and largest sum of x^2/n for each total size (row) and total count (column).

    Infinite where no table has these totals; `rows` and `columns` bound the filled part.
    """

    low: np.ndarray
    high: np.ndarray

    def __post_init__(self) -> None:
        filled = np.isfinite(self.low)
        self.rows = _ends(filled.any(axis=1))
        self.columns = _ends(filled.any(axis=0))


def _ends(filled: np.ndarray) -> tuple[int, int]:
    """First and last filled position, inclusive; (0, -1) if there is none."""
    where = np.flatnonzero(filled)
    return (int(where[0]), int(where[-1])) if len(where) else (0, -1)


def _range_one_set(
    groups: Sequence[PrintedGroup],
    base: tuple[int, int],
    overall: tuple[int, int] | None,
    rest: tuple[int, int] | None,
) -> tuple[float, float] | None:
    options = [_options(group) for group in groups]
    if any(len(sizes) == 0 for sizes, _ in options):
        return None
    options.sort(key=lambda pair: -len(pair[0]))
    if len(options) == 4 and rest is None:
        # Two pairs that meet at the base are far fewer tables than one group after the other.
        sums = _meet(
            _pair(options[0], options[3], base[1]), _pair(options[1], options[2], base[1]), base[0]
        )
    else:
        sums = _pair(options[0], options[1], base[1])
        for position, (sizes, counts) in enumerate(options[2:], start=3):
            is_last = position == len(options)
            first_row = base[0] if is_last and rest is None else 0
            sums = _add(sums, sizes, counts, first_row)
    return _statistic_range(sums, base, overall, rest)


def _options(group: PrintedGroup) -> tuple[np.ndarray, np.ndarray]:
    """All (size, count) of one group that are printed as they are."""
    sizes = np.arange(max(group.low, 1), group.high + 1)
    low, high = _count_limits(sizes, group.percents[0], group.percents[0])
    low, high = np.maximum(low, 0), np.minimum(high, sizes)
    repeats = np.maximum(high - low + 1, 0)
    size = np.repeat(sizes, repeats)
    start = np.repeat(np.cumsum(repeats) - repeats, repeats)
    return size, np.repeat(low, repeats) + np.arange(len(size)) - start


def _unfilled(limit: int) -> tuple[np.ndarray, np.ndarray]:
    shape = (limit + 1, limit + 1)
    return np.full(shape, np.inf), np.full(shape, -np.inf)


_Options = tuple[np.ndarray, np.ndarray]


def _pair(first: _Options, second: _Options, limit: int) -> _Sums:
    """Sums over two groups, for total sizes up to `limit`."""
    low, high = _unfilled(limit)
    (sizes, counts), (other_sizes, other_counts) = first, second
    other_terms = other_counts**2 / other_sizes
    step = max(_CHUNK // max(len(other_sizes), 1), 1)
    for start in range(0, len(sizes), step):
        part = slice(start, start + step)
        size = sizes[part, None] + other_sizes
        keep = size <= limit
        at = (size[keep], (counts[part, None] + other_counts)[keep])
        term = ((counts[part] ** 2 / sizes[part])[:, None] + other_terms)[keep]
        np.minimum.at(low, at, term)
        np.maximum.at(high, at, term)
    return _Sums(low, high)


def _add(sums: _Sums, sizes: np.ndarray, counts: np.ndarray, first_row: int) -> _Sums:
    """The sums with one more group; totals above the base or under `first_row` are left out."""
    limit = sums.low.shape[0] - 1
    (r0, r1), (c0, c1) = sums.rows, sums.columns
    new_low, new_high = _unfilled(limit)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        top, bottom, right = (
            max(r0, first_row - size),
            min(r1, limit - size),
            min(c1, limit - count),
        )
        if top > bottom or c0 > right:
            continue
        term = count * count / size
        source = (slice(top, bottom + 1), slice(c0, right + 1))
        target = (slice(top + size, bottom + size + 1), slice(c0 + count, right + count + 1))
        np.minimum(new_low[target], sums.low[source] + term, out=new_low[target])
        np.maximum(new_high[target], sums.high[source] + term, out=new_high[target])
    return _Sums(new_low, new_high)


def _meet(first: _Sums, second: _Sums, first_row: int) -> _Sums:
    """Sums over two sets of groups together, for total sizes from `first_row` up to the base."""
    limit = first.low.shape[0] - 1
    low, high = _unfilled(limit)
    for size in range(first.rows[0], first.rows[1] + 1):
        column = np.flatnonzero(np.isfinite(first.low[size]))
        last = min(limit - size, second.rows[1])
        for other in range(max(first_row - size, second.rows[0]), last + 1):
            other_column = np.flatnonzero(np.isfinite(second.low[other]))
            if len(column) == 0 or len(other_column) == 0:
                continue
            at = (column[:, None] + other_column).ravel()
            lows = first.low[size, column][:, None] + second.low[other, other_column]
            highs = first.high[size, column][:, None] + second.high[other, other_column]
            np.minimum.at(low[size + other], at, lows.ravel())
            np.maximum.at(high[size + other], at, highs.ravel())
    return _Sums(low, high)


def _statistic_range(
    sums: _Sums,
    base: tuple[int, int],
    overall: tuple[int, int] | None,
    rest: tuple[int, int] | None,
) -> tuple[float, float] | None:
    size, count = np.nonzero(np.isfinite(sums.low))
    keep = _allowed_totals(size, count, base, overall, rest) & (count > 0) & (count < size)
    size, count = size[keep], count[keep]
    if len(size) == 0:
        return None
    scale = size**2 / (count * (size - count))
    centre = count**2 / size
    low = (scale * (sums.low[size, count] - centre)).min()
    high = (scale * (sums.high[size, count] - centre)).max()
    return max(float(low), 0.0), float(high)


def _allowed_totals(
    size: np.ndarray,
    count: np.ndarray,
    base: tuple[int, int],
    overall: tuple[int, int] | None,
    rest: tuple[int, int] | None,
) -> np.ndarray:
    """Which totals of the compared groups agree with the base and the overall percentage."""
    allowed = np.zeros(len(size), dtype=bool)
    rest_low, rest_high = rest or (0, 0)
    for total in range(base[0], base[1] + 1):
        remaining = total - size
        fits = (remaining >= rest_low) & (remaining <= rest_high)
        if overall is not None:
            low, high = _count_limits(np.array([total]), *overall)
            # The remaining group may hold any count from 0 to its size.
            fits &= (np.maximum(low[0], count) <= np.minimum(high[0], count + remaining)) & (
                low[0] <= high[0]
            )
        allowed |= fits
    return allowed


# --- several response sets, two groups -----------------------------------------------------------


def _range_several_sets(
    groups: Sequence[PrintedGroup],
    base: tuple[int, int],
    overall: Sequence[tuple[int, int] | None],
    rest: tuple[int, int] | None,
    response_sets: Sequence[str],
) -> tuple[tuple[float, float] | None, int]:
    if len(groups) != 2:
        raise DesignError("Several response sets can be enumerated for two groups only.")
    children = _children(response_sets)
    first, second = (_tables(group, children) for group in groups)
    if len(first) * len(second) > MAXIMUM_TABLES:
        raise DesignError(
            f"{len(first) * len(second):,} tables are too many to enumerate; narrow the sizes."
        )
    df = len(response_sets)
    lows, highs = [], []
    step = max(_CHUNK // max(len(second), 1), 1)
    for start in range(0, len(first), step):
        a, b = first[start : start + step, None, :], second[None, :, :]
        keep = _agrees(a + b, base, overall, rest, len(response_sets))
        statistic = _pearson(a, b, children)[keep]
        if len(statistic):
            lows.append(statistic.min())
            highs.append(statistic.max())
    return ((float(min(lows)), float(max(highs))) if lows else None), df


def _children(response_sets: Sequence[str]) -> list[list[int]]:
    """For each set, the largest other sets inside it; the last entry is for the whole base."""
    codes = [frozenset(text.split("|")) for text in response_sets]
    for a, b in combinations(codes, 2):
        if a & b and not (a < b or b < a):
            raise DesignError(
                f"The response sets {'|'.join(sorted(a))} and {'|'.join(sorted(b))} overlap."
            )
    everything = frozenset().union(*codes) | {"all others"}
    inside = []
    for parent in [*codes, everything]:
        smaller = [i for i, code in enumerate(codes) if code < parent]
        inside.append([i for i in smaller if not any(codes[i] < codes[j] for j in smaller)])
    return inside


def _tables(group: PrintedGroup, children: list[list[int]]) -> np.ndarray:
    """One row per table of a group: the count of each response set, then the size."""
    rows = []
    for size in range(max(group.low, 1), group.high + 1):
        ranges = [np.array(counts_behind(percent, size)) for percent in group.percents]
        counts = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(ranges))
        rows.append(np.column_stack([counts, np.full(len(counts), size)]))
    table = np.concatenate(rows).astype(np.int64)
    return table[(_cells(table, children) >= 0).all(axis=-1)]


def _cells(counts: np.ndarray, children: list[list[int]]) -> np.ndarray:
    """Disjoint cells from counts of nested sets: each set less the sets inside it."""
    return np.stack(
        [counts[..., i] - counts[..., inner].sum(axis=-1) for i, inner in enumerate(children)],
        axis=-1,
    )


def _agrees(
    total: np.ndarray,
    base: tuple[int, int],
    overall: Sequence[tuple[int, int] | None],
    rest: tuple[int, int] | None,
    sets: int,
) -> np.ndarray:
    shape = total.shape[:-1]
    keep = np.ones(shape, dtype=bool)
    size = total[..., -1].ravel()
    # Each set is held against the base on its own, which allows at most a few tables too many.
    for position in range(sets):
        count = total[..., position].ravel()
        keep &= _allowed_totals(size, count, base, overall[position], rest).reshape(shape)
    return keep


def _pearson(a: np.ndarray, b: np.ndarray, children: list[list[int]]) -> np.ndarray:
    """Pearson's statistic of two groups: sum over cells of (p1 - p2)^2 / (pooled / harmonic)."""
    n1, n2 = a[..., -1:].astype(float), b[..., -1:].astype(float)
    x1, x2 = _cells(a, children).astype(float), _cells(b, children).astype(float)
    total = x1 + x2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (x1 / n1 - x2 / n2) ** 2 * n1 * n2 / total
    return np.where(total > 0, terms, 0.0).sum(axis=-1)
