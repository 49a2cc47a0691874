"""A Sheet is one step of learning written out: a network, its numbers, a few examples, the weight that is looked at.

The numbers are those of the network's own step list; this module holds the sources' examples, reads links and takes apart the chain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.nn.network import Network, mlp
from dosegrade.nn.training import Config, Trainer
from dosegrade.registry import Registry, did_you_mean
from dosegrade.steps import Line, Step, Steps, Values, complex_step, evaluate, needed, worked
from dosegrade.web import link
from dosegrade.web.query import number, whole

Array = NDArray[Any]
MOST_WIDTH, MOST_EPOCHS, MOST_ROWS = 12, 1000, 3
BIGGEST = 1e4
MEASURABLE = 1e-6
MOST_TERMS, MOST_WAYS = 6, 400
OWN = "own"
SUBS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Example:
    """A worked example of the sources: its network, `values` for x, y, every parameter in order, and the learning rate last."""

    name: str
    title: str
    why: str
    network: Network
    values: tuple[float, ...]
    weight: str
    source: str


CHAIN = mlp(1, (1, 1, 1), "tanh")
LECTURE = mlp(2, (2, 1), "relu", "relu")

EXAMPLES: Registry[Example] = Registry(
    "example",
    {
        example.name: example
        for example in (
            Example(
                "dose",
                "Dose-response, 30 mg",
                "A 1-1-1-1 chain and one patient's dose, with the numbers of the written derivation. The dose goes in as 30, and the first "
                "unit is so saturated that almost nothing of the error arrives at its weight.",
                CHAIN,
                (30.0, 1.7, 0.6, -0.3, 0.9, 0.1, 1.5, 0.5, 0.01),
                "W1.1.1",
                "derivation",
            ),
            Example(
                "scaled",
                "The same, dose ÷ 100",
                "The same weights, the dose fed in as 0.3. Now the first unit works where tanh is steep, and its gradient is as large as "
                "the others.",
                CHAIN,
                (0.3, 1.7, 0.6, -0.3, 0.9, 0.1, 1.5, 0.5, 0.01),
                "W1.1.1",
                "scaled",
            ),
            Example(
                "lecture",
                "The lecture's 2-2-1 net",
                "Two inputs, two ReLU units, a ReLU output, nine parameters. Both hidden units are active, so every slope is 1 and the "
                "error "
                "passes unchanged.",
                LECTURE,
                (2.0, 1.0, 1.0, 0.4, 0.5, -0.3, 0.25, 0.1, -0.2, 0.7, -0.6, 0.3, 0.1),
                "W1.1.1",
                "lecture",
            ),
            Example(
                "dead",
                "A unit that is off",
                "The same net with one weight turned round: the second unit's sum is negative, ReLU gives 0, and the slope there is 0. The "
                "lecture's ε of the unit is not zero, its δ is.",
                LECTURE,
                (2.0, 1.0, 1.0, 0.4, -0.5, -0.3, 0.25, 0.1, -0.2, 0.7, -0.6, 0.3, 0.1),
                "W1.1.2",
                "lecture",
            ),
        )
    },
)
CASES = (*EXAMPLES, OWN)


@dataclass(frozen=True)
class Sheet:
    """What the page shows. `numbers` replace the example's values; `weight` is `W2.1.1` or `b2.1`, counted from 1, "" for the usual one.

    With `own`, the playground's network after `epoch` epochs on `rows` of its training points.
    """

    case: str = "dose"
    numbers: tuple[float, ...] = ()
    weight: str = ""
    config: Config = field(default_factory=Config)
    epoch: int = 0
    rows: int = 1

    def __post_init__(self) -> None:
        if self.case not in CASES:
            raise SpecError(
                f"Found the example {self.case[:30]!r}, expected one of {', '.join(CASES)}.{did_you_mean(self.case[:30], CASES)}"
            )
        if self.case == OWN:
            _check_own(self)
        elif self.numbers:
            _check_numbers(self.numbers, len(EXAMPLES[self.case].values))
        if self.weight and self.weight not in self.weights:
            raise SpecError(f"Found the weight {self.weight[:30]!r}, expected for example {self.weights[0]} or {self.weights[-1]}.")

    @property
    def example(self) -> Example | None:
        """The source's example; None for the playground's network."""
        return None if self.case == OWN else EXAMPLES[self.case]

    @property
    def as_printed(self) -> bool:
        """Whether the numbers are the source's own."""
        return self.example is not None and self.values == self.example.values

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers of an example, changed or not."""
        return self.numbers or (self.example.values if self.example else ())

    @cached_property
    def network(self) -> Network:
        """The network that is written out."""
        return self.example.network if self.example else self.config.network

    @cached_property
    def inputs(self) -> Values:
        """x, y, the parameters, and `alpha`, the learning rate."""
        if self.example is None:
            return dict(own_inputs(self.config, self.epoch, self.rows))
        return taken(self.network, self.values)

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """Every single parameter, `W1.1.1` …"""
        return tuple(spell(name, index) for name, shape in self.network.shapes.items() for index in np.ndindex(*shape))

    def label(self, weight: str) -> str:
        """`W₂`, `W₁[2,1]`, `b₁[2]` from `W1.2.1`."""
        name, *index = weight.split(".")
        spot = "" if math.prod(self.network.shapes[name]) == 1 else f"[{','.join(index)}]"
        return name[0] + name[1:].translate(SUBS) + spot

    @property
    def chosen(self) -> tuple[str, tuple[int, ...]]:
        """The parameter that is looked at: its array and index from 0."""
        usual = self.example.weight if self.example else self.weights[0]
        name, *index = (self.weight or usual).split(".")
        return name, tuple(int(part) - 1 for part in index)

    @cached_property
    def steps(self) -> Steps:
        """The derivation and the step of gradient descent that follows."""
        return (*self.network.steps(), *(update(name) for name in self.network.shapes))

    @cached_property
    def lines(self) -> dict[str, Line]:
        """The worked derivation by name."""
        return {line.name: line for line in worked(self.steps, self.inputs)}

    @cached_property
    def made(self) -> Values:
        """Every quantity by name."""
        return evaluate(self.steps, self.inputs)

    @cached_property
    def loss_after(self) -> float:
        """The loss with the updated parameters."""
        moved = {name: self.made[f"new_{name}"] for name in self.network.shapes}
        return float(evaluate(needed(self.network.steps(), {"loss"}), {**self.inputs, **moved})["loss"])

    @property
    def gradient(self) -> float:
        """∂L by the chosen parameter."""
        name, index = self.chosen
        return float(self.made[f"d{name}"][index])


def _check_numbers(numbers: tuple[float, ...], count: int) -> None:
    if len(numbers) != count:
        raise SpecError(f"Found {len(numbers)} numbers, expected {count}: inputs, target, every parameter, learning rate.")
    for value in numbers:
        if not (math.isfinite(value) and abs(value) <= BIGGEST):
            raise SpecError(f"Found the number {value:g}, expected one from {-BIGGEST:g} to {BIGGEST:g}.")


def _check_own(sheet: Sheet) -> None:
    widest = max(sheet.config.hidden, default=1)
    if widest > MOST_WIDTH:
        raise SpecError(f"The network has a layer of {widest} units; this page writes out layers of at most {MOST_WIDTH}.")
    mixed = [layer.f.name for layer in sheet.config.network.dense if layer.f.slope is None and layer.f.name != "softmax"]
    if mixed:
        raise SpecError(f"Found {mixed[0]}, which mixes several sums; this page writes out units that have one sum and one slope.")
    for what, value, low, high in (("epoch", sheet.epoch, 0, MOST_EPOCHS), ("number of examples", sheet.rows, 1, MOST_ROWS)):
        if not low <= value <= high:
            raise SpecError(f"Found {value} for the {what}, expected a whole number from {low} to {high}.")


def spell(name: str, index: tuple[int, ...]) -> str:
    """`W2.1.1` from `W2` and (0, 0)."""
    return ".".join([name, *(str(part + 1) for part in index)])


def taken(network: Network, values: tuple[float, ...]) -> Values:
    """Inputs of the steps from a flat list: x, y, parameters in order, learning rate."""
    sizes = {"x": (1, network.inputs), "y": (1, network.outputs), **network.shapes}
    ends = np.cumsum([math.prod(shape) for shape in sizes.values()])
    parts = np.split(np.array(values[:-1], dtype=float), ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(sizes.items(), parts, strict=True)} | {"alpha": values[-1]}


@lru_cache(maxsize=8)
def own_inputs(config: Config, epoch: int, rows: int) -> Mapping[str, Any]:
    """The playground's network after so many epochs, with training points spread evenly over the doses; scaled as the run scales them."""
    trainer = Trainer(config)
    trainer.advance(epoch)
    kept = trainer.training_points
    spots = kept[[int((k + 0.5) * len(kept) / rows) for k in range(rows)]]
    x = trainer.inputs(trainer.dataset.x[spots])
    y = trainer.effect_scaling.apply(trainer.dataset.y[spots])
    return {"x": x, "y": y, **trainer.params, "alpha": config.learning_rate}


