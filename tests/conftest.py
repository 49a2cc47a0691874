"""The compiled kernel, once for all processes of a run: where numba's cache is empty it is filled beside the tests that need none.

A test process loads it when a test asks for it, never in a thread beside a test: pytest looks through tables that an import changes.
"""

import threading

import pytest

from dosegrade.nn.warmup import WARMUP, cached, fill_cache


def pytest_configure() -> None:
    WARMUP.state = "held back"


def waits(item: pytest.Item) -> int:
    """0 for a test that needs no kernel, 1 where a server does, 2 where the test does."""
    needed = getattr(item, "fixturenames", ())
    return 0 if "kernel" not in needed else 1 if "server" in needed else 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=waits)


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(map(waits, session.items)) and not cached():
        threading.Thread(target=fill_cache, args=(0,), daemon=True).start()


@pytest.fixture(scope="session")
def kernel() -> None:
    """From here on the kernel is in numba's cache, or there is no numba."""
    if not cached():
        fill_cache(0)
    WARMUP.state = "cold"
    WARMUP.wait()
