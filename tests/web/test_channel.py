"""Frames by HTTP: who may ask, and what is said to a question that makes no sense."""

import asyncio
import gc
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from dosegrade.nn.training import PRESETS
from dosegrade.web import channel
from dosegrade.web.channel import LONGEST, PATH, Line, routes
from dosegrade.web.protocol import header_of, unpack
from dosegrade.web.session import Run


@pytest.fixture
def served() -> Iterator[Any]:
    """The handler of the route, as if an app had it."""
    (route,) = routes()
    yield route.endpoint
    channel._served.pop()


def line() -> Line[Run]:
    return Line(Run(PRESETS["default"].config))


def ask(endpoint: Any, body: bytes) -> Response:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with ThreadPoolExecutor(1) as beside:  # Playwright's loop runs in this thread from the first browser test on
        answered: Response = beside.submit(asyncio.run, endpoint(request)).result()
    return answered


def question(name: str, event: str = "need", **value: Any) -> bytes:
    return json.dumps({"line": name, "event": event, "value": {"gen": 0, "seq": 0, "count": 5, "epochs": 1, **value}}).encode()


def test_whoever_knows_the_line_gets_the_frames_that_a_rerun_would_bring(served: Any) -> None:
    mine, twin = line(), Run(PRESETS["default"].config)
    answer = ask(served, question(mine.name, playing=True))
    twin.answer({"gen": 0, "seq": 0, "count": 5, "epochs": 1, "playing": True})
    assert answer.status_code == 200
    assert answer.media_type == "application/octet-stream"
    assert bytes(answer.body) == twin.message
    assert mine.run.playing


def test_the_same_question_gets_the_same_answer_and_trains_no_further(served: Any) -> None:
    mine = line()
    first, second = (ask(served, question(mine.name)).body for _ in range(2))
    assert first == second
    assert mine.run.trainer.epoch == 5


def test_another_rate_is_answered_with_its_first_frame(served: Any) -> None:
    mine = line()
    ask(served, question(mine.name, playing=True))
    header, _, frames = unpack(bytes(ask(served, question(mine.name, "rate", rate=0.003, playing=True)).body))
    assert (header["gen"], header["learning_rate"], [frame.epoch for frame in frames[:2]]) == (1, 0.003, [5, 6])


@pytest.mark.parametrize("rate", [0, -1, None, "fast", 1e400, [1], True])
def test_a_rate_that_cannot_be_trained_with_changes_nothing(served: Any, rate: Any) -> None:
    mine = line()
    ask(served, question(mine.name))
    before = mine.run.config
    header = header_of(bytes(ask(served, question(mine.name, "rate", rate=rate)).body))
    assert mine.run.config == before
    assert header["gen"] == 0


@pytest.mark.parametrize(
    "value", [{}, {"gen": "x", "seq": [], "count": {}, "epochs": None}, {"count": -5, "epochs": 10**9, "gen": 0, "seq": 0}]
)
def test_odd_values_do_no_harm(served: Any, value: dict[str, Any]) -> None:
    mine = line()
    for event in ("need", "rate", "pause", "edit", "", "__class__"):
        body = json.dumps({"line": mine.name, "event": event, "value": value}).encode()
        assert ask(served, body).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff", b'{"line": "x"}', b'{"line": 1, "event": 2, "value": 3}', b"[" * 3000, b'"' + b"x" * 20 + b'"'],
)
def test_what_is_no_question_is_refused_in_words(served: Any, body: bytes) -> None:
    answer = ask(served, body)
    assert answer.status_code == 400
    assert b"Expected" in answer.body


def test_a_long_question_is_not_read_to_its_end(served: Any) -> None:
    answer = ask(served, b" " * (LONGEST + 1))
    assert answer.status_code == 413


def test_a_name_that_nobody_has_and_one_whose_page_is_closed_get_nothing(served: Any) -> None:
    mine = line()
    name = mine.name
    assert ask(served, question("guess")).status_code == 404
    del mine
    gc.collect()
    assert ask(served, question(name)).status_code == 404


def test_names_are_secret_and_unlike() -> None:
    names = {line().name for _ in range(20)}
    assert len(names) == 20
    assert min(map(len, names)) >= 22


def test_a_letter_tells_the_way_only_where_there_is_one(served: Any) -> None:
    mine = line()
    with_way = mine.letter()
    assert with_way[1 : 1 + with_way[0]].decode() == f"/{PATH} {mine.name}"
    assert with_way[1 + with_way[0] :] == mine.run.message
    channel._served.clear()
    without = mine.letter()
    assert without[1 : 1 + without[0]].decode() == f" {mine.name}"
    routes()