def update(name: str) -> Step:
    """θ ← θ − α ∂L/∂θ, plain gradient descent."""
    head, layer = name[0], name[1:]
    return Step(
        f"new_{name}",
        (name, "alpha", f"d{name}"),
        rf"{head}_{{{layer}}}^{{\text{{new}}}} = {head}_{{{layer}}} - \alpha\, d{head}_{{{layer}}}",
        lambda w, alpha, dw: w - alpha * dw,
    )


@dataclass(frozen=True)
class Factor:
    """One factor of a chain: `kind` error, slope, weight, input; its symbol (head, below), what it is, its number."""

    kind: str
    symbol: tuple[str, str]
    value: float


@dataclass(frozen=True)
class Term:
    """One way from the loss to the weight, for one example: factors and their product."""

    row: int
    units: tuple[int, ...]
    factors: tuple[Factor, ...]

    @property
    def value(self) -> float:
        """The product of the factors."""
        return math.prod(factor.value for factor in self.factors)


def ways(sheet: Sheet) -> int:
    """How many ways lead from the loss to the chosen weight in one example."""
    layer = int(sheet.chosen[0][1:])
    return math.prod(dense.units for dense in sheet.network.dense[layer:])


def terms(sheet: Sheet) -> tuple[Term, ...]:
    """The gradient of the data's loss as a sum over examples and ways through the units, the largest first.

    Where the ways are too many to list, one term for each example, with the error that they have brought to the unit together.
    """
    name, index = sheet.chosen
    layer, last = int(name[1:]), len(sheet.network.dense)
    if ways(sheet) > MOST_WAYS:
        return tuple(Term(row, (index[-1],), gathered(sheet, row)) for row in range(len(sheet.inputs["x"])))
    between = [range(sheet.network.dense[k - 1].units) for k in range(layer + 1, last)]
    outputs = range(sheet.network.outputs)
    ends: list[Any] = [] if layer == last else [outputs]
    paths = [(index[-1], *way) for way in product(*between, *ends)]
    found = [Term(row, way, factors(sheet, row, layer, way)) for row in range(len(sheet.inputs["x"])) for way in paths]
    return tuple(sorted(found, key=lambda term: -abs(term.value)))


