"""A worker: the zygote's process as its parent sees it, with the socket that commands it.

Imports no NumPy, so that a worker can start while its parent is still importing.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import struct
import sys
from pathlib import Path

from dosegrade.errors import SandboxError

SO_PASSCRED = 16
CONTROL = 3
START_SECONDS = 60.0
# A package of another name: `dosegrade` itself, and with it every reference answer, must not be importable in there.
_BOOT = (
    "import sys, types; p = types.ModuleType('_checker'); p.__path__ = [sys.argv[1]]; sys.modules['_checker'] = p; "
    "from _checker import zygote; zygote.main(sys.argv[2:])"
)
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class WorkerLost(Exception):
    """The worker died or does not answer: never the student's fault."""


def environment() -> dict[str, str]:
    """All that the worker gets of the environment: one thread, UTF-8, no programs to find."""
    result = {**dict.fromkeys(_THREADS, "1"), "LC_ALL": "C.UTF-8", "PATH": "/nonexistent"}
    if "LD_LIBRARY_PATH" in os.environ:  # some builds of Python do not start without
        result["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return result


def command(*arguments: str) -> list[str]:
    """The command line of a clean interpreter that knows the child's files and NumPy, and no other package."""
    numpy = importlib.util.find_spec("numpy")
    if not sys.executable or numpy is None or numpy.origin is None:
        raise SandboxError("found no Python interpreter with NumPy to start; expected sys.executable to name one; reinstall dosegrade")
    libraries = Path(numpy.origin).resolve().parents[1]
    return [sys.executable, "-I", "-S", "-c", _BOOT, str(Path(__file__).resolve().parent), str(libraries), *arguments]


class Worker:
    """Starts at once and without waiting; `hello` waits. `without` leaves layers out (tests)."""

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        self.pid = 0
        if sys.platform != "linux":
            raise SandboxError(
                f"found no isolation for {sys.platform}, expected Linux; use WSL2 or a Linux container, "
                "or --unsafe-no-sandbox for code that you wrote yourself"
            )
        self.owner = os.getpid()
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # With credentials the kernel says the child's process number as this process sees it, whatever namespace it lives in.
        self.socket.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
        try:
            with theirs:
                self.pid = _spawn(command(",".join(without)), theirs.fileno())
        except BaseException:
            self.socket.close()
            raise

    def __del__(self) -> None:
        if self.pid:
            self.close()

    def hello(self) -> bytes:
        """The worker's report, once; raises WorkerLost with its reason."""
        self.socket.settimeout(START_SECONDS)
        try:
            message = self.socket.recv(1 << 20)
        except OSError as error:
            raise WorkerLost(f"the worker did not start ({error})") from error
        if message[:1] != b"H":
            raise WorkerLost(message[1:].decode("utf-8", "replace") or "the worker ended while starting")
        return message[1:]

    def send(self, message: bytes, descriptors: tuple[int, ...] = ()) -> None:
        """A command, with pipes where it needs them."""
        try:
            if descriptors:
                socket.send_fds(self.socket, [message], list(descriptors))
            else:
                self.socket.send(message)
        except OSError as error:
            raise WorkerLost(f"the worker is gone ({error})") from error

    def receive(self) -> tuple[bytes, int | None]:
        """A message, and the process number of its sender; waits for the socket's timeout at most."""
        try:
            message, ancillary, _, _ = self.socket.recvmsg(1024, socket.CMSG_SPACE(12))
        except OSError as error:
            raise WorkerLost(f"the worker does not answer ({error})") from error
        if not message or message[:1] == b"E":
            raise WorkerLost(message[1:].decode("utf-8", "replace") or "the worker died")
        sender = next((struct.unpack("iII", data)[0] for _, kind, data in ancillary if kind == socket.SCM_CREDENTIALS), 0)
        return message, sender or None

    def close(self) -> None:
        """Ends the worker and whatever it runs."""
        self.socket.close()
        if os.getpid() != self.owner or self.pid == 0:
            return
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.pid = 0


def _spawn(arguments: list[str], control: int) -> int:
    actions = [(os.POSIX_SPAWN_DUP2, control, CONTROL)]
    null = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    try:
        return os.posix_spawn(arguments[0], arguments, environment(), file_actions=[*actions, *null], setsigdef=[signal.SIGINT])
    except OSError as error:
        raise SandboxError(f"found no way to start {arguments[0]} ({error}), expected a Python interpreter there") from error
