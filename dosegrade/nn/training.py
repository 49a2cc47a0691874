"""Training, seen live: a Config says what is trained, a Trainer trains it epoch by epoch, a Frame is what one moment looks like.

Gradients come from the one derivation, `Network.steps`; equal configurations and equal numbers of epochs give equal bits, however the
epochs were cut into frames.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade import data as datasets
from dosegrade.data import SCALINGS, Dataset, Scaling
from dosegrade.errors import SpecError
from dosegrade.nn import activations
from dosegrade.nn.activations import Activation
from dosegrade.nn.initializers import INITIALIZERS, initialize
from dosegrade.nn.layers import Dense, Dropout, Layer
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network, Params
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.registry import Registry
from dosegrade.steps import Steps, Values, evaluate, needed

Array = NDArray[Any]

MAX_HIDDEN, MAX_WIDTH = 6, 64
MAX_LEARNING_RATE = 1e6
MAX_LOSS = 1e12
SATURATED = 1.0 - 0.99**2
HOT = frozenset({"learning_rate", "hyper", "optimizer", "batch"})


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on. SpecError, in a full sentence, for a value that cannot be trained with.

    `hidden` units a layer; `activations` one for each hidden layer or one for all; `batch` 0 for the full batch; `validation` the share of
    points held out; `hyper` (name, value) pairs that override the optimizer's defaults; `seed` draws weights, order and masks.
    """

    data: str = "parabola"
    points: int = 101
    noise: float = 0.0
    data_seed: int = 0
    validation: float = 0.0
    hidden: tuple[int, ...] = (8,)
    activations: tuple[str, ...] = ("tanh",)
    output: str = "identity"
    loss: str = "mean_squared_error"
    optimizer: str = "adam"
    hyper: tuple[tuple[str, float], ...] = ()
    learning_rate: float = 0.05
    batch: int = 0
    seed: int = 0
    initializer: str = "glorot_uniform"
    scale_dose: str = "standard"
    scale_effect: str = "standard"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _check_names(self)
        _check_shape(self)
        _check_numbers(self)
        _check_hyper(self)

    @property
    def dataset(self) -> Dataset:
        """The data set that the run is made from."""
        return datasets.make(self.data, self.points, self.noise, self.data_seed)

    @property
    def network(self) -> Network:
        """The network: hidden layers, each followed by dropout where there is any, and one output."""
        names = self.activations * len(self.hidden) if len(self.activations) == 1 else self.activations
        layers: list[Layer] = []
        for units, name in zip(self.hidden, names, strict=True):
            layers.append(Dense(units, name))
            if self.dropout > 0:
                layers.append(Dropout(self.dropout))
        inputs = 1 + len(datasets.DATASETS[self.data].others)
        return Network(inputs, (*layers, Dense(1, self.output)), self.loss)

    @property
    def held_out(self) -> int:
        """The number of points kept for validation."""
        return round(self.validation * self.points)


def _check_names(config: Config) -> None:
    _ = datasets.DATASETS[config.data], OPTIMIZERS[config.optimizer], INITIALIZERS[config.initializer]
    if LOSSES[config.loss].task != "regression":
        suited = ", ".join(name for name, loss in LOSSES.items() if loss.task == "regression")
        raise SpecError(f"Found the loss {config.loss!r}, which is for classes; an effect is a number. Choose one of {suited}.")
    if not isinstance(config.output, str) or activations.get(config.output).name == "softmax":
        raise SpecError(f"Found the output {config.output!r}; expected an activation other than softmax. Choose identity.")
    for field, kind in (("scale_dose", config.scale_dose), ("scale_effect", config.scale_effect)):
        if kind not in SCALINGS:
            raise SpecError(f"Found {field} {kind!r}; expected one of {', '.join(SCALINGS)}. Choose standard if in doubt.")


