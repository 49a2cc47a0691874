"""A quiz as text: what a student sees at a seed, with the key only where it is asked for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from dosegrade.quiz.byhand import Hand
from dosegrade.quiz.kinds import Code, Field, Question, Variant
from dosegrade.quiz.question import Quiz
from dosegrade.quiz.texts import show as number_words
from dosegrade.steps import Line

WIDTH = 110


def show(quiz: Quiz, seed: int = 0, key: bool = False) -> str:
    """The quiz; `key` adds answers and worked solutions."""
    lines = [quiz.title, "=" * len(quiz.title), *([quiz.text.strip()] if quiz.text.strip() else [])]
    for question in quiz.questions:
        lines.append("")
        lines += code_lines(question, key) if isinstance(question, Code) else typed_lines(question, question.variant(seed), key)
    return "\n".join(lines)


def head(question: Code | Question[Any]) -> str:
    """`q1. Deep Q-network (4 points)`."""
    points = f"{question.max_score:g} point{'' if question.max_score == 1 else 's'}"
    return f"{question.id}. {question.title} ({points})" if question.title else f"{question.id} ({points})"


def typed_lines(question: Question[Any], variant: Variant[Any], key: bool) -> list[str]:
    """One question answered by choosing or typing."""
    lines = [head(question), *indented(variant.text)]
    for field in question.fields(variant):
        lines += [f"    {line}" for line in field_lines(field)]
    return [*lines, *key_lines(question, variant)] if key else lines


def field_lines(field: Field) -> Iterator[str]:
    """What one input takes: its options, rows and columns, and how to type it."""
    name = f"{field.key}: " if field.key else ""
    for word, heads in (("rows", field.rows), ("columns", field.columns)):
        if not all(head.isdigit() or not head for head in heads):
            yield f"{name}{word}: {'; '.join(heads)}"
    for letter, text in field.options:
        yield f"{name}{letter}" if letter == text else f"{name}{letter}  {text.strip()}"
    if field.help:
        yield f"{name}[{field.widget}: {field.help}]"


def key_lines(question: Question[Any], variant: Variant[Any]) -> list[str]:
    """The answer, its worked solution, the hints, and what wrong answers are recognised."""
    lines = [f"    Answer: {question.right(variant)}"]
    if variant.solution.strip():
        lines += indented(f"Solution: {variant.solution.strip()}")
    lines += [f"      {line}" for line in worked_lines(variant)]
    for number, hint in enumerate(variant.hints, 1):
        lines += indented(f"Hint {number}: {hint}")
    return lines + [f"    {line}" for line in distractor_lines(question, variant)]


def distractor_lines(question: Question[Any], variant: Variant[Any]) -> list[str]:
    """A line for each distractor, `2.79 earns 50 %: Q09 index-for-value, …`, and the derivation's mistakes that the numbers tell."""
    lines: list[str] = []
    for example in question.examples(variant):
        report = question.grade(variant, example.raw)
        if report.diagnoses and example.share is not None:
            typed = number_words(example.raw) if isinstance(example.raw, int | float | list) else str(example.raw)
            named = "; or ".join(f"{d.code} {d.name}: {d.hint}" for d in report.diagnoses)
            lines.append(f"Distractor {typed} earns {report.score / question.max_score:.0%}: {named}")
    told = mistakes_told(variant)
    return [*dict.fromkeys(lines), *([f"Mistakes that these numbers tell: {', '.join(told)}"] if told else [])]


def mistakes_told(variant: Variant[Any]) -> tuple[str, ...]:
    """The codes of the derivation's mistakes that differ from the truth beyond its tolerance."""
    worked = getattr(variant.key, "worked", variant.key)
    return tuple(sorted({code for m in getattr(worked, "told", ()) for code in m.codes}))


def worked_lines(variant: Variant[Any]) -> list[str]:
    """The derivation behind an answer, a formula and its result a line; nothing where there is none."""
    return [f"${line.formula}$ = {number_words(line.result)}" for line in worked(variant)]


def worked(variant: Variant[Any]) -> tuple[Line, ...]:
    """The derivation behind an answer, for a page."""
    hand = getattr(variant.key, "hand", None)
    return hand.worked() if isinstance(hand, Hand) else ()


def code_lines(question: Code, key: bool) -> list[str]:
    """One question answered by code."""
    signature = f"{question.function}({', '.join(p.name for p in question.built.arguments)})"
    lines = [head(question), *indented(question.text), f"    [code: {signature} → {', '.join(question.built.promised)}]"]
    return [*lines, "    Answer: graded by its cases"] if key else lines


def indented(text: str) -> list[str]:
    """A text's paragraphs, filled and indented; lines that are indented already stay as they are."""
    lines: list[str] = []
    for paragraph in text.strip("\n").split("\n\n"):
        verbatim = paragraph.startswith("    ")
        lines += (
            paragraph.split("\n") if verbatim else textwrap.wrap(paragraph.strip(), WIDTH, break_long_words=False, break_on_hyphens=False)
        )
        lines.append("")
    return [f"    {line}".rstrip() for line in lines[:-1]]
