"""Values over the wall: what goes in comes back, what came back is described, and forged bytes are refused."""

from __future__ import annotations

import contextlib
import inspect
import math
import re
import struct
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from dosegrade.grading.outcome import Value
from dosegrade.sandbox import Task, linux, selftest, transcript, values, worker
from dosegrade.sandbox.transcript import TooMuch, Transcript, answer, unpack_answers

ARRAYS = npst.arrays(
    dtype=st.sampled_from([np.float64, np.int64, np.bool_, np.float32]),
    shape=npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
ATOMS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), ARRAYS)
NAMES = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), max_size=20)
PLAIN = st.recursive(
    ATOMS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.tuples(inner, inner), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


def taken(value: Any) -> Value:
    return answer({"it": value}).values["it"]


def packed(*returned: Any, mutated: bool = False) -> bytes:
    block = values.Returned()
    for one in returned:
        block.add(*values.describe(one), mutated)
    return block.pack()


@given(PLAIN)
def test_what_goes_in_comes_back(value: Any) -> None:
    assert same(values.decode(values.encode(value)), value)


@given(PLAIN)
def test_equal_values_are_equal_bytes(value: Any) -> None:
    packed = values.encode(value)
    assert values.encode(values.decode(packed)) == packed


@pytest.mark.parametrize("trusted", [linux, transcript, worker, selftest])
def test_the_trusted_side_decodes_nothing(trusted: ModuleType) -> None:
    assert re.findall(r"values\.decode|marshal|pickle|eval\(", inspect.getsource(trusted)) == []


@pytest.mark.parametrize("value", [object(), {1: 2}, np.array([1j]), np.array(["a"]), {1, 2}, print])
def test_what_is_not_plain_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="found"):
        values.encode(value)


def test_a_value_within_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(TypeError, match="nested"):
        values.encode(loop)
    assert taken(loop).flaw == "deep"


def test_decoded_arrays_are_fresh_and_writable() -> None:
    packed = values.encode(np.zeros(3))
    first = values.decode(packed)
    first[0] = 1.0
    assert values.decode(packed)[0] == 0.0


class Subclass(np.ndarray):
    pass


@pytest.mark.parametrize(
    ("value", "shape", "dtype"),
    [
        (1.5, (), "float64"), (3, (), "int64"), (np.float32(2), (), "float32"), (np.array(2.0), (), "float64"),
        (np.array([2.0]), (1,), "float64"), ([1, 2], (2,), "int64"), ([[1.0], [2]], (2, 1), "float64"), ((1.0, 2.0), (2,), "float64"),
        (np.arange(6).reshape(2, 3).T, (3, 2), "int64"), (np.zeros((0, 3)), (0, 3), "float64"), ([], (0,), "float64"),
        (np.array([[1.0, 2.0]]).view(Subclass), (1, 2), "float64"), (np.longdouble(1), (), str(np.dtype(np.longdouble))),
        ([np.float64(1), np.array(2.0)], (2,), "float64"), (np.array([1, 2], ">i4"), (2,), ">i4"),
    ],
)  # fmt: skip
def test_real_numbers_are_taken(value: Any, shape: tuple[int, ...], dtype: str) -> None:
    leaf = taken(value)
    assert leaf.flaw is None
    assert leaf.array is not None
    assert (leaf.array.shape, leaf.array.dtype, leaf.dtype) == (shape, np.float64, dtype)
    assert np.array_equal(leaf.array, np.asarray(value, dtype=float))


class Hostile:
    def __array__(self, *_: object) -> Any:
        raise KeyError("no")


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        (True, "bool"), (np.True_, "bool"), (np.array([True]), "bool"), ([1.0, True], "bool"), ([[1.0], [np.bool_(0)]], "bool"),
        ("1.0", "str"), (["1"], "str"), (np.array(["1"]), "str"), (b"1", "bytes"), (1j, "complex"), (np.array([1j]), "complex"),
        (None, "none"), ([None], "none"), ({"a": 1}, "dict"), (print, "callable"), (np.ma.masked_array([1.0], [True]), "masked"),
        ([[1, 2], [3]], "ragged"), (np.array([1, "a", None], dtype=object), "object"), (Hostile(), "object"), ({1.0}, "object"),
        (np.datetime64("2024-01-01"), "datetime"), (10**400, "object"), (np.zeros(1, [("a", float)]), "structured"),
        (np.zeros((1,) * 20), "dimensions"),
    ],
)  # fmt: skip
def test_everything_else_has_a_flaw(value: Any, flaw: str) -> None:
    leaf = taken(value)
    assert (leaf.array, leaf.flaw) == (None, flaw)
    assert leaf.flaw in values.FLAWS


