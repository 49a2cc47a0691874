"""The pages that every child writes: it gets its own copies of all of them by one call, not by a fault each."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct

PAGE = os.sysconf("SC_PAGE_SIZE")
PROCESS_MADVISE, MADV_POPULATE_WRITE = 440, 23
MAX_RANGES = 1024
_PRESENT, _EXCLUSIVE = 1 << 63, 1 << 56


def written(areas: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs of pages (address, bytes) in `areas` that are this forked process's own by now; none where the system does not say."""
    with contextlib.suppress(OSError):
        pagemap = os.open("/proc/self/pagemap", os.O_RDONLY)
        return [run for first, last in areas for run in _runs(pagemap, first, last)]
    return []


def private_areas() -> list[tuple[int, int]]:
    """This process's private, writable memory as numbers of pages, first and last."""
    found = []
    with open("/proc/self/maps") as file:
        for line in file:
            place, permissions = line.split()[:2]
            if permissions == "rw-p":
                first, last = (int(text, 16) // PAGE for text in place.split("-"))
                found.append((first, last))
    return found


def _runs(pagemap: int, first: int, last: int) -> list[tuple[int, int]]:
    entries = struct.iter_unpack("<Q", os.pread(pagemap, 8 * (last - first), 8 * first))
    wanted = _PRESENT | _EXCLUSIVE
    runs: list[tuple[int, int]] = []
    for page, (entry,) in enumerate(entries, first):
        if entry & wanted == wanted:
            if runs and sum(runs[-1]) == page * PAGE:
                runs[-1] = (runs[-1][0], runs[-1][1] + PAGE)
            else:
                runs.append((page * PAGE, PAGE))
    return runs


class Pages:
    """Runs of pages, ready to be made a process's own without further allocation."""

    def __init__(self, runs: list[tuple[int, int]]) -> None:
        flat = [number for run in runs[:MAX_RANGES] for number in run]
        self._vector = (ctypes.c_size_t * len(flat))(*flat)
        self._count, self._zero, self._advice = ctypes.c_size_t(len(flat) // 2), ctypes.c_ulong(0), ctypes.c_int(MADV_POPULATE_WRITE)
        self._number = ctypes.c_long(PROCESS_MADVISE)
        self._call = ctypes.PyDLL(None).syscall

    def own(self) -> None:
        """Copies them; where the kernel cannot, the faults will."""
        with contextlib.suppress(OSError):
            me = os.pidfd_open(os.getpid())
            self._call(self._number, me, self._vector, self._count, self._advice, self._zero)
            os.close(me)
