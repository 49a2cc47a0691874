"""The live page in Chromium: what a student does with it."""

from typing import Any

from browsing import on_a_phone, open_page, told, until, until_address, until_slim, until_text

# The pictures that a second of the screen's paints makes, with enough frames there.
PICTURES = """
(live) => {
  const view = live.getRootNode().live, { painted, shown, last } = view, wait = window.requestAnimationFrame;
  view.queue.unshift(...Array.from({ length: 60 }, () => shown));
  view.held = 0;
  window.requestAnimationFrame = () => 0;
  for (let k = 1; k <= 60; k++) view.paint(last + 16.7 * k);
  window.requestAnimationFrame = wait;
  view.last = last;
  return view.painted - painted;
}
"""


def test_train_pause_resume_and_change_the_learning_rate(page: Any) -> None:
    page.emulate_media(reduced_motion="no-preference")
    live = open_page(page)
    play = live.locator("button.play")
    assert play.get_attribute("aria-pressed") == "false"
    play.click()
    until(page, "epoch > 30")
    assert play.get_attribute("aria-pressed") == "true"
    play.click()
    until(page, "!playing")
    stood = told(live, "epoch")
    page.get_by_role("heading", name=f"Epoch {stood:,.0f} at leisure").wait_for()
    assert told(live, "epoch") == stood
    play.click()
    until(page, f"epoch > {stood} + 30")
    live.get_by_role("button", name="0.03", exact=True).click()
    until(page, "rate === 0.03 && gen === 1")
    assert live.get_by_role("button", name="0.03", exact=True).get_attribute("aria-pressed") == "true"
    until(page, f"epoch > {told(live, 'epoch')} + 15")
    until_address(page, "learning_rate%3D0.03")
    until_text(page, "Your own.")
    assert not page.get_by_role("radio", name="A good first run").is_checked()


def test_the_still_pictures_follow_the_view_whichever_way_is_faster(page: Any) -> None:
    live = open_page(page, "/?preset=two-units")
    for pressed in (["play", "rates :nth-child(3)"], ["rates :nth-child(4)", "play"]):
        live.locator("button.play").click()
        until(page, "playing && epoch > 20")
        gen = told(live, "gen")
        live.evaluate("(live, pressed) => pressed.forEach((name) => live.querySelector(`.${name}`).click())", pressed)
        until(page, f"!playing && gen > {gen}")
        page.get_by_role("heading", name=f"Epoch {told(live, 'epoch'):,.0f} at leisure").wait_for()
    live.locator("button.play").click()
    until(page, "playing && epoch > 60")
    page.get_by_role("link", name="Race").click()
    live.wait_for(state="detached")
    page.get_by_role("link", name="Playground").click()
    until(page, "epoch > 0")
    page.get_by_role("heading", name=f"Epoch {told(live, 'epoch'):,.0f} at leisure").wait_for()
    until_address(page, "hidden=2")


def test_a_question_that_nobody_answers_is_asked_by_a_rerun(page: Any) -> None:
    page.route("**/live-frames", lambda route: None)
    live = open_page(page, "/?preset=product")  # no hidden layer
    page.evaluate("() => { AbortSignal.timeout = () => AbortSignal.abort(); }")  # without the wait
    live.locator("button.play").click()
    until(page, "epoch > 30")


