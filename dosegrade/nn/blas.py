"""The NumPy engine: matrix products by BLAS, everything else in place in buffers that are made once.

It takes every entry of the tables: those without a short cut here by their own functions. Small NumPy calls of several threads only fight
for the interpreter, so one stretch runs at a time in the whole process.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from dosegrade.nn.activations import Activation
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.plan import FLAT, Array, Plan, State, Stretch, Trained

ONE_AT_A_TIME = threading.Lock()
BLOCK = 1 << 15
Space = tuple[Array, Array, Array, Array]


class Blas:
    """`dtype` float64, or float32 for networks whose time goes into matrix products."""

    name = "numpy"

    def __init__(self, plan: Plan, dtype: Any = np.float64) -> None:
        self.plan, self.dtype = plan, dtype
        self.x, self.y = np.ascontiguousarray(plan.x, dtype), np.ascontiguousarray(plan.y, dtype)
        self.views, self.layers = plan.views, plan.network.dense
        self.keep = {layer - 1: 1.0 - rate for layer, _, rate in plan.dropped}
        self.loss = LOSSES[plan.network.loss]
        self.joint = self.loss.from_z.get(self.layers[-1].f.name)
        self._buffers: dict[int, list[Space]] = {}
        self._picked = (np.empty((plan.size, self.x.shape[1]), dtype), np.empty((plan.size, self.y.shape[1]), dtype))
        self._grad = np.empty(plan.parameters, dtype)
        self._scratch = (np.empty(min(BLOCK, plan.parameters), dtype), np.empty(min(BLOCK, plan.parameters), dtype))

    def run(self, theta: Array, state: State, stretch: Stretch) -> Trained:
        """The stretch; parameters and memory are changed in copies."""
        with ONE_AT_A_TIME, np.errstate(all="ignore"):
            return self.train(theta.astype(self.dtype), copied(state, self.dtype), stretch)

    def train(self, theta: Array, state: dict[str, Any], stretch: Stretch) -> Trained:
        """The stretch, in place."""
        plan, fresh = self.plan, stretch.order is None and stretch.masks is None
        rows = stretch.epochs // stretch.every
        thetas, losses, gradients = np.empty((rows, len(theta))), np.empty(rows), np.empty((rows, len(theta)))
        grad = self._grad
        params, grads = self.views(theta), self.views(grad)
        step, at, before = 0, 0, None
        if fresh:
            self.look(params, grads)
        for epoch in range(stretch.epochs):
            written = (epoch + 1) % stretch.every == 0
            if stretch.watch or (rows and epoch % stretch.every == 0):
                before = theta.copy(), copied(state, self.dtype)
            for start in range(0, plan.samples, plan.size):
                if not fresh:
                    at = self._learn(params, grads, stretch, epoch, start, at)
                if plan.clip != "none":
                    grad[:] = self._clipped(grad)
                state = self._update(theta, grad, state, float(stretch.rates[step]))
                step += 1
            if fresh or stretch.watch or written:
                loss = self.look(params, grads)
            if (stretch.watch or written) and not self._healthy(loss, theta, grad):
                theta, state = before  # type: ignore[misc]
                kept = epoch // stretch.every
                return Trained(epoch, theta, state, thetas[:kept], losses[:kept], gradients[:kept])
            if written:
                row = epoch // stretch.every
                thetas[row], losses[row], gradients[row] = theta, loss, grad
        return Trained(stretch.epochs, theta, state, thetas, losses, gradients)

    def _learn(self, params: Mapping[str, Array], grads: Mapping[str, Array], stretch: Stretch, epoch: int, start: int, at: int) -> int:
        """The gradient of one batch; gives the place after the mask entries that were used."""
        plan, size = self.plan, min(self.plan.size, self.plan.samples - start)
        x, y = self.x, self.y
        if stretch.order is not None:
            rows = stretch.order[epoch, start : start + size]
            x, y = self._picked[0][:size], self._picked[1][:size]
            self.x.take(rows, 0, x, "clip")
            self.y.take(rows, 0, y, "clip")
        elif size < plan.samples:
            x, y = x[start : start + size], y[start : start + size]
        masks = {}
        if stretch.masks is not None:
            for layer, units, _ in plan.dropped:
                masks[layer - 1] = stretch.masks[at : at + size * units].reshape(size, units)
                at += size * units
        self._gradient(x, y, params, grads, masks, wanted=False)
        return at

    def look(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> float:
        """The loss of all samples, their gradient into grads."""
        return self._gradient(self.x, self.y, params, grads, {}, wanted=True)

    def loss_at(self, theta: Array) -> float:
        """The loss of all samples, forwards only."""
        with np.errstate(all="ignore"):
            params = self.views(theta.astype(self.dtype))
            z, a = self._forward(self.x, params, {})[-1][:2]
            return self._value(self.y, z, a) + self._penalty(params)

    def _gradient(
        self, x: Array, y: Array, params: Mapping[str, Array], grads: Mapping[str, Array], masks: Mapping[int, Array], wanted: bool
    ) -> float:
        buffers = self._forward(x, params, masks)
        loss = self._value(y, *buffers[-1][:2]) if wanted else 0.0
        self._backward(x, y, buffers, params, grads, masks)
        return loss + self._penalty(params, grads)

    def _forward(self, x: Array, params: Mapping[str, Array], masks: Mapping[int, Array]) -> list[Space]:
        """z and a of every layer, what dropout leaves of a."""
        buffers, a = self._space(len(x)), x
        for i, layer in enumerate(self.layers):
            z, out = buffers[i][:2]
            np.dot(a, params[f"W{i + 1}"], out=z)
            z += params[f"b{i + 1}"]
            a = bend(layer.f, z, out)
            if i in masks:
                a *= masks[i]
                a *= self.dtype(1.0 / self.keep[i])
        return buffers

    def _backward(
        self, x: Array, y: Array, buffers: list[Space], params: Mapping[str, Array], grads: Mapping[str, Array], masks: Mapping[int, Array]
    ) -> None:
        """dW and db of every layer into grads."""
        for i in range(len(self.layers) - 1, -1, -1):
            dz = self._error(y, i, buffers, masks)
            below = x if i == 0 else buffers[i - 1][1]
            np.dot(below.T, dz, out=grads[f"W{i + 1}"])
            np.add.reduce(dz, 0, out=grads[f"b{i + 1}"])
            if i:
                np.dot(dz, params[f"W{i + 1}"].T, out=buffers[i - 1][3])

    def _value(self, y: Array, z: Array, a: Array) -> float:
        return float((self.joint[0](y, z) if self.joint else self.loss.value(y, a)).mean())

    def _error(self, y: Array, i: int, buffers: list[Space], masks: Mapping[int, Array]) -> Array:
        """dz of layer i, from the loss or from the da that the layer above has left."""
        z, a, dz, da = buffers[i]
        if i == len(self.layers) - 1:
            if self.joint:
                return np.divide(self.joint[1](y, a), len(z), out=dz)
            np.divide(self.loss.gradient(y, a), len(z), out=da)
        elif i in masks:
            da *= masks[i]
            da *= self.dtype(1.0 / self.keep[i])
        return unbend(self.layers[i].f, z, da, dz)

    def _penalty(self, params: Mapping[str, Array], grads: Mapping[str, Array] | None = None) -> float:
        """l1 Σ|W| + l2 Σ W²; its slope is added to grads."""
        l1, l2, total = self.plan.network.l1, self.plan.network.l2, 0.0
        if not self.plan.network.penalised:
            return total
        for name, w in params.items():
            if name.startswith("W"):
                total += l1 * float(np.abs(w).sum()) + l2 * float((w * w).sum())
                if grads is not None:
                    grads[name][...] += l1 * np.sign(w) + 2 * l2 * w
        return total

    def _clipped(self, grad: Array) -> Array:
        return self.plan.clipped(grad)

    def _healthy(self, loss: float, theta: Array, grad: Array) -> bool:
        """Whether the loss is within its limit and all numbers are finite."""
        return bool(loss <= self.plan.limit and math.isfinite(float(np.add.reduce(theta * 0)) + float(np.add.reduce(grad * 0))))

    def _space(self, n: int) -> list[Space]:
        """z, a, dz and da of every layer for n samples, made once for each n."""
        if n not in self._buffers:
            wide = [(layer.units * layer.f.pieces, layer.units) for layer in self.layers]
            self._buffers[n] = [tuple(np.empty((n, w), self.dtype) for w in (p, u, p, u)) for p, u in wide]  # type: ignore[misc]
        return self._buffers[n]

    def _update(self, theta: Array, grad: Array, state: dict[str, Any], rate: float) -> dict[str, Any]:
        """The optimizer's update of theta, in place for Adam, else by its own rule; gives the memory."""
        plan, hyper = self.plan, self.plan.hyper
        if plan.optimizer != "adam":
            new, memory = OPTIMIZERS[plan.optimizer].update({FLAT: grad}, state, {FLAT: theta}, rate, **hyper)
            theta[:] = new[FLAT]
            return dict(memory)
        t = int(state["t"]) + 1
        self._adam(theta, grad, state, rate * math.sqrt(1 - hyper["beta_2"] ** t) / (1 - hyper["beta_1"] ** t))
        return {**state, "t": t}

    def _adam(self, theta: Array, grad: Array, state: dict[str, Any], rate: float) -> None:
        """m, v and theta in place, block by block, so that a block stays in the cache."""
        hyper, m, v = self.plan.hyper, state["m"][FLAT], state["v"][FLAT]
        for start in range(0, len(theta), BLOCK):
            part = slice(start, start + BLOCK)
            _adam(theta[part], grad[part], m[part], v[part], self._scratch, rate, hyper)


