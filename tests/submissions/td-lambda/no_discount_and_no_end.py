# 3 T21 T24
import numpy as np


def td_lambda(episodes, w, alpha, gamma, lam):
    rows = []
    for x, rewards in episodes:
        z = np.zeros(len(w))
        for now, then, r in zip(x[:-1], x[1:], rewards, strict=True):
            delta = r + w @ then - w @ now
            z = gamma * lam * z + now
            w = w + alpha * delta * z
            rows.append((delta, z, w))
    return dict(zip(("delta", "z", "w"), map(np.array, zip(*rows, strict=True)), strict=True))
