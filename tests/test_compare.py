"""The metric of DOMAIN D.4. Golden: comparison_statistics.json and grading_points.json, made with mpmath-checked NumPy prototypes."""

import json
from pathlib import Path

import numpy as np
import pytest

from dosegrade.compare import ROUNDOFF_SINGLE, RTOL_SINGLE, block_errors, compare, surely_within

GOLDEN = Path(__file__).parent / "golden"
RNG = np.random.default_rng(1)


def test_one_block_by_hand() -> None:
    # ‖(3,4)−(3,4.1)‖ = 0.1; max norm √(9+16.81) = 5.0803; no floor: error = 0.1/(0.1·5.0803)
    result = compare(np.array([3.0, 4.1]), np.array([3.0, 4.0]), np.zeros(2), rtol=0.1)
    assert result.same
    assert result.error == pytest.approx(0.1 / (0.1 * np.sqrt(9 + 16.81)), rel=1e-12)
    assert not compare(np.array([3.0, 4.1]), np.array([3.0, 4.0]), np.zeros(2), rtol=0.01).same


@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e8])
def test_scale_invariance(factor: float) -> None:
    g = RNG.normal(size=(3, 4))
    assert compare(g * factor * (1 + 1e-8), g * factor, np.abs(g) * factor).same
    assert not compare(-g * factor, g * factor, np.abs(g) * factor).same
    assert not compare(g * factor * (1 + 1e-5), g * factor, np.abs(g) * factor).same


def test_floor_accepts_textbook_slope_at_saturation_and_zero() -> None:
    """DOMAIN D.5: at the worked example dL/dW1 is −3.3e-15 with S = 271; 1−h² is 5 % off there."""
    case = next(c for c in json.loads((GOLDEN / "dose_response.json").read_text())["cases"] if c["name"] == "seed_worked_example_saturated")
    truth = np.array(case["mean_grad"]["W1"])
    for answer in (truth * 1.0508, 0.0):
        assert compare(np.array(answer), truth, np.array(271.0)).same
        assert not compare(np.array(answer), truth, np.array(0.0)).same


def test_no_global_norm_hides_a_small_block() -> None:
    answer, truth = np.array([1e6, 1.0, 2.0]), np.array([1e6, 1.0, -2.0])
    errors = block_errors(answer, truth, np.abs(truth), np.array([0, 1]))
    assert errors[0] == 0
    assert errors[1] > 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_is_never_the_same(bad: float) -> None:
    assert not compare(np.array([1.0, bad]), np.array([1.0, 2.0]), np.ones(2)).same


def test_zeros_and_empty() -> None:
    assert compare(np.zeros(3), np.zeros(3), np.zeros(3)).same
    assert compare(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3))).same
    assert not compare(np.full(3, 1e-300), np.zeros(3), np.zeros(3)).same


def test_shapes_are_checked_first() -> None:
    with pytest.raises(ValueError, match="shape"):
        compare(np.zeros((2, 1)), np.zeros((1, 2)), np.zeros(2))


def test_where_it_first_goes_wrong() -> None:
    truth = np.arange(1.0, 7.0).reshape(2, 3)
    answer = truth.copy()
    answer[1, 0] *= 1.001
    assert compare(answer, truth, np.abs(truth)).where == (1, 0)


def test_error_of_one_in_ten_thousand_in_one_entry_fails() -> None:
    for index in range(6):
        truth = RNG.uniform(0.5, 2, 6)
        answer = truth.copy()
        answer[index] *= 1 + 1e-4
        assert not compare(answer, truth, truth).same


def test_single_precision() -> None:
    truth = RNG.normal(size=200)
    answer = truth.astype(np.float32).astype(float) * (1 + 3e-6)
    assert not compare(answer, truth, np.abs(truth)).same
    assert compare(answer, truth, np.abs(truth), RTOL_SINGLE, ROUNDOFF_SINGLE).same


def test_within_the_slack_of_every_entry_is_within_the_tolerance_of_every_block() -> None:
    rng = np.random.default_rng(3)
    starts = np.array([0, 1, 4, 9])
    for size in (1e-300, 1.0, 1e300):
        truth = size * rng.normal(size=20) * 10.0 ** rng.integers(-6, 6, 20)
        truth[4:9] = 0.0
        scale = np.abs(truth) * rng.integers(1, 1000, 20)
        slack = surely_within(truth, scale, 1e-12)
        errors = block_errors(truth + slack * rng.choice([-1, 1], 20), truth, scale, starts, 1e-12)
        assert (errors <= 0.6).all()
        assert not errors[2]
        assert (errors[[0, 1, 3]] > 0.4).all()
