"""Activations against activations.json: mpmath with 40 digits; kinks as torch and jax have them."""

import math

import numpy as np
import pytest
from oracles import golden

from dosegrade.errors import SpecError
from dosegrade.nn.activations import ACTIVATIONS, erfc, get, log_softmax, sech2, softmax

SPECS = {
    "identity": "identity",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "leaky_relu_0.01": "leaky_relu(0.01)",
    "leaky_relu_0.2": "leaky_relu(0.2)",
    "elu_1": "elu(1)",
    "elu_0.5": "elu(0.5)",
    "selu": "selu",
    "softplus": "softplus",
    "softsign": "softsign",
    "silu": "silu",
    "gelu_exact": "gelu",
    "hard_sigmoid_keras3": "hard_sigmoid",
}


@pytest.mark.parametrize(
    "case", [c for c in golden("activations")["activations"] if c["activation"] in SPECS], ids=lambda c: c["activation"]
)
def test_value_and_derivative_equal_forty_digit_arithmetic(case) -> None:
    f, z = get(SPECS[case["activation"]]), np.array(case["z"])
    rtol = 1e-13 if f.name == "gelu" else 4e-15  # the tail of Φ loses z² units in the last place to the rounding of z/√2
    np.testing.assert_allclose(f(z), case["value"], rtol=rtol, atol=0)
    np.testing.assert_allclose(f.derivative(z), case["derivative"], rtol=rtol, atol=0)


def test_erfc_is_that_of_the_c_library_in_the_tails_as_well() -> None:
    x = np.concatenate([np.linspace(-7.0, 26.5, 20_001), [0.0, -0.0, 1e-300, -1e-17, 40.0, -40.0, np.inf, -np.inf]])
    np.testing.assert_allclose(erfc(x), [math.erfc(value) for value in x], rtol=1.5e-15, atol=0)
    assert math.isnan(erfc(np.array(np.nan)))
    assert erfc(np.zeros((0, 3))).shape == (0, 3)


def test_derivatives_keep_their_digits_where_the_textbook_forms_lose_them() -> None:
    for case in golden("activations")["tanh_cancellation"]:
        assert sech2(np.array(case["z"])) == pytest.approx(case["exact_sech2"], rel=1e-14)
    for case in golden("activations")["sigmoid_cancellation"]:
        assert get("sigmoid").derivative(np.array(case["z"])) == pytest.approx(case["exact"], rel=1e-14)


def test_extreme_arguments_neither_overflow_nor_warn() -> None:
    z = np.array([-1e6, -800.0, 0.0, 800.0, 1e6])
    for f in ACTIVATIONS.values():
        if f.slope is not None:
            assert np.isfinite(f(z)).all()
            assert np.isfinite(f.derivative(z)).all()


def test_softmax_its_logarithm_and_its_shift() -> None:
    case = golden("activations")["softmax"]
    z = np.array([case["z"]])
    np.testing.assert_allclose(softmax(z)[0], case["softmax"], rtol=1e-15)
    np.testing.assert_allclose(softmax(z + 1000)[0], case["shift_1000"], rtol=1e-13)
    np.testing.assert_allclose(log_softmax(z)[0], case["log_softmax"], rtol=1e-15)
    jacobian = get("softmax").vjp(np.repeat(z, 4, axis=0), np.eye(4))
    np.testing.assert_allclose(jacobian, case["jacobian"], rtol=1e-14, atol=1e-17)


def test_maxout_passes_the_gradient_to_the_winning_piece() -> None:
    case, f = golden("activations")["maxout"], get("maxout(2)")
    z = np.array([case["branches"]])
    assert f(z) == pytest.approx(case["value"])
    np.testing.assert_array_equal(f.vjp(z, np.array([[1.0]])), [[case["grad_b1"], case["grad_b2"]]])


def test_relu_has_slope_zero_at_its_kink_as_torch_and_jax() -> None:
    kinks = golden("activations")["kinks"]
    assert get("relu").derivative(np.array(0.0)) == kinks["relu"]["torch"] == kinks["relu"]["jax"]
    assert get("leaky_relu(0.01)").derivative(np.array(0.0)) == kinks["leaky_relu_0.01"]["torch"]
    assert get("elu(0.5)").derivative(np.array(0.0)) == kinks["elu_alpha_0.5"]["torch"]


def test_softmax_has_no_slope_of_a_single_entry() -> None:
    with pytest.raises(ValueError, match="use vjp"):
        get("softmax").derivative(np.zeros((1, 2)))


@pytest.mark.parametrize("spec", ["tanh", "elu(0.5)", "leaky_relu(0.2)", "maxout(3)"])
def test_a_spec_reads_back_what_it_wrote(spec: str) -> None:
    assert get(spec).spec == spec


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("tahn", "Did you mean 'tanh'"),
        ("tanh(2)", "takes no number"),
        ("elu(1e)", "is no number"),
        ("elu(-1)", "must lie from 0 to 100"),
        ("maxout(1)", "whole number of pieces"),
        ("maxout(2.5)", "whole number of pieces"),
        ("relu; import os", "expected a name"),
    ],
)
def test_a_spec_that_names_nothing_says_so(spec: str, says: str) -> None:
    with pytest.raises(SpecError, match=says.replace("(", "\\(")):
        get(spec)
