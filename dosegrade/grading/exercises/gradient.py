"""Exercises on a network's derivation: its forward pass, its gradients, or any quantity between (DOMAIN B.1, D.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Case, Exercise, Mistake, Port, Variant
from dosegrade.grading.exercises.gradient_answers import FITTED_GRADIENTS, ROUNDED, answer_mistakes, leaky_fits
from dosegrade.grading.exercises.gradient_chain import Chain, Maker
from dosegrade.grading.exercises.gradient_mistakes import MISTAKES, synonyms
from dosegrade.grading.exercises.gradient_shapes import SHAPE_MISTAKES, shaped
from dosegrade.nn.layers import Dense
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network
from dosegrade.registry import did_you_mean
from dosegrade.steps import Step, Steps, Values, evaluate, magnitudes

Array = NDArray[Any]
MAX_TRIES = 2000
LAYER_TRIES = 500
SAMPLES = (4, 5, 7, 4, 5, 7, 6, 4, 5, 8)
CASES = 10
CLIPPED = 7.0
LARGEST_UNIT = 400


@dataclass(frozen=True)
class NetworkTable:
    """`[questions.network]`: inputs, units of every layer, activations, loss."""

    inputs: int
    units: tuple[int, ...]
    activation: str | tuple[str, ...] = "tanh"
    output: str = "identity"
    loss: str = "squared"

    def build(self) -> Network:
        """The network; SpecError where the activations do not match the layers."""
        hidden = len(self.units) - 1
        names = (self.activation,) * hidden if isinstance(self.activation, str) else self.activation
        if len(names) != hidden:
            raise SpecError(f"network: found {len(names)} activations for {hidden} hidden layers; give one for all or one for each.")
        layers = [Dense(u, a) for u, a in zip(self.units, (*names, self.output), strict=True)]
        return Network(self.inputs, tuple(layers), self.loss)


@dataclass(frozen=True)
class GradientTable:
    """The keys of a code question over a network's derivation.

    `arguments` may name `learning_rate`: then the new parameters `new_W1`… can be asked for. `std` is the standard deviation
    by which the course normalises its targets.
    """

    network: NetworkTable
    arguments: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    scalars: bool = False
    samples: tuple[int, ...] = SAMPLES
    std: float | None = None

    def __post_init__(self) -> None:
        if not self.samples or min(self.samples) < 1:
            raise SpecError("samples: each case has at least one sample; write for example samples = [4, 5, 7].")
        if self.std is not None and (not self.std > 0 or self.std == 1):
            raise SpecError("std: give the standard deviation of the targets, a positive number other than 1, or leave it out.")


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


def make(table: GradientTable, returned: tuple[str, ...]) -> Exercise:
    """The exercise that a quiz's table describes; `names` maps the derivation's quantities to the course's (`a1 = "h1"`)."""
    network = table.network.build()
    steps = network.steps()
    if "learning_rate" in table.arguments:
        steps += tuple(new(name) for name in network.shapes)
    shapes = quantity_shapes(network, steps)
    for quantity in table.names:
        if quantity not in shapes:
            raise SpecError(
                f"names: the derivation has no quantity '{quantity}'.{did_you_mean(quantity, shapes)} It has: {', '.join(shapes)}."
            )
    ours = {table.names.get(quantity, quantity): quantity for quantity in shapes}
    squeeze = set(table.samples) == {1}

    def port(name: str, key: str) -> Port:
        if name not in ours:
            raise SpecError(f"{key}: there is no quantity '{name}'.{did_you_mean(name, ours)} There are: {', '.join(ours)}.")
        shape = tuple(1 if s == "n" and squeeze else s for s in shapes[ours[name]])
        return Port(name, ours[name], tuple(s for s in shape if s != 1) if table.scalars else shape, meaning(ours[name]))

    arguments = tuple(port(name, "arguments") for name in table.arguments)
    returns = tuple(port(name, "points") for name in returned)

    def draw(rng: np.random.Generator, k: int) -> Case:
        wish = wished(table.samples, k)
        inputs = draw_inputs(network, steps, rng, wish)
        given = tuple(argument(inputs[p.quantity], p.size(wish.n)) for p in arguments)
        return Case(inputs, given, wish.n)

    def probe(rng: np.random.Generator) -> Case:
        return Case(draw_plain(network, rng, max(table.samples)), (), max(table.samples))

    mistakes = tuple(mistaken(Chain(network, steps), table, [p.quantity for p in returns]))
    return Exercise(lambda inputs: steps, arguments, returns, draw, probe, mistakes, max(len(table.samples), CASES))


def argument(value: Array, shape: tuple[int, ...]) -> Any:
    """A quantity as the student's function gets it: a float, or a float64 array of that shape."""
    return float(np.reshape(value, ())) if shape == () else np.array(np.reshape(value, shape), dtype=float)


