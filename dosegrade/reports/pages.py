"""Reports for people: one page for a student, or an overview of a class; each a single file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosegrade.grading.render import MARKS, mistake_words, points, problem_words
from dosegrade.reports.overview import VERDICTS, Overview

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def templates() -> Environment:
    """The pages' templates; whatever is put in is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(marks=MARKS, points=points, mistake_words=mistake_words, problem_words=problem_words, verdicts=VERDICTS)
    return environment


def html(reports: Iterable[Mapping[str, Any]]) -> bytes:
    """A page: of one student where there is one report without a place of its own, else of the class."""
    stream = iter(reports)
    first = list(islice(stream, 2))
    if len(first) == 1 and "report" not in first[0]:
        page = templates().get_template("student.html").render(report=first[0])
    else:
        page = templates().get_template("class.html").render(overview=Overview.of(chain(first, stream)))
    return page.encode("utf-8", "replace")
