"""Central differences of the activations; the value is at stake, so what is tiny far out is lost."""

import numpy as np

STEP = 1e-5


def central(f, z):
    return (f(z + STEP) - f(z - STEP)) / (2 * STEP)


def sigmoid_gradient(z):
    return central(lambda z: 1 / (1 + np.exp(-z)), z)


def tanh_gradient(z):
    return central(np.tanh, z)


def relu_gradient(z):
    return central(lambda z: np.maximum(z, 0), z).tolist()


def leaky_relu_gradient(z, slope):
    return central(lambda z: np.where(z > 0, z, slope * z), z)


def elu_gradient(z, alpha):
    return central(lambda z: np.where(z > 0, z, alpha * (np.exp(z) - 1)), z)
