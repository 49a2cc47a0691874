"""The mistakes of backpropagation (DOMAIN C.1, C.2 in the readings of C.6), each as the derivation with mistaken steps.

`MISTAKES` is the one place to add one: a code and a function that yields its variants for a network. A variant that cannot be
formed for a network (no such layer, shapes that do not fit) is left out by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.grading.exercises import Answers, Fit, Mistake, Variant
from dosegrade.nn.activations import Activation, sigmoid
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import Network
from dosegrade.steps import Steps, Values, mutate

Array = NDArray[Any]


@dataclass(frozen=True)
class Chain:
    """A network's derivation as the mistakes see it: its steps, its layers, and what feeds each."""

    network: Network
    steps: Steps

    @property
    def depth(self) -> int:
        return len(self.network.dense)

    @property
    def layers(self) -> range:
        return range(1, self.depth + 1)

    @property
    def hidden(self) -> range:
        return range(1, self.depth)

    @property
    def top(self) -> str:
        """The first quantity of the backward pass: da_L, or dz_L where loss and activation are joined."""
        return f"da{self.depth}" if self.has(f"da{self.depth}") else f"dz{self.depth}"

    @property
    def prediction(self) -> str:
        return f"a{self.depth}"

    @property
    def squared(self) -> bool:
        return self.network.loss in ("squared", "mean_squared_error")

    def has(self, name: str) -> bool:
        return any(step.name == name for step in self.steps)

    def fed(self, layer: int) -> str:
        return "x" if layer == 1 else f"a{layer - 1}"

    def f(self, layer: int) -> Activation:
        return self.network.dense[layer - 1].f

    def units(self, layer: int) -> int:
        return self.network.inputs if layer == 0 else self.network.dense[layer - 1].units

    def step(self, name: str) -> Any:
        return next(step for step in self.steps if step.name == name)

    def after(self, name: str, change: Callable[..., Any], extra: tuple[str, ...] = ()) -> Steps:
        """The step `name` with its result changed: change(result, *extra quantities)."""
        step = self.step(name)
        count = len(step.needs)
        return mutate(self.steps, name, lambda *v: change(step.compute(*v[:count]), *v[count:]), step.needs + extra)

    def with_steps(self, steps: Steps) -> Chain:
        return Chain(self.network, steps)


Maker = Callable[[Chain], Iterator[Steps]]


def top(change: Callable[..., Any], *extra: str) -> Maker:
    """The error that enters the backward pass, changed."""

    def make(chain: Chain) -> Iterator[Steps]:
        yield chain.after(chain.top, change, tuple(chain.prediction if e == "y_hat" else e for e in extra))

    return make


def error_at_output(compute: Callable[..., Any]) -> Maker:
    """δ at the output replaced: compute(y, ŷ)."""

    def make(chain: Chain) -> Iterator[Steps]:
        yield mutate(chain.steps, f"dz{chain.depth}", compute, ("y", chain.prediction))

    return make


def every(layers: Callable[[Chain], Sequence[int]], change: Callable[[Chain, int], Steps | None], singly: bool = False) -> Maker:
    """A change made in all of some layers at once (and, where `singly`, in each alone)."""

    def make(chain: Chain) -> Iterator[Steps]:
        chosen = layers(chain)
        whole = chain
        changed = 0
        for layer in chosen:
            steps = change(whole, layer)
            if steps is not None:
                whole, changed = whole.with_steps(steps), changed + 1
        if changed:
            yield whole.steps
        if singly and changed > 1:
            for layer in chosen:
                alone = change(chain, layer)
                if alone is not None:
                    yield alone

    return make


def hidden(chain: Chain) -> Sequence[int]:
    return chain.hidden


def all_layers(chain: Chain) -> Sequence[int]:
    return chain.layers


def upper(chain: Chain) -> Sequence[int]:
    return range(2, chain.depth + 1)


def slope(change: Callable[[Activation, Array, Array], Array], of: str | None = None) -> Maker:
    """f'(z) replaced in all hidden layers by change(f, z, a); `of` limits it to layers with that activation."""

    def per_layer(chain: Chain, i: int) -> Steps | None:
        f = chain.f(i)
        if f.slope is None or (of is not None and f.name != of):
            return None
        return mutate(chain.steps, f"dz{i}", lambda da, z, a: da * change(f, z, a), (f"da{i}", f"z{i}", f"a{i}"))

    return every(hidden, per_layer)