def _check_shape(config: Config) -> None:
    hidden, names = config.hidden, config.activations
    if not isinstance(hidden, tuple) or len(hidden) > MAX_HIDDEN:
        raise SpecError(f"Found the hidden layers {hidden!r}; expected a tuple of at most {MAX_HIDDEN} widths, for example (8, 8).")
    for units in hidden:
        _whole("the width of a hidden layer", units, 1, MAX_WIDTH, 8)
    if not isinstance(names, tuple) or len(names) not in {1, len(hidden)} or not all(isinstance(name, str) for name in names):
        raise SpecError(f"Found the activations {names!r} for {len(hidden)} hidden layers; name one for all or one for each.")
    for name in names:
        if activations.get(name).name == "softmax":
            raise SpecError("Found softmax in a hidden layer; it belongs to the output of a classifier. Choose for example tanh.")


def _check_numbers(config: Config) -> None:
    _whole("the number of points", config.points, datasets.MIN_POINTS, datasets.MAX_POINTS, 101)
    _real("the noise", config.noise, 0, datasets.MAX_NOISE, 0)
    _real("the share of points for validation", config.validation, 0, 0.5, 0.2)
    _whole("the data seed", config.data_seed, 0, 2**32 - 1, 0)
    _whole("the seed", config.seed, 0, 2**32 - 1, 0)
    _real("the dropout rate", config.dropout, 0, 0.9, 0.2)
    _real("the learning rate", config.learning_rate, 0, MAX_LEARNING_RATE, 0.05)
    if config.learning_rate == 0:
        raise SpecError("Found the learning rate 0, with which nothing is learned; expected a number above 0. Choose for example 0.05.")
    _whole("the batch", config.batch, 0, config.points - config.held_out, 0)


def _check_hyper(config: Config) -> None:
    hyper = config.hyper
    if not isinstance(hyper, tuple) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in hyper):
        raise SpecError(f'Found the optimizer\'s settings {hyper!r}; expected a tuple of (name, value) pairs, as in (("beta_1", 0.9),).')
    OPTIMIZERS[config.optimizer].settings(dict(hyper))


