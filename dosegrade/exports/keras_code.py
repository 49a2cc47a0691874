"""A run as Keras code: layers, loss and optimizer by Keras's own names, the same rules as ours."""

from __future__ import annotations

from dosegrade.exports import parts
from dosegrade.exports.numpy_code import shown
from dosegrade.exports.parts import Script
from dosegrade.exports.source import Writer
from dosegrade.nn.activations import Activation
from dosegrade.nn.config import Config

ACTIVATIONS = {
    "identity": "None",
    "sigmoid": '"sigmoid"',
    "tanh": '"tanh"',
    "relu": '"relu"',
    "elu": "keras.layers.ELU(alpha={})",
    "selu": '"selu"',
    "softplus": '"softplus"',
    "softsign": '"softsign"',
    "silu": '"silu"',
    "gelu": '"gelu"',
    "hard_sigmoid": '"hard_sigmoid"',
    "softmax": '"softmax"',
}
MAXOUT = [
    "def maxout(z, pieces):",
    '    """The first largest of the pieces of each unit."""',
    "    z = keras.ops.reshape(z, (-1, z.shape[-1] // pieces, pieces))",
    "    return keras.ops.sum(z * keras.ops.one_hot(keras.ops.argmax(z, axis=-1), pieces, dtype=z.dtype), axis=-1)",
]
OWN_DIFFER = {"leaky_relu": "at z = 0 itself Keras takes the slope 1, ours the smaller one", "maxout": "Keras has none"}
OWN_LOSSES = {
    "squared": "return keras.ops.sum((p - y) ** 2, axis=-1)",
    "absolute": "return keras.ops.sum(keras.ops.abs(p - y), axis=-1)  # ‖p − y‖ of a single output",
    "cross_entropy": "return -keras.ops.sum(y * keras.ops.log(p), axis=-1)",
}
LOSSES = {
    name: f"keras.losses.{name}"
    for name in (
        "mean_squared_error",
        "mean_absolute_error",
        "binary_crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "log_cosh",
        "cosine_similarity",
        "squared_hinge",
        "hinge",
        "categorical_hinge",
        "kl_divergence",
        "poisson",
    )
}
FROM_Z = {
    ("binary_crossentropy", "sigmoid"): "keras.losses.BinaryCrossentropy(from_logits=True)",
    ("categorical_crossentropy", "softmax"): "keras.losses.CategoricalCrossentropy(from_logits=True)",
    ("cross_entropy", "softmax"): "keras.losses.CategoricalCrossentropy(from_logits=True)",
    ("sparse_categorical_crossentropy", "softmax"): "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
}
OPTIMIZERS = {
    "sgd": "SGD({})",
    "momentum": "SGD({})",
    "nesterov": "SGD({}, nesterov=True)",
    "rmsprop": "RMSprop({})",
    "rmsprop_centered": "RMSprop({}, centered=True)",
    "rmsprop_momentum": "RMSprop({})",
    "adam": "Adam({})",
    "amsgrad": "Adam({}, amsgrad=True)",
    "adamw": "AdamW({})",
    "nadam": "Nadam({})",
    "adamax": "Adamax({})",
    "adagrad": "Adagrad({}, initial_accumulator_value=0.1)",
    "adadelta": "Adadelta({})",
}
CLIPPINGS = {"none": "", "value": "clipvalue", "norm": "clipnorm", "global_norm": "global_clipnorm"}
SCHEDULES = {
    "constant": "{rate}",
    "exponential": "keras.optimizers.schedules.ExponentialDecay({rate}, {steps}, {factor})",
    "step": "keras.optimizers.schedules.ExponentialDecay({rate}, {steps}, {factor}, staircase=True)",
    "cosine": "keras.optimizers.schedules.CosineDecay({rate}, {steps}, alpha={factor})",
    "inverse_time": "keras.optimizers.schedules.InverseTimeDecay({rate}, {steps}, {factor})",
}
PRECISE = "Keras keeps some numbers in single precision whatever its settings say, so the losses agree to about 5 digits, not to all."


def keras_code(config: Config, epochs: int) -> str:
    """A file for Keras 3 that trains the same network on the same batches; what Keras cannot do the same is said at its top."""
    differ, config = differences(config), config.at(epochs).now
    told = [f"A small network learns, in Keras 3: {parts.described(config)}.", " ".join(differ) + " The data are a toy."]
    imports = ["import os", "", 'os.environ.setdefault("KERAS_BACKEND", "jax")', 'os.environ.setdefault("JAX_ENABLE_X64", "1")']
    script = Script(config, epochs, told, [*imports, "", "import keras", "import numpy as np", "", 'keras.config.set_floatx("float64")'])
    script.rules = Writer(parts.TAKEN, "keras.ops")
    parts.given(script)
    _model(script)
    _training(script)
    return script.text


