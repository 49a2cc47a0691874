"""One-step targets against golden numbers; ε-greedy probabilities; soft updates."""

import numpy as np
import pytest
from golden import read

from dosegrade.rl import targets as T

C = read("returns_targets")["control"]
R, D, GAMMA = np.array(C["r"]), np.array(C["terminated"], dtype=bool), C["gamma"]
ONLINE, TARGET = np.array(C["q_next_online"]), np.array(C["q_next_target"])
MADE = {
    "q_learning": lambda d: T.q_learning_targets(R, ONLINE, d, GAMMA),
    "dqn_target_net": lambda d: T.dqn_targets(R, TARGET, d, GAMMA),
    "double_dqn": lambda d: T.double_dqn_targets(R, ONLINE, TARGET, d, GAMMA),
    "sarsa": lambda d: T.sarsa_targets(R, ONLINE, np.array(C["a_next"]), d, GAMMA),
    "expected_sarsa": lambda d: T.expected_sarsa_targets(R, ONLINE, np.array(C["pi_next"]), d, GAMMA),
}


@pytest.mark.parametrize("name", MADE)
def test_golden(name: str) -> None:
    np.testing.assert_allclose(MADE[name](D), C["targets"][name], rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(MADE[name](D), MADE[name](D.astype(float)))
    assert MADE[name](D)[2] == R[2]


def test_td_by_hand() -> None:
    made = T.td_targets(np.array([1.0, 2.0]), np.array([4.0, 8.0]), np.array([False, True]), 0.5)
    np.testing.assert_array_equal(made, [3.0, 2.0])


def test_expected_sarsa_under_the_greedy_policy_is_q_learning() -> None:
    greedy = T.epsilon_greedy(ONLINE, 0.0)
    np.testing.assert_allclose(T.expected_sarsa_targets(R, ONLINE, greedy, D, GAMMA), T.q_learning_targets(R, ONLINE, D, GAMMA), rtol=1e-15)


def test_double_dqn_with_one_network_is_q_learning() -> None:
    np.testing.assert_array_equal(T.double_dqn_targets(R, ONLINE, ONLINE, D, GAMMA), T.q_learning_targets(R, ONLINE, D, GAMMA))


def test_epsilon_greedy() -> None:
    q = np.array([[1.0, 3.0, 3.0, 0.0], [2.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(T.epsilon_greedy(q, 0.2), [[0.05, 0.45, 0.45, 0.05], [0.85, 0.05, 0.05, 0.05]])
    np.testing.assert_allclose(T.epsilon_greedy(q, 0.2, ties="first"), [[0.05, 0.85, 0.05, 0.05], [0.85, 0.05, 0.05, 0.05]])
    np.testing.assert_allclose(T.epsilon_greedy(q[0], 1.0), 0.25)
    with pytest.raises(ValueError, match="probability"):
        T.epsilon_greedy(q, 1.5)
    with pytest.raises(ValueError, match="'split' or 'first'"):
        T.epsilon_greedy(q, 0.5, ties="last")


def test_soft_update() -> None:
    target, online = {"W1": np.array([1.0, 2.0])}, {"W1": np.array([3.0, 6.0])}
    np.testing.assert_allclose(T.soft_update(target, online, 0.25)["W1"], [1.5, 3.0])
    np.testing.assert_array_equal(T.soft_update(target, online, 1.0)["W1"], online["W1"])
