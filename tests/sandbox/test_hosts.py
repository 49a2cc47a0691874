"""Other machines, emulated: without Landlock, without namespaces, without privileges, without seccomp, and a parent that dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dosegrade.sandbox.linux import LinuxSandbox

ROOT = str(Path(__file__).parents[2])
PRELUDE = """
import ctypes, errno, json, os, struct, sys, time
sys.path.insert(0, sys.argv[1])
from dosegrade.sandbox import Cell, Limits, Program, Task, filter as lock, layers
def refuse(calls):
    table = lock.machine()
    code = [(0x20, 0, 0, 0)]
    for number, error in calls.items():
        code += [(0x15, 0, 1, number), (0x06, 0, 0, lock.ERRNO | error)]
    layers.prctl(layers.PR_SET_NO_NEW_PRIVS, 1)
    lock.Filter(table, [*code, (0x06, 0, 0, lock.ALLOW)]).install()
def show():
    from dosegrade.errors import SandboxError
    from dosegrade.sandbox.linux import LinuxSandbox
    with LinuxSandbox() as box:
        try:
            (outcome,) = box.run(Program((Cell(b"def f(x): return open('/etc/passwd') if x else 2.0"),)), [Task("f", ((0.0,), (1.0,)))])
            kind = outcome.problem and outcome.problem.kind
            result = {"kind": kind, "value": float(outcome.answers[0].values["result"].array)}
        except SandboxError as error:
            result = {"error": str(error)}
        print(json.dumps({**result, "layers": {layer.name: layer.holds for layer in box.report()}}))
"""
X86 = os.uname().machine == "x86_64"
UNSHARE, MOUNT, SETNS, PIVOT = (272, 165, 308, 155) if X86 else (97, 40, 268, 41)
SECCOMP = 317 if X86 else 277
LANDLOCK, CLONE3 = 444, 435
DOCKER = f"refuse({{n: errno.EPERM for n in ({UNSHARE}, {MOUNT}, {SETNS}, {PIVOT})}} | {{{CLONE3}: errno.ENOSYS}})\n"


def python(script: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", PRELUDE + script, ROOT], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def holds(found: dict[str, Any]) -> None:
    assert (found.get("kind"), found.get("value")) == ("forbidden", 2.0), found
    assert all(found["layers"][name] for name in ("system calls", "positive control", "honest code", "one thread", "seal"))


@pytest.mark.usefixtures("box")
class TestHosts:
    def test_docker_without_namespaces(self) -> None:
        found = python(DOCKER + "show()")
        holds(found)
        assert not found["layers"]["namespaces"]

    def test_a_kernel_without_landlock(self) -> None:
        found = python(f"refuse({{{LANDLOCK}: errno.ENOSYS}})\nshow()")
        holds(found)
        assert not found["layers"]["landlock"]

    def test_no_seccomp_means_no_grading(self) -> None:
        # Installed in two steps: the emulation itself needs the call that it then refuses.
        found = python(f"refuse({{{SECCOMP}: errno.ENOSYS}})\nshow()")
        assert "isolation that does not hold" in found["error"]
        assert not found["layers"]["system calls"]

    @pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user: every other test here shows it")
    def test_an_ordinary_user(self) -> None:
        # Keeps the right to read files, because the interpreter may lie in a closed home; no other privilege.
        become = """
if os.getuid() == 0:
    layers.prctl(8, 1)
    os.setgroups([]); os.setresgid(1234, 1234, 1234); os.setresuid(1234, 1234, 1234)
    layers.syscall(layers.CAPSET[os.uname().machine], struct.pack("<Ii", 0x20080522, 0), struct.pack("<6I", 4, 4, 4, 0, 0, 0))
    layers.prctl(layers.PR_CAP_AMBIENT, 2, 2)
    os.execv(sys.executable, [sys.executable, "-c", SCRIPT, sys.argv[1]])
"""
        script = become.replace("SCRIPT", "open('/proc/self/cmdline').read().split(chr(0))[2]") + "show()"
        holds(python(script))

    @pytest.mark.parametrize("without", [("namespaces",), ("landlock",), ("user",), ("namespaces", "landlock", "user")])
    def test_every_layer_but_the_lock_may_be_missing(self, without: tuple[str, ...]) -> None:
        with LinuxSandbox(without=without) as box:
            box.start()
            assert all(layer.holds == (layer.name not in without) or not layer.mandatory for layer in box.report())

    def test_the_worker_itself_starts_no_programs(self) -> None:
        started = """
try:
    layers.prctl(layers.PR_SET_NO_NEW_PRIVS, 1)
    INSTALL
    os.execv(sys.executable, [sys.executable, "-c", "print('{}')"])
except PermissionError:
    print('{"refused": 1}')
"""
        assert python(started.replace("INSTALL", "pass")) == {}
        assert python(started.replace("INSTALL", "lock.Filter(lock.machine(), lock.no_programs(lock.machine())).install()")) == {
            "refused": 1
        }
        with LinuxSandbox() as box:
            box.start()
            assert [layer.holds for layer in box.report() if layer.name == "no programs"] == [True]

    def test_a_child_does_not_survive_its_parent(self) -> None:
        script = """
import threading
from dosegrade.sandbox.linux import LinuxSandbox
box = LinuxSandbox()
box.start()
least = 3 if any(layer.name == "namespaces" and layer.holds for layer in box.report()) else 2
program = Program((Cell(b"import time, os\\nprint('begun')\\ndef f(): time.sleep(600)"),))
threading.Thread(target=box.run, args=(program, [Task("f", ((),), Limits(5, 600))]), daemon=True).start()
def tree(pid):
    try: below = [int(word) for word in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    except OSError: below = []
    return [pid] + [deep for child in below for deep in tree(child)]
end = time.monotonic() + 60
while len(tree(box._worker.pid)) < least and time.monotonic() < end: time.sleep(0.01)
print(json.dumps({"pids": tree(box._worker.pid), "least": least}), flush=True)
os._exit(0)
"""
        found = python(script)
        assert len(found["pids"]) >= found["least"]
        end = time.monotonic() + 60
        while any(map(alive, found["pids"])) and time.monotonic() < end:
            time.sleep(0.01)
        assert not any(map(alive, found["pids"]))


def alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
