"""An independent oracle: rlax in float64, where it is installed."""

from typing import Any

import numpy as np
import pytest

from dosegrade.rl.returns import lambda_returns, n_step_returns, returns
from dosegrade.rl.targets import double_dqn_targets, expected_sarsa_targets, q_learning_targets, sarsa_targets

rlax = pytest.importorskip("rlax", reason="rlax is not installed: the golden numbers stand in for it")


@pytest.fixture(scope="module")
def jax() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


@pytest.mark.parametrize("seed", range(5))
def test_returns(jax: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    r, v, gamma, lam = rng.normal(size=7), rng.normal(size=8), 0.9, 0.7
    discount = np.append(np.full(6, gamma), 0.0)
    np.testing.assert_allclose(lambda_returns(r, v, gamma, lam), rlax.lambda_returns(r, discount, v[1:], lam), rtol=1e-12)
    np.testing.assert_allclose(returns(r, gamma), rlax.discounted_returns(r, discount, v[1:]), rtol=1e-12)
    np.testing.assert_allclose(n_step_returns(r, v, gamma, 3), rlax.n_step_bootstrapped_returns(r, discount, v[1:], 3), rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_targets(jax: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    r, q, target, a = rng.normal(size=6), rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), rng.integers(0, 3, 6)
    d, pi, none = rng.random(6) < 0.4, rng.dirichlet(np.ones(3), 6), np.zeros(3)
    discount = 0.9 * (1.0 - d)
    for i in range(6):
        rest = none, 0, r[i], discount[i]
        assert q_learning_targets(r, q, d, 0.9)[i] == pytest.approx(float(rlax.q_learning(*rest, q[i])), rel=1e-12)
        assert sarsa_targets(r, q, a, d, 0.9)[i] == pytest.approx(float(rlax.sarsa(*rest, q[i], a[i])), rel=1e-12)
        assert expected_sarsa_targets(r, q, pi, d, 0.9)[i] == pytest.approx(float(rlax.expected_sarsa(*rest, q[i], pi[i])), rel=1e-12)
        assert double_dqn_targets(r, q, target, d, 0.9)[i] == pytest.approx(
            float(rlax.double_q_learning(*rest, target[i], q[i])), rel=1e-12
        )
