"""The derivation of a whole network against worked examples, golden gradients and the laws that every gradient obeys.

dose_response.json: mpmath with 50 digits, and DOMAIN A.1. relu_2_2_1.json: jax.grad in float64. grading_points.json: ten vetted points,
reference gradients and absolute scales certified there by the complex step.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import golden

from dosegrade.compare import compare
from dosegrade.errors import SpecError
from dosegrade.nn.layers import Dense, Dropout
from dosegrade.nn.network import Network, mlp
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.steps import complex_step, evaluate, magnitudes

CHAIN = mlp(1, (1, 1, 1), "tanh")
SPECS = {"leaky_relu_0.01": "leaky_relu(0.01)", "elu_1": "elu(1)", "linear": "identity"}

WORKED_EXAMPLE = {
    "z1": 17.7,
    "a1": 0.99999999999999915,
    "z2": 0.99999999999999924,
    "a2": 0.76159415595576,
    "z3": 1.64239123393365,
    "loss": 0.00331876992769,
    "dW3": -0.08774899913591,
    "db3": -0.11521753213271,
    "dW2": -0.07258261079974,
    "db2": -0.07258261079974,
    "dW1": -3.31307816191823e-15,
    "db1": -1.10435938730608e-16,
}


def dose_case(name: str) -> tuple[dict, dict]:
    """A golden case of the 1-1-1-1 net and its inputs."""
    case = next(case for case in golden("dose_response")["cases"] if case["name"] == name)
    params = {k: np.full((1, 1) if k.startswith("W") else (1,), v) for k, v in case["params"].items()}
    rows = {k: np.array([[sample[of]] for sample in case["samples"]]) for k, of in (("x", "d"), ("y", "e"))}
    return case, {**params, **rows}


def test_the_worked_example_has_its_exact_values() -> None:
    values = evaluate(CHAIN.steps(), dose_case("seed_worked_example_saturated")[1])
    for name, exact in WORKED_EXAMPLE.items():
        digits = 5e-12 if name == "loss" else 1e-12
        assert values[name].item() == pytest.approx(exact, rel=digits, abs=0), name


@pytest.mark.parametrize("name", [case["name"] for case in golden("dose_response")["cases"]])
def test_dose_response_gradients_and_one_descent_step(name: str) -> None:
    case, inputs = dose_case(name)
    values = evaluate(CHAIN.steps(), inputs)
    assert values["loss"] == pytest.approx(case["mean_loss"], rel=1e-12)
    for key, exact in case["mean_grad_30_digits"].items():
        assert values[f"d{key}"].item() == pytest.approx(float(exact), rel=1e-12, abs=0), key
    params = {key: inputs[key] for key in CHAIN.shapes}
    after, _ = OPTIMIZERS["sgd"].update({k: values[f"d{k}"] for k in params}, {}, params, case["alpha"])
    for key, exact in case["params_after_one_gd_step"].items():
        assert after[key].item() == pytest.approx(exact, rel=1e-14)
    assert evaluate(CHAIN.steps(), {**inputs, **after})["loss"] == pytest.approx(case["loss_after_step"], rel=1e-12)


def test_every_intermediate_of_every_sample() -> None:
    names = {"z1": "z1", "h1": "a1", "z2": "z2", "h2": "a2", "e_hat": "a3", "dL_dehat": "da3", "dL_dh2": "da2", "dL_dz2": "dz2"}
    names |= {"dL_dh1": "da1", "dL_dz1": "dz1"}
    for case in golden("dose_response")["cases"]:
        _, inputs = dose_case(case["name"])
        for i, sample in enumerate(case["samples"]):
            values = evaluate(CHAIN.steps(), {**inputs, "x": inputs["x"][i : i + 1], "y": inputs["y"][i : i + 1]})
            for theirs, ours in names.items():
                assert values[ours].item() == pytest.approx(sample["forward"][theirs], rel=1e-12, abs=0), (case["name"], theirs)


@pytest.mark.parametrize("case", golden("relu_2_2_1")["cases"], ids=lambda case: case["name"])
def test_the_lectures_2_2_1_net(case) -> None:
    hidden, output = (SPECS.get(case[key], case[key]) for key in ("activation", "output_activation"))
    network = Network(2, (Dense(2, hidden), Dense(1, output)))
    inputs = {**lecture_params(case["w_flat"]), "x": np.array([case["x"]]), "y": np.array([[case["y"]]])}
    values = evaluate(network.steps(), inputs)
    expected = {"z1": "z1", "a1": "u", "z2": "z2", "a2": "y_hat", "loss": "loss", "da2": "epsilon2_dL_dyhat", "dz2": "delta2_dL_dz2"}
    expected |= {"da1": "epsilon1_dL_du", "dz1": "delta1_dL_dz1"}
    for ours, theirs in expected.items():
        np.testing.assert_allclose(np.ravel(values[ours]), np.ravel(case[theirs]), rtol=1e-13, atol=1e-15, err_msg=ours)
    gradient = {key: values[f"d{key}"] for key in network.shapes}
    np.testing.assert_allclose(lecture_flat(gradient), case["grad_flat"], rtol=1e-13, atol=1e-15)
    after, _ = OPTIMIZERS["sgd"].update(gradient, {}, {key: inputs[key] for key in network.shapes}, case["alpha"])
    np.testing.assert_allclose(lecture_flat(after), case["w_after_sgd"], rtol=1e-14)
    assert evaluate(network.steps(), {**inputs, **after})["loss"] == pytest.approx(case["loss_after"], rel=1e-12)


def lecture_params(flat: list[float]) -> dict[str, np.ndarray]:
    """Parameters from the lecture's order: bias and weights of each unit in turn."""
    first, second = np.reshape(flat[:6], (2, 3)).T, np.reshape(flat[6:], (1, 3)).T
    return {"W1": first[1:], "b1": first[0], "W2": second[1:], "b2": second[0]}


