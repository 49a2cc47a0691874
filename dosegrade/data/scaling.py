"""Scalings: affine maps of each column that can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError

Array = NDArray[Any]
SCALINGS: tuple[str, ...] = ("none", "unit", "standard")


@dataclass(frozen=True)
class Scaling:
    """An affine map of each column, always reversible: scaled = (raw − shift)/size."""

    kind: str
    shift: Array
    size: Array

    @classmethod
    def fit(cls, kind: str, values: Array, full: float = 100.0) -> Scaling:
        """`none` leaves values (n, k) alone, `unit` divides by `full`, `standard` takes off their mean and divides by their std."""
        columns = np.shape(values)[1:]
        if kind == "none":
            return cls(kind, np.zeros(columns), np.ones(columns))
        if kind == "unit":
            return cls(kind, np.zeros(columns), np.full(columns, full))
        if kind == "standard":
            spread = np.std(values, axis=0)
            return cls(kind, np.mean(values, axis=0), np.where(spread > 0, spread, 1.0))
        raise SpecError(f"Found the scaling {kind!r}; expected one of {', '.join(SCALINGS)}. Choose standard if in doubt.")

    @classmethod
    def signs(cls) -> Scaling:
        """Classes 0 and 1 as −1 and 1."""
        return cls("signs", np.array([0.5]), np.array([0.5]))

    def apply(self, values: Array) -> Array:
        """Scaled values from raw ones."""
        return np.asarray((values - self.shift) / self.size)

    def undo(self, values: Array) -> Array:
        """Raw values from scaled ones."""
        return np.asarray(values * self.size + self.shift)
