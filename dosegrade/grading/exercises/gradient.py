"""Exercises on a network's derivation: its forward pass, its gradients, or any quantity between (DOMAIN B.1, D.3)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Case, Exercise, Family, Later, Mistake, Port, Variant, renamed
from dosegrade.grading.exercises.gradient_points import draw_inputs, draw_plain, wished
from dosegrade.nn import activations
from dosegrade.nn.layers import Dense
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network
from dosegrade.registry import did_you_mean
from dosegrade.steps import Step, Steps

Array = NDArray[Any]
SAMPLES = (4, 5, 7, 4, 5, 7, 6, 4, 5, 8)
CASES = 10
LOGARITHMS = ("cross_entropy", "categorical_crossentropy", "binary_crossentropy", "kl_divergence")
PROBABILITIES = ("softmax", "sigmoid")


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
        if LOSSES[self.loss].name.startswith("sparse"):
            raise SpecError(f"network: {self.loss} takes labels; choose categorical_crossentropy, whose targets are rows.")
        if LOSSES[self.loss].name in LOGARITHMS and activations.get(self.output).name not in PROBABILITIES:
            raise SpecError(f'network: {self.loss} takes logarithms of predictions; write output = "softmax" or "sigmoid".')
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
    ours = renamed(table.names, shapes)
    squeeze = set(table.samples) == {1}

    def port(name: str, key: str) -> Port:
        if name not in ours:
            raise SpecError(f"{key}: there is no quantity '{name}'.{did_you_mean(name, ours)} There are: {', '.join(ours)}.")
        shape = tuple(1 if s == "n" and squeeze else s for s in shapes[ours[name]])
        return Port(name, ours[name], tuple(s for s in shape if s != 1) if table.scalars else shape, meaning(ours[name]))

    arguments = tuple(port(name, "arguments") for name in table.arguments)
    returns = tuple(port(name, "points") for name in returned)
    absent = lacking(steps, [p.quantity for p in returns], [p.quantity for p in arguments])
    if arguments and absent:  # a question by hand has no function
        said = ", ".join(table.names.get(quantity, quantity) for quantity in absent)
        raise SpecError(f"arguments: {', '.join(returned)} cannot be computed without {said}; add what is missing.")

    def draw(rng: np.random.Generator, k: int) -> Case:
        wish = wished(table.samples, k)
        inputs = draw_inputs(network, steps, rng, wish)
        given = tuple(argument(inputs[p.quantity], p.size(wish.n)) for p in arguments)
        return Case(inputs, given, wish.n)

    def probe(rng: np.random.Generator) -> Case:
        return Case(draw_plain(network, rng, max(table.samples)), (), max(table.samples))

    mistakes = Later(lambda: mistaken(network, steps, table, [p.quantity for p in returns]))
    return Exercise(lambda inputs: steps, arguments, returns, draw, probe, mistakes, max(len(table.samples), CASES))


def lacking(steps: Steps, wanted: Sequence[str], given: Collection[str]) -> list[str]:
    """The inputs that the wanted quantities rest on and that are not given, nor what lies between."""
    table = {step.name: step for step in steps}
    waiting, seen, found = list(wanted), set(given), []
    while waiting:
        name = waiting.pop(0)
        if name not in seen:
            seen.add(name)
            waiting.extend(table[name].needs if name in table else ())
            found += [] if name in table else [name]
    return found


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


def mistaken(network: Network, steps: Steps, table: GradientTable, returned: Sequence[str]) -> list[Mistake]:
    """The catalogue's entries as variants of this network's steps; those of a finished gradient only where one is returned."""
    from dosegrade.grading.exercises.gradient_answers import FITTED_GRADIENTS, ROUNDED, answer_mistakes, leaky_fits
    from dosegrade.grading.exercises.gradient_chain import Chain, rewrites
    from dosegrade.grading.exercises.gradient_mistakes import MISTAKES, delta_for_error, synonyms
    from dosegrade.grading.exercises.gradient_shapes import SHAPE_MISTAKES, shaped

    chain = Chain(network, steps)
    also = synonyms(chain, returned, table.samples)
    variants = {code: tuple(Variant(rewrite) for rewrite in rewrites(chain, maker)) for code, maker in MISTAKES.items()}
    fits = {"G63": leaky_fits(network, chain.steps)}
    if any(quantity.startswith("da") for quantity in returned):
        told = "Right up to the convention: δ, before the activation, is given where ε, after it, is asked for"
        variants["G22"] = (*variants.get("G22", ()), *(Variant(rewrite, says=told) for rewrite in rewrites(chain, delta_for_error)))
    if any(quantity[:2] in ("dW", "db") for quantity in returned):
        variants |= answer_mistakes(table.std)
        fits |= FITTED_GRADIENTS
        for code, maker in SHAPE_MISTAKES.items():
            variants[code] += tuple(shaped(rewrite, table.scalars) for rewrite in rewrites(chain, maker))
    codes = dict.fromkeys((*variants, *fits))
    made = [Mistake(code, variants.get(code, ()), fits.get(code, ()), also.get(code, ())) for code in codes]
    return [*(m for m in made if m.variants or m.fits), ROUNDED]


FAMILY = Family(GradientTable, make)
