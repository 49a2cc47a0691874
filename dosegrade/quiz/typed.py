"""Reads what a student typed: numbers and arrays, or a sentence on what was found and expected instead. Never evaluates anything."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosegrade.errors import DosegradeError
from dosegrade.spec import kind_of

Array = NDArray[Any]
MAX_NUMBER = 64
MAX_ENTRIES = 1000
MAX_TEXT = 4000
MAX_LEVELS = 3


class Malformed(DosegradeError):
    """An answer that cannot be read: no wrong answer, and no attempt used up. `kind` is `return`, `shape` or `not-finite`."""

    def __init__(self, message: str, kind: str = "return") -> None:
        super().__init__(message)
        self.kind = kind


_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?")
_SPELT = str.maketrans({"−": "-", "–": "-", "\u00a0": " ", "\u202f": " "})
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity|∞)", re.IGNORECASE)


def blank(raw: Any) -> bool:
    """Whether nothing was answered: no entry, an empty text, list or table, or nothing but blanks in it."""
    if isinstance(raw, str):
        return not raw.strip()
    if isinstance(raw, dict):
        return all(blank(v) for v in raw.values())
    if isinstance(raw, list | tuple):
        return all(blank(v) for v in raw)
    return raw is None


def number(raw: Any, unit: str = "", what: str = "a number") -> float:
    """A finite float from a number or from a text such as `2/3`, `1e-3`, `14 mg`."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise Malformed(f"Found {kind_of(raw)}, expected {what}.")
    try:
        value = _from_text(raw, unit, what) if isinstance(raw, str) else float(raw)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise Malformed(f"Found {shown(raw)}, expected a finite number.", "not-finite")
    return value


def shown(raw: Any) -> str:
    """The answer as quoted in a message, short and on one line."""
    text = repr(raw) if isinstance(raw, str) else str(kind_of(raw))
    return text if len(text) <= 40 else text[:37] + "…"


def _from_text(raw: str, unit: str, what: str) -> float:
    if len(raw) > MAX_NUMBER:
        raise Malformed(f"Found {len(raw)} characters, expected {what} of at most {MAX_NUMBER}.")
    text = raw.translate(_SPELT).strip()
    if unit and text.endswith(unit):
        text = text[: -len(unit)].rstrip()
    if _NOT_FINITE.fullmatch(text):
        return math.nan
    parts = [part.strip() for part in text.split("/")]
    if len(parts) > 2 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise Malformed(f"Found {shown(raw)}, expected {what}.{_remedy(text, unit)}")
    if len(parts) == 1:
        return float(parts[0])
    below = float(parts[1])
    if below == 0:
        raise Malformed(f"Found {shown(raw)}, a division by zero; expected {what}.", "not-finite")
    return float(parts[0]) / below


def _remedy(text: str, unit: str) -> str:
    if re.fullmatch(r"[+-]?\d+(,\d+)+(\.\d*)?", text):
        return " Write a point for decimals and nothing between thousands, as in 1234.5."
    if re.fullmatch(r"[^A-Za-z%°µμ]*[A-Za-z%°µμ/]+", text):
        return f" Its unit is {unit}." if unit else " Leave the unit or name out."
    return " Write it as in 14, -0.25, 1e-3 or 2/3."


def whole(raw: Any, unit: str = "") -> float:
    """A whole number, `14416` or `14416.0`."""
    value = number(raw, unit, "a whole number")
    if value != round(value):
        raise Malformed(f"Found {shown(raw)}, expected a whole number.")
    return value


def array(raw: Any, shape: tuple[int, ...], gaps: bool = False) -> Array:
    """Numbers of exactly that shape, from nested lists or a text (`1, 2; 3, 4`); with `gaps` an empty entry is nan."""
    if isinstance(raw, str):
        raw = rows_of(raw, len(shape))
    _count(raw)
    found = _shape(raw)
    if found != shape:
        raise Malformed(f"Found {shape_words(found)}, expected {shape_words(shape)}.{_turned(found, shape)}", "shape")
    flat = [math.nan if gaps and blank(item) else number(item) for item in _flat(raw)]
    return np.array(flat, dtype=float).reshape(shape)


def rows_of(text: str, ndim: int) -> Any:
    """The rows of a typed array as nested lists of texts."""
    if len(text) > MAX_TEXT:
        raise Malformed(f"Found {len(text)} characters, expected at most {MAX_TEXT}.")
    body = re.sub(r"[\])]\s*,?\s*[\[(]", ";", text.translate(_SPELT).strip())
    body = re.sub(r"[\r\n]+", ";", body.strip("[]() \t\r\n")).strip("; ")
    rows = [[item for item in re.split(r"\s*,\s*|\s+", row.strip()) if item] for row in body.split(";")]
    return rows[0] if ndim == 1 and len(rows) == 1 else [row[0] for row in rows] if ndim == 1 and _column(rows) else rows


def _column(rows: Sequence[Sequence[str]]) -> bool:
    return len(rows) > 1 and all(len(row) == 1 for row in rows)


def _count(raw: Any, level: int = 0) -> int:
    if not isinstance(raw, list | tuple):
        return 1
    if level == MAX_LEVELS:
        raise Malformed(f"Found lists nested more than {MAX_LEVELS} deep, expected numbers.", "shape")
    total = sum(_count(item, level + 1) for item in raw)
    if total > MAX_ENTRIES:
        raise Malformed(f"Found more than {MAX_ENTRIES} entries.", "shape")
    return total


def _shape(raw: Any) -> tuple[int, ...]:
    if not isinstance(raw, list | tuple):
        return ()
    inner = {_shape(item) for item in raw}
    if len(inner) > 1:
        raise Malformed("Found rows of different lengths; expected all of one length.", "shape")
    return (len(raw), *(inner.pop() if inner else ()))


def _flat(raw: Any) -> list[Any]:
    return [leaf for item in raw for leaf in _flat(item)] if isinstance(raw, list | tuple) else [raw]


def _turned(found: tuple[int, ...], shape: tuple[int, ...]) -> str:
    if len(shape) == 2 and found == shape[::-1]:
        return " It is turned: give it row by row."
    if sorted(n for n in found if n != 1) == sorted(n for n in shape if n != 1) and len(found) != len(shape):
        return " Give one list of numbers." if len(shape) == 1 else " Give a list of rows."
    return ""


def shape_words(shape: tuple[int, ...]) -> str:
    """`one number`, `3 numbers`, `2 rows of 3 numbers`."""
    if not shape:
        return "one number"
    last = f"{shape[-1]} number{'s' if shape[-1] != 1 else ''}"
    if len(shape) == 1:
        return last
    return f"{shape[0]} row{'s' if shape[0] != 1 else ''} of {last}" if len(shape) == 2 else f"{shape[0]} tables of {last}"
