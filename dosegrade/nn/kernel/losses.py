"""Losses: the loss of the samples of a batch and its gradient by the outputs, or by z in a joint form."""

# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from dosegrade.nn.kernel.activations import softplus
from dosegrade.nn.kernel.codes import LOSS_CODES
from dosegrade.nn.kernel.jit import inner, part
from dosegrade.nn.kernel.lanes import LANES, lanes, load, store, total

EPSILON = 1e-7
SPARSE = LOSS_CODES["sparse_categorical_crossentropy"]


@part
def clip_share(p):
    """clip(p, ε, 1−ε)."""
    return EPSILON if p < EPSILON else 1.0 - EPSILON if p > 1.0 - EPSILON else p


@part
def regression(code, y, p, g, k, units, scale):
    """Loss of sample k by the entry-wise losses of regression; its gradient by p, times scale, into g."""
    total = 0.0
    for j in range(units):
        d = p[j, k] - y[j, k]
        if code == 3:
            total += abs(d)
            g[j, k] = np.sign(d) * scale
        elif code == 4:
            size = 100.0 / max(abs(y[j, k]), EPSILON)
            total += abs(d) * size
            g[j, k] = np.sign(d) * size * scale
        elif code == 5:
            low = p[j, k] <= EPSILON
            d = math.log1p(EPSILON if low else p[j, k]) - math.log1p(max(y[j, k], EPSILON))
            total += d * d
            g[j, k] = 0.0 if low else 2.0 * d / (p[j, k] + 1.0) * scale
        elif code == 6:
            total += d + softplus(-2.0 * d) - math.log(2.0)
            g[j, k] = math.tanh(d) * scale
        else:
            total += p[j, k] - y[j, k] * math.log(p[j, k] + EPSILON)
            g[j, k] = (1.0 - y[j, k] / (p[j, k] + EPSILON)) * scale
    return total


@part
def whole_rows(code, y, p, g, k, units, scale):
    """Loss of sample k by the losses that look at all outputs at once: absolute, cosine, categorical hinge."""
    if code == 2:
        total = 0.0
        for j in range(units):
            total += (p[j, k] - y[j, k]) ** 2
        size = math.sqrt(total)
        for j in range(units):
            g[j, k] = (p[j, k] - y[j, k]) / (size if size > 0 else 1.0) * scale
        return size
    if code == 7:
        t2, p2, dot = 0.0, 0.0, 0.0
        for j in range(units):
            t2 += y[j, k] * y[j, k]
            p2 += p[j, k] * p[j, k]
            dot += y[j, k] * p[j, k]
        long_t, long_p = max(math.sqrt(t2), EPSILON), max(math.sqrt(p2), EPSILON)
        along = dot / (long_t * long_p) if long_p > EPSILON else 0.0
        for j in range(units):
            g[j, k] = (along * p[j, k] / long_p - y[j, k] / long_t) / long_p * scale
        return -dot / (long_t * long_p)
    first, right = 0, 0.0
    for j in range(units):
        right += y[j, k] * p[j, k]
        if (1.0 - y[j, k]) * p[j, k] > (1.0 - y[first, k]) * p[first, k]:
            first = j
    room = 1.0 + (1.0 - y[first, k]) * p[first, k] - right
    for j in range(units):
        g[j, k] = ((1.0 - y[j, k] if j == first else 0.0) - y[j, k]) * scale if room > 0 else 0.0
    return max(room, 0.0) if room == room else room


@part
def target(code, y, j, k):
    """The target of output j: its own row, or one-hot from the label in row 0."""
    if code == SPARSE:
        return 1.0 if y[0, k] == j else 0.0
    return y[j, k]


