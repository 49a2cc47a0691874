"""The short way from a live view to its run: frames over HTTP, without a rerun of the script.

A rerun costs the server and the page ten times what the frames cost. Where there is no such way (the script served without `routes`, a
proxy in between) the view asks by reruns.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "live-frames"
LONGEST = 4000  # bytes of a question
_BYTES = {"Content-Encoding": "identity", "Cache-Control": "no-store"}  # compressing costs more than it saves: the floats are all unlike

R = TypeVar("R", bound="Heard")


class Heard(Protocol):
    """What can be at the server's end of a line."""

    message: bytes

    def hear(self: R, event: str, told: Mapping[str, Any]) -> R:
        """Do what the browser asks and give back the run to go on with; its `message` is the answer."""
        ...


class Line(Generic[R]):
    """One viewer's run. Whoever knows the secret `name` may ask it; it is open as long as the viewer's session keeps it."""

    def __init__(self, run: R) -> None:
        self.run, self.lock, self.name = run, threading.Lock(), secrets.token_urlsafe(16)
        _OPEN[self.name] = self

    def hear(self, event: str, told: Mapping[str, Any]) -> bytes:
        """The answer to a question of the browser."""
        with self.lock:
            self.run = self.run.hear(event, told)
            return self.run.message

    def letter(self) -> bytes:
        """The run's message for a component, after a byte of length and `address name` of this line; without `routes`, no address."""
        told = f"{_served[-1] if _served else ''} {self.name}".encode()
        return bytes([len(told)]) + told + self.run.message


_OPEN: WeakValueDictionary[str, Line[Any]] = WeakValueDictionary()
_served: list[str] = []
_threads = ThreadPoolExecutor(os.cpu_count() or 1, "frames")  # no more: threads that wait for the interpreter cost more than they do


async def _answer(request: Request) -> Response:
    asked = b""
    async for part in request.stream():
        asked += part
        if len(asked) > LONGEST:
            return Response(f"Found more than {LONGEST} bytes; expected a short question.", 413)
    try:
        question = json.loads(asked)
        name, event, told = str(question["line"]), str(question["event"]), dict(question["value"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return Response('Expected {"line": …, "event": …, "value": {…}} as JSON.', 400)
    line = _OPEN.get(name)
    if line is None:
        return Response("There is no such line, or its page is closed.", 404)
    message = await asyncio.get_running_loop().run_in_executor(_threads, line.hear, event, told)
    return Response(message, media_type="application/octet-stream", headers=_BYTES)


def routes() -> list[Route]:
    """The routes for `streamlit.App`; from then on messages tell the browser of them."""
    from streamlit import config

    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    _served.append(f"/{base}/{PATH}" if base else f"/{PATH}")
    return [Route(_served[-1], _answer, methods=["POST"])]
