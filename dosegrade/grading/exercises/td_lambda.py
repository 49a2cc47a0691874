"""Exercises on TD(λ) with linear features: episodes in, every TD error, trace and weight vector out (DOMAIN B.9, C.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Case, Exercise, Family, Port, renamed
from dosegrade.grading.exercises.gradient_answers import ROUNDED_RESULT
from dosegrade.grading.exercises.gradient_points import signed
from dosegrade.grading.exercises.td_lambda_mistakes import mistakes
from dosegrade.registry import did_you_mean
from dosegrade.rl.td_lambda import METHODS, td_lambda_inputs, td_lambda_steps
from dosegrade.steps import Steps, Values

Array = NDArray[Any]
EPISODES = ((4, 3), (3, 4), (5, 1, 3), (4, 4), (4, 2, 3), (3, 5))
APART = 0.02

RETURNS = {
    "delta": (("n",), "the TD error δ of every step"),
    "z": (("n", "k"), "the trace after every step"),
    "w": (("n", "k"), "the weights after every step"),
}
ARGUMENTS = {
    "episodes": "pairs (x, rewards): x (T+1, k) holds the binary features of S_0 … S_T, S_T is terminal; rewards[t] is R_{t+1}",
    "w": "the first weights",
    "alpha": "the step size α",
    "gamma": "the discount γ",
    "lam": "the decay λ of the trace",
}


@dataclass(frozen=True)
class TdLambdaTable:
    """The keys of a code question `td_lambda(episodes, w, alpha, gamma, lam)`.

    `method` is a trace or "true-online"; `episodes` are the lengths of each case's episodes, `features` their width k; `names` gives
    arguments and returned arrays the course's names (`z = "e"`).
    """

    method: str = "accumulating"
    features: int = 4
    episodes: tuple[tuple[int, ...], ...] = EPISODES
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SpecError(
                f"method: there is none called '{self.method}'.{did_you_mean(self.method, METHODS)} There are: {', '.join(METHODS)}."
            )
        if not 3 <= self.features <= 16:
            raise SpecError(f"features: found {self.features}, expected a width from 3 to 16.")
        if not self.episodes or any(not lengths or not 1 <= min(lengths) <= sum(lengths) <= 40 for lengths in self.episodes):
            raise SpecError(
                "episodes: give each case the lengths of its episodes, 40 steps or fewer together, for example [[4, 3], [5, 1, 3]]."
            )
        for name in self.names:
            if name not in {*RETURNS, *ARGUMENTS}:
                raise SpecError(f"names: there is no quantity '{name}'. There are: {', '.join({**RETURNS, **ARGUMENTS})}.")


def make(table: TdLambdaTable, returns: tuple[str, ...]) -> Exercise:
    """The exercise that a quiz's table describes; each of delta, z and w that it pays for is one check."""
    ours = renamed(table.names, RETURNS)
    for name in returns:
        if name not in ours:
            raise SpecError(f"points: there is no quantity '{name}'.{did_you_mean(name, ours)} There are: {', '.join(ours)}.")

    def derive(inputs: Values) -> Steps:
        return td_lambda_steps(inputs["lengths"], table.method)

    def draw(rng: np.random.Generator, k: int = 0) -> Case:
        return draw_case(rng, table.features, table.episodes[k % len(table.episodes)], one_hot=k % 2 == 0)

    arguments = tuple(
        Port(table.names.get(name, name), name, (table.features,) if name == "w" else (), words, "list" if name == "episodes" else "")
        for name, words in ARGUMENTS.items()
    )
    ports = tuple(Port(name, ours[name], sized(RETURNS[ours[name]][0], table.features), RETURNS[ours[name]][1]) for name in returns)
    found = (*mistakes(table.method), ROUNDED_RESULT)
    return Exercise(derive, arguments, ports, draw, draw, found, len(table.episodes), case_noun="step")


def sized(shape: tuple[str, ...], features: int) -> tuple[int | str, ...]:
    """The shape with the width put in."""
    return tuple(features if s == "k" else s for s in shape)


def draw_case(rng: np.random.Generator, features: int, lengths: tuple[int, ...], one_hot: bool) -> Case:
    """Episodes that revisit states, with random bits or one-hot rows; rewards, weights and settings that hide no mistake."""
    rows = np.eye(features) if one_hot else some_bits(rng, features)
    rewards = signed(rng, (sum(lengths),), 0.2, 3.0)
    starts = np.cumsum([0, *lengths[:-1]])
    paths = [[*visits(rng, features, length), int(rng.integers(features))] for length in lengths]
    episodes = [(rows[path], rewards[start : start + len(path) - 1]) for path, start in zip(paths, starts, strict=True)]
    w = signed(rng, (features,), 0.2, 2.0)
    alpha, gamma, lam = settings(rng)
    inputs = td_lambda_inputs(episodes, w, alpha, gamma, lam) | {"lengths": lengths}
    return Case(inputs, (episodes, w, alpha, gamma, lam), sum(lengths))


def some_bits(rng: np.random.Generator, features: int) -> Array:
    """As many different rows of zeros and ones as there are features, with more ones than rows."""
    while True:
        rows = rng.integers(0, 2, (features, features)).astype(float)
        if rows.any(axis=1).all() and rows.sum() > features and len(np.unique(rows, axis=0)) == features:
            return rows


def visits(rng: np.random.Generator, states: int, length: int) -> list[int]:
    """States in order, A B A … : the first comes again, none follows itself."""
    order = list(rng.permutation(states)[:2])
    order = [order[0], order[1], order[0]][:length]
    while len(order) < length:
        order.append(int(rng.choice([s for s in range(states) if s != order[-1]])))
    return [int(s) for s in order]


def settings(rng: np.random.Generator) -> tuple[float, float, float]:
    """α, γ, λ such that no two of α, γ, λ, 1−λ, γλ, 2α, α², α(1−α), 1 are near each other (DOMAIN C.5)."""
    while True:
        alpha, gamma, lam = (float(np.round(rng.uniform(low, high), 2)) for low, high in ((0.1, 0.45), (0.75, 0.96), (0.3, 0.85)))
        numbers = np.sort([alpha, gamma, lam, 1 - lam, gamma * lam, 2 * alpha, alpha**2, alpha * (1 - alpha), 1.0])
        if np.diff(numbers).min() >= APART:
            return alpha, gamma, lam


FAMILY = Family(TdLambdaTable, make)
