"""Mistakes at the output: the loss, its scale, and the slope between prediction and loss (DOMAIN C.1, C.2, C.3 in the readings of C.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.grading.exercises.gradient_chain import Chain, Maker, both, error_at_output, other_loss, top, when
from dosegrade.nn.losses import LOSSES
from dosegrade.steps import Steps, mutate

Array = NDArray[Any]


def averaged_over_layers(chain: Chain) -> Iterator[Steps]:
    """G03: divided by the number of layers as well, where that is not the number of outputs (G07) or the forgotten 2 (G01)."""
    if chain.depth not in (1, chain.network.outputs) and not (chain.depth == 2 and chain.squared):
        yield chain.after(chain.top, lambda d: d / chain.depth)


def summed_error(chain: Chain) -> Iterator[Steps]:
    """G10: (2/n)ΣE for every sample; with the bias of the output right; then averaged once more."""
    summed = chain.after(chain.top, lambda d: np.broadcast_to(d.sum(axis=0), d.shape))
    yield summed
    if chain.joined or chain.f(chain.depth).name == "identity":
        yield mutate(summed, f"db{chain.depth}", lambda dz: dz.mean(axis=0))
    yield chain.after(chain.top, lambda d: np.broadcast_to(d.mean(axis=0), d.shape))


def one_sample(chain: Chain) -> Iterator[Steps]:
    """G11: the last, or the first, sample's gradient divided by n."""
    for row in (-1, 0):

        def only(d: Array, row: int = row) -> Array:
            kept = np.zeros_like(d)
            kept[row] = d[row]
            return kept

        yield chain.after(chain.top, only)


def target_added(chain: Chain) -> Iterator[Steps]:
    """G14: ŷ + y instead of ŷ − y."""
    loss = LOSSES[chain.network.loss]
    yield mutate(chain.steps, chain.top, lambda y, a: loss.gradient(-y, a) / len(a), ("y", chain.prediction))


def slope_on_linear(chain: Chain) -> Iterator[Steps]:
    """G20: a slope where the output is linear, 1−tanh²(z) or 1−ŷ²; the hidden layers' activation there, in both passes."""
    last = chain.depth
    if chain.f(last).name == "identity":
        for change in (lambda da, z: da * (1 - np.tanh(z) ** 2), lambda da, z: da * (1 - z**2)):
            yield mutate(chain.steps, f"dz{last}", change)
        f = chain.f(last - 1) if last > 1 else None
        if f is not None and f.slope is not None and f.name != "identity":
            bent = mutate(chain.steps, f"a{last}", f)
            yield mutate(bent, f"dz{last}", lambda da, z: da * f.derivative(z), (f"da{last}", f"z{last}"))


def slope_missing(chain: Chain) -> Iterator[Steps]:
    """G21: ∂L/∂ŷ used as δ at the output and in everything that follows from it."""
    last = chain.depth
    if chain.joined:
        yield mutate(chain.steps, f"dz{last}", lambda y, a: loss_slope(chain, y, a) / len(a), ("y", f"a{last}"))
    elif chain.f(last).name != "identity":
        yield mutate(chain.steps, f"dz{last}", lambda da: da, (f"da{last}",))


def loss_slope(chain: Chain, y: Array, a: Array) -> Array:
    """∂L/∂ŷ of one sample; −t/p for both cross-entropies of softmax."""
    name = "cross_entropy" if chain.f(chain.depth).name == "softmax" and chain.crossed else chain.network.loss
    return LOSSES[name].gradient(y, a)


def diagonal_only(chain: Chain) -> Iterator[Steps]:
    """G65: softmax's slope taken as p(1−p), entry by entry: −t(1−p) for cross-entropy."""
    last = chain.depth
    yield mutate(chain.steps, f"dz{last}", lambda y, a: loss_slope(chain, y, a) / len(a) * a * (1 - a), ("y", f"a{last}"))


def _softmax(chain: Chain) -> bool:
    return chain.f(chain.depth).name == "softmax"


def _joined(chain: Chain) -> bool:
    return chain.joined


def _crossed(chain: Chain) -> bool:
    return chain.crossed


def _logarithmic(chain: Chain) -> bool:
    return chain.crossed or chain.loss == "kl_divergence"


def _squared(chain: Chain) -> bool:
    return chain.squared


def _many_outputs(chain: Chain) -> bool:
    return chain.network.outputs > 1


def _averaging(chain: Chain) -> bool:
    return chain.loss == "binary_crossentropy" and chain.network.outputs > 1


def _loss(*names: str) -> Any:
    return lambda chain: chain.loss in names


def _unit(y: Array, a: Array) -> Array:
    return LOSSES["absolute"].gradient(y, a)


LOSS_MISTAKES: dict[str, Maker] = {
    "G01": when(_squared, top(lambda d: d / 2)),
    "G02": top(lambda d: d * len(d)),
    "G03": both(top(lambda d: d / len(d)), averaged_over_layers),
    "G04": top(lambda d: -d),
    "G05": when(_squared, error_at_output(lambda y, a: (a - y) ** 2 / len(a))),
    "G06": when(_squared, top(lambda d: np.sign(d) / len(d))),
    "G07": when(_many_outputs, top(lambda d: d / d.shape[-1])),
    "G08": when(_squared, top(lambda d, loss: d / (2 * np.sqrt(loss)), "loss")),
    "G10": summed_error,
    "G11": one_sample,
    "G13": error_at_output(lambda y, a: np.ones_like(a) / len(a)),
    "G14": when(_squared, target_added),
    "G19": when(_logarithmic, top(lambda d: d / np.log(2)), top(lambda d: d / np.log(10))),
    "G20": slope_on_linear,
    "G21": slope_missing,
    "G65": when(_softmax, diagonal_only),
    "G66": when(_joined, top(lambda d, a: d * a * (1 - a), "y_hat")),
    "G67": when(_crossed, top(lambda d: -d)),
    "G68": both(
        when(_crossed, other_loss(lambda y, a: 2 * (a - y))),
        when(_averaging, other_loss(lambda y, a: 2 * (a - y) / a.shape[-1])),
        when(_softmax, when(_crossed, other_loss(lambda y, a: a - y))),
    ),
    "G69": when(_loss("binary_crossentropy"), other_loss(lambda y, a: -y / a / a.shape[-1])),
    "G70": both(
        when(_loss("absolute"), other_loss(lambda y, a: np.sign(a - y)), other_loss(lambda y, a: np.sign(a - y) / a.shape[-1])),
        when(_loss("mean_absolute_error"), other_loss(_unit)),
    ),
    "G71": when(_loss("kl_divergence"), other_loss(lambda y, a: np.log(a / y) + 1)),
    "G72": both(
        when(_loss("hinge"), other_loss(lambda y, a: np.where(y * a < 1, -y, 0.0) / a.shape[-1])),
        when(_loss("squared_hinge"), other_loss(lambda y, a: np.where(y * a < 1, -2 * y * (1 - y * a), 0.0) / a.shape[-1])),
    ),
    "G73": when(_loss("cosine_similarity"), top(lambda d: -d), top(lambda d: d / d.shape[-1])),
    "G84": when(_squared, top(lambda d: d * 2)),
}
