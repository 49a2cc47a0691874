import numpy as np


def classifier_gradients(x, t, W1, b1, W2, b2):
    n, k = t.shape
    hidden = np.clip(x @ W1 + b1, 0, None)
    scores = np.exp(hidden @ W2 + b2)
    p = scores / scores.sum(axis=1)[:, None]
    delta = np.zeros((n, k))
    for i in range(n):
        jacobian = np.diag(p[i]) - np.outer(p[i], p[i])
        delta[i] = jacobian @ (p[i] - t[i]) / n
    below = np.where(hidden > 0, delta @ W2.T, 0)
    return {"dW1": x.T @ below, "db1": below.sum(0), "dW2": hidden.T @ delta, "db2": delta.sum(0)}


def gradients(x, y, W1, b1, W2, b2, W3, b3):
    layers, acts = [(W1, b1), (W2, b2), (W3, b3)], [x]
    for i, (W, b) in enumerate(layers):
        z = acts[-1] @ W + b
        acts.append(z if i == 2 else np.tanh(z))
    grads, delta = {}, 2 * (acts.pop() - y) / len(x)
    for i in (3, 2, 1):
        below = acts.pop()
        grads[f"dW{i}"], grads[f"db{i}"] = np.einsum("ni,no->io", below, delta), delta.sum(axis=0)
        delta = delta @ layers[i - 1][0].T * (1 - below**2)
    return grads
