"""Who runs what, and the compiled kernel, once for all processes of a run: where numba's cache is empty it is filled beside the tests.

A test process loads it when a test asks for it, never in a thread beside a test: pytest looks through tables that an import changes.
"""

import sys
import threading
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from dosegrade.nn.warmup import WARMUP, cached, fill_cache


def pytest_configure() -> None:
    sys.dont_write_bytecode = False  # half of what collecting costs
    WARMUP.state = "held back"


class OneBrowser(LoadFileScheduling):
    """A file's tests in one process, and all of `test_*browser.py` in one, for one server and one Chromium."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "browser" if file.endswith("browser.py") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return OneBrowser(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits most comes first, beside all that computes."""
    items.sort(key=lambda item: "server" not in getattr(item, "fixturenames", ()))


def pytest_collection_finish(session: pytest.Session) -> None:
    if any("kernel" in getattr(item, "fixturenames", ()) for item in session.items) and not cached():
        threading.Thread(target=fill_cache, args=(0,), daemon=True).start()


@pytest.fixture(scope="session")
def kernel() -> None:
    """From here on the kernel is in numba's cache, or there is no numba."""
    if not cached():
        fill_cache(0)
    WARMUP.state = "cold"
    WARMUP.wait()
