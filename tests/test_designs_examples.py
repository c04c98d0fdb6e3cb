"""The three lines that every estimator's documentation shows run as they stand."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ncpi_eval.designs import (
    closed_forms,
    interrupted_series,
    power,
    staggered,
    staggered_checks,
    synthetic_control,
)
from ncpi_eval.designs.simulate import Programme
from ncpi_eval.results import Result

MODULES = (
    closed_forms, interrupted_series, power, staggered, staggered_checks, synthetic_control,
)  # fmt: skip


def estimators() -> list[tuple[ModuleType, str]]:
    return [
        (module, name)
        for module in MODULES
        for name, value in vars(module).items()
        if callable(value)
        and not name.startswith("_")
        and value.__module__ == module.__name__
        and getattr(value, "__annotations__", {}).get("return") == "Result"
    ]


def given() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    quarters = np.arange(1, 33)
    frame = pd.DataFrame({"quarter": quarters, "offences": 50 + rng.normal(0, 3, 32)})
    frame["burglary"] = frame["offences"] + rng.normal(0, 3, 32)
    names = ["Norfolk", "Kent", "Essex", "Surrey", "Sussex", "Dorset", "Cumbria", "Durham"]
    panel = pd.DataFrame(
        [
            {"force": force, "quarter": t, "first_inspected": first, "offences": rng.normal(50, 3)}
            for force, first in zip(names, [12, 12, 16, 16, 20, 20, 24, 24], strict=True)
            for t in quarters
        ]
    )
    programme = Programme((100.0,) * 6, (10, 10, 14, 14, 18, 18), 30)
    return {
        "frame": frame,
        "panel": panel,
        "wedge": closed_forms.wedge(12, 3),
        "setting": power.Setting(programme),
    }


def test_all_estimators_are_found() -> None:
    assert len(estimators()) >= 29


@pytest.mark.parametrize(
    ("module", "name"), estimators(), ids=lambda value: getattr(value, "__name__", value)
)
def test_three_lines_run(module: ModuleType, name: str) -> None:
    function: Callable[..., Any] = getattr(module, name)
    lines = [
        example.source for example in doctest.DocTestParser().get_examples(function.__doc__ or "")
    ]
    assert len(lines) == 3
    namespace = given()
    exec("".join(lines), namespace)  # noqa: S102
    result = namespace["result"]
    assert isinstance(result, Result) and len(result.table) and result.text.endswith(".")
