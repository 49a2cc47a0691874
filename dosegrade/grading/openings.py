"""Which mistakes could give what was answered to the first call: each mistake and each pair is evaluated there once, then looked up.

A block of answers is known by one number, a fixed mixture of its entries. Blocks that agree have numbers near each other, so that a
search in sorted numbers finds the few rows that could be a student's, without a look at the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from dosegrade.compare import FLOOR, block_errors
from dosegrade.grading.cases import MISFITS, MISFITS_TOGETHER, Pair, plan
from dosegrade.grading.exercises import Exercise, Mistake, Variant
from dosegrade.steps import Step, Steps, Values

Array = NDArray[Any]
LOSSES_OF_DIGITS = 1e-12


@dataclass(frozen=True)
class Asked:
    """What a student answered, flat, in the `judged` blocks, with each block's tolerances."""

    flat: Array
    judged: Array
    rtol: Array
    roundoff: Array

    def first(self, width: int, blocks: int) -> Asked:
        """What was answered to the first call."""
        return Asked(self.flat[:width], self.judged[:blocks], self.rtol[:blocks], self.roundoff[:blocks])

    def matched_by(self, rows: Array, scale: Array, starts: Array) -> Array:
        """Which rows of answers are the student's in every judged block."""
        errors = block_errors(rows, self.flat, scale, starts, self.rtol, self.roundoff)
        return np.asarray((errors[:, self.judged] <= 1.0).all(axis=-1))


class Rows:
    """Rows of answers to one call, found by what they are near."""

    def __init__(self, rows: Array, scale: Array, starts: Array) -> None:
        self.rows, self.scale, self.starts = rows, scale, starts
        self._weights = np.cos(np.arange(rows.shape[-1]))
        self._size = self._norm(self._weights)
        self._floor = FLOOR * self._norm(scale)
        with np.errstate(all="ignore"):
            numbers = np.add.reduceat(rows * self._weights, starts, axis=-1)
        self._order = np.argsort(numbers, axis=0)
        self._sorted = np.ascontiguousarray(np.take_along_axis(numbers, self._order, axis=0).T)

    def _norm(self, flat: Array) -> Array:
        return np.asarray(np.sqrt(np.add.reduceat(flat * flat, self.starts)))

    def like(self, asked: Asked) -> Array:
        """The rows that are the student's in every judged block, in order."""
        if not len(self.rows) or not asked.judged.any():
            return np.empty(0, dtype=int)
        with np.errstate(all="ignore"):
            floor = self._floor * asked.roundoff
            gap = (asked.rtol * self._norm(asked.flat) + floor) / (1 - asked.rtol)
            reach = self._size * (gap + LOSSES_OF_DIGITS * (self._norm(asked.flat) + gap))
            number = np.add.reduceat(asked.flat * self._weights, self.starts)
            low, high = number - reach, number + reach
        near = self._order[:, 0]
        for block in np.flatnonzero(asked.judged & np.isfinite(reach)):
            column = self._sorted[block]
            first, last = column.searchsorted(low[block], "left"), column.searchsorted(high[block], "right")
            if last - first < len(near):
                near = self._order[first:last, block]
        if not len(near):
            return near
        near = np.sort(near)
        return near[asked.matched_by(self.rows[near], self.scale, self.starts)]


@dataclass(frozen=True)
class Opened:
    """A mistake at the first call: its derivation, the steps that it touches, and values and row before the finished answer is changed.

    `moved`: the steps stand in another order. `stale` counts the values that differ from the reference's.
    """

    mistake: Mistake
    variant: Variant
    steps: Steps
    touched: frozenset[str]
    moved: bool
    stale: int
    values: Values
    row: Array

    @cached_property
    def table(self) -> dict[str, Step]:
        """The steps by name."""
        return {step.name: step for step in self.steps}

    @cached_property
    def changes(self) -> dict[str, Step]:
        """The touched steps by name."""
        return {name: step for name, step in self.table.items() if name in self.touched}


