# returns 0,R03; n_step 0,R06; lambda_returns 0,R07; q_learning 0,Q01; expected_sarsa 0,Q08; double_dqn 0,Q05; linear_value 0,Q15
import numpy as np


def returns(rewards, gamma):
    total, out = 0.0, []
    for r in rewards:
        total = r + gamma * total
        out.append(total)
    return np.array(out)


def n_step_returns(rewards, values, gamma, n):
    T = len(rewards)
    out = []
    for t in range(T):
        end = min(t + n, T)
        g = sum(gamma**k * rewards[t + k] for k in range(end - t))
        out.append(g + gamma ** (end - t) * values[end])
    return np.array(out)


def lambda_returns(rewards, values, gamma, lam):
    G = 0.0
    out = np.zeros(len(rewards))
    for t in reversed(range(len(rewards))):
        v = values[t + 1] if t + 1 < len(rewards) else 0.0
        G = rewards[t] + gamma * (v + lam * G)
        out[t] = G
    return out


def q_learning_targets(rewards, q_next, terminated, gamma):
    return rewards + gamma * np.max(q_next, axis=-1)


def expected_sarsa_targets(rewards, q_next, policy_next, terminated, gamma):
    return rewards + gamma * (1 - terminated) * np.mean(q_next, axis=1)


def double_dqn_targets(rewards, q_online_next, q_target_next, terminated, gamma):
    rows = np.arange(len(rewards))
    return rewards + gamma * (1 - terminated) * q_online_next[rows, q_target_next.argmax(1)]


def fit_linear_value(x, returns):
    x = np.column_stack([np.ones(len(x)), x])
    return np.linalg.lstsq(x, returns, rcond=None)[0]
