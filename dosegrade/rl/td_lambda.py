"""TD(λ) with linear features as a derivation of 3·N steps z[i], delta[i], w[i+1], over all steps of all episodes in order.

The page prints these steps, the grader marks and mistakes them, the functions here evaluate them. An episode is `(x, rewards)`:
x (T+1, k) holds the features of S_0…S_T, rewards (T,) has rewards[t] = R_{t+1}; S_T is terminal, its value 0 whatever its row holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.rl.returns import lambda_returns
from dosegrade.rl.traces import TRACES
from dosegrade.steps import Step, Steps, Values, evaluate

Array = NDArray[Any]
Episode = tuple[Array, Array]
METHODS = (*TRACES, "true-online")


@dataclass(frozen=True)
class Place:
    """Where in the episodes a step lies: its number i over all of them; its episode's steps are start … stop−1."""

    i: int
    start: int
    stop: int

    @property
    def last(self) -> bool:
        """Whether the next state is terminal."""
        return self.i == self.stop - 1

    @property
    def first(self) -> bool:
        """Whether the episode begins here."""
        return self.i == self.start

    @cached_property
    def names(self) -> dict[str, str]:
        """What the quantities around this step are called: z_before is 0 where the episode begins, x_next S_T's row where it ends."""
        i = self.i
        z_before, x_next = "z_0" if self.first else f"z[{i - 1}]", f"x_T[{i}]" if self.last else f"x[{i + 1}]"
        here = {"z_before": z_before, "x": f"x[{i}]", "x_next": x_next, "R": f"R[{i + 1}]", "goes_on": f"goes_on[{i}]"}
        return here | {"w": f"w[{i}]", "w_before": f"w[{max(i - 1, 0)}]", "delta": f"delta[{i}]", "z": f"z[{i}]"}


@dataclass(frozen=True)
class Moment(Step):
    """One of the three lines of an algorithm at one place."""

    line: str = ""
    place: Place = Place(0, 0, 1)


def places(lengths: Sequence[int]) -> list[Place]:
    """The places of episodes of T_0, T_1, … steps."""
    starts = [sum(lengths[:e]) for e in range(len(lengths))]
    return [Place(start + t, start, start + length) for start, length in zip(starts, lengths, strict=True) for t in range(length)]


@lru_cache(maxsize=256)
def td_lambda_steps(lengths: tuple[int, ...], method: str = "accumulating") -> Steps:
    """z[i], delta[i], w[i+1] for episodes of these lengths, and z (N, k), delta (N,), w (N, k) as rows; `method` is one of METHODS."""
    if method not in METHODS:
        TRACES[method]
    where = places(lengths)
    lines = [step for p in where for step in (trace_line(p, method), error_line(p), weight_line(p, method == "true-online"))]
    whole = [rows("delta", [f"delta[{p.i}]" for p in where]), rows("z", [f"z[{p.i}]" for p in where])]
    return (*lines, *whole, rows("w", [f"w[{p.i + 1}]" for p in where]))


def rows(name: str, parts: Sequence[str]) -> Step:
    """A returned array whose rows are steps."""
    return Step(name, tuple(parts), "", stacked, stacked, rows=True)


def stacked(*parts: Any) -> Array:
    """Rows as one array."""
    return np.array(parts, dtype=float)


def trace_line(p: Place, method: str) -> Moment:
    """The trace, z = 0 before an episode; true online TD(λ) uses the dutch trace (S&B §12.5)."""
    trace = TRACES["dutch" if method == "true-online" else method]
    n = p.names

    def compute(z: Array, x: Array, alpha: float, gamma: float, lam: float) -> Array:
        return np.asarray(trace.update(z, x, alpha=alpha, gamma=gamma, lam=lam))

    needs = (n["z_before"], n["x"], "alpha", "gamma", "lam")
    return Moment(n["z"], needs, trace.formula.format(t=p.i, b=p.i - 1), compute, line="z", place=p)


def error_line(p: Place) -> Moment:
    """δ_t = R_{t+1} + γ wᵀx_{t+1} − wᵀx_t, the terminal state's value being 0 (S&B §12.2)."""
    n, i = p.names, p.i
    if p.last:
        formula = rf"\delta_{{{i}}} = R_{{{i + 1}}} - w_{{{i}}}^\top x_{{{i}}}"
        return Moment(n["delta"], (n["R"], n["x"], n["w"]), formula, last_error, last_error_size, line="delta", place=p)
    formula = rf"\delta_{{{i}}} = R_{{{i + 1}}} + \gamma\, w_{{{i}}}^\top x_{{{i + 1}}} - w_{{{i}}}^\top x_{{{i}}}"
    needs = (n["R"], n["x"], n["x_next"], n["w"], "gamma")
    return Moment(n["delta"], needs, formula, td_error, td_error_size, line="delta", place=p)


