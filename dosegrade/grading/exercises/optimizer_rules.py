"""An optimizer's updates as steps g1, m1, v1, w1, g2, …: one rule a quantity, repeated for t = 1 … T (Keras's rules, DOMAIN B.4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.steps import Step, Steps, mutate

Array = NDArray[Any]
Power = Callable[[float, int], float]
CHANGING = ("g", "m", "v", "w")


@dataclass(frozen=True)
class Rule:
    """A quantity of every update: `m-` is m before the update, `t` the number of the update; the scale has sums for differences."""

    name: str
    needs: tuple[str, ...]
    formula: str
    compute: Callable[..., Any]
    scale: Callable[..., Any]

    def at(self, t: int) -> Step:
        """The rule as the step of update t."""
        place = self.needs.index("t") if "t" in self.needs else None
        names = tuple(named(need, t) for need in self.needs if need != "t")

        def bound(function: Callable[..., Any]) -> Callable[..., Any]:
            return function if place is None else lambda *values: function(*values[:place], t, *values[place:])

        return Step(f"{self.name}{t}", names, rf"{self.name}_{t} = {self.formula}", bound(self.compute), bound(self.scale))


def named(need: str, t: int) -> str:
    """`m-` at t = 3 as `m2`, `m` as `m3`; settings keep their names."""
    if need.rstrip("-") not in CHANGING:
        return need
    return f"{need[:-1]}{t - 1}" if need.endswith("-") else f"{need}{t}"


@cache
def updates(optimizer: str, count: int) -> Steps:
    """`count` updates from the first weights `w0` with the rows of `grads`, then the weights after each as `result`."""
    zero = [Step(f"{rule.name}0", ("w0",), "0", np.zeros_like) for rule in RULES[optimizer] if rule.name != "w"]
    made = [step for t in range(1, count + 1) for step in (row(t), *(rule.at(t) for rule in RULES[optimizer]))]
    history = tuple(f"w{t}" for t in range(1, count + 1))
    return (*zero, *made, Step("result", history, "(w_1, …, w_T)", stacked, stacked))


def row(t: int) -> Step:
    """g_t, the t-th row of the gradients."""
    return Step(f"g{t}", ("grads",), rf"g_{t}", lambda grads: grads[t - 1], lambda grads: grads[t - 1])


def stacked(*rows: Array) -> Array:
    """Rows as one array (T, k)."""
    return np.stack(rows)


def with_rules(rules: tuple[Rule, ...], steps: Steps) -> Steps:
    """The same updates with other rules throughout."""
    count = sum(step.name.startswith("g") for step in steps)
    for rule in rules:
        for t in range(1, count + 1):
            step = rule.at(t)
            steps = mutate(steps, step.name, step.compute, step.needs)
    return steps


def averaged(name: str, beta: str, power: Callable[[Array], Array] = lambda g: g) -> Rule:
    """m ← m + (1−β)(g − m), of a power of g; the scale β·m + (1−β)·g."""
    return Rule(
        name,
        (f"{name}-", "g", beta),
        rf"\beta {name} + (1-\beta) g" + ("^2" if name == "v" else ""),
        lambda m, g, b: m + (1 - b) * (power(g) - m),
        lambda m, g, b: b * m + (1 - b) * power(g),
    )


def velocity(compute: Callable[..., Any] = lambda m, g, rate, mu: mu * m - rate * g) -> Rule:
    """m ← μm − αg."""
    needs = ("m-", "g", "learning_rate", "momentum")
    return Rule("m", needs, r"\mu m - \alpha g", compute, lambda m, g, rate, mu: mu * m + rate * g)


def moved(compute: Callable[..., Any] = lambda w, m, g, rate, mu: w + m) -> Rule:
    """w ← w + m, or another use of the velocity."""
    return Rule("w", ("w-", "m", "g", "learning_rate", "momentum"), "w + m", compute, lambda w, m, g, rate, mu: w + m + rate * g)


def ahead(w: Array, m: Array, g: Array, rate: float, mu: float) -> Array:
    """Nesterov: w + μm − αg."""
    return w + mu * m - rate * g


def downhill(compute: Callable[..., Any] = lambda w, g, rate: w - rate * g) -> Rule:
    """w ← w − αg."""
    return Rule("w", ("w-", "g", "learning_rate"), r"w - \alpha g", compute, lambda w, g, rate: w + rate * g)


def rms(outside: bool = False, old: bool = False) -> Rule:
    """w ← w − α·g/√(v+ε); `outside`: √v + ε; `old`: v before its update."""

    def compute(w: Array, g: Array, v: Array, rate: float, epsilon: float) -> Array:
        return np.asarray(w - rate * g / (np.sqrt(v) + epsilon if outside else np.sqrt(v + epsilon)))

    needs = ("w-", "g", "v-" if old else "v", "learning_rate", "epsilon")
    return Rule("w", needs, r"w - \alpha\frac{g}{\sqrt{v+\epsilon}}", compute, lambda w, *others: 2 * w - compute(w, *others))


def correction(beta: float, t: int) -> float:
    """1 − βᵗ, what m and v lack of a full average."""
    return 1 - beta**t


def adam(inside: bool = False, first: Power = correction, second: Power = correction) -> Rule:
    """w ← w − α·√(1−β₂ᵗ)/(1−β₁ᵗ)·m/(√v+ε); `inside`: ε is added to the root of the corrected v, √(v/(1−β₂ᵗ)) + ε."""

    def compute(w: Array, m: Array, v: Array, t: int, rate: float, beta_1: float, beta_2: float, epsilon: float) -> Array:
        one, two = first(beta_1, t), second(beta_2, t)
        step = m / one / (np.sqrt(v / two) + epsilon) if inside else math.sqrt(two) / one * m / (np.sqrt(v) + epsilon)
        return np.asarray(w - rate * step)

    needs = ("w-", "m", "v", "t", "learning_rate", "beta_1", "beta_2", "epsilon")
    formula = r"w - \alpha\frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}\frac{m}{\sqrt v+\epsilon}"
    return Rule("w", needs, formula, compute, lambda w, *others: 2 * w - compute(w, *others))


RULES: dict[str, tuple[Rule, ...]] = {
    "sgd": (downhill(),),
    "momentum": (velocity(), moved()),
    "nesterov": (velocity(), moved(ahead)),
    "rmsprop": (averaged("v", "rho", np.square), rms()),
    "adam": (averaged("m", "beta_1"), averaged("v", "beta_2", np.square), adam()),
}
