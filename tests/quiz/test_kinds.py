"""What the kinds do beyond their own examples: marking modes, labels, words, orders, notes."""

from typing import Any

import pytest

from dosegrade.errors import SpecError
from dosegrade.quiz.kinds import KINDS, Code, Question
from dosegrade.spec import build

OPTIONS = {"A": {"text": "a", "correct": True}, "B": {"text": "b", "correct": True}, "C": {"text": "c"}, "D": {"text": "d"}}


def make(kind: str, **keys: Any) -> Question[Any]:
    made = build(KINDS[kind], {"id": "q", "kind": kind, "text": "?", **keys}, "here")
    assert isinstance(made, Question)
    return made


def score(q: Question[Any], raw: Any) -> float:
    return q.grade(q.variant(0), raw).score


@pytest.mark.parametrize(
    ("marking", "raw", "share"),
    [
        ("exact", ["A", "B"], 1),
        ("exact", ["A"], 0),
        ("net", ["A"], 0.5),
        ("net", ["A", "B", "C"], 0.5),
        ("net", ["C"], 0),
        ("each", ["A"], 0.75),
        ("each", ["C", "D"], 0),
        ("each", "a, b", 1),
    ],
)
def test_marking_of_several_choices(marking: str, raw: Any, share: float) -> None:
    assert score(make("choices", options=OPTIONS, marking=marking), raw) == share


def test_a_reason_is_needed_for_full_marks() -> None:
    reasons = {"A": {"text": "a", "correct": True}, "B": {"text": "b", "code": "G01", "credit": 0.5}}
    q = make("true-false", answer=False, reasons=reasons, without_reason=0.4)
    assert [score(q, raw) for raw in (False, {"answer": False, "reason": "A"}, {"answer": False, "reason": "b"}, True)] == [0.4, 1, 0.7, 0]
    assert score(q, {"answer": "no"}) == 0.4


def test_near_misses_and_signs() -> None:
    count = make("number", answer=14416, integer=True, lures=[{"code": "G74", "value": 14400, "credit": 0.25}])
    report = count.grade(count.variant(0), "14400")
    assert (report.score, [d.code for d in report.diagnoses]) == (0.25, ["G74"])
    assert "very near" in count.grade(count.variant(0), 14417).checks[0].message
    assert count.grade(count.variant(0), 14416.5).problem is not None
    real = make("number", answer=2.5)
    assert "sign" in real.grade(real.variant(0), -2.5).checks[0].message
    assert [bool("digits" in real.grade(real.variant(0), x).checks[0].message) for x in (2.55, 2, "2.6", 2.4)] == [True, True, False, False]
    assert score(real, "2.51") == 1


def test_the_tolerance_shrinks_before_a_distractor() -> None:
    wide = make("number", answer=100.0, rtol=0.1)
    tight = make("number", answer=100.0, rtol=0.1, lures=[{"code": "G01", "value": 104}])
    assert score(wide, 103) == 1
    assert score(tight, 103) == 0
    assert score(tight, 101.5) == 1
    with pytest.raises(SpecError, match="rounding reaches"):
        make(
            "number", answer="1000*a", variables={"a": 1.5001}, decimals=1, distance=0, lures=[{"code": "G01", "value": "1000*a + 20"}]
        ).variant(0)


def test_arrays_turned_and_reversed() -> None:
    matrix = make("array", answer=[[1, 2], [3, 4]])
    report = matrix.grade(matrix.variant(0), [[1, 3], [2, 4]])
    assert report.score == 0.5
    assert "transpose" in report.notes[0]
    vector = make("array", answer=[1, 2, 3], labels=["a", "b", "c"])
    report = vector.grade(vector.variant(0), [3, 2, 1])
    assert "reverse order" in report.notes[0]
    assert [c.name for c in report.checks] == ["a", "b", "c"]
    report = vector.grade(vector.variant(0), [1, "", 3])
    assert [c.verdict for c in report.checks] == ["correct", "missing", "correct"]
    assert vector.fields(vector.variant(0))[0].rows == ("a", "b", "c")


@pytest.mark.parametrize(
    ("raw", "share"),
    [("Momentum", 1), ("  MOMENTUM ", 1), ("momentun", 1), ("velocity", 0.5), ("Nesterov", 0), ("mo mentum", 1), ("mo men tum", 0)],
)
def test_words(raw: str, share: float) -> None:
    q = make("text", accept=["momentum"], lures=[{"code": "G76", "texts": ["velocity"], "credit": 0.5}])
    assert score(q, raw) == share


