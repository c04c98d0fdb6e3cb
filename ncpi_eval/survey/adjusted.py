"""Differences between groups with the make-up of the groups held equal.

Respondents of inspected and of uninspected forces are different mixes of custody, child protection
and neighbourhood staff, of old hands and newcomers, and these differ in what they answer. The mix
is the obvious rival explanation of every difference by inspection status. A logistic model with
area, service and rank answers it as far as these three go: the adjusted difference is what the
groups would differ by if both had everybody's mix (the average marginal effect).

Respondents of one force are alike, so that variances are cluster-robust by force, with the small
sample correction CR2 and Satterthwaite's degrees of freedom (few forces, of 1 to 130 respondents:
without them intervals are far too short).

A model that cannot be trusted is refused before anything is fitted, with all the reasons at once.
The reasons hold no counts of people, because a refusal is shown like a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, stats

from ncpi_eval.errors import DesignError, Problem
from ncpi_eval.survey.clusters import MINIMUM_BASE
from ncpi_eval.survey.tabulation import SELF_SELECTED

# Peduzzi and others (1996), Journal of Clinical Epidemiology 49:1373: coefficients of a logistic
# model are unreliable with fewer than about ten events per parameter.
EVENTS_PER_PARAMETER = 10
# One force cannot show how forces of its group differ.
MINIMUM_FORCES = 2

COVARIATES = ("area", "service", "rank")
METHOD = (
    "Logistic model; average marginal effect; CR2 by force (Bell and McCaffrey), "
    "Satterthwaite t, delta method"
)
NOT_CAUSAL = "Adjusted for what was asked, not for what forces differ by otherwise."


@dataclass(frozen=True)
class _Data:
    """Complete rows: outcome, group and covariates as codes, force as code."""

    counted: np.ndarray
    group: pd.Categorical
    covariates: pd.DataFrame
    force: np.ndarray
    left_out: int

    @property
    def reference(self) -> int:
        return len(self.group.categories) - 1


def adjusted_difference(
    counted: pd.Series,
    groups: pd.DataFrame,
    force: pd.Series,
    exposure: str = "inspection_status",
    covariates: Sequence[str] = COVARIATES,
    level: float = 0.95,
) -> pd.DataFrame:
    """Difference between groups in the share that gives an answer, adjusted for covariates.

    Parameters
    ----------
    counted : Series of bool or nullable boolean
        Whether the respondent's answer is counted; missing for respondents outside the base.
    groups : DataFrame
        The exposure and the covariates, one categorical column each, rows as in `counted`; missing
        where the respondent is in no category. Order of categories as in the column; categories
        that nobody in the base has are dropped. The last category of the exposure is the reference.
    force : Series
        Force of the respondent; missing where not given.
    exposure : str
        Column of `groups` whose categories are compared.
    covariates : sequence of str
        Columns of `groups` to hold equal; one with a single category in the base is left out.
    level : float
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        One row per category of the exposure but the reference: subgroup_variable, subgroup,
        reference, unit, count and denominator (of the complete rows of both groups together),
        left_out (respondents of the base for whom something is missing), clusters (forces),
        estimate (adjusted difference in proportion, category minus reference), std_error, df,
        ci_low, ci_high, p_value (all cluster-robust), unadjusted with unadjusted_low and
        unadjusted_high (the same respondents and method without covariates), odds_ratio with
        odds_ratio_low and odds_ratio_high (adjusted), covariates, smallest_cell (fewest respondents
        in a category of a covariate within a group), method, caveat.

    Raises
    ------
    DesignError
        Before anything is fitted, listing every reason: fewer than two groups; a base under 30;
        fewer than two forces in a group; a covariate category with nobody in a group; a category in
        which everybody or nobody is counted; fewer than ten events per parameter; categories that
        determine each other; answers that a combination of categories separates completely.

    References
    ----------
    Pustejovsky and Tipton (2018), Journal of Business and Economic Statistics 36:672 (CR2 and
    degrees of freedom for weighted models, as in R's clubSandwich, against which this is tested).
    """
    data = _complete(counted, groups, force, exposure, covariates)
    _refuse(data, exposure)
    adjusted = _effects(data, data.covariates, level)
    unadjusted = _effects(data, data.covariates.iloc[:, :0], level)
    categories = [str(name) for name in data.group.categories]
    frame = pd.DataFrame(
        {
            "subgroup_variable": exposure,
            "subgroup": categories[:-1],
            "reference": categories[-1],
            "unit": "respondents",
            "count": int(data.counted.sum()),
            "denominator": len(data.counted),
            "left_out": data.left_out,
            "clusters": len(np.unique(data.force)),
        }
    )
    frame = pd.concat([frame, adjusted], axis=1)
    for new, old in (("", "estimate"), ("_low", "ci_low"), ("_high", "ci_high")):
        frame[f"unadjusted{new}"] = unadjusted[old]
    return frame.assign(
        covariates="|".join(data.covariates.columns),
        smallest_cell=_smallest_cell(data),
        method=METHOD,
        caveat=f"{SELF_SELECTED} {NOT_CAUSAL}",
    )


def _complete(
    counted: pd.Series,
    groups: pd.DataFrame,
    force: pd.Series,
    exposure: str,
    covariates: Sequence[str],
) -> _Data:
    columns = {name: groups[name] for name in (exposure, *covariates)}
    frame = pd.DataFrame({"_counted": counted, "_force": force, **columns})
    frame = frame[frame["_counted"].notna()]
    complete = frame.dropna()
    labels = {name: pd.Categorical(complete[name]).remove_unused_categories() for name in columns}
    used = [name for name in covariates if len(labels[name].categories) > 1]
    return _Data(
        counted=complete["_counted"].astype(bool).to_numpy(),
        group=labels[exposure],
        covariates=pd.DataFrame({name: labels[name] for name in used}),
        force=pd.factorize(complete["_force"], sort=True)[0],
        left_out=len(frame) - len(complete),
    )


# --- refusals ------------------------------------------------------------------------------------


def _refuse(data: _Data, exposure: str) -> None:
    problems = [*_of_size(data, exposure)]
    # The later checks read a table or a matrix that only exists when the first ones passed.
    if not problems:
        problems += _of_cells(data, exposure)
    if not problems:
        problems += _of_matrix(data)
    if problems:
        raise DesignError(
            f"The adjusted model of {exposure} is refused; nothing was fitted.", problems
        )


def _of_size(data: _Data, exposure: str) -> list[Problem]:
    problems = []
    base, groups = len(data.counted), len(data.group.categories)
    if base < MINIMUM_BASE:
        problems.append(
            Problem(
                "complete answers",
                f"fewer than {MINIMUM_BASE}",
                f"{MINIMUM_BASE} or more",
                "take a question or a breakdown with more answers",
            )
        )
    if groups < 2:
        problems.append(Problem(exposure, f"{groups} group", "2 or more", "take another breakdown"))
        return problems
    for code, name in enumerate(data.group.categories):
        forces = len(np.unique(data.force[data.group.codes == code]))
        if forces < MINIMUM_FORCES:
            problems.append(
                Problem(
                    f"{exposure} {name}",
                    f"{forces} force" + ("s" if forces != 1 else ""),
                    f"{MINIMUM_FORCES} or more",
                    "report the difference without an interval by force",
                )
            )
    return problems


def _of_cells(data: _Data, exposure: str) -> list[Problem]:
    problems = []
    for name in (exposure, *data.covariates.columns):
        labels = data.group if name == exposure else data.covariates[name].cat
        codes = np.asarray(labels.codes)
        for code, category in enumerate(labels.categories):
            inside = codes == code
            counted = int(data.counted[inside].sum())
            if counted in (0, int(inside.sum())):
                problems.append(
                    Problem(
                        f"{name} {category}",
                        "everybody or nobody counted",
                        "some counted and some not",
                        "join the category with another or leave the covariate out",
                    )
                )
            problems += [
                Problem(
                    f"{name} {category}, {exposure} {group}",
                    "nobody",
                    "1 or more",
                    "join the category with another or leave the covariate out",
                )
                for position, group in enumerate(data.group.categories)
                if name != exposure and not (inside & (data.group.codes == position)).any()
            ]
    events = int(min(data.counted.sum(), (~data.counted).sum()))
    parameters = _matrix(data, data.covariates).shape[1]
    if events < EVENTS_PER_PARAMETER * parameters:
        problems.append(
            Problem(
                "events",
                f"fewer than {EVENTS_PER_PARAMETER * parameters} for {parameters} parameters",
                f"{EVENTS_PER_PARAMETER} for each parameter",
                "leave covariates out or join categories",
            )
        )
    return problems


def _of_matrix(data: _Data) -> list[Problem]:
    matrix = _matrix(data, data.covariates)
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        return [
            Problem(
                "covariates",
                "categories that determine each other",
                "categories that vary separately",
                "leave one of the covariates out",
            )
        ]
    if _separated(matrix, data.counted):
        return [
            Problem(
                "covariates together",
                "combinations that decide the answer completely",
                "some counted and some not along every combination",
                "leave a covariate out or join categories",
            )
        ]
    return []


def _separated(matrix: np.ndarray, counted: np.ndarray) -> bool:
    """Whether a direction exists along which nobody is on the wrong side (Konis 2007)."""
    signed = np.where(counted, 1.0, -1.0)[:, None] * matrix
    patterns = np.unique(signed, axis=0)
    found = optimize.linprog(
        -patterns.sum(axis=0), A_ub=-patterns, b_ub=np.zeros(len(patterns)), bounds=(-1, 1)
    )
    return found.status == 0 and -found.fun > 1e-8


# --- the model -----------------------------------------------------------------------------------


def _matrix(data: _Data, covariates: pd.DataFrame, group: int | None = None) -> np.ndarray:
    """Intercept, groups, then covariates, each without its reference; or all in one `group`."""
    codes = np.asarray(data.group.codes) if group is None else np.full(len(data.counted), group)
    columns = [np.ones(len(data.counted))]
    columns += [codes == code for code in range(data.reference)]
    for name in covariates.columns:
        labels = covariates[name].cat
        columns += [labels.codes == code for code in range(1, len(labels.categories))]
    return np.column_stack(columns).astype(float)


def _fit(counted: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Coefficients of the logistic model."""
    import statsmodels.api as sm  # noqa: PLC0415  (a second to import; most pages never fit)

    model = sm.GLM(counted.astype(float), matrix, family=sm.families.Binomial())
    return np.asarray(model.fit(tol=1e-12, maxiter=100).params)


def _effects(data: _Data, covariates: pd.DataFrame, level: float) -> pd.DataFrame:
    matrix = _matrix(data, covariates)
    coefficients = _fit(data.counted, matrix)
    robust = _Robust(matrix, data.counted, coefficients, data.force)
    at_reference = _matrix(data, covariates, data.reference)
    rows = []
    for code in range(data.reference):
        moved = _matrix(data, covariates, code)
        p1, p0 = _inverse_logit(moved @ coefficients), _inverse_logit(at_reference @ coefficients)
        effect = float((p1 - p0).mean())
        gradient = (
            (p1 * (1 - p1))[:, None] * moved - (p0 * (1 - p0))[:, None] * at_reference
        ).mean(axis=0)
        error, df = robust.error(gradient), robust.degrees_of_freedom(gradient)
        reach = stats.t.isf((1 - level) / 2, df) * error
        own = np.zeros(len(coefficients))
        own[1 + code] = 1.0
        odds = coefficients[1 + code] + np.array([0.0, -1.0, 1.0]) * robust.error(
            own
        ) * stats.t.isf((1 - level) / 2, robust.degrees_of_freedom(own))
        rows.append(
            {
                "estimate": effect,
                "std_error": error,
                "df": df,
                "ci_low": max(effect - reach, -1.0),
                "ci_high": min(effect + reach, 1.0),
                "p_value": float(2 * stats.t.sf(abs(effect) / error, df)),
                "odds_ratio": float(np.exp(odds[0])),
                "odds_ratio_low": float(np.exp(odds[1])),
                "odds_ratio_high": float(np.exp(odds[2])),
            }
        )
    return pd.DataFrame(rows)


def _inverse_logit(value: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-value))


