"""What the three exports have in common: data, scaling, first weights and the order of the batches, in NumPy."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from dosegrade.data.features import FEATURES
from dosegrade.data.source import SIDE
from dosegrade.exports.source import Writer
from dosegrade.nn.config import TOLD, Config
from dosegrade.nn.initializers import INITIALIZERS, initialize
from dosegrade.nn.losses import LOSSES
from dosegrade.nn.plan import Plan, threshold
from dosegrade.nn.schedules import SCHEDULES
from dosegrade.nn.training import MAX_LOSS

WRITTEN_OUT = 64
WIDE = 120
TAKEN = frozenset(
    {"x", "y", "rng", "dose", "params", "state", "rows", "order", "masks", "loss", "losses", "step", "batches", "model", "network", "cost"}
)


@dataclass
class Script:
    """A file in the making: what it says at its top, its imports, its functions (`rules` those that learn), and the parts after them."""

    config: Config
    epochs: int
    told: list[str]
    imports: list[str]
    writer: Writer = field(default_factory=lambda: Writer(TAKEN))
    rules: Writer = field(default_factory=lambda: Writer(TAKEN))
    parts: list[str] = field(default_factory=list)

    def add(self, title: str, *lines: str) -> None:
        """A part under its title."""
        self.parts.append(f"# {title}\n" + "\n".join(lines))

    def once(self, line: str) -> str:
        """The line where the file does not have it yet."""
        return "" if any(line in part.splitlines() for part in self.parts) else line

    @property
    def text(self) -> str:
        """The whole file."""
        head = '"""' + "\n\n".join(textwrap.fill(told, WIDE) for told in self.told) + '\n"""'
        body = [head, "\n".join(self._imports()), *filter(None, (self.writer.text, self.rules.text)), *self.parts]
        text = body[0] + "\n\n" + body[1]
        for before, part in pairwise(body[1:]):
            text += ("\n\n\n" if "def " in before + part or "class " in before + part else "\n\n") + part
        return text + "\n"

    def _imports(self) -> list[str]:
        needs_math = any("math." in part for part in (self.writer.text, self.rules.text, *self.parts))
        return [*(["import math"] if needs_math else []), *self.imports]


def plan_of(config: Config) -> Plan:
    """The plan of a run whose samples are counted only: rows and batches, masks, hyper-parameters."""
    count = len(config.dataset.x) - config.held_out
    return Plan(
        config.network, np.zeros((count, config.network.inputs)), np.zeros((count, 1)), config.optimizer, dict(config.hyper), config.batch
    )


def described(config: Config) -> str:
    """`1-8-1 with tanh inside and identity at the end, mean squared error, adam at 0.05`."""
    network = config.network
    sizes = "-".join(str(units) for units in (network.inputs, *(layer.units for layer in network.dense)))
    bends = ", ".join(dict.fromkeys(layer.f.spec for layer in network.dense[:-1]))
    hidden = f" with {bends} inside and" if bends else " with"
    loss = network.loss.replace("_", " ")
    return f"{sizes}{hidden} {network.dense[-1].f.spec} at the end, {loss}, {config.optimizer} at {config.learning_rate:g}"


def given(script: Script) -> None:
    """What a run begins with: data, features, scales, first weights, batches."""
    for part in (data, fed, scaled, weights, batches):
        part(script)


def data(script: Script) -> None:
    """x (n, k) and y (n, 1) as they are measured, drawn by the rule of the data set; a reader's own rows as they are."""
    config, source = script.config, script.config.source
    lines = [f"rng = np.random.default_rng({config.data_seed})"]
    if source.targets is not None:
        dataset = config.dataset
        rows = [f"    {row!r}," for row in np.column_stack([source.draw(np.random.default_rng(0), 0), source.targets]).tolist()]
        names = ", ".join((*dataset.features, source.target))
        lines = [f"rows = np.array([  # {names}", *rows, "])", "x, y = rows[:, :-1], rows[:, -1:]", *(lines if config.noise > 0 else [])]
    else:
        lines.append(f"x = {script.writer.call(source.draw, ['rng', str(config.points)], 'draw')}")
        lines.append(f"y = {script.writer.call(source.truth, ['x'], source.name)}")
    if config.noise > 0 and source.task == "classification":
        sizes = [config.noise * (high - low) / 2.0 / 100.0 for low, high in source.bounds]
        lines.append(f"x = x + rng.normal(0.0, 1.0, x.shape) * {sizes!r}")
    elif config.noise > 0:
        lines.append(f"y = y + rng.normal(0.0, {config.noise * (source.span[1] - source.span[0]) / 100.0!r}, y.shape)")
    toy = "a toy, made up for teaching" if source.targets is None else "your own rows"
    script.add(f"The data: {toy}", *lines)


