"""The question answered by the numbers of a derivation's named steps, typed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Port
from dosegrade.grading.report import Check
from dosegrade.quiz.byhand import HandExercise, hand_exercise
from dosegrade.quiz.kinds.base import Example, Field, Marks, Variant
from dosegrade.quiz.kinds.byhand import COARSE, Answer, ByHand, Worked
from dosegrade.quiz.kinds.numbers import typed_list
from dosegrade.quiz.typed import Malformed, array, blank, number, shape_words, shown
from dosegrade.registry import did_you_mean

Array = NDArray[Any]


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
        right, followed = variant.key.right(answer), variant.key.followed(answer)
        coarse = variant.key.coarse(answer)
        worth = self.points / len(self.ask)
        checks = tuple(self.step_check(name, right.get(name), followed.get(name), coarse.get(name), worth) for name in self.ask)
        full = all(c.verdict == "correct" for c in checks)
        return Marks(checks, () if full else self.explained(variant.key, answer), score=self.points if full else None)

    def step_check(self, name: str, right: Array | None, followed: Array | None, coarse: Array | None, worth: float) -> Check:
        """The check of one step."""
        if right is None or followed is None or coarse is None:
            return Check(name, "missing", 0.0, worth, "left empty")
        if right.all():
            return Check(name, "correct", worth, worth)
        score = worth * float(np.mean(right + self.follow_through * followed))
        if (right | followed).all():
            return Check(name, "follow-through", score, worth, "right for your own earlier values: the mistake lies before this step")
        if (right | followed | coarse).all():
            return Check(name, "wrong", score, worth, COARSE.format(self.decimals))
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
