"""Clipping bounds a gradient before the optimizer sees it; the rules of Keras 3 (DOMAIN B.4), c the bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.registry import Registry

Array = NDArray[Any]
Grads = Mapping[str, Array]


@dataclass(frozen=True)
class Clipping:
    """`clip(grads by parameter name, bound)` gives new gradients; nothing passed in is changed."""

    name: str
    formula: str
    clip: Callable[[Grads, float], dict[str, Array]]


def _square(g: Array) -> float:
    return float((g * g).sum())


def by_value(grads: Grads, bound: float) -> dict[str, Array]:
    """Every entry within ±c; nan stays nan."""
    return {name: np.clip(g, -bound, bound) for name, g in grads.items()}


def by_norm(grads: Grads, bound: float) -> dict[str, Array]:
    """Each array by c/max(‖g‖, c)."""
    return {name: g * (bound / max(math.sqrt(_square(g)), bound)) for name, g in grads.items()}


def by_global_norm(grads: Grads, bound: float) -> dict[str, Array]:
    """All arrays by one factor, c/max(√Σ‖g‖², c)."""
    factor = bound / max(math.sqrt(sum(_square(g) for g in grads.values())), bound)
    return {name: g * factor for name, g in grads.items()}


CLIPPINGS: Registry[Clipping] = Registry(
    "gradient clipping",
    {
        entry.name: entry
        for entry in (
            Clipping("none", "g", lambda grads, bound: dict(grads)),
            Clipping("value", r"\min(\max(g, -c), c)", by_value),
            Clipping("norm", r"g\,\frac{c}{\max(\|g\|, c)}", by_norm),
            Clipping("global_norm", r"g\,\frac{c}{\max(\sqrt{\sum\|g\|^2}, c)}", by_global_norm),
        )
    },
    aliases={"clipvalue": "value", "clipnorm": "norm", "global_clipnorm": "global_norm"},
)
