"""What can be read off a curve of effect against dose: its peak, its hills, its symmetry, what it says beyond the doses that were shown.

A curve is a row of numbers; nothing here knows whether a network or a formula made it, and nothing says which dose is good for anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FLAT = 0.005  # a rise or fall below this share of the curve's height is no hill
ROUNDING = 1e-9  # and one below this share of its largest value is none at all
REGIONS: tuple[tuple[str, float, float], ...] = (
    ("underdose", 0.0, 25.0),
    ("therapeutic window", 25.0, 75.0),
    ("overdose", 75.0, 100.0),
    ("never shown", 100.0, 150.0),
)  # of the derivation's toy curve, and what lies beyond its doses


@dataclass(frozen=True)
class Reading:
    """A curve in numbers: highest point (mg, %), its ups and downs, largest difference between both sides of the peak (percentage
    points), lowest and highest effect in the overdose region and at the last dose (%).
    """

    peak_dose: float
    peak_effect: float
    shape: tuple[int, ...]
    asymmetry: float
    overdose: tuple[float, float]
    end: float

    @property
    def hills(self) -> int:
        """How often the curve rises and falls again."""
        return sum(1 for up, down in zip(self.shape, self.shape[1:], strict=False) if (up, down) == (1, -1))

    @property
    def words(self) -> str:
        """The ups and downs in words."""
        if not self.shape:
            return "stays flat"
        if self.hills > 1:
            return f"{self.hills} hills"
        return ", then ".join({1: "rises", -1: "falls"}[way] for way in self.shape)


def shape(values: Array) -> tuple[int, ...]:
    """+1 for each rise and −1 for each fall of a curve (n,), in order; ripples below FLAT of its height are none."""
    least = max(FLAT * float(np.ptp(values)), ROUNDING * float(np.abs(values).max()))
    ways: list[int] = []
    low = high = values[0]
    for value in values[1:].tolist():
        low, high = min(low, value), max(high, value)
        way = 1 if value - low > least else -1 if high - value > least else 0
        if way and (not ways or ways[-1] != way):
            ways.append(way)
        if way:
            low = high = value
    return tuple(ways)


def asymmetry(doses: Array, values: Array, centre: float) -> float:
    """max |f(centre + t) − f(centre − t)| over all t for which both doses lie within the curve; nan where there are none."""
    room = min(centre - doses[0], doses[-1] - centre)
    if room <= 0:
        return float("nan")
    t = np.linspace(0.0, room, 101)
    return float(np.abs(np.interp(centre + t, doses, values) - np.interp(centre - t, doses, values)).max())


def read(doses: Array, values: Array, shown: float = 100.0) -> Reading:
    """The reading of a curve (n,) over rising doses; peak, shape and symmetry are those of the doses up to `shown`."""
    seen = doses <= shown
    within, effect = doses[seen], values[seen]
    top = int(effect.argmax())
    _, low, high = REGIONS[2]
    over = effect[(within >= low) & (within <= high)]
    return Reading(
        float(within[top]),
        float(effect[top]),
        shape(effect),
        asymmetry(within, effect, float(within[top])),
        (float(over.min()), float(over.max())),
        float(values[-1]),
    )
