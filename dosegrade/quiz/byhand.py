"""A derivation worked by hand: a registered exercise at a variant's own numbers, with its mistakes and the reach of rounding."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.cases import MISFITS, MISFITS_TOGETHER, changed, together, touches
from dosegrade.grading.exercises import Exercise, Mistake, Port, Variant
from dosegrade.grading.exercises.families import FAMILIES
from dosegrade.grading.exercises.families import exercise as family_exercise
from dosegrade.grading.exercises.gradient import GradientTable, quantity_shapes
from dosegrade.quiz.solvers import one_hot
from dosegrade.rl.td_lambda import td_lambda_inputs
from dosegrade.spec import build
from dosegrade.steps import Line, Steps, Values, evaluate, needed, worked

Array = NDArray[Any]
Rounding = Callable[[Array], Array]
SAFETY = 1.5


@dataclass(frozen=True)
class Plan:
    """The steps of one mistake, or of two made together, and the names whose values can differ from the derivation's own."""

    mistakes: tuple[Mistake, ...]
    variant: Variant
    steps: Steps
    dirty: frozenset[str]

    def values(self, right: Values, inputs: Values, asked: Sequence[str], way: Rounding | None = None) -> Values | None:
        """What is asked for, so mistaken, each step rounded in some way; None where the mistake cannot be made here."""
        values = {name: value for name, value in right.items() if name not in self.dirty}
        try:
            for step in self.steps:
                if step.name not in values:
                    made = step.compute(*[values[name] for name in step.needs])
                    values[step.name] = made if way is None else way(np.asarray(made))
            found = {name: values[name] for name in asked}
            found = found if self.variant.answers is None else self.variant.answers([found], [inputs])[0]
        except misfits(self.mistakes):
            return None
        fits = all(np.shape(found[q]) == np.shape(right[q]) and np.isfinite(found[q]).all() for q in asked)
        return found if fits else None


def misfits(mistakes: tuple[Mistake, ...]) -> tuple[type[Exception], ...]:
    """What making mistakes may raise where the steps have no place for them, or two no place for one another."""
    return MISFITS if len(mistakes) == 1 else MISFITS_TOGETHER


@dataclass(frozen=True)
class Prepared:
    """What rests on the steps alone: those of what is asked for, and a plan for each way to make each mistake, or each two."""

    derived: Steps
    asked: tuple[str, ...]
    mistakes: Sequence[Mistake]

    @cached_property
    def steps(self) -> Steps:
        """The steps that what is asked for rests on."""
        return needed(self.derived, self.asked)

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        """Single mistakes."""
        ways = ((mistake, variant) for mistake in self.mistakes for variant in mistake.variants if not variant.reshapes)
        made = (self.plan((mistake,), variant) for mistake, variant in ways)
        return tuple(plan for plan in made if plan is not None)

    @cached_property
    def pairs(self) -> tuple[Plan, ...]:
        """Two mistakes made together, in both orders where they touch the same step."""
        touched = [(plan, touches(plan.variant, self.derived)) for plan in self.plans]
        found = []
        for (a, first), (b, second) in combinations(touched, 2):
            if a.mistakes != b.mistakes:
                orders = [(a, b), (b, a)] if first & second else [(a, b)]
                found += [self.plan(one.mistakes + two.mistakes, together(one.variant, two.variant)) for one, two in orders]
        return tuple(plan for plan in found if plan is not None)

    def plan(self, mistakes: tuple[Mistake, ...], variant: Variant) -> Plan | None:
        """The plan of a variant; None where the steps have no place for it."""
        try:
            steps = self.steps if variant.rewrite is None else needed(variant.rewrite(self.derived), self.asked)
        except misfits(mistakes):
            return None
        return Plan(mistakes, variant, steps, frozenset(changed(steps, self.steps)))


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

    @property
    def ports(self) -> tuple[Port, ...]:
        """What is asked for."""
        return self.exercise.returns

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


Inputs = Callable[[Exercise, Mapping[str, Any], Mapping[str, Any]], tuple[Values, int]]


