"""A unit's arithmetic at one data point: inputs × weights + bias = z, f(z) = a, with the numbers of the derivation itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data.features import titles
from dosegrade.nn.training import Trainer
from dosegrade.steps import Line, needed, worked
from dosegrade.web.charts import typeset
from dosegrade.web.working_tex import number, tex

Array = NDArray[Any]
MOST, ROW = 12, 3


@dataclass(frozen=True)
class Arithmetic:
    """Of unit `unit` (from 1) in layer `layer` (1…L): `inputs` (k,) with `names`, `weights` (k, pieces), `bias` and `z` (pieces,), `a`.

    `point` is the number of the training point (from 1), `raw` its inputs and `target` its target in the data's units; `output` is a in
    those units, where it is the network's.
    """

    epoch: int
    layer: int
    unit: int
    point: int
    names: tuple[str, ...]
    inputs: Array
    weights: Array
    bias: Array
    z: Array
    a: float
    activation: str
    lines: tuple[Line, ...]
    raw: tuple[tuple[str, float], ...]
    target: float
    output: float | None

    @property
    def title(self) -> str:
        """Which unit it is, and where it looks."""
        what = "The output" if self.output is not None else f"Unit {self.unit} of hidden layer {self.layer}"
        at = ", ".join(f"{typeset(name)} {f'{value:.4g}'.replace('-', '−')}" for name, value in self.raw)
        return f"{what} at data point {self.point} ({at}), epoch {self.epoch:,}"

    @property
    def tex(self) -> tuple[str, ...]:
        """Formulas in LaTeX: z with its numbers, one for each piece of maxout, and a."""
        sums = []
        for piece, (z, bias) in enumerate(zip(self.z, self.bias, strict=True), 1):
            name = f"z^{{({piece})}}" if len(self.z) > 1 else "z"
            sums.append(_sum(name, self.inputs, self.weights[:, piece - 1], bias, z))
        of = ",\\ ".join(number(value) for value in self.z)
        bent = rf"a = f(z) = \text{{{self.activation}}}({of}) = {number(self.a)}"
        return (*sums, bent)


def _sum(name: str, inputs: Array, weights: Array, bias: float, z: float) -> str:
    """z = Σ input · weight + bias in an aligned block; of many inputs those with the largest terms."""
    shown = np.arange(len(inputs))
    if len(shown) > MOST:
        shown = np.sort(np.argsort(-np.abs(inputs * weights))[:MOST])
    terms = [rf"{tex(inputs[i], True)}\cdot {tex(weights[i], True)}" for i in shown]
    if rest := len(inputs) - len(shown):
        others = np.delete(inputs * weights, shown).sum()
        terms.append(rf"\underbrace{{{tex(others, True)}}}_{{\text{{{rest} smaller terms}}}}")
    terms.append(rf"\underbrace{{{tex(bias, True)}}}_{{\text{{bias}}}}")
    rows = [" + ".join(terms[start : start + ROW]) for start in range(0, len(terms), ROW)]
    body = r" \\ &\quad + ".join(rows)
    return rf"\begin{{aligned}} {name} &= {body} \\ &= {number(z)} \end{{aligned}}"


def arithmetic(trainer: Trainer, theta: Array, epoch: int, layer: int, unit: int, point: int) -> Arithmetic:
    """Of unit `unit` (from 0) in layer `layer` (1…L) at training point `point` (from 0), with the weights theta."""
    network, data = trainer.network, trainer.dataset
    row = trainer.training_points[point]
    steps = needed(network.steps(), {f"a{layer}"})
    lines = worked(steps, {"x": trainer.inputs(data.x[row : row + 1]), **trainer.views(theta)})
    z, a = next(line for line in lines if line.name == f"z{layer}"), lines[-1]
    fed, kernel, bias = z.given.values()
    f, last = network.dense[layer - 1].f, layer == len(network.dense)
    columns = slice(unit * f.pieces, (unit + 1) * f.pieces)
    names = titles(data.source, trainer.config.features) if layer == 1 else [f"unit {i}" for i in range(1, len(kernel) + 1)]
    value = float(a.result[0, unit])
    return Arithmetic(
        epoch,
        layer,
        unit + 1,
        point + 1,
        tuple(names),
        fed[0],
        kernel[:, columns],
        bias[columns],
        z.result[0, columns],
        value,
        f.spec.replace("_", " "),
        lines,
        tuple(zip(data.features, data.x[row].tolist(), strict=True)),
        float(data.y[row, 0]),
        float(trainer.effect_scaling.undo(np.array([value]))[0]) if last else None,
    )
