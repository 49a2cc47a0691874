"""The TD(λ) lab: a small chain, one or two episodes on it, and everything that two trace types make of them, step by step.

The numbers are those of `rl.td_lambda`'s step list; this module reads links, names presets and puts numbers into the list's formulas.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.registry import Registry, did_you_mean
from dosegrade.rl.returns import lambda_returns
from dosegrade.rl.td_lambda import METHODS, Episode, Moment, td_lambda_inputs, td_lambda_steps
from dosegrade.steps import Line, Step, evaluate, worked
from dosegrade.web.query import known, number, whole

Array = NDArray[Any]
LETTERS = "ABCDEF"
MOST_STEPS, MOST_EPISODES, BIGGEST = 10, 2, 1000.0
SAME = 1e-12


@dataclass(frozen=True)
class Lab:
    """What the lab shows: each path's states with a reward after each; `w` one number a state (or one for all); `step` 0 is the start."""

    paths: tuple[str, ...] = ("ABAC",)
    rewards: tuple[tuple[float, ...], ...] = ((1.0, -1.0, 2.0, 3.0),)
    gamma: float = 0.9
    lam: float = 0.6
    alpha: float = 0.35
    w: tuple[float, ...] = (0.1, -0.2, 0.3)
    method: str = "accumulating"
    versus: str = "replacing"
    step: int = 3

    def __post_init__(self) -> None:
        if not 1 <= len(self.paths) <= MOST_EPISODES or len(self.paths) != len(self.rewards):
            raise SpecError(f"Found {len(self.paths)} paths and {len(self.rewards)} lists of rewards, expected one or two of each.")
        for path, rewards in zip(self.paths, self.rewards, strict=True):
            _check_episode(path, rewards)
        for name, value in (("γ", self.gamma), ("λ", self.lam), ("α", self.alpha)):
            if not 0.0 <= value <= 1.0:
                raise SpecError(f"Found {name} = {value:g}, expected a number from 0 to 1.")
        if len(self.w) not in (1, self.k):
            raise SpecError(f"Found {len(self.w)} weights, expected {self.k}: one for each of the states {', '.join(self.states)}.")
        _check_numbers("weight", self.w)
        for method in (self.method, *filter(None, (self.versus,))):
            if method not in METHODS:
                raise SpecError(f"Found the trace {method[:30]!r}, expected one of {', '.join(METHODS)}.{did_you_mean(method, METHODS)}")
        if self.step < 0:
            raise SpecError(f"Found step {self.step}, expected 0 or more.")

    @property
    def k(self) -> int:
        """The number of states, A up to the last letter named."""
        return LETTERS.index(max("".join(self.paths))) + 1

    @property
    def states(self) -> tuple[str, ...]:
        """Their letters."""
        return tuple(LETTERS[: self.k])

    @property
    def total(self) -> int:
        """The steps of all episodes."""
        return sum(len(path) for path in self.paths)

    @property
    def now(self) -> int:
        """The step shown, within the episodes."""
        return min(self.step, self.total)

    @property
    def methods(self) -> tuple[str, ...]:
        """The trace types shown: one, or two different ones."""
        return (self.method,) if self.versus in ("", self.method) else (self.method, self.versus)

    @property
    def start(self) -> Array:
        """w_0, a weight a state."""
        return np.array(self.w * self.k if len(self.w) == 1 else self.w, dtype=float)

    @property
    def episodes(self) -> list[Episode]:
        """One-hot features and rewards; after the last state the end, whose features are zero."""
        ends = np.zeros((1, self.k))
        rows = np.eye(self.k)
        return [
            (np.vstack([rows[[LETTERS.index(s) for s in path]], ends]), np.array(rewards))
            for path, rewards in zip(self.paths, self.rewards, strict=True)
        ]


def _check_episode(path: str, rewards: tuple[float, ...]) -> None:
    if not path or any(letter not in LETTERS for letter in path):
        raise SpecError(
            f"Found the path {path[:30]!r}, expected the letters of states in order, {LETTERS[0]} to {LETTERS[-1]}, as in ABAC."
        )
    if len(path) > MOST_STEPS:
        raise SpecError(f"Found a path of {len(path)} states, expected at most {MOST_STEPS}.")
    if len(rewards) != len(path):
        raise SpecError(f"Found {len(rewards)} rewards for the path {path}, expected {len(path)}: one after each state.")
    _check_numbers("reward", rewards)


