"""Design-based estimates agree with R's survey package, CR2 with clubSandwich and with matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncpi_eval.errors import DesignError
from ncpi_eval.survey import clusters

# R 4.2.2, survey 4.1-1, clubSandwich 0.5.8; the commands are in make_reference.R beside the answers
REFERENCE = Path(__file__).parent / "reference" / "r_survey"
ANSWERS = pd.read_csv(REFERENCE / "answers.csv").set_index(["case", "quantity"])["value"]


def frame(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv")


def answer(case: str, quantity: str) -> float:
    return float(ANSWERS[case, quantity])


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-8, abs=1e-12)


DESIGNS = {
    "clus1": ("apiclus1", {"cluster": "dnum", "weight": "pw", "fpc": "fpc"}),
    "clus1_wr": ("apiclus1", {"cluster": "dnum", "weight": "pw"}),
    "clus1_plain": ("apiclus1", {"cluster": "dnum"}),
    "clus2": ("apiclus2", {"cluster": "dnum", "weight": "pw", "fpc": "fpc1"}),
    "strat": ("apistrat", {"stratum": "stype", "weight": "pw", "fpc": "fpc"}),
    "nhanes": ("nhanes", {"cluster": "sdmvpsu", "stratum": "sdmvstra", "weight": "wtmec2yr"}),
}


def sample(name: str) -> tuple[pd.DataFrame, clusters.Design]:
    data = frame(DESIGNS[name][0])
    return data, clusters.design(data, **DESIGNS[name][1])


@pytest.mark.parametrize(
    ("name", "column", "prefix"),
    [
        ("clus1", "stype", "stype"),
        ("clus1_wr", "stype", "stype"),
        ("clus1_plain", "stype", "stype"),
        ("clus2", "stype", "stype"),
        ("strat", "awards", "awards"),
        ("nhanes", "agegroup", "factor(agegroup)"),
    ],
)
def test_proportions_agree_with_svymean(name: str, column: str, prefix: str) -> None:
    data, design = sample(name)
    result = clusters.proportions(design, data[column])
    for row in result.itertuples():
        for quantity in ("estimate", "std_error", "design_effect"):
            expected = answer(f"{name}.{column}", f"{prefix}{row.category}.{quantity}")
            assert getattr(row, quantity) == close(expected)
    assert result["effective_base"].to_numpy() == pytest.approx(
        result["denominator"] / result["design_effect"]
    )


@pytest.mark.parametrize("name", ["clus1", "clus2", "strat"])
def test_ratio_agrees_with_svyratio(name: str) -> None:
    data, design = sample(name)
    result = clusters.ratio(design, data["api_stu"], data["enroll"])
    assert result.estimate == close(answer(f"{name}.ratio", "estimate"))
    assert result.std_error == close(answer(f"{name}.ratio", "std_error"))
    assert result.design_effect == close(answer(f"{name}.ratio", "design_effect"))


def test_mean_agrees_with_svymean() -> None:
    for name in ("clus1", "strat"):
        data, design = sample(name)
        result = clusters.ratio(design, data["api00"])
        assert result.estimate == close(answer(f"{name}.api00", "api00.estimate"))
        assert result.std_error == close(answer(f"{name}.api00", "api00.std_error"))
        assert result.design_effect == close(answer(f"{name}.api00", "api00.design_effect"))


def test_design_effect_without_replacement_agrees_with_deff_true() -> None:
    data, design = sample("clus1")
    ratio = clusters.ratio(design, data["api_stu"], data["enroll"])
    assert ratio.design_effect_finite == close(answer("clus1.ratio.deff_true", "design_effect"))
    mean = clusters.ratio(design, data["stype"] == "E")
    expected = answer("clus1.stype.deff_true", "stypeE.design_effect")
    assert mean.design_effect_finite == close(expected)


def test_interval_agrees_with_svyciprop_xlogit() -> None:
    data, design = sample("clus1")
    row = clusters.proportions(design, data["awards"]).set_index("category").loc["Yes"]
    assert row["ci_low"] == close(answer("clus1.awards.interval", "low"))
    assert row["ci_high"] == close(answer("clus1.awards.interval", "high"))
    assert row["df"] == answer("clus1.awards.interval", "df")


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("clus1", "sch_wide", "stype"),
        ("clus1_wr", "sch_wide", "stype"),
        ("clus1_plain", "awards", "stype"),
        ("clus2", "awards", "stype"),
        ("strat", "awards", "sch_wide"),
        ("nhanes", "hi_chol", "race"),
        ("nhanes", "agegroup", "race"),
    ],
)
def test_rao_scott_agrees_with_svychisq(name: str, rows: str, columns: str) -> None:
    data, design = sample(name)
    result = clusters.rao_scott(design, data[rows], data[columns])
    case = f"{name}.{rows}.{columns}"
    assert result.f == close(answer(case, "f"))
    assert result.df1 == close(answer(case, "df1"))
    assert result.df2 == close(answer(case, "df2"))
    assert result.p_value == close(answer(case, "p_f"))
    assert result.chi2 == close(answer(case, "x2"))
    assert result.df == answer(case, "df")
    assert result.p_chi2 == close(answer(case, "p_chi2"))


def test_a_domain_keeps_the_clusters_that_have_nobody_in_it() -> None:
    data, design = sample("clus1")
    inside = data["stype"] != "E"
    award = clusters.ratio(design, (data["awards"] == "Yes").where(inside))
    case = 'I(as.numeric(awards == "Yes"))'
    assert award.estimate == close(answer("clus1.high.awards", f"{case}.estimate"))
    assert award.std_error == close(answer("clus1.high.awards", f"{case}.std_error"))
    test = clusters.rao_scott(design, data["awards"].where(inside), data["sch_wide"])
    assert test.f == close(answer("clus1.high.awards.sch_wide", "f"))
    assert test.df2 == close(answer("clus1.high.awards.sch_wide", "df2"))
    assert test.p_value == close(answer("clus1.high.awards.sch_wide", "p_f"))


@pytest.mark.parametrize("policy", ["certainty", "adjust"])
def test_lonely_sampling_unit_agrees_with_r_under_both_policies(policy: clusters.Lonely) -> None:
    data = frame("nhanes")
    data = data[~((data["sdmvstra"] == 75) & (data["sdmvpsu"] == 1))]
    columns = DESIGNS["nhanes"][1]
    design = clusters.design(data, **columns, lonely=policy)
    result = clusters.ratio(design, data["hi_chol"])
    assert result.std_error == close(answer(f"lonely.{policy}", "HI_CHOL.std_error"))
    with pytest.raises(DesignError, match="Only one cluster in stratum 75 of 'sdmvstra'"):
        clusters.design(data, **columns)


def test_a_stratum_sampled_whole_adds_no_variance_and_is_not_lonely() -> None:
    # one of one unit in stratum b: the variance is that of stratum a alone
    data = pd.DataFrame({"h": ["a"] * 40 + ["b"] * 10, "u": list(range(40)) + [0] * 10})
    data["n"] = np.where(data["h"] == "a", 100, 1)
    y = pd.Series(np.arange(50.0) % 7)
    mean = y.mean()
    in_a = (y - mean)[:40] / 50
    expected = (1 - 40 / 100) * 40 * in_a.var(ddof=1)
    result = clusters.ratio(clusters.design(data, cluster="u", stratum="h", fpc="n"), y)
    assert result.std_error == close(expected**0.5)


@pytest.mark.parametrize("name", ["apiclus1", "apiclus2"])
def test_cr2_agrees_with_clubsandwich(name: str) -> None:
    data = frame(name)
    design = clusters.design(data, cluster="dnum")
    award = data["awards"] == "Yes"
    part = data["dnum"] > answer(f"{name}.award.part", "median_dnum")
    results = {
        f"{name}.award": clusters.proportion(design, award),
        f"{name}.award.primary": clusters.difference(design, award, data["stype"] == "E"),
        f"{name}.award.part": clusters.difference(design, award, part),
    }
    for case, result in results.items():
        assert result.estimate == close(answer(case, "estimate"))
        assert result.std_error == close(answer(case, "std_error"))
        assert result.df == close(answer(case, "df"))


def dense_cr2(
    y: np.ndarray, x: np.ndarray, cluster: np.ndarray, contrast: np.ndarray
) -> tuple[float, float]:
    """The same from the definition: A = (I - H)^-1/2 of each cluster, Satterthwaite by matrices."""
    bread = np.linalg.inv(x.T @ x)
    residual = y - x @ bread @ x.T @ y
    maker = np.eye(len(y)) - x @ bread @ x.T
    parts, total = [], 0.0
    for unit in np.unique(cluster):
        here = cluster == unit
        values, vectors = np.linalg.eigh(maker[np.ix_(here, here)])
        adjust = vectors @ np.diag(values**-0.5) @ vectors.T
        weights = adjust @ x[here] @ bread @ contrast
        total += float(weights @ residual[here]) ** 2
        parts.append(maker[:, here] @ weights)
    gram = np.array(parts) @ np.array(parts).T
    return float(np.sqrt(total)), float(np.trace(gram) ** 2 / (gram**2).sum())


def test_cr2_agrees_with_dense_matrices_for_clusters_of_1_to_130() -> None:
    # Pustejovsky and Tipton (2018), equations 4 to 8, written out with matrices
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(8), [130, 60, 25, 21, 3, 2, 1, 1])
    y = (rng.random(len(cluster)) < 0.3 + 0.05 * (cluster % 3)).astype(float)
    data = pd.DataFrame({"unit": cluster})
    design = clusters.design(data, cluster="unit")
    one = np.ones((len(y), 1))
    error, df = dense_cr2(y, one, cluster, np.array([1.0]))
    result = clusters.proportion(design, y)
    assert (result.std_error, result.df) == (close(error), close(df))
    shared, nested = rng.random(len(y)) < 0.4, cluster % 2 == 0
    for group in (shared, nested):
        x = np.column_stack([group, ~group]).astype(float)
        error, df = dense_cr2(y, x, cluster, np.array([1.0, -1.0]))
        result = clusters.difference(design, y, group)
        assert (result.std_error, result.df) == (close(error), close(df))
        assert result.estimate == close(y[group].mean() - y[~group].mean())


def test_equal_clusters_give_the_ordinary_t_test_of_their_means() -> None:
    # 6 clusters of 10: CR2 is the variance of the 6 cluster means over 6, with 5 degrees of freedom
    counts = np.array([1, 2, 3, 4, 5, 9])
    result = clusters.cube_proportion(counts, np.full(6, 10))
    assert result.std_error == close(np.std(counts / 10, ddof=1) / np.sqrt(6))
    assert result.df == close(5)


def test_many_tables_at_once_are_the_tables_one_by_one() -> None:
    rng = np.random.default_rng(1)
    cubes = rng.poisson(4, size=(5, 9, 3, 4)).astype(float)
    design = clusters.simple_design(9)
    together = clusters.cube_rao_scott(design, cubes)
    for index, cube in enumerate(cubes):
        alone = clusters.cube_rao_scott(design, cube)
        assert together.p_value[index] == close(float(alone.p_value))
        assert together.design_effect[index] == close(float(alone.design_effect))


def test_one_pass_counts_and_leaves_out_codes_below_0() -> None:
    cube = clusters.count_cube(
        np.array([0, 0, 1, 1, 1]),
        np.array([0, 1, 1, -1, 1]),
        np.array([0, 0, 1, 0, 1]),
        (2, 2, 2),
        np.array([1.0, 2.0, 4.0, 8.0, 16.0]),
    )
    assert cube.tolist() == [[[1, 0], [2, 0]], [[0, 0], [0, 20]]]


def test_profiles_count_every_breakdown_as_adding_row_by_row_does() -> None:
    rng = np.random.default_rng(3)
    rows = 3000
    unit, area, answer = (rng.integers(0, size, rows) for size in (5, 3, 4))
    area = np.where(rng.random(rows) < 0.1, -1, area)
    status = unit % 2
    profiles = clusters.Profiles(unit, 5, {"area": (area, 3), "status": (status, 2)})
    assert profiles.profiles == 5 * 4  # status follows from the unit
    cubes = profiles.cubes(answer, 4)
    for name, group, categories in (("area", area, 3), ("status", status, 2)):
        expected = np.zeros((5, 4, categories))
        inside = group >= 0
        np.add.at(expected, (unit[inside], answer[inside], group[inside]), 1)
        assert (cubes[name] == expected).all()


def small(rows: int = 40) -> pd.DataFrame:
    turn = np.arange(rows)
    return pd.DataFrame({"unit": turn % 4, "x": turn % 2, "y": turn // 2 % 3, "w": 1.0})


@pytest.mark.parametrize(("rows", "refused"), [(29, True), (30, False), (31, False)])
def test_a_base_under_30_is_refused(rows: int, refused: bool) -> None:
    data = small(rows)
    design = clusters.design(data, cluster="unit")
    if refused:
        with pytest.raises(DesignError, match="the base is 29, under 30"):
            clusters.proportions(design, data["x"])
        with pytest.raises(DesignError, match="the base is 29, under 30"):
            clusters.rao_scott(design, data["x"], data["y"])
    else:
        clusters.proportions(design, data["x"])
        clusters.rao_scott(design, data["x"], data["y"])


def test_refusals_say_what_is_wrong() -> None:
    data = small()
    design = clusters.design(data, cluster="unit")
    with pytest.raises(DesignError, match="at least 2 clusters; 'one' has 1"):
        clusters.design(data.assign(one="a"), cluster="one")
    with pytest.raises(DesignError, match="no column 'force'"):
        clusters.design(data, cluster="force")
    with pytest.raises(DesignError, match="'unit' has 4 missing values"):
        clusters.design(data.assign(unit=data["unit"].where(data.index > 3)), cluster="unit")
    with pytest.raises(DesignError, match="weights in 'w' must be 0 or more"):
        clusters.design(data.assign(w=-1.0), cluster="unit", weight="w")
    with pytest.raises(DesignError, match="'n' must be constant within a stratum"):
        clusters.design(data.assign(n=data.index + 10), cluster="unit", fpc="n")
    with pytest.raises(DesignError, match="'n' is smaller than the sample of clusters"):
        clusters.design(data.assign(n=3), cluster="unit", fpc="n")
    with pytest.raises(DesignError, match="nobody is in none"):
        empty = pd.Categorical(data["y"].map({0: "a", 1: "b", 2: "c"}), ["a", "b", "c", "none"])
        clusters.rao_scott(design, data["x"], pd.Series(empty))
    with pytest.raises(DesignError, match="a variable has only one category"):
        clusters.rao_scott(design, data["x"], data["w"])
    with pytest.raises(DesignError, match="too many cells are empty"):
        clusters.rao_scott(design, data["y"], data["y"])
    with pytest.raises(DesignError, match="all answers come from one cluster"):
        big = small(160)
        only = big["x"].where(big["unit"] == 1)
        clusters.proportions(clusters.design(big, cluster="unit"), only)
    with pytest.raises(DesignError, match="for plain clusters, without weights"):
        clusters.proportion(clusters.design(data, cluster="unit", weight="w"), data["x"])
    with pytest.raises(DesignError, match="counts 0 and 1"):
        clusters.proportion(design, data["y"])
    with pytest.raises(DesignError, match="adds up to 0"):
        clusters.ratio(design, data["x"], data["x"] * 0)
    with pytest.raises(DesignError, match="The design has 40 rows, the variable 3"):
        clusters.proportions(design, [1, 2, 3])
