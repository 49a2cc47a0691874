"""The documentation is under test: commands, options, quizzes and layers that exist are told, and the README's commands are two."""

import re
from pathlib import Path

import pytest

from dosegrade.cli import main
from dosegrade.quiz.question import shipped

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = README + (ROOT / "CONTRIBUTING.md").read_text()


def test_two_commands_set_up_everything() -> None:
    block = re.search(r"```sh\n(.*?)```", README, re.S)
    assert block is not None
    lines = block[1].strip().splitlines()
    assert len(lines) == 2
    assert all(line.startswith("python3 -m venv .venv && ") for line in lines)
    assert "streamlit run app.py" in lines[0]
    assert lines[1].endswith("-m pytest")


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_told_and_has_help(command: str) -> None:
    assert f"dosegrade {command}" in DOCUMENTS
    assert main.commands[command].help


@pytest.mark.parametrize("quiz", sorted(shipped()))
def test_every_quiz_is_told(quiz: str) -> None:
    assert f"`{quiz}`" in README


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
