"""The sandbox that is none: the same child code in an ordinary process, with time limits and nothing else.

For an instructor's own files on a machine without isolation; a program run here can read and do whatever its caller can.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from dosegrade.grading.outcome import Outcome, Problem
from dosegrade.sandbox import Program, Task, values
from dosegrade.sandbox.clock import Clock
from dosegrade.sandbox.linux import ending, request
from dosegrade.sandbox.transcript import TooMuch, Transcript
from dosegrade.sandbox.worker import command, environment


class UnsafeSandbox:
    """One process a program, started from nothing; slow, and open to everything."""

    unsafe = True

    def __enter__(self) -> UnsafeSandbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is kept open."""

    def run(self, program: Program, tasks: Sequence[Task]) -> tuple[Outcome, ...]:
        """One outcome a task, as from a sandbox."""
        outcomes: list[Outcome] = []
        while len(outcomes) < len(tasks):
            outcomes += self._attempt(program, tasks[len(outcomes) :], bool(outcomes))
        return tuple(outcomes)

    def _attempt(self, program: Program, tasks: Sequence[Task], again: bool) -> list[Outcome]:
        transcript = Transcript(tasks, again)
        process = subprocess.Popen(
            command("--unsafe"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
        )
        try:
            cause = self._converse(process, transcript, request(program, tasks))
        finally:
            process.kill()
            status = process.wait()
        if not transcript.ready and cause is None:
            cause = Problem("sandbox", f"the checker itself failed: its process ended with status {status}")
        if not transcript.finished:
            transcript.stop(cause or ending(status))
        return transcript.outcomes

    def _converse(self, process: subprocess.Popen[bytes], transcript: Transcript, body: bytes) -> Problem | None:
        chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_pump, args=(process, body, chunks), daemon=True).start()
        started, clock = time.monotonic(), Clock()
        while not transcript.finished:
            try:
                data = chunks.get(timeout=clock.left())
            except queue.Empty:
                problem = clock.over() if transcript.ready or time.monotonic() - started > 60 else None
                if problem is not None:
                    return problem
                continue
            if not data:
                process.wait()
                return None
            problem = _feed(transcript, data, clock, process.pid)
            if problem is not None:
                return problem
        return None


def _feed(transcript: Transcript, data: bytes, clock: Clock, pid: int) -> Problem | None:
    before = transcript.ready, transcript.stage
    try:
        transcript.feed(data)
    except TooMuch:
        return Problem("output", f"found more than {transcript.limits.output_bytes} bytes returned, expected less")
    except values.Malformed as error:
        return Problem("crash", f"the program wrote into the checker's own channel ({error})")
    if (transcript.ready, transcript.stage) != before:
        clock.pid = pid
        clock.restart(transcript.limits)
    return None


def _pump(process: subprocess.Popen[bytes], body: bytes, chunks: queue.SimpleQueue[bytes]) -> None:
    """Sends the request, then brings what comes back; a thread, because not every system can poll pipes."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError), process.stdin as pipe:
        pipe.write(body)
    with contextlib.suppress(OSError, ValueError), process.stdout as pipe:
        while data := pipe.read1(1 << 16):  # type: ignore[attr-defined]
            chunks.put(data)
    chunks.put(b"")
