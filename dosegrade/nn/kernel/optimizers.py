"""Clipping and the updates of the optimizers, on flat arrays."""

# mypy: ignore-errors

from __future__ import annotations

import math

from dosegrade.nn.kernel.jit import part


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