@part
def shares(code, y, p, g, k, units, scale):
    """Loss of sample k by the cross-entropies and the Kullback-Leibler divergence on probabilities."""
    total, loss = 0.0, 0.0
    for j in range(units):
        total += p[j, k]
    kept = 0.0
    for j in range(units):
        t, q = target(code, y, j, k), p[j, k]
        if code == 8:
            if t != 0:
                loss -= t * math.log(q)
            g[j, k] = -t / q * scale
        elif code == 11:
            c = clip_share(q)
            loss -= t * math.log(c) + (1.0 - t) * math.log(1.0 - c)
            g[j, k] = (c - t) / (c * (1.0 - c)) * scale if EPSILON < q < 1.0 - EPSILON else 0.0
        elif code == 15:
            t, c = min(max(t, EPSILON), 1.0), min(max(q, EPSILON), 1.0)
            loss += t * math.log(t / c) if q == q else q
            g[j, k] = -t / c * scale if EPSILON < q < 1.0 else 0.0
        else:
            r = q / total
            loss -= t * math.log(clip_share(r))
            inside = EPSILON < r < 1.0 - EPSILON
            kept += t if inside else 0.0
            g[j, k] = -t / q * scale if inside and t != 0 else 0.0
    if code == 9 or code == 10:
        for j in range(units):
            g[j, k] += kept / total * scale
    return loss


@part
def hinges(code, y, p, g, k, units, scale, binary):
    """Loss of sample k by hinge or squared hinge; binary where all labels of the batch are 0 or 1."""
    total = 0.0
    for j in range(units):
        t = 2.0 * y[j, k] - 1.0 if binary else y[j, k]
        room = 1.0 - t * p[j, k]
        if room <= 0:
            room = 0.0
        total += room * room if code == 12 else room
        g[j, k] = -2.0 * t * room * scale if code == 12 else -t * scale if room > 0 else 0.0
    return total


@part
def joint(kind, code, y, z, p, g, k, units, scale):
    """Softmax with cross-entropy and sigmoid with binary cross-entropy, from z; the gradient by z is p − t."""
    loss = 0.0
    if kind == 2:
        for j in range(units):
            loss += softplus(z[j, k]) - y[j, k] * z[j, k]
            g[j, k] = (p[j, k] - y[j, k]) * scale
        return loss
    top, total, weight = z[0, k], 0.0, 0.0
    for j in range(1, units):
        top = max(top, z[j, k])
    for j in range(units):
        total += math.exp(z[j, k] - top)
        weight += target(code, y, j, k)
    for j in range(units):
        loss -= target(code, y, j, k) * (z[j, k] - top - math.log(total))
        g[j, k] = (p[j, k] * weight - target(code, y, j, k)) * scale
    return loss


@part
def all_binary(y, units, n):
    """Whether every label is 0 or 1."""
    for j in range(units):
        for k in range(n):
            if y[j, k] != 0 and y[j, k] != 1:
                return False
    return True


@inner
def squared_error(y, work, top, error, units, n, scale):
    """Σ (p − y)², and 2(p − y)·scale."""
    loss, squares = 0.0, lanes(0.0)
    even = n // LANES * LANES
    for j in range(units):
        for k in range(0, even, LANES):
            d = load(work, top + j, k) - load(y, j, k)
            store(work, error + j, k, (2.0 * scale) * d)
            squares = squares + d * d
        for k in range(even, n):
            d = work[top + j, k] - y[j, k]
            work[error + j, k] = 2.0 * scale * d
            loss += d * d
    return loss + total(squares)


@part
def other_losses(code, kind, y, z, p, g, units, n, scale):
    """The loss of n samples by all but the squared errors."""
    binary = (code == 12 or code == 13) and all_binary(y, units, n)
    loss = 0.0
    for k in range(n):
        if kind > 0:
            loss += joint(kind, code, y, z, p, g, k, units, scale)
        elif 3 <= code <= 6 or code == 16:
            loss += regression(code, y, p, g, k, units, scale)
        elif code == 12 or code == 13:
            loss += hinges(code, y, p, g, k, units, scale, binary)
        elif code == 2 or code == 7 or code == 14:
            loss += whole_rows(code, y, p, g, k, units, scale)
        else:
            loss += shares(code, y, p, g, k, units, scale)
    return loss


@inner
def loss_and_error(code, kind, y, work, here, top, error, units, n, width):
    """The mean loss of n samples; its gradient by the outputs, or by z where `kind` is a joint form; 0 in the padding."""
    per_row = code == 0 or code == 2 or 7 <= code <= SPARSE or code == 14 or code == 15
    scale = 1.0 / n if per_row else 1.0 / (n * units)
    for j in range(units):
        for k in range(n, width):
            work[error + j, k] = 0.0
    if code < 2:
        return squared_error(y, work, top, error, units, n, scale) * scale
    return other_losses(code, kind, y, work[here:], work[top:], work[error:], units, n, scale) * scale
