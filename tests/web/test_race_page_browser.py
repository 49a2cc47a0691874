"""The race in Chromium."""

import re
from typing import Any

from browsing import on_a_phone, until_slim


def test_a_race_in_chromium(page: Any) -> None:
    page.goto("/race?race=rates")
    race = page.locator(".race")
    page.locator(".race[data-epoch='0']").wait_for()
    race.evaluate("(race) => Object.defineProperty(race.getRootNode().race, 'most', { get: () => 20 })")  # a short history
    page.locator(".race .play").click()
    page.locator(".lanes .out:not([hidden])").wait_for()
    at = int(race.get_attribute("data-epoch") or 0)
    page.wait_for_function("([root, at]) => +root.dataset.epoch > at + 20", arg=[race.element_handle(), at])  # the others go on
    page.keyboard.press("Space")
    page.get_by_role("heading", name=re.compile("at leisure")).wait_for()
    assert "Diverged after epoch" in page.locator(".lanes .out:not([hidden])").inner_text()
    page.locator(".race .common canvas[aria-label*='D · 1.5: diverged after epoch']").wait_for()
    gone = page.locator(".lanes .out:not([hidden])").inner_text()
    assert race.evaluate("(race) => race.getRootNode().race.history.length") <= 20
    page.get_by_role("link", name="Playground").click()
    race.wait_for(state="detached")
    page.get_by_role("link", name="Race").click()
    page.locator(".lanes .out:not([hidden])").wait_for()  # a new view knows of it, too
    assert page.locator(".lanes .out:not([hidden])").inner_text() == gone
    page.get_by_role("heading", name=f"Epoch {int(race.get_attribute('data-epoch') or 0):,} at leisure").wait_for()
    race.locator(".reset").click()
    page.locator(".race[data-epoch='0']").wait_for()
    race.locator(".step").click()
    page.locator(".race[data-epoch='1']").wait_for()
    page.locator(".race .past").focus()
    page.keyboard.press("Home")
    page.locator(".race[data-epoch='0']").wait_for()
    on_a_phone(page)
    until_slim(page)
