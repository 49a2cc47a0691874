"""What may cross the wall between grader and student: plain values as bytes, and the description of whatever a function returned.

Needs NumPy only, because it runs inside the sandbox too, where the rest of the package must not exist; never pickle, npy or eval.
"""

from __future__ import annotations

import marshal
import re
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

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
READY, LOADED, TEXT, ANSWERS, DONE, FAILED, ELSEWHERE = range(1, 8)
HEADER = struct.Struct("<BI")
# Before a request: bytes of memory and seconds of CPU, which hold before anything is decoded.
REQUEST = struct.Struct("<QI")
CHILD_PROBLEMS = ("syntax", "missing-function", "signature", "exception", "exit", "memory", "output", "forbidden")

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class Malformed(ValueError):
    """Bytes that no honest sender writes."""


# How a returned quantity looks: its original dtype, its Python type, what keeps it from being real numbers, its shape (None with a flaw).
Form = tuple[str, str, str | None, tuple[int, ...] | None]
# How a return looks: the type of the whole, and its named quantities.
Layout = tuple[str, tuple[tuple[str, Form], ...]]
Numbers = NDArray[np.float64] | float


def clean(text: str, cap: int = MAX_TEXT) -> str:
    """`text` without terminal escapes, control and direction characters, cut to `cap` characters."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", text[: 8 * cap]))
    return text if len(text) <= cap else text[: cap - 1] + "…"


_F64 = np.dtype(np.float64)

# What a function returned -----------------------------------------------------------------------------------------------


def describe(returned: object) -> tuple[Layout, list[Numbers]]:
    """The named values of a return: a dict's string keys, else `result`. Whatever is no array of real numbers is a flaw, not an error."""
    places: list[tuple[str, Form]] = []
    found: list[Numbers] = []
    for key, value in list(dict.items(returned)) if isinstance(returned, dict) else (("result", returned),):
        if isinstance(key, str) and len(places) < MAX_VALUES:
            form, numbers = leaf(value)
            places.append((str.__str__(key)[:MAX_NAME], form))
            if numbers is not None:
                found.append(numbers)
    return (type_name(returned), tuple(places)), found


def type_name(value: object) -> str:
    """The name of a value's type, whatever its metaclass says."""
    if type(value) is dict:
        return "dict"
    try:
        return clean(type.__dict__["__name__"].__get__(type(value)), 80)
    except Exception:
        return "object"


_SCALARS: dict[type, Form] = {np.float64: ("float64", "float64", None, ()), float: ("float64", "float", None, ())}


def leaf(value: Any) -> tuple[Form, Numbers | None]:
    """How one value looks, and its float64 numbers (still the caller's own); a flaw where it is not real numbers."""
    kind = type(value)
    if kind in _SCALARS:
        return _SCALARS[kind], value
    if kind is np.ndarray and value.dtype is _F64 and value.ndim <= MAX_DIMENSIONS:
        return ("float64", "ndarray", None, value.shape), value
    if kind is int:
        return _integer(value)
    python = type_name(value)
    try:
        flaw = _flaw_of(value, MAX_DEPTH)
        if flaw is not None:
            return (flaw, python, flaw, None), None
        array = np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:
        flaw = "ragged" if isinstance(error, ValueError) and isinstance(value, list | tuple) else "object"
        return ("object", python, flaw, None), None
    return _real(array, python)


def _integer(value: int) -> tuple[Form, Numbers | None]:
    try:
        return ("int64", "int", None, ()), float(value)
    except OverflowError:
        return ("object", "int", "object", None), None


_KIND_FLAWS = {"b": "bool", "c": "complex", "U": "str", "T": "str", "S": "bytes", "M": "datetime", "m": "datetime", "V": "structured"}


def _real(array: NDArray[Any], python: str) -> tuple[Form, Numbers | None]:
    dtype = str(array.dtype)[:40]
    flaw = _KIND_FLAWS.get(array.dtype.kind, "object") if array.dtype.kind not in "fiu" else None
    if flaw is None and array.ndim > MAX_DIMENSIONS:
        flaw = "dimensions"
    if flaw is not None:
        return (dtype, python, flaw, None), None
    numbers = np.array(array, dtype=np.float64, subok=False)
    return (dtype, python, None, numbers.shape), numbers