class Opening:
    """An exercise's mistakes, single and in pairs, at the first of its calls."""

    def __init__(self, exercise: Exercise, steps: Steps, values: Values, inputs: Values, scale: Array) -> None:
        self.exercise, self.steps, self.values, self.inputs = exercise, steps, values, inputs
        self.wanted = tuple(port.quantity for port in exercise.returns)
        sizes = [int(np.size(values[q])) for q in self.wanted]
        self.starts, self.width = np.cumsum([0, *sizes[:-1]]), sum(sizes)
        self.scale = scale[: self.width]
        self._spans = {q: (np.shape(values[q]), slice(at, at + size)) for q, at, size in zip(self.wanted, self.starts, sizes, strict=True)}
        self._table = {step.name: step for step in steps}
        self._reference = np.concatenate([np.ravel(values[q]) for q in self.wanted])
        self._answered: WeakKeyDictionary[Variant, Array | None] = WeakKeyDictionary()

    def answer(self, variant: Variant) -> Array | None:
        """What a mistaken program answers, flat; None where it does not fit or is not finite. Known while the variant lives."""
        if variant not in self._answered:
            self._answered[variant] = self._answer(variant)
        return self._answered[variant]

    def _answer(self, variant: Variant) -> Array | None:
        try:
            with np.errstate(all="ignore"):
                opened = self._open(None, variant)
                row = opened.row if variant.answers is None else self._changed(opened.values, variant)
        except MISFITS:
            return None
        return row if np.isfinite(row).all() else None

    def _open(self, mistake: Mistake | None, variant: Variant) -> Opened:
        """ValueError, KeyError or IndexError where the mistake does not fit."""
        steps = self.steps if variant.rewrite is None else variant.rewrite(self.steps)
        todo = plan(steps, self._table, self.values, self.wanted)
        fresh = todo.run(self.values)
        touched = {step.name for step in steps if self._table.get(step.name) is not step}
        moved = [step.name for step in steps] != [step.name for step in self.steps]
        values = {name: value for name, value in self.values.items() if name not in todo.stale} | fresh
        row = self._replaced(self._reference, fresh)
        return Opened(mistake or Mistake(""), variant, steps, frozenset(touched), moved, len(todo.stale), values, row)

    def _replaced(self, row: Array, fresh: Values) -> Array:
        """A row with some quantities made anew; ValueError where one has another shape."""
        row = row.copy()
        for name, value in fresh.items():
            if name in self._spans:
                shape, span = self._spans[name]
                if np.shape(value) != shape:
                    raise ValueError(name)
                row[span] = np.ravel(value)
        return row

    def _changed(self, values: Values, *variants: Variant) -> Array:
        """The row that values make, changed as variants change the finished answer."""
        made = [{q: values[q] for q in self.wanted}]
        for variant in variants:
            if variant.answers is not None:
                made = variant.answers(made, [self.inputs])
        return self._replaced(self._reference, made[0])

    @cached_property
    def singles(self) -> tuple[tuple[Opened, ...], Rows]:
        """Every exact variant of every mistake, and its answers."""
        found, rows = [], []
        with np.errstate(all="ignore"):
            for mistake, variant in ((m, v) for m in self.exercise.mistakes for v in m.variants if not v.reshapes):
                try:
                    opened = self._open(mistake, variant)
                    row = opened.row if variant.answers is None else self._changed(opened.values, variant)
                except MISFITS:
                    continue
                if np.isfinite(row).all():
                    found.append(opened)
                    rows.append(row)
        return tuple(found), self._rows(rows)

    def _rows(self, rows: Sequence[Array]) -> Rows:
        return Rows(np.stack(rows) if rows else np.empty((0, self.width)), self.scale, self.starts)

    @cached_property
    def pairs(self) -> tuple[tuple[Pair, ...], Rows]:
        """All pairs of mistakes and their answers, in both orders where they touch the same step."""
        found, rows = [], []
        opened = self.singles[0]
        with np.errstate(all="ignore"):
            for i, one in enumerate(opened):
                for other in opened[i + 1 :]:
                    if one.mistake.code == other.mistake.code:
                        continue
                    for a, b in ((one, other),) if apart(one, other) else ((one, other), (other, one)):
                        row = self._pair(a, b)
                        if row is not None:
                            found.append(Pair((a.mistake, b.mistake), (a.variant, b.variant)))
                            rows.append(row)
        kept = np.flatnonzero(np.isfinite(np.reshape(rows, (len(rows), -1))).all(axis=-1))
        return tuple(found[k] for k in kept), self._rows([rows[k] for k in kept])

    def _pair(self, a: Opened, b: Opened) -> Array | None:
        """The answer with the second mistake made on top of the first, from the values of the one that changes more."""
        try:
            if not apart(a, b) or a.moved or b.moved:
                steps = a.steps if b.variant.rewrite is None else b.variant.rewrite(a.steps)
                base = a
            else:
                base, other = (b, a) if a.stale < b.stale else (a, b)
                steps = tuple((base.table | other.changes).values())
            fresh = plan(steps, base.table, base.values, self.wanted).run(base.values)
            if a.variant.answers is None and b.variant.answers is None:
                return self._replaced(base.row, fresh)
            return self._changed({**base.values, **fresh}, a.variant, b.variant)
        except MISFITS_TOGETHER:
            return None


def apart(a: Opened, b: Opened) -> bool:
    """Whether two mistakes touch different steps, and not both the finished answer."""
    return a.touched.isdisjoint(b.touched) and (a.variant.answers is None or b.variant.answers is None)