def td_error(r: float, x: Array, x_next: Array, w: Array, gamma: float) -> float:
    """R + γ wᵀx' − wᵀx."""
    return float(r + gamma * (x_next @ w) - x @ w)


def td_error_size(r: float, x: Array, x_next: Array, w: Array, gamma: float) -> float:
    """The same without cancellation."""
    return float(r + gamma * (x_next @ w) + x @ w)


def last_error(r: float, x: Array, w: Array) -> float:
    """R − wᵀx."""
    return float(r - x @ w)


def last_error_size(r: float, x: Array, w: Array) -> float:
    """The same without cancellation."""
    return float(r + x @ w)


def weight_line(p: Place, true_online: bool) -> Moment:
    """w_{t+1} = w_t + αδ_t z_t (S&B §12.2); true online adds α(w_tᵀx_t − w_{t−1}ᵀx_t)(z_t − x_t), 0 where z = x at a start (S&B §12.5)."""
    n, i = p.names, p.i
    formula = rf"w_{{{i + 1}}} = w_{{{i}}} + \alpha\,\delta_{{{i}}}\, z_{{{i}}}"
    needs = (n["w"], n["delta"], n["z"], "alpha")
    if p.first or not true_online:
        return Moment(f"w[{i + 1}]", needs, formula, plain_update, plain_update, line="w", place=p)
    formula += rf" + \alpha (w_{{{i}}} - w_{{{i - 1}}})^\top x_{{{i}}}\, (z_{{{i}}} - x_{{{i}}})"
    return Moment(f"w[{i + 1}]", (*needs, n["w_before"], n["x"]), formula, true_online_update, line="w", place=p)


def plain_update(w: Array, delta: float, z: Array, alpha: float) -> Array:
    """w + αδz."""
    return w + alpha * delta * z


def true_online_update(w: Array, delta: float, z: Array, alpha: float, w_before: Array, x: Array) -> Array:
    """w + αδz + α(wᵀx − w_beforeᵀx)(z − x)."""
    return np.asarray(w + alpha * delta * z + alpha * (w @ x - w_before @ x) * (z - x))


def td_lambda_inputs(episodes: Sequence[Episode], w: Array, alpha: float, gamma: float, lam: float) -> Values:
    """What the steps start from: x[i], R[i+1], w[0], z_0 = 0; x_T[i] after a last step i; goes_on[i], 0 there, else 1."""
    start = np.array(w, dtype=float)
    values: Values = {"w[0]": start, "z_0": np.zeros_like(start), "alpha": alpha, "gamma": gamma, "lam": lam}
    where = iter(places([len(rewards) for _, rewards in episodes]))
    for x, rewards in episodes:
        states, wanted = np.asarray(x, dtype=float), (len(rewards) + 1, start.size)
        if states.shape != wanted:
            raise ValueError(f"found features of shape {states.shape}, expected {wanted}: a row for each of S_0…S_T")
        for t, (reward, p) in enumerate(zip(rewards, where, strict=False)):
            n = p.names
            values |= {n["x"]: states[t], n["x_next"]: states[t + 1], n["R"]: float(reward), n["goes_on"]: float(not p.last)}
    return values


def td_lambda(
    episodes: Sequence[Episode], w: Array, *, alpha: float, gamma: float, lam: float, method: str = "accumulating"
) -> dict[str, Array]:
    """`delta` (N,), `z` (N, k), `w` (N, k) after each of N steps, by TD(λ) with a trace or by true online TD(λ) (S&B §12.2, §12.5)."""
    steps = td_lambda_steps(tuple(len(rewards) for _, rewards in episodes), method)
    values = evaluate(steps, td_lambda_inputs(episodes, w, alpha, gamma, lam))
    return {name: values[name] for name in ("delta", "z", "w")}


def offline_lambda_return(x: Array, rewards: Array, w: Array, *, alpha: float, gamma: float, lam: float, sequential: bool = False) -> Array:
    """w after one episode of Σ_t α(G_t^λ − wᵀx_t) x_t, the returns from the weights at its start; x (T+1, k), rewards (T,) (S&B §12.1).

    The errors are those at the start as well (batch), or each is taken at the weights reached so far (`sequential`).
    """
    start = np.asarray(w, dtype=float)
    targets = lambda_returns(rewards, x @ start, gamma, lam)
    weights = start.copy()
    for x_t, target in zip(x[:-1], targets, strict=True):
        weights = weights + alpha * (target - x_t @ (weights if sequential else start)) * x_t
    return weights