def fed(script: Script) -> None:
    """x as the network is fed it: functions of the inputs, where such are chosen."""
    config, source = script.config, script.config.source
    if not config.features:
        return
    lines, made = [], []
    entries = [FEATURES[name] for name in config.features]
    if any(entry.column is not None for entry in entries):
        low, high = ([pair[i] for pair in source.bounds] for i in (0, 1))
        square = set(low) == {-SIDE} and set(high) == {SIDE}
        drawn = f"x[:, :{source.dimensions}]"
        away, wide = repr(np.array(low).tolist()), repr((np.array(high) - low).tolist())
        lines.append(f"t = {drawn}" if square else f"t = {2.0 * SIDE!r} * ({drawn} - {away}) / {wide} - {SIDE!r}  # from -6 to 6")
    for entry in entries:
        made.append(f"x[:, {entry.of}:{entry.of + 1}]" if entry.column is None else script.writer.inline(entry.column, ["t"], entry.name))
    others = [f"x[:, {source.dimensions}:]"] if source.others else []
    script.add("What the network is fed", *lines, f"x = np.column_stack([{', '.join([*made, *others])}])")


def scaled(script: Script) -> None:
    """The rows kept for training, and both sides scaled by what these rows say."""
    config, source = script.config, script.config.source
    lines = []
    if config.held_out:
        lines += [
            f"shuffled = np.random.default_rng([{config.data_seed}, 1]).permutation(len(x))",
            f"held_out = np.sort(shuffled[:{config.held_out}])",
            "kept = np.setdiff1d(np.arange(len(x)), held_out)",
        ]
    rows = "[kept]" if config.held_out else ""
    sides = [("x", config.scale_dose, source.bounds[0])]
    if source.task == "regression":
        sides.append(("y", config.scale_effect, source.span))
    for name, kind, reach in sides:
        if kind == "unit":
            lines.append(f"{name} = {name} / {max(map(abs, reach)) or 1.0!r}")
        elif kind == "standard":
            lines.append(f"{name}_size = {name}{rows}.std(axis=0)")
            lines.append(f"{name} = ({name} - {name}{rows}.mean(axis=0)) / np.where({name}_size > 0, {name}_size, 1.0)")
    if config.signed:
        lines.append("y = (y - 0.5) / 0.5  # classes as -1 and 1")
    if config.held_out:
        lines.append("x_held, y_held, x, y = x[held_out], y[held_out], x[kept], y[kept]")
    if lines:
        script.add("Scaled" + " by the rows that it learns from; the others are for validation" * bool(config.held_out), *lines)


def weights(script: Script) -> None:
    """`params`: as numbers where there are few, else drawn by the rule of the run."""
    config, network = script.config, script.config.network
    if plan_of(config).parameters <= WRITTEN_OUT:
        first = initialize(network, config.initializer, config.seed)
        lines = ["params = {", *(f'    "{name}": np.array({numbers(value)}),' for name, value in first.items()), "}"]
        script.add(f"The first weights, drawn by {config.initializer} with seed {config.seed}", *lines)
        return
    rule = INITIALIZERS[config.initializer]
    lines = [f"rng = np.random.default_rng({config.seed})", "params = {"]
    for name, shape in network.shapes.items():
        if name.startswith("W"):
            variance = script.writer.call(rule.variance, map(str, shape), f"{rule.name}_variance")
            value = script.writer.call(rule.draw, ["rng", variance, repr(shape)], rule.name)
        else:
            value = f"np.zeros({shape[0]})"
        lines.append(f'    "{name}": {value},')
    script.add(f"The first weights: {config.initializer} with seed {config.seed}", *lines, "}")


