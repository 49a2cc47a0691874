"""A live page in Chromium: the frames it paints, how long a question and a change take, what it holds in memory."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

from benchmarks.server import Server

COUNT_FRAMES = """
(() => {
  const canvases = new Map(), clear = CanvasRenderingContext2D.prototype.clearRect;
  window.frames_seen = 0;
  window.painted = () => Math.min(...[...canvases.values()].map((c) => c.count));
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    const one = canvases.get(this.canvas) ?? { count: 0, last: -1 };
    if (one.last !== window.frames_seen) { one.count++; one.last = window.frames_seen; }
    canvases.set(this.canvas, one);
    return clear.apply(this, box);
  };
  (function next() { window.frames_seen++; requestAnimationFrame(next); })();
})();
"""

ROUND_TRIPS = """
(live) => {
  const view = live.getRootNode().live, receive = view.receive.bind(view);
  window.trips = [];
  let start = 0;
  view.receive = (message) => { if (start) { trips.push(performance.now() - start); start = 0; } receive(message); };
  const send = view.ask.bind(view);
  view.ask = () => { const before = view.asks; send(); if (view.asks > before) start = performance.now(); };
}
"""

WAIT_FOR_RATE = """
(live) => {
  window.waited = new Promise((done, fail) => {
    setTimeout(() => fail(new Error("the change never came")), 15000);
    let start = 0;
    addEventListener("click", () => { start = performance.now(); }, { capture: true, once: true });
    const old = live.dataset.rate;
    (function look() {
      if (start && live.dataset.rate !== old) return done(performance.now() - start);
      requestAnimationFrame(look);
    })();
  });
}
"""


class NoBrowser(Exception):
    """Chromium or playwright is missing."""


@contextlib.contextmanager
def watching(server: Server) -> Iterator[Any]:
    """An empty page in a Chromium of its own, whose addresses are the server's. NoBrowser where there is none."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        raise NoBrowser
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900}, base_url=f"http://{server.host}")
        page.add_init_script(COUNT_FRAMES)
        yield page
        browser.close()


def windows(page: Any, server: Server, repeats: int, seconds: float) -> tuple[list[float], list[float], list[float]]:
    """Painted frames a second, the page's refresh rate and the server's processor share, window after window."""
    fps, rates, load = [], [], []
    for _ in range(repeats):
        used, before = server.cpu_seconds, page.evaluate("[performance.now(), painted(), frames_seen]")
        page.wait_for_timeout(1000 * seconds)
        now = page.evaluate("[performance.now(), painted(), frames_seen]")
        span = (now[0] - before[0]) / 1000
        fps.append((now[1] - before[1]) / span)
        rates.append((now[2] - before[2]) / span)
        load.append(100 * (server.cpu_seconds - used) / span)
    return fps, rates, load


def changes(page: Any, repeats: int) -> list[float]:
    """Milliseconds from the click on a learning rate to the first painted frame that has it."""
    live, waits = page.locator(".live"), []
    for i in range(repeats):
        page.wait_for_timeout(300 + 37 * (i % 8))
        live.evaluate(WAIT_FOR_RATE)
        live.get_by_role("button", name="0.003" if i % 2 else "0.01", exact=True).click()
        waits.append(float(page.evaluate("waited")))
    return waits


def held(session: Any) -> float:
    """MiB of a page's objects and arrays after a collection."""
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    return float(usage["usedSize"] + usage.get("backingStorageSize", 0)) / 2**20
