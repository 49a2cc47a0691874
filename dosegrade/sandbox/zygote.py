"""The zygote: a clean process that has imported NumPy and forks one locked child per program, the next while one runs.

It never reads a program or its inputs; it passes two pipes on, waits, kills when told to, and ends when its parent does.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from typing import Any

from . import modules

CONTROL = 3


class Zygote:
    """One worker's process: the control socket, the filter, and the child that runs now."""

    def __init__(self, control: socket.socket, skip: frozenset[str], usual: bool) -> None:
        from . import child, filter, layers, pages, selftest, values

        self._child, self._layers, self._pages, self._selftest, self._values = child, layers, pages, selftest, values
        self._control, self._skip, self._usual = control, skip, usual
        self._forks = 0
        self._children: dict[int, int] = {}
        self._found: dict[str, list[Any]] = {}
        table = filter.machine()
        if table is None:
            raise RuntimeError(f"there is no system-call table for {os.uname().machine} with this Python")
        self._filter = filter.Filter(table)
        # Kept for as long as this process lives, it also spares the children's filters a new page of kernel code each, and all
        # processors a stop for it.
        self._no_programs = filter.Filter(table, filter.no_programs(table))
        # Not os.fork: what Python does around it (locks, threads, a new seed) this process does not need, and it costs as much again.
        self._bare_fork = ctypes.PyDLL(None).fork

    # Start -------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Warms up, builds the layers, probes, and tells the parent what was found."""
        warm_up()
        self._child.rehearse()
        close_imports()
        self._stage = self._child.Stage(CONTROL + 1, self._usual)
        gc.collect()
        self._filled = fill_gaps()
        gc.freeze()
        threads, self._size = process_size()
        self._found["one thread"] = [threads == 1, f"{threads} thread(s)"]
        self._machine = os.uname().machine
        self._areas = self._pages.private_areas()
        self._written = self._pages.Pages(self._ask_child(self._rehearsed).get("runs", []))
        outside = self._ask_child(lambda: self._selftest.probe(self._machine, self._budget()))
        self._layer("namespaces", self._layers.enter_namespaces)
        self._layer("user", self._layers.change_user)
        self._layer("seal", self._layers.seal)
        self._layer("landlock", self._layers.landlock)
        self._layer("no programs", self._no_programs.install)
        if self._found["namespaces"][0]:
            self._layers.prctl(self._layers.PR_SET_PDEATHSIG, signal.SIGKILL)
        self._layers.limit_all()
        self._wake = watch_children()
        self._me = os.getpid()
        locked = self._ask_child(self._locked_probe)
        benign = bool(locked.pop("benign", 0))
        report = {"layers": self._found, "open": outside, "locked": locked, "benign": benign, "size": self._size}
        self._stage.seed()
        gc.freeze()
        gc.enable()
        self._control.send(b"H" + json.dumps(report).encode())

    def _layer(self, name: str, build: Callable[[], str | None]) -> None:
        if name in self._skip:
            self._found[name] = [False, "switched off"]
            return
        try:
            self._found[name] = [True, build() or "refused"]
        except OSError as error:
            self._found[name] = [False, str(error)]

    def _ask_child(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `ask` gives in a forked process; empty where that process died."""
        reading, writing = os.pipe()
        pid = self._bare_fork()
        if pid == 0:
            code = 1
            try:
                os.dup2(writing, 10)
                os.write(10, json.dumps(ask()).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        data = read_all(reading)
        os.close(reading)
        os.waitpid(pid, 0)
        return dict(json.loads(data)) if data else {}

    def _rehearsed(self) -> dict[str, Any]:
        os.dup2(os.open(os.devnull, os.O_WRONLY), CONTROL + 1)
        self._stage.rehearse()
        return {"runs": self._pages.written(self._areas)}

    def _budget(self) -> int:
        return self._size + self._selftest.PROBE_BYTES

    def _locked_probe(self) -> dict[str, int]:
        self._layers.limit(self._budget(), 5)
        self._filter.install()
        results = self._selftest.probe(self._machine, self._budget())
        return {**results, "benign": int(benign())}

    # Loop --------------------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Answers the parent until it is gone."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self._wake.fileno() in ready:
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(64)
                self._reap()
            if self._control.fileno() in ready and not self._answer():
                return

    def _answer(self) -> bool:
        message, ancillary, _, _ = self._control.recvmsg(64, socket.CMSG_SPACE(2 * 4))
        descriptors = array.array("i")
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(data)
        if message == b"R" and len(descriptors) == 2:
            self._fork(descriptors[0], descriptors[1])
        elif message[:1] == b"K":
            self._kill(int(message[1:]))
        elif message == b"F":
            self._floor()
        for descriptor in descriptors:
            os.close(descriptor)
        if not message:
            for number in self._children:
                self._kill(number)
        return bool(message)

    def _fork(self, request: int, result: int) -> None:
        pid = self._bare_fork()
        if pid == 0:
            try:
                self._run(request, result)
            finally:
                os._exit(0)
        if pid < 0:
            self._control.send(b"Efound no way to start another process")
        else:
            self._children[self._forks] = pid
            self._forks += 1

    def _run(self, request: int, result: int) -> None:
        """In the child: the pipes to 3 and 4, everything else closed, the request read, locked in, then the program."""
        self._control.send(b"P%d" % self._forks)
        self._layers.die_with_parent(self._me)
        os.dup2(request, CONTROL)
        os.dup2(result, CONTROL + 1)
        os.closerange(CONTROL + 2, 64)
        self._written.own()
        body = read_all(CONTROL)
        os.close(CONTROL)
        memory, cpu = self._values.REQUEST.unpack_from(body)
        try:
            self._layers.limit(self._size + memory, cpu)
            self._filter.install()
        except BaseException:
            os._exit(99)
        self._stage.serve(body[self._values.REQUEST.size :])
        self._stage.channel.close()  # the parent need not wait for the end of the process

    def _kill(self, number: int) -> None:
        if number in self._children:
            os.kill(self._children[number], signal.SIGKILL)

    def _reap(self) -> None:
        for number, running in list(self._children.items()):
            pid, status = os.waitpid(running, os.WNOHANG)
            if pid:
                del self._children[number]
                self._control.send(b"S%d %d" % (number, os.waitstatus_to_exitcode(status)))

    def _floor(self) -> None:
        """The least that a run can cost: fork, exit, wait."""
        pid = self._bare_fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        self._control.send(b"F")


def read_all(descriptor: int) -> bytes:
    """Everything until the writer closes."""
    parts = []
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def benign() -> bool:
    """A student's honest work in small."""
    import numpy as np

    square = np.arange(9.0).reshape(3, 3) + np.eye(3)
    return bool(np.allclose(square @ np.linalg.solve(square, np.ones(3)), 1.0))


def warm_up() -> None:
    """Makes NumPy allocate and import what it does at first use: BLAS buffers, printing, random states."""
    import traceback

    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        big = np.ones((300, 300))
        (big @ big).sum()
        benign()
        np.linalg.svd(np.eye(3))
        np.einsum("ij,jk->ik", np.eye(2), np.eye(2))
        if "numpy.random" in sys.modules:
            np.random.default_rng(0).normal()
            np.fft.fft(np.ones(4))
        repr((np.linspace(0, 1, 3), np.float64(1)))
        try:
            np.asarray([1, [2, 3]], dtype=float)
        except ValueError:
            traceback.format_exc()


def process_size() -> tuple[int, int]:
    """This process's threads and its address space in bytes."""
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    return int(lines["Threads"]), int(lines["VmSize"].split()[0]) << 10


def fill_gaps() -> list[bytes]:
    """Objects that fill the free places between others: what a child then allocates lies together, on pages that it need not copy."""
    kept = []
    for size in range(64, 513, 16):  # the classes of Python's allocator, whose pools of 16 KiB are given out in order of address
        run, last = 0, 0
        while run < (1 << 14) // size - 8:
            kept.append(bytes(size - 33))
            run, last = run + 1 if id(kept[-1]) - last == size else 0, id(kept[-1])
    return kept


def close_imports() -> None:
    """Leaves only what is loaded, built in or frozen, so that a later import says that the module is not there."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") in ("BuiltinImporter", "FrozenImporter")]
    sys.path[:] = []
    sys.path_hooks[:] = []
    sys.path_importer_cache.clear()


def watch_children() -> socket.socket:
    """A socket that becomes readable when a child ends."""
    wake, signalled = socket.socketpair()
    wake.setblocking(False)
    signalled.setblocking(False)
    signal.set_wakeup_fd(signalled.detach(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def preload(usual: bool) -> None:
    """Imports what students may use: the usual modules, or all, when `from numpy import *` takes no more than that."""
    for name in (modules.USUAL if usual else modules.ALL).split():
        with contextlib.suppress(ModuleNotFoundError):  # a NumPy without it
            importlib.import_module(name)
    if not usual:
        there = vars(sys.modules["numpy"])
        there["__all__"] = [name for name in there["__all__"] if name in there]


def run_unlocked(libraries: str) -> None:
    """One request from standard input to standard output in this very process, without any lock; does not return."""
    sys.path.append(libraries)
    result = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    body = read_all(0)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    preload(usual=False)
    from . import child, values

    close_imports()
    child.rehearse()
    stage = child.Stage(result)
    stage.seed()
    stage.serve(body[values.REQUEST.size :])
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Started by the parent with the control socket as descriptor 3: where NumPy lies, the layers to leave out, whether to load all."""
    if arguments[1] == "--unsafe":
        run_unlocked(arguments[0])
    import resource

    with contextlib.suppress(OSError):
        os.setsid()
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    sys.path.append(arguments[0])
    gc.disable()
    control = socket.socket(fileno=CONTROL)
    try:
        usual = arguments[2:] != ["all"]
        preload(usual)
        zygote = Zygote(control, frozenset(arguments[1].split(",")), usual)
        zygote.start()
    except Exception as error:
        control.send(b"E" + f"{type(error).__name__}: {error}".encode()[:500])
        os._exit(1)
    with contextlib.suppress(OSError):
        zygote.serve()
    os._exit(0)
