"""A built wheel works away from the checkout: quizzes, pages and theme travel in it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder of its own."""
    place = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "site")
    return place / "site"


def run(site: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The command, with the unpacked wheel before anything else and far from the checkout."""
    env = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    return subprocess.run([sys.executable, *args], cwd=site, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_it_grades_without_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    where = run(unpacked, "-c", "import dosegrade; print(dosegrade.__file__)").stdout
    assert where.startswith(str(unpacked))
    listed = run(unpacked, "-m", "dosegrade", "list")
    for quiz in (ROOT / "quizzes").glob("*.toml"):
        assert quiz.stem in listed.stdout
    points = {path.name for path in (ROOT / "quizzes" / "points").glob("*.json")}
    assert points == {path.name for path in (unpacked / "dosegrade" / "quizzes" / "points").glob("*.json")} != set()
    student = tmp_path / "empty.py"
    student.write_text(
        "def update(params, grads, learning_rate): return {k: v - learning_rate * grads['d' + k] for k, v in params.items()}\n"
    )
    checked = run(unpacked, "-m", "dosegrade", "check", "dose-response", str(student))
    assert "✓ update: 1 of 1" in checked.stdout


def test_the_pages_travel(unpacked: Path) -> None:
    web = unpacked / "dosegrade" / "web"
    for name in ("app.py", "live.js", "live.css", "app_pages/playground.py", ".streamlit/config.toml"):
        assert (web / name).is_file(), name
