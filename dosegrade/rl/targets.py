"""Targets of one-step methods over a batch of B transitions (s, a, r, s'), each a derivation of two steps: `next`, then `target`.

rewards (B,) follow a; `terminated` (B,) says where s' is terminal: the future counts 0 there (Sutton & Barto, chapter 6).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.registry import Registry
from dosegrade.steps import Step, Steps, evaluate

Array = NDArray[Any]

TARGET = Step(
    "target",
    ("rewards", "next", "terminated", "gamma"),
    r"r + \gamma\,(1-d)\,\cdot",
    lambda r, value, d, gamma: r + gamma * (1.0 - d) * value,
    lambda r, value, d, gamma: r + gamma * value,
)


def _rule(needs: tuple[str, ...], formula: str, compute: Any) -> Steps:
    return (Step("next", needs, formula, compute), TARGET)


TARGETS: Registry[Steps] = Registry(
    "target",
    {
        "td": _rule(("v_next",), r"v(s')", lambda v: v),
        "sarsa": _rule(("q_next", "actions_next"), r"q(s', a')", lambda q, a: q[np.arange(len(q)), a]),
        "expected-sarsa": _rule(("q_next", "policy_next"), r"\sum_a \pi(a \mid s')\, q(s', a)", lambda q, pi: (pi * q).sum(axis=-1)),
        "q-learning": _rule(("q_next",), r"\max_a q(s', a)", lambda q: q.max(axis=-1)),
        "dqn": _rule(("q_target_next",), r"\max_a q^-(s', a)", lambda q: q.max(axis=-1)),
        "double-dqn": _rule(
            ("q_online_next", "q_target_next"),
            r"q^-\!\left(s', \arg\max_a q(s', a)\right)",
            lambda online, target: target[np.arange(len(online)), online.argmax(axis=-1)],
        ),
    },
)


def _target(name: str, rewards: Array, terminated: Array, gamma: float, **given: Array) -> Array:
    arrays = {key: np.asarray(value) for key, value in given.items()}
    inputs = {"rewards": np.asarray(rewards, dtype=float), "terminated": np.asarray(terminated, dtype=float), "gamma": gamma}
    return np.asarray(evaluate(TARGETS[name], inputs | arrays)["target"])


def td_targets(rewards: Array, v_next: Array, terminated: Array, gamma: float) -> Array:
    """r + γ(1−d) v(s'); v_next (B,) (S&B §6.1)."""
    return _target("td", rewards, terminated, gamma, v_next=v_next)


def sarsa_targets(rewards: Array, q_next: Array, actions_next: Array, terminated: Array, gamma: float) -> Array:
    """r + γ(1−d) q(s', a'); q_next (B, A), actions_next (B,) integers (S&B §6.4)."""
    return _target("sarsa", rewards, terminated, gamma, q_next=q_next, actions_next=actions_next)


def expected_sarsa_targets(rewards: Array, q_next: Array, policy_next: Array, terminated: Array, gamma: float) -> Array:
    """r + γ(1−d) Σ_a π(a|s') q(s', a); q_next, policy_next (B, A) (S&B §6.6)."""
    return _target("expected-sarsa", rewards, terminated, gamma, q_next=q_next, policy_next=policy_next)


def q_learning_targets(rewards: Array, q_next: Array, terminated: Array, gamma: float) -> Array:
    """r + γ(1−d) max_a q(s', a); q_next (B, A) (S&B §6.5)."""
    return _target("q-learning", rewards, terminated, gamma, q_next=q_next)


def dqn_targets(rewards: Array, q_target_next: Array, terminated: Array, gamma: float) -> Array:
    """r + γ(1−d) max_a q⁻(s', a) with the target network's q⁻ (B, A) (S&B §16.5)."""
    return _target("dqn", rewards, terminated, gamma, q_target_next=q_target_next)


def double_dqn_targets(rewards: Array, q_online_next: Array, q_target_next: Array, terminated: Array, gamma: float) -> Array:
    """r + γ(1−d) q⁻(s', argmax_a q(s', a)): the online q selects, the target q⁻ evaluates; (B, A) (S&B §6.7)."""
    return _target("double-dqn", rewards, terminated, gamma, q_online_next=q_online_next, q_target_next=q_target_next)


def epsilon_greedy(q: Array, epsilon: float, ties: str = "split") -> Array:
    """π(a|s) = ε/|A|, and 1−ε more for the greedy action; q and π (…, A) (S&B §5.4).

    Where several actions are greedy their share is split, or given to the first of them (`ties="first"`).
    """
    if not 0.0 <= epsilon <= 1.0:
        raise ValueError(f"found epsilon = {epsilon}, expected a probability from 0 to 1")
    best = q == q.max(axis=-1, keepdims=True)
    if ties == "first":
        best = np.arange(q.shape[-1]) == q.argmax(axis=-1)[..., None]
    elif ties != "split":
        raise ValueError(f"found ties = {ties!r}, expected 'split' or 'first'")
    return np.asarray(epsilon / q.shape[-1] + (1.0 - epsilon) * best / best.sum(axis=-1, keepdims=True))


def soft_update(target: dict[str, Array], online: dict[str, Array], tau: float) -> dict[str, Array]:
    """θ⁻ ← τθ + (1−τ)θ⁻ for every parameter; τ = 1 copies (Lillicrap et al. 2016)."""
    return {name: tau * online[name] + (1.0 - tau) * value for name, value in target.items()}
