"""The families of exercises that a quiz's TOML can ask for: one row here makes one available everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Exercise, activation, descent, gradient, optimizer, targets, td_lambda
from dosegrade.registry import Registry
from dosegrade.spec import build


@dataclass(frozen=True)
class Family:
    """A table of keys and what makes an exercise of it; `make(table, returns)`."""

    table: type[Any]
    make: Callable[[Any, tuple[str, ...]], Exercise]


FAMILIES: Registry[Family] = Registry(
    "exercise family",
    {
        "network": Family(gradient.GradientTable, gradient.make),
        "descent": Family(descent.DescentTable, descent.make),
        "activation": Family(activation.ActivationTable, activation.make),
        "optimizer": Family(optimizer.OptimizerTable, optimizer.make),
        "td-lambda": Family(td_lambda.TdLambdaTable, td_lambda.make),
        "value-targets": Family(targets.TargetTable, targets.make),
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
