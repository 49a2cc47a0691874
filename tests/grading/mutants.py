"""A mistake turned into what a student's program would return."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from banks import record

from dosegrade.grading.cases import Bank
from dosegrade.grading.outcome import Answer, Outcome, Value
from dosegrade.steps import Values


def outcome(bank: Bank, answers: Sequence[Values]) -> Outcome:
    """The program that returns these quantities, call by call."""
    returned = "ndarray" if bank.exercise.single else "dict"
    made = [{port.name: value(answer[port.quantity]) for port in bank.exercise.returns} for answer in answers]
    return Outcome(record([Answer(values, returned) for values in made]))


def value(x: Any) -> Value:
    array = np.asarray(x)
    return Value(array.astype(float), str(array.dtype), type(x).__name__)


def mistaken(bank: Bank) -> Iterator[tuple[str, Outcome]]:
    """Every variant of every mistake that the bank can tell: its code and the program that makes it."""
    live = {id(mutant.variant) for mutant in bank.mutants}
    for mistake in bank.exercise.mistakes:
        for variant in mistake.variants:
            if variant.reshapes or id(variant) in live:
                answers = bank.made(variant)
                assert answers is not None
                yield mistake.code, outcome(bank, answers)


def noise(bank: Bank, rng: np.random.Generator) -> Outcome:
    """A wrong program that no mistake explains: the right answers, some of them disturbed or exchanged for random ones."""
    near = rng.random() < 0.5
    made = []
    for truth in bank.values[:-1]:
        made.append(
            {q: v * (1 + 0.3 * rng.normal(size=np.shape(v))) if near else rng.normal(size=np.shape(v)) for q, v in wanted(bank, truth)}
        )
    return outcome(bank, [*made, made[0]])


def wanted(bank: Bank, values: Values) -> list[tuple[str, Any]]:
    """The promised quantities."""
    return [(port.quantity, values[port.quantity]) for port in bank.exercise.returns]
