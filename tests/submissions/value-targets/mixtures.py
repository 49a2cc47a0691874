# returns 1; n_step 0,R06,R05; lambda_returns 0,R07,R08; q_learning 0,Q01,T25; expected_sarsa 0,T25; double_dqn 0,Q06,Q02; linear_value 1
import numpy as np


def returns(rewards, gamma):
    n = len(rewards)
    i, j = np.indices((n, n))
    return np.where(j >= i, gamma ** np.maximum(j - i, 0), 0.0) @ rewards


def n_step_returns(rewards, values, gamma, n):
    T = len(rewards)
    out = []
    for t in range(T):
        end = min(t + n, T)
        g = values[end] * gamma ** (end - t - 1)
        for k in range(t, end):
            g += gamma ** (k - t) * rewards[k]
        out.append(g)
    return np.array(out)


def lambda_returns(rewards, values, gamma, lam):
    T = len(rewards)

    def n_step(t, n):
        g = sum(gamma**k * rewards[t + k] for k in range(n))
        return g + gamma**n * values[t + n]

    return [sum(lam ** (n - 1) * n_step(t, n) for n in range(1, T - t)) for t in range(T)]


def q_learning_targets(rewards, q_next, terminated, gamma):
    return gamma * (rewards + q_next.max(1))


def expected_sarsa_targets(rewards, q_next, policy_next, terminated, gamma):
    target = rewards.copy()
    going = ~terminated
    target[going] = gamma * (rewards + (q_next * policy_next).sum(1))[going]
    return target


def double_dqn_targets(rewards, q_online_next, q_target_next, terminated, gamma):
    return (rewards + gamma * q_target_next.max(1)) * (1 - terminated)


def fit_linear_value(x, returns):
    q, r = np.linalg.qr(x)
    return np.linalg.solve(r, q.T @ returns)
