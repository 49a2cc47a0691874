"""What questions worked by hand share: tolerance by computation, credit for what follows from own values, mistakes by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.report import Diagnosis
from dosegrade.quiz.byhand import Hand, HandExercise
from dosegrade.quiz.kinds.base import Question, Variant
from dosegrade.quiz.tolerance import RTOL, near, window
from dosegrade.quiz.variables import Redraw
from dosegrade.registry import did_you_mean
from dosegrade.steps import Step, follow, taken_apart

Array = NDArray[Any]
Answer = dict[str, Array]
MAX_NAMED = 3


@dataclass(frozen=True)
class Worked:
    """The derivation at the variant's numbers, and the tolerance of each entry."""

    hand: Hand
    tolerance: Mapping[str, Array]

    def flat(self, values: Mapping[str, Array]) -> Array:
        """All that is asked for as one vector."""
        return np.concatenate([np.ravel(values[p.name]) for p in self.hand.ports])


@dataclass(frozen=True, kw_only=True)
class ByHand(Question[Worked]):
    """What derivations and tables share. `shows` are codes that every variant must tell from the truth, besides those it does anyway."""

    decimals: int = 4
    rtol: float = RTOL
    distance: float = 0.02
    follow_through: float = 1.0
    shows: tuple[str, ...] = ()

    def check(self) -> None:
        if not 1 <= self.decimals <= 12 or not 1e-3 <= self.rtol <= 0.2:
            raise SpecError(f"decimals, rtol: found {self.decimals}, {self.rtol}, expected 1 to 12 decimals, rtol from 0.001 to 0.2.")
        if not 0 <= self.follow_through <= 1:
            raise SpecError(f"follow_through: found {self.follow_through}, expected a share from 0 to 1.")
        known = {mistake.code for mistake in self.exercised.made.mistakes}
        for code in self.shows:
            if code not in known:
                raise SpecError(
                    f"shows: {code} is no mistake of this derivation.{did_you_mean(code, known)} It has: {', '.join(sorted(known))}."
                )

    @property
    def exercised(self) -> HandExercise:
        """The derivation."""
        raise NotImplementedError

    def make(self, values: Mapping[str, Any], rng: Generator) -> Worked:
        hand = self.exercised.at(values, self.decimals)
        truth = Worked(hand, {})
        exact, least = truth.flat(hand.truth), truth.flat(hand.rounding)
        if not np.isfinite(exact).all():
            raise Redraw("a quantity is not finite")
        mistaken = [(code, truth.flat(found)) for code, _, found in hand.mistaken]
        seen = [(code, flat) for code, flat in mistaken if not near(flat, exact, least).all()]
        hidden = set(self.shows) - {code for code, _ in seen}
        if hidden:
            raise Redraw(f"the mistake {sorted(hidden)[0]} does not show")
        wish = np.maximum(0.5 * 10.0**-self.decimals, self.rtol * np.abs(exact))
        tolerance = window(exact, wish, least, [flat for _, flat in seen], self.distance)
        ends = np.cumsum([np.size(hand.truth[p.name]) for p in hand.ports])[:-1]
        parts = np.split(tolerance, ends)
        return Worked(hand, {p.name: t.reshape(hand.truth[p.name].shape) for p, t in zip(hand.ports, parts, strict=True)})

    def compared(self, variant: Variant[Worked], answer: Answer) -> tuple[Answer, Answer]:
        """Which entries are right, and which are wrong but follow from the student's own earlier values."""
        hand, tolerance = variant.key.hand, variant.key.tolerance
        right = {name: near(typed, hand.truth[name], tolerance[name]) for name, typed in answer.items()}
        filled = {name: np.where(np.isnan(typed), hand.truth[name], typed) for name, typed in answer.items()}
        student = hand.steps_of(filled)
        with np.errstate(all="ignore"):
            recomputed = follow(hand.steps, hand.inputs, student)
        own = {p.name: np.reshape(recomputed[p.quantity], answer[p.name].shape) for p in hand.ports if p.name in answer}
        barred = self.barred(hand, student)
        followed = {}
        for name, typed in answer.items():
            wide = np.maximum(tolerance[name], self.rtol * np.abs(own[name]))
            followed[name] = near(typed, own[name], wide) & ~right[name] & ~barred[name]
        return right, followed

    def barred(self, hand: Hand, student: Mapping[str, Any]) -> Answer:
        """Entries that earn no follow-through: zero or constant themselves, or resting on such a wrong quantity (CONTRACT 5)."""
        steps = {step.name: step for step in hand.steps}
        given = taken_apart(hand.steps, student)
        truth = hand.values
        empty = {name for name, value in given.items() if hollow(value) and not np.allclose(value, truth[name], rtol=self.rtol)}
        found: Answer = {}
        for port in hand.ports:
            if port.quantity not in student:
                continue
            step = steps[port.quantity]
            rows = step.needs if step.rows else (step.name,)
            bars = [row in empty or hollow(given[row]) or bool(sources(steps, row, given) & empty) for row in rows]
            shape = np.shape(student[port.quantity])
            spread = np.reshape(bars, (-1,) + (1,) * (len(shape) - 1)) if step.rows else np.array(bars[0])
            found[port.name] = np.broadcast_to(spread, shape).reshape(port.size(hand.n))
        return found

    def explained(self, variant: Variant[Worked], answer: Answer) -> tuple[Diagnosis, ...]:
        """The mistakes whose derivation gives everything that was typed; none where too many do."""
        found: dict[str, tuple[str, ...]] = {}
        for code, also, values in variant.key.hand.mistaken:
            if all(self.agrees(typed, values[name], variant.key.tolerance[name]) for name, typed in answer.items()):
                found[code] = also
        covered = {synonym for also in found.values() for synonym in also}
        kept = {code: "" for code in found if code not in covered}
        named = self.diagnosed(kept) if len(kept) <= MAX_NAMED else ()
        return tuple(Diagnosis(d.code, d.name, d.hint, d.certain, found[d.code]) for d in named)

    def agrees(self, typed: Array, value: Array, tolerance: Array) -> bool:
        """Whether every entry that was typed is the mistake's."""
        with np.errstate(invalid="ignore"):
            close = near(typed, value, np.maximum(tolerance, self.rtol * np.abs(value)))
        return bool((close | np.isnan(typed)).all())

    def slip(self, variant: Variant[Worked], name: str, index: int) -> Answer:
        """A right answer but for one slip, all that follows computed from it."""
        hand = variant.key.hand
        port = next(p for p in hand.ports if p.name == name)
        typed = hand.truth[name].copy()
        typed.flat[index] += 0.7 + 0.3 * float(np.abs(typed).max())
        step = next(s for s in hand.steps if s.name == port.quantity)
        moved = np.reshape(typed, np.shape(hand.values[port.quantity]))
        changed: dict[str, Any] = {}
        if step.rows:
            row = int(np.unravel_index(index, typed.shape)[0])
            changed[step.needs[row]] = moved[row]
        else:
            changed[step.name] = moved
        values = dict(hand.inputs)
        for each in hand.steps:
            values[each.name] = changed.get(each.name, each.compute(*[values[n] for n in each.needs]))
        return hand.shaped(values)


def hollow(value: Any) -> bool:
    """All zero, or several entries that are all the same."""
    entries = np.asarray(value)
    return not entries.any() or (entries.size > 1 and bool(np.ptp(entries) == 0))


def sources(steps: Mapping[str, Step], name: str, given: Mapping[str, Any]) -> set[str]:
    """The student's quantities that one rests on with none of hers between."""
    found: set[str] = set()
    waiting = list(steps[name].needs) if name in steps else []
    while waiting:
        other = waiting.pop()
        if other in given:
            found.add(other)
        elif other in steps:
            waiting.extend(steps[other].needs)
    return found
