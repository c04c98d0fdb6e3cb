"""Our rules beside those of ACRO 1.0.2, whose answers are kept in tests/reference/acro."""

from __future__ import annotations

import pandas as pd
import pytest

from ncpi_eval import disclosure, paths
from ncpi_eval.scanner import counts, recovery

FOLDER = paths.ROOT / "tests" / "reference" / "acro"
TABLES = pd.read_csv(FOLDER / "tables.csv", dtype={"response": str})
# Computed with ACRO 1.0.2 and pandas 2.3.3 by make_answers.py.
ANSWERS = pd.read_csv(FOLDER / "answers.csv", dtype={"response": str})
NAMES = sorted(set(TABLES["table"]))


def rows(name):
    """The table with its true margins, as rows of results about real respondents."""
    cells = TABLES[TABLES["table"] == name]
    areas = cells.assign(variable="area").rename(columns={"area": "group"})
    total = areas.groupby("response", as_index=False)["count"].sum()
    frame = pd.concat([total.assign(variable="all", group="all"), areas], ignore_index=True)
    base = frame.groupby("group")["count"].transform("sum")
    return pd.DataFrame(
        {
            "id": "FEff." + frame["response"] + "." + frame["variable"] + "." + frame["group"],
            "question": "Q",
            "response": frame["response"],
            "subgroup_variable": frame["variable"],
            "subgroup": frame["group"],
            "wave": "2019",
            "unit": "respondents",
            "count": frame["count"],
            "denominator": base,
            "data_kind": "real",
        }
    )


def acro(name, margin=False):
    """Counts as ACRO shows them, by response and area; the margin over areas is All."""
    answers = ANSWERS[(ANSWERS["table"] == name) & (ANSWERS["response"] != "All")]
    answers = answers[answers["area"].eq("All") == margin]
    return answers.set_index(["response", "area"])["count"]


def ours(name):
    released = disclosure.release(rows(name))
    return released[released["subgroup_variable"] == "area"].set_index(["response", "subgroup"])


@pytest.mark.parametrize("name", NAMES)
def test_what_acro_withholds_we_withhold(name):
    theirs = acro(name)
    released = ours(name).loc[theirs.index]
    withheld = theirs.isna()
    # ACRO withholds zeros, too; ours are shown and flagged, for whoever looks at the release.
    zero = withheld & released["count"].eq(0).fillna(False)
    assert released.loc[zero, "flag"].eq("zero").all()
    assert released.loc[withheld & ~zero, "suppressed"].all()
    # What neither withholds has the same count.
    both = ~withheld & ~released["suppressed"]
    assert (released.loc[both, "count"].astype(float) == theirs[both]).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_small_cells_and_zeros_are_the_ones_that_acro_withholds(name):
    theirs = acro(name)
    true = TABLES[TABLES["table"] == name].set_index(["response", "area"])["count"]
    small = true.between(0, disclosure.MINIMUM_COUNT - 1)
    assert small.loc[theirs.index].tolist() == theirs.isna().tolist()


def test_nothing_is_withheld_where_nothing_is_small():
    assert not ours("nothing small")["suppressed"].any()
    assert acro("nothing small").notna().all()


def facts(frame):
    """Rows as an attacker reads them."""
    found = counts.Facts()
    for number, row in frame.astype(object).where(frame.notna(), "").iterrows():
        text = {key: str(value) for key, value in row.items()}
        found.rows.append(("results/q.csv", int(number) + 2, text))
    return found


SMALL = [name for name in NAMES if acro(name).isna().any() and name != "nobody"]


@pytest.mark.parametrize("name", SMALL)
def test_a_true_margin_beside_acros_answer_gives_the_small_cell_and_beside_ours_does_not(name):
    frame = rows(name)
    index = pd.MultiIndex.from_frame(frame[["response", "subgroup"]])
    shown = acro(name).reindex(index)
    theirs = frame.assign(suppressed=False)
    gone = (frame["subgroup_variable"] == "area").to_numpy() & shown.isna().to_numpy()
    theirs["count"] = theirs["count"].astype("Int64").mask(gone)
    theirs["suppressed"] = gone
    assert len(list(recovery.recovered(facts(theirs)))) == gone.sum()
    assert list(recovery.recovered(facts(disclosure.release(frame)))) == []


@pytest.mark.parametrize("name", SMALL)
def test_acro_recomputes_margins_and_we_never_do(name):
    true = TABLES[TABLES["table"] == name].groupby("response")["count"].sum()
    theirs = acro(name, margin=True).droplevel("area")
    missing = acro(name).isna().groupby("response").any()
    # The difference from the true margin is what was withheld.
    assert ((true - theirs) > 0).tolist() == missing.tolist()
    released = disclosure.release(rows(name))
    margin = released[released["subgroup"] == "all"].set_index("response")["count"].dropna()
    assert (margin.astype(int) == true.loc[margin.index]).all()
