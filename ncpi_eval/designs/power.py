"""What each design could find in this programme: power, bias and coverage by simulation.

A setting names a programme, a design and its estimator. It is simulated many times, and analysed
with the kernels of the estimators themselves, all replications at once. Grids of settings run on
any number of workers, can be stopped and resumed, and give the same numbers from the same seed:
the random numbers of a setting depend on the seed and on the setting, never on its place or worker.

    from ncpi_eval.designs import power
    setting = power.Setting(programme, design="staggered", estimator="group_time")
    power.run([setting], replications=1000, seed=1).table
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ncpi_eval import runs
from ncpi_eval.designs import linear, simulate
from ncpi_eval.designs.estimates import critical, number, tidy
from ncpi_eval.designs.group_time import Linear, linear_estimator
from ncpi_eval.designs.panel import NEVER, treatment_of
from ncpi_eval.designs.series import Model, design
from ncpi_eval.designs.simulate import Programme
from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.results import Result

AT_ONCE = 250
"""Replications per batch: large enough to be fast, small enough to stay in the cache."""

_FORMAT = 1
"""Part of every key, to be raised when simulation or estimators change: old results then do not
count as done."""

_DIGITS = 10
"""Significant digits kept: the last few differ between processors."""

Design = Literal["series", "controlled_series", "staggered", "stepped_wedge"]
Estimator = Literal["newey_west", "gls_ar", "two_way", "group_time"]

_ESTIMATORS = {
    "series": ("newey_west", "gls_ar"),
    "controlled_series": ("newey_west", "gls_ar"),
    "staggered": ("two_way", "group_time"),
    "stepped_wedge": ("two_way", "group_time"),
}


@dataclass(frozen=True)
class Setting:
    """One cell of a grid.

    Parameters
    ----------
    programme : Programme
    design : {"series", "controlled_series", "staggered", "stepped_wedge"}
        "series": the first unit alone. "controlled_series": the first unit less the mean of those
        never treated. "staggered": all units, the calendar as given. "stepped_wedge": the same
        with the order of units drawn at random in every replication.
    estimator : {"newey_west", "gls_ar", "two_way", "group_time"}
        For series Newey-West, or AR(1) by restricted maximum likelihood. For panels two-way fixed
        effects with clustered errors (Student's t with units - 1), or the overall group-time
        effect with not yet treated controls.
    effect_model : {"level", "level_and_slope"}
        What a series may change; the estimate is the mean effect over the periods after.
    seasonal : bool
        Two pairs of harmonics in the model of a series.
    lags : int or None
        Newey-West lags; None is the rule of thumb.
    label : str
        Name of the setting in tables; not part of its identity.
    """

    programme: Programme
    design: Design = "staggered"
    estimator: Estimator = "two_way"
    effect_model: Literal["level", "level_and_slope"] = "level"
    seasonal: bool = False
    lags: int | None = None
    label: str = ""

    def key(self, replications: int, seed: int) -> str:
        """Identity of a result: settings, replications, seed and format."""
        content = asdict(replace(self, label=""))
        text = json.dumps([_FORMAT, content, replications, seed], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def generator(self, seed: int) -> np.random.Generator:
        """Random numbers of this setting: a child of the seed named by the setting's content."""
        content = json.dumps(asdict(replace(self, label="")), sort_keys=True)
        digest = hashlib.sha256(content.encode()).digest()
        child = tuple(int.from_bytes(digest[k : k + 4], "big") for k in range(0, 16, 4))
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=child))


def check(setting: Setting) -> None:
    """Refuse a setting that cannot be estimated, before anything is simulated.

    Raises
    ------
    DesignError
    """
    simulate.check(setting.programme)
    found: list[Problem] = []

    def wrong(name: str, value: object, expected: str, remedy: str) -> None:
        found.append(Problem(f"setting {name}", str(value), expected, remedy))

    if setting.design not in _ESTIMATORS:
        wrong("design", setting.design, ", ".join(_ESTIMATORS), "name one of them")
    elif setting.estimator not in _ESTIMATORS[setting.design]:
        wrong(
            "estimator",
            f"{setting.estimator} for {setting.design}",
            " or ".join(_ESTIMATORS[setting.design]),
            "name one of them",
        )
    cohort = setting.programme.cohort()
    if setting.design in ("series", "controlled_series"):
        if cohort[0] == NEVER:
            wrong("calendar", "the first unit is never treated", "a date", "put it first")
        if setting.design == "controlled_series" and not (cohort == NEVER).any():
            wrong("calendar", "no unit is never treated", "one or more controls", "add controls")
    else:
        treated = cohort[cohort != NEVER]
        if len(cohort) < 4:
            wrong("sizes", f"{len(cohort)} units", "4 or more", "use a series")
        if not treated.size or treated.min() < 1:
            wrong("calendar", "no untreated period before treatment", "1 or more", "start later")
        elif len(np.unique(cohort)) == 1:
            wrong("calendar", "all units are treated at once", "staggered dates", "use a series")
    if found:
        raise DesignError("The setting cannot be simulated.", found)
    if setting.design in ("series", "controlled_series"):
        _series_terms(setting)


