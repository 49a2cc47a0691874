# returns 0,R03; n_step 0,R05; lambda_returns 0,R02; q_learning 0,T25; expected_sarsa 1; double_dqn 2; linear_value 0,Q15
import numpy as np


def returns(rewards, gamma):
    total, out = 0.0, []
    for r in rewards:
        total = r + gamma * total
        out.append(total)
    return out[::-1]


def n_step_returns(rewards, values, gamma, n):
    T = len(rewards)

    def one(t):
        if t + n >= T:
            return sum(gamma**k * r for k, r in enumerate(rewards[t:]))
        return sum(gamma**k * r for k, r in enumerate(rewards[t : t + n])) + gamma * values[t + n]

    return [one(t) for t in range(T)]


def lambda_returns(rewards, values, gamma, lam):
    v = np.append(values[1:-1], 0.0)
    G = np.zeros(len(rewards) + 1)
    for t in reversed(range(len(rewards))):
        G[t] = gamma * (rewards[t] + (1 - lam) * v[t] + lam * G[t + 1])
    return G[:-1]


def q_learning_targets(rewards, q_next, terminated, gamma):
    return [r if over else gamma * (r + max(q)) for r, q, over in zip(rewards, q_next, terminated, strict=True)]


def expected_sarsa_targets(rewards, q_next, policy_next, terminated, gamma):
    return rewards + gamma * np.einsum("ba,ba->b", q_next, policy_next) * ~terminated


def double_dqn_targets(rewards, q_online_next, q_target_next, terminated, gamma):
    best = q_online_next == q_online_next.max(axis=1, keepdims=True)
    return np.where(terminated, rewards, rewards + gamma * q_target_next[best])


def fit_linear_value(x, returns):
    return np.linalg.lstsq(x - x.mean(axis=0), returns, rcond=None)[0]
