"""Who is in a class: the entries of a folder, each with the student's name and a name for the report's file that every system takes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dosegrade.errors import SubmissionError
from dosegrade.submissions import EXTENSIONS, named, shown

MAX_FILE = 80
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


@dataclass(frozen=True)
class Entry:
    """One student: where the submission lies, what the student is called, what the report's file is called (without its ending)."""

    path: Path
    student: str
    file: str


def roster(folder: Path, out: Path) -> tuple[list[Entry], tuple[str, ...]]:
    """The entries of a folder of submissions, in order, and the names of what is skipped; SubmissionError where it is no folder."""
    if not folder.is_dir():
        what = f"Found the file '{folder}'" if folder.exists() else f"Found nothing at '{folder}'"
        raise SubmissionError(f"{what}; expected a folder of submissions. One submission alone is graded by `dosegrade check`.")
    if out.exists() and out.samefile(folder):
        raise SubmissionError(f"Found '{out}' named for the submissions and for the results; expected two folders. Name another by --out.")
    try:
        found = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise SubmissionError(f"The folder '{folder}' cannot be read: {error.strerror}.") from error
    taken = [path for path in found if is_student(path) and not (out.is_dir() and not path.is_symlink() and path.samefile(out))]
    students_own = {path.name for path in taken}
    skipped = tuple(shown(path.name) for path in found if path.name not in students_own)
    students = names(taken)
    return [Entry(*each) for each in zip(taken, students, file_names(students, taken), strict=True)], skipped


def is_student(path: Path) -> bool:
    """Whether an entry of the folder is somebody's: a folder, a file that can be taken, or a link in its place."""
    if path.name.startswith(".") or path.name == "__MACOSX":
        return False
    mode = os.lstat(path).st_mode
    return stat.S_ISDIR(mode) or stat.S_ISLNK(mode) or path.suffix.lower() in EXTENSIONS


def names(paths: list[Path]) -> list[str]:
    """What each student is called; where two would be called the same, each keeps its full name."""
    short = [named(path) for path in paths]
    while True:
        count = Counter(short)
        longer = [shown(path.name) if count[name] > 1 else name for path, name in zip(paths, short, strict=True)]
        if longer == short:
            return short
        short = longer


def file_names(students: list[str], paths: list[Path]) -> list[str]:
    """A file's name for each student, safe on every system; those that are not the student's own end in a hash."""
    count = Counter(student.casefold() for student in students)
    return [file_name(student, path, count[student.casefold()] == 1) for student, path in zip(students, paths, strict=True)]


def file_name(student: str, path: Path, alone: bool) -> str:
    """The student's name where a file can be called that, else a version of it with a hash."""
    safe = "".join(c if c.isalnum() or c in " ._-+@()" else "_" for c in student).strip(" .") or "_"
    short = safe[:MAX_FILE].encode()[: 2 * MAX_FILE].decode("utf-8", "ignore")
    if short == student and alone and short.split(".")[0].casefold() not in RESERVED:
        return short
    return f"{short}-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]}"
