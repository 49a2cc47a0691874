"""Questions answered by arranging: lines in order, pairs that belong together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.random import Generator

from dosegrade.errors import SpecError
from dosegrade.grading.report import Check
from dosegrade.quiz.kinds.base import Example, Field, Marks, Question, Variant
from dosegrade.quiz.kinds.choosing import option_id
from dosegrade.quiz.texts import fill
from dosegrade.quiz.typed import Malformed, shown
from dosegrade.quiz.variables import Redraw

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lettered(texts: Sequence[str], rng: Generator) -> dict[str, str]:
    """The texts in a drawn order, never the given one, under the letters A, B, …"""
    order = rng.permutation(len(texts))
    while len(texts) > 1 and all(int(i) == k for k, i in enumerate(order)):
        order = rng.permutation(len(texts))
    return {LETTERS[k]: texts[int(i)] for k, i in enumerate(order)}


@dataclass(frozen=True)
class Lines:
    """The lines by letter as shown, and the right orders."""

    lines: Mapping[str, str]
    orders: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Order(Question[Lines]):
    """`lines` in the right order; `also` gives further right orders as line numbers, from 1; credit `subsequence` or `pairs`.

    `extra` are lines that belong nowhere.
    """

    lines: tuple[str, ...]
    also: tuple[tuple[int, ...], ...] = ()
    extra: tuple[str, ...] = ()
    credit: str = "subsequence"

    def check(self) -> None:
        every = (*self.lines, *self.extra)
        if not 2 <= len(self.lines) <= len(every) <= len(LETTERS) or len(set(every)) < len(every):
            raise SpecError(f"lines: found {len(every)}, expected 2 to {len(LETTERS)}, all different.")
        if self.credit not in CREDITS:
            raise SpecError(f"credit: found {self.credit!r}, expected one of {', '.join(CREDITS)}.")
        for order in self.also:
            if sorted(order) != list(range(1, len(self.lines) + 1)):
                raise SpecError(f"also: found {list(order)}, expected the numbers 1 to {len(self.lines)}, each once.")

    def make(self, values: Mapping[str, Any], rng: Generator) -> Lines:
        texts = [fill(line, values) for line in (*self.lines, *self.extra)]
        shown_lines = lettered(texts, rng)
        letter = {text: name for name, text in shown_lines.items()}
        orders = (tuple(range(1, len(self.lines) + 1)), *self.also)
        return Lines(shown_lines, tuple(tuple(letter[texts[i - 1]] for i in order) for order in orders))

    def parse(self, variant: Variant[Lines], raw: Any) -> tuple[str, ...]:
        items = separated(raw) if isinstance(raw, str) else raw
        if not isinstance(items, list) or len(items) > len(LETTERS):
            raise Malformed(f"Found {shown(raw)}, expected a list of letters such as {', '.join(list(variant.key.lines)[:3])}.")
        found = tuple(option_id(item, variant.key.lines) for item in items)
        twice = [name for name in found if found.count(name) > 1]
        if twice:
            raise Malformed(f"Found {twice[0]} twice; each line stands in one place.")
        return found

    def mark(self, variant: Variant[Lines], answer: tuple[str, ...]) -> Marks:
        share = max(CREDITS[self.credit](answer, order) for order in variant.key.orders)
        if share == 1:
            return Marks((Check("order", "correct", self.points, self.points),))
        order = max(variant.key.orders, key=lambda o: CREDITS[self.credit](answer, o))
        first = next((i for i, (a, b) in enumerate(zip(answer, order, strict=False)) if a != b), min(len(answer), len(order)))
        message = f"wrong from place {first + 1} on" if first < len(order) else "some lines do not belong"
        return Marks((Check("order", "wrong", share * self.points, self.points, message),))

    def fields(self, variant: Variant[Lines]) -> tuple[Field, ...]:
        rows = tuple(str(i + 1) for i in range(len(self.lines)))
        return (Field("grid", options=tuple(variant.key.lines.items()), rows=rows, columns=("",), help="the lines' letters in order"),)

    def right(self, variant: Variant[Lines]) -> list[str]:
        return list(variant.key.orders[0])

    def examples(self, variant: Variant[Lines]) -> tuple[Example, ...]:
        best = variant.key.orders[0]
        swapped = (best[1], best[0], *best[2:])
        made = [(*best[1:], best[0]), swapped, best[:-1], tuple(reversed(best))]
        graded = [Example(list(a), max(CREDITS[self.credit](a, o) for o in variant.key.orders)) for a in made]
        spelt = Example(" ".join(best).lower(), 1.0)
        return (*graded, spelt, *[Example(raw, None) for raw in ([best[0], best[0]], ["??"], 3, {"1": "A"})])


def separated(text: str) -> list[str]:
    """`b a c`, `B, A, C` or `BAC` as letters."""
    items = text.replace(",", " ").split()
    return list(items[0]) if len(items) == 1 else items


def subsequence(answer: Sequence[str], order: Sequence[str]) -> float:
    """The longest common subsequence as a share of the lines, those that do not belong taken off."""
    best = [0] * (len(order) + 1)
    for item in answer:
        row = [0]
        for k, other in enumerate(order):
            row.append(best[k] + 1 if item == other else max(best[k + 1], row[k]))
        best = row
    strange = sum(item not in order for item in answer)
    return 0.0 if best[-1] <= 1 < len(order) else max(0.0, (best[-1] - strange) / len(order))


def pairs(answer: Sequence[str], order: Sequence[str]) -> float:
    """The right neighbours as a share of all."""
    right = set(itertools.pairwise(order))
    found = set(itertools.pairwise(answer))
    return 1.0 if list(answer) == list(order) else min(len(found & right) / len(right), 1 - 1 / len(order))


CREDITS = {"subsequence": subsequence, "pairs": pairs}


@dataclass(frozen=True)
class Pair:
    """`[[questions.pairs]]`: what belongs together."""

    left: str
    right: str


@dataclass(frozen=True)
class PairLure:
    """`[[questions.lures]]`: a wrong pairing (`left` and `right` as in the pairs), its code, a hint instead of the code's own."""

    code: str
    left: str
    right: str
    hint: str = ""


