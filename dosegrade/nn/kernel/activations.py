"""Activations: outputs and slopes of the rows of a layer."""

# mypy: ignore-errors

from __future__ import annotations

import math

from dosegrade.nn.activations import SELU_ALPHA, SELU_SCALE
from dosegrade.nn.kernel.codes import Bend
from dosegrade.nn.kernel.jit import inner, part
from dosegrade.nn.kernel.lanes import LANES, lanes, load, store, within


@inner
def tanh_and_slope(work, here, top, bent, units, width):
    """tanh z and 1 − tanh²z: a Padé quotient n/d at z/8 and three doublings, n' = 2nd, d' = n² + d², d'² − n'² = (d² − n²)²."""
    for j in range(units):
        for k in range(0, width, LANES):
            x = within(load(work, here + j, k) * 0.125, 3.5)
            q = x * x
            n = x * (34459425.0 + q * (4729725.0 + q * (135135.0 + q * (990.0 + q))))
            d = 34459425.0 + q * (16216200.0 + q * (945945.0 + q * (13860.0 + q * 45.0)))
            c = (d - n) * (d + n)
            m = 2.0 * n * d
            d = n * n + d * d
            c = c * c
            n = 2.0 * m * d
            d = m * m + d * d
            r = 1.0 / (n * n + d * d)
            c = c * c * r
            store(work, top + j, k, 2.0 * n * d * r)
            store(work, bent + j, k, c * c)


@part
def sigmoid(x):
    """1/(1+e^{−x})."""
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


@part
def softplus(x):
    """ln(1 + e^x)."""
    return (x if x > 0 else 0.0) + math.log1p(math.exp(-abs(x)))


@part
def relu_and_slope(low, work, here, top, bent, units, width):
    """z where positive, else low·z."""
    for j in range(units):
        for k in range(width):
            slope = low if work[here + j, k] <= 0 else 1.0
            work[top + j, k] = work[here + j, k] * slope
            work[bent + j, k] = slope


@part
def bend(code, parameter, x):
    """Output and slope of the other activations that work entry by entry."""
    if code == Bend.sigmoid:
        return sigmoid(x), sigmoid(x) * sigmoid(-x)
    if code == Bend.elu:
        return (parameter * math.expm1(x), parameter * math.exp(x)) if x <= 0 else (x, 1.0)
    if code == Bend.selu:
        steep = SELU_SCALE * SELU_ALPHA
        return (steep * math.expm1(x), steep * math.exp(x)) if x <= 0 else (SELU_SCALE * x, SELU_SCALE)
    if code == Bend.softplus:
        return softplus(x), sigmoid(x)
    if code == Bend.softsign:
        r = 1.0 / (1.0 + abs(x))
        return x * r, r * r
    if code == Bend.silu:
        return x * sigmoid(x), sigmoid(x) * (1.0 + x * sigmoid(-x))
    if code == Bend.gelu:
        cdf = 0.5 * math.erfc(-x * math.sqrt(0.5))
        return x * cdf, cdf + x * math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    if x <= -3.0:
        return 0.0, 0.0
    return (1.0, 0.0) if x >= 3.0 else (x / 6.0 + 0.5, 1.0 / 6.0)


@part
def bend_rows(code, parameter, work, here, top, bent, units, width):
    """Outputs and slopes of all rows of a layer, by the activations that need no vectors."""
    if code in (Bend.relu, Bend.leaky_relu):
        relu_and_slope(parameter if code == Bend.leaky_relu else 0.0, work, here, top, bent, units, width)
        return
    for j in range(units):
        for k in range(width):
            work[top + j, k], work[bent + j, k] = bend(code, parameter, work[here + j, k])


@inner
def same_rows(work, here, top, bent, units, width):
    """a = z with slope 1."""
    for j in range(units):
        for k in range(0, width, LANES):
            store(work, top + j, k, load(work, here + j, k))
            store(work, bent + j, k, lanes(1.0))


@part
def softmax_rows(work, here, top, units, width):
    """Softmax over the rows of each of the samples."""
    for k in range(width):
        most = work[here, k]
        for j in range(1, units):
            most = max(most, work[here + j, k])
        total = 0.0
        for j in range(units):
            work[top + j, k] = math.exp(work[here + j, k] - most)
            total += work[top + j, k]
        for j in range(units):
            work[top + j, k] /= total


@part
def maxout_rows(work, here, top, units, pieces, width):
    """The largest of each unit's pieces."""
    for j in range(units):
        for k in range(width):
            best = work[here + j * pieces, k]
            for p in range(1, pieces):
                if work[here + j * pieces + p, k] > best:
                    best = work[here + j * pieces + p, k]
            work[top + j, k] = best


@part
def maxout_back(work, here, error, delta, units, pieces, width):
    """The gradient to the first largest piece."""
    for j in range(units):
        for k in range(width):
            best = 0
            for p in range(1, pieces):
                if work[here + j * pieces + p, k] > work[here + j * pieces + best, k]:
                    best = p
            for p in range(pieces):
                work[delta + j * pieces + p, k] = work[error + j, k] if p == best else 0.0


@part
def softmax_back(work, top, error, delta, units, width):
    """p ⊙ (da − Σ da·p)."""
    for k in range(width):
        total = 0.0
        for j in range(units):
            total += work[error + j, k] * work[top + j, k]
        for j in range(units):
            work[delta + j, k] = work[top + j, k] * (work[error + j, k] - total)
