"""Data sets that a small network can learn, each with its noiseless truth: toy dose curves, functions, surfaces, classes, one's own rows.

Everything about doses is a toy, made up for teaching: no curve describes a drug and nothing is medical advice.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data.doses import DOSE, DOSES, EFFECT, MAX_DOSE, best_dose, parabola
from dosegrade.data.features import FEATURES, Feature, features_of
from dosegrade.data.functions import FUNCTIONS
from dosegrade.data.own import OWN
from dosegrade.data.planes import PLANES
from dosegrade.data.scaling import SCALINGS, Scaling
from dosegrade.data.source import CURVE_POINTS, Dataset, Source, sample
from dosegrade.errors import SpecError
from dosegrade.registry import Registry

Array = NDArray[Any]

MIN_POINTS, MAX_POINTS = 5, 500
MAX_NOISE = 50.0
DATASETS: Registry[Source] = Registry("data set", {source.name: source for source in (*DOSES, *FUNCTIONS, *PLANES)})

__all__ = [
    "CURVE_POINTS",
    "DATASETS",
    "DOSE",
    "EFFECT",
    "FEATURES",
    "MAX_DOSE",
    "MAX_NOISE",
    "MAX_POINTS",
    "MIN_POINTS",
    "MONOTONE_R2",
    "OWN",
    "SCALINGS",
    "Dataset",
    "Feature",
    "Scaling",
    "Source",
    "best_dose",
    "features_of",
    "make",
    "monotone_r2",
    "parabola",
    "sample",
]


def make(name: str, points: int = 101, noise: float = 0.0, seed: int = 0) -> Dataset:
    """The data set `name`: so many points, drawn and disturbed by `seed`; `noise` in percent, see `sample`."""
    source = DATASETS[name]
    _check(points, noise, seed)
    return sample(source, points, noise, seed)


def _check(points: int, noise: float, seed: int) -> None:
    if isinstance(points, bool) or not isinstance(points, int) or not MIN_POINTS <= points <= MAX_POINTS:
        raise SpecError(f"Found {points!r} points; expected a whole number from {MIN_POINTS} to {MAX_POINTS}. Choose for example 101.")
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise <= MAX_NOISE:
        raise SpecError(f"Found the noise {noise!r}; expected a number of percent from 0 to {MAX_NOISE:g}. Choose 0 for none.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise SpecError(f"Found the data seed {seed!r}; expected a whole number from 0 to 4294967295. Choose for example 0.")


MONOTONE_R2 = 47.0 / 128.0


def monotone_r2(y: Array) -> float:
    """The highest R² that any curve monotone in the dose reaches on effects `y` (n, 1), listed by rising dose.

    Least squares under a monotone constraint (pool adjacent violators), the better of rising and falling; 47/128 for the parabola with
    doses uniform on [0, 100] (DOMAIN DR-4).
    """
    effects = np.ravel(y)
    total = float(((effects - effects.mean()) ** 2).sum())
    return 1.0 if total == 0 else 1.0 - min(_isotonic_error(effects), _isotonic_error(-effects)) / total


def _isotonic_error(y: Array) -> float:
    """Σ(y − fit)² of the best non-decreasing fit."""
    pools: list[tuple[float, int]] = []
    for value in y.tolist():
        total, count = value, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            total, count = total + pools[-1][0], count + pools[-1][1]
            pools.pop()
        pools.append((total, count))
    fit = np.concatenate([np.full(count, total / count) for total, count in pools])
    return math.fsum((y - fit) ** 2)
