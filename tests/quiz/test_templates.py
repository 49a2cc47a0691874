"""Laws over every template that ships: each seed gives a question that can be solved, marked and told from its mistakes."""

from typing import Any

import numpy as np
import pytest
from sweeps import many

from dosegrade.quiz.kinds import Question
from dosegrade.quiz.kinds.byhand import ByHand
from dosegrade.quiz.kinds.choosing import Choice, Choices, TrueFalse
from dosegrade.quiz.kinds.numbers import Numeric
from dosegrade.quiz.question import load, shipped
from dosegrade.quiz.texts import placeholders

SEEDS = range(many(200, 20))
FEW = range(5)
QUIZZES = ("quiz-09", "lecture-10")


LOADED = {quiz: {q.id: q for q in load(quiz).typed} for quiz in QUIZZES}
NAMES = [(quiz, name) for quiz, questions in LOADED.items() for name in questions]
ALL = pytest.mark.parametrize(("quiz", "name"), NAMES, ids=[f"{quiz}:{name}" for quiz, name in NAMES])


def question(quiz: str, name: str) -> Question[Any]:
    return LOADED[quiz][name]


def share(q: Question[Any], variant: Any, raw: Any) -> float | None:
    report = q.grade(variant, raw)
    return None if report.problem is not None else report.score / q.max_score


def distractors_stand_apart_and_are_named(q: Numeric, variant: Any) -> None:
    key = variant.key
    assert np.isfinite(key.answer).all()
    for lure in key.lures:
        assert np.any(np.abs(lure.value - key.answer) > 2 * key.tolerance * (1 - 1e-9))
        marks = q.mark(variant, lure.value)
        assert lure.code in {d.code for d in marks.diagnoses}
        assert (marks.score if marks.score is not None else sum(c.score for c in marks.checks)) < q.max_score


@ALL
def test_every_seed_can_be_solved(quiz: str, name: str) -> None:
    q = question(quiz, name)
    shown = set()
    for seed in SEEDS:
        variant = q.variant(seed)
        assert "nan" not in variant.text
        assert not set(placeholders(variant.text)) & q.names
        report = q.grade(variant, q.right(variant))
        assert (report.verdict, report.score, report.diagnoses) == ("correct", q.max_score, ())
        shown.add(variant.text)
        if isinstance(q, Numeric):
            distractors_stand_apart_and_are_named(q, variant)
    assert len(shown) >= (5 if q.varies and name not in ("q21", "q55") else 1), "the seeds give too few different questions"


@ALL
def test_one_seed_one_variant(quiz: str, name: str) -> None:
    q = question(quiz, name)
    first, again = q.variant(3), q.variant(3)
    assert (first.text, q.right(first), q.fields(first)) == (again.text, q.right(again), q.fields(again))


@ALL
def test_a_rounded_answer_is_right(quiz: str, name: str) -> None:
    q = question(quiz, name)
    if not isinstance(q, Numeric) or q.integer:
        return
    for seed in FEW:
        variant = q.variant(seed)
        rounded = np.round(variant.key.answer, q.decimals)
        assert q.grade(variant, rounded.tolist()).verdict == "correct"


@ALL
def test_its_own_examples(quiz: str, name: str) -> None:
    q = question(quiz, name)
    for seed in (0, 1):
        variant = q.variant(seed)
        for example in q.examples(variant):
            found = share(q, variant, example.raw)
            assert found == (None if example.share is None else pytest.approx(example.share)), example


@ALL
def test_wrong_options_have_codes(quiz: str, name: str) -> None:
    q = question(quiz, name)
    options = q.options if isinstance(q, Choice | Choices) else q.reasons if isinstance(q, TrueFalse) else {}
    right = {q.answer} if isinstance(q, Choice) else {name for name, option in options.items() if option.correct}
    wrong = [option for name, option in options.items() if name not in right]
    assert all(option.code for option in wrong)
    assert not options or len(wrong) >= 3 or isinstance(q, Choices)


@ALL
def test_every_template_teaches(quiz: str, name: str) -> None:
    q = question(quiz, name)
    assert q.solution.strip()
    assert q.title
    assert not q.varies or len(q.seeds) >= 5


@pytest.mark.parametrize("name", ["q14", "q48", "q49"])
def test_mistakes_by_hand_are_named(name: str) -> None:
    q = question("lecture-10", name)
    assert isinstance(q, ByHand)
    for seed in FEW:
        variant = q.variant(seed)
        hand = variant.key.hand
        named, wrong = 0, 0
        for (code,), values in ((m.codes, m.values) for m in hand.mistaken):
            marks = q.mark(variant, {key: np.array(value) for key, value in values.items()})
            if all(c.verdict == "correct" for c in marks.checks):
                continue
            assert marks.score is None
            assert sum(c.score for c in marks.checks) < q.max_score
            wrong += 1
            named += code in {c for d in marks.diagnoses for c in (d.code, *d.also)}
        assert named >= 0.75 * wrong > 0


def test_the_bank_is_whole() -> None:
    assert [q.id for q in load("lecture-10").questions] == [f"q{k:02}" for k in range(1, 62)]
    assert {"quiz-09", "lecture-10"} <= set(shipped())
