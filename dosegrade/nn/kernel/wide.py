"""What a wide network needs beside matrix products: each in one pass over columns that one thread owns, or over a part of theta."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from dosegrade.nn.kernel.jit import compiled


@compiled
def relu(z, b, mask, scale, a, first, count):
    """a = scale·mask ⊙ max(z + b, 0) in some columns; nan stays nan."""
    zero = scale - scale
    for r in range(z.shape[0]):
        row, kept, out = z[r, first : first + count], mask[r, first : first + count], a[r, first : first + count]
        bias = b[first : first + count]
        for c in range(count):
            x = row[c] + bias[c]
            out[c] = (zero if x <= zero else x) * (scale if kept[c] != 0 else zero)


@compiled
def relu_back(da, a, scale, first, count):
    """dz = scale·da where a > 0, else 0, in place in some columns."""
    zero = scale - scale
    for r in range(da.shape[0]):
        row, top = da[r, first : first + count], a[r, first : first + count]
        for c in range(count):
            row[c] = row[c] * (scale if top[c] > zero else zero)


@compiled
def adam(w, g, m, v, rate, fresh_1, fresh_2, eps):
    """m, v and w of Adam in place; `fresh` is 1 − β, `rate` has the corrections of the start."""
    for k in range(w.size):
        one = m[k] + fresh_1 * (g[k] - m[k])
        two = v[k] + fresh_2 * (g[k] * g[k] - v[k])
        w[k] -= rate * one / (np.sqrt(two) + eps)
        m[k] = one
        v[k] = two
