"""What browser tests share: opening a live page, asking what it says of itself, a phone."""

from typing import Any

LONGER = 20_000


def open_page(page: Any, address: str = "/") -> Any:
    page.goto(address)
    live = page.locator(".live")
    live.wait_for(timeout=LONGER)
    until(page, "epoch >= 0")
    return live


def until(page: Any, condition: str) -> None:
    """Wait for a condition on what the view says of itself: epoch, loss, playing, rate, gen."""
    page.locator(".live").evaluate(
        """(live, condition) => new Promise((done, fail) => {
             const holds = new Function("epoch", "loss", "playing", "rate", "gen", `return ${condition}`);
             const start = performance.now();
             (function look() {
               const d = live.dataset;
               if (d.epoch && holds(+d.epoch, +d.loss, d.playing === "true", +d.rate, +d.gen)) return done();
               if (performance.now() - start > 20000) return fail(new Error(`${condition} never held: ${JSON.stringify(d)}`));
               requestAnimationFrame(look);
             })();
           })""",
        condition,
    )


def until_address(page: Any, part: str) -> None:
    """The address bar follows by a rerun of the page: wait until it holds this part."""
    page.wait_for_function("(part) => location.href.includes(part)", arg=part, timeout=LONGER)


def told(live: Any, name: str) -> float:
    return float(live.get_attribute(f"data-{name}"))


def on_a_phone(page: Any, scheme: str = "light") -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)


def wait_until_slim(page: Any) -> None:
    """Nothing has to be scrolled sideways on a phone."""
    boxes = "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
    page.wait_for_function(f"() => {boxes}.every((box) => box.scrollWidth <= 390)", timeout=LONGER)
