"""Variables: what a question draws from its seed, in order and with constraints, or computes from what it drew before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dosegrade.errors import SpecError
from dosegrade.quiz.sources import Source, source
from dosegrade.spec import build, kind_of

TRIES = 200
MAX_SIZE = 400
LARGEST = 1e12
WAYS = ("choice", "integers", "uniform", "value")


class Redraw(Exception):
    """These draws make no good variant; the text says why. Drawn again, until there is one; `spare` is what will do if there is none."""

    def __init__(self, reason: str, spare: Any = None) -> None:
        super().__init__(reason)
        self.spare = spare


@dataclass(frozen=True)
class Draw:
    """`[questions.variables]`, one entry: one of choice, integers [low, high], uniform [low, high] or value (computed).

    Constraints hold for every entry: `distinct`, `nonzero`, `not_equal` to other formulas, at least `low`, at most `high`.
    """

    choice: tuple[Any, ...] = ()
    integers: tuple[int, ...] = ()
    uniform: tuple[float, ...] = ()
    value: Any = None
    decimals: int = 2
    size: int | tuple[int, ...] | None = None
    distinct: bool = False
    nonzero: bool = False
    not_equal: tuple[str | float, ...] = ()
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        used = [way for way in WAYS if getattr(self, way) not in ((), None)]
        if len(used) != 1:
            raise SpecError(f"found {' and '.join(used) or 'none'} of {', '.join(WAYS)}; give exactly one.")
        for way in ("integers", "uniform"):
            bounds = getattr(self, way)
            if bounds and (len(bounds) != 2 or not bounds[0] < bounds[1]):
                raise SpecError(f"{way}: found {list(bounds)}, expected [low, high] with low < high.")
        if not 0 <= self.decimals <= 12:
            raise SpecError(f"decimals: found {self.decimals}, expected 0 to 12.")
        if not 1 <= int(np.prod(self.shape, dtype=float)) <= MAX_SIZE:
            raise SpecError(f"size: found {self.size}, expected 1 to {MAX_SIZE} entries.")

    @property
    def shape(self) -> tuple[int, ...]:
        return () if self.size is None else (self.size,) if isinstance(self.size, int) else self.size

    def once(self, rng: Generator) -> Any:
        """One draw, before its constraints."""
        if self.uniform:
            low, high = self.uniform
            drawn = np.round(rng.uniform(low, high, self.shape), self.decimals) + 0.0
            return drawn if self.shape else drawn.item()
        pool = np.arange(self.integers[0], self.integers[1] + 1) if self.integers else self.choice
        if not self.shape:
            return pool[int(rng.integers(len(pool)))]
        if self.distinct and len(pool) < int(np.prod(self.shape)):
            raise SpecError(f"distinct: {self.size} entries cannot differ, there are only {len(pool)} to choose from.")
        return np.array([pool[i] for i in rng.choice(len(pool), self.shape, replace=not self.distinct).ravel()]).reshape(self.shape)


@dataclass(frozen=True)
class Variable:
    """A name with its draw, its computed value (or neither: a constant) and what it may not equal."""

    name: str
    draw: Draw | None
    constant: Any
    computed: Source | None
    unlike: tuple[Source, ...] = ()

    def value(self, rng: Generator, values: Mapping[str, Any]) -> Any:
        """The variable's value given those before it; Redraw where its constraints cannot be met with them."""
        if self.draw is None:
            return self.constant
        for _ in range(1 if self.computed else TRIES):
            found = self.computed.compute(values) if self.computed else self.draw.once(rng)
            if self.fits(found, values):
                return found
        raise Redraw(f"the variable '{self.name}' cannot meet its constraints")

    def fits(self, found: Any, values: Mapping[str, Any]) -> bool:
        """Whether the constraints hold."""
        assert self.draw is not None
        if self.draw.nonzero and not np.all(np.asarray(found) != 0):
            return False
        if self.draw.low is not None and np.any(np.asarray(found) < self.draw.low):
            return False
        if self.draw.high is not None and np.any(np.asarray(found) > self.draw.high):
            return False
        if self.draw.distinct and len(np.unique(np.asarray(found))) < np.size(found):
            return False
        return not any(alike(found, other.compute(values)) for other in self.unlike)


def alike(one: Any, other: Any) -> bool:
    """Whether some entry of two numbers or arrays is the same."""
    try:
        return bool(np.any(np.abs(np.asarray(one, float) - np.asarray(other, float)) < 1e-9))
    except (ValueError, TypeError):
        return str(one) == str(other)


def variables(table: Mapping[str, Any]) -> tuple[Variable, ...]:
    """The variables of a question, in order; SpecError names the one that is wrong."""
    made: list[Variable] = []
    for name, raw in table.items():
        where = f"variables: {name}"
        if not name.isidentifier():
            raise SpecError(f"{where}: a variable's name is letters, digits and _.")
        made.append(variable(name, raw, frozenset(v.name for v in made), where))
    return tuple(made)


def variable(name: str, raw: Any, known: frozenset[str], where: str) -> Variable:
    """One variable: a table draws or computes, anything else is a constant."""
    if not isinstance(raw, Mapping):
        return Variable(name, None, constant(raw, where), None)
    draw = build(Draw, raw, where)
    for item in (*draw.choice, list(draw.integers), list(draw.uniform)):
        constant(item, where)
    computed = None if draw.value is None else source(draw.value, known, where)
    unlike = tuple(source(item, known, f"{where}: not_equal") for item in draw.not_equal)
    return Variable(name, draw, None, computed, unlike)


def constant(raw: Any, where: str) -> Any:
    """A text, a number of reasonable size, or a list of such numbers as an array; SpecError for anything else."""
    if isinstance(raw, str):
        return raw
    try:
        array = np.array(raw, dtype=float)
    except (ValueError, TypeError, OverflowError):
        array = np.array(np.nan)
    if isinstance(raw, bool) or not np.all(np.abs(array) <= LARGEST):
        raise SpecError(f"{where}: found {kind_of(raw)}, expected a text, a number up to 1e12, or a list of them, rows of one length.")
    return np.array(raw) if isinstance(raw, list) else raw


def drawn(found: tuple[Variable, ...], rng: Generator) -> dict[str, Any]:
    """A value for every variable, in order."""
    values: dict[str, Any] = {}
    for v in found:
        values[v.name] = v.value(rng, values)
    return values
