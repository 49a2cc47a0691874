"""Clipping and the updates of the optimizers, on flat arrays."""

# mypy: ignore-errors

from __future__ import annotations

import math

from dosegrade.nn.kernel.codes import Clip, Rule
from dosegrade.nn.kernel.jit import part, single


@part
def shrink(g, first, end, bound):
    """g·c/max(‖g‖, c) between two places."""
    total = 0.0
    for k in range(first, end):
        total += g[k] * g[k]
    factor = bound / max(math.sqrt(total), bound)
    for k in range(first, end):
        g[k] *= factor


@single
def clip(kind, bound, net, g):
    """The rules of CLIPPINGS on one flat gradient."""
    if kind == Clip.value:
        for k in range(g.size):
            if g[k] > bound:
                g[k] = bound
            if g[k] < -bound:
                g[k] = -bound
    elif kind == Clip.norm:
        for l in range(net.shape[0]):
            first, split = net[l, 4], net[l, 4] + net[l, 0] * net[l, 2]
            shrink(g, first, split, bound)
            shrink(g, split, split + net[l, 2], bound)
    elif kind == Clip.global_norm:
        shrink(g, 0, g.size, bound)


@part
def one(code, w, g, a, b, rate, hyper):
    """A parameter and its memory after an update by the optimizers without a counter."""
    rho, mu, eps = hyper[2], hyper[3], hyper[4]
    if code == Rule.momentum:
        a = mu * a - rate * g
        return w + a, a, b
    if code == Rule.nesterov:
        a = mu * a - rate * g
        return w + mu * a - rate * g, a, b
    a = a + g * g if code == Rule.adagrad else rho * a + (1.0 - rho) * g * g
    if code == Rule.rmsprop_centered:
        b = rho * b + (1.0 - rho) * g
        return w - rate * g / math.sqrt(a - b * b + eps), a, b
    if code == Rule.rmsprop_momentum:
        b = mu * b + rate * g / math.sqrt(a + eps)
        return w - b, a, b
    if code == Rule.adadelta:
        delta = -math.sqrt(b + eps) / math.sqrt(a + eps) * g
        return w + rate * delta, a, rho * b + (1.0 - rho) * delta * delta
    return w - rate * g / math.sqrt(a + eps), a, b


@part
def adam(w, g, state, rate, decay, b1, b2, eps):
    """m, v and w of Adam and AdamW, `rate` with the corrections of the start, w shrunk by the share `decay` before."""
    for k in range(w.size):
        m = state[0, k] + (1.0 - b1) * (g[k] - state[0, k])
        v = state[1, k] + (1.0 - b2) * (g[k] * g[k] - state[1, k])
        w[k] += -decay * w[k] - rate * m / (math.sqrt(v) + eps)
        state[0, k] = m
        state[1, k] = v


@part
def kin(code, w, g, state, counters, rate, b1, b2, eps):
    """AMSGrad, Nadam and Adamax; counters hold t and Nadam's product."""
    t = counters[0]
    fade_1, fade_2 = 1.0 - b1**t, 1.0 - b2**t
    u, ahead = 0.0, 0.0
    if code == Rule.nadam:
        u, ahead = b1 * (1.0 - 0.5 * 0.96**t), b1 * (1.0 - 0.5 * 0.96 ** (t + 1.0))
        counters[1] *= u
    now, later = rate * (1.0 - u) / (1.0 - counters[1]), rate * ahead / (1.0 - counters[1] * ahead)
    for k in range(w.size):
        d = g[k]
        m = state[0, k] + (1.0 - b1) * (d - state[0, k])
        v = max(b2 * state[1, k], abs(d)) if code == Rule.adamax else state[1, k] + (1.0 - b2) * (d * d - state[1, k])
        if code == Rule.adamax:
            w[k] -= rate / fade_1 * m / (v + eps)
        elif code == Rule.nadam:
            w[k] -= (later * m + now * d) / (math.sqrt(v / fade_2) + eps)
        else:
            most = max(state[2, k], v)
            w[k] -= rate * math.sqrt(fade_2) / fade_1 * m / (math.sqrt(most) + eps)
            state[2, k] = most
        state[0, k] = m
        state[1, k] = v


@single
def update(code, w, g, state, counters, rate, hyper):
    """One update of the parameters by an optimizer of the table; counters hold t and Nadam's product."""
    if code == Rule.sgd:
        for k in range(w.size):
            w[k] -= rate * g[k]
    elif code in (Rule.adam, Rule.amsgrad, Rule.adamw, Rule.nadam, Rule.adamax):
        b1, b2, eps = hyper[0], hyper[1], hyper[4]
        counters[0] += 1.0
        if code in (Rule.adam, Rule.adamw):
            size = rate * math.sqrt(1.0 - b2 ** counters[0]) / (1.0 - b1 ** counters[0])
            adam(w, g, state, size, rate * hyper[5] if code == Rule.adamw else 0.0, b1, b2, eps)
        else:
            kin(code, w, g, state, counters, rate, b1, b2, eps)
    else:
        for k in range(w.size):
            w[k], state[0, k], state[1, k] = one(code, w[k], g[k], state[0, k], state[1, k], rate, hyper)
