"""The steps instead of the weights; a counter that does not grow."""

import numpy as np


def momentum(w, grads, learning_rate, momentum):
    velocity, history = np.zeros_like(w), []
    for g in grads:
        velocity = momentum * velocity - learning_rate * g
        w += velocity
        history.append(velocity.copy())
    return np.array(history)


def adam(w, grads, learning_rate, beta_1, beta_2, epsilon):
    m, v, history, t = np.zeros_like(w), np.zeros_like(w), [], 1
    for g in grads:
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - rate * m / (np.sqrt(v) + epsilon)
        history.append(w)
    return np.array(history)
