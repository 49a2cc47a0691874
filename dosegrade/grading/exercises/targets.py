"""Exercises on what a value is moved towards: returns, one-step targets, and a linear fit to returns (DOMAIN B.8, C.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Case, Exercise, Family, Port
from dosegrade.grading.exercises.gradient_answers import ROUNDED_RESULT
from dosegrade.grading.exercises.gradient_points import signed
from dosegrade.grading.exercises.targets_mistakes import mistakes
from dosegrade.registry import Registry
from dosegrade.rl.returns import lambda_returns, n_step_returns, returns
from dosegrade.rl.targets import TARGETS
from dosegrade.rl.values import fit_linear_value
from dosegrade.steps import Step, Steps, Values

Array = NDArray[Any]
TRIES = 1000
MEANING = {
    "rewards": ("n", "rewards[t] is R_{t+1}"),
    "values": ("n+1", "values[t] is v(S_t); S_T is terminal"),
    "gamma": ("", "the discount γ"),
    "lam": ("", "λ"),
    "n": ("", "the number of steps"),
    "v_next": ("n", "v(s') of every transition"),
    "q_next": ("n,A", "q(s', a), a row for each transition"),
    "q_target_next": ("n,A", "the target network's q(s', a)"),
    "q_online_next": ("n,A", "the online network's q(s', a)"),
    "policy_next": ("n,A", "π(a|s'), rows sum to 1"),
    "actions_next": ("n", "the next actions a'"),
    "terminated": ("n", "True where s' is terminal"),
    "x": ("T,n", "a row of features for each visit, of full column rank"),
    "returns": ("T", "the return after each visit"),
}
WORDS = {"n": "int", "terminated": "array (n,) of bool", "actions_next": "array (n,) of int"}


@dataclass(frozen=True)
class TargetTable:
    """The keys of a code question on one target.

    `sizes` are the rewards, transitions or (linear-value) features of each case, `steps` the n of n-step returns, `actions` their number;
    `truncated`: time ran out at S_T, whose value counts; `names` gives arguments the course's names.
    """

    target: str
    sizes: tuple[int, ...] = (5, 6, 7, 8, 5, 6)
    steps: tuple[int, ...] = (2, 3, 1, 4, 2, 9)
    actions: int = 3
    truncated: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = KINDS[self.target]
        if len(self.sizes) < 2 or not kind.least <= min(self.sizes) <= max(self.sizes) <= 50:
            raise SpecError(f"sizes: found {list(self.sizes)}, expected two cases or more, each from {kind.least} to 50.")
        if not self.steps or min(self.steps) < 1:
            raise SpecError(f"steps: found {list(self.steps)}, expected numbers from 1.")
        if not 3 <= self.actions <= 10:
            raise SpecError(f"actions: found {self.actions}, expected from 3 to 10: with two, a wrong choice is right by accident.")
        if self.truncated and self.target not in ("n-step", "lambda-returns"):
            raise SpecError("truncated: this is for n-step and lambda-returns, which are given v(S_T).")
        for name in self.names:
            if name not in kind.arguments:
                raise SpecError(f"names: there is no argument '{name}'. There are: {', '.join(kind.arguments)}.")


@dataclass(frozen=True)
class Kind:
    """A target: its arguments in order, its steps (of which `result` is returned), the rows of a case, and how inputs are drawn."""

    arguments: tuple[str, ...]
    result: str
    steps: Callable[[bool], Steps]
    draw: Callable[[np.random.Generator, TargetTable, int], Values]
    noun: str
    least: int = 4


def make(table: TargetTable, points: tuple[str, ...]) -> Exercise:
    """The exercise that a quiz's table describes; it returns one array, so `points` names `result` alone."""
    if points != ("result",):
        raise SpecError(f"points: found {', '.join(points)}, expected one entry, result = …: the function returns one array.")
    kind = KINDS[table.target]
    steps = kind.steps(table.truncated)

    def draw(rng: np.random.Generator, k: int = 0) -> Case:
        inputs = kind.draw(rng, table, k)
        given = tuple(inputs[name] for name in kind.arguments)
        floats = inputs | ({"terminated": inputs["terminated"].astype(float)} if "terminated" in inputs else {})
        return Case(floats, given, table.sizes[k % len(table.sizes)])

    arguments = tuple(port(name, table) for name in kind.arguments)
    result = Port("result", kind.result, ("n",), "the weights" if kind.result == "w" else "one number for each")
    found = (*mistakes(table.target, table.truncated), ROUNDED_RESULT)
    return Exercise(lambda inputs: steps, arguments, (result,), draw, draw, found, len(table.sizes), True, kind.noun)


