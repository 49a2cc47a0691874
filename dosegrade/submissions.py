"""A submission is what a student hands in, as bytes: read with care, never executed, parsed as Python or followed through a link."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from dosegrade.errors import SubmissionError, UnreadableError
from dosegrade.grading.outcome import Problem
from dosegrade.sandbox import Cell, Program

MAX_SOURCE = 256 << 10
MAX_NOTEBOOK = 20 << 20
EXTENSIONS = (".py", ".ipynb")


@dataclass(frozen=True)
class Submission:
    """A student's name and code; `problem` is set where the file itself is damaged."""

    name: str
    program: Program | None = None
    problem: Problem | None = None
    notes: tuple[str, ...] = ()


def load(path: str | Path) -> Submission:
    """What lies at a path. SubmissionError where there is nothing that can be taken; a damaged file is a submission with a problem."""
    place = Path(path)
    if not os.path.lexists(place):
        raise SubmissionError(f"There is no file '{path}'; name a {' or '.join(EXTENSIONS)} file.")
    if place.suffix.lower() not in EXTENSIONS:
        raise SubmissionError(f"Found '{place.name}'; expected a file that ends in {' or '.join(EXTENSIONS)}.")
    try:
        if place.suffix.lower() == ".py":
            return Submission(place.stem, Program((Cell(read(place, MAX_SOURCE)),), place.name))
        return notebook(place)
    except UnreadableError as error:
        return Submission(place.stem, problem=Problem("unreadable", str(error)))


def read(path: Path, limit: int) -> bytes:
    """A regular file's bytes, at most `limit`; UnreadableError for links, devices, and what is larger."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableError(f"'{path.name}' cannot be opened: {error.strerror}.") from error
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UnreadableError(f"'{path.name}' is no regular file.")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise UnreadableError(f"'{path.name}' is larger than {limit >> 10} KB; hand in a smaller file.")
    return data


def notebook(path: Path) -> Submission:
    """The code cells of a notebook, magics and shell lines dropped."""
    data = read(path, MAX_NOTEBOOK)
    cells = tuple(
        Cell(source.encode("utf-8", "replace"), f"cell {number}") for number, source in code_cells(data, path.name) if source.strip()
    )
    return Submission(path.stem, Program(cells, path.stem + ".py", tolerant=True))


def code_cells(data: bytes, name: str) -> list[tuple[int, str]]:
    """Number and cleaned source of each code cell; UnreadableError where the file is no notebook."""
    import warnings

    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = nbformat.reads(data.decode("utf-8-sig"), as_version=4)
            cells = [(i, str(cell.source)) for i, cell in enumerate(book.cells, 1) if cell.cell_type == "code"]
    except (RecursionError, MemoryError) as error:
        raise UnreadableError(f"'{name}' is nested too deeply to be a notebook.") from error
    except Exception as error:  # nbformat raises many kinds for a damaged file, none of them ours
        raise UnreadableError(f"'{name}' is no readable notebook: {type(error).__name__}. Save it again and hand it in anew.") from error
    return [(number, body) for number, source in cells if (body := without_magics(source)) is not None]


KEPT_MAGICS = ("time", "timeit", "capture")
_MAGIC = re.compile(r"\s*(%{1,2}[A-Za-z]|!|\?)")
_TOKEN = re.compile(r"\"\"\"|'''|\\\n|\\.|[\"'#()\[\]{}\n]")


def without_magics(source: str) -> str | None:
    """A cell as plain Python: line magics and shell lines become `pass`; None for a `%%` cell in another language."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].startswith("%%"):
        magic = lines[first][2:].split()
        if not magic or magic[0] not in KEPT_MAGICS:
            return None
        lines[first] = ""
    starts = statement_starts("\n".join(lines))
    for i, line in enumerate(lines):
        if i in starts and (_MAGIC.match(line) or re.fullmatch(r"\s*[\w.]+\?{1,2}\s*", line)):
            lines[i] = line[: len(line) - len(line.lstrip())] + "pass"
    return "\n".join(lines)


def statement_starts(source: str) -> set[int]:
    """The line numbers that begin outside strings and brackets, by a scan of quotes and brackets alone."""
    starts, line, depth = {0}, 0, 0
    quote: str | None = None
    comment = False
    for match in _TOKEN.finditer(source):
        token = match[0]
        if token.endswith("\n"):
            line += 1
            continued = token != "\n" and not comment
            comment = False
            if quote in ('"', "'") and not continued:
                quote = None
            if quote is None and depth == 0 and not continued:
                starts.add(line)
        elif comment:
            continue
        elif quote is not None:
            quote = None if token == quote else quote
        elif token in ('"', "'", '"""', "'''"):
            quote = token
        elif token == "#":
            comment = True
        elif token in "([{":
            depth += 1
        elif token in ")]}":
            depth = max(0, depth - 1)
    return starts
