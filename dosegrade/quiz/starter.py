"""Starter files for a student: answers.toml with a commented line an answer, solution.py with the functions to write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dosegrade.grading.exercises import Port
from dosegrade.quiz.kinds import Code, Field, Question
from dosegrade.quiz.question import Quiz


def files(quiz: Quiz, seed: int) -> dict[str, str]:
    """The files by name; only those that the quiz needs."""
    made = {}
    if quiz.typed:
        made["answers.toml"] = "\n".join(answer_lines(quiz, seed)) + "\n"
    if quiz.codes:
        made["solution.py"] = f'"""{quiz.title}: write the functions below."""\n\nimport numpy as np\n' + "".join(
            function(code) for code in quiz.codes
        )
    return made


def answer_lines(quiz: Quiz, seed: int) -> Iterator[str]:
    """answers.toml, line by line."""
    yield f"# {quiz.title} ({quiz.id}, seed {seed})"
    yield f"# The questions: dosegrade show {quiz.id} --seed {seed}"
    yield "# Take the # off a line and put your answer in place of the one that stands there."
    yield ""
    yield "[answers]"
    for question in quiz.typed:
        yield ""
        yield f"# {question.id}: {question.title or question.kind}"
        for field in question.fields(question.variant(seed)):
            yield from placeholder(question, field)


def placeholder(question: Question[Any], field: Field) -> Iterator[str]:
    """One input's line, with what it takes."""
    takes = f"one of {', '.join(letter for letter, _ in field.options)}" if field.options and not field.help else field.help
    if takes:
        yield f"#   {takes}"
    key = field.key if field.key.isascii() and field.key.isidentifier() else json.dumps(field.key, ensure_ascii=False)
    name = f"{question.id}.{key}" if field.key else question.id
    yield f"# {name} = {json.dumps(example(field), ensure_ascii=False)}"


def example(field: Field) -> Any:
    """A value of the right form, the same whatever the answer is."""
    if field.widget == "grid":
        cell = field.options[0][0] if field.options else 0.0
        return [[cell] * len(field.columns)] * len(field.rows) if any(field.columns) else [cell] * len(field.rows)
    if field.widget in ("choice", "choices"):
        first = field.options[0][0]
        return [first] if field.widget == "choices" else first == "true" if first in ("true", "false") else first
    return 0.0 if field.widget == "number" else "…"


def function(code: Code) -> str:
    """A function to write, its arguments and promises in the docstring."""
    made = code.built
    lines = [f"def {code.function}({', '.join(port.name for port in made.arguments)}):", f'    """{code.title or code.id}.', ""]
    lines += ["    Arguments", *[f"        {port_line(port)}" for port in made.arguments], ""]
    lines.append("    Returns the array" if made.single else "    Returns a dict with")
    lines += [f"        {port_line(port)}" for port in made.returns]
    return "\n\n" + "\n".join([*lines, '    """', "    raise NotImplementedError"]) + "\n"


def port_line(port: Port) -> str:
    """`W1: array (2, 3), kernel of layer 1`."""
    shape = "" if not port.shape and port.meaning.startswith(("a ", "the ")) and "dict" in port.meaning else f"{port.described}, "
    return f"{port.name}: {shape}{port.meaning}".rstrip(", :")