_REAL = frozenset({float, int, np.float64})


def _flaw_of(value: Any, depth: int) -> str | None:
    """The first flaw that np.asarray would hide: a bool among floats, a mask that is dropped."""
    if isinstance(value, list | tuple):
        if depth == 0:
            return "deep"
        if _REAL.issuperset(map(type, value)):
            return None
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
        items = [item if type(item) in _ATOMS else _plain(item, arrays, depth) for item in value]
        return items if type(value) is list else tuple(items)
    for key in value:
        if type(key) is not str:
            raise TypeError(f"found a dict key of type {type(key).__name__}, expected str")
    return {key: item if type(item) in _ATOMS else _plain(item, arrays, depth) for key, item in value.items()}


def decode(data: bytes) -> Any:
    """The value that `encode` was given, of a trusted sender (marshal is not made for others). Arrays are fresh and writable."""
    value, arrays = marshal.loads(data)
    return _filled(value, iter(arrays)) if arrays else value


def _filled(value: Any, arrays: Iterator[tuple[str, tuple[int, ...], bytes]]) -> Any:
    kind = type(value)
    if value is ...:
        dtype, shape, raw = next(arrays)
        return np.ndarray(shape, _DTYPES[dtype], raw).copy()
    if kind is tuple:
        return tuple([item if type(item) in _ATOMS else _filled(item, arrays) for item in value])
    if kind is list:
        return [item if type(item) in _ATOMS else _filled(item, arrays) for item in value]
    if kind is dict:
        return {key: item if type(item) in _ATOMS else _filled(item, arrays) for key, item in value.items()}
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
def pack_form(form: Form) -> bytes:
    """The types, flaw and shape of one quantity."""
    dtype, python, flaw, shape = form
    size = b"" if shape is None else struct.pack(f"<B{len(shape)}Q", len(shape), *shape)
    return pack_text(dtype) + pack_text(python) + pack_text(flaw or "") + size


def pack_layout(layout: Layout) -> bytes:
    """A return's type and, for each quantity, its name and form."""
    python, places = layout
    return b"".join(
        [struct.pack("<H", len(places)), pack_text(python), *[part for name, form in places for part in (pack_text(name), pack_form(form))]]
    )


_DOUBLE = struct.Struct("<d").pack


class Returned:
    """What calls returned, for one ANSWERS record: each layout once; of every call its layout, and whether it `mutated`; all numbers."""

    def __init__(self) -> None:
        self._layouts: dict[Layout, int] = {}
        self._calls: list[int] = []
        self._numbers: list[bytes] = []
        self.size = 0

    def add(self, layout: Layout, numbers: list[Numbers], mutated: bool) -> None:
        """One more call; its numbers are copied."""
        raw = b"".join([_DOUBLE(x) if isinstance(x, float) else x.tobytes() for x in numbers])
        self._calls.append(self._layouts.setdefault(layout, len(self._layouts)) << 1 | mutated)
        self._numbers.append(raw)
        self.size += len(raw)

    def __bool__(self) -> bool:
        return bool(self._calls)

    def pack(self) -> bytes:
        """The record's payload."""
        head = [struct.pack("<II", len(self._layouts), len(self._calls)), *map(pack_layout, self._layouts)]
        packed = b"".join([*head, struct.pack(f"<{len(self._calls)}I", *self._calls)])
        return b"".join([struct.pack("<I", len(packed)), packed, *self._numbers])


def size_of(numbers: list[Numbers]) -> int:
    """Bytes of numbers in a return, before they are copied for sending."""
    return sum([8 if isinstance(x, float) else x.nbytes for x in numbers])


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


def unpack_layout(cursor: Cursor) -> Layout:
    """What `pack_layout` packed."""
    (count,) = cursor.numbers("H")
    if count > MAX_VALUES:
        raise Malformed("no such answer")
    python = cursor.text(80)
    places: list[tuple[str, Form]] = []
    for _ in range(count):
        name, dtype, type_, flaw = cursor.text(MAX_NAME), cursor.text(40), cursor.text(80), cursor.text(40)
        if flaw and flaw not in FLAWS:
            raise Malformed("no such flaw")
        places.append((name, (dtype, type_, flaw or None, None if flaw else cursor.shape())))
    return python, tuple(places)


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
