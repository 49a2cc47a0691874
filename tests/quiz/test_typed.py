"""What students type: numbers and arrays are read as meant, everything else is told apart from a wrong answer."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import many

from dosegrade.quiz.kinds import Example
from dosegrade.quiz.question import load
from dosegrade.quiz.typed import Malformed, array, blank, number, whole

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (3, 3),
        (2.5, 2.5),
        ("14416", 14416),
        (" -0.25 ", -0.25),
        ("−0.25", -0.25),
        ("1e-3", 1e-3),
        ("1.5E+2", 150),
        (".5", 0.5),
        ("2/3", 2 / 3),
        ("-1 / 4", -0.25),
        ("+7", 7),
    ],
)
def test_numbers(raw: Any, value: float) -> None:
    assert number(raw) == pytest.approx(value)


def test_units() -> None:
    assert number("3.2 mg", "mg") == number("3.2mg", "mg") == number("3.2", "mg") == 3.2
    with pytest.raises(Malformed, match="unit is mg"):
        number("3.2 g", "mg")


@pytest.mark.parametrize(
    ("raw", "kind", "words"),
    [
        ("nan", "not-finite", "finite"),
        ("-inf", "not-finite", "finite"),
        (math.inf, "not-finite", "finite"),
        ("1e999", "not-finite", "finite"),
        (10**400, "not-finite", "finite"),
        ("1/0", "not-finite", "zero"),
        (True, "return", "true"),
        ("1,5", "return", "point for decimals"),
        ("12,345", "return", "thousands"),
        ("3 apples", "return", "Leave the unit"),
        ("1+1", "return", "Write it as in"),
        ("1" * 100, "return", "100 characters"),
        ([1], "return", "the list"),
        ({}, "return", "a table"),
        ("1/2/3", "return", "expected a number"),
    ],
)
def test_malformed_numbers(raw: Any, kind: str, words: str) -> None:
    with pytest.raises(Malformed) as error:
        number(raw)
    assert error.value.kind == kind
    assert words in str(error.value)


def test_whole_numbers() -> None:
    assert whole("14416.0") == 14416
    with pytest.raises(Malformed, match="whole number"):
        whole(1.5)


@pytest.mark.parametrize(
    ("raw", "shape", "values"),
    [
        ([1, "2/4", 3.5], (3,), [1, 0.5, 3.5]),
        ("1, 2, 3", (3,), [1, 2, 3]),
        ("[1 2 3]", (3,), [1, 2, 3]),
        ("1\n2\n3", (3,), [1, 2, 3]),
        ("1, 2; 3, 4", (2, 2), [[1, 2], [3, 4]]),
        ("[[1, 2], [3, 4]]", (2, 2), [[1, 2], [3, 4]]),
        ("1 2\n3 4", (2, 2), [[1, 2], [3, 4]]),
        ([[1], [2]], (2, 1), [[1], [2]]),
    ],
)
def test_arrays(raw: Any, shape: tuple[int, ...], values: Any) -> None:
    np.testing.assert_allclose(array(raw, shape), values)


@pytest.mark.parametrize(
    ("raw", "shape", "words"),
    [
        ([1, 2], (3,), "Found 2 numbers, expected 3 numbers"),
        ([[1, 2, 3]], (3,), "one list of numbers"),
        ([[1, 4], [2, 5], [3, 6]], (2, 3), "turned"),
        ([1, 2, 3], (3, 1), "list of rows"),
        ([[1], [2, 3]], (2, 2), "different lengths"),
        (5, (2,), "one number"),
        ([[[[1]]]], (1,), "nested"),
        ([0] * 2000, (3,), "entries"),
    ],
)
def test_shapes_are_told_in_words(raw: Any, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(Malformed) as error:
        array(raw, shape)
    assert error.value.kind == "shape"
    assert words in str(error.value)


def test_blank() -> None:
    assert all(blank(raw) for raw in (None, "", "  ", [], {}, ["", None], {"a": ""}))
    assert not any(blank(raw) for raw in (0, False, "0", [0], {"a": 0}))


@given(JSON | st.text(max_size=120))
@settings(max_examples=many(300, 100), deadline=None)
def test_any_answer_is_read_or_refused(raw: Any) -> None:
    for read in (number, whole, lambda r: array(r, (3,)), lambda r: array(r, (2, 2), gaps=True)):
        try:
            value = read(raw)
        except Malformed:
            continue
        assert np.ndim(value) in (0, 1, 2)


QUESTIONS = [q for name in ("quiz-09", "lecture-10") for q in load(name).typed]
VARIANTS = [(q, q.variant(0)) for q in {q.kind: q for q in QUESTIONS}.values()]


@pytest.mark.parametrize("chosen", VARIANTS, ids=lambda c: c[0].kind)
@given(raw=JSON | st.text(max_size=60))
@settings(max_examples=many(60, 20), deadline=None)
def test_any_answer_to_any_kind_has_its_report(chosen: Any, raw: Any) -> None:
    question, variant = chosen
    report = question.grade(variant, raw)
    assert 0 <= report.score <= report.max_score
    assert report.verdict in ("correct", "partial", "wrong", "missing")
    assert report.to_dict()["id"] == question.id
    if report.problem is not None:
        assert report.problem.kind in ("return", "shape", "not-finite")
        assert report.score == 0


def test_an_example_says_what_it_earns() -> None:
    assert Example("x", None).share is None
