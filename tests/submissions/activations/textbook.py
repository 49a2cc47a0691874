"""The forms of the textbook, which lose their digits far out; ReLU's gate with >=."""

import numpy as np


def sigmoid_gradient(z):
    s = 1 / (1 + np.exp(-z))
    return s * (1 - s)


def tanh_gradient(z):
    return 1 - np.tanh(z) ** 2


def relu_gradient(z):
    return (z >= 0).astype(int)


def leaky_relu_gradient(z, slope):
    return np.where(z > 0, 1.0, slope)


def elu_gradient(z, alpha):
    return np.where(z > 0, 1.0, alpha * (np.exp(z) - 1) + alpha)
