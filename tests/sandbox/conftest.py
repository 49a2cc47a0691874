"""One sandbox for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from absent import absent
from programs import Runner, run_in

from dosegrade.errors import SandboxError
from dosegrade.grading.outcome import Outcome
from dosegrade.sandbox.linux import LinuxSandbox


@pytest.fixture(scope="session")
def box() -> Iterator[LinuxSandbox]:
    try:
        sandbox = LinuxSandbox()
        sandbox.start()
    except SandboxError as error:
        absent(f"no isolation on this machine: {error}")
    with sandbox:
        yield sandbox


@pytest.fixture
def run(box: LinuxSandbox) -> Runner:
    def runner(source: str | bytes, *functions: str, **more: Any) -> tuple[Outcome, ...]:
        return run_in(box, source, *functions, **more)

    return runner
