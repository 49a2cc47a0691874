"""The engine for wide ReLU networks: two threads, each with half of every hidden layer's units and all that belongs to them.

A unit's weights, their gradient and the optimizer's memory belong to one thread, so they stay near its core; of the last layer it has the
weights that come from its units. The two meet where one needs what the other has: the outputs of each hidden layer but the last, the halves
of the last z, its error, and on the way back the halves of da. Each calls a BLAS of one thread. What a thread writes no other writes: the
result does not depend on who comes first.
"""

from __future__ import annotations

import math
import os
import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from dosegrade.nn.blas import Blas, Space, bend
from dosegrade.nn.plan import FLAT, Array, Plan, State, Stretch, Trained

LEAST, VECTOR, SPINS = 100_000, 16, 100

Result = TypeVar("Result")


def suits(plan: Plan) -> bool:
    """Whether a plan is large enough and hidden layers are all ReLU, on two cores that BLAS does not share out itself."""
    hidden = plan.network.dense[:-1]
    alone = os.environ.get("OPENBLAS_NUM_THREADS") == "1" and (os.cpu_count() or 1) > 1
    return alone and plan.parameters >= LEAST and bool(hidden) and all(layer.f.name == "relu" for layer in hidden)


class Share:
    """The parameters of one side: 0 has the first units of each hidden layer and the last layer's bias, 1 the others."""

    def __init__(self, plan: Plan, side: int) -> None:
        dense = plan.network.dense
        self.plan, self.units = plan, [_half(layer.units, side) for layer in dense[:-1]]
        self._cuts: dict[str, Any] = {f"W{len(dense)}": self.units[-1], f"b{len(dense)}": slice(0 if side else None)}
        for i, units in enumerate(self.units, 1):
            self._cuts |= {f"W{i}": (slice(None), units), f"b{i}": units}
        self._places, self.length = {}, 0
        for name, whole in plan.views(np.empty(plan.parameters, bool)).items():
            start, shape = self.length, whole[self._cuts[name]].shape
            self.length += math.prod(shape)
            self._places[name] = slice(start, self.length), shape

    def views(self, theta: Array) -> dict[str, Array]:
        """This side's parameters by name, as views of its own theta."""
        return {name: theta[place].reshape(shape) for name, (place, shape) in self._places.items()}

    def take(self, theta: Array, own: Array) -> Array:
        """This side's own theta, from the whole."""
        whole = self.plan.views(theta)
        for name, view in self.views(own).items():
            view[...] = whole[name][self._cuts[name]]
        return own

    def put(self, own: Array, theta: Array) -> None:
        """This side's own theta into its places in the whole."""
        whole = self.plan.views(theta)
        for name, view in self.views(own).items():
            whole[name][self._cuts[name]] = view


class Table:
    """Where two threads meet, and the arrays that both see."""

    def __init__(self, plan: Plan, dtype: Any) -> None:
        self._units, self._dtype = [layer.units for layer in plan.network.dense[:-1]], dtype
        self._spaces: dict[tuple[int, int], tuple[list[Array], list[tuple[Array, Array]]]] = {}
        self._lines: tuple[queue.SimpleQueue[Any], queue.SimpleQueue[Any]] = (queue.SimpleQueue(), queue.SimpleQueue())
        self._steps = [0, 0]

    def space(self, n: int, side: int) -> tuple[list[Array], list[tuple[Array, Array]]]:
        """a of every hidden layer for n samples, and the two addends of da of all of these but the last; two such, for each step the other.

        Who is ahead by less than a step then writes nothing that the other still reads.
        """
        self._steps[side] += 1
        key = n, self._steps[side] % 2
        if key not in self._spaces:
            fresh = [[np.empty((n, units), self._dtype) for units in self._units] for _ in range(3)]
            self._spaces.setdefault(key, (fresh[0], list(zip(fresh[1], fresh[2], strict=True))[:-1]))
        return self._spaces[key]

    def both(self, job: Callable[[int], Result]) -> tuple[Result, Result]:
        """job(0) and job(1) at once; where one fails the other is told when they meet."""
        self._lines, self._steps = (queue.SimpleQueue(), queue.SimpleQueue()), [0, 0]

        def side(k: int) -> Result:
            try:
                with np.errstate(all="ignore"):
                    return job(k)
            except BaseException as error:
                self._lines[1 - k].put(error)
                raise

        with ThreadPoolExecutor(1, thread_name_prefix="second half") as pool:
            other = pool.submit(side, 1)
            return side(0), other.result()

    def tell(self, side: int, brought: Any = None) -> None:
        """Something for the other side, which it hears in its turn."""
        self._lines[1 - side].put(brought)

    def hear(self, side: int) -> Any:
        """What the other side has told, once it has. Raises RuntimeError where it has failed."""
        line = self._lines[side]
        for _ in range(SPINS):
            if not line.empty():
                break
            time.sleep(0)  # without rest, from which a core takes longer to wake than it waits here as a rule
        theirs = line.get()
        if isinstance(theirs, BaseException):
            raise RuntimeError("the other half of the work has failed") from theirs
        return theirs

    def meet(self, side: int, brought: Any = None) -> Any:
        """Both at once."""
        self.tell(side, brought)
        return self.hear(side)


