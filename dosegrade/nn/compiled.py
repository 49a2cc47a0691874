"""The compiled engine: a plan put into the codes and arrays of the kernel. Importing this module imports numba."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.kernel import codes
from dosegrade.nn.kernel.lanes import LANES
from dosegrade.nn.kernel.train import train
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.network import mlp
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.nn.plan import FLAT, Array, Plan, State, Stretch, Trained

SLOTS = 3
COUNTERS = {"t": 0.0, "product": 1.0}
NONE = np.zeros(0, np.uint8)


def covers(plan: Plan) -> bool:
    """Whether the kernel has a code for every part of the plan."""
    network = plan.network
    return (
        all(layer.f.name in codes.Bend.__members__ for layer in network.dense)
        and network.dense[-1].units <= 4096
        and LOSSES[network.loss].name in codes.Loss.__members__
        and OPTIMIZERS[plan.optimizer].name in codes.Rule.__members__
        and CLIPPINGS[plan.clip].name in codes.Clip.__members__
        and set(plan.hyper) <= set(codes.HYPER)
    )


class Compiled:
    """Runs a stretch in one call of the kernel, without the interpreter's lock."""

    name = "compiled"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        network = plan.network
        self.net, self.real, rows = table(plan)
        self.x, self.y = lanes(plan.x), lanes(np.reshape(plan.y, (plan.samples, -1)))
        loss, optimizer = LOSSES[network.loss].name, OPTIMIZERS[plan.optimizer].name
        form = codes.FORMS.get((loss, network.dense[-1].f.name), codes.Form.plain)
        parts = [codes.Loss[loss], form, codes.Rule[optimizer], codes.Clip[CLIPPINGS[plan.clip].name]]
        self.spec = np.array([*parts, plan.size, rows, plan.mask_width], np.int64)
        self.knobs = np.array([network.l1, network.l2, plan.clip_at, plan.limit], float)
        self.hyper = np.array([plan.hyper.get(name, 0.0) for name in codes.HYPER], float)

    def run(self, theta: Array, state: State, stretch: Stretch) -> Trained:
        """The stretch; parameters and memory are changed in copies."""
        plan, kept = self.plan, stretch.epochs // stretch.every
        order = np.zeros((stretch.epochs, 0), np.int64) if stretch.order is None else stretch.order.astype(np.int64, copy=False)
        if stretch.order is None and stretch.masks is not None:
            order = np.tile(np.arange(plan.samples), (stretch.epochs, 1))
        masks = NONE if stretch.masks is None else stretch.masks
        theta, slots, counters = theta.astype(float), memory(state, plan.parameters), counts(state)
        thetas, losses, gradients = np.empty((kept, plan.parameters)), np.empty(kept), np.empty((kept, plan.parameters))
        fixed = self.net, self.real, self.spec, self.knobs, self.hyper, self.x, self.y, plan.samples
        given = order, stretch.rates.astype(float), masks, theta, slots, counters, stretch.every, stretch.watch
        done = int(train(*fixed, *given, thetas, losses, gradients))
        kept = done // stretch.every
        return Trained(done, theta, restored(state, slots, counters), thetas[:kept], losses[:kept], gradients[:kept])


def table(plan: Plan) -> tuple[Array, Array, int]:
    """net and real of the kernel, a row a layer, and the number of rows of its work space."""
    dense, inputs = plan.network.dense, plan.network.inputs
    keep = {layer: 1.0 - rate for layer, _, rate in plan.dropped}
    fed = inputs + sum(layer.units for layer in dense)
    bent = sum(layer.units * layer.f.pieces for layer in dense)
    net, real = [], []
    below, top, here, width = 0, inputs, 3 * fed, inputs
    for index, layer in enumerate(dense):
        f, wide = layer.f, layer.units * layer.f.pieces
        first = plan.places[2 * index].start
        rows = below, here, top, fed + top, 2 * fed + top, here + bent
        net.append((width, layer.units, wide, codes.Bend[f.name], first, f.pieces, *rows))
        real.append((f.parameter or 0.0, keep.get(index + 1, 1.0)))
        below, top, here, width = top, top + layer.units, here + wide, layer.units
    return np.array(net, np.int64), np.array(real, float), 3 * fed + 2 * bent


def lanes(values: Array) -> Array:
    """(n, k) as rows of k features, padded with zeros to whole vectors."""
    wide = np.zeros((values.shape[1], -(-len(values) // LANES) * LANES))
    wide[:, : len(values)] = values.T
    return wide


def memory(state: State, parameters: int) -> Array:
    """The optimizer's arrays as the first of three rows."""
    rows = np.zeros((SLOTS, parameters))
    for row, value in zip(rows, (value for value in state.values() if isinstance(value, Mapping)), strict=False):
        row[:] = value[FLAT]
    return rows


def counts(state: State) -> Array:
    """The optimizer's counters."""
    return np.array([float(state.get(name, first)) for name, first in COUNTERS.items()])


def restored(state: State, slots: Array, counters: Array) -> dict[str, Any]:
    """The memory in the shape of `state`."""
    found: dict[str, Any] = {}
    rows, numbers = iter(slots), dict(zip(COUNTERS, counters.tolist(), strict=True))
    for name, value in state.items():
        found[name] = {FLAT: next(rows)} if isinstance(value, Mapping) else type(value)(numbers[name])
    return found


def warm() -> None:
    """Compile the kernel, or load it from numba's cache: a stretch of one epoch of the smallest network."""
    plan = Plan(mlp(1, (1,)), np.ones((1, 1)), np.ones((1, 1)), "sgd")
    Compiled(plan).run(np.zeros(2), {}, Stretch(1, np.ones(1)))
