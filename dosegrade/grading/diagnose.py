"""Names the mistake: which mutated derivation gives what the student returned at every grading point (CONTRACT 3, DOMAIN C.0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.compare import block_errors, compare
from dosegrade.grading.cases import Bank, Pair
from dosegrade.grading.catalogue import CATALOGUE
from dosegrade.grading.exercises import Answers, Mistake, Variant
from dosegrade.grading.report import Diagnosis
from dosegrade.steps import Values

Array = NDArray[Any]
MOST_PAIRS = 5


@dataclass(frozen=True)
class Found:
    """A mistake that explains the answer, with the fitted number in words where there is one."""

    mistake: Mistake
    detail: str = ""


@dataclass(frozen=True)
class Asked:
    """What is to be explained: a student's flat answers in the `judged` blocks, with each block's tolerances."""

    bank: Bank
    flat: Array
    judged: Array
    rtol: Array
    roundoff: Array

    def matched_by(self, rows: Array) -> Array:
        """Which rows of answers are the student's in every judged block."""
        errors = block_errors(rows, self.flat, self.bank.scale, self.bank.starts, self.rtol, self.roundoff)
        return np.asarray((errors[:, self.judged] <= 1.0).all(axis=-1))

    def opened_by(self, rows: Array) -> Array:
        """Which rows of the opening's answers are the student's at the first case: a cheap first look."""
        opening = self.bank.opening
        blocks, size = len(opening.starts) // 2, opening.reference.size // 2
        starts, rtol, roundoff = opening.starts[:blocks], self.rtol[:blocks], self.roundoff[:blocks]
        errors = block_errors(rows[:, :size], self.flat[:size], self.bank.scale[:size], starts, rtol, roundoff)
        return np.asarray((errors[:, self.judged[:blocks]] <= 1.0).all(axis=-1))

    def confirmed(self, variant: Variant, together: bool = False) -> Array | None:
        """The variant's answers to all calls where they are the student's."""
        row = self.bank.answers(variant, together)
        return row if row is not None and self.matched_by(row[None, :])[0] else None


def diagnose(bank: Bank, student: Sequence[Values], judged: Array, rtol: Array, roundoff: Array) -> tuple[Diagnosis, ...]:
    """The entries that explain the student's answers in the `judged` blocks: single, in pairs, with a fitted number; else none.

    `student` holds, call by call, every promised quantity (nan where she gave none); rtol and roundoff are one number a block.
    """
    asked = Asked(bank, bank.flatten(student), judged, rtol, roundoff)
    if found := exact(asked):
        return told(found)
    if pairs := paired(asked):
        return told_pairs(pairs)
    return told(fitted(asked, student))


def exact(asked: Asked) -> list[Found]:
    """Single mistakes without a free number, each once."""
    bank = asked.bank
    if not bank.mutants:
        return []
    named: dict[str, Found] = {}
    for mutant, hit in zip(bank.mutants, asked.matched_by(bank.table), strict=True):
        if hit:
            named.setdefault(mutant.mistake.code, Found(mutant.mistake))
    return list(named.values())


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


def paired(asked: Asked) -> list[Pair]:
    """Two mistakes made together, each pair of codes once: filtered at the first case, confirmed at all."""
    pairs, rows = asked.bank.pairs
    named: dict[frozenset[str], Pair] = {}
    for k in np.flatnonzero(asked.opened_by(rows)) if pairs else ():
        pair = pairs[k]
        if frozenset(pair.codes) not in named and asked.confirmed(pair.variant, together=True) is not None:
            named[frozenset(pair.codes)] = pair
    return list(named.values())


def told_pairs(found: Sequence[Pair]) -> tuple[Diagnosis, ...]:
    """Each pair as two entries of one group; `certain` where one pair alone explains the answer."""
    made = []
    for group, pair in enumerate(found[:MOST_PAIRS], 1):
        for mistake in pair.mistakes:
            entry = CATALOGUE[mistake.code]
            made.append(Diagnosis(entry.code, entry.name, entry.hint, len(found) == 1, mistake.also, group))
    return tuple(made)


def fitted(asked: Asked, student: Sequence[Values]) -> list[Found]:
    """Mistakes with one free number: proposed from the first call, confirmed on all."""
    bank = asked.bank
    given = returned_everywhere(bank, student)
    mine: Answers = [{name: answer[name] for name in given} for answer in student]
    theirs: Answers = [{name: values[name] for name in given} for values in bank.values]
    named: dict[str, Found] = {}
    for mistake in bank.exercise.mistakes:
        for fit in mistake.fits:
            for number in fit.estimate(mine, theirs, bank.inputs):
                if mistake.code not in named and holds(asked, fit.variant(number)):
                    named[mistake.code] = Found(mistake, fit.says.format(number))
    return list(named.values())


def holds(asked: Asked, variant: Variant) -> bool:
    """Whether a fitted mistake is the student's answer everywhere, and is not the right answer."""
    first = asked.bank.opening.answers(variant)
    if first is None or not asked.opened_by(first[None, :])[0]:
        return False
    row = asked.confirmed(variant)
    return row is not None and not bool((asked.bank.errors(row) <= 1.0).all())


def returned_everywhere(bank: Bank, student: Sequence[Values]) -> list[str]:
    """The quantities that the student gave, finite, at every call."""
    names = [port.quantity for port in bank.exercise.returns]
    return [name for name in names if all(np.isfinite(answer[name]).all() for answer in student)]


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
