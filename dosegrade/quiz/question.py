"""Reads a quiz: its TOML file, strictly, and where quizzes are found."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosegrade.errors import SpecError
from dosegrade.quiz.kinds import KINDS, Code
from dosegrade.quiz.own import Own
from dosegrade.quiz.points import places
from dosegrade.registry import did_you_mean
from dosegrade.spec import build

if TYPE_CHECKING:
    from dosegrade.quiz.kinds import AnyQuestion, Question

RESERVED = ("student", "score", "max_score", "verdict", "report")


@dataclass(frozen=True)
class LimitsTable:
    """`[limits]`: seconds of CPU and wall time a code question, megabytes of memory (CONTRACT 2)."""

    cpu_seconds: float = 5.0
    wall_seconds: float = 10.0
    memory_mb: int = 512

    def __post_init__(self) -> None:
        for name, low, high in (("cpu_seconds", 0.1, 120), ("wall_seconds", 0.2, 300), ("memory_mb", 64, 4096)):
            if not low <= getattr(self, name) <= high:
                raise SpecError(f"{name}: found {getattr(self, name)}, expected a number from {low} to {high}.")


@dataclass(frozen=True)
class QuizTable:
    """The top of a quiz file."""

    title: str
    questions: tuple[Mapping[str, Any], ...]
    text: str = ""
    limits: LimitsTable = field(default_factory=LimitsTable)
    mistakes: Mapping[str, Own] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Quiz:
    """A quiz as read; `source` is its text, which resuming is keyed on."""

    id: str
    title: str
    text: str
    questions: tuple[AnyQuestion, ...]
    limits: LimitsTable
    source: str = field(repr=False, default="")

    @property
    def codes(self) -> tuple[Code, ...]:
        """The questions answered by a function."""
        return tuple(q for q in self.questions if isinstance(q, Code))

    @property
    def typed(self) -> tuple[Question[Any], ...]:
        """The questions answered by choosing or typing."""
        return tuple(q for q in self.questions if not isinstance(q, Code))

    @property
    def max_score(self) -> float:
        """All points."""
        return float(sum(q.max_score for q in self.questions))


def shipped() -> dict[str, Path]:
    """The shipped quizzes by id."""
    return {path.stem: path for place in reversed(places()) for path in sorted(place.glob("*.toml"))}


def load(quiz: str | Path) -> Quiz:
    """A quiz by its id or its file's path; SpecError says what is wrong and where."""
    path, table, source = read(quiz)
    return parse(path.stem, table, source, path.name)


def read(quiz: str | Path) -> tuple[Path, dict[str, Any], str]:
    """The file of a quiz, its table and its text; SpecError where there is none that is TOML."""
    path = Path(quiz)
    known = shipped()
    if isinstance(quiz, str) and quiz in known:
        path = known[quiz]
    elif path.suffix != ".toml" or not path.is_file():
        hint = did_you_mean(str(quiz), known)
        raise SpecError(f"There is no quiz '{quiz}'.{hint} Name one of {', '.join(known)}, or the path of a .toml file.")
    try:
        source = path.read_text(encoding="utf-8")
        table = tomllib.loads(source)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{path.name}: cannot be read as TOML: {error}") from error
    return path, table, source


def parse(name: str, table: Mapping[str, Any], source: str, where: str) -> Quiz:
    """A quiz from its table."""
    top = build(QuizTable, table, where)
    if not top.questions:
        raise SpecError(f"{where}: a quiz has at least one [[questions]] table.")
    shared = {"mistakes": top.mistakes, "seeds": list(top.seeds)}
    questions = tuple(question(item, index, where, shared) for index, item in enumerate(top.questions, 1))
    seen: set[str] = set()
    for q in questions:
        if q.id in seen:
            raise SpecError(f"{where}: the id '{q.id}' is used twice; ids are unique.")
        if q.id in RESERVED or not q.id.replace("-", "_").isidentifier():
            raise SpecError(f"{where}: the id '{q.id}' cannot be used: ids are letters, digits, _ and -, and not {', '.join(RESERVED)}.")
        seen.add(q.id)
    return Quiz(name, top.title, top.text, questions, top.limits, source)


def question(table: Mapping[str, Any], index: int, where: str, shared: Mapping[str, Any]) -> AnyQuestion:
    """One question by its kind; `shared` are the quiz's own mistakes and tested seeds."""
    name = f"{where}: question {index}"
    if isinstance(table.get("id"), str):
        name = f"{where}: question '{table['id']}'"
    if not isinstance(table.get("kind"), str):
        raise SpecError(f"{name}: the key 'kind' is missing; it is one of {', '.join(KINDS)}.")
    try:
        kind = KINDS[table["kind"]]
    except SpecError as error:
        raise SpecError(f"{name}: {error}") from None
    if kind is not Code:
        own = table.get("mistakes", {})
        table = {**shared, **table, "mistakes": {**shared["mistakes"], **own} if isinstance(own, dict) else own}
    return build(kind, table, name)
