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
from dataclasses import dataclass
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


@dataclass
class Child:
    """A forked process that waits for its request, as this side sees it: its number, the two pipes, what the worker told of it."""

    number: int
    request: int
    result: int
    pid: int | None = None
    status: int | None = None

    def close_request(self) -> None:
        """Says that the request is whole."""
        if self.request >= 0:
            os.close(self.request)
            self.request = -1

    def close(self) -> None:
        """Both pipes."""
        self.close_request()
        if self.result >= 0:
            os.close(self.result)
            self.result = -1


class Worker:
    """Starts at once and without waiting; `hello` waits. `without` leaves layers out (tests); `niceness` is its programs' priority.

    It loads the `usual` modules or all.
    """

    def __init__(self, without: tuple[str, ...] = (), niceness: int = 0, usual: bool = True) -> None:
        self.pid, self.usual = 0, usual
        if sys.platform != "linux":
            raise SandboxError(
                f"found no isolation for {sys.platform}, expected Linux; use WSL2 or a Linux container, "
                "or --unsafe-no-sandbox for code that you wrote yourself"
            )
        self.owner = os.getpid()
        self._forks = 0
        self._spare: Child | None = None
        self._children: dict[int, Child] = {}
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # With credentials the kernel says the child's process number as this process sees it, whatever namespace it lives in.
        self.socket.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
        try:
            with theirs:
                self.pid = _spawn(command(",".join(without), "usual" if usual else "all"), theirs.fileno())
            if niceness:
                os.setpriority(os.PRIO_PROCESS, self.pid, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))
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

    def take(self) -> Child:
        """The spare child, or a new one."""
        self.prepare()
        child, self._spare = self._spare, None
        assert child is not None
        return child

    def prepare(self) -> None:
        """Has a spare child forked, which knows nothing of any program yet; never more than one."""
        if self._spare is None:
            request = os.pipe()
            result = os.pipe()
            child = Child(self._forks, request[1], result[0])
            os.set_blocking(child.request, False)
            os.set_blocking(child.result, False)
            try:
                self._send(b"R", (request[0], result[1]))
            except WorkerLost:
                child.close()
                raise
            finally:
                os.close(request[0])
                os.close(result[1])
            self._spare = self._children[self._forks] = child
            self._forks += 1

    def kill(self, child: Child) -> None:
        """Ends a child."""
        self._send(b"K%d" % child.number)

    def done(self, child: Child) -> None:
        """Forgets a child: what the worker still tells of it is of no interest."""
        child.close()
        self._children.pop(child.number, None)

    def floor(self) -> None:
        """The least that a run can cost: a fork that ends at once (for benchmarks)."""
        self._send(b"F")
        while self._receive()[0] != b"F":
            pass

    def _send(self, message: bytes, descriptors: tuple[int, ...] = ()) -> None:
        try:
            if descriptors:
                socket.send_fds(self.socket, [message], list(descriptors))
            else:
                self.socket.send(message)
        except OSError as error:
            raise WorkerLost(f"the worker is gone ({error})") from error

    def listen(self) -> None:
        """Takes a message to the child that it is about; waits for the socket's timeout at most."""
        message, sender = self._receive()
        words = message[1:].split()
        child = self._children.get(int(words[0])) if words else None
        if child is not None and message[:1] == b"P":
            child.pid = sender
        elif child is not None and message[:1] == b"S":
            child.status = int(words[1])

    def _receive(self) -> tuple[bytes, int | None]:
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
        for child in self._children.values():
            child.close()
        self._children, self._spare = {}, None
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
