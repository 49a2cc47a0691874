"""Mistakes made with the finished gradient, and those with one free number (DOMAIN C.1, C.6 "Free parameters")."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.compare import relative_error
from dosegrade.grading.exercises import Answers, Fit, Mistake, Variant
from dosegrade.nn.network import Network
from dosegrade.steps import Step, Steps, Values, evaluate, mutate

Array = NDArray[Any]
FAR = 0.15
DECIMALS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)


def gradients_only(change: Callable[[Values, Values], Values]) -> Callable[[Answers, Sequence[Values]], Answers]:
    """A change of each call's gradients, change(gradients, inputs); other quantities stay."""

    def apply(answers: Answers, inputs: Sequence[Values]) -> Answers:
        made = []
        for answer, given in zip(answers, inputs, strict=True):
            slopes = {name: value for name, value in answer.items() if name[:2] in ("dW", "db")}
            made.append({**answer, **change(slopes, given)})
        return made

    return apply


def accumulated(answers: Answers, inputs: Sequence[Values]) -> Answers:
    """G12: each call's gradients added to those of the calls before."""
    total: Values = {}
    made = []
    for answer in answers:
        total = {name: value + total.get(name, 0.0) for name, value in answer.items()}
        made.append({name: total[name] if name[:2] in ("dW", "db") else value for name, value in answer.items()})
    return made


def normalised(slopes: Values, given: Values) -> Values:
    """G16: all gradients divided by their common norm."""
    size = np.sqrt(sum(float(np.sum(np.square(v))) for v in slopes.values()))
    return {name: value / (size if size > 0 else 1.0) for name, value in slopes.items()}


def normalised_each(slopes: Values, given: Values) -> Values:
    """G16: each gradient divided by its own norm."""
    sizes = {name: float(np.linalg.norm(value)) for name, value in slopes.items()}
    return {name: value / (sizes[name] if sizes[name] > 0 else 1.0) for name, value in slopes.items()}


def clipped(bound: float) -> Callable[[Values, Values], Values]:
    """G16: every entry cut to ±bound."""
    return lambda slopes, given: {name: np.clip(value, -bound, bound) for name, value in slopes.items()}


def scaled(factor: float) -> Variant:
    """G15: ±α times the gradient."""
    return Variant(answers=gradients_only(lambda s, given: {name: factor * value for name, value in s.items()}))


def stepped(alpha: float) -> Variant:
    """G15: the new weights θ − α·g instead of the gradient."""
    return Variant(answers=gradients_only(lambda s, given: {name: given[name[1:]] - alpha * value for name, value in s.items()}))


def penalised(part: str) -> Callable[[float], Variant]:
    """G17: g + c·θ for all parameters, the weights or the biases."""
    chosen = {"all": ("dW", "db"), "weights": ("dW",), "biases": ("db",)}[part]

    def variant(c: float) -> Variant:
        def change(slopes: Values, given: Values) -> Values:
            return {name: value + c * given[name[1:]] if name[:2] in chosen else value for name, value in slopes.items()}

        return Variant(answers=gradients_only(change))

    return variant


def rounded(decimals: float) -> Variant:
    """G18: the answer rounded to some decimals."""
    return Variant(answers=lambda answers, inputs: [{k: np.round(v, int(decimals)) for k, v in a.items()} for a in answers])


def rounded_between(part: str) -> Callable[[float], Variant]:
    """G18: every quantity rounded as soon as it is computed; those of the forward pass (`[za]…`), or all (`.*`)."""

    @lru_cache(maxsize=len(DECIMALS))
    def variant(decimals: float) -> Variant:
        return Variant(lambda steps: tuple(shortened(s, int(decimals)) if re.fullmatch(part, s.name) else s for s in steps))

    return variant


def shortened(step: Step, decimals: int) -> Step:
    """The step with its result rounded."""
    return replace(step, compute=lambda *values: np.round(step.compute(*values), decimals))


