"""A submission is what a student hands in, as bytes: read with care, never executed, parsed as Python or followed through a link.

A file, a notebook, answers, or a folder or zip archive of those. The file that defines a function is found by its `def` line alone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dosegrade.errors import SubmissionError, UnreadableError
from dosegrade.grading.outcome import Problem
from dosegrade.sandbox import Cell, Program
from dosegrade.submissions.files import (
    ANSWERS,
    EXTENSIONS,
    MAX_NOTEBOOK,
    MAX_SOURCE,
    Gathered,
    folder,
    read,
    shown,
)  # fmt: skip

# How a notebook's JSON begins, which no program does.
NOTEBOOK = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*\"(?:cells|metadata|nbformat|nbformat_minor|worksheets)\"\s*:\s*[\[{0-9]")

__all__ = ["EXTENSIONS", "Submission", "existing", "load", "named", "shown"]


@dataclass(frozen=True)
class Submission:
    """A student's name, code and answers; `problem` says why there is no program, `answers_problem` why there are no answers.

    `elsewhere` has the program for each function that another file than the program's own defines.
    """

    name: str
    program: Program | None = None
    problem: Problem | None = None
    notes: tuple[str, ...] = ()
    answers: Mapping[str, Any] | None = None
    answers_problem: Problem | None = None
    elsewhere: Mapping[str, Program] = field(default_factory=dict)

    def program_for(self, function: str) -> Program | None:
        """The program that defines a function."""
        return self.elsewhere.get(function, self.program)

    def digest(self) -> str:
        """A hash of all that the report depends on."""
        import hashlib

        return hashlib.sha256(repr(self).encode()).hexdigest()


@dataclass(frozen=True)
class Code:
    """One file of code by its path in the submission; `data` is its source as `def` lines are looked for."""

    path: PurePosixPath
    cells: tuple[Cell, ...]
    data: bytes
    notebook: bool = False

    @property
    def rank(self) -> tuple[Any, ...]:
        """What is taken first: `solution`, what lies near the top, plain Python, then by name."""
        return self.path.stem != "solution", len(self.path.parts), self.path.suffix.lower() != ".py", str(self.path)


def existing(path: str | Path) -> Path:
    """The path of something that can be taken; SubmissionError otherwise."""
    place = Path(os.path.abspath(path))
    if not os.fspath(path) or not os.path.lexists(place):
        raise SubmissionError(
            f"There is no file or folder '{shown(str(path))}'; expected a folder or a file that ends in {', '.join(EXTENSIONS)}."
        )
    mode = os.lstat(place).st_mode
    if not (stat.S_ISDIR(mode) or stat.S_ISLNK(mode)) and place.suffix.lower() not in EXTENSIONS:
        raise SubmissionError(f"Found '{shown(place.name)}'; expected a folder or a file that ends in {', '.join(EXTENSIONS)}.")
    return place


def named(place: Path) -> str:
    """What a student is called after his file or folder."""
    plain = place.suffix.lower() in EXTENSIONS and (place.is_symlink() or not place.is_dir())
    return shown(place.stem if plain else place.name) or "submission"


def load(path: str | Path, functions: Collection[str] = ()) -> Submission:
    """What lies at a path; `functions` are those that the quiz asks for, by which the file is chosen where there are several.

    SubmissionError where there is nothing that can be taken; a damaged file is a submission with a problem.
    """
    place = existing(path)
    name = named(place)
    try:
        return opened(place, name, functions)
    except UnreadableError as error:
        problem = Problem("unreadable", str(error))
        return Submission(name, problem=problem, answers_problem=problem)


def opened(place: Path, name: str, functions: Collection[str]) -> Submission:
    """What lies at a place that exists; UnreadableError where nothing of it can be read."""
    mode = os.lstat(place).st_mode
    if stat.S_ISLNK(mode):
        raise UnreadableError(f"'{shown(place.name)}' is a link, and links are not followed; hand in the file itself.")
    if stat.S_ISDIR(mode):
        gathered = folder(place)
        if not gathered.files and len(gathered.archives) == 1:  # as learning platforms hand a zip archive on
            return received(name, gathered.archives[0], read(place / gathered.archives[0], largest(".zip")), functions)
        return assembled(name, gathered, functions)
    suffix = place.suffix.lower()
    return received(name, place.name, read(place, largest(suffix)), functions)


def largest(suffix: str) -> int:
    """The most bytes of a file that are read."""
    if suffix == ".zip":
        from dosegrade.submissions.archive import MAX_ZIPPED

        return MAX_ZIPPED
    return MAX_NOTEBOOK if suffix == ".ipynb" else MAX_SOURCE


def received(name: str, file: str, data: bytes, functions: Collection[str]) -> Submission:
    """A student's one file by its name and bytes; UnreadableError where nothing of it can be read."""
    suffix = PurePosixPath(file).suffix.lower()
    if suffix == ".zip":
        from dosegrade.submissions.archive import unzipped

        return assembled(name, unzipped(data, file), functions)
    if suffix in (".py", ".ipynb"):
        return Submission(name, program(code(PurePosixPath(shown(file)), data), {}))
    from dosegrade.submissions.answers import answers

    return Submission(name, problem=no_code(), answers=answers(data, file))


def no_code() -> Problem:
    """The problem of code questions where only answers were handed in."""
    return Problem("missing-function", "no code was handed in; expected a .py or .ipynb file that defines the function")