def numbers(value: Any) -> str:
    """An array as a list whose numbers read back to the same bits, a matrix with many of them row by row."""
    rows = np.asarray(value).tolist()
    text = repr(rows)
    if len(text) <= WIDE or not isinstance(rows[0], list):
        return text
    return "[\n" + "".join(f"        {row!r},\n" for row in rows) + "    ]"


@dataclass(frozen=True)
class Stage:
    """A part of a run with the same settings: epochs `start` + 1 to `end`, and the weights that were set by hand before them."""

    start: int
    end: int
    config: Config
    weights: tuple[tuple[int, float], ...] = ()


def stages(config: Config, epochs: int) -> list[Stage]:
    """A run of so many epochs, cut where its story tells of a change."""
    events = config.at(epochs).story
    ends = [*(event[0] for event in events), epochs]
    found = [Stage(0, ends[0], replace(config, story=()))]
    for (start, changes), end in zip(events, ends[1:], strict=True):
        settings = {name: value for name, value in changes if name in TOLD}
        weights = tuple((int(name[1:]), float(value)) for name, value in changes if name not in TOLD)
        found.append(Stage(start, end, replace(found[-1].config, **settings), weights))
    return found


def story_told(config: Config) -> list[str]:
    """For a file that has the newest settings from the start: that the run on the page was changed under way."""
    if not config.story:
        return []
    epochs = ", ".join(f"{epoch:,}" for epoch in dict.fromkeys(event[0] for event in config.story))
    return [
        f"The run on the page was changed under way (epoch {epochs}); this file has the newest settings from the start, so its losses "
        "differ. The NumPy code follows every change."
    ]


def batches(script: Script) -> None:
    """`batches()`: the rows of each batch of one epoch, shuffled, with the dropout masks; nothing for the full batch without dropout."""
    config, plan = script.config, plan_of(script.config)
    if plan.size == plan.samples and not plan.dropped:
        return
    lines, body = [], []
    if plan.size < plan.samples:
        lines.append(script.once(f"shuffler = np.random.default_rng([{config.seed}, 1])"))
        body.append("order = shuffler.permutation(len(x))")
    else:
        body.append("order = np.arange(len(x))")
    if plan.dropped:
        words = plan.samples * plan.mask_width
        rate = plan.dropped[0][2]
        lines.append(script.once(f"dropper = np.random.default_rng([{config.seed}, 2])"))
        body += [
            f'kept = np.frombuffer(dropper.bytes({2 * (words + words % 2)}), "<u2") < {threshold(rate)}  # of 65536: {1 - rate:g} stay',
            "at = 0",
        ]
    body.append(f"for start in range(0, len(x), {plan.size}):")
    body.append(f"    rows = order[start : start + {plan.size}]")
    if plan.dropped:
        body += [
            "    masks = []",
            f"    for units in {tuple(units for _, units, _ in plan.dropped)}:",
            "        masks.append(kept[at : at + len(rows) * units].reshape(-1, units).astype(float))",
            "        at += len(rows) * units",
        ]
    body.append("    yield rows, masks" if plan.dropped else "    yield rows")
    told = "The rows of each batch of one epoch" + ", and what dropout keeps of each layer" * bool(plan.dropped)
    title = "The batches, drawn as on the page"
    lines = [text for text in lines if text]
    script.add(title, *lines, *["", ""] * bool(lines), "def batches():", f'    """{told}."""', *(f"    {line}" for line in body))


def loss_of_rows(script: Script) -> str:
    """Our own loss of the targets `y` and predictions `p`, a number a row, as an expression in the library of `rules`."""
    loss = LOSSES[script.config.loss]
    return script.rules.call(loss.value, ["y", "p"], f"{loss.name}_of_rows")


def rate(script: Script) -> str:
    """The learning rate at update number `step`, as an expression."""
    config = script.config
    if config.schedule == "constant":
        return repr(float(config.learning_rate))
    factor = script.writer.call(
        SCHEDULES[config.schedule].factor, [f"step / {config.decay_steps}", repr(config.decay_rate)], f"{config.schedule}_decay"
    )
    return f"{config.learning_rate!r} * {factor}"


def judged() -> list[str]:
    """The lines that stop where the loss has left all bounds."""
    return [f"    if not losses[-1] <= {MAX_LOSS:g}:", '        print("diverged: try a smaller learning rate")', "        break"]
