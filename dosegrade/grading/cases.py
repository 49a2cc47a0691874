"""The cases of a code question: calls whose answers tell every mistake of the exercise from the truth and from each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain as joined
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from dosegrade.compare import block_errors, surely_within
from dosegrade.grading.exercises import Answers, Case, Exercise, Mistake, Variant
from dosegrade.grading.outcome import Layouts
from dosegrade.steps import Step, Steps, Values, evaluate, magnitudes, needed

if TYPE_CHECKING:
    from dosegrade.grading.openings import Opening, Rows

Array = NDArray[Any]
CLEAR = 100.0
DIFFERENCES = 1e-12
MOST_ROWS = 1000
MISFITS = (ValueError, KeyError, IndexError)
MISFITS_TOGETHER = (*MISFITS, TypeError)


@dataclass(frozen=True)
class Mutant:
    """One variant of one mistake and its answers to all calls, flat."""

    mistake: Mistake
    variant: Variant
    flat: Array


@dataclass(frozen=True)
class Pair:
    """Two mistakes made together."""

    mistakes: tuple[Mistake, Mistake]
    variants: tuple[Variant, Variant]

    @property
    def codes(self) -> tuple[str, str]:
        """The two codes, in the order in which the mistakes are made."""
        return self.mistakes[0].code, self.mistakes[1].code

    @property
    def variant(self) -> Variant:
        """Both at once."""
        return together(*self.variants)


def together(first: Variant, second: Variant) -> Variant:
    """The second mistake made on top of the first."""
    rewrites = [v.rewrite for v in (first, second) if v.rewrite is not None]
    changes = [v.answers for v in (first, second) if v.answers is not None]

    def rewrite(steps: Steps) -> Steps:
        for each in rewrites:
            steps = each(steps)
        return steps

    def answers(made: Answers, inputs: Sequence[Values]) -> Answers:
        for each in changes:
            made = each(made, inputs)
        return made

    return Variant(rewrite if rewrites else None, answers if changes else None)


@dataclass(frozen=True)
class Plan:
    """The steps to compute anew after a change; what is not `stale` keeps the value that it had."""

    chain: Sequence[Step]
    stale: set[str]

    def run(self, values: Values) -> Values:
        """The new values by name; KeyError where a step needs a later one."""
        fresh: Values = {}
        for step in self.chain:
            fresh[step.name] = step.compute(*[fresh[name] if name in self.stale else values[name] for name in step.needs])
        return fresh


def plan(steps: Sequence[Step], before: Mapping[str, Step], known: Collection[str], wanted: Collection[str]) -> Plan:
    """What steps that replace those `before` must compute for the wanted quantities, where the values of `known` names are at hand."""
    stale: set[str] = set()
    for step in steps:
        if before.get(step.name) is not step or step.name not in known or not stale.isdisjoint(step.needs):
            stale.add(step.name)
    asked = stale.intersection(wanted)
    chain = []
    for step in reversed(steps):
        if step.name in asked:
            asked.update(stale.intersection(step.needs))
            chain.append(step)
    return Plan(chain[::-1], stale)


# Where a quantity at one call begins and ends in a flat vector, and its shape.
Place = tuple[int, int, tuple[int, ...]]


class Fit(NamedTuple):
    """How a record's numbers make a bank's flat vector: their `order` (None where it is theirs), and each quantity's original dtypes."""

    order: NDArray[np.intp] | None
    kinds: tuple[frozenset[str], ...]


