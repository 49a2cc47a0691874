"""Those who do the grading: an executor whose workers each hold one warm sandbox and the quiz's cases, and what happens when one dies."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice, repeat
from multiprocessing import connection, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType, TracebackType
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from dosegrade.checking import check_submission, draw
from dosegrade.errors import DosegradeError
from dosegrade.grading.report import Report
from dosegrade.quiz.question import parse
from dosegrade.reports import encoded
from dosegrade.sandbox import open_sandbox
from dosegrade.submissions import Submission

AHEAD = 2
MOST_AT_ONCE = 8
ROUNDS = 4


class Graded(NamedTuple):
    """A report as JSON, and whether the submission could be checked."""

    report: bytes
    sound: bool


@dataclass(frozen=True)
class Assignment:
    """What a class is graded on, as a worker on another machine can take it."""

    quiz: str
    source: str
    seed: int


class Bench:
    """A worker's tools for one assignment: the quiz, its cases and a sandbox, made once."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.quiz = parse(assignment.quiz, tomllib.loads(assignment.source), assignment.source, f"{assignment.quiz}.toml")
        self.sandbox = open_sandbox() if self.quiz.codes else None
        self.banks = draw(self.quiz, assignment.seed)

    def graded(self, submission: Submission, seed: int) -> Graded:
        """The report on a submission; cases of another seed than the class's are drawn for it."""
        banks = self.banks if seed == self.assignment.seed else draw(self.quiz, seed)
        return as_graded(check_submission(self.quiz, submission, seed, self.sandbox, banks))


def as_graded(report: Report) -> Graded:
    """A report as it is kept."""
    return Graded(encoded(report.to_dict()), report.verdict != "not-checked")


_benches: list[Bench] = []
_lock = threading.Lock()


def grade_all(assignment: Assignment, submissions: Sequence[tuple[Submission, int]]) -> list[Graded]:
    """What a worker does: grades some submissions, each with its seed, at its bench, which stays for the next."""
    with _lock:
        if not _benches or _benches[0].assignment != assignment:
            clear_bench()
            _benches.append(Bench(assignment))
        bench = _benches[0]
    return [bench.graded(submission, seed) for submission, seed in submissions]


def clear_bench() -> None:
    """Ends this process's sandbox."""
    while _benches:
        sandbox = _benches.pop().sandbox
        if sandbox is not None:
            sandbox.close()


class Inline(Executor):
    """An executor without workers: a task is done when it is handed in."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Does it now."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the sandbox."""
        clear_bench()


class Pool(ProcessPoolExecutor):
    """Processes started afresh, never forked, which do not import the caller's script and end when their parent does."""

    def __init__(self, jobs: int) -> None:
        self.context = Context()
        super().__init__(jobs, mp_context=self.context, initializer=begin)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Without `wait`, what is being graded is given up."""
        if not wait:
            for process in self.context.started:
                process.kill()
            # One killed while it sent its answer leaves part of it behind: the reader waits for the rest until nobody can write any more.
            results: Any = getattr(self, "_result_queue", None)
            if results is not None:
                results._writer.close()
        super().shutdown(wait=True, cancel_futures=cancel_futures or not wait)


class Context(SpawnContext):
    """Starts processes and remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]
        """A process that does not import the caller's script."""
        process = Process(*args, **kwargs)
        self.started.append(process)
        return process


class Process(SpawnProcess):
    """A process whose parent's script is hidden while it starts, so that a script needs no guard around `dosegrade.grade(…)`."""

    def start(self) -> None:
        """Starts it."""
        script = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            super().start()
        finally:
            sys.modules["__main__"] = script


