"""Names the mistake: which mutated derivation gives what the student returned at every grading point (CONTRACT 3, DOMAIN C.0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.compare import compare
from dosegrade.grading.cases import Bank, Pair
from dosegrade.grading.catalogue import CATALOGUE
from dosegrade.grading.exercises import Answers, Mistake, Variant
from dosegrade.grading.openings import Asked
from dosegrade.grading.report import Diagnosis
from dosegrade.steps import Values

Array = NDArray[Any]
MOST_PAIRS = 5
MOST_TRIED = 25


@dataclass(frozen=True)
class Found:
    """A mistake that explains the answer, with the fitted number in words where there is one."""

    mistake: Mistake
    detail: str = ""


def diagnose(bank: Bank, flat: Array, judged: Array, rtol: Array, roundoff: Array) -> tuple[Diagnosis, ...]:
    """The entries that explain the student's answers in the `judged` blocks: single, in pairs, with a fitted number; else none.

    `flat` holds every promised quantity of every call (nan where she gave none); rtol and roundoff are one number a block.
    """
    asked = Asked(flat, judged, rtol, roundoff)
    first = asked.first(bank.opening.width, len(bank.opening.starts))
    if found := exact(bank, asked, first):
        return told(found)
    if pairs := paired(bank, asked, first):
        return told_pairs(pairs)
    return told(fitted(bank, asked, first))


def exact(bank: Bank, asked: Asked, first: Asked) -> list[Found]:
    """Single mistakes without a free number, each once: looked up at the first call, confirmed at all."""
    singles, rows = bank.opening.singles
    named: dict[str, Found] = {}
    for k in rows.like(first):
        mistake, variant = singles[k].mistake, singles[k].variant
        if mistake.code not in named and confirmed(bank, asked, bank.row(variant)):
            named[mistake.code] = Found(mistake, variant.says)
    return list(named.values())


def confirmed(bank: Bank, asked: Asked, row: Array | None) -> bool:
    """Whether a mistaken program's answers to all calls are the student's."""
    return row is not None and bool(asked.matched_by(row[None, :], bank.scale, bank.starts)[0])


def reshaped(bank: Bank, given: Sequence[Mapping[str, Array | None]]) -> tuple[Diagnosis, ...]:
    """The mistakes that give the student's numbers in the student's shapes, another than promised (a row too few)."""
    named = {mistake.code: Found(mistake) for mistake, made in bank.reshaped if all(map(alike, given, made))}
    return told(list(named.values()))


def alike(given: Mapping[str, Array | None], made: Values) -> bool:
    """Whether one call's arrays have the shapes and the numbers of a mistaken answer."""
    pairs = [(given.get(name), np.asarray(value)) for name, value in made.items()]
    return all(a is not None and a.shape == m.shape and same_numbers(a, m) for a, m in pairs)


def same_numbers(a: Array, m: Array) -> bool:
    """Whether two arrays are the same with numbers in the same places, in some at least."""
    there = np.isfinite(m)
    return bool(there.any() and (np.isfinite(a) == there).all()) and compare(a[there], m[there], np.abs(m[there])).same


def paired(bank: Bank, asked: Asked, first: Asked) -> list[Pair]:
    """Two mistakes made together, each pair of codes once: looked up at the first call, confirmed at all."""
    pairs, rows = bank.opening.pairs
    named: dict[frozenset[str], Pair] = {}
    for k in rows.like(first):
        pair = pairs[k]
        if len(named) == MOST_TRIED:
            break
        if frozenset(pair.codes) not in named and confirmed(bank, asked, bank.row(*pair.variants)):
            named[frozenset(pair.codes)] = pair
    return list(named.values())


def told_pairs(found: Sequence[Pair]) -> tuple[Diagnosis, ...]:
    """Each pair as two entries of one group, the first few, synonyms under those that list them; `certain` where one pair is left."""
    kept = [pair for pair in found if not any(covers(other, pair) for other in found if other is not pair)]
    made = []
    for group, pair in enumerate(kept[:MOST_PAIRS], 1):
        for mistake in pair.mistakes:
            entry = CATALOGUE[mistake.code]
            made.append(Diagnosis(entry.code, entry.name, entry.question, len(kept) == 1, mistake.also, group))
    return tuple(made)


def covers(one: Pair, other: Pair) -> bool:
    """Whether each mistake of the other pair is one of this pair or a synonym listed there."""

    def named(mistake: Mistake, code: str) -> bool:
        return code == mistake.code or code in mistake.also

    a, b = one.mistakes
    c, d = other.codes
    return (named(a, c) and named(b, d)) or (named(a, d) and named(b, c))


def fitted(bank: Bank, asked: Asked, first: Asked) -> list[Found]:
    """Mistakes with one free number: proposed from the first call, confirmed on all."""
    given = [q for q, usable in zip(bank.opening.wanted, first.judged, strict=True) if usable]
    mine: Answers = [{name: answer[name] for name in given} for answer in bank.shaped(asked.flat, 1)]
    theirs: Answers = [{name: values[name] for name in given} for values in bank.values[:1]]
    named: dict[str, Found] = {}
    with np.errstate(all="ignore"):
        for mistake in bank.exercise.mistakes:
            for fit in mistake.fits:
                for number in fit.estimate(mine, theirs, bank.inputs[:1]):
                    if mistake.code not in named and holds(bank, asked, first, fit.variant(number)):
                        named[mistake.code] = Found(mistake, fit.says.format(number))
    return list(named.values())


def holds(bank: Bank, asked: Asked, first: Asked, variant: Variant) -> bool:
    """Whether a fitted mistake is the student's answer everywhere, and is not the right answer."""
    opening = bank.opening
    row = opening.answer(variant)
    if row is None or not first.matched_by(row[None, :], opening.scale, opening.starts)[0]:
        return False
    row = bank.answers(variant)
    return row is not None and confirmed(bank, asked, row) and not bool((bank.errors(row) <= 1.0).all())


def told(found: Sequence[Found]) -> tuple[Diagnosis, ...]:
    """The entries as reported: synonyms under the one that lists them, `certain` where one is left."""
    covered = {code for f in found for code in f.mistake.also}
    kept = [f for f in found if f.mistake.code not in covered]
    made = []
    for f in kept:
        entry = CATALOGUE[f.mistake.code]
        hint = entry.hint if not f.detail else f"{entry.hint} ({f.detail[0].upper()}{f.detail[1:]}.)"
        made.append(Diagnosis(entry.code, entry.name, hint, len(kept) == 1, f.mistake.also))
    return tuple(made)
