"""Whether two formulas are the same function: values at random points, and sympy's word in a process that can be killed.

sympy is built from our own tree alone: its own parsers evaluate code and are never used.
"""

from __future__ import annotations

import json
import operator
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.quiz.expressions import Node, evaluate, parse
from dosegrade.quiz.functions import FUNCTIONS

Array = NDArray[Any]
POINTS = 12
ENOUGH = 8
CLOSE = 1e-9
SECONDS = 5.0
MEMORY = 1 << 30
REAL = ("abs", "max", "min", "relu")


def points(symbols: Mapping[str, Node | None], real: bool, seed: int = 11) -> dict[str, Array]:
    """Values of all symbols at random points, those with a formula computed from the others; complex unless `real`."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {}
    for name, node in symbols.items():
        size = rng.uniform(0.2, 1.2, POINTS)
        draw = size * rng.choice([-1.0, 1.0], POINTS) if real else size + 1j * rng.uniform(-0.4, 0.4, POINTS)
        values[name] = draw if node is None else evaluate(node, values)
    return values


def functions(node: Node) -> set[str]:
    """The functions that a formula calls."""
    found = {str(node.value)} if node.op == "call" else set()
    for part in node.parts:
        found |= functions(part)
    return found


def agree(one: Node, other: Node, symbols: Mapping[str, Node | None]) -> bool:
    """Whether two formulas have the same values wherever both are finite, at 8 random points at least."""
    real = any(functions(node) & set(REAL) for node in (one, other, *(n for n in symbols.values() if n)))
    values = points(symbols, real)
    first, second = (np.broadcast_to(evaluate(node, values), (POINTS,)) for node in (one, other))
    finite = np.isfinite(first) & np.isfinite(second)
    if finite.sum() < ENOUGH:
        return False
    size = np.maximum(np.abs(first), np.abs(second))
    return bool(np.all(np.abs(first - second)[finite] <= CLOSE * np.maximum(size, 1e-3)[finite]))


@lru_cache(maxsize=1024)
def confirmed(one: str, other: str, symbols: tuple[tuple[str, str], ...]) -> bool | None:
    """sympy's word on two formulas: the same, not the same, or None where it does not know within the time."""
    home = str(Path(__file__).resolve().parent.parent.parent)
    question = json.dumps({"formulas": [one, other], "symbols": symbols})
    environment = {"PYTHONPATH": home, "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "dosegrade.quiz.algebra"],
            input=question,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env=environment,
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    return {"same": True, "different": False}.get(ran.stdout.strip())


def main() -> None:
    """The child: reads two formulas, says `same`, `different` or `unknown`."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS) + 1, int(SECONDS) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    given = json.loads(sys.stdin.read())
    import sympy

    known: dict[str, Any] = {}
    for name, formula in given["symbols"]:
        known[name] = to_sympy(parse(formula), known) if formula else sympy.Symbol(name, real=True)
    first, second = (to_sympy(parse(formula), known) for formula in given["formulas"])
    gap = sympy.cancel(sympy.together((first - second).rewrite(sympy.exp)))
    gap = gap if gap.is_number else sympy.simplify(gap)
    print("same" if gap == 0 else "different" if gap.is_number and abs(sympy.N(gap)) > 1e-6 else "unknown")


def to_sympy(node: Node, known: Mapping[str, Any]) -> Any:
    """Our tree as sympy's."""
    import sympy

    if node.op == "number":
        return sympy.Rational(str(node.value))
    if node.op == "name":
        return known[node.value]
    parts = [to_sympy(part, known) for part in node.parts]
    if node.op == "call":
        return OWN[node.value](sympy, *parts) if node.value in OWN else getattr(sympy, FUNCTIONS[node.value].sympy)(*parts)
    if node.op == "neg":
        return -parts[0]
    one, other = parts
    return ARITHMETIC[node.op](one, other)


ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow}
OWN: dict[str, Callable[[Any, Any], Any]] = {
    "sigmoid": lambda sympy, x: 1 / (1 + sympy.exp(-x)),
    "relu": lambda sympy, x: sympy.Max(x, 0),
    "sech": lambda sympy, x: 1 / sympy.cosh(x),
}

if __name__ == "__main__":
    main()
