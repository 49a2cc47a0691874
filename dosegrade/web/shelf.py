"""The quizzes that the pages offer: those that ship and those in the folder that the operator names in DOSEGRADE_QUIZZES.

A page names a quiz by its id only, never by a path: what a visitor types never opens a file.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from dosegrade.errors import SpecError
from dosegrade.quiz.question import Quiz, load, shipped

FOLDER = "DOSEGRADE_QUIZZES"


def files() -> dict[str, Path]:
    """The quiz files by id; one of the operator's own hides one that ships."""
    own = os.environ.get(FOLDER, "")
    return shipped() | ({path.stem: path for path in sorted(Path(own).glob("*.toml"))} if own else {})


def quizzes() -> dict[str, Quiz]:
    """All that can be read, by id; `dosegrade validate` says what is wrong with the others."""
    found = {}
    for name, path in files().items():
        quiz = _read(path, path.stat().st_mtime_ns)
        if quiz is not None:
            found[name] = quiz
    return found


@lru_cache(maxsize=128)
def _read(path: Path, changed: int) -> Quiz | None:
    try:
        return load(path)
    except SpecError:
        return None
