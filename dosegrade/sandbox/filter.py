"""The system calls that numeric code needs, as a seccomp filter: an allow-list per machine, assembled to BPF without any library.

Whatever is not listed is refused with EPERM, so a student reads a PermissionError; nothing that opens, connects or starts is listed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import NamedTuple

PR_SET_NO_NEW_PRIVS = 38
PROT_EXEC = 4
KILL, ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
X32_BIT = 0x40000000

# fmt: off
_X86_64 = {
    "read": 0, "write": 1, "close": 3, "lseek": 8, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
    "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "gettimeofday": 96, "getrusage": 98,
    "times": 100, "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "sigaltstack": 131, "gettid": 186, "time": 201,
    "futex": 202, "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230,
    "exit_group": 231, "getrandom": 318,
}
_AARCH64 = {
    "read": 63, "write": 64, "close": 57, "lseek": 62, "munmap": 215, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135,
    "rt_sigreturn": 139, "sched_yield": 124, "mremap": 216, "madvise": 233, "nanosleep": 101, "getpid": 172, "exit": 93,
    "gettimeofday": 169, "getrusage": 165, "times": 153, "getuid": 174, "getgid": 176, "geteuid": 175, "getegid": 177,
    "sigaltstack": 132, "gettid": 178, "futex": 98, "sched_getaffinity": 123, "restart_syscall": 128, "clock_gettime": 113,
    "clock_getres": 114, "clock_nanosleep": 115, "exit_group": 94, "getrandom": 278,
}
# fmt: on


class Machine(NamedTuple):
    """One architecture's numbers; `mapped` are mmap and mprotect, allowed without PROT_EXEC; `execute` are those that start a program."""

    audit: int
    allowed: dict[str, int]
    mapped: dict[str, int]
    execute: tuple[int, int]
    ioctl: int
    clone3: int
    seccomp: int
    x32: bool


MACHINES = {
    "x86_64": Machine(0xC000003E, _X86_64, {"mmap": 9, "mprotect": 10}, (59, 322), 16, 435, 317, True),
    "aarch64": Machine(0xC00000B7, _AARCH64, {"mmap": 222, "mprotect": 226}, (221, 281), 29, 435, 277, False),
}


def machine() -> Machine | None:
    """This machine's numbers; None where there is no table (32-bit Python on a 64-bit kernel included)."""
    if struct.calcsize("P") != 8:
        return None
    return MACHINES.get(platform.machine())


Instruction = tuple[int, int, int, int]
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _THIRD_ARGUMENT = 0, 4, 16 + 2 * 8


def _load(offset: int) -> Instruction:
    return (_LOAD, 0, 0, offset)


def _give(action: int) -> Instruction:
    return (_RETURN, 0, 0, action)


def _rules(table: Machine) -> dict[int, list[Instruction]]:
    rules = {number: [_give(ALLOW)] for number in table.allowed.values()}
    for number in table.mapped.values():
        rules[number] = [_load(_THIRD_ARGUMENT), (_ANY_BIT, 0, 1, PROT_EXEC), _give(ERRNO | errno.EACCES), _give(ALLOW)]
    # clone3 must look absent: its arguments cannot be filtered, and the C library then falls back to clone.
    rules[table.clone3] = [_give(ERRNO | errno.ENOSYS)]
    rules[table.ioctl] = [_give(ERRNO | errno.ENOTTY)]
    return rules


def _search(rules: list[tuple[int, list[Instruction]]]) -> list[Instruction]:
    """A binary search: the kernel runs the filter over every number once at installation, which a linear list makes slow."""
    if len(rules) <= 2:
        code: list[Instruction] = []
        for number, block in rules:
            code += [(_EQUAL, 0, len(block), number), *block]
        return [*code, _give(ERRNO | errno.EPERM)]
    middle = len(rules) // 2
    low, high = _search(rules[:middle]), _search(rules[middle:])
    return [(_AT_LEAST, len(low), 0, rules[middle][0]), *low, *high]


def assemble(table: Machine) -> list[Instruction]:
    """The filter's instructions: wrong architecture or x32 numbers kill, listed calls pass, all else is EPERM."""
    return _head(table) + _search(sorted(_rules(table).items()))


def no_programs(table: Machine) -> list[Instruction]:
    """A filter that lets everything pass but the start of a program."""
    first, second = table.execute
    return [*_head(table), (_EQUAL, 1, 0, first), (_EQUAL, 0, 1, second), _give(ERRNO | errno.EPERM), _give(ALLOW)]


def _head(table: Machine) -> list[Instruction]:
    head = [_load(_ARCH), (_EQUAL, 1, 0, table.audit), _give(KILL), _load(_NUMBER)]
    return head + ([(_AT_LEAST, 0, 1, X32_BIT), _give(KILL)] if table.x32 else [])


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


class Filter:
    """The assembled filter, ready to be installed after a fork without further allocation."""

    def __init__(self, table: Machine, instructions: list[Instruction] | None = None) -> None:
        code = b"".join(struct.pack("<HBBI", *instruction) for instruction in instructions or assemble(table))
        self._code = ctypes.create_string_buffer(code, len(code))
        self._program = _Program(len(code) // 8, ctypes.addressof(self._code))
        set_mode_filter, no_flags = 1, 0
        self._arguments = (*map(ctypes.c_long, (table.seccomp, set_mode_filter, no_flags)), ctypes.byref(self._program))
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._call.restype = ctypes.c_long

    def install(self) -> None:
        """Locks the calling process in, for good; needs no_new_privs. Raises OSError where the kernel will not."""
        if self._call(*self._arguments) != 0:
            raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
