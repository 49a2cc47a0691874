"""Losses: the loss of the samples of a batch and its gradient by the outputs, or by z in a joint form."""

# mypy: ignore-errors

from __future__ import annotations

import math

from dosegrade.nn.kernel.activations import softplus
from dosegrade.nn.kernel.codes import Form, Loss
from dosegrade.nn.kernel.jit import inner, part, single
from dosegrade.nn.kernel.lanes import LANES, lanes, load, store, total

EPSILON = 1e-7
BY_ROWS = (
    Loss.absolute,
    Loss.cosine_similarity,
    Loss.categorical_crossentropy,
    Loss.sparse_categorical_crossentropy,
    Loss.categorical_hinge,
)
"""Losses that look at all outputs of a sample at once."""
SUMS = (Loss.squared, *BY_ROWS, Loss.cross_entropy, Loss.kl_divergence)
"""Losses that are no mean over the outputs."""


@part
def between(x, low, high):
    """clip(x, low, high)."""
    return low if x < low else high if x > high else x


@part
def sign(x):
    """−1, 0 or 1; nan stays nan."""
    return 1.0 if x > 0 else -1.0 if x < 0 else x


@part
def entry(code, t, q):
    """Loss of one output q with target t, and its slope by q, for the losses that work entry by entry."""
    d = q - t
    if code == Loss.mean_absolute_error:
        return abs(d), sign(d)
    if code == Loss.mean_absolute_percentage_error:
        size = 100.0 / max(abs(t), EPSILON)
        return abs(d) * size, sign(d) * size
    if code == Loss.mean_squared_logarithmic_error:
        d = math.log1p(EPSILON if q <= EPSILON else q) - math.log1p(max(t, EPSILON))
        return d * d, 0.0 if q <= EPSILON else 2.0 * d / (q + 1.0)
    if code == Loss.log_cosh:
        return d + softplus(-2.0 * d) - math.log(2.0), math.tanh(d)
    if code == Loss.cross_entropy:
        return -t * math.log(q) if t != 0 else 0.0, -t / q
    if code == Loss.binary_crossentropy:
        c = between(q, EPSILON, 1.0 - EPSILON)
        slope = (c - t) / (c * (1.0 - c)) if EPSILON < q < 1.0 - EPSILON else 0.0
        return -t * math.log(c) - (1.0 - t) * math.log(1.0 - c), slope
    if code in (Loss.squared_hinge, Loss.hinge):
        room = 0.0 if 1.0 - t * q <= 0 else 1.0 - t * q
        return (room * room, -2.0 * t * room) if code == Loss.squared_hinge else (room, -t if room > 0 else 0.0)
    if code == Loss.kl_divergence:
        t, c = between(t, EPSILON, 1.0), between(q, EPSILON, 1.0)
        return t * math.log(t / c), -t / c if EPSILON < q < 1.0 else 0.0
    return q - t * math.log(q + EPSILON), 1.0 - t / (q + EPSILON)


@part
def distance(y, p, g, k, units, scale):
    """‖p − y‖ of sample k, and its gradient times scale into g."""
    square = 0.0
    for j in range(units):
        square += (p[j, k] - y[j, k]) ** 2
    size = math.sqrt(square)
    for j in range(units):
        g[j, k] = (p[j, k] - y[j, k]) / (size if size > 0 else 1.0) * scale
    return size


@part
def cosine(y, p, g, k, units, scale):
    """−cos of the angle between target and output of sample k, and its gradient times scale into g."""
    t2, p2, dot = 0.0, 0.0, 0.0
    for j in range(units):
        t, q = y[j, k], p[j, k]
        t2 += t * t
        p2 += q * q
        dot += t * q
    long_t, long_p = max(math.sqrt(t2), EPSILON), max(math.sqrt(p2), EPSILON)
    along = dot / (long_t * long_p) if long_p > EPSILON else 0.0
    for j in range(units):
        g[j, k] = (along * p[j, k] / long_p - y[j, k] / long_t) / long_p * scale
    return -dot / (long_t * long_p)


