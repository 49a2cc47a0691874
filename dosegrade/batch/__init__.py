"""Grades a class: each report is on disk and in the log before it counts, so that a run ended at any moment can be taken up again.

The log has one line a report, keyed on all that the report depends on; started again, whatever has a line and its report is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from dosegrade import __version__
from dosegrade.batch.crew import Assignment, Crew, Graded, as_graded, opening
from dosegrade.batch.roster import Entry, roster
from dosegrade.checking import functions
from dosegrade.errors import DosegradeError, SubmissionError
from dosegrade.grading.outcome import Problem
from dosegrade.grading.report import QuestionReport, Report
from dosegrade.quiz.question import Quiz
from dosegrade.quiz.question import load as load_quiz
from dosegrade.quiz.seeds import seed_of
from dosegrade.reports import WRITERS
from dosegrade.submissions import Submission
from dosegrade.submissions import load as load_submission

GRADES, LOG, REPORTS = "grades.csv", "log.jsonl", "reports"
CLASS_FILES = {"csv": GRADES, "junit": "junit.xml", "html": "index.html"}
STUDENT_FILES = {"html": REPORTS + "/{}.html", "gradescope": "gradescope/{}.json", "classroom": "classroom/{}.json"}
SYNC_SECONDS = 1.0


@dataclass
class Tally:
    """How far a class is: `kept` have an unchanged report, `graded` are new, of which `failed` could not be checked."""

    total: int
    skipped: tuple[str, ...] = ()
    kept: int = 0
    graded: int = 0
    failed: int = 0

    @property
    def done(self) -> int:
        """Entries that have their report."""
        return self.kept + self.graded


@dataclass(frozen=True)
class Task:
    """A submission to be graded with its seed, and the hash of all that its report depends on."""

    entry: Entry
    submission: Submission
    seed: int
    key: str


def grade(
    quiz: str | Path,
    submissions: str | Path,
    *,
    out: str | Path,
    jobs: int | None = None,
    seed: int = 0,
    formats: Sequence[str] = (),
    scheduler: str | None = None,
    class_secret: str | None = None,
    watch: Callable[[Tally], None] | None = None,
) -> Tally:
    """Grades every entry of a folder into `out`; started again with the same `out`, it resumes. `scheduler` is the address of Dask's.

    With a `class_secret` every student has a seed of his own, which the secret and his name give.
    """
    loaded = load_quiz(quiz)
    for name in formats:
        WRITERS[name]
    students, skipped = roster(Path(submissions), Path(out))
    tally = Tally(len(students), skipped)
    with Results(Path(out)) as results:
        crew: Crew[Task]
        with Crew(opening(jobs, scheduler), Assignment(loaded.id, loaded.source, seed), len(students)) as crew:
            graded(results, crew, loaded, students, lambda e: seed_of(e.student, seed, class_secret), tally, watch or (lambda tally: None))
        results.drop_all_but(students)
        results.summarise(students, formats)
    return tally


def graded(
    results: Results,
    crew: Crew[Task],
    quiz: Quiz,
    students: Sequence[Entry],
    seed: Callable[[Entry], int],
    tally: Tally,
    watch: Callable[[Tally], None],
) -> None:
    """Grades what is new or has changed."""

    basis = json.dumps([quiz.id, quiz.source, __version__])

    def tasks() -> Iterator[Task]:
        for entry in students:
            task = task_of(entry, quiz, seed(entry), basis)
            if results.has(task):
                tally.kept += 1
                watch(tally)
            else:
                yield task

    for task, made, failure in crew.run(tasks()):
        done = made or as_graded(not_checked(quiz, task.submission, task.seed, failure))
        results.add(task, done)
        tally.graded += 1
        tally.failed += not done.sound
        watch(tally)


def task_of(entry: Entry, quiz: Quiz, seed: int, basis: str) -> Task:
    """An entry as read now; `basis` is all else that its report depends on."""
    try:
        submission = replace(load_submission(entry.path, functions(quiz)), name=entry.student)
    except SubmissionError as error:  # it has gone since the folder was listed
        submission = Submission(entry.student, problem=Problem("unreadable", str(error)))
    return Task(entry, submission, seed, digest(f"{submission.digest()} {seed} {basis}".encode()))


def not_checked(quiz: Quiz, submission: Submission, seed: int, failure: str) -> Report:
    """The report where grading itself failed, which is never the student's fault."""
    problem = Problem("sandbox", f"the checker itself failed ({failure}); this is not your mistake. Run the same command again.")
    questions = tuple(QuestionReport(q.id, q.kind, 0.0, q.max_score, "not-checked", problem) for q in quiz.questions)
    return Report(quiz.id, submission.name, seed, questions, submission.notes)