def factors(sheet: Sheet, row: int, layer: int, way: tuple[int, ...]) -> tuple[Factor, ...]:
    """∂L/∂ŷ, then slope and weight in turns down to the unit, then what the weight was multiplied with."""
    made, dense = sheet.made, sheet.network.dense
    last = len(dense)
    single = all(d.units == 1 for d in dense)

    def below(level: int, unit: int) -> str:
        return str(level) if single else f"{level},{unit + 1}"

    joint = f"da{last}" not in made
    chain = [Factor("error", ("∂L/∂z" if joint else "∂L/∂ŷ", ""), float(made[f"{'dz' if joint else 'da'}{last}"][row, way[-1]]))]
    for level in range(last, layer - 1, -1):
        unit = way[level - layer]
        if not (joint and level == last):
            chain.append(Factor("slope", ("f′(z", below(level, unit)), float(dense[level - 1].f.derivative(made[f"z{level}"][row, unit]))))
        if level > layer:
            under = way[level - layer - 1]
            chain.append(Factor("weight", (sheet.label(spell(f"W{level}", (under, unit))), ""), float(made[f"W{level}"][under, unit])))
    return (*chain, *fed(sheet, row))


def gathered(sheet: Sheet, row: int) -> tuple[Factor, ...]:
    """ε of the unit, its slope, and what the weight was multiplied with."""
    name, index = sheet.chosen
    layer, unit = int(name[1:]), index[-1]
    spot, f = f"{layer},{unit + 1}", sheet.network.dense[layer - 1].f
    error = Factor("error", ("ε", spot), float(sheet.made[f"da{layer}"][row, unit]))
    slope = Factor("slope", ("f′(z", spot), float(f.derivative(sheet.made[f"z{layer}"][row, unit])))
    return (error, slope, *fed(sheet, row))