@dataclass(frozen=True)
class Matching:
    """Left texts by number, right ones by letter, which letter belongs to which number; the lures' letters."""

    left: Mapping[str, str]
    right: Mapping[str, str]
    answer: Mapping[str, str]
    lures: tuple[tuple[str, str, PairLure], ...]


@dataclass(frozen=True, kw_only=True)
class Match(Question[Matching]):
    """`pairs` of left and right; several left ones may share a right one; `extra` are right ones that fit nothing."""

    pairs: tuple[Pair, ...]
    extra: tuple[str, ...] = ()
    lures: tuple[PairLure, ...] = ()

    def check(self) -> None:
        left = [pair.left for pair in self.pairs]
        if len(left) < 2 or len(set(left)) < len(left):
            raise SpecError(f"pairs: found {len(left)}, expected two or more with different left sides.")
        known = {pair.right for pair in self.pairs} | set(self.extra)
        if not 2 <= len(known) <= len(LETTERS):
            raise SpecError(f"pairs: found {len(known)} different right sides, expected 2 to {len(LETTERS)}.")
        for lure in self.lures:
            self.entry(lure.code)
            if lure.left not in left or lure.right not in known or Pair(lure.left, lure.right) in self.pairs:
                raise SpecError(f"lures: {lure.code}: give a left and a right side of the pairs that do not belong together.")

    def make(self, values: Mapping[str, Any], rng: Generator) -> Matching:
        sides = list(dict.fromkeys([*(pair.right for pair in self.pairs), *self.extra]))
        texts = {side: fill(side, values) for side in sides}
        if len(set(texts.values())) < len(texts):
            raise Redraw("two right sides read alike")
        right = lettered([texts[side] for side in sides], rng)
        letter = {text: name for name, text in right.items()}
        number = {pair.left: str(k) for k, pair in enumerate(self.pairs, 1)}
        answer = {number[pair.left]: letter[texts[pair.right]] for pair in self.pairs}
        lures = tuple((number[lure.left], letter[texts[lure.right]], lure) for lure in self.lures)
        return Matching({n: fill(text, values) for text, n in number.items()}, right, answer, lures)

    def parse(self, variant: Variant[Matching], raw: Any) -> dict[str, str]:
        left = variant.key.left
        if isinstance(raw, str):
            raw = separated(raw)
        if isinstance(raw, list):
            if len(raw) != len(left):
                raise Malformed(f"Found {len(raw)} letters, expected {len(left)}: one for each of {', '.join(left)}.")
            raw = dict(zip(left, raw, strict=True))
        if not isinstance(raw, dict):
            raise Malformed(f"Found {shown(raw)}, expected a letter for each of {', '.join(left)}.")
        unknown = [key for key in raw if str(key) not in left]
        if unknown:
            raise Malformed(f"Found {shown(unknown[0])}, expected the numbers {', '.join(left)}.")
        return {str(key): option_id(item, variant.key.right) for key, item in raw.items() if item != ""}

    def mark(self, variant: Variant[Matching], answer: dict[str, str]) -> Marks:
        key, worth = variant.key, self.points / len(variant.key.left)
        checks = tuple(self.pair_check(number, answer.get(number, ""), key.answer[number], worth) for number in key.left)
        found = {lure.code: lure.hint for number, letter, lure in key.lures if answer.get(number) == letter}
        full = all(c.verdict == "correct" for c in checks)
        named = tuple(self.diagnosed({code: hint})[0] for code, hint in found.items())
        return Marks(checks, named, score=self.points if full else None)

    def pair_check(self, number: str, given: str, right: str, worth: float) -> Check:
        """The check of one pair."""
        if given == right:
            return Check(number, "correct", worth, worth)
        return Check(number, "wrong" if given else "missing", 0.0, worth, f"{given} does not belong to it" if given else "left empty")

    def fields(self, variant: Variant[Matching]) -> tuple[Field, ...]:
        rows = tuple(f"{n}. {text}" for n, text in variant.key.left.items())
        return (Field("grid", options=tuple(variant.key.right.items()), rows=rows, columns=("",), help="one letter for each"),)

    def right(self, variant: Variant[Matching]) -> list[str]:
        return list(variant.key.answer.values())

    def examples(self, variant: Variant[Matching]) -> tuple[Example, ...]:
        right, key = self.right(variant), variant.key
        other = next(letter for letter in key.right if letter != right[0])
        lured = []
        for number, letter, _ in key.lures:
            lured.append(Example({**key.answer, number: letter}, 1 - 1 / len(right)))
        made = [Example([other, *right[1:]], 1 - 1 / len(right)), Example(", ".join(right).lower(), 1.0), Example(dict(key.answer), 1.0)]
        return (*lured, *made, *[Example(raw, None) for raw in (right[:-1], ["?"] * len(right), 5, {"99": "A"})])
