"""What a student starts from: the function's signature, the shapes of what it gets and of what it promises."""

from __future__ import annotations

from textwrap import wrap

from dosegrade.grading.exercises import Exercise, Port
from dosegrade.quiz.kinds import Code

WIDTH = 60


def starter(code: Code) -> str:
    """The function of a code question, to be filled in."""
    exercise = code.built
    arguments = ", ".join(port.name for port in exercise.arguments)
    body = [*described("given", exercise.arguments), *promised(exercise)]
    return "\n".join(["import numpy as np", "", "", f"def {code.function}({arguments}):", '    """', *body, '    """', "    ..."])


def described(head: str, ports: tuple[Port, ...]) -> list[str]:
    """A line a name: its shape and meaning."""
    wide = max(len(port.name) for port in ports)
    lines = [f"    {head}:"]
    for port in ports:
        words = f"{port.described}{', ' + port.meaning if port.meaning else ''}"
        first, *rest = wrap(words, WIDTH - wide - 8) or [""]
        lines += [f"      {port.name:{wide}}  {first}", *(f"      {'':{wide}}  {line}" for line in rest)]
    return lines


def promised(exercise: Exercise) -> list[str]:
    """What is returned: one array, or a dict by name."""
    if exercise.single:
        return [f"    returns: {exercise.returns[0].described}"]
    return described("returns a dict", exercise.returns)