def port(name: str, table: TargetTable) -> Port:
    """An argument as the student sees it."""
    shape, meaning = MEANING[name]
    sizes = tuple(table.actions if s == "A" else s for s in shape.split(",") if s)
    return Port(table.names.get(name, name), name, sizes, meaning, WORDS.get(name, ""))


def whole(name: str, needs: tuple[str, ...], formula: str, compute: Callable[..., Array], truncated: bool) -> Steps:
    """One step with its rule, which is its own scale; `truncated` is put in where the rule knows it."""
    rule = partial(compute, truncated=True) if truncated else compute
    return (Step(name, needs, formula, rule, rule),)


def given(rng: np.random.Generator, names: tuple[str, ...], size: int) -> Values:
    """Rewards of either sign, all different, and a discount; values likewise, that of the terminal state too."""
    rewards = distinct(rng, size, 0.3)
    inputs: Values = {"rewards": rewards, "gamma": float(np.round(rng.uniform(0.7, 0.95), 2))}
    if "values" in names:
        inputs["values"] = distinct(rng, size + 1, 0.42)
    return inputs


def distinct(rng: np.random.Generator, count: int, low: float) -> Array:
    """Numbers of two decimals and either sign, 0.03 apart in size, none of them ±1."""
    sizes = rng.choice(np.arange(low, low + 2.7, 0.03), count, replace=False)
    return np.asarray(np.round(sizes * rng.permutation(np.resize([1.0, -1.0], count)), 2))


def draw_returns(rng: np.random.Generator, table: TargetTable, k: int) -> Values:
    """An episode."""
    kind = KINDS[table.target]
    inputs = given(rng, kind.arguments, table.sizes[k % len(table.sizes)])
    inputs |= {"n": table.steps[k % len(table.steps)], "lam": decay(rng, inputs["gamma"])}
    return {name: inputs[name] for name in kind.arguments}


def decay(rng: np.random.Generator, gamma: float) -> float:
    """λ such that no two of λ, γ, 1−λ, γλ, 1 are near each other."""
    while True:
        lam = float(np.round(rng.uniform(0.3, 0.85), 2))
        if np.diff(np.sort([lam, gamma, 1 - lam, gamma * lam, 1.0])).min() >= 0.03:
            return lam


def draw_transitions(rng: np.random.Generator, table: TargetTable, k: int) -> Values:
    """A batch of which two transitions end an episode; no ties, no accidents between networks, policies and actions (DOMAIN C.5)."""
    kind = KINDS[table.target]
    size = table.sizes[k % len(table.sizes)]
    inputs = given(rng, kind.arguments, size)
    inputs["terminated"] = rng.permutation(size) < 2
    online, target = pair_of_networks(rng, size, table.actions)
    inputs |= {"q_next": online, "q_online_next": online, "q_target_next": target, "v_next": online[:, 0]}
    inputs["policy_next"] = policies(rng, size, table.actions)
    inputs["actions_next"] = online.argsort(axis=-1)[:, -2]
    return {name: inputs[name] for name in kind.arguments}