def bend(f: Activation, z: Array, out: Array) -> Array:
    """a = f(z) into `out`."""
    if f.name == "tanh":
        return np.asarray(np.tanh(z, out=out))
    if f.name == "relu":
        return np.asarray(np.maximum(z, 0, out=out))
    out[...] = z if f.name == "identity" else f(z)
    return out


def unbend(f: Activation, z: Array, da: Array, dz: Array) -> Array:
    """dz = da ⊙ f'(z) into `dz`."""
    if f.name == "identity":
        dz[...] = da
        return dz
    if f.name == "relu":
        return np.multiply(da, z > 0, out=dz)
    dz[...] = f.vjp(z, da)
    return dz


def copied(state: State, dtype: type) -> dict[str, Any]:
    """The same memory in arrays of its own."""
    return {k: {n: a.astype(dtype) for n, a in v.items()} if isinstance(v, Mapping) else v for k, v in state.items()}


def _adam(w: Array, g: Array, m: Array, v: Array, scratch: tuple[Array, Array], size: float, hyper: Mapping[str, float]) -> None:
    one, two = (s[: len(w)] for s in scratch)
    np.subtract(g, m, out=one)
    one *= 1 - hyper["beta_1"]
    m += one
    np.multiply(g, g, out=one)
    one -= v
    one *= 1 - hyper["beta_2"]
    v += one
    np.sqrt(v, out=one)
    one += hyper["epsilon"]
    np.divide(m, one, out=two)
    two *= size
    w -= two
