"""The lines of a worked derivation as LaTeX: the formula, the numbers put in, the result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.nn.losses import LOSSES
from dosegrade.steps import Line
from dosegrade.web.working import Sheet, on_chain

Array = NDArray[Any]
COLUMNS, ROWS = 4, 4
HOT = "#e8590c"  # of the chain, as in the drawing: readable on light and on dark ground
SMALL, LARGE = 1e-4, 1e5
_SUM = re.compile(r"\\frac1n\\sum_i |\\frac1M(?=\\sum_j)|\\sum_j |_j")


def number(value: float) -> str:
    """Five significant digits in LaTeX, powers of ten where the number is tiny or huge."""
    value = float(value)
    if value == 0:
        return "0"
    if not np.isfinite(value):
        return r"\text{no number}"
    if SMALL <= abs(value) < LARGE:
        text = f"{value:.5g}"
        return text if "e" not in text else f"{value:.0f}"
    digits, power = f"{value:.4e}".split("e")
    return rf"{digits.rstrip('0').rstrip('.')}\cdot 10^{{{int(power)}}}"


def plain(value: float) -> str:
    """The same in a sentence or a table: `−3.3131·10⁻¹⁵`."""
    text = number(value)
    text = re.sub(r"\\cdot 10\^\{(-?\d+)\}", lambda m: "·10" + m[1].translate(_RAISED), text)
    return text.replace("-", "−").replace(r"\text{no number}", "no number")


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def tex(value: Any, inside: bool = False) -> str:
    """A number, or a matrix with its rows as examples; `inside` a formula a negative number stands in brackets."""
    array = np.atleast_1d(np.asarray(value, dtype=float))
    if array.size == 1:
        alone = float(array.ravel()[0])
        text = number(alone)
        return f"({text})" if inside and (alone < 0 or "cdot" in text) else text
    rows = np.atleast_2d(array)
    shown = [_row(row) for row in (rows if len(rows) <= ROWS else rows[: ROWS - 1])]
    if len(rows) > ROWS:
        shown += [r"\vdots", _row(rows[-1])]
    return r"\begin{bmatrix}" + r" \\ ".join(shown) + r"\end{bmatrix}"


def _row(row: Array) -> str:
    parts = [number(v) for v in row]
    if len(parts) > COLUMNS:
        parts = [*parts[: COLUMNS - 1], r"\cdots", parts[-1]]
    return " & ".join(parts)


def block(line: Line, sheet: Sheet) -> str:
    """One line as an aligned block; a line of the chain has an arrow before it."""
    left, right = line.formula.split(" = ", 1)
    left = rf"\textcolor{{{HOT}}}{{\blacktriangleright\;{left}}}" if line.name in on_chain(sheet) else left
    put = put_in(line, sheet)
    rows = [right, *([put] if put else []), tex(line.result)]
    return rf"\begin{{aligned}} {left} &= " + r" \\[4pt] &= ".join(rows) + r"\end{aligned}"


def put_in(line: Line, sheet: Sheet) -> str:
    """The right side with its numbers."""
    given, name = line.given, line.name
    head = name.rstrip("0123456789")
    writer = {"z": _sum, "a": _activation, "dz": _through, "dW": _outer, "db": _total, "da": _pulled}.get(head)
    if name.startswith("new_"):
        return _update(given)
    if name in {"loss", "data_loss"}:
        return _loss(line, sheet)
    if name.startswith("da") and "y" in given:
        return _slope_of_loss(line, sheet)
    return writer(line, sheet) if writer and len(given) == _NEEDS[head] else ""


_NEEDS = {"z": 3, "a": 1, "dz": 2, "dW": 2, "db": 1, "da": 2}


def times(left: Any, right: Any, turned: str = "") -> str:
    """A product: a dot between numbers, nothing between matrices; ⊤ as said, where it does something."""
    both = [np.size(left) == 1, np.size(right) == 1]
    texts = [tex(left, True), tex(right, True)]
    if turned == "left" and not both[0]:
        texts[0] += r"^{\top}"
    if turned == "right" and not both[1]:
        texts[1] += r"^{\top}"
    return (r" \cdot " if all(both) else r"\,").join(texts)


def two_rows(first: str, sign: str, second: str, shape: tuple[int, ...]) -> str:
    """`first sign second`, broken before the sign where the matrices are too wide for one row of a card."""
    return f"{first} {sign} {second}" if shape[-1] < COLUMNS else rf"{first} \\[4pt] &\quad {sign} {second}"


def _sum(line: Line, sheet: Sheet) -> str:
    fed, w, b = line.given.values()
    return two_rows(times(fed, w), "+", tex(b, True), np.shape(w))


def _activation(line: Line, sheet: Sheet) -> str:
    (z,) = line.given.values()
    f = sheet.network.dense[int(line.name[1:]) - 1].f
    name = rf"\{f.name}" if f.name == "tanh" else "f"
    return rf"{name}\left({tex(z)}\right)" if np.size(z) == 1 else f"{name}{tex(z)}"


def _through(line: Line, sheet: Sheet) -> str:
    if "y" in line.given:
        y, a = line.given.values()
        return rf"\tfrac{{1}}{{{len(a)}}}\left({tex(a)} - {tex(y, True)}\right)"
    da, z = line.given.values()
    f = sheet.network.dense[int(line.name[2:]) - 1].f
    if f.slope is None:
        return ""
    slope = f.derivative(z)
    return times(da, slope) if np.size(da) == 1 else two_rows(tex(da), r"\odot", tex(slope), np.shape(da))


def _outer(line: Line, sheet: Sheet) -> str:
    fed, dz = line.given.values()
    return times(fed, dz, "left")


def _total(line: Line, sheet: Sheet) -> str:
    (dz,) = line.given.values()
    return " + ".join(tex(row[None, :], True) for row in dz) if len(dz) > 1 else ""


def _pulled(line: Line, sheet: Sheet) -> str:
    dz, w = line.given.values()
    return times(dz, w, "right")


def _update(given: Mapping[str, Any]) -> str:
    w, alpha, dw = given.values()
    return two_rows(tex(w), "-", rf"{number(alpha)} \cdot {tex(dw, True)}", np.shape(w))


def _loss(line: Line, sheet: Sheet) -> str:
    """One example and one output: the loss's own formula with numbers; more examples: the mean of their losses."""
    y, p = line.given.values()
    loss = LOSSES[sheet.network.loss]
    if np.size(y) == np.size(p) == 1:
        simple = _SUM.sub("", line.formula.split(" = ", 1)[1])
        return simple.replace(r"\hat y", tex(p, True)).replace("y", tex(y, True)) if loss.name in _SIMPLE else ""
    parts = " + ".join(tex(v, True) for v in loss.value(y, p)) if loss.name in LOSSES and not loss.from_z else ""
    return rf"\tfrac{{1}}{{{len(p)}}}\left({parts}\right)" if parts else ""


_SIMPLE = frozenset({"squared", "mean_squared_error", "mean_absolute_error"})


def _slope_of_loss(line: Line, sheet: Sheet) -> str:
    """ε of the output with its numbers, for the losses whose slope is short."""
    y, p = line.given.values()
    n = len(p)
    inner = rf"\left({tex(p)} - {tex(y, True)}\right)"
    name = sheet.network.loss
    if name in {"squared", "mean_squared_error"} and p.shape[1] == 1:
        return (r"2\," if n == 1 else rf"\tfrac{{2}}{{{n}}}") + inner
    if name in {"absolute", "mean_absolute_error"} and p.shape[1] == 1:
        return (rf"\tfrac{{1}}{{{n}}}" if n > 1 else "") + r"\operatorname{sign}" + inner
    return ""
