"""Checks one submission: from a file through the sandbox to a report. The command line, the pages and class grading all call this."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosegrade.sandbox import Limits, Program, Sandbox, Task, open_sandbox

if TYPE_CHECKING:
    from dosegrade.grading.cases import Bank
    from dosegrade.grading.outcome import Answer, Outcome
    from dosegrade.grading.report import QuestionReport, Report
    from dosegrade.quiz.kinds import Code
    from dosegrade.quiz.question import Quiz
    from dosegrade.submissions import Submission

UNSAFE = "Run without isolation (--unsafe-no-sandbox): this program could have read or changed anything that its user can."


def check(quiz: str | Path, submission: str | Path, seed: int = 0, sandbox: Sandbox | None = None) -> Report:
    """Grades one submission in isolation, like the command. SubmissionError, SpecError or SandboxError where there is nothing to grade."""
    with ExitStack() as stack:
        if sandbox is None and may_hold_code(Path(submission)):
            sandbox = stack.enter_context(open_sandbox())
        # The worker starts while these are imported.
        from dosegrade.quiz.question import load as load_quiz
        from dosegrade.submissions import existing
        from dosegrade.submissions import load as load_submission

        place = existing(submission)
        loaded = load_quiz(quiz)
        return check_submission(loaded, load_submission(place, functions(loaded)), seed, sandbox)


def may_hold_code(path: Path) -> bool:
    """Whether there could be a program at a path."""
    return path.suffix.lower() in (".py", ".ipynb", ".zip") if path.is_file() else path.is_dir()


def functions(quiz: Quiz) -> tuple[str, ...]:
    """The names of the functions that a quiz asks for."""
    return tuple(code.function for code in quiz.codes)


def draw(quiz: Quiz, seed: int) -> tuple[Bank, ...]:
    """The cases of every code question, which a class can share."""
    return tuple(code.bank(seed) for code in quiz.codes)


def check_submission(quiz: Quiz, submission: Submission, seed: int, sandbox: Sandbox | None, banks: Sequence[Bank] | None = None) -> Report:
    """Grades a submission that is already read, on a quiz that is already loaded; `banks` are `draw`'s where they are at hand."""
    from dosegrade.grading.report import Report

    codes = quiz.codes
    banks = draw(quiz, seed) if banks is None else banks
    outcomes = outcomes_of(submission, codes, banks, quiz, sandbox)
    marked = {code.id: code.grade(bank, outcome) for code, bank, outcome in zip(codes, banks, outcomes, strict=True)}
    marked |= typed_reports(quiz, submission, seed)
    notes = (*submission.notes, *unknown(quiz, submission), *((UNSAFE,) if getattr(sandbox, "unsafe", False) else ()))
    return Report(quiz.id, submission.name, seed, tuple(marked[q.id] for q in quiz.questions), notes)


def typed_reports(quiz: Quiz, submission: Submission, seed: int) -> dict[str, QuestionReport]:
    """The reports on the questions answered by choosing or typing, by id."""
    answers, flaw = submission.answers or {}, submission.answers_problem
    if flaw is not None:
        return {q.id: q.unread(flaw) for q in quiz.typed}
    return {q.id: q.grade(q.variant(seed), answers.get(q.id)) for q in quiz.typed}


def unknown(quiz: Quiz, submission: Submission) -> tuple[str, ...]:
    """A note on answers to questions that the quiz does not have, or that are answered by code."""
    known = {q.id for q in quiz.typed}
    strange = sorted(key[:40] for key in submission.answers or {} if key not in known)
    shown = ", ".join(strange[:5]) + (", …" if len(strange) > 5 else "")
    return (f"Answers to no question of this quiz were ignored: {shown}.",) if strange else ()


