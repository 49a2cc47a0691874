"""Turns a TOML table into a frozen dataclass, or says which key is wrong, what was found and what to do."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from dosegrade.errors import SpecError
from dosegrade.registry import did_you_mean

T = TypeVar("T")
WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


def build(cls: type[T], table: Any, where: str) -> T:
    """The dataclass `cls` from a table; SpecError names `where`, the key and the remedy. Unknown keys are errors."""
    if not isinstance(table, Mapping):
        raise SpecError(f"{where}: found {kind_of(table)}, expected a table.")
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise SpecError(f"{where}: the key '{key}' is not known.{did_you_mean(str(key), known)} Known keys: {', '.join(known)}.")
    for name, f in known.items():
        if name not in table and f.default is MISSING and f.default_factory is MISSING:
            raise SpecError(f"{where}: the key '{name}' is missing; add it.")
    hints = get_type_hints(cls)
    try:
        return cls(**{key: convert(hints[key], value, f"{where}: {key}") for key, value in table.items()})
    except SpecError as error:
        raise error if str(error).startswith(where) else SpecError(f"{where}: {error}") from error


def convert(hint: Any, value: Any, where: str) -> Any:
    """One value as its type hint wants it."""
    origin = get_origin(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _union(hint, value, where)
    if origin in (tuple, list):
        return _sequence(hint, value, where)
    if origin in (dict, Mapping):
        return _mapping(hint, value, where)
    if isinstance(hint, type) and is_dataclass(hint):
        return value if isinstance(value, hint) else build(hint, value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is hint:
        return value
    raise SpecError(f"{where}: found {kind_of(value)}, expected {WORDS.get(hint, hint)}.")


def _union(hint: Any, value: Any, where: str) -> Any:
    options = [o for o in get_args(hint) if o is not type(None)]
    for option in options:
        try:
            return convert(option, value, where)
        except SpecError as error:
            last = error
    if len(options) == 1:
        raise last
    raise SpecError(f"{where}: found {kind_of(value)}, expected {' or '.join(WORDS.get(o, 'a list or table') for o in options)}.")


def _sequence(hint: Any, value: Any, where: str) -> Any:
    if not isinstance(value, list):
        raise SpecError(f"{where}: found {kind_of(value)}, expected a list.")
    inner = get_args(hint)[0]
    made = [convert(inner, item, f"{where}[{index}]") for index, item in enumerate(value)]
    return tuple(made) if get_origin(hint) is tuple else made


def _mapping(hint: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise SpecError(f"{where}: found {kind_of(value)}, expected a table.")
    inner = get_args(hint)[1]
    return {key: convert(inner, item, f"{where}.{key}") for key, item in value.items()}


def kind_of(value: Any) -> str:
    """What a reader of TOML would call the value."""
    shown = repr(value)
    shown = shown if len(shown) <= 40 else shown[:37] + "…"
    for kind, word in ((bool, "true or false"), (int, "the whole number"), (float, "the number"), (str, "the text"), (list, "the list")):
        if isinstance(value, kind):
            return f"{word} {shown}"
    return "a table" if isinstance(value, dict) else f"{type(value).__name__} {shown}"
