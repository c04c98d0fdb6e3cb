"""How far coders agree, before anything is counted from what they coded.

Five coefficients for the same codings, because each fails somewhere: percent agreement takes luck
for agreement, kappa collapses when one code is much more frequent than the others, alpha and AC1
disagree about what luck is. The coefficient of record is Krippendorff's alpha: it takes any number
of coders, missing codings and ordered codes; the others stand beside it.

Two rules keep the numbers honest. Text that nobody coded is left out: qualitative software that
counts every character nobody touched as agreement reports kappas near 1 for coders who hardly
agree. And a coefficient that does not exist (one coder, one unit, the same code everywhere) is
refused with the reason instead of being shown as NaN or 0.

Intervals resample units with a fixed seed, so that they speak about other extracts coded by the
same coders, not about other coders. Where a standard analytic interval exists it stands beside.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats import inter_rater

from ncpi_eval import intervals
from ncpi_eval.errors import DesignError, InputError, Problem

SCALES = ("nominal", "ordinal", "interval", "ratio")
FEW_UNITS = 20
"""Below it a percentile interval is too narrow to be read without a warning."""
UNDEFINED_ALLOWED = 0.05
"""Share of resamples in which the coefficient may not exist before no interval is given."""


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Parameters
    ----------
    level : float
        Coverage, strictly between 0 and 1, of the analytic intervals too.
    draws : int
        Resamples of units; 0 makes no such interval.
    seed : int
        The same seed gives the same interval.
    """

    level: float = 0.95
    draws: int = 1000
    seed: int = 20221103

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise DesignError(f"A level of confidence lies between 0 and 1; found {self.level!r}.")


RESAMPLING = Resampling()
_NONE_STANDARD = (math.nan, math.nan)


@dataclass(frozen=True)
class Agreement:
    """One coefficient and what it rests on.

    Parameters
    ----------
    coefficient : str
        percent, cohen, fleiss, krippendorff or gwet.
    method : str
        The coefficient in words, with scale or weights and the kind of interval.
    unit : str
        What was coded, such as ``extracts``.
    units : int
        Units that the coefficient compares: coded by two coders or more.
    left_out : int
        Units given that fewer than two coders coded; they are not compared.
    coders, codings : int
        Coders, and codes given to the units compared.
    estimate : float
        1 is full agreement; 0 is agreement by luck (for percent: none at all).
    ci_low, ci_high : float
        Percentile interval over resampled units; NaN where `caveat` says why there is none.
    analytic_low, analytic_high : float
        The standard large-sample interval; NaN for a coefficient without one here.
    caveat : str
        What a reader must know before using the number; may be empty.
    """

    coefficient: str
    method: str
    unit: str
    units: int
    left_out: int
    coders: int
    codings: int
    estimate: float
    ci_low: float
    ci_high: float
    analytic_low: float
    analytic_high: float
    caveat: str


# ---------------------------------------------------------------------------------------------
# From codings to ratings


def ratings(
    codings: pd.DataFrame,
    *,
    unit: str = "extract",
    coder: str = "coder",
    code: str = "code",
    none: str = "none_applies",
) -> pd.DataFrame:
    """One row per unit and one column per coder, without the units that nobody coded.

    Parameters
    ----------
    codings : DataFrame
        One row per unit and coder. An empty code is a unit that this coder has not coded.
    unit, coder, code : str
        Columns that hold them.
    none : str
        Code of a coder who read the unit and found that nothing of the frame applies. It counts as
        a disagreement with a coder who found something; a unit to which all gave it is uncoded
        text and is left out.

    Returns
    -------
    DataFrame
        Index unit, columns coders, both sorted; NA where a coder gave nothing.

    Raises
    ------
    InputError
        If a coder coded a unit twice.
    """
    twice = codings[codings.duplicated([unit, coder], keep="first")]
    if len(twice):
        raise InputError(
            "A coder gives each unit one code.",
            [
                Problem(
                    f"{unit} {row[unit]}, {coder} {row[coder]}",
                    "a second coding",
                    "one",
                    "Keep the coding that was meant, or split the extract in two.",
                )
                for _, row in twice.iterrows()
            ],
        )
    wide = _blank_is_missing(codings.set_index([unit, coder])[code].unstack(coder))
    somebody = (wide.notna() & (wide != none)).any(axis="columns")
    return wide[somebody].sort_index(axis="index").sort_index(axis="columns")


