"""Solvers: the named pure functions that a quiz's answers may be computed with, over the same mathematics that grades and trains.

An argument is a number, a list or a text of the question's variables; one entry in SOLVERS makes a function available in TOML.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.activations import get as activation_of
from dosegrade.nn.losses import LOSSES
from dosegrade.registry import Registry
from dosegrade.rl.returns import lambda_returns, n_step_returns, returns
from dosegrade.rl.targets import epsilon_greedy
from dosegrade.rl.td_lambda import td_lambda
from dosegrade.rl.traces import TRACES
from dosegrade.rl.values import fit_linear_value

Array = NDArray[Any]


def one_hot(path: str, states: str) -> Array:
    """A row of zeros and a one for each letter of the path, `states` giving the order: one_hot("ABA", "ABC") is (3, 3)."""
    missing = [letter for letter in path if letter not in states]
    if missing:
        raise ValueError(f"the path holds the state {missing[0]!r}, the states are {states}")
    return np.eye(len(states))[[states.index(letter) for letter in path]]


def trace(path: str, states: str, gamma: float, lam: float, alpha: float = 0.0, kind: str = "accumulating") -> Array:
    """The eligibility trace after the last visit of the path, z = 0 before the first."""
    z = np.zeros(len(states))
    for x in one_hot(path, states):
        z = TRACES[kind].update(z, x, alpha=alpha, gamma=gamma, lam=lam)
    return np.asarray(z)


def td_weights(
    path: str, states: str, rewards: Array, w: Array, alpha: float, gamma: float, lam: float, method: str = "accumulating"
) -> Array:
    """The weights after the episode: TD(λ) with one-hot features, the end of the path being terminal."""
    x = np.vstack([one_hot(path, states), np.zeros(len(states))])
    return np.asarray(td_lambda([(x, np.asarray(rewards, float))], w, alpha=alpha, gamma=gamma, lam=lam, method=method)["w"][-1])


def all_returns(rewards: Array, gamma: float) -> Array:
    """G_0 … G_{T−1}."""
    return returns(np.asarray(rewards, float), gamma)


def n_step_return(rewards: Array, values: Array, gamma: float, n: int, t: int = 0) -> float:
    """G_{t:t+n}, S_T being terminal."""
    return float(n_step_returns(np.asarray(rewards, float), np.asarray(values, float), gamma, int(n))[int(t)])


def lambda_return(rewards: Array, values: Array, gamma: float, lam: float, t: int = 0) -> float:
    """G_t^λ, S_T being terminal."""
    return float(lambda_returns(np.asarray(rewards, float), np.asarray(values, float), gamma, lam)[int(t)])


def lambda_weights(lam: float, steps: int) -> Array:
    """The weights of the n-step returns n = 1 … T−t in G_t^λ: (1−λ)λ^{n−1}, the last one λ^{T−t−1}."""
    powers = lam ** np.arange(int(steps))
    return np.append((1 - lam) * powers[:-1], powers[-1])


def activation(name: str, z: float) -> float:
    """f(z); the name may hold a parameter, `leaky_relu(0.2)`."""
    return float(activation_of(name)(np.array([[float(z)]]))[0, 0])


def activation_slope(name: str, z: float) -> float:
    """f'(z)."""
    return float(activation_of(name).derivative(np.array([[float(z)]]))[0, 0])


def loss(name: str, y: Array, p: Array) -> float:
    """The mean over the rows of the loss; y and p are (n, M), or (M,) for one sample."""
    return float(LOSSES[name].value(np.atleast_2d(np.asarray(y, float)), np.atleast_2d(np.asarray(p, float))).mean())


def softmax(z: Array) -> Array:
    """e^z / Σ e^z."""
    return np.asarray(activation_of("softmax")(np.asarray(z, float)[None, :])[0])


def descent_epoch(x: Array, y: Array, w: float, alpha: float, batch: int) -> float:
    """w after one pass over ŷ = w·x with the mean squared error, batches of that size in the order given (DOMAIN B.7)."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    for start in range(0, len(x), int(batch)):
        u, v = x[start : start + int(batch)], y[start : start + int(batch)]
        w = w - alpha * float(np.mean(2 * (w * u - v) * u))
    return float(w)


def parameter_count(widths: Array) -> float:
    """Weights and biases of Dense layers of these widths, the inputs first."""
    widths = np.asarray(widths, float)
    return float(np.sum((widths[:-1] + 1) * widths[1:]))


def visited(path: str) -> Array:
    """How many different states the path has visited after each of its steps."""
    return np.array([len(set(path[: t + 1])) for t in range(len(path))], dtype=float)


SOLVERS: Registry[Any] = Registry(
    "solver",
    {
        "one_hot": one_hot,
        "trace": trace,
        "td_weights": td_weights,
        "returns": all_returns,
        "n_step_return": n_step_return,
        "lambda_return": lambda_return,
        "lambda_weights": lambda_weights,
        "epsilon_greedy": lambda q, epsilon: epsilon_greedy(np.asarray(q, float), epsilon),
        "least_squares": lambda x, targets: fit_linear_value(x, targets),
        "activation": activation,
        "activation_slope": activation_slope,
        "loss": loss,
        "softmax": softmax,
        "descent_epoch": descent_epoch,
        "parameter_count": parameter_count,
        "visited": visited,
    },
)
