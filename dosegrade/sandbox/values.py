"""What may cross the wall between grader and student: plain values as bytes, and the description of whatever a function returned.

Needs NumPy only, because it runs inside the sandbox too, where the rest of the package must not exist; never pickle, npy or eval.
"""

from __future__ import annotations

import marshal
import math
import re
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FLAWS = (
    "bool", "str", "bytes", "complex", "datetime", "structured", "object", "masked", "ragged",
    "none", "dict", "callable", "deep", "dimensions",
)  # fmt: skip
MAX_DEPTH = 32
MAX_DIMENSIONS = 16
MAX_VALUES = 1000
MAX_NAME = 200
MAX_TEXT = 500

# Records from child to parent: one byte of kind, four of length, the payload.
READY, LOADED, TEXT, ANSWER, DONE, FAILED, ELSEWHERE = range(1, 8)
HEADER = struct.Struct("<BI")
# Before a request: bytes of memory and seconds of CPU, which hold before anything is decoded.
REQUEST = struct.Struct("<QI")
CHILD_PROBLEMS = ("syntax", "missing-function", "signature", "exception", "exit", "memory", "output", "forbidden")

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class Malformed(ValueError):
    """Bytes that no honest sender writes."""


class Leaf(NamedTuple):
    """One returned quantity: float64 `array`, or None and the `flaw` that keeps it from being real numbers."""

    array: NDArray[np.float64] | None
    dtype: str
    python: str
    flaw: str | None = None


class Described(NamedTuple):
    """One return: its named leaves, and the type of the whole."""

    values: dict[str, Leaf]
    python: str


def clean(text: str, cap: int = MAX_TEXT) -> str:
    """`text` without terminal escapes, control and direction characters, cut to `cap` characters."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", text[: 8 * cap]))
    return text if len(text) <= cap else text[: cap - 1] + "…"


_F64 = np.dtype(np.float64)

# What a function returned -----------------------------------------------------------------------------------------------


def describe(returned: object) -> Described:
    """The named values of a return: a dict's string keys, else `result`. Whatever is no array of real numbers is a flaw, not an error."""
    if not isinstance(returned, dict):
        return Described({"result": leaf(returned)}, type_name(returned))
    values: dict[str, Leaf] = {}
    for key, value in list(dict.items(returned)):
        if isinstance(key, str) and len(values) < MAX_VALUES:
            values[str.__str__(key)[:MAX_NAME]] = leaf(value)
    return Described(values, type_name(returned))


def type_name(value: object) -> str:
    """The name of a value's type, whatever its metaclass says."""
    if type(value) is dict:
        return "dict"
    try:
        return clean(type.__dict__["__name__"].__get__(type(value)), 80)
    except Exception:
        return "object"


def leaf(value: Any) -> Leaf:
    """One value as float64, with its original dtype; a flaw where it is not real numbers."""
    if type(value) is np.ndarray and value.dtype is _F64 and value.ndim <= MAX_DIMENSIONS:
        return Leaf(value.copy(order="C"), "float64", "ndarray")
    if type(value) is np.float64:
        return Leaf(np.array(value), "float64", "float64")
    if type(value) is float:
        return Leaf(np.array(value), "float64", "float")
    if type(value) is int:
        return _integer(value)
    python = type_name(value)
    try:
        flaw = _flaw_of(value, MAX_DEPTH)
        if flaw is not None:
            return Leaf(None, flaw, python, flaw)
        array = np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:
        return Leaf(None, "object", python, "ragged" if isinstance(error, ValueError) and isinstance(value, list | tuple) else "object")
    return _real(array, python)


def _integer(value: int) -> Leaf:
    try:
        return Leaf(np.array(float(value)), "int64", "int")
    except OverflowError:
        return Leaf(None, "object", "int", "object")


_KIND_FLAWS = {"b": "bool", "c": "complex", "U": "str", "T": "str", "S": "bytes", "M": "datetime", "m": "datetime", "V": "structured"}


def _real(array: NDArray[Any], python: str) -> Leaf:
    dtype = str(array.dtype)[:40]
    if array.dtype.kind not in "fiu":
        return Leaf(None, dtype, python, _KIND_FLAWS.get(array.dtype.kind, "object"))
    if array.ndim > MAX_DIMENSIONS:
        return Leaf(None, dtype, python, "dimensions")
    # Not ascontiguousarray: it turns a 0-d array into shape (1,).
    return Leaf(np.array(array, dtype=np.float64, order="C", subok=False), dtype, python)


def _flaw_of(value: Any, depth: int) -> str | None:
    """The first flaw that np.asarray would hide: a bool among floats, a mask that is dropped."""
    if isinstance(value, list | tuple):
        if depth == 0:
            return "deep"
        return next((flaw for flaw in (_flaw_of(item, depth - 1) for item in value) if flaw is not None), None)
    if "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray):  # not imported for the question alone
        return "masked"
    if isinstance(value, np.ndarray | np.generic):
        return "bool" if value.dtype.kind == "b" else None
    return _flaw_of_object(value)


