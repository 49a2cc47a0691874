"""The clock of one child: how long what it does now may take, in CPU time and in wall time.

CPU time is what the kernel counts for the process, so that a machine with more workers than cores stays fair.
"""

from __future__ import annotations

import math
import time

from dosegrade.grading.outcome import Problem
from dosegrade.sandbox import Limits

# A process that is runnable but starved (more workers than cores) gets more wall time, this many times as much at most.
STARVED, PATIENCE = 0.1, 4.0


class Clock:
    """The limits of one stage: CPU time as the kernel counts it for the child, wall time as a second bound."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.restart(Limits())

    def restart(self, limits: Limits) -> None:
        """A new stage."""
        self._limits, self._began, self._base = limits, time.monotonic(), self._cpu()

    def _cpu(self) -> float:
        if self.pid is None:
            return 0.0
        try:
            return time.clock_gettime((~self.pid << 3) | 2)
        except OSError:  # it has just ended
            return 0.0

    def left(self) -> float:
        """Seconds until the stage can have reached a limit."""
        wall = self._began + self._limits.wall_seconds - time.monotonic()
        return max(0.001, min(wall if wall > 0 else math.inf, self._limits.cpu_seconds - self._used()))

    def _used(self) -> float:
        return max(0.0, self._cpu() - self._base)

    def over(self) -> Problem | None:
        """The problem where a limit is reached."""
        used, wall = self._used(), time.monotonic() - self._began
        if used >= self._limits.cpu_seconds:
            return Problem("timeout", f"used {self._limits.cpu_seconds:g} s of computing time without returning")
        starved = used > STARVED * wall and wall < PATIENCE * self._limits.wall_seconds
        if wall >= self._limits.wall_seconds and not starved:
            return Problem("timeout", f"did not return within {self._limits.wall_seconds:g} s")
        return None