def no_slope(layers: Callable[[Chain], Sequence[int]]) -> Maker:
    """dz_l = da_l in some layers."""

    def per_layer(chain: Chain, i: int) -> Steps | None:
        return None if chain.f(i).pieces > 1 else mutate(chain.steps, f"dz{i}", lambda da: da, (f"da{i}",))

    return every(layers, per_layer)


def kernel(
    layers: Callable[[Chain], Sequence[int]], factor: Callable[[Chain, int], str | None], change: Callable[[Array], Array] | None = None
) -> Maker:
    """dW_l = (another factor)ᵀ δ_l where the shapes fit; None leaves a layer as it is."""

    def per_layer(chain: Chain, i: int) -> Steps | None:
        name = factor(chain, i)
        if name is None:
            return None
        turn = change or (lambda a: a)
        return mutate(chain.steps, f"dW{i}", lambda a, dz: turn(a).T @ dz, (name, f"dz{i}"))

    return every(layers, per_layer)


def passed_back(change: Callable[..., Any], singly: bool = False, extra: str | None = None) -> Maker:
    """da_{l−1} = change(δ_l, W_l) in all layers from the second."""

    def per_layer(chain: Chain, i: int) -> Steps | None:
        needs = (f"dz{i}", f"W{i}", *(() if extra is None else (f"{extra}{i}",)))
        return mutate(chain.steps, f"da{i - 1}", change, needs)

    return every(upper, per_layer, singly)


def _same_size(chain: Chain, i: int, width: int) -> bool:
    return chain.units(i - 1) == width


def _input(chain: Chain, i: int) -> str | None:
    return "x" if _same_size(chain, i, chain.network.inputs) else None


def _output_side(chain: Chain, i: int) -> str | None:
    return f"a{i}" if _same_size(chain, i, chain.units(i)) else None


def _two_below(chain: Chain, i: int) -> str | None:
    return chain.fed(i - 1) if i >= 2 and _same_size(chain, i, chain.units(i - 2)) else None


def _z_below(chain: Chain, i: int) -> str | None:
    return f"z{i - 1}" if chain.f(i - 1).pieces == 1 else None


def averaged_over_layers(chain: Chain) -> Iterator[Steps]:
    """G03: divided by the number of layers as well, where that is not the number of outputs (G07)."""
    if chain.depth not in (1, chain.network.outputs):
        yield chain.after(chain.top, lambda d: d / chain.depth)


def product_of_means(chain: Chain) -> Iterator[Steps]:
    """G09: n·mean(δ)·mean(h) in every dW, δ with its 1/n."""
    steps = chain.steps
    for i in chain.layers:
        steps = mutate(steps, f"dW{i}", lambda a, dz: len(dz) * np.outer(a.mean(axis=0), dz.mean(axis=0)))
    yield steps


def summed_error(chain: Chain) -> Iterator[Steps]:
    """G10: (2/n)ΣE for every sample; then averaged once more."""
    yield chain.after(chain.top, lambda d: np.broadcast_to(d.sum(axis=0), d.shape))
    yield chain.after(chain.top, lambda d: np.broadcast_to(d.mean(axis=0), d.shape))


def one_sample(chain: Chain) -> Iterator[Steps]:
    """G11: the last, or the first, sample's gradient divided by n."""
    for row in (-1, 0):

        def only(d: Array, row: int = row) -> Array:
            kept = np.zeros_like(d)
            kept[row] = d[row]
            return kept

        yield chain.after(chain.top, only)


def slope_on_linear(chain: Chain) -> Iterator[Steps]:
    """G20: a slope where the output is linear, 1−tanh²(z) or 1−ŷ²."""
    last = chain.depth
    if chain.f(last).name == "identity" and chain.has(f"da{last}"):
        for change in (lambda da, z: da * (1 - np.tanh(z) ** 2), lambda da, z: da * (1 - z**2)):
            yield mutate(chain.steps, f"dz{last}", change)


def output_slope_missing(chain: Chain) -> Iterator[Steps]:
    """G21: the output's slope missing in everything that follows from it."""
    last = chain.depth
    if chain.f(last).name != "identity" and chain.has(f"da{last}"):
        yield mutate(chain.steps, f"dz{last}", lambda da: da, (f"da{last}",))