def network_inputs(made: Exercise, table: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Values, int]:
    """x, y, parameters and learning rate from the variables of the same (or the course's) names."""
    settings = build(GradientTable, table, "exercise")
    network = settings.network.build()
    steps = made.derive({})
    shapes = quantity_shapes(network, steps)
    inputs: Values = {}
    for name in outside(needed(steps, [p.quantity for p in made.returns])):
        shown = settings.names.get(name, name)
        if shown not in values:
            raise SpecError(f"exercise: the derivation starts from '{shown}'; add it to [questions.variables].")
        try:
            inputs[name] = np.reshape(np.asarray(values[shown], dtype=float), tuple(-1 if s == "n" else int(s) for s in shapes[name]))
        except ValueError:
            wanted = tuple(s if s == "n" else int(s) for s in shapes[name])
            raise SpecError(f"exercise: the variable '{shown}' has shape {np.shape(values[shown])}, expected {wanted}.") from None
    return inputs, len(inputs["x"]) if "x" in inputs else 1


def outside(steps: Steps) -> list[str]:
    """What the steps start from."""
    made = {step.name for step in steps}
    return list(dict.fromkeys(name for step in steps for name in step.needs if name not in made))


def td_inputs(made: Exercise, table: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Values, int]:
    """One episode from the variables `path` (a letter a state), `states`, `rewards`, `w0`, `alpha`, `gamma`, `lam`; the end is terminal.

    Rewards and first weights may be left out where only the trace is asked for, which does not rest on them.
    """
    blank = {"rewards": np.zeros(len(values.get("path", ""))), "w0": np.zeros(len(values.get("states", "")))}
    traces = all(port.quantity.startswith("z") for port in made.returns)
    values = {**(blank if traces else {}), **values}
    for name in ("path", "states", "rewards", "w0", "alpha", "gamma", "lam"):
        if name not in values:
            raise SpecError(f"exercise: the episode needs '{name}'; add it to [questions.variables].")
    features = one_hot(values["path"], values["states"])
    x = np.vstack([features, np.zeros(features.shape[1])])
    episode = (x, np.asarray(values["rewards"], dtype=float))
    inputs = td_lambda_inputs([episode], values["w0"], values["alpha"], values["gamma"], values["lam"])
    return {**inputs, "lengths": (len(features),)}, len(features)


INPUTS: dict[str, Inputs] = {"network": network_inputs, "td-lambda": td_inputs}
DEFAULTS: dict[str, dict[str, Any]] = {"network": {"arguments": [], "scalars": True, "samples": [1]}}


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
            inputs, n = INPUTS[self.family](self.made, self.table, values)
        except ValueError as error:
            raise SpecError(f"exercise: these numbers do not fit: {error}.") from None
        return self.hand(inputs, n, decimals)

    def hand(self, inputs: Values, n: int, decimals: int) -> Hand:
        """The exercise at these inputs; what depends on the steps alone is kept for the next time."""
        derived = self.made.derive(inputs)
        asked = tuple(p.quantity for p in self.made.returns)
        there = {step.name for step in derived}
        for name in asked:
            if name not in there:
                raise SpecError(f"exercise: the derivation has no '{name}' here; its steps are {', '.join(sorted(there))}.")
        prepared = self.kept.setdefault(id(derived), Prepared(derived, asked, self.made.mistakes))
        return Hand(self.made, inputs, n, decimals, prepared)


MOMENT = re.compile(r"(\w+)\[(\d+)\]")


def hand_exercise(table: Mapping[str, Any], asked: Sequence[str]) -> HandExercise:
    """The exercise of a table; `z[2]` asks for one step of z alone. SpecError where its family cannot be worked by hand."""
    family = table.get("family", "")
    if family in FAMILIES and family not in INPUTS:
        raise SpecError(f"exercise: the family {family} cannot be worked by hand; use one of {', '.join(INPUTS)}.")
    whole = {**DEFAULTS.get(str(family), {}), **table}
    moments = {name: found for name in asked if (found := MOMENT.fullmatch(name)) and family == "td-lambda"}
    arrays = tuple(dict.fromkeys(moments[name][1] if name in moments else name for name in asked))
    made = family_exercise(whole, arrays, "exercise")
    ports = {port.name: port for port in made.returns}
    returns = tuple(at_step(ports[moments[name][1]], name, moments[name][2]) if name in moments else ports[name] for name in asked)
    return HandExercise(replace(made, returns=returns), str(family), {key: value for key, value in whole.items() if key != "family"})


def at_step(port: Port, name: str, t: str) -> Port:
    """One step of an array that has a row a step."""
    return Port(name, f"{port.quantity}[{t}]", port.shape[1:], f"{port.quantity} at step {t}")
