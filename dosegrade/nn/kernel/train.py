"""The loop over epochs and batches: the one function that Python calls."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from dosegrade.nn.kernel.jit import compiled, part
from dosegrade.nn.kernel.lanes import LANES
from dosegrade.nn.kernel.layers import gradient
from dosegrade.nn.kernel.optimizers import clip, update


@part
def gather(x, order, epoch, start, n, out):
    """The columns order[epoch, start : start + n] of x."""
    for i in range(x.shape[0]):
        for k in range(n):
            out[i, k] = x[i, order[epoch, start + k]]


@part
def healthy(loss, theta, grad, limit):
    """Whether the loss is within its limit and all numbers are finite."""
    total = 0.0
    for k in range(theta.size):
        total += abs(theta[k]) * 0.0 + abs(grad[k]) * 0.0
    return loss <= limit and total == 0.0


@part
def copy(source, target):
    """target = source, of one dimension."""
    for k in range(source.size):
        target[k] = source[k]


@part
def copy_rows(source, target):
    """target = source in the rows and columns that source has."""
    for j in range(source.shape[0]):
        for k in range(source.shape[1]):
            target[j, k] = source[j, k]


@part
def write_down(theta, loss, grad, thetas, losses, grads, row):
    """What a frame is made from."""
    losses[row] = loss
    for k in range(theta.size):
        thetas[row, k] = theta[k]
        grads[row, k] = grad[k]


@compiled
def train(  # noqa: C901
    net, real, spec, knobs, hyper, x, y, n, order, rates, masks, theta, state, counters, every, watch, thetas, losses, grads
):
    """Whole epochs: `order` (epochs, n) sample numbers (epochs, 0 for the full batch), `rates` a learning rate an update.

    net, a row a layer: inputs, units, z rows, activation code, place of W in theta, pieces, and the rows in `work` of inputs, z, a,
    slope, da, dz; real: parameter of the activation, share kept by dropout. spec: loss code, joint form, optimizer code, clipping code,
    batch, rows of `work`, mask entries a sample; knobs: l1, l2, bound of clipping, highest loss.

    Every `every` epochs parameters, loss and gradient of all samples are written down; with `watch` they are looked at each epoch. Gives
    the number of epochs trained: fewer than asked where numbers ran out of bounds, and then theta and state are those before.
    """
    batch, lanes_all = spec[4], x.shape[1]
    some, drops = order.shape[1] > 0, masks.size > 0
    width = (min(batch, n) + LANES - 1) // LANES * LANES
    work, work_b, yb = np.zeros((spec[5], lanes_all)), np.zeros((spec[5], width)), np.zeros((y.shape[0], width))
    copy_rows(x, work)
    grad, whole = np.zeros(theta.size), np.zeros(theta.size)
    old_theta, old_state, old_counters = theta.copy(), state.copy(), counters.copy()
    fresh = not some and not drops
    step, kept, loss, at, nowhere = 0, 0, 0.0, np.int64(0), np.int64(-1)
    if fresh:
        gradient(net, real, spec, knobs, y, theta, work, whole, masks, nowhere, n, lanes_all)
    for epoch in range(order.shape[0]):
        if watch or epoch % every == 0:
            copy(theta, old_theta)
            copy(counters, old_counters)
            copy_rows(state, old_state)
        for start in range(0, n, batch):
            size = min(batch, n - start)
            if fresh:
                grad = whole
            elif not some:
                gradient(net, real, spec, knobs, y, theta, work, grad, masks, at, n, lanes_all)
            else:
                gather(x, order, epoch, start, size, work_b)
                gather(y, order, epoch, start, size, yb)
                gradient(net, real, spec, knobs, yb, theta, work_b, grad, masks, at if drops else nowhere, size, width)
            at += size * spec[6]
            clip(spec[3], knobs[2], net, grad)
            update(spec[2], theta, grad, state, counters, rates[step], hyper)
            step += 1
        write = (epoch + 1) % every == 0
        if fresh or watch or write:
            loss = gradient(net, real, spec, knobs, y, theta, work, whole, masks, nowhere, n, lanes_all)
        if watch or write:
            if not healthy(loss, theta, whole, knobs[3]):
                copy(old_theta, theta)
                copy(old_counters, counters)
                copy_rows(old_state, state)
                return epoch
            if write:
                write_down(theta, loss, whole, thetas, losses, grads, kept)
                kept += 1
    return order.shape[0]
