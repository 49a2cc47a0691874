"""How each family is worked by hand: what its derivation starts from, out of the variables of a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Exercise, Port
from dosegrade.grading.exercises.descent import DescentTable
from dosegrade.grading.exercises.gradient import GradientTable, quantity_shapes
from dosegrade.grading.exercises.optimizer_rules import stacked
from dosegrade.quiz.solvers import one_hot
from dosegrade.rl.td_lambda import td_lambda_inputs
from dosegrade.spec import build
from dosegrade.steps import Step, Steps, Values, needed

Array = NDArray[Any]
Shapes = dict[str, tuple[int | str, ...]]
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