def lecture_flat(params: dict[str, np.ndarray]) -> np.ndarray:
    """The lecture's order from parameters."""
    return np.concatenate([np.vstack([params[f"b{i}"], params[f"W{i}"]]).T.ravel() for i in (1, 2)])


def vetted(point: dict) -> tuple[Network, dict]:
    """The network and the inputs of a grading point."""
    network = mlp(point["sizes"][0], tuple(point["sizes"][1:]), point["activation"])
    params = {}
    for i, layer in enumerate(point["params"], 1):
        params |= {f"W{i}": np.array(layer["W"]), f"b{i}": np.array(layer["b"])}
    return network, {**params, "x": np.array(point["X"]), "y": np.array(point["Y"])}


def flat(values: dict, network: Network, prefix: str = "d") -> np.ndarray:
    """All gradients in the order W1 row-major, b1, W2, …"""
    return np.concatenate([np.ravel(values[f"{prefix}{name}"]) for name in network.shapes])


@pytest.mark.parametrize(
    "point", golden("grading_points")["points"], ids=lambda point: f"{point['sizes']}-{point['activation']}-{point['n']}"
)
def test_grading_points_have_their_gradients_scales_and_certificates(point) -> None:
    network, inputs = vetted(point)
    values = evaluate(network.steps(), inputs)
    np.testing.assert_allclose(flat(values, network), point["gradient_flat"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(flat(magnitudes(network.steps(), values), network), point["abs_scale_flat"], rtol=1e-12)
    for name in network.shapes:
        certificate = complex_step(network.steps(), inputs, "loss", name)
        assert np.linalg.norm(values[f"d{name}"] - certificate) <= 1e-12 * np.linalg.norm(certificate)


def random_case(seed: int, n: int = 5) -> tuple[Network, dict]:
    """A 2-3-3-2 tanh net with random parameters and data."""
    network, rng = mlp(2, (3, 3, 2), "tanh"), np.random.default_rng(seed)
    params = {name: rng.normal(size=shape) for name, shape in network.shapes.items()}
    return network, {**params, "x": rng.normal(size=(n, 2)), "y": rng.normal(size=(n, 2))}


def gradient(network: Network, inputs: dict) -> dict[str, np.ndarray]:
    """The gradient by parameter name."""
    values = evaluate(network.steps(), inputs)
    return {name: values[f"d{name}"] for name in network.shapes}


def assert_same(first: dict, second: dict, factor: float = 1.0) -> None:
    for name in first:
        np.testing.assert_allclose(second[name], factor * first[name], rtol=1e-10, atol=1e-12)


SEEDS = st.integers(0, 10**6)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_order_and_duplication_of_samples_do_not_matter(seed: int) -> None:
    network, inputs = random_case(seed)
    g = gradient(network, inputs)
    order = np.random.default_rng(seed).permutation(5)
    assert_same(g, gradient(network, {**inputs, "x": inputs["x"][order], "y": inputs["y"][order]}))
    assert_same(g, gradient(network, {**inputs, "x": np.tile(inputs["x"], (2, 1)), "y": np.tile(inputs["y"], (2, 1))}))


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(-3, 3))
def test_the_gradient_is_linear_in_the_error_and_zero_without_one(seed: int, factor: float) -> None:
    network, inputs = random_case(seed)
    predicted = network.predict(inputs, inputs["x"])
    scaled = {**inputs, "y": predicted - factor * (predicted - inputs["y"])}
    assert_same(gradient(network, inputs), gradient(network, scaled), factor)
    perfect = gradient(network, {**inputs, "y": predicted})
    assert all((block == 0).all() for block in perfect.values())


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_permuted_hidden_units_have_permuted_gradients(seed: int) -> None:
    network, inputs = random_case(seed)
    order = np.random.default_rng(seed).permutation(3)

    def permuted(blocks: dict) -> dict:
        return {**blocks, "W1": blocks["W1"][:, order], "b1": blocks["b1"][order], "W2": blocks["W2"][order]}

    assert_same(permuted(gradient(network, inputs)), gradient(network, permuted(inputs)))


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(0, 2))
def test_a_tanh_unit_with_flipped_signs_computes_the_same(seed: int, unit: int) -> None:
    network, inputs = random_case(seed)
    sign = np.ones(3)
    sign[unit] = -1

    def flipped(blocks: dict) -> dict:
        return {**blocks, "W1": blocks["W1"] * sign, "b1": blocks["b1"] * sign, "W2": blocks["W2"] * sign[:, None]}

    np.testing.assert_array_equal(network.predict(inputs, inputs["x"]), network.predict(flipped(inputs), inputs["x"]))
    assert_same(flipped(gradient(network, inputs)), gradient(network, flipped(inputs)))


