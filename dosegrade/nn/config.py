"""A Config says everything that a training run depends on, and refuses in a full sentence what cannot be trained with."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from dosegrade import data as datasets
from dosegrade.data import DATASETS, OWN, SCALINGS, Dataset, Source, features, own
from dosegrade.errors import SpecError
from dosegrade.nn import activations
from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.initializers import INITIALIZERS
from dosegrade.nn.layers import Dense, Dropout, Layer
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.schedules import SCHEDULES

MAX_HIDDEN, MAX_WIDTH = 6, 64
MAX_LEARNING_RATE = 1e6
MAX_PENALTY, MAX_CLIP = 10.0, 1e6
MAX_DECAY_STEPS = 10**6
MAX_EPOCHS = 10**6
STOPS = frozenset({"stop_epochs", "stop_loss", "patience"})
TOLD = frozenset({"learning_rate", "hyper", "optimizer", "batch", "l1", "l2", "clip", "clip_at", "schedule", "decay_steps", "decay_rate"})
HOT = STOPS | TOLD
TASKS = ("regression", "classification")
MAX_WEIGHT, MAX_STORY = 1e6, 200
WEIGHT = re.compile(r"w(0|[1-9]\d{0,6})")
Event = tuple[int, tuple[tuple[str, Any], ...]]
SUITED = {"regression": ("identity", "mean_squared_error"), "classification": ("sigmoid", "binary_crossentropy")}
NEVER_NEGATIVE = frozenset({"sigmoid", "hard_sigmoid", "softplus", "relu", "silu", "gelu"})  # or hardly ever
MARGINS = frozenset({"hinge", "squared_hinge"})


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on. SpecError, in a full sentence, for a value that cannot be trained with.

    `features` that the network is fed, () for the inputs as they are; `own` rows as text and their task, where `data` is own;
    `hidden` units a layer; `activations` one for each hidden layer or one for all; `batch` 0 for the full batch; `validation` the share of
    points held out; `hyper` (name, value) pairs that override the optimizer's defaults; `seed` draws weights, order and masks; `l1`, `l2`
    weigh the penalties; `clip` names a rule of CLIPPINGS with the bound `clip_at`, `schedule` one of SCHEDULES with `decay_steps` updates
    and `decay_rate` (for cosine the share of the learning rate that is left at the end). `stop_epochs`, `stop_loss` and `patience` (epochs
    without a better loss) say when to stop, 0 for never. Classes are always 0 and 1 in the data; `scale_effect` is for regression.

    `story` tells what was changed under way: (epoch, ((name, value), …)) in order, a name a field of TOLD or `w12`, the weight theta[12].
    All other fields say how the run begins.
    """

    data: str = "parabola"
    points: int = 101
    noise: float = 0.0
    data_seed: int = 0
    validation: float = 0.0
    features: tuple[str, ...] = ()
    own: str = ""
    own_task: str = "regression"
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
    l1: float = 0.0
    l2: float = 0.0
    clip: str = "none"
    clip_at: float = 1.0
    schedule: str = "constant"
    decay_steps: int = 100
    decay_rate: float = 0.5
    stop_epochs: int = 0
    stop_loss: float = 0.0
    patience: int = 0
    story: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        _check_own(self)
        _check_names(self)
        _check_fit(self)
        _check_shape(self)
        _check_numbers(self)
        _check_hyper(self)
        _check_story(self)

    @property
    def now(self) -> Config:
        """The settings at the end of the story, told as if the run had begun with them."""
        return next(reversed([*_told(self)]))

    def at(self, epoch: int) -> Config:
        """This run with its story up to and including an epoch."""
        return replace(self, story=tuple(event for event in self.story if event[0] <= epoch))

    def then(self, epoch: int, changes: Mapping[str, Any]) -> Config:
        """This run up to an epoch, and there these changes; changes at one epoch are told as one, unless the optimizer began anew.

        When to stop is no part of the story: it changes nothing in what is learned.
        """
        stops, changes = ({k: v for k, v in changes.items() if (k in STOPS) is which} for which in (True, False))
        if stops:
            return replace(self, **stops).then(epoch, changes)
        if not changes:
            return self.at(epoch)
        before = self.at(epoch).story
        if before and before[-1][0] == epoch and "optimizer" not in {*changes, *dict(before[-1][1])}:
            *earlier, (_, same) = before
            return replace(self, story=(*earlier, (epoch, tuple(sorted({**dict(same), **changes}.items())))))
        return replace(self, story=(*before, (epoch, tuple(sorted(changes.items())))))

    @property
    def source(self) -> Source:
        """Where the data come from."""
        return own.source_of(self.own, self.own_task) if self.data == OWN else DATASETS[self.data]

    @property
    def dataset(self) -> Dataset:
        """The data set that the run is made from."""
        return datasets.sample(self.source, self.points, self.noise, self.data_seed)

    @property
    def task(self) -> str:
        """regression or classification."""
        return self.source.task

    @property
    def signed(self) -> bool:
        """Whether classes are −1 and 1 for the network: where its output can be negative; otherwise they are 0 and 1."""
        return self.task == "classification" and activations.get(self.output).name not in NEVER_NEGATIVE

    @property
    def network(self) -> Network:
        """The network: hidden layers, each followed by dropout where there is any, and one output."""
        names = self.activations * len(self.hidden) if len(self.activations) == 1 else self.activations
        layers: list[Layer] = []
        for units, name in zip(self.hidden, names, strict=True):
            layers.append(Dense(units, name))
            if self.dropout > 0:
                layers.append(Dropout(self.dropout))
        source = self.source
        inputs = len(self.features or source.names) + len(source.others)
        return Network(inputs, (*layers, Dense(1, self.output)), self.loss, float(self.l1), float(self.l2))

    @property
    def held_out(self) -> int:
        """The number of points kept for validation."""
        return round(self.validation * self.points)


