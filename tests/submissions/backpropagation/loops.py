"""The same with loops over samples and units, lists and plain floats."""

import math


def backward(x, y, W1, b1, w2, b2):
    z = [sum(float(x[j]) * float(W1[j][h]) for j in range(2)) + float(b1[h]) for h in range(2)]
    u = [max(0.0, value) for value in z]
    z2 = sum(u[h] * float(w2[h]) for h in range(2)) + b2
    y_hat = max(0.0, z2)
    eps2 = 2.0 * (y_hat - y)
    delta2 = eps2 if z2 > 0 else 0.0
    eps1 = [delta2 * float(w2[h]) for h in range(2)]
    delta1 = [eps1[h] if z[h] > 0 else 0.0 for h in range(2)]
    return {
        "y_hat": y_hat,
        "eps2": eps2,
        "eps1": eps1,
        "dW1": [[float(x[j]) * delta1[h] for h in range(2)] for j in range(2)],
        "db1": delta1,
        "dw2": [delta2 * u[h] for h in range(2)],
        "db2": delta2,
    }


def layer(rows, W, b, f):
    return [[f(sum(row[i] * W[i][j] for i in range(len(row))) + b[j]) for j in range(len(b))] for row in rows]


def outer(inputs, deltas):
    return [[sum(a[i] * d[j] for a, d in zip(inputs, deltas)) for j in range(len(deltas[0]))] for i in range(len(inputs[0]))]


def total(deltas):
    return [sum(d[j] for d in deltas) for j in range(len(deltas[0]))]


def back(deltas, W, slopes):
    return [[s[i] * sum(d[j] * W[i][j] for j in range(len(d))) for i in range(len(s))] for d, s in zip(deltas, slopes)]


def gradients(x, y, W1, b1, W2, b2, W3, b3):
    n = len(x)
    h1 = layer(x, W1, b1, math.tanh)
    h2 = layer(h1, W2, b2, math.tanh)
    out = layer(h2, W3, b3, lambda z: z)
    d3 = [[2 * (p - t) / n for p, t in zip(row, target)] for row, target in zip(out, y)]
    d2 = back(d3, W3, [[1 - v * v for v in row] for row in h2])
    d1 = back(d2, W2, [[1 - v * v for v in row] for row in h1])
    return {"dW1": outer(x, d1), "db1": total(d1), "dW2": outer(h1, d2), "db2": total(d2), "dW3": outer(h2, d3), "db3": total(d3)}


def classifier_gradients(x, t, W1, b1, W2, b2):
    z = layer(x, W1, b1, lambda z: z)
    h = [[max(0.0, v) for v in row] for row in z]
    d2 = []
    for row, target in zip(layer(h, W2, b2, math.exp), t):
        d2.append([(v / sum(row) - k) / len(x) for v, k in zip(row, target)])
    d1 = back(d2, W2, [[1.0 if v > 0 else 0.0 for v in row] for row in z])
    return {"dW1": outer(x, d1), "db1": total(d1), "dW2": outer(h, d2), "db2": total(d2)}
