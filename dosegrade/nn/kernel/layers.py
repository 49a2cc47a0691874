"""The layers forwards and backwards, and the gradient that comes of it."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from dosegrade.nn.kernel.activations import (
    bend_rows,
    maxout_back,
    maxout_rows,
    same_rows,
    softmax_back,
    softmax_rows,
    tanh_and_slope,
)
from dosegrade.nn.kernel.codes import Bend
from dosegrade.nn.kernel.jit import inner, part, single
from dosegrade.nn.kernel.lanes import LANES, lanes, load, pick, store, total
from dosegrade.nn.kernel.losses import loss_and_error


@inner
def affine(theta, first, work, below, here, inputs, outputs, width):
    """z = Wᵀa + b; b follows W."""
    bias = first + inputs * outputs
    for j in range(outputs):
        b = pick(theta, bias + j)
        for k in range(0, width, LANES):
            sums = lanes(b)
            for i in range(inputs):
                sums = sums + pick(theta, first + i * outputs + j) * load(work, below + i, k)
            store(work, here + j, k, sums)


@inner
def pull(theta, first, work, delta, error, inputs, outputs, width):
    """da = W dz."""
    for i in range(inputs):
        for k in range(0, width, LANES):
            sums = lanes(0.0)
            for j in range(outputs):
                sums = sums + pick(theta, first + i * outputs + j) * load(work, delta + j, k)
            store(work, error + i, k, sums)


@inner
def slopes(work, below, delta, grad, first, inputs, outputs, width):
    """dW = a dzᵀ and db = Σ dz."""
    bias = first + inputs * outputs
    for j in range(outputs):
        sums = lanes(0.0)
        for k in range(0, width, LANES):
            sums = sums + load(work, delta + j, k)
        grad[bias + j] = total(sums)
        for i in range(inputs):
            sums = lanes(0.0)
            for k in range(0, width, LANES):
                sums = sums + load(work, below + i, k) * load(work, delta + j, k)
            grad[first + i * outputs + j] = total(sums)


@inner
def chain(work, error, bent, delta, units, width):
    """dz = da ⊙ f'(z)."""
    for j in range(units):
        for k in range(0, width, LANES):
            store(work, delta + j, k, load(work, error + j, k) * load(work, bent + j, k))


@part
def drop(work, row, mask, at, n, units, width, keep):
    """a ⊙ mask/(1 − rate) in place; the mask is sample-major from `at`."""
    for j in range(units):
        for k in range(n):
            work[row + j, k] = work[row + j, k] * mask[at + k * units + j] / keep
        for k in range(n, width):
            work[row + j, k] = 0.0


@single
def forward(net, real, theta, work, masks, at, n, width):
    """z, a and slope of every layer, what dropout leaves of a included. Gives the place after the mask entries that were used."""
    for l in range(net.shape[0]):
        inputs, units, wide, code, first = net[l, 0], net[l, 1], net[l, 2], net[l, 3], net[l, 4]
        below, here, top, bent = net[l, 6], net[l, 7], net[l, 8], net[l, 9]
        affine(theta, first, work, below, here, inputs, wide, width)
        if code == Bend.tanh:
            tanh_and_slope(work, here, top, bent, units, width)
        elif code == Bend.identity:
            same_rows(work, here, top, bent, units, width)
        elif code == Bend.maxout:
            maxout_rows(work, here, top, units, net[l, 5], width)
        elif code == Bend.softmax:
            softmax_rows(work, here, top, units, width)
        else:
            bend_rows(code, real[l, 0], work, here, top, bent, units, width)
        if at >= 0 and real[l, 1] < 1.0:
            drop(work, top, masks, at, n, units, width, real[l, 1])
            at += n * units
    return at


@single
def unbend(code, joined, work, here, top, error, delta, units, pieces, width):
    """dz from da where outputs mix, or where the loss has given dz."""
    if joined:
        for j in range(units):
            for k in range(width):
                work[delta + j, k] = work[error + j, k]
    elif code == Bend.maxout:
        maxout_back(work, here, error, delta, units, pieces, width)
    else:
        softmax_back(work, top, error, delta, units, width)


@single
def backward(net, real, kind, theta, work, grad, masks, at, n, width):
    """All gradients, from the gradient by the outputs, or by the last z where `kind` is a joint form."""
    last = net.shape[0] - 1
    for back in range(last + 1):
        l = last - back
        inputs, units, wide, code, first = net[l, 0], net[l, 1], net[l, 2], net[l, 3], net[l, 4]
        below, here, top, bent, error, delta = net[l, 6], net[l, 7], net[l, 8], net[l, 9], net[l, 10], net[l, 11]
        if at >= 0 and real[l, 1] < 1.0:
            at -= n * units
            drop(work, error, masks, at, n, units, width, real[l, 1])
        joined = kind > 0 and l == last
        if joined or code in (Bend.maxout, Bend.softmax):
            unbend(code, joined, work, here, top, error, delta, units, net[l, 5], width)
        else:
            chain(work, error, bent, delta, units, width)
        slopes(work, below, delta, grad, first, inputs, wide, width)
        if l > 0:
            pull(theta, first, work, delta, net[l - 1, 10], inputs, wide, width)


@single
def penalise(net, l1, l2, theta, grad):
    """l1 Σ|W| + l2 Σ W² of all kernels; its slope is added to grad."""
    total = 0.0
    for l in range(net.shape[0]):
        for k in range(net[l, 4], net[l, 4] + net[l, 0] * net[l, 2]):
            w = theta[k]
            total += l1 * abs(w) + l2 * w * w
            grad[k] += l1 * np.sign(w) + 2.0 * l2 * w
    return total


@single
def gradient(net, real, spec, knobs, y, theta, work, grad, masks, at, n, width):
    """The loss of n samples and, in grad, all its derivatives; `at` is where the dropout masks begin, −1 without dropout."""
    last = net.shape[0] - 1
    at = forward(net, real, theta, work, masks, at, n, width)
    loss = loss_and_error(spec[0], spec[1], y, work, net[last, 7], net[last, 8], net[last, 10], net[last, 1], n, width)
    backward(net, real, spec[1], theta, work, grad, masks, at, n, width)
    if knobs[0] > 0 or knobs[1] > 0:
        loss += penalise(net, knobs[0], knobs[1], theta, grad)
    return loss