def losses_for(task: str) -> tuple[str, ...]:
    """The losses that one output can be trained with."""
    classes = ("binary_crossentropy", "squared_hinge", "hinge") if task == "classification" else ()
    return (*classes, *(name for name, loss in LOSSES.items() if loss.task == "regression"))


def _check_own(config: Config) -> None:
    if config.own_task not in TASKS:
        raise SpecError(f"Found own_task {config.own_task!r}; expected regression or classification. Choose regression for a number.")
    if config.data != OWN:
        object.__setattr__(config, "own", "")
        object.__setattr__(config, "own_task", "regression")
        return
    table = own.read(config.own)
    object.__setattr__(config, "own", table.text)
    object.__setattr__(config, "points", len(table.rows))
    _ = config.source


def _check_names(config: Config) -> None:
    _ = config.source, OPTIMIZERS[config.optimizer], INITIALIZERS[config.initializer]
    _ = CLIPPINGS[config.clip], SCHEDULES[config.schedule]
    features.check(config.source, config.features)
    if config.features == features.base(config.source):
        object.__setattr__(config, "features", ())
    if not isinstance(config.output, str) or activations.get(config.output).name == "softmax":
        raise SpecError(f"Found the output {config.output!r}; expected an activation other than softmax. Choose identity.")
    for field, kind in (("scale_dose", config.scale_dose), ("scale_effect", config.scale_effect)):
        if kind not in SCALINGS:
            raise SpecError(f"Found {field} {kind!r}; expected one of {', '.join(SCALINGS)}. Choose standard if in doubt.")


_SUBJECT = {"classification": "classes", "counts": "counts, which are never negative"}


def _check_fit(config: Config) -> None:
    """Whether loss and output suit the task."""
    loss, output = LOSSES[config.loss], activations.get(config.output).name
    suited = losses_for(config.task)
    if loss.name not in suited:
        subject = "a number" if config.task == "regression" else "one of two classes, told by one output"
        meant = "one output for each class" if config.task == "classification" == loss.task else _SUBJECT[loss.task]
        raise SpecError(
            f"Found the loss {config.loss!r}, which is for {meant}; the target is {subject}. Choose one of {', '.join(suited)}."
        )
    if loss.name == "binary_crossentropy" and output != "sigmoid":
        raise SpecError(
            f"Found the output {config.output!r} with binary_crossentropy, which takes a probability. Choose the output sigmoid."
        )
    if loss.name in MARGINS and output in NEVER_NEGATIVE:
        raise SpecError(
            f"Found the output {config.output!r} with {loss.name}, which wants −1 for one class and 1 for the other. "
            "Choose the output identity or tanh."
        )


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
    _real("the penalty l1", config.l1, 0, MAX_PENALTY, 0.001)
    _real("the penalty l2", config.l2, 0, MAX_PENALTY, 0.001)
    _real("the bound of clipping", config.clip_at, 1e-9, MAX_CLIP, 1)
    _whole("the decay steps", config.decay_steps, 1, MAX_DECAY_STEPS, 100)
    _real("the decay rate", config.decay_rate, 0, 1, 0.5)
    _whole("the batch", config.batch, 0, config.points - config.held_out, 0)
    _whole("the epochs to stop after", config.stop_epochs, 0, MAX_EPOCHS, 1000)
    _real("the loss to stop at", config.stop_loss, 0, 1e6, 0.001)
    _whole("the patience in epochs", config.patience, 0, MAX_EPOCHS, 200)


