"""One server and one Chromium for all browser tests of a process, and one page that is cleaned between tests.

A page that has run Streamlit's scripts before opens the next address at a third of the cost.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from absent import absent
from browsing import PATIENCE

from dosegrade.quiz.question import shipped
from dosegrade.web import race_run, serve_command, session
from dosegrade.web.shelf import FOLDER

ROOT = Path(__file__).resolve().parents[2]
SCREEN = {"width": 1280, "height": 900}


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks as long as they are asked for, however slow the machine."""
    for module in (session, race_run):
        monkeypatch.setattr(module, "BUDGET", 60.0)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, kernel: None) -> Iterator[str]:
    """The address of a running app, which offers one quiz more: `short`, the dose response with a short limit."""
    folder = tmp_path_factory.mktemp("quizzes")
    top, rest = shipped()["dose-response"].read_text(encoding="utf-8").split("[[questions]]", 1)
    limits = "[limits]\ncpu_seconds = 1.6\nwall_seconds = 60.0\n\n"
    (folder / "short.toml").write_text(f"{top.split('[limits]')[0]}{limits}[[questions]]{rest}", encoding="utf-8")
    for _ in range(5):  # somebody else may take the free port first
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = "127.0.0.1:{1}".format(*probe.getsockname())
        command = serve_command(["--server.port", address.split(":")[1], "--server.address", "127.0.0.1"])
        environment = {**os.environ, "PYTHONPATH": str(ROOT), FOLDER: str(folder)}
        with subprocess.Popen(
            command, cwd=ROOT / "tests", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                if _serves(process, f"http://{address}"):
                    yield f"http://{address}"
                    return
            finally:
                process.terminate()
    pytest.fail("the server did not start")


def _serves(process: subprocess.Popen[bytes], url: str) -> bool:
    """Whether a server answers before its process ends, or patience does."""
    end = time.monotonic() + PATIENCE / 1000
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
    return False


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; where it is missing the test is skipped, except in continuous integration, where that is a failure."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    if path is None:
        absent("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"], timeout=PATIENCE)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def visitor(browser: Any, server: str) -> Callable[[], Any]:
    """Opens a page for one visitor more."""

    def new_page() -> Any:
        page = browser.new_context(viewport=SCREEN, base_url=server).new_page()
        page.set_default_timeout(PATIENCE)
        return page

    return new_page


@pytest.fixture(scope="session")
def window(visitor: Callable[[], Any]) -> Any:
    """The page that all tests share."""
    return visitor()


@pytest.fixture
def page(window: Any) -> Iterator[Any]:
    """The shared page as if new: no storage, the usual screen, calm; the test fails where the console shows an error of ours."""
    errors: list[str] = []

    def heard(message: Any) -> None:
        # A link straight to a page lets Streamlit look for its own server below that page first.
        probing = re.search(r"/\w+/_stcore/(health|host-config)$", message.location.get("url", ""))
        if message.type in {"error", "warning"} and not probing:
            errors.append(message.text)

    def failed(error: Any) -> None:
        errors.append(str(error))

    window.on("console", heard)
    window.on("pageerror", failed)
    window.set_viewport_size(SCREEN)
    window.emulate_media(color_scheme="null", reduced_motion="reduce")
    yield window
    window.unroute_all()
    window.remove_listener("console", heard)
    window.remove_listener("pageerror", failed)
    if window.url.startswith("http"):
        window.evaluate("localStorage.clear(), sessionStorage.clear()")
    window.goto("about:blank")
    window.context.clear_cookies()
    assert errors == []
