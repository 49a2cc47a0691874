"""Up the slope; a second moment that is no square, so that roots of negative numbers appear."""

import numpy as np


def momentum(w, grads, learning_rate, momentum):
    velocity, history = np.zeros_like(w), []
    for g in grads:
        velocity = momentum * velocity + learning_rate * g
        w = w + velocity
        history.append(w)
    return np.array(history)


def adam(w, grads, learning_rate, beta_1, beta_2, epsilon):
    m, v, history = np.zeros_like(w), np.zeros_like(w), []
    for t, g in enumerate(grads, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g
        w = w - learning_rate * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        history.append(w)
    return np.array(history)
