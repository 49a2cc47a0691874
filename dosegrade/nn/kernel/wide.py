"""What a wide network needs beside matrix products: each in one pass over what one thread owns."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from dosegrade.nn.kernel.jit import compiled


@compiled
def relu(z, b, mask, scale, a, first):
    """a = scale·mask ⊙ max(z + b, 0) in the columns from `first` that z has; nan stays nan."""
    zero, count = scale - scale, b.size
    for r in range(z.shape[0]):
        row, kept, out = z[r], mask[r, first : first + count], a[r, first : first + count]
        for c in range(count):
            x = row[c] + b[c]
            out[c] = (zero if x <= zero else x) * (scale if kept[c] != 0 else zero)


@compiled
def relu_back(da, a, scale, db, first):
    """dz = scale·da where a > 0, else 0, in place of da, and db = Σ dz, in the columns from `first` that da has."""
    zero, count = scale - scale, db.size
    db[:] = zero
    for r in range(da.shape[0]):
        row, top = da[r], a[r, first : first + count]
        for c in range(count):
            row[c] = row[c] * (scale if top[c] > zero else zero)
            db[c] += row[c]


@compiled
def relu_back_sum(one, two, a, scale, db, dz, first):
    """As `relu_back` of da = one + two, which stand in the columns from `first`, into dz."""
    zero, count = scale - scale, db.size
    db[:] = zero
    for r in range(dz.shape[0]):
        row, mine, theirs, top = dz[r], one[r, first : first + count], two[r, first : first + count], a[r, first : first + count]
        for c in range(count):
            row[c] = (mine[c] + theirs[c]) * (scale if top[c] > zero else zero)
            db[c] += row[c]


@compiled
def adam(w, g, m, v, rate, fresh_1, fresh_2, eps):
    """m, v and w of Adam in place; `fresh` is 1 − β, `rate` has the corrections of the start."""
    for k in range(w.size):
        one = m[k] + fresh_1 * (g[k] - m[k])
        two = v[k] + fresh_2 * (g[k] * g[k] - v[k])
        w[k] -= rate * one / (np.sqrt(two) + eps)
        m[k] = one
        v[k] = two