def error_for_delta(chain: Chain) -> Iterator[Steps]:
    """G22: dW and db from ε, while the chain itself keeps its slopes."""
    steps = chain.steps
    for i in chain.layers:
        if chain.has(f"da{i}") and chain.f(i).pieces == 1:
            steps = mutate(steps, f"dW{i}", lambda a, da: a.T @ da, (chain.fed(i), f"da{i}"))
            steps = mutate(steps, f"db{i}", lambda da: da.sum(axis=0), (f"da{i}",))
    yield steps


def other_slope(chain: Chain) -> Iterator[Steps]:
    """G34: a hidden layer with another's slope, one alone and all shifted or exchanged."""
    pairs = [(i, k) for i in chain.hidden for k in chain.hidden if i != k and chain.units(i) == chain.units(k) and chain.f(k).slope]

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


def transposed(chain: Chain) -> Iterator[Steps]:
    """G45: every square dW transposed (a non-square one is a shape problem)."""
    square = [i for i in chain.layers if chain.units(i - 1) == chain.units(i) > 1]
    steps = chain.steps
    for i in square:
        steps = chain.with_steps(steps).after(f"dW{i}", lambda w: w.T)
    yield steps


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

    yield from passed_back(lambda dz, w, b: dz @ first(w, b).T, True, "b")(chain)
    steps = chain.steps
    for i in upper(chain):
        steps = mutate(steps, f"z{i}", lambda a, w, b: a @ first(w, b) + w[0])
        steps = mutate(steps, f"da{i - 1}", lambda dz, w, b: dz @ first(w, b).T, (f"dz{i}", f"W{i}", f"b{i}"))
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


def gate_from_gradient(chain: Chain) -> Iterator[Steps]:
    """G60: 1[upstream > 0] as the slope of ReLU."""
    yield from every(
        hidden,
        lambda c, i: mutate(c.steps, f"dz{i}", lambda da: np.where(da > 0, da, 0.0), (f"da{i}",)) if c.f(i).name == "relu" else None,
    )(chain)


def squared_only(make: Maker) -> Maker:
    """A mistake that only the squared loss knows."""
    return lambda chain: make(chain) if chain.squared and chain.has(f"da{chain.depth}") else iter(())


def many_outputs(make: Maker) -> Maker:
    """A mistake that shows only with more than one output."""
    return lambda chain: make(chain) if chain.network.outputs > 1 else iter(())


def both(*makers: Maker) -> Maker:
    """All variants of several makers."""
    return lambda chain: (steps for make in makers for steps in make(chain))


def _added(chain: Chain) -> Iterator[Steps]:
    loss = LOSSES[chain.network.loss]
    yield mutate(chain.steps, chain.top, lambda y, a: loss.gradient(-y, a) / len(a), ("y", chain.prediction))


def _last_hidden(chain: Chain) -> Sequence[int]:
    return [chain.depth - 1] if chain.depth > 1 else []


def _first_hidden(chain: Chain) -> Sequence[int]:
    return [1] if chain.depth > 2 else []


def _several_hidden(chain: Chain) -> Sequence[int]:
    return chain.hidden if chain.depth > 2 else []


def _other_activation(f: Activation, z: Array, a: Array) -> Array:
    return 1 - a**2 if f.name == "sigmoid" else a * (1 - a)


def _sigmoid_of_z(f: Activation, z: Array, a: Array) -> Array:
    return 1 - np.tanh(z) ** 2 if f.name == "sigmoid" else sigmoid(z) * sigmoid(-z)


