"""Momentum with the learning rate outside the memory; Adam as its paper has it, epsilon added to the corrected root."""

import numpy as np


def momentum(w, grads, learning_rate, momentum):
    memory, history = np.zeros_like(w), []
    for g in grads:
        memory = momentum * memory + g
        w = w - learning_rate * memory
        history.append(w)
    return history


def adam(w, grads, learning_rate, beta_1, beta_2, epsilon):
    m = v = 0
    history = np.empty_like(grads)
    for t, g in enumerate(grads, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        w = w - learning_rate * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        history[t - 1] = w
    return history
