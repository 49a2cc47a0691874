"""The entry: the sandbox starts ahead of the imports where, and only where, a program will be run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import dosegrade.sandbox as sandbox
from dosegrade.__main__ import asks_for_more, leave, runs_code


def test_what_runs_code(tmp_path: Path) -> None:
    assert runs_code(["check", "dose-response", "alice.py"])
    assert runs_code(["check", "--json", "dose-response", "Alice.IPYNB"])
    assert runs_code(["check", "dose-response", str(tmp_path), "-o", "report.json"])
    assert not runs_code(["check", "quiz-09", "answers.toml"])
    assert not runs_code(["check", "dose-response", "alice.py", "--unsafe-no-sandbox"])
    assert not runs_code(["grade", "dose-response", str(tmp_path)])
    assert not runs_code([])


def test_a_file_shows_which_worker_it_needs(tmp_path: Path) -> None:
    (tmp_path / "few.py").write_text("import numpy as np\nx = np.ones(3)")
    (tmp_path / "more.py").write_text("import numpy as np\nx = np.random.rand()")
    few, more, none = (["check", "dose-response", str(tmp_path / name)] for name in ("few.py", "more.py", "none.py"))
    assert [asks_for_more(each) for each in (few, more, none)] == [False, True, False]


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="there is isolation on Linux alone")
def test_a_worker_started_ahead_is_the_next_sandboxs() -> None:
    sandbox.start_ahead()
    (ahead,) = sandbox._AHEAD
    with sandbox.open_sandbox() as opened:
        assert opened._worker is ahead
        assert sandbox._AHEAD == []
    assert ahead.pid == 0


def test_leaving_at_once_loses_nothing_and_hides_nothing() -> None:
    source = (
        "import atexit, sys; from dosegrade.__main__ import leave\n"
        "atexit.register(print, 'tidied', flush=True); print('said', end=' ')\n"
        "sys.stdout = None if 'deaf' in sys.argv else sys.stdout\n"
        "leave(SystemExit(3))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "said tidied\n")
    assert subprocess.run([sys.executable, "-c", source, "deaf"], stdout=subprocess.DEVNULL, check=False).returncode == 3
    with pytest.raises(SystemExit, match="words"):
        leave(SystemExit("words"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_full_disk_is_told_in_a_sentence() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "dosegrade", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("dosegrade: the system could not read or write: [Errno 28]")
