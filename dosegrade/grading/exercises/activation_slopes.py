"""Mistaken slopes: what a student takes for f'(z), for every exercise in which an activation is differentiated (DOMAIN C.2, C.3).

`SLOPES` is the one place to add one: networks use it layer by layer, the activation exercises by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.activations import Activation, sech2, sigmoid

Array = NDArray[Any]
BENT = ("relu", "leaky_relu", "elu")


@dataclass(frozen=True)
class Slope:
    """One mistaken slope, `compute(f, z, f(z))`; `of` names the activations that know it, empty for all with a slope."""

    compute: Callable[[Activation, Array, Array], Array]
    of: tuple[str, ...] = ()

    def knows(self, f: Activation) -> bool:
        """Whether a student can make it with this activation."""
        return f.slope is not None and f.name != "identity" and (not self.of or f.name in self.of)


def constant(f: Activation) -> float:
    """The activation's own number, s or α."""
    return 1.0 if f.parameter is None else f.parameter


def sloped(f: Activation, z: Array, positive: float, negative: float) -> Array:
    """One number for z > 0, another for z ≤ 0."""
    return np.where(z > 0, positive, negative)


SLOPES: dict[str, tuple[Slope, ...]] = {
    "G26": (Slope(lambda f, z, a: 1 - z**2, ("tanh",)), Slope(lambda f, z, a: z * (1 - z), ("sigmoid",))),
    "G27": (Slope(lambda f, z, a: f.derivative(a), ("tanh", "sigmoid")),),
    "G28": (Slope(lambda f, z, a: 1 - a, ("tanh", "sigmoid")),),
    "G29": (
        Slope(lambda f, z, a: a * (1 - a), ("tanh", *BENT)),
        Slope(lambda f, z, a: 1 - a**2, ("sigmoid", *BENT)),
        Slope(lambda f, z, a: sigmoid(z) * sigmoid(-z), ("tanh", *BENT)),
        Slope(lambda f, z, a: sech2(z), ("sigmoid", *BENT)),
    ),
    "G30": (Slope(lambda f, z, a: -f.derivative(z)),),
    "G31": (Slope(lambda f, z, a: 1 + a**2, ("tanh",)), Slope(lambda f, z, a: a * (1 + a), ("sigmoid",))),
    "G32": (Slope(lambda f, z, a: a),),
    "G33": (Slope(lambda f, z, a: f.derivative(z) ** 2),),
    "G61": (Slope(lambda f, z, a: a, ("relu",)), Slope(lambda f, z, a: z, ("relu",))),
    "G63": (
        Slope(lambda f, z, a: sloped(f, z, constant(f), 1.0), ("leaky_relu",)),
        Slope(lambda f, z, a: np.full_like(z, constant(f)), ("leaky_relu",)),
    ),
    "G64": (
        Slope(lambda f, z, a: np.exp(np.minimum(z, 0.0)), ("elu",)),
        Slope(lambda f, z, a: np.where(z > 0, 1.0, a), ("elu",)),
    ),
}
