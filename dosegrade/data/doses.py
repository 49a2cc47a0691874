"""Doses, patients and effects: toy curves, made up for teaching. None describes a drug and nothing here is medical advice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data.source import Draw, Source, Truth

Array = NDArray[Any]

MAX_DOSE = 100.0
DOSE, EFFECT = "dose (mg)", "effect (%)"
PATIENT = (("age (years)", 20.0, 90.0, 50.0), ("weight (kg)", 45.0, 110.0, 70.0), ("clearance (mL/min)", 30.0, 140.0, 100.0))


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


def even_doses(rng: np.random.Generator, points: int) -> Array:
    """Evenly spaced doses from 0 to 100 mg (n, 1)."""
    return np.linspace(0.0, 100.0, points)[:, None]


def even_doses_of_patients(rng: np.random.Generator, points: int) -> Array:
    """Evenly spaced doses, each of another patient: dose, age, weight, clearance (n, 4)."""
    age = rng.uniform(20.0, 90.0, points)
    weight = rng.uniform(45.0, 110.0, points)
    clearance = rng.uniform(30.0, 140.0, points)
    return np.column_stack([np.linspace(0.0, 100.0, points), age, weight, clearance])


def _curve(name: str, title: str, formula: str, truth: Truth, optimum: float, draw: Draw = even_doses, **more: Any) -> Source:
    axes: dict[str, Any] = {"names": (DOSE,), "bounds": ((0.0, MAX_DOSE),), "target": EFFECT, "span": (0.0, 100.0)}
    return Source(name, title, formula, truth, draw, optimum, **axes, **more)


DOSES = (
    _curve("parabola", "Inverted parabola", r"100 - \frac{(d-50)^2}{25}", parabola, 50.0),
    _curve("asymmetric", "Fast rise, slow fall", r"100\,\frac{d}{30}\,e^{1-d/30}", asymmetric, 30.0),
    _curve("two_peaks", "Two peaks", r"70\,e^{-((d-25)/12)^2} + 95\,e^{-((d-72)/13)^2}", two_peaks, 72.0),
    _curve(
        "patient",
        "Dose and patient",
        r"100\,e^{-\frac12((d-d^*)/25)^2},\; d^* = 50\,(w/70)^{3/4}\sqrt{c/100}\;e^{-(a-50)/200}",
        patient,
        50.0,
        even_doses_of_patients,
        others=PATIENT,
    ),
)
