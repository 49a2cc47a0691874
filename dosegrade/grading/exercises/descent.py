"""Exercises on one step of gradient descent: parameters and gradients in, the new parameters out (DOMAIN B.4, SGD)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Case, Exercise, Family, Mistake, Port, Variant
from dosegrade.grading.exercises.gradient import NetworkTable, argument, new
from dosegrade.grading.exercises.gradient_points import learning_rate, signed
from dosegrade.steps import Steps, Values, mutate


@dataclass(frozen=True)
class DescentTable:
    """The keys of a code question `update(params, grads, learning_rate)`; dicts are keyed `W1…` and `dW1…`."""

    network: NetworkTable
    scalars: bool = False
    cases: int = 6


def make(table: DescentTable, returns: tuple[str, ...]) -> Exercise:
    """θ ← θ − α·∂L/∂θ for every parameter of the network."""
    shapes = table.network.build().shapes
    unknown = [name for name in returns if name not in shapes]
    if unknown:
        raise SpecError(f"points: there is no parameter '{unknown[0]}'. There are: {', '.join(shapes)}.")
    steps = tuple(new(name) for name in returns)
    sizes = {name: tuple(s for s in shape if s != 1) if table.scalars else shape for name, shape in shapes.items()}

    def draw(rng: np.random.Generator, k: int = 0) -> Case:
        inputs: Values = {"learning_rate": learning_rate(rng)}
        for name, shape in shapes.items():
            inputs[name] = signed(rng, shape, 0.2, 2.5)
            inputs[f"d{name}"] = signed(rng, shape, 0.2, 3.5)
        params = {name: argument(inputs[name], sizes[name]) for name in shapes}
        grads = {f"d{name}": argument(inputs[f"d{name}"], sizes[name]) for name in shapes}
        return Case(inputs, (params, grads, inputs["learning_rate"]), 1)

    arguments = (
        Port("params", "params", (), f"the parameters, a dict with the keys {', '.join(shapes)}"),
        Port("grads", "grads", (), f"their gradients, a dict with the keys {', '.join('d' + name for name in shapes)}"),
        Port("learning_rate", "learning_rate", (), "the learning rate α"),
    )
    ports = tuple(Port(name, f"new_{name}", sizes[name], f"{name} after the step") for name in returns)
    return Exercise(lambda inputs: steps, arguments, ports, draw, draw, MISTAKES, table.cases, case_noun="")


def rule(change: Callable[..., Any]) -> Variant:
    """Every parameter updated by another rule, change(its rule, θ, dθ, α)."""
    return Variant(partial(ruled, change))


def ruled(change: Callable[..., Any], steps: Steps) -> Steps:
    """The steps with their rule changed."""
    for step in steps:
        steps = mutate(steps, step.name, partial(change, step.compute))
    return steps


MISTAKES = (
    Mistake("G75", (rule(lambda new, w, g, alpha: 2 * w - new(w, g, alpha)),)),
    Mistake("G15", (rule(lambda new, w, g, alpha: new(w, g, alpha) - w), rule(lambda new, w, g, alpha: w - new(w, g, alpha)))),
    Mistake("G76", (rule(lambda new, w, g, alpha: new(w, alpha * g, alpha)),)),
)


FAMILY = Family(DescentTable, make)
