"""Derivatives by the complex step: exact to rounding, with a ReLU that looks at the real part."""

import numpy as np


def step(loss, parameters, k):
    base = np.array(parameters[k], dtype=complex)
    found = np.zeros(base.shape)
    for index in np.ndindex(base.shape):
        moved = base.copy()
        moved[index] += 1e-30j
        found[index] = loss(*parameters[:k], moved, *parameters[k + 1 :]).imag / 1e-30
    return found


def relu(z):
    return np.where(z.real > 0, z, 0)


def gradients(x, y, *parameters):
    def loss(W1, b1, W2, b2, W3, b3):
        out = np.tanh(np.tanh(x @ W1 + b1) @ W2 + b2) @ W3 + b3
        return ((out - y) ** 2).sum() / len(x)

    return {name: step(loss, parameters, k) for k, name in enumerate(("dW1", "db1", "dW2", "db2", "dW3", "db3"))}


def classifier_gradients(x, t, *parameters):
    def loss(W1, b1, W2, b2):
        z = relu(x @ W1 + b1) @ W2 + b2
        return -(t * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum() / len(x)

    return {name: step(loss, parameters, k) for k, name in enumerate(("dW1", "db1", "dW2", "db2"))}
