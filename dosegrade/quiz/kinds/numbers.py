"""Questions answered by numbers: one number, or a vector or matrix with credit an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Mistake
from dosegrade.grading.report import Check, Diagnosis
from dosegrade.quiz.byhand import Hand, HandExercise, hand_exercise
from dosegrade.quiz.kinds.base import Example, Field, Marks, Question, Variant
from dosegrade.quiz.kinds.byhand import COARSE, Explanation, Worked, known_codes, told, work
from dosegrade.quiz.sources import Source, source
from dosegrade.quiz.texts import scalar
from dosegrade.quiz.tolerance import RTOL, coarse, near, propagated, two_digits, window
from dosegrade.quiz.typed import array, number, shape_words, whole
from dosegrade.quiz.variables import Redraw

Array = NDArray[Any]


@dataclass(frozen=True)
class Lure:
    """`[[questions.lures]]`: what a mistake computes, its code, the share that it still earns, a hint instead of the code's own."""

    code: str
    value: Any
    credit: float = 0.0
    hint: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.credit < 1:
            raise SpecError(f"credit: found {self.credit}, expected 0 up to but not including 1.")


@dataclass(frozen=True)
class Lured:
    """What a mistake gives in a variant; `derived` where it is the derivation's own and not the question's."""

    value: Array
    code: str
    credit: float = 0.0
    hint: str = ""
    derived: bool = False