def begin() -> None:
    """A worker's first act: Ctrl-C is the parent's to handle, and without a parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


@dataclass(frozen=True)
class Opening:
    """How to open an executor, and how many batches of how many submissions at most it should have at once."""

    executor: Callable[[], Executor]
    width: int
    most: int = 1
    close: Callable[[], object] = lambda: None


def opening(jobs: int | None, scheduler: str | None) -> Opening:
    """This process for one job, a pool for more, a Dask cluster where a scheduler is named."""
    if scheduler is not None:
        return cluster(scheduler)
    jobs = jobs or cores()
    return Opening(Inline, 1) if jobs == 1 else Opening(lambda: Pool(jobs), AHEAD * jobs, MOST_AT_ONCE)


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cluster(address: str) -> Opening:
    """The workers of a Dask scheduler, which need dosegrade installed."""
    try:
        from distributed import Client
    except ImportError as error:
        raise DosegradeError(
            "--scheduler needs Dask, which is not installed here; install it (pip install distributed), or leave --scheduler out."
        ) from error
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise DosegradeError(f"Found no Dask scheduler at '{address}' ({type(error).__name__}); start one by `dask scheduler`.") from error
    return Opening(lambda: client.get_executor(pure=False), AHEAD * max(1, sum(client.nthreads().values())), MOST_AT_ONCE, client.close)


class HasSubmission(Protocol):
    """A task, as far as a crew needs to know."""

    @property
    def submission(self) -> Submission: ...

    @property
    def seed(self) -> int: ...


T = TypeVar("T", bound=HasSubmission)


class Crew(Generic[T]):
    """Does tasks as they come, in batches of which a bounded number is out at once; those that a worker's death took along are tried once
    more, each alone.
    """

    def __init__(self, opening: Opening, assignment: Assignment, expected: int = 0) -> None:
        self._opening, self._assignment = opening, assignment
        # Where few are expected, every worker still has several batches, so that all end at about the same time.
        self._size = max(1, min(opening.most, expected // (ROUNDS * opening.width)))
        self._executor: Executor | None = None
        self._waiting: dict[Future[list[Graded]], list[T]] = {}

    def __enter__(self) -> Crew[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(wait=error is None)
        self._opening.close()

    def _close(self, wait: bool) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=wait)
            self._executor = None

    def run(self, tasks: Iterator[T]) -> Iterator[tuple[T, Graded | None, str]]:
        """Each task with its report, or with none and the reason, in the order in which they end."""
        while batch := list(islice(tasks, self._size)):
            self._waiting[self._submit(batch)] = batch
            while len(self._waiting) >= self._opening.width:
                yield from self._finished()
        while self._waiting:
            yield from self._finished()

    def _submit(self, batch: list[T]) -> Future[list[Graded]]:
        for _ in range(2):
            if self._executor is None:
                self._executor = self._opening.executor()
            try:
                return self._executor.submit(grade_all, self._assignment, [(task.submission, task.seed) for task in batch])
            except BrokenExecutor:
                self._close(wait=True)
        failed: Future[list[Graded]] = Future()
        failed.set_exception(BrokenExecutor("no worker can be started"))
        return failed

    def _finished(self) -> Iterator[tuple[T, Graded | None, str]]:
        done, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
        suspects: list[T] = []
        for future in done:
            yield from self._ended(future, suspects)
        if suspects:
            yield from self._again(suspects)

    def _ended(self, future: Future[list[Graded]], suspects: list[T]) -> Iterator[tuple[T, Graded | None, str]]:
        batch = self._waiting.pop(future)
        made, _ = outcome(future)
        if made is None:
            suspects += batch
        else:
            yield from zip(batch, made, repeat(""), strict=False)

    def _again(self, suspects: list[T]) -> Iterator[tuple[T, Graded | None, str]]:
        wait(self._waiting)
        for future in list(self._waiting):
            yield from self._ended(future, suspects)
        for task in suspects:
            made, failure = outcome(self._submit([task]))
            yield task, made[0] if made else None, failure


def outcome(future: Future[list[Graded]]) -> tuple[list[Graded] | None, str]:
    """The reports, or why there are none; our own errors are the operator's and end the run."""
    with contextlib.suppress(BrokenExecutor):
        try:
            return future.result(), ""
        except (DosegradeError, BrokenExecutor):
            raise
        except Exception as error:
            return None, f"{type(error).__name__} while grading"
    return None, "its worker died"
