"""Where a question's numbers come from: a constant, an expression of the safe grammar, a list of those, or a registered solver."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from dosegrade.errors import SpecError
from dosegrade.quiz.expressions import ExpressionError, evaluate, parse, uses
from dosegrade.quiz.solvers import SOLVERS
from dosegrade.registry import did_you_mean

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """`compute(values)` gives the quantity; `uses` are the variables that it reads."""

    compute: Callable[[Values], Any]
    uses: frozenset[str]


def source(raw: Any, names: frozenset[str], where: str) -> Source:
    """The source that a TOML value describes; `names` are the variables there are. SpecError names `where` and the remedy."""
    if isinstance(raw, Mapping):
        return solved(raw, names, where)
    if isinstance(raw, list | tuple):
        return listed([source(item, names, f"{where}[{index}]") for index, item in enumerate(raw)], where)
    if isinstance(raw, str):
        return expression(raw, names, where)
    if isinstance(raw, int | float):
        return Source(lambda values: raw, frozenset())
    raise SpecError(f"{where}: found {raw!r}, expected a number, a formula, a list of them or {{ solver = … }}.")


def listed(inner: list[Source], where: str) -> Source:
    """Several sources as one array."""

    def compute(values: Values) -> Any:
        try:
            return np.array([s.compute(values) for s in inner], dtype=float)
        except (ValueError, TypeError):
            raise SpecError(f"{where}: the entries are not all numbers, or rows of one length.") from None

    return Source(compute, frozenset().union(*(s.uses for s in inner)))


def expression(text: str, names: frozenset[str], where: str) -> Source:
    """A formula over the variables."""
    try:
        node = parse(text, names)
    except ExpressionError as error:
        raise SpecError(f"{where}: {error}") from None

    def compute(values: Values) -> Any:
        try:
            return evaluate(node, values)
        except (ExpressionError, ValueError) as error:
            raise SpecError(f"{where}: the formula '{text}' cannot be computed: {error}") from None

    return Source(compute, frozenset(uses(node)))


@cache
def parameters(name: str) -> Mapping[str, bool]:
    """A solver's arguments, and whether each must be given."""
    return {p.name: p.default is p.empty for p in inspect.signature(SOLVERS[name]).parameters.values()}


def solved(table: Mapping[str, Any], names: frozenset[str], where: str) -> Source:
    """`{ solver = "returns", rewards = "r", gamma = 0.9 }`: arguments not given are the variables of the same name."""
    if not isinstance(table.get("solver"), str):
        raise SpecError(f"{where}: the key 'solver' is missing; it names one of {', '.join(SOLVERS)}.")
    name = table["solver"]
    try:
        compute = SOLVERS[name]
    except SpecError as error:
        raise SpecError(f"{where}: {error}") from None
    given = arguments(name, table, names, where)

    def run(values: Values) -> Any:
        try:
            return compute(**{key: s.compute(values) for key, s in given.items()})
        except (ValueError, IndexError, TypeError, KeyError) as error:
            raise SpecError(f"{where}: the solver {name} cannot take these values: {error}") from None

    return Source(run, frozenset().union(*(s.uses for s in given.values())))


def arguments(name: str, table: Mapping[str, Any], names: frozenset[str], where: str) -> dict[str, Source]:
    """A source for each argument of a solver."""
    wanted = parameters(name)
    for key in table:
        if key != "solver" and key not in wanted:
            raise SpecError(f"{where}: the solver {name} takes no '{key}'.{did_you_mean(key, wanted)} It takes: {', '.join(wanted)}.")
    given: dict[str, Source] = {}
    for key, must in wanted.items():
        if key in table or key in names:
            given[key] = argument(table.get(key, key), names, f"{where}: {key}")
        elif must:
            raise SpecError(f"{where}: the solver {name} needs '{key}'; draw a variable of that name or write {key} = … here.")
    return given


def argument(raw: Any, names: frozenset[str], where: str) -> Source:
    """A solver's argument: as any source, but a text that is no variable and no formula is itself."""
    if isinstance(raw, bool):
        return Source(lambda values: raw, frozenset())
    if isinstance(raw, str) and raw.startswith("'") and raw.endswith("'"):
        return Source(lambda values: raw[1:-1], frozenset())
    if isinstance(raw, str) and raw in names:
        return Source(lambda values: values[raw], frozenset({raw}))
    return source(raw, names, where)
