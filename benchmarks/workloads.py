"""The workloads of the training benchmark: one network, its data, first parameters and order of batches for every engine and peer alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.layers import Dense, Dropout, Layer
from dosegrade.nn.network import Network
from dosegrade.nn.plan import Plan

Array = NDArray[Any]


@dataclass(frozen=True)
class Workload:
    """`units` with the inputs first; hidden layers share an activation; batches in the order of the data, none of them smaller."""

    name: str
    units: tuple[int, ...]
    activation: str
    optimizer: str
    samples: int
    batch: int
    learning_rate: float = 0.001
    dropout: float = 0.0
    classes: bool = False

    @property
    def steps(self) -> int:
        """Updates of an epoch."""
        return self.samples // self.batch

    @cached_property
    def x(self) -> Array:
        """Standard normal inputs."""
        return np.random.default_rng(1).normal(size=(self.samples, self.units[0]))

    @cached_property
    def y(self) -> Array:
        """A smooth function of the first input, or one-hot classes."""
        if self.classes:
            return np.eye(self.units[-1])[np.random.default_rng(2).integers(self.units[-1], size=self.samples)]
        return np.sin(2.0 * self.x[:, :1])

    @cached_property
    def first(self) -> list[tuple[Array, Array]]:
        """Glorot normal kernels and zero biases."""
        rng = np.random.default_rng(3)
        return [(rng.normal(size=(a, b)) * np.sqrt(2 / (a + b)), np.zeros(b)) for a, b in zip(self.units, self.units[1:], strict=False)]

    def plan(self, dropout: bool = True) -> Plan:
        """The plan of our engines."""
        layers: list[Layer] = []
        for units in self.units[1:-1]:
            layers += [Dense(units, self.activation), *([Dropout(self.dropout)] if self.dropout and dropout else [])]
        output, loss = ("softmax", "categorical_crossentropy") if self.classes else ("identity", "mean_squared_error")
        network = Network(self.units[0], (*layers, Dense(self.units[-1], output)), loss)
        return Plan(network, self.x, self.y, self.optimizer, None, self.batch)

    @property
    def theta(self) -> Array:
        """The first parameters, flat."""
        return np.concatenate([part.ravel() for pair in self.first for part in pair])


SMALL = (
    Workload("W1", (1, 1, 1, 1), "tanh", "sgd", 101, 101),
    Workload("W2", (1, 8, 8, 1), "tanh", "adam", 500, 10),
    Workload("W3", (2, 8, 8, 1), "tanh", "sgd", 500, 10),
)
LARGE = Workload("W4", (784, 512, 512, 10), "relu", "adam", 1280, 128, dropout=0.2, classes=True)
