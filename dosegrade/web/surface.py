"""A Land is what the landscape page shows: a scene, how its cost is measured, who walks from where.

Scenes are small networks with a few examples and a plane worth seeing; this module holds them and reads links.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.nn.landscape import WALKERS, Plane, grid, kinked, random_directions, two_weights, walk
from dosegrade.nn.network import Network, Params, mlp
from dosegrade.nn.training import Config, Trainer
from dosegrade.registry import Registry, did_you_mean
from dosegrade.web.query import known, number, whole

Array = NDArray[Any]
SIDE, SLICE = 60, 401
MOST_UPDATES = 300
MOST_RATE = 5.0
MOST_SEED = 9999
COSTS = ("mean_squared_error", "mean_absolute_error", "log_cosh")
SHAPES = ("tanh", "sigmoid", "relu", "leaky_relu", "elu")
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """A plane worth seeing: how it is made from activation, loss and seed; its axes' names and bounds; settings that show it well.

    `activation` is "" where the scene has no hidden unit.
    """

    name: str
    title: str
    why: str
    make: Callable[[str, str, int], Plane]
    axes: tuple[str, str]
    across: Bounds
    along: Bounds
    activation: str
    loss: str
    start: tuple[float, float]
    rate: float
    batch: int
    updates: int
    walkers: tuple[str, ...] = tuple(WALKERS)


def filled(network: Network, **values: float | list[float]) -> Params:
    """Parameters of a network: zeros, but for those given."""
    made = {name: np.zeros(shape) for name, shape in network.shapes.items()}
    return made | {name: np.array(value, dtype=float).reshape(network.shapes[name]) for name, value in values.items()}


def column(values: Array) -> Array:
    """(n,) as (n, 1)."""
    return np.asarray(values).reshape(-1, 1)


def ravine(activation: str, loss: str, seed: int) -> Plane:
    """One linear unit, inputs that are not centred: weight and bias pull on the same rope."""
    x = np.linspace(0.4, 2.6, 12)
    y = 1.3 * x - 0.5 + 0.25 * np.random.default_rng([seed, 3]).standard_normal(12)
    network = mlp(1, (1,), "tanh", loss=loss)
    return two_weights(network, column(x), column(y), filled(network), ("W1", (0, 0)), ("b1", (0,)))


def saddle(activation: str, loss: str, seed: int) -> Plane:
    """Two weights in a row: turning both round gives the same network, and zero lies between."""
    x = np.linspace(-2.0, 2.0, 12)
    y = 1.2 * np.tanh(1.3 * x) + 0.1 * np.random.default_rng([seed, 3]).standard_normal(12)
    network = mlp(1, (1, 1), activation, loss=loss)
    return two_weights(network, column(x), column(y), filled(network), ("W1", (0, 0)), ("W2", (0, 0)))


def kinks(activation: str, loss: str, seed: int) -> Plane:
    """|x| from two units: every example's crease is a line in the plane."""
    x = np.linspace(-2.0, 2.0, 8) + 0.15
    y = np.abs(x) + 0.15 * np.random.default_rng([seed, 3]).standard_normal(8)
    network = mlp(1, (2, 1), activation, loss=loss)
    centre = filled(network, W2=[1.0, 1.0], b1=[0.3, -0.2])
    return two_weights(network, column(x), column(y), centre, ("W1", (0, 0)), ("W1", (0, 1)))


def plateau(activation: str, loss: str, seed: int) -> Plane:
    """A unit fed with raw numbers: almost everywhere it is saturated, and the cost flat."""
    x = np.linspace(0.0, 10.0, 12)
    y = np.tanh(1.5 * (x - 5.0)) + 0.05 * np.random.default_rng([seed, 3]).standard_normal(12)
    network = mlp(1, (1, 1), activation, loss=loss)
    return two_weights(network, column(x), column(y), filled(network, W2=1.0), ("W1", (0, 0)), ("b1", (0,)))


def cut(activation: str, loss: str, seed: int) -> Plane:
    """The dose curve's 1-8-1 network after 200 epochs, cut along two random directions."""
    trainer = Trainer(Config(activations=(activation,), loss=loss, points=25))
    trainer.advance(200)
    x = trainer.inputs(trainer.dataset.x)
    y = trainer.effect_scaling.apply(trainer.dataset.y)
    return random_directions(trainer.network, x, y, dict(trainer.params), seed)


