"""A Run is one viewer's training: it answers the browser's questions with frames, and follows changes of the settings.

The browser asks for the next frames before it has shown the last ones, so the server is up to a second ahead of the screen. A run keeps
what it needs to go back to the epoch that the viewer sees.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dosegrade.data import monotone_r2
from dosegrade.data.features import titles
from dosegrade.errors import DosegradeError
from dosegrade.nn.config import MAX_WEIGHT, STOPS, differing
from dosegrade.nn.training import DEAD, EVERY, PATCH, Config, Frame, Trainer, needs_reset
from dosegrade.web.arithmetic import Arithmetic, arithmetic
from dosegrade.web.protocol import ARRAYS, Scene, pack

BUDGET = 0.02
MOST_FRAMES, MOST_EPOCHS = 60, 100
FIRST = 12  # frames after a change: few, so that the first is there soon
KEPT_FRAMES, KEPT_BYTES, RECENT = 240, 600_000, 64
LIMIT, WINDOW, LEAST_GAIN, FITTED, ROOM = 5000, 800, 1e-3, 0.99995, 0.01
STRIDE = 200
BENDS_BACK = ("maxout", "silu", "swish", "gelu")  # activations that fall and rise, or may
SATURATED = 0.5


class Run:
    """A trainer, the frames it last gave out, and the message that is on its way to the browser."""

    def __init__(self, config: Config, gen: int = 0) -> None:
        self.trainer = Trainer(config)
        first = self.trainer.frame()
        self.gen, self.seq, self.fresh = gen, 0, True
        self.playing, self.since, self.stop, self.note = False, 0, "", ""
        self.shown = 0
        self.changed_at: int | None = None
        self.kept: dict[int, Frame] = {}
        self.starts: deque[Trainer] = deque(maxlen=4)
        self.best = first
        self.gone_on = 0
        self.scene, self.static = scene_of(self.trainer), static_header(self.trainer)
        self.message = self._publish([first])

    @property
    def config(self) -> Config:
        """What is being trained, with the story of what was changed under way."""
        return self.trainer.config

    def answer(self, ask: Mapping[str, Any]) -> None:
        """The browser wants frames. A question that was answered already gets the same message again."""
        self.see(ask)
        if (ask.get("gen"), ask.get("seq")) != (self.gen, self.seq):
            return
        if ask.get("more"):
            self._start_counting()
            self.gone_on = self.trainer.epoch
        self.seq += 1
        self.message = self._publish(self._train(whole(ask.get("count"), 1, MOST_FRAMES, 30), whole(ask.get("epochs"), 1, MOST_EPOCHS, 1)))

    def hear(self, event: str, told: Mapping[str, Any]) -> Run:
        """What the browser asks while it plays: `need` for frames, `rate` for another learning rate; the run to go on with."""
        if event == "need":
            self.answer(told)
        if event == "rate":
            self.see(told)
            rate: Any = told.get("rate")
            with contextlib.suppress(DosegradeError):
                return self.change(replace(self.config.now, learning_rate=rate))
        return self

    def see(self, told: Mapping[str, Any]) -> None:
        """The browser says whether it plays and which epoch it shows; of an older generation that is no longer so."""
        if told.get("gen") == self.gen:
            self.playing = bool(told.get("playing"))
            self.shown = whole(told.get("epoch"), 0, 10**9, self.shown)
            self.at_tip = bool(told.get("tip", True))

    at_tip = True

    def change(self, config: Config) -> Run:
        """This run with other settings: it goes on where nothing but the learning is concerned; otherwise, and once diverged, a new one.

        A config with a story of its own is another run, unless it is this one.
        """
        if config in (self.config, self.config.now):
            return self
        if config.story or needs_reset(self.config, config):
            return Run(config, self.gen + 1)
        if not self.playing and self.at_tip and self.shown < self.trainer.epoch:
            self._rewind(self.shown)
        if self.trainer.diverged is not None:
            return Run(config, self.gen + 1)
        if self.trainer.epoch == 0 and not self.config.story:  # nothing has happened yet that a story could tell
            return Run(config, self.gen + 1)
        if differing(config, self.config.now) & STOPS:
            self.gone_on = 0
        self.trainer.update_config(config)
        self._turned()
        self.message = self._publish([self.trainer.frame(), *(self._train(FIRST, 1) if self.playing else [])])
        return self

    def edit(self, told: Mapping[str, Any]) -> str | None:
        """Set theta[index] to a value at the epoch that the viewer sees; a sentence where that cannot be, and nothing changes."""
        if told.get("gen") != self.gen:
            return None
        index, value = told.get("index"), told.get("value")
        if not isinstance(index, int) or not 0 <= index < len(self.best.theta):
            return f"Found no weight number {str(index)[:20]}; this network has {len(self.best.theta)}. Click one in the picture."
        if not isinstance(value, int | float) or not abs(value) <= MAX_WEIGHT:
            return f"Found {str(value)[:20]!r} for a weight; expected a number of at most {MAX_WEIGHT:,.0f}. The weight stays as it was."
        self.shown = whole(told.get("epoch"), 0, self.trainer.epoch, self.shown)
        settings = self.config.now
        self._rewind(self.shown)
        self.trainer.update_config(settings)
        self.trainer.set_weight(index, float(value))
        self._turned()
        self.message = self._publish([self.trainer.frame()])
        return None

    def arithmetic(self, ask: Mapping[str, Any]) -> Arithmetic | None:
        """The sum that a unit does at a training point, at the epoch that the viewer sees; None where there is no such unit."""
        layers = self.trainer.network.dense
        layer, unit, point = (ask.get(name) for name in ("layer", "unit", "point"))
        if not (isinstance(layer, int) and isinstance(unit, int) and isinstance(point, int) and 1 <= layer <= len(layers)):
            return None
        if not (0 <= unit < layers[layer - 1].units and 0 <= point < len(self.trainer.training_points)):
            return None
        frame = self._nearest(whole(ask.get("epoch"), 0, 10**9, self.shown))
        return arithmetic(self.trainer, frame.theta, frame.epoch, layer, unit, point)

    def restart(self) -> Run:
        """The settings as they are now, from epoch 0."""
        return Run(self.config.now, self.gen + 1)

    def still(self) -> Frame:
        """The frame that the viewer sees, or the nearest one that was kept."""
        return self._nearest(self.shown)

    def past(self) -> list[Frame]:
        """The kept frames up to the one that the viewer sees."""
        last = self.still().epoch
        return [frame for epoch, frame in sorted(self.kept.items()) if epoch <= last]

    def _nearest(self, epoch: int) -> Frame:
        kept = self.kept  # which another thread may replace
        return kept[min(kept, key=lambda one: abs(one - epoch))]

    def _turned(self) -> None:
        """After a change under way: what was on its way to the browser is out of date."""
        self.gen, self.seq, self.fresh = self.gen + 1, 0, False
        self.changed_at = self.shown = self.trainer.epoch
        self.at_tip = True
        self._start_counting()
        self.static = static_header(self.trainer)
        self.starts.clear()

    def _start_counting(self) -> None:
        """Progress is judged from here on."""
        self.since, self.stop = self.trainer.epoch, ""
        self.best = self.trainer.frame()

    def _train(self, count: int, epochs: int) -> list[Frame]:
        """The next frames, up to one where the settings say stop; to that the trainer goes back."""
        if self.trainer.diverged is not None:
            return []
        before, goal = self.trainer.epoch, self.trainer.settings.stop_epochs
        if goal:
            left = goal - (before - self.gone_on) % goal
            epochs = min(epochs, left)
            count = min(count, left // epochs)
        self.starts.append(fork(self.trainer))
        frames = [frame for frame in self.trainer.frames(count, epochs, BUDGET) if frame.epoch > before]
        for number, frame in enumerate(frames, 1):
            if self._told_to_stop(frame):
                self._rewind(frame.epoch)
                return frames[:number]
        return frames

    def _told_to_stop(self, frame: Frame) -> bool:
        """Whether the settings say that a run ends here; the sentence that tells why becomes the note."""
        settings, held = self.trainer.settings, not math.isnan(frame.validation_loss)
        if judged(frame) < judged(self.best):
            self.best = frame
        self.stop, self.note = "", ""
        if settings.stop_epochs and (frame.epoch - self.gone_on) % settings.stop_epochs == 0:
            again = f"Play trains {settings.stop_epochs:,} more."
            self.stop, self.note = (
                "epochs",
                f"Stopped after {frame.epoch:,} epochs, as the settings say, at a loss of {frame.loss:.4g}. {again}",
            )
        elif settings.stop_loss and frame.loss <= settings.stop_loss and not self.gone_on:
            target = f"The loss is {frame.loss:.4g} in epoch {frame.epoch:,}: the target {settings.stop_loss:g} is reached."
            self.stop, self.note = "target", f"{target} Play goes on."
        elif settings.patience and frame.epoch - self.best.epoch >= settings.patience:
            which = "loss on the points held out" if held else "loss"
            best = f"the best was {judged(self.best):.4g} in epoch {self.best.epoch:,}"
            self.stop, self.note = "patience", f"No better {which} for {settings.patience:,} epochs; {best}. Play goes on."
        return bool(self.stop)

    def _rewind(self, epoch: int) -> None:
        """Back to an epoch that was shown: from a kept start, or from epoch 0 with the whole story, the same bits again."""
        if epoch >= self.trainer.epoch and self.trainer.diverged is None:
            return
        start = next((twin for twin in reversed(self.starts) if twin.epoch <= epoch), None)
        told = self.config.at(epoch)
        self.trainer = fork(start) if start is not None else Trainer(told)
        while self.trainer.epoch < epoch and self.trainer.diverged is None:
            self.trainer.advance(min(STRIDE, epoch - self.trainer.epoch))
        self.kept = {key: frame for key, frame in self.kept.items() if key <= epoch}

    def _publish(self, frames: Sequence[Frame]) -> bytes:
        frames = frames or [self.trainer.frame()]
        self.kept = thinned(self.kept | {frame.epoch: apart(frame) for frame in frames})
        if not self.stop:
            self._judge()
        said = {"stop": self.stop, "note": self.note, "learning_rate": self.trainer.settings.learning_rate}
        header = {**self.static, "gen": self.gen, "seq": self.seq, "fresh": self.fresh, "playing": self.playing, **said}
        return pack(header, self.scene, frames, frames[-1])

    def _judge(self) -> None:
        """Whether there is a reason to stop, and the sentence that tells it; what the settings say about stopping comes first."""
        now, settings = next(reversed(self.kept.values())), self.trainer.settings
        trained, ruled = now.epoch - self.since, settings.stop_epochs or settings.stop_loss or settings.patience
        self.stop, self.note = "", ""
        if self.trainer.diverged is not None:
            self.stop, self.note = "diverged", f"{self.trainer.diverged} Another learning rate starts again from the first weights."
        elif fitted(now) and self.since == 0 and not ruled:
            what = "R² is above 0.9999" if now.r2 >= FITTED else "every point is well on its side"
            self.stop, self.note = "fitted", f"Fitted: {what} after {now.epoch:,} epochs. Play goes on."
        elif trained >= WINDOW and self._gain(now) < LEAST_GAIN and not settings.patience:
            self.stop, self.note = "settled", settled(self.trainer, now)
        elif trained >= LIMIT and not settings.stop_epochs:
            self.stop, self.note = "limit", f"Paused after {trained:,} epochs, the loss still falls. Play goes on."

    def _gain(self, now: Frame) -> float:
        """By which share the loss fell within the last WINDOW epochs."""
        earlier = [frame.loss for epoch, frame in self.kept.items() if epoch <= now.epoch - WINDOW]
        return (earlier[-1] - now.loss) / earlier[-1] if earlier and earlier[-1] > 0 else 1.0


def judged(frame: Frame) -> float:
    """The loss that patience looks at: that of the points held out, where there are any."""
    return frame.loss if math.isnan(frame.validation_loss) else frame.validation_loss


def fitted(frame: Frame) -> bool:
    """Whether nothing is left to learn."""
    return frame.r2 >= FITTED or (frame.accuracy == 1.0 and frame.loss <= ROOM)


def fork(trainer: Trainer) -> Trainer:
    """A twin that trains on by itself: all state is replaced at each step, except the random generators, which are copied."""
    twin = copy.copy(trainer)
    for name, value in vars(trainer).items():
        if isinstance(value, np.random.Generator):
            setattr(twin, name, copy.deepcopy(value))
    return twin


def apart(frame: Frame) -> Frame:
    """The same frame in arrays of its own: as views they would keep the whole chunk in memory."""
    return replace(frame, **{name: getattr(frame, name).copy() for name in ARRAYS})


def thinned(kept: dict[int, Frame]) -> dict[int, Frame]:
    """The first frame, the RECENT last ones and, of those between, every second where there are too many."""
    size = max(1, sum(getattr(next(iter(kept.values())), name).nbytes for name in ARRAYS))
    if len(kept) <= max(RECENT + MOST_FRAMES, min(KEPT_FRAMES, KEPT_BYTES // size)):
        return kept
    epochs = list(kept)
    old = epochs[:-RECENT]
    return {epoch: kept[epoch] for epoch in [*old[::2], *epochs[-RECENT:]]}


def whole(value: Any, low: int, high: int, otherwise: int) -> int:
    """A whole number that the browser sent, held within bounds."""
    return int(min(high, max(low, value))) if isinstance(value, int | float) and value == value else otherwise


def is_monotone(config: Config) -> bool:
    """Whether the network is a chain of single units, which can only rise or only fall with its input (DOMAIN DR-3)."""
    single = bool(config.hidden) and all(units == 1 for units in config.hidden)
    chain = single and not any(name.startswith(BENDS_BACK) for name in (*config.activations, config.output))
    return chain and config.network.inputs == 1 and config.features in ((), ("x_cubed",)) and config.task == "regression"


def settled(trainer: Trainer, frame: Frame) -> str:
    """Why the loss has stopped falling, as far as it can be told."""
    fit = f"the accuracy is {frame.accuracy:.1%}" if trainer.config.task == "classification" else f"R² is {frame.r2:.3f}"
    if is_monotone(trainer.config):
        bound, what = monotone_r2(trainer.dataset.y[trainer.training_points]), titles(trainer.dataset.source, ())[0]
        return (
            f"This is as good as it gets: a chain of single units can only rise or only fall with the {what}, and no such curve gets past "
            f"R² {bound:.3f} here, however deep the chain. It is at {frame.r2:.3f}. Add a unit."
        )
    if (dead := int((frame.state == DEAD).sum())) and 2 * dead >= len(frame.state):
        return (
            f"The loss no longer falls, {fit}, and {dead} of {len(frame.state)} hidden units are dead: at none of the points have they a "
            "slope, so nothing reaches their weights. A smaller learning rate, other first weights or a leaky ReLU keep units alive."
        )
    if len(frame.saturation) and frame.saturation.max() >= SATURATED:
        return (
            f"The loss no longer falls, and {frame.saturation.max():.0%} of a hidden layer is saturated: on the flat part of its "
            "activation hardly any gradient comes through. Scaled inputs or smaller first weights keep units off it."
        )
    return f"The loss no longer falls: less than {LEAST_GAIN:.1%} in {WINDOW} epochs; {fit}. Play goes on."


def scene_of(trainer: Trainer) -> Scene:
    """Points that are trained on and points that are held out, what each input of the network is over the picture, and the true curve."""
    data, kept, held = trainer.dataset, trainer.training_points, trainer.validation_points
    axes = ("x", "x2")[: data.dimensions]
    scene: dict[str, Any] = {}
    for before, rows in (("", kept), ("held_", held)):
        scene |= {before + axis: data.x[rows, k] for k, axis in enumerate(axes)} | {f"{before}y": data.y[rows, 0]}
    patch = data.grid(PATCH) if data.dimensions == 2 else data.curve_inputs[::EVERY]
    fed = trainer.inputs(patch)
    largest = np.abs(fed).max(axis=0)
    scene["maps"] = np.floor(128.5 + 127.0 * fed / np.where(largest > 0, largest, 1.0)).T.ravel()
    if data.dimensions == 1:
        scene["curve"] = data.curve_x
        if np.isfinite(data.curve_truth).all():
            scene["truth"] = data.curve_truth
    return scene


def static_header(trainer: Trainer) -> dict[str, Any]:
    """What the browser has to know about a run beside the numbers."""
    data, network, source = trainer.dataset, trainer.network, trainer.dataset.source
    names = [*source.names, *source.names][:2]
    return {
        "task": data.task,
        "dimensions": data.dimensions,
        "sizes": [network.inputs, *(layer.units for layer in network.dense)],
        "places": places(trainer),
        "activations": [layer.f.name.replace("_", " ") for layer in network.dense],
        "features": titles(source, trainer.config.features),
        "patch": PATCH**2 if data.dimensions == 2 else len(data.curve_x[::EVERY]),
        "bounds": dict(zip(("x1", "x2"), source.bounds, strict=False)),
        "levels": list(source.span),
        "classes": list(source.classes),
        "optimum": None if math.isnan(data.optimum) else data.optimum,
        "range": vertical(trainer),
        "xLabel": names[0],
        "x2Label": names[1],
        "yLabel": source.target,
        "validated": bool(trainer.validation_points.size),
    }


def places(trainer: Trainer) -> list[dict[str, int]]:
    """Where each layer's weights and biases start in theta; weights stand in rows of `wide`, a row an input."""
    found, at = [], 0
    for name, shape in trainer.network.shapes.items():
        if name.startswith("W"):
            found.append({"weights": at, "biases": at + math.prod(shape), "wide": shape[1]})
        at += math.prod(shape)
    return found


def vertical(trainer: Trainer) -> list[float]:
    """The range of the target's axis, with some room; a dose's effect starts at 0."""
    data = trainer.dataset
    seen: Any = data.y.ravel()
    if data.task == "classification":
        seen = np.append(seen, data.source.span)
    elif not math.isnan(data.optimum):
        seen = np.append(seen, 0.0)
    if data.dimensions == 1 and np.isfinite(data.curve_truth).all():
        seen = np.append(seen, data.curve_truth)
    room = 0.08 * float(np.ptp(seen))
    return [float(seen.min()) - room, float(seen.max()) + room]
