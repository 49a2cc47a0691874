"""Questions worked by hand: the named steps of a derivation, or the cells of a table, with credit for what follows from own values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Port
from dosegrade.grading.report import Check, Diagnosis
from dosegrade.quiz.byhand import Hand, HandExercise, hand_exercise
from dosegrade.quiz.columns import Column, ColumnMistake, column_exercise
from dosegrade.quiz.kinds.base import Example, Field, Marks, Question, Variant
from dosegrade.quiz.kinds.numbers import typed_list
from dosegrade.quiz.tolerance import RTOL, near, window
from dosegrade.quiz.typed import Malformed, array, blank, number, shape_words, shown
from dosegrade.quiz.variables import Redraw
from dosegrade.registry import did_you_mean
from dosegrade.steps import Step, follow, taken_apart

Array = NDArray[Any]
Answer = dict[str, Array]
MAX_NAMED = 3


@dataclass(frozen=True)
class Worked:
    """The derivation at the variant's numbers, and the tolerance of each entry."""

    hand: Hand
    tolerance: Mapping[str, Array]

    def flat(self, values: Mapping[str, Array]) -> Array:
        """All that is asked for as one vector."""
        return np.concatenate([np.ravel(values[p.name]) for p in self.hand.ports])


@dataclass(frozen=True, kw_only=True)
class ByHand(Question[Worked]):
    """What derivations and tables share. `shows` are codes that every variant must tell from the truth, besides those it does anyway."""

    decimals: int = 4
    rtol: float = RTOL
    distance: float = 0.02
    follow_through: float = 1.0
    shows: tuple[str, ...] = ()

    def check(self) -> None:
        if not 1 <= self.decimals <= 12 or not 1e-3 <= self.rtol <= 0.2:
            raise SpecError(f"decimals, rtol: found {self.decimals}, {self.rtol}, expected 1 to 12 decimals, rtol from 0.001 to 0.2.")
        if not 0 <= self.follow_through <= 1:
            raise SpecError(f"follow_through: found {self.follow_through}, expected a share from 0 to 1.")
        known = {mistake.code for mistake in self.exercised.made.mistakes}
        for code in self.shows:
            if code not in known:
                raise SpecError(
                    f"shows: {code} is no mistake of this derivation.{did_you_mean(code, known)} It has: {', '.join(sorted(known))}."
                )

    @property
    def exercised(self) -> HandExercise:
        """The derivation."""
        raise NotImplementedError

    def make(self, values: Mapping[str, Any], rng: Generator) -> Worked:
        hand = self.exercised.at(values, self.decimals)
        truth = Worked(hand, {})
        exact, least = truth.flat(hand.truth), truth.flat(hand.rounding)
        if not np.isfinite(exact).all():
            raise Redraw("a quantity is not finite")
        mistaken = [(code, truth.flat(found)) for code, _, found in hand.mistaken]
        seen = [(code, flat) for code, flat in mistaken if not near(flat, exact, least).all()]
        hidden = set(self.shows) - {code for code, _ in seen}
        if hidden:
            raise Redraw(f"the mistake {sorted(hidden)[0]} does not show")
        wish = np.maximum(0.5 * 10.0**-self.decimals, self.rtol * np.abs(exact))
        tolerance = window(exact, wish, least, [flat for _, flat in seen], self.distance)
        ends = np.cumsum([np.size(hand.truth[p.name]) for p in hand.ports])[:-1]
        parts = np.split(tolerance, ends)
        return Worked(hand, {p.name: t.reshape(hand.truth[p.name].shape) for p, t in zip(hand.ports, parts, strict=True)})

    def compared(self, variant: Variant[Worked], answer: Answer) -> tuple[Answer, Answer]:
        """Which entries are right, and which are wrong but follow from the student's own earlier values."""
        hand, tolerance = variant.key.hand, variant.key.tolerance
        right = {name: near(typed, hand.truth[name], tolerance[name]) for name, typed in answer.items()}
        filled = {name: np.where(np.isnan(typed), hand.truth[name], typed) for name, typed in answer.items()}
        student = hand.steps_of(filled)
        with np.errstate(all="ignore"):
            recomputed = follow(hand.steps, hand.inputs, student)
        own = {p.name: np.reshape(recomputed[p.quantity], answer[p.name].shape) for p in hand.ports if p.name in answer}
        barred = self.barred(hand, student)
        followed = {}
        for name, typed in answer.items():
            wide = np.maximum(tolerance[name], self.rtol * np.abs(own[name]))
            followed[name] = near(typed, own[name], wide) & ~right[name] & ~barred[name]
        return right, followed

    def barred(self, hand: Hand, student: Mapping[str, Any]) -> Answer:
        """Entries that earn no follow-through: zero or constant themselves, or resting on such a wrong quantity (CONTRACT 5)."""
        steps = {step.name: step for step in hand.steps}
        given = taken_apart(hand.steps, student)
        truth = hand.values
        empty = {name for name, value in given.items() if hollow(value) and not np.allclose(value, truth[name], rtol=self.rtol)}
        found: Answer = {}
        for port in hand.ports:
            if port.quantity not in student:
                continue
            step = steps[port.quantity]
            rows = step.needs if step.rows else (step.name,)
            bars = [row in empty or hollow(given[row]) or bool(sources(steps, row, given) & empty) for row in rows]
            shape = np.shape(student[port.quantity])
            spread = np.reshape(bars, (-1,) + (1,) * (len(shape) - 1)) if step.rows else np.array(bars[0])
            found[port.name] = np.broadcast_to(spread, shape).reshape(port.size(hand.n))
        return found

    def explained(self, variant: Variant[Worked], answer: Answer) -> tuple[Diagnosis, ...]:
        """The mistakes whose derivation gives everything that was typed; none where too many do."""
        found: dict[str, tuple[str, ...]] = {}
        for code, also, values in variant.key.hand.mistaken:
            if all(self.agrees(typed, values[name], variant.key.tolerance[name]) for name, typed in answer.items()):
                found[code] = also
        covered = {synonym for also in found.values() for synonym in also}
        kept = {code: "" for code in found if code not in covered}
        named = self.diagnosed(kept) if len(kept) <= MAX_NAMED else ()
        return tuple(Diagnosis(d.code, d.name, d.hint, d.certain, found[d.code]) for d in named)

    def agrees(self, typed: Array, value: Array, tolerance: Array) -> bool:
        """Whether every entry that was typed is the mistake's."""
        with np.errstate(invalid="ignore"):
            close = near(typed, value, np.maximum(tolerance, self.rtol * np.abs(value)))
        return bool((close | np.isnan(typed)).all())

    def slip(self, variant: Variant[Worked], name: str, index: int) -> Answer:
        """A right answer but for one slip, all that follows computed from it."""
        hand = variant.key.hand
        port = next(p for p in hand.ports if p.name == name)
        typed = hand.truth[name].copy()
        typed.flat[index] += 0.7 + 0.3 * float(np.abs(typed).max())
        step = next(s for s in hand.steps if s.name == port.quantity)
        moved = np.reshape(typed, np.shape(hand.values[port.quantity]))
        changed: dict[str, Any] = {}
        if step.rows:
            row = int(np.unravel_index(index, typed.shape)[0])
            changed[step.needs[row]] = moved[row]
        else:
            changed[step.name] = moved
        values = dict(hand.inputs)
        for each in hand.steps:
            values[each.name] = changed.get(each.name, each.compute(*[values[n] for n in each.needs]))
        return hand.shaped(values)