class _Robust:
    """CR2 covariance of a logistic model, and degrees of freedom of any contrast.

    In the notation of Pustejovsky and Tipton, for the mean mu = inverse logit(X b) made linear at
    the estimate: design V X and working covariance V with V = mu (1 - mu), M = (X'VX)^-1,
    residuals e = y - mu, and for each cluster the adjustment
    A = V^(1/2) (V^(1/2) (V - V X M X' V) V^(1/2))^(-1/2) V^(1/2).
    """

    def __init__(
        self, matrix: np.ndarray, counted: np.ndarray, coefficients: np.ndarray, force: np.ndarray
    ) -> None:
        mean = _inverse_logit(matrix @ coefficients)
        variance = mean * (1 - mean)
        self.bread = np.linalg.inv(matrix.T @ (variance[:, None] * matrix))
        self.parts = []
        scores = []
        for cluster in np.unique(force):
            rows = force == cluster
            x, v = matrix[rows], variance[rows]
            linear, root = v[:, None] * x, np.sqrt(v)
            inner = np.diag(v) - linear @ self.bread @ linear.T
            adjustment = root[:, None] * _inverse_root(root[:, None] * inner * root) * root
            # A contrast c weighs the cluster's residuals by h c.
            h = adjustment @ x @ self.bread
            self.parts.append((h, linear, v))
            scores.append((counted[rows] - mean[rows]) @ h)
        self.covariance = np.array(scores).T @ np.array(scores)

    def error(self, contrast: np.ndarray) -> float:
        return float(np.sqrt(contrast @ self.covariance @ contrast))

    def degrees_of_freedom(self, contrast: np.ndarray) -> float:
        own = np.array([((h @ contrast) ** 2 * v).sum() for h, _, v in self.parts])
        shared = np.array([linear.T @ (h @ contrast) for h, linear, _ in self.parts])
        p = np.diag(own) - shared @ self.bread @ shared.T
        return float(np.trace(p) ** 2 / (p**2).sum())


def _inverse_root(matrix: np.ndarray) -> np.ndarray:
    """Symmetric pseudo-inverse square root: directions that a cluster determines alone drop out."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = values > values.max() * 1e-10
    scale = np.zeros_like(values)
    scale[kept] = values[kept] ** -0.5
    return (vectors * scale) @ vectors.T


def _smallest_cell(data: _Data) -> int:
    """Fewest respondents in a category (of the exposure or a covariate) within a group."""
    cells = [np.bincount(data.group.codes)]
    for name in data.covariates.columns:
        table = pd.crosstab(data.covariates[name].to_numpy(), np.asarray(data.group.codes))
        cells.append(table.to_numpy().ravel())
    return int(np.concatenate(cells).min())
