"""A derivation worked by hand: a registered exercise at a variant's own numbers, with its mistakes and the reach of rounding."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.cases import MISFITS, MISFITS_TOGETHER, changed, together, touches
from dosegrade.grading.exercises import Exercise, Mistake, Port, Variant
from dosegrade.grading.exercises.descent import DescentTable
from dosegrade.grading.exercises.families import exercise as family_exercise
from dosegrade.grading.exercises.gradient import GradientTable, quantity_shapes
from dosegrade.grading.exercises.optimizer_rules import stacked
from dosegrade.quiz.solvers import one_hot
from dosegrade.rl.td_lambda import td_lambda_inputs
from dosegrade.spec import build
from dosegrade.steps import Line, Step, Steps, Values, evaluate, needed, worked

Array = NDArray[Any]
Rounding = Callable[[Array], Array]
Shapes = dict[str, tuple[int | str, ...]]
SAFETY = 1.5


@dataclass(frozen=True)
class Plan:
    """The steps of one mistake, or of two made together, and the names whose values can differ from the derivation's own."""

    mistakes: tuple[Mistake, ...]
    variant: Variant
    steps: Steps
    dirty: frozenset[str]

    def values(self, right: Values, inputs: Values, asked: Sequence[str], way: Rounding | None = None) -> Values | None:
        """What is asked for, so mistaken, each step rounded in some way; None where the mistake cannot be made here."""
        values = {name: value for name, value in right.items() if name not in self.dirty}
        try:
            for step in self.steps:
                if step.name not in values:
                    made = step.compute(*[values[name] for name in step.needs])
                    values[step.name] = made if way is None else way(np.asarray(made))
            found = {name: values[name] for name in asked}
            found = found if self.variant.answers is None else self.variant.answers([found], [inputs])[0]
        except misfits(self.mistakes):
            return None
        fits = all(np.shape(found[q]) == np.shape(right[q]) and np.isfinite(found[q]).all() for q in asked)
        return found if fits else None


def misfits(mistakes: tuple[Mistake, ...]) -> tuple[type[Exception], ...]:
    """What making mistakes may raise where the steps have no place for them, or two no place for one another."""
    return MISFITS if len(mistakes) == 1 else MISFITS_TOGETHER


@dataclass(frozen=True)
class Prepared:
    """What rests on the steps alone: those of what is asked for, and a plan for each way to make each mistake, or each two."""

    derived: Steps
    asked: tuple[str, ...]
    mistakes: Sequence[Mistake]

    @cached_property
    def entries(self) -> Steps:
        """`G[0]` and the like, where they are asked for: entries of arrays that the derivation makes whole."""
        whole = {step.name for step in self.derived if not step.rows}
        found = [(name, moment) for name in self.asked if (moment := MOMENT.fullmatch(name)) and moment[1] in whole]
        made = {step.name for step in self.derived}
        return tuple(Step(name, (moment[1],), "", partial(entry, int(moment[2]))) for name, moment in found if name not in made)

    @cached_property
    def steps(self) -> Steps:
        """The steps that what is asked for rests on."""
        return self.asked_of(self.derived)

    def asked_of(self, derived: Steps) -> Steps:
        """The steps of a derivation that what is asked for rests on."""
        return needed((*derived, *self.entries), self.asked)

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        """Single mistakes."""
        ways = ((mistake, variant) for mistake in self.mistakes for variant in mistake.variants if not variant.reshapes)
        made = (self.plan((mistake,), variant) for mistake, variant in ways)
        return tuple(plan for plan in made if plan is not None)

    @cached_property
    def pairs(self) -> tuple[Plan, ...]:
        """Two mistakes made together, in both orders where they touch the same step."""
        touched = [(plan, touches(plan.variant, self.derived)) for plan in self.plans]
        found = []
        for (a, first), (b, second) in combinations(touched, 2):
            if a.mistakes != b.mistakes:
                orders = [(a, b), (b, a)] if first & second else [(a, b)]
                found += [self.plan(one.mistakes + two.mistakes, together(one.variant, two.variant)) for one, two in orders]
        return tuple(plan for plan in found if plan is not None)

    def plan(self, mistakes: tuple[Mistake, ...], variant: Variant) -> Plan | None:
        """The plan of a variant; None where the steps have no place for it."""
        try:
            steps = self.steps if variant.rewrite is None else self.asked_of(variant.rewrite(self.derived))
        except misfits(mistakes):
            return None
        return Plan(mistakes, variant, steps, frozenset(changed(steps, self.steps)))


