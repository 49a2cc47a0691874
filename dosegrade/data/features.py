"""A feature is what a network is fed: an input as it is, or a function of the inputs, x², x1·x2, sin x.

Functions are taken of t = 12(x − low)/(high − low) − 6, which is x itself on [−6, 6] and puts the middle of the doses at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data.source import SIDE, Bounds, Source
from dosegrade.errors import SpecError
from dosegrade.registry import Registry

Array = NDArray[Any]


@dataclass(frozen=True)
class Feature:
    """`column(t (n, d)) -> (n, 1)` for data of d = `dimensions` inputs; None: input `of` as it is. `title` names the inputs as {0}, {1}."""

    name: str
    title: str
    dimensions: int
    column: Callable[[Array], Array] | None = None
    of: int = 0


FEATURES: Registry[Feature] = Registry(
    "feature",
    {
        feature.name: feature
        for feature in (
            Feature("x", "{0}", 1),
            Feature("x_squared", "{0}²", 1, lambda t: t**2),
            Feature("x_cubed", "{0}³", 1, lambda t: t**3),
            Feature("sin_x", "sin {0}", 1, np.sin),
            Feature("cos_x", "cos {0}", 1, np.cos),
            Feature("x1", "{0}", 2),
            Feature("x2", "{1}", 2, of=1),
            Feature("x1_squared", "{0}²", 2, lambda t: t[:, :1] ** 2),
            Feature("x2_squared", "{1}²", 2, lambda t: t[:, 1:] ** 2),
            Feature("x1_x2", "{0}·{1}", 2, lambda t: t[:, :1] * t[:, 1:]),
            Feature("sin_x1", "sin {0}", 2, lambda t: np.sin(t[:, :1])),
            Feature("sin_x2", "sin {1}", 2, lambda t: np.sin(t[:, 1:])),
        )
    },
)


def features_of(source: Source) -> tuple[str, ...]:
    """The features that there are for a source."""
    return tuple(name for name, feature in FEATURES.items() if feature.dimensions == source.dimensions)


def base(source: Source) -> tuple[str, ...]:
    """The inputs of a source, as they are."""
    return tuple(name for name in features_of(source) if FEATURES[name].column is None)


def check(source: Source, names: Any) -> None:
    """SpecError where features cannot be had from a source."""
    known = ", ".join(features_of(source))
    if not isinstance(names, tuple) or len(set(names)) != len(names) or not all(isinstance(name, str) for name in names):
        raise SpecError(f"Found the features {names!r}; expected a tuple without repeats out of {known}; () takes the inputs as they are.")
    for name in names:
        if FEATURES[name].dimensions != source.dimensions:
            given = "one input" if source.dimensions == 1 else "two inputs"
            raise SpecError(f"Found the feature {name!r}; {source.title} has {given}. Choose from {known}.")


def columns(source: Source, names: Sequence[str], x: Array) -> Array:
    """What the network is fed (n, features), not yet scaled: the named features, then the source's other inputs."""
    if not names:
        return x
    drawn, others = x[:, : source.dimensions], x[:, source.dimensions :]
    t = stretched(source.bounds, drawn)
    made = [drawn[:, f.of : f.of + 1] if f.column is None else f.column(t) for f in (FEATURES[name] for name in names)]
    return np.column_stack([*made, others])


def stretched(bounds: Bounds, x: Array) -> Array:
    """t = 12(x − low)/(high − low) − 6."""
    low, high = np.array(bounds).T
    return np.asarray(2.0 * SIDE * (x - low) / (high - low) - SIDE) if not _is_square(bounds) else x


def _is_square(bounds: Bounds) -> bool:
    return all(pair == (-SIDE, SIDE) for pair in bounds)


def titles(source: Source, names: Sequence[str]) -> list[str]:
    """What stands at each input of the network: `dose`, `x₁²`."""
    short = [{"x1": "x₁", "x2": "x₂"}.get(name, name.partition(" (")[0]) for name in source.names]
    own = [FEATURES[name].title.format(*short) for name in (names or base(source))]
    return [*own, *(other[0].partition(" (")[0] for other in source.others)]
