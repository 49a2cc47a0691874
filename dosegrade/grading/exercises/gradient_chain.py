"""A network's derivation as mistakes see it, and the ways to change its steps that several mistakes share.

A maker yields a mistake's variants for a network; where the network lacks a step or the shapes do not fit, it yields none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from dosegrade.grading.exercises.activation_slopes import SLOPES, Slope
from dosegrade.nn.activations import Activation
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network
from dosegrade.steps import Step, Steps, mutate

Array = NDArray[Any]


@dataclass(frozen=True)
class Chain:
    """A network's derivation as the mistakes see it: its steps, its layers, and what feeds each."""

    network: Network
    steps: Steps

    @property
    def depth(self) -> int:
        return len(self.network.dense)

    @property
    def layers(self) -> range:
        return range(1, self.depth + 1)

    @property
    def hidden(self) -> range:
        return range(1, self.depth)

    @property
    def top(self) -> str:
        """The first quantity of the backward pass: da_L, or dz_L where loss and activation are joined."""
        return f"da{self.depth}" if self.has(f"da{self.depth}") else f"dz{self.depth}"

    @property
    def prediction(self) -> str:
        return f"a{self.depth}"

    @property
    def loss(self) -> str:
        return LOSSES[self.network.loss].name

    @property
    def squared(self) -> bool:
        return self.loss in ("squared", "mean_squared_error")

    @property
    def crossed(self) -> bool:
        """Whether the loss is a cross-entropy."""
        return self.loss in ("cross_entropy", "categorical_crossentropy", "binary_crossentropy")

    @property
    def joined(self) -> bool:
        """Whether the derivation goes from the loss to z_L at once."""
        return not self.has(f"da{self.depth}")

    @property
    def square_kernels(self) -> list[int]:
        """The layers with as many units as inputs, more than one."""
        shape = self.network.shapes
        return [i for i in self.layers if shape[f"W{i}"][0] == shape[f"W{i}"][1] > 1]

    def has(self, name: str) -> bool:
        return any(step.name == name for step in self.steps)

    def fed(self, layer: int) -> str:
        return "x" if layer == 1 else f"a{layer - 1}"

    def f(self, layer: int) -> Activation:
        return self.network.dense[layer - 1].f

    def units(self, layer: int) -> int:
        return self.network.inputs if layer == 0 else self.network.dense[layer - 1].units

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def after(self, name: str, change: Callable[..., Any], extra: tuple[str, ...] = ()) -> Steps:
        """The step `name` with its result changed: change(result, *extra quantities)."""
        step = self.step(name)
        count = len(step.needs)
        return mutate(self.steps, name, lambda *v: change(step.compute(*v[:count]), *v[count:]), step.needs + extra)

    def with_steps(self, steps: Steps) -> Chain:
        return Chain(self.network, steps)


Maker = Callable[[Chain], Iterator[Steps]]


def top(change: Callable[..., Any], *extra: str) -> Maker:
    """The error that enters the backward pass, changed."""

    def make(chain: Chain) -> Iterator[Steps]:
        yield chain.after(chain.top, change, tuple(chain.prediction if e == "y_hat" else e for e in extra))

    return make


def error_at_output(compute: Callable[..., Any]) -> Maker:
    """The error at the output replaced by compute(y, ŷ): taken for ε, for δ, or for both where a slope lies between."""

    def make(chain: Chain) -> Iterator[Steps]:
        needs, last = ("y", chain.prediction), chain.depth
        if not chain.has(f"da{last}"):
            yield mutate(chain.steps, f"dz{last}", compute, needs)
            return
        changed = mutate(chain.steps, f"da{last}", compute, needs)
        yield changed
        if chain.f(last).name != "identity":
            yield mutate(chain.steps, f"dz{last}", compute, needs)
            yield mutate(changed, f"dz{last}", lambda da: da, (f"da{last}",))

    return make


def other_loss(gradient: Callable[..., Any]) -> Maker:
    """Another loss's derivative, gradient(y, ŷ) of one sample, through the output's true slope."""

    def make(chain: Chain) -> Iterator[Steps]:
        last, f = chain.depth, chain.f(chain.depth)
        if chain.has(f"da{last}"):
            yield mutate(chain.steps, f"da{last}", lambda y, a: gradient(y, a) / len(a), ("y", f"a{last}"))
        else:
            yield mutate(chain.steps, f"dz{last}", lambda y, a, z: f.vjp(z, gradient(y, a) / len(a)), ("y", f"a{last}", f"z{last}"))

    return make


