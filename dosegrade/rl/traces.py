"""Eligibility traces: how much of each weight's credit is left when a reward comes (Sutton & Barto, chapter 12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.registry import Registry

Array = NDArray[Any]


def accumulating(z: Array, x: Array, *, alpha: float, gamma: float, lam: float) -> Array:
    """z_t = γλ z_{t−1} + x_t; z, x (k,); S&B §12.2."""
    return gamma * lam * z + x


def replacing(z: Array, x: Array, *, alpha: float, gamma: float, lam: float) -> Array:
    """z_t = 1 where x_t = 1, else γλ z_{t−1}; x (k,) of zeros and ones, ValueError otherwise; S&B §12.5."""
    if not np.all(x * (x - 1.0) == 0.0):
        raise ValueError(f"found the features {x}, expected zeros and ones: a replacing trace is defined for binary features only")
    return np.where(x == 1.0, 1.0, gamma * lam * z)


def dutch(z: Array, x: Array, *, alpha: float, gamma: float, lam: float) -> Array:
    """z_t = γλ z_{t−1} + (1 − αγλ z_{t−1}ᵀx_t) x_t; z, x (k,); S&B §12.5."""
    return gamma * lam * z + (1.0 - alpha * gamma * lam * (z @ x)) * x


@dataclass(frozen=True)
class Trace:
    """A trace's rule and its formula in LaTeX, `{t}` and `{b}` for the step and the one before."""

    update: Callable[..., Array]
    formula: str


TRACES: Registry[Trace] = Registry(
    "trace",
    {
        "accumulating": Trace(accumulating, r"z_{{{t}}} = \gamma\lambda\, z_{{{b}}} + x_{{{t}}}"),
        "replacing": Trace(replacing, r"z_{{{t},i}} = 1 \text{{ where }} x_{{{t},i}} = 1, \text{{ else }} \gamma\lambda\, z_{{{b},i}}"),
        "dutch": Trace(dutch, r"z_{{{t}}} = \gamma\lambda\, z_{{{b}}} + (1 - \alpha\gamma\lambda\, z_{{{b}}}^\top x_{{{t}}})\, x_{{{t}}}"),
    },
    {"accumulate": "accumulating", "replace": "replacing"},
)
