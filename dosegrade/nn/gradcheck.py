"""Checking a gradient without calculus: differences of the loss, how far they can be trusted, and a popular rule that cannot tell.

A difference quotient has two errors: the curve between its two points (too large an ε) and the digits that subtraction loses (too small a
one). The complex step has neither and is the yardstick here (DOMAIN D.1, D.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.compare import compare
from dosegrade.nn.network import mlp
from dosegrade.steps import Step, complex_step, evaluate, magnitudes, needed

Array = NDArray[Any]
Inputs = Mapping[str, Any]
Index = tuple[int, ...]

EPSILONS: tuple[float, ...] = tuple(float(10.0 ** (-k / 3)) for k in range(3, 37))
BEST = 6e-6
RULE = 1e-7  # both the ε and the bound of the rule "|difference| < 1e-7"
INFORMATIVE = 1e-3
KINDS = ("central", "one-sided", "central, 32-bit")


def loss_at(steps: Sequence[Step], inputs: Inputs, name: str, index: Index, shift: float) -> float:
    """The loss with one entry of the parameter `name` moved by `shift`, in the precision of the inputs."""
    moved = np.array(inputs[name])
    moved[index] += moved.dtype.type(shift)
    return float(evaluate(needed(steps, {"loss"}), {**inputs, name: moved})["loss"])


def central(steps: Sequence[Step], inputs: Inputs, name: str, index: Index, epsilon: float) -> float:
    """(L(θ+ε) − L(θ−ε)) / 2ε for one entry: wrong by ε²L'''/6 and by about u·L/ε."""
    return (loss_at(steps, inputs, name, index, epsilon) - loss_at(steps, inputs, name, index, -epsilon)) / (2 * epsilon)


def one_sided(steps: Sequence[Step], inputs: Inputs, name: str, index: Index, epsilon: float) -> float:
    """(L(θ+ε) − L(θ)) / ε for one entry: wrong by εL''/2 and by about u·L/ε."""
    return (loss_at(steps, inputs, name, index, epsilon) - loss_at(steps, inputs, name, index, 0.0)) / epsilon


def single(inputs: Inputs) -> dict[str, Any]:
    """The same inputs in 32 bits."""
    return {name: np.asarray(value, dtype=np.float32) for name, value in inputs.items()}


@dataclass(frozen=True)
class Measured:
    """One difference quotient: its kind, ε, value, and distance from the exact derivative."""

    kind: str
    epsilon: float
    value: float
    gap: float
    relative: float


def sweep(steps: Sequence[Step], inputs: Inputs, name: str, index: Index, epsilons: Sequence[float] = EPSILONS) -> tuple[Measured, ...]:
    """Every kind of difference at every ε, against the complex step, for one entry of a parameter."""
    exact = float(complex_step(steps, inputs, "loss", name)[index])
    ways: dict[str, tuple[Callable[..., float], Inputs]] = {
        "central": (central, inputs),
        "one-sided": (one_sided, inputs),
        "central, 32-bit": (central, single(inputs)),
    }
    return tuple(
        measured(kind, epsilon, way(steps, given, name, index, epsilon), exact)
        for kind, (way, given) in ways.items()
        for epsilon in epsilons
    )


def measured(kind: str, epsilon: float, value: float, exact: float) -> Measured:
    """A quotient beside the exact derivative; relative to the larger of the two."""
    gap, size = abs(value - exact), max(abs(value), abs(exact))
    return Measured(kind, epsilon, value, gap, gap / size if size else 0.0)


@dataclass(frozen=True)
class Trial:
    """A gradient that somebody hands in, and two verdicts on it: the absolute rule's, and that of a comparison block by block.

    `silent` blocks are so much smaller than they would be without saturation that nothing can be told from them (DOMAIN D.5).
    """

    name: str
    title: str
    right: bool
    gap: float
    same: bool
    silent: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether the rule |difference| < 1e-7 lets it pass."""
        return self.gap < RULE


def trial(name: str, title: str, dose: float, target: float | None, wrong: Mapping[str, float]) -> Trial:
    """The dose-response network's gradient, its blocks multiplied by `wrong`; without a target one that is missed by 1e-8."""
    network = mlp(1, (1, 1, 1), "tanh")
    values = (0.6, -0.3, 0.9, 0.1, 1.5, 0.5)
    params = {key: np.full(shape, value) for (key, shape), value in zip(network.shapes.items(), values, strict=True)}
    x = np.array([[dose]])
    y = network.predict(params, x) + 1e-8 if target is None else np.array([[target]])
    steps, inputs = network.steps(), {"x": x, "y": y, **params}
    made = evaluate(steps, inputs)
    scales = magnitudes(steps, made)
    answer = {key: made[f"d{key}"] * wrong.get(key, 1.0) for key in params}
    index = {key: (0,) * np.ndim(value) for key, value in params.items()}
    gap = max(abs(float(answer[key][index[key]]) - central(steps, inputs, key, index[key], RULE)) for key in params)
    same = all(compare(answer[key], made[f"d{key}"], scales[f"d{key}"]).same for key in params)
    silent = tuple(key for key in params if abs(made[f"d{key}"]).max() < INFORMATIVE * scales[f"d{key}"].max())
    return Trial(name, title, not wrong, gap, same, silent)


@cache
def trials() -> tuple[Trial, ...]:
    """Four hand-ins on the dose-response network; the rule is mistaken about three (DOMAIN DR-16)."""
    flipped = dict.fromkeys(("W1", "b1", "W2", "b2", "W3", "b3"), -1.0)
    return (
        trial("plain", "Right: dose and effect scaled", 0.3, 1.7, {}),
        trial("raw", "Right: effect in percent", 0.3, 84.0, {}),
        trial("asleep", "Wrong: layer 1 times −7 and 100", 30.0, 1.7, {"W1": -7.0, "b1": 100.0}),
        trial("fitted", "Wrong: every sign turned round", 0.3, None, flipped),
    )
