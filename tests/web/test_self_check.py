"""The self-check without a browser: the desk and its queue, what is taken, what the page says."""

from __future__ import annotations

import io
import json
import threading
import time
import warnings
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from absent import absent

from dosegrade.checking import answered
from dosegrade.errors import SandboxError, SubmissionError
from dosegrade.grading.outcome import Outcome, Problem
from dosegrade.quiz.question import load
from dosegrade.sandbox import Program, Task, open_sandbox
from dosegrade.web import SCRIPT, checker
from dosegrade.web.desk import CHECKS, FAILED, Allowance, Desk, Paper, banks, submission, taken

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from streamlit.testing.v1 import AppTest

QUIZ = load("dose-response")
GRADIENTS = next(code for code in QUIZ.codes if code.id == "gradients")
WAIT = 60.0


def without_two(d: Any, e: Any, W1: float, b1: float, W2: float, b2: float, W3: float, b3: float) -> dict[str, float]:
    """The six gradients with the factor 2 forgotten."""
    h1 = np.tanh(W1 * d + b1)
    h2 = np.tanh(W2 * h1 + b2)
    dz3 = (W3 * h2 + b3 - e) / len(d)
    dz2 = dz3 * W3 * (1 - h2**2)
    dz1 = dz2 * W2 * (1 - h1**2)
    return {"dW1": dz1 @ d, "db1": dz1.sum(), "dW2": dz2 @ h1, "db2": dz2.sum(), "dW3": dz3 @ h2, "db3": dz3.sum()}


class Fake:
    """A sandbox that answers with a function of the test's own, or does what it is told."""

    def __init__(self, answer: Callable[[Task], Outcome]) -> None:
        self.answer = answer
        self.threads: set[str] = set()

    def start(self) -> None:
        self.threads.add(threading.current_thread().name)

    def run(self, program: Program, tasks: Sequence[Task]) -> tuple[Outcome, ...]:
        self.threads.add(threading.current_thread().name)
        return tuple(self.answer(task) for task in tasks)


def returning(function: Callable[..., Any]) -> Callable[[Task], Outcome]:
    return lambda task: Outcome(tuple(answered(function, call) for call in task.calls))


def paper(source: str = "def gradients(): ...", name: str = "solution.py") -> Paper:
    return Paper(QUIZ, (GRADIENTS,), name, source.encode())


# ------------------------------------------------------------------------------------------------ the desk


def test_a_paper_gets_its_report_from_a_thread_that_lives_on() -> None:
    fake = Fake(returning(without_two))
    desk = Desk(lambda: fake, clerks=1)
    reports = [desk.hand_in(paper()).report.result(WAIT) for _ in range(2)]
    assert [d.code for d in reports[0].questions[0].diagnoses] == ["G01"]
    assert reports[0] == reports[1]
    assert fake.threads == {"clerk 0"}
    assert desk.refusal() == ""


def test_the_queue_is_bounded_and_says_who_is_before() -> None:
    gate, entered = threading.Event(), threading.Event()

    def slow(task: Task) -> Outcome:
        entered.set()
        gate.wait(WAIT)
        return Outcome(problem=Problem("timeout", "too slow"))

    desk = Desk(lambda: Fake(slow), clerks=1, places=2)
    first = desk.hand_in(paper())
    assert entered.wait(WAIT)
    second, third = desk.hand_in(paper()), desk.hand_in(paper())
    assert [desk.ahead(t) for t in (first, second, third)] == [0, 0, 1]
    with pytest.raises(SubmissionError, match=r"The checker is busy: 2 programs are waiting. Nothing is lost"):
        desk.hand_in(paper())
    gate.set()
    for ticket in (first, second, third):
        assert ticket.report.result(WAIT).questions[0].problem == Problem("timeout", "too slow")