# Three pictures, a stop right after words were said, Reset, and what the server hears of a stop after that.
STANDS = """
(live) => {
  const view = live.getRootNode().live, sent = [], frame = view.history[0];
  view.send = (event) => sent.push(event);
  view.line.direct = false;
  view.play();
  view.queue = [1, 2, 3].map((epoch) => ({ ...frame, epoch }));
  view.painted = 0;
  while (view.advance()) view.draw();
  view.spoke = performance.now();
  view.halt();
  live.querySelector(".reset").click();
  view.report();
  return [sent, live.querySelector(".epoch").textContent, live.querySelector(".past").value];
}
"""
AXES = """
(live) => {
  const view = live.getRootNode().live, frame = view.history[0];
  view.history = Array.from({ length: 1200 }, (_, k) => ({ ...frame, epoch: k, loss: k === 601 ? 50 : 0.5 }));
  return [1198, 1199, 600].map((k) => { view.show(k); return view.canvas.loss.kept.axes.full.split(" power")[0]; });
}
"""
LEVEL = """
(live) => {
  const view = live.getRootNode().live, frame = view.history[0];
  return [frame, { ...frame, curve: frame.curve.map(() => 66.7) }].map((each) => {
    view.history = [each];
    view.show(0);
    return live.querySelector(".peak").textContent;
  });
}
"""


def test_what_stands_still_is_told_in_full_no_order_gets_lost_and_every_epoch_lies_within_the_axes(page: Any) -> None:
    live = open_page(page)
    assert live.evaluate(STANDS) == [["need", "reset", "reset", "pause"], "3", "3"]
    live.get_by_role("status").get_by_text("Paused. Epoch 3:").wait_for()
    assert live.evaluate(LEVEL) == ["0.0 mgtrue 50 mg", "–true 50 mg"]  # a level line has no dose of the largest effect
    assert live.evaluate(AXES) == ["1500 -1 2", "1500 -1 2", "750 -1 0"]  # one epoch lies far above the others


def test_where_something_between_answers_for_the_server_it_asks_by_reruns(page: Any) -> None:
    asked = []

    def stranger(route: Any) -> None:
        asked.append(route.request.post_data_json["event"])
        route.fulfill(content_type="text/html", body="<p>Nothing here.</p>")

    page.route("**/live-frames", stranger)
    live = open_page(page)
    live.locator("button.play").click()
    until(page, "epoch > 60")
    assert set(asked) == {"need"}
    before = len(asked)  # one, or more where the first answer was long in coming
    live.get_by_role("button", name="0.03", exact=True).click()
    until(page, "rate === 0.03 && gen === 1")
    assert len(asked) == before


def test_a_broken_link_gives_a_sentence_and_a_page_that_goes_by_keys(page: Any) -> None:
    live = open_page(page, "/?learning_rate=nan")
    page.get_by_role("alert").get_by_text("This link cannot be used as it is. Found nan for the learning rate").wait_for()
    assert live.get_by_role("img").count() == 5
    assert "Epoch 0" in live.get_by_role("img").first.get_attribute("aria-label")
    assert "Epoch 0" in live.get_by_role("status").inner_text()
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    until(page, "epoch === 1")
    page.keyboard.press("ArrowRight")
    until(page, "epoch === 2")
    page.keyboard.press(" ")
    until(page, "playing && epoch > 10")
    page.keyboard.press(" ")
    until(page, "!playing")
    live.locator("button.reset").click()
    until(page, "epoch === 0 && gen === 1")


def test_the_chain_stops_with_its_reason_and_one_press_mends_it(page: Any) -> None:
    live = open_page(page, "/?preset=monotone")
    live.get_by_role("button", name="20×").click()
    live.locator("button.play").click()
    until(page, "!playing && epoch > 800")
    assert "can only rise or only fall" in live.locator(".notice").inner_text()
    page.get_by_role("button", name="Add a unit").click()
    until(page, "epoch === 0 && gen === 1")
    until_address(page, "preset=two-units")
    live.locator("button.play").click()
    until(page, "loss < 0.01")


def test_a_phone_is_calm_and_needs_no_sideways_scrolling(page: Any) -> None:
    on_a_phone(page)
    live = open_page(page)
    live.locator("button.play").click()
    until(page, "playing")
    assert live.evaluate(PICTURES) == 4
    until(page, "epoch >= 45")
    live.locator("button.play").click()
    page.get_by_role("heading", name="at leisure").wait_for()
    for scheme in ("light", "dark"):
        on_a_phone(page, scheme)
        until_slim(page)
