"""Linear value functions fitted to returns by least squares: v(s) = wᵀx(s), q(s, a) = w_aᵀx(s) (Sutton & Barto §9.4, §9.8)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def fit_linear_value(x: Array, returns: Array) -> Array:
    """w (k,) of least Σ_t (G_t − wᵀx_t)², of least norm where several fit; x (T, k), returns (T,), no column added.

    One-hot x gives the every-visit average of each state.
    """
    return np.asarray(np.linalg.lstsq(np.asarray(x, dtype=float), np.asarray(returns, dtype=float), rcond=None)[0])


def fit_linear_q(x: Array, actions: Array, returns: Array, n_actions: int) -> Array:
    """w (A, k): a row for each action, fitted to the steps that took it; x (T, k), actions (T,), returns (T,); 0 for one never taken."""
    return fit_linear_value(action_features(x, actions, n_actions), returns).reshape(n_actions, -1)


def action_features(x: Array, actions: Array, n_actions: int) -> Array:
    """x(s) in the block of the action taken, 0 elsewhere: (T, A·k), the one-hot action times the state."""
    return np.asarray((np.eye(n_actions)[actions][:, :, None] * np.asarray(x)[:, None, :]).reshape(len(x), -1))
