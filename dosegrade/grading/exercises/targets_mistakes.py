"""The mistakes of returns, targets and least squares (DOMAIN C.5 in the readings of C.6), each a mistaken rule for one step.

Returns are mistaken whole, as functions of the exercise's own arguments; targets in one of their two steps, `next` or `target`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.grading.exercises import Mistake, Variant
from dosegrade.rl.returns import lambda_returns, mixed_lambda_returns, n_step_returns, returns
from dosegrade.rl.values import fit_linear_value
from dosegrade.steps import mutate

Array = NDArray[Any]
Rule = Callable[..., Any]
Rules = tuple[Rule, ...]


def one(rewards: Array, t: int) -> float:
    """The reward, or 0 before the first."""
    return float(rewards[t]) if t >= 0 else 0.0


def earlier(rewards: Array) -> Array:
    """T26: R_t for R_{t+1}, with R_0 = 0."""
    return np.array([one(rewards, t - 1) for t in range(len(rewards))])


def around(rewards: Array) -> Array:
    """T26: R_t for R_{t+1}, the last reward for R_0 (a negative index)."""
    return np.roll(rewards, 1)


def past(rewards: Array, gamma: float) -> Array:
    """R03: Σ_{k≤t} γ^{t−k} R_{k+1}, the discounted sum of what came before."""
    return returns(rewards[::-1], gamma)[::-1]


RETURNS: dict[str, Rules] = {
    "R01": (lambda r, g: returns(r, 1.0),),
    "R02": (lambda r, g: g * returns(r, g), lambda r, g: g ** np.arange(len(r)) * returns(r, g)),
    "R03": (past, lambda r, g: returns(r, g)[::-1]),
    "T26": (lambda r, g: returns(earlier(r), g), lambda r, g: returns(around(r), g)),
}


def n_step(
    reward: Callable[[float, int], float] = lambda g, k: g**k,
    bootstrap: Callable[[float, int], float] = lambda g, m: g**m,
    state: Callable[[int, int], int] = lambda t, stop: stop,
    more: int = 0,
) -> Rule:
    """The n-step return with other powers of γ before the k-th reward or the bootstrap m steps on, another state, or n + `more`."""

    def mistaken(r: Array, v: Array, g: float, n: int) -> Array:
        after = np.append(v[:-1], 0.0)
        made = []
        for t in range(len(r)):
            stop = min(t + n + more, len(r))
            rest = bootstrap(g, stop - t) * after[state(t, stop)] if stop < len(r) else 0.0
            made.append(sum(reward(g, k) * r[t + k] for k in range(stop - t)) + rest)
        return np.array(made)

    return mistaken


def beyond(power: Callable[[int, int], int], only_reached: bool = False) -> Rule:
    """R06: v(S_T) counts after the end, times γ to some power(n, T−t); `only_reached`: where t + n = T, not beyond."""

    def mistaken(r: Array, v: Array, g: float, n: int) -> Array:
        left = len(r) - np.arange(len(r))
        ends = left == n if only_reached else left <= n
        return n_step_returns(r, v, g, n) + np.where(ends, g ** np.array([power(n, int(m)) for m in left]) * v[-1], 0.0)

    return mistaken


N_STEP: dict[str, Rules] = {
    "R01": (lambda r, v, g, n: n_step_returns(r, v, 1.0, n), n_step(reward=lambda g, k: 1.0)),
    "R02": (lambda r, v, g, n: g * n_step_returns(r, v, g, n), n_step(reward=lambda g, k: g ** (k + 1))),
    "R04": (n_step(more=1), n_step(more=-1)),
    "R05": (n_step(bootstrap=lambda g, m: g ** (m - 1)), n_step(bootstrap=lambda g, m: g ** (m + 1))),
    "R06": (beyond(lambda n, left: left), beyond(lambda n, left: n), beyond(lambda n, left: n, only_reached=True)),
    "T22": (n_step(bootstrap=lambda g, m: 0.0),),
    "T23": (n_step(state=lambda t, stop: t),),
    "T24": (n_step(bootstrap=lambda g, m: 1.0),),
    "T26": (lambda r, v, g, n: n_step_returns(earlier(r), v, g, n), lambda r, v, g, n: n_step_returns(around(r), v, g, n)),
}


def recursion(
    step: Callable[[float, float, float, float, float, float], float] = lambda r, v, here, G, g, lam: r + g * ((1 - lam) * v + lam * G),
    start: float = 0.0,
    masked: bool = True,
) -> Rule:
    """The λ-return by another recursion step(r, v(S_{t+1}), v(S_t), G, γ, λ) from G_T = start·v(S_T); `masked`: v(S_T) is 0 in a step."""

    def mistaken(r: Array, v: Array, g: float, lam: float) -> Array:
        after = np.append(v[:-1], 0.0 if masked else v[-1])
        made, G = np.empty(len(r)), start * v[-1]
        for t in reversed(range(len(r))):
            made[t] = G = step(r[t], after[t + 1], v[t], G, g, lam)
        return made

    return mistaken


def mixture(weights: Callable[[float, int], Array]) -> Rule:
    """The λ-return with other weights(λ, m) for the n-step returns n = 1 … m, of which the last is the whole return."""

    def mistaken(r: Array, v: Array, g: float, lam: float) -> Array:
        table = [n_step_returns(r, v, g, n) for n in range(1, len(r) + 1)]
        return np.array([weights(lam, len(r) - t) @ [table[n][t] for n in range(len(r) - t)] for t in range(len(r))])

    return mistaken


def powers(lam: float, m: int) -> Array:
    """1, λ, …, λ^{m−1}."""
    return np.asarray(lam ** np.arange(m))


def tail(lam: float, m: int) -> Array:
    """λ^{m−1} for the whole return alone."""
    return np.append(np.zeros(m - 1), lam ** (m - 1))


LAMBDA: dict[str, Rules] = {
    "R01": (lambda r, v, g, lam: lambda_returns(r, v, 1.0, lam),),
    "R02": (lambda r, v, g, lam: g * lambda_returns(r, v, g, lam),),
    "R06": (recursion(start=1.0, masked=False), recursion(masked=False), recursion(start=1.0)),
    "R07": (mixture(powers), recursion(lambda r, v, here, G, g, lam: r + g * (v + lam * G))),
    "R08": (
        mixture(lambda lam, m: (1 - lam) * powers(lam, m)),
        mixture(lambda lam, m: (1 - lam) * (powers(lam, m) - tail(lam, m))),
        mixture(lambda lam, m: powers(lam, m) / powers(lam, m).sum()),
    ),
    "R09": (
        mixture(lambda lam, m: (1 - lam) * lam * (powers(lam, m) - tail(lam, m)) + lam * tail(lam, m)),
        mixture(lambda lam, m: (1 - lam) * lam * (powers(lam, m) - tail(lam, m)) + tail(lam, m)),
    ),
    "R10": (lambda r, v, g, lam: returns(r, g * lam),),
    "T01": (lambda r, v, g, lam: lambda_returns(r, v, lam, g),),
    "T23": (recursion(lambda r, v, here, G, g, lam: r + g * ((1 - lam) * here + lam * G)),),
    "T24": (recursion(lambda r, v, here, G, g, lam: r + (1 - lam) * v + g * lam * G),),
    "T26": (lambda r, v, g, lam: lambda_returns(earlier(r), v, g, lam), lambda r, v, g, lam: lambda_returns(around(r), v, g, lam)),
}

# Where time ran out, the mistake is to treat the episode as over; v(S_T) counts in the others.
TRUNCATED: dict[str, dict[str, Rules]] = {
    "n-step": {
        "R01": (lambda r, v, g, n: n_step_returns(r, v, 1.0, n, True),),
        "R02": (lambda r, v, g, n: g * n_step_returns(r, v, g, n, True),),
        "R04": (lambda r, v, g, n: n_step_returns(r, v, g, n + 1, True),),
        "R11": (n_step_returns,),
    },
    "lambda-returns": {
        "R01": (lambda r, v, g, lam: lambda_returns(r, v, 1.0, lam, True),),
        "R02": (lambda r, v, g, lam: g * lambda_returns(r, v, g, lam, True),),
        "R07": (recursion(lambda r, v, here, G, g, lam: r + g * (v + lam * G), 1.0, False),),
        "R11": (lambda_returns,),
        "T01": (lambda r, v, g, lam: mixed_lambda_returns(r, v, lam, g, True),),
    },
}

# Rules of the step `target`, by (r, next, d, γ).
TARGET: dict[str, Rules] = {
    "Q01": (lambda r, u, d, g: r + g * u,),
    "Q02": (lambda r, u, d, g: (1 - d) * (r + g * u),),
    "Q03": (lambda r, u, d, g: r + g * d * u,),
    "T22": (lambda r, u, d, g: r,),
    "T24": (lambda r, u, d, g: r + (1 - d) * u,),
    "T25": (lambda r, u, d, g: g * (r + (1 - d) * u),),
}


def whole(q: Array) -> Array:
    """Q10: the largest of the whole batch, for each."""
    return np.full(len(q), q.max())


def index(q: Array) -> Array:
    """Q09: the number of the greedy action."""
    return np.asarray(q.argmax(axis=-1), dtype=float)


def wrong_axis(q: Array) -> Array:
    """Q10: the largest of each action's column, where there are as many actions as transitions."""
    return np.asarray(q.max(axis=0)) + np.zeros(len(q))


