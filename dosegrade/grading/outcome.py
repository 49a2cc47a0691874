"""What a program did when its functions were called: plain values, or the problem that kept it from answering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, overload

from numpy.typing import NDArray

PROBLEMS = (
    "syntax", "missing-function", "signature", "exception", "exit", "return", "shape", "not-finite",
    "timeout", "memory", "output", "crash", "forbidden", "unreadable",
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """What kept a question from being answered; `kind` is one of PROBLEMS or `sandbox` (our failure)."""

    kind: str
    message: str
    line: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report's form (CONTRACT 3)."""
        return {"kind": self.kind, "message": self.message, "line": self.line}


class Value(NamedTuple):
    """One returned quantity: float64 `array`, or None where `flaw` says why it is no array of real numbers.

    `dtype` is the original NumPy dtype ("float32", "int64", "bool", …), `python` the name of the returned object's type.
    """

    array: NDArray[Any] | None
    dtype: str
    python: str
    flaw: str | None = None


@dataclass(frozen=True)
class Answer:
    """One call's return: named values (a dict's keys, else `result`); `python` is the type of the whole."""

    values: Mapping[str, Value]
    python: str
    mutated: bool = False


class Form(NamedTuple):
    """One quantity of an answer: its name, what `Value` says of it, its shape (None with a flaw), its numbers' place in the record."""

    name: str
    dtype: str
    python: str
    flaw: str | None
    shape: tuple[int, ...] | None
    start: int
    end: int


class Layout(NamedTuple):
    """One call's answer without its numbers."""

    python: str
    mutated: bool
    forms: tuple[Form, ...]


class Layouts:
    """All calls' answers without their `size` numbers. Programs that answer alike share one, by which they are known."""

    def __init__(self, calls: tuple[Layout, ...], size: int) -> None:
        self.calls, self.size = calls, size

    @cached_property
    def keys(self) -> frozenset[str]:
        """The names of all quantities."""
        return frozenset(form.name for call in self.calls for form in call.forms)

    @cached_property
    def mutated(self) -> bool:
        """Whether some call changed its arguments."""
        return any(call.mutated for call in self.calls)


class Record(Sequence[Answer]):
    """All calls' answers with their numbers in one vector. Most are judged by that alone, so each is made when it is asked for."""

    def __init__(self, layouts: Layouts, numbers: NDArray[Any]) -> None:
        self.layouts, self.numbers = layouts, numbers

    @cached_property
    def _answers(self) -> tuple[Answer, ...]:
        return tuple(Answer({form.name: self._value(form) for form in c.forms}, c.python, c.mutated) for c in self.layouts.calls)

    def _value(self, form: Form) -> Value:
        array = None if form.shape is None else self.numbers[form.start : form.end].reshape(form.shape)
        return Value(array, form.dtype, form.python, form.flaw)

    def __len__(self) -> int:
        return len(self.layouts.calls)

    @overload
    def __getitem__(self, index: int) -> Answer: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Answer]: ...
    def __getitem__(self, index: int | slice) -> Answer | Sequence[Answer]:
        return self._answers[index]


@dataclass(frozen=True)
class Outcome:
    """All calls of one function, in order; `answers` is shorter than the calls where `problem` stopped them.

    A problem beside all answers is the file's: an exception ended it after the function was defined.

    Where `digest` is not empty, outcomes of the same are the same.
    """

    answers: Sequence[Answer] = ()
    problem: Problem | None = None
    printed: str = ""
    notes: tuple[str, ...] = field(default=())
    digest: bytes = field(default=b"", compare=False)

    @property
    def keys(self) -> frozenset[str]:
        """The names of all quantities returned."""
        if isinstance(self.answers, Record):
            return self.answers.layouts.keys
        return frozenset(str(key) for answer in self.answers for key in answer.values)

    @property
    def mutated(self) -> bool:
        """Whether some call changed its arguments."""
        return self.answers.layouts.mutated if isinstance(self.answers, Record) else any(answer.mutated for answer in self.answers)
