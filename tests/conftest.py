"""The compiled kernel, once for all processes of a run: where numba's cache is empty it is filled beside the tests that need none."""

import threading

import pytest

from dosegrade.nn.warmup import cached, fill_cache


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who waits for the kernel comes last."""
    items.sort(key=needs_kernel)


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(map(needs_kernel, session.items)) and not cached():
        threading.Thread(target=fill_cache, args=(0,), daemon=True).start()


def needs_kernel(item: pytest.Item) -> bool:
    return "kernel" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def kernel() -> None:
    """From here on the kernel is in numba's cache, or there is no numba."""
    if not cached():
        fill_cache(0)
