"""A reader's own rows: one or two inputs and a target, as text that can be pasted, typed or linked to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.data.source import Source
from dosegrade.errors import SpecError

Array = NDArray[Any]

OWN = "own"
LEAST_ROWS, MOST_ROWS = 5, 500
LARGEST, LONGEST_NAME, LONGEST_TEXT = 1e9, 24, 100_000
HOW = "Give a row of numbers for each example, with one or two inputs and then the target, for example 1.5, 2, 0"


@dataclass(frozen=True, eq=False)
class Table:
    """Rows (n, 2 or 3) of numbers, the target last, and the names of the columns."""

    names: tuple[str, ...]
    rows: Array

    @property
    def text(self) -> str:
        """The table as comma-separated text that `read` gives back."""
        lines = [",".join(self.names), *(",".join(_short(value) for value in row) for row in self.rows.tolist())]
        return "\n".join(lines)


@lru_cache(maxsize=32)
def read(text: str) -> Table:
    """A table from text separated by commas, semicolons or tabs (then a decimal comma is read, too), with or without a line of names."""
    if not isinstance(text, str):
        raise SpecError(f"Found {text!r} for rows of your own; expected text. {HOW}.")
    if len(text) > LONGEST_TEXT:
        raise SpecError(f"Found {len(text):,} characters; expected at most {LONGEST_TEXT:,}. Leave out rows or digits.")
    lines = [(number, line.strip()) for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1) if line.strip(" \t,;\r")]
    if not lines:
        raise SpecError(f"Found no rows of your own. {HOW}.")
    mark = next((mark for mark in ("\t", ";") if mark in lines[-1][1]), ",")
    cells = [(number, [cell.strip().strip('"').strip() for cell in line.split(mark)]) for number, line in lines]
    names: tuple[str, ...] = ()
    if all(_number(cell, mark) is None for cell in cells[0][1]):
        names = tuple(cells.pop(0)[1])
    if not LEAST_ROWS <= len(cells) <= MOST_ROWS:
        raise SpecError(f"Found {len(cells)} rows of numbers; expected from {LEAST_ROWS} to {MOST_ROWS}. {HOW}.")
    width = len(cells[0][1])
    if width not in (2, 3):
        raise SpecError(f"Found {width} column{'s' * (width != 1)} in line {cells[0][0]}; expected two or three. {HOW}.")
    rows = np.array([_row(number, row, width, mark) for number, row in cells])
    return _checked(Table(_names(names, width), rows))


def _row(number: int, row: list[str], width: int, mark: str) -> list[float]:
    if len(row) != width:
        raise SpecError(
            f"Found {len(row)} columns in line {number}; expected {width}, as in the first row. Complete the line or leave it out."
        )
    values = [_number(cell, mark) for cell in row]
    for cell, value in zip(row, values, strict=True):
        if value is None or not abs(value) <= LARGEST:
            what = "nothing" if not cell else repr(cell[:30])
            raise SpecError(f"Found {what} in line {number}; expected a number of at most {LARGEST:g}. Mend the line or leave it out.")
    return [value for value in values if value is not None]


def _number(cell: str, mark: str) -> float | None:
    try:
        return float((cell if mark == "," else cell.replace(",", ".")).replace("−", "-").replace("_", " "))
    except ValueError:
        return None


def _names(given: tuple[str, ...], width: int) -> tuple[str, ...]:
    usual = ("x", "y") if width == 2 else ("x1", "x2", "y")
    if len(given) != width:
        return usual
    kept = ["".join(c for c in name if c.isprintable() and c not in ',;"{}<>')[:LONGEST_NAME].strip() for name in given]
    names = tuple(name if name and _number(name, ",") is None else other for name, other in zip(kept, usual, strict=True))
    return names if len(set(names)) == width else usual


def _checked(table: Table) -> Table:
    for name, column in zip(table.names, table.rows.T, strict=True):
        if np.ptp(column) == 0:
            raise SpecError(f"Found the same value {column[0]:g} in every row of {name!r}; there is nothing to learn from. Vary it.")
    return table


def _short(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def source_of(text: str, task: str) -> Source:
    """The source that a reader's own rows are."""
    table = read(text)
    x, y = table.rows[:, :-1], table.rows[:, -1:]
    if task == "classification" and set(y.ravel().tolist()) != {0.0, 1.0}:
        odd = next((value for value in y.ravel().tolist() if value not in (0.0, 1.0)), y[0, 0])
        raise SpecError(
            f"Found {odd:g} in the target {table.names[-1]!r}; classes are 0 and 1, both at least once. Or learn it as a number."
        )
    span = (0.0, 1.0) if task == "classification" else (float(y.min()), float(y.max()))
    return Source(
        OWN,
        "Your own rows",
        "",
        lambda inputs: np.full((len(inputs), 1), math.nan),
        lambda rng, points: x,
        task=task,
        names=table.names[:-1],
        bounds=tuple((float(column.min()), float(column.max())) for column in x.T),
        target=table.names[-1],
        span=span,
        targets=y,
    )
