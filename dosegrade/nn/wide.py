"""The engine for wide ReLU networks: two threads, each with half of every layer's units and half of the optimizer's work.

Each of them calls a BLAS of one thread. What a thread writes no other writes, so the result does not depend on who comes first.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dosegrade.nn.blas import Blas, Space, bend, copied
from dosegrade.nn.plan import FLAT, Array, Plan, State, Stretch, Trained

LEAST, VECTOR = 100_000, 16


def suits(plan: Plan) -> bool:
    """Whether a plan is large enough and hidden layers are all ReLU, on two cores that BLAS does not share out itself."""
    hidden = plan.network.dense[:-1]
    alone = os.environ.get("OPENBLAS_NUM_THREADS") == "1" and (os.cpu_count() or 1) > 1
    return alone and plan.parameters >= LEAST and bool(hidden) and all(layer.f.name == "relu" for layer in hidden)


class Pair:
    """This thread and another, which live as long as a `with`; `both` gives each a half."""

    def __enter__(self) -> Pair:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="second half", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                with np.errstate(all="ignore"):
                    job()
                self._done.put(None)
            except BaseException as error:
                self._done.put(error)

    def both(self, work: Callable[..., None], size: int, *args: Any) -> None:
        """work(half, *args) for both halves of range(size)."""
        middle = size // 2 if size < VECTOR else size // 2 // VECTOR * VECTOR
        self._jobs.put(lambda: work(slice(middle, size), *args))
        work(slice(0, middle), *args)
        if (error := self._done.get()) is not None:
            raise error


class Wide(Blas):
    """`dtype` as of `Blas`; importing numba is left to the first one made."""

    name = "wide"

    def __init__(self, plan: Plan, dtype: Any = np.float64) -> None:
        super().__init__(plan, dtype)
        from dosegrade.nn.kernel import wide

        self._kernel = wide
        self._ones: dict[int, Array] = {}

    def run(self, theta: Array, state: State, stretch: Stretch) -> Trained:
        """The stretch; parameters and memory are changed in copies."""
        with Pair() as self._pair, np.errstate(all="ignore"):
            return self._run(theta.astype(self.dtype), copied(state, self.dtype), stretch)

    def loss_at(self, theta: Array) -> float:
        """The loss of all samples, forwards only."""
        with Pair() as self._pair:
            return super().loss_at(theta)

    def _forward(self, x: Array, params: Mapping[str, Array], masks: Mapping[int, Array]) -> list[Space]:
        buffers, a = self._space(len(x)), x
        for i, layer in enumerate(self.layers[:-1]):
            mask = masks[i] if i in masks else self._all(len(x), layer.units)
            given = a, params[f"W{i + 1}"], params[f"b{i + 1}"], mask, self._scale(i, masks), buffers[i]
            self._pair.both(self._ahead, layer.units, *given)
            a = buffers[i][1]
        z, out = buffers[-1][:2]
        np.dot(a, params[f"W{len(self.layers)}"], out=z)
        z += params[f"b{len(self.layers)}"]
        bend(self.layers[-1].f, z, out)
        return buffers

    def _backward(
        self, x: Array, y: Array, buffers: list[Space], params: Mapping[str, Array], grads: Mapping[str, Array], masks: Mapping[int, Array]
    ) -> None:
        dz = self._error(y, len(self.layers) - 1, buffers, {})
        for i in range(len(self.layers) - 1, -1, -1):
            w, below = params[f"W{i + 1}"], buffers[i - 1] if i else None
            np.add.reduce(dz, 0, out=grads[f"b{i + 1}"])
            self._pair.both(self._back, len(w), x, below, dz, w, grads[f"W{i + 1}"], self._scale(i - 1, masks))
            dz = below[3] if below else dz

    def _scale(self, i: int, masks: Mapping[int, Array]) -> Any:
        return self.dtype(1.0 / self.keep[i] if i in masks else 1.0)

    def _all(self, n: int, units: int) -> Array:
        """A mask that keeps all."""
        if self._ones.get(units, np.empty(0)).shape[0] < n:
            self._ones[units] = np.ones((n, units), np.uint8)
        return self._ones[units][:n]

    def _ahead(self, own: slice, a: Array, w: Array, b: Array, mask: Array, scale: Any, space: Space) -> None:
        """Some units of a layer."""
        np.matmul(a, w[:, own], out=space[0][:, own])
        self._kernel.relu(space[0], b, mask, scale, space[1], own.start, own.stop - own.start)

    def _back(self, own: slice, x: Array, below: Space | None, dz: Array, w: Array, grad: Array, scale: Any) -> None:
        """The weights that come from some units, and dz of these units."""
        a = below[1] if below else x
        np.matmul(a[:, own].T, dz, out=grad[own])
        if below:
            np.matmul(dz, w[own].T, out=below[3][:, own])
            self._kernel.relu_back(below[3], a, scale, own.start, own.stop - own.start)

    def _adam(self, theta: Array, grad: Array, state: dict[str, Any], rate: float) -> None:
        given = (self.dtype(x) for x in (rate, 1 - self.plan.hyper["beta_1"], 1 - self.plan.hyper["beta_2"], self.plan.hyper["epsilon"]))
        self._pair.both(self._part_of_adam, len(theta), (theta, grad, state["m"][FLAT], state["v"][FLAT]), tuple(given))

    def _part_of_adam(self, own: slice, arrays: tuple[Array, ...], given: tuple[Any, ...]) -> None:
        self._kernel.adam(*(array[own] for array in arrays), *given)