def test_without_isolation_nothing_is_checked() -> None:
    def refused() -> Fake:
        raise SandboxError("found no isolation")

    desk = Desk(refused, clerks=1)
    assert desk.refusal() == "found no isolation"
    with pytest.raises(SandboxError, match="found no isolation"):
        desk.hand_in(paper()).report.result(WAIT)


def test_a_failure_of_ours_is_said_to_be_ours_and_the_desk_goes_on() -> None:
    answers: list[Callable[[Task], Outcome]] = [returning(without_two)]

    def first_broken(task: Task) -> Outcome:
        if len(answers) == 1:
            answers.append(answers[0])
            raise RuntimeError("a bug of ours")
        return answers[0](task)

    desk = Desk(lambda: Fake(first_broken), clerks=1)
    with pytest.raises(SandboxError, match="says nothing about your work"):
        desk.hand_in(paper()).report.result(WAIT)
    assert desk.hand_in(paper()).report.result(WAIT).questions[0].diagnoses
    assert FAILED.startswith("The checker failed")


def test_real_programs_in_the_real_sandbox() -> None:
    try:
        with open_sandbox() as probe:
            probe.start()
    except SandboxError as error:
        absent(f"no isolation on this machine: {error}")
    desk = Desk(clerks=1)
    assert desk.refusal() == ""
    outcomes = [desk.hand_in(paper(text)).report.result(WAIT).questions[0] for text in ("def gradients(:", "def gradients(*a): return 1")]
    assert [q.problem.kind for q in outcomes if q.problem] == ["syntax", "return"]


def test_cases_are_drawn_once() -> None:
    assert banks((GRADIENTS,), 3)[0] is banks((GRADIENTS,), 3)[0]
    assert banks((GRADIENTS,), 3)[0] is not banks((GRADIENTS,), 4)[0]


# ------------------------------------------------------------------------------------------------ what is taken


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        (".py", b"x", "Upload a .py file, an .ipynb notebook or a .zip"),
        ("a.tar", b"x", "Upload a .py file, an .ipynb notebook or a .zip"),
        ("a", b"x", "Upload a .py file, an .ipynb notebook or a .zip"),
        ("a.zip", b"#" * (20 * 1024 * 1024 + 1), "larger than 20 MB"),
        ("a.py", b"", "nothing in it yet"),
        ("a.py", b" \n\t", "nothing in it yet"),
        ("a.py", b"#" * (256 * 1024 + 1), "larger than 256 KB"),
        ("a.ipynb", b"#" * (20 * 1024 * 1024 + 1), "larger than 20 MB"),
    ],
)
def test_what_cannot_be_taken_is_said_in_a_sentence(name: str, data: bytes, says: str) -> None:
    with pytest.raises(SubmissionError, match=says):
        taken(name, data)


@pytest.mark.parametrize("data", [b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"cells": 3}', b'{"nbformat": 4, "cells": [{"cell_type": 7}]}'])
def test_a_damaged_notebook_is_a_problem_and_no_error(data: bytes) -> None:
    found = submission(Paper(QUIZ, (GRADIENTS,), "x.ipynb", data))
    assert (found.problem is not None and found.problem.kind == "unreadable") or (found.program is not None and not found.program.cells)


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/") + ".py", data)
    return made.getvalue()


def test_an_archive_is_taken_by_the_rules_of_submissions() -> None:
    data = zipped(work__solution=b"from helper import f\ndef gradients(): ...", work__helper=b"f = 1", work__old=b"x = 1")
    found = submission(Paper(QUIZ, (GRADIENTS,), "mine.zip", data))
    assert found.program is not None
    assert found.program.name == "solution.py"
    assert set(found.program.siblings) == {"helper.py", "old.py"}
    assert Paper(QUIZ, (GRADIENTS,), "mine.zip", data).text is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04 no archive", "no readable zip archive"),
        (zipped(**{f"f{k}": bytes(200 << 10) for k in range(300)}), "larger than 50 MB when unpacked"),
        (zipped(**{f"f{k}": b"" for k in range(1001)}), "more than 1000 entries"),
        (zipped(**{"..__solution": b"x = 1"}), "leads out of the archive"),
        (zipped(solution=bytes(257 << 10)), "larger than 256 KB"),
        (zipped(), "Nothing in it can be graded"),
    ],
    ids=["damaged", "bomb", "entries", "outside", "large", "empty"],
)
def test_an_archive_that_could_do_harm_is_refused_in_a_sentence(data: bytes, says: str) -> None:
    found = submission(Paper(QUIZ, (GRADIENTS,), "mine.zip", taken("mine.zip", data)))
    assert found.program is None
    assert found.problem is not None
    assert (found.problem.kind, says in found.problem.message) == ("unreadable", True)


