"""A derivation worked by hand: a registered exercise at a variant's own numbers, with its mistakes and the reach of rounding."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Exercise, Port
from dosegrade.grading.exercises.families import exercise as family_exercise
from dosegrade.quiz.plans import MOMENT, Plan, Prepared, Rounding
from dosegrade.quiz.ways import WAYS, Way
from dosegrade.steps import Line, Steps, Values, evaluate, worked

Array = NDArray[Any]
SAFETY = 1.5


@dataclass(frozen=True)
class Mistaken:
    """What a plan gives at a variant's numbers, as the student is asked for it."""

    plan: Plan
    values: dict[str, Array]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the mistakes that are made."""
        return tuple(mistake.code for mistake in self.plan.mistakes)


@dataclass(frozen=True)
class Hand:
    """An exercise at one set of numbers, worked with so many decimals."""

    exercise: Exercise = field(repr=False)
    inputs: Values
    n: int
    decimals: int
    prepared: Prepared = field(repr=False)

    @property
    def steps(self) -> Steps:
        """The steps that what is asked for rests on."""
        return self.prepared.steps

    @cached_property
    def values(self) -> Values:
        """Every quantity by the derivation's own names."""
        return evaluate(self.steps, self.inputs)

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """What is asked for; a shape that differs from case to case is that of these numbers, without sides of one entry."""
        return tuple(replace(p, shape=self.sides(p.quantity), words="") if p.words else p for p in self.exercise.returns)

    def sides(self, quantity: str) -> tuple[int, ...]:
        """The shape of a quantity without sides of one entry, but for the rows."""
        shape = np.shape(self.values[quantity])
        return tuple(side for k, side in enumerate(shape) if side != 1 or (k == 0 and quantity in self.rows))

    @cached_property
    def truth(self) -> dict[str, Array]:
        """The right values, by the names that are asked for, in the student's shapes."""
        return self.shaped(self.values)

    @cached_property
    def rounded(self) -> tuple[tuple[Rounding, Values], ...]:
        """Each way of rounding, with every quantity as it comes out where each step is rounded so at the decimals asked for."""
        ways = [partial(shortened, cut, 10.0**self.decimals) for cut in (np.round, np.trunc)]
        return tuple((way, self.evaluated(way)) for way in ways)

    def evaluated(self, way: Rounding) -> Values:
        """Every quantity, each step rounded."""
        values = dict(self.inputs)
        for step in self.steps:
            values[step.name] = way(np.asarray(step.compute(*[values[name] for name in step.needs])))
        return values

    @cached_property
    def rounding(self) -> dict[str, Array]:
        """How far each entry moves where every step is rounded, or cut off, at the decimals that are asked for."""
        return self.reach(self.truth, [self.shaped(values) for _, values in self.rounded])

    def reach(self, exact: Mapping[str, Array], rounded: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """How far rounding carries each entry, the last rounding included, and half as far again for other ways of writing the steps."""
        half = 0.5 * 10.0**-self.decimals
        return {name: SAFETY * np.max([np.abs(r[name] - value) for r in rounded], axis=0) + half for name, value in exact.items()}

    def shaped(self, values: Mapping[str, Any]) -> dict[str, Array]:
        """Quantities of the derivation as the student is asked for them."""
        return {p.name: np.reshape(np.asarray(values[p.quantity], dtype=float), p.size(self.n)) for p in self.ports}

    def steps_of(self, answer: Mapping[str, Array]) -> Values:
        """The student's values in the derivation's own names and shapes."""
        return {p.quantity: np.reshape(answer[p.name], np.shape(self.values[p.quantity])) for p in self.ports if p.name in answer}

    @cached_property
    def mistaken(self) -> tuple[Mistaken, ...]:
        """Every single mistake that can be made here."""
        return tuple(self.made(self.prepared.plans))

    def pairs(self, wrong: Collection[str]) -> Iterator[Mistaken]:
        """Two mistakes made together that can change all of the quantities that are wrong."""
        return self.made(plan for plan in self.prepared.pairs if plan.dirty.issuperset(wrong) or plan.variant.answers is not None)

    def made(self, plans: Iterable[Plan]) -> Iterator[Mistaken]:
        """What the plans give, those left out that give no numbers here."""
        with np.errstate(all="ignore"):
            for plan in plans:
                found = plan.values(self.values, self.inputs, self.prepared.asked)
                if found is not None:
                    yield Mistaken(plan, self.shaped(found))

    def rounding_of(self, mistaken: Mistaken) -> dict[str, Array]:
        """How far rounding carries what a mistake gives."""
        with np.errstate(all="ignore"):
            made = [mistaken.plan.values(right, self.inputs, self.prepared.asked, way) for way, right in self.rounded]
        return self.reach(mistaken.values, [self.shaped(values) for values in made if values is not None] or [mistaken.values])

    @cached_property
    def rows(self) -> frozenset[str]:
        """The arrays that are made of rows, each a quantity of its own."""
        return frozenset(step.name for step in self.steps if step.rows)

    def count(self, port: Port, entries: Array) -> int:
        """How many quantities some entries belong to."""
        return int(entries.reshape(len(entries) if port.quantity in self.rows else 1, -1).any(axis=1).sum())

    @cached_property
    def quantities(self) -> int:
        """How many quantities are asked for."""
        return sum(self.count(port, np.ones_like(self.truth[port.name], dtype=bool)) for port in self.ports)

    def worked(self) -> tuple[Line, ...]:
        """The derivation with its numbers, a line a step."""
        return tuple(line for line in worked(self.steps, self.inputs) if line.formula)


def shortened(cut: Rounding, unit: float, value: Array) -> Array:
    """A value rounded, or cut off, to a multiple of 1/unit."""
    return np.asarray(cut(value * unit) / unit)


@dataclass(frozen=True)
class HandExercise:
    """`[questions.exercise]` of a question answered by hand: a family that quantities can be asked of."""

    made: Exercise
    family: str
    table: Mapping[str, Any]
    kept: dict[int, Prepared] = field(default_factory=dict, repr=False, compare=False)

    def at(self, values: Mapping[str, Any], decimals: int) -> Hand:
        """The exercise at a variant's numbers."""
        try:
            inputs, n = WAYS[self.family].inputs(self.made, self.table, values)
        except ValueError as error:
            raise SpecError(f"exercise: these numbers do not fit: {error}.") from None
        return self.hand(inputs, n, decimals)

    def hand(self, inputs: Values, n: int, decimals: int) -> Hand:
        """The exercise at these inputs; what depends on the steps alone is kept for the next time."""
        derived = self.made.derive(inputs)
        asked = tuple(p.quantity for p in self.made.returns)
        prepared = self.kept.setdefault(id(derived), Prepared(derived, asked, self.made.mistakes))
        there = {step.name for step in derived}
        for name in asked:
            if name not in there | {step.name for step in prepared.entries}:
                raise SpecError(f"exercise: the derivation has no '{name}' here; its steps are {', '.join(sorted(there))}.")
        return Hand(self.made, inputs, n, decimals, prepared)


def hand_exercise(table: Mapping[str, Any], asked: Sequence[str]) -> HandExercise:
    """The exercise of a table; `z[2]` asks for one step of z alone, `G[0]` for one entry. SpecError where it has no such quantity."""
    family = table.get("family", "")
    way = WAYS.get(str(family))
    whole = {**(way.settled if way else {}), **table}
    if way is not None and way.returned is not None:
        made = family_exercise(whole, way.returned(asked), "exercise")
        steps = tuple(Port(name, way.names.get(name, name), (), words="as the variables have it") for name in asked)
        made = replace(made, derive=partial(derived_by, way, made), returns=steps)
        return HandExercise(made, str(family), keys_of(whole))
    moments = {name: found for name in asked if (found := MOMENT.fullmatch(name)) and family == "td-lambda"}
    arrays = tuple(dict.fromkeys(moments[name][1] if name in moments else name for name in asked))
    made = family_exercise(whole, arrays, "exercise")
    ports = {port.name: port for port in made.returns}
    returns = tuple(at_step(ports[moments[name][1]], name, moments[name][2]) if name in moments else ports[name] for name in asked)
    return HandExercise(replace(made, returns=returns), str(family), keys_of(whole))


def derived_by(way: Way, made: Exercise, inputs: Values) -> Steps:
    """The steps as they are worked by hand."""
    return way.steps(made.derive(inputs))


def keys_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """The family's own keys."""
    return {key: value for key, value in table.items() if key != "family"}


def at_step(port: Port, name: str, t: str) -> Port:
    """One step of an array that has a row a step."""
    return Port(name, f"{port.quantity}[{t}]", port.shape[1:], f"{port.quantity} at step {t}")