def hollow(value: Any) -> bool:
    """All zero, or several entries that are all the same."""
    entries = np.asarray(value)
    return not entries.any() or (entries.size > 1 and bool(np.ptp(entries) == 0))


def sources(steps: Mapping[str, Step], name: str, given: Mapping[str, Any]) -> set[str]:
    """The student's quantities that one rests on with none of hers between."""
    found: set[str] = set()
    waiting = list(steps[name].needs) if name in steps else []
    while waiting:
        other = waiting.pop()
        if other in given:
            found.add(other)
        elif other in steps:
            waiting.extend(steps[other].needs)
    return found


@dataclass(frozen=True, kw_only=True)
class Derivation(ByHand):
    """The named steps of a registered derivation: `ask` lists them in order, `exercise` is the family's table."""

    ask: tuple[str, ...]
    exercise: Mapping[str, Any]

    @cached_property
    def exercised(self) -> HandExercise:
        if not self.ask or len(set(self.ask)) < len(self.ask):
            raise SpecError("ask: name each step that is asked for once.")
        return hand_exercise(self.exercise, self.ask)

    def parse(self, variant: Variant[Worked], raw: Any) -> Answer:
        if not isinstance(raw, dict):
            raise Malformed(f"Found {shown(raw)}, expected an entry for each of {', '.join(self.ask)}.")
        hand = variant.key.hand
        ports = {p.name: p for p in hand.ports}
        for name in raw:
            if name not in ports:
                raise Malformed(
                    f"Found the name {shown(name)}, which is not asked for.{did_you_mean(str(name), ports)} Asked: {', '.join(ports)}."
                )
        return {name: self.read(port, raw[name], hand.n) for name, port in ports.items() if not blank(raw.get(name))}

    def read(self, port: Port, raw: Any, n: int) -> Array:
        """One step's numbers."""
        try:
            shape = port.size(n)
            return np.asarray(number(raw)) if not shape else array(raw, shape, gaps=True)
        except Malformed as flaw:
            raise Malformed(f"{port.name}: {flaw}", flaw.kind) from None

    def mark(self, variant: Variant[Worked], answer: Answer) -> Marks:
        right, followed = self.compared(variant, answer)
        worth = self.points / len(self.ask)
        checks = tuple(self.step_check(name, right.get(name), followed.get(name), worth) for name in self.ask)
        full = all(c.verdict == "correct" for c in checks)
        return Marks(checks, () if full else self.explained(variant, answer), score=self.points if full else None)

    def step_check(self, name: str, right: Array | None, followed: Array | None, worth: float) -> Check:
        """The check of one step."""
        if right is None or followed is None:
            return Check(name, "missing", 0.0, worth, "left empty")
        if right.all():
            return Check(name, "correct", worth, worth)
        score = worth * float(np.mean(right + self.follow_through * followed))
        if (right | followed).all():
            return Check(name, "follow-through", score, worth, "right for your own earlier values: the mistake lies before this step")
        first = [int(i) for i in np.argwhere(~(right | followed))[0]]
        return Check(name, "wrong", score, worth, f"wrong, first at {first}" if first else "wrong")

    def fields(self, variant: Variant[Worked]) -> tuple[Field, ...]:
        return tuple(step_field(p, variant.key.hand.n, self.decimals) for p in variant.key.hand.ports)

    def right(self, variant: Variant[Worked]) -> Any:
        return {name: typed_list(value, max(self.decimals, 6)) for name, value in variant.key.hand.truth.items()}

    def examples(self, variant: Variant[Worked]) -> tuple[Example, ...]:
        first = {name: value.tolist() for name, value in self.slip(variant, self.ask[0], 0).items()}
        size = variant.key.hand.truth[self.ask[0]].size
        lost = 1 / len(self.ask) / size
        right = self.right(variant)
        partial = {name: value for name, value in right.items() if name != self.ask[-1]}
        rounded = {name: typed_list(value, self.decimals) for name, value in variant.key.hand.truth.items()}
        flawed = [Example(raw, None) for raw in (5, {"no such step": 1}, {self.ask[0]: "abc"}, {self.ask[0]: [[1, 2], [3]]})]
        made = [Example(first, 1 - lost), Example(partial, 1 - 1 / len(self.ask)), Example(rounded, 1.0)]
        return (*(made if len(self.ask) > 1 else made[::2]), *flawed)