def presence(wide: pd.DataFrame, codes: Sequence[Hashable]) -> pd.DataFrame:
    """Whether each coder gave one of some codes: 1 or 0, NA where the coder gave nothing.

    Units to which nobody gave one of the codes stay in: somebody coded them otherwise.
    """
    return wide.isin(list(codes)).astype("Int64").mask(wide.isna())


def _blank_is_missing(wide: pd.DataFrame) -> pd.DataFrame:
    return wide.astype(object).where(wide.notna() & (wide != ""), None)


# ---------------------------------------------------------------------------------------------
# The coefficients


def percent_agreement(
    wide: pd.DataFrame,
    *,
    unit: str = "extracts",
    categories: Sequence[Hashable] | None = None,
    resampling: Resampling = RESAMPLING,
) -> Agreement:
    """Share of pairs of codings of a unit that agree, averaged over units; luck not taken off.

    Parameters
    ----------
    wide : DataFrame
        One row per unit, one column per coder, missing where a coder gave no code.
    unit : str
        What a row is, for the reader.
    categories : sequence, optional
        All codes that could be given, in their order; by default those that were.
    resampling : Resampling
        How the intervals are made.

    Returns
    -------
    Agreement
        The analytic interval is Wilson's, and only for two coders: with more, pairs within a unit
        depend on each other.

    Raises
    ------
    DesignError
        With fewer than two coders, or fewer than two units that two coders coded.
    InputError
        If a code is not among `categories`.
    """
    coded = _coded(wide, unit, categories)
    estimate = _pairs_agreeing(coded.counts)
    analytic = _NONE_STANDARD
    if coded.coders == 2:
        agreeing = round(estimate * len(coded.counts))
        low, high = intervals.wilson(agreeing, len(coded.counts), level=resampling.level)
        analytic = (float(low), float(high))
    name = ("percent", "Percent agreement")
    return _result(coded, name, coded.counts, _pairs_agreeing, resampling, analytic)


def cohen_kappa(
    wide: pd.DataFrame,
    *,
    weights: str | None = None,
    unit: str = "extracts",
    categories: Sequence[Hashable] | None = None,
    resampling: Resampling = RESAMPLING,
) -> Agreement:
    """Cohen's kappa of two coders over the units that both coded.

    Parameters
    ----------
    weights : {None, "linear", "quadratic"}
        Disagreement between ordered codes by their distance in the order of `categories`.
    wide, unit, categories, resampling
        As in `percent_agreement`; weights of codes that are not numbers need `categories`.

    Returns
    -------
    Agreement
        The analytic interval is that of Fleiss, Cohen and Everitt, by statsmodels.

    Raises
    ------
    DesignError
        As in `percent_agreement`; also with more than two coders and without variation.

    References
    ----------
    Cohen (1960), Educational and Psychological Measurement 20:37; Fleiss, Cohen and Everitt (1969),
    Psychological Bulletin 72:323.
    """
    if weights not in (None, "linear", "quadratic"):
        raise DesignError(f"Weights are 'linear', 'quadratic' or None; found {weights!r}.")
    coded = _coded(wide, unit, categories, ordered=weights is not None)
    if coded.coders != 2:
        raise DesignError(
            f"Cohen's kappa compares two coders; found {coded.coders}. Choose two columns, or use "
            "Fleiss' kappa or Krippendorff's alpha."
        )
    _refuse_no_variation(coded, "Cohen's kappa")
    size = len(coded.categories)

    def table(pairs: np.ndarray) -> np.ndarray:
        cells = pairs[:, 0] * size + pairs[:, 1]
        return np.bincount(cells, minlength=size * size).reshape(size, size)

    def statistic(pairs: np.ndarray) -> float:
        return float(inter_rater.cohens_kappa(table(pairs), wt=weights, return_results=False))

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        standard = inter_rater.cohens_kappa(table(coded.codes), wt=weights)
    reach = float(stats.norm.ppf((1 + resampling.level) / 2)) * float(standard.std_kappa)
    analytic = (float(standard.kappa) - reach, min(1.0, float(standard.kappa) + reach))
    name = ("cohen", "Cohen's kappa" + (f", {weights} weights" if weights else ""))
    return _result(coded, name, coded.codes, statistic, resampling, analytic)


