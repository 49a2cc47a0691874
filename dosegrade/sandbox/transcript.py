"""What the parent makes of the records that a child sends: the outcomes so far, and the stage that the child is in.

Every byte may have been written by an enemy: sizes, order and counts are checked, and anything else is Malformed.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from dosegrade.grading.outcome import Answer, Form, Layout, Layouts, Outcome, Problem, Record
from dosegrade.sandbox import Limits, Task, values
from dosegrade.sandbox.values import Malformed

# Names, shapes and frames, on top of the numbers returned.
SLACK_BYTES = 4 << 20
SMALL_BYTES = 1 << 14


class TooMuch(Exception):
    """The child sent more than a task may return."""


@lru_cache(maxsize=256)
def layouts(head: bytes) -> Layouts:
    """The calls of an ANSWERS record; programs that answer alike share it."""
    cursor = values.Cursor(head)
    kinds, calls = cursor.numbers("II")
    if kinds > calls:
        raise Malformed("found more layouts than answers")
    known = [values.unpack_layout(cursor) for _ in range(kinds)]
    found, at = [], 0
    for number in cursor.numbers(f"{calls}I"):
        if number >> 1 >= kinds:
            raise Malformed("no such layout")
        python, quantities = known[number >> 1]
        forms = []
        for name, (dtype, kind, flaw, shape) in quantities:
            start, at = at, at + count(shape)
            forms.append(Form(name, dtype, kind, flaw, shape, start, at))
        found.append(Layout(python, bool(number & 1), tuple({form.name: form for form in forms}.values())))
    cursor.end()
    return Layouts(tuple(found), at)


def count(shape: tuple[int, ...] | None) -> int:
    """How many numbers an array of a shape has; Malformed where there is no such array."""
    size = 0 if shape is None else math.prod(shape)
    if shape is not None and size == 0:
        try:
            np.empty(0).reshape(shape)
        except ValueError as error:
            raise Malformed("no such shape") from error
    return size


def unpack_answers(payload: bytes, most: int) -> Record:
    """What `Returned.pack` packed, of `most` calls at most."""
    if len(payload) < 12:
        raise Malformed("cut short")
    size, _, calls = struct.unpack_from("<III", payload)
    if 4 + size > len(payload) or not 0 < calls <= most:
        raise Malformed("no such answers")
    head = payload[4 : 4 + size]
    found = layouts(head) if size < SMALL_BYTES else layouts.__wrapped__(head)
    if len(payload) != 4 + size + 8 * found.size:
        raise Malformed("found other numbers than declared")
    numbers = np.frombuffer(payload, "<f8", offset=4 + size).copy() if found.size else np.empty(0)
    numbers.setflags(write=False)  # calls that are answered alike may share them
    return Record(found, numbers)


@lru_cache(maxsize=256)
def small_answers(payload: bytes, most: int) -> Record:
    """A record's answers; a class is asked the same, and many answer the same."""
    return unpack_answers(payload, most)


def answer(returned: object, mutated: bool = False) -> Answer:
    """Whatever a function of this process returned, as a sandbox would have brought it back (`self_check`)."""
    packed = values.Returned()
    packed.add(*values.describe(returned), mutated)
    return unpack_answers(packed.pack(), 1)[0]


class Elsewhere(Exception):
    """The child asks to be run where all modules are."""


class Transcript:
    """Records in, outcomes out, for one process that runs some tasks. `again`: what loading prints has been kept before.

    `usual`: the process has the usual modules only.
    """

    def __init__(self, tasks: Sequence[Task], again: bool = False, usual: bool = False) -> None:
        self._tasks, self._again, self._usual = tasks, again, usual
        self._buffer = bytearray()
        self._received = 0
        self._answers: list[Record] = []
        self._told: list[bytes] = []
        self._printed = bytearray()
        self._notes: tuple[str, ...] = ()
        self.ready = False
        self.loaded = False
        self.outcomes: list[Outcome] = []
        self._begin()

    def _begin(self) -> None:
        """Looks up what the present task may send, which every record asks."""
        if not self.finished:
            self._most = self.limits.output_bytes + self.limits.print_bytes + SLACK_BYTES
            self._expected = len(self._task.calls)

    @property
    def finished(self) -> bool:
        """Whether every task has its outcome."""
        return len(self.outcomes) == len(self._tasks)

    @property
    def stage(self) -> tuple[bool, int]:
        """Changes when the child goes on to something that has limits of its own."""
        return self.loaded, len(self.outcomes)

    @property
    def limits(self) -> Limits:
        """The limits of what is being done now."""
        return self._tasks[min(len(self.outcomes), len(self._tasks) - 1)].limits

    def feed(self, data: bytes) -> None:
        """Takes bytes from the pipe; raises Malformed or TooMuch, after which nothing more may be fed."""
        self._buffer += data
        start, stop, head = 0, len(self._buffer), values.HEADER.size
        with memoryview(self._buffer) as view:
            while stop - start >= head and not self.finished:
                kind, size = values.HEADER.unpack_from(view, start)
                if not values.READY <= kind <= values.ELSEWHERE:
                    raise Malformed("found no such record")
                if self._received + size > self._most:
                    raise TooMuch
                end = start + head + size
                if end > stop:
                    break
                self._received += end - start
                payload = bytes(view[start + head : end])
                start = end
                self._take(kind, payload)
        del self._buffer[:start]

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == values.ANSWERS and self.loaded:
            take = small_answers if len(payload) < SMALL_BYTES else unpack_answers
            self._answers.append(take(payload, self._expected - self._answered))
            self._told.append(payload)
        elif kind == values.READY and not self.ready and not payload:
            self.ready = True
        elif not self.ready:
            raise Malformed("found a record before the start")
        elif kind == values.TEXT:
            self._printed += payload[: max(0, self.limits.print_bytes + 1 - len(self._printed))]
        elif kind == values.ELSEWHERE and self._usual:
            raise Elsewhere
        elif kind == values.FAILED:
            self.stop(Problem(*values.unpack_failure(payload)))
        else:
            self._progress(kind, payload)

    def _progress(self, kind: int, payload: bytes) -> None:
        if kind == values.LOADED and not self.loaded:
            self._notes, self.loaded = values.unpack_notes(payload), True
            if self._again:
                self._printed.clear()
        elif kind == values.DONE and self.loaded and not payload and self._answered == self._expected:
            self._end(None)
        else:
            raise Malformed("found a record out of order")

    @property
    def _answered(self) -> int:
        return sum(map(len, self._answers))

    @property
    def _task(self) -> Task:
        return self._tasks[len(self.outcomes)]

    def stop(self, problem: Problem) -> None:
        """Ends what is being done with a problem: this task, or every task where the program did not load."""
        if self.loaded:
            self._end(problem)
        while not self.loaded and not self.finished:
            self._end(problem)

    def _end(self, problem: Problem | None) -> None:
        text = self._text()
        digest = hashlib.sha256(repr((problem, text, self._notes)).encode("utf-8", "replace"))
        for payload in self._told:
            digest.update(payload)
        answers = self._answers[0] if len(self._answers) == 1 else tuple(answer for record in self._answers for answer in record)
        self.outcomes.append(Outcome(answers, problem, text, self._notes, digest.digest()))
        self._answers, self._told, self._received = [], [], 0
        self._printed.clear()
        self._begin()

    def _text(self) -> str:
        cap = self.limits.print_bytes
        text = values.clean(self._printed[:cap].decode("utf-8", "replace"), cap)
        return f"{text}\n[the rest was dropped: {cap} bytes of print are kept]" if len(self._printed) > cap else text
