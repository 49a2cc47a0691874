"""A schedule says how large the learning rate is at each update; the formulas of Keras 3, s = 0, 1, … counts updates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.registry import Registry

Array = NDArray[Any]


@dataclass(frozen=True)
class Schedule:
    """`factor(s / decay_steps, decay_rate)` is what the learning rate η₀ is multiplied by; arrays in, arrays out."""

    name: str
    formula: str
    factor: Callable[[Array, float], Array]

    def rates(self, learning_rate: float, steps: Array, decay_steps: int, decay_rate: float) -> Array:
        """The learning rates (k,) at the updates `steps` (k,)."""
        return np.asarray(learning_rate * self.factor(steps / decay_steps, decay_rate), dtype=float)


def cosine(share: Array, rate: float) -> Array:
    """Half a cosine from 1 down to `rate` (Keras's alpha) at the end, and `rate` ever after."""
    return np.asarray((1.0 - rate) * 0.5 * (1.0 + np.cos(np.pi * np.minimum(share, 1.0))) + rate)


SCHEDULES: Registry[Schedule] = Registry(
    "learning rate schedule",
    {
        entry.name: entry
        for entry in (
            Schedule("constant", r"\eta_0", lambda share, rate: np.ones(np.shape(share))),
            Schedule("exponential", r"\eta_0\, r^{s/S}", lambda share, rate: rate**share),
            Schedule("step", r"\eta_0\, r^{\lfloor s/S \rfloor}", lambda share, rate: rate ** np.floor(share)),
            Schedule("cosine", r"\eta_0 \left((1-r)\tfrac12(1 + \cos(\pi \min(s/S, 1))) + r\right)", cosine),
            Schedule("inverse_time", r"\frac{\eta_0}{1 + r\,s/S}", lambda share, rate: 1.0 / (1.0 + rate * share)),
        )
    },
)
