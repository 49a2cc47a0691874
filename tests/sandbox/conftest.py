"""One sandbox for all tests here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
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
        if os.environ.get("CI"):
            pytest.fail(f"no isolation on this machine: {error}")
        pytest.skip(f"no isolation on this machine: {error}")
    with sandbox:
        yield sandbox


@pytest.fixture
def run(box: LinuxSandbox) -> Runner:
    def runner(source: str | bytes, *functions: str, **more: Any) -> tuple[Outcome, ...]:
        return run_in(box, source, *functions, **more)

    return runner
