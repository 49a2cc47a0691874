# returns 0,R02; n_step 0,R04; lambda_returns 0,R06; q_learning 0,Q09; expected_sarsa 0,Q07; double_dqn 0,Q06; linear_value 0
import numpy as np


def returns(rewards, gamma):
    T = len(rewards)
    return np.array([sum(gamma**k * rewards[k] for k in range(t, T)) for t in range(T)])


def n_step_returns(rewards, values, gamma, n):
    T = len(rewards)
    out = np.zeros(T)
    for t in range(T):
        h = t + n - 1
        for k in range(t, min(h, T)):
            out[t] += gamma ** (k - t) * rewards[k]
        if h < T:
            out[t] += gamma ** (h - t) * values[h]
    return out


def lambda_returns(rewards, values, gamma, lam):
    out = np.zeros(len(rewards))
    last = values[-1]
    for t in range(len(rewards) - 1, -1, -1):
        last = rewards[t] + gamma * ((1 - lam) * values[t + 1] + lam * last)
        out[t] = last
    return out


def q_learning_targets(rewards, q_next, terminated, gamma):
    return rewards + gamma * (1 - terminated) * np.argmax(q_next, axis=1)


def expected_sarsa_targets(rewards, q_next, policy_next, terminated, gamma):
    return rewards + gamma * (1 - terminated) * q_next.max(axis=1)


def double_dqn_targets(rewards, q_online_next, q_target_next, terminated, gamma):
    return rewards + gamma * (1 - terminated) * q_target_next.max(axis=1)


def fit_linear_value(x, returns):
    return x.T @ returns / len(x)
