"""Texts with placeholders: `{gamma}` becomes the variant's number, LaTeX's own braces stay.

A brace right after a letter, a digit, `_`, `^`, `}` or a backslash belongs to LaTeX; write `x^{{n}}` to put a number there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from dosegrade.errors import SpecError
from dosegrade.registry import did_you_mean

_PLACE = re.compile(r"(?<![\w^}\\])\{([^\W\d]\w*)\}")
_AFTER_SIGN = re.compile(r"(?:[-+*]|\\cdot|\\times)\s*$")
DIGITS = 6


def placeholders(text: str) -> list[str]:
    """The names that a text asks for."""
    return _PLACE.findall(text)


def fill(text: str, values: Mapping[str, Any]) -> str:
    """The text with its numbers put in; a negative number after a sign gets brackets. SpecError for a name that is not drawn."""

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            hint = did_you_mean(name, values)
            raise SpecError(f"the placeholder {{{name}}} names no variable.{hint} Add it to [questions.variables].")
        word = show(values[name])
        return f"({word})" if word.startswith("-") and _AFTER_SIGN.search(text[: match.start()]) else word

    return _PLACE.sub(put, text)


def show(value: Any) -> str:
    """A number with at most 6 digits, a vector as `(1, 2)`, a matrix row by row."""
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.ndim == 0:
        return scalar(array.item())
    if array.ndim == 1:
        return "(" + ", ".join(scalar(x) for x in array.tolist()) + ")"
    return "[" + ", ".join(show(row) for row in array) + "]"


def scalar(value: Any) -> str:
    """`0.35`, `14416`, `1.2e-05`; never -0."""
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    if float(value) == int(value if np.isfinite(value) else 0) and abs(value) < 1e15:
        return str(int(value))
    return f"{float(value):.{DIGITS}g}"