def test_a_dict_is_its_text_keys_and_anything_else_is_result() -> None:
    assert list(answer({"a": 1.0, 2: 3.0, "b": True}).values) == ["a", "b"]
    assert list(answer([1.0]).values) == ["result"]
    assert answer({"a": np.float32(1)}).values["a"].dtype == "float32"
    assert answer((1.0, 2.0), mutated=True).mutated


@given(st.lists(st.tuples(st.dictionaries(NAMES, ARRAYS, max_size=5), st.booleans()), min_size=1, max_size=4))
def test_answers_survive_the_pipe(calls: list[tuple[dict[str, Any], bool]]) -> None:
    block = values.Returned()
    for returned, mutated in calls:
        block.add(*values.describe(returned), mutated)
    back = unpack_answers(block.pack(), len(calls))
    assert [(one.python, one.mutated, list(one.values)) for one in back] == [
        ("dict", mutated, list(returned)) for returned, mutated in calls
    ]
    for one, (returned, _) in zip(back, calls, strict=True):
        for name, given_array in returned.items():
            found = one.values[name]
            assert (found.dtype, found.python) == (str(given_array.dtype), "ndarray")
            if given_array.dtype == bool:
                assert (found.array, found.flaw) == (None, "bool")
            else:
                assert same(found.array, given_array.astype(np.float64, order="C"))


def test_an_answer_is_what_it_was_when_it_was_given() -> None:
    kept = np.zeros(2)
    block = values.Returned()
    for _ in range(2):
        block.add(*values.describe(kept), False)
        kept += 1.0
    first, second = (one.values["result"].array for one in unpack_answers(block.pack(), 2))
    assert same(first, np.zeros(2))
    assert same(second, np.ones(2))


def records() -> st.SearchStrategy[bytes]:
    framed = st.builds(values.record, st.integers(0, 9), st.binary(max_size=60))
    honest = st.sampled_from([
        values.record(values.READY), values.record(values.LOADED, values.pack_notes(["note"])), values.record(values.DONE),
        values.record(values.ANSWERS, packed(1.0)), values.record(values.ANSWERS, packed(1.0, {"a": np.ones(2)})),
        values.record(values.TEXT, b"hello"),
        values.record(values.FAILED, values.pack_failure("exception", "text", 3)),
    ])  # fmt: skip
    return st.lists(st.one_of(honest, framed, st.binary(max_size=20)), max_size=12).map(b"".join)


@given(records(), st.integers(1, 50))
def test_no_bytes_make_the_parent_do_more_than_refuse_them(data: bytes, size: int) -> None:
    read = Transcript([Task("f", ((),)), Task("g", ((),))])
    with contextlib.suppress(values.Malformed, TooMuch):
        for at in range(0, len(data), size):
            read.feed(data[at : at + size])
    assert len(read.outcomes) <= 2
    for outcome in read.outcomes:
        assert outcome.problem is None or outcome.problem.kind in values.CHILD_PROBLEMS


FORMS = packed(1.0, {"a": np.zeros(3)}, 2.0)
HEAD = 4 + int.from_bytes(FORMS[:4], "little")


def forged(at: int, layout: str, *numbers: int) -> bytes:
    new = struct.pack("<" + layout, *numbers)
    return FORMS[:at] + new + FORMS[at + len(new) :]


