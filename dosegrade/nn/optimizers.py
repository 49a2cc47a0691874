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

ADAGRAD_START = 0.1


def _moment(old: Arrays, grads: Arrays, beta: float, power: int) -> dict[str, Array]:
    """m + (1−β)(gᵖ − m)."""
    return {k: m + (1 - beta) * (grads[k] ** power - m) for k, m in old.items()}


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


def _memory(*slots: str, **counters: float) -> Callable[[Arrays], State]:
    """A state with zeros of the parameters' shapes under each slot, beside counters at their first values."""

    def init(params: Arrays) -> State:
        return {**counters, **{name: {key: np.zeros_like(value) for key, value in params.items()} for name in slots}}

    return init


def _adagrad_init(params: Arrays) -> State:
    return {"v": {key: np.full_like(value, ADAGRAD_START) for key, value in params.items()}}


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


def rmsprop_centered(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, rho: float, epsilon: float) -> Updated:
    """v as in rmsprop; ḡ ← ρḡ + (1−ρ)g; w ← w − η g/√(v − ḡ² + ε)."""
    v = {k: rho * state["v"][k] + (1 - rho) * grads[k] ** 2 for k in params}
    mean = {k: rho * state["mean"][k] + (1 - rho) * grads[k] for k in params}
    new = {k: w - learning_rate * grads[k] / np.sqrt(v[k] - mean[k] ** 2 + epsilon) for k, w in params.items()}
    return new, {"v": v, "mean": mean}


def rmsprop_momentum(
    grads: Arrays, state: State, params: Arrays, learning_rate: float, *, rho: float, momentum: float, epsilon: float
) -> Updated:
    """v as in rmsprop; m ← μm + η g/√(v+ε); w ← w − m."""
    v = {k: rho * state["v"][k] + (1 - rho) * grads[k] ** 2 for k in params}
    m = {k: momentum * state["m"][k] + learning_rate * grads[k] / np.sqrt(v[k] + epsilon) for k in params}
    return {k: w - m[k] for k, w in params.items()}, {"v": v, "m": m}


def adam(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, beta_1: float, beta_2: float, epsilon: float) -> Updated:
    """m ← m + (1−β₁)(g−m); v ← v + (1−β₂)(g²−v); w ← w − η√(1−β₂ᵗ)/(1−β₁ᵗ)·m/(√v+ε)."""
    t = state["t"] + 1
    rate = learning_rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    m, v = _moment(state["m"], grads, beta_1, 1), _moment(state["v"], grads, beta_2, 2)
    return {k: w - rate * m[k] / (np.sqrt(v[k]) + epsilon) for k, w in params.items()}, {"t": t, "m": m, "v": v}


def amsgrad(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, beta_1: float, beta_2: float, epsilon: float) -> Updated:
    """Adam with v̂ ← max(v̂, v) in the denominator."""
    t = state["t"] + 1
    rate = learning_rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    m, v = _moment(state["m"], grads, beta_1, 1), _moment(state["v"], grads, beta_2, 2)
    top = {k: np.maximum(state["top"][k], v[k]) for k in params}
    new = {k: w - rate * m[k] / (np.sqrt(top[k]) + epsilon) for k, w in params.items()}
    return new, {"t": t, "m": m, "v": v, "top": top}


def adamw(
    grads: Arrays,
    state: State,
    params: Arrays,
    learning_rate: float,
    *,
    beta_1: float,
    beta_2: float,
    weight_decay: float,
    epsilon: float,
) -> Updated:
    """w ← w − ηλw, then Adam: the decay does not pass through the moments."""
    decayed = {k: w - learning_rate * weight_decay * w for k, w in params.items()}
    return adam(grads, state, decayed, learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)


