"""The answers of a student who typed them: the `[answers]` table of a TOML or JSON file, as plain values of bounded size and depth."""

from __future__ import annotations

import json
import math
import re
import tomllib
from typing import Any

from dosegrade.errors import UnreadableError
from dosegrade.submissions.files import shown

MAX_DEPTH = 16
MAX_DOTS = 500
# A dot that may part the words of a dotted key, not the digits of a number: their number bounds what the TOML reader has to do.
_DOT = re.compile(r"(?<![0-9])\.|\.(?![0-9])|\.(?=[\w-]*\.)", re.ASCII)


def answers(data: bytes, name: str) -> dict[str, Any]:
    """The table of answers; UnreadableError where the file is damaged, has none, or names a key twice."""
    try:
        text = data.decode("utf-8-sig")
        table = parse_json(text) if name.lower().endswith(".json") else parse_toml(text)
    except (RecursionError, MemoryError) as error:
        raise UnreadableError(f"'{shown(name)}' is nested too deeply.") from error
    except ValueError as error:
        raise UnreadableError(f"'{shown(name)}' cannot be read: {shown(str(error)[:200])}.") from error
    found = table.get("answers") if isinstance(table, dict) else None
    if not isinstance(found, dict):
        example = '{"answers": {"q1": "B"}}' if name.lower().endswith(".json") else '[answers], then q1 = "B"'
        raise UnreadableError(f"'{shown(name)}' has no table of answers; expected {example}.")
    return {plain_text(key): plain(value, MAX_DEPTH, name) for key, value in found.items()}


def parse_toml(text: str) -> Any:
    """A TOML file; ValueError where it is none."""
    if sum(1 for _ in _DOT.finditer(text)) > MAX_DOTS:
        raise ValueError(f"it has more than {MAX_DOTS} dots, which no table of answers needs")
    return tomllib.loads(text)


def parse_json(text: str) -> Any:
    """A JSON file; ValueError where it is none, or where a key stands twice."""
    return json.loads(text, object_pairs_hook=unique)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's pairs as a dict; ValueError for a key given twice."""
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for i, key in enumerate(keys) if key in keys[:i])
        raise ValueError(f"the key '{twice[:80]}' stands twice")
    return table


def plain(value: Any, depth: int, name: str) -> Any:
    """A value of text, numbers, booleans, lists and tables alone; dates become text, numbers beyond 64 bits floats."""
    if depth == 0:
        raise UnreadableError(f"'{shown(name)}' is nested too deeply.")
    if isinstance(value, dict):
        return {plain_text(key): plain(item, depth - 1, name) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item, depth - 1, name) for item in value]
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else real(value)
    return plain_text(str(value))


def real(value: int) -> float:
    """A whole number as a float, infinite where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def plain_text(text: str) -> str:
    """Text that can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()
