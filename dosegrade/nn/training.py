"""Training, seen live: a Trainer trains a Config epoch by epoch, a Frame is what one moment looks like.

Gradients are those of the one derivation, `Network.steps`, computed by an engine that is held to it. Equal configurations and equal numbers
of epochs give equal bits on one machine, however the epochs were cut into frames, once the engine that the run belongs to is ready.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data import Scaling
from dosegrade.data.features import columns
from dosegrade.errors import SpecError
from dosegrade.nn.activations import Activation
from dosegrade.nn.config import HOT, MAX_EPOCHS, MAX_HIDDEN, MAX_WIDTH, STOPS, Config, differing, needs_reset
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
SURFACE, PATCH, EVERY = 30, 12, 4  # points a side of a surface and of a unit's picture; of a curve a unit shows every fourth
MOSTLY = 0.95
ALIVE, STUCK, DEAD = 0, 1, 2
MOST_DRAWN = 2_000_000

__all__ = ["MAX_HIDDEN", "MAX_LOSS", "MAX_WIDTH", "PRESETS", "Config", "Frame", "Preset", "Trainer", "needs_reset", "saturated"]


@dataclass(frozen=True)
class Frame:
    """One moment of training. `loss` and `validation_loss` in scaled units, penalties included; `r2` of regression and `accuracy` of
    classification on the training points; nan for what there is not.

    `curve` (101,) is the output in the data's units at `dataset.curve_x`, `peak_dose` where it is highest; `surface` (900,) the output
    on `dataset.grid(30)`, of two inputs. `theta` (P,) holds the parameters in the order of `network.shapes`; `gradient` (L,) is
    ‖(dW_l, db_l)‖; `saturation` (L−1,) the saturated share of each hidden layer. `units` has the output of every hidden unit and of the
    network over the input (26 points, or `dataset.grid(12)`), a unit after the other, 128 for 0 and 255 for the largest size; `state` is 0
    for a hidden unit that is alive, 1 where 95 % of the training points are on its flat part, 2 where none of them has a slope.
    """

    epoch: int
    loss: float
    validation_loss: float
    r2: float
    accuracy: float
    validation_accuracy: float
    peak_dose: float
    curve: Array
    surface: Array
    theta: Array
    gradient: Array
    saturation: Array
    units: Array
    state: Array


@dataclass(frozen=True)
class Moment:
    """What a frame is made from: parameters, and loss and gradient of all training points there."""

    epoch: int
    theta: Array
    loss: float
    gradient: Array


class Trainer:
    """One run: `advance` trains, `frame` and `frames` show, `update_config` and `set_weight` change it under way.

    `config` tells the whole run, its story included; `settings` is what holds now.

    `diverged` is None, or sentences that explain once the loss passed 10¹² or is no number; parameters then stay at the epoch before.
    `engine` pins the run to the engine of that name: compiled, numpy or steps; without it the run starts with what is ready.
    """

    def __init__(self, config: Config, engine: str | None = None) -> None:
        self.config, self.settings = config, replace(config, story=())
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
        self._plan_for(self.settings, engine)
        self._state = self._plan.start(self._theta)
        self._epochs_a_second = 0.0
        self.seconds_a_frame = 0.0
        self._followed = 0
        self._follow()

    @property
    def params(self) -> Params:
        """The current parameters, read-only views of `theta`."""
        return self.views(self._theta)

    def views(self, theta: Array) -> Params:
        """The parameters by name, as views of theta (P,)."""
        return self._plan.views(theta)

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
        raw, source = columns(self.dataset.source, config.features, x), self.dataset.source
        farthest, largest = (max(map(abs, pair)) or 1.0 for pair in (source.bounds[0], source.span))
        self.dose_scaling = Scaling.fit(config.scale_dose, raw[kept], farthest)
        if source.task == "regression":
            self.effect_scaling = Scaling.fit(config.scale_effect, y[kept], largest)
        else:
            self.effect_scaling = Scaling.signs() if config.signed else Scaling.fit("none", y)
        self._x, self._y = self.dose_scaling.apply(raw), self.effect_scaling.apply(y)
        self._train = {"x": self._x[kept], "y": self._y[kept]}
        flat = source.dimensions == 2
        curve = self._x[:0] if flat else self.inputs(self.dataset.curve_inputs)
        self._looked_at = np.concatenate([self._x[kept], self._x[held], curve])
        self._parts = np.cumsum([len(kept), len(held)])
        grids = [self.dataset.grid(SURFACE), self.dataset.grid(PATCH)] if flat else []
        self._grid = self.inputs(np.concatenate(grids)).astype(np.float32) if flat else None

    def inputs(self, x: Array) -> Array:
        """What the network is fed for data x (n, k): the chosen features, scaled (n, inputs)."""
        return self.dose_scaling.apply(columns(self.dataset.source, self.config.features, x))

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
            self._train_on(some := min(goal - self.epoch, self._most(), self._until()), some)
            self._follow()

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
        now = self.settings
        self.diverged = (
            f"The loss grew beyond all bounds in epoch {start + done.epochs + 1}: with {now.optimizer} the learning rate "
            f"{now.learning_rate:g} is too large, so each step overshoots and lands higher than it started. "
            f"Try {now.learning_rate / 10:g}. Shown is the epoch before."
        )
        return moments

    def _run(self, epochs: int, every: int) -> Trained:
        """The engine's work on the next epochs, not yet accepted."""
        config, updates = self.settings, self.step_count + np.arange(epochs * self._plan.steps)
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
        """Where the kernel has become ready: the same run by the kernel, from epoch 0 with its whole story, up to here."""
        if self._pinned is not None or self.diverged is not None or not better(self._engine, self._plan):
            return
        twin = Trainer(self.config, "compiled")
        twin.advance(self.epoch)
        if twin.epoch == self.epoch:
            twin._pinned = None
            vars(self).update(vars(twin))

    def _until(self) -> int:
        """The epochs up to the next event of the story."""
        return self.config.story[self._followed][0] - self.epoch if self._followed < len(self.config.story) else MAX_EPOCHS

    def _follow(self) -> bool:
        """The events of the story that are due; whether there were any."""
        before = self._followed
        while self._until() <= 0 and self.diverged is None:
            changes = dict(self.config.story[self._followed][1])
            self._followed += 1
            self._change(
                {name: value for name, value in changes.items() if name in HOT}, {n: v for n, v in changes.items() if n not in HOT}
            )
        return self._followed > before

    def _change(self, settings: Mapping[str, Any], weights: Mapping[str, float]) -> None:
        """Other settings, other weights, at this epoch."""
        anew = settings.get("optimizer", self.settings.optimizer) != self.settings.optimizer
        self.settings = replace(self.settings, **settings)
        if weights:
            theta = self._theta.copy()
            theta[[int(name[1:]) for name in weights]] = [*weights.values()]
            self._theta = _frozen(theta)
        self._plan_for(self.settings, self._engine.name)
        if anew:
            self._state = self._plan.start(self._theta)

    def update_config(self, config: Config) -> None:
        """Go on with other settings of HOT; weights stay, the rest of the story is dropped. SpecError where a new Trainer is needed."""
        if differing(self.config.now, config) <= STOPS:
            stops = {name: getattr(config, name) for name in STOPS}
            self.config, self.settings = replace(self.config, **stops), replace(self.settings, **stops)
            return
        changed = differing(self.settings, config)
        if changed - HOT:
            named = ", ".join(f.name for f in fields(Config) if f.name in changed - HOT)
            raise SpecError(f"A run cannot go on after a change of {named}; start a new Trainer.")
        if changed:
            self._turn({name: getattr(config, name) for name in changed})

    def set_weight(self, index: int, value: float) -> None:
        """Go on with theta[index] = value; SpecError where there is no such weight."""
        self._turn({f"w{index}": value})

    def _turn(self, changes: Mapping[str, Any]) -> None:
        """A change that was not foreseen: it joins the story at this epoch."""
        told = self.config.then(self.epoch, changes)
        self._catch_up()
        self.config, self.diverged = told, None
        self._change({n: v for n, v in changes.items() if n in HOT}, {n: v for n, v in changes.items() if n not in HOT})
        self._followed = len(told.story)

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
            if self._follow() and moments:
                moments[-1] = self._now
            gone = (gone + some) % apart if some < apart else 0
            if moments and (gone == 0 or now >= deadline):
                got += len(moments)
                yield moments

    def _burst(self, frames: int, apart: int, gone: int) -> int:
        """How many epochs to train in one go: whole frames where they fit, else a part of the next one."""
        fit = min(max(1, int(self._epochs_a_second * BURST)), self._most(), self._until())
        if gone == 0 and fit >= apart:
            return min(fit // apart, frames) * apart
        return min(fit, apart - gone)

    def _develop(self, moments: Sequence[Moment]) -> list[Frame]:
        """All frames of a chunk with one stacked forward pass: parameters (K, …), outputs (K, n, 1); surfaces in single precision."""
        stacked = self._stack(np.stack([moment.theta for moment in moments]))
        last, count = f"a{len(self.network.dense)}", len(moments)
        with np.errstate(all="ignore"):
            seen = self._predict(stacked, self._looked_at)
            trained, held, shown = np.split(seen[last], self._parts, axis=1)
            curves, surfaces = self.effect_scaling.undo(shown)[..., 0], np.zeros((count, 0), np.float32)
            if self._grid is None:
                units = self._of_units(seen, slice(self._parts[-1], None, EVERY))
            else:
                rough = self._predict({name: value.astype(np.float32) for name, value in stacked.items()}, self._grid)
                surfaces = self.effect_scaling.undo(rough[last][:, : SURFACE**2, 0]).astype(np.float32)
                units = self._of_units(rough, slice(SURFACE**2, None))
            saturation, state = self._saturation(seen)
            sizes = np.sqrt(np.add.reduceat(np.stack([m.gradient for m in moments]) ** 2, self._layer_starts, axis=1))
            numbers = np.stack(
                [
                    [m.loss for m in moments],
                    self._validation_loss(stacked, seen),
                    self._r2(trained),
                    self._accuracy(trained, self.training_points),
                    self._accuracy(held, self.validation_points),
                    self._peaks(curves),
                ],
                axis=1,
            ).tolist()
        arrays = zip(curves, surfaces, (m.theta for m in moments), sizes, saturation, units, state, strict=True)
        return [Frame(m.epoch, *row, *each) for m, row, each in zip(moments, numbers, arrays, strict=True)]

    def _stack(self, thetas: Array) -> Params:
        """Parameters with a leading axis K; biases as (K, 1, units), so that they add to (K, n, units)."""
        return {
            p.name: thetas[:, p.start : p.end].reshape(len(thetas), *((1, *p.shape) if len(p.shape) == 1 else p.shape))
            for p in self._plan.places
        }

    def _predict(self, stacked: Params, x: Array) -> Values:
        return evaluate(self._forward, {"x": x, **stacked})

    def _r2(self, predicted: Array) -> Array:
        """1 − Σ(ŷ−y)²/Σ(y−ȳ)² (K,); nan where all effects are equal, and for classes."""
        y = self._train["y"]
        if self.config.task == "classification":
            return np.full(len(predicted), np.nan)
        return np.asarray(1.0 - ((predicted - y) ** 2).sum(axis=(1, 2)) / ((y - y.mean()) ** 2).sum())

    def _accuracy(self, predicted: Array, rows: Array) -> Array:
        """The share (K,) of these points on the right side of the middle between both classes; nan for regression."""
        if self.config.task == "regression" or not rows.size:
            return np.full(len(predicted), np.nan)
        right = (self.effect_scaling.undo(predicted) > 0.5) == (self.dataset.y[rows] > 0.5)
        return np.asarray((right & np.isfinite(predicted)).mean(axis=(1, 2)))

    def _peaks(self, curves: Array) -> Array:
        """The dose (K,) of the largest effect, nan where the input is no dose."""
        if math.isnan(self.dataset.optimum):
            return np.full(len(curves), np.nan)
        return np.asarray(self.dataset.curve_x[curves.argmax(axis=1)])

    def _validation_loss(self, stacked: Params, seen: Values) -> Array:
        """The loss (K,) on the points that are held out, as the derivation has it; nan without them."""
        depth, rows, y = len(self.network.dense), slice(*self._parts), self._y[self.validation_points]
        loss, output = LOSSES[self.config.loss], self.network.dense[-1].f.name
        if not len(y):
            return np.full(len(seen["z1"]), np.nan)
        joint = loss.from_z.get(output)
        each = joint[0](y, seen[f"z{depth}"][:, rows]) if joint else loss.value(y, seen[f"a{depth}"][:, rows])
        return np.asarray(each.mean(axis=-1)) + self._penalty(stacked)

    def _penalty(self, stacked: Params) -> Array:
        """l1 Σ|W| + l2 Σ W² (K,)."""
        kernels = [w for name, w in stacked.items() if name.startswith("W")] if self.network.penalised else []
        terms = [self.network.l1 * np.abs(w).sum(axis=(1, 2)) + self.network.l2 * (w * w).sum(axis=(1, 2)) for w in kernels]
        return np.sum(terms, axis=0) if terms else np.zeros(len(stacked["W1"]))

    def _of_units(self, seen: Values, rows: slice) -> Array:
        """The outputs of all hidden units and of the network at some points, as bytes (K, units · points): 128 + 127 a/max|a|."""
        outputs = np.concatenate([seen[f"a{i}"][:, rows].swapaxes(1, 2) for i in range(1, len(self.network.dense) + 1)], axis=1)
        largest = np.abs(outputs).max(axis=(1, 2), keepdims=True)
        shares = np.nan_to_num(outputs / np.where(largest > 0, largest, 1.0))
        return np.asarray((128.5 + 127.0 * shares).astype(np.uint8).reshape(len(outputs), -1))

    def _saturation(self, seen: Values) -> tuple[Array, Array]:
        """The saturated share (K, L−1) of each hidden layer's outputs, and the state (K, units) of each hidden unit."""
        count, rows = len(seen["z1"]), self._parts[0]
        shares, states = [np.zeros((count, 0))], [np.zeros((count, 0), np.uint8)]
        for i, layer in enumerate(self.network.dense[:-1], 1):
            z = seen[f"z{i}"][:, :rows]
            flat = np.add.reduce(saturated(layer.f, z.astype(np.float32)), axis=1, dtype=np.float32) / rows
            shares.append(flat.mean(axis=1, keepdims=True))
            states.append(np.where(flat >= MOSTLY, STUCK, ALIVE).astype(np.uint8))
            if (whole := flat == 1.0).any():
                states[-1][whole] = np.where(layer.f.derivative(z.swapaxes(1, 2)[whole]).any(axis=1), STUCK, DEAD)
        return np.concatenate(shares, axis=1), np.concatenate(states, axis=1)


def saturated(f: Activation, z: Array) -> Array:
    """Where the slope is 0 or, for a bounded activation, below 1 − 0.99² of its steepest: |tanh z| > 0.99, a dead ReLU."""
    if f.slope is None:
        return np.zeros(z.shape, dtype=bool)
    return np.asarray(np.abs(f.derivative(z)) <= (SATURATED * f.steepest if f.saturates else 0.0))


def _frozen(theta: Array) -> Array:
    theta.flags.writeable = False
    return theta
