"""A run as PyTorch code: a module, automatic differentiation, and the update by torch's own class where it is the same rule as ours."""

from __future__ import annotations

from dosegrade.exports import parts
from dosegrade.exports.numpy_code import clipped, memory, shown, update
from dosegrade.exports.parts import Script
from dosegrade.exports.source import Writer
from dosegrade.nn.activations import Activation
from dosegrade.nn.config import Config

F = "torch.nn.functional"
ACTIVATIONS = {
    "identity": "{z}",
    "sigmoid": "torch.sigmoid({z})",
    "tanh": "torch.tanh({z})",
    "relu": "torch.relu({z})",
    "leaky_relu": f"{F}.leaky_relu({{z}}, {{p}})",
    "elu": f"{F}.elu({{z}}, {{p}})",
    "selu": f"{F}.selu({{z}})",
    "softplus": f"{F}.softplus({{z}})",
    "softsign": f"{F}.softsign({{z}})",
    "silu": f"{F}.silu({{z}})",
    "gelu": f"{F}.gelu({{z}})",
    "maxout": "{z}.unflatten(-1, (-1, {p})).max(-1).values",
    "softmax": "torch.softmax({z}, -1)",
}
LOSSES: dict[str, tuple[str, ...]] = {
    "squared": ("return ((p - y) ** 2).sum(-1).mean()",),
    "absolute": ("return (p - y).abs().sum(-1).mean()  # ‖p − y‖ of a single output",),
    "cross_entropy": ("return -(y * torch.log(p)).sum(-1).mean()",),
    "mean_squared_error": (f"return {F}.mse_loss(p, y)",),
    "mean_absolute_error": (f"return {F}.l1_loss(p, y)",),
    "binary_crossentropy": ("p = torch.clamp(p, 1e-7, 1 - 1e-7)", f"return {F}.binary_cross_entropy(p, y)"),
    "categorical_crossentropy": (
        "p = torch.clamp(p / p.sum(-1, keepdim=True), 1e-7, 1 - 1e-7)",
        "return -(y * torch.log(p)).sum(-1).mean()",
    ),
    "sparse_categorical_crossentropy": (
        "p = torch.clamp(p / p.sum(-1, keepdim=True), 1e-7, 1 - 1e-7)",
        f"return {F}.nll_loss(torch.log(p), y.ravel().long())",
    ),
    "mean_absolute_percentage_error": ("return 100 * ((p - y).abs() / torch.clamp(y.abs(), min=1e-7)).mean()",),
    "log_cosh": (f"return (p - y + {F}.softplus(-2 * (p - y)) - math.log(2)).mean()",),
    "cosine_similarity": (f"return -({F}.normalize(y, eps=1e-7) * {F}.normalize(p, eps=1e-7)).sum(-1).mean()",),
    "categorical_hinge": ("return torch.relu(1 + ((1 - y) * p).max(-1).values - (y * p).sum(-1)).mean()",),
}
FROM_Z = {
    ("binary_crossentropy", "sigmoid"): f"return {F}.binary_cross_entropy_with_logits(p, y)",
    ("categorical_crossentropy", "softmax"): f"return {F}.cross_entropy(p, y)",
    ("cross_entropy", "softmax"): f"return {F}.cross_entropy(p, y)",
    ("sparse_categorical_crossentropy", "softmax"): f"return {F}.cross_entropy(p, y.ravel().long())",
}
SAME = {
    "sgd": "SGD(network.parameters(), lr={rate})",
    "nadam": "NAdam(network.parameters(), lr={rate}, betas=({beta_1}, {beta_2}), eps={epsilon}, momentum_decay=1.0)",
    "adadelta": "Adadelta(network.parameters(), lr={rate}, rho={rho}, eps={epsilon})",
}
SAME_AT_ONE_RATE = {
    "momentum": "SGD(network.parameters(), lr={rate}, momentum={momentum})",
    "nesterov": "SGD(network.parameters(), lr={rate}, momentum={momentum}, nesterov=True)",
}
BY_HAND = {
    "momentum": "torch.optim.SGD multiplies its whole momentum by the newest learning rate, ours keeps each step at its own",
    "rmsprop": "torch.optim.RMSprop adds ε outside the root, ours inside",
    "rmsprop_centered": "torch.optim.RMSprop adds ε outside the root, ours inside",
    "rmsprop_momentum": "torch.optim.RMSprop adds ε outside the root, ours inside",
    "adam": "torch.optim.Adam adds ε after the root is corrected for its start at 0, ours before",
    "amsgrad": "torch.optim.Adam adds ε after the root is corrected for its start at 0, ours before",
    "adamw": "torch.optim.AdamW adds ε after the root is corrected for its start at 0, ours before",
    "adamax": "torch.optim.Adamax adds ε within the maximum, ours after it",
    "adagrad": "torch.optim.Adagrad adds ε outside the root, ours inside",
}
BY_HAND["nesterov"] = BY_HAND["momentum"]


def torch_code(config: Config, epochs: int) -> str:
    """A file for PyTorch that trains the same network on the same batches; what PyTorch does otherwise is said at its top."""
    differ, config = differences(config), config.at(epochs).now
    told = [f"A small network learns, in PyTorch: {parts.described(config)}.", " ".join([*differ, "The data are a toy."])]
    script = Script(config, epochs, told, ["import numpy as np", "import torch", "", "torch.set_default_dtype(torch.float64)"])
    script.rules = Writer(parts.TAKEN, "torch")
    parts.given(script)
    _network(script)
    _training(script)
    return script.text


