# returns 0,R01,R03; n_step 0,R06,T24; lambda_returns 0,R07,R06; q_learning 0,Q01,T24; expected_sarsa 0,Q08,Q02; double_dqn 0,Q05,Q01; linear_value 1
import numpy as np


def returns(rewards, gamma):
    return np.cumsum(rewards)


def n_step_returns(rewards, values, gamma, n):
    T = len(rewards)
    out = []
    for t in range(T):
        end = min(t + n, T)
        out.append(sum(gamma ** (k - t) * rewards[k] for k in range(t, end)) + values[end])
    return out


def lambda_returns(rewards, values, gamma, lam):
    G, out = values[-1], []
    for r, v in zip(rewards[::-1], values[:0:-1], strict=True):
        G = r + gamma * (v + lam * G)
        out.insert(0, G)
    return np.array(out)


def q_learning_targets(rewards, q_next, terminated, gamma):
    return rewards + q_next.max(axis=1)


def expected_sarsa_targets(rewards, q_next, policy_next, terminated, gamma):
    return np.where(terminated, 0.0, rewards + gamma * q_next.mean(axis=1))


def double_dqn_targets(rewards, q_online_next, q_target_next, terminated, gamma):
    return [r + gamma * q[np.argmax(p)] for r, q, p in zip(rewards, q_online_next, q_target_next, strict=True)]


def fit_linear_value(x, returns):
    return np.linalg.pinv(x) @ returns
