"""The mistakes of TD(λ) (DOMAIN C.5 in the readings of C.6): its three lines, z, delta and w, mistaken at every place.

A change of a line wraps the rule that it has, so that one table serves every trace and mistakes can be made together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.grading.exercises import Mistake, Variant
from dosegrade.rl.td_lambda import METHODS, Moment, Place, td_lambda_steps
from dosegrade.steps import Step, Steps

Array = NDArray[Any]
Change = Callable[[Steps], Steps]
Rule = Callable[..., Any]

# A line's own needs, by which its rule is called: trace(z_before, x, alpha, gamma, lam), error(R, …), update(w, delta, z, alpha).
OWN = {"z": 5, "delta": 1, "w": 4}


def each(line: str, change: Callable[[Moment], Step]) -> Change:
    """One line changed at every place."""
    return lambda steps: tuple(change(s) if isinstance(s, Moment) and s.line == line else s for s in steps)


def wrapped(line: str, change: Rule, *extra: str) -> Change:
    """A line computed as change(rule, *own needs, *extra); names as in `Place.names`."""

    def wrap(step: Moment) -> Step:
        own, count = OWN[line], len(step.needs)

        def compute(*v: Any) -> Any:
            return change(lambda *mine: step.compute(*mine, *v[own:count]), *v[:own], *v[count:])

        return replace(step, compute=compute, needs=(*step.needs, *(step.place.names.get(name, name) for name in extra)))

    return each(line, wrap)


def trace(change: Rule, *extra: str) -> Change:
    """z = change(rule, z_before, x, alpha, gamma, lam, *extra)."""
    return wrapped("z", change, *extra)


def update(change: Rule, *extra: str) -> Change:
    """w = change(rule, w, delta, z, alpha, *extra)."""
    return wrapped("w", change, *extra)


@dataclass(frozen=True)
class Error:
    """δ by rule(r, v, v_next, on, gamma, lam): v_next is also a terminal state's wᵀx, `on` is 0 there and 1 elsewhere."""

    rule: Rule

    def __call__(self, r: float, x: Array, x_next: Array, w: Array, on: float, gamma: float, lam: float) -> float:
        return float(self.rule(r, float(x @ w), float(x_next @ w), on, gamma, lam))


RIGHT = Error(lambda r, v, u, on, gamma, lam: r + gamma * on * u - v)


def error(change: Rule) -> Change:
    """δ = change(rule, r, v, v_next, on, gamma, lam)."""

    def line(step: Moment) -> Step:
        n = step.place.names
        own = step.compute if isinstance(step.compute, Error) else RIGHT
        return replace(
            step,
            compute=Error(partial(change, own.rule)),
            needs=(n["R"], n["x"], n["x_next"], n["w"], n["goes_on"], "gamma", "lam"),
        )

    return each("delta", line)


def rewired(line: str, names: Callable[[Place], dict[str, str]]) -> Change:
    """A line that takes other quantities at some places: {what it needs: what it gets}."""

    def wire(step: Moment) -> Step:
        new = names(step.place)
        return replace(step, needs=tuple(new.get(name, name) for name in step.needs))

    return each(line, wire)