def own_class(config: Config) -> str | None:
    """torch's own class for the optimizer, where it is the same rule."""
    table = SAME | SAME_AT_ONE_RATE if config.schedule == "constant" else SAME
    if config.optimizer not in table:
        return None
    return "torch.optim." + table[config.optimizer].format(rate=float(config.learning_rate), **parts.plan_of(config).hyper)


def differences(config: Config) -> list[str]:
    """In sentences: what PyTorch does otherwise, and is therefore written out."""
    told, config = parts.story_told(config), config.now
    if own_class(config) is None:
        told.append(f"The update is written out, as Keras has it: {BY_HAND.get(config.optimizer, 'by the rule of the page')}.")
    if config.clip in ("norm", "global_norm"):
        told.append("Clipping is written out: torch divides by the norm plus 1e-6, ours by the norm.")
    if config.network.dropout:
        told.append("PyTorch would draw its own dropout masks; to silence the same units, ours are drawn with NumPy.")
    return told


def activation(script: Script, f: Activation, z: str) -> str:
    """f(z) in PyTorch: by its own function, or by ours where the table names none."""
    own = ACTIVATIONS.get(f.name)
    return script.rules.call(f, [z]) if own is None else own.format(z=z, p=f.parameter)


def _network(script: Script) -> None:
    config, network = script.config, script.config.network
    stable = FROM_Z.get((config.loss, network.dense[-1].f.name))
    widths = [(shape[0], shape[1]) for name, shape in network.shapes.items() if name.startswith("W")]
    made = [f"        self.dense{i} = torch.nn.Linear({fan_in}, {fan_out})" for i, (fan_in, fan_out) in enumerate(widths, 1)]
    forward, fed = [], "x"
    for index, layer in enumerate(network.dense, 1):
        last = index == len(network.dense)
        z = f"self.dense{index}({fed})"
        value = z if last and stable else activation(script, layer.f, z)
        fed = f"a{index}"
        forward.append(f"        return {value}" if last else f"        {fed} = {value}")
        if index in network.dropout and not last:
            place = sorted(network.dropout).index(index)
            forward += ["        if masks:", f"            {fed} = {fed} * masks[{place}] / {1 - network.dropout[index]!r}"]
    arguments = "self, x, masks=()" if network.dropout else "self, x"
    script.add(
        "The network" + "; the loss takes what comes before the last activation" * bool(stable),
        "class Network(torch.nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *made,
        "",
        f"    def forward({arguments}):",
        *forward,
        "",
        "",
        *_loss(script, stable),
    )


def _loss(script: Script, stable: str | None) -> list[str]:
    config, network = script.config, script.config.network
    body = [stable] if stable else LOSSES.get(config.loss) or [f"return {parts.loss_of_rows(script)}.mean()"]
    lines = ["def loss_of(y, p):", f'    """{config.loss.replace("_", " ").capitalize()}."""', *(f"    {line}" for line in body), "", ""]
    masks, given = (", masks=()", ", masks") if network.dropout else ("", "")
    lines += [f"def cost(x, y{masks}):", '    """The loss of all these rows."""']
    value = f"loss_of(y, network(x{given}))"
    if not network.penalised:
        return [*lines, f"    return {value}"]
    terms = [f"{weight!r} * {what}" for weight, what in ((network.l1, "w.abs().sum()"), (network.l2, "(w * w).sum()")) if weight > 0]
    lines.append('    kernels = [w for name, w in network.named_parameters() if name.endswith("weight")]')
    return [*lines, f"    return {value} + sum({' + '.join(terms)} for w in kernels)"]


def _start() -> list[str]:
    return [
        "x, y = torch.tensor(x), torch.tensor(y)",
        "network = Network()",
        "with torch.no_grad():",
        "    for parameter, value in zip(network.parameters(), params.values()):",
        "        parameter.copy_(torch.tensor(value.T))  # PyTorch keeps W as (outputs, inputs)",
    ]


def _training(script: Script) -> None:
    config, plan = script.config, parts.plan_of(script.config)
    whole = plan.size == plan.samples and not plan.dropped
    given = "x, y" if whole else "x[rows], y[rows]"
    masks = ", [torch.tensor(mask) for mask in masks]" if plan.dropped else ""
    own, schedule = own_class(config), config.schedule != "constant"
    lines = _start()
    if config.held_out:
        lines.append("x_held, y_held = torch.tensor(x_held), torch.tensor(y_held)")
    step = ["network.zero_grad()", f"cost({given}{masks}).backward()"]
    named = "network.named_parameters()"
    if own is None or config.clip != "none":
        step.append(f"grads = {{name: w.grad for name, w in {named}}}")
        step += clipped(script)
    if own is None:
        lines += [f"params = dict({named})", f"state = {memory(script, 'torch')}"]
        step += [
            "with torch.no_grad():",
            f"    new, state = {update(script)}",
            "    for name, w in params.items():",
            "        w.copy_(new[name])",
        ]
    else:
        lines.append(f"optimizer = {own}")
        if config.clip != "none":
            step += [f"for name, w in {named}:", "    w.grad = grads[name]"]
        if schedule:
            step.append(f'optimizer.param_groups[0]["lr"] = float({parts.rate(script)})')
        step.append("optimizer.step()")
    if schedule:
        lines.append("step = 0")
        step.append("step += 1")
    loop = step if whole else ["for rows" + ", masks" * bool(masks) + " in batches():", *(f"    {line}" for line in step)]
    script.add("Training", *lines, *shown(script, "cost(x, y).item()", "cost(x_held, y_held).item()", loop))
