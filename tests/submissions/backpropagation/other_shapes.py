"""Right numbers in another arrangement, and a derivative by the wrong variable."""

import numpy as np


def backward(x, y, W1, b1, w2, b2):
    z1 = x @ W1 + b1
    u = np.maximum(0, z1)
    z2 = u @ w2 + b2
    eps2 = 2 * (max(0.0, z2) - y)
    delta2 = eps2 * (z2 > 0)
    delta1 = delta2 * w2 * (z1 > 0)
    return {
        "y_hat": max(0.0, z2),
        "eps2": eps2,
        "eps1": delta2 * w2,
        "dW1": np.outer(delta1, x),
        "db1": delta1,
        "dw2": delta2 * u,
        "db2": delta2,
    }


def gradients(x, y, W1, b1, W2, b2, W3, b3):
    h1 = np.tanh(x @ W1 + b1)
    h2 = np.tanh(h1 @ W2 + b2)
    d3 = 2 * (h2 @ W3 + b3 - y) / len(x)
    d2 = d3 @ W3.T * (1 - h2**2)
    d1 = d2 @ W2.T * (1 - h1**2)
    return {"dW1": d1.T @ x, "db1": d1.sum(0), "dW2": d2.T @ h1, "db2": d2.sum(0), "dW3": d3.T @ h2, "db3": d3.sum(0)}


def classifier_gradients(x, t, W1, b1, W2, b2):
    z1 = x @ W1 + b1
    h = np.maximum(z1, 0)
    scores = np.exp(h @ W2 + b2)
    d2 = (scores / scores.sum(axis=1, keepdims=True) - t) / len(x)
    d1 = d2 @ W2.T * (z1 > 0)
    return {"dW1": d1 @ W1.T, "db1": d1.sum(0), "dW2": h.T @ d2, "db2": d2.sum(0)}
