"""Quizzes in other systems' formats: each can be written, some can be read; what is lost on the way is always said."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dosegrade.errors import SpecError, UnreadableError
from dosegrade.formats import draft, gift, gift_read, jupyterquiz, moodle, moodle_read, paper, qti, qti_read, text2qti
from dosegrade.formats.draft import Draft
from dosegrade.formats.items import Sheet
from dosegrade.formats.sheet import sheet
from dosegrade.quiz.question import Quiz
from dosegrade.registry import Registry
from dosegrade.submissions.files import MAX_TOTAL, read, shown

__all__ = ["FORMATS", "Format", "Taken", "Written", "export", "import_bytes", "import_file"]


EXTENSIONS = (".xml", ".zip", ".imscc", ".gift", ".txt")


@dataclass(frozen=True)
class Written:
    """A file's bytes, and a sentence for everything that the format cannot hold."""

    data: bytes
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taken:
    """The text of a quiz file, and a sentence for everything that could not be taken."""

    text: str
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A format: what it is for, its files' ending, how a quiz is written (seed, variants, key) and, where it can be, how one is read."""

    name: str
    about: str
    extension: str
    write: Callable[[Quiz, int, int, bool], Written]
    read: Callable[[bytes], Draft] | None = None


def by_items(write: Callable[[Sheet], bytes]) -> Callable[[Quiz, int, int, bool], Written]:
    """A writer of items as a writer of quizzes; such a file always holds the key."""

    def written(quiz: Quiz, seed: int, variants: int, key: bool) -> Written:
        made = sheet(quiz, seed, variants)
        return Written(write(made), made.losses.sentences())

    return written


def toml(made: Sheet) -> bytes:
    """The items as a quiz of fixed questions."""
    text = draft.written(Draft(made.title, made.items, made.losses, made.text), made.id)
    return text.encode()


def printed(quiz: Quiz, seed: int, variants: int, key: bool) -> Written:
    """The page on paper, on which nothing is lost."""
    return Written(paper.write(quiz, seed, variants, key))


FORMATS: Registry[Format] = Registry(
    "quiz format",
    {
        made.name: made
        for made in (
            Format("text2qti", "text for text2qti, which makes QTI of it", ".txt", by_items(text2qti.write)),
            Format("qti", "QTI 1.2, for Canvas and others", ".zip", by_items(qti.write), qti_read.read),
            Format("moodle", "Moodle XML", ".xml", by_items(moodle.write), moodle_read.read),
            Format("gift", "GIFT, Moodle's text format", ".gift", by_items(gift.write), gift_read.read),
            Format("jupyterquiz", "questions in a notebook", ".json", by_items(jupyterquiz.write)),
            Format("html", "on paper, or the key with --key", ".html", printed),
            Format("toml", "a quiz file with the variants fixed", ".toml", by_items(toml)),
        )
    },
)


def export(quiz: Quiz, form: str, seed: int = 0, variants: int = 1, key: bool = False) -> Written:
    """A quiz in a format; randomised questions at the seeds `seed`, `seed + 1`, …; `key` is for paper, other files always hold it."""
    return FORMATS[form].write(quiz, seed, variants, key)


def import_file(path: str | Path) -> Taken:
    """The quiz in a file of another format, told by its content; SpecError says what is wrong with it."""
    name = os.path.basename(path)
    if Path(name).suffix.lower() not in EXTENSIONS:
        raise SpecError(f"Found '{shown(name)}', expected a file that ends in {', '.join(EXTENSIONS)}: Moodle XML, QTI 1.2 or GIFT.")
    try:
        data = read(path, MAX_TOTAL)
    except UnreadableError as error:
        raise SpecError(f"{error} Name a file in Moodle XML, GIFT or QTI 1.2.") from error
    return import_bytes(data, name)


def import_bytes(data: bytes, name: str = "file") -> Taken:
    """The quiz in the bytes of such a file."""
    form = told(data)
    reader = FORMATS[form].read
    assert reader is not None
    try:
        found = reader(data)
    except SpecError as error:
        raise SpecError(f"{name}: read as {FORMATS[form].about}: {error}") from error
    title = found.title.strip() or Path(name).stem
    text = draft.written(Draft(title, found.items, found.losses, found.text), name)
    return Taken(text, found.losses.sentences())


def told(data: bytes) -> str:
    """The format by how the bytes begin: an archive, XML with one root or the other, else GIFT."""
    if data.startswith(b"PK"):
        return "qti"
    start = data[:4096].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if not start.startswith(b"<"):
        return "gift"
    return "qti" if b"<questestinterop" in start or b"<manifest" in start else "moodle"