def step_field(port: Port, n: int, decimals: int) -> Field:
    """The input of one step: a number, or a grid of its shape."""
    shape, words = port.size(n), f"{port.meaning + '; ' if port.meaning else ''}{decimals} decimals"
    if not shape:
        return Field("number", port.name, port.name, help=words)
    rows = tuple(str(i + 1) for i in range(shape[0]))
    columns = tuple(str(i + 1) for i in range(shape[1])) if len(shape) > 1 else ("",)
    return Field("grid", port.name, port.name, rows=rows, columns=columns, help=f"{shape_words(shape)}; {words}")


@dataclass(frozen=True, kw_only=True)
class Table(ByHand):
    """A grid of numbers, each row from the one before: quantities of a registered derivation, or columns given as formulas.

    With `exercise`, `ask` names arrays of one row a step; `labels` name the entries of wide ones. With `columns`, `count` rows are
    computed with `t` = 0, 1, …, the columns before, and `prev_x` for column x of the row above (`start` above the first).
    """

    row: str = "t"
    ask: tuple[str, ...] = ()
    exercise: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    wrong: tuple[ColumnMistake, ...] = ()
    count: int = 0

    def check(self) -> None:
        if bool(self.exercise) == bool(self.columns):
            raise SpecError("give either 'exercise' with 'ask', or 'columns' with 'count'.")
        for mistake in self.wrong:
            self.entry(mistake.code)
        super().check()

    @cached_property
    def exercised(self) -> HandExercise:
        if self.columns:
            return column_exercise(self.columns, self.wrong, self.count, self.names)
        return hand_exercise(self.exercise, self.ask)

    def heads(self, variant: Variant[Worked]) -> list[tuple[str, str]]:
        """(quantity, column's head) from left to right."""
        found = []
        for port in variant.key.hand.ports:
            size = port.size(variant.key.hand.n)
            wide = size[1] if len(size) > 1 else 0
            labels = self.labels if len(self.labels) == wide else tuple(str(i + 1) for i in range(wide))
            found += [(port.name, f"{port.name}_{label}") for label in labels] if wide else [(port.name, port.name)]
        return found

    def parse(self, variant: Variant[Worked], raw: Any) -> Answer:
        heads, n = self.heads(variant), variant.key.hand.n
        if isinstance(raw, dict):
            raw = self.by_column(raw, [head for _, head in heads], n)
        if len(heads) == 1 and isinstance(raw, list) and not any(isinstance(item, list) for item in raw):
            raw = [[item] for item in raw]
        grid = array(raw, (n, len(heads)), gaps=True)
        found: Answer = {}
        for port in variant.key.hand.ports:
            places = [i for i, (name, _) in enumerate(heads) if name == port.name]
            found[port.name] = grid[:, places].reshape(port.size(n))
        return found

    def by_column(self, raw: Mapping[Any, Any], heads: list[str], n: int) -> Any:
        """A table given column by column, as rows."""
        for name in raw:
            if name not in heads:
                raise Malformed(f"Found the column {shown(name)}, which is not asked for. Columns: {', '.join(heads)}.")
        columns = [raw.get(head, [""] * n) for head in heads]
        if any(not isinstance(c, list) or len(c) != n for c in columns):
            raise Malformed(f"Found a column that is no list of {n} numbers; give one for each row.", "shape")
        return [list(row) for row in zip(*columns, strict=True)]

    def mark(self, variant: Variant[Worked], answer: Answer) -> Marks:
        right, followed = self.compared(variant, answer)
        heads, n = self.heads(variant), variant.key.hand.n
        worth = self.points / (n * len(heads))
        typed, ok, own = (self.wide(part, variant.key.hand) for part in (answer, right, followed))
        checks = tuple(
            self.cell(f"{self.row} = {t}, {head}", float(typed[t, k]), bool(ok[t, k]), bool(own[t, k]), worth)
            for t in range(n)
            for k, (_, head) in enumerate(heads)
        )
        full = all(c.verdict == "correct" for c in checks)
        return Marks(checks, () if full else self.explained(variant, answer), score=self.points if full else None)

    def wide(self, part: Answer, hand: Hand) -> Array:
        """Quantities side by side, a row a step."""
        return np.hstack([np.reshape(part[p.name], (hand.n, -1)) for p in hand.ports])

    def cell(self, name: str, typed: float, right: bool, followed: bool, worth: float) -> Check:
        """The check of one cell."""
        if right:
            return Check(name, "correct", worth, worth)
        if np.isnan(typed):
            return Check(name, "missing", 0.0, worth, "left empty")
        if followed:
            return Check(name, "follow-through", self.follow_through * worth, worth, "right for your own earlier values")
        return Check(name, "wrong", 0.0, worth, "wrong")

    def fields(self, variant: Variant[Worked]) -> tuple[Field, ...]:
        rows = tuple(f"{self.row} = {t}" for t in range(variant.key.hand.n))
        return (Field("grid", rows=rows, columns=tuple(head for _, head in self.heads(variant)), help=f"{self.decimals} decimals"),)

    def right(self, variant: Variant[Worked]) -> Any:
        return self.grid(variant, variant.key.hand.truth)

    def grid(self, variant: Variant[Worked], values: Mapping[str, Array]) -> Any:
        """Quantities as the rows of the table."""
        return typed_list(self.wide(dict(values), variant.key.hand), max(self.decimals, 6))

    def examples(self, variant: Variant[Worked]) -> tuple[Example, ...]:
        hand = variant.key.hand
        cells = hand.n * len(self.heads(variant))
        slipped = self.grid(variant, self.slip(variant, hand.ports[0].name, 0))
        rounded = [[round(x, self.decimals) for x in row] for row in self.right(variant)]
        gap = [row[:] for row in self.right(variant)]
        gap[-1][-1] = ""
        turned = np.transpose(self.right(variant)).tolist()
        flawed = [Example(raw, None) for raw in ([[1.0]], "abc", {"no such column": [1]}, turned if len(turned) != hand.n else 5)]
        return (Example(slipped, 1 - 1 / cells), Example(rounded, 1.0), Example(gap, 1 - 1 / cells), *flawed)
