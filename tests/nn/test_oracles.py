"""Live comparison with JAX, Keras and torch, each skipped where it is not installed (extra `oracles`); golden files hold without them.

Keras promotes to float32 inside its operations, whatever its floatx (DOMAIN B.3): it is compared at 1e-5.
"""

import os
from typing import Any

import numpy as np
import pytest

from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network, mlp
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.schedules import SCHEDULES
from dosegrade.steps import evaluate

os.environ.setdefault("KERAS_BACKEND", "jax")
pytestmark = pytest.mark.filterwarnings("ignore")
ACTIVATIONS = ("tanh", "sigmoid", "relu", "elu", "selu", "softplus", "softsign", "silu", "gelu", "leaky_relu(0.2)", "hard_sigmoid")
KERAS_LOSSES = [name for name in LOSSES if name not in ("squared", "absolute", "cross_entropy")]


def case(activation: str) -> tuple[Network, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A 2-4-3-2 network with random parameters and data."""
    rng, network = np.random.default_rng(1), mlp(2, (4, 3, 2), activation)
    params = {name: rng.normal(size=shape) for name, shape in network.shapes.items()}
    return network, params, {"x": rng.normal(size=(6, 2)), "y": rng.normal(size=(6, 2))}


def ours(network: Network, params: dict[str, np.ndarray], data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = evaluate(network.steps(), {**params, **data})
    return {name: values[f"d{name}"] for name in params}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_equal_jax(activation: str) -> None:
    jax = pytest.importorskip("jax", reason="jax is not installed")
    jax.config.update("jax_enable_x64", True)
    bends: dict[str, Any] = {"tanh": jax.numpy.tanh, "sigmoid": jax.nn.sigmoid, "softsign": jax.nn.soft_sign}
    bends |= {"softplus": jax.nn.softplus, "gelu": lambda z: jax.nn.gelu(z, approximate=False)}
    bends |= {"leaky_relu(0.2)": lambda z: jax.nn.leaky_relu(z, 0.2)}
    bend = bends.get(activation) or getattr(jax.nn, activation)
    network, params, data = case(activation)

    def loss(p: Any) -> Any:
        hidden = bend(bend(data["x"] @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"])
        return ((hidden @ p["W3"] + p["b3"] - data["y"]) ** 2).sum(-1).mean()

    theirs = jax.grad(loss)(params)
    for name, gradient in ours(network, params, data).items():
        np.testing.assert_allclose(gradient, theirs[name], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_equal_torch(activation: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    names = {"softsign": "softsign", "hard_sigmoid": "hardsigmoid", "leaky_relu(0.2)": "leaky_relu"}
    function = getattr(torch.nn.functional, names.get(activation, activation))
    network, params, data = case(activation)
    p = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}

    def bend(z: Any) -> Any:
        return function(z, 0.2) if activation.startswith("leaky") else function(z)

    x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    hidden = bend(bend(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"])
    ((hidden @ p["W3"] + p["b3"] - y) ** 2).sum(-1).mean().backward()
    for name, gradient in ours(network, params, data).items():
        rtol = 1e-7 if activation == "hard_sigmoid" else 1e-11  # torch keeps the sixth in float32
        np.testing.assert_allclose(gradient, p[name].grad, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("name", KERAS_LOSSES)
def test_losses_equal_keras(name: str) -> None:
    keras = pytest.importorskip("keras", reason="keras is not installed")
    rng, loss = np.random.default_rng(2), LOSSES[name]
    p = rng.dirichlet(np.ones(4), size=7)
    t = rng.integers(4, size=7) if loss.labels else rng.dirichlet(np.ones(4), size=7)
    np.testing.assert_allclose(loss.value(t, p), np.asarray(getattr(keras.losses, name)(t, p)), rtol=1e-5)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad", "adadelta"])
def test_fifty_updates_equal_keras(name: str) -> None:
    keras = pytest.importorskip("keras", reason="keras is not installed")
    classes = {"sgd": "SGD", "rmsprop": "RMSprop", "adamw": "AdamW"}
    theirs = getattr(keras.optimizers, classes.get(name, name.capitalize()))(0.01)
    variable = keras.Variable(np.array([1.0, -2.0, 0.5]), dtype="float64")
    theirs.build([variable])
    rng, rule, params = np.random.default_rng(3), OPTIMIZERS[name], {"w": np.array([1.0, -2.0, 0.5])}
    state = rule.init(params)
    for _ in range(50):
        gradient = rng.normal(size=3)
        params, state = rule.update({"w": gradient}, state, params, 0.01, **rule.hyper)
        theirs.apply_gradients([(keras.ops.convert_to_tensor(gradient, "float64"), variable)])
    np.testing.assert_allclose(params["w"], np.asarray(variable), rtol=1e-5)


def test_schedules_equal_keras() -> None:
    keras = pytest.importorskip("keras", reason="keras is not installed")
    kinds = keras.optimizers.schedules
    theirs = {
        "exponential": kinds.ExponentialDecay(0.1, 20, 0.5),
        "step": kinds.ExponentialDecay(0.1, 20, 0.5, staircase=True),
        "cosine": kinds.CosineDecay(0.1, 20, alpha=0.5),
        "inverse_time": kinds.InverseTimeDecay(0.1, 20, 0.5),
    }
    for name, schedule in theirs.items():
        expected = [float(schedule(step)) for step in range(50)]
        np.testing.assert_allclose(SCHEDULES[name].rates(0.1, np.arange(50), 20, 0.5), expected, rtol=1e-5)