@pytest.mark.parametrize("name", ["../../etc/passwd.py", "![x](http://example.org/x.png).py", "a\n# b.py", "\u202e.py"])
def test_odd_names_lead_nowhere(name: str) -> None:
    found = submission(paper("x = 1", name))
    assert found.program is not None
    assert "/" not in found.program.name
    assert "\n" not in found.program.name


def test_the_rate_is_limited_by_session() -> None:
    clock = [0.0]
    allowance = Allowance(now=lambda: clock[0])
    for _ in range(CHECKS):
        allowance.use()
    with pytest.raises(SubmissionError, match=r"possible in 61 seconds|possible in 60 seconds"):
        allowance.use()
    clock[0] = 59.0
    with pytest.raises(SubmissionError, match="Nothing is lost; the next one is possible in 2 seconds"):
        allowance.use()
    clock[0] = 60.0
    allowance.use()


# ------------------------------------------------------------------------------------------------ the page


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Task], Outcome]], None]:
    """Puts a desk with a fake sandbox behind the page."""

    def put(answer: Callable[[Task], Outcome]) -> None:
        made = Desk(lambda: Fake(answer), clerks=1)
        monkeypatch.setattr(checker, "desk", lambda: made)

    put(returning(without_two))
    return put


def visit(**query: str) -> AppTest:
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    app.switch_page("app_pages/self_check.py")
    app.query_params.update(query)
    return app.run()


def check(app: AppTest, text: str) -> AppTest:
    app.text_area(key="check.source").set_value(text)
    press(app).click().run()
    end = time.monotonic() + WAIT
    while "check.ticket" in app.session_state and time.monotonic() < end:
        time.sleep(0.02)
        app.run()
    return app


def press(app: AppTest) -> Any:
    return next(button for button in app.button if button.label == "Check")


def plain_texts(app: AppTest) -> str:
    """All that is shown as plain text or code."""
    return "\n".join([*(t.value for t in app.text), *(c.value for c in app.code)])


def rich_texts(app: AppTest) -> str:
    """All that the browser reads as Markdown or HTML."""
    kinds = (app.markdown, app.caption, app.warning, app.error, app.info, app.success, app.subheader, app.title)
    html = [str(e.proto.body) for e in app.get("html")]
    return "\n".join([*(e.value for kind in kinds for e in kind), *html])


@pytest.mark.usefixtures("desk")
def test_a_wrong_gradient_is_named_with_its_hint() -> None:
    app = check(visit(quiz="dose-response", question="gradients"), "def gradients(*a): ...")
    assert not app.exception
    assert [w.value for w in app.warning] == ["Right up to the convention of ½ in the loss: what is the derivative of (something)²?"]
    assert "missing factor two (G01)" in str(app.warning[0].proto)
    assert app.subheader[0].value == "0 of 6 points"
    assert "Wrong at case 1 of 10 (4 samples)." in [t.value for t in app.text]
    assert app.text_area(key="check.source").value == "def gradients(*a): ..."


EVIL = "<img src=x onerror=alert(1)> **bold** ![x](http://example.org/a.png) :red[x] $x$"