@dataclass(frozen=True)
class Numbers:
    """The answer, the tolerance of each entry, what mistakes give, and the derivation behind it where there is one."""

    answer: Array
    tolerance: Array
    lures: tuple[Lured, ...]
    worked: Worked | None = None

    @property
    def hand(self) -> Hand | None:
        """The derivation behind the answer, where there is one."""
        return None if self.worked is None else self.worked.hand

    def explains(self, found: Array) -> list[Lured]:
        """The mistakes that give what was typed; none for a right answer."""
        if bool(near(found, self.answer, self.tolerance).all()):
            return []
        return [lure for lure in self.lures if bool(near(found, lure.value, self.tolerance).all())]

    def credit(self, found: Array) -> float:
        """The share that a mistaken answer still earns."""
        return max((lure.credit for lure in self.explains(found)), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Numeric(Question[Numbers]):
    """What numbers and arrays share: `decimals` are those asked for, `distance` the least relative distance to a lure.

    The answer is given by `answer`, or it is the quantity `ask` of the derivation of `exercise`, whose mistakes are then known besides
    the lures; `shows` are codes that every variant must tell from the truth.
    """

    answer: Any = None
    ask: str = ""
    exercise: Mapping[str, Any] = field(default_factory=dict)
    shows: tuple[str, ...] = ()
    lures: tuple[Lure, ...] = ()
    integer: bool = False
    unit: str = ""
    rtol: float = RTOL
    atol: float = 0.0
    decimals: int = 4
    distance: float = 0.02

    def check(self) -> None:
        if not 0 <= self.rtol <= 0.2 or not 0 <= self.distance < 1:
            raise SpecError(f"rtol, distance: found {self.rtol}, {self.distance}, expected rtol from 0 to 0.2, distance from 0 to 1.")
        if not 0 <= self.decimals <= 12 or self.atol < 0:
            raise SpecError(f"decimals, atol: found {self.decimals}, {self.atol}, expected decimals from 0 to 12, atol 0 or more.")
        if bool(self.exercise) != bool(self.ask) or bool(self.exercise) == (self.answer is not None):
            raise SpecError("give either 'answer', or 'ask' with [questions.exercise].")
        if self.integer and self.exercise:
            raise SpecError("integer: a derivation gives no whole numbers; leave 'integer' out.")
        for lure in self.lures:
            self.entry(lure.code)
        if self.exercise:
            known_codes(self.exercised, self.shows)
        elif self.shows:
            raise SpecError("shows: these are mistakes of a derivation; give 'ask' with [questions.exercise], or lures.")
        _ = self.sources

    @cached_property
    def exercised(self) -> HandExercise:
        """The derivation that the quantity is asked of."""
        return hand_exercise(self.exercise, [self.ask])

    @cached_property
    def sources(self) -> tuple[Source | None, tuple[Source, ...]]:
        """The answer's source, where it has one of its own, and those of the lures."""
        lures = (source(lure.value, self.names, f"lures: {lure.code}") for lure in self.lures)
        return None if self.exercise else source(self.answer, self.names, "answer"), tuple(lures)

    def make(self, values: Mapping[str, Any], rng: Generator) -> Numbers:
        answer, _ = self.sources
        if answer is None:
            return self.worked(values)
        exact = np.asarray(answer.compute(values), dtype=float)
        self.suits(exact)
        if not np.isfinite(exact).all():
            raise Redraw("the answer is not finite")
        found = self.lured(values, exact)
        distances = [lure.value for lure in found]
        if self.integer:
            return Numbers(np.round(exact), window(exact, np.full(exact.shape, 0.25), np.zeros(exact.shape), distances), found)
        least = propagated(answer.compute, values, answer.uses, self.decimals)
        wish = np.maximum(max(self.atol, 0.5 * 10.0**-self.decimals), self.rtol * np.abs(exact))
        return Numbers(exact, window(exact, wish, least, distances, self.distance), found)

    def suits(self, answer: Array) -> None:
        """SpecError where an answer of that shape is for another kind."""
        raise NotImplementedError

    def worked(self, values: Mapping[str, Any]) -> Numbers:
        """The key where the answer is a quantity of a derivation."""
        hand = self.exercised.at(values, self.decimals)
        self.suits(hand.truth[self.ask])
        found = self.lured(values, hand.truth[self.ask])

        def key(made: Worked) -> Numbers:
            return Numbers(hand.truth[self.ask], made.tolerance[self.ask], (*found, *self.shown(made, found)), made)

        try:
            return key(work(hand, self.rtol, self.distance, self.shows, [lure.value for lure in found], self.atol))
        except Redraw as again:
            raise Redraw(str(again), again.spare and key(again.spare)) from None

    def shown(self, made: Worked, lures: Sequence[Lured]) -> tuple[Lured, ...]:
        """What the mistakes of `shows` give, those left out that a lure of the same code gives."""
        tolerance, kept = made.tolerance[self.ask], list(lures)
        for code, value in ((m.codes[0], m.values[self.ask]) for m in made.told):
            if code in self.shows and not any(x.code == code and near(value, x.value, tolerance).all() for x in kept):
                kept.append(Lured(value, code, derived=True))
        return tuple(kept[len(lures) :])

    def lured(self, values: Mapping[str, Any], exact: Array) -> tuple[Lured, ...]:
        """What each lure gives."""
        return tuple(self.lured_by(lure, s, values, exact) for lure, s in zip(self.lures, self.sources[1], strict=True))

    def lured_by(self, lure: Lure, computed: Source, values: Mapping[str, Any], exact: Array) -> Lured:
        """A lure's value, of the answer's shape."""
        value = np.asarray(computed.compute(values), dtype=float)
        if value.shape != exact.shape:
            raise SpecError(
                f"question '{self.id}': lures: {lure.code} gives {shape_words(value.shape)}, the answer {shape_words(exact.shape)}."
            )
        if not np.isfinite(value).all():
            raise Redraw(f"the lure {lure.code} is not finite")
        return Lured(value, lure.code, lure.credit, lure.hint)

    def explained(self, key: Numbers, typed: Array) -> tuple[Diagnosis, ...]:
        """The lures and the derivation's mistakes that give what was typed; a lure's own hint before the catalogue's."""
        lures = key.explains(typed)
        hints = {lure.code: lure.hint for lure in reversed(lures) if not lure.derived}
        found = () if key.worked is None else key.worked.explained({self.ask: typed})
        covered = {code for e in found for m in e.mistakes for code in (m.code, *m.also)}
        found += tuple(Explanation((Mistake(code),), True) for code in hints if code not in covered)
        if not found and key.worked is not None and not key.worked.only_coarse({self.ask: typed}):
            # Of too many mistakes that give this, those are named that the question is about.
            found = tuple(Explanation((Mistake(code),), False) for code in dict.fromkeys(lure.code for lure in lures))
        return told(self, found, hints)

    def coarse(self, variant: Variant[Numbers], typed: Array) -> Array:
        """Which entries are wrong by no more than carrying too few digits explains; of whole numbers none."""
        key, answer = variant.key, self.sources[0]
        if key.worked is not None:
            return key.worked.coarse({self.ask: typed})[self.ask]
        if answer is None or self.integer:
            return np.zeros(typed.shape, dtype=bool)
        values = variant.values
        carried = two_digits([key.answer, *(values[name] for name in answer.uses if np.asarray(values[name]).dtype.kind == "f")])
        return coarse(typed, key.answer, self.decimals, carried, lambda d: propagated(answer.compute, values, answer.uses, d))

    def asked(self) -> str:
        """What to type, for the field's help."""
        if self.integer:
            return f"a whole number{' of ' + self.unit if self.unit else ''}"
        return f"{self.decimals} decimals{', in ' + self.unit if self.unit else ''}; 2/3 and 1e-3 are understood"


@dataclass(frozen=True, kw_only=True)
class Number(Numeric):
    """One number: `answer` is a constant, a formula or `{ solver = … }`, or `ask` names it in a derivation; exact where `integer`."""

    def suits(self, answer: Array) -> None:
        if answer.shape:
            raise SpecError(f"question '{self.id}': the answer is {shape_words(answer.shape)}; use kind = \"array\".")

    def parse(self, variant: Variant[Numbers], raw: Any) -> float:
        return whole(raw, self.unit) if self.integer else number(raw, self.unit)

    def mark(self, variant: Variant[Numbers], answer: float) -> Marks:
        key, typed = variant.key, np.asarray(answer)
        if near(typed, key.answer, key.tolerance):
            return Marks((Check("answer", "correct", self.points, self.points),))
        found = self.explained(key, typed)
        check = Check("answer", "wrong", key.credit(typed) * self.points, self.points, "" if found else self.remark(variant, typed))
        return Marks((check,), found)

    def remark(self, variant: Variant[Numbers], typed: Array) -> str:
        """What can be said of a wrong number that no mistake explains, without telling the right one."""
        key = variant.key
        gap, size = float(np.abs(typed - key.answer)), float(np.abs(key.answer))
        if size and near(-typed, key.answer, key.tolerance):
            return "the sign is opposite"
        if self.integer and gap <= max(2.0, 0.01 * size):
            return "very near, but a count is exact: look for something counted twice or left out"
        return COARSE.format(self.decimals) if self.coarse(variant, typed) else "wrong"

    def fields(self, variant: Variant[Numbers]) -> tuple[Field, ...]:
        return (Field("number", help=self.asked()),)

    def right(self, variant: Variant[Numbers]) -> Any:
        return int(variant.key.answer) if self.integer else typed_number(float(variant.key.answer), self.decimals)

    def examples(self, variant: Variant[Numbers]) -> tuple[Example, ...]:
        key = variant.key
        value = float(key.answer)
        lures = [Example(float(lure.value), key.credit(lure.value)) for lure in key.lures]
        spelt = [Example(f" {scalar(value)} {self.unit}" if self.integer else f"{value:.8e}", 1.0)]
        flawed = [Example(raw, None) for raw in ("", "abc", "1e999", "nan", "1/0", "1,000", True, [1.0], "9" * 70)]
        return (*lures, *spelt, *[e for e in flawed if e.raw], Example(away(key), 0.0))


def typed_number(value: float, decimals: int) -> float:
    """The number as typed with that many decimals; more where it would vanish."""
    rounded = round(value, decimals) + 0.0
    return rounded if rounded or not value else float(f"{value:.3g}")


def away(key: Numbers) -> float:
    """A number that is neither the answer nor a lure."""
    return 3 * max([1.0, float(np.abs(key.answer)), *(float(np.abs(lure.value)) for lure in key.lures)]) + 7


@dataclass(frozen=True, kw_only=True)
class ArrayQuestion(Numeric):
    """A vector or matrix, credit an entry; `labels` name a vector's entries or a matrix's rows, `columns` its columns.

    Where a derivation gives it row by row, an entry that follows from the student's own row before earns the share `follow_through`.
    """

    labels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    follow_through: float = 1.0

    def check(self) -> None:
        super().check()
        if not 0 <= self.follow_through <= 1:
            raise SpecError(f"follow_through: found {self.follow_through}, expected a share from 0 to 1.")

    def suits(self, answer: Array) -> None:
        if not answer.shape:
            raise SpecError(f"question '{self.id}': the answer is one number; use kind = \"number\".")

    def parse(self, variant: Variant[Numbers], raw: Any) -> Array:
        typed = array(raw, variant.key.answer.shape, gaps=True)
        if self.integer:
            for item in typed.ravel()[~np.isnan(typed.ravel())]:
                whole(float(item))
        return typed

    def mark(self, variant: Variant[Numbers], answer: Array) -> Marks:
        key = variant.key
        right = near(answer, key.answer, key.tolerance)
        worth = self.points / right.size
        if right.all():
            return Marks(tuple(Check(name, "correct", worth, worth) for name in self.entry_names(right.shape)), score=self.points)
        followed = np.zeros_like(right) if key.worked is None else key.worked.followed({self.ask: answer})[self.ask]
        remarks = np.where(self.coarse(variant, answer), COARSE.format(self.decimals), "wrong")
        entries = zip(self.entry_names(right.shape), right.flat, np.isnan(answer).flat, followed.flat, remarks.flat, strict=True)
        checks = tuple(entry_check(n, bool(ok), bool(gap), worth, bool(own), self.follow_through, str(r)) for n, ok, gap, own, r in entries)
        score = max(key.credit(answer) * self.points, sum(check.score for check in checks))
        return Marks(checks, self.explained(key, answer), orientation(key, answer), score)

    def entry_names(self, shape: tuple[int, ...]) -> list[str]:
        """A name for every entry, in order."""
        return entry_names(shape, self.labels, self.columns)

    def fields(self, variant: Variant[Numbers]) -> tuple[Field, ...]:
        shape = variant.key.answer.shape
        rows = self.labels if len(self.labels) == shape[0] else tuple(str(i) for i in range(shape[0]))
        wide = len(shape) == 2
        columns = (self.columns if len(self.columns) == shape[1] else tuple(str(i) for i in range(shape[1]))) if wide else ("",)
        return (Field("grid", rows=rows, columns=columns, help=f"{shape_words(shape)}; {self.asked()}"),)

    def right(self, variant: Variant[Numbers]) -> Any:
        if self.integer:
            return variant.key.answer.astype(int).tolist()
        return typed_list(variant.key.answer, self.decimals)

    def examples(self, variant: Variant[Numbers]) -> tuple[Example, ...]:
        key = variant.key
        made = [Example(lure.value.tolist(), self.mark(variant, lure.value).score / self.points) for lure in key.lures]  # type: ignore[operator]
        one_off = key.answer.copy()
        one_off.flat[0] = away(key) if key.answer.ndim == 0 else 5 * float(np.abs(key.answer).max()) + 7
        made.append(Example(one_off.tolist(), 1 - 1 / key.answer.size))
        made.append(
            Example(
                "; ".join(", ".join(str(x) for x in np.ravel(row)) for row in key.answer)
                if key.answer.ndim == 2
                else str(key.answer.tolist()),
                1.0,
            )
        )
        longer = [*key.answer.tolist(), key.answer.tolist()[0]]
        return (*made, *[Example(raw, None) for raw in (longer, "abc", 5, [["x"]], {"a": 1}, [float("nan")] * len(key.answer) + [1])])


def entry_names(shape: tuple[int, ...], labels: Sequence[str], columns: Sequence[str]) -> list[str]:
    """`[1]`, or the label, or `row, column`."""
    names = []
    for index in np.ndindex(shape):
        row = labels[index[0]] if len(labels) == shape[0] else ""
        column = columns[index[1]] if len(shape) == 2 and len(columns) == shape[1] else ""
        plain = f"[{', '.join(str(i) for i in index)}]"
        names.append(f"{row}, {column}" if row and column else row if row and len(shape) == 1 else plain)
    return names


def entry_check(name: str, right: bool, gap: bool, worth: float, followed: bool, share: float, remark: str) -> Check:
    """The check of one entry or cell; `share` is what following from own values earns, `remark` what is said of a wrong one."""
    if right:
        return Check(name, "correct", worth, worth)
    if gap:
        return Check(name, "missing", 0.0, worth, "left empty")
    if followed:
        return Check(name, "follow-through", share * worth, worth, "right for your own earlier values")
    return Check(name, "wrong", 0.0, worth, remark)


def orientation(key: Numbers, answer: Array) -> tuple[str, ...]:
    """Says so where the right numbers stand turned or backwards."""
    if bool(near(answer, key.answer, key.tolerance).all()):
        return ()
    if answer.ndim == 2 and answer.shape[0] == answer.shape[1] and bool(near(answer.T, key.answer, key.tolerance).all()):
        return ("Right up to a transpose: rows and columns are exchanged.",)
    if answer.ndim == 1 and bool(near(answer[::-1], key.answer, key.tolerance[::-1]).all()):
        return ("The right numbers in reverse order: look at what the first entry stands for.",)
    return ()


def typed_list(values: Array, decimals: int) -> Any:
    """Numbers as typed with that many decimals, as nested lists."""
    if values.ndim == 0:
        return typed_number(float(values), decimals)
    return [typed_list(row, decimals) for row in values]
