"""The mistakes of optimizers (DOMAIN C.3, G75–G80 in the readings of C.6), each as other rules throughout the updates.

Adam and RMSprop are right with ε added in either of two places, so their mistakes are listed with both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.grading.exercises import Mistake, Variant
from dosegrade.grading.exercises.gradient_answers import ROUNDED
from dosegrade.grading.exercises.optimizer_rules import Rule, adam, ahead, averaged, moved, rms, velocity, with_rules
from dosegrade.steps import Steps, mutate

Array = NDArray[Any]


def other(*rules: Rule) -> Variant:
    """The updates with other rules."""
    return Variant(partial(with_rules, rules))


def undefined(*rules: Rule) -> Variant:
    """The same where some answers are no numbers (the root of a negative average)."""
    return Variant(partial(with_rules, rules), reshapes=True)


def uphill(*rules: Rule) -> Variant:
    """G75: the updates with the sign of every step of w turned, after other rules are put in."""
    return Variant(partial(turned, rules))


def turned(rules: tuple[Rule, ...], steps: Steps) -> Steps:
    """w ← w − (w_new − w) throughout."""
    steps = with_rules(rules, steps)
    for step in steps:
        if step.name.startswith("w") and step.needs[0].startswith("w"):
            steps = mutate(steps, step.name, partial(opposite, step.compute))
    return steps


def opposite(rule: Callable[..., Any], w: Array, *given: Any) -> Any:
    """2w − rule(w, …): as far the other way."""
    return 2 * w - rule(w, *given)


def returned_steps(sign: float) -> Variant:
    """G15: the steps w_t − w_{t−1} instead of the weights."""
    return Variant(partial(differences, sign))


def differences(sign: float, steps: Steps) -> Steps:
    """`result` as the differences of the weights."""
    needs = next(step.needs for step in steps if step.name == "result")
    return mutate(steps, "result", lambda *w: sign * np.diff(np.stack(w), axis=0), ("w0", *needs))


def uncorrected(beta: float, t: int) -> float:
    """No bias correction."""
    return 1.0


def always_first(beta: float, t: int) -> float:
    """G78: t stays 1."""
    return 1 - beta


def from_zero(beta: float, t: int) -> float:
    """G78: t starts at 0, where nothing is corrected; without that exception every answer is nan."""
    return 1 - beta ** (t - 1) if t > 1 else 1.0


def velocities(use: Callable[..., Any]) -> tuple[Variant, ...]:
    """G76: α twice; m overwritten; wrong signs of the step or of the memory; a mean instead of a sum. `use` is the rule's w."""
    return (
        other(moved(lambda w, m, g, rate, mu: w + rate * (use(w, m, g, rate, mu) - w))),
        other(velocity(lambda m, g, rate, mu: -rate * g)),
        other(moved(lambda w, m, g, rate, mu: 2 * w - use(w, m, g, rate, mu))),
        other(velocity(lambda m, g, rate, mu: -mu * m - rate * g)),
        other(velocity(lambda m, g, rate, mu: mu * m - (1 - mu) * rate * g)),
    )


def plain(w: Array, m: Array, g: Array, rate: float, mu: float) -> Array:
    """Momentum: w + m."""
    return w + m


def momentum_mistakes(use: Callable[..., Any], another: Callable[..., Any]) -> dict[str, tuple[Variant, ...]]:
    """The mistakes of momentum and of Nesterov's momentum, of which the other is a variant of G76."""
    return {"G75": (uphill(),), "G76": (*velocities(use), other(moved(another)))}


def adam_mistakes(inside: bool) -> dict[str, tuple[Variant, ...]]:
    """Adam's mistakes with ε in one of its two places."""
    rule = partial(adam, inside=inside)
    return {
        "G75": (uphill(rule()) if inside else uphill(),),
        "G77": (
            other(rule(first=uncorrected, second=uncorrected)),
            other(rule(first=uncorrected)),
            other(rule(second=uncorrected)),
        ),
        "G78": (other(rule(first=always_first, second=always_first)), other(rule(first=from_zero, second=from_zero))),
        "G79": (other(averaged("v", "beta_2", np.abs), rule()), undefined(averaged("v", "beta_2"), rule())),
    }


def rms_mistakes(outside: bool) -> dict[str, tuple[Variant, ...]]:
    """RMSprop's mistakes with ε in one of its two places."""
    return {
        "G75": (uphill(rms(outside=True)) if outside else uphill(),),
        "G79": (other(averaged("v", "rho", np.abs), rms(outside=outside)), undefined(averaged("v", "rho"), rms(outside=outside))),
        "G80": (other(rms(outside=outside, old=True)),),
    }


def merged(*tables: dict[str, tuple[Variant, ...]]) -> dict[str, tuple[Variant, ...]]:
    """Variants of the same codes together."""
    return {code: tuple(variant for table in tables for variant in table[code]) for code in tables[0]}


OPTIMIZER_MISTAKES: dict[str, dict[str, tuple[Variant, ...]]] = {
    "sgd": {"G75": (uphill(),)},
    "momentum": momentum_mistakes(plain, ahead),
    "nesterov": momentum_mistakes(ahead, plain),
    "rmsprop": merged(rms_mistakes(False), rms_mistakes(True)),
    "adam": merged(adam_mistakes(False), adam_mistakes(True)),
}

# Other placements of ε that are right too (DOMAIN B.4).
ACCEPTED: dict[str, tuple[Callable[[Steps], Steps], ...]] = {
    "rmsprop": (partial(with_rules, (rms(outside=True),)),),
    "adam": (partial(with_rules, (adam(inside=True),)),),
}


def mistakes(optimizer: str) -> tuple[Mistake, ...]:
    """An optimizer's mistakes; the wrong sign of a velocity is G75."""
    table = OPTIMIZER_MISTAKES[optimizer]
    also = {"G75": ("G76",)} if "G76" in table else {}
    found = [Mistake(code, variants, also=also.get(code, ())) for code, variants in table.items()]
    return (*found, Mistake("G15", (returned_steps(1.0), returned_steps(-1.0))), ROUNDED)
