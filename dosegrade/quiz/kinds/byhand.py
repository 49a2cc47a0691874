"""What questions worked by hand share: tolerance by computation, credit for what follows from own values, mistakes by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Mistake
from dosegrade.grading.report import Diagnosis
from dosegrade.quiz.byhand import Hand, HandExercise, Mistaken
from dosegrade.quiz.kinds.base import Question, Variant
from dosegrade.quiz.tolerance import RTOL, apart, coarse, distant, narrowed, near, two_digits, window
from dosegrade.quiz.variables import Redraw
from dosegrade.registry import did_you_mean
from dosegrade.steps import Step, follow, taken_apart

Array = NDArray[Any]
Answer = dict[str, Array]
MAX_NAMED = 4
ENOUGH_FOR_PAIRS = 4
COARSE = "near: carry more digits, {} decimals in every intermediate result"


@dataclass(frozen=True)
class Explanation:
    """Mistakes that together give what was typed; `sure` where a chance hit is out of the question."""

    mistakes: tuple[Mistake, ...]
    sure: bool


@dataclass(frozen=True)
class Worked:
    """The derivation at the variant's numbers, the tolerance of each entry, and the mistakes that these tell from the truth."""

    hand: Hand
    rtol: float
    tolerance: Mapping[str, Array]
    told: tuple[Mistaken, ...] = field(repr=False)

    def right(self, answer: Answer) -> Answer:
        """Which entries are right."""
        return {name: near(typed, self.hand.truth[name], self.tolerance[name]) for name, typed in answer.items()}

    def followed(self, answer: Answer) -> Answer:
        """Which entries are wrong but follow from the student's own earlier values."""
        hand, right = self.hand, self.right(answer)
        student = hand.steps_of({name: np.where(np.isnan(typed), hand.truth[name], typed) for name, typed in answer.items()})
        with np.errstate(all="ignore"):
            recomputed = follow(hand.steps, hand.inputs, student)
        own = {p.name: np.reshape(recomputed[p.quantity], answer[p.name].shape) for p in hand.ports if p.name in answer}
        barred = self.barred(student)
        return {name: near(typed, own[name], self.wide(name, own[name])) & ~right[name] & ~barred[name] for name, typed in answer.items()}

    def only_coarse(self, answer: Answer) -> bool:
        """Whether too few digits explain all that is wrong."""
        right, coarse = self.right(answer), self.coarse(answer)
        return all(bool((right[n] | coarse[n] | np.isnan(t)).all()) for n, t in answer.items())

    def coarse(self, answer: Answer) -> Answer:
        """Which entries are wrong by no more than carrying too few digits explains."""

        def reach(name: str, decimals: int) -> Array:
            return replace(self.hand, decimals=decimals).rounding[name]

        hand, right = self.hand, self.right(answer)
        carried = two_digits(hand.values[step.name] for step in hand.steps)
        return {n: coarse(t, hand.truth[n], hand.decimals, carried, partial(reach, n)) & ~right[n] for n, t in answer.items()}

    def wide(self, name: str, value: Array) -> Array:
        """The tolerance around another value than the right one."""
        return np.maximum(self.tolerance[name], self.rtol * np.abs(value))

    def barred(self, student: Mapping[str, Any]) -> Answer:
        """Entries that earn no follow-through: zero or constant themselves, or resting on such a wrong quantity (CONTRACT 5)."""
        hand = self.hand
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

    def explained(self, answer: Answer) -> tuple[Explanation, ...]:
        """The mistakes whose derivation gives everything that was typed, else the pairs; none where too many do, or too few digits."""
        found = [m for m in self.told if self.agrees(answer, m.values)]
        exact = [m for m in found if self.to_the_digit(answer, m)]
        if not exact and self.only_coarse(answer):
            return ()
        kinds = distinct(exact or found)
        sure = bool(exact) or self.hand.quantities > 1
        if not kinds:
            kinds, sure = distinct([m for m in self.pairs(answer) if self.agrees(answer, m.values) and self.to_the_digit(answer, m)]), True
        return tuple(Explanation(mistakes, sure) for mistakes in kinds) if len(kinds) <= MAX_NAMED else ()

    def pairs(self, answer: Answer) -> Sequence[Mistaken]:
        """Two mistakes made together, where there are quantities enough to tell: two or more are wrong for the student's own values."""
        right, followed = self.right(answer), self.followed(answer)
        wrong = {p: ~(right[p.name] | np.isnan(answer[p.name])) for p in self.hand.ports if p.name in answer}
        lost = sum(self.hand.count(p, entries & ~followed[p.name]) for p, entries in wrong.items())
        if self.hand.quantities < ENOUGH_FOR_PAIRS or lost < 2:
            return ()
        return list(self.hand.pairs({p.quantity for p, entries in wrong.items() if entries.any()}))

    def agrees(self, answer: Answer, values: Mapping[str, Array]) -> bool:
        """Whether every entry that was typed is the mistake's, as near as a right one would have to be."""
        return all(bool((near(t, values[n], self.wide(n, values[n])) | np.isnan(t)).all()) for n, t in answer.items())

    def to_the_digit(self, answer: Answer, mistaken: Mistaken) -> bool:
        """The same, as near as rounding at the decimals asked for leaves it."""
        reach = self.hand.rounding_of(mistaken)
        return all(bool((near(t, mistaken.values[n], reach[n]) | np.isnan(t)).all()) for n, t in answer.items())