def outcomes_of(
    submission: Submission, codes: Sequence[Code], banks: Sequence[Bank], quiz: Quiz, sandbox: Sandbox | None
) -> Sequence[Outcome]:
    """One outcome a code question, each from the program that defines its function."""
    from dosegrade.grading.outcome import Outcome

    programs = [submission.program_for(code.function) for code in codes]
    found: dict[int, Outcome] = {}
    for program in programs:
        if program is not None and sandbox is not None:
            places = [i for i, other in enumerate(programs) if other is program and i not in found]
            ran = run(sandbox, program, [codes[i] for i in places], [banks[i] for i in places], quiz) if places else ()
            found |= dict(zip(places, ran, strict=True))
    return [found.get(i) or Outcome(problem=submission.problem) for i in range(len(codes))]


def run(sandbox: Sandbox, program: Program, codes: Sequence[Code], banks: Sequence[Bank], quiz: Quiz) -> Sequence[Outcome]:
    """The outcomes of code questions, from one run of the program."""
    limits = Limits(quiz.limits.cpu_seconds, quiz.limits.wall_seconds, quiz.limits.memory_mb << 20)
    tasks = [Task(code.function, bank.arguments, limits) for code, bank in zip(codes, banks, strict=True)]
    return sandbox.run(program, tasks)


def self_check(quiz: str | Path, seed: int = 0, **functions: Callable[..., Any]) -> Report:
    """Grades the caller's own functions in process: `self_check("dose-response", gradients=my_fn)`; keywords are question ids.

    SpecError for a keyword that is no code question of the quiz, and where none is given.
    """
    from dosegrade.errors import SpecError
    from dosegrade.grading.report import Report
    from dosegrade.quiz.question import load as load_quiz
    from dosegrade.registry import did_you_mean

    loaded = load_quiz(quiz)
    codes = {code.id: code for code in loaded.codes}
    if not codes:
        raise SpecError(f'{loaded.id} has no code questions; check a file of answers with check({loaded.id!r}, "answers.toml").')
    for name in functions:
        if name not in codes:
            raise SpecError(f"{loaded.id} has no code question '{name}'.{did_you_mean(name, codes)} It has: {', '.join(codes)}.")
    if not functions:
        raise SpecError(f"Name a question and your function, for example self_check({loaded.id!r}, {next(iter(codes))}=my_function).")
    reports = []
    for name, function in functions.items():
        bank = codes[name].bank(seed)
        reports.append(codes[name].grade(bank, called(function, bank)))
    return Report(loaded.id, "self-check", seed, tuple(reports))


def called(function: Callable[..., Any], bank: Bank) -> Outcome:
    """What the caller's own function returns at every call; its exceptions become problems."""
    from dosegrade.grading.outcome import Outcome, Problem

    if not callable(function):
        return Outcome(
            problem=Problem("missing-function", f"Found {type(function).__name__}, expected a function: pass it without calling it.")
        )
    answers: list[Answer] = []
    for call in bank.calls:
        try:
            inspect.signature(function).bind(*call.arguments)
        except TypeError as error:
            words = ", ".join(port.name for port in bank.exercise.arguments)
            return Outcome(problem=Problem("signature", f"The function cannot be called with ({words}): {error}."))
        except ValueError:
            pass  # a builtin without a signature
        try:
            answers.append(answered(function, call.arguments))
        except SystemExit as error:
            return Outcome(
                tuple(answers), Problem("exit", f"the function ended itself (SystemExit: {error})"[:500], line_of(error, function))
            )
        except Exception as error:
            return Outcome(tuple(answers), Problem("exception", f"{type(error).__name__}: {error}"[:500], line_of(error, function)))
    return Outcome(tuple(answers))


def answered(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Answer:
    """One call on fresh copies of the arguments."""
    from dosegrade.sandbox.transcript import answer
    from dosegrade.sandbox.values import encode

    given = copy.deepcopy(arguments)
    returned = function(*given)
    return answer(returned, encode(list(given)) != encode(list(arguments)))


def line_of(error: BaseException, function: Callable[..., Any]) -> int | None:
    """The line in the function's own file where the error arose."""
    code = getattr(function, "__code__", None)
    line, trace = None, error.__traceback__
    while trace is not None:
        if code is not None and trace.tb_frame.f_code.co_filename == code.co_filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
