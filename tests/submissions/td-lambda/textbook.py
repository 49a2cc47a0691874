# 6
import numpy as np


def td_lambda(episodes, w, alpha, gamma, lam):
    deltas, traces, weights = [], [], []
    for x, rewards in episodes:
        z = np.zeros_like(w)
        for t in range(len(rewards)):
            done = t == len(rewards) - 1
            v_next = 0.0 if done else w @ x[t + 1]
            delta = rewards[t] + gamma * v_next - w @ x[t]
            z = gamma * lam * z + x[t]
            w = w + alpha * delta * z
            deltas.append(delta)
            traces.append(z)
            weights.append(w)
    return {"delta": np.array(deltas), "z": np.array(traces), "w": np.array(weights)}
