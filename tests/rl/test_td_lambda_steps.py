"""TD(λ): golden histories, the equivalences of DOMAIN B.9, and the episode as steps that are followed row by row."""

from typing import Any

import numpy as np
import pytest
from golden import episode, read
from hypothesis import given
from hypothesis import strategies as st

from dosegrade.registry import UnknownName
from dosegrade.rl.returns import lambda_returns
from dosegrade.rl.td_lambda import METHODS, offline_lambda_return, td_lambda, td_lambda_inputs, td_lambda_steps
from dosegrade.steps import evaluate, follow, worked

GOLDEN = read("td_lambda")
KEYS = {"accumulating": "accumulating", "replacing": "replacing", "dutch": "dutch_trace_plain_update", "true-online": "true_online"}
seeds = st.integers(0, 2**32 - 1)


def settings(case: dict[str, Any]) -> dict[str, float]:
    return {name: case[name] for name in ("alpha", "gamma", "lam")}


def some(seed: int, one_hot: bool = False) -> tuple[Any, Any, dict[str, float]]:
    """A random episode with revisits, its weights and settings."""
    rng = np.random.default_rng(seed)
    x = np.eye(3)[rng.integers(0, 3, 8)] if one_hot else rng.normal(size=(8, 3))
    numbers = {"alpha": rng.uniform(0.05, 0.5), "gamma": rng.uniform(0.5, 1), "lam": rng.uniform(0, 1)}
    return (x, rng.normal(size=7)), rng.normal(size=3), numbers


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
@pytest.mark.parametrize("method", METHODS)
def test_golden(case: dict[str, Any], method: str) -> None:
    if KEYS[method] not in case:
        pytest.skip("a replacing trace needs binary features")
    made = td_lambda([episode(case)], np.array(case["w0"]), **settings(case), method=method)
    for name, rows in made.items():
        np.testing.assert_allclose(rows, [row[name] for row in case[KEYS[method]]], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_golden_offline(case: dict[str, Any]) -> None:
    x, rewards = episode(case)
    for key, sequential in (("offline_batch_w", False), ("offline_sequential_w", True)):
        made = offline_lambda_return(x, rewards, np.array(case["w0"]), **settings(case), sequential=sequential)
        np.testing.assert_allclose(made, case[key], rtol=1e-12, atol=1e-12)


def test_golden_two_episodes() -> None:
    case = GOLDEN["two_episodes"]
    made = td_lambda([episode(case), episode(case)], np.array(case["w0"]), **settings(case))
    for name, rows in made.items():
        np.testing.assert_allclose(rows[3:], [row[name] for row in case["episode2_correct"]], rtol=1e-12, atol=1e-12)


@given(seeds)
def test_forward_view_is_backward_view_with_frozen_weights(seed: int) -> None:
    (x, rewards), w, numbers = some(seed)
    after = np.append(x[:-1] @ w, 0.0)
    delta = rewards + numbers["gamma"] * after[1:] - after[:-1]
    z = td_lambda([(x, rewards)], w, **numbers)["z"]
    forward = lambda_returns(rewards, x @ w, numbers["gamma"], numbers["lam"]) - after[:-1]
    np.testing.assert_allclose(delta @ z, forward @ x[:-1], rtol=1e-10, atol=1e-10)


@given(seeds)
def test_true_online_is_the_online_lambda_return_algorithm(seed: int) -> None:
    """For every horizon h: all updates redone from the first weights, with λ-returns cut at h and bootstrapped there (S&B §12.4)."""
    (x, rewards), w, numbers = some(seed)
    gamma, lam = numbers["gamma"], numbers["lam"]
    reached = [w]
    for h in range(1, len(rewards) + 1):
        values = np.array([0.0, *(x[t] @ reached[t - 1] for t in range(1, h + 1))])
        if h == len(rewards):
            values[-1] = 0.0
        weights = w
        for t, target in enumerate(lambda_returns(rewards[:h], values, gamma, lam, truncated=True)):
            weights = weights + numbers["alpha"] * (target - x[t] @ weights) * x[t]
        reached.append(weights)
    made = td_lambda([(x, rewards)], w, **numbers, method="true-online")["w"]
    np.testing.assert_allclose(made, reached[1:], rtol=1e-9, atol=1e-9)


@given(seeds)
def test_without_lambda_all_are_td_0(seed: int) -> None:
    (x, rewards), w, numbers = some(seed, one_hot=True)
    numbers["lam"] = 0.0
    expected = []
    weights = w
    for t, reward in enumerate(rewards):
        after = x[t + 1] @ weights if t + 1 < len(rewards) else 0.0
        weights = weights + numbers["alpha"] * (reward + numbers["gamma"] * after - x[t] @ weights) * x[t]
        expected.append(weights)
    for method in METHODS:
        np.testing.assert_allclose(td_lambda([(x, rewards)], w, **numbers, method=method)["w"], expected, rtol=1e-10, atol=1e-12)


@given(seeds)
def test_without_revisits_all_are_alike(seed: int) -> None:
    _, _, numbers = some(seed)
    rng = np.random.default_rng(seed)
    x, rewards, w = np.eye(5)[[3, 0, 4, 1, 2]], rng.normal(size=4), rng.normal(size=5)
    first = td_lambda([(x, rewards)], w, **numbers)["w"]
    for method in METHODS[1:]:
        np.testing.assert_allclose(td_lambda([(x, rewards)], w, **numbers, method=method)["w"], first, rtol=1e-10, atol=1e-12)


def test_at_lambda_1_true_online_ends_where_the_sequential_lambda_return_algorithm_does() -> None:
    case = next(case for case in GOLDEN["cases"] if case["name"] == "quiz_q2_ABAC_revisit")
    numbers = settings(case) | {"lam": 1.0}
    x, rewards = episode(case)
    online = td_lambda([(x, rewards)], np.array(case["w0"]), **numbers, method="true-online")["w"][-1]
    np.testing.assert_allclose(online, offline_lambda_return(x, rewards, np.array(case["w0"]), **numbers, sequential=True), rtol=1e-12)


def test_the_episode_is_three_steps_a_transition() -> None:
    steps = td_lambda_steps((2, 1))
    assert [step.name for step in steps[:6]] == ["z[0]", "delta[0]", "w[1]", "z[1]", "delta[1]", "w[2]"]
    assert [step.name for step in steps[9:]] == ["delta", "z", "w"]
    assert "gamma" not in steps[4].needs, "nothing follows the terminal state"
    assert steps[6].needs[0] == "z_0", "a new episode begins without a trace"
    inputs = td_lambda_inputs([(np.eye(3), np.array([1.0, 2.0])), (np.eye(2, 3), np.array([3.0]))], np.ones(3), 0.5, 0.9, 0.8)
    assert worked(steps, inputs)[1].formula == r"\delta_{0} = R_{1} + \gamma\, w_{0}^\top x_{1} - w_{0}^\top x_{0}"


def test_one_slip_costs_one_row_where_the_rest_is_followed() -> None:
    """A slip in z[3] makes what rests on it wrong; from her own rows everything else is right."""
    (x, rewards), w, numbers = some(3)
    steps, inputs = td_lambda_steps((6,)), td_lambda_inputs([(x[:7], rewards[:6])], w, **numbers)
    truth = evaluate(steps, inputs)
    slip = tuple(
        step if step.name != "z[3]" else type(step)("z[3]", step.needs, "", lambda *v: np.array([1.0, -2.0, 0.5])) for step in steps
    )
    student = {name: evaluate(slip, inputs)[name] for name in ("delta", "z", "w")}
    wrong = sum(not np.allclose(student[name][i], truth[name][i]) for name in student for i in range(6))
    own = follow(steps, inputs, student)
    left = [(name, i) for name in student for i in range(6) if not np.allclose(student[name][i], own[name][i])]
    assert wrong == 8
    assert left == [("z", 3)]


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="S_0…S_T"):
        td_lambda([(np.eye(3), np.ones(3))], np.ones(3), alpha=0.5, gamma=0.9, lam=0.8)
    with pytest.raises(UnknownName, match="replacing"):
        td_lambda_steps((3,), "replacin")


def test_leaves_its_arguments_alone() -> None:
    (x, rewards), w, numbers = some(1)
    copies = x.copy(), rewards.copy(), w.copy()
    td_lambda([(x, rewards)], w, **numbers)
    for given_one, copy in zip((x, rewards, w), copies, strict=True):
        np.testing.assert_array_equal(given_one, copy)
