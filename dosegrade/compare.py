"""Whether two arrays are the same quantity: a relative test by block with a floor for unavoidable rounding (DOMAIN D.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RTOL = 1e-6
RTOL_SINGLE = 1e-4
ROUNDOFF = 2.0**-53
ROUNDOFF_SINGLE = 2.0**-24
FLOOR = 64.0
TINY = float(np.finfo(float).tiny)


class Gaps(NamedTuple):
    """‖ĝ−g‖, max(‖ĝ‖, ‖g‖) and ‖S‖ of each block, in a unit of its own in which none is too large or too small."""

    gap: Array
    size: Array
    scale: Array

    def errors(self, rtol: Array | float = RTOL, roundoff: Array | float = ROUNDOFF) -> Array:
        """‖ĝ−g‖ ÷ (rtol·max(‖ĝ‖, ‖g‖) + 64·u·‖S‖) for each block: at most 1 where they agree, inf where not finite."""
        with np.errstate(all="ignore"):
            allowed = rtol * self.size + FLOOR * roundoff * self.scale
            ratio = np.where(self.gap == 0, 0.0, self.gap / np.where(allowed > 0, allowed, TINY))
        return np.where(np.isfinite(ratio), ratio, np.inf)


def block_gaps(answer: Array, reference: Array, scale: Array, starts: Array) -> Gaps:
    """How far blocks of the last axis are apart. Arrays end in (D,) and broadcast; block k is [starts[k], starts[k+1])."""
    with np.errstate(all="ignore"):
        largest = np.maximum(np.maximum(np.abs(answer), np.abs(reference)), np.abs(scale))
        unit = np.maximum.reduceat(largest, starts, axis=-1)
        unit = np.where(unit > 0, unit, 1.0)
        each = np.repeat(unit, np.diff(starts, append=largest.shape[-1]), axis=-1)

        def norm(x: Array) -> Array:
            return np.asarray(np.sqrt(np.add.reduceat((x / each) ** 2, starts, axis=-1)))

        return Gaps(norm(answer - reference), np.maximum(norm(answer), norm(reference)), norm(scale))


def block_errors(
    answer: Array, reference: Array, scale: Array, starts: Array, rtol: Array | float = RTOL, roundoff: Array | float = ROUNDOFF
) -> Array:
    """The distance of each block in tolerances; rtol and roundoff are one number or one a block."""
    return block_gaps(answer, reference, scale, starts).errors(rtol, roundoff)


def surely_within(reference: Array, scale: Array, rtol: float) -> Array:
    """Half of what the metric allows, entry by entry: (rtol·|g| + 64·u·|S|)/2. Who is within it everywhere has no block in error.

    By the triangle inequality ‖ĝ−g‖ ≤ (rtol·‖g‖ + 64·u·‖S‖)/2; the half is far more than rounding can take.
    """
    return (rtol * np.abs(reference) + FLOOR * ROUNDOFF * np.abs(scale)) / 2


@dataclass(frozen=True)
class Comparison:
    """The verdict on one block: `same`, its distance in tolerances, its relative error, and where it first goes wrong."""

    same: bool
    error: float
    relative: float
    where: tuple[int, ...] | None = None


def compare(answer: Array, reference: Array, scale: Array, rtol: float = RTOL, roundoff: float = ROUNDOFF) -> Comparison:
    """One block by the metric of DOMAIN D.4. Shapes must be equal; a non-finite answer is never the same."""
    a, r, s = (np.asarray(x, dtype=float) for x in (answer, reference, scale))
    if a.shape != r.shape:
        raise ValueError(f"cannot compare shape {a.shape} with shape {r.shape}: check the shape first")
    if a.size == 0:
        return Comparison(True, 0.0, 0.0)
    s = np.broadcast_to(s, r.shape)
    start = np.array([0])
    error = float(block_errors(a.ravel(), r.ravel(), s.ravel(), start, rtol, roundoff)[0])
    same = error <= 1.0
    return Comparison(same, error, relative_error(a, r), None if same else first_wrong(a, r, s, rtol, roundoff))


def relative_error(answer: Array, reference: Array) -> float:
    """‖ĝ−g‖ ÷ max(‖ĝ‖, ‖g‖); 0 for two zeros."""
    with np.errstate(all="ignore"):
        size = max(float(np.linalg.norm(answer)), float(np.linalg.norm(reference)))
        return float(np.linalg.norm(answer - reference)) / size if size > 0 else 0.0


def first_wrong(answer: Array, reference: Array, scale: Array, rtol: float, roundoff: float) -> tuple[int, ...]:
    """The index of the first entry that is off by itself; the farthest one where none is."""
    flat = [np.asarray(x, dtype=float).ravel() for x in (answer, reference, np.broadcast_to(scale, reference.shape))]
    each = block_errors(flat[0], flat[1], flat[2], np.arange(flat[1].size), rtol, roundoff)
    off = np.flatnonzero(each > 1.0)
    spot = int(off[0]) if off.size else int(np.argmax(each))
    return tuple(int(i) for i in np.unravel_index(spot, reference.shape)) if reference.ndim else ()
