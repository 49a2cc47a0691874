"""No chain rule at all: careful central differences of the loss."""

import numpy as np


def difference(loss, parameters, k, step=1e-5):
    base = np.array(parameters[k], dtype=float)
    found = np.zeros(base.shape)
    for index in np.ndindex(base.shape):
        values = []
        for sign in (1, -1):
            moved = base.copy()
            moved[index] += sign * step
            values.append(loss(*parameters[:k], moved, *parameters[k + 1 :]))
        found[index] = (values[0] - values[1]) / (2 * step)
    return found


def gradients(x, y, *parameters):
    def loss(W1, b1, W2, b2, W3, b3):
        out = np.tanh(np.tanh(x @ W1 + b1) @ W2 + b2) @ W3 + b3
        return ((out - y) ** 2).sum() / len(x)

    names = ("dW1", "db1", "dW2", "db2", "dW3", "db3")
    return {name: difference(loss, parameters, k) for k, name in enumerate(names)}


def classifier_gradients(x, t, *parameters):
    def loss(W1, b1, W2, b2):
        z = np.maximum(x @ W1 + b1, 0) @ W2 + b2
        return -(t * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum() / len(x)

    return {name: difference(loss, parameters, k) for k, name in enumerate(("dW1", "db1", "dW2", "db2"))}
