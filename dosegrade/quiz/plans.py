"""The plan of a mistake: the steps of a derivation in which it is made, single or two together, and what can differ from the right ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.grading.cases import MISFITS, MISFITS_TOGETHER, changed, together, touches
from dosegrade.grading.exercises import Mistake, Variant
from dosegrade.steps import Step, Steps, Values, needed

Array = NDArray[Any]
Rounding = Callable[[Array], Array]
MOMENT = re.compile(r"(\w+)\[(\d+)\]")


@dataclass(frozen=True)
class Plan:
    """The steps of one mistake, or of two made together, and the names whose values can differ from the derivation's own."""

    mistakes: tuple[Mistake, ...]
    variant: Variant
    steps: Steps
    dirty: frozenset[str]

    def values(self, right: Values, inputs: Values, asked: Sequence[str], way: Rounding | None = None) -> Values | None:
        """What is asked for, so mistaken, each step rounded in some way; None where the mistake cannot be made here."""
        values = {name: value for name, value in right.items() if name not in self.dirty}
        try:
            for step in self.steps:
                if step.name not in values:
                    made = step.compute(*[values[name] for name in step.needs])
                    values[step.name] = made if way is None else way(np.asarray(made))
            found = {name: values[name] for name in asked}
            found = found if self.variant.answers is None else self.variant.answers([found], [inputs])[0]
        except misfits(self.mistakes):
            return None
        fits = all(np.shape(found[q]) == np.shape(right[q]) and np.isfinite(found[q]).all() for q in asked)
        return found if fits else None


def misfits(mistakes: tuple[Mistake, ...]) -> tuple[type[Exception], ...]:
    """What making mistakes may raise where the steps have no place for them, or two no place for one another."""
    return MISFITS if len(mistakes) == 1 else MISFITS_TOGETHER


@dataclass(frozen=True)
class Prepared:
    """What rests on the steps alone: those of what is asked for, and a plan for each way to make each mistake, or each two."""

    derived: Steps
    asked: tuple[str, ...]
    mistakes: Sequence[Mistake]

    @cached_property
    def entries(self) -> Steps:
        """`G[0]` and the like, where they are asked for: entries of arrays that the derivation makes whole."""
        whole = {step.name for step in self.derived if not step.rows}
        found = [(name, moment) for name in self.asked if (moment := MOMENT.fullmatch(name)) and moment[1] in whole]
        made = {step.name for step in self.derived}
        return tuple(Step(name, (moment[1],), "", partial(entry, int(moment[2]))) for name, moment in found if name not in made)

    @cached_property
    def steps(self) -> Steps:
        """The steps that what is asked for rests on."""
        return self.asked_of(self.derived)

    def asked_of(self, derived: Steps) -> Steps:
        """The steps of a derivation that what is asked for rests on."""
        return needed((*derived, *self.entries), self.asked)

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        """Single mistakes."""
        ways = ((mistake, variant) for mistake in self.mistakes for variant in mistake.variants if not variant.reshapes)
        made = (self.plan((mistake,), variant) for mistake, variant in ways)
        return tuple(plan for plan in made if plan is not None)

    @cached_property
    def pairs(self) -> tuple[Plan, ...]:
        """Two mistakes made together, in both orders where they touch the same step."""
        touched = [(plan, touches(plan.variant, self.derived)) for plan in self.plans]
        found = []
        for (a, first), (b, second) in combinations(touched, 2):
            if a.mistakes != b.mistakes:
                orders = [(a, b), (b, a)] if first & second else [(a, b)]
                found += [self.plan(one.mistakes + two.mistakes, together(one.variant, two.variant)) for one, two in orders]
        return tuple(plan for plan in found if plan is not None)

    def plan(self, mistakes: tuple[Mistake, ...], variant: Variant) -> Plan | None:
        """The plan of a variant; None where the steps have no place for it."""
        try:
            steps = self.steps if variant.rewrite is None else self.asked_of(variant.rewrite(self.derived))
        except misfits(mistakes):
            return None
        return Plan(mistakes, variant, steps, frozenset(changed(steps, self.steps)))


def entry(index: int, array: Array) -> Any:
    """One entry of an array."""
    return array[index]
