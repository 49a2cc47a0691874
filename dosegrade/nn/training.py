"""Training, seen live: a Trainer trains a Config epoch by epoch, a Frame is what one moment looks like.

Gradients are those of the one derivation, `Network.steps`, computed by an engine that is held to it. Equal configurations and equal numbers
of epochs give equal bits on one machine, however the epochs were cut into frames, once the engine that the run belongs to is ready.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data import Scaling
from dosegrade.errors import SpecError
from dosegrade.nn.activations import Activation
from dosegrade.nn.config import HOT, MAX_HIDDEN, MAX_WIDTH, Config, needs_reset
from dosegrade.nn.engine import better, engine
from dosegrade.nn.initializers import initialize
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Params
from dosegrade.nn.plan import Plan, Stretch, Trained, draw
from dosegrade.nn.presets import PRESETS, Preset
from dosegrade.nn.reference import Reference
from dosegrade.nn.schedules import SCHEDULES
from dosegrade.steps import Steps, Values, evaluate, needed

Array = NDArray[Any]

MAX_LOSS = 1e12
SATURATED = 1.0 - 0.99**2
BURST = 0.005
MOST_DRAWN = 2_000_000

__all__ = ["MAX_HIDDEN", "MAX_LOSS", "MAX_WIDTH", "PRESETS", "Config", "Frame", "Preset", "Trainer", "needs_reset", "saturated"]


@dataclass(frozen=True)
class Frame:
    """One moment of training. `loss` and `validation_loss` in scaled units, penalties included (the latter nan without
    held-out points), `r2` on the training points.

    `curve` (101,) is the predicted effect in % at `dataset.curve_x`, `peak_dose` where it is highest; `theta` (P,) the parameters in the
    order of `network.shapes`; `gradient` (L,) is ‖(dW_l, db_l)‖; `saturation` (L−1,) the saturated share of each hidden layer.
    """

    epoch: int
    loss: float
    validation_loss: float
    r2: float
    peak_dose: float
    curve: Array
    theta: Array
    gradient: Array
    saturation: Array


@dataclass(frozen=True)
class Moment:
    """What a frame is made from: parameters, and loss and gradient of all training points there."""

    epoch: int
    theta: Array
    loss: float
    gradient: Array


class Trainer:
    """One run: `advance` trains, `frame` and `frames` show, `update_config` changes how it learns under way.

    `diverged` is None, or sentences that explain once the loss passed 10¹² or is no number; parameters then stay at the epoch before.
    `engine` pins the run to the engine of that name: compiled, numpy or steps; without it the run starts with what is ready.
    """

    def __init__(self, config: Config, engine: str | None = None) -> None:
        self.config = config
        self.network = config.network
        self.dataset = config.dataset
        self.epoch = 0
        self.step_count = 0
        self.diverged: str | None = None
        self._split_and_scale()
        self._order = np.random.default_rng([config.seed, 1])
        self._masks = np.random.default_rng([config.seed, 2])
        first = initialize(self.network, config.initializer, config.seed)
        self._theta = _frozen(np.concatenate([value.ravel() for value in first.values()]))
        self._pinned = engine
        self._history: tuple[tuple[int, Config], ...] = ((0, config),)
        self._plan_for(config, engine)
        self._state = self._plan.start(self._theta)
        self._epochs_a_second = 0.0
        self.seconds_a_frame = 0.0

    @property
    def params(self) -> Params:
        """The current parameters, read-only views of `theta`."""
        return self._plan.views(self._theta)

    @property
    def engine(self) -> str:
        """The name of the engine that trains: compiled, numpy or steps."""
        return self._engine.name

    def _split_and_scale(self) -> None:
        config, x, y = self.config, self.dataset.x, self.dataset.y
        shuffled = np.random.default_rng([config.data_seed, 1]).permutation(len(x))
        held = np.sort(shuffled[: config.held_out])
        kept = np.setdiff1d(np.arange(len(x)), held)
        self.training_points, self.validation_points = kept, held
        self.dose_scaling = Scaling.fit(config.scale_dose, x[kept])
        self.effect_scaling = Scaling.fit(config.scale_effect, y[kept])
        self._x, self._y = self.dose_scaling.apply(x), self.effect_scaling.apply(y)
        self._train = {"x": self._x[kept], "y": self._y[kept]}
        self._curve_x = self.dose_scaling.apply(self.dataset.curve_inputs)

    def _plan_for(self, config: Config, name: str | None) -> None:
        """The plan of a configuration, its engine, and the moment seen by the derivation itself."""
        self.network = config.network
        self._plan = Plan(
            self.network,
            self._train["x"],
            self._train["y"],
            config.optimizer,
            dict(config.hyper),
            config.batch,
            config.clip,
            config.clip_at,
            MAX_LOSS,
        )
        self._engine = engine(self._plan, name)
        self._forward: Steps = needed(self.network.steps(), {f"a{len(self.network.dense)}"})
        self._layer_starts = np.array([p.start for p in self._plan.places if p.name.startswith("W")])
        with np.errstate(all="ignore"):
            self._now = Moment(self.epoch, self._theta, *Reference(self._plan).look(self._theta))

    def advance(self, epochs: int = 1) -> None:
        """Train for so many passes over the training points; does nothing once diverged."""
        self._catch_up()
        goal = self.epoch + epochs
        while self.epoch < goal and self.diverged is None:
            self._train_on(some := min(goal - self.epoch, self._most()), some)

    def _most(self) -> int:
        """The epochs whose order and masks are drawn at once."""
        return max(1, MOST_DRAWN // (self._plan.samples * (1 + self._plan.mask_width)))

    def _train_on(self, epochs: int, every: int) -> list[Moment]:
        """So many epochs, a multiple of `every`; the moments that many epochs apart."""
        before = self._order.bit_generator.state, self._masks.bit_generator.state
        start = self.epoch
        done = self._run(epochs, every)
        if done.epochs == epochs:
            return self._accept(done, every)
        written = done.epochs // every * every
        self._order.bit_generator.state, self._masks.bit_generator.state = before
        moments = self._accept(self._run(written, every), every) if written else []
        if rest := done.epochs - written:
            self._accept(self._run(rest, rest), rest)
        draw(self._plan, 1, self._order, self._masks)
        self.diverged = (
            f"The loss grew beyond all bounds in epoch {start + done.epochs + 1}: with {self.config.optimizer} the learning rate "
            f"{self.config.learning_rate:g} is too large, so each step overshoots and lands higher than it started. "
            f"Try {self.config.learning_rate / 10:g}. Shown is the epoch before."
        )
        return moments

    def _run(self, epochs: int, every: int) -> Trained:
        """The engine's work on the next epochs, not yet accepted."""
        config, updates = self.config, self.step_count + np.arange(epochs * self._plan.steps)
        rates = SCHEDULES[config.schedule].rates(config.learning_rate, updates, config.decay_steps, config.decay_rate)
        order, masks = draw(self._plan, epochs, self._order, self._masks)
        return self._engine.run(self._theta, self._state, Stretch(epochs, rates, order, masks, every))

    def _accept(self, done: Trained, every: int) -> list[Moment]:
        """Take over what the engine has trained."""
        thetas = _frozen(done.thetas)
        moments = [
            Moment(self.epoch + (k + 1) * every, thetas[k], float(done.losses[k]), done.gradients[k]) for k in range(len(done.losses))
        ]
        self._theta, self._state, self._now = _frozen(done.theta), done.state, moments[-1]
        self.epoch += done.epochs
        self.step_count += done.epochs * self._plan.steps
        return moments

    def _catch_up(self) -> None:
        """Where the kernel has become ready: the same run by the kernel, from epoch 0 with every change of the settings, up to here."""
        if self._pinned is not None or self.diverged is not None or not better(self._engine, self._plan):
            return
        twin = Trainer(self._history[0][1], "compiled")
        for epoch, config in self._history[1:]:
            twin.advance(epoch - twin.epoch)
            twin.update_config(config)
        twin.advance(self.epoch - twin.epoch)
        if twin.epoch == self.epoch:
            twin._pinned = None
            vars(self).update(vars(twin))

    def update_config(self, config: Config) -> None:
        """Go on with other settings of HOT; weights stay. SpecError where a new Trainer is needed."""
        if needs_reset(self.config, config):
            changed = [f.name for f in fields(Config) if f.name not in HOT and getattr(self.config, f.name) != getattr(config, f.name)]
            raise SpecError(f"A run cannot go on after a change of {', '.join(changed)}; start a new Trainer.")
        if config == self.config:
            return
        self._catch_up()
        anew = config.optimizer != self.config.optimizer
        self.config, self.diverged = config, None
        self._history = (*self._history, (self.epoch, config))
        self._plan_for(config, self._engine.name)
        if anew:
            self._state = self._plan.start(self._theta)

    def frame(self) -> Frame:
        """The current moment."""
        return self._develop([self._now])[0]

    def frames(self, count: int, epochs_per_frame: int = 1, budget_seconds: float = 0.02) -> list[Frame]:
        """At most `count` frames, fewer where the time is over or the run diverged, at least one."""
        deadline = time.perf_counter() + budget_seconds
        self._catch_up()
        moments: list[Moment] = []
        for some in self._moments(count, epochs_per_frame, deadline):
            moments += some
            if time.perf_counter() + (len(moments) + 1) * self.seconds_a_frame >= deadline:
                break
        return self.develop(moments or [self._now])

    def moments(self, count: int, apart: int = 1) -> list[Moment]:
        """`count` moments so many epochs apart, fewer where the run diverges; `develop` makes frames of them."""
        self._catch_up()
        return [moment for some in self._moments(count, apart, math.inf) for moment in some]

    def develop(self, moments: Sequence[Moment]) -> list[Frame]:
        """The frames of moments; how long that takes is remembered."""
        start = time.perf_counter()
        drawn = self._develop(moments)
        self.seconds_a_frame = (time.perf_counter() - start) / len(drawn)
        return drawn

    def _moments(self, count: int, apart: int, deadline: float) -> Iterator[list[Moment]]:
        """`count` moments so many epochs apart, in bursts of some milliseconds; one comes early where the `deadline` passes."""
        got = gone = 0
        while got < count and self.diverged is None:
            some = self._burst(count - got, apart, gone)
            start, epoch = time.perf_counter(), self.epoch
            moments = self._train_on(some, apart if gone == 0 and some >= apart else some)
            now = time.perf_counter()
            self._epochs_a_second = (self.epoch - epoch) / max(now - start, 1e-9)
            gone = (gone + some) % apart if some < apart else 0
            if moments and (gone == 0 or now >= deadline):
                got += len(moments)
                yield moments

    def _burst(self, frames: int, apart: int, gone: int) -> int:
        """How many epochs to train in one go: whole frames where they fit, else a part of the next one."""
        fit = min(max(1, int(self._epochs_a_second * BURST)), self._most())
        if gone == 0 and fit >= apart:
            return min(fit // apart, frames) * apart
        return min(fit, apart - gone)

    def _develop(self, moments: Sequence[Moment]) -> list[Frame]:
        """All frames of a chunk with one stacked forward pass a picture: parameters (K, …), outputs (K, n, 1)."""
        thetas = np.stack([moment.theta for moment in moments])
        stacked = self._stack(thetas)
        with np.errstate(all="ignore"):
            seen = self._predict(stacked, self._train["x"])
            curves = self.effect_scaling.undo(self._predict(stacked, self._curve_x)[f"a{len(self.network.dense)}"])[..., 0]
            r2, validation = self._r2(seen), self._validation_loss(stacked)
            saturation = self._saturation(seen)
            sizes = np.sqrt(np.add.reduceat(np.stack([m.gradient for m in moments]) ** 2, self._layer_starts, axis=1))
        peaks = self.dataset.curve_x[curves.argmax(axis=1)]
        return [
            Frame(m.epoch, m.loss, float(validation[k]), float(r2[k]), float(peaks[k]), curves[k], m.theta, sizes[k], saturation[k])
            for k, m in enumerate(moments)
        ]

    def _stack(self, thetas: Array) -> Params:
        """Parameters with a leading axis K; biases as (K, 1, units), so that they add to (K, n, units)."""
        return {
            p.name: thetas[:, p.start : p.end].reshape(len(thetas), *((1, *p.shape) if len(p.shape) == 1 else p.shape))
            for p in self._plan.places
        }

    def _predict(self, stacked: Params, x: Array) -> Values:
        return evaluate(self._forward, {"x": x, **stacked})

    def _r2(self, seen: Values) -> Array:
        """1 − Σ(ŷ−y)²/Σ(y−ȳ)² (K,); nan where all effects are equal."""
        y = self._train["y"]
        errors = ((seen[f"a{len(self.network.dense)}"] - y) ** 2).sum(axis=(1, 2))
        return np.asarray(1.0 - errors / ((y - y.mean()) ** 2).sum())

    def _validation_loss(self, stacked: Params) -> Array:
        held = self.validation_points
        if not held.size:
            return np.full(len(stacked["W1"]), np.nan)
        predicted = self._predict(stacked, self._x[held])[f"a{len(self.network.dense)}"]
        return np.asarray(LOSSES[self.config.loss].value(self._y[held], predicted).mean(axis=-1)) + self._penalty(stacked)

    def _penalty(self, stacked: Params) -> Array:
        """l1 Σ|W| + l2 Σ W² (K,)."""
        kernels = [w for name, w in stacked.items() if name.startswith("W")] if self.network.penalised else []
        terms = [self.network.l1 * np.abs(w).sum(axis=(1, 2)) + self.network.l2 * (w * w).sum(axis=(1, 2)) for w in kernels]
        return np.sum(terms, axis=0) if terms else np.zeros(len(stacked["W1"]))

    def _saturation(self, seen: Values) -> Array:
        """The share (K, L−1) of each hidden layer's outputs that are saturated."""
        shares = [saturated(layer.f, seen[f"z{i}"]).mean(axis=(1, 2)) for i, layer in enumerate(self.network.dense[:-1], 1)]
        return np.stack(shares, axis=1) if shares else np.zeros((len(seen[f"a{len(self.network.dense)}"]), 0))


def saturated(f: Activation, z: Array) -> Array:
    """Where the slope is 0 or, for a bounded activation, below 1 − 0.99² of its steepest: |tanh z| > 0.99, a dead ReLU."""
    if f.slope is None:
        return np.zeros(z.shape, dtype=bool)
    return np.asarray(np.abs(f.derivative(z)) <= (SATURATED * f.steepest if f.saturates else 0.0))


def _frozen(theta: Array) -> Array:
    theta.flags.writeable = False
    return theta
