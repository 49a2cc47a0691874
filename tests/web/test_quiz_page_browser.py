"""The quiz page, the TD(λ) lab and the self-check in Chromium: what a student does with them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dosegrade.quiz.question import load

LONGER = 20_000
PAGES = ("/td_lambda", "/quiz", "/self_check")
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
    page.get_by_role("heading", level=1).wait_for(timeout=LONGER)
    return page


def submit(page: Any, number: int) -> None:
    page.get_by_role("button", name=re.compile("^Submit")).nth(number).click()


def by_keyboard(page: Any, option: int) -> None:
    """Choose an option without a mouse."""
    page.get_by_role("radio").nth(option).focus()
    page.keyboard.press("Space")


def wait_for_text(page: Any, text: str | re.Pattern[str]) -> None:
    page.get_by_text(text).first.wait_for(timeout=LONGER)


# ------------------------------------------------------------------------------------------------ the quiz page


def test_quiz_09_in_full_and_no_answer_before_it_is_submitted(tab: Any) -> None:
    received: list[bytes] = []

    def listen(socket: Any) -> None:
        socket.on("framereceived", lambda data: received.append(data if isinstance(data, bytes) else data.encode()))

    tab.on("websocket", listen)
    visit(tab, "/quiz")
    tab.remove_listener("websocket", listen)
    wait_for_text(tab, "0 of 16 points")
    tab.get_by_role("button", name="Submit").nth(3).wait_for(timeout=LONGER)
    secrets = [" ".join(q.solution.split())[:40].encode() for q in load("quiz-09").typed]
    hint = b"Which family of models does the word"
    assert len(b"".join(received)) > 5_000
    assert not [secret for secret in (*secrets, hint) if secret in b"".join(received)]

    tab.get_by_text("the action-value function, by a random forest").click()
    submit(tab, 0)
    wait_for_text(tab, "Which family of models does the word “deep” announce?")
    assert hint in b"".join(received)
    tab.get_by_text("the action-value function, by a deep neural network").click()
    submit(tab, 0)
    wait_for_text(tab, "4 of 16 points")
    tab.get_by_text("False", exact=True).click()
    submit(tab, 1)
    wait_for_text(tab, "8 of 16 points")
    by_keyboard(tab, 6)
    submit(tab, 2)
    wait_for_text(tab, "12 of 16 points")
    by_keyboard(tab, 12)
    submit(tab, 3)
    wait_for_text(tab, "16 of 16 points")
    assert b"The expected return from a state under" in b"".join(received)


def test_a_fresh_variant_and_an_answer_that_cannot_be_read(tab: Any) -> None:
    visit(tab, "/quiz?quiz=lecture-10&question=q03")
    wait_for_text(tab, "seed 0")
    before = tab.locator("[data-testid=stMarkdown]").all_inner_texts()
    tab.get_by_role("button", name="Fresh variant").click()
    wait_for_text(tab, "seed 1")
    assert "seed=1" in tab.url
    assert tab.locator("[data-testid=stMarkdown]").all_inner_texts() != before
    box = tab.get_by_label("Your answer")
    box.fill("twelve")
    box.press("Enter")
    wait_for_text(tab, "costs no attempt")
    assert box.input_value() == "twelve"
    wait_for_text(tab, "0 of 61 answered")


# ------------------------------------------------------------------------------------------------ the lab


def test_the_lab_through_a_revisit_by_button_keys_and_slider(tab: Any) -> None:
    visit(tab, "/td_lambda?step=0")
    wait_for_text(tab, "Before the first step")
    for name in ("Playground", "TD(λ)", "Quizzes", "Self-check"):  # a first visit, straight to a page
        tab.get_by_role("link", name=name).first.wait_for(timeout=LONGER)
    tab.get_by_role("button", name="Next").click()
    wait_for_text(tab, "From A to B")
    wait_for_text(tab, "Step 1.")
    tab.get_by_role("heading", level=1).click()
    tab.keyboard.press("n")
    wait_for_text(tab, "From B to A")
    wait_for_text(tab, "Step 2.")
    tab.wait_for_url("**step=2**")
    tab.locator("input[aria-label=Step]").focus()
    tab.keyboard.press("ArrowRight")
    wait_for_text(tab, "From A, where it was before, to C")
    wait_for_text(tab, "Step 3.")
    wait_for_text(tab, "They part at step 3, where A comes back: its trace is 1.2916 if accumulating, 1 if replacing.")
    tables = tab.get_by_role("table")
    rows = [tables.nth(n).get_by_role("row").nth(3).inner_text().split() for n in (0, 1)]
    assert "1.2916" in rows[0]
    assert "1.2916" not in rows[1]
    assert tab.locator(".katex-error").count() == 0
    tab.get_by_role("heading", level=1).click()
    tab.keyboard.press("p")
    wait_for_text(tab, "Step 2.")


# ------------------------------------------------------------------------------------------------ the self-check


def hand_in(page: Any, source: str) -> None:
    page.get_by_label("Your program").fill(source)
    page.get_by_role("button", name="Check", exact=True).click()


def test_a_wrong_gradient_and_its_named_mistake(tab: Any) -> None:
    visit(tab, "/self_check?quiz=dose-response&question=gradients")
    hand_in(tab, WRONG)
    wait_for_text(tab, "missing factor two (G01)")
    wait_for_text(tab, "What is the derivative of (something)²?")
    wait_for_text(tab, "Wrong at case 1 of 10 (4 samples).")
    assert "<b>shapes</b>" in tab.locator("[data-testid=stCode]").last.inner_text()
    assert tab.get_by_label("Your program").input_value().strip() == WRONG.strip()


def painted(live: Any) -> int:
    return int(live.get_attribute("data-painted") or 0)


def test_an_endless_loop_comes_back_while_another_session_trains_on(tab: Any, browser: Any, server: str) -> None:
    student = browser.new_context(base_url=server).new_page()
    visit(student, "/self_check?quiz=short&question=gradients")
    visit(tab, "/?preset=two-units")
    live = tab.locator(".live")
    live.locator("button.play").click()
    tab.locator(".live[data-playing='true']").wait_for(timeout=LONGER)
    hand_in(student, LOOP)
    student.get_by_text("A program that does not return is stopped after").wait_for(timeout=LONGER)
    live.locator(".rates button", has_text=re.compile(r"^0\.03$")).click()
    tab.locator(".live[data-rate='0.03']").wait_for(timeout=LONGER)  # the server has answered
    painted = int(live.get_attribute("data-painted") or 0)
    tab.wait_for_function("([root, before]) => +root.dataset.painted > before", arg=[live.element_handle(), painted], timeout=LONGER)
    assert student.get_by_text("The program did not come back in time").count() == 0  # all that beside the loop
    student.get_by_text("The program did not come back in time").wait_for(timeout=LONGER)
    student.context.close()


# ------------------------------------------------------------------------------------------------ every page


@pytest.mark.parametrize("address", PAGES)
def test_a_phone_needs_no_sideways_scrolling(tab: Any, address: str) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.emulate_media(color_scheme="dark")
    visit(tab, address)
    tab.get_by_role("button").nth(2).wait_for(timeout=LONGER)
    wide = tab.evaluate("() => [document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth]")
    assert max(wide) <= 390
