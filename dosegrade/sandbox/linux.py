"""The sandbox for Linux: the trusted parent of one worker, which runs each program in a fresh locked process.

It holds the expected answers, sends only source and inputs, and reads back only records that it checks.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

from dosegrade.errors import SandboxError
from dosegrade.grading.outcome import Outcome, Problem
from dosegrade.sandbox import Program, Task, selftest, values
from dosegrade.sandbox.clock import Clock
from dosegrade.sandbox.modules import asks_for_more
from dosegrade.sandbox.transcript import Elsewhere, TooMuch, Transcript
from dosegrade.sandbox.worker import Worker, WorkerLost

T = TypeVar("T")
Calls = tuple[tuple[Any, ...], ...]
KEPT_TASKS = 64
RECYCLE_RUNS = 5000
ANSWER_SECONDS = 10.0
QUIET_MILLISECONDS = 20.0
CLOSED = "found a sandbox that was closed, expected an open one; open another"


_ENCODED: dict[int, tuple[Calls, list[bytes]]] = {}
_ENCODING = threading.Lock()  # a page has several sandboxes, a thread each


def encoded(calls: Calls) -> list[bytes]:
    """The calls as sent; those of the last few tasks are kept, for a class is asked the same."""
    with _ENCODING:
        known = _ENCODED.get(id(calls))
        if known is None or known[0] is not calls:
            while len(_ENCODED) >= KEPT_TASKS:
                _ENCODED.pop(next(iter(_ENCODED)))
            known = _ENCODED[id(calls)] = calls, [values.encode(tuple(call)) for call in calls]
    return known[1]


def request(program: Program, tasks: Sequence[Task]) -> bytes:
    """What a child gets: its limits, source and inputs, never an expected answer."""
    body = values.encode(
        {
            "name": program.name,
            "cells": [(cell.source, cell.label) for cell in program.cells],
            "siblings": dict(program.siblings),
            "tolerant": program.tolerant,
            "tasks": [
                {
                    "function": task.function,
                    "calls": encoded(task.calls),
                    "print": task.limits.print_bytes,
                    "output": task.limits.output_bytes,
                }
                for task in tasks
            ],
        }
    )
    # The load and every task have the limit once; the parent enforces each, this is the backstop for all.
    seconds = math.ceil(tasks[0].limits.cpu_seconds + sum(task.limits.cpu_seconds for task in tasks)) + 1
    return values.REQUEST.pack(max(task.limits.memory_bytes for task in tasks), seconds) + body


class Session:
    """One child from fork to end."""

    def __init__(self, worker: Worker, tasks: Sequence[Task], body: bytes, again: bool = False, usual: bool = False) -> None:
        self._worker, self._left = worker, memoryview(body)
        self.transcript = Transcript(tasks, again, usual)
        self._clock = Clock()
        self._cause: Problem | None = None
        self._killed_at = math.inf

    def run(self) -> Transcript:
        """Drives the child until it has answered or ended; raises WorkerLost where that is not the student's doing."""
        self._child = self._worker.take()
        try:
            self._converse()
            self._conclude()
        except Elsewhere:
            self._worker.kill(self._child)
            raise
        finally:
            self._worker.done(self._child)
        return self.transcript

    def _converse(self) -> None:
        self._worker.socket.settimeout(ANSWER_SECONDS)
        self._poll = select.poll()
        for descriptor, events in (
            (self._child.request, select.POLLOUT), (self._child.result, select.POLLIN), (self._worker.socket, select.POLLIN)
        ):  # fmt: skip
            self._poll.register(descriptor, events)
        self._clock.pid = self._child.pid
        self._clock.restart(self.transcript.limits)
        self._write()
        if not self._left:
            self._wait_quietly()
        while self._child.status is None and not self.transcript.finished:
            self._turn()
        if self._child.status is None and self._killed_at == math.inf:
            self._worker.kill(self._child)  # it has said all; nobody waits for its end

    def _wait_quietly(self) -> None:
        """Most programs have said all within milliseconds: whoever listens to every word is woken, and stops the speaker, at every word."""
        quiet = select.poll()
        quiet.register(self._child.result, 0)
        if not quiet.poll(min(QUIET_MILLISECONDS, 1000 * self._clock.left())) and self._child.pid is None:
            self._listen()  # before its words: from them on its time is counted
        self._drain()

    def _turn(self) -> None:
        ready = dict(self._poll.poll(1000 * self._patience()))
        if self._child.request in ready:
            self._write()
        if self._child.result in ready:
            self._read()
        if self._worker.socket.fileno() in ready:
            self._listen()
        if not ready:
            self._look_at_clock()

    def _patience(self) -> float:
        if self._killed_at < math.inf:
            return max(0.0, self._killed_at + ANSWER_SECONDS - time.monotonic())
        return self._clock.left()

    def _write(self) -> None:
        try:
            self._left = self._left[os.write(self._child.request, self._left) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._left = self._left[:0]
        if not self._left:
            self._poll.unregister(self._child.request)
            self._child.close_request()
            self._worker.prepare()

    def _read(self) -> None:
        try:
            data = os.read(self._child.result, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self._poll.unregister(self._child.result)
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self._cause is not None or self.transcript.finished:
            return
        before = self.transcript.stage
        try:
            self.transcript.feed(data)
        except TooMuch:
            self._kill(Problem("output", f"found more than {self.transcript.limits.output_bytes} bytes returned, expected less"))
        except values.Malformed as error:
            self._kill(Problem("crash", f"the program wrote into the checker's own channel ({error})"))
        if self.transcript.stage != before and not self.transcript.finished:
            self._clock.restart(self.transcript.limits)

    def _listen(self) -> None:
        self._worker.listen()
        self._clock.pid = self._child.pid
        if self._child.status is not None:
            self._drain()

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._child.result, 1 << 16):
                self._feed(data)

    def _look_at_clock(self) -> None:
        if self._killed_at < math.inf:
            raise WorkerLost("the worker does not answer")
        problem = self._clock.over()
        if problem is not None:
            self._kill(problem)

    def _kill(self, cause: Problem) -> None:
        self._cause = self._cause or cause
        self._killed_at = time.monotonic()
        self._worker.kill(self._child)

    def _conclude(self) -> None:
        if self.transcript.finished:
            return
        if not self.transcript.ready and self._cause is None:
            raise WorkerLost(f"the child ended before the program began (status {self._child.status})")
        self.transcript.stop(self._cause or ending(self._child.status or 0))


def ending(status: int) -> Problem:
    """Why a process is gone that nobody killed."""
    if status >= 0:
        return Problem("exit", f"the program ended its process (status {status})")
    if -status == signal.SIGXCPU:
        return Problem("timeout", "used up its computing time without returning")
    if -status == signal.SIGKILL:
        return Problem("memory", "the system ended the program, most likely for want of memory")
    name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
    return Problem("crash", f"the program crashed its process ({name})")


class LinuxSandbox:
    """One worker; programs one after the other. Opened at once, waits for the worker at its first run.

    The worker has the `usual` modules; for a program that asks for another, a second sandbox is opened, whose worker has all.
    """

    def __init__(
        self,
        *,
        worker: Worker | None = None,
        without: tuple[str, ...] = (),
        recycle_runs: int = RECYCLE_RUNS,
        niceness: int = 0,
        usual: bool = True,
    ) -> None:
        self._lock = threading.Lock()
        self._without, self._niceness, self._recycle, self._runs = without, niceness, recycle_runs, 0
        self._layers: tuple[selftest.Layer, ...] = ()
        self._closed = False
        self._usual = usual
        self._other: LinuxSandbox | None = None
        self._worker: Worker | None = worker or Worker(without, niceness, usual)
        self._greeted = False

    def __enter__(self) -> LinuxSandbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker. A closed sandbox runs nothing more."""
        self._closed = True
        self._drop()
        if self._other is not None:
            self._other.close()

    def start(self) -> None:
        """Waits until the worker is ready and has proved itself; raises SandboxError where it does not hold."""
        with self._lock:
            self._retrying(lambda worker: None)

    def report(self) -> tuple[selftest.Layer, ...]:
        """The layers and whether each holds here; never raises because one does not."""
        with self._lock:
            with contextlib.suppress(SandboxError):
                self._retrying(lambda worker: None)
            return self._layers or (selftest.Layer("worker", True, False, "the worker does not start"),)

    def run(self, program: Program, tasks: Sequence[Task]) -> tuple[Outcome, ...]:
        """One outcome a task. The program is loaded once; where a task kills its process, again for those after it."""
        outcomes: list[Outcome] = []
        with self._lock:
            if self._usual and asks_for_more(program):
                return self._elsewhere().run(program, tasks)
            try:
                while len(outcomes) < len(tasks):
                    outcomes += self._attempt(program, tasks[len(outcomes) :], again=bool(outcomes))
            except Elsewhere:
                return self._elsewhere().run(program, tasks)
        return tuple(outcomes)

    def _elsewhere(self) -> LinuxSandbox:
        if self._closed:
            raise SandboxError(CLOSED)
        if self._other is None:
            self._other = LinuxSandbox(without=self._without, recycle_runs=self._recycle, niceness=self._niceness, usual=False)
        return self._other

    def floor(self) -> None:
        """What a run cannot cost less than: a fork of the same process that ends at once (for benchmarks)."""
        with self._lock:
            self._ready().floor()

    def _attempt(self, program: Program, tasks: Sequence[Task], again: bool) -> list[Outcome]:
        body = request(program, tasks)
        try:
            return self._retrying(lambda worker: Session(worker, tasks, body, again, self._usual).run()).outcomes
        except WorkerLost as error:
            return [Outcome(problem=Problem("sandbox", f"the checker itself failed: {error}"))] * len(tasks)
        finally:
            self._runs += 1

    def _retrying(self, use: Callable[[Worker], T]) -> T:
        """`use` with the worker; where the worker is lost, once more with a new one."""
        try:
            return use(self._ready())
        except WorkerLost:
            self._drop()
            try:
                return use(self._ready())
            except WorkerLost:
                self._drop()
                raise

    def _ready(self) -> Worker:
        if self._closed:
            raise SandboxError(CLOSED)
        if self._worker is not None and (self._runs >= self._recycle or self._worker.owner != os.getpid()):
            self._drop()
        if self._worker is None:
            self._worker, self._greeted, self._runs = Worker(self._without, self._niceness, self._usual), False, 0
        if not self._greeted:
            self._greet(self._worker)
        return self._worker

    def _greet(self, worker: Worker) -> None:
        try:
            report = json.loads(worker.hello())
        except WorkerLost as error:
            self._drop()
            raise SandboxError(f"found that the checker's worker does not start: {error}; see `dosegrade doctor`") from error
        self._layers = selftest.judge(report)
        holes = selftest.holes(self._layers)
        if holes:
            self._drop()
            found = "; ".join(f"{layer.name}: {layer.detail}" for layer in holes)
            raise SandboxError(f"found isolation that does not hold ({found}), so nothing is graded; see `dosegrade doctor`")
        self._greeted = True

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
