"""The derivation page in Chromium: weights chosen in the drawing."""

from typing import Any

from browsing import on_a_phone, until_slim


def test_a_weight_is_chosen_by_pointer_and_by_keyboard(page: Any) -> None:
    page.goto("/derivation?case=lecture")
    page.locator(".chain .total", has_text="∂L/∂W₁[1,1] = −2.548").wait_for()
    page.locator(".lying [data-pick='W2.2.1']").focus()
    page.keyboard.press("Enter")
    page.locator(".chain .total", has_text="∂L/∂W₂[2,1]").wait_for()
    page.locator(".lying [data-pick='b1.2'] rect").click()
    page.locator(".chain .total", has_text="∂L/∂b₁[2] = 1.092").wait_for()
    page.wait_for_url("**weight=b1.2**")
    on_a_phone(page)
    page.locator(".chain .standing svg").wait_for()
    page.get_by_role("heading", name="Why |difference|").wait_for()
    until_slim(page)