def _flaw_of_object(value: Any) -> str | None:
    if value is None:
        return "none"
    for types, flaw in ((bool, "bool"), (str, "str"), ((bytes, bytearray, memoryview), "bytes"), (complex, "complex"), (dict, "dict")):
        if isinstance(value, types):
            return flaw
    return "callable" if callable(value) else None


# Inputs: parent to child -------------------------------------------------------------------------------------------------

_DTYPES = {name: np.dtype(name) for name in ("<f8", "<f4", "<i8", "<i4", "|b1")}
_NUMBERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (np.bool_, bool), (np.floating | float, float), (np.integer | int, int),
)  # fmt: skip
_ATOMS = frozenset({type(None), bool, int, float, str, bytes})
# No references and no interned strings, so that equal values are equal bytes.
_MARSHAL = 2


def encode(value: Any) -> bytes:
    """Plain data as bytes: None, bool, int, float, str, bytes, real arrays, and lists, tuples and str-keyed dicts of those."""
    arrays: list[tuple[str, tuple[int, ...], bytes]] = []
    return marshal.dumps((_plain(value, arrays, MAX_DEPTH), arrays), _MARSHAL)


def _plain(value: Any, arrays: list[tuple[str, tuple[int, ...], bytes]], depth: int) -> Any:
    """`value` with an ellipsis for each array."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is np.ndarray:
        if value.dtype.str not in _DTYPES or value.ndim > MAX_DIMENSIONS:
            raise TypeError(
                f"found an array of {value.dtype} with {value.ndim} dimensions, expected float64, float32, int64, int32 or bool"
            )
        arrays.append((value.dtype.str, value.shape, value.tobytes()))
        return ...
    if kind is tuple or kind is list or kind is dict:
        if depth == 0:
            raise TypeError("found values nested too deeply (or within themselves), expected at most 32 levels")
        return _plain_container(value, arrays, depth - 1)
    for types, plain in _NUMBERS:
        if isinstance(value, types):
            return plain(value)
    raise TypeError(f"found an argument of type {kind.__name__}, expected plain numbers, texts, arrays, lists, tuples or dicts")


def _plain_container(value: Any, arrays: list[tuple[str, tuple[int, ...], bytes]], depth: int) -> Any:
    if type(value) is not dict:
        items = [_plain(item, arrays, depth) for item in value]
        return items if type(value) is list else tuple(items)
    for key in value:
        if type(key) is not str:
            raise TypeError(f"found a dict key of type {type(key).__name__}, expected str")
    return {key: _plain(item, arrays, depth) for key, item in value.items()}


def decode(data: bytes) -> Any:
    """The value that `encode` was given, of a trusted sender (marshal is not made for others). Arrays are fresh and writable."""
    value, arrays = marshal.loads(data)
    return _filled(value, iter(arrays)) if arrays else value


def _filled(value: Any, arrays: Iterator[tuple[str, tuple[int, ...], bytes]]) -> Any:
    kind = type(value)
    if value is ...:
        dtype, shape, raw = next(arrays)
        return np.frombuffer(raw, _DTYPES[dtype]).reshape(shape).copy()
    if kind is tuple:
        return tuple([_filled(item, arrays) for item in value])
    if kind is list:
        return [_filled(item, arrays) for item in value]
    if kind is dict:
        return {key: _filled(item, arrays) for key, item in value.items()}
    return value


# Results: child to parent ------------------------------------------------------------------------------------------------


def pack_text(text: str) -> bytes:
    """A short text with its length in two bytes."""
    raw = text.encode("utf-8", "replace")[:60000]
    return struct.pack("<H", len(raw)) + raw


def record(kind: int, payload: bytes = b"") -> bytes:
    """A framed record."""
    return HEADER.pack(kind, len(payload)) + payload


@lru_cache(maxsize=64)
def pack_layout(python: str, places: tuple[tuple[str, str, str, str | None, tuple[int, ...] | None], ...]) -> bytes:
    """An answer's type and, for each leaf, its name, types, flaw and shape."""
    head = [struct.pack("<H", len(places)), pack_text(python)]
    for name, dtype, type_, flaw, shape in places:
        head += [pack_text(name), pack_text(dtype), pack_text(type_), pack_text(flaw or "")]
        if shape is not None:
            head.append(struct.pack(f"<B{len(shape)}Q", len(shape), *shape))
    return b"".join(head)


