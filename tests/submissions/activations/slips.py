"""Another activation's slope, a value for a slope, a slope that nobody stated."""

import numpy as np


def sigmoid_gradient(z):
    s = 1 / (1 + np.exp(-z))
    return 1 - s**2


def tanh_gradient(z):
    return 1 - np.tanh(np.tanh(z)) ** 2


def relu_gradient(z):
    return np.maximum(z, 0)


def leaky_relu_gradient(z, slope):
    return np.where(z > 0, 1.0, 0.01)


def elu_gradient(z, alpha):
    return np.where(z > 0, 1.0, alpha * (np.exp(z) - 1))
