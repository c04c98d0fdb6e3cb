"""One force beside all others: the numbers, and that nothing follows from them about others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ncpi_eval import disclosure, sources
from ncpi_eval.survey import one_force
from ncpi_eval.survey.sensitivity import COMPARED, counted


def table(**forces: tuple[int, int]) -> pd.DataFrame:
    """Count and base by force; names are letters and a number."""
    return pd.DataFrame(
        {int(name[1:]): pair for name, pair in forces.items()}, index=["count", "base"]
    ).T


# Three forces without briefs that hold 12 of 24 people with the answer.
SMALL = {"f7": (4, 8), "f8": (4, 8), "f9": (4, 8)}


def test_a_force_of_enough_people_is_shown_and_small_ones_are_not() -> None:
    assert one_force.shown(table(f1=(20, 40), **SMALL), []) == {1}


@pytest.mark.parametrize(
    ("count", "base", "is_shown"),
    [
        (9, 40, False), (10, 40, True), (30, 40, True), (31, 40, False),
        (14, 29, False), (15, 30, True),
    ],
)  # fmt: skip
def test_the_force_needs_ten_with_and_ten_without_of_thirty(
    count: int, base: int, is_shown: bool
) -> None:
    assert (1 in one_force.shown(table(f1=(count, base), **SMALL), [])) is is_shown


@pytest.mark.parametrize(
    ("rest", "is_shown"),
    [
        ({"f7": (5, 12), "f8": (5, 12)}, False),  # 10 of 24, but two forces only
        ({"f7": (3, 8), "f8": (3, 8), "f9": (3, 8)}, False),  # 9 with the answer
        ({"f7": (4, 8), "f8": (3, 8), "f9": (3, 8)}, True),  # 10 with it
        ({"f7": (5, 8), "f8": (5, 8), "f9": (5, 8)}, False),  # 9 without it
        ({"f7": (6, 8), "f8": (4, 8), "f9": (4, 8)}, True),  # 10 without
        ({}, False),  # nobody is left
    ],
)
def test_those_without_a_brief_are_three_forces_and_ten_people_of_both_kinds(
    rest: dict[str, tuple[int, int]], is_shown: bool
) -> None:
    assert (1 in one_force.shown(table(f1=(20, 40), **rest), [])) is is_shown


def test_where_too_few_are_left_the_smallest_brief_shows_less() -> None:
    # Without forces 1 to 5 nobody is left; 3 and 4 are the smallest, then 2 and 5.
    found = one_force.shown(
        table(f1=(40, 90), f2=(20, 50), f3=(20, 40), f4=(20, 40), f5=(25, 60)), []
    )
    assert found == {1, 5}


def test_each_group_that_the_report_counts_keeps_its_own_rest() -> None:
    group = pd.Series({1: "early", 7: "early", 8: "late", 9: "late", 6: "late", 5: "late"})
    forces = table(f1=(20, 40), f5=(20, 40), f6=(4, 8), **SMALL)
    # Early has one force without a brief (7), late has three (6, 8, 9).
    assert one_force.shown(forces, []) == {1, 5}
    assert one_force.shown(forces, [group]) == {5}


def test_people_without_a_known_force_are_no_force() -> None:
    rest = pd.DataFrame({"count": [50, 6, 6], "base": [100, 12, 12]}, index=[-1, 7, 8])
    assert one_force.shown(pd.concat([table(f1=(20, 40)), rest]), []) == set()


@pytest.fixture(scope="module")
def survey() -> sources.Survey:
    return sources.read_survey("data/synthetic/responses.csv")


def test_no_force_without_a_number_can_be_worked_out(survey: sources.Survey) -> None:
    """Linear algebra over everything published: the attack that the rule must withstand.

    The unknowns are the counts of all forces. Known are the totals of all forces and of every
    group made of whole forces, and each force that is shown. No other force, and no two together,
    may be a combination of these.
    """
    groups = one_force.groups_of_forces(survey)
    names = {group.name for group in groups}
    assert {"inspection_status", "inspection_timing", "joint_inspection"} <= names
    some = 0
    for question, response in COMPARED.items():
        chosen = counted(survey.responses, survey.questionnaire, question, response)
        forces = one_force.by_force(survey, chosen)
        shown = one_force.shown(forces, groups)
        some += len(shown)
        known = [np.ones(len(forces))]
        for group in groups:
            categories = group.reindex(forces.index).fillna("")
            known += [(categories == one).to_numpy(float) for one in categories.unique()]
        known += [(forces.index == force).astype(float) for force in sorted(shown)]
        matrix = np.array(known)
        # The part of a combination of forces that lies outside what is known.
        _, size, basis = np.linalg.svd(matrix, full_matrices=False)
        basis = basis[size > 1e-9]
        hidden = [place for place, force in enumerate(forces.index) if force not in shown]
        unit = np.eye(len(forces))
        for one in hidden:
            for other in hidden:
                wanted = unit[one] + (unit[other] if other != one else 0)
                outside = wanted - basis.T @ (basis @ wanted)
                assert np.linalg.norm(outside) > 0.1, (question, one, other)
    assert some > 50  # otherwise there was nothing to withstand


def test_rows_hold_their_own_against_the_release(survey: sources.Survey) -> None:
    rows = one_force.compare(survey, int(survey.responses["RForc"].mode()[0]))
    assert len(rows) >= 10 and len(rows) % 2 == 0
    released = disclosure.release(rows.assign(data_kind="real"))
    assert not released["suppressed"].any() and (released["flag"] == "").all()


def test_a_force_with_a_few_answers_has_no_rows(survey: sources.Survey) -> None:
    few = int(survey.responses["RForc"].value_counts().index[-1])
    rows = one_force.compare(survey, few)
    assert rows.empty and list(rows) == list(one_force.COLUMNS)


def test_difference_and_interval_against_a_published_example() -> None:
    # Newcombe (1998), Statistics in Medicine 17:873, table II, example (a): 56/70 less 48/80 is
    # 0.2, method 10 gives 0.0524 to 0.3339. There the others are independent people; each as a
    # force of their own gives the same up to the small-sample t of 79 degrees of freedom.
    people = pd.DataFrame({"count": [1] * 48 + [0] * 32, "base": [1] * 80}, index=range(2, 82))
    own, others = one_force._estimates(
        pd.concat([pd.DataFrame({"count": [56], "base": [70]}, index=[1]), people]), 1
    )
    assert own["difference"] == pytest.approx(0.2)
    assert own["difference_low"] == pytest.approx(0.0524, abs=0.003)
    assert own["difference_high"] == pytest.approx(0.3339, abs=0.003)
    assert (others["count"], others["denominator"], others["estimate"]) == (48, 80, 0.6)


def test_alike_colleagues_in_other_forces_widen_the_interval() -> None:
    force = pd.DataFrame({"count": [56], "base": [70]}, index=[1])
    even = pd.DataFrame({"count": [12] * 4, "base": [20] * 4}, index=range(2, 6))
    apart = pd.DataFrame({"count": [20, 4, 20, 4], "base": [20] * 4}, index=range(2, 6))
    (first, _), (second, _) = (
        one_force._estimates(pd.concat([force, rest]), 1) for rest in (even, apart)
    )
    assert first["difference"] == second["difference"]
    assert second["difference_low"] < first["difference_low"]


def test_invented_respondents_say_nothing_about_a_force(survey: sources.Survey) -> None:
    assert one_force.of_brief(survey, 101, "synthetic").why == "invented"
    assert one_force.of_brief(survey, 20, "public_record").rows.empty
