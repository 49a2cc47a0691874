"""Toy curves, their seeds, and scalings that can be undone; the dose table is golden in extras.json (by hand)."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegrade.data import DATASETS, MONOTONE_R2, SCALINGS, Scaling, best_dose, make, monotone_r2, parabola
from dosegrade.errors import SpecError

GOLDEN = Path(__file__).parent / "golden"
TABLE = json.loads((GOLDEN / "extras.json").read_text())["dose_response_table"]
BOUND = json.loads((GOLDEN / "capacity_and_gradcheck.json").read_text())["monotone_bound"]


def test_the_parabola_of_the_derivation() -> None:
    np.testing.assert_array_equal(parabola(np.array(TABLE["dose"])[:, None])[:, 0], TABLE["effectiveness"])
    y = make("parabola", 500).y
    assert y.mean() == pytest.approx(TABLE["uniform_0_100_exact_mean"], abs=0.2)
    assert y.std() == pytest.approx(TABLE["uniform_0_100_exact_std"], abs=0.2)


DOSES = [name for name, source in DATASETS.items() if source.group == "dose curves"]
CLASSES = [name for name, source in DATASETS.items() if source.task == "classification"]


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_is_what_it_says(name: str) -> None:
    data, source = make(name), DATASETS[name]
    assert data.x.shape == (101, len(data.features))
    assert data.y.shape == (101, 1)
    np.testing.assert_array_equal(data.y, data.truth(data.x))
    for column, (low, high) in zip(data.x.T, source.bounds, strict=False):
        assert low <= column.min() < column.max() <= high
    drawn = data.curve_truth if data.dimensions == 1 else data.truth(data.grid(30))
    assert source.span[0] <= drawn.min() < drawn.max() <= source.span[1]
    assert np.ptp(drawn) > 0.85 * (source.span[1] - source.span[0])
    if name in DOSES:
        assert (data.features[0], source.target) == ("dose (mg)", "effect (%)")
        np.testing.assert_array_equal(data.x[:, 0], np.linspace(0, 100, 101))
    else:
        assert math.isnan(data.optimum)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("points", [100, 101, 500])
def test_both_classes_are_there_with_room_between_them(name: str, points: int) -> None:
    data = make(name, points, seed=3)
    one, other = (data.x[data.y[:, 0] == label] for label in (0, 1))
    assert min(len(one), len(other)) > 0.4 * points
    apart = np.sqrt(((one[:, None] - other[None]) ** 2).sum(axis=2)).min()
    assert apart > (0.0 if name == "gaussians" else 0.15)


def test_the_labels_of_spirals_and_moons_are_those_of_the_arm_that_a_point_was_put_on() -> None:
    for name in ("spirals", "moons"):
        np.testing.assert_array_equal(make(name, 200).y[:, 0], np.arange(200) % 2 == 0)


def test_a_surface_is_listed_row_by_row_from_below() -> None:
    grid = make("xor").grid(3)
    np.testing.assert_array_equal(grid[:4], [[-6, -6], [0, -6], [6, -6], [-6, 0]])


@pytest.mark.parametrize("name", DOSES)
def test_every_optimum_is_the_highest_point_of_its_curve(name: str) -> None:
    data = make(name)
    doses = np.linspace(0, 100, 10001)
    x = np.column_stack([doses, *(np.full(len(doses), value) for value in data.reference)])
    assert doses[data.truth(x)[:, 0].argmax()] == pytest.approx(data.optimum, abs=0.011)


@pytest.mark.parametrize("name", DATASETS)
def test_noise_is_seeded_and_as_large_as_it_says(name: str) -> None:
    source = DATASETS[name]
    first, again, other, calm = make(name, 201, 5.0, 1), make(name, 201, 5.0, 1), make(name, 201, 5.0, 2), make(name, 201, 0.0, 1)
    np.testing.assert_array_equal(first.y, again.y)
    np.testing.assert_array_equal(first.x, again.x)
    if source.task == "classification":
        assert (first.x != other.x).all()
        np.testing.assert_array_equal(first.y, calm.y)
        assert 0.04 < (first.x - calm.x).std() / 6 < 0.06
    else:
        assert (first.y != other.y).all()
        np.testing.assert_array_equal(first.x, calm.x)
        assert 0.04 < (first.y - first.truth(first.x)).std() / (source.span[1] - source.span[0]) < 0.06


def test_two_peaks_have_two_peaks() -> None:
    curve = make("two_peaks").curve_truth
    rising = np.diff(curve) > 0
    assert list(np.flatnonzero(rising[:-1] & ~rising[1:]) + 1) == [25, 72]


def test_the_best_dose_depends_on_the_patient() -> None:
    assert best_dose(np.array(50.0), np.array(70.0), np.array(100.0)) == 50
    assert best_dose(np.array(50.0), np.array(90.0), np.array(100.0)) > 55
    assert best_dose(np.array(80.0), np.array(70.0), np.array(100.0)) < 45
    assert best_dose(np.array(50.0), np.array(70.0), np.array(50.0)) < 40
    assert (make("patient", seed=1).x[:, 1:] != make("patient", seed=2).x[:, 1:]).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("parabole",), "Did you mean 'parabola'"),
        (("parabola", 4), "whole number from 5 to 500"),
        (("parabola", 50.0), "whole number from 5 to 500"),
        (("parabola", 50, -1.0), "percent from 0 to 50"),
        (("parabola", 50, float("nan")), "percent from 0 to 50"),
        (("parabola", 50, 1.0, -1), "data seed"),
    ],
)
def test_a_data_set_that_cannot_be_made_says_why(arguments: tuple, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        make(*arguments)


@pytest.mark.parametrize("kind", SCALINGS)
@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=20))
def test_every_scaling_can_be_undone(kind: str, rows: list[tuple[float, float]]) -> None:
    values = np.array(rows)
    scaling = Scaling.fit(kind, values)
    np.testing.assert_allclose(scaling.undo(scaling.apply(values)), values, rtol=1e-12, atol=1e-9)


def test_scalings_by_hand() -> None:
    values = np.array([[0.0, 5.0], [100.0, 5.0]])
    np.testing.assert_array_equal(Scaling.fit("none", values).apply(values), values)
    np.testing.assert_array_equal(Scaling.fit("unit", values).apply(values), values / 100)
    np.testing.assert_array_equal(Scaling.fit("standard", values).apply(values), [[-1, 0], [1, 0]])
    with pytest.raises(SpecError, match="none, unit, standard"):
        Scaling.fit("minmax", values)


def test_the_exact_standardisation_of_the_dose_table() -> None:
    scaling = Scaling("standard", np.array(TABLE["uniform_0_100_exact_mean"]), np.array(TABLE["uniform_0_100_exact_std"]))
    np.testing.assert_allclose(scaling.apply(np.array(TABLE["effectiveness"])), TABLE["standardised_exact"], rtol=1e-12)


def test_no_monotone_curve_explains_more_than_47_128ths_of_the_parabola() -> None:
    assert pytest.approx(BOUND["r2_max_exact"], rel=1e-15) == MONOTONE_R2
    bounds = [monotone_r2(make("parabola", points).y) for points in (5, 11, 101, 500)]
    assert bounds == sorted(bounds)
    assert bounds[-1] < MONOTONE_R2
    assert bounds[-1] == pytest.approx(BOUND["r2_max"], abs=2e-6)
    assert bounds[2] == pytest.approx(0.36715370566, abs=1e-10)


def test_the_bound_of_monotone_data_is_one_whichever_way_it_runs() -> None:
    rising = np.array([[0.0], [1.0], [1.0], [5.0]])
    assert monotone_r2(rising) == monotone_r2(-rising) == monotone_r2(np.ones((4, 1))) == 1.0
    assert monotone_r2(np.array([0.0, 2.0, 1.0])) == pytest.approx(0.75)