def _check_numbers(what: str, numbers: tuple[float, ...]) -> None:
    for value in numbers:
        if not abs(value) <= BIGGEST:
            raise SpecError(f"Found the {what} {value:g}, expected a number from {-BIGGEST:g} to {BIGGEST:g}.")


@dataclass(frozen=True)
class Preset:
    """A state of the lab worth seeing, and why."""

    title: str
    why: str
    lab: Lab


LECTURE = Lab(("ABC",), ((0.0, 1.0, 2.0),), 0.9, 0.8, 0.5, (0.0,), "accumulating", "replacing", 3)
PRESETS: Registry[Preset] = Registry(
    "preset",
    {
        "revisit": Preset(
            "A state comes back",
            "A is visited at steps 1 and 3. An accumulating trace adds to what is left of the first visit, a replacing one "
            "starts again at 1: from there on the two learn different weights.",
            Lab(),
        ),
        "lecture": Preset(
            "The lecture's chain",
            "A, B, C and the end. The three steps change 0, 2 and 3 weights: the first error is 0, and then every state visited before "
            "keeps a share. No state comes back, so all trace types agree.",
            LECTURE,
        ),
        "td0": Preset(
            "λ = 0",
            "Nothing is left of a trace one step later: only the state just left learns. This is TD(0), and all trace types are the same.",
            replace(Lab(), lam=0.0),
        ),
        "monte-carlo": Preset(
            "λ = 1",
            "Traces fade with γ alone, so every state hears of all that follows. With frozen weights the sum is Monte Carlo: "
            "the λ-return is the whole return.",
            replace(Lab(), lam=1.0, step=4),
        ),
        "two-episodes": Preset(
            "Two episodes",
            "The trace begins at zero in every episode; the weights stay. A program that forgets the one or resets the other is wrong "
            "from step 5 on.",
            replace(Lab(), paths=("ABAC", "BAC"), rewards=((1.0, -1.0, 2.0, 3.0), (0.0, 2.0, 1.0)), step=5),
        ),
        "swap": Preset(
            "γ = λ hides a swap",
            "With γ = λ a program that confuses the two gives exactly these numbers. Test with values that differ, from each "
            "other and from 1.",
            replace(Lab(), gamma=0.8, lam=0.8),
        ),
    },
)
DEFAULT = PRESETS["revisit"].lab


def preset_of(lab: Lab) -> str | None:
    """The preset that this is, at whatever step."""
    return next((name for name, preset in PRESETS.items() if replace(preset.lab, step=lab.step) == lab), None)