def pair_of_networks(rng: np.random.Generator, size: int, actions: int) -> tuple[Array, Array]:
    """q and q⁻ (B, A) without near ties: each one's greedy action is neither the best nor the worst of the other."""
    found: list[Array] = []
    while len(found) < size:
        both = signed(rng, (64, 2, actions), 0.3, 4.0)
        greedy, ranks = both.argmax(axis=-1), both.argsort(axis=-1).argsort(axis=-1)
        crossed = np.take_along_axis(ranks, greedy[:, ::-1, None], axis=-1)[..., 0]
        apart = np.diff(np.sort(both, axis=-1), axis=-1).min(axis=(1, 2)) >= 0.05
        unlike = np.abs(both[:, 0].max(axis=-1, keepdims=True) - np.arange(actions)).min(axis=-1) > 0.05
        found += list(both[(crossed > 0).all(axis=-1) & (crossed < actions - 1).all(axis=-1) & apart & unlike])
    return np.array(found[:size])[:, 0], np.array(found[:size])[:, 1]


def policies(rng: np.random.Generator, size: int, actions: int) -> Array:
    """Rows of different probabilities in hundredths that sum to 1."""
    parts = [rng.multinomial(100 - 5 * actions, rng.dirichlet(np.full(actions, 2.0))) + 5 for _ in range(size)]
    return np.array(parts) / 100.0


def draw_fit(rng: np.random.Generator, table: TargetTable, k: int) -> Values:
    """Features in small whole numbers with rows that come again, of full rank with a column of ones besides; returns not centred."""
    features = table.sizes[k % len(table.sizes)]
    for _ in range(TRIES):
        states = rng.integers(0, 3, (features + 3, features)).astype(float)
        x = states[rng.permutation([*range(len(states)), 0, 1, 1])]
        if np.linalg.cond(np.hstack([x, np.ones((len(x), 1))])) < 30:
            return {"x": x, "returns": signed(rng, (len(x),), 0.2, 3.0) + 1.5}
    raise SpecError(f"After {TRIES} draws no {features} features have full rank; use smaller sizes.")


def returned(needs: tuple[str, ...], formula: str, compute: Callable[..., Array]) -> Kind:
    """A kind of return of a whole episode."""
    return Kind(needs, "G", lambda truncated: whole("G", needs, formula, compute, truncated), draw_returns, "reward")


def targeted(name: str, *between: str) -> Kind:
    """A kind of one-step target."""
    steps = TARGETS[name]
    return Kind(("rewards", *between, "terminated", "gamma"), "target", lambda truncated: steps, draw_transitions, "transition")


KINDS: Registry[Kind] = Registry(
    "target",
    {
        "returns": returned(("rewards", "gamma"), r"G_t = R_{t+1} + \gamma\, G_{t+1}", returns),
        "n-step": returned(
            ("rewards", "values", "gamma", "n"),
            r"G_{t:t+n} = \sum_{k=1}^{n} \gamma^{k-1} R_{t+k} + \gamma^n\, v(S_{t+n})",
            n_step_returns,
        ),
        "lambda-returns": returned(
            ("rewards", "values", "gamma", "lam"),
            r"G_t^\lambda = R_{t+1} + \gamma\,[(1-\lambda)\, v(S_{t+1}) + \lambda\, G_{t+1}^\lambda]",
            lambda_returns,
        ),
        "td": targeted("td", "v_next"),
        "sarsa": targeted("sarsa", "q_next", "actions_next"),
        "expected-sarsa": targeted("expected-sarsa", "q_next", "policy_next"),
        "q-learning": targeted("q-learning", "q_next"),
        "dqn": targeted("dqn", "q_target_next"),
        "double-dqn": targeted("double-dqn", "q_online_next", "q_target_next"),
        "linear-value": Kind(
            ("x", "returns"),
            "w",
            lambda truncated: (Step("w", ("x", "returns"), r"w = \arg\min_w \sum_t (G_t - w^\top x_t)^2", fit_linear_value),),
            draw_fit,
            "feature",
            2,
        ),
    },
)


FAMILY = Family(TargetTable, make)
