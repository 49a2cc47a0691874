"""Nobody waits for a compiler: the kernel is compiled in a process of its own and loaded by a thread, while NumPy trains.

The process writes numba's cache, so that this one only has to read it: a compiler in a thread would hold the interpreter's lock, of which
every matrix product has to ask its turn.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)
OFF = "DOSEGRADE_COMPILE"
COMPILE = "from dosegrade.nn.compiled import warm; warm()"
KERNEL = Path(__file__).parent / "kernel"
INDEX = "train.train-*.nbi"
PATIENCE = 600.0
HEAD_START, POLITE = 0.3, 10
QUICK_TURNS = 2e-4


class Warmup:
    """cold → warming → ready, or missing where there is no numba, it fails, or DOSEGRADE_COMPILE=0 forbids it."""

    def __init__(self) -> None:
        self.state = "cold"
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._module: Any = None
        self._hurry = threading.Event()

    def module(self) -> Any:
        """dosegrade.nn.compiled where the kernel is ready to run, else None; the first question starts the warm-up."""
        if self.state == "cold":
            self.begin()
        return self._module

    def begin(self) -> None:
        """Start the warm-up, once."""
        with self._lock:
            if self.state != "cold":
                return
            if os.environ.get(OFF) == "0" or importlib.util.find_spec("numba") is None:
                self.state = "missing"
                return
            self.state = "warming"
            self._thread = threading.Thread(target=self._work, name="kernel warm-up", daemon=True)
            self._thread.start()

    def wait(self, seconds: float = PATIENCE) -> bool:
        """Whether the kernel is ready, after waiting for it; for tests, benchmarks and batch work."""
        self._hurry.set()
        self.begin()
        if self._thread is not None:
            self._thread.join(seconds)
        return self.state == "ready"

    def _work(self) -> None:
        try:
            self._hurry.wait(HEAD_START)
            if not cached():
                fill_cache(0 if self._hurry.is_set() else POLITE)
            turns = sys.getswitchinterval()
            sys.setswitchinterval(QUICK_TURNS)
            try:
                module = importlib.import_module("dosegrade.nn.compiled")
                module.warm()
            finally:
                sys.setswitchinterval(turns)
        except Exception as error:
            LOG.log(logging.INFO if isinstance(error, ImportError) else logging.WARNING, "trained by NumPy, no compiled kernel: %r", error)
            self.state = "missing"
            return
        self._module, self.state = module, "ready"


def cached() -> bool:
    """Whether numba's cache holds a kernel younger than its sources; an older one is thrown away, for numba looks at one source alone."""
    written = max(source.stat().st_mtime for source in KERNEL.glob("*.py"))
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    found = list(Path(chosen).glob(f"*/{INDEX}") if chosen else (KERNEL / "__pycache__").glob(INDEX))
    for index in found:
        if index.stat().st_mtime <= written:
            index.unlink(missing_ok=True)
    return any(index.exists() for index in found)


def fill_cache(niceness: int) -> None:
    """Compile in another process, one that gives way; where that is not possible, the thread will do it itself."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    program = f"import os; getattr(os, 'nice', int)({niceness}); {COMPILE}"
    try:
        with alone():
            if not cached():
                subprocess.run([sys.executable, "-c", program], env=environment, timeout=PATIENCE, capture_output=True, check=False)
    except (OSError, subprocess.SubprocessError):
        return


@contextmanager
def alone() -> Iterator[None]:
    """One compiler at a time, where the system locks folders: who comes second finds the cache filled."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    folder = os.open(KERNEL, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


WARMUP = Warmup()
