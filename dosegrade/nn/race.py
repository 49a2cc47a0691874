"""A race: several runs side by side, the same number of epochs between their frames, at the pace of the slowest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from dosegrade.nn.engine import side_by_side
from dosegrade.nn.training import Frame, Moment, Trainer


def frames_together(trainers: Sequence[Trainer], count: int, epochs_per_frame: int = 1, budget_seconds: float = 0.02) -> list[list[Frame]]:
    """At most `count` frames of each run, as many of one as of another unless it diverged; at least one in the given time.

    The kernel trains the runs on all cores; NumPy takes them in turn. A run that has diverged gives none.
    """
    deadline = time.perf_counter() + budget_seconds
    got: list[list[Moment]] = [[] for _ in trainers]
    size, done = 1, 0
    while done < count and any(trainer.diverged is None for trainer in trainers):
        start = time.perf_counter()
        size = min(size, count - done)
        rounds = side_by_side([partial(trainer.moments, size, epochs_per_frame) for trainer in trainers])
        for lane, moments in zip(got, rounds, strict=True):
            lane += moments
        done += size
        now = time.perf_counter()
        drawing = sum(trainer.seconds_a_frame for trainer in trainers) * (done + 1)
        if now + drawing + (now - start) >= deadline:
            break
        size = size * 2 if now + drawing + 3 * (now - start) < deadline else size
    return [trainer.develop(lane) if lane else [] for trainer, lane in zip(trainers, got, strict=True)]