def differences(config: Config) -> list[str]:
    """In sentences: what Keras does otherwise, or what had to be written by hand."""
    told = [*parts.story_told(config), PRECISE]
    config = config.now
    own = sorted({layer.f.name for layer in config.network.dense} - set(ACTIVATIONS))
    reasons = {name: OWN_DIFFER.get(name, "the formula of the page") for name in own}
    told += [f"The activation {name.replace('_', ' ')} is a function of its own here: {why}." for name, why in reasons.items()]
    if config.loss not in LOSSES:
        told.append(f"Keras has no loss {config.loss!r}: it is a function of its own here.")
    if config.network.dropout:
        told.append("Keras would draw its own dropout masks; to silence the same units, ours come in as a second input.")
    return told


def activation(script: Script, f: Activation) -> str:
    """What a Dense layer gets as its activation: Keras's own, or ours where the table names none."""
    own = ACTIVATIONS.get(f.name)
    return f"lambda z: {script.rules.call(f, ['z'])}" if own is None else own.format(f.parameter)


def logits(config: Config) -> str | None:
    """The loss in its form that stays exact where the output saturates, where there is one."""
    return FROM_Z.get((config.loss, config.network.dense[-1].f.name))


def _model(script: Script) -> None:
    config, network = script.config, script.config.network
    lines = [f"inputs = keras.Input(({network.inputs},))"]
    masked = sorted(network.dropout)
    lines += [f"mask{i} = keras.Input(({network.dense[i - 1].units},))  # 1 / (1 - rate) where a unit stays, else 0" for i in masked]
    penalty = f", kernel_regularizer=keras.regularizers.L1L2({network.l1!r}, {network.l2!r})" if network.penalised else ""
    fed = "inputs"
    for index, layer in enumerate(network.dense, 1):
        f = layer.f
        last = index == len(network.dense) and logits(config)
        bend = f", activation={activation(script, f)}" if f.name not in ("identity", "maxout") and not last else ""
        dense = f"keras.layers.Dense({layer.units * f.pieces}{bend}{penalty})({fed})"
        lines.append(f"a{index} = maxout({dense}, {f.parameter})" if f.name == "maxout" else f"a{index} = {dense}")
        if index in network.dropout:
            lines.append(f"a{index} = keras.layers.Multiply()([a{index}, mask{index}])")
        fed = f"a{index}"
    given = f"[inputs, {', '.join(f'mask{i}' for i in masked)}]" if masked else "inputs"
    lines += [f"model = keras.Model({given}, {fed})", "model.set_weights(list(params.values()))"]
    lines = [*_own_functions(script), *lines]
    script.add("The network" + "; the loss takes what comes before the last activation" * bool(logits(config)), *lines)


def _own_functions(script: Script) -> list[str]:
    """What Keras does not have, or not the same."""
    config = script.config
    lines = [*MAXOUT, "", ""] if any(layer.f.name == "maxout" for layer in config.network.dense) else []
    if config.loss not in LOSSES and not logits(config):
        body = OWN_LOSSES.get(config.loss) or f"return {parts.loss_of_rows(script)}"
        lines += [f"def {config.loss}(y, p):", f"    {body}", "", ""]
    return lines


def optimizer(config: Config) -> str:
    """The optimizer with our settings."""
    plan = parts.plan_of(config)
    schedule = SCHEDULES[config.schedule].format(
        rate=repr(float(config.learning_rate)), steps=config.decay_steps, factor=repr(config.decay_rate)
    )
    settings = [schedule, *(f"{name}={value!r}" for name, value in plan.hyper.items())]
    if CLIPPINGS[config.clip]:
        settings.append(f"{CLIPPINGS[config.clip]}={config.clip_at!r}")
    return "keras.optimizers." + OPTIMIZERS[config.optimizer].format(", ".join(settings))


def _training(script: Script) -> None:
    config, plan = script.config, parts.plan_of(script.config)
    loss = logits(config) or LOSSES.get(config.loss, config.loss)
    kept = [f"masks[{i}] / {1 - rate!r}" for i, (_, _, rate) in enumerate(plan.dropped)]
    whole = plan.size == plan.samples and not plan.dropped
    if whole:
        loop = ["model.train_on_batch(x, y)"]
    else:
        fed = f"[x[rows], {', '.join(kept)}]" if kept else "x[rows]"
        loop = ["for rows" + ", masks" * bool(kept) + " in batches():", f"    model.train_on_batch({fed}, y[rows])"]

    ones = "".join(f", np.ones((len(x), {units}))" for _, units, _ in plan.dropped)
    fed = f"[x{ones}]" if ones else "x"
    script.add(
        "Training",
        f"model.compile(optimizer={optimizer(config)}, loss={loss})",
        "",
        "",
        "def cost(x, y):",
        '    """The loss of all these rows."""',
        f"    return model.evaluate({fed}, y, batch_size=len(x), verbose=0)",
        "",
        "",
        *shown(script, "cost(x, y)", "cost(x_held, y_held)", loop),
    )