def fleiss_kappa(
    wide: pd.DataFrame,
    *,
    unit: str = "extracts",
    categories: Sequence[Hashable] | None = None,
    resampling: Resampling = RESAMPLING,
) -> Agreement:
    """Fleiss' kappa of two or more coders who all coded every unit, by statsmodels.

    Parameters
    ----------
    wide, unit, categories, resampling
        As in `percent_agreement`.

    Returns
    -------
    Agreement
        Without analytic interval: the published standard error holds only if all agreement is luck.

    Raises
    ------
    DesignError
        As in `percent_agreement`; also where a coding is missing and without variation.

    References
    ----------
    Fleiss (1971), Psychological Bulletin 76:378.
    """
    coded = _coded(wide, unit, categories)
    partly = int((coded.counts.sum(axis=1) < coded.coders).sum())
    if partly:
        raise DesignError(
            f"Fleiss' kappa needs every coder's code for every unit; {partly} of "
            f"{len(coded.counts)} {unit} lack one. Krippendorff's alpha takes missing codings."
        )
    _refuse_no_variation(coded, "Fleiss' kappa")

    def statistic(counts: np.ndarray) -> float:
        return float(inter_rater.fleiss_kappa(counts))

    name = ("fleiss", "Fleiss' kappa")
    return _result(coded, name, coded.counts, statistic, resampling)


def krippendorff_alpha(
    wide: pd.DataFrame,
    *,
    scale: str = "nominal",
    unit: str = "extracts",
    categories: Sequence[Hashable] | None = None,
    resampling: Resampling = RESAMPLING,
) -> Agreement:
    """Krippendorff's alpha: 1 - observed / expected disagreement of pairable codings.

    Parameters
    ----------
    scale : {"nominal", "ordinal", "interval", "ratio"}
        What a difference of codes means. Ordinal codes that are not numbers need `categories`;
        interval and ratio codes are numbers, ratio codes not below 0.
    wide, unit, categories, resampling
        As in `percent_agreement`. A unit that one coder coded pairs with nothing and is left out,
        also from the frequencies of codes.

    Returns
    -------
    Agreement
        The interval resamples units. Hayes and Krippendorff's macro resamples pairs instead, and
        gives somewhat narrower ones.

    Raises
    ------
    DesignError
        As in `percent_agreement`; also without variation and for codes that the scale cannot have.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, sections C to F.
    """
    if scale not in SCALES:
        raise DesignError(f"A scale is one of {', '.join(SCALES)}; found {scale!r}.")
    coded = _coded(wide, unit, categories, ordered=scale == "ordinal")
    values = _values(coded.categories, scale)
    _refuse_no_variation(coded, "Krippendorff's alpha")

    def statistic(counts: np.ndarray) -> float:
        each = counts.sum(axis=1) - 1.0
        coincidences = (counts / each[:, None]).T @ counts
        coincidences -= np.diag((counts / each[:, None]).sum(axis=0))
        frequencies = coincidences.sum(axis=0)
        apart = _distances(values, frequencies, scale)
        by_luck = np.outer(frequencies, frequencies) - np.diag(frequencies)
        expected = (by_luck * apart).sum() / (frequencies.sum() - 1)
        if expected == 0:
            return math.nan
        return float(1 - (coincidences * apart).sum() / expected)

    name = ("krippendorff", f"Krippendorff's alpha, {scale}")
    return _result(coded, name, coded.counts, statistic, resampling)


