"""Doses, patients and effects: data sets that a small network can learn, each with its noiseless truth, and reversible scalings.

Everything here is a toy, made up for teaching: no curve describes a drug and nothing is medical advice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.registry import Registry

Array = NDArray[Any]
Truth = Callable[[Array], Array]

MAX_DOSE = 100.0
CURVE_POINTS = 101
MIN_POINTS, MAX_POINTS = 5, 500
MAX_NOISE = 50.0
DOSE, EFFECT = "dose (mg)", "effect (%)"


@dataclass(frozen=True)
class Source:
    """A toy curve: `truth(x (n, k)) -> (n, 1)` in %, its optimal dose for the reference patient, and the other features' ranges.

    `others` holds (name with unit, lowest, highest, reference) of each input after the dose.
    """

    name: str
    title: str
    formula: str
    truth: Truth
    optimum: float
    others: tuple[tuple[str, float, float, float], ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Doses in mg and effects in %: x (n, k), dose first; y (n, 1); `truth(x)` the noiseless effect; `optimum` the best dose.

    The curve is drawn at the doses `curve_x` (101,), all other features as in `reference`. A toy, not medical advice.
    """

    name: str
    title: str
    x: Array
    y: Array
    features: tuple[str, ...]
    truth: Truth
    curve_x: Array
    optimum: float
    units: tuple[str, str] = ("mg", "%")
    reference: tuple[float, ...] = ()

    @property
    def curve_inputs(self) -> Array:
        """The inputs (101, k) of the curve: every dose for the reference patient."""
        return np.column_stack([self.curve_x, *(np.full(len(self.curve_x), value) for value in self.reference)])

    @property
    def curve_truth(self) -> Array:
        """The noiseless effect (101,) at the doses of the curve."""
        return self.truth(self.curve_inputs)[:, 0]


def parabola(x: Array) -> Array:
    """100 − (d − 50)²/25: the inverted parabola of the derivation, 0 % at 0 and 100 mg, 100 % at 50 mg."""
    return np.asarray(100.0 - (x[:, :1] - 50.0) ** 2 / 25.0)


def asymmetric(x: Array) -> Array:
    """100·(d/30)·e^{1−d/30}: rises fast to 100 % at 30 mg, falls slowly."""
    share = x[:, :1] / 30.0
    return np.asarray(100.0 * share * np.exp(1.0 - share))


def two_peaks(x: Array) -> Array:
    """70·e^{−((d−25)/12)²} + 95·e^{−((d−72)/13)²}: a lower peak at 25 mg, the higher at 72 mg."""
    d = x[:, :1]
    return np.asarray(70.0 * np.exp(-(((d - 25.0) / 12.0) ** 2)) + 95.0 * np.exp(-(((d - 72.0) / 13.0) ** 2)))


def best_dose(age: Array, weight: Array, clearance: Array) -> Array:
    """50·(weight/70)^¾·√(clearance/100)·e^{−(age−50)/200} mg: 50 mg for the reference patient."""
    return np.asarray(50.0 * (weight / 70.0) ** 0.75 * np.sqrt(clearance / 100.0) * np.exp(-(age - 50.0) / 200.0))


def patient(x: Array) -> Array:
    """100·e^{−½((d − best dose)/25)²}, the best dose depending on age, weight and clearance."""
    d, age, weight, clearance = (x[:, i : i + 1] for i in range(4))
    return np.asarray(100.0 * np.exp(-0.5 * ((d - best_dose(age, weight, clearance)) / 25.0) ** 2))


DATASETS: Registry[Source] = Registry(
    "data set",
    {
        source.name: source
        for source in (
            Source("parabola", "Inverted parabola", r"100 - \frac{(d-50)^2}{25}", parabola, 50.0),
            Source("asymmetric", "Fast rise, slow fall", r"100\,\frac{d}{30}\,e^{1-d/30}", asymmetric, 30.0),
            Source("two_peaks", "Two peaks", r"70\,e^{-((d-25)/12)^2} + 95\,e^{-((d-72)/13)^2}", two_peaks, 72.0),
            Source(
                "patient",
                "Dose and patient",
                r"100\,e^{-\frac12((d-d^*)/25)^2},\; d^* = 50\,(w/70)^{3/4}\sqrt{c/100}\;e^{-(a-50)/200}",
                patient,
                50.0,
                (("age (years)", 20.0, 90.0, 50.0), ("weight (kg)", 45.0, 110.0, 70.0), ("clearance (mL/min)", 30.0, 140.0, 100.0)),
            ),
        )
    },
)


def make(name: str, points: int = 101, noise: float = 0.0, seed: int = 0) -> Dataset:
    """The data set `name`: evenly spaced doses from 0 to 100 mg, seeded patients, seeded Gaussian effect noise of `noise` % points."""
    source = DATASETS[name]
    _check(points, noise, seed)
    rng = np.random.default_rng(seed)
    doses = np.linspace(0.0, MAX_DOSE, points)
    x = np.column_stack([doses, *(rng.uniform(low, high, points) for _, low, high, _ in source.others)])
    y = source.truth(x)
    if noise > 0:
        y = y + rng.normal(0.0, noise, y.shape)
    return Dataset(
        name=source.name,
        title=source.title,
        x=x,
        y=y,
        features=(DOSE, *(other[0] for other in source.others)),
        truth=source.truth,
        curve_x=np.linspace(0.0, MAX_DOSE, CURVE_POINTS),
        optimum=source.optimum,
        reference=tuple(other[3] for other in source.others),
    )


def _check(points: int, noise: float, seed: int) -> None:
    if isinstance(points, bool) or not isinstance(points, int) or not MIN_POINTS <= points <= MAX_POINTS:
        raise SpecError(f"Found {points!r} points; expected a whole number from {MIN_POINTS} to {MAX_POINTS}. Choose for example 101.")
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise <= MAX_NOISE:
        raise SpecError(f"Found the noise {noise!r}; expected a number of percentage points from 0 to {MAX_NOISE:g}. Choose 0 for none.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise SpecError(f"Found the data seed {seed!r}; expected a whole number from 0 to 4294967295. Choose for example 0.")


SCALINGS: tuple[str, ...] = ("none", "unit", "standard")


@dataclass(frozen=True)
class Scaling:
    """An affine map of each column, always reversible: scaled = (raw − shift)/size."""

    kind: str
    shift: Array
    size: Array

    @classmethod
    def fit(cls, kind: str, values: Array) -> Scaling:
        """`none` leaves values alone, `unit` divides by 100, `standard` takes off the mean of `values` (n, k) and divides by their std."""
        columns = np.shape(values)[1:]
        if kind == "none":
            return cls(kind, np.zeros(columns), np.ones(columns))
        if kind == "unit":
            return cls(kind, np.zeros(columns), np.full(columns, 100.0))
        if kind == "standard":
            spread = np.std(values, axis=0)
            return cls(kind, np.mean(values, axis=0), np.where(spread > 0, spread, 1.0))
        raise SpecError(f"Found the scaling {kind!r}; expected one of {', '.join(SCALINGS)}. Choose standard if in doubt.")

    def apply(self, values: Array) -> Array:
        """Scaled values from raw ones."""
        return np.asarray((values - self.shift) / self.size)

    def undo(self, values: Array) -> Array:
        """Raw values from scaled ones."""
        return np.asarray(values * self.size + self.shift)


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
