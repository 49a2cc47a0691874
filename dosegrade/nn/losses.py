"""A loss says how bad a prediction is: one number a sample, averaged over the samples of a batch.

The three of the lecture, and the fourteen of Keras with their old names as aliases (DOMAIN B.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.activations import log_softmax, softplus
from dosegrade.registry import Registry

Array = NDArray[Any]
RowLoss = Callable[[Array, Array], Array]
EPSILON = 1e-7


@dataclass(frozen=True)
class Loss:
    """`value(y_true, y_pred)` is (n,), `gradient(y_true, y_pred)` its derivative by y_pred, (n, M); `scale` bounds |gradient| (DOMAIN D.4).

    `task` is regression, classification, or counts, where predictions must be positive. Targets have the shape of the predictions, except
    `labels`: one whole number a sample, (n,) or (n, 1). `from_z` holds, by output activation, forms that stay exact where it saturates:
    (value(y_true, z), its dz(y_true, y_pred)).
    """

    name: str
    formula: str
    task: str
    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    scale: Callable[[Array, Array], Array]
    from_z: Mapping[str, tuple[RowLoss, RowLoss]] = field(default_factory=dict)
    kinked: bool = False
    labels: bool = False


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
    return np.asarray((softplus(z) - t * z).mean(axis=-1))


def _softmax_ce_gradient(t: Array, p: Array) -> Array:
    return np.asarray(p * t.sum(axis=-1, keepdims=True) - t)


def one_hot(labels: Array, classes: int) -> Array:
    """(n, classes) with a 1 at each label; labels (n,) or (n, 1)."""
    return np.asarray((np.reshape(labels, (-1, 1)) == np.arange(classes)).astype(float))


def _from_labels(by_rows: RowLoss) -> RowLoss:
    """A loss on one-hot targets as a loss on labels."""
    return lambda t, p: by_rows(one_hot(t, p.shape[-1]), p)


def _percentage_size(t: Array) -> Array:
    return np.asarray(100.0 / np.maximum(np.abs(t), EPSILON))


def _floor(p: Array) -> Array:
    """max(p, ε) that branches on the real part only."""
    return np.where(p.real > EPSILON, p, EPSILON)


def _logarithmic(t: Array, p: Array) -> Array:
    """ln(max(p,ε)+1) − ln(max(t,ε)+1)."""
    return np.asarray(np.log1p(_floor(p)) - np.log1p(_floor(t)))


def _logarithmic_gradient(t: Array, p: Array) -> Array:
    return np.asarray(np.where(p > EPSILON, 2.0 * _logarithmic(t, p) / (_floor(p) + 1.0), 0.0) / p.shape[-1])


def _logarithmic_scale(t: Array, p: Array) -> Array:
    return np.asarray(2.0 * (np.log1p(_floor(p)) + np.log1p(_floor(t))) / (_floor(p) + 1.0) / p.shape[-1])


def signs(t: Array) -> Array:
    """2t − 1 where all labels of the batch are 0 or 1, else t (Keras's rule for the hinges)."""
    return np.asarray(2.0 * t - 1.0 if ((t == 0) | (t == 1)).all() else t)


def _margin(t: Array, p: Array) -> Array:
    """max(1 − t'p, 0)."""
    room = 1.0 - signs(t) * p
    return np.where(room.real > 0, room, 0.0)


def _categorical_margin(t: Array, p: Array) -> tuple[Array, Array]:
    """1 + max_j (1−t_j)p_j − Σ t_j p_j (n,), and where the largest wrong one stands (n, 1)."""
    wrong = (1.0 - t) * p
    first = wrong.real.argmax(axis=-1)[..., None]
    return 1.0 + np.take_along_axis(wrong, first, axis=-1)[..., 0] - (t * p).sum(axis=-1), first


def _categorical_hinge(t: Array, p: Array) -> Array:
    room, _ = _categorical_margin(t, p)
    return np.where(room.real > 0, room, 0.0)


def _categorical_hinge_gradient(t: Array, p: Array) -> Array:
    room, first = _categorical_margin(t, p)
    worst = np.arange(p.shape[-1]) == first
    return np.where(room[..., None] > 0, np.where(worst, 1.0 - t, 0.0) - t, 0.0)


def _log_cosh(t: Array, p: Array) -> Array:
    d = p - t
    return np.asarray((d + softplus(-2.0 * d) - np.log(2.0)).mean(axis=-1))


def _shares(p: Array) -> Array:
    """clip(p, ε, 1) that branches on the real part only."""
    return np.where(p.real < EPSILON, EPSILON, np.where(p.real > 1.0, 1.0, p))


def _divergence(t: Array, p: Array) -> Array:
    return np.asarray((_shares(t) * np.log(_shares(t) / _shares(p))).sum(axis=-1))


def _divergence_gradient(t: Array, p: Array) -> Array:
    return np.where((p > EPSILON) & (p < 1.0), -_shares(t) / _shares(p), 0.0)


def _long(x: Array) -> Array:
    """max(‖x‖, ε) (n, 1)."""
    return _floor(_norm(x)[..., None])


def _cosine(t: Array, p: Array) -> Array:
    return np.asarray(-((t / _long(t)) * (p / _long(p))).sum(axis=-1))


def _cosine_gradient(t: Array, p: Array) -> Array:
    towards, size = t / _long(t), _long(p)
    along = np.where(size > EPSILON, (towards * p).sum(axis=-1, keepdims=True) / size, 0.0)
    return np.asarray((along * p / size - towards) / size)


def _cosine_scale(t: Array, p: Array) -> Array:
    towards, unit = np.abs(t) / _long(t), np.abs(p) / _long(p)
    return np.asarray((towards + unit * (towards * unit).sum(axis=-1, keepdims=True)) / _long(p))


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
                from_z={"softmax": (_softmax_ce, _softmax_ce_gradient)},
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
                from_z={"softmax": (_softmax_ce, _softmax_ce_gradient)},
            ),
            Loss(
                "sparse_categorical_crossentropy",
                r"-\ln \frac{\hat y_{y}}{\sum_k \hat y_k}",
                "classification",
                _from_labels(_crossentropy_rows),
                _from_labels(_crossentropy_rows_gradient),
                _from_labels(_inverse_scale),
                from_z={"softmax": (_from_labels(_softmax_ce), _from_labels(_softmax_ce_gradient))},
                labels=True,
            ),
            Loss(
                "mean_absolute_percentage_error",
                r"\frac{100}M\sum_j \left|\frac{\hat y_j - y_j}{\max(|y_j|, \epsilon)}\right|",
                "regression",
                lambda t, p: (_abs(p - t) * _percentage_size(t)).mean(axis=-1),
                lambda t, p: np.sign(p - t) * _percentage_size(t) / p.shape[-1],
                lambda t, p: _percentage_size(t) / p.shape[-1],
                kinked=True,
            ),
            Loss(
                "mean_squared_logarithmic_error",
                r"\frac1M\sum_j \left(\ln(\max(\hat y_j,\epsilon)+1) - \ln(\max(y_j,\epsilon)+1)\right)^2",
                "regression",
                lambda t, p: (_logarithmic(t, p) ** 2).mean(axis=-1),
                _logarithmic_gradient,
                _logarithmic_scale,
                kinked=True,
            ),
            Loss(
                "log_cosh",
                r"\frac1M\sum_j \ln\cosh(\hat y_j - y_j)",
                "regression",
                _log_cosh,
                lambda t, p: np.tanh(p - t) / p.shape[-1],
                lambda t, p: np.minimum(np.abs(p) + np.abs(t), 1.0) / p.shape[-1],
            ),
            Loss(
                "cosine_similarity",
                r"-\sum_j \frac{y_j}{\|y\|}\frac{\hat y_j}{\|\hat y\|}",
                "regression",
                _cosine,
                _cosine_gradient,
                _cosine_scale,
            ),
            Loss(
                "squared_hinge",
                r"\frac1M\sum_j \max(1 - y'_j\hat y_j, 0)^2",
                "classification",
                lambda t, p: (_margin(t, p) ** 2).mean(axis=-1),
                lambda t, p: -2.0 * signs(t) * _margin(t, p) / p.shape[-1],
                lambda t, p: 2.0 * np.abs(signs(t)) * (1.0 + np.abs(signs(t) * p)) / p.shape[-1],
            ),
            Loss(
                "hinge",
                r"\frac1M\sum_j \max(1 - y'_j\hat y_j, 0)",
                "classification",
                lambda t, p: _margin(t, p).mean(axis=-1),
                lambda t, p: np.where(_margin(t, p) > 0, -signs(t), 0.0) / p.shape[-1],
                lambda t, p: np.abs(signs(t)) / p.shape[-1],
                kinked=True,
            ),
            Loss(
                "categorical_hinge",
                r"\max\left(1 + \max_j (1-y_j)\hat y_j - \sum_j y_j\hat y_j, 0\right)",
                "classification",
                _categorical_hinge,
                _categorical_hinge_gradient,
                lambda t, p: np.abs(1.0 - t) + np.abs(t),
                kinked=True,
            ),
            Loss(
                "kl_divergence",
                r"\sum_j \tilde y_j \ln\frac{\tilde y_j}{\tilde p_j},\; \tilde x = \min(\max(x, \epsilon), 1)",
                "classification",
                _divergence,
                _divergence_gradient,
                lambda t, p: _shares(t) / _shares(p),
            ),
            Loss(
                "poisson",
                r"\frac1M\sum_j \left(\hat y_j - y_j\ln(\hat y_j + \epsilon)\right)",
                "counts",
                lambda t, p: (p - t * np.log(p + EPSILON)).mean(axis=-1),
                lambda t, p: (1.0 - t / (p + EPSILON)) / p.shape[-1],
                lambda t, p: (1.0 + np.abs(t / (p + EPSILON))) / p.shape[-1],
            ),
        )
    },
    aliases={
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        "mape": "mean_absolute_percentage_error",
        "msle": "mean_squared_logarithmic_error",
        "logcosh": "log_cosh",
        "kullback_leibler_divergence": "kl_divergence",
        "cosine_proximity": "cosine_similarity",
    },
)
