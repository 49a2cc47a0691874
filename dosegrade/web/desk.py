"""The desk takes programs to be checked: a bounded queue before a few warm sandboxes, one for all visitors of the server.

Each clerk is a thread that lives as long as the server, because a worker dies with the thread that started it. The page's own thread
never waits for a program, and no program ever runs in the server's process.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PurePosixPath
from queue import Empty, Full, Queue
from typing import Protocol

from dosegrade.checking import check_submission
from dosegrade.errors import DosegradeError, SandboxError, SubmissionError, UnreadableError
from dosegrade.grading.cases import Bank
from dosegrade.grading.outcome import Problem
from dosegrade.grading.report import Report
from dosegrade.quiz.kinds import Code
from dosegrade.quiz.question import Quiz
from dosegrade.sandbox import Sandbox, open_sandbox
from dosegrade.submissions import Submission, received
from dosegrade.submissions.files import MAX_NOTEBOOK, MAX_SOURCE, size

LOG = logging.getLogger(__name__)
PLACES = 24
CHECKS, WITHIN = 10, 60.0
GIVES_WAY = 10  # the niceness of a visitor's program: training sessions on the same cores go first
TAKEN = {".py": MAX_SOURCE, ".ipynb": MAX_NOTEBOOK, ".zip": MAX_NOTEBOOK}
RETRY_SECONDS = 30.0
FAILED = "The checker failed on this program; this says nothing about your work. Try once more, and tell whoever runs this page."


class Warm(Sandbox, Protocol):
    """A sandbox that can be started ahead."""

    def start(self) -> None: ...


@dataclass(frozen=True)
class Paper:
    """What is handed in: a file's name and bytes for some code questions of a quiz, at a seed."""

    quiz: Quiz
    codes: tuple[Code, ...]
    name: str
    data: bytes
    seed: int = 0

    @property
    def text(self) -> str | None:
        """The source as one text, for quoting lines from it; None for a notebook and for an archive."""
        return self.data.decode("utf-8", "replace") if self.name.lower().endswith(".py") else None


@dataclass(eq=False)
class Ticket:
    """A paper in the queue; `report` holds the report or our own failure."""

    paper: Paper
    number: int
    report: Future[Report] = field(default_factory=Future)
    handed_in: float = field(default_factory=time.monotonic)

    @property
    def waited(self) -> float:
        """Seconds since it was handed in."""
        return time.monotonic() - self.handed_in


class Desk:
    """Clerks that check papers in the order they come; `opening` makes a clerk's sandbox."""

    def __init__(self, opening: Callable[[], Warm] = lambda: open_sandbox(GIVES_WAY), clerks: int = 0, places: int = PLACES) -> None:
        self._opening, self._queue = opening, Queue[Ticket](places)
        self._lock, self._given, self._taken = threading.Lock(), 0, 0
        self._refusal = ""
        self._ready = threading.Event()
        for number in range(clerks or min(4, max(2, os.cpu_count() or 1))):
            threading.Thread(target=self._serve, name=f"clerk {number}", daemon=True).start()

    def refusal(self, patience: float = 5.0) -> str:
        """Why nothing can be checked here; empty where isolation holds."""
        self._ready.wait(patience)
        return self._refusal

    def hand_in(self, paper: Paper) -> Ticket:
        """Takes a paper; SubmissionError where too many are waiting."""
        with self._lock:
            ticket = Ticket(paper, self._given + 1)
            try:
                self._queue.put_nowait(ticket)
            except Full:
                raise SubmissionError(
                    f"The checker is busy: {self._queue.maxsize} programs are waiting. Nothing is lost; press Check again in a moment."
                ) from None
            self._given += 1
        return ticket

    def ahead(self, ticket: Ticket) -> int:
        """How many papers come before this one."""
        return max(0, ticket.number - self._taken - 1)

    def _serve(self) -> None:
        sandbox = self._open()
        while True:
            try:
                ticket = self._queue.get(timeout=None if sandbox else RETRY_SECONDS)
            except Empty:
                sandbox = self._open()
                continue
            with self._lock:
                self._taken += 1
            if not ticket.report.set_running_or_notify_cancel():
                continue
            sandbox = sandbox or self._open()
            if not self._answer(ticket, sandbox):
                sandbox = None

    def _open(self) -> Warm | None:
        try:
            sandbox = self._opening()
            sandbox.start()
        except Exception as error:
            LOG.warning("no sandbox: %s", error)
            self._refusal = str(error) if isinstance(error, DosegradeError) else "The sandbox does not start."
            return None
        else:
            self._refusal = ""
            return sandbox
        finally:
            self._ready.set()

    def _answer(self, ticket: Ticket, sandbox: Warm | None) -> bool:
        """Fills the ticket; False where the sandbox is of no use any more."""
        try:
            if sandbox is None:
                raise SandboxError(self._refusal)
            ticket.report.set_result(checked(ticket.paper, sandbox))
        except SandboxError as error:
            ticket.report.set_exception(error)
            return False
        except Exception:
            LOG.exception("checking failed")
            ticket.report.set_exception(SandboxError(FAILED))
        return True


def checked(paper: Paper, sandbox: Sandbox) -> Report:
    """The report on a paper."""
    quiz = replace(paper.quiz, questions=paper.codes)
    return check_submission(quiz, submission(paper), paper.seed, sandbox, banks(paper.codes, paper.seed))


def submission(paper: Paper) -> Submission:
    """The paper as a submission; a damaged notebook, and an archive that is damaged or could do harm, becomes one with a problem."""
    try:
        return received("self-check", PurePosixPath(paper.name).name, paper.data, [code.function for code in paper.codes])
    except UnreadableError as error:
        return Submission("self-check", problem=Problem("unreadable", str(error)))


def banks(codes: Sequence[Code], seed: int) -> tuple[Bank, ...]:
    """The cases of each question."""
    return tuple(_bank(_Same(one), seed) for one in codes)


class _Same:
    """A question by identity: its tables cannot be hashed."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def __hash__(self) -> int:
        return id(self.code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.code is self.code


@lru_cache(maxsize=64)
def _bank(question: _Same, seed: int) -> Bank:
    return question.code.bank(seed)


def taken(name: str, data: bytes) -> bytes:
    """The bytes of a file that can be handed in; SubmissionError in a sentence otherwise."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in TAKEN:
        raise SubmissionError("This kind of file cannot be checked here. Upload a .py file, an .ipynb notebook or a .zip archive of these.")
    if len(data) > TAKEN[suffix]:
        raise SubmissionError(f"The file is larger than {size(TAKEN[suffix])}. Hand in the function alone, without data or output in it.")
    if not data.strip():
        raise SubmissionError("There is nothing in it yet. Paste your function, or choose a file that has one.")
    return data


class Allowance:
    """How often one visitor may check: CHECKS times WITHIN seconds."""

    def __init__(self, checks: int = CHECKS, within: float = WITHIN, now: Callable[[], float] = time.monotonic) -> None:
        self._checks, self._within, self._now = checks, within, now
        self._times: deque[float] = deque()

    def use(self) -> None:
        """One check more; SubmissionError where it comes too soon."""
        now = self._now()
        while self._times and now - self._times[0] >= self._within:
            self._times.popleft()
        if len(self._times) >= self._checks:
            seconds = int(self._times[0] + self._within - now) + 1
            raise SubmissionError(
                f"That was {self._checks} checks within a minute. Nothing is lost; the next one is possible in {seconds} seconds."
            )
        self._times.append(now)
