"""The families of exercises that a quiz's TOML can ask for: one row here makes one available everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Exercise, Family
from dosegrade.registry import LazyRegistry
from dosegrade.spec import build

HERE = "dosegrade.grading.exercises"

FAMILIES: LazyRegistry[Family] = LazyRegistry(
    "exercise family",
    {
        "network": f"{HERE}.gradient:FAMILY",
        "descent": f"{HERE}.descent:FAMILY",
        "activation": f"{HERE}.activation:FAMILY",
        "optimizer": f"{HERE}.optimizer:FAMILY",
        "td-lambda": f"{HERE}.td_lambda:FAMILY",
        "value-targets": f"{HERE}.targets:FAMILY",
    },
)


def exercise(table: Mapping[str, Any], returns: tuple[str, ...], where: str) -> Exercise:
    """The exercise of a quiz's `[questions.exercise]` table; SpecError names `where` and the key."""
    if not isinstance(table.get("family"), str):
        raise SpecError(f"{where}: the key 'family' is missing; it names one of {', '.join(FAMILIES)}.")
    try:
        family = FAMILIES[table["family"]]
        keys = {key: value for key, value in table.items() if key != "family"}
        return family.make(build(family.table, keys, where), returns)
    except SpecError as error:
        raise error if str(error).startswith(where) else SpecError(f"{where}: {error}") from error
