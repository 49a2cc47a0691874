"""Losses against keras_losses.json: float64 formulas checked with Keras 3.15 values, jax.grad gradients; and extras.json."""

import numpy as np
import pytest
from oracles import golden

from dosegrade.nn.activations import get, sigmoid, softmax
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import loss_and_error
from dosegrade.steps import evaluate

CASES = golden("keras_losses")["cases"]
KERAS = [case for case in CASES if not case["case"].startswith("kink") and None not in case["grad_batch_mean_wrt_y_pred"]]
LECTURE = dict(zip(("squared", "absolute", "cross_entropy"), golden("keras_losses")["lecture"], strict=False))


@pytest.mark.parametrize("case", KERAS, ids=lambda case: f"{case['loss']}-{case['case']}")
def test_value_and_gradient_of_the_batch_mean_equal_keras(case) -> None:
    loss, t, p = LOSSES[case["loss"]], np.array(case["y_true"]), np.array(case["y_pred"])
    np.testing.assert_allclose(loss.value(t, p), case["per_sample"], rtol=1e-14)
    gradient = loss.gradient(t, p) / len(p)
    np.testing.assert_allclose(gradient.ravel(), case["grad_batch_mean_wrt_y_pred"], rtol=1e-12, atol=1e-16)


def test_mean_absolute_error_has_the_middle_slope_at_its_kink() -> None:
    (case,) = [case for case in CASES if case["case"] == "kink_equal"]
    t, p = np.array(case["y_true"]), np.array(case["y_pred"])
    assert LOSSES[case["loss"]].value(t, p) == case["batch_mean"]
    ours, jax = LOSSES[case["loss"]].gradient(t, p).ravel(), np.array(case["grad_batch_mean_wrt_y_pred"])
    assert (np.abs(ours) <= np.abs(jax)).all()
    assert ours[0] == 0
    assert ours[1] == jax[1]


def test_all_fourteen_losses_of_keras_are_there_under_their_new_and_old_names() -> None:
    names = {case["loss"]: case["legacy_name_in_lecture"] for case in CASES}
    assert len(names) == 14
    assert all(LOSSES[old] is LOSSES[new] for new, old in names.items())
    assert all(name in LOSSES.aliases for name in golden("keras_losses")["names_rejected_by_keras3"])


def test_a_hinge_has_no_slope_at_its_kink_where_keras_has_none_or_one() -> None:
    (case,) = [case for case in CASES if case["case"] == "kink_margin_exactly_1"]
    t, p = np.array(case["y_true"]), np.array(case["y_pred"])
    np.testing.assert_allclose(LOSSES["hinge"].value(t, p), case["per_sample"])
    ours, jax = LOSSES["hinge"].gradient(t, p).ravel(), np.array(case["grad_batch_mean_wrt_y_pred"])
    assert (np.abs(ours) <= np.abs(jax)).all()
    assert ours[1] == jax[1]


def test_the_cosine_of_nothing_is_nothing() -> None:
    (case,) = [case for case in CASES if case["loss"] == "cosine_similarity" and case["case"] == "zero_prediction"]
    t, p = np.array(case["y_true"]), np.array(case["y_pred"])
    assert LOSSES["cosine_similarity"].value(t, p) == 0
    assert np.isfinite(LOSSES["cosine_similarity"].gradient(t, p)).all()


@pytest.mark.parametrize("name", LECTURE)
def test_value_and_gradient_of_the_lectures_losses(name: str) -> None:
    loss, case = LOSSES[name], LECTURE[name]
    t, p = np.array(case["y_true"]), np.array(case["y_pred"])
    np.testing.assert_allclose(loss.value(t, p), case["per_sample"], rtol=1e-14)
    expected = case.get("grad", case.get("grad_wrt_probs"))
    np.testing.assert_allclose(loss.gradient(t, p) / len(p), expected, rtol=1e-14, atol=1e-17)


def test_the_lectures_absolute_error_has_gradient_zero_where_nothing_is_wrong() -> None:
    np.testing.assert_array_equal(LOSSES["absolute"].gradient(np.ones((1, 3)), np.ones((1, 3))), np.zeros((1, 3)))


@pytest.mark.parametrize(("name", "output"), [("softmax_ce", "softmax"), ("sigmoid_bce", "sigmoid")])
def test_fused_losses_equal_the_golden_values(name: str, output: str) -> None:
    case = golden("extras")[name]
    z = np.array(case["logits"], dtype=float).reshape(len(case["logits"]), -1)
    y = np.array(case["targets"], dtype=float).reshape(z.shape)
    loss = LOSSES["cross_entropy" if output == "softmax" else "binary_crossentropy"]
    values = evaluate(
        tuple(loss_and_error(loss, get(output), 1)), {"z1": z, "a1": softmax(z) if output == "softmax" else sigmoid(z), "y": y}
    )
    assert values["loss"] == pytest.approx(case["mean_loss"], rel=1e-14)
    np.testing.assert_allclose(values["dz1"].ravel(), np.ravel(case["grad_logits"]), rtol=1e-13)


@pytest.mark.parametrize("name", ["cross_entropy", "categorical_crossentropy"])
def test_fused_cross_entropy_stays_finite_where_softmax_is_zero(name: str) -> None:
    value, gradient = LOSSES[name].from_z["softmax"]
    z, t = np.array([[0.0, 2000.0]]), np.array([[1.0, 0.0]])
    np.testing.assert_array_equal(value(t, z), [2000.0])
    np.testing.assert_array_equal(gradient(t, softmax(z)), [[-1.0, 1.0]])


def test_fused_binary_crossentropy_stays_finite_where_sigmoid_is_zero() -> None:
    value, gradient = LOSSES["binary_crossentropy"].from_z["sigmoid"]
    z, t = np.array([[-2000.0]]), np.array([[1.0]])
    np.testing.assert_array_equal(value(t, z), [2000.0])
    np.testing.assert_array_equal(gradient(t, sigmoid(z)), [[-1.0]])
