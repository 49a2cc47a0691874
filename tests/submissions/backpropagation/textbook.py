"""Backpropagation as the textbook writes it, vectorised."""

import numpy as np


def backward(x, y, W1, b1, w2, b2):
    z1 = x @ W1 + b1
    u = np.maximum(0, z1)
    z2 = u @ w2 + b2
    y_hat = max(0.0, z2)
    eps2 = 2 * (y_hat - y)
    delta2 = eps2 * (z2 > 0)
    eps1 = delta2 * w2
    delta1 = eps1 * (z1 > 0)
    return {"y_hat": y_hat, "eps2": eps2, "eps1": eps1, "dW1": np.outer(x, delta1), "db1": delta1, "dw2": delta2 * u, "db2": delta2}


def gradients(x, y, W1, b1, W2, b2, W3, b3):
    h1 = np.tanh(x @ W1 + b1)
    h2 = np.tanh(h1 @ W2 + b2)
    d3 = 2 * (h2 @ W3 + b3 - y) / len(x)
    d2 = d3 @ W3.T * (1 - h2**2)
    d1 = d2 @ W2.T * (1 - h1**2)
    return {
        "dW1": x.T @ d1,
        "db1": d1.sum(axis=0),
        "dW2": h1.T @ d2,
        "db2": d2.sum(axis=0),
        "dW3": h2.T @ d3,
        "db3": d3.sum(axis=0),
    }


def classifier_gradients(x, t, W1, b1, W2, b2):
    z1 = x @ W1 + b1
    h = np.maximum(z1, 0)
    scores = np.exp(h @ W2 + b2)
    d2 = (scores / scores.sum(axis=1, keepdims=True) - t) / len(x)
    d1 = d2 @ W2.T * (z1 > 0)
    return {"dW1": x.T @ d1, "db1": d1.sum(0), "dW2": h.T @ d2, "db2": d2.sum(0)}
