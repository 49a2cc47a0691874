"""What a program did when its functions were called: plain values, or the problem that kept it from answering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

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


@dataclass(frozen=True)
class Outcome:
    """All calls of one function, in order; `answers` is shorter than the calls where `problem` stopped them.

    Where `digest` is not empty, outcomes of the same are the same.
    """

    answers: tuple[Answer, ...] = ()
    problem: Problem | None = None
    printed: str = ""
    notes: tuple[str, ...] = field(default=())
    digest: bytes = field(default=b"", compare=False)
