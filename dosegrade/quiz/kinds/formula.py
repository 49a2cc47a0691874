"""The question answered by a formula in named symbols; any form that is the same function is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.random import Generator

from dosegrade.errors import SpecError
from dosegrade.grading.report import Check
from dosegrade.quiz.algebra import agree, confirmed
from dosegrade.quiz.expressions import ExpressionError, Node, parse
from dosegrade.quiz.functions import ELEMENTARY
from dosegrade.quiz.kinds.base import Example, Field, Marks, Question, Variant
from dosegrade.quiz.typed import Malformed, shown


@dataclass(frozen=True)
class FormulaLure:
    """`[[questions.lures]]`: the formula that a mistake gives, its code, credit, and a hint instead of the code's own."""

    code: str
    formula: str
    credit: float = 0.0
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Formula(Question[None]):
    """`symbols` are the names that may be used: free ones "", others with the formula that defines them from those before."""

    answer: str
    symbols: Mapping[str, str]
    lures: tuple[FormulaLure, ...] = ()

    def check(self) -> None:
        if not self.symbols:
            raise SpecError('symbols: name what the formula may use, x = "" for a free symbol.')
        right = self.tree("answer", self.answer)
        for lure in self.lures:
            self.entry(lure.code)
            if not 0 <= lure.credit < 1:
                raise SpecError(f"lures: {lure.code}: credit: found {lure.credit}, expected 0 up to but not including 1.")
            if agree(right, self.tree(f"lures: {lure.code}", lure.formula), self.defined):
                raise SpecError(f"lures: {lure.code}: its formula is the answer in another form; change or remove it.")

    @cached_property
    def defined(self) -> dict[str, Node | None]:
        """The symbols, with the trees of those that are defined by others."""
        found: dict[str, Node | None] = {}
        for name, formula in self.symbols.items():
            try:
                found[name] = parse(formula, frozenset(found), vectors=False) if formula else None
            except ExpressionError as error:
                raise SpecError(f"symbols: {name}: {error} A symbol is defined by those before it.") from None
        return found

    def tree(self, key: str, text: str) -> Node:
        """A formula of the author's."""
        try:
            return parse(text, frozenset(self.defined), vectors=False)
        except ExpressionError as error:
            raise SpecError(f"{key}: {error}") from None

    def make(self, values: Mapping[str, Any], rng: Generator) -> None:
        return None

    def parse(self, variant: Variant[None], raw: Any) -> str:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            raw = str(raw)
        if not isinstance(raw, str):
            raise Malformed(f"Found {shown(raw)}, expected a formula as a text.")
        try:
            parse(raw, frozenset(self.defined), vectors=False)
        except ExpressionError as error:
            raise Malformed(str(error)) from None
        return raw

    def mark(self, variant: Variant[None], answer: str) -> Marks:
        typed, right = parse(answer, frozenset(self.defined), vectors=False), parse(self.answer)
        if typed == right or (
            agree(typed, right, self.defined) and confirmed(answer, self.answer, tuple(self.symbols.items())) is not False
        ):
            return Marks((Check("answer", "correct", self.points, self.points),))
        found = [lure for lure in self.lures if agree(typed, parse(lure.formula), self.defined)]
        credit = max((lure.credit for lure in found), default=0.0)
        check = Check("answer", "wrong", credit * self.points, self.points, "" if found else self.remark(typed, right))
        return Marks((check,), self.diagnosed({lure.code: lure.hint for lure in found}))

    def remark(self, typed: Node, right: Node) -> str:
        """What can be said of a wrong formula that no mistake explains."""
        if agree(Node("neg", parts=(typed,)), right, self.defined):
            return "the sign is opposite"
        for factor in ("2", "0.5"):
            if agree(Node("*", parts=(Node("number", factor), typed)), right, self.defined):
                return "a constant factor is not right"
        return "wrong: try numbers in your formula and in a difference quotient"

    def fields(self, variant: Variant[None]) -> tuple[Field, ...]:
        return (Field("text", help=f"a formula in {', '.join(self.symbols)}; + - * / ^ and {', '.join(ELEMENTARY)}"),)

    def right(self, variant: Variant[None]) -> str:
        return self.answer

    def examples(self, variant: Variant[None]) -> tuple[Example, ...]:
        lures = [Example(lure.formula, lure.credit) for lure in self.lures]
        flawed = ("__import__('os')", "x.__class__", "((((", "2x", "1 +", "q" * 500, "9^9^9", "exp(", "eval(1)", "lambda: 1")
        return (*lures, Example(f"3 + 7*({self.answer})", 0.0), *[Example(raw, None) for raw in flawed], Example([1], None))
