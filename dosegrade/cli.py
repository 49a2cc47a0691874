"""The command line: `dosegrade` and `python -m dosegrade` (CONTRACT 2)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from dosegrade import __version__
from dosegrade.errors import DosegradeError

if TYPE_CHECKING:
    from dosegrade.sandbox import Sandbox

NOTHING_TO_GRADE = 2


def honest(command: Callable[..., int | None]) -> Callable[..., None]:
    """Ends with the command's status; our errors go to standard error with status 2, and nothing to standard output."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            status = command(*args, **kwargs)
        except DosegradeError as error:
            click.echo(f"dosegrade: {error}", err=True)
            status = NOTHING_TO_GRADE
        sys.exit(status or 0)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dosegrade")
def main() -> None:
    """Small neural networks to watch, and a grader that names the mistake."""


@main.command(name="list")
@honest
def list_quizzes() -> None:
    """The quizzes found: id, title, questions, points."""
    from dosegrade.quiz.question import load, shipped

    for name in shipped():
        quiz = load(name)
        click.echo(f"{name:20} {quiz.title}  ({len(quiz.questions)} questions, {quiz.max_score:g} points)")


@main.command()
@click.argument("quiz")
@click.argument("submission")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The variant: one seed, one set of cases.")
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON and nothing else.")
@click.option("--unsafe-no-sandbox", is_flag=True, help="Run the program WITHOUT isolation, where none is to be had; the report says so.")
@honest
def check(quiz: str, submission: str, seed: int, as_json: bool, unsafe_no_sandbox: bool) -> int:
    """Grade one SUBMISSION to QUIZ: status 0 for full marks, 1 for less, 2 where there is nothing to grade."""
    from dosegrade.checking import check as run

    report = run(quiz, submission, seed, unsafe() if unsafe_no_sandbox else None)
    click.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else str(report))
    return 0 if report.verdict == "correct" else 1


def unsafe() -> Sandbox:
    """The runner without isolation, said aloud."""
    from dosegrade.sandbox.unsafe import UnsafeSandbox

    click.echo("dosegrade: running WITHOUT isolation; use this for your own files only.", err=True)
    return UnsafeSandbox()


@main.command()
@click.argument("paths", nargs=-1, required=True)
@honest
def validate(paths: tuple[str, ...]) -> int:
    """Tell the author of quizzes everything that is wrong with them: status 0 nothing, 1 findings, 2 unreadable."""
    from dosegrade.quiz.validate import findings

    found = [finding for path in paths for finding in findings(path)]
    for finding in found:
        click.echo(finding)
    return 1 if found else 0


@main.command()
@honest
def doctor() -> int:
    """Versions, which isolation layers hold here (by real probes), what is missing and what to do."""
    from dosegrade.doctor import report

    lines, holds = report()
    click.echo("\n".join(lines))
    return 0 if holds else 1


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@honest
def serve(options: tuple[str, ...]) -> int:
    """Start the Streamlit app; OPTIONS go to Streamlit (--server.port 8600)."""
    import subprocess

    from dosegrade.web import serve_command

    return subprocess.run(serve_command(options), check=False).returncode
