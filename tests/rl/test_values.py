"""Least squares against golden numbers and the normal equations; one-hot features average every visit."""

import numpy as np
from golden import read

from dosegrade.rl.values import fit_linear_q, fit_linear_value

GOLDEN = read("returns_targets")


def test_golden() -> None:
    case = GOLDEN["least_squares_value"]
    x, g = np.array(case["X"]), np.array(case["G"])
    w = fit_linear_value(x, g)
    np.testing.assert_allclose(w, case["w"], rtol=1e-12)
    np.testing.assert_allclose(w, np.linalg.solve(x.T @ x, x.T @ g), rtol=1e-12)
    np.testing.assert_allclose(x.T @ (g - x @ w), 0.0, atol=1e-13)


def test_one_hot_features_average_every_visit() -> None:
    case = GOLDEN["least_squares_tabular_equals_every_visit_average"]
    np.testing.assert_allclose(fit_linear_value(np.eye(3)[case["states"]], np.array(case["G"])), case["average"], rtol=1e-13)


def test_least_norm_where_several_fit() -> None:
    case = GOLDEN["least_squares_rank_deficient"]
    x = np.array(case["X"])
    w = fit_linear_value(x, np.array(GOLDEN["least_squares_value"]["G"]))
    np.testing.assert_allclose(w, case["min_norm_w"], rtol=1e-12)
    np.testing.assert_allclose(x @ w, case["fitted"], rtol=1e-12)


def test_q_has_a_row_of_weights_for_each_action() -> None:
    rng = np.random.default_rng(0)
    x, actions, w = rng.normal(size=(12, 2)), np.arange(12) % 3, rng.normal(size=(3, 2))
    returns = (x * w[actions]).sum(axis=1)
    np.testing.assert_allclose(fit_linear_q(x, actions, returns, 3), w, rtol=1e-10)
    assert not fit_linear_q(x, actions, returns, 4)[3].any()
