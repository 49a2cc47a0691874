"""The mistakes of returns, targets and least squares (DOMAIN C.5 in the readings of C.6), each a change of one step's rule.

A change is called with the rule that the step has and what the step is given, so that mistakes can be made together. Returns are
linear in rewards and in values, by which a change takes the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.grading.exercises import Mistake, Variant
from dosegrade.rl.returns import n_step_returns
from dosegrade.steps import Steps, mutate

Array = NDArray[Any]
Rule = Callable[..., Any]
Change = Callable[..., Any]
Changes = tuple[Change, ...]


def earlier(rewards: Array) -> Array:
    """T26: R_t for R_{t+1}, with R_0 = 0."""
    return np.append(0.0, rewards[:-1])


def around(rewards: Array) -> Array:
    """T26: R_t for R_{t+1}, the last reward for R_0 (a negative index)."""
    return np.roll(rewards, 1)


# Changes of a return: change(rule, rewards, …, γ, …).
RETURNS: dict[str, Changes] = {
    "R01": (lambda G, r, g: G(r, 1.0),),
    "R02": (lambda G, r, g: g * G(r, g), lambda G, r, g: g ** np.arange(len(r)) * G(r, g)),
    "R03": (lambda G, r, g: G(r[::-1], g)[::-1], lambda G, r, g: G(r, g)[::-1], lambda G, r, g: G(r[::-1], g)),
    "T26": (lambda G, r, g: G(earlier(r), g), lambda G, r, g: G(around(r), g)),
}


def bootstrap(change: Callable[..., Array]) -> Change:
    """An n-step return whose bootstrap alone is changed: change(rule without rewards, v, γ, n)."""
    return lambda G, r, v, g, n: G(r, 0 * v, g, n) + change(partial(G, 0 * r), v, g, n)


def rewarded(change: Callable[..., Array]) -> Change:
    """An n-step return whose rewards alone are changed: change(rule, r, values of 0, γ, n)."""
    return lambda G, r, v, g, n: change(G, r, 0 * v, g, n) + G(0 * r, v, g, n)


def beyond(power: Callable[[int, int], int], only_reached: bool = False) -> Change:
    """R06: v(S_T) counts after the end, times γ to some power(n, T−t); `only_reached`: where t + n = T, not beyond."""

    def change(G: Rule, r: Array, v: Array, g: float, n: int) -> Array:
        left = len(r) - np.arange(len(r))
        ends = left == n if only_reached else left <= n
        return np.asarray(G(r, v, g, n) + np.where(ends, g ** np.array([power(n, int(m)) for m in left]) * v[-1], 0.0))

    return change


N_STEP: dict[str, Changes] = {
    "R01": (lambda G, r, v, g, n: G(r, v, 1.0, n), rewarded(lambda G, r, v, g, n: G(r, v, 1.0, n))),
    "R02": (lambda G, r, v, g, n: g * G(r, v, g, n), rewarded(lambda G, r, v, g, n: g * G(r, v, g, n))),
    "R04": (lambda G, r, v, g, n: G(r, v, g, n + 1), lambda G, r, v, g, n: G(r, v, g, n - 1) if n > 1 else v[:-1]),
    "R05": (
        bootstrap(lambda G, v, g, n: G(v / g, g, n)),
        bootstrap(lambda G, v, g, n: G(v * g, g, n)),
        bootstrap(lambda G, v, g, n: G(v * g, 1.0, n)),
    ),
    "R06": (beyond(lambda n, left: left), beyond(lambda n, left: n), beyond(lambda n, left: n, only_reached=True)),
    "T22": (lambda G, r, v, g, n: G(r, 0 * v, g, n),),
    "T23": (lambda G, r, v, g, n: G(r, np.append(np.zeros(n), v)[: len(v)], g, n),),
    "T24": (bootstrap(lambda G, v, g, n: G(v, 1.0, n)),),
    "T26": (lambda G, r, v, g, n: G(earlier(r), v, g, n), lambda G, r, v, g, n: G(around(r), v, g, n)),
}


def mixture(change: Callable[[float, Array], Array]) -> Change:
    """The λ-return with change(λ, weights) as the weights of the n-step returns n = 1 … m, of which the last is the whole return."""

    def changed(G: Rule, r: Array, v: Array, g: float, lam: float) -> Array:
        T = len(r)
        table, own = [n_step_returns(r, v, g, n) for n in range(1, T + 1)], weights(G, T, lam)
        return np.array([change(lam, own[t, t:]) @ [table[n][t] for n in range(T - t)] for t in range(T)])

    return changed


def weights(G: Rule, T: int, lam: float) -> Array:
    """What a λ-return gives to G_{t:k+1} in row t, column k, seen in its answers to a single value of 1 and to rewards of 1."""
    found = np.zeros((T, T))
    for k in range(T - 1):
        found[:, k] = G(np.zeros(T), np.eye(T + 1)[k + 1], 1.0, lam)
    steps = np.arange(T) - np.arange(T)[:, None] + 1
    found[:, -1] = (G(np.ones(T), np.zeros(T + 1), 1.0, lam) - (found * steps).sum(axis=1)) / steps[:, -1]
    return found


def parts(before: Callable[[float, Array], Array], last: Callable[[float, Any], Any]) -> Change:
    """A mixture with the weights of the n-step returns and that of the whole return changed."""
    return mixture(lambda lam, w: np.append(before(lam, w[:-1]), last(lam, w[-1])))


def powers(lam: float, m: int) -> Array:
    """1, λ, …, λ^{m−1}."""
    return np.asarray(lam ** np.arange(m))


def as_it_is(lam: float, w: Any) -> Any:
    """No change."""
    return w


def going_on(rest: float, counts: float) -> Change:
    """R06: S_T is followed by another step, so that G_T = rest·v(S_T); its value in the mixture is counts·v(S_T)."""
    return lambda G, r, v, *given: G(np.append(r, rest * v[-1]), np.append(v[:-1], [counts * v[-1], 0.0]), *given)[:-1]


def from_here(G: Rule, r: Array, v: Array, g: float, lam: float) -> Array:
    """T23: v(S_t) for v(S_{t+1}), at the end too."""
    return np.asarray(going_on(0.0, 1.0)(G, r, np.append(0.0, v[:-1]), g, lam))


LAMBDA: dict[str, Changes] = {
    "R01": (lambda G, r, v, g, lam: G(r, v, 1.0, lam),),
    "R02": (lambda G, r, v, g, lam: g * G(r, v, g, lam), lambda G, r, v, g, lam: G(g * r, v, g, lam)),
    "R06": (going_on(1.0, 1.0), going_on(0.0, 1.0), going_on(1.0, 0.0)),
    "R07": (parts(lambda lam, w: w / (1 - lam), as_it_is), lambda G, r, v, g, lam: G(r, v / (1 - lam), g, lam)),
    "R08": (
        parts(as_it_is, lambda lam, w: (1 - lam) * w),
        parts(as_it_is, lambda lam, w: 0.0),
        mixture(lambda lam, w: powers(lam, len(w)) / powers(lam, len(w)).sum()),
        parts(as_it_is, lambda lam, w: lam * w),
    ),
    "R09": (mixture(lambda lam, w: lam * w), parts(lambda lam, w: lam * w, as_it_is)),
    "R10": (lambda G, r, v, g, lam: G(r, 0 * v, g * lam, 1.0),),
    "T01": (lambda G, r, v, g, lam: G(r, v, lam, g),),
    "T23": (from_here,),
    "T24": (lambda G, r, v, g, lam: G(r, v / g, g, lam), lambda G, r, v, g, lam: G(r, 0 * v, g, lam) + G(0 * r, v, 1.0, lam)),
    "T26": (lambda G, r, v, g, lam: G(earlier(r), v, g, lam), lambda G, r, v, g, lam: G(around(r), v, g, lam)),
}


def over(G: Rule, r: Array, v: Array, *rest: Any) -> Array:
    """R11: time ran out, and the episode is treated as over."""
    return np.asarray(G(r, np.append(v[:-1], 0.0), *rest))


# Where time ran out, the mistake is to treat the episode as over; v(S_T) counts in the others.
TRUNCATED: dict[str, dict[str, Changes]] = {
    "n-step": {code: N_STEP[code] for code in ("R01", "R02", "R04", "R05", "T22", "T24", "T26")} | {"R11": (over,)},
    "lambda-returns": {code: LAMBDA[code] for code in ("R01", "R02", "T01", "T26")}
    | {
        "R07": (lambda G, r, v, g, lam: G(np.append(r[:-1], r[-1] + g * lam * v[-1]), np.append(v[:-1] / (1 - lam), v[-1]), g, lam),),
        "R11": (over,),
    },
}

# Changes of the step `target`: change(rule, r, next, d, γ).
TARGET: dict[str, Changes] = {
    "Q01": (lambda y, r, u, d, g: y(r, u, 0 * d, g),),
    "Q02": (lambda y, r, u, d, g: (1 - d) * y(r, u, d, g),),
    "Q03": (lambda y, r, u, d, g: y(r, u, 1 - d, g),),
    "T22": (lambda y, r, u, d, g: y(r, 0 * u, d, g),),
    "T24": (lambda y, r, u, d, g: y(r, u, d, 1.0),),
    "T25": (lambda y, r, u, d, g: g * y(r, u, d, 1.0), lambda y, r, u, d, g: y(np.where(d, r, g * r), u, d, g)),
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


GREEDY: dict[str, tuple[Rule, ...]] = {"Q09": (index,), "Q10": (whole, wrong_axis)}
# Other rules of the step `next`, by its own needs.
NEXT: dict[str, dict[str, tuple[Rule, ...]]] = {
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


def first_visits(fit: Rule, x: Array, returns: Array) -> Array:
    """Q14: each row of features counts where it comes first only."""
    kept = np.sort(np.unique(x, axis=0, return_index=True)[1])
    return np.asarray(fit(x[kept], returns[kept]))


def to_the_end(x: Array, returns: Array) -> tuple[Array, Array]:
    """Q15: a row for the terminal state besides, without features and with the return 0; it moves a fit that has a column of ones."""
    return np.vstack([x, np.zeros(x.shape[1])]), np.append(returns, 0.0)


def with_bias_to_the_end(fit: Rule, x: Array, returns: Array) -> Array:
    """Q15: both, the column of ones first."""
    x, returns = to_the_end(x, returns)
    return np.asarray(fit(with_bias(x, True), returns))


LEAST_SQUARES: dict[str, Changes] = {
    "Q14": (first_visits,),
    "Q15": (
        lambda fit, x, g: fit(with_bias(x, True), g)[1:],
        lambda fit, x, g: fit(x[:-1], g[:-1]),
        lambda fit, x, g: fit(x[1:], g[1:]),
        lambda fit, x, g: fit(x, np.append(g[:-1], 0.0)),
        lambda fit, x, g: with_bias_to_the_end(fit, x, g)[1:],
    ),
}
EXTRA_COLUMN: Changes = (
    lambda fit, x, g: fit(with_bias(x, True), g),
    lambda fit, x, g: fit(with_bias(x, False), g),
    with_bias_to_the_end,
    lambda fit, x, g: np.roll(with_bias_to_the_end(fit, x, g), -1),
)

ALSO: Mapping[str, tuple[str, ...]] = {"R06": ("R11", "T21"), "Q04": ("Q06",)}


def mistakes(target: str, truncated: bool) -> tuple[Mistake, ...]:
    """The mistakes of one kind of target."""
    tables: dict[str, dict[str, Changes]]
    if target in NEXT:
        tables = {"next": {code: tuple(map(instead, rules)) for code, rules in NEXT[target].items()}, "target": TARGET}
    elif target == "linear-value":
        tables = {"w": LEAST_SQUARES}
    else:
        tables = {"G": TRUNCATED[target] if truncated else {"returns": RETURNS, "n-step": N_STEP, "lambda-returns": LAMBDA}[target]}
    found = [
        Mistake(code, mistaken(step, changes), also=ALSO.get(code, ())) for step, table in tables.items() for code, changes in table.items()
    ]
    if target == "linear-value":
        found[-1] = Mistake("Q15", (*found[-1].variants, *mistaken("w", EXTRA_COLUMN, reshapes=True)))
    return tuple(found)


def instead(rule: Rule) -> Change:
    """Another rule, whatever the step's own is."""
    return lambda own, *given: rule(*given)


def mistaken(step: str, changes: Changes, reshapes: bool = False) -> tuple[Variant, ...]:
    """A step with its rule changed."""
    return tuple(Variant(partial(changed, step, change), reshapes=reshapes) for change in changes)


def changed(name: str, change: Change, steps: Steps) -> Steps:
    """The steps with the rule of one of them changed."""
    return mutate(steps, name, partial(change, next(step.compute for step in steps if step.name == name)))
