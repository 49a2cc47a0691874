"""A derivation's lines in LaTeX, the numbers of the step list put in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dosegrade.steps import Line

WIDE = 50

_SYMBOL = re.compile(
    r"\(w_\{(?P<after>\d+)\} - w_\{(?P<before>\d+)\}\)\^\\top x_\{(?P<by>\d+)\}"
    r"|(?P<left>[wz])_\{(?P<i>-?\d+)\}\^\\top x_\{(?P<right>\d+)\}"
    r"|(?P<vector>[wzx])_\{(?P<j>-?\d+)\}"
    r"|R_\{(?P<reward>\d+)\}|\\delta_\{(?P<delta>\d+)\}|\\(?P<greek>alpha|gamma|lambda)"
)


def formulas(lines: Sequence[Line]) -> str:
    """The lines as one LaTeX block: each formula, the numbers put in, the result."""
    return r"\begin{aligned}" + r" \\[8pt] ".join(formula(line) for line in lines) + r"\end{aligned}"


def formula(line: Line) -> str:
    """The rows of one line in an aligned block; a rule in words keeps its words, a long row is broken at its sums."""
    left, right = line.formula.split(" = ", 1)
    rows = [right, *put_in(right, line.given), tex(line.result)]
    return f"{left} &= " + r" \\ ".join([rows[0], *(row if row.startswith(r"&\quad") else f"&= {row}" for row in rows[1:])])


def put_in(right: str, given: Mapping[str, Any]) -> list[str]:
    """A formula's right side with its numbers, in one row or several; none for a rule in words."""
    if r"\text" in right:
        return []
    put = _SYMBOL.sub(lambda match: f"⟦{tex(_value(match, given), True)}⟧", right)
    put = re.sub(r"\s*\\,\s*|(?<=⟧)\s*(?=[⟦(])|(?<=\))\s*(?=⟦)", r" \\cdot ", put).replace("⟦", "").replace("⟧", "")
    if len(put) <= WIDE:
        return [put]
    first, *rest = put.split(") + ")
    return [f"{first})", *(rf"&\quad + {part}" for part in closed(rest))]


def closed(parts: Sequence[str]) -> list[str]:
    """The pieces of a sum with the bracket that splitting took."""
    return [part if number == len(parts) else f"{part})" for number, part in enumerate(parts, 1)]


def _value(match: re.Match[str], given: Mapping[str, Any]) -> Any:
    """What a symbol stands for in a line."""
    part = match.groupdict()
    if part["greek"]:
        return given["lam" if part["greek"] == "lambda" else part["greek"]]
    if part["reward"]:
        return given[f"R[{part['reward']}]"]
    if part["delta"]:
        return given[f"delta[{part['delta']}]"]
    if part["by"]:
        return (given[f"w[{part['after']}]"] - given[f"w[{part['before']}]"]) @ given[f"x[{part['by']}]"]
    if part["left"]:
        return _vector(part["left"], part["i"], given) @ given[f"x[{part['right']}]"]
    return _vector(part["vector"], part["j"], given)


def _vector(letter: str, index: str, given: Mapping[str, Any]) -> Any:
    """A vector; the trace before an episode is zero, whatever the step before it was called."""
    return given.get(f"{letter}[{index}]", given.get("z_0"))


def tex(value: Any, inside: bool = False) -> str:
    """A number or vector in LaTeX; `inside` a formula a negative number stands in brackets."""
    if np.ndim(value):
        return "(" + r",\ ".join(digits(v) for v in value) + ")"
    return f"({digits(value)})" if inside and float(value) < 0 else digits(value)


def digits(value: float) -> str:
    """At most four digits after the point, never -0."""
    text = f"{float(value):.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
