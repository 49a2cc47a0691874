"""The entry: the sandbox starts ahead of the imports where, and only where, a program will be run."""

import os
from pathlib import Path

import pytest

import dosegrade.sandbox as sandbox
from dosegrade.__main__ import runs_code


def test_what_runs_code(tmp_path: Path) -> None:
    assert runs_code(["check", "dose-response", "alice.py"])
    assert runs_code(["check", "--json", "dose-response", "Alice.IPYNB"])
    assert runs_code(["check", "dose-response", str(tmp_path), "-o", "report.json"])
    assert not runs_code(["check", "quiz-09", "answers.toml"])
    assert not runs_code(["check", "dose-response", "alice.py", "--unsafe-no-sandbox"])
    assert not runs_code(["grade", "dose-response", str(tmp_path)])
    assert not runs_code([])


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="there is isolation on Linux alone")
def test_a_worker_started_ahead_is_the_next_sandboxs() -> None:
    sandbox.start_ahead()
    (ahead,) = sandbox._AHEAD
    with sandbox.open_sandbox() as opened:
        assert opened._worker is ahead
        assert sandbox._AHEAD == []
    assert ahead.pid == 0
