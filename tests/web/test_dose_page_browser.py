"""The dose page in Chromium: an experiment is pressed, on a dark phone."""

from typing import Any

from browsing import on_a_phone, until_slim, until_text


def test_raw_doses_are_pressed_on_a_dark_phone(page: Any) -> None:
    on_a_phone(page, "dark")
    page.goto("/dose")
    pill = page.get_by_role("radio", name="Raw doses")
    pill.click()
    page.locator("[data-testid=stVegaLiteChart][aria-label*='raw doses rises, highest at 100 mg']").wait_for()
    until_text(page, "Only the scaling of the dose differs.")
    until_text(page, "Nothing here is medical advice")
    colours = pill.evaluate("(pill) => [pill, pill.parentElement].map((box) => getComputedStyle(box).color)")
    assert colours[0] == colours[1]  # chosen, and as bright as the rest
    until_slim(page)
