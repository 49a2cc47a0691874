"""A network is a list of layers and a loss; its derivation, forward, loss and backward, is one list of steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.nn.activations import Activation
from dosegrade.nn.layers import Dense, Dropout, Layer
from dosegrade.nn.losses import LOSSES, Loss
from dosegrade.steps import Step, Steps, evaluate, needed

Array = NDArray[Any]
Params = dict[str, Array]


@dataclass(frozen=True)
class Network:
    """`inputs` features, then layers; J = (1/n) Σᵢ loss(yᵢ, ŷᵢ) + l1 Σ|W| + l2 Σ W².

    Parameters are `{"W1": (in, out), "b1": (out,), …}`.
    """

    inputs: int
    layers: tuple[Layer, ...]
    loss: str = "squared"
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.inputs, bool) or not isinstance(self.inputs, int) or self.inputs < 1:
            raise SpecError(f"A network has at least one input; found {self.inputs!r}.")
        if not self.layers or not isinstance(self.layers[-1], Dense):
            raise SpecError("A network ends in a Dense layer: its units are the outputs.")
        if any(layer.f.name == "softmax" for layer in self.dense[:-1]):
            raise SpecError("softmax belongs to the output layer; choose another activation for the hidden layers.")
        _ = LOSSES[self.loss]
        if not (0 <= self.l1 < float("inf") and 0 <= self.l2 < float("inf")):
            raise SpecError(f"Found the penalties l1 {self.l1!r} and l2 {self.l2!r}; expected numbers from 0. Choose 0 for none.")

    @property
    def penalised(self) -> bool:
        """Whether the loss has a penalty on the kernels."""
        return self.l1 > 0 or self.l2 > 0

    @property
    def dense(self) -> tuple[Dense, ...]:
        """The layers that have parameters, numbered 1…L."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    @property
    def outputs(self) -> int:
        """M, the units of the last layer."""
        return self.dense[-1].units

    @property
    def dropout(self) -> Mapping[int, float]:
        """The dropout rate after dense layer l, where there is one."""
        rates: dict[int, float] = {}
        index = 0
        for layer in self.layers:
            if isinstance(layer, Dense):
                index += 1
            else:
                rates[index] = 1 - (1 - rates.get(index, 0.0)) * (1 - layer.rate)
        if 0 in rates:
            raise SpecError("Dropout of the inputs is not supported; put it after a Dense layer.")
        return rates

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter, in order W1, b1, W2, …"""
        shapes: dict[str, tuple[int, ...]] = {}
        width = self.inputs
        for index, layer in enumerate(self.dense, 1):
            wide = layer.units * layer.f.pieces
            shapes[f"W{index}"], shapes[f"b{index}"] = (width, wide), (wide,)
            width = layer.units
        return shapes

    def steps(self, training: bool = False) -> Steps:
        """The whole derivation on inputs `x` (n, inputs), `y` (n, M), parameters, and `mask1`… where training with dropout."""
        return tuple(derivation(self, training))

    def predict(self, params: Mapping[str, Array], x: Array) -> Array:
        """ŷ (n, M) for x (n, inputs)."""
        last = f"a{len(self.dense)}"
        return np.asarray(evaluate(self._forward, {"x": x, **params})[last])

    @cached_property
    def _forward(self) -> Steps:
        return needed(self.steps(), {f"a{len(self.dense)}"})


def derivation(network: Network, training: bool) -> Iterator[Step]:
    """z1, a1, …, loss, da_L, dz_L, dW_L, db_L, da_{L−1}, … (DOMAIN B.1)."""
    dense = network.dense
    rates = network.dropout if training else {}
    depth = len(dense)
    fed = ["x", *(f"r{i}" if i in rates else f"a{i}" for i in range(1, depth))]
    for index, layer in enumerate(dense, 1):
        yield from forward(index, layer, fed[index - 1], rates.get(index) if index < depth else None)
    goal = "data_loss" if network.penalised else "loss"
    yield from loss_and_error(LOSSES[network.loss], dense[-1].f, depth, goal)
    if network.penalised:
        yield from penalty(network.l1, network.l2, depth)
    for index in range(depth, 0, -1):
        yield from penalised_gradients(network, index, fed[index - 1]) if network.penalised else gradients(index, fed[index - 1])
        if index > 1:
            yield from pull_back(index, dense[index - 2].f, rates.get(index - 1))


def forward(index: int, layer: Dense, fed: str, rate: float | None) -> Iterator[Step]:
    """z_l, a_l and, in training, the dropped-out r_l."""
    i, f = index, layer.f
    yield Step(
        f"z{i}",
        (fed, f"W{i}", f"b{i}"),
        rf"z_{{{i}}} = {tex(fed)} W_{{{i}}} + b_{{{i}}}",
        lambda a, w, b: a @ w + b,
        lambda a, w, b: a @ w + b,
    )
    yield Step(f"a{i}", (f"z{i}",), rf"a_{{{i}}} = f(z_{{{i}}}),\; f(z) = {f.formula}", f)
    if rate is not None:
        yield Step(
            f"r{i}", (f"a{i}", f"mask{i}"), rf"r_{{{i}}} = a_{{{i}}} \odot m_{{{i}}} / {1 - rate:g}", lambda a, m: a * m / (1 - rate)
        )


def loss_and_error(loss: Loss, f: Activation, last: int, goal: str = "loss") -> Iterator[Step]:
    """The loss and dz_L: through da_L, or at once where loss and activation have a joint stable form."""
    z, a = f"z{last}", f"a{last}"
    if f.name in loss.from_z:
        value, gradient = loss.from_z[f.name]
        yield Step(goal, ("y", z), rf"L = \frac1n\sum_i {loss.formula}", lambda y, z: value(y, z).mean())
        yield Step(
            f"dz{last}",
            ("y", a),
            rf"\delta_{{{last}}} = \frac1n(\hat y - y)",
            lambda y, a: gradient(y, a) / len(a),
            lambda y, a: (np.abs(y) + np.abs(a)) / len(a),
        )
        return
    yield Step(goal, ("y", a), rf"L = \frac1n\sum_i {loss.formula}", lambda y, a: loss.value(y, a).mean())
    yield Step(
        f"da{last}",
        ("y", a),
        rf"\varepsilon_{{{last}}} = \frac{{\partial L}}{{\partial \hat y}}",
        lambda y, a: loss.gradient(y, a) / len(a),
        lambda y, a: loss.scale(y, a) / len(a),
    )
    yield through(last, f)


def through(index: int, f: Activation) -> Step:
    """dz_l = da_l ⊙ f'(z_l), the vjp of the activation."""
    i = index
    return Step(
        f"dz{i}",
        (f"da{i}", f"z{i}"),
        rf"\delta_{{{i}}} = \varepsilon_{{{i}}} \odot f'(z_{{{i}}})",
        lambda da, z: f.vjp(z, da),
        scale_through(f),
    )