def every(layers: Callable[[Chain], Sequence[int]], change: Callable[[Chain, int], Steps | None], singly: bool = False) -> Maker:
    """A change made in all of some layers at once (and, where `singly`, in each alone)."""

    def make(chain: Chain) -> Iterator[Steps]:
        chosen = layers(chain)
        whole = chain
        changed = 0
        for layer in chosen:
            steps = change(whole, layer)
            if steps is not None:
                whole, changed = whole.with_steps(steps), changed + 1
        if changed:
            yield whole.steps
        if singly and changed > 1:
            for layer in chosen:
                alone = change(chain, layer)
                if alone is not None:
                    yield alone

    return make


def hidden(chain: Chain) -> Sequence[int]:
    return chain.hidden


def all_layers(chain: Chain) -> Sequence[int]:
    return chain.layers


def upper(chain: Chain) -> Sequence[int]:
    return range(2, chain.depth + 1)


def slope(mistaken: Slope) -> Maker:
    """f'(z) replaced in all hidden layers that know the mistake, and in each alone; then in the output too, where it is one of them."""

    def per_layer(chain: Chain, i: int) -> Steps | None:
        f = chain.f(i)
        if not mistaken.knows(f) or not chain.has(f"da{i}"):
            return None
        return mutate(chain.steps, f"dz{i}", lambda da, z, a: da * mistaken.compute(f, z, a), (f"da{i}", f"z{i}", f"a{i}"))

    def make(chain: Chain) -> Iterator[Steps]:
        yield from every(hidden, per_layer, singly=True)(chain)
        if per_layer(chain, chain.depth) is not None:
            yield from every(all_layers, per_layer)(chain)

    return make


def slopes(code: str) -> Maker:
    """All mistaken slopes of a code."""
    return both(*[slope(each) for each in SLOPES[code]])


def no_slope(layers: Callable[[Chain], Sequence[int]]) -> Maker:
    """dz_l = da_l in some layers."""

    def per_layer(chain: Chain, i: int) -> Steps | None:
        bent = chain.f(i).slope is not None and chain.f(i).name != "identity"
        return mutate(chain.steps, f"dz{i}", lambda da: da, (f"da{i}",)) if bent else None

    return every(layers, per_layer)


def kernel(
    layers: Callable[[Chain], Sequence[int]], factor: Callable[[Chain, int], str | None], change: Callable[[Array], Array] | None = None
) -> Maker:
    """dW_l = (another factor)ᵀ δ_l where the shapes fit; None leaves a layer as it is."""

    def per_layer(chain: Chain, i: int) -> Steps | None:
        name = factor(chain, i)
        if name is None:
            return None
        turn = change or (lambda a: a)
        return mutate(chain.steps, f"dW{i}", lambda a, dz: turn(a).T @ dz, (name, f"dz{i}"))

    return every(layers, per_layer)


def passed_back(change: Callable[..., Any], layers: Callable[[Chain], Sequence[int]] = upper, singly: bool = False) -> Maker:
    """da_{l−1} = change(δ_l, W_l), in all layers from the second unless other layers are named."""
    return every(layers, lambda chain, i: mutate(chain.steps, f"da{i - 1}", change, (f"dz{i}", f"W{i}")), singly)


def both(*makers: Maker) -> Maker:
    """All variants of several makers."""
    return lambda chain: (steps for make in makers for steps in make(chain))


def when(holds: Callable[[Chain], bool], *makers: Maker) -> Maker:
    """Makers for the networks of which something holds."""
    make = both(*makers)
    return lambda chain: make(chain) if holds(chain) else iter(())


def rewrites(chain: Chain, maker: Maker) -> list[Callable[[Steps], Steps]]:
    """A maker's variants as functions of steps; none where the network lacks a step that it changes."""
    try:
        made = list(maker(chain))
    except (KeyError, StopIteration):
        return []
    return [Nth(chain, maker, k, steps) for k, steps in enumerate(made) if steps != chain.steps]


@dataclass(frozen=True)
class Nth:
    """The k-th variant of a maker: `made` on the chain's own steps, made anew on steps that are mistaken already."""

    chain: Chain
    maker: Maker
    k: int
    made: Steps

    def __call__(self, steps: Steps) -> Steps:
        if steps is self.chain.steps:
            return self.made
        found = next(islice(self.maker(self.chain.with_steps(steps)), self.k, None), None)
        if found is None:
            raise IndexError(f"there is no variant {self.k} on these steps")
        return found
