"""The playground in Chromium: what is seen and done in its pictures."""

from typing import Any

from browsing import LIVE, in_view, on_a_phone, open_page, told, until, until_address, until_other, until_slim

CIRCLE = "/?data=circle&hidden=4%2C2&output=sigmoid&loss=binary_crossentropy&points=200&validation=0.2&batch=40&seed=7"
PIXELS = """
(canvas, spots) => {
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const ctx = copy.getContext("2d", { willReadFrequently: true }), { X, Y } = canvas.spots, ratio = devicePixelRatio;
  ctx.drawImage(canvas, 0, 0);
  return spots.map(([u, v]) => [...ctx.getImageData(X(u) * ratio, Y(v) * ratio, 1, 1).data]);
}
"""
ON_EDGE = "(canvas, k) => { const { a, b } = canvas.plan.edges[k]; return [a.x + 0.3 * (b.x - a.x), a.y + 0.3 * (b.y - a.y)]; }"


def play_until(page: Any, condition: str) -> Any:
    live = page.locator(LIVE)
    live.locator("button.play").click()
    until(page, condition)
    live.evaluate("(live) => live.dataset.playing === 'true' && live.querySelector('.play').click()")  # unless it has stopped by itself
    return live


def on_edge(page: Any, k: int) -> tuple[float, float]:
    canvas = page.locator(".net canvas")
    box, (x, y) = canvas.bounding_box(), canvas.evaluate(ON_EDGE, k)
    return box["x"] + x, box["y"] + y


def test_classes_are_seen_as_colours_a_weight_is_changed_by_hand_and_the_link_brings_the_same_run(page: Any) -> None:
    open_page(page, CIRCLE)
    live = play_until(page, "loss < 0.1")
    inside, outside = live.locator(".output canvas").evaluate(PIXELS, [[0.3, 0.2], [-5.9, 5.9]])
    assert inside[1] > inside[0] + 30, inside
    assert outside[0] > outside[1] + 30, outside

    at = on_edge(page, 0)
    page.mouse.move(*at)
    tip = live.get_by_role("tooltip")
    tip.get_by_text("Weight from x₁ to hidden 1, unit 1: ").wait_for()
    page.mouse.click(*at)
    field = live.get_by_label("Weight from x₁ to hidden 1, unit 1")
    before = live.get_attribute("data-loss")
    field.fill("much")
    field.press("Enter")
    live.locator(".edit").get_by_role("alert").get_by_text("Found “much”, expected a number").wait_for()
    field.press("Escape")
    assert not live.locator(".edit").is_visible()
    assert live.get_attribute("data-loss") == before
    page.mouse.click(*at)
    field.fill("-7,5")
    field.press("Enter")
    until(page, "gen === 1")
    epoch, changed = told(live, "epoch"), live.get_attribute("data-loss")
    assert changed != before
    live = open_page(page, until_address(page, "story="))
    play_until(page, f"epoch > {epoch}")
    live.locator("input.past").fill(f"{epoch:.0f}")
    assert told(live, "epoch") == epoch
    assert live.get_attribute("data-loss") == changed
    assert len(changed) > 12


def test_a_unit_tells_its_sum_by_keyboard_and_leads_to_the_derivation(page: Any) -> None:
    live = open_page(page, CIRCLE)
    live.locator(".spots button").first.focus()
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    live.evaluate("(live) => { const view = live.getRootNode().live; view.canvas.net.plan = null; view.draw(); }")  # laid out anew
    page.keyboard.press("Enter")
    shown = page.get_by_text("Unit 1 of hidden layer 2 at data point")
    shown.wait_for()
    formula = page.locator(".katex").first.inner_text()
    assert "bias" in formula
    in_view(shown)
    assert live.locator(".weights button").count() == 5
    first = shown.inner_text()
    live.get_by_role("button", name="The next data point").click()
    page.get_by_text("at data point 55 (").wait_for()
    until_other(shown, first)
    until_other(page.locator(".katex").first, formula)
    live.get_by_role("button", name="Close").click()
    shown.wait_for(state="detached")
    page.get_by_role("link", name="Open the derivation of this network").click()
    page.get_by_role("heading", name="Every number of one step").wait_for()
    page.get_by_text("A 2-4-2-1 network after 0 epochs").wait_for()
    on_a_phone(page)
    until_slim(page)


def test_rows_of_ones_own_are_trained_on_until_told_to_stop(page: Any) -> None:
    live = open_page(page, "/?stop_epochs=40")
    page.get_by_role("radio", name="Your own rows").check()
    until(page, "gen === 1")
    given = page.locator("[data-testid=stFileUploader] input")
    given.set_input_files({"name": "bad.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n2,three\n3,1\n4,1\n5,6"})
    page.get_by_text("Found 'three' in line 3").wait_for()
    assert told(live, "gen") == 1
    rows = "\n".join(f"{k},{k * k}" for k in range(9))
    given.set_input_files({"name": "good.csv", "mimeType": "text/csv", "buffer": f"side,area\n{rows}".encode()})
    until(page, "gen === 2")
    start = told(live, "loss")
    live.locator("button.play").click()
    until(page, "!playing && epoch > 0")
    assert told(live, "epoch") == 40
    assert told(live, "loss") < start
    assert "Stopped after 40 epochs, as the settings say" in live.locator(".notice").inner_text()
    live.locator(".output canvas[aria-label*='area against side']").wait_for()


def test_a_surface_on_a_dark_phone(page: Any) -> None:
    on_a_phone(page, "dark")
    live = open_page(page, "/?data=hills&hidden=8&points=200")
    play_until(page, "epoch >= 3")
    page.get_by_role("heading", name="at leisure").wait_for()
    until_slim(page)
    live.locator(".spots button").nth(3).click()
    page.get_by_text("Unit 4 of hidden layer 1 at data point").wait_for()
    until_slim(page)