SCENES: Registry[Scene] = Registry(
    "scene",
    {
        scene.name: scene
        for scene in (
            Scene(
                "ravine",
                "A ravine",
                "One linear unit. Inputs are all positive, so weight and bias do nearly the same: steep across, almost flat along. "
                "Gradient "
                "descent is across at once and then crawls; momentum gathers speed.",
                ravine,
                ("W₁", "b₁"),
                (-1.2, 3.6),
                (-3.4, 2.4),
                "",
                "mean_squared_error",
                (-0.6, 1.4),
                0.1,
                4,
                120,
            ),
            Scene(
                "saddle",
                "Two valleys, one saddle",
                "Two weights in a row. Both turned round give the same network, so there are two equally good valleys, and a saddle "
                "between them "
                "where the gradient is zero. A little to one side decides.",
                saddle,
                ("W₁", "W₂"),
                (-3.0, 3.0),
                (-3.0, 3.0),
                "tanh",
                "mean_squared_error",
                (0.5, -0.42),
                0.08,
                3,
                120,
            ),
            Scene(
                "kinks",
                "Kinks",
                "Two ReLU units and the absolute error. Each example folds the surface where a unit switches on and where its own error "
                "is zero. "
                "At a fold the slope jumps: plain steps hop from one side to the other and get no further.",
                kinks,
                ("W₁[1,1]", "W₁[1,2]"),
                (-2.4, 2.4),
                (-2.4, 2.4),
                "relu",
                "mean_absolute_error",
                (2.0, 0.6),
                0.15,
                3,
                120,
            ),
            Scene(
                "plateau",
                "A plateau",
                "Inputs from 0 to 10 fed in raw saturate the unit nearly everywhere. The high plain is flat: gradient descent hardly "
                "moves on "
                "it, while Adam, which divides by the gradient's size, walks off.",
                plateau,
                ("W₁", "b₁"),
                (-3.0, 3.0),
                (-12.0, 12.0),
                "tanh",
                "mean_squared_error",
                (2.5, 2.0),
                0.15,
                3,
                200,
            ),
            Scene(
                "cut",
                "A cut through 25 weights",
                "The playground's 1-8-1 network after 200 epochs, seen along two random directions, each as long as the weights. The "
                "seed turns "
                "the cut: it is one view of many.",
                cut,
                ("direction 1", "direction 2"),
                (-1.5, 1.5),
                (-1.5, 1.5),
                "tanh",
                "mean_squared_error",
                (1.1, 1.1),
                0.02,
                5,
                120,
            ),
        )
    },
)


@dataclass(frozen=True)
class Land:
    """What the page shows. `u`, `v` are the start; `batch` is the mini-batch's size; `seed` draws noise, batches and directions."""

    scene: str
    activation: str
    loss: str
    u: float
    v: float
    rate: float
    batch: int
    updates: int
    seed: int
    walkers: tuple[str, ...]

    def __post_init__(self) -> None:
        scene = SCENES[self.scene]
        _known("loss", self.loss, COSTS)
        if scene.activation:
            _known("activation", self.activation, SHAPES)
        elif self.activation:
            raise SpecError(f"Found the activation {self.activation[:30]!r}; this scene has no hidden unit.")
        for what, value, (low, high) in (
            ("u", self.u, scene.across),
            ("v", self.v, scene.along),
            ("learning rate", self.rate, (1e-6, MOST_RATE)),
        ):
            if not (math.isfinite(value) and low <= value <= high):
                raise SpecError(f"Found {value:g} for the {what}, expected a number from {low:g} to {high:g}.")
        for what, count, (least, most) in (
            ("mini-batch", self.batch, (1, 25)),
            ("updates", self.updates, (10, MOST_UPDATES)),
            ("seed", self.seed, (0, MOST_SEED)),
        ):
            if not least <= count <= most:
                raise SpecError(f"Found {count} for the {what}, expected a whole number from {least} to {most}.")
        for name in self.walkers:
            _known("walker", name, tuple(WALKERS))
        if len(set(self.walkers)) != len(self.walkers):
            raise SpecError("Found a walker twice; each walks once.")

    @property
    def of(self) -> Scene:
        """The scene."""
        return SCENES[self.scene]


