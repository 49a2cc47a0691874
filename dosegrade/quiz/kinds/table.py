"""The question answered by a grid of numbers, each row from the one before: a trace table, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.report import Check
from dosegrade.quiz.byhand import Hand, HandExercise, hand_exercise
from dosegrade.quiz.columns import Column, ColumnMistake, column_exercise
from dosegrade.quiz.kinds.base import Example, Field, Marks, Variant
from dosegrade.quiz.kinds.byhand import COARSE, Answer, ByHand, Worked
from dosegrade.quiz.kinds.numbers import entry_check, typed_list
from dosegrade.quiz.typed import Malformed, array, shown

Array = NDArray[Any]


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
        right, followed = variant.key.right(answer), variant.key.followed(answer)
        heads, n = self.heads(variant), variant.key.hand.n
        worth = self.points / (n * len(heads))
        parts = (right, {name: np.isnan(typed) for name, typed in answer.items()}, followed, variant.key.coarse(answer))
        ok, gap, own, near = (self.wide(part, variant.key.hand) for part in parts)

        def cell(t: int, k: int) -> Check:
            remark = COARSE.format(self.decimals) if near[t, k] else "wrong"
            name = f"{self.row} = {t}, {heads[k][1]}"
            return entry_check(name, bool(ok[t, k]), bool(gap[t, k]), worth, bool(own[t, k]), self.follow_through, remark)

        checks = tuple(cell(t, k) for t in range(n) for k in range(len(heads)))
        full = all(c.verdict == "correct" for c in checks)
        return Marks(checks, () if full else self.explained(variant.key, answer), score=self.points if full else None)

    def wide(self, part: Answer, hand: Hand) -> Array:
        """Quantities side by side, a row a step."""
        return np.hstack([np.reshape(part[p.name], (hand.n, -1)) for p in hand.ports])

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
