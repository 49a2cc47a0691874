"""A run as NumPy code: the derivation of the page, line by line, and nothing else."""

from __future__ import annotations

import numpy as np

from dosegrade.exports import parts
from dosegrade.exports.parts import Script, Stage
from dosegrade.exports.source import Writer
from dosegrade.nn.clipping import CLIPPINGS
from dosegrade.nn.config import Config, differing
from dosegrade.nn.optimizers import OPTIMIZERS
from dosegrade.steps import Step, needed

LOSS, HELD = "float(cost(params, x, y))", "cost(params, x_held, y_held)"
PENALTIES = {"l1", "l2"}


def numpy_code(config: Config, epochs: int) -> str:
    """A file that needs NumPy alone and prints the losses of the run, with every change under way that its story tells of."""
    first, *later = parts.stages(config, epochs)
    told = [
        f"A small network learns: {parts.described(first.config)}.",
        "Every line of `gradients` is one step of the derivation: forward, error, backward. Needs NumPy only. "
        "The run on the page again, loss by loss; the data are a toy, nothing here is medical advice.",
    ]
    script = Script(first.config, epochs, told, ["import numpy as np"])
    parts.given(script)
    _network(script)
    counted = any(stage.config.schedule != "constant" for stage in (first, *later))
    start = [f"state = {memory(script)}", *(["step = 0"] if counted else []), *begun(script, LOSS, HELD)]
    script.add("Training", *start, *_loop(script, first, counted))
    for stage in later:
        _changed(script, stage, counted)
    return script.text


def _changed(script: Script, stage: Stage, counted: bool) -> None:
    """What was changed under way, and the epochs after it."""
    before, script.config = script.config, stage.config
    changed = differing(before, stage.config)
    if "batch" in changed:
        parts.batches(script)
    if changed & PENALTIES:
        _network(script)
    lines = [f"state = {memory(script)}"] if "optimizer" in changed else []
    for index, value in stage.weights:
        place = next(p for p in parts.plan_of(stage.config).places if index < p.end)
        entry = ", ".join(str(i) for i in np.unravel_index(index - place.start, place.shape))
        lines.append(f'params["{place.name}"][{entry}] = {value!r}')
    if stage.weights or changed & PENALTIES:
        lines.append(f"losses[-1] = {LOSS}  # as it is with the change")
    names = [*sorted(name.replace("_", " ") for name in changed), *(["weights by hand"] if stage.weights else [])]
    lines += _loop(script, stage, counted) if stage.end > stage.start else []
    script.add(f"From epoch {stage.start} on changed: {', '.join(names) or 'nothing'}", *lines)


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


def _loop(script: Script, stage: Stage, counted: bool) -> list[str]:
    """The epochs of a stage."""
    plan = parts.plan_of(script.config)
    masks = [f"masks[{i}]" for i in range(len(plan.dropped))]
    whole = plan.size == plan.samples and not plan.dropped
    given = "x, y" if whole else "x[rows], y[rows]"
    step = [
        f"grads = gradients({', '.join(['params', given, *masks])})",
        *clipped(script),
        f"params, state = {update(script)}",
        *(["step += 1"] if counted else []),
    ]
    loop = step if whole else ["for rows" + ", masks" * bool(masks) + " in batches():", *(f"    {line}" for line in step)]
    return looped(script, LOSS, HELD, loop, stage.start, stage.end)


def begun(script: Script, loss: str, held: str) -> list[str]:
    """The loss before the first epoch."""
    return [f"losses = [{loss}]", _printed(script, "0", held)]


def looped(script: Script, loss: str, held: str, loop: list[str], start: int, end: int) -> list[str]:
    """The loop over the epochs `start` + 1 to `end`, which prints and keeps the losses."""
    return [
        f"for epoch in range({start + 1}, {end + 1}):",
        *(f"    {line}" for line in loop),
        f"    losses.append({loss})",
        *parts.judged(),
        f"    {_printed(script, 'epoch', held)}",
    ]


def shown(script: Script, loss: str, held: str, loop: list[str]) -> list[str]:
    """All epochs of a file without a story."""
    return [*begun(script, loss, held), *looped(script, loss, held, loop, 0, script.epochs)]


def _printed(script: Script, epoch: str, held: str) -> str:
    more = f', f"held out {{{held}:.6g}}"' if script.config.held_out else ""
    return f'print("epoch", {epoch}, f"loss {{losses[-1]:.6g}}"{more})'
