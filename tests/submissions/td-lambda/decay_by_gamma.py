# 2 T03
import numpy as np


def td_lambda(episodes, w, alpha, gamma, lam):
    n, k, i = sum(len(r) for _, r in episodes), len(w), 0
    out = {"delta": np.zeros(n), "z": np.zeros((n, k)), "w": np.zeros((n, k))}
    for x, rewards in episodes:
        e = np.zeros(k)
        for t, r in enumerate(rewards):
            e = gamma * e + x[t]
            target = r + (gamma * x[t + 1] @ w if t + 1 < len(rewards) else 0)
            d = target - x[t] @ w
            w = w + alpha * d * e
            out["delta"][i], out["z"][i], out["w"][i] = d, e, w
            i += 1
    return out
