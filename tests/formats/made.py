"""Quizzes made for the tests of formats, and what two quizzes must share to have the same key."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import strategies as st

from dosegrade.formats.items import Item
from dosegrade.formats.sheet import sheet
from dosegrade.quiz.kinds import Code
from dosegrade.quiz.question import Quiz, parse

SIGNS = "ab Z1 ~=#{}:%$*_<>&[]()|\\\"'`.,;!?+-^/@é∑λ\n"
words = st.text(SIGNS, min_size=1, max_size=30).map(lambda text: text.strip() or "a")
names = st.text("abcdefgh xyz", min_size=1, max_size=12).map(lambda text: text.strip() or "a")
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 4))
shares = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9])


def quiz_of(*questions: dict[str, Any], **top: Any) -> Quiz:
    """A quiz of question tables."""
    whole = [{"id": f"q{k}", "text": f"Text {k}", **table} for k, table in enumerate(questions, 1)]
    return parse("made", {"title": "Made", "questions": whole, **top}, "", "made.toml")


def loaded(text: str) -> Quiz:
    """A quiz from the text of a quiz file."""
    return parse("again", tomllib.loads(text), text, "again.toml")


def braceless(text: str) -> str:
    """A text in which nothing is a placeholder."""
    return text.replace("{", "{ ").replace("}", " }")


def distinct(count: int, least: int = 2) -> st.SearchStrategy[list[str]]:
    """Texts that differ in their letters."""
    return st.lists(words.map(braceless), min_size=least, max_size=count).map(
        lambda found: [f"{text} n{k}" for k, text in enumerate(found)]
    )


@st.composite
def choice(draw: st.DrawFn) -> dict[str, Any]:
    texts = draw(distinct(6))
    options: dict[str, Any] = {chr(65 + k): {"text": text} for k, text in enumerate(texts)}
    answer = draw(st.sampled_from(sorted(options)))
    for name, option in options.items():
        option["hint"] = braceless(draw(words))
        if name != answer:
            option["credit"] = draw(shares)
    return {"kind": "choice", "answer": answer, "options": options}


@st.composite
def choices(draw: st.DrawFn) -> dict[str, Any]:
    texts = draw(distinct(12))
    right = draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)).filter(any))
    options = {chr(65 + k): {"text": text, "correct": ok} for k, (text, ok) in enumerate(zip(texts, right, strict=True))}
    return {"kind": "choices", "options": options, "marking": draw(st.sampled_from(["net", "each", "exact"]))}


@st.composite
def number(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"kind": "number", "answer": draw(st.integers(-(10**9), 10**9)), "integer": True}
    unit = draw(st.sampled_from(["", "mg", "m/s"]))
    return {"kind": "number", "answer": draw(numbers), "atol": draw(st.sampled_from([0.01, 0.5, 3e-4])), "rtol": 0.0, "unit": unit}


@st.composite
def text(draw: st.DrawFn) -> dict[str, Any]:
    accept = [f"{braceless(word)} {k}" for k, word in enumerate(draw(st.lists(words, min_size=1, max_size=3)))]
    return {"kind": "text", "accept": [" ".join(word.split()) for word in accept]}


@st.composite
def match(draw: st.DrawFn) -> dict[str, Any]:
    left, right = draw(distinct(5)), [f"r {name} {k}" for k, name in enumerate(draw(st.lists(names, min_size=2, max_size=5)))]
    pairs = [{"left": side, "right": right[k % len(right)]} for k, side in enumerate(left)]
    used = {pair["right"] for pair in pairs}
    extra = [side for side in right if side not in used]
    return {"kind": "match", "pairs": pairs, "extra": [*extra, "nothing of these"]}


truth = st.booleans().map(lambda answer: {"kind": "true-false", "answer": answer, "hint": "Look again: x = {1}."})
questions = st.one_of(choice(), choices(), number(), text(), match(), truth)


@st.composite
def quizzes(draw: st.DrawFn) -> Quiz:
    """A quiz of the kinds that the formats share, its texts full of their signs."""
    tables = draw(st.lists(questions, min_size=1, max_size=4))
    titled = [{"title": braceless(draw(words)), "solution": braceless(draw(words)), **table} for table in tables]
    return quiz_of(*({**table, "text": f"Text {k} {braceless(draw(words))}"} for k, table in enumerate(titled)))


def letters(said: str) -> str:
    """The letters and digits of a text, which no markup changes."""
    return "".join(c for c in said if c.isalnum())


def assert_same_key(wanted: tuple[Item, ...], found: Quiz, credit: bool = True) -> None:
    """A quiz has the key of the items: the same right options, numbers, tolerances, words and pairs, and marks its own answers right."""
    again = sheet(found).items
    assert [item.kind for item in again] == [item.kind for item in wanted]
    for one, other in zip(wanted, again, strict=True):
        right_of = [option.share == 1 if one.kind != "choices" else option.share > 0 for option in one.options]
        if one.kind == "text":
            assert [letters(o.text) for o in other.right] == list(dict.fromkeys(letters(o.text) for o in one.right))
        else:
            assert [option.share > 0.99 for option in other.options] == right_of
            assert [letters(o.text) for o in other.options] == [letters(o.text) for o in one.options]
        if credit and one.kind == "choice":
            assert all(abs(a.share - b.share) < 1e-4 for a, b in zip(one.options, other.options, strict=True))
        for a, b in list(zip(one.numbers, other.numbers, strict=False))[:1]:
            assert abs(a.value - b.value) <= 1e-12 * abs(a.value)
            assert abs(a.tolerance - b.tolerance) <= 1e-4 * a.tolerance + 1e-9 * abs(a.value)
        assert [(letters(a), letters(b)) for a, b in one.pairs] == [(letters(a), letters(b)) for a, b in other.pairs]
        assert sorted(map(letters, one.extra)) == sorted(map(letters, other.extra))
    for question in found.questions:
        assert not isinstance(question, Code)
        variant = question.variant(0)
        assert question.grade(variant, question.right(variant)).verdict == "correct"
