"""A Source says how a data set is made; a Dataset is what came out of it, with its noiseless truth where that is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Truth = Callable[[Array], Array]
Draw = Callable[[np.random.Generator, int], Array]

CURVE_POINTS = 101
SIDE = 6.0
Bounds = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Source:
    """Inputs `draw(rng, points) -> x (n, k)` and their noiseless target `truth(x) -> (n, 1)`, classes as 0 and 1.

    The first inputs `names` are drawn over `bounds`; `others` holds (name with unit, lowest, highest, reference) of each input after
    them. `span` is the range of the target; `optimum` the best dose, nan where the input is no dose; `targets` (n, 1) what was measured.
    """

    name: str
    title: str
    formula: str
    truth: Truth
    draw: Draw
    optimum: float = math.nan
    others: tuple[tuple[str, float, float, float], ...] = ()
    task: str = "regression"
    names: tuple[str, ...] = ("x",)
    bounds: Bounds = ((-SIDE, SIDE),)
    target: str = "y"
    span: tuple[float, float] = (0.0, 1.0)
    classes: tuple[str, str] = ("class 0", "class 1")
    targets: Array | None = None

    @property
    def dimensions(self) -> int:
        """1 where the network is drawn as a curve, 2 where as a surface."""
        return len(self.names)

    @property
    def group(self) -> str:
        """What kind of data it is, in a word or two."""
        if self.targets is not None:
            return "your own"
        if not math.isnan(self.optimum):
            return "dose curves"
        return "classes" if self.task == "classification" else "functions" if self.dimensions == 1 else "surfaces"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs x (n, k) and targets y (n, 1) of a source; `truth(x)` without noise (nan where it is not known).

    A curve is drawn at `curve_x` (101,), all other inputs as in `reference`. A toy, not medical advice.
    """

    source: Source
    x: Array
    y: Array

    @property
    def name(self) -> str:
        """The name of its source."""
        return self.source.name

    @property
    def title(self) -> str:
        """The title of its source."""
        return self.source.title

    @property
    def task(self) -> str:
        """regression or classification."""
        return self.source.task

    @property
    def dimensions(self) -> int:
        """1 where the network is drawn as a curve, 2 where as a surface."""
        return self.source.dimensions

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns of x."""
        return (*self.source.names, *(other[0] for other in self.source.others))

    @property
    def optimum(self) -> float:
        """The best dose, nan where the input is no dose."""
        return self.source.optimum

    @property
    def reference(self) -> tuple[float, ...]:
        """What the inputs are, beside those that are drawn."""
        return tuple(other[3] for other in self.source.others)

    def truth(self, x: Array) -> Array:
        """The noiseless target (n, 1)."""
        return self.source.truth(x)

    @property
    def curve_x(self) -> Array:
        """Where a curve is drawn (101,)."""
        return np.linspace(*self.source.bounds[0], CURVE_POINTS)

    @property
    def curve_inputs(self) -> Array:
        """The inputs (101, k) of the curve: the whole range, the other inputs as in the reference."""
        return np.column_stack([self.curve_x, *(np.full(CURVE_POINTS, value) for value in self.reference)])

    @property
    def curve_truth(self) -> Array:
        """The noiseless target (101,) on the curve."""
        return self.truth(self.curve_inputs)[:, 0]

    def grid(self, side: int) -> Array:
        """The inputs (side², 2) of a surface, row by row from the lowest x2 upwards, the bounds included."""
        (left, right), (low, high) = self.source.bounds
        across, up = np.meshgrid(np.linspace(left, right, side), np.linspace(low, high, side))
        return np.column_stack([across.ravel(), up.ravel()])


def sample(source: Source, points: int, noise: float, seed: int) -> Dataset:
    """So many points of a source. `noise` is in percent: of the target's span, or, where it is a class, of half the inputs' range.

    A target gets Gaussian noise of that size; a point that has its class is moved by Gaussian noise of that size.
    """
    rng = np.random.default_rng(seed)
    x = source.draw(rng, points)
    y = source.truth(x) if source.targets is None else source.targets
    if noise > 0 and source.task == "classification":
        halves = np.array([(high - low) / 2.0 for low, high in source.bounds])
        x = x + rng.normal(0.0, 1.0, x.shape) * (noise * halves / 100.0)
    elif noise > 0:
        y = y + rng.normal(0.0, noise * (source.span[1] - source.span[0]) / 100.0, y.shape)
    return Dataset(source, x, y)
