"""What browser tests share: opening a live page, waiting for what it says of itself, a phone."""

from typing import Any

PATIENCE = 60_000  # ms before a wait gives up: only a failure takes so long, on whatever machine
LIVE = ".live:not(.race)"


def open_page(page: Any, address: str = "/") -> Any:
    page.goto(address)
    until(page, "epoch >= 0")
    until_done(page)
    return page.locator(LIVE)


def until(page: Any, condition: str) -> None:
    """Wait for a condition on what the view says of itself: epoch, loss, playing, rate, gen."""
    page.locator(LIVE).evaluate(
        """(live, [condition, patience]) => new Promise((done, fail) => {
             const holds = new Function("epoch", "loss", "playing", "rate", "gen", `return ${condition}`);
             const start = performance.now();
             (function look() {
               const d = live.dataset;
               if (d.epoch && holds(+d.epoch, +d.loss, d.playing === "true", +d.rate, +d.gen)) return done();
               if (performance.now() - start > patience) return fail(new Error(`${condition} never held: ${JSON.stringify(d)}`));
               requestAnimationFrame(look);
             })();
           })""",
        [condition, PATIENCE],
    )


def until_address(page: Any, part: str) -> str:
    """The address bar follows by a rerun of the page: wait until it holds this part. The whole address, which `page.url` learns later."""
    address: str = page.wait_for_function("(part) => location.href.includes(part) && location.href", arg=part).json_value()
    return address


def until_text(page: Any, text: Any) -> None:
    page.get_by_text(text).first.wait_for()


def until_other(locator: Any, text: str) -> None:
    """Wait until a place says something else than this."""
    from playwright.sync_api import expect

    expect(locator).not_to_have_text(text, use_inner_text=True, timeout=PATIENCE)


def until_done(page: Any) -> None:
    """Wait until the page's script has come to its end, so that nothing of an earlier run stands there."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def told(live: Any, name: str) -> float:
    return float(live.get_attribute(f"data-{name}"))


def on_a_phone(page: Any, scheme: str = "light") -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)


def until_slim(page: Any) -> None:
    """Wait until the page is all there, in the wanted colours, and nothing of it has to be scrolled sideways on a phone."""
    page.wait_for_function(
        """() => {
             const app = document.querySelector("[data-testid=stApp]"), main = document.querySelector("[data-testid=stMain]");
             const scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
             const there = app.dataset.testScriptState === "notRunning" && getComputedStyle(app).colorScheme === scheme;
             return there && [document.documentElement, main].every((box) => box.scrollWidth <= 390);
           }"""
    )


def in_view(locator: Any) -> None:
    """Wait until a place can be seen without scrolling."""
    from playwright.sync_api import expect

    expect(locator).to_be_in_viewport(timeout=PATIENCE)
