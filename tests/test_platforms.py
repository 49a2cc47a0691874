"""The files for Gradescope and GitHub Classroom, executed in folders laid out as those platforms lay them out, without a network."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CLASS = Path(__file__).parent / "submissions" / "class"
GRADESCOPE = ROOT / "platforms" / "gradescope"
WORKFLOW = ROOT / "platforms" / "github-classroom" / ".github" / "workflows" / "classroom.yml"


def script(place: Path, body: str) -> None:
    """An executable file."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\n{body}\n")
    place.chmod(0o755)


def dosegrade_at(place: Path) -> None:
    """The command, as if it were installed there."""
    script(place, f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -m dosegrade "$@"')


@pytest.fixture
def autograder(tmp_path: Path) -> Path:
    """/autograder after Gradescope has built the image."""
    root = tmp_path / "autograder"
    shutil.copytree(GRADESCOPE, root / "source")
    shutil.copy(GRADESCOPE / "run_autograder", root / "run_autograder")
    (root / "submission").mkdir()
    (root / "results").mkdir()
    dosegrade_at(root / "venv" / "bin" / "dosegrade")
    return root


def run_autograder(root: Path) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"AUTOGRADER_ROOT": str(root)}
    return subprocess.run(["bash", root / "run_autograder"], cwd=root, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("name", "score"), [("textbook.py", 10.0), ("exits.py", 0.0)])
def test_gradescope_grades_what_is_handed_in(autograder: Path, name: str, score: float) -> None:
    shutil.copy(CLASS / name, autograder / "submission")
    assert run_autograder(autograder).returncode == 0
    results = json.loads((autograder / "results" / "results.json").read_text())
    assert results["score"] == score
    assert [test["max_score"] for test in results["tests"]] == [3.0, 6.0, 1.0]


def test_gradescope_takes_a_quiz_of_ones_own(autograder: Path) -> None:
    shutil.copy(ROOT / "quizzes" / "dose-response.toml", autograder / "source" / "mine.toml")
    (autograder / "source" / "config.sh").write_text("QUIZ=mine\nSEED=3\n")
    assert run_autograder(autograder).returncode == 0
    assert json.loads((autograder / "results" / "results.json").read_text())["extra_data"] == {"quiz": "mine", "seed": 3}


def test_gradescope_leaves_no_results_where_nothing_can_be_graded(autograder: Path) -> None:
    (autograder / "source" / "config.sh").write_text("QUIZ=no-such-quiz\nSEED=0\n")
    done = run_autograder(autograder)
    assert done.returncode == 2
    assert "no-such-quiz" in done.stderr
    assert not (autograder / "results" / "results.json").exists()


def test_gradescope_sets_up(tmp_path: Path) -> None:
    root, tools = tmp_path / "autograder", tmp_path / "tools"
    shutil.copytree(GRADESCOPE, root / "source")
    script(tools / "apt-get", 'echo "apt-get $*"')
    script(root / "prepared" / "pip", 'echo "pip $*"')
    script(root / "prepared" / "dosegrade", 'echo "dosegrade $*"; exit 1')
    script(tools / "python3", f'mkdir -p "$3/bin" && cp "{root}/prepared/"* "$3/bin/"')
    environment = {"AUTOGRADER_ROOT": str(root), "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", GRADESCOPE / "setup.sh"], env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert f"pip install --no-cache-dir -r {root}/source/requirements.txt" in done.stdout
    assert "dosegrade doctor" in done.stdout
    assert (root / "source" / "requirements.txt").read_text() == "dosegrade\n"


def test_gradescope_scripts_can_be_run() -> None:
    for name in ("setup.sh", "run_autograder"):
        assert (GRADESCOPE / name).stat().st_mode & 0o111
        assert (GRADESCOPE / name).read_bytes().startswith(b"#!/usr/bin/env bash\n")


def step(name: str) -> str:
    """The commands of one step of the workflow."""
    found = re.search(rf"- name: {name}\n(?:        \w.*\n)*?        run: \|\n((?:          .*\n)+)", WORKFLOW.read_text())
    assert found is not None
    return textwrap.dedent(found[1])


def run_step(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    dosegrade_at(folder / "bin" / "dosegrade")
    files = {name: str(folder / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    environment = os.environ | files | {"QUIZ": "dose-response", "SEED": "0", "PATH": path} | variables
    return subprocess.run(["bash", "-e", "-c", step("Grade")], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("name", "score", "status"), [("textbook.py", 10.0, "pass"), ("flipped_sign.py", 4.0, "fail")])
def test_classroom_reports_points(tmp_path: Path, name: str, score: float, status: str) -> None:
    (tmp_path / "submission").mkdir()
    shutil.copy(CLASS / name, tmp_path / "submission")
    done = run_step(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    key, _, encoded = (tmp_path / "GITHUB_OUTPUT").read_text().strip().partition("=")
    result = json.loads(base64.b64decode(encoded))
    assert (key, result["version"], result["status"], result["max_score"]) == ("result", 1, status, 10.0)
    assert sum(test["score"] for test in result["tests"]) == score
    assert all(line.startswith("    ") for line in (tmp_path / "GITHUB_STEP_SUMMARY").read_text().splitlines())


def test_classroom_fails_where_nothing_can_be_graded(tmp_path: Path) -> None:
    done = run_step(tmp_path)
    assert done.returncode == 2
    assert "There is no file or folder" in done.stderr


def test_the_workflow_hands_its_result_to_the_reporter() -> None:
    text = WORKFLOW.read_text()
    assert "GRADE_RESULTS: ${{ steps.grade.outputs.result }}" in text
    assert "runners: grade\n" in text
    assert "\t" not in text
