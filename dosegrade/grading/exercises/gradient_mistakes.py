"""The mistakes of backpropagation (DOMAIN C.1–C.3 in the readings of C.6), each as the derivation with mistaken steps.

`MISTAKES` is the one place to add one: a code and a function that yields its variants for a network. A variant that cannot be
formed for a network (no such layer, shapes that do not fit) is left out by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.grading.exercises.activation_slopes import SLOPES, Slope
from dosegrade.grading.exercises.gradient_chain import (
    Chain,
    Maker,
    all_layers,
    both,
    every,
    hidden,
    kernel,
    no_slope,
    passed_back,
    slope,
    slopes,
    upper,
)
from dosegrade.grading.exercises.gradient_losses import LOSS_MISTAKES
from dosegrade.grading.exercises.gradient_shapes import summed_by_input
from dosegrade.steps import Steps, mutate

Array = NDArray[Any]


def _same_size(chain: Chain, i: int, width: int) -> bool:
    return chain.units(i - 1) == width


def _input(chain: Chain, i: int) -> str | None:
    return "x" if _same_size(chain, i, chain.network.inputs) else None


def _output_side(chain: Chain, i: int) -> str | None:
    return f"a{i}" if _same_size(chain, i, chain.units(i)) else None


def _z_below(chain: Chain, i: int) -> str | None:
    return f"z{i - 1}" if chain.f(i - 1).pieces == 1 else None


def product_of_means(chain: Chain) -> Iterator[Steps]:
    """G09: n·mean(δ)·mean(h) in every dW, δ with its 1/n."""
    steps = chain.steps
    for i in chain.layers:
        steps = mutate(steps, f"dW{i}", lambda a, dz: len(dz) * np.outer(a.mean(axis=0), dz.mean(axis=0)))
    yield steps


def error_for_delta(chain: Chain) -> Iterator[Steps]:
    """G22: dW and db from ε, while the chain itself keeps its slopes."""
    steps = chain.steps
    for i in chain.layers:
        if chain.has(f"da{i}") and chain.f(i).pieces == 1:
            steps = mutate(steps, f"dW{i}", lambda a, da: a.T @ da, (chain.fed(i), f"da{i}"))
            steps = mutate(steps, f"db{i}", lambda da: da.sum(axis=0), (f"da{i}",))
    yield steps


def delta_for_error(chain: Chain) -> Iterator[Steps]:
    """G22, a convention: δ is given where ε is asked for, in the hidden layers or in all, and everything else is right."""

    def swap(chain: Chain, i: int) -> Steps | None:
        if not chain.has(f"da{i}") or chain.f(i).slope is None or chain.f(i).name == "identity":
            return None
        f, own = chain.f(i), chain.step(f"da{i}")
        count = len(own.needs)
        steps = mutate(chain.steps, f"da{i}", lambda *v: own.compute(*v[:count]) * f.derivative(v[count]), (*own.needs, f"z{i}"))
        return mutate(steps, f"dz{i}", lambda da: da, (f"da{i}",))

    yield from every(hidden, swap, singly=True)(chain)
    yield from every(lambda c: [c.depth], swap)(chain)
    yield from every(all_layers, swap)(chain)


def other_slope(chain: Chain) -> Iterator[Steps]:
    """G34: a hidden layer with another's slope, one alone and all shifted or exchanged."""
    bent = [i for i in chain.hidden if chain.f(i).slope is not None]
    pairs = [(i, k) for i in bent for k in bent if i != k and chain.units(i) == chain.units(k)]

    def swap(steps: Steps, i: int, k: int) -> Steps:
        f = chain.f(k)
        return mutate(steps, f"dz{i}", lambda da, z: da * f.derivative(z), (f"da{i}", f"z{k}"))

    for i, k in pairs:
        yield swap(chain.steps, i, k)
    for i, k in pairs:
        if i < k:
            yield swap(swap(chain.steps, i, k), k, i)


def bias_gradient(change: Callable[[Array], Array]) -> Maker:
    """db_l = change(δ_l) in every layer."""
    return every(all_layers, lambda chain, i: mutate(chain.steps, f"db{i}", change))


def bias_times_input(chain: Chain) -> Iterator[Steps]:
    """G41: db = dW, where all layers are scalar."""
    if all(chain.units(i) == 1 for i in range(chain.depth + 1)):
        steps = chain.steps
        for i in chain.layers:
            steps = mutate(steps, f"db{i}", lambda a, dz: (a * dz).sum(axis=0), (chain.fed(i), f"dz{i}"))
        yield steps


