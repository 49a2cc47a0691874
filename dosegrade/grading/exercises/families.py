"""The families of exercises that a quiz's TOML can ask for: one row here makes one available everywhere."""

from __future__ import annotations

import keyword
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
        return checked(family.make(build(family.table, keys, where), returns))
    except SpecError as error:
        raise error if str(error).startswith(where) else SpecError(f"{where}: {error}") from error


def checked(made: Exercise) -> Exercise:
    """The exercise; SpecError where its arguments cannot be those of a Python function."""
    names = [port.name for port in made.arguments]
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise SpecError(f"'{name}' cannot be the name of a Python argument; give it another, for example '{stem(name)}_'.")
        if names.count(name) > 1:
            raise SpecError(f"the function has two arguments called '{name}'; name each once.")
    return made


def stem(name: str) -> str:
    """What of a name Python takes."""
    return "".join(c for c in name if f"a{c}".isidentifier()).lstrip("0123456789") or "x"
