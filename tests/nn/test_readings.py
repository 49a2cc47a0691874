"""Readings of curves whose peaks, hills and sides are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dosegrade.data import DATASETS, make
from dosegrade.nn.readings import asymmetry, read, shape

DOSES = np.linspace(0.0, 150.0, 301)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0] * 5, ()),
        ([66.0, 66.0, 66.00000000000001, 66.0], ()),
        ([0.0, 1.0, 2.0, 3.0], (1,)),
        ([3.0, 2.0, 0.0], (-1,)),
        ([0.0, 2.0, 1.0], (1, -1)),
        ([2.0, 0.0, 1.0], (-1, 1)),
        ([0.0, 1.0, 0.0, 1.0, 0.0], (1, -1, 1, -1)),
        ([0.0, 1.0, 0.999, 1.5, 2.0], (1,)),
    ],
)
def test_rises_and_falls(values: list[float], expected: tuple[int, ...]) -> None:
    assert shape(np.array(values)) == expected


def test_a_slow_rise_is_a_rise_however_fine_the_steps() -> None:
    assert shape(np.sin(np.linspace(0.0, np.pi, 10_001))) == (1, -1)


def test_both_sides_of_a_peak() -> None:
    x = np.linspace(0.0, 10.0, 1001)
    assert asymmetry(x, -((x - 4.0) ** 2), 4.0) == pytest.approx(0.0, abs=1e-9)
    assert asymmetry(x, x, 5.0) == pytest.approx(10.0)
    assert math.isnan(asymmetry(x, x, 10.0))


@pytest.mark.parametrize(
    ("name", "peak", "hills", "words"),
    [
        ("parabola", 50.0, 1, "rises, then falls"),
        ("asymmetric", 30.0, 1, "rises, then falls"),
        ("two_peaks", 72.0, 2, "2 hills"),
        ("patient", 50.0, 1, "rises, then falls"),
    ],
)
def test_the_toy_curves(name: str, peak: float, hills: int, words: str) -> None:
    x = np.column_stack([DOSES, *(np.full(len(DOSES), value) for value in make(name).reference)])
    reading = read(DOSES, DATASETS[name].truth(x)[:, 0])
    assert (reading.peak_dose, reading.hills, reading.words) == (peak, hills, words)


def test_the_parabola_in_numbers() -> None:
    reading = read(DOSES, 100.0 - (DOSES - 50.0) ** 2 / 25.0)
    assert (reading.peak_effect, reading.overdose, reading.end) == (100.0, (0.0, 75.0), -300.0)
    assert reading.asymmetry == pytest.approx(0.0, abs=1e-9)
