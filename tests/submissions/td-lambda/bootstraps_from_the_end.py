# 3 T21
import numpy as np


def td_lambda(episodes, w, alpha, gamma, lam):
    deltas, traces, weights = [], [], []
    for x, rewards in episodes:
        z = np.zeros(len(w))
        for t in range(len(rewards)):
            delta = rewards[t] + gamma * w @ x[t + 1] - w @ x[t]
            z = gamma * lam * z + x[t]
            w = w + alpha * delta * z
            deltas += [delta]
            traces += [z]
            weights += [w]
    return {"delta": deltas, "z": traces, "w": weights}