def all_of(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def change(steps: Steps) -> Steps:
        for one in changes:
            steps = one(steps)
        return steps

    return change


def errors_first(steps: Steps) -> Steps:
    """The same lines with δ before z."""
    lines = sorted((s for s in steps if isinstance(s, Moment)), key=lambda s: (s.place.i, ("delta", "z", "w").index(s.line)))
    return (*lines, *(s for s in steps if not isinstance(s, Moment)))


def algorithm(method: str) -> Change:
    """Another algorithm's trace and update."""

    def change(steps: Steps) -> Steps:
        found = [s.place for s in steps if isinstance(s, Moment) and s.line == "z"]
        lengths = tuple(p.stop - p.start for p in found if p.first)
        other = {s.name: s for s in td_lambda_steps(lengths, method) if isinstance(s, Moment) and s.line != "delta"}
        return tuple(other.get(s.name, s) for s in steps)

    return change


def shifted(r: Rule) -> Change:
    """T26: R_t for R_{t+1}; `r(place)` names the reward before the first, or is None where it is 0."""

    def shift(step: Moment) -> Step:
        p = step.place
        name = f"R[{p.i}]" if not p.first else r(p)
        rule = step.compute
        if name is None:
            return replace(step, compute=lambda first, *rest: rule(0.0, *rest))
        return replace(step, needs=(name, *step.needs[1:]))

    return each("delta", shift)


def corrected(along: str, both: bool) -> Change:
    """T29: δ from weights that were moved along x or z already; `both`: v(S') too, else v(S) alone."""

    def line(step: Moment) -> Step:
        n = step.place.names

        def delta(r: float, x: Array, x_next: Array, w: Array, on: float, gamma: float, alpha: float, direction: Array) -> float:
            first = r + gamma * on * (x_next @ w) - x @ w
            moved = w + alpha * first * direction
            return float(r + gamma * on * (x_next @ (moved if both else w)) - x @ moved)

        needs = (n["R"], n["x"], n["x_next"], n["w"], n["goes_on"], "gamma", "alpha", n[along])
        return replace(step, compute=delta, needs=needs)

    return each("delta", line)


def measured_late(steps: Steps) -> Steps:
    """T29: the update is right, but the δ returned is that of the weights after it."""
    late = {s.name: f"late_{s.name}" for s in steps if isinstance(s, Moment) and s.line == "delta"}
    made: list[Step] = []
    for step in steps:
        if step.name == "delta":
            step = replace(step, needs=tuple(late[name] for name in step.needs))
        made.append(step)
        if isinstance(step, Moment) and step.line == "w":
            i = step.place.i
            error_line = next(s for s in steps if s.name == f"delta[{i}]")
            after = tuple(f"w[{i + 1}]" if name == f"w[{i}]" else name for name in error_line.needs)
            made.append(replace(error_line, name=late[error_line.name], needs=after))
    return tuple(made)


def frozen(p: Place) -> dict[str, str]:
    """T30: δ from the weights at the episode's start."""
    return {f"w[{p.i}]": f"w[{p.start}]"}


def at_the_end(steps: Steps) -> Steps:
    """T30: the rows of w stay as they were until the episode ends."""
    shown = [f"w[{s.place.i + 1 if s.place.last else s.place.start}]" for s in steps if isinstance(s, Moment) and s.line == "w"]
    return tuple(replace(s, needs=tuple(shown)) if s.name == "w" else s for s in steps)


def skipped(skip: Callable[[Place], bool], row: bool) -> Change:
    """T31: no update at some places; their rows are not there, or 0 (`row`)."""

    def drop(step: Step) -> Step:
        if not isinstance(step, Moment) or not skip(step.place):
            return step
        if step.line == "delta":
            return replace(step, needs=(), compute=lambda: 0.0)
        n = step.place.names
        return replace(step, needs=(n["z_before"] if step.line == "z" else n["w"],), compute=lambda kept: kept)

    def change(steps: Steps) -> Steps:
        gone = {s.name for s in steps if isinstance(s, Moment) and skip(s.place)}
        return tuple(without_rows(s, gone, row) if s.name in ("delta", "z", "w") else drop(s) for s in steps)

    return change


def without_rows(whole: Step, gone: set[str], row: bool) -> Step:
    """An array without some of its rows, or with 0 in their place."""
    if not row:
        return replace(whole, needs=tuple(name for name in whole.needs if name not in gone))
    keep = np.array([name not in gone for name in whole.needs])
    return replace(whole, compute=lambda *parts: np.array(parts, dtype=float) * (keep if np.ndim(parts[0]) == 0 else keep[:, None]))


def carried(p: Place) -> dict[str, str]:
    """T10: an episode begins with the trace of the one before."""
    return {"z_0": f"z[{p.i - 1}]"} if p.i > 0 else {}


def started_again(p: Place) -> dict[str, str]:
    """T11: every episode begins with the first weights."""
    return {f"w[{p.i}]": "w[0]"} if p.first else {}


CHANGES: dict[str, tuple[Change, ...]] = {
    "T01": (error(lambda rule, r, v, u, on, gamma, lam: rule(r, v, u, on, lam, lam)),),
    "T02": (trace(lambda rule, z, x, alpha, gamma, lam: rule(z, x, alpha, 1.0, lam)),),
    "T03": (
        trace(lambda rule, z, x, alpha, gamma, lam: rule(z, x, alpha, gamma, 1.0)),
        trace(lambda rule, z, x, alpha, gamma, lam: rule(z, x, alpha, gamma, gamma)),
        trace(lambda rule, z, x, alpha, gamma, lam: rule(z, x, alpha, gamma**2, lam)),
    ),
    "T04": (error(lambda rule, r, v, u, on, gamma, lam: rule(r, v, lam * u, on, gamma, lam)),),
    "T05": (trace(lambda rule, z, x, alpha, gamma, lam: rule(z, x, alpha, 1.0, 1.0)),),
    "T06": (trace(lambda rule, z, x, alpha, gamma, lam: rule(0.0 * z, x, alpha, gamma, lam)),),
    "T07": (update(lambda rule, w, delta, z, alpha, x: rule(w, delta, np.where(x != 0, z, 0.0), alpha), "x"),),
    "T08": (trace(lambda rule, z, x, alpha, gamma, lam: gamma * lam * rule(z, x, alpha, 1.0, 1.0)),),
    "T09": (update(lambda rule, w, delta, z, alpha, before: rule(w, delta, before, alpha), "z_before"),),
    "T10": (all_of(rewired("z", carried), rewired("w", carried)),),
    "T11": (all_of(rewired("delta", started_again), rewired("w", started_again)),),
    "T15": (
        trace(lambda rule, z, x, alpha, gamma, lam, x_next: rule(z, x_next, alpha, gamma, lam), "x_next"),
        trace(lambda rule, z, x, alpha, gamma, lam, x_next, on: rule(z, on * x_next, alpha, gamma, lam), "x_next", "goes_on"),
    ),
    "T16": (trace(lambda rule, z, x, alpha, gamma, lam: rule(z, np.ones_like(x), alpha, gamma, lam)),),
    "T17": (
        all_of(
            errors_first,
            trace(lambda rule, z, x, alpha, gamma, lam, delta: rule(z, delta * x, alpha, gamma, lam), "delta"),
            update(lambda rule, w, delta, z, alpha: rule(w, 1.0, z, alpha)),
        ),
        all_of(
            errors_first,
            trace(lambda rule, z, x, alpha, gamma, lam, delta: rule(z, alpha * delta * x, alpha, gamma, lam), "delta"),
            update(lambda rule, w, delta, z, alpha: rule(w, 1.0, z, 1.0)),
        ),
    ),
    "T18": (
        trace(lambda rule, z, x, alpha, gamma, lam: alpha * rule(z / alpha, x, alpha, gamma, lam)),
        update(lambda rule, w, delta, z, alpha: rule(w, alpha * delta, z, alpha)),
    ),
    "T19": (
        update(lambda rule, w, delta, z, alpha: rule(w, delta / alpha, z, alpha)),
        update(lambda rule, w, delta, z, alpha: rule(w, 2.0 * delta, z, alpha)),
        update(lambda rule, w, delta, z, alpha, lam: rule(w, (1.0 - lam) * delta, z, alpha), "lam"),
    ),
    "T20": (
        trace(lambda rule, z, x, alpha, gamma, lam, x_next: rule(z, x, alpha, gamma, lam) - gamma * x_next, "x_next"),
        trace(lambda rule, z, x, alpha, gamma, lam, x_next, on: rule(z, x, alpha, gamma, lam) - gamma * on * x_next, "x_next", "goes_on"),
    ),
    "T21": (error(lambda rule, r, v, u, on, gamma, lam: rule(r, v, u, 1.0, gamma, lam)),),
    "T22": (error(lambda rule, r, v, u, on, gamma, lam: rule(r, v, 0.0, on, gamma, lam)),),
    "T23": (
        error(lambda rule, r, v, u, on, gamma, lam: rule(r, v, v, on, gamma, lam)),
        error(lambda rule, r, v, u, on, gamma, lam: rule(r, v, v, 1.0, gamma, lam)),
    ),
    "T24": (error(lambda rule, r, v, u, on, gamma, lam: rule(r, v, u, on, 1.0, lam)),),
    "T25": (
        error(lambda rule, r, v, u, on, gamma, lam: rule(gamma * r, v, u, on, gamma, lam)),
        error(lambda rule, r, v, u, on, gamma, lam: rule(gamma * r if on else r, v, u, on, gamma, lam)),
    ),
    "T26": (shifted(lambda p: None), shifted(lambda p: f"R[{p.stop}]")),
    "T27": (
        wrapped("delta", lambda rule, r: -rule(r)),
        update(lambda rule, w, delta, z, alpha: rule(w, -delta, z, alpha)),
        all_of(wrapped("delta", lambda rule, r: -rule(r)), update(lambda rule, w, delta, z, alpha: rule(w, -delta, z, alpha))),
    ),
    "T28": (
        error(lambda rule, r, v, u, on, gamma, lam: rule(r, 0.0, u, on, gamma, lam)),
        error(lambda rule, r, v, u, on, gamma, lam: rule(r, gamma * v, u, on, gamma, lam)),
    ),
    "T29": (corrected("x", True), corrected("z", True), corrected("x", False), corrected("z", False), measured_late),
    "T30": (rewired("delta", frozen), all_of(rewired("delta", frozen), at_the_end)),
    "T31": (skipped(lambda p: p.last, True), skipped(lambda p: p.first, True)),
    "T32": (update(lambda rule, w, delta, z, alpha: rule(0.0 * w, delta, z, alpha)),),
}

TOO_FEW = (skipped(lambda p: p.last, False), skipped(lambda p: p.first, False))
ALSO = {"T21": ("R06", "R11")}


def mistakes(method: str) -> tuple[Mistake, ...]:
    """The mistakes of one of METHODS; the other methods are mistakes too."""
    changes = dict(CHANGES)
    others = {"T12": ("accumulating", "replacing"), "T13": ("dutch",), "T14": ("true-online",)}
    changes |= {code: tuple(algorithm(m) for m in METHODS if m in names and m != method) for code, names in others.items()}
    found = {code: tuple(Variant(change) for change in some) for code, some in sorted(changes.items()) if some}
    found["T31"] += tuple(Variant(change, reshapes=True) for change in TOO_FEW)
    return tuple(Mistake(code, variants, also=ALSO.get(code, ())) for code, variants in found.items())