def to_query(lab: Lab) -> dict[str, str]:
    """The shortest address that gives `lab` back."""
    name = preset_of(lab)
    base = DEFAULT if name is None else PRESETS[name].lab
    query = {"preset": name} if name is not None and base != DEFAULT else {}
    if name is None:
        query |= {
            field.name: _text(getattr(lab, field.name)) for field in fields(Lab) if getattr(lab, field.name) != getattr(base, field.name)
        }
    return query | ({"step": str(lab.step)} if lab.step != base.step else {})


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        joint = ";" if value and isinstance(value[0], tuple | str) else ","
        return joint.join(_text(part) for part in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def from_query(query: Mapping[str, str]) -> Lab:
    """The lab that an address describes; SpecError in a sentence where it cannot be read."""
    known(query, ("preset", *(field.name for field in fields(Lab))))
    base = PRESETS[query["preset"][:30]].lab if "preset" in query else DEFAULT
    return replace(base, **{key: READERS[key](text) for key, text in query.items() if key != "preset"})


def finite(text: str) -> float:
    """A finite number from a text; a comma does not stand for a point."""
    value = number(text)
    if not math.isfinite(value):
        raise SpecError(f"Found {text.strip()[:30]!r}, expected a finite number.")
    return value


def numbers(text: str) -> tuple[float, ...]:
    """Numbers between commas or blanks."""
    parts = [part for part in re.split(r"[,\s]+", text.replace("−", "-").strip()) if part]
    if len(parts) > MOST_STEPS + 1:
        raise SpecError(f"Found {len(parts)} numbers, expected at most {MOST_STEPS}.")
    return tuple(finite(part) for part in parts)


def path(text: str) -> str:
    """A path as typed: `ABAC`, `a b a c`, `A→B→A→C`."""
    return re.sub(r"[\s,→>-]", "", text).upper()


READERS: dict[str, Any] = {
    "paths": lambda text: tuple(path(part) for part in text.split(";")),
    "rewards": lambda text: tuple(numbers(part) for part in text.split(";")),
    "w": numbers,
    "gamma": finite,
    "lam": finite,
    "alpha": finite,
    "method": str,
    "versus": str,
    "step": whole,
}


@dataclass(frozen=True)
class Played:
    """What one trace type makes of the episodes: `z`, `delta` a row a step, `w` with w_0 before the first, and the derivation's lines."""

    method: str
    z: Array
    delta: Array
    w: Array
    lines: tuple[Line, ...]
    moments: tuple[Moment, ...]

    def at(self, step: int) -> tuple[Line, ...]:
        """The three lines of a step, counted from 1."""
        return self.lines[3 * (step - 1) : 3 * step]


def play(lab: Lab, method: str) -> Played:
    """All steps of the episodes by one trace type."""
    steps = td_lambda_steps(tuple(len(p) for p in lab.paths), method)
    inputs = td_lambda_inputs(lab.episodes, lab.start, lab.alpha, lab.gamma, lab.lam)
    lines = {line.name: line for line in worked(steps, inputs)}
    moments = tuple(step for step in steps if isinstance(step, Moment))
    z, delta, w = (np.asarray(lines[name].result) for name in ("z", "delta", "w"))
    return Played(method, z, delta, np.vstack([lab.start, w]), tuple(lines[m.name] for m in moments), moments)


def parting(first: Played, second: Played) -> int | None:
    """The first step, counted from 1, at which two traces differ."""
    apart = np.flatnonzero(np.abs(first.z - second.z).max(axis=1) > SAME)
    return int(apart[0]) + 1 if apart.size else None


@dataclass(frozen=True)
class Visit:
    """One step of an episode: its number over all, the state left and the one reached ("" is the end), the reward, whether it was here."""

    step: int
    episode: int
    state: str
    to: str
    reward: float
    again: bool

    @property
    def label(self) -> str:
        """`3 A`."""
        return f"{self.step} {self.state}"


def visits(lab: Lab) -> list[Visit]:
    """Every step of every episode."""
    found: list[Visit] = []
    for episode, (states, rewards) in enumerate(zip(lab.paths, lab.rewards, strict=True), 1):
        for t, (state, reward) in enumerate(zip(states, rewards, strict=True)):
            found.append(Visit(len(found) + 1, episode, state, states[t + 1 : t + 2], reward, state in states[:t]))
    return found


@dataclass(frozen=True)
class Views:
    """With weights frozen at w_0: by step the λ-return, the value, δ; by state the forward sum Σα(G−v)x and the backward sum Σαδz."""

    returns: Array
    values: Array
    deltas: Array
    forward: Array
    backward: Array

    @property
    def gap(self) -> float:
        """The largest difference of the two sums: rounding."""
        return float(np.abs(self.forward - self.backward).max())


def views(lab: Lab) -> Views:
    """Forward and backward view of the same episodes, accumulating trace, every step's weights being w_0 (S&B §12.1)."""
    w = lab.start
    steps = tuple(frozen(step) for step in td_lambda_steps(tuple(len(p) for p in lab.paths), "accumulating"))
    made = evaluate(steps, td_lambda_inputs(lab.episodes, w, lab.alpha, lab.gamma, lab.lam))
    returns = np.concatenate([lambda_returns(rewards, x @ w, lab.gamma, lab.lam) for x, rewards in lab.episodes])
    x = np.vstack([states[:-1] for states, _ in lab.episodes])
    values = x @ w
    return Views(returns, values, made["delta"], lab.alpha * (returns - values) @ x, lab.alpha * made["delta"] @ made["z"])


def frozen(step: Step) -> Step:
    """The same step, where it is one of the weights without any change."""
    return replace(step, compute=lambda w, *rest: w) if isinstance(step, Moment) and step.line == "w" else step
