"""The points at which a network is asked: inputs, parameters and targets that hide no mistake (DOMAIN D.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.nn.layers import Dense
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network
from dosegrade.steps import Steps, Values, evaluate, magnitudes

Array = NDArray[Any]
MAX_TRIES = 2000
LAYER_TRIES = 500
CLIPPED = 7.0
LARGEST_UNIT = 400


@dataclass(frozen=True)
class Wish:
    """What a case is to show: n samples, a gradient `large` enough to be clipped, a `dead` output, the sign of a single error."""

    n: int
    large: bool = False
    dead: bool = False
    sign: float = 0.0


def wished(samples: Sequence[int], k: int) -> Wish:
    """The k-th case: three in ten have large gradients, two in ten a dead output, single errors change their sign."""
    return Wish(samples[k % len(samples)], k % 4 == 1, k % 5 == 3, 1.0 if k // 2 % 2 else -1.0)


def learning_rate(rng: np.random.Generator) -> float:
    """A learning rate of three decimals from 0.05 to 0.45."""
    return float(np.round(rng.uniform(0.05, 0.45), 3))


def draw_inputs(network: Network, steps: Steps, rng: np.random.Generator, wish: Wish) -> Values:
    """Inputs, parameters and targets that hide no mistake (DOMAIN D.3)."""
    for _ in range(MAX_TRIES):
        inputs = draw_forward(network, rng, wish)
        if inputs is None:
            continue
        last = f"a{len(network.dense)}"
        inputs["y"] = targets(network, inputs.pop(last), rng, wish)
        inputs["learning_rate"] = learning_rate(rng)
        values = evaluate(steps, inputs)
        if errors_show(network, values) and gradients_show(network, steps, values, wish) and (not wish.large or stretched(inputs, values)):
            return inputs
    raise SpecError(
        f"After {MAX_TRIES} draws no case of {wish.n} samples shows every mistake for this network; "
        "use fewer units a layer, or other samples."
    )


def draw_forward(network: Network, rng: np.random.Generator, wish: Wish) -> Values | None:
    """x and parameters, layer by layer until each layer shows its mistakes; the prediction besides. None where it got stuck."""
    inputs: Values = {"x": signed(rng, (wish.n, network.inputs), 0.2, 2.0)}
    a = inputs["x"]
    for i, layer in enumerate(network.dense, 1):
        hidden = i < len(network.dense)
        wide = 1.8 / np.sqrt(a.shape[-1])
        for _ in range(LAYER_TRIES):
            w = signed(rng, network.shapes[f"W{i}"], 0.2 * wide, wide)
            b = signed(rng, network.shapes[f"b{i}"], 0.15, 0.9)
            z = a @ w + b
            if layer_shows(layer, z, hidden) and (hidden or output_shows(layer, z, wish.dead)):
                break
        else:
            return None
        inputs[f"W{i}"], inputs[f"b{i}"] = w, b
        a = layer.f(z)
    inputs[f"a{len(network.dense)}"] = a
    parameters = np.concatenate([np.ravel(inputs[name]) for name in network.shapes])
    distinct = len(set(np.abs(parameters).tolist())) == parameters.size or parameters.size > 12
    return inputs if distinct and parameters.min() < 0 < parameters.max() else None


def draw_plain(network: Network, rng: np.random.Generator, n: int) -> Values:
    """Generic inputs without any filter: what a mistake must change to be one for this network."""
    inputs: Values = {name: rng.normal(size=shape) for name, shape in network.shapes.items()}
    inputs |= {"x": rng.normal(size=(n, network.inputs)), "y": np.zeros((n, network.outputs)), "learning_rate": 0.3}
    inputs["y"] = targets(network, network.predict(inputs, inputs["x"]), rng, Wish(n))
    return inputs


def signed(rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float) -> Array:
    """Numbers of two decimals and either sign with low ≤ |x| ≤ high, never ±1."""
    x = np.round(rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape), 2)
    return np.asarray(np.where(np.abs(x) == 1.0, x * 1.07, x))


def targets(network: Network, predicted: Array, rng: np.random.Generator, wish: Wish) -> Array:
    """Targets whose errors have mixed signs (a single one the sign wished for); shares, one-hot rows or counts for losses on those."""
    loss = LOSSES[network.loss]
    if loss.name == "kl_divergence":
        shares = rng.uniform(0.2, 1.0, predicted.shape)
        return np.asarray(shares / shares.sum(axis=-1, keepdims=True))
    if loss.task == "counts":
        return np.asarray(rng.integers(0, 6, predicted.shape), dtype=float)
    if loss.task == "classification":
        if network.outputs == 1:
            return np.asarray(rng.integers(0, 2, predicted.shape), dtype=float)
        return np.asarray(np.eye(network.outputs)[rng.integers(0, network.outputs, len(predicted))])
    error = signed(rng, predicted.shape, 0.25, 2.9)
    if error.size == 1 and wish.sign:
        error = wish.sign * np.abs(error)
    return np.round(predicted - error, 2)


def layer_shows(layer: Dense, z: Array, hidden: bool) -> bool:
    """Pre-activations away from kinks, zero and saturation; in a hidden layer both signs, and an active ReLU for each sample."""
    f, size = layer.f, np.abs(z)
    bend = max(map(abs, f.kinks), default=0.0)
    if f.saturates and (size.max() > max(2.5, 2 * bend) or size.min() < 0.1):
        return False
    if any(np.abs(z - kink).min() < 0.05 for kink in f.kinks) or size.max() < bend:
        return False
    if f.pieces > 1 and np.diff(np.sort(z.reshape(len(z), -1, f.pieces), axis=-1)[..., -2:], axis=-1).min() < 0.05:
        return False
    if hidden and z.size > 1 and f.name != "identity" and (np.all(z > 0) or np.all(z < 0)):
        return False
    return f.name != "relu" or not hidden or bool(np.all((z > 0).any(axis=-1)))


def output_shows(layer: Dense, z: Array, dead: bool) -> bool:
    """A ReLU output alive in some sample, and dead in another where wished for (dead at all where there is only one)."""
    alive = bool((z > 0).any())
    if layer.f.name != "relu" or not dead:
        return alive or layer.f.name != "relu"
    return bool((z < 0).any()) and (alive or z.size == 1)


def errors_show(network: Network, values: Values) -> bool:
    """Errors of both signs, none near 0, 1 or 2, and no sum near zero (regression)."""
    if LOSSES[network.loss].task != "regression":
        return len(values["y"]) == 1 or bool(np.ptp(values["y"], axis=0).any())
    error = values[f"a{len(network.dense)}"] - values["y"]
    size = np.abs(error)
    near = np.minimum(np.abs(size - 1), np.abs(size - 2)).min() < 0.02
    mixed = error.size == 1 or (error.min() < 0 < error.max())
    return not near and mixed and bool(np.all(np.abs(error.sum(axis=0)) > 0.15))


def gradients_show(network: Network, steps: Steps, values: Values, wish: Wish) -> bool:
    """No block hidden by cancellation, saturation or a much larger one."""
    last = len(network.dense)
    if wish.dead and network.dense[-1].f.name == "relu" and not (values[f"z{last}"] > 0).any():
        return True
    sizes = magnitudes(steps, values)
    norms = {name: float(np.linalg.norm(values[f"d{name}"])) for name in network.shapes}
    biggest = max(norms.values())
    return all(norm >= 1e-3 * biggest and norm >= 1e-3 * float(np.linalg.norm(sizes[f"d{name}"])) for name, norm in norms.items())


def stretched(inputs: Values, values: Values) -> bool:
    """Inputs in a larger unit and W1 in a smaller one, so that nothing but dW1 changes, until clipping would show; False if too far."""
    unit = np.ceil(CLIPPED / np.abs(values["dW1"]).max())
    inputs["x"], inputs["W1"] = inputs["x"] * unit, inputs["W1"] / unit
    return bool(unit <= LARGEST_UNIT)
