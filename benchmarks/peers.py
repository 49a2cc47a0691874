"""The peers of the training benchmark. Each is `prepare(workload, dropout) -> run(epochs) -> loss`, ImportError where it is not installed.

`run` trains from the first parameters for so many epochs and gives the loss of all samples after them; nothing but the training is timed
by the caller in the difference of two runs. Dropout is drawn by each peer itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Workload

os.environ.setdefault("KERAS_BACKEND", "jax")

Run = Callable[[int], float]
ADAM = (0.9, 0.999, 1e-7)


def jax_model(w: Workload, dropout: bool, single: bool) -> Any:
    """(update of one batch, mean loss, first state, batches) in JAX; the update is (state, (x, y)) -> (state, None)."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    kind = jnp.float32 if single else jnp.float64
    b1, b2, eps = ADAM

    def output(params: Any, x: Any, key: Any) -> Any:
        bend = jnp.tanh if w.activation == "tanh" else jax.nn.relu
        for k, b in params[:-1]:
            x = bend(x @ k + b)
            if key is not None:
                key, one = jax.random.split(key)
                x = x * jax.random.bernoulli(one, 1 - w.dropout, x.shape) / (1 - w.dropout)
        return x @ params[-1][0] + params[-1][1]

    def loss(params: Any, x: Any, y: Any, key: Any = None) -> Any:
        z = output(params, x, key)
        return -(y * jax.nn.log_softmax(z)).sum(-1).mean() if w.classes else ((z - y) ** 2).mean()

    def update(state: Any, batch: Any) -> Any:
        params, m, v, t, key = state
        key, one = jax.random.split(key) if dropout else (key, None)
        grads = jax.grad(loss)(params, *batch, one)
        tree, t = jax.tree.map, t + 1
        if w.optimizer == "sgd":
            return (tree(lambda p, g: p - kind(w.learning_rate) * g, params, grads), m, v, t, key), None
        m = tree(lambda m, g: m + kind(1 - b1) * (g - m), m, grads)
        v = tree(lambda v, g: v + kind(1 - b2) * (g * g - v), v, grads)
        rate = (w.learning_rate * jnp.sqrt(1 - b2**t) / (1 - b1**t)).astype(kind)
        params = tree(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + kind(eps)), params, m, v)
        return (params, m, v, t, key), None

    params = [(jnp.asarray(k, kind), jnp.asarray(b, kind)) for k, b in w.first]
    zeros = jax.tree.map(jnp.zeros_like, params)
    shape = (w.steps, w.batch, -1)
    batches = jnp.asarray(w.x.reshape(shape), kind), jnp.asarray(w.y.reshape(shape), kind)
    return update, loss, (params, zeros, zeros, jnp.zeros((), jnp.float64), jax.random.key(0)), batches


def jax_scan(w: Workload, dropout: bool = False, single: bool = False) -> Run:
    """All epochs in one compiled loop (lax.scan)."""
    import jax
    from jax import lax

    update, loss, state, batches = jax_model(w, dropout, single)
    train = jax.jit(lambda state, epochs: lax.fori_loop(0, epochs, lambda _, s: lax.scan(update, s, batches)[0], state))
    whole = jax.jit(loss)
    everything = tuple(part.reshape(w.samples, -1) for part in batches)
    return lambda epochs: float(whole(train(state, epochs)[0], *everything))


def jax_steps(w: Workload, dropout: bool = False, single: bool = False) -> Run:
    """One compiled call a step."""
    import jax

    update, loss, first, batches = jax_model(w, dropout, single)
    step, whole = jax.jit(lambda state, x, y: update(state, (x, y))[0]), jax.jit(loss)
    everything = tuple(part.reshape(w.samples, -1) for part in batches)
    pieces = [(batches[0][k], batches[1][k]) for k in range(w.steps)]

    def run(epochs: int) -> float:
        state = first
        for _ in range(epochs):
            for x, y in pieces:
                state = step(state, x, y)
        return float(whole(state[0], *everything))

    return run


