"""The question answered by a function: its exercise, its bank of cases, its marks."""

from __future__ import annotations

import keyword
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary
from zlib import crc32

from dosegrade.compare import RTOL
from dosegrade.errors import SpecError
from dosegrade.grading.cases import Bank
from dosegrade.grading.exercises import Exercise
from dosegrade.grading.exercises.families import exercise
from dosegrade.grading.grade import Marking, grade
from dosegrade.grading.outcome import Outcome
from dosegrade.grading.report import QuestionReport
from dosegrade.quiz.points import SEED, ready

KEPT_REPORTS = 256


@dataclass(frozen=True)
class Code:
    """A function to write: `points` by returned quantity, in the order promised; `exercise` names a family and its keys."""

    id: str
    function: str
    points: Mapping[str, float]
    exercise: Mapping[str, Any]
    text: str = ""
    title: str = ""
    follow_through: float = 0.5
    rtol: float = RTOL
    kind: str = field(default="code")

    def __post_init__(self) -> None:
        if not self.function.isidentifier() or keyword.iskeyword(self.function):
            raise SpecError(f"function: {self.function!r} is no name of a Python function.")
        if not self.points or any(not 0 <= p < math.inf for p in self.points.values()):
            raise SpecError("points: give each returned quantity a number of points, 0 or more.")
        if not 0 <= self.follow_through <= 1:
            raise SpecError(f"follow_through: found {self.follow_through}, expected a share from 0 to 1.")
        if not 1e-12 <= self.rtol <= 0.1:
            raise SpecError(f"rtol: found {self.rtol}, expected a relative tolerance from 1e-12 to 0.1.")

    @property
    def max_score(self) -> float:
        """All points."""
        return self.marking.max_score

    @property
    def marking(self) -> Marking:
        """What the question pays."""
        return Marking(self.id, self.points, self.follow_through, self.rtol)

    @cached_property
    def built(self) -> Exercise:
        """The exercise; SpecError where its table is wrong."""
        return exercise(self.exercise, tuple(self.points), f"question '{self.id}', exercise")

    def bank(self, seed: int) -> Bank:
        """The cases of a seed, with reference and mutants; the same seed gives the same cases."""
        shipped = ready(self.id, self.exercise, self.built) if seed == SEED else None
        return self.drawn(seed) if shipped is None else shipped

    def drawn(self, seed: int) -> Bank:
        """The same, drawn and vetted anew."""
        from dosegrade.grading.vetting import draw

        return draw(self.built, (seed, crc32(self.id.encode())))

    def grade(self, bank: Bank, outcome: Outcome) -> QuestionReport:
        """The report on an outcome; in a class many are the same, and graded once."""
        if not outcome.digest:
            return grade(self.marking, bank, outcome, self.kind)
        known = self._graded.setdefault(bank, {})
        if outcome.digest not in known:
            while len(known) >= KEPT_REPORTS:
                del known[next(iter(known))]
            known[outcome.digest] = grade(self.marking, bank, outcome, self.kind)
        return known[outcome.digest]

    @cached_property
    def _graded(self) -> WeakKeyDictionary[Bank, dict[bytes, QuestionReport]]:
        return WeakKeyDictionary()