def work(hand: Hand, rtol: float, distance: float, shows: Sequence[str] = (), lures: Sequence[Array] = (), atol: float = 0.0) -> Worked:
    """The tolerances that tell lures and the mistakes of `shows` from the truth, and all other mistakes as far as they can be told.

    Redraw where they cannot; where only other mistakes lie too near, with the key that does without these.
    """
    exact, least = flat(hand, hand.truth), flat(hand, hand.rounding)
    if not np.isfinite(exact).all():
        raise Redraw("a quantity is not finite")
    seen = [(m, made) for m in hand.mistaken if not near(made := flat(hand, m.values), exact, least).all()]
    hidden = set(shows).difference(*(m.codes for m, _ in seen))
    if hidden:
        raise Redraw(f"the mistake {sorted(hidden)[0]} does not show")
    wish = np.maximum(max(atol, 0.5 * 10.0**-hand.decimals), rtol * np.abs(exact))
    must = [*(np.ravel(lure) for lure in lures), *(made for m, made in seen if m.codes[0] in shows)]
    window(exact, wish, least, must, distance)
    tolerance = narrowed(exact, wish, least, [*must, *(made for _, made in seen)])
    clear = tuple(m for m, made in seen if apart(exact, made, tolerance))
    key = Worked(hand, rtol, split(hand, tolerance), clear)
    if len(clear) < len(seen) or not all(distant(exact, made, distance) for _, made in seen):
        raise Redraw("a distractor lies too near to the answer", key)
    return key


def flat(hand: Hand, values: Mapping[str, Array]) -> Array:
    """All that is asked for as one vector."""
    return np.concatenate([np.ravel(values[p.name]) for p in hand.ports])


def split(hand: Hand, vector: Array) -> Answer:
    """A vector as what is asked for."""
    ends = np.cumsum([np.size(hand.truth[p.name]) for p in hand.ports])[:-1]
    parts = np.split(vector, ends)
    return {p.name: part.reshape(hand.truth[p.name].shape) for p, part in zip(hand.ports, parts, strict=True)}


def distinct(found: Sequence[Mistaken]) -> list[tuple[Mistake, ...]]:
    """Each mistake, or each two, once; those left out that another is said to include."""
    kinds = {frozenset(m.codes): m.plan.mistakes for m in found}
    covered = {synonym for mistakes in kinds.values() if len(mistakes) == 1 for synonym in mistakes[0].also}
    return [mistakes for codes, mistakes in kinds.items() if not codes <= covered]


def told(question: Question[Any], found: Sequence[Explanation], hints: Mapping[str, str]) -> tuple[Diagnosis, ...]:
    """Explanations as reported; `hints` are a question's own, by code."""
    made = []
    for group, explanation in enumerate(found, 1):
        certain = explanation.sure and len(found) == 1
        for mistake in explanation.mistakes:
            entry = question.entry(mistake.code)
            hint = hints.get(entry.code) or entry.hint
            made.append(Diagnosis(entry.code, entry.name, hint, certain, mistake.also, group if len(explanation.mistakes) > 1 else None))
    return tuple(made)


def known_codes(exercised: HandExercise, shows: Sequence[str]) -> None:
    """SpecError where a code of `shows` is no mistake of the derivation."""
    known = {mistake.code for mistake in exercised.made.mistakes}
    for code in shows:
        if code not in known:
            raise SpecError(
                f"shows: {code} is no mistake of this derivation.{did_you_mean(code, known)} It has: {', '.join(sorted(known))}."
            )


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
        known_codes(self.exercised, self.shows)

    @property
    def exercised(self) -> HandExercise:
        """The derivation."""
        raise NotImplementedError

    def make(self, values: Mapping[str, Any], rng: Generator) -> Worked:
        return work(self.exercised.at(values, self.decimals), self.rtol, self.distance, self.shows)

    def explained(self, key: Worked, answer: Answer) -> tuple[Diagnosis, ...]:
        """The mistakes that give what was typed."""
        return told(self, key.explained(answer), {})

    def slip(self, variant: Variant[Worked], name: str, index: int) -> Answer:
        """A right answer but for one slip, all that follows computed from it."""
        return slip(variant.key.hand, name, index)


def slip(hand: Hand, name: str, index: int) -> Answer:
    """A right answer but for one slip, all that follows computed from it."""
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