MISTAKES: dict[str, Maker] = {
    "G01": squared_only(top(lambda d: d / 2)),
    "G02": top(lambda d: d * len(d)),
    "G03": both(top(lambda d: d / len(d)), averaged_over_layers),
    "G04": top(lambda d: -d),
    "G05": squared_only(error_at_output(lambda y, a: (a - y) ** 2 / len(a))),
    "G06": squared_only(top(lambda d: np.sign(d) / len(d))),
    "G07": many_outputs(top(lambda d: d / d.shape[-1])),
    "G08": squared_only(top(lambda d, loss: d / (2 * np.sqrt(loss)), "loss")),
    "G09": product_of_means,
    "G10": summed_error,
    "G11": one_sample,
    "G13": error_at_output(lambda y, a: np.ones_like(a) / len(a)),
    "G14": squared_only(_added),
    "G20": slope_on_linear,
    "G21": output_slope_missing,
    "G22": error_for_delta,
    "G23": no_slope(_several_hidden),
    "G24": no_slope(_last_hidden),
    "G25": no_slope(_first_hidden),
    "G26": slope(lambda f, z, a: 1 - z**2, "tanh"),
    "G27": slope(lambda f, z, a: 1 - np.tanh(a) ** 2, "tanh"),
    "G28": slope(lambda f, z, a: 1 - a, "tanh"),
    "G29": both(
        slope(_other_activation, "tanh"), slope(_sigmoid_of_z, "tanh"), slope(_other_activation, "sigmoid"), slope(_sigmoid_of_z, "sigmoid")
    ),
    "G30": slope(lambda f, z, a: -f.derivative(z)),
    "G31": slope(lambda f, z, a: 1 + a**2, "tanh"),
    "G32": slope(lambda f, z, a: a),
    "G33": slope(lambda f, z, a: f.derivative(z) ** 2),
    "G34": other_slope,
    "G35": slope(lambda f, z, a: f.derivative(z).mean(axis=0)),
    "G36": both(kernel(upper, _z_below), kernel(upper, _two_below)),
    "G37": kernel(upper, _input),
    "G38": kernel(all_layers, _output_side),
    "G39": kernel(all_layers, lambda c, i: c.fed(i), np.ones_like),
    "G40": kernel(lambda c: [1], lambda c, i: c.fed(i), np.ones_like),
    "G41": bias_times_input,
    "G42": bias_gradient(lambda dz: np.zeros(dz.shape[-1])),
    "G43": both(bias_gradient(lambda dz: dz[0]), bias_gradient(lambda dz: dz[-1])),
    "G44": both(bias_gradient(lambda dz: dz.sum(axis=0) / len(dz)), bias_gradient(lambda dz: dz.sum(axis=0) * len(dz))),
    "G45": transposed,
    "G46": passed_back(lambda dz, w: dz @ w),
    "G47": wrong_weight,
    "G48": passed_back(lambda dz, w: dz @ np.ones_like(w).T, singly=True),
    "G49": both(passed_back(lambda dz, w: dz @ np.abs(w).T, singly=True), passed_back(lambda dz, w: dz @ (1 / w).T, singly=True)),
    "G50": passed_back(lambda dz, w: dz @ w.T / w.shape[1]),
    "G51": passed_back(lambda dz, w: dz[:, :1] @ w[:, :1].T),
    "G52": bias_for_weight,
    "G53": stops,
    "G55": no_bias,
    "G56": reordered,
    "G60": gate_from_gradient,
    "G84": squared_only(top(lambda d: d * 2)),
    "G85": kernel(upper, lambda c, i: c.fed(i), np.abs),
}


# Mistakes that are made with the finished answer, or that have one free number.


def gradients_only(change: Callable[[Values, Values], Values]) -> Callable[[Answers, Sequence[Values]], Answers]:
    """A change of each call's gradients, change(gradients, inputs); other quantities stay."""

    def apply(answers: Answers, inputs: Sequence[Values]) -> Answers:
        made = []
        for answer, given in zip(answers, inputs, strict=True):
            slopes = {name: value for name, value in answer.items() if name[:2] in ("dW", "db")}
            made.append({**answer, **change(slopes, given)})
        return made

    return apply


def accumulated(answers: Answers, inputs: Sequence[Values]) -> Answers:
    """G12: each call's gradients added to those of the calls before."""
    total: Values = {}
    made = []
    for answer in answers:
        total = {name: value + total.get(name, 0.0) for name, value in answer.items()}
        made.append({name: total[name] if name[:2] in ("dW", "db") else value for name, value in answer.items()})
    return made


def normalised(slopes: Values, given: Values) -> Values:
    """G16: all gradients divided by their common norm."""
    size = np.sqrt(sum(float(np.sum(np.square(v))) for v in slopes.values()))
    return {name: value / (size if size > 0 else 1.0) for name, value in slopes.items()}


def clipped(bound: float) -> Callable[[Values, Values], Values]:
    """G16: every entry cut to ±bound."""
    return lambda slopes, given: {name: np.clip(value, -bound, bound) for name, value in slopes.items()}