def _ratios(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
    mine, theirs = _pool(student, reference)
    size = float(theirs @ theirs)
    ratio = float(mine @ theirs) / size if size > 0 else 0.0
    return [ratio] if 0 < abs(ratio) < 0.999 and near(ratio * theirs, mine) else []


def near(fitted: Array, mine: Array) -> bool:
    """Whether a fit could be the answer at all: nearer than any tolerance that a question may have."""
    gap = fitted - mine
    return bool(gap @ gap <= FAR**2 * (mine @ mine))


def _pool(student: Answers, reference: Answers) -> tuple[Array, Array]:
    names = [n for n in student[0] if n[:2] in ("dW", "db")]
    if not names:
        return np.zeros(1), np.zeros(1)
    return np.concatenate([np.ravel(student[0][n]) for n in names]), np.concatenate([np.ravel(reference[0][n]) for n in names])


def _step_sizes(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
    mine, theirs = _pool(student, reference)
    names = [n for n in student[0] if n[:2] in ("dW", "db")]
    if not names:
        return []
    theta = np.concatenate([np.ravel(inputs[0][n[1:]]) for n in names])
    alpha = float((theta - mine) @ theirs) / (float(theirs @ theirs) or 1.0)
    return [alpha] if 0 < abs(alpha) <= 10 and near(theta - alpha * theirs, mine) else []


def _penalties(prefixes: tuple[str, ...]) -> Callable[[Answers, Answers, Sequence[Values]], list[float]]:
    def estimate(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
        names = [n for n in student[0] if n[:2] in prefixes]
        if not names:
            return []
        mine = np.concatenate([np.ravel(student[0][n]) for n in names])
        gap = mine - np.concatenate([np.ravel(reference[0][n]) for n in names])
        theta = np.concatenate([np.ravel(inputs[0][n[1:]]) for n in names])
        c = float(gap @ theta) / (float(theta @ theta) or 1.0)
        return [c] if 0 < abs(c) <= 100 and near(mine - gap + c * theta, mine) else []

    return estimate


def _decimals_near(student: Answers, reference: Answers, inputs: Sequence[Values]) -> Sequence[float]:
    """Those whose rounding could explain how far the first answer is from the truth."""
    mine, theirs = (np.concatenate([np.zeros(1), *(np.ravel(a[name]) for name in student[0])]) for a in (student[0], reference[0]))
    off = relative_error(mine, theirs)
    return [d for d in DECIMALS if off <= 10.0 ** (1.0 - d)]


def _decimals_shown(student: Answers, reference: Answers, inputs: Sequence[Values]) -> Sequence[float]:
    """Those that the first answer shows: from the fewest on, all."""
    numbers = np.concatenate([np.zeros(1), *(np.ravel(v) for v in student[0].values())])
    allowed = 1e-6 * np.abs(numbers)
    few = next((k for k, d in enumerate(DECIMALS[::-1]) if (np.abs(np.round(numbers, int(d)) - numbers) > allowed).any()), len(DECIMALS))
    return DECIMALS[len(DECIMALS) - few :]


def answer_mistakes(std: float | None) -> dict[str, tuple[Variant, ...]]:
    """The mistakes made with any finished gradient; those of a target's unit where its standard deviation is stated."""

    def changed(*changes: Callable[[Values, Values], Values]) -> tuple[Variant, ...]:
        return tuple(Variant(answers=gradients_only(change)) for change in changes)

    found = {"G12": (Variant(answers=accumulated),), "G16": changed(clipped(1.0), clipped(5.0), normalised, normalised_each)}
    if std is not None:
        found["G58"] = tuple(scaled(std**power) for power in (-1, 1, -2, 2))
    return found


FITTED_GRADIENTS: dict[str, tuple[Fit, ...]] = {
    "G15": (
        Fit(scaled, _ratios, "every gradient is {0:.6g} times what is asked for"),
        Fit(stepped, _step_sizes, "the answer is the parameter minus {0:.6g} times its gradient"),
    ),
    "G17": (
        Fit(penalised("all"), _penalties(("dW", "db")), "{0:.6g} times the parameter is added to each gradient"),
        Fit(penalised("weights"), _penalties(("dW",)), "{0:.6g} times the weight is added to each weight's gradient"),
        Fit(penalised("biases"), _penalties(("db",)), "{0:.6g} times the bias is added to each bias's gradient"),
    ),
}

ROUNDED_RESULT = Mistake(
    "G18",
    fits=(
        Fit(rounded, _decimals_shown, "rounded to {0:.0f} decimals"),
        Fit(rounded_between(".*"), _decimals_shown, "every quantity is rounded to {0:.0f} decimals"),
    ),
)
ROUNDED_FORWARD = Fit(rounded_between("[za][0-9]+"), _decimals_near, "the forward pass is rounded to {0:.0f} decimals")
ROUNDED = Mistake("G18", fits=(*ROUNDED_RESULT.fits, ROUNDED_FORWARD))
USUAL_SLOPES = (0.0, 0.01, 0.1, 0.2, 0.3)


def leaky_fits(network: Network, steps: Steps) -> tuple[Fit, ...]:
    """G63: another slope for z ≤ 0 in every leaky ReLU, in the backward pass alone or in both passes."""
    names = {step.name for step in steps}
    layers = [i for i, layer in enumerate(network.dense, 1) if layer.f.name == "leaky_relu" and f"da{i}" in names]
    if not layers:
        return ()

    def backward(slope: float, steps: Steps = steps) -> Steps:
        for i in layers:
            steps = mutate(steps, f"dz{i}", lambda da, z: np.where(z > 0, da, slope * da))
        return steps

    def throughout(slope: float, steps: Steps) -> Steps:
        for i in layers:
            steps = mutate(steps, f"a{i}", lambda z: np.where(z > 0, z, slope * z))
        return backward(slope, steps)

    def usual(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
        return [s for s in USUAL_SLOPES if s != network.dense[layers[0] - 1].f.parameter]

    def solved(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
        return slope_between(backward, layers[-1], student[0], inputs[0])

    return (
        Fit(lambda s: Variant(partial(backward, s)), solved, "the slope for negative z is {0:.6g}"),
        Fit(lambda s: Variant(partial(throughout, s)), usual, "the slope for negative z is {0:.6g}, in both passes"),
    )


def slope_between(sloped: Callable[[float], Steps], layer: int, student: Values, inputs: Values) -> list[float]:
    """The slope at which the topmost leaky layer's gradients, affine in it, are the student's."""
    names = [name for name in (f"dz{layer}", f"dW{layer}", f"db{layer}") if name in student]
    if not names:
        return list(USUAL_SLOPES)
    flat, steep = (np.concatenate([np.ravel(values[n]) for n in names]) for values in (evaluate(sloped(s), inputs) for s in (0.0, 1.0)))
    mine, rise = np.concatenate([np.ravel(student[n]) for n in names]), steep - flat
    slope = float((mine - flat) @ rise) / (float(rise @ rise) or 1.0)
    return [float(np.round(slope, 12))]