def quantity_shapes(network: Network, steps: Steps) -> dict[str, tuple[int | str, ...]]:
    """The symbolic shape of every input and step."""
    shapes: dict[str, tuple[int | str, ...]] = {"x": ("n", network.inputs), "y": ("n", network.outputs), **network.shapes}
    if any(step.name == "new_W1" for step in steps):
        shapes["learning_rate"] = ()
    for step in steps:
        kind, layer = re.fullmatch(r"(loss|new_[Wb]|d?[zaWb])(\d*)", step.name).groups()  # type: ignore[union-attr]
        if kind == "loss":
            shapes["loss"] = ()
        elif kind[-1] in "Wb":
            shapes[step.name] = network.shapes[kind[-1] + layer]
        else:
            units = network.dense[int(layer) - 1]
            shapes[step.name] = ("n", units.units * (units.f.pieces if kind.endswith("z") else 1))
    return shapes


def meaning(quantity: str) -> str:
    """What a quantity is, for a starter file's docstring."""
    words = {
        "x": "the inputs, one row (or entry) a sample",
        "y": "the targets",
        "loss": "the loss",
        "learning_rate": "the learning rate α",
        "W": "kernel of layer {}",
        "b": "bias of layer {}",
        "z": "pre-activation of layer {}",
        "a": "activation of layer {}",
        "dW": "∂L/∂W{}",
        "db": "∂L/∂b{}",
        "dz": "∂L/∂z{}",
        "da": "∂L/∂(activation of layer {})",
        "new_W": "kernel of layer {} after the step",
        "new_b": "bias of layer {} after the step",
    }
    head = quantity.rstrip("0123456789")
    return words[head].format(quantity[len(head) :])


def new(name: str) -> Step:
    """θ_new = θ − α·dθ; the scale is |θ| + α·|dθ|."""
    return Step(
        f"new_{name}",
        (name, f"d{name}", "learning_rate"),
        rf"{name} \leftarrow {name} - \alpha\, d{name}",
        lambda w, g, alpha: w - alpha * g,
        lambda w, g, alpha: w + alpha * g,
    )


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
        inputs["y"] = np.round(targets(network, inputs.pop(last), rng, wish), 2)
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
    """Targets whose errors have mixed signs (a single one the sign wished for); one-hot rows for a classification loss."""
    if LOSSES[network.loss].task == "classification":
        if network.outputs == 1:
            return np.asarray(rng.integers(0, 2, predicted.shape), dtype=float)
        return np.asarray(np.eye(network.outputs)[rng.integers(0, network.outputs, len(predicted))])
    error = signed(rng, predicted.shape, 0.25, 2.9)
    if error.size == 1 and wish.sign:
        error = wish.sign * np.abs(error)
    return np.asarray(predicted - error)


def layer_shows(layer: Dense, z: Array, hidden: bool) -> bool:
    """Pre-activations away from kinks, zero and saturation; in a hidden layer both signs, and an active ReLU for each sample."""
    f, size = layer.f, np.abs(z)
    if f.saturates and (size.max() > 2.5 or size.min() < 0.1):
        return False
    if f.kinks and size.min() < 0.05:
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
    if LOSSES[network.loss].task == "classification":
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


def mistaken(chain: Chain, table: GradientTable, returned: Sequence[str]) -> list[Mistake]:
    """The catalogue's entries as variants of this network's steps; those of a finished gradient only where one is returned."""
    network = chain.network
    also = synonyms(chain, returned, table.samples)
    variants = {code: tuple(Variant(rewrite) for rewrite in rewrites(chain, maker)) for code, maker in MISTAKES.items()}
    fits = {"G63": leaky_fits(network, chain.steps)}
    if any(quantity[:2] in ("dW", "db") for quantity in returned):
        variants |= answer_mistakes(table.std)
        fits |= FITTED_GRADIENTS
        for code, maker in SHAPE_MISTAKES.items():
            variants[code] += tuple(shaped(rewrite, table.scalars) for rewrite in rewrites(chain, maker))
    codes = dict.fromkeys((*variants, *fits))
    made = [Mistake(code, variants.get(code, ()), fits.get(code, ()), also.get(code, ())) for code in codes]
    return [*(m for m in made if m.variants or m.fits), ROUNDED]


def rewrites(chain: Chain, maker: Maker) -> list[Callable[[Steps], Steps]]:
    """A maker's variants as functions of steps."""
    return [partial(nth, chain.network, maker, k) for k in range(len(formable(chain, maker)))]


def nth(network: Network, maker: Maker, k: int, steps: Steps) -> Steps:
    """The k-th variant of a maker on steps that may be mistaken already."""
    return list(maker(Chain(network, steps)))[k]


def formable(chain: Chain, maker: Maker) -> list[Steps]:
    """A maker's variants; none where the network lacks a step that it changes."""
    try:
        return [steps for steps in maker(chain) if steps != chain.steps]
    except (KeyError, StopIteration):
        return []
