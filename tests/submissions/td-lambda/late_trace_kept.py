# 1 T09 T10
import numpy as np


def td_lambda(episodes, w, alpha, gamma, lam):
    z = np.zeros(len(w))
    out = {"delta": [], "z": [], "w": []}
    for x, rewards in episodes:
        last = len(rewards) - 1
        for t, r in enumerate(rewards):
            delta = r - w @ x[t]
            if t < last:
                delta += gamma * (w @ x[t + 1])
            w = w + alpha * delta * z
            z = gamma * lam * z + x[t]
            for name, value in (("delta", delta), ("z", z), ("w", w)):
                out[name].append(value)
    return out