def scaled(factor: float) -> Variant:
    """G15: ±α times the gradient."""
    return Variant(answers=gradients_only(lambda s, given: {name: factor * value for name, value in s.items()}))


def stepped(alpha: float) -> Variant:
    """G15: the new weights θ − α·g instead of the gradient."""
    return Variant(answers=gradients_only(lambda s, given: {name: given[name[1:]] - alpha * value for name, value in s.items()}))


def penalised(part: str) -> Callable[[float], Variant]:
    """G17: g + c·θ for all parameters, the weights or the biases."""
    chosen = {"all": ("dW", "db"), "weights": ("dW",), "biases": ("db",)}[part]

    def variant(c: float) -> Variant:
        def change(slopes: Values, given: Values) -> Values:
            return {name: value + c * given[name[1:]] if name[:2] in chosen else value for name, value in slopes.items()}

        return Variant(answers=gradients_only(change))

    return variant


def rounded(decimals: float) -> Variant:
    """G18: the answer rounded to some decimals."""
    return Variant(answers=lambda answers, inputs: [{k: np.round(v, int(decimals)) for k, v in a.items()} for a in answers])


def _ratios(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
    mine, theirs = _pool(student, reference)
    size = float(theirs @ theirs)
    ratio = float(mine @ theirs) / size if size > 0 else 0.0
    return [ratio] if 0 < abs(ratio) < 0.999 else []


def _pool(student: Answers, reference: Answers) -> tuple[Array, Array]:
    names = [n for n in student[0] if n[:2] in ("dW", "db")]
    if not names:
        return np.zeros(1), np.zeros(1)
    return np.concatenate([np.ravel(student[0][n]) for n in names]), np.concatenate([np.ravel(reference[0][n]) for n in names])


def _step_sizes(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
    mine, theirs = _pool(student, reference)
    names = [n for n in student[0] if n[:2] in ("dW", "db")]
    if not names:
        return []
    theta = np.concatenate([np.ravel(inputs[0][n[1:]]) for n in names])
    alpha = float((theta - mine) @ theirs) / (float(theirs @ theirs) or 1.0)
    return [alpha] if 0 < abs(alpha) <= 10 else []


def _penalties(prefixes: tuple[str, ...]) -> Callable[[Answers, Answers, Sequence[Values]], list[float]]:
    def estimate(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
        names = [n for n in student[0] if n[:2] in prefixes]
        if not names:
            return []
        gap = np.concatenate([np.ravel(student[0][n] - reference[0][n]) for n in names])
        theta = np.concatenate([np.ravel(inputs[0][n[1:]]) for n in names])
        c = float(gap @ theta) / (float(theta @ theta) or 1.0)
        return [c] if 0 < abs(c) <= 100 else []

    return estimate


def _decimals(student: Answers, reference: Answers, inputs: Sequence[Values]) -> list[float]:
    return [1.0, 2.0, 3.0, 4.0, 5.0]


ANSWER_MISTAKES: dict[str, tuple[Variant, ...]] = {
    "G12": (Variant(answers=accumulated),),
    "G16": (
        Variant(answers=gradients_only(clipped(1.0))),
        Variant(answers=gradients_only(clipped(5.0))),
        Variant(answers=gradients_only(normalised)),
    ),
}

FITTED_GRADIENTS: dict[str, tuple[Fit, ...]] = {
    "G15": (
        Fit(scaled, _ratios, "every gradient is {0:.6g} times what is asked for"),
        Fit(stepped, _step_sizes, "the answer is the parameter minus {0:.6g} times its gradient"),
    ),
    "G17": (
        Fit(penalised("all"), _penalties(("dW", "db")), "{0:.6g} times the parameter is added to each gradient"),
        Fit(penalised("weights"), _penalties(("dW",)), "{0:.6g} times the weight is added to each weight's gradient"),
        Fit(penalised("biases"), _penalties(("db",)), "{0:.6g} times the bias is added to each bias's gradient"),
    ),
}

ROUNDED = Mistake("G18", fits=(Fit(rounded, _decimals, "rounded to {0:.0f} decimals"),))

# Codes that compute the same for some networks: the answer is reported under the key, with the others in `also` (DOMAIN C.6).
SYNONYMS: dict[str, tuple[str, ...]] = {
    "G04": ("G67",),
    "G24": ("G23", "G25"),
    "G41": (),
}