def pack_answer(described: Described, mutated: bool) -> bytes:
    """An ANSWER record's payload: names, types and shapes, then all numbers."""
    leaves = described.values.items()
    places = tuple((name, x.dtype, x.python, x.flaw, None if x.array is None else x.array.shape) for name, x in leaves)
    packed = pack_layout(described.python, places)
    numbers = [x.array.tobytes() for _, x in leaves if x.array is not None]
    return b"".join([struct.pack("<BI", mutated, len(packed)), packed, *numbers])


def size_of(described: Described) -> int:
    """Bytes of numbers in a return, before they are copied for sending."""
    return sum(item.array.nbytes for item in described.values.values() if item.array is not None)


def pack_failure(kind: str, message: str, line: int | None) -> bytes:
    """A FAILED record's payload."""
    return struct.pack("<Bi", CHILD_PROBLEMS.index(kind), -1 if line is None else line) + pack_text(message)


def pack_notes(notes: Sequence[str]) -> bytes:
    """A LOADED record's payload."""
    return struct.pack("<H", len(notes)) + b"".join(map(pack_text, notes))


class Cursor:
    """Reads a payload that an enemy may have written; anything unexpected is Malformed."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        raw = self._data[self._at : self._at + size]
        if len(raw) != size:
            raise Malformed("cut short")
        self._at += size
        return raw

    def numbers(self, layout: str) -> tuple[int, ...]:
        """Integers by a struct layout."""
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def text(self, cap: int) -> str:
        """A short text, cleaned and capped."""
        (size,) = self.numbers("H")
        return clean(self.take(size).decode("utf-8", "replace"), cap)

    def shape(self) -> tuple[int, ...]:
        """A declared shape."""
        (ndim,) = self.numbers("B")
        if ndim > MAX_DIMENSIONS:
            raise Malformed("too many dimensions")
        shape = self.numbers(f"{ndim}Q")
        if any(length > 1 << 40 for length in shape):
            raise Malformed("too long")
        return shape

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._data):
            raise Malformed("found bytes after the record")


class Place(NamedTuple):
    """Where a leaf's numbers stand among all of an answer; `shape` is None for a flaw."""

    name: str
    dtype: str
    python: str
    flaw: str | None
    shape: tuple[int, ...] | None
    start: int
    end: int


@lru_cache(maxsize=256)
def layout(head: bytes) -> tuple[str, tuple[Place, ...], int]:
    """An answer's type, the places of its leaves and the count of its numbers; calls of one function share it."""
    cursor = Cursor(head)
    (count,) = cursor.numbers("H")
    if count > MAX_VALUES:
        raise Malformed("no such answer")
    python = cursor.text(80)
    places: dict[str, Place] = {}
    at = 0
    for _ in range(count):
        name, dtype, type_, flaw = cursor.text(MAX_NAME), cursor.text(40), cursor.text(80), cursor.text(40)
        if flaw and flaw not in FLAWS:
            raise Malformed("no such flaw")
        shape = None if flaw else cursor.shape()
        size = 0 if shape is None else math.prod(shape)
        places[name] = Place(name, dtype, type_, flaw or None, shape, at, at + size)
        at += size
    cursor.end()
    return python, tuple(places.values()), at


def unpack_answer(payload: bytes) -> tuple[Described, bool]:
    """What `pack_answer` packed."""
    if len(payload) < 5:
        raise Malformed("cut short")
    mutated, size = struct.unpack_from("<BI", payload)
    if mutated > 1 or 5 + size > len(payload):
        raise Malformed("no such answer")
    python, places, total = layout(payload[5 : 5 + size])
    if len(payload) != 5 + size + 8 * total:
        raise Malformed("found other numbers than declared")
    numbers = np.frombuffer(payload, "<f8", offset=5 + size).copy() if total else np.empty(0)
    numbers.setflags(write=False)  # calls that are answered alike may share them
    try:
        leaves = {
            name: Leaf(None if shape is None else numbers[start:end].reshape(shape), dtype, type_, flaw)
            for name, dtype, type_, flaw, shape, start, end in places
        }
    except ValueError as error:
        raise Malformed("no such shape") from error
    return Described(leaves, python), bool(mutated)


def unpack_failure(payload: bytes) -> tuple[str, str, int | None]:
    """What `pack_failure` packed: kind, message, line."""
    cursor = Cursor(payload)
    kind, line = cursor.numbers("Bi")
    if kind >= len(CHILD_PROBLEMS):
        raise Malformed("no such problem")
    message = cursor.text(MAX_TEXT)
    cursor.end()
    return CHILD_PROBLEMS[kind], message, line if line > 0 else None


def unpack_notes(payload: bytes) -> tuple[str, ...]:
    """What `pack_notes` packed, at most 50 of them."""
    cursor = Cursor(payload)
    (count,) = cursor.numbers("H")
    if count > 50:
        raise Malformed("too many notes")
    notes = tuple(cursor.text(MAX_TEXT) for _ in range(count))
    cursor.end()
    return notes
