"""Tells the author of a quiz everything that is wrong with it, the mistakes that its cases cannot show or tell apart included."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dosegrade.errors import SpecError
from dosegrade.quiz.kinds import Code, Question
from dosegrade.quiz.question import parse, read

SEEDS = (0, 1, 2)


def findings(path: str | Path) -> list[str]:
    """One sentence a finding; SpecError where the file cannot be read at all."""
    file, table, source = read(path)
    try:
        quiz = parse(file.stem, table, source, file.name)
    except SpecError as error:
        return refusals(table, file.name) or [str(error)]
    found: list[str] = []
    for question in quiz.questions:
        said = code_findings(question) if isinstance(question, Code) else typed_findings(question)
        found += [f"{quiz.id}: {question.id}: {finding}" for finding in said]
    return found


def refusals(table: Mapping[str, Any], where: str) -> list[str]:
    """What is wrong with each question by itself."""
    questions = table.get("questions")
    found = []
    for index, item in enumerate(questions if isinstance(questions, list) else ()):
        numbered = item if not isinstance(item, dict) or "id" in item else {"id": f"question-{index + 1}", **item}
        try:
            parse("quiz", {**table, "questions": [numbered]}, "", where)
        except SpecError as error:
            found.append(str(error))
    return list(dict.fromkeys(found))


def typed_findings(question: Question[Any]) -> list[str]:
    """What some seeds and the question's own tested ones show: no variant, or an example that is not marked as declared."""
    found: list[str] = []
    for seed in dict.fromkeys((*SEEDS, *question.seeds)):
        try:
            variant = question.variant(seed)
        except SpecError as error:
            return [f"seed {seed}: {error}"]
        report = question.grade(variant, question.right(variant))
        if report.verdict != "correct":
            found.append(f"seed {seed}: the right answer {question.right(variant)!r} earns {report.score:g} of {report.max_score:g}")
    return found + missing_parts(question)


def missing_parts(question: Question[Any]) -> list[str]:
    """What a good question has besides."""
    found = [] if question.solution else ["there is no worked solution; add solution = …"]
    if question.varies and len(question.seeds) < 5:
        found.append(f"found {len(question.seeds)} tested seeds, expected 5 or more; add seeds = [1, 2, 3, 4, 5]")
    return found


def code_findings(question: Code) -> list[str]:
    """What the cases of some seeds leave hidden or alike."""
    found: list[str] = []
    for seed in SEEDS:
        try:
            bank = question.bank(seed)
        except SpecError as error:
            return [str(error)]
        found += [f"seed {seed}: the cases cannot tell {one} from {other}" for one, other in bank.twins()]
    return found
