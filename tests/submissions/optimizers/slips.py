"""A velocity that remembers nothing; Adam without bias correction."""

import numpy as np


def momentum(w, grads, learning_rate, momentum):
    history = []
    for g in grads:
        velocity = -learning_rate * g
        w = w + velocity
        history.append(w)
    return np.array(history)


def adam(w, grads, learning_rate, beta_1, beta_2, epsilon):
    m, v, history = np.zeros_like(w), np.zeros_like(w), []
    for g in grads:
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        w = w - learning_rate * m / (np.sqrt(v) + epsilon)
        history.append(w)
    return np.array(history)