def assembled(name: str, gathered: Gathered, functions: Collection[str]) -> Submission:
    """The submission made of a folder's or archive's files."""
    files, notes = rooted(gathered.files), list(gathered.notes)
    codes: list[Code] = []
    for path, data in files.items():
        if path.suffix.lower() in (".py", ".ipynb"):
            try:
                codes.append(code(path, data))
            except UnreadableError as error:
                notes.append(str(error))
    codes.sort(key=lambda c: c.rank)
    main, elsewhere = chosen(codes, functions)
    notes += several(codes, main, elsewhere, functions)
    siblings = {path: data for path, data in files.items() if path.suffix.lower() == ".py"}
    typed, answers_problem = typed_answers(files)
    problem = None
    if main is None:
        nothing = "Nothing in it can be graded; expected a .py or .ipynb file, answers.toml or answers.json."
        problem = Problem("unreadable", notes[0] if notes else nothing) if typed is None or notes else no_code()
    return Submission(
        name,
        None if main is None else program(main, siblings),
        problem,
        tuple(notes) if problem is None or problem.kind != "unreadable" else tuple(notes[1:]),
        typed,
        answers_problem,
        {function: program(found, siblings) for function, found in elsewhere.items()},
    )


def rooted(files: Mapping[str, bytes]) -> dict[PurePosixPath, bytes]:
    """The files by path, single top folders entered."""
    paths = {PurePosixPath(path): data for path, data in files.items()}
    while paths and len({path.parts[0] for path in paths}) == 1 and all(len(path.parts) > 1 for path in paths):
        paths = {PurePosixPath(*path.parts[1:]): data for path, data in paths.items()}
    return paths


def code(path: PurePosixPath, data: bytes) -> Code:
    """A file of code, a notebook by its content where it is called .py; UnreadableError for a damaged notebook."""
    if path.suffix.lower() == ".py" and not NOTEBOOK.match(data):
        return Code(path, (Cell(data),), data)
    from dosegrade.submissions.notebook import cells

    found = cells(data, path.name)
    return Code(path, found, b"\n".join(cell.source for cell in found), True)


def chosen(codes: list[Code], functions: Collection[str]) -> tuple[Code | None, dict[str, Code]]:
    """The file that defines most functions, `solution` first, and for each function that it lacks the file that has it."""
    if not codes:
        return None, {}
    defined = {found.path: defined_in(found.data, functions) for found in codes}
    by_count = sorted(codes, key=lambda found: -len(defined[found.path]))
    solutions = [found for found in codes if found.path.stem == "solution" and len(found.path.parts) == 1]
    owners = {f: next((c for c in (*solutions, *by_count) if f in defined[c.path]), None) for f in functions}
    main = max(codes, key=lambda found: sum(owner is found for owner in owners.values()))
    for function in (f for f, owner in owners.items() if owner is None):  # a solution may import what it does not define
        owners[function] = next((c for c in solutions if function.encode() in c.data), None)
    return main, {f: owner for f, owner in owners.items() if owner is not None and owner is not main}


def several(codes: list[Code], main: Code | None, elsewhere: Mapping[str, Code], functions: Collection[str]) -> list[str]:
    """A note on functions that more than one file defines: which file counts."""
    if main is None or len(codes) < 2:
        return []
    found: dict[PurePosixPath, set[PurePosixPath]] = {}
    for function in functions:
        defining = {c.path for c in codes if function in defined_in(c.data, (function,))}
        taken = elsewhere.get(function, main).path
        if taken in defining and len(defining) > 1:
            found.setdefault(taken, set()).update(defining - {taken})
    return [f"'{shown(str(taken))}' was graded; what {listed(others)} defines by the same name was not." for taken, others in found.items()]


def listed(paths: Collection[PurePosixPath]) -> str:
    """A few paths in quotes."""
    return ", ".join(f"'{shown(str(path))}'" for path in sorted(paths)[:3]) + (", …" if len(paths) > 3 else "")


def defined_in(data: bytes, functions: Collection[str]) -> set[str]:
    """The functions that a source defines at the left margin, by a look at its lines."""
    if not functions:
        return set()
    names = b"|".join(re.escape(name.encode()) for name in functions)
    pattern = rb"(?:^|[\r\n])(?:\xef\xbb\xbf)?(?:(?:async[ \t]+)?def[ \t]+(%b)\b|(%b)[ \t]*(?::[^=\r\n]*)?=(?!=))" % (names, names)
    return {(match[1] or match[2]).decode() for match in re.finditer(pattern, data)}


def program(main: Code, siblings: Mapping[PurePosixPath, bytes]) -> Program:
    """The program of a file and those beside it, which it can import by name."""
    home = main.path.parent
    beside = {}
    for path, data in sorted(siblings.items()):
        place = path.relative_to(home) if path.is_relative_to(home) else path
        if path != main.path and all(part.isidentifier() for part in place.with_suffix("").parts):
            beside[str(place.with_suffix(".py"))] = data
    return Program(main.cells, shown(main.path.stem) + ".py", beside, main.notebook)


def typed_answers(files: Mapping[PurePosixPath, bytes]) -> tuple[dict[str, Any] | None, Problem | None]:
    """The answers among the files, those nearest to the top, or what is wrong with them."""
    found = sorted((path for path in files if path.name.lower() in ANSWERS), key=lambda path: (len(path.parts), str(path)))
    if not found:
        return None, None
    if len(found) > 1 and len(found[0].parts) == len(found[1].parts):
        return None, Problem("unreadable", f"Found both '{shown(str(found[0]))}' and '{shown(str(found[1]))}'; hand in one of them.")
    from dosegrade.submissions.answers import answers

    try:
        return answers(files[found[0]], found[0].name), None
    except UnreadableError as error:
        return None, Problem("unreadable", str(error))