class Half(Blas):
    """What one of the two threads does with its share."""

    def __init__(self, plan: Plan, dtype: Any, side: int, shares: tuple[Share, Share], table: Table) -> None:
        super().__init__(plan, dtype)
        from dosegrade.nn.kernel import wide

        self._kernel, self._side, self._table = wide, side, table
        self.share, self._other = shares[side], shares[1 - side]
        self.views, self._grad = self.share.views, np.empty(self.share.length, dtype)
        self._ones: dict[int, Array] = {}
        self._kept: dict[str, Array] = {}
        self._outputs: list[Array] = []
        self._addends: list[tuple[Array, Array]] = []

    def part(self, theta: Array, name: str = FLAT) -> Array:
        """This side's part of theta, or of a memory of that name, where it lay before: new pages cost as much as many steps."""
        if name not in self._kept:
            self._kept[name] = np.empty(self.share.length, self.dtype)
        return self.share.take(theta, self._kept[name])

    def parts(self, state: State) -> dict[str, Any]:
        """This side's parts of the optimizer's memory."""
        return {name: {FLAT: self.part(kept[FLAT], name)} if isinstance(kept, Mapping) else kept for name, kept in state.items()}

    def _tell(self, brought: Any = None) -> None:
        self._table.tell(self._side, brought)

    def _hear(self) -> Any:
        return self._table.hear(self._side)

    def _meet(self, brought: Any = None) -> Any:
        return self._table.meet(self._side, brought)

    def _forward(self, x: Array, params: Mapping[str, Array], masks: Mapping[int, Array]) -> list[Space]:
        buffers, a, last = self._space(len(x)), x, len(self.layers)
        outputs, self._addends = self._table.space(len(x), self._side)
        self._outputs = outputs
        for i, units in enumerate(self.share.units):
            z, mask = buffers[i][0], masks[i] if i in masks else self._all(len(x), self.layers[i].units)
            np.matmul(a, params[f"W{i + 1}"], out=z)
            a = outputs[i]
            self._kernel.relu(z, params[f"b{i + 1}"], mask, self._scale(i, masks), a, units.start)
            if i + 2 < last:
                self._meet()
        z, out = buffers[-1][:2]
        np.matmul(a[:, self.share.units[-1]], params[f"W{last}"], out=z)
        addend = self._meet(z)
        if self._side == 0:
            z += addend
            z += params[f"b{last}"]
            bend(self.layers[-1].f, z, out)
        return buffers

    def _value(self, y: Array, z: Array, a: Array) -> float:
        return super()._value(y, z, a) if self._side == 0 else 0.0

    def _backward(
        self, x: Array, y: Array, buffers: list[Space], params: Mapping[str, Array], grads: Mapping[str, Array], masks: Mapping[int, Array]
    ) -> None:
        outputs, addends = self._outputs, self._addends
        last, a, units, dz = len(self.layers), outputs[-1], self.share.units[-1], buffers[-2][2]
        if self._side == 0:
            error = self._error(y, last - 1, buffers, {})
            self._tell(error)
            np.add.reduce(error, 0, out=grads[f"b{last}"])
        else:
            error = self._hear()
        np.matmul(a[:, units].T, error, out=grads[f"W{last}"])
        np.matmul(error, params[f"W{last}"].T, out=dz)
        self._kernel.relu_back(dz, a, self._scale(last - 2, masks), grads[f"b{last - 1}"], units.start)
        for i in range(last - 2, 0, -1):
            a, units = outputs[i - 1], self.share.units[i - 1]
            np.matmul(dz, params[f"W{i + 1}"].T, out=addends[i - 1][self._side])
            self._tell()
            np.matmul(a.T, dz, out=grads[f"W{i + 1}"])
            self._hear()
            dz = buffers[i - 1][2]
            self._kernel.relu_back_sum(*addends[i - 1], a, self._scale(i - 1, masks), grads[f"b{i}"], dz, units.start)
        np.matmul(x.T, dz, out=grads["W1"])

    def _space(self, n: int) -> list[Space]:
        """As of `Blas`, but of hidden layers only z and dz, of this side's units."""
        if n not in self._buffers:
            none, out = np.empty((0, 0), self.dtype), self.layers[-1]
            widths = [units.stop - units.start for units in self.share.units]
            hidden = [(np.empty((n, w), self.dtype), none, np.empty((n, w), self.dtype), none) for w in widths]
            z, a, dz, da = (np.empty((n, w), self.dtype) for w in (out.units * out.f.pieces, out.units) * 2)
            self._buffers[n] = [*hidden, (z, a, dz, da)]
        return self._buffers[n]

    def _scale(self, i: int, masks: Mapping[int, Array]) -> Any:
        return self.dtype(1.0 / self.keep[i] if i in masks else 1.0)

    def _all(self, n: int, units: int) -> Array:
        """A mask that keeps all."""
        if self._ones.get(units, np.empty(0)).shape[0] < n:
            self._ones[units] = np.ones((n, units), np.uint8)
        return self._ones[units][:n]

    def _penalty(self, params: Mapping[str, Array], grads: Mapping[str, Array] | None = None) -> float:
        own = super()._penalty(params, grads)
        return own + float(self._meet(own)) if self.plan.network.penalised else own

    def _clipped(self, grad: Array) -> Array:
        whole = np.empty(self.plan.parameters, self.dtype)
        self.share.put(grad, whole)
        self._other.put(self._meet(grad.copy()), whole)
        return self.share.take(self.plan.clipped(whole), np.empty_like(grad))

    def _healthy(self, loss: float, theta: Array, grad: Array) -> bool:
        own = super()._healthy(loss, theta, grad)
        return bool(self._meet(own)) and own

    def _adam(self, theta: Array, grad: Array, state: dict[str, Any], rate: float) -> None:
        given = (self.dtype(x) for x in (rate, 1 - self.plan.hyper["beta_1"], 1 - self.plan.hyper["beta_2"], self.plan.hyper["epsilon"]))
        self._kernel.adam(theta, grad, state["m"][FLAT], state["v"][FLAT], *given)


