"""The command line: `dosegrade` and `python -m dosegrade` (CONTRACT 2)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dosegrade import __version__
from dosegrade.errors import DosegradeError, SubmissionError

if TYPE_CHECKING:
    from dosegrade.sandbox import Sandbox

NOTHING_TO_GRADE = 2
INTERRUPTED = 130


def honest(command: Callable[..., int | None]) -> Callable[..., None]:
    """Ends with the command's status; our errors go to standard error with status 2, and nothing to standard output."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            status = command(*args, **kwargs)
        except DosegradeError as error:
            click.echo(f"dosegrade: {error}", err=True)
            status = NOTHING_TO_GRADE
        except BrokenPipeError:  # the reader has seen enough
            raise
        except OSError as error:
            click.echo(
                f"dosegrade: the system could not read or write: {error}. Mend that, or name another place, and run this again.",
                err=True,
            )
            status = NOTHING_TO_GRADE
            with suppress(OSError, ValueError):  # what could not be written is not tried once more at the end
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(status or 0)

    return run


def seeded(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Gives a command its `seed`: the class's, or the student's own from the class's secret and his name."""

    @click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The variant: one seed, one set of cases.")
    @click.option("--student", help="With a class secret: whose variant; a submission's own name where none is given.")
    @click.option("--class-secret", envvar="DOSEGRADE_CLASS_SECRET", help="A seed for each student, from this secret and his name.")
    @wraps(command)
    def run(*args: Any, seed: int, student: str | None, class_secret: str | None, **kwargs: Any) -> int | None:
        from dosegrade.quiz.seeds import seed_of

        if class_secret and student is None and "submission" in kwargs:
            from dosegrade.submissions import named

            student = named(Path(kwargs["submission"]))
        return command(*args, seed=seed_of(student, seed, class_secret), **kwargs)

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
        count = len(quiz.questions)
        click.echo(f"{name:20} {quiz.title}  ({count} question{'s' * (count != 1)}, {quiz.max_score:g} points)")


@main.command()
@click.argument("quiz")
@click.option("--key", is_flag=True, help="Add the answers and worked solutions.")
@honest
@seeded
def show(quiz: str, seed: int, key: bool) -> None:
    """Print QUIZ as a student sees it."""
    from dosegrade.quiz.question import load
    from dosegrade.quiz.show import show as words

    click.echo(words(load(quiz), seed, key))


@main.command()
@click.argument("quiz")
@click.argument("folder")
@honest
@seeded
def start(quiz: str, folder: str, seed: int) -> None:
    """Write starter files for QUIZ into FOLDER: answers.toml, and solution.py with the functions to write."""
    from dosegrade.quiz.question import load
    from dosegrade.quiz.starter import files

    for path in placed(files(load(quiz), seed), Path(folder)):
        click.echo(f"Wrote {path}")


def placed(files: dict[str, str], folder: Path) -> list[Path]:
    """The files written into a folder; SubmissionError where one is there already, and then none is written."""
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise SubmissionError(f"Found {folder / there[0]} already; nothing was written. Name another folder, or move the file away.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SubmissionError(f"Cannot write into {folder}: {error.strerror}. Name another folder.") from error
    return [folder / name for name in files]


@main.command()
@click.argument("quiz")
@click.argument("submission")
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON and nothing else.")
@click.option("--format", "form", help="Write the report in a format too: gradescope, csv, junit, html or classroom. Needs -o.")
@click.option("-o", "--output", "file", help="The file for --format; - is standard output.")
@click.option("--unsafe-no-sandbox", is_flag=True, help="Run the program WITHOUT isolation, where none is to be had; the report says so.")
@honest
@seeded
def check(quiz: str, submission: str, seed: int, as_json: bool, form: str | None, file: str | None, unsafe_no_sandbox: bool) -> int:
    """Grade one SUBMISSION to QUIZ: status 0 for full marks, 1 for less or a program that crashes, 2 where there is nothing to grade."""
    from dosegrade.checking import check as run
    from dosegrade.reports import WRITERS

    if (form is None) != (file is None):
        raise click.UsageError("Found one of --format and -o; give both: --format junit -o report.xml.")
    write = None if form is None else WRITERS[form]
    report = run(quiz, submission, seed, unsafe() if unsafe_no_sandbox else None)
    if write is not None and file is not None:
        put(file, write([report.to_dict()]))
    if file != "-":
        import json

        click.echo(json.dumps(report.to_dict(), ensure_ascii=False) if as_json else str(report))
    return 0 if report.verdict == "correct" and not any(question.problem for question in report.questions) else 1


def put(file: str, data: bytes) -> None:
    """Writes a file, or to standard output."""
    try:
        with click.open_file(file, "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise DosegradeError(f"The file '{file}' cannot be written: {error.strerror}. Name another one by -o.") from error


@main.command()
@click.argument("quiz")
@click.argument("submissions")
@click.option("--out", required=True, help="The folder for grades.csv and the reports; the same folder again resumes.")
@click.option("--jobs", type=click.IntRange(min=1), help="Submissions graded at once; as many as there are processors.")
@click.option("--scheduler", help="The address of a Dask scheduler, whose workers do the grading.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The variant: one seed, one set of cases.")
@click.option("--class-secret", envvar="DOSEGRADE_CLASS_SECRET", help="A seed for each student, from this secret and his name.")
@click.option("--format", "forms", default="", help="Further formats, with commas: html, junit, gradescope, classroom.")
@honest
def grade(
    quiz: str, submissions: str, out: str, jobs: int | None, scheduler: str | None, seed: int, class_secret: str | None, forms: str
) -> int:
    """Grade a class: every entry of the folder SUBMISSIONS is one student. Started again with the same --out, it resumes."""
    from dosegrade import batch
    from dosegrade.batch import progress

    formats = [name.strip() for name in forms.split(",") if name.strip()]
    try:
        with progress.shown() as watch:
            tally = batch.grade(
                quiz,
                submissions,
                out=out,
                jobs=jobs,
                seed=seed,
                formats=formats,
                scheduler=scheduler,
                class_secret=class_secret,
                watch=watch,
            )
    except KeyboardInterrupt:
        click.echo("\nStopped. What is graded is kept: run the same command again to go on.", err=True)
        return INTERRUPTED
    if tally.skipped:
        click.echo(progress.skipped(tally), err=True)
    click.echo(progress.summary(tally, out))
    return 0


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
@click.argument("quiz")
@click.option("--format", "form", required=True, help="text2qti, qti (Canvas), moodle, gift, jupyterquiz, html (on paper) or toml.")
@click.option("-o", "--output", "file", required=True, help="The file to write; - is standard output.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first variant of questions that vary.")
@click.option("--variants", type=click.IntRange(1, 100), default=1, show_default=True, help="How many variants: seed, seed + 1, …")
@click.option("--key", is_flag=True, help="For html: the key instead of the sheet. The other formats hold the answers anyway.")
@click.option("--force", is_flag=True, help="Replace the file where there is one.")
@honest
def export(quiz: str, form: str, file: str, seed: int, variants: int, key: bool, force: bool) -> None:
    """Write QUIZ in another system's format; what that format cannot hold is told on standard error."""
    from dosegrade import formats
    from dosegrade.quiz.question import load

    wanted = formats.FORMATS[form].name
    absent(file, force)
    made = formats.export(load(quiz), wanted, seed, variants, key)
    put(file, made.data)
    losses(made.losses)


@main.command(name="import")
@click.argument("source", metavar="FILE")
@click.option("-o", "--output", "file", required=True, help="The quiz file to write, QUIZ.toml; - is standard output.")
@click.option("--force", is_flag=True, help="Replace the file where there is one.")
@honest
def import_quiz(source: str, file: str, force: bool) -> None:
    """Make a quiz file of FILE: Moodle XML, GIFT or QTI 1.2 (a zip or its XML), told by its content."""
    from dosegrade import formats

    absent(file, force)
    made = formats.import_file(source)
    put(file, made.text.encode())
    losses(made.losses)


def absent(file: str, force: bool) -> None:
    """DosegradeError where the file is there already, unless it may be replaced."""
    if file != "-" and not force and Path(file).exists():
        raise DosegradeError(f"Found {file} already; nothing was written. Name another file by -o, or add --force to replace it.")


def losses(sentences: tuple[str, ...]) -> None:
    """What was lost, on standard error."""
    for sentence in sentences:
        click.echo(f"Lost: {sentence}", err=True)


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