@part
def categorical_hinge(y, p, g, k, units, scale):
    """max(0, 1 + max (1−y)p − Σ yp) of sample k, and its gradient times scale into g."""
    first, most, right = 0, 0.0, 0.0
    for j in range(units):
        t, q = y[j, k], p[j, k]
        right += t * q
        if j == 0 or (1.0 - t) * q > most:
            first, most = j, (1.0 - t) * q
    room = 1.0 + most - right
    for j in range(units):
        t = y[j, k]
        g[j, k] = ((1.0 - t if j == first else 0.0) - t) * scale if room > 0 else 0.0
    return max(room, 0.0) if room == room else room


@part
def target(code, y, j, k):
    """The target of output j: its own row, or one-hot from the label in row 0."""
    if code == Loss.sparse_categorical_crossentropy:
        return 1.0 if y[0, k] == j else 0.0
    return y[j, k]


@part
def shares(code, y, p, g, k, units, scale):
    """Cross-entropy of sample k with probabilities that are divided by their sum, and its gradient times scale into g."""
    whole, loss, kept = 0.0, 0.0, 0.0
    for j in range(units):
        whole += p[j, k]
    for j in range(units):
        t, q = target(code, y, j, k), p[j, k]
        r = between(q / whole, EPSILON, 1.0 - EPSILON)
        loss -= t * math.log(r)
        inside = r == q / whole and EPSILON < r < 1.0 - EPSILON
        kept += t if inside else 0.0
        g[j, k] = -t / q * scale if inside and t != 0 else 0.0
    for j in range(units):
        g[j, k] += kept / whole * scale
    return loss


@part
def from_softmax(code, y, z, p, g, k, units, scale):
    """Cross-entropy of sample k after softmax, from z; the gradient by z, p − t, times scale into g."""
    top, whole, weight, loss = z[0, k], 0.0, 0.0, 0.0
    for j in range(1, units):
        top = max(top, z[j, k])
    for j in range(units):
        whole += math.exp(z[j, k] - top)
        weight += target(code, y, j, k)
    for j in range(units):
        t = target(code, y, j, k)
        loss -= t * (z[j, k] - top - math.log(whole))
        g[j, k] = (p[j, k] * weight - t) * scale
    return loss


@part
def rows(code, kind, y, z, p, g, k, units, scale):
    """The loss of sample k by the losses that look at all outputs at once."""
    if kind == Form.softmax:
        return from_softmax(code, y, z, p, g, k, units, scale)
    if code == Loss.absolute:
        return distance(y, p, g, k, units, scale)
    if code == Loss.cosine_similarity:
        return cosine(y, p, g, k, units, scale)
    if code == Loss.categorical_hinge:
        return categorical_hinge(y, p, g, k, units, scale)
    return shares(code, y, p, g, k, units, scale)


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
    binary = code in (Loss.squared_hinge, Loss.hinge) and all_binary(y, units, n)
    loss = 0.0
    if kind == Form.softmax or code in BY_ROWS:
        for k in range(n):
            loss += rows(code, kind, y, z, p, g, k, units, scale)
        return loss
    for j in range(units):
        for k in range(n):
            t, q = y[j, k], p[j, k]
            if kind == Form.sigmoid:
                one, slope = softplus(z[j, k]) - t * z[j, k], q - t
            else:
                one, slope = entry(code, 2.0 * t - 1.0 if binary else t, q)
            loss += one
            g[j, k] = slope * scale
    return loss


@single
def loss_and_error(code, kind, y, work, here, top, error, units, n, width):
    """The mean loss of n samples; its gradient by the outputs, or by z where `kind` is a joint form; 0 in the padding."""
    scale = 1.0 / n if code in SUMS else 1.0 / (n * units)
    for j in range(units):
        for k in range(n, width):
            work[error + j, k] = 0.0
    if code in (Loss.squared, Loss.mean_squared_error):
        loss = squared_error(y, work, top, error, units, n, scale)
    else:
        loss = other_losses(code, kind, y, work[here:], work[top:], work[error:], units, n, scale)
    return loss * scale