def _known(what: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise SpecError(f"Found the {what} {name[:30]!r}, expected one of {', '.join(names)}.{did_you_mean(name[:30], names)}")


def usual(scene: str) -> Land:
    """A scene as it is best seen."""
    s = SCENES[scene]
    return Land(s.name, s.activation, s.loss, *s.start, s.rate, s.batch, s.updates, 0, s.walkers)


DEFAULT = usual("ravine")


@dataclass(frozen=True)
class Walked:
    """A walker's path: points (T+1, 2), and the cost (T+1,) of all examples at each."""

    name: str
    points: Array
    costs: Array

    @property
    def title(self) -> str:
        """The walker in words."""
        return WALKERS[self.name].title


@lru_cache(maxsize=32)
def plane(scene: str, activation: str, loss: str, seed: int) -> Plane:
    """The plane of a scene."""
    return SCENES[scene].make(activation, loss, seed)


def plane_of(land: Land) -> Plane:
    """The plane of a land."""
    return plane(land.scene, land.activation, land.loss, land.seed)


@lru_cache(maxsize=32)
def heights(scene: str, activation: str, loss: str, seed: int) -> Array:
    """The cost on the grid, a row for each v."""
    s = SCENES[scene]
    return grid(plane(scene, activation, loss, seed), s.across, s.along, SIDE)


def heights_of(land: Land) -> Array:
    """The cost on the grid of a land."""
    return heights(land.scene, land.activation, land.loss, land.seed)


@lru_cache(maxsize=64)
def path(land: Land, name: str) -> Walked:
    """One walker's path; which others walk makes no difference."""
    on = plane_of(land)
    points = walk(on, WALKERS[name], (land.u, land.v), land.rate, land.updates, land.batch, land.seed)
    with np.errstate(all="ignore"):
        return Walked(name, points, on.cost(points[:, 0], points[:, 1]))


def paths(land: Land) -> tuple[Walked, ...]:
    """The paths of all walkers of a land."""
    alone = replace(land, walkers=())
    return tuple(path(alone, name) for name in land.walkers)


@dataclass(frozen=True)
class Slice:
    """The cost along one axis through the start: `at`, `cost`, and the places of its kinks."""

    axis: str
    at: Array
    cost: Array
    kinks: Array


def slices(land: Land) -> tuple[Slice, Slice]:
    """The cost along u and along v through the start."""
    on, s = plane_of(land), land.of
    u, v = np.linspace(*s.across, SLICE), np.linspace(*s.along, SLICE)
    lines = ((u, np.full(SLICE, land.v)), (np.full(SLICE, land.u), v))
    made = [Slice(axis, line[k], on.cost(*line), on.kinks(*line)) for k, (axis, line) in enumerate(zip(s.axes, lines, strict=True))]
    return made[0], made[1]


def to_query(land: Land) -> dict[str, str]:
    """The shortest address that gives the land back."""
    base = usual(land.scene)
    query = {} if land.scene == DEFAULT.scene else {"scene": land.scene}
    for field in fields(Land):
        value = getattr(land, field.name)
        if field.name != "scene" and value != getattr(base, field.name):
            query[field.name] = (
                (",".join(value) or "none") if isinstance(value, tuple) else f"{value:.12g}" if isinstance(value, float) else str(value)
            )
    return query


def from_query(query: Mapping[str, str]) -> Land:
    """The land that an address describes; SpecError in a sentence where it cannot be read."""
    known(query, [field.name for field in fields(Land)])
    base = usual(query.get("scene", DEFAULT.scene)[:30])
    return replace(base, **{key: READERS[key](text) for key, text in query.items() if key != "scene"})


READERS: Mapping[str, Callable[[str], Any]] = {
    "activation": str,
    "loss": str,
    "u": number,
    "v": number,
    "rate": number,
    "batch": whole,
    "updates": whole,
    "seed": whole,
    "walkers": lambda text: () if text == "none" else tuple(text.split(",")),
}


def rough(land: Land) -> bool:
    """Whether this cost can have kinks at all."""
    return kinked(plane_of(land).network)
