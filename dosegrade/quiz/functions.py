"""The functions of the formula grammar: one row here makes one available, to students too where sympy knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from dosegrade.registry import Registry


@dataclass(frozen=True)
class Function:
    """A function of the grammar; `sympy` is its name there, empty for those on vectors, which students are not offered."""

    compute: Callable[..., Any]
    arity: int | None = 1
    sympy: str = ""


def _sech(x: Any) -> Any:
    return 1.0 / np.cosh(x)


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def _relu(x: Any) -> Any:
    return np.maximum(x, 0.0)


def _largest(*x: Any) -> Any:
    return np.max(x[0]) if len(x) == 1 else reduce(np.maximum, x)


def _smallest(*x: Any) -> Any:
    return np.min(x[0]) if len(x) == 1 else reduce(np.minimum, x)


def _others(x: Any) -> Any:
    """The entries of a vector without its first largest."""
    return np.delete(x, int(np.argmax(x)))


FUNCTIONS: Registry[Function] = Registry(
    "function",
    {
        "tanh": Function(np.tanh, sympy="tanh"),
        "sech": Function(_sech, sympy="sech"),
        "cosh": Function(np.cosh, sympy="cosh"),
        "sinh": Function(np.sinh, sympy="sinh"),
        "exp": Function(np.exp, sympy="exp"),
        "ln": Function(np.log, sympy="log"),
        "sqrt": Function(np.sqrt, sympy="sqrt"),
        "abs": Function(np.abs, sympy="Abs"),
        "sigmoid": Function(_sigmoid, sympy="sigmoid"),
        "relu": Function(_relu, sympy="relu"),
        "max": Function(_largest, None, sympy="Max"),
        "min": Function(_smallest, None, sympy="Min"),
        "sum": Function(np.sum),
        "mean": Function(np.mean),
        "argmax": Function(np.argmax),
        "argmin": Function(np.argmin),
        "others": Function(_others),
        "sign": Function(np.sign),
        "floor": Function(np.floor),
        "ceil": Function(np.ceil),
        "round": Function(np.round),
        "len": Function(np.size),
        "dot": Function(np.dot, 2),
        "transpose": Function(np.transpose),
    },
    aliases={"log": "ln"},
)
ELEMENTARY = tuple(name for name, f in FUNCTIONS.items() if f.sympy)
