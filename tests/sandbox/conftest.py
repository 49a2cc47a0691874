"""One sandbox for all tests here, and the one way in which they run a program."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dosegrade.errors import SandboxError
from dosegrade.grading.outcome import Outcome
from dosegrade.sandbox import Cell, Limits, Program, Sandbox, Task
from dosegrade.sandbox.linux import LinuxSandbox

SHORT = Limits(cpu_seconds=0.4, wall_seconds=1.0, memory_bytes=128 << 20, output_bytes=1 << 20, print_bytes=200)
Runner = Callable[..., tuple[Outcome, ...]]


@pytest.fixture(scope="session")
def box() -> Iterator[LinuxSandbox]:
    try:
        sandbox = LinuxSandbox()
        sandbox.start()
    except SandboxError as error:
        if os.environ.get("CI"):
            pytest.fail(f"no isolation on this machine: {error}")
        pytest.skip(f"no isolation on this machine: {error}")
    with sandbox:
        yield sandbox


def run_in(
    box: Sandbox, source: str | bytes, *functions: str, arguments: tuple[Any, ...] = (), calls: int = 1, **more: Any
) -> tuple[Outcome, ...]:
    limits = more.pop("limits", SHORT)
    data = source.encode() if isinstance(source, str) else source
    program = Program((Cell(data),), **more)
    return box.run(program, [Task(name, (arguments,) * calls, limits) for name in functions or ("f",)])


@pytest.fixture
def run(box: LinuxSandbox) -> Runner:
    def runner(source: str | bytes, *functions: str, **more: Any) -> tuple[Outcome, ...]:
        return run_in(box, source, *functions, **more)

    return runner
