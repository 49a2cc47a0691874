"""Exercises on the slope of one activation: an array z in, f'(z) of the same shape out (DOMAIN B.2, C.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Answers, Case, Exercise, Family, Fit, Mistake, Port, Variant
from dosegrade.grading.exercises.activation_slopes import SLOPES, Slope
from dosegrade.nn.activations import ACTIVATIONS, Activation
from dosegrade.steps import Step, Steps, Values, mutate

Array = NDArray[Any]
SHAPES: tuple[tuple[int, ...], ...] = ((7,), (3, 4), (9,), (5, 2), (4, 3), (6,), (2, 5), (8,))
TAIL = 20.0


@dataclass(frozen=True)
class ActivationTable:
    """The keys of a code question `slope_of(z)`, or `slope_of(z, s)` where the activation has a number of its own."""

    activation: str
    shapes: tuple[tuple[int, ...], ...] = SHAPES

    def __post_init__(self) -> None:
        f = ACTIVATIONS[self.activation]
        if f.slope is None or f.name == "identity":
            raise SpecError(f"activation: {f.name} has no slope entry by entry; choose {', '.join(sorted(bent()))}.")
        if not self.shapes or any(not shape or min(shape) < 2 or len(shape) > 2 for shape in self.shapes):
            raise SpecError("shapes: each case has one or two dimensions of 2 or more, for example [[7], [3, 4]].")


def bent() -> list[str]:
    """The activations with a slope of one entry that is worth asking for."""
    return [name for name, f in ACTIVATIONS.items() if f.slope is not None and name != "identity"]


def make(table: ActivationTable, returns: tuple[str, ...]) -> Exercise:
    """f'(z), one check whatever it is called."""
    f = ACTIVATIONS[table.activation]
    if len(returns) != 1:
        raise SpecError(f"points: found {', '.join(returns)}; one array is returned, write points = {{ result = 1.0 }}.")
    steps = derivation(f)

    def draw(rng: np.random.Generator, k: int = 0) -> Case:
        return draw_case(f, rng, table.shapes[k % len(table.shapes)], k, returns[0])

    number = () if f.parameter_name is None else (Port(f.parameter_name, "parameter", (), f"the {f.parameter_name} of {f.name}"),)
    arguments = (Port("z", "z", (), "pre-activations, an array of one or two dimensions", "array"), *number)
    result = Port(returns[0], "slope", (), f"the derivative of {f.name} at every entry of z", "array of z's shape")
    count = max(len(table.shapes), len(SHAPES))
    return Exercise(lambda inputs: steps, arguments, (result,), draw, draw, mistakes(f), count, single=True, case_noun="")


def derivation(f: Activation) -> Steps:
    """a = f(z), then f'(z); the slope's scale is its maximum (DOMAIN D.4)."""
    extra = () if f.parameter_name is None else ("parameter",)
    assert f.slope is not None
    return (
        Step("a", ("z", *extra), rf"a = f(z) = {f.formula}", f.forward),
        Step("slope", ("z", *extra), r"f'(z)", f.slope, lambda z, *parameter: np.full(np.shape(z), max(f.steepest, *parameter, 0.0))),
    )


def draw_case(f: Activation, rng: np.random.Generator, shape: tuple[int, ...], k: int, name: str) -> Case:
    """z of both signs away from kinks and, where f saturates, every other time with two entries far out in its tails."""
    z = np.round(rng.uniform(0.15, 3.0, shape), 2)
    signs = rng.permutation(np.resize([1.0, -1.0], z.size)).reshape(shape)
    z = np.where(z == 1.0, 1.07, z) * signs
    for kink in f.kinks:
        z = np.where(np.abs(z - kink) < 0.1, z + 0.25, z)
    if f.saturates and k % 2:
        spots = rng.choice(z.size, 2, replace=False)
        z.flat[spots] = np.round(rng.uniform(TAIL - 1, TAIL + 1, 2), 2) * [1.0, -1.0]
    inputs: Values = {"z": z}
    if f.parameter_name is not None:
        low, high = (0.12, 0.45) if f.name == "leaky_relu" else (0.3, 0.8) if k % 3 else (1.2, 1.9)
        inputs["parameter"] = float(np.round(rng.uniform(low, high), 3))
    given = (z.copy(), *(() if f.parameter_name is None else (inputs["parameter"],)))
    return Case(inputs, given, z.size, {name: shape})


def mistakes(f: Activation) -> tuple[Mistake, ...]:
    """The mistaken slopes that this activation knows; a missing gate and another slope for negative z where it has a kink."""
    also = {"G61": ("G32",)} if f.name == "relu" else {}
    known = {code: [slope for slope in slopes if slope.knows(f)] for code, slopes in SLOPES.items()}
    if f.kinks:
        known["G59"] = [Slope(lambda f, z, a: np.ones_like(z))]
    fits = {"G63": (Fit(leaked, slope_used, "the slope for negative z is always {0:.6g}"),)} if f.name == "leaky_relu" else {}
    return tuple(
        Mistake(code, tuple(variant(f, slope) for slope in slopes), fits.get(code, ()), also.get(code, ()))
        for code, slopes in known.items()
        if slopes
    )


def variant(f: Activation, slope: Slope) -> Variant:
    """The derivation with a mistaken slope."""
    return Variant(partial(mistaken, f, slope))


def mistaken(f: Activation, slope: Slope, steps: Steps) -> Steps:
    """f'(z) replaced; the case's own s or α goes with it."""

    def compute(z: Array, a: Array, parameter: float | None = None) -> Array:
        return slope.compute(with_parameter(f, parameter), z, a)

    return mutate(steps, "slope", compute, ("z", "a", *(() if f.parameter_name is None else ("parameter",))))


def with_parameter(f: Activation, parameter: float | None) -> Activation:
    """The activation with another number."""
    return f if parameter is None else replace(f, parameter=parameter)


def leaked(slope: float) -> Variant:
    """G63: one slope for negative z, whatever is given."""
    return Variant(lambda steps: mutate(steps, "slope", lambda z, own: np.where(z > 0, 1.0, slope)))


def slope_used(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
    """The student's slope at the first negative z."""
    if "slope" not in student[0]:
        return []
    return [float(np.ravel(student[0]["slope"])[np.flatnonzero(np.ravel(inputs[0]["z"]) < 0)[0]])]


FAMILY = Family(ActivationTable, make)
