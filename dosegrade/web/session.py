"""A Run is one viewer's training: it answers the browser's questions with frames, and follows changes of the settings.

The browser asks for the next frames before it has shown the last ones, so the server is up to a second ahead of the screen. A run keeps
what it needs to go back to the epoch that the viewer sees.
"""

from __future__ import annotations

import copy
import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dosegrade.data import monotone_r2
from dosegrade.data.features import titles
from dosegrade.nn.training import EVERY, PATCH, Config, Frame, Trainer, needs_reset
from dosegrade.web.protocol import Scene, pack

LOCK = threading.Lock()  # one chunk at a time in the whole process: small NumPy calls of many threads only fight for the interpreter
BUDGET = 0.02
MOST_FRAMES, MOST_EPOCHS = 60, 100
KEPT_FRAMES, KEPT_BYTES, RECENT = 240, 600_000, 64
LIMIT, WINDOW, LEAST_GAIN, FITTED = 5000, 800, 1e-3, 0.99995
SATURATED = 0.5


class Run:
    """A trainer, the frames it last gave out, and the message that is on its way to the browser."""

    def __init__(self, config: Config, gen: int = 0) -> None:
        with LOCK:
            self.trainer = Trainer(config)
            first = self.trainer.frame()
        self.gen, self.seq, self.fresh = gen, 0, True
        self.playing, self.since, self.stop, self.note = False, 0, "", ""
        self.shown = 0
        self.changed_at: int | None = None
        self.kept: dict[int, Frame] = {}
        self.starts: deque[Trainer] = deque(maxlen=4)
        self.scene, self.static = scene_of(self.trainer), static_header(self.trainer)
        self.message = self._publish([first])

    @property
    def config(self) -> Config:
        """What is being trained."""
        return self.trainer.config

    def answer(self, ask: Mapping[str, Any]) -> None:
        """The browser wants frames. A question that was answered already gets the same message again."""
        self.playing = bool(ask.get("playing"))
        self.shown = whole(ask.get("epoch"), 0, 10**9, self.shown)
        if (ask.get("gen"), ask.get("seq")) != (self.gen, self.seq):
            return
        if ask.get("more"):
            self.since, self.stop = self.trainer.epoch, ""
        self.seq += 1
        self.message = self._publish(self._train(whole(ask.get("count"), 1, MOST_FRAMES, 30), whole(ask.get("epochs"), 1, MOST_EPOCHS, 1)))

    def pause(self, told: Mapping[str, Any]) -> None:
        """The browser stands still and says which epoch it shows."""
        if told.get("gen") == self.gen:
            self.playing = False
            self.shown = whole(told.get("epoch"), 0, 10**9, self.shown)
            self.at_tip = bool(told.get("tip", True))

    at_tip = True

    def change(self, config: Config) -> Run:
        """This run with other settings: it goes on where nothing but the learning is concerned; otherwise, and once diverged, a new one."""
        if config == self.config:
            return self
        if needs_reset(self.config, config) or self.trainer.diverged is not None:
            return Run(config, self.gen + 1)
        if not self.playing and self.at_tip:
            self._rewind(self.shown)
        with LOCK:
            self.trainer.update_config(config)
        self.gen, self.seq, self.fresh = self.gen + 1, 0, False
        self.since, self.stop, self.changed_at = self.trainer.epoch, "", self.trainer.epoch
        self.static = static_header(self.trainer)
        self.starts.clear()
        self.message = self._publish(self._train(30, 1) if self.playing else [self.trainer.frame()])
        return self

    def restart(self) -> Run:
        """The same settings from epoch 0."""
        return Run(self.config, self.gen + 1)

    def still(self) -> Frame:
        """The frame that the viewer sees, or the nearest one that was kept."""
        return self.kept[min(self.kept, key=lambda epoch: abs(epoch - self.shown))]

    def past(self) -> list[Frame]:
        """The kept frames up to the one that the viewer sees."""
        last = self.still().epoch
        return [frame for epoch, frame in sorted(self.kept.items()) if epoch <= last]

    def _train(self, count: int, epochs: int) -> list[Frame]:
        if self.trainer.diverged is not None:
            return []
        with LOCK:
            self.starts.append(fork(self.trainer))
            before = self.trainer.epoch
            frames = self.trainer.frames(count, epochs, BUDGET)
        return [frame for frame in frames if frame.epoch > before]

    def _rewind(self, epoch: int) -> None:
        """Back to an epoch that was shown while a later one was computed: from a kept start, the same bits again."""
        start = next((twin for twin in reversed(self.starts) if twin.epoch <= epoch), None)
        if start is None or epoch >= self.trainer.epoch:
            return
        with LOCK:
            self.trainer = fork(start)
            self.trainer.advance(epoch - start.epoch)
        self.kept = {key: frame for key, frame in self.kept.items() if key <= epoch}

    def _publish(self, frames: Sequence[Frame]) -> bytes:
        for frame in frames:
            self.kept[frame.epoch] = frame
        self.kept = thinned(self.kept)
        self._judge()
        header = {**self.static, "gen": self.gen, "seq": self.seq, "fresh": self.fresh, "stop": self.stop, "note": self.note}
        return pack(header, self.scene, frames, next(reversed(self.kept.values())))

    def _judge(self) -> None:
        """Whether there is a reason to stop, and the sentence that tells it."""
        now = next(reversed(self.kept.values()))
        trained = now.epoch - self.since
        self.stop, self.note = "", ""
        if self.trainer.diverged is not None:
            self.stop, self.note = "diverged", f"{self.trainer.diverged} Another learning rate starts again from the first weights."
        elif now.r2 >= FITTED and self.since == 0:
            self.stop, self.note = "fitted", f"Fitted: R² is above 0.9999 after {now.epoch:,} epochs. Play goes on."
        elif trained >= WINDOW and self._gain(now) < LEAST_GAIN:
            self.stop, self.note = "settled", settled(self.trainer, now)
        elif trained >= LIMIT:
            self.stop, self.note = "limit", f"Paused after {trained:,} epochs, the loss still falls. Play goes on."

    def _gain(self, now: Frame) -> float:
        """By which share the loss fell within the last WINDOW epochs."""
        earlier = [frame.loss for epoch, frame in self.kept.items() if epoch <= now.epoch - WINDOW]
        return (earlier[-1] - now.loss) / earlier[-1] if earlier and earlier[-1] > 0 else 1.0


