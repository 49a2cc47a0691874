"""An initializer draws the first weights: a variance that suits the number of inputs and outputs, and a shape of distribution."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.network import Network, Params
from dosegrade.registry import Registry

Array = NDArray[Any]
Variance = Callable[[int, int], float]

TRUNCATED_STD = 0.87962566103423978


@dataclass(frozen=True)
class Initializer:
    """Weights of the `variance(fan_in, fan_out)`, drawn by `draw(rng, variance, shape)`; DOMAIN B.5, Keras's rules."""

    name: str
    formula: str
    variance: Variance
    draw: Callable[[np.random.Generator, float, tuple[int, ...]], Array]

    def __call__(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """A kernel W of the shape (fan_in, fan_out)."""
        return self.draw(rng, self.variance(*shape), shape)


def uniform(rng: np.random.Generator, variance: float, shape: tuple[int, ...]) -> Array:
    """Uniform on ±√(3·variance)."""
    limit = math.sqrt(3.0 * variance)
    return rng.uniform(-limit, limit, shape)


def truncated_normal(rng: np.random.Generator, variance: float, shape: tuple[int, ...]) -> Array:
    """Normal cut off at two σ' = √variance/0.8796, so that the variance after cutting is right."""
    draws = rng.standard_normal(shape)
    while (far := np.abs(draws) > 2.0).any():
        draws[far] = rng.standard_normal(int(far.sum()))
    return draws * (math.sqrt(variance) / TRUNCATED_STD)


def zeros(rng: np.random.Generator, variance: float, shape: tuple[int, ...]) -> Array:
    """All zero: every hidden unit stays like every other."""
    return np.zeros(shape)


def _glorot(fan_in: int, fan_out: int) -> float:
    return 2.0 / (fan_in + fan_out)


def _he(fan_in: int, fan_out: int) -> float:
    return 2.0 / fan_in


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1.0 / fan_in


INITIALIZERS: Registry[Initializer] = Registry(
    "initializer",
    {
        entry.name: entry
        for entry in (
            Initializer("glorot_uniform", r"U\left(\pm\sqrt{6/(n_{in}+n_{out})}\right)", _glorot, uniform),
            Initializer("glorot_normal", r"N\left(0, 2/(n_{in}+n_{out})\right)", _glorot, truncated_normal),
            Initializer("he_uniform", r"U\left(\pm\sqrt{6/n_{in}}\right)", _he, uniform),
            Initializer("he_normal", r"N(0, 2/n_{in})", _he, truncated_normal),
            Initializer("lecun_uniform", r"U\left(\pm\sqrt{3/n_{in}}\right)", _lecun, uniform),
            Initializer("lecun_normal", r"N(0, 1/n_{in})", _lecun, truncated_normal),
            Initializer("zeros", "0", lambda fan_in, fan_out: 0.0, zeros),
        )
    },
)


def initialize(network: Network, name: str, seed: int) -> Params:
    """First parameters of a network: kernels by the initializer `name`, biases zero; the same for the same seed."""
    kernel, rng = INITIALIZERS[name], np.random.default_rng(seed)
    return {key: kernel(rng, shape) if key.startswith("W") else np.zeros(shape) for key, shape in network.shapes.items()}
