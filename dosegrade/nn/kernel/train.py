"""The loop over epochs and batches: the one function that Python calls."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from dosegrade.nn.kernel.jit import compiled, part, single
from dosegrade.nn.kernel.lanes import LANES
from dosegrade.nn.kernel.layers import gradient
from dosegrade.nn.kernel.optimizers import clip, update


@part
def gather(x, order, epoch, start, n, out):
    """The columns order[epoch, start : start + n] of x."""
    for i in range(x.shape[0]):
        for k in range(n):
            out[i, k] = x[i, order[epoch, start + k]]


@single
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


@single
def write_down(theta, loss, grad, thetas, losses, grads, row):
    """What a frame is made from."""
    losses[row] = loss
    for k in range(theta.size):
        thetas[row, k] = theta[k]
        grads[row, k] = grad[k]


@compiled
def train(net, real, spec, knobs, hyper, x, y, n, order, rates, masks, theta, state, counters, every, watch, thetas, losses, grads):
    """Whole epochs: `order` (epochs, n) sample numbers (epochs, 0 for the full batch without dropout), `rates` a learning rate an update.

    net, a row a layer: inputs, units, z rows, activation code, place of W in theta, pieces, and the rows in `work` of inputs, z, a,
    slope, da, dz; real: parameter of the activation, share kept by dropout. spec: loss code, joint form, optimizer code, clipping code,
    batch, rows of `work`, mask entries a sample; knobs: l1, l2, bound of clipping, highest loss.

    Every `every` epochs parameters, loss and gradient of all samples are written down; with `watch` they are looked at each epoch. Gives
    the number of epochs trained: fewer than asked where numbers ran out of bounds, and then theta and state are those before.
    """
    batch, epochs = spec[4], order.shape[0]
    some, drops = order.shape[1] > 0, masks.size > 0
    steps = (n + batch - 1) // batch
    width = (min(batch, n) + LANES - 1) // LANES * LANES
    work, work_b, yb = np.zeros((spec[5], x.shape[1])), np.zeros((spec[5], width)), np.zeros((y.shape[0], width))
    copy_rows(x, work)
    grad, whole = np.zeros(theta.size), np.zeros(theta.size)
    old_theta, old_state, old_counters = theta.copy(), state.copy(), counters.copy()
    step, kept, loss, at = 0, 0, 0.0, np.int64(0)
    for epoch in range(0 if some else -1, epochs):
        write = epoch >= 0 and (epoch + 1) % every == 0
        if epoch >= 0 and (watch or epoch % every == 0):
            copy(theta, old_theta)
            copy(counters, old_counters)
            copy_rows(state, old_state)
        for turn in range(0 if epoch >= 0 else steps, steps + 1):
            look = turn == steps
            if look and some and not (watch or write):
                break
            space, goal, slope, size = (work, y, whole, n) if look else (work_b, yb, grad, min(batch, n - turn * batch))
            if some and not look:
                gather(x, order, epoch, turn * batch, size, work_b)
                gather(y, order, epoch, turn * batch, size, yb)
            if some or look:
                first = at if drops and not look else np.int64(-1)
                loss = gradient(net, real, spec, knobs, goal, theta, space, slope, masks, first, size, space.shape[1])
            if not look:
                slope = grad if some else whole
                clip(spec[3], knobs[2], net, slope)
                update(spec[2], theta, slope, state, counters, rates[step], hyper)
                at += size * spec[6]
                step += 1
        if epoch >= 0 and (watch or write) and not healthy(loss, theta, whole, knobs[3]):
            copy(old_theta, theta)
            copy(old_counters, counters)
            copy_rows(old_state, state)
            return epoch
        if write:
            write_down(theta, loss, whole, thetas, losses, grads, kept)
            kept += 1
    return epochs