@pytest.mark.parametrize(
    "payload",
    [
        FORMS + b"x", FORMS + FORMS, FORMS + bytes(8), FORMS.replace(b"\x01\x03\0\0\0\0\0\0\0", b"\x01" + b"\xff" * 8),
        FORMS.replace(b"\x01\x03\0\0\0\0\0\0\0", b"\x01\x04\0\0\0\0\0\0\0"), FORMS.replace(b"\x01\x03", b"\x21\x03"),
        packed(True).replace(b"bool", b"fool"), packed(np.zeros((0, 1, 1))).replace(b"\x01" + bytes(7), b"\0\0\0\0\xff\0\0\0"),
        forged(0, "I", HEAD), forged(0, "I", 0), forged(0, "I", 1 << 31), forged(4, "I", 0), forged(4, "I", 1), forged(4, "I", 1 << 31),
        forged(8, "I", 0), forged(8, "I", 2), forged(8, "I", 4), forged(8, "I", 1 << 31), forged(HEAD - 4, "I", 4),
        forged(HEAD - 4, "I", (1 << 32) - 1), struct.pack("<III", 8, 0, 0), struct.pack("<III", 8, 0, 1), packed(*[1.0] * 4),
    ],
)  # fmt: skip
def test_a_forged_answer_is_malformed(payload: bytes) -> None:
    with pytest.raises(values.Malformed):
        unpack_answers(payload, 3)


def test_answers_cut_short_are_malformed_and_other_bytes_are_values_at_most() -> None:
    for size in range(len(FORMS)):
        with pytest.raises(values.Malformed):
            unpack_answers(FORMS[:size], 3)
    for at in range(len(FORMS)):
        for bit in range(8):
            with contextlib.suppress(values.Malformed):
                assert len(unpack_answers(forged(at, "B", FORMS[at] ^ 1 << bit), 3)) == 3


def test_any_bits_are_numbers() -> None:
    strange = np.array([np.nan, -np.nan, np.inf, -0.0, 5e-324]).view(np.uint64) | np.array([7, 0, 0, 0, 0], np.uint64)
    (back,) = unpack_answers(packed(strange.view(np.float64)), 1)
    assert same(back.values["result"].array, strange.view(np.float64))


@pytest.mark.parametrize("last", [values.record(values.ANSWERS, packed(1.0)), values.record(values.ANSWERS, FORMS)])
def test_answers_to_calls_that_were_not_made_are_malformed(last: bytes) -> None:
    read = Transcript([Task("f", ((), ()))])
    read.feed(values.record(values.READY))
    with pytest.raises(values.Malformed):
        read.feed(last)  # before the program is loaded
    read = Transcript([Task("f", ((), ()))])
    read.feed(values.record(values.READY) + values.record(values.LOADED, values.pack_notes([])))
    with pytest.raises(values.Malformed):
        read.feed(values.record(values.ANSWERS, packed(1.0, 2.0)) + last)


def test_answers_may_come_in_several_records_but_all_must() -> None:
    read = Transcript([Task("f", ((), ())), Task("g", ((), ()))])
    read.feed(values.record(values.READY) + values.record(values.LOADED, values.pack_notes([])))
    read.feed(2 * values.record(values.ANSWERS, packed(1.0)) + values.record(values.DONE))
    assert [len(outcome.answers) for outcome in read.outcomes] == [2]
    with pytest.raises(values.Malformed):
        read.feed(values.record(values.ANSWERS, packed(1.0)) + values.record(values.DONE))


def test_a_child_cannot_claim_our_failure() -> None:
    assert "sandbox" not in values.CHILD_PROBLEMS
    with pytest.raises(values.Malformed):
        values.unpack_failure(b"\xff" + values.pack_failure("exit", "", None)[1:])


def test_a_record_longer_than_the_limit_is_refused_before_it_arrives() -> None:
    read = Transcript([Task("f", ((),))])
    with pytest.raises(TooMuch):
        read.feed(values.HEADER.pack(values.ANSWERS, 1 << 31))


@given(st.text())
def test_clean_text_has_no_controls_and_an_end(text: str) -> None:
    cleaned = values.clean("\x1b[31m" + text + "\x1b]0;title\x07", 50)
    assert len(cleaned) <= 50
    assert not any(ord(c) < 32 and c not in "\t\n" for c in cleaned)
    assert "\x1b" not in cleaned
    cleaned.encode("utf-8")
