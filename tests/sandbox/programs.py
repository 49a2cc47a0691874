"""The one way in which the tests here run a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dosegrade.grading.outcome import Outcome
from dosegrade.sandbox import Cell, Limits, Program, Sandbox, Task

SHORT = Limits(cpu_seconds=0.4, wall_seconds=1.0, memory_bytes=128 << 20, output_bytes=1 << 20, print_bytes=200)
PATIENT = replace(SHORT, cpu_seconds=20.0, wall_seconds=60.0)  # where time is not what is tested, however slow the machine
Runner = Callable[..., tuple[Outcome, ...]]


def run_in(
    box: Sandbox, source: str | bytes, *functions: str, arguments: tuple[Any, ...] = (), calls: int = 1, **more: Any
) -> tuple[Outcome, ...]:
    limits = more.pop("limits", PATIENT)
    data = source.encode() if isinstance(source, str) else source
    program = Program((Cell(data),), **more)
    return box.run(program, [Task(name, (arguments,) * calls, limits) for name in functions or ("f",)])
