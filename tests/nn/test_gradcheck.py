"""Differences against the complex step, and the rule that cannot tell (DOMAIN D.1, D.2, DR-16)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dosegrade.nn.gradcheck import BEST, EPSILONS, KINDS, RULE, central, one_sided, single, sweep, trials
from dosegrade.nn.network import mlp
from dosegrade.steps import complex_step, evaluate

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "capacity_and_gradcheck.json").read_text())["verification_demo"]
CHAIN = mlp(1, (1, 1, 1), "tanh")
VALUES = (0.6, -0.3, 0.9, 0.1, 1.5, 0.5)


def point(dose: float, target: float) -> dict[str, np.ndarray]:
    params = {name: np.full(shape, value) for (name, shape), value in zip(CHAIN.shapes.items(), VALUES, strict=True)}
    return {"x": np.array([[dose]]), "y": np.array([[target]]), **params}


def norm_error(inputs: dict[str, np.ndarray], epsilon: float, way: object) -> float:
    exact = np.array([float(evaluate(CHAIN.steps(), inputs)[f"d{name}"].ravel()[0]) for name in CHAIN.shapes])
    found = np.array([way(CHAIN.steps(), inputs, name, (0,) * inputs[name].ndim, epsilon) for name in CHAIN.shapes])  # type: ignore[operator]
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("epsilon", ["0.1", "0.01", "0.001", "0.0001"])
def test_differences_by_hand(epsilon: str) -> None:
    """The golden truncation errors of the unsaturated chain."""
    inputs = point(0.3, 1.7)
    assert norm_error(inputs, float(epsilon), central) == pytest.approx(GOLDEN["relative_error_vs_eps_unsat"][epsilon], rel=0.5)
    assert norm_error(inputs, float(epsilon), one_sided) == pytest.approx(GOLDEN["relative_error_vs_eps_forward_unsat"][epsilon], rel=0.5)


def test_in_32_bits_an_epsilon_of_1e_7_leaves_nothing() -> None:
    inputs = single(point(0.3, 1.7))
    assert {value.dtype for value in inputs.values()} == {np.dtype(np.float32)}
    found = [central(CHAIN.steps(), inputs, name, (0,) * inputs[name].ndim, RULE) for name in CHAIN.shapes]
    exact = GOLDEN["float32_eps_1e-7"]["analytic"]
    assert np.linalg.norm(np.subtract(found, exact)) > 0.1 * np.linalg.norm(exact)


def test_the_valley_lies_where_theory_has_it() -> None:
    measured = [m for m in sweep(CHAIN.steps(), point(0.3, 1.7), "W1", (0, 0)) if m.kind == "central"]
    best = min(measured, key=lambda m: m.relative)
    assert BEST / 30 < best.epsilon < BEST * 30
    assert best.relative < 1e-9
    assert measured[0].relative > 1e-4
    assert measured[-1].relative > 1e-5


def test_every_kind_at_every_epsilon_and_the_inputs_stay() -> None:
    inputs = point(0.3, 1.7)
    before = {name: value.copy() for name, value in inputs.items()}
    measured = sweep(CHAIN.steps(), inputs, "b2", (0,))
    assert [m.kind for m in measured] == [kind for kind in KINDS for _ in EPSILONS]
    assert all((inputs[name] == value).all() for name, value in before.items())


def test_the_saturated_weight_is_lost_to_differences_and_not_to_the_complex_step() -> None:
    inputs = point(30.0, 1.7)
    assert complex_step(CHAIN.steps(), inputs, "loss", "W1")[0, 0] == pytest.approx(-3.31307816191823e-15, rel=1e-12)
    small = [m for m in sweep(CHAIN.steps(), inputs, "W1", (0, 0)) if m.kind == "central" and m.epsilon < 1e-3]
    assert min(m.relative for m in small) > 0.5


def test_the_rule_is_mistaken_about_three_of_four() -> None:
    plain, raw, asleep, fitted = trials()
    assert (plain.right, plain.accepted) == (True, True)
    assert (raw.right, raw.accepted) == (True, False)
    assert raw.gap == pytest.approx(GOLDEN["unnormalised_target_correct_gradient_fails_abs_1e-7"]["max_abs_diff"], rel=0.5)
    assert (asleep.right, asleep.accepted) == (False, True)
    assert (fitted.right, fitted.accepted) == (False, True)


def test_block_by_block_the_same_hand_ins_are_judged_rightly() -> None:
    plain, raw, asleep, fitted = trials()
    assert (plain.same, raw.same, fitted.same) == (True, True, False)
    assert (plain.silent, raw.silent) == ((), ())
    assert asleep.silent == ("W1", "b1")
