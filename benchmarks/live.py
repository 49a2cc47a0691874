"""How live the live pages are: painted frames a second in Chromium, the server's load, the wait after a change, races, twenty viewers at
once, a session beside an endless loop on the self-check page, memory over ten minutes.

`python -m benchmarks.live [--quick] [--json FILE]`. The viewers are clients that speak Streamlit's own protocol and ask for
frames at a browser's pace and count those they would have painted; they do not draw. They run in a process of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import Figure, arguments, figure, missing, write

ROOT = Path(__file__).resolve().parents[1]
VIEWERS, FPS, CHUNK = 20, 60, 30
PACKAGES = ("streamlit", "numpy", "playwright", "websockets")
# 2-8-8-1 tanh, Adam, full batch of 400, 100 points held out, every view on; noise keeps it from being done too soon
ADDRESS = "/?data=spirals&points=500&validation=0.2&noise=20.0&hidden=8,8&output=sigmoid&loss=binary_crossentropy"

LOOP = "def gradients(*a):\n    while True:\n        pass\n"

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


@contextlib.contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """A server of its own: its address and process id."""
    from dosegrade.web import serve_command

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = serve_command(["--server.port", str(port), "--server.address", "127.0.0.1"])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"127.0.0.1:{port}", process.pid
        finally:
            process.terminate()


def _await(url: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used; Linux only."""
    parts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


# One viewer in a real browser


@contextlib.contextmanager
def watching(address: str) -> Iterator[tuple[Any, int] | None]:
    """A page in Chromium on a server of its own, and the server's process id; None where there is no Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        yield None
        return
    with serving() as (host, pid), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(COUNT_FRAMES)
        page.goto(f"http://{host}{address}")
        yield page, pid
        browser.close()


def in_browser(quick: bool) -> list[Figure]:
    """Painted frames, the server's load and the wait after a change, in Chromium."""
    with watching(ADDRESS) as found:
        if found is None:
            return [missing("live.browser.fps", "Chromium or playwright")]
        page, pid = found
        page.locator(".live button.play").click()
        page.wait_for_timeout(1500)
        page.locator(".live").evaluate(ROUND_TRIPS)
        fps, rates, load = windows(page, pid, 2 if quick else 5, 3.0 if quick else 6.0)
        trips = [float(trip) for trip in page.evaluate("trips")]
        waits = changes(page, 8 if quick else 25)
    return [
        figure("live.browser.fps", fps, "frames/s", against="frames in which all five canvases were painted", goal=59.0, sense="at least"),
        figure("live.browser.refresh", rates, "Hz", against="requestAnimationFrame of the same page"),
        figure("live.server.cpu", load, "%", against="one core, one viewer, 60 epochs/s", goal=25.0, sense="at most"),
        figure("live.round_trip", trips, "ms", f"a question for frames, there and back; load average {os.getloadavg()[0]:.1f}"),
        figure("live.change.wait", waits, "ms", "click to the first painted frame with it", goal=100.0, sense="at most"),
    ]


def windows(page: Any, pid: int, repeats: int, seconds: float) -> tuple[list[float], list[float], list[float]]:
    """Painted frames a second, the page's refresh rate and the server's processor share, window after window."""
    fps, rates, load = [], [], []
    for _ in range(repeats):
        used, before = cpu_seconds(pid), page.evaluate("[performance.now(), painted(), frames_seen]")
        page.wait_for_timeout(1000 * seconds)
        now = page.evaluate("[performance.now(), painted(), frames_seen]")
        span = (now[0] - before[0]) / 1000
        fps.append((now[1] - before[1]) / span)
        rates.append((now[2] - before[2]) / span)
        load.append(100 * (cpu_seconds(pid) - used) / span)
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


# Other pages, and a long time


