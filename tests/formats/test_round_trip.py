"""TOML → a format → TOML keeps the key: the lecture's quizzes whole, and generated ones full of the formats' own signs."""

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from made import assert_same_key, loaded, quiz_of, quizzes

from dosegrade.formats import FORMATS, export, import_bytes
from dosegrade.formats.sheet import LEFT_OUT, sheet
from dosegrade.quiz.question import Quiz, load

READ = [name for name, made in FORMATS.items() if made.read]
BACK = [*READ, "toml"]
quick = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@cache
def bank(name: str) -> Quiz:
    """A shipped quiz."""
    return load(name)


def there_and_back(quiz: Quiz, form: str, seed: int = 0, variants: int = 1) -> Quiz:
    """The quiz written and read again."""
    data = export(quiz, form, seed, variants).data
    return loaded(data.decode() if form == "toml" else import_bytes(data, f"x{FORMATS[form].extension}").text)


@pytest.mark.parametrize("form", BACK)
def test_quiz_09_keeps_its_letters(form: str) -> None:
    again = there_and_back(bank("quiz-09"), form)
    answers = [question.right(question.variant(0)) for question in again.typed]
    assert answers == ["B", False, "A", "B"]
    assert_same_key(sheet(bank("quiz-09")).items, again)


@pytest.mark.parametrize("form", BACK)
def test_the_whole_lecture_keeps_its_key(form: str) -> None:
    items = sheet(bank("lecture-10"), 3).items
    assert_same_key(items, there_and_back(bank("lecture-10"), form, 3))
    assert len(items) > 120


def test_only_what_cannot_be_marked_elsewhere_is_left_out() -> None:
    losses = sheet(bank("lecture-10")).losses.found
    kinds = {question.id: question.kind for question in bank("lecture-10").questions}
    assert {kinds[name] for name in losses[LEFT_OUT]} == {"formula"}


@pytest.mark.parametrize("form", BACK)
@quick
@given(quiz=quizzes())
def test_generated_quizzes_keep_their_key(form: str, quiz: Quiz) -> None:
    assert_same_key(sheet(quiz).items, there_and_back(quiz, form), credit=form in ("moodle", "gift", "toml"))


@pytest.mark.parametrize("form", BACK)
def test_a_second_round_changes_nothing(form: str) -> None:
    once = there_and_back(bank("quiz-09"), form)
    twice = there_and_back(once, form)
    assert sheet(once).items == sheet(twice).items


@pytest.mark.parametrize("form", ["moodle", "gift", "toml"])
def test_credit_feedback_hints_and_lures_come_back(form: str) -> None:
    own = {"M1": {"name": "slip", "hint": "Look at the sign: 1 - 2 = {x}."}}
    lures = [{"code": "M1", "value": -0.25, "credit": 0.5}]
    number = {"kind": "number", "answer": 0.25, "lures": lures, "unit": "mg", "decimals": 3, "hints": ["Halve it."]}
    words = {"kind": "text", "accept": ["replay memory"], "lures": [{"code": "M1", "texts": ["target network"], "credit": 0.25}]}
    again = there_and_back(quiz_of(number, words, mistakes=own), form)
    first, second = again.typed
    for question, wrong, share in ((first, -0.25, 0.5), (second, "Target network", 0.25)):
        report = question.grade(question.variant(0), wrong)
        assert report.score == share
        assert report.diagnoses[0].hint == "Look at the sign: 1 - 2 = {x}."
    unit, hints = sheet(again).items[0].unit, sheet(again).items[0].hints
    assert (unit, hints) == ("mg", ("Halve it.",) if form != "gift" else ())


def test_variants_are_numbered_by_their_seeds_and_alike_ones_stand_once() -> None:
    drawn = {"kind": "number", "text": "{a} + 1", "answer": "a + 1", "variables": {"a": {"choice": [1, 2]}}}
    items = sheet(quiz_of(drawn, {"kind": "true-false", "answer": True}), 4, 8).items
    assert len(items) == 3
    assert items[0].id == "q1-s4"
    assert {item.text for item in items[:2]} == {"1 + 1", "2 + 1"}
    assert items[2].id == "q2"
    again = there_and_back(quiz_of(drawn), "moodle", 4, 8)
    assert [question.id for question in again.questions] == [item.id for item in items[:2]]


def test_braces_that_look_like_placeholders_survive() -> None:
    text = r"The set {a} and \( {n} x^{n} \) {b²}"
    answers = "<answer fraction='0'><text>true</text></answer><answer fraction='100'><text>false</text></answer>"
    source = f"<quiz><question type='truefalse'><questiontext><text>{text}</text></questiontext>{answers}</question></quiz>"
    quiz = loaded(import_bytes(source.encode()).text)
    assert sheet(quiz).items[0].text == r"The set {a} and ${n} x^{n}$ \{b²}"
    assert sheet(there_and_back(quiz, "moodle")).items[0].text == sheet(quiz).items[0].text
