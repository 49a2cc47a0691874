"""Those who do the grading: an executor whose workers each hold one warm sandbox and the quiz's cases, and what happens when one dies."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType, TracebackType
from typing import Any, Generic, Protocol, TypeVar

from dosegrade.checking import check_submission, draw
from dosegrade.errors import DosegradeError
from dosegrade.quiz.question import parse
from dosegrade.sandbox import open_sandbox
from dosegrade.submissions import Submission

Table = dict[str, Any]
AHEAD = 2


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

    def report(self, submission: Submission, seed: int) -> Table:
        """The report on a submission; cases of another seed than the class's are drawn for it."""
        banks = self.banks if seed == self.assignment.seed else draw(self.quiz, seed)
        return check_submission(self.quiz, submission, seed, self.sandbox, banks).to_dict()


_benches: list[Bench] = []
_lock = threading.Lock()


def report_on(assignment: Assignment, submission: Submission, seed: int) -> Table:
    """What a worker does: grades one submission at its bench, which stays for the next."""
    with _lock:
        if not _benches or _benches[0].assignment != assignment:
            clear_bench()
            _benches.append(Bench(assignment))
        bench = _benches[0]
    return bench.report(submission, seed)


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
    """How to open an executor, and how many tasks it should have at once."""

    executor: Callable[[], Executor]
    width: int
    close: Callable[[], object] = lambda: None


def opening(jobs: int | None, scheduler: str | None) -> Opening:
    """This process for one job, a pool for more, a Dask cluster where a scheduler is named."""
    if scheduler is not None:
        return cluster(scheduler)
    jobs = jobs or cores()
    return Opening(Inline, 1) if jobs == 1 else Opening(lambda: Pool(jobs), AHEAD * jobs)


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
    return Opening(lambda: client.get_executor(pure=False), AHEAD * max(1, sum(client.nthreads().values())), client.close)


class HasSubmission(Protocol):
    """A task, as far as a crew needs to know."""

    @property
    def submission(self) -> Submission: ...

    @property
    def seed(self) -> int: ...


T = TypeVar("T", bound=HasSubmission)


class Crew(Generic[T]):
    """Does tasks as they come, with a bounded number at once; those that a worker's death took along are tried once more, each alone."""

    def __init__(self, opening: Opening, assignment: Assignment) -> None:
        self._opening, self._assignment = opening, assignment
        self._executor: Executor | None = None
        self._waiting: dict[Future[Table], T] = {}

    def __enter__(self) -> Crew[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(wait=error is None)
        self._opening.close()

    def _close(self, wait: bool) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=wait)
            self._executor = None

    def run(self, tasks: Iterator[T]) -> Iterator[tuple[T, Table | None, str]]:
        """Each task with its report, or with none and the reason, in the order in which they end."""
        for task in tasks:
            self._waiting[self._submit(task)] = task
            while len(self._waiting) >= self._opening.width:
                yield from self._finished()
        while self._waiting:
            yield from self._finished()

    def _submit(self, task: T) -> Future[Table]:
        for _ in range(2):
            if self._executor is None:
                self._executor = self._opening.executor()
            try:
                return self._executor.submit(report_on, self._assignment, task.submission, task.seed)
            except BrokenExecutor:
                self._close(wait=True)
        failed: Future[Table] = Future()
        failed.set_exception(BrokenExecutor("no worker can be started"))
        return failed

    def _finished(self) -> Iterator[tuple[T, Table | None, str]]:
        done, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
        suspects = []
        for future in done:
            task = self._waiting.pop(future)
            report, failure = outcome(future)
            if report is None:
                suspects.append(task)
            else:
                yield task, report, failure
        if suspects:
            yield from self._again(suspects)

    def _again(self, suspects: list[T]) -> Iterator[tuple[T, Table | None, str]]:
        wait(self._waiting)
        for future, task in list(self._waiting.items()):
            report, failure = outcome(future)
            if report is None:
                suspects.append(task)
            else:
                yield task, report, failure
        self._waiting.clear()
        for task in suspects:
            yield task, *outcome(self._submit(task))


def outcome(future: Future[Table]) -> tuple[Table | None, str]:
    """A report, or why there is none; our own errors are the operator's and end the run."""
    with contextlib.suppress(BrokenExecutor):
        try:
            return future.result(), ""
        except (DosegradeError, BrokenExecutor):
            raise
        except Exception as error:
            return None, f"{type(error).__name__} while grading"
    return None, "its worker died"
