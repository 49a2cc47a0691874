"""What several tests need of the quizzes that ship: questions, banks, and outcomes made from answers."""

import runpy
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dosegrade.grading.cases import Bank
from dosegrade.grading.outcome import Answer, Form, Layout, Layouts, Outcome, Record, Value
from dosegrade.grading.report import QuestionReport
from dosegrade.quiz.kinds import Code
from dosegrade.quiz.question import load
from dosegrade.steps import Values

SUBMISSIONS = Path(__file__).parents[1] / "submissions"


@cache
def code(quiz: str, name: str) -> Code:
    """A code question that ships."""
    return next(q for q in load(quiz).questions if q.id == name and isinstance(q, Code))


@cache
def bank(quiz: str, name: str, seed: int = 0) -> Bank:
    """Its cases for a seed."""
    return code(quiz, name).bank(seed)


def textbook(quiz: str, function: str) -> Callable[..., Any]:
    """A function of the right submission, which shares nothing with the package."""
    return runpy.run_path(str(SUBMISSIONS / quiz / "textbook.py"))[function]


def value(x: Any) -> Value:
    array = np.asarray(x)
    return Value(array.astype(float), str(array.dtype), type(x).__name__)


def record(answers: Sequence[Answer], turned: bool = False) -> Record:
    """Answers as they come out of the sandbox, the quantities of a call in their order, or `turned` about."""
    calls, numbers, at = [], [np.empty(0)], 0
    for answer in answers:
        forms = []
        for name, (array, dtype, python, flaw) in sorted(answer.values.items(), reverse=True) if turned else answer.values.items():
            size = 0 if array is None else array.size
            forms.append(Form(name, dtype, python, flaw, None if array is None else array.shape, at, at + size))
            numbers.append(np.ravel(array) if array is not None else np.empty(0))
            at += size
        calls.append(Layout(answer.python, answer.mutated, tuple(forms)))
    return Record(Layouts(tuple(calls), at), np.concatenate(numbers))


def outcome(bank: Bank, answers: Sequence[Values], as_made: bool = False) -> Outcome:
    """The program that returns these quantities in the promised shapes, or as they were made."""
    made = []
    for case, answer in zip(bank.calls, answers, strict=True):
        values = {p.name: answer[p.quantity] if as_made else np.reshape(answer[p.quantity], case.size(p)) for p in bank.exercise.returns}
        made.append(Answer({name: value(v) for name, v in values.items()}, "ndarray" if bank.exercise.single else "dict"))
    return Outcome(record(made))


def flat_outcome(bank: Bank, flat: Any) -> Outcome:
    """The same from the bank's flat vector."""
    blocks = iter(np.split(flat, bank.starts[1:]))
    return outcome(bank, [{p.quantity: next(blocks) for p in bank.exercise.returns} for _ in bank.calls])


def run(bank: Bank, function: Callable[..., Any]) -> Outcome:
    """A program called on the bank's arguments, or on float32 ones where it asks for them."""
    made = []
    for case in bank.calls:
        returned = function(*case.arguments)
        named = returned if isinstance(returned, dict) else {bank.exercise.returns[0].name: returned}
        made.append(Answer({name: value(v) for name, v in named.items()}, type(returned).__name__))
    return Outcome(record(made))


def named(report: QuestionReport) -> list[tuple[str, bool]]:
    """The codes named, each with whether it is certain."""
    return [(d.code, d.certain) for d in report.diagnoses]


def says(report: QuestionReport, mistake: str) -> bool:
    """Whether the report names one mistake for certain: this one, itself or as a synonym."""
    return len(report.diagnoses) == 1 and report.diagnoses[0].certain and mistake in (report.diagnoses[0].code, *report.diagnoses[0].also)
