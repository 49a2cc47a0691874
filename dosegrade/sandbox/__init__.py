"""Where student code runs: the protocol that every sandbox keeps, and the choice of one."""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from dosegrade.errors import SandboxError

if TYPE_CHECKING:  # NumPy is imported while the worker starts, not before
    from dosegrade.grading.outcome import Outcome
    from dosegrade.sandbox.linux import LinuxSandbox
    from dosegrade.sandbox.worker import Worker

_AHEAD: list[Worker] = []


@dataclass(frozen=True)
class Cell:
    """A piece of source that is run by itself: a whole file, or one cell of a notebook. `label` is put before line numbers."""

    source: bytes
    label: str = ""


@dataclass(frozen=True)
class Program:
    """A student's code as bytes, never parsed on the trusted side. `tolerant`: a failing cell does not hide the others (notebooks)."""

    cells: tuple[Cell, ...]
    name: str = "solution.py"
    siblings: Mapping[str, bytes] = field(default_factory=dict)
    tolerant: bool = False


@dataclass(frozen=True)
class Limits:
    """Per code question: CPU and wall seconds; bytes of memory above the worker's own; bytes returned; bytes of print kept."""

    cpu_seconds: float = 5.0
    wall_seconds: float = 10.0
    memory_bytes: int = 512 << 20
    output_bytes: int = 16 << 20
    print_bytes: int = 4096


@dataclass(frozen=True)
class Task:
    """One function to call: positional arguments of each call, in order, all in one process."""

    function: str
    calls: tuple[tuple[Any, ...], ...]
    limits: Limits = Limits()


class Sandbox(Protocol):
    """Runs a program once and calls its functions; one Outcome a task, whatever the program does."""

    def run(self, program: Program, tasks: Sequence[Task]) -> tuple[Outcome, ...]: ...


def open_sandbox(niceness: int = 0) -> LinuxSandbox:
    """This machine's sandbox, its first worker already starting; raises SandboxError where there is none (there is no silent fallback).

    With a `niceness` above 0 its programs give way to other work, as a page's own.
    """
    from dosegrade.sandbox.worker import Worker

    worker = _AHEAD.pop() if _AHEAD and not niceness else Worker(niceness=niceness)
    # The worker starts while this process imports the rest.
    from dosegrade.sandbox.linux import LinuxSandbox

    return LinuxSandbox(worker=worker, niceness=niceness, usual=worker.usual)


def start_ahead(usual: bool = True) -> None:
    """Starts the worker of the next sandbox; where there can be none, opening that one says why. One that is not wanted ends with us.

    It has the `usual` modules or all.
    """
    from dosegrade.sandbox.worker import Worker

    with contextlib.suppress(SandboxError):
        _AHEAD.append(Worker(usual=usual))
        atexit.register(_AHEAD.clear)