def races(quick: bool) -> list[Figure]:
    """Frames a second of races in Chromium: four curves, and four decision surfaces."""
    figures = []
    for name, address in (("curves", "/race"), ("surfaces", "/race?race=bends")):
        with watching(address) as found:
            if found is None:
                return [missing("live.race.fps", "Chromium or playwright")]
            page, pid = found
            page.locator(".race button.play").click()
            page.wait_for_timeout(2500)
            fps, _, _ = windows(page, pid, 2 if quick else 5, 3.0)
        figures.append(figure(f"live.race.{name}.fps", fps, "frames/s", "frames in which all five canvases were painted", 57.0, "at least"))
    return figures


def memory(quick: bool) -> list[Figure]:
    """What the server and the page hold after minutes of playing, over what they held when the history was full."""
    minutes = 1 if quick else 10
    with watching(f"{ADDRESS}&stop_epochs=90000&patience=90000") as found:
        if found is None:
            return [missing("live.memory", "Chromium or playwright")]
        page, pid = found
        session = page.context.new_cdp_session(page)
        page.locator(".live button.play").click()
        page.wait_for_timeout(60_000)
        server, heap = [resident(pid)], [held(session)]
        for _ in range(minutes):
            page.wait_for_timeout(60_000)
            server.append(resident(pid))
            heap.append(held(session))
        epochs = int(page.locator(".live").get_attribute("data-epoch"))
    told = f"after {minutes} more minutes, {epochs:,} epochs in all"
    return [
        figure("live.memory.server", [server[-1]], "MiB", f"{told}; {server[0]:.0f} after the first"),
        figure("live.memory.server.ratio", [server[-1] / server[0]], "x", "the first minute", 1.1, "at most"),
        figure("live.memory.page", [heap[-1]], "MiB", f"{told}; {heap[0]:.0f} after the first"),
        figure("live.memory.page.ratio", [heap[-1] / heap[0]], "x", "the first minute", 1.1, "at most"),
    ]


def resident(pid: int) -> float:
    """MiB of a process in memory; Linux only."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def held(session: Any) -> float:
    """MiB of a page's objects and arrays after a collection."""
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    return float(usage["usedSize"] + usage.get("backingStorageSize", 0)) / 2**20


# Twenty viewers that speak the protocol


class Viewer:
    """One session: opens the page, asks for frames as the component does, counts what it would have painted."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.gen = self.seq = self.buffer = self.painted = self.asks = 0
        self.asked: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, load the page, and read the letter of its component."""
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
        from websockets.asyncio.client import connect

        self.socket = await connect(f"ws://{self.host}/_stcore/stream", subprotocols=["streamlit"], max_size=None)  # type: ignore[list-item]
        visit = BackMsg()
        visit.rerun_script.query_string = ADDRESS.partition("?")[2]
        await self.socket.send(visit.SerializeToString())
        letter = b""
        while not letter:
            letter = ForwardMsg.FromString(await self.socket.recv()).delta.new_element.bidi_component.bytes
        path, self.line = letter[1 : 1 + letter[0]].decode().split(" ")
        self._read(letter[1 + letter[0] :])
        self.rest = asyncio.create_task(self._ignore())
        address, port = self.host.split(":")
        self.reader, self.writer = await asyncio.open_connection(address, int(port))
        self.head = f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: "

    async def _ignore(self) -> None:
        async for _ in self.socket:
            pass

    def _read(self, message: bytes) -> None:
        from dosegrade.web.protocol import header_of

        header = header_of(message)
        self.gen, self.seq = header["gen"], header["seq"]
        self.buffer += header["frames"]

    async def _ask(self) -> None:
        self.asks += 1
        more = {"count": CHUNK, "epochs": 1, "playing": True, "epoch": 0, "more": True}
        value = {"gen": self.gen, "seq": self.seq, "ask": self.asks, **more}
        body = json.dumps({"line": self.line, "event": "need", "value": value})
        self.writer.write(f"{self.head}{len(body)}\r\n\r\n{body}".encode())
        told = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert told.startswith("http/1.1 200"), told
        length = int(told.partition("content-length:")[2].partition("\r\n")[0])
        self._read(await self.reader.readexactly(length))

    def tick(self) -> None:
        """One sixtieth of a second: paint a frame, and ask where half a chunk or less is left."""
        if self.buffer:
            self.buffer -= 1
            self.painted += 1
        if self.asked is not None and self.asked.done():
            self.asked.result()
            self.asked = None
        if self.buffer < CHUNK / 2 and self.asked is None:
            self.asked = asyncio.create_task(self._ask())

    async def close(self) -> None:
        """Leave."""
        for task in filter(None, (self.asked, self.rest)):
            task.cancel()
        self.writer.close()
        await self.socket.close()


