"""Exercises on an optimizer: first weights and a row of gradients an update in, the weights after each update out (DOMAIN B.4, C.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Case, Exercise, Family, Port
from dosegrade.grading.exercises.gradient_points import signed
from dosegrade.grading.exercises.optimizer_mistakes import ACCEPTED, mistakes
from dosegrade.grading.exercises.optimizer_rules import RULES, updates
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.registry import did_you_mean
from dosegrade.steps import Steps, Values

Array = NDArray[Any]
UPDATES = (4, 3, 5, 6, 4, 3, 5, 4)
SETTINGS = {"learning_rate": (0.05, 0.4), "momentum": (0.5, 0.95), "rho": (0.7, 0.95), "beta_1": (0.6, 0.95), "beta_2": (0.9, 0.99)}
WORDS = {
    "w": "the first weights",
    "grads": "the gradients, a row an update, used in order",
    "learning_rate": "the learning rate",
    "epsilon": "a small number that keeps the division from failing",
}


@dataclass(frozen=True)
class OptimizerTable:
    """The keys of a code question `optimize(w, grads, learning_rate, …)`; `updates` are the rows T of each case, `weights` the k."""

    optimizer: str
    weights: int = 3
    updates: tuple[int, ...] = UPDATES

    def __post_init__(self) -> None:
        if self.optimizer not in RULES:
            hint = did_you_mean(self.optimizer, RULES)
            raise SpecError(f"optimizer: there is none called '{self.optimizer}'.{hint} There are: {', '.join(RULES)}.")
        if not 2 <= self.weights <= 16:
            raise SpecError(f"weights: found {self.weights}, expected a number from 2 to 16.")
        if not self.updates or not 3 <= min(self.updates) <= max(self.updates) <= 40:
            raise SpecError("updates: each case has from 3 to 40 updates, for example [3, 4, 5]; fewer hide what a memory does.")


def make(table: OptimizerTable, returns: tuple[str, ...]) -> Exercise:
    """The weights after every update, one check whatever it is called; the settings follow in the order of the optimizer's table."""
    if len(returns) != 1:
        raise SpecError(f"points: found {', '.join(returns)}; one array is returned, write points = {{ result = 1.0 }}.")
    settings = ("learning_rate", *OPTIMIZERS[table.optimizer].hyper)

    def derive(inputs: Values) -> Steps:
        return updates(table.optimizer, len(inputs["grads"]))

    def draw(rng: np.random.Generator, k: int = 0) -> Case:
        return draw_case(rng, table.updates[k % len(table.updates)], table.weights, settings)

    shapes: dict[str, tuple[int | str, ...]] = {"w": (table.weights,), "grads": ("n", table.weights)}
    arguments = tuple(
        Port(name, "w0" if name == "w" else name, shapes.get(name, ()), WORDS.get(name, f"the setting {name}"))
        for name in ("w", "grads", *settings)
    )
    result = Port(returns[0], "result", ("n", table.weights), "the weights after each update, a row an update")
    count = max(len(table.updates), len(UPDATES))
    accepted = ACCEPTED.get(table.optimizer, ())
    return Exercise(derive, arguments, (result,), draw, draw, mistakes(table.optimizer), count, True, "update", accepted)


def draw_case(rng: np.random.Generator, count: int, weights: int, settings: tuple[str, ...]) -> Case:
    """Gradients of either sign, one weight's all positive; none near 0 or 1, all far above ε."""
    grads = signed(rng, (count, weights), 0.3, 3.0)
    grads[:, rng.integers(weights)] = np.abs(signed(rng, (count,), 0.3, 3.0))
    inputs: Values = {"w0": signed(rng, (weights,), 0.2, 2.0), "grads": grads}
    for name in settings:
        inputs[name] = float(rng.choice([1e-7, 1e-8])) if name == "epsilon" else float(np.round(rng.uniform(*SETTINGS[name]), 3))
    given = (inputs["w0"].copy(), grads.copy(), *(inputs[name] for name in settings))
    return Case(inputs, given, count)


FAMILY = Family(OptimizerTable, make)
