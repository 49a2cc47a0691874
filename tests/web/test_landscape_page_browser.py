"""The landscape page in Chromium: played, scrubbed, turned, restarted by pointer."""

import re
from typing import Any

from browsing import on_a_phone, until_slim


def test_play_scrub_relief_and_another_start(page: Any) -> None:
    page.goto("/landscape")
    land = page.locator(".land[data-frame='120']")
    land.wait_for()
    assert "After update 120: Gradient descent at W₁ 1.18" in page.locator(".land [role=status]").inner_text()
    page.locator(".land .past").focus()
    page.keyboard.press("Home")
    page.locator(".land[data-frame='0']").wait_for()
    page.locator(".land .play").click()
    page.locator(".land[data-frame='120'] .play[aria-pressed='false']").wait_for()
    pixels = "canvas => canvas.toDataURL()"
    canvas = page.locator(".land .map canvas")
    flat = canvas.evaluate(pixels)
    page.locator(".land .form button", has_text="Relief").click()
    hilly = canvas.evaluate(pixels)
    canvas.focus()
    page.keyboard.press("ArrowRight")
    turned = canvas.evaluate(pixels)
    assert len({flat, hilly, turned}) == 3
    page.locator(".land .form button", has_text="Map").click()
    before = page.locator(".land").get_attribute("data-id")
    page.locator(".land .map canvas").click(position={"x": 300, "y": 200})
    page.wait_for_url(re.compile(r"u=.*v="))
    page.locator(f'.land:not([data-id="{before}"])').wait_for()
    on_a_phone(page)
    page.get_by_role("heading", name="Two cuts").wait_for()
    until_slim(page)