def fork(trainer: Trainer) -> Trainer:
    """A twin that trains on by itself: all state is replaced at each step, except the random generators, which are copied."""
    twin = copy.copy(trainer)
    for name, value in vars(trainer).items():
        if isinstance(value, np.random.Generator):
            setattr(twin, name, copy.deepcopy(value))
    return twin


def thinned(kept: dict[int, Frame]) -> dict[int, Frame]:
    """The first frame, the RECENT last ones and, of those between, every second where there are too many."""
    size = max(1, sum(getattr(next(iter(kept.values())), name).nbytes for name in ("curve", "theta")))
    if len(kept) <= max(RECENT * 2, min(KEPT_FRAMES, KEPT_BYTES // size)):
        return kept
    epochs = list(kept)
    old = epochs[:-RECENT]
    return {epoch: kept[epoch] for epoch in [*old[::2], *epochs[-RECENT:]]}


def whole(value: Any, low: int, high: int, otherwise: int) -> int:
    """A whole number that the browser sent, held within bounds."""
    return min(high, max(low, int(value))) if isinstance(value, int | float) and value == value else otherwise


def is_monotone(config: Config) -> bool:
    """Whether the network is a chain of single units, which can only rise or only fall with the dose (DOMAIN DR-3)."""
    single = bool(config.hidden) and all(units == 1 for units in config.hidden)
    chain = single and not any(name.startswith("maxout") for name in (*config.activations, config.output))
    return chain and config.network.inputs == 1


def settled(trainer: Trainer, frame: Frame) -> str:
    """Why the loss has stopped falling, as far as it can be told."""
    if is_monotone(trainer.config):
        bound = monotone_r2(trainer.dataset.y[trainer.training_points])
        return (
            f"This is as good as it gets: a chain of single units can only rise or only fall with the dose, and no such curve gets past "
            f"R² {bound:.3f} here, however deep the chain. It is at {frame.r2:.3f}. Add a unit."
        )
    if len(frame.saturation) and frame.saturation.max() >= SATURATED:
        return (
            f"The loss no longer falls, and {frame.saturation.max():.0%} of a hidden layer is saturated: on the flat part of its "
            "activation hardly any gradient comes through. Scaled doses or smaller first weights keep units off it."
        )
    return f"The loss no longer falls: less than {LEAST_GAIN:.1%} in {WINDOW} epochs, R² {frame.r2:.3f}. Play goes on."


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
        "learning_rate": trainer.config.learning_rate,
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
