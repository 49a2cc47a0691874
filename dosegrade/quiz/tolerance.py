"""Tolerance by computation (DOMAIN D.6): propagated rounding < tolerance < half the distance to the nearest distractor.

Everything is entry by entry: a hand-typed number is right where |a − r| ≤ its tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.quiz.variables import Redraw

Array = NDArray[Any]
RTOL = 0.01
HALF = 0.499


def propagated(compute: Callable[[Mapping[str, Any]], Any], values: Mapping[str, Any], names: frozenset[str], decimals: int) -> Array:
    """How far the answer moves, at worst, when every number that is no integer is rounded at that decimal; the last rounding included."""
    half = 0.5 * 10.0**-decimals
    base = np.asarray(compute(values), dtype=float)
    moved = np.full(base.shape, half)
    for name in sorted(names):
        number = np.asarray(values[name])
        if number.dtype.kind != "f" or np.all(number == np.round(number)):
            continue
        for index in np.ndindex(number.shape):
            other = number.copy()
            other[index] += half
            shifted = np.asarray(compute({**values, name: other if number.ndim else other.item()}), dtype=float)
            moved = moved + np.where(np.isfinite(shifted), np.abs(shifted - base), 0.0)
    return moved


def window(answer: Array, wish: Array, least: Array, lures: Sequence[Array], distance: float = 0.0) -> Array:
    """A tolerance an entry: what is wished, narrowed to half the distance to the nearest distractor, never below the rounding.

    Redraw where no tolerance fits, or a distractor lies nearer than `distance` of the answer's size.
    """
    tolerance = narrowed(answer, wish, least, lures)
    if any(not distant(answer, lure, distance) for lure in lures):
        raise Redraw("a distractor lies too near to the answer")
    if any(not apart(answer, lure, tolerance) for lure in lures):
        raise Redraw("rounding reaches as far as a distractor: no tolerance lies between")
    return tolerance


def narrowed(answer: Array, wish: Array, least: Array, lures: Sequence[Array]) -> Array:
    """What is wished, narrowed to half the distance to the nearest of those distractors that rounding does not reach."""
    scale = 1.0
    with np.errstate(all="ignore"):
        for gap in (np.abs(lure - answer) for lure in lures if apart(answer, lure, least)):
            scale = min(scale, float(np.max(np.where(gap > 0, HALF * gap / np.where(wish > 0, wish, 1e-300), 0.0))))
    return np.asarray(np.maximum(wish * scale, least))


def apart(answer: Array, lure: Array, tolerance: Array) -> bool:
    """Whether some entry of a distractor is two tolerances from the answer."""
    return bool(np.any(HALF * np.abs(lure - answer) >= tolerance * (1 - 1e-12)))


def distant(answer: Array, lure: Array, distance: float) -> bool:
    """Whether some entry of a distractor differs from the answer by that share of the larger of the two."""
    return bool(np.any(np.abs(lure - answer) > distance * np.maximum(np.abs(answer), np.abs(lure))))


def near(found: Array, expected: Array, tolerance: Array) -> Array:
    """Entry by entry; a gap is never near."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(found - expected) <= tolerance * (1 + 1e-9))


def coarse(found: Array, expected: Array, decimals: int, carried: int, reach: Callable[[int], Array]) -> Array:
    """Entry by entry, whether fewer decimals than asked for explain the gap: in the end, or `carried` of them all along.

    `reach(d)` is how far rounding at d decimals carries each entry.
    """
    typed = np.array([typed_decimals(value) for value in found.flat]).reshape(found.shape)
    unit = 10.0 ** np.minimum(typed, decimals)
    cut_off = [near(found, np.asarray(cut(expected * unit) / unit), 1e-9 / unit) for cut in (np.round, np.trunc)]
    short = (typed < decimals) & (cut_off[0] | cut_off[1])
    return short | near(found, expected, reach(carried)) if carried < decimals else short


def typed_decimals(value: float) -> int:
    """The decimals of a number as it is written shortest."""
    return max(0, -int(Decimal(repr(float(value))).normalize().as_tuple().exponent)) if np.isfinite(value) else 0


def two_digits(values: Iterable[Any]) -> int:
    """The decimals that leave every number, except 0, two significant digits."""
    sizes = np.concatenate([np.ravel(np.abs(np.asarray(value, dtype=float))) for value in values])
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return max(0, 1 - int(np.floor(np.log10(sizes.min())))) if sizes.size else 0
