"""Returns: by hand, against golden numbers, the recursion against the mixture, the ends of λ, termination against truncation."""

import numpy as np
import pytest
from golden import read
from hypothesis import given
from hypothesis import strategies as st

from dosegrade.rl.returns import lambda_return_steps, lambda_returns, mixed_lambda_returns, n_step_returns, returns

GOLDEN = read("returns_targets")
R, V, GAMMA = np.array(GOLDEN["rewards_R1_to_RT"]), np.array(GOLDEN["values_S0_to_ST"]), GOLDEN["gamma"]
CLOSE = {"rtol": 1e-13, "atol": 1e-13}


def test_by_hand() -> None:
    np.testing.assert_allclose(returns(np.array([1.0, 2.0]), 0.5), [2.0, 2.0])
    np.testing.assert_allclose(returns(np.array([1.0, 2.0]), 0.5, bootstrap=4.0), [3.0, 4.0])
    np.testing.assert_allclose(n_step_returns(np.array([1.0, 2.0]), np.array([9.0, 3.0, 9.0]), 0.5, 1), [2.5, 2.0])
    np.testing.assert_allclose(lambda_returns(np.array([1.0, 2.0]), np.array([9.0, 3.0, 9.0]), 0.5, 0.5), [1 + 0.5 * 2.5, 2.0])


def test_golden() -> None:
    np.testing.assert_allclose(returns(R, GAMMA), GOLDEN["monte_carlo"], **CLOSE)
    for n, expected in GOLDEN["n_step"].items():
        np.testing.assert_allclose(n_step_returns(R, V, GAMMA, int(n)), expected, **CLOSE)
    for lam, expected in GOLDEN["lambda"].items():
        np.testing.assert_allclose(lambda_returns(R, V, GAMMA, float(lam)), expected, **CLOSE)


def test_golden_where_time_ran_out() -> None:
    golden = GOLDEN["truncated_not_terminal"]
    values = np.append(V[:-1], golden["v_ST"])
    for n, expected in golden["n_step"].items():
        np.testing.assert_allclose(n_step_returns(R, values, GAMMA, int(n), truncated=True), expected, **CLOSE)
    for lam, expected in golden["lam"].items():
        np.testing.assert_allclose(lambda_returns(R, values, GAMMA, float(lam), truncated=True), expected, **CLOSE)


@given(st.integers(1, 9), st.floats(0, 1), st.floats(0, 1), st.booleans(), st.integers(0, 2**32 - 1))
def test_recursion_equals_mixture_and_its_ends_are_td_and_monte_carlo(T: int, gamma: float, lam: float, truncated: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    r, v = rng.normal(size=T), rng.normal(size=T + 1)
    close = {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(lambda_returns(r, v, gamma, lam, truncated), mixed_lambda_returns(r, v, gamma, lam, truncated), **close)
    np.testing.assert_allclose(lambda_returns(r, v, gamma, 0.0, truncated), n_step_returns(r, v, gamma, 1, truncated), **close)
    np.testing.assert_allclose(lambda_returns(r, v, gamma, 1.0, truncated), returns(r, gamma, v[-1] if truncated else 0.0), **close)
    np.testing.assert_allclose(n_step_returns(r, v, gamma, T + 3), returns(r, gamma), **close)


def test_weights_sum_to_one() -> None:
    """With v ≡ c, no rewards and no discount every λ-return of a truncated episode is c."""
    for lam in (0.0, 0.3, 1.0):
        np.testing.assert_allclose(lambda_returns(np.zeros(5), np.full(6, 2.5), 1.0, lam, truncated=True), 2.5)
        np.testing.assert_allclose(mixed_lambda_returns(np.zeros(5), np.full(6, 2.5), 1.0, lam, truncated=True), 2.5)


def test_the_steps_are_printed_and_evaluated_from_the_end() -> None:
    steps = lambda_return_steps(3)
    assert [step.name for step in steps] == ["G[2]", "G[1]", "G[0]", "G"]
    assert "G_{1} = R_{2}" in steps[1].formula


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="v\\(S_0\\)"):
        lambda_returns(R, V[:-1], GAMMA, 0.5)
    with pytest.raises(ValueError, match="from 1"):
        n_step_returns(R, V, GAMMA, 0)
