"""Mistakes whose answers have another shape than promised, recognised by that shape and its numbers (DOMAIN B.1, C.2).

They are the same derivation with a step of another shape; the answer is put into the shapes that the student's function returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.grading.exercises import Answers, Variant
from dosegrade.grading.exercises.gradient_chain import Chain, Maker
from dosegrade.steps import Steps, Values, mutate

Array = NDArray[Any]


def transposed(chain: Chain) -> Iterator[Steps]:
    """G45: every kernel's gradient transposed, or that of one which is not square."""
    whole = chain
    for i in chain.layers:
        whole = whole.with_steps(whole.after(f"dW{i}", np.transpose))
    yield whole.steps
    for i in chain.layers:
        if i not in chain.square_kernels:
            yield chain.after(f"dW{i}", np.transpose)


def rows_of_errors(chain: Chain) -> Iterator[Steps]:
    """G43: δ itself for db, a row a sample."""
    steps = chain.steps
    for i in chain.layers:
        steps = mutate(steps, f"db{i}", lambda dz: dz)
    yield steps


def by_input(chain: Chain, finish: Callable[[Array], Array] = np.asarray) -> Iterator[Steps]:
    """G57: the derivative by a layer's input for the one by its kernel; in the first layer, or in all."""

    def change(steps: Steps, i: int) -> Steps:
        return mutate(steps, f"dW{i}", lambda dz, w: finish(dz @ w.T), (f"dz{i}", f"W{i}"))

    yield change(chain.steps, 1)
    steps = chain.steps
    for i in chain.layers:
        steps = change(steps, i)
    yield steps


def summed_by_input(chain: Chain) -> Iterator[Steps]:
    """G57 with the samples summed, which has the promised shape where a layer has one input and one unit."""
    yield from by_input(chain, lambda dx: dx.sum(axis=0, keepdims=True))


def squeezed(answers: Answers, inputs: Sequence[Values]) -> Answers:
    """Answers without dimensions of 1, as a function on scalars and vectors returns them."""
    return [{name: np.squeeze(value) for name, value in answer.items()} for answer in answers]


SHAPE_MISTAKES: dict[str, Maker] = {"G43": rows_of_errors, "G45": transposed, "G57": by_input}


def shaped(rewrite: Callable[[Steps], Steps], scalars: bool) -> Variant:
    """A variant that is recognised by its shape."""
    return Variant(rewrite, squeezed if scalars else None, reshapes=True)