def gwet_ac1(
    wide: pd.DataFrame,
    *,
    unit: str = "extracts",
    categories: Sequence[Hashable] | None = None,
    resampling: Resampling = RESAMPLING,
) -> Agreement:
    """Gwet's AC1: agreement beyond luck where luck shrinks as one code comes to dominate.

    Parameters
    ----------
    wide, unit, categories, resampling
        As in `percent_agreement`. The number of possible codes enters the formula: give
        `categories` when some were never used. As in Gwet's own software, a unit that one coder
        coded counts for the frequencies of codes, not for agreement.

    Returns
    -------
    Agreement
        The analytic interval is Gwet's (t distribution, cut at 1).

    Raises
    ------
    DesignError
        As in `percent_agreement`; also if only one code is possible.

    References
    ----------
    Gwet (2008), British Journal of Mathematical and Statistical Psychology 61:29, equations 2, 6
    and 27; Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition, chapter 5.
    """
    coded = _coded(wide, unit, categories)
    if len(coded.categories) < 2:
        _refuse_no_variation(coded, "Gwet's AC1")
    possible = len(coded.categories)

    def statistic(counts: np.ndarray) -> float:
        compared = counts[counts.sum(axis=1) >= 2]
        if not len(compared):
            return math.nan
        share = (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)
        by_luck = (share * (1 - share)).sum() / (possible - 1)
        return float((_pairs_agreeing(compared) - by_luck) / (1 - by_luck))

    every = np.vstack([coded.counts, coded.single])
    estimate = statistic(every)
    error = _ac1_error(every, estimate, possible)
    reach = float(stats.t.ppf((1 + resampling.level) / 2, len(every) - 1)) * error
    analytic = (estimate - reach, min(1.0, estimate + reach))
    return _result(coded, ("gwet", "Gwet's AC1"), every, statistic, resampling, analytic)


_COEFFICIENTS: dict[str, Callable[..., Agreement]] = {
    "krippendorff": krippendorff_alpha,
    "gwet": gwet_ac1,
    "fleiss": fleiss_kappa,
    "cohen": cohen_kappa,
    "percent": percent_agreement,
}


def table(
    wide: pd.DataFrame,
    *,
    stem: str,
    data_kind: str,
    scale: str = "nominal",
    unit: str = "extracts",
    categories: Sequence[Hashable] | None = None,
    resampling: Resampling = RESAMPLING,
) -> pd.DataFrame:
    """All coefficients of the same codings as result rows; what does not exist says why.

    Parameters
    ----------
    stem : str
        Beginning of the ids: `{stem}.{coefficient}`.
    data_kind : str
        published, public_record, real or synthetic.
    scale : str
        For alpha; with ``ordinal`` kappa has linear, with interval and ratio quadratic weights.
    wide, unit, categories, resampling
        As in `percent_agreement`.

    Returns
    -------
    DataFrame
        One row per coefficient: id, unit, estimate, ci_low, ci_high, method, caveat, data_kind,
        coefficient, units (compared), left_out, coders, codings, analytic_low, analytic_high,
        refusal (why there is no estimate, or empty).
    """
    weights = {"ordinal": "linear", "interval": "quadratic", "ratio": "quadratic"}.get(scale)
    own: dict[str, dict[str, Any]] = {
        "krippendorff": {"scale": scale},
        "cohen": {"weights": weights},
    }
    rows: list[dict[str, Any]] = []
    for name, function in _COEFFICIENTS.items():
        row: dict[str, Any] = {"coefficient": name, "refusal": ""}
        try:
            options = {"unit": unit, "categories": categories, "resampling": resampling}
            found = function(wide, **options, **own.get(name, {}))
            row |= vars(found)
        except DesignError as refusal:
            row |= {"unit": unit, "method": name, "caveat": "", "refusal": refusal.message}
        rows.append(row | {"id": f"{stem}.{name}", "data_kind": data_kind})
    return pd.DataFrame(rows, columns=_TABLE)


