"""Draws the cases of a code question and vets them: every mistake must show at two of them or more (DOMAIN D.3, 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dosegrade.errors import SpecError
from dosegrade.grading.cases import MISFITS, Bank, changed
from dosegrade.grading.exercises import Case, Exercise, Variant
from dosegrade.steps import needed

ATTEMPTS = 40
FIRST_LOOK = 3


def draw(exercise: Exercise, seed: tuple[int, ...]) -> Bank:
    """Cases for a seed at which every mistake shows at two points or more (DOMAIN D.3, 6); SpecError names those that stay hidden.

    The bank's exercise keeps the variants that are mistakes for it: one that changes nothing on generic inputs either is none.
    """
    rng = np.random.default_rng(seed)
    exercise = without(exercise, idle(exercise))
    hidden: list[Variant] = []
    for _ in range(ATTEMPTS):
        cases = [exercise.draw(rng, k) for k in range(exercise.count)]
        unseen = unseen_at(exercise, cases)
        hidden = shown_somewhere(exercise, unseen)
        if not hidden:
            return Bank(without(exercise, unseen), cases)
    codes = sorted({m.code for m in exercise.mistakes if any(v is h for v in m.variants for h in hidden)})
    raise SpecError(f"The cases cannot show {', '.join(codes)} at two points or more; give more or larger samples, or another network.")


def idle(exercise: Exercise) -> list[Variant]:
    """The variants that rewrite no step which a promised quantity rests on: a mistake of the backward pass in a forward question."""
    steps = exercise.derive(exercise.probe(np.random.default_rng(0)).inputs)
    wanted = [port.quantity for port in exercise.returns]
    kept = needed(steps, wanted)

    def moves(variant: Variant) -> bool:
        if variant.rewrite is None or variant.answers is not None or variant.reshapes:
            return True
        try:
            return bool(changed(needed(variant.rewrite(steps), wanted), kept))
        except MISFITS:
            return True

    return [v for m in exercise.mistakes for v in m.variants if not moves(v)]


def unseen_at(exercise: Exercise, cases: Sequence[Case]) -> list[Variant]:
    """The variants that do not show at two of the cases; most do at the first few, so these are looked at first."""
    left = [v for m in exercise.mistakes for v in m.variants]
    for part in (cases[:FIRST_LOOK], cases):
        bank = Bank(only(exercise, left), part)
        enough = min(2, len(cases))
        left = [mutant.variant for mutant, count in bank.seen_at() if count < enough]
        if not left or len(part) == len(cases):
            break
    return left


def only(exercise: Exercise, variants: Sequence[Variant]) -> Exercise:
    """The exercise with some variants alone."""
    wanted = {id(v) for v in variants}
    chosen = [replace(m, variants=tuple(v for v in m.variants if id(v) in wanted)) for m in exercise.mistakes]
    return replace(exercise, mistakes=tuple(m for m in chosen if m.variants))


def without(exercise: Exercise, variants: Sequence[Variant]) -> Exercise:
    """The exercise with some variants struck out."""
    gone = {id(v) for v in variants}
    kept = [replace(m, variants=tuple(v for v in m.variants if id(v) not in gone)) for m in exercise.mistakes]
    return replace(exercise, mistakes=tuple(m for m in kept if m.variants or m.fits))


def shown_somewhere(exercise: Exercise, variants: Sequence[Variant]) -> list[Variant]:
    """Those of some variants that change an answer on generic inputs; a no-op (G07 with one output) is no mistake."""
    if not variants:
        return []
    rng = np.random.default_rng(20240229)
    probes = [exercise.probe(rng) for _ in range(2)]
    return [mutant.variant for mutant, count in Bank(only(exercise, variants), probes).seen_at() if count > 0]
