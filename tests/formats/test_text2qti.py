"""text2qti's own parser is the oracle of our text2qti export."""

from typing import Any

import pytest
from absent import needed
from hypothesis import HealthCheck, given, settings
from made import quiz_of, quizzes

from dosegrade.formats import export, import_bytes
from dosegrade.formats.sheet import sheet
from dosegrade.quiz.question import Quiz, load

oracle = needed("text2qti.quiz", "test")
from text2qti.config import Config  # noqa: E402
from text2qti.qti import QTI  # noqa: E402

KINDS = {
    "choice": "multiple_choice_question",
    "choices": "multiple_answers_question",
    "true-false": "true_false_question",
    "number": "numerical_question",
    "text": "short_answer_question",
}


def parsed(quiz: Quiz, seed: int = 0, variants: int = 1) -> Any:
    """The export as text2qti understands it."""
    return oracle.Quiz(export(quiz, "text2qti", seed, variants).data.decode(), config=Config())


def assert_understood(quiz: Quiz, understood: Any) -> None:
    """Every question is there with its kind and its right answers; a match is one choice a pair."""
    found = list(understood.questions_and_delims)
    for item in sheet(quiz).items:
        for _ in item.pairs or (None,):
            question = found.pop(0)
            assert question.type == KINDS.get(item.kind, "multiple_choice_question"), item
            assert question.title_raw == item.name
            if item.kind in ("choice", "choices", "true-false"):
                assert [choice.correct for choice in question.choices] == [
                    option.share == 1 if item.kind != "choices" else option.share > 0 for option in item.options
                ]
            if item.kind == "number":
                low, high = question.numerical_min, question.numerical_max
                assert low - 1e-4 <= item.numbers[0].value <= high + 1e-4
    assert not found


@pytest.mark.parametrize("name", ["quiz-09", "lecture-10"])
def test_text2qti_accepts_the_lectures_quizzes(name: str) -> None:
    quiz = load(name)
    assert_understood(quiz, parsed(quiz))
    assert len(parsed(quiz, 5, 2).questions_and_delims) >= len(sheet(quiz).items)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(quiz=quizzes())
def test_text2qti_accepts_any_quiz(quiz: Quiz) -> None:
    wide = [item for item in sheet(quiz).items if item.kind != "number" or abs(item.numbers[0].value) > 0.01 or item.whole]
    if len(wide) == len(sheet(quiz).items):
        assert_understood(quiz, parsed(quiz))


@pytest.mark.parametrize("answer", [0, 3, -7, 0.5, 0.0002, -0.00004, 1234567.25, 1e-7])
@pytest.mark.parametrize("decimals", [0, 2, 4, 6])
def test_numbers_that_four_decimals_hold_are_taken(answer: float, decimals: int) -> None:
    table = {"kind": "number", "answer": answer, "decimals": decimals, "rtol": 0.0, "integer": answer == int(answer)}
    quiz = quiz_of(table, {"kind": "true-false", "answer": True})
    wanted = 2 - ("four decimals of a number" in " ".join(export(quiz, "text2qti").losses))
    assert len(parsed(quiz).questions_and_delims) == wanted


def test_what_text2qti_makes_of_it_is_read_back_with_the_same_key() -> None:
    archive = QTI(parsed(load("quiz-09"))).zip_bytes()
    assert 'answer = "B"' in import_bytes(archive).text
