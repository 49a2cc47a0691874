"""A loss says how bad a prediction is: one number a sample, averaged over the samples of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.activations import log_softmax
from dosegrade.registry import Registry

Array = NDArray[Any]
RowLoss = Callable[[Array, Array], Array]
EPSILON = 1e-7


@dataclass(frozen=True)
class Loss:
    """`value(y_true, y_pred)` is (n,), `gradient(y_true, y_pred)` its derivative by y_pred, (n, M); `scale` bounds |gradient| (DOMAIN D.4).

    `from_z` holds, by output activation, forms that stay exact where it saturates: (value(y_true, z), its dz(y_true, y_pred)).
    """

    name: str
    formula: str
    task: str
    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    scale: Callable[[Array, Array], Array]
    from_z: Mapping[str, tuple[RowLoss, RowLoss]] = field(default_factory=dict)
    kinked: bool = False


def _norm(d: Array) -> Array:
    return np.asarray(np.sqrt((d * d).sum(axis=-1)))


def _clip(p: Array) -> Array:
    """clip(p, ε, 1−ε) that branches on the real part only."""
    return np.where(p.real < EPSILON, EPSILON, np.where(p.real > 1 - EPSILON, 1 - EPSILON, p))


def _inside(p: Array) -> Array:
    return (p > EPSILON) & (p < 1 - EPSILON)


def _absolute_gradient(t: Array, p: Array) -> Array:
    size = _norm(p - t)[..., None]
    return np.asarray((p - t) / np.where(size > 0, size, 1.0))


def _abs(d: Array) -> Array:
    return np.where(d.real < 0, -d, d)


def _crossentropy_rows(t: Array, p: Array) -> Array:
    return np.asarray(-(t * np.log(_clip(p / p.sum(axis=-1, keepdims=True)))).sum(axis=-1))


def _crossentropy_rows_gradient(t: Array, p: Array) -> Array:
    total = p.sum(axis=-1, keepdims=True)
    kept = np.where(_inside(p / total), t, 0.0)
    return np.asarray(-kept / np.where(kept == 0, 1.0, p) + kept.sum(axis=-1, keepdims=True) / total)


def _binary(t: Array, p: Array) -> Array:
    c = _clip(p)
    return np.asarray(-(t * np.log(c) + (1 - t) * np.log(1 - c)).mean(axis=-1))


def _binary_gradient(t: Array, p: Array) -> Array:
    c = _clip(p)
    return np.asarray(np.where(_inside(p), (c - t) / (c * (1 - c)), 0.0) / p.shape[-1])


def _softmax_ce(t: Array, z: Array) -> Array:
    return np.asarray(-(t * log_softmax(z)).sum(axis=-1))


def _sigmoid_bce(t: Array, z: Array) -> Array:
    softplus = np.where(z.real > 0, z, 0.0) + np.log1p(np.exp(np.where(z.real > 0, -z, z)))
    return np.asarray((softplus - t * z).mean(axis=-1))


def _sum_scale(t: Array, p: Array) -> Array:
    return np.asarray(2 * (np.abs(p) + np.abs(t)))


def _inverse_scale(t: Array, p: Array) -> Array:
    return np.asarray(np.abs(t) / np.abs(p) + 1.0)


LOSSES: Registry[Loss] = Registry(
    "loss",
    {
        loss.name: loss
        for loss in (
            Loss(
                "squared",
                r"\sum_j (\hat y_j - y_j)^2",
                "regression",
                lambda t, p: ((p - t) ** 2).sum(axis=-1),
                lambda t, p: 2 * (p - t),
                _sum_scale,
            ),
            Loss(
                "absolute",
                r"\sqrt{\sum_j (\hat y_j - y_j)^2}",
                "regression",
                lambda t, p: _norm(p - t),
                _absolute_gradient,
                lambda t, p: np.ones(np.shape(p)),
                kinked=True,
            ),
            Loss(
                "cross_entropy",
                r"-\sum_j y_j \ln \hat y_j",
                "classification",
                lambda t, p: -(t * np.log(p)).sum(axis=-1),
                lambda t, p: -t / p,
                _inverse_scale,
                from_z={"softmax": (_softmax_ce, lambda t, p: p * t.sum(axis=-1, keepdims=True) - t)},
            ),
            Loss(
                "mean_squared_error",
                r"\frac1M\sum_j (\hat y_j - y_j)^2",
                "regression",
                lambda t, p: ((p - t) ** 2).mean(axis=-1),
                lambda t, p: 2 * (p - t) / p.shape[-1],
                lambda t, p: _sum_scale(t, p) / p.shape[-1],
            ),
            Loss(
                "mean_absolute_error",
                r"\frac1M\sum_j |\hat y_j - y_j|",
                "regression",
                lambda t, p: _abs(p - t).mean(axis=-1),
                lambda t, p: np.sign(p - t) / p.shape[-1],
                lambda t, p: np.ones(np.shape(p)) / p.shape[-1],
                kinked=True,
            ),
            Loss(
                "binary_crossentropy",
                r"-\frac1M\sum_j \left(y_j\ln\hat y_j + (1-y_j)\ln(1-\hat y_j)\right)",
                "classification",
                _binary,
                _binary_gradient,
                lambda t, p: (np.abs(t) + np.abs(p)) / (_clip(p) * (1 - _clip(p))) / p.shape[-1],
                from_z={"sigmoid": (_sigmoid_bce, lambda t, p: (p - t) / p.shape[-1])},
            ),
            Loss(
                "categorical_crossentropy",
                r"-\sum_j y_j \ln \frac{\hat y_j}{\sum_k \hat y_k}",
                "classification",
                _crossentropy_rows,
                _crossentropy_rows_gradient,
                _inverse_scale,
                from_z={"softmax": (_softmax_ce, lambda t, p: p * t.sum(axis=-1, keepdims=True) - t)},
            ),
        )
    },
    aliases={"mse": "mean_squared_error", "mae": "mean_absolute_error"},
)
