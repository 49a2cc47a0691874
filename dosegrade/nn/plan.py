"""A plan is all that an engine has to know: the network, how it learns, and the numbers it learns from.

A stretch is a number of epochs laid out in advance: order, learning rates and dropout masks. Whichever engine runs it, and however a run is
cut into stretches, the same numbers are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.network import Network
from dosegrade.nn.optimizers import OPTIMIZERS

Array = NDArray[Any]
State = Mapping[str, Any]
FLAT = "theta"
MASKS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Place:
    """Where a parameter lies in theta."""

    name: str
    start: int
    end: int
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """`x` (n, inputs), `y` (n, M) or (n, 1) labels; `batch` 0 for the full batch; `limit` is the loss above which a run has diverged."""

    network: Network
    x: Array
    y: Array
    optimizer: str = "adam"
    settings: Mapping[str, float] | None = None
    batch: int = 0
    clip: str = "none"
    clip_at: float = 1.0
    limit: float = math.inf

    @property
    def samples(self) -> int:
        """n."""
        return len(self.x)

    @property
    def size(self) -> int:
        """The samples of a step; the last of an epoch may have fewer."""
        return self.batch if 0 < self.batch < self.samples else self.samples

    @property
    def steps(self) -> int:
        """The updates of an epoch."""
        return -(-self.samples // self.size)

    @cached_property
    def hyper(self) -> dict[str, float]:
        """The optimizer's settings, defaults included."""
        return OPTIMIZERS[self.optimizer].settings(dict(self.settings or {}))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every parameter in theta, in order W1, b1, W2, …"""
        ends = np.cumsum([math.prod(shape) for shape in self.network.shapes.values()]).tolist()
        return tuple(Place(n, e - math.prod(s), e, s) for (n, s), e in zip(self.network.shapes.items(), ends, strict=True))

    @property
    def parameters(self) -> int:
        """P, the length of theta."""
        return self.places[-1].end

    @cached_property
    def dropped(self) -> tuple[tuple[int, int, float], ...]:
        """(layer, units, rate) of each layer that dropout thins out."""
        return tuple((i, self.network.dense[i - 1].units, rate) for i, rate in sorted(self.network.dropout.items()) if rate > 0)

    @property
    def mask_width(self) -> int:
        """The mask entries that one sample takes."""
        return sum(units for _, units, _ in self.dropped)

    def views(self, theta: Array) -> dict[str, Array]:
        """The parameters by name, as views of theta."""
        return {p.name: theta[p.start : p.end].reshape(p.shape) for p in self.places}

    def clipped(self, gradient: Array) -> Array:
        """The flat gradient as the optimizer gets it."""
        if self.clip == "none":
            return gradient
        by_name = CLIPPINGS[self.clip].clip(self.views(gradient), self.clip_at)
        return np.concatenate([by_name[p.name].ravel() for p in self.places])

    def start(self, theta: Array) -> State:
        """The optimizer's empty memory."""
        return OPTIMIZERS[self.optimizer].init({FLAT: theta})


@dataclass(frozen=True, eq=False)
class Stretch:
    """`rates` a learning rate an update; `order` (epochs, n) or None; `masks` uint8, by epoch, batch, layer, sample and unit, or None.

    Every `every` epochs a moment is written down; with `watch` each epoch is looked at for divergence.
    """

    epochs: int
    rates: Array
    order: Array | None = None
    masks: Array | None = None
    every: int = 1
    watch: bool = True


@dataclass(frozen=True, eq=False)
class Trained:
    """What a stretch has led to: epochs done, fewer than asked where numbers ran out of bounds, and then parameters and memory as before.

    Of each written moment k: `thetas[k]`, `losses[k]` and `gradients[k]` of all samples there.
    """

    epochs: int
    theta: Array
    state: State
    thetas: Array
    losses: Array
    gradients: Array


class Engine(Protocol):
    """Trains a plan for a stretch; nothing that is passed in is changed."""

    name: str

    def run(self, theta: Array, state: State, stretch: Stretch) -> Trained: ...


def draw(plan: Plan, epochs: int, orders: np.random.Generator, masks: np.random.Generator) -> tuple[Array | None, Array | None]:
    """Order and masks of so many epochs; one call for many draws what many calls for one do."""
    order = np.array([orders.permutation(plan.samples) for _ in range(epochs)]) if plan.size < plan.samples else None
    return order, draw_masks(plan, epochs, masks) if plan.dropped else None


def draw_masks(plan: Plan, epochs: int, generator: np.random.Generator) -> Array:
    """The dropout masks of so many epochs."""
    limits: Any = threshold(plan.dropped[0][2])
    if len({rate for _, _, rate in plan.dropped}) > 1:
        by_layer = [threshold(rate) for _, _, rate in plan.dropped]
        limits = np.concatenate([np.repeat(by_layer, [size * units for _, units, _ in plan.dropped]) for size in sizes(plan)])
    masks = np.empty((epochs, plan.samples * plan.mask_width), bool)
    rows = max(1, MASKS_AT_ONCE // masks.shape[1])

    def fill(part: Array, source: np.random.Generator) -> None:
        for start in range(0, len(part), rows):
            some = part[start : start + rows]
            np.less(words(source, *some.shape), limits, out=some)

    middle = epochs // 2
    if middle < rows or not isinstance(generator.bit_generator, np.random.PCG64):
        fill(masks, generator)
    else:
        from concurrent.futures import ThreadPoolExecutor

        later = ahead(generator.bit_generator, middle * words_a_row(masks.shape[1]))
        with ThreadPoolExecutor(1, thread_name_prefix="masks") as pool:
            other = pool.submit(fill, masks[middle:], np.random.Generator(later))
            fill(masks[:middle], generator)
            other.result()
        generator.bit_generator.state = later.state
    return masks.view(np.uint8).ravel()


def ahead(source: np.random.PCG64, words: int) -> np.random.PCG64:
    """The generator as it is after so many 64-bit words more."""
    later, left = np.random.PCG64(), source.state
    later.state = left
    later.advance(words)
    state = later.state
    state["has_uint32"], state["uinteger"] = left["has_uint32"], left["uinteger"]  # half a word, which `advance` forgets
    later.state = state
    return later


def words_a_row(columns: int) -> int:
    """The 64-bit words of which a row of `columns` 16-bit words is made."""
    return -(-columns // 4)


def words(generator: np.random.Generator, rows: int, columns: int) -> Array:
    """Random 16-bit words (rows, columns), drawn four at a time a row, so that many rows at once are the rows one by one."""
    drawn = generator.integers(0, 1 << 64, size=(rows, words_a_row(columns)), dtype=np.uint64)
    return drawn.astype("<u8", copy=False).view("<u2")[:, :columns]


def threshold(rate: float) -> np.uint16:
    """A 16-bit word is below it with the probability 1 − rate, to 1/65536."""
    return np.uint16(round((1 - rate) * 65536))


def sizes(plan: Plan) -> list[int]:
    """The samples of each step of an epoch."""
    return [min(plan.size, plan.samples - start) for start in range(0, plan.samples, plan.size)]