def test_repeated_calls_agree_and_leave_their_inputs_alone() -> None:
    network, inputs = random_case(3)
    before = {name: value.copy() for name, value in inputs.items()}
    first, second = gradient(network, inputs), gradient(network, inputs)
    assert all((first[name] == second[name]).all() for name in first)
    assert all((inputs[name] == before[name]).all() for name in inputs)


def test_a_float32_gradient_passes_only_as_single_precision() -> None:
    network, inputs = vetted(golden("grading_points")["points"][3])
    values = evaluate(network.steps(), inputs)
    scales = magnitudes(network.steps(), values)
    single = evaluate(network.steps(), {name: value.astype(np.float32) for name, value in inputs.items()})
    assert all(compare(single[f"d{n}"], values[f"d{n}"], scales[f"d{n}"], rtol=1e-4).same for n in network.shapes)
    assert not all(compare(single[f"d{n}"], values[f"d{n}"], scales[f"d{n}"], rtol=1e-9).same for n in network.shapes)


@pytest.mark.parametrize("name", ["x", "W1", "W2", "b1", "y"])
def test_a_shape_that_does_not_fit_raises(name: str) -> None:
    network, inputs = random_case(1)
    wrong = np.zeros((7, 5)) if inputs[name].ndim == 2 else np.zeros(5)
    with pytest.raises(ValueError, match=r"shape|dimension|broadcast|mismatch"):
        evaluate(network.steps(), {**inputs, name: wrong})


def test_dropout_multiplies_by_the_mask_in_training_and_rests_in_inference() -> None:
    case = golden("extras")["dropout"]
    network = Network(1, (Dense(5), Dropout(case["rate"]), Dense(1)))
    inputs = {"x": np.ones((1, 1)), "W1": np.array([case["x"]]), "b1": np.zeros(5), "mask1": np.array([case["mask"]])}
    inputs |= {"W2": np.array([case["upstream"]]).T, "b2": np.zeros(1), "y": np.zeros((1, 1))}
    training, inference = evaluate(network.steps(training=True), inputs), evaluate(network.steps(), inputs)
    np.testing.assert_allclose(training["r1"][0], case["train"], rtol=1e-15)
    np.testing.assert_allclose(training["da1"][0] / training["dz2"], [case["backward"]], rtol=1e-14)
    np.testing.assert_array_equal(inference["a1"][0], case["inference"])
    assert "r1" not in inference


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Network(0, (Dense(1),)), "at least one input"),
        (lambda: Network(True, (Dense(1),)), "at least one input"),
        (lambda: Network(1, ()), "ends in a Dense"),
        (lambda: Network(1, (Dense(2), Dropout(0.5))), "ends in a Dense"),
        (lambda: Network(1, (Dense(2, "softmax"), Dense(1))), "belongs to the output"),
        (lambda: Network(1, (Dense(1),), "mean_squard_error"), "Did you mean 'mean_squared_error'"),
        (lambda: Network(1, (Dropout(0.5), Dense(1))).dropout, "Dropout of the inputs"),
        (lambda: Dense(0), "whole number of units"),
        (lambda: Dense(2.0), "whole number of units"),
        (lambda: Dropout(1.0), "from 0 up to but not including 1"),
    ],
)
def test_a_network_that_cannot_be_says_why(build, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        build()


def test_two_dropouts_in_a_row_keep_what_both_keep() -> None:
    assert Network(1, (Dense(2), Dropout(0.5), Dropout(0.2), Dense(1))).dropout[1] == pytest.approx(0.6)
