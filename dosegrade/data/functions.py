"""Mathematical functions of one input x on [−6, 6]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data.source import Source

Array = NDArray[Any]


def even(rng: np.random.Generator, points: int) -> Array:
    """Evenly spaced x from −6 to 6 (n, 1)."""
    return np.linspace(-6.0, 6.0, points)[:, None]


def sine(x: Array) -> Array:
    """sin x: two waves, nearly."""
    return np.sin(x)


def step(x: Array) -> Array:
    """0 left of 0, 1 from there on."""
    return np.where(x < 0.0, 0.0, 1.0)


def absolute(x: Array) -> Array:
    """|x|: a kink at 0."""
    return np.abs(x)


def cubic(x: Array) -> Array:
    """x(x² − 27)/18: up to 3, down to −3, up to 3."""
    return np.asarray(x * (x**2 - 27.0) / 18.0)


FUNCTIONS = (
    Source("sine", "Sine", r"\sin x", sine, even, span=(-1.0, 1.0)),
    Source("step", "Step", r"0 \;(x<0),\; 1 \;(x\ge 0)", step, even),
    Source("absolute", "Absolute value", r"|x|", absolute, even, span=(0.0, 6.0)),
    Source("cubic", "Cubic", r"\frac{x(x^2-27)}{18}", cubic, even, span=(-3.0, 3.0)),
)
