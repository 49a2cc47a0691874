"""The cost over a plane in parameter space, and the paths that optimizers take on it.

A plane is centre + u·d₁ + v·d₂; with unit directions u and v are two weights. Walkers are trained in the plane, with the gradient's two
components there, so a path lies on the surface that is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network, Params
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.steps import evaluate, needed

Array = NDArray[Any]
FAR = 1e6


@dataclass(frozen=True)
class Plane:
    """A network, its data x (n, k), y (n, M), and a plane: `centre`, and two directions of the same shapes."""

    network: Network
    x: Array
    y: Array
    centre: Params
    first: Params
    second: Params

    @cached_property
    def steps(self) -> Any:
        """The derivation whose gradients lead the walkers."""
        return self.network.steps()

    @cached_property
    def forward(self) -> Any:
        """The part of it that gives the outputs."""
        return needed(self.steps, {f"a{len(self.network.dense)}"})

    def at(self, u: float, v: float) -> Params:
        """The parameters at a point of the plane."""
        return {name: w + u * self.first[name] + v * self.second[name] for name, w in self.centre.items()}

    def stacked(self, u: Array, v: Array) -> Params:
        """The parameters at many points (K,), with a leading axis K; biases as (K, 1, units)."""
        made: Params = {}
        for name, w in self.centre.items():
            shape = (-1, *([1] * w.ndim))
            value = w + u.reshape(shape) * self.first[name] + v.reshape(shape) * self.second[name]
            made[name] = value[:, None, :] if w.ndim == 1 else value
        return made

    def cost(self, u: Array, v: Array) -> Array:
        """The loss at many points (K,)."""
        params = self.stacked(np.asarray(u, dtype=float), np.asarray(v, dtype=float))
        outputs = evaluate(self.forward, {"x": self.x, **params})[f"a{len(self.network.dense)}"]
        return np.asarray(LOSSES[self.network.loss].value(self.y, outputs).mean(axis=-1))

    def slope(self, u: float, v: float, rows: Array) -> tuple[float, Array]:
        """The loss of some examples at a point, and its gradient (2,) by u and v."""
        made = evaluate(self.steps, {"x": self.x[rows], "y": self.y[rows], **self.at(u, v)})
        parts = [[float((made[f"d{name}"] * way[name]).sum()) for name in self.centre] for way in (self.first, self.second)]
        return float(made["loss"]), np.array([sum(part) for part in parts])

    def kinks(self, u: Array, v: Array) -> Array:
        """Between which neighbours of a line of points (K,) the cost has a kink: a sum passes one of its activation's, or an error 0."""
        made = evaluate(self.forward, {"x": self.x, **self.stacked(u, v)})
        crossed = np.zeros(len(u) - 1, dtype=bool)
        for k, layer in enumerate(self.network.dense, 1):
            for kink in layer.f.kinks:
                crossed |= _crossings(made[f"z{k}"] - kink)
        if LOSSES[self.network.loss].kinked:
            crossed |= _crossings(made[f"a{len(self.network.dense)}"] - self.y)
        return np.flatnonzero(crossed)


def _crossings(values: Array) -> Array:
    """Where any entry of neighbouring points (K, …) has another sign."""
    up = (values > 0).reshape(len(values), -1)
    return np.asarray((up[1:] != up[:-1]).any(axis=1))


def grid(plane: Plane, across: tuple[float, float], along: tuple[float, float], side: int = 60) -> Array:
    """The cost on side × side points, a row for each v."""
    u, v = np.meshgrid(np.linspace(*across, side), np.linspace(*along, side))
    return plane.cost(u.ravel(), v.ravel()).reshape(side, side)


@dataclass(frozen=True)
class Walker:
    """A way of learning: an optimizer of the table, and how many examples each update sees (0: all, −1: the chosen mini-batch)."""

    name: str
    title: str
    optimizer: str
    batch: int


WALKERS: Mapping[str, Walker] = {
    walker.name: walker
    for walker in (
        Walker("gd", "Gradient descent", "sgd", 0),
        Walker("sgd", "SGD, one example", "sgd", 1),
        Walker("mini", "Mini-batch", "sgd", -1),
        Walker("momentum", "Momentum", "momentum", 0),
        Walker("adam", "Adam", "adam", 0),
    )
}


def batches(n: int, size: int, seed: int) -> Iterator[Array]:
    """Examples in a new seeded order each epoch, cut into batches; the last one of an epoch may be smaller."""
    rng = np.random.default_rng([seed, 1])
    while True:
        order = np.arange(n) if size >= n else rng.permutation(n)
        for start in range(0, n, size):
            yield order[start : start + size]


def walk(plane: Plane, walker: Walker, start: tuple[float, float], rate: float, updates: int, batch: int, seed: int) -> Array:
    """The points (T+1, 2) of a path; it stops where it leaves all bounds, and stays there."""
    optimizer, n = OPTIMIZERS[walker.optimizer], len(plane.x)
    sizes = {0: n, -1: min(batch, n)}
    taken = batches(n, sizes.get(walker.batch, walker.batch), seed)
    place: dict[str, Array] = {"p": np.array(start, dtype=float)}
    state = optimizer.init(place)
    points = [place["p"]]
    with np.errstate(all="ignore"):
        for _ in range(updates):
            _, slope = plane.slope(float(place["p"][0]), float(place["p"][1]), next(taken))
            new, state = optimizer.update({"p": slope}, state, place, rate, **optimizer.hyper)
            place = new if np.isfinite(new["p"]).all() and np.abs(new["p"]).max() < FAR else place
            points.append(place["p"])
    return np.stack(points)


def two_weights(
    network: Network, x: Array, y: Array, centre: Params, one: tuple[str, tuple[int, ...]], other: tuple[str, tuple[int, ...]]
) -> Plane:
    """The plane of two weights: u and v are their values, all others stay."""
    base = {name: value.copy() for name, value in centre.items()}
    ways = []
    for name, index in (one, other):
        base[name][index] = 0.0
        way = {key: np.zeros_like(value) for key, value in base.items()}
        way[name][index] = 1.0
        ways.append(way)
    return Plane(network, x, y, base, ways[0], ways[1])


def random_directions(network: Network, x: Array, y: Array, centre: Params, seed: int) -> Plane:
    """The plane of two seeded random directions, each parameter's part as long as the parameter itself (Li et al. 2018)."""
    rng = np.random.default_rng([seed, 2])
    ways = []
    for _ in range(2):
        way = {name: rng.standard_normal(value.shape) for name, value in centre.items()}
        ways.append({name: d * (np.linalg.norm(centre[name]) / (np.linalg.norm(d) or 1.0)) for name, d in way.items()})
    return Plane(network, x, y, dict(centre), ways[0], ways[1])


def kinked(network: Network) -> bool:
    """Whether the cost can have kinks."""
    return LOSSES[network.loss].kinked or any(layer.f.kinks for layer in network.dense)
