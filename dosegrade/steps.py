"""A derivation is a list of steps: named quantities, each computed from earlier ones.

The same list trains the network on the page, is printed as its derivation, gives the grader its reference, and, with one
step replaced, becomes a misconception.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Values = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One named quantity: `compute(*needs)` and its formula in LaTeX.

    `scale(*magnitudes of needs)` gives the size that each entry would have without cancellation or saturation
    (DOMAIN D.4's S); without it the magnitude is the absolute value. `rows` marks an array whose rows are its needs: who gives the
    array has given them.
    """

    name: str
    needs: tuple[str, ...]
    formula: str
    compute: Callable[..., Any]
    scale: Callable[..., Any] | None = None
    rows: bool = False


Steps = tuple[Step, ...]


def needed(steps: Sequence[Step], wanted: Collection[str]) -> Steps:
    """The steps that the wanted quantities rest on, in order."""
    keep: set[str] = set(wanted)
    chosen: list[Step] = []
    for step in reversed(steps):
        if step.name in keep:
            keep.update(step.needs)
            chosen.append(step)
    return tuple(reversed(chosen))


def evaluate(steps: Sequence[Step], inputs: Mapping[str, Any]) -> Values:
    """Every quantity by name, the inputs included."""
    values: Values = dict(inputs)
    for step in steps:
        values[step.name] = step.compute(*[values[name] for name in step.needs])
    return values


def magnitudes(steps: Sequence[Step], values: Mapping[str, Any]) -> Values:
    """DOMAIN D.4's absolute-value scale S of every quantity; `values` are those of `evaluate`."""
    sizes: Values = {name: np.abs(value) for name, value in values.items()}
    for step in steps:
        if step.scale is not None:
            sizes[step.name] = step.scale(*[sizes[name] for name in step.needs])
    return sizes


def mutate(
    steps: Sequence[Step],
    name: str,
    compute: Callable[..., Any],
    needs: tuple[str, ...] | None = None,
) -> Steps:
    """The same derivation with the one step `name` computed otherwise. KeyError where there is no such step."""
    if all(step.name != name for step in steps):
        raise KeyError(name)
    return tuple(
        replace(step, compute=compute, needs=step.needs if needs is None else needs) if step.name == name else step for step in steps
    )


def taken_apart(steps: Sequence[Step], student: Mapping[str, Any]) -> Values:
    """The student's quantities, with each row of an array that is made of rows besides."""
    given = dict(student)
    for step in steps:
        if step.rows and step.name in student:
            given.update(zip(step.needs, student[step.name], strict=True))
    return given


def follow(steps: Sequence[Step], inputs: Mapping[str, Any], student: Mapping[str, Any]) -> Values:
    """Each of the student's quantities recomputed from her own earlier ones, the rest as the derivation has it.

    In an array made of rows, each row is recomputed from her own earlier rows.
    """
    given = taken_apart(steps, student)
    values: Values = dict(inputs)
    recomputed: Values = {}
    for step in steps:
        known = {**values, **recomputed} if step.rows else values
        result = step.compute(*[known[name] for name in step.needs])
        if step.name in given:
            recomputed[step.name] = result
        values[step.name] = given.get(step.name, result)
    return recomputed


@dataclass(frozen=True)
class Line:
    """One line of a worked derivation: the formula, what was put in, the result."""

    name: str
    formula: str
    given: Mapping[str, Any]
    result: Any


def worked(steps: Sequence[Step], inputs: Mapping[str, Any]) -> tuple[Line, ...]:
    """The derivation with its numbers, a line a step."""
    values = evaluate(steps, inputs)
    return tuple(Line(s.name, s.formula, {name: values[name] for name in s.needs}, values[s.name]) for s in steps)


def complex_step(steps: Sequence[Step], inputs: Mapping[str, Any], of: str, by: str) -> Array:
    """∂of/∂by for a scalar `of`, entry by entry: Im f(θ + ih)/h with h = 1e-20, exact to rounding (DOMAIN D.1)."""
    chain = needed(steps, {of})
    base = np.asarray(inputs[by], dtype=np.complex128)
    gradient = np.empty(base.shape)
    for index in np.ndindex(base.shape):
        shifted = base.copy()
        shifted[index] += 1e-20j
        gradient[index] = np.imag(evaluate(chain, {**inputs, by: shifted})[of]) / 1e-20
    return gradient