def jax_many(w: Workload, nets: int) -> Run:
    """`nets` networks at once: vmap of the scan; the mean of their losses."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    update, loss, state, batches = jax_model(w, False, False)
    many = jax.tree.map(lambda leaf: jnp.stack([leaf] * nets), state)

    def one(state: Any, epochs: Any) -> Any:
        return lax.fori_loop(0, epochs, lambda _, s: lax.scan(update, s, batches)[0], state)

    train = jax.jit(jax.vmap(one, in_axes=(0, None)))
    everything = tuple(part.reshape(w.samples, -1) for part in batches)
    whole = jax.jit(jax.vmap(lambda params: loss(params, *everything)))
    return lambda epochs: float(whole(train(many, epochs)[0]).mean())


def keras_fit(w: Workload, dropout: bool = False, single: bool = True) -> Run:
    """keras.Model.fit on JAX, float32."""
    import keras

    layers: list[Any] = [keras.Input((w.units[0],))]
    for units in w.units[1:-1]:
        layers += [keras.layers.Dense(units, activation=w.activation), *([keras.layers.Dropout(w.dropout)] if dropout else [])]
    model = keras.Sequential([*layers, keras.layers.Dense(w.units[-1], activation="softmax" if w.classes else None)])
    rule = keras.optimizers.SGD if w.optimizer == "sgd" else keras.optimizers.Adam
    model.compile(rule(w.learning_rate), "categorical_crossentropy" if w.classes else "mean_squared_error")
    x, y = w.x.astype("float32"), w.y.astype("float32")

    def run(epochs: int) -> float:
        model.set_weights([part for pair in w.first for part in pair])
        for variable in model.optimizer.variables:
            if "learning_rate" not in variable.path:
                variable.assign(np.zeros(variable.shape))
        model.fit(x, y, batch_size=w.batch, epochs=epochs, shuffle=False, verbose=0)
        return float(model.evaluate(x, y, batch_size=w.samples, verbose=0))

    return run


def torch_eager(w: Workload, dropout: bool = False, single: bool = False) -> Run:
    """torch, a Python loop; the fused Adam."""
    import torch

    kind = torch.float32 if single else torch.float64
    shape = (w.steps, w.batch, -1)
    xs, ys = (torch.tensor(part.reshape(shape), dtype=kind) for part in (w.x, w.y))
    x, y = xs.reshape(w.samples, -1), ys.reshape(w.samples, -1)

    def output(params: Any, x: Any, learning: bool) -> Any:
        for k, b in params[:-1]:
            x = torch.tanh(torch.addmm(b, x, k)) if w.activation == "tanh" else torch.relu(torch.addmm(b, x, k))
            x = torch.dropout(x, w.dropout, True) if learning and dropout else x
        return torch.addmm(params[-1][1], x, params[-1][0])

    def loss(params: Any, x: Any, y: Any, learning: bool = True) -> Any:
        z = output(params, x, learning)
        return torch.nn.functional.cross_entropy(z, y) if w.classes else ((z - y) ** 2).mean()

    def run(epochs: int) -> float:
        params = [tuple(torch.tensor(part, dtype=kind, requires_grad=True) for part in pair) for pair in w.first]
        flat = [part for pair in params for part in pair]
        if w.optimizer == "sgd":
            rule: Any = torch.optim.SGD(flat, w.learning_rate, foreach=True)
        else:
            rule = torch.optim.Adam(flat, w.learning_rate, ADAM[:2], ADAM[2], fused=True)
        for _ in range(epochs):
            for k in range(w.steps):
                rule.zero_grad(set_to_none=True)
                loss(params, xs[k], ys[k]).backward()
                rule.step()
        with torch.no_grad():
            return float(loss(params, x, y, False))

    return run


def sklearn_fit(w: Workload, dropout: bool = False, single: bool = False) -> Run:
    """scikit-learn's MLP by partial_fit; its squared loss is half of ours, so plain SGD takes twice the learning rate."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    rate = w.learning_rate * (2 if w.optimizer == "sgd" else 1)
    kind = MLPClassifier if w.classes else MLPRegressor
    x, y = w.x, (w.y.argmax(1) if w.classes else w.y[:, 0])
    if single:
        x = x.astype("float32")

    def run(epochs: int) -> float:
        model = kind(
            hidden_layer_sizes=w.units[1:-1],
            activation=w.activation,
            solver=w.optimizer,
            alpha=0.0,
            batch_size=w.batch,
            learning_rate_init=rate,
            shuffle=False,
            momentum=0.0,
            nesterovs_momentum=False,
            beta_1=ADAM[0],
            beta_2=ADAM[1],
            epsilon=ADAM[2],
            max_iter=1,
        )
        model.partial_fit(x[: w.batch], y[: w.batch], **({"classes": np.arange(w.units[-1])} if w.classes else {}))
        for k, (kernel, bias) in enumerate(w.first):
            model.coefs_[k][...], model.intercepts_[k][...] = kernel, bias
        del model._optimizer
        for _ in range(epochs):
            model.partial_fit(x, y)
        if w.classes:
            return float(-np.log(np.maximum(model.predict_proba(x)[np.arange(w.samples), y], 1e-12)).mean())
        return float(((model.predict(x) - y) ** 2).mean())

    return run
