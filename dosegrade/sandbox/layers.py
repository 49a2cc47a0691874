"""The layers around the filter: namespaces with an empty root, another user, Landlock, resource limits.

All but the limits are paid once in the zygote, each as far as the machine allows, and each reports what it found.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import struct

NOBODY = 65534
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 4, 38, 47
NEW_NS, NEW_USER, NEW_PID, NEW_NET, NEW_IPC = 0x20000, 0x10000000, 0x20000000, 0x40000000, 0x08000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE, MNT_DETACH = 1, 2, 4, 8, 1 << 14, 1 << 18, 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
CAPSET = {"x86_64": 126, "aarch64": 91}
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def checked(result: int, call: str) -> int:
    """`result`, or the OSError that it stands for."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {errno.errorcode.get(code, code)}")
    return result


def prctl(option: int, value: int = 0, extra: int = 0) -> None:
    """prctl(2)."""
    checked(libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(extra), ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl")


def syscall(number: int, *arguments: object) -> int:
    """A raw system call."""
    return checked(libc.syscall(ctypes.c_long(number), *arguments), f"system call {number}")


def enter_namespaces() -> str:
    """New network, process, IPC and mount namespaces, and in them an empty root. The caller goes on as the first process inside."""
    root, uid, gid = os.geteuid() == 0, os.geteuid(), os.getegid()
    flags = NEW_NS | NEW_PID | NEW_NET | NEW_IPC | (0 if root else NEW_USER)
    checked(libc.unshare(flags), "unshare")
    if not root:
        _map_ids(uid, gid)
    _become_first_process()
    try:
        _empty_root()
    except OSError as error:
        return f"network, processes, IPC; the file system is still there ({error})"
    return "network, processes, IPC, empty root"


def _map_ids(uid: int, gid: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _become_first_process() -> None:
    """The process that unshared stays outside; its child is number 1 inside, and the outer one only waits for it."""
    inner = os.fork()
    if inner:
        os.closerange(3, 64)
        signal.set_wakeup_fd(-1)
        with contextlib.suppress(OSError):
            os.waitpid(inner, 0)
        os._exit(0)


def _empty_root() -> None:
    flags = ctypes.c_ulong(MS_NOSUID | MS_NODEV | MS_NOEXEC)
    checked(libc.mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "mount")
    checked(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", flags, b"size=4k,mode=555"), "mount")
    os.chdir("/tmp")
    syscall(PIVOT_ROOT[os.uname().machine], b".", b".")
    checked(libc.umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")
    checked(libc.mount(None, b"/", None, ctypes.c_ulong(32 | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC), None), "remount")


def change_user() -> str:
    """As root: becomes nobody. Otherwise: gives up every capability (a new user namespace gives them)."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        return f"user {NOBODY}"
    header, nothing = struct.pack("<Ii", 0x20080522, 0), bytes(24)
    syscall(CAPSET[os.uname().machine], header, nothing)
    return f"user {os.getuid()}, no capabilities"


def seal() -> str:
    """No privileges from here on, no reading of this memory by others."""
    with contextlib.suppress(OSError):
        prctl(PR_CAP_AMBIENT, 4)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)
    return "no_new_privs, not dumpable"


def landlock() -> str:
    """A rule set that handles everything the kernel knows and allows nothing."""
    abi = syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)) - 1
    attributes = struct.pack("<QQQ", files, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    rules = syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        syscall(LANDLOCK_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)
    return f"ABI {abi}, nothing allowed"


_DIE = (PR_SET_PDEATHSIG, *map(ctypes.c_ulong, (signal.SIGKILL, 0, 0, 0)))


def die_with_parent(parent: int) -> None:
    """SIGKILL when the parent ends; ends at once where it already has."""
    if libc.prctl(*_DIE) != 0 or os.getppid() != parent:
        os._exit(1)


def limit_all() -> None:
    """The resource limits that hold for the zygote and every run."""
    _lower(resource.RLIMIT_STACK, 8 << 20)
    _lower(resource.RLIMIT_NOFILE, 16)
    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE):
        _lower(kind, 0)


def limit(address_space: int, cpu_seconds: int) -> None:
    """Resource limits of one run. The address space bounds memory exactly, because nothing can fork, map files or make memfds."""
    _lower(resource.RLIMIT_AS, address_space)
    _lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)
    _lower(resource.RLIMIT_NPROC, 0)


def _lower(kind: int, soft: int, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(kind)[1]
    wanted = soft if hard is None else hard
    top = wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)
    resource.setrlimit(kind, (min(soft, top), top))
