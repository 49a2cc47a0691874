"""A table given as formulas: each column computed from those before it and from the row above, as a derivation of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dosegrade.errors import SpecError
from dosegrade.grading.exercises import Case, Exercise, Mistake, Port, Variant
from dosegrade.quiz.byhand import Hand, HandExercise
from dosegrade.quiz.expressions import ExpressionError, Node, evaluate, parse, uses
from dosegrade.steps import Step, Steps, mutate

MAX_ROWS = 40


@dataclass(frozen=True)
class Column:
    """`[questions.columns.w]`: the formula of a cell, the value `start` above the first row, a heading's LaTeX for the key."""

    formula: str
    start: str | float = 0.0
    tex: str = ""


@dataclass(frozen=True)
class ColumnMistake:
    """`[[questions.wrong]]`: a mistake's code, the column that it changes, the formula that it uses there."""

    code: str
    column: str
    formula: str


def column_exercise(columns: Mapping[str, Column], wrong: tuple[ColumnMistake, ...], count: int, names: frozenset[str]) -> HandExercise:
    """The table as an exercise; SpecError names the column that is wrong."""
    if not 1 <= count <= MAX_ROWS:
        raise SpecError(f"count: found {count} rows, expected 1 to {MAX_ROWS}.")
    taken = [name for name in columns if name in names or name == "t"]
    if taken:
        raise SpecError(f"columns: {taken[0]} is a variable's name; call the column otherwise.")
    nodes = {name: tree(column.formula, columns, name, names, "columns") for name, column in columns.items()}
    starts = {name: tree(str(column.start), {}, name, names, "columns") for name, column in columns.items()}
    lines = [Step(f"{name}[-1]", tuple(sorted(uses(node))), "", computed(node)) for name, node in starts.items()]
    for t in range(count):
        lines += [cell(name, nodes[name], columns, t) for name in columns]
    whole = [Step(name, tuple(f"{name}[{t}]" for t in range(count)), "", stacked, rows=True) for name in columns]
    steps = (*lines, *whole)
    mistakes = tuple(mistake(m, columns, names, count) for m in wrong)
    ports = tuple(Port(name, name, ("n",)) for name in columns)
    made = Exercise(lambda inputs: steps, (), ports, nothing, nothing, mistakes)
    return _ColumnExercise(made, "columns", {"count": count})


class _ColumnExercise(HandExercise):
    """The table at a variant's numbers: its inputs are the variables as they are."""

    def at(self, values: Mapping[str, Any], decimals: int) -> Hand:
        return self.hand(dict(values), int(self.table["count"]), decimals)


def nothing(*_: Any) -> Case:
    """A table by formulas draws no cases: its numbers are the question's variables."""
    raise NotImplementedError


def stacked(*parts: Any) -> Any:
    """Cells as one column."""
    return np.array(parts, dtype=float)


def tree(text: str, columns: Mapping[str, Column], own: str, names: frozenset[str], where: str) -> Node:
    """A cell's formula: variables, `t`, the columns to the left, `prev_` columns of the row above."""
    left = list(columns)[: list(columns).index(own)] if own in columns else []
    known = {*names, *left, *(f"prev_{name}" for name in columns), *({"t"} if columns else ())}
    try:
        return parse(text, frozenset(known))
    except ExpressionError as error:
        raise SpecError(f"{where}: {own}: {error}") from None


def cell(name: str, node: Node, columns: Mapping[str, Column], t: int) -> Step:
    """One cell as a step."""
    wanted = sorted(uses(node) - {"t"})
    needs = tuple(place(other, columns, t) for other in wanted)
    return Step(f"{name}[{t}]", needs, columns[name].tex, computed(node, tuple(wanted), t))


def place(name: str, columns: Mapping[str, Column], t: int) -> str:
    """The step that a name in a formula stands for in row t."""
    if name in columns:
        return f"{name}[{t}]"
    return f"{name[5:]}[{t - 1}]" if name.startswith("prev_") and name[5:] in columns else name


def computed(node: Node, wanted: tuple[str, ...] | None = None, t: int = 0) -> Callable[..., Any]:
    """A formula as a step's function."""
    order = tuple(sorted(uses(node))) if wanted is None else wanted
    return lambda *values: evaluate(node, {**dict(zip(order, values, strict=True)), "t": t})


def mistake(m: ColumnMistake, columns: Mapping[str, Column], names: frozenset[str], count: int) -> Mistake:
    """A mistake as the derivation with that column computed otherwise."""
    if m.column not in columns:
        raise SpecError(f"wrong: {m.code}: there is no column '{m.column}'. There are: {', '.join(columns)}.")
    node = tree(m.formula, columns, m.column, names, f"wrong: {m.code}")

    def rewrite(steps: Steps) -> Steps:
        for t in range(count):
            other = cell(m.column, node, columns, t)
            steps = mutate(steps, other.name, other.compute, other.needs)
        return steps

    return Mistake(m.code, (Variant(rewrite),))
