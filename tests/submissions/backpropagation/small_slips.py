"""δ given where ε is asked for; the output bent in both passes; a sum for a mean together with a missing gate."""

import numpy as np


def backward(x, y, W1, b1, w2, b2):
    z1 = W1.T @ x + b1
    u = z1.clip(min=0)
    z2 = w2.dot(u) + b2
    y_hat = max(z2, 0)
    delta2 = 2 * (y_hat - y) if z2 > 0 else 0.0
    delta1 = delta2 * w2 * (u > 0)
    return {"y_hat": y_hat, "eps2": delta2, "eps1": delta1, "dW1": x[:, None] * delta1, "db1": delta1, "dw2": delta2 * u, "db2": delta2}


def gradients(x, y, W1, b1, W2, b2, W3, b3):
    layers = [x]
    for W, b in ((W1, b1), (W2, b2), (W3, b3)):
        layers.append(np.tanh(layers[-1] @ W + b))
    error, found = 2 * (layers[3] - y) / len(x), {}
    for k, W in ((3, W3), (2, W2), (1, W1)):
        error = error * (1 - layers[k] ** 2)
        found[f"dW{k}"], found[f"db{k}"] = layers[k - 1].T @ error, error.sum(0)
        error = error @ W.T
    return found


def classifier_gradients(x, t, W1, b1, W2, b2):
    h = np.maximum(x @ W1 + b1, 0)
    p = np.exp(h @ W2 + b2)
    p /= p.sum(axis=1, keepdims=True)
    d1 = (p - t) @ W2.T
    return {"dW1": x.T @ d1, "db1": d1.sum(0), "dW2": h.T @ (p - t), "db2": (p - t).sum(0)}