def two_below(chain: Chain) -> Iterator[Steps]:
    """G36: the activations of two layers below, unless only the input itself fits, which is G37."""
    fits = [i for i in upper(chain) if _same_size(chain, i, chain.units(i - 2))]
    if any(i > 2 for i in fits):
        yield from kernel(lambda c: fits, lambda c, i: c.fed(i - 1))(chain)


def wrong_weight(chain: Chain) -> Iterator[Steps]:
    """G47: δ_l passes back through another layer's weights; one layer alone, or all off by one."""
    shape = chain.network.shapes

    def use(steps: Steps, i: int, k: int) -> Steps:
        return mutate(steps, f"da{i - 1}", lambda dz, w: dz @ w.T, (f"dz{i}", f"W{k}"))

    pairs = [(i, k) for i in upper(chain) for k in chain.layers if i != k and shape[f"W{i}"] == shape[f"W{k}"]]
    for i, k in pairs:
        yield use(chain.steps, i, k)
    steps = chain.steps
    for i, k in pairs:
        if k == i - 1:
            steps = use(steps, i, k)
    yield steps


def bias_for_weight(chain: Chain) -> Iterator[Steps]:
    """G52: the first weight of a unit and its bias exchanged, in the backward pass alone or in the whole network."""

    def first(w: Array, b: Array) -> Array:
        mixed = w.copy()
        mixed[0] = b
        return mixed

    def back(chain: Chain, i: int) -> Steps:
        return mutate(chain.steps, f"da{i - 1}", lambda dz, w, b: dz @ first(w, b).T, (f"dz{i}", f"W{i}", f"b{i}"))

    yield from every(upper, back, singly=True)(chain)
    steps = chain.steps
    for i in upper(chain):
        steps = mutate(steps, f"z{i}", lambda a, w, b: a @ first(w, b) + w[0])
        steps = back(chain.with_steps(steps), i)
    yield steps


def stops(chain: Chain) -> Iterator[Steps]:
    """G53: zeros below the output layer."""
    steps = chain.steps
    for i in chain.hidden:
        for name in (f"dW{i}", f"db{i}"):
            steps = chain.with_steps(steps).after(name, np.zeros_like)
    yield steps


def no_bias(chain: Chain) -> Iterator[Steps]:
    """G55: no bias in any layer, output included."""
    steps = chain.steps
    for i in chain.layers:
        steps = mutate(steps, f"z{i}", lambda a, w, b: a @ w)
    yield steps


def reordered(chain: Chain) -> Iterator[Steps]:
    """G56: the layers' gradients in reverse order, where the shapes allow it."""
    shape = chain.network.shapes
    last = chain.depth
    if all(shape[f"{p}{i}"] == shape[f"{p}{last + 1 - i}"] for i in chain.layers for p in "Wb"):
        taken = {f"d{p}{i}": chain.step(f"d{p}{last + 1 - i}") for i in chain.layers for p in "Wb"}
        kept = tuple(s for s in chain.steps if s.name not in taken)
        yield kept + tuple(replace(step, name=name) for name, step in taken.items())


def gate(chain: Chain, i: int) -> Steps | None:
    """1[upstream > 0] as the slope of layer i."""
    if chain.f(i).slope is None or chain.f(i).name == "identity" or not chain.has(f"da{i}"):
        return None
    return mutate(chain.steps, f"dz{i}", lambda da: np.where(da > 0, da, 0.0), (f"da{i}",))


def gate_from_gradient(chain: Chain) -> Iterator[Steps]:
    """G60: the gate from the sign of the gradient, in the hidden layers, and in a ReLU output too."""
    yield from every(hidden, gate)(chain)
    if chain.f(chain.depth).name == "relu":
        yield from every(all_layers, gate)(chain)


def updated_weights(chain: Chain) -> Iterator[Steps]:
    """G54: δ_l passes back through W_l − α·dW_l, where the function is given a learning rate."""
    if not chain.has("new_W1"):
        return
    steps = chain.steps
    for i in upper(chain):
        needs = (f"dz{i}", f"W{i}", f"dW{i}", "learning_rate")
        steps = mutate(steps, f"da{i - 1}", lambda dz, w, dw, rate: dz @ (w - rate * dw).T, needs)
    yield steps


def uphill(chain: Chain) -> Iterator[Steps]:
    """G75: θ + α·dθ in every update."""
    steps = chain.steps
    for name in chain.network.shapes:
        steps = mutate(steps, f"new_{name}", lambda w, g, rate: w + rate * g)
    yield steps


def _last_hidden(chain: Chain) -> Sequence[int]:
    return [chain.depth - 1] if chain.depth > 1 else []


