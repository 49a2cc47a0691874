# 2
import numpy as np


def td_lambda(episodes, w, alpha, gamma, lam):
    deltas, traces, weights = [], [], []
    w, z = w.copy(), np.zeros(len(w))
    for x, rewards in episodes:
        z[:] = 0
        for t, r in enumerate(rewards):
            delta = r + (gamma * w @ x[t + 1] if t < len(rewards) - 1 else 0) - w @ x[t]
            z *= gamma * lam
            z += x[t]
            w += alpha * delta * z
            deltas.append(delta)
            traces.append(z)
            weights.append(w)
    return {"delta": np.array(deltas), "z": np.array(traces), "w": np.array(weights)}