class Results:
    """The folder of results with its log; one run at a time."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._synced = 0.0

    def __enter__(self) -> Results:
        try:
            (self.out / REPORTS).mkdir(parents=True, exist_ok=True)
            self._log = os.open(self.out / LOG, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise DosegradeError(f"The folder '{self.out}' cannot be written: {error.strerror}. Name another one by --out.") from error
        try:
            self._lock()
            self._lines = self._read()
        except BaseException:
            os.close(self._log)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.fsync(self._log)
        os.close(self._log)

    def _lock(self) -> None:
        import fcntl

        try:
            fcntl.flock(self._log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DosegradeError(f"Another run is writing to '{self.out}'; wait for its end, or name another folder by --out.") from error

    def _read(self) -> dict[str, dict[str, Any]]:
        """The last line of each entry; what is torn is left out, and followed by a line's end."""
        data = (self.out / LOG).read_bytes()
        if data and not data.endswith(b"\n"):
            os.write(self._log, b"\n")
        lines: dict[str, dict[str, Any]] = {}
        for raw in data.splitlines():
            try:
                line = json.loads(raw)
                lines[line["entry"]] = {"key": line["key"], "report": str(line["report"]), "sha256": line["sha256"]}
            except (ValueError, KeyError, TypeError):
                continue
        return lines

    def has(self, task: Task) -> bool:
        """Whether the log and the report of a task are there, unchanged."""
        line = self._lines.get(task.entry.path.name)
        if line is None or line["key"] != task.key or line["report"] != task.entry.file:
            return False
        try:
            return bool(line["sha256"] == digest((self.out / REPORTS / f"{task.entry.file}.json").read_bytes()))
        except OSError:
            return False

    def add(self, task: Task, done: Graded) -> None:
        """Writes a report, then its line; one that is not sound has no key, so that it is graded again."""
        self.write(f"{REPORTS}/{task.entry.file}.json", done.report)
        key = task.key if done.sound else None
        line = {"entry": task.entry.path.name, "key": key, "report": task.entry.file, "sha256": digest(done.report)}
        os.write(self._log, json.dumps(line).encode() + b"\n")
        self._lines[task.entry.path.name] = line
        self._sync()

    def _sync(self) -> None:
        if time.monotonic() - self._synced > SYNC_SECONDS:
            os.fsync(self._log)
            self._synced = time.monotonic()

    def write(self, name: str, data: bytes) -> None:
        """A file of the results, whole or not at all."""
        place, temporary = f"{self.out}/{name}", f"{self.out}/.writing"
        with open(temporary, "wb") as file:
            file.write(data)
        try:
            os.replace(temporary, place)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.replace(temporary, place)

    def drop_all_but(self, students: Sequence[Entry]) -> None:
        """Removes the reports of entries that are gone."""
        kept = {entry.file for entry in students}
        for line in self._lines.values():
            if line["report"] not in kept:
                for place in (REPORTS + "/{}.json", *STUDENT_FILES.values()):
                    (self.out / place.format(line["report"])).unlink(missing_ok=True)

    def report(self, student: Entry) -> dict[str, Any]:
        """A student's report."""
        found: dict[str, Any] = json.loads((self.out / REPORTS / f"{student.file}.json").read_bytes())
        return found

    def reports(self, students: Sequence[Entry], ending: str = "json") -> Iterator[dict[str, Any]]:
        """The reports one by one, each with the place of its file."""
        for student in students:
            yield self.report(student) | {"report": f"{REPORTS}/{student.file}.{ending}"}

    def summarise(self, students: Sequence[Entry], formats: Sequence[str]) -> None:
        """`grades.csv`, and the formats asked for."""
        for name in {"csv": None, **dict.fromkeys(formats)}:
            if name in CLASS_FILES:
                ending = "html" if name == "html" else "json"
                self.write(CLASS_FILES[name], WRITERS[name](self.reports(students, ending)))
            for student in students if name in STUDENT_FILES else ():
                self.write(STUDENT_FILES[name].format(student.file), WRITERS[name]([self.report(student)]))


def digest(data: bytes) -> str:
    """The hash that the log keeps of a report."""
    return hashlib.sha256(data).hexdigest()
