# 2 T10
import numpy as np


def td_lambda(episodes, w, alpha, gamma, lam):
    rows = []
    z = np.zeros(len(w))
    for x, rewards in episodes:
        values = np.ones(len(x))
        values[-1] = 0
        for t, r in enumerate(rewards):
            delta = r + gamma * values[t + 1] * (w @ x[t + 1]) - w @ x[t]
            z = gamma * lam * z + x[t]
            w = w + alpha * delta * z
            rows.append((delta, z, w))
    return {"delta": [r[0] for r in rows], "z": [r[1] for r in rows], "w": [r[2] for r in rows]}
