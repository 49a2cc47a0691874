# returns 1; n_step 2; lambda_returns 2; q_learning 1; expected_sarsa 1; double_dqn 2; linear_value 1
import numpy as np


def returns(rewards, gamma):
    g, out = 0.0, []
    for r in rewards[::-1]:
        g = r + gamma * g
        out.append(g)
    return out[::-1]


def n_step_returns(rewards, values, gamma, n):
    T = len(rewards)
    out = np.zeros(T)
    for t in range(T):
        for k in range(n):
            if t + k < T:
                out[t] += gamma**k * rewards[t + k]
        if t + n < T:
            out[t] += gamma**n * values[t + n]
    return out


def lambda_returns(rewards, values, gamma, lam):
    T = len(rewards)
    G = returns(rewards, gamma)
    out = []
    for t in range(T):
        total = lam ** (T - t - 1) * G[t]
        for n in range(1, T - t):
            total += (1 - lam) * lam ** (n - 1) * n_step_returns(rewards, values, gamma, n)[t]
        out.append(total)
    return np.array(out)


def q_learning_targets(rewards, q_next, terminated, gamma):
    return np.where(terminated, rewards, rewards + gamma * q_next.max(axis=1))


def expected_sarsa_targets(rewards, q_next, policy_next, terminated, gamma):
    return rewards + gamma * ~terminated * np.einsum("ba,ba->b", policy_next, q_next)


def double_dqn_targets(rewards, q_online_next, q_target_next, terminated, gamma):
    best = np.argmax(q_online_next, axis=1)
    return [r + gamma * q[a] * (not d) for r, q, a, d in zip(rewards, q_target_next, best, terminated, strict=True)]


def fit_linear_value(x, returns):
    return np.linalg.solve(x.T @ x, x.T @ returns)