@lru_cache(maxsize=64)
def _calendar_weights(cohort: tuple[int, ...], periods: int) -> Linear:
    return linear_estimator(np.array(cohort), periods)


def _series_terms(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Regressors of a series and the combination that is the mean effect afterwards."""
    p = setting.programme
    start = int(p.cohort()[0])
    frame = pd.DataFrame({"time": np.arange(p.periods), "y": np.arange(p.periods) % 2 * 1.0})
    built = design(
        frame,
        Model(
            "y",
            "time",
            start,
            effect=setting.effect_model,
            season="harmonics" if setting.seasonal else None,
            cycle=p.cycle,
            lags=setting.lags,
        ),
    )
    combination = np.where(built.effects, built.x[start:].mean(axis=0), 0.0)
    return built.x, combination[:, None]


def estimates(
    setting: Setting, outcomes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Estimate, standard error and degrees of freedom of each panel (..., units, periods)."""
    p = setting.programme
    cohort = p.cohort()
    if setting.estimator in _ESTIMATORS["series"]:
        y = outcomes[..., 0, :]
        if setting.design == "controlled_series":
            y = y - outcomes[..., cohort == NEVER, :].mean(axis=-2)
        x, combination = _series_terms(setting)
        if setting.estimator == "gls_ar":
            found = linear.autoregressive(x, y)
            variance = np.einsum(
                "i,...ij,j->...", combination[:, 0], found.covariance, combination[:, 0]
            )
            return (
                (found.coefficients @ combination)[..., 0],
                np.sqrt(variance),
                x.shape[0] - x.shape[1],
            )
        lags = linear.bartlett_lags(p.periods) if setting.lags is None else setting.lags
        fit = linear.least_squares(x, y)
        error = linear.newey_west_errors(x, fit, lags, combination)
        return (fit.coefficients @ combination)[..., 0], error[..., 0], x.shape[0] - x.shape[1]
    if setting.estimator == "two_way":
        panel = linear.two_way(outcomes, treatment_of(cohort, p.periods))
        return panel.estimate, panel.std_error, panel.clusters - 1
    estimate, error = _calendar_weights(tuple(cohort.tolist()), p.periods).apply(outcomes)
    return estimate, error, None


def true_effect(setting: Setting) -> float:
    """What the estimate should be: the effect under the estimator's own cells.

    For a series the mean over the periods after; for group-time the cells by cohort share; for
    two-way fixed effects the mean over treated cells, which it is usually taken for.
    """
    p = setting.programme
    effect = p.effect * p.arrival()
    if setting.estimator in _ESTIMATORS["series"]:
        return float(effect[0, int(p.cohort()[0]) :].mean())
    if setting.estimator == "group_time":
        weights = _calendar_weights(tuple(p.cohort().tolist()), p.periods)
        return float(weights.estimates(effect))
    return float(effect[treatment_of(p.cohort(), p.periods) == 1].mean())


def simulate_setting(setting: Setting, replications: int, seed: int) -> dict[str, Any]:
    """Power, bias and coverage of one setting.

    Parameters
    ----------
    setting : Setting
    replications : int
        10 or more.
    seed : int
        0 or more.

    Returns
    -------
    dict
        power (share of two-sided 5% tests that reject no effect; with an effect of 0 the false
        positive rate), truth, estimate (mean), bias, bias_mc_error, sd (of estimates), std_error
        (mean), coverage (of the 95% interval), coverage_mc_error, replications.
    """
    rng = setting.generator(seed)
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    df: float | None = None
    for start in range(0, replications, AT_ONCE):
        panels = simulate.outcomes(
            setting.programme,
            min(AT_ONCE, replications - start),
            rng,
            shuffle=setting.design == "stepped_wedge",
        )
        estimate, error, df = estimates(setting, panels)
        parts.append((estimate, error))
    estimate = np.concatenate([part[0] for part in parts])
    error = np.concatenate([part[1] for part in parts])
    truth, bar = true_effect(setting), critical(0.95, df)
    covered = float(np.mean(np.abs(estimate - truth) <= bar * error))
    sd = float(estimate.std(ddof=1))
    row = {
        "power": float(np.mean(np.abs(estimate) > bar * error)),
        "truth": truth,
        "estimate": float(estimate.mean()),
        "bias": float(estimate.mean() - truth),
        "bias_mc_error": sd / np.sqrt(replications),
        "sd": sd,
        "std_error": float(error.mean()),
        "coverage": covered,
        "coverage_mc_error": float(np.sqrt(covered * (1 - covered) / replications)),
    }
    rounded: dict[str, Any] = {name: _rounded(value) for name, value in row.items()}
    return {**rounded, "replications": replications}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _task(replications: int, seed: int, setting: Setting) -> dict[str, Any]:
    return simulate_setting(setting, replications, seed)


def run(
    settings: Sequence[Setting],
    *,
    replications: int = 1000,
    seed: int,
    workers: int = 1,
    store: Path | str | None = None,
    scheduler: str = "",
    progress: bool = False,
) -> Result:
    """Simulate every setting of a grid.

    Parameters
    ----------
    settings : sequence of Setting
        All are checked before any is simulated.
    replications, seed : int
    workers : int
        Processes; 1 stays in this one. The numbers do not depend on it.
    store : path or None
        File to which every finished setting is added at once, one JSON line each. A second call
        with the same file simulates only what is missing; a line cut short counts as missing.
    scheduler : str
        Address of a Dask scheduler that is used instead, see `runs.each`; blank for none.
    progress : bool
        Say on standard error how many settings are done, of those that were missing.

    Returns
    -------
    Result
        One row per setting, in the order given: term (label), the settings that matter, and the
        columns of `simulate_setting`; `n` is the number of units.

    Raises
    ------
    DesignError
        For any setting that cannot be simulated, or fewer than 10 replications.

    Examples
    --------
    >>> from ncpi_eval.designs import power
    >>> result = power.run(power.grid(setting, effect=[0.0, 0.2]), replications=100, seed=1)
    >>> result.table[["effect", "power", "bias", "coverage"]]
    """
    problems = [
        Problem("settings", "none", "one or more", "list some") for _ in range(not settings)
    ]
    if replications < 10 or workers < 1 or seed < 0:
        problems.append(
            Problem(
                "settings replications, workers, seed",
                f"{replications}, {workers}, {seed}",
                "10 or more, 1 or more, 0 or more",
                "use 1000 replications",
            )
        )
    if problems:
        raise DesignError("The grid cannot be run.", problems)
    for setting in settings:
        check(setting)
    keys = [setting.key(replications, seed) for setting in settings]
    done = _stored(store)
    missing = {key: s for key, s in zip(keys, settings, strict=True) if key not in done}
    simulated = runs.each(
        functools.partial(_task, replications, seed),
        missing.values(),
        label="settings",
        name=lambda setting: setting.label or f"{setting.design}, {setting.estimator}",
        workers=min(workers, max(len(missing), 1)),
        scheduler=scheduler if missing else "",
        progress=progress,
    )
    for key, row in zip(missing, simulated, strict=True):
        done[key] = row
        _keep(store, key, row)
    rows = [{**_described(s), **done[key]} for key, s in zip(keys, settings, strict=True)]
    table = tidy(rows)
    worst = min(rows, key=lambda row: row["coverage"])
    return Result(
        table,
        f"Over {len(rows)} settings power ranges from {number(min(r['power'] for r in rows), 2)} "
        f"to {number(max(r['power'] for r in rows), 2)}; the 95% interval covers the true effect "
        f"in {100 * worst['coverage']:.0f}% of {replications} replications at worst "
        f"({worst['term']}).",
    )


def _described(setting: Setting) -> dict[str, Any]:
    p = setting.programme
    return {
        "term": setting.label or f"{setting.design}, {setting.estimator}",
        "n": len(p.sizes),
        "method": f"{setting.estimator} by simulation",
        "design": setting.design,
        "periods": p.periods,
        "effect": p.effect,
        "autocorrelation": p.autocorrelation,
    }


def _stored(store: Path | str | None) -> dict[str, dict[str, Any]]:
    if store is None or not Path(store).exists():
        return {}
    found = {}
    for line in Path(store).read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            found[entry["key"]] = entry["row"]
        except (ValueError, KeyError, TypeError):
            continue  # a line cut short by an interruption
    return found


def _keep(store: Path | str | None, key: str, row: dict[str, Any]) -> None:
    if store is None:
        return
    path = Path(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    start = ""
    if path.exists() and path.stat().st_size:
        with path.open("rb") as file:
            file.seek(-1, 2)
            start = "" if file.read(1) == b"\n" else "\n"
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(start + json.dumps({"key": key, "row": row}) + "\n")


def minimum_detectable(
    setting: Setting,
    *,
    power: float = 0.8,
    replications: int = 1000,
    seed: int,
    largest: float = 2.0,
) -> Result:
    """Smallest effect (in the direction of the setting's) found with the wanted power.

    Halves the bracket with the same random numbers at every trial, so that power rises smoothly.

    Parameters
    ----------
    setting : Setting
        Its effect gives the direction only; 0 counts as up.
    largest : float
        Effects above it are not looked for.

    Returns
    -------
    Result
        One row: `estimate` is the effect (log rate ratio for counts, with `ratio`), or NaN if
        even `largest` is not found.

    Examples
    --------
    >>> from ncpi_eval.designs import power
    >>> result = power.minimum_detectable(setting, replications=100, seed=1)
    >>> result.table[["estimate", "power"]]
    """
    check(setting)
    if not 0 < power < 1 or replications < 10 or not largest > 0:
        raise DesignError(
            "The smallest effect cannot be searched like that.",
            [
                Problem(
                    "settings power, replications, largest",
                    f"{power}, {replications}, {largest}",
                    "0 to 1, 10 or more, above 0",
                    "use 0.8 and 1000",
                )
            ],
        )
    sign = -1.0 if setting.programme.effect < 0 else 1.0
    # The generator is that of the setting without effect, whatever is tried.
    base = replace(setting, programme=replace(setting.programme, effect=0.0))

    def reached(effect: float) -> float:
        return _power_with(base, sign * effect, replications, seed)

    low, high = 0.0, largest
    found = np.nan
    if reached(largest) >= power:
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (low, middle) if reached(middle) >= power else (middle, high)
        found = sign * high
    row = {
        **_described(setting),
        "term": "minimum detectable effect",
        "estimate": found,
        "power": power,
        "replications": replications,
    }
    del row["effect"]
    if setting.programme.outcome == "counts":
        row["ratio"] = float(np.exp(found))
    words = f"is {number(float(found))}" if np.isfinite(found) else f"is above {number(largest)}"
    return Result(
        tidy([row]),
        f"The smallest effect found with probability {number(power, 2)} {words} "
        f"({setting.label or setting.design}, {setting.estimator}).",
    )


def _power_with(base: Setting, effect: float, replications: int, seed: int) -> float:
    rng = base.generator(seed)
    changed = replace(base.programme, effect=effect)
    rejected = 0
    for start in range(0, replications, AT_ONCE):
        count = min(AT_ONCE, replications - start)
        panels = simulate.outcomes(changed, count, rng, shuffle=base.design == "stepped_wedge")
        estimate, error, df = estimates(base, panels)
        rejected += int(np.sum(np.abs(estimate) > critical(0.95, df) * error))
    return rejected / replications


def grid(base: Setting, **varied: Iterable[Any]) -> list[Setting]:
    """Every combination of varied settings.

    Parameters
    ----------
    base : Setting
    **varied : iterable
        Fields of `Setting` or of its `Programme`, each with its values; the first varies slowest.

    Raises
    ------
    DesignError
        For a name that neither has.
    """
    found = [base]
    for name, values in varied.items():
        values = list(values)
        if name in Setting.__dataclass_fields__:
            found = [replace(s, **{name: value}) for s in found for value in values]
        elif name in Programme.__dataclass_fields__:
            found = [
                replace(s, programme=replace(s.programme, **{name: value}))
                for s in found
                for value in values
            ]
        else:
            raise DesignError(
                "The grid varies something that is no setting.",
                [
                    Problem(
                        f"setting {name}", "unknown", "a field of Setting or Programme", "rename"
                    )
                ],
            )
    return found
