"""Two inputs x1, x2 on [−6, 6]: classes 0 and 1 to be told apart, and surfaces."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data.source import SIDE, Source

Array = NDArray[Any]
CLASSES: dict[str, Any] = {"task": "classification", "target": "class"}
PLANE: dict[str, Any] = {"names": ("x1", "x2"), "bounds": ((-SIDE, SIDE), (-SIDE, SIDE))}


def disc_and_ring(rng: np.random.Generator, points: int) -> Array:
    """Half of the points within 2.5 of the middle, the others in a ring from 3.5 to 5 (n, 2)."""
    inner = np.arange(points) % 2 == 0
    radius = np.where(inner, rng.uniform(0.0, 2.5, points), rng.uniform(3.5, 5.0, points))
    angle = rng.uniform(0.0, 2.0 * np.pi, points)
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])


def circle(x: Array) -> Array:
    """1 within 3 of the middle, 0 outside."""
    return np.where((x**2).sum(axis=1, keepdims=True) < 9.0, 1.0, 0.0)


def four_squares(rng: np.random.Generator, points: int) -> Array:
    """Evenly strewn over four squares that keep 0.3 away from both axes (n, 2)."""
    x = rng.uniform(-5.0, 5.0, (points, 2))
    return np.asarray(x + np.where(x < 0.0, -0.3, 0.3))


def xor(x: Array) -> Array:
    """1 where x1 and x2 have the same sign, 0 elsewhere."""
    return np.where(x[:, :1] * x[:, 1:] > 0.0, 1.0, 0.0)


def two_clouds(rng: np.random.Generator, points: int) -> Array:
    """In turns from a cloud round (2.2, 2.2) and one round (−2.2, −2.2), each of standard deviation 0.9, none beyond the middle (n, 2)."""
    x = np.where(np.arange(points) % 2 == 0, 2.2, -2.2)[:, None] + rng.normal(0.0, 0.9, (points, 2))
    swapped = (x.sum(axis=1) > 0.0) != (np.arange(points) % 2 == 0)
    return np.where(swapped[:, None], -x, x)


def gaussians(x: Array) -> Array:
    """1 where x1 + x2 > 0, the side of the cloud round (2.2, 2.2)."""
    return np.where(x[:, :1] + x[:, 1:] > 0.0, 1.0, 0.0)


def two_arms(rng: np.random.Generator, points: int) -> Array:
    """In turns along two spirals, 0.15 to 5 from the middle, 1¾ turns each, half a turn apart (n, 2)."""
    share = (np.arange(points) // 2 + 1) / ((points + 1) // 2)
    radius = 0.15 + 4.85 * share
    angle = 3.5 * np.pi * radius / 5.0 + np.pi * (np.arange(points) % 2)
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])


def spirals(x: Array) -> Array:
    """1 on the side of the spiral with the angle 3.5π·r/5, 0 on the side of its twin."""
    radius = np.hypot(x[:, :1], x[:, 1:])
    return np.where(np.cos(np.arctan2(x[:, :1], x[:, 1:]) - 3.5 * np.pi * radius / 5.0) > 0.0, 1.0, 0.0)


def two_moons(rng: np.random.Generator, points: int) -> Array:
    """In turns along a half circle round (−1.7, −0.9) that opens downwards and one round (1.7, 0.9) that opens upwards (n, 2)."""
    angle = np.pi * rng.uniform(0.0, 1.0, points)
    side = np.where(np.arange(points) % 2 == 0, 1.0, -1.0)
    spread = rng.uniform(-0.5, 0.5, points)
    return np.column_stack([(3.4 + spread) * np.cos(angle) - 1.7 * side, side * ((3.4 + spread) * np.sin(angle) - 0.9)])


def moons(x: Array) -> Array:
    """1 where the upper half circle is nearer than the lower one."""
    away = []
    for side in (1.0, -1.0):
        across, up = x[:, :1] + 1.7 * side, side * x[:, 1:] + 0.9
        ends = np.hypot(np.abs(across) - 3.4, up)
        away.append(np.where(up > 0.0, np.abs(np.hypot(across, up) - 3.4), ends))
    return np.where(away[0] < away[1], 1.0, 0.0)


def strewn(rng: np.random.Generator, points: int) -> Array:
    """Evenly strewn over the square (n, 2)."""
    return rng.uniform(-6.0, 6.0, (points, 2))


def plane(x: Array) -> Array:
    """(x1 + x2)/12: from −1 in one corner to 1 in the other."""
    return np.asarray((x[:, :1] + x[:, 1:]) / 12.0)


def hills(x: Array) -> Array:
    """Three hills and three hollows: Σ ±e^{−‖x−c‖²/4}."""
    centres = [(-4.0, 2.5, 1.0), (0.0, 2.5, -1.0), (4.0, 2.5, 1.0), (-4.0, -2.5, -1.0), (0.0, -2.5, 1.0), (4.0, -2.5, -1.0)]
    heights = [s * np.exp(-((x[:, :1] - a) ** 2 + (x[:, 1:] - b) ** 2) / 4.0) for a, b, s in centres]
    return np.asarray(sum(heights))


PLANES = (
    Source("circle", "Circle", r"x_1^2 + x_2^2 < 9", circle, disc_and_ring, classes=("outside", "inside"), **PLANE, **CLASSES),
    Source("xor", "Exclusive or", r"x_1 x_2 > 0", xor, four_squares, classes=("signs differ", "same sign"), **PLANE, **CLASSES),
    Source("gaussians", "Two clouds", r"x_1 + x_2 > 0", gaussians, two_clouds, classes=("lower cloud", "upper cloud"), **PLANE, **CLASSES),
    Source(
        "spirals",
        "Two spirals",
        r"\cos\left(\varphi - \tfrac{3.5\pi}{5} r\right) > 0",
        spirals,
        two_arms,
        classes=("one arm", "other arm"),
        **PLANE,
        **CLASSES,
    ),
    Source("moons", "Two moons", r"\text{the nearer half circle}", moons, two_moons, classes=("lower", "upper"), **PLANE, **CLASSES),
    Source("plane", "Plane", r"\frac{x_1 + x_2}{12}", plane, strewn, span=(-1.0, 1.0), **PLANE),
    Source("hills", "Hills and hollows", r"\sum_c \pm e^{-\|x-c\|^2/4}", hills, strewn, span=(-1.0, 1.0), **PLANE),
)
