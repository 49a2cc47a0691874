"""The quiz page without a browser: every kind drawn and answered, marks, hints, and no answer sent before it is submitted."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dosegrade.quiz.kinds import Field, Question
from dosegrade.quiz.question import load, shipped
from dosegrade.web import SCRIPT, fields, shelf, sitting, typeset

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from streamlit.testing.v1 import AppTest

QUIZZES = {name: load(name) for name in shipped()}
TYPED = [(name, q.id) for name, quiz in QUIZZES.items() for q in quiz.typed]


def visit(**query: str) -> AppTest:
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    app.switch_page("app_pages/quiz.py")
    app.query_params.update(query)
    return app.run()


def question(quiz: str, name: str) -> Question[Any]:
    return next(q for q in QUIZZES[quiz].typed if q.id == name)


def entered(drawn: tuple[Field, ...], answer: Any) -> dict[str, Any]:
    """What a student enters for an answer, cell by cell."""
    values: dict[str, Any] = {}
    for field in drawn:
        part = answer.get(field.key) if field.key else answer
        if field.widget == "choices":
            values |= {f"{field.key}.{name}": name in part for name, _ in field.options}
        elif field.widget == "grid":
            rows = part if any(field.columns) else [[one] for one in part]
            values |= {f"{field.key}.{i}.{j}": str(one) for i, row in enumerate(rows) for j, one in enumerate(row)}
        else:
            values[field.key] = str(part).lower() if isinstance(part, bool) else str(part)
    return values


# ------------------------------------------------------------------------------------------------ fields


@pytest.mark.parametrize(("quiz", "name"), TYPED, ids=lambda x: str(x))
def test_what_is_entered_for_the_right_answer_earns_full_marks(quiz: str, name: str) -> None:
    q = question(quiz, name)
    for seed in (0, 1):
        variant = q.variant(seed)
        drawn = q.fields(variant)
        raw = fields.answer(drawn, entered(drawn, q.right(variant)))
        report = q.grade(variant, raw)
        assert report.score == pytest.approx(q.max_score), (raw, report)
        assert q.grade(variant, fields.answer(drawn, {})).verdict == "missing"


def test_every_widget_that_a_kind_names_can_be_drawn() -> None:
    named = {f.widget for quiz, name in TYPED for f in question(quiz, name).fields(question(quiz, name).variant(0))}
    assert named <= set(fields.DRAWERS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a $x\n+ y$ b", "a $x + y$ b"),
        ("see\n\n$$a,\n b$$\n\nthen", "see\n\n$$\na, b\n$$\n\nthen"),
        (r"$$a,\qquad b \quad c$$", "\n\n$$\n\\begin{aligned} & a, \\\\ & b \\\\ & c \\end{aligned}\n$$\n\n"),
        (r"$$\text{a \quad b}$$", "\n\n$$\n\\text{a \\quad b}\n$$\n\n"),
        ("costs \\$3 and \\$4", "costs \\$3 and \\$4"),
        ("$a$ and $b$", "$a$ and $b$"),
    ],
)
def test_formulas_survive_line_breaks(text: str, expected: str) -> None:
    assert typeset.markdown(text) == expected


# ------------------------------------------------------------------------------------------------ the page


def enter(app: AppTest, quiz: str, name: str, answer: Any, seed: int = 0) -> AppTest:
    """Put an answer into the inputs of a question and submit it."""
    q = question(quiz, name)
    prefix = sitting.prefix((quiz, seed, name))
    widgets = {w.key: w for kind in (app.radio, app.checkbox, app.text_input, app.get("button_group")) for w in kind}
    for cell, value in entered(q.fields(q.variant(seed)), answer).items():
        widgets[prefix + cell].set_value(value)
    next(b for b in app.button if b.form_id == f"quiz.form.{(quiz, seed, name)}").click()
    return app.run()


def shown(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.warning, app.error, app.info, app.text, app.latex)
    return "\n".join(str(e.value) for kind in kinds for e in kind)


RIGHT = {"q1": "B", "q2": False, "q4": "A", "q5": "B"}


def test_quiz_09_in_full() -> None:
    app = visit()
    assert "**0 of 16 points** · 0 of 4 answered" in shown(app)
    for name, answer in RIGHT.items():
        enter(app, "quiz-09", name, answer)
        assert not app.exception
    assert "**16 of 16 points** · 4 of 4 answered" in shown(app)


def test_a_wrong_answer_has_its_hint_and_a_second_try() -> None:
    app = enter(visit(), "quiz-09", "q2", True)
    (warning,) = app.warning
    assert warning.value == "Which components of the trace are not zero after two different states have been visited?"
    assert "0 of 4 points" in shown(app)
    enter(app, "quiz-09", "q2", False)
    assert not app.warning
    assert "**4 of 16 points**" in shown(app)
    assert "2 attempts" in shown(app)


ONE_OF_A_KIND = ["q01", "q02", "q05", "q07", "q11", "q14", "q19", "q48", "q50", "q60", "q61"]


@pytest.mark.parametrize("name", ONE_OF_A_KIND)
def test_every_kind_is_drawn_answered_and_explained_and_nothing_is_told_before(name: str) -> None:
    app = visit(quiz="lecture-10", question=name, seed="2")
    assert not app.exception
    q = question("lecture-10", name)
    sent = b"".join(messages(app))
    assert not [secret for secret in secrets(q) if secret.encode() in sent]
    enter(app, "lecture-10", name, q.right(q.variant(2)), 2)
    assert not app.exception
    assert "1 of 61 answered" in shown(app)
    assert f"**{q.max_score:g} of 107 points**" in shown(app)
    assert "Worked solution" in [e.label for e in app.expander]


def secrets(q: Question[Any]) -> list[str]:
    """The worked solution, the hints, what the wrong answers are told, and right numbers long enough not to stand there by chance."""
    variant = q.variant(2)
    numbers = [number for number in re.findall(r"\d+\.\d+", str(q.right(variant))) if len(number) >= 6]
    lists = [getattr(q, name, ()) for name in ("options", "reasons", "lures")]
    told = [entry.hint for entries in lists for entry in (entries.values() if hasattr(entries, "values") else entries)]
    return [typeset.markdown(text) for text in (variant.solution, *variant.hints, *told, *numbers) if text]


@pytest.mark.parametrize("typed", ["abc", "1,000", "nan", "1/0", "9" * 80, "<b>1</b>"])
def test_what_cannot_be_read_is_no_attempt(typed: str) -> None:
    app = enter(visit(quiz="lecture-10", question="q02"), "lecture-10", "q02", typed)
    assert not app.exception
    assert "This was not marked and costs no attempt." in shown(app)
    assert "0 of 61 answered" in shown(app)
    assert not app.expander[1:]
    assert app.text_input[0].value == typed


def test_an_empty_answer_is_no_attempt() -> None:
    app = enter(visit(quiz="lecture-10", question="q02"), "lecture-10", "q02", "")
    assert "Nothing is entered yet." in shown(app)
    assert "0 of 61 answered" in shown(app)


def test_a_readable_answer_stays_marked_when_the_next_cannot_be_read() -> None:
    app = enter(visit(quiz="lecture-10", question="q02"), "lecture-10", "q02", 3.0)
    assert "1 of 61 answered" in shown(app)
    enter(app, "lecture-10", "q02", "abc")
    assert "1 of 61 answered" in shown(app)


def test_a_fresh_variant_has_other_numbers_and_its_link() -> None:
    app = visit(quiz="lecture-10", question="q02")
    before = shown(app)
    next(b for b in app.button if b.label == "Fresh variant").click().run()
    assert app.query_params == {"quiz": "lecture-10", "question": "q02", "seed": "1"}
    assert shown(app) != before
    assert typeset.markdown(question("lecture-10", "q02").variant(1).text) in shown(visit(**app.query_params))
    assert all(b.label != "Fresh variant" for b in visit().button)


def test_answers_are_still_there_after_a_look_at_another_question() -> None:
    app = enter(visit(quiz="lecture-10", question="q02"), "lecture-10", "q02", 7.25)
    next(b for b in app.button if b.label == "Next").click().run()
    assert app.query_params["question"] == "q03"
    next(b for b in app.button if b.label == "Back").click().run()
    assert app.text_input[0].value == "7.25"
    assert "1 of 61 answered" in shown(app)


def test_hints_come_one_by_one_and_only_when_asked_for() -> None:
    hint = question("quiz-09", "q2").hints[0]
    app = visit()
    assert hint not in shown(app)
    next(b for b in app.button if b.label == "Hint").click().run()
    assert typeset.markdown(hint) in shown(app)


def test_a_code_question_leads_to_the_self_check() -> None:
    app = visit(quiz="dose-response")
    assert not app.exception
    links = [link.proto.query_string for link in app.get("page_link")]
    assert "quiz=dose-response&question=gradients" in links


@pytest.mark.parametrize(
    "query",
    [{"quiz": "../../etc/passwd"}, {"quiz": "/etc/hosts.toml"}, {"quiz": "lecture-10", "question": "q99"}, {"seed": "-3"}, {"seed": "x"}],
)
def test_a_link_to_nothing_gives_a_sentence_and_opens_no_file(query: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    read = shelf._read
    monkeypatch.setattr(shelf, "_read", lambda path, changed: (opened.append(path), read(path, changed))[1])
    app = visit(**query)
    assert not app.exception
    assert app.warning[0].value.startswith("This link names ")
    assert set(opened) == set(shipped().values())


# ------------------------------------------------------------------------------------------------ secrets


def messages(app: AppTest) -> Iterator[bytes]:
    """All that the page sends, in order."""

    def walk(node: Any) -> Iterator[bytes]:
        proto = getattr(node, "proto", None)
        if proto is not None and hasattr(proto, "SerializeToString"):
            yield proto.SerializeToString(deterministic=True)
        for child in getattr(node, "children", {}).values():
            yield from walk(child)

    yield from walk(app._tree)


TWINS = """
title = "Twins"
[[questions]]
id = "c"
kind = "choice"
text = "Which?"
answer = "{choice}"
solution = "SECRET {choice}"
[questions.options]
A = {{ text = "one", hint = "HINT {choice}" }}
B = {{ text = "two" }}
C = {{ text = "three" }}

