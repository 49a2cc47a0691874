"""A safe grammar of formulas: own tokens, own tree, a closed list of functions. Nothing is ever evaluated as Python.

sum     := product (("+" | "-") product)*
product := sign (("*" | "/") sign)*
sign    := ("+" | "-") sign | power
power   := atom ("^" sign)?
atom    := number | name | name "(" sum ("," sum)* ")" | name ("[" sum "]")+ | "(" sum ")"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dosegrade.errors import DosegradeError
from dosegrade.quiz.functions import ELEMENTARY, FUNCTIONS
from dosegrade.registry import did_you_mean

MAX_LENGTH = 400
MAX_TOKENS = 200
MAX_DEPTH = 40
MAX_EXPONENT = 64.0
MAX_DIGITS = 40


class ExpressionError(DosegradeError):
    """A text that is no formula of the grammar; says what was found and what was expected."""


@dataclass(frozen=True)
class Node:
    """A number or name (`value`), or an operation on `parts`: + - * / ^ neg call index."""

    op: str
    value: Any = None
    parts: tuple[Node, ...] = ()


_TOKEN = re.compile(r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<sign>[-+*/^(),\[\]]))")
_SPELT = str.maketrans({"−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "÷": "/", "²": "^2", "³": "^3"})


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text) for each token; ExpressionError for anything else."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"Found a formula of {len(text)} characters; expected at most {MAX_LENGTH}. Write it shorter.")
    text = text.translate(_SPELT).replace("**", "^").rstrip()
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ExpressionError(
                f"Found {text[place:].lstrip()[0]!r}, which no formula holds; use numbers, names, + - * / ^ and brackets."
            )
        if len(match[0].strip()) > MAX_DIGITS:
            raise ExpressionError(f"Found a number or name of more than {MAX_DIGITS} characters; write it shorter.")
        yield str(match.lastgroup), match[0].strip()
        place = match.end()


class _Parser:
    """Recursive descent over the tokens, depth counted."""

    def __init__(self, text: str, names: frozenset[str] | None, vectors: bool) -> None:
        self.tokens = list(tokens(text))
        self.place = 0
        self.depth = 0
        self.names, self.vectors = names, vectors
        self.functions = tuple(FUNCTIONS) if vectors else ELEMENTARY
        if not self.tokens:
            raise ExpressionError("Found nothing; expected a formula.")
        if len(self.tokens) > MAX_TOKENS:
            raise ExpressionError(f"Found a formula of {len(self.tokens)} parts; expected at most {MAX_TOKENS}. Write it shorter.")

    @property
    def next(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        found = self.next
        if expected and found not in expected:
            raise ExpressionError(f"Found {found or 'the end'!r}, expected {' or '.join(expected)}.")
        self.place += 1
        return found

    def whole(self) -> Node:
        node = self.sum()
        if self.next:
            hint = " Write * for a product." if self.tokens[self.place][0] != "sign" or self.next == "(" else ""
            raise ExpressionError(f"Found {self.next!r} where the formula should end or go on with + - * / ^.{hint}")
        return node

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"Found brackets nested more than {MAX_DEPTH} deep; write the formula flatter.")
        node = self.product()
        while self.next in ("+", "-"):
            node = Node(self.take(), parts=(node, self.product()))
        self.depth -= 1
        return node

    def product(self) -> Node:
        node = self.signed()
        while self.next in ("*", "/"):
            node = Node(self.take(), parts=(node, self.signed()))
        return node

    def signed(self) -> Node:
        minus = 0
        while self.next in ("+", "-"):
            minus += self.take() == "-"
        node = self.power()
        return Node("neg", parts=(node,)) if minus % 2 else node

    def power(self) -> Node:
        base = self.atom()
        if self.next != "^":
            return base
        self.take()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"Found powers nested more than {MAX_DEPTH} deep; write the formula flatter.")
        exponent = self.signed()
        self.depth -= 1
        if not uses(exponent) and not abs(float(evaluate(exponent, {}))) <= MAX_EXPONENT:
            raise ExpressionError(f"Found an exponent beyond {MAX_EXPONENT:g}; use a smaller one.")
        return Node("^", parts=(base, exponent))

    def atom(self) -> Node:
        kind = self.tokens[self.place][0] if self.place < len(self.tokens) else "end"
        if kind == "number":
            return Node("number", self.take())
        if kind == "name":
            return self.named(self.take())
        if self.next == "(":
            self.take()
            node = self.sum()
            self.take(")")
            return node
        raise ExpressionError(f"Found {self.next or 'the end'!r}, expected a number, a name or (.")

    def named(self, name: str) -> Node:
        if self.next == "(":
            return self.call(name)
        if self.names is not None and name not in self.names:
            wants = " It is a function: write its argument in ( )." if name in self.functions else did_you_mean(name, self.names)
            raise ExpressionError(f"Found the name '{name}', which stands for nothing here.{wants} Names: {', '.join(sorted(self.names))}.")
        node = Node("name", name)
        while self.next == "[" and self.vectors:
            self.take()
            node = Node("index", parts=(node, self.sum()))
            self.take("]")
        return node

    def call(self, name: str) -> Node:
        real = FUNCTIONS.aliases.get(name, name)
        if real not in self.functions:
            if self.names is not None and name in self.names:
                raise ExpressionError(f"Found '{name}(': {name} is no function. Write {name}*( for a product.")
            hint = did_you_mean(name, self.functions)
            raise ExpressionError(f"Found the function '{name}', which is not known.{hint} Functions: {', '.join(self.functions)}.")
        self.take("(")
        parts = [self.sum()]
        while self.next == ",":
            self.take()
            parts.append(self.sum())
        self.take(")")
        arity = FUNCTIONS[real].arity
        least = 1 if self.vectors else 2
        if len(parts) != arity if arity is not None else len(parts) < least:
            raise ExpressionError(f"Found {len(parts)} arguments for {name}, expected {arity or f'{least} or more'}.")
        return Node("call", real, tuple(parts))


def parse(text: str, names: frozenset[str] | None = None, vectors: bool = True) -> Node:
    """The tree of a formula in the given names (any, where None); `vectors` allows entries v[i] and functions of vectors.

    ExpressionError says what is wrong.
    """
    return _Parser(text, names, vectors).whole()


def uses(node: Node) -> set[str]:
    """The names in a formula."""
    found = {node.value} if node.op == "name" else set()
    for part in node.parts:
        found |= uses(part)
    return found


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "neg": np.negative,
}


def evaluate(node: Node, values: Mapping[str, Any]) -> Any:
    """The formula's value for floats, complex numbers or arrays; nan or inf where it has none. Names must be in `values`."""
    with np.errstate(all="ignore"):
        return _value(node, values)


def _value(node: Node, values: Mapping[str, Any]) -> Any:
    if node.op == "number":
        return np.float64(node.value)
    if node.op == "name":
        return _number(node.value, values[node.value])
    parts = [_value(part, values) for part in node.parts]
    if node.op == "call":
        return FUNCTIONS[node.value].compute(*parts)
    if node.op == "index":
        return _entry(node, *parts)
    return _OPERATIONS[node.op](*parts)


def _number(name: str, value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "iubfc":
        raise ExpressionError(f"The name '{name}' holds {str(value)[:40]!r}, no number.")
    return array.astype(float) if array.dtype.kind in "iub" else array


def _entry(node: Node, vector: Any, index: Any) -> Any:
    vector, place = np.asarray(vector), float(index)
    if not vector.ndim or place != int(place) or not -len(vector) <= place < len(vector):
        raise ExpressionError(f"The index {place:g} does not fit: found shape {vector.shape}.")
    return vector[int(place)]