@pytest.mark.parametrize("kind", ["exception", "syntax", "unreadable"])
def test_a_students_text_is_never_markdown_or_html(desk: Any, kind: str) -> None:
    desk(lambda task: Outcome(problem=Problem(kind, f"ValueError: {EVIL}", 1), printed=EVIL))
    app = check(visit(quiz="dose-response", question="gradients"), f"# {EVIL}")
    assert not app.exception
    assert EVIL in plain_texts(app)
    for piece in ("onerror", "example.org", "**bold**", ":red[x]"):
        assert piece not in rich_texts(app)
    assert f"→    1  # {EVIL}"[:200] in plain_texts(app)


def test_further_keys_of_a_dict_are_plain_text_too(desk: Any) -> None:
    desk(returning(lambda *a: {**without_two(*a), EVIL: 1.0}))
    app = check(visit(quiz="dose-response", question="gradients"), "x")
    assert "onerror" in plain_texts(app)
    assert "onerror" not in rich_texts(app)


def test_without_isolation_the_page_explains_and_offers_no_way_around(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> Fake:
        raise SandboxError("found no isolation for plan9, expected Linux")

    made = Desk(refused, clerks=1)
    monkeypatch.setattr(checker, "desk", lambda: made)
    app = visit()
    assert not app.exception
    assert "Nothing can be checked on this machine" in app.error[0].value
    assert "plan9" in plain_texts(app)
    assert press(app).disabled
    assert app.text_area(key="check.source").disabled


def test_our_own_failure_keeps_the_text(desk: Any) -> None:
    def broken(task: Task) -> Outcome:
        raise RuntimeError("a bug of ours")

    desk(broken)
    app = check(visit(), "my_work = 1")
    assert "no fault of yours" in app.error[0].value
    assert app.text_area(key="check.source").value == "my_work = 1"
    assert not press(app).disabled


@pytest.mark.usefixtures("desk")
def test_nothing_handed_in_and_too_many_checks_give_sentences() -> None:
    app = visit()
    press(app).click().run()
    assert "nothing in it yet" in app.warning[0].value
    app.session_state["check.allowance"] = Allowance(checks=0)
    app.session_state["check.allowance"]._times.append(time.monotonic())
    app.text_area(key="check.source").set_value("x = 1")
    press(app).click().run()
    assert "Nothing is lost" in app.warning[0].value
    assert app.text_area(key="check.source").value == "x = 1"


@pytest.mark.usefixtures("desk")
def test_a_notebook_is_uploaded() -> None:
    app = visit(quiz="dose-response", question="gradients")
    app.segmented_control(key="check.way").set_value("Upload").run()
    book = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [{"cell_type": "code", "source": "x = 1", "metadata": {}, "id": "a"}],
    }
    app.file_uploader(key="check.file").upload("work.ipynb", json.dumps(book).encode())
    press(app).click().run()
    end = time.monotonic() + WAIT
    while "check.ticket" in app.session_state and time.monotonic() < end:
        time.sleep(0.02)
        app.run()
    assert not app.exception
    assert app.subheader[0].value == "0 of 6 points"


def test_all_questions_at_once(desk: Any) -> None:
    desk(lambda task: Outcome(problem=Problem("missing-function", f"there is no {task.function}")))
    app = check(visit(quiz="dose-response", question="all"), "x")
    assert not app.exception
    assert app.subheader[0].value == "0 of 10 points"
    assert len(app.error) == 3
    assert "there is no update" in plain_texts(app)
    assert app.query_params == {"quiz": "dose-response", "question": "all"}


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    "query",
    [
        {"quiz": "../../etc/passwd"},
        {"quiz": "quiz-09"},
        {"quiz": "dose-response", "question": "x"},
        {"quiz": "dose-response", "seed": "-1"},
    ],
)
def test_a_link_to_nothing_gives_a_sentence(query: dict[str, str]) -> None:
    app = visit(**query)
    assert not app.exception
    assert app.warning[0].value.startswith("This link names ")