[[questions]]
id = "cs"
kind = "choices"
text = "Which ones?"
[questions.options]
A = {{ text = "one", correct = {true} }}
B = {{ text = "two", correct = {false} }}

[[questions]]
id = "t"
kind = "true-false"
text = "True?"
answer = {true}
[questions.reasons]
A = {{ text = "because", correct = {true} }}
B = {{ text = "for", correct = {false} }}

[[questions]]
id = "n"
kind = "number"
text = "With {{a}}: how much?"
answer = "a * {factor}"
lures = [{{ code = "T24", value = "a + {factor} + 40" }}]
hints = ["HINT {factor}"]
[questions.variables]
a = {{ integers = [2, 9] }}

[[questions]]
id = "w"
kind = "text"
text = "Which word?"
accept = ["{word}"]

[[questions]]
id = "f"
kind = "formula"
text = "The slope of $x^{factor}$?"
symbols = {{ x = "" }}
answer = "{factor} * x"
"""


def test_two_quizzes_that_differ_in_their_answers_alone_send_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    for choice, yes, no, factor, word in (("A", "true", "false", 3, "alpha"), ("B", "false", "true", 5, "omega")):
        folder = tmp_path / choice
        folder.mkdir()
        text = TWINS.replace("x^{factor}", "x^2").format(choice=choice, true=yes, false=no, factor=factor, word=word)
        (folder / "twins.toml").write_text(text)
        monkeypatch.setenv(shelf.FOLDER, str(folder))
        load(folder / "twins.toml")
        app = visit(quiz="twins", seed="4")
        assert not app.exception
        assert app.query_params["quiz"] == "twins"
        sent.append(list(messages(app)))
    assert len(sent[0]) > 20
    assert sent[0] == sent[1]
    assert b"SECRET" not in b"".join(sent[0])
    assert b"HINT" not in b"".join(sent[0])
