"""Returns of one episode: rewards (T,) with rewards[t] = R_{t+1}, values (T+1,) with values[t] = v(S_t) (Sutton & Barto).

S_T is terminal, its value 0 whatever `values` holds, unless `truncated`: then time ran out and v(S_T) stands for what follows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.steps import Step, Steps, evaluate

Array = NDArray[Any]


def returns(rewards: Array, gamma: float, bootstrap: float = 0.0) -> Array:
    """G_t = R_{t+1} + γ G_{t+1}, G_T = `bootstrap`; (T,), row t for S_t (S&B §3.3)."""
    return lambda_returns(rewards, np.full(len(rewards) + 1, bootstrap), gamma, 1.0, truncated=True)


def n_step_returns(rewards: Array, values: Array, gamma: float, n: int, truncated: bool = False) -> Array:
    """G_{t:t+n} = Σ_{k=1}^{n} γ^{k−1} R_{t+k} + γⁿ v(S_{t+n}), the whole return where t+n ≥ T; (T,) (S&B §7.1)."""
    if n < 1:
        raise ValueError(f"found n = {n}, expected a number of steps from 1")
    after = ended(rewards, values, truncated)
    total = len(rewards)
    made = np.empty(total)
    for t in range(total):
        stop = min(t + n, total)
        made[t] = gamma ** np.arange(stop - t) @ rewards[t:stop] + gamma ** (stop - t) * after[stop]
    return made


def lambda_returns(rewards: Array, values: Array, gamma: float, lam: float, truncated: bool = False) -> Array:
    """G_t^λ = R_{t+1} + γ[(1−λ) v(S_{t+1}) + λ G_{t+1}^λ], G_T^λ = v(S_T); (T,), row t for S_t (S&B §12.1)."""
    total = len(rewards)
    after = ended(rewards, values, truncated)
    inputs = {"gamma": gamma, "lam": lam, f"G[{total}]": after[total]}
    inputs |= {f"R[{t + 1}]": r for t, r in enumerate(rewards)} | {f"v[{t}]": v for t, v in enumerate(after)}
    return np.asarray(evaluate(lambda_return_steps(total), inputs)["G"])


@lru_cache(maxsize=64)
def lambda_return_steps(total: int) -> Steps:
    """G[T−1], …, G[0] from R[t+1], v[t+1] and G[T], and G (T,) as rows: what the page prints and `lambda_returns` evaluates."""
    lines = [
        Step(
            f"G[{t}]",
            (f"R[{t + 1}]", f"v[{t + 1}]", f"G[{t + 1}]", "gamma", "lam"),
            rf"G_{{{t}}} = R_{{{t + 1}}} + \gamma\,[(1-\lambda)\, v(S_{{{t + 1}}}) + \lambda\, G_{{{t + 1}}}]",
            lambda r, v, g, gamma, lam: r + gamma * ((1.0 - lam) * v + lam * g),
        )
        for t in reversed(range(total))
    ]
    whole = Step("G", tuple(f"G[{t}]" for t in range(total)), "", lambda *g: np.array(g, dtype=float), rows=True)
    return (*lines, whole)


def mixed_lambda_returns(rewards: Array, values: Array, gamma: float, lam: float, truncated: bool = False) -> Array:
    """G_t^λ = (1−λ) Σ_{n=1}^{T−t−1} λ^{n−1} G_{t:t+n} + λ^{T−t−1} G_t; (T,): the definition that the recursion equals (S&B §12.1)."""
    total = len(rewards)
    table = [n_step_returns(rewards, values, gamma, n, truncated) for n in range(1, total + 1)]
    made = np.empty(total)
    for t in range(total):
        weights = np.append((1.0 - lam) * lam ** np.arange(total - t - 1), lam ** (total - t - 1))
        made[t] = weights @ [table[n][t] for n in range(total - t)]
    return made


def ended(rewards: Array, values: Array, truncated: bool) -> Array:
    """`values` with v(S_T) = 0 where the episode terminated. ValueError where there is not one value more than rewards."""
    if np.shape(values) != (len(rewards) + 1,):
        raise ValueError(f"found values of shape {np.shape(values)}, expected {(len(rewards) + 1,)}: v(S_0), …, v(S_T)")
    after = np.array(values, dtype=float)
    if not truncated:
        after[-1] = 0.0
    return after
