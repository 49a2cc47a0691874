"""The pages that a child makes its own: found where they were written, copied without being written."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

import pytest

from dosegrade.sandbox import pages


def forked(ask: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = 0 if ask() else 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_pages_become_a_childs_own_when_written_or_asked_for() -> None:
    block = bytearray(b"x" * (64 * pages.PAGE))
    address = ctypes.addressof((ctypes.c_char * len(block)).from_buffer(block))
    start = address // pages.PAGE + 1
    areas = [(start, start + 32)]
    wanted = [((start + 3) * pages.PAGE, 2 * pages.PAGE)]

    def written() -> bool:
        offset = (start + 3) * pages.PAGE - address
        before = pages.written(areas)
        block[offset] = block[offset + pages.PAGE] = 1
        return before == [] and pages.written(areas) == wanted

    def asked() -> bool:
        pages.Pages(wanted).own()
        return pages.written(areas) == wanted

    if not forked(written):
        pytest.skip("this kernel does not say which pages are a process's own")
    assert forked(asked)
