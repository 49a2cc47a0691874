"""A server of the app in a process of its own, the page that is measured, and what the server costs."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# 2-8-8-1 tanh, Adam, full batch of 400, 100 points held out, every view on; noise keeps it from being done too soon
ADDRESS = "/?data=spirals&points=500&validation=0.2&noise=20.0&hidden=8,8&output=sigmoid&loss=binary_crossentropy"


@dataclass(frozen=True)
class Server:
    """Where it listens, and its process."""

    host: str
    pid: int

    @property
    def cpu_seconds(self) -> float:
        """Processor time used so far; Linux only."""
        parts = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident(self) -> float:
        """MiB in memory; Linux only."""
        return int(Path(f"/proc/{self.pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server of its own, ready to answer."""
    from dosegrade.web import serve_command

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = serve_command(["--server.port", str(port), "--server.address", "127.0.0.1"])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(f"http://127.0.0.1:{port}/_stcore/health")
            yield Server(f"127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()


def _await(url: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
