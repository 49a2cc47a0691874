"""A run as NumPy code: the derivation of the page, line by line, and nothing else."""

from __future__ import annotations

import numpy as np

from dosegrade.exports import parts
from dosegrade.exports.parts import Script
from dosegrade.exports.source import Writer
from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.config import Config
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.steps import Step, needed


def numpy_code(config: Config, epochs: int) -> str:
    """A file that needs NumPy alone and prints the losses of the run."""
    told = [
        f"A small network learns: {parts.described(config)}.",
        "Every line of `gradients` is one step of the derivation: forward, error, backward. Needs NumPy only. "
        "The run on the page again, loss by loss; the data are a toy, nothing here is medical advice.",
    ]
    script = Script(config, epochs, told, ["import numpy as np"])
    parts.data(script)
    parts.fed(script)
    parts.scaled(script)
    parts.weights(script)
    parts.batches(script)
    _network(script)
    _training(script)
    return script.text


def _network(script: Script) -> None:
    """`cost(params, x, y)` and `gradients(params, x, y, masks)`."""
    network = script.config.network
    names = {f"d{name}" for name in network.shapes}
    forward = needed(network.steps(), {"loss"})
    both = needed(network.steps(training=True), names)
    masks = [f"mask{i}" for i in sorted(network.dropout)]
    lines = ["def cost(params, x, y):", '    """The loss."""', *_body(script.writer, network.shapes, forward, "loss")]
    arguments = ", ".join(["params", "x", "y", *masks])
    result = "{" + ", ".join(f'"{name}": d{name}' for name in network.shapes) + "}"
    lines += ["", "", f"def gradients({arguments}):", '    """The slope of the loss by every parameter."""']
    script.add("The network", *lines, *_body(script.writer, network.shapes, both, result))


def _body(writer: Writer, shapes: dict[str, tuple[int, ...]], steps: tuple[Step, ...], result: str) -> list[str]:
    used = {name for step in steps for name in step.needs}
    unpacked = ", ".join(name if name in used else "_" for name in shapes)
    return [f"    {unpacked} = params.values()", *(f"    {writer.step(step)}" for step in steps), f"    return {result}"]


def memory(script: Script, like: str = "np") -> str:
    """The optimizer's empty memory, as an expression."""

    entries = []
    for name, value in OPTIMIZERS[script.config.optimizer].init({"w": np.zeros(1)}).items():
        if isinstance(value, dict):
            first = float(value["w"][0])
            filled = f"{like}.full_like(w, {first!r})" if first else f"{like}.zeros_like(w)"
            entries.append(f'"{name}": {{k: {filled} for k, w in params.items()}}')
        else:
            entries.append(f'"{name}": {value!r}')
    return "{" + ", ".join(entries) + "}"


def update(script: Script) -> str:
    """The optimizer's call, as an expression with `grads`, `state`, `params` and the learning rate."""
    plan = parts.plan_of(script.config)
    settings = "".join(f", {name}={value!r}" for name, value in plan.hyper.items())
    rule = script.rules.name(OPTIMIZERS[script.config.optimizer].update)
    return f"{rule}(grads, state, params, {parts.rate(script)}{settings})"


def clipped(script: Script) -> list[str]:
    """The line that bounds the gradients, where there is one."""
    config = script.config
    if config.clip == "none":
        return []
    return [f"grads = {script.rules.name(CLIPPINGS[config.clip].clip)}(grads, {config.clip_at!r})"]


def _training(script: Script) -> None:
    config, plan = script.config, parts.plan_of(script.config)
    masks = [f"masks[{i}]" for i in range(len(plan.dropped))]
    whole = plan.size == plan.samples and not plan.dropped
    given = "x, y" if whole else "x[rows], y[rows]"
    step = [
        f"grads = gradients({', '.join(['params', given, *masks])})",
        *clipped(script),
        f"params, state = {update(script)}",
        *(["step += 1"] if config.schedule != "constant" else []),
    ]
    loop = step if whole else ["for rows" + ", masks" * bool(masks) + " in batches():", *(f"    {line}" for line in step)]
    script.add(
        "Training",
        f"state = {memory(script)}",
        *(["step = 0"] if config.schedule != "constant" else []),
        *shown(script, "float(cost(params, x, y))", "cost(params, x_held, y_held)", loop),
    )


def shown(script: Script, loss: str, held: str, loop: list[str]) -> list[str]:
    """The loop over the epochs, which prints and keeps the losses."""
    validated = bool(script.config.held_out)
    more = f', f"held out {{{held}:.6g}}"' if validated else ""
    show = f'print("epoch", EPOCH, f"loss {{losses[-1]:.6g}}"{more})'
    return [
        f"losses = [{loss}]",
        show.replace("EPOCH", "0"),
        f"for epoch in range(1, {script.epochs + 1}):",
        *(f"    {line}" for line in loop),
        f"    losses.append({loss})",
        *parts.judged(),
        f"    {show.replace('EPOCH', 'epoch')}",
    ]