def fed(sheet: Sheet, row: int) -> tuple[Factor, ...]:
    """What the chosen weight was multiplied with; nothing for a bias."""
    name, index = sheet.chosen
    if not name.startswith("W"):
        return ()
    layer, source = int(name[1:]), index[0]
    values = sheet.made["x" if layer == 1 else f"a{layer - 1}"]
    wide = values.shape[1] > 1
    place = [] if layer == 1 else [str(layer - 1)]
    below = ",".join([*place, *([str(source + 1)] if wide else [])])
    return (Factor("input", ("x" if layer == 1 else "a", below), float(values[row, source])),)


def on_chain(sheet: Sheet) -> frozenset[str]:
    """The names of the backward steps that the chosen weight's gradient rests on."""
    name, _ = sheet.chosen
    return frozenset(step.name for step in needed(sheet.network.steps(), {f"d{name}"}) if step.name.startswith("d"))


def telling(sheet: Sheet) -> tuple[str, tuple[int, ...]]:
    """The chosen parameter, or where its gradient is lost in rounding the first one whose is not."""
    largest = max(float(np.abs(sheet.made[f"d{name}"]).max()) for name in sheet.network.shapes)
    if abs(sheet.gradient) >= MEASURABLE * largest:
        return sheet.chosen
    spots = ((name, index) for name, shape in sheet.network.shapes.items() for index in np.ndindex(*shape))
    found = (spot for spot in spots if abs(sheet.made[f"d{spot[0]}"][spot[1]]) >= MEASURABLE * largest)
    return next(found, sheet.chosen)


@lru_cache(maxsize=16)
def certified(sheet: Sheet) -> dict[str, Array]:
    """Every gradient by the complex step."""
    return {name: complex_step(sheet.network.steps(), sheet.inputs, "loss", name) for name in sheet.network.shapes}


def to_query(sheet: Sheet) -> dict[str, str]:
    """The shortest address that gives the sheet back."""
    query: dict[str, str] = {} if sheet.case == "dose" else {"case": sheet.case}
    if sheet.weight and sheet.weight != (sheet.example.weight if sheet.example else sheet.weights[0]):
        query["weight"] = sheet.weight
    if sheet.case == OWN:
        query |= {name: str(getattr(sheet, name)) for name in ("epoch", "rows") if getattr(sheet, name) != getattr(Sheet, name)}
        return query | link.to_query(sheet.config)
    return query if sheet.as_printed else query | {"numbers": ",".join(f"{value:.12g}" for value in sheet.values)}


def from_query(query: Mapping[str, str]) -> Sheet:
    """The sheet that an address describes; SpecError in a sentence where it cannot be read."""
    own = {key: text for key, text in query.items() if key not in KNOWN}
    case = query.get("case", OWN if own else "dose")
    if own and case != OWN:
        key = next(iter(own))
        raise SpecError(f"Found a setting called {key[:30]!r}, which this example does not have.{did_you_mean(key[:30], KNOWN)}")
    numbers = tuple(number(part, " among the numbers") for part in query["numbers"].split(",")) if "numbers" in query else ()
    counts = {name: whole(query[name]) for name in ("epoch", "rows") if name in query}
    return Sheet(case, numbers, query.get("weight", ""), link.from_query(own), **counts)


KNOWN = tuple(f.name for f in fields(Sheet) if f.name != "config")


def switched(sheet: Sheet, case: str) -> Sheet:
    """Another example as the source has it; the playground's network stays what it was."""
    return replace(sheet, case=case, numbers=(), weight="")