def chosen(q: Array, actions: Array) -> Array:
    """q of one action in each row."""
    return np.asarray(q[np.arange(len(q)), actions])


GREEDY: dict[str, Rules] = {"Q09": (index,), "Q10": (whole, wrong_axis)}
# Rules of the step `next`, by its own needs.
NEXT: dict[str, dict[str, Rules]] = {
    "td": {},
    "q-learning": GREEDY,
    "dqn": GREEDY,
    "sarsa": {"Q07": (lambda q, a: q.max(axis=-1),), "Q09": (lambda q, a: np.asarray(a, dtype=float),)},
    "expected-sarsa": {
        "Q07": (lambda q, pi: q.max(axis=-1),),
        "Q08": (lambda q, pi: q.mean(axis=-1), lambda q, pi: q.sum(axis=-1)),
        "Q10": (lambda q, pi: np.full(len(q), (pi * q).sum()), lambda q, pi: (pi * q).sum(axis=0) + np.zeros(len(q))),
    },
    "double-dqn": {
        "Q04": (lambda q, target: q.max(axis=-1),),
        "Q05": (lambda q, target: chosen(q, target.argmax(axis=-1)),),
        "Q06": (lambda q, target: target.max(axis=-1),),
        "Q09": (lambda q, target: index(q),),
        "Q10": (lambda q, target: whole(target), lambda q, target: np.full(len(q), target.ravel()[q.argmax()])),
    },
}


