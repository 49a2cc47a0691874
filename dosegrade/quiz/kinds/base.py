"""What every kind of question has: its table's common keys, its variants, and how its reports are made.

A kind says how an answer is read (`parse`), what a right one is (`key`), how one is marked (`mark`), which fields a page draws
(`fields`), and gives examples of its own that the tests run. It knows no page and no file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar
from zlib import crc32

import numpy as np
from numpy.random import Generator

from dosegrade.errors import SpecError
from dosegrade.grading.catalogue import CATALOGUE, Entry
from dosegrade.grading.outcome import Problem
from dosegrade.grading.report import Check, Diagnosis, QuestionReport, verdict_of
from dosegrade.quiz.own import Own
from dosegrade.quiz.texts import fill
from dosegrade.quiz.typed import Malformed, blank
from dosegrade.quiz.variables import Redraw, Variable, drawn, variables
from dosegrade.registry import did_you_mean

K = TypeVar("K")
REDRAWS = 400
ENOUGH_DRAWS = 60
CODES = frozenset(CATALOGUE)


@dataclass(frozen=True)
class Field:
    """How a page draws one input: `choice`, `choices`, `number`, `text`, `grid` or `code`.

    `key` names the answer's part ("" is the whole), `options` are (id, text), `rows` and `columns` label a grid whose cells are
    numbers, or one of the options where there are some.
    """

    widget: str
    key: str = ""
    label: str = ""
    options: tuple[tuple[str, str], ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True)
class Variant(Generic[K]):
    """A question at a seed, as a student sees it (`text`, `hints`), with its `key` and worked `solution` for afterwards."""

    seed: int
    values: Mapping[str, Any]
    text: str
    hints: tuple[str, ...]
    solution: str
    key: K


@dataclass(frozen=True)
class Marks:
    """What marking says: checks, mistakes by code, notes; `score` where it is not the sum of the checks."""

    checks: tuple[Check, ...]
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()
    score: float | None = None


@dataclass(frozen=True)
class Example:
    """An answer and the share of the points that it must earn; None: it cannot be read."""

    raw: Any
    share: float | None


def located(key: str, check: Callable[[], object]) -> None:
    """Runs a check whose SpecError then names the key."""
    try:
        check()
    except SpecError as error:
        raise SpecError(f"{key}: {error}") from None


@dataclass(frozen=True, kw_only=True)
class Question(ABC, Generic[K]):
    """The keys that all kinds share; `solution` is shown with the key, `hints` one by one, `seeds` are tested variants."""

    id: str
    kind: str
    text: str
    title: str = ""
    points: float = 1.0
    topic: str = ""
    tags: tuple[str, ...] = ()
    difficulty: int = 1
    variables: Mapping[str, Any] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    solution: str = ""
    seeds: tuple[int, ...] = ()
    mistakes: Mapping[str, Own] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.points <= 1000:
            raise SpecError(f"points: found {self.points:g}, expected a number above 0, at most 1000.")
        if not 1 <= self.difficulty <= 5:
            raise SpecError(f"difficulty: found {self.difficulty}, expected 1 to 5.")
        if any(seed < 0 for seed in self.seeds):
            raise SpecError("seeds: a seed is 0 or more.")
        for code in self.mistakes:
            if code in CODES:
                raise SpecError(f"mistakes: {code} is the catalogue's; choose another code.")
        known = {v.name: "" for v in self.drawn}
        for key, text in (("text", self.text), ("solution", self.solution), *(("hints", hint) for hint in self.hints)):
            located(key, lambda text=text: fill(text, known))  # type: ignore[misc]
        self.check()

    @abstractmethod
    def check(self) -> None:
        """SpecError where the table is wrong."""

    @abstractmethod
    def make(self, values: Mapping[str, Any], rng: Generator) -> K:
        """The key of a variant; Redraw where these values make none."""

    @abstractmethod
    def parse(self, variant: Variant[K], raw: Any) -> Any:
        """The answer as the kind takes it; Malformed where it cannot be read."""

    @abstractmethod
    def mark(self, variant: Variant[K], answer: Any) -> Marks:
        """The marks of an answer that was read."""

    @abstractmethod
    def fields(self, variant: Variant[K]) -> tuple[Field, ...]:
        """What a page draws, never holding the answer."""

    @abstractmethod
    def right(self, variant: Variant[K]) -> Any:
        """An answer with full marks, as a student would write it."""

    @abstractmethod
    def examples(self, variant: Variant[K]) -> tuple[Example, ...]:
        """Wrong, partial and malformed answers; the right one is `right`."""

    @property
    def max_score(self) -> float:
        """All points."""
        return self.points

    @cached_property
    def drawn(self) -> tuple[Variable, ...]:
        """The variables, compiled."""
        return variables(self.variables)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the variables."""
        return frozenset(self.variables)

    @property
    def varies(self) -> bool:
        """Whether two seeds can differ."""
        return any(v.draw is not None and v.computed is None for v in self.drawn)

    def variant(self, seed: int = 0) -> Variant[K]:
        """The variant of a seed, the same every time; SpecError where no draw makes a good one."""
        rng = np.random.default_rng((seed, crc32(self.id.encode())))
        reason, spare = "", None  # type: tuple[str, Variant[K] | None]
        for draws in range(REDRAWS if self.varies else 1):
            try:
                with np.errstate(all="ignore"):
                    return self.drawn_once(seed, rng)
            except Redraw as again:
                reason, spare = str(again), spare or again.spare
            except (ValueError, TypeError, IndexError, ArithmeticError) as error:
                raise SpecError(f"question '{self.id}': its numbers do not fit together: {error}.") from error
            if spare is not None and draws >= ENOUGH_DRAWS:
                break
        if spare is not None:
            return spare
        raise SpecError(f"question '{self.id}': no variant for seed {seed}: {reason}. Widen the draws or the distances.")

    def drawn_once(self, seed: int, rng: Generator) -> Variant[K]:
        """One try at a variant."""
        values = drawn(self.drawn, rng)
        try:
            return self.posed(seed, values, self.make(values, rng))
        except Redraw as again:
            raise Redraw(str(again), again.spare and self.posed(seed, values, again.spare)) from None

    def posed(self, seed: int, values: Mapping[str, Any], key: K) -> Variant[K]:
        """The variant of these values."""
        text, solution, *hints = (fill(text, values) for text in (self.text, self.solution, *self.hints))
        return Variant(seed, values, text, tuple(hints), solution, key)

    def unread(self, problem: Problem) -> QuestionReport:
        """The report where the answer cannot be read, or the file that holds it."""
        checks = (Check("answer", "wrong", 0.0, self.points, "cannot be read: see the problem above"),)
        return QuestionReport(self.id, self.kind, 0.0, self.points, "wrong", problem, checks)

    def grade(self, variant: Variant[K], raw: Any) -> QuestionReport:
        """The report on a raw answer. Nothing here raises, whatever was typed."""
        if blank(raw):
            checks = (Check("answer", "missing", 0.0, self.points, "not answered"),)
            return QuestionReport(self.id, self.kind, 0.0, self.points, "missing", None, checks)
        try:
            answer = self.parse(variant, raw)
        except Malformed as flaw:
            return self.unread(Problem(flaw.kind, str(flaw)))
        marks = self.mark(variant, answer)
        score = float(sum(c.score for c in marks.checks)) if marks.score is None else marks.score
        verdict = verdict_of(score, self.points)
        return QuestionReport(self.id, self.kind, score, self.points, verdict, None, marks.checks, marks.diagnoses, marks.notes)

    def entry(self, code: str) -> Entry:
        """A mistake by its code, the quiz's own first."""
        if code in self.mistakes:
            own = self.mistakes[code]
            return Entry(code, own.name, own.hint)
        if code in CODES:
            return CATALOGUE[code]
        hint = did_you_mean(code, [*self.mistakes, *CODES])
        raise SpecError(f"the mistake {code!r} is neither in the catalogue nor in [mistakes].{hint}")

    def diagnosed(self, found: Mapping[str, str]) -> tuple[Diagnosis, ...]:
        """Diagnoses from codes and the hints that replace the catalogue's (empty: the catalogue's own)."""
        made = []
        for code, hint in found.items():
            entry = self.entry(code)
            made.append(Diagnosis(code, entry.name, hint or entry.hint, len(found) == 1))
        return tuple(made)