def _first_hidden(chain: Chain) -> Sequence[int]:
    return [1] if chain.depth > 2 else []


def _several_hidden(chain: Chain) -> Sequence[int]:
    return chain.hidden if chain.depth > 2 else []


def _square(chain: Chain) -> Sequence[int]:
    return chain.square_kernels


def _square_above(chain: Chain) -> Sequence[int]:
    return [i for i in chain.square_kernels if i > 1]


def _gated(chain: Chain) -> Sequence[int]:
    return [i for i in chain.hidden if chain.f(i).name == "relu"]


MISTAKES: dict[str, Maker] = {
    **LOSS_MISTAKES,
    "G09": product_of_means,
    "G22": error_for_delta,
    "G23": no_slope(_several_hidden),
    "G24": no_slope(_last_hidden),
    "G25": no_slope(_first_hidden),
    **{code: slopes(code) for code in SLOPES},
    "G34": other_slope,
    "G35": slope(Slope(lambda f, z, a: f.derivative(z).mean(axis=0))),
    "G36": both(kernel(upper, _z_below), two_below),
    "G37": kernel(upper, _input),
    "G38": kernel(all_layers, _output_side),
    "G39": kernel(all_layers, lambda c, i: c.fed(i), np.ones_like),
    "G40": kernel(lambda c: [1], lambda c, i: c.fed(i), np.ones_like),
    "G41": bias_times_input,
    "G42": bias_gradient(lambda dz: np.zeros(dz.shape[-1])),
    "G43": both(bias_gradient(lambda dz: dz[0]), bias_gradient(lambda dz: dz[-1])),
    "G44": both(bias_gradient(lambda dz: dz.sum(axis=0) / len(dz)), bias_gradient(lambda dz: dz.sum(axis=0) * len(dz))),
    "G45": every(_square, lambda c, i: c.after(f"dW{i}", np.transpose), singly=True),
    "G46": passed_back(lambda dz, w: dz @ w, _square_above, singly=True),
    "G47": wrong_weight,
    "G48": passed_back(lambda dz, w: dz @ np.ones_like(w).T, singly=True),
    "G49": both(passed_back(lambda dz, w: dz @ np.abs(w).T, singly=True), passed_back(lambda dz, w: dz @ (1 / w).T, singly=True)),
    "G50": passed_back(lambda dz, w: dz @ w.T / w.shape[1]),
    "G51": passed_back(lambda dz, w: dz[:, :1] @ w[:, :1].T),
    "G52": bias_for_weight,
    "G53": stops,
    "G54": updated_weights,
    "G55": no_bias,
    "G56": reordered,
    "G57": summed_by_input,
    "G59": no_slope(_gated),
    "G60": gate_from_gradient,
    "G75": uphill,
    "G85": kernel(upper, lambda c, i: c.fed(i), np.abs),
}


def synonyms(chain: Chain, returned: Sequence[str], samples: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Codes that compute the same for this network: reported under the key, with the others in `also` (DOMAIN C.6)."""
    found: dict[str, tuple[str, ...]] = {}
    if chain.crossed:
        found["G67"] = ("G04",)
    if chain.loss == "cosine_similarity":
        found["G73"] = ("G04", "G07")
    if any(chain.f(i).name == "relu" for i in chain.hidden):
        found["G61"] = ("G32",)
    if chain.f(chain.depth).name == "softmax":
        found["G53"] = ("G48",)  # the δ of softmax sum to zero, so that weights of 1 pass nothing back
    if set(samples) == {1} and chain.network.outputs == 1:
        found["G06"] = ("G08",)
    if all(chain.f(i).name == "identity" for i in chain.hidden):
        found["G09"] = ("G10",)
    if all(quantity.startswith("new_") for quantity in returned):
        found["G75"] = ("G04", "G67") if chain.crossed else ("G04",)
    if not chain.hidden:
        found["G40"] = ("G39",)
    return found | missing_slopes(chain, returned)


def missing_slopes(chain: Chain, returned: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """G24 = G23 = G25 with one hidden layer, G22 too where only dW and db are seen; G59 is the special case of ReLU."""
    single = len(chain.hidden) == 1
    plain = chain.joined or chain.f(chain.depth).name == "identity"
    seen_apart = not single or not plain or "dz1" in returned
    last = ("G23", "G25", *(() if seen_apart else ("G22",))) if single else ()
    alike = {"G24": [chain.depth - 1]} | ({} if single else {"G23": list(chain.hidden), "G25": [1]})
    gates = [code for code, layers in alike.items() if layers == list(_gated(chain))]
    same = {"G24": last} if last else {}
    return same | ({"G59": (*gates, *last)} if gates else {})
