# 0 T31
import numpy as np


def td_lambda(episodes, w, alpha, gamma, lam):
    deltas, traces, weights = [], [], []
    for x, rewards in episodes:
        z = np.zeros(len(w))
        for t in range(len(rewards) - 1):
            delta = rewards[t] + gamma * w @ x[t + 1] - w @ x[t]
            z = gamma * lam * z + x[t]
            w = w + alpha * delta * z
            deltas.append(delta)
            traces.append(z)
            weights.append(w)
    return {"delta": np.array(deltas), "z": np.array(traces), "w": np.array(weights)}