class Bank:
    """An exercise's reference and mutants at its cases; the first case is asked again at the end (DOMAIN C.6 "State").

    Flat vectors hold every promised quantity of every call, call by call; `starts` marks the blocks.
    """

    def __init__(self, exercise: Exercise, cases: Sequence[Case]) -> None:
        self.exercise = exercise
        self.cases = tuple(cases)
        self.calls = (*self.cases, self.cases[0])
        wanted = [port.quantity for port in exercise.returns]
        self.derived = [exercise.derive(case.inputs) for case in self.cases]
        self.steps = [needed(steps, wanted) for steps in self.derived]
        self.values = [evaluate(steps, case.inputs) for steps, case in zip(self.steps, self.cases, strict=True)]
        self.scales = [magnitudes(steps, values) for steps, values in zip(self.steps, self.values, strict=True)]
        self.values.append(self.values[0])
        self.scales.append(self.scales[0])
        self.inputs = [case.inputs for case in self.calls]
        self._rows: dict[tuple[int, ...], Array | None] = {}
        self._fits_of: WeakKeyDictionary[Layouts, Fit | None] = WeakKeyDictionary()
        sizes = [int(np.size(values[q])) for values in self.values for q in wanted]
        self.starts = np.cumsum([0, *sizes[:-1]])
        self.reference = self.flatten(self.values)
        self.scale = np.concatenate(
            [np.broadcast_to(s[q], np.shape(v[q])).ravel() for s, v in zip(self.scales, self.values, strict=True) for q in wanted]
        )

    @cached_property
    def arguments(self) -> tuple[tuple[Any, ...], ...]:
        """What every call is given."""
        return tuple(call.arguments for call in self.calls)

    @cached_property
    def sizes(self) -> dict[str, list[tuple[int, ...]]]:
        """The shape of each promised quantity at every call, as the student returns it."""
        return {port.name: [call.size(port) for call in self.calls] for port in self.exercise.returns}

    @cached_property
    def places(self) -> list[list[Place]]:
        """Each promised quantity's place in the flat vectors at every call, in the shape in which the student returns it."""
        ends = np.append(self.starts[1:], self.reference.size)
        bounds = list(zip(self.starts.tolist(), ends.tolist(), strict=True))
        count = len(self.exercise.returns)
        return [
            [(*bounds[index * count + k], size) for index, size in enumerate(self.sizes[port.name])]
            for k, port in enumerate(self.exercise.returns)
        ]

    def fit(self, layouts: Layouts) -> Fit | None:
        """How answers of these layouts become a flat vector; None where one is missing or not as promised."""
        if layouts not in self._fits_of:
            self._fits_of[layouts] = self._fitted(layouts)
        return self._fits_of[layouts]

    def _fitted(self, layouts: Layouts) -> Fit | None:
        if len(layouts.calls) != len(self.calls):
            return None
        order: list[range] = []
        kinds: list[set[str]] = [set() for _ in self.places]
        for index, call in enumerate(layouts.calls):
            forms = {form.name: form for form in call.forms}
            for name, places, seen in zip(self.exercise.promised, self.places, kinds, strict=True):
                form = forms.get(name)
                if form is None or form.shape != places[index][2]:
                    return None
                order.append(range(form.start, form.end))
                seen.add(form.dtype)
        wanted = np.fromiter(joined.from_iterable(order), np.intp)
        same = layouts.size == wanted.size and bool((np.diff(wanted, prepend=-1) == 1).all())
        return Fit(None if same else wanted, tuple(map(frozenset, kinds)))

    @cached_property
    def right_rows(self) -> Array:
        """All right answers, flat."""
        return np.stack([self.flatten(right) for right in self.right])

    @cached_property
    def right_slack(self) -> Array:
        """How far from a right row an answer surely agrees with it to as many digits as exact derivatives do (DOMAIN D.2)."""
        return surely_within(self.right_rows, self.scale, DIFFERENCES)

    @cached_property
    def _quantities(self) -> tuple[str, ...]:
        return tuple(port.quantity for port in self.exercise.returns)

    @cached_property
    def _spans(self) -> list[dict[str, tuple[tuple[int, ...], slice]]]:
        """Call by call, each promised quantity's shape and place in a flat vector."""
        ends = iter(np.append(self.starts[1:], self.reference.size).tolist())
        starts = iter(self.starts.tolist())
        return [{q: (np.shape(values[q]), slice(next(starts), next(ends))) for q in self._quantities} for values in self.values]

    def flatten(self, answers: Sequence[Values]) -> Array:
        """Answers by quantity as one vector."""
        return np.concatenate([np.ravel(answer[q]) for answer in answers for q in self._quantities])

    def shaped(self, flat: Array, calls: int) -> list[Values]:
        """The first calls' quantities of a flat vector, in the shapes of the steps."""
        return [{q: flat[span].reshape(shape) for q, (shape, span) in spans.items()} for spans in self._spans[:calls]]

    def answers(self, variant: Variant, together: bool = False) -> Array | None:
        """What a mistaken program returns, flat; None where the mistake does not fit the shapes (or two mistakes one another)."""
        made = self.made(variant, together)
        if made is None:
            return None
        row = self.reference.copy()
        for answer, kept, spans in zip(made, self.values, self._spans, strict=True):
            for q, (shape, span) in spans.items():
                value = answer[q]
                if value is not kept[q]:
                    if np.shape(value) != shape:
                        return None
                    row[span] = np.ravel(value)
        return row

    def made(self, variant: Variant, together: bool = False) -> Answers | None:
        """What a mistaken program returns, call by call; None where it cannot run."""
        misfits = MISFITS_TOGETHER if together else MISFITS
        try:
            made = self._returned(self.values) if variant.rewrite is None else self._stepwise(variant.rewrite)
            return made if variant.answers is None else variant.answers(made, self.inputs)
        except misfits:
            return None

    def _fits(self, made: Answers) -> bool:
        return all(np.shape(answer[q]) == shape for answer, spans in zip(made, self._spans, strict=True) for q, (shape, _) in spans.items())

    def _returned(self, values: Sequence[Values]) -> Answers:
        return [{q: value[q] for q in self._quantities} for value in values]

    def _stepwise(self, rewrite: Callable[[Steps], Steps]) -> Answers:
        made = []
        plans: dict[int, Plan] = {}
        with np.errstate(all="ignore"):
            for derived, values in zip(self.derived, self.values, strict=False):
                if id(derived) not in plans:
                    plans[id(derived)] = plan(rewrite(derived), {step.name: step for step in derived}, values, self._quantities)
                fresh = plans[id(derived)].run(values)
                made.append({q: fresh[q] if q in fresh else values[q] for q in self._quantities})
        return [*made, made[0]]

    @cached_property
    def mutants(self) -> tuple[Mutant, ...]:
        """Every exact variant of every mistake, with its answers."""
        found = []
        for mistake in self.exercise.mistakes:
            for variant in (v for v in mistake.variants if not v.reshapes):
                flat = self.answers(variant)
                if flat is not None and np.isfinite(flat).all():
                    found.append(Mutant(mistake, variant, flat))
        return tuple(found)

    @cached_property
    def right(self) -> list[Answers]:
        """All answers that are right: the reference, then those of the exercise's other accepted derivations."""
        others = [self.made(Variant(rewrite)) for rewrite in self.exercise.accepted]
        return [self._returned(self.values), *(made for made in others if made is not None)]

    @cached_property
    def reshaped(self) -> tuple[tuple[Mistake, Answers], ...]:
        """The mistakes that give another shape than promised, or no numbers in places, with their answers."""
        tried = [(mistake, self.made(v)) for mistake in self.exercise.mistakes for v in mistake.variants if v.reshapes]
        return tuple((mistake, made) for mistake, made in tried if made is not None and not (self._fits(made) and finite(made)))

    @cached_property
    def table(self) -> Array:
        """The mutants' answers as rows."""
        return np.stack([m.flat for m in self.mutants]) if self.mutants else np.empty((0, self.reference.size))

    def errors(self, rows: Array, against: Array | None = None) -> Array:
        """For each row and block the distance in tolerances from `against` (the reference)."""
        return block_errors(rows, self.reference if against is None else against, self.scale, self.starts)

    @cached_property
    def opening(self) -> Opening:
        """The mistakes at the first call: a cheap first look at many."""
        from dosegrade.grading.openings import Opening

        return Opening(self.exercise, self.derived[0], self.values[0], self.inputs[0], self.scale)

    def row(self, *variants: Variant) -> Array | None:
        """The answers of one mistake, or of two together, to all calls; made once for all submissions."""
        key = tuple(map(id, variants))
        if key not in self._rows:
            if len(self._rows) >= MOST_ROWS:
                self._rows.clear()
            self._rows[key] = self.answers(variants[0]) if len(variants) == 1 else self.answers(together(*variants), together=True)
        return self._rows[key]

    @property
    def pairs(self) -> tuple[tuple[Pair, ...], Rows]:
        """All pairs of mistakes and their answers to the first call."""
        return self.opening.pairs

    def seen_at(self) -> list[tuple[Mutant, int]]:
        """Each mutant and the number of cases at which it is at least 100 tolerances from the reference."""
        if not self.mutants:
            return []
        each = self.errors(self.table).reshape(len(self.mutants), len(self.calls), -1).max(axis=-1)
        return [(mutant, int((row[: len(self.cases)] >= CLEAR).sum())) for mutant, row in zip(self.mutants, each, strict=True)]

    def twins(self) -> list[tuple[str, str]]:
        """Pairs of codes that some variants of which these cases cannot tell apart, synonyms aside."""
        pairs = set()
        for index, mutant in enumerate(self.mutants[:-1]):
            rest = self.table[index + 1 :]
            same = np.flatnonzero(self.errors(rest, mutant.flat).max(axis=-1) <= 1.0)
            for other in (self.mutants[index + 1 + k] for k in same):
                codes = mutant.mistake.code, other.mistake.code
                if codes[0] != codes[1] and codes[1] not in mutant.mistake.also and codes[0] not in other.mistake.also:
                    pairs.add(codes)
        return sorted(pairs)


def finite(made: Answers) -> bool:
    """Whether all answers are numbers."""
    return all(np.isfinite(value).all() for answer in made for value in answer.values())


def touches(variant: Variant, steps: Steps) -> set[str]:
    """The steps that a variant rewrites; `answers` where it changes the finished answer."""
    mine = {} if variant.rewrite is None else {step.name: step for step in variant.rewrite(steps)}
    names = {step.name for step in steps if mine and mine.get(step.name) is not step}
    return names | ({"answers"} if variant.answers is not None else set())


def changed(chain: Sequence[Step], kept: Sequence[Step]) -> set[str]:
    """The names whose value may differ from the kept derivation's."""
    known = {step.name: step for step in kept}
    dirty: set[str] = set()
    for step in chain:
        if known.get(step.name) is not step or dirty.intersection(step.needs):
            dirty.add(step.name)
    return dirty