async def watch(host: str, seconds: float, count: int) -> list[float]:
    """Frames a second that each of some viewers would have painted, after three seconds to settle."""
    viewers = [Viewer(host) for _ in range(count)]
    for viewer in viewers:
        await viewer.open()
    await _play(viewers, 3.0)
    before = [viewer.painted for viewer in viewers]
    span = await _play(viewers, seconds)
    rates = [(viewer.painted - old) / span for viewer, old in zip(viewers, before, strict=True)]
    for viewer in viewers:
        await viewer.close()
    return rates


async def _play(viewers: list[Viewer], seconds: float) -> float:
    start, ticks = time.monotonic(), 0
    while (now := time.monotonic() - start) < seconds:
        while ticks < now * FPS:
            ticks += 1
            for viewer in viewers:
                viewer.tick()
        await asyncio.sleep(max(0.0, ticks / FPS - (time.monotonic() - start)))
    return time.monotonic() - start


@contextlib.contextmanager
def viewing(host: str, seconds: float, count: int) -> Iterator[Callable[[], list[float]]]:
    """Viewers in a process of their own; the call waits for their rates."""
    command = [sys.executable, "-m", "benchmarks.live", "--viewers", host, str(seconds), str(count)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        yield lambda: list(json.loads(process.stdout.read()))  # type: ignore[union-attr]


def at_once(quick: bool) -> list[Figure]:
    """Twenty viewers on one server."""
    with serving() as (host, pid), viewing(host, 6 if quick else 20, VIEWERS) as rates_of:
        time.sleep(9 if quick else 14)
        used, start = cpu_seconds(pid), time.monotonic()
        rates = rates_of()
        load = 100 * (cpu_seconds(pid) - used) / (time.monotonic() - start)
    return [
        figure("live.twenty.fps", rates, "frames/s", against=f"{VIEWERS} protocol-level viewers, median", goal=59.0, sense="at least"),
        figure("live.twenty.slowest", [min(rates)], "frames/s", against=f"the slowest of {VIEWERS}", goal=57.0, sense="at least"),
        figure("live.twenty.cpu", [load], "%", against="of one core, the server's process"),
    ]


# One viewer beside an endless loop


def beside_a_loop(quick: bool) -> list[Figure]:
    """Frames of a training session alone and while the self-check page runs a program that never returns, by turns."""
    alone, beside = [], []
    with watching("/self_check?quiz=dose-response&question=gradients") as found:
        if found is None:
            return [missing("live.beside_loop.ratio", "Chromium or playwright")]
        student, _ = found
        host = student.url.split("/")[2]
        student.get_by_label("Your program").fill(LOOP)
        for _ in range(2 if quick else 5):
            with viewing(host, 3.0, 1) as rates_of:
                alone += rates_of()
            with viewing(host, 3.0, 1) as rates_of:
                student.wait_for_timeout(2500)  # the viewer settles; the loop then lasts longer than the viewer's three seconds
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
    parts = (in_browser, races, at_once, beside_a_loop, memory)
    write([each for part in parts for each in part(options.quick)], PACKAGES, options.json)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--viewers"]:
        print(json.dumps(asyncio.run(watch(sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))))
    else:
        main()