def _whole(what: str, value: Any, low: int, high: int, instead: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SpecError(f"Found {value!r} for {what}; expected a whole number from {low} to {high}. Choose for example {instead}.")


def _real(what: str, value: Any, low: float, high: float, instead: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SpecError(f"Found {value!r} for {what}; expected a number from {low:g} to {high:g}. Choose for example {instead:g}.")


def needs_reset(old: Config, new: Config) -> bool:
    """Whether `new` differs from `old` in more than learning rate, optimizer, its settings and batch size."""
    return any(getattr(old, f.name) != getattr(new, f.name) for f in fields(Config) if f.name not in HOT)


@dataclass(frozen=True)
class Frame:
    """One moment of training. `loss` and `validation_loss` in scaled units (nan without held-out points), `r2` on the training points.

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
class _Moment:
    """What a frame is made from: parameters, and loss and gradient of all training points there."""

    epoch: int
    theta: Array
    loss: float
    gradient: Array


class Trainer:
    """One run: `advance` trains, `frame` and `frames` show, `update_config` changes learning rate, optimizer or batch under way.

    `diverged` is None, or sentences that explain once the loss passed 10¹² or is no number; parameters then stay at the epoch before.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.network = config.network
        self.dataset = config.dataset
        self.epoch = 0
        self.step_count = 0
        self.diverged: str | None = None
        self._split_and_scale()
        self._derive()
        self._order = np.random.default_rng([config.seed, 1])
        self._masks = np.random.default_rng([config.seed, 2])
        first = initialize(self.network, config.initializer, config.seed)
        self._theta = _frozen(np.concatenate([value.ravel() for value in first.values()]))
        self._restart_optimizer()
        self._seconds_a_frame = 0.0
        with np.errstate(all="ignore"):
            self._now = self._moment()

    @property
    def params(self) -> Params:
        """The current parameters, read-only views of `theta`."""
        return self._views(self._theta)

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

    def _derive(self) -> None:
        """The parts of the one derivation that are needed, picked once."""
        network, depth = self.network, len(self.network.dense)
        names = network.shapes
        self._grads = tuple(f"d{name}" for name in names)
        self._full = needed(network.steps(), {"loss", *self._grads})
        self._learning = needed(network.steps(training=bool(network.dropout)), set(self._grads))
        self._forward: Steps = needed(network.steps(), {f"a{depth}"})
        ends = np.cumsum([math.prod(shape) for shape in names.values()])
        self._places = [(n, int(e) - math.prod(s), int(e), s) for (n, s), e in zip(names.items(), ends, strict=True)]
        self._layer_starts = np.array([start for name, start, _, _ in self._places if name.startswith("W")])

    def _restart_optimizer(self) -> None:
        self._optimizer = OPTIMIZERS[self.config.optimizer]
        self._state = self._optimizer.init({"theta": self._theta})
        self._settings = self._optimizer.settings(dict(self.config.hyper))

    def _views(self, theta: Array) -> Params:
        return {name: theta[start:end].reshape(shape) for name, start, end, shape in self._places}

    def _flat(self, values: Values) -> Array:
        return np.concatenate([values[name].ravel() for name in self._grads])

    def _moment(self) -> _Moment:
        """Loss and gradient of all training points at the current parameters."""
        values = evaluate(self._full, {**self._train, **self._views(self._theta)})
        return _Moment(self.epoch, self._theta, float(values["loss"]), self._flat(values))

    def advance(self, epochs: int = 1) -> None:
        """Train for so many passes over the training points; does nothing once diverged."""
        with np.errstate(all="ignore"):
            for _ in range(epochs):
                if self.diverged is None:
                    self._epoch()

    def _epoch(self) -> None:
        theta, state, steps = self._theta, self._state, self.step_count
        for gradient in self._gradients():
            self._step(gradient)
        self.epoch += 1
        now = self._moment()
        if now.loss <= MAX_LOSS and np.isfinite(self._theta).all() and np.isfinite(now.gradient).all():
            self._now = now
            return
        self.epoch, self._theta, self._state, self.step_count = self.epoch - 1, theta, state, steps
        self.diverged = (
            f"The loss grew beyond all bounds in epoch {self.epoch + 1}: with {self.config.optimizer} the learning rate "
            f"{self.config.learning_rate:g} is too large, so each step overshoots and lands higher than it started. "
            f"Try {self.config.learning_rate / 10:g}. Shown is the epoch before."
        )

    def _gradients(self) -> Iterator[Array]:
        """The gradient of each batch in turn, at the parameters of that moment; the last batch may be smaller."""
        size, n = self.config.batch, len(self.training_points)
        if not 0 < size < n:
            yield self._batch_gradient(self._train) if self.network.dropout else self._now.gradient
            return
        order = self._order.permutation(n)
        for start in range(0, n, size):
            rows = order[start : start + size]
            yield self._batch_gradient({name: value[rows] for name, value in self._train.items()})

    def _batch_gradient(self, batch: Mapping[str, Array]) -> Array:
        masks = {
            f"mask{i}": (self._masks.random((len(batch["x"]), self.network.dense[i - 1].units)) >= rate).astype(float)
            for i, rate in self.network.dropout.items()
        }
        return self._flat(evaluate(self._learning, {**batch, **masks, **self._views(self._theta)}))

    def _step(self, gradient: Array) -> None:
        updated, self._state = self._optimizer.update(
            {"theta": gradient}, self._state, {"theta": self._theta}, self.config.learning_rate, **self._settings
        )
        self._theta = _frozen(updated["theta"])
        self.step_count += 1

    def update_config(self, config: Config) -> None:
        """Go on with another learning rate, batch size, optimizer or settings; weights stay. SpecError where a new Trainer is needed."""
        if needs_reset(self.config, config):
            changed = [f.name for f in fields(Config) if f.name not in HOT and getattr(self.config, f.name) != getattr(config, f.name)]
            raise SpecError(f"A run cannot go on after a change of {', '.join(changed)}; start a new Trainer.")
        if config == self.config:
            return
        renamed = OPTIMIZERS[config.optimizer] is not self._optimizer
        self.config, self.diverged = config, None
        if renamed:
            self._restart_optimizer()
        self._settings = self._optimizer.settings(dict(config.hyper))

    def frame(self) -> Frame:
        """The current moment."""
        return self._develop([self._now])[0]

    def _moments(self, epochs_per_frame: int, deadline: float) -> Iterator[_Moment]:
        """Moments so many epochs apart, until diverged; one comes early where the `deadline` of perf_counter passes."""
        while self.diverged is None:
            for _ in range(epochs_per_frame):
                self.advance()
                if time.perf_counter() >= deadline:
                    break
            if self.diverged is None:
                yield self._now

    def frames(self, count: int, epochs_per_frame: int = 1, budget_seconds: float = 0.02) -> list[Frame]:
        """At most `count` frames, fewer where the time is over or the run diverged, at least one."""
        deadline = time.perf_counter() + budget_seconds
        moments: list[_Moment] = []
        for moment in self._moments(epochs_per_frame, deadline):
            moments.append(moment)
            still_to_draw = (len(moments) + 1) * self._seconds_a_frame
            if len(moments) >= count or time.perf_counter() + still_to_draw >= deadline:
                break
        start = time.perf_counter()
        drawn = self._develop(moments or [self._now])
        self._seconds_a_frame = (time.perf_counter() - start) / len(drawn)
        return drawn

    def _develop(self, moments: Sequence[_Moment]) -> list[Frame]:
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
            name: thetas[:, start:end].reshape(len(thetas), *((1, *shape) if len(shape) == 1 else shape))
            for name, start, end, shape in self._places
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
        return np.asarray(LOSSES[self.config.loss].value(self._y[held], predicted).mean(axis=-1))

    def _saturation(self, seen: Values) -> Array:
        """The share (K, L−1) of each hidden layer's outputs that are saturated."""
        shares = [saturated(layer.f, seen[f"z{i}"]).mean(axis=(1, 2)) for i, layer in enumerate(self.network.dense[:-1], 1)]
        return np.stack(shares, axis=1) if shares else np.zeros((len(seen[f"a{len(self.network.dense)}"]), 0))


def saturated(f: Activation, z: Array) -> Array:
    """Where the slope is 0 or, for a bounded activation, below 1 − 0.99² of its steepest: |tanh z| > 0.99, a dead ReLU."""
    if f.slope is None:
        return np.zeros(z.shape, dtype=bool)
    return np.asarray(f.derivative(z) <= (SATURATED * f.steepest if f.saturates else 0.0))


def _frozen(theta: Array) -> Array:
    theta.flags.writeable = False
    return theta


@dataclass(frozen=True)
class Preset:
    """A run worth seeing: its title, why it is worth seeing, and its configuration."""

    name: str
    title: str
    why: str
    config: Config


PRESETS: Registry[Preset] = Registry(
    "preset",
    {
        preset.name: preset
        for preset in (
            Preset(
                "default",
                "A good first run",
                "Eight tanh units and standardised numbers: R² passes 0.99 after about 50 epochs and the peak settles at 50 mg.",
                Config(),
            ),
            Preset(
                "monotone",
                "One unit a layer cannot bend back",
                "A chain of single units with monotone activations rises or falls with the dose, never both. Whatever its weights, R² on "
                "the parabola stays at or below 47/128 ≈ 0.367, and the best dose that it names is an end of the range.",
                Config(hidden=(1, 1), seed=5),
            ),
            Preset(
                "two-units",
                "One unit more makes the peak",
                "The same network with a second unit in the first layer: one can rise while the other falls. R² passes 0.99 after about "
                "60 epochs.",
                Config(hidden=(2, 1), seed=5),
            ),
            Preset(
                "raw-dose",
                "The dose fed in raw",
                "Doses up to 100 drive nine in ten tanh outputs to ±1 at the start, where the slope is almost 0. After 600 epochs R² is "
                "still below 0.4; only the scaling of the dose differs from the good first run.",
                Config(scale_dose="none"),
            ),
            Preset(
                "diverges",
                "Steps that are too large",
                "Plain gradient descent with the learning rate 0.8: each step lands higher on the other side of the valley, until the loss "
                "leaves all bounds within about 25 epochs. Then try 0.08.",
                Config(optimizer="sgd", learning_rate=0.8, seed=2),
            ),
        )
    },
)