@pytest.mark.parametrize("raw", ["Backpropagation", "back-propagation", "Back Propagation", "BACK‑PROPAGATION", "bäckpropagation"])
def test_words_in_other_spellings(raw: str) -> None:
    assert score(make("text", accept=["backpropagation", "back propagation"]), raw) == 1


def test_words_examples() -> None:
    q = make("text", accept=["momentum"], lures=[{"code": "G76", "texts": ["velocity"], "credit": 0.5}])
    for example in q.examples(q.variant(0)):
        report = q.grade(q.variant(0), example.raw)
        assert (None if report.problem else report.score) == example.share


LINES = ["one", "two", "three", "four"]


def test_orders() -> None:
    q = make("order", lines=LINES, also=[[2, 1, 3, 4]], extra=["nowhere"])
    variant = q.variant(0)
    letter = {text: name for name, text in variant.key.lines.items()}

    def share(*words: str) -> float:
        return q.grade(variant, [letter[w] for w in words]).score

    assert share(*LINES) == share("two", "one", "three", "four") == 1
    assert share("one", "two", "four", "three") == 0.75
    assert share("one", "two", "three") == 0.75
    assert share("one", "two", "nowhere", "three", "four") == 0.75
    assert share("four", "three", "nowhere") == 0
    assert "place 3" in q.grade(variant, [letter[w] for w in ("one", "two", "four", "three")]).checks[0].message


def test_neighbours() -> None:
    q = make("order", lines=LINES, credit="pairs")
    variant = q.variant(0)
    letter = {text: name for name, text in variant.key.lines.items()}
    assert q.grade(variant, [letter[w] for w in ("two", "three", "four", "one")]).score == pytest.approx(2 / 3)


def test_letters_do_not_tell_the_order() -> None:
    q = make("order", lines=LINES)
    assert all(list(q.variant(seed).key.lines.values()) != LINES for seed in range(30))
    assert len({tuple(q.variant(seed).key.lines.values()) for seed in range(30)}) > 5


@pytest.mark.parametrize(
    ("kind", "keys", "words"),
    [
        ("choices", {"options": {"A": {"text": "a"}, "B": {"text": "b"}}}, "none is correct"),
        ("choices", {"options": OPTIONS, "marking": "some"}, "marking"),
        ("choice", {"answer": "A", "options": OPTIONS}, "leave 'correct' out"),
        ("true-false", {"answer": True, "reasons": {"A": {"text": "a"}, "B": {"text": "b"}}}, "exactly one"),
        ("order", {"lines": ["a"]}, "2 to 26"),
        ("order", {"lines": ["a", "b"], "also": [[1, 1]]}, "each once"),
        ("match", {"pairs": [{"left": "a", "right": "b"}]}, "two or more"),
        ("text", {"accept": [" "]}, "none empty"),
        ("formula", {"answer": "x", "symbols": {}}, "symbols"),
        ("formula", {"answer": "x", "symbols": {"x": "y"}}, "defined by those before it"),
        ("formula", {"answer": "2*x", "symbols": {"x": ""}, "lures": [{"code": "G01", "formula": "x + x"}]}, "another form"),
        ("derivation", {"ask": ["z1"], "exercise": {"family": "descent"}}, "such as new_W1"),
        ("derivation", {"ask": [], "exercise": {"family": "network"}}, "ask"),
    ],
)
def test_tables_that_are_wrong(kind: str, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as error:
        make(kind, **keys)
    assert words in str(error.value)


def test_every_kind_has_its_field() -> None:
    assert set(KINDS) == {
        "choice", "choices", "true-false", "number", "array", "table", "formula", "order", "match", "text", "derivation", "code",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"function": "lambda"}, "no name of a Python function"),
        ({"function": "g h"}, "no name of a Python function"),
        ({"points": {"result": float("inf")}}, "a number of points, 0 or more"),
        ({"points": {"result": float("nan")}}, "a number of points, 0 or more"),
    ],
)
def test_a_code_question_that_cannot_be_answered_or_paid_is_refused(keys: dict[str, Any], words: str) -> None:
    right = {"id": "q", "function": "f", "points": {"result": 1.0}, "exercise": {"family": "activation", "activation": "tanh"}}
    assert Code(**right).max_score == 1.0
    with pytest.raises(SpecError, match=words):
        Code(**right | keys)