def with_bias(x: Array, first: bool) -> Array:
    """The features with a column of ones."""
    ones = np.ones((len(x), 1))
    return np.hstack([ones, x] if first else [x, ones])


def first_visits(x: Array, returns: Array) -> Array:
    """Q14: each row of features counts where it comes first only."""
    kept = np.sort(np.unique(x, axis=0, return_index=True)[1])
    return fit_linear_value(x[kept], returns[kept])


def to_the_end(x: Array, returns: Array) -> tuple[Array, Array]:
    """Q15: a row for the terminal state besides, without features and with the return 0; it moves a fit that has a column of ones."""
    return np.vstack([x, np.zeros(x.shape[1])]), np.append(returns, 0.0)


def with_bias_to_the_end(x: Array, returns: Array) -> Array:
    """Q15: both, the column of ones first."""
    x, returns = to_the_end(x, returns)
    return fit_linear_value(with_bias(x, True), returns)


LEAST_SQUARES: dict[str, Rules] = {
    "Q14": (first_visits,),
    "Q15": (
        lambda x, g: fit_linear_value(with_bias(x, True), g)[1:],
        lambda x, g: fit_linear_value(x[:-1], g[:-1]),
        lambda x, g: fit_linear_value(x[1:], g[1:]),
        lambda x, g: fit_linear_value(x, np.append(g[:-1], 0.0)),
        lambda x, g: with_bias_to_the_end(x, g)[1:],
    ),
}
EXTRA_COLUMN: Rules = (
    lambda x, g: fit_linear_value(with_bias(x, True), g),
    lambda x, g: fit_linear_value(with_bias(x, False), g),
    with_bias_to_the_end,
    lambda x, g: np.roll(with_bias_to_the_end(x, g), -1),
)

ALSO: Mapping[str, tuple[str, ...]] = {"R06": ("R11", "T21"), "Q04": ("Q06",)}


def mistakes(target: str, truncated: bool) -> tuple[Mistake, ...]:
    """The mistakes of one kind of target."""
    if target in NEXT:
        tables = {"next": NEXT[target], "target": TARGET}
    elif target == "linear-value":
        tables = {"w": LEAST_SQUARES}
    else:
        tables = {"G": TRUNCATED[target] if truncated else {"returns": RETURNS, "n-step": N_STEP, "lambda-returns": LAMBDA}[target]}
    found = [
        Mistake(code, mistaken(step, rules), also=ALSO.get(code, ())) for step, table in tables.items() for code, rules in table.items()
    ]
    if target == "linear-value":
        found[-1] = Mistake("Q15", (*found[-1].variants, *mistaken("w", EXTRA_COLUMN, reshapes=True)))
    return tuple(found)


def mistaken(step: str, rules: Rules, reshapes: bool = False) -> tuple[Variant, ...]:
    """A step with other rules."""
    return tuple(Variant(partial(mutate, name=step, compute=rule), reshapes=reshapes) for rule in rules)
