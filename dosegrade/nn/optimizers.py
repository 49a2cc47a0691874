"""An optimizer turns gradients into new parameters; its memory is an explicit state, so one update is a pure function.

The rules are those of Keras 3 (DOMAIN B.4); g is the gradient, η the learning rate, t = 1, 2, … counts updates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.registry import Registry, did_you_mean

Array = NDArray[Any]
Arrays = Mapping[str, Array]
State = Mapping[str, Any]
Updated = tuple[dict[str, Array], State]


@dataclass(frozen=True)
class Optimizer:
    """`init(params)` is the empty memory; `update(grads, state, params, learning_rate, **hyper)` is (new params, new state).

    `hyper` holds the defaults; arrays of any shape under any names; nothing that is passed in is changed.
    """

    name: str
    formula: str
    hyper: Mapping[str, float]
    init: Callable[[Arrays], State]
    update: Callable[..., Updated]

    def settings(self, hyper: Mapping[str, float]) -> dict[str, float]:
        """The defaults overridden by `hyper`; SpecError for an unknown name or a value out of range."""
        for name, value in hyper.items():
            if name not in self.hyper:
                takes = f"it takes {', '.join(self.hyper)}" if self.hyper else "it takes none"
                raise SpecError(f"Found the setting {name!r} for {self.name}; {takes}.{did_you_mean(str(name), self.hyper)}")
            check_hyper(name, value)
        return {**self.hyper, **hyper}


def check_hyper(name: str, value: float) -> None:
    """SpecError unless epsilon is positive and every other setting lies in [0, 1)."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if name == "epsilon":
        if not number or not 0 < value <= 1:
            raise SpecError(f"Found epsilon {value!r}; expected a number above 0 and at most 1. Choose for example 1e-7.")
    elif not number or not 0 <= value < 1:
        raise SpecError(f"Found {name} {value!r}; expected a number from 0 up to but not including 1. Choose for example 0.9.")


def _nothing(params: Arrays) -> State:
    return {}


def _zeros(*names: str) -> Callable[[Arrays], State]:
    """A state with zeros of the parameters' shapes under each of the names."""

    def init(params: Arrays) -> State:
        return {name: {key: np.zeros_like(value) for key, value in params.items()} for name in names}

    return init


def _adam_init(params: Arrays) -> State:
    return {"t": 0, **_zeros("m", "v")(params)}


def sgd(grads: Arrays, state: State, params: Arrays, learning_rate: float) -> Updated:
    """w ← w − η g."""
    return {k: w - learning_rate * grads[k] for k, w in params.items()}, state


def momentum_update(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, momentum: float) -> Updated:
    """m ← μm − η g; w ← w + m."""
    m = {k: momentum * state["m"][k] - learning_rate * grads[k] for k in params}
    return {k: w + m[k] for k, w in params.items()}, {"m": m}


def nesterov_update(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, momentum: float) -> Updated:
    """m ← μm − η g; w ← w + μm − η g."""
    m = {k: momentum * state["m"][k] - learning_rate * grads[k] for k in params}
    return {k: w + momentum * m[k] - learning_rate * grads[k] for k, w in params.items()}, {"m": m}


def rmsprop(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, rho: float, epsilon: float) -> Updated:
    """v ← ρv + (1−ρ)g²; w ← w − η g/√(v+ε)."""
    v = {k: rho * state["v"][k] + (1 - rho) * grads[k] ** 2 for k in params}
    return {k: w - learning_rate * grads[k] / np.sqrt(v[k] + epsilon) for k, w in params.items()}, {"v": v}


def adam(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, beta_1: float, beta_2: float, epsilon: float) -> Updated:
    """m ← m + (1−β₁)(g−m); v ← v + (1−β₂)(g²−v); w ← w − η√(1−β₂ᵗ)/(1−β₁ᵗ)·m/(√v+ε)."""
    t = state["t"] + 1
    rate = learning_rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    m = {k: state["m"][k] + (1 - beta_1) * (grads[k] - state["m"][k]) for k in params}
    v = {k: state["v"][k] + (1 - beta_2) * (grads[k] ** 2 - state["v"][k]) for k in params}
    return {k: w - rate * m[k] / (np.sqrt(v[k]) + epsilon) for k, w in params.items()}, {"t": t, "m": m, "v": v}


def _defaults(**hyper: float) -> Mapping[str, float]:
    return MappingProxyType(hyper)


OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer",
    {
        entry.name: entry
        for entry in (
            Optimizer("sgd", r"w \leftarrow w - \eta g", _defaults(), _nothing, sgd),
            Optimizer(
                "momentum",
                r"m \leftarrow \mu m - \eta g,\; w \leftarrow w + m",
                _defaults(momentum=0.9),
                _zeros("m"),
                momentum_update,
            ),
            Optimizer(
                "nesterov",
                r"m \leftarrow \mu m - \eta g,\; w \leftarrow w + \mu m - \eta g",
                _defaults(momentum=0.9),
                _zeros("m"),
                nesterov_update,
            ),
            Optimizer(
                "rmsprop",
                r"v \leftarrow \rho v + (1-\rho) g^2,\; w \leftarrow w - \eta \frac{g}{\sqrt{v + \epsilon}}",
                _defaults(rho=0.9, epsilon=1e-7),
                _zeros("v"),
                rmsprop,
            ),
            Optimizer(
                "adam",
                r"m \leftarrow m + (1-\beta_1)(g - m),\; v \leftarrow v + (1-\beta_2)(g^2 - v),\;"
                r" w \leftarrow w - \eta \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t} \frac{m}{\sqrt v + \epsilon}",
                _defaults(beta_1=0.9, beta_2=0.999, epsilon=1e-7),
                _adam_init,
                adam,
            ),
        )
    },
)
