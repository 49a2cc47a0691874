"""A configured run as a file to learn from: NumPy, Keras and PyTorch code that reproduces it, loss by loss."""

from __future__ import annotations

from collections.abc import Callable

from dosegrade.exports.keras_code import differences as keras_differences
from dosegrade.exports.keras_code import keras_code
from dosegrade.exports.numpy_code import numpy_code
from dosegrade.exports.torch_code import differences as torch_differences
from dosegrade.exports.torch_code import torch_code
from dosegrade.nn.config import Config

CODE: dict[str, Callable[[Config, int], str]] = {"numpy": numpy_code, "keras": keras_code, "torch": torch_code}
DIFFERENCES: dict[str, Callable[[Config], list[str]]] = {
    "numpy": lambda config: [],
    "keras": keras_differences,
    "torch": torch_differences,
}

__all__ = ["CODE", "DIFFERENCES", "keras_code", "numpy_code", "torch_code"]
