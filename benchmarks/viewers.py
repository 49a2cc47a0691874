"""Viewers that speak Streamlit's own protocol and ask for frames at a browser's pace; they count what they would paint, and do not draw.

`python -m benchmarks.viewers HOST SECONDS COUNT` prints the frames a second of each.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.server import ADDRESS, ROOT

FPS, CHUNK = 60, 30


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
    command = [sys.executable, "-m", "benchmarks.viewers", host, str(seconds), str(count)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        yield lambda: list(json.loads(process.stdout.read()))  # type: ignore[union-attr]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(watch(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))))
