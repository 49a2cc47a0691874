"""The question answered by a few words, compared after case, spaces, hyphens and Unicode forms are made alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.random import Generator

from dosegrade.errors import SpecError
from dosegrade.grading.report import Check
from dosegrade.quiz.kinds.base import Example, Field, Marks, Question, Variant
from dosegrade.quiz.texts import fill
from dosegrade.quiz.typed import Malformed, shown

MAX_TEXT = 120


@dataclass(frozen=True)
class TextLure:
    """`[[questions.lures]]`: words of a mistake, its code, a share of credit, a hint instead of the code's own."""

    code: str
    texts: tuple[str, ...]
    credit: float = 0.0
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Text(Question[tuple[str, ...]]):
    """`accept` lists the right answers; with `spelling` one wrong, missing or added letter is passed over in words of six or more."""

    accept: tuple[str, ...]
    lures: tuple[TextLure, ...] = ()
    spelling: bool = True

    def check(self) -> None:
        if not self.accept or not all(plain(text) for text in self.accept):
            raise SpecError("accept: give one right answer or more, none empty.")
        right = {plain(text) for text in self.accept}
        for lure in self.lures:
            self.entry(lure.code)
            if right & {plain(text) for text in lure.texts} or not 0 <= lure.credit < 1:
                raise SpecError(f"lures: {lure.code}: its texts are wrong answers, its credit lies from 0 up to but not including 1.")

    def make(self, values: Mapping[str, Any], rng: Generator) -> tuple[str, ...]:
        return tuple(fill(text, values) for text in self.accept)

    def parse(self, variant: Variant[tuple[str, ...]], raw: Any) -> str:
        if not isinstance(raw, str | int | float) or isinstance(raw, bool):
            raise Malformed(f"Found {shown(raw)}, expected a few words.")
        if len(str(raw)) > MAX_TEXT:
            raise Malformed(f"Found {len(str(raw))} characters, expected a few words: at most {MAX_TEXT}.")
        return plain(str(raw))

    def mark(self, variant: Variant[tuple[str, ...]], answer: str) -> Marks:
        right = [plain(text) for text in variant.key]
        if answer in right:
            return Marks((Check("answer", "correct", self.points, self.points),))
        found = [lure for lure in self.lures if answer in map(plain, lure.texts)]
        if not found and self.spelling and any(len(text) >= 6 and one_off(answer, text) for text in right):
            return Marks((Check("answer", "correct", self.points, self.points),), notes=("Mind the spelling; it was accepted.",))
        credit = max((lure.credit for lure in found), default=0.0)
        check = Check("answer", "wrong", credit * self.points, self.points, "" if found else "not what is asked for")
        return Marks((check,), self.diagnosed({lure.code: lure.hint for lure in found}))

    def fields(self, variant: Variant[tuple[str, ...]]) -> tuple[Field, ...]:
        return (Field("text", help="a word or a few"),)

    def right(self, variant: Variant[tuple[str, ...]]) -> str:
        return variant.key[0]

    def examples(self, variant: Variant[tuple[str, ...]]) -> tuple[Example, ...]:
        lures = [Example(text, lure.credit) for lure in self.lures for text in lure.texts]
        spelt = [Example(f"  {text.upper().replace(' ', '-')} ", 1.0) for text in variant.key]
        return (*lures, *spelt, Example("no such words at all", 0.0), Example("x" * 500, None), Example([1], None), Example(True, None))


def plain(text: str) -> str:
    """Small letters and digits with single blanks between, compatibility forms taken apart, accents dropped."""
    taken = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(c for c in taken if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", kept))


def one_off(one: str, other: str) -> bool:
    """Whether one letter changed, dropped or added makes one text the other."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    short, long = sorted((one, other), key=len)
    place = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[place + (len(short) == len(long)) :] == long[place + 1 :]
