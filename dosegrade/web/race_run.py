"""A race under way: it answers the browser's questions with as many frames of one lane as of another."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dosegrade.nn.race import frames_together
from dosegrade.nn.training import Frame, Trainer
from dosegrade.web.protocol import ARRAYS, pack
from dosegrade.web.race import LETTERS, Race
from dosegrade.web.session import MOST_EPOCHS, MOST_FRAMES, scene_of, static_header, whole

BUDGET = 0.15  # seconds for half a second of four lanes: with less, a busy machine would make too few frames at a time
LIMIT = 5000
DRAWN = ("curve", "surface")
NOTHING: dict[str, Any] = {name: np.zeros(0, np.float32) for name in ARRAYS}
HIDDEN = {name: empty for name, empty in NOTHING.items() if name not in DRAWN}


class RaceRun:
    """The trainers of a race, and the message that is on its way to the browser; `at` holds the last frames of each epoch."""

    def __init__(self, race: Race, gen: int = 0) -> None:
        self.race, self.gen, self.seq = race, gen, 0
        self.playing, self.shown, self.since, self.fresh = False, 0, 0, True
        self.trainers = [Trainer(lane) for lane in race.lanes]
        first = [[trainer.frame()] for trainer in self.trainers]
        self.at: dict[int, list[Frame | None]] = {}
        self.like = [replace(frame, **HIDDEN) for (frame,) in first]
        self.static = [self._static(number) for number in range(len(self.trainers))]
        self.message = self._publish(first)

    def change(self, race: Race) -> RaceRun:
        """This race, or where it is another one, that from its start: a race is fair only from one start."""
        return self if race == self.race else RaceRun(race, self.gen + 1)

    def restart(self) -> RaceRun:
        """The same race from epoch 0."""
        return RaceRun(self.race, self.gen + 1)

    def answer(self, ask: Mapping[str, Any]) -> None:
        """The browser wants frames. A question that was answered already gets the same message again."""
        self.see(ask)
        if (ask.get("gen"), ask.get("seq")) != (self.gen, self.seq):
            return
        if ask.get("more"):
            self.since = self.epoch
        self.seq, self.fresh = self.seq + 1, False
        count, apart = whole(ask.get("count"), 1, MOST_FRAMES, 30), whole(ask.get("epochs"), 1, MOST_EPOCHS, 1)
        rounds = frames_together(self.trainers, count, apart, BUDGET) if not self.over else [[] for _ in self.trainers]
        self.message = self._publish(rounds)

    def hear(self, event: str, told: Mapping[str, Any]) -> RaceRun:
        """What the browser asks while it plays: `need` for frames."""
        if event == "need":
            self.answer(told)
        return self

    def see(self, told: Mapping[str, Any]) -> None:
        """The browser says whether it plays and which epoch it shows; of an older generation that is no longer so."""
        if told.get("gen") == self.gen:
            self.playing, self.shown = bool(told.get("playing")), whole(told.get("epoch"), 0, 10**9, self.shown)

    @property
    def epoch(self) -> int:
        """The epoch of the lanes that still run."""
        return max(trainer.epoch for trainer in self.trainers)

    @property
    def over(self) -> bool:
        """Whether every lane has diverged."""
        return all(trainer.diverged is not None for trainer in self.trainers)

    def standing(self) -> tuple[int, list[Frame]]:
        """The epoch on the screen, or the nearest that was kept, and each lane's frame there; of a diverged lane its last one."""
        epoch = min(self.at, key=lambda kept: abs(kept - self.shown))
        return epoch, [self._last(lane, epoch) for lane in range(len(self.trainers))]

    def _last(self, lane: int, epoch: int) -> Frame:
        return next(f for kept in sorted(self.at, reverse=True) if kept <= epoch and (f := self.at[kept][lane]) is not None)

    def _publish(self, rounds: Sequence[Sequence[Frame]]) -> bytes:
        light = [[replace(frame, **HIDDEN) for frame in lane] for lane in rounds]
        for lane, frames in enumerate(light):
            for frame in frames:
                self.at.setdefault(frame.epoch, [None] * len(light))[lane] = replace(
                    frame, curve=NOTHING["theta"], surface=NOTHING["theta"]
                )
        self._thin()
        stop = "diverged" if self.over else "limit" if self.epoch - self.since >= LIMIT else ""
        state = {"gen": self.gen, "seq": self.seq, "fresh": self.fresh, "playing": self.playing}
        head = {**state, "stop": stop, "note": self._note(stop), "unlike": self.race.unlike}
        parts = [json.dumps(head).encode(), *(self._lane(number, frames) for number, frames in enumerate(light))]
        return b"".join(struct.pack("<I", len(part)) + part for part in parts)

    def _lane(self, number: int, frames: Sequence[Frame]) -> bytes:
        static, scene = self.static[number]
        header = {**static, "gen": self.gen, "diverged": self.trainers[number].diverged or "", "epoch": self.trainers[number].epoch}
        frames = frames or [self.like[number]]
        self.like[number] = frames[-1]
        return pack(header, scene, frames, frames[-1])

    def _static(self, number: int) -> tuple[dict[str, Any], Mapping[str, Any]]:
        trainer = self.trainers[number]
        kept = ("task", "dimensions", "bounds", "levels", "classes", "optimum", "range", "xLabel", "x2Label", "yLabel", "validated")
        header = {name: value for name, value in static_header(trainer).items() if name in kept}
        scene = {name: values for name, values in scene_of(trainer).items() if name != "maps"}
        return {**header, "letter": LETTERS[number], "label": self.race.label(number)}, scene

    def _note(self, stop: str) -> str:
        if stop == "diverged":
            return "All lanes have diverged: every learning rate here is too large."
        return f"Paused after {self.epoch - self.since:,} epochs. Play goes on." if stop else ""

    def _thin(self) -> None:
        """Of many epochs only every second of the older half is kept, epoch 0 and the last one of each lane always."""
        if len(self.at) > 2000:
            epochs = sorted(self.at)
            for epoch, following in zip(epochs[1:1000:2], epochs[2:1001:2], strict=True):
                if all((frame is None) == (after is None) for frame, after in zip(self.at[epoch], self.at[following], strict=True)):
                    del self.at[epoch]