def nadam(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, beta_1: float, beta_2: float, epsilon: float) -> Updated:
    """m, v as in Adam; u_t = β₁(1 − ½·0.96ᵗ); m̂ = u_{t+1}m/(1 − Πu_{≤t+1}) + (1−u_t)g/(1 − Πu_{≤t}); w ← w − η m̂/(√(v/(1−β₂ᵗ)) + ε)."""
    t = state["t"] + 1
    u, ahead = (beta_1 * (1 - 0.5 * 0.96**k) for k in (t, t + 1))
    product = state["product"] * u
    m, v = _moment(state["m"], grads, beta_1, 1), _moment(state["v"], grads, beta_2, 2)
    now, later = learning_rate * (1 - u) / (1 - product), learning_rate * ahead / (1 - product * ahead)
    new = {k: w - (later * m[k] + now * grads[k]) / (np.sqrt(v[k] / (1 - beta_2**t)) + epsilon) for k, w in params.items()}
    return new, {"t": t, "product": product, "m": m, "v": v}


def adamax(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, beta_1: float, beta_2: float, epsilon: float) -> Updated:
    """m as in Adam; u ← max(β₂u, |g|); w ← w − η/(1−β₁ᵗ)·m/(u+ε)."""
    t = state["t"] + 1
    m = _moment(state["m"], grads, beta_1, 1)
    u = {k: np.maximum(beta_2 * state["u"][k], np.abs(grads[k])) for k in params}
    rate = learning_rate / (1 - beta_1**t)
    return {k: w - rate * m[k] / (u[k] + epsilon) for k, w in params.items()}, {"t": t, "m": m, "u": u}


def adagrad(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, epsilon: float) -> Updated:
    """v ← v + g² from v₀ = 0.1; w ← w − η g/√(v+ε)."""
    v = {k: state["v"][k] + grads[k] ** 2 for k in params}
    return {k: w - learning_rate * grads[k] / np.sqrt(v[k] + epsilon) for k, w in params.items()}, {"v": v}


def adadelta(grads: Arrays, state: State, params: Arrays, learning_rate: float, *, rho: float, epsilon: float) -> Updated:
    """v ← ρv + (1−ρ)g²; Δ = −√(s+ε)/√(v+ε)·g; s ← ρs + (1−ρ)Δ²; w ← w + ηΔ."""
    v = {k: rho * state["v"][k] + (1 - rho) * grads[k] ** 2 for k in params}
    delta = {k: -np.sqrt(state["s"][k] + epsilon) / np.sqrt(v[k] + epsilon) * grads[k] for k in params}
    s = {k: rho * state["s"][k] + (1 - rho) * delta[k] ** 2 for k in params}
    return {k: w + learning_rate * delta[k] for k, w in params.items()}, {"v": v, "s": s}


def _defaults(**hyper: float) -> Mapping[str, float]:
    return MappingProxyType(hyper)


OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer",
    {
        entry.name: entry
        for entry in (
            Optimizer("sgd", r"w \leftarrow w - \eta g", _defaults(), _memory(), sgd),
            Optimizer(
                "momentum",
                r"m \leftarrow \mu m - \eta g,\; w \leftarrow w + m",
                _defaults(momentum=0.9),
                _memory("m"),
                momentum_update,
            ),
            Optimizer(
                "nesterov",
                r"m \leftarrow \mu m - \eta g,\; w \leftarrow w + \mu m - \eta g",
                _defaults(momentum=0.9),
                _memory("m"),
                nesterov_update,
            ),
            Optimizer(
                "rmsprop",
                r"v \leftarrow \rho v + (1-\rho) g^2,\; w \leftarrow w - \eta \frac{g}{\sqrt{v + \epsilon}}",
                _defaults(rho=0.9, epsilon=1e-7),
                _memory("v"),
                rmsprop,
            ),
            Optimizer(
                "adam",
                r"m \leftarrow m + (1-\beta_1)(g - m),\; v \leftarrow v + (1-\beta_2)(g^2 - v),\;"
                r" w \leftarrow w - \eta \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t} \frac{m}{\sqrt v + \epsilon}",
                _defaults(beta_1=0.9, beta_2=0.999, epsilon=1e-7),
                _memory("m", "v", t=0),
                adam,
            ),
            Optimizer(
                "rmsprop_centered",
                r"v \leftarrow \rho v + (1-\rho) g^2,\; \bar g \leftarrow \rho\bar g + (1-\rho) g,\;"
                r" w \leftarrow w - \eta \frac{g}{\sqrt{v - \bar g^2 + \epsilon}}",
                _defaults(rho=0.9, epsilon=1e-7),
                _memory("v", "mean"),
                rmsprop_centered,
            ),
            Optimizer(
                "rmsprop_momentum",
                r"v \leftarrow \rho v + (1-\rho) g^2,\; m \leftarrow \mu m + \eta \frac{g}{\sqrt{v + \epsilon}},\; w \leftarrow w - m",
                _defaults(rho=0.9, momentum=0.9, epsilon=1e-7),
                _memory("v", "m"),
                rmsprop_momentum,
            ),
            Optimizer(
                "amsgrad",
                r"m \leftarrow m + (1-\beta_1)(g - m),\; v \leftarrow v + (1-\beta_2)(g^2 - v),\; \hat v \leftarrow \max(\hat v, v),\;"
                r" w \leftarrow w - \eta \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t} \frac{m}{\sqrt{\hat v} + \epsilon}",
                _defaults(beta_1=0.9, beta_2=0.999, epsilon=1e-7),
                _memory("m", "v", "top", t=0),
                amsgrad,
            ),
            Optimizer(
                "adamw",
                r"w \leftarrow w - \eta\lambda w,\; \text{then Adam}",
                _defaults(beta_1=0.9, beta_2=0.999, weight_decay=0.004, epsilon=1e-7),
                _memory("m", "v", t=0),
                adamw,
            ),
            Optimizer(
                "nadam",
                r"m \leftarrow m + (1-\beta_1)(g - m),\; v \leftarrow v + (1-\beta_2)(g^2 - v),\;"
                r" u_t = \beta_1(1 - \tfrac12 0.96^t),\;"
                r" \hat m = \frac{u_{t+1} m}{1 - \prod_{s \le t+1} u_s} + \frac{(1-u_t) g}{1 - \prod_{s \le t} u_s},\;"
                r" w \leftarrow w - \eta \frac{\hat m}{\sqrt{v/(1-\beta_2^t)} + \epsilon}",
                _defaults(beta_1=0.9, beta_2=0.999, epsilon=1e-7),
                _memory("m", "v", t=0, product=1.0),
                nadam,
            ),
            Optimizer(
                "adamax",
                r"m \leftarrow m + (1-\beta_1)(g - m),\; u \leftarrow \max(\beta_2 u, |g|),\;"
                r" w \leftarrow w - \frac{\eta}{1-\beta_1^t} \frac{m}{u + \epsilon}",
                _defaults(beta_1=0.9, beta_2=0.999, epsilon=1e-7),
                _memory("m", "u", t=0),
                adamax,
            ),
            Optimizer(
                "adagrad",
                r"v \leftarrow v + g^2,\; v_0 = 0.1,\; w \leftarrow w - \eta \frac{g}{\sqrt{v + \epsilon}}",
                _defaults(epsilon=1e-7),
                _adagrad_init,
                adagrad,
            ),
            Optimizer(
                "adadelta",
                r"v \leftarrow \rho v + (1-\rho) g^2,\; \Delta = -\frac{\sqrt{s + \epsilon}}{\sqrt{v + \epsilon}} g,\;"
                r" s \leftarrow \rho s + (1-\rho)\Delta^2,\; w \leftarrow w + \eta\Delta",
                _defaults(rho=0.95, epsilon=1e-7),
                _memory("v", "s"),
                adadelta,
            ),
        )
    },
)
