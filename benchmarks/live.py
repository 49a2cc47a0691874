"""How live the live pages are: painted frames a second in Chromium, the server's load, the wait after a change, races, twenty viewers at
once, a session beside an endless loop on the self-check page, memory over ten minutes.

`python -m benchmarks.live [--quick] [--json FILE]`.
"""

from __future__ import annotations

import os
import time

from benchmarks.browser import ROUND_TRIPS, NoBrowser, changes, held, watching, windows
from benchmarks.report import Figure, arguments, figure, missing, write
from benchmarks.server import ADDRESS, Server, serving
from benchmarks.viewers import viewing

VIEWERS = 20
PACKAGES = ("streamlit", "numpy", "playwright", "websockets")
LOOP = "def gradients(*a):\n    while True:\n        pass\n"


def in_browser(server: Server, quick: bool) -> list[Figure]:
    """Painted frames, the server's load and the wait after a change, in Chromium."""
    with watching(server) as page:
        page.goto(ADDRESS)
        page.locator(".live button.play").click()
        page.wait_for_timeout(1500)
        page.locator(".live").evaluate(ROUND_TRIPS)
        fps, rates, load = windows(page, server, 2 if quick else 5, 1.5 if quick else 6.0)
        trips = [float(trip) for trip in page.evaluate("trips")]
        waits = changes(page, 5 if quick else 25)
    return [
        figure("live.browser.fps", fps, "frames/s", against="frames in which all five canvases were painted", goal=59.0, sense="at least"),
        figure("live.browser.refresh", rates, "Hz", against="requestAnimationFrame of the same page"),
        figure("live.server.cpu", load, "%", against="one core, one viewer, 60 epochs/s", goal=25.0, sense="at most"),
        figure("live.round_trip", trips, "ms", f"a question for frames, there and back; load average {os.getloadavg()[0]:.1f}"),
        figure("live.change.wait", waits, "ms", "click to the first painted frame with it", goal=100.0, sense="at most"),
    ]


def races(server: Server, quick: bool) -> list[Figure]:
    """Frames a second of races in Chromium: four curves, and four decision surfaces."""
    figures = []
    with watching(server) as page:
        for name, address in (("curves", "/race"), ("surfaces", "/race?race=bends")):
            page.goto(address)
            page.locator(".race button.play").click()
            page.wait_for_timeout(2500)
            fps, _, _ = windows(page, server, 1 if quick else 5, 3.0)
            figures.append(
                figure(f"live.race.{name}.fps", fps, "frames/s", "frames in which all five canvases were painted", 57.0, "at least")
            )
    return figures


def memory(_shared: Server, quick: bool) -> list[Figure]:
    """What a server and a page hold after ten minutes of playing, over what they held when the history was full."""
    if quick:
        return [Figure("live.memory", None, "", "takes eleven minutes: without --quick")]
    with serving() as server, watching(server) as page:
        page.goto(f"{ADDRESS}&stop_epochs=90000&patience=90000")
        session = page.context.new_cdp_session(page)
        page.locator(".live button.play").click()
        page.wait_for_timeout(60_000)
        resident, heap = server.resident, held(session)
        for _ in range(10):
            page.wait_for_timeout(60_000)
        resident_later, heap_later = server.resident, held(session)
        epochs = int(page.locator(".live").get_attribute("data-epoch"))
    told = f"after 10 more minutes, {epochs:,} epochs in all"
    return [
        figure("live.memory.server", [resident_later], "MiB", f"{told}; {resident:.0f} after the first"),
        figure("live.memory.server.ratio", [resident_later / resident], "x", "the first minute", 1.1, "at most"),
        figure("live.memory.page", [heap_later], "MiB", f"{told}; {heap:.0f} after the first"),
        figure("live.memory.page.ratio", [heap_later / heap], "x", "the first minute", 1.1, "at most"),
    ]


def at_once(server: Server, quick: bool) -> list[Figure]:
    """Twenty viewers on one server."""
    with viewing(server.host, 4 if quick else 20, VIEWERS) as rates_of:
        time.sleep(7 if quick else 14)
        used, start = server.cpu_seconds, time.monotonic()
        rates = rates_of()
        load = 100 * (server.cpu_seconds - used) / (time.monotonic() - start)
    return [
        figure("live.twenty.fps", rates, "frames/s", against=f"{VIEWERS} protocol-level viewers, median", goal=59.0, sense="at least"),
        figure("live.twenty.slowest", [min(rates)], "frames/s", against=f"the slowest of {VIEWERS}", goal=57.0, sense="at least"),
        figure("live.twenty.cpu", [load], "%", against="of one core, the server's process"),
    ]


def beside_a_loop(server: Server, quick: bool) -> list[Figure]:
    """Frames of a training session alone and while the self-check page runs a program that never returns, by turns."""
    alone, beside = [], []
    with watching(server) as student:
        student.goto("/self_check?quiz=dose-response&question=gradients")
        student.get_by_label("Your program").fill(LOOP)
        seconds = 2.0 if quick else 3.0
        for _ in range(1 if quick else 5):
            with viewing(server.host, seconds, 1) as rates_of:
                alone += rates_of()
            with viewing(server.host, seconds, 1) as rates_of:
                student.wait_for_timeout(2500)  # the viewer settles; the loop then lasts longer than the viewer counts
                student.get_by_role("button", name="Check", exact=True).click()
                beside += rates_of()
            student.get_by_text("The program did not come back in time").wait_for(timeout=60_000)
    ratios = [loop / quiet for loop, quiet in zip(beside, alone, strict=True)]
    return [
        figure("live.alone.fps", alone, "frames/s", against="one protocol-level viewer, before each loop"),
        figure("live.beside_loop.fps", beside, "frames/s", against="the same while an endless loop is under way on the self-check page"),
        figure("live.beside_loop.ratio", ratios, "x", against="alone, in the same run", goal=0.95, sense="at least"),
    ]


def main() -> None:
    """Measure everything, print it, write it."""
    options = arguments(str(__doc__))
    figures = []
    with serving() as server:
        for part in (in_browser, races, at_once, beside_a_loop, memory):
            try:
                figures += part(server, options.quick)
            except NoBrowser:
                figures.append(missing(f"live.{part.__name__}", "Chromium or playwright"))
    write(figures, PACKAGES, options.json)


if __name__ == "__main__":
    main()