def scale_through(f: Activation) -> Callable[[Array, Array], Array]:
    """|dz| with the slope at its steepest; where entries mix, each gets the sum of all."""
    if f.slope is not None:
        return lambda da, z: da * f.steepest
    return lambda da, z: np.repeat(da.sum(axis=-1, keepdims=True), z.shape[-1], axis=-1)


def gradients(index: int, fed: str) -> Iterator[Step]:
    """dW_l and db_l from dz_l."""
    i = index
    yield Step(f"dW{i}", (fed, f"dz{i}"), rf"dW_{{{i}}} = {tex(fed)}^\top \delta_{{{i}}}", lambda a, dz: a.T @ dz, lambda a, dz: a.T @ dz)
    yield Step(f"db{i}", (f"dz{i}",), rf"db_{{{i}}} = \sum_i \delta_{{{i}}}^{{(i)}}", lambda dz: dz.sum(axis=0), lambda dz: dz.sum(axis=0))


def sizes(w: Array) -> Array:
    """|w| in analytic form."""
    return np.where(w.real < 0, -w, w)


def penalty(l1: float, l2: float, depth: int) -> Iterator[Step]:
    """R = l1 Σ|W| + l2 Σ W² over all kernels, biases free (Keras's `l1_l2` as kernel_regularizer), and L = data_loss + R."""
    names = tuple(f"W{i}" for i in range(1, depth + 1))
    terms = " + ".join([rf"{l1:g} \sum |W_l|"] * (l1 > 0) + [rf"{l2:g} \sum W_l^2"] * (l2 > 0))
    yield Step("penalty", names, rf"R = \sum_l {terms}", lambda *ws: sum(l1 * sizes(w).sum() + l2 * (w * w).sum() for w in ws))
    yield Step("loss", ("data_loss", "penalty"), r"L = L_{data} + R", lambda data, penalty: data + penalty)


def penalised_gradients(network: Network, index: int, fed: str) -> Iterator[Step]:
    """dW_l with the slope of the penalty, l1 sign(W) + 2 l2 W, and db_l."""
    i, l1, l2 = index, network.l1, network.l2
    plain, bias = gradients(index, fed)
    slope = rf" + {l1:g}\,\mathrm{{sign}}(W_{{{i}}})" * (l1 > 0) + rf" + {2 * l2:g}\, W_{{{i}}}" * (l2 > 0)
    yield Step(
        f"dW{i}",
        (fed, f"dz{i}", f"W{i}"),
        plain.formula + slope,
        lambda a, dz, w: a.T @ dz + l1 * np.sign(w) + 2 * l2 * w,
        lambda a, dz, w: a.T @ dz + l1 + 2 * l2 * w,
    )
    yield bias


def pull_back(index: int, below: Activation, rate: float | None) -> Iterator[Step]:
    """da_{l−1} = dz_l W_lᵀ (through the dropout mask where there is one), then dz_{l−1}."""
    i, j = index, index - 1
    reached = f"da{j}" if rate is None else f"dr{j}"
    symbol = rf"\varepsilon_{{{j}}}" if rate is None else rf"\varepsilon^r_{{{j}}}"
    yield Step(reached, (f"dz{i}", f"W{i}"), rf"{symbol} = \delta_{{{i}}} W_{{{i}}}^\top", lambda dz, w: dz @ w.T, lambda dz, w: dz @ w.T)
    if rate is not None:
        yield Step(
            f"da{j}",
            (reached, f"mask{j}"),
            rf"\varepsilon_{{{j}}} = {symbol} \odot m_{{{j}}} / {1 - rate:g}",
            lambda dr, m: dr * m / (1 - rate),
            lambda dr, m: dr * m / (1 - rate),
        )
    yield through(j, below)


def tex(name: str) -> str:
    """`a1` as `a_{1}`."""
    head = name.rstrip("0123456789")
    return name if head == name else f"{head}_{{{name[len(head) :]}}}"


def mlp(inputs: int, units: tuple[int, ...], activation: str = "tanh", output: str = "identity", loss: str = "squared") -> Network:
    """A network of Dense layers: hidden ones share an activation, `units` ends with the outputs."""
    hidden = tuple(Dense(u, activation) for u in units[:-1])
    return Network(inputs, (*hidden, Dense(units[-1], output)), loss)


__all__ = ["Dense", "Dropout", "Network", "Params", "derivation", "mlp"]
