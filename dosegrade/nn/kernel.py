"""The compiled engine for small networks: whole epochs in one call, without the interpreter and without its lock.

Everything is feature-major, the samples of a batch innermost and padded to whole vectors, so that the compiler vectorises each loop. What
a network is made of comes in as codes: a name that has no code here is trained by another engine. The rules are those of the tables, the
derivation that of `Network.steps`; tests hold both to 1e-12. Infinities and nan are kept: divergence stays visible.
"""

# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np
from numba import njit

from dosegrade.nn.lanes import LANES, lanes, load, pick, store, total, within

EPSILON = 1e-7
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

ACTIVATION_CODES = {
    name: code
    for code, name in enumerate(
        (
            "identity",
            "sigmoid",
            "tanh",
            "relu",
            "leaky_relu",
            "elu",
            "selu",
            "softplus",
            "softsign",
            "silu",
            "gelu",
            "hard_sigmoid",
            "maxout",
            "softmax",
        )
    )
}
TANH, MAXOUT, SOFTMAX = ACTIVATION_CODES["tanh"], ACTIVATION_CODES["maxout"], ACTIVATION_CODES["softmax"]
LOSS_CODES = {
    name: code
    for code, name in enumerate(
        (
            "squared",
            "mean_squared_error",
            "absolute",
            "mean_absolute_error",
            "mean_absolute_percentage_error",
            "mean_squared_logarithmic_error",
            "log_cosh",
            "cosine_similarity",
            "cross_entropy",
            "categorical_crossentropy",
            "sparse_categorical_crossentropy",
            "binary_crossentropy",
            "squared_hinge",
            "hinge",
            "categorical_hinge",
            "kl_divergence",
            "poisson",
        )
    )
}
SPARSE = LOSS_CODES["sparse_categorical_crossentropy"]
OPTIMIZER_CODES = {
    name: code
    for code, name in enumerate(
        (
            "sgd",
            "momentum",
            "nesterov",
            "rmsprop",
            "rmsprop_centered",
            "rmsprop_momentum",
            "adam",
            "amsgrad",
            "adamw",
            "nadam",
            "adamax",
            "adagrad",
            "adadelta",
        )
    )
}
CLIPPING_CODES = {"none": 0, "value": 1, "norm": 2, "global_norm": 3}
HYPER = ("beta_1", "beta_2", "rho", "momentum", "epsilon", "weight_decay")
JOINT = {("cross_entropy", "softmax"): 1, ("categorical_crossentropy", "softmax"): 1, ("sparse_categorical_crossentropy", "softmax"): 1}
JOINT |= {("binary_crossentropy", "sigmoid"): 2}

OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "arcp", "nsz"}}


def part(function):
    """A part of the kernel, compiled into it and never called from Python."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function)


def inner(function):
    """A part that is written out where it is called."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS)(function)


def compiled(function):
    """numba's compiler with its cache on disk, or without where no folder can be written."""
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return njit(**OPTIONS)(function)


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
    if code == 1:
        return sigmoid(x), sigmoid(x) * sigmoid(-x)
    if code == 5:
        return (parameter * math.expm1(x), parameter * math.exp(x)) if x <= 0 else (x, 1.0)
    if code == 6:
        steep = SELU_SCALE * SELU_ALPHA
        return (steep * math.expm1(x), steep * math.exp(x)) if x <= 0 else (SELU_SCALE * x, SELU_SCALE)
    if code == 7:
        return softplus(x), sigmoid(x)
    if code == 8:
        r = 1.0 / (1.0 + abs(x))
        return x * r, r * r
    if code == 9:
        return x * sigmoid(x), sigmoid(x) * (1.0 + x * sigmoid(-x))
    if code == 10:
        cdf = 0.5 * math.erfc(-x * math.sqrt(0.5))
        return x * cdf, cdf + x * math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    if x <= -3.0:
        return 0.0, 0.0
    return (1.0, 0.0) if x >= 3.0 else (x / 6.0 + 0.5, 1.0 / 6.0)


@part
def bend_rows(code, parameter, work, here, top, bent, units, width):
    """Outputs and slopes of all rows of a layer, by the activations that need no vectors."""
    if code == 3 or code == 4:
        relu_and_slope(parameter if code == 4 else 0.0, work, here, top, bent, units, width)
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


