"""The proof that isolation holds here: the same probes made twice at start, in an open process and in a locked one.

What the open process may do (the positive control) and the locked one may not is held by the lock; one hole, and nothing is graded.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

AT_FDCWD = -100
PROBE_BYTES = 64 << 20


class Probe(NamedTuple):
    """A system call that the lock refuses with `refusal`; `numbers` for x86_64 and aarch64. `control`: it must succeed outside."""

    name: str
    numbers: tuple[int, int]
    arguments: tuple[object, ...]
    refusal: int = errno.EPERM
    control: bool = False


_BUFFER = ctypes.create_string_buffer(512)
PROBES = (
    Probe("open a file", (257, 56), (AT_FDCWD, b"/", 0o200000, 0), control=True),
    Probe("stat a file", (262, 79), (AT_FDCWD, b"/", _BUFFER, 0), control=True),
    Probe("change a file's mode", (268, 53), (AT_FDCWD, b"", 0)),
    Probe("change a file's times", (280, 88), (AT_FDCWD, b"", None, 0)),
    Probe("mount", (165, 40), (b"", b"", None, 0, None)),
    Probe("a network socket", (41, 198), (2, 2, 0), control=True),
    Probe("a local socket", (41, 198), (1, 2, 0), control=True),
    Probe("a netlink socket", (41, 198), (16, 3, 0)),
    Probe("fork or start a thread", (56, 220), (17, None, None, None, None), control=True),
    Probe("clone3", (435, 435), (None, 0), errno.ENOSYS),
    Probe("run a program", (59, 221), (b"", None, None)),
    Probe("signal a process", (62, 129), (os.getpid(), 0)),
    Probe("trace a process", (101, 117), (0x4206, 0, None, None)),
    Probe("read another's memory", (310, 270), (1, None, 0, None, 0, 0)),
    Probe("take another's file", (438, 438), (-1, 0, 0)),
    Probe("namespaces", (272, 97), (0,)),
    Probe("change its own rules", (157, 167), (3, 0, 0, 0, 0), control=True),
    Probe("memory outside the limit", (319, 279), (b"probe", 0)),
    Probe("io_uring", (425, 425), (0, None)),
    Probe("userfaultfd", (323, 282), (1,)),
    Probe("kernel keys", (250, 219), (0, -3, 0, 0, 0)),
    Probe("bpf", (321, 280), (-1, None, 0)),
    Probe("perf events", (298, 241), (None, 0, -1, -1, 0)),
    Probe("device control", (16, 29), (-1, 0, None), errno.ENOTTY),
    Probe("memory that runs", (9, 222), (None, 4096, 5, 0x22, -1, 0), errno.EACCES, control=True),
    Probe("more memory than the limit", (9, 222), (None, 0, 3, 0x4022, -1, 0), errno.ENOMEM, control=True),
)


def probe(machine: str, limit_bytes: int) -> dict[str, int]:
    """Makes every probe in this process; the error number of each, 0 where it went through."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    results = {}
    for item in PROBES:
        number = item.numbers[0 if machine == "x86_64" else 1]
        arguments = list(item.arguments)
        if item.refusal == errno.ENOMEM:
            arguments[1] = limit_bytes + PROBE_BYTES
        if number in (62, 129):
            arguments[0] = os.getpid()
        results[item.name] = _attempt(call, number, arguments)
    return results


def _attempt(call: Any, number: int, arguments: list[object]) -> int:
    before = os.getpid()
    ctypes.set_errno(0)
    result = call(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    if os.getpid() != before:  # the child of a fork that went through
        os._exit(0)
    return ctypes.get_errno() if result == -1 else 0


@dataclass(frozen=True)
class Layer:
    """One layer of isolation: whether it is needed, whether it holds here, and what was found."""

    name: str
    mandatory: bool
    holds: bool
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """For `doctor`."""
        return {"name": self.name, "mandatory": self.mandatory, "holds": self.holds, "detail": self.detail}


def judge(report: Mapping[str, Any]) -> tuple[Layer, ...]:
    """The layers that a zygote's report shows."""
    made = [Layer(name, name in ("seal", "one thread"), ok, detail) for name, (ok, detail) in report["layers"].items()]
    return (_filter(report["open"], report["locked"]), _control(report["open"]), _honest(report["benign"]), *made)


def _filter(outside: Mapping[str, int], locked: Mapping[str, int]) -> Layer:
    holes = [item.name for item in PROBES if locked.get(item.name) != item.refusal]
    if holes:
        return Layer("system calls", True, False, f"found open: {', '.join(holes)}; expected every one refused")
    shown = sum(outside.get(item.name) != item.refusal for item in PROBES)
    return Layer("system calls", True, True, f"{len(PROBES)} of {len(PROBES)} attacks refused; {shown} of them go through outside")


def _control(outside: Mapping[str, int]) -> Layer:
    failed = [item.name for item in PROBES if item.control and outside.get(item.name) != 0]
    if failed:
        return Layer("positive control", True, False, f"refused outside the sandbox as well: {', '.join(failed)}; the probes prove nothing")
    return Layer("positive control", True, True, "the probes go through outside the sandbox")


def _honest(benign: bool) -> Layer:
    return Layer("honest code", True, benign, "matrix product and solution computed" if benign else "a matrix product failed inside")


def holes(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The mandatory layers that do not hold."""
    return tuple(layer for layer in layers if layer.mandatory and not layer.holds)
