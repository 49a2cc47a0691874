"""The quiz page, the TD(λ) lab and the self-check in Chromium: what a student does with them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from browsing import LIVE, on_a_phone, told, until, until_address, until_done, until_other, until_slim, until_text

from dosegrade.quiz.question import load

LOOP = "def gradients(*a):\n    while True:\n        pass\n"
WRONG = """
import numpy as np

def gradients(d, e, W1, b1, W2, b2, W3, b3):
    h1 = np.tanh(W1 * d + b1)
    h2 = np.tanh(W2 * h1 + b2)
    dz3 = (W3 * h2 + b3 - e) / len(d)
    dz2 = dz3 * W3 * (1 - h2**2)
    dz1 = dz2 * W2 * (1 - h1**2)
    print("<b>shapes</b>", d.shape)
    return {"dW1": dz1 @ d, "db1": dz1.sum(), "dW2": dz2 @ h1, "db2": dz2.sum(), "dW3": dz3 @ h2, "db3": dz3.sum()}
"""


def visit(page: Any, address: str) -> Any:
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for()
    until_done(page)
    return page


def submit(page: Any, number: int) -> None:
    page.get_by_role("button", name=re.compile("^Submit")).nth(number).click()


def by_keyboard(page: Any, option: int) -> None:
    """Choose an option without a mouse."""
    page.get_by_role("radio").nth(option).press("Space")


def until_points(page: Any, points: int) -> None:
    """Wait for a score, which stands above the questions, and for these."""
    until_text(page, f"{points} of 16 points")
    until_done(page)


# ------------------------------------------------------------------------------------------------ the quiz page


def test_quiz_09_in_full_and_no_answer_before_it_is_submitted(page: Any) -> None:
    received: list[bytes] = []

    def listen(socket: Any) -> None:
        socket.on("framereceived", lambda data: received.append(data if isinstance(data, bytes) else data.encode()))

    page.on("websocket", listen)
    visit(page, "/quiz")
    page.remove_listener("websocket", listen)
    until_points(page, 0)
    page.get_by_role("button", name="Submit").nth(3).wait_for()
    secrets = [" ".join(q.solution.split())[:40].encode() for q in load("quiz-09").typed]
    hint = b"Which family of models does the word"
    assert len(b"".join(received)) > 5_000
    assert not [secret for secret in (*secrets, hint) if secret in b"".join(received)]

    page.get_by_text("the action-value function, by a random forest").click()
    submit(page, 0)
    until_text(page, "Which family of models does the word “deep” announce?")
    until_done(page)
    assert hint in b"".join(received)
    page.get_by_text("the action-value function, by a deep neural network").click()
    submit(page, 0)
    until_points(page, 4)
    page.get_by_text("False", exact=True).click()
    submit(page, 1)
    until_points(page, 8)
    by_keyboard(page, 6)
    submit(page, 2)
    until_points(page, 12)
    by_keyboard(page, 12)
    submit(page, 3)
    until_points(page, 16)
    assert b"The expected return from a state under" in b"".join(received)
    on_a_phone(page)
    until_slim(page)


def test_a_fresh_variant_and_an_answer_that_cannot_be_read_on_a_dark_phone(page: Any) -> None:
    on_a_phone(page, "dark")
    visit(page, "/quiz?quiz=lecture-10&question=q03")
    until_text(page, "seed 0")
    question = page.get_by_text("The table happens to hold")
    before = question.inner_text()
    page.get_by_role("button", name="Fresh variant").click()
    until_text(page, "seed 1")
    until_address(page, "seed=1")
    until_other(question, before)
    until_done(page)
    box = page.get_by_label("Your answer")
    box.fill("twelve")
    box.press("Enter")
    until_text(page, "costs no attempt")
    assert box.input_value() == "twelve"
    until_text(page, "0 of 61 answered")
    until_slim(page)


# ------------------------------------------------------------------------------------------------ the lab


def test_the_lab_through_a_revisit_by_button_keys_and_slider(page: Any) -> None:
    visit(page, "/td_lambda?step=0")
    until_text(page, "Before the first step")
    for name in ("Playground", "TD(λ)", "Quizzes", "Self-check"):  # a first visit, straight to a page
        page.get_by_role("link", name=name).first.wait_for()
    page.get_by_role("button", name="Next").click()
    until_text(page, "From A to B")
    until_text(page, "Step 1.")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("n")
    until_text(page, "From B to A")
    until_text(page, "Step 2.")
    page.wait_for_url("**step=2**")
    page.locator("input[aria-label=Step]").focus()
    page.keyboard.press("ArrowRight")
    until_text(page, "From A, where it was before, to C")
    until_text(page, "Step 3.")
    until_text(page, "They part at step 3, where A comes back: its trace is 1.2916 if accumulating, 1 if replacing.")
    tables = [page.get_by_role("table", name=f"Every step with the {trace} trace") for trace in ("accumulating", "replacing")]
    rows = [table.get_by_role("row").nth(3).inner_text().split() for table in tables]
    assert "1.2916" in rows[0]
    assert "1.2916" not in rows[1]
    assert page.locator(".katex-error").count() == 0
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("p")
    until_text(page, "Step 2.")
    on_a_phone(page, "dark")
    until_slim(page)


# ------------------------------------------------------------------------------------------------ the self-check


def hand_in(page: Any, source: str) -> None:
    page.get_by_label("Your program").fill(source)
    page.get_by_role("button", name="Check", exact=True).click()


def test_a_wrong_gradient_and_its_named_mistake_on_a_dark_phone(page: Any) -> None:
    on_a_phone(page, "dark")
    visit(page, "/self_check?quiz=dose-response&question=gradients")
    hand_in(page, WRONG)
    until_text(page, "missing factor two (G01)")
    until_text(page, "What is the derivative of (something)²?")
    until_text(page, "Wrong at case 1 of 10 (4 samples).")
    page.locator("[data-testid=stCode]", has_text="<b>shapes</b>").wait_for()
    assert page.get_by_label("Your program").input_value().strip() == WRONG.strip()
    until_slim(page)


def checkers() -> list[int]:
    """The processes of the sandboxes that this process's server has."""

    def ours(pid: int) -> bool:
        return pid == os.getpid() or (pid > 1 and ours(int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])))

    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if b"_checker" in (entry / "cmdline").read_bytes() and ours(int(entry.name)):
                found.append(int(entry.name))
    return found


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Programs stand still: their time is not over before a slow machine has done what is to be done beside them."""
    stopped = checkers()
    assert stopped
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_an_endless_loop_comes_back_while_another_session_trains_on(page: Any, visitor: Callable[[], Any]) -> None:
    page.emulate_media(reduced_motion="no-preference")
    student = visitor()
    visit(student, "/self_check?quiz=short&question=gradients")
    visit(page, "/?preset=two-units")
    live = page.locator(LIVE)
    live.locator("button.play").click()
    until(page, "playing")
    hand_in(student, LOOP)
    student.get_by_text("A program that does not return is stopped after").wait_for()
    with held():
        live.locator(".rates button", has_text=re.compile(r"^0\.03$")).click()
        until(page, "rate === 0.03")  # the server has answered
        until(page, f"epoch > {told(live, 'epoch')}")
        assert student.get_by_text("The program did not come back in time").count() == 0  # all that beside the loop
    student.get_by_text("The program did not come back in time").wait_for()
    student.context.close()