def _check_hyper(config: Config) -> None:
    hyper = config.hyper
    if not isinstance(hyper, tuple) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in hyper):
        raise SpecError(f'Found the optimizer\'s settings {hyper!r}; expected a tuple of (name, value) pairs, as in (("beta_1", 0.9),).')
    OPTIMIZERS[config.optimizer].settings(dict(hyper))


def _check_story(config: Config) -> None:
    if not isinstance(config.story, tuple):
        raise SpecError(f"Found the story {config.story!r}; expected a tuple of (epoch, changes) pairs.")
    last = 0
    for event in config.story:
        _check_event(event, last)
        last = event[0]
    if config.story:
        _check_weights(config)
        for _ in _told(config):
            pass


def _check_event(event: Any, last: int) -> None:
    if not (isinstance(event, tuple) and len(event) == 2 and isinstance(event[1], tuple)):
        raise SpecError(f"Found {event!r} in the story; expected an epoch and a tuple of (name, value) pairs.")
    _whole("an epoch of the story", event[0], last, MAX_EPOCHS, last)
    for change in event[1]:
        if not (isinstance(change, tuple) and len(change) == 2 and isinstance(change[0], str)):
            raise SpecError(f"Found the change {change!r} in the story; expected a (name, value) pair.")
        if change[0] not in TOLD and not WEIGHT.fullmatch(change[0]):
            raise SpecError(
                f"Found {change[0][:30]!r} changed under way; expected one of {', '.join(sorted(TOLD))}, or a weight such as w12."
            )


def _check_weights(config: Config) -> None:
    parameters = sum(math.prod(shape) for shape in config.network.shapes.values())
    for name, value in (change for _, changes in config.story for change in changes if WEIGHT.fullmatch(change[0])):
        _whole("the number of a weight", int(name[1:]), 0, parameters - 1, 0)
        _real(f"the weight {name}", value, -MAX_WEIGHT, MAX_WEIGHT, 0.5)


def _told(config: Config) -> Iterator[Config]:
    """The settings at the beginning, then after each event of the story; SpecError where one cannot be trained with."""
    now = _with(config, (("story", ()),), "") if config.story else config
    yield now
    for _, changes in config.story:
        known = tuple(change for change in changes if change[0] in TOLD)
        try:
            now = _with(now, known, repr(known))
        except TypeError:  # a value that cannot be hashed: it is refused in words
            now = replace(now, **dict(known))
        yield now


@functools.lru_cache(maxsize=1024)
def _with(config: Config, changes: tuple[tuple[str, Any], ...], told: str) -> Config:
    """As `replace`, remembered: a story is told anew whenever an event joins it. `told` tells True from 1, which are equal."""
    return replace(config, **dict(changes))


def _whole(what: str, value: Any, low: int, high: int, instead: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SpecError(f"Found {value!r} for {what}; expected a whole number from {low} to {high}. Choose for example {instead}.")


def _real(what: str, value: Any, low: float, high: float, instead: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SpecError(f"Found {value!r} for {what}; expected a number from {low:g} to {high:g}. Choose for example {instead:g}.")


def needs_reset(old: Config, new: Config) -> bool:
    """Whether `new` differs from `old` in more than how it learns and when it stops: learning rate and schedule, optimizer, its settings,
    batch, penalties, clipping.
    """
    return bool(differing(old, new) - HOT)


def differing(old: Config, new: Config) -> set[str]:
    """The fields in which two settings differ, the story aside."""
    return {f.name for f in fields(Config) if f.name != "story" and getattr(old, f.name) != getattr(new, f.name)}