def entry(index: int, array: Array) -> Any:
    """One entry of an array."""
    return array[index]


@dataclass(frozen=True)
class Mistaken:
    """What a plan gives at a variant's numbers, as the student is asked for it."""

    plan: Plan
    values: dict[str, Array]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the mistakes that are made."""
        return tuple(mistake.code for mistake in self.plan.mistakes)


@dataclass(frozen=True)
class Hand:
    """An exercise at one set of numbers, worked with so many decimals."""

    exercise: Exercise = field(repr=False)
    inputs: Values
    n: int
    decimals: int
    prepared: Prepared = field(repr=False)

    @property
    def steps(self) -> Steps:
        """The steps that what is asked for rests on."""
        return self.prepared.steps

    @cached_property
    def values(self) -> Values:
        """Every quantity by the derivation's own names."""
        return evaluate(self.steps, self.inputs)

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """What is asked for; a shape that differs from case to case is that of these numbers, without sides of one entry."""
        return tuple(replace(p, shape=self.sides(p.quantity), words="") if p.words else p for p in self.exercise.returns)

    def sides(self, quantity: str) -> tuple[int, ...]:
        """The shape of a quantity without sides of one entry, but for the rows."""
        shape = np.shape(self.values[quantity])
        return tuple(side for k, side in enumerate(shape) if side != 1 or (k == 0 and quantity in self.rows))

    @cached_property
    def truth(self) -> dict[str, Array]:
        """The right values, by the names that are asked for, in the student's shapes."""
        return self.shaped(self.values)

    @cached_property
    def rounded(self) -> tuple[tuple[Rounding, Values], ...]:
        """Each way of rounding, with every quantity as it comes out where each step is rounded so at the decimals asked for."""
        ways = [partial(shortened, cut, 10.0**self.decimals) for cut in (np.round, np.trunc)]
        return tuple((way, self.evaluated(way)) for way in ways)

    def evaluated(self, way: Rounding) -> Values:
        """Every quantity, each step rounded."""
        values = dict(self.inputs)
        for step in self.steps:
            values[step.name] = way(np.asarray(step.compute(*[values[name] for name in step.needs])))
        return values

    @cached_property
    def rounding(self) -> dict[str, Array]:
        """How far each entry moves where every step is rounded, or cut off, at the decimals that are asked for."""
        return self.reach(self.truth, [self.shaped(values) for _, values in self.rounded])

    def reach(self, exact: Mapping[str, Array], rounded: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """How far rounding carries each entry, the last rounding included, and half as far again for other ways of writing the steps."""
        half = 0.5 * 10.0**-self.decimals
        return {name: SAFETY * np.max([np.abs(r[name] - value) for r in rounded], axis=0) + half for name, value in exact.items()}

    def shaped(self, values: Mapping[str, Any]) -> dict[str, Array]:
        """Quantities of the derivation as the student is asked for them."""
        return {p.name: np.reshape(np.asarray(values[p.quantity], dtype=float), p.size(self.n)) for p in self.ports}

    def steps_of(self, answer: Mapping[str, Array]) -> Values:
        """The student's values in the derivation's own names and shapes."""
        return {p.quantity: np.reshape(answer[p.name], np.shape(self.values[p.quantity])) for p in self.ports if p.name in answer}

    @cached_property
    def mistaken(self) -> tuple[Mistaken, ...]:
        """Every single mistake that can be made here."""
        return tuple(self.made(self.prepared.plans))

    def pairs(self, wrong: Collection[str]) -> Iterator[Mistaken]:
        """Two mistakes made together that can change all of the quantities that are wrong."""
        return self.made(plan for plan in self.prepared.pairs if plan.dirty.issuperset(wrong) or plan.variant.answers is not None)

    def made(self, plans: Iterable[Plan]) -> Iterator[Mistaken]:
        """What the plans give, those left out that give no numbers here."""
        with np.errstate(all="ignore"):
            for plan in plans:
                found = plan.values(self.values, self.inputs, self.prepared.asked)
                if found is not None:
                    yield Mistaken(plan, self.shaped(found))

    def rounding_of(self, mistaken: Mistaken) -> dict[str, Array]:
        """How far rounding carries what a mistake gives."""
        with np.errstate(all="ignore"):
            made = [mistaken.plan.values(right, self.inputs, self.prepared.asked, way) for way, right in self.rounded]
        return self.reach(mistaken.values, [self.shaped(values) for values in made if values is not None] or [mistaken.values])

    @cached_property
    def rows(self) -> frozenset[str]:
        """The arrays that are made of rows, each a quantity of its own."""
        return frozenset(step.name for step in self.steps if step.rows)

    def count(self, port: Port, entries: Array) -> int:
        """How many quantities some entries belong to."""
        return int(entries.reshape(len(entries) if port.quantity in self.rows else 1, -1).any(axis=1).sum())

    @cached_property
    def quantities(self) -> int:
        """How many quantities are asked for."""
        return sum(self.count(port, np.ones_like(self.truth[port.name], dtype=bool)) for port in self.ports)

    def worked(self) -> tuple[Line, ...]:
        """The derivation with its numbers, a line a step."""
        return tuple(line for line in worked(self.steps, self.inputs) if line.formula)


def shortened(cut: Rounding, unit: float, value: Array) -> Array:
    """A value rounded, or cut off, to a multiple of 1/unit."""
    return np.asarray(cut(value * unit) / unit)


Inputs = Callable[[Exercise, Mapping[str, Any], Mapping[str, Any]], tuple[Values, int]]


def network_inputs(made: Exercise, table: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Values, int]:
    """x, y, parameters and learning rate from the variables of the same (or the course's) names."""
    settings = build(GradientTable, table, "exercise")
    network = settings.network.build()
    steps = made.derive({})
    shapes = quantity_shapes(network, steps)
    inputs: Values = {}
    for name in outside(needed(steps, [p.quantity for p in made.returns])):
        inputs[name] = reshaped(values, settings.names.get(name, name), shapes[name])
    return inputs, len(inputs["x"]) if "x" in inputs else 1


def descent_inputs(made: Exercise, table: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Values, int]:
    """Parameters, their gradients and the learning rate from the variables `W1`, `dW1`, … and `learning_rate`."""
    shapes = build(DescentTable, table, "exercise").network.build().shapes
    sizes: Shapes = {**shapes, **{f"d{name}": shape for name, shape in shapes.items()}, "learning_rate": ()}
    return {name: reshaped(values, name, sizes[name]) for name in outside(made.derive({}))}, 1


def variable(values: Mapping[str, Any], name: str) -> Array:
    """A variable as an array of numbers."""
    if name not in values:
        raise SpecError(f"exercise: the derivation starts from '{name}'; add it to [questions.variables].")
    return np.asarray(values[name], dtype=float)


def reshaped(values: Mapping[str, Any], name: str, shape: tuple[int | str, ...]) -> Array:
    """A variable in the shape that the steps take, "n" as many as there are."""
    found = variable(values, name)
    try:
        return np.reshape(found, tuple(-1 if s == "n" else int(s) for s in shape))
    except ValueError:
        raise misshapen(name, found, tuple(s if s == "n" else int(s) for s in shape)) from None


def misshapen(name: str, found: Array, wanted: object) -> SpecError:
    """What is said of a variable of the wrong shape."""
    return SpecError(f"exercise: the variable '{name}' has shape {found.shape}, expected {wanted}.")


def argument_inputs(single: str, made: Exercise, table: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Values, int]:
    """The variables named as the code question's arguments are, of any size; the side `single` is left out where it has one entry.

    v(S_T) may be left out where S_T is terminal.
    """
    sizes: dict[str, int] = {}
    inputs: Values = {}
    for port in made.arguments:
        found = variable(values, port.name)
        if port.shape and "n+1" in port.shape and len(np.atleast_1d(found)) == sizes["n"] and not table.get("truncated"):
            found = np.append(found, 0.0)
        found = sided(port, found, sizes, single)
        inputs[port.quantity] = whole_numbers(port.name, found) if "int" in port.words else found
    return inputs, sizes.get("n", 1)


def whole_numbers(name: str, found: Any) -> Any:
    """Whole numbers, as indices and counts of steps are."""
    numbers = np.asarray(found)
    if (numbers != np.round(numbers)).any():
        raise SpecError(f"exercise: the variable '{name}' is {numbers.tolist()}, expected whole numbers.")
    return numbers.astype(int) if numbers.ndim else int(numbers)


def sided(port: Port, found: Array, sizes: dict[str, int], single: str) -> Any:
    """A variable whose sides are those that the variables before it have."""
    if port.described == "array":
        return found
    sides = tuple(s if isinstance(s, str) else "k" for s in port.shape)
    if found.ndim == len(sides) - 1 and single in sides:
        found = np.expand_dims(found, sides.index(single))
    if found.ndim == len(sides):
        wanted = tuple(sizes["n"] + 1 if s == "n+1" else sizes.setdefault(s, side) for s, side in zip(sides, found.shape, strict=True))
        if found.shape != wanted:
            raise misshapen(port.name, found, wanted)
        return found if sides else float(found)
    raise misshapen(port.name, found, f"({', '.join(sides)})")


def outside(steps: Steps) -> list[str]:
    """What the steps start from."""
    made = {step.name for step in steps}
    return list(dict.fromkeys(name for step in steps for name in step.needs if name not in made))


def td_inputs(made: Exercise, table: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Values, int]:
    """One episode from the variables `path` (a letter a state), `states`, `rewards`, `w0`, `alpha`, `gamma`, `lam`; the end is terminal.

    Rewards and first weights may be left out where only the trace is asked for, which does not rest on them.
    """
    blank = {"rewards": np.zeros(len(values.get("path", ""))), "w0": np.zeros(len(values.get("states", "")))}
    traces = all(port.quantity.startswith("z") for port in made.returns)
    values = {**(blank if traces else {}), **values}
    for name in ("path", "states", "rewards", "w0", "alpha", "gamma", "lam"):
        if name not in values:
            raise SpecError(f"exercise: the episode needs '{name}'; add it to [questions.variables].")
    features = one_hot(values["path"], values["states"])
    x = np.vstack([features, np.zeros(features.shape[1])])
    episode = (x, np.asarray(values["rewards"], dtype=float))
    inputs = td_lambda_inputs([episode], values["w0"], values["alpha"], values["gamma"], values["lam"])
    return {**inputs, "lengths": (len(features),)}, len(features)


@cache
def by_rows(steps: Steps) -> Steps:
    """An optimizer's updates with each of its quantities as rows, an update a row, the weights as `result`."""
    names = {step.name for step in steps}
    count = sum(name.startswith("g") for name in names)
    memory = [name for name in ("m", "v") if f"{name}1" in names]
    rows = (Step(name, tuple(f"{name}{t}" for t in range(1, count + 1)), "", stacked, rows=True) for name in memory)
    return (*(replace(step, rows=True) if step.name == "result" else step for step in steps), *rows)


def itself(steps: Steps) -> Steps:
    """The steps as they are."""
    return steps


@dataclass(frozen=True)
class Way:
    """How a family is worked by hand: its inputs, the keys that this settles, the steps as they are worked.

    `returned` gives what the family's code questions return for what is asked, where steps are asked for by their own names;
    `names` are the steps that are asked for by other names.
    """

    inputs: Inputs
    settled: Mapping[str, Any] = field(default_factory=dict)
    steps: Callable[[Steps], Steps] = itself
    returned: Callable[[Sequence[str]], tuple[str, ...]] | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def one_array(asked: Sequence[str]) -> tuple[str, ...]:
    """What is returned by a function that returns one array."""
    return ("result",)


def parameters(asked: Sequence[str]) -> tuple[str, ...]:
    """The parameters whose new values are asked for."""
    for name in asked:
        if not name.startswith("new_"):
            raise SpecError(f"ask: found '{name}', expected a parameter after the step, such as new_W1.")
    return tuple(dict.fromkeys(name.removeprefix("new_").partition("[")[0] for name in asked))


WAYS: dict[str, Way] = {
    "network": Way(network_inputs, {"arguments": [], "scalars": True, "samples": [1]}),
    "td-lambda": Way(td_inputs),
    "value-targets": Way(partial(argument_inputs, "n"), returned=one_array),
    "optimizer": Way(partial(argument_inputs, "k"), steps=by_rows, returned=one_array, names={"w": "result"}),
    "activation": Way(partial(argument_inputs, ""), returned=one_array),
    "descent": Way(descent_inputs, returned=parameters),
}


@dataclass(frozen=True)
class HandExercise:
    """`[questions.exercise]` of a question answered by hand: a family that quantities can be asked of."""

    made: Exercise
    family: str
    table: Mapping[str, Any]
    kept: dict[int, Prepared] = field(default_factory=dict, repr=False, compare=False)

    def at(self, values: Mapping[str, Any], decimals: int) -> Hand:
        """The exercise at a variant's numbers."""
        try:
            inputs, n = WAYS[self.family].inputs(self.made, self.table, values)
        except ValueError as error:
            raise SpecError(f"exercise: these numbers do not fit: {error}.") from None
        return self.hand(inputs, n, decimals)

    def hand(self, inputs: Values, n: int, decimals: int) -> Hand:
        """The exercise at these inputs; what depends on the steps alone is kept for the next time."""
        derived = self.made.derive(inputs)
        asked = tuple(p.quantity for p in self.made.returns)
        prepared = self.kept.setdefault(id(derived), Prepared(derived, asked, self.made.mistakes))
        there = {step.name for step in derived}
        for name in asked:
            if name not in there | {step.name for step in prepared.entries}:
                raise SpecError(f"exercise: the derivation has no '{name}' here; its steps are {', '.join(sorted(there))}.")
        return Hand(self.made, inputs, n, decimals, prepared)


MOMENT = re.compile(r"(\w+)\[(\d+)\]")


def hand_exercise(table: Mapping[str, Any], asked: Sequence[str]) -> HandExercise:
    """The exercise of a table; `z[2]` asks for one step of z alone, `G[0]` for one entry. SpecError where it has no such quantity."""
    family = table.get("family", "")
    way = WAYS.get(str(family))
    whole = {**(way.settled if way else {}), **table}
    if way is not None and way.returned is not None:
        made = family_exercise(whole, way.returned(asked), "exercise")
        steps = tuple(Port(name, way.names.get(name, name), (), words="as the variables have it") for name in asked)
        made = replace(made, derive=partial(derived_by, way, made), returns=steps)
        return HandExercise(made, str(family), keys_of(whole))
    moments = {name: found for name in asked if (found := MOMENT.fullmatch(name)) and family == "td-lambda"}
    arrays = tuple(dict.fromkeys(moments[name][1] if name in moments else name for name in asked))
    made = family_exercise(whole, arrays, "exercise")
    ports = {port.name: port for port in made.returns}
    returns = tuple(at_step(ports[moments[name][1]], name, moments[name][2]) if name in moments else ports[name] for name in asked)
    return HandExercise(replace(made, returns=returns), str(family), keys_of(whole))


def derived_by(way: Way, made: Exercise, inputs: Values) -> Steps:
    """The steps as they are worked by hand."""
    return way.steps(made.derive(inputs))


def keys_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """The family's own keys."""
    return {key: value for key, value in table.items() if key != "family"}


def at_step(port: Port, name: str, t: str) -> Port:
    """One step of an array that has a row a step."""
    return Port(name, f"{port.quantity}[{t}]", port.shape[1:], f"{port.quantity} at step {t}")