@part
def drop(work, row, mask, at, n, units, width, keep):
    """a ⊙ mask/(1 − rate) in place; the mask is sample-major from `at`."""
    for j in range(units):
        for k in range(n):
            work[row + j, k] = work[row + j, k] * mask[at + k * units + j] / keep
        for k in range(n, width):
            work[row + j, k] = 0.0


@inner
def forward(net, real, theta, work, masks, at, n, width):
    """z, a and slope of every layer, what dropout leaves of a included. Gives the place after the mask entries that were used."""
    for l in range(net.shape[0]):
        inputs, units, wide, code, first = net[l, 0], net[l, 1], net[l, 2], net[l, 3], net[l, 4]
        below, here, top, bent = net[l, 6], net[l, 7], net[l, 8], net[l, 9]
        affine(theta, first, work, below, here, inputs, wide, width)
        if code == TANH:
            tanh_and_slope(work, here, top, bent, units, width)
        elif code == 0:
            same_rows(work, here, top, bent, units, width)
        elif code == MAXOUT:
            maxout_rows(work, here, top, units, net[l, 5], width)
        elif code == SOFTMAX:
            softmax_rows(work, here, top, units, width)
        else:
            bend_rows(code, real[l, 0], work, here, top, bent, units, width)
        if at >= 0 and real[l, 1] < 1.0:
            drop(work, top, masks, at, n, units, width, real[l, 1])
            at += n * units
    return at


@part
def unbend(code, joined, work, here, top, error, delta, units, pieces, width):
    """dz from da where outputs mix, or where the loss has given dz."""
    if joined:
        for j in range(units):
            for k in range(width):
                work[delta + j, k] = work[error + j, k]
    elif code == MAXOUT:
        maxout_back(work, here, error, delta, units, pieces, width)
    else:
        softmax_back(work, top, error, delta, units, width)


@inner
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
        if joined or code >= MAXOUT:
            unbend(code, joined, work, here, top, error, delta, units, net[l, 5], width)
        else:
            chain(work, error, bent, delta, units, width)
        slopes(work, below, delta, grad, first, inputs, wide, width)
        if l > 0:
            pull(theta, first, work, delta, net[l - 1, 10], inputs, wide, width)


@part
def penalise(net, l1, l2, theta, grad):
    """l1 Σ|W| + l2 Σ W² of all kernels; its slope is added to grad."""
    total = 0.0
    for l in range(net.shape[0]):
        for k in range(net[l, 4], net[l, 4] + net[l, 0] * net[l, 2]):
            w = theta[k]
            total += l1 * abs(w) + l2 * w * w
            grad[k] += l1 * np.sign(w) + 2.0 * l2 * w
    return total


@part
def gradient(net, real, spec, knobs, y, theta, work, grad, masks, at, n, width):
    """The loss of n samples and, in grad, all its derivatives; `at` is where the dropout masks begin, −1 without dropout."""
    last = net.shape[0] - 1
    at = forward(net, real, theta, work, masks, at, n, width)
    loss = loss_and_error(spec[0], spec[1], y, work, net[last, 7], net[last, 8], net[last, 10], net[last, 1], n, width)
    backward(net, real, spec[1], theta, work, grad, masks, at, n, width)
    if knobs[0] > 0 or knobs[1] > 0:
        loss += penalise(net, knobs[0], knobs[1], theta, grad)
    return loss


@part
def shrink(g, first, end, bound):
    """g·c/max(‖g‖, c) between two places."""
    total = 0.0
    for k in range(first, end):
        total += g[k] * g[k]
    factor = bound / max(math.sqrt(total), bound)
    for k in range(first, end):
        g[k] *= factor


@part
def clip(kind, bound, net, g):
    """The rules of CLIPPINGS on one flat gradient."""
    if kind == 1:
        for k in range(g.size):
            if g[k] > bound:
                g[k] = bound
            if g[k] < -bound:
                g[k] = -bound
    elif kind == 2:
        for l in range(net.shape[0]):
            first, split = net[l, 4], net[l, 4] + net[l, 0] * net[l, 2]
            shrink(g, first, split, bound)
            shrink(g, split, split + net[l, 2], bound)
    elif kind == 3:
        shrink(g, 0, g.size, bound)


