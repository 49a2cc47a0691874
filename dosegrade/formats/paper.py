"""A quiz on paper: one page of HTML that needs nothing else, for students or, as a key, with answers and worked solutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosegrade.formats import markup
from dosegrade.formats.items import tidy
from dosegrade.formats.mathml import mathml
from dosegrade.formats.sheet import check_variants
from dosegrade.grading.render import points
from dosegrade.quiz.kinds import Code, Field, Question, Variant
from dosegrade.quiz.kinds.numbers import Number
from dosegrade.quiz.question import Quiz
from dosegrade.quiz.show import worked_lines

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Task:
    """One question as it is printed."""

    id: str
    title: str
    points: float
    text: str
    fields: tuple[Field, ...] = ()
    code: str = ""
    answer: tuple[str, ...] = ()
    solution: str = ""
    lines: tuple[str, ...] = ()


def write(quiz: Quiz, seed: int, variants: int, key: bool) -> bytes:
    """The page: every seed's quiz on sheets of its own."""
    check_variants(seed, variants)
    varies = any(question.varies for question in quiz.typed)
    seeds = range(seed, seed + (variants if varies else 1))
    sheets = [(each, [task(question, each, key) for question in quiz.questions]) for each in seeds]
    page = templates().get_template("paper.html").render(quiz=quiz, sheets=sheets, varies=varies, key=key)
    return tidy(page).encode()


@cache
def templates() -> Environment:
    """The page's template; what is put in is escaped, formulas are set as MathML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    place = FileSystemLoader(Path(__file__).parent / "templates")
    made = Environment(loader=place, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["rich"] = lambda text: Markup(markup.html(tidy(str(text)), mathml))
    made.filters["inline"] = lambda text: Markup(markup.line(tidy(str(text)), mathml))
    made.globals["points"] = points
    return made


def task(question: Code | Question[Any], seed: int, key: bool) -> Task:
    """A question at a seed; nothing of the key is in it unless it is asked for."""
    if isinstance(question, Code):
        return code_task(question, key)
    variant = question.variant(seed)
    fields = tuple(replace(field, options=by_letter(field)) for field in question.fields(variant))
    plain = Task(question.id, question.title, question.points, variant.text, fields)
    if not key:
        return plain
    lines = tuple(worked_lines(variant))
    return replace(plain, answer=answer(question, variant), solution=variant.solution, lines=lines)


def by_letter(field: Field) -> tuple[tuple[str, str], ...]:
    """The options in the order of their letters."""
    return tuple(sorted(field.options)) if all(len(name) == 1 for name, _ in field.options) else field.options


def code_task(question: Code, key: bool) -> Task:
    """A question answered by a function."""
    signature = f"{question.function}({', '.join(p.name for p in question.built.arguments)}) → {', '.join(question.built.promised)}"
    said = ("Marked by running it: dosegrade check.",) if key else ()
    return Task(question.id, question.title, question.max_score, question.text, code=signature, answer=said)


def answer(question: Question[Any], variant: Variant[Any]) -> tuple[str, ...]:
    """The right answer, line by line."""
    right = question.right(variant)
    if isinstance(question, Number) and not question.integer:
        return (f"{right} ± {float(variant.key.tolerance):.2g}{' ' + question.unit if question.unit else ''}",)
    texts = {name: text for field in question.fields(variant) for name, text in field.options}
    if isinstance(right, Mapping):
        return tuple(("" if name == "answer" else f"{name}: ") + shown(value, texts) for name, value in right.items())
    fields = question.fields(variant)
    if isinstance(right, list) and fields[0].rows and len(fields[0].rows) == len(right):
        return tuple(f"{row}: {shown(value, texts)}" for row, value in zip(fields[0].rows, right, strict=True))
    if isinstance(right, list):
        return tuple(shown(value, texts) for value in right)
    return (shown(right, texts),)


def shown(value: Any, texts: Mapping[str, str]) -> str:
    """An answer in words: an option with its text."""
    word = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{word}: {texts[word]}" if word in texts and texts[word] != word else word
