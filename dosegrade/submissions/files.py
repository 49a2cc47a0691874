"""Reading what a student handed in: regular files only, links never followed, every size bounded, nothing written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from dosegrade.errors import UnreadableError

MAX_SOURCE = 256 << 10
MAX_NOTEBOOK = 20 << 20
MAX_TOTAL = 50 << 20
MAX_ENTRIES = 1000
MAX_FOLDERS = 32
EXTENSIONS = (".py", ".ipynb", ".zip", ".toml", ".json")
ANSWERS = ("answers.toml", "answers.json")
IGNORED = ("__MACOSX", "__pycache__")

_QUIET = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def shown(name: str) -> str:
    """A file's name as it may be printed: what is not printable is written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def size(limit: int) -> str:
    """A limit as people say it."""
    return f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit >> 10} KB"


def ignored(name: str) -> bool:
    """Whether an entry of a folder or archive is nobody's work: dot files, and what systems leave behind."""
    return name.startswith(".") or name in IGNORED


def limit_of(name: str) -> int | None:
    """The most bytes that a file inside a folder or archive may have; None for one that is not taken."""
    base = PurePosixPath(name).name.lower()
    if base.endswith(".ipynb"):
        return MAX_NOTEBOOK
    return MAX_SOURCE if base.endswith(".py") or base in ANSWERS else None


def too_large(name: str, limit: int) -> UnreadableError:
    """The error for a file above its limit."""
    return UnreadableError(f"'{shown(name)}' is larger than {size(limit)}; hand in a smaller file.")


def read(path: str | Path, limit: int, folder: int | None = None) -> bytes:
    """A regular file's bytes, at most `limit`; UnreadableError for links, devices, and what is larger."""
    name = os.path.basename(path)
    with unreadable(name), os.fdopen(os.open(path, os.O_RDONLY | _QUIET, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnreadableError(f"'{shown(name)}' is no regular file; hand in the file itself.")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise too_large(name, limit)
    return data


@contextmanager
def unreadable(name: str) -> Iterator[None]:
    """Turns the system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise UnreadableError(f"'{shown(name)}' cannot be opened: {error.strerror}. Links are not followed.") from error


class Gathered:
    """The files of one folder or archive by relative path, with a note for each that could not be taken; counts against the limits.

    `archives` are a folder's zip archives, unopened.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.notes: list[str] = []
        self.archives: list[str] = []
        self.entries = 0
        self.total = 0

    def count(self) -> None:
        """One entry more."""
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise UnreadableError(f"There are more than {MAX_ENTRIES} entries in it; hand in your own files only.")

    def take(self, path: str, reading: Callable[[], bytes]) -> None:
        """One file; what cannot be read becomes a note, so that it does not hide the others."""
        try:
            data = reading()
        except UnreadableError as error:
            self.notes.append(str(error))
            return
        self.total += len(data)
        if self.total > MAX_TOTAL:
            raise UnreadableError(f"The files in it have more than {size(MAX_TOTAL)} together; hand in your own files only.")
        self.files[path] = data


def folder(path: Path) -> Gathered:
    """The files of a folder that can be taken, links and devices noted."""
    gathered = Gathered()
    with unreadable(path.name):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _QUIET)
        try:
            _walk(descriptor, "", gathered, MAX_FOLDERS)
        finally:
            os.close(descriptor)
    return gathered


def _walk(descriptor: int, prefix: str, gathered: Gathered, depth: int) -> None:
    if depth == 0:
        raise UnreadableError(f"Its folders lie more than {MAX_FOLDERS} deep; hand in your own files only.")
    with os.scandir(descriptor) as found:
        entries = sorted((entry for entry in found if not ignored(entry.name)), key=lambda entry: entry.name)
    for entry in entries:
        gathered.count()
        name, place = entry.name, prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            _descend(descriptor, name, place, gathered, depth)
        elif (limit := limit_of(name)) is not None:
            gathered.take(place, lambda name=name, limit=limit: read(name, limit, descriptor))  # type: ignore[misc]
        elif name.lower().endswith(".zip") and entry.is_file(follow_symlinks=False):
            gathered.archives.append(place)
        elif entry.is_symlink():
            gathered.notes.append(f"'{shown(place)}' is a link and was left out.")


def _descend(descriptor: int, name: str, place: str, gathered: Gathered, depth: int) -> None:
    with unreadable(name):
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _QUIET, dir_fd=descriptor)
    try:
        _walk(inner, place + "/", gathered, depth - 1)
    finally:
        os.close(inner)
