"""Optimizers against optimizers.json: the rules of Keras 3.15 in float64, five steps; and extras.json's epoch by hand."""

import numpy as np
import pytest
from oracles import golden

from dosegrade.errors import SpecError
from dosegrade.nn.network import Dense, Network
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.steps import evaluate

CASES = golden("optimizers")["cases"]


def path(name: str, w0, gradients, learning_rate: float, **hyper: float):
    """The weights after each step."""
    optimizer, params = OPTIMIZERS[name], {"w": np.array(w0)}
    state, seen = optimizer.init(params), []
    for gradient in gradients:
        params, state = optimizer.update({"w": np.array(gradient)}, state, params, learning_rate, **{**optimizer.hyper, **hyper})
        seen.append(params["w"])
    return np.array(seen)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["optimizer"])
def test_five_steps_equal_keras(case) -> None:
    weights = path(case["optimizer"], case["w0"], case["gradients"], case["learning_rate"])
    np.testing.assert_allclose(weights, case["keras_w_after"], rtol=0, atol=1e-15)


def test_the_first_step_of_adam_does_not_depend_on_the_size_of_the_gradient() -> None:
    small, large = path("adam", [0.0], [[1e-3]], 0.01), path("adam", [0.0], [[1e3]], 0.01)
    np.testing.assert_allclose(small, large, rtol=1e-2)
    np.testing.assert_allclose(large, [[-0.01]], rtol=1e-8)


@pytest.mark.parametrize(
    ("batches", "key"), [([[0, 1, 2]], "gd"), ([[0], [1], [2]], "sgd_in_order"), ([[0, 1], [2]], "minibatch_2_then_1")]
)
def test_one_epoch_of_y_equals_wx_by_hand(key: str, batches: list[list[int]]) -> None:
    case = golden("extras")["gd_sgd_minibatch_one_epoch"]
    x, y = np.array(case["x"])[:, None], np.array(case["y"])[:, None]
    steps, params, seen = Network(1, (Dense(1),)).steps(), {"W1": np.array([[case["w0"]]])}, []
    for rows in batches:
        gradient = evaluate(steps, {"x": x[rows], "y": y[rows], "b1": np.zeros(1), **params})["dW1"]
        params, _ = OPTIMIZERS["sgd"].update({"W1": gradient}, {}, params, case["alpha"])
        seen.append(float(params["W1"][0, 0]))
    np.testing.assert_allclose(seen, np.atleast_1d(case[key]), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "hyper", "says"),
    [
        ("adam", {"momentum": 0.9}, "it takes beta_1, beta_2, epsilon"),
        ("adam", {"beta1": 0.9}, "Did you mean 'beta_1'"),
        ("sgd", {"momentum": 0.9}, "it takes none"),
        ("momentum", {"momentum": 1.0}, "up to but not including 1"),
        ("rmsprop", {"rho": float("nan")}, "up to but not including 1"),
        ("rmsprop", {"epsilon": 0.0}, "above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name: str, hyper: dict[str, float], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        OPTIMIZERS[name].settings(hyper)


def test_settings_override_the_defaults() -> None:
    assert OPTIMIZERS["adam"].settings({"beta_1": 0.5}) == {"beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-7}