_TABLE = (
    "id unit estimate ci_low ci_high method caveat data_kind coefficient units left_out coders "
    "codings analytic_low analytic_high refusal"
).split()


# ---------------------------------------------------------------------------------------------
# What they share


@dataclass(frozen=True)
class _Coded:
    """Codings as counts: rows units that two coders or more coded, columns categories."""

    counts: np.ndarray
    single: np.ndarray  # the same for units that one coder coded
    codes: np.ndarray  # units x coders, position of the code in categories, -1 for none
    categories: tuple[Hashable, ...]
    coders: int
    left_out: int
    unit: str


def _coded(
    wide: pd.DataFrame,
    unit: str,
    categories: Sequence[Hashable] | None,
    ordered: bool = False,
) -> _Coded:
    wide = _blank_is_missing(wide)
    coders = int(wide.notna().any(axis="index").sum())
    if coders < 2:
        raise DesignError(
            f"Agreement needs two coders or more; found {'one' if coders else 'none'}. "
            "Let a second person code some of the same text."
        )
    wide = wide.loc[:, wide.notna().any(axis="index")]
    known = _categories(wide, categories, ordered)
    position = {category: number for number, category in enumerate(known)}
    codes = np.array(
        [[-1 if pd.isna(cell) else position[cell] for cell in row] for row in wide.to_numpy()]
    ).reshape(len(wide), coders)
    counts = np.array([np.bincount(row[row >= 0], minlength=len(known)) for row in codes])
    each = counts.sum(axis=1)
    if (each >= 2).sum() < 2:
        number = int((each >= 2).sum())
        raise DesignError(
            f"Agreement needs two {unit} or more that two coders coded; found "
            f"{'one' if number else 'none'} among {len(wide)}. Code more of the same text twice."
        )
    return _Coded(
        counts=counts[each >= 2],
        single=counts[each == 1],
        codes=codes[each >= 2],
        categories=known,
        coders=coders,
        left_out=int((each < 2).sum()),
        unit=unit,
    )


def _categories(
    wide: pd.DataFrame, categories: Sequence[Hashable] | None, ordered: bool
) -> tuple[Hashable, ...]:
    used = set(wide.to_numpy()[wide.notna().to_numpy()].tolist())
    if categories is None:
        numbers = all(isinstance(value, int | float | np.number) for value in used)
        if ordered and not numbers:
            raise DesignError(
                "Ordered codes that are not numbers need their order: give categories from lowest "
                "to highest."
            )
        return tuple(sorted(used)) if numbers else tuple(sorted(used, key=str))
    unknown = sorted(str(value) for value in used - set(categories))
    if unknown:
        remedy = "Correct it, or add it to the frame with a definition."
        raise InputError(
            "Some codes are not in the frame.",
            [Problem("codings", repr(code), "a code of the frame", remedy) for code in unknown],
        )
    return tuple(categories)


def _refuse_no_variation(coded: _Coded, name: str) -> None:
    used = np.flatnonzero(coded.counts.sum(axis=0))
    if len(used) == 1:
        raise DesignError(
            f"{name} does not exist without variation: all {len(coded.counts)} {coded.unit} have "
            f"the code {coded.categories[used[0]]!r} from every coder, so that agreement cannot be "
            "told from luck. Percent agreement (100%) is all that can be said."
        )


def _values(categories: tuple[Hashable, ...], scale: str) -> np.ndarray:
    if scale in ("nominal", "ordinal"):
        return np.arange(len(categories), dtype=float)
    try:
        values = np.array([float(value) for value in categories])  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DesignError(
            f"Codes on a scale of kind {scale} are numbers; found {categories[0]!r}. Use nominal "
            "or ordinal."
        ) from None
    if scale == "ratio" and (values < 0).any():
        raise DesignError("Ratio codes are not below 0. Use the interval scale.")
    return values