class Wide:
    """`dtype` as of `Blas`; importing numba is left to the first one made."""

    name = "wide"

    def __init__(self, plan: Plan, dtype: Any = np.float64) -> None:
        self.plan, self.dtype, self._table = plan, dtype, Table(plan, dtype)
        self._shares = Share(plan, 0), Share(plan, 1)
        self._halves = [Half(plan, dtype, side, self._shares, self._table) for side in (0, 1)]

    def run(self, theta: Array, state: State, stretch: Stretch) -> Trained:
        """The stretch; parameters and memory are changed in copies."""
        halves = self._halves
        done = self._table.both(lambda k: halves[k].train(halves[k].part(theta), halves[k].parts(state), stretch))
        rows = len(done[0].thetas)
        whole = [np.empty((n, self.plan.parameters), dtype) for n, dtype in ((1, self.dtype), (rows, np.float64), (rows, np.float64))]
        memory = {k: {FLAT: np.empty(len(theta), self.dtype)} if isinstance(v, Mapping) else v for k, v in done[0].state.items()}
        for share, half in zip(self._shares, done, strict=True):
            for row, own in zip([*whole[0], *whole[1], *whole[2]], [half.theta, *half.thetas, *half.gradients], strict=True):
                share.put(own, row)
            for name, kept in memory.items():
                if isinstance(kept, dict):
                    share.put(half.state[name][FLAT], kept[FLAT])
        return Trained(done[0].epochs, whole[0][0], memory, whole[1], done[0].losses, whole[2])

    def loss_at(self, theta: Array) -> float:
        """The loss of all samples, forwards only."""
        return self._table.both(lambda k: self._halves[k].loss_at(self._halves[k].part(theta)))[0]


def _half(units: int, side: int) -> slice:
    """The first units or the others; a vector of the machine is not cut."""
    middle = units // 2 if units < VECTOR else units // 2 // VECTOR * VECTOR
    return slice(middle, units) if side else slice(0, middle)