@part
def without_moments(code, w, g, state, rate, hyper):
    """SGD, momentum, Nesterov, the RMSprops, Adagrad, Adadelta on flat arrays."""
    rho, mu, eps = hyper[2], hyper[3], hyper[4]
    for k in range(w.size):
        if code == 0:
            w[k] -= rate * g[k]
        elif code == 1:
            state[0, k] = mu * state[0, k] - rate * g[k]
            w[k] += state[0, k]
        elif code == 2:
            state[0, k] = mu * state[0, k] - rate * g[k]
            w[k] += mu * state[0, k] - rate * g[k]
        elif code == 3:
            state[0, k] = rho * state[0, k] + (1.0 - rho) * g[k] * g[k]
            w[k] -= rate * g[k] / math.sqrt(state[0, k] + eps)
        elif code == 4:
            state[0, k] = rho * state[0, k] + (1.0 - rho) * g[k] * g[k]
            state[1, k] = rho * state[1, k] + (1.0 - rho) * g[k]
            w[k] -= rate * g[k] / math.sqrt(state[0, k] - state[1, k] * state[1, k] + eps)
        elif code == 5:
            state[0, k] = rho * state[0, k] + (1.0 - rho) * g[k] * g[k]
            state[1, k] = mu * state[1, k] + rate * g[k] / math.sqrt(state[0, k] + eps)
            w[k] -= state[1, k]
        elif code == 11:
            state[0, k] += g[k] * g[k]
            w[k] -= rate * g[k] / math.sqrt(state[0, k] + eps)
        else:
            state[0, k] = rho * state[0, k] + (1.0 - rho) * g[k] * g[k]
            delta = -math.sqrt(state[1, k] + eps) / math.sqrt(state[0, k] + eps) * g[k]
            state[1, k] = rho * state[1, k] + (1.0 - rho) * delta * delta
            w[k] += rate * delta


@part
def adam(w, g, state, rate, b1, b2, eps):
    """m, v and w of Adam, `rate` with the corrections of the start."""
    for k in range(w.size):
        m = state[0, k] + (1.0 - b1) * (g[k] - state[0, k])
        v = state[1, k] + (1.0 - b2) * (g[k] * g[k] - state[1, k])
        w[k] -= rate * m / (math.sqrt(v) + eps)
        state[0, k] = m
        state[1, k] = v


@part
def with_moments(code, w, g, state, counters, rate, hyper):
    """Adam and its kin on flat arrays; counters hold t and Nadam's product."""
    b1, b2, eps, decay = hyper[0], hyper[1], hyper[4], hyper[5]
    counters[0] += 1.0
    t = counters[0]
    fade_1, fade_2 = 1.0 - b1**t, 1.0 - b2**t
    if code == 8:
        for k in range(w.size):
            w[k] -= rate * decay * w[k]
    if code == 6 or code == 8:
        adam(w, g, state, rate * math.sqrt(fade_2) / fade_1, b1, b2, eps)
        return
    u, ahead = 0.0, 0.0
    if code == 9:
        u, ahead = b1 * (1.0 - 0.5 * 0.96**t), b1 * (1.0 - 0.5 * 0.96 ** (t + 1.0))
        counters[1] *= u
    now, later = rate * (1.0 - u) / (1.0 - counters[1]), rate * ahead / (1.0 - counters[1] * ahead)
    for k in range(w.size):
        state[0, k] += (1.0 - b1) * (g[k] - state[0, k])
        if code == 10:
            state[1, k] = max(b2 * state[1, k], abs(g[k]))
            w[k] -= rate / fade_1 * state[0, k] / (state[1, k] + eps)
            continue
        state[1, k] += (1.0 - b2) * (g[k] * g[k] - state[1, k])
        if code == 9:
            w[k] -= (later * state[0, k] + now * g[k]) / (math.sqrt(state[1, k] / fade_2) + eps)
        else:
            state[2, k] = max(state[2, k], state[1, k])
            w[k] -= rate * math.sqrt(fade_2) / fade_1 * state[0, k] / (math.sqrt(state[2, k]) + eps)


@part
def update(code, w, g, state, counters, rate, hyper):
    """One update of the parameters by an optimizer of the table."""
    if 6 <= code <= 10:
        with_moments(code, w, g, state, counters, rate, hyper)
    elif code == 0:
        for k in range(w.size):
            w[k] -= rate * g[k]
    else:
        without_moments(code, w, g, state, rate, hyper)


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