def _distances(values: np.ndarray, frequencies: np.ndarray, scale: str) -> np.ndarray:
    """Squared differences of every two codes, as the scale defines them."""
    if scale == "nominal":
        return 1.0 - np.eye(len(values))
    if scale == "ordinal":
        # Codings between two ranks, both ranks by half: the difference of their mid-ranks.
        middle = np.cumsum(frequencies) - frequencies / 2
        return (middle[:, None] - middle[None, :]) ** 2
    apart = values[:, None] - values[None, :]
    if scale == "interval":
        return apart**2
    total = values[:, None] + values[None, :]
    return np.divide(apart, total, out=np.zeros_like(apart), where=total != 0) ** 2


def _pairs_agreeing(counts: np.ndarray) -> float:
    each = counts.sum(axis=1)
    return float(((counts * (counts - 1)).sum(axis=1) / (each * (each - 1))).mean())


def _ac1_error(counts: np.ndarray, estimate: float, possible: int) -> float:
    """Standard error of AC1 over units, by linearisation (Gwet 2008, equation 27)."""
    each = counts.sum(axis=1)
    share = counts / each[:, None]
    overall = share.mean(axis=0)
    by_luck = (overall * (1 - overall)).sum() / (possible - 1)
    own_luck = (share * (1 - overall)).sum(axis=1) / (possible - 1)
    compared = each >= 2
    pairs = np.where(compared, each * (each - 1), 1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / pairs
    units = len(counts)
    own = units / compared.sum() * (agreeing - by_luck * compared) / (1 - by_luck)
    own = own - 2 * (1 - estimate) * (own_luck - by_luck) / (1 - by_luck)
    return math.sqrt(((own - estimate) ** 2).sum() / (units * (units - 1)))


def _result(
    coded: _Coded,
    name: tuple[str, str],
    rows: np.ndarray,
    statistic: Callable[[np.ndarray], float],
    resampling: Resampling,
    analytic: tuple[float, float] = _NONE_STANDARD,
) -> Agreement:
    """The statistic of the rows (one per unit), with its interval."""
    coefficient, method = name
    estimate = statistic(rows)
    low, high, caveat = _resampled(rows, statistic, resampling)
    if estimate == 1 and not caveat:
        caveat = "Every unit agrees, so that resampling units shows no uncertainty."
    elif len(coded.counts) < FEW_UNITS and resampling.draws:
        few = f"Fewer than {FEW_UNITS} {coded.unit}: the interval is too narrow."
        caveat = f"{caveat} {few}".strip()
    if resampling.draws:
        method += f"; percentile interval, {resampling.draws} resamples of {coded.unit}"
    return Agreement(
        coefficient=coefficient,
        method=method,
        unit=coded.unit,
        units=len(coded.counts),
        left_out=coded.left_out,
        coders=coded.coders,
        codings=int(coded.counts.sum()),
        estimate=estimate,
        ci_low=low,
        ci_high=high,
        analytic_low=analytic[0],
        analytic_high=analytic[1],
        caveat=caveat,
    )


def _resampled(
    rows: np.ndarray, statistic: Callable[[np.ndarray], float], resampling: Resampling
) -> tuple[float, float, str]:
    draws, level = resampling.draws, resampling.level
    if not draws:
        return math.nan, math.nan, ""
    random = np.random.default_rng(resampling.seed)
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # A resample in which all codes are the same has no coefficient; it is counted below.
        warnings.simplefilter("ignore", RuntimeWarning)
        found = np.array(
            [statistic(rows[random.integers(0, len(rows), len(rows))]) for _ in range(draws)]
        )
    exist = found[np.isfinite(found)]
    missing = draws - len(exist)
    if missing > UNDEFINED_ALLOWED * draws:
        return (
            math.nan,
            math.nan,
            f"No interval: in {missing} of {draws} resamples all codes are the same.",
        )
    low, high = np.quantile(exist, [(1 - level) / 2, (1 + level) / 2])
    caveat = f"{missing} of {draws} resamples without variation are left out." if missing else ""
    return float(low), float(high), caveat
