"""A derivation worked by hand: a registered exercise at a variant's own numbers, with its mistakes and the reach of rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.cases import MISFITS, changed
from dosegrade.grading.exercises import Exercise, Mistake, Port, Variant
from dosegrade.grading.exercises.families import FAMILIES
from dosegrade.grading.exercises.families import exercise as family_exercise
from dosegrade.grading.exercises.gradient import GradientTable, quantity_shapes
from dosegrade.quiz.solvers import one_hot
from dosegrade.rl.td_lambda import td_lambda_inputs
from dosegrade.spec import build
from dosegrade.steps import Line, Steps, Values, evaluate, needed, worked

Array = NDArray[Any]
ROUNDINGS: tuple[Callable[[Array], Array], ...] = (np.round, np.trunc)
SAFETY = 1.5


@dataclass(frozen=True)
class Plan:
    """A mistake's steps, and the names whose values can differ from the derivation's own."""

    mistake: Mistake
    variant: Variant
    steps: Steps
    dirty: frozenset[str]

    def values(self, right: Values, inputs: Values, asked: Sequence[str]) -> Values | None:
        """What the mistake gives for the names that are asked for; None where it cannot be made here."""
        values = {name: value for name, value in right.items() if name not in self.dirty}
        try:
            for step in self.steps:
                if step.name not in values:
                    values[step.name] = step.compute(*[values[name] for name in step.needs])
            made = {name: values[name] for name in asked}
            return made if self.variant.answers is None else self.variant.answers([made], [inputs])[0]
        except MISFITS:
            return None


def plans(made: Exercise, derived: Steps, asked: Sequence[str]) -> tuple[Plan, ...]:
    """A plan for each way to make each mistake."""
    kept = needed(derived, asked)
    found = []
    for mistake in made.mistakes:
        for variant in (v for v in mistake.variants if not v.reshapes):
            try:
                steps = kept if variant.rewrite is None else needed(variant.rewrite(derived), asked)
            except MISFITS:
                continue
            found.append(Plan(mistake, variant, steps, frozenset(changed(steps, kept))))
    return tuple(found)


@dataclass(frozen=True)
class Hand:
    """The exercise at one set of numbers, worked with so many decimals; `steps` are those that what is asked for rests on."""

    exercise: Exercise
    inputs: Values
    n: int
    decimals: int
    steps: Steps
    plans: tuple[Plan, ...] = field(repr=False)

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
    def rounding(self) -> dict[str, Array]:
        """How far each entry moves where every step is rounded, or cut off, at the decimals that are asked for."""
        half = 0.5 * 10.0**-self.decimals
        moved = {name: np.zeros(value.shape) for name, value in self.truth.items()}
        for way in ROUNDINGS:
            for name, value in self.shaped(self.evaluated(way)).items():
                moved[name] = np.maximum(moved[name], np.abs(value - self.truth[name]))
        return {name: SAFETY * gap + half for name, gap in moved.items()}

    def evaluated(self, way: Callable[[Array], Array]) -> Values:
        """Every quantity, each step rounded."""
        values, unit = dict(self.inputs), 10.0**self.decimals
        for step in self.steps:
            values[step.name] = way(np.asarray(step.compute(*[values[name] for name in step.needs])) * unit) / unit
        return values

    def shaped(self, values: Mapping[str, Any]) -> dict[str, Array]:
        """Quantities of the derivation as the student is asked for them."""
        return {p.name: np.reshape(np.asarray(values[p.quantity], dtype=float), p.size(self.n)) for p in self.ports}

    def steps_of(self, answer: Mapping[str, Array]) -> Values:
        """The student's values in the derivation's own names and shapes."""
        return {p.quantity: np.reshape(answer[p.name], np.shape(self.values[p.quantity])) for p in self.ports if p.name in answer}

    @cached_property
    def mistaken(self) -> tuple[tuple[str, tuple[str, ...], dict[str, Array]], ...]:
        """(code, synonyms, values) of every mistake that can be made here."""
        found = []
        asked = [p.quantity for p in self.ports]
        with np.errstate(all="ignore"):
            for plan in self.plans:
                made = plan.values(self.values, self.inputs, asked)
                if made is not None and all(np.shape(made[q]) == np.shape(self.values[q]) and np.isfinite(made[q]).all() for q in asked):
                    found.append((plan.mistake.code, plan.mistake.also, self.shaped(made)))
        return tuple(found)

    def worked(self) -> tuple[Line, ...]:
        """The derivation with its numbers, a line a step."""
        return tuple(line for line in worked(self.steps, self.inputs) if line.formula)


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
    """One episode from the variables `path` (a letter a state), `states`, `rewards`, `w0`, `alpha`, `gamma`, `lam`; the end is terminal."""
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
    kept: dict[int, tuple[Steps, Steps, tuple[Plan, ...]]] = field(default_factory=dict, repr=False, compare=False)

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
        asked = [p.quantity for p in self.made.returns]
        if id(derived) not in self.kept:
            self.kept[id(derived)] = derived, needed(derived, asked), plans(self.made, derived, asked)
        _, steps, planned = self.kept[id(derived)]
        return Hand(self.made, inputs, n, decimals, steps, planned)


def hand_exercise(table: Mapping[str, Any], asked: Sequence[str]) -> HandExercise:
    """The exercise of a table; SpecError where its family cannot be worked by hand."""
    family = table.get("family", "")
    if family in FAMILIES and family not in INPUTS:
        raise SpecError(f"exercise: the family {family} cannot be worked by hand; use one of {', '.join(INPUTS)}.")
    whole = {**DEFAULTS.get(str(family), {}), **table}
    made = family_exercise(whole, tuple(asked), "exercise")
    return HandExercise(made, str(family), {key: value for key, value in whole.items() if key != "family"})
